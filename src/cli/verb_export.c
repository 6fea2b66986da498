/* cli/verb_export.c: `heaplens export F... --format FORMAT`: what was allocated, for other tools.
 *
 * Room   cli; analyser process. */
#include "cli/args.h"
#include "cli/files.h"
#include "diagnose/views.h"

#include <string.h>
#include <unistd.h>

typedef struct export_format {
    const char *name;
    void (*write)(const hl_stacks *s, hl_out *out);
    bool binary;
} export_format;

static const export_format formats[] = {
    {"pprof", hl_stacks_pprof, true},          {"speedscope", hl_stacks_speedscope, false},
    {"collapsed", hl_stacks_collapsed, false}, {"csv", hl_stacks_csv, false},
    {"json", hl_stacks_json, false},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static const export_format *find_format(const char *name)
{
    const char *names[FORMATS + 1] = {NULL};
    for (unsigned i = 0; i < FORMATS; i++) {
        if (!strcmp(formats[i].name, name))
            return &formats[i];
        names[i] = formats[i].name;
    }
    const char *meant = hl_nearest(name, names);
    hl_usage("export", "--format takes pprof, speedscope, collapsed, csv or json%s%s%s",
             meant ? "; did you mean '" : ", not '", meant ? meant : name, meant ? "'?" : "'");
    return NULL;
}

typedef struct wanted {
    const export_format *format;
    hl_view_query q;
} wanted;

static int export(const hl_context *c, const hl_files *files, void *asked, hl_arena *arena,
                  hl_out *out)
{
    wanted *w = asked;
    hl_stacks stacks;
    hl_err err = {0};
    w->q.runs = files->runs;
    w->q.n_runs = files->n;
    if (hl_view_stacks(&w->q, arena, &stacks, &err))
        return hl_fail(&err);
    if (stacks.files < files->n)
        hl_remark(c, "%u of %u recordings followed no allocations and add nothing",
                  files->n - stacks.files, files->n);
    w->format->write(&stacks, out);
    return HL_EXIT_OK;
}

int hl_verb_export(hl_context *c, int argc, char **argv)
{
    enum { FORMAT, OUTPUT, SNAPSHOT, MEASURE };
    static const hl_option options[] = {{"--format", 0, "FORMAT"},
                                        {"--output", 'o', "F"},
                                        {"--snapshot", 0, "I"},
                                        {"--live", 0, NULL},
                                        {"--peak", 0, NULL},
                                        {"--total", 0, NULL},
                                        {"--temporary", 0, HL_ARG_MAY},
                                        {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "export", .argc = argc, .argv = argv, .at = 1};
    hl_view_query q = {.top = 0};
    c->takes_traces = true;
    const char *name = NULL, *output = "-";
    uint32_t n = 0;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD)
            hl_args_gather(&a, &n);
        else if (option == FORMAT)
            name = a.value;
        else if (option == OUTPUT)
            output = a.value;
        else if (option >= MEASURE) {
            q.measure = (hl_measure)(option - MEASURE);
            if (a.value && !hl_parse_within("export", a.value, &q.within))
                return HL_EXIT_USAGE;
        } else if (option != SNAPSHOT ||
                   !hl_parse_count("export", "--snapshot", a.value, &q.snapshot))
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    if (!name && c->json)
        name = "json";
    if (!name)
        return hl_usage("export",
                        "say what for: --format pprof, speedscope, collapsed, csv or json");
    const export_format *format = find_format(name);
    if (!format)
        return HL_EXIT_USAGE;
    if (!n)
        return hl_usage("export", "name a recording (a .hlens file)");
    if (format->binary && !strcmp(output, "-") && isatty(1))
        return hl_usage("export", "%s is nothing for a terminal: name a file with -o", name);
    return hl_files_answer(c, argv, n, export, &(wanted){format, q}, output);
}
