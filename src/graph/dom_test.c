/* graph/dom_test.c: dominators and retained sizes against taking each node away. */
#include "graph/graph_testlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64 };

/* Marks what the roots reach without `gone`. */
static void reach_without(const hl_graph *g, hl_node gone, uint8_t *seen)
{
    const hl_snap *s = g->snap;
    hl_node stack[MOST];
    uint32_t n = 0;
    memset(seen, 0, s->nodes);
    for (uint32_t i = 0; i < g->n_roots; i++)
        if (g->roots[i].node != gone) {
            seen[g->roots[i].node] = 1;
            stack[n++] = g->roots[i].node;
        }
    while (n) {
        hl_node u = stack[--n];
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++) {
            hl_node v = s->dst[e];
            if (v == gone || seen[v] || !hl_edge_holds(s->label[e]))
                continue;
            seen[v] = 1;
            stack[n++] = v;
        }
    }
}

static void check_against_removal(const hl_snap *s)
{
    hl_graph *g = hl_test_graph(s);
    static uint8_t lost[MOST][MOST]; /* lost[d][v]: v goes when d goes */
    for (hl_node d = 0; d < s->nodes; d++) {
        uint8_t seen[MOST];
        reach_without(g, d, seen);
        uint64_t bytes = 0, objects = 0;
        for (hl_node v = 0; v < s->nodes; v++) {
            lost[d][v] = !seen[v];
            if (!seen[v]) {
                bytes += hl_graph_own_bytes(g, v);
                objects += hl_graph_own_objects(g, v);
            }
        }
        assert_int_equal(bytes, g->retained_bytes[d]);
        assert_int_equal(objects, g->retained_objects[d]);
    }
    for (hl_node v = 0; v < s->nodes; v++)
        for (hl_node d = 0; d < s->nodes; d++) {
            bool above = false; /* is d among the idoms of v? */
            for (hl_node u = v; u != HL_NO_NODE; u = g->idom[u])
                above |= u == d;
            assert_int_equal(above, lost[d][v]);
        }
    hl_graph_destroy(g);
}

static void random_heaps(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 600; seed++) {
        uint64_t r = seed;
        uint32_t nodes = 1 + (uint32_t)(hl_test_random(&r) % (MOST - 1));
        hl_random_heap how = {
            .seed = seed,
            .nodes = nodes,
            .edges = nodes * (uint32_t)(seed % 4) + (uint32_t)(hl_test_random(&r) % nodes),
            .roots = (uint32_t)(seed % 5),
            .shape = (uint32_t)(seed % 3),
            .lost = seed % 2 ? 12 : 0,
            .all_kinds = seed % 7 < 3,
        };
        hl_snap *s = hl_test_heap(&how);
        check_against_removal(s);
        hl_snap_destroy(s);
    }
}

/* A list of many objects is a path as deep. */
static void long_chain(void **state)
{
    (void)state;
    hl_random_heap how = {.seed = 3, .nodes = 400000, .edges = 800000, .roots = 1, .shape = 2};
    hl_snap *s = hl_test_heap(&how);
    hl_graph *g = hl_test_graph(s);
    uint64_t whole = 0, top = 0;
    for (hl_node v = 0; v < s->nodes; v++) {
        whole += hl_graph_own_bytes(g, v);
        top += g->idom[v] == HL_NO_NODE ? g->retained_bytes[v] : 0;
    }
    assert_int_equal(whole, top);
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

static void nothing(void **state)
{
    (void)state;
    hl_snap *s = hl_test_heap(&(hl_random_heap){0});
    hl_graph *g = hl_test_graph(s);
    assert_int_equal(g->n_roots, 0);
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_heaps),
        cmocka_unit_test(long_chain),
        cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
