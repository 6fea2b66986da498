/* preload/preload.c: rides into the interpreter ahead of the program, and sees it out.
 *
 * Room   preload; target process, from its first instruction on. Links no Python symbol, so that
 *        it passes unharmed through shells, env and version managers until it meets a Python.
 * Start  __libc_start_main is wrapped: if the process is a Python, the environment is scrubbed, the
 *        page mapped, a C audit hook added, and main goes on as it would have. At the audit event
 *        cpython.run_* the interpreter is up and the program has not begun: the core that fits
 *        this interpreter is loaded and armed (core.c, inside/pulse.c). Where none fits, the program
 *        runs on without us, and the sentinel says why.
 * End    exit, _exit, exec* and the signal a process sends itself after its farewell are
 *        interposed: the last snapshot is taken, the sentinel prints the verdict, and only then
 *        the process goes, with the status it had.
 * Owner  every interposed function acts in the observed process only: a forked child has another
 *        pid and gets libc's behaviour. errno is the program's.
 * Family with --follow-children a child is observed, too: one that was forked asks for a page of
 *        its own (hl_preload_follow), one that was started anew finds in its environment where the
 *        first process's page is (follow.c). Nobody waits for a verdict there: it is said once, of
 *        all, when the first process has ended. */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* it would make fopen another name for fopen64; we define both */
#include "preload/core.h"
#include "preload/follow.h"
#include "preload/page.h"
#include "preload/park.h"
#include "preload/signals.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define INTERPOSED __attribute__((visibility("default")))
enum { STATUS_REFUSED = 3, STATUS_UNKNOWN = -1, SIGNAL_BASE = 256 };

typedef int main_fn(int, char **, char **);
typedef int start_fn(main_fn *, int, char **, void (*)(void), void (*)(void), void (*)(void),
                     void *);
typedef int hook_fn(const char *event, void *args, void *data);

/* Written by the main thread before the program begins; `left` by whoever leaves first. */
static struct {
    main_fn *main;
    hl_page *page;
    hl_core core;
    int (*gil_held)(void);       /* PyGILState_Check */
    int (*interpreter_up)(void); /* Py_IsInitialized */
    pid_t owner;
    pid_t forked; /* this process, in a forked child that was counted; not in one of vfork's */
    bool asked, armed, left;
} run;

/* ---- start --------------------------------------------------------------------------------- */

/* The sentinel says why, so that nothing is printed twice; without one it is said here. The program
 * runs on as it would; but whoever asks for a status by what is found (--fail-on), or for what this
 * interpreter cannot do, is not to be told that all is well. */
static void go_without(hl_arming why)
{
    hl_page *page = run.page;
    bool ends = why == HL_REFUSED || page->leave_with >= 0;
    page->refused = ends ? HL_NOT_BEGUN : HL_UNOBSERVED;
    hl_page_farewell(page);
    if (!page->answered)
        dprintf(STDERR_FILENO, "heaplens: %s%s\n", ends ? "" : HL_UNOBSERVED_WORDS, page->refusal);
    if (ends)
        syscall(SYS_exit_group, STATUS_REFUSED);
}

static bool observed(void);
static int dying(int signum, int where);
static void asked(void);
static void leave_by_signal(int signum);
/* What stands in RUN_PROGRAM of a process that another one started: as of the first, never an
 * argument. The event is cpython.run_command, _module, _file, _stdin ..., its argument the text. */
static void name_program(const char *event, void *args)
{
    const char *how = event + strlen("cpython.run_");
    hl_page *page = run.page;
    bool module = !strcmp(how, "module"), file = !strcmp(how, "file");
    void *(*item)(void *, ssize_t) =
        (void *(*)(void *, ssize_t))dlsym(RTLD_DEFAULT, "PySequence_GetItem");
    const char *(*text)(void *) = (const char *(*)(void *))dlsym(RTLD_DEFAULT, "PyUnicode_AsUTF8");
    void (*clear)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "PyErr_Clear");
    void (*drop)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "Py_DecRef");
    void *what = (module || file) && item && text && clear && drop ? item(args, 0) : NULL;
    const char *name = what ? text(what) : NULL;
    if (name)
        snprintf(page->program, sizeof page->program, "%s%s", module ? "-m " : "", name);
    else
        snprintf(page->program, sizeof page->program, "%s", strcmp(how, "command") ? "-" : "-c");
    if (what) {
        clear();
        drop(what);
    }
}

/* What it does is not seen: that is said with the verdict. */
static void in_forked_child(void)
{
    run.forked = getpid();
    __atomic_add_fetch(&run.page->forked, 1, __ATOMIC_RELAXED);
}

/* A child that only was to start a program is none of those. */
static void forget_forked(void)
{
    if (!run.forked || run.forked != getpid())
        return;
    run.forked = 0;
    __atomic_sub_fetch(&run.page->forked, 1, __ATOMIC_RELAXED);
}

static int hook(const char *event, void *args, void *data)
{
    if (run.asked || strncmp(event, "cpython.run_", 12) != 0)
        return 0;
    run.asked = true;
    run.gil_held = (int (*)(void))dlsym(RTLD_DEFAULT, "PyGILState_Check");
    run.interpreter_up = (int (*)(void))dlsym(RTLD_DEFAULT, "Py_IsInitialized");
    if (run.page->first_pid)
        name_program(event, args);
    hl_arming arming =
        run.gil_held && run.interpreter_up ? hl_core_arm(run.page, &run.core) : HL_UNFIT;
    run.armed = arming == HL_ARMED;
    if (!run.armed && run.page->first_pid)
        hl_follow_missed(run.page->refusal);
    else if (!run.armed)
        go_without(arming);
    if (!run.armed)
        return 0;
    static const hl_signals host = {observed, dying, asked, leave_by_signal};
    hl_signals_begin(&host, (int)run.page->look_signal);
    if (!run.page->follow) {
        (void)pthread_atfork(NULL, NULL, in_forked_child); /* no memory: they are not counted */
        hl_follow_not(run.page);
    }
    return 0;
}

static bool is_variable(const char *entry, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(entry, name, n) && entry[n] == '=';
}

static bool is_ours(const char *entry)
{
    return is_variable(entry, HL_PAGE_ENV) || is_variable(entry, HL_FOLLOW_ENV) ||
           is_variable(entry, "LD_PRELOAD");
}

/* The system goes on showing the strings the process was started with, one behind the other: ours
 * are taken out of their row, so that it is the user's. Nothing has begun that could hold one of
 * them yet. False: they do not stand in a row, and nothing was changed. */
static bool take_out_of_row(void)
{
    size_t n = 0, kept = 0;
    for (; environ[n]; n++)
        if (n && environ[n] != environ[n - 1] + strlen(environ[n - 1]) + 1)
            return false;
    if (!n)
        return false;
    char *to = environ[0], *end = environ[n - 1] + strlen(environ[n - 1]) + 1;
    for (size_t i = 0; i < n; i++) {
        char *entry = environ[i];
        size_t length = strlen(entry) + 1;
        if (is_ours(entry))
            continue;
        environ[kept++] = memmove(to, entry, length);
        to += length;
    }
    environ[kept] = NULL;
    memset(to, 0, (size_t)(end - to));
    return true;
}

/* What the launcher put in goes out before anybody looks; what the user had there comes back. A
 * library the user preloads has begun, and may hold what the environment says. */
static void scrub_environment(void)
{
    const char *users = getenv(HL_PRELOAD_ENV);
    if (!users && take_out_of_row())
        return;
    if (users)
        setenv("LD_PRELOAD", users, 1);
    else
        unsetenv("LD_PRELOAD");
    unsetenv(HL_PRELOAD_ENV);
    unsetenv(HL_PAGE_ENV);
    unsetenv(HL_FOLLOW_ENV);
}

static hl_page *map_page(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *p = mmap(NULL, HL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return p == MAP_FAILED ? NULL : p;
}

/* Not the first process, and started by one of its family: observed if it is a Python that a core
 * fits; else it only hands on. */
static void join(hl_page *first, const char *page_path, int (*add_hook)(hook_fn *, void *))
{
    hl_follow_begin(first, page_path);
    if (!add_hook)
        return;
    run.page = hl_follow_page();
    run.owner = getpid();
    if (run.page && hl_core_fits(run.page))
        add_hook(hook, run.page);
    else
        hl_follow_missed(run.page ? "there is no build of heaplens for their interpreter"
                                  : "there is no memory for a page to watch with");
}

/* path: of the page; followed: another process of the family started this one. */
static void prepare(const char *path, bool followed)
{
    int (*add_hook)(hook_fn *, void *) =
        (int (*)(hook_fn *, void *))dlsym(RTLD_DEFAULT, "PySys_AddAuditHook");
    bool python = add_hook || dlsym(RTLD_DEFAULT, "PyPy_GetVersion") ||
                  dlsym(RTLD_DEFAULT, "Py_GetVersion"); /* 3.7 and earlier */
    if (!python && !followed)
        return;
    char page_path[64];
    snprintf(page_path, sizeof page_path, "%s", path);
    hl_page *page = map_page(page_path);
    scrub_environment();
    if (!page && !followed)
        dprintf(STDERR_FILENO, "heaplens: the observer is gone: the program runs unobserved\n");
    if (!page || page->version != HL_PAGE_VERSION)
        return;
    run.owner = getpid();
    if (followed || (pid_t)page->owner_pid != run.owner) {
        if (page->follow)
            join(page, page_path, add_hook);
        return;
    }
    run.page = page;
    /* An entry in the list of hooks that stays there ends CPython under -X dev (unlink_audit_hook):
     * where there is no build none is made. */
    if (!hl_core_fits(page)) {
        hl_core_refuse(page);
        go_without(HL_UNFIT);
        return;
    }
    add_hook(hook, run.page);
    if (page->follow)
        hl_follow_begin(page, page_path);
}

/* ---- end ----------------------------------------------------------------------------------- */

static bool observed(void)
{
    return run.armed && getpid() == run.owner;
}

/* The last snapshot, if the farewell at interpreter exit has not taken it. */
static void settle(const char *reason)
{
    if (!run.page->settled)
        run.core.farewell(reason, run.interpreter_up() && run.gil_held());
}

/* Waits until the verdict is out. Gives the status to leave with: the program's own, unless that is
 * 0 and --fail-on wants another. */
static int leave(int status)
{
    if (__atomic_exchange_n(&run.left, true, __ATOMIC_SEQ_CST))
        return status;
    run.page->exit_status = status;
    run.page->leaving = 1;
    if (run.page->first_pid) {
        run.core.leave(status);
        return status;
    }
    bool finalized = !run.interpreter_up();
    if (finalized)
        hl_park_others();
    hl_page_farewell(run.page);
    if (finalized)
        hl_park_release();
    if (!run.page->answered)
        dprintf(STDERR_FILENO,
                "heaplens: the observing process is gone, and no verdict with it; "
                "try: heaplens diagnose %s\n",
                run.page->file);
    int wanted = run.page->leave_with;
    return status == 0 && wanted >= 0 ? wanted : status;
}

static int dying(int signum, int where)
{
    return run.core.dying(signum, where);
}

static void asked(void)
{
    run.core.asked();
}

static void leave_by_signal(int signum)
{
    leave(SIGNAL_BASE + signum);
}

static int see_out(const char *reason, int status)
{
    if (!observed())
        return status;
    settle(reason);
    return leave(status & 255);
}

static int our_main(int argc, char **argv, char **envp)
{
    const char *page_path = getenv(HL_PAGE_ENV), *follow_path = getenv(HL_FOLLOW_ENV);
    if (page_path || follow_path)
        prepare(page_path ? page_path : follow_path, !page_path);
    return see_out("exit", run.main(argc, argv, environ));
}

INTERPOSED int __libc_start_main(main_fn *, int, char **, void (*)(void), void (*)(void),
                                 void (*)(void), void *);
int __libc_start_main(main_fn *program, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    start_fn *real = (start_fn *)dlsym(RTLD_NEXT, "__libc_start_main");
    run.main = program;
    return real(our_main, argc, argv, init, fini, rtld_fini, stack_end);
}

INTERPOSED void exit(int status)
{
    void (*real)(int) = (void (*)(int))dlsym(RTLD_NEXT, "exit");
    real(see_out("exit", status));
    __builtin_unreachable();
}

INTERPOSED void _exit(int status)
{
    status = see_out("exit", status);
    for (;;)
        syscall(SYS_exit_group, status);
}

INTERPOSED void _Exit(int status)
{
    _exit(status);
}

/* Python leaves after an unhandled KeyboardInterrupt by sending itself the signal. */
INTERPOSED int kill(pid_t pid, int signum)
{
    if (observed() && pid == run.owner && run.page->settled && signum > 0)
        leave(SIGNAL_BASE + signum);
    return (int)syscall(SYS_kill, pid, signum);
}

static void before_exec(const char *path)
{
    forget_forked();
    if (!observed() || run.left)
        return;
    int kept = errno;
    struct stat st;
    if (!access(path, X_OK) && !stat(path, &st) && S_ISREG(st.st_mode)) {
        settle("exec");
        leave(STATUS_UNKNOWN);
    }
    errno = kept;
}

typedef struct image {
    const char *path;
    char *const *argv;
    int fd;
    int (*fexecve)(int, char *const[], char *const[]);
} image;

static int become_path(char *const envp[], void *more)
{
    const image *i = more;
    return (int)syscall(SYS_execve, i->path, i->argv, envp);
}

static int become_descriptor(char *const envp[], void *more)
{
    const image *i = more;
    return i->fexecve(i->fd, i->argv, envp);
}

INTERPOSED int execve(const char *path, char *const argv[], char *const envp[])
{
    image i = {.path = path, .argv = argv};
    before_exec(path);
    return hl_follow_with(path, envp, become_path, &i);
}

INTERPOSED int execv(const char *path, char *const argv[])
{
    return execve(path, argv, environ);
}

INTERPOSED int fexecve(int fd, char *const argv[], char *const envp[])
{
    image i = {.argv = argv, .fd = fd};
    char path[64];
    *(void **)&i.fexecve = dlsym(RTLD_NEXT, "fexecve");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    before_exec(path);
    return hl_follow_with(path, envp, become_descriptor, &i);
}

/* ---- children ------------------------------------------------------------------------------ */

/* In a forked child, GIL held, by the core that was inherited: from here on it is observed. NULL:
 * it is not. */
INTERPOSED hl_page *hl_preload_follow(void);
hl_page *hl_preload_follow(void)
{
    if (!hl_follow_first() || !run.armed || getpid() == run.owner)
        return NULL;
    hl_page *page = hl_follow_page();
    if (!page) {
        hl_follow_missed("there is no memory for a page to watch with");
        return NULL;
    }
    memcpy(page->program, run.page->program, sizeof page->program);
    if (run.page->first_pid)
        munmap(run.page, HL_PAGE_SIZE); /* the parent's own; of the first process there is one */
    run.page = page;
    run.owner = getpid();
    run.left = false;
    return page;
}

INTERPOSED void hl_preload_missed(const char *why);
void hl_preload_missed(const char *why)
{
    hl_follow_missed(why);
}

INTERPOSED void hl_preload_recorded(void);
void hl_preload_recorded(void)
{
    if (hl_follow_first())
        __atomic_add_fetch(&hl_follow_first()->recorded, 1, __ATOMIC_SEQ_CST);
}

/* ---- rounds -------------------------------------------------------------------------------- */

/* The program may import another copy of the core than the one that watches it: the two find each
 * other here, by dlsym. NULL in a process that is not watched. */
INTERPOSED hl_page *hl_preload_page(void);
hl_page *hl_preload_page(void)
{
    return observed() ? run.page : NULL;
}

INTERPOSED void hl_preload_look(void);
void hl_preload_look(void)
{
    if (observed())
        run.core.look();
}

INTERPOSED void *hl_preload_track(void);
void *hl_preload_track(void)
{
    return observed() ? run.core.track() : NULL;
}

/* ---- one thread more ----------------------------------------------------------------------- */

/* Since 3.12 os.fork() warns when /proc/self/stat shows a second thread: ours is not the
 * program's. Field 20 is the number of threads; the name, field 2, may hold anything but ends at
 * the last bracket. */
static FILE *without_our_threads(FILE *file, int ours)
{
    char text[1024];
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = 0;
    char *at = strrchr(text, ')');
    for (int field = 3; at && field <= 20; field++)
        at = strchr(at + 1, ' ');
    char *end = NULL;
    long threads = at ? strtol(at + 1, &end, 10) : 0;
    FILE *copy = threads > ours ? fmemopen(NULL, n + 1, "w+") : NULL;
    if (copy) {
        fprintf(copy, "%.*s %ld%s", (int)(at - text), text, threads - ours, end);
        rewind(copy);
        fclose(file);
        return copy;
    }
    rewind(file);
    return file;
}

static FILE *open_stream(const char *name, const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *) =
        (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, name);
    FILE *file = real(path, mode);
    if (file && path[0] == '/' && !strcmp(path, "/proc/self/stat") && observed()) {
        int ours = run.core.threads();
        if (ours)
            file = without_our_threads(file, ours);
    }
    return file;
}

INTERPOSED FILE *fopen(const char *path, const char *mode)
{
    return open_stream("fopen", path, mode);
}

INTERPOSED FILE *fopen64(const char *path, const char *mode)
{
    return open_stream("fopen64", path, mode);
}
