/* track/sampler.c: distances between points, weights, and the table of living samples.
 *
 * Room   track; target, inside malloc.
 * Takes  sizes and addresses.   Gives  samples (sampler.h).
 * Knows  rt, the mathematics library's log and exp.  Must not know  who allocates. */
#include "track/sampler.h"

#include "rt/rt.h"
#include "track/track.h"

#include <math.h>
#include <string.h>

int64_t hl_sample_gap(uint64_t *state, double mean)
{
    uint64_t x = *state; /* xorshift64 */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    double u = ((double)(x >> 11) + 1) * 0x1p-53; /* (0, 1] */
    return (int64_t)(-log(u) * mean) + 1;
}

static double chance(uint64_t size, double mean)
{
    return -expm1(-(double)(size ? size : 1) / mean);
}

uint64_t hl_sample_blocks(uint64_t size, double mean)
{
    return (uint64_t)(HL_WEIGHT_ONE / chance(size, mean) + 0.5);
}

uint64_t hl_sample_bytes(uint64_t size, double mean)
{
    return (uint64_t)((double)size / chance(size, mean) + 0.5);
}

double hl_sample_variance(uint64_t size, double mean)
{
    double p = chance(size, mean), n = (double)size;
    return (1 - p) / (p * p) * n * n;
}

bool hl_samples_init(hl_samples *s, double mean)
{
    s->mean = mean;
    if (!s->rows)
        s->rows = hl_pages_map(HL_SAMPLES_ROOM * sizeof *s->rows);
    return s->rows != NULL;
}

static size_t place(uintptr_t at)
{
    return (size_t)((uint64_t)at * 0x9E3779B97F4A7C15ull >> 24) & (HL_SAMPLES_ROOM - 1);
}

static size_t find(const hl_samples *s, uintptr_t at)
{
    size_t h = place(at);
    while (s->rows[h].at && s->rows[h].at != at)
        h = (h + 1) & (HL_SAMPLES_ROOM - 1);
    return h;
}

bool hl_samples_put(hl_samples *s, uintptr_t at, uint64_t by, uint64_t size)
{
    size_t h = find(s, at);
    if (!s->rows[h].at) {
        if (2 * s->n >= HL_SAMPLES_ROOM) {
            s->dropped++;
            return false;
        }
        s->n++;
        s->used[h / 64] |= (uint64_t)1 << h % 64;
        uint8_t *f = &s->filter[hl_samples_filter_place(at)];
        if (*f < UINT8_MAX) /* once full it stays: asked for nothing, never missed */
            ++*f;
    }
    if (s->rows[h].at && s->rows[h].by != HL_SAMPLE_OLD)
        s->bytes -= (int64_t)hl_sample_bytes(s->rows[h].size, s->mean);
    if (by != HL_SAMPLE_OLD)
        s->bytes += (int64_t)hl_sample_bytes(size, s->mean);
    s->rows[h] = (hl_sample){at, by, size};
    s->taken++;
    return true;
}

hl_sample hl_samples_look(const hl_samples *s, uintptr_t at)
{
    return s->rows[find(s, at)];
}

hl_sample hl_samples_take(hl_samples *s, uintptr_t at)
{
    size_t h = find(s, at);
    hl_sample taken = s->rows[h];
    if (!taken.at)
        return (hl_sample){0, 0, 0};
    uint8_t *f = &s->filter[hl_samples_filter_place(at)];
    if (*f < UINT8_MAX)
        --*f;
    s->n--;
    if (taken.by != HL_SAMPLE_OLD)
        s->bytes -= (int64_t)hl_sample_bytes(taken.size, s->mean);
    /* what was pushed on by this one moves up, so that no search ends too early */
    for (size_t k = (h + 1) & (HL_SAMPLES_ROOM - 1); s->rows[k].at;
         k = (k + 1) & (HL_SAMPLES_ROOM - 1)) {
        size_t home = place(s->rows[k].at);
        if (((k - home) & (HL_SAMPLES_ROOM - 1)) >= ((k - h) & (HL_SAMPLES_ROOM - 1))) {
            s->rows[h] = s->rows[k];
            h = k;
        }
    }
    s->rows[h] = (hl_sample){0, 0, 0};
    s->used[h / 64] &= ~((uint64_t)1 << h % 64);
    return taken;
}

void hl_samples_age(hl_samples *s)
{
    for (size_t i = 0; s->rows && (i = hl_samples_next(s, i)) < HL_SAMPLES_ROOM; i++)
        if (s->rows[i].by != HL_SAMPLE_OLD)
            s->rows[i].by = hl_made_aged(s->rows[i].by);
}

void hl_samples_clear(hl_samples *s)
{
    if (s->n)
        memset(s->rows, 0, HL_SAMPLES_ROOM * sizeof *s->rows);
    memset(s->filter, 0, sizeof s->filter);
    memset(s->used, 0, sizeof s->used);
    s->n = 0;
    s->bytes = 0;
    s->taken = s->dropped = 0;
}

void hl_samples_deinit(hl_samples *s)
{
    hl_pages_unmap(s->rows, HL_SAMPLES_ROOM * sizeof *s->rows);
    memset(s, 0, sizeof *s);
}
