/* track/site_tree.h: stacks as a tree: a site is (the site of its caller, an instruction).
 *
 * Room   track; target, inside malloc; found by any thread, added under the lock.
 * Method A site is told apart by its caller's site, a code record (codes.h) and an offset, so that
 *        code that is compiled anew is the same site: memory is bounded by the program's text, not
 *        by how often it is loaded. In front of that stands a table by the instruction's address,
 *        which is all the hot path has; when a code object dies its addresses are taken out.
 * Care   Readers hold no lock. A table is filled before it is published, an entry's key is stored
 * last, what was taken out is never filled again before the table grows, and old tables stay
 * mapped (all together they are as large as the newest). */
#ifndef HL_SITE_TREE_H
#define HL_SITE_TREE_H

#include "track/lock.h"
#include "track/track.h"

#include <stdbool.h>
#include <stddef.h>

enum { HL_SITE_CHUNK_BITS = 12, HL_SITE_CHUNK = 1 << HL_SITE_CHUNK_BITS };

typedef struct hl_site {
    uint32_t parent; /* 0: the outermost frame */
    uint32_t code;   /* record of codes.h */
    uint32_t offset; /* of the instruction, in bytes */
} hl_site;

typedef struct hl_sites_entry {
    uintptr_t at; /* 0: free; 1: was one */
    uint32_t parent, site;
} hl_sites_entry;

typedef struct hl_sites_table {
    unsigned shift; /* 64 - log2 of the entries */
    size_t used, room;
    hl_sites_entry e[];
} hl_sites_table;

typedef struct hl_sites_cell { /* an address under which a site is found; listed by code object */
    uintptr_t at;
    uint32_t site, next;
} hl_sites_cell;

typedef struct hl_sites {
    hl_sites_table *table; /* published with release */
    uint32_t gone; /* how often addresses were taken out: what was found before is not believed */
    hl_site *chunks[HL_SITES_MAX >> HL_SITE_CHUNK_BITS];
    hl_lock lock;         /* guards what follows */
    uint32_t n;           /* ids given out; 0 is no site */
    uint32_t *same;       /* site ids by (parent, code, offset) */
    size_t room_same;     /* a power of two */
    hl_sites_cell *cells; /* 0 is none */
    size_t n_cells, room_cells;
    uint32_t free_cell;
    uint64_t lost; /* sites there was no room for: their caller stands for them */
} hl_sites;

static inline size_t hl_sites_place(const hl_sites_table *t, uint32_t parent, uintptr_t at)
{
    uint64_t h = (uint64_t)at >> 1 ^ (uint64_t)parent * 0x9E3779B97F4A7C15ull;
    return (size_t)(h * 0xD6E8FEB86659FD93ull >> t->shift);
}

/* The site of an instruction below a caller's site, or 0. */
static inline uint32_t hl_sites_find(const hl_sites *s, uint32_t parent, uintptr_t at)
{
    const hl_sites_table *t = __atomic_load_n(&s->table, __ATOMIC_ACQUIRE);
    for (size_t h = hl_sites_place(t, parent, at);; h = (h + 1) & (t->room - 1)) {
        uintptr_t there = __atomic_load_n(&t->e[h].at, __ATOMIC_ACQUIRE);
        if (there == at && t->e[h].parent == parent)
            return t->e[h].site;
        if (!there)
            return 0;
    }
}

static inline const hl_site *hl_site_of(const hl_sites *s, uint32_t site)
{
    return &s->chunks[site >> HL_SITE_CHUNK_BITS][site & (HL_SITE_CHUNK - 1)];
}

/* Once, before any other; false: no memory. */
bool hl_sites_init(hl_sites *s);
/* The lock is held. The site is made if there is none; the address leads to it from now on. *cell is
 * the list of the code object the address lies in. No room: parent. */
uint32_t hl_sites_add(hl_sites *s, uint32_t parent, uint32_t code, uint32_t offset, uintptr_t at,
                      uint32_t *cell);
/* The lock is held. The code object is gone: its addresses lead nowhere. */
void hl_sites_gone(hl_sites *s, uint32_t cell);
void hl_sites_deinit(hl_sites *s);

#endif
