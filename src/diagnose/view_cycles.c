/* diagnose/view_cycles.c: cycles nothing holds, grouped by what they are made of.
 *
 * Room   diagnose; analyser process. */
#include "diagnose/view_parts.h"

#include <inttypes.h>

static const hl_column columns[] = {
    {"cycle", "cycle", HL_COLUMN_TEXT},      {"cycles", "cycles", HL_COLUMN_COUNT},
    {"objects", "objects", HL_COLUMN_COUNT}, {"bytes", "bytes", HL_COLUMN_BYTES},
    {"remarks", "remarks", HL_COLUMN_TEXT},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const char *remarks(const hl_cycle *c, hl_arena *arena)
{
    if (!c->finalizer && !c->frozen && !c->in_gc_garbage && !c->uncollectable)
        return NULL;
    const char *text = hl_arena_printf(
        arena, "%s%s%s%s", c->finalizer ? ", has a finalizer" : "", c->frozen ? ", frozen" : "",
        c->in_gc_garbage ? ", in gc.garbage" : "", c->uncollectable ? ", cannot be collected" : "");
    return text ? text + 2 : NULL;
}

static const char *collector(const hl_snap_info *i, hl_arena *arena)
{
    if (!i->gc_enabled)
        return "the collector is off (gc.disable()): nobody frees these";
    if (!i->gc_threshold0)
        return "the collector never runs by itself (gc.set_threshold(0))";
    return hl_arena_printf(arena,
                           "the collector is on (threshold %u, %" PRIu64 " + %" PRIu64 " + %" PRIu64
                           " collections so far) and frees what it can when it next runs",
                           i->gc_threshold0, i->gc_collections[0], i->gc_collections[1],
                           i->gc_collections[2]);
}

static hl_status fill(const hl_view_query *q, const hl_graph *g, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    hl_cycle *cycles;
    uint32_t n;
    if (hl_cycles_find(g, scratch, &cycles, &n, err))
        return err->status;
    uint32_t shown = n < q->top ? n : q->top;
    if (hl_view_rows(out, "cycles", columns, COLUMNS, shown, n - shown, arena, err))
        return err->status;
    out->title = n ? "cycles: garbage that only holds itself" : "cycles: none that are garbage";
    for (uint32_t i = 0; i < shown; i++) {
        hl_cell *row = hl_view_row(out, i);
        row[0].text = hl_view_copy(arena, cycles[i].signature);
        row[1].number = (int64_t)cycles[i].cycles;
        row[2].number = (int64_t)cycles[i].objects;
        row[3].number = (int64_t)cycles[i].bytes;
        row[4].text = remarks(&cycles[i], arena);
    }
    out->note = collector(&g->snap->info, arena);
    return HL_OK;
}

hl_status hl_view_cycles(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    return hl_view_one_heap(q, fill, arena, out, err);
}
