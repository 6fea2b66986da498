/* diagnose/known_find.h: knowledge of libraries as data: whose container this is, and what to do.
 *
 * Room   diagnose; known.def has the rows. */
#ifndef HL_KNOWN_FIND_H
#define HL_KNOWN_FIND_H

#include "base/arena.h"
#include "model/finding.h"
#include "model/known.h"

#include <stdbool.h>
#include <stdint.h>

/* The row for a holder, or NULL: by its name as people write it, its type, or the end of the chain
 * of n steps that leads to it: what owns it, and what owns that. */
const hl_known *hl_known_find(const char *name, const char *type, const hl_chain_step *steps,
                              uint32_t n);
/* Says in a finding what is known of its holder. */
void hl_known_apply(hl_arena *arena, hl_finding *f);

#endif
