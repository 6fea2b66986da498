/* inside/pulse_guard.c: looks without the GIL where it is not to be had.
 *
 * Room   inside; target process under `heaplens run`; a thread of our own, mostly asleep.
 * Why    One call in C may keep the GIL for as long as it likes. Then the watcher, which waits for
 *        it, sees nothing, and cannot end a program that a signal is to end. The guard looks without
 *        it: such a look shows what was there and proves no growth (HL_SNAP_UNSETTLED). */
#include "inside/pulse_parts.h" /* first: Python.h sets _GNU_SOURCE */

#include <linux/close_range.h>
#include <sys/prctl.h>

/* How long the GIL may be kept before we look without it: short calls are none of our business, and
 * in a long run a second more or less is nothing. */
static uint64_t stuck_patience(unsigned looks, uint64_t now)
{
    enum { FIRST_NS = 300 * 1000 * 1000, MOST = 10 };
    uint64_t tenth = (now - hl_pulse.plan.begun_ns) / 10;
    uint64_t patience = (uint64_t)FIRST_NS << (looks < MOST ? looks : MOST);
    return patience > tenth ? patience : tenth;
}

static void look_without_gil(void)
{
    hl_look l;
    if (hl_pulse.shots[HL_BY_WATCHER]->done) /* else it would be in the way */
        hl_look_end_awaited();
    if (!hl_page_file_use(hl_pulse.page, 0))
        return;
    if (!hl_pulse_claim()) {
        hl_page_file_done(hl_pulse.page);
        return;
    }
    hl_look_start(&l, HL_BY_WATCHER, HL_LOOK_UNSETTLED, "time");
    hl_look_end(&l);
}

void *hl_pulse_guard(void *unused)
{
    prctl(PR_SET_NAME, "heaplens");
    hl_pulse.guard_tid = (pid_t)syscall(SYS_gettid);
    syscall(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE);
    unsigned looks = 0;
    for (uint64_t stuck = 0; !atomic_load(&hl_pulse.ending);) {
        uint32_t seen = hl_pulse.tick;
        uint64_t now = hl_page_now(), since = atomic_load(&hl_pulse.wants_since);
        uint64_t until = now + 60 * (uint64_t)HL_PULSE_LONG_NS;
        uint64_t paid = hl_plan_not_before(&hl_pulse.plan, since ? hl_pulse_resident(false) : 0);
        looks = since == stuck ? looks : 0;
        stuck = since;
        if (since) {
            if (now >= since + HL_PULSE_LONG_NS / 10)
                hl_pulse_patience_back();
            int signum = atomic_load(&hl_pulse.dying);
            until = since + (signum ? HL_PULSE_DYING_WAIT_NS : stuck_patience(looks, now));
            until = !signum && until < paid ? paid : until;
            if (now >= until && signum && !atomic_exchange(&hl_pulse.ending, true))
                hl_pulse_end_here(signum, HL_LOOK_UNSETTLED, "signal");
            if (now >= until) {
                looks++;
                look_without_gil();
                continue;
            }
        }
        hl_page_wait(&hl_pulse.tick, seen, until - now);
    }
    atomic_store(&hl_pulse.guarding, false);
    return NULL;
}
