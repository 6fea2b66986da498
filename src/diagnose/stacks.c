/* diagnose/stacks.c: what was allocated by whom, as plain data for `export`.
 *
 * Room   diagnose; analyser process. Needs allocations that were followed; no graph.
 * Takes  runs, the moment asked for of each.   Gives  hl_stacks in the caller's arena. */
#define _GNU_SOURCE
#include "diagnose/case.h"
#include "diagnose/view_parts.h"

#include <stdlib.h>
#include <string.h>

static hl_status check_measure(const hl_view_query *q, const hl_snap *s, hl_err *err)
{
    if (s->info.tracking.live_only && q->measure != HL_LIVE)
        return hl_err_set(err, HL_EMPTY,
                          "a snapshot of tracemalloc tells what lives, and nothing of what there "
                          "was before: record with 'heaplens run --exact'");
    if (!hl_tracking_tells_all(&s->info.tracking) &&
        (q->measure == HL_PEAK || q->measure == HL_TEMPORARY))
        return hl_err_set(err, HL_EMPTY,
                          "these samples do not tell what was there at the high-water mark, nor "
                          "what was soon freed: record anew, or with 'heaplens run --exact'");
    if (q->measure != HL_TEMPORARY || q->within <= 1 || q->within <= s->info.tracking.within)
        return HL_OK;
    return hl_err_set(err, HL_EMPTY,
                      s->info.tracking.mode == HL_FOLLOWED_SAMPLED
                          ? "samples tell only what was freed before the thread allocated again: "
                            "record with 'heaplens run --temporary' for what went within %u "
                            "allocations"
                          : "this recording tells only what was freed before the thread "
                            "allocated again: record with 'heaplens run --temporary' for what "
                            "went within %u allocations",
                      q->within);
}

/* What went within the window that is asked for is temporary, too. */
static void widen(hl_snap *s, uint32_t within)
{
    for (uint32_t i = 0; i < s->n_sites; i++)
        for (unsigned k = 0; k < HL_WINDOWS && 2u << k <= within; k++) {
            s->sites[i].brief.blocks += s->sites[i].within[k].blocks;
            s->sites[i].brief.bytes += s->sites[i].within[k].bytes;
        }
}

hl_status hl_view_allocated(const hl_view_query *q, bool with_made, hl_site_pool *pool,
                            hl_snap *out, uint32_t *n_without, hl_err *err)
{
    *n_without = 0;
    for (uint32_t r = 0; r < q->n_runs; r++) {
        hl_view_query one = *q;
        hl_view_moment at;
        hl_snap *s;
        one.runs = &q->runs[r];
        one.n_runs = 1;
        if (hl_view_moment_asked(&one, &at, err))
            return err->status;
        if (at.run->snaps[at.index].tracking.mode == HL_FOLLOWED_NOT) {
            ++*n_without;
            continue;
        }
        if (with_made ? hl_snap_load(at.run, at.index, &s, err)
                      : hl_snap_load_parts(at.run, at.index, HL_PART_SITES, &s, err))
            return err->status;
        hl_status status = hl_site_pool_add(pool, s, q->n_runs > 1 ? at.run->pid : 0, err);
        hl_snap_destroy(s);
        if (status)
            return status;
    }
    if (*n_without == q->n_runs)
        return hl_err_set(
            err, HL_EMPTY,
            "no allocation was followed in %s: record one with 'heaplens run --exact'",
            q->n_runs == 1 ? "this recording" : "these recordings");
    if (hl_site_pool_sum(pool, out, err) || check_measure(q, out, err))
        return err->status;
    widen(out, q->within);
    return HL_OK;
}

/* ---- as plain data ---------------------------------------------------------------------------- */

static const char *copy(hl_arena *arena, const char *s)
{
    return hl_arena_copy(arena, s, strlen(s));
}

static const char *thread_name(const hl_snap *s, const char *const *names, uint32_t thread)
{
    return thread ? names[s->threads[thread - 1].name] : "";
}

static int most_first(const void *a, const void *b, void *measure)
{
    const hl_stack_row *x = a, *y = b;
    hl_measure m = *(const hl_measure *)measure;
    if (x->of[m].bytes != y->of[m].bytes)
        return x->of[m].bytes > y->of[m].bytes ? -1 : 1;
    if (x->stack != y->stack)
        return x->stack < y->stack ? -1 : 1;
    int threads = strcmp(x->thread, y->thread);
    return threads ? threads : strcmp(x->domain, y->domain);
}

/* s: a pool's sum. */
static hl_status fill(const hl_snap *s, hl_arena *arena, hl_stacks *out, hl_err *err)
{
    static const char *const domains[HL_BLOCK_DOMAINS] = {"raw", "mem", "obj", "native"};
    const char **names = hl_arena_array(arena, s->n_names, sizeof *names);
    out->frames = hl_arena_array(arena, s->n_frames, sizeof *out->frames);
    out->stacks = hl_arena_array(arena, s->n_stacks, sizeof *out->stacks);
    out->rows = hl_arena_array(arena, s->n_sites, sizeof *out->rows);
    bool whole = names && out->frames && out->stacks && out->rows;
    for (uint32_t i = 0; whole && i < s->n_names; i++)
        whole = (names[i] = copy(arena, s->names[i])) != NULL;
    if (!whole)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u stacks", s->n_stacks);
    for (uint32_t i = 0; i < s->n_frames; i++) {
        const hl_snap_frame *f = &s->frames[i];
        out->frames[i] = (hl_stack_frame){.function = names[f->function],
                                          .file = names[f->file],
                                          .name = hl_file_name(names[f->file]),
                                          .first_line = f->first_line,
                                          .line = f->line};
    }
    for (uint32_t i = 0; i < s->n_stacks; i++)
        out->stacks[i] = (hl_stack){s->stacks[i].caller, s->stacks[i].frame};
    for (uint32_t i = 0; i < s->n_sites; i++) {
        const hl_snap_site *x = &s->sites[i];
        const hl_amount *of[HL_MEASURES] = {&x->live, &x->peak, &x->all, &x->brief};
        hl_stack_row *row = &out->rows[i];
        *row = (hl_stack_row){.stack = x->stack,
                              .thread = thread_name(s, names, x->thread),
                              .domain = domains[x->domain],
                              .live_error = x->error};
        for (unsigned k = 0; k < HL_MEASURES; k++) {
            row->of[k].blocks = of[k]->blocks;
            row->of[k].bytes = of[k]->bytes;
        }
    }
    out->n_frames = s->n_frames;
    out->n_stacks = s->n_stacks;
    out->n_rows = s->n_sites;
    if (s->n_sites)
        qsort_r(out->rows, s->n_sites, sizeof *out->rows, most_first, &out->measure);
    return HL_OK;
}

hl_status hl_view_stacks(const hl_view_query *q, hl_arena *arena, hl_stacks *out, hl_err *err)
{
    hl_arena scratch;
    hl_site_pool *pool;
    hl_snap sum;
    uint32_t without;
    hl_stacks got = {.measure = q->measure};
    hl_arena_init(&scratch);
    err->status = HL_OK;
    if (!hl_site_pool_create(&scratch, &pool, err) &&
        !hl_view_allocated(q, false, pool, &sum, &without, err) && !fill(&sum, arena, &got, err)) {
        const hl_tracking *t = &sum.info.tracking;
        const hl_run *first = q->runs[0];
        got.program = copy(arena, *first->program ? first->program : sum.info.program);
        got.python = copy(arena, *first->python ? first->python : sum.info.python);
        got.files = q->n_runs - without;
        got.sampled = t->mode == HL_FOLLOWED_SAMPLED;
        got.tells_all = hl_tracking_tells_all(t);
        got.live_only = t->live_only;
        got.rate = got.sampled ? t->rate : 1;
        got.dropped = t->dropped;
        got.time_us = first->started_us ? first->started_us + sum.info.time_us : 0;
        got.duration_us = sum.info.time_us > t->since_us ? sum.info.time_us - t->since_us : 0;
        *out = got;
    }
    hl_arena_deinit(&scratch);
    return err->status;
}
