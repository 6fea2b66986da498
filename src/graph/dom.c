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
    uint32_t end = s->off[n];
    for (uint32_t e = 0; e < end; e++)
        off[s->dst[e] + 2] += hl_edge_holds(s->label[e]);
    for (size_t v = 0; v < n; v++)
        off[v + 2] += off[v + 1];
    hl_node *src = hl_graph_array(&g->arena, off[n + 1], sizeof *src, err);
    if (!src)
        return err->status;
    /* off[v + 1] runs from the start of v's sources to their end, where v + 1 starts */
    for (hl_node u = 0; u < n; u++)
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++)
            if (hl_edge_holds(s->label[e]))
                src[off[s->dst[e] + 1]++] = u;
    g->in_off = off;
    g->in_src = src;
    return HL_OK;
}

/* ---- semi-NCA -----------------------------------------------------------------------------------
 */

/* All indices below are depth-first numbers: 0 the virtual root, 1 .. n the nodes. */
typedef struct semi {
    uint32_t semi, label;
} semi;

typedef struct dom {
    const hl_graph *g;
    uint32_t *number; /* node -> number; lives in g->idom */
    hl_node *node;    /* number -> node */
    uint32_t *above;  /* parent in the depth-first tree, later the compressed ancestor */
    semi *semi;       /* by number; lives in g->retained_bytes   */
    uint32_t *idom;   /* by number; lives in g->retained_objects */
    uint32_t *path;   /* for compression */
    uint32_t last;
} dom;

static void number_from(dom *d, hl_node start)
{
    const hl_snap *s = d->g->snap;
    uint32_t *cursor = d->path; /* next edge, by number, while numbering */
    uint32_t at = ++d->last;
    d->number[start] = at;
    d->node[at] = start;
    d->above[at] = 0;
    cursor[at] = s->off[start];
    while (at) {
        hl_node v = d->node[at];
        uint32_t e = cursor[at], end = s->off[v + 1];
        hl_node w = HL_NO_NODE;
        for (; e < end; e++)
            if (!d->number[s->dst[e]] && hl_edge_holds(s->label[e])) {
                w = s->dst[e++];
                break;
            }
        cursor[at] = e;
        if (w == HL_NO_NODE) {
            at = d->above[at];
            continue;
        }
        uint32_t to = ++d->last;
        d->number[w] = to;
        d->node[to] = w;
        d->above[to] = at;
        cursor[to] = s->off[w];
        at = to;
    }
}

/* The number with the least semidominator on the compressed path from v, below `linked`. */
static uint32_t eval(dom *d, uint32_t v, uint32_t linked)
{
    if (v < linked)
        return v;
    uint32_t n = 0, x = v;
    while (d->above[x] >= linked) {
        d->path[n++] = x;
        x = d->above[x];
    }
    while (n) {
        uint32_t y = d->path[--n], z = d->above[y];
        if (d->semi[d->semi[z].label].semi < d->semi[d->semi[y].label].semi)
            d->semi[y].label = d->semi[z].label;
        d->above[y] = d->above[z];
    }
    return d->semi[v].label;
}

static void find_semi(dom *d)
{
    const hl_graph *g = d->g;
    for (uint32_t i = 1; i <= d->last; i++) {
        d->semi[i] = (semi){.semi = i, .label = i};
        d->idom[i] = d->above[i];
    }
    for (uint32_t i = 0; i < g->n_roots; i++)
        d->semi[d->number[g->roots[i].node]].semi = 0;
    for (uint32_t w = d->last; w > 0; w--) {
        uint32_t least = d->semi[w].semi;
        if (!least)
            continue; /* the virtual root holds it */
        hl_node node = d->node[w];
        least = d->idom[w];
        for (uint32_t e = g->in_off[node], end = g->in_off[node + 1]; e < end; e++) {
            uint32_t u = eval(d, d->number[g->in_src[e]], w + 1);
            uint32_t candidate = u > w ? d->semi[u].semi : u;
            least = candidate < least ? candidate : least;
        }
        d->semi[w].semi = least;
    }
    for (uint32_t w = 1; w <= d->last; w++) {
        uint32_t i = d->idom[w], stop = d->semi[w].semi;
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
        .above = hl_graph_array(temp, n + 1, sizeof *d.above, err),
        .semi = (semi *)g->retained_bytes,
        .idom = g->retained_objects,
        .path = hl_graph_array(temp, n + 1, sizeof *d.path, err),
    };
    if (!d.above || !d.path)
        return err->status;
    for (uint32_t i = 0; i < g->n_roots; i++)
        if (!d.number[g->roots[i].node])
            number_from(&d, g->roots[i].node);
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
        g->retained_bytes[v] = s->size[v];
        g->retained_objects[v] = 1;
    }
    for (uint32_t i = 0; i < s->n_folds; i++) {
        const hl_snap_fold *f = &s->folds[i];
        g->retained_bytes[f->node] += f->bytes;
        g->retained_objects[f->node] = add_saturated(g->retained_objects[f->node], f->objects);
    }
    for (uint32_t i = s->nodes; i > 0; i--) {
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
