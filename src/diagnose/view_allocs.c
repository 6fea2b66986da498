/* diagnose/view_allocs.c: which lines asked for the memory: in use, at the peak, in all, for a moment.
 *
 * Room   diagnose; analyser process. Needs allocations that were followed; no graph. */
#include "base/words.h"
#include "diagnose/native_sites.h"
#include "diagnose/site_growth.h"
#include "diagnose/sites.h"
#include "diagnose/view_parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum column {
    WHERE,
    FILE_NAME,
    LINE,
    FUNCTION,
    LIVE_BYTES,
    LIVE_ERROR,
    LIVE_BLOCKS,
    SURVIVED,
    PEAK_BYTES,
    PEAK_BLOCKS,
    TOTAL_BYTES,
    TOTAL_BLOCKS,
    TEMPORARY_BYTES,
    TEMPORARY_BLOCKS,
    RISES,
    SERIES,
    COLUMNS,
};

static const hl_column columns[COLUMNS] = {
    [WHERE] = {"where", "where", HL_COLUMN_TEXT},
    [FILE_NAME] = {"file", NULL, HL_COLUMN_TEXT},
    [LINE] = {"line", NULL, HL_COLUMN_COUNT},
    [FUNCTION] = {"function", NULL, HL_COLUMN_TEXT},
    [LIVE_BYTES] = {"live_bytes", "in use", HL_COLUMN_BYTES},
    [LIVE_ERROR] = {"live_error", "\xc2\xb1", HL_COLUMN_BYTES},
    [LIVE_BLOCKS] = {"live_blocks", "blocks", HL_COLUMN_COUNT},
    [SURVIVED] = {"survived", "survived", HL_COLUMN_COUNT},
    [PEAK_BYTES] = {"peak_bytes", "at peak", HL_COLUMN_BYTES},
    [PEAK_BLOCKS] = {"peak_blocks", NULL, HL_COLUMN_COUNT},
    [TOTAL_BYTES] = {"total_bytes", "in all", HL_COLUMN_BYTES},
    [TOTAL_BLOCKS] = {"total_blocks", NULL, HL_COLUMN_COUNT},
    [TEMPORARY_BYTES] = {"temporary_bytes", "temporary", HL_COLUMN_BYTES},
    [TEMPORARY_BLOCKS] = {"temporary_blocks", NULL, HL_COLUMN_COUNT},
    [RISES] = {"windows_risen", NULL, HL_COLUMN_COUNT},
    [SERIES] = {"live_series", "over time", HL_COLUMN_SERIES},
};

/* For people, what was asked about: all of it is too wide for a terminal. */
static const hl_column *shown(const hl_snap *s, const hl_view_query *q, bool over_time,
                              hl_arena *arena)
{
    hl_column *own = hl_arena_array(arena, COLUMNS, sizeof *own);
    if (!own)
        return NULL;
    memcpy(own, columns, sizeof columns);
    if (s->info.tracking.mode != HL_FOLLOWED_SAMPLED)
        own[LIVE_ERROR].title = NULL;
    hl_measure by = q->measure;
    bool stacks = q->sites_by == HL_SITES_BY_TRACEBACK; /* take the room */
    if (by != HL_PEAK)
        own[PEAK_BYTES].title = NULL;
    if (by != HL_TEMPORARY)
        own[TEMPORARY_BYTES].title = NULL;
    bool ages = q->sites_by != HL_SITES_BY_TYPE && q->sites_by != HL_SITES_BY_THREAD &&
                q->sites_by != HL_SITES_BY_DOMAIN;
    if (by == HL_TEMPORARY || !over_time || stacks || !ages)
        own[SURVIVED].title = NULL;
    if (q->sites_by == HL_SITES_BY_TYPE || s->info.tracking.live_only)
        own[TOTAL_BYTES].title = NULL;
    if (!over_time || stacks)
        own[SERIES].title = NULL;
    return own;
}

const char *const hl_measures[HL_MEASURES] = {"live", "peak", "total", "temporary"};

static const hl_amount *measured(const hl_site_sum *sum, hl_measure by)
{
    const hl_amount *of[HL_MEASURES] = {&sum->live, &sum->peak, &sum->all, &sum->brief};
    return of[by];
}

static void fill_row(const hl_snap *s, const hl_site_sums *sums, const hl_site_sum *sum,
                     hl_arena *arena, hl_cell *row)
{
    bool is_code = sum->stack && sums->key != HL_SITES_BY_THREAD && sums->key != HL_SITES_BY_DOMAIN;
    const hl_snap_frame *f = &s->frames[is_code ? s->stacks[sum->stack].frame : 0];
    bool is_type = sums->key == HL_SITES_BY_TYPE;
    row[WHERE].text = hl_site_label(s, sums->key, sum, arena);
    row[FILE_NAME].text = is_code ? hl_view_copy(arena, s->names[f->file]) : NULL;
    row[LINE].number = is_code && f->line ? (int64_t)f->line : HL_CELL_NONE;
    row[FUNCTION].text = is_code ? hl_view_copy(arena, s->names[f->function]) : NULL;
    row[LIVE_BYTES].number = (int64_t)sum->live.bytes;
    row[LIVE_ERROR].number = sum->variance > 0 ? (int64_t)sqrt(sum->variance) : HL_CELL_NONE;
    row[LIVE_BLOCKS].number = (int64_t)sum->live.blocks;
    row[SURVIVED].number = sum->survived ? (int64_t)sum->survived : HL_CELL_NONE;
    const hl_amount *rest[] = {&sum->peak, &sum->all, &sum->brief};
    for (unsigned i = 0; i < sizeof rest / sizeof *rest; i++) {
        bool told = !is_type && (hl_tracking_tells_all(&s->info.tracking) ||
                                 (rest[i] == &sum->all && !s->info.tracking.live_only));
        row[PEAK_BYTES + 2 * i].number = told ? (int64_t)rest[i]->bytes : HL_CELL_NONE;
        row[PEAK_BLOCKS + 2 * i].number = told ? (int64_t)rest[i]->blocks : HL_CELL_NONE;
    }
}

/* Live bytes as estimated, less three standard errors: more than the process has? */
static bool beyond_the_process(const hl_snap *s)
{
    double bytes = 0, variance = 0;
    for (uint32_t i = 0; i < s->n_sites; i++) {
        bytes += (double)s->sites[i].live.bytes;
        variance += (double)s->sites[i].error * (double)s->sites[i].error;
    }
    return s->info.rss_bytes && bytes - 3 * sqrt(variance) > (double)s->info.rss_bytes;
}

/* What the numbers are, and what they are not. */
static const char *note(const hl_snap *s, hl_arena *arena)
{
    const hl_tracking *t = &s->info.tracking;
    char rate[16];
    const char *text = NULL;
    if (t->mode == HL_FOLLOWED_SAMPLED) {
        text = hl_arena_printf(arena, "estimated from samples, one every %s on average",
                               hl_bytes_text(t->rate, rate));
        if (beyond_the_process(s))
            text = hl_arena_printf(arena,
                                   "%s; in all more than the %s the process has: some blocks that "
                                   "were sampled are kept where others are not (ask with --exact)",
                                   text, hl_bytes_text(s->info.rss_bytes, rate));
    }
    static const struct {
        uint32_t bit;
        const char *name;
    } lists[] = {{HL_FREE_LIST_LIST, "lists"},   {HL_FREE_LIST_DICT, "dicts"},
                 {HL_FREE_LIST_TUPLE, "tuples"}, {HL_FREE_LIST_KEYS, "tables of small dicts"},
                 {HL_FREE_LIST_FLOAT, "floats"}, {HL_FREE_LIST_INT, "ints"}};
    const char *reused = NULL;
    for (size_t i = 0;
         t->mode == HL_FOLLOWED_EXACT && !t->live_only && i < sizeof lists / sizeof *lists; i++)
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

/* What grows, and how old it is; before: NULL, or what is said already. */
static const char *growth_note(const hl_site_sum *sum, const char *where, uint32_t windows,
                               const char *before, hl_arena *arena)
{
    char blocks[32];
    const char *age = "";
    if (sum->survivors)
        age = hl_arena_printf(arena, " (%s blocks from there survived %u look%s)",
                              hl_count_text(sum->survivors, blocks), sum->survived,
                              sum->survived == 1 ? "" : "s");
    if (!before)
        before = hl_arena_printf(arena, "gained in each of %u parts of the run: ", windows);
    else
        before = hl_arena_printf(arena, "%s, ", before);
    return age && before ? hl_arena_printf(arena, "%s%s%s", before, where, age) : NULL;
}

static void fill_series(const hl_site_history *h, const hl_snap *s, const hl_site_sums *sums,
                        uint32_t i, hl_site_pool *pool, hl_arena *arena, hl_cell *row)
{
    row[RISES].number = HL_CELL_NONE;
    const uint64_t *series = h->n < 2 ? NULL : hl_site_history_of(h, s, sums, i, pool, arena);
    if (!series)
        return;
    row[SERIES].series.values = series;
    row[SERIES].series.n = h->n;
    row[RISES].number = hl_site_rises(h, series);
}

static hl_status fill(const hl_view_query *q, const hl_snap *s, const hl_site_history *h,
                      hl_site_pool *pool, uint32_t n_without, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    enum { TOLD_MOST = 3, WORTH = 1 << 16 };
    hl_site_sums sums;
    hl_top top;
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
    bool over_time = h->n > 1 && q->measure == HL_LIVE;
    const hl_column *own = shown(s, q, over_time, arena);
    if (!own)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a table");
    if (hl_view_rows(out, "allocs", own, COLUMNS, top.n, top.offered - top.n, arena, err))
        return err->status;
    char count[32], size[16];
    const char *measure = hl_measures[q->measure];
    if (q->measure == HL_TEMPORARY && q->within > 1)
        measure =
            hl_arena_printf(arena, "%s (freed within %" PRIu32 " allocations)", measure, q->within);
    out->title = hl_arena_printf(
        arena, "allocations by %s, %s%s: %s blocks, %s", hl_site_keys[q->sites_by],
        measure ? measure : "",
        q->n_runs > 1 ? hl_arena_printf(arena, ", of %u recordings", q->n_runs - n_without) : "",
        hl_count_text(total.blocks, count), hl_bytes_text(total.bytes, size));
    const char *grows = NULL;
    unsigned told = s->info.tracking.mode == HL_FOLLOWED_SAMPLED && beyond_the_process(s)
                        ? TOLD_MOST /* what never was has not grown */
                        : 0;
    for (uint32_t i = 0; i < top.n; i++) {
        uint32_t id = (uint32_t)top.items[i].id;
        const hl_site_sum *sum = &sums.items[id];
        hl_cell *row = hl_view_row(out, i);
        fill_row(s, &sums, sum, arena, row);
        fill_series(h, s, &sums, id, pool, arena, row);
        bool says = over_time && row[RISES].number > 0 && told < TOLD_MOST &&
                    sum->live.bytes >= WORTH && q->sites_by != HL_SITES_BY_TRACEBACK;
        if (says && row[WHERE].text) {
            grows = growth_note(sum, row[WHERE].text, (uint32_t)row[RISES].number, grows, arena);
            told++;
        }
    }
    const char *rest = note(s, arena);
    bool by_thread = q->sites_by == HL_SITES_BY_THREAD && q->measure != HL_LIVE &&
                     q->measure != HL_PEAK && !s->info.tracking.by_thread;
    if (by_thread) /* of an earlier heaplens */
        rest = hl_arena_printf(arena,
                               "%s%sof what was made in all this recording names a thread that "
                               "was at the line, not each that was",
                               rest ? rest : "", rest ? "; " : "");
    if (n_without)
        rest = hl_arena_printf(arena, "%s%s%u of %u recordings followed none", rest ? rest : "",
                               rest ? "; " : "", n_without, q->n_runs);
    out->note = grows && rest ? hl_arena_printf(arena, "%s; %s", grows, rest)
                : grows       ? grows
                              : rest;
    return HL_OK;
}

/* The last of a run with blocks of malloc, or the one that was asked for. */
static bool find_native(const hl_view_query *q, hl_view_moment *at)
{
    while (!q->snapshot && at->index && !at->run->snaps[at->index].tracking.native)
        at->index--;
    return at->run->snaps[at->index].tracking.native != HL_FOLLOWED_NOT;
}

/* Blocks of malloc are no rows: of those only what is in use is known, and from which library. */
static hl_status note_native(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    hl_view_moment at;
    hl_snap *s;
    if (q->n_runs != 1 || hl_view_moment_asked(q, &at, err) || !find_native(q, &at))
        return HL_OK;
    if (hl_snap_load_parts(at.run, at.index, HL_PART_SITES, &s, err))
        return err->status;
    const char *libraries = hl_native_libraries(s, arena);
    if (libraries && *libraries)
        out->note = hl_arena_printf(
            arena, "%s%sbeside these malloc has %sfor %s", out->note ? out->note : "",
            out->note ? "; " : "",
            at.run->snaps[at.index].tracking.native == HL_FOLLOWED_SAMPLED ? "(by samples) " : "",
            libraries);
    hl_snap_destroy(s);
    return HL_OK;
}

hl_status hl_view_allocs(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    hl_arena scratch;
    hl_site_pool *pool;
    hl_site_history h = {0};
    hl_snap s;
    uint32_t n_without;
    hl_arena_init(&scratch);
    bool over_time = q->n_runs == 1 && !q->snapshot && q->measure == HL_LIVE;
    hl_status status = hl_site_pool_create(&scratch, &pool, err);
    if (!status && over_time)
        status = hl_site_history_read(q->runs[0], q->sites_by, pool, &scratch, &h, err);
    if (!status)
        status = hl_view_allocated(q, q->sites_by == HL_SITES_BY_TYPE, pool, &s, &n_without, err);
    if (!status)
        status = fill(q, &s, &h, pool, n_without, &scratch, arena, out, err);
    if (!status)
        status = note_native(q, arena, out, err);
    hl_arena_deinit(&scratch);
    return status;
}
