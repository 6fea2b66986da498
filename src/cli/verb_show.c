/* cli/verb_show.c: `heaplens show F --view VIEW`: a look into a recording, as a table.
 *
 * Room   cli; analyser process. */
#include "cli/args.h"
#include "cli/files.h"
#include "diagnose/views.h"

#include <string.h>

enum { TOP = 20, VIEWS_MAX = 16 };

static const hl_view *find_view(const char *name)
{
    const char *names[VIEWS_MAX + 1];
    uint32_t n;
    const hl_view *views = hl_views(&n);
    for (uint32_t i = 0; i < n && i < VIEWS_MAX; i++) {
        if (!strcmp(views[i].name, name))
            return &views[i];
        names[i] = views[i].name;
    }
    names[n < VIEWS_MAX ? n : VIEWS_MAX] = NULL;
    const char *meant = hl_nearest(name, names);
    if (meant)
        hl_usage("show", "there is no view '%s'; did you mean '%s'?", name, meant);
    else
        hl_usage("show", "there is no view '%s'", name);
    return NULL;
}

static int show(const hl_context *c, const hl_view *view, hl_view_query *q, char *file)
{
    hl_files files;
    int code = hl_files_open(c, &file, 1, &files);
    if (code)
        return code;
    hl_arena arena;
    hl_table table;
    hl_err err = {0};
    hl_out out = {0};
    hl_arena_init(&arena);
    q->runs = files.runs;
    q->n_runs = files.n;
    if (view->make(q, &arena, &table, &err)) {
        code = hl_fail(&err);
    } else {
        if (c->json)
            hl_table_json(&table, &out);
        else
            hl_table_text(&table, &c->out_style, &out);
        code = hl_print(&out, hl_files_code(&files, HL_EXIT_OK));
    }
    hl_arena_deinit(&arena);
    hl_files_close(&files);
    return code;
}

int hl_verb_show(hl_context *c, int argc, char **argv)
{
    static const hl_option options[] = {
        {"--view", 0, "VIEW"}, {"--top", 0, "N"}, {"--snapshot", 0, "I"}, {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "show", .argc = argc, .argv = argv, .at = 1};
    hl_view_query q = {.top = TOP};
    const char *name = "types";
    char *file = NULL;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD && !file)
            file = argv[a.at - 1];
        else if (option == HL_ARG_WORD)
            return hl_usage("show", "one recording at a time; to compare: heaplens diff");
        else if (option == 0)
            name = a.value;
        else if (option == 1   ? !hl_parse_count("show", "--top", a.value, &q.top)
                 : option == 2 ? !hl_parse_count("show", "--snapshot", a.value, &q.snapshot)
                               : true)
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    const hl_view *view = find_view(name);
    if (!view)
        return HL_EXIT_USAGE;
    if (!file)
        return hl_usage("show", "name a recording (a .hlens file)");
    return show(c, view, &q, file);
}
