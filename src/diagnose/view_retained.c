/* diagnose/view_retained.c: the objects that keep most memory alive, by dominators.
 *
 * Room   diagnose; analyser process.
 * Ten thousand equal entries of one list are one row: objects of one path shape stand together,
 * shown by the one that retains most. The dict of a module, a class or an instance stands for its
 * owner and is passed over. */
#include "diagnose/view_parts.h"

static const hl_column columns[] = {
    {"name", "name", HL_COLUMN_TEXT},
    {"type", "type", HL_COLUMN_TEXT},
    {"alike", "alike", HL_COLUMN_COUNT},
    {"address", "the biggest", HL_COLUMN_TEXT},
    {"own_bytes", "itself", HL_COLUMN_BYTES},
    {"retained_objects", "objects", HL_COLUMN_COUNT},
    {"retained_bytes", "retained", HL_COLUMN_BYTES},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

typedef struct place {
    uint64_t alike;
    hl_node biggest;
} place;

static void gather(const hl_graph *g, const hl_shapes *shapes, place *places)
{
    for (hl_node v = 0; v < g->snap->nodes; v++) {
        if (hl_graph_is_namespace(g, v))
            continue;
        place *p = &places[shapes->shape_of[v]];
        if (!p->alike++ || g->retained_bytes[v] > g->retained_bytes[p->biggest])
            p->biggest = v;
    }
}

static void put(hl_cell *row, const hl_graph *g, const place *p, hl_arena *arena)
{
    hl_node v = p->biggest;
    row[0].text = hl_view_name(g, v, arena);
    row[1].text = hl_view_copy(arena, hl_snap_type_name(g->snap, v));
    row[2].number = (int64_t)p->alike;
    row[3].text = hl_view_address(g, v, arena);
    row[4].number = (int64_t)hl_graph_own_bytes(g, v);
    row[5].number = g->retained_objects[v];
    row[6].number = (int64_t)g->retained_bytes[v];
}

static hl_status fill_places(const hl_view_query *q, const hl_graph *g, const hl_shapes *shapes,
                             hl_arena *scratch, hl_arena *arena, hl_table *out, hl_err *err)
{
    place *places = hl_arena_array(scratch, shapes->n_shapes, sizeof *places);
    hl_top top;
    if (!places)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u path shapes", shapes->n_shapes);
    if (hl_top_init(&top, q->top, shapes->n_shapes, scratch, err))
        return err->status;
    gather(g, shapes, places);
    for (uint32_t s = 0; s < shapes->n_shapes; s++)
        hl_top_offer(&top, places[s].alike ? g->retained_bytes[places[s].biggest] : 0, s);
    hl_top_finish(&top);
    if (hl_view_rows(out, "retained", columns, COLUMNS, top.n, top.offered - top.n, arena, err))
        return err->status;
    out->title = "retained: what would be freed with one object";
    for (uint32_t i = 0; i < top.n; i++)
        put(hl_view_row(out, i), g, &places[top.items[i].id], arena);
    return HL_OK;
}

static hl_status fill(const hl_view_query *q, const hl_graph *g, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    hl_status status = hl_shapes_add(&shapes, g, err);
    if (!status)
        status = fill_places(q, g, &shapes, scratch, arena, out, err);
    hl_shapes_deinit(&shapes);
    return status;
}

hl_status hl_view_retained(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    return hl_view_one_heap(q, fill, arena, out, err);
}
