/* native/mappings.c: the table of mappings.
 *
 * Room   native; target, inside mmap.
 * Must not know  who asks. */
#include "native/mappings.h"

#include <string.h>

/* The first that ends above `at`. */
static uint32_t find(const hl_mappings *m, uintptr_t at)
{
    uint32_t from = 0, to = m->n;
    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        if (m->of[mid].end <= at)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static void insert(hl_mappings *m, uint32_t i, hl_mapping mapping)
{
    if (m->n == HL_MAPPINGS_MAX) {
        m->lost++;
        return;
    }
    __atomic_add_fetch(&m->bytes, (int64_t)(mapping.end - mapping.from), __ATOMIC_RELAXED);
    memmove(&m->of[i + 1], &m->of[i], (m->n - i) * sizeof *m->of);
    m->of[i] = mapping;
    m->n++;
}

static void goes(hl_mappings *m, uintptr_t from, uintptr_t end)
{
    __atomic_sub_fetch(&m->bytes, (int64_t)(end - from), __ATOMIC_RELAXED);
}

uint64_t hl_mappings_cut(hl_mappings *m, uintptr_t from, uintptr_t end)
{
    uint32_t i = find(m, from);
    uint64_t by = i < m->n && m->of[i].from < end ? m->of[i].by : 0;
    if (i < m->n && m->of[i].from < from) { /* what lies before stays */
        hl_mapping after = {end, m->of[i].end, m->of[i].by};
        goes(m, from, after.end);
        m->of[i++].end = from;
        if (after.end > end) {
            insert(m, i, after);
            return by;
        }
    }
    uint32_t k = i;
    for (; k < m->n && m->of[k].end <= end; k++)
        goes(m, m->of[k].from, m->of[k].end);
    if (k < m->n && m->of[k].from < end) { /* so does what lies behind */
        goes(m, m->of[k].from, end);
        m->of[k].from = end;
    }
    memmove(&m->of[i], &m->of[k], (m->n - k) * sizeof *m->of);
    m->n -= k - i;
    return by;
}

void hl_mappings_put(hl_mappings *m, uintptr_t from, uintptr_t end, uint64_t by)
{
    hl_mappings_cut(m, from, end);
    insert(m, find(m, from), (hl_mapping){from, end, by});
}
