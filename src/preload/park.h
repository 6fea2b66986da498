/* preload/park.h: other threads stand still while this one waits for the verdict.
 *
 * Room   preload, its own files only. For the end of the interpreter, when no Python thread may run
 *        any more. Each once in the life of a process, by the thread that ends it, in this order.
 */
#ifndef HL_PARK_H
#define HL_PARK_H

#include <stdbool.h>

enum { HL_PARK_MAX = 1024 };

/* While the interpreter is torn down. threads: its own that may still be there (pthread_t); no
 * other thread is stopped. Those blocked in a system call sleep until released, the others go on.
 */
void hl_park_blocked(const unsigned long *threads, unsigned n);
/* When it is gone: so do the others, until released. */
void hl_park_others(void);
/* All go on soon, if exit() waits for them: the process is to be gone before. */
void hl_park_release(void);

#endif
