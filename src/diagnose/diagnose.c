/* diagnose/diagnose.c: snapshots in, verdict out: observe every moment, judge growth, name causes.
 *
 * Room   diagnose; analyser process; at most one heap graph in memory at a time.
 * Verdict  leak: a finding that is certain or strong. undecided: only possible ones, or growth that
 *        matters and that nothing here explains. no-leak: the rest, with notes on what was seen. */
#include "diagnose/diagnose.h"

#include "diagnose/below.h"
#include "diagnose/case.h"
#include "diagnose/census.h"
#include "diagnose/judge.h"
#include "diagnose/pattern.h"
#include "diagnose/unheld.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t MATERIAL_FLOOR = 1 << 20;
static const double MATERIAL_SHARE = 0.05, WARM_UP = 0.25, STRONG_SHARE = 0.15,
                    UNEXPLAINED_SHARE = 0.2, SIZABLE_SHARE = 0.2;
static const double SHORT_RUN = 2; /* seconds: a machine that is not busy has looked oftener */
enum { STEADY_INTERVALS = 3, FEW_SNAPSHOTS = 4, MUCH_BYTES = 8 << 20, OUTSIDE_BYTES = 32 << 20 };

/* The most specific rule first; the last takes what is left. */
static const hl_rule *const rules[] = {
    &hl_rule_native_registry,
    &hl_rule_thread, /* R17; first, since threading's own table of them looks like a cache */
    &hl_rule_kept_frames,
    &hl_rule_method_cache,
    &hl_rule_dead_arguments,
    &hl_rule_weak_key,
    &hl_rule_interpreter_registry,
    &hl_rule_registrations,
    &hl_rule_made_entries,
    &hl_rule_unbounded_cache,
    &hl_rule_exception_traceback,
    &hl_rule_pending_task,
    &hl_rule_context_variable,
    &hl_rule_thread_local,
    &hl_rule_dynamic_code,
    &hl_rule_wrapped_callbacks,
    &hl_rule_decorator,
    &hl_rule_closure,
    &hl_rule_library_queue,
    &hl_rule_callback_registry,
    &hl_rule_backlog,
    &hl_rule_growing_container, /* last */
};

struct hl_diagnosing {
    hl_case c;
    uint32_t room; /* for moments */
    uint32_t torn;
};

static hl_status room_for_one(hl_diagnosing *d, hl_err *err)
{
    enum { FIRST = 64 };
    if (d->c.n_moments < d->room)
        return HL_OK;
    uint32_t room = d->room ? 2 * d->room : FIRST;
    hl_moment *more = hl_arena_array(d->c.arena, room, sizeof *more);
    if (!more)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u snapshots", room);
    if (d->c.n_moments)
        memcpy(more, d->c.moments, d->c.n_moments * sizeof *more);
    d->c.moments = more;
    d->room = room;
    return HL_OK;
}

hl_status hl_diagnosing_observe(hl_diagnosing *d, hl_run *run, uint32_t index, hl_err *err)
{
    if (run->snaps[index].unsettled)
        return HL_OK; /* seen half-way: shows what was there, proves no growth */
    if (room_for_one(d, err))
        return err->status;
    hl_status status = hl_case_observe(&d->c, run, index, err);
    if (status != HL_CORRUPT && status != HL_TRUNCATED)
        return status;
    d->torn++; /* the others can be used */
    return HL_OK;
}

void hl_diagnosing_afford(hl_diagnosing *d, uint64_t bytes)
{
    d->c.afford = bytes;
}

hl_status hl_diagnosing_ahead(hl_diagnosing *d, hl_err *err)
{
    enum { BIG_NODES = 1 << 20 }; /* of fewer it takes some milliseconds */
    bool big = d->c.snap && d->c.snap->nodes >= BIG_NODES;
    return big ? hl_case_anchor(&d->c, d->c.anchor, err) : HL_OK;
}

void hl_diagnosing_rest(hl_diagnosing *d)
{
    hl_case_rest(&d->c);
}

static uint64_t collections(const hl_snap_info *a, const hl_snap_info *b, int generation)
{
    uint64_t was = a->gc_collections[generation], is = b->gc_collections[generation];
    return is > was ? is - was : 0;
}

/* The work between two collections of the youngest generation, in intervals without a full one: so
 * long the program takes to make some hundred objects. 0: there is none to tell. */
static double work_of_a_generation(const hl_moment *m, uint32_t n)
{
    double work = 0, young = 0;
    for (uint32_t i = 1; i < n; i++) {
        uint64_t made = collections(&m[i - 1].info, &m[i].info, 0);
        if (!made || collections(&m[i - 1].info, &m[i].info, 2))
            continue;
        work += m[i].work - m[i - 1].work;
        young += (double)made;
    }
    return young > 0 ? work / young : 0;
}

/* A full collection costs more the more there is, and is none of the program's own work: one that
 * ends each phase with gc.collect() seems to get ever slower. The collector's time is not told, but
 * it goes through the heap as the walk of a look does, which is: a quarter of that at least, and no
 * more than twice as long (0.9 to 1.3 times as long where classes were made). Between them it is
 * what the program's pace in the other intervals does not explain. */
static void leave_out_collections(hl_moment *m, uint32_t n)
{
    static const double LEAST = 0.25, MOST = 2; /* of the walk */
    static const double SHARE = 0.8;            /* of the interval, at most */
    double left_out = 0, was = n ? m[0].work : 0, pace = work_of_a_generation(m, n);
    for (uint32_t i = 1; i < n; i++) {
        const hl_snap_info *a = &m[i - 1].info, *b = &m[i].info;
        double full = (double)collections(a, b, 2), work = m[i].work - was;
        double walks = full * (double)(a->walk_ns + b->walk_ns) / 2e9, cost = LEAST * walks;
        /* next to nothing was made meanwhile: the look fell into the collection */
        uint64_t made = collections(a, b, 0);
        double rest = pace > 0 ? work - pace * (double)(made + 1) : made ? 0 : work;
        if (full > 0 && rest > cost)
            cost = walks > 0 && rest > MOST * walks ? MOST * walks : rest;
        left_out += cost < SHARE * work ? cost : SHARE * work;
        was = m[i].work;
        m[i].work -= left_out;
    }
}

/* Growth is judged per declared round; where there are none, per CPU second; where a file has none,
 * per second. Time in the kernel is left out where it can be told: pages get dearer as memory
 * fills, the program's own work does not. The kernel tells it by clock ticks, so only where there
 * are enough of them. */
static const double ENOUGH_USER_SECONDS = 0.5;

/* Of a program that loads many modules: when it has all but a few of them, what it came to do begins,
 * were it looked at before or not. One that has loaded the last of them at its end works by
 * loading. */
static const uint32_t MODULES_MANY = 40, MODULES_FEW = 4;
static const double MODULES_FEW_SHARE = 0.02, WORK_SHARE = 0.08;
static uint32_t loaded_at(const hl_case *c)
{
    const hl_moment *m = c->moments;
    uint32_t last = c->n_moments - 1, at = last, all = m[last].modules;
    uint32_t few = MODULES_FEW + (uint32_t)(MODULES_FEW_SHARE * all);
    while (at && m[at - 1].modules + few >= all)
        at--;
    bool works = m[last].work - m[at].work >= WORK_SHARE * (m[last].work - m[0].work) && at < last;
    return works && m[at].modules >= m[0].modules + MODULES_MANY ? at : 0;
}

static void settle_axis(hl_case *c)
{
    hl_moment *m = c->moments;
    uint32_t n = c->n_moments;
    bool user =
        n && (double)(m[n - 1].info.user_us - m[0].info.user_us) >= ENOUGH_USER_SECONDS * 1e6;
    for (uint32_t i = 1; i < n && user; i++)
        user = m[i].info.user_us >= m[i - 1].info.user_us;
    for (uint32_t i = 0; i < n && user; i++)
        m[i].work = (double)m[i].info.user_us / 1e6;
    bool cpu = n && m[n - 1].work > m[0].work;
    for (uint32_t i = 1; i < n && cpu; i++)
        cpu = m[i].work >= m[i - 1].work;
    for (uint32_t i = 0; i < n && !cpu; i++)
        m[i].work = (double)m[i].info.time_us / 1e6;
    if (cpu)
        leave_out_collections(m, n);
    c->by_rounds = hl_rounds_axis(c);
    for (uint32_t i = 0; i < n; i++)
        c->audited |= c->by_rounds && m[i].info.resource_known != 0;
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(m[i].info.reason, "imported"))
            c->began = i;
    uint32_t loaded = n ? loaded_at(c) : 0;
    if (loaded > c->began)
        c->began = loaded;
    for (uint32_t i = c->began; i < n; i++)
        if (m[i].work <= m[c->began].work + WARM_UP * (m[n - 1].work - m[c->began].work))
            c->baseline = i;
    c->material = c->options.min_growth;
    if (n && !c->material) {
        uint64_t share = (uint64_t)(MATERIAL_SHARE * (double)m[n - 1].heap_bytes);
        c->material = share > MATERIAL_FLOOR ? share : MATERIAL_FLOOR;
    }
}

/* What this package keeps in the program it is asked about is none of its leaks. */
static bool is_ours(const hl_suspect *s)
{
    return !strncmp(s->name, "heaplens.", strlen("heaplens."));
}

/* The hash nodes of a context: made anew for what is set below them, and counted by what they hold.
 */
static bool is_hash_node(const hl_case *c, const hl_suspect *s)
{
    const char *type = hl_snap_type_name(c->snap, s->holder);
    return !strcmp(type, "hamt") || !strncmp(type, "hamt_", 5);
}

static hl_status judge_one(hl_case *c, const hl_suspect *s, hl_err *err)
{
    if (is_ours(s) || is_hash_node(c, s))
        return HL_OK;
    hl_uses uses;
    if (hl_uses_find(c, s, &uses, err))
        return err->status;
    hl_filled filled = hl_calls_filled(c, s, &uses);
    uint32_t told = c->out->n_findings;
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        if (rules[r]->run(c, s, &uses, filled))
            break;
    uint64_t inner = hl_snap_address(c->snap, s->holder);
    /* what was told as the queue it is the inside of may be found once more, in another's hands */
    if (c->out->n_findings > told && !hl_finding_joins(c, s) &&
        c->out->findings[c->out->n_findings - 1].holder.address != inner &&
        c->n_joined < HL_JOINED_MAX)
        c->joined[c->n_joined++] = inner;
    return HL_OK;
}

/* Bytes of growth that no finding so far explains. */
static uint64_t unexplained(const hl_case *c)
{
    const hl_moment *m = c->moments;
    uint64_t peak = 0, explained = c->dismissed;
    for (uint32_t i = c->baseline; i < c->n_moments; i++)
        if (hl_moment_live(&m[i]) > peak)
            peak = hl_moment_live(&m[i]);
    for (uint32_t i = 0; i < c->out->n_findings; i++)
        explained += c->out->findings[i].growth.bytes;
    uint64_t first = hl_moment_live(&m[0]);
    return peak > first + explained ? peak - first - explained : 0;
}

/* Is v, or something above it on its chain, the holder of a finding already? */
static bool told(const hl_case *c, hl_node v)
{
    for (; v != HL_NO_NODE; v = c->graph->parent[v])
        for (uint32_t i = 0; i < c->out->n_findings; i++)
            if (c->out->findings[i].holder.address == hl_snap_address(c->snap, v))
                return true;
    return false;
}

/* Is the holder of a finding already below v? */
static bool covers(const hl_case *c, hl_node v)
{
    for (uint32_t i = 0; i < c->out->n_findings; i++) {
        uint64_t address = c->out->findings[i].holder.address;
        hl_node below = address ? hl_snap_find_address(c->snap, address) : HL_NO_NODE;
        for (; below != HL_NO_NODE; below = c->graph->parent[below])
            if (below == v)
                return true;
    }
    return false;
}

/* What only garbage, a thread that outlived main() or C has in the farewell's look is known by the
 * name it had while the program was at work. */
static hl_status name_in_life(hl_case *c, const hl_growth *g, hl_suspect *s, hl_err *err)
{
    uint8_t from = c->graph->from[s->holder];
    if (from == HL_HOLD_MODULE || from == HL_HOLD_TYPE || c->working >= g->anchor)
        return HL_OK;
    uint64_t address = hl_snap_address(c->snap, s->holder);
    if (hl_case_anchor(c, c->working, err))
        return err->status;
    hl_node v = hl_snap_find_address(c->snap, address);
    hl_suspect then = {.name = NULL};
    bool known = v != HL_NO_NODE && c->graph->from[v] != HL_HOLD_CYCLE &&
                 hl_suspect_of(c, v, HL_NO_NODE, &then);
    hl_shape in_life = known ? hl_case_shape(c, v) : 0;
    if (hl_case_anchor(c, g->anchor, err))
        return err->status;
    if (hl_suspect_find(c, g, s) && known) {
        s->name = then.name;
        s->kind = then.kind;
        s->in_life = in_life;
    }
    return HL_OK;
}

/* Most of what the holder has are tasks that are done. */
static bool tasks_are_done(const hl_case *c, hl_node holder)
{
    hl_node members[HL_SAMPLES];
    uint32_t n = hl_sample(c, hl_entries_of(c, holder), false, members, HL_SAMPLES), done = 0;
    for (uint32_t i = 0; i < n; i++) {
        hl_node coroutine = hl_graph_follow(c->graph, members[i], HL_LABEL_NAMED, "_coro");
        done += hl_inherits(c, members[i], "_asyncio.Task") &&
                (coroutine == HL_NO_NODE || !hl_is_suspended(c->graph, coroutine));
    }
    return 2 * done > n;
}

/* Tasks that waited as long as the program was at work, and that its end cancelled (asyncio.run), are
 * told as what they were: *g is theirs then, up to the last moment at work. */
static hl_status before_they_were_cancelled(hl_case *c, const hl_growth **g, hl_suspect *s,
                                            hl_err *err)
{
    if (c->working >= (*g)->anchor || !tasks_are_done(c, s->holder))
        return HL_OK;
    hl_growth *then = hl_arena_alloc(c->arena, sizeof *then);
    if (!then)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a growth");
    *then = **g;
    then->anchor = c->working;
    hl_suspect at_work;
    if (hl_case_anchor(c, c->working, err))
        return err->status;
    if (hl_suspect_find(c, then, &at_work) && !tasks_are_done(c, at_work.holder)) {
        *s = at_work;
        *g = then;
        return HL_OK;
    }
    if (hl_case_anchor(c, (*g)->anchor, err))
        return err->status;
    (void)hl_suspect_find(c, *g, s);
    return HL_OK;
}

/* Containers followed by address, for growth that shapes did not explain. */
static hl_status judge_tracked(hl_case *c, hl_err *err)
{
    if (unexplained(c) < c->material)
        return HL_OK;
    if (hl_tracks_find(c, err))
        return err->status;
    for (uint32_t i = 0; i < c->n_tracked && unexplained(c) >= c->material; i++) {
        hl_growth *g = &c->tracked[i];
        hl_suspect s;
        if (hl_case_anchor(c, g->anchor, err))
            return err->status;
        if (!hl_suspect_find(c, g, &s) || told(c, s.holder) || covers(c, s.holder))
            continue;
        double share = 1 - (double)g->series[g->onset] / (double)g->series[g->anchor];
        double weighed = 1 - (double)g->series[g->weighed_from] / (double)g->series[g->anchor];
        double seconds =
            (double)(c->moments[g->anchor].info.time_us - c->moments[g->onset].info.time_us) / 1e6;
        g->onset_bytes = g->bytes = (uint64_t)(share * (double)c->graph->retained_bytes[s.holder]);
        g->weighed_bytes = (uint64_t)(weighed * (double)c->graph->retained_bytes[s.holder]);
        g->per_second = seconds > 0 ? (double)g->onset_bytes / seconds : -1;
        /* what a function or a thread let go when it ended was kept until then */
        bool ends = !strcmp(s.kind, "frame-local") || !strcmp(s.kind, "thread-local");
        bool gone = g->released && !g->torn_down && !ends;
        if (gone || g->bytes < c->material)
            continue;
        if (name_in_life(c, g, &s, err) || judge_one(c, &s, err))
            return err->status;
    }
    return HL_OK;
}

static hl_status judge_growths(hl_case *c, hl_err *err)
{
    if (hl_growth_find(c, err))
        return err->status;
    if (hl_census_find(c, err) || hl_rule_native_groups(c, err) ||
        hl_rule_native_references(c, err) || hl_rule_pending_groups(c, err) ||
        hl_rule_thread_groups(c, err) || hl_rule_context_groups(c, err))
        return err->status;
    /* the last moment's graph is loaded: look there first, then where functions have returned */
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < c->n_growths; i++) {
            const hl_growth *g = &c->growths[i];
            if (g->released != (pass == 1))
                continue;
            hl_suspect s;
            if (hl_case_anchor(c, g->anchor, err))
                return err->status;
            if (!hl_suspect_find(c, g, &s))
                continue;
            if (g->released && hl_tracks_know_longer(c, g, hl_snap_address(c->snap, s.holder)))
                continue; /* only the way to it was gone: judge_tracked */
            if (before_they_were_cancelled(c, &g, &s, err))
                return err->status;
            if (name_in_life(c, g, &s, err) || judge_one(c, &s, err))
                return err->status;
        }
    return judge_tracked(c, err);
}

/* Of two that are about as big, the one in the user's own code comes first: what fills a library's
 * cache is mostly a consequence. */
static uint64_t weight(const hl_finding *f)
{
    bool library = f->known && f->known->law != HL_KNOWN_HELD;
    return library ? f->growth.bytes / 2 : f->growth.bytes;
}

static int by_weight(const void *a, const void *b)
{
    const hl_finding *x = a, *y = b;
    if ((x->confidence == HL_POSSIBLE) != (y->confidence == HL_POSSIBLE))
        return x->confidence == HL_POSSIBLE ? 1 : -1;
    if (weight(x) != weight(y))
        return weight(x) < weight(y) ? 1 : -1;
    return strcmp(x->fingerprint, y->fingerprint);
}

/* Findings that together explain little of the growth are not sure enough to accuse. A seventh is
 * enough: what libraries warm up meanwhile has holders of its own, and what C keeps for an object
 * is not seen below it. And what every declared round leaves behind is, whatever else grew. */
static void weigh(hl_case *c)
{
    hl_diagnosis *d = c->out;
    const hl_moment *m = c->moments;
    /* since the first of them began to grow: what imports took before has nothing to do with it */
    uint32_t since = d->n_findings ? c->n_moments - 1 : 0;
    uint64_t peak = 0, explained = 0;
    bool garbage = false; /* is some of what they explain */
    for (uint32_t i = 0; i < d->n_findings; i++) {
        garbage = garbage || !strcmp(d->findings[i].cause, "reference-cycle");
        explained += d->findings[i].growth.since_bytes;
        since = d->findings[i].growth.since < since ? d->findings[i].growth.since : since;
    }
    uint64_t first = 0;
    for (uint32_t i = since; i < c->n_moments; i++) {
        uint64_t heap = garbage ? m[i].heap_bytes : hl_moment_live(&m[i]);
        first = i == since ? heap : first;
        peak = heap > peak ? heap : peak;
    }
    uint64_t grown = peak > first ? peak - first : 0;
    double share = grown ? (double)explained / (double)grown : -1;
    d->observed.growth_explained = share > 1 ? 1 : share;
    for (uint32_t i = 0; i < d->n_findings && share >= 0 && share < STRONG_SHARE && !c->audited;
         i++)
        if (d->findings[i].confidence == HL_STRONG && d->findings[i].growth.per_round < 1)
            d->findings[i].confidence = HL_POSSIBLE;
    if (d->n_findings)
        qsort(d->findings, d->n_findings, sizeof *d->findings, by_weight);
}

/* Of all that was gained, in the last interval: less is rest. */
static const double ROSE_SHARE = 0.1;

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

/* At the end, or right before what was torn down there: did it still grow? */
static bool still_rose(const hl_case *c)
{
    const hl_moment *m = c->moments;
    uint32_t last = c->working < c->n_moments ? c->working : c->n_moments - 1;
    if (last <= c->baseline)
        return false;
    uint64_t before = hl_moment_live(&m[last - 1]), at = hl_moment_live(&m[last]),
             first = hl_moment_live(&m[c->baseline]);
    return at > before && at > first && (double)(at - before) >= ROSE_SHARE * (double)(at - first);
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

static void decide(hl_case *c)
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
    if (c->unheld.where) {
        d->verdict = HL_UNDECIDED;
        d->view = "allocs"; /* no object of a type grew; the line did */
        d->why = hl_arena_printf(
            c->arena,
            "%s asked for at %s are in no object that was found, and more came "
            "in each of %u parts of the run: C code keeps them, or has lost "
            "them. Look at the C code called there (heaplens explain "
            "native-memory, native-reference)",
            hl_bytes_text(c->unheld.bytes, bytes), c->unheld.where, c->unheld.windows);
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
    if (looks < FEW_SNAPSHOTS && grown >= MUCH_BYTES && 2 * grown >= live_last) {
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

/* When memory is full, if the findings go on as they did. */
static void forecast(hl_case *c)
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

static void describe(hl_case *c, const hl_run *r)
{
    hl_diagnosis *d = c->out;
    d->target.pid = r->pid;
    d->target.python = hl_arena_printf(c->arena, "%s", r->python);
    d->target.program = hl_arena_printf(c->arena, "%s", r->program);
    d->target.file = hl_arena_printf(c->arena, "%s", r->path);
    d->target.started_us = r->started_us;
    d->target.exit = r->ended ? r->exit : -1;
    d->observed.snapshots = c->n_moments;
    d->observed.rounds = -1;
    d->observed.growth_explained = -1;
    d->observed.cost_seconds = -1;
    d->observed.seconds_to_limit = -1;
    d->observed.limit_bytes = c->options.memory_limit ? c->options.memory_limit : r->limit_bytes;
    if (!c->n_moments)
        return;
    const hl_moment *a = &c->moments[0], *z = &c->moments[c->n_moments - 1];
    if (z->info.rounds)
        d->observed.rounds = z->info.rounds > INT64_MAX ? INT64_MAX : (int64_t)z->info.rounds;
    d->observed.seconds =
        r->ended ? (double)r->seconds_us / 1e6 : (double)(z->info.time_us - a->info.time_us) / 1e6;
    d->observed.rss_first = a->info.rss_bytes;
    d->observed.rss_last = z->info.rss_bytes;
    d->observed.heap_first = a->heap_bytes;
    d->observed.heap_last = z->heap_bytes;
    for (uint32_t i = 0; i < c->n_moments; i++)
        if (c->moments[i].heap_bytes > d->observed.heap_peak)
            d->observed.heap_peak = c->moments[i].heap_bytes;
    d->observed.objects_first = a->objects;
    d->observed.objects_last = z->objects;
    d->observed.objects_skipped = z->info.skipped;
    d->observed.samples_dropped = z->info.tracking.dropped;
}

hl_status hl_diagnosing_create(const hl_diagnose_options *options, hl_arena *arena,
                               hl_diagnosing **out, hl_err *err)
{
    hl_diagnosing *d = hl_arena_alloc(arena, sizeof *d);
    if (!d)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a diagnosis");
    *d = (hl_diagnosing){
        .c = {.arena = arena, .anchor = UINT32_MAX, .aside = {.moment = UINT32_MAX}}};
    if (options)
        d->c.options = *options;
    hl_arena_init(&d->c.scratch);
    hl_shapes_init(&d->c.shapes);
    *out = d;
    return HL_OK;
}

void hl_diagnosing_destroy(hl_diagnosing *d)
{
    if (d)
        hl_case_deinit(&d->c);
}

hl_status hl_diagnosing_judge(hl_diagnosing *d, const hl_run *run, hl_diagnosis *out, hl_err *err)
{
    hl_case *c = &d->c;
    hl_status status = HL_OK;
    *out = (hl_diagnosis){.observed = {.snapshots_torn = d->torn}};
    c->out = out;
    settle_axis(c);
    hl_case_find_farewells(c);
    describe(c, run);
    if (c->n_moments) {
        status = hl_rule_cycles(c, err);
        if (!status)
            status = hl_rule_modules(c, err);
        if (!status)
            status = judge_growths(c, err);
        if (!status)
            status = hl_rule_not_collected(c, err);
        if (!status)
            status = hl_rule_resources(c, err);
        if (!status)
            status = hl_unheld_find(c, err);
    }
    if (!status) {
        hl_native_doubt(c);
        weigh(c);
        decide(c);
        forecast(c);
    }
    return status;
}

hl_status hl_diagnose(hl_run *const *runs, uint32_t n, const hl_diagnose_options *options,
                      hl_arena *arena, hl_diagnosis *out, hl_err *err)
{
    *out = (hl_diagnosis){0};
    if (!n)
        return hl_err_set(err, HL_EMPTY, "no file to diagnose");
    hl_diagnosing *d;
    hl_status status = hl_diagnosing_create(options, arena, &d, err);
    if (status)
        return status;
    for (uint32_t r = 0; !status && r < n; r++)
        for (uint32_t i = 0; !status && i < runs[r]->n_snaps; i++)
            status = hl_diagnosing_observe(d, runs[r], i, err);
    if (!status)
        status = hl_diagnosing_judge(d, runs[n - 1], out, err);
    hl_diagnosing_destroy(d);
    return status;
}

bool hl_diagnose_finds(const char *cause)
{
    /* hl_rule_cycles, hl_rule_not_collected and hl_rule_native_references are no rules over a growth;
     * native-memory is found by an audit only */
    if (!strcmp(cause, "reference-cycle") || !strcmp(cause, "not-collected") ||
        !strcmp(cause, "native-reference"))
        return true;
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        if (!strcmp(rules[r]->cause, cause))
            return true;
    return false;
}
