/* inside/pulse_parts.h: what the files of the pulse share: its state, and a look under way.
 *
 * Room   inside; target process; for pulse*.c only.
 * Parts  pulse.c the watcher, signals, the farewell; pulse_guard.c the second thread; pulse_look.c
 *        one look; pulse_spare.c copies that are kept; pulse_arm.c how it begins; pulse_plan.c when
 *        a look is due.
 * Order  ending is set once, by the farewell; with the GIL held, the answer is exact.
 *        plan, first: the watcher's, after it was started. streams, handed: the GIL.
 *        usual_patience: the watcher, and a forked child, where there is none. */
#ifndef HL_PULSE_PARTS_H
#define HL_PULSE_PARTS_H

#include "inside/inside_abi.h" /* first: Python.h sets _GNU_SOURCE */

#include "base/err.h"
#include "inside/inside.h"
#include "inside/pulse_plan.h"
#include "preload/page.h"

#include <stdatomic.h>

#define HL_EXPORTED __attribute__((visibility("default")))

#define HL_PULSE_LONG_NS       UINT64_C(1000000000)
#define HL_PULSE_WAIT_NS       UINT64_C(50000000)
#define HL_PULSE_FILE_WAIT_NS  UINT64_C(1000000000)
#define HL_PULSE_DYING_WAIT_NS UINT64_C(1000000000) /* for the GIL */

enum { HL_SPARES = 5 };
enum hl_look_slot {
    HL_BY_WATCHER,
    HL_AT_FAREWELL,
    HL_SPARE_LOOK, /* and those after it */
    HL_LOOK_SLOTS = HL_SPARE_LOOK + HL_SPARES,
};
/* How a look is taken. */
enum hl_look_how {
    HL_LOOK_WATCHES = 1,   /* by the watcher */
    HL_LOOK_BORROWS = 2,   /* the program waits, and lends its memory */
    HL_LOOK_UNSETTLED = 4, /* without the GIL */
    HL_LOOK_APART = 8,     /* on a stack of its own */
    HL_LOOK_RETURNS = 16,  /* with HL_LOOK_BORROWS: the program goes on afterwards */
    HL_LOOK_HELD = 32,     /* the copy is kept, and walked later or never */
};

typedef struct hl_look { /* one snapshot under way */
    pid_t child;         /* 0: none */
    enum hl_look_slot slot;
    bool unsettled, uses_file;
    bool lent; /* the program stands still until it is over */
    uint64_t at_ns, rss_bytes, faults, rounds;
    uint64_t stop_ns; /* CPU time of the clone: on a busy machine the pause is longer by what
                         others took, which is none of our cost */
} hl_look;

typedef struct hl_pulse_state {
    hl_page *page;
    pid_t owner;
    hl_shot *shots[HL_LOOK_SLOTS];
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
    hl_look first;
    _Atomic(hl_look *)
        awaited;    /* the watcher's, which takes copies meanwhile; who takes it out ends it */
    hl_look handed; /* begun between two rounds, by the program's own thread */
    atomic_bool is_handed; /* the watcher is to see it through */
    atomic_bool early;     /* a round may wait for the look before to end, if that is cheap ... */
    uint64_t may_wait_ns;  /* ... for so long in all; GIL */
    uint64_t rounds_ns;    /* CPU of clones in the program's own threads; GIL */
} hl_pulse_state;

extern hl_pulse_state hl_pulse;

/* ---- pulse_look.c ---- */

/* watcher: the caller is it. */
uint64_t hl_pulse_resident(bool watcher);
/* The first failure is kept as a sentence, the others are counted. */
void hl_pulse_failed(const char *format, ...) HL_PRINTF(1, 2);
/* One look at a time, but for the last; with or without the GIL. */
bool hl_pulse_claim(void);
/* CPU of our own threads. watches: we are the watcher. */
uint64_t hl_pulse_threads_cpu_ns(bool watches);
/* GIL held, unless HL_LOOK_UNSETTLED; the file is in use by us. how: of enum hl_look_how. */
void hl_look_start(hl_look *l, enum hl_look_slot slot, unsigned how, const char *reason);
/* The GIL is not needed. Returns what the look cost the program. */
uint64_t hl_look_finish(hl_look *l);
/* The same, for all looks but the last: the plan hears of it, and another look may begin. */
void hl_look_end(hl_look *l);
void hl_look_end_handed(void);
/* What the watcher awaits, while it wants the GIL for a copy. False: it awaits nothing, or another
 * thread was quicker, and goes on with it until busy is 0. */
bool hl_look_end_awaited(void);

/* ---- pulse.c ---- */

/* The watcher's thread. */
void *hl_pulse_watch(void *unused);
/* A wait for the GIL that lasts need not be a busy one: the guard takes the short patience back. */
void hl_pulse_patience_back(void);
void hl_pulse_in_forked_child(void);
/* Memory is missing. GIL held, in a thread of the program. */
void hl_pulse_look_at_want(void);
/* A thread of ours, which has set `ending`. */
void hl_pulse_end_here(int signum, unsigned how, const char *reason);

/* ---- pulse_spare.c ---- */

/* The watcher with the GIL. The work begins: with a copy of that moment, if one is worth its price. */
void hl_spare_begin_work(void);
/* The same; the plan wants a copy: one is made, unless the program imports. */
void hl_spares_consider(void);
/* The watcher, which is about to look: those that are as good as that look go. */
void hl_spares_make_way(void);
/* The watcher; the copy of the beginning is to be looked at now. False: there is none. */
bool hl_spare_of_beginning(hl_look *out);
/* Any thread, signal handlers included. */
void hl_spares_drop(void);
/* The farewell: at most so many are walked from now on, the others go. How many it were. */
unsigned hl_spares_release(unsigned most);
void hl_spares_finish(void);
/* In a forked child: they are its parent's. */
void hl_spares_forget(void);

/* ---- pulse_guard.c ---- */

/* The guard's thread. */
void *hl_pulse_guard(void *unused);

#endif
