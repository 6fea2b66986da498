/* diagnose/verdict.c: the verdict in one word, and why, when all findings are made.
 *
 * Room   diagnose; last.
 * Gives  verdict and why of the diagnosis. leak: a finding that is certain or strong. undecided: only
 *        possible ones, or growth that matters and that nothing here explains. no-leak: the rest. */
#include "base/words.h"
#include "diagnose/case.h"
#include "diagnose/native_growth.h"

#include <string.h>

static const double UNEXPLAINED_SHARE = 0.2, SIZABLE_SHARE = 0.2, FEW_SHARE = 0.1;
static const double SHORT_RUN = 2; /* seconds: a machine that is not busy has looked oftener */
enum {
    BRIEF_SHARE = 20,
    STEADY_INTERVALS = 3,
    FEW_SNAPSHOTS = 4,
    MUCH_BYTES = 8 << 20,
    OUTSIDE_BYTES = 8 << 20
};

/* Of all that was gained, in the last interval: less is rest; or of the pace so far, if that interval
 * was short. */
static const double ROSE_SHARE = 0.1, PACE_SHARE = 0.3;

/* Of a gain, in the first half of the work: less is late, more is slowing down. */
static const double EARLY_SHARE = 0.1, EARLY_SHARE_MAX = 0.6;

/* The whole heap rose in every interval since the warm-up, neither ever more slowly nor only in the
 * end, and not by leaps: by `least` bytes also without its two largest rises (modules imported
 * first, a table made last). */
static bool total_rises(const hl_case *c, uint64_t least)
{
    const hl_moment *m = c->moments;
    uint32_t n = c->n_moments;
    if (n - c->baseline <= STEADY_INTERVALS)
        return false;
    uint64_t leap = 0, second = 0;
    for (uint32_t i = c->baseline; i + 1 < n; i++) {
        if (hl_moment_live(&m[i + 1]) <= hl_moment_live(&m[i]))
            return false;
        uint64_t rise = hl_moment_live(&m[i + 1]) - hl_moment_live(&m[i]);
        second = rise > leap ? leap : rise > second ? rise : second;
        leap = rise > leap ? rise : leap;
    }
    if (hl_moment_live(&m[n - 1]) - hl_moment_live(&m[c->baseline]) < leap + second + least)
        return false;
    double half = (m[c->baseline].work + m[n - 1].work) / 2;
    uint32_t mid = c->baseline;
    while (mid + 1 < n && m[mid + 1].work <= half)
        mid++;
    double step = mid + 1 < n ? m[mid + 1].work - m[mid].work : 0;
    double part = step > 0 ? (half - m[mid].work) / step : 0;
    double from = (double)hl_moment_live(&m[c->baseline]), at = (double)hl_moment_live(&m[mid]);
    double next = mid + 1 < n ? (double)hl_moment_live(&m[mid + 1]) : at;
    double early = at + (next - at) * part - from;
    double all = (double)hl_moment_live(&m[n - 1]) - from;
    return early >= EARLY_SHARE * all && early <= EARLY_SHARE_MAX * all;
}

/* By how much the process became bigger since its warm-up, and its heap did not; 0: not by much. */
static uint64_t grown_outside(const hl_case *c)
{
    const hl_moment *from = &c->moments[c->baseline], *to = &c->moments[c->n_moments - 1];
    uint64_t was = from->info.rss_bytes, is = to->info.rss_bytes;
    uint64_t heap = to->heap_bytes > from->heap_bytes ? to->heap_bytes - from->heap_bytes : 0;
    uint64_t by = was && is > was + heap ? is - was - heap : 0;
    return by >= OUTSIDE_BYTES && by >= was / 2 ? by : 0;
}

static void say_outside(hl_case *c)
{
    hl_diagnosis *d = c->out;
    char bytes[16];
    bool told = d->n_findings > 0; /* by the finding */
    const char *asker = told ? NULL : c->native_by ? c->native_by : c->unheld_by;
    const char *by = asker ? hl_arena_printf(c->arena, "; %s", asker) : "";
    d->verdict = HL_UNDECIDED;
    d->view = "rss";
    d->why =
        c->native.bytes
            ? hl_arena_printf(
                  c->arena,
                  "memory that is in no Python object grew by %s, and more came in each of %u "
                  "parts "
                  "of the run: C code keeps it, or has lost it%s. heaplens audit MODULE:FUNCTION "
                  "says what a call leaves behind (heaplens explain native-memory)",
                  hl_bytes_text(c->native.bytes, bytes), c->native.intervals, by)
            : hl_arena_printf(
                  c->arena,
                  "memory that is in no Python object grew by %s, and too few snapshots saw it to "
                  "tell whether C code fills a table, or keeps or loses what it asks for%s. Run it "
                  "three times as long (heaplens explain native-memory)",
                  hl_bytes_text(c->native_few, bytes), by);
}

/* At the end, or right before what was torn down there: did it still grow? */
static bool still_rose(const hl_case *c)
{
    const hl_moment *m = c->moments;
    uint32_t last = c->working < c->n_moments ? c->working : c->n_moments - 1, to = last;
    if (last <= c->baseline)
        return false;
    double all = m[last].work - m[c->baseline].work, part = 0;
    uint64_t time = m[last].info.time_us - m[c->baseline].info.time_us;
    do /* right before the end nothing comes, however long the program grew */
        part = m[last].work - m[--to].work;
    while (to > c->baseline && (BRIEF_SHARE * (m[last].info.time_us - m[to].info.time_us) < time ||
                                BRIEF_SHARE * part < all));
    uint64_t before = hl_moment_live(&m[to]), at = hl_moment_live(&m[last]),
             first = hl_moment_live(&m[c->baseline]);
    double share =
        all > 0 && PACE_SHARE * part < ROSE_SHARE * all ? PACE_SHARE * part / all : ROSE_SHARE;
    return at > before && at > first && (double)(at - before) >= share * (double)(at - first);
}

/* Worth a word where looks were few? What a program took since its start is its imports and tables, too. */
static bool is_sizable(const hl_case *c, uint64_t grown)
{
    double live = (double)hl_moment_live(&c->moments[c->n_moments - 1]);
    return c->began ? (double)grown >= FEW_SHARE * live
                    : grown >= MUCH_BYTES && 2 * (double)grown >= live;
}

/* Nothing is found in an audit: what else does each call leave? A file, a thread, a mapping is no
 * memory, and a leak all the same. */
static void say_left(hl_case *c)
{
    static const double LEAST_COUNT = 0.5, LEAST_BYTES = 8;
    hl_diagnosis *d = c->out;
    d->why = "a call leaves nothing behind";
    for (uint32_t i = 0; i < d->n_resources; i++) {
        const hl_resource_course *r = &d->resources[i];
        if (!r->grows || r->least < (r->bytes ? LEAST_BYTES : LEAST_COUNT))
            continue;
        d->verdict = r->beside ? d->verdict : HL_UNDECIDED;
        d->why = hl_arena_printf(c->arena,
                                 r->beside ? "no memory is lost, but each call leaves %.2f %s"
                                           : "each call leaves %.2f %s, and no holder that was "
                                             "found explains it",
                                 r->least, r->words);
        if (!r->beside)
            return;
    }
}

void hl_verdict_decide(hl_case *c)
{
    hl_diagnosis *d = c->out;
    const hl_moment *m = c->moments;
    uint32_t n = c->n_moments;
    char bytes[16];
    d->verdict = HL_NO_LEAK;
    d->why = "nothing grew that matters";
    for (uint32_t i = 0; i < d->n_findings; i++)
        if (d->findings[i].confidence != HL_POSSIBLE)
            d->verdict = HL_LEAK;
        else if (d->verdict == HL_NO_LEAK)
            d->verdict = HL_UNDECIDED;
    if (d->verdict == HL_LEAK) {
        d->why = NULL;
        return;
    }
    if (d->verdict == HL_UNDECIDED && c->one_calls >= d->n_findings) {
        d->why =
            "something grew that one call fills and that code could still ask for: it may be a "
            "result being built, and a longer run would look the same. Say what a unit of "
            "work is (heaplens.mark(), --rounds FUNCTION), or look whether it is needed";
        return;
    }
    const char *only = d->n_findings == 1 ? d->findings[0].cause : "";
    bool native = !strcmp(only, "native-memory") || !strcmp(only, "native-reference");
    if (d->verdict == HL_UNDECIDED && native && c->native.bytes) {
        say_outside(c);
        return;
    }
    if (d->verdict == HL_UNDECIDED) {
        d->why =
            "something grew, and this run cannot tell a leak from a result being built: run it "
            "three times as long, or over more of its usual work, or say what a unit of work "
            "is (heaplens.mark(), --rounds FUNCTION)";
        return;
    }
    if (n < 2) {
        d->verdict = HL_UNDECIDED;
        d->why = n ? "one snapshot shows what is there, not what grows: take more while it works"
                   : "no whole snapshot to examine";
        return;
    }
    if (c->audited) {
        say_left(c);
        return;
    }
    uint64_t live_first = hl_moment_live(&m[c->baseline]) + c->dismissed;
    uint64_t live_last = hl_moment_live(&m[n - 1]);
    uint64_t grown = live_last > live_first ? live_last - live_first : 0;
    if ((c->native.bytes || c->native_few) && !c->native_told && !hl_native_growth_fell(c)) {
        say_outside(c);
        return;
    }
    if (grown < c->material) {
        uint64_t outside = grown_outside(c);
        if (outside)
            d->why = hl_arena_printf(
                c->arena,
                "no Python object grew that matters; the process did, by %s: C code asked for it, "
                "or it is free and was not given back (heaplens show --view rss)",
                hl_bytes_text(outside, bytes));
        return;
    }
    uint32_t looks = n - c->began;
    if (looks < FEW_SNAPSHOTS && still_rose(c) && is_sizable(c, grown)) {
        d->verdict = HL_UNDECIDED;
        d->why = hl_arena_printf(
            c->arena,
            "the heap grew by %s, and %u snapshots%s are too few to see how: run "
            "it longer, or over more of its usual work",
            hl_bytes_text(grown, bytes), looks, c->began ? " since its imports" : "");
        return;
    }
    if (grown >= UNEXPLAINED_SHARE * (double)live_last && total_rises(c, c->material)) {
        d->verdict = HL_UNDECIDED;
        d->why =
            hl_arena_printf(c->arena,
                            "the heap grew by %s after its warm-up, steadily, and no single "
                            "holder explains it: run it longer, or see what grew (heaplens show "
                            "--view growth)",
                            hl_bytes_text(grown, bytes));
        return;
    }
    /* two looks show no course: only a run too short for more is taken for its start */
    if (n == 2 && d->observed.seconds >= SHORT_RUN && SIZABLE_SHARE * (double)live_last <= grown) {
        d->verdict = HL_UNDECIDED;
        d->why = hl_arena_printf(c->arena,
                                 "the heap grew by %s, and two snapshots are too few to see how: "
                                 "run it longer, or on a machine with less to do",
                                 hl_bytes_text(grown, bytes));
        return;
    }
    d->why = n == 2 ? "memory grew no more than a program's start may: too short a run to tell more"
             : still_rose(c)
                 ? "memory grew to the end, and nothing that grew is kept as a leak keeps: "
                   "what was made may be in use, or on its way out"
                 : "memory grew and then stayed: filled once, or a warm-up";
}

void hl_verdict_forecast(hl_case *c)
{
    hl_diagnosis *d = c->out;
    double rate = 0;
    for (uint32_t i = 0; i < d->n_findings; i++)
        if (d->findings[i].confidence != HL_POSSIBLE && d->findings[i].growth.per_second > 0)
            rate += d->findings[i].growth.per_second;
    uint64_t limit = d->observed.limit_bytes, used = d->observed.rss_last;
    if (rate > 0 && used && limit > used)
        d->observed.seconds_to_limit = (double)(limit - used) / rate;
}
