/* diagnose/companions.c: one leak of a library's object that is seen in several of its containers.
 *
 * Room   diagnose; analyser process; works on the anchor's graph.
 * Signs  the new finding gains in step with one told before, or is the same known thing; both hang
 *        from one variable, or lie in one module; and its owner is a library's, so that its user
 *        does one thing to mend both (a mock that is reset, a parser that is made anew).
 * Guards what the program's own code fills twice is two things to mend. */
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <string.h>

/* Gains of an interval may differ by so much of what the ratio of the whole says, and some. */
enum { BASES_MAX = 16 };
static const double STEP_SHARE = 0.1, STEP_FEW = 3;

static bool in_step(const hl_finding *a, const hl_finding *b)
{
    if (!a->series || !b->series || a->n_series != b->n_series || a->n_series < 3)
        return false;
    uint32_t last = a->n_series;
    while (last > 0 && (!a->series[last - 1] || !b->series[last - 1]))
        last--; /* what was let go at the end */
    if (last < 3)
        return false;
    double all_a = (double)a->series[last - 1] - (double)a->series[0];
    double all_b = (double)b->series[last - 1] - (double)b->series[0];
    if (all_a <= 0 || all_b <= 0)
        return false;
    for (uint32_t i = 0; i + 1 < last; i++) {
        double expected = ((double)a->series[i + 1] - (double)a->series[i]) * all_b / all_a;
        double gained = (double)b->series[i + 1] - (double)b->series[i];
        double off = gained > expected ? gained - expected : expected - gained;
        if (off > STEP_FEW + STEP_SHARE * (expected > 0 ? expected : 0))
            return false;
    }
    return true;
}

/* Is the code installed: the standard library's, or a package's? */
static bool is_installed(const hl_case *c, hl_node code)
{
    static const char *const places[] = {"/site-packages/", "/dist-packages/", "/lib/python3",
                                         "<frozen "};
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(c->snap, code);
    for (size_t i = 0; row && i < sizeof places / sizeof *places; i++)
        if (strstr(c->snap->names[row->file], places[i]))
            return true;
    return false;
}

/* The code of the first function in a namespace, or NO_NODE. */
static hl_node code_in(const hl_case *c, hl_node owner)
{
    const hl_snap *s = c->snap;
    hl_node dict = hl_graph_follow(c->graph, owner, HL_LABEL_NAMED, "__dict__");
    for (uint32_t e = dict == HL_NO_NODE ? 0 : s->off[dict];
         dict != HL_NO_NODE && e < s->off[dict + 1]; e++)
        if (hl_is_a(c, s->dst[e], "function"))
            return hl_graph_follow(c->graph, s->dst[e], HL_LABEL_NAMED, "__code__");
    return HL_NO_NODE;
}

static bool is_of_library(const hl_case *c, hl_node owner)
{
    if (owner == HL_NO_NODE)
        return false;
    if (hl_is_a(c, owner, "function"))
        return is_installed(c, hl_graph_follow(c->graph, owner, HL_LABEL_NAMED, "__code__"));
    if (hl_is_a(c, owner, "module"))
        return is_installed(c, code_in(c, owner));
    /* a class may be made for one object (a mock's): the first that has code of its own counts */
    hl_node class = hl_is_type(c, owner) ? owner : hl_class_of(c, owner), code = HL_NO_NODE;
    for (int i = 0; class != HL_NO_NODE && code == HL_NO_NODE && i < BASES_MAX; i++) {
        code = code_in(c, class);
        hl_node base = hl_graph_follow(c->graph, class, HL_LABEL_NAMED, "__base__");
        class = base == class ? HL_NO_NODE : base;
    }
    return is_installed(c, code);
}

/* The module or frame at the head of v's chain, and the variable of it that leads to v. */
static hl_node head_of(const hl_case *c, hl_node v, hl_node *variable)
{
    const hl_graph *g = c->graph;
    *variable = v;
    for (; g->parent[v] != HL_NO_NODE; v = g->parent[v])
        if (!hl_graph_is_namespace(g, v))
            *variable = v;
    return v;
}

static bool belong(const hl_case *c, hl_node a, hl_node b)
{
    hl_node variable_a, variable_b;
    hl_node head_a = head_of(c, a, &variable_a), head_b = head_of(c, b, &variable_b);
    if (variable_a == variable_b)
        return true;
    return head_a == head_b && hl_is_a(c, head_a, "module") && is_of_library(c, head_a);
}

bool hl_finding_joins(hl_case *c, const hl_suspect *s)
{
    hl_diagnosis *d = c->out;
    hl_finding *f = &d->findings[d->n_findings - 1];
    for (uint32_t i = 0; i < c->n_joined; i++)
        if (c->joined[i] == f->holder.address) {
            d->n_findings--; /* found in another way, too */
            return true;
        }
    if (!is_of_library(c, hl_graph_owner(c->graph, s->holder)))
        return false;
    for (uint32_t i = 0; i + 1 < d->n_findings; i++) {
        hl_finding *told = &d->findings[i];
        hl_node v =
            told->holder.address ? hl_snap_find_address(c->snap, told->holder.address) : HL_NO_NODE;
        bool same_thing = f->known && f->known == told->known;
        if (v == HL_NO_NODE || !belong(c, v, s->holder) || !(same_thing || in_step(told, f)))
            continue;
        char bytes[16];
        told->growth.bytes += f->growth.bytes;
        told->growth.since_bytes += f->growth.since_bytes;
        if (f->confidence > told->confidence)
            told->confidence = f->confidence;
        hl_finding_evidence(c, told, "in step with it: %s (%s), which holds %s", f->holder.name,
                            f->holder.type, hl_bytes_text(f->retained.bytes, bytes));
        if (c->n_joined < HL_JOINED_MAX)
            c->joined[c->n_joined++] = f->holder.address;
        d->n_findings--;
        return true;
    }
    return false;
}
