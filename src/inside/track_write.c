/* inside/track_write.c: where memory came from, as columns of a snapshot.
 *
 * Room   inside; the cloned child; memory from rt's pages.
 * Takes  the tracker's tables; objects as the walk comes to them.
 * Gives  columns FRAME, STACK, SITE, WITHIN, AGE and MADE, the TRACK fields of END.
 * Method Stacks are numbered when they are first needed, callers first, so that only those are told that
 *        have numbers. Sites that differ in an instruction of one line are one stack. An object's
 *        block is looked up by its address; leaves that are folded into a row are summed up by
 *        stack and type until the row ends.
 * Knows  the tracker, the walk, snap_write.  Must not know  when to look. */
#include "inside/track_engine.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/layout_private.h"
#include "inside/native_here.h"
#include "inside/track_write.h"
#include "inside/vitals.h"
#include "rt/rt.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define T hl_tracker_read

enum {
    ROOM_FIRST = 1 << 10,
    HOLD_TRIES = 2000, /* each gives the processor away: some milliseconds */
    LEAF_BITS = 3,
};

/* ---- locks -----------------------------------------------------------------------------------
 */

enum { LOCKS = 4 };

static hl_lock *lock_of(unsigned i)
{
    hl_lock *const all[LOCKS] = {&T->lock, &T->live.lock, &T->sites.lock, &T->samples.lock};
    return all[i];
}

bool hl_track_hold(void)
{
    if (!T->mode)
        return false;
    for (unsigned i = 0; i < LOCKS; i++) {
        unsigned tries = HOLD_TRIES;
        while (!hl_lock_try(lock_of(i)) && --tries)
            sched_yield();
        if (tries)
            continue;
        while (i)
            hl_lock_give(lock_of(--i));
        return false;
    }
    return true;
}

void hl_track_release(void)
{
    for (unsigned i = LOCKS; i;)
        hl_lock_give(lock_of(--i));
}

/* ---- numbers for keys ------------------------------------------------------------------------
 */

typedef struct amounts {
    uint64_t blocks, bytes; /* sampled: blocks in parts of HL_WEIGHT_ONE */
} amounts;

enum amount { LIVE, ALL, BRIEF, PEAK, AMOUNTS };
_Static_assert((int)HL_WINDOWS == (int)HL_WITHIN, "the file tells what is counted");

typedef struct row {
    uint64_t key;
    amounts of[AMOUNTS];
    amounts within[HL_WINDOWS];
    double variance;
    size_t slot;
} row;

/* Rows in the order they came, found by their keys. */
typedef struct rows {
    row *rows;
    size_t n, room;
    uint32_t *slots; /* 1 + index; twice the room */
    row *last;
} rows;

static size_t place_of(const rows *r, uint64_t key)
{
    return (size_t)((key ^ key >> 31) * 0x9E3779B97F4A7C15ull >> 20) & (2 * r->room - 1);
}

static void slot_in(rows *r, size_t i)
{
    size_t h = place_of(r, r->rows[i].key);
    while (r->slots[h])
        h = (h + 1) & (2 * r->room - 1);
    r->slots[h] = (uint32_t)i + 1;
    r->rows[i].slot = h;
}

static void widen(hl_walk *w, rows *r)
{
    rows wider = {.n = r->n, .room = r->room ? 2 * r->room : ROOM_FIRST};
    wider.rows = hl_walk_pages(w, wider.room * sizeof *wider.rows);
    wider.slots = hl_walk_pages(w, 2 * wider.room * sizeof *wider.slots);
    if (r->n)
        memcpy(wider.rows, r->rows, r->n * sizeof *r->rows);
    for (size_t i = 0; i < r->n; i++)
        slot_in(&wider, i);
    hl_pages_unmap(r->rows, r->room * sizeof *r->rows);
    hl_pages_unmap(r->slots, 2 * r->room * sizeof *r->slots);
    *r = wider;
}

/* The row of a key, made if there is none; it holds until the next is made. */
static row *row_of(hl_walk *w, rows *r, uint64_t key)
{
    if (r->last && r->last->key == key)
        return r->last;
    if (r->n == r->room)
        widen(w, r);
    size_t h = place_of(r, key);
    while (r->slots[h] && r->rows[r->slots[h] - 1].key != key)
        h = (h + 1) & (2 * r->room - 1);
    if (r->slots[h])
        return r->last = &r->rows[r->slots[h] - 1];
    row *new = &r->rows[r->n++];
    *new = (row){.key = key, .slot = h};
    r->slots[h] = (uint32_t)r->n;
    return r->last = new;
}

static void empty(rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        r->slots[r->rows[i].slot] = 0;
    r->n = 0;
    r->last = NULL;
}

/* ---- stacks ----------------------------------------------------------------------------------
 */

struct hl_makers {
    bool sampled, borrowed;
    double mean;
    uint64_t now_ns;    /* when the look began */
    hl_codes codes;     /* records and pool: the tracker's own, or a copy */
    uint32_t n_sites;   /* those that came later have no name here */
    uint32_t *stack_of; /* of a site: its number; 0: none yet */
    uint32_t *chain;    /* sites without a number, innermost first */
    size_t chain_room;
    rows frames, stacks; /* numbers by what they are */
    rows folded;         /* of the open row: by site and type */
    uint64_t made_row;   /* of the last MADE entry */
    uint64_t held;       /* bytes of all of them */
    uint32_t thread_of[HL_WHOS];
};

static uint32_t frame_of(hl_walk *w, const hl_site *s)
{
    hl_makers *m = w->made;
    const hl_code *code = &m->codes.codes[s->code < m->codes.n ? s->code : 0];
    uint32_t line =
        hl_line_at(hl_track_lines_format(), (const uint8_t *)m->codes.pool + code->table,
                   code->table_bytes, code->first_line, s->offset);
    size_t known = m->frames.n;
    row *r = row_of(w, &m->frames, (uint64_t)s->code << 32 | line);
    if (m->frames.n > known) {
        size_t file_bytes, name_bytes;
        const char *name = hl_codes_text(&m->codes, code->name, &name_bytes);
        const char *file = hl_codes_text(&m->codes, code->file, &file_bytes);
        hl_snap_put(&w->out, HL_COL_FRAME, hl_name_text(w, name, name_bytes));
        hl_snap_put(&w->out, HL_COL_FRAME, hl_name_text(w, file, file_bytes));
        hl_snap_put(&w->out, HL_COL_FRAME, code->first_line);
        hl_snap_put(&w->out, HL_COL_FRAME, line);
    }
    return (uint32_t)(r - m->frames.rows) + 1;
}

static uint32_t stack_below(hl_walk *w, uint32_t caller, const hl_site *s)
{
    hl_makers *m = w->made;
    uint32_t frame = frame_of(w, s);
    size_t known = m->stacks.n;
    row *r = row_of(w, &m->stacks, (uint64_t)caller << 32 | frame);
    uint32_t number = (uint32_t)(r - m->stacks.rows) + 1;
    if (m->stacks.n > known) {
        hl_snap_put(&w->out, HL_COL_STACK, caller ? number - caller : 0);
        hl_snap_put(&w->out, HL_COL_STACK, frame);
    }
    return number;
}

static void chain_room(hl_walk *w, size_t need)
{
    hl_makers *m = w->made;
    if (need <= m->chain_room)
        return;
    size_t room = m->chain_room ? 2 * m->chain_room : ROOM_FIRST;
    uint32_t *wider = hl_walk_pages(w, room * sizeof *wider);
    if (m->chain_room)
        memcpy(wider, m->chain, m->chain_room * sizeof *wider);
    hl_pages_unmap(m->chain, m->chain_room * sizeof *wider);
    m->chain = wider;
    m->chain_room = room;
}

static uint32_t stack_of(hl_walk *w, uint32_t site)
{
    hl_makers *m = w->made;
    size_t n = 0;
    if (site >= m->n_sites)
        return 0;
    for (; site && !m->stack_of[site]; site = hl_site_of(&T->sites, site)->parent) {
        chain_room(w, n + 1);
        m->chain[n++] = site;
    }
    uint32_t stack = site ? m->stack_of[site] : 0;
    while (n) {
        site = m->chain[--n];
        stack = m->stack_of[site] = stack_below(w, stack, hl_site_of(&T->sites, site));
    }
    return stack;
}

uint32_t hl_makers_stack(hl_walk *w, uint32_t site)
{
    return stack_of(w, site);
}

/* ---- beginning -------------------------------------------------------------------------------
 */

static hl_thread *record_of(const PyThreadState *t)
{
    for (hl_thread *r = T->threads; r; r = r->next)
        if (r->taken && r->system_id == (uint64_t)t->thread_id)
            return r;
    return NULL;
}

/* In memory that is lent to us the tables go on changing, and move. */
static bool copy_codes(hl_walk *w, hl_makers *m)
{
    if (!hl_track_hold())
        return false;
    size_t bytes = T->codes.n_pool, n = T->codes.n; /* what comes later is not told */
    hl_track_release();
    m->codes = (hl_codes){.codes = hl_walk_pages(w, n * sizeof *m->codes.codes),
                          .pool = hl_walk_pages(w, bytes),
                          .n = n};
    if (!hl_track_hold())
        return false;
    memcpy(m->codes.codes, T->codes.codes, n * sizeof *m->codes.codes);
    memcpy(m->codes.pool, T->codes.pool, bytes);
    hl_track_release();
    return true;
}

hl_makers *hl_makers_new(hl_walk *w, bool borrowed)
{
    hl_makers *m = hl_walk_pages(w, sizeof *m);
    if (!T->mode || !T->sites.table)
        return NULL;
    m->sampled = T->mode == HL_TRACK_SAMPLED;
    m->borrowed = borrowed;
    m->mean = T->samples.mean;
    m->now_ns = hl_vitals_clock_ns(CLOCK_MONOTONIC);
    m->n_sites = T->sites.n;
    if (!borrowed) {
        for (unsigned i = 0; i < LOCKS; i++)
            hl_lock_reset(lock_of(i)); /* of our copy: held since before the clone */
        if (hl_native_followed()) {
            hl_lock_reset(&hl_native_followed()->live->lock);
            hl_lock_reset(&hl_native_followed()->samples->lock);
            hl_lock_reset(&hl_native_followed()->mappings->lock);
        }
        m->codes = T->codes;
    } else if (!copy_codes(w, m)) {
        return NULL;
    }
    m->stack_of = hl_walk_pages(w, m->n_sites * sizeof *m->stack_of);
    for (PyThreadState *t = PyInterpreterState_ThreadHead(w->interp); t;
         t = PyThreadState_Next(t)) {
        const hl_thread *r = record_of(t);
        if (r)
            m->thread_of[r->who] = 1 + hl_thread_index(w->interp, t);
    }
    m->thread_of[0] = 0;
    return m;
}

/* ---- objects ---------------------------------------------------------------------------------
 */

typedef struct block {
    uint64_t by; /* 0: nothing is known of it */
    amounts amount;
} block;

static inline block block_at(hl_makers *m, uintptr_t at)
{
    if (!m->sampled) {
        hl_live_block b = hl_live_look(&T->live, at);
        if (!m->borrowed && b.by)
            hl_native_held((const void *)at, b.size);
        return (block){b.by, {1, b.size}};
    }
    if (!hl_samples_maybe(&T->samples, (const void *)at))
        return (block){.by = 0};
    hl_sample s = hl_samples_look(&T->samples, at);
    if (!s.by || s.by == HL_SAMPLE_OLD)
        return (block){.by = 0};
    return (block){s.by, {hl_sample_blocks(s.size, m->mean), hl_sample_bytes(s.size, m->mean)}};
}

static uint64_t whole_blocks(const hl_makers *m, uint64_t blocks)
{
    return m->sampled ? (blocks + HL_WEIGHT_ONE / 2) / HL_WEIGHT_ONE : blocks;
}

static void put_amount(hl_walk *w, enum hl_snap_column c, const amounts *a)
{
    hl_snap_put(&w->out, c, whole_blocks(w->made, a->blocks));
    hl_snap_put(&w->out, c, a->bytes);
}

static void put_made(hl_walk *w, uint32_t stack, uint32_t leaf1, const amounts *a)
{
    hl_makers *m = w->made;
    hl_snap_put(&w->out, HL_COL_MADE, w->nodes - m->made_row);
    hl_snap_put(&w->out, HL_COL_MADE, stack);
    hl_snap_put(&w->out, HL_COL_MADE, leaf1);
    put_amount(w, HL_COL_MADE, a);
    m->made_row = w->nodes;
    m->held += a->bytes;
}

/* Blocks of one object: mostly all were made by one stack, and are one entry. */
typedef struct parts {
    uint32_t stack;
    amounts sum;
} parts;

static void put_parts(hl_walk *w, const parts *p)
{
    if (p->sum.blocks)
        put_made(w, p->stack, 0, &p->sum);
}

static void part(hl_walk *w, parts *p, const void *at)
{
    block b = at ? block_at(w->made, (uintptr_t)at) : (block){.by = 0};
    if (!b.by)
        return;
    uint32_t stack = stack_of(w, hl_made_site(b.by));
    if (stack != p->stack) {
        put_parts(w, p);
        p->sum = (amounts){0, 0};
    }
    p->stack = stack;
    p->sum.blocks += b.amount.blocks;
    p->sum.bytes += b.amount.bytes;
}

static void part_dict(hl_walk *w, parts *p, const PyDictObject *d)
{
    if (hl_abi_keys_refs(d->ma_keys) == 1)
        part(w, p, d->ma_keys);
    if (d->ma_values && !hl_abi_dict_table(d).embedded)
        part(w, p, (const void *)hl_abi_values_block(d->ma_values));
}

/* One more block for each HL_DEQUE_BLOCK items, that its links lead through. */
static void part_deque(hl_walk *w, parts *p, PyObject *o)
{
    const char *at = HL_PEEK(o, char *, deque, leftblock);
    const char *last = HL_PEEK(o, char *, deque, rightblock);
    for (Py_ssize_t most = Py_SIZE(o) / HL_DEQUE_BLOCK + 2; at && most; most--) {
        part(w, p, at);
        if (at == last)
            break;
        at = HL_PEEK(at, char *, dequeblock, right);
    }
}

/* Blocks of its own besides the one it lies in. */
static void part_others(hl_walk *w, parts *p, PyObject *o, const hl_kind *k)
{
    enum hl_measure how = k->measure;
    if (how == HL_MEASURE_LIST)
        part(w, p, ((PyListObject *)o)->ob_item);
    else if (how == HL_MEASURE_DICT || how == HL_MEASURE_ODICT)
        part_dict(w, p, (const PyDictObject *)o);
    else if (how == HL_MEASURE_SET && ((PySetObject *)o)->table != ((PySetObject *)o)->smalltable)
        part(w, p, ((PySetObject *)o)->table);
    else if (how == HL_MEASURE_DEQUE)
        part_deque(w, p, o);
    else if (how == HL_MEASURE_ARRAY)
        part(w, p, HL_PEEK(o, void *, array, item));
    else if (how == HL_MEASURE_STRINGIO)
        part(w, p, HL_PEEK(o, void *, stringio, buf));
    else if (how == HL_MEASURE_BYTEARRAY)
#if HL_PY_AT_LEAST(15)
        part(w, p, ((PyByteArrayObject *)o)->ob_bytes_object);
#else
        part(w, p, ((PyByteArrayObject *)o)->ob_bytes);
#endif
#if HL_PY_AT_LEAST(11) && !HL_PY_AT_LEAST(13)
    if (k->managed) {
        hl_abi_table table;
        PyObject *dict;
        size_t bytes;
        hl_abi_inline_values(o, k->type, &table, &dict, &bytes);
        if (bytes)
            part(w, p, (const void *)hl_abi_values_block(table.values));
    }
#endif
}

void hl_makers_row(hl_walk *w, PyObject *o, const hl_kind *k)
{
    parts p = {.stack = 0};
    part(w, &p, (const char *)o - k->presize);
    part_others(w, &p, o, k);
    put_parts(w, &p);
    rows *folded = &w->made->folded;
    for (size_t i = 0; i < folded->n; i++) {
        const row *r = &folded->rows[i];
        unsigned leaf = (unsigned)(r->key & ((1 << LEAF_BITS) - 1));
        put_made(w, stack_of(w, (uint32_t)(r->key >> LEAF_BITS)), w->leaf_type[leaf] + 1,
                 &r->of[LIVE]);
    }
    empty(folded);
}

void hl_makers_leaf(hl_walk *w, PyObject *o)
{
    parts p = {.stack = 0};
    part(w, &p, o);
    put_parts(w, &p);
}

static void fold_block(hl_walk *w, const block *b, enum hl_leaf leaf)
{
    amounts *sum =
        &row_of(w, &w->made->folded, (uint64_t)hl_made_site(b->by) << LEAF_BITS | (unsigned)leaf)
             ->of[LIVE];
    sum->blocks += b->amount.blocks;
    sum->bytes += b->amount.bytes;
}

void hl_makers_fold(hl_walk *w, PyObject *o, enum hl_leaf leaf)
{
    block b = block_at(w->made, (uintptr_t)o);
    if (b.by)
        fold_block(w, &b, leaf);
}

void hl_makers_fold_all(hl_walk *w, PyObject *const *item, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        block b = item[i] ? block_at(w->made, (uintptr_t)item[i]) : (block){.by = 0};
        int leaf = b.by ? hl_leaf_of(Py_TYPE(item[i])) : -1;
        if (leaf >= 0 && item[i]->ob_refcnt == 1)
            fold_block(w, &b, (enum hl_leaf)leaf);
    }
}

void hl_makers_held(const hl_walk *w, uint64_t *held, uint64_t *unheld)
{
    const hl_makers *m = w->made;
    uint64_t live = m->sampled && T->samples.bytes > 0 ? (uint64_t)T->samples.bytes : 0;
    *held = m->sampled ? m->held : 0;
    *unheld = live > *held ? live - *held : 0;
}

/* ---- sums ------------------------------------------------------------------------------------
 */

enum { KEY_DOMAIN_BITS = 2, KEY_THREAD_BITS = 30 };

static uint64_t site_key(uint32_t stack, uint32_t thread, enum hl_domain d)
{
    return (uint64_t)stack << 32 |
           (uint64_t)(thread & ((1u << KEY_THREAD_BITS) - 1)) << KEY_DOMAIN_BITS | (uint64_t)d;
}

typedef struct sums {
    rows sites, ages;
} sums;

static void add_rows(hl_walk *w, sums *s, const hl_tally *t, enum amount which)
{
    hl_makers *m = w->made;
    for (size_t i = 0; i < t->room; i++) {
        const hl_tally_row *r = &t->rows[i];
        if (!r->by)
            continue;
        uint32_t site = hl_made_site(r->by), who = hl_made_who(r->by), stack = stack_of(w, site);
        row *of = row_of(w, &s->sites, site_key(stack, m->thread_of[who], hl_made_domain(r->by)));
        of->of[which].blocks += r->blocks;
        of->of[which].bytes += r->bytes;
        if (which != LIVE)
            continue;
        of->variance += r->variance;
        uint32_t born = T->looks_before[hl_made_age(r->by)];
        amounts *age = &row_of(w, &s->ages, (uint64_t)stack << 32 | born)->of[LIVE];
        age->blocks += r->blocks;
        age->bytes += r->bytes;
    }
}

static void add_made(hl_walk *w, sums *s, uint32_t who, enum hl_domain d, uint32_t site)
{
    hl_makers *m = w->made;
    const hl_made *made = hl_made_look(&T->totals, who, d, site);
    if (!made || !made->blocks)
        return;
    row *of = row_of(w, &s->sites, site_key(stack_of(w, site), m->thread_of[who], d));
    of->of[ALL].blocks += made->blocks;
    of->of[ALL].bytes += made->bytes;
    of->of[BRIEF].blocks += made->brief_blocks;
    of->of[BRIEF].bytes += made->brief_bytes;
    const hl_within *within = T->windows ? hl_within_look(&T->totals, who, d, site) : NULL;
    for (unsigned k = 0; within && k < HL_WINDOWS; k++) {
        of->within[k].blocks += within->blocks[k];
        of->within[k].bytes += within->bytes[k];
    }
}

/* What was made in all, by the thread that made it; those that are gone are one. */
static void add_all_made(hl_walk *w, sums *s)
{
    for (uint32_t who = 0; who < HL_WHOS && who < T->totals.whos; who++)
        for (int d = HL_DOMAIN_RAW; d < HL_DOMAINS; d++)
            for (uint32_t site = 0; site < w->made->n_sites; site++) {
                if (!hl_totals_chunk_at(&T->totals, who, (enum hl_domain)d, site))
                    site |= HL_TOTALS_CHUNK - 1; /* to the next */
                else
                    add_made(w, s, who, (enum hl_domain)d, site);
            }
}

static void put_sites(hl_walk *w, const rows *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const row *x = &r->rows[i];
        uint32_t low = (uint32_t)x->key;
        hl_snap_put(&w->out, HL_COL_SITE, x->key >> 32);
        hl_snap_put(&w->out, HL_COL_SITE, low >> KEY_DOMAIN_BITS);
        hl_snap_put(&w->out, HL_COL_SITE,
                    (low & ((1 << KEY_DOMAIN_BITS) - 1)) - HL_DOMAIN_RAW + HL_BLOCK_RAW);
        for (unsigned a = 0; a < AMOUNTS; a++)
            put_amount(w, HL_COL_SITE, &x->of[a]);
        hl_snap_put(&w->out, HL_COL_SITE, (uint64_t)(sqrt(x->variance) + 0.5));
    }
}

static void put_within(hl_walk *w, const rows *r)
{
    size_t before = 0;
    for (size_t i = 0; i < r->n; i++)
        for (unsigned k = 0; k < HL_WINDOWS; k++) {
            const amounts *a = &r->rows[i].within[k];
            if (!a->blocks)
                continue;
            hl_snap_put(&w->out, HL_COL_WITHIN, i - before);
            hl_snap_put(&w->out, HL_COL_WITHIN, k + 1);
            put_amount(w, HL_COL_WITHIN, a);
            before = i;
        }
}

static void put_ages(hl_walk *w, const rows *r)
{
    for (size_t i = 0; i < r->n; i++) {
        hl_snap_put(&w->out, HL_COL_AGE, r->rows[i].key >> 32);
        hl_snap_put(&w->out, HL_COL_AGE, (uint32_t)r->rows[i].key);
        put_amount(w, HL_COL_AGE, &r->rows[i].of[LIVE]);
    }
}

/* A moment on the clock of the program's age, which says time_us when the look begins. */
static uint64_t on_clock(const hl_makers *m, uint64_t time_us, uint64_t ns)
{
    uint64_t ago = m->now_ns > ns ? (m->now_ns - ns) / 1000 : 0;
    return time_us > ago ? time_us - ago : 0;
}

/* What lived at the peak; in memory that is lent to us a copy. NULL: what lives now. */
static const hl_tally *peak_of(hl_walk *w, hl_tally *copy, const hl_tally *live)
{
    if (!w->made->borrowed) {
        const hl_tally *then = hl_peak_rows(T);
        return then ? then : live;
    }
    for (size_t room = 0;;) {
        if (!hl_track_hold())
            return NULL;
        const hl_tally *then = hl_peak_rows(T);
        bool fits = !then || then->room <= room;
        room = then ? then->room : 0;
        if (then && fits) {
            memcpy(copy->rows, then->rows, room * sizeof *copy->rows);
            copy->room = room;
        }
        hl_track_release();
        if (fits)
            return then ? copy : live;
        copy->rows = hl_walk_pages(w, room * sizeof *copy->rows);
    }
}

void hl_makers_write(hl_walk *w, uint64_t time_us, hl_fields *end)
{
    hl_makers *m = w->made;
    sums s = {.sites = {.n = 0}};
    hl_tally live, copy = {.n = 0};
    if (!hl_track_sum(T, &live))
        hl_walk_stop(w, HL_NO_MEMORY);
    add_rows(w, &s, &live, LIVE);
    const hl_tally *then = peak_of(w, &copy, &live);
    if (then)
        add_rows(w, &s, then, PEAK);
    add_all_made(w, &s);
    put_sites(w, &s.sites);
    put_within(w, &s.sites);
    put_ages(w, &s.ages);
    hl_field_uint(end, HL_SNAP_TRACK, m->sampled ? HL_FOLLOWED_SAMPLED : HL_FOLLOWED_EXACT);
    if (m->sampled)
        hl_field_uint(end, HL_SNAP_TRACK_RATE, (uint64_t)m->mean);
    hl_field_uint(end, HL_SNAP_TRACK_DROPPED,
                  T->lost + T->live.lost + T->sites.lost + T->codes.lost + T->samples.dropped +
                      live.lost);
    hl_field_uint(end, HL_SNAP_TRACK_SINCE, on_clock(m, time_us, T->since_ns));
    hl_field_uint(end, HL_SNAP_TRACK_LISTS, T->corrected);
    hl_field_uint(end, HL_SNAP_TRACK_AGE, T->looks);
    hl_field_uint(end, HL_SNAP_TRACK_THREADS, 1);
    if (T->windows)
        hl_field_uint(end, HL_SNAP_TRACK_WITHIN, HL_RECENT);
    if (!then)
        return;
    hl_field_uint(end, HL_SNAP_TRACK_PEAK, (uint64_t)T->peak);
    hl_field_uint(end, HL_SNAP_TRACK_PEAK_TIME, on_clock(m, time_us, T->peak_ns));
}
