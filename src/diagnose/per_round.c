/* diagnose/per_round.c: growth judged by the units of work the program declared.
 *
 * Room   diagnose; analyser process.
 * Takes  moments with rounds (heaplens.mark, --rounds).   Gives  the axis, and exact growths.
 * Why    What a unit of work leaves behind, each time, is a leak however small it is: where the
 *        program says what a unit is, counts decide and no share of the heap does. A count is exact
 *        if from look to look it rose by at least one for each round between them. Looks that fell
 *        into a round may have seen half of it: they do not count here. */
#include "diagnose/case.h"

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
