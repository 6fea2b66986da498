/* report/stack_sums.h: what the formats of allocations share.
 *
 * Room   report, its own files only. */
#ifndef HL_STACK_SUMS_H
#define HL_STACK_SUMS_H

#include "base/arena.h"
#include "report/writer.h"

typedef struct hl_stack_sum {
    uint64_t blocks, bytes;
} hl_stack_sum;
/* Of each stack, over threads and domains, what is asked about; NULL without memory. */
hl_stack_sum *hl_stack_sums(const hl_stacks *s, hl_arena *arena);

#endif
