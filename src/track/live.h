/* track/live.h: which blocks live, and who made each: one word a block, found by its address.
 *
 * Room   track; target, inside malloc, with or without the GIL.
 * Method A shadow of the address space: a word for every 16 bytes, in leaves of 1 MiB of heap
 *        (512 KiB of words, of which only touched pages exist), below two small directories. A
 *        block's word is at its address's place: one store when it is made, one when it goes, no
 *        lock, no probing, nothing to grow but leaves.
 *
 *   63                           24 23              0
 *  | by (track.h)                  | size            |      0: no block begins here
 *
 * Planes Small blocks of one size lie side by side, a multiple of their size apart: of 64 bytes, say,
 *        every fourth place is used. So a leaf keeps the words of every fourth place together, and
 *        of most sizes only one or two of its four planes ever exist.
 * Care   Blocks of 16 MiB and more, blocks that do not lie on 16 bytes, and addresses beyond 47
 * bits have an entry in a small table aside, under a lock. A word is written by whoever owns its
 * block, so none is written by two threads at once. */
#ifndef HL_LIVE_H
#define HL_LIVE_H

#include "track/lock.h"
#include "track/track.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    HL_LIVE_SIZE_BITS = 24,
    HL_LIVE_BIG = (1 << HL_LIVE_SIZE_BITS) - 1, /* this and more: the size is aside */
    HL_LIVE_GRANULE = 16,
    HL_LIVE_LEAF_BITS = 20, /* bytes of heap below one leaf */
    HL_LIVE_MID_BITS = 14,
    HL_LIVE_TOP_BITS = 13,
    HL_LIVE_SPACE_BITS = HL_LIVE_LEAF_BITS + HL_LIVE_MID_BITS + HL_LIVE_TOP_BITS, /* 47 */
    HL_LIVE_LEAF_WORDS = (1 << HL_LIVE_LEAF_BITS) / HL_LIVE_GRANULE,
    HL_LIVE_PLANES_BITS = 2, /* a leaf's words lie in planes: below */
    HL_LIVE_PLANE_WORDS = HL_LIVE_LEAF_WORDS >> HL_LIVE_PLANES_BITS,
};
static const uintptr_t HL_LIVE_PLAIN =
    (((uintptr_t)1 << HL_LIVE_SPACE_BITS) - 1) & ~(uintptr_t)(HL_LIVE_GRANULE - 1);

_Static_assert(HL_LIVE_LEAF_WORDS == 1 << 16, "a leaf's granules are counted in 16 bits");

typedef struct hl_live_leaf {
    uintptr_t base; /* address of its first byte of heap */
    uint64_t *words;
} hl_live_leaf;

typedef struct hl_live_aside {
    uintptr_t at; /* 0: free; 1: was one */
    uint64_t by, size;
} hl_live_aside;

typedef struct hl_live {
    uint64_t **top[1 << HL_LIVE_TOP_BITS]; /* published with release, never taken back */
    hl_lock lock;                          /* guards what follows */
    hl_live_leaf *leaves;                  /* in the order they were needed */
    size_t n_leaves, room_leaves;
    char *slab, *slab_end; /* where leaves are cut from */
    hl_live_aside *aside;
    size_t n_aside, used_aside, room_aside; /* live; ever used; a power of two, or 0 */
    uint64_t lost;                          /* blocks there was no memory to note */
    uint64_t bytes;                         /* of words and directories, mapped */
} hl_live;

typedef struct hl_live_block {
    uint64_t by, size; /* by 0: nothing was known of it */
} hl_live_block;

/* The slow halves: a leaf is missing, or the block belongs aside. */
void hl_live_put_slow(hl_live *m, uintptr_t at, uint64_t by, size_t size);
hl_live_block hl_live_take_slow(hl_live *m, uintptr_t at, bool keep);

/* Where in its leaf the word of an address is; and which of the leaf's granules a word is of. */
static inline size_t hl_live_place(uintptr_t at)
{
    uint16_t granule =
        (uint16_t)(at / HL_LIVE_GRANULE); /* a turn of its 16 bits: one instruction */
    return (uint16_t)(granule >> HL_LIVE_PLANES_BITS | granule << (16 - HL_LIVE_PLANES_BITS));
}
static inline size_t hl_live_granule(size_t place)
{
    return (place & (HL_LIVE_PLANE_WORDS - 1)) << HL_LIVE_PLANES_BITS | place / HL_LIVE_PLANE_WORDS;
}

static inline uint64_t *hl_live_word(const hl_live *m, uintptr_t at)
{
    /* turned, so that what is not on 16 bytes is as far away as what is beyond 47 bits */
    uint64_t granule = at / HL_LIVE_GRANULE | (uint64_t)at << (64 - 4);
    if (__builtin_expect(granule >> (HL_LIVE_SPACE_BITS - 4) != 0, 0))
        return NULL;
    uint64_t **mid = __atomic_load_n(&m->top[granule >> (HL_LIVE_LEAF_BITS + HL_LIVE_MID_BITS - 4)],
                                     __ATOMIC_ACQUIRE);
    if (__builtin_expect(!mid, 0))
        return NULL;
    uint64_t *leaf = __atomic_load_n(
        &mid[granule >> (HL_LIVE_LEAF_BITS - 4) & ((1 << HL_LIVE_MID_BITS) - 1)], __ATOMIC_ACQUIRE);
    return leaf ? leaf + hl_live_place(at) : NULL;
}

/* A block of so many bytes lives at this address. */
static inline void hl_live_put(hl_live *m, uintptr_t at, uint64_t by, size_t size)
{
    uint64_t *word = hl_live_word(m, at);
    if (__builtin_expect(!word || size >= HL_LIVE_BIG, 0))
        hl_live_put_slow(m, at, by, size);
    else
        *word = by << HL_LIVE_SIZE_BITS | size;
}

/* It is about to be freed. */
static inline hl_live_block hl_live_take(hl_live *m, uintptr_t at)
{
    uint64_t *word = hl_live_word(m, at);
    if (__builtin_expect(!word, 0))
        return hl_live_take_slow(m, at, false);
    uint64_t v = *word;
    if (__builtin_expect((v & HL_LIVE_BIG) == HL_LIVE_BIG, 0))
        return hl_live_take_slow(m, at, false);
    if (v)
        *word = 0;
    return (hl_live_block){v >> HL_LIVE_SIZE_BITS, v & HL_LIVE_BIG};
}

/* What is known of the block there. */
static inline hl_live_block hl_live_look(hl_live *m, uintptr_t at)
{
    return hl_live_take_slow(m, at, true);
}

/* Calls for every live block, in the order of leaves. Words that change meanwhile are seen as they
 * were or as they are. */
typedef void hl_live_each(void *context, uintptr_t at, uint64_t by, uint64_t size);
void hl_live_walk(hl_live *m, hl_live_each *each, void *context);
/* Bytes of memory its words and its table aside have. */
uint64_t hl_live_touched(hl_live *m);
/* Halves all ages: what was made after checkpoint 2i and 2i+1 is of age i from now on. */
void hl_live_age(hl_live *m);
/* Forgets every block; leaves stay. For a new start: nobody puts or takes meanwhile. */
void hl_live_clear(hl_live *m);
/* Gives all memory back. For tests. */
void hl_live_deinit(hl_live *m);

#endif
