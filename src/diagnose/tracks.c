/* diagnose/tracks.c: big containers followed by address, where the way to them changes.
 *
 * Room   diagnose; analyser process.
 * Why    A path shape is lost when an object is reached one way now and another way then: a
 *        coroutine hangs from its thread while it runs and from a timer while it waits. Objects do
 *        not move; so an address with the same type and a length that only rises is the same
 *        container.
 * Takes  each moment's heap as it passes.   Gives  growths with an address instead of a shape's
 *        count; only for growth that shapes did not explain. */
#include "diagnose/case.h"

#include <stdlib.h>
#include <string.h>

enum { LEN_FROM = 64, TRACKS_MAX = 4096 };

static int by_address(const void *a, const void *b)
{
    uint64_t x = ((const hl_track *)a)->address, y = ((const hl_track *)b)->address;
    return (x > y) - (x < y);
}

static uint32_t hash_text(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

hl_status hl_tracks_note(hl_case *c, hl_moment *m, const hl_snap *s, hl_err *err)
{
    uint32_t n = UINT32_MAX;
    int32_t from = LEN_FROM / 4;
    while (n > TRACKS_MAX && from < INT32_MAX / 4) {
        from *= 4;
        n = 0;
        for (hl_node v = 0; v < s->nodes; v++)
            n += hl_snap_len(s, v) >= from;
    }
    if (n > TRACKS_MAX)
        n = 0;
    m->tracks = hl_arena_array(&c->scratch, n, sizeof *m->tracks);
    if (!m->tracks)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to follow %u containers", n);
    for (hl_node v = 0; n && v < s->nodes; v++)
        if (hl_snap_len(s, v) >= from)
            m->tracks[m->n_tracks++] = (hl_track){.address = hl_snap_address(s, v),
                                                  .len = (uint32_t)hl_snap_len(s, v),
                                                  .type = hash_text(hl_snap_type_name(s, v)),
                                                  .shape = hl_case_shape(c, v)};
    if (m->n_tracks)
        qsort(m->tracks, m->n_tracks, sizeof *m->tracks, by_address);
    return HL_OK;
}

static const hl_track *track_in(const hl_moment *m, const hl_track *t)
{
    const hl_track *found =
        m->n_tracks ? bsearch(t, m->tracks, m->n_tracks, sizeof *t, by_address) : NULL;
    return found && found->type == t->type ? found : NULL;
}

static void follow(const hl_case *c, const hl_track *t, uint64_t *series)
{
    for (uint32_t k = 0; k < c->n_moments; k++) {
        const hl_track *was = track_in(&c->moments[k], t);
        series[k] = was ? was->len : 0;
    }
}

static const hl_track *track_at(const hl_moment *m, uint64_t address)
{
    const hl_track wanted = {.address = address};
    return m->n_tracks ? bsearch(&wanted, m->tracks, m->n_tracks, sizeof wanted, by_address) : NULL;
}

hl_shape hl_tracks_shape(const hl_case *c, uint32_t moment, uint64_t address)
{
    const hl_track *t = track_at(&c->moments[moment], address);
    return t ? t->shape : 0;
}

bool hl_tracks_know_longer(hl_case *c, const hl_growth *g, uint64_t address)
{
    const hl_track *t =
        g->metric == HL_METRIC_ITEMS ? track_at(&c->moments[g->anchor], address) : NULL;
    uint64_t *series = t ? hl_arena_array(&c->scratch, c->n_moments, sizeof *series) : NULL;
    if (!series)
        return false;
    follow(c, t, series);
    hl_growth by_itself = {.metric = HL_METRIC_ITEMS, .anchor = g->anchor};
    if (g->anchor < c->working && series[c->working] >= series[g->anchor])
        by_itself.anchor = c->working;
    bool longer = hl_growth_rises(c, series, &by_itself) &&
                  (by_itself.anchor > g->anchor || by_itself.intervals > g->intervals);
    hl_arena_release(&c->scratch, series);
    return longer;
}

/* The containers of moment `anchor` that rose to it without a pause. */
static hl_status rising_at(hl_case *c, uint32_t anchor, hl_err *err)
{
    const hl_moment *m = &c->moments[anchor];
    uint64_t *series = hl_arena_array(&c->scratch, c->n_moments, sizeof *series);
    if (!series)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to judge followed containers");
    for (uint32_t i = 0; i < m->n_tracks && c->n_tracked < HL_TRACKED_MAX; i++) {
        const hl_track *t = &m->tracks[i];
        follow(c, t, series);
        const hl_track *last = track_in(&c->moments[c->n_moments - 1], t);
        if (anchor + 1 < c->n_moments && last && 20 * (uint64_t)last->len >= 19 * (uint64_t)t->len)
            continue; /* it is still there, and rests */
        hl_growth g = {.metric = HL_METRIC_ITEMS, .anchor = anchor, .address = t->address};
        if (!hl_growth_rises(c, series, &g))
            continue;
        g.series = hl_arena_array(c->arena, c->n_moments, sizeof *series);
        if (!g.series)
            return hl_err_set(err, HL_NO_MEMORY, "no memory to judge followed containers");
        memcpy(g.series, series, c->n_moments * sizeof *series);
        g.units = series[anchor] - series[0];
        g.released = anchor + 1 < c->n_moments;
        g.torn_down = hl_growth_torn_down(c, &g);
        c->tracked[c->n_tracked++] = g;
    }
    return HL_OK;
}

hl_status hl_tracks_find(hl_case *c, hl_err *err)
{
    uint32_t n = c->n_moments;
    c->tracked = hl_arena_array(&c->scratch, HL_TRACKED_MAX, sizeof *c->tracked);
    if (!c->tracked)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to judge followed containers");
    if (n < 3)
        return HL_OK;
    if (rising_at(c, n - 1, err))
        return err->status;
    /* what a function that had returned at the end still held just before */
    return n < 4 ? HL_OK : rising_at(c, c->working < n - 2 ? c->working : n - 2, err);
}
