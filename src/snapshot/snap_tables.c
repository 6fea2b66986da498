/* snapshot/snap_tables.c: the tables beside the rows: names, types, code, uses, roots, keys.
 *
 * Room   snapshot; analyser process.
 * Takes  a loader whose ids are known.   Gives  sorted tables in the snapshot's arena.
 * Entries about an object that has no row are left out and counted as skipped: the walker may
 * have failed to read it. Entries of a kind this heaplens does not know are left out too. */
#define _GNU_SOURCE
#include "snapshot/snap_load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static hl_status corrupt(hl_snap_loader *l, enum hl_snap_column c, const char *what, uint64_t at)
{
    return hl_err_set(l->err, HL_CORRUPT, "column %s: %s (%" PRIu64 ")", hl_column_name(c), what,
                      at);
}

/* An array for the entries of column c, each of which takes at least `bytes` bytes. */
static void *table(hl_snap_loader *l, enum hl_snap_column c, unsigned bytes, size_t size)
{
    if (l->raw[c] / bytes > UINT32_MAX) {
        (void)!corrupt(l, c, "too many entries", l->raw[c]);
        return NULL;
    }
    return hl_loader_array(l, l->raw[c] / bytes, size);
}

/* Takes a number that must be below limit; 0 and *bad otherwise. */
static uint32_t take_below(hl_column_reader *r, uint32_t limit, bool *bad)
{
    uint64_t v = hl_column_take(r);
    if (v < limit)
        return (uint32_t)v;
    *bad = true;
    return 0;
}

/* Takes "id + 1, 0 for none". */
static hl_node take_link(hl_snap_loader *l, hl_column_reader *r)
{
    uint64_t id = hl_column_take(r);
    return id ? hl_loader_row(l, id - 1) : HL_NO_NODE;
}

hl_status hl_loader_names(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    /* a length's varint makes room for the NUL; one byte more for name 0 */
    char *text = hl_loader_array(l, l->raw[HL_COL_NAME] + 1, 1), *at = text + 1;
    if (!text)
        return l->err->status;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_NAME, 0, &r);
    uint64_t left = l->raw[HL_COL_NAME];
    uint32_t n = 1;
    while (!hl_column_done(&r)) {
        uint64_t size = hl_column_take(&r);
        if (size >= left || n == UINT32_MAX >> 4)
            return corrupt(l, HL_COL_NAME, "a name longer than the column", n);
        if (!hl_column_take_bytes(&r, at, (size_t)size))
            break;
        left -= size + 1;
        size_t shown = strnlen(at, (size_t)size);
        hl_snap_text_mend(at, shown);
        at[shown] = 0;
        at += shown + 1;
        n++;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    s->names = hl_loader_array(l, n, sizeof *s->names);
    if (!s->names)
        return l->err->status;
    for (at = text; s->n_names < n; at += strlen(at) + 1)
        s->names[s->n_names++] = at;
    return HL_OK;
}

hl_status hl_loader_types(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->types = table(l, HL_COL_TYPES, 4, sizeof *s->types);
    if (!s->types)
        return l->err->status;
    bool bad = false;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_TYPES, 0, &r);
    while (!hl_column_done(&r) && s->n_types < l->raw[HL_COL_TYPES] / 4) {
        hl_snap_type *t = &s->types[s->n_types++];
        t->node = take_link(l, &r);
        t->name = take_below(&r, s->n_names, &bad);
        t->flags = hl_column_take32(&r, 0);
        t->basicsize = hl_column_take32(&r, UINT32_MAX);
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return bad ? corrupt(l, HL_COL_TYPES, "a name that is not in the table", s->n_types) : HL_OK;
}

/* A counted list of names into name_lists; its place into *first and *n. */
static bool take_names(hl_snap_loader *l, hl_column_reader *r, uint32_t *first, uint32_t *n,
                       bool *bad)
{
    hl_snap *s = l->s;
    uint64_t count = hl_column_take(r);
    if (count > l->raw[HL_COL_CODE] - s->n_name_lists)
        return false;
    *first = s->n_name_lists;
    *n = (uint32_t)count;
    for (uint32_t i = 0; i < *n; i++)
        s->name_lists[s->n_name_lists++] = take_below(r, s->n_names, bad);
    return true;
}

static int code_by_node(const void *a, const void *b)
{
    hl_node x = ((const hl_snap_code *)a)->node, y = ((const hl_snap_code *)b)->node;
    return (x > y) - (x < y);
}

static hl_status load_codes(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    enum { CODE_BYTES_MIN = 9 };
    s->codes = table(l, HL_COL_CODE, CODE_BYTES_MIN, sizeof *s->codes);
    s->name_lists = s->codes ? table(l, HL_COL_CODE, 1, sizeof *s->name_lists) : NULL;
    if (!s->name_lists)
        return l->err->status;
    uint32_t most = (uint32_t)(l->raw[HL_COL_CODE] / CODE_BYTES_MIN);
    bool bad = false;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_CODE, 0, &r);
    while (!hl_column_done(&r) && s->n_codes < most) {
        hl_snap_code c = {.node = hl_loader_row(l, hl_column_take(&r))};
        c.name = take_below(&r, s->n_names, &bad);
        c.qualname = take_below(&r, s->n_names, &bad);
        c.file = take_below(&r, s->n_names, &bad);
        c.line = hl_column_take32(&r, 0);
        c.args = hl_column_take32(&r, 0);
        c.kwonly = hl_column_take32(&r, 0);
        if (!take_names(l, &r, &c.vars, &c.n_vars, &bad) ||
            !take_names(l, &r, &c.free, &c.n_free, &bad))
            return corrupt(l, HL_COL_CODE, "more names than the column has", s->n_codes);
        if (c.node == HL_NO_NODE)
            s->info.skipped++;
        else
            s->codes[s->n_codes++] = c;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (bad)
        return corrupt(l, HL_COL_CODE, "a name that is not in the table", s->n_codes);
    qsort(s->codes, s->n_codes, sizeof *s->codes, code_by_node);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->n_codes; i++)
        if (!kept || s->codes[kept - 1].node != s->codes[i].node)
            s->codes[kept++] = s->codes[i];
    s->n_codes = kept;
    return HL_OK;
}

static int use_by_code(const void *a, const void *b)
{
    const hl_snap_use *x = a, *y = b;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

/* The loader's own, to write to. */
static hl_snap_code *own_code(hl_snap *s, hl_node node)
{
    const hl_snap_code *code = node == HL_NO_NODE ? NULL : hl_snap_code_of(s, node);
    return code ? &s->codes[code - s->codes] : NULL;
}

static hl_status load_uses(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->uses = table(l, HL_COL_USE, 4, sizeof *s->uses);
    if (!s->uses)
        return l->err->status;
    bool bad = false, sorted = true;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_USE, 0, &r);
    hl_snap_code *code = NULL; /* uses of one code come together */
    while (!hl_column_done(&r) && s->n_uses < l->raw[HL_COL_USE] / 4) {
        hl_node node = hl_loader_row(l, hl_column_take(&r));
        uint64_t scope = hl_column_take(&r);
        hl_snap_use u = {.name = take_below(&r, s->n_names, &bad)};
        u.bits = hl_column_take32(&r, 0);
        if (!code || code->node != node)
            code = own_code(s, node);
        if (code && scope == HL_SCOPE_CODE)
            code->never_ran = (u.bits & HL_CODE_NEVER_RAN) != 0;
        if (!code || scope < HL_SCOPE_GLOBAL || scope > HL_SCOPE_LOCAL)
            continue;
        u.code = (uint32_t)(code - s->codes);
        u.scope = (enum hl_use_scope)scope;
        sorted &= !s->n_uses || use_by_code(&s->uses[s->n_uses - 1], &u) <= 0;
        s->uses[s->n_uses++] = u;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (bad)
        return corrupt(l, HL_COL_USE, "a name that is not in the table", s->n_uses);
    if (!sorted)
        qsort(s->uses, s->n_uses, sizeof *s->uses, use_by_code);
    for (uint32_t i = 0; i < s->n_uses; i++) {
        hl_snap_code *c = &s->codes[s->uses[i].code];
        if (!c->n_uses++)
            c->uses = i;
    }
    return HL_OK;
}

/* A thread's frames stand together, innermost first. */
static void number_frames(hl_snap_root *roots, uint32_t n)
{
    for (uint32_t i = n; i-- > 0;) {
        const hl_snap_root *caller = i + 1 < n ? &roots[i + 1] : NULL;
        if (roots[i].kind == HL_ROOT_FRAME && caller && caller->kind == HL_ROOT_FRAME &&
            caller->thread == roots[i].thread)
            roots[i].depth = caller->depth + 1;
    }
}

static hl_status load_roots(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->roots = table(l, HL_COL_ROOT, 5, sizeof *s->roots);
    if (!s->roots)
        return l->err->status;
    bool bad = false;
    hl_column_reader r, progress;
    hl_loader_column(l, HL_COL_ROOT, 0, &r);
    hl_loader_column(l, HL_COL_PROGRESS, 1, &progress);
    while (!hl_column_done(&r) && s->n_roots < l->raw[HL_COL_ROOT] / 5) {
        uint64_t kind = hl_column_take(&r);
        hl_snap_root root = {.node = take_link(l, &r)};
        root.name = take_below(&r, s->n_names, &bad);
        root.thread = hl_column_take32(&r, 0);
        root.line = hl_column_take32(&r, 0);
        if (kind == HL_ROOT_FRAME && !hl_column_done(&progress))
            root.progress = hl_column_take32(&progress, 0);
        if (root.node == HL_NO_NODE)
            s->info.skipped++;
        if (root.node == HL_NO_NODE || kind < HL_ROOT_MODULE || kind > HL_ROOT_GARBAGE)
            continue;
        root.kind = (enum hl_root_kind)kind;
        s->roots[s->n_roots++] = root;
    }
    number_frames(s->roots, s->n_roots);
    if (hl_column_end(&r, l->err) || hl_column_end(&progress, l->err))
        return l->err->status;
    return bad ? corrupt(l, HL_COL_ROOT, "a name that is not in the table", s->n_roots) : HL_OK;
}

static int keys_by_node(const void *a, const void *b)
{
    hl_node x = ((const hl_snap_keys *)a)->node, y = ((const hl_snap_keys *)b)->node;
    return (x > y) - (x < y);
}

static hl_status load_keys(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->keys = table(l, HL_COL_KEYS, 3, sizeof *s->keys);
    if (!s->keys)
        return l->err->status;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_KEYS, 0, &r);
    uint32_t n = 0;
    while (!hl_column_done(&r) && n < l->raw[HL_COL_KEYS] / 3) {
        hl_snap_keys k = {.node = hl_loader_row(l, hl_column_take(&r))};
        uint64_t kind = hl_column_take(&r);
        k.detail = hl_column_take32(&r, UINT32_MAX);
        if (kind == HL_KEYS_OBJECT && k.detail >= s->n_types)
            kind = HL_KEYS_MIXED;
        if (kind > HL_KEYS_OBJECT)
            kind = HL_KEYS_MIXED; /* a kind of a later heaplens */
        k.kind = (enum hl_keys_kind)kind;
        if (k.node != HL_NO_NODE)
            s->keys[n++] = k;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    qsort(s->keys, n, sizeof *s->keys, keys_by_node);
    for (uint32_t i = 0; i < n; i++)
        if (!s->n_keys || s->keys[s->n_keys - 1].node != s->keys[i].node)
            s->keys[s->n_keys++] = s->keys[i];
    return HL_OK;
}

/* Objects that are gone have a row too; it says nothing here. */
static hl_status load_expects(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->expects = table(l, HL_COL_EXPECT, 4, sizeof *s->expects);
    if (!s->expects)
        return l->err->status;
    bool bad = false;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_EXPECT, 0, &r);
    uint32_t rows = 0;
    while (!hl_column_done(&r) && rows++ < l->raw[HL_COL_EXPECT] / 4) {
        hl_snap_expect x = {.node = take_link(l, &r)};
        x.by_address = hl_column_take(&r) & HL_EXPECT_BY_ADDRESS;
        x.reason = take_below(&r, s->n_names, &bad);
        x.type = take_below(&r, s->n_names, &bad);
        if (x.node != HL_NO_NODE)
            s->expects[s->n_expects++] = x;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return bad ? corrupt(l, HL_COL_EXPECT, "a name that is not in the table", s->n_expects) : HL_OK;
}

static int off_by_node(const void *a, const void *b)
{
    const hl_snap_off *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

static hl_status load_offs(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->offs = table(l, HL_COL_OFF, 2, sizeof *s->offs);
    if (!s->offs)
        return l->err->status;
    bool bad = false;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_OFF, 0, &r);
    uint32_t rows = 0;
    while (!hl_column_done(&r) && rows++ < l->raw[HL_COL_OFF] / 2) {
        hl_snap_off x = {.node = hl_loader_row(l, hl_column_take(&r))};
        x.name = take_below(&r, s->n_names, &bad);
        if (x.node != HL_NO_NODE)
            s->offs[s->n_offs++] = x;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (s->n_offs)
        qsort(s->offs, s->n_offs, sizeof *s->offs, off_by_node);
    return bad ? corrupt(l, HL_COL_OFF, "a name that is not in the table", s->n_offs) : HL_OK;
}

static int number_by_node(const void *a, const void *b)
{
    const hl_snap_number *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

static hl_status load_numbers(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->numbers = table(l, HL_COL_NUMBER, 3, sizeof *s->numbers);
    if (!s->numbers)
        return l->err->status;
    bool bad = false;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_NUMBER, 0, &r);
    uint32_t rows = 0;
    while (!hl_column_done(&r) && rows++ < l->raw[HL_COL_NUMBER] / 3) {
        hl_snap_number x = {.node = hl_loader_row(l, hl_column_take(&r))};
        x.name = take_below(&r, s->n_names, &bad);
        x.digits = hl_column_take32(&r, 0);
        if (x.node != HL_NO_NODE)
            s->numbers[s->n_numbers++] = x;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (s->n_numbers)
        qsort(s->numbers, s->n_numbers, sizeof *s->numbers, number_by_node);
    return bad ? corrupt(l, HL_COL_NUMBER, "a name that is not in the table", s->n_numbers) : HL_OK;
}

uint32_t hl_snap_numbers_of(const hl_snap *s, hl_node v, uint32_t *first)
{
    uint32_t a = 0, z = s->n_numbers, n = 0;
    while (a < z) {
        uint32_t mid = a + (z - a) / 2;
        if (s->numbers[mid].node < v)
            a = mid + 1;
        else
            z = mid;
    }
    while (a + n < s->n_numbers && s->numbers[a + n].node == v)
        n++;
    *first = a;
    return n;
}

bool hl_snap_is_off(const hl_snap *s, hl_node v, const char *name)
{
    uint32_t a = 0, z = s->n_offs;
    while (a < z) {
        uint32_t mid = a + (z - a) / 2;
        if (s->offs[mid].node < v)
            a = mid + 1;
        else
            z = mid;
    }
    for (; a < s->n_offs && s->offs[a].node == v; a++)
        if (!strcmp(s->names[s->offs[a].name], name))
            return true;
    return false;
}

hl_status hl_loader_tables(hl_snap_loader *l)
{
    if (load_codes(l) || load_uses(l) || load_roots(l) || load_keys(l) || load_expects(l) ||
        load_offs(l) || load_numbers(l))
        return l->err->status;
    return HL_OK;
}
