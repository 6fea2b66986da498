/* inside/pulse.c: looks at the program from time to time, and once more when it ends.
 *
 * Room   inside; target process under `heaplens run`. Armed by the preload library with the GIL
 *        held, before the program begins.
 * Watcher a native thread, all signals blocked. It reads the resident size every 1 to 50 ms until
 *        a look is due (pulse_plan.c), takes the GIL for the moment of the clone only, so that no
 *        thread state of ours outlives the pause, and waits for the child without it. It has a table of
 *        descriptors of its own, empty but for the file: the program's is as without us.
 * Guard  a second thread, mostly asleep. Where the GIL is not to be had, because one call in C
 *        keeps it, it looks without it: such a look shows what was there and proves no growth
 *        (HL_SNAP_UNSETTLED).
 * Signal the preload library's handler (preload/signals.c) tells that one is about to end the
 *        program. A thread that stands at a system call with the GIL is looked at on the spot; else
 *        the watcher takes the GIL, never gives it back, and ends the program by that signal; where
 *        it does not get it the guard does, without.
 * Farewell the last exit handler (at_exit.c): non-daemon threads are gone, the GIL is held. From
 *        then on the watcher never attaches again. Forked children inherit the handler and no
 *        thread: the owner's pid tells them apart.
 * Order  pulse.ending is set once, by the farewell; with the GIL held, the answer is exact.
 *        pulse.plan, first: the watcher's, after it was started. streams, handed: the GIL.
 *        pulse.usual_patience: the watcher, and a forked child, where there is none.
 * Followed, with --follow-children: a forked child begins anew with a page of its own, in a
 *        callback of os.register_at_fork, when Python has put itself in order; a Python that was
 *        started anew is armed like the first. There the watcher waits until the process is old
 *        enough to be worth a file, makes that, and takes the first look then.
 * Rounds a program that says when a unit of work is done is looked at between two of them: the
 *        watcher writes into the page which round is due, the mark that reaches it clones the child
 *        and goes on, the watcher does the rest. A round that does not end in time is not waited
 *        for. */
#include "inside/inside_abi.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/at_exit.h"
#include "inside/attach.h"

#include "base/err.h"
#include "container/container.h"
#include "inside/importing.h"
#include "inside/inside.h"
#include "inside/out_of_memory.h"
#include "inside/pulse_plan.h"
#include "inside/recording.h"
#include "inside/rounds.h"
#include "inside/vitals.h"
#include "preload/page.h"
#include "preload/park.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define EXPORTED __attribute__((visibility("default")))

enum {
    STACK_BYTES = 512 * 1024, /* the child walks on a copy of it */
    CHILD_SECONDS = 120,
    UNSETTLED_SECONDS = 20, /* it may walk in a circle */
    FAULT_NS = 5000,        /* a write to a page shared with the child: 3.5-8.5 us measured */
    LONG_NS = 1000000000,
    WAIT_NS = 50 * 1000 * 1000,
    LIMIT_POLL_NS = 20 * 1000 * 1000,
    ROUNDS_WAIT_NS = 300 * 1000 * 1000, /* of walking, in all */
    THOROUGH_BYTES = 512 * 1024 * 1024,
};

static const uint64_t FILE_WAIT_NS = UINT64_C(1000000000),
                      LAST_FILE_WAIT_NS = UINT64_C(10000000000);
static const uint64_t DYING_WAIT_NS = UINT64_C(1000000000); /* for the GIL */
static const uint64_t DEAD_WAIT_NS = UINT64_C(30000000000); /* for all of it */

enum slot { BY_WATCHER, AT_FAREWELL, SLOTS };
enum { WATCHES = 1, BORROWS = 2, UNSETTLED = 4, APART = 8 }; /* how a look is taken */

typedef struct look { /* one snapshot under way */
    pid_t child;      /* 0: none */
    enum slot slot;
    bool unsettled, uses_file;
    uint64_t at_ns, rss_bytes, faults, rounds;
    uint64_t stop_ns; /* CPU time of the clone: on a busy machine the pause is longer by what
                         others took, which is none of our cost */
} look;

static struct {
    hl_page *page;
    pid_t owner;
    hl_shot *shots[SLOTS];
    /* of the preload library, where children are followed: a page for this forked child; the first
     * process is told that one is not observed, or has a file */
    hl_page *(*follow)(void);
    void (*missed)(const char *why);
    void (*recorded)(void);
    atomic_bool watching, guarding, attaching, ending;
    atomic_bool recording;  /* there is a file */
    volatile uint32_t wake; /* futex word: tells the watcher that the farewell began */
    volatile uint32_t busy; /* futex word: the watcher's child is at work */
    volatile uint32_t
        tick; /* futex word: tells the guard that the watcher wants the GIL, or to go */
    atomic_ullong wants_since; /* when the watcher began to want the GIL; 0: it does not */
    atomic_ullong watcher_cpu_ns, guard_cpu_ns;
    atomic_int dying;            /* the signal that is about to end the program */
    atomic_bool taken;           /* `ending` was set for a signal, by a thread of ours */
    _Atomic(const char *) asked; /* why, by a signal or for want of memory; or NULL */
    uint64_t missed_ns;          /* when memory was last missing; GIL */
    bool was_big;                /* at_rss_bytes is reached; watcher */
    hl_ending *end_by_signal;
    pid_t watcher_tid, guard_tid;
    bool one_core;
    int statm_fd; /* in the watcher's own table of descriptors; -1: it has none */
    uint32_t streams;
    unsigned long usual_patience; /* microseconds, while the watcher has shortened it; else 0 */
    hl_plan plan;
    look first;
    look handed;           /* begun between two rounds, by the program's own thread */
    atomic_bool is_handed; /* the watcher is to see it through */
    atomic_bool early;     /* a round may wait for the look before to end, if that is cheap ... */
    uint64_t may_wait_ns;  /* ... for so long in all; GIL */
    uint64_t rounds_ns;    /* CPU of clones in the program's own threads; GIL */
} pulse;

/* The watcher keeps the file open where it has a table of its own. */
static uint64_t resident_bytes(bool watcher)
{
    return watcher && pulse.statm_fd >= 0 ? hl_vitals_resident_at(pulse.statm_fd)
                                          : hl_vitals_resident();
}

/* ---- one look ------------------------------------------------------------------------------ */

/* The first failure is kept as a sentence, the others are counted. */
static void failed(const char *format, ...) HL_PRINTF(1, 2);
static void failed(const char *format, ...)
{
    hl_page *page = pulse.page;
    if (__atomic_fetch_add(&page->failed, 1, __ATOMIC_SEQ_CST))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(page->failure, sizeof page->failure, format, args);
    va_end(args);
}

static const char *doing(uint32_t step)
{
    switch ((enum hl_shot_step)step) {
    case HL_STEP_START:
        return "starting";
    case HL_STEP_ROOTS:
        return "listing the roots";
    case HL_STEP_HEAP:
        return "walking the heap";
    case HL_STEP_NAMES:
        return "writing names";
    case HL_STEP_END:
        break;
    }
    return "ending";
}

static void child_failed(const hl_shot *shot)
{
    if (!shot->done)
        failed("the child that takes the snapshot died while %s", doing(shot->where));
    else if (shot->status == HL_NO_SPACE)
        failed("disk full: %s", strerror(shot->error ? shot->error : ENOSPC));
    else if (shot->status == HL_NO_MEMORY)
        failed("no memory for a snapshot while %s: is there a limit (ulimit -v, a container's)?",
               doing(shot->where));
    else if (shot->error)
        failed("a snapshot could not be written while %s: %s", doing(shot->where),
               strerror(shot->error));
    else
        failed("a snapshot failed while %s (status %u)", doing(shot->where), shot->status);
}

/* Appends to the file. Where the program has closed a standard stream the descriptor must not take
 * its place: what a library of the program writes there would end up in the file. */
static int file_open(void)
{
    hl_err err;
    int fd;
    if (hl_container_append(pulse.page->file, &fd, &err)) {
        failed("%s", err.text);
        return -1;
    }
    if (fd > STDERR_FILENO)
        return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int e = errno;
    close(fd);
    if (above < 0)
        failed("no descriptor for the file: %s", strerror(e));
    return above;
}

/* One look at a time, but for the last; with or without the GIL. */
static bool claim(void)
{
    uint32_t idle = 0;
    return __atomic_compare_exchange_n(&pulse.busy, &idle, 1, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* CPU of our own threads. watches: we are the watcher. */
static uint64_t threads_cpu_ns(bool watches)
{
    uint64_t watcher =
        watches ? hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID) : atomic_load(&pulse.watcher_cpu_ns);
    return watcher + atomic_load(&pulse.guard_cpu_ns);
}

/* GIL held, unless UNSETTLED; the file is in use by us. CPU time is the program's: the child's is
 * not in it, our threads' is taken off. */
static void look_start(look *l, enum slot slot, unsigned how, const char *reason)
{
    bool watcher = how & WATCHES;
    *l = (look){
        .slot = slot,
        .unsettled = (how & UNSETTLED) != 0,
        .uses_file = true,
        .at_ns = hl_page_now(),
        .rss_bytes = resident_bytes(watcher),
        .rounds = pulse.page->rounds,
    };
    int fd = file_open();
    if (fd < 0)
        return;
    uint64_t ours = threads_cpu_ns(watcher) + pulse.rounds_ns;
    uint64_t cpu_ns = hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - ours;
    pulse.page->cpu_ns = cpu_ns;
    hl_shot_request request = {
        .fd = fd,
        .stream = ++pulse.streams,
        .reason = reason,
        .time_us = (l->at_ns - pulse.page->started_mono_ns) / 1000,
        .cpu_us = cpu_ns / 1000,
        .user_us = hl_vitals_user_us(),
        .rss_bytes = l->rss_bytes,
        .rounds = l->rounds,
        .program = pulse.page->program,
        .deadline = l->unsettled ? UNSETTLED_SECONDS : CHILD_SECONDS,
        .unsettled = l->unsettled,
        .apart = (how & APART) != 0,
        .borrow = (how & BORROWS) != 0,
        /* the program waits for it: not where that takes long */
        .thorough = (how & BORROWS) && l->rss_bytes < THOROUGH_BYTES,
    };
    l->faults = hl_vitals_minor_faults();
    hl_shot *shot = pulse.shots[slot];
    memset(shot, 0, sizeof *shot);
    uint64_t before = hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    pid_t child = hl_child_start(&request, shot);
    l->stop_ns = hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
    close(fd);
    if (child < 0) {
        failed("cannot clone the program for a snapshot: %s", strerror(-child));
        return;
    }
    l->child = child;
    pulse.page->walker_pid[slot] = (uint32_t)child;
    __atomic_fetch_add(&pulse.page->pause_ns, shot->pause_ns, __ATOMIC_SEQ_CST);
}

/* Pages the program wrote to while they were shared with the child. What it gained meanwhile was
 * new pages, which fault without us too. */
static uint64_t copy_ns(const look *l)
{
    uint64_t faults = hl_vitals_minor_faults() - l->faults;
    uint64_t now = resident_bytes(l->slot == BY_WATCHER);
    uint64_t grown = now > l->rss_bytes ? (now - l->rss_bytes) / 4096 : 0;
    return faults > grown ? (faults - grown) * FAULT_NS : 0;
}

/* The GIL is not needed. Returns what the look cost the program. A child that died in a heap nobody
 * held still is no failure: the look was worth a try. */
static uint64_t look_finish(look *l)
{
    hl_page *page = pulse.page;
    hl_shot *shot = pulse.shots[l->slot];
    int status = l->child ? hl_child_finish(l->child, shot) : HL_OK;
    if (l->uses_file)
        hl_page_file_done(page);
    l->uses_file = false;
    if (!l->child)
        return 0;
    page->walker_pid[l->slot] = 0;
    __atomic_fetch_add(&page->ours_ns, shot->walk_ns, __ATOMIC_SEQ_CST);
    if (l->unsettled && (status || !shot->done))
        ;
    else if (status || !shot->done)
        child_failed(shot);
    else
        __atomic_fetch_add(&page->taken, 1, __ATOMIC_SEQ_CST);
    uint64_t copies = copy_ns(l);
    __atomic_fetch_add(&page->fault_ns, copies, __ATOMIC_SEQ_CST);
    l->child = 0;
    return l->stop_ns + copies + (pulse.one_core ? shot->walk_ns : 0);
}

/* ---- the watcher --------------------------------------------------------------------------- */

/* The program has become as big as it was said to be looked at: once, until it was clearly smaller.
 */
static bool has_become_big(void)
{
    uint64_t limit = pulse.page->at_rss_bytes, rss = limit ? resident_bytes(true) : 0;
    bool now = limit && rss >= limit, news = now && !pulse.was_big;
    if (now || rss < limit - limit / 8)
        pulse.was_big = now;
    return news;
}

/* Sleeps until a look is due and says why, or one was handed over; NULL when the farewell has
 * begun. Where rounds are declared the next one is asked first. */
static const char *wait_until_due(void)
{
    hl_plan *plan = &pulse.plan;
    hl_page *page = pulse.page;
    for (uint64_t before = 0, asked = 0;;) {
        uint32_t seen = pulse.wake;
        if (atomic_load(&pulse.is_handed))
            return "round";
        if (atomic_load(&pulse.ending))
            return NULL;
        if (atomic_load(&pulse.dying))
            return "signal";
        const char *why = atomic_exchange(&pulse.asked, NULL);
        if (why)
            return why;
        if (has_become_big())
            return "limit";
        uint64_t now = hl_page_now();
        uint64_t until = now + (page->at_rss_bytes ? LIMIT_POLL_NS : LONG_NS), next = until;
        bool spent = hl_plan_spent(plan);
        uint64_t rss = spent ? 0 : resident_bytes(true);
        uint64_t paid = hl_plan_not_before(plan, rss);
        if (!spent && now < paid) { /* growth may make it due sooner */
            bool may_grow = now >= plan->free_growing_ns;
            until =
                may_grow ? hl_plan_next_poll(plan, now, rss, rss != before) : plan->free_growing_ns;
            until = until < paid ? until : paid;
            before = rss;
        } else if (!spent) {
            const char *reason = now >= hl_plan_due_at(plan, rss) ? "time"
                                 : rss >= hl_plan_due_bytes(plan) ? "growth"
                                                                  : NULL;
            uint64_t patience = hl_plan_round_patience(plan, now, page->rounds);
            if (reason && (!page->rounds || (asked && now >= asked + patience)))
                return reason;
            asked = !reason ? 0 : asked ? asked : now;
            page->due_round = reason ? 0 : hl_plan_due_round(plan);
            until = reason ? asked + patience : hl_plan_next_poll(plan, now, rss, rss != before);
            before = rss;
        }
        hl_page_wait(&pulse.wake, seen, (until < next ? until : next) - now);
    }
}

/* Where the interpreter keeps how long a thread that wants the GIL waits before it asks for it. */
static unsigned long *gil_patience(void)
{
#if HL_PY_AT_LEAST(12)
    struct _gil_runtime_state *gil = _PyRuntime.interpreters.main->ceval.gil;
    return gil ? &gil->interval : NULL;
#else
    return &_PyRuntime.ceval.gil.interval;
#endif
}

/* With the usual 5 ms of patience a program of 50 ms would be over after three looks. And who lets
 * the GIL go for a moment every few of them (an event loop, in each turn) wakes whoever waits, has it
 * again first, and so is never asked for it: half a second without a look, measured. So the patience
 * is shorter for the moment of the asking. It comes back with the GIL held, unless the program has
 * set its own meanwhile. */
enum { SHORT_US = 40 };

static PyThreadState *gil_take(void)
{
    unsigned long *patience = gil_patience();
    unsigned long usual = patience ? *patience : 0;
    if (usual <= SHORT_US)
        return hl_attach();
    pulse.usual_patience = usual;
    *patience = SHORT_US;
    PyThreadState *gil = hl_attach();
    if (*patience == SHORT_US)
        *patience = usual;
    pulse.usual_patience = 0;
    return gil;
}

/* The guard: a wait that lasts need not be a busy one. */
static void patience_back(void)
{
    unsigned long *patience = pulse.usual_patience ? gil_patience() : NULL;
    if (patience && *patience == SHORT_US)
        *patience = pulse.usual_patience;
}

/* A child forked while the watcher was asking has no watcher to give the patience back. */
static void in_forked_child(void)
{
    patience_back();
    pulse.usual_patience = 0;
}

static void end_look(look *l)
{
    uint64_t cost = look_finish(l);
    uint64_t walk = pulse.shots[l->slot]->walk_ns;
    if (l->unsettled) {
        hl_plan_paid_by(&pulse.plan, hl_page_now(), l->rss_bytes, cost, walk);
    } else {
        pulse.plan.rounds = l->rounds;
        hl_plan_took(&pulse.plan, l->at_ns, hl_page_now(), l->rss_bytes, l->stop_ns, cost, walk);
    }
    atomic_store(l->unsettled ? &pulse.guard_cpu_ns : &pulse.watcher_cpu_ns,
                 hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID));
    bool early = hl_plan_early(&pulse.plan);
    atomic_store(&pulse.early, early);
    pulse.page->due_round = early ? hl_plan_due_round(&pulse.plan) : HL_ROUND_NEVER;
    hl_page_set(&pulse.busy, 0);
}

static void end_handed(void)
{
    atomic_store(&pulse.is_handed, false); /* before busy goes: then the next may be begun */
    end_look(&pulse.handed);
}

/* A look begins: which round is to wait for its end? */
static void name_next_round(void)
{
    hl_page *page = pulse.page;
    bool waits = pulse.may_wait_ns && atomic_load(&pulse.early);
    page->due_round =
        waits ? page->rounds + (page->rounds > 1 ? page->rounds / 2 : 1) : HL_ROUND_NEVER;
}

/* GIL held, and let go meanwhile. What a wait is worth is told by the child's CPU time: on a busy
 * machine the same wait is longer. */
static bool wait_for_watcher(void)
{
    uint64_t begun = hl_page_now();
    if (!atomic_load(&pulse.early) || !pulse.may_wait_ns)
        return false;
    Py_BEGIN_ALLOW_THREADS while (pulse.busy && hl_page_now() - begun < LONG_NS)
        hl_page_wait(&pulse.busy, 1, WAIT_NS);
    Py_END_ALLOW_THREADS uint64_t walk = pulse.shots[BY_WATCHER]->walk_ns;
    pulse.may_wait_ns -= walk < pulse.may_wait_ns ? walk : pulse.may_wait_ns;
    return !pulse.busy && !atomic_load(&pulse.ending);
}

/* GIL held, in a thread of the program. The watcher sees the look through. */
static void look_here(const char *reason)
{
    if (!atomic_load(&pulse.watching) || !atomic_load(&pulse.recording) ||
        !hl_page_file_use(pulse.page, 0))
        return;
    if (!claim()) {
        hl_page_file_done(pulse.page);
        return;
    }
    look_start(&pulse.handed, BY_WATCHER, 0, reason);
    pulse.rounds_ns += pulse.handed.stop_ns;
    __atomic_fetch_add(&pulse.page->ours_ns, pulse.handed.stop_ns, __ATOMIC_SEQ_CST);
    name_next_round();
    atomic_store(&pulse.is_handed, true);
    hl_page_ring(&pulse.wake);
}

EXPORTED void hl_inside_look_at_round(void)
{
    pulse.page->due_round = HL_ROUND_NEVER; /* the watcher, or the end of its look, names another */
    if (getpid() == pulse.owner && !atomic_load(&pulse.ending) &&
        (!pulse.busy || wait_for_watcher()))
        look_here("round");
}

/* Memory is missing: what is there now is about to be let go. Not again within a second, nor before
 * the look before is paid for: a program may try for ever. */
static void look_at_want(void)
{
    uint64_t now = hl_page_now();
    bool again = pulse.missed_ns &&
                 (now < pulse.missed_ns + LONG_NS || now < hl_plan_not_before(&pulse.plan, 0));
    if (getpid() != pulse.owner || atomic_load(&pulse.ending) || again)
        return;
    int kept = errno;
    pulse.missed_ns = now;
    if (pulse.busy) { /* as soon as may be */
        atomic_store(&pulse.asked, "memory");
        hl_page_ring(&pulse.wake);
    } else {
        look_here("memory");
    }
    errno = kept;
}

/* GIL held. A look while the program imports tells nothing; the first one after it is a beginning.
 */
static bool puts_off(const char **reason)
{
    uint64_t now = hl_page_now();
    if (strcmp(*reason, "growth") && strcmp(*reason, "time")) /* asked for */
        return false;
    if (!hl_plan_may_postpone(&pulse.plan, now))
        return false;
    enum hl_importing importing = hl_importing();
    bool begins = importing == HL_NO_IMPORT && hl_plan_begins(&pulse.plan);
    if (importing == HL_IMPORTING)
        hl_plan_postpone(&pulse.plan, now);
    else if (begins)
        hl_plan_begin_work(&pulse.plan, now, resident_bytes(true));
    else if (pulse.plan.unlooked)
        *reason = "imported";
    return importing == HL_IMPORTING || begins;
}

static void end_here(int signum, unsigned how, const char *reason);

/* False when the farewell has begun. The farewell lets go of the GIL while `attaching` is set. */
static bool take_look(const char *reason)
{
    look l = {.child = 0};
    bool go = !atomic_load(&pulse.ending), looks = false;
    if (go && !hl_page_file_use(pulse.page, FILE_WAIT_NS))
        return true;
    atomic_store(&pulse.attaching, true);
    atomic_store(&pulse.wants_since, hl_page_now());
    hl_page_ring(&pulse.tick);
    bool uses = go;
    go = go && !atomic_load(&pulse.ending);
    if (go) {
        PyThreadState *gil = gil_take();
        int signum = atomic_load(&pulse.dying);
        if (gil && signum && !atomic_exchange(&pulse.ending, true)) {
            hl_page_file_done(pulse.page);
            end_here(signum, WATCHES, "signal");
        }
        go = gil && !atomic_load(&pulse.ending);
        looks = go && !atomic_load(&pulse.is_handed) && /* a round was quicker, or ... */
                !puts_off(&reason) && claim();          /* ... the guard */
        if (looks) {
            name_next_round();
            look_start(&l, BY_WATCHER, WATCHES, reason);
        }
        hl_detach(gil);
    }
    atomic_store(&pulse.wants_since, 0);
    atomic_store(&pulse.attaching, false);
    if (looks)
        end_look(&l);
    else if (uses)
        hl_page_file_done(pulse.page);
    while (go && !looks && pulse.busy && !atomic_load(&pulse.is_handed))
        hl_page_wait(&pulse.busy, 1, WAIT_NS); /* the guard's */
    return go;
}

/* From here on what the watcher opens is in no table of the program. Before Linux 5.9 there is no
 * such call, and the program may see a descriptor come and go. */
static void own_descriptors(void)
{
    pulse.statm_fd = -1;
    if (!syscall(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE))
        pulse.statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

/* In a process that is followed, when it is old enough. False: it went before, or has no file. */
static bool begin_recording(void)
{
    hl_page *page = pulse.page;
    hl_err err;
    for (uint64_t now = hl_page_now(), until;
         !atomic_load(&pulse.ending) && (until = hl_recording_wait(page, now)); now = hl_page_now())
        hl_page_wait(&pulse.wake, 0, until - now);
    pulse.busy = 1;
    bool made = !atomic_load(&pulse.ending) && !hl_recording_begin(page, &err);
    if (made) {
        pulse.recorded();
        hl_plan_begin(&pulse.plan, page->max_snapshots, page->interval_ms, hl_page_now());
        atomic_store(&pulse.recording, true);
    } else if (!atomic_load(&pulse.ending)) {
        page->file[0] = 0;
        pulse.missed(err.text);
    }
    hl_page_set(&pulse.busy, 0);
    return made && (page->max_snapshots == 1 || take_look("start"));
}

static void *watch(void *unused)
{
    prctl(PR_SET_NAME, "heaplens");
    pulse.watcher_tid = (pid_t)syscall(SYS_gettid);
    own_descriptors();
    bool goes_on = true;
    if (pulse.page->first_pid)
        goes_on = begin_recording();
    else
        end_look(&pulse.first);
    for (const char *reason; goes_on && (reason = wait_until_due());)
        if (atomic_load(&pulse.is_handed))
            end_handed();
        else if (!take_look(reason))
            break;
    atomic_store(&pulse.watching, false);
    return NULL;
}

/* ---- the guard ----------------------------------------------------------------------------- */

/* How long the GIL may be kept before we look without it: short calls are none of our business, and
 * in a long run a second more or less is nothing. */
static uint64_t stuck_patience(unsigned looks, uint64_t now)
{
    enum { FIRST_NS = 200 * 1000 * 1000, MOST = 10 };
    uint64_t tenth = (now - pulse.plan.begun_ns) / 10;
    uint64_t patience = (uint64_t)FIRST_NS << (looks < MOST ? looks : MOST);
    return patience > tenth ? patience : tenth;
}

static void look_without_gil(void)
{
    look l;
    if (!hl_page_file_use(pulse.page, 0))
        return;
    if (!claim()) {
        hl_page_file_done(pulse.page);
        return;
    }
    look_start(&l, BY_WATCHER, UNSETTLED, "time");
    end_look(&l);
}

static void *guard(void *unused)
{
    prctl(PR_SET_NAME, "heaplens");
    pulse.guard_tid = (pid_t)syscall(SYS_gettid);
    syscall(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE);
    unsigned looks = 0;
    for (uint64_t stuck = 0; !atomic_load(&pulse.ending);) {
        uint32_t seen = pulse.tick;
        uint64_t now = hl_page_now(), since = atomic_load(&pulse.wants_since);
        uint64_t until = now + 60 * (uint64_t)LONG_NS;
        uint64_t paid = hl_plan_not_before(&pulse.plan, since ? resident_bytes(false) : 0);
        looks = since == stuck ? looks : 0;
        stuck = since;
        if (since) {
            if (now >= since + LONG_NS / 10)
                patience_back();
            int signum = atomic_load(&pulse.dying);
            until = since + (signum ? DYING_WAIT_NS : stuck_patience(looks, now));
            until = !signum && until < paid ? paid : until;
            if (now >= until && signum && !atomic_exchange(&pulse.ending, true))
                end_here(signum, UNSETTLED, "signal");
            if (now >= until) {
                looks++;
                look_without_gil();
                continue;
            }
        }
        hl_page_wait(&pulse.tick, seen, until - now);
    }
    atomic_store(&pulse.guarding, false);
    return NULL;
}

/* No signal is ever delivered to our threads: the mask is inherited at birth. */
static int thread_start(void *(*work)(void *), atomic_bool *runs)
{
    sigset_t all, kept;
    pthread_attr_t attr;
    int e = pthread_attr_init(&attr);
    if (e)
        return e;
    sigfillset(&all);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_BLOCK, &all, &kept);
    atomic_store(runs, true);
    pthread_t thread;
    e = pthread_create(&thread, &attr, work, NULL);
    if (e)
        atomic_store(runs, false);
    pthread_sigmask(SIG_SETMASK, &kept, NULL);
    pthread_attr_destroy(&attr);
    return e;
}

EXPORTED int hl_inside_threads(void)
{
    return getpid() == pulse.owner ? atomic_load(&pulse.watching) + atomic_load(&pulse.guarding)
                                   : 0;
}

/* ---- a signal ------------------------------------------------------------------------------ */

/* No look will follow. */
static void settle(void)
{
    hl_page *page = pulse.page;
    uint64_t threads = threads_cpu_ns(false);
    page->cpu_ns = hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - threads - pulse.rounds_ns;
    __atomic_fetch_add(&page->ours_ns, threads, __ATOMIC_SEQ_CST);
    page->settled = 1;
    hl_page_ring(&page->bell);
}

/* Any thread, signal handlers included; `ending` was set by the caller. The last look. */
static void last_look(unsigned how, const char *reason)
{
    hl_page *page = pulse.page;
    look last = {.child = 0};
    snprintf(page->reason, sizeof page->reason, "%s", reason);
    for (uint64_t begun = hl_page_now(); pulse.busy && hl_page_now() - begun < DYING_WAIT_NS * 5;)
        if (atomic_load(&pulse.is_handed) &&
            (!atomic_load(&pulse.watching) || (pid_t)syscall(SYS_gettid) == pulse.watcher_tid))
            end_handed();
        else
            hl_page_wait(&pulse.busy, 1, WAIT_NS);
    if (atomic_load(&pulse.recording) && hl_page_file_use(page, LAST_FILE_WAIT_NS)) {
        look_start(&last, AT_FAREWELL, how | APART, reason);
        look_finish(&last);
    }
    settle();
}

/* A thread of ours, which has set `ending`. */
static void end_here(int signum, unsigned how, const char *reason)
{
    atomic_store(&pulse.taken, true);
    last_look(how, reason);
    pulse.end_by_signal(signum);
    for (;;)
        pause();
}

EXPORTED void hl_inside_asked(void)
{
    atomic_store(&pulse.asked, "signal");
    hl_page_ring(&pulse.wake);
}

EXPORTED int hl_inside_dying(int signum, int where)
{
    enum { GO_ON, SEEN, AT_ONCE };
    pid_t self = (pid_t)syscall(SYS_gettid);
    if (pulse.page->settled)
        return SEEN;
    if (self == pulse.watcher_tid || self == pulse.guard_tid)
        return AT_ONCE;
    bool gil = hl_holds_gil(), stands = where == HL_WHERE_STANDS;
    if (where == HL_WHERE_FAULT || (gil && stands) || !atomic_load(&pulse.watching) ||
        !atomic_load(&pulse.recording)) {
        if (atomic_exchange(&pulse.ending, true))
            return AT_ONCE;
        last_look(gil && stands ? 0 : UNSETTLED, where == HL_WHERE_FAULT ? "fault" : "signal");
        return SEEN;
    }
    if (atomic_load(&pulse.ending) && !atomic_load(&pulse.taken))
        return AT_ONCE;
    int none = 0;
    atomic_compare_exchange_strong(&pulse.dying, &none, signum);
    hl_page_ring(&pulse.wake);
    hl_page_ring(&pulse.tick);
    if (!stands)
        return GO_ON;
    for (uint64_t begun = hl_page_now(); hl_page_now() - begun < DEAD_WAIT_NS;) {
        if (atomic_load(&pulse.ending) && !atomic_load(&pulse.taken))
            return AT_ONCE;
        hl_page_wait(&pulse.tick, pulse.tick, WAIT_NS);
    }
    return AT_ONCE;
}

/* ---- the farewell -------------------------------------------------------------------------- */

/* The watcher may be waiting for the GIL that we hold: it gets it, sees that it is over, and goes,
 * so that no thread of ours is left to attach to an interpreter that is being torn down. */
static void let_watcher_go(void)
{
    while (atomic_load(&pulse.attaching)) {
        Py_BEGIN_ALLOW_THREADS sched_yield();
        Py_END_ALLOW_THREADS
    }
}

/* One that is being made is waited for. False: there is none. */
static bool await_file(void)
{
    uint64_t begun = hl_page_now();
    while (pulse.busy && !atomic_load(&pulse.recording) &&
           hl_page_now() - begun < LAST_FILE_WAIT_NS)
        hl_page_wait(&pulse.busy, 1, WAIT_NS);
    return atomic_load(&pulse.recording);
}

EXPORTED void hl_inside_farewell(const char *reason, int gil)
{
    hl_page *page = pulse.page;
    if (!page || getpid() != pulse.owner || atomic_exchange(&pulse.ending, true))
        return;
    int kept = errno;
    snprintf(page->reason, sizeof page->reason, "%s", reason);
    hl_page_ring(&pulse.wake);
    hl_page_ring(&pulse.tick);
    look last = {.child = 0};
    bool recording = await_file();
    bool looks = gil && recording && hl_page_file_use(page, LAST_FILE_WAIT_NS);
    if (gil && recording && !strcmp(reason, "end"))
        let_watcher_go();
    if (looks)
        /* one that is over as soon as its imports are has not grown by them */
        look_start(&last, AT_FAREWELL, BORROWS,
                   hl_plan_ends_at_once(&pulse.plan, resident_bytes(false)) ? "imported" : reason);
    while (pulse.busy)
        if (!atomic_load(&pulse.watching) && atomic_load(&pulse.is_handed))
            end_handed(); /* it was handed over to a watcher that was going */
        else
            hl_page_wait(&pulse.busy, 1, WAIT_NS);
    if (looks)
        look_finish(&last);
    settle();
    errno = kept;
}

EXPORTED void hl_inside_leave(int status)
{
    int kept = errno;
    if (pulse.page && getpid() == pulse.owner && atomic_load(&pulse.recording))
        hl_recording_end(pulse.page, status);
    errno = kept;
}

static hl_clearing *on_clearing;
static unsigned long left_behind[HL_PARK_MAX];
static unsigned n_left_behind;

/* Daemon threads: what remains when the last exit handler runs. Their states are freed before the
 * interpreter is cleared (3.10 and later), so they are noted now. */
static void note_left_behind(void)
{
    PyThreadState *self = PyThreadState_Get();
    n_left_behind = 0;
    for (PyThreadState *t = PyInterpreterState_ThreadHead(self->interp);
         t && n_left_behind < HL_PARK_MAX; t = PyThreadState_Next(t))
        if (t != self && t->thread_id)
            left_behind[n_left_behind++] = t->thread_id;
}

static void farewell(void)
{
    if (getpid() == pulse.owner)
        note_left_behind();
    hl_inside_farewell("end", 1);
}

/* ---- arming -------------------------------------------------------------------------------- */

/* Takes the hook out that led here: every audit event would pay for it, and with -X dev CPython
 * aborts when it frees an entry that was allocated before its allocators were debugged. The caller
 * may be going through the list, so the entry itself stays as it is. */
static void unlink_audit_hook(const void *page)
{
#if HL_PY_AT_LEAST(12)
    _Py_AuditHookEntry **at = &_PyRuntime.audit_hooks.head;
#else
    _Py_AuditHookEntry **at = &_PyRuntime.audit_hook_head;
#endif
    while (*at && (*at)->userData != page)
        at = &(*at)->next;
    if (*at)
        *at = (*at)->next;
}

static void clearing(PyObject *capsule)
{
    if (getpid() == pulse.owner && !pulse.page->first_pid) /* nobody waits for a verdict there */
        on_clearing(left_behind, n_left_behind);
}

/* What lies in the interpreter's own dict goes when the interpreter is cleared, after all modules
 * and before its thread states are freed (Python/pystate.c: PyInterpreterState_Clear). The dict may
 * be made here: the collector's list does not show it. */
static bool register_clearing(void)
{
    static char word[1];
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *key = PyUnicode_FromString("heaplens"); /* a name would be interned */
    PyObject *capsule = PyCapsule_New(word, NULL, clearing);
    bool ok = dict && key && capsule && !PyDict_SetItem(dict, key, capsule);
    if (ok && PyDict_GET_SIZE(dict) == 1)
        PyObject_GC_UnTrack(dict);
    Py_XDECREF(key);
    Py_XDECREF(capsule);
    PyErr_Clear();
    return ok;
}

static int refuse(hl_page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(hl_page *page, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(page->refusal, sizeof page->refusal, format, args);
    va_end(args);
    return -1;
}

/* ---- beginning ----------------------------------------------------------------------------- */

/* GIL held. Of a forked child all that the parent's pulse was doing is taken back. */
static void begin(hl_page *page)
{
    pulse.owner = getpid();
    pulse.page = page;
    pulse.may_wait_ns = ROUNDS_WAIT_NS;
    atomic_store(&pulse.recording, page->first_pid == 0);
    hl_rounds_attach(page, hl_inside_look_at_round);
    page->armed = 1;
    hl_page_ring(&page->bell);
    hl_plan_begin(&pulse.plan, page->max_snapshots, page->interval_ms, hl_page_now());
    pulse.plan.thinned = !page->first_pid; /* by the sentinel, which has that file alone */
    atomic_store(&pulse.early, hl_plan_early(&pulse.plan));
    if (!page->first_pid) {
        page->due_round = pulse.early ? 1 : HL_ROUND_NEVER;
        pulse.busy = 1;
        if (page->max_snapshots != 1 && hl_page_file_use(page, FILE_WAIT_NS))
            look_start(&pulse.first, BY_WATCHER, 0, "start");
    }
    int e = thread_start(watch, &pulse.watching);
    if (!e && thread_start(guard, &pulse.guarding))
        failed("no second thread to watch with: while one call keeps the interpreter to itself, "
               "nothing is seen");
    if (e && !page->first_pid) {
        failed("no thread to watch with, so only the start and the end are seen: %s", strerror(e));
        end_look(&pulse.first);
    } else if (e) {
        pulse.missed("there is no thread to watch with");
    }
}

/* The shots are shared with the parent, as every page of theirs that is. */
static bool fresh_shots(void)
{
    for (int i = 0; i < SLOTS; i++) {
        hl_shot *old = pulse.shots[i];
        if (!(pulse.shots[i] = hl_shot_new())) {
            pulse.shots[i] = old;
            return false;
        }
        if (old)
            munmap(old, sizeof *old);
    }
    return true;
}

/* In the child, GIL held, after Python has put itself in order. */
static PyObject *forked(PyObject *self, PyObject *args)
{
    int kept = errno;
    hl_page *page = fresh_shots() ? pulse.follow() : NULL;
    if (page) {
        atomic_store(&pulse.watching, false);
        atomic_store(&pulse.attaching, false);
        atomic_store(&pulse.ending, false);
        atomic_store(&pulse.is_handed, false);
        atomic_store(&pulse.guarding, false);
        atomic_store(&pulse.taken, false);
        atomic_store(&pulse.dying, 0);
        atomic_store(&pulse.asked, NULL);
        atomic_store(&pulse.wants_since, 0);
        atomic_store(&pulse.watcher_cpu_ns, 0);
        atomic_store(&pulse.guard_cpu_ns, 0);
        pulse.watcher_tid = pulse.guard_tid = 0;
        pulse.missed_ns = 0;
        pulse.was_big = false;
        pulse.wake = pulse.busy = pulse.tick = 0;
        pulse.streams = 0;
        pulse.rounds_ns = 0;
        pulse.first = pulse.handed = (look){.child = 0};
        begin(page);
    }
    errno = kept;
    Py_RETURN_NONE;
}

static PyMethodDef forked_def = {"forked", forked, METH_NOARGS, NULL};

/* Registered first, it runs first. os itself may not be there yet (-S, a frozen start): posix is.
 */
static bool register_fork(void)
{
    pulse.follow = (hl_page * (*)(void)) dlsym(RTLD_DEFAULT, "hl_preload_follow");
    pulse.missed = (void (*)(const char *))dlsym(RTLD_DEFAULT, "hl_preload_missed");
    pulse.recorded = (void (*)(void))dlsym(RTLD_DEFAULT, "hl_preload_recorded");
    PyObject *module = PyImport_ImportModule("posix");
    PyObject *method = module ? PyObject_GetAttrString(module, "register_at_fork") : NULL;
    PyObject *callback = PyCFunction_New(&forked_def, NULL);
    PyObject *none = PyTuple_New(0);
    PyObject *words = callback ? Py_BuildValue("{s:O}", "after_in_child", callback) : NULL;
    PyObject *done = method && none && words ? PyObject_Call(method, none, words) : NULL;
    bool ok = done && pulse.follow && pulse.missed && pulse.recorded;
    Py_XDECREF(done);
    Py_XDECREF(words);
    Py_XDECREF(none);
    Py_XDECREF(callback);
    Py_XDECREF(method);
    Py_XDECREF(module);
    PyErr_Clear();
    return ok;
}

static int arm(hl_page *page, hl_clearing *at_clearing, hl_ending *end_by_signal)
{
    const char *unfit = hl_abi_refusal();
    if (unfit)
        return refuse(page, "%s", unfit);
    if (page->version != HL_PAGE_VERSION)
        return refuse(page, "two versions of heaplens meet here: install heaplens anew");
    if (!fresh_shots())
        return refuse(page, "no memory for a page to watch with");
    unlink_audit_hook(page);
    if (!hl_round_of_arm(page, page->refusal, sizeof page->refusal))
        return 1;
    on_clearing = at_clearing;
    pulse.end_by_signal = end_by_signal;
    if (!register_clearing() || !hl_at_exit(farewell))
        return refuse(page, "the interpreter does not take an exit handler");
    cpu_set_t cores;
    pulse.one_core = !sched_getaffinity(0, sizeof cores, &cores) && CPU_COUNT(&cores) == 1;
    if (hl_attach_prepare() || pthread_atfork(NULL, NULL, in_forked_child))
        return refuse(page, "no memory to watch with");
    hl_out_of_memory_arm(look_at_want);
    if (page->follow && !register_fork())
        return refuse(page, "the interpreter does not take a fork handler");
    begin(page);
    return 0;
}

/* What is made here is not the program's: its collector has not counted it, and does not run for
 * it. The first look is taken meanwhile, so the collector stays as it is set. */
EXPORTED int hl_inside_arm(hl_page *page, hl_clearing *at_clearing, hl_ending *end_by_signal)
{
    struct _gc_runtime_state *gc = &PyInterpreterState_Get()->gc;
#ifdef HL_GC_INCREMENTAL
    int *made = &gc->young.count;
#else
    int *made = &gc->generations[0].count;
#endif
    int count = *made;
    *made = 0;
    int refused = arm(page, at_clearing, end_by_signal);
    *made = count;
    return refused;
}
