/* diagnose/made.h: who made what is there, where allocations were followed.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_MADE_H
#define HL_MADE_H

#include "diagnose/case.h"

/* Fills allocated_at: the lines that made what the holder keeps, those that grew, most bytes first.
 * Nothing where allocations were not followed. */
void hl_finding_made(hl_case *c, hl_finding *f, const hl_suspect *s);
/* The same of these nodes and what they dominate. since: the moment the growth began. */
void hl_finding_made_of(hl_case *c, hl_finding *f, const hl_node *members, uint32_t n,
                        uint32_t since);
/* "load (lib.py:7) < main (app.py:9)": the stack that made an object; NULL: not known. */
const char *hl_made_text(const hl_snap *s, hl_node v, hl_arena *arena);

#endif
