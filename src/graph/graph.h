/* graph/graph.h: what holds what, what goes with it, and how it grew.
 *
 * Room   graph; analyser process; works on a loaded hl_snap, never on a target.
 * Gives  roots and the cheapest chain to every node (reach.c), dominators and retained sizes
 *        (dom.c), components (scc.c), chains with names (path.c), path shapes over several
 *        snapshots (shape.c).
 * Rule   one predicate says which edges keep things alive, hl_edge_holds; every pass asks it. */
#ifndef HL_GRAPH_H
#define HL_GRAPH_H

#include "base/arena.h"
#include "base/err.h"
#include "snapshot/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keeps its target alive. */
static inline bool hl_edge_holds(hl_label l)
{
    return hl_label_kind(l) != HL_LABEL_WEAK;
}
/* Is one of the references its target's count is made of. */
static inline bool hl_edge_counted(hl_label l)
{
    return hl_label_kind(l) != HL_LABEL_WEAK && hl_label_kind(l) != HL_LABEL_UNOWNED;
}

/* Why a node needs no holder inside the graph. The first ones are hl_root_kind. */
enum hl_hold {
    HL_HOLD_NONE = 0,
    HL_HOLD_MODULE = HL_ROOT_MODULE,
    HL_HOLD_TYPE = HL_ROOT_TYPE,
    HL_HOLD_FRAME = HL_ROOT_FRAME,
    HL_HOLD_THREAD = HL_ROOT_THREAD,
    HL_HOLD_INTERP = HL_ROOT_INTERP,
    HL_HOLD_GC_GARBAGE = HL_ROOT_GARBAGE,
    HL_HOLD_C = 32,     /* refcount above its in-edges: a C variable or a stack holds it */
    HL_HOLD_CYCLE = 33, /* nothing holds it but its own cycle: garbage                    */
    HL_HOLD_STRAY = 34, /* unreached, no cycle, no excess: seen half-way (counted, named) */
};

typedef struct hl_graph_root {
    hl_node node;
    enum hl_hold hold;
    uint32_t named; /* index into snap->roots for the first kinds, else UINT32_MAX */
} hl_graph_root;

typedef struct hl_graph {
    const hl_snap *snap; /* borrowed */
    /* Roots, sorted by node, at most one a node (the best). Every node is reached from one. They
     * are the children of the virtual root: objects that stay alive without any other's help.
     * Immortal and static objects are roots (HL_HOLD_C) if nothing names them. */
    hl_graph_root *roots;
    uint32_t n_roots;
    /* Nodes with refcount above / below their counted in-edges; only objects the collector tracks
     * or that hold others: plain leaves (interned strings, small ints) are held by C everywhere. */
    uint32_t n_excess, n_deficit;
    uint32_t n_garbage; /* nodes reached from HL_HOLD_CYCLE roots only */
    /* Cheapest-chain tree: cost prefers modules over frames over C, names over keys over
     * indices over internals, and shuns function.__globals__ and class links. */
    hl_node *parent; /* HL_NO_NODE: the chain starts here, at a root. A root that a better chain
                        reaches (C holds it, and __main__.cache too) has a parent all the same */
    hl_label *via;   /* label of the edge parent -> node */
    hl_node *order;  /* all nodes, a parent before its children */
    uint8_t *from;   /* enum hl_hold of the root it hangs from */
    struct hl_uneven *uneven; /* nodes whose refcount is not their counted in-edges; by node */
    uint32_t n_uneven;
    /* After hl_graph_dominate */
    hl_node *idom;              /* HL_NO_NODE: the virtual root */
    uint64_t *retained_bytes;   /* self, memory outside, folded leaves, all it dominates */
    uint32_t *retained_objects; /* folded leaves counted; saturated */
    uint32_t *in_off; /* reverse CSR of the holding edges that do not come from parent[v]: most
                         objects have no other holder. Ask hl_graph_holders. */
    hl_node *in_src;
    /* What names and types mean here: enums of graph_parts.h, for the room's own files. */
    uint8_t *name_role, *type_role;
    /* Where the library notes what runs (threading._active): everything in there is better known by
     * whoever else has it. */
    hl_node *ledgers; /* by node */
    uint32_t n_ledgers;
    uint64_t ledger_bits; /* of node & 63: no bit, no ledger */
    hl_node *hands;       /* what event loops have in hand: see hl_graph_in_hand; by node */
    uint32_t n_hands;
    hl_arena arena;
} hl_graph;

/* Finds roots, the chain tree and garbage. snap must outlive the graph. */
hl_status hl_graph_create(const hl_snap *snap, hl_graph **out, hl_err *err) HL_MUST_CHECK;
/* Adds idom, retained_*, in_* (hl_graph_holders). */
hl_status hl_graph_dominate(hl_graph *g, hl_err *err) HL_MUST_CHECK;
void hl_graph_destroy(hl_graph *g);
/* The promises above as code: the tree reaches all, costs are minimal, idoms dominate
 * (spot checks), sums of retained sizes agree. */
hl_status hl_graph_check(const hl_graph *g, hl_err *err) HL_MUST_CHECK;

const hl_graph_root *hl_graph_root_of(const hl_graph *g, hl_node root); /* or NULL */
/* Bytes of v itself: object, memory outside, folded leaves; and objects (1 + folded). */
uint64_t hl_graph_own_bytes(const hl_graph *g, hl_node v);
uint64_t hl_graph_own_objects(const hl_graph *g, hl_node v);
/* refcount - counted in-edges; 0 for immortals and static objects. */
int64_t hl_graph_excess(const hl_graph *g, hl_node v);
/* The i-th node that has one, by node, i < n_uneven. */
hl_node hl_graph_uneven(const hl_graph *g, uint32_t i, int64_t *excess);
/* The node that edge `label` of v leads to: by kind and name text ("__closure__"), or NO_NODE. */
hl_node hl_graph_follow(const hl_graph *g, hl_node v, enum hl_label_kind kind, const char *name);
/* Who holds v, once an edge, parent[v] first and once: for (hl_holders h = hl_graph_holders(g, v);
 * hl_holders_next(&h, &u);). Needs hl_graph_dominate. */
typedef struct hl_holders {
    const hl_graph *g;
    hl_node parent; /* not given yet, or HL_NO_NODE */
    uint32_t at, end;
} hl_holders;
static inline hl_holders hl_graph_holders(const hl_graph *g, hl_node v)
{
    return (hl_holders){g, g->parent[v], g->in_off[v], g->in_off[v + 1]};
}
static inline bool hl_holders_next(hl_holders *h, hl_node *out)
{
    if (h->parent == HL_NO_NODE && h->at == h->end)
        return false;
    *out = h->parent != HL_NO_NODE ? h->parent : h->g->in_src[h->at++];
    h->parent = HL_NO_NODE;
    return true;
}
/* Label of the first holding edge src -> dst, or UINT32_MAX. */
hl_label hl_graph_label(const hl_graph *g, hl_node src, hl_node dst);
/* The nearest object above v on its chain that a developer would call an object: instance dicts,
 * cells, closure and default tuples, the dict inside an lru_cache are passed over. HL_NO_NODE if v
 * starts its chain. */
hl_node hl_graph_owner(const hl_graph *g, hl_node v);
/* Is it the heap of timers or the queue of what is due of an event loop? A handle that somebody else
 * keeps may have been called long ago. */
bool hl_graph_in_hand(const hl_graph *g, hl_node queue);
/* Is it the __dict__ of a module, a class or an instance: entries are attributes, not data? */
bool hl_graph_is_namespace(const hl_graph *g, hl_node dict);

/* ---- components ------------------------------------------------------------------------------ */

typedef struct hl_scc {
    uint32_t *component; /* per node of the graph; UINT32_MAX where not asked for  */
    uint32_t count;
    uint32_t *off; /* count + 1 */
    hl_node *members;
} hl_scc;
/* Tarjan, iterative, over the nodes where wanted[v] != 0 (wanted NULL: all), holding edges only.
 * Components come out in reverse topological order. Arrays in arena. */
hl_status hl_scc_find(const hl_snap *s, const uint8_t *wanted, hl_arena *arena, hl_scc *out,
                      hl_err *err) HL_MUST_CHECK;

enum { HL_CYCLE_EDGES = 8, HL_CYCLE_OTHERS = 3 };

/* Garbage cycles that look alike: same types joined by the same edges. */
typedef struct hl_cycle {
    uint64_t cycles;  /* how many such */
    uint64_t objects; /* in them       */
    uint64_t bytes;   /* their own and what only they keep alive; what another garbage cycle
                         further down keeps is counted there, so that groups add up */
    hl_node sample;   /* a member      */
    uint32_t n_edges; /* of one shortest cycle through sample, in order; repetitions folded, at most
                         HL_CYCLE_EDGES kept */
    struct {
        hl_node from;
        hl_label label; /* logical: instance dicts are skipped, the name is on this label; a
                           closure's tuple and cell too: CELL, the variable's name its value */
    } edges[HL_CYCLE_EDGES];
    bool finalizer, frozen, in_gc_garbage, uncollectable;
    hl_node closed;        /* uncollectable: a member that holds another unseen by the collector */
    const char *signature; /* "__main__.A.b > __main__.B.a" */
    /* of the sample's component: references that hold it together without the one that closes the
     * cycle shown: "__main__.B.next" */
    const char *others[HL_CYCLE_OTHERS];
    uint32_t n_others;
    bool more_others;
} hl_cycle;
/* Components of two nodes or more, or with a self edge, reached from HL_HOLD_CYCLE roots only or
 * from gc.garbage only, grouped by signature and flags, most bytes first. Needs hl_graph_dominate.
 */
hl_status hl_cycles_find(const hl_graph *g, hl_arena *arena, hl_cycle **out, uint32_t *n,
                         hl_err *err) HL_MUST_CHECK;

/* ---- chains and names -------------------------------------------------------------------------
 */

typedef struct hl_step {
    hl_node node;
    hl_label label; /* of the edge that leads here from the step before; 0 for the first */
} hl_step;
/* The chain tree's chain root .. v. Returns its length; fills at most max steps from the root. */
uint32_t hl_path_chain(const hl_graph *g, hl_node v, hl_step *steps, uint32_t max);
/* Up to k chains to v that leave v by different holders, cheapest first, the chain tree's before
 * all; chains that pass v itself are none. Needs hl_graph_dominate. steps: k * max. */
uint32_t hl_path_chains(const hl_graph *g, hl_node v, hl_step *steps, uint32_t max, uint32_t k,
                        uint32_t *lengths);
/* The name a developer knows it by: "__main__.cache", "app.Store.items", "main() local rows",
 * "f() default seen", "registry[*].handler", a cell as "outer.<locals>.inner closure x"; always
 * NUL-terminated, cut with "...". */
void hl_path_name(const hl_graph *g, hl_node v, char *buf, size_t size);
/* The edge as people write it: ".name", "[*]", "[3]", " local x", " closure x"; "[str]" for a VALUE
 * under a str key; ".*" for a field nobody named. */
void hl_label_text(const hl_snap *s, hl_label label, char *buf, size_t size);
/* Nodes that TARGET of `paths` means: type name, 0xADDRESS, dotted name, or what hl_path_name calls it. Arena
 * array. */
hl_status hl_path_find(const hl_graph *g, const char *target, hl_arena *arena, hl_node **out,
                       uint32_t *n, hl_err *err) HL_MUST_CHECK;

/* ---- what is around an object: the picture of `graph` ------------------------------------------ */

enum { HL_NEAR_LABELS = 3, HL_NEAR_FEW = 3 };
#define HL_NEAR_NONE    UINT32_MAX
#define HL_NEAR_SEVERAL UINT32_MAX /* a cycle each */

typedef struct hl_near_query {
    const hl_node *targets; /* borrowed, each once */
    uint32_t n_targets;
    bool refs;             /* what they refer to; else what refers to them */
    uint32_t depth;        /* links away at most */
    uint32_t max_groups;   /* at least 1 */
    const hl_node *hidden; /* objects that are not told */
    uint32_t n_hidden;
    const hl_node *holders; /* that are suspected already; or none */
    uint32_t n_holders;
} hl_near_query;

/* One object, or several that look alike: of one type, held by one group under one label. */
typedef struct hl_near_group {
    uint32_t type;
    uint64_t objects, bytes; /* their own, leaves folded into them, too */
    hl_node first;           /* the one that keeps most; of leaves HL_NO_NODE: they are no nodes */
    uint32_t distance;       /* links from a target */
    uint32_t cycle;          /* 0: on none; else the number of theirs, or HL_NEAR_SEVERAL */
    enum hl_hold hold;       /* of those that are roots */
    bool more;               /* something next to it is not told */
} hl_near_group;

typedef struct hl_near_edge { /* all links of one group to another */
    uint32_t from, to;
    uint64_t links;
    hl_label labels[HL_NEAR_LABELS]; /* of what is several the folded one */
    uint32_t n_labels;               /* 0: of folded leaves nobody knows it */
    bool more_labels;
    bool weak;   /* keeps nothing alive */
    bool cycle;  /* each of them joins members of one cycle */
    bool guilty; /* see hl_near_find */
} hl_near_edge;

typedef struct hl_near {
    hl_near_group *groups; /* targets first, nearer ones before farther ones */
    hl_near_edge *edges;
    uint32_t n_groups, n_edges;
    uint32_t *place;   /* node -> its group, or HL_NEAR_NONE */
    uint64_t left_out; /* objects next to what is told */
    bool suspected;    /* a guilty edge is one of holders' */
} hl_near;

/* The surroundings of the targets, nearest first, in arena. Instance dicts, closures' tuples and
 * cells are passed over where nobody else has them. More than HL_NEAR_FEW objects of one type with
 * one label and one holder are one group. Backwards it ends at named roots, forwards at modules,
 * classes and code, and at weak references; links that explain nothing (an instance's class, a function's
 * globals) are followed from the targets alone, where those have no others. Cycles through
 * modules and classes, of which every program is full, are none here. The guilty edge, on the chain
 * to what a target group has of most weight: out of the last of `holders` above it; else the last
 * link on whose removal the object goes. Needs hl_graph_dominate. */
hl_status hl_near_find(const hl_graph *g, const hl_near_query *q, hl_arena *arena, hl_near *out,
                       hl_err *err) HL_MUST_CHECK;

/* ---- path shapes over several snapshots --------------------------------------------------------
 */

typedef uint32_t hl_shape; /* 0 is the virtual root */
enum { HL_SHAPES_MAX = 200000 };

typedef struct hl_shape_info {
    hl_shape parent;
    enum hl_label_kind kind; /* of the edge that leads here */
    const char *edge;        /* its text, indices and keys folded: ".cache", "[*]" */
    const char *type;        /* type name; for shapes below a root, the root's name is edge */
    enum hl_hold hold;       /* of the root it hangs from */
    uint32_t depth;
} hl_shape_info;

typedef struct hl_shape_count { /* in one snapshot */
    uint64_t members;           /* nodes of this very shape; their instance dicts not */
    uint64_t objects;           /* members, their instance dicts and their folded leaves */
    uint64_t bytes;             /* own bytes of those           */
    uint64_t items;             /* sum of len of the members that have one */
    uint64_t tree_bytes;        /* bytes of this shape and all below it in the tree */
    uint64_t tree_objects;
    uint64_t top_items, top_address; /* the member with the most items */
} hl_shape_count;

typedef struct hl_shapes {
    hl_arena arena;
    uint32_t n_shapes, n_snaps;
    hl_shape_info *shapes;
    /* Ask hl_shapes_count. Most shapes are the same in the next snapshot: they share a row. */
    struct hl_shape_moment *moments; /* per snapshot */
    hl_shape_count **blocks;         /* of rows */
    uint32_t n_rows;
    uint32_t *shape_of;           /* node -> shape in the snapshot added last; arena */
    uint32_t n_nodes;             /* of that snapshot */
    struct hl_shape_index *index; /* hash of (parent, kind, edge, type), and of texts */
} hl_shapes;

void hl_shapes_init(hl_shapes *s);
void hl_shapes_deinit(hl_shapes *s);
/* Adds a snapshot: each node's shape is its chain tree path with indices, keys and repetitions
 * folded: a step (edge, type) that stands among the last 6 ancestors becomes that ancestor's
 * shape, so linked lists and trees have few shapes; for nameless steps to builtin containers
 * ("[*]" of a dict) the steps before both must be alike, too. Instance, class and module dicts
 * are passed over: obj.attr is one edge, and shape_of[dict] is its owner's. Ids and addresses have
 * no part in it: the same state of a program has the same shapes in every snapshot. Roots aside
 * there are at most HL_SHAPES_MAX shapes; what is deeper counts for the last shape above it. */
hl_status hl_shapes_add(hl_shapes *s, const hl_graph *g, hl_err *err) HL_MUST_CHECK;
hl_shape_count hl_shapes_count(const hl_shapes *s, uint32_t snap, hl_shape shape);
/* "__main__.cache[*].name", cut with "...". */
void hl_shape_name(const hl_shapes *s, hl_shape shape, char *buf, size_t size);

#endif
