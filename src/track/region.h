/* track/region.h: small blocks in a stretch of addresses of our own.
 *
 * Room   track; target, inside malloc, under its owner's lock.
 * Method A sampled small block is served from here. The interpreter's small-object allocator does
 *        not know the address and hands it on when it is freed, so that what tells a sampled block
 *        from others is one subtraction, made only for blocks that are not its own: freeing all
 *        the others costs nothing. */
#ifndef HL_REGION_H
#define HL_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HL_REGION_STEP = 16, HL_REGION_BLOCK_MAX = 512 };

typedef struct hl_region {
    char *base; /* NULL: none */
    size_t size, used;
    void *free[HL_REGION_BLOCK_MAX / HL_REGION_STEP]; /* by size; linked through the first word */
} hl_region;

/* Reserves up to size bytes; less where the address space has a limit. false: none at all. */
bool hl_region_init(hl_region *r, size_t size);
static inline bool hl_region_has(const hl_region *r, const void *p)
{
    return (size_t)((const char *)p - r->base) < r->size;
}
/* A block of n bytes, n at most HL_REGION_BLOCK_MAX, on 16; NULL: full. */
void *hl_region_take(hl_region *r, size_t n);
void hl_region_give(hl_region *r, void *p, size_t n);
void hl_region_deinit(hl_region *r);

#endif
