/* cli/verb_diagnose.c: `heaplens diagnose F...`: the verdict on recordings.
 *
 * Room   cli; analyser process. */
#include "cli/args.h"
#include "cli/files.h"
#include "diagnose/diagnose.h"

#include <stdlib.h>
#include <string.h>

typedef struct choices {
    hl_diagnose_options options;
    int fail_on; /* hl_confidence; 0: never */
    bool words;  /* beside JSON, on stderr   */
} choices;

static bool take_format(hl_context *c, const char *word)
{
    if (strcmp(word, "text") && strcmp(word, "json")) {
        hl_usage("diagnose", "--format takes text or json, not '%s'", word);
        return false;
    }
    c->json = !strcmp(word, "json");
    return true;
}

static bool take_bytes(const char *option, const char *word, uint64_t *out)
{
    if (hl_parse_bytes(word, out) && *out)
        return true;
    hl_usage("diagnose", "%s takes a number of bytes (4096, 512K, 2M), not '%s'", option, word);
    return false;
}

/* Several processes, or one history. */
static hl_status diagnose(hl_files *files, const choices *how, hl_arena *arena, hl_diagnosis *d,
                          hl_err *err)
{
    uint32_t done;
    if (!hl_files_are_processes(files))
        return hl_diagnose(files->runs, files->n, &how->options, arena, d, err);
    if (hl_diagnose_processes(files->runs, files->n, &how->options, arena, d, &done, err))
        return err->status;
    if (err->status)
        (void)hl_fail(err);
    files->unreadable += files->n - done;
    return HL_OK;
}

static int judge(const hl_context *c, hl_files *files, const choices *how)
{
    hl_arena arena;
    hl_diagnosis d;
    hl_err err = {0};
    hl_arena_init(&arena);
    if (diagnose(files, how, &arena, &d, &err)) {
        hl_arena_deinit(&arena);
        return hl_fail(&err);
    }
    uint32_t damaged = d.observed.snapshots_torn;
    if (damaged)
        hl_remark(c, "%u snapshot%s damaged and not used; see: heaplens doctor FILE", damaged,
                  damaged == 1 ? " is" : "s are");
    d.observed.snapshots_torn = files->torn += damaged;
    d.observed.bytes_damaged = files->bytes_damaged;
    int code = HL_EXIT_OK;
    if (hl_diagnosis_reaches(&d, how->fail_on))
        code = HL_EXIT_FINDINGS;
    else if (!d.observed.snapshots)
        code = HL_EXIT_NOTHING;
    hl_out out = {0};
    if (c->json)
        hl_report_json(&d, &out);
    else
        hl_report_text(&d, &c->out_style, &out);
    if (how->words && c->json) {
        hl_out said = {0};
        hl_report_text(&d, &c->err_style, &said);
        hl_print_words(&said);
    }
    hl_arena_deinit(&arena);
    return hl_print(&out, hl_files_code(files, code));
}

static bool take_tolerance(const char *word, double *out)
{
    char *end;
    *out = strtod(word, &end);
    if (end != word && !*end && *out >= 0)
        return true;
    hl_usage("diagnose", "--tolerance takes a number, not '%s'", word);
    return false;
}

int hl_verb_diagnose(hl_context *c, int argc, char **argv)
{
    static const hl_option options[] = {{"--fail-on", 0, "LEVEL"},
                                        {"--min-growth", 0, "N"},
                                        {"--format", 0, "FORMAT"},
                                        {"--memory-limit", 0, "N"},
                                        {"--words", 0, NULL},
                                        {"--tolerance", 0, "N"},
                                        {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "diagnose", .argc = argc, .argv = argv, .at = 1};
    choices how = {0};
    uint32_t n = 0;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        bool fine = true;
        if (option == HL_ARG_WORD)
            hl_args_gather(&a, &n);
        else if (option == 0)
            fine = hl_parse_level("diagnose", a.value, &how.fail_on);
        else if (option == 1)
            fine = take_bytes("--min-growth", a.value, &how.options.min_growth);
        else if (option == 2)
            fine = take_format(c, a.value);
        else if (option == 3)
            fine = take_bytes("--memory-limit", a.value, &how.options.memory_limit);
        else if (option == 4)
            how.words = true;
        else if (option == 5)
            fine = take_tolerance(a.value, &how.options.tolerance);
        else
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
        if (!fine)
            return HL_EXIT_USAGE;
    }
    if (!n)
        return hl_usage("diagnose", "name a recording (a .hlens file)");
    hl_files files;
    int code = hl_files_open(c, argv, n, &files);
    if (code)
        return code;
    code = judge(c, &files, &how);
    hl_files_close(&files);
    return code;
}
