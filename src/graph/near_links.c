/* graph/near_links.c: references as people think of them, in both directions.
 *
 * Room   graph; analyser process.
 * Takes  hl_graph.   Gives  links: what goes out of an object, what comes in, plumbing passed over.
 * Knows  base, snapshot.
 * Method  obj.attr is one link although a dict lies between, a closure's variable is one although a
 *         tuple and a cell do. Only what nobody else has is passed over: a namespace that a list
 *         holds, too, is an object like any other. Both directions give the same links, which the
 *         test holds them to. */
#include "graph/graph_parts.h"

#include <string.h>

enum passed { NOT_ASKED = 0, TOLD, PASSED };

static bool is_shunned(const hl_graph *g, hl_label l)
{
    return hl_label_cost(g, l) >= (uint32_t)HL_COST_SHUNNED;
}

static bool is_weak(hl_label l)
{
    return !hl_edge_holds(l);
}

/* The node edge e comes from: off[] is ascending. */
static hl_node source_of(const hl_snap *s, uint32_t e)
{
    hl_node low = 0, high = s->nodes;
    while (high - low > 1) {
        hl_node middle = low + (high - low) / 2;
        if (s->off[middle] <= e)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Places in the dominator tree: what v dominates stands from first[v] on, within[v] of them. */
static hl_status number_dominators(hl_links *l, hl_arena *arena, hl_err *err)
{
    const hl_graph *g = l->g;
    uint32_t n = g->snap->nodes, top = 0;
    l->first = hl_graph_array(arena, n, sizeof *l->first, err);
    l->within = hl_graph_array(arena, n, sizeof *l->within, err);
    uint32_t *next = hl_graph_array(arena, n, sizeof *next, err);
    if (!l->first || !l->within || !next)
        return err->status;
    for (uint32_t i = n; i-- > 0;) { /* whoever dominates v is above it in any tree */
        hl_node v = g->order[i];
        l->within[v]++;
        if (g->idom[v] != HL_NO_NODE)
            l->within[g->idom[v]] += l->within[v];
    }
    for (uint32_t i = 0; i < n; i++) {
        hl_node v = g->order[i];
        uint32_t *place = g->idom[v] == HL_NO_NODE ? &top : &next[g->idom[v]];
        l->first[v] = *place;
        *place += l->within[v];
        next[v] = l->first[v] + 1;
    }
    hl_arena_release(arena, next);
    return HL_OK;
}

hl_status hl_links_create(const hl_graph *g, hl_arena *arena, hl_links *out, hl_err *err)
{
    const hl_snap *s = g->snap;
    hl_links l = {.g = g,
                  .in_off = hl_graph_array(arena, (size_t)s->nodes + 1, sizeof *l.in_off, err),
                  .in_edge = hl_graph_array(arena, s->edges, sizeof *l.in_edge, err),
                  .passed = hl_graph_array(arena, s->nodes, 1, err)};
    if (!l.in_off || !l.in_edge || !l.passed)
        return err->status;
    for (uint32_t e = 0; e < s->edges; e++)
        l.in_off[s->dst[e] + 1]++;
    for (hl_node v = 0; v < s->nodes; v++)
        l.in_off[v + 1] += l.in_off[v];
    for (uint32_t e = 0; e < s->edges; e++) /* in_off[v] runs to where v + 1 begins ... */
        l.in_edge[l.in_off[s->dst[e]]++] = e;
    for (hl_node v = s->nodes; v > 0; v--) /* ... and is put back */
        l.in_off[v] = l.in_off[v - 1];
    if (s->nodes)
        l.in_off[0] = 0;
    if (number_dominators(&l, arena, err))
        return err->status;
    *out = l;
    return HL_OK;
}

void hl_links_tell(hl_links *l, hl_node v)
{
    l->passed[v] = TOLD;
}

/* ---- what is passed over ---------------------------------------------------------------------- */

static bool is_local_of_frame(const hl_graph *g, hl_node from, hl_label label)
{
    enum hl_type_role role = hl_role(g, from);
    return hl_label_kind(label) == HL_LABEL_LOCAL &&
           (role == HL_ROLE_FRAME || role == HL_ROLE_GENERATOR);
}

/* The body of a module or class while it runs: its namespace belongs to neither less for it. */
static bool is_body(const hl_graph *g, hl_node from, hl_label label)
{
    return hl_role(g, from) == HL_ROLE_FRAME && hl_label_kind(label) == HL_LABEL_NAMED &&
           !strcmp(g->snap->names[hl_label_value(label)], "f_locals");
}

/* Does the edge from -> v lead to v as to a part of from? */
static bool leads_to_part(hl_links *l, hl_node from, hl_label label, hl_node v)
{
    const hl_graph *g = l->g;
    switch (hl_role(g, v)) {
    case HL_ROLE_DICT:
        return hl_label_role(g, label) == HL_NAME_DICT && from == g->parent[v];
    case HL_ROLE_TUPLE:
        return hl_label_role(g, label) == HL_NAME_CLOSURE && hl_role(g, from) == HL_ROLE_FUNCTION;
    case HL_ROLE_CELL:
        return (hl_role(g, from) == HL_ROLE_TUPLE && hl_links_passed(l, from)) ||
               is_local_of_frame(g, from, label);
    case HL_ROLE_OTHER:
    case HL_ROLE_INSTANCE:
    case HL_ROLE_LIST:
    case HL_ROLE_FUNCTION:
    case HL_ROLE_MODULE:
    case HL_ROLE_TYPE:
    case HL_ROLE_LRU:
    case HL_ROLE_FRAME:
    case HL_ROLE_GENERATOR:
    case HL_ROLE_EXCEPTION:
        break;
    }
    return false;
}

bool hl_links_passed(hl_links *l, hl_node v)
{
    const hl_graph *g = l->g;
    const hl_snap *s = g->snap;
    if (l->passed[v])
        return l->passed[v] == PASSED;
    l->passed[v] = TOLD; /* a tuple asks for no tuple: this answers no question, but ends loops */
    enum hl_type_role role = hl_role(g, v);
    if (role != HL_ROLE_DICT && role != HL_ROLE_TUPLE && role != HL_ROLE_CELL)
        return false;
    if (role != HL_ROLE_DICT && hl_graph_root_of(g, v))
        return false; /* C has a hand on it; on modules' namespaces it always has */
    uint32_t parts = 0;
    for (uint32_t i = l->in_off[v]; i < l->in_off[v + 1]; i++) {
        hl_label label = s->label[l->in_edge[i]];
        hl_node from = source_of(s, l->in_edge[i]);
        if (is_weak(label) || is_shunned(g, label) || is_body(g, from, label))
            continue;
        if (!leads_to_part(l, from, label, v))
            return false;
        parts++;
    }
    if (parts)
        l->passed[v] = PASSED;
    return parts > 0;
}

/* ---- links ------------------------------------------------------------------------------------ */

static void give(const hl_links *l, hl_node from, hl_label label, hl_node to, hl_link_fn *fn,
                 void *ctx)
{
    fn(ctx, &(hl_link){.from = from,
                       .to = to,
                       .label = label,
                       .weak = is_weak(label),
                       .shunned = is_shunned(l->g, label)});
}

static hl_label variable(const hl_links *l, hl_node function, hl_label index)
{
    return hl_label_make(HL_LABEL_CELL, hl_closure_variable(l->g, function, index));
}

/* Names of a namespace are told by the labels; as objects they are of no interest. */
static void give_entry(hl_links *l, hl_node owner, hl_label label, hl_node to, hl_link_fn *fn,
                       void *ctx)
{
    if (hl_label_kind(label) != HL_LABEL_DICTKEY)
        give(l, owner, label, to, fn, ctx);
}

/* What a cell has, under the name its holder knows it by. */
static void from_cell(hl_links *l, hl_node from, hl_label label, hl_node cell, hl_link_fn *fn,
                      void *ctx)
{
    const hl_snap *s = l->g->snap;
    for (uint32_t e = s->off[cell]; e < s->off[cell + 1]; e++)
        if (!is_shunned(l->g, s->label[e]) && !is_weak(s->label[e]))
            give(l, from, label, s->dst[e], fn, ctx);
}

/* A cell is a cell's content now and then: it is told then. */
static bool cell_is_passed(hl_links *l, hl_node from, hl_label label, hl_node v)
{
    return hl_role(l->g, v) == HL_ROLE_CELL && leads_to_part(l, from, label, v) &&
           hl_links_passed(l, v);
}

static void from_part(hl_links *l, hl_node v, hl_node part, hl_link_fn *fn, void *ctx)
{
    const hl_snap *s = l->g->snap;
    bool tuple = hl_role(l->g, part) == HL_ROLE_TUPLE;
    for (uint32_t e = s->off[part]; e < s->off[part + 1]; e++) {
        hl_label label = s->label[e];
        if (is_shunned(l->g, label) || is_weak(label))
            continue;
        if (tuple && cell_is_passed(l, part, label, s->dst[e]))
            from_cell(l, v, variable(l, v, label), s->dst[e], fn, ctx);
        else if (tuple)
            give(l, v, variable(l, v, label), s->dst[e], fn, ctx);
        else
            give_entry(l, v, label, s->dst[e], fn, ctx);
    }
}

void hl_links_from(hl_links *l, hl_node v, hl_link_fn *fn, void *ctx)
{
    const hl_snap *s = l->g->snap;
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
        hl_label label = s->label[e];
        hl_node to = s->dst[e];
        bool part = !is_weak(label) && !is_shunned(l->g, label) && leads_to_part(l, v, label, to) &&
                    hl_links_passed(l, to);
        if (part && hl_role(l->g, to) == HL_ROLE_CELL)
            from_cell(l, v, label, to, fn, ctx);
        else if (part)
            from_part(l, v, to, fn, ctx);
        else if (!hl_links_passed(l, to))
            give(l, v, label, to, fn, ctx);
    }
}

/* To v through a tuple of a closure. */
static void to_through_tuple(hl_links *l, hl_node tuple, hl_label index, hl_node v, hl_link_fn *fn,
                             void *ctx)
{
    const hl_snap *s = l->g->snap;
    for (uint32_t i = l->in_off[tuple]; i < l->in_off[tuple + 1]; i++) {
        uint32_t e = l->in_edge[i];
        if (!is_weak(s->label[e]) && !is_shunned(l->g, s->label[e]))
            give(l, source_of(s, e), variable(l, source_of(s, e), index), v, fn, ctx);
    }
}

static void to_through_cell(hl_links *l, hl_node cell, hl_node v, hl_link_fn *fn, void *ctx)
{
    const hl_snap *s = l->g->snap;
    for (uint32_t i = l->in_off[cell]; i < l->in_off[cell + 1]; i++) {
        uint32_t e = l->in_edge[i];
        hl_node from = source_of(s, e);
        if (is_weak(s->label[e]) || is_shunned(l->g, s->label[e]))
            continue;
        if (hl_role(l->g, from) == HL_ROLE_TUPLE)
            to_through_tuple(l, from, s->label[e], v, fn, ctx);
        else
            give(l, from, s->label[e], v, fn, ctx);
    }
}

void hl_links_to(hl_links *l, hl_node v, hl_link_fn *fn, void *ctx)
{
    const hl_snap *s = l->g->snap;
    for (uint32_t i = l->in_off[v]; i < l->in_off[v + 1]; i++) {
        uint32_t e = l->in_edge[i];
        hl_label label = s->label[e];
        hl_node from = source_of(s, e);
        bool inner = hl_links_passed(l, from);
        if (inner && (is_weak(label) || is_shunned(l->g, label)))
            continue;
        if (!inner)
            give(l, from, label, v, fn, ctx);
        else if (hl_role(l->g, from) == HL_ROLE_CELL)
            to_through_cell(l, from, v, fn, ctx);
        else if (hl_role(l->g, from) == HL_ROLE_TUPLE)
            to_through_tuple(l, from, label, v, fn, ctx);
        else
            give_entry(l, l->g->parent[from], label, v, fn, ctx);
    }
}

/* ---- on the chain ------------------------------------------------------------------------------ */

hl_node hl_links_above(hl_links *l, hl_node v)
{
    hl_node u = l->g->parent[v];
    while (u != HL_NO_NODE && hl_links_passed(l, u))
        u = l->g->parent[u];
    return u;
}

/* Is u -> v the one reference by which v is reached? Others come from what v itself keeps. */
static bool is_bridge(const hl_links *l, hl_node u, hl_node v)
{
    const hl_snap *s = l->g->snap;
    uint32_t n = 0;
    if (l->g->idom[v] != u)
        return false;
    for (uint32_t i = l->in_off[v]; i < l->in_off[v + 1] && n < 2; i++) {
        hl_node from = source_of(s, l->in_edge[i]);
        bool below = l->first[from] - l->first[v] < l->within[v];
        n += !below && hl_edge_holds(s->label[l->in_edge[i]]);
    }
    return n == 1;
}

bool hl_links_alone(hl_links *l, hl_node v)
{
    const hl_graph *g = l->g;
    hl_node u = g->parent[v];
    if (u == HL_NO_NODE || !is_bridge(l, u, v))
        return false;
    /* of a namespace the entry goes; a closure's tuple and cell go with the function */
    while (hl_links_passed(l, u) && hl_role(g, u) != HL_ROLE_DICT) {
        if (!is_bridge(l, g->parent[u], u))
            return false;
        u = g->parent[u];
    }
    return true;
}
