/* preload/follow.c: `run --follow-children`: what a process that starts others hands on to them.
 *
 * Room   preload; any process of the family, a Python or not.
 * Method the environment a program has is never changed. Where it starts another program (exec*,
 *        posix_spawn*, system), that one's environment gets two entries more, LD_PRELOAD and where
 *        the page is; the preload library takes them out again before that program's main, and
 *        remembers. So an environment that somebody can see never holds them, and they survive
 *        shells, `env` and programs that make an environment of their own.
 * Who    only a program that the same loader loads and that may be preloaded: not a set-user-id
 *        one, not a static one, not one of another C library or another word size: in those the
 *        entries would stay visible, or hurt. And nobody once the first process is gone.
 * vfork  the callers may be a child that shares its parent's memory: no malloc, no lock. */
#define _GNU_SOURCE
#include "preload/follow.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define INTERPOSED __attribute__((visibility("default")))

enum {
    ENTRIES_MAX = 16384, /* pointers on the stack: 128 KiB */
    TEXT_MAX = 65536,    /* of a user's LD_PRELOAD */
    SHEBANG_MAX = 256,
    SHEBANGS_DEEP = 5,
    PATH_TEXT = 4096,
    ARGUMENTS_MAX = 4096,
};

/* Written before the program's main, by its only thread. */
static struct {
    hl_page *first;
    hl_page *counts; /* where nobody is followed */
    char page_path[64];
    char page_entry[96];        /* HEAPLENS_FOLLOW=page_path */
    char library[HL_PAGE_PATH]; /* this one */
    char native[HL_PAGE_PATH];  /* the one that follows malloc; "": it is not there */
    char loader[HL_PAGE_PATH];  /* PT_INTERP of this process */
    int (*execvpe)(const char *, char *const[], char *const[]);
} family;

/* ---- begin --------------------------------------------------------------------------------- */

/* The loader that loaded us is the one named in the program's headers. */
static void find_loader(void)
{
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t n = getauxval(AT_PHNUM);
    uintptr_t bias = 0;
    for (size_t i = 0; headers && i < n; i++)
        if (headers[i].p_type == PT_PHDR)
            bias = (uintptr_t)headers - headers[i].p_vaddr;
    for (size_t i = 0; headers && i < n; i++)
        if (headers[i].p_type == PT_INTERP)
            snprintf(family.loader, sizeof family.loader, "%s",
                     (const char *)(bias + headers[i].p_vaddr));
}

void hl_follow_begin(hl_page *first, const char *page_path)
{
    Dl_info self;
    if (!dladdr((const void *)(uintptr_t)hl_follow_begin, &self) || !self.dli_fname)
        return;
    snprintf(family.library, sizeof family.library, "%s", self.dli_fname);
    const void *native = dlsym(RTLD_DEFAULT, "hl_native_here");
    if (native && dladdr(native, &self) && self.dli_fname)
        snprintf(family.native, sizeof family.native, "%s", self.dli_fname);
    snprintf(family.page_path, sizeof family.page_path, "%s", page_path);
    snprintf(family.page_entry, sizeof family.page_entry, HL_FOLLOW_ENV "=%s", page_path);
    family.execvpe =
        (int (*)(const char *, char *const[], char *const[]))dlsym(RTLD_NEXT, "execvpe");
    find_loader();
    family.first = first;
}

void hl_follow_not(hl_page *page)
{
    family.counts = page;
}

hl_page *hl_follow_first(void)
{
    return family.first;
}

hl_page *hl_follow_page(void)
{
    const hl_page *first = family.first;
    void *p = mmap(NULL, HL_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    hl_page *page = p;
    page->version = HL_PAGE_VERSION;
    strcpy(page->packages, first->packages);
    strcpy(page->program, first->program);
    strcpy(page->stem, first->stem);
    strcpy(page->round_of, first->round_of);
    page->run_id = first->run_id;
    page->limit_bytes = first->limit_bytes;
    page->max_snapshots = first->max_snapshots;
    page->interval_ms = first->interval_ms;
    page->look_signal = first->look_signal;
    page->track = first->track;
    page->track_bytes = first->track_bytes;
    page->at_rss_bytes = first->at_rss_bytes;
    page->started_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    page->started_mono_ns = hl_page_now();
    page->due_round = HL_ROUND_NEVER;
    page->follow = 1;
    page->first_pid = first->owner_pid;
    page->owner_pid = (uint32_t)getpid();
    page->parent_pid = (uint32_t)getppid();
    page->exit_status = page->leave_with = -1;
    return page;
}

/* Several processes may come at once: the first of all has the word. */
void hl_follow_missed(const char *why)
{
    hl_page *first = family.first;
    if (first && !__atomic_fetch_add(&first->missed, 1, __ATOMIC_SEQ_CST))
        snprintf(first->missed_why, sizeof first->missed_why, "%s", why);
}

/* ---- who can be followed ------------------------------------------------------------------- */

static bool read_at(int fd, void *to, size_t n, off_t at)
{
    return pread(fd, to, n, at) == (ssize_t)n;
}

/* Is it loaded by the loader that loads us? */
static bool same_loader(int fd)
{
    ElfW(Ehdr) head;
    char loader[PATH_TEXT];
    size_t n = strlen(family.loader) + 1;
    if (n < 2 || n > sizeof loader || !read_at(fd, &head, sizeof head, 0) ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) ||
        head.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        head.e_phentsize != sizeof(ElfW(Phdr)))
        return false;
    for (unsigned i = 0; i < head.e_phnum; i++) {
        ElfW(Phdr) p;
        if (!read_at(fd, &p, sizeof p, (off_t)(head.e_phoff + i * sizeof p)))
            return false;
        if (p.p_type == PT_INTERP)
            return p.p_filesz == n && read_at(fd, loader, n, (off_t)p.p_offset) &&
                   !memcmp(loader, family.loader, n);
    }
    return false; /* static */
}

/* Rights that a file gives make the loader deaf to LD_PRELOAD. */
static bool gives_rights(int fd, const char *path)
{
    struct stat st;
    return fstat(fd, &st) || !S_ISREG(st.st_mode) || (st.st_mode & (S_ISUID | S_ISGID)) ||
           getxattr(path, "security.capability", NULL, 0) > 0;
}

static bool may_be_followed(const char *path)
{
    char line[SHEBANG_MAX + 1], next[SHEBANG_MAX + 1];
    for (int deep = 0; deep < SHEBANGS_DEEP; deep++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return false;
        ssize_t n = pread(fd, line, SHEBANG_MAX, 0);
        bool script = n > 2 && line[0] == '#' && line[1] == '!';
        bool fits = !script && !gives_rights(fd, path) && same_loader(fd);
        close(fd);
        if (!script)
            return fits;
        line[n] = 0;
        char *from = line + 2 + strspn(line + 2, " \t");
        from[strcspn(from, " \t\r\n")] = 0;
        strcpy(next, from);
        path = next;
    }
    return false;
}

static bool is_entry(const char *entry, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(entry, name, n) && entry[n] == '=';
}

/* The first process and what we hand on are still there, as the child will see them. */
static bool still_there(void)
{
    return !access(family.page_path, R_OK | W_OK) && !access(family.library, R_OK) &&
           (!*family.native || !access(family.native, R_OK));
}

/* Entries of envp, and the user's own LD_PRELOAD among them; 0: it is not to be touched. */
static size_t count(char *const envp[], const char **users)
{
    size_t n = 0;
    *users = NULL;
    for (; envp && envp[n]; n++) {
        if (n >= ENTRIES_MAX || is_entry(envp[n], HL_PAGE_ENV) || is_entry(envp[n], HL_FOLLOW_ENV))
            return SIZE_MAX; /* a run of its own begins there */
        if (is_entry(envp[n], "LD_PRELOAD") && !*users)
            *users = envp[n] + strlen("LD_PRELOAD=");
    }
    return *users && strlen(*users) > TEXT_MAX ? SIZE_MAX : n;
}

static bool is_python(const char *path)
{
    static const char name[] = "python";
    const char *slash = path ? strrchr(path, '/') : NULL;
    return path && !strncmp(slash ? slash + 1 : path, name, sizeof name - 1);
}

/* Whoever starts a program does not come back, or gets a 0, unless it cannot be started. */
static int call_unfollowed(const char *path, char *const envp[], hl_with_environment *call,
                           void *more)
{
    if (!family.counts || !is_python(path))
        return call(envp, more);
    __atomic_add_fetch(&family.counts->started, 1, __ATOMIC_RELAXED);
    int failed = call(envp, more);
    if (failed)
        __atomic_sub_fetch(&family.counts->started, 1, __ATOMIC_RELAXED);
    return failed;
}

int hl_follow_with(const char *path, char *const envp[], hl_with_environment *call, void *more)
{
    int kept = errno;
    const char *users;
    size_t n = family.first && path ? count(envp, &users) : SIZE_MAX;
    bool follow = n != SIZE_MAX && may_be_followed(path) && still_there();
    errno = kept;
    if (!follow)
        return call_unfollowed(path, envp, call, more);
    size_t text = strlen(family.library) + strlen(family.native) + (users ? strlen(users) : 0) + 64;
    char *preload = __builtin_alloca(text);
    char *own = __builtin_alloca(text);
    char **env = __builtin_alloca((n + 4) * sizeof *env);
    size_t k = 0;
    snprintf(preload, text, "LD_PRELOAD=%s%s%s%s%s", family.library, *family.native ? ":" : "",
             family.native, users && *users ? ":" : "", users ? users : "");
    for (size_t i = 0; i < n; i++)
        env[k++] = is_entry(envp[i], "LD_PRELOAD") ? preload : envp[i];
    if (!users)
        env[k++] = preload;
    if (users) {
        snprintf(own, text, HL_PRELOAD_ENV "=%s", users);
        env[k++] = own;
    }
    env[k++] = family.page_entry;
    env[k] = NULL;
    return call(env, more);
}

/* ---- the ways to start a program ----------------------------------------------------------- */
/* execv, execve and fexecve are in preload.c: the program itself may end there. */

/* Where execvp and posix_spawnp will find it. */
static const char *on_path(const char *file, char found[PATH_TEXT])
{
    const char *path = getenv("PATH");
    if (strchr(file, '/'))
        return file;
    for (const char *p = path ? path : "/bin:/usr/bin";; p++) {
        size_t n = strcspn(p, ":");
        int length = snprintf(found, PATH_TEXT, "%.*s%s%s", (int)n, p, n ? "/" : "", file);
        if (length > 0 && length < PATH_TEXT && !access(found, X_OK))
            return found;
        p += n;
        if (!*p)
            return NULL;
    }
}

typedef struct request {
    const char *file;
    char *const *argv;
    pid_t *pid;
    const posix_spawn_file_actions_t *actions;
    const posix_spawnattr_t *attributes;
    int (*spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                 const posix_spawnattr_t *, char *const[], char *const[]);
} request;

static int exec_along_path(char *const envp[], void *more)
{
    const request *r = more;
    int (*real)(const char *, char *const[], char *const[]) = family.execvpe;
    if (!real)
        real = (int (*)(const char *, char *const[], char *const[]))dlsym(RTLD_NEXT, "execvpe");
    return real(r->file, r->argv, envp);
}

INTERPOSED int execvpe(const char *file, char *const argv[], char *const envp[])
{
    char found[PATH_TEXT];
    request r = {.file = file, .argv = argv};
    int kept = errno;
    const char *path = family.first ? on_path(file, found) : file;
    errno = kept;
    return hl_follow_with(path, envp, exec_along_path, &r);
}

INTERPOSED int execvp(const char *file, char *const argv[])
{
    return execvpe(file, argv, environ);
}

static int spawn(char *const envp[], void *more)
{
    const request *r = more;
    return r->spawn(r->pid, r->file, r->actions, r->attributes, r->argv, envp);
}

INTERPOSED int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                           const posix_spawnattr_t *attributes, char *const argv[],
                           char *const envp[])
{
    request r = {path, argv, pid, actions, attributes, NULL};
    *(void **)&r.spawn = dlsym(RTLD_NEXT, "posix_spawn");
    return hl_follow_with(path, envp, spawn, &r);
}

INTERPOSED int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                            const posix_spawnattr_t *attributes, char *const argv[],
                            char *const envp[])
{
    char found[PATH_TEXT];
    request r = {file, argv, pid, actions, attributes, NULL};
    *(void **)&r.spawn = dlsym(RTLD_NEXT, "posix_spawnp");
    int kept = errno;
    const char *path = family.first ? on_path(file, found) : file;
    errno = kept;
    return hl_follow_with(path, envp, spawn, &r);
}

/* The argument lists of execl and its kin end at a NULL; argv gets them on the stack. */
#define GATHER(argv, first, list)                                                                  \
    char *argv[ARGUMENTS_MAX];                                                                     \
    size_t n_##argv = 0;                                                                           \
    for (const char *word = (first);; word = va_arg(list, const char *)) {                         \
        argv[n_##argv++] = (char *)(uintptr_t)word;                                                \
        if (!word)                                                                                 \
            break;                                                                                 \
        if (n_##argv == ARGUMENTS_MAX) {                                                           \
            va_end(list);                                                                          \
            errno = E2BIG;                                                                         \
            return -1;                                                                             \
        }                                                                                          \
    }

INTERPOSED int execl(const char *path, const char *first, ...)
{
    va_list list;
    va_start(list, first);
    GATHER(argv, first, list)
    va_end(list);
    return execve(path, argv, environ);
}

INTERPOSED int execlp(const char *file, const char *first, ...)
{
    va_list list;
    va_start(list, first);
    GATHER(argv, first, list)
    va_end(list);
    return execvpe(file, argv, environ);
}

INTERPOSED int execle(const char *path, const char *first, ...)
{
    va_list list;
    va_start(list, first);
    GATHER(argv, first, list)
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    return execve(path, argv, envp);
}

/* ---- system -------------------------------------------------------------------------------- */

/* The C library's own starts the shell by a way that cannot be stepped into. While the command runs
 * SIGINT and SIGQUIT are ignored and SIGCHLD is blocked; with several threads in here the first in
 * and the last out see to the former. */
static struct {
    uint32_t lock; /* futex word; guards the rest */
    unsigned inside;
    struct sigaction interrupt, quit;
} commands;

static void lock(void)
{
    while (__atomic_exchange_n(&commands.lock, 1, __ATOMIC_ACQUIRE))
        syscall(SYS_sched_yield);
}

static void unlock(void)
{
    __atomic_store_n(&commands.lock, 0, __ATOMIC_RELEASE);
}

static int run_shell(const char *command, const sigset_t *mask)
{
    char *const argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                          (char *)(uintptr_t)command, NULL};
    posix_spawnattr_t attributes;
    sigset_t defaults;
    pid_t pid;
    int status = -1;
    sigemptyset(&defaults);
    if (commands.interrupt.sa_handler != SIG_IGN)
        sigaddset(&defaults, SIGINT);
    if (commands.quit.sa_handler != SIG_IGN)
        sigaddset(&defaults, SIGQUIT);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int e = posix_spawn(&pid, "/bin/sh", NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    if (e)
        return 127 << 8; /* as if the shell had not been found */
    pid_t gone;
    do
        gone = waitpid(pid, &status, 0);
    while (gone < 0 && errno == EINTR);
    return gone < 0 ? -1 : status;
}

INTERPOSED int system(const char *command)
{
    if (!family.first || !command) {
        int (*real)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "system");
        return real(command);
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t block, mask;
    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    lock();
    if (!commands.inside++) {
        sigaction(SIGINT, &ignore, &commands.interrupt);
        sigaction(SIGQUIT, &ignore, &commands.quit);
    }
    unlock();
    pthread_sigmask(SIG_BLOCK, &block, &mask);
    int status = run_shell(command, &mask);
    int kept = errno;
    lock();
    if (!--commands.inside) {
        sigaction(SIGINT, &commands.interrupt, NULL);
        sigaction(SIGQUIT, &commands.quit, NULL);
    }
    unlock();
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    errno = kept;
    return status;
}
