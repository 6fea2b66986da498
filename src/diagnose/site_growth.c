/* diagnose/site_growth.c: which lines have more in use from one part of a run to the next.
 *
 * Room   diagnose; analyser process; parts of one snapshot at a time.
 * Method a vote with gates, since a test for a trend alone takes warm-up, a day's wave and every second
 *        random walk for a leak: the first quarter is cut off; of what is left the least in each
 *        window must lie above that of the one before (floors: what comes and goes in between is no
 *        growth); and the later half must have gained half as much for its work as the first. A gain of less
 *        than a twentieth is none. */
#include "diagnose/site_growth.h"

#include <string.h>

enum { WARM_UP = 4, WINDOWS_LEAST = 4, WINDOWS_MOST = 8, WORTH_SHARE = 20 };

hl_status hl_site_moment_read(hl_run *run, uint32_t i, bool unheld, hl_site_pool *pool,
                              hl_arena *arena, struct hl_site_moment *out, hl_err *err)
{
    hl_snap *s;
    uint32_t *stack_of, n = 0;
    err->status = HL_OK;
    unsigned parts = HL_PART_SITES | (unheld ? HL_PART_SIZES | HL_PART_MADE : 0);
    if (hl_snap_load_parts(run, i, parts, &s, err))
        return err->status;
    if (!hl_site_pool_know(pool, s, &stack_of, err)) {
        for (uint32_t k = 0; k < s->n_stacks; k++)
            n = stack_of[k] >= n ? stack_of[k] + 1 : n;
        out->bytes = hl_arena_array(arena, n, sizeof *out->bytes);
        if (!out->bytes)
            hl_err_set(err, HL_NO_MEMORY, "no memory for %u stacks", n);
        for (uint32_t k = 0; out->bytes && k < s->n_sites; k++)
            out->bytes[stack_of[s->sites[k].stack]] += s->sites[k].live.bytes;
        for (uint32_t k = 0; out->bytes && k < s->n_made; k++) {
            uint64_t *left = &out->bytes[stack_of[s->made[k].stack]];
            *left -= s->made[k].amount.bytes < *left ? s->made[k].amount.bytes : *left;
        }
        out->n = n;
        out->work = (double)s->info.cpu_us / 1e6;
    }
    hl_snap_destroy(s);
    return err->status;
}

static uint64_t total(const struct hl_site_moment *m)
{
    uint64_t bytes = 0;
    for (uint32_t k = 0; k < m->n; k++)
        bytes += m->bytes[k];
    return bytes;
}

hl_status hl_site_history_read(hl_run *run, hl_site_pool *pool, hl_arena *arena,
                               hl_site_history *out, hl_err *err)
{
    hl_site_history h = {.moments = hl_arena_array(arena, run->n_snaps, sizeof *h.moments)};
    uint32_t last = 0;
    if (!h.moments)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", run->n_snaps);
    for (uint32_t i = 0; i < run->n_snaps; i++) {
        if (run->snaps[i].unsettled || run->snaps[i].tracking.mode == HL_FOLLOWED_NOT)
            continue;
        if (hl_site_moment_read(run, i, false, pool, arena, &h.moments[h.n], err))
            return err->status;
        h.n++;
        last = i;
    }
    if (h.n > 1 && !strcmp(run->snaps[last].reason, "end") &&
        total(&h.moments[h.n - 1]) < total(&h.moments[h.n - 2]))
        h.n--;
    *out = h;
    return HL_OK;
}

uint64_t *hl_site_history_of(const hl_site_history *h, const hl_site_sums *sums, uint32_t i,
                             hl_arena *arena)
{
    uint64_t *series = sums->sum_of ? hl_arena_array(arena, h->n, sizeof *series) : NULL;
    for (uint32_t m = 0; series && m < h->n; m++)
        for (uint32_t k = 0; k < h->moments[m].n && k < sums->n_stacks; k++)
            if (sums->sum_of[k] == i)
                series[m] += h->moments[m].bytes[k];
    return series;
}

uint32_t hl_site_rises(const hl_site_history *h, const uint64_t *series)
{
    uint32_t first = (h->n + WARM_UP - 1) / WARM_UP, n = h->n - first;
    uint32_t windows = n < WINDOWS_MOST ? n : WINDOWS_MOST;
    uint64_t floor[WINDOWS_MOST];
    double work[WINDOWS_MOST];
    if (windows < WINDOWS_LEAST)
        return 0;
    for (uint32_t w = 0; w < windows; w++) {
        uint32_t a = first + w * n / windows, z = first + (w + 1) * n / windows;
        floor[w] = UINT64_MAX;
        for (uint32_t i = a; i < z; i++)
            floor[w] = series[i] < floor[w] ? series[i] : floor[w];
        work[w] = h->moments[a].work;
        if (w && floor[w] <= floor[w - 1])
            return 0;
    }
    uint32_t mid = windows / 2, end = windows - 1;
    if ((floor[end] - floor[0]) < floor[end] / WORTH_SHARE)
        return 0;
    double early = (double)(floor[mid] - floor[0]), late = (double)(floor[end] - floor[mid]);
    double early_work = work[mid] - work[0], late_work = work[end] - work[mid];
    bool goes_on = late * early_work >= early * late_work / 2;
    return goes_on ? windows : 0;
}
