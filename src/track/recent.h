/* track/recent.h: the blocks a thread made last, to tell within how many allocations one is freed.
 *
 * Room   track; target, inside malloc; each thread has its own.
 * Method A ring of addresses in the order they were made, and for each hash of an address the newest
 *        that has it; each leads to the one before of the same hash. So the last HL_RECENT blocks are
 *        all found, and one that is older ends the search at once. */
#ifndef HL_RECENT_H
#define HL_RECENT_H

#include "track/totals.h"

#include <stdint.h>

enum { HL_RECENT = 1 << HL_WITHIN, HL_RECENT_HEADS = 256 };

typedef struct hl_recent {
    uint32_t made; /* number of the newest; they come round, and begin at HL_RECENT */
    uint32_t heads[HL_RECENT_HEADS];
    struct {
        uintptr_t at;
        uint32_t before;
    } ring[HL_RECENT];
} hl_recent;

static inline uint32_t *hl_recent_head(hl_recent *r, uintptr_t at)
{
    return &r->heads[(uint32_t)(at >> 4) * 0x9E3779B1u >> 24];
}

static inline void hl_recent_put(hl_recent *r, uintptr_t at)
{
    uint32_t *head = hl_recent_head(r, at), n = ++r->made;
    r->ring[n % HL_RECENT].at = at;
    r->ring[n % HL_RECENT].before = *head;
    *head = n;
}

/* Within how many allocations of this thread the block goes: 1, if it made none since; 0: more than
 * HL_RECENT, or it did not make it. */
static inline unsigned hl_recent_take(hl_recent *r, uintptr_t at)
{
    for (uint32_t n = *hl_recent_head(r, at); r->made - n < HL_RECENT;
         n = r->ring[n % HL_RECENT].before)
        if (r->ring[n % HL_RECENT].at == at) {
            r->ring[n % HL_RECENT].at = 0;
            return r->made - n + 1;
        }
    return 0;
}

#endif
