/* diagnose/view.c: the table of views, and what they share.
 *
 * Room   diagnose; analyser process. */
#include "diagnose/view_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const hl_view views[] = {
    {"types", "objects, bytes and what goes with them, by type", hl_view_types, false},
    {"growth", "path shapes that grew, over all snapshots", hl_view_growth, false},
    {"retained", "the objects that keep most memory alive", hl_view_retained, false},
    {"containers", "the biggest dicts, lists, sets and queues", hl_view_containers, false},
    {"cycles", "garbage cycles, and who would free them", hl_view_cycles, false},
    {"roots", "what keeps the heap alive, by kind of root", hl_view_roots, false},
    {"threads", "where each thread stands, and what it alone keeps", hl_view_threads, false},
    {"duplicates", "equal values that exist many times, and who has them", hl_view_duplicates,
     false},
    {"allocs", "which lines asked for memory that is in use, at the peak, in all", hl_view_allocs,
     true},
    {"rss", "what the resident memory consists of", hl_view_rss, false},
};

const hl_view *hl_views(uint32_t *n)
{
    *n = sizeof views / sizeof *views;
    return views;
}

/* ---- snapshots --------------------------------------------------------------------------------
 */

/* The innermost frames of the thread that took the snapshot are no roots then; what only they hold
 * looks as if C held it, and comes last. */
static hl_status set_apart(hl_view_heap *h, uint32_t frames, hl_err *err)
{
    hl_snap *s = h->snap;
    uint32_t kept = 0;
    if (!frames || !s->info.asker)
        return HL_OK;
    h->apart = hl_arena_array(&s->arena, frames, sizeof *h->apart);
    if (!h->apart)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u frames", frames);
    for (uint32_t i = 0; i < s->n_roots; i++) {
        const hl_snap_root *r = &s->roots[i];
        if (h->n_apart < frames && r->kind == HL_ROOT_FRAME && r->thread == s->info.asker - 1)
            h->apart[h->n_apart++] = r->node;
        else
            s->roots[kept++] = *r;
    }
    s->n_roots = kept;
    return HL_OK;
}

/* Takes up to `most` from a count, of references that no edge shows. */
static void let_go_of_stacks(hl_snap *s, hl_node v, uint32_t most)
{
    uint32_t count = hl_snap_refcnt(s, v);
    for (uint32_t e = 0; e < s->edges; e++)
        count -= s->dst[e] == v && hl_edge_counted(s->label[e]) && count;
    for (uint32_t i = 0; count <= most && i < count; i++)
        hl_snap_lower(s, v);
}

static void let_go(hl_view_heap *h, uint64_t about)
{
    hl_snap *s = h->snap;
    for (uint32_t i = 0; i < h->n_apart; i++)
        for (uint32_t e = s->off[h->apart[i]]; e < s->off[h->apart[i] + 1]; e++) {
            if (hl_edge_counted(s->label[e]))
                hl_snap_lower(s, s->dst[e]);
            s->label[e] = hl_label_make(HL_LABEL_WEAK, 0);
        }
    hl_node v = about && h->n_apart ? hl_snap_find_address(s, about) : HL_NO_NODE;
    if (v != HL_NO_NODE)
        let_go_of_stacks(s, v, h->n_apart);
}

static hl_status load(hl_run *run, uint32_t index, bool dominate, const hl_view_query *q,
                      hl_view_heap *out, hl_err *err)
{
    hl_view_heap h = {0};
    hl_status status = hl_snap_load(run, index, &h.snap, err);
    if (!status)
        status = set_apart(&h, q ? q->apart : 0, err);
    if (!status && q && q->let_go)
        let_go(&h, q->about);
    if (!status)
        status = hl_graph_create(h.snap, &h.graph, err);
    if (!status && dominate)
        status = hl_graph_dominate(h.graph, err);
    if (status) {
        hl_view_heap_close(&h);
        return status;
    }
    *out = h;
    return HL_OK;
}

hl_status hl_view_heap_load(hl_run *run, uint32_t index, bool dominate, hl_view_heap *out,
                            hl_err *err)
{
    return load(run, index, dominate, NULL, out, err);
}

hl_status hl_view_moment_asked(const hl_view_query *q, hl_view_moment *out, hl_err *err)
{
    uint32_t total = 0, wanted = q->snapshot;
    for (uint32_t r = 0; r < q->n_runs; r++)
        total += q->runs[r]->n_snaps;
    if (!total)
        return hl_err_set(err, HL_EMPTY, "%s holds no whole snapshot",
                          q->n_runs ? q->runs[0]->path : "nothing");
    if (wanted > total)
        return hl_err_set(err, HL_USAGE, "there is no snapshot %u: %u %s here (1 is the oldest)",
                          wanted, total, total == 1 ? "is" : "are");
    uint32_t i = (wanted ? wanted : total) - 1, r = 0;
    while (i >= q->runs[r]->n_snaps)
        i -= q->runs[r++]->n_snaps;
    *out = (hl_view_moment){q->runs[r], i};
    return HL_OK;
}

hl_status hl_view_heap_open(const hl_view_query *q, hl_view_heap *out, hl_err *err)
{
    hl_view_moment at;
    if (hl_view_moment_asked(q, &at, err))
        return err->status;
    return load(at.run, at.index, true, q, out, err);
}

void hl_view_heap_close(hl_view_heap *h)
{
    if (h->graph)
        hl_graph_destroy(h->graph);
    if (h->snap)
        hl_snap_destroy(h->snap);
    *h = (hl_view_heap){0};
}

hl_status hl_view_one_heap(const hl_view_query *q, hl_view_fill *fill, hl_arena *arena,
                           hl_table *out, hl_err *err)
{
    hl_view_heap h;
    if (hl_view_heap_open(q, &h, err))
        return err->status;
    hl_arena scratch;
    hl_arena_init(&scratch);
    hl_status status = fill(q, h.graph, &scratch, arena, out, err);
    hl_arena_deinit(&scratch);
    hl_view_heap_close(&h);
    return status;
}

hl_status hl_view_moments(const hl_view_query *q, uint32_t least, hl_arena *arena,
                          hl_view_moment **out, uint32_t *n, hl_err *err)
{
    uint32_t total = 0, used = 0;
    for (uint32_t r = 0; r < q->n_runs; r++)
        total += q->runs[r]->n_snaps;
    hl_view_moment *m = hl_arena_array(arena, total, sizeof *m);
    if (!m)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a list of %u snapshots", total);
    for (uint32_t r = 0; r < q->n_runs; r++) {
        uint32_t before = used;
        for (uint32_t i = 0; i < q->runs[r]->n_snaps; i++) {
            if (q->runs[r]->snaps[i].unsettled)
                continue; /* seen half-way: proves no growth */
            if (q->last_only)
                used = before;
            m[used++] = (hl_view_moment){q->runs[r], i};
        }
    }
    if (used < least && least < 2)
        return hl_err_set(err, HL_EMPTY, "%s holds no whole snapshot",
                          q->n_runs ? q->runs[0]->path : "nothing");
    if (used < least)
        return hl_err_set(err, HL_EMPTY,
                          "growth needs two whole snapshots and there %s %u: let the program run "
                          "longer, or give an older file too",
                          used == 1 ? "is" : "are", used);
    *out = m;
    *n = used;
    return HL_OK;
}

/* ---- the best few -----------------------------------------------------------------------------
 */

static bool lesser(hl_top_item a, hl_top_item b)
{
    return a.score < b.score || (a.score == b.score && a.id > b.id);
}

hl_status hl_top_init(hl_top *t, uint32_t k, uint32_t of, hl_arena *arena, hl_err *err)
{
    *t = (hl_top){.capacity = k < of ? k : of};
    t->items = hl_arena_array(arena, t->capacity, sizeof *t->items);
    return t->items ? HL_OK : hl_err_set(err, HL_NO_MEMORY, "no memory for %u rows", t->capacity);
}

static void sink_down(hl_top *t, uint32_t at)
{
    for (;;) {
        uint32_t least = at, left = 2 * at + 1, right = 2 * at + 2;
        if (left < t->n && lesser(t->items[left], t->items[least]))
            least = left;
        if (right < t->n && lesser(t->items[right], t->items[least]))
            least = right;
        if (least == at)
            return;
        hl_top_item moved = t->items[at];
        t->items[at] = t->items[least];
        t->items[least] = moved;
        at = least;
    }
}

void hl_top_offer(hl_top *t, uint64_t score, uint32_t id)
{
    hl_top_item item = {score, id};
    if (!score)
        return;
    t->offered++;
    if (t->n < t->capacity) {
        uint32_t at = t->n++;
        for (; at && lesser(item, t->items[(at - 1) / 2]); at = (at - 1) / 2)
            t->items[at] = t->items[(at - 1) / 2];
        t->items[at] = item;
    } else if (t->n && lesser(t->items[0], item)) {
        t->items[0] = item;
        sink_down(t, 0);
    }
}

static int descending(const void *a, const void *b)
{
    const hl_top_item *x = a, *y = b;
    return lesser(*x, *y) ? 1 : lesser(*y, *x) ? -1 : 0;
}

void hl_top_finish(hl_top *t)
{
    if (t->n)
        qsort(t->items, t->n, sizeof *t->items, descending);
}

/* ---- rows -------------------------------------------------------------------------------------
 */

hl_status hl_view_rows(hl_table *t, const char *view, const hl_column *columns, uint32_t n_columns,
                       uint32_t n_rows, uint64_t rows_left, hl_arena *arena, hl_err *err)
{
    hl_cell *cells = hl_arena_array(arena, (size_t)n_rows * n_columns, sizeof *cells);
    if (!cells)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u rows", n_rows);
    *t = (hl_table){.view = view,
                    .title = "",
                    .columns = columns,
                    .n_columns = n_columns,
                    .n_rows = n_rows,
                    .cells = cells,
                    .rows_left = rows_left};
    return HL_OK;
}

const char *hl_view_copy(hl_arena *arena, const char *s)
{
    const char *copy = hl_arena_copy(arena, s, strlen(s));
    return copy ? copy : "";
}

const char *hl_view_name(const hl_graph *g, hl_node v, hl_arena *arena)
{
    char name[512];
    hl_path_name(g, v, name, sizeof name);
    return hl_view_copy(arena, name);
}

const char *hl_view_address(const hl_graph *g, hl_node v, hl_arena *arena)
{
    return hl_arena_printf(arena, "0x%" PRIx64, hl_snap_address(g->snap, v));
}

/* ---- bytes that go with a class of objects ----------------------------------------------------
 */

typedef struct class_walk {
    const hl_graph *g;
    const uint32_t *key;
    bool folds;
    uint32_t *open; /* per key: members on the way from the root to here */
    uint64_t *out;
} class_walk;

static void enter(class_walk *w, hl_node v)
{
    if (!w->open[w->key[v]]++)
        w->out[w->key[v]] += w->g->retained_bytes[v];
    uint32_t first;
    uint32_t n = w->folds ? hl_snap_folds_of(w->g->snap, v, &first) : 0;
    for (uint32_t i = 0; i < n; i++) {
        hl_snap_fold fold = hl_snap_fold_at(w->g->snap, first + i);
        if (!w->open[fold.type])
            w->out[fold.type] += fold.bytes;
    }
}

/* Depth first through the dominator tree, by first child and next sibling: no stack. */
static void walk_tree(class_walk *w, const hl_node *first, const hl_node *next, hl_node top)
{
    const hl_node *idom = w->g->idom;
    for (hl_node v = top; v != HL_NO_NODE;) {
        enter(w, v);
        if (first[v] != HL_NO_NODE) {
            v = first[v];
            continue;
        }
        for (;;) {
            w->open[w->key[v]]--;
            hl_node up = idom[v];
            if (up == HL_NO_NODE) { /* tops are walked one by one */
                v = HL_NO_NODE;
                break;
            }
            if (next[v] != HL_NO_NODE) {
                v = next[v];
                break;
            }
            v = up;
        }
    }
}

hl_status hl_view_retained_by(const hl_graph *g, const uint32_t *key, uint32_t n_keys, bool folds,
                              uint64_t *out, hl_err *err)
{
    uint32_t n = g->snap->nodes;
    hl_arena scratch;
    hl_arena_init(&scratch);
    hl_node *first = hl_arena_array(&scratch, n, sizeof *first);
    hl_node *next = hl_arena_array(&scratch, n, sizeof *next);
    class_walk w = {g, key, folds, hl_arena_array(&scratch, n_keys, sizeof *w.open), out};
    if (!first || !next || !w.open) {
        hl_arena_deinit(&scratch);
        return hl_err_set(err, HL_NO_MEMORY, "no memory to walk %u objects", n);
    }
    memset(first, 0xff, n * sizeof *first);
    memset(next, 0xff, n * sizeof *next);
    for (hl_node v = n; v-- > 0;)
        if (g->idom[v] != HL_NO_NODE) {
            next[v] = first[g->idom[v]];
            first[g->idom[v]] = v;
        }
    for (hl_node v = 0; v < n; v++)
        if (g->idom[v] == HL_NO_NODE)
            walk_tree(&w, first, next, v);
    hl_arena_deinit(&scratch);
    return HL_OK;
}
