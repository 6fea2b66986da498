/* cli/verb_run.c: `heaplens run`: the program under observation, a verdict when it ends.
 *
 * Room   cli; parses, then becomes the program. Every option stands before SCRIPT: what comes
 *        after it is the program's, whatever it looks like. */
#define _GNU_SOURCE
#include "cli/run.h"
#include "cli/verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What an option does with its value. */
typedef bool take_fn(hl_run_options *o, const char *value);

/* A whole number of units up to max; the rest of the text goes to *rest. */
static bool take_number(const char *text, uint64_t max, uint64_t *out, const char **rest)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno || v > max)
        return false;
    *out = v;
    *rest = end;
    return true;
}

static bool take_output(hl_run_options *o, const char *value)
{
    o->output = value;
    return value[0] != 0;
}

static bool take_python(hl_run_options *o, const char *value)
{
    o->python = value;
    return value[0] != 0;
}

static bool take_interval(hl_run_options *o, const char *value)
{
    uint64_t ms;
    const char *rest;
    if (!take_number(value, 86400000, &ms, &rest) || *rest || !ms)
        return false;
    o->interval_ms = (uint32_t)ms;
    return true;
}

static bool take_max_snapshots(hl_run_options *o, const char *value)
{
    uint64_t n;
    const char *rest;
    if (!take_number(value, 100000, &n, &rest) || *rest || !n)
        return false;
    o->max_snapshots = (uint32_t)n;
    return true;
}

static bool take_min_growth(hl_run_options *o, const char *value)
{
    static const char units[] = "kmgt";
    uint64_t n;
    const char *rest;
    if (!take_number(value, UINT64_MAX >> 40, &n, &rest))
        return false;
    const char *unit = *rest ? strchr(units, *rest | 32) : NULL;
    if (unit) {
        n <<= 10 * (unit - units + 1);
        rest++;
    }
    if (*rest && strcmp(rest, "B") && strcmp(rest, "iB"))
        return false;
    o->min_growth = n ? n : 1;
    return true;
}

static bool take_fail_on(hl_run_options *o, const char *value)
{
    static const char *const words[] = {"never", "possible", "strong", "certain"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(value, words[i])) {
            o->fail_on = i;
            return true;
        }
    return false;
}

static const struct option_row {
    const char *name, *alias;
    take_fn *take;
    const char *wants;
} rows[] = {
    {"--output", "-o", take_output, "a file name"},
    {"--python", NULL, take_python, "an interpreter, a virtual environment, or 'python3 -X dev'"},
    {"--interval", NULL, take_interval, "milliseconds, 1 to 86400000"},
    {"--max-snapshots", NULL, take_max_snapshots, "a number from 1 to 100000"},
    {"--min-growth", NULL, take_min_growth, "bytes, as in 4096, 512K or 2M"},
    {"--fail-on", NULL, take_fail_on, "certain, strong, possible or never"},
};

/* The row of --name, --name=value, -o, -oVALUE; *value is NULL where the next word is the value. */
static const struct option_row *find_row(const char *word, const char **value)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct option_row *r = &rows[i];
        size_t n = strlen(r->name);
        *value = NULL;
        if (!strcmp(word, r->name) || (r->alias && !strcmp(word, r->alias)))
            return r;
        if (!strncmp(word, r->name, n) && word[n] == '=') {
            *value = word + n + 1;
            return r;
        }
        if (r->alias && !strncmp(word, r->alias, 2) && word[1] != '-' && word[2]) {
            *value = word + 2;
            return r;
        }
    }
    return NULL;
}

static bool take_flag(hl_context *c, const char *word)
{
    if (!strcmp(word, "-f") || !strcmp(word, "--force"))
        c->force = true;
    else if (!strcmp(word, "--json"))
        c->json = true;
    else if (!strcmp(word, "-q") || !strcmp(word, "--quiet"))
        c->quiet = true;
    else if (!strcmp(word, "-v") || !strcmp(word, "--verbose"))
        c->verbose++;
    else
        return false;
    return true;
}

/* What is to be run: argv[i] is -m, -c, - or the script. */
static int take_program(hl_run_options *o, int argc, char **argv, int i)
{
    bool module = !strcmp(argv[i], "-m"), command = !strcmp(argv[i], "-c");
    if (module || command) {
        if (i + 1 >= argc || (module && !argv[i + 1][0]))
            return hl_usage("run", "%s needs %s", argv[i], module ? "a module" : "the code");
        o->start = module ? HL_RUN_MODULE : HL_RUN_COMMAND;
        i++;
    } else {
        o->start = strcmp(argv[i], "-") ? HL_RUN_SCRIPT : HL_RUN_STDIN;
    }
    o->what = argv[i];
    o->args = argv + i + 1;
    if (o->start == HL_RUN_SCRIPT && !o->what[0])
        return hl_usage("run", "the script has no name");
    return HL_EXIT_OK;
}

static int parse(hl_context *c, int argc, char **argv, hl_run_options *o)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *word = argv[i], *value;
        if (!strcmp(word, "-m") || !strcmp(word, "-c") || !strcmp(word, "-"))
            break;
        if (!strcmp(word, "--")) {
            i++;
            break;
        }
        if (take_flag(c, word))
            continue;
        const struct option_row *row = find_row(word, &value);
        if (!row)
            return hl_usage("run", "no option %s; the program's own options come after SCRIPT",
                            word);
        if (!value && ++i < argc)
            value = argv[i];
        if (!value)
            return hl_usage("run", "%s wants %s", row->name, row->wants);
        if (!row->take(o, value))
            return hl_usage("run", "%s wants %s, not '%s'", row->name, row->wants, value);
    }
    if (i >= argc)
        return hl_usage("run", "name a script, -m MODULE, -c CODE or - (standard input)");
    return take_program(o, argc, argv, i);
}

int hl_verb_run(hl_context *c, int argc, char **argv)
{
    hl_run_options o = {.start = HL_RUN_SCRIPT};
    int code = parse(c, argc, argv, &o);
    if (code)
        return code;
    o.force = c->force;
    o.json = c->json;
    o.quiet = c->quiet;
    o.style = c->err_style;
    o.style.verbose = c->verbose > 0;
    hl_arena arena;
    hl_err err;
    hl_arena_init(&arena);
    (void)!hl_launch(&o, &arena, &err); /* it returns only if it failed */
    hl_arena_deinit(&arena);
    return hl_fail(&err);
}
