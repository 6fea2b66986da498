/* diagnose/timeline.c: memory over time: what was in use at each look, by whom it was asked for.
 *
 * Room   diagnose; analyser process; no graph, one snapshot's sizes in memory at a time.
 * Takes  the snapshots of one run.   Gives  two tables: each curve in a row, each look in a row.
 * A run whose allocations were not followed has its resident memory and its heap. */
#include "diagnose/view_parts.h"

#include <string.h>

enum curve { RSS, HEAP, TRACKED, RAW, MEM, OBJ, NATIVE, PEAK, TOTAL, CURVES };
_Static_assert(RAW + HL_BLOCK_DOMAINS == PEAK, "a curve a domain");

static const struct {
    const char *key, *name;
} curves[CURVES] = {
    [RSS] = {"rss", "resident memory (RSS)"}, [HEAP] = {"heap", "Python objects"},
    [TRACKED] = {"tracked", "blocks in use"}, [RAW] = {"raw", "  of the raw domain"},
    [MEM] = {"mem", "  of the mem domain"},   [OBJ] = {"obj", "  of the object domain"},
    [NATIVE] = {"native", "  of malloc"},     [PEAK] = {"peak", "high-water mark"},
    [TOTAL] = {"total", "allocated so far"},
};

typedef struct look {
    uint32_t number; /* 1: the oldest */
    const hl_snap_info *info;
    int64_t at[CURVES]; /* HL_CELL_NONE: not told */
    uint64_t objects;
} look;

static const hl_column curve_columns[] = {
    {"curve", NULL, HL_COLUMN_TEXT},           {NULL, "memory", HL_COLUMN_TEXT},
    {"first_bytes", "first", HL_COLUMN_BYTES}, {"bytes", "last", HL_COLUMN_BYTES},
    {"most_bytes", "most", HL_COLUMN_BYTES},   {"series", "over time", HL_COLUMN_SERIES},
};
enum { CURVE_COLUMNS = sizeof curve_columns / sizeof *curve_columns };

static const hl_column look_columns[] = {
    {"snapshot", "look", HL_COLUMN_COUNT},
    {"time_us", NULL, HL_COLUMN_COUNT},
    {NULL, "at", HL_COLUMN_TEXT},
    {"reason", "why", HL_COLUMN_TEXT},
    {"rss_bytes", "RSS", HL_COLUMN_BYTES},
    {"heap_bytes", "objects", HL_COLUMN_BYTES},
    {"objects", NULL, HL_COLUMN_COUNT},
    {"tracked_bytes", "blocks", HL_COLUMN_BYTES},
    {"raw_bytes", NULL, HL_COLUMN_BYTES},
    {"mem_bytes", NULL, HL_COLUMN_BYTES},
    {"obj_bytes", NULL, HL_COLUMN_BYTES},
    {"native_bytes", NULL, HL_COLUMN_BYTES},
    {"peak_bytes", "peak", HL_COLUMN_BYTES},
    {"total_bytes", "in all", HL_COLUMN_BYTES},
};
enum { LOOK_COLUMNS = sizeof look_columns / sizeof *look_columns };

/* ---- a look ----------------------------------------------------------------------------------- */

static void weigh(const hl_snap *s, look *l)
{
    uint64_t heap = 0;
    l->objects = s->nodes;
    for (hl_node v = 0; v < s->nodes; v++)
        heap += hl_snap_size(s, v);
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        heap += f.bytes;
        l->objects += f.objects;
    }
    l->at[HEAP] = (int64_t)heap;
}

static void add_sites(const hl_snap *s, look *l)
{
    uint64_t domain[HL_BLOCK_DOMAINS] = {0}, live = 0, all = 0;
    const hl_tracking *t = &s->info.tracking;
    for (uint32_t i = 0; i < s->n_sites; i++) {
        domain[s->sites[i].domain] += s->sites[i].live.bytes;
        live += s->sites[i].live.bytes;
        all += s->sites[i].all.bytes;
    }
    l->at[TRACKED] = (int64_t)live;
    l->at[TOTAL] = (int64_t)all;
    for (unsigned d = 0; d < HL_BLOCK_DOMAINS; d++)
        if (d != HL_BLOCK_NATIVE || domain[d])
            l->at[RAW + d] = (int64_t)domain[d];
    if (hl_tracking_tells_all(t))
        l->at[PEAK] = (int64_t)t->peak_bytes;
}

static hl_status take(hl_run *run, uint32_t i, look *out, hl_err *err)
{
    hl_snap *s;
    *out = (look){.number = i + 1, .info = &run->snaps[i]};
    for (unsigned c = 0; c < CURVES; c++)
        out->at[c] = HL_CELL_NONE;
    out->at[RSS] = out->info->rss_bytes ? (int64_t)out->info->rss_bytes : HL_CELL_NONE;
    bool followed = out->info->tracking.mode != HL_FOLLOWED_NOT;
    if (hl_snap_load_parts(run, i, HL_PART_SIZES | (followed ? HL_PART_SITES : 0), &s, err))
        return err->status;
    weigh(s, out);
    if (followed)
        add_sites(s, out);
    hl_snap_destroy(s);
    return HL_OK;
}

/* ---- tables ----------------------------------------------------------------------------------- */

static hl_status draw_curves(const look *looks, uint32_t n, hl_arena *arena, hl_table *out,
                             hl_err *err)
{
    uint32_t rows = 0;
    if (hl_view_rows(out, "curves", curve_columns, CURVE_COLUMNS, CURVES, 0, arena, err))
        return err->status;
    for (unsigned c = 0; c < CURVES; c++) {
        uint64_t *series = hl_arena_array(arena, n, sizeof *series);
        int64_t first = HL_CELL_NONE, last = HL_CELL_NONE, most = 0;
        uint32_t told = 0;
        if (!series)
            return hl_err_set(err, HL_NO_MEMORY, "no memory for %u looks", n);
        for (uint32_t i = 0; i < n; i++) {
            int64_t v = looks[i].at[c];
            if (v == HL_CELL_NONE)
                continue;
            first = told ? first : v;
            last = v;
            most = v > most ? v : most;
            series[told++] = (uint64_t)v;
        }
        if (!told)
            continue;
        hl_cell *row = hl_view_row(out, rows++);
        row[0].text = curves[c].key;
        row[1].text = curves[c].name;
        row[2].number = first;
        row[3].number = last;
        row[4].number = most;
        row[5].series.values = series;
        row[5].series.n = told;
    }
    out->n_rows = rows;
    return HL_OK;
}

static hl_status list_looks(const look *looks, uint32_t n, uint32_t top, hl_arena *arena,
                            hl_table *out, hl_err *err)
{
    uint32_t shown = n < top ? n : top;
    if (hl_view_rows(out, "looks", look_columns, LOOK_COLUMNS, shown, n - shown, arena, err))
        return err->status;
    out->title = "each look";
    for (uint32_t i = 0; i < shown; i++) {
        /* evenly chosen, the first and the last among them */
        const look *l = &looks[shown == n || shown < 2 ? i : (uint64_t)i * (n - 1) / (shown - 1)];
        hl_cell *row = hl_view_row(out, i);
        row[0].number = l->number;
        row[1].number = (int64_t)l->info->time_us;
        row[2].text = hl_arena_printf(arena, "%.3f s", (double)l->info->time_us / 1e6);
        row[3].text = hl_arena_printf(arena, "%s%s", l->info->reason,
                                      l->info->unsettled ? ", unsettled" : "");
        row[4].number = l->at[RSS];
        row[5].number = l->at[HEAP];
        row[6].number = (int64_t)l->objects;
        row[7].number = l->at[TRACKED];
        for (unsigned d = 0; d < HL_BLOCK_DOMAINS; d++)
            row[8 + d].number = l->at[RAW + d];
        row[12].number = l->at[PEAK];
        row[13].number = l->at[TOTAL];
    }
    return HL_OK;
}

hl_status hl_view_timeline(const hl_view_query *q, hl_arena *arena,
                           hl_table out[HL_TIMELINE_TABLES], hl_err *err)
{
    hl_run *run = q->runs[0];
    uint32_t n = run->n_snaps;
    if (!n)
        return hl_err_set(err, HL_EMPTY, "%s holds no whole snapshot", run->path);
    look *looks = hl_arena_array(arena, n, sizeof *looks);
    if (!looks)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u looks", n);
    for (uint32_t i = 0; i < n; i++)
        if (take(run, i, &looks[i], err))
            return err->status;
    if (draw_curves(looks, n, arena, &out[0], err) ||
        list_looks(looks, n, q->top, arena, &out[1], err))
        return err->status;
    const hl_tracking *t = &run->snaps[n - 1].tracking;
    out[0].title = hl_arena_printf(
        arena, "memory in %u look%s, from %.3f s to %.3f s of the program", n, n == 1 ? "" : "s",
        (double)looks[0].info->time_us / 1e6, (double)looks[n - 1].info->time_us / 1e6);
    if (t->mode == HL_FOLLOWED_NOT)
        out[0].note =
            "no allocation was followed: heaplens run --exact tells blocks and high-water "
            "mark, too";
    else if (t->mode == HL_FOLLOWED_SAMPLED)
        out[0].note = "blocks are estimated from samples";
    else if (t->peak_us)
        out[0].note = hl_arena_printf(arena, "the high-water mark was reached at %.3f s",
                                      (double)t->peak_us / 1e6);
    return HL_OK;
}
