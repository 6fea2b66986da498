/* diagnose/unheld.h: memory that is in no object anybody found, and grows.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_UNHELD_H
#define HL_UNHELD_H

#include "diagnose/case.h"

/* Finds the line whose memory outside of all objects grew most, in every part of the run, while
 * nothing else was found. Does nothing where allocations were not followed. */
hl_status hl_unheld_find(hl_case *c, hl_err *err) HL_MUST_CHECK;

#endif
