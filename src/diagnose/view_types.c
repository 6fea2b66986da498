/* diagnose/view_types.c: how many objects of each type, their bytes, and what goes with them.
 *
 * Room   diagnose; analyser process. */
#include "diagnose/judge.h"
#include "diagnose/view_parts.h"

#include <inttypes.h>

static const hl_column columns[] = {
    {"type", "type", HL_COLUMN_TEXT},
    {"objects", "objects", HL_COLUMN_COUNT},
    {"bytes", "bytes", HL_COLUMN_BYTES},
    {"retained_bytes", "retained", HL_COLUMN_BYTES},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

typedef struct tally {
    uint64_t objects, bytes;
} tally;

static void tally_types(const hl_snap *s, tally *per_type)
{
    for (hl_node v = 0; v < s->nodes; v++) {
        per_type[s->type[v]].objects++;
        per_type[s->type[v]].bytes += hl_snap_size(s, v);
    }
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        per_type[f.type].objects += f.objects;
        per_type[f.type].bytes += f.bytes;
    }
}

static hl_status fill(const hl_view_query *q, const hl_graph *g, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    const hl_snap *s = g->snap;
    tally *per_type = hl_arena_array(scratch, s->n_types, sizeof *per_type);
    uint64_t *retained = hl_arena_array(scratch, s->n_types, sizeof *retained);
    hl_top top;
    if (!per_type || !retained)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u types", s->n_types);
    tally_types(s, per_type);
    if (hl_view_retained_by(g, s->type, s->n_types, true, retained, err) ||
        hl_top_init(&top, q->top, s->n_types, scratch, err))
        return err->status;
    char count[32], size[16];
    uint64_t objects = 0, bytes = 0;
    for (uint32_t t = 0; t < s->n_types; t++) {
        hl_top_offer(&top, per_type[t].bytes, t);
        objects += per_type[t].objects;
        bytes += per_type[t].bytes;
    }
    hl_top_finish(&top);
    if (hl_view_rows(out, "types", columns, COLUMNS, top.n, top.offered - top.n, arena, err))
        return err->status;
    out->title = hl_arena_printf(arena, "types: %s objects, %s", hl_count_text(objects, count),
                                 hl_bytes_text(bytes, size));
    for (uint32_t i = 0; i < top.n; i++) {
        uint32_t t = top.items[i].id;
        hl_cell *row = hl_view_row(out, i);
        row[0].text = hl_view_copy(arena, s->names[s->types[t].name]);
        row[1].number = (int64_t)per_type[t].objects;
        row[2].number = (int64_t)per_type[t].bytes;
        row[3].number = (int64_t)retained[t];
    }
    if (s->info.skipped)
        out->note = hl_arena_printf(arena, "not seen: %" PRIu64 " objects that could not be read",
                                    s->info.skipped);
    return HL_OK;
}

hl_status hl_view_types(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    return hl_view_one_heap(q, fill, arena, out, err);
}
