/* inside/dups.c: which contents exist many times, without telling any.
 *
 * Room   inside; the cloned child; memory from rt's pages.
 * Takes  leaves as the walk meets them.   Gives  column DUP, and its totals.
 * Knows  the contents of leaves.  Must not know  edges, files.
 * Method Equal contents have equal hashes: SipHash with a key that is drawn for this snapshot and
 *        forgotten, so that nobody can tell from a file what a string was. Hashes stay here: the
 *        file gets type, length, how many, and where some of them hang.
 * Cost   Of many leaves some are looked at: all of the first ones, then one in two, one in four,
 *        each standing for as many, by chance and not by turns, since heaps have a rhythm. The
 *        table is bounded too: when it is full, what was met once goes. So counts of rare contents
 *        in big heaps are too low, and those of frequent ones about right. */
#include "inside/walk.h"

#include "inside/dups.h"

#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    ROOM_FIRST = 1 << 10,
    GROWS = 4,
    SIDES = 1 << 12,
    SIDE_HOLDERS = 8,
    SIDE_FROM = 3, /* looks before a content gets a list of holders */
    ROWS = 128,
    WHOLE_BYTES = 4096, /* longer contents are hashed in part first */
    PART_BYTES = 256,
    BIG_BYTES = 64 * 1024, /* looked at whatever the turn: few, and each matters */
    FIRSTS = 1 << 10,
    FIRST_PROBES = 16,
    TUPLE_MAX = 8,
    KIND_TUPLE = HL_LEAVES,
    KIND_BITS = 7,
    HASH_SET = 8, /* no hash is 0 */
};
#define HASHED_MAX ((uint64_t)64 << 20) /* bytes of long contents */
#define SIDE_LABEL UINT32_MAX

typedef struct holder {
    uint32_t row, label;
} holder;

typedef struct entry {
    uint64_t hash; /* 0: free; the lowest bits are the kind */
    uint32_t copies, seen;
    uint32_t len, bytes;
    holder at; /* label SIDE_LABEL: row is an index into sides */
} entry;

typedef struct first { /* the only content so far of this length and these parts */
    uint64_t parts;
    PyObject *o;
    holder at;
} first;

struct hl_dups {
    uint64_t key[2], random;
    entry *table, *spare; /* as large as the table, and empty */
    size_t room, room_max, used;
    holder (*sides)[SIDE_HOLDERS];
    uint32_t n_sides;
    uint32_t stride;
    uint64_t base, left; /* looks until the stride doubles */
    first *firsts;
    uint64_t hashed;
    uint64_t met, seen, contents, bytes;
};

/* ---- hashing ----------------------------------------------------------------------------------
 */

typedef struct sip {
    uint64_t v[4], n;
} sip;

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static sip sip_begin(const uint64_t key[2])
{
    return (sip){.v = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                       key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573}};
}

static void sip_word(sip *s, uint64_t word)
{
    s->v[3] ^= word;
    sip_round(s->v);
    s->v[0] ^= word;
    s->n += sizeof word;
}

/* The last bytes of a piece are filled up; its length, hashed too, says how many were real. */
static void sip_bytes(sip *s, const void *p, size_t n)
{
    const uint8_t *at = p;
    uint64_t word;
    sip_word(s, n);
    for (; n >= sizeof word; n -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        sip_word(s, word);
    }
    if (n) {
        word = 0;
        memcpy(&word, at, n);
        sip_word(s, word);
    }
}

static uint64_t sip_end(sip *s)
{
    s->v[3] ^= s->n << 56;
    sip_round(s->v);
    s->v[0] ^= s->n << 56;
    s->v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(s->v);
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

/* ---- contents ---------------------------------------------------------------------------------
 */

typedef struct content {
    const void *bytes;
    size_t n;
    uint64_t len;  /* characters, bytes; 0 for numbers */
    uint64_t sort; /* what else makes it equal or not */
} content;

static bool content_of(PyObject *o, enum hl_leaf leaf, content *c)
{
    switch (leaf) {
    case HL_LEAF_STR: {
        const PyASCIIObject *a = (const PyASCIIObject *)o;
        c->bytes = hl_name_characters(o);
        c->len = (uint64_t)a->length;
        c->sort = a->state.kind;
        c->n = (size_t)a->length * a->state.kind;
        return c->bytes != NULL;
    }
    case HL_LEAF_BYTES:
        *c = (content){((PyBytesObject *)o)->ob_sval, (size_t)Py_SIZE(o), (uint64_t)Py_SIZE(o), 0};
        return true;
    case HL_LEAF_INT:
#if HL_PY_AT_LEAST(12)
        *c = (content){((PyLongObject *)o)->long_value.ob_digit, hl_abi_digits(o) * sizeof(digit),
                       0, ((PyLongObject *)o)->long_value.lv_tag & 3};
#else
        *c = (content){((PyLongObject *)o)->ob_digit, hl_abi_digits(o) * sizeof(digit), 0,
                       Py_SIZE(o) < 0};
#endif
        return true;
    case HL_LEAF_FLOAT:
        *c = (content){&((PyFloatObject *)o)->ob_fval, sizeof(double), 0, 0};
        return true;
    case HL_LEAF_COMPLEX:
        *c = (content){&((PyComplexObject *)o)->cval, sizeof(Py_complex), 0, 0};
        return true;
    case HL_LEAVES:
        break;
    }
    return false;
}

static uint64_t hash_whole(const hl_dups *d, const content *c)
{
    sip s = sip_begin(d->key);
    sip_word(&s, c->sort);
    sip_bytes(&s, c->bytes, c->n);
    return sip_end(&s);
}

static uint64_t hash_parts(const hl_dups *d, const content *c, unsigned kind)
{
    sip s = sip_begin(d->key);
    const char *at = c->bytes;
    sip_word(&s, c->n << 8 | c->sort << 4 | kind);
    sip_bytes(&s, at, PART_BYTES);
    sip_bytes(&s, at + c->n / 2, PART_BYTES);
    sip_bytes(&s, at + c->n - PART_BYTES, PART_BYTES);
    return sip_end(&s) | 1;
}

static uint64_t kinded(uint64_t hash, unsigned kind)
{
    return (hash & ~(uint64_t)KIND_BITS) | HASH_SET | kind;
}

/* ---- the table --------------------------------------------------------------------------------
 */

hl_dups *hl_dups_new(bool thorough)
{
    hl_dups *d = hl_pages_map(sizeof *d);
    if (!d)
        return NULL;
    d->table = hl_pages_map(ROOM_FIRST * sizeof *d->table);
    d->sides = hl_pages_map(SIDES * sizeof *d->sides);
    d->firsts = hl_pages_map(FIRSTS * sizeof *d->firsts);
    if (!d->table || !d->sides || !d->firsts ||
        syscall(SYS_getrandom, d->key, sizeof d->key, GRND_NONBLOCK) != sizeof d->key)
        return NULL;
    d->room = ROOM_FIRST;
    d->room_max = thorough ? HL_DUPS_ROOM_THOROUGH : HL_DUPS_ROOM;
    d->base = d->left = thorough ? HL_DUPS_LOOKS_THOROUGH : HL_DUPS_LOOKS;
    d->stride = 1;
    d->random = d->key[0] | 1;
    return d;
}

static entry *find(const hl_dups *d, uint64_t hash)
{
    size_t h = (size_t)(hash >> 4) & (d->room - 1);
    while (d->table[h].hash && d->table[h].hash != hash)
        h = (h + 1) & (d->room - 1);
    return &d->table[h];
}

/* Room for more: a larger table, or one without what was met fewest times. */
static bool make_room(hl_dups *d)
{
    size_t before = d->room, room = GROWS * before < d->room_max ? GROWS * before : d->room_max;
    entry *old = d->table;
    entry *table = room == before && d->spare ? d->spare : hl_pages_map(room * sizeof *table);
    if (!table)
        return false;
    if (table != d->spare) /* read first, each page would fault twice */
        memset(table, 0, room * sizeof *table);
    d->spare = NULL;
    uint32_t least = 0;
    if (room == before)
        for (size_t kept = d->used; kept > room / 2; least++) {
            kept = 0;
            for (size_t i = 0; i < before; i++)
                kept += old[i].hash && old[i].seen > least + 1;
        }
    d->table = table;
    d->room = room;
    d->used = 0;
    for (size_t i = 0; i < before; i++)
        if (old[i].hash && old[i].seen > least) {
            *find(d, old[i].hash) = old[i];
            d->used++;
        }
    if (room == before) { /* for the next time: pages touched anew are memory used */
        memset(old, 0, before * sizeof *old);
        d->spare = old;
    } else {
        hl_pages_unmap(old, before * sizeof *old);
    }
    return true;
}

static uint64_t draw(hl_dups *d)
{
    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    return d->random ^= d->random << 17;
}

/* Some of the holders, each copy's as likely as any other's. */
static void keep_holder(hl_dups *d, entry *e, holder at)
{
    if (e->at.label == SIDE_LABEL) {
        holder *side = d->sides[e->at.row];
        if (e->seen <= SIDE_HOLDERS)
            side[e->seen - 1] = at;
        else if (draw(d) % e->seen < SIDE_HOLDERS)
            side[draw(d) % SIDE_HOLDERS] = at;
    } else if (e->seen >= SIDE_FROM && d->n_sides < SIDES) {
        holder *side = d->sides[d->n_sides];
        for (unsigned i = 0; i + 1 < e->seen && i < SIDE_HOLDERS; i++)
            side[i] = e->at;
        side[e->seen <= SIDE_HOLDERS ? e->seen - 1 : 0] = at;
        e->at = (holder){d->n_sides++, SIDE_LABEL};
    } else if (draw(d) % e->seen == 0) {
        e->at = at;
    }
}

static void note(hl_dups *d, uint64_t hash, uint64_t len, uint64_t bytes, uint32_t weight,
                 holder at)
{
    if (d->used * 4 >= d->room * 3 && !make_room(d))
        return;
    entry *e = find(d, hash);
    if (!e->hash) {
        *e = (entry){.hash = hash,
                     .len = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX,
                     .bytes = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX,
                     .at = at};
        d->used++;
    }
    e->copies = e->copies > UINT32_MAX - weight ? UINT32_MAX : e->copies + weight;
    if (e->seen++)
        keep_holder(d, e, at);
}

/* Its place, a free one, or one to overwrite; two that alternate do not push each other out. */
static first *first_of(const hl_dups *d, uint64_t parts)
{
    size_t h = (size_t)(parts >> 4);
    for (size_t i = 0; i < FIRST_PROBES; i++) {
        first *f = &d->firsts[(h + i) & (FIRSTS - 1)];
        if (!f->parts || f->parts == parts)
            return f;
    }
    return &d->firsts[h & (FIRSTS - 1)];
}

/* A long content is read whole when another one has its length and its parts. */
static void look_at_long(hl_dups *d, PyObject *o, enum hl_leaf leaf, const content *c, size_t size,
                         uint32_t weight, holder at)
{
    uint64_t parts = hash_parts(d, c, leaf);
    first *f = first_of(d, parts);
    content other;
    if (f->parts != parts) {
        *f = (first){parts, o, at};
        return;
    }
    if (d->hashed + 2 * c->n > HASHED_MAX)
        return;
    if (f->o && content_of(f->o, leaf, &other)) {
        note(d, kinded(hash_whole(d, &other), leaf), other.len, size, weight, f->at);
        d->hashed += other.n;
    }
    f->o = NULL; /* noted */
    note(d, kinded(hash_whole(d, c), leaf), c->len, size, weight, at);
    d->hashed += c->n;
}

static void look_at(hl_dups *d, PyObject *o, enum hl_leaf leaf, size_t size, uint32_t weight,
                    holder at)
{
    content c;
    d->seen++;
    if (!content_of(o, leaf, &c))
        return;
    if (c.n > WHOLE_BYTES)
        look_at_long(d, o, leaf, &c, size, weight, at);
    else
        note(d, kinded(hash_whole(d, &c), leaf), c.len, size, weight, at);
}

/* How many leaves to pass over before the next look: stride - 1 on average. */
static uint32_t next_turn(hl_dups *d)
{
    if (!--d->left) {
        d->stride *= 2;
        d->left = d->base / 8;
    }
    return d->stride == 1 ? 1 : 1 + (uint32_t)(draw(d) % (2 * d->stride - 1));
}

uint32_t hl_dups_turn(hl_walk *w, PyObject *o, enum hl_leaf leaf, size_t size, uint32_t label)
{
    hl_dups *d = w->dups;
    if (!d)
        return UINT32_MAX;
    d->met += d->stride;
    if (size < BIG_BYTES)
        look_at(d, o, leaf, size, d->stride, (holder){w->row, label});
    return next_turn(d);
}

void hl_dups_big(hl_walk *w, PyObject *o, enum hl_leaf leaf, size_t size, uint32_t label)
{
    if (w->dups && size >= BIG_BYTES)
        look_at(w->dups, o, leaf, size, 1, (holder){w->row, label});
}

/* Items that are no leaves are equal where they are the same. */
void hl_dups_tuple(hl_walk *w, PyObject *o, uint32_t id, size_t size)
{
    hl_dups *d = w->dups;
    Py_ssize_t n = Py_SIZE(o);
    if (!d || --w->dup_turn)
        return;
    uint32_t weight = d->stride;
    w->dup_turn = next_turn(d);
    if (n < 1 || n > TUPLE_MAX)
        return;
    d->met += weight;
    d->seen++;
    sip s = sip_begin(d->key);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyTuple_GET_ITEM(o, i);
        int leaf = item ? hl_leaf_of(Py_TYPE(item)) : -1;
        content c;
        if (leaf < 0) {
            sip_word(&s, (uintptr_t)item);
        } else if (content_of(item, (enum hl_leaf)leaf, &c) && c.n <= WHOLE_BYTES) {
            sip_word(&s, (uint64_t)leaf << 8 | c.sort);
            sip_bytes(&s, c.bytes, c.n);
        } else {
            return;
        }
    }
    note(d, kinded(sip_end(&s), KIND_TUPLE), (uint64_t)n, size, weight, (holder){id, 0});
}

/* ---- what is said -----------------------------------------------------------------------------
 */

static uint64_t wasted(const entry *e)
{
    return e->seen > 1 ? (uint64_t)(e->copies - 1) * e->bytes : 0;
}

static void put_row(hl_walk *w, const entry *e)
{
    const hl_dups *d = w->dups;
    unsigned kind = (unsigned)(e->hash & KIND_BITS);
    const holder *at = &e->at;
    uint32_t n = 1;
    if (e->at.label == SIDE_LABEL) {
        at = d->sides[e->at.row];
        n = e->seen < SIDE_HOLDERS ? e->seen : SIDE_HOLDERS;
    }
    hl_snap_put(&w->out, HL_COL_DUP,
                kind == KIND_TUPLE ? hl_kind_of(w, &PyTuple_Type)->index : w->leaf_type[kind]);
    hl_snap_put(&w->out, HL_COL_DUP, e->len);
    hl_snap_put(&w->out, HL_COL_DUP, e->bytes);
    hl_snap_put(&w->out, HL_COL_DUP, e->copies);
    hl_snap_put(&w->out, HL_COL_DUP, e->seen);
    hl_snap_put(&w->out, HL_COL_DUP, n);
    for (uint32_t i = 0; i < n; i++) {
        hl_snap_put(&w->out, HL_COL_DUP, at[i].row);
        hl_snap_put(&w->out, HL_COL_DUP, at[i].label);
    }
}

void hl_dups_write(hl_walk *w)
{
    hl_dups *d = w->dups;
    const entry *best[ROWS];
    unsigned n = 0, least = 0;
    if (!d)
        return;
    for (size_t i = 0; i < d->room; i++) {
        const entry *e = &d->table[i];
        if (!e->hash || !wasted(e))
            continue;
        d->contents++;
        d->bytes += wasted(e);
        if (n < ROWS)
            best[n++] = e;
        else if (wasted(e) > wasted(best[least]))
            best[least] = e;
        else
            continue;
        if (n == ROWS)
            for (unsigned k = least = 0; k < n; k++)
                least = wasted(best[k]) < wasted(best[least]) ? k : least;
    }
    for (unsigned i = 0; i < n; i++)
        put_row(w, best[i]);
}

void hl_dups_totals(const hl_dups *d, hl_fields *end)
{
    if (!d)
        return;
    hl_field_uint(end, HL_SNAP_LEAVES, d->met);
    hl_field_uint(end, HL_SNAP_LEAVES_SEEN, d->seen);
    hl_field_uint(end, HL_SNAP_DUP_CONTENTS, d->contents);
    hl_field_uint(end, HL_SNAP_DUP_BYTES, d->bytes);
}
