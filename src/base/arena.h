/* base/arena.h: objects that die together live together.
 *
 * Room   base; analyser process (takes its chunks from mmap, so it is legal elsewhere too).
 * An arena is the caller's storage: init, use, deinit. Memory it gives is zeroed, 16-byte
 * aligned and lives until deinit. Large requests get their own mapping, which hl_arena_release
 * gives to whoever asks next, so that temporary arrays do not add to the peak. What nobody has is
 * kept, up to what arenas had at the most, or a little (hl_arena_spare). One thread of a process has arenas. */
#ifndef HL_ARENA_H
#define HL_ARENA_H

#include <stddef.h>

typedef struct hl_arena_chunk hl_arena_chunk;

typedef struct hl_arena {
    hl_arena_chunk *chunks; /* owned */
    size_t bytes_mapped;    /* in use now  */
    size_t bytes_peak;      /* at most     */
} hl_arena;

void hl_arena_init(hl_arena *a);
void hl_arena_deinit(hl_arena *a); /* a zeroed arena is fine */

/* n zeroed bytes, or NULL when the system has none. n == 0 gives a valid pointer. */
void *hl_arena_alloc(hl_arena *a, size_t n);
/* count * size with an overflow check. */
void *hl_arena_array(hl_arena *a, size_t count, size_t size);
/* A NUL-terminated copy of n bytes of s. */
char *hl_arena_copy(hl_arena *a, const char *s, size_t n);
char *hl_arena_printf(hl_arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Gives a large block back early; small ones wait for deinit. p may be NULL. */
void hl_arena_release(hl_arena *a, void *p);
/* Gives the system back what is kept beyond so many bytes. */
void hl_arena_spare(size_t most);

#endif
