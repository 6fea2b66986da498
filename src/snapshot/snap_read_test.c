/* snapshot/snap_read_test.c: random heaps, encoded here and read there, must be the same heaps.
 *
 * Room   snapshot; tests.
 * Oracle The arrays the columns were encoded from. The encoder below knows docs/format.md only and
 *        cuts columns into chunks at any byte, which the product's writer never does. */
#define _GNU_SOURCE
#include "snapshot/snap_column.h"
#include "snapshot/snapshot.h"

#include "rt/rt.h"
#include "snapshot/snap_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct column {
    uint8_t *bytes;
    size_t n, capacity;
    uint64_t last;
} column;

/* A snapshot to be written, and what it was made from. */
typedef struct forge {
    column col[HL_COL_COUNT];
    hl_fields meta, end;
    uint32_t n, n_pages, n_types, n_names, n_edges, n_dangling;
    uint64_t *keys;
    uint32_t *prov, *type, *refcnt, *off, *dst, *label;
    uint64_t *size, *ext, *cap;
    int32_t *len;
    uint8_t *flags, *node_flags;
} forge;

static void put(column *c, uint64_t v)
{
    if (c->capacity - c->n < HL_VARINT_MAX) {
        c->capacity = c->capacity * 2 + 64;
        c->bytes = realloc(c->bytes, c->capacity);
    }
    c->n = (size_t)(hl_varint_put(c->bytes + c->n, v) - c->bytes);
}

static void put_delta(column *c, uint64_t v)
{
    put(c, hl_zigzag((int64_t)(v - c->last)));
    c->last = v;
}

static void put_text(column *c, const char *s, size_t n)
{
    put(c, n);
    for (size_t i = 0; i < n; i++) {
        put(c, 0); /* makes room */
        c->bytes[c->n - 1] = (uint8_t)s[i];
    }
}

static void *array(size_t n, size_t size)
{
    return calloc(n + 1, size);
}

static void forge_free(forge *f)
{
    for (unsigned c = 0; c < HL_COL_COUNT; c++)
        free(f->col[c].bytes);
    void *all[] = {f->keys, f->prov, f->type, f->refcnt, f->off,   f->dst,       f->label,
                   f->size, f->ext,  f->cap,  f->len,    f->flags, f->node_flags};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static uint64_t number(unsigned bits)
{
    uint64_t v = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();
    return bits == 0 ? 0 : v >> (64 - (unsigned)rand() % bits - 1);
}

static void forge_ids(forge *f)
{
    for (uint32_t p = 0; p < f->n_pages; p++) {
        f->keys[p] = number(53);
        put_delta(&f->col[HL_COL_PAGE], f->keys[p]);
    }
    for (uint32_t v = 0; v < f->n; v++) { /* distinct, any order */
        f->prov[v] = v * f->n_pages * 256 / f->n;
        uint32_t other = (uint32_t)rand() % (v + 1), was = f->prov[other];
        f->prov[other] = f->prov[v];
        f->prov[v] = was;
    }
    for (uint32_t v = 0; v < f->n; v++)
        put_delta(&f->col[HL_COL_ID], f->prov[v]);
}

/* An id that no row has, or UINT32_MAX. */
static uint32_t dangling_id(const forge *f)
{
    uint32_t id = (uint32_t)rand() % (f->n_pages * 256 + 512);
    for (uint32_t v = 0; v < f->n; v++)
        if (f->prov[v] == id)
            return UINT32_MAX;
    return id;
}

static uint32_t random_label(const forge *f)
{
    enum hl_label_kind kind = (enum hl_label_kind)(rand() % 16);
    uint32_t value = (uint32_t)number(28);
    if (kind == HL_LABEL_VALUE)
        value %= f->n_types;
    else if ((kind >= HL_LABEL_NAMED && kind <= HL_LABEL_KEY) || kind == HL_LABEL_LOCAL)
        value %= f->n_names;
    return hl_label_make(kind, value);
}

/* Some of each are too large for a narrow row. */
static uint64_t fold_objects(uint32_t v)
{
    return v % 3 ? v : (uint64_t)v << 17;
}
static uint64_t fold_bytes(uint32_t v)
{
    return v % 5 ? v * 32 : (uint64_t)v << 33;
}

static void forge_row(forge *f, uint32_t v)
{
    unsigned flags = (unsigned)rand() & 255;
    f->flags[v] = (uint8_t)flags;
    f->type[v] = (uint32_t)rand() % f->n_types;
    f->size[v] = number(40);
    f->refcnt[v] = rand() % 4 ? (uint32_t)number(32) : 0;
    f->len[v] = HL_LEN_NONE;
    put(&f->col[HL_COL_FLAGS], flags);
    put(&f->col[HL_COL_TYPE], f->type[v]);
    put(&f->col[HL_COL_SIZE], f->size[v]);
    put(&f->col[HL_COL_REFCNT], f->refcnt[v]);
    if (flags & HL_ROW_LEN)
        put(&f->col[HL_COL_LEN], (uint64_t)(f->len[v] = (int32_t)number(31)));
    if (flags & HL_ROW_CAP)
        put(&f->col[HL_COL_CAP], f->cap[v] = number(60));
    if (flags & HL_ROW_EXT) {
        put(&f->col[HL_COL_EXT], f->ext[v] = number(40));
        f->size[v] += f->ext[v];
    }
    if (flags & HL_ROW_FOLDS) {
        put(&f->col[HL_COL_NFOLD], 2);
        for (unsigned k = 1; k < 3; k++) {
            put(&f->col[HL_COL_FOLD], (v + k) % f->n_types);
            put(&f->col[HL_COL_FOLD], fold_objects(v));
            put(&f->col[HL_COL_FOLD], fold_bytes(v));
        }
    }
}

static void forge_edges(forge *f, uint32_t v)
{
    f->off[v] = f->n_edges;
    if (!(f->flags[v] & HL_ROW_EDGES))
        return;
    uint32_t n = (uint32_t)rand() % 6, written = 0;
    for (uint32_t k = 0; k < n; k++, written++) {
        uint32_t label = random_label(f), id = rand() % 20 ? UINT32_MAX : dangling_id(f);
        if ((f->flags[v] & HL_ROW_OPAQUE) && hl_label_kind(label) == HL_LABEL_INTERNAL)
            label = hl_label_make(HL_LABEL_ELEMENT, 0); /* a guess may change: snap_guess.c */
        put(&f->col[HL_COL_LABEL], label);
        if (id != UINT32_MAX) {
            put_delta(&f->col[HL_COL_DST], id);
            f->n_dangling++;
            continue;
        }
        uint32_t to = (uint32_t)rand() % f->n;
        put_delta(&f->col[HL_COL_DST], f->prov[to]);
        f->dst[f->n_edges] = to;
        f->label[f->n_edges++] = label;
    }
    put(&f->col[HL_COL_NEDGE], written);
}

static void forge_members(forge *f)
{
    static const struct {
        enum hl_snap_column column;
        uint8_t flag;
    } lists[] = {{HL_COL_GEN0, HL_NODE_GEN0},
                 {HL_COL_GEN1, HL_NODE_GEN1},
                 {HL_COL_FROZEN, HL_NODE_FROZEN},
                 {HL_COL_STATIC, HL_NODE_STATIC}};
    for (unsigned i = 0; i < 4; i++)
        for (uint32_t v = f->n; v--;) {
            if (rand() % 3)
                continue;
            put_delta(&f->col[lists[i].column], f->prov[v]);
            f->node_flags[v] |= lists[i].flag;
        }
    for (uint32_t v = f->n; v--;) {
        put_delta(&f->col[HL_COL_NOBODY], f->prov[v]);
        put_delta(&f->col[HL_COL_HELD], f->prov[v]);
        for (unsigned k = 0; k < 3; k++) /* of a library: the first */
            put(&f->col[HL_COL_HELD], k ? (uint64_t)16 * k - 15 * (k == 1) : HL_HOLD_DATA);
    }
    for (uint32_t v = 0; v < f->n; v++)
        f->node_flags[v] |=
            (uint8_t)((f->flags[v] & HL_ROW_TRACKED ? HL_NODE_TRACKED : 0) |
                      (f->flags[v] & HL_ROW_OPAQUE ? HL_NODE_OPAQUE : 0) |
                      (f->flags[v] & (HL_ROW_CAP | HL_ROW_EXT) ? HL_NODE_EXTRA : 0) |
                      (f->refcnt[v] ? 0 : HL_NODE_IMMORTAL));
}

enum { STACKS = 30 };

/* Codes, uses and keys for every third node, last first; an entry without a row among them. */
static void forge_tables(forge *f)
{
    for (uint32_t v = f->n; v--;) {
        if (v % 3)
            continue;
        const uint64_t code[] = {f->prov[v], 1, 2, 3, v, 2, 1, 2, v % f->n_names, 1, 0};
        for (unsigned i = 0; i < sizeof code / sizeof code[0]; i++)
            put(&f->col[HL_COL_CODE], code[i]);
        const uint64_t keys[] = {f->prov[v], HL_KEYS_TUPLE, v};
        for (unsigned i = 0; i < 3; i++)
            put(&f->col[HL_COL_KEYS], keys[i]);
        const uint64_t uses[] = {f->prov[v], HL_SCOPE_FREE, 2, v,    f->prov[v], 99, 1, 1,
                                 f->prov[v], HL_SCOPE_CODE, 0, v % 2};
        for (unsigned i = 0; i < 12; i++)
            put(&f->col[HL_COL_USE], uses[i]);
        put(&f->col[HL_COL_OFF], f->prov[v]);
        put(&f->col[HL_COL_OFF], 4 + v % 2);
        put(&f->col[HL_COL_NUMBER], f->prov[v]);
        put(&f->col[HL_COL_NUMBER], 6 + v % 2);
        put(&f->col[HL_COL_NUMBER], v);
        const uint64_t root[] = {HL_ROOT_FRAME, (uint64_t)f->prov[v] + 1, 1, v, v + 7};
        for (unsigned i = 0; i < 5; i++)
            put(&f->col[HL_COL_ROOT], root[i]);
        put(&f->col[HL_COL_PROGRESS], v * 11);
        const uint64_t thread[] = {
            v, v * UINT64_C(4096), v, v % 2 ? f->prov[v] + UINT64_C(1) : 0, v % 20, 7};
        for (unsigned i = 0; i < 6; i++)
            put(&f->col[HL_COL_THREAD], thread[i]);
        const uint64_t dup[] = {v % f->n_types,
                                v,
                                57,
                                9 * v,
                                v,
                                3,
                                f->prov[v],
                                random_label(f),
                                f->n_pages * UINT64_C(256),
                                0,
                                f->prov[0],
                                0};
        for (unsigned i = 0; i < 12; i++)
            put(&f->col[HL_COL_DUP], dup[i]);
        const uint64_t expect[] = {v % 2 ? (uint64_t)f->prov[v] + 1 : 0, HL_EXPECT_BY_ADDRESS, 4,
                                   5};
        for (unsigned i = 0; i < 4; i++)
            put(&f->col[HL_COL_EXPECT], expect[i]);
    }
    for (uint32_t i = 0; i < STACKS; i++) {
        const uint64_t frame[] = {i % f->n_names, 2, i, i + 3}, stack[] = {i / 2, i + 1};
        for (unsigned k = 0; k < 4; k++)
            put(&f->col[HL_COL_FRAME], frame[k]);
        for (unsigned k = 0; k < 2; k++)
            put(&f->col[HL_COL_STACK], stack[k]);
    }
    for (uint32_t i = STACKS; i >= 1; i--) { /* last first */
        for (unsigned k = 0; k < 12; k++)
            put(&f->col[HL_COL_SITE], k ? i * k : i);
        for (unsigned k = 0; k < 4; k++)
            put(&f->col[HL_COL_AGE], k ? i * k : i);
    }
    for (uint32_t i = 1; i <= STACKS; i++) /* the second window of each, one that is not known */
        for (unsigned k = 0; k < 2; k++) {
            const uint64_t within[] = {!k && i > 1, k ? 1 + HL_WINDOWS : 2, i, 100 * i};
            for (unsigned n = 0; n < 4; n++)
                put(&f->col[HL_COL_WITHIN], within[n]);
        }
    for (uint32_t v = 0; v < f->n; v += v % 3 ? 2 : 1) /* 0 1 3 4 6 7 ... */
        for (unsigned leaves = 0; leaves <= v % 2; leaves++) {
            const uint64_t made[] = {leaves || !v ? 0
                                     : v % 3      ? 1
                                                  : 2,
                                     1 + v % STACKS, leaves, 1, v};
            for (unsigned k = 0; k < 5; k++)
                put(&f->col[HL_COL_MADE], made[k]);
        }
    for (uint32_t i = 1; i <= STACKS; i++) {
        const uint64_t module[] = {i % f->n_names, 3};
        const uint64_t native[] = {i / 2, i % 3, i % 3 ? 4096 * i : i};
        const uint64_t site[] = {STACKS + 1 - i, i, 100 * i, 116 * i}; /* last first */
        for (unsigned k = 0; k < 4; k++) {
            if (k < 2)
                put(&f->col[HL_COL_MODULE], module[k]);
            if (k < 3)
                put(&f->col[HL_COL_NATIVE], native[k]);
            put(&f->col[HL_COL_NATIVE_SITE], site[k]);
        }
    }
    for (uint32_t i = 1; i <= STACKS; i++) {
        const uint64_t lost[] = {STACKS + 1 - i, i % f->n_types, i, 10 * i};
        const uint64_t hold[] = {STACKS + 1 - i, i % 7, i % 3 ? 1 : 0, 16 * i, i, 10 * i};
        for (unsigned k = 0; k < 6; k++) {
            if (k < 4) {
                put(&f->col[HL_COL_LOST], lost[k]);
                put(&f->col[HL_COL_LOST_SITE], lost[k]);
            }
            put(&f->col[HL_COL_HOLD], hold[k]);
        }
    }
    const uint64_t stray[] = {f->n_pages * UINT64_C(256), 1, 2, 3, 4, 2, 1, 0, 0};
    for (unsigned i = 0; i < sizeof stray / sizeof stray[0]; i++)
        put(&f->col[HL_COL_CODE], stray[i]);
    for (unsigned i = 0; i < 5; i++)
        put(&f->col[HL_COL_ROOT], i ? 0 : HL_ROOT_THREAD);
}

static void forge_heap(forge *f, uint32_t n)
{
    *f = (forge){.n = n, .n_pages = n / 40 + 1, .n_types = 9, .n_names = 20};
    f->keys = array(f->n_pages, 8);
    f->prov = array(n, 4);
    f->type = array(n, 4);
    f->refcnt = array(n, 4);
    f->off = array(n + 1, 4);
    f->dst = array(6 * (size_t)n, 4);
    f->label = array(6 * (size_t)n, 4);
    f->size = array(n, 8);
    f->ext = array(n, 8);
    f->cap = array(n, 8);
    f->len = array(n, 4);
    f->flags = array(n, 1);
    f->node_flags = array(n, 1);
    for (uint32_t i = 1; i < f->n_names; i++) {
        char text[16];
        put_text(&f->col[HL_COL_NAME], text, (size_t)snprintf(text, sizeof text, "name%u", i));
    }
    forge_ids(f);
    for (uint32_t i = 0; i < f->n_types; i++) {
        put(&f->col[HL_COL_TYPES], i < n ? (uint64_t)f->prov[i] + 1 : 0);
        put(&f->col[HL_COL_TYPES], i + 1);
        put(&f->col[HL_COL_TYPES], i);
        put(&f->col[HL_COL_TYPES], i * 16);
    }
    for (uint32_t v = 0; v < n; v++) {
        forge_row(f, v);
        forge_edges(f, v);
    }
    f->off[n] = f->n_edges;
    forge_members(f);
    forge_tables(f);
    hl_field_uint(&f->meta, HL_SNAP_TIME, 5);
    hl_field_uint(&f->meta, HL_SNAP_ROUNDS, 12);
    hl_field_uint(&f->end, HL_SNAP_NODES, n);
    hl_field_uint(&f->end, HL_SNAP_EDGES, f->n_edges + f->n_dangling);
    hl_field_uint(&f->end, HL_SNAP_SKIPPED, 3);
}

/* Writes the forge as stream 1, columns in chunks of 1 .. largest bytes, mixed with chunks of a
 * later heaplens. */
static hl_run *forge_write(forge *f, size_t largest)
{
    char path[] = "/tmp/hl_forge_XXXXXX";
    hl_err err;
    hl_chunk_writer w;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(hl_container_create(path, true, 9, &fd, &err), HL_OK);
    assert_int_equal(hl_chunk_writer_init(&w, fd, 1, 1, &err), HL_OK);
    assert_int_equal(hl_chunk_write(&w, HL_KIND_SNAP_META, 0, f->meta.bytes, f->meta.n, &err),
                     HL_OK);
    size_t at[HL_COL_COUNT] = {0}, left = 0;
    for (unsigned c = 0; c < HL_COL_COUNT; c++)
        left += f->col[c].n;
    while (left) {
        unsigned c = (unsigned)rand() % HL_COL_COUNT;
        size_t n = (size_t)rand() % largest + 1, rest = f->col[c].n - at[c];
        n = n < rest ? n : rest;
        assert_int_equal(
            hl_chunk_write(&w, HL_KIND_SNAP_COLUMN, (uint8_t)c, f->col[c].bytes + at[c], n, &err),
            HL_OK);
        at[c] += n;
        left -= n;
        if (rand() % 50 == 0) {
            assert_int_equal(hl_chunk_write(&w, HL_KIND_SNAP_COLUMN, 200, "later", 5, &err), HL_OK);
            assert_int_equal(hl_chunk_write(&w, 999, 0, "later", 5, &err), HL_OK);
        }
    }
    hl_field_text(&f->end, 900, "of a later heaplens");
    hl_field_uint(&f->end, 901, 1);
    hl_field_uint(&f->end, HL_SNAP_CHUNKS, w.seq + 1);
    assert_int_equal(hl_chunk_write(&w, HL_KIND_SNAP_END, 0, f->end.bytes, f->end.n, &err), HL_OK);
    hl_chunk_writer_deinit(&w);
    close(fd);
    hl_run *run = NULL;
    assert_int_equal(hl_run_open(path, &run, &err), HL_OK);
    unlink(path);
    return run;
}

static void same_rows(const forge *f, const hl_snap *s)
{
    uint32_t extras = 0;
    assert_int_equal(s->nodes, f->n);
    for (uint32_t v = 0; v < f->n; v++) {
        uint64_t key = f->keys[f->prov[v] >> 8];
        uint64_t address = (key >> 1) << 12 | (uint64_t)(f->prov[v] & 255) << 4 | (key & 1) << 3;
        assert_int_equal(hl_snap_address(s, v), address);
        assert_int_equal(s->type[v], f->type[v]);
        assert_int_equal(hl_snap_size(s, v), f->size[v]);
        assert_int_equal(hl_snap_refcnt(s, v), f->refcnt[v]);
        assert_int_equal(hl_snap_len(s, v), f->len[v]);
        assert_int_equal(s->flag[v], f->node_flags[v]);
        const hl_snap_extra *x = hl_snap_extra_of(s, v);
        assert_int_equal(x != NULL, (f->flags[v] & (HL_ROW_CAP | HL_ROW_EXT)) != 0);
        if (x) {
            extras++;
            assert_int_equal(x->cap, f->cap[v]);
            assert_int_equal(x->ext, f->ext[v]);
            assert_int_equal(x->bounded, (f->flags[v] & HL_ROW_BOUNDED) != 0);
        }
        uint32_t first;
        uint32_t n = hl_snap_folds_of(s, v, &first);
        assert_int_equal(n, f->flags[v] & HL_ROW_FOLDS ? 2 : 0);
        for (uint32_t k = 0; k < n; k++) {
            hl_snap_fold fold = hl_snap_fold_at(s, first + k);
            assert_int_equal(fold.node, v);
            assert_int_equal(fold.type, (v + k + 1) % f->n_types);
            assert_int_equal(fold.objects, fold_objects(v));
            assert_int_equal(fold.bytes, fold_bytes(v));
        }
    }
    assert_int_equal(extras, s->n_extra);
}

static void same_tables(const forge *f, const hl_snap *s)
{
    assert_int_equal(s->n_names, f->n_names);
    assert_string_equal(s->names[0], "");
    assert_string_equal(s->names[19], "name19");
    assert_int_equal(s->n_types, f->n_types);
    for (uint32_t i = 0; i < s->n_types; i++) {
        assert_int_equal(s->types[i].node, i < f->n ? i : HL_NO_NODE);
        assert_int_equal(s->types[i].name, i + 1);
        assert_int_equal(s->types[i].flags, i);
        assert_int_equal(s->types[i].basicsize, i * 16);
    }
    uint32_t every_third = (f->n + 2) / 3;
    assert_int_equal(s->n_codes, every_third);
    assert_int_equal(s->n_uses, every_third);
    assert_int_equal(s->n_keys, every_third);
    assert_int_equal(s->n_expects, every_third / 2);
    assert_int_equal(s->n_offs, every_third);
    assert_int_equal(s->n_numbers, every_third);
    assert_int_equal(s->n_roots, every_third);
    assert_int_equal(s->n_threads, every_third);
    assert_int_equal(s->n_dups, every_third);
    assert_int_equal(s->n_dup_holders, 2 * every_third);
    for (uint32_t i = 0; i < every_third; i++) {
        uint32_t v = s->codes[i].node;
        const hl_snap_code *c = hl_snap_code_of(s, v);
        assert_ptr_equal(c, &s->codes[i]);
        assert_int_equal(v, 3 * i);
        assert_int_equal(c->line, v);
        assert_int_equal(c->args, 2);
        assert_int_equal(c->kwonly, 1);
        assert_int_equal(c->n_vars, 2);
        assert_int_equal(s->name_lists[c->vars], v % f->n_names);
        assert_int_equal(s->name_lists[c->vars + 1], 1);
        assert_int_equal(c->n_free, 0);
        assert_int_equal(c->n_uses, 1);
        assert_int_equal(s->uses[c->uses].scope, HL_SCOPE_FREE);
        assert_int_equal(s->uses[c->uses].bits, v);
        assert_int_equal(c->never_ran, v % 2);
        assert_true(hl_snap_is_off(s, v, v % 2 ? "name5" : "name4"));
        assert_false(hl_snap_is_off(s, v, v % 2 ? "name4" : "name5"));
        assert_false(hl_snap_is_off(s, v + 1, "name4"));
        uint32_t at;
        assert_int_equal(hl_snap_numbers_of(s, v + 1, &at), 0);
        assert_int_equal(hl_snap_numbers_of(s, v, &at), 1);
        assert_int_equal(s->numbers[at].name, 6 + v % 2);
        assert_int_equal(s->numbers[at].digits, v);
        const hl_snap_keys *k = hl_snap_keys_of(s, v);
        assert_non_null(k);
        assert_int_equal(k->kind, HL_KEYS_TUPLE);
        assert_int_equal(k->detail, v);
        const hl_snap_root *r = &s->roots[every_third - 1 - i]; /* file order */
        assert_int_equal(r->node, v);
        assert_int_equal(r->kind, HL_ROOT_FRAME);
        assert_int_equal(r->thread, v);
        assert_int_equal(r->line, v + 7);
        assert_int_equal(r->progress, v * 11);
        const hl_snap_thread *t = &s->threads[every_third - 1 - i];
        assert_int_equal(t->index, v);
        assert_int_equal(t->ident, v * 4096);
        assert_int_equal(t->node, v % 2 ? v : HL_NO_NODE);
        assert_int_equal(t->name, v % 20);
        assert_int_equal(t->flags, HL_THREAD_DAEMON | HL_THREAD_MAIN | HL_THREAD_KNOWN);
        const hl_snap_dup *d = &s->dups[every_third - 1 - i];
        assert_int_equal(d->type, v % f->n_types);
        assert_int_equal(d->len, v);
        assert_int_equal(d->copies, 9 * v);
        assert_int_equal(d->n_holders, 2); /* the third has no row */
        assert_int_equal(s->dup_holders[d->holders].node, v);
        assert_int_equal(s->dup_holders[d->holders + 1].node, 0);
    }
    assert_int_equal(s->n_frames, STACKS + 1);
    assert_int_equal(s->n_stacks, STACKS + 1);
    assert_int_equal(s->n_sites, STACKS);
    assert_int_equal(s->n_ages, STACKS);
    for (uint32_t i = 1; i <= STACKS; i++) {
        assert_int_equal(s->frames[i].line, i + 2);
        assert_int_equal(s->stacks[i].frame, i);
        uint32_t back = (i - 1) / 2;
        assert_int_equal(s->stacks[i].caller, back ? i - back : 0);
        assert_int_equal(s->sites[i - 1].stack, i);
        assert_int_equal(s->sites[i - 1].live.bytes, 4 * i);
        assert_int_equal(s->sites[i - 1].error, 11 * i);
        assert_int_equal(s->ages[i - 1].stack, i);
        assert_int_equal(s->ages[i - 1].live.blocks, 2 * i);
    }
    for (uint32_t v = 0; v < f->n; v++) {
        uint32_t at, n = hl_snap_made_of(s, v, &at);
        assert_int_equal(n, v % 3 == 2 ? 0 : 1 + v % 2);
        for (uint32_t i = at; i < at + n; i++) {
            assert_int_equal(s->made[i].stack, 1 + v % STACKS);
            assert_int_equal(s->made[i].leaf, i - at);
            assert_int_equal(s->made[i].amount.bytes, v);
        }
    }
    assert_null(f->n > 1 ? hl_snap_code_of(s, 1) : NULL);
    assert_null(f->n > 1 ? hl_snap_keys_of(s, 1) : NULL);
}

static void random_heaps(void **state)
{
    srand(1);
    static const uint32_t sizes[] = {1, 2, 7, 100, 1000, 5000};
    static const size_t pieces[] = {1, 2, 13, 1000, 100000};
    for (unsigned round = 0; round < 40; round++) {
        forge f;
        hl_err err = {0};
        hl_snap *s = NULL;
        uint32_t n = sizes[round % 6];
        size_t largest = pieces[(round / 6 + 2) % 5];
        forge_heap(&f, n);
        hl_run *run = forge_write(&f, n > 100 && largest < 100 ? 1000 : largest);
        assert_int_equal(run->n_snaps, 1);
        if (hl_snap_load(run, 0, &s, &err))
            fail_msg("%s", err.text);
        same_rows(&f, s);
        same_tables(&f, s);
        assert_int_equal(s->edges, f.n_edges);
        assert_memory_equal(s->off, f.off, (f.n + 1) * sizeof *f.off);
        assert_memory_equal(s->dst, f.dst, f.n_edges * sizeof *f.dst);
        assert_memory_equal(s->label, f.label, f.n_edges * sizeof *f.label);
        assert_int_equal(s->info.skipped, 3 + f.n_dangling + 2); /* a code and a root as well */
        for (unsigned k = 0; k < 10; k++) {
            hl_node v = (hl_node)rand() % f.n;
            hl_node found = hl_snap_find_address(s, hl_snap_address(s, v));
            assert_int_equal(hl_snap_address(s, found), hl_snap_address(s, v));
        }
        assert_int_equal(hl_snap_find_address(s, 1), HL_NO_NODE);
        hl_snap_destroy(s);
        hl_run_close(run);
        forge_free(&f);
    }
}

/* ---- lies -------------------------------------------------------------------------------------
 */

static hl_status load_forged(forge *f, size_t *mapped, hl_err *err)
{
    hl_run *run = forge_write(f, 100000);
    hl_snap *s = NULL;
    *err = (hl_err){0};
    assert_int_equal(run->n_snaps, 1);
    hl_status status = hl_snap_load(run, 0, &s, err);
    *mapped = status ? 0 : s->arena.bytes_peak;
    hl_snap_destroy(s);
    hl_run_close(run);
    forge_free(f);
    return status;
}

/* END names more than the columns hold: a sentence, not a request for memory. */
static void lying_totals(void **state)
{
    static const uint64_t lies[] = {0,       99,         101,        1000,      100000,
                                    1 << 30, UINT32_MAX, 1ull << 40, UINT64_MAX};
    srand(2);
    for (unsigned tag = HL_SNAP_NODES; tag <= HL_SNAP_EDGES; tag++)
        for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
            forge f;
            hl_err err;
            size_t mapped;
            forge_heap(&f, 100);
            hl_field_uint(&f.end, tag, lies[i]); /* the later one counts */
            assert_int_equal(load_forged(&f, &mapped, &err), HL_CORRUPT);
            assert_true(strlen(err.text) > 20);
        }
}

/* Any column cut short, prolonged, or with one value replaced by a huge one. */
static void lying_columns(void **state)
{
    srand(3);
    unsigned refused = 0;
    for (unsigned c = 0; c < HL_COL_COUNT; c++)
        /* numbers without a name are those of columns to come */
        for (unsigned way = 0; way < 30 && *hl_column_name((enum hl_snap_column)c) != '?'; way++) {
            forge f;
            hl_err err;
            size_t mapped;
            forge_heap(&f, 100);
            column *col = &f.col[c];
            assert_true(col->n > 0); /* a new column has to be forged too */
            if (way == 0) {
                col->n--;
            } else if (way == 1) {
                put(col, 0);
            } else if (way == 2) {
                col->n = 0;
            } else if (way == 3) {
                put(col, UINT64_MAX);
                memmove(col->bytes + HL_VARINT_MAX, col->bytes, col->n - HL_VARINT_MAX);
                hl_varint_put(col->bytes, UINT64_MAX);
            } else {
                col->bytes[(size_t)rand() % col->n] = (uint8_t)rand();
            }
            /* what loads has kept its promises: hl_snap_load checks them */
            refused += load_forged(&f, &mapped, &err) != HL_OK;
            assert_true(mapped < 4 << 20);
        }
    assert_true(refused > HL_COL_COUNT * 5);
}

static void missing_is_refused(void **state)
{
    forge f;
    hl_err err;
    size_t mapped;
    srand(4);
    forge_heap(&f, 50);
    f.end.n = 0; /* no totals at all */
    assert_int_equal(load_forged(&f, &mapped, &err), HL_CORRUPT);
    forge_heap(&f, 0);
    assert_int_equal(load_forged(&f, &mapped, &err), HL_OK); /* nothing is a heap too */
}

/* ---- names ------------------------------------------------------------------------------------
 */

static void foreign_names(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *shown;
    } cases[] = {
        {"plain", 5, "plain"},
        {"", 0, ""},
        {"nul\0cut", 7, "nul"},
        {"esc\x1b[2J", 7, "esc\x1b[2J"},
        {"\xe4\xb8\xad\xe6\x96\x87", 6, "\xe4\xb8\xad\xe6\x96\x87"},
        {"\xf0\x9f\x90\x8d", 4, "\xf0\x9f\x90\x8d"},
        {"\xff\xfe", 2, "??"},
        {"a\xc3", 2, "a?"},
        {"\xed\xa0\x80", 3, "???"}, /* a surrogate */
        {"\xc0\x80", 2, "??"},      /* too long a form */
        {"\xf4\x90\x80\x80", 4, "????"},
    };
    enum { N = sizeof cases / sizeof cases[0] };
    forge f;
    hl_err err = {0};
    srand(6);
    forge_heap(&f, 3);
    for (unsigned i = 0; i < N; i++)
        put_text(&f.col[HL_COL_NAME], cases[i].bytes, cases[i].n);
    hl_run *run = forge_write(&f, 3);
    hl_snap *s;
    assert_int_equal(hl_snap_load(run, 0, &s, &err), HL_OK);
    assert_int_equal(s->n_names, f.n_names + N);
    for (unsigned i = 0; i < N; i++)
        assert_string_equal(s->names[f.n_names + i], cases[i].shown);
    hl_snap_destroy(s);
    hl_run_close(run);
    forge_free(&f);
}

/* ---- the writer -------------------------------------------------------------------------------
 */

/* Millions of values through hl_snap_put, over many blocks, come back; a text too long is cut. */
static void product_writer(void **state)
{
    enum { N = 300000 };
    char path[] = "/tmp/hl_writer_XXXXXX", *text = malloc(HL_SNAP_BLOCK);
    hl_err err = {0};
    int fd = mkstemp(path);
    close(fd);
    assert_int_equal(hl_container_create(path, true, 1, &fd, &err), HL_OK);
    hl_snap_writer w;
    hl_fields meta = {.n = 0}, end = {.n = 0};
    assert_int_equal(hl_snap_writer_init(&w, fd, 3, 1, &err), HL_OK);
    hl_field_text(&meta, HL_SNAP_REASON, "growth");
    assert_int_equal(hl_snap_writer_meta(&w, &meta, &err), HL_OK);
    memset(text, 'x', HL_SNAP_BLOCK);
    hl_snap_put_text(&w, HL_COL_NAME, "T", 1);
    hl_snap_put_text(&w, HL_COL_NAME, text, HL_SNAP_BLOCK);
    for (unsigned i = 0; i < 4; i++)
        hl_snap_put(&w, HL_COL_TYPES, i == 1);
    for (uint32_t v = 0; v < N; v++) {
        if (v % 256 == 0)
            hl_snap_put_delta(&w, HL_COL_PAGE, v * 977);
        hl_snap_put_delta(&w, HL_COL_ID, v ^ 255);
        hl_snap_put(&w, HL_COL_FLAGS, HL_ROW_EDGES);
        hl_snap_put(&w, HL_COL_TYPE, 0);
        hl_snap_put(&w, HL_COL_SIZE, v * 100);
        hl_snap_put(&w, HL_COL_REFCNT, 1);
        hl_snap_put(&w, HL_COL_NEDGE, 1);
        hl_snap_put_delta(&w, HL_COL_DST, (uint64_t)v * 7919 % N / 256 * 256);
        hl_snap_put(&w, HL_COL_LABEL, hl_label_make(HL_LABEL_INTERNAL, v));
    }
    hl_field_uint(&end, HL_SNAP_NODES, N);
    hl_field_uint(&end, HL_SNAP_EDGES, N);
    assert_int_equal(hl_snap_writer_end(&w, &end, &err), HL_OK);
    hl_snap_writer_deinit(&w);
    close(fd);
    hl_run *run;
    hl_snap *s;
    assert_int_equal(hl_run_open(path, &run, &err), HL_OK);
    if (hl_snap_load(run, 0, &s, &err))
        fail_msg("%s", err.text);
    assert_int_equal(strlen(s->names[2]), HL_SNAP_BLOCK / 2);
    assert_string_equal(s->info.reason, "growth");
    assert_int_equal(s->info.stream, 3);
    /* the ids of the last page that no row has lead nowhere */
    assert_int_equal(s->edges + s->info.skipped, N);
    for (uint32_t v = 0; v < N; v++) {
        assert_int_equal(hl_snap_size(s, v), v * 100);
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
            assert_int_equal(s->prov[s->dst[e]], (uint64_t)v * 7919 % N / 256 * 256);
            assert_int_equal(hl_label_value(s->label[e]), v);
        }
    }
    hl_snap_destroy(s);
    hl_run_close(run);
    unlink(path);
    free(text);
}

/* The first failure stays, later puts do no harm, and END says it. */
static void writer_on_full_disk(void **state)
{
    hl_err err = {0};
    hl_snap_writer w;
    hl_fields f = {.n = 0};
    FILE *full = fopen("/dev/full", "w");
    assert_int_equal(hl_snap_writer_init(&w, fileno(full), 1, 1, &err), HL_OK);
    for (unsigned i = 0; i < 3 * HL_SNAP_BLOCK; i++)
        hl_snap_put(&w, HL_COL_SIZE, i);
    assert_int_equal(w.err.status, HL_NO_SPACE);
    assert_int_equal(hl_snap_writer_meta(&w, &f, &err), HL_NO_SPACE);
    err = (hl_err){0};
    assert_int_equal(hl_snap_writer_end(&w, &f, &err), HL_NO_SPACE);
    assert_non_null(strstr(err.text, "disk full"));
    hl_snap_writer_deinit(&w);
    fclose(full);
}

static void long_fields(void **state)
{
    char *text = malloc(10000);
    memset(text, 'a', 9999);
    text[9999] = 0;
    hl_fields f = {.n = 0};
    for (unsigned i = 0; i < 5; i++)
        hl_field_text(&f, HL_RUN_PROGRAM, text);
    size_t before = f.n;
    hl_field_uint(&f, HL_RUN_PID, 7);
    assert_true(f.n > before && f.n <= sizeof f.bytes);
    for (unsigned i = 0; i < 1000; i++)
        hl_field_uint(&f, HL_RUN_PID, UINT64_MAX);
    assert_true(f.n <= sizeof f.bytes);
    /* cut between characters */
    for (unsigned i = 0; i + 3 < 9999; i += 3)
        memcpy(text + i, "\xe4\xb8\xad", 3);
    for (unsigned shift = 0; shift < 3; shift++) {
        f.n = 0;
        hl_field_text(&f, HL_RUN_PROGRAM, text + 3 * shift);
        assert_int_equal((f.n - 3) % 3, 0);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_heaps),        cmocka_unit_test(lying_totals),
        cmocka_unit_test(lying_columns),       cmocka_unit_test(missing_is_refused),
        cmocka_unit_test(foreign_names),       cmocka_unit_test(product_writer),
        cmocka_unit_test(writer_on_full_disk), cmocka_unit_test(long_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
