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

enum { ROOM_FIRST = 1 << 10 };

static hl_sample_table *table_new(size_t room)
{
    size_t words = room / 64, head = sizeof(hl_sample_table) + words * sizeof(uint64_t);
    size_t bytes = head + room * sizeof(hl_sample);
    hl_sample_table *t = hl_pages_map(bytes);
    if (t)
        *t = (hl_sample_table){.room = room, .bytes = bytes, .rows = (void *)&t->used[words]};
    return t;
}

bool hl_samples_init(hl_samples *s, double mean)
{
    s->mean = mean;
    if (!s->table)
        s->table = table_new(ROOM_FIRST);
    return s->table != NULL;
}

static size_t place(const hl_sample_table *t, uintptr_t at)
{
    return (size_t)((uint64_t)at * 0x9E3779B97F4A7C15ull >> 24) & (t->room - 1);
}

static size_t find(const hl_sample_table *t, uintptr_t at)
{
    size_t h = place(t, at);
    while (t->rows[h].at && t->rows[h].at != at)
        h = (h + 1) & (t->room - 1);
    return h;
}

static void use(hl_sample_table *t, size_t h, hl_sample s)
{
    t->rows[h] = s;
    t->used[h / 64] |= (uint64_t)1 << h % 64;
}

/* Whoever has a copy of this memory, or reads it meanwhile, finds the one table whole or the other. */
static bool widen(hl_samples *s)
{
    hl_sample_table *old = s->table;
    hl_sample_table *new = old->room < HL_SAMPLES_ROOM ? table_new(2 * old->room) : NULL;
    if (!new)
        return false;
    for (size_t i = 0; (i = hl_samples_next(s, i)) < HL_SAMPLES_ROOM; i++)
        use(new, find(new, old->rows[i].at), old->rows[i]);
    new->before = old;
    __atomic_store_n(&s->table, new, __ATOMIC_RELEASE);
    return true;
}

bool hl_samples_put(hl_samples *s, uintptr_t at, uint64_t by, uint64_t size)
{
    size_t h = find(s->table, at);
    hl_sample *row = &s->table->rows[h];
    if (!row->at) {
        if (2 * s->n >= s->table->room) {
            if (!widen(s)) {
                s->dropped++;
                return false;
            }
            h = find(s->table, at);
            row = &s->table->rows[h];
        }
        s->n++;
        uint8_t *f = &s->filter[hl_samples_filter_place(at)];
        if (*f < UINT8_MAX) /* once full it stays: asked for nothing, never missed */
            ++*f;
    }
    if (row->at && row->by != HL_SAMPLE_OLD)
        s->bytes -= (int64_t)hl_sample_bytes(row->size, s->mean);
    if (by != HL_SAMPLE_OLD)
        s->bytes += (int64_t)hl_sample_bytes(size, s->mean);
    use(s->table, h, (hl_sample){at, by, size});
    s->taken++;
    return true;
}

hl_sample hl_samples_look(const hl_samples *s, uintptr_t at)
{
    return s->table->rows[find(s->table, at)];
}

hl_sample hl_samples_take(hl_samples *s, uintptr_t at)
{
    hl_sample_table *t = s->table;
    size_t h = find(t, at), last = t->room - 1;
    hl_sample taken = t->rows[h];
    if (!taken.at)
        return (hl_sample){0, 0, 0};
    uint8_t *f = &s->filter[hl_samples_filter_place(at)];
    if (*f < UINT8_MAX)
        --*f;
    s->n--;
    if (taken.by != HL_SAMPLE_OLD)
        s->bytes -= (int64_t)hl_sample_bytes(taken.size, s->mean);
    /* what was pushed on by this one moves up, so that no search ends too early */
    for (size_t k = (h + 1) & last; t->rows[k].at; k = (k + 1) & last) {
        size_t home = place(t, t->rows[k].at);
        if (((k - home) & last) >= ((k - h) & last)) {
            t->rows[h] = t->rows[k];
            h = k;
        }
    }
    t->rows[h] = (hl_sample){0, 0, 0};
    t->used[h / 64] &= ~((uint64_t)1 << h % 64);
    return taken;
}

void hl_samples_age(hl_samples *s)
{
    for (size_t i = 0; (i = hl_samples_next(s, i)) < HL_SAMPLES_ROOM; i++)
        if (s->table->rows[i].by != HL_SAMPLE_OLD)
            s->table->rows[i].by = hl_made_aged(s->table->rows[i].by);
}

void hl_samples_clear(hl_samples *s)
{
    for (size_t i = 0; (i = hl_samples_next(s, i)) < HL_SAMPLES_ROOM; i++)
        s->table->rows[i] = (hl_sample){0, 0, 0};
    if (s->table)
        memset(s->table->used, 0, s->table->room / 8);
    memset(s->filter, 0, sizeof s->filter);
    s->n = 0;
    s->bytes = 0;
    s->taken = s->dropped = 0;
}

void hl_samples_deinit(hl_samples *s)
{
    for (hl_sample_table *t = s->table, *before; t; t = before) {
        before = t->before;
        hl_pages_unmap(t, t->bytes);
    }
    memset(s, 0, sizeof *s);
}
