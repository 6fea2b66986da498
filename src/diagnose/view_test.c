/* diagnose/view_test.c: the views held against sums counted another way, on drawn and random heaps.
 */
#include "diagnose/view_parts.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 60, TEXT_MAX = 1 << 14 };

static uint64_t seed = 11;
static unsigned roll(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

/* A module, a few types, edges anywhere: cycles, shared objects, garbage. */
static void random_heap(char *text)
{
    static const char *const types[] = {"app.A", "app.B", "list", "dict"};
    int n = 0, nodes = 3 + (int)roll(30);
    n += sprintf(text + n, "type app.A gc heap\ntype app.B gc heap\n"
                           "root module app m\nm:module -__dict__-> d:dict\n"
                           "d -key:first-> n0:list\n");
    for (int i = 1; i < nodes; i++)
        n += sprintf(text + n, "n%d:%s size=%u fold=int*%u:%u\n", i, types[roll(4)],
                     16 + 16 * roll(50), 1 + roll(3), 28 + roll(100));
    for (int i = 0; i < 2 * nodes; i++)
        n += sprintf(text + n, "n%u -[]-> n%u\n", roll((unsigned)nodes), roll((unsigned)nodes));
}

/* Is v unreachable from the roots when every node of this type is taken away? */
static bool goes_with(const hl_graph *g, uint32_t type, const uint8_t *seen, hl_node v)
{
    return g->snap->type[v] == type || !seen[v];
}

/* Marks what the roots reach without passing an object of this type. */
static void reach_without(const hl_graph *g, uint32_t type, uint8_t *seen)
{
    const hl_snap *s = g->snap;
    hl_node *stack = malloc((s->edges + s->nodes + 1) * sizeof *stack);
    size_t n = 0;
    assert_non_null(stack);
    for (uint32_t i = 0; i < g->n_roots; i++)
        stack[n++] = g->roots[i].node;
    while (n) {
        hl_node v = stack[--n];
        if (seen[v] || s->type[v] == type)
            continue;
        seen[v] = 1;
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++)
            if (hl_edge_holds(s->label[e]) && !seen[s->dst[e]])
                stack[n++] = s->dst[e];
    }
    free(stack);
}

/* At most what goes when all objects of the type are taken away: objects that two of them share go
 * then too, and no single one of them dominates those. At least the type's own bytes. */
static void what_goes_with_a_type_is_between_its_bytes_and_taking_it_away(void **state)
{
    static char text[TEXT_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        hl_err err = {0};
        hl_graph *g;
        random_heap(text);
        hl_snap *s = hl_dsl_snap(text);
        assert_int_equal(hl_graph_create(s, &g, &err), HL_OK);
        assert_int_equal(hl_graph_dominate(g, &err), HL_OK);
        uint64_t *got = calloc(s->n_types, sizeof *got);
        assert_int_equal(hl_view_retained_by(g, s->type, s->n_types, false, got, &err), HL_OK);
        for (uint32_t t = 0; t < s->n_types; t++) {
            uint8_t *seen = calloc(s->nodes, 1);
            uint64_t most = 0, least = 0;
            reach_without(g, t, seen);
            for (hl_node v = 0; v < s->nodes; v++) {
                most += goes_with(g, t, seen, v) ? hl_graph_own_bytes(g, v) : 0;
                least += s->type[v] == t ? hl_graph_own_bytes(g, v) : 0;
            }
            assert_in_range(got[t], least, most);
            free(seen);
        }
        free(got);
        hl_graph_destroy(g);
        hl_snap_destroy(s);
    }
}

/* With every node a class of its own, and with all one class, the answer is known. */
static void one_class_is_the_heap_and_singles_are_retained_sizes(void **state)
{
    static char text[TEXT_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        hl_err err = {0};
        hl_graph *g;
        random_heap(text);
        hl_snap *s = hl_dsl_snap(text);
        assert_int_equal(hl_graph_create(s, &g, &err), HL_OK);
        assert_int_equal(hl_graph_dominate(g, &err), HL_OK);
        uint32_t *key = calloc(s->nodes, sizeof *key);
        uint64_t *got = calloc(s->nodes, sizeof *got), heap = 0;
        for (hl_node v = 0; v < s->nodes; v++)
            heap += hl_graph_own_bytes(g, v);
        assert_int_equal(hl_view_retained_by(g, key, 1, false, got, &err), HL_OK);
        assert_int_equal(got[0], heap);
        got[0] = 0;
        for (hl_node v = 0; v < s->nodes; v++)
            key[v] = v;
        assert_int_equal(hl_view_retained_by(g, key, s->nodes, false, got, &err), HL_OK);
        for (hl_node v = 0; v < s->nodes; v++)
            assert_int_equal(got[v], g->retained_bytes[v]);
        free(key);
        free(got);
        hl_graph_destroy(g);
        hl_snap_destroy(s);
    }
}

static int64_t sum(const hl_table *t, uint32_t column)
{
    int64_t total = 0;
    for (uint32_t r = 0; r < t->n_rows; r++)
        total += hl_view_row(t, r)[column].number;
    return total;
}

static void types_and_roots_add_up_to_the_heap(void **state)
{
    static char text[TEXT_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        hl_err err = {0};
        hl_table types, roots;
        hl_arena arena;
        hl_arena_init(&arena);
        random_heap(text);
        hl_run *run = hl_dsl_run(text);
        hl_view_query q = {.runs = &run, .n_runs = 1, .top = 1000};
        assert_int_equal(hl_view_types(&q, &arena, &types, &err), HL_OK);
        assert_int_equal(hl_view_roots(&q, &arena, &roots, &err), HL_OK);
        assert_int_equal(sum(&types, 1), sum(&roots, 2)); /* objects */
        assert_int_equal(sum(&types, 2), sum(&roots, 3)); /* bytes   */
        hl_arena_deinit(&arena);
        hl_run_close(run);
    }
}

static void the_best_few_are_those_of_a_full_sort(void **state)
{
    for (int round = 0; round < ROUNDS; round++) {
        enum { N = 500 };
        uint64_t score[N], best = UINT64_MAX;
        hl_err err = {0};
        hl_arena arena;
        hl_top top;
        uint32_t k = 1 + roll(20), positive = 0;
        hl_arena_init(&arena);
        assert_int_equal(hl_top_init(&top, k, N, &arena, &err), HL_OK);
        for (uint32_t i = 0; i < N; i++) {
            score[i] = roll(40);
            positive += score[i] > 0;
            hl_top_offer(&top, score[i], i);
        }
        hl_top_finish(&top);
        assert_int_equal(top.n, k < positive ? k : positive);
        assert_int_equal(top.offered, positive);
        for (uint32_t i = 0; i < top.n; i++) {
            uint32_t better = 0;
            for (uint32_t j = 0; j < N; j++)
                better += score[j] > top.items[i].score ||
                          (score[j] == top.items[i].score && j < top.items[i].id);
            assert_int_equal(better, i); /* exactly i items come before it */
            assert_true(top.items[i].score <= best);
            best = top.items[i].score;
        }
        hl_arena_deinit(&arena);
    }
}

static const char grown[] = "root module app m\n"
                            "m:module -__dict__-> d:dict -key:rows-> r:list len={0|3|9}\n"
                            "r -[]-> x:app.Row*{0|3|9} size=1000\n"
                            "type app.Row gc heap\n"
                            "snap time=0\nsnap time=1\nsnap time=2\n";

static void diff_is_the_last_less_the_first(void **state)
{
    hl_err err = {0};
    hl_table t[HL_DIFF_TABLES];
    uint32_t n;
    hl_arena arena;
    hl_arena_init(&arena);
    hl_run *run = hl_dsl_run(grown);
    hl_view_query q = {.runs = &run, .n_runs = 1, .top = 10};
    assert_int_equal(hl_view_diff(&q, &arena, t, &n, &err), HL_OK);
    assert_int_equal(n, 2); /* allocations were not followed */
    assert_int_equal(t[0].n_rows, 1);
    const hl_cell *row = hl_view_row(&t[0], 0);
    assert_string_equal(row[0].text, "app.rows[*]");
    assert_string_equal(row[1].text, "app.Row");
    assert_int_equal(row[2].series.n, 3);
    assert_int_equal(row[2].series.values[1], 3);
    assert_int_equal(row[4].number, 9);
    assert_int_equal(row[6].number, 9000);
    assert_int_equal(row[8].number, 9000);
    assert_int_equal(t[1].n_rows, 1);
    assert_string_equal(hl_view_row(&t[1], 0)[0].text, "app.Row");
    /* against itself nothing grew */
    hl_run *twice[] = {run, run};
    q = (hl_view_query){.runs = twice, .n_runs = 2, .top = 10, .last_only = true};
    assert_int_equal(hl_view_diff(&q, &arena, t, &n, &err), HL_OK);
    assert_int_equal(t[0].n_rows + t[1].n_rows, 0);
    hl_arena_deinit(&arena);
    hl_run_close(run);
}

static void a_list_of_many_links_has_a_short_answer(void **state)
{
    hl_err err = {0};
    hl_chains chains;
    hl_arena arena;
    hl_arena_init(&arena);
    hl_run *run = hl_dsl_run("type app.Link gc heap\ntype app.End gc heap\n"
                             "x:app.Link*100000\nchain .next x\nx[99999] -.end-> e:app.End\n"
                             "root module app m\nm:module -__dict__-> d:dict -key:head-> x[0]\n");
    hl_view_query q = {.runs = &run, .n_runs = 1, .top = 5};
    assert_int_equal(hl_view_paths(&q, "app.End", &arena, &chains, &err), HL_OK);
    assert_int_equal(chains.n_chains, 1);
    assert_true(chains.chains[0].n_steps <= 40);
    assert_int_equal(chains.chains[0].n_steps + chains.chains[0].left_out, 100002);
    assert_int_equal(hl_view_paths(&q, "app.Link", &arena, &chains, &err), HL_OK);
    assert_int_equal(chains.matched, 100000);
    assert_int_equal(hl_view_paths(&q, "app.Nobody", &arena, &chains, &err), HL_NOT_FOUND);
    hl_arena_deinit(&arena);
    hl_run_close(run);
}

static uint32_t column_of(const hl_table *t, const char *key)
{
    for (uint32_t c = 0; c < t->n_columns; c++)
        if (t->columns[c].key && !strcmp(t->columns[c].key, key))
            return c;
    fail_msg("no column %s", key);
    return 0;
}

static void reach(const hl_snap *s, hl_node from, uint8_t *seen)
{
    if (seen[from])
        return;
    seen[from] = 1;
    for (uint32_t e = s->off[from]; e < s->off[from + 1]; e++)
        if (hl_edge_holds(s->label[e]))
            reach(s, s->dst[e], seen);
}

enum { FRAMES = 3 };

/* Bytes reached from the frame of thread t, and from no other root. */
static uint64_t alone(const hl_graph *g, unsigned t)
{
    const hl_snap *s = g->snap;
    uint8_t *mine = calloc(s->nodes, 1), *others = calloc(s->nodes, 1);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < g->n_roots; i++)
        if (g->roots[i].hold != HL_HOLD_FRAME)
            reach(s, g->roots[i].node, others);
    for (uint32_t i = 0; i < s->n_roots; i++)
        if (s->roots[i].kind == HL_ROOT_FRAME)
            reach(s, s->roots[i].node, s->roots[i].thread == t ? mine : others);
    for (hl_node v = 0; v < s->nodes; v++)
        bytes += mine[v] && !others[v] ? hl_graph_own_bytes(g, v) : 0;
    free(mine);
    free(others);
    return bytes;
}

static void a_thread_keeps_what_only_its_frames_reach(void **state)
{
    static char text[2 * TEXT_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        hl_err err = {0};
        hl_table table;
        hl_arena arena;
        hl_graph *g;
        hl_arena_init(&arena);
        random_heap(text);
        for (unsigned t = 0; t < FRAMES; t++) /* two frames each, at lines of their own */
            sprintf(text + strlen(text),
                    "root frame f%u in%u:frame line=%u thread=%u\n"
                    "root frame g%u out%u:frame line=9 thread=%u\n"
                    "in%u -local:x-> own%u:list size=1000\nin%u -local:y-> n%u\n"
                    "out%u -local:z-> own%u\n",
                    t, t, t + 1, t, t, t, t, t, t, t, 1 + roll(2), t, t);
        hl_run *run = hl_dsl_run(text);
        hl_snap *s = hl_dsl_snap(text);
        assert_int_equal(hl_graph_create(s, &g, &err), HL_OK);
        assert_int_equal(hl_graph_dominate(g, &err), HL_OK);
        hl_view_query q = {.runs = &run, .n_runs = 1, .top = 10};
        assert_int_equal(hl_view_threads(&q, &arena, &table, &err), HL_OK);
        assert_int_equal(table.n_rows, FRAMES);
        uint32_t bytes = column_of(&table, "retained_bytes"), at = column_of(&table, "stands_in");
        for (uint32_t r = 0; r < FRAMES; r++) {
            const hl_cell *row = hl_view_row(&table, r);
            unsigned t = (unsigned)(row[at].text[1] - '0'); /* "f0()" */
            assert_int_equal(row[bytes].number, alone(g, t));
        }
        hl_graph_destroy(g);
        hl_snap_destroy(s);
        hl_run_close(run);
        hl_arena_deinit(&arena);
    }
}

/* Whatever was measured, and were it nonsense. */
static void the_rows_of_rss_add_up_to_it(void **state)
{
    static const char *const words[] = {"shared",  "heap",     "heapfree", "mapped", "stacks",
                                        "written", "resident", "pools",    "used"};
    static char text[2 * TEXT_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        hl_err err = {0};
        hl_table table;
        hl_arena arena;
        hl_arena_init(&arena);
        random_heap(text);
        for (int snap = 0; snap < 2; snap++) {
            sprintf(text + strlen(text), "snap time=%d rss=%u", snap, roll(1 << 20));
            for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
                if (roll(8))
                    sprintf(text + strlen(text), " %s=%u%s", words[i], roll(1000),
                            roll(20) ? "000" : "000000000000000");
            strcat(text, "\n");
        }
        hl_run *run = hl_dsl_run(text);
        hl_view_query q = {.runs = &run, .n_runs = 1, .top = 10};
        assert_int_equal(hl_view_rss(&q, &arena, &table, &err), HL_OK);
        uint32_t now = column_of(&table, "bytes"), then = column_of(&table, "first_bytes");
        int64_t total = sum(&table, now), rss = hl_view_row(&table, 0)[now].number;
        assert_int_equal(total, 2 * rss);
        assert_int_equal(rss, run->snaps[1].rss_bytes);
        assert_int_equal(hl_view_row(&table, 0)[then].number, run->snaps[0].rss_bytes);
        hl_run_close(run);
        hl_arena_deinit(&arena);
    }
}

/* ---- allocations --------------------------------------------------------------------------------
 */

/* Sites of some functions, files and threads; what any way of adding up gives in all is the same. */
static void sums_of_allocations_are_whole(void **state)
{
    static const char *const domains[] = {"raw", "mem", "obj", "native"};
    srand(5);
    for (int round = 0; round < 20; round++) {
        char text[1 << 14], *at = text;
        hl_amount live = {0}, all = {0};
        for (int i = rand() % 60; i >= 0; i--) {
            uint64_t blocks = (uint64_t)rand() % 50, bytes = blocks * (uint64_t)(rand() % 100);
            at += sprintf(at,
                          "site main@app.py:%d>load%d@lib%d.py:%d live=%lu:%lu all=%lu:%lu "
                          "thread=%d domain=%s age=%d:%lu:%lu\n",
                          rand() % 3, rand() % 3, rand() % 3, rand() % 4, blocks, bytes, 2 * blocks,
                          3 * bytes, rand() % 3, domains[rand() % 4], rand() % 5, blocks, bytes);
            live.blocks += blocks;
            live.bytes += bytes;
            all.bytes += 3 * bytes;
        }
        sprintf(at, "snap track=exact taken=7\n");
        hl_snap *s = hl_dsl_snap(text);
        for (unsigned key = 0; key < HL_SITES_KEYS; key++) {
            hl_site_sums sums;
            hl_err err = {0};
            hl_amount n = {0}, m = {0};
            if (key == HL_SITES_BY_TYPE)
                continue;
            hl_arena arena;
            hl_arena_init(&arena);
            assert_int_equal(hl_sites_add_up(s, key, &arena, &sums, &err), HL_OK);
            for (uint32_t i = 0; i < sums.n; i++) {
                n.blocks += sums.items[i].live.blocks;
                n.bytes += sums.items[i].live.bytes;
                m.bytes += sums.items[i].all.bytes;
                assert_true(strlen(hl_site_label(s, key, &sums.items[i], &arena)) > 0);
                for (uint32_t k = 0; k < i; k++) /* nothing is told twice */
                    assert_string_not_equal(hl_site_label(s, key, &sums.items[i], &arena),
                                            hl_site_label(s, key, &sums.items[k], &arena));
            }
            assert_int_equal(n.blocks, live.blocks);
            assert_int_equal(n.bytes, live.bytes);
            assert_int_equal(m.bytes, all.bytes);
            hl_arena_deinit(&arena);
        }
        hl_snap_destroy(s);
    }
}

static const char allocated[] =
    "c:dict by=main@app.py:3\n"
    "c -value:int-> b:bytearray*2 size=100 by=main@app.py:9>load@/venv/lib/python3.11/"
    "site-packages/lib/core.py:7\n"
    "site main@app.py:9>load@/venv/lib/python3.11/site-packages/lib/core.py:7 live=2:200 "
    "all=5:500 brief=3:300 age=0:1:100,4:1:100\n"
    "site main@app.py:3 live=1:64 all=1:64 peak=2:128\n"
    "site main@app.py:3 domain=mem live=1:36 all=1:36\n"
    "snap track=exact taken=6\n";

static void allocations_of(hl_run *run, hl_site_key key, hl_measure measure, hl_arena *arena,
                           hl_table *out)
{
    hl_err err = {0};
    hl_view_query q = {.runs = &run, .n_runs = 1, .top = 10, .sites_by = key, .measure = measure};
    assert_int_equal(hl_view_allocs(&q, arena, out, &err), HL_OK);
}

static void allocations_by_each_key(void **state)
{
    static const char *const first[HL_SITES_KEYS] = {
        "load (lib/core.py:7)",
        "lib/core.py",
        "load (lib/core.py:7)",
        "load (lib/core.py:7) < main (app.py:9)",
        "bytearray",
        "threads that are gone",
        "obj",
        "lib",
    };
    hl_run *run = hl_dsl_run(allocated);
    hl_arena arena;
    hl_table t;
    hl_arena_init(&arena);
    for (unsigned key = 0; key < HL_SITES_KEYS; key++) {
        allocations_of(run, key, HL_LIVE, &arena, &t);
        assert_string_equal(hl_view_row(&t, 0)[0].text, first[key]);
    }
    allocations_of(run, HL_SITES_BY_LINE, HL_LIVE, &arena, &t);
    assert_int_equal(t.n_rows, 2);
    assert_int_equal(hl_view_row(&t, 0)[4].number, 200);
    assert_int_equal(hl_view_row(&t, 0)[7].number, 6); /* half of it is as old */
    assert_int_equal(hl_view_row(&t, 1)[4].number, 100);
    assert_int_equal(hl_view_row(&t, 1)[2].number, 3);
    allocations_of(run, HL_SITES_BY_LINE, HL_PEAK, &arena, &t);
    assert_string_equal(hl_view_row(&t, 0)[0].text, "main (app.py:3)");
    allocations_of(run, HL_SITES_BY_LINE, HL_TEMPORARY, &arena, &t);
    assert_int_equal(t.n_rows, 1);
    assert_int_equal(hl_view_row(&t, 0)[12].number, 300);
    hl_arena_deinit(&arena);
    hl_run_close(run);
}

static void samples_of_more_than_there_is_are_told(void **state)
{
    (void)state;
    static const char *const rss[] = {"1000000", "2200000"};
    for (int i = 0; i < 2; i++) {
        char text[512];
        sprintf(text,
                "c:dict\nsite main@app.py:3 live=9:2500000 error=200000 all=9:2500000\n"
                "snap track=sampled rate=512K rss=%s\n",
                rss[i]);
        hl_run *run = hl_dsl_run(text);
        hl_arena arena;
        hl_table t;
        hl_arena_init(&arena);
        allocations_of(run, HL_SITES_BY_LINE, HL_LIVE, &arena, &t);
        assert_non_null(strstr(t.note, "estimated from samples"));
        bool told = strstr(t.note, "in all more than the 1.0 MB the process has") != NULL;
        assert_true(told == (i == 0)); /* the other lies within three errors of it */
        hl_arena_deinit(&arena);
        hl_run_close(run);
    }
}

static void what_was_not_followed_is_said(void **state)
{
    hl_err err = {0};
    hl_table t;
    hl_arena arena;
    hl_arena_init(&arena);
    hl_run *run = hl_dsl_run(grown);
    hl_view_query q = {.runs = &run, .n_runs = 1, .top = 10};
    assert_int_equal(hl_view_allocs(&q, &arena, &t, &err), HL_EMPTY);
    hl_arena_deinit(&arena);
    hl_run_close(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_with_a_type_is_between_its_bytes_and_taking_it_away),
        cmocka_unit_test(one_class_is_the_heap_and_singles_are_retained_sizes),
        cmocka_unit_test(types_and_roots_add_up_to_the_heap),
        cmocka_unit_test(the_best_few_are_those_of_a_full_sort),
        cmocka_unit_test(diff_is_the_last_less_the_first),
        cmocka_unit_test(a_list_of_many_links_has_a_short_answer),
        cmocka_unit_test(a_thread_keeps_what_only_its_frames_reach),
        cmocka_unit_test(the_rows_of_rss_add_up_to_it),
        cmocka_unit_test(sums_of_allocations_are_whole),
        cmocka_unit_test(allocations_by_each_key),
        cmocka_unit_test(samples_of_more_than_there_is_are_told),
        cmocka_unit_test(what_was_not_followed_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
