/* snapshot/snap_sites.c: where memory was asked for: frames, stacks, their amounts, and who has them.
 *
 * Room   snapshot; analyser process.
 * Takes  a loader whose rows and names are known.   Gives  frames, stacks, sites, ages and made, in
 *        the snapshot's arena. A snapshot of a run that was not followed has none of them. */
#define _GNU_SOURCE
#include "snapshot/snap_load.h"

#include <inttypes.h>
#include <stdlib.h>

enum { FRAME_BYTES_MIN = 4, STACK_BYTES_MIN = 2, SITE_BYTES_MIN = 12, AGE_BYTES_MIN = 4 };
enum { MADE_BYTES_MIN = 5 };

static hl_status corrupt(hl_snap_loader *l, enum hl_snap_column c, const char *what, uint64_t at)
{
    return hl_err_set(l->err, HL_CORRUPT, "column %s: %s (%" PRIu64 ")", hl_column_name(c), what,
                      at);
}

/* Opens column c; an array for its entries, and `before` more. */
static void *begin(hl_snap_loader *l, enum hl_snap_column c, unsigned bytes, size_t size,
                   unsigned before, hl_column_reader *r)
{
    uint64_t most = l->raw[c] / bytes;
    if (most >= UINT32_MAX) {
        (void)!corrupt(l, c, "too many entries", most);
        return NULL;
    }
    hl_loader_column(l, c, 0, r);
    return hl_loader_array(l, most + before, size);
}

/* A number of something that is numbered below `limit`; *bad otherwise. */
static uint32_t take_known(hl_column_reader *r, uint32_t limit, bool *bad)
{
    uint64_t v = hl_column_take(r);
    *bad |= v >= limit;
    return v < limit ? (uint32_t)v : 0;
}

static hl_status load_frames(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    s->frames = begin(l, HL_COL_FRAME, FRAME_BYTES_MIN, sizeof *s->frames, 1, &r);
    if (!s->frames)
        return l->err->status;
    uint32_t most = (uint32_t)(l->raw[HL_COL_FRAME] / FRAME_BYTES_MIN);
    s->frames[s->n_frames++] = (hl_snap_frame){.line = 0};
    while (!hl_column_done(&r) && s->n_frames <= most) {
        hl_snap_frame f = {.function = take_known(&r, s->n_names, &bad)};
        f.file = take_known(&r, s->n_names, &bad);
        f.first_line = hl_column_take32(&r, 0);
        f.line = hl_column_take32(&r, 0);
        s->frames[s->n_frames++] = f;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return bad ? corrupt(l, HL_COL_FRAME, "a name that is not in the table", s->n_frames) : HL_OK;
}

static hl_status load_stacks(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    s->stacks = begin(l, HL_COL_STACK, STACK_BYTES_MIN, sizeof *s->stacks, 1, &r);
    if (!s->stacks)
        return l->err->status;
    uint32_t most = (uint32_t)(l->raw[HL_COL_STACK] / STACK_BYTES_MIN);
    s->stacks[s->n_stacks++] = (hl_snap_stack){.frame = 0};
    while (!hl_column_done(&r) && s->n_stacks <= most) {
        uint64_t back = hl_column_take(&r);
        bad |= back >= s->n_stacks;
        s->stacks[s->n_stacks] = (hl_snap_stack){
            .caller = back && back < s->n_stacks ? s->n_stacks - (uint32_t)back : 0,
            .frame = take_known(&r, s->n_frames, &bad),
        };
        s->n_stacks++;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return bad ? corrupt(l, HL_COL_STACK, "a frame or a caller that is not in the table",
                         s->n_stacks)
               : HL_OK;
}

static int site_by_stack(const void *a, const void *b)
{
    const hl_snap_site *x = a, *y = b;
    if (x->stack != y->stack)
        return x->stack < y->stack ? -1 : 1;
    if (x->thread != y->thread)
        return x->thread < y->thread ? -1 : 1;
    return (x->domain > y->domain) - (x->domain < y->domain);
}

/* Sites stand as in the file. Windows that a later heaplens knows are passed over. */
static hl_status load_within(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    uint64_t at = 0;
    hl_loader_column(l, HL_COL_WITHIN, 0, &r);
    while (!hl_column_done(&r)) {
        uint64_t further = hl_column_take(&r), window = hl_column_take(&r);
        hl_amount amount = hl_column_take_amount(&r);
        if (further >= s->n_sites - at)
            return corrupt(l, HL_COL_WITHIN, "a site that is not there", at);
        at += further;
        if (window >= 1 && window <= HL_WINDOWS)
            s->sites[at].within[window - 1] = amount;
    }
    return hl_column_end(&r, l->err);
}

/* An entry of a domain that a later heaplens knows is memory all the same: native. */
static hl_status load_sites(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    s->sites = begin(l, HL_COL_SITE, SITE_BYTES_MIN, sizeof *s->sites, 0, &r);
    if (!s->sites)
        return l->err->status;
    while (!hl_column_done(&r) && s->n_sites < l->raw[HL_COL_SITE] / SITE_BYTES_MIN) {
        hl_snap_site x = {.stack = take_known(&r, s->n_stacks, &bad)};
        x.thread = hl_column_take32(&r, 0);
        uint64_t domain = hl_column_take(&r);
        x.domain = domain < HL_BLOCK_DOMAINS ? (enum hl_block_domain)domain : HL_BLOCK_NATIVE;
        x.live = hl_column_take_amount(&r);
        x.all = hl_column_take_amount(&r);
        x.brief = hl_column_take_amount(&r);
        x.peak = hl_column_take_amount(&r);
        x.error = hl_column_take(&r);
        s->sites[s->n_sites++] = x;
    }
    if (hl_column_end(&r, l->err) || load_within(l))
        return l->err->status;
    if (s->n_sites)
        qsort(s->sites, s->n_sites, sizeof *s->sites, site_by_stack);
    return bad ? corrupt(l, HL_COL_SITE, "a stack that is not in the table", s->n_sites) : HL_OK;
}

static int age_by_stack(const void *a, const void *b)
{
    const hl_snap_age *x = a, *y = b;
    if (x->stack != y->stack)
        return x->stack < y->stack ? -1 : 1;
    return (x->born > y->born) - (x->born < y->born);
}

static hl_status load_ages(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    s->ages = begin(l, HL_COL_AGE, AGE_BYTES_MIN, sizeof *s->ages, 0, &r);
    if (!s->ages)
        return l->err->status;
    while (!hl_column_done(&r) && s->n_ages < l->raw[HL_COL_AGE] / AGE_BYTES_MIN) {
        hl_snap_age x = {.stack = take_known(&r, s->n_stacks, &bad)};
        x.born = hl_column_take32(&r, UINT32_MAX);
        x.live = hl_column_take_amount(&r);
        s->ages[s->n_ages++] = x;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (s->n_ages)
        qsort(s->ages, s->n_ages, sizeof *s->ages, age_by_stack);
    return bad ? corrupt(l, HL_COL_AGE, "a stack that is not in the table", s->n_ages) : HL_OK;
}

hl_status hl_loader_made(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    uint64_t row = 0;
    s->made = begin(l, HL_COL_MADE, MADE_BYTES_MIN, sizeof *s->made, 0, &r);
    if (!s->made)
        return l->err->status;
    while (!hl_column_done(&r) && s->n_made < l->raw[HL_COL_MADE] / MADE_BYTES_MIN) {
        uint64_t further = hl_column_take(&r);
        hl_snap_made x = {.stack = take_known(&r, s->n_stacks, &bad)};
        x.leaf = take_known(&r, s->n_types + 1, &bad);
        x.amount = hl_column_take_amount(&r);
        if (further >= s->nodes - row)
            return corrupt(l, HL_COL_MADE, "an object that is not there", s->n_made);
        row += further;
        x.node = (hl_node)row;
        s->made[s->n_made++] = x;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return bad ? corrupt(l, HL_COL_MADE, "a stack or a type that is not in the table", s->n_made)
               : HL_OK;
}

hl_status hl_loader_sites(hl_snap_loader *l)
{
    if (load_frames(l) || load_stacks(l) || load_sites(l) || load_ages(l))
        return l->err->status;
    return HL_OK;
}

uint32_t hl_snap_made_of(const hl_snap *s, hl_node v, uint32_t *first)
{
    uint32_t a = 0, z = s->n_made, n = 0;
    while (a < z) {
        uint32_t mid = a + (z - a) / 2;
        if (s->made[mid].node < v)
            a = mid + 1;
        else
            z = mid;
    }
    while (a + n < s->n_made && s->made[a + n].node == v)
        n++;
    *first = a;
    return n;
}
