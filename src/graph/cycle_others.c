/* graph/cycle_others.c: what else holds the objects of a garbage cycle together.
 *
 * Room   graph; analyser process.
 * Takes  one component of the garbage, and the back reference of the cycle that is shown of it.
 * Gives  the names of the others: of a tree whose nodes know parent, next and previous one is shown, and
 *        with that one gone the rest still hold each other.
 * Method in turn: a depth-first search for any cycle without the references that are named already; of
 *        what it finds the attribute that leads back. Linear in the component, for each name.
 * Knows  base, snapshot. */
#include "graph/graph_parts.h"

#include <string.h>

enum { NEW = 0, OPEN = 1, DONE = 2, TEXT = 256 };

typedef struct search {
    const hl_graph *g;
    const hl_node *members;
    uint32_t n;
    uint32_t *place;        /* by node: index among the members + 1; 0: none of them */
    uint8_t *state;         /* by member */
    uint32_t *stack, *edge; /* by depth: a member; by member: its next edge */
    hl_label without[HL_CYCLE_OTHERS + 1];
    uint32_t n_without;
} search;

static bool is_name(enum hl_label_kind kind)
{
    return kind == HL_LABEL_KEY || kind == HL_LABEL_NAMED || kind == HL_LABEL_ATTR ||
           kind == HL_LABEL_SLOT;
}

/* By its name: the dict of one instance may be real, and that of the next not. */
static bool is_named_already(const search *w, hl_label label)
{
    for (uint32_t i = 0; i < w->n_without && is_name(hl_label_kind(label)); i++)
        if (hl_label_value(w->without[i]) == hl_label_value(label))
            return true;
    return false;
}

static bool is_attribute(const hl_graph *g, hl_node from, hl_label label)
{
    if (hl_label_kind(label) == HL_LABEL_KEY)
        return hl_graph_is_namespace(g, from);
    return is_name(hl_label_kind(label)) && hl_role(g, from) == HL_ROLE_INSTANCE &&
           hl_label_role(g, label) == HL_NAME_PLAIN &&
           strcmp(hl_snap_type_name(g->snap, from), "functools.partial") != 0;
}

/* On the stack, of the cycle that the edge from its top closes: the last attribute, or that edge. */
static bool pick(search *w, uint32_t depth, uint32_t closes_at, hl_label back, hl_node *of,
                 hl_label *label)
{
    const hl_snap *s = w->g->snap;
    hl_label in = back;
    for (uint32_t d = depth + 1; d-- > closes_at;) {
        hl_node from = w->members[w->stack[d]];
        if (is_attribute(w->g, from, in)) {
            bool of_dict = hl_label_kind(in) == HL_LABEL_KEY && d > closes_at;
            *of = of_dict ? w->members[w->stack[d - 1]] : from;
            *label = in;
            return true;
        }
        if (d > closes_at) /* the edge that led to this one */
            in = s->label[w->edge[w->stack[d - 1]] - 1];
    }
    return false;
}

/* Any cycle without the references named already. */
static bool find(search *w, hl_node *of, hl_label *label)
{
    const hl_snap *s = w->g->snap;
    memset(w->state, NEW, w->n);
    for (uint32_t i = 0; i < w->n; i++)
        w->edge[i] = s->off[w->members[i]];
    for (uint32_t root = 0; root < w->n; root++) {
        uint32_t depth = 0;
        if (w->state[root] != NEW)
            continue;
        w->stack[0] = root;
        w->state[root] = OPEN;
        for (;;) {
            uint32_t at = w->stack[depth];
            if (w->edge[at] == s->off[w->members[at] + 1]) {
                w->state[at] = DONE;
                if (!depth--)
                    break;
                continue;
            }
            uint32_t e = w->edge[at]++, to = w->place[s->dst[e]];
            if (!to-- || !hl_edge_holds(s->label[e]) || is_named_already(w, s->label[e]) ||
                w->state[to] == DONE)
                continue;
            if (w->state[to] == NEW) {
                w->stack[++depth] = to;
                w->state[to] = OPEN;
                continue;
            }
            uint32_t closes_at = depth;
            while (w->stack[closes_at] != to)
                closes_at--;
            return pick(w, depth, closes_at, s->label[e], of, label);
        }
    }
    return false;
}

static hl_status name_all(search *w, hl_cycle *cycle, hl_arena *out, hl_err *err)
{
    hl_node of = HL_NO_NODE;
    hl_label label = 0;
    while (find(w, &of, &label)) {
        if (cycle->n_others == HL_CYCLE_OTHERS) {
            cycle->more_others = true;
            break;
        }
        char text[TEXT];
        hl_label_text(w->g->snap, label, text, sizeof text);
        const char *name = hl_arena_printf(out, "%s%s", hl_snap_type_name(w->g->snap, of), text);
        if (!name)
            return hl_err_set(err, HL_NO_MEMORY, "no memory for the names of cycles");
        cycle->others[cycle->n_others++] = name;
        w->without[w->n_without++] = label;
    }
    return HL_OK;
}

hl_status hl_cycle_others(const hl_graph *g, const hl_node *members, uint32_t n, uint32_t *place,
                          hl_arena *temp, hl_arena *out, hl_cycle *cycle, hl_err *err)
{
    search w = {.g = g, .members = members, .n = n, .place = place};
    for (uint32_t i = cycle->n_edges; i-- > 0 && !w.n_without;)
        if (is_name(hl_label_kind(cycle->edges[i].label)))
            w.without[w.n_without++] = cycle->edges[i].label;
    if (!w.n_without)
        return HL_OK;
    w.state = hl_graph_array(temp, n, 1, err);
    w.stack = hl_graph_array(temp, n, sizeof *w.stack, err);
    w.edge = hl_graph_array(temp, n, sizeof *w.edge, err);
    if (!w.state || !w.stack || !w.edge)
        return err->status;
    for (uint32_t i = 0; i < n; i++)
        place[members[i]] = i + 1;
    hl_status status = name_all(&w, cycle, out, err);
    for (uint32_t i = 0; i < n; i++)
        place[members[i]] = 0;
    hl_arena_release(temp, w.edge);
    hl_arena_release(temp, w.stack);
    hl_arena_release(temp, w.state);
    return status;
}
