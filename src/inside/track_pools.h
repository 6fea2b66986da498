/* inside/track_pools.h: a block from the small-object allocator, without calling it.
 *
 * Room   inside; target, inside malloc, with the GIL.
 * Why    A hook costs more than its own instructions: an interpreter that was built by what it ran
 *        most has the allocator's usual way in each of its callers, and goes through a function of
 *        32 instructions when there is a hook instead.
 * Method That way is: take the first free block of the first pool of the size, if the pool has
 *        another, or room for one. Whatever else may be is the allocator's. Up to 3.11 the pools are
 *        one table of the process. Later each interpreter may have its own, with a GIL of its own: the main
 *        one's are taken from only while it is the only one, which one comparison tells. A new
 *        interpreter is the head of the runtime's list before anything runs in it, and its thread
 *        put it there (PyInterpreterState_New, Python/pystate.c). */
#ifndef HL_TRACK_POOLS_H
#define HL_TRACK_POOLS_H

#include "inside/inside_abi.h"

typedef struct hl_pools {
    hl_abi_pool **table; /* the ring of a size's pools at twice its class; never NULL */
#if HL_PY_AT_LEAST(12)
    PyInterpreterState *const *newest; /* the head of the list of interpreters */
    const PyInterpreterState *owner;   /* whose pools they are */
#endif
} hl_pools;

/* GIL. The pools of the allocator of objects, which is the small-object allocator; below NULL: it is
 * another, and there are none to take from. The table is found from blocks: the ring of a pool leads
 * through it. Not all sizes agree: there are none. */
hl_pools hl_pools_find(const PyMemAllocatorEx *below);

/* NULL: the allocator has to be asked. n: 1 to 512. */
static inline __attribute__((always_inline)) void *hl_pools_take(const hl_pools *from, size_t n)
{
#if HL_PY_AT_LEAST(12)
    if (__builtin_expect(*from->newest != from->owner, 0))
        return NULL;
#endif
    hl_abi_pool *pool = from->table[2 * ((uint32_t)(n - 1) / HL_ABI_POOL_UNIT)];
    if (__builtin_expect(pool == pool->next, 0))
        return NULL;
    void *block = pool->free, *next = *(void **)block;
    if (!next) { /* the pool's part that was never used */
        if (__builtin_expect(pool->next_offset > pool->last_offset, 0))
            return NULL;
        next = (char *)pool + pool->next_offset;
        pool->next_offset += ((uint32_t)(n - 1) / HL_ABI_POOL_UNIT + 1) * HL_ABI_POOL_UNIT;
        *(void **)next = NULL;
    }
    pool->used++;
    pool->free = next;
    return block;
}

#endif
