/* diagnose/case.c: loads one heap at a time, so that a long run costs no more than its largest
 * heap. The one before is kept beside it where memory is no question.
 *
 * Room   diagnose; analyser process. */
#include "diagnose/case.h"

#include "diagnose/census.h"
#include "diagnose/surplus.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t LITTLE_BYTES = 4 << 20;

static void drop_aside(hl_case *c)
{
    hl_graph_destroy(c->aside.graph);
    hl_snap_destroy(c->aside.snap);
    hl_arena_release(&c->shapes.arena, c->aside.shape_of);
    c->aside.graph = NULL;
    c->aside.snap = NULL;
    c->aside.shape_of = NULL;
    c->aside.moment = UINT32_MAX;
}

static void drop_anchor(hl_case *c)
{
    hl_graph_destroy(c->graph);
    hl_snap_destroy(c->snap);
    c->graph = NULL;
    c->snap = NULL;
    c->anchor = UINT32_MAX;
}

/* The anchor makes place for another. */
static void set_aside(hl_case *c)
{
    bool whole = c->graph && c->shapes.shape_of;
    uint64_t takes = whole ? c->graph->arena.bytes_mapped + c->snap->arena.bytes_mapped : 0;
    drop_aside(c);
    if (!whole || (takes > LITTLE_BYTES && takes > c->afford)) {
        drop_anchor(c);
        return;
    }
    c->aside.moment = c->anchor;
    c->aside.snap = c->snap;
    c->aside.graph = c->graph;
    c->aside.shape_of = c->shapes.shape_of;
    c->aside.n_nodes = c->shapes.n_nodes;
    c->shapes.shape_of = NULL;
    c->graph = NULL;
    c->snap = NULL;
    c->anchor = UINT32_MAX;
}

static void take_back(hl_case *c)
{
    hl_snap *snap = c->aside.snap;
    hl_graph *graph = c->aside.graph;
    uint32_t *shape_of = c->aside.shape_of, n_nodes = c->aside.n_nodes, moment = c->aside.moment;
    c->aside.snap = NULL;
    c->aside.graph = NULL;
    c->aside.shape_of = NULL;
    set_aside(c);
    hl_arena_release(&c->shapes.arena, c->shapes.shape_of);
    c->shapes.shape_of = shape_of;
    c->shapes.n_nodes = n_nodes;
    c->snap = snap;
    c->graph = graph;
    c->anchor = moment;
}

void hl_case_rest(hl_case *c)
{
    drop_anchor(c);
    drop_aside(c);
}

static hl_status load(hl_case *c, uint32_t moment, hl_err *err)
{
    const hl_moment *m = &c->moments[moment];
    set_aside(c);
    if (hl_snap_load(m->run, m->index, &c->snap, err))
        return err->status;
    c->anchor = moment;
    if (hl_graph_create(c->snap, &c->graph, err) || hl_shapes_add(&c->shapes, c->graph, err)) {
        drop_anchor(c);
        return err->status;
    }
    return HL_OK;
}

hl_status hl_case_anchor(hl_case *c, uint32_t moment, hl_err *err)
{
    if (c->anchor == moment && c->graph->idom)
        return HL_OK;
    if (c->anchor != moment && c->aside.graph && c->aside.moment == moment)
        take_back(c);
    else if (c->anchor != moment && load(c, moment, err))
        return err->status;
    if (hl_graph_dominate(c->graph, err)) {
        drop_anchor(c);
        return err->status;
    }
    return HL_OK;
}

hl_shape hl_case_shape(const hl_case *c, hl_node v)
{
    return c->shapes.shape_of[v];
}

void hl_case_deinit(hl_case *c)
{
    hl_case_rest(c);
    hl_shapes_deinit(&c->shapes);
    hl_arena_deinit(&c->scratch);
}

static void note_bytes(const hl_case *c, hl_moment *m, hl_node v, uint64_t objects, uint64_t bytes)
{
    m->heap_bytes += bytes;
    m->objects += objects;
    if (c->graph->from[v] != HL_HOLD_CYCLE)
        return;
    m->garbage_bytes += bytes;
    m->garbage_objects += objects;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static hl_status note_unrun(hl_case *c, hl_moment *m, hl_err *err)
{
    const hl_snap *s = c->snap;
    m->ran = hl_arena_array(&c->scratch, s->n_codes, sizeof *m->ran);
    if (!m->ran)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to note which of %u functions ran",
                          s->n_codes);
    /* one array for both: from its two ends */
    for (uint32_t i = 0; i < s->n_codes; i++) {
        uint64_t code = hl_snap_address(s, s->codes[i].node);
        if (s->codes[i].never_ran)
            m->ran[s->n_codes - ++m->n_unrun] = code;
        else
            m->ran[m->n_ran++] = code;
    }
    m->unrun = m->ran + m->n_ran;
    qsort(m->ran, m->n_ran, sizeof *m->ran, by_value);
    qsort(m->unrun, m->n_unrun, sizeof *m->unrun, by_value);
    return HL_OK;
}

static bool never_ran_until(const hl_moment *m, uint64_t code)
{
    return m->n_unrun && bsearch(&code, m->unrun, m->n_unrun, sizeof code, by_value);
}

bool hl_case_first_ran(const hl_case *c, uint64_t code, uint32_t from, uint32_t to)
{
    const hl_moment *a = &c->moments[from], *z = &c->moments[to];
    return !bsearch(&code, a->ran, a->n_ran, sizeof code, by_value) &&
           bsearch(&code, z->ran, z->n_ran, sizeof code, by_value);
}

bool hl_case_ran(const hl_case *c, uint64_t code)
{
    const hl_moment *m = &c->moments[c->n_moments - 1], *at_work = &c->moments[c->working];
    if (never_ran_until(m, code))
        return false;
    for (uint32_t i = 0; i < at_work->n_exits; i++)
        if (at_work->exits[i] == code)
            return !never_ran_until(at_work, code);
    return true;
}

/* Reads one snapshot and keeps its numbers; it stays loaded as the anchor. */
hl_status hl_case_observe(hl_case *c, hl_run *run, uint32_t index, hl_err *err)
{
    set_aside(c);
    hl_snap_info info = run->snaps[index];
    if (hl_snap_load(run, index, &c->snap, err) || hl_graph_create(c->snap, &c->graph, err) ||
        hl_shapes_add(&c->shapes, c->graph, err)) {
        drop_anchor(c);
        return err->status;
    }
    c->anchor = c->n_moments;
    hl_moment *m = &c->moments[c->n_moments++];
    *m = (hl_moment){.run = run, .index = index, .info = c->snap->info};
    m->info.time_us = info.time_us;
    m->info.reason = info.reason; /* the run's texts outlive the snapshot's */
    m->info.python = info.python;
    m->info.program = info.program;
    m->work = (double)info.cpu_us / 1e6;
    for (hl_node v = 0; v < c->snap->nodes; v++) {
        note_bytes(c, m, v, 1, hl_snap_size(c->snap, v));
        m->frozen_garbage +=
            c->graph->from[v] == HL_HOLD_CYCLE && c->snap->flag[v] & HL_NODE_FROZEN;
    }
    for (uint32_t k = 0; k < c->snap->n_sites && !info.tracking.live_only; k++)
        m->allocated += c->snap->sites[k].all.bytes;
    for (uint32_t i = 0; i < c->snap->n_roots; i++)
        m->runs_module |= c->snap->roots[i].kind == HL_ROOT_FRAME &&
                          !strcmp(c->snap->names[c->snap->roots[i].name], "<module>");
    for (uint32_t i = 0; i < c->graph->n_roots; i++)
        m->modules += c->graph->roots[i].hold == HL_HOLD_MODULE;
    for (uint32_t i = 0; i < c->snap->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(c->snap, i);
        note_bytes(c, m, f.node, f.objects, f.bytes);
    }
    if (note_unrun(c, m, err) || hl_census_note(c, m, c->graph, err) ||
        hl_surplus_note(c, m, c->graph, err) || hl_tracks_note(c, m, c->snap, err))
        return err->status;
    return hl_calls_note(c, m, c->graph, err);
}

uint64_t hl_moment_live(const hl_moment *m)
{
    return m->heap_bytes - m->garbage_bytes;
}

/* The heap had fallen when the moment was seen, and next to nothing was done after it: main() had
 * returned, be it into an event loop that is on its way out and runs no code we know by name. */
static bool is_falling_at_the_end(const hl_case *c, uint32_t i)
{
    static const double BRIEF = 0.03, FALLEN = 0.75; /* of the run's work; of what lived before */
    const hl_moment *m = c->moments, *z = &m[c->n_moments - 1];
    return z->work - m[i].work <= BRIEF * (z->work - m[0].work) &&
           (double)hl_moment_live(&m[i]) < FALLEN * (double)hl_moment_live(&m[i - 1]);
}

/* Of a short run the interpreter's own end is more; but who makes much there is at work. */
bool hl_case_is_brief_end(const hl_case *c, uint32_t from, uint32_t to)
{
    static const double SHARE = 0.12, SECONDS = 0.03, SHARE_MAX = 0.25, MADE_MAX = 0.25;
    const hl_moment *m = c->moments, *began = &m[from > c->began ? c->began : 0];
    double work = m[to].work - m[from].work, run = m[to].work - m[0].work;
    double made = (double)m[to].allocated - (double)m[from].allocated;
    if (made > MADE_MAX * ((double)m[to].allocated - (double)began->allocated))
        return false;
    return work <= SHARE * run || (work <= SECONDS && work <= SHARE_MAX * run);
}

/* os._exit(): at work, unless its last module had returned, or it came at once and was only looked at. */
static bool left_by_exit(const hl_case *c, uint32_t i)
{
    const hl_moment *m = c->moments;
    return !strcmp(m[i].info.reason, "exit") &&
           (!m[i].runs_module || (!m[i].info.tracking.mark && hl_case_is_brief_end(c, i - 1, i)));
}

/* No Python code ran in any thread, as it had before: the interpreter was taking itself apart, and what
 * lives on has lost its name. */
static bool nothing_runs(const hl_case *c, uint32_t i)
{
    bool ran = false;
    for (uint32_t k = 0; k < i && !ran; k++)
        ran = c->moments[k].n_calls;
    return ran && !c->moments[i].n_calls;
}

void hl_case_find_farewells(hl_case *c)
{
    enum { LEAST = 2 }; /* looks at work before them: with fewer there is nothing to judge by */
    uint32_t i = c->n_moments ? c->n_moments - 1 : 0;
    c->working = i;
    for (; i > LEAST; i--) {
        const hl_moment *m = &c->moments[i];
        if (strcmp(m->info.reason, "end") != 0 && !left_by_exit(c, i) && !m->ending &&
            !nothing_runs(c, i) && !is_falling_at_the_end(c, i))
            break;
    }
    if (i >= LEAST)
        c->working = i;
}
