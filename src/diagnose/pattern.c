/* diagnose/pattern.c: what stands above and below a holder, for rules that tell causes by it.
 *
 * Room   diagnose; analyser process; works on the anchor's graph.
 * Takes  nodes and growths.   Gives  answers; allocates only texts, in the diagnosis' arena.
 * Knows  how the language builds classes, closures, bound methods and queues.  Must not know
 *        causes. */
#include "diagnose/pattern.h"

#include <stdlib.h>
#include <string.h>

enum { ABOVE_MAX = 16, ABOVE_FUNCTION = 6, MRO_MAX = 64, DOMINATORS_MAX = 64, WRAPPED_MAX = 4 };

/* ---- types ------------------------------------------------------------------------------------
 */

bool hl_is_a(const hl_case *c, hl_node v, const char *type)
{
    return v != HL_NO_NODE && !strcmp(hl_snap_type_name(c->snap, v), type);
}

bool hl_is_type(const hl_case *c, hl_node v)
{
    return v != HL_NO_NODE && (c->snap->types[c->snap->type[v]].flags & HL_TYPE_TYPE);
}

hl_node hl_class_of(const hl_case *c, hl_node v)
{
    return v == HL_NO_NODE ? HL_NO_NODE : c->snap->types[c->snap->type[v]].node;
}

const char *hl_kind_name(const hl_case *c, hl_node class)
{
    const hl_snap *s = c->snap;
    for (uint32_t i = 0; i < s->n_types; i++)
        if (s->types[i].node == class)
            return s->names[s->types[i].name];
    return "?";
}

/* Walks a class and its bases in the order attributes are looked up; false ends it. */
static bool each_base(const hl_case *c, hl_node class,
                      bool (*visit)(const hl_case *, hl_node, void *), void *with)
{
    const hl_snap *s = c->snap;
    if (class == HL_NO_NODE)
        return false;
    hl_node mro = hl_graph_follow(c->graph, class, HL_LABEL_NAMED, "__mro__");
    if (mro == HL_NO_NODE)
        return visit(c, class, with);
    for (uint32_t e = s->off[mro], n = 0; e < s->off[mro + 1] && n < MRO_MAX; e++, n++)
        if (hl_label_kind(s->label[e]) == HL_LABEL_INDEX && visit(c, s->dst[e], with))
            return true;
    return false;
}

static bool is_node(const hl_case *c, hl_node base, void *with)
{
    (void)c;
    return base == *(const hl_node *)with;
}

bool hl_has_base(const hl_case *c, hl_node class, hl_node base)
{
    return each_base(c, class, is_node, &base);
}

static bool is_namespace_of(const hl_case *c, hl_node base, void *with)
{
    return hl_graph_follow(c->graph, base, HL_LABEL_NAMED, "__dict__") == *(const hl_node *)with;
}

bool hl_has_namespace(const hl_case *c, hl_node class, hl_node dict)
{
    return each_base(c, class, is_namespace_of, &dict);
}

static bool is_called(const hl_case *c, hl_node base, void *with)
{
    return !strcmp(hl_kind_name(c, base), with);
}

bool hl_inherits(const hl_case *c, hl_node v, const char *type)
{
    if (v == HL_NO_NODE)
        return false;
    return hl_is_a(c, v, type) ||
           each_base(c, hl_class_of(c, v), is_called, (void *)(uintptr_t)type);
}

typedef struct wanted {
    const char *name;
    hl_node found;
} wanted;

static bool defines(const hl_case *c, hl_node base, void *with)
{
    wanted *w = with;
    hl_node dict = hl_graph_follow(c->graph, base, HL_LABEL_NAMED, "__dict__");
    if (dict == HL_NO_NODE || !strcmp(hl_kind_name(c, base), "object"))
        return false;
    w->found = hl_graph_follow(c->graph, dict, HL_LABEL_KEY, w->name);
    return w->found != HL_NO_NODE;
}

hl_node hl_class_defines(const hl_case *c, hl_node class, const char *special)
{
    wanted w = {special, HL_NO_NODE};
    return each_base(c, class, defines, &w) ? w.found : HL_NO_NODE;
}

/* ---- above ------------------------------------------------------------------------------------
 */

hl_node hl_class_above(const hl_case *c, hl_node v)
{
    const hl_graph *g = c->graph;
    for (int i = 0; i < ABOVE_MAX && g->parent[v] != HL_NO_NODE; i++, v = g->parent[v]) {
        hl_node up = g->parent[v];
        enum hl_label_kind kind = hl_label_kind(g->via[v]);
        if (kind == HL_LABEL_KEY && g->parent[up] != HL_NO_NODE && hl_is_type(c, g->parent[up]))
            return g->parent[up];
        bool wrapper = kind == HL_LABEL_CELL || kind == HL_LABEL_NAMED || kind == HL_LABEL_INDEX ||
                       kind == HL_LABEL_INTERNAL || kind == HL_LABEL_KEY || kind == HL_LABEL_ATTR ||
                       kind == HL_LABEL_SLOT;
        if (!wrapper)
            break;
    }
    return HL_NO_NODE;
}

hl_node hl_function_above(const hl_case *c, hl_node v)
{
    const hl_graph *g = c->graph;
    for (int i = 0; i < ABOVE_FUNCTION && v != HL_NO_NODE; i++, v = g->parent[v])
        if (i && hl_is_a(c, v, "function"))
            return v;
    return HL_NO_NODE;
}

bool hl_dominates(const hl_case *c, hl_node holder, hl_node v)
{
    for (int i = 0; i < DOMINATORS_MAX && v != HL_NO_NODE; i++, v = c->graph->idom[v])
        if (v == holder)
            return true;
    return false;
}

/* ---- members ----------------------------------------------------------------------------------
 */

hl_node hl_entries_of(const hl_case *c, hl_node holder)
{
    const hl_snap *s = c->snap;
    if (hl_is_a(c, holder, "functools._lru_cache_wrapper"))
        return hl_graph_follow(c->graph, holder, HL_LABEL_NAMED, "cache");
    uint32_t flags = s->types[s->type[holder]].flags;
    if (hl_snap_len(s, holder) >= 0 || hl_is_a(c, holder, "module") ||
        (flags & (HL_TYPE_DICT | HL_TYPE_LIST | HL_TYPE_TUPLE)))
        return holder;
    hl_node dict = hl_graph_follow(c->graph, holder, HL_LABEL_NAMED, "__dict__");
    return dict == HL_NO_NODE ? holder : dict;
}

static bool is_member(enum hl_label_kind kind, bool keys)
{
    if (keys)
        return kind == HL_LABEL_DICTKEY;
    return kind == HL_LABEL_VALUE || kind == HL_LABEL_INDEX || kind == HL_LABEL_ELEMENT ||
           kind == HL_LABEL_INTERNAL || kind == HL_LABEL_KEY;
}

uint32_t hl_sample(const hl_case *c, hl_node container, bool keys, hl_node *out, uint32_t max)
{
    const hl_snap *s = c->snap;
    if (container == HL_NO_NODE)
        return 0;
    uint32_t all = 0, n = 0, seen = 0;
    for (uint32_t e = s->off[container]; e < s->off[container + 1]; e++)
        all += is_member(hl_label_kind(s->label[e]), keys);
    for (uint32_t e = s->off[container]; e < s->off[container + 1] && n < max; e++) {
        if (!is_member(hl_label_kind(s->label[e]), keys))
            continue;
        /* the n-th wanted one of max stands at n * all / max */
        if (all <= max || (uint64_t)seen * max >= (uint64_t)n * all)
            out[n++] = s->dst[e];
        seen++;
    }
    return n;
}

/* ---- callables --------------------------------------------------------------------------------
 */

bool hl_callable_of(const hl_case *c, hl_node v, hl_callable *out)
{
    const hl_graph *g = c->graph;
    *out = (hl_callable){v, HL_NO_NODE, HL_NO_NODE, NULL};
    hl_node f = v;
    for (int i = 0; f != HL_NO_NODE && i < WRAPPED_MAX; i++) {
        if (hl_is_a(c, f, "function")) {
            out->code = hl_graph_follow(g, f, HL_LABEL_NAMED, "__code__");
            out->what = out->what ? out->what : "function";
            return true;
        }
        if (hl_is_a(c, f, "method") || hl_is_a(c, f, "builtin_function_or_method") ||
            hl_is_a(c, f, "method-wrapper")) {
            out->what = out->what ? out->what : "bound method";
            if (out->self == HL_NO_NODE)
                out->self = hl_graph_follow(g, f, HL_LABEL_NAMED, "__self__");
            f = hl_graph_follow(g, f, HL_LABEL_NAMED, "__func__");
        } else if (hl_is_a(c, f, "functools.partial") || hl_is_a(c, f, "functools.partialmethod")) {
            out->what = out->what ? out->what : "partial";
            f = hl_graph_follow(g, f, HL_LABEL_NAMED, "func");
        } else {
            break;
        }
    }
    return out->what != NULL;
}

const char *hl_callable_name(hl_case *c, const hl_callable *f)
{
    const char *place = hl_code_place(c, f->code);
    return place ? place : hl_arena_printf(c->arena, "%s", hl_snap_type_name(c->snap, f->node));
}

/* Is v what a cell of this closure holds? */
static bool in_a_cell(const hl_case *c, hl_node closure, hl_node v)
{
    const hl_snap *s = c->snap;
    for (uint32_t e = s->off[closure]; v != HL_NO_NODE && e < s->off[closure + 1]; e++)
        if (hl_is_a(c, s->dst[e], "cell") && hl_graph_label(c->graph, s->dst[e], v) != UINT32_MAX)
            return true;
    return false;
}

uint32_t hl_methods_in_cells(const hl_case *c, hl_node function, hl_node self)
{
    const hl_snap *s = c->snap;
    hl_node closure = hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__closure__");
    uint32_t n = 0;
    for (uint32_t e = closure == HL_NO_NODE ? 0 : s->off[closure];
         closure != HL_NO_NODE && e < s->off[closure + 1]; e++)
        for (uint32_t k = s->off[s->dst[e]];
             hl_is_a(c, s->dst[e], "cell") && k < s->off[s->dst[e] + 1]; k++)
            n += hl_is_a(c, s->dst[k], "builtin_function_or_method") &&
                 hl_graph_follow(c->graph, s->dst[k], HL_LABEL_NAMED, "__self__") == self;
    return n;
}

bool hl_wraps(const hl_case *c, hl_node function, hl_callable *wrapped)
{
    const hl_snap *s = c->snap;
    hl_node closure = hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__closure__");
    if (closure == HL_NO_NODE)
        return false;
    for (uint32_t e = s->off[closure]; e < s->off[closure + 1]; e++) {
        hl_node cell = s->dst[e];
        if (!hl_is_a(c, cell, "cell"))
            continue;
        for (uint32_t k = s->off[cell]; k < s->off[cell + 1]; k++)
            /* an inner function that calls itself is in its own cell; a method in C of something
             * else there is a shorter way to use that (find = answers.get) */
            if (s->dst[k] != function && hl_callable_of(c, s->dst[k], wrapped) &&
                (wrapped->code != HL_NO_NODE || !in_a_cell(c, closure, wrapped->self)))
                return true;
    }
    return false;
}

/* ---- shapes -----------------------------------------------------------------------------------
 */

uint64_t hl_shape_gain(const hl_case *c, const hl_growth *g, hl_shape s)
{
    uint64_t is = hl_shapes_count(&c->shapes, g->anchor, s).tree_bytes;
    uint64_t was = hl_shapes_count(&c->shapes, 0, s).tree_bytes;
    return is > was ? is - was : 0;
}

uint64_t hl_shape_more(const hl_case *c, const hl_growth *g, hl_shape s)
{
    uint64_t is = hl_shapes_count(&c->shapes, g->anchor, s).members;
    uint64_t was = hl_shapes_count(&c->shapes, 0, s).members;
    return is > was ? is - was : 0;
}

uint32_t hl_descend(const hl_case *c, const hl_suspect *suspect, hl_shape *out, uint32_t max)
{
    const hl_growth *g = suspect->growth;
    uint32_t n = 0;
    hl_shape s = g->address ? hl_case_shape(c, suspect->holder) : g->shape;
    while (s && n < max) {
        out[n++] = s;
        hl_shape best = 0;
        uint64_t most = 0;
        for (hl_shape k = s + 1; k < c->shapes.n_shapes; k++)
            if (c->shapes.shapes[k].parent == s && hl_shape_gain(c, g, k) > most) {
                most = hl_shape_gain(c, g, k);
                best = k;
            }
        s = best;
    }
    return n;
}

hl_node hl_heaviest_of(const hl_case *c, hl_shape shape)
{
    hl_node best = HL_NO_NODE;
    for (hl_node v = 0; shape && v < c->snap->nodes; v++)
        if (hl_case_shape(c, v) == shape &&
            (best == HL_NO_NODE || c->graph->retained_bytes[v] > c->graph->retained_bytes[best]))
            best = v;
    return best;
}

bool hl_told_again(hl_case *c, const char *cause, const hl_suspect *s)
{
    uint64_t address = hl_snap_address(c->snap, s->holder);
    for (uint32_t i = 0; i < c->out->n_findings; i++) {
        hl_finding *f = &c->out->findings[i];
        if (strcmp(f->cause, cause) ||
            (f->holder.address != address && strcmp(f->holder.name, s->name)))
            continue;
        f->growth.bytes += s->growth->bytes;
        if (f->holder.address != address)
            f->retained.bytes += s->retained_bytes;
        return true;
    }
    return false;
}

hl_filled hl_speaks(const hl_suspect *s, hl_filled filled)
{
    bool dropped = s->growth->released && !s->growth->torn_down;
    return dropped ? filled : HL_FILLED_BY_MANY;
}

/* ---- what the user sees -----------------------------------------------------------------------
 */

/* Library objects around a container: their users know them, and not what lies in them. */
static const struct {
    const char *type, *attribute;
} outsides[] = {
    {"queue.Queue", "queue"},
    {"asyncio.queues.Queue", "_queue"},
    {"multiprocessing.queues.Queue", "_buffer"},
    {"weakref.WeakKeyDictionary", "data"},
    {"weakref.WeakValueDictionary", "data"},
    {"weakref.WeakSet", "data"},
    {"collections.UserDict", "data"},
    {"collections.UserList", "data"},
};

/* Which kind of place names v, by the edge that leads to it. */
static const char *kind_by_edge(const hl_case *c, hl_node v, const char *otherwise)
{
    const hl_graph *g = c->graph;
    hl_node up = g->parent[v];
    if (up == HL_NO_NODE)
        return otherwise;
    switch (hl_label_kind(g->via[v])) {
    case HL_LABEL_KEY: {
        hl_node who = g->parent[up];
        if (who == HL_NO_NODE || hl_is_a(c, who, "module"))
            return "module-global";
        return hl_is_type(c, who) ? "class-attribute" : "instance-attribute";
    }
    case HL_LABEL_ATTR:
    case HL_LABEL_SLOT:
        return "instance-attribute";
    case HL_LABEL_LOCAL:
        return "frame-local";
    case HL_LABEL_CELL:
        return g->from[v] == HL_HOLD_FRAME ? "frame-local" : "closure-cell";
    case HL_LABEL_INTERNAL:
    case HL_LABEL_NAMED:
    case HL_LABEL_VALUE:
    case HL_LABEL_DICTKEY:
    case HL_LABEL_INDEX:
    case HL_LABEL_ELEMENT:
    case HL_LABEL_STACK:
    case HL_LABEL_WEAK:
    case HL_LABEL_TYPE:
    case HL_LABEL_BASE:
    case HL_LABEL_UNOWNED:
        break;
    }
    return otherwise;
}

/* The name a logger is got by: its key in the dict of all loggers. */
static const char *logger_name(const hl_case *c, hl_node logger)
{
    const hl_graph *g = c->graph;
    hl_node dict;
    for (hl_holders h = hl_graph_holders(g, logger); hl_holders_next(&h, &dict);) {
        hl_label l = hl_graph_label(g, dict, logger);
        hl_node owner = hl_graph_owner(g, dict);
        if (l != UINT32_MAX && hl_label_kind(l) == HL_LABEL_KEY && hl_is_a(c, dict, "dict") &&
            owner != HL_NO_NODE && hl_inherits(c, owner, "logging.Manager"))
            return c->snap->names[hl_label_value(l)];
    }
    return NULL;
}

/* What hangs from a logger that no variable of the program names is known by the logger's name. */
static const char *by_logger(hl_case *c, const hl_suspect *s)
{
    static const char path[] = ".manager.loggerDict";
    if (s->owner == HL_NO_NODE || !strstr(s->name, path) ||
        !hl_inherits(c, s->owner, "logging.Logger"))
        return NULL;
    const char *name = logger_name(c, s->owner), *last = strrchr(s->name, '.');
    return name && last ? hl_arena_printf(c->arena, "logging.getLogger(\"%s\")%s", name, last)
                        : NULL;
}

hl_suspect hl_seen_from_outside(hl_case *c, const hl_suspect *s)
{
    const hl_graph *g = c->graph;
    hl_suspect out = *s;
    const char *logger = by_logger(c, s);
    if (logger) {
        out.name = logger;
        return out;
    }
    hl_node up = g->parent[s->holder];
    if (up != HL_NO_NODE && hl_graph_is_namespace(g, up))
        up = g->parent[up];
    if (up == HL_NO_NODE)
        return out;
    hl_label via = g->via[s->holder];
    enum hl_label_kind kind = hl_label_kind(via);
    if (kind != HL_LABEL_ATTR && kind != HL_LABEL_KEY && kind != HL_LABEL_SLOT)
        return out;
    const char *attribute = c->snap->names[hl_label_value(via)];
    size_t n = strlen(s->name), m = strlen(attribute);
    for (size_t i = 0; i < sizeof outsides / sizeof *outsides; i++)
        if (!strcmp(attribute, outsides[i].attribute) && hl_inherits(c, up, outsides[i].type) &&
            n > m + 1 && s->name[n - m - 1] == '.' && !strcmp(s->name + n - m, attribute)) {
            const char *name = hl_arena_copy(c->arena, s->name, n - m - 1);
            if (!name)
                return out;
            out.holder = up;
            out.name = name;
            out.kind = kind_by_edge(c, up, out.kind);
            /* what is inside may be in other hands, too, and not go with it */
            if (g->retained_bytes[up] > out.retained_bytes) {
                out.retained_bytes = g->retained_bytes[up];
                out.retained_objects = g->retained_objects[up];
            }
        }
    return out;
}

/* The future that gather() returns, or the callback by which it or wait() learns of an end. */
static bool gathers(const hl_case *c, hl_node v)
{
    const hl_snap *s = c->snap;
    if (!strcmp(hl_snap_type_name(s, v), "asyncio.tasks._GatheringFuture"))
        return true;
    hl_node code = hl_is_a(c, v, "function")
                       ? hl_graph_follow(c->graph, v, HL_LABEL_NAMED, "__code__")
                       : HL_NO_NODE;
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(s, code);
    return row && strstr(s->names[row->file], "/asyncio/") &&
           (!strcmp(s->names[row->name], "_done_callback") ||
            !strcmp(s->names[row->name], "_on_completion"));
}

bool hl_is_gathered(const hl_case *c, hl_node v)
{
    const hl_graph *g = c->graph;
    for (; v != HL_NO_NODE; v = g->parent[v]) {
        if (gathers(c, v))
            return true;
        if (g->parent[v] != HL_NO_NODE && hl_label_kind(g->via[v]) == HL_LABEL_LOCAL)
            return false; /* a call has it, be that call gathered */
    }
    return false;
}
