/* snapshot/snap_mark.c: blocks that nothing leads to, and what holds others.
 *
 * Room   snapshot; analyser process.
 * Takes  a loader whose types, stacks and native stacks are known; for nodes, its rows.
 * Gives  what is lost, holders, in the snapshot's arena. Where it was not asked there are none. */
#define _GNU_SOURCE
#include "snapshot/snap_load.h"

#include <stdlib.h>

static const char NOT_THERE[] = "what is not in the table";

enum { LOST_BYTES_MIN = 4, HOLD_BYTES_MIN = 6, HELD_BYTES_MIN = 4, NOBODY_BYTES_MIN = 1 };

/* A kind that a later heaplens knows is memory of which nothing is known. */
static hl_snap_hold_by take_by(const hl_snap *s, hl_column_reader *r, bool *bad)
{
    uint64_t kind = hl_column_take(r), which = hl_column_take(r);
    hl_snap_hold_by by = {.at = hl_column_take(r)};
    uint64_t below = kind == HL_HOLD_DATA     ? s->n_modules
                     : kind == HL_HOLD_BLOCK  ? s->n_natives
                     : kind == HL_HOLD_OBJECT ? s->n_types + UINT64_C(1)
                                              : 0;
    if (kind >= HL_HOLD_KINDS || !below) {
        by.kind = kind == HL_HOLD_STACK ? HL_HOLD_STACK : HL_HOLD_OTHER;
        return by;
    }
    *bad |= which >= below;
    by.kind = (enum hl_hold_kind)kind;
    by.which = which < below ? (uint32_t)which : 0;
    return by;
}

static int by_stack(const void *a, const void *b) /* each begins with it */
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static hl_status load_lost(hl_snap_loader *l, enum hl_snap_column c, uint32_t n_stacks,
                           hl_snap_lost **out, uint32_t *n)
{
    hl_column_reader r;
    bool bad = false;
    uint32_t most;
    *out = hl_loader_entries(l, c, LOST_BYTES_MIN, sizeof **out, &r, &most);
    if (!*out)
        return l->err->status;
    while (!hl_column_done(&r) && *n < most) {
        hl_snap_lost x = {.stack = hl_column_take_below(&r, n_stacks, &bad)};
        x.type1 = hl_column_take_below(&r, l->s->n_types + UINT64_C(1), &bad);
        x.amount = hl_column_take_amount(&r);
        (*out)[(*n)++] = x;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (*n)
        qsort(*out, *n, sizeof **out, by_stack);
    return bad ? hl_loader_corrupt(l, c, NOT_THERE, *n) : HL_OK;
}

static hl_status load_holds(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    uint32_t most;
    s->holds = hl_loader_entries(l, HL_COL_HOLD, HOLD_BYTES_MIN, sizeof *s->holds, &r, &most);
    if (!s->holds)
        return l->err->status;
    while (!hl_column_done(&r) && s->n_holds < most) {
        hl_snap_hold x = {.stack = hl_column_take_below(&r, s->n_natives, &bad)};
        x.by = take_by(s, &r, &bad);
        x.amount = hl_column_take_amount(&r);
        s->holds[s->n_holds++] = x;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (s->n_holds)
        qsort(s->holds, s->n_holds, sizeof *s->holds, by_stack);
    return bad ? hl_loader_corrupt(l, HL_COL_HOLD, NOT_THERE, s->n_holds) : HL_OK;
}

hl_status hl_loader_mark(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    if (load_lost(l, HL_COL_LOST, s->n_natives, &s->losts, &s->n_losts) ||
        load_lost(l, HL_COL_LOST_SITE, s->n_stacks, &s->lost_sites, &s->n_lost_sites))
        return l->err->status;
    return load_holds(l);
}

/* ---- of nodes ---------------------------------------------------------------------------------- */

static hl_status load_held(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    uint32_t most;
    s->helds = hl_loader_entries(l, HL_COL_HELD, HELD_BYTES_MIN, sizeof *s->helds, &r, &most);
    if (!s->helds)
        return l->err->status;
    while (!hl_column_done(&r) && s->n_helds < most) {
        hl_snap_held x = {.node = hl_loader_row(l, hl_column_take_delta(&r))};
        x.by = take_by(s, &r, &bad);
        s->helds[s->n_helds] = x;
        s->n_helds += x.node != HL_NO_NODE;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (s->n_helds)
        qsort(s->helds, s->n_helds, sizeof *s->helds, by_stack);
    return bad ? hl_loader_corrupt(l, HL_COL_HELD, NOT_THERE, s->n_helds) : HL_OK;
}

static hl_status load_nobody(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    uint32_t most, n = 0;
    s->nobodys =
        hl_loader_entries(l, HL_COL_NOBODY, NOBODY_BYTES_MIN, sizeof *s->nobodys, &r, &most);
    if (!s->nobodys)
        return l->err->status;
    while (!hl_column_done(&r) && s->n_nobodys < most) {
        hl_node v = hl_loader_row(l, hl_column_take_delta(&r));
        s->nobodys[s->n_nobodys] = v;
        s->n_nobodys += v != HL_NO_NODE;
    }
    if (s->n_nobodys)
        qsort(s->nobodys, s->n_nobodys, sizeof *s->nobodys, by_stack);
    for (uint32_t i = 0; i < s->n_nobodys; i++)
        if (!n || s->nobodys[n - 1] != s->nobodys[i])
            s->nobodys[n++] = s->nobodys[i];
    s->n_nobodys = n;
    return hl_column_end(&r, l->err);
}

hl_status hl_loader_mark_nodes(hl_snap_loader *l)
{
    return load_held(l) ? l->err->status : load_nobody(l);
}
