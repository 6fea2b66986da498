/* base/arena.c: chunks of 256 KiB for small things, a mapping each for large ones.
 *
 * Room   base; analyser process, one thread of it.
 * Spare  What arenas give up is kept for the next: memory fresh from the system costs more than the
 *        work done in it. Never so much that the process has more than its arenas once needed, or very little. */
#define _GNU_SOURCE
#include "base/arena.h"

#include "rt/rt.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    CHUNK = 256 * 1024,
    LARGE = 64 * 1024,
    ALIGN = 16,
    HUGE_LEAST = 4 << 20, /* worth the kernel's large pages, a fault for each of 2 MiB */
    LITTLE = 24 << 20,    /* no question */
    SPARES = 64,
};

struct hl_arena_chunk {
    hl_arena_chunk *next;
    size_t size; /* of the mapping, this header included */
    size_t used;
    size_t large; /* the mapping of one allocation, that may be given back */
};

/* ---- spare chunks -------------------------------------------------------------------------- */

static struct {
    hl_arena_chunk *chunks; /* the last given up first */
    unsigned n;
    size_t bytes;
    size_t live, peak; /* of all arenas: bytes mapped, and the most there ever were */
} spare;

static void spare_evict_last(void)
{
    hl_arena_chunk **link = &spare.chunks;
    while ((*link)->next)
        link = &(*link)->next;
    spare.n--;
    spare.bytes -= (*link)->size;
    hl_pages_unmap(*link, (*link)->size);
    *link = NULL;
}

void hl_arena_spare(size_t most)
{
    while (spare.bytes > most)
        spare_evict_last();
}

static void spare_put(hl_arena_chunk *c)
{
    if (spare.n == SPARES)
        spare_evict_last();
    spare.live -= c->size;
    spare.bytes += c->size;
    spare.n++;
    c->next = spare.chunks;
    spare.chunks = c;
}

/* One that is not much larger, zeroed. */
static hl_arena_chunk *spare_take(size_t size)
{
    hl_arena_chunk **best = NULL;
    for (hl_arena_chunk **link = &spare.chunks; *link; link = &(*link)->next)
        if ((*link)->size >= size && (*link)->size - size <= size / 4 &&
            (!best || (*link)->size < (*best)->size))
            best = link;
    hl_arena_chunk *c = best ? *best : NULL;
    if (!c)
        return NULL;
    *best = c->next;
    spare.n--;
    spare.bytes -= c->size;
    memset(c + 1, 0, c->size - sizeof *c);
    return c;
}

static hl_arena_chunk *map_fresh(size_t size)
{
    size_t needed = spare.live + size, most = needed > spare.peak ? needed : spare.peak;
    most = most > LITTLE ? most : LITTLE;
    hl_arena_spare(most - needed);
    hl_arena_chunk *c = hl_pages_map(size);
    if (!c && spare.n) {
        hl_arena_spare(0);
        c = hl_pages_map(size);
    }
    if (c && size >= HUGE_LEAST)
        (void)madvise(c, size, MADV_HUGEPAGE);
    if (c)
        c->size = size;
    return c;
}

/* ---- arenas -------------------------------------------------------------------------------- */

void hl_arena_init(hl_arena *a)
{
    *a = (hl_arena){0};
}

void hl_arena_deinit(hl_arena *a)
{
    for (hl_arena_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        spare_put(c);
    }
    a->chunks = NULL;
    a->bytes_mapped = 0;
}

static hl_arena_chunk *chunk_new(hl_arena *a, size_t size)
{
    hl_arena_chunk *c = spare_take(size);
    if (!c && !(c = map_fresh(size)))
        return NULL;
    c->used = sizeof *c;
    c->large = 0;
    c->next = NULL;
    spare.live += c->size;
    spare.peak = spare.live > spare.peak ? spare.live : spare.peak;
    a->bytes_mapped += c->size;
    if (a->bytes_mapped > a->bytes_peak)
        a->bytes_peak = a->bytes_mapped;
    return c;
}

void *hl_arena_alloc(hl_arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (n >= LARGE) {
        hl_arena_chunk *c = chunk_new(a, n + sizeof *c);
        if (!c)
            return NULL;
        c->used = c->size;
        c->large = 1;
        /* behind the current small chunk, so that it stays in use */
        if (a->chunks) {
            c->next = a->chunks->next;
            a->chunks->next = c;
        } else {
            a->chunks = c;
        }
        return c + 1;
    }
    hl_arena_chunk *c = a->chunks;
    if (!c || c->size - c->used < n) {
        c = chunk_new(a, CHUNK);
        if (!c)
            return NULL;
        c->next = a->chunks;
        a->chunks = c;
    }
    void *p = (char *)c + c->used;
    c->used += n;
    return p;
}

void *hl_arena_array(hl_arena *a, size_t count, size_t size)
{
    size_t n;
    return __builtin_mul_overflow(count, size, &n) ? NULL : hl_arena_alloc(a, n);
}

char *hl_arena_copy(hl_arena *a, const char *s, size_t n)
{
    char *p = hl_arena_alloc(a, n + 1);
    if (p)
        memcpy(p, s, n);
    return p;
}

char *hl_arena_printf(hl_arena *a, const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : hl_arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}

void hl_arena_release(hl_arena *a, void *p)
{
    if (!p)
        return;
    for (hl_arena_chunk **link = &a->chunks; *link; link = &(*link)->next) {
        hl_arena_chunk *c = *link;
        if ((void *)(c + 1) == p && c->large) {
            *link = c->next;
            a->bytes_mapped -= c->size;
            spare_put(c);
            return;
        }
    }
}
