/* diagnose/diagnose.c: snapshots in, verdict out: observe every moment, judge growth, name causes.
 *
 * Room   diagnose; analyser process; at most one heap graph in memory at a time.
 * Flow   moments (case.c) on their axis (axis.c); groups, growths and tracks; for each suspect the
 *        rules, most specific first; findings weighed; the verdict (verdict.c). */
#include "diagnose/diagnose.h"

#include "diagnose/below.h"
#include "diagnose/case.h"
#include "diagnose/census.h"
#include "diagnose/judge.h"
#include "diagnose/native_growth.h"
#include "diagnose/native_kept.h"
#include "diagnose/pattern.h"
#include "diagnose/unheld.h"

#include <stdlib.h>
#include <string.h>

static const double STRONG_SHARE = 0.15;

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
    &hl_rule_wrapper_results,
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

/* Memory outside of all objects is charged to the first that has objects of C code in step with it.
 * False: without it there is nothing that matters. */
static bool charge_native(hl_case *c, hl_growth *g, const hl_suspect *s)
{
    bool matters = g->exact || hl_growth_is_material(c, g);
    if (c->native.bytes && g->in_step && !c->native_told && hl_native_keeps(c, s)) {
        g->native_bytes = c->native.bytes;
        return true;
    }
    return matters;
}

static hl_status judge_growths(hl_case *c, hl_err *err)
{
    if (hl_growth_find(c, err))
        return err->status;
    if (hl_census_find(c, err) || hl_rule_native_groups(c, err) ||
        hl_rule_native_references(c, err) || hl_rule_pending_groups(c, err) ||
        hl_rule_thread_groups(c, err) || hl_rule_context_groups(c, err))
        return err->status;
    /* each has a stack of its own, and room that malloc keeps for it */
    if (hl_threads_multiply(c))
        c->native.bytes = c->native_few = 0;
    /* the last moment's graph is loaded: look there first, then where functions have returned */
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < c->n_growths; i++) {
            const hl_growth *g = &c->growths[i];
            if (g->released != (pass == 1))
                continue;
            hl_suspect s;
            if (hl_case_anchor(c, g->anchor, err))
                return err->status;
            if (!hl_suspect_find(c, g, &s) || !charge_native(c, &c->growths[i], &s))
                continue;
            if (g->released && hl_tracks_know_longer(c, g, hl_snap_address(c->snap, s.holder)))
                continue; /* only the way to it was gone: judge_tracked */
            if (before_they_were_cancelled(c, &g, &s, err))
                return err->status;
            if (name_in_life(c, g, &s, err) || judge_one(c, &s, err))
                return err->status;
            c->native_told = c->native_told || g->native_bytes; /* told, or excused */
        }
    return judge_tracked(c, err);
}

/* Of two that are about as big, the one that is mostly a consequence comes second: what fills a
 * library's cache, of the user's own code; memory beside objects, which is lost with those that had it. */
static uint64_t weight(const hl_finding *f)
{
    bool library = f->known && f->known->law != HL_KNOWN_HELD;
    bool beside = !strcmp(f->cause, "native-memory");
    return library || beside ? f->growth.bytes / 2 : f->growth.bytes;
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

/* What was there when the imports were over, of what was first seen before, counts as the imports'. */
static void not_before_work(const hl_case *c, hl_finding *f)
{
    uint32_t from = f->growth.since, to = c->began, n = f->n_series;
    if (from >= to || to + 1 >= n || f->series[n - 1] <= f->series[from] ||
        f->series[to] < f->series[from] || f->series[to] >= f->series[n - 1])
        return;
    double share =
        (double)(f->series[n - 1] - f->series[to]) / (double)(f->series[n - 1] - f->series[from]);
    f->growth.since = to;
    f->growth.since_bytes = (uint64_t)(share * (double)f->growth.since_bytes);
}

/* What came beside objects, where findings tell such memory: it is part of what there is to explain. */
static uint64_t beside_objects(const hl_case *c, uint32_t since)
{
    bool told = false;
    for (uint32_t i = 0; i < c->out->n_findings; i++)
        told = told || (!strcmp(c->out->findings[i].holder.kind, "native") &&
                        !c->out->findings[i].growth.objects);
    if (!told || !c->outside || c->native_told)
        return 0;
    uint64_t most = c->outside[since];
    for (uint32_t i = since; i < c->n_moments; i++)
        most = c->outside[i] > most ? c->outside[i] : most;
    return most - c->outside[since];
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
        not_before_work(c, &d->findings[i]);
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
    if (c->native_told) {
        explained += c->native.bytes;
        grown += c->native.bytes;
    }
    explained += c->stack_bytes;
    grown += c->stack_bytes;
    double share = grown ? (double)explained / (double)grown : -1;
    double all = (double)grown + (double)beside_objects(c, since);
    double of_all = all > 0 ? (double)explained / all : -1;
    d->observed.growth_explained = of_all > 1 ? 1 : of_all;
    for (uint32_t i = 0; i < d->n_findings && share >= 0 && share < STRONG_SHARE && !c->audited;
         i++)
        if (d->findings[i].confidence == HL_STRONG && d->findings[i].growth.per_round < 1)
            d->findings[i].confidence = HL_POSSIBLE;
    if (d->n_findings)
        qsort(d->findings, d->n_findings, sizeof *d->findings, by_weight);
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
    hl_axis_settle(c);
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
        if (!status)
            status = hl_native_kept_find(c, err);
    }
    if (!status) {
        hl_native_doubt(c);
        weigh(c);
        hl_verdict_decide(c);
        hl_verdict_forecast(c);
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
    static const char *const others[] = {"reference-cycle", "not-collected", "native-reference",
                                         "native-memory"}; /* no rules over a growth */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i], cause))
            return true;
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        if (!strcmp(rules[r]->cause, cause))
            return true;
    return false;
}
