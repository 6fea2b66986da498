/* base/arena.c: chunks of 256 KiB for small things, a mapping each for large ones.
 *
 * Room   base; analyser process. */
#define _GNU_SOURCE
#include "base/arena.h"

#include "rt/rt.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 256 * 1024, LARGE = 64 * 1024, ALIGN = 16 };

struct hl_arena_chunk {
    hl_arena_chunk *next;
    size_t size; /* of the mapping, this header included */
    size_t used;
    size_t large; /* the mapping of one allocation, that may be given back */
};

void hl_arena_init(hl_arena *a)
{
    *a = (hl_arena){0};
}

void hl_arena_deinit(hl_arena *a)
{
    for (hl_arena_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        hl_pages_unmap(c, c->size);
    }
    a->chunks = NULL;
    a->bytes_mapped = 0;
}

static hl_arena_chunk *chunk_new(hl_arena *a, size_t size)
{
    hl_arena_chunk *c = hl_pages_map(size);
    if (!c)
        return NULL;
    c->size = size;
    c->used = sizeof *c;
    a->bytes_mapped += size;
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
            hl_pages_unmap(c, c->size);
            return;
        }
    }
}
