/* inside/track_write.h: what the tracker knows, for a look's child.
 *
 * Room   inside; the parent around the clone (hold, release), then the cloned child. */
#ifndef HL_TRACK_WRITE_H
#define HL_TRACK_WRITE_H

#include "inside/walk.h"

typedef struct hl_makers hl_makers;

/* Allocations are followed, and nobody is changing the tables, until the release: a copy that is made
 * meanwhile is whole. False also where a lock is not to be had soon: we may be in the handler of a
 * signal that met its holder. */
bool hl_track_hold(void);
void hl_track_release(void);

/* In the child. NULL: what is known cannot be read. */
hl_makers *hl_makers_new(hl_walk *w, bool borrowed);
/* The row of an object that is about to be counted (w->nodes is its number). */
void hl_makers_row(hl_walk *w, PyObject *o, const hl_kind *k);
/* The same of a leaf, which has but one block. */
void hl_makers_leaf(hl_walk *w, PyObject *o);
/* A leaf that is folded into the row that is open. */
void hl_makers_fold(hl_walk *w, PyObject *o, enum hl_leaf leaf);
/* All items of a sequence whose leaves were folded together, of which most were not read. */
void hl_makers_fold_all(hl_walk *w, PyObject *const *item, size_t n);
/* The number of a site's stack among those that are told. */
uint32_t hl_makers_stack(hl_walk *w, uint32_t site);
/* After the walk: bytes in use in objects that it found, and in none, as estimated; 0 where each block is
 * followed. */
void hl_makers_held(const hl_walk *w, uint64_t *held, uint64_t *unheld);
/* The sums by stack, and their fields of END. time_us: as in META. */
void hl_makers_write(hl_walk *w, uint64_t time_us, hl_fields *end);

#endif
