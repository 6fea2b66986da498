/* diagnose/timeline_tables.c: memory over time as tables for people.
 *
 * Room   diagnose; analyser process.
 * Takes  one process of a timeline.   Gives  hl_table: a row a curve; a row a look, or a function.
 * Method the small drawing of a curve is over time, not over looks, which lie close where memory grew. */
#include "base/words.h"
#include "diagnose/course.h"
#include "diagnose/slope.h"
#include "diagnose/view_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWN = 24 }; /* characters of a small drawing */

static const hl_column curve_columns[] = {
    {NULL, "memory", HL_COLUMN_TEXT}, {NULL, "first", HL_COLUMN_BYTES},
    {NULL, "last", HL_COLUMN_BYTES},  {NULL, "most", HL_COLUMN_BYTES},
    {NULL, "slope", HL_COLUMN_TEXT},  {NULL, "over time", HL_COLUMN_SERIES},
};
enum { CURVE_COLUMNS = sizeof curve_columns / sizeof *curve_columns };

static const hl_column look_columns[] = {
    {NULL, "look", HL_COLUMN_COUNT},    {NULL, "at", HL_COLUMN_TEXT},
    {NULL, "why", HL_COLUMN_TEXT},      {NULL, "RSS", HL_COLUMN_BYTES},
    {NULL, "objects", HL_COLUMN_BYTES}, {NULL, "arenas", HL_COLUMN_BYTES},
    {NULL, "blocks", HL_COLUMN_BYTES},  {NULL, "peak", HL_COLUMN_BYTES},
    {NULL, "in all", HL_COLUMN_BYTES},
};
enum { LOOK_COLUMNS = sizeof look_columns / sizeof *look_columns };
/* What stands in them, from RSS on. */
static const char *const look_curves[] = {"rss", "heap", "arenas", "tracked", "peak", "total"};

static const hl_column call_columns[] = {
    {NULL, "function", HL_COLUMN_TEXT}, {NULL, "calls", HL_COLUMN_COUNT},
    {NULL, "first at", HL_COLUMN_TEXT}, {NULL, "seconds", HL_COLUMN_TEXT},
    {NULL, "most", HL_COLUMN_BYTES},    {NULL, "changed", HL_COLUMN_DELTA_BYTES},
};
enum { CALL_COLUMNS = sizeof call_columns / sizeof *call_columns };

/* ---- curves ----------------------------------------------------------------------------------- */

static const char *speed(double per_second, char buf[32])
{
    char size[16];
    double much = fabs(per_second) < 1e18 ? fabs(per_second) : 1e18;
    const char *sign = much < 1 ? "" : per_second < 0 ? "-" : "+";
    snprintf(buf, 32, "%s%s", sign, hl_bytes_text((uint64_t)much, size));
    return buf;
}

static const char *slope_text(const hl_slope *s, hl_arena *arena)
{
    char a[32], b[32], c[32];
    if (!s->told)
        return "-";
    return hl_arena_printf(arena, "%s/s (%s to %s)", speed(s->per_second, a), speed(s->low, b),
                           speed(s->high, c));
}

/* The values at so many moments of equal distance: what was seen last before each. */
static const uint64_t *over_time(const hl_timeline_process *p, const hl_curve *curve, uint32_t *n,
                                 hl_arena *arena)
{
    double from = p->seconds[0], length = p->seconds[p->n - 1] - from;
    uint32_t shown = p->n > 1 && length > 0 ? DRAWN : 1, at = 0;
    uint64_t *out = hl_arena_array(arena, shown, sizeof *out);
    int64_t value = HL_CELL_NONE;
    for (uint32_t i = 0; out && i < shown; i++) {
        double moment = shown > 1 ? from + length * i / (shown - 1) : from;
        while (at < p->n && (value == HL_CELL_NONE || p->seconds[at] <= moment || i + 1 == shown)) {
            value = curve->bytes[at] == HL_CELL_NONE ? value : curve->bytes[at];
            at++;
        }
        out[i] = value == HL_CELL_NONE ? 0 : (uint64_t)value;
    }
    *n = out ? shown : 0;
    return out;
}

static hl_status draw_curves(const hl_timeline_process *p, hl_arena *arena, hl_table *out,
                             hl_err *err)
{
    if (hl_view_rows(out, "curves", curve_columns, CURVE_COLUMNS, p->n_curves, 0, arena, err))
        return err->status;
    for (uint32_t c = 0; c < p->n_curves; c++) {
        const hl_curve *curve = &p->curves[c];
        int64_t first = HL_CELL_NONE, last = HL_CELL_NONE, most = 0;
        for (uint32_t i = 0; i < p->n; i++) {
            int64_t v = curve->bytes[i];
            if (v == HL_CELL_NONE)
                continue;
            first = first == HL_CELL_NONE ? v : first;
            last = v;
            most = v > most ? v : most;
        }
        hl_cell *row = hl_view_row(out, c);
        row[0].text = curve->name;
        row[1].number = first;
        row[2].number = last;
        row[3].number = most;
        row[4].text = slope_text(&curve->slope, arena);
        row[5].series.values = over_time(p, curve, &row[5].series.n, arena);
        if (!row[5].series.values)
            return hl_err_set(err, HL_NO_MEMORY, "no memory for %u curves", p->n_curves);
    }
    return HL_OK;
}

static const char *how(const hl_timeline_process *p, hl_arena *arena)
{
    const hl_slope *longest = NULL;
    for (uint32_t c = 0; c < p->n_curves; c++)
        if (p->curves[c].slope.told && !longest)
            longest = &p->curves[c].slope;
    const char *text =
        longest ? hl_arena_printf(arena,
                                  "slope: least squares over %u points from %.3f s to %.3f s (the "
                                  "first quarter is warm-up and left out), with its 95 %% interval",
                                  longest->points, longest->from_s, longest->to_s)
                : hl_arena_printf(arena,
                                  "no slope: it takes %d %s after the first quarter, which is "
                                  "warm-up",
                                  HL_SLOPE_LEAST, p->mprof ? "samples" : "looks");
    return p->note ? hl_arena_printf(arena, "%s; %s", text, p->note) : text;
}

/* ---- looks and calls -------------------------------------------------------------------------- */

static const hl_curve *curve_of(const hl_timeline_process *p, const char *key)
{
    for (uint32_t c = 0; c < p->n_curves; c++)
        if (!strcmp(p->curves[c].key, key))
            return &p->curves[c];
    return NULL;
}

static hl_status list_looks(const hl_timeline_process *p, uint32_t top, hl_arena *arena,
                            hl_table *out, hl_err *err)
{
    uint32_t n = p->n, shown = n < top ? n : top;
    if (hl_view_rows(out, "looks", look_columns, LOOK_COLUMNS, shown, n - shown, arena, err))
        return err->status;
    out->title = "each look";
    for (uint32_t i = 0; i < shown; i++) {
        /* evenly chosen, the first and the last among them */
        uint32_t at = shown == n || shown < 2 ? i : (uint32_t)((uint64_t)i * (n - 1) / (shown - 1));
        hl_cell *row = hl_view_row(out, i);
        row[0].number = at + 1;
        row[1].text = hl_arena_printf(arena, "%.3f s", p->seconds[at]);
        row[2].text = p->rounds ? hl_arena_printf(arena, "%s, round %llu", p->why[at],
                                                  (unsigned long long)p->rounds[at])
                                : p->why[at];
        for (unsigned k = 0; k < sizeof look_curves / sizeof *look_curves; k++) {
            const hl_curve *c = curve_of(p, look_curves[k]);
            row[3 + k].number = c ? c->bytes[at] : HL_CELL_NONE;
        }
    }
    return HL_OK;
}

typedef struct calls {
    const char *name;
    uint64_t n;
    double first_s, seconds;
    int64_t most, changed;
} calls;

static int by_name(const void *a, const void *b)
{
    const hl_span *x = a, *y = b;
    int names = strcmp(x->name, y->name);
    return names ? names : (x->from_s > y->from_s) - (x->from_s < y->from_s);
}

static int by_change(const void *a, const void *b)
{
    const calls *x = a, *y = b;
    if (x->changed != y->changed)
        return x->changed > y->changed ? -1 : 1;
    return strcmp(x->name, y->name);
}

static hl_status list_calls(const hl_timeline_process *p, uint32_t top, hl_arena *arena,
                            hl_table *out, hl_err *err)
{
    uint32_t n = 0;
    hl_span *sorted = hl_arena_array(arena, p->n_spans, sizeof *sorted);
    calls *all = hl_arena_array(arena, p->n_spans, sizeof *all);
    if (!sorted || !all)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u calls", p->n_spans);
    memcpy(sorted, p->spans, p->n_spans * sizeof *sorted);
    qsort(sorted, p->n_spans, sizeof *sorted, by_name);
    for (uint32_t i = 0; i < p->n_spans; i++) {
        const hl_span *s = &sorted[i];
        if (!n || strcmp(all[n - 1].name, s->name))
            all[n++] = (calls){.name = s->name, .first_s = s->from_s, .most = s->to_bytes};
        calls *c = &all[n - 1];
        c->n++;
        c->seconds += s->to_s - s->from_s;
        c->most = s->to_bytes > c->most ? s->to_bytes : c->most;
        c->changed += s->to_bytes - s->from_bytes;
    }
    qsort(all, n, sizeof *all, by_change);
    uint32_t shown = n < top ? n : top;
    if (hl_view_rows(out, "functions", call_columns, CALL_COLUMNS, shown, n - shown, arena, err))
        return err->status;
    out->title = "functions: what resident memory did while they ran";
    for (uint32_t i = 0; i < shown; i++) {
        hl_cell *row = hl_view_row(out, i);
        row[0].text = all[i].name;
        row[1].number = (int64_t)all[i].n;
        row[2].text = hl_arena_printf(arena, "%.3f s", all[i].first_s);
        row[3].text = hl_arena_printf(arena, "%.3f", all[i].seconds);
        row[4].number = all[i].most;
        row[5].number = all[i].changed;
    }
    return HL_OK;
}

static const char *headline(const hl_timeline_process *p, hl_arena *arena)
{
    double first = p->seconds[0], last = p->seconds[p->n - 1];
    const char *s = p->n == 1 ? "" : "s";
    if (p->mprof && p->pid)
        return hl_arena_printf(arena,
                               "memory of child %u in %u sample%s of mprof, %.3f s to %.3f s",
                               p->pid, p->n, s, first, last);
    if (p->mprof)
        return hl_arena_printf(arena, "memory in %u sample%s of mprof, %.3f s to %.3f s%s%s", p->n,
                               s, first, last, *p->program ? ": " : "", p->program);
    return hl_arena_printf(arena, "memory in %u look%s, from %.3f s to %.3f s of the program", p->n,
                           s, first, last);
}

hl_status hl_timeline_tables(const hl_timeline_process *p, uint32_t top, hl_arena *arena,
                             hl_table out[HL_TIMELINE_TABLES], uint32_t *n, hl_err *err)
{
    *n = 1;
    if (draw_curves(p, arena, &out[0], err))
        return err->status;
    out[0].title = headline(p, arena);
    out[0].note = how(p, arena);
    if (p->why && list_looks(p, top, arena, &out[(*n)++], err))
        return err->status;
    if (p->n_spans && list_calls(p, top, arena, &out[(*n)++], err))
        return err->status;
    return HL_OK;
}
