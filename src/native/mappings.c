/* native/mappings.c: the table of mappings.
 *
 * Room   native; target, inside mmap.
 * Method Highest first: the kernel gives addresses from the top down, so that a new one mostly comes last.
 * Must not know  who asks. */
#include "native/mappings.h"

#include <string.h>

/* The first that begins below `end`. */
static uint32_t find(const hl_mappings *m, uintptr_t end)
{
    uint32_t from = 0, to = m->n;
    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        if (m->of[mid].from >= end)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static void count(hl_mappings *m, const hl_mapping *of, int sign)
{
    __atomic_add_fetch(&m->bytes, sign * (int64_t)(of->end - of->from), __ATOMIC_RELAXED);
}

static void insert(hl_mappings *m, uint32_t i, hl_mapping mapping)
{
    if (m->n == HL_MAPPINGS_MAX) {
        m->lost++;
        return;
    }
    memmove(&m->of[i + 1], &m->of[i], (m->n - i) * sizeof *m->of);
    m->of[i] = mapping;
    m->n++;
    count(m, &mapping, 1);
}

uint64_t hl_mappings_cut(hl_mappings *m, uintptr_t from, uintptr_t end)
{
    uint32_t i = find(m, end), k = i;
    hl_mapping above = {0, 0, 0}, below = {0, 0, 0}; /* what stays of the outer ones */
    for (; k < m->n && m->of[k].end > from; k++) {
        const hl_mapping *of = &m->of[k];
        count(m, of, -1);
        if (of->end > end)
            above = (hl_mapping){end, of->end, of->by};
        if (of->from < from)
            below = (hl_mapping){of->from, from, of->by};
    }
    uint64_t by = k > i ? m->of[i].by : 0;
    if (k > i) {
        memmove(&m->of[i], &m->of[k], (m->n - k) * sizeof *m->of);
        m->n -= k - i;
    }
    if (below.by)
        insert(m, i, below);
    if (above.by)
        insert(m, i, above);
    return by;
}

void hl_mappings_put(hl_mappings *m, uintptr_t from, uintptr_t end, uint64_t by)
{
    hl_mappings_cut(m, from, end);
    insert(m, find(m, end), (hl_mapping){from, end, by});
}
