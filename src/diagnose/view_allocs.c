/* diagnose/view_allocs.c: which lines asked for the memory: in use, at the peak, in all, for a moment.
 *
 * Room   diagnose; analyser process. Needs allocations that were followed; no graph. */
#include "diagnose/judge.h"
#include "diagnose/sites.h"
#include "diagnose/view_parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const hl_column columns[] = {
    {"where", "where", HL_COLUMN_TEXT},
    {"file", NULL, HL_COLUMN_TEXT},
    {"line", NULL, HL_COLUMN_COUNT},
    {"function", NULL, HL_COLUMN_TEXT},
    {"live_bytes", "in use", HL_COLUMN_BYTES},
    {"live_error", "\xc2\xb1", HL_COLUMN_BYTES},
    {"live_blocks", "blocks", HL_COLUMN_COUNT},
    {"survived", "survived", HL_COLUMN_COUNT},
    {"peak_bytes", "at peak", HL_COLUMN_BYTES},
    {"peak_blocks", NULL, HL_COLUMN_COUNT},
    {"total_bytes", "in all", HL_COLUMN_BYTES},
    {"total_blocks", NULL, HL_COLUMN_COUNT},
    {"temporary_bytes", "temporary", HL_COLUMN_BYTES},
    {"temporary_blocks", NULL, HL_COLUMN_COUNT},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

const char *const hl_measures[HL_MEASURES] = {"live", "peak", "total", "temporary"};

static const hl_amount *measured(const hl_site_sum *sum, hl_measure by)
{
    const hl_amount *of[HL_MEASURES] = {&sum->live, &sum->peak, &sum->all, &sum->brief};
    return of[by];
}

/* Samples of an early heaplens do not say what was there at the high-water mark. */
static bool tells_all(const hl_snap *s)
{
    return s->info.tracking.peak_bytes > 0 || s->info.tracking.mode == HL_FOLLOWED_EXACT;
}

static void fill_row(const hl_snap *s, const hl_site_sums *sums, const hl_site_sum *sum,
                     hl_arena *arena, hl_cell *row)
{
    bool is_code = sum->stack && sums->key != HL_SITES_BY_THREAD && sums->key != HL_SITES_BY_DOMAIN;
    const hl_snap_frame *f = &s->frames[is_code ? s->stacks[sum->stack].frame : 0];
    bool is_type = sums->key == HL_SITES_BY_TYPE;
    row[0].text = hl_site_label(s, sums->key, sum, arena);
    row[1].text = is_code ? hl_view_copy(arena, s->names[f->file]) : NULL;
    row[2].number = is_code && f->line ? (int64_t)f->line : HL_CELL_NONE;
    row[3].text = is_code ? hl_view_copy(arena, s->names[f->function]) : NULL;
    row[4].number = (int64_t)sum->live.bytes;
    row[5].number = sum->variance > 0 ? (int64_t)sqrt(sum->variance) : HL_CELL_NONE;
    row[6].number = (int64_t)sum->live.blocks;
    row[7].number = sum->survived ? (int64_t)sum->survived : HL_CELL_NONE;
    const hl_amount *rest[] = {&sum->peak, &sum->all, &sum->brief};
    for (unsigned i = 0; i < sizeof rest / sizeof *rest; i++) {
        bool told = !is_type && (rest[i] == &sum->all || tells_all(s));
        row[8 + 2 * i].number = told ? (int64_t)rest[i]->bytes : HL_CELL_NONE;
        row[9 + 2 * i].number = told ? (int64_t)rest[i]->blocks : HL_CELL_NONE;
    }
}

/* What the numbers are, and what they are not. */
static const char *note(const hl_snap *s, hl_arena *arena)
{
    const hl_tracking *t = &s->info.tracking;
    char rate[16];
    const char *text =
        t->mode == HL_FOLLOWED_SAMPLED
            ? hl_arena_printf(arena, "estimated from samples, one every %s on average",
                              hl_bytes_text(t->rate, rate))
            : NULL;
    static const struct {
        uint32_t bit;
        const char *name;
    } lists[] = {{HL_FREE_LIST_LIST, "lists"},   {HL_FREE_LIST_DICT, "dicts"},
                 {HL_FREE_LIST_TUPLE, "tuples"}, {HL_FREE_LIST_KEYS, "tables of small dicts"},
                 {HL_FREE_LIST_FLOAT, "floats"}, {HL_FREE_LIST_INT, "ints"}};
    const char *reused = NULL;
    for (size_t i = 0; t->mode == HL_FOLLOWED_EXACT && i < sizeof lists / sizeof *lists; i++)
        if (!(t->corrected & lists[i].bit))
            reused =
                reused ? hl_arena_printf(arena, "%s, %s", reused, lists[i].name) : lists[i].name;
    if (reused)
        text =
            hl_arena_printf(arena,
                            "%s%s may be told from the line that made an earlier one: this Python "
                            "keeps them for the next",
                            text ? text : "", reused);
    if (t->dropped)
        text = hl_arena_printf(arena, "%s%s%" PRIu64 " could not be followed, for want of room",
                               text ? text : "", text ? "; " : "", t->dropped);
    return text;
}

static hl_status fill(const hl_view_query *q, const hl_snap *s, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    hl_site_sums sums;
    hl_top top;
    if (!tells_all(s) && (q->measure == HL_PEAK || q->measure == HL_TEMPORARY))
        return hl_err_set(err, HL_EMPTY,
                          "these samples do not tell what was there at the high-water mark, nor "
                          "what was soon freed: record anew, or with 'heaplens run --exact'");
    if (hl_sites_add_up(s, q->sites_by, scratch, &sums, err) ||
        hl_top_init(&top, q->top, sums.n, scratch, err))
        return err->status;
    hl_amount total = {0};
    for (uint32_t i = 0; i < sums.n; i++) {
        const hl_amount *x = measured(&sums.items[i], q->measure);
        hl_top_offer(&top, x->bytes, i);
        total.blocks += x->blocks;
        total.bytes += x->bytes;
    }
    hl_top_finish(&top);
    if (hl_view_rows(out, "allocs", columns, COLUMNS, top.n, top.offered - top.n, arena, err))
        return err->status;
    char count[32], size[16];
    out->title =
        hl_arena_printf(arena, "allocations by %s, %s: %s blocks, %s", hl_site_keys[q->sites_by],
                        hl_measures[q->measure], hl_count_text(total.blocks, count),
                        hl_bytes_text(total.bytes, size));
    for (uint32_t i = 0; i < top.n; i++)
        fill_row(s, &sums, &sums.items[top.items[i].id], arena, hl_view_row(out, i));
    out->note = note(s, arena);
    return HL_OK;
}

hl_status hl_view_allocs(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    hl_view_moment at;
    hl_snap *s;
    if (hl_view_moment_asked(q, &at, err) || hl_snap_load(at.run, at.index, &s, err))
        return err->status;
    hl_arena scratch;
    hl_arena_init(&scratch);
    hl_status status = fill(q, s, &scratch, arena, out, err);
    hl_arena_deinit(&scratch);
    hl_snap_destroy(s);
    return status;
}
