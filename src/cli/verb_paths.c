/* cli/verb_paths.c: `heaplens paths F TARGET`: the shortest chains from a root to an object.
 *
 * Room   cli; analyser process. */
#include "cli/args.h"
#include "cli/files.h"
#include "diagnose/views.h"

enum { TOP = 5 };

static int paths(const hl_context *c, hl_view_query *q, char *file, const char *target, bool words)
{
    hl_files files;
    int code = hl_files_open_one(c, "paths", file, &files);
    if (code)
        return code;
    hl_arena arena;
    hl_chains chains;
    hl_err err = {0};
    hl_out out = {0};
    hl_arena_init(&arena);
    q->runs = files.runs;
    q->n_runs = files.n;
    if (hl_view_paths(q, target, &arena, &chains, &err)) {
        bool absent = err.status == HL_NOT_FOUND; /* the file was fine */
        code = hl_fail(&err);
        code = absent ? HL_EXIT_NOTHING : code;
    } else {
        if (words && c->json) {
            hl_out said = {0};
            hl_chains_text(&chains, &c->err_style, &said);
            hl_print_words(&said);
        }
        if (c->json)
            hl_chains_json(&chains, &out);
        else
            hl_chains_text(&chains, &c->out_style, &out);
        code = hl_print(&out, hl_files_code(&files, HL_EXIT_OK));
    }
    hl_arena_deinit(&arena);
    hl_files_close(&files);
    return code;
}

int hl_verb_paths(hl_context *c, int argc, char **argv)
{
    static const hl_option options[] = {{"--top", 0, "K"},
                                        {"--snapshot", 0, "I"},
                                        {"--apart", 0, "N"},
                                        {"--words", 0, NULL},
                                        {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "paths", .argc = argc, .argv = argv, .at = 1};
    hl_view_query q = {.top = TOP};
    char *words[2] = {NULL, NULL};
    int n = 0;
    bool in_words = false;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD && n < 2)
            words[n++] = argv[a.at - 1];
        else if (option == HL_ARG_WORD)
            return hl_usage("paths", "one recording and one TARGET at a time; '%s' is too much",
                            a.value);
        else if (option == 0   ? !hl_parse_count("paths", "--top", a.value, &q.top)
                 : option == 1 ? !hl_parse_count("paths", "--snapshot", a.value, &q.snapshot)
                 : option == 2 ? !hl_parse_count("paths", "--apart", a.value, &q.apart)
                 : option == 3 ? !(in_words = true)
                               : true)
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    if (n < 2 || !words[1][0])
        return hl_usage("paths", "name a recording and a TARGET: a type name, an address (0x7f..) "
                                 "or a dotted name (__main__.cache)");
    return paths(c, &q, words[0], words[1], in_words);
}
