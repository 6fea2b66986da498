/* cli/verb_diff.c: `heaplens diff OLD [MID...] NEW`: what grew.
 *
 * Room   cli; analyser process. */
#include "cli/args.h"
#include "cli/files.h"
#include "diagnose/views.h"

enum { TOP = 20 };

static int compare(const hl_context *c, hl_view_query *q, char *const *paths, uint32_t n)
{
    hl_files files;
    int code = n == 1 ? hl_files_open_one(c, "diff", paths[0], &files)
                      : hl_files_open(c, paths, n, &files);
    if (code)
        return code;
    if (files.unreadable && files.n < 2) { /* which, has been said; of one nothing can be told */
        hl_files_close(&files);
        return HL_EXIT_TARGET;
    }
    if (files.folder && n > 1) {
        hl_files_close(&files);
        return hl_usage("diff",
                        "it compares recordings in the order they are named: name files, no "
                        "folder");
    }
    hl_arena arena;
    hl_table tables[HL_DIFF_TABLES];
    uint32_t n_tables;
    hl_err err = {0};
    hl_out out = {0};
    hl_arena_init(&arena);
    q->runs = files.runs;
    q->n_runs = files.n;
    q->last_only = files.n > 1;
    if (hl_view_diff(q, &arena, tables, &n_tables, &err)) {
        code = hl_fail(&err);
    } else {
        if (c->json)
            hl_tables_json("diff", tables, n_tables, &out);
        for (uint32_t i = 0; !c->json && i < n_tables; i++) {
            hl_out_text(&out, i ? "\n" : "");
            hl_table_text(&tables[i], &c->out_style, &out);
        }
        code = hl_print(&out, hl_files_code(&files, HL_EXIT_OK));
    }
    hl_arena_deinit(&arena);
    hl_files_close(&files);
    return code;
}

int hl_verb_diff(hl_context *c, int argc, char **argv)
{
    static const hl_option options[] = {{"--top", 0, "N"}, {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "diff", .argc = argc, .argv = argv, .at = 1};
    hl_view_query q = {.top = TOP};
    c->takes_traces = true;
    uint32_t n = 0;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD)
            hl_args_gather(&a, &n);
        else if (option != 0 || !hl_parse_count("diff", "--top", a.value, &q.top))
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    if (!n)
        return hl_usage("diff", "name two recordings, or one with several snapshots");
    return compare(c, &q, argv, n);
}
