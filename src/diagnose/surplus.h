/* diagnose/surplus.h: references that nobody has, and references too few, by type, look by look.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_SURPLUS_H
#define HL_SURPLUS_H

#include "diagnose/case.h"

/* Of all objects of a type; a class, which is one of its metaclass, stands for itself. */
typedef struct hl_surplus {
    uint64_t key;
    uint64_t lost;  /* counted, and not found in any object */
    uint64_t given; /* found, and not counted                */
    uint64_t own;   /* objects that may hold others unseen, and that only one of these has */
} hl_surplus;

/* Sums up a moment. */
hl_status hl_surplus_note(hl_case *c, hl_moment *m, const hl_graph *g, hl_err *err) HL_MUST_CHECK;
/* Both are 0 for what the moment does not have. */
hl_surplus hl_surplus_in(const hl_moment *m, uint64_t key);

/* Objects of a key that are uneven. */
typedef struct hl_surplus_node {
    hl_node node;
    uint64_t address;
    int64_t excess;
} hl_surplus_node;
/* In the order of their addresses; in the case's scratch. */
hl_status hl_surplus_nodes(hl_case *c, const hl_graph *g, uint64_t key, hl_surplus_node **out,
                           uint32_t *n, hl_err *err) HL_MUST_CHECK;

#endif
