/* track/totals.c: chunks of totals, made, emptied and put together.
 *
 * Room   track; target, inside malloc.
 * Takes  numbers of threads, domains and sites.   Gives  rows (totals.h).
 * Knows  rt.  Must not know  Python, stacks. */
#define _GNU_SOURCE
#include "track/totals.h"

#include "rt/rt.h"

#include <string.h>
#include <sys/mman.h>

static void rise(uint32_t *to, uint32_t n)
{
    uint32_t now = __atomic_load_n(to, __ATOMIC_RELAXED);
    while (now < n &&
           !__atomic_compare_exchange_n(to, &now, n, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

hl_totals_chunk *hl_totals_new(hl_totals *t, uint32_t who, enum hl_domain domain, uint32_t site)
{
    hl_totals_chunk **at = &t->chunks[who][domain][site >> HL_TOTALS_CHUNK_BITS];
    hl_totals_chunk *there = NULL, *chunk = hl_pages_map(sizeof *chunk);
    rise(&t->whos, who + 1);
    rise(&t->n_chunks, (site >> HL_TOTALS_CHUNK_BITS) + 1);
    if (chunk &&
        !__atomic_compare_exchange_n(at, &there, chunk, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        hl_pages_unmap(chunk, sizeof *chunk); /* another thread was faster, of number 0 */
    return there ? there : chunk;
}

void hl_within_add(hl_totals *t, uint32_t who, enum hl_domain domain, uint32_t site,
                   unsigned allocations, uint64_t bytes)
{
    hl_totals_chunk *chunk = hl_totals_chunk_at(t, who, domain, site);
    if (!chunk)
        return; /* there was no memory for what it made */
    hl_within *row = &chunk->within[site & (HL_TOTALS_CHUNK - 1)];
    unsigned window = 31u - (unsigned)__builtin_clz(allocations - 1);
    __atomic_fetch_add(&row->blocks[window], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&row->bytes[window], bytes, __ATOMIC_RELAXED);
}

/* Rows are sums of 64 bits and nothing else. */
static void add(uint64_t *to, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (from[i])
            __atomic_fetch_add(&to[i], from[i], __ATOMIC_RELAXED);
}

void hl_totals_fold(hl_totals *t, uint32_t who)
{
    for (int d = 0; who && d < HL_DOMAINS; d++)
        for (uint32_t c = 0; c < t->n_chunks; c++) {
            hl_totals_chunk *from = t->chunks[who][d][c], *to = t->chunks[0][d][c];
            if (!from)
                continue;
            if (!to)
                to = hl_totals_new(t, 0, (enum hl_domain)d, c << HL_TOTALS_CHUNK_BITS);
            if (to)
                add((uint64_t *)to, (const uint64_t *)from, sizeof *to / sizeof(uint64_t));
            (void)madvise(from, sizeof *from, MADV_DONTNEED);
        }
}

void hl_totals_zero(hl_totals *t)
{
    for (uint32_t who = 0; who < t->whos; who++)
        for (int d = 0; d < HL_DOMAINS; d++)
            for (uint32_t c = 0; c < t->n_chunks; c++)
                if (t->chunks[who][d][c])
                    (void)madvise(t->chunks[who][d][c], sizeof(hl_totals_chunk), MADV_DONTNEED);
}

void hl_totals_deinit(hl_totals *t)
{
    for (uint32_t who = 0; who < t->whos; who++)
        for (int d = 0; d < HL_DOMAINS; d++)
            for (uint32_t c = 0; c < t->n_chunks; c++) {
                hl_pages_unmap(t->chunks[who][d][c], sizeof(hl_totals_chunk));
                t->chunks[who][d][c] = NULL;
            }
}
