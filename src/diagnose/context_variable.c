/* diagnose/context_variable.c: values of context variables that are set and never let go.
 *
 * Room   diagnose; a rule (R11).
 * Signs  the chain to the holder passes a Context or the default of a ContextVar; or most of what
 *        is below the holder hangs from Contexts that are kept; or a context gains values of
 *        ever more variables.
 * Shows  the variable by the name it has in the program.
 * Guards what tasks that wait hold: that is told of the tasks. */
#include "diagnose/below.h"
#include "diagnose/census.h"
#include "diagnose/judge.h"

#include <string.h>

static bool type_ends(const hl_case *c, hl_node v, const char *name)
{
    const char *type = hl_snap_type_name(c->snap, v), *dot = strrchr(type, '.');
    bool module = !dot || !strncmp(type, "_contextvars.", 13);
    return module && !strcmp(dot ? dot + 1 : type, name);
}

/* The variable a link from a hash node stands for: the key beside the value. */
static hl_node variable_beside(const hl_case *c, hl_node node, hl_node value)
{
    const hl_snap *s = c->snap;
    hl_node last = HL_NO_NODE;
    for (uint32_t e = s->off[node]; e < s->off[node + 1]; e++) {
        if (hl_label_kind(s->label[e]) == HL_LABEL_DICTKEY)
            last = s->dst[e];
        else if (s->dst[e] == value && hl_label_kind(s->label[e]) == HL_LABEL_NAMED)
            return last;
    }
    return HL_NO_NODE;
}

typedef struct variable {
    hl_node var;      /* the ContextVar, or NO_NODE */
    const char *name; /* its own */
    hl_node value;    /* what it holds on the chain */
    bool is_default;
} variable;

/* The variable through which v is held, on its chain. */
static bool variable_above(const hl_case *c, hl_node v, variable *out)
{
    const hl_graph *g = c->graph;
    for (; v != HL_NO_NODE && g->parent[v] != HL_NO_NODE; v = g->parent[v]) {
        hl_node up = g->parent[v];
        if (hl_label_kind(g->via[v]) == HL_LABEL_LOCAL)
            break; /* a call has it, whatever the call is reached through */
        if (hl_label_kind(g->via[v]) != HL_LABEL_NAMED)
            continue;
        const char *name = c->snap->names[hl_label_value(g->via[v])];
        if (type_ends(c, up, "ContextVar") && !strcmp(name, "default")) {
            *out = (variable){.var = up, .value = v, .is_default = true};
            return true;
        }
        if (!strncmp(hl_snap_type_name(c->snap, up), "hamt_", 5)) {
            *out = (variable){variable_beside(c, up, v), name, v, false};
            return true;
        }
    }
    return false;
}

/* The heaviest value in the Contexts below the holder. */
static bool variable_below(hl_case *c, hl_node holder, variable *out)
{
    const hl_graph *g = c->graph;
    uint8_t *below = hl_below_mark(c, holder);
    *out = (variable){.var = HL_NO_NODE, .value = HL_NO_NODE};
    for (hl_node v = 0; below && v < c->snap->nodes; v++) {
        hl_node up = g->parent[v];
        if (!below[v] || hl_label_kind(g->via[v]) != HL_LABEL_NAMED ||
            strncmp(hl_snap_type_name(c->snap, up), "hamt_", 5) != 0)
            continue;
        if (out->value == HL_NO_NODE || g->retained_bytes[v] > g->retained_bytes[out->value])
            *out = (variable){variable_beside(c, up, v), c->snap->names[hl_label_value(g->via[v])],
                              v, false};
    }
    if (below)
        hl_arena_release(&c->scratch, below);
    return out->value != HL_NO_NODE;
}

/* "app.current", or what the variable calls itself. */
static const char *name_of(hl_case *c, const variable *v)
{
    char name[240];
    if (v->var == HL_NO_NODE)
        return v->name;
    hl_path_name(c->graph, v->var, name, sizeof name);
    /* a variable that only the context knows has no place but this one */
    if (strchr(name, '(') && v->name)
        return v->name;
    return hl_arena_copy(c->arena, name, strlen(name));
}

/* The rest of the holder's name below the variable's value: ".items", "[*]". */
static const char *rest_of(hl_case *c, const variable *v, hl_node holder)
{
    char name[240], base[240];
    hl_path_name(c->graph, holder, name, sizeof name);
    hl_path_name(c->graph, v->value, base, sizeof base);
    size_t n = strlen(base);
    return strncmp(name, base, n) ? "" : hl_arena_copy(c->arena, name + n, strlen(name + n));
}

static bool context_variable(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    variable v;
    bool above = variable_above(c, s->holder, &v);
    const hl_below *b = hl_below_find(c, s);
    bool below = !above && hl_below_mostly(b, HL_PASS_CONTEXT);
    if (!above && (!below || !variable_below(c, s->holder, &v)))
        return false;
    hl_confidence confidence;
    /* a result is built in a variable of its own, not in one that goes with every call */
    hl_filled many = filled == HL_FILLED_UNKNOWN || below ? HL_FILLED_BY_MANY : filled;
    if (!hl_judge(c, s, u, many, &confidence))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_finding *f = hl_finding_add(c, "context-variable", confidence);
    if (!f)
        return true;
    hl_suspect shown = *s;
    const char *variable_name = name_of(c, &v);
    if (above) {
        const char *rest = rest_of(c, &v, s->holder);
        shown.name = hl_arena_printf(c->arena, "%s%s", variable_name, rest);
    } else {
        shown.payload = v.value;
    }
    hl_finding_holder(c, f, &shown);
    hl_finding_growth(c, f, s->growth);
    char count[32];
    if (above)
        f->title = hl_judge_title(c, &shown, "loses none");
    else
        f->title = hl_arena_printf(
            c->arena, "%s (%s) keeps %s contexts, each with its own value of `%s`; together %s",
            s->name, hl_snap_type_name(c->snap, s->holder),
            hl_count_text(b->part[HL_PASS_CONTEXT].count, count), variable_name,
            hl_judge_holds(c, s));
    hl_finding_evidence(c, f,
                        v.is_default ? "it is the default of context variable `%s`: one object for "
                                       "every context that set no other"
                                     : "it is a value of context variable `%s`, and lives as long "
                                       "as a context that has it",
                        variable_name);
    hl_judge_evidence(c, f, &shown, u, filled);
    f->fix =
        v.is_default
            ? "a mutable default is shared by all contexts and never let go: give the variable "
              "no default (or None), set a fresh value in each, and reset it when done"
        : below ? "drop the contexts when done with them (copy_context() copies every "
                  "variable), or set the variable only for the call that needs it"
                : "reset the variable when the work is done (token = var.set(x); try: ... "
                  "finally: var.reset(token)), run each piece of work in a context of its own "
                  "(contextvars.copy_context().run), and bound what gathers in it";
    hl_finding_seal(c, f);
    return true;
}

/* The Context on the chain to v. */
static hl_node context_above(const hl_case *c, hl_node v)
{
    while (v != HL_NO_NODE && !type_ends(c, v, "Context"))
        v = c->graph->parent[v];
    return v;
}

static hl_node heaviest(const hl_case *c, const hl_group *group)
{
    hl_node best = HL_NO_NODE;
    for (uint32_t i = 0; i < group->n_members; i++)
        if (best == HL_NO_NODE ||
            c->graph->retained_bytes[group->members[i]] > c->graph->retained_bytes[best])
            best = group->members[i];
    return best;
}

static void tell_values(hl_case *c, const hl_group *group, hl_confidence confidence)
{
    hl_node value = heaviest(c, group), context = context_above(c, value);
    hl_finding *f = context == HL_NO_NODE
                        ? NULL
                        : hl_group_finding(c, group, "context-variable", confidence, context);
    if (!f)
        return;
    char count[32], bytes[16];
    bool named = hl_label_kind(c->graph->via[value]) == HL_LABEL_NAMED;
    const char *name = named ? c->snap->names[hl_label_value(c->graph->via[value])] : NULL;
    f->title =
        hl_arena_printf(c->arena, "%s keeps the values of %s context variables%s; together %s",
                        f->holder.name, hl_count_text(group->n, count),
                        name ? hl_arena_printf(c->arena, ", such as `%s`", name) : "",
                        hl_bytes_text(group->bytes, bytes));
    hl_finding_evidence(c, f,
                        "a context keeps each variable that was ever set in it, also when nothing "
                        "else has the variable any more");
    f->fix = "make a context variable once, in a module, and so what has one of its own "
             "(werkzeug.local.Local and LocalStack); or run each piece of work in a context of its "
             "own (contextvars.copy_context().run), which goes with it";
    hl_finding_seal(c, f);
}

/* A variable made for each request: its value stays with the context it was set in. */
hl_status hl_rule_context_groups(hl_case *c, hl_err *err)
{
    for (uint32_t i = 0; i < c->n_groups; i++) {
        hl_group *group = &c->groups[i];
        hl_confidence confidence;
        /* the context of a task goes with it: only at the very end, or who knows */
        bool went = group->growth.released && group->growth.anchor < c->working;
        if (group->kind != HL_COUNT_VALUE || went || hl_cause_told(c, "pending-task") ||
            !hl_group_judge(c, group, &confidence))
            continue;
        if (hl_group_open(c, group, err))
            return err->status;
        if (group->growth.onset_bytes >= c->material)
            tell_values(c, group, confidence);
    }
    return HL_OK;
}

const hl_rule hl_rule_context_variable = {"context-variable", context_variable};
