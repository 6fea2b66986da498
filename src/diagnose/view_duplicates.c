/* diagnose/view_duplicates.c: contents that exist many times, and where their copies hang.
 *
 * Room   diagnose; analyser process; one snapshot.
 * Takes  the snapshot's list of equal leaves: type, length, how many, and the holders of a few
 *        copies taken at random; what they contain no file says. Says   the place most of those
 *        hang at, as a path shape: that is where to share one copy. */
#include "base/words.h"
#include "diagnose/view_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_BYTES = 512,
    HOLDERS_MAX = 64,
    GROUPED_MAX = 1024,
    TELL_OTHER_TIMES = 2,
    PERCENT = 100
};

/* Key NULL: text only; title NULL: JSON only. */
static const hl_column columns[] = {
    {"type", "type", HL_COLUMN_TEXT},
    {"length", "length", HL_COLUMN_COUNT},
    {"values", "values", HL_COLUMN_COUNT},
    {"copies", "copies", HL_COLUMN_COUNT},
    {"copies_seen", NULL, HL_COLUMN_COUNT},
    {"bytes_each", NULL, HL_COLUMN_BYTES},
    {"wasted_bytes", "wasted", HL_COLUMN_BYTES},
    {NULL, "held by", HL_COLUMN_TEXT},
    {"holder", NULL, HL_COLUMN_TEXT},
    {"holder_percent", NULL, HL_COLUMN_COUNT},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static uint64_t wasted(const hl_snap_dup *d)
{
    uint64_t copies = d->copies ? d->copies - 1 : 0, most = (uint64_t)INT64_MAX;
    return d->bytes && copies > most / d->bytes ? most : copies * d->bytes;
}

/* A place: a shape, and the edge from there to the copy, indices and keys folded. */
typedef struct held_at {
    hl_shape shape;
    hl_label label;
} held_at;

static held_at place_of(const hl_shapes *shapes, const hl_snap_dup_holder *h)
{
    hl_label label = h->label;
    if (hl_label_kind(label) == HL_LABEL_INDEX || hl_label_kind(label) == HL_LABEL_INTERNAL)
        label = hl_label_make(hl_label_kind(label), 0);
    return (held_at){shapes->shape_of[h->node], label};
}

/* Fills the best place; returns how many of the samples are there. */
static uint32_t best_place(const hl_snap *s, const hl_shapes *shapes, const hl_snap_dup *d,
                           held_at *out)
{
    uint32_t best = 0, n = d->n_holders < HOLDERS_MAX ? d->n_holders : HOLDERS_MAX;
    const hl_snap_dup_holder *h = s->dup_holders + d->holders;
    for (uint32_t i = 0; i < n; i++) {
        held_at at = place_of(shapes, &h[i]);
        uint32_t same = 0;
        for (uint32_t k = i; k < n; k++) {
            held_at other = place_of(shapes, &h[k]);
            same += other.shape == at.shape && other.label == at.label;
        }
        if (same > best) {
            best = same;
            *out = at;
        }
    }
    return best;
}

static const char *place_name(const hl_snap *s, const hl_shapes *shapes, held_at at,
                              hl_arena *arena)
{
    char name[NAME_BYTES], edge[NAME_BYTES] = "";
    hl_shape_name(shapes, at.shape, name, sizeof name);
    if (hl_label_kind(at.label) != HL_LABEL_INTERNAL)
        hl_label_text(s, at.label, edge, sizeof edge);
    return hl_arena_printf(arena, "%s%s", name, edge);
}

/* Contents of one type and length whose copies hang at one place: one row. */
typedef struct group {
    const hl_snap_dup *dup; /* the first of them */
    held_at at;
    bool placed;
    uint64_t values, copies, seen, bytes;
    uint64_t told, there; /* holders: all that are told, and those at the place */
} group;

static void put_row(const hl_snap *s, const hl_shapes *shapes, const group *k, hl_arena *arena,
                    hl_cell *row)
{
    const char *name = k->placed ? place_name(s, shapes, k->at, arena) : NULL;
    uint32_t c = 0;
    row[c++].text = hl_view_copy(arena, s->names[s->types[k->dup->type].name]);
    row[c++].number = k->dup->len ? (int64_t)k->dup->len : HL_CELL_NONE;
    row[c++].number = (int64_t)k->values;
    row[c++].number = (int64_t)k->copies;
    row[c++].number = (int64_t)k->seen;
    row[c++].number = (int64_t)k->dup->bytes;
    row[c++].number = (int64_t)k->bytes;
    row[c++].text = name && k->there < k->told ? hl_arena_printf(arena, "%s, others", name) : name;
    row[c++].text = name;
    row[c++].number = k->told ? (int64_t)(k->there * PERCENT / k->told) : HL_CELL_NONE;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    uint64_t most = INT64_MAX;
    return a > most - (b < most ? b : most) ? most : a + b;
}

static void add(group *groups, uint32_t *n, const hl_snap *s, const hl_shapes *shapes,
                const hl_snap_dup *d)
{
    held_at at = {0, 0};
    uint32_t there = best_place(s, shapes, d, &at), k = 0;
    while (k < *n && !(groups[k].dup->type == d->type && groups[k].dup->len == d->len &&
                       groups[k].at.shape == at.shape && groups[k].at.label == at.label &&
                       groups[k].placed == (there > 0)))
        k++;
    if (k == *n)
        groups[(*n)++] = (group){.dup = d, .at = at, .placed = there > 0};
    groups[k].values++;
    groups[k].copies = sum(groups[k].copies, d->copies);
    groups[k].seen = sum(groups[k].seen, d->seen);
    groups[k].bytes = sum(groups[k].bytes, wasted(d));
    groups[k].told += d->n_holders < HOLDERS_MAX ? d->n_holders : HOLDERS_MAX;
    groups[k].there += there;
}

static hl_status put_rows(const hl_view_query *q, const hl_snap *s, const hl_shapes *shapes,
                          hl_arena *scratch, hl_arena *arena, hl_table *out, hl_err *err)
{
    hl_top worst, top;
    if (hl_top_init(&worst, GROUPED_MAX, s->n_dups, scratch, err))
        return err->status;
    for (uint32_t i = 0; i < s->n_dups; i++)
        hl_top_offer(&worst, wasted(&s->dups[i]), i);
    hl_top_finish(&worst);
    group *groups = hl_arena_array(scratch, worst.n, sizeof *groups);
    if (!groups)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u values", worst.n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < worst.n; i++)
        add(groups, &n, s, shapes, &s->dups[worst.items[i].id]);
    if (hl_top_init(&top, q->top, n, scratch, err))
        return err->status;
    for (uint32_t k = 0; k < n; k++)
        hl_top_offer(&top, groups[k].bytes, k);
    hl_top_finish(&top);
    if (hl_view_rows(out, "duplicates", columns, COLUMNS, top.n, n - top.n, arena, err))
        return err->status;
    out->title = "duplicates: equal values that exist more than once";
    for (uint32_t i = 0; i < top.n; i++)
        put_row(s, shapes, &groups[top.items[i].id], arena, hl_view_row(out, i));
    return HL_OK;
}

static hl_status fill(const hl_view_query *q, const hl_graph *g, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    hl_status status = hl_shapes_add(&shapes, g, err);
    if (!status)
        status = put_rows(q, g->snap, &shapes, scratch, arena, out, err);
    hl_shapes_deinit(&shapes);
    return status;
}

/* What was looked at, what to do, and whether another moment had more: at a program's end most of
 * what its functions held is gone. */
static const char *remarks(const hl_view_query *q, hl_arena *arena)
{
    const hl_snap_info *shown = NULL, *most = NULL;
    uint32_t at = 0, most_at = 0;
    for (uint32_t r = 0; r < q->n_runs; r++)
        for (uint32_t i = 0; i < q->runs[r]->n_snaps; i++) {
            const hl_snap_info *info = &q->runs[r]->snaps[i];
            at++;
            if (!q->snapshot || at == q->snapshot)
                shown = info;
            if (!most || info->dup_bytes > most->dup_bytes) {
                most = info;
                most_at = at;
            }
        }
    char bytes[16], more[16];
    if (!shown || !shown->leaves)
        return "this recording was not searched for equal values: it was made by an older heaplens";
    const char *text = hl_arena_printf(
        arena, "copies beyond the first take %s%s (strings, bytes, numbers, small tuples); ",
        shown->leaves_seen < shown->leaves ? "about " : "", hl_bytes_text(shown->dup_bytes, bytes));
    if (text && shown->leaves_seen < shown->leaves)
        text = hl_arena_printf(
            arena,
            "%s%u %% of them were looked at, so counts are estimates and rare ones missing; ", text,
            (unsigned)(shown->leaves_seen * PERCENT / shown->leaves));
    if (text && most->dup_bytes / TELL_OTHER_TIMES > shown->dup_bytes)
        text = hl_arena_printf(arena, "%ssnapshot %u has %s: --snapshot %u; ", text, most_at,
                               hl_bytes_text(most->dup_bytes, more), most_at);
    return text ? hl_arena_printf(
                      arena,
                      "%sstrings that repeat: sys.intern(), other values: keep one in a dict "
                      "and hand that out",
                      text)
                : NULL;
}

hl_status hl_view_duplicates(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    if (hl_view_one_heap(q, fill, arena, out, err))
        return err->status;
    out->note = remarks(q, arena);
    return HL_OK;
}
