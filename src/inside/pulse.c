/* inside/pulse.c: looks at the program from time to time, and once more when it ends.
 *
 * Room   inside; target process under `heaplens run`. Armed by the preload library with the GIL
 *        held, before the program begins.
 * Watcher a native thread, all signals blocked. It reads the resident size every 1 to 50 ms until a
 *        look is due (pulse_plan.c), takes the GIL for the moment of the clone only, so that no
 *        thread state of ours outlives the pause, and waits for the child without it. It has a
 *        table of descriptors of its own, empty but for the file: the program's is as without us.
 * Farewell the last exit handler (at_exit.c): non-daemon threads are gone, the GIL is held. From
 *        then on the watcher never attaches again. Forked children inherit the handler and no
 *        thread: the owner's pid tells them apart.
 * Guards pulse.ending: set once, by the farewell; with the GIL held, the answer is exact.
 *        pulse.plan, first: the watcher's, after it was started. streams, handed: the GIL.
 *        pulse.usual_patience: the watcher, and a forked child, where there is none.
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
#include "inside/pulse_plan.h"
#include "inside/rounds.h"
#include "inside/vitals.h"
#include "preload/page.h"
#include "preload/park.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define EXPORTED __attribute__((visibility("default")))

enum {
    STACK_BYTES = 512 * 1024, /* the child walks on a copy of it */
    CHILD_SECONDS = 120,
    FAULT_NS = 5000, /* a write to a page shared with the child: 3.5-8.5 us measured */
    LONG_NS = 1000000000,
    WAIT_NS = 50 * 1000 * 1000,
    ROUNDS_WAIT_NS = 300 * 1000 * 1000, /* of walking, in all */
    BIG_BYTES = 128 * 1024 * 1024,
    THOROUGH_BYTES = 512 * 1024 * 1024,
    WRITE_NS =
        1500, /* a write to a page that was shared and is ours alone again: 1-2.5 us measured */
};

enum slot { BY_WATCHER, AT_FAREWELL, SLOTS };

typedef struct look { /* one snapshot under way */
    pid_t child;      /* 0: none */
    enum slot slot;
    uint64_t at_ns, rss_bytes, faults, rounds;
    uint64_t stop_ns; /* CPU time of the clone: on a busy machine the pause is longer by what
                         others took, which is none of our cost */
} look;

static struct {
    hl_page *page;
    pid_t owner;
    hl_shot *shots[SLOTS];
    atomic_bool watching, attaching, ending;
    volatile uint32_t wake; /* futex word: tells the watcher that the farewell began */
    volatile uint32_t busy; /* futex word: the watcher's child is at work */
    atomic_ullong watcher_cpu_ns;
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

/* GIL held. CPU time is the program's: the child's is not in it, the watcher's is taken off.
 * watcher: we are in its thread. */
static void look_start(look *l, enum slot slot, bool watcher, const char *reason)
{
    *l = (look){
        .slot = slot,
        .at_ns = hl_page_now(),
        .rss_bytes = resident_bytes(watcher),
        .rounds = pulse.page->rounds,
    };
    int fd = file_open();
    if (fd < 0)
        return;
    uint64_t ours =
        watcher ? hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID) : atomic_load(&pulse.watcher_cpu_ns);
    hl_shot_request request = {
        .fd = fd,
        .stream = ++pulse.streams,
        .reason = reason,
        .time_us = (l->at_ns - pulse.page->started_mono_ns) / 1000,
        .cpu_us = (hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - ours - pulse.rounds_ns) / 1000,
        .user_us = hl_vitals_user_us(),
        .rss_bytes = l->rss_bytes,
        .rounds = l->rounds,
        .program = pulse.page->program,
        .deadline = CHILD_SECONDS,
        .borrow = slot == AT_FAREWELL,
        /* the program waits for it: not where that takes long */
        .thorough = slot == AT_FAREWELL && l->rss_bytes < THOROUGH_BYTES,
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

/* The GIL is not needed. Returns what the look cost the program. */
static uint64_t look_finish(look *l)
{
    hl_page *page = pulse.page;
    hl_shot *shot = pulse.shots[l->slot];
    if (!l->child)
        return 0;
    int status = hl_child_finish(l->child, shot);
    page->walker_pid[l->slot] = 0;
    if (status || !shot->done)
        child_failed(shot);
    else
        __atomic_fetch_add(&page->taken, 1, __ATOMIC_SEQ_CST);
    uint64_t copies = copy_ns(l);
    __atomic_fetch_add(&page->fault_ns, copies, __ATOMIC_SEQ_CST);
    l->child = 0;
    return l->stop_ns + copies + (pulse.one_core ? shot->walk_ns : 0);
}

/* ---- the watcher --------------------------------------------------------------------------- */

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
        uint64_t now = hl_page_now(), until = now + LONG_NS;
        if (!hl_plan_spent(plan) && now < hl_plan_not_before(plan)) {
            until = hl_plan_not_before(plan);
        } else if (!hl_plan_spent(plan)) {
            uint64_t rss = resident_bytes(true);
            const char *reason = now >= hl_plan_due_at(plan)      ? "time"
                                 : rss >= hl_plan_due_bytes(plan) ? "growth"
                                                                  : NULL;
            uint64_t patience = hl_plan_round_patience(plan, now, page->rounds);
            if (reason && (!page->rounds || (asked && now >= asked + patience)))
                return reason;
            asked = !reason ? 0 : asked ? asked : now;
            page->due_round = reason ? 0 : hl_plan_due_round(plan);
            until = reason ? asked + patience : hl_plan_next_poll(plan, now, rss != before);
            before = rss;
        }
        hl_page_wait(&pulse.wake, seen, until - now);
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

/* With the usual 5 ms of patience a program of 50 ms would be over after three
 * looks; so in the first half second the patience is shorter for the moment of the asking. It
 * comes back with the GIL held, unless the program has set its own meanwhile. */
enum { SHORT_US = 200 };

static PyThreadState *gil_take(void)
{
    unsigned long *patience = hl_plan_in_grace(&pulse.plan, hl_page_now()) ? gil_patience() : NULL;
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

/* A child forked while the watcher was asking has no watcher to give the patience back. */
static void in_forked_child(void)
{
    unsigned long *patience = pulse.usual_patience ? gil_patience() : NULL;
    if (patience && *patience == SHORT_US)
        *patience = pulse.usual_patience;
    pulse.usual_patience = 0;
}

/* Every page of a big heap that the program writes to again, were it only to free it, faults once
 * for each look, however long ago: dear where there are gigabytes of them, so it counts ahead. */
static uint64_t yet_to_fault_ns(const look *l)
{
    return l->rss_bytes > BIG_BYTES ? (l->rss_bytes - BIG_BYTES) / 4096 * WRITE_NS : 0;
}

static void end_look(look *l)
{
    uint64_t cost = look_finish(l) + yet_to_fault_ns(l);
    pulse.plan.rounds = l->rounds;
    hl_plan_took(&pulse.plan, l->at_ns, hl_page_now(), l->rss_bytes, l->stop_ns, cost);
    atomic_store(&pulse.watcher_cpu_ns, hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID));
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

EXPORTED void hl_inside_look_at_round(void)
{
    hl_page *page = pulse.page;
    page->due_round = HL_ROUND_NEVER; /* the watcher, or the end of its look, names another */
    if (getpid() != pulse.owner || atomic_load(&pulse.ending) || !atomic_load(&pulse.watching) ||
        (pulse.busy && !wait_for_watcher()))
        return;
    pulse.busy = 1;
    look_start(&pulse.handed, BY_WATCHER, false, "round");
    pulse.rounds_ns += pulse.handed.stop_ns;
    name_next_round();
    atomic_store(&pulse.is_handed, true);
    hl_page_ring(&pulse.wake);
}

/* GIL held. A look while the program imports tells nothing; the first one after it is a beginning.
 */
static bool puts_off(const char **reason)
{
    uint64_t now = hl_page_now();
    if (!hl_plan_may_postpone(&pulse.plan, now))
        return false;
    enum hl_importing importing = hl_importing();
    if (importing == HL_IMPORTING)
        hl_plan_postpone(&pulse.plan, now);
    else if (importing == HL_NO_IMPORT && hl_plan_begins(&pulse.plan))
        *reason = "imported";
    return importing == HL_IMPORTING;
}

/* False when the farewell has begun. The farewell lets go of the GIL while `attaching` is set. */
static bool take_look(const char *reason)
{
    look l = {.child = 0};
    atomic_store(&pulse.attaching, true);
    bool go = !atomic_load(&pulse.ending), looks = false;
    if (go) {
        PyThreadState *gil = gil_take();
        go = gil && !atomic_load(&pulse.ending);
        looks = go && !atomic_load(&pulse.is_handed); /* a round was quicker */
        if (looks)
            looks = !puts_off(&reason);
        if (looks) {
            pulse.busy = 1;
            name_next_round();
            look_start(&l, BY_WATCHER, true, reason);
        }
        hl_detach(gil);
    }
    atomic_store(&pulse.attaching, false);
    if (looks)
        end_look(&l);
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

static void *watch(void *unused)
{
    prctl(PR_SET_NAME, "heaplens");
    own_descriptors();
    end_look(&pulse.first);
    for (const char *reason; (reason = wait_until_due());)
        if (atomic_load(&pulse.is_handed))
            end_handed();
        else if (!take_look(reason))
            break;
    atomic_store(&pulse.watching, false);
    return NULL;
}

/* No signal is ever delivered to the watcher: the mask is inherited at birth. */
static int watcher_start(void)
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
    atomic_store(&pulse.watching, true);
    pthread_t thread;
    e = pthread_create(&thread, &attr, watch, NULL);
    if (e)
        atomic_store(&pulse.watching, false);
    pthread_sigmask(SIG_SETMASK, &kept, NULL);
    pthread_attr_destroy(&attr);
    return e;
}

EXPORTED int hl_inside_threads(void)
{
    return atomic_load(&pulse.watching) && getpid() == pulse.owner;
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

EXPORTED void hl_inside_farewell(const char *reason, int gil)
{
    hl_page *page = pulse.page;
    if (!page || getpid() != pulse.owner || atomic_exchange(&pulse.ending, true))
        return;
    int kept = errno;
    snprintf(page->reason, sizeof page->reason, "%s", reason);
    hl_page_ring(&pulse.wake);
    look last = {.child = 0};
    if (gil) {
        if (!strcmp(reason, "end"))
            let_watcher_go();
        /* one that is over as soon as its imports are has not grown by them */
        look_start(&last, AT_FAREWELL, false, hl_plan_begins(&pulse.plan) ? "imported" : reason);
    }
    while (pulse.busy)
        if (!atomic_load(&pulse.watching) && atomic_load(&pulse.is_handed))
            end_handed(); /* it was handed over to a watcher that was going */
        else
            hl_page_wait(&pulse.busy, 1, WAIT_NS);
    look_finish(&last);
    page->settled = 1;
    hl_page_ring(&page->bell);
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
    if (getpid() == pulse.owner)
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

static int arm(hl_page *page, hl_clearing *at_clearing)
{
    const char *unfit = hl_abi_refusal();
    if (unfit)
        return refuse(page, "%s", unfit);
    if (page->version != HL_PAGE_VERSION)
        return refuse(page, "two versions of heaplens meet here: install heaplens anew");
    for (int i = 0; i < SLOTS; i++)
        if (!(pulse.shots[i] = hl_shot_new()))
            return refuse(page, "no memory for a page to watch with");
    unlink_audit_hook(page);
    if (!hl_round_of_arm(page, page->refusal, sizeof page->refusal))
        return 1;
    on_clearing = at_clearing;
    if (!register_clearing() || !hl_at_exit(farewell))
        return refuse(page, "the interpreter does not take an exit handler");
    cpu_set_t cores;
    pulse.one_core = !sched_getaffinity(0, sizeof cores, &cores) && CPU_COUNT(&cores) == 1;
    if (hl_attach_prepare() || pthread_atfork(NULL, NULL, in_forked_child))
        return refuse(page, "no memory to watch with");
    pulse.owner = getpid();
    pulse.page = page;
    pulse.may_wait_ns = ROUNDS_WAIT_NS;
    hl_rounds_attach(page, hl_inside_look_at_round);
    page->armed = 1;
    hl_page_ring(&page->bell);
    hl_plan_begin(&pulse.plan, page->max_snapshots, page->interval_ms, hl_page_now());
    atomic_store(&pulse.early, hl_plan_early(&pulse.plan));
    page->due_round = pulse.early ? 1 : HL_ROUND_NEVER;
    pulse.busy = 1;
    if (page->max_snapshots != 1)
        look_start(&pulse.first, BY_WATCHER, false, "start");
    int e = watcher_start();
    if (e) {
        failed("no thread to watch with, so only the start and the end are seen: %s", strerror(e));
        end_look(&pulse.first);
    }
    return 0;
}

/* What is made here is not the program's: its collector has not counted it, and does not run for
 * it. The first look is taken meanwhile, so the collector stays as it is set. */
EXPORTED int hl_inside_arm(hl_page *page, hl_clearing *at_clearing)
{
    struct _gc_runtime_state *gc = &PyInterpreterState_Get()->gc;
#ifdef HL_GC_INCREMENTAL
    int *made = &gc->young.count;
#else
    int *made = &gc->generations[0].count;
#endif
    int count = *made;
    *made = 0;
    int refused = arm(page, at_clearing);
    *made = count;
    return refused;
}
