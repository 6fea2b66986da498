/* cli/launch.c: makes the file, the page and the sentinel, and becomes the program.
 *
 * Room   cli; launcher process, which is the program's from the exec on: same pid, parent, group,
 *        terminal, descriptors, signal mask, so that nobody outside can tell the difference.
 * Order  everything that can fail fails before the exec, with a sentence; the file is removed again
 *        then. What was asked for in the wrong way ends there, with an exit code; where the system
 *        has no room for an observer the program runs without one. */
#define _GNU_SOURCE
#include "cli/run.h"
#include "cli/verb.h"
#include "container/container.h"
#include "snapshot/snap_format.h"
#include "snapshot/snap_write.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

static const uint64_t DEFAULT_MAX_FILE = UINT64_C(1) << 30;

typedef struct launch {
    const hl_run_options *o;
    hl_arena *arena;
    hl_python python;
    hl_package package;
    const char *script;
    hl_page *page;
    int page_fd;
    int preload_fds[HL_PRELOADED]; /* -1: its path can stand in LD_PRELOAD */
} launch;

/* A descriptor of ours must never become the standard output or error of anything: where the user
 * closed one, something harmless takes the place until the exec. */
static void fill_standard_fds(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* What stands in RUN_PROGRAM: never an argument, never the code. */
static const char *program_name(const launch *l)
{
    switch (l->o->start) {
    case HL_RUN_SCRIPT:
        return l->script;
    case HL_RUN_MODULE:
        return hl_arena_printf(l->arena, "-m %s", l->o->what);
    case HL_RUN_COMMAND:
        return "-c";
    case HL_RUN_STDIN:
        break;
    }
    return "-";
}

/* heaplens-NAME-PID.hlens, in folder if there is one. */
static const char *default_output(const launch *l, const char *folder)
{
    const char *name = l->o->start == HL_RUN_SCRIPT    ? l->script
                       : l->o->start == HL_RUN_MODULE  ? l->o->what
                       : l->o->start == HL_RUN_COMMAND ? "command"
                                                       : "stdin";
    size_t n = strlen(name);
    while (n > 1 && name[n - 1] == '/')
        n--;
    const char *base = memrchr(name, '/', n);
    base = base && base + 1 < name + n ? base + 1 : name;
    n -= (size_t)(base - name);
    if (n > 3 && !strncmp(base + n - 3, ".py", 3))
        n -= 3;
    if (n > 100)
        n = 100;
    char *out = hl_arena_printf(l->arena, "heaplens-%.*s-%ld.hlens", (int)n, base, (long)getpid());
    for (char *p = out; p && *p; p++)
        if (*p == '/' || (unsigned char)*p < ' ')
            *p = '_';
    size_t length = strlen(folder);
    return !length || !out ? out
                           : hl_arena_printf(l->arena, "%s%s%s", folder,
                                             folder[length - 1] == '/' ? "" : "/", out);
}

/* Where the current folder cannot be written to, and nobody has named another. */
static const char *elsewhere(const launch *l, unsigned choice)
{
    const char *folders[] = {getenv("TMPDIR"), "/tmp", "/var/tmp"};
    if (choice >= sizeof folders / sizeof *folders)
        return NULL;
    const char *folder = folders[choice];
    return folder && folder[0] == '/' ? default_output(l, folder) : "";
}

/* What -o names: a file, or a folder (one that is there, or NAME/, which is made). */
static hl_status output_find(launch *l, hl_run_options *o, hl_err *err)
{
    struct stat st;
    const char *named = o->output ? o->output : "";
    size_t n = strlen(named);
    bool folder = n && (named[n - 1] == '/' || (!stat(named, &st) && S_ISDIR(st.st_mode)));
    if (folder && mkdir(named, 0777) && errno != EEXIST)
        return hl_err_errno(err, errno, "cannot make the folder %s", named);
    if (!n || folder)
        o->output = default_output(l, named);
    return o->output ? HL_OK : hl_err_set(err, HL_NO_MEMORY, "no memory for a file name");
}

/* What the files of the family have in common: all before the pid, or before the ending. */
static void stem_of(const char *file, char out[HL_PAGE_PATH])
{
    char pid[32];
    size_t n = strlen(file), k = (size_t)snprintf(pid, sizeof pid, "-%ld", (long)getpid());
    if (n > strlen(".hlens") && !strcmp(file + n - strlen(".hlens"), ".hlens"))
        n -= strlen(".hlens");
    if (n > k && !strncmp(file + n - k, pid, k))
        n -= k;
    snprintf(out, HL_PAGE_PATH, "%.*s", (int)n, file);
}

static hl_status absolute(hl_arena *arena, const char *path, const char **out, hl_err *err)
{
    char here[PATH_MAX];
    if (path[0] == '/') {
        *out = path;
        return HL_OK;
    }
    if (!getcwd(here, sizeof here))
        return hl_err_errno(err, errno, "cannot tell the current folder; name a file with -o");
    *out = hl_arena_printf(arena, "%s/%s", here, path);
    return *out ? HL_OK : hl_err_set(err, HL_NO_MEMORY, "no memory for a file name");
}

/* ---- page ------------------------------------------------------------------------------------ */

static hl_status page_create(launch *l, hl_err *err)
{
    l->page_fd = memfd_create("heaplens", MFD_CLOEXEC);
    if (l->page_fd < 0 || ftruncate(l->page_fd, HL_PAGE_SIZE))
        return hl_err_errno(err, errno, "cannot make the page shared with the program");
    void *p = mmap(NULL, HL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, l->page_fd, 0);
    if (p == MAP_FAILED)
        return hl_err_errno(err, errno, "cannot map the page shared with the program");
    l->page = p;
    return HL_OK;
}

static uint64_t memory_limit(const hl_run_options *o)
{
    return o->memory_limit ? o->memory_limit : hl_memory_limit();
}

static hl_status page_fill(launch *l, const char *file, hl_err *err)
{
    hl_page *page = l->page;
    struct timespec now;
    uint64_t limit = memory_limit(l->o);
    if (l->o->at_rss_percent && !limit)
        return hl_err_set(err, HL_USAGE,
                          "--at-rss %u%%: of what? No limit of memory can be told; name "
                          "one with --memory-limit N",
                          l->o->at_rss_percent);
    if (strlen(file) >= sizeof page->file)
        return hl_err_set(err, HL_USAGE, "the name of the file is too long: name one with -o");
    strcpy(page->file, file);
    stem_of(file, page->stem);
    page->follow = l->o->follow;
    page->limit_bytes = limit;
    snprintf(page->packages, sizeof page->packages, "%s", l->package.folders);
    snprintf(page->program, sizeof page->program, "%s", program_name(l));
    clock_gettime(CLOCK_REALTIME, &now);
    page->started_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    page->started_mono_ns = hl_page_now();
    page->max_snapshots = l->o->max_snapshots;
    page->interval_ms = l->o->interval_ms;
    page->look_signal = l->o->look_signal;
    page->track = l->o->track;
    page->track_bytes = l->o->track_bytes;
    page->at_rss_bytes = l->o->at_rss_percent ? limit / 100 * l->o->at_rss_percent : l->o->at_rss;
    page->max_file_bytes = l->o->max_file ? l->o->max_file : DEFAULT_MAX_FILE;
    snprintf(page->round_of, sizeof page->round_of, "%s", l->o->rounds ? l->o->rounds : "");
    page->due_round = HL_ROUND_NEVER;
    page->owner_pid = (uint32_t)getpid();
    page->exit_status = -1;
    page->leave_with = l->o->fail_on ? HL_EXIT_INCOMPLETE : -1; /* until a verdict says better */
    page->version = HL_PAGE_VERSION;
    return HL_OK;
}

/* ---- file ------------------------------------------------------------------------------------ */

static hl_status file_create(const launch *l, hl_err *err)
{
    hl_page *page = l->page;
    uint64_t random[2] = {page->started_us, page->owner_pid};
    if (getrandom(random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random[1] ^= page->started_mono_ns;
    char key[17];
    page->run_id = random[0];
    snprintf(key, sizeof key, "%016" PRIx64, random[1]);
    int fd;
    if (hl_container_create(page->file, l->o->force, random[0], &fd, err))
        return err->status;
    hl_fields f = {.n = 0};
    hl_field_uint(&f, HL_RUN_PID, page->owner_pid);
    hl_field_text(&f, HL_RUN_PROGRAM, page->program);
    hl_field_uint(&f, HL_RUN_STARTED, page->started_us);
    hl_field_text(&f, HL_RUN_TOOL, HL_VERSION);
    hl_field_text(&f, HL_RUN_KEY, key);
    hl_field_uint(&f, HL_RUN_LIMIT, page->limit_bytes);
    hl_status status = hl_run_record(fd, HL_KIND_RUN_META, 0, &f, err);
    close(fd);
    if (status) {
        unlink(page->file);
        return hl_err_note(err, "%s", page->file);
    }
    return HL_OK;
}

/* ---- sentinel -------------------------------------------------------------------------------- */

/* Born twice, so that the program has no child it does not know of. */
static hl_status sentinel_start(const launch *l, hl_err *err)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC))
        return hl_err_errno(err, errno, "cannot make a pipe");
    pid_t between = fork();
    if (between < 0) {
        int e = errno;
        close(ready[0]);
        close(ready[1]);
        return hl_err_errno(err, e, "cannot start the observing process");
    }
    if (between == 0) {
        if (fork() == 0)
            hl_sentinel(l->page, l->page_fd, l->preload_fds, ready[1], l->o);
        _exit(0);
    }
    close(ready[1]);
    while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
        ;
    char byte;
    ssize_t n;
    do
        n = read(ready[0], &byte, 1);
    while (n < 0 && errno == EINTR);
    close(ready[0]);
    return n == 1 ? HL_OK
                  : hl_err_set(err, HL_IO,
                               "the observing process did not start: try again, or "
                               "look whether processes may be started (ulimit -u)");
}

/* ---- exec ------------------------------------------------------------------------------------ */

static bool is_variable(const char *entry, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(entry, name, n) && entry[n] == '=';
}

static bool is_ourselves(const char *path)
{
    struct stat a, b;
    return !stat(path, &a) && !stat("/proc/self/exe", &b) && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* A library as it can stand in LD_PRELOAD; "": there is none; NULL: no memory. */
static const char *preloadable(const launch *l, unsigned i, const char *path)
{
    return !path ? ""
           : l->preload_fds[i] < 0
               ? path
               : hl_arena_printf(l->arena, "/proc/%ld/fd/%d", (long)l->page->sentinel_pid,
                                 l->preload_fds[i]);
}

/* The library that follows malloc, unless nothing is to be followed. */
static const char *native_library(const launch *l)
{
    return l->o->track == HL_PAGE_TRACK_NOT ? NULL : l->package.native;
}

/* The user's environment in its order, with the shell's word for what it started corrected;
 * LD_PRELOAD changes in place, so that the preload library can put back what was there. */
static char **make_environment(const launch *l)
{
    size_t n = 0, k = 0;
    while (environ[n])
        n++;
    char **env = hl_arena_array(l->arena, n + 4, sizeof *env);
    const char *users = getenv("LD_PRELOAD");
    long sentinel = (long)l->page->sentinel_pid;
    const char *library = preloadable(l, 0, l->package.preload);
    const char *native = preloadable(l, 1, native_library(l));
    if (!env || !library || !native)
        return NULL;
    char *preload = hl_arena_printf(l->arena, "LD_PRELOAD=%s%s%s%s%s", library, *native ? ":" : "",
                                    native, users && *users ? ":" : "", users ? users : "");
    for (size_t i = 0; i < n; i++) {
        if (is_variable(environ[i], HL_PAGE_ENV) || is_variable(environ[i], HL_PRELOAD_ENV) ||
            is_variable(environ[i], HL_FOLLOW_ENV))
            continue; /* of a run we were started in */
        env[k++] = is_variable(environ[i], "LD_PRELOAD") ? preload
                   : is_variable(environ[i], "_") && is_ourselves(environ[i] + 2)
                       ? hl_arena_printf(l->arena, "_=%s", l->python.path)
                       : environ[i];
    }
    if (users)
        env[k++] = hl_arena_printf(l->arena, HL_PRELOAD_ENV "=%s", users);
    else
        env[k++] = preload;
    env[k++] = hl_arena_printf(l->arena, HL_PAGE_ENV "=/proc/%ld/fd/%d", sentinel, l->page_fd);
    env[k] = NULL;
    return preload && env[k - 1] && env[k - 2] ? env : NULL;
}

/* As it would be without us. */
static char **plain_environment(const launch *l)
{
    size_t n = 0, k = 0;
    while (environ[n])
        n++;
    char **env = hl_arena_array(l->arena, n + 1, sizeof *env);
    for (size_t i = 0; env && i < n; i++)
        if (!is_variable(environ[i], HL_PAGE_ENV) && !is_variable(environ[i], HL_PRELOAD_ENV) &&
            !is_variable(environ[i], HL_FOLLOW_ENV))
            env[k++] = is_variable(environ[i], "_") && is_ourselves(environ[i] + 2)
                           ? hl_arena_printf(l->arena, "_=%s", l->python.path)
                           : environ[i];
    return env;
}

static size_t add_start(const launch *l, const char **argv)
{
    size_t k = 0;
    switch (l->o->start) {
    case HL_RUN_MODULE:
        argv[k++] = "-m";
        argv[k++] = l->o->what;
        break;
    case HL_RUN_COMMAND:
        argv[k++] = "-c";
        argv[k++] = l->o->what;
        break;
    case HL_RUN_STDIN:
        argv[k++] = "-";
        break;
    case HL_RUN_SCRIPT:
        argv[k++] = l->script;
        break;
    }
    return k;
}

static char **make_arguments(const launch *l)
{
    const hl_run_options *o = l->o;
    size_t n = 0, words = 0, k = 0;
    while (o->args[n])
        n++;
    while (l->python.words[words])
        words++;
    const char **argv = hl_arena_array(l->arena, words + n + 3, sizeof *argv);
    if (!argv)
        return NULL;
    for (size_t i = 0; i < words; i++)
        argv[k++] = l->python.words[i];
    if (!l->python.is_command)
        k += add_start(l, argv + k);
    for (size_t i = 0; i < n; i++)
        argv[k++] = o->args[i];
    argv[k] = NULL;
    return (char **)argv;
}

static hl_status become(const launch *l, hl_err *err)
{
    char **argv = make_arguments(l), **env = make_environment(l);
    if (argv && env) {
        execve(l->python.path, argv, env);
        hl_err_errno(err, errno, "cannot execute %s", l->python.path);
        if (err->status != HL_NO_MEMORY)
            err->status = HL_UNSUPPORTED;
    } else {
        hl_err_set(err, HL_NO_MEMORY, "no memory to start the program");
    }
    l->page->refused = HL_NOT_BEGUN; /* without a sentence: we have it */
    hl_page_farewell(l->page);
    return err->status;
}

/* No room, no right to write, no /proc: a tool that looks has no say in whether a program runs. Who
 * asks for a status by what is found must not hear that all is well, and who named a file wrongly
 * wants to know it now. */
static bool runs_unobserved(const launch *l, const hl_err *why)
{
    return !l->o->fail_on && why->status != HL_USAGE && why->status != HL_NOT_FOUND;
}

static hl_status go_without(const launch *l, hl_err *err)
{
    char **argv = make_arguments(l), **env = plain_environment(l);
    if (!argv || !env)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to start the program");
    dprintf(STDERR_FILENO, "heaplens: " HL_UNOBSERVED_WORDS "%s\n", err->text);
    execve(l->python.path, argv, env);
    hl_err_errno(err, errno, "cannot execute %s", l->python.path);
    err->status = HL_UNSUPPORTED;
    return err->status;
}

/* The file under the name o has for it. */
static hl_status file_begin(launch *l, const hl_run_options *o, hl_err *err)
{
    const char *file;
    return absolute(l->arena, o->output, &file, err) || page_fill(l, file, err) ||
                   file_create(l, err)
               ? err->status
               : HL_OK;
}

/* Under that of -o; or in the current folder, or in one for what is temporary. */
static hl_status file_somewhere(launch *l, hl_run_options *o, hl_err *err)
{
    bool named = o->output != NULL;
    if (output_find(l, o, err))
        return err->status;
    if (!file_begin(l, o, err))
        return HL_OK;
    hl_err other;
    const char *name;
    for (unsigned i = 0; !named && err->status != HL_USAGE && (name = elsewhere(l, i)); i++) {
        o->output = name;
        if (!*name || file_begin(l, o, &other))
            continue;
        if (!o->quiet && !o->json)
            dprintf(STDERR_FILENO, "heaplens: %s: the recording is %s\n", err->text, name);
        return HL_OK;
    }
    return err->status;
}

/* All that observing takes, up to the exec. */
static hl_status observe(launch *l, hl_run_options *o, hl_err *err)
{
    if (access("/proc/self/fd", X_OK))
        return hl_err_set(err, HL_UNSUPPORTED,
                          "there is no /proc here, through which a program and its observer meet");
    if (hl_package_find(&l->python, l->arena, &l->package, err))
        return err->status;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, kept;
    sigaction(SIGXFSZ, &ignore, &kept); /* a limit (ulimit -f) is to be an error, not the end */
    bool failed = page_create(l, err) || file_somewhere(l, o, err);
    sigaction(SIGXFSZ, &kept, NULL);
    if (failed)
        return err->status;
    /* the loader splits LD_PRELOAD at blanks and colons, and expands $ */
    const char *libraries[HL_PRELOADED] = {l->package.preload, native_library(l)};
    for (unsigned i = 0; i < HL_PRELOADED; i++)
        if (libraries[i] && strpbrk(libraries[i], " :$"))
            l->preload_fds[i] = open(libraries[i], O_RDONLY | O_CLOEXEC);
    if (sentinel_start(l, err)) {
        unlink(l->page->file);
        return err->status;
    }
    return HL_OK;
}

hl_status hl_launch(const hl_run_options *o, hl_arena *arena, hl_err *err)
{
    hl_run_options options = *o;
    launch l = {.o = &options, .arena = arena, .page_fd = -1, .preload_fds = {-1, -1}};
    fill_standard_fds();
    if (hl_python_find(o->python, arena, &l.python, err))
        return err->status;
    if (o->start == HL_RUN_SCRIPT && hl_script_find(o->what, arena, &l.python, &l.script, err))
        return err->status;
    if (l.python.is_told) { /* it goes by what it starts */
        options.start = hl_start_of(options.args, &options.what);
        if (options.start == HL_RUN_SCRIPT)
            l.script = options.what;
        if (!options.what)
            options.what = "";
    }
    if (!observe(&l, &options, err))
        return become(&l, err);
    return runs_unobserved(&l, err) ? go_without(&l, err) : err->status;
}
