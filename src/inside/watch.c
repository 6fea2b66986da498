/* inside/watch.c: a block of code is watched: looks from time to time, and between its rounds.
 *
 * Room   inside; target with the GIL; a native thread for each watch, if it wants one.
 * Takes  a new file, a plan (pulse_plan.c).   Gives  snapshots in the file, `heaplens run` or not.
 * Looks  the first when it begins, the last when it is told to (Watch.look); one is due by rounds,
 *        by time or by growth, as under `run`. A mark that reaches a due round takes the look where
 *        it stands and waits for the child with the GIL free: that is some ten milliseconds, and at
 *        most two dozen times. By time and growth the thread looks, where no round comes in time.
 * Guards the GIL guards all but what is atomic. One look at a time: `busy`.
 * Forked children: the list of watches is the parent's, and empty in them (rounds.c); a handle that
 *        a child still has knows its owner's pid and refuses. */
#include "inside/attach.h"
#include "inside/rounds.h" /* first: Python.h sets _GNU_SOURCE */

#include "container/container.h"
#include "inside/counts.h"
#include "inside/inside.h"
#include "inside/native_here.h"
#include "inside/pulse_plan.h"
#include "inside/vitals.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum {
    CHILD_SECONDS = 600,
    STACK_BYTES = 512 * 1024,
    IDLE_NS = 1000 * 1000 * 1000,
    SLICE_NS = 50 * 1000 * 1000,
    PATH_BYTES = 4096,
    PROGRAM_BYTES = 1024
};
static const char capsule_name[] = "heaplens._inside.watch";

typedef struct watch {
    struct watch *next; /* of the list of those that are on */
    char path[PATH_BYTES], program[PROGRAM_BYTES];
    pid_t owner;
    hl_plan plan;
    uint64_t rounds, due_round;
    uint64_t looks_ns;  /* CPU of looks in the program's threads: ours, not its */
    uint64_t thread_ns; /* CPU of the thread, as of its last look */
    uint32_t taken, failed;
    hl_err failure; /* the first */
    bool on;
    volatile uint32_t busy; /* futex word: a look is under way */
    pthread_t thread;
    bool has_thread;
    atomic_bool ending;
    volatile uint32_t wake; /* futex word: tells the thread that it is over */
} watch;

static watch *watches; /* NULL in a forked child */

/* ---- a look ---------------------------------------------------------------------------------- */

static hl_status look_fails(watch *w, hl_err *err)
{
    if (!w->failed++)
        w->failure = *err;
    return err->status;
}

/* As sys.getallocatedblocks() has it; false: it does not. GIL held. */
static bool count_blocks(uint64_t *out)
{
    PyObject *ask = PySys_GetObject("getallocatedblocks");
    PyObject *answer = ask ? PyObject_CallObject(ask, NULL) : NULL;
    *out = answer ? PyLong_AsUnsignedLongLong(answer) : 0;
    Py_XDECREF(answer);
    bool failed = !answer || PyErr_Occurred();
    PyErr_Clear();
    return !failed;
}

/* GIL held, and let go while the child walks. */
static hl_status take(watch *w, const char *reason, bool counts, hl_err *err)
{
    int fd;
    hl_shot *shot = hl_shot_new();
    if (!shot)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a page to watch with");
    if (hl_container_append(w->path, &fd, err)) {
        munmap(shot, sizeof *shot);
        return err->status;
    }
    uint64_t now = hl_vitals_clock_ns(CLOCK_MONOTONIC);
    uint64_t begun = hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    hl_shot_request request = {
        .fd = fd,
        .stream = w->taken + w->failed + 1,
        .reason = reason,
        .time_us = now / 1000,
        .cpu_us =
            (hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - w->looks_ns - w->thread_ns) / 1000,
        .user_us = hl_vitals_user_us(),
        .rss_bytes = hl_vitals_resident(),
        .rounds = w->rounds,
        .program = w->program,
        .deadline = CHILD_SECONDS,
    };
    int status = HL_OK;
    hl_native_settle();
    if (counts) {
        request.resource_known = hl_counts_take(request.resource);
        if (count_blocks(&request.resource[HL_RESOURCE_BLOCKS]))
            request.resource_known |= 1u << HL_RESOURCE_BLOCKS;
    }
    pid_t child = hl_child_start(&request, shot);
    close(fd);
    uint64_t cpu = hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
    if (child > 0) {
        Py_BEGIN_ALLOW_THREADS status = hl_child_finish(child, shot);
        Py_END_ALLOW_THREADS
    }
    if (child < 0)
        hl_err_set(err, HL_IO, "cannot clone the process for a snapshot: %s", strerror(-child));
    else if (status)
        hl_err_set(err, (hl_status)status, "a snapshot was not finished: its child %s while %s",
                   shot->done ? "failed" : "died", hl_shot_doing(shot->where));
    if (w->has_thread && pthread_equal(pthread_self(), w->thread))
        w->thread_ns = hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    else
        w->looks_ns += hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
    w->plan.rounds = request.rounds;
    hl_plan_took(&w->plan, now, hl_vitals_clock_ns(CLOCK_MONOTONIC), request.rss_bytes, cpu, cpu,
                 0);
    munmap(shot, sizeof *shot);
    return err->status;
}

/* wait: for a look that is under way, else that one has to do. */
static hl_status look(watch *w, const char *reason, bool wait, bool counts, hl_err *err)
{
    while (wait && w->busy) {
        Py_BEGIN_ALLOW_THREADS hl_page_wait(&w->busy, 1, SLICE_NS);
        Py_END_ALLOW_THREADS
    }
    if (w->busy || !w->on)
        return HL_OK;
    w->busy = 1;
    *err = (hl_err){.status = HL_OK};
    if (take(w, reason, counts, err))
        look_fails(w, err);
    else
        w->taken++;
    w->due_round = hl_plan_due_round(&w->plan);
    hl_page_set(&w->busy, 0);
    return err->status;
}

/* Between two rounds; what fails is told when the watch is asked. An exception under way is none
 * of ours. */
static void round_done(watch *w)
{
    hl_err err;
    if (++w->rounds >= w->due_round && !w->busy)
        (void)!look(w, "round", false, false, &err);
}

/* A look lets the GIL go, and the list may change meanwhile: begin anew after each. */
void hl_watches_round(void)
{
    enum { WATCHES_MAX = 64 };
    watch *now[WATCHES_MAX];
    size_t n = 0;
    for (watch *w = watches; w && n < WATCHES_MAX; w = w->next)
        now[n++] = w;
    for (size_t i = 0; i < n; i++)
        for (watch *w = watches; w; w = w->next)
            if (w == now[i]) {
                round_done(w);
                break;
            }
}

void hl_watches_forget(void)
{
    watches = NULL;
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Asks the next round, or looks itself if none comes. Without the GIL plan and rounds are read as
 * they are: a value that is old by a moment makes a look late by a moment. */
static uint64_t due(watch *w, uint64_t now, uint64_t *before, uint64_t *asked, const char **reason)
{
    const hl_plan *p = &w->plan;
    *reason = NULL;
    if (w->busy || hl_plan_spent(p))
        return now + IDLE_NS;
    uint64_t rss = hl_vitals_resident(), paid = hl_plan_not_before(p, rss);
    if (now < paid)
        return paid;
    uint64_t patience = hl_plan_round_patience(p, now, w->rounds);
    const char *why = now >= hl_plan_due_at(p, rss) ? "time"
                      : rss >= hl_plan_due_bytes(p) ? "growth"
                                                    : NULL;
    uint64_t next = hl_plan_next_poll(p, now, rss, rss == *before);
    *before = rss;
    if (!why) {
        *asked = 0;
        return next;
    }
    *asked = *asked ? *asked : now;
    if (!w->rounds || now >= *asked + patience) {
        *asked = 0;
        *reason = why;
        return now;
    }
    w->due_round = 0;
    return *asked + patience;
}

static void *run(void *arg)
{
    watch *w = arg;
    prctl(PR_SET_NAME, "heaplens");
    for (uint64_t before = 0, asked = 0; !atomic_load(&w->ending);) {
        uint32_t seen = w->wake;
        const char *reason;
        uint64_t now = hl_vitals_clock_ns(CLOCK_MONOTONIC);
        uint64_t until = due(w, now, &before, &asked, &reason);
        if (atomic_load(&w->ending))
            break;
        if (reason) {
            PyThreadState *gil = hl_attach();
            hl_err err;
            if (gil && !atomic_load(&w->ending))
                (void)!look(w, reason, false, false, &err);
            hl_detach(gil);
        } else if (until > now) {
            hl_page_wait(&w->wake, seen, until - now);
        }
    }
    return NULL;
}

static hl_status thread_start(watch *w, hl_err *err)
{
    sigset_t all, kept;
    pthread_attr_t attr;
    int e = hl_attach_prepare();
    if (!e)
        e = pthread_attr_init(&attr);
    if (!e) {
        sigfillset(&all);
        pthread_attr_setstacksize(&attr, STACK_BYTES);
        pthread_sigmask(SIG_BLOCK, &all, &kept); /* the program's signals go to its own threads */
        e = pthread_create(&w->thread, &attr, run, w);
        pthread_sigmask(SIG_SETMASK, &kept, NULL);
        pthread_attr_destroy(&attr);
    }
    w->has_thread = !e;
    return e ? hl_err_errno(err, e, "no thread to watch with") : HL_OK;
}

/* ---- begin and end --------------------------------------------------------------------------- */

static void watch_end(watch *w)
{
    if (!w->on)
        return;
    w->on = false;
    for (watch **at = &watches; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    atomic_store(&w->ending, true);
    hl_page_ring(&w->wake);
    Py_BEGIN_ALLOW_THREADS if (w->has_thread) pthread_join(w->thread, NULL);
    while (w->busy)
        hl_page_wait(&w->busy, 1, SLICE_NS);
    Py_END_ALLOW_THREADS
}

/* In a forked child the thread is not there, and the memory is a copy. */
static void destroy(PyObject *capsule)
{
    watch *w = PyCapsule_GetPointer(capsule, capsule_name);
    if (w->owner == getpid())
        watch_end(w);
    free(w);
}

static watch *watch_of(PyObject *capsule)
{
    watch *w = PyCapsule_GetPointer(capsule, capsule_name);
    if (w && w->owner != getpid()) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the watch belongs to the process this one was forked from");
        return NULL;
    }
    return w;
}

static hl_status begin(watch *w, uint32_t max, uint32_t interval_ms, int thread, bool counts,
                       hl_err *err)
{
    int fd;
    if (hl_file_begin(w->path, w->program, &fd, err))
        return err->status;
    close(fd);
    w->owner = getpid();
    w->on = true;
    hl_plan_begin(&w->plan, max, interval_ms, hl_vitals_clock_ns(CLOCK_MONOTONIC));
    if (look(w, "begin", false, counts, err) || (thread && thread_start(w, err)))
        return err->status;
    w->next = watches;
    watches = w;
    return HL_OK;
}

static PyObject *watch_begin(PyObject *module, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"path",   "program", "max_snapshots", "interval_ms", "thread",
                            "counts", NULL};
    PyObject *path;
    const char *program;
    unsigned max = 0, interval = 0;
    int thread = 1, counts = 0;
    hl_err err = {.status = HL_OK};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O&s|$IIpp", names, PyUnicode_FSConverter,
                                     &path, &program, &max, &interval, &thread, &counts))
        return NULL;
    watch *w = calloc(1, sizeof *w);
    size_t n = (size_t)PyBytes_GET_SIZE(path);
    if (w && n < sizeof w->path)
        memcpy(w->path, PyBytes_AS_STRING(path), n + 1);
    Py_DECREF(path);
    if (!w || n >= PATH_BYTES) {
        free(w);
        return w ? PyErr_Format(PyExc_OSError, "the name of the file is too long")
                 : PyErr_NoMemory();
    }
    snprintf(w->program, sizeof w->program, "%s", program);
    if (begin(w, max, interval, thread, counts != 0, &err)) {
        w->on = false;
        free(w);
        return hl_raise(&err);
    }
    PyObject *capsule = PyCapsule_New(w, capsule_name, destroy);
    if (!capsule) {
        watch_end(w);
        free(w);
    }
    return capsule;
}

static PyObject *watch_look(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const char *reason;
    int counts = 0;
    hl_err err = {.status = HL_OK};
    if (!PyArg_ParseTuple(args, "Os|p", &capsule, &reason, &counts))
        return NULL;
    watch *w = watch_of(capsule);
    if (!w || (look(w, reason, true, counts != 0, &err) && hl_raise(&err) == NULL))
        return NULL;
    Py_RETURN_NONE;
}

/* Units of work were done, and no look is due: who asks for this one looks when it is time. */
static PyObject *watch_rounds(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    unsigned long long n;
    if (!PyArg_ParseTuple(args, "OK", &capsule, &n))
        return NULL;
    watch *w = watch_of(capsule);
    if (!w)
        return NULL;
    w->rounds += n;
    Py_RETURN_NONE;
}

static PyObject *watch_round(PyObject *module, PyObject *capsule)
{
    watch *w = watch_of(capsule);
    if (!w)
        return NULL;
    if (w->on)
        round_done(w);
    Py_RETURN_NONE;
}

static PyObject *watch_over(PyObject *module, PyObject *capsule)
{
    watch *w = watch_of(capsule);
    if (!w)
        return NULL;
    watch_end(w);
    Py_RETURN_NONE;
}

static PyObject *watch_state(PyObject *module, PyObject *capsule)
{
    watch *w = watch_of(capsule);
    return w ? Py_BuildValue("{s:K,s:I,s:I,s:s}", "rounds", w->rounds, "taken", w->taken, "failed",
                             w->failed, "failure", w->failed ? w->failure.text : "")
             : NULL;
}

PyMethodDef hl_watch_methods[] = {
    {"watch_begin", (PyCFunction)(void (*)(void))watch_begin, METH_VARARGS | METH_KEYWORDS,
     "watch_begin(path, program, *, max_snapshots=0, interval_ms=0, thread=True, "
     "counts=False)\n--\n\n"
     "Begins to watch this process into a new file; returns a handle."},
    {"watch_look", watch_look, METH_VARARGS,
     "watch_look(handle, reason, counts=False, /)\n--\n\nTakes a snapshot now."},
    {"watch_rounds", watch_rounds, METH_VARARGS,
     "watch_rounds(handle, n, /)\n--\n\nn units of work are done, without a look."},
    {"watch_round", watch_round, METH_O,
     "watch_round(handle, /)\n--\n\nA unit of work of this watch is done."},
    {"watch_end", watch_over, METH_O,
     "watch_end(handle, /)\n--\n\nEnds it; more than once is fine."},
    {"watch_state", watch_state, METH_O,
     "watch_state(handle, /)\n--\n\nRounds, snapshots taken and failed, the first failure."},
    {NULL, NULL, 0, NULL},
};
