/* track/tally.h: what lives, summed up by who made it.
 *
 * Room   track; target or its cloned child.
 * Takes  blocks, mostly many of one maker in a row.   Gives  rows {by, blocks, bytes}. */
#ifndef HL_TALLY_H
#define HL_TALLY_H

#include "track/track.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hl_tally_row {
    uint64_t by; /* track.h; 0: a free place */
    uint64_t blocks, bytes;
    double variance; /* of bytes, if they are an estimate */
} hl_tally_row;

typedef struct hl_tally {
    hl_tally_row *rows; /* open addressing, a power of two */
    size_t n, room;
    hl_tally_row *last;
    uint64_t lost; /* blocks there was no room for */
} hl_tally;

bool hl_tally_init(hl_tally *t);
hl_tally_row *hl_tally_find(hl_tally *t, uint64_t by); /* made if there is none; NULL: no memory */

static inline void hl_tally_add(hl_tally *t, uint64_t by, uint64_t blocks, uint64_t bytes)
{
    hl_tally_row *row = t->last;
    if (__builtin_expect(row->by != by, 0)) {
        row = hl_tally_find(t, by);
        if (!row) {
            t->lost += blocks;
            return;
        }
        t->last = row;
    }
    row->blocks += blocks;
    row->bytes += bytes;
}
static inline void hl_tally_vary(hl_tally *t, uint64_t by, double variance)
{
    if (t->last->by == by)
        t->last->variance += variance;
}
void hl_tally_deinit(hl_tally *t);

#endif
