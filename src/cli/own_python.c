/* cli/own_python.c: an interpreter that runs a module of our own package.
 *
 * Room   cli; analyser process.
 * Takes  which interpreter, which module, what it is told.   Gives  the words to start it with.
 * Knows  where the package lies.  Must not know  what the module does. */
#define _GNU_SOURCE
#include "cli/own_python.h"

#include "native/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Our package of this very build, whatever else is called heaplens there. What it imports is not looked
 * for in the folder it was called in, where a file may be called json.py. */
static const char boot[] =
    "import sys\n"
    "here = sys.path[:1] == ['']\n"
    "del sys.path[:here]\n"
    "from importlib import import_module, util\n"
    "folder = sys.argv.pop(1)\n"
    "spec = util.spec_from_file_location('heaplens', folder + '/__init__.py',\n"
    "                                    submodule_search_locations=[folder])\n"
    "module = util.module_from_spec(spec)\n"
    "sys.modules['heaplens'] = module\n"
    "spec.loader.exec_module(module)\n"
    "module = import_module('heaplens.' + sys.argv.pop(1))\n"
    "sys.path[:0] = [''] * here\n"
    "module.main([sys.argv.pop(1)])\n";

static const char *folder_of(const hl_package *package, const char *module, hl_arena *arena)
{
    for (const char *p = package->folders; *p;) {
        size_t n = strcspn(p, "\n");
        const char *folder = hl_arena_copy(arena, p, n);
        const char *file = folder ? hl_arena_printf(arena, "%s/%s.py", folder, module) : NULL;
        if (file && !access(file, R_OK))
            return folder;
        p += n + (p[n] == '\n');
    }
    return NULL;
}

hl_status hl_own_python(const hl_python *python, const hl_package *package, const char *module,
                        const char *told, hl_arena *arena, const char ***argv, hl_err *err)
{
    const char *folder = folder_of(package, module, arena);
    size_t words = 0, k = 0;
    if (!folder)
        return hl_err_set(err, HL_UNSUPPORTED,
                          "the Python package of heaplens is not beside its executable: install "
                          "heaplens anew, or set HEAPLENS_HOME to the package's folder");
    while (python->words[words])
        words++;
    const char **out = hl_arena_array(arena, words + 6, sizeof *out);
    if (!out || !told)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to start an interpreter");
    for (size_t i = 0; i < words; i++)
        out[k++] = python->words[i];
    out[k++] = "-c";
    out[k++] = boot;
    out[k++] = folder;
    out[k++] = module;
    out[k++] = told;
    *argv = out;
    return HL_OK;
}

/* ---- its environment ------------------------------------------------------------------------- */

static bool is_variable(const char *entry, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(entry, name, n) && entry[n] == '=';
}

char **hl_own_environment(const char *native, bool becomes, hl_arena *arena)
{
    const char *users = getenv("LD_PRELOAD"), *told = HL_NATIVE_ENV "=1";
    size_t n = 0, k = 0;
    while (environ[n])
        n++;
    char **env = hl_arena_array(arena, n + 4, sizeof *env);
    /* the loader splits LD_PRELOAD at blanks and colons, and expands $: so through a descriptor of ours,
     * which the library closes if the interpreter has it, too */
    if (native && strpbrk(native, " :$")) {
        int opened = open(native, O_RDONLY | O_CLOEXEC);
        int fd = fcntl(opened, becomes ? F_DUPFD : F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(opened);
        native = fd < 0 ? NULL : hl_arena_printf(arena, "/proc/%ld/fd/%d", (long)getpid(), fd);
        if (becomes)
            told = hl_arena_printf(arena, HL_NATIVE_ENV "=" HL_NATIVE_FD "%d", fd);
    }
    for (size_t i = 0; env && i < n; i++)
        if (!is_variable(environ[i], HL_NATIVE_ENV) && !is_variable(environ[i], HL_NATIVE_USERS) &&
            !(native && is_variable(environ[i], "LD_PRELOAD")))
            env[k++] = environ[i];
    if (!env || !native)
        return env;
    char *preload = hl_arena_printf(arena, "LD_PRELOAD=%s%s%s", native, users && *users ? ":" : "",
                                    users ? users : "");
    char *kept = hl_arena_printf(arena, HL_NATIVE_USERS "=%s", users ? users : "");
    env[k++] = preload;
    env[k++] = (char *)(uintptr_t)told;
    if (users)
        env[k++] = kept;
    return preload && kept && told ? env : NULL;
}

/* ---- asking ----------------------------------------------------------------------------------- */

static hl_status write_input(int fd, const hl_out *input, hl_err *err)
{
    for (size_t at = 0; at < input->n;) {
        ssize_t done = write(fd, input->bytes + at, input->n - at);
        if (done < 0 && errno != EINTR)
            return hl_err_errno(err, errno, "cannot hand %zu bytes to Python", input->n);
        at += done > 0 ? (size_t)done : 0;
    }
    return lseek(fd, 0, SEEK_SET) ? hl_err_errno(err, errno, "cannot hand bytes to Python") : HL_OK;
}

static hl_status read_answer(int fd, hl_out *answer, hl_err *err)
{
    struct stat st;
    void *bytes;
    if (fstat(fd, &st))
        return hl_err_errno(err, errno, "cannot read what Python answered");
    if (!st.st_size)
        return HL_OK;
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return hl_err_errno(err, errno, "cannot read what Python answered");
    hl_out_write(answer, bytes, (size_t)st.st_size);
    munmap(bytes, (size_t)st.st_size);
    return HL_OK;
}

static hl_status spawn(const char *path, const char **argv, int in, int out, int *status,
                       hl_err *err)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return hl_err_errno(err, failed, "cannot start %s", path);
    failed = posix_spawn_file_actions_adddup2(&actions, in, 0);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, out, 1);
    failed = failed ? failed : posix_spawn(&pid, path, &actions, NULL, (char **)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return hl_err_errno(err, failed, "cannot start %s", path);
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return hl_err_errno(err, errno, "cannot wait for %s", path);
    return HL_OK;
}

static int code_of(int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGINT ? HL_EXIT_INTERRUPTED : HL_EXIT_TARGET;
    int code = WEXITSTATUS(status);
    bool ours = code == HL_EXIT_USAGE || code == HL_EXIT_INCOMPLETE || code == HL_EXIT_NOTHING ||
                code == HL_EXIT_INTERRUPTED;
    return !code ? HL_EXIT_OK : ours ? code : HL_EXIT_TARGET;
}

hl_status hl_own_python_run(const char *module, const char *told, int in, hl_out *answer, int *code,
                            hl_err *err)
{
    hl_arena arena;
    hl_python python;
    hl_package package;
    const char **argv;
    int status = 0, out = memfd_create("heaplens-answer", MFD_CLOEXEC);
    err->status = HL_OK;
    hl_arena_init(&arena);
    if (out < 0)
        hl_err_errno(err, errno, "cannot make room for what Python answers");
    else if (!hl_python_find(NULL, &arena, &python, err) &&
             !hl_package_find(&python, &arena, &package, err) &&
             !hl_own_python(&python, &package, module, told, &arena, &argv, err) &&
             !spawn(python.path, argv, in, out, &status, err) && !status)
        (void)!read_answer(out, answer, err);
    *code = code_of(status);
    if (out >= 0)
        close(out);
    hl_arena_deinit(&arena);
    return err->status;
}

int hl_own_python_ask(const char *module, const char *told, const hl_out *input, hl_out *answer)
{
    hl_err err = {0};
    int code = HL_EXIT_OK, in = memfd_create("heaplens-input", MFD_CLOEXEC);
    if (in < 0)
        hl_err_errno(&err, errno, "cannot make room for what Python is told");
    else if (!write_input(in, input, &err))
        (void)!hl_own_python_run(module, told, in, answer, &code, &err);
    if (in >= 0)
        close(in);
    return err.status ? hl_fail(&err) : code;
}
