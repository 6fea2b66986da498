/* diagnose/view_containers.c: the biggest dicts, lists, sets and queues, and what their keys are
 * like.
 *
 * Room   diagnose; analyser process.
 * The dict of a module, a class or an instance holds attributes, not data: passed over. */
#include "diagnose/keys.h"
#include "diagnose/view_parts.h"

static const hl_column columns[] = {
    {"name", "name", HL_COLUMN_TEXT},          {"type", "type", HL_COLUMN_TEXT},
    {"address", "address", HL_COLUMN_TEXT},    {"len", "len", HL_COLUMN_COUNT},
    {"capacity", "capacity", HL_COLUMN_COUNT}, {"limit", "limit", HL_COLUMN_COUNT},
    {"keys", "keys", HL_COLUMN_TEXT},          {"retained_bytes", "retained", HL_COLUMN_BYTES},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static bool is_container(const hl_graph *g, hl_node v)
{
    const hl_snap *s = g->snap;
    if (hl_snap_len(s, v) == HL_LEN_NONE || hl_graph_is_namespace(g, v))
        return false;
    uint32_t first;
    uint32_t holds = s->off[v + 1] - s->off[v] + hl_snap_folds_of(s, v, &first);
    return holds || s->types[s->type[v]].flags & (HL_TYPE_DICT | HL_TYPE_LIST | HL_TYPE_TUPLE);
}

static hl_status fill(const hl_view_query *q, const hl_graph *g, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    const hl_snap *s = g->snap;
    hl_top top;
    if (hl_top_init(&top, q->top, s->nodes, scratch, err))
        return err->status;
    for (hl_node v = 0; v < s->nodes; v++)
        if (is_container(g, v))
            hl_top_offer(&top, g->retained_bytes[v], v);
    hl_top_finish(&top);
    if (hl_view_rows(out, "containers", columns, COLUMNS, top.n, top.offered - top.n, arena, err))
        return err->status;
    out->title = "containers: those that keep most memory alive";
    for (uint32_t i = 0; i < top.n; i++) {
        hl_node v = top.items[i].id;
        const hl_snap_extra *x = hl_snap_extra_of(s, v);
        hl_cell *row = hl_view_row(out, i);
        row[0].text = hl_view_name(g, v, arena);
        row[1].text = hl_view_copy(arena, hl_snap_type_name(s, v));
        row[2].text = hl_view_address(g, v, arena);
        row[3].number = hl_snap_len(s, v);
        row[4].number = x && x->cap && !x->bounded ? (int64_t)x->cap : HL_CELL_NONE;
        row[5].number = x && x->bounded ? (int64_t)x->cap : HL_CELL_NONE;
        row[6].text = hl_keys_text(s, v, arena);
        row[7].number = (int64_t)g->retained_bytes[v];
    }
    return HL_OK;
}

hl_status hl_view_containers(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    return hl_view_one_heap(q, fill, arena, out, err);
}
