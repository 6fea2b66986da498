/* tests/fuzz/heap_arena.c: base/arena.h with a malloc for each request, so that the address
 * sanitizer sees every byte beyond the end of every array.
 *
 * Linked in front of the base library by fuzz targets and damage tests. */
#define _GNU_SOURCE
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hl_arena_chunk {
    hl_arena_chunk *next;
    size_t size;
};

/* A lying count may claim at most this; more is what a system without memory would answer. */
#define LIMIT ((size_t)1 << 30)

/* The request after that many gets no memory; 0: none fails. Back to 0 when it has. Tests that
 * want it declare it. */
extern unsigned heap_arena_fail;
unsigned heap_arena_fail;

void hl_arena_init(hl_arena *a)
{
    *a = (hl_arena){0};
}

void hl_arena_deinit(hl_arena *a)
{
    for (hl_arena_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    a->chunks = NULL;
    a->bytes_mapped = 0;
}

void *hl_arena_alloc(hl_arena *a, size_t n)
{
    if (n > LIMIT || a->bytes_mapped + n > LIMIT)
        return NULL;
    if (heap_arena_fail && --heap_arena_fail == 0)
        return NULL;
    hl_arena_chunk *c = calloc(1, sizeof *c + n);
    if (!c)
        return NULL;
    *c = (hl_arena_chunk){.next = a->chunks, .size = n};
    a->chunks = c;
    a->bytes_mapped += n;
    if (a->bytes_mapped > a->bytes_peak)
        a->bytes_peak = a->bytes_mapped;
    return c + 1;
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
        if ((void *)(c + 1) != p)
            continue;
        *link = c->next;
        a->bytes_mapped -= c->size;
        free(c);
        return;
    }
}
