/* diagnose/view_growth.c: what grew from the first snapshot to the last: path shapes, types, and lines.
 *
 * Room   diagnose; analyser process; one heap in memory at a time.
 * Ranks  by own bytes gained, not by the bytes below, so that a module does not stand before the
 *        list in it that grew. */
#include "diagnose/view_parts.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 512 };

/* A type in one snapshot; after the merge, in the first and the last. */
typedef struct type_row {
    const char *name; /* arena */
    uint32_t moment;
    uint64_t objects, bytes;
} type_row;

typedef struct evidence {
    const hl_view_query *q;
    hl_view_moment *moments;
    uint32_t n;
    hl_shapes shapes;
    bool with_retained, with_types;
    uint64_t *retained[2]; /* per shape, in the first and the last moment; scratch */
    uint32_t n_retained[2];
    type_row *types; /* of all moments; scratch */
    uint32_t n_types, types_capacity;
    hl_site_changes sites;
    hl_arena scratch;
    hl_arena *arena; /* borrowed: of the table */
} evidence;

/* ---- gathering --------------------------------------------------------------------------------
 */

static hl_status note_types(evidence *e, uint32_t moment, const hl_snap *s, hl_err *err)
{
    if (e->n_types + s->n_types > e->types_capacity) {
        uint32_t capacity = 2 * (e->n_types + s->n_types);
        type_row *more = hl_arena_array(&e->scratch, capacity, sizeof *more);
        if (!more)
            return hl_err_set(err, HL_NO_MEMORY, "no memory for %u types", capacity);
        if (e->n_types)
            memcpy(more, e->types, e->n_types * sizeof *more);
        e->types = more;
        e->types_capacity = capacity;
    }
    type_row *rows = e->types + e->n_types;
    for (uint32_t t = 0; t < s->n_types; t++)
        rows[t] = (type_row){.name = hl_view_copy(e->arena, s->names[s->types[t].name]),
                             .moment = moment};
    for (hl_node v = 0; v < s->nodes; v++) {
        rows[s->type[v]].objects++;
        rows[s->type[v]].bytes += hl_snap_size(s, v);
    }
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        rows[f.type].objects += f.objects;
        rows[f.type].bytes += f.bytes;
    }
    e->n_types += s->n_types;
    return HL_OK;
}

static hl_status note_retained(evidence *e, uint32_t which, const hl_graph *g, hl_err *err)
{
    e->n_retained[which] = e->shapes.n_shapes;
    e->retained[which] = hl_arena_array(&e->scratch, e->shapes.n_shapes, sizeof(uint64_t));
    if (!e->retained[which])
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u path shapes", e->shapes.n_shapes);
    return hl_view_retained_by(g, e->shapes.shape_of, e->shapes.n_shapes, false, e->retained[which],
                               err);
}

static hl_status observe(evidence *e, uint32_t i, hl_err *err)
{
    bool end = i == 0 || i + 1 == e->n;
    hl_view_heap h;
    if (hl_view_heap_load(e->moments[i].run, e->moments[i].index, e->with_retained && end, &h, err))
        return err->status;
    hl_status status = hl_shapes_add(&e->shapes, h.graph, err);
    if (!status && e->with_retained && end)
        status = note_retained(e, i != 0, h.graph, err);
    if (!status && e->with_types && end)
        status = note_types(e, i, h.snap, err);
    if (!status && e->with_types && end)
        status = hl_site_changes_note(&e->sites, i != 0, h.snap, &e->scratch, e->arena, err);
    hl_view_heap_close(&h);
    return status;
}

/* ---- path shapes ------------------------------------------------------------------------------
 */

static const hl_column shape_columns[] = {
    {"where", "where", HL_COLUMN_TEXT},
    {"type", "type", HL_COLUMN_TEXT},
    {"objects_series", "objects", HL_COLUMN_SERIES},
    {"objects", "now", HL_COLUMN_COUNT},
    {"objects_delta", "gained", HL_COLUMN_DELTA},
    {"items_delta", "entries", HL_COLUMN_DELTA},
    {"bytes_delta", "itself", HL_COLUMN_DELTA_BYTES},
    {"below_bytes_delta", "and below", HL_COLUMN_DELTA_BYTES},
    {"retained_bytes_delta", "retained", HL_COLUMN_DELTA_BYTES},
};
enum {
    SHAPE_COLUMNS = sizeof shape_columns / sizeof *shape_columns,
    GROWTH_COLUMNS = SHAPE_COLUMNS - 1, /* without dominators: not retained */
};

/* Objects of the shape, the leaves folded into them counted. */
static hl_cell series_of(evidence *e, hl_shape shape)
{
    hl_cell cell = {.series = {NULL, 0}};
    uint64_t *values = hl_arena_array(e->arena, e->n, sizeof *values);
    for (uint32_t m = 0; values && m < e->n; m++)
        values[m] = hl_shapes_count(&e->shapes, m, shape).objects;
    if (values) {
        cell.series.values = values;
        cell.series.n = e->n;
    }
    return cell;
}

/* The length of these is bytes or characters, which their size says already. */
static bool has_entries(const hl_shape_info *shape)
{
    static const char *const plain[] = {"bytearray", "bytes", "str", "memoryview", "array.array"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(shape->type, plain[i]))
            return false;
    return true;
}

static uint64_t retained_in(const evidence *e, uint32_t which, hl_shape shape)
{
    return shape < e->n_retained[which] ? e->retained[which][shape] : 0;
}

static hl_status shapes_table(evidence *e, const char *view, hl_table *out, hl_err *err)
{
    hl_top top;
    if (hl_top_init(&top, e->q->top, e->shapes.n_shapes, &e->scratch, err))
        return err->status;
    for (hl_shape s = 1; s < e->shapes.n_shapes; s++) {
        uint64_t was = hl_shapes_count(&e->shapes, 0, s).bytes;
        uint64_t is = hl_shapes_count(&e->shapes, e->n - 1, s).bytes;
        hl_top_offer(&top, is > was ? is - was : 0, s);
    }
    hl_top_finish(&top);
    uint32_t columns = e->with_retained ? SHAPE_COLUMNS : GROWTH_COLUMNS;
    if (hl_view_rows(out, view, shape_columns, columns, top.n, top.offered - top.n, e->arena, err))
        return err->status;
    out->title =
        top.n ? hl_arena_printf(e->arena, "growth: where it is held, over %u snapshots", e->n)
              : "growth: nothing grew";
    for (uint32_t i = 0; i < top.n; i++) {
        hl_shape s = top.items[i].id;
        hl_shape_count was = hl_shapes_count(&e->shapes, 0, s);
        hl_shape_count is = hl_shapes_count(&e->shapes, e->n - 1, s);
        char name[NAME_BYTES];
        hl_shape_name(&e->shapes, s, name, sizeof name);
        hl_cell *row = hl_view_row(out, i);
        row[0].text = hl_view_copy(e->arena, name);
        row[1].text = hl_view_copy(e->arena, e->shapes.shapes[s].type);
        row[2] = series_of(e, s);
        row[3].number = (int64_t)is.objects;
        row[4].number = (int64_t)(is.objects - was.objects);
        bool entries = (is.items || was.items) && has_entries(&e->shapes.shapes[s]);
        row[5].number = entries ? (int64_t)(is.items - was.items) : HL_CELL_NONE;
        row[6].number = (int64_t)(is.bytes - was.bytes);
        row[7].number = (int64_t)(is.tree_bytes - was.tree_bytes);
        if (e->with_retained)
            row[8].number = (int64_t)(retained_in(e, 1, s) - retained_in(e, 0, s));
    }
    return HL_OK;
}

/* ---- types ------------------------------------------------------------------------------------
 */

static const hl_column type_columns[] = {
    {"type", "type", HL_COLUMN_TEXT},
    {"objects", "objects", HL_COLUMN_COUNT},
    {"objects_delta", "gained", HL_COLUMN_DELTA},
    {"bytes", "bytes", HL_COLUMN_BYTES},
    {"bytes_delta", "gained", HL_COLUMN_DELTA_BYTES},
};
enum { TYPE_COLUMNS = sizeof type_columns / sizeof *type_columns };

static int by_name(const void *a, const void *b)
{
    return strcmp(((const type_row *)a)->name, ((const type_row *)b)->name);
}

typedef struct type_change {
    const char *name;
    uint64_t objects[2], bytes[2];
} type_change;

/* Types of one name are one row: ids differ between snapshots. */
static uint32_t merge_types(evidence *e, type_change *out)
{
    uint32_t n = 0;
    qsort(e->types, e->n_types, sizeof *e->types, by_name);
    for (uint32_t i = 0; i < e->n_types; i++) {
        const type_row *r = &e->types[i];
        if (!n || strcmp(out[n - 1].name, r->name))
            out[n++] = (type_change){.name = r->name};
        out[n - 1].objects[r->moment != 0] += r->objects;
        out[n - 1].bytes[r->moment != 0] += r->bytes;
    }
    return n;
}

static hl_status types_table(evidence *e, hl_table *out, hl_err *err)
{
    type_change *change = hl_arena_array(&e->scratch, e->n_types, sizeof *change);
    if (!change)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u types", e->n_types);
    uint32_t n = merge_types(e, change);
    hl_top top;
    if (hl_top_init(&top, e->q->top, n, &e->scratch, err))
        return err->status;
    for (uint32_t i = 0; i < n; i++)
        hl_top_offer(
            &top,
            change[i].bytes[1] > change[i].bytes[0] ? change[i].bytes[1] - change[i].bytes[0] : 0,
            i);
    hl_top_finish(&top);
    if (hl_view_rows(out, "types", type_columns, TYPE_COLUMNS, top.n, top.offered - top.n, e->arena,
                     err))
        return err->status;
    out->title = top.n ? "types: those that gained most bytes" : "types: none gained bytes";
    for (uint32_t i = 0; i < top.n; i++) {
        const type_change *c = &change[top.items[i].id];
        hl_cell *row = hl_view_row(out, i);
        row[0].text = c->name;
        row[1].number = (int64_t)c->objects[1];
        row[2].number = (int64_t)(c->objects[1] - c->objects[0]);
        row[3].number = (int64_t)c->bytes[1];
        row[4].number = (int64_t)(c->bytes[1] - c->bytes[0]);
    }
    return HL_OK;
}

/* ---- the views --------------------------------------------------------------------------------
 */

static hl_status gather(evidence *e, hl_err *err)
{
    if (hl_view_moments(e->q, 2, e->arena, &e->moments, &e->n, err))
        return err->status;
    for (uint32_t i = 0; i < e->n; i++)
        if (observe(e, i, err))
            return err->status;
    return HL_OK;
}

static void begin(evidence *e)
{
    hl_arena_init(&e->scratch);
    hl_shapes_init(&e->shapes);
}

static void finish(evidence *e)
{
    hl_shapes_deinit(&e->shapes);
    hl_arena_deinit(&e->scratch);
}

hl_status hl_view_growth(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    evidence e = {.q = q, .arena = arena};
    begin(&e);
    hl_status status = gather(&e, err);
    if (!status)
        status = shapes_table(&e, "growth", out, err);
    finish(&e);
    return status;
}

/* Another tool's snapshot knows of allocations only: then lines are all there is to compare. */
static hl_status diff_traces(evidence *e, hl_table *out, hl_err *err)
{
    if (hl_view_moments(e->q, 2, e->arena, &e->moments, &e->n, err))
        return err->status;
    for (uint32_t which = 0; which < 2; which++) {
        const hl_view_moment *m = &e->moments[which ? e->n - 1 : 0];
        hl_snap *s;
        if (hl_snap_load_parts(m->run, m->index, HL_PART_SITES, &s, err))
            return err->status;
        hl_status status = hl_site_changes_note(&e->sites, which, s, &e->scratch, e->arena, err);
        hl_snap_destroy(s);
        if (status)
            return status;
        if (!e->sites.of[which])
            return hl_err_set(err, HL_EMPTY,
                              "%s tells nothing of allocations: it cannot be compared with a "
                              "snapshot of tracemalloc",
                              m->run->path);
    }
    return hl_site_changes_table(&e->sites, e->q->top, &e->scratch, e->arena, out, err);
}

hl_status hl_view_diff(const hl_view_query *q, hl_arena *arena, hl_table out[HL_DIFF_TABLES],
                       uint32_t *n, hl_err *err)
{
    evidence e = {.q = q, .arena = arena, .with_retained = true, .with_types = true};
    begin(&e);
    for (uint32_t r = 0; r < q->n_runs; r++)
        if (q->runs[r]->traces) {
            hl_status status = diff_traces(&e, &out[0], err);
            *n = 1;
            finish(&e);
            return status;
        }
    hl_status status = gather(&e, err);
    if (!status)
        status = shapes_table(&e, "shapes", &out[0], err);
    if (!status)
        status = types_table(&e, &out[1], err);
    *n = 2;
    if (!status && e.sites.of[0] && e.sites.of[1])
        status = hl_site_changes_table(&e.sites, q->top, &e.scratch, arena, &out[(*n)++], err);
    finish(&e);
    return status;
}
