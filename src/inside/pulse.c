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
 * Followed, with --follow-children: a forked child begins anew with a page of its own, in a
 *        callback of os.register_at_fork, when Python has put itself in order; a Python that was
 *        started anew is armed like the first. There the watcher waits until the process is old
 *        enough to be worth a file, makes that, and takes the first look then.
 * Rounds a program that says when a unit of work is done is looked at between two of them: the
 *        watcher writes into the page which round is due, the mark that reaches it clones the child
 *        and goes on, the watcher does the rest. A round that does not end in time is not waited
 *        for. */
#include "inside/pulse_parts.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/attach.h"
#include "inside/importing.h"
#include "inside/native_here.h"
#include "inside/out_of_memory.h"
#include "inside/recording.h"
#include "inside/track_engine.h"
#include "inside/vitals.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

enum { LIMIT_POLL_NS = 20 * 1000 * 1000 };

static const uint64_t LAST_FILE_WAIT_NS = UINT64_C(10000000000);
static const uint64_t DEAD_WAIT_NS = UINT64_C(30000000000); /* for all of it */

/* ---- the watcher --------------------------------------------------------------------------- */

/* The program has become as big as it was said to be looked at: once, until it was clearly smaller.
 */
static bool has_become_big(void)
{
    uint64_t limit = hl_pulse.page->at_rss_bytes, rss = limit ? hl_pulse_resident(true) : 0;
    bool now = limit && rss >= limit, news = now && !hl_pulse.was_big;
    if (now || rss < limit - limit / 8)
        hl_pulse.was_big = now;
    return news;
}

/* Asked for only to see whether it imports still: no look. */
static const char PEEK[] = "peek";
/* Of a copy only, to be kept. */
static const char SPARE[] = "spare";

/* When to ask next whether a copy is wanted; UINT64_MAX: not, and there is none. */
static uint64_t spare_poll(uint64_t now, uint64_t rss, bool still)
{
    enum { MS = 1000 * 1000, OFTEN_NS = 1 * MS, SELDOM_NS = 5 * MS };
    if (!hl_pulse.page->rounds && hl_plan_may_want_spare(&hl_pulse.plan, now, rss))
        return now + (still ? SELDOM_NS : OFTEN_NS);
    hl_spares_drop();
    return UINT64_MAX;
}

/* Sleeps until a look is due and says why, or one was handed over; NULL when the farewell has
 * begun. Where rounds are declared the next one is asked first. */
static const char *wait_until_due(void)
{
    hl_plan *plan = &hl_pulse.plan;
    hl_page *page = hl_pulse.page;
    uint32_t still = 0;
    for (uint64_t before = 0, asked = 0;;) {
        uint32_t seen = hl_pulse.wake;
        if (atomic_load(&hl_pulse.is_handed))
            return "round";
        if (atomic_load(&hl_pulse.ending))
            return NULL;
        if (atomic_load(&hl_pulse.dying))
            return "signal";
        const char *why = atomic_exchange(&hl_pulse.asked, NULL);
        if (why)
            return why;
        if (has_become_big())
            return "limit";
        uint64_t now = hl_page_now(), peek = hl_plan_peek_at(plan);
        if (now >= peek)
            return PEEK;
        uint64_t until = now + (page->at_rss_bytes ? LIMIT_POLL_NS : HL_PULSE_LONG_NS),
                 next = until < peek ? until : peek;
        bool spent = hl_plan_spent(plan);
        uint64_t rss = spent ? 0 : hl_pulse_resident(true);
        uint64_t paid = hl_plan_not_before(plan, rss);
        still = rss == before ? still + 1 : 0;
        uint64_t spare = spare_poll(now, rss, still);
        next = next < spare ? next : spare;
        if (!spent && now < paid) { /* growth may make it due sooner */
            bool may_grow = now >= plan->free_growing_ns;
            until = may_grow ? hl_plan_next_poll(plan, now, rss, still) : plan->free_growing_ns;
            until = until < paid ? until : paid;
            before = rss;
            if (spare != UINT64_MAX && hl_plan_wants_spare(plan, now, rss))
                return SPARE;
        } else if (!spent) {
            const char *reason = now >= hl_plan_due_at(plan, rss) ? "time"
                                 : rss >= hl_plan_due_bytes(plan) ? "growth"
                                                                  : NULL;
            uint64_t patience = hl_plan_round_patience(plan, now, page->rounds);
            if (reason && (!page->rounds || (asked && now >= asked + patience)))
                return reason;
            if (!reason && spare != UINT64_MAX && hl_plan_wants_spare(plan, now, rss))
                return SPARE;
            asked = !reason ? 0 : asked ? asked : now;
            page->due_round = reason ? 0 : hl_plan_due_round(plan);
            until = reason ? asked + patience : hl_plan_next_poll(plan, now, rss, still);
            before = rss;
        }
        hl_page_wait(&hl_pulse.wake, seen, (until < next ? until : next) - now);
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
    hl_pulse.usual_patience = usual;
    *patience = SHORT_US;
    PyThreadState *gil = hl_attach();
    if (*patience == SHORT_US)
        *patience = usual;
    hl_pulse.usual_patience = 0;
    return gil;
}

/* The guard: a wait that lasts need not be a busy one. */
void hl_pulse_patience_back(void)
{
    unsigned long *patience = hl_pulse.usual_patience ? gil_patience() : NULL;
    if (patience && *patience == SHORT_US)
        *patience = hl_pulse.usual_patience;
}

/* A child forked while the watcher was asking has no watcher to give the patience back. */
void hl_pulse_in_forked_child(void)
{
    hl_pulse_patience_back();
    hl_pulse.usual_patience = 0;
    if (hl_pulse.page && hl_pulse.page->track && !hl_pulse.page->follow)
        hl_track_forked_unfollowed();
    hl_native_unfollow();
}

/* A look begins: which round is to wait for its end? */
static void name_next_round(void)
{
    hl_page *page = hl_pulse.page;
    bool waits = hl_pulse.may_wait_ns && atomic_load(&hl_pulse.early);
    page->due_round =
        waits ? page->rounds + (page->rounds > 1 ? page->rounds / 2 : 1) : HL_ROUND_NEVER;
}

/* GIL held, and let go meanwhile. What a wait is worth is told by the child's CPU time: on a busy
 * machine the same wait is longer. */
static bool wait_for_watcher(void)
{
    uint64_t begun = hl_page_now();
    if (!atomic_load(&hl_pulse.early) || !hl_pulse.may_wait_ns)
        return false;
    Py_BEGIN_ALLOW_THREADS while (hl_pulse.busy && hl_page_now() - begun < HL_PULSE_LONG_NS)
        hl_page_wait(&hl_pulse.busy, 1, HL_PULSE_WAIT_NS);
    Py_END_ALLOW_THREADS uint64_t walk = hl_pulse.shots[HL_BY_WATCHER]->walk_ns;
    hl_pulse.may_wait_ns -= walk < hl_pulse.may_wait_ns ? walk : hl_pulse.may_wait_ns;
    return !hl_pulse.busy && !atomic_load(&hl_pulse.ending);
}

/* GIL held, in a thread of the program. The watcher sees the look through. */
static void look_here(const char *reason)
{
    if (!atomic_load(&hl_pulse.watching) || !atomic_load(&hl_pulse.recording) ||
        !hl_page_file_use(hl_pulse.page, 0))
        return;
    if (!hl_pulse_claim()) {
        hl_page_file_done(hl_pulse.page);
        return;
    }
    hl_look_start(&hl_pulse.handed, HL_BY_WATCHER, 0, reason);
    hl_pulse.rounds_ns += hl_pulse.handed.stop_ns;
    __atomic_fetch_add(&hl_pulse.page->ours_ns, hl_pulse.handed.stop_ns, __ATOMIC_SEQ_CST);
    name_next_round();
    atomic_store(&hl_pulse.is_handed, true);
    hl_page_ring(&hl_pulse.wake);
}

HL_EXPORTED void hl_inside_look_at_round(void)
{
    hl_pulse.page->due_round =
        HL_ROUND_NEVER; /* the watcher, or the end of its look, names another */
    if (getpid() == hl_pulse.owner && !atomic_load(&hl_pulse.ending) &&
        (!hl_pulse.busy || wait_for_watcher()))
        look_here("round");
}

/* Memory is missing: what is there now is about to be let go. Not again within a second, nor before
 * the look before is paid for: a program may try for ever. */
void hl_pulse_look_at_want(void)
{
    uint64_t now = hl_page_now();
    bool again = hl_pulse.missed_ns && (now < hl_pulse.missed_ns + HL_PULSE_LONG_NS ||
                                        now < hl_plan_not_before(&hl_pulse.plan, 0));
    if (getpid() != hl_pulse.owner || atomic_load(&hl_pulse.ending) || again)
        return;
    int kept = errno;
    hl_pulse.missed_ns = now;
    hl_spares_drop();
    if (hl_pulse.busy) { /* as soon as may be */
        atomic_store(&hl_pulse.asked, "memory");
        hl_page_ring(&hl_pulse.wake);
    } else {
        look_here("memory");
    }
    errno = kept;
}

/* GIL held. A look while the program imports tells nothing; the first one after it is a beginning.
 */
static bool puts_off(const char **reason)
{
    hl_plan *plan = &hl_pulse.plan;
    uint64_t now = hl_page_now();
    bool peeks = !strcmp(*reason, PEEK);
    if (!peeks && strcmp(*reason, "growth") && strcmp(*reason, "time")) /* asked for */
        return false;
    if (!plan->loads && !hl_plan_may_postpone(plan, now))
        return false;
    enum hl_importing importing = hl_importing();
    hl_plan_peeked(plan, now, importing != HL_NO_IMPORT);
    if (hl_plan_begins(plan, now)) {
        hl_spare_begin_work();
        return true;
    }
    if (peeks)
        return true;
    if (hl_plan_may_have_loaded(plan, now) ||
        (importing == HL_IMPORTING && hl_plan_may_postpone(plan, now))) {
        hl_plan_postpone(plan, now);
        return true;
    }
    hl_plan_loads(plan, importing != HL_NO_IMPORT);
    if (plan->unlooked)
        *reason = "imported";
    return false;
}

/* The watcher gets the GIL, or NULL: the farewell has begun, which lets go of the GIL while
 * `attaching` is set. uses: it uses the file. */
static PyThreadState *approach(bool uses)
{
    atomic_store(&hl_pulse.attaching, true);
    atomic_store(&hl_pulse.wants_since, hl_page_now());
    hl_page_ring(&hl_pulse.tick);
    PyThreadState *gil = atomic_load(&hl_pulse.ending) ? NULL : gil_take();
    int signum = atomic_load(&hl_pulse.dying);
    if (gil && signum && !atomic_exchange(&hl_pulse.ending, true)) {
        if (uses)
            hl_page_file_done(hl_pulse.page);
        hl_pulse_end_here(signum, HL_LOOK_WATCHES, "signal");
    }
    return gil;
}

static void withdraw(PyThreadState *gil)
{
    if (gil)
        hl_detach(gil);
    atomic_store(&hl_pulse.wants_since, 0);
    atomic_store(&hl_pulse.attaching, false);
}

static void take_spare(void)
{
    PyThreadState *gil = approach(false);
    if (gil && !atomic_load(&hl_pulse.ending) && !atomic_load(&hl_pulse.is_handed))
        hl_spares_consider();
    withdraw(gil);
}

/* To the look's end, with copies taken meanwhile. */
static void see_through(hl_look *l)
{
    hl_shot *shot = hl_pulse.shots[l->slot];
    bool still = false;
    atomic_store(&hl_pulse.awaited, l);
    for (uint64_t before = 0; l->child && !shot->done && !atomic_load(&hl_pulse.ending);) {
        uint64_t now = hl_page_now(), rss = hl_pulse_resident(true);
        uint64_t until = spare_poll(now, rss, still);
        if (until == UINT64_MAX || atomic_load(&hl_pulse.awaited) != l)
            break;
        if (hl_plan_wants_spare(&hl_pulse.plan, now, rss))
            take_spare();
        else
            hl_page_wait(&shot->done, 0, until - now);
        still = rss == before;
        before = rss;
    }
    if (!hl_look_end_awaited())
        while (hl_pulse.busy)
            hl_page_wait(&hl_pulse.busy, 1, HL_PULSE_WAIT_NS);
}

/* The first look that is due at the work is one at its beginning. False: nobody kept that. */
static bool look_at_beginning(const char *reason)
{
    hl_look l;
    if ((strcmp(reason, "growth") && strcmp(reason, "time")) || !hl_pulse.plan.unlooked ||
        !hl_pulse_claim())
        return false;
    if (!hl_spare_of_beginning(&l)) {
        hl_page_set(&hl_pulse.busy, 0);
        return false;
    }
    see_through(&l);
    return true;
}

/* False when the farewell has begun. */
static bool take_look(const char *reason)
{
    hl_look l = {.child = 0};
    bool go = !atomic_load(&hl_pulse.ending), looks = false, is_over = false;
    if (go && !hl_page_file_use(hl_pulse.page, HL_PULSE_FILE_WAIT_NS))
        return true;
    bool uses = go;
    PyThreadState *gil = approach(uses);
    go = gil && !atomic_load(&hl_pulse.ending);
    if (go) {
        looks = !atomic_load(&hl_pulse.is_handed) &&    /* a round was quicker, or ... */
                !puts_off(&reason) && hl_pulse_claim(); /* ... the guard */
        if (looks) {
            name_next_round();
            hl_spares_make_way();
            bool lends = hl_plan_lends(&hl_pulse.plan, hl_pulse_resident(true));
            hl_look_start(&l, HL_BY_WATCHER,
                          HL_LOOK_WATCHES | (lends ? HL_LOOK_BORROWS | HL_LOOK_RETURNS : 0),
                          reason);
        }
        if (looks && l.lent) {
            hl_look_end(&l);
            is_over = true;
        }
    }
    withdraw(gil);
    if (looks && !is_over)
        see_through(&l);
    else if (uses && !looks)
        hl_page_file_done(hl_pulse.page);
    while (go && !looks && hl_pulse.busy && !atomic_load(&hl_pulse.is_handed))
        hl_page_wait(&hl_pulse.busy, 1, HL_PULSE_WAIT_NS); /* the guard's */
    return go;
}

/* From here on what the watcher opens is in no table of the program. Before Linux 5.9 there is no
 * such call, and the program may see a descriptor come and go. */
static void own_descriptors(void)
{
    hl_pulse.statm_fd = -1;
    if (!syscall(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE))
        hl_pulse.statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

/* In a process that is followed, when it is old enough. False: it went before, or has no file. */
static bool begin_recording(void)
{
    hl_page *page = hl_pulse.page;
    hl_err err;
    for (uint64_t now = hl_page_now(), until;
         !atomic_load(&hl_pulse.ending) && (until = hl_recording_wait(page, now));
         now = hl_page_now())
        hl_page_wait(&hl_pulse.wake, 0, until - now);
    hl_pulse.busy = 1;
    bool made = !atomic_load(&hl_pulse.ending) && !hl_recording_begin(page, &err);
    if (made) {
        hl_pulse.recorded();
        hl_plan_begin(&hl_pulse.plan, page->max_snapshots, page->interval_ms, hl_page_now());
        atomic_store(&hl_pulse.recording, true);
    } else if (!atomic_load(&hl_pulse.ending)) {
        page->file[0] = 0;
        hl_pulse.missed(err.text);
    }
    hl_page_set(&hl_pulse.busy, 0);
    return made && (page->max_snapshots == 1 || take_look("start"));
}

void *hl_pulse_watch(void *unused)
{
    prctl(PR_SET_NAME, "heaplens");
    hl_pulse.watcher_tid = (pid_t)syscall(SYS_gettid);
    own_descriptors();
    bool goes_on = true;
    if (hl_pulse.page->first_pid)
        goes_on = begin_recording();
    else
        see_through(&hl_pulse.first);
    for (const char *reason; goes_on && (reason = wait_until_due());)
        if (atomic_load(&hl_pulse.is_handed))
            hl_look_end_handed();
        else if (reason == SPARE)
            take_spare();
        else if (!look_at_beginning(reason) && !take_look(reason))
            break;
    atomic_store(&hl_pulse.watching, false);
    return NULL;
}

/* ---- a signal ------------------------------------------------------------------------------ */

/* No look will follow. */
static void settle(void)
{
    hl_page *page = hl_pulse.page;
    uint64_t threads = hl_pulse_threads_cpu_ns(false);
    page->cpu_ns = hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - threads - hl_pulse.rounds_ns;
    __atomic_fetch_add(&page->ours_ns, threads, __ATOMIC_SEQ_CST);
    page->settled = 1;
    hl_page_ring(&page->bell);
}

/* Any thread, signal handlers included; `ending` was set by the caller. The last look. */
static void last_look(unsigned how, const char *reason)
{
    hl_page *page = hl_pulse.page;
    hl_look last = {.child = 0};
    snprintf(page->reason, sizeof page->reason, "%s", reason);
    for (uint64_t begun = hl_page_now();
         hl_pulse.busy && hl_page_now() - begun < HL_PULSE_DYING_WAIT_NS * 5;)
        if (atomic_load(&hl_pulse.is_handed) &&
            (!atomic_load(&hl_pulse.watching) ||
             (pid_t)syscall(SYS_gettid) == hl_pulse.watcher_tid))
            hl_look_end_handed();
        else if (!hl_look_end_awaited())
            hl_page_wait(&hl_pulse.busy, 1, HL_PULSE_WAIT_NS);
    hl_spares_drop();
    if (atomic_load(&hl_pulse.recording) && hl_page_file_use(page, LAST_FILE_WAIT_NS)) {
        hl_look_start(&last, HL_AT_FAREWELL, how | HL_LOOK_APART, reason);
        hl_look_finish(&last);
    }
    settle();
}

/* A thread of ours, which has set `ending`. */
void hl_pulse_end_here(int signum, unsigned how, const char *reason)
{
    atomic_store(&hl_pulse.taken, true);
    last_look(how, reason);
    hl_pulse.end_by_signal(signum);
    for (;;)
        pause();
}

HL_EXPORTED void hl_inside_asked(void)
{
    if (getpid() != hl_pulse.owner)
        return;
    atomic_store(&hl_pulse.asked, "signal");
    hl_page_ring(&hl_pulse.wake);
}

HL_EXPORTED int hl_inside_dying(int signum, int where)
{
    enum { GO_ON, SEEN, AT_ONCE };
    pid_t self = (pid_t)syscall(SYS_gettid);
    if (getpid() != hl_pulse.owner) /* forked, and not yet begun anew: the page is its parent's */
        return AT_ONCE;
    if (hl_pulse.page->settled)
        return SEEN;
    if (self == hl_pulse.watcher_tid || self == hl_pulse.guard_tid)
        return AT_ONCE;
    bool gil = hl_holds_gil(), stands = where == HL_WHERE_STANDS;
    if (where == HL_WHERE_FAULT || (gil && stands) || !atomic_load(&hl_pulse.watching) ||
        !atomic_load(&hl_pulse.recording)) {
        if (atomic_exchange(&hl_pulse.ending, true))
            return AT_ONCE;
        last_look(gil && stands ? 0 : HL_LOOK_UNSETTLED,
                  where == HL_WHERE_FAULT ? "fault" : "signal");
        return SEEN;
    }
    if (atomic_load(&hl_pulse.ending) && !atomic_load(&hl_pulse.taken))
        return AT_ONCE;
    int none = 0;
    atomic_compare_exchange_strong(&hl_pulse.dying, &none, signum);
    hl_page_ring(&hl_pulse.wake);
    hl_page_ring(&hl_pulse.tick);
    if (!stands)
        return GO_ON;
    for (uint64_t begun = hl_page_now(); hl_page_now() - begun < DEAD_WAIT_NS;) {
        if (atomic_load(&hl_pulse.ending) && !atomic_load(&hl_pulse.taken))
            return AT_ONCE;
        hl_page_wait(&hl_pulse.tick, hl_pulse.tick, HL_PULSE_WAIT_NS);
    }
    return AT_ONCE;
}

/* ---- the farewell -------------------------------------------------------------------------- */

/* The watcher may be waiting for the GIL that we hold: it gets it, sees that it is over, and goes,
 * so that no thread of ours is left to attach to an interpreter that is being torn down. */
static void let_watcher_go(void)
{
    while (atomic_load(&hl_pulse.attaching)) {
        Py_BEGIN_ALLOW_THREADS sched_yield();
        Py_END_ALLOW_THREADS
    }
}

/* One that is being made is waited for. False: there is none. */
static bool await_file(void)
{
    uint64_t begun = hl_page_now();
    while (hl_pulse.busy && !atomic_load(&hl_pulse.recording) &&
           hl_page_now() - begun < LAST_FILE_WAIT_NS)
        hl_page_wait(&hl_pulse.busy, 1, HL_PULSE_WAIT_NS);
    return atomic_load(&hl_pulse.recording);
}

HL_EXPORTED void hl_inside_farewell(const char *reason, int gil)
{
    hl_page *page = hl_pulse.page;
    if (!page || getpid() != hl_pulse.owner || atomic_exchange(&hl_pulse.ending, true))
        return;
    int kept = errno;
    snprintf(page->reason, sizeof page->reason, "%s", reason);
    hl_page_ring(&hl_pulse.wake);
    hl_page_ring(&hl_pulse.tick);
    hl_look last = {.child = 0};
    bool recording = await_file();
    bool looks = gil && recording && hl_page_file_use(page, LAST_FILE_WAIT_NS);
    if (gil && recording && !strcmp(reason, "end"))
        let_watcher_go();
    uint64_t rss = hl_pulse_resident(false);
    unsigned spared =
        hl_spares_release(looks ? hl_plan_lacks(&hl_pulse.plan, hl_page_now(), rss) : 0);
    if (looks)
        /* one that is over as soon as its imports are has not grown by them */
        hl_look_start(&last, HL_AT_FAREWELL, HL_LOOK_BORROWS,
                      !spared && hl_plan_ends_at_once(&hl_pulse.plan, rss) ? "imported" : reason);
    while (hl_pulse.busy)
        if (!atomic_load(&hl_pulse.watching) && atomic_load(&hl_pulse.is_handed))
            hl_look_end_handed(); /* it was handed over to a watcher that was going */
        else if (!hl_look_end_awaited())
            hl_page_wait(&hl_pulse.busy, 1, HL_PULSE_WAIT_NS);
    if (looks)
        hl_look_finish(&last);
    hl_spares_finish();
    if (gil) /* the end of an interpreter frees all there is, and nobody will ask */
        hl_tracking.mode = HL_TRACK_OFF;
    settle();
    errno = kept;
}

HL_EXPORTED void hl_inside_leave(int status)
{
    int kept = errno;
    if (hl_pulse.page && getpid() == hl_pulse.owner && atomic_load(&hl_pulse.recording))
        hl_recording_end(hl_pulse.page, status);
    errno = kept;
}
