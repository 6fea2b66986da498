/* diagnose/processes.c: one verdict on all processes of a run.
 *
 * Room   diagnose; analyser process.
 * Takes  files that bear one run id, the first process's first.   Gives  hl_diagnosis with
 *        processes and shares.
 * Method every process is diagnosed as if it were alone: each has its own heap, and eight heaps
 *        added up would show the growth of whichever began last. Then findings of one fingerprint
 *        become one: the process that gained most lends its words, growth and retained are sums,
 * and what each has is a share. Rule   a process of which too little was seen to say anything says
 * nothing: a worker of a quarter of a second does not make a run undecided. The first process
 * always counts. */
#include "diagnose/diagnose.h"

#include <stdlib.h>
#include <string.h>

/* ---- findings -------------------------------------------------------------------------------- */

static hl_finding *same_bug(const hl_diagnosis *d, const hl_finding *f)
{
    for (uint32_t i = 0; i < d->n_findings; i++)
        if (!strcmp(d->findings[i].fingerprint, f->fingerprint) &&
            !strcmp(d->findings[i].cause, f->cause))
            return &d->findings[i];
    return NULL;
}

static void add_share(hl_finding *to, uint32_t process, const hl_finding *f)
{
    hl_share *s = NULL;
    for (uint32_t i = 0; i < to->n_shares; i++)
        if (to->shares[i].process == process)
            s = &to->shares[i];
    if (!s) {
        s = &to->shares[to->n_shares++];
        *s = (hl_share){.process = process, .per_second = -1};
    }
    s->objects += f->growth.objects;
    s->bytes += f->growth.bytes;
    s->retained_bytes += f->retained.bytes;
    if (f->growth.per_second >= 0)
        s->per_second = (s->per_second > 0 ? s->per_second : 0) + f->growth.per_second;
}

/* The words of whoever gained more; the sums so far, and the higher confidence. */
static void join(hl_finding *to, uint32_t process, const hl_finding *f)
{
    hl_finding sum = *to;
    bool more = f->confidence > sum.confidence ||
                (f->confidence == sum.confidence && f->growth.bytes > sum.shares[0].bytes);
    if (more)
        *to = *f;
    to->shares = sum.shares;
    to->n_shares = sum.n_shares;
    to->growth.objects = sum.growth.objects + f->growth.objects;
    to->growth.bytes = sum.growth.bytes + f->growth.bytes;
    to->growth.since_bytes = sum.growth.since_bytes + f->growth.since_bytes;
    to->retained.objects = sum.retained.objects + f->retained.objects;
    to->retained.bytes = sum.retained.bytes + f->retained.bytes;
    if (sum.growth.per_second >= 0 && f->growth.per_second >= 0)
        to->growth.per_second = sum.growth.per_second + f->growth.per_second;
    add_share(to, process, f);
    if (more) { /* shares[0] is whose words these are */
        uint32_t own = 0;
        while (to->shares[own].process != process)
            own++;
        hl_share mine = to->shares[own];
        memmove(to->shares + 1, to->shares, own * sizeof *to->shares);
        to->shares[0] = mine;
    }
}

static int by_bytes(const void *a, const void *b)
{
    const hl_share *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return (x->process > y->process) - (x->process < y->process);
}

static int by_weight(const void *a, const void *b)
{
    const hl_finding *x = a, *y = b;
    bool x_sure = x->confidence != HL_POSSIBLE, y_sure = y->confidence != HL_POSSIBLE;
    if (x_sure != y_sure)
        return x_sure ? -1 : 1;
    if (x->growth.bytes != y->growth.bytes)
        return x->growth.bytes > y->growth.bytes ? -1 : 1;
    return strcmp(x->fingerprint, y->fingerprint);
}

static bool gather_findings(const hl_diagnosis *each, uint32_t n, hl_arena *arena,
                            hl_diagnosis *out)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += each[i].n_findings;
    out->findings = total ? hl_arena_array(arena, total, sizeof *out->findings) : NULL;
    if (total && !out->findings)
        return false;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < each[i].n_findings; k++) {
            const hl_finding *f = &each[i].findings[k];
            hl_finding *known = same_bug(out, f);
            if (known) {
                join(known, i, f);
                continue;
            }
            known = &out->findings[out->n_findings++];
            *known = *f;
            known->n_shares = 0;
            known->shares = hl_arena_array(arena, n, sizeof *known->shares);
            if (!known->shares)
                return false;
            add_share(known, i, f);
        }
    for (uint32_t i = 0; i < out->n_findings; i++)
        qsort(out->findings[i].shares + 1, out->findings[i].n_shares - 1,
              sizeof *out->findings[i].shares, by_bytes);
    if (out->n_findings)
        qsort(out->findings, out->n_findings, sizeof *out->findings, by_weight);
    return true;
}

static bool gather_notes(const hl_diagnosis *each, uint32_t n, hl_arena *arena, hl_diagnosis *out)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += each[i].n_notes;
    out->notes = total ? hl_arena_array(arena, total, sizeof *out->notes) : NULL;
    if (total && !out->notes)
        return false;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < each[i].n_notes; k++) {
            bool said = false;
            for (uint32_t m = 0; m < out->n_notes && !said; m++)
                said = !strcmp(out->notes[m].text, each[i].notes[k].text);
            if (!said)
                out->notes[out->n_notes++] = each[i].notes[k];
        }
    return true;
}

/* ---- figures --------------------------------------------------------------------------------- */

static uint64_t grown(const hl_diagnosis *d)
{
    return d->observed.heap_last > d->observed.heap_first
               ? d->observed.heap_last - d->observed.heap_first
               : 0;
}

/* Sums; of times the longest, of what ends it the soonest. */
static void add_figures(const hl_diagnosis *each, uint32_t n, hl_diagnosis *out)
{
    double explained = 0, growth = 0;
    out->target = each[0].target;
    out->observed = each[0].observed;
    for (uint32_t i = 0; i < n; i++) {
        if (each[i].observed.growth_explained >= 0) {
            explained += each[i].observed.growth_explained * (double)grown(&each[i]);
            growth += (double)grown(&each[i]);
        }
        if (!i)
            continue;
        const hl_diagnosis *d = &each[i];
        out->observed.snapshots += d->observed.snapshots;
        out->observed.snapshots_torn += d->observed.snapshots_torn;
        out->observed.rss_first += d->observed.rss_first;
        out->observed.rss_last += d->observed.rss_last;
        out->observed.heap_first += d->observed.heap_first;
        out->observed.heap_last += d->observed.heap_last;
        out->observed.heap_peak += d->observed.heap_peak;
        out->observed.objects_first += d->observed.objects_first;
        out->observed.objects_last += d->observed.objects_last;
        out->observed.objects_skipped += d->observed.objects_skipped;
        out->observed.samples_dropped += d->observed.samples_dropped;
        out->observed.bytes_damaged += d->observed.bytes_damaged;
        if (d->observed.seconds > out->observed.seconds)
            out->observed.seconds = d->observed.seconds;
        if (d->observed.rounds >= 0)
            out->observed.rounds =
                (out->observed.rounds > 0 ? out->observed.rounds : 0) + d->observed.rounds;
        double left = d->observed.seconds_to_limit, least = out->observed.seconds_to_limit;
        if (left >= 0 && (least < 0 || left < least))
            out->observed.seconds_to_limit = left;
    }
    out->observed.growth_explained = growth > 0 ? explained / growth : -1;
}

static bool list_processes(const hl_diagnosis *each, const hl_run *const *runs, uint32_t n,
                           hl_arena *arena, hl_diagnosis *out)
{
    out->processes = hl_arena_array(arena, n, sizeof *out->processes);
    if (!out->processes)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const hl_diagnosis *d = &each[i];
        out->processes[i] = (hl_process){
            .pid = d->target.pid,
            .parent = runs ? runs[i]->parent_pid : 0,
            .program = d->target.program,
            .python = d->target.python,
            .file = d->target.file,
            .verdict = d->verdict,
            .judged = !i || d->n_findings || d->verdict != HL_UNDECIDED,
            .snapshots = d->observed.snapshots,
            .seconds = d->observed.seconds,
            .exit = d->target.exit,
            .running = d->target.exit >= 0 ? 0 : -1,
        };
    }
    out->n_processes = n;
    return true;
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static void decide(const hl_diagnosis *each, uint32_t n, hl_arena *arena, hl_diagnosis *out)
{
    uint32_t undecided = 0, first = n;
    out->verdict = HL_NO_LEAK;
    for (uint32_t i = 0; i < n; i++) {
        if (each[i].verdict > out->verdict && out->processes[i].judged)
            out->verdict = each[i].verdict;
        if (each[i].verdict == HL_UNDECIDED && out->processes[i].judged && !undecided++)
            first = i;
    }
    for (uint32_t i = 0; i < out->n_findings; i++)
        if (out->findings[i].confidence != HL_POSSIBLE)
            out->verdict = HL_LEAK;
    out->why = out->view = NULL;
    if (out->verdict == HL_UNDECIDED && first < n) {
        out->view = each[first].view;
        out->why = undecided > 1 ? hl_arena_printf(arena, "in %u of %u processes %s", undecided, n,
                                                   each[first].why ? each[first].why : "")
                                 : each[first].why;
    } else if (out->verdict == HL_NO_LEAK) {
        out->why = each[0].why;
    }
    for (uint32_t i = 1; i < n && out->verdict == HL_NO_LEAK; i++)
        if (out->why && each[i].why && out->processes[i].judged && strcmp(out->why, each[i].why)) {
            out->why = "nothing grew that matters, in none of the processes";
            break;
        }
}

_Static_assert((int)HL_NO_LEAK < (int)HL_UNDECIDED && (int)HL_UNDECIDED < (int)HL_LEAK,
               "the worst verdict is the highest");

hl_status hl_diagnosis_merge(const hl_diagnosis *each, const hl_run *const *runs, uint32_t n,
                             hl_arena *arena, hl_diagnosis *out, hl_err *err)
{
    *out = (hl_diagnosis){0};
    if (!n)
        return hl_err_set(err, HL_EMPTY, "no process to diagnose");
    if (n == 1) {
        *out = each[0];
        return HL_OK;
    }
    add_figures(each, n, out);
    if (!list_processes(each, runs, n, arena, out) || !gather_findings(each, n, arena, out) ||
        !gather_notes(each, n, arena, out))
        return hl_err_set(err, HL_NO_MEMORY, "no memory to put %u processes together", n);
    decide(each, n, arena, out);
    return HL_OK;
}

hl_status hl_diagnose_processes(hl_run *const *runs, uint32_t n, const hl_diagnose_options *options,
                                hl_arena *arena, hl_diagnosis *out, uint32_t *n_done, hl_err *err)
{
    hl_diagnosis *each = hl_arena_array(arena, n, sizeof *each);
    const hl_run **whose = hl_arena_array(arena, n, sizeof *whose);
    hl_err failed = {.status = HL_OK};
    uint32_t done = 0;
    if (n && (!each || !whose))
        return hl_err_set(err, HL_NO_MEMORY, "no memory to diagnose %u processes", n);
    for (uint32_t i = 0; i < n; i++)
        if (!hl_diagnose(&runs[i], 1, options, arena, &each[done], err))
            whose[done++] = runs[i];
        else if (!failed.status)
            failed = *err;
    *n_done = done;
    if (!done && failed.status) {
        *err = failed;
        return err->status;
    }
    if (hl_diagnosis_merge(each, whose, done, arena, out, err))
        return err->status;
    *err = failed;
    return HL_OK;
}
