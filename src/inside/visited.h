/* inside/visited.h: which addresses were seen, and the 32-bit id each has; no entry per object.
 *
 * Room   inside; the cloned child; memory from rt's pages.
 * Method a directory of 4 KiB pages (open addressing: key -> sequence number) and one 256-bit map a
 *        page. id = sequence << 8 | granule; the key's low bit says whether the page's objects lie
 *        8 bytes off (statics, frames). Address and id follow from each other (snap_format.h). */
#ifndef HL_VISITED_H
#define HL_VISITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hl_visited_page {
    uint64_t key;
    uint64_t seen[4];
} hl_visited_page;

typedef struct hl_visited_slot {
    uint64_t key; /* 0: free */
    uint32_t seq;
} hl_visited_slot;

typedef struct hl_visited {
    hl_visited_slot *dir;
    size_t dir_room; /* a power of two */
    hl_visited_page *pages;
    uint64_t (*done)[4]; /* a second map: rows written, kept for dicts and frames only */
    uint32_t n_pages, page_room;
    uint64_t last_key;
    uint32_t last_seq;
} hl_visited;

/* false: no memory. */
bool hl_visited_init(hl_visited *v);
/* The sequence number of a page met for the first time; UINT32_MAX: no memory or no number left. */
uint32_t hl_visited_add(hl_visited *v, uint64_t key);

static inline uint64_t hl_visited_key(const void *o)
{
    uintptr_t a = (uintptr_t)o;
    return (uint64_t)(a >> 12) << 1 | (a >> 3 & 1);
}

static inline size_t hl_visited_hash(uint64_t key)
{
    return (size_t)(key * 0x9E3779B97F4A7C15ull >> 24);
}

static inline uint32_t hl_visited_seq(hl_visited *v, uint64_t key)
{
    if (key == v->last_key)
        return v->last_seq;
    for (size_t h = hl_visited_hash(key);; h++) {
        const hl_visited_slot *slot = &v->dir[h & (v->dir_room - 1)];
        if (slot->key == key) {
            v->last_key = key;
            return v->last_seq = slot->seq;
        }
        if (!slot->key)
            return hl_visited_add(v, key);
    }
}

/* The id of an address; *fresh: it was not seen before. UINT32_MAX: see hl_visited_add. */
static inline uint32_t hl_visited_mark(hl_visited *v, const void *o, bool *fresh)
{
    uint32_t seq = hl_visited_seq(v, hl_visited_key(o));
    if (__builtin_expect(seq == UINT32_MAX, 0))
        return UINT32_MAX;
    uint32_t granule = (uint32_t)((uintptr_t)o >> 4 & 255);
    uint64_t bit = (uint64_t)1 << (granule & 63), *word = &v->pages[seq].seen[granule >> 6];
    *fresh = !(*word & bit);
    *word |= bit;
    return seq << 8 | granule;
}

/* Was this address seen? Asks without marking; for addresses that may be none of an object. */
static inline bool hl_visited_has(const hl_visited *v, const void *o)
{
    uint64_t key = hl_visited_key(o);
    for (size_t h = hl_visited_hash(key);; h++) {
        const hl_visited_slot *slot = &v->dir[h & (v->dir_room - 1)];
        if (!slot->key)
            return false;
        if (slot->key != key)
            continue;
        uint32_t granule = (uint32_t)((uintptr_t)o >> 4 & 255);
        return v->pages[slot->seq].seen[granule >> 6] >> (granule & 63) & 1;
    }
}

/* The id of an address that hl_visited_has. */
static inline uint32_t hl_visited_id(hl_visited *v, const void *o)
{
    return hl_visited_seq(v, hl_visited_key(o)) << 8 | (uint32_t)((uintptr_t)o >> 4 & 255);
}

static inline void *hl_visited_address(const hl_visited *v, uint32_t id)
{
    uint64_t key = v->pages[id >> 8].key;
    return (void *)(uintptr_t)((key >> 1) << 12 | (uint64_t)(id & 255) << 4 | (key & 1) << 3);
}

/* true the first time it is asked for an id. */
static inline bool hl_visited_first_row(hl_visited *v, uint32_t id)
{
    uint64_t bit = (uint64_t)1 << (id & 63), *word = &v->done[id >> 8][id >> 6 & 3];
    if (*word & bit)
        return false;
    *word |= bit;
    return true;
}

/* ---- a list of ids that grows by segments -----------------------------------------------------
 */

enum { HL_IDS_SEGMENT = 16 * 1024 - 4 };
typedef struct hl_ids_segment {
    struct hl_ids_segment *prev, *next;
    uint32_t ids[HL_IDS_SEGMENT];
} hl_ids_segment;

typedef struct hl_ids {
    hl_ids_segment *top;  /* pushed to and popped from */
    hl_ids_segment *head; /* shifted from */
    uint32_t used, taken; /* of top, of head */
    uint64_t n;
} hl_ids;

bool hl_ids_more(hl_ids *list); /* a new top segment; false: no memory */

static inline bool hl_ids_push(hl_ids *list, uint32_t id)
{
    if (__builtin_expect(!list->top || list->used == HL_IDS_SEGMENT, 0) && !hl_ids_more(list))
        return false;
    list->top->ids[list->used++] = id;
    list->n++;
    return true;
}
/* The newest id. n must not be 0. A list is popped or shifted, not both. */
uint32_t hl_ids_pop_across(hl_ids *list);
static inline uint32_t hl_ids_pop(hl_ids *list)
{
    if (__builtin_expect(!list->used, 0))
        return hl_ids_pop_across(list);
    list->n--;
    return list->top->ids[--list->used];
}
/* The oldest id. n must not be 0. */
uint32_t hl_ids_shift(hl_ids *list);
/* The id k places behind the oldest, if it lies in the same segment; else false. */
static inline bool hl_ids_peek(const hl_ids *list, uint32_t k, uint32_t *id)
{
    uint32_t at = list->taken + k;
    if (k >= list->n || at >= HL_IDS_SEGMENT)
        return false;
    *id = list->head->ids[at];
    return true;
}

#endif
