/* diagnose/growth.c: which path shapes kept growing, and which object of the chain gains.
 *
 * Room   diagnose; analyser process.
 * Takes  hl_case with moments and shapes.   Gives  hl_case.growths, most bytes first.
 * Method A series is judged from its last pause on ("onset"): it must rise in every interval to the
 *        end, intervals too short to say anything joined to their neighbours, and must never have
 *        shrunk after the warm-up. Rates are per CPU second, so that checkpoints taken because
 *        memory grew do not bias them. A shape whose members multiply is charged to the nearest
 *        shape above it whose members do not: that is the accumulator. */
#include "diagnose/case.h"
#include "diagnose/judge.h"
#include "diagnose/native_growth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_INTERVALS = 2, LEAST_BESIDE = 4 << 10 };
/* An interval below that share of the run's work since its imports says nothing; in a short run nor does
 * one of less than so many seconds, if it is not much of the run. */
static const double SHORT_SHARE = 0.04, SHORT_SECONDS = 0.03, SHORT_SHARE_MAX = 0.1;
/* One that is as short by the clock says nothing either, if less than that share of the work is in it: of a
 * program that mostly waits, the end is some of the work. */
static const double SHORT_BY_CLOCK = 0.15;
static const double FLAT = 0.05;       /* of the mean rate: an interval that slow stands still */
static const double LATE_GAIN = 0.05;  /* of a gain: less in the later half is none */
static const double WAIT_SHARE = 0.25; /* of the run's time */
static const double TIRED = 0.3;       /* of the mean rate */
static const double SHRINK = 0.95;     /* a fall below this share of the peak is a fall */

static uint64_t metric_of(const hl_shape_count *n, hl_metric m)
{
    switch (m) {
    case HL_METRIC_ITEMS:
        return n->items;
    case HL_METRIC_OBJECTS:
        return n->members; /* folded leaves come and go with a counter */
    case HL_METRIC_BYTES:
        break;
    }
    return n->bytes;
}

/* The last moment in which the shape has members. Only what hangs from a frame may be gone at
 * the end, for a function returned, and what was torn down there. */
static bool anchor_of(const hl_case *c, hl_shape shape, uint32_t *out)
{
    uint32_t last = c->n_moments - 1;
    for (uint32_t i = c->n_moments; i-- > 0;)
        if (hl_shapes_count(&c->shapes, i, shape).members) {
            *out = i;
            return i == last || i >= c->working || hl_shape_ends(c, shape);
        }
    return false;
}

/* Moments 0 .. anchor with the short intervals joined: indices into moments. */
static uint32_t join_short(const hl_case *c, uint32_t anchor, uint32_t *kept)
{
    const hl_moment *m = c->moments;
    double run = m[anchor].work - m[anchor > c->began ? c->began : 0].work;
    double few = SHORT_SECONDS < SHORT_SHARE_MAX * run ? SHORT_SECONDS : SHORT_SHARE_MAX * run;
    double least = few > SHORT_SHARE * run ? few : SHORT_SHARE * run;
    double time = (double)(m[anchor].info.time_us - m[0].info.time_us);
    uint32_t n = 0;
    double next = INFINITY, then = INFINITY;
    for (uint32_t i = anchor + 1; i-- > 0;) {
        bool by_clock = then - (double)m[i].info.time_us < SHORT_SHARE * time;
        double enough = by_clock && least < SHORT_BY_CLOCK * run ? SHORT_BY_CLOCK * run : least;
        if (i == anchor || i == 0 || next - m[i].work >= enough) {
            if (i == 0 && n > 1 && next - m[0].work < enough)
                n--; /* the start takes the place of a neighbour too close to it */
            kept[n++] = i;
            next = m[i].work;
            then = (double)m[i].info.time_us;
        }
    }
    for (uint32_t a = 0; a < n / 2; a++) {
        uint32_t t = kept[a];
        kept[a] = kept[n - 1 - a];
        kept[n - 1 - a] = t;
    }
    return n;
}

/* While the collector goes through the heap nothing is made: a short interval with a full collection, in which
 * nothing came, and after which more did, is joined to the next. Returns how many are left. */
static uint32_t join_collections(const hl_case *c, const uint64_t *series, uint32_t *kept,
                                 uint32_t n)
{
    const hl_moment *m = c->moments;
    uint32_t to = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool inner = i > 0 && i + 1 < n;
        uint32_t a = inner ? kept[to - 1] : 0, b = kept[i];
        if (inner && series[b] == series[a] && series[kept[i + 1]] > series[b] &&
            m[b].work - m[a].work < SHORT_SECONDS &&
            m[b].info.gc_collections[2] > m[a].info.gc_collections[2])
            continue;
        kept[to++] = b;
    }
    return to;
}

static double value_at(const hl_case *c, const uint64_t *series, const uint32_t *kept,
                       uint32_t from, uint32_t to, double work)
{
    for (uint32_t j = from; j < to; j++) {
        double w0 = c->moments[kept[j]].work, w1 = c->moments[kept[j + 1]].work;
        if (work > w1)
            continue;
        double v0 = (double)series[kept[j]], v1 = (double)series[kept[j + 1]];
        return w1 > w0 ? v0 + (v1 - v0) * (work - w0) / (w1 - w0) : v1;
    }
    return (double)series[kept[to]];
}

/* Where on the axis of work the rise began: at its onset, or as much later in the first interval as
 * the rate of the others would have needed for it. */
static double began_at(const hl_case *c, const uint64_t *series, const uint32_t *kept, uint32_t j,
                       uint32_t last)
{
    const hl_moment *m = c->moments;
    double w0 = m[kept[j]].work, w1 = m[kept[j + 1]].work, w2 = m[kept[last]].work;
    double first = (double)(series[kept[j + 1]] - series[kept[j]]);
    double rest = (double)(series[kept[last]] - series[kept[j + 1]]);
    if (w2 <= w1 || rest <= 0)
        return w0;
    double needed = first * (w2 - w1) / rest;
    return needed < w1 - w0 ? w1 - needed : w0;
}

/* An interval that rises at next to nothing of the mean rate since onset stands still. */
static bool is_flat(const hl_case *c, const uint64_t *series, uint32_t from, uint32_t to,
                    uint32_t onset, uint32_t end)
{
    double work = c->moments[to].work - c->moments[from].work;
    double all = c->moments[end].work - c->moments[onset].work;
    double rise = (double)(series[to] - series[from]);
    return all > 0 && rise < FLAT * (double)(series[end] - series[onset]) * work / all;
}

/* The indices of kept up to where the rise is judged: what the program does when its loop is over
 * (a summary, exit handlers) adds nothing, and is no rest if it is short. */
static uint32_t without_tail(const hl_case *c, const uint64_t *series, const uint32_t *kept,
                             uint32_t n)
{
    const hl_moment *m = c->moments;
    uint32_t z = kept[n - 1], k = n;
    while (k > 1 && kept[k - 1] > c->working)
        k--;
    if (k < 3 || k == n)
        return n;
    uint32_t a = kept[k - 1];
    bool still =
        is_flat(c, series, a, z, kept[0], a) && (double)series[z] >= SHRINK * (double)series[a];
    bool brief = hl_case_is_brief_end(c, a, z);
    /* one that had all but stopped before is at rest, however short the end */
    uint32_t b = kept[k - 2], to = brief ? z : a;
    double all = m[a].work - m[0].work, rise = (double)series[a] - (double)series[b];
    bool at_it =
        rise * all >= TIRED * ((double)series[a] - (double)series[0]) * (m[to].work - m[b].work);
    return still && at_it && (brief || n - k > 1) ? k : n;
}

/* By the clock: one that waits uses no CPU, and has all the time to add something. */
static bool waits_long(const hl_case *c, uint32_t from, uint32_t end)
{
    const hl_moment *m = c->moments;
    double waited = (double)(m[end].info.time_us - m[from].info.time_us);
    return waited > WAIT_SHARE * (double)(m[end].info.time_us - m[0].info.time_us);
}

/* What the later half of the time gained over what the first did: between two of the moments kept. */
static double course_by_clock(const hl_case *c, const uint64_t *series, const uint32_t *kept,
                              uint32_t from, uint32_t to)
{
    const hl_moment *m = c->moments;
    double t0 = (double)m[kept[from]].info.time_us, t1 = (double)m[kept[to]].info.time_us;
    double half = (t0 + t1) / 2, v0 = (double)series[kept[from]], v1 = (double)series[kept[to]];
    uint32_t j = from;
    while (j + 1 < to && (double)m[kept[j + 1]].info.time_us <= half)
        j++;
    double a = (double)m[kept[j]].info.time_us, b = (double)m[kept[j + 1]].info.time_us;
    double va = (double)series[kept[j]], vb = (double)series[kept[j + 1]];
    double mid = b > a ? va + (vb - va) * (half - a) / (b - a) : vb;
    return mid > v0 ? (v1 - mid) / (mid - v0) : INFINITY;
}

bool hl_growth_rises(hl_case *c, const uint64_t *series, hl_growth *g)
{
    uint32_t *kept = c->kept, n = join_short(c, g->anchor, kept);
    n = join_collections(c, series, kept, n);
    if (n < 2)
        return false;
    uint32_t all = n;
    n = without_tail(c, series, kept, n);
    uint32_t j = n - 1, end = kept[n - 1];
    while (j > 0 && series[kept[j]] > series[kept[j - 1]])
        j--;
    /* it may have begun at the very end of the first interval */
    if (n - 1 - j > MIN_INTERVALS && is_flat(c, series, kept[j], kept[j + 1], kept[j], end))
        j++;
    g->onset = kept[j];
    g->intervals = n - 1 - j;
    if (g->intervals < MIN_INTERVALS)
        return false;
    bool rests = n < all && waits_long(c, end, kept[all - 1]);
    if (rests && g->intervals == MIN_INTERVALS)
        return false; /* two rises and a rest are a thing that was filled */
    for (uint32_t k = j; k + 1 < n; k++)
        if (is_flat(c, series, kept[k], kept[k + 1], g->onset, end))
            return false;
    uint64_t peak = 0;
    for (uint32_t i = c->baseline; i <= g->anchor; i++) {
        if ((double)series[i] < SHRINK * (double)peak)
            return false;
        if (series[i] > peak)
            peak = series[i];
    }
    g->weighed_from = g->intervals > MIN_INTERVALS ? kept[j + 1] : g->onset;
    g->began = began_at(c, series, kept, j, n - 1);
    /* exit handlers work, too: a rate is that of the program, up to where it was last seen at work,
     * unless that was long ago */
    uint32_t last = n - 1;
    bool brief = hl_case_is_brief_end(c, kept[last - 1], kept[last]);
    if (kept[last] > c->working && last - j > MIN_INTERVALS && brief)
        last--;
    double w1 = c->moments[kept[last]].work;
    double mid = value_at(c, series, kept, j, last, (g->began + w1) / 2);
    double v0 = (double)series[g->onset], v1 = (double)series[kept[last]];
    g->course = mid > v0 ? (v1 - mid) / (mid - v0) : INFINITY;
    g->clock_course = course_by_clock(c, series, kept, j, last);
    if (rests && hl_growth_slows(g))
        return false; /* slower, and then not at all */
    g->walked_course = mid > v0 ? (v1 * v1 - mid * mid) / (mid * mid - v0 * v0) : INFINITY;
    /* squares make what has stopped look steady for longest: the last interval tells, too */
    double wb = c->moments[kept[last - 1]].work, wz = c->moments[kept[all - 1]].work;
    double vb = (double)series[kept[last - 1]];
    if (v1 > v0 && wz > wb && w1 > g->began) {
        double of_last = (v1 * v1 - vb * vb) / (wz - wb);
        double mean = (v1 * v1 - v0 * v0) / (w1 - g->began);
        if (of_last < TIRED * mean && of_last < g->walked_course * mean)
            g->walked_course = of_last / mean;
    }
    return true;
}

/* Members of s at onset, or when the first were seen before the anchor; 0: none were. */
static uint64_t members_first(const hl_case *c, hl_shape s, uint32_t onset, uint32_t anchor)
{
    uint64_t was = 0;
    for (uint32_t i = onset; i < anchor && !was; i++)
        was = hl_shapes_count(&c->shapes, i, s).members;
    return was;
}

/* The last moment in the first half of the work between two. */
static uint32_t middle(const hl_case *c, uint32_t onset, uint32_t anchor)
{
    const hl_moment *m = c->moments;
    uint32_t mid = onset;
    while (mid + 1 < anchor && 2 * m[mid + 1].work <= m[onset].work + m[anchor].work)
        mid++;
    return mid;
}

/* Did they go on multiplying: also in the later half of the time since onset? */
static bool multiplies(const hl_case *c, hl_shape s, uint64_t was, uint32_t onset, uint32_t anchor)
{
    uint64_t is = hl_shapes_count(&c->shapes, anchor, s).members;
    uint64_t then = hl_shapes_count(&c->shapes, middle(c, onset, anchor), s).members;
    return is > was && is > then && (double)(is - then) >= LATE_GAIN * (double)(is - was);
}

/* Is there one member that has next to all of their items: however many there are, it is what grew? */
static bool one_has_them(const hl_case *c, hl_shape s, uint32_t anchor)
{
    hl_shape_count n = hl_shapes_count(&c->shapes, anchor, s);
    return (double)n.top_items >= SHRINK * (double)n.items;
}

/* The accumulator of a growing shape: itself if its members did not multiply since onset, else the
 * nearest shape above that did not. 0: none below the root. */
static hl_shape accumulator(const hl_case *c, hl_shape s, hl_metric metric, uint32_t onset,
                            uint32_t anchor)
{
    if (metric == HL_METRIC_ITEMS && members_first(c, s, onset, anchor) &&
        one_has_them(c, s, anchor))
        return s;
    while (s) {
        uint64_t was = members_first(c, s, onset, anchor);
        if (!was)
            return 0; /* made in the last interval: nothing to compare with */
        /* a text that grows in a dict is not the holder, the dict is */
        enum hl_label_kind edge = c->shapes.shapes[s].kind;
        bool member = edge == HL_LABEL_VALUE || edge == HL_LABEL_INDEX || edge == HL_LABEL_ELEMENT;
        if (!multiplies(c, s, was, onset, anchor) && !(metric == HL_METRIC_BYTES && member))
            return s;
        s = c->shapes.shapes[s].parent;
    }
    return 0;
}

bool hl_growth_torn_down(const hl_case *c, const hl_growth *g)
{
    const hl_moment *m = c->moments;
    return g->anchor >= c->working && g->anchor + 1 < c->n_moments &&
           m[g->anchor + 1].work - m[g->anchor].work <= m[g->anchor].work - m[g->onset].work;
}

static bool try_metric(hl_case *c, hl_shape s, hl_metric metric, uint64_t *series, hl_growth *g)
{
    for (uint32_t i = 0; i < c->n_moments; i++) {
        hl_shape_count n = hl_shapes_count(&c->shapes, i, s);
        series[i] = metric_of(&n, metric);
    }
    g->metric = metric;
    /* size alone counts only where it is the size that grew: a module's namespace is no holder */
    if (metric == HL_METRIC_BYTES && series[g->anchor] < series[0] + c->material / 4)
        return false;
    if (series[g->anchor] > series[0] && hl_growth_rises(c, series, g)) {
        g->torn_down = hl_growth_torn_down(c, g);
        return true;
    }
    if (g->anchor <= c->working || (double)series[g->anchor] >= SHRINK * (double)series[c->working])
        return false;
    hl_growth before = *g;
    before.anchor = c->working;
    if (series[c->working] <= series[0] || !hl_growth_rises(c, series, &before))
        return false;
    *g = before;
    g->torn_down = hl_growth_torn_down(c, g);
    return true;
}

/* A local that is another container in each snapshot: the function was called anew. */
static bool is_anothers(const hl_case *c, hl_shape s, const hl_growth *g)
{
    if (g->metric != HL_METRIC_ITEMS || c->shapes.shapes[s].hold != HL_HOLD_FRAME)
        return false;
    uint64_t address = hl_shapes_count(&c->shapes, g->anchor, s).top_address;
    for (uint32_t i = g->onset + 1; i < g->anchor; i++) {
        uint64_t was = hl_shapes_count(&c->shapes, i, s).top_address;
        if (was && was != address)
            return true;
    }
    return false;
}

/* Charges a growth to its accumulator: the one found first keeps the longest rise. */
static bool charge(hl_case *c, hl_growth g, const uint64_t *series, int32_t *growth_of)
{
    int32_t at = growth_of[g.shape];
    if (at >= 0) {
        hl_growth *known = &c->growths[at];
        /* how many there are says more than how big it is */
        bool counts = known->metric == HL_METRIC_BYTES && g.metric != HL_METRIC_BYTES;
        bool better = known->metric != HL_METRIC_ITEMS &&
                      (counts ? g.intervals >= known->intervals : g.intervals > known->intervals);
        if (!better)
            return true;
        memcpy(known->series, series, c->n_moments * sizeof *series);
        g.series = known->series;
        *known = g;
        return true;
    }
    g.series = hl_arena_array(c->arena, c->n_moments, sizeof *series);
    if (!g.series)
        return false;
    memcpy(g.series, series, c->n_moments * sizeof *series);
    growth_of[g.shape] = (int32_t)c->n_growths;
    c->growths[c->n_growths++] = g;
    return true;
}

static int64_t tree_gain(const hl_case *c, hl_shape s, uint32_t from, uint32_t to)
{
    return (int64_t)hl_shapes_count(&c->shapes, to, s).tree_bytes -
           (int64_t)hl_shapes_count(&c->shapes, from, s).tree_bytes;
}

/* Bytes gained by each accumulator, those of accumulators below it taken off. */
static void measure(hl_case *c, const int32_t *growth_of)
{
    for (uint32_t i = 0; i < c->n_growths; i++) {
        hl_growth *g = &c->growths[i];
        int64_t all = tree_gain(c, g->shape, 0, g->anchor);
        int64_t late = tree_gain(c, g->shape, g->onset, g->anchor);
        int64_t weighed = tree_gain(c, g->shape, g->weighed_from, g->anchor);
        for (uint32_t k = 0; k < c->n_growths; k++) {
            if (k == i)
                continue;
            /* k counts against i only if i is its nearest accumulator above */
            hl_shape s = c->shapes.shapes[c->growths[k].shape].parent;
            while (s && growth_of[s] < 0)
                s = c->shapes.shapes[s].parent;
            if (s == g->shape) {
                all -= tree_gain(c, c->growths[k].shape, 0, g->anchor);
                late -= tree_gain(c, c->growths[k].shape, g->onset, g->anchor);
                weighed -= tree_gain(c, c->growths[k].shape, g->weighed_from, g->anchor);
            }
        }
        g->bytes = all > 0 ? (uint64_t)all : 0;
        g->onset_bytes = late > 0 ? (uint64_t)late : 0;
        g->weighed_bytes = weighed > 0 ? (uint64_t)weighed : 0;
        g->units = g->series[g->anchor] - g->series[0];
        double seconds =
            (double)(c->moments[g->anchor].info.time_us - c->moments[g->onset].info.time_us) / 1e6;
        g->per_second = seconds > 0 ? (double)g->onset_bytes / seconds : -1;
        g->released = g->anchor + 1 < c->n_moments;
    }
}

static int by_bytes(const void *a, const void *b)
{
    const hl_growth *x = a, *y = b;
    if (x->onset_bytes != y->onset_bytes)
        return x->onset_bytes < y->onset_bytes ? 1 : -1;
    return x->shape < y->shape ? -1 : x->shape > y->shape;
}

/* The warm-up is not seen, so what grew from its end on grew by more in the whole run. */
bool hl_growth_is_material(const hl_case *c, const hl_growth *g)
{
    const hl_moment *m = c->moments;
    double run = m[g->anchor].work - m[0].work;
    double seen = m[g->anchor].work - m[g->onset].work;
    double share = g->onset <= c->baseline && run > 0 ? seen / run : 1;
    return (double)g->onset_bytes >= (double)c->material * (share > 0.5 ? share : 1);
}

/* To the anchor; or, if it was emptied while the program ended, to the moment before that. */
static int64_t gained_most(const hl_case *c, hl_shape s, uint32_t anchor)
{
    int64_t gained = tree_gain(c, s, 0, anchor);
    int64_t before = anchor > c->working ? tree_gain(c, s, 0, c->working) : gained;
    return before > gained ? before : gained;
}

static bool is_container(const hl_case *c, const hl_growth *g)
{
    return hl_shapes_count(&c->shapes, g->anchor, g->shape).items > 0;
}

/* Did its entries go on rising in the later half of the time since onset? */
static bool gains(const hl_case *c, const hl_growth *g)
{
    uint64_t was = hl_shapes_count(&c->shapes, g->onset, g->shape).items;
    uint64_t is = hl_shapes_count(&c->shapes, g->anchor, g->shape).items;
    uint64_t then = hl_shapes_count(&c->shapes, middle(c, g->onset, g->anchor), g->shape).items;
    return is > was && is > then && (double)(is - then) >= LATE_GAIN * (double)(is - was);
}

static void take_items(const hl_case *c, hl_growth *g, uint64_t *series)
{
    g->metric = HL_METRIC_ITEMS;
    for (uint32_t i = 0; i < c->n_moments; i++)
        series[i] = hl_shapes_count(&c->shapes, i, g->shape).items;
}

/* An object that gains attributes gains the values, not what is in them. */
static void take_members(const hl_case *c, hl_growth *g, hl_shape s, uint64_t *series)
{
    g->metric = HL_METRIC_OBJECTS;
    for (uint32_t i = 0; i < c->n_moments; i++)
        series[i] = hl_shapes_count(&c->shapes, i, s).members;
}

hl_status hl_growth_find(hl_case *c, hl_err *err)
{
    uint32_t shapes = c->shapes.n_shapes;
    uint64_t *series = hl_arena_array(&c->scratch, c->n_moments, sizeof *series);
    c->kept = hl_arena_array(&c->scratch, c->n_moments + 1, sizeof *c->kept);
    int32_t *growth_of = hl_arena_array(&c->scratch, shapes, sizeof *growth_of);
    c->growths = hl_arena_array(&c->scratch, shapes, sizeof *c->growths);
    if (!series || !c->kept || !growth_of || !c->growths)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to judge the growth of %u shapes", shapes);
    memset(growth_of, 0xff, shapes * sizeof *growth_of);
    if (hl_native_growth_find(c, err))
        return err->status;
    /* little objects may have much that is not seen */
    int64_t least = c->native.bytes ? LEAST_BESIDE : (int64_t)c->material / 4;
    for (hl_shape s = 1; s < shapes && c->n_moments > MIN_INTERVALS; s++) {
        hl_growth g = {.shape = s};
        if (!anchor_of(c, s, &g.anchor))
            continue;
        if (!c->by_rounds && gained_most(c, s, g.anchor) < least)
            continue;
        /* what counts for a container is its length; for a kind of object, how many; else size */
        bool up = try_metric(c, s, HL_METRIC_ITEMS, series, &g) ||
                  try_metric(c, s, HL_METRIC_OBJECTS, series, &g) ||
                  try_metric(c, s, HL_METRIC_BYTES, series, &g);
        if (!up)
            continue;
        if (is_anothers(c, s, &g))
            continue;
        g.exact = hl_rounds_exact(c, series, &g);
        g.shape = accumulator(c, s, g.metric, g.onset, g.anchor);
        if (g.shape && g.shape != s && g.metric != HL_METRIC_BYTES && growth_of[g.shape] < 0 &&
            is_container(c, &g)) {
            /* A container that was emptied at the very end did gain. One that gains no more cannot
             * have got more members either: they are only seen here now, and were elsewhere. */
            if (!gains(c, &g))
                continue;
            take_items(c, &g, series);
        } else if (g.shape && g.shape != s && g.metric == HL_METRIC_ITEMS && !is_container(c, &g))
            take_members(c, &g, s, series);
        if (g.shape && !charge(c, g, series, growth_of))
            return hl_err_set(err, HL_NO_MEMORY, "no memory for growing shapes");
    }
    measure(c, growth_of);
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_growths; i++) {
        hl_growth *g = &c->growths[i];
        g->in_step = hl_native_in_step(c, g);
        if (g->exact || g->in_step || hl_growth_is_material(c, g))
            c->growths[n++] = *g;
    }
    c->n_growths = n;
    qsort(c->growths, n, sizeof *c->growths, by_bytes);
    return HL_OK;
}
