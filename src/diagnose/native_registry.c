/* diagnose/native_registry.c: C code was given callables to keep, again and again.
 *
 * Room   diagnose; a rule (R14), over groups of what only C holds, and over growths.
 * Signs  methods, functions or partials of one code object whose reference count nothing in the
 *        heap explains multiply to the end, or what atexit was given does; on 3.9 atexit is a
 *        module whose own state grows.
 * Shows  which callable, and what it keeps.
 * Guards plain objects with references nobody has: those are lost, not registered. */
#include "diagnose/below.h"
#include "diagnose/census.h"
#include "diagnose/judge.h"

#include <string.h>

static const char EXIT_FIX[] =
    "what atexit is given stays until the program ends: atexit.unregister(it) when its object is "
    "closed, or register one function that goes through a weakref.WeakSet of what is still open";
static const char HELD_FIX[] =
    "C code keeps each callable it is given: undo the registration when its owner is done, "
    "register "
    "once and look up what is alive then, or let the callable hold its owner by weakref only";

static const char *kind_of_callable(const hl_case *c, hl_node v)
{
    const char *type = hl_snap_type_name(c->snap, v);
    return !strcmp(type, "method")              ? "bound methods"
           : !strcmp(type, "functools.partial") ? "partials of"
           : !strcmp(type, "function")          ? "functions"
                                                : NULL;
}

/* Of what atexit has: the heaviest callable, else the heaviest of all, the arguments. */
static hl_node heaviest(const hl_case *c, const hl_group *group)
{
    hl_node best = HL_NO_NODE;
    bool callable = false;
    for (uint32_t i = 0; i < group->n_members; i++) {
        hl_node v = group->members[i];
        bool is = kind_of_callable(c, v) != NULL;
        if (best == HL_NO_NODE || (is && !callable) ||
            (is == callable && c->graph->retained_bytes[v] > c->graph->retained_bytes[best])) {
            best = v;
            callable = is;
        }
    }
    return best;
}

static void tell_self(hl_case *c, hl_finding *f, hl_node callable)
{
    char bytes[16];
    hl_node self = hl_graph_follow(c->graph, callable, HL_LABEL_NAMED, "__self__");
    if (self != HL_NO_NODE)
        hl_finding_evidence(c, f, "each keeps its `self`: a %s, one of them of %s",
                            hl_snap_type_name(c->snap, self),
                            hl_bytes_text(c->graph->retained_bytes[self], bytes));
}

static void find_group(hl_case *c, const hl_group *group, hl_confidence confidence)
{
    bool at_exit = group->kind == HL_COUNT_EXIT;
    hl_node v = heaviest(c, group);
    const char *kind = v == HL_NO_NODE ? NULL : kind_of_callable(c, v);
    hl_finding *f = hl_group_finding(c, group, "native-registry", confidence, HL_NO_NODE);
    if (!f || v == HL_NO_NODE)
        return;
    char count[32], bytes[16];
    const char *place = kind ? hl_callable_place(c, v) : NULL;
    const char *together = hl_bytes_text(group->bytes, bytes);
    hl_count_text(group->n, count);
    f->holder.kind = at_exit ? "interpreter" : "native";
    if (at_exit) {
        f->holder.name = "atexit";
        f->title = place ? hl_arena_printf(c->arena,
                                           "atexit was given %s callbacks, among them the %s "
                                           "%s, and keeps them to the end; together %s",
                                           count, kind, place, together)
                         : hl_arena_printf(c->arena,
                                           "atexit was given arguments for %s callbacks and keeps "
                                           "them to the end; together %s",
                                           count, together);
    } else {
        f->holder.name = hl_arena_printf(c->arena, "(held by C) %s", place);
        f->title = hl_arena_printf(c->arena,
                                   "C code holds %s %s %s, probably as callbacks that were "
                                   "registered and never unregistered; together %s",
                                   count, kind ? kind : "objects",
                                   place ? place : hl_snap_type_name(c->snap, v), together);
        hl_finding_evidence(c, f, "%s %ss with a reference that no Python object has", count,
                            hl_snap_type_name(c->snap, v));
    }
    tell_self(c, f, v);
    f->fix = at_exit ? EXIT_FIX : HELD_FIX;
    hl_finding_seal(c, f);
}

hl_status hl_rule_native_groups(hl_case *c, hl_err *err)
{
    for (uint32_t i = 0; i < c->n_groups; i++) {
        hl_group *group = &c->groups[i];
        hl_confidence confidence;
        if ((group->kind != HL_COUNT_EXIT && group->kind != HL_COUNT_HELD) ||
            group->growth.released || !hl_group_judge(c, group, &confidence))
            continue;
        if (hl_group_open(c, group, err))
            return err->status;
        if (group->growth.onset_bytes >= c->material)
            find_group(c, group, confidence);
    }
    return HL_OK;
}

/* The list of tuples that atexit keeps them in since 3.14, when nobody has the module any more. */
static bool is_list_of_exits(const hl_case *c, const hl_suspect *s)
{
    const hl_graph *g = c->graph;
    return g->parent[s->holder] == HL_NO_NODE && g->from[s->holder] == HL_HOLD_C &&
           !strcmp(hl_snap_type_name(c->snap, s->holder), "list") && s->payload != HL_NO_NODE &&
           !strcmp(hl_snap_type_name(c->snap, s->payload), "tuple");
}

/* A module written in C keeps them in a state of its own, without a name. */
static bool native_registry(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_graph *g = c->graph;
    hl_node v = s->payload;
    if (is_list_of_exits(c, s) && hl_cause_told(c, "native-registry"))
        return true;
    if (strcmp(hl_snap_type_name(c->snap, s->holder), "module") || v == HL_NO_NODE ||
        g->parent[v] != s->holder || hl_label_kind(g->via[v]) != HL_LABEL_INTERNAL)
        return false;
    hl_confidence confidence;
    bool at_exit = !strcmp(s->name, "atexit");
    if (at_exit && hl_cause_told(c, "native-registry"))
        return true;
    if (!hl_judge(c, s, u, filled, &confidence))
        return true;
    hl_finding *f =
        hl_finding_add(c, "native-registry", confidence == HL_CERTAIN ? HL_STRONG : confidence);
    if (!f)
        return true;
    char count[32], bytes[16];
    hl_finding_holder(c, f, s);
    f->holder.kind = "interpreter";
    hl_finding_growth(c, f, s->growth);
    const char *kind = kind_of_callable(c, v);
    f->retained.bytes = f->growth.bytes;
    f->title = hl_arena_printf(
        c->arena, "module %s was given %s objects to keep, among them the %s %s; together %s",
        s->name, hl_count_text(s->growth->units, count), kind ? kind : "objects of type",
        hl_callable_place(c, v), hl_bytes_text(s->growth->bytes, bytes));
    tell_self(c, f, v);
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = at_exit ? EXIT_FIX : HELD_FIX;
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_native_registry = {"native-registry", native_registry};
