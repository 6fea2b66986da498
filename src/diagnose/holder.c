/* diagnose/holder.c: the object that gains, what people call it, and the chain that shows it.
 *
 * Room   diagnose; analyser process; works on the anchor's graph.
 * Knows  graph. Plumbing (instance dicts, the dict in an lru_cache wrapper) is stepped over, so
 *        that the holder is always something a developer can find in a source file. */
#include "diagnose/below.h"
#include "diagnose/case.h"
#include "diagnose/pattern.h"

#include <string.h>

enum { NAME_MAX_BYTES = 240, CHAIN_MAX = 64, SHOWN_MAX = 12 };

static bool type_is(const hl_snap *s, hl_node v, const char *name)
{
    return v != HL_NO_NODE && !strcmp(hl_snap_type_name(s, v), name);
}

static bool named_edge(const hl_graph *g, hl_label l, const char *name)
{
    return hl_label_kind(l) == HL_LABEL_NAMED && !strcmp(g->snap->names[hl_label_value(l)], name);
}

static bool is_type(const hl_snap *s, hl_node v)
{
    uint32_t t = s->type[v];
    return t < s->n_types && (s->types[t].flags & HL_TYPE_TYPE);
}

/* The member of the shape that gains most: most items, else most retained. */
static hl_node holder_of(const hl_case *c, const hl_growth *g)
{
    hl_node best = HL_NO_NODE;
    if (g->address)
        return hl_snap_find_address(c->snap, g->address);
    for (hl_node v = 0; v < c->snap->nodes; v++) {
        if (hl_case_shape(c, v) != g->shape)
            continue;
        if (best == HL_NO_NODE || hl_snap_len(c->snap, v) > hl_snap_len(c->snap, best) ||
            (hl_snap_len(c->snap, v) == hl_snap_len(c->snap, best) &&
             c->graph->retained_bytes[v] > c->graph->retained_bytes[best]))
            best = v;
    }
    return best;
}

/* Steps from plumbing to what a developer sees. */
static hl_node lift(const hl_case *c, hl_node v)
{
    hl_node up = c->graph->parent[v];
    if (up == HL_NO_NODE)
        return v;
    if (type_is(c->snap, up, "functools._lru_cache_wrapper") && type_is(c->snap, v, "dict"))
        return up;
    if (named_edge(c->graph, c->graph->via[v], "buffer") &&
        (type_is(c->snap, up, "_io.StringIO") || type_is(c->snap, up, "_io.BytesIO")))
        return up; /* what was written to it */
    if (hl_label_kind(c->graph->via[v]) == HL_LABEL_NAMED && hl_graph_is_namespace(c->graph, v))
        return up;
    return v;
}

/* Which kind of place names v: the last name on its chain decides. */
static const char *kind_of(const hl_case *c, hl_node v, hl_node *owner)
{
    const hl_graph *g = c->graph;
    const hl_snap *s = c->snap;
    for (; v != HL_NO_NODE; v = g->parent[v]) {
        hl_node up = g->parent[v];
        *owner = up;
        if (up == HL_NO_NODE)
            break;
        switch (hl_label_kind(g->via[v])) {
        case HL_LABEL_KEY: {
            hl_node who = g->parent[up];
            *owner = who;
            if (who == HL_NO_NODE)
                return "module-global";
            if (type_is(s, who, "module"))
                return "module-global";
            /* only a thread-local has dicts in its dict */
            if (named_edge(g, g->via[up], "__dict__") && named_edge(g, g->via[who], "__dict__"))
                return "thread-local";
            if (type_is(s, who, "function") &&
                hl_graph_follow(g, who, HL_LABEL_NAMED, "__kwdefaults__") == up)
                return "mutable-default";
            return is_type(s, who) ? "class-attribute" : "instance-attribute";
        }
        case HL_LABEL_ATTR:
        case HL_LABEL_SLOT:
            return "instance-attribute";
        case HL_LABEL_LOCAL:
            return "frame-local";
        case HL_LABEL_CELL:
            /* a cell variable of a frame that still runs is that frame's local */
            for (hl_node a = up; a != HL_NO_NODE; a = g->parent[a])
                if (hl_label_kind(g->via[a]) == HL_LABEL_LOCAL && g->parent[a] != HL_NO_NODE &&
                    g->from[a] == HL_HOLD_FRAME && a == up) {
                    *owner = g->parent[a];
                    return "frame-local";
                }
            return "closure-cell";
        case HL_LABEL_INDEX:
            if (type_is(s, up, "tuple") && g->parent[up] != HL_NO_NODE &&
                type_is(s, g->parent[up], "function") &&
                hl_graph_follow(g, g->parent[up], HL_LABEL_NAMED, "__defaults__") == up) {
                *owner = g->parent[up];
                return "mutable-default";
            }
            break;
        case HL_LABEL_INTERNAL:
        case HL_LABEL_NAMED:
        case HL_LABEL_VALUE:
        case HL_LABEL_DICTKEY:
        case HL_LABEL_ELEMENT:
        case HL_LABEL_STACK:
        case HL_LABEL_WEAK:
        case HL_LABEL_TYPE:
        case HL_LABEL_BASE:
        case HL_LABEL_UNOWNED:
            break;
        }
    }
    if (v == HL_NO_NODE)
        return "none";
    switch ((enum hl_hold)g->from[v]) {
    case HL_HOLD_THREAD:
        return "thread-local";
    case HL_HOLD_C:
        return "native";
    case HL_HOLD_TYPE:
        return "class-attribute";
    case HL_HOLD_MODULE:
        return "module-global";
    case HL_HOLD_FRAME:
        return "frame-local";
    case HL_HOLD_INTERP:
    case HL_HOLD_GC_GARBAGE:
        return "interpreter";
    case HL_HOLD_NONE:
    case HL_HOLD_CYCLE:
    case HL_HOLD_STRAY:
        break;
    }
    return "none";
}

/* A member of the shape below g whose tree gained most, to show what is kept. */
static void find_payload(const hl_case *c, const hl_growth *g, hl_suspect *out)
{
    hl_shape best = 0;
    uint64_t gain = 0;
    for (hl_shape s = g->shape + 1; !g->address && s < c->shapes.n_shapes; s++) {
        if (c->shapes.shapes[s].parent != g->shape)
            continue;
        uint64_t is = hl_shapes_count(&c->shapes, g->anchor, s).tree_bytes;
        uint64_t was = hl_shapes_count(&c->shapes, 0, s).tree_bytes;
        if (is > was && is - was > gain) {
            gain = is - was;
            best = s;
        }
    }
    out->payload = HL_NO_NODE;
    out->payload_shape = best;
    uint64_t most = 0;
    hl_node holder = g->address ? hl_snap_find_address(c->snap, g->address) : HL_NO_NODE;
    for (hl_node v = 0; holder != HL_NO_NODE && v < c->snap->nodes; v++)
        if (c->graph->parent[v] == holder && c->graph->retained_bytes[v] >= most) {
            most = c->graph->retained_bytes[v];
            out->payload = v;
        }
    if (g->address)
        return; /* followed by address: it has no shape of its own */
    for (hl_node v = 0; best && v < c->snap->nodes; v++)
        if (hl_case_shape(c, v) == best && c->graph->retained_bytes[v] >= most) {
            most = c->graph->retained_bytes[v];
            out->payload = v;
        }
}

/* Eight lists in a dict that all gain are one finding: together they keep what they keep. */
static void count_members(const hl_case *c, const hl_growth *g, hl_node holder, hl_suspect *out)
{
    out->members = 1;
    out->retained_bytes = c->graph->retained_bytes[out->holder];
    out->retained_objects = c->graph->retained_objects[out->holder];
    for (hl_node v = 0; !g->address && out->holder == holder && v < c->snap->nodes; v++) {
        if (v == holder || hl_case_shape(c, v) != g->shape ||
            c->snap->type[v] != c->snap->type[holder])
            continue;
        out->members++;
        out->retained_bytes += c->graph->retained_bytes[v];
        out->retained_objects += c->graph->retained_objects[v];
    }
}

/* The variable that keeps the function whose cell leads to v: of many functions made by one
 * memoize(), this one. NULL if it is called as its code is. */
static const char *function_variable(hl_case *c, hl_node v, const char *name)
{
    const hl_graph *g = c->graph;
    while (v != HL_NO_NODE && !type_is(c->snap, v, "function"))
        v = g->parent[v];
    hl_node space = v == HL_NO_NODE ? v : g->parent[v];
    if (space == HL_NO_NODE || hl_label_kind(g->via[v]) != HL_LABEL_KEY ||
        !hl_graph_is_namespace(g, space))
        return NULL;
    const char *variable = c->snap->names[hl_label_value(g->via[v])];
    char owner[NAME_MAX_BYTES];
    hl_node who = g->parent[space];
    hl_path_name(g, who == HL_NO_NODE ? space : who, owner, sizeof owner);
    const char *last = strrchr(name, '.');
    size_t n = strlen(variable);
    if (last && !strncmp(last + 1, variable, n) && last[1 + n] == ' ')
        return NULL;
    return hl_arena_printf(c->arena, "%s.%s", owner, variable);
}

/* What its chain knows as the `self` of a bound method somewhere is known by a call's local, if one
 * that runs has it. */
static const char *local_name(hl_case *c, const hl_suspect *s)
{
    const hl_graph *g = c->graph;
    hl_node from;
    if (!named_edge(g, g->via[s->holder], "__self__"))
        return NULL;
    for (hl_holders h = hl_graph_holders(g, s->holder); hl_holders_next(&h, &from);) {
        const hl_graph_root *root = hl_graph_root_of(g, from);
        hl_label l = root && root->hold == HL_HOLD_FRAME ? hl_graph_label(g, from, s->holder) : 0;
        if (!l || l == UINT32_MAX || hl_label_kind(l) != HL_LABEL_LOCAL)
            continue;
        char name[NAME_MAX_BYTES];
        hl_path_name(g, from, name, sizeof name);
        return hl_arena_printf(c->arena, "%s local %s", name, c->snap->names[hl_label_value(l)]);
    }
    return NULL;
}

/* A local of a coroutine that waits is known by the coroutine, not by who will wake it. */
static const char *name_of(hl_case *c, const hl_suspect *s)
{
    char name[NAME_MAX_BYTES];
    hl_path_name(c->graph, s->holder, name, sizeof name);
    if (!strcmp(s->kind, "frame-local") && s->owner != HL_NO_NODE &&
        c->graph->parent[s->owner] != HL_NO_NODE) {
        const char *local = NULL;
        for (const char *p = name; (p = strstr(p, " local ")); p++)
            local = p;
        static const char *const fields[] = {"cr_code", "gi_code", "ag_code", "f_code", "__code__"};
        for (size_t i = 0; local && i < sizeof fields / sizeof *fields; i++) {
            hl_node code = hl_graph_follow(c->graph, s->owner, HL_LABEL_NAMED, fields[i]);
            if (code != HL_NO_NODE)
                return hl_arena_printf(c->arena, "%s()%s", hl_code_name(c, code), local);
        }
    }
    /* a static method or a property is known by its name in the class, not by what the descriptor
     * calls the function */
    static const char *const inner[] = {".__func__", ".fget"};
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        size_t n = strlen(name), m = strlen(inner[i]);
        if (n > m && !strcmp(name + n - m, inner[i]))
            name[n - m] = 0;
    }
    bool in_cell = !strcmp(s->kind, "closure-cell") || !strcmp(s->kind, "instance-attribute");
    const char *cell = in_cell ? strstr(name, " closure ") : NULL;
    if (cell && strstr(cell + 1, " closure "))
        cell = NULL; /* which of the functions? */
    const char *variable = cell ? function_variable(c, s->holder, name) : NULL;
    if (variable)
        return hl_arena_printf(c->arena, "%s (%.*s)%s", variable, (int)(cell - name), name, cell);
    return hl_arena_copy(c->arena, name, strlen(name));
}

static void find_name(hl_case *c, hl_suspect *s)
{
    s->kind = kind_of(c, s->holder, &s->owner);
    const char *local = c->graph->parent[s->holder] == HL_NO_NODE ? NULL : local_name(c, s);
    s->name = local ? local : name_of(c, s);
    s->kind = local ? "frame-local" : s->kind;
}

bool hl_suspect_find(hl_case *c, const hl_growth *g, hl_suspect *out)
{
    hl_node holder = holder_of(c, g);
    if (holder == HL_NO_NODE)
        return false;
    *out = (hl_suspect){.growth = g, .holder = lift(c, holder)};
    find_payload(c, g, out);
    count_members(c, g, holder, out);
    find_name(c, out);
    return out->name != NULL;
}

bool hl_suspect_of(hl_case *c, hl_node holder, hl_node payload, hl_suspect *out)
{
    *out = (hl_suspect){.holder = holder,
                        .payload = payload,
                        .members = 1,
                        .retained_bytes = c->graph->retained_bytes[holder],
                        .retained_objects = c->graph->retained_objects[holder]};
    find_name(c, out);
    return out->name != NULL;
}

/* A coroutine or generator, or the frame it has before 3.11. */
static bool is_waiting_call(const hl_graph *g, hl_node v)
{
    const hl_snap *s = g->snap;
    if (type_is(s, v, "frame") && g->parent[v] != HL_NO_NODE)
        v = g->parent[v];
    return type_is(s, v, "coroutine") || type_is(s, v, "generator") ||
           type_is(s, v, "async_generator");
}

/* The step a chain is told from: who will wake a coroutine says nothing about its locals. */
static uint32_t first_told(const hl_case *c, const hl_step *steps, uint32_t n)
{
    for (uint32_t i = n; i-- > 2;)
        if (hl_label_kind(steps[i].label) == HL_LABEL_LOCAL &&
            is_waiting_call(c->graph, steps[i - 1].node))
            return i - 1;
    return 0;
}

/* What an object on the chain is called besides its type. */
static const char *called(hl_case *c, hl_node v)
{
    const hl_snap *s = c->snap;
    char name[NAME_MAX_BYTES];
    if (type_is(s, v, "function"))
        return hl_code_name(c, hl_graph_follow(c->graph, v, HL_LABEL_NAMED, "__code__"));
    if (type_is(s, v, "frame") || is_waiting_call(c->graph, v)) /* of many called main, this one */
        return hl_code_place(c, hl_code_of(c->graph, v));
    if (is_type(s, v) && strcmp(hl_kind_name(c, v), "?") != 0)
        return hl_arena_printf(c->arena, "%s", hl_kind_name(c, v));
    if (c->graph->parent[v] == HL_NO_NODE || is_type(s, v)) {
        hl_path_name(c->graph, v, name, sizeof name);
        return hl_arena_copy(c->arena, name, strlen(name));
    }
    return NULL;
}

/* The edge to steps[i], by the name its variable has where one is in sight. */
static const char *edge_words(hl_case *c, const hl_step *steps, uint32_t i)
{
    char edge[128], name[NAME_MAX_BYTES];
    const hl_snap *s = c->snap;
    hl_label l = steps[i].label;
    hl_node up = steps[i - 1].node;
    /* a cell variable of a frame: the cell is left out of the chain, and what led to it names it */
    if (i >= 2 && hl_label_kind(steps[i - 1].label) == HL_LABEL_LOCAL && type_is(s, up, "cell"))
        l = steps[i - 1].label;
    bool closure = hl_label_kind(l) == HL_LABEL_CELL || type_is(s, steps[i].node, "cell");
    hl_node function = i >= 2 ? steps[i - 2].node : HL_NO_NODE;
    bool standard = type_is(s, function, "function") && l == steps[i].label &&
                    (hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__defaults__") == up ||
                     hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__kwdefaults__") == up);
    if (closure || standard) {
        hl_path_name(c->graph, steps[i].node, name, sizeof name);
        const char *words = strstr(name, closure ? " closure " : " default ");
        size_t n = words ? strcspn(words + 1, ".[") : 0;
        if (n)
            return hl_arena_copy(c->arena, words + 1, n);
    }
    hl_label_text(s, l, edge, sizeof edge);
    return hl_arena_copy(c->arena, edge, strlen(edge));
}

void hl_suspect_chain(hl_case *c, const hl_suspect *s, hl_finding *f)
{
    const hl_snap *snap = c->snap;
    hl_step steps[CHAIN_MAX];
    hl_node end = s->payload == HL_NO_NODE ? s->holder : s->payload;
    uint32_t n = hl_path_chain(c->graph, end, steps, CHAIN_MAX);
    if (n > CHAIN_MAX)
        n = hl_path_chain(c->graph, s->holder, steps, CHAIN_MAX);
    f->path = hl_arena_array(c->arena, SHOWN_MAX, sizeof *f->path);
    if (!f->path || n > CHAIN_MAX)
        return;
    uint32_t first = first_told(c, steps, n);
    for (uint32_t i = first; i < n && f->n_path < SHOWN_MAX; i++) {
        hl_node v = steps[i].node;
        bool silent =
            i + 1 < n && i > first && v != s->holder &&
            (hl_graph_is_namespace(c->graph, v) ||
             (type_is(snap, v, "tuple") && type_is(snap, steps[i - 1].node, "function")) ||
             type_is(snap, v, "cell"));
        if (silent)
            continue; /* the next edge carries the name */
        f->path[f->n_path].edge = i > first ? edge_words(c, steps, i) : NULL;
        f->path[f->n_path].type = hl_arena_printf(c->arena, "%s", hl_snap_type_name(snap, v));
        f->path[f->n_path].name = called(c, v);
        f->path[f->n_path].guilty = v == s->holder;
        f->n_path++;
    }
}
