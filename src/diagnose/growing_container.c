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

static const char *fix_for(hl_case *c, const hl_suspect *s)
{
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
    if (g->released && (u->given || (c->graph->from[s->holder] == HL_HOLD_FRAME &&
                                     (u->all & (HL_USE_WHOLE | HL_USE_REMOVE)))))
        uses.reader = "code of its own";
    if (!hl_judge(c, s, &uses, filled, &confidence))
        return true; /* seen, and not worth a word */
    if (confidence == HL_CERTAIN && !g->exact && strcmp(s->kind, "mutable-default"))
        confidence = HL_STRONG; /* it could still be emptied one day */
    hl_finding *f = hl_finding_add(c, "growing-container", confidence);
    if (!f)
        return true;
    hl_finding_holder(c, f, s);
    hl_finding_growth(c, f, g);
    f->title = hl_judge_title(c, s, u->all & HL_USE_REMOVE ? "loses fewer" : "loses none");
    if (keeps_dead_references(c, s))
        hl_finding_evidence(c, f, "its entries are weak references to objects that are gone");
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = fix_for(c, s);
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_growing_container = {"growing-container", growing_container};
