/* cli/find_python.c: which interpreter, which script, which package folder.
 *
 * Room   cli; launcher process. Looks at files only: no interpreter is started to ask it.
 * Takes  what the user wrote.   Gives  paths in the caller's arena.
 * Must not know  the page, the target. */
#define _GNU_SOURCE
#include "cli/run.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FLAGS_MAX = 62 };

/* ---- files ----------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool is_file(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode);
}

static bool is_program(const char *path)
{
    return is_file(path) && !access(path, X_OK);
}

/* The folder of a path, without the last slash; "." if it has none. */
static const char *folder_of(hl_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return hl_arena_copy(arena, path, slash == path ? 1 : (size_t)(slash - path));
}

static const char *own_folder(hl_arena *arena)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return NULL;
    path[n] = 0;
    return folder_of(arena, path);
}

/* The first file NAME on PATH that test accepts, or NULL. */
static const char *on_path(hl_arena *arena, const char *name, bool (*test)(const char *))
{
    const char *path = getenv("PATH");
    if (!path)
        path = "/usr/local/bin:/usr/bin:/bin";
    for (;;) {
        size_t n = strcspn(path, ":");
        char *file = hl_arena_printf(arena, "%.*s%s%s", (int)n, path, n ? "/" : "./", name);
        if (file && test(file))
            return file;
        if (!path[n])
            return NULL;
        path += n + 1;
    }
}

/* ---- the interpreter ------------------------------------------------------------------------- */

static const char *const names[] = {"python3", "python"};

static const char *python_in(hl_arena *arena, const char *folder)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = hl_arena_printf(arena, "%s/%s", folder, names[i]);
        if (path && is_program(path))
            return path;
    }
    return NULL;
}

/* Splits at blanks; '...', "..." and \ quote as in a shell. words must hold FLAGS_MAX + 2. */
static hl_status split_words(const char *text, hl_arena *arena, const char **words, hl_err *err)
{
    char *out = hl_arena_alloc(arena, strlen(text) + 1);
    if (!out)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for the words of --python");
    size_t n = 0;
    for (const char *p = text;;) {
        p += strspn(p, " \t\n");
        if (!*p)
            break;
        if (n > FLAGS_MAX)
            return hl_err_set(err, HL_USAGE, "--python has more than %d words", FLAGS_MAX);
        words[n++] = out;
        for (char quote = 0; *p && (quote || !strchr(" \t\n", *p)); p++) {
            if (*p == quote)
                quote = 0;
            else if (!quote && (*p == '\'' || *p == '"'))
                quote = *p;
            else if (*p == '\\' && quote != '\'' && p[1])
                *out++ = *++p;
            else
                *out++ = *p;
        }
        *out++ = 0;
    }
    words[n] = NULL;
    return n ? HL_OK : hl_err_set(err, HL_USAGE, "--python is empty: name an interpreter");
}

/* word becomes a file: with a slash as it stands, without one by PATH, as a shell would. */
static hl_status find_program(const char *word, hl_arena *arena, const char **out, hl_err *err)
{
    const char *path = strchr(word, '/') ? word : on_path(arena, word, is_program);
    if (!path)
        return hl_err_set(err, HL_UNSUPPORTED,
                          "no interpreter %s on PATH: name one with --python PATH", word);
    if (!is_file(path))
        return hl_err_set(err, HL_UNSUPPORTED,
                          "no interpreter at %s: name one with --python PATH, or a virtual "
                          "environment",
                          path);
    if (access(path, X_OK))
        return hl_err_set(err, HL_UNSUPPORTED, "%s may not be executed: %s", path, strerror(errno));
    *out = path;
    return HL_OK;
}

static hl_status find_default(hl_arena *arena, hl_python *out, hl_err *err)
{
    out->by_default = true;
    const char *folder = own_folder(arena);
    out->path = folder ? python_in(arena, folder) : NULL;
    out->words[0] = out->path;
    for (size_t i = 0; !out->path && i < sizeof names / sizeof *names; i++) {
        out->path = on_path(arena, names[i], is_program);
        out->words[0] = names[i];
    }
    if (!out->path)
        return hl_err_set(err, HL_UNSUPPORTED,
                          "no python3 beside heaplens and none on PATH: name one with --python "
                          "PATH|VENV");
    return HL_OK;
}

hl_status hl_python_find(const char *asked, hl_arena *arena, hl_python *out, hl_err *err)
{
    hl_python p = {.words = hl_arena_array(arena, FLAGS_MAX + 2, sizeof *p.words)};
    if (!p.words)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to look for Python");
    if (!asked) {
        if (find_default(arena, &p, err))
            return err->status;
    } else if (is_folder(asked)) {
        const char *bin = hl_arena_printf(arena, "%s/bin", asked);
        p.path = bin ? python_in(arena, bin) : NULL;
        if (!p.path)
            return hl_err_set(err, HL_UNSUPPORTED,
                              "%s is no virtual environment: it has no bin/python3", asked);
        p.words[0] = p.path;
    } else if (is_file(asked)) { /* also one with blanks in its name */
        p.words[0] = asked;
        if (find_program(asked, arena, &p.path, err))
            return err->status;
    } else {
        if (split_words(asked, arena, p.words, err) ||
            find_program(p.words[0], arena, &p.path, err))
            return err->status;
    }
    *out = p;
    return HL_OK;
}

/* ---- the script ------------------------------------------------------------------------------ */

/* A console script says python in its first line; one whose interpreter has a long or odd path says
 * #!/bin/sh there and '''exec' in the second. interpreter gets the path of the first form. */
static bool read_shebang(const char *path, char *interpreter, size_t n)
{
    char text[1024];
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t got = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[got] = 0;
    if (interpreter)
        interpreter[0] = 0;
    if (strncmp(text, "#!", 2))
        return false;
    char *end = strchr(text, '\n');
    if (end && !strncmp(end + 1, "'''exec'", 8))
        return strstr(end, "python") != NULL;
    if (end)
        *end = 0;
    if (!strstr(text, "python"))
        return false;
    const char *word = text + 2 + strspn(text + 2, " \t");
    size_t length = strcspn(word, " \t\r");
    if (interpreter && length < n)
        snprintf(interpreter, n, "%.*s", (int)length, word);
    return true;
}

static bool is_console_script(const char *path)
{
    return is_file(path) && read_shebang(path, NULL, 0);
}

/* A console script from elsewhere on PATH belongs to another environment: it runs in its own,
 * unless the user named one. `env python` leaves the choice to PATH, as ours does. */
static void adopt_interpreter(const char *script, hl_arena *arena, hl_python *python)
{
    char path[PATH_MAX];
    if (!python->by_default || !read_shebang(script, path, sizeof path) || !path[0])
        return;
    const char *name = strrchr(path, '/');
    if (!name || !strncmp(name, "/env", 5) || !is_program(path))
        return;
    char *copy = hl_arena_copy(arena, path, strlen(path));
    if (copy) {
        python->path = copy;
        python->words[0] = copy;
    }
}

static hl_status check_script(const char *path, hl_arena *arena, hl_err *err)
{
    struct stat st;
    if (stat(path, &st) || access(path, R_OK)) {
        if (errno == ENOENT || errno == ENOTDIR)
            return hl_err_set(err, HL_USAGE, "no such script: %s", path);
        return hl_err_set(err, HL_USAGE, "cannot read the script %s: %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        const char *main_file = hl_arena_printf(arena, "%s/__main__.py", path);
        if (main_file && access(main_file, R_OK))
            return hl_err_set(err, HL_USAGE, "%s is a folder without a __main__.py: name a script",
                              path);
    }
    return HL_OK;
}

hl_status hl_script_find(const char *script, hl_arena *arena, hl_python *python, const char **out,
                         hl_err *err)
{
    const char *found = NULL;
    if (!strchr(script, '/') && access(script, F_OK)) {
        const char *beside =
            hl_arena_printf(arena, "%s/%s", folder_of(arena, python->path), script);
        if (beside && is_console_script(beside))
            found = beside;
        else if ((found = on_path(arena, script, is_console_script)))
            adopt_interpreter(found, arena, python);
        else if (on_path(arena, script, is_program))
            return hl_err_set(err, HL_USAGE,
                              "%s is no script here, and the program of that name on PATH is "
                              "not a Python script",
                              script);
    }
    if (!found) {
        if (check_script(script, arena, err))
            return err->status;
        found = script;
    }
    *out = found;
    return HL_OK;
}

/* ---- the package ----------------------------------------------------------------------------- */

#define PRELOAD_NAME "libheaplens_preload.so"

static const char *const patterns[] = {
    "lib/python3*/site-packages/heaplens",
    "lib/python3*/dist-packages/heaplens",
    "lib64/python3*/site-packages/heaplens",
};

typedef struct finder {
    hl_arena *arena;
    hl_package *out;
    char *folders; /* HL_PAGE_PATH * 4, as in the page */
    size_t n, capacity;
} finder;

static void finder_add(finder *f, const char *folder)
{
    char full[PATH_MAX];
    if (!folder || !realpath(folder, full) || strchr(full, '\n'))
        return;
    size_t n = strlen(full);
    if (f->n + n + 2 > f->capacity)
        return;
    for (const char *p = f->folders; (p = strstr(p, full)); p += n)
        if ((p == f->folders || p[-1] == '\n') && p[n] == '\n')
            return;
    memcpy(f->folders + f->n, full, n);
    f->n += n;
    f->folders[f->n++] = '\n';
    const char *preload = hl_arena_printf(f->arena, "%s/" PRELOAD_NAME, full);
    if (!f->out->preload && preload && !access(preload, R_OK))
        f->out->preload = preload;
}

static void finder_add_prefix(finder *f, const char *prefix)
{
    for (size_t i = 0; prefix && i < sizeof patterns / sizeof *patterns; i++) {
        glob_t g;
        const char *pattern = hl_arena_printf(f->arena, "%s/%s", prefix, patterns[i]);
        if (!pattern || glob(pattern, 0, NULL, &g))
            continue;
        for (size_t k = g.gl_pathc; k--;)
            finder_add(f, g.gl_pathv[k]);
        globfree(&g);
    }
}

/* An installed heaplens: PREFIX/bin/heaplens. A build tree: src/cli/heaplens, src/inside,
 * src/preload. The interpreter's own environment may hold a core built for it. */
hl_status hl_package_find(const hl_python *python, hl_arena *arena, hl_package *out, hl_err *err)
{
    hl_package package = {.preload = NULL};
    finder f = {.arena = arena, .out = &package, .capacity = 4 * HL_PAGE_PATH};
    f.folders = hl_arena_alloc(arena, f.capacity);
    const char *own = own_folder(arena);
    if (!f.folders || !own)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to look for the package folder");
    const char *home = getenv("HEAPLENS_HOME");
    if (home && home[0]) {
        finder_add(&f, home);
        if (!package.preload)
            return hl_err_set(err, HL_UNSUPPORTED,
                              "HEAPLENS_HOME is %s, which holds no " PRELOAD_NAME, home);
    }
    finder_add_prefix(&f, hl_arena_printf(arena, "%s/..", own));
    char build[PATH_MAX];
    const char *built = hl_arena_printf(arena, "%s/../preload/" PRELOAD_NAME, own);
    if (built && realpath(built, build)) {
        if (!package.preload)
            package.preload = hl_arena_copy(arena, build, strlen(build));
        finder_add(&f, hl_arena_printf(arena, "%s/../inside", own));
    }
    finder_add_prefix(&f, hl_arena_printf(arena, "%s/..", folder_of(arena, python->path)));
    if (!package.preload)
        return hl_err_set(err, HL_UNSUPPORTED,
                          "cannot find " PRELOAD_NAME " beside %s: install heaplens anew, or set "
                          "HEAPLENS_HOME to its package folder",
                          own);
    package.folders = f.folders;
    *out = package;
    return HL_OK;
}
