/* inside/addresses.c: the slow half of the numbers of addresses: stretches met for the first time.
 *
 * Room   inside; memory from rt's pages.
 * Takes  keys of stretches.   Gives  their tables (addresses.h).
 * Knows  rt.  Must not know  Python. */
#include "inside/addresses.h"

#include "rt/rt.h"

enum { DIR_FIRST = 1 << 9, SLAB_TABLES = 16 };

/* A page that says what comes before, and the tables behind it. */
struct hl_slab {
    hl_slab *before;
};
enum { SLAB_HEAD = 4096, TABLE_BYTES = HL_STRETCH_NUMBERS * 4 };
static const size_t slab_bytes = SLAB_HEAD + (size_t)SLAB_TABLES * TABLE_BYTES;

bool hl_addresses_init(hl_addresses *a)
{
    *a = (hl_addresses){.dir_room = DIR_FIRST, .last_key = UINT64_MAX};
    a->dir = hl_pages_map((size_t)DIR_FIRST * sizeof *a->dir);
    return a->dir != NULL;
}

void hl_addresses_deinit(hl_addresses *a)
{
    hl_pages_unmap(a->dir, a->dir_room * sizeof *a->dir);
    for (hl_slab *s = a->slab, *before; s; s = before) {
        before = s->before;
        hl_pages_unmap(s, slab_bytes);
    }
    *a = (hl_addresses){.last_key = UINT64_MAX};
}

static size_t start(uint64_t key)
{
    return (size_t)(key * 0x9E3779B97F4A7C15ull >> 24);
}

/* The slot of a key, or the free one that it would get. */
static hl_stretch *slot_of(const hl_addresses *a, uint64_t key)
{
    for (size_t h = start(key);; h++) {
        hl_stretch *slot = &a->dir[h & (a->dir_room - 1)];
        if (!slot->key || slot->key == key)
            return slot;
    }
}

static uint32_t *remember(hl_addresses *a, const hl_stretch *slot)
{
    a->last_key = slot->key;
    return a->last = slot->numbers;
}

uint32_t *hl_addresses_find(hl_addresses *a, uint64_t key)
{
    const hl_stretch *slot = slot_of(a, key);
    return key && slot->key ? remember(a, slot) : NULL;
}

static bool grow(hl_addresses *a)
{
    hl_addresses more = {.dir_room = 2 * a->dir_room};
    more.dir = hl_pages_map(more.dir_room * sizeof *more.dir);
    if (!more.dir)
        return false;
    for (size_t i = 0; i < a->dir_room; i++)
        if (a->dir[i].key)
            *slot_of(&more, a->dir[i].key) = a->dir[i];
    hl_pages_unmap(a->dir, a->dir_room * sizeof *a->dir);
    a->dir = more.dir;
    a->dir_room = more.dir_room;
    return true;
}

static uint32_t *table_new(hl_addresses *a)
{
    if (!a->slab_left) {
        hl_slab *slab = hl_pages_map(slab_bytes);
        if (!slab)
            return NULL;
        slab->before = a->slab;
        a->slab = slab;
        a->slab_left = SLAB_TABLES;
    }
    return (uint32_t *)((char *)a->slab + SLAB_HEAD + (size_t)--a->slab_left * TABLE_BYTES);
}

uint32_t *hl_addresses_make(hl_addresses *a, uint64_t key)
{
    if (!key)
        return NULL;
    hl_stretch *slot = slot_of(a, key);
    if (slot->key)
        return remember(a, slot);
    if (2 * a->n >= a->dir_room) {
        if (!grow(a))
            return NULL;
        slot = slot_of(a, key);
    }
    uint32_t *numbers = table_new(a);
    if (!numbers)
        return NULL;
    *slot = (hl_stretch){key, numbers};
    a->n++;
    return remember(a, slot);
}
