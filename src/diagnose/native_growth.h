/* diagnose/native_growth.h: memory outside of all objects that grows, for growth.c and diagnose.c.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_NATIVE_GROWTH_H
#define HL_NATIVE_GROWTH_H

#include "diagnose/case.h"

/* Fills c->native if memory that is in no object grew to the last look at work, in every part of the
 * run, and by more than the objects did. */
hl_status hl_native_growth_find(hl_case *c, hl_err *err) HL_MUST_CHECK;
/* What is in no object came from one moment to another, and hardly any more from there to the end, though that
 * is more than so large a share of the work between them. */
bool hl_native_growth_had_stopped(const hl_case *c, uint32_t from, uint32_t to, double share);
/* Was half of what came gone when the program was over? */
bool hl_native_growth_fell(const hl_case *c);
/* Does the growth have the same course as c->native? */
bool hl_native_in_step(const hl_case *c, const hl_growth *g);
/* Is what the suspect gains C code's own, or does it have such objects? In the anchor. */
bool hl_native_keeps(const hl_case *c, const hl_suspect *s);

#endif
