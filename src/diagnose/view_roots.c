/* diagnose/view_roots.c: why things are alive: the roots by kind, and the bytes that go with them.
 *
 * Room   diagnose; analyser process.
 * The rows add up to the heap: what no single root keeps alive has a row of its own. */
#include "diagnose/view_parts.h"

#include <inttypes.h>

static const hl_column columns[] = {
    {"kind", "held by", HL_COLUMN_TEXT},
    {"roots", "roots", HL_COLUMN_COUNT},
    {"retained_objects", "objects", HL_COLUMN_COUNT},
    {"retained_bytes", "retained", HL_COLUMN_BYTES},
    {"biggest", "biggest", HL_COLUMN_TEXT},
    {"biggest_bytes", "of that", HL_COLUMN_BYTES},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const struct {
    enum hl_hold hold;
    const char *name;
} kinds[] = {
    {HL_HOLD_MODULE, "modules"},
    {HL_HOLD_TYPE, "static types"},
    {HL_HOLD_FRAME, "running frames"},
    {HL_HOLD_THREAD, "thread state"},
    {HL_HOLD_INTERP, "interpreter"},
    {HL_HOLD_GC_GARBAGE, "gc.garbage"},
    {HL_HOLD_C, "C code"},
    {HL_HOLD_CYCLE, "garbage cycles"},
    {HL_HOLD_STRAY, "nothing seen"},
    {HL_HOLD_NONE, "several of these"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct tally {
    uint64_t roots, objects, bytes;
    hl_node biggest;
} tally;

static uint32_t kind_of(enum hl_hold hold)
{
    for (uint32_t k = 0; k + 1 < KINDS; k++)
        if (kinds[k].hold == hold)
            return k;
    return KINDS - 1;
}

static void count(const hl_graph *g, tally *t)
{
    for (hl_node v = 0; v < g->snap->nodes; v++) {
        if (g->idom[v] != HL_NO_NODE)
            continue;
        const hl_graph_root *root = hl_graph_root_of(g, v);
        tally *k = &t[kind_of(root ? root->hold : HL_HOLD_NONE)];
        if (!k->roots || g->retained_bytes[v] > g->retained_bytes[k->biggest])
            k->biggest = v;
        k->roots++;
        k->objects += g->retained_objects[v];
        k->bytes += g->retained_bytes[v];
    }
}

static hl_status fill(const hl_view_query *q, const hl_graph *g, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    tally t[KINDS] = {0};
    hl_top top;
    count(g, t);
    if (hl_top_init(&top, q->top, KINDS, scratch, err))
        return err->status;
    for (uint32_t k = 0; k < KINDS; k++)
        hl_top_offer(&top, t[k].bytes, k);
    hl_top_finish(&top);
    if (hl_view_rows(out, "roots", columns, COLUMNS, top.n, top.offered - top.n, arena, err))
        return err->status;
    out->title = "roots: why things are alive";
    for (uint32_t i = 0; i < top.n; i++) {
        const tally *k = &t[top.items[i].id];
        bool shared = kinds[top.items[i].id].hold == HL_HOLD_NONE;
        hl_cell *row = hl_view_row(out, i);
        row[0].text = kinds[top.items[i].id].name;
        row[1].number = shared ? HL_CELL_NONE : (int64_t)k->roots;
        row[2].number = (int64_t)k->objects;
        row[3].number = (int64_t)k->bytes;
        row[4].text = hl_view_name(g, k->biggest, arena);
        row[5].number = (int64_t)g->retained_bytes[k->biggest];
    }
    out->note =
        hl_arena_printf(arena, "reference counts: %u higher than the references seen, %u lower",
                        g->n_excess, g->n_deficit);
    return HL_OK;
}

hl_status hl_view_roots(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    return hl_view_one_heap(q, fill, arena, out, err);
}
