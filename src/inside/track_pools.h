/* inside/track_pools.h: a block from the small-object allocator, and back, without calling it.
 *
 * Room   inside; target, inside malloc, with the GIL.
 * Why    A hook costs more than its own instructions: an interpreter that was built by what it ran
 *        most has the allocator's usual way in each of its callers, and goes through a function of
 *        32 instructions when there is a hook instead.
 * Method That way is: take the first free block of the first pool of the size, if the pool has
 *        another, or room for one. Whatever else may be is the allocator's. From 3.12 on each
 *        interpreter has a table of its own, and to ask which one runs costs as much as the call: so
 *        only while there is one interpreter. */
#ifndef HL_TRACK_POOLS_H
#define HL_TRACK_POOLS_H

#include "inside/inside_abi.h"

/* Whether all pools are in one table: else nothing may be taken from it. */
static inline bool hl_pools_are_one(void)
{
#if HL_PY_AT_LEAST(12)
    const PyInterpreterState *newest = _PyRuntime.interpreters.head;
    return newest && newest == _PyRuntime.interpreters.main && !newest->next;
#else
    return true;
#endif
}

/* The table: the ring of a size's pools at twice its class. It is a static variable, and found from
 * blocks: the ring of a pool leads through it. NULL: not found, or all sizes do not agree; below is
 * the allocator of objects. */
hl_abi_pool **hl_pools_find(const PyMemAllocatorEx *below);

/* NULL: the allocator has to be asked. */
static inline __attribute__((always_inline)) void *hl_pools_take(hl_abi_pool **pools, size_t n)
{
    if (__builtin_expect(!hl_pools_are_one(), 0))
        return NULL;
    hl_abi_pool *pool = pools[2 * ((uint32_t)(n - 1) / HL_ABI_POOL_UNIT)];
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

/* A block that came from hl_pools_take goes. false: the allocator has to be asked. */
static inline __attribute__((always_inline)) bool hl_pools_give(void *block)
{
    hl_abi_pool *pool = (hl_abi_pool *)((uintptr_t)block & ~(uintptr_t)(HL_ABI_POOL_BYTES - 1));
    if (__builtin_expect(!hl_pools_are_one() || !pool->free || pool->used < 2, 0))
        return false; /* the pool is full, or will be empty: it changes its list */
    *(void **)block = pool->free;
    pool->free = block;
    pool->used--;
    return true;
}

#endif
