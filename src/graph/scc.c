/* graph/scc.c: which objects hold each other in circles.
 *
 * Room   graph; analyser process; works on any set of nodes of a snapshot.
 * Takes  hl_snap (borrowed), a mask of nodes.   Gives  hl_scc, arrays in the caller's arena.
 * Knows  base, snapshot.
 * Method Tarjan's, on an explicit stack: a linked list of millions is one path of millions. The
 *        component array serves as the numbering until a node's component is known; the test
 *        compares with mutual reachability. */
#include "graph/graph_parts.h"

#include <string.h>

typedef struct tarjan {
    const hl_snap *s;
    const uint8_t *wanted; /* NULL: all */
    uint32_t *low;         /* number in order of discovery, lowered to the oldest one reachable */
    uint32_t *number;      /* 0: not seen; DONE: in a component */
    uint32_t *cursor;      /* next edge of the nodes on the path */
    hl_node *path;         /* from the start to here */
    hl_node *open;         /* seen, component not known yet */
    uint32_t n_path, n_open, last, n_members;
    hl_scc *out;
} tarjan;

static void enter(tarjan *t, hl_node v)
{
    t->number[v] = t->low[v] = ++t->last;
    t->cursor[v] = t->s->off[v];
    t->path[t->n_path++] = v;
    t->open[t->n_open++] = v;
}

/* v and all above it on the open stack are one component. */
static void close_component(tarjan *t, hl_node v)
{
    hl_scc *out = t->out;
    hl_node w;
    do {
        w = t->open[--t->n_open];
        out->component[w] = out->count;
        out->members[t->n_members++] = w;
    } while (w != v);
    out->off[++out->count] = t->n_members;
}

static void search(tarjan *t, hl_node start)
{
    const hl_snap *s = t->s;
    enter(t, start);
    while (t->n_path) {
        hl_node v = t->path[t->n_path - 1];
        if (t->cursor[v] < s->off[v + 1]) {
            uint32_t e = t->cursor[v]++;
            hl_node w = s->dst[e];
            if (!hl_edge_holds(s->label[e]) || (t->wanted && !t->wanted[w]))
                continue;
            if (!t->number[w])
                enter(t, w);
            else if (t->out->component[w] == UINT32_MAX && t->number[w] < t->low[v])
                t->low[v] = t->number[w];
            continue;
        }
        t->n_path--;
        if (t->n_path) {
            hl_node above = t->path[t->n_path - 1];
            if (t->low[v] < t->low[above])
                t->low[above] = t->low[v];
        }
        if (t->low[v] == t->number[v])
            close_component(t, v);
    }
}

hl_status hl_scc_find(const hl_snap *s, const uint8_t *wanted, hl_arena *arena, hl_scc *out,
                      hl_err *err)
{
    size_t n = s->nodes, n_wanted = 0;
    for (hl_node v = 0; v < n; v++)
        n_wanted += !wanted || wanted[v];
    hl_scc scc = {
        .component = hl_graph_array(arena, n, sizeof *scc.component, err),
        .off = hl_graph_array(arena, n_wanted + 1, sizeof *scc.off, err),
        .members = hl_graph_array(arena, n_wanted, sizeof *scc.members, err),
    };
    tarjan t = {
        .s = s,
        .wanted = wanted,
        .low = hl_graph_array(arena, n, sizeof *t.low, err),
        .number = hl_graph_array(arena, n, sizeof *t.number, err),
        .cursor = hl_graph_array(arena, n, sizeof *t.cursor, err),
        .path = hl_graph_array(arena, n_wanted, sizeof *t.path, err),
        .open = hl_graph_array(arena, n_wanted, sizeof *t.open, err),
        .out = &scc,
    };
    bool whole = scc.component && scc.off && scc.members && t.low && t.number && t.cursor &&
                 t.path && t.open;
    if (whole) {
        memset(scc.component, 0xff, n * sizeof *scc.component);
        for (hl_node v = 0; v < n; v++)
            if ((!wanted || wanted[v]) && !t.number[v])
                search(&t, v);
        *out = scc;
    }
    hl_arena_release(arena, t.low);
    hl_arena_release(arena, t.number);
    hl_arena_release(arena, t.cursor);
    hl_arena_release(arena, t.path);
    hl_arena_release(arena, t.open);
    return whole ? HL_OK : err->status;
}
