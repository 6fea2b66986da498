/* diagnose/uses.h: what code does to names, for uses.c, kept_limit.c and pending_task.c.
 *
 * Room   diagnose, these files only; hl_uses and hl_known_as are in case.h. */
#ifndef HL_USES_H
#define HL_USES_H

#include "diagnose/case.h"

/* What the code does to the name in that scope: bits of enum hl_use. */
uint32_t hl_bits_of(const hl_snap *s, const hl_snap_code *row, enum hl_use_scope scope,
                    const char *name);

/* Does class or a base of it have the function in its namespace? Bounded by its namespaces. */
bool hl_class_has(const hl_case *c, hl_node type, hl_node function);

/* Does a method mind the length of the object it is of (`len(self)`), which is that of the holder,
 * as the object's own __len__ says? */
bool hl_minds_owner(const hl_case *c, const hl_known_as *as, const hl_snap_code *row);
/* The bits of code that minds the holder's length, without what it would do at a limit that is
 * switched off; out->off is then the name of that. */
uint32_t hl_without_limit(const hl_case *c, const hl_known_as *as, hl_node f,
                          const hl_snap_code *row, uint32_t bits, hl_uses *out);
/* A dict or list with methods of its own: out->guard, if one of them minds how many entries it has. */
void hl_uses_of_self(const hl_case *c, hl_node holder, hl_uses *out);
/* The name of the limit beside the holder, or beside another container of its owner that is as long
 * and has one; NULL: there is none, or it is exceeded. names: what the holder is known as. */
const char *hl_limit_of(const hl_case *c, hl_node holder, const hl_known_as *names, uint32_t n);

#endif
