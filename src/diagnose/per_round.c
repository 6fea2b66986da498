/* diagnose/per_round.c: growth judged by the units of work the program declared.
 *
 * Room   diagnose; analyser process.
 * Takes  moments with rounds (heaplens.mark, --rounds).   Gives  the axis, and exact growths.
 * Why    What a unit of work leaves behind, each time, is a leak however small it is: where the
 *        program says what a unit is, counts decide and no share of the heap does. A count is exact
 *        if from look to look it rose by at least one for each round between them. Looks that fell
 *        into a round may have seen half of it: they do not count here. */
#include "diagnose/per_round.h"

#include <string.h>

enum { LEAST_ROUNDS = 3, LEAST_INTERVALS = 3, EXACT_ROUNDS = 8 };

/* Taken by the clock, for growth, or when something happened, it may have fallen into a round. */
static bool between_rounds(const hl_snap_info *info)
{
    static const char *const anywhere[] = {"time", "growth", "signal", "limit", "memory", "fault"};
    for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++)
        if (!strcmp(info->reason, anywhere[i]))
            return false;
    return true;
}

bool hl_rounds_axis(hl_case *c)
{
    hl_moment *m = c->moments;
    uint32_t n = c->n_moments, intervals = 0;
    for (uint32_t i = 1; i < n; i++) {
        if (m[i].info.rounds < m[i - 1].info.rounds)
            return false; /* of several programs */
        intervals += m[i].info.rounds > m[i - 1].info.rounds;
    }
    if (intervals < LEAST_INTERVALS || m[n - 1].info.rounds - m[0].info.rounds < LEAST_ROUNDS)
        return false;
    for (uint32_t i = 0; i < n; i++)
        m[i].work = (double)m[i].info.rounds;
    return true;
}

bool hl_rounds_exact(const hl_case *c, const uint64_t *series, const hl_growth *g)
{
    const hl_moment *m = c->moments;
    uint32_t first = g->onset > c->baseline ? g->onset : c->baseline, last = first, intervals = 0;
    if (!c->by_rounds || g->metric == HL_METRIC_BYTES)
        return false;
    for (uint32_t i = first + 1; i <= g->anchor; i++) {
        uint64_t rounds = m[i].info.rounds - m[last].info.rounds;
        if (!rounds || !between_rounds(&m[i].info))
            continue;
        if (series[i] < series[last] + rounds)
            return false;
        last = i;
        intervals++;
    }
    return intervals >= LEAST_INTERVALS &&
           m[last].info.rounds - m[first].info.rounds >= EXACT_ROUNDS;
}

/* Other threads hold a few for the moment of a look. A whole number a call, as near as makes no
 * difference in any interval, is that number; 0: it is none. */
static double whole_rate(const hl_case *c, const uint64_t *series, const hl_course *r)
{
    static const double NEAR = 0.2, NEAR_IN_ALL = 0.03;
    const hl_moment *m = c->moments;
    double all = (double)(m[r->last].info.rounds - m[r->first].info.rounds);
    double mean = (double)(series[r->last] - series[r->first]) / all;
    double whole = (double)(uint64_t)(mean + 0.5);
    bool near = whole >= 1 && mean - whole <= NEAR_IN_ALL * whole &&
                whole - mean <= NEAR_IN_ALL * whole && r->least >= (1 - NEAR) * whole &&
                r->most <= (1 + NEAR) * whole;
    return near ? whole : 0;
}

static bool course_from(const hl_case *c, const uint64_t *series, uint32_t first, hl_course *out)
{
    static const double STEADY = 4, SAME = 1e-9;
    const hl_moment *m = c->moments;
    hl_course r = {.first = first, .last = first};
    for (uint32_t i = first + 1; i < c->n_moments; i++) {
        uint64_t rounds = m[i].info.rounds - m[r.last].info.rounds;
        if (!rounds || !between_rounds(&m[i].info))
            continue;
        if (series[i] <= series[r.last])
            return false;
        double rate = (double)(series[i] - series[r.last]) / (double)rounds;
        r.least = !r.intervals || rate < r.least ? rate : r.least;
        r.most = !r.intervals || rate > r.most ? rate : r.most;
        r.last = i;
        r.intervals++;
    }
    double whole = r.intervals ? whole_rate(c, series, &r) : 0;
    r.even = r.most - r.least <= SAME * r.most;
    if (!r.even && whole > 0) {
        r.least = r.most = whole;
        r.even = r.near = true;
    }
    r.steady = r.most <= STEADY * r.least;
    if (r.intervals < LEAST_INTERVALS ||
        (!c->audited && m[r.last].info.rounds - m[first].info.rounds < EXACT_ROUNDS))
        return false;
    *out = r;
    return true;
}

bool hl_course_find(const hl_case *c, const uint64_t *series, hl_course *out)
{
    hl_course whole;
    if (!c->by_rounds || !course_from(c, series, c->baseline, out))
        return false;
    if (c->baseline && course_from(c, series, 0, &whole) && whole.even == out->even)
        *out = whole;
    return true;
}
