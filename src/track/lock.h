/* track/lock.h: a lock that may be taken inside malloc, in any thread.
 *
 * Room   track; target, inside malloc.
 * It is held for a few hundred instructions, and never while Python or libc is called. A forked
 * child sets it free: whoever held it is not there (hl_lock_reset). */
#ifndef HL_LOCK_H
#define HL_LOCK_H

#include <sched.h>
#include <stdbool.h>

typedef struct hl_lock {
    int held;
} hl_lock;

static inline void hl_lock_take(hl_lock *l)
{
    while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
        sched_yield();
}
static inline bool hl_lock_try(hl_lock *l)
{
    return !__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE);
}
static inline void hl_lock_give(hl_lock *l)
{
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}
static inline void hl_lock_reset(hl_lock *l)
{
    __atomic_store_n(&l->held, 0, __ATOMIC_RELAXED);
}

#endif
