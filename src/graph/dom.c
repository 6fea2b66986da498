/* graph/dom.c: which single object keeps each object alive, and how many bytes go with it.
 *
 * Room   graph; analyser process; works on a finished chain tree, never on a target.
 * Takes  hl_graph with roots.   Gives  idom, retained_bytes, retained_objects, in_off, in_src.
 * Knows  base, snapshot ids.  Must not know  mem, pyabi, stdio, names.
 * Method semi-NCA (Georgiadis) over a depth-first numbering from a virtual root above `roots`,
 *        32-bit, no recursion; the arrays it fills serve as its scratch memory. The test compares
 *        with node removal. */
#include "graph/graph_parts.h"

#include <string.h>

/* ---- reverse edges ------------------------------------------------------------------------------
 */

static hl_status reverse_edges(hl_graph *g, hl_err *err)
{
    const hl_snap *s = g->snap;
    size_t n = s->nodes;
    uint32_t *off = hl_graph_array(&g->arena, n + 2, sizeof *off, err);
    if (!off)
        return err->status;
    for (hl_node u = 0; u < n; u++)
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++)
            off[s->dst[e] + 2] += hl_edge_holds(s->label[e]) && g->parent[s->dst[e]] != u;
    for (size_t v = 0; v < n; v++)
        off[v + 2] += off[v + 1];
    hl_node *src = hl_graph_array(&g->arena, off[n + 1], sizeof *src, err);
    if (!src)
        return err->status;
    /* off[v + 1] runs from the start of v's sources to their end, where v + 1 starts */
    for (hl_node u = 0; u < n; u++)
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++)
            if (hl_edge_holds(s->label[e]) && g->parent[s->dst[e]] != u)
                src[off[s->dst[e] + 1]++] = u;
    g->in_off = off;
    g->in_src = src;
    return HL_OK;
}

/* ---- semi-NCA -----------------------------------------------------------------------------------
 */

enum { AHEAD = 8 }; /* nodes */

/* All indices below are depth-first numbers: 0 the virtual root, 1 .. n the nodes. */
typedef struct forest {
    uint32_t above; /* the parent, later the ancestor its path is compressed to */
    uint32_t low;   /* least semidominator on the way there, itself included     */
} forest;

typedef struct dom {
    const hl_graph *g;
    uint32_t *number; /* node -> number; lives in g->idom */
    hl_node *node;    /* number -> node */
    forest *forest;   /* by number; lives in g->retained_bytes   */
    uint32_t *idom;   /* by number, the parent at first; lives in g->retained_objects */
    uint32_t *semi;   /* by number */
    uint32_t *path;   /* for compression */
    uint32_t last;
} dom;

typedef struct visit { /* to be made: node from the node numbered `above` */
    hl_node node;
    uint32_t above;
} visit;

/* Numbers what start reaches, depth first: all children of a node are put on the stack at once, so
 * that what they will need is fetched while their elder siblings are at work; a child that is met
 * twice belongs to the node that put it there last. */
static void number_from(dom *d, visit *stack, hl_node start)
{
    const hl_snap *s = d->g->snap;
    size_t n = 0;
    stack[n++] = (visit){.node = start};
    while (n) {
        visit at = stack[--n];
        if (d->number[at.node])
            continue;
        uint32_t number = ++d->last;
        d->number[at.node] = number;
        d->node[number] = at.node;
        d->idom[number] = at.above;
        for (uint32_t e = s->off[at.node], end = s->off[at.node + 1]; e < end; e++) {
            hl_node w = s->dst[e];
            if (!hl_edge_holds(s->label[e]))
                continue;
            __builtin_prefetch(&d->number[w]);
            __builtin_prefetch(&s->off[w]);
            stack[n++] = (visit){.node = w, .above = number};
        }
    }
}

static hl_status number_all(dom *d, hl_err *err)
{
    const hl_graph *g = d->g;
    hl_arena temp;
    hl_arena_init(&temp);
    visit *stack =
        hl_graph_array(&temp, (size_t)g->snap->off[g->snap->nodes] + 1, sizeof *stack, err);
    for (uint32_t i = 0; stack && i < g->n_roots; i++)
        number_from(d, stack, g->roots[i].node);
    hl_arena_deinit(&temp);
    return stack ? HL_OK : err->status;
}

/* The least semidominator of v and what is above it, as far as nodes >= linked go. */
static uint32_t eval(dom *d, uint32_t v, uint32_t linked)
{
    forest *f = d->forest;
    if (f[v].above < linked)
        return f[v].low;
    uint32_t n = 0, x = v;
    do {
        d->path[n++] = x;
        x = f[x].above;
    } while (f[x].above >= linked);
    forest top = f[x];
    while (n) {
        uint32_t y = d->path[--n];
        top.low = f[y].low < top.low ? f[y].low : top.low;
        f[y] = top;
    }
    return top.low;
}

static uint32_t semidominator(dom *d, uint32_t w)
{
    const hl_graph *g = d->g;
    hl_node node = d->node[w];
    uint32_t least = d->idom[w];
    hl_node from;
    for (hl_holders h = hl_graph_holders(g, node); hl_holders_next(&h, &from);) {
        uint32_t u = d->number[from];
        uint32_t candidate = u > w ? eval(d, u, w + 1) : u;
        least = candidate < least ? candidate : least;
    }
    return least;
}

/* In-edges lie anywhere: their places, sources and the sources' numbers are asked for in steps. */
static void fetch_early(const dom *d, uint32_t w)
{
    const hl_graph *g = d->g;
    if (w <= 3 * AHEAD)
        return;
    __builtin_prefetch(&g->in_off[d->node[w - 3 * AHEAD]]);
    __builtin_prefetch(&g->in_src[g->in_off[d->node[w - 2 * AHEAD]]]);
    uint32_t e = g->in_off[d->node[w - AHEAD]];
    if (e < g->in_off[g->snap->nodes])
        __builtin_prefetch(&d->number[g->in_src[e]]);
}

static void find_semi(dom *d)
{
    const hl_graph *g = d->g;
    for (uint32_t i = 1; i <= d->last; i++) {
        d->forest[i].above = d->idom[i];
        d->semi[i] = 1;
    }
    for (uint32_t i = 0; i < g->n_roots; i++)
        d->semi[d->number[g->roots[i].node]] = 0; /* the virtual root holds it */
    for (uint32_t w = d->last; w > 0; w--) {
        fetch_early(d, w);
        if (d->semi[w])
            d->semi[w] = semidominator(d, w);
        d->forest[w].low = d->semi[w];
    }
    for (uint32_t w = 1; w <= d->last; w++) {
        uint32_t i = d->idom[w], stop = d->semi[w];
        while (i > stop)
            i = d->idom[i];
        d->idom[w] = i;
    }
}

static hl_status find_dominators(hl_graph *g, hl_node *node, hl_arena *temp, hl_err *err)
{
    size_t n = g->snap->nodes;
    dom d = {
        .g = g,
        .number = g->idom,
        .node = node,
        .forest = (forest *)g->retained_bytes,
        .idom = g->retained_objects,
    };
    if (number_all(&d, err))
        return err->status;
    d.semi = hl_graph_array(temp, n + 1, sizeof *d.semi, err);
    d.path = hl_graph_array(temp, n + 1, sizeof *d.path, err);
    if (!d.semi || !d.path)
        return err->status;
    find_semi(&d);
    for (uint32_t i = 1; i <= d.last; i++)
        g->idom[d.node[i]] = d.idom[i] ? d.node[d.idom[i]] : HL_NO_NODE;
    return HL_OK;
}

/* ---- retained sizes
 * ------------------------------------------------------------------------------ */

static uint32_t add_saturated(uint32_t a, uint64_t b)
{
    return b > UINT32_MAX - a ? UINT32_MAX : a + (uint32_t)b;
}

static void sum_retained(hl_graph *g, const hl_node *node)
{
    const hl_snap *s = g->snap;
    for (hl_node v = 0; v < s->nodes; v++) {
        g->retained_bytes[v] = hl_snap_size(s, v);
        g->retained_objects[v] = 1;
    }
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        g->retained_bytes[f.node] += f.bytes;
        g->retained_objects[f.node] = add_saturated(g->retained_objects[f.node], f.objects);
    }
    for (uint32_t i = s->nodes; i > 0; i--) {
        if (i > AHEAD) {
            __builtin_prefetch(&g->idom[node[i - AHEAD]]);
            __builtin_prefetch(&g->retained_bytes[node[i - AHEAD]]);
            __builtin_prefetch(&g->retained_objects[node[i - AHEAD]]);
        }
        hl_node v = node[i], up = g->idom[v];
        if (up == HL_NO_NODE)
            continue;
        g->retained_bytes[up] += g->retained_bytes[v];
        g->retained_objects[up] = add_saturated(g->retained_objects[up], g->retained_objects[v]);
    }
}

hl_status hl_graph_dominate(hl_graph *g, hl_err *err)
{
    if (g->in_off)
        return HL_OK;
    size_t n = g->snap->nodes;
    g->idom = hl_graph_array(&g->arena, n, sizeof *g->idom, err);
    /* one place more: as scratch memory they are indexed by number, 1 .. n */
    g->retained_bytes = hl_graph_array(&g->arena, n + 1, sizeof *g->retained_bytes, err);
    g->retained_objects = hl_graph_array(&g->arena, n + 1, sizeof *g->retained_objects, err);
    if (!g->idom || !g->retained_bytes || !g->retained_objects || reverse_edges(g, err))
        return err->status;
    hl_arena temp;
    hl_arena_init(&temp);
    hl_node *node = hl_graph_array(&temp, n + 1, sizeof *node, err);
    hl_status status = node ? find_dominators(g, node, &temp, err) : err->status;
    if (!status)
        sum_retained(g, node);
    hl_arena_deinit(&temp);
    return status;
}
