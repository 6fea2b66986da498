/* inside/addresses.h: a 32-bit number for each of many addresses.
 *
 * Room   inside; memory from rt's pages; no Python.
 * Method a directory of stretches of 1 MiB (open addressing), and one table a stretch with a number for
 *        each 16 bytes: neighbours in memory are neighbours in the table, so that references, which
 *        mostly lead to neighbours, stay in the cache. Nothing is compared and nothing collides. The
 *        key's low bit says whether the stretch's objects lie 8 bytes off (statics).
 * Costs  a quarter of the memory that the addresses are spread over, where they are dense. */
#ifndef HL_ADDRESSES_H
#define HL_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HL_STRETCH_BITS = 20, HL_STRETCH_NUMBERS = 1 << (HL_STRETCH_BITS - 4) };

typedef struct hl_stretch {
    uint64_t key; /* 0: free */
    uint32_t *numbers;
} hl_stretch;

typedef struct hl_slab hl_slab; /* tables are made by the dozen */

typedef struct hl_addresses {
    hl_stretch *dir;
    size_t dir_room, n; /* a power of two; stretches */
    hl_slab *slab;      /* owned */
    uint32_t slab_left;
    uint64_t last_key;
    uint32_t *last;
} hl_addresses;

/* false: no memory. */
bool hl_addresses_init(hl_addresses *a);
void hl_addresses_deinit(hl_addresses *a);

/* The table of a stretch; NULL: none, or no memory for one. */
uint32_t *hl_addresses_find(hl_addresses *a, uint64_t key);
uint32_t *hl_addresses_make(hl_addresses *a, uint64_t key);

static inline uint64_t hl_addresses_key(const void *o)
{
    uintptr_t at = (uintptr_t)o;
    return ((uint64_t)at >> HL_STRETCH_BITS) << 1 | (at >> 3 & 1);
}

static inline size_t hl_addresses_index(const void *o)
{
    return (uintptr_t)o >> 4 & (HL_STRETCH_NUMBERS - 1);
}

/* 0: it has none. */
static inline uint32_t hl_addresses_get(hl_addresses *a, const void *o)
{
    uint64_t key = hl_addresses_key(o);
    const uint32_t *numbers = key == a->last_key ? a->last : hl_addresses_find(a, key);
    return numbers ? numbers[hl_addresses_index(o)] : 0;
}

/* Where the number of an address stands; NULL: no memory. */
static inline uint32_t *hl_addresses_at(hl_addresses *a, const void *o)
{
    uint64_t key = hl_addresses_key(o);
    uint32_t *numbers = key == a->last_key ? a->last : hl_addresses_make(a, key);
    return numbers ? &numbers[hl_addresses_index(o)] : NULL;
}

/* The address at an index of a stretch. */
static inline uintptr_t hl_addresses_of(uint64_t key, size_t index)
{
    return (uintptr_t)((key >> 1) << HL_STRETCH_BITS | (uint64_t)index << 4 | (key & 1) << 3);
}

#endif
