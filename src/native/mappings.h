/* native/mappings.h: memory that was asked of the kernel itself, and not given back: mmap and its kin.
 *
 * Room   native; target, inside mmap; one lock guards all.
 * There are few of them, so that each is known exactly. What is given back in part is known in part. */
#ifndef HL_MAPPINGS_H
#define HL_MAPPINGS_H

#include "track/lock.h"

#include <stddef.h>
#include <stdint.h>

enum { HL_MAPPINGS_MAX = 1 << 16 };

typedef struct hl_mapping {
    uintptr_t from, end;
    uint64_t by; /* as of a block: hl_native_by */
} hl_mapping;

typedef struct hl_mappings {
    hl_lock lock;
    uint32_t n;
    int64_t bytes;                  /* of all; atomic, to read it without the lock */
    uint64_t lost;                  /* there was no room for so many */
    hl_mapping of[HL_MAPPINGS_MAX]; /* highest first, apart from one another; by is not 0 */
} hl_mappings;

/* The lock is held. In place of what lay there. */
void hl_mappings_put(hl_mappings *m, uintptr_t from, uintptr_t end, uint64_t by);
/* The lock is held. Nothing lies there any more. `by` of the highest that did; 0: none did. */
uint64_t hl_mappings_cut(hl_mappings *m, uintptr_t from, uintptr_t end);

#endif
