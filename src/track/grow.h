/* track/grow.h: an array that grows, in own pages, under its owner's lock.
 *
 * Room   track; target, inside malloc.
 * What readers without the lock may look at does not belong in one: it moves. */
#ifndef HL_GROW_H
#define HL_GROW_H

#include "rt/rt.h"

#include <string.h>

/* Makes room for need items of each bytes; *room is how many there are. false: no memory. */
static inline bool hl_grow(void **array, size_t *room, size_t need, size_t each)
{
    enum { FIRST = 4096 };
    if (need <= *room)
        return true;
    size_t wider = *room ? 2 * *room : FIRST / each + 1;
    while (wider < need)
        wider *= 2;
    void *p = hl_pages_map(wider * each);
    if (!p)
        return false;
    if (*array)
        memcpy(p, *array, *room * each);
    hl_pages_unmap(*array, *room * each);
    *array = p;
    *room = wider;
    return true;
}

#endif
