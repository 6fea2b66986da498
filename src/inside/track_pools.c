/* inside/track_pools.c: where the small-object allocator keeps its pools, found by what they say.
 *
 * Room   inside; target with the GIL, when hooks are put in.
 * Takes  an allocator.   Gives  its table of pools, or nothing.
 * Knows  Objects/obmalloc.c of 3.9 to 3.15.  Must not know  hooks. */
#include "inside/track_pools.h"

enum { RING_MOST = 1 << 20 };

static hl_abi_pool *pool_of(const void *block)
{
    return (hl_abi_pool *)((uintptr_t)block & ~(uintptr_t)(HL_ABI_POOL_BYTES - 1));
}

static bool is_pool(const hl_abi_pool *p)
{
    return !((uintptr_t)p & (HL_ABI_POOL_BYTES - 1));
}

/* A pool with a used and a free block is in the ring of its size, whose one other member is no pool: its
 * `next` and `prev` are the table's entry. */
static hl_abi_pool **entry_of(const hl_abi_pool *p, uint32_t size_class)
{
    const hl_abi_pool *at = p;
    for (int i = 0; i < RING_MOST && is_pool(at); i++) {
        if (at->size_class != size_class || at->next->prev != at)
            return NULL;
        at = at->next;
    }
    return is_pool(at) ? NULL : (hl_abi_pool **)(uintptr_t)&at->next;
}

static hl_abi_pool **table_by(const PyMemAllocatorEx *below, uint32_t size_class)
{
    size_t n = (size_t)(size_class + 1) * HL_ABI_POOL_UNIT;
    hl_abi_pool **entry = NULL;
    void *a = below->malloc(below->ctx, n), *b = below->malloc(below->ctx, n);
    bool one_pool = a && b && pool_of(a) == pool_of(b);
    if (b)
        below->free(below->ctx, b);
    if (one_pool)
        entry = entry_of(pool_of(a), size_class);
    if (a)
        below->free(below->ctx, a);
    return entry ? entry - 2 * size_class : NULL;
}

hl_abi_pool **hl_pools_find(const PyMemAllocatorEx *below)
{
    hl_abi_pool **table = NULL;
    unsigned agree = 0;
    if (!hl_pools_are_one())
        return NULL;
    for (uint32_t c = 0; c < HL_ABI_POOL_CLASSES; c++) {
        hl_abi_pool **t =
            table_by(below, c); /* two blocks may lie in two pools: then it says nothing */
        if (!t)
            continue;
        if (table && t != table)
            return NULL;
        table = t;
        agree++;
    }
    return agree >= HL_ABI_POOL_CLASSES / 2 ? table : NULL;
}
