/* snapshot/snap_dsl_write.c: a drawn heap goes through the real writer, as a walker would send it.
 *
 * Room   snapshot; tests only. */
#define _GNU_SOURCE
#include "snapshot/snap_dsl_model.h"

#include <stdlib.h>
#include <string.h>

/* Page keys seen, in order of discovery, with a hash index. */
typedef struct page_table {
    uint64_t *keys;
    uint32_t *slots; /* 0 free, else index + 1 */
    uint32_t n, mask;
} page_table;

static uint32_t page_of(page_table *t, uint64_t key)
{
    uint32_t at = (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & t->mask;
    while (t->slots[at] && t->keys[t->slots[at] - 1] != key)
        at = (at + 1) & t->mask;
    if (!t->slots[at]) {
        t->keys[t->n++] = key;
        t->slots[at] = t->n;
    }
    return t->slots[at] - 1;
}

static hl_status number_nodes(dsl_heap *h, hl_snap_writer *w, hl_err *err)
{
    uint32_t size = 64;
    while (size < 2 * h->nodes.n)
        size *= 2;
    page_table t = {
        .keys = calloc(h->nodes.n + 1, sizeof *t.keys),
        .slots = calloc(size, sizeof *t.slots),
        .mask = size - 1,
    };
    if (!t.keys || !t.slots) {
        free(t.keys);
        free(t.slots);
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %zu nodes", h->nodes.n);
    }
    for (size_t i = 0; i < h->nodes.n; i++) {
        dsl_node *x = DSL_AT(h->nodes, dsl_node, i);
        uint64_t key = (x->address >> 12) << 1 | (x->address >> 3 & 1);
        x->prov = page_of(&t, key) << 8 | (uint32_t)(x->address >> 4 & 255);
    }
    for (uint32_t i = 0; i < t.n; i++)
        hl_snap_put_delta(w, HL_COL_PAGE, t.keys[i]);
    free(t.keys);
    free(t.slots);
    return HL_OK;
}

static uint64_t refcount(const dsl_node *x)
{
    int64_t n = x->in_edges;
    switch (x->ref_is) {
    case DSL_REF_IMMORTAL:
        return 0;
    case DSL_REF_EXACT:
        n = x->ref;
        break;
    case DSL_REF_RELATIVE:
        n += x->ref;
        break;
    case DSL_REF_COUNTED:
        break;
    }
    return n < 1 ? 1 : (uint64_t)n;
}

static void put_row(dsl_heap *h, hl_snap_writer *w, const dsl_node *x, uint32_t degree)
{
    uint32_t flags = x->row_flags | (degree ? HL_ROW_EDGES : 0) | (x->folds.n ? HL_ROW_FOLDS : 0);
    hl_snap_put_delta(w, HL_COL_ID, x->prov);
    hl_snap_put(w, HL_COL_FLAGS, flags);
    hl_snap_put(w, HL_COL_TYPE, x->type);
    hl_snap_put(w, HL_COL_SIZE, x->size);
    hl_snap_put(w, HL_COL_REFCNT, refcount(x));
    if (degree)
        hl_snap_put(w, HL_COL_NEDGE, degree);
    if (x->folds.n)
        hl_snap_put(w, HL_COL_NFOLD, x->folds.n);
    if (flags & HL_ROW_LEN)
        hl_snap_put(w, HL_COL_LEN, x->len);
    if (flags & HL_ROW_CAP)
        hl_snap_put(w, HL_COL_CAP, x->cap);
    if (flags & HL_ROW_EXT)
        hl_snap_put(w, HL_COL_EXT, x->ext);
    for (size_t i = 0; i < x->folds.n; i++) {
        const dsl_fold *f = DSL_AT(x->folds, dsl_fold, i);
        hl_snap_put(w, HL_COL_FOLD, f->type);
        hl_snap_put(w, HL_COL_FOLD, f->objects);
        hl_snap_put(w, HL_COL_FOLD, f->bytes);
        h->folded += f->objects;
    }
    static const struct {
        enum hl_node_flag flag;
        enum hl_snap_column column;
    } members[] = {{HL_NODE_GEN0, HL_COL_GEN0},
                   {HL_NODE_GEN1, HL_COL_GEN1},
                   {HL_NODE_FROZEN, HL_COL_FROZEN},
                   {HL_NODE_STATIC, HL_COL_STATIC}};
    for (unsigned i = 0; i < 4; i++)
        if (x->node_flags & members[i].flag)
            hl_snap_put_delta(w, members[i].column, x->prov);
    if (x->number) {
        hl_snap_put(w, HL_COL_NUMBER, x->prov);
        hl_snap_put(w, HL_COL_NUMBER, x->number);
        hl_snap_put(w, HL_COL_NUMBER, x->digits);
    }
    if (x->has_keys) {
        hl_snap_put(w, HL_COL_KEYS, x->prov);
        hl_snap_put(w, HL_COL_KEYS, x->keys_kind);
        hl_snap_put(w, HL_COL_KEYS, x->keys_detail);
    }
}

/* Rows in order of mention, each with its edges in order of mention. */
static hl_status put_rows(dsl_heap *h, hl_snap_writer *w, hl_err *err)
{
    size_t n = h->nodes.n;
    uint32_t *at = calloc(n + 2, sizeof *at), *sorted = calloc(h->edges.n + 1, sizeof *sorted);
    if (!at || !sorted) {
        free(at);
        free(sorted);
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %zu edges", h->edges.n);
    }
    for (size_t e = 0; e < h->edges.n; e++)
        at[DSL_AT(h->edges, dsl_edge, e)->src + 2]++;
    for (size_t v = 0; v < n; v++)
        at[v + 2] += at[v + 1];
    for (size_t e = 0; e < h->edges.n; e++)
        sorted[at[DSL_AT(h->edges, dsl_edge, e)->src + 1]++] = (uint32_t)e;
    for (size_t v = 0; v < n; v++) {
        put_row(h, w, DSL_AT(h->nodes, dsl_node, v), at[v + 1] - at[v]);
        for (uint32_t i = at[v]; i < at[v + 1]; i++) {
            const dsl_edge *e = DSL_AT(h->edges, dsl_edge, sorted[i]);
            hl_snap_put_delta(w, HL_COL_DST, DSL_AT(h->nodes, dsl_node, e->dst)->prov);
            hl_snap_put(w, HL_COL_LABEL, e->label);
        }
    }
    free(at);
    free(sorted);
    return HL_OK;
}

static uint64_t link_of(const dsl_heap *h, uint32_t node)
{
    return node == HL_NO_NODE ? 0 : (uint64_t)DSL_AT(h->nodes, dsl_node, node)->prov + 1;
}

static void put_list(hl_snap_writer *w, const dsl_vec *names)
{
    hl_snap_put(w, HL_COL_CODE, names->n);
    for (size_t i = 0; i < names->n; i++)
        hl_snap_put(w, HL_COL_CODE, *DSL_AT(*names, hl_name, i));
}

static void put_tables(const dsl_heap *h, hl_snap_writer *w)
{
    for (size_t i = 0; i < h->names.n; i++) {
        const char *s = *DSL_AT(h->names, char *, i);
        hl_snap_put_text(w, HL_COL_NAME, s, strlen(s));
    }
    for (size_t i = 0; i < h->types.n; i++) {
        const dsl_type *t = DSL_AT(h->types, dsl_type, i);
        hl_snap_put(w, HL_COL_TYPES, link_of(h, t->node));
        hl_snap_put(w, HL_COL_TYPES, t->name);
        hl_snap_put(w, HL_COL_TYPES, t->flags);
        hl_snap_put(w, HL_COL_TYPES, t->basicsize);
    }
    for (size_t i = 0; i < h->codes.n; i++) {
        const dsl_code *c = DSL_AT(h->codes, dsl_code, i);
        uint32_t id = DSL_AT(h->nodes, dsl_node, c->node)->prov;
        const uint64_t values[] = {id, c->name, c->qualname, c->file, c->line, c->args, c->kwonly};
        for (unsigned k = 0; k < sizeof values / sizeof values[0]; k++)
            hl_snap_put(w, HL_COL_CODE, values[k]);
        put_list(w, &c->vars);
        put_list(w, &c->free);
        for (size_t k = 0; k < c->uses.n; k++) {
            const dsl_use *u = DSL_AT(c->uses, dsl_use, k);
            hl_snap_put(w, HL_COL_USE, id);
            hl_snap_put(w, HL_COL_USE, u->scope);
            hl_snap_put(w, HL_COL_USE, u->name);
            hl_snap_put(w, HL_COL_USE, u->bits);
        }
    }
    for (size_t i = 0; i < h->roots.n; i++) {
        const dsl_root *r = DSL_AT(h->roots, dsl_root, i);
        const uint64_t values[] = {r->kind, link_of(h, r->node), r->name, r->thread, r->line};
        for (unsigned k = 0; k < sizeof values / sizeof values[0]; k++)
            hl_snap_put(w, HL_COL_ROOT, values[k]);
        if (r->kind == HL_ROOT_FRAME)
            hl_snap_put(w, HL_COL_PROGRESS, r->progress);
    }
}

hl_status dsl_write_heap(dsl_heap *h, int fd, uint32_t stream, hl_err *err)
{
    hl_snap_writer w;
    if (hl_snap_writer_init(&w, fd, stream, 1, err))
        return err->status;
    if (!hl_snap_writer_meta(&w, &h->meta, err) && !number_nodes(h, &w, err) &&
        !put_rows(h, &w, err)) {
        put_tables(h, &w);
        dsl_put_surveys(h, &w);
        dsl_put_sites(h, &w);
        dsl_put_natives(h, &w);
        hl_field_uint(&h->end, HL_SNAP_NODES, h->nodes.n);
        hl_field_uint(&h->end, HL_SNAP_EDGES, h->edges.n);
        hl_field_uint(&h->end, HL_SNAP_FOLDED, h->folded);
        hl_field_uint(&h->end, HL_SNAP_SKIPPED, h->skipped);
        if (!hl_snap_writer_end(&w, &h->end, err)) {
            hl_snap_writer_deinit(&w);
            return HL_OK;
        }
    }
    hl_snap_writer_deinit(&w);
    return err->status;
}
