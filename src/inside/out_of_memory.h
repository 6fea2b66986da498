/* inside/out_of_memory.h: notices that the program is out of memory, the moment it learns so.
 *
 * Room   inside, its own files only. */
#ifndef HL_OUT_OF_MEMORY_H
#define HL_OUT_OF_MEMORY_H

#include <stdbool.h>

/* GIL held, in the middle of an allocation: it must neither let go of it nor call Python. */
typedef void hl_missing(void);
/* Once, GIL held, before the program begins. */
void hl_out_of_memory_arm(hl_missing *missing);

/* Does this thread hold the GIL of the main interpreter? Also asked in signal handlers. */
bool hl_holds_gil(void);

#endif
