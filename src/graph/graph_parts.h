/* graph/graph_parts.h: what the files of this room share; other rooms include graph.h.
 *
 * Room   graph; analyser process.
 * Gives  the meaning of names and types (roles), the price of an edge, and the words for a step of
 *        a chain in its place. */
#ifndef HL_GRAPH_PARTS_H
#define HL_GRAPH_PARTS_H

#include "graph/graph.h"

/* C-level fields the analysis knows by name; one byte a name of the snapshot. */
enum hl_name_role {
    HL_NAME_PLAIN = 0,
    HL_NAME_DICT,       /* __dict__                                                     */
    HL_NAME_CLOSURE,    /* __closure__                                                  */
    HL_NAME_DEFAULTS,   /* __defaults__                                                 */
    HL_NAME_KWDEFAULTS, /* __kwdefaults__                                               */
    HL_NAME_CODE,       /* __code__                                                     */
    HL_NAME_METHOD,     /* __self__, __func__, __wrapped__                              */
    HL_NAME_GLOBALS,    /* __globals__: shunned                                         */
    HL_NAME_SHUNNED,    /* true links that explain nothing: f_back, __mro__, __class__  */
};

/* What a type's instances are; one byte a type of the snapshot. */
enum hl_type_role {
    HL_ROLE_OTHER = 0,
    HL_ROLE_INSTANCE, /* of a class made by a class statement or the like (heap type) */
    HL_ROLE_DICT,
    HL_ROLE_TUPLE,
    HL_ROLE_LIST,
    HL_ROLE_CELL,
    HL_ROLE_FUNCTION,
    HL_ROLE_MODULE,
    HL_ROLE_TYPE,
    HL_ROLE_LRU, /* functools._lru_cache_wrapper */
    HL_ROLE_FRAME,
    HL_ROLE_GENERATOR, /* and coroutines */
    HL_ROLE_EXCEPTION,
};

/* Chain costs. Plain edges cost 1 to 4, so that a chain of millions stays below a frame's. Each
 * kind of root has a range of its own; sums stop at its end. */
enum {
    HL_COST_SMALL_MAX = 4,
    HL_COST_TYPE_ROOT = 6,
    HL_COST_STATE_ROOT = 1 << 12, /* thread and interpreter state */
    HL_COST_FRAME_ROOT = 1 << 26,
    HL_COST_DEPTH_MAX = 1 << 16, /* added at most for frames that called this one */
    HL_COST_THREAD = 1 << 8,     /* frames of other threads than the first */
    HL_COST_LEDGER = HL_COST_FRAME_ROOT + 3 * HL_COST_DEPTH_MAX, /* below all frames */
    HL_COST_SHUNNED = 1 << 27,
};
#define HL_COST_GARBAGE_ROOT 0x40000000u
#define HL_COST_C_ROOT       0x80000000u
#define HL_COST_CYCLE_ROOT   0xc0000000u
#define HL_COST_NONE         UINT32_MAX

extern const uint8_t hl_label_price[16]; /* 0: never; HL_PRICE_SHUNNED: see hl_label_cost */
enum { HL_PRICE_SHUNNED = 255, HL_PRICE_NAMED = 254 };

static inline enum hl_type_role hl_role(const hl_graph *g, hl_node v)
{
    return (enum hl_type_role)g->type_role[g->snap->type[v]];
}
/* Role of the name on a NAMED label; HL_NAME_PLAIN for all other labels. */
static inline enum hl_name_role hl_label_role(const hl_graph *g, hl_label l)
{
    return hl_label_kind(l) == HL_LABEL_NAMED ? (enum hl_name_role)g->name_role[hl_label_value(l)]
                                              : HL_NAME_PLAIN;
}
/* ledger.c: fills ledgers and hands; of more than HL_LEDGERS_MAX the first count. */
enum { HL_LEDGERS_MAX = 256 };
hl_status hl_find_ledgers(hl_graph *g, hl_err *err) HL_MUST_CHECK;
bool hl_ledger_find(const hl_node *list, uint32_t n, hl_node v);
static inline bool hl_is_ledger(const hl_graph *g, hl_node v)
{
    return __builtin_expect(g->ledger_bits >> (v & 63) & 1, 0) &&
           hl_ledger_find(g->ledgers, g->n_ledgers, v);
}
static inline uint32_t hl_label_cost(const hl_graph *g, hl_label l)
{
    uint32_t price = hl_label_price[l & 15];
    if (__builtin_expect(price < HL_PRICE_NAMED, 1))
        return price;
    if (price == HL_PRICE_SHUNNED)
        return HL_COST_SHUNNED;
    enum hl_name_role role = (enum hl_name_role)g->name_role[hl_label_value(l)];
    return role >= HL_NAME_GLOBALS ? (uint32_t)HL_COST_SHUNNED : role == HL_NAME_PLAIN ? 2 : 1;
}
/* What an edge from -> adds to a chain; 0: it holds nothing. */
static inline uint32_t hl_edge_cost(const hl_graph *g, hl_node from, hl_label l)
{
    uint32_t price = hl_label_cost(g, l);
    return price && hl_is_ledger(g, from) ? price + HL_COST_LEDGER : price;
}
/* The end of the range a cost lies in: sums of costs of one chain stop there. */
static inline uint32_t hl_cost_limit(uint32_t root_cost)
{
    return (root_cost & HL_COST_CYCLE_ROOT) + HL_COST_GARBAGE_ROOT - 2;
}
static inline uint32_t hl_cost_add(uint32_t cost, uint32_t edge)
{
    uint32_t limit = hl_cost_limit(cost);
    return edge < limit - cost ? cost + edge : limit;
}
/* Where a chain starts. named: the row of snap->roots, or UINT32_MAX; the frames a frame was called
 * from are better known than itself, so the outermost comes first. */
uint32_t hl_root_cost(const hl_snap *s, enum hl_hold hold, uint32_t named);

/* A stable hash of text: the same in every snapshot. */
uint32_t hl_text_hash(const char *s);
static inline uint32_t hl_mix(uint32_t h, uint32_t v)
{
    uint64_t x = ((uint64_t)h << 32 | v) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(x >> 32) ^ (uint32_t)x;
}

/* An arena array, or *err set and NULL. */
void *hl_graph_array(hl_arena *a, size_t count, size_t size, hl_err *err);

/* A node whose reference count is not what its in-edges add up to: hl_graph_excess. */
typedef struct hl_uneven {
    hl_node node;
    uint32_t in_count; /* counted in-edges */
} hl_uneven;

/* reach.c: roots, parent, via, order, from, n_garbage. in_count: counted in-edges of each node. */
hl_status hl_reach(hl_graph *g, const uint32_t *in_count, hl_err *err) HL_MUST_CHECK;
/* home.c: among modules that bind one object at equal cost, the chain goes through the module the
 * object is at home in. */
hl_status hl_reach_homes(hl_graph *g, hl_err *err) HL_MUST_CHECK;
/* graph_check.c: the part of hl_graph_check about dominators and sizes. */
hl_status hl_dom_check(const hl_graph *g, hl_err *err) HL_MUST_CHECK;

/* The target of v's NAMED edge of this role, or HL_NO_NODE. */
hl_node hl_follow_role(const hl_graph *g, hl_node v, enum hl_name_role role);
/* Is v, as its chain reaches it, a part of the object above it? See hl_graph_owner. */
bool hl_graph_is_plumbing(const hl_graph *g, hl_node v);
/* Like it, for any edge from -> v. */
bool hl_edge_is_plumbing(const hl_graph *g, hl_node from, hl_label label, hl_node v);

/* The member of a component that tells most has the least: instances, then functions, then the
 * rest, dicts and tuples last. */
uint32_t hl_dullness(const hl_graph *g, hl_node v);
bool hl_has_self_edge(const hl_snap *s, hl_node v);

/* cycle_others.c: fills cycle->others for the component with these members; texts in out. place: one entry for
 * each node of the graph, zero before and after. */
hl_status hl_cycle_others(const hl_graph *g, const hl_node *members, uint32_t n, uint32_t *place,
                          hl_arena *temp, hl_arena *out, hl_cycle *cycle,
                          hl_err *err) HL_MUST_CHECK;

/* near_links.c: references as people think of them. A namespace dict, a closure's tuple, a cell that
 * nobody else has are passed over: the label is then the entry's, of a closure CELL with the name of
 * the variable. */
typedef struct hl_links {
    const hl_graph *g;
    uint32_t *in_off, *in_edge; /* numbers of the edges to each node, all kinds */
    uint32_t *first, *within;   /* places in the dominator tree */
    uint8_t *passed;
} hl_links;
typedef struct hl_link {
    hl_node from, to;
    hl_label label;
    bool weak;    /* keeps nothing alive */
    bool shunned; /* explains nothing: an instance's class, a function's globals */
} hl_link;
typedef void hl_link_fn(void *ctx, const hl_link *link);
/* Arrays in arena. Needs dominators. */
hl_status hl_links_create(const hl_graph *g, hl_arena *arena, hl_links *out,
                          hl_err *err) HL_MUST_CHECK;
/* v is no plumbing, whatever it looks like. Before anything else is asked. */
void hl_links_tell(hl_links *l, hl_node v);
bool hl_links_passed(hl_links *l, hl_node v);
/* The links that go out of v, or come to it; v is not passed over. */
void hl_links_from(hl_links *l, hl_node v, hl_link_fn *fn, void *ctx);
void hl_links_to(hl_links *l, hl_node v, hl_link_fn *fn, void *ctx);
/* The chain tree's parent that is not passed over, or HL_NO_NODE. */
hl_node hl_links_above(hl_links *l, hl_node v);
/* Does v go when this one link, from its parent, goes? */
bool hl_links_alone(hl_links *l, hl_node v);

/* path.c: the words a step adds to a chain's name ("" for plumbing), where `from` was reached by
 * `from_via` from `above`: the variable's name for a closure, the argument's for a default. */
void hl_step_words(const hl_graph *g, hl_node above, hl_label from_via, hl_node from,
                   hl_label label, hl_node to, char *buf, size_t size);
/* "module.qualname" of a function; false: its code is not known. */
bool hl_function_name(const hl_graph *g, hl_node function, char *buf, size_t size);
/* The free variable a closure's INDEX label stands for; 0 unknown. */
hl_name hl_closure_variable(const hl_graph *g, hl_node function, hl_label index);
/* "__main__", "main()", "(held by C)": what a chain's name starts with. */
void hl_root_words(const hl_graph *g, hl_node root, char *buf, size_t size);

#endif
