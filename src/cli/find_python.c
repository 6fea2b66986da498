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

static bool is_on_path(const char *folder)
{
    size_t length = strlen(folder);
    for (const char *path = getenv("PATH"); path; path = strchr(path, ':')) {
        path += *path == ':';
        if (strcspn(path, ":") == length && !strncmp(path, folder, length))
            return true;
    }
    return false;
}

/* The environment the user has activated is the one whose packages the program needs, wherever
 * heaplens itself was installed. */
static const char *python_activated(hl_arena *arena)
{
    static const char *const variables[] = {"VIRTUAL_ENV", "CONDA_PREFIX"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *home = getenv(variables[i]);
        const char *bin = home && *home ? hl_arena_printf(arena, "%s/bin", home) : NULL;
        const char *python = bin && is_on_path(bin) ? python_in(arena, bin) : NULL;
        if (python)
            return python;
    }
    return NULL;
}

static hl_status find_default(hl_arena *arena, hl_python *out, hl_err *err)
{
    out->by_default = true;
    const char *folder = own_folder(arena);
    out->path = python_activated(arena);
    if (!out->path && folder)
        out->path = python_in(arena, folder);
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
    p.home = p.path;
    *out = p;
    return HL_OK;
}

/* ---- the script ------------------------------------------------------------------------------ */

enum { FIRST_LINES = 1024 };

typedef enum kind {
    PYTHON_SCRIPT, /* its first line names a Python, or a shell that goes on as one */
    OTHER_SCRIPT,  /* a shell script, say: may end up in a Python */
    INTERPRETER,   /* python, python3.12: to be given arguments of its own */
    OTHER,
} kind;

/* Names as interpreters have them: python, python3, python3.12, python3.13t, pypy3. */
static bool is_interpreter_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    bool python = !strncmp(name, "python", 6);
    if (!python && strncmp(name, "pypy", 4))
        return false;
    name += python ? 6 : 4;
    name += strspn(name, "0123456789.");
    return !*name || !strcmp(name, "t") || !strcmp(name, "d");
}

/* named gets the program that the first line names. A console script says python there; one whose
 * interpreter has a long or odd path says #!/bin/sh there, and '''exec' in the second line. */
static kind kind_of(const char *path, char named[PATH_MAX])
{
    char text[FIRST_LINES];
    named[0] = 0;
    if (is_interpreter_name(path) && is_program(path))
        return INTERPRETER;
    FILE *f = is_file(path) ? fopen(path, "re") : NULL;
    if (!f)
        return OTHER;
    size_t got = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[got] = 0;
    if (strncmp(text, "#!", 2))
        return OTHER;
    char *end = strchr(text, '\n');
    bool goes_on = end && !strncmp(end + 1, "'''exec'", 8) && strstr(end, "python");
    if (end)
        *end = 0;
    const char *word = text + 2 + strspn(text + 2, " \t");
    snprintf(named, PATH_MAX, "%.*s", (int)strcspn(word, " \t\r"), word);
    return goes_on || strstr(text, "python") || strstr(text, "pypy") ? PYTHON_SCRIPT : OTHER_SCRIPT;
}

static bool ends_in_py(const char *path)
{
    size_t n = strlen(path);
    return n > 3 && !strcmp(path + n - 3, ".py");
}

/* path is executed, and the system or env reads its first line, as when a shell runs it. word: the
 * name an interpreter is called by; a script is told its path in any case. */
static void run_itself(hl_python *python, const char *path, const char *word, const char *home)
{
    python->is_command = true;
    python->path = path;
    python->home = home;
    python->words[0] = word;
    python->words[1] = NULL;
}

/* file is what a word or a path means. True: it is to run as it is, and python says so; false: it
 * is a script to give to the interpreter, if it can be one. as_command: a command was named, not
 * the path of a script. */
static bool runs_as_itself(const char *file, const char *word, bool as_command, hl_arena *arena,
                           hl_python *python)
{
    char named[PATH_MAX];
    kind k = kind_of(file, named);
    bool its_own = as_command || !ends_in_py(file);
    switch (k) {
    case INTERPRETER:
        run_itself(python, file, word, file);
        python->is_told = true;
        return true;
    case PYTHON_SCRIPT:
        if (python->by_default && its_own && is_program(file) && is_program(named)) {
            const char *home =
                is_interpreter_name(named) ? hl_arena_copy(arena, named, strlen(named)) : NULL;
            run_itself(python, file, file, home ? home : file);
            return true;
        }
        return false;
    case OTHER_SCRIPT:
        if (python->by_default && as_command) {
            run_itself(python, file, file, file);
            return true;
        }
        return false;
    case OTHER:
        break;
    }
    return false;
}

static bool is_python_script(const char *path)
{
    char named[PATH_MAX];
    return kind_of(path, named) == PYTHON_SCRIPT;
}

static bool is_runnable_folder(hl_arena *arena, const char *path)
{
    const char *main_file = hl_arena_printf(arena, "%s/__main__.py", path);
    return main_file && !access(main_file, R_OK);
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
        if (!is_runnable_folder(arena, path))
            return hl_err_set(err, HL_USAGE, "%s is a folder without a __main__.py: name a script",
                              path);
    }
    return HL_OK;
}

/* The command of that name, NULL: none. Beside the interpreter first: it is of its environment. On
 * PATH the first is meant, as by a shell; an interpreter that was asked for wants a Python script.
 */
static const char *find_command(const char *word, hl_arena *arena, const hl_python *python)
{
    const char *beside = hl_arena_printf(arena, "%s/%s", folder_of(arena, python->path), word);
    if (strchr(python->path, '/') && beside && is_python_script(beside))
        return beside;
    const char *first = on_path(arena, word, is_program);
    const char *script =
        first && python->by_default ? first : on_path(arena, word, is_python_script);
    return script ? script : first;
}

hl_status hl_script_find(const char *script, hl_arena *arena, hl_python *python, const char **out,
                         hl_err *err)
{
    bool here = !access(script, F_OK);
    bool is_word = !strchr(script, '/') &&
                   (!here || (is_folder(script) && !is_runnable_folder(arena, script)));
    const char *command = is_word ? find_command(script, arena, python) : NULL;
    const char *file = command ? command : script;
    if (!command && check_script(script, arena, err))
        return err->status;
    if (!runs_as_itself(file, script, command != NULL, arena, python) && command &&
        !is_python_script(command))
        return hl_err_set(err, HL_USAGE,
                          "%s is no script here, and the program of that name on PATH is "
                          "not a Python script",
                          script);
    *out = file;
    return HL_OK;
}

/* Options of an interpreter that take a value, behind them or as the next word. */
static bool takes_value(char option)
{
    return strchr("WX", option) != NULL;
}

hl_run_start hl_start_of(char **args, const char **what)
{
    *what = NULL;
    for (; *args; args++) {
        const char *word = *args;
        if (word[0] != '-') {
            *what = word;
            return HL_RUN_SCRIPT;
        }
        if (!word[1])
            return HL_RUN_STDIN;
        if (word[1] == '-') {
            if (!strcmp(word, "--check-hash-based-pycs") && args[1])
                args++;
            continue;
        }
        for (const char *p = word + 1; *p; p++) {
            if (*p == 'c')
                return HL_RUN_COMMAND;
            if (*p == 'm') {
                *what = p[1] ? p + 1 : args[1];
                return HL_RUN_MODULE;
            }
            if (takes_value(*p)) {
                if (!p[1] && args[1])
                    args++;
                break;
            }
        }
    }
    return HL_RUN_STDIN;
}

/* ---- the package ----------------------------------------------------------------------------- */

#define PRELOAD_NAME "libheaplens_preload.so"
#define NATIVE_NAME  "libheaplens_native.so"

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
    const char *native = hl_arena_printf(f->arena, "%s/" NATIVE_NAME, full);
    if (!f->out->native && native && !access(native, R_OK))
        f->out->native = native;
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
        built = hl_arena_printf(arena, "%s/../native/" NATIVE_NAME, own);
        if (!package.native && built && realpath(built, build))
            package.native = hl_arena_copy(arena, build, strlen(build));
        finder_add(&f, hl_arena_printf(arena, "%s/../inside", own));
    }
    finder_add_prefix(&f, hl_arena_printf(arena, "%s/..", folder_of(arena, python->home)));
    if (!package.preload)
        return hl_err_set(err, HL_UNSUPPORTED,
                          "cannot find " PRELOAD_NAME " beside %s: install heaplens anew, or set "
                          "HEAPLENS_HOME to its package folder",
                          own);
    package.folders = f.folders;
    *out = package;
    return HL_OK;
}
