/* inside/vitals.h: what the kernel says of this process: clocks, CPU, memory.
 *
 * Room   inside, its own files; target process, any thread. errno may change. */
#ifndef HL_VITALS_H
#define HL_VITALS_H

#include <stdint.h>
#include <time.h>

uint64_t hl_vitals_clock_ns(clockid_t id);
/* CPU outside the kernel, by clock ticks. */
uint64_t hl_vitals_user_us(void);
uint64_t hl_vitals_minor_faults(void);
/* Resident bytes; of an open /proc/self/statm, or opened for the purpose. 0: not known. */
uint64_t hl_vitals_resident_at(int statm);
uint64_t hl_vitals_resident(void);
/* Of them, pages of files and shared memory. */
uint64_t hl_vitals_shared(void);

#endif
