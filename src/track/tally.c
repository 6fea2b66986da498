/* track/tally.c: the table behind a tally.
 *
 * Room   track; target or its cloned child.
 * Takes  makers.   Gives  their rows (tally.h).
 * Knows  rt.  Must not know  stacks. */
#include "track/tally.h"

#include "rt/rt.h"

#include <string.h>

enum { ROOM_FIRST = 1 << 12 };

static size_t place(const hl_tally *t, uint64_t by)
{
    return (size_t)(by * 0x9E3779B97F4A7C15ull >> 22) & (t->room - 1);
}

bool hl_tally_init(hl_tally *t)
{
    *t = (hl_tally){.rows = hl_pages_map(ROOM_FIRST * sizeof *t->rows), .room = ROOM_FIRST};
    t->last = t->rows;
    return t->rows != NULL;
}

static bool grow(hl_tally *t)
{
    hl_tally_row *before = t->rows, *wider = hl_pages_map(2 * t->room * sizeof *wider);
    size_t old = t->room;
    if (!wider)
        return false;
    t->rows = t->last = wider;
    t->room *= 2;
    for (size_t i = 0; i < old; i++) {
        if (!before[i].by)
            continue;
        size_t h = place(t, before[i].by);
        while (wider[h].by)
            h = (h + 1) & (t->room - 1);
        wider[h] = before[i];
    }
    hl_pages_unmap(before, old * sizeof *before);
    return true;
}

hl_tally_row *hl_tally_find(hl_tally *t, uint64_t by)
{
    for (;;) {
        size_t h = place(t, by);
        while (t->rows[h].by && t->rows[h].by != by)
            h = (h + 1) & (t->room - 1);
        if (t->rows[h].by)
            return &t->rows[h];
        if (2 * t->n < t->room || (!grow(t) && t->n + 1 < t->room)) {
            t->rows[h].by = by;
            t->n++;
            return &t->rows[h];
        }
        if (2 * t->n >= t->room)
            return NULL;
    }
}

void hl_tally_deinit(hl_tally *t)
{
    if (t->rows)
        hl_pages_unmap(t->rows, t->room * sizeof *t->rows);
    *t = (hl_tally){.n = 0};
}
