/* cli/verb_run.c: `heaplens run`: the program under observation, a verdict when it ends.
 *
 * Room   cli; parses, then becomes the program. Every option stands before SCRIPT: what comes
 *        after it is the program's, whatever it looks like. */
#define _GNU_SOURCE
#include "cli/args.h"
#include "cli/run.h"

#include <string.h>

enum { INTERVAL_MAX_MS = 86400000, ROUNDS_MAX = 500 };

enum choice {
    OUTPUT,
    PYTHON,
    INTERVAL,
    MAX_SNAPSHOTS,
    MIN_GROWTH,
    MEMORY_LIMIT,
    FAIL_ON,
    ROUNDS,
    SIGNAL,
    AT_RSS,
    MAX_FILE,
    FOLLOW,
    EXACT,
    TEMPORARY,
    SAMPLE,
    NO_TRACK,
    MODULE,
    COMMAND
};
static const hl_option options[] = {
    [OUTPUT] = {"--output", 'o', "F"},
    [PYTHON] = {"--python", 0, "PATH"},
    [INTERVAL] = {"--interval", 0, "MS"},
    [MAX_SNAPSHOTS] = {"--max-snapshots", 0, "N"},
    [MIN_GROWTH] = {"--min-growth", 0, "N"},
    [FAIL_ON] = {"--fail-on", 0, "LEVEL"},
    [MEMORY_LIMIT] = {"--memory-limit", 0, "N"},
    [ROUNDS] = {"--rounds", 0, "FUNCTION"},
    [SIGNAL] = {"--signal", 0, "NAME"},
    [AT_RSS] = {"--at-rss", 0, "N"},
    [MAX_FILE] = {"--max-file", 0, "N"},
    [FOLLOW] = {"--follow-children", 0, NULL},
    [EXACT] = {"--exact", 0, NULL},
    [TEMPORARY] = {"--temporary", 0, NULL},
    [SAMPLE] = {"--sample", 0, "N"},
    [NO_TRACK] = {"--no-track", 0, NULL},
    [MODULE] = {"-m", 'm', "MODULE"},
    [COMMAND] = {"-c", 'c', "CODE"},
    [COMMAND + 1] = {NULL, 0, NULL},
};

static bool wants(const char *option, const char *what, const char *not_this)
{
    hl_usage("run", "%s takes %s, not '%s'", option, what, not_this);
    return false;
}

static bool take_interval(const char *word, uint32_t *out)
{
    uint64_t ms;
    if (word[strspn(word, "0123456789")] || !hl_parse_bytes(word, &ms) || !ms ||
        ms > INTERVAL_MAX_MS)
        return wants("--interval", "milliseconds, 1 to 86400000", word);
    *out = (uint32_t)ms;
    return true;
}

static bool take_bytes(const char *option, const char *word, uint64_t *out)
{
    if (hl_parse_bytes(word, out) && *out)
        return true;
    return wants(option, "a number of bytes (4096, 512K, 2M)", word);
}

/* Where nothing is said: what Go's and tcmalloc's heap profiles take, too. */
enum { SAMPLE_EVERY = 512 << 10 };

/* Of so many bytes that are allocated one is a sample, on average; 0: none are taken. */
static bool take_sample(const char *word, hl_run_options *o)
{
    if (!hl_parse_bytes(word, &o->track_bytes))
        return wants("--sample", "a number of bytes (512K, 64K), or 0 for none", word);
    o->track = o->track_bytes ? HL_PAGE_TRACK_SAMPLED : HL_PAGE_TRACK_NOT;
    return true;
}

/* N bytes, or N% of what the program may have. */
static bool take_share(const char *word, hl_run_options *o)
{
    char number[16];
    size_t n = strlen(word);
    uint64_t percent;
    o->at_rss_percent = 0;
    if (!n || word[n - 1] != '%')
        return (hl_parse_bytes(word, &o->at_rss) && o->at_rss) ||
               wants("--at-rss", "a number of bytes (500M, 2G) or a share of the limit (80%)",
                     word);
    if (n < sizeof number) {
        memcpy(number, word, n - 1);
        number[n - 1] = 0;
        if (!number[strspn(number, "0123456789")] && hl_parse_bytes(number, &percent) && percent &&
            percent <= 100)
            o->at_rss_percent = (uint32_t)percent;
    }
    return o->at_rss_percent || wants("--at-rss", "a share of 1% to 100%", word);
}

/* FUNCTION of the program, or MODULE:FUNCTION; names as __qualname__ has them. */
static bool take_rounds(const char *word, const char **out)
{
    const char *colon = strchr(word, ':');
    *out = word;
    if (*word && strlen(word) < ROUNDS_MAX && !strpbrk(word, " ()/\t") &&
        (!colon || (colon != word && colon[1] && !strchr(colon + 1, ':'))))
        return true;
    return wants("--rounds", "FUNCTION or MODULE:FUNCTION (handle, shop.web:App.handle)", word);
}

/* An option, or what to run. */
static bool take(hl_run_options *o, int choice, const char *value)
{
    switch (choice) {
    case OUTPUT:
        o->output = value;
        return *value || wants("--output", "the name of a file", value);
    case PYTHON:
        o->python = value;
        return *value || wants("--python", "an interpreter or a virtual environment", value);
    case INTERVAL:
        return take_interval(value, &o->interval_ms);
    case MAX_SNAPSHOTS:
        return hl_parse_count("run", "--max-snapshots", value, &o->max_snapshots);
    case MIN_GROWTH:
        return take_bytes("--min-growth", value, &o->min_growth);
    case MEMORY_LIMIT:
        return take_bytes("--memory-limit", value, &o->memory_limit);
    case FAIL_ON:
        return hl_parse_level("run", value, &o->fail_on);
    case SIGNAL:
        o->look_signal = (uint32_t)hl_signal_number(value);
        return o->look_signal ||
               wants("--signal", "a signal a program may get and go on (USR2, HUP, 12)", value);
    case AT_RSS:
        return take_share(value, o);
    case MAX_FILE:
        return take_bytes("--max-file", value, &o->max_file);
    case ROUNDS:
        return take_rounds(value, &o->rounds);
    case FOLLOW:
        o->follow = true;
        return true;
    case EXACT:
        if (o->track != HL_PAGE_TRACK_WINDOWS)
            o->track = HL_PAGE_TRACK_EXACT;
        return true;
    case TEMPORARY:
        o->track = HL_PAGE_TRACK_WINDOWS;
        return true;
    case SAMPLE:
        return take_sample(value, o);
    case NO_TRACK:
        o->track = HL_PAGE_TRACK_NOT;
        return true;
    case MODULE:
        o->start = HL_RUN_MODULE;
        o->what = value;
        return *value || wants("-m", "the name of a module", value);
    case COMMAND:
        o->start = HL_RUN_COMMAND;
        o->what = value;
        return true;
    default:
        o->start = strcmp(value, "-") ? HL_RUN_SCRIPT : HL_RUN_STDIN;
        o->what = value;
        return *value || wants("run", "a script", value);
    }
}

static int parse(hl_context *c, int argc, char **argv, hl_run_options *o)
{
    hl_args a = {.context = c,
                 .options = options,
                 .verb = "run",
                 .argc = argc,
                 .argv = argv,
                 .at = 1,
                 .stop_at_word = true};
    while (!o->what) {
        int choice = hl_args_next(&a);
        if (choice == HL_ARG_END)
            return hl_usage("run", "name a script, -m MODULE, -c CODE or - (standard input)");
        if (choice == HL_ARG_BAD || choice == HL_ARG_HELP)
            return choice == HL_ARG_HELP ? -1 : HL_EXIT_USAGE;
        if (!take(o, choice, a.value))
            return HL_EXIT_USAGE;
    }
    o->args = argv + a.at;
    return HL_EXIT_OK;
}

int hl_verb_run(hl_context *c, int argc, char **argv)
{
    /* a sample costs next to nothing; the program that finds one is told its line */
    hl_run_options o = {
        .start = HL_RUN_SCRIPT, .track = HL_PAGE_TRACK_SAMPLED, .track_bytes = SAMPLE_EVERY};
    int code = parse(c, argc, argv, &o);
    if (code)
        return code < 0 ? HL_EXIT_OK : code;
    o.force = c->force;
    o.json = c->json;
    o.quiet = c->quiet;
    o.style = c->err_style;
    hl_arena arena;
    hl_err err;
    hl_arena_init(&arena);
    (void)!hl_launch(&o, &arena, &err); /* it returns only if it failed */
    hl_arena_deinit(&arena);
    return hl_fail(&err);
}
