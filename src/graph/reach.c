/* graph/reach.c: from which root, by which cheapest chain, each object is held.
 *
 * Room   graph; analyser process; works on a loaded hl_snap.
 * Takes  hl_graph with roles, in-edges counted.   Gives  roots, parent, via, order, from,
 *        n_garbage.
 * Knows  base, snapshot.  Must not know  names beyond their roles, other passes.
 * Method Dijkstra with buckets of small integer costs, in four rounds: named roots, gc.garbage,
 *        what C holds, and garbage (components nothing outside holds). A later round never reaches
 *        what an earlier one did. Equal costs are decided by the kind of edge, then by a hash of
 *        the chain's names and types, so that the same heap gets the same chains in every snapshot,
 *        whatever its ids; the id decides last. */
#include "graph/graph_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const uint8_t hl_label_price[16] = {
    [HL_LABEL_INTERNAL] = 4, [HL_LABEL_NAMED] = HL_PRICE_NAMED,
    [HL_LABEL_ATTR] = 1,     [HL_LABEL_SLOT] = 1,
    [HL_LABEL_KEY] = 1,      [HL_LABEL_VALUE] = 2,
    [HL_LABEL_DICTKEY] = 3,  [HL_LABEL_INDEX] = 2,
    [HL_LABEL_ELEMENT] = 2,  [HL_LABEL_CELL] = 1,
    [HL_LABEL_LOCAL] = 1,    [HL_LABEL_STACK] = 4,
    [HL_LABEL_WEAK] = 0,     [HL_LABEL_TYPE] = HL_PRICE_SHUNNED,
    [HL_LABEL_BASE] = 2,     [HL_LABEL_UNOWNED] = 4,
};

/* At equal cost the lower kind wins: attributes before keys before locals before the rest. */
static const uint8_t kind_rank[16] = {
    [HL_LABEL_ATTR] = 0,      [HL_LABEL_SLOT] = 0,     [HL_LABEL_KEY] = 1,   [HL_LABEL_NAMED] = 2,
    [HL_LABEL_CELL] = 3,      [HL_LABEL_LOCAL] = 4,    [HL_LABEL_VALUE] = 5, [HL_LABEL_INDEX] = 6,
    [HL_LABEL_ELEMENT] = 7,   [HL_LABEL_DICTKEY] = 8,  [HL_LABEL_BASE] = 9,  [HL_LABEL_STACK] = 10,
    [HL_LABEL_INTERNAL] = 11, [HL_LABEL_UNOWNED] = 12, [HL_LABEL_TYPE] = 13, [HL_LABEL_WEAK] = 14,
};

/* What threading runs before it runs what it was given has a hold on the same objects. */
static bool starts_a_thread(const hl_snap *s, const hl_snap_root *frame)
{
    static const char *const names[] = {"_bootstrap", "_bootstrap_inner", "Thread._bootstrap",
                                        "Thread._bootstrap_inner", "Thread.run"};
    if (!frame->thread || frame->name >= s->n_names)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(s->names[frame->name], names[i]))
            return true;
    return false;
}

uint32_t hl_root_cost(const hl_snap *s, enum hl_hold hold, uint32_t named)
{
    switch (hold) {
    case HL_HOLD_MODULE:
        return 0;
    case HL_HOLD_TYPE:
        return HL_COST_TYPE_ROOT;
    case HL_HOLD_THREAD:
        /* what an exception on its way drags along is known by the frames it came through */
        if (s && named < s->n_roots && s->roots[named].name < s->n_names &&
            !strncmp(s->names[s->roots[named].name], "exception being ", 16))
            return HL_COST_FRAME_ROOT + 2 * HL_COST_DEPTH_MAX;
        return HL_COST_STATE_ROOT;
    case HL_HOLD_INTERP:
        return HL_COST_STATE_ROOT;
    case HL_HOLD_FRAME:
        if (!s || named >= s->n_roots)
            return HL_COST_FRAME_ROOT;
        return HL_COST_FRAME_ROOT +
               (s->roots[named].depth < HL_COST_DEPTH_MAX ? s->roots[named].depth
                                                          : HL_COST_DEPTH_MAX) +
               (s->roots[named].thread ? HL_COST_THREAD : 0) +
               (starts_a_thread(s, &s->roots[named]) ? HL_COST_DEPTH_MAX : 0);
    case HL_HOLD_GC_GARBAGE:
        return HL_COST_GARBAGE_ROOT;
    case HL_HOLD_C:
        return HL_COST_C_ROOT;
    case HL_HOLD_CYCLE:
    case HL_HOLD_STRAY:
        return HL_COST_CYCLE_ROOT;
    case HL_HOLD_NONE:
        break;
    }
    return HL_COST_NONE;
}

/* ---- a queue of nodes by cost -----------------------------------------------------------------
 */

enum { BUCKETS = 1 << 16, FAR = BUCKETS }; /* costs base .. base + BUCKETS - 1, and all beyond */

typedef struct queue {
    uint32_t base;        /* cost of bucket 0; moves only when the near buckets are empty */
    uint32_t at;          /* bucket being emptied                                         */
    uint32_t near;        /* nodes in buckets 0 .. BUCKETS - 1                            */
    hl_node *head;        /* BUCKETS + 1 lists                                            */
    hl_node *next, *prev; /* per node */
} queue;

static uint32_t bucket_of(const queue *q, uint32_t cost)
{
    return cost - q->base < BUCKETS ? cost - q->base : (uint32_t)FAR;
}

static void queue_put(queue *q, hl_node v, uint32_t cost)
{
    uint32_t b = bucket_of(q, cost);
    hl_node first = q->head[b];
    q->next[v] = first;
    q->prev[v] = HL_NO_NODE;
    if (first != HL_NO_NODE)
        q->prev[first] = v;
    q->head[b] = v;
    q->near += b != FAR;
}

static void queue_take(queue *q, hl_node v, uint32_t cost)
{
    uint32_t b = bucket_of(q, cost);
    hl_node next = q->next[v], prev = q->prev[v];
    if (prev == HL_NO_NODE)
        q->head[b] = next;
    else
        q->next[prev] = next;
    if (next != HL_NO_NODE)
        q->prev[next] = prev;
    q->near -= b != FAR;
}

/* Moves the window to the cheapest far node. False: there is none. */
static bool queue_advance(queue *q, const uint32_t *cost)
{
    hl_node v = q->head[FAR];
    if (v == HL_NO_NODE)
        return false;
    uint32_t least = UINT32_MAX;
    for (hl_node w = v; w != HL_NO_NODE; w = q->next[w])
        least = cost[w] < least ? cost[w] : least;
    q->base = least;
    q->at = 0;
    q->head[FAR] = HL_NO_NODE;
    while (v != HL_NO_NODE) {
        hl_node next = q->next[v];
        queue_put(q, v, cost[v]);
        v = next;
    }
    return true;
}

/* The cheapest node, taken out; HL_NO_NODE when all is done. */
static hl_node queue_pop(queue *q, const uint32_t *cost)
{
    if (!q->near && !queue_advance(q, cost))
        return HL_NO_NODE;
    while (q->head[q->at] == HL_NO_NODE)
        q->at++;
    hl_node v = q->head[q->at];
    if (q->next[v] != HL_NO_NODE)
        __builtin_prefetch(&q->next[q->next[v]]);
    queue_take(q, v, cost[v]);
    return v;
}

/* ---- the search --------------------------------------------------------------------------------
 */

typedef struct reach {
    hl_graph *g;
    const hl_snap *s;
    queue q;
    uint32_t *cost;      /* HL_COST_NONE: not reached */
    uint32_t *chain;     /* hash of the chain, of settled nodes */
    uint32_t *name_hash; /* per name */
    uint32_t *type_hash; /* per type */
    uint8_t *hold;       /* enum hl_hold of nodes that are roots */
    uint32_t settled;
} reach;

static bool kind_has_name(enum hl_label_kind kind)
{
    return kind == HL_LABEL_NAMED || kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT ||
           kind == HL_LABEL_KEY || kind == HL_LABEL_LOCAL;
}

static uint32_t chain_hash(const reach *r, hl_node parent, hl_label via)
{
    enum hl_label_kind kind = hl_label_kind(via);
    uint32_t h = hl_mix(r->chain[parent], kind);
    return kind_has_name(kind) ? hl_mix(h, r->name_hash[hl_label_value(via)]) : h;
}

/* Both chains to w cost the same: is the one through u the one to keep? */
static bool wins_tie(const reach *r, hl_node w, hl_node u, hl_label via)
{
    hl_node old = r->g->parent[w];
    hl_label old_via = r->g->via[w];
    if (old == HL_NO_NODE)
        return false;
    uint32_t rank = kind_rank[via & 15], old_rank = kind_rank[old_via & 15];
    if (rank != old_rank)
        return rank < old_rank;
    uint32_t hash = chain_hash(r, u, via), old_hash = chain_hash(r, old, old_via);
    if (hash != old_hash)
        return hash < old_hash;
    return u < old;
}

static void settle(reach *r, hl_node u)
{
    hl_graph *g = r->g;
    const hl_snap *s = r->s;
    hl_node parent = g->parent[u];
    uint32_t h = parent == HL_NO_NODE ? r->hold[u] : chain_hash(r, parent, g->via[u]);
    r->chain[u] = hl_mix(h, r->type_hash[s->type[u]]);
    g->order[r->settled++] = u;
    uint32_t from = r->cost[u], limit = hl_cost_limit(from);
    uint32_t more = hl_is_ledger(g, u) ? HL_COST_LEDGER : 0;
    for (uint32_t e = s->off[u], end = s->off[u + 1]; e < end; e++) {
        hl_label label = s->label[e];
        uint32_t price = hl_label_cost(g, label);
        if (!price)
            continue;
        price += more;
        hl_node w = s->dst[e];
        uint32_t cost = price < limit - from ? from + price : limit, was = r->cost[w];
        if (cost > was)
            continue;
        if (cost == was) {
            /* from < was: w is not settled yet (sums that met their limit aside) */
            if (from < was && wins_tie(r, w, u, label)) {
                g->parent[w] = u;
                g->via[w] = label;
            }
            continue;
        }
        if (was != HL_COST_NONE)
            queue_take(&r->q, w, was);
        r->cost[w] = cost;
        g->parent[w] = u;
        g->via[w] = label;
        queue_put(&r->q, w, cost);
    }
}

static void start_at(reach *r, hl_node root, uint32_t named)
{
    uint32_t cost = hl_root_cost(r->s, (enum hl_hold)r->hold[root], named);
    if (r->cost[root] != HL_COST_NONE)
        return;
    r->cost[root] = cost;
    queue_put(&r->q, root, cost);
}

static void run(reach *r)
{
    for (hl_node u; (u = queue_pop(&r->q, r->cost)) != HL_NO_NODE;)
        settle(r, u);
}

/* ---- roots --------------------------------------------------------------------------------------
 */

/* gc.garbage is told apart before all, then the cheapest kind names a node. */
static uint32_t hold_rank(enum hl_hold hold)
{
    return hold == HL_HOLD_GC_GARBAGE ? 0 : hl_root_cost(NULL, hold, UINT32_MAX) + 1;
}

static void mark_roots(reach *r, const uint32_t *in_count)
{
    const hl_snap *s = r->s;
    for (hl_node v = 0; v < s->nodes; v++) {
        bool for_good = s->flag[v] & (HL_NODE_IMMORTAL | HL_NODE_STATIC);
        if (for_good || hl_snap_refcnt(s, v) > in_count[v])
            r->hold[v] = HL_HOLD_C;
    }
    for (uint32_t i = 0; i < s->n_roots; i++) {
        hl_node v = s->roots[i].node;
        enum hl_hold hold = (enum hl_hold)s->roots[i].kind;
        if (!r->hold[v] || hold_rank(hold) < hold_rank((enum hl_hold)r->hold[v]))
            r->hold[v] = (uint8_t)hold;
        if (hold == HL_HOLD_GC_GARBAGE)
            r->cost[v] = 0; /* a chain never runs into gc.garbage, it starts there */
    }
}

static void start_named(reach *r)
{
    for (uint32_t i = 0; i < r->s->n_roots; i++) {
        hl_node v = r->s->roots[i].node;
        /* of several rows the first of the best kind, as in g->roots */
        if (r->hold[v] != HL_HOLD_GC_GARBAGE &&
            r->s->roots[i].kind == (enum hl_root_kind)r->hold[v])
            start_at(r, v, i);
    }
}

/* One list an interpreter. */
static void start_gc_garbage(reach *r)
{
    for (uint32_t i = 0; i < r->s->n_roots; i++) {
        hl_node v = r->s->roots[i].node;
        if (r->s->roots[i].kind != HL_ROOT_GARBAGE || r->cost[v])
            continue;
        r->cost[v] = HL_COST_NONE;
        start_at(r, v, UINT32_MAX);
    }
}

bool hl_has_self_edge(const hl_snap *s, hl_node v)
{
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++)
        if (s->dst[e] == v && hl_edge_holds(s->label[e]))
            return true;
    return false;
}

/* Marks a root in each component of unreached nodes that no other such component holds. */
static void mark_garbage_roots(reach *r, const hl_scc *scc, uint8_t *held)
{
    const hl_snap *s = r->s;
    for (uint32_t c = 0; c < scc->count; c++)
        for (uint32_t i = scc->off[c]; i < scc->off[c + 1]; i++) {
            hl_node v = scc->members[i];
            for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
                uint32_t to = scc->component[s->dst[e]];
                if (to != UINT32_MAX && to != c && hl_edge_holds(s->label[e]))
                    held[to] = 1;
            }
        }
    for (uint32_t c = 0; c < scc->count; c++) {
        if (held[c])
            continue;
        hl_node best = scc->members[scc->off[c]];
        for (uint32_t i = scc->off[c] + 1; i < scc->off[c + 1]; i++) {
            hl_node v = scc->members[i];
            uint32_t a = hl_dullness(r->g, v), b = hl_dullness(r->g, best);
            if (a < b || (a == b && v < best))
                best = v;
        }
        bool cycle = scc->off[c + 1] - scc->off[c] > 1 || hl_has_self_edge(s, best);
        r->hold[best] = cycle ? HL_HOLD_CYCLE : HL_HOLD_STRAY;
        start_at(r, best, UINT32_MAX);
    }
}

static hl_status reach_garbage(reach *r, hl_err *err)
{
    const hl_snap *s = r->s;
    hl_arena temp;
    hl_arena_init(&temp);
    hl_scc scc;
    uint8_t *held = NULL, *wanted = hl_graph_array(&temp, s->nodes, 1, err);
    if (!wanted)
        goto failed;
    for (hl_node v = 0; v < s->nodes; v++)
        wanted[v] = r->cost[v] == HL_COST_NONE;
    if (hl_scc_find(s, wanted, &temp, &scc, err))
        goto failed;
    held = hl_graph_array(&temp, scc.count, 1, err);
    if (!held)
        goto failed;
    mark_garbage_roots(r, &scc, held);
    hl_arena_deinit(&temp);
    run(r);
    return HL_OK;
failed:
    hl_arena_deinit(&temp);
    return err->status;
}

/* ---- what is kept
 * -------------------------------------------------------------------------------- */

typedef struct named_row {
    hl_node node;
    uint32_t rank, row;
} named_row;

static int by_node_and_rank(const void *x, const void *y)
{
    const named_row *a = x, *b = y;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static hl_status list_roots(reach *r, hl_err *err)
{
    hl_graph *g = r->g;
    const hl_snap *s = r->s;
    for (hl_node v = 0; v < s->nodes; v++)
        g->n_roots += r->hold[v] != 0;
    g->roots = hl_graph_array(&g->arena, g->n_roots, sizeof *g->roots, err);
    named_row *rows = hl_graph_array(&g->arena, s->n_roots, sizeof *rows, err);
    if (!g->roots || !rows)
        return err->status;
    for (uint32_t i = 0; i < s->n_roots; i++)
        rows[i] = (named_row){
            .node = s->roots[i].node, .rank = hold_rank((enum hl_hold)s->roots[i].kind), .row = i};
    qsort(rows, s->n_roots, sizeof *rows, by_node_and_rank);
    uint32_t n = 0, k = 0;
    for (hl_node v = 0; v < s->nodes; v++) {
        if (!r->hold[v])
            continue;
        while (k < s->n_roots && rows[k].node < v)
            k++;
        bool named = k < s->n_roots && rows[k].node == v;
        g->roots[n++] = (hl_graph_root){
            .node = v, .hold = (enum hl_hold)r->hold[v], .named = named ? rows[k].row : UINT32_MAX};
    }
    hl_arena_release(&g->arena, rows);
    return HL_OK;
}

static void mark_from(reach *r)
{
    hl_graph *g = r->g;
    for (uint32_t i = 0; i < r->s->nodes; i++) {
        hl_node v = g->order[i], parent = g->parent[v];
        g->from[v] = parent == HL_NO_NODE ? r->hold[v] : g->from[parent];
        g->n_garbage += g->from[v] == HL_HOLD_CYCLE;
    }
}

static hl_status reach_all(reach *r, const uint32_t *in_count, hl_err *err)
{
    const hl_snap *s = r->s;
    mark_roots(r, in_count);
    start_named(r);
    run(r);
    start_gc_garbage(r);
    run(r);
    if (r->settled < s->nodes) {
        for (hl_node v = 0; v < s->nodes; v++)
            if (r->hold[v] == HL_HOLD_C)
                start_at(r, v, UINT32_MAX);
        run(r);
    }
    if (r->settled < s->nodes && reach_garbage(r, err))
        return err->status;
    if (r->settled != s->nodes)
        return hl_err_set(err, HL_CORRUPT, "%" PRIu32 " of %" PRIu32 " objects not reached",
                          s->nodes - r->settled, s->nodes);
    mark_from(r);
    return list_roots(r, err);
}

static hl_status reach_init(reach *r, hl_graph *g, hl_arena *temp, hl_err *err)
{
    const hl_snap *s = g->snap;
    size_t n = s->nodes;
    *r = (reach){
        .g = g,
        .s = s,
        .cost = hl_graph_array(temp, n, sizeof *r->cost, err),
        .chain = hl_graph_array(temp, n, sizeof *r->chain, err),
        .name_hash = hl_graph_array(temp, s->n_names, sizeof *r->name_hash, err),
        .type_hash = hl_graph_array(temp, s->n_types, sizeof *r->type_hash, err),
        .hold = hl_graph_array(temp, n, 1, err),
        .q = {.head = hl_graph_array(temp, BUCKETS + 1, sizeof *r->q.head, err),
              .next = hl_graph_array(temp, n, sizeof *r->q.next, err),
              .prev = hl_graph_array(temp, n, sizeof *r->q.prev, err)},
    };
    if (!r->cost || !r->chain || !r->name_hash || !r->type_hash || !r->hold || !r->q.head ||
        !r->q.next || !r->q.prev)
        return err->status;
    memset(r->cost, 0xff, n * sizeof *r->cost);
    memset(g->parent, 0xff, n * sizeof *g->parent);
    memset(r->q.head, 0xff, (BUCKETS + 1) * sizeof *r->q.head);
    for (uint32_t i = 0; i < s->n_names; i++)
        r->name_hash[i] = hl_text_hash(s->names[i]);
    for (uint32_t i = 0; i < s->n_types; i++)
        r->type_hash[i] = r->name_hash[s->types[i].name];
    return HL_OK;
}

hl_status hl_reach(hl_graph *g, const uint32_t *in_count, hl_err *err)
{
    hl_arena temp;
    hl_arena_init(&temp);
    reach r;
    hl_status status = reach_init(&r, g, &temp, err);
    if (!status)
        status = reach_all(&r, in_count, err);
    hl_arena_deinit(&temp);
    return status;
}
