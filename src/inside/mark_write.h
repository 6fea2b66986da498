/* inside/mark_write.h: what the mark found, as columns of a snapshot.
 *
 * Room   inside; the cloned child. */
#ifndef HL_MARK_WRITE_H
#define HL_MARK_WRITE_H

#include "inside/mark_here.h"

/* Numbers of what is told beside the blocks: native_write.c. */
typedef struct hl_native_writing hl_native_writing;
uint32_t hl_native_number(hl_native_writing *x, uint32_t site);
uint32_t hl_native_module(hl_native_writing *x, uint32_t module);

/* After the walk, and the mark. */
void hl_mark_write(hl_walk *w, hl_native_writing *x, hl_fields *end);

#endif
