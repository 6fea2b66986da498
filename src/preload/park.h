/* preload/park.h: other threads stand still while this one waits for the verdict.
 *
 * Room   preload, its own files only. For the end of the interpreter, when no Python thread may run
 *        any more. Each once in the life of a process, by the thread that ends it, in this order.
 */
#ifndef HL_PARK_H
#define HL_PARK_H

#include <stdbool.h>

/* While the interpreter is torn down: threads blocked in a system call sleep for good, the others
 * go on. Only in the process that called it: no errno changes. */
void hl_park_blocked(void);
/* When it is gone: so do the others, until released. */
void hl_park_others(void);
/* Those that were computing go on soon, if exit() waits for them; those that were blocked in a
 * system call never do. */
void hl_park_release(void);

#endif
