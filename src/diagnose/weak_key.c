/* diagnose/weak_key.c: a WeakKeyDictionary whose values hold their own keys.
 *
 * Room   diagnose; a rule, of two causes: closure where the values are functions that hold the key
 *        in a cell (R6), unbounded-cache else (R4).
 * Signs  the holder lies in a WeakKeyDictionary, and the objects its keys refer to are kept alive
 *        by the dictionary alone, which can only be through its values: no key ever dies.
 * Guards keys that others hold too: entries go when they do. */
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <string.h>

enum { DEAD_MIN = 8 };

static hl_node referent_of(const hl_case *c, hl_node ref)
{
    const hl_snap *s = c->snap;
    for (uint32_t e = s->off[ref]; e < s->off[ref + 1]; e++)
        if (hl_label_kind(s->label[e]) == HL_LABEL_WEAK)
            return s->dst[e];
    return HL_NO_NODE;
}

/* The cell of a function that holds this object, as a name; NULL: none does. */
static const char *cell_with(const hl_case *c, hl_node function, hl_node object)
{
    const hl_snap *s = c->snap;
    hl_node code = hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__code__");
    hl_node closure = hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__closure__");
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(s, code);
    for (uint32_t e = row && closure != HL_NO_NODE ? s->off[closure] : 0, i = 0;
         row && closure != HL_NO_NODE && e < s->off[closure + 1]; e++, i++)
        if (i < row->n_free && hl_graph_label(c->graph, s->dst[e], object) != UINT32_MAX)
            return s->names[s->name_lists[row->free + i]];
    return NULL;
}

static bool weak_key(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    hl_suspect shown = hl_seen_from_outside(c, s);
    if (!hl_inherits(c, shown.holder, "weakref.WeakKeyDictionary"))
        return false;
    hl_node keys[HL_SAMPLES], object = HL_NO_NODE;
    uint32_t n = hl_sample(c, s->holder, true, keys, HL_SAMPLES), dead = 0;
    for (uint32_t i = 0; i < n; i++) {
        hl_node v = referent_of(c, keys[i]);
        if (v == HL_NO_NODE || !hl_dominates(c, s->holder, v))
            continue;
        dead++;
        object = v;
    }
    if (dead < DEAD_MIN || 10 * dead < 9 * n)
        return false;
    hl_confidence confidence;
    if (!hl_judge(c, s, u, hl_speaks(s, filled), &confidence))
        return true;
    if (confidence == HL_POSSIBLE)
        confidence = HL_STRONG; /* entries nobody can ask for are wrong however they grow */
    const char *cell = NULL;
    hl_callable value = {.node = HL_NO_NODE, .code = HL_NO_NODE};
    if (s->payload != HL_NO_NODE && hl_callable_of(c, s->payload, &value)) {
        /* the payload is one value of many: any object of the keys' type is its key */
        for (hl_node v = 0; !cell && v < c->snap->nodes; v++)
            if (c->snap->type[v] == c->snap->type[object])
                cell = cell_with(c, s->payload, v);
    }
    shown.payload = s->payload;
    hl_finding *f = hl_finding_about(c, &shown, cell ? "closure" : "unbounded-cache", confidence);
    if (!f)
        return true;
    char count[32];
    const char *type = hl_snap_type_name(c->snap, object);
    f->title = hl_arena_printf(c->arena,
                               "the values of %s hold their own weak keys, so that none dies: %s "
                               "entries more; it holds %s",
                               shown.name, hl_count_text(s->growth->units, count),
                               hl_judge_holds(c, &shown));
    hl_finding_evidence(c, f, "%u of %u keys looked at (%s) are kept by their own entry alone",
                        dead, n, type);
    if (cell)
        hl_finding_evidence(c, f, "the value %s holds its key in `%s`",
                            hl_callable_name(c, &value) ? hl_callable_name(c, &value) : "?", cell);
    hl_uses uses = *u;
    uses.idle = NULL; /* that nobody takes out is not what is wrong */
    hl_judge_evidence(c, f, s, &uses, filled);
    f->fix = "let the value do without its key: pass it as an argument, hold it by weakref.ref, or "
             "keep the value in an attribute of the object itself";
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_weak_key = {"closure", weak_key};
