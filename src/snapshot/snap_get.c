/* snapshot/snap_get.c: questions about one node of a loaded snapshot.
 *
 * Room   snapshot; analyser process. Pure functions over hl_snap; tables are searched by halves. */
#include "snapshot/snapshot.h"

uint64_t hl_snap_address(const hl_snap *s, hl_node v)
{
    uint32_t prov = s->prov[v];
    uint64_t key = s->page_key[prov >> 8];
    return (key >> 1) << 12 | (uint64_t)(prov & 255) << 4 | (key & 1) << 3;
}

hl_node hl_snap_find_address(const hl_snap *s, uint64_t address)
{
    for (hl_node v = 0; v < s->nodes; v++)
        if (hl_snap_address(s, v) == address)
            return v;
    return HL_NO_NODE;
}

const char *hl_snap_type_name(const hl_snap *s, hl_node v)
{
    return s->names[s->types[s->type[v]].name];
}

const hl_snap_extra *hl_snap_extra_of(const hl_snap *s, hl_node v)
{
    if (!(s->flag[v] & HL_NODE_EXTRA))
        return NULL;
    uint32_t lo = 0, hi = s->n_extra;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->extra[mid].node < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n_extra && s->extra[lo].node == v ? &s->extra[lo] : NULL;
}

const hl_snap_code *hl_snap_code_of(const hl_snap *s, hl_node code)
{
    uint32_t lo = 0, hi = s->n_codes;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->codes[mid].node < code)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n_codes && s->codes[lo].node == code ? &s->codes[lo] : NULL;
}

const hl_snap_keys *hl_snap_keys_of(const hl_snap *s, hl_node v)
{
    uint32_t lo = 0, hi = s->n_keys;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->keys[mid].node < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n_keys && s->keys[lo].node == v ? &s->keys[lo] : NULL;
}

/* Who holds leaves lies about evenly among the others: from where v's would be, in growing steps,
 * until they are in [lo, hi). Millions are asked for one after the other. */
static void near_fold(const hl_snap *s, hl_node v, uint32_t *lo, uint32_t *hi)
{
    enum { STEP = 16 };
    const hl_snap_fold_row *f = s->folds;
    uint32_t n = s->n_folds, step = STEP;
    uint32_t at = n ? (uint32_t)((uint64_t)v * n / ((uint64_t)s->nodes + 1)) : 0;
    if (n && f[at].node < v) {
        for (; n - at > step && f[at + step].node < v; step *= 2)
            at += step;
        *lo = at;
        *hi = n - at > step ? at + step : n;
    } else {
        for (; at > step && f[at - step].node >= v; step *= 2)
            at -= step;
        *lo = at > step ? at - step : 0;
        *hi = at;
    }
}

uint32_t hl_snap_folds_of(const hl_snap *s, hl_node v, uint32_t *first)
{
    uint32_t lo, hi;
    near_fold(s, v, &lo, &hi);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->folds[mid].node < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    uint32_t end = lo;
    while (end < s->n_folds && s->folds[end].node == v)
        end++;
    *first = lo;
    return end - lo;
}

void hl_snap_lower(hl_snap *s, hl_node v)
{
    uint8_t *count = &s->refcnt.at[v];
    *count -= *count && *count != UINT8_MAX;
}
