/* inside/pulse_plan.c: when the next look is due.
 *
 * Room   inside; target process, watcher thread.
 * Takes  what the looks so far cost.   Gives  the earliest moment, and the two reasons for the
 *        next.
 * Knows  nothing but numbers. */
#include "inside/pulse_plan.h"

enum {
    MS = 1000 * 1000,
    GRACE_NS = 500 * MS, /* the first half second ...                        */
    GRACE_TAKEN = 8,     /* ... has this many at the price of their cost    */
    GRACE_PAUSE_NS = 3 * MS,
    FIRST_NS = 250 * MS,
    PAY = 20,
    FEW = 3, /* and the last */
    PAY_FEW = 2,
    PAY_WALK = 5, /* the child has a core of its own, but somebody pays for that, too */
    WALK_CREDIT_NS = 120 * MS,
    /* while memory grows, more of each: a short program that leaks is worth more looks than one that
     * stays as it is, and after a second of imports a look costs the child 60 ms and copies 20 MB */
    GROWING_WALK_CREDIT_NS = 400 * MS,
    GROWING_CREDIT_NS = 80 * MS,
    CREDIT_NS = 40 * MS, /* of cost, once in a run, that is not paid for twentyfold: a program of a
                            second that imports for half of it needs its looks in the other half */
    GROWTH_MIN = 1024 * 1024,
    GAIN_MIN = 64 * 1024, /* what is less is no growth */
    BIG_BYTES = 128 * 1024 * 1024,
    PAGE = 4096,
    WRITE_NS =
        1500, /* a write to a page that was shared and is ours alone again: 1-2.5 us measured */
    LEND_NS = 100 * MS,   /* no longer, unless a copy takes as long */
    POLL_MIN_NS = 1 * MS, /* a hundredth of the age, within these */
    POLL_MAX_NS = 20 * MS,
    POLL_IDLE_NS = 50 * MS, /* while nothing moves, and after so many times so much slower: */
    STILL_POLLS = 4,
    POLL_SLOWER_MAX = 5,
    POSTPONED_MIN_NS = 5 * MS,
    BEGINS_MANY = 2,
    PEEK_MIN_NS = 20 * MS,
    LOADING_MIN_NS = 500 * MS, /* what is over sooner has looks enough after it */
    PATIENCE_MIN_NS = 20 * MS, /* two rounds of the usual length, within these */
    SPARE_YOUNG_NS = 2000 * MS,
    SPARE_GAP_NS = 5 * MS, /* from one to the next, and a third of the age */
    SPARE_AGAIN_NS = 2 * MS,
    SPARE_GROWTH = 256 * 1024,
    SPARE_WORTH = 512 * 1024, /* in all */
    SPARE_PAY = 4,
    ENOUGH_LOOKS =
        5,        /* at the work: then only what came since the last one is worth another, if ... */
    LONG_AGO = 8, /* ... that is so large a part of the work */
    SPARE_WALKS_NS = 100 * MS, /* of the walks that an end waits for, but ... */
    SPARES_LEAST = 2,          /* ... so many are worth more */
};

void hl_plan_begin(hl_plan *p, uint32_t max, uint32_t interval_ms, uint64_t now_ns)
{
    *p = (hl_plan){
        .max = max ? max : HL_PLAN_DEFAULT_MAX,
        .interval_ms = interval_ms,
        .cheap = true,
        .credit_ns = CREDIT_NS,
        .walk_credit_ns = WALK_CREDIT_NS,
        .growing_walk_credit_ns = GROWING_WALK_CREDIT_NS,
        .growing_credit_ns = GROWING_CREDIT_NS,
        .armed_ns = now_ns,
        .begun_ns = now_ns,
        .last_ns = now_ns,
        .free_ns = now_ns,
        .free_growing_ns = now_ns,
    };
}

bool hl_plan_in_grace(const hl_plan *p, uint64_t now_ns)
{
    return p->cheap && p->taken <= GRACE_TAKEN && now_ns - p->begun_ns < GRACE_NS;
}

/* What of it is not covered by the credit. */
static uint64_t beyond(uint64_t ns, uint64_t *credit_ns)
{
    uint64_t given = ns < *credit_ns ? ns : *credit_ns;
    *credit_ns -= given;
    return ns - given;
}

/* Every page of a big heap that the program writes to again, were it only to free it, faults once
 * for each look, however long ago: dear where there are gigabytes of them. */
static uint64_t yet_to_fault_ns(uint64_t rss_bytes)
{
    return rss_bytes > BIG_BYTES ? (rss_bytes - BIG_BYTES) / PAGE * WRITE_NS : 0;
}

/* Of those, what the last look did not leave waiting for its fault already. */
static uint64_t newly_to_fault_ns(const hl_plan *p, uint64_t rss_bytes)
{
    uint64_t ahead = yet_to_fault_ns(rss_bytes), waiting = yet_to_fault_ns(p->looked_bytes);
    return ahead > waiting ? ahead - waiting : 0;
}

static uint64_t in_proportion(uint64_t ns, uint64_t of_bytes, uint64_t bytes)
{
    return of_bytes ? (uint64_t)((double)ns * ((double)bytes / (double)of_bytes)) : 0;
}

/* The interpreter itself is walked in each look, the rest grows with memory. */
static uint64_t next_walk_ns(const hl_plan *p, uint64_t rss_bytes)
{
    return p->least_walk_ns +
           in_proportion(p->walk_ns - p->least_walk_ns, p->walked_bytes, rss_bytes);
}

bool hl_plan_lends(const hl_plan *p, uint64_t rss_bytes)
{
    uint64_t walk = next_walk_ns(p, rss_bytes);
    uint64_t stop = in_proportion(p->stop_ns, p->stopped_bytes, rss_bytes);
    return walk && walk < stop + newly_to_fault_ns(p, rss_bytes) && walk < stop + LEND_NS;
}

/* What the next look is to cost a big program; copy_ns: if it makes a copy. */
static uint64_t ahead_ns(const hl_plan *p, uint64_t rss_bytes, uint64_t copy_ns)
{
    return hl_plan_lends(p, rss_bytes) ? next_walk_ns(p, rss_bytes) : copy_ns;
}

void hl_plan_paid_by(hl_plan *p, uint64_t done_ns, uint64_t rss_bytes, uint64_t cost_ns,
                     uint64_t walk_ns)
{
    p->spent_ns += cost_ns + (p->lent ? 0 : newly_to_fault_ns(p, rss_bytes));
    uint64_t due = beyond(cost_ns, &p->credit_ns), walk = beyond(walk_ns, &p->walk_credit_ns);
    bool grace = hl_plan_in_grace(p, done_ns);
    uint64_t paid = cost_ns + (grace ? 0 : due) * (PAY - 1);
    uint64_t worked = walk * PAY_WALK;
    p->free_ns = done_ns + (paid > worked ? paid : worked);
    due = grace ? 0 : beyond(due, &p->growing_credit_ns);
    paid = cost_ns + due * (PAY - 1);
    worked = beyond(walk, &p->growing_walk_credit_ns) * PAY_WALK;
    p->free_growing_ns = done_ns + (paid > worked ? paid : worked);
}

void hl_plan_took(hl_plan *p, uint64_t at_ns, uint64_t done_ns, uint64_t rss_bytes,
                  uint64_t pause_ns, uint64_t cost_ns, uint64_t walk_ns)
{
    p->taken++;
    p->last_ns = at_ns;
    p->cheap = p->cheap && pause_ns < GRACE_PAUSE_NS;
    hl_plan_paid_by(p, done_ns, rss_bytes, cost_ns, walk_ns);
    p->walk_ns = walk_ns;
    p->least_walk_ns = p->least_walk_ns && p->least_walk_ns < walk_ns ? p->least_walk_ns : walk_ns;
    p->walked_bytes = rss_bytes;
    if (!p->lent) {
        p->looked_bytes = p->stopped_bytes = rss_bytes;
        p->stop_ns = pause_ns;
    }
    p->lent = false;
    p->unlooked = false;
    p->at_work++;
    p->rose = p->high_bytes && rss_bytes > p->high_bytes + GAIN_MIN;
    if (!p->high_bytes)
        p->base_bytes = rss_bytes;
    uint64_t faded = p->high_bytes - p->high_bytes / 8;
    p->high_bytes = rss_bytes > faded ? rss_bytes : faded;
}

static const uint64_t POSTPONED_MAX_NS = UINT64_C(10000) * MS,
                      LOADING_LONG_NS = UINT64_C(1000) * MS;

/* Only what is young and paces itself: what imports for longer is looked at all the same. So is what
 * has begun to work again and again: it makes modules as others make rows. */
bool hl_plan_may_postpone(const hl_plan *p, uint64_t now_ns)
{
    return !p->interval_ms && now_ns - p->armed_ns < POSTPONED_MAX_NS && p->begins < BEGINS_MANY;
}

/* Before anything but the first look the program's life begins only now. */
void hl_plan_postpone(hl_plan *p, uint64_t now_ns)
{
    uint64_t step = (now_ns - p->armed_ns) / 20;
    p->free_ns = now_ns + (step > POSTPONED_MIN_NS ? step : POSTPONED_MIN_NS);
    p->free_growing_ns = p->free_ns;
    if (p->taken <= 1) {
        p->begun_ns = p->last_ns = now_ns;
        p->high_bytes = 0;
        p->unlooked = false;
        p->at_work = 0;
    }
}

/* Were looks put off since it was armed, and nothing else seen? */
static bool is_unseen(const hl_plan *p)
{
    return p->taken && !p->high_bytes;
}

bool hl_plan_may_have_loaded(const hl_plan *p, uint64_t now_ns)
{
    return p->loads && p->idle_ns && now_ns - p->armed_ns >= LOADING_MIN_NS;
}

bool hl_plan_begins(const hl_plan *p, uint64_t now_ns)
{
    bool loaded = hl_plan_may_have_loaded(p, now_ns) && now_ns - p->idle_ns >= PEEK_MIN_NS;
    return p->idle_ns && (is_unseen(p) || loaded);
}

void hl_plan_begin_work(hl_plan *p, uint64_t now_ns, uint64_t rss_bytes)
{
    /* what was spent on looks at its imports is not to be missing now */
    if (p->loads && now_ns - p->armed_ns > LOADING_LONG_NS) {
        p->credit_ns = CREDIT_NS;
        p->walk_credit_ns = WALK_CREDIT_NS;
        p->growing_walk_credit_ns = GROWING_WALK_CREDIT_NS;
        p->growing_credit_ns = GROWING_CREDIT_NS;
    }
    p->begun_ns = p->last_ns = p->free_ns = p->free_growing_ns = now_ns;
    p->high_bytes = p->base_bytes = rss_bytes;
    p->unlooked = true;
    p->at_work = 0;
    p->loads = false;
    p->begins++;
}

void hl_plan_loads(hl_plan *p, bool loads)
{
    p->loads = loads && p->begins < BEGINS_MANY && !p->interval_ms;
}

/* Asking needs the GIL, for a moment. */
uint64_t hl_plan_peek_at(const hl_plan *p)
{
    uint64_t last = p->peeked_ns > p->last_ns ? p->peeked_ns : p->last_ns;
    uint64_t step = (last - p->armed_ns) / 20, first = p->armed_ns + LOADING_MIN_NS;
    uint64_t next = last + (step > PEEK_MIN_NS ? step : PEEK_MIN_NS);
    return !p->loads ? UINT64_MAX : next > first ? next : first;
}

void hl_plan_peeked(hl_plan *p, uint64_t now_ns, bool imports)
{
    p->peeked_ns = now_ns;
    if (imports)
        p->idle_ns = 0;
    else if (!p->idle_ns)
        p->idle_ns = now_ns;
}

bool hl_plan_seems_to_begin(const hl_plan *p)
{
    return p->idle_ns && is_unseen(p);
}

bool hl_plan_may_want_spare(const hl_plan *p, uint64_t now_ns, uint64_t rss_bytes)
{
    return !p->interval_ms && p->taken && p->cheap && !hl_plan_spent(p) &&
           now_ns - p->begun_ns < SPARE_YOUNG_NS && rss_bytes < BIG_BYTES;
}

static uint64_t spare_gap(const hl_plan *p, uint64_t now_ns)
{
    uint64_t gap = is_unseen(p) ? (now_ns - p->armed_ns) / 40 : (now_ns - p->begun_ns) / 3;
    return gap > SPARE_GAP_NS ? gap : SPARE_GAP_NS;
}

bool hl_plan_wants_spare(const hl_plan *p, uint64_t now_ns, uint64_t rss_bytes)
{
    if (!hl_plan_may_want_spare(p, now_ns, rss_bytes))
        return false;
    if (hl_plan_seems_to_begin(p))
        return now_ns >= p->idle_ns + SPARE_AGAIN_NS;
    return now_ns >= p->spare_free_ns && now_ns >= p->spare_ns + spare_gap(p, now_ns) &&
           rss_bytes >= p->spare_bytes + SPARE_GROWTH;
}

void hl_plan_spared(hl_plan *p, uint64_t now_ns, uint64_t rss_bytes, uint64_t cost_ns)
{
    p->spare_ns = now_ns;
    p->spare_bytes = rss_bytes;
    p->spare_free_ns = now_ns + SPARE_PAY * cost_ns;
}

uint64_t hl_plan_looks(hl_plan *p, uint64_t now_ns, uint64_t rss_bytes)
{
    p->spare_ns = now_ns;
    p->spare_bytes = rss_bytes;
    return now_ns - spare_gap(p, now_ns) / 2;
}

bool hl_plan_has_enough(const hl_plan *p)
{
    return p->at_work + 1 >= ENOUGH_LOOKS; /* the last one */
}

unsigned hl_plan_lacks(const hl_plan *p, uint64_t now_ns, uint64_t rss_bytes)
{
    unsigned looks = p->at_work + 1;
    if (hl_plan_has_enough(p))
        return LONG_AGO * (now_ns - p->last_ns) > now_ns - p->begun_ns;
    if (!p->high_bytes || rss_bytes < p->base_bytes + SPARE_WORTH)
        return 0;
    unsigned lacks = ENOUGH_LOOKS - looks;
    uint64_t walk = next_walk_ns(p, rss_bytes), may = walk ? SPARE_WALKS_NS / walk : lacks;
    may = may > SPARES_LEAST ? may : SPARES_LEAST;
    return lacks < may ? lacks : (unsigned)may;
}

bool hl_plan_ends_at_once(const hl_plan *p, uint64_t rss_bytes)
{
    return is_unseen(p) || (p->unlooked && rss_bytes < p->base_bytes + GROWTH_MIN);
}

/* What does not grow is looked at when it is three times as old, up to here, then when it is half as
 * old again. */
static const uint64_t STILL_NS = UINT64_C(4000) * MS;
static const uint64_t PATIENCE_MAX_NS = UINT64_C(10000) * MS;

/* 0, 1, 2: thirds of the places already used. */
static unsigned third(const hl_plan *p)
{
    return p->max ? p->taken * 3 / p->max : 2;
}

bool hl_plan_spent(const hl_plan *p)
{
    return p->taken + 1 >= p->max && (!p->thinned || p->max == 1);
}

/* What a look at a big heap will cost the program is paid for before, not after: it may end soon.
 * The first few, which every run is to have, may cost half of it. Those that growth asks for make
 * only what came since the last one fault once more, if it is written to again at all: they are
 * spread over a run that goes on growing. */
static uint64_t saved_by(const hl_plan *p, uint64_t rss_bytes, bool grows)
{
    uint64_t ahead = yet_to_fault_ns(rss_bytes);
    if (!ahead)
        return 0;
    if (grows)
        return p->last_ns + ahead_ns(p, rss_bytes, newly_to_fault_ns(p, rss_bytes));
    return p->begun_ns +
           (p->spent_ns + ahead_ns(p, rss_bytes, ahead)) * (p->taken < FEW ? PAY_FEW : PAY);
}

uint64_t hl_plan_not_before(const hl_plan *p, uint64_t rss_bytes)
{
    bool grows = rss_bytes >= hl_plan_due_bytes(p);
    uint64_t saved = saved_by(p, rss_bytes, grows);
    uint64_t free_ns = grows ? p->free_growing_ns : p->free_ns;
    if (p->interval_ms)
        return p->last_ns;
    return saved > free_ns ? saved : free_ns;
}

/* Twice as far apart each time the places would have been filled once more: what is in the file
 * then lies as far apart after every second one has gone. */
static unsigned doublings(const hl_plan *p)
{
    enum { MOST = 16 };
    unsigned fills = p->max ? p->taken * 3 / p->max : 0, n = 0;
    if (!p->thinned)
        return third(p) == 2;
    for (unsigned limit = 3; fills >= limit && n < MOST; limit += 2)
        n++;
    return n;
}

/* What has not grown is worth few looks: it may be leaking into room that was there already. But one
 * where growth has just stopped tells a thing that was filled, and is in use now, from one that is
 * let go when it is full. */
static uint64_t while_still(const hl_plan *p, uint64_t elapsed)
{
    return elapsed < STILL_NS && !p->rose ? 3 * elapsed : elapsed + elapsed / 2;
}

uint64_t hl_plan_due_at(const hl_plan *p, uint64_t rss_bytes)
{
    if (p->interval_ms)
        return p->last_ns + ((uint64_t)p->interval_ms * MS << doublings(p));
    uint64_t elapsed = p->last_ns - p->begun_ns;
    uint64_t next;
    switch (third(p)) {
    case 0:
        next =
            rss_bytes > p->high_bytes + GAIN_MIN ? elapsed + elapsed / 5 : while_still(p, elapsed);
        break;
    case 1: /* up to minutes; where it grows, and a look is cheap, the last one is not to be long ago */
        next = elapsed +
               elapsed / (rss_bytes < BIG_BYTES && rss_bytes > p->high_bytes + GAIN_MIN ? 5 : 3);
        break;
    default:
        next = p->thinned ? elapsed + elapsed / 4 : elapsed * 2; /* up to days */
    }
    return p->begun_ns + (next > FIRST_NS ? next : FIRST_NS);
}

uint64_t hl_plan_due_bytes(const hl_plan *p)
{
    if (p->interval_ms)
        return UINT64_MAX;
    uint64_t step;
    switch (third(p)) {
    case 0: /* a little more on top of what large libraries take is much to a short program */
        step = p->high_bytes > p->base_bytes ? (p->high_bytes - p->base_bytes) / 3 : 0;
        step = step < p->high_bytes / 6 ? step : p->high_bytes / 6;
        break;
    case 1:
        step = p->high_bytes / 3;
        break;
    default:
        step = p->high_bytes;
    }
    return p->high_bytes + (step > GROWTH_MIN ? step : GROWTH_MIN);
}

uint64_t hl_plan_due_round(const hl_plan *p)
{
    if (p->interval_ms || hl_plan_spent(p))
        return UINT64_MAX;
    uint64_t step = third(p) == 2 ? p->rounds : p->rounds / (third(p) ? 3 : 4);
    return p->rounds + (step ? step : 1);
}

uint64_t hl_plan_round_patience(const hl_plan *p, uint64_t now_ns, uint64_t rounds)
{
    uint64_t two = rounds ? 2 * (now_ns - p->begun_ns) / rounds : 0;
    return two < PATIENCE_MIN_NS ? PATIENCE_MIN_NS : two > PATIENCE_MAX_NS ? PATIENCE_MAX_NS : two;
}

bool hl_plan_early(const hl_plan *p)
{
    return p->cheap && !p->interval_ms && !hl_plan_spent(p);
}

/* Asking is cheap, but not for a program that sleeps: where nothing has moved for a while it is
 * asked less and less often. */
uint64_t hl_plan_next_poll(const hl_plan *p, uint64_t now_ns, uint64_t rss_bytes, uint32_t still)
{
    uint64_t slower =
        still < STILL_POLLS * POLL_SLOWER_MAX ? 1 + still / STILL_POLLS : POLL_SLOWER_MAX;
    uint64_t step = (now_ns - p->begun_ns) / 100 * slower;
    uint64_t most = still ? POLL_IDLE_NS : POLL_MAX_NS;
    step = step < POLL_MIN_NS * slower ? POLL_MIN_NS * slower : step > most ? most : step;
    uint64_t due = hl_plan_due_at(p, rss_bytes);
    return due > now_ns && due - now_ns < step ? due : now_ns + step;
}
