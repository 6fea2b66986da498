/* inside/counts.h: what a process has besides objects, counted.
 *
 * Room   inside. */
#ifndef HL_COUNTS_H
#define HL_COUNTS_H

#include <stdint.h>

/* Fills out[enum hl_resource], all but blocks; returns which were counted, a bit each. */
uint32_t hl_counts_take(uint64_t *out);

#endif
