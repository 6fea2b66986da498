/* cli/verb_lines.c: `heaplens lines`: memory by source line, of chosen functions.
 *
 * Room   cli; parses, and becomes the interpreter that runs the program (python/heaplens/_lines_run.py
 *        does the rest, and has the last word on the exit status), with the library in it that counts
 *        what C code asks malloc for. */
#define _GNU_SOURCE
#include "cli/args.h"
#include "cli/own_python.h"
#include "cli/verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum choice { OUTPUT, PYTHON, FUNCTION, MODULE };
static const hl_option options[] = {
    [OUTPUT] = {"--output", 'o', "F"},      [PYTHON] = {"--python", 0, "PATH"},
    [FUNCTION] = {"--function", 0, "NAME"}, [MODULE] = {"--module", 'm', "MODULE"},
    [MODULE + 1] = {NULL, 0, NULL},
};

typedef struct asked {
    const char *output, *python, *what;
    bool module;
    const char **functions;
    uint32_t n_functions;
    char **args; /* the program's own, up to NULL */
} asked;

static const char *told(const hl_context *c, const asked *a, hl_arena *arena)
{
    hl_out out = {0};
    hl_json j = {.out = &out};
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "what", a->what);
    hl_json_key(&j, "module");
    hl_json_bool(&j, a->module);
    hl_json_put_text(&j, "output", a->output);
    hl_json_key(&j, "json");
    hl_json_bool(&j, c->json);
    hl_json_key(&j, "force");
    hl_json_bool(&j, c->force);
    hl_json_key(&j, "quiet");
    hl_json_bool(&j, c->quiet);
    hl_json_key(&j, "functions");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < a->n_functions; i++)
        hl_json_text(&j, a->functions[i]);
    hl_json_close(&j, ']');
    hl_json_key(&j, "args");
    hl_json_open(&j, '[');
    for (char **p = a->args; *p; p++)
        hl_json_text(&j, *p);
    hl_json_close(&j, ']');
    hl_json_close(&j, '}');
    hl_out_write(&out, "", 1);
    const char *text = out.failed ? NULL : hl_arena_copy(arena, out.bytes, out.n);
    hl_out_deinit(&out);
    return text;
}

static int become(const hl_context *c, const asked *a, hl_arena *arena)
{
    hl_err err = {0};
    hl_python python;
    hl_package package;
    const char **argv;
    char **env;
    if (hl_python_find(a->python, arena, &python, &err) ||
        hl_package_find(&python, arena, &package, &err) ||
        hl_own_python(&python, &package, "_lines_run", told(c, a, arena), arena, &argv, &err))
        return hl_fail(&err);
    env = hl_own_environment(package.native, true, arena);
    if (!env) {
        hl_err_set(&err, HL_NO_MEMORY, "no memory to start an interpreter");
        return hl_fail(&err);
    }
    execve(python.path, (char **)argv, env);
    hl_err_errno(&err, errno, "cannot execute %s", python.path);
    return hl_fail(&err);
}

int hl_verb_lines(hl_context *c, int argc, char **argv)
{
    hl_args args = {.context = c,
                    .options = options,
                    .verb = "lines",
                    .argc = argc,
                    .argv = argv,
                    .at = 1,
                    .stop_at_word = true};
    hl_arena arena;
    hl_arena_init(&arena);
    asked a = {.functions = hl_arena_array(&arena, (size_t)argc + 1, sizeof *a.functions)};
    int code = -1;
    for (int choice; code < 0 && !a.what && (choice = hl_args_next(&args)) != HL_ARG_END;) {
        if (choice == HL_ARG_BAD || choice == HL_ARG_HELP)
            code = choice == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
        else if (choice == OUTPUT)
            a.output = args.value;
        else if (choice == PYTHON)
            a.python = args.value;
        else if (choice == FUNCTION && a.functions)
            a.functions[a.n_functions++] = args.value;
        else
            a.what = args.value, a.module = choice == MODULE;
    }
    if (code < 0 && (!a.what || !*a.what))
        code = hl_usage("lines", "name a script, or -m MODULE");
    if (code < 0) {
        a.args = argv + args.at;
        code = become(c, &a, &arena);
    }
    hl_arena_deinit(&arena);
    return code;
}
