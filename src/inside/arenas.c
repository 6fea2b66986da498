/* inside/arenas.c: how full the arenas of the interpreter's small-object allocator are.
 *
 * Room   inside; the cloned child.
 * Takes  the mappings, and the allocator's table of arenas.   Gives  the ARENA values and IMAGE.
 * Knows  Objects/obmalloc.c of 3.9 to 3.15.  Must not know  objects, malloc.
 *
 *      arena (256 KiB, 1 MiB since 3.10) ─► pools (4 KiB, 16 KiB) ─► blocks of one size
 *
 * Since 3.12 the table hangs from the interpreter. Before, it is a static variable nobody exports:
 * it is found by what it must say. Each pool carries the index of its arena, so the table's address
 * is the one word in the interpreter's data that gives every pool we know the arena it lies in. If
 * none does, or the table contradicts itself, nothing is said. */
#include "inside/resident.h"

enum {
    POOLS_NEEDED = 4, /* of samples, all in agreement */
    POOLS_SAMPLED = 32,
    LISTED_MAX = 4096,
    ARENAS_FIRST = 16, /* the table's first size; it doubles */
    ARENAS_SANE = 1 << 24,
    READ_MOST = 1024, /* of more arenas the pools of some are read: each is a page to be fetched */
};

/* Objects/obmalloc.c; internal/pycore_obmalloc.h since 3.12. The same in all of them. */
typedef struct arena {
    uintptr_t address; /* 0: none */
    uintptr_t next_pool;
    uint32_t free_pools, all_pools;
    hl_abi_pool *pools;
    struct arena *next, *prev;
} arena;

#if HL_PY_AT_LEAST(12)
_Static_assert(sizeof(hl_abi_pool) == sizeof(struct pool_header), "pool_header");
_Static_assert(sizeof(arena) == sizeof(struct arena_object), "arena_object");
_Static_assert(HL_ABI_POOL_BYTES == POOL_SIZE && HL_ABI_ARENA_BYTES == ARENA_SIZE,
               "sizes of obmalloc");
#endif

bool hl_pool_sane(const hl_abi_pool *p)
{
    if (p->size_class >= HL_ABI_POOL_CLASSES)
        return false;
    uint32_t block = (p->size_class + 1) * HL_ABI_POOL_UNIT;
    return p->used <= (HL_ABI_POOL_BYTES - sizeof *p) / block &&
           p->last_offset == HL_ABI_POOL_BYTES - block &&
           p->next_offset <= HL_ABI_POOL_BYTES + block;
}

typedef struct tally {
    uint64_t arenas, resident, pools, used;
} tally;

/* reads: its pools are counted, too. */
static bool count_arena(const hl_maps *maps, const arena *a, bool reads, tally *t)
{
    uintptr_t first = (a->address + HL_ABI_POOL_BYTES - 1) & ~(uintptr_t)(HL_ABI_POOL_BYTES - 1);
    if (a->next_pool < a->address || a->next_pool > a->address + HL_ABI_ARENA_BYTES ||
        a->free_pools > a->all_pools || a->all_pools > HL_ABI_ARENA_BYTES / HL_ABI_POOL_BYTES ||
        !hl_map_holds(maps, (void *)a->address, HL_ABI_ARENA_BYTES))
        return false;
    t->arenas++;
    t->resident += hl_resident_between(a->address, a->address + HL_ABI_ARENA_BYTES);
    for (uintptr_t at = first; reads && at + HL_ABI_POOL_BYTES <= a->next_pool;
         at += HL_ABI_POOL_BYTES) {
        const hl_abi_pool *p = (const hl_abi_pool *)at;
        if (!p->used)
            continue; /* a free pool may have belonged to any size */
        if (!hl_pool_sane(p))
            return false;
        t->pools += HL_ABI_POOL_BYTES;
        t->used += (uint64_t)p->used * (p->size_class + 1) * HL_ABI_POOL_UNIT;
    }
    return true;
}

static bool count_table(const hl_maps *maps, const arena *table, uint64_t n, tally *t)
{
    if (!table)
        return true; /* nothing was allocated here: PYTHONMALLOC=malloc */
    if (n > ARENAS_SANE || !hl_map_holds(maps, table, n * sizeof *table))
        return false;
    tally counted = {.arenas = 0};
    uint64_t step = 1 + n / READ_MOST, read = 0;
    for (uint64_t i = 0; i < n; i++) {
        bool reads = i % step == 0;
        if (table[i].address && !count_arena(maps, &table[i], reads, &counted))
            return false;
        read += table[i].address && reads;
    }
    double times = read ? (double)counted.arenas / (double)read : 0;
    t->arenas += counted.arenas;
    t->resident += counted.resident;
    t->pools += (uint64_t)((double)counted.pools * times);
    t->used += (uint64_t)((double)counted.used * times);
    return true;
}

/* The interpreter's writable data: the mapping of its runtime state, and those that join it. */
static bool image(const hl_maps *maps, uintptr_t *start, uintptr_t *end)
{
    const hl_map *m = hl_map_of(maps, (uintptr_t)&_PyRuntime), *first = m, *last = m;
    if (!m || !m->write)
        return false;
    while (first > maps->map && first[-1].end == first->start && first[-1].write)
        first--;
    while (last + 1 < maps->map + maps->n && last[1].start == last->end && last[1].write &&
           last[1].kind != HL_MAP_HEAP)
        last++;
    *start = first->start;
    *end = last->end;
    return true;
}

#if HL_PY_AT_LEAST(12)

static const struct _obmalloc_state *obmalloc_of(PyInterpreterState *i)
{
#if HL_PY_AT_LEAST(13)
    return i->obmalloc;
#else
    return &i->obmalloc;
#endif
}

static bool count_all(hl_resident *r, tally *t)
{
    const hl_maps *maps = &r->maps;
    const void *before = NULL;
    for (PyInterpreterState *i = hl_abi_interpreters(); i; i = i->next) {
        const struct _obmalloc_state *state = obmalloc_of(i);
        if (!state || state == before)
            continue; /* shares the main interpreter's */
        before = state;
        if (!count_table(maps, (const arena *)state->mgmt.arenas, state->mgmt.maxarenas, t))
            return false;
    }
    return true;
}

#else

/* Is a pool of this arena among the samples? A few of one arena are welcome. */
static bool enough_of(const hl_abi_pool *const *pools, unsigned n, uint32_t arena_index)
{
    unsigned same = 0;
    for (unsigned i = 0; i < n; i++)
        same += pools[i]->arena == arena_index;
    return same >= POOLS_NEEDED;
}

/* Pools of objects the collector knows: whatever lies in a pool has its head at the pool's start.
 * Young objects first: theirs are likely to be of other arenas than the old ones'. */
static unsigned sample_pools(const hl_maps *maps, const hl_abi_pool *out[POOLS_SAMPLED])
{
    const struct _gc_runtime_state *gc = &hl_abi_interpreters()->gc;
    unsigned n = 0;
    for (int i = 0; i < NUM_GENERATIONS; i++) {
        const PyGC_Head *head = &gc->generations[i].head;
        unsigned looked = 0;
        for (uintptr_t g = head->_gc_next & ~(uintptr_t)3;
             g && g != (uintptr_t)head && looked++ < LISTED_MAX && n < POOLS_SAMPLED;
             g = ((const PyGC_Head *)g)->_gc_next & ~(uintptr_t)3) {
            const hl_abi_pool *p = (const hl_abi_pool *)(g & ~(uintptr_t)(HL_ABI_POOL_BYTES - 1));
            if (n && out[n - 1] == p)
                continue;
            if (hl_map_holds(maps, p, HL_ABI_POOL_BYTES) && p->used && hl_pool_sane(p) &&
                !enough_of(out, n, p->arena))
                out[n++] = p;
        }
    }
    return n;
}

static bool explains(const hl_maps *maps, const arena *table, const hl_abi_pool *const *pools,
                     unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const arena *a = table + pools[i]->arena;
        uintptr_t at = (uintptr_t)pools[i];
        if (pools[i]->arena >= ARENAS_SANE || !hl_map_holds(maps, a, sizeof *a) ||
            at < a->address || at - a->address >= HL_ABI_ARENA_BYTES)
            return false;
    }
    return true;
}

/* malloc's word before the table says how large it is; the table's own size is a power of two. */
static uint64_t table_room(const arena *table)
{
    uint64_t bytes = (((const uint64_t *)table)[-1] & ~(uint64_t)7), n = ARENAS_FIRST;
    while (2 * n * sizeof *table < bytes && n < ARENAS_SANE)
        n *= 2;
    return n;
}

/* Where an earlier look found it: the variable stays, and the table it leads to is held against
 * itself as before. */
static bool count_known(const hl_resident *r, tally *t)
{
    const void *at = (const void *)r->arenas_at;
    if (!at || !hl_map_holds(&r->maps, at, sizeof at))
        return false;
    const arena *table = *(const arena *const *)at;
    tally counted = {.arenas = 0};
    if (!table || !hl_map_holds(&r->maps, (const uint64_t *)table - 2, sizeof *table) ||
        !count_table(&r->maps, table, table_room(table), &counted) || !counted.arenas)
        return false;
    *t = counted;
    return true;
}

static bool count_all(hl_resident *r, tally *t)
{
    const hl_maps *maps = &r->maps;
    const hl_abi_pool *pools[POOLS_SAMPLED];
    if (count_known(r, t))
        return true;
    unsigned n = sample_pools(maps, pools);
    uintptr_t start, end;
    if (n < POOLS_NEEDED || !image(maps, &start, &end))
        return false;
    uintptr_t lowest = maps->map[0].start, highest = maps->map[maps->n - 1].end;
    for (uintptr_t at = start; at < end; at += sizeof(void *)) {
        const arena *table = *(const arena *const *)at;
        uintptr_t to = (uintptr_t)table;
        if (to % HL_ABI_POOL_UNIT || to < lowest || to >= highest || (to >= start && to < end))
            continue; /* nearly all words are no pointers, or point into the same data */
        if (!hl_map_holds(maps, table, sizeof *table) || !explains(maps, table, pools, n))
            continue;
        tally counted = {.arenas = 0};
        if (hl_map_holds(maps, (const uint64_t *)table - 2, sizeof *table) &&
            count_table(maps, table, table_room(table), &counted)) {
            *t = counted;
            r->arenas_at = at;
            return true;
        } /* else an earlier table, before it had to grow */
    }
    return false;
}

#endif

/* ---- each of them ------------------------------------------------------------------------------ */

static bool each_of_table(const hl_maps *maps, const arena *table, uint64_t n, hl_arena_each *each,
                          void *context)
{
    if (!table)
        return true;
    if (n > ARENAS_SANE || !hl_map_holds(maps, table, n * sizeof *table))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        const arena *a = &table[i];
        if (!a->address)
            continue;
        if (a->next_pool < a->address || a->next_pool > a->address + HL_ABI_ARENA_BYTES ||
            !hl_map_holds(maps, (void *)a->address, HL_ABI_ARENA_BYTES) ||
            !each(context, a->address, a->address + HL_ABI_ARENA_BYTES, a->next_pool))
            return false;
    }
    return true;
}

bool hl_arenas_each(const hl_maps *maps, uintptr_t at, hl_arena_each *each, void *context)
{
#if HL_PY_AT_LEAST(12)
    const void *before = NULL;
    (void)at;
    for (PyInterpreterState *i = hl_abi_interpreters(); i; i = i->next) {
        const struct _obmalloc_state *state = obmalloc_of(i);
        if (!state || state == before)
            continue; /* shares the main interpreter's */
        before = state;
        if (!each_of_table(maps, (const arena *)state->mgmt.arenas, state->mgmt.maxarenas, each,
                           context))
            return false;
    }
    return true;
#else
    const hl_map *m = at ? hl_map_of(maps, at) : NULL;
    const arena *table = m && m->read ? *(const arena *const *)at : NULL;
    return table && hl_map_holds(maps, (const uint64_t *)table - 2, sizeof *table) &&
           each_of_table(maps, table, table_room(table), each, context);
#endif
}

void hl_arenas_measure(hl_resident *r)
{
    tally t = {.arenas = 0};
    uintptr_t start, end;
    if (image(&r->maps, &start, &end)) {
        hl_resident_set(r, HL_MEMORY_IMAGE, start);
        hl_resident_set(r, HL_MEMORY_IMAGE_SIZE, end - start);
    }
    if (!count_all(r, &t) || t.used > t.pools)
        return;
    hl_resident_set(r, HL_MEMORY_ARENAS, t.arenas);
    hl_resident_set(r, HL_MEMORY_ARENA_ROOM, t.arenas * HL_ABI_ARENA_BYTES);
    hl_resident_set(r, HL_MEMORY_ARENA_RESIDENT, t.resident);
    hl_resident_set(r, HL_MEMORY_ARENA_POOLS, t.pools);
    hl_resident_set(r, HL_MEMORY_ARENA_USED, t.used);
    uint64_t *mapped = &r->value[HL_MEMORY_MAPPED];
    *mapped -= t.resident < *mapped ? t.resident : *mapped;
}
