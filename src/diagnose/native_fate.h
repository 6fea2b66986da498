/* diagnose/native_fate.h: what leads to the blocks or objects of a finding, in words.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_NATIVE_FATE_H
#define HL_NATIVE_FATE_H

#include "diagnose/case.h"
#include "diagnose/native_sites.h"

enum { HL_HELD_BY_TOLD = 4 };

/* One more holder of f's: of a snapshot s, which need not outlive this. */
void hl_fate_add(hl_case *c, hl_finding *f, const hl_snap *s, const hl_snap_hold *hold,
                 hl_symbols *symbols);
/* Objects of a finding, in c's snapshot: who of C's has a pointer to each, and which of them nobody has. */
void hl_fate_of_nodes(hl_case *c, hl_finding *f, const hl_node *members, uint32_t n);
/* "the variable `x` of y.so holds", "objects of type T hold". */
const char *hl_fate_holds(hl_case *c, const hl_held_by *by);
/* From what is lost and kept: its state. */
void hl_fate_settle(hl_finding *f, uint64_t lost, uint64_t kept);
static inline bool hl_fate_is(const hl_finding *f, const char *state)
{
    return f->reach.state && !__builtin_strcmp(f->reach.state, state);
}

/* Small blocks, most of them objects no collector lists (bytes, str, int), that nothing leads to any more
 * and that become more with each call: findings. series: bytes of those, a value a moment. */
hl_status hl_lost_objects(hl_case *c, hl_arena *scratch, uint64_t *series,
                          hl_err *err) HL_MUST_CHECK;

#endif
