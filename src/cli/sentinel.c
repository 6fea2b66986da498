/* cli/sentinel.c: outlives the program, and says what was found however it ended.
 *
 * Room   cli; a process of its own, in its own session, no child of the program. It holds the
 *        program's standard error until the verdict is out, and nothing else of it.
 * End    the program rings (a look, a farewell, a refusal); when it is gone, as a pidfd says, a thread
 *        of ours rings in its place. So nobody wakes up to ask, and who waits for the verdict of a
 *        program that was killed has it at once. */
#define _GNU_SOURCE
#include "cli/run.h"
#include "container/container.h"
#include "snapshot/snap_format.h"
#include "snapshot/snap_write.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
    MS = 1000 * 1000,
    ASK_NS = 20 * MS,    /* where nothing tells that the program has died */
    RETRY_NS = 500 * MS, /* the file was in use when it was to be thinned */
    WALKER_SECONDS = 20,
    DEFAULT_KEPT = 40, /* HL_PLAN_DEFAULT_MAX */
};

typedef struct sentinel {
    hl_page *page;
    const hl_run_options *o;
    int program_fd;      /* pidfd; -1: asked by kill */
    hl_verdict_job *job; /* NULL: no memory */
    bool prepared;
    uint32_t observed;   /* looks when the file was last read */
    uint32_t seen, kept; /* looks when the file was last thought of; snapshots in it then */
    bool cannot_thin;
    bool rings; /* a thread rings when the program is gone */
} sentinel;

/* ---- settling in ----------------------------------------------------------------------------- */

static void ignore_signals(void)
{
    static const int signals[] = {SIGINT,  SIGQUIT, SIGHUP,  SIGTERM, SIGTSTP, SIGPIPE,
                                  SIGTTOU, SIGTTIN, SIGUSR1, SIGUSR2, SIGALRM, SIGXFSZ};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_IGN);
}

static void close_between(int from, int to)
{
    if (from <= to)
        syscall(SYS_close_range, from, to, 0);
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* All but standard error and those in keep: pipes of the program must end when it does. */
static void close_others(int *keep, size_t n)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    qsort(keep, n, sizeof *keep, by_value);
    int from = STDERR_FILENO + 1;
    for (size_t i = 0; i < n; i++) {
        if (keep[i] < from)
            continue;
        close_between(from, keep[i] - 1);
        from = keep[i] + 1;
    }
    close_between(from, INT32_MAX);
}

/* The kernel marks page->alive when this thread dies, however it dies. */
static void announce_life(hl_page *page)
{
    static struct robust_list entry;
    static struct robust_list_head head;
    head.list.next = &entry;
    entry.next = &head.list;
    head.futex_offset = (long)((uintptr_t)&page->alive - (uintptr_t)&entry);
    page->alive = (uint32_t)syscall(SYS_gettid);
    syscall(SYS_set_robust_list, &head, sizeof head);
    page->sentinel_pid = (uint32_t)getpid();
}

/* ---- watching -------------------------------------------------------------------------------- */

static bool program_gone(const sentinel *s)
{
    if (s->program_fd < 0)
        return kill((pid_t)s->page->owner_pid, 0) && errno == ESRCH;
    struct pollfd p = {.fd = s->program_fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

static void *ring_when_gone(void *arg)
{
    const sentinel *s = arg;
    struct pollfd p = {.fd = s->program_fd, .events = POLLIN};
    while (poll(&p, 1, -1) < 0 && errno == EINTR)
        ;
    hl_page_ring(&s->page->bell);
    return NULL;
}

/* Half as many again may gather before the file is written anew; none at the end. A failure is told
 * once: the file only becomes longer than it should be. */
static void thin(sentinel *s, bool at_end)
{
    hl_page *page = s->page;
    struct stat st;
    uint32_t most = page->max_snapshots ? page->max_snapshots : DEFAULT_KEPT;
    uint32_t gathered = s->kept + (page->taken - s->seen);
    if (s->cannot_thin || page->taken == s->seen || !page->taken)
        return;
    bool big = !stat(page->file, &st) && (uint64_t)st.st_size > page->max_file_bytes / 4 * 3;
    if (gathered <= (at_end ? most : most + most / 2) && !big)
        return;
    uint32_t nobody = 0, taken = page->taken;
    if (!at_end && !__atomic_compare_exchange_n(&page->file_users, &nobody, HL_FILE_TAKEN, false,
                                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return;
    hl_err err;
    if (hl_thin(page->file, most, page->max_file_bytes, &s->kept, &err)) {
        dprintf(STDERR_FILENO, "heaplens: the recording stays as long as it is: %s\n", err.text);
        s->cannot_thin = true;
    } else if (s->job) {
        hl_verdict_replaced(s->job);
    }
    s->seen = taken;
    if (!at_end)
        hl_page_set(&page->file_users, 0);
}

static void follow(sentinel *s)
{
    uint32_t taken = s->page->taken;
    thin(s, false);
    if (s->job && taken != s->observed)
        hl_verdict_watch(s->job, s->page);
    s->observed = taken;
}

static void prepare(sentinel *s)
{
    if (s->prepared)
        return;
    s->prepared = true;
    thin(s, true);
    if (s->job)
        hl_verdict_prepare(s->job, s->page, s->o);
}

/* Returns when the program waits for an answer, or is gone. */
static void watch(sentinel *s)
{
    hl_page *page = s->page;
    for (;;) {
        uint32_t seen = page->bell;
        if (page->settled)
            prepare(s);
        else if (!page->leaving)
            follow(s);
        if (page->leaving || page->refused || program_gone(s))
            return;
        hl_page_wait(&page->bell, seen, s->rings ? RETRY_NS : ASK_NS);
    }
}

/* Until the process has ended, even if nobody has reaped it: in a container often nobody does. */
static void wait_until_gone(pid_t pid, uint64_t until)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    uint64_t now = hl_page_now();
    if (fd >= 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        (void)poll(&p, 1, now < until ? (int)((until - now) / MS) : 0);
        close(fd);
    }
    while (fd < 0 && !kill(pid, 0) && hl_page_now() < until)
        usleep(1000);
}

/* A child that was walking when the program died goes on to its end. */
static void wait_for_walkers(const hl_page *page)
{
    uint64_t until = hl_page_now() + (uint64_t)WALKER_SECONDS * 1000 * MS;
    for (size_t i = 0; i < sizeof page->walker_pid / sizeof *page->walker_pid; i++)
        if (page->walker_pid[i])
            wait_until_gone((pid_t)page->walker_pid[i], until);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void record_end(const hl_page *page)
{
    hl_err err;
    int fd;
    if (hl_container_append(page->file, &fd, &err))
        return; /* the verdict's reader will meet the same, and say so */
    hl_fields f = {.n = 0};
    if (page->exit_status >= 0)
        hl_field_uint(&f, HL_RUN_EXIT, (uint64_t)page->exit_status);
    hl_field_uint(&f, HL_RUN_SECONDS, (hl_page_now() - page->started_mono_ns) / 1000);
    if (hl_run_record(fd, HL_KIND_RUN_END, 1, &f, &err))
        dprintf(STDERR_FILENO, "heaplens: the end of the run is not in %s: %s\n", page->file,
                err.text);
    close(fd);
}

/* Linux 6.15 and later, <linux/pidfd.h>: how a process ended, as soon as its parent has asked. */
struct pidfd_info {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t exit_code; /* a wait status */
};
_Static_assert(sizeof(struct pidfd_info) == 64, "the kernel's");
#define PIDFD_INFO  _IOWR(0xff, 11, struct pidfd_info)
#define PIDFD_ENDED (UINT64_C(1) << 3)

/* A recording somebody may look for: of a program that was killed. False also where nobody tells. */
static bool was_killed(const sentinel *s)
{
    enum { TRIES = 50, PAUSE_US = 4000 };
    for (int i = 0; i < TRIES && s->program_fd >= 0; i++) {
        struct pidfd_info info = {.mask = PIDFD_ENDED};
        if (ioctl(s->program_fd, PIDFD_INFO, &info) && errno != ESRCH && errno != EREMOTE)
            return false;
        if (info.mask & PIDFD_ENDED)
            return WIFSIGNALED(info.exit_code);
        usleep(PAUSE_US);
    }
    return false;
}

static void speak(sentinel *s)
{
    hl_page *page = s->page;
    if (page->refused) {
        if (page->refusal[0])
            dprintf(STDERR_FILENO, "heaplens: %s%s\n",
                    page->refused == HL_UNOBSERVED ? HL_UNOBSERVED_WORDS : "", page->refusal);
        unlink(page->file);
        return;
    }
    if (!page->armed) {
        dprintf(STDERR_FILENO,
                "heaplens: nothing was examined: the program ended before a Python had begun it "
                "(or what ran is no CPython of 3.9 or later, or ignores LD_PRELOAD)\n");
        if (!was_killed(s))
            unlink(page->file);
        return;
    }
    record_end(page);
    prepare(s);
    page->leave_with = hl_verdict_say(s->job, page, s->o, page->exit_status);
}

_Noreturn void hl_sentinel(hl_page *page, int page_fd, const int keep_fds[HL_PRELOADED],
                           int ready_fd, const hl_run_options *o)
{
    sentinel s = {.page = page, .o = o};
    setsid();
    prctl(PR_SET_NAME, "heaplens");
    ignore_signals();
    s.program_fd = (int)syscall(SYS_pidfd_open, page->owner_pid, 0);
    int keep[] = {page_fd, keep_fds[0], keep_fds[1], ready_fd, s.program_fd};
    close_others(keep, sizeof keep / sizeof *keep);
    announce_life(page);
    if (write(ready_fd, "", 1) != 1)
        _exit(1);
    close(ready_fd);
    if (chdir("/")) { /* only so that no file system stays busy */
    }
    pthread_t ringer;
    s.rings = s.program_fd >= 0 && !pthread_create(&ringer, NULL, ring_when_gone, &s);
    s.job = hl_verdict_begin(o);
    watch(&s);
    if (!page->leaving && !page->refused)
        wait_for_walkers(page);
    speak(&s);
    dup2(STDOUT_FILENO, STDERR_FILENO); /* who reads it to its end need not wait for ours */
    hl_page_set(&page->answered, 1);
    _exit(0); /* the system gives back what we have sooner than we would */
}
