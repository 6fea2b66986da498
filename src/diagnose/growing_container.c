/* diagnose/growing_container.c: a container somebody can name gains and never loses.
 *
 * Room   diagnose; a rule (R8, R9, R21).
 * Signs  a module global, class attribute, instance attribute, mutable default or local of a
 * running frame whose length rose in every interval to the end. Guards a declared bound; a rate
 * that falls; one call that fills one result. */
#include "diagnose/case.h"
#include "diagnose/judge.h"

#include <inttypes.h>
#include <string.h>

static const char *fix_for(const hl_suspect *s)
{
    if (!strcmp(s->kind, "mutable-default"))
        return "a default argument is made once and shared by all calls: default to None and make "
               "the object inside the function";
    if (!strcmp(s->kind, "frame-local"))
        return "this local lives as long as its function runs: hand results on as they come "
               "(yield, "
               "write out), or drop what is no longer needed";
    if (!strcmp(s->kind, "class-attribute"))
        return "a class attribute is shared by all instances and lives as long as the class: keep "
               "it "
               "on the instance, bound it (collections.deque(maxlen=N)), or remove entries when "
               "done";
    if (!strcmp(s->kind, "instance-attribute"))
        return "its owner lives on, and so does every entry: remove entries when done, bound it "
               "(collections.deque(maxlen=N)), or let the owner go";
    return "remove entries when done with them, bound it (collections.deque(maxlen=N)), or keep "
           "the "
           "data in the object that needs it";
}

static bool growing_container(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_growth *g = s->growth;
    hl_confidence confidence;
    hl_uses uses = *u;
    /* a builder that main() has: filled by many calls, read by a method when done, gone with main
     */
    if (g->released && (u->given || (u->all & (HL_USE_WHOLE | HL_USE_REMOVE))))
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
    f->title = hl_judge_title(c, s, "loses none");
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = fix_for(s);
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_growing_container = {"growing-container", growing_container};
