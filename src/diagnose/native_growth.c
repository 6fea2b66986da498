/* diagnose/native_growth.c: memory outside of all objects that grows, and who has the objects it
 * grows with.
 *
 * Room   diagnose; over the moments, and the anchor's graph.
 * Takes  what the capture measured of each look's memory (enum hl_memory), and the objects' sizes.
 * Gives  c->outside; c->native: how much came, or c->native_few; which growths rise in step with it; for a suspect, whether what it
 *        has is C code's own. A tree of lxml, an image, a connection are a few hundred bytes to the
 *        walk and megabytes to the process: whoever keeps them keeps that.
 * Guards In a steady program all that grows grows in step. So the objects must be of types written in
 *        C, and the container must be one that would be told by itself, were its objects bigger.
 *        Memory that malloc has in threads' arenas and nobody uses cannot be told from what is used:
 *        it grows by leaps and stays. */
#include "diagnose/native_growth.h"
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <string.h>

enum {
    LEAST_BYTES = 8 << 20,
    LEAST_STEADY = 2 << 20, /* of what comes at one pace: warming up does not */
    LEAST_INTERVALS = 4,
    STEADY_INTERVALS = 5,
    FEW_INTERVALS = 2,
    FEW_BYTES = 4 << 20,
    LEAST_UNITS = 12,
    TWINS_US = 15000, /* two looks nearer to each other are as one */
    DEPTH = 3,
    SEEN_MAX = 48
};
static const double APART = 0.15;    /* of what came, at any look */
static const double LONG_END = 0.25; /* then it is no mere exit */
static const double TIRED = 0.3;     /* at that share of the pace before it has stopped */
static const double MUCH_OF = 0.5, FEW_OF = 0.25, STEADY_OF = 0.05; /* of what the process had */
/* Of the mean pace in each interval, at least; and twice the mean at most. */
static const double STEADY = 0.5;

/* Memory in use that is in no object, at each look. What malloc has free cannot be read while another
 * thread is at it: then it has as much as when it was read last. */
static bool outside(const hl_case *c, uint64_t *series)
{
    const uint32_t wanted =
        1u << HL_MEMORY_HEAP | 1u << HL_MEMORY_MAPPED | 1u << HL_MEMORY_ARENA_USED;
    uint64_t unused = 0;
    for (uint32_t i = 0; i < c->n_moments; i++) {
        const hl_snap_info *info = &c->moments[i].info;
        if ((info->memory_known & wanted) != wanted)
            return false;
        if (info->memory_known & 1u << HL_MEMORY_HEAP_FREE)
            unused = info->memory[HL_MEMORY_HEAP_FREE];
        uint64_t heap = info->memory[HL_MEMORY_HEAP] + info->memory[HL_MEMORY_MAPPED];
        uint64_t used = (heap > unused ? heap - unused : 0) + info->memory[HL_MEMORY_ARENA_USED];
        uint64_t objects = c->moments[i].heap_bytes;
        series[i] = used > objects ? used - objects : 0;
    }
    return true;
}

/* From one look at work to another, so much that nothing else the process has explains it? share: of what the
 * process had, at least. */
static uint64_t came_between(const hl_case *c, const uint64_t *series, uint32_t from, uint32_t to,
                             uint64_t least, double share)
{
    const hl_moment *m = c->moments;
    uint64_t came = series[to] > series[from] ? series[to] - series[from] : 0;
    uint64_t was = m[from].heap_bytes, is = m[to].heap_bytes;
    /* beside a heap that grows as much it may be what that heap's own blocks are rounded up to */
    bool aside = is > was && is - was > came;
    bool little = came < least || (double)came < share * (double)m[from].info.rss_bytes;
    return little || aside ? 0 : came;
}

/* As much a second in each interval, by the clock or by work? */
static bool is_steady(const hl_case *c, const uint64_t *series, const hl_growth *g)
{
    const hl_moment *m = c->moments;
    double came = (double)series[g->anchor] - (double)series[g->onset];
    double work = m[g->anchor].work - m[g->onset].work;
    double time = (double)(m[g->anchor].info.time_us - m[g->onset].info.time_us);
    uint32_t seen = 0;
    bool by_work = work > 0, by_clock = time > 0;
    for (uint32_t i = g->onset; i < g->anchor; i++) {
        double more = (double)series[i + 1] - (double)series[i];
        double clock = (double)(m[i + 1].info.time_us - m[i].info.time_us);
        if (clock <= TWINS_US)
            continue;
        seen++;
        double due = came * (m[i + 1].work - m[i].work) / work, timed = came * clock / time;
        by_work = by_work && more >= STEADY * due && STEADY * more <= due;
        by_clock = by_clock && more >= STEADY * timed && STEADY * more <= timed;
    }
    return seen >= STEADY_INTERVALS && (by_work || by_clock);
}

bool hl_native_growth_had_stopped(const hl_case *c, uint32_t from, uint32_t to, double share)
{
    const hl_moment *m = c->moments;
    const uint64_t *series = c->outside;
    uint32_t z = c->n_moments - 1;
    if (!series)
        return false;
    double before = m[to].work - m[from].work, after = m[z].work - m[to].work;
    double came = (double)series[to] - (double)series[from];
    double more = (double)series[z] - (double)series[to];
    /* what a call had and gave back when it returned may have grown until then */
    if (2 * more < -came)
        return after > before;
    return after > share * before && more * before < TIRED * came * after;
}

/* Each look since the warm-up found more, and they are too few to tell a leak by: a table in memory
 * that is filled looks the same. */
static uint64_t came_in_few(const hl_case *c, const uint64_t *series, const hl_growth *g)
{
    uint32_t from = g->onset > c->baseline ? g->onset : c->baseline;
    if (g->anchor - from < FEW_INTERVALS)
        return 0;
    const hl_moment *m = c->moments;
    for (uint32_t i = from; i < g->anchor; i++)
        if (series[i + 1] < series[i] ||
            (series[i + 1] == series[i] && m[i + 1].info.time_us > m[i].info.time_us + TWINS_US))
            return 0;
    return came_between(c, series, from, g->anchor, FEW_BYTES, FEW_OF);
}

/* Does it rise, and did it not stop long before the end? Fills g. */
static bool goes_on(hl_case *c, const uint64_t *series, hl_growth *g)
{
    return hl_growth_rises(c, series, g) && !hl_growth_slows(g) &&
           !hl_native_growth_had_stopped(c, g->onset, g->anchor, LONG_END);
}

/* Less, at one pace from the end of the imports on. late: room for a value a moment. Fills g. */
static uint64_t came_steadily(hl_case *c, const uint64_t *series, uint64_t *late, hl_growth *g)
{
    /* what lives on when the program is over is there then, too */
    uint32_t last = c->n_moments - 1, to = series[last] > series[c->working] ? last : c->working;
    for (uint32_t i = 0; i < c->n_moments; i++)
        late[i] = series[i < c->began ? c->began : i];
    *g = (hl_growth){.anchor = to, .metric = HL_METRIC_BYTES, .series = g->series};
    if (c->began >= to || !goes_on(c, late, g) || !is_steady(c, late, g))
        return 0;
    return came_between(c, late, g->onset, g->anchor, LEAST_STEADY, STEADY_OF);
}

hl_status hl_native_growth_find(hl_case *c, hl_err *err)
{
    if (c->by_rounds || c->working >= c->n_moments || c->working <= c->baseline)
        return HL_OK;
    uint64_t *series = hl_arena_array(c->arena, c->n_moments, sizeof *series);
    uint64_t *late = hl_arena_array(&c->scratch, c->n_moments, sizeof *late);
    c->kept = hl_arena_array(&c->scratch, c->n_moments + 1, sizeof *c->kept);
    if (!series || !late || !c->kept)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u snapshots", c->n_moments);
    if (!outside(c, series))
        return HL_OK;
    hl_growth g = {.anchor = c->working, .metric = HL_METRIC_BYTES, .series = series};
    c->outside = series;
    bool rises = goes_on(c, series, &g);
    if (rises && g.intervals < LEAST_INTERVALS) {
        c->native_few = came_in_few(c, series, &g);
        return HL_OK;
    }
    uint64_t came = rises ? came_between(c, series, g.onset, g.anchor, LEAST_BYTES, MUCH_OF) : 0;
    came = came ? came : came_steadily(c, series, late, &g);
    if (!came)
        return HL_OK;
    g.bytes = g.onset_bytes = came;
    c->native = g;
    return HL_OK;
}

bool hl_native_growth_fell(const hl_case *c)
{
    uint32_t from = c->native.bytes ? c->native.onset : c->baseline;
    return 2 * (double)c->outside[c->n_moments - 1] <
           (double)c->outside[from] + (double)c->outside[c->working];
}

/* Had both the same share of all they gained, at each look? */
bool hl_native_in_step(const hl_case *c, const hl_growth *g)
{
    const hl_growth *n = &c->native;
    if (!n->bytes || g->metric == HL_METRIC_BYTES || g->units < LEAST_UNITS ||
        g->onset > n->onset + 1 || g->anchor < n->anchor)
        return false;
    uint32_t from = g->onset > n->onset ? g->onset : n->onset;
    double bytes = (double)(n->series[n->anchor] - n->series[from]);
    if (g->series[n->anchor] <= g->series[from] || bytes <= 0)
        return false;
    double units = (double)(g->series[n->anchor] - g->series[from]);
    for (uint32_t i = from; i <= n->anchor; i++) {
        double a = ((double)n->series[i] - (double)n->series[from]) / bytes;
        double b = ((double)g->series[i] - (double)g->series[from]) / units;
        if (a - b > APART || b - a > APART)
            return false;
    }
    return true;
}

/* Has the class, or its namespace, methods written in C? What Python code makes has functions. */
static bool has_methods_of_c(const hl_case *c, hl_node v, bool is_class)
{
    const hl_snap *s = c->snap;
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
        const char *type = hl_snap_type_name(s, s->dst[e]);
        if (!strcmp(type, "method_descriptor") || !strcmp(type, "instancemethod"))
            return true;
        if (is_class && hl_graph_is_namespace(c->graph, s->dst[e]) &&
            has_methods_of_c(c, s->dst[e], false))
            return true;
    }
    return false;
}

/* Written in C, and none of the interpreter's own: its name has a module. */
static bool is_of_c(const hl_case *c, hl_node v)
{
    const hl_snap *s = c->snap;
    const hl_snap_type *t = &s->types[s->type[v]];
    const char *name = hl_snap_type_name(s, v);
    if (!strchr(name, '.') || !strncmp(name, "_frozen_", 8) || !strncmp(name, "collections.", 12) ||
        !strncmp(name, "_thread.", 8) || !strncmp(name, "functools.", 10) ||
        !strncmp(name, "datetime.", 9) || !strncmp(name, "itertools.", 10))
        return false;
    if (!(t->flags & HL_TYPE_HEAP))
        return true;
    return t->node != HL_NO_NODE && has_methods_of_c(c, t->node, true);
}

/* v, or what hangs from it in a few steps. */
static bool has_of_c(const hl_case *c, hl_node v)
{
    const hl_snap *s = c->snap;
    hl_node seen[SEEN_MAX] = {v};
    uint32_t n = 1, level = 1;
    for (uint32_t i = 0, depth = 0; i < n && depth <= DEPTH; i++) {
        if (i == level) {
            level = n;
            depth++;
        }
        if (is_of_c(c, seen[i]))
            return true;
        for (uint32_t e = s->off[seen[i]]; e < s->off[seen[i] + 1] && n < SEEN_MAX; e++)
            if (c->graph->parent[s->dst[e]] == seen[i])
                seen[n++] = s->dst[e];
    }
    return false;
}

bool hl_native_keeps(const hl_case *c, const hl_suspect *s)
{
    hl_node entries[HL_SAMPLES];
    uint32_t n = hl_sample(c, hl_entries_of(c, s->holder), false, entries, HL_SAMPLES), of_c = 0;
    for (uint32_t i = 0; i < n; i++)
        of_c += has_of_c(c, entries[i]);
    return n ? 2 * of_c > n : s->payload != HL_NO_NODE && has_of_c(c, s->payload);
}
