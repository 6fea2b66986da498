/* diagnose/growing_container.c: a container somebody can name gains and never loses.
 *
 * Room   diagnose; a rule (R8, R9, R21).
 * Signs  a module global, class attribute, instance attribute, mutable default or local of a
 *        running frame whose length rose in every interval to the end.
 * Guards a declared bound; a rate that falls; one call that fills one result. */
#include "diagnose/case.h"
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <inttypes.h>
#include <string.h>

enum { CHAIN_MAX = 16, LASTING_INTERVALS = 5 };
static const double INDEX_SHARE = 0.25; /* of what the heap gained */

static bool is_like(const hl_case *c, const hl_suspect *s, const char *const *types, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (hl_inherits(c, s->holder, types[i]))
            return true;
    return false;
}

/* How entries leave a container of its kind; NULL: it has none of its own. */
static const char *way_out(const hl_case *c, const hl_suspect *s)
{
    static const char *const texts[] = {"str",         "bytes",        "bytearray",
                                        "array.array", "_io.StringIO", "_io.BytesIO"};
    static const char *const mappings[] = {"dict", "collections.UserDict"};
    static const char *const sets[] = {"set"};
    static const char *const rows[] = {"list", "collections.deque", "collections.UserList"};
    if (is_like(c, s, texts, sizeof texts / sizeof *texts))
        return "write out what is complete and begin anew";
    if (is_like(c, s, mappings, sizeof mappings / sizeof *mappings))
        return "delete a key when its work is over (pop or del, in `finally:`), or give it a size "
               "or an age limit";
    if (is_like(c, s, sets, sizeof sets / sizeof *sets))
        return "discard() an element when its work is over";
    if (is_like(c, s, rows, sizeof rows / sizeof *rows))
        return "remove entries when done, or bound it (collections.deque(maxlen=N))";
    return NULL;
}

/* Weak references in a container, which the judge has found to be dead for the most part. */
static bool keeps_dead_references(const hl_case *c, const hl_suspect *s)
{
    return s->payload != HL_NO_NODE && (hl_inherits(c, s->payload, "weakref.ReferenceType") ||
                                        hl_inherits(c, s->payload, "weakref"));
}

/* Entries of a defaultdict that nobody put anything into: it was only asked for them. */
static bool was_only_asked(const hl_case *c, const hl_suspect *s, const hl_uses *u)
{
    hl_node entries[HL_SAMPLES];
    uint32_t n = u->by_reading ? hl_sample(c, s->holder, false, entries, HL_SAMPLES) : 0, empty = 0;
    for (uint32_t i = 0; i < n; i++)
        empty += !hl_snap_len(c->snap, entries[i]);
    return n && 10 * empty >= 9 * n;
}

/* The object of C code that has v in a field without a name; HL_NO_NODE: Python code can get at v. */
static hl_node inside_of_c(const hl_case *c, hl_node v)
{
    hl_node of = c->graph->parent[v];
    bool unnamed = hl_label_kind(c->graph->via[v]) == HL_LABEL_INTERNAL;
    return of != HL_NO_NODE && unnamed && !hl_is_a(c, of, "module") ? of : HL_NO_NODE;
}

static const char *fix_for(hl_case *c, const hl_suspect *s, const hl_uses *u)
{
    if (was_only_asked(c, s, u))
        return "look up with .get(key), or test `key in` first: a defaultdict makes and keeps an "
               "entry for each key it is only asked for";
    const char *out = way_out(c, s);
    out = out ? out : "remove what is done with";
    if (!strcmp(s->kind, "mutable-default"))
        return "a default argument is made once and shared by all calls: default to None and make "
               "the object inside the function";
    if (!strcmp(s->kind, "frame-local"))
        return "this local lives as long as its function runs: hand results on as they come "
               "(yield, "
               "write out), or drop what is no longer needed";
    if (hl_is_a(c, s->holder, "module"))
        return "each name set in a module (globals(), setattr) stays until it is deleted: keep "
               "such "
               "values in a dict of their own, and delete what is done with";
    if (hl_is_type(c, s->holder))
        return "each name that is set on a class stays until it is deleted or the class goes: set "
               "it once, when the class is made, and keep what is made for each piece of work in "
               "an "
               "object of its own";
    hl_node inside = inside_of_c(c, s->holder);
    if (inside != HL_NO_NODE)
        return hl_arena_printf(
            c->arena,
            "it is inside a %s, and its code alone gets at it: look in that type's documentation "
            "for what takes entries out (close(), clear(), reset(), unregister()), let the object "
            "go from time to time, or give it fewer different things to keep",
            hl_snap_type_name(c->snap, inside));
    if (keeps_dead_references(c, s))
        return "a weak reference outlives what it refers to: use weakref.WeakSet, "
               "WeakValueDictionary or WeakKeyDictionary, which drop theirs, or give weakref.ref() "
               "a "
               "callback that takes the reference out";
    if (!strcmp(s->kind, "class-attribute"))
        return hl_arena_printf(c->arena,
                               "a class attribute is shared by all instances and lives as long as "
                               "the class: keep it on the instance, or %s",
                               out);
    if (!strcmp(s->kind, "instance-attribute"))
        return hl_arena_printf(
            c->arena, "its owner lives on, and so does all that is in it: %s; or let the owner go",
            out);
    return hl_arena_printf(c->arena, "%s; or keep the data in the object that needs it", out);
}

/* Is the holder below v on its chain? */
static bool is_below(const hl_case *c, hl_node v, hl_node holder)
{
    for (int i = 0; i < CHAIN_MAX && v != HL_NO_NODE; i++, v = c->graph->parent[v])
        if (v == holder)
            return true;
    return false;
}

/* A table into a structure that main() works with and has in another way, too (the nodes of a tree,
 * by their position): most entries are held by other entries, and next to nothing of what the heap
 * gained would go with the table. */
static bool is_index(const hl_case *c, const hl_suspect *s)
{
    const hl_growth *g = s->growth;
    uint64_t was = hl_moment_live(&c->moments[g->onset]);
    uint64_t is = hl_moment_live(&c->moments[g->anchor]);
    uint64_t grew = is > was ? is - was : 0;
    if (!g->released || g->metric != HL_METRIC_ITEMS ||
        c->graph->from[s->holder] != HL_HOLD_FRAME ||
        (double)s->retained_bytes >= INDEX_SHARE * (double)grew)
        return false;
    hl_node entries[HL_SAMPLES];
    uint32_t n = hl_sample(c, hl_entries_of(c, s->holder), false, entries, HL_SAMPLES), held = 0;
    for (uint32_t i = 0; i < n; i++) {
        hl_node who;
        bool by_others = false;
        uint32_t seen = 0;
        for (hl_holders h = hl_graph_holders(c->graph, entries[i]);
             !by_others && seen++ < HL_SAMPLES && hl_holders_next(&h, &who);)
            by_others = who != s->holder && is_below(c, who, s->holder);
        held += by_others;
    }
    return n && 2 * held > n;
}

/* A table whose entries come and go by their keys (jobs that are started and finished), one by one
 * while it grows: what is left of them is not worked off when all is done. */
static bool loses_too_few(const hl_case *c, const hl_suspect *s, const hl_uses *u)
{
    return (c->snap->types[c->snap->type[s->holder]].flags & HL_TYPE_DICT) &&
           !(u->all & (HL_USE_DROP | HL_USE_WHOLE | HL_USE_ITER)) && !hl_growth_slows(s->growth) &&
           s->growth->intervals >= LASTING_INTERVALS;
}

static bool growing_container(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_growth *g = s->growth;
    hl_confidence confidence;
    hl_uses uses = *u;
    /* what is set on a class or in a module, name by name, is nobody's result */
    if (filled == HL_FILLED_UNKNOWN &&
        (hl_is_type(c, s->holder) || hl_is_a(c, s->holder, "module")))
        filled = HL_FILLED_BY_MANY;
    if (filled == HL_FILLED_UNKNOWN && hl_is_gathered(c, s->holder))
        filled = HL_FILLED_BY_ONE_CALL;
    /* a builder that main() has: filled by many calls, read by a method when done, gone with main
     */
    bool taken = (u->all & HL_USE_REMOVE) && !loses_too_few(c, s, u);
    if (g->released && (u->given || is_index(c, s) ||
                        (c->graph->from[s->holder] == HL_HOLD_FRAME && (u->asked || taken))))
        uses.reader = "code of its own";
    if (!hl_judge(c, s, &uses, filled, &confidence))
        return true; /* seen, and not worth a word */
    if (confidence == HL_CERTAIN && !g->exact && strcmp(s->kind, "mutable-default"))
        confidence = HL_STRONG; /* it could still be emptied one day */
    hl_finding *f = hl_finding_about(c, s, "growing-container", confidence);
    if (!f)
        return true;
    f->title = hl_judge_title(c, s, u->all & HL_USE_REMOVE ? hl_judge_loses(s) : "loses none");
    if (keeps_dead_references(c, s))
        hl_finding_evidence(c, f, "its entries are weak references to objects that are gone");
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = hl_judge_fix(c, u, fix_for(c, s, u));
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_growing_container = {"growing-container", growing_container};
