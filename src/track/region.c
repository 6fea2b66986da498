/* track/region.c: blocks by size class, never given back to the system.
 *
 * Room   track; target, inside malloc, under its owner's lock.
 * Takes  sizes.   Gives  blocks (region.h). They are few: one in half a megabyte allocated.
 * Knows  rt.  Must not know  who asks. */
#include "track/region.h"

#include "rt/rt.h"

enum { SIZE_MIN_BYTES = 1 << 20 };

bool hl_region_init(hl_region *r, size_t size)
{
    for (; !r->base && size >= SIZE_MIN_BYTES; size /= 4) {
        r->base = hl_pages_map(size);
        r->size = r->base ? size : 0;
    }
    hl_pages_lend_out(r->base);
    return r->base != NULL;
}

static size_t class_of(size_t n)
{
    return n ? (n - 1) / HL_REGION_STEP : 0;
}

void *hl_region_take(hl_region *r, size_t n)
{
    size_t c = class_of(n), bytes = (c + 1) * HL_REGION_STEP;
    void *p = r->free[c];
    if (p) {
        r->free[c] = *(void **)p;
        return p;
    }
    if (bytes > r->size - r->used)
        return NULL;
    r->used += bytes;
    return r->base + r->used - bytes;
}

void hl_region_give(hl_region *r, void *p, size_t n)
{
    size_t c = class_of(n);
    *(void **)p = r->free[c];
    r->free[c] = p;
}

void hl_region_deinit(hl_region *r)
{
    hl_pages_unmap(r->base, r->size);
    *r = (hl_region){.base = NULL};
}
