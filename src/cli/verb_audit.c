/* cli/verb_audit.c: `heaplens audit`: does a call of this function leave anything behind?
 *
 * Room   cli; parses, has the function called in a process of its own, diagnoses its recording, and
 *        says what each call leaves. */
#define _GNU_SOURCE
#include "cli/args.h"
#include "cli/audit.h"
#include "cli/verb.h"
#include "diagnose/diagnose.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 8, ROUNDS_LEAST = 5, WARM_UP = 10, LOOKS_TOLD = 5 };

enum choice {
    OUTPUT,
    PYTHON,
    ARGUMENTS,
    RAISES,
    CALLS,
    ROUNDS_OF,
    WARM,
    TOLERANCE,
    TIMEOUT,
    FAIL_ON,
    FAIL_ALLOCATIONS,
    NO_TRACK
};
static const hl_option options[] = {
    [OUTPUT] = {"--output", 'o', "F"},
    [PYTHON] = {"--python", 0, "PATH"},
    [ARGUMENTS] = {"--args", 0, "ARGS"},
    [RAISES] = {"--raises", 0, "NAME"},
    [CALLS] = {"--calls", 0, "N"},
    [ROUNDS_OF] = {"--rounds", 0, "N"},
    [WARM] = {"--warm-up", 0, "N"},
    [TOLERANCE] = {"--tolerance", 0, "N"},
    [TIMEOUT] = {"--timeout", 0, "S"},
    [FAIL_ON] = {"--fail-on", 0, "LEVEL"},
    [FAIL_ALLOCATIONS] = {"--fail-allocations", 0, NULL},
    [NO_TRACK] = {"--no-track", 0, NULL},
    [NO_TRACK + 1] = {NULL, 0, NULL},
};

static bool wants(const char *option, const char *what, const char *not_this)
{
    hl_usage("audit", "%s takes %s, not '%s'", option, what, not_this);
    return false;
}

static bool take_number(const char *option, const char *word, double least, double *out)
{
    char *end;
    *out = strtod(word, &end);
    return (end != word && !*end && isfinite(*out) && *out >= least) ||
           wants(option, least > 0 ? "a number above 0" : "a number", word);
}

static bool take_rounds(const char *word, uint32_t *out)
{
    return hl_parse_count("audit", "--rounds", word, out) &&
           (*out >= ROUNDS_LEAST ||
            wants("--rounds", "at least 5: with fewer nothing can be told", word));
}

static bool take(hl_audit_options *o, int choice, const char *value)
{
    switch (choice) {
    case OUTPUT:
        o->output = value;
        return *value || wants("--output", "the name of a file", value);
    case PYTHON:
        o->python = value;
        return *value || wants("--python", "an interpreter or a virtual environment", value);
    case ARGUMENTS:
        o->args = value;
        return true;
    case RAISES:
        o->raises = value;
        return *value || wants("--raises", "the name of an exception", value);
    case CALLS:
        return hl_parse_count("audit", "--calls", value, &o->calls);
    case ROUNDS_OF:
        return take_rounds(value, &o->rounds);
    case WARM:
        return hl_parse_count("audit", "--warm-up", value, &o->warmup);
    case TOLERANCE:
        return take_number("--tolerance", value, 0, &o->tolerance);
    case TIMEOUT:
        return take_number("--timeout", value, 1e-3, &o->timeout);
    case FAIL_ON:
        return hl_parse_level("audit", value, &o->fail_on);
    case FAIL_ALLOCATIONS:
        o->fail_allocations = true;
        return true;
    case NO_TRACK:
        o->no_track = true;
        return true;
    default:
        if (o->target)
            return hl_usage("audit", "one function or script at a time: %s, and not %s", o->target,
                            value) == HL_EXIT_OK;
        o->target = value;
        return *value || wants("audit", "MODULE:FUNCTION or a script", value);
    }
}

/* ---- where the recording lies ------------------------------------------------------------------
 */

typedef struct place {
    const char *file;
    const char *folder; /* to be removed with it; NULL: it is kept */
} place;

static hl_status place_begin(const hl_audit_options *o, hl_arena *arena, place *p, hl_err *err)
{
    struct stat st;
    if (o->output) {
        if (!stat(o->output, &st)) {
            if (!o->force)
                return hl_err_set(err, HL_USAGE, "%s is there already; -f overwrites it",
                                  o->output);
            unlink(o->output);
        }
        char *full = NULL;
        if (o->output[0] != '/' && (full = getcwd(NULL, 0)))
            p->file = hl_arena_printf(arena, "%s/%s", full, o->output);
        else
            p->file = o->output;
        free(full);
        return p->file ? HL_OK : hl_err_set(err, HL_NO_MEMORY, "no memory for a file name");
    }
    const char *temporary = getenv("TMPDIR");
    char *folder = hl_arena_printf(arena, "%s/heaplens-audit-XXXXXX",
                                   temporary && temporary[0] == '/' ? temporary : "/tmp");
    if (!folder || !mkdtemp(folder))
        return hl_err_errno(err, errno, "cannot make a folder for the recording (TMPDIR)");
    p->folder = folder;
    p->file = hl_arena_printf(arena, "%s/audit.hlens", folder);
    return p->file ? HL_OK : hl_err_set(err, HL_NO_MEMORY, "no memory for a file name");
}

static void place_end(const place *p)
{
    if (!p->folder)
        return;
    if (p->file)
        unlink(p->file);
    rmdir(p->folder);
}

/* ---- what is said ------------------------------------------------------------------------------
 */

static bool reaches(const hl_diagnosis *d, int fail_on)
{
    if (hl_diagnosis_reaches(d, fail_on))
        return true;
    /* a file, a thread, a mapping with each call is a leak, though not of memory */
    for (uint32_t i = 0; fail_on && i < d->n_resources; i++)
        if (d->resources[i].grows && d->resources[i].beside)
            return true;
    return false;
}

static void remarks(const hl_context *c, const hl_audit_options *o, const hl_audited *a)
{
    if (a->calls && !o->fail_allocations)
        hl_remark(c, "%s was called %" PRIu32 " times in each of %" PRIu32 " rounds", o->target,
                  a->calls, o->rounds);
    if (a->failures)
        hl_remark(c,
                  "a call stands here for %" PRIu32 " calls of %s, in each of which another "
                  "allocation failed",
                  a->failures, o->target);
    for (uint32_t i = 0; i < a->n_left && i < HL_AUDIT_LEFT_TOLD; i++)
        hl_remark(c, "a call in which allocation %" PRIu32 " fails leaves something behind%s%s",
                  a->left[i].at, a->left[i].where ? ": " : "",
                  a->left[i].where ? a->left[i].where : "");
    if (a->n_left > HL_AUDIT_LEFT_TOLD)
        hl_remark(c, "so does one in which one of %" PRIu32 " others fails",
                  a->n_left - HL_AUDIT_LEFT_TOLD);
    if (a->left_threads)
        hl_remark(c, "%s leaves threads running: what they do meanwhile counts for it", o->target);
    if (a->forks)
        hl_remark(c, "%s forks: what the child processes leave in themselves is not seen",
                  o->target);
    if (a->wrote && !o->verbose)
        hl_remark(c, "%s printed %" PRIu64 " bytes, which are not shown (-v shows them)", o->target,
                  a->wrote);
}

static int judge(hl_context *c, const hl_audit_options *o, const hl_audited *a, const char *file,
                 hl_arena *arena)
{
    hl_run *run;
    hl_diagnosis d;
    hl_err err = {0};
    hl_diagnose_options how = {.tolerance = o->tolerance};
    if (hl_run_open(file, &run, &err)) {
        if (!a->problem)
            return hl_fail(&err);
        hl_err_set(&err, HL_UNSUPPORTED, "%s", a->problem);
        return a->usage ? hl_usage("audit", "%s", a->problem) : hl_fail(&err);
    }
    int code = HL_EXIT_TARGET;
    if (a->problem && run->n_snaps < LOOKS_TOLD) {
        hl_err_set(&err, HL_UNSUPPORTED, "%s", a->problem);
        code = a->usage ? hl_usage("audit", "%s", a->problem) : hl_fail(&err);
    } else if (hl_diagnose(&run, 1, &how, arena, &d, &err)) {
        code = hl_fail(&err);
    } else {
        hl_out out = {0};
        if (!o->output)
            d.target.file = "";
        if (c->json)
            hl_report_json(&d, &out);
        else
            hl_report_text(&d, &c->out_style, &out);
        code = reaches(&d, o->fail_on) ? HL_EXIT_FINDINGS
               : a->problem            ? HL_EXIT_TARGET
                                       : HL_EXIT_OK;
        code = hl_print(&out, code);
        remarks(c, o, a);
        if (a->problem) {
            hl_err_set(&err, HL_UNSUPPORTED, "%s", a->problem);
            (void)hl_fail(&err);
        }
    }
    hl_run_close(run);
    return code;
}

static int audit(hl_context *c, const hl_audit_options *o)
{
    hl_arena arena;
    hl_err err = {0};
    place p = {.file = NULL};
    hl_audited a = {.done = false};
    hl_arena_init(&arena);
    int code = HL_EXIT_TARGET;
    if (place_begin(o, &arena, &p, &err) || hl_audit_run(o, p.file, &arena, &a, &err))
        code = hl_fail(&err);
    else if (!a.ended_by)
        code = judge(c, o, &a, p.file, &arena);
    place_end(&p);
    hl_arena_deinit(&arena);
    if (a.ended_by)
        raise(a.ended_by); /* as it would have ended us */
    return code;
}

int hl_verb_audit(hl_context *c, int argc, char **argv)
{
    hl_args a = {
        .context = c, .options = options, .verb = "audit", .argc = argc, .argv = argv, .at = 1};
    hl_audit_options o = {
        .rounds = ROUNDS, .warmup = WARM_UP, .timeout = 20, .tolerance = 0, .fail_on = 2};
    for (int choice; (choice = hl_args_next(&a)) != HL_ARG_END;) {
        if (choice == HL_ARG_BAD || choice == HL_ARG_HELP)
            return choice == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
        if (!take(&o, choice, a.value))
            return HL_EXIT_USAGE;
    }
    if (!o.target)
        return hl_usage("audit", "name what to call: MODULE:FUNCTION, or a script");
    o.force = c->force;
    o.verbose = c->verbose > 0;
    return audit(c, &o);
}
