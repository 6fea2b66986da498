/* inside/dups.h: looking for equal leaves while the heap is walked.
 *
 * Room   inside; the cloned child; for the files of this room only. dups.c has the method. */
#ifndef HL_DUPS_H
#define HL_DUPS_H

#include "inside/walk.h"

enum {
    /* Each look takes some 150 ns, so that these add 2 to 4 % to the walk of a million objects. */
    HL_DUPS_LOOKS = 1024,    /* leaves looked at before the first is passed over */
    HL_DUPS_ROOM = 4 * 1024, /* contents remembered, about; of 40 bytes */
    /* for a snapshot that was asked for, and the last one: the program waits or is over */
    HL_DUPS_LOOKS_THOROUGH = 64 * 1024,
    HL_DUPS_ROOM_THOROUGH = 128 * 1024,
};

/* NULL: no memory, or no random numbers yet: nothing is looked for. */
hl_dups *hl_dups_new(bool thorough);
/* A tuple that the collector has let go, since it holds nothing but leaves. */
void hl_dups_tuple(hl_walk *w, PyObject *o, uint32_t id, size_t size);
/* Column DUP, before the types are written; then the totals. */
void hl_dups_write(hl_walk *w);
void hl_dups_totals(const hl_dups *d, hl_fields *end);

#endif
