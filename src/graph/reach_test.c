/* graph/reach_test.c: chain costs against Bellman-Ford; chains that do not depend on ids. */
#include "graph/graph_parts.h"
#include "graph/graph_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 200 };

static uint32_t tree_cost(const hl_graph *g, hl_node v)
{
    uint32_t price[MOST], n = 0;
    hl_node u = v;
    for (; g->parent[u] != HL_NO_NODE; u = g->parent[u])
        price[n++] = hl_edge_cost(g, g->parent[u], g->via[u]);
    uint32_t cost = hl_root_cost(g->snap, (enum hl_hold)g->from[u], hl_graph_root_of(g, u)->named);
    while (n)
        cost = hl_cost_add(cost, price[--n]);
    return cost;
}

/* What the search promises, by relaxing every edge until nothing changes. Garbage roots are taken
 * from the graph: which ones there must be is the other tests' question. */
static void bellman_ford(const hl_graph *g, uint32_t *cost)
{
    const hl_snap *s = g->snap;
    uint8_t starts[MOST] = {0}; /* gc.garbage: no chain runs into it */
    for (hl_node v = 0; v < s->nodes; v++)
        cost[v] = HL_COST_NONE;
    for (uint32_t i = 0; i < g->n_roots; i++) {
        cost[g->roots[i].node] = hl_root_cost(s, g->roots[i].hold, g->roots[i].named);
        if (g->roots[i].hold == HL_HOLD_GC_GARBAGE)
            starts[g->roots[i].node] = 1;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (hl_node u = 0; u < s->nodes; u++)
            for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++) {
                uint32_t price = hl_edge_cost(g, u, s->label[e]);
                if (!price || cost[u] == HL_COST_NONE || starts[s->dst[e]])
                    continue;
                uint32_t sum = hl_cost_add(cost[u], price);
                if (sum < cost[s->dst[e]]) {
                    cost[s->dst[e]] = sum;
                    changed = true;
                }
            }
    }
}

static hl_random_heap random_how(uint64_t seed)
{
    uint64_t r = seed + 77;
    uint32_t nodes = 1 + (uint32_t)(hl_test_random(&r) % (MOST - 1));
    return (hl_random_heap){.seed = seed,
                            .nodes = nodes,
                            .edges = nodes + (uint32_t)(hl_test_random(&r) % (2 * nodes)),
                            .roots = (uint32_t)(seed % 7),
                            .shape = (uint32_t)(seed % 4),
                            .lost = seed % 3 ? 20 : 0,
                            .all_kinds = seed % 5 < 3};
}

static void costs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        hl_random_heap how = random_how(seed);
        hl_snap *s = hl_test_heap(&how);
        hl_graph *g = hl_test_graph(s);
        uint32_t cost[MOST];
        bellman_ford(g, cost);
        for (hl_node v = 0; v < s->nodes; v++)
            assert_int_equal(tree_cost(g, v), cost[v]);
        hl_graph_destroy(g);
        hl_snap_destroy(s);
    }
}

/* Every counted reference is looked up anew. */
static void excess(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        hl_random_heap how = random_how(seed);
        hl_snap *s = hl_test_heap(&how);
        hl_graph *g = hl_test_graph(s);
        uint32_t above = 0, below = 0;
        for (hl_node v = 0; v < s->nodes; v++) {
            int64_t in = 0;
            for (uint32_t e = 0; e < s->edges; e++)
                in += s->dst[e] == v && hl_edge_counted(s->label[e]);
            int64_t want = s->flag[v] & HL_NODE_IMMORTAL ? 0 : (int64_t)hl_snap_refcnt(s, v) - in;
            assert_int_equal(hl_graph_excess(g, v), want);
            bool counts = s->flag[v] & HL_NODE_TRACKED || s->off[v] < s->off[v + 1];
            above += counts && want > 0;
            below += counts && want < 0;
            const hl_graph_root *root = hl_graph_root_of(g, v);
            if (want > 0 || s->flag[v] & HL_NODE_IMMORTAL)
                assert_non_null(root);
        }
        assert_int_equal(g->n_excess, above);
        assert_int_equal(g->n_deficit, below);
        hl_graph_destroy(g);
        hl_snap_destroy(s);
    }
}

/* Other ids, other order of edges, garbage beside it: the same roots, chains of the same cost and
 * words, the same dominators and sizes. */
static void renumbered(void **state)
{
    (void)state;
    enum { EXTRA = 5 };
    for (uint64_t seed = 0; seed < 200; seed++) {
        hl_random_heap how = random_how(seed);
        hl_snap *s = hl_test_heap(&how);
        uint64_t r = seed;
        hl_node *to = hl_test_permutation(s->nodes, &r);
        hl_snap *t = hl_test_renumbered(s, to, EXTRA, &r);
        hl_graph *g = hl_test_graph(s), *h = hl_test_graph(t);
        assert_int_equal(h->n_garbage, g->n_garbage + EXTRA);
        assert_int_equal(h->n_excess, g->n_excess);
        for (hl_node v = 0; v < s->nodes; v++) {
            if (g->from[v] == HL_HOLD_CYCLE) {
                assert_int_equal(h->from[to[v]], HL_HOLD_CYCLE);
                continue; /* which member of a component is its root, is the id's choice */
            }
            hl_node d = g->idom[v];
            assert_int_equal(h->from[to[v]], g->from[v]);
            assert_int_equal(h->idom[to[v]], d == HL_NO_NODE ? HL_NO_NODE : to[d]);
            assert_int_equal(h->retained_bytes[to[v]], g->retained_bytes[v]);
            assert_int_equal(tree_cost(h, to[v]), tree_cost(g, v));
            char a[256], b[256];
            hl_path_name(g, v, a, sizeof a);
            hl_path_name(h, to[v], b, sizeof b);
            assert_string_equal(a, b);
        }
        hl_graph_destroy(g);
        hl_graph_destroy(h);
        hl_snap_destroy(s);
        hl_snap_destroy(t);
        free(to);
    }
}

static enum hl_hold from_of(const hl_graph *g, const char *name)
{
    return (enum hl_hold)g->from[hl_dsl_node(g->snap, name)];
}

static void who_holds(void **state)
{
    (void)state;
    hl_snap *s =
        hl_dsl_snap("type app.A gc heap\n"
                    "root module __main__ m\n"
                    "root garbage garbage bin\n"
                    "root frame main f\n"
                    "m:module -__dict__-> d:dict -key:cache-> c:dict\n"
                    "c -value:int-> shared:app.A ref=+1\n"
                    "lost:app.A ref=1\n"
                    "lost -.part-> part:app.A\n"
                    "f:frame -local:shared-> shared\n"
                    "f -local:rows-> rows:list\n"
                    "d -key:gone-> gc:module -__dict__-> gcd:dict -key:garbage-> bin:list\n"
                    "bin -[]-> dead:app.A -.self-> dead\n"
                    "a:app.A -.b-> b:app.A -.a-> a\n"
                    "b -.payload-> load:list\n"
                    "self:list -[]-> self\n"
                    "w:weakref -weak-> load\n"
                    "d -key:w-> w\n");
    hl_graph *g = hl_test_graph(s);
    assert_int_equal(from_of(g, "shared"), HL_HOLD_MODULE);
    assert_int_equal(from_of(g, "rows"), HL_HOLD_FRAME);
    assert_int_equal(from_of(g, "lost"), HL_HOLD_C);
    assert_int_equal(from_of(g, "part"), HL_HOLD_C);
    assert_int_equal(from_of(g, "bin"), HL_HOLD_GC_GARBAGE);
    assert_int_equal(from_of(g, "dead"), HL_HOLD_GC_GARBAGE);
    assert_int_equal(from_of(g, "a"), HL_HOLD_CYCLE);
    assert_int_equal(from_of(g, "load"), HL_HOLD_CYCLE);
    assert_int_equal(from_of(g, "self"), HL_HOLD_CYCLE);
    assert_int_equal(g->n_garbage, 4);
    /* C holds it too: a root for dominators, named by its chain all the same */
    hl_node shared = hl_dsl_node(s, "shared");
    const hl_graph_root *root = hl_graph_root_of(g, shared);
    assert_non_null(root);
    assert_int_equal(root->hold, HL_HOLD_C);
    assert_int_equal(g->parent[shared], hl_dsl_node(s, "c"));
    assert_int_equal(g->idom[shared], HL_NO_NODE);
    assert_null(hl_graph_root_of(g, hl_dsl_node(s, "part")));
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

/* Never through a function's globals, a class or a frame's caller, if there is another way. */
static void shunned(void **state)
{
    (void)state;
    hl_snap *s = hl_dsl_snap("root module app m\n"
                             "root frame main f\n"
                             "m:module -__dict__-> d:dict -key:fn-> fn:function\n"
                             "fn -__globals__-> other:dict -key:x-> x:list\n"
                             "l:list*40\n"
                             "chain [] l\n"
                             "d -key:list-> l[0]\n"
                             "l[39] -[]-> x\n"
                             "f:frame -local:y-> y:list\n"
                             "fn -f_back-> y\n");
    hl_graph *g = hl_test_graph(s);
    assert_int_equal(g->parent[hl_dsl_node(s, "x")], hl_dsl_node(s, "l[39]"));
    assert_int_equal(g->parent[hl_dsl_node(s, "y")], hl_dsl_node(s, "f"));
    assert_int_equal(g->from[hl_dsl_node(s, "other")], HL_HOLD_MODULE);
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

static void homes(void **state)
{
    (void)state;
    hl_snap *s =
        hl_dsl_snap("type app.Store gc heap node=Store\n"
                    "root module __main__ a\n"
                    "root module app b\n"
                    "a:module -__dict__-> ad:dict\n"
                    "b:module -__dict__-> bd:dict\n"
                    "ad -key:cache-> cache:dict\nbd -key:cache-> cache\n"
                    "ad -key:plain-> plain:dict\nbd -key:plain-> plain\n"
                    "ad -key:put-> put:function\nbd -key:put-> put\n"
                    "ad -key:Store-> Store:type\nbd -key:Store-> Store\n"
                    "put -__globals__-> bd\n"
                    "put -__code__-> co:code\n"
                    "code co name=put qualname=put args=2 vars=k,v uses=global:cache:store+get\n");
    hl_graph *g = hl_test_graph(s);
    hl_node ad = hl_dsl_node(s, "ad"), bd = hl_dsl_node(s, "bd");
    assert_int_equal(g->parent[hl_dsl_node(s, "cache")], bd);
    assert_int_equal(g->parent[hl_dsl_node(s, "put")], bd);
    assert_int_equal(g->parent[hl_dsl_node(s, "Store")], bd);
    assert_int_equal(g->parent[hl_dsl_node(s, "plain")], ad); /* first in sys.modules */
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

/* The coroutine of main() is due; its local is not called by the handle that will go on with it, nor
 * by the file that will. What nobody else has is still reached through them. */
static void hands(void **state)
{
    (void)state;
    hl_snap *s = hl_dsl_snap("root module asyncio a\n"
                             "root frame run f\n"
                             "a:module -__dict__-> ad:dict -key:loop-> loop:Loop\n"
                             "loop -attr:_scheduled-> heap:list\n"
                             "loop -attr:_ready-> due:collections.deque\n"
                             "loop -attr:_selector-> sel:Selector -attr:_fd_to_key-> files:dict\n"
                             "due -elem-> handle:Handle -attr:_owner-> server:Server\n"
                             "files -value:Key-> key:Key -attr:data-> server\n"
                             "heap -elem-> timer:Handle -attr:_owner-> lonely:Server\n"
                             "f:frame -local:future-> task:Task -_coro-> coro:coroutine\n"
                             "coro -local:server-> server\n");
    hl_graph *g = hl_test_graph(s);
    assert_int_equal(g->parent[hl_dsl_node(s, "server")], hl_dsl_node(s, "coro"));
    assert_int_equal(g->parent[hl_dsl_node(s, "lonely")], hl_dsl_node(s, "timer"));
    assert_true(hl_graph_in_hand(g, hl_dsl_node(s, "heap")));
    assert_true(hl_graph_in_hand(g, hl_dsl_node(s, "due")));
    assert_false(hl_graph_in_hand(g, hl_dsl_node(s, "files")));
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs),     cmocka_unit_test(excess),  cmocka_unit_test(renumbered),
        cmocka_unit_test(who_holds), cmocka_unit_test(shunned), cmocka_unit_test(homes),
        cmocka_unit_test(hands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
