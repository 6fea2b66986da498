/* diagnose/below.h: what the growth of a suspect passes through on its way to the bytes.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_BELOW_H
#define HL_BELOW_H

#include "diagnose/case.h"

typedef enum hl_passage {
    HL_PASS_TRACEBACK, /* a traceback, and so the frames of a failed call              */
    HL_PASS_CHAINED,   /* an exception that another keeps: its cause, or its context      */
    HL_PASS_FRAME,     /* a frame that somebody keeps, and whose call is over           */
    HL_PASS_PENDING,   /* a suspended coroutine, its task, or a callback of a loop      */
    HL_PASS_CONTEXT,   /* a contextvars.Context                                         */
    HL_PASS_THREAD,    /* a threading.Thread                                            */
    HL_PASSAGES
} hl_passage;

typedef struct hl_below {
    uint64_t bytes; /* own bytes of all below the holder, itself not counted */
    struct hl_below_part {
        uint64_t count, bytes; /* objects of that kind; own bytes of them and all below them */
        hl_node sample;        /* the one that retains most, or NO_NODE */
    } part[HL_PASSAGES];
} hl_below;

/* Walks the chain tree below the holder of s in the anchor. What hangs from a running frame does
 * not count: its call is not over. Remembered for the rules that ask next. NULL: no memory. */
const hl_below *hl_below_find(hl_case *c, const hl_suspect *s);
/* At least half of what is below passes through p. */
bool hl_below_mostly(const hl_below *b, hl_passage p);

/* 1 for each node below the holder on the chain tree, running frames and what they hold left out;
 * in scratch, to be released. NULL: no memory. */
uint8_t *hl_below_mark(hl_case *c, hl_node holder);

/* Is v a coroutine that was begun or not, is not done and does not run now? */
bool hl_is_suspended(const hl_graph *g, hl_node v);
/* Is v an instance of module.name or of a class made from it? */
bool hl_is_instance(const hl_graph *g, hl_node v, const char *name);
/* Follows NAMED, ATTR, SLOT or the instance dict's KEY `name`. */
hl_node hl_attribute(const hl_graph *g, hl_node v, const char *name);
/* The code object of a function, method, partial, frame, coroutine or of what wraps them. */
hl_node hl_code_of(const hl_graph *g, hl_node v);
/* "work (app.py:12)", "builtin Event.set", or the type's name. */
const char *hl_callable_place(hl_case *c, hl_node v);
/* The nearest node above most of the members on their chains: where they are kept. */
hl_node hl_kept_by(hl_case *c, const hl_node *members, uint32_t n);

#endif
