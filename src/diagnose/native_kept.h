/* diagnose/native_kept.h: whose the memory outside of all objects is, in an ordinary run, for diagnose.c.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_NATIVE_KEPT_H
#define HL_NATIVE_KEPT_H

#include "diagnose/case.h"

/* Fills c->native_by, where malloc was followed by samples and most of what came was asked for by one
 * library. */
hl_status hl_native_kept_find(hl_case *c, hl_err *err) HL_MUST_CHECK;

#endif
