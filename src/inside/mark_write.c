/* inside/mark_write.c: what nothing leads to any more, and who holds the rest.
 *
 * Room   inside; the cloned child; memory from rt's pages.
 * Takes  the mark, the blocks no object has.
 * Gives  columns LOST, HOLD, LOST_SITE, HELD and NOBODY, the MARK fields of END.
 * Method A small block is lost if nothing leads to it from the roots, nor from any object the collector
 *        lists: what hangs from a lost list is the list's. Of each native stack a few holders are told
 *        apart; what does not fit is added to one that is like it.
 * Knows  the mark, the walk, the tracker, snap_write.  Must not know  how blocks are found. */
#include "inside/track_engine.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/mark_write.h"
#include "inside/track_write.h"

#include <string.h>

enum { HOLDERS = 6, LOST_TYPES = 4, HELD_MOST = 1 << 18, DEBUG_HEAD = 16, DEBUG_HEADS = 2 };

typedef struct amount {
    uint64_t blocks, bytes;
} amount;

typedef struct of_site {
    struct {
        hl_held_by by;
        amount sum;
    } holder[HOLDERS];
    struct {
        uint32_t type1;
        amount sum;
    } lost[LOST_TYPES];
} of_site;

typedef struct writing {
    hl_walk *w;
    hl_marking *k;
    hl_native_writing *x;
    of_site *sites; /* by native site */
    uint32_t n_sites;
    uint32_t held;
} writing;

/* What a block stands for: itself; or as a sample others that are not known, with what malloc needs for
 * them. */
static amount stands_for(const hl_mark_block *b)
{
    hl_native_block followed;
    amount a = {1, b->size};
    if (hl_native_is_sampled() && hl_native_block_at(b->at, &followed)) {
        double mean = hl_native_followed()->samples->mean;
        uint64_t size = b->size + HL_NATIVE_HEAD, usable;
        a.blocks = (hl_sample_blocks(size, mean) + HL_WEIGHT_ONE / 2) / HL_WEIGHT_ONE;
        usable = hl_native_usable ? hl_native_usable((void *)b->at) : 0;
        a.bytes = (usable >= b->size ? usable + sizeof(size_t) : size) *
                  hl_sample_blocks(size, mean) / HL_WEIGHT_ONE;
    } else if (hl_native_is_sampled()) {
        hl_mapping m = {.from = b->at, .end = b->at + b->size};
        a.bytes = hl_native_mapped(&m);
    }
    return a;
}

static void add_all(amount *to, amount of)
{
    to->blocks += of.blocks;
    to->bytes += of.bytes;
}

static void put_amount(hl_walk *w, enum hl_snap_column c, const amount *a)
{
    hl_snap_put(&w->out, c, a->blocks);
    hl_snap_put(&w->out, c, a->bytes);
}

/* ---- by native stack --------------------------------------------------------------------------- */

/* The entry for it: its own, a free one, or the one most like it. */
static unsigned holder_of(const of_site *s, const hl_held_by *by)
{
    unsigned like = HOLDERS - 1;
    for (unsigned i = HOLDERS; i--;) {
        const hl_held_by *of = &s->holder[i].by;
        if (!s->holder[i].sum.blocks || (of->kind == by->kind && of->which == by->which))
            like = i;
    }
    for (unsigned i = 0; i < HOLDERS && s->holder[i].sum.blocks; i++) {
        const hl_held_by *of = &s->holder[i].by;
        if (of->kind == by->kind && of->which == by->which && of->at == by->at)
            return i;
        if (of->kind == by->kind && of->which == by->which && i == like && i == HOLDERS - 1)
            break;
    }
    for (unsigned i = 0; i < HOLDERS; i++)
        if (!s->holder[i].sum.blocks)
            return i;
    return like;
}

static void take_held(writing *x, of_site *s, uint32_t block)
{
    hl_held_by by = hl_marking_holder(x->w, x->k, x->k->mark.holders[block]);
    unsigned i = holder_of(s, &by);
    if (!s->holder[i].sum.blocks)
        s->holder[i].by = by;
    add_all(&s->holder[i].sum, stands_for(&x->k->blocks[block]));
}

static void take_lost(writing *x, of_site *s, const hl_mark_block *b)
{
    uint32_t type1 = hl_marking_type1(x->w, b, NULL);
    unsigned i = 0;
    while (i < LOST_TYPES - 1 && s->lost[i].sum.blocks && s->lost[i].type1 != type1)
        i++;
    if (!s->lost[i].sum.blocks)
        s->lost[i].type1 = type1;
    add_all(&s->lost[i].sum, stands_for(b));
}

static void take_natives(writing *x)
{
    const hl_native *n = hl_native_followed();
    bool sampled = hl_native_is_sampled(); /* then none is an object's */
    for (uint32_t i = 0; i < x->k->n; i++) {
        const hl_mark_block *b = &x->k->blocks[i];
        if (b->kind != HL_BLOCK_OF_MALLOC || !b->group || b->group >= x->n_sites ||
            (!sampled && hl_native_is_held(n, b->at)))
            continue;
        of_site *s = &x->sites[b->group];
        if (hl_mark_reached(&x->k->mark, i))
            take_held(x, s, i);
        else
            take_lost(x, s, b);
    }
}

static void put_natives(writing *x)
{
    hl_snap_writer *out = &x->w->out;
    for (uint32_t site = 1; site < x->n_sites; site++) {
        const of_site *s = &x->sites[site];
        for (unsigned i = 0; i < LOST_TYPES && s->lost[i].sum.blocks; i++) {
            hl_snap_put(out, HL_COL_LOST, hl_native_number(x->x, site));
            hl_snap_put(out, HL_COL_LOST, s->lost[i].type1);
            put_amount(x->w, HL_COL_LOST, &s->lost[i].sum);
        }
        for (unsigned i = 0; i < HOLDERS && s->holder[i].sum.blocks; i++) {
            const hl_held_by *by = &s->holder[i].by;
            hl_snap_put(out, HL_COL_HOLD, hl_native_number(x->x, site));
            hl_snap_put(out, HL_COL_HOLD, by->kind);
            hl_snap_put(out, HL_COL_HOLD,
                        by->kind == HL_HOLD_DATA    ? hl_native_module(x->x, by->which)
                        : by->kind == HL_HOLD_BLOCK ? hl_native_number(x->x, by->which)
                                                    : by->which);
            hl_snap_put(out, HL_COL_HOLD, by->at);
            put_amount(x->w, HL_COL_HOLD, &s->holder[i].sum);
        }
    }
}

/* ---- small blocks ------------------------------------------------------------------------------ */

enum { SMALL_PART = 1 << 30 }; /* what an object has beside itself is told in a row of its own */

typedef struct small {
    uint64_t key; /* 1 + stack << 32 | SMALL_PART, type1; 0: free */
    amount sum;
} small;

typedef struct smalls {
    small *slots;
    size_t n, room; /* a power of two */
} smalls;

static small *small_at(const smalls *s, uint64_t key)
{
    size_t h = (size_t)(key * 0x9E3779B97F4A7C15ull >> 20);
    while (s->slots[h & (s->room - 1)].key && s->slots[h & (s->room - 1)].key != key)
        h++;
    return &s->slots[h & (s->room - 1)];
}

static small *small_of(hl_walk *w, smalls *s, uint64_t key)
{
    if (2 * s->n >= s->room) {
        smalls wider = {.n = s->n, .room = s->room ? 2 * s->room : 1024};
        wider.slots = hl_walk_pages(w, wider.room * sizeof *wider.slots);
        for (size_t i = 0; i < s->room; i++)
            if (s->slots[i].key)
                *small_at(&wider, s->slots[i].key) = s->slots[i];
        hl_pages_unmap(s->slots, s->room * sizeof *s->slots);
        *s = wider;
    }
    small *found = small_at(s, key);
    s->n += !found->key;
    found->key = key;
    return found;
}

/* What the tracker knows of a block; debugging allocators put a head before it. */
static hl_live_block made(uintptr_t at)
{
    hl_live_block b = {0, 0};
    for (unsigned i = 0; !b.by && i <= DEBUG_HEADS; i++)
        b = hl_live_look(&hl_tracker_read->live, at + (uintptr_t)i * DEBUG_HEAD);
    return b;
}

/* What a lost object keeps beside itself (a bytearray its bytes) is the object's: of each block of no type
 * the type of the lost object, not found by the walk, that points to it. */
static uint32_t *owners(writing *x)
{
    hl_walk *w = x->w;
    const hl_marking *k = x->k;
    uint32_t *of = hl_walk_pages(w, (k->n + (size_t)1) * sizeof *of);
    for (uint32_t i = 0; i < k->n; i++) {
        const hl_mark_block *b = &k->blocks[i];
        PyObject *o = NULL;
        if (b->kind == HL_BLOCK_OF_MALLOC || b->skip == HL_MARK_LEAF ||
            hl_mark_reached(&k->mark, i))
            continue;
        uint32_t type1 = hl_marking_type1(w, b, &o);
        if (!type1 || hl_visited_has(&w->seen, o))
            continue;
        const uintptr_t *word = (const uintptr_t *)(o + 1), *end = (const uintptr_t *)b->at;
        for (end += b->size / sizeof *end; word < end; word++) {
            uint32_t to = hl_mark_find(&k->mark, *word);
            if (to != HL_MARK_NONE && to != i && !hl_mark_reached(&k->mark, to))
                of[to] = type1;
        }
    }
    return of;
}

static void put_rows(hl_walk *w, const smalls *all, uint64_t one)
{
    for (size_t i = 0; i < all->room; i++) {
        const small *row = &all->slots[i];
        if (!row->key)
            continue;
        amount sum = {(row->sum.blocks + one / 2) / one, row->sum.bytes};
        hl_snap_put(&w->out, HL_COL_LOST_SITE, (row->key >> 32) - 1);
        hl_snap_put(&w->out, HL_COL_LOST_SITE, row->key & (SMALL_PART - 1));
        put_amount(w, HL_COL_LOST_SITE, &sum);
    }
}

/* owner1: of the object that has the block, if it is none itself: that is counted, not its parts. */
static void add_small(hl_walk *w, smalls *all, uint64_t by, uint32_t type1, uint32_t owner1,
                      amount of)
{
    uint64_t stack = hl_makers_stack(w, hl_made_site(by));
    if (!type1 && owner1) {
        type1 = owner1 | SMALL_PART;
        of.blocks = 0;
    }
    add_all(&small_of(w, all, (stack + 1) << 32 | type1)->sum, of);
}

/* Where each block is followed. */
static void put_smalls(writing *x)
{
    hl_walk *w = x->w;
    smalls all = {.n = 0};
    const uint32_t *owner1 = owners(x);
    for (uint32_t i = 0; i < x->k->n; i++) {
        const hl_mark_block *b = &x->k->blocks[i];
        if (b->kind == HL_BLOCK_OF_MALLOC || hl_mark_reached(&x->k->mark, i))
            continue;
        PyObject *o = NULL;
        uint32_t type1 = hl_marking_type1(w, b, &o);
        hl_live_block known = made(b->at);
        if ((o && hl_visited_has(&w->seen, o)) || !known.by)
            continue; /* the walk found it; or it is older than what is followed */
        add_small(w, &all, known.by, type1, owner1[i], (amount){1, known.size});
    }
    put_rows(w, &all, 1);
}

/* Of samples, each of which stands for others. Also large ones, which malloc has. */
static void put_samples(writing *x)
{
    hl_walk *w = x->w;
    smalls all = {.n = 0};
    const uint32_t *owner1 = owners(x);
    const hl_samples *samples = &hl_tracker_read->samples;
    for (size_t i = 0; (i = hl_samples_next(samples, i)) < HL_SAMPLES_ROOM; i++) {
        const hl_sample *s = hl_samples_at(samples, i);
        uint32_t k = s->by == HL_SAMPLE_OLD ? HL_MARK_NONE : hl_mark_find(&x->k->mark, s->at);
        if (k == HL_MARK_NONE || hl_mark_reached(&x->k->mark, k))
            continue;
        PyObject *o = NULL;
        uint32_t type1 =
            hl_made_domain(s->by) == HL_DOMAIN_OBJ ? hl_marking_type1(w, &x->k->blocks[k], &o) : 0;
        if (!o || !hl_visited_has(&w->seen, o))
            add_small(w, &all, s->by, type1, owner1[k],
                      (amount){hl_sample_blocks(s->size, samples->mean),
                               hl_sample_bytes(s->size, samples->mean)});
    }
    put_rows(w, &all, HL_WEIGHT_ONE);
}

/* ---- objects ----------------------------------------------------------------------------------- */

static void put_held(void *to, PyObject *o, uintptr_t word)
{
    writing *x = to;
    hl_snap_writer *out = &x->w->out;
    if (x->held++ >= HELD_MOST)
        return;
    hl_held_by by = hl_marking_holder(x->w, x->k, word);
    if (by.kind != HL_HOLD_DATA && by.kind != HL_HOLD_BLOCK)
        return;
    hl_snap_put_delta(out, HL_COL_HELD, hl_visited_id(&x->w->seen, o));
    hl_snap_put(out, HL_COL_HELD, by.kind);
    hl_snap_put(out, HL_COL_HELD,
                by.kind == HL_HOLD_DATA ? hl_native_module(x->x, by.which)
                                        : hl_native_number(x->x, by.which));
    hl_snap_put(out, HL_COL_HELD, by.at);
}

/* Those of the collector first, and then from them on. */
static void put_nobody(writing *x)
{
    hl_mark *m = &x->k->mark;
    uint32_t n = 0, *lost = hl_walk_pages(x->w, (x->k->n + (size_t)1) * sizeof *lost);
    for (uint32_t i = 0; i < x->k->n; i++) {
        const hl_mark_block *b = &x->k->blocks[i];
        const void *o = (const void *)(b->at + b->head);
        if (!b->head || hl_mark_reached(m, i))
            continue;
        lost[n++] = i;
        if (hl_visited_has(&x->w->seen, o))
            hl_snap_put_delta(&x->w->out, HL_COL_NOBODY, hl_visited_id(&x->w->seen, o));
    }
    for (uint32_t i = 0; i < n; i++)
        hl_mark_reach(m, lost[i]);
}

void hl_mark_write(hl_walk *w, hl_native_writing *numbers, hl_fields *end)
{
    writing x = {.w = w, .k = w->marking, .x = numbers, .n_sites = hl_native_followed()->sites->n};
    x.sites = hl_walk_pages(w, (x.n_sites + (size_t)1) * sizeof *x.sites);
    bool each = !hl_native_is_sampled(); /* else few of the others would be known */
    if (each)
        hl_marking_words(w, x.k, put_held, &x);
    put_nobody(&x);
    take_natives(&x);
    put_natives(&x);
    if (hl_tracker_read->mode == HL_TRACK_SAMPLED)
        put_samples(&x);
    else
        put_smalls(&x);
    hl_field_uint(end, HL_SNAP_MARK, 1);
    hl_field_uint(end, HL_SNAP_MARK_NS, x.k->ns);
    hl_field_uint(end, HL_SNAP_MARK_BYTES, x.k->mark.read);
}
