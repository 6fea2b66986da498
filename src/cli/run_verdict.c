/* cli/run_verdict.c: the last words of `heaplens run`.
 *
 * Room   cli; sentinel process. In three parts: what has been recorded is observed while the program
 *        runs, the rest is judged while the interpreter tears itself down, and the words come when it
 *        is through, so that little is left to be waited for.
 * Standard output is the program's: everything here goes to standard error. */
#define _GNU_SOURCE
#include "cli/run.h"
#include "cli/verb.h"
#include "diagnose/diagnose.h"
#include "rt/rt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHARE_NS = 500 * 1000 * 1000,
    LITTLE_BYTES = 24 * 1024 * 1024,
    EARLY_BYTES = 256 * 1024 * 1024, /* a bigger program's heap may wait until it has ended ... */
    AS_WALK = 5,                     /* times the walk's own memory: what observing takes, about */
    SHARE = 10,                      /* ... unless that is no more than a tenth of the program's */
    SPARE_SHARE = 8,                 /* or an eighth of what is to spare */
};

struct hl_verdict_job {
    hl_arena arena;
    hl_run *run;     /* the file as it was opened last; owned, as ... */
    hl_run **before; /* ... those whose snapshots were observed, as they were then */
    uint32_t n_before, room;
    hl_diagnosing *steps;
    uint32_t n_seen; /* snapshots observed: the first of run */
    bool late;       /* what follows is observed at the end */
    uint64_t keep;   /* bytes that nothing is in may be kept for the next look */
    hl_diagnosis diagnosis;
    hl_family family; /* with --follow-children */
    bool diagnosed;
    hl_err err; /* why not */
};

/* Also gives up the files: one that was replaced takes room as long as somebody has it. */
static void forget(hl_verdict_job *job)
{
    hl_diagnosing_destroy(job->steps);
    for (uint32_t i = 0; i < job->n_before; i++)
        hl_run_close(job->before[i]);
    hl_run_close(job->run);
    job->steps = NULL;
    job->run = NULL;
    job->n_before = job->n_seen = 0;
}

static hl_status begin_steps(hl_verdict_job *job, const hl_run_options *o)
{
    hl_diagnose_options options = {.min_growth = o->min_growth, .memory_limit = o->memory_limit};
    return hl_diagnosing_create(&options, &job->arena, &job->steps, &job->err);
}

hl_verdict_job *hl_verdict_begin(const hl_run_options *o)
{
    hl_verdict_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    hl_arena_init(&job->arena);
    job->keep = LITTLE_BYTES;
    job->late = begin_steps(job, o) != HL_OK;
    return job;
}

/* What was observed may lie in the run of before. */
static hl_status keep_before(hl_verdict_job *job)
{
    enum { FIRST = 64 };
    if (job->n_before == job->room) {
        uint32_t room = job->room ? 2 * job->room : FIRST;
        hl_run **more = hl_arena_array(&job->arena, room, sizeof *more);
        if (!more)
            return hl_err_set(&job->err, HL_NO_MEMORY, "no memory for a list of files");
        if (job->n_before)
            memcpy(more, job->before, job->n_before * sizeof *more);
        job->before = more;
        job->room = room;
    }
    if (job->run)
        job->before[job->n_before++] = job->run;
    job->run = NULL;
    return HL_OK;
}

/* Opens the file anew. False: it cannot be read, or what was observed are no longer the first
 * snapshots of it, since some have made place for others. */
static bool go_on(hl_verdict_job *job, const char *file)
{
    hl_run *run;
    if (hl_run_open(file, &run, &job->err))
        return false;
    bool same = run->n_snaps >= job->n_seen;
    for (uint32_t i = 0; same && i < job->n_seen; i++)
        same = run->snaps[i].stream == job->run->snaps[i].stream;
    if (!same || keep_before(job)) {
        hl_run_close(run);
        return false;
    }
    job->run = run;
    return true;
}

static hl_status observe_next(hl_verdict_job *job)
{
    return hl_diagnosing_observe(job->steps, job->run, job->n_seen++, &job->err);
}

void hl_verdict_replaced(hl_verdict_job *job)
{
    forget(job);
    job->late = true;
}

/* Many objects in a program that leaves little memory to others: at its end it is given back first.
 * (A few long lists of numbers may be gigabytes and are soon observed.) */
static bool may_wait(hl_verdict_job *job, const hl_snap_info *s, const hl_page *page)
{
    if (s->rss_bytes <= EARLY_BYTES)
        return false;
    uint64_t takes = s->child_bytes * AS_WALK;
    uint64_t spare = hl_memory_spare(page->limit_bytes, s->rss_bytes) / SPARE_SHARE;
    hl_diagnosing_afford(job->steps, spare);
    job->keep = spare > LITTLE_BYTES ? spare : LITTLE_BYTES;
    return takes > s->rss_bytes / SHARE && takes > spare;
}

void hl_verdict_watch(hl_verdict_job *job, const hl_page *page)
{
    bool fails = job->late || !go_on(job, page->file);
    while (!fails && !job->late && job->n_seen < job->run->n_snaps) {
        job->late = may_wait(job, &job->run->snaps[job->n_seen], page);
        if (job->late)
            hl_diagnosing_rest(job->steps);
        fails = !job->late && observe_next(job);
    }
    fails = fails || (!job->late && hl_diagnosing_ahead(job->steps, &job->err));
    if (fails && !job->late)
        hl_verdict_replaced(job);
    hl_arena_spare(job->keep);
}

void hl_verdict_prepare(hl_verdict_job *job, const hl_page *page, const hl_run_options *o)
{
    job->err = (hl_err){.status = HL_OK};
    if (!job->steps || !go_on(job, page->file)) {
        forget(job);
        if (begin_steps(job, o) || !go_on(job, page->file))
            return;
    }
    if (!job->run->n_snaps) {
        hl_err_set(&job->err, HL_EMPTY, "%s",
                   page->failed || job->run->n_torn
                       ? "no snapshot came to its end"
                       : "the program was over before the first snapshot");
        return;
    }
    const hl_snap_info *last = &job->run->snaps[job->run->n_snaps - 1];
    (void)may_wait(job, last, page); /* it does no longer, but what can be afforded is asked */
    while (job->n_seen < job->run->n_snaps)
        if (observe_next(job))
            return;
    job->diagnosed = !hl_diagnosing_judge(job->steps, job->run, &job->diagnosis, &job->err);
}

static void milliseconds(hl_out *out, uint64_t ns)
{
    hl_out_printf(out, ns < 10000000 ? "%.1f ms" : "%.0f ms", (double)ns / 1e6);
}

/* "out/app-4242.hlens and 8 more   all: heaplens diagnose out/app-*.hlens" */
static void family_files(const hl_verdict_job *job, const hl_run_options *o, hl_out *out)
{
    const hl_family *f = &job->family;
    size_t common = f->pattern ? strcspn(f->pattern, "*") : 0;
    bool is_like = common && !strncmp(o->output, f->pattern, common);
    hl_out_printf(out, " and %" PRIu32 " more", f->n);
    if (f->left)
        hl_out_printf(out, ", %" PRIu32 " of them not judged yet", f->left);
    hl_out_text(out, "   all: heaplens diagnose ");
    if (!is_like) {
        hl_out_safe(out, o->output, 0);
        hl_out_text(out, " ");
    }
    hl_out_safe(out, f->pattern ? f->pattern : "", 0);
    hl_out_text(out, "\n");
}

static void unseen_processes(uint32_t forked, uint32_t started, hl_out *out)
{
    hl_out_text(out, "  not seen: what ");
    if (forked)
        hl_out_printf(out, "%" PRIu32 " process%s did that it forked%s", forked,
                      forked == 1 ? "" : "es", started ? ", and " : "");
    if (started)
        hl_out_printf(out, "%" PRIu32 " Python process%s %sthat it started", started,
                      started == 1 ? "" : "es", forked ? "" : "did ");
    hl_out_text(out, "; --follow-children looks at them, too\n");
}

/* What the figures above do not tell: how it ended, what observing cost, what failed, where it is.
 */
static void postscript(const hl_verdict_job *job, const hl_page *page, const hl_run_options *o,
                       int status, hl_out *out)
{
    bool gone = !page->leaving;
    uint32_t kept = job->run->n_snaps;
    uint32_t taken =
        page->taken > kept ? page->taken : kept; /* who takes one is killed before it counts */
    if (gone && page->settled)
        hl_out_text(out, "  the program ended by a signal, or without leaving its interpreter\n");
    else if (gone)
        hl_out_text(out, "  the program was killed or died without a farewell: what it did after "
                         "the last snapshot is not seen\n");
    else if (!strcmp(page->reason, "exec"))
        hl_out_text(out, "  the program became another one (exec), which is not observed\n");
    else if (status > 255)
        hl_out_printf(out, "  the program left by signal %d\n", status - 256);
    hl_out_printf(out, "  observed in %" PRIu32 " snapshot%s", taken, taken == 1 ? "" : "s");
    if (kept < taken)
        hl_out_printf(out, " (%" PRIu32 " kept)", kept);
    hl_out_text(out, ": ");
    milliseconds(out, page->pause_ns);
    hl_out_text(out, " of pause");
    if (page->fault_ns) {
        hl_out_text(out, ", about ");
        milliseconds(out, page->fault_ns);
        hl_out_text(out, " of copied pages");
    }
    if (page->ours_ns) {
        hl_out_text(out, ", ");
        milliseconds(out, page->ours_ns);
        hl_out_text(out, " of CPU");
    }
    if (page->cpu_ns >= SHARE_NS) /* of next to nothing any share is big */
        hl_out_printf(out, " (%.1f %% of the program's)",
                      100.0 * (double)page->ours_ns / (double)page->cpu_ns);
    hl_out_text(out, "\n");
    if (page->round_of[0] && !page->rounds) {
        hl_out_text(out, "  not seen: no round: no function ");
        hl_out_safe(out, page->round_of, 0);
        hl_out_text(out,
                    " returned (a name as its __qualname__ is; with MODULE: before it, where it "
                    "is not the program's own)\n");
    }
    if (page->missed) {
        hl_out_printf(out, "  not seen: %" PRIu32 " process%s that it started: ", page->missed,
                      page->missed == 1 ? "" : "es");
        hl_out_safe(out, page->missed_why, 0);
        hl_out_text(out, "\n");
    }
    if (page->forked || (page->started && strcmp(page->reason, "exec") != 0))
        unseen_processes(page->forked, page->started, out);
    if (page->failed) {
        hl_out_printf(out, "  not seen: %" PRIu32 " snapshot%s failed: ", page->failed,
                      page->failed == 1 ? "" : "s");
        hl_out_safe(out, page->failure, 0);
        hl_out_text(out, "\n");
    }
    hl_out_text(out, "  recording: ");
    hl_out_safe(out, o->output, 0);
    if (page->recorded)
        family_files(job, o, out);
    else {
        hl_out_text(out, "   more: heaplens show ");
        hl_out_safe(out, o->output, 0);
        hl_out_text(out, " --view retained\n");
    }
}

static void say_failure(const hl_verdict_job *job, const hl_page *page, hl_out *out)
{
    const char *why = job ? job->err.text : "no memory for it";
    hl_out_text(out, "heaplens: no verdict: ");
    hl_out_safe(out, why, 0);
    if (page->failed) {
        hl_out_text(out, ": ");
        hl_out_safe(out, page->failure, 0);
    }
    hl_out_text(out, "\n");
}

int hl_verdict_say(hl_verdict_job *job, const hl_page *page, const hl_run_options *o, int exit)
{
    hl_out out = {.n = 0};
    int leave_with = -1;
    if (job && job->diagnosed) {
        hl_diagnosis *d = &job->diagnosis;
        d->target.exit = exit;
        d->target.file = o->output;
        d->observed.snapshots_torn += job->run->n_torn;
        if (page->follow)
            hl_family_join(&job->family, page, job->run, o, &job->arena, d);
        d->observed.cost_seconds = (double)(page->pause_ns + page->fault_ns) / 1e9;
        if (o->json) {
            hl_report_json(d, &out);
        } else if (!o->quiet || d->verdict == HL_LEAK) {
            hl_report_text(d, &o->style, &out);
            if (!o->quiet)
                postscript(job, page, o, exit, &out);
        }
        if (hl_diagnosis_reaches(d, o->fail_on))
            leave_with = HL_EXIT_FINDINGS;
    } else {
        say_failure(job, page, &out);
        if (o->fail_on)
            leave_with = job && job->err.status == HL_EMPTY ? HL_EXIT_NOTHING : HL_EXIT_INCOMPLETE;
    }
    (void)hl_raw_write(STDERR_FILENO, out.bytes, out.n); /* closed or full: nobody to tell */
    hl_out_deinit(&out);
    return leave_with;
}
