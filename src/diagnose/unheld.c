/* diagnose/unheld.c: memory that is in no object anybody found, and grows in every part of a run.
 *
 * Room   diagnose; analyser process; parts of one snapshot at a time.
 * Takes  the moments of a case, where allocations were followed.   Gives  why a run whose holders say
 *        nothing is not told to be healthy; no finding: who has it is not known.
 * Method Of each stack what is in use, less what is in objects that the walk came to: blocks of a C
 *        extension's own, and objects that C holds and no collector lists, or whose last reference is
 *        lost. Most of a heap is neither, so two looks mostly are enough to be done with it.
 * What was held and is judged already (growth that was dismissed) has blocks of its own beside objects, as
 * big as it at most: below that nothing is said. Nor is it where the process has not become bigger by
 * about as much: the few blocks that samples are can be kept where others are not, by their addresses
 * alone (types cache the names they were asked for by address: what lies where nothing else does is
 * not pushed out of there), and stand for what never was. */
#include "diagnose/unheld.h"
#include "diagnose/case.h"
#include "diagnose/site_growth.h"

enum {
    SKIPPED_SHARE = 100, /* one object in so many may be missing, not more */
    ROOM_SHARE = 2,      /* half of it: samples err, and some lay in memory that was there */
};

/* Is the process bigger by about so much, from one moment to another? */
static bool has_room(const hl_case *c, uint32_t from, uint32_t to, uint64_t bytes)
{
    uint64_t was = c->moments[from].info.rss_bytes, is = c->moments[to].info.rss_bytes;
    return !was || !is || (is > was && ROOM_SHARE * (is - was) >= bytes);
}

static hl_status total(const hl_case *c, uint32_t moment, bool unheld, uint64_t *out, hl_err *err)
{
    hl_arena scratch;
    hl_site_pool *pool;
    struct hl_site_moment m = {0};
    hl_arena_init(&scratch);
    *out = 0;
    err->status = HL_OK;
    if (!hl_site_pool_create(&scratch, &pool, err) &&
        !hl_site_moment_read(c->moments[moment].run, c->moments[moment].index, unheld, pool,
                             &scratch, &m, err))
        for (uint32_t k = 0; k < m.n; k++)
            *out += m.bytes[k];
    hl_arena_deinit(&scratch);
    return err->status;
}

/* Did so much come between the warm-up and the last look at work that a word is due? */
static hl_status much_came(const hl_case *c, bool unheld, bool *out, hl_err *err)
{
    uint64_t first, last;
    if (total(c, c->baseline, unheld, &first, err) || total(c, c->working, unheld, &last, err))
        return err->status;
    *out = last > first && last - first >= c->material && last - first > c->dismissed &&
           has_room(c, c->baseline, c->working, last - first);
    return HL_OK;
}

/* What each line has in no object, at each moment: the worst one that rises in every part. */
static hl_status find_line(hl_case *c, hl_arena *scratch, hl_err *err)
{
    hl_site_pool *pool;
    hl_site_history h = {.n = c->working + 1};
    hl_snap s;
    h.moments = hl_arena_array(scratch, h.n, sizeof *h.moments);
    if (!h.moments)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", h.n);
    if (hl_site_pool_create(scratch, &pool, err))
        return err->status;
    for (uint32_t i = 0; i < h.n; i++)
        if (hl_site_moment_read(c->moments[i].run, c->moments[i].index, true, pool, scratch,
                                &h.moments[i], err))
            return err->status;
    if (hl_site_pool_sum(pool, &s, err))
        return err->status;
    uint64_t *of = hl_arena_array(scratch, (size_t)s.n_frames * h.n, sizeof *of);
    if (!of)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u lines", s.n_frames);
    for (uint32_t i = 0; i < h.n; i++)
        for (uint32_t k = 1; k < h.moments[i].n; k++)
            of[(size_t)s.stacks[k].frame * h.n + i] += h.moments[i].bytes[k];
    uint64_t worst = 0;
    for (uint32_t f = 1; f < s.n_frames; f++) {
        const uint64_t *series = &of[(size_t)f * h.n];
        uint64_t first = series[c->baseline], last = series[c->working];
        uint64_t gained = last > first ? last - first : 0;
        if (gained < c->material || gained <= c->dismissed || gained <= worst ||
            !has_room(c, c->baseline, c->working, gained) || !hl_site_rises(&h, series))
            continue;
        worst = gained;
        c->unheld = (struct hl_unheld){.where = hl_frame_label(&s, f, c->arena),
                                       .bytes = gained,
                                       .windows = hl_site_rises(&h, series)};
    }
    return HL_OK;
}

hl_status hl_unheld_find(hl_case *c, hl_err *err)
{
    bool much = false;
    err->status = HL_OK;
    if (c->n_moments < 2 || c->out->n_findings)
        return HL_OK;
    for (uint32_t i = 0; i <= c->working; i++) {
        const hl_moment *m = &c->moments[i];
        if (m->info.tracking.mode == HL_FOLLOWED_NOT ||
            m->info.skipped * SKIPPED_SHARE > m->objects)
            return HL_OK;
    }
    if (much_came(c, false, &much, err) || !much || much_came(c, true, &much, err) || !much)
        return err->status;
    hl_arena scratch;
    hl_arena_init(&scratch);
    (void)!find_line(c, &scratch, err);
    hl_arena_deinit(&scratch);
    return err->status;
}
