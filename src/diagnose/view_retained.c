/* diagnose/view_retained.c: the single objects that keep most memory alive, by dominators.
 *
 * Room   diagnose; analyser process.
 * The dict of a module, a class or an instance stands for its owner and is passed over. */
#include "diagnose/view_parts.h"

static const hl_column columns[] = {
    {"name", "name", HL_COLUMN_TEXT},
    {"type", "type", HL_COLUMN_TEXT},
    {"address", "address", HL_COLUMN_TEXT},
    {"own_bytes", "itself", HL_COLUMN_BYTES},
    {"retained_objects", "objects", HL_COLUMN_COUNT},
    {"retained_bytes", "retained", HL_COLUMN_BYTES},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static hl_status fill(const hl_view_query *q, const hl_graph *g, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    const hl_snap *s = g->snap;
    hl_top top;
    if (hl_top_init(&top, q->top, s->nodes, scratch, err))
        return err->status;
    for (hl_node v = 0; v < s->nodes; v++)
        if (!hl_graph_is_namespace(g, v))
            hl_top_offer(&top, g->retained_bytes[v], v);
    hl_top_finish(&top);
    if (hl_view_rows(out, "retained", columns, COLUMNS, top.n, top.offered - top.n, arena, err))
        return err->status;
    out->title = "retained: what would be freed with one object";
    for (uint32_t i = 0; i < top.n; i++) {
        hl_node v = top.items[i].id;
        hl_cell *row = hl_view_row(out, i);
        row[0].text = hl_view_name(g, v, arena);
        row[1].text = hl_view_copy(arena, hl_snap_type_name(s, v));
        row[2].text = hl_arena_printf(arena, "0x%llx", (unsigned long long)hl_snap_address(s, v));
        row[3].number = (int64_t)hl_graph_own_bytes(g, v);
        row[4].number = g->retained_objects[v];
        row[5].number = (int64_t)g->retained_bytes[v];
    }
    return HL_OK;
}

hl_status hl_view_retained(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    return hl_view_one_heap(q, fill, arena, out, err);
}
