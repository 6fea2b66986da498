/* diagnose/not_collected.c: what the program said should be gone, and is not.
 *
 * Room   diagnose; a rule, judged in the last moment alone: the program itself says what is wrong.
 * Signs  an EXPECT row (heaplens.expect_collected) whose object is there and held.
 * Guards a cycle that waits for the collector is a note. What a call that still runs holds is only
 *        possible, and so is what stands at the address of an object that takes no weak reference.
 *        What only another such object keeps goes with that one. */
#include "diagnose/case.h"
#include "diagnose/judge.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 8 };

typedef struct expected {
    const hl_snap_expect *row;
    hl_shape shape;
} expected;

static int by_group(const void *a, const void *b)
{
    const expected *x = a, *y = b;
    if (x->row->reason != y->row->reason)
        return x->row->reason < y->row->reason ? -1 : 1;
    if (x->shape != y->shape)
        return x->shape < y->shape ? -1 : 1;
    return (x->row->node > y->row->node) - (x->row->node < y->row->node);
}

static bool same_group(const expected *x, const expected *y)
{
    return x->row->reason == y->row->reason && x->shape == y->shape;
}

static bool is_the_one(const hl_case *c, const hl_snap_expect *x)
{
    return !x->by_address || !strcmp(hl_snap_type_name(c->snap, x->node), c->snap->names[x->type]);
}

static bool goes_with_another(const hl_case *c, const uint8_t *marks, hl_node v)
{
    for (hl_node u = c->graph->idom[v]; u != HL_NO_NODE; u = c->graph->idom[u])
        if (marks[u])
            return true;
    return false;
}

/* Who is to let go: the object that has it, unless it has a name of its own there. */
static hl_node holder_of(const hl_case *c, hl_node v)
{
    enum hl_label_kind kind = hl_label_kind(c->graph->via[v]);
    hl_node owner = hl_graph_owner(c->graph, v);
    bool named = kind == HL_LABEL_KEY || kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT ||
                 kind == HL_LABEL_LOCAL || kind == HL_LABEL_CELL;
    return c->graph->parent[v] == HL_NO_NODE || owner == HL_NO_NODE || named ? v : owner;
}

static hl_confidence confidence(const hl_case *c, const hl_snap_expect *x)
{
    return x->by_address || c->graph->from[x->node] == HL_HOLD_FRAME ? HL_POSSIBLE : HL_CERTAIN;
}

static hl_finding *told_of(const hl_case *c, uint64_t address)
{
    for (uint32_t i = 0; i < c->out->n_findings; i++)
        if (c->out->findings[i].holder.address == address)
            return &c->out->findings[i];
    return NULL;
}

static void tell(hl_case *c, const expected *group, uint32_t n)
{
    const hl_snap_expect *x = group->row;
    const char *type = hl_snap_type_name(c->snap, x->node), *reason = c->snap->names[x->reason];
    hl_node holder = holder_of(c, x->node);
    hl_suspect s;
    char count[32], bytes[16];
    uint64_t all = 0, objects = 0;
    for (uint32_t i = 0; i < n; i++) {
        all += c->graph->retained_bytes[group[i].row->node];
        objects += c->graph->retained_objects[group[i].row->node];
    }
    hl_finding *f = told_of(c, hl_snap_address(c->snap, holder));
    if (f) {
        hl_finding_evidence(c, f, "%s %s in it should be gone%s%s", hl_count_text(n, count), type,
                            *reason ? ": " : "", reason);
        return;
    }
    if (!hl_suspect_of(c, holder, holder == x->node ? HL_NO_NODE : x->node, &s) ||
        !(f = hl_finding_add(c, "not-collected", confidence(c, x))))
        return;
    hl_finding_holder(c, f, &s);
    f->retained.bytes = f->growth.bytes = all;
    f->retained.objects = objects;
    f->growth.objects = n;
    const char *why = *reason ? hl_arena_printf(c->arena, " (%s)", reason) : "";
    const char *by = holder == x->node && c->graph->parent[holder] == HL_NO_NODE
                         ? "C code or the interpreter has it"
                     : holder == x->node ? hl_arena_printf(c->arena, "it is %s", s.name)
                                         : hl_arena_printf(c->arena, "%s (%s) has %s", s.name,
                                                           hl_snap_type_name(c->snap, holder),
                                                           n == 1 ? "it" : "them");
    f->title = hl_arena_printf(c->arena, "%s %s should be gone%s and %s there: %s; %s",
                               n == 1 ? "a" : hl_count_text(n, count), type, why,
                               n == 1 ? "is" : "are", by, hl_bytes_text(all, bytes));
    hl_finding_evidence(c, f, "the program expects it to be collected%s%s", *reason ? ": " : "",
                        reason);
    if (x->by_address)
        hl_finding_evidence(c, f,
                            "known by its address alone: a %s that was made later may have "
                            "taken its place",
                            type);
    if (c->graph->from[x->node] == HL_HOLD_FRAME)
        hl_finding_evidence(c, f, "a call that still runs holds it: it may yet be let go");
    f->fix =
        "let go of it where it is done with: take it out of what holds it, set the name to "
        "None, or hold it there by a weak reference (weakref.ref, WeakSet, WeakValueDictionary)";
    hl_finding_seal(c, f);
}

hl_status hl_rule_not_collected(hl_case *c, hl_err *err)
{
    if (hl_case_anchor(c, c->n_moments - 1, err))
        return err->status;
    const hl_snap *s = c->snap;
    if (!s->n_expects)
        return HL_OK;
    expected *all = hl_arena_array(&c->scratch, s->n_expects, sizeof *all);
    uint8_t *marks = hl_arena_array(&c->scratch, s->nodes, 1);
    if (!all || !marks)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u expected objects", s->n_expects);
    uint32_t n = 0, waiting = 0, told = 0;
    char count[32];
    for (uint32_t i = 0; i < s->n_expects; i++)
        marks[s->expects[i].node] = is_the_one(c, &s->expects[i]);
    for (uint32_t i = 0; i < s->n_expects; i++) {
        hl_node v = s->expects[i].node;
        if (!marks[v] || goes_with_another(c, marks, v))
            continue;
        if (c->graph->from[v] == HL_HOLD_CYCLE)
            waiting++;
        else
            all[n++] = (expected){&s->expects[i], hl_case_shape(c, v)};
    }
    if (n)
        qsort(all, n, sizeof *all, by_group);
    for (uint32_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_group(&all[i], &all[end]);)
            end++;
        if (told++ < GROUPS_MAX)
            tell(c, &all[i], end - i);
    }
    if (told > GROUPS_MAX)
        hl_note_add(c, "not-collected", "objects at %u more places should be gone and are there",
                    told - GROUPS_MAX);
    if (waiting)
        hl_note_add(c, "reference-cycle",
                    "%s object%s that should be gone wait%s in a cycle for the collector",
                    hl_count_text(waiting, count), waiting == 1 ? "" : "s",
                    waiting == 1 ? "s" : "");
    return HL_OK;
}
