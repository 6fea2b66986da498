/* diagnose/slope.h: how fast memory grows, and how sure that is.
 *
 * Room   diagnose; its own files and their tests. */
#ifndef HL_SLOPE_H
#define HL_SLOPE_H

#include "model/timeline.h"

enum {
    HL_SLOPE_LEAST = 6, /* points after warm-up; fewer tell no slope */
    HL_SLOPE_PARTS = 32 /* of more, means of so many parts of equal time are used */
};
#define HL_SLOPE_WARM_UP 0.25 /* of the time: cut off */

/* seconds: ascending. bytes: HL_CELL_NONE where not told. out->told is false where there is too little. */
void hl_slope_fit(const double *seconds, const int64_t *bytes, uint32_t n, hl_slope *out);

#endif
