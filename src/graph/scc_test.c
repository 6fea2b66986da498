/* graph/scc_test.c: components against mutual reachability. */
#include "graph/graph_testlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 48 };

typedef struct relation {
    uint8_t reaches[MOST][MOST];
} relation;

/* Warshall over the wanted nodes. */
static void close_over(const hl_snap *s, const uint8_t *wanted, relation *r)
{
    memset(r, 0, sizeof *r);
    for (hl_node u = 0; u < s->nodes; u++)
        for (uint32_t e = s->off[u]; wanted[u] && e < s->off[u + 1]; e++)
            if (wanted[s->dst[e]] && hl_edge_holds(s->label[e]))
                r->reaches[u][s->dst[e]] = 1;
    for (hl_node k = 0; k < s->nodes; k++)
        for (hl_node i = 0; i < s->nodes; i++)
            for (hl_node j = 0; j < s->nodes; j++)
                r->reaches[i][j] |= r->reaches[i][k] & r->reaches[k][j];
}

static void check_scc(const hl_snap *s, const uint8_t *wanted, const hl_scc *scc)
{
    static relation r;
    close_over(s, wanted, &r);
    uint32_t listed = 0;
    for (uint32_t c = 0; c < scc->count; c++) {
        assert_true(scc->off[c] < scc->off[c + 1]);
        for (uint32_t i = scc->off[c]; i < scc->off[c + 1]; i++, listed++)
            assert_int_equal(scc->component[scc->members[i]], c);
    }
    for (hl_node u = 0; u < s->nodes; u++) {
        assert_int_equal(scc->component[u] != UINT32_MAX, wanted[u]);
        listed -= wanted[u];
        for (hl_node v = 0; v < s->nodes; v++) {
            if (!wanted[u] || !wanted[v] || u == v)
                continue;
            bool same = r.reaches[u][v] && r.reaches[v][u];
            assert_int_equal(scc->component[u] == scc->component[v], same);
            if (r.reaches[u][v] && !same) /* reverse topological order */
                assert_true(scc->component[v] < scc->component[u]);
        }
    }
    assert_int_equal(listed, 0);
}

static void random_heaps(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        uint64_t r = seed;
        uint32_t nodes = 1 + (uint32_t)(hl_test_random(&r) % (MOST - 1));
        hl_random_heap how = {.seed = seed,
                              .nodes = nodes,
                              .edges = nodes + (uint32_t)(hl_test_random(&r) % (nodes + 1)),
                              .shape = (uint32_t)(seed % 3),
                              .all_kinds = seed % 2};
        hl_snap *s = hl_test_heap(&how);
        uint8_t wanted[MOST];
        for (hl_node v = 0; v < nodes; v++)
            wanted[v] = seed % 3 == 0 || hl_test_random(&r) % 4;
        hl_arena arena;
        hl_arena_init(&arena);
        hl_scc scc;
        hl_err err;
        assert_int_equal(hl_scc_find(s, seed % 3 == 0 ? NULL : wanted, &arena, &scc, &err), HL_OK);
        check_scc(s, wanted, &scc);
        hl_arena_deinit(&arena);
        hl_snap_destroy(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_heaps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
