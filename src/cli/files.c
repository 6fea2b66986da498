/* cli/files.c: the recordings a verb was given, opened and checked for what is missing.
 *
 * Room   cli; analyser process. */
#define _GNU_SOURCE
#include "cli/files.h"

#include "cli/output.h"
#include "cli/pickle_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool all_digits(const char *s)
{
    return *s && !s[strspn(s, "0123456789")];
}

hl_status hl_file_open(const char *path, hl_run **out, hl_err *err)
{
    if (all_digits(path) && access(path, F_OK))
        return hl_err_set(err, HL_UNSUPPORTED,
                          "%s looks like a process id: looking into a running process is not in "
                          "this version; start the program with: heaplens run SCRIPT",
                          path);
    return hl_run_open(path, out, err);
}

static void remark(const hl_context *c, const hl_run *run)
{
    hl_damage d = hl_container_damage(run->file);
    if (run->n_torn)
        hl_remark(c, "%s: %u snapshot%s cut off before %s whole and not used", run->path,
                  run->n_torn, run->n_torn == 1 ? " was" : "s were",
                  run->n_torn == 1 ? "it was" : "they were");
    else if (d.torn_tail)
        hl_remark(c, "%s ends in the middle of a record: what was whole before is used", run->path);
    if (d.gaps)
        hl_remark(c,
                  "%s is damaged: %llu bytes cannot be read, the first at %llu; "
                  "see: heaplens doctor FILE",
                  run->path, (unsigned long long)d.bytes_lost, (unsigned long long)d.first_offset);
}

/* ---- folders --------------------------------------------------------------------------------- */

void hl_paths_free(hl_paths *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        free(list->at[i]);
    free(list->at);
    *list = (hl_paths){0};
}

static bool names_add(hl_paths *list, char *path)
{
    if (path && list->n == list->room) {
        uint32_t room = list->room ? 2 * list->room : 16;
        char **at = realloc(list->at, room * sizeof *at);
        if (at) {
            list->at = at;
            list->room = room;
        }
    }
    if (!path || list->n == list->room) {
        free(path);
        return false;
    }
    list->at[list->n++] = path;
    return true;
}

static char *within(const char *folder, const char *name)
{
    size_t n = strlen(folder);
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name) < 0)
        return NULL;
    return path;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static hl_status list_folder(const char *folder, hl_paths *list, hl_err *err)
{
    static const char ending[] = ".hlens";
    enum { ENDING = sizeof ending - 1 };
    DIR *d = opendir(folder);
    uint32_t first = list->n;
    bool room = true;
    if (!d)
        return hl_err_errno(err, errno, "cannot list %s", folder);
    for (const struct dirent *e; room && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n > ENDING && !strcmp(e->d_name + n - ENDING, ending))
            room = names_add(list, within(folder, e->d_name));
    }
    closedir(d);
    if (!room)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to list %s", folder);
    if (list->n == first)
        return hl_err_set(err, HL_EMPTY, "there is no recording (no .hlens file) in %s", folder);
    qsort(list->at + first, list->n - first, sizeof *list->at, by_name);
    return HL_OK;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Patterns overlap: a file that is named twice is one. */
static bool is_listed(const hl_paths *list, const char *path)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (!strcmp(list->at[i], path))
            return true;
    return false;
}

hl_status hl_paths_list(char *const *paths, uint32_t n, hl_paths *out, bool *folder, hl_err *err)
{
    hl_paths list = {0};
    *err = (hl_err){.status = HL_OK};
    for (uint32_t i = 0; i < n && !err->status; i++) {
        if (is_folder(paths[i])) {
            *folder = true;
            (void)!list_folder(paths[i], &list, err);
        } else if (!is_listed(&list, paths[i]) && !names_add(&list, strdup(paths[i]))) {
            hl_err_set(err, HL_NO_MEMORY, "no memory for %u files", n);
        }
    }
    if (err->status)
        hl_paths_free(&list);
    else
        *out = list;
    return err->status;
}

static int by_start(const void *a, const void *b)
{
    const hl_run *x = *(hl_run *const *)a, *y = *(hl_run *const *)b;
    bool x_first = !x->first_pid, y_first = !y->first_pid;
    if (x_first != y_first)
        return x_first ? -1 : 1;
    if (x->started_us != y->started_us)
        return x->started_us < y->started_us ? -1 : 1;
    return strcmp(x->path, y->path);
}

static hl_status open_pickle(const hl_context *c, const char *path, hl_run **out, hl_err *err)
{
    if (!c->takes_traces)
        return hl_err_set(err, HL_UNSUPPORTED,
                          "%s is a pickle, and of a snapshot of tracemalloc no more is known than "
                          "where memory was allocated: diff, show --view allocs and export read it",
                          path);
    return hl_pickle_open(path, out, err);
}

static int open_listed(const hl_context *c, const hl_paths *list, hl_files *f)
{
    hl_err err = {0}, first = {0};
    f->runs = calloc(list->n, sizeof *f->runs);
    if (!f->runs) {
        hl_err_set(&err, HL_NO_MEMORY, "no memory for %u files", list->n);
        return hl_fail(&err);
    }
    for (uint32_t i = 0; i < list->n; i++) {
        hl_run *run;
        if (hl_pickle_is(list->at[i]) ? open_pickle(c, list->at[i], &run, &err)
                                      : hl_file_open(list->at[i], &run, &err)) {
            if (list->n == 1)
                return hl_fail(&err);
            (void)hl_fail(&err);
            if (!f->unreadable++)
                first = err;
            continue;
        }
        f->runs[f->n++] = run;
        f->torn += run->n_torn;
        f->bytes_damaged += hl_container_damage(run->file).bytes_lost;
        remark(c, run);
    }
    if (f->n)
        return HL_EXIT_OK;
    hl_err_set(&err, first.status, "none of the %u files can be read", list->n);
    return hl_fail(&err);
}

int hl_files_open(const hl_context *c, char *const *paths, uint32_t n, hl_files *out)
{
    hl_files f = {0};
    hl_paths list = {0};
    hl_err err = {0};
    int code =
        hl_paths_list(paths, n, &list, &f.folder, &err) ? hl_fail(&err) : open_listed(c, &list, &f);
    hl_paths_free(&list);
    if (code) {
        hl_files_close(&f);
        return code;
    }
    if (f.folder)
        qsort(f.runs, f.n, sizeof *f.runs, by_start);
    *out = f;
    return HL_EXIT_OK;
}

int hl_files_open_one(const hl_context *c, const char *verb, char *path, hl_files *out)
{
    hl_paths list = {0};
    hl_err err = {0};
    bool folder = false;
    int code = HL_EXIT_OK;
    if (hl_paths_list(&path, 1, &list, &folder, &err))
        code = hl_fail(&err);
    else if (list.n > 1)
        code =
            hl_usage(verb, "it looks into one recording, and there are %u in %s: name one of them",
                     list.n, path);
    else
        code = hl_files_open(c, list.at, 1, out);
    hl_paths_free(&list);
    return code;
}

bool hl_files_are_processes(hl_files *f)
{
    bool several = f->folder && f->n > 1;
    for (uint32_t i = 0; i < f->n && !several; i++)
        for (uint32_t k = 0; k < i && !several; k++)
            several = f->runs[i]->run_id == f->runs[k]->run_id && f->runs[i]->pid &&
                      f->runs[k]->pid && f->runs[i]->pid != f->runs[k]->pid;
    if (several)
        qsort(f->runs, f->n, sizeof *f->runs, by_start);
    return several;
}

void hl_files_close(hl_files *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        hl_run_close(f->runs[i]);
    free(f->runs);
    *f = (hl_files){0};
}

int hl_files_code(const hl_files *f, int code)
{
    bool whole = !f->torn && !f->bytes_damaged && !f->unreadable;
    return code == HL_EXIT_OK && !whole ? HL_EXIT_INCOMPLETE : code;
}

int hl_files_answer(const hl_context *c, char *const *paths, uint32_t n, hl_answer *answer,
                    void *asked, const char *output)
{
    hl_files files;
    hl_arena arena;
    hl_out out = {0};
    int code = hl_files_open(c, paths, n, &files);
    if (code)
        return code;
    hl_arena_init(&arena);
    int told = answer(c, &files, asked, &arena, &out);
    code = hl_files_code(&files, told);
    if (told == HL_EXIT_OK || out.n || out.failed)
        code = hl_output(c, output, &out, code);
    hl_arena_deinit(&arena);
    hl_files_close(&files);
    return code;
}
