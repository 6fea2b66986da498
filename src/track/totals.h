/* track/totals.h: what each thread made at each site since the start, and how much of it was soon gone.
 *
 * Room   track; target, inside malloc.
 * Method A row for each thread, domain and site, found by their numbers, in chunks that are mapped when
 *        a thread first comes to one of their sites. Whoever counts for a thread is that thread, mostly,
 *        so that no two write to one row; rows of thread 0 are everybody's.
 * Knows  rt.  Must not know  Python, stacks. */
#ifndef HL_TOTALS_H
#define HL_TOTALS_H

#include "track/track.h"

#include <stddef.h>

enum {
    HL_TOTALS_CHUNK_BITS = 12,
    HL_TOTALS_CHUNK = 1 << HL_TOTALS_CHUNK_BITS,
    HL_WITHIN = 6, /* windows: freed within 2, 4, ... 2^HL_WITHIN allocations */
};

/* bytes and blocks of realloc are counted as made anew. */
typedef struct hl_made {
    uint64_t blocks, bytes;
    uint64_t brief_blocks, brief_bytes; /* freed before the thread made the next block */
} hl_made;

/* Of those that are not brief: freed within 2 allocations, within 4 and not 2, ... */
typedef struct hl_within {
    uint64_t blocks[HL_WITHIN], bytes[HL_WITHIN];
} hl_within;

typedef struct hl_totals_chunk {
    hl_made made[HL_TOTALS_CHUNK];
    hl_within within[HL_TOTALS_CHUNK]; /* pages that exist only where windows are counted */
} hl_totals_chunk;

typedef struct hl_totals {
    uint32_t whos, n_chunks; /* there are none at these and beyond; atomic */
    /* published with release, never taken back */
    hl_totals_chunk *chunks[HL_WHOS][HL_DOMAINS][HL_SITES_MAX >> HL_TOTALS_CHUNK_BITS];
} hl_totals;

static inline hl_totals_chunk *hl_totals_chunk_at(const hl_totals *t, uint32_t who,
                                                  enum hl_domain domain, uint32_t site)
{
    return __atomic_load_n(&t->chunks[who][domain][site >> HL_TOTALS_CHUNK_BITS], __ATOMIC_ACQUIRE);
}

/* The slow half: NULL without memory. */
hl_totals_chunk *hl_totals_new(hl_totals *t, uint32_t who, enum hl_domain domain, uint32_t site);

/* Where a thread's totals of a site are, or NULL: there was no memory for them. */
static inline hl_made *hl_made_at(hl_totals *t, uint32_t who, enum hl_domain domain, uint32_t site)
{
    hl_totals_chunk *chunk = hl_totals_chunk_at(t, who, domain, site);
    if (__builtin_expect(!chunk, 0))
        chunk = hl_totals_new(t, who, domain, site);
    return chunk ? &chunk->made[site & (HL_TOTALS_CHUNK - 1)] : NULL;
}

/* To read: NULL where nothing was made. */
static inline const hl_made *hl_made_look(const hl_totals *t, uint32_t who, enum hl_domain domain,
                                          uint32_t site)
{
    const hl_totals_chunk *chunk = hl_totals_chunk_at(t, who, domain, site);
    return chunk ? &chunk->made[site & (HL_TOTALS_CHUNK - 1)] : NULL;
}
static inline const hl_within *hl_within_look(const hl_totals *t, uint32_t who,
                                              enum hl_domain domain, uint32_t site)
{
    const hl_totals_chunk *chunk = hl_totals_chunk_at(t, who, domain, site);
    return chunk ? &chunk->within[site & (HL_TOTALS_CHUNK - 1)] : NULL;
}

/* One block was freed within so many allocations of its thread: 2 to 2^HL_WITHIN. */
void hl_within_add(hl_totals *t, uint32_t who, enum hl_domain domain, uint32_t site,
                   unsigned allocations, uint64_t bytes);
/* A thread's number is about to be another's: what it made counts as thread 0's. */
void hl_totals_fold(hl_totals *t, uint32_t who);
/* Forgets all; chunks stay. */
void hl_totals_zero(hl_totals *t);
void hl_totals_deinit(hl_totals *t);

#endif
