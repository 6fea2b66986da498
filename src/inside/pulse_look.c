/* inside/pulse_look.c: one look at the program under `heaplens run`, from the clone to its price.
 *
 * Room   inside; target process; the watcher, the guard, or a thread of the program.
 * Takes  who looks and how.   Gives  a snapshot in the file, the page's figures, the plan's.
 * Must not know  when to look (pulse.c). */
#include "inside/pulse_parts.h" /* first: Python.h sets _GNU_SOURCE */

#include "container/container.h"
#include "inside/native_here.h"
#include "inside/vitals.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum {
    CHILD_SECONDS = 120,
    UNSETTLED_SECONDS = 20, /* it may walk in a circle */
    LENT_SECONDS = 2,       /* the program stands still, for a tenth of a second as a rule */
    FAULT_NS = 5000,        /* a write to a page shared with the child: 3.5-8.5 us measured */
    THOROUGH_BYTES = 512 * 1024 * 1024,
    MARKED_BYTES = 1024 * 1024 * 1024, /* it takes a second or two of CPU then */
    SAMPLED_BYTES = 64 * 1024 * 1024,  /* below it every item is read: that takes 10 ms */
};

_Static_assert((unsigned)HL_LOOK_SLOTS <= (unsigned)HL_PAGE_WALKERS,
               "each has its place in the page");

hl_pulse_state hl_pulse;

/* The watcher keeps the file open where it has a table of its own. */
uint64_t hl_pulse_resident(bool watcher)
{
    return watcher && hl_pulse.statm_fd >= 0 ? hl_vitals_resident_at(hl_pulse.statm_fd)
                                             : hl_vitals_resident();
}

/* The first failure is kept as a sentence, the others are counted. */
void hl_pulse_failed(const char *format, ...)
{
    hl_page *page = hl_pulse.page;
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
        hl_pulse_failed("the child that takes the snapshot died while %s", doing(shot->where));
    else if (shot->status == HL_NO_SPACE)
        hl_pulse_failed("disk full: %s", strerror(shot->error ? shot->error : ENOSPC));
    else if (shot->status == HL_NO_MEMORY)
        hl_pulse_failed(
            "no memory for a snapshot while %s: is there a limit (ulimit -v, a container's)?",
            doing(shot->where));
    else if (shot->error)
        hl_pulse_failed("a snapshot could not be written while %s: %s", doing(shot->where),
                        strerror(shot->error));
    else
        hl_pulse_failed("a snapshot failed while %s (status %u)", doing(shot->where), shot->status);
}

/* Appends to the file. Where the program has closed a standard stream the descriptor must not take
 * its place: what a library of the program writes there would end up in the file. */
static int file_open(void)
{
    hl_err err;
    int fd;
    if (hl_container_append(hl_pulse.page->file, &fd, &err)) {
        hl_pulse_failed("%s", err.text);
        return -1;
    }
    if (fd > STDERR_FILENO)
        return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int e = errno;
    close(fd);
    if (above < 0)
        hl_pulse_failed("no descriptor for the file: %s", strerror(e));
    return above;
}

/* One look at a time, but for the last; with or without the GIL. */
bool hl_pulse_claim(void)
{
    uint32_t idle = 0;
    return __atomic_compare_exchange_n(&hl_pulse.busy, &idle, 1, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* CPU of our own threads. watches: we are the watcher. */
uint64_t hl_pulse_threads_cpu_ns(bool watches)
{
    uint64_t watcher = watches ? hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID)
                               : atomic_load(&hl_pulse.watcher_cpu_ns);
    return watcher + atomic_load(&hl_pulse.guard_cpu_ns);
}

/* A limit of the program's holds for who borrows its memory; one who works in a copy lifts it there. */
static bool memory_is_limited(void)
{
    static const int of[] = {RLIMIT_AS, RLIMIT_DATA};
    struct rlimit now;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (!getrlimit(of[i], &now) && now.rlim_cur != RLIM_INFINITY)
            return true;
    return false;
}

/* GIL held, unless HL_LOOK_UNSETTLED; the file is in use by us. CPU time is the program's: the child's is
 * not in it, our threads' is taken off. */
void hl_look_start(hl_look *l, enum hl_look_slot slot, unsigned how, const char *reason)
{
    bool watcher = how & HL_LOOK_WATCHES;
    if (how & HL_LOOK_BORROWS && memory_is_limited())
        how &= ~(unsigned)(HL_LOOK_BORROWS | HL_LOOK_RETURNS);
    *l = (hl_look){
        .slot = slot,
        .unsettled = (how & HL_LOOK_UNSETTLED) != 0,
        .lent = (how & HL_LOOK_RETURNS) != 0,
        .uses_file = true,
        .at_ns = hl_page_now(),
        .rss_bytes = hl_pulse_resident(watcher),
        .rounds = hl_pulse.page->rounds,
    };
    int fd = file_open();
    if (fd < 0)
        return;
    uint64_t ours = hl_pulse_threads_cpu_ns(watcher) + hl_pulse.rounds_ns;
    uint64_t cpu_ns = hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - ours;
    hl_pulse.page->cpu_ns = cpu_ns;
    bool waits = how & HL_LOOK_BORROWS;
    if (slot == HL_AT_FAREWELL && l->rss_bytes < MARKED_BYTES &&
        hl_native_is_worth_a_copy(l->rss_bytes, cpu_ns))
        how &= ~(unsigned)HL_LOOK_BORROWS;
    bool held = how & HL_LOOK_HELD;
    bool marks = !l->unsettled && !held && !(how & HL_LOOK_BORROWS) && l->rss_bytes < MARKED_BYTES;
    hl_shot_request request = {
        .fd = fd,
        .stream = ++hl_pulse.streams,
        .reason = reason,
        .time_us = (l->at_ns - hl_pulse.page->started_mono_ns) / 1000,
        .cpu_us = cpu_ns / 1000,
        .user_us = hl_vitals_user_us(),
        .rss_bytes = l->rss_bytes,
        .rounds = l->rounds,
        .program = hl_pulse.page->program,
        .deadline = l->unsettled ? UNSETTLED_SECONDS
                    : l->lent    ? LENT_SECONDS
                                 : CHILD_SECONDS,
        .sample = l->rss_bytes >= SAMPLED_BYTES,
        .mark = marks && hl_native_is_worth_a_mark(l->rss_bytes, cpu_ns),
        .may_mark = marks && hl_native_may_mark(l->rss_bytes, cpu_ns),
        .unsettled = l->unsettled,
        .held = held,
        .pid = held ? NULL : (int *)&hl_pulse.page->walker_pid[slot],
        .apart = (how & HL_LOOK_APART) != 0,
        .borrow = !(how & HL_LOOK_BORROWS) ? HL_BORROW_NOT
                  : l->lent                ? HL_BORROW_BACK
                                           : HL_BORROW_LAST,
        /* the program waits for it: not where that takes long */
        .thorough = waits && !l->lent && l->rss_bytes < THOROUGH_BYTES,
    };
    l->faults = hl_vitals_minor_faults();
    hl_shot *shot = hl_pulse.shots[slot];
    memset(shot, 0, sizeof *shot);
    uint64_t before = hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    pid_t child = hl_child_start(&request, shot);
    if (child < 0 && l->lent) { /* there are no addresses for it to work in */
        l->lent = false;
        request.borrow = HL_BORROW_NOT;
        request.deadline = CHILD_SECONDS;
        child = hl_child_start(&request, shot);
    }
    l->stop_ns = hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
    close(fd);
    if (child < 0) {
        hl_pulse.page->walker_pid[slot] = 0;
        if (!held) /* those are worth a try */
            hl_pulse_failed("cannot clone the program for a snapshot: %s", strerror(-child));
        return;
    }
    l->child = child;
    __atomic_fetch_add(&hl_pulse.page->pause_ns, shot->pause_ns, __ATOMIC_SEQ_CST);
}

/* Pages the program wrote to while they were shared with the child. What it gained meanwhile was
 * new pages, which fault without us too. */
static uint64_t copy_ns(const hl_look *l)
{
    uint64_t faults = hl_vitals_minor_faults() - l->faults;
    uint64_t now = hl_pulse_resident(l->slot == HL_BY_WATCHER);
    uint64_t grown = now > l->rss_bytes ? (now - l->rss_bytes) / 4096 : 0;
    return faults > grown ? (faults - grown) * FAULT_NS : 0;
}

/* The GIL is not needed. Returns what the look cost the program. A child that died in a heap nobody
 * held still is no failure: the look was worth a try. */
uint64_t hl_look_finish(hl_look *l)
{
    hl_page *page = hl_pulse.page;
    hl_shot *shot = hl_pulse.shots[l->slot];
    int status = l->child ? hl_child_finish(l->child, shot) : HL_OK;
    if (l->uses_file)
        hl_page_file_done(page);
    l->uses_file = false;
    if (!l->child)
        return 0;
    page->walker_pid[l->slot] = 0;
    __atomic_fetch_add(&page->ours_ns, shot->walk_ns + shot->after_ns, __ATOMIC_SEQ_CST);
    if (l->unsettled && (status || !shot->done))
        ;
    else if (status || !shot->done)
        child_failed(shot);
    else
        __atomic_fetch_add(&page->taken, 1, __ATOMIC_SEQ_CST);
    hl_native_marked(shot, l->rss_bytes);
    hl_page_ring(&page->bell);
    if (l->lent) { /* also what a busy machine made of it, which a copy would not have waited for */
        uint64_t stood = hl_page_now() - l->at_ns;
        l->stop_ns = stood;
        __atomic_fetch_add(&page->pause_ns, stood - shot->pause_ns, __ATOMIC_SEQ_CST);
    }
    uint64_t copies = l->lent ? 0 : copy_ns(l);
    __atomic_fetch_add(&page->fault_ns, copies, __ATOMIC_SEQ_CST);
    l->child = 0;
    return l->stop_ns + copies +
           (hl_pulse.one_core && !l->lent ? shot->walk_ns + shot->after_ns : 0);
}
void hl_look_end(hl_look *l)
{
    uint64_t cost = hl_look_finish(l);
    uint64_t walk = hl_pulse.shots[l->slot]->walk_ns; /* a mark has an allowance of its own */
    if (l->unsettled) {
        hl_plan_paid_by(&hl_pulse.plan, hl_page_now(), l->rss_bytes, cost, walk);
    } else {
        hl_pulse.plan.rounds = l->rounds;
        hl_pulse.plan.lent = l->lent;
        hl_plan_took(&hl_pulse.plan, l->at_ns, hl_page_now(), l->rss_bytes, l->stop_ns, cost, walk);
    }
    pid_t self = (pid_t)syscall(SYS_gettid);
    if (self == hl_pulse.watcher_tid)
        atomic_store(&hl_pulse.watcher_cpu_ns, hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID));
    else if (self == hl_pulse.guard_tid)
        atomic_store(&hl_pulse.guard_cpu_ns, hl_vitals_clock_ns(CLOCK_THREAD_CPUTIME_ID));
    bool early = hl_plan_early(&hl_pulse.plan);
    atomic_store(&hl_pulse.early, early);
    hl_pulse.page->due_round = early ? hl_plan_due_round(&hl_pulse.plan) : HL_ROUND_NEVER;
    hl_page_set(&hl_pulse.busy, 0);
}

void hl_look_end_handed(void)
{
    atomic_store(&hl_pulse.is_handed, false); /* before busy goes: then the next may be begun */
    hl_look_end(&hl_pulse.handed);
}

bool hl_look_end_awaited(void)
{
    hl_look *l = atomic_exchange(&hl_pulse.awaited, NULL);
    if (l)
        hl_look_end(l);
    return l;
}
