/* inside/interpreters.c: which interpreters stand still while the process is cloned.
 *
 * Room   inside; target with the GIL.
 * Takes  the list of interpreters.   Gives  those with a GIL of their own that nobody can take now.
 * Why    Since 3.12 an interpreter may have its own GIL (concurrent.interpreters makes such ones),
 *        and its threads go on while we hold ours: a copy made then may catch them in the middle of
 *        a change, and the walk would fault.
 * Method as take_gil of Python/ceval_gil.c, without taking it: whoever holds the mutex of a GIL
 *        that is not locked keeps all others out. A thread that runs is asked to let go, as any
 *        thread that wants the GIL would ask it; one that does not within a moment (a long call in
 *        C) keeps its interpreter out of this snapshot. One that let go waits to see another take
 *        over (FORCE_SWITCHING): it is told so.
 * Care   The list's lock is held throughout, so that no interpreter goes away; CPython never waits
 *        for a GIL with that lock. */
#include "inside/interpreters.h"

#if HL_PY_AT_LEAST(12)

#include <internal/pycore_ceval.h>
#include <pthread.h>
#include <time.h>

enum { WAIT_NS = 2 * 1000 * 1000, WAITS = 10 };

typedef struct _gil_runtime_state gil_state;

static void lock_list(void)
{
#if HL_PY_AT_LEAST(13)
    PyMutex_Lock(&_PyRuntime.interpreters.mutex);
#else
    PyThread_acquire_lock(_PyRuntime.interpreters.mutex, WAIT_LOCK);
#endif
}

static void unlock_list(void)
{
#if HL_PY_AT_LEAST(13)
    PyMutex_Unlock(&_PyRuntime.interpreters.mutex);
#else
    PyThread_release_lock(_PyRuntime.interpreters.mutex);
#endif
}

/* 1 held by a thread, 0 free, -1 not made or gone. */
static int locked(const gil_state *gil)
{
    return *(const volatile int *)(const void *)&gil->locked;
}

/* The mutex is held and somebody holds the GIL: waits for it. */
static bool wait_for(gil_state *gil)
{
#if HL_PY_AT_LEAST(13)
    for (int i = 0; i < WAITS && locked(gil) == 1; i++) {
        struct timespec until;
        PyThreadState *holder = *(PyThreadState *volatile *)(void *)&gil->last_holder;
        if (holder)
            _Py_set_eval_breaker_bit(holder, _PY_GIL_DROP_REQUEST_BIT);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WAIT_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&gil->cond, &gil->mutex, &until);
        if (holder && locked(gil) == 1) /* it may be gone when it is asked for the next time */
            _Py_unset_eval_breaker_bit(holder, _PY_GIL_DROP_REQUEST_BIT);
    }
#endif
    return locked(gil) == 0;
}

static bool hold(gil_state *gil)
{
    if (locked(gil) < 0)
        return false;
    pthread_mutex_lock(&gil->mutex);
    if (locked(gil) == 0 || (locked(gil) == 1 && wait_for(gil)))
        return true;
    pthread_mutex_unlock(&gil->mutex);
    return false;
}

/* Whoever let go for us must not wait for us to run. */
static void release(gil_state *gil)
{
    pthread_mutex_lock(&gil->switch_mutex);
    *(PyThreadState *volatile *)(void *)&gil->last_holder = NULL;
    pthread_cond_signal(&gil->switch_cond);
    pthread_mutex_unlock(&gil->switch_mutex);
    pthread_cond_signal(&gil->cond); /* the one that was meant for somebody else */
    pthread_mutex_unlock(&gil->mutex);
}

void hl_still_hold(hl_still *s)
{
    PyInterpreterState *mine = PyInterpreterState_Get();
    s->n = 0;
    if (!mine->next && hl_abi_interpreters() == mine)
        return;
    lock_list();
    for (PyInterpreterState *i = hl_abi_interpreters(); i && s->n < HL_STILL_MAX; i = i->next) {
        gil_state *gil = i->ceval.gil;
        if (gil && gil != mine->ceval.gil && i->_initialized && hold(gil))
            s->held[s->n++] = i;
    }
    if (!s->n)
        unlock_list();
}

void hl_still_release(hl_still *s)
{
    for (unsigned k = 0; k < s->n; k++)
        release(s->held[k]->ceval.gil);
    if (s->n)
        unlock_list();
    s->n = 0;
}

bool hl_still_has(const hl_still *s, PyInterpreterState *mine, PyInterpreterState *other)
{
    if (!other->ceval.gil || other->ceval.gil == mine->ceval.gil)
        return other->ceval.gil != NULL;
    for (unsigned k = 0; k < s->n; k++)
        if (s->held[k] == other)
            return true;
    return false;
}

#else /* there is one GIL */

void hl_still_hold(hl_still *s)
{
    s->n = 0;
}

void hl_still_release(hl_still *s)
{
    s->n = 0;
}

bool hl_still_has(const hl_still *s, PyInterpreterState *mine, PyInterpreterState *other)
{
    (void)s;
    (void)mine;
    (void)other;
    return true;
}

#endif
