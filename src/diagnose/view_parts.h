/* diagnose/view_parts.h: what the views share: a loaded heap, the best few of many, rows.
 *
 * Room   diagnose, files of the views only. */
#ifndef HL_VIEW_PARTS_H
#define HL_VIEW_PARTS_H

#include "diagnose/site_pool.h"
#include "diagnose/views.h"
#include "graph/graph.h"

hl_status hl_view_types(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_growth(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_retained(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_containers(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_cycles(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_roots(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_threads(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_duplicates(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_allocs(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_rss(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);

/* A snapshot's place. */
typedef struct hl_view_moment {
    hl_run *run;
    uint32_t index;
} hl_view_moment;
/* The snapshot the query asks for. HL_EMPTY: there is none; HL_USAGE: none with that number. */
hl_status hl_view_moment_asked(const hl_view_query *q, hl_view_moment *out,
                               hl_err *err) HL_MUST_CHECK;

/* One snapshot with its graph. */
typedef struct hl_view_heap {
    hl_snap *snap;
    hl_graph *graph;
    hl_node *apart; /* frames whose references count for nothing: query.apart; in snap's arena */
    uint32_t n_apart;
} hl_view_heap;
hl_status hl_view_heap_load(hl_run *run, uint32_t index, bool dominate, hl_view_heap *out,
                            hl_err *err) HL_MUST_CHECK;
/* The snapshot the query asks for, with dominators. */
hl_status hl_view_heap_open(const hl_view_query *q, hl_view_heap *out, hl_err *err) HL_MUST_CHECK;
void hl_view_heap_close(hl_view_heap *h); /* zeroed is fine */

/* A view of one moment: opens the snapshot, lets fill write the table, closes. */
typedef hl_status hl_view_fill(const hl_view_query *q, const hl_graph *g, hl_arena *scratch,
                               hl_arena *arena, hl_table *out, hl_err *err);
hl_status hl_view_one_heap(const hl_view_query *q, hl_view_fill *fill, hl_arena *arena,
                           hl_table *out, hl_err *err) HL_MUST_CHECK;

/* The snapshots a view of several moments reads, in time order. HL_EMPTY: fewer than `least`. */
hl_status hl_view_moments(const hl_view_query *q, uint32_t least, hl_arena *arena,
                          hl_view_moment **out, uint32_t *n, hl_err *err) HL_MUST_CHECK;

/* What was allocated according to the moment the query asks for of each run, added up. pool knows its
 * stacks. with_made: also of which type the objects were (which takes reading the whole heap).
 * HL_EMPTY: no allocation was followed in any; or samples do not tell the query's measure.
 * *n_without: runs in which none was. */
hl_status hl_view_allocated(const hl_view_query *q, bool with_made, hl_site_pool *pool,
                            hl_snap *out, uint32_t *n_without, hl_err *err) HL_MUST_CHECK;

/* The k greatest of many: a heap whose least is at 0 while it fills, descending after finish. */
typedef struct hl_top_item {
    uint64_t score;
    uint32_t id;
} hl_top_item;
typedef struct hl_top {
    hl_top_item *items;
    uint32_t n, capacity;
    uint64_t offered; /* items with a score above 0 */
} hl_top;
/* of: how many may be offered. */
hl_status hl_top_init(hl_top *t, uint32_t k, uint32_t of, hl_arena *arena,
                      hl_err *err) HL_MUST_CHECK;
void hl_top_offer(hl_top *t, uint64_t score, uint32_t id); /* score 0 is passed over */
void hl_top_finish(hl_top *t);

/* Cells for n rows, with the head filled in. */
hl_status hl_view_rows(hl_table *t, const char *view, const hl_column *columns, uint32_t n_columns,
                       uint32_t n_rows, uint64_t rows_left, hl_arena *arena,
                       hl_err *err) HL_MUST_CHECK;
static inline hl_cell *hl_view_row(const hl_table *t, uint32_t row)
{
    return &t->cells[(size_t)row * t->n_columns];
}

/* diff_sites.c: lines in the first (0) and the last (1) of some moments. */
typedef struct hl_site_change {
    const char *where, *file, *function; /* of the table's arena */
    uint32_t line;
    hl_amount now, then;
} hl_site_change;
typedef struct hl_site_changes {
    hl_site_change *of[2]; /* scratch; NULL: allocations were not followed then */
    uint32_t n[2];
} hl_site_changes;
hl_status hl_site_changes_note(hl_site_changes *to, uint32_t which, const hl_snap *s,
                               hl_arena *scratch, hl_arena *arena, hl_err *err) HL_MUST_CHECK;
hl_status hl_site_changes_table(const hl_site_changes *c, uint32_t top_n, hl_arena *scratch,
                                hl_arena *arena, hl_table *out, hl_err *err) HL_MUST_CHECK;

const char *hl_view_name(const hl_graph *g, hl_node v, hl_arena *arena);    /* hl_path_name, kept */
const char *hl_view_address(const hl_graph *g, hl_node v, hl_arena *arena); /* "0x7f..." */
const char *hl_view_copy(hl_arena *arena, const char *s);

/* Bytes that go with each class of objects: per key, the retained sizes of the members that no
 * other member dominates. key: per node, below n_keys. Needs dominators. out: n_keys, zeroed by
 * the caller. folds: also the leaves folded into their holders, whose key is their type. */
hl_status hl_view_retained_by(const hl_graph *g, const uint32_t *key, uint32_t n_keys, bool folds,
                              uint64_t *out, hl_err *err) HL_MUST_CHECK;

#endif
