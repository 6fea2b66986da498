/* cli/verb_graph.c: `heaplens graph F TARGET -o X.svg`: the picture of references.
 *
 * Room   cli; analyser process. */
#include "cli/args.h"
#include "cli/files.h"
#include "cli/graphviz.h"
#include "cli/output.h"
#include "diagnose/views.h"

#include <string.h>

enum { MAX_NODES = 40, DEPTH_BACK = 8, DEPTH_ON = 3 };

typedef struct graph_request {
    hl_view_query view;
    hl_picture_query picture;
    const char *output; /* NULL: standard output */
    const char *format; /* "dot", "svg", "png" */
    bool words;
} graph_request;

/* What the name of the file asks for; NULL: nothing that is known. */
static const char *format_of(const char *output)
{
    static const char *const formats[] = {"svg", "png", "dot"};
    if (!output || !strcmp(output, "-"))
        return "dot";
    const char *name = strrchr(output, '/'), *suffix;
    suffix = strrchr(name ? name : output, '.');
    for (size_t i = 0; suffix && i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(suffix + 1, formats[i]))
            return formats[i];
    return NULL;
}

static int write_picture(const hl_context *c, const graph_request *r, const hl_picture *picture,
                         int code)
{
    hl_out text = {0}, drawn = {0}, json = {0};
    hl_err err = {0};
    const char *output = r->output ? r->output : "-";
    hl_picture_dot(picture, &text);
    if (strcmp(r->format, "dot") != 0) {
        hl_status failed = hl_graphviz_draw(&text, r->format, &drawn, &err);
        hl_out_deinit(&text);
        if (failed) {
            (void)hl_fail(&err);
            return HL_EXIT_INCOMPLETE; /* there is an answer, and it could not be written */
        }
        text = drawn;
    }
    if (c->json && !r->output) {
        if (r->words)
            hl_print_words(&text);
        else
            hl_out_deinit(&text);
    } else {
        code = hl_output(c, output, &text, code);
    }
    if (c->json && (code == HL_EXIT_OK || code == HL_EXIT_INCOMPLETE)) {
        hl_picture_json(picture, &json);
        return hl_print(&json, code);
    }
    return code;
}

static int draw(const hl_context *c, graph_request *r, char *file)
{
    hl_files files;
    int code = hl_files_open_one(c, "graph", file, &files);
    if (code)
        return code;
    hl_arena arena;
    hl_picture picture;
    hl_err err = {0};
    hl_arena_init(&arena);
    r->view.runs = files.runs;
    r->view.n_runs = files.n;
    if (hl_view_picture(&r->view, &r->picture, &arena, &picture, &err)) {
        bool absent = err.status == HL_NOT_FOUND; /* the file was fine */
        code = hl_fail(&err);
        code = absent ? HL_EXIT_NOTHING : code;
    } else {
        code = write_picture(c, r, &picture, hl_files_code(&files, HL_EXIT_OK));
    }
    hl_arena_deinit(&arena);
    hl_files_close(&files);
    return code;
}

int hl_verb_graph(hl_context *c, int argc, char **argv)
{
    enum { OUTPUT, REFS, BACKREFS, DEPTH, NODES, SNAPSHOT, APART, WORDS };
    static const hl_option options[] = {
        {"--output", 'o', "X"}, {"--refs", 0, NULL},     {"--backrefs", 0, NULL},
        {"--depth", 0, "N"},    {"--max-nodes", 0, "N"}, {"--snapshot", 0, "I"},
        {"--apart", 0, "N"},    {"--words", 0, NULL},    {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "graph", .argc = argc, .argv = argv, .at = 1};
    graph_request r = {.picture = {.max_nodes = MAX_NODES}};
    char *words[2] = {NULL, NULL};
    int n = 0;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        bool good = option >= 0;
        if (option == HL_ARG_WORD && n < 2) {
            words[n++] = argv[a.at - 1];
            good = true;
        } else if (option == HL_ARG_WORD) {
            return hl_usage("graph", "one recording and one TARGET at a time; '%s' is too much",
                            a.value);
        } else if (option == OUTPUT) {
            r.output = a.value;
        } else if (option == REFS || option == BACKREFS) {
            r.picture.refs = option == REFS;
        } else if (option == DEPTH) {
            good = hl_parse_count("graph", "--depth", a.value, &r.picture.depth);
        } else if (option == NODES) {
            good = hl_parse_count("graph", "--max-nodes", a.value, &r.picture.max_nodes);
        } else if (option == SNAPSHOT) {
            good = hl_parse_count("graph", "--snapshot", a.value, &r.view.snapshot);
        } else if (option == APART) {
            good = hl_parse_count("graph", "--apart", a.value, &r.view.apart);
        } else if (option == WORDS) {
            r.words = true;
        }
        if (!good)
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    if (n < 2 || !words[1][0])
        return hl_usage("graph", "name a recording and a TARGET: a type name, an address (0x7f..) "
                                 "or a dotted name (__main__.cache)");
    r.format = format_of(r.output);
    if (!r.format)
        return hl_usage("graph", "-o takes a name that ends in .svg, .png or .dot, not '%s'",
                        r.output);
    if (r.picture.max_nodes > HL_PICTURE_MAX)
        return hl_usage("graph", "--max-nodes takes at most %d: more cannot be read",
                        HL_PICTURE_MAX);
    if (!r.picture.depth)
        r.picture.depth = r.picture.refs ? DEPTH_ON : DEPTH_BACK;
    r.picture.target = words[1];
    return draw(c, &r, words[0]);
}
