/* diagnose/census.h: things counted by the code they are about, where the way to them tells
 * nothing.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_CENSUS_H
#define HL_CENSUS_H

#include "diagnose/case.h"

typedef enum hl_counted {
    HL_COUNT_TASK,   /* tasks that wait, by their coroutine                             */
    HL_COUNT_TIMER,  /* callbacks an event loop will run, by what they call              */
    HL_COUNT_THREAD, /* threads, by the outermost of their functions                     */
    HL_COUNT_EXIT,   /* what atexit was given                                            */
    HL_COUNT_HELD,   /* methods, functions and partials that only C holds, by their code */
    HL_COUNT_VALUE   /* values of context variables that nothing but a context has       */
} hl_counted;

typedef struct hl_count {
    uint64_t key; /* hash of kind and place */
    hl_counted kind;
    uint32_t n;
} hl_count;

/* A kind and place whose number rose to the anchor without a pause. */
typedef struct hl_group {
    uint64_t key;
    hl_counted kind;
    uint32_t n;       /* in the anchor */
    const char *what; /* the place: "fetch (app.py:30)", or a type's name */
    hl_growth growth; /* OBJECTS; bytes once members are known */
    /* in the anchor, once hl_group_open */
    hl_node *members; /* tasks, handles, frames, callables, values */
    uint32_t n_members;
    uint64_t bytes, objects; /* kept alive by the members */
} hl_group;

/* Counts in a moment. */
hl_status hl_census_note(hl_case *c, hl_moment *m, const hl_graph *g, hl_err *err) HL_MUST_CHECK;
/* Fills c->groups, most numerous first. After hl_growth_find. */
hl_status hl_census_find(hl_case *c, hl_err *err) HL_MUST_CHECK;
/* Loads the anchor of a group and finds its members and what they keep. */
hl_status hl_group_open(hl_case *c, hl_group *group, hl_err *err) HL_MUST_CHECK;
/* Fills the growth's bytes from bytes: again, if a rule weighs the members in its own way. */
void hl_group_measure(const hl_case *c, hl_group *group);
/* How sure the rise alone makes us. False: no word about it. */
bool hl_group_judge(const hl_case *c, const hl_group *group, hl_confidence *out);
/* A finding of a group, held by `holder` (or a name alone, if NO_NODE). */
hl_finding *hl_group_finding(hl_case *c, const hl_group *group, const char *cause,
                             hl_confidence confidence, hl_node holder);

/* The rules over groups; each opens its groups and makes its findings. */
hl_status hl_rule_pending_groups(hl_case *c, hl_err *err) HL_MUST_CHECK;
hl_status hl_rule_thread_groups(hl_case *c, hl_err *err) HL_MUST_CHECK;
hl_status hl_rule_native_groups(hl_case *c, hl_err *err) HL_MUST_CHECK;
hl_status hl_rule_context_groups(hl_case *c, hl_err *err) HL_MUST_CHECK;

/* A finding of this cause was made. */
bool hl_cause_told(const hl_case *c, const char *cause);

/* Is there a group of threads? */
bool hl_threads_multiply(const hl_case *c);

#endif
