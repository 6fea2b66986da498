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

static bool find_key(const char *word, hl_site_key *out)
{
    const char *keys[HL_SITES_KEYS + 1] = {NULL};
    for (unsigned k = 0; k < HL_SITES_KEYS; k++) {
        if (!strcmp(hl_site_keys[k], word)) {
            *out = (hl_site_key)k;
            return true;
        }
        keys[k] = hl_site_keys[k];
    }
    const char *meant = hl_nearest(word, keys);
    hl_usage("show",
             "--group-by takes line, file, function, traceback, type, thread, domain or "
             "library%s%s%s",
             meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
    return false;
}

typedef struct wanted {
    const hl_view *view;
    hl_view_query q;
} wanted;

/* The table of each recording, below its name if there are several, unless one adds them up. */
static int show(const hl_context *c, const hl_files *files, void *asked, hl_arena *arena,
                hl_out *out)
{
    const hl_view *view = ((wanted *)asked)->view;
    hl_view_query *q = &((wanted *)asked)->q;
    hl_table *tables = hl_arena_array(arena, files->n, sizeof *tables);
    hl_err err = {0};
    uint32_t n = 0;
    int code = HL_EXIT_OK;
    if (!tables) {
        hl_err_set(&err, HL_NO_MEMORY, "no memory for %u tables", files->n);
        return hl_fail(&err);
    }
    uint32_t each = view->adds_up ? files->n : 1, answers = view->adds_up ? 1 : files->n;
    for (uint32_t i = 0; i < answers; i++) {
        q->runs = &files->runs[i];
        q->n_runs = each;
        if (view->make(q, arena, &tables[n], &err)) {
            if (answers > 1)
                hl_err_note(&err, "%s", files->runs[i]->path);
            int failed = hl_fail(&err);
            code = answers > 1 ? HL_EXIT_INCOMPLETE : failed;
        } else {
            tables[n++].file = answers > 1 ? files->runs[i]->path : NULL;
        }
    }
    if (c->json && n) {
        if (answers > 1)
            hl_tables_json(view->name, tables, n, out);
        else
            hl_table_json(&tables[0], out);
        return code;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (tables[i].file) {
            hl_out_text(out, i ? "\n" : "");
            hl_out_safe(out, tables[i].file, 0);
            hl_out_text(out, "\n");
        }
        hl_table_text(&tables[i], &c->out_style, out);
    }
    return code;
}

int hl_verb_show(hl_context *c, int argc, char **argv)
{
    enum { VIEW, MOST, SNAPSHOT, GROUP_BY, MEASURE };
    static const hl_option options[] = {{"--view", 0, "VIEW"},  {"--top", 0, "N"},
                                        {"--snapshot", 0, "I"}, {"--group-by", 0, "KEY"},
                                        {"--live", 0, NULL},    {"--peak", 0, NULL},
                                        {"--total", 0, NULL},   {"--temporary", 0, HL_ARG_MAY},
                                        {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "show", .argc = argc, .argv = argv, .at = 1};
    hl_view_query q = {.top = TOP};
    const char *name = "types";
    uint32_t n = 0;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD)
            hl_args_gather(&a, &n);
        else if (option == VIEW)
            name = a.value;
        else if (option >= MEASURE) {
            q.measure = (hl_measure)(option - MEASURE);
            if (a.value && !hl_parse_within("show", a.value, &q.within))
                return HL_EXIT_USAGE;
        } else if (option == MOST ? !hl_parse_count("show", "--top", a.value, &q.top)
                   : option == SNAPSHOT
                       ? !hl_parse_count("show", "--snapshot", a.value, &q.snapshot)
                   : option == GROUP_BY ? !find_key(a.value, &q.sites_by)
                                        : true)
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    const hl_view *view = find_view(name);
    if (!view)
        return HL_EXIT_USAGE;
    if (!n)
        return hl_usage("show", "name a recording (a .hlens file)");
    c->takes_traces = !strcmp(view->name, "allocs");
    return hl_files_answer(c, argv, n, show, &(wanted){view, q}, "-");
}
