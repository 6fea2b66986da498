/* cli/verb_timeline.c: `heaplens timeline F`: memory over time.
 *
 * Room   cli; analyser process. */
#include "cli/args.h"
#include "cli/files.h"
#include "diagnose/views.h"

enum { TOP = 60 };

static int timeline(const hl_context *c, const hl_files *files, void *asked, hl_arena *arena,
                    hl_out *out)
{
    hl_view_query *q = asked;
    hl_err err = {0};
    hl_table *tables = hl_arena_array(arena, (size_t)files->n * HL_TIMELINE_TABLES, sizeof *tables);
    uint32_t made = 0;
    int code = HL_EXIT_OK;
    for (uint32_t i = 0; tables && i < files->n; i++) {
        q->runs = &files->runs[i];
        q->n_runs = 1;
        if (hl_view_timeline(q, arena, &tables[made], &err)) {
            int failed = hl_fail(&err);
            code = files->n > 1 ? HL_EXIT_INCOMPLETE : failed;
            continue;
        }
        for (unsigned k = 0; k < HL_TIMELINE_TABLES; k++)
            tables[made++].file = files->n > 1 ? files->runs[i]->path : NULL;
    }
    out->failed = !tables;
    if (c->json && made)
        hl_tables_json("timeline", tables, made, out);
    for (uint32_t i = 0; !c->json && i < made; i++) {
        hl_out_text(out, i ? "\n" : "");
        if (tables[i].file && i % HL_TIMELINE_TABLES == 0) {
            hl_out_safe(out, tables[i].file, 0);
            hl_out_text(out, "\n");
        }
        hl_table_text(&tables[i], &c->out_style, out);
    }
    return code;
}

int hl_verb_timeline(hl_context *c, int argc, char **argv)
{
    static const hl_option options[] = {{"--top", 0, "N"}, {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "timeline", .argc = argc, .argv = argv, .at = 1};
    hl_view_query q = {.top = TOP};
    uint32_t n = 0;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD)
            hl_args_gather(&a, &n);
        else if (option != 0 || !hl_parse_count("timeline", "--top", a.value, &q.top))
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    if (!n)
        return hl_usage("timeline", "name a recording (a .hlens file)");
    return hl_files_answer(c, argv, n, timeline, &q, "-");
}
