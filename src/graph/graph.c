/* graph/graph.c: a snapshot becomes a graph that can be asked.
 *
 * Room   graph; analyser process; works on a loaded hl_snap, never on a target.
 * Takes  hl_snap (borrowed).   Gives  hl_graph: what reach.c and dom.c fill, and small questions.
 * Knows  base, snapshot.  Must not know  mem, pyabi, stdio.
 * Method counts in-edges, gives names and types their roles once, then lets reach.c search. */
#include "graph/graph_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint32_t hl_text_hash(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

void *hl_graph_array(hl_arena *a, size_t count, size_t size, hl_err *err)
{
    void *p = hl_arena_array(a, count, size);
    if (!p)
        hl_err_set(err, HL_NO_MEMORY, "no memory for a graph array of %zu x %zu bytes", count,
                   size);
    return p;
}

/* ---- roles --------------------------------------------------------------------------------------
 */

static const struct {
    const char *text;
    enum hl_name_role role;
} name_roles[] = {
    {"__dict__", HL_NAME_DICT},          {"__closure__", HL_NAME_CLOSURE},
    {"__defaults__", HL_NAME_DEFAULTS},  {"__kwdefaults__", HL_NAME_KWDEFAULTS},
    {"__code__", HL_NAME_CODE},          {"__self__", HL_NAME_METHOD},
    {"__func__", HL_NAME_METHOD},        {"__wrapped__", HL_NAME_METHOD},
    {"__globals__", HL_NAME_GLOBALS},    {"__builtins__", HL_NAME_SHUNNED},
    {"__class__", HL_NAME_SHUNNED},      {"__base__", HL_NAME_SHUNNED},
    {"__bases__", HL_NAME_SHUNNED},      {"__mro__", HL_NAME_SHUNNED},
    {"__subclasses__", HL_NAME_SHUNNED}, {"__objclass__", HL_NAME_SHUNNED},
    {"__module__", HL_NAME_SHUNNED},     {"f_back", HL_NAME_SHUNNED},
    {"f_globals", HL_NAME_SHUNNED},      {"f_builtins", HL_NAME_SHUNNED},
};

static enum hl_name_role name_role_of(const char *text)
{
    if (text[0] != '_' && text[0] != 'f')
        return HL_NAME_PLAIN;
    for (size_t i = 0; i < sizeof name_roles / sizeof *name_roles; i++)
        if (!strcmp(text, name_roles[i].text))
            return name_roles[i].role;
    return HL_NAME_PLAIN;
}

static const struct {
    const char *text;
    enum hl_type_role role;
} type_roles[] = {
    {"dict", HL_ROLE_DICT},
    {"tuple", HL_ROLE_TUPLE},
    {"list", HL_ROLE_LIST},
    {"cell", HL_ROLE_CELL},
    {"function", HL_ROLE_FUNCTION},
    {"module", HL_ROLE_MODULE},
    {"frame", HL_ROLE_FRAME},
    {"generator", HL_ROLE_GENERATOR},
    {"coroutine", HL_ROLE_GENERATOR},
    {"async_generator", HL_ROLE_GENERATOR},
    {"functools._lru_cache_wrapper", HL_ROLE_LRU},
    {"_functools._lru_cache_wrapper", HL_ROLE_LRU},
};

static enum hl_type_role type_role_of(const hl_snap_type *t, const char *name)
{
    if (t->flags & HL_TYPE_TYPE)
        return HL_ROLE_TYPE;
    if (t->flags & HL_TYPE_EXCEPTION)
        return HL_ROLE_EXCEPTION;
    for (size_t i = 0; i < sizeof type_roles / sizeof *type_roles; i++)
        if (!strcmp(name, type_roles[i].text))
            return type_roles[i].role;
    if (!strcmp(name, "type"))
        return HL_ROLE_TYPE;
    return t->flags & HL_TYPE_HEAP ? HL_ROLE_INSTANCE : HL_ROLE_OTHER;
}

static void assign_roles(hl_graph *g)
{
    const hl_snap *s = g->snap;
    for (uint32_t i = 0; i < s->n_names; i++)
        g->name_role[i] = (uint8_t)name_role_of(s->names[i]);
    for (uint32_t i = 0; i < s->n_types; i++)
        g->type_role[i] = (uint8_t)type_role_of(&s->types[i], s->names[s->types[i].name]);
}

/* ---- creation -----------------------------------------------------------------------------------
 */

static bool is_uneven(const hl_snap *s, hl_node v, const uint32_t *in_count)
{
    return !(s->flag[v] & (HL_NODE_IMMORTAL | HL_NODE_STATIC)) &&
           hl_snap_refcnt(s, v) != in_count[v];
}

/* Few nodes are uneven, so the counts of the others need not be kept. */
static hl_status keep_uneven(hl_graph *g, const uint32_t *in_count, hl_err *err)
{
    const hl_snap *s = g->snap;
    uint32_t n = 0;
    for (hl_node v = 0; v < s->nodes; v++)
        n += is_uneven(s, v, in_count);
    g->uneven = hl_graph_array(&g->arena, n, sizeof *g->uneven, err);
    if (!g->uneven)
        return err->status;
    for (hl_node v = 0; v < s->nodes; v++) {
        if (!is_uneven(s, v, in_count))
            continue;
        g->uneven[g->n_uneven++] = (hl_uneven){.node = v, .in_count = in_count[v]};
        if (!(s->flag[v] & HL_NODE_TRACKED) && s->off[v] == s->off[v + 1])
            continue;
        g->n_excess += hl_snap_refcnt(s, v) > in_count[v];
        g->n_deficit += hl_snap_refcnt(s, v) < in_count[v];
    }
    return HL_OK;
}

static hl_status reach_from_counts(hl_graph *g, hl_err *err)
{
    const hl_snap *s = g->snap;
    hl_arena temp;
    hl_arena_init(&temp);
    uint32_t *in_count = hl_graph_array(&temp, s->nodes, sizeof *in_count, err);
    hl_status status = in_count ? HL_OK : err->status;
    for (uint32_t e = 0, end = s->off[s->nodes]; !status && e < end; e++)
        in_count[s->dst[e]] += hl_edge_counted(s->label[e]);
    if (!status)
        status = keep_uneven(g, in_count, err);
    if (!status)
        status = hl_reach(g, in_count, err);
    hl_arena_deinit(&temp);
    return status;
}

static hl_status graph_fill(hl_graph *g, hl_err *err)
{
    const hl_snap *s = g->snap;
    size_t n = s->nodes;
    g->parent = hl_graph_array(&g->arena, n, sizeof *g->parent, err);
    g->via = hl_graph_array(&g->arena, n, sizeof *g->via, err);
    g->order = hl_graph_array(&g->arena, n, sizeof *g->order, err);
    g->from = hl_graph_array(&g->arena, n, sizeof *g->from, err);
    g->name_role = hl_graph_array(&g->arena, s->n_names, 1, err);
    g->type_role = hl_graph_array(&g->arena, s->n_types, 1, err);
    if (!g->parent || !g->via || !g->order || !g->from || !g->name_role || !g->type_role)
        return err->status;
    assign_roles(g);
    if (hl_find_ledgers(g, err) || reach_from_counts(g, err))
        return err->status;
    return hl_reach_homes(g, err);
}

hl_status hl_graph_create(const hl_snap *snap, hl_graph **out, hl_err *err)
{
    hl_graph *g = calloc(1, sizeof *g);
    if (!g)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a graph");
    hl_arena_init(&g->arena);
    g->snap = snap;
    if (graph_fill(g, err)) {
        hl_graph_destroy(g);
        return err->status;
    }
    *out = g;
    return HL_OK;
}

void hl_graph_destroy(hl_graph *g)
{
    if (!g)
        return;
    hl_arena_deinit(&g->arena);
    free(g);
}

/* ---- questions ----------------------------------------------------------------------------------
 */

const hl_graph_root *hl_graph_root_of(const hl_graph *g, hl_node root)
{
    uint32_t lo = 0, hi = g->n_roots;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (g->roots[mid].node < root)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < g->n_roots && g->roots[lo].node == root ? &g->roots[lo] : NULL;
}

uint64_t hl_graph_own_bytes(const hl_graph *g, hl_node v)
{
    uint32_t first;
    uint64_t bytes = hl_snap_size(g->snap, v);
    for (uint32_t i = 0, n = hl_snap_folds_of(g->snap, v, &first); i < n; i++)
        bytes += hl_snap_fold_at(g->snap, first + i).bytes;
    return bytes;
}

uint64_t hl_graph_own_objects(const hl_graph *g, hl_node v)
{
    uint32_t first;
    uint64_t objects = 1;
    for (uint32_t i = 0, n = hl_snap_folds_of(g->snap, v, &first); i < n; i++)
        objects += hl_snap_fold_at(g->snap, first + i).objects;
    return objects;
}

int64_t hl_graph_excess(const hl_graph *g, hl_node v)
{
    uint32_t lo = 0, hi = g->n_uneven;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (g->uneven[mid].node < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == g->n_uneven || g->uneven[lo].node != v)
        return 0;
    return (int64_t)hl_snap_refcnt(g->snap, v) - (int64_t)g->uneven[lo].in_count;
}

hl_node hl_graph_uneven(const hl_graph *g, uint32_t i, int64_t *excess)
{
    hl_node v = g->uneven[i].node;
    *excess = (int64_t)hl_snap_refcnt(g->snap, v) - (int64_t)g->uneven[i].in_count;
    return v;
}

hl_node hl_graph_follow(const hl_graph *g, hl_node v, enum hl_label_kind kind, const char *name)
{
    const hl_snap *s = g->snap;
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
        hl_label l = s->label[e];
        if (hl_label_kind(l) == kind && hl_label_value(l) < s->n_names &&
            !strcmp(s->names[hl_label_value(l)], name))
            return s->dst[e];
    }
    return HL_NO_NODE;
}

hl_node hl_follow_role(const hl_graph *g, hl_node v, enum hl_name_role role)
{
    const hl_snap *s = g->snap;
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++)
        if (hl_label_role(g, s->label[e]) == role)
            return s->dst[e];
    return HL_NO_NODE;
}

hl_label hl_graph_label(const hl_graph *g, hl_node src, hl_node dst)
{
    const hl_snap *s = g->snap;
    for (uint32_t e = s->off[src]; e < s->off[src + 1]; e++)
        if (s->dst[e] == dst && hl_edge_holds(s->label[e]))
            return s->label[e];
    return UINT32_MAX;
}

bool hl_graph_is_namespace(const hl_graph *g, hl_node dict)
{
    const hl_snap *s = g->snap;
    enum hl_name_role role = hl_label_role(g, g->via[dict]);
    if (g->parent[dict] != HL_NO_NODE && (role == HL_NAME_DICT || role == HL_NAME_GLOBALS))
        return true;
    if (hl_role(g, dict) != HL_ROLE_DICT)
        return false;
    for (uint32_t e = s->off[dict]; e < s->off[dict + 1]; e++) {
        enum hl_label_kind kind = hl_label_kind(s->label[e]);
        if (kind == HL_LABEL_KEY || kind == HL_LABEL_VALUE)
            return kind == HL_LABEL_KEY;
    }
    return false;
}

bool hl_edge_is_plumbing(const hl_graph *g, hl_node from, hl_label label, hl_node v)
{
    switch (hl_label_role(g, label)) {
    case HL_NAME_DICT:
    case HL_NAME_CLOSURE:
    case HL_NAME_DEFAULTS:
    case HL_NAME_KWDEFAULTS:
        return true;
    case HL_NAME_PLAIN:
    case HL_NAME_CODE:
    case HL_NAME_METHOD:
    case HL_NAME_GLOBALS:
    case HL_NAME_SHUNNED:
        break;
    }
    enum hl_type_role role = hl_role(g, v);
    return role == HL_ROLE_CELL || (role == HL_ROLE_DICT && hl_role(g, from) == HL_ROLE_LRU);
}

bool hl_graph_is_plumbing(const hl_graph *g, hl_node v)
{
    hl_node from = g->parent[v];
    return from != HL_NO_NODE && hl_edge_is_plumbing(g, from, g->via[v], v);
}

hl_node hl_graph_owner(const hl_graph *g, hl_node v)
{
    hl_node u = g->parent[v];
    while (u != HL_NO_NODE && hl_graph_is_plumbing(g, u))
        u = g->parent[u];
    return u;
}

uint32_t hl_dullness(const hl_graph *g, hl_node v)
{
    switch (hl_role(g, v)) {
    case HL_ROLE_INSTANCE:
        return 0;
    case HL_ROLE_EXCEPTION:
        return 1;
    case HL_ROLE_TYPE:
    case HL_ROLE_FUNCTION:
    case HL_ROLE_GENERATOR:
        return 2;
    case HL_ROLE_OTHER:
    case HL_ROLE_LRU:
    case HL_ROLE_MODULE:
        return 3;
    case HL_ROLE_LIST:
    case HL_ROLE_FRAME:
        return 4;
    case HL_ROLE_DICT:
    case HL_ROLE_TUPLE:
    case HL_ROLE_CELL:
        break;
    }
    return 5;
}
