/* inside/pulse_spare.c: copies of a young program, walked only if it ends with few looks.
 *
 * Room   inside; target process under `heaplens run`; the watcher, and who takes the last look.
 * Why    A walk takes 15 to 60 ms, and many a program has done its work in less: one look would be
 *        all there is of it. A clone takes one or two, and shows a moment that is gone by then.
 * Method While the plan asks for them (pulse_plan.c) copies are made and held, a few, spread over the
 *        work so far. The first, of its beginning, is walked when the first look at the work is due,
 *        in its place. Once there are looks enough only the newest is held, in case the last look will
 *        have been long ago; when the program is no longer young, or big, all go unseen.
 * Order  `lock`, and `ending` asked under it: what the watcher holds is the farewell's from then on. */
#include "inside/pulse_parts.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/importing.h"
#include "inside/vitals.h"
#include "track/lock.h"

#include <string.h>

enum { LATER = 1 }; /* the first place of those that are not of the beginning */

static hl_lock lock;
static hl_look spares[HL_SPARES]; /* child 0: none. Not in the order of time, but for the first */
static atomic_uint held;

void hl_spares_forget(void)
{
    hl_lock_reset(&lock);
    memset(spares, 0, sizeof spares);
    atomic_store(&held, 0);
}

/* ---- the lock is held ------------------------------------------------------------------------ */

static void let_go(hl_look *l)
{
    l->child = 0;
    l->uses_file = false;
    atomic_fetch_sub(&held, 1);
}

static void drop(hl_look *l)
{
    if (!l->child)
        return;
    hl_child_drop(l->child);
    hl_page_file_done(hl_pulse.page);
    let_go(l);
}

static void drop_all(void)
{
    for (unsigned i = 0; i < HL_SPARES; i++)
        drop(spares + i);
}

/* The one of the later ones without which the others are spread best, at most one of them missing;
 * HL_SPARES: there is none. */
static unsigned least_missed(uint64_t now_ns)
{
    unsigned best = HL_SPARES;
    uint64_t least = UINT64_MAX;
    for (unsigned i = LATER; i < HL_SPARES; i++) {
        uint64_t before = hl_pulse.plan.begun_ns, after = now_ns, at = spares[i].at_ns;
        for (unsigned k = LATER; k < HL_SPARES; k++) {
            uint64_t other = spares[k].child ? spares[k].at_ns : at;
            before = other < at && other > before ? other : before;
            after = other > at && other < after ? other : after;
        }
        if (spares[i].child && after - before < least) {
            least = after - before;
            best = i;
        }
    }
    return best;
}

static unsigned place(uint64_t now_ns)
{
    for (unsigned i = LATER; i < HL_SPARES; i++)
        if (!spares[i].child)
            return i;
    return least_missed(now_ns);
}

/* GIL held, too. */
static void make(unsigned i, const char *reason)
{
    hl_look *l = spares + i;
    drop(l);
    if (!hl_page_file_use(hl_pulse.page, 0))
        return;
    hl_look_start(l, HL_SPARE_LOOK + i, HL_LOOK_WATCHES | HL_LOOK_HELD, reason);
    hl_plan_spared(&hl_pulse.plan, l->at_ns, l->rss_bytes, l->stop_ns);
    if (l->child)
        atomic_fetch_add(&held, 1);
    else
        hl_page_file_done(hl_pulse.page);
    l->uses_file = l->child != 0;
}

/* ---- the watcher ----------------------------------------------------------------------------- */

void hl_spare_begin_work(void)
{
    hl_plan *plan = &hl_pulse.plan;
    uint64_t now = hl_page_now(), rss = hl_pulse_resident(true);
    hl_lock_take(&lock);
    bool wants = !hl_pulse.page->rounds && hl_plan_may_want_spare(plan, now, rss);
    if (wants && !spares[0].child && !atomic_load(&hl_pulse.ending))
        make(0, "imported");
    bool made = spares[0].child != 0;
    hl_plan_begin_work(plan, made ? spares[0].at_ns : now, made ? spares[0].rss_bytes : rss);
    hl_lock_give(&lock);
}

void hl_spares_consider(void)
{
    hl_plan *plan = &hl_pulse.plan;
    uint64_t now = hl_page_now(), rss = hl_pulse_resident(true);
    enum hl_importing importing = hl_importing();
    hl_plan_peeked(plan, now, importing != HL_NO_IMPORT);
    hl_lock_take(&lock);
    if (atomic_load(&hl_pulse.ending)) {
        ;
    } else if (importing == HL_IMPORTING && hl_plan_may_postpone(plan, now)) {
        drop_all();
        hl_plan_postpone(plan, now);
        hl_plan_spared(plan, now, rss, 0);
    } else if (!hl_plan_seems_to_begin(plan)) {
        if (hl_plan_has_enough(plan))
            drop_all();
        make(place(now), "growth");
    } else if (!spares[0].child) {
        make(0, "imported");
    } else {
        hl_plan_begin_work(plan, spares[0].at_ns, spares[0].rss_bytes);
    }
    hl_lock_give(&lock);
}

void hl_spares_make_way(void)
{
    hl_lock_take(&lock);
    uint64_t from = hl_plan_looks(&hl_pulse.plan, hl_page_now(), hl_pulse_resident(true));
    for (unsigned i = LATER; i < HL_SPARES && !atomic_load(&hl_pulse.ending); i++)
        if (spares[i].at_ns > from)
            drop(spares + i);
    hl_lock_give(&lock);
}

/* It is a child at work from now on: the sentinel waits for it if the program is killed. */
static void go(const hl_look *l)
{
    hl_pulse.page->walker_pid[l->slot] = (uint32_t)l->child;
    hl_child_go(hl_pulse.shots[l->slot]);
}

bool hl_spare_of_beginning(hl_look *out)
{
    hl_lock_take(&lock);
    bool is_there = spares[0].child && !atomic_load(&hl_pulse.ending);
    if (is_there) {
        *out = spares[0];
        let_go(spares);
        go(out);
    }
    hl_lock_give(&lock);
    return is_there;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Who is interrupted by a signal may have the lock: then they go when the program has gone. */
void hl_spares_drop(void)
{
    if (!atomic_load(&held) || !hl_lock_try(&lock))
        return;
    drop_all();
    hl_lock_give(&lock);
}

unsigned hl_spares_release(unsigned most)
{
    hl_lock_take(&lock);
    uint64_t now = hl_page_now();
    for (unsigned i = 0; i < HL_SPARES; i++)
        if (hl_plan_has_enough(&hl_pulse.plan) && spares[i].at_ns < hl_pulse.plan.last_ns)
            drop(spares + i);
    while (atomic_load(&held) > most) {
        unsigned i = least_missed(now);
        drop(spares + (i < HL_SPARES ? i : 0));
    }
    for (unsigned i = 0; i < HL_SPARES; i++)
        if (spares[i].child)
            go(spares + i);
    hl_lock_give(&lock);
    return atomic_load(&held);
}

/* Pages that were copied since are the looks' that came after. */
void hl_spares_finish(void)
{
    for (unsigned i = 0; i < HL_SPARES; i++)
        if (spares[i].child) {
            spares[i].faults = hl_vitals_minor_faults();
            hl_look_finish(spares + i);
        }
    atomic_store(&held, 0);
}
