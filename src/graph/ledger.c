/* graph/ledger.c: where libraries note what runs, so that chains do not lead through there.
 *
 * Room   graph; analyser process; before reach.c.
 * Takes  hl_graph with roles.   Gives  ledgers and hands.
 * Knows  base, snapshot.
 * Method some ledgers are variables of modules (threading._active). Those of an event loop are found
 *        by what only a loop has, both a list _scheduled and a deque _ready: its hands, and with
 *        them the selector's map of files. What a call of the program has is named by that call,
 *        not by the handle that happened to be due when somebody looked. */
#include "graph/graph_parts.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *module, *name;
} variables[] = {
    {"threading", "_active"},
    {"threading", "_limbo"},
    {"concurrent.futures.thread", "_threads_queues"},
    {"concurrent.futures.process", "_threads_wakeups"},
    {"asyncio.tasks", "_current_tasks"},
    {"multiprocessing.util", "_finalizer_registry"},
};

/* What the search looks for, as names of this snapshot; 0: it has no such name. */
typedef struct loop_names {
    hl_name scheduled, ready, files;
} loop_names;

static void add(hl_node *list, uint32_t *n, hl_node v)
{
    if (*n < HL_LEDGERS_MAX)
        list[(*n)++] = v;
}

static void add_variables(hl_graph *g)
{
    const hl_snap *s = g->snap;
    for (uint32_t i = 0; i < s->n_roots; i++)
        for (size_t k = 0; k < sizeof variables / sizeof *variables; k++) {
            if (s->roots[i].kind != HL_ROOT_MODULE || s->roots[i].name >= s->n_names ||
                strcmp(s->names[s->roots[i].name], variables[k].module) != 0)
                continue;
            hl_node dict = hl_follow_role(g, s->roots[i].node, HL_NAME_DICT);
            hl_node at = dict == HL_NO_NODE
                             ? HL_NO_NODE
                             : hl_graph_follow(g, dict, HL_LABEL_KEY, variables[k].name);
            if (at != HL_NO_NODE)
                add(g->ledgers, &g->n_ledgers, at);
        }
}

static loop_names find_names(const hl_snap *s)
{
    loop_names found = {0};
    for (hl_name i = 1; i < s->n_names; i++) {
        const char *name = s->names[i];
        if (name[0] != '_')
            continue;
        if (!found.scheduled && !strcmp(name, "_scheduled"))
            found.scheduled = i;
        else if (!found.ready && !strcmp(name, "_ready"))
            found.ready = i;
        else if (!found.files && !strcmp(name, "_fd_to_key"))
            found.files = i;
    }
    return found;
}

static bool type_is(const hl_snap *s, hl_node v, const char *name)
{
    return !strcmp(hl_snap_type_name(s, v), name);
}

/* The object that v's attribute `name` is, if it is of this type. */
static hl_node attribute(const hl_snap *s, hl_node v, hl_name name, const char *type)
{
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
        enum hl_label_kind kind = hl_label_kind(s->label[e]);
        if (hl_label_value(s->label[e]) == name &&
            (kind == HL_LABEL_KEY || kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT) &&
            type_is(s, s->dst[e], type))
            return s->dst[e];
    }
    return HL_NO_NODE;
}

/* v: an instance, or its dict. */
static void add_loop(hl_graph *g, hl_node v, const loop_names *names)
{
    const hl_snap *s = g->snap;
    hl_node scheduled = attribute(s, v, names->scheduled, "list");
    hl_node ready = attribute(s, v, names->ready, "collections.deque");
    if (scheduled == HL_NO_NODE || ready == HL_NO_NODE)
        return;
    add(g->hands, &g->n_hands, scheduled);
    add(g->hands, &g->n_hands, ready);
    add(g->ledgers, &g->n_ledgers, scheduled);
    add(g->ledgers, &g->n_ledgers, ready);
}

static void add_loops(hl_graph *g)
{
    const hl_snap *s = g->snap;
    loop_names names = find_names(s);
    if (!names.scheduled || !names.ready)
        return;
    for (hl_node v = 0; v < s->nodes; v++)
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
            hl_name name = hl_label_value(s->label[e]);
            if (name != names.ready && (!names.files || name != names.files))
                continue;
            enum hl_label_kind kind = hl_label_kind(s->label[e]);
            if (kind != HL_LABEL_KEY && kind != HL_LABEL_ATTR && kind != HL_LABEL_SLOT)
                continue;
            if (name == names.ready)
                add_loop(g, v, &names);
            else if (type_is(s, s->dst[e], "dict"))
                add(g->ledgers, &g->n_ledgers, s->dst[e]);
        }
}

static int by_node(const void *x, const void *y)
{
    const hl_node *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

hl_status hl_find_ledgers(hl_graph *g, hl_err *err)
{
    g->ledgers = hl_graph_array(&g->arena, HL_LEDGERS_MAX, sizeof *g->ledgers, err);
    g->hands = hl_graph_array(&g->arena, HL_LEDGERS_MAX, sizeof *g->hands, err);
    if (!g->ledgers || !g->hands)
        return err->status;
    add_variables(g);
    add_loops(g);
    qsort(g->ledgers, g->n_ledgers, sizeof *g->ledgers, by_node);
    qsort(g->hands, g->n_hands, sizeof *g->hands, by_node);
    for (uint32_t i = 0; i < g->n_ledgers; i++)
        g->ledger_bits |= UINT64_C(1) << (g->ledgers[i] & 63);
    return HL_OK;
}

bool hl_ledger_find(const hl_node *list, uint32_t n, hl_node v)
{
    return n && bsearch(&v, list, n, sizeof *list, by_node) != NULL;
}

bool hl_graph_in_hand(const hl_graph *g, hl_node queue)
{
    return hl_ledger_find(g->hands, g->n_hands, queue);
}
