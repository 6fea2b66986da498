/* track/site_tree.c: new sites, and addresses that no longer lead to one.
 *
 * Room   track; target, inside malloc; under the lock, beside readers without it.
 * Takes  (parent, code record, offset) and an address.   Gives  24-bit ids (site_tree.h).
 * Knows  rt.  Must not know  Python, frames. */
#include "track/site_tree.h"

#include "track/grow.h"

enum { TABLE_BITS_FIRST = 12, SAME_FIRST = 1 << 12, GONE = 1 };

static hl_sites_table *table_new(unsigned bits)
{
    size_t room = (size_t)1 << bits;
    hl_sites_table *t = hl_pages_map(sizeof *t + room * sizeof *t->e);
    if (t) {
        t->shift = 64 - bits;
        t->room = room;
    }
    return t;
}

bool hl_sites_init(hl_sites *s)
{
    if (s->table)
        return true;
    s->table = table_new(TABLE_BITS_FIRST);
    s->same = hl_pages_map(SAME_FIRST * sizeof *s->same);
    s->room_same = SAME_FIRST;
    s->n = s->n_cells = 1;
    s->chunks[0] = hl_pages_map(HL_SITE_CHUNK * sizeof **s->chunks);
    return s->table && s->same && s->chunks[0];
}

/* ---- by address ------------------------------------------------------------------------------
 */

static void table_put(hl_sites_table *t, uint32_t parent, uintptr_t at, uint32_t site)
{
    size_t h = hl_sites_place(t, parent, at);
    while (t->e[h].at)
        h = (h + 1) & (t->room - 1);
    t->e[h].parent = parent;
    t->e[h].site = site;
    __atomic_store_n(&t->e[h].at, at, __ATOMIC_RELEASE);
    t->used++;
}

static bool table_room(hl_sites *s)
{
    hl_sites_table *t = s->table;
    if (2 * t->used < t->room)
        return true;
    size_t live = 0;
    for (size_t i = 0; i < t->room; i++)
        live += t->e[i].at > GONE;
    hl_sites_table *next = table_new(64 - t->shift + (4 * live >= t->room));
    if (!next)
        return 4 * t->used < 3 * t->room;
    for (size_t i = 0; i < t->room; i++)
        if (t->e[i].at > GONE)
            table_put(next, t->e[i].parent, t->e[i].at, t->e[i].site);
    __atomic_store_n(&s->table, next, __ATOMIC_RELEASE);
    return true;
}

static void table_drop(hl_sites_table *t, uint32_t parent, uintptr_t at)
{
    for (size_t h = hl_sites_place(t, parent, at); t->e[h].at; h = (h + 1) & (t->room - 1))
        if (t->e[h].at == at && t->e[h].parent == parent)
            __atomic_store_n(&t->e[h].at, GONE, __ATOMIC_RELAXED);
}

/* ---- by what it is ---------------------------------------------------------------------------
 */

static size_t same_place(const hl_sites *s, uint32_t parent, uint32_t code, uint32_t offset)
{
    uint64_t h = (uint64_t)parent << 32 ^ (uint64_t)code << 16 ^ offset;
    return (size_t)((h ^ h >> 29) * 0x9E3779B97F4A7C15ull >> 20) & (s->room_same - 1);
}

static void same_put(hl_sites *s, uint32_t site)
{
    const hl_site *n = hl_site_of(s, site);
    size_t h = same_place(s, n->parent, n->code, n->offset);
    while (s->same[h])
        h = (h + 1) & (s->room_same - 1);
    s->same[h] = site;
}

static bool same_room(hl_sites *s)
{
    if (2 * (size_t)s->n < s->room_same)
        return true;
    uint32_t *before = s->same;
    size_t old = s->room_same;
    uint32_t *wider = hl_pages_map(2 * old * sizeof *wider);
    if (!wider)
        return (size_t)s->n + 1 < old;
    s->same = wider;
    s->room_same = 2 * old;
    for (uint32_t i = 1; i < s->n; i++)
        same_put(s, i);
    hl_pages_unmap(before, old * sizeof *before);
    return true;
}

static bool chunk_room(hl_sites *s, uint32_t site)
{
    size_t c = site >> HL_SITE_CHUNK_BITS;
    if (!s->chunks[c])
        s->chunks[c] = hl_pages_map(HL_SITE_CHUNK * sizeof **s->chunks);
    return s->chunks[c] != NULL;
}

static uint32_t site_made(hl_sites *s, uint32_t parent, uint32_t code, uint32_t offset)
{
    for (size_t h = same_place(s, parent, code, offset); s->same[h];
         h = (h + 1) & (s->room_same - 1)) {
        const hl_site *n = hl_site_of(s, s->same[h]);
        if (n->parent == parent && n->code == code && n->offset == offset)
            return s->same[h];
    }
    if (s->n >= HL_SITES_MAX || !same_room(s) || !chunk_room(s, s->n))
        return 0;
    uint32_t site = s->n;
    s->chunks[site >> HL_SITE_CHUNK_BITS][site & (HL_SITE_CHUNK - 1)] =
        (hl_site){parent, code, offset};
    s->n++;
    same_put(s, site);
    return site;
}

/* ---- both ------------------------------------------------------------------------------------
 */

uint32_t hl_sites_add(hl_sites *s, uint32_t parent, uint32_t code, uint32_t offset, uintptr_t at,
                      uint32_t *cell)
{
    uint32_t site = hl_sites_find(s, parent, at); /* another thread was here first */
    if (site)
        return site;
    site = site_made(s, parent, code, offset);
    uint32_t c = s->free_cell;
    if (!site || !table_room(s) ||
        (!c && (s->n_cells >= UINT32_MAX ||
                !hl_grow((void **)&s->cells, &s->room_cells, s->n_cells + 1, sizeof *s->cells)))) {
        s->lost++;
        return site ? site : parent;
    }
    if (c)
        s->free_cell = s->cells[c].next;
    else
        c = (uint32_t)s->n_cells++;
    s->cells[c] = (hl_sites_cell){at, site, *cell};
    *cell = c;
    table_put(s->table, parent, at, site);
    return site;
}

void hl_sites_gone(hl_sites *s, uint32_t cell)
{
    __atomic_store_n(&s->gone, s->gone + 1, __ATOMIC_RELEASE);
    while (cell) {
        hl_sites_cell *c = &s->cells[cell];
        uint32_t next = c->next;
        table_drop(s->table, hl_site_of(s, c->site)->parent, c->at);
        *c = (hl_sites_cell){.next = s->free_cell};
        s->free_cell = cell;
        cell = next;
    }
}

void hl_sites_deinit(hl_sites *s)
{
    for (size_t c = 0; c < sizeof s->chunks / sizeof *s->chunks && s->chunks[c]; c++)
        hl_pages_unmap(s->chunks[c], HL_SITE_CHUNK * sizeof **s->chunks);
    if (s->table)
        hl_pages_unmap(s->table, sizeof *s->table + s->table->room * sizeof *s->table->e);
    hl_pages_unmap(s->same, s->room_same * sizeof *s->same);
    hl_pages_unmap(s->cells, s->room_cells * sizeof *s->cells);
    memset(s, 0, sizeof *s);
}
