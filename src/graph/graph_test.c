/* graph/graph_test.c: the checks notice what they promise to notice. */
#include "graph/graph_testlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum harm {
    HARM_ORDER,
    HARM_PARENT,
    HARM_VIA,
    HARM_FROM,
    HARM_GARBAGE,
    HARM_ROOTS,
    HARM_IDOM,
    HARM_RETAINED,
    HARM_IN_SRC,
    HARM_IN_OFF,
    HARMS
};

/* False: this heap has nothing to harm in that way. */
static bool do_harm(hl_graph *g, enum harm harm)
{
    uint32_t n = g->snap->nodes;
    hl_node last = g->order[n - 1];
    switch (harm) {
    case HARM_ORDER:
        g->order[n - 1] = g->order[0];
        return true;
    case HARM_PARENT:
        if (g->parent[last] == HL_NO_NODE)
            return false;
        g->parent[last] = last;
        return true;
    case HARM_VIA:
        if (g->parent[last] == HL_NO_NODE)
            return false;
        g->via[last] = hl_label_make(HL_LABEL_WEAK, 0);
        return true;
    case HARM_FROM:
        g->from[last] = HL_HOLD_NONE;
        return true;
    case HARM_GARBAGE:
        g->n_garbage++;
        return true;
    case HARM_ROOTS:
        if (g->n_roots < 2)
            return false;
        g->roots[1].node = g->roots[0].node;
        return true;
    case HARM_IDOM:
        g->idom[g->roots[0].node] = last;
        return true;
    case HARM_RETAINED:
        g->retained_bytes[last]++;
        return true;
    case HARM_IN_SRC:
        g->in_src[0] = n;
        return g->in_off[n] > 0;
    case HARM_IN_OFF:
        g->in_off[n / 2 + 1]++;
        return true;
    case HARMS:
        break;
    }
    return false;
}

static void harm_is_noticed(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        for (int harm = 0; harm < HARMS; harm++) {
            hl_random_heap how = {.seed = seed,
                                  .nodes = 50,
                                  .edges = 120,
                                  .roots = 3,
                                  .shape = (uint32_t)(seed % 3),
                                  .lost = 10};
            hl_snap *s = hl_test_heap(&how);
            hl_graph *g = hl_test_graph(s);
            hl_err err;
            if (do_harm(g, (enum harm)harm))
                assert_int_equal(hl_graph_check(g, &err), HL_CORRUPT);
            hl_graph_destroy(g);
            hl_snap_destroy(s);
        }
}

static void small_answers(void **state)
{
    (void)state;
    hl_random_heap how = {.seed = 9, .nodes = 300, .edges = 700, .roots = 4, .all_kinds = true};
    hl_snap *s = hl_test_heap(&how);
    hl_graph *g = hl_test_graph(s);
    hl_err err;
    assert_int_equal(hl_graph_dominate(g, &err), HL_OK); /* a second time does nothing */
    assert_int_equal(hl_graph_check(g, &err), HL_OK);
    for (hl_node u = 0; u < s->nodes; u++) {
        uint64_t bytes = hl_snap_size(s, u), objects = 1;
        for (uint32_t i = 0; i < s->n_folds; i++)
            if (s->folds[i].node == u) {
                bytes += hl_snap_fold_at(s, i).bytes;
                objects += hl_snap_fold_at(s, i).objects;
            }
        assert_int_equal(hl_graph_own_bytes(g, u), bytes);
        assert_int_equal(hl_graph_own_objects(g, u), objects);
        bool is_root = false;
        for (uint32_t i = 0; i < g->n_roots; i++)
            is_root |= g->roots[i].node == u;
        assert_int_equal(hl_graph_root_of(g, u) != NULL, is_root);
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++) {
            hl_label l = hl_graph_label(g, u, s->dst[e]);
            if (hl_edge_holds(s->label[e]))
                assert_true(l != UINT32_MAX && hl_edge_holds(l));
        }
    }
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harm_is_noticed),
        cmocka_unit_test(small_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
