/* inside/mark.h: which blocks of memory anybody still points to, and which word leads to each.
 *
 * Room   inside; the cloned child, which nobody changes while it reads; memory from rt's pages.
 * Takes  blocks in the order of their addresses, and roots.   Gives  a bit a block, and its holder.
 * Method conservative: each aligned word is taken for a pointer that lies in a block, wherever in it. What
 *        a root points to is reached, and so is what a reached block points to.
 *
 *   page of 4 KiB ─► number of the first block that begins there, and a bit for each 16 bytes where one
 *                    does: the block of an address is found by counting bits, in one line of cache
 *
 * Knows  rt.  Must not know  what blocks are of, Python. */
#ifndef HL_MARK_H
#define HL_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hl_mark_block {
    uintptr_t at;
    size_t size;
    uint32_t group; /* blocks of one group hand on their holder to one another; 0: of none */
    uint8_t head;   /* so many bytes at its beginning are not what references lead to */
    uint8_t skip;   /* so many words there are no pointers; HL_MARK_LEAF: no word of it is */
    uint8_t words;  /* beyond those so many may be pointers; 0: all */
    uint8_t kind;   /* the caller's */
} hl_mark_block;

enum {
    HL_MARK_NONE = UINT32_MAX, /* no such block */
    HL_MARK_LEAF = UINT8_MAX,
};

/* Are these pages there? A page that never was is not read, and one that is swapped out is. */
typedef void hl_mark_pages(void *context, uintptr_t from, size_t pages, uint8_t *there);

typedef struct hl_mark_page hl_mark_page;
typedef struct hl_mark {
    hl_mark_block *blocks; /* borrowed */
    uint32_t n;
    uint64_t *reached;
    uintptr_t
        *holders; /* of a reached block the word that led to it, or to the first of its group */
    hl_mark_pages *pages; /* NULL: all are there; set after hl_mark_init */
    void *context;
    uint64_t read; /* bytes */
    /* its own */
    uint32_t ***top; /* address -> page record: HL_MARK_TOP, _MID, _LEAF */
    hl_mark_page *records;
    uint32_t *
        found; /* reached, contents not read yet: of a group from the front, others from the back */
    uint32_t n_found, n_later;
    uintptr_t least, most; /* of all blocks */
    struct hl_mark_wait *wait;
} hl_mark;

/* Puts blocks into the order of their addresses. spare: room for as many. */
void hl_mark_sort(hl_mark_block *blocks, size_t n, hl_mark_block *spare);
/* blocks: sorted, apart from one another, no two in the same 16 bytes; all but where they lie may be set until
 * the first root. false: no memory. */
bool hl_mark_init(hl_mark *m, hl_mark_block *blocks, uint32_t n);
/* What the words from `from` to `to` point to is reached, and what blocks of a group among that point to;
 * what others point to waits, so that a group's holder is a root, if it can be. All of it can be read. */
void hl_mark_root(hl_mark *m, uintptr_t from, uintptr_t to);
/* What waits. To be called after roots. */
void hl_mark_go_on(hl_mark *m);
/* As if somebody pointed to block i; goes on. */
void hl_mark_reach(hl_mark *m, uint32_t i);
/* The block an address lies in, or HL_MARK_NONE. */
uint32_t hl_mark_find(const hl_mark *m, uintptr_t at);
static inline bool hl_mark_reached(const hl_mark *m, uint32_t i)
{
    return m->reached[i >> 6] >> (i & 63) & 1;
}
void hl_mark_deinit(hl_mark *m); /* for tests: a child's memory goes with it */

#endif
