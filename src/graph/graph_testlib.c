/* graph/graph_testlib.c: random heaps for the tests of this room.
 *
 * Room   graph; tests only. */
#include "graph/graph_testlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t hl_test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(hl_test_random(state) >> 32) % n;
}

static void must(bool promise)
{
    if (!promise) {
        fprintf(stderr, "no memory for a test heap\n");
        abort();
    }
}

static void *array(hl_snap *s, size_t n, size_t size)
{
    void *p = hl_arena_array(&s->arena, n, size);
    must(p);
    return p;
}

static void put_numbers(hl_snap *s, hl_node v, uint64_t size, int32_t len)
{
    must(hl_narrow16_put(&s->size, v, size, &s->arena) &&
         hl_narrow8_put(&s->len, v, (uint64_t)(len + (int64_t)1), &s->arena));
}

static const char *const names[] = {
    "",         "object", "dict", "app.A", "app.B",    "function", "module",      "list",
    "__dict__", "alpha",  "beta", "gamma", "__main__", "app",      "__globals__", "cell"};
enum { FIRST_WORD = 9, WORDS = 3, N_NAMES = sizeof names / sizeof *names };
static const uint32_t type_names[] = {1, 2, 3, 4, 5, 6, 7, 15};
enum { N_TYPES = sizeof type_names / sizeof *type_names };

static hl_snap *new_heap(uint32_t nodes)
{
    hl_snap *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    hl_arena_init(&s->arena);
    s->info.reason = s->info.python = s->info.program = "";
    s->nodes = nodes;
    s->type = array(s, nodes, sizeof *s->type);
    s->size.at = array(s, nodes, sizeof *s->size.at);
    s->refcnt.at = array(s, nodes, sizeof *s->refcnt.at);
    s->len.at = array(s, nodes, sizeof *s->len.at);
    s->flag = array(s, nodes, sizeof *s->flag);
    s->prov = array(s, nodes, sizeof *s->prov);
    s->off = array(s, (size_t)nodes + 1, sizeof *s->off);
    s->n_pages = nodes / 256 + 1;
    s->page_key = array(s, s->n_pages, sizeof *s->page_key);
    for (uint32_t i = 0; i < s->n_pages; i++)
        s->page_key[i] = (uint64_t)(0x7f000 + i) << 1;
    for (uint32_t v = 0; v < nodes; v++)
        s->prov[v] = v;
    s->n_names = N_NAMES;
    s->names = array(s, N_NAMES, sizeof *s->names);
    memcpy(s->names, names, sizeof names);
    s->n_types = N_TYPES;
    s->types = array(s, N_TYPES, sizeof *s->types);
    for (uint32_t i = 0; i < N_TYPES; i++)
        s->types[i] = (hl_snap_type){.node = HL_NO_NODE,
                                     .name = type_names[i],
                                     .flags = HL_TYPE_GC | (i == 2 || i == 3 ? HL_TYPE_HEAP : 0)};
    return s;
}

static hl_label random_label(const hl_random_heap *how, uint64_t *state)
{
    static const uint8_t kinds[] = {
        HL_LABEL_INTERNAL, HL_LABEL_ATTR,    HL_LABEL_KEY,    HL_LABEL_VALUE, HL_LABEL_INDEX,
        HL_LABEL_INDEX,    HL_LABEL_ELEMENT, HL_LABEL_CELL,   HL_LABEL_NAMED, HL_LABEL_SLOT,
        HL_LABEL_WEAK,     HL_LABEL_TYPE,    HL_LABEL_UNOWNED};
    enum { PLAIN = 10 };
    enum hl_label_kind kind = kinds[below(state, how->all_kinds ? sizeof kinds : PLAIN)];
    uint32_t value = 0;
    if (kind == HL_LABEL_ATTR || kind == HL_LABEL_KEY || kind == HL_LABEL_SLOT)
        value = FIRST_WORD + below(state, WORDS);
    else if (kind == HL_LABEL_NAMED)
        value = below(state, 4) ? FIRST_WORD + below(state, WORDS) : below(state, 2) ? 8 : 14;
    else if (kind == HL_LABEL_VALUE)
        value = below(state, N_TYPES);
    return hl_label_make(kind, value);
}

/* As a walk of a real heap numbers it: most edges lead to the next object not seen before, the
 * rest back to neighbours or to a few hubs (classes, shared strings). */
static uint32_t walked_target(uint32_t n, uint32_t u, uint32_t *next, uint64_t *state)
{
    enum { HUBS = 500, NEAR = 64 };
    uint32_t dice = below(state, 89);
    if ((dice < 55 || *next == u + 1) && *next < n)
        return (*next)++;
    if (dice < 70)
        return below(state, n < HUBS ? n : HUBS);
    return dice < 85 ? u - below(state, u < NEAR ? u + 1 : NEAR) : below(state, *next);
}

static uint32_t random_target(const hl_random_heap *how, uint32_t u, uint32_t *next,
                              uint64_t *state)
{
    uint32_t n = how->nodes;
    if (how->shape == 3)
        return walked_target(n, u, next, state);
    if (how->shape == 1 && u + 1 < n && below(state, 16))
        return u + 1 + below(state, n - u - 1 < 8 * (u + 1) ? n - u - 1 : 8 * (u + 1));
    if (how->shape == 2 && u + 1 < n && below(state, 8))
        return u + 1 + below(state, n - u - 1 < 2 ? 1 : 2);
    return below(state, n);
}

static void fill_nodes(hl_snap *s, const hl_random_heap *how, uint64_t *state)
{
    s->folds = array(s, s->nodes, sizeof *s->folds);
    for (uint32_t v = 0; v < s->nodes; v++) {
        s->type[v] = below(state, N_TYPES);
        uint64_t size = 16 + 8 * below(state, below(state, 50) ? 64 : 1 << 24);
        put_numbers(s, v, size, below(state, 2) ? (int32_t)below(state, 1000) : HL_LEN_NONE);
        s->flag[v] = below(state, 4) ? HL_NODE_TRACKED : 0;
        s->flag[v] |= below(state, 64) ? 0 : HL_NODE_IMMORTAL;
        s->flag[v] |= below(state, 8) ? 0 : HL_NODE_FROZEN;
        uint64_t objects = 1 + below(state, 100);
        if (!below(state, 5))
            must(hl_snap_fold_put(
                s, (hl_snap_fold){.node = v, .objects = objects, .bytes = 28 * objects}));
    }
    (void)how;
}

static void fill_roots(hl_snap *s, const hl_random_heap *how, uint64_t *state)
{
    static const enum hl_root_kind kinds[] = {HL_ROOT_MODULE, HL_ROOT_MODULE, HL_ROOT_TYPE,
                                              HL_ROOT_FRAME,  HL_ROOT_THREAD, HL_ROOT_INTERP};
    s->roots = array(s, how->roots + 2, sizeof *s->roots);
    for (uint32_t i = 0; s->nodes && i < how->roots; i++)
        s->roots[s->n_roots++] =
            (hl_snap_root){.kind = kinds[below(state, sizeof kinds / sizeof *kinds)],
                           .node = how->shape == 3 ? i % s->nodes : below(state, s->nodes),
                           .name = 12 + below(state, 2)};
    for (uint32_t i = 0; s->nodes && how->all_kinds && i < 1 + how->seed % 2; i++)
        s->roots[s->n_roots++] =
            (hl_snap_root){.kind = HL_ROOT_GARBAGE, .node = below(state, s->nodes), .name = 1};
}

/* Counted in-edges, one more where a reference is lost, never 0. */
static void fill_refcounts(hl_snap *s, const hl_random_heap *how, uint64_t *state)
{
    uint32_t *count = calloc((size_t)s->nodes + 1, sizeof *count);
    must(count);
    for (uint32_t e = 0; e < s->edges; e++)
        count[s->dst[e]] += hl_edge_counted(s->label[e]);
    for (uint32_t v = 0; v < s->nodes; v++) {
        if (how->lost && !below(state, how->lost))
            count[v]++;
        if (!count[v])
            count[v] = 1; /* it is alive */
        must(
            hl_narrow8_put(&s->refcnt, v, s->flag[v] & HL_NODE_IMMORTAL ? 0 : count[v], &s->arena));
    }
    free(count);
}

hl_snap *hl_test_heap(const hl_random_heap *how)
{
    uint64_t state = how->seed * 7919 + 1;
    hl_snap *s = new_heap(how->nodes);
    fill_nodes(s, how, &state);
    uint32_t average = how->nodes ? how->edges / how->nodes : 0;
    uint32_t odd = how->nodes ? how->edges % how->nodes : 0, n = 0;
    for (uint32_t u = 0; u < s->nodes; u++) {
        s->off[u] = n;
        n += average + (odd && below(&state, how->nodes) < odd);
    }
    s->off[s->nodes] = n;
    s->edges = n;
    s->dst = array(s, n, sizeof *s->dst);
    s->label = array(s, n, sizeof *s->label);
    uint32_t next = how->roots + 1;
    for (uint32_t u = 0; u < s->nodes; u++)
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++) {
            s->dst[e] = random_target(how, u, &next, &state);
            s->label[e] = random_label(how, &state);
        }
    fill_roots(s, how, &state);
    fill_refcounts(s, how, &state);
    return s;
}

hl_node *hl_test_permutation(uint32_t n, uint64_t *state)
{
    hl_node *to = malloc((n + 1) * sizeof *to);
    if (!to)
        abort();
    for (uint32_t i = 0; i < n; i++)
        to[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = below(state, i);
        hl_node t = to[k];
        to[k] = to[i - 1];
        to[i - 1] = t;
    }
    return to;
}

hl_node *hl_test_walk_order(const hl_snap *s)
{
    hl_node *to = malloc(((size_t)s->nodes + 1) * sizeof *to);
    hl_node *stack = malloc(((size_t)s->nodes + 1) * sizeof *stack);
    uint8_t *met = calloc((size_t)s->nodes + 1, 1);
    if (!to || !stack || !met)
        abort();
    uint32_t next = 0;
    for (hl_node start = 0; start < s->nodes; start++) {
        uint32_t n = 0;
        if (!met[start])
            stack[n++] = start;
        met[start] = 1;
        while (n) {
            hl_node u = stack[--n];
            to[u] = next++;
            for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++)
                if (!met[s->dst[e]]) {
                    met[s->dst[e]] = 1;
                    stack[n++] = s->dst[e];
                }
        }
    }
    free(stack);
    free(met);
    return to;
}

static int by_node(const void *x, const void *y)
{
    const hl_snap_fold *a = x, *b = y;
    return a->node < b->node ? -1 : a->node > b->node;
}

hl_snap *hl_test_renumbered(const hl_snap *s, const hl_node *to, uint32_t extra, uint64_t *state)
{
    uint32_t n = s->nodes + extra;
    hl_snap *r = new_heap(n);
    hl_node *back = array(r, n, sizeof *back);
    for (uint32_t v = 0; v < s->nodes; v++)
        back[to[v]] = v;
    r->edges = s->edges + extra;
    r->dst = array(r, r->edges, sizeof *r->dst);
    r->label = array(r, r->edges, sizeof *r->label);
    r->folds = array(r, s->n_folds, sizeof *r->folds);
    r->roots = array(r, s->n_roots, sizeof *r->roots);
    uint32_t e = 0;
    for (uint32_t w = 0; w < n; w++) {
        r->off[w] = e;
        if (w >= s->nodes) { /* a ring of its own: garbage */
            r->dst[e] = w + 1 < n ? w + 1 : s->nodes;
            r->label[e++] = hl_label_make(HL_LABEL_ATTR, FIRST_WORD);
            must(hl_narrow8_put(&r->refcnt, w, 1, &r->arena));
            put_numbers(r, w, 64, HL_LEN_NONE);
            continue;
        }
        hl_node v = back[w];
        r->type[w] = s->type[v];
        must(hl_narrow8_put(&r->refcnt, w, hl_snap_refcnt(s, v), &r->arena));
        put_numbers(r, w, hl_snap_size(s, v), hl_snap_len(s, v));
        r->flag[w] = s->flag[v];
        uint32_t first = s->off[v], degree = s->off[v + 1] - first;
        uint32_t turn = degree && state ? below(state, degree) : 0;
        for (uint32_t i = 0; i < degree; i++) {
            uint32_t from = first + (i + turn) % degree;
            r->dst[e] = to[s->dst[from]];
            r->label[e++] = s->label[from];
        }
    }
    r->off[n] = e;
    hl_snap_fold *folds = array(r, s->n_folds, sizeof *folds);
    for (uint32_t i = 0; i < s->n_folds; i++) {
        folds[i] = hl_snap_fold_at(s, i);
        folds[i].node = to[folds[i].node];
    }
    qsort(folds, s->n_folds, sizeof *folds, by_node);
    for (uint32_t i = 0; i < s->n_folds; i++)
        must(hl_snap_fold_put(r, folds[i]));
    for (uint32_t i = 0; i < s->n_roots; i++) {
        r->roots[i] = s->roots[i];
        r->roots[i].node = to[s->roots[i].node];
    }
    r->n_roots = s->n_roots;
    return r;
}

hl_graph *hl_test_graph(const hl_snap *s)
{
    hl_err err;
    hl_graph *g;
    if (hl_snap_check(s, &err) || hl_graph_create(s, &g, &err) || hl_graph_check(g, &err) ||
        hl_graph_dominate(g, &err) || hl_graph_check(g, &err)) {
        fprintf(stderr, "graph: %s\n", err.text);
        abort();
    }
    return g;
}
