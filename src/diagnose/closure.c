/* diagnose/closure.c: kept functions keep what their cells hold.
 *
 * Room   diagnose; a rule (R6).
 * Signs  below the holder most of the growth passes function > __closure__ > cell > content, and
 *        the functions with one code object multiply.
 * Shows  the code object, the cell's variable, how many. */
#include "diagnose/case.h"
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <inttypes.h>
#include <string.h>

enum { COPIES_MAX = 64, CHAIN_UP = 16, CHAIN_LINKS = 3 };

typedef struct closure_path {
    hl_shape function, cell, content;
} closure_path;

static uint64_t gain(const hl_case *c, const hl_growth *g, hl_shape s)
{
    uint64_t is = hl_shapes_count(&c->shapes, g->anchor, s).tree_bytes;
    uint64_t was = hl_shapes_count(&c->shapes, 0, s).tree_bytes;
    return is > was ? is - was : 0;
}

static hl_shape heaviest_child(const hl_case *c, const hl_growth *g, hl_shape parent,
                               const char *type)
{
    hl_shape best = 0;
    uint64_t most = 0;
    for (hl_shape s = parent + 1; s < c->shapes.n_shapes; s++)
        if (c->shapes.shapes[s].parent == parent &&
            (!type || !strcmp(c->shapes.shapes[s].type, type)) && gain(c, g, s) > most) {
            most = gain(c, g, s);
            best = s;
        }
    return best;
}

/* Follows the heaviest growth down from the holder until it passes a closure. */
static bool find_closure(const hl_case *c, const hl_growth *g, closure_path *out)
{
    hl_shape s = g->shape;
    for (int depth = 0; s && depth < 6; depth++) {
        if (!strcmp(c->shapes.shapes[s].type, "function")) {
            hl_shape tuple = heaviest_child(c, g, s, "tuple");
            hl_shape cell = tuple ? heaviest_child(c, g, tuple, "cell") : 0;
            if (cell && 2 * gain(c, g, cell) >= g->bytes) {
                *out = (closure_path){s, cell, heaviest_child(c, g, cell, NULL)};
                return true;
            }
        }
        s = heaviest_child(c, g, s, NULL);
    }
    return false;
}

static hl_node heaviest_node(const hl_case *c, hl_shape shape)
{
    hl_node best = HL_NO_NODE;
    for (hl_node v = 0; shape && v < c->snap->nodes; v++)
        if (hl_case_shape(c, v) == shape &&
            (best == HL_NO_NODE || c->graph->retained_bytes[v] > c->graph->retained_bytes[best]))
            best = v;
    return best;
}

/* The variable the cell is: its place in the closure, named by the code. */
static const char *variable_of(const hl_case *c, hl_node function, hl_node cell)
{
    const hl_snap *s = c->snap;
    hl_node code = hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__code__");
    hl_node closure = hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__closure__");
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(s, code);
    for (uint32_t e = closure == HL_NO_NODE || !row ? 0 : s->off[closure];
         row && closure != HL_NO_NODE && e < s->off[closure + 1]; e++)
        if (s->dst[e] == cell && e - s->off[closure] < row->n_free)
            return s->names[s->name_lists[row->free + e - s->off[closure]]];
    return "?";
}

/* Functions alive that run this code. */
static uint64_t copies_of(const hl_case *c, hl_node code)
{
    uint64_t n = 0;
    hl_node f;
    for (hl_holders h = hl_graph_holders(c->graph, code); hl_holders_next(&h, &f);)
        n += !strcmp(hl_snap_type_name(c->snap, f), "function");
    return n;
}

/* Does each copy hang from an object of a kind of its own that holds the next such object: a wrapper
 * written in C, around the one before? */
static bool is_chain(const hl_case *c, hl_node code)
{
    const hl_graph *g = c->graph;
    const uint32_t plain = HL_TYPE_DICT | HL_TYPE_LIST | HL_TYPE_TUPLE | HL_TYPE_TYPE;
    uint32_t looked = 0;
    hl_node f;
    for (hl_holders h = hl_graph_holders(g, code);
         looked < COPIES_MAX && hl_holders_next(&h, &f);) {
        hl_node p = hl_is_a(c, f, "function") ? g->parent[f] : HL_NO_NODE;
        if (p == HL_NO_NODE || (c->snap->types[c->snap->type[p]].flags & plain) ||
            hl_snap_len(c->snap, p) >= 0 || hl_is_a(c, p, "cell"))
            continue;
        looked++;
        uint32_t same = 0, up = 0;
        for (hl_node v = g->parent[p]; v != HL_NO_NODE && up++ < CHAIN_UP; v = g->parent[v])
            same += c->snap->type[v] == c->snap->type[p];
        if (same >= CHAIN_LINKS)
            return true;
    }
    return false;
}

static bool closure(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_growth *g = s->growth;
    closure_path p;
    if (!find_closure(c, g, &p))
        return false;
    hl_node cell = heaviest_node(c, p.cell);
    hl_node tuple = cell == HL_NO_NODE ? HL_NO_NODE : c->graph->parent[cell];
    hl_node function = tuple == HL_NO_NODE ? HL_NO_NODE : c->graph->parent[tuple];
    if (function == HL_NO_NODE)
        return false;
    /* they are kept to be called: each makes the next event, or the next call, dearer */
    hl_uses uses = *u;
    uses.all |= HL_USE_ITER;
    u = &uses;
    hl_confidence confidence;
    /* that many copies of one function are kept speaks even where one loop made them */
    if (!hl_judge(c, s, u, hl_speaks(s, filled), &confidence))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_suspect shown = *s;
    hl_node content = heaviest_node(c, p.content);
    shown.payload = content == HL_NO_NODE || c->graph->parent[content] != cell ? cell : content;
    hl_finding *f = hl_finding_about(c, &shown, "closure", confidence);
    if (!f)
        return true;
    hl_node code = hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__code__");
    uint64_t copies = hl_shapes_count(&c->shapes, g->anchor, p.function).members;
    if (copies <= 1 && code != HL_NO_NODE)
        copies = copies_of(c, code); /* each inside the next: they have many shapes, or few */
    const char *name = hl_code_name(c, code), *variable = variable_of(c, function, cell);
    char bytes[16], count[32];
    f->title = hl_arena_printf(
        c->arena, "%s keeps %s copies of %s, each with its own `%s`; together %s", s->name,
        hl_count_text(copies, count), name ? name : "a function", variable, hl_judge_holds(c, s));
    hl_finding_evidence(c, f, "code object %s: %s functions",
                        hl_code_place(c, code) ? hl_code_place(c, code) : "?",
                        hl_count_text(copies, count));
    hl_finding_evidence(c, f, "cell `%s` of each holds %s%s%s", variable,
                        hl_bytes_text(c->graph->retained_bytes[cell], bytes),
                        content == HL_NO_NODE ? "" : ": ",
                        content == HL_NO_NODE ? "" : hl_snap_type_name(c->snap, content));
    hl_callable inner;
    bool wraps = hl_wraps(c, function, &inner) && inner.code == code;
    bool nested = code != HL_NO_NODE && (wraps || is_chain(c, code));
    if (nested)
        hl_finding_evidence(c, f, "each keeps the one before");
    hl_judge_evidence(c, f, s, u, filled);
    f->fix =
        nested ? "install it once; or, where each has to know the one before, put that one back "
                 "when its own work is over, so that the chain gets no longer"
        : !strcmp(variable, "self")
            ? "each function keeps its object through `self`: take it off again when the object is "
              "done, or register the method itself and hold it weakly (weakref.WeakMethod)"
            : "let the inner function take what it needs as an argument, or only the part it needs "
              "(functools.partial, a small value); drop the functions when done with them";
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_closure = {"closure", closure};
