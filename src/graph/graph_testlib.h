/* graph/graph_testlib.h: what the tests of this room share.
 *
 * Room   graph; tests only. Named cases are drawn with snapshot/snap_dsl.h; here are random heaps
 *        and the checks every case goes through. */
#ifndef HL_GRAPH_TESTLIB_H
#define HL_GRAPH_TESTLIB_H

#include "graph/graph.h"

typedef struct hl_random_heap {
    uint64_t seed;
    uint32_t nodes, edges; /* edges: about */
    uint32_t roots;        /* named ones */
    uint32_t shape;        /* 0: any edge; 1: mostly forward, tree-like; 2: long chains;
                              3: numbered as a walk of a real heap would */
    uint32_t lost;         /* one node in so many has a reference nobody shows; 0: none */
    bool all_kinds;        /* weak, unowned, class links too */
} hl_random_heap;

/* A small generator of our own: the same numbers everywhere. */
uint64_t hl_test_random(uint64_t *state);

/* A heap that passes hl_snap_check, with folds, immortals and frozen bits here and there. */
hl_snap *hl_test_heap(const hl_random_heap *how);
/* The same heap with node v called to[v], and a node's edges turned (state NULL: in order); extra
 * nodes that nothing reaches are put at the end. */
hl_snap *hl_test_renumbered(const hl_snap *s, const hl_node *to, uint32_t extra, uint64_t *state);
/* to[0 .. n): a random permutation, malloc's. */
hl_node *hl_test_permutation(uint32_t n, uint64_t *state);

/* to[v]: the place of v where a walk that pops the newest object it met would write it; malloc's.
 */
hl_node *hl_test_walk_order(const hl_snap *s);

/* Graph of a heap, checked; aborts the test on failure. With dominators. */
hl_graph *hl_test_graph(const hl_snap *s);

#endif
