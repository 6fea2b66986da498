/* inside/pulse_arm.c: how the pulse comes into an interpreter, and into the children it forks.
 *
 * Room   inside; target process under `heaplens run`, GIL held: before the program begins, or in
 *        os.register_at_fork's callback of a forked child.
 * Gives  the hooks that the pulse needs, its first look, its two threads.
 * Care   What is made here must not be seen by the program, nor counted by its collector. */
#include "inside/pulse_parts.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/at_exit.h"
#include "inside/attach.h"
#include "inside/native_here.h"
#include "inside/out_of_memory.h"
#include "inside/rounds.h"
#include "inside/track_engine.h"
#include "preload/park.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    STACK_BYTES = 512 * 1024,           /* the child walks on a copy of it */
    ROUNDS_WAIT_NS = 300 * 1000 * 1000, /* of walking, in all */
};

/* ---- threads of our own --------------------------------------------------------------------- */

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

HL_EXPORTED int hl_inside_threads(void)
{
    return getpid() == hl_pulse.owner
               ? atomic_load(&hl_pulse.watching) + atomic_load(&hl_pulse.guarding)
               : 0;
}

/* ---- the end of the interpreter -------------------------------------------------------------- */

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
    if (getpid() == hl_pulse.owner)
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
    if (getpid() == hl_pulse.owner &&
        !hl_pulse.page->first_pid) /* nobody waits for a verdict there */
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

/* C code asks seldom for much: as many samples tell more of it. */
static double native_mean(const hl_page *page)
{
    enum { USUAL = 128 * 1024, MORE_OFTEN = 4 };
    return page->track == HL_PAGE_TRACK_SAMPLED ? (double)page->track_bytes / MORE_OFTEN : USUAL;
}

/* GIL held. Of a forked child all that the parent's pulse was doing is taken back. */
static void begin(hl_page *page)
{
    hl_pulse.owner = getpid();
    hl_pulse.page = page;
    hl_pulse.may_wait_ns = ROUNDS_WAIT_NS;
    atomic_store(&hl_pulse.recording, page->first_pid == 0);
    hl_rounds_attach(page, hl_inside_look_at_round);
    page->armed = 1;
    hl_page_ring(&page->bell);
    hl_plan_begin(&hl_pulse.plan, page->max_snapshots, page->interval_ms, hl_page_now());
    hl_pulse.plan.thinned = !page->first_pid; /* by the sentinel, which has that file alone */
    atomic_store(&hl_pulse.early, hl_plan_early(&hl_pulse.plan));
    if (!page->first_pid) {
        page->due_round = hl_pulse.early ? 1 : HL_ROUND_NEVER;
        hl_pulse.busy = 1;
        if (page->max_snapshots != 1 && hl_page_file_use(page, HL_PULSE_FILE_WAIT_NS))
            hl_look_start(&hl_pulse.first, HL_BY_WATCHER, 0, "start");
        hl_plan_looks(&hl_pulse.plan, hl_pulse.first.at_ns, hl_pulse.first.rss_bytes);
    }
    int e = thread_start(hl_pulse_watch, &hl_pulse.watching);
    if (!e && thread_start(hl_pulse_guard, &hl_pulse.guarding))
        hl_pulse_failed(
            "no second thread to watch with: while one call keeps the interpreter to itself, "
            "nothing is seen");
    if (e && !page->first_pid) {
        hl_pulse_failed("no thread to watch with, so only the start and the end are seen: %s",
                        strerror(e));
        hl_look_end(&hl_pulse.first);
    } else if (e) {
        hl_pulse.missed("there is no thread to watch with");
    }
}

/* The shots are shared with the parent, as every page of theirs that is. */
static bool fresh_shots(void)
{
    for (int i = 0; i < HL_LOOK_SLOTS; i++) {
        hl_shot *old = hl_pulse.shots[i];
        if (!(hl_pulse.shots[i] = hl_shot_new())) {
            hl_pulse.shots[i] = old;
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
    hl_page *page = fresh_shots() ? hl_pulse.follow() : NULL;
    if (page) {
        atomic_store(&hl_pulse.watching, false);
        atomic_store(&hl_pulse.attaching, false);
        atomic_store(&hl_pulse.ending, false);
        atomic_store(&hl_pulse.is_handed, false);
        atomic_store(&hl_pulse.guarding, false);
        atomic_store(&hl_pulse.taken, false);
        atomic_store(&hl_pulse.dying, 0);
        atomic_store(&hl_pulse.asked, NULL);
        atomic_store(&hl_pulse.wants_since, 0);
        atomic_store(&hl_pulse.watcher_cpu_ns, 0);
        atomic_store(&hl_pulse.guard_cpu_ns, 0);
        hl_pulse.watcher_tid = hl_pulse.guard_tid = 0;
        hl_pulse.missed_ns = 0;
        hl_pulse.was_big = false;
        hl_pulse.wake = hl_pulse.busy = hl_pulse.tick = 0;
        hl_pulse.streams = 0;
        hl_pulse.rounds_ns = 0;
        hl_pulse.first = hl_pulse.handed = (hl_look){.child = 0};
        atomic_store(&hl_pulse.awaited, NULL);
        hl_spares_forget();
        if (page->track != HL_PAGE_TRACK_NOT)
            hl_native_sample(native_mean(page));
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
    hl_pulse.follow = (hl_page * (*)(void)) dlsym(RTLD_DEFAULT, "hl_preload_follow");
    hl_pulse.missed = (void (*)(const char *))dlsym(RTLD_DEFAULT, "hl_preload_missed");
    hl_pulse.recorded = (void (*)(void))dlsym(RTLD_DEFAULT, "hl_preload_recorded");
    PyObject *module = PyImport_ImportModule("posix");
    PyObject *method = module ? PyObject_GetAttrString(module, "register_at_fork") : NULL;
    PyObject *callback = PyCFunction_New(&forked_def, NULL);
    PyObject *none = PyTuple_New(0);
    PyObject *words = callback ? Py_BuildValue("{s:O}", "after_in_child", callback) : NULL;
    PyObject *done = method && none && words ? PyObject_Call(method, none, words) : NULL;
    bool ok = done && hl_pulse.follow && hl_pulse.missed && hl_pulse.recorded;
    Py_XDECREF(done);
    Py_XDECREF(words);
    Py_XDECREF(none);
    Py_XDECREF(callback);
    Py_XDECREF(method);
    Py_XDECREF(module);
    PyErr_Clear();
    return ok;
}

/* Allocations are followed from here on. */
static bool track(const hl_page *page, char *why, size_t size)
{
    hl_err err = {.status = HL_OK};
    bool exact = page->track != HL_PAGE_TRACK_SAMPLED;
    hl_track_options o = {
        .mode = exact ? HL_TRACK_EXACT : HL_TRACK_SAMPLED,
        .mean = (double)page->track_bytes,
        .horizon = HL_TRACK_HORIZON,
        .lists = exact,
        .windows = page->track == HL_PAGE_TRACK_WINDOWS,
        .of_run = true,
    };
    if (page->track == HL_PAGE_TRACK_NOT)
        return true;
    if (hl_track_start(&o, &err)) {
        snprintf(why, size, "%s", err.text);
        return false;
    }
    hl_native_sample(native_mean(page));
    return true;
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
    hl_pulse.end_by_signal = end_by_signal;
    if (!register_clearing() || !hl_at_exit(farewell))
        return refuse(page, "the interpreter does not take an exit handler");
    cpu_set_t cores;
    hl_pulse.one_core = !sched_getaffinity(0, sizeof cores, &cores) && CPU_COUNT(&cores) == 1;
    if (hl_attach_prepare() || pthread_atfork(NULL, NULL, hl_pulse_in_forked_child))
        return refuse(page, "no memory to watch with");
    hl_out_of_memory_arm(hl_pulse_look_at_want);
    if (page->follow && !register_fork())
        return refuse(page, "the interpreter does not take a fork handler");
    if (!track(page, page->refusal, sizeof page->refusal))
        return 1;
    begin(page);
    return 0;
}

/* Asked by the preload library before it puts anything into an interpreter. */
HL_EXPORTED const char hl_inside_release[] = PY_VERSION;

/* What is made here is not the program's: its collector has not counted it, and does not run for
 * it. The first look is taken meanwhile, so the collector stays as it is set. */
HL_EXPORTED int hl_inside_arm(hl_page *page, hl_clearing *at_clearing, hl_ending *end_by_signal)
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
