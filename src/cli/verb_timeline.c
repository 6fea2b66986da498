/* cli/verb_timeline.c: `heaplens timeline F...`: memory over time, in words or as a picture.
 *
 * Room   cli; analyser process. python/heaplens/_timeline.py draws. */
#define _GNU_SOURCE
#include "cli/args.h"
#include "cli/files.h"
#include "cli/output.h"
#include "cli/own_python.h"
#include "diagnose/course.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOP = 60 };

typedef struct asked {
    const char *output;
    uint32_t top;
    hl_files files; /* recordings among what was named */
    hl_timeline line;
    uint32_t room;
    hl_arena *arena;
} asked;

/* ---- reading ---------------------------------------------------------------------------------- */

/* A regular file that begins as mprof's do, whole. */
static bool take_mprof(const char *path, hl_out *out)
{
    char part[64 * 1024];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode);
    while (is) {
        ssize_t n = read(fd, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0)
            hl_out_write(out, part, (size_t)n);
        is = !out->failed && n >= 0 && hl_mprof_is(out->bytes, out->n);
        if (n <= 0)
            break;
    }
    if (fd >= 0)
        close(fd);
    return is;
}

static bool append(asked *a, const hl_timeline_process *more, uint32_t n)
{
    hl_timeline_process *all = a->line.processes;
    if (a->line.n + n > a->room) {
        a->room = 2 * (a->line.n + n);
        all = hl_arena_array(a->arena, a->room, sizeof *all);
        if (!all)
            return false;
        if (a->line.n)
            memcpy(all, a->line.processes, a->line.n * sizeof *all);
        a->line.processes = all;
    }
    memcpy(all + a->line.n, more, n * sizeof *all);
    a->line.n += n;
    return true;
}

static int no_room(uint32_t n)
{
    hl_err err = {0};
    hl_err_set(&err, HL_NO_MEMORY, "no memory for %u processes", n);
    return hl_fail(&err);
}

/* One of several that cannot be read is named and left out. */
static int read_mprof(const hl_context *c, asked *a, const char *path, const hl_out *file)
{
    hl_timeline_process *made;
    hl_err err = {0};
    uint32_t n;
    bool torn;
    if (hl_mprof_read(path, file->bytes, file->n, a->arena, &made, &n, &torn, &err))
        return hl_fail(&err);
    if (torn)
        hl_remark(c, "%s ends in the middle of a line: what was whole before is used", path);
    if (!append(a, made, n))
        return no_room(n);
    return torn ? HL_EXIT_INCOMPLETE : HL_EXIT_OK;
}

static int read_recordings(asked *a)
{
    uint64_t zero = hl_timeline_zero(a->files.runs, a->files.n);
    int code = HL_EXIT_OK;
    a->line.one_clock = zero > 0;
    for (uint32_t i = 0; i < a->files.n; i++) {
        hl_timeline_process made;
        hl_err err = {0};
        if (hl_timeline_of_run(a->files.runs[i], zero, a->arena, &made, &err))
            code = hl_fail(&err);
        else if (!append(a, &made, 1))
            return no_room(a->files.n);
    }
    return code;
}

/* What mprof wrote, then recordings. */
static int gather(const hl_context *c, asked *a, char **paths, uint32_t n)
{
    int code = HL_EXIT_OK, failed = HL_EXIT_OK;
    uint32_t left = 0;
    for (uint32_t i = 0; i < n; i++) {
        hl_out file = {0};
        if (take_mprof(paths[i], &file)) {
            failed = read_mprof(c, a, paths[i], &file);
            code = failed ? failed : code;
        } else {
            paths[left++] = paths[i];
        }
        hl_out_deinit(&file);
    }
    if (left) {
        failed = hl_files_open(c, paths, left, &a->files);
        code = failed ? failed : code;
    }
    if (left && !failed) {
        (void)hl_files_are_processes(&a->files);
        failed = read_recordings(a);
        code = hl_files_code(&a->files, failed ? failed : code);
    }
    if (!a->line.n || !code)
        return code;
    return n > 1 || code == HL_EXIT_INCOMPLETE ? HL_EXIT_INCOMPLETE : code;
}

/* ---- answering -------------------------------------------------------------------------------- */

static int in_words(const hl_context *c, const asked *a, hl_out *out)
{
    for (uint32_t i = 0; i < a->line.n; i++) {
        const hl_timeline_process *p = &a->line.processes[i];
        hl_table tables[HL_TIMELINE_TABLES];
        hl_err err = {0};
        uint32_t n;
        if (hl_timeline_tables(p, a->top, a->arena, tables, &n, &err))
            return hl_fail(&err);
        hl_out_text(out, i ? "\n" : "");
        if (a->line.n > 1) {
            hl_out_safe(out, p->file, 0);
            hl_out_text(out, "\n");
        }
        for (uint32_t k = 0; k < n; k++) {
            hl_out_text(out, k ? "\n" : "");
            hl_table_text(&tables[k], &c->out_style, out);
        }
    }
    return HL_EXIT_OK;
}

static const char *format_of(const char *output)
{
    const char *dot = strrchr(output, '.');
    if (!strcmp(output, "-") || (dot && !strcasecmp(dot, ".svg")))
        return "svg";
    return dot && !strcasecmp(dot, ".png") ? "png" : NULL;
}

static int draw(const asked *a, hl_out *out)
{
    hl_out told = {0}, series = {0};
    hl_json j = {.out = &told};
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "format", format_of(a->output));
    hl_json_close(&j, '}');
    hl_out_write(&told, "", 1);
    hl_timeline_json(&a->line, &series);
    int code = told.failed || series.failed
                   ? no_room(a->line.n)
                   : hl_own_python_ask("_timeline", told.bytes, &series, out);
    hl_out_deinit(&told);
    hl_out_deinit(&series);
    return code;
}

static int answer(const hl_context *c, const asked *a, int code)
{
    hl_out out = {0};
    int failed = HL_EXIT_OK;
    if (a->output)
        failed = draw(a, &out);
    else if (c->json)
        hl_timeline_json(&a->line, &out);
    else
        failed = in_words(c, a, &out);
    if (failed) {
        hl_out_deinit(&out);
        return failed;
    }
    return hl_output(c, a->output ? a->output : "-", &out, code);
}

int hl_verb_timeline(hl_context *c, int argc, char **argv)
{
    enum choice { TOP_N, OUTPUT };
    static const hl_option options[] = {
        [TOP_N] = {"--top", 0, "N"}, [OUTPUT] = {"--output", 'o', "X"}, {NULL, 0, NULL}};
    hl_args args = {
        .context = c, .options = options, .verb = "timeline", .argc = argc, .argv = argv, .at = 1};
    hl_arena arena;
    asked a = {.top = TOP, .arena = &arena};
    uint32_t n = 0;
    for (int option; (option = hl_args_next(&args)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD)
            hl_args_gather(&args, &n);
        else if (option == OUTPUT)
            a.output = args.value;
        else if (option != TOP_N || !hl_parse_count("timeline", "--top", args.value, &a.top))
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    if (!n)
        return hl_usage("timeline", "name a recording (a .hlens file)");
    if (a.output && !format_of(a.output))
        return hl_usage("timeline", "-o %s: a picture is X.svg or X.png", a.output);
    hl_arena_init(&arena);
    int code = gather(c, &a, argv, n);
    if (a.line.n)
        code = answer(c, &a, code);
    hl_arena_deinit(&arena);
    hl_files_close(&a.files);
    return code;
}
