/* diagnose/cycle.c: cycles that nothing holds and nobody collects.
 *
 * Room   diagnose; a rule (R1, R2, R3), judged over all moments and shown in the last.
 * Signs  components no root reaches, whose refcounts are their own edges; and a collector that is
 *        off, or never runs (threshold 0), or was told to leave them alone (gc.freeze), or has a
 *        threshold so far off that very much will have piled up when it is reached.
 * Guards the collector is on: it will free them, so a note at most. */
#include "diagnose/case.h"
#include "diagnose/judge.h"
#include "diagnose/per_round.h"

#include <inttypes.h>
#include <string.h>

enum { NOTES_MAX = 3, MANY_CYCLES = 1000, FIRST_SHARE = 20 };
/* Garbage at the collector's next run that is no longer a matter of tuning. */
static const double MUCH_GARBAGE = 256 << 20;

static bool none_collected(const hl_moment *from, const hl_moment *to)
{
    return !memcmp(from->info.gc_collections, to->info.gc_collections,
                   sizeof from->info.gc_collections);
}

/* Nothing was collected while nearly all of it was made, and at this rate there will be very much
 * when something is: the threshold counts objects, whatever they hold. */
static bool comes_late(const hl_case *c)
{
    const hl_moment *first = c->moments, *last = &c->moments[c->n_moments - 1];
    while (first < last && first->garbage_objects < last->garbage_objects / 10)
        first++;
    if (!none_collected(first, last) || last->garbage_objects >= last->info.gc_threshold0)
        return false;
    /* in three looks at it, or in two, where none was collected before the first either */
    bool from_nothing = first > c->moments && none_collected(first - 1, last);
    if (last - first < (from_nothing ? 1 : 2))
        return false;
    double then =
        (double)last->garbage_bytes * last->info.gc_threshold0 / (double)last->garbage_objects;
    return then >= MUCH_GARBAGE;
}

static const char *why_uncollected(hl_case *c, const hl_cycle *k)
{
    const hl_snap_info *i = &c->moments[c->n_moments - 1].info;
    if (k->in_gc_garbage)
        return "they are in gc.garbage";
    if (k->uncollectable && k->closed != HL_NO_NODE)
        return hl_arena_printf(c->arena,
                               "%s owns references that the garbage collector is not told of",
                               hl_snap_type_name(c->snap, k->closed));
    if (k->uncollectable)
        return "a type in them owns references the collector cannot see";
    if (k->frozen)
        return "gc.freeze() moved them out of the collector's sight";
    if (!i->gc_enabled)
        return "the collector is off (gc.disable())";
    if (!i->gc_threshold0)
        return "the collector never runs (gc.set_threshold(0))";
    if (c->audited) /* everything was collected before each look */
        return "gc.collect() does not free them: a type in them has no tp_clear, or none that lets "
               "go";
    if (comes_late(c)) {
        char count[32];
        return hl_arena_printf(c->arena,
                               "the collector waits for %s new objects (gc.set_threshold) and has "
                               "not run once meanwhile",
                               hl_count_text(i->gc_threshold0, count));
    }
    return NULL;
}

/* Garbage still rose in the later half of the run: not a burst while a library was imported. */
static bool garbage_grew(const hl_case *c)
{
    const hl_moment *m = c->moments;
    uint32_t n = c->n_moments, mid = 0;
    double half = (m[0].work + m[n - 1].work) / 2;
    while (mid + 1 < n && m[mid + 1].work <= half)
        mid++;
    return n < 3 || m[n - 1].garbage_objects > m[mid].garbage_objects;
}

/* An audit collects before each look: what is there has come to stay, be it little. */
static bool left_by_calls(hl_case *c)
{
    hl_course course;
    uint64_t *series =
        c->audited ? hl_arena_array(&c->scratch, c->n_moments, sizeof *series) : NULL;
    for (uint32_t i = 0; series && i < c->n_moments; i++)
        series[i] = c->moments[i].garbage_objects;
    return series && hl_course_find(c, series, &course) && course.most > c->options.tolerance;
}

static bool from_library(const hl_case *c, const hl_cycle *k)
{
    /* types of the program itself read "__main__.X"; of others, note only what is big */
    (void)c;
    return !strstr(k->signature, "__main__");
}

static bool is_frame(const hl_case *c, hl_node v)
{
    return !strcmp(hl_snap_type_name(c->snap, v), "frame");
}

/* "work (app.py:12)" */
static const char *place_of(const hl_case *c, hl_node frame)
{
    return hl_code_place(c, hl_graph_follow(c->graph, frame, HL_LABEL_NAMED, "f_code"));
}

/* Its first step from a local of a frame on; NULL: no frame is in it. */
static const char *local_of(const hl_case *c, const hl_cycle *k, hl_node *frame)
{
    for (uint32_t i = 0; i < k->n_edges; i++) {
        hl_label l = k->edges[i].label;
        if (!is_frame(c, k->edges[i].from) || hl_label_kind(l) != HL_LABEL_LOCAL)
            continue;
        *frame = k->edges[i].from;
        return c->snap->names[hl_label_value(l)];
    }
    return NULL;
}

/* Frames take no weak reference, and nobody writes their back references. */
static const char *fix_for_frame(hl_case *c, const hl_cycle *k, const char *local)
{
    bool error = strstr(k->signature, ".__traceback__") != NULL;
    return error ? hl_arena_printf(
                       c->arena,
                       "an exception has the frames it came through, and one of these leads back "
                       "to it by its local `%s`: let go of that when done (`del %s`, or `%s = "
                       "None`, in `finally:`), keep the exception without its frames "
                       "(error.with_traceback(None)), or leave the collector on",
                       local, local, local)
                 : hl_arena_printf(c->arena,
                                   "a frame that one of its own locals leads to lives on after its "
                                   "return: let go of `%s` when done (`del %s` in `finally:`), or "
                                   "leave the collector on",
                                   local, local);
}

static void chain_of(hl_case *c, const hl_cycle *k, hl_finding *f)
{
    f->path = hl_arena_array(c->arena, k->n_edges + 1, sizeof *f->path);
    if (!f->path)
        return;
    for (uint32_t i = 0; i <= k->n_edges; i++) {
        hl_node v = k->edges[i % k->n_edges].from;
        hl_chain_step *step = &f->path[f->n_path++];
        step->type = hl_arena_printf(c->arena, "%s", hl_snap_type_name(c->snap, v));
        if (is_frame(c, v))
            step->name = place_of(c, v);
        if (!i)
            continue;
        char edge[128];
        hl_label_text(c->snap, k->edges[i - 1].label, edge, sizeof edge);
        step->edge = hl_arena_printf(c->arena, "%s", edge);
        step->guilty = i == k->n_edges;
    }
}

/* Other back references that hold the objects: breaking the cycle that is shown frees nothing. */
static void tell_others(hl_case *c, hl_finding *f, const hl_cycle *k)
{
    const char *all = "";
    for (uint32_t i = 0; i < k->n_others; i++)
        all = hl_arena_printf(c->arena, "%s%s%s", all,
                              !i                                        ? ""
                              : i + 1 == k->n_others && !k->more_others ? " and "
                                                                        : ", ",
                              k->others[i]);
    if (k->n_others)
        hl_finding_evidence(
            c, f,
            "they hold each other in other ways, too: by %s%s; all of these have to "
            "go, or what closes them (a close(), unlink() or clear() of theirs)",
            all, k->more_others ? " and more" : "");
}

static void find(hl_case *c, const hl_cycle *k, const char *why)
{
    hl_finding *f = hl_finding_add(c, "reference-cycle", HL_CERTAIN);
    if (!f)
        return;
    char count[32], bytes[16];
    hl_node frame = HL_NO_NODE;
    const char *local = local_of(c, k, &frame), *place = local ? place_of(c, frame) : NULL;
    f->title =
        hl_arena_printf(c->arena, "%s reference cycle%s %s%s%s%s %s garbage that stays: %s; %s",
                        hl_count_text(k->cycles, count), k->cycles == 1 ? "" : "s", k->signature,
                        place ? ", such as that of " : "", place ? place : "", place ? "," : "",
                        k->cycles == 1 ? "is" : "are", why, hl_bytes_text(k->bytes, bytes));
    f->holder.name = hl_arena_printf(c->arena, "%s", k->signature);
    f->holder.kind = "none";
    f->holder.type = hl_arena_printf(c->arena, "%s", hl_snap_type_name(c->snap, k->sample));
    chain_of(c, k, f);
    f->retained.objects = k->objects;
    f->retained.bytes = k->bytes;
    const hl_moment *first = &c->moments[0], *last = &c->moments[c->n_moments - 1];
    f->growth.objects = k->objects;
    f->growth.bytes = f->growth.since_bytes = k->bytes;
    while (f->growth.since + 1 < c->n_moments &&
           FIRST_SHARE * c->moments[f->growth.since + 1].garbage_objects <= last->garbage_objects)
        f->growth.since++;
    double seconds = (double)(last->info.time_us - first->info.time_us) / 1e6;
    f->growth.per_second = seconds > 0 ? (double)k->bytes / seconds : -1;
    if (last->info.rounds) {
        /* an audit looks for the first time when all is warm: what was there then is none of these */
        double since = c->audited && last->garbage_objects > first->garbage_objects
                           ? 1 - (double)first->garbage_objects / (double)last->garbage_objects
                           : 1;
        f->growth.per_round = since * (double)k->objects / (double)last->info.rounds;
        f->growth.bytes_per_round = since * (double)k->bytes / (double)last->info.rounds;
    }
    f->series = hl_arena_array(c->arena, c->n_moments, sizeof *f->series);
    for (uint32_t i = 0; f->series && i < c->n_moments; i++)
        f->series[i] = c->moments[i].garbage_objects;
    f->n_series = f->series ? c->n_moments : 0;
    f->series_unit = "objects";
    char objects[32];
    hl_finding_evidence(c, f, "%s objects in the cycles hold each other%s",
                        hl_count_text(k->objects, objects),
                        k->in_gc_garbage ? "" : ", and nothing else holds them");
    tell_others(c, f, k);
    if (k->finalizer)
        hl_finding_evidence(c, f, "has a finalizer (since 3.4 that does not keep a cycle alive)");
    if (k->uncollectable)
        f->fix =
            "no collection will free these: break the cycle by hand, with a weak back reference "
            "(weakref.ref, weakref.WeakMethod for a callback), or by clearing the attribute "
            "when done; or use a release of that type that supports garbage collection";
    else if (k->in_gc_garbage)
        f->fix = "empty gc.garbage (gc.garbage.clear()) after looking at it, and take "
                 "gc.DEBUG_SAVEALL out of gc.set_debug(): it keeps all that was collected";
    else if (k->frozen)
        f->fix = "call gc.collect() before gc.freeze(), so that garbage is not frozen, or "
                 "gc.unfreeze() when the forks are done";
    else if (comes_late(c) && c->moments[c->n_moments - 1].info.gc_enabled)
        f->fix =
            "give the collector a threshold that is reached (some ten thousand objects at most: "
            "gc.set_threshold(), gc.freeze() for what stays), call gc.collect() at quiet points, "
            "or break the cycle: make the back reference weak (weakref.ref)";
    else if (local)
        f->fix = fix_for_frame(c, k, local);
    else
        f->fix =
            "break the cycle: make the back reference weak (weakref.ref), clear it when done, or "
            "leave the collector on (gc.enable(), or gc.collect() at quiet points)";
    hl_finding_seal(c, f);
}

/* The list gc.garbage, or NO_NODE. */
static hl_node garbage_list(const hl_case *c)
{
    for (uint32_t i = 0; i < c->snap->n_roots; i++)
        if (c->snap->roots[i].kind == HL_ROOT_GARBAGE)
            return c->snap->roots[i].node;
    return HL_NO_NODE;
}

/* What is in gc.garbage is held by that list, whatever cycles it makes: one finding for all of it,
 * with one of its cycles as the example. */
static void find_in_list(hl_case *c, const hl_cycle *k, hl_node list)
{
    find(c, k, "they are in gc.garbage");
    hl_finding *f = c->out->n_findings ? &c->out->findings[c->out->n_findings - 1] : NULL;
    if (!f)
        return;
    char count[32], bytes[16];
    int32_t len = hl_snap_len(c->snap, list) > 0 ? hl_snap_len(c->snap, list) : 0;
    double share = k->bytes ? (double)c->graph->retained_bytes[list] / (double)k->bytes : 1;
    f->holder.name = "gc.garbage";
    f->holder.kind = "interpreter";
    f->holder.type = "list";
    f->holder.address = hl_snap_address(c->snap, list);
    f->retained.bytes = f->growth.bytes = c->graph->retained_bytes[list];
    f->retained.objects = f->growth.objects = c->graph->retained_objects[list];
    f->growth.since_bytes = f->growth.bytes;
    f->growth.per_second = f->growth.per_second > 0 ? share * f->growth.per_second : -1;
    f->n_series = 0; /* counted is what nothing holds, and this list holds */
    f->title = hl_arena_printf(c->arena,
                               "gc.garbage keeps %s objects that were collected, such as the cycle "
                               "%s; it holds %s",
                               hl_count_text((uint64_t)len, count), k->signature,
                               hl_bytes_text(f->retained.bytes, bytes));
    hl_finding_seal(c, f);
}

hl_status hl_rule_cycles(hl_case *c, hl_err *err)
{
    bool here = c->anchor + 1 == c->n_moments; /* as observing leaves it */
    hl_node list = here ? garbage_list(c) : HL_NO_NODE;
    if (here && !c->moments[c->n_moments - 1].garbage_objects &&
        (list == HL_NO_NODE || hl_snap_len(c->snap, list) <= 0))
        return HL_OK;
    if (hl_case_anchor(c, c->n_moments - 1, err))
        return err->status;
    hl_cycle *cycles;
    uint32_t n, notes = 0, told = 0;
    if (hl_cycles_find(c->graph, &c->scratch, &cycles, &n, err))
        return err->status;
    list = garbage_list(c);
    bool kept = list != HL_NO_NODE && c->graph->retained_bytes[list] >= c->material;
    bool each = left_by_calls(c);
    uint64_t rounds = c->moments[c->n_moments - 1].info.rounds;
    for (uint32_t i = 0; i < n; i++) {
        const hl_cycle *k = &cycles[i];
        if (k->in_gc_garbage && kept) {
            if (list != HL_NO_NODE)
                find_in_list(c, k, list);
            list = HL_NO_NODE; /* told */
            continue;
        }
        const char *why = why_uncollected(c, k);
        bool many = k->bytes >= c->material || k->cycles >= MANY_CYCLES ||
                    (each && k->cycles >= rounds / 2);
        if (why && many && garbage_grew(c)) {
            find(c, k, why);
            told++;
            continue;
        }
        if (notes >= NOTES_MAX || (from_library(c, k) && k->bytes < c->material))
            continue;
        char count[32], bytes[16];
        hl_note_add(c, "reference-cycle", "%s garbage cycle%s %s (%s): %s",
                    hl_count_text(k->cycles, count), k->cycles == 1 ? "" : "s", k->signature,
                    hl_bytes_text(k->bytes, bytes),
                    why ? why : "the collector is on and frees such cycles when it next runs");
        notes++;
    }
    /* what was counted over time is all garbage, not that of one kind */
    for (uint32_t i = 0; told > 1 && i < c->out->n_findings; i++)
        c->out->findings[i].n_series = 0;
    return HL_OK;
}
