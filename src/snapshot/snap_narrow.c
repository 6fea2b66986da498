/* snapshot/snap_narrow.c: numbers that are nearly all small, kept small.
 *
 * Room   snapshot; analyser process.
 * Takes  numbers by ascending node.   Gives  narrow columns and fold rows, with tables of the few
 *        that do not fit, in the snapshot's arena.
 * Why    A column of 64-bit sizes, 32-bit counts and lengths would be 16 bytes a node, and 4 do:
 *        hardly an object is larger than 64 KiB, has 255 references or 254 items. */
#include "snapshot/snapshot.h"

#include <string.h>

enum { FIRST_ROOM = 256 };

/* A table of twice the room, with the rows so far; NULL without memory. */
static void *doubled(hl_arena *arena, void *rows, uint32_t n, uint32_t *room, size_t size)
{
    uint32_t more = *room ? 2 * *room : (uint32_t)FIRST_ROOM;
    void *to = hl_arena_array(arena, more, size);
    if (!to)
        return NULL;
    if (n)
        memcpy(to, rows, n * size);
    hl_arena_release(arena, rows);
    *room = more;
    return to;
}

static bool add_wide(hl_snap_wides *w, hl_node v, uint64_t value, hl_arena *arena)
{
    if (w->n == w->room) {
        void *rows = doubled(arena, w->rows, w->n, &w->room, sizeof *w->rows);
        if (!rows)
            return false;
        w->rows = rows;
    }
    w->rows[w->n++] = (hl_snap_wide){.node = v, .value = value};
    return true;
}

uint64_t hl_snap_wide_of(const hl_snap_wides *w, hl_node v)
{
    uint32_t lo = 0, hi = w->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (w->rows[mid].node < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < w->n && w->rows[lo].node == v ? w->rows[lo].value : 0;
}

bool hl_narrow8_put(hl_narrow8 *c, hl_node v, uint64_t value, hl_arena *arena)
{
    c->at[v] = value < UINT8_MAX ? (uint8_t)value : UINT8_MAX;
    return value < UINT8_MAX || add_wide(&c->wide, v, value, arena);
}

bool hl_narrow16_put(hl_narrow16 *c, hl_node v, uint64_t value, hl_arena *arena)
{
    c->at[v] = value < UINT16_MAX ? (uint16_t)value : UINT16_MAX;
    return value < UINT16_MAX || add_wide(&c->wide, v, value, arena);
}

bool hl_snap_fold_put(hl_snap *s, hl_snap_fold f)
{
    hl_snap_fold_row row = {.node = f.node,
                            .bytes = (uint32_t)f.bytes,
                            .type = (uint16_t)f.type,
                            .objects = (uint16_t)f.objects};
    if (f.type >= HL_FOLD_WIDE || row.objects != f.objects || row.bytes != f.bytes) {
        if (s->n_wide_folds == s->wide_folds_room) {
            void *rows = doubled(&s->arena, s->wide_folds, s->n_wide_folds, &s->wide_folds_room,
                                 sizeof *s->wide_folds);
            if (!rows)
                return false;
            s->wide_folds = rows;
        }
        row = (hl_snap_fold_row){.node = f.node, .bytes = s->n_wide_folds, .type = HL_FOLD_WIDE};
        s->wide_folds[s->n_wide_folds++] = f;
    }
    s->folds[s->n_folds++] = row;
    return true;
}
