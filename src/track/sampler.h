/* track/sampler.h: one allocation in so many bytes, so chosen that sums over them are unbiased.
 *
 * Room   track; target, inside malloc, under the samples' lock where it says so.
 * Method Bytes are points of a Poisson process of a given mean distance: a block is taken if a point
 *        falls into it, which a block of n bytes is with p = 1 - exp(-n / mean), whatever came
 *        before. It stands for 1 / p blocks and n / p bytes, and the variance of a sum is the sum
 *        of (1 - p) / p^2 n^2. Which address is a sample is asked of 64 KiB of counters first. */
#ifndef HL_SAMPLER_H
#define HL_SAMPLER_H

#include "track/lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HL_SAMPLES_ROOM = 1 << 19, /* at most; half of it is used */
    HL_FILTER_ROOM = 1 << 16,
    HL_WEIGHT_ONE = 1 << 10, /* blocks are counted in parts of this */
};

/* A sample of an earlier session, whose block lives on: no part of sums. */
#define HL_SAMPLE_OLD UINT64_MAX

typedef struct hl_sample {
    uintptr_t at; /* 0: free */
    uint64_t by, size;
} hl_sample;

/* As big as the samples need it: their places are anywhere in it, and each is a page of the program's. */
typedef struct hl_sample_table {
    size_t room, bytes; /* rows, a power of two; of the mapping */
    struct hl_sample_table
        *before;     /* the one it took the place of, which somebody may still be looking at */
    hl_sample *rows; /* in the same mapping, as is ... */
    uint64_t used[]; /* ... a bit for each row */
} hl_sample_table;

typedef struct hl_samples {
    hl_lock lock;
    double mean;
    hl_sample_table *table;
    size_t n;
    uint64_t taken, dropped; /* dropped: no room, though a point fell into the block */
    int64_t bytes;           /* of what lives, as estimated; samples of this session */
    uint8_t filter[HL_FILTER_ROOM];
} hl_samples;

/* Bytes to the next point. state: not 0. */
int64_t hl_sample_gap(uint64_t *state, double mean);
/* How many blocks, in parts of HL_WEIGHT_ONE, and bytes a sampled block stands for. */
uint64_t hl_sample_blocks(uint64_t size, double mean);
uint64_t hl_sample_bytes(uint64_t size, double mean);
double hl_sample_variance(uint64_t size, double mean); /* of the bytes */

bool hl_samples_init(hl_samples *s, double mean);
/* The first sample from a place of the table on, or HL_SAMPLES_ROOM. */
static inline size_t hl_samples_next(const hl_samples *s, size_t from)
{
    const hl_sample_table *t = s->table;
    size_t word = from / 64;
    if (!t || from >= t->room)
        return HL_SAMPLES_ROOM;
    uint64_t bits = t->used[word] & ~(uint64_t)0 << from % 64;
    while (!bits && ++word < t->room / 64)
        bits = t->used[word];
    return bits ? 64 * word + (size_t)__builtin_ctzll(bits) : HL_SAMPLES_ROOM;
}
static inline const hl_sample *hl_samples_at(const hl_samples *s, size_t place)
{
    return &s->table->rows[place];
}
static inline unsigned hl_samples_filter_place(uintptr_t at)
{
    return (uint32_t)((uint64_t)at >> 4) * 0x9E3779B1u >> 16;
}
static inline bool hl_samples_maybe(const hl_samples *s, const void *p)
{
    return s->filter[hl_samples_filter_place((uintptr_t)p)] != 0;
}
/* The lock is held. false: no room, and it is counted. */
bool hl_samples_put(hl_samples *s, uintptr_t at, uint64_t by, uint64_t size);
/* The lock is held. by 0: that address is no sample. */
hl_sample hl_samples_take(hl_samples *s, uintptr_t at);
/* The lock is held. What is known of it; by 0: nothing. */
hl_sample hl_samples_look(const hl_samples *s, uintptr_t at);
/* The lock is held. Halves all ages, as hl_live_age does. */
void hl_samples_age(hl_samples *s);
void hl_samples_clear(hl_samples *s);
void hl_samples_deinit(hl_samples *s);

#endif
