/* diagnose/site_growth.c: which lines have more in use from one part of a run to the next.
 *
 * Room   diagnose; analyser process; parts of one snapshot at a time.
 * Method a vote with gates, since a test for a trend alone takes warm-up, a day's wave and every second
 *        random walk for a leak: the first quarter is cut off; of what is left the least in each
 *        window must lie above that of the one before (floors: what comes and goes in between is no
 *        growth); and the later half must have gained half as much for its work as the first. A gain of less
 *        than a twentieth is none. */
#include "diagnose/site_growth.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WARM_UP = 4, WINDOWS_LEAST = 4, WINDOWS_MOST = 8, WORTH_SHARE = 20, REST_SHARE = 3 };

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
        out->bare = unheld ? hl_arena_array(arena, n, sizeof *out->bare) : NULL;
        if (!out->bytes || (unheld && !out->bare))
            hl_err_set(err, HL_NO_MEMORY, "no memory for %u stacks", n);
        for (uint32_t k = 0; !err->status && k < s->n_sites; k++) {
            out->bytes[stack_of[s->sites[k].stack]] += s->sites[k].live.bytes;
            if (unheld && s->sites[k].domain != HL_BLOCK_OBJ)
                out->bare[stack_of[s->sites[k].stack]] += s->sites[k].live.bytes;
        }
        for (uint32_t k = 0; !err->status && k < s->n_made; k++) {
            uint64_t *left = &out->bytes[stack_of[s->made[k].stack]];
            *left -= s->made[k].amount.bytes < *left ? s->made[k].amount.bytes : *left;
        }
        out->n = n;
        out->work = (double)s->info.cpu_us / 1e6;
    }
    hl_snap_destroy(s);
    return err->status;
}

/* ---- by type, thread, domain ------------------------------------------------------------------ */

/* A name nobody else has. Numbers of threads come again, not both at once. */
static uint32_t name_of_thread(hl_site_pool *pool, const hl_snap *s, uint32_t thread)
{
    char text[128];
    const hl_snap_thread *t = NULL;
    for (uint32_t i = 0; thread && i < s->n_threads && !t; i++)
        t = s->threads[i].index == thread - 1 ? &s->threads[i] : NULL;
    if (t && !t->ident)
        snprintf(text, sizeof text, "thread %.99s", s->names[t->name]);
    else
        snprintf(text, sizeof text, "thread %" PRIx64 " %" PRIu64, t ? t->ident : 0,
                 t ? t->native : 0);
    return hl_site_pool_name(pool, text);
}

static uint32_t name_of_domain(hl_site_pool *pool, uint32_t domain)
{
    char text[16];
    snprintf(text, sizeof text, "domain %u", domain);
    return hl_site_pool_name(pool, text);
}

static uint32_t name_of_sum(hl_site_pool *pool, const hl_snap *s, hl_site_key key, uint32_t id)
{
    return key == HL_SITES_BY_TYPE     ? hl_site_pool_name(pool, s->names[s->types[id].name])
           : key == HL_SITES_BY_THREAD ? name_of_thread(pool, s, id)
                                       : name_of_domain(pool, id);
}

static hl_status named_moment(hl_run *run, uint32_t i, hl_site_key key, hl_site_pool *pool,
                              hl_arena *arena, struct hl_site_moment *out, hl_err *err)
{
    hl_site_sums sums;
    hl_arena scratch;
    hl_snap *s;
    unsigned parts = HL_PART_SITES;
    if (key == HL_SITES_BY_TYPE)
        parts |= HL_PART_SIZES | HL_PART_MADE;
    if (hl_snap_load_parts(run, i, parts, &s, err))
        return err->status;
    hl_arena_init(&scratch);
    if (!hl_sites_add_up(s, key, &scratch, &sums, err)) {
        out->named = hl_arena_array(arena, sums.n ? sums.n : 1, sizeof *out->named);
        bool whole = out->named != NULL;
        for (uint32_t k = 0; whole && k < sums.n; k++) {
            const hl_site_sum *sum = &sums.items[k];
            uint32_t name = name_of_sum(pool, s, key, sum->id);
            whole = name != UINT32_MAX;
            out->named[out->n_named++] = (struct hl_site_named){name, sum->live.bytes};
        }
        if (!whole)
            hl_err_set(err, HL_NO_MEMORY, "no memory for %u sums", sums.n);
        out->work = (double)s->info.cpu_us / 1e6;
    }
    hl_arena_deinit(&scratch);
    hl_snap_destroy(s);
    return err->status;
}

/* ---- a run ------------------------------------------------------------------------------------ */

static uint64_t total(const struct hl_site_moment *m)
{
    uint64_t bytes = 0;
    for (uint32_t k = 0; k < m->n_named; k++)
        bytes += m->named[k].bytes;
    for (uint32_t k = 0; k < m->n; k++)
        bytes += m->bytes[k];
    return bytes;
}

hl_status hl_site_history_read(hl_run *run, hl_site_key key, hl_site_pool *pool, hl_arena *arena,
                               hl_site_history *out, hl_err *err)
{
    bool named = key == HL_SITES_BY_TYPE || key == HL_SITES_BY_THREAD || key == HL_SITES_BY_DOMAIN;
    hl_site_history h = {.moments = hl_arena_array(arena, run->n_snaps, sizeof *h.moments)};
    uint32_t last = 0;
    if (!h.moments)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", run->n_snaps);
    for (uint32_t i = 0; i < run->n_snaps; i++) {
        if (run->snaps[i].unsettled || run->snaps[i].tracking.mode == HL_FOLLOWED_NOT)
            continue;
        err->status = HL_OK;
        if (named ? named_moment(run, i, key, pool, arena, &h.moments[h.n], err)
                  : hl_site_moment_read(run, i, false, pool, arena, &h.moments[h.n], err))
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

uint64_t *hl_site_history_of(const hl_site_history *h, const hl_snap *s, const hl_site_sums *sums,
                             uint32_t i, hl_site_pool *pool, hl_arena *arena)
{
    uint64_t *series = hl_arena_array(arena, h->n ? h->n : 1, sizeof *series);
    uint32_t name = sums->sum_of ? 0 : name_of_sum(pool, s, sums->key, sums->items[i].id);
    for (uint32_t m = 0; series && m < h->n; m++) {
        const struct hl_site_moment *at = &h->moments[m];
        for (uint32_t k = 0; sums->sum_of && k < at->n && k < sums->n_stacks; k++)
            if (sums->sum_of[k] == i)
                series[m] += at->bytes[k];
        for (uint32_t k = 0; !sums->sum_of && k < at->n_named; k++)
            if (at->named[k].name == name)
                series[m] += at->named[k].bytes;
    }
    return series;
}

static bool rises_in(const hl_site_history *h, const uint64_t *series, uint32_t windows)
{
    uint32_t first = (h->n + WARM_UP - 1) / WARM_UP, n = h->n - first;
    uint64_t floor[WINDOWS_MOST];
    double work[WINDOWS_MOST];
    for (uint32_t w = 0; w < windows; w++) {
        uint32_t a = first + w * n / windows, z = first + (w + 1) * n / windows;
        floor[w] = UINT64_MAX;
        for (uint32_t i = a; i < z; i++)
            floor[w] = series[i] < floor[w] ? series[i] : floor[w];
        work[w] = h->moments[a].work;
        if (w && floor[w] <= floor[w - 1])
            return false;
    }
    uint32_t mid = windows / 2, end = windows - 1;
    uint64_t gained = floor[end] - floor[0], last = series[h->n - 1];
    if (gained < floor[end] / WORTH_SHARE)
        return false;
    /* in wide windows what has come to rest shows only at their end */
    if (windows < n && (last < floor[end] || REST_SHARE * (last - floor[end]) < gained / end))
        return false;
    double early = (double)(floor[mid] - floor[0]), late = (double)(floor[end] - floor[mid]);
    double early_work = work[mid] - work[0], late_work = work[end] - work[mid];
    return late * early_work >= early * late_work / 2;
}

uint32_t hl_site_rises(const hl_site_history *h, const uint64_t *series)
{
    uint32_t n = h->n - (h->n + WARM_UP - 1) / WARM_UP;
    uint32_t windows = n < WINDOWS_MOST ? n : WINDOWS_MOST;
    if (windows < WINDOWS_LEAST)
        return 0;
    /* of few samples one window may have got none */
    return rises_in(h, series, windows)         ? windows
           : rises_in(h, series, WINDOWS_LEAST) ? WINDOWS_LEAST
                                                : 0;
}
