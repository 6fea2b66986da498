/* diagnose/axis.c: the axis that growth is judged on.
 *
 * Room   diagnose; before any shape is judged.
 * Takes  the moments, with the clocks of the looks.
 * Gives  hl_moment.work; by_rounds, audited, began, baseline and material of the case.
 * Method Growth is judged per declared round; where there are none, per CPU second; where a file has
 *        none, per second. Time in the kernel is left out where it can be told: pages get dearer as
 *        memory fills, the program's own work does not. The kernel tells it by clock ticks, so only
 *        where there are enough of them. So is the time of full collections. */
#include "diagnose/case.h"
#include "diagnose/per_round.h"

#include <string.h>

static const uint64_t MATERIAL_FLOOR = 1 << 20;
static const double MATERIAL_SHARE = 0.05, WARM_UP = 0.25, ENOUGH_USER_SECONDS = 0.5;

static uint64_t collections(const hl_snap_info *a, const hl_snap_info *b, int generation)
{
    uint64_t was = a->gc_collections[generation], is = b->gc_collections[generation];
    return is > was ? is - was : 0;
}

/* What the program made between two moments: collections of the youngest generation, one for some
 * hundred objects; or bytes, of which there are many more. */
typedef uint64_t made_fn(const hl_moment *a, const hl_moment *b);

static uint64_t made_generations(const hl_moment *a, const hl_moment *b)
{
    return collections(&a->info, &b->info, 0);
}

static uint64_t made_bytes(const hl_moment *a, const hl_moment *b)
{
    return b->allocated > a->allocated ? b->allocated - a->allocated : 0;
}

/* The work it took to make one of these, from a moment on, by the intervals without a full collection.
 * 0: there is none to tell. */
static double pace_of(made_fn *made, const hl_moment *m, uint32_t from, uint32_t n)
{
    double work = 0, all = 0;
    for (uint32_t i = from + 1; i < n; i++) {
        uint64_t is = made(&m[i - 1], &m[i]);
        if (!is || collections(&m[i - 1].info, &m[i].info, 2))
            continue;
        work += m[i].work - m[i - 1].work;
        all += (double)is;
    }
    return all > 0 ? work / all : 0;
}

/* The same where each interval has a full collection: no less than the least that one of these took. 0:
 * there are not two to compare. */
static double least_pace(const hl_moment *m, uint32_t from, uint32_t n)
{
    double least = 0;
    uint32_t seen = 0;
    for (uint32_t i = from + 1; i < n; i++) {
        uint64_t is = made_generations(&m[i - 1], &m[i]);
        double pace = is ? (m[i].work - m[i - 1].work) / (double)is : 0;
        seen += pace > 0;
        least = pace > 0 && (least <= 0 || pace < least) ? pace : least;
    }
    return seen > 1 ? least : 0;
}

/* The pace that tells most, and of what it is. Imports make little in much time: theirs is better than none. */
static double best_pace(const hl_moment *m, uint32_t began, uint32_t n, made_fn **of)
{
    *of = made_generations;
    double pace = pace_of(made_generations, m, began, n);
    if (pace > 0)
        return pace;
    pace = pace_of(made_bytes, m, began, n);
    if (pace > 0) {
        *of = made_bytes;
        return pace;
    }
    pace = least_pace(m, began, n);
    return pace > 0 ? pace : pace_of(made_generations, m, 0, n);
}

/* A full collection costs more the more there is, and is none of the program's own work: one that
 * ends each phase with gc.collect() seems to get ever slower. The collector's time is not told, but
 * it goes through the heap as the walk of a look does, which is: a quarter of that at least, and no
 * more than twice as long (0.9 to 1.3 times as long where classes were made). Between them it is
 * what the program's pace in the other intervals does not explain. */
static void leave_out_collections(hl_moment *m, uint32_t began, uint32_t n)
{
    static const double LEAST = 0.25, MOST = 2; /* of the walk */
    static const double SHARE = 0.8;            /* of the interval, at most */
    made_fn *made_between;
    double left_out = 0, was = n ? m[0].work : 0, pace = best_pace(m, began, n, &made_between);
    for (uint32_t i = 1; i < n; i++) {
        const hl_snap_info *a = &m[i - 1].info, *b = &m[i].info;
        double full = (double)collections(a, b, 2), work = m[i].work - was;
        double walks = full * (double)(a->walk_ns + b->walk_ns) / 2e9, cost = LEAST * walks;
        /* next to nothing was made meanwhile: the look fell into the collection */
        uint64_t made = made_between(&m[i - 1], &m[i]);
        double rest = pace > 0 ? work - pace * (double)(made + 1) : made ? 0 : work;
        if (full > 0 && rest > cost)
            cost = walks > 0 && rest > MOST * walks ? MOST * walks : rest;
        left_out += cost < SHARE * work ? cost : SHARE * work;
        was = m[i].work;
        m[i].work -= left_out;
    }
}

/* Of a program that loads many modules: when it has all but a few of them, what it came to do begins,
 * were it looked at before or not. One that has loaded the last of them at its end works by
 * loading. */
static const uint32_t MODULES_MANY = 40, MODULES_FEW = 4;
static const double MODULES_FEW_SHARE = 0.02, WORK_SHARE = 0.08;
static uint32_t loaded_at(const hl_case *c)
{
    const hl_moment *m = c->moments;
    uint32_t last = c->n_moments - 1, at = last, all = m[last].modules;
    uint32_t few = MODULES_FEW + (uint32_t)(MODULES_FEW_SHARE * all);
    while (at && m[at - 1].modules + few >= all)
        at--;
    bool works = m[last].work - m[at].work >= WORK_SHARE * (m[last].work - m[0].work) && at < last;
    return works && m[at].modules >= m[0].modules + MODULES_MANY ? at : 0;
}

void hl_axis_settle(hl_case *c)
{
    hl_moment *m = c->moments;
    uint32_t n = c->n_moments;
    bool user =
        n && (double)(m[n - 1].info.user_us - m[0].info.user_us) >= ENOUGH_USER_SECONDS * 1e6;
    for (uint32_t i = 1; i < n && user; i++)
        user = m[i].info.user_us >= m[i - 1].info.user_us;
    for (uint32_t i = 0; i < n && user; i++)
        m[i].work = (double)m[i].info.user_us / 1e6;
    bool cpu = n && m[n - 1].work > m[0].work;
    for (uint32_t i = 1; i < n && cpu; i++)
        cpu = m[i].work >= m[i - 1].work;
    for (uint32_t i = 0; i < n && !cpu; i++)
        m[i].work = (double)m[i].info.time_us / 1e6;
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(m[i].info.reason, "imported"))
            c->began = i;
    if (cpu)
        leave_out_collections(m, c->began, n);
    uint32_t loaded = n ? loaded_at(c) : 0;
    if (loaded > c->began)
        c->began = loaded;
    c->by_rounds = hl_rounds_axis(c);
    for (uint32_t i = 0; i < n; i++)
        c->audited |= c->by_rounds && m[i].info.resource_known != 0;
    for (uint32_t i = c->began; i < n; i++)
        if (m[i].work <= m[c->began].work + WARM_UP * (m[n - 1].work - m[c->began].work))
            c->baseline = i;
    c->material = c->options.min_growth;
    if (n && !c->material) {
        uint64_t share = (uint64_t)(MATERIAL_SHARE * (double)m[n - 1].heap_bytes);
        c->material = share > MATERIAL_FLOOR ? share : MATERIAL_FLOOR;
    }
}

bool hl_process_grew(const hl_case *c, uint32_t from, uint32_t to, uint64_t bytes)
{
    enum { SHARE = 2 };
    uint64_t was = c->moments[from].info.rss_bytes, is = c->moments[to].info.rss_bytes;
    return !was || !is || (is > was && SHARE * (is - was) >= bytes);
}
