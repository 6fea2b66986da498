/* diagnose/per_round.h: how something went, round by round.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_PER_ROUND_H
#define HL_PER_ROUND_H

#include "diagnose/case.h"

typedef struct hl_course {
    uint32_t first, last; /* moments */
    uint32_t intervals;   /* between looks, with rounds in them */
    double least, most;   /* gained a round, in the interval with least and with most */
    bool even;            /* both are the same ... */
    bool near;            /* ... but for a few that come and go */
    bool steady;          /* the most is no more than four times the least */
} hl_course;

/* Did the series rise in every interval between rounds, from the first moment, or else from the end
 * of the warm-up? False: it did not, or there are too few. */
bool hl_course_find(const hl_case *c, const uint64_t *series, hl_course *out);

#endif
