/* report/diagnosis_json.c: a diagnosis for programs: schema heaplens.diagnosis/1.
 *
 * Room   report; analyser process.
 * Rule   every key is always there; what is not known is null. docs/diagnosis.md and
 *        docs/schema/diagnosis-1.json describe it, and a test holds them against this file. */
#define _GNU_SOURCE
#include "report/writer.h"

#include <stdio.h>
#include <time.h>

enum { SIGNALLED = 256, UNFOLDED = 3 };

static const char *text_or_null(const char *s)
{
    return s && *s ? s : NULL;
}

/* Negative: unknown. */
static void put_known(hl_json *j, const char *key, double value)
{
    hl_json_key(j, key);
    if (value < 0)
        hl_json_null(j);
    else
        hl_json_double(j, value);
}

static void put_pair(hl_json *j, const char *key, bool known, uint64_t first, uint64_t last)
{
    hl_json_key(j, key);
    if (!known) {
        hl_json_null(j);
        return;
    }
    unsigned lines = j->lines;
    j->lines = 0;
    hl_json_open(j, '[');
    hl_json_uint(j, first);
    hl_json_uint(j, last);
    hl_json_close(j, ']');
    j->lines = lines;
}

static void put_time(hl_json *j, const char *key, uint64_t us)
{
    hl_json_key(j, key);
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    char text[48], whole[64];
    if (!us || !gmtime_r(&seconds, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm)) {
        hl_json_null(j);
        return;
    }
    snprintf(whole, sizeof whole, "%s.%06uZ", text, (unsigned)(us % 1000000));
    hl_json_text(j, whole);
}

static void put_number(hl_json *j, const char *key, uint32_t value)
{
    hl_json_key(j, key);
    if (value)
        hl_json_uint(j, value);
    else
        hl_json_null(j);
}

static void put_exit(hl_json *j, int exit)
{
    hl_json_key(j, "exit");
    if (exit < 0)
        hl_json_null(j);
    else if (exit >= SIGNALLED) /* as Python's subprocess says it */
        hl_json_int(j, SIGNALLED - (int64_t)exit);
    else
        hl_json_int(j, exit);
}

static void put_target(hl_json *j, const hl_diagnosis *d)
{
    hl_json_key(j, "target");
    hl_json_open(j, '{');
    put_number(j, "pid", d->target.pid);
    hl_json_put_text(j, "python", text_or_null(d->target.python));
    hl_json_put_text(j, "program", text_or_null(d->target.program));
    put_time(j, "started", d->target.started_us);
    put_exit(j, d->target.exit);
    hl_json_close(j, '}');
}

static void put_observed(hl_json *j, const hl_diagnosis *d)
{
    bool known = d->observed.snapshots > 0;
    hl_json_key(j, "observed");
    hl_json_open(j, '{');
    hl_json_put_uint(j, "snapshots", d->observed.snapshots);
    hl_json_put_uint(j, "snapshots_torn", d->observed.snapshots_torn);
    put_known(j, "seconds", d->observed.seconds);
    hl_json_key(j, "rounds");
    if (d->observed.rounds < 0)
        hl_json_null(j);
    else
        hl_json_int(j, d->observed.rounds);
    put_pair(j, "rss_bytes", known && d->observed.rss_last, d->observed.rss_first,
             d->observed.rss_last);
    put_pair(j, "heap_bytes", known, d->observed.heap_first, d->observed.heap_last);
    put_pair(j, "objects", known, d->observed.objects_first, d->observed.objects_last);
    hl_json_put_uint(j, "objects_skipped", d->observed.objects_skipped);
    hl_json_put_uint(j, "samples_dropped", d->observed.samples_dropped);
    put_known(j, "growth_explained", d->observed.growth_explained);
    hl_json_key(j, "limit_bytes");
    if (d->observed.limit_bytes)
        hl_json_uint(j, d->observed.limit_bytes);
    else
        hl_json_null(j);
    put_known(j, "seconds_to_limit", d->observed.seconds_to_limit);
    hl_json_close(j, '}');
}

static void put_path(hl_json *j, const hl_finding *f)
{
    hl_json_key(j, "path");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < f->n_path; i++) {
        hl_json_open(j, '{');
        hl_json_put_text(j, "edge", f->path[i].edge);
        hl_json_put_text(j, "type", f->path[i].type);
        hl_json_put_text(j, "name", text_or_null(f->path[i].name));
        hl_json_key(j, "guilty");
        hl_json_bool(j, f->path[i].guilty);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
}

static void put_place(hl_json *j, const char *file, uint32_t line, const char *function)
{
    hl_json_put_text(j, "file", file);
    hl_json_put_uint(j, "line", line);
    hl_json_put_text(j, "function", function);
}

static void put_native(hl_json *j, const hl_finding *f)
{
    hl_json_key(j, "native");
    if (!f->n_native) {
        hl_json_null(j);
        return;
    }
    hl_json_open(j, '{');
    put_known(j, "blocks_per_round", f->native_blocks);
    hl_json_key(j, "stack");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < f->n_native; i++) {
        const hl_native_frame *k = &f->native[i];
        hl_json_open(j, '{');
        hl_json_put_text(j, "function", k->function);
        hl_json_put_text(j, "file", k->file);
        hl_json_put_uint(j, "line", k->line);
        hl_json_put_text(j, "library", k->library);
        hl_json_put_text(j, "build_id", k->build_id);
        hl_json_put_uint(j, "address", k->address);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
    hl_json_close(j, '}');
}

static void put_reach(hl_json *j, const hl_finding *f)
{
    hl_json_key(j, "reach");
    if (!f->reach.state) {
        hl_json_null(j);
        return;
    }
    hl_json_open(j, '{');
    hl_json_put_text(j, "state", f->reach.state);
    hl_json_put_text(j, "type", f->reach.type);
    hl_json_put_uint(j, "lost", f->reach.lost);
    hl_json_put_uint(j, "kept", f->reach.kept);
    hl_json_key(j, "by");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < f->reach.n_by; i++) {
        const hl_held_by *by = &f->reach.by[i];
        hl_json_open(j, '{');
        hl_json_put_text(j, "kind", by->kind);
        hl_json_put_text(j, "label", by->label);
        hl_json_put_text(j, "library", by->library);
        hl_json_put_text(j, "symbol", by->symbol);
        hl_json_put_text(j, "type", by->type);
        hl_json_put_uint(j, "blocks", by->blocks);
        hl_json_put_uint(j, "bytes", by->bytes);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
    hl_json_close(j, '}');
}

static void put_sites(hl_json *j, const hl_finding *f)
{
    hl_json_key(j, "allocated_at");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < f->n_allocated_at; i++) {
        const hl_site *s = &f->allocated_at[i];
        hl_json_open(j, '{');
        put_place(j, s->file, s->line, s->function);
        hl_json_key(j, "inside");
        if (s->inside.file) {
            hl_json_open(j, '{');
            put_place(j, s->inside.file, s->inside.line, s->inside.function);
            hl_json_close(j, '}');
        } else {
            hl_json_null(j);
        }
        hl_json_put_uint(j, "objects", s->objects);
        hl_json_put_uint(j, "bytes", s->bytes);
        hl_json_key(j, "estimated");
        hl_json_bool(j, s->estimated);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
}

/* Where it is: of a diagnosis of one process, in that one. */
static void put_shares(hl_json *j, const hl_diagnosis *d, const hl_finding *f)
{
    hl_share own = {.objects = f->growth.objects,
                    .bytes = f->growth.bytes,
                    .retained_bytes = f->retained.bytes,
                    .per_second = f->growth.per_second};
    const hl_share *shares = f->n_shares ? f->shares : &own;
    uint32_t n = f->n_shares ? f->n_shares : 1;
    hl_json_key(j, "processes");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < n; i++) {
        hl_json_open(j, '{');
        put_number(j, "pid", f->n_shares ? d->processes[shares[i].process].pid : d->target.pid);
        hl_json_put_uint(j, "objects", shares[i].objects);
        hl_json_put_uint(j, "bytes", shares[i].bytes);
        hl_json_put_uint(j, "retained_bytes", shares[i].retained_bytes);
        put_known(j, "per_second", shares[i].per_second);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
}

static void put_processes(hl_json *j, const hl_diagnosis *d, const char *const verdict[])
{
    hl_process own = {.pid = d->target.pid,
                      .program = d->target.program,
                      .python = d->target.python,
                      .file = d->target.file,
                      .verdict = d->verdict,
                      .judged = true,
                      .snapshots = d->observed.snapshots,
                      .seconds = d->observed.seconds,
                      .exit = d->target.exit,
                      .running = d->target.exit >= 0 ? 0 : -1};
    const hl_process *all = d->n_processes ? d->processes : &own;
    uint32_t n = d->n_processes ? d->n_processes : 1;
    hl_json_key(j, "processes");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < n; i++) {
        const hl_process *p = &all[i];
        hl_json_open(j, '{');
        put_number(j, "pid", p->pid);
        put_number(j, "parent", p->parent);
        hl_json_put_text(j, "program", text_or_null(p->program));
        hl_json_put_text(j, "python", text_or_null(p->python));
        hl_json_put_text(j, "file", text_or_null(p->file));
        put_exit(j, p->exit);
        hl_json_key(j, "running");
        if (p->running < 0)
            hl_json_null(j);
        else
            hl_json_bool(j, p->running > 0);
        hl_json_put_text(j, "verdict", p->judged ? verdict[p->verdict] : NULL);
        hl_json_put_uint(j, "snapshots", p->snapshots);
        put_known(j, "seconds", p->seconds);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
}

/* Of an audit: what else each call leaves. */
static void put_resources(hl_json *j, const hl_diagnosis *d)
{
    hl_json_key(j, "resources");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < d->n_resources; i++) {
        const hl_resource_course *r = &d->resources[i];
        hl_json_open(j, '{');
        hl_json_put_text(j, "name", r->name);
        hl_json_put_uint(j, "first", r->first);
        hl_json_put_uint(j, "last", r->last);
        hl_json_key(j, "least_per_call");
        hl_json_double(j, r->least);
        hl_json_key(j, "most_per_call");
        hl_json_double(j, r->most);
        hl_json_key(j, "grows");
        hl_json_bool(j, r->grows);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
}

static void put_finding(hl_json *j, const hl_diagnosis *d, const hl_finding *f)
{
    static const char *const confidence[] = {
        [HL_POSSIBLE] = "possible", [HL_STRONG] = "strong", [HL_CERTAIN] = "certain"};
    hl_json_open(j, '{');
    hl_json_put_text(j, "cause", f->cause);
    hl_json_put_text(j, "confidence", confidence[f->confidence]);
    hl_json_put_text(j, "fingerprint", f->fingerprint);
    hl_json_put_text(j, "title", f->title ? f->title : "");
    hl_json_key(j, "holder");
    hl_json_open(j, '{');
    hl_json_put_text(j, "name", text_or_null(f->holder.name));
    hl_json_put_text(j, "kind", f->holder.kind && *f->holder.kind ? f->holder.kind : "none");
    hl_json_put_text(j, "type", text_or_null(f->holder.type));
    hl_json_close(j, '}');
    put_path(j, f);
    hl_json_key(j, "growth");
    hl_json_open(j, '{');
    hl_json_put_uint(j, "objects", f->growth.objects);
    hl_json_put_uint(j, "bytes", f->growth.bytes);
    put_known(j, "per_second", f->growth.per_second);
    put_known(j, "per_round", f->growth.per_round);
    put_known(j, "bytes_per_round", f->growth.bytes_per_round);
    hl_json_close(j, '}');
    hl_json_key(j, "retained");
    hl_json_open(j, '{');
    hl_json_put_uint(j, "objects", f->retained.objects);
    hl_json_put_uint(j, "bytes", f->retained.bytes);
    hl_json_close(j, '}');
    put_sites(j, f);
    put_native(j, f);
    put_reach(j, f);
    hl_json_key(j, "evidence");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < f->n_evidence; i++)
        hl_json_text(j, f->evidence[i]);
    hl_json_close(j, ']');
    hl_json_put_text(j, "fix", f->fix ? f->fix : "");
    hl_json_put_text(j, "known", f->known ? f->known->id : NULL);
    put_shares(j, d, f);
    hl_json_close(j, '}');
}

void hl_report_json(const hl_diagnosis *d, hl_out *out)
{
    static const char *const verdict[] = {
        [HL_NO_LEAK] = "no-leak", [HL_UNDECIDED] = "undecided", [HL_LEAK] = "leak"};
    hl_json j = {.out = out, .lines = UNFOLDED};
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "schema", "heaplens.diagnosis/1");
    hl_json_key(&j, "tool");
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "name", "heaplens");
    hl_json_put_text(&j, "version", HL_VERSION);
    hl_json_close(&j, '}');
    put_target(&j, d);
    put_observed(&j, d);
    hl_json_put_text(&j, "verdict", verdict[d->verdict]);
    hl_json_put_text(&j, "why", text_or_null(d->why));
    hl_json_key(&j, "findings");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < d->n_findings; i++)
        put_finding(&j, d, &d->findings[i]);
    hl_json_close(&j, ']');
    put_processes(&j, d, verdict);
    put_resources(&j, d);
    hl_json_key(&j, "notes");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < d->n_notes; i++) {
        hl_json_open(&j, '{');
        hl_json_put_text(&j, "cause", d->notes[i].cause);
        hl_json_put_text(&j, "text", d->notes[i].text);
        hl_json_close(&j, '}');
    }
    hl_json_close(&j, ']');
    hl_json_close(&j, '}');
}
