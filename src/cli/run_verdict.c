/* cli/run_verdict.c: the last words of `heaplens run`.
 *
 * Room   cli; sentinel process. In two halves, so that the work is done while the interpreter
 *        still tears itself down, and the words come when it is through.
 * Standard output is the program's: everything here goes to standard error. */
#define _GNU_SOURCE
#include "cli/run.h"
#include "cli/verb.h"
#include "diagnose/diagnose.h"
#include "rt/rt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHARE_NS = 500 * 1000 * 1000 };

struct hl_verdict_job {
    hl_arena arena;
    hl_run *run;
    hl_diagnosis diagnosis;
    hl_family family; /* with --follow-children */
    bool diagnosed;
    hl_err err; /* why not */
};

hl_verdict_job *hl_verdict_prepare(const char *file, const hl_run_options *o)
{
    hl_verdict_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    hl_arena_init(&job->arena);
    if (hl_run_open(file, &job->run, &job->err))
        return job;
    if (!job->run->n_snaps) {
        hl_err_set(&job->err, HL_EMPTY, "no snapshot came to its end");
        return job;
    }
    hl_diagnose_options options = {.min_growth = o->min_growth, .memory_limit = o->memory_limit};
    job->diagnosed = !hl_diagnose(&job->run, 1, &options, &job->arena, &job->diagnosis, &job->err);
    return job;
}

static void job_destroy(hl_verdict_job *job)
{
    if (!job)
        return;
    hl_family_close(&job->family);
    hl_run_close(job->run);
    hl_arena_deinit(&job->arena);
    free(job);
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

/* What the figures above do not tell: how it ended, what observing cost, what failed, where it is.
 */
static void postscript(const hl_verdict_job *job, const hl_page *page, const hl_run_options *o,
                       int status, hl_out *out)
{
    bool gone = !page->leaving;
    uint32_t kept = job->run->n_snaps;
    if (gone && page->settled)
        hl_out_text(out, "  the program ended by a signal, or without leaving its interpreter\n");
    else if (gone)
        hl_out_text(out, "  the program was killed or died without a farewell: what it did after "
                         "the last snapshot is not seen\n");
    else if (!strcmp(page->reason, "exec"))
        hl_out_text(out, "  the program became another one (exec), which is not observed\n");
    else if (status > 255)
        hl_out_printf(out, "  the program left by signal %d\n", status - 256);
    hl_out_printf(out, "  observed in %" PRIu32 " snapshot%s", page->taken,
                  page->taken == 1 ? "" : "s");
    if (kept < page->taken)
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
        hl_out_printf(out, " (%.1f %%)", 100.0 * (double)page->ours_ns / (double)page->cpu_ns);
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

static bool reaches(const hl_diagnosis *d, int fail_on)
{
    for (uint32_t i = 0; fail_on && i < d->n_findings; i++)
        if ((int)d->findings[i].confidence >= fail_on)
            return true;
    return false;
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
        if (reaches(d, o->fail_on))
            leave_with = HL_EXIT_FINDINGS;
    } else {
        say_failure(job, page, &out);
        if (job && job->err.status == HL_EMPTY)
            unlink(page->file);
        if (o->fail_on)
            leave_with = job && job->err.status == HL_EMPTY ? HL_EXIT_NOTHING : HL_EXIT_INCOMPLETE;
    }
    (void)hl_raw_write(STDERR_FILENO, out.bytes, out.n); /* closed or full: nobody to tell */
    hl_out_deinit(&out);
    job_destroy(job);
    return leave_with;
}
