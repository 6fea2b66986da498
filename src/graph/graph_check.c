/* graph/graph_check.c: the promises of graph.h as code.
 *
 * Room   graph; analyser process; debug builds, tests and fuzzers run it after every step.
 * Takes  hl_graph.   Gives  HL_OK, or HL_CORRUPT with the first promise that is broken.
 * Knows  base, snapshot.
 * Method the tree's costs are summed anew and held against every edge; a dominator tree is right
 *        only if each edge's source lies below the immediate dominator of its target (which proves
 *        that idoms dominate; that none is nearer is the unit tests' part: node removal). */
#include "graph/graph_parts.h"

#include <inttypes.h>

static hl_status check_roots(const hl_graph *g, hl_err *err)
{
    for (uint32_t i = 0; i < g->n_roots; i++) {
        const hl_graph_root *r = &g->roots[i];
        if (r->node >= g->snap->nodes || (i && g->roots[i - 1].node >= r->node))
            return hl_err_set(err, HL_CORRUPT, "root %" PRIu32 " is out of order", i);
        if (r->named != UINT32_MAX &&
            (r->named >= g->snap->n_roots || g->snap->roots[r->named].node != r->node))
            return hl_err_set(err, HL_CORRUPT, "root %" PRIu32 " has another's name", i);
    }
    return HL_OK;
}

static hl_status check_tree(const hl_graph *g, uint32_t *cost, hl_err *err)
{
    const hl_snap *s = g->snap;
    uint32_t garbage = 0;
    for (hl_node v = 0; v < s->nodes; v++)
        cost[v] = HL_COST_NONE;
    for (uint32_t i = 0; i < s->nodes; i++) {
        hl_node v = g->order[i];
        if (v >= s->nodes || cost[v] != HL_COST_NONE)
            return hl_err_set(err, HL_CORRUPT, "order[%" PRIu32 "] is no new node", i);
        hl_node up = g->parent[v];
        const hl_graph_root *root = hl_graph_root_of(g, v);
        enum hl_hold from = HL_HOLD_NONE;
        if (up == HL_NO_NODE) {
            if (!root)
                return hl_err_set(err, HL_CORRUPT, "node %" PRIu32 " starts a chain, no root", v);
            cost[v] = hl_root_cost(s, root->hold, root->named);
            from = root->hold;
        } else {
            if (up >= s->nodes || cost[up] == HL_COST_NONE)
                return hl_err_set(err, HL_CORRUPT, "node %" PRIu32 " stands before its parent", v);
            uint32_t price = hl_edge_cost(g, g->parent[v], g->via[v]);
            if (!price)
                return hl_err_set(err, HL_CORRUPT, "node %" PRIu32 " hangs on no edge", v);
            cost[v] = hl_cost_add(cost[up], price);
            from = (enum hl_hold)g->from[up];
        }
        if (g->from[v] != from)
            return hl_err_set(err, HL_CORRUPT, "node %" PRIu32 " is from another root", v);
        garbage += from == HL_HOLD_CYCLE;
    }
    if (garbage != g->n_garbage)
        return hl_err_set(err, HL_CORRUPT, "garbage is miscounted");
    return HL_OK;
}

static hl_status check_costs(const hl_graph *g, const uint32_t *cost, hl_arena *temp, hl_err *err)
{
    const hl_snap *s = g->snap;
    uint8_t *hung = hl_graph_array(temp, s->nodes, 1, err);
    if (!hung)
        return err->status;
    for (uint32_t i = 0; i < g->n_roots; i++)
        if (cost[g->roots[i].node] > hl_root_cost(s, g->roots[i].hold, g->roots[i].named))
            return hl_err_set(err, HL_CORRUPT, "root %" PRIu32 " is reached too late", i);
    for (hl_node u = 0; u < s->nodes; u++)
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++) {
            uint32_t price = hl_edge_cost(g, u, s->label[e]);
            hl_node w = s->dst[e];
            hung[w] |= g->parent[w] == u && g->via[w] == s->label[e];
            bool starts = cost[w] == HL_COST_GARBAGE_ROOT && g->from[w] == HL_HOLD_GC_GARBAGE &&
                          g->parent[w] == HL_NO_NODE;
            if (price && !starts && cost[w] > hl_cost_add(cost[u], price))
                return hl_err_set(err, HL_CORRUPT, "edge %" PRIu32 " is a cheaper way", e);
        }
    for (hl_node v = 0; v < s->nodes; v++)
        if (!hung[v] && g->parent[v] != HL_NO_NODE)
            return hl_err_set(err, HL_CORRUPT, "node %" PRIu32 " hangs on no edge", v);
    return HL_OK;
}

hl_status hl_graph_check(const hl_graph *g, hl_err *err)
{
    hl_arena temp;
    hl_arena_init(&temp);
    uint32_t *cost = hl_graph_array(&temp, g->snap->nodes, sizeof *cost, err);
    hl_status status = cost ? check_roots(g, err) : err->status;
    if (!status)
        status = check_tree(g, cost, err);
    if (!status)
        status = check_costs(g, cost, &temp, err);
    if (!status && g->in_off)
        status = hl_dom_check(g, err);
    hl_arena_deinit(&temp);
    return status;
}

/* ---- dominators
 * ---------------------------------------------------------------------------------- */

/* Numbers the dominator tree so that the nodes below v are first[v] .. last[v]. An immediate
 * dominator comes before its node in g->order, as it lies on every chain. */
typedef struct nesting {
    uint32_t *size, *first;
} nesting;

static hl_status nest(const hl_graph *g, nesting *t, hl_arena *temp, hl_err *err)
{
    const hl_snap *s = g->snap;
    t->size = hl_graph_array(temp, s->nodes, sizeof *t->size, err);
    t->first = hl_graph_array(temp, s->nodes, sizeof *t->first, err);
    uint32_t *used = hl_graph_array(temp, s->nodes, sizeof *used, err);
    uint8_t *seen = hl_graph_array(temp, s->nodes, 1, err);
    if (!t->size || !t->first || !used || !seen)
        return err->status;
    for (uint32_t i = 0; i < s->nodes; i++) {
        hl_node v = g->order[i], up = g->idom[v];
        if (up != HL_NO_NODE && (up >= s->nodes || !seen[up]))
            return hl_err_set(err, HL_CORRUPT, "idom of node %" PRIu32 " is not on its chain", v);
        seen[v] = 1;
    }
    for (uint32_t i = s->nodes; i > 0; i--) {
        hl_node v = g->order[i - 1], up = g->idom[v];
        t->size[v]++;
        if (up != HL_NO_NODE)
            t->size[up] += t->size[v];
    }
    uint32_t top = 0;
    for (uint32_t i = 0; i < s->nodes; i++) {
        hl_node v = g->order[i], up = g->idom[v];
        uint32_t *next = up == HL_NO_NODE ? &top : &used[up];
        t->first[v] = *next;
        *next += t->size[v];
        used[v] = t->first[v] + 1;
    }
    return HL_OK;
}

static hl_status check_edges(const hl_graph *g, const nesting *t, hl_err *err)
{
    const hl_snap *s = g->snap;
    for (uint32_t i = 0; i < g->n_roots; i++)
        if (g->idom[g->roots[i].node] != HL_NO_NODE)
            return hl_err_set(err, HL_CORRUPT, "root %" PRIu32 " has a dominator", i);
    for (hl_node u = 0; u < s->nodes; u++)
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++) {
            hl_node d = g->idom[s->dst[e]];
            if (hl_edge_holds(s->label[e]) && d != HL_NO_NODE &&
                t->first[u] - t->first[d] >= t->size[d])
                return hl_err_set(err, HL_CORRUPT, "edge %" PRIu32 " gets round a dominator", e);
        }
    return HL_OK;
}

/* The reverse edges have each node's in-degree and each source as often as it has out-edges, those
 * of the chain tree left out. */
static hl_status check_reverse(const hl_graph *g, hl_arena *temp, hl_err *err)
{
    const hl_snap *s = g->snap;
    int64_t *in = hl_graph_array(temp, s->nodes, sizeof *in, err);
    int64_t *out = hl_graph_array(temp, s->nodes, sizeof *out, err);
    if (!in || !out)
        return err->status;
    for (hl_node u = 0; u < s->nodes; u++)
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++)
            if (hl_edge_holds(s->label[e]) && g->parent[s->dst[e]] != u) {
                out[u]++;
                in[s->dst[e]]++;
            }
    for (hl_node v = 0; v < s->nodes; v++) {
        if (g->in_off[v + 1] - g->in_off[v] != in[v])
            return hl_err_set(err, HL_CORRUPT, "in_off of node %" PRIu32 " is off", v);
        for (uint32_t e = g->in_off[v]; e < g->in_off[v + 1]; e++)
            if (g->in_src[e] >= s->nodes || g->in_src[e] == g->parent[v] || --out[g->in_src[e]] < 0)
                return hl_err_set(err, HL_CORRUPT, "in_src[%" PRIu32 "] is no holder", e);
    }
    return HL_OK;
}

static hl_status check_sums(const hl_graph *g, hl_arena *temp, hl_err *err)
{
    const hl_snap *s = g->snap;
    uint64_t *bytes = hl_graph_array(temp, s->nodes, sizeof *bytes, err);
    if (!bytes)
        return err->status;
    for (uint32_t i = s->nodes; i > 0; i--) {
        hl_node v = g->order[i - 1];
        bytes[v] += hl_graph_own_bytes(g, v);
        if (bytes[v] != g->retained_bytes[v])
            return hl_err_set(err, HL_CORRUPT, "retained bytes of node %" PRIu32 " are off", v);
        if (g->idom[v] != HL_NO_NODE)
            bytes[g->idom[v]] += bytes[v];
    }
    return HL_OK;
}

hl_status hl_dom_check(const hl_graph *g, hl_err *err)
{
    hl_arena temp;
    hl_arena_init(&temp);
    nesting t;
    hl_status status = nest(g, &t, &temp, err);
    if (!status)
        status = check_edges(g, &t, err);
    if (!status)
        status = check_reverse(g, &temp, err);
    if (!status)
        status = check_sums(g, &temp, err);
    hl_arena_deinit(&temp);
    return status;
}
