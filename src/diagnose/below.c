/* diagnose/below.c: what the growth of a suspect passes through, told from the anchor's chain tree.
 *
 * Room   diagnose; analyser process.
 * Method one pass over the nodes, parents before children: a node is below the holder if its parent
 *        is, and inside each kind of passage that stands between. */
#include "diagnose/below.h"

#include <string.h>

enum { UP_MAX = 24, MEMBERS_ASKED = 256, CALLABLE_STEPS = 6 };

static bool type_is(const hl_graph *g, hl_node v, const char *name)
{
    return v != HL_NO_NODE && !strcmp(hl_snap_type_name(g->snap, v), name);
}

/* module.name as the module has it now, or NO_NODE. */
static hl_node class_node(const hl_graph *g, const char *dotted)
{
    const hl_snap *s = g->snap;
    const char *dot = strrchr(dotted, '.');
    for (uint32_t i = 0; dot && i < s->n_roots; i++) {
        const char *name = s->names[s->roots[i].name];
        if (s->roots[i].kind != HL_ROOT_MODULE || strlen(name) != (size_t)(dot - dotted) ||
            strncmp(name, dotted, (size_t)(dot - dotted)) != 0)
            continue;
        hl_node dict = hl_graph_follow(g, s->roots[i].node, HL_LABEL_NAMED, "__dict__");
        return dict == HL_NO_NODE ? HL_NO_NODE : hl_graph_follow(g, dict, HL_LABEL_KEY, dot + 1);
    }
    return HL_NO_NODE;
}

static bool is_subclass(const hl_graph *g, hl_node type, hl_node base)
{
    if (type == HL_NO_NODE || base == HL_NO_NODE || type == base)
        return type == base && base != HL_NO_NODE;
    hl_node mro = hl_graph_follow(g, type, HL_LABEL_NAMED, "__mro__");
    return mro != HL_NO_NODE && hl_graph_label(g, mro, base) != UINT32_MAX;
}

bool hl_is_instance(const hl_graph *g, hl_node v, const char *name)
{
    uint32_t t = g->snap->type[v];
    return type_is(g, v, name) ||
           (t < g->snap->n_types && is_subclass(g, g->snap->types[t].node, class_node(g, name)));
}

hl_node hl_attribute(const hl_graph *g, hl_node v, const char *name)
{
    static const enum hl_label_kind kinds[] = {HL_LABEL_NAMED, HL_LABEL_ATTR, HL_LABEL_SLOT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        hl_node to = hl_graph_follow(g, v, kinds[i], name);
        if (to != HL_NO_NODE)
            return to;
    }
    hl_node dict = hl_graph_follow(g, v, HL_LABEL_NAMED, "__dict__");
    return dict == HL_NO_NODE ? HL_NO_NODE : hl_graph_follow(g, dict, HL_LABEL_KEY, name);
}

static bool is_running(const hl_graph *g, hl_node v)
{
    const hl_graph_root *root = hl_graph_root_of(g, v);
    return root && root->hold == HL_HOLD_FRAME;
}

bool hl_is_suspended(const hl_graph *g, hl_node v)
{
    if (!type_is(g, v, "coroutine") || is_running(g, v))
        return false;
    /* the frame is part of the coroutine since 3.11, an object of its own before */
    return hl_graph_follow(g, v, HL_LABEL_NAMED, "f_code") != HL_NO_NODE ||
           hl_graph_follow(g, v, HL_LABEL_NAMED, "frame") != HL_NO_NODE;
}

hl_node hl_code_of(const hl_graph *g, hl_node v)
{
    static const char *const steps[] = {"__code__", "f_code", "__func__",
                                        "func",     "_coro",  "__wrapped__"};
    for (int i = 0; v != HL_NO_NODE && i < CALLABLE_STEPS; i++) {
        if (type_is(g, v, "code"))
            return v;
        hl_node next = HL_NO_NODE;
        for (size_t k = 0; next == HL_NO_NODE && k < sizeof steps / sizeof *steps; k++)
            next = hl_attribute(g, v, steps[k]);
        v = next;
    }
    return HL_NO_NODE;
}

const char *hl_callable_place(hl_case *c, hl_node v)
{
    const char *place = hl_code_place(c, hl_code_of(c->graph, v));
    char name[240];
    uint32_t t = c->snap->type[v];
    if (!place && t < c->snap->n_types && (c->snap->types[t].flags & HL_TYPE_TYPE)) {
        hl_path_name(c->graph, v, name, sizeof name); /* a class is called */
        return hl_arena_copy(c->arena, name, strlen(name));
    }
    return place ? place : hl_arena_printf(c->arena, "%s", hl_snap_type_name(c->snap, v));
}

/* ---- passages ---------------------------------------------------------------------------------
 */

enum type_class {
    IS_OTHER,
    IS_TRACEBACK,
    IS_FRAME,
    IS_COROUTINE,
    IS_HANDLE,
    IS_CONTEXT,
    IS_THREAD
};

static enum type_class class_of(const char *name)
{
    static const struct {
        const char *name;
        enum type_class is;
    } known[] = {
        {"traceback", IS_TRACEBACK},
        {"frame", IS_FRAME},
        {"coroutine", IS_COROUTINE},
        {"asyncio.events.Handle", IS_HANDLE},
        {"asyncio.events.TimerHandle", IS_HANDLE},
        {"Context", IS_CONTEXT},
        {"_contextvars.Context", IS_CONTEXT},
        {"threading.Thread", IS_THREAD},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name))
            return known[i].is;
    return IS_OTHER;
}

/* Which types are classes of interest: by name, and by base for those that are subclassed. */
static void classify(const hl_graph *g, uint8_t *class)
{
    const hl_snap *s = g->snap;
    for (uint32_t t = 0; t < s->n_types; t++)
        class[t] = (uint8_t)class_of(s->names[s->types[t].name]);
    hl_node thread = class_node(g, "threading.Thread");
    for (uint32_t t = 0; t < s->n_types; t++)
        if (!class[t] && is_subclass(g, s->types[t].node, thread))
            class[t] = IS_THREAD;
}

/* An exception that another one was raised from, or while. */
static bool is_chained(const hl_graph *g, hl_node v)
{
    const hl_snap *s = g->snap;
    hl_node up = g->parent[v];
    if (up == HL_NO_NODE || hl_label_kind(g->via[v]) != HL_LABEL_NAMED)
        return false;
    uint32_t type = s->type[up];
    const char *field = s->names[hl_label_value(g->via[v])];
    return type < s->n_types && (s->types[type].flags & HL_TYPE_EXCEPTION) &&
           (!strcmp(field, "__cause__") || !strcmp(field, "__context__"));
}

/* Does a loop have the handle still? One that somebody keeps may have been called long ago. */
static bool is_in_hand(const hl_graph *g, hl_node handle)
{
    hl_node queue;
    for (hl_holders h = hl_graph_holders(g, handle); hl_holders_next(&h, &queue);)
        if (hl_graph_in_hand(g, queue))
            return true;
    return false;
}

/* The passage that v itself is, as a bit; 0: none. */
static unsigned passage_of(const hl_graph *g, hl_node v, enum type_class is)
{
    switch (is) {
    case IS_TRACEBACK:
        return 1u << HL_PASS_TRACEBACK;
    case IS_FRAME: {
        /* the frame of a coroutine that waits is that coroutine's */
        hl_node up = g->parent[v];
        hl_node own =
            up == HL_NO_NODE ? HL_NO_NODE : hl_graph_follow(g, up, HL_LABEL_NAMED, "frame");
        return own == v ? 0 : 1u << HL_PASS_FRAME;
    }
    case IS_COROUTINE:
        return hl_is_suspended(g, v) ? 1u << HL_PASS_PENDING : 0;
    case IS_HANDLE:
        return is_in_hand(g, v) ? 1u << HL_PASS_PENDING : 0;
    case IS_CONTEXT:
        return 1u << HL_PASS_CONTEXT;
    case IS_THREAD:
        return 1u << HL_PASS_THREAD;
    case IS_OTHER:
        break;
    }
    if (is_chained(g, v))
        return 1u << HL_PASS_CHAINED;
    hl_node coroutine = hl_graph_follow(g, v, HL_LABEL_NAMED, "_coro");
    return coroutine != HL_NO_NODE && hl_is_suspended(g, coroutine) ? 1u << HL_PASS_PENDING : 0;
}

static void add_bytes(uint64_t bytes, unsigned inside, hl_below *b)
{
    b->bytes += bytes;
    for (unsigned p = 0; p < HL_PASSAGES; p++)
        if (inside >> p & 1)
            b->part[p].bytes += bytes;
}

/* In the order of rows, as sizes and folds lie: millions may be below a holder. */
static void add_sizes(const hl_snap *s, const uint8_t *inside, uint8_t below, hl_below *b)
{
    for (hl_node v = 0; v < s->nodes; v++)
        if (inside[v] & below)
            add_bytes(hl_snap_size(s, v), inside[v], b);
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        if (inside[f.node] & below)
            add_bytes(f.bytes, inside[f.node], b);
    }
}

static void add_passages(const hl_graph *g, hl_node v, unsigned self, hl_below *b)
{
    for (unsigned p = 0; self && p < HL_PASSAGES; p++) {
        struct hl_below_part *part = &b->part[p];
        if (!(self >> p & 1))
            continue;
        part->count++;
        if (part->sample == HL_NO_NODE || g->retained_bytes[v] > g->retained_bytes[part->sample])
            part->sample = v;
    }
}

uint8_t *hl_below_mark(hl_case *c, hl_node holder)
{
    const hl_graph *g = c->graph;
    uint8_t *below = hl_arena_array(&c->scratch, c->snap->nodes, 1);
    for (uint32_t i = 0; below && i < c->snap->nodes; i++) {
        hl_node v = g->order[i], up = g->parent[v];
        below[v] = up != HL_NO_NODE && !is_running(g, v) && (up == holder || below[up]);
    }
    return below;
}

const hl_below *hl_below_find(hl_case *c, const hl_suspect *s)
{
    enum { RUNNING = 0x40, BELOW = 0x80 };
    _Static_assert(HL_PASSAGES <= 6, "the others are passages");
    const hl_graph *g = c->graph;
    if (c->below && c->below_anchor == c->anchor && c->below_holder == s->holder)
        return c->below;
    hl_below *b = hl_arena_array(&c->scratch, 1, sizeof *b);
    uint8_t *inside = hl_arena_array(&c->scratch, c->snap->nodes, 1);
    uint8_t *class = hl_arena_array(&c->scratch, c->snap->n_types, 1);
    if (!b || !inside || !class)
        return NULL;
    for (unsigned p = 0; p < HL_PASSAGES; p++)
        b->part[p].sample = HL_NO_NODE;
    classify(g, class);
    for (uint32_t i = 0; i < g->n_roots; i++)
        if (g->roots[i].hold == HL_HOLD_FRAME)
            inside[g->roots[i].node] = RUNNING;
    inside[s->holder] = BELOW;
    for (uint32_t i = 0; i < c->snap->nodes; i++) {
        hl_node v = g->order[i], up = g->parent[v];
        if (up == HL_NO_NODE || v == s->holder || !(inside[up] & BELOW) || inside[v] & RUNNING)
            continue;
        uint32_t t = c->snap->type[v];
        unsigned self = passage_of(g, v, t < c->snap->n_types ? class[t] : IS_OTHER);
        inside[v] = (uint8_t)(inside[up] | self);
        /* what a coroutine that waits awaits is part of that: one task */
        add_passages(g, v, self & ~(inside[up] & 1u << HL_PASS_PENDING), b);
    }
    inside[s->holder] = 0; /* what is below it, without itself */
    add_sizes(c->snap, inside, BELOW, b);
    hl_arena_release(&c->scratch, inside);
    hl_arena_release(&c->scratch, class);
    c->below = b;
    c->below_anchor = c->anchor;
    c->below_holder = s->holder;
    return b;
}

bool hl_below_mostly(const hl_below *b, hl_passage p)
{
    return b && b->part[p].count && 2 * b->part[p].bytes >= b->bytes;
}

/* ---- where members are kept -------------------------------------------------------------------
 */

hl_node hl_kept_by(hl_case *c, const hl_node *members, uint32_t n)
{
    const hl_graph *g = c->graph;
    uint32_t step = n > MEMBERS_ASKED ? n / MEMBERS_ASKED : 1, asked = (n + step - 1) / step;
    if (!n)
        return HL_NO_NODE;
    hl_node up = g->parent[members[0]];
    /* from each of a few members: the nearest node above it that stands above most */
    for (uint32_t try = 0; try < 3; try++) {
        up = g->parent[members[(n - 1) / 2 * try]];
        for (int depth = 0; up != HL_NO_NODE && depth < UP_MAX; depth++, up = g->parent[up]) {
            uint32_t below = 0;
            for (uint32_t i = 0; i < n; i += step) {
                hl_node v = g->parent[members[i]];
                for (int k = 0; v != HL_NO_NODE && v != up && k < UP_MAX; k++)
                    v = g->parent[v];
                below += v == up;
            }
            if (2 * below > asked)
                return up;
        }
    }
    return HL_NO_NODE;
}
