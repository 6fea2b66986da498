/* diagnose/views.h: what a heap looks like, as tables: types, growth, holders, containers, cycles.
 *
 * Room   diagnose; analyser process. A view takes whole snapshots and gives an hl_table in the
 *        caller's arena; it judges nothing. view.c holds the table of views, view_NAME.c each one.
 */
#ifndef HL_VIEWS_H
#define HL_VIEWS_H

#include "base/arena.h"
#include "base/err.h"
#include "diagnose/sites.h"
#include "model/chains.h"
#include "model/picture.h"
#include "model/stacks.h"
#include "model/table.h"
#include "snapshot/snapshot.h"

/* What of an allocation counts: in use, at the high-water mark, all there ever were, those that were
 * soon freed. The words of the options are hl_measures[] ("live"). */
extern const char *const hl_measures[HL_MEASURES];

typedef struct hl_view_query {
    hl_run *const *runs; /* borrowed; oldest first */
    uint32_t n_runs;
    uint32_t top;      /* rows at most */
    uint32_t snapshot; /* 1 .. of all whole ones; 0: the last; views of one moment */
    uint32_t apart;    /* paths: innermost frames of the asking thread that hold nothing */
    bool let_go;       /* nor is their hand on anything counted: sizes are as if they had ended */
    uint64_t about;    /* with let_go: the address they ask about, which they may have on a stack */
    hl_site_key sites_by; /* allocs */
    hl_measure measure;   /* allocs */
    uint32_t within;      /* TEMPORARY: freed within so many allocations, a power of two; 0: 1 */
    bool last_only;       /* views of several moments: the last of each run instead of all */
} hl_view_query;

typedef struct hl_view {
    const char *name, *about;
    hl_status (*make)(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err);
    bool adds_up; /* of several recordings it makes one table */
} hl_view;
/* The views of `show`, in the order help lists them. */
const hl_view *hl_views(uint32_t *n);

/* What grew from the first moment to the last: by path shape, by type, and, where allocations were
 * followed in both, by line. *n: how many tables that are. */
enum { HL_DIFF_TABLES = 3 };
hl_status hl_view_diff(const hl_view_query *q, hl_arena *arena, hl_table out[HL_DIFF_TABLES],
                       uint32_t *n, hl_err *err) HL_MUST_CHECK;
/* What was allocated by whom, of all runs together: the moment the query asks for of each (the last),
 * by its measure. HL_EMPTY: nothing was followed, or samples do not tell that. */
hl_status hl_view_stacks(const hl_view_query *q, hl_arena *arena, hl_stacks *out,
                         hl_err *err) HL_MUST_CHECK;
/* Chains root -> what target means (type name, 0xADDRESS, dotted name); q->top of them.
 * HL_NOT_FOUND: nothing there is called so. */
hl_status hl_view_paths(const hl_view_query *q, const char *target, hl_arena *arena, hl_chains *out,
                        hl_err *err) HL_MUST_CHECK;

/* What is around what target means. HL_NOT_FOUND as above. */
typedef struct hl_picture_query {
    const char *target;
    bool refs;          /* what it refers to; else what refers to it, up to roots */
    uint32_t depth;     /* references away at most */
    uint32_t max_nodes; /* at most; 1 .. HL_PICTURE_MAX */
} hl_picture_query;
enum { HL_PICTURE_MAX = 1000 };
hl_status hl_view_picture(const hl_view_query *q, const hl_picture_query *asked, hl_arena *arena,
                          hl_picture *out, hl_err *err) HL_MUST_CHECK;

#endif
