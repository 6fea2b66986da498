/* inside/attach.c: a thread of ours takes the GIL for a moment, and no fork falls in between.
 *
 * Room   inside; target process, our own threads.
 * Why    Not PyGILState_Ensure: it makes the thread state, under the lock of the list of states,
 *        while another thread holds the GIL and may fork. Before 3.11 the child takes that lock
 *        before it makes it anew (Modules/posixmodule.c: PyOS_AfterFork_Child,
 *        _PyEval_ReInitThreads), and hangs for ever if it was copied locked. So there states are
 *        made under a lock of ours that a fork waits for. They are deleted with the GIL held, which
 *        whoever forks holds.
 * Care   From 3.12 fork itself holds the lock of the list (PyOS_BeforeFork): a second lock around
 *        it, taken in the other order, hangs both threads. */
#include "inside/attach.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#if PY_VERSION_HEX < 0x030b0000
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int failed;

static __thread bool locked;

/* Not for ever: under tracemalloc memory for a state is only had with the GIL, which whoever forks
 * keeps. Whoever waits for that stands in no lock of the list. */
static void before_fork(void)
{
    enum { WAIT_NS = 100 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };
    struct timespec until;
    int kept = errno;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_NS;
    until.tv_sec += until.tv_nsec / SECOND_NS;
    until.tv_nsec %= SECOND_NS;
    locked = !pthread_mutex_timedlock(&making, &until);
    errno = kept;
}

static void after_fork(void)
{
    if (locked)
        pthread_mutex_unlock(&making);
}

static void in_child(void)
{
    making = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; /* whoever held it is not here */
}

static void prepare(void)
{
    failed = pthread_atfork(before_fork, after_fork, in_child);
}

int hl_attach_prepare(void)
{
    pthread_once(&once, prepare);
    return failed;
}

static PyThreadState *state_of_ours(void)
{
    pthread_mutex_lock(&making);
    PyThreadState *t = PyThreadState_New(PyInterpreterState_Main());
    pthread_mutex_unlock(&making);
    return t;
}
#else
int hl_attach_prepare(void)
{
    return 0;
}

static PyThreadState *state_of_ours(void)
{
    return PyThreadState_New(PyInterpreterState_Main());
}
#endif

/* PyThreadState_New() of 3.9 to 3.11 uses the state it makes before it asks whether there was memory for
 * it (Python/pystate.c); what is free again here is there for it. */
static bool has_memory(void)
{
    enum { ROOM = 32 * 1024 };
    void *p = malloc(ROOM);
    __asm__ volatile("" : "+r"(p)); /* else the compiler takes success for granted */
    free(p);
    return p != NULL;
}

/* Once the interpreter is being torn down a new state may outlive it: Py_FinalizeEx() says so before
 * it deletes the others'. */
PyThreadState *hl_attach(void)
{
    if (!Py_IsInitialized() || !has_memory())
        return NULL;
    PyThreadState *t = state_of_ours();
    if (t)
        PyEval_RestoreThread(t);
    return t;
}

void hl_detach(PyThreadState *t)
{
    if (!t)
        return;
    PyThreadState_Clear(t);
    PyThreadState_DeleteCurrent();
}
