/* inside/pulse.c: looks at the program from time to time, and once more when it ends.
 *
 * Room   inside; target process under `heaplens run`. Armed by the preload library with the GIL
 *        held, before the program begins.
 * Watcher a native thread, all signals blocked. It reads the resident size every 1 to 50 ms until
 *        a look is due (pulse_plan.c), takes the GIL for the moment of the clone only, so that no
 * thread state of ours outlives the pause, and waits for the child without it. It has a table of
 * descriptors of its own, empty but for the file: the program's is as without us. Farewell an
 * atexit callback, registered first and so the last to run: non-daemon threads are gone, the GIL is
 * held. From then on the watcher never attaches again. Forked children inherit the callback and no
 * thread: the owner's pid tells them apart. Guards  pulse.ending: set once, by the farewell; with
 * the GIL held, the answer is exact. pulse.plan, first: the watcher's, after it was started.
 * streams: the GIL. */
#include "inside/inside_abi.h" /* first: Python.h sets _GNU_SOURCE */

#include "base/err.h"
#include "container/container.h"
#include "inside/inside.h"
#include "inside/pulse_plan.h"
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
#include <sys/resource.h>

#define EXPORTED __attribute__((visibility("default")))

enum {
    STACK_BYTES = 512 * 1024, /* the child walks on a copy of it */
    CHILD_SECONDS = 120,
    FAULT_NS = 5000, /* a write to a page shared with the child: 3.5-8.5 us measured */
    LONG_NS = 1000000000,
    BIG_BYTES = 128 * 1024 * 1024,
    WRITE_NS =
        1500, /* a write to a page that was shared and is ours alone again: 1-2.5 us measured */
};

enum slot { BY_WATCHER, AT_FAREWELL, SLOTS };

typedef struct look { /* one snapshot under way */
    pid_t child;      /* 0: none */
    enum slot slot;
    uint64_t at_ns, rss_bytes, faults;
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
    hl_plan plan;
    look first;
} pulse;

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    return clock_gettime(id, &t) ? 0 : (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t minor_faults(void)
{
    struct rusage r;
    return getrusage(RUSAGE_SELF, &r) ? 0 : (uint64_t)r.ru_minflt;
}

static uint64_t user_us(void)
{
    struct rusage r;
    return getrusage(RUSAGE_SELF, &r)
               ? 0
               : (uint64_t)r.ru_utime.tv_sec * 1000000 + (uint64_t)r.ru_utime.tv_usec;
}

static uint64_t resident_bytes_at(int fd)
{
    char text[128];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    unsigned long long size, resident;
    text[n > 0 ? n : 0] = 0;
    return sscanf(text, "%llu %llu", &size, &resident) == 2
               ? resident * (uint64_t)sysconf(_SC_PAGESIZE)
               : 0;
}

/* The watcher keeps the file open where it has a table of its own. */
static uint64_t resident_bytes(bool watcher)
{
    if (watcher && pulse.statm_fd >= 0)
        return resident_bytes_at(pulse.statm_fd);
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    uint64_t bytes = resident_bytes_at(fd);
    close(fd);
    return bytes;
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

/* GIL held. CPU time is the program's: the child's is not in it, the watcher's is taken off. */
static void look_start(look *l, enum slot slot, const char *reason)
{
    bool watcher = slot == BY_WATCHER && atomic_load(&pulse.watching);
    *l = (look){
        .slot = slot,
        .at_ns = hl_page_now(),
        .rss_bytes = resident_bytes(watcher),
    };
    int fd = file_open();
    if (fd < 0)
        return;
    uint64_t ours =
        watcher ? clock_ns(CLOCK_THREAD_CPUTIME_ID) : atomic_load(&pulse.watcher_cpu_ns);
    hl_shot_request request = {
        .fd = fd,
        .stream = ++pulse.streams,
        .reason = reason,
        .time_us = (l->at_ns - pulse.page->started_mono_ns) / 1000,
        .cpu_us = (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - ours) / 1000,
        .user_us = user_us(),
        .rss_bytes = l->rss_bytes,
        .program = pulse.page->program,
        .deadline = CHILD_SECONDS,
        .borrow = slot == AT_FAREWELL,
    };
    l->faults = minor_faults();
    hl_shot *shot = pulse.shots[slot];
    memset(shot, 0, sizeof *shot);
    uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    pid_t child = hl_child_start(&request, shot);
    l->stop_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
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
    uint64_t faults = minor_faults() - l->faults;
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

/* Sleeps until a look is due and says why; NULL when the farewell has begun. */
static const char *wait_until_due(void)
{
    hl_plan *plan = &pulse.plan;
    for (uint64_t before = 0;;) {
        uint32_t seen = pulse.wake;
        if (atomic_load(&pulse.ending))
            return NULL;
        uint64_t now = hl_page_now(), until = now + LONG_NS;
        if (!hl_plan_spent(plan) && now < hl_plan_not_before(plan)) {
            until = hl_plan_not_before(plan);
        } else if (!hl_plan_spent(plan)) {
            uint64_t rss = resident_bytes(true);
            if (now >= hl_plan_due_at(plan))
                return "time";
            if (rss >= hl_plan_due_bytes(plan))
                return "growth";
            until = hl_plan_next_poll(plan, now, rss != before);
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

/* PyGILState_Ensure. With the usual 5 ms of patience a program of 50 ms would be over after three
 * looks; so in the first half second the patience is shorter for the moment of the asking. It
 * comes back with the GIL held, unless the program has set its own meanwhile. */
static PyGILState_STATE gil_take(void)
{
    enum { SHORT_US = 200 };
    unsigned long *patience = hl_plan_in_grace(&pulse.plan, hl_page_now()) ? gil_patience() : NULL;
    unsigned long usual = patience ? *patience : 0;
    if (usual <= SHORT_US)
        return PyGILState_Ensure();
    *patience = SHORT_US;
    PyGILState_STATE gil = PyGILState_Ensure();
    if (*patience == SHORT_US)
        *patience = usual;
    return gil;
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
    hl_plan_took(&pulse.plan, l->at_ns, hl_page_now(), l->rss_bytes, l->stop_ns, cost);
    atomic_store(&pulse.watcher_cpu_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID));
    hl_page_set(&pulse.busy, 0);
}

/* False when the farewell has begun. The farewell lets go of the GIL while `attaching` is set. */
static bool take_look(const char *reason)
{
    look l = {.child = 0};
    atomic_store(&pulse.attaching, true);
    bool go = !atomic_load(&pulse.ending);
    if (go) {
        PyGILState_STATE gil = gil_take();
        go = !atomic_load(&pulse.ending);
        if (go) {
            pulse.busy = 1;
            look_start(&l, BY_WATCHER, reason);
        }
        PyGILState_Release(gil);
    }
    atomic_store(&pulse.attaching, false);
    if (go)
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
        if (!take_look(reason))
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
        look_start(&last, AT_FAREWELL, reason);
    }
    while (pulse.busy)
        hl_page_wait(&pulse.busy, 1, LONG_NS);
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

static PyObject *farewell(PyObject *self, PyObject *args)
{
    if (getpid() == pulse.owner)
        note_left_behind();
    hl_inside_farewell("end", 1);
    Py_RETURN_NONE;
}

static PyMethodDef farewell_def = {"farewell", farewell, METH_NOARGS, NULL};

/* Registered first, it runs last. The module leaves sys.modules again if it was not there:
 * from 3.10 on the callbacks belong to the interpreter; 3.9 keeps them in the module. */
static bool register_farewell(void)
{
    bool was_there = PyDict_GetItemString(PyImport_GetModuleDict(), "atexit") != NULL;
    PyObject *module = PyImport_ImportModule("atexit");
    PyObject *callback = PyCFunction_New(&farewell_def, NULL);
    PyObject *done =
        module && callback ? PyObject_CallMethod(module, "register", "O", callback) : NULL;
    bool ok = done != NULL;
    if (HL_PY_AT_LEAST(10) && module && !was_there)
        PyDict_DelItemString(PyImport_GetModuleDict(), "atexit");
    Py_XDECREF(done);
    Py_XDECREF(callback);
    Py_XDECREF(module);
    PyErr_Clear();
    return ok;
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
 * and before its thread states are freed (Python/pystate.c: PyInterpreterState_Clear). */
static bool register_clearing(void)
{
    static char word[1];
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *capsule = dict ? PyCapsule_New(word, NULL, clearing) : NULL;
    bool ok = capsule && !PyDict_SetItemString(dict, "heaplens", capsule);
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

EXPORTED int hl_inside_arm(hl_page *page, hl_clearing *at_clearing)
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
    on_clearing = at_clearing;
    if (!register_clearing() || !register_farewell())
        return refuse(page, "the interpreter does not take an exit handler");
    cpu_set_t cores;
    pulse.one_core = !sched_getaffinity(0, sizeof cores, &cores) && CPU_COUNT(&cores) == 1;
    pulse.owner = getpid();
    pulse.page = page;
    page->armed = 1;
    hl_page_ring(&page->bell);
    hl_plan_begin(&pulse.plan, page->max_snapshots, page->interval_ms, hl_page_now());
    pulse.busy = 1;
    if (page->max_snapshots != 1)
        look_start(&pulse.first, BY_WATCHER, "start");
    int e = watcher_start();
    if (e) {
        failed("no thread to watch with, so only the start and the end are seen: %s", strerror(e));
        end_look(&pulse.first);
    }
    return 0;
}
