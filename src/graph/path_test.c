/* graph/path_test.c: chains, and the names developers know objects by. */
#include "graph/graph_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_name(const hl_graph *g, const char *node, const char *want)
{
    char name[256];
    hl_path_name(g, hl_dsl_node(g->snap, node), name, sizeof name);
    assert_string_equal(name, want);
}

static const char app[] =
    "type app.Store gc heap node=Store\n"
    "type app.Session gc heap\n"
    "type functools._lru_cache_wrapper gc\n"
    "root module app m\n"
    "root frame app.main fr\n"
    "root thread context ctx\n"
    "m:module -__dict__-> d:dict\n"
    "d -key:cache-> cache:dict len=2\n"
    "cache -value:int-> entry:app.Session\n"
    "cache -dictkey-> k:tuple\n"
    "d -key:store-> store:app.Store\n"
    "store -__dict__-> sd:dict -key:items-> items:list\n"
    "items -[]-> item:app.Session -.history-> history:list\n"
    "store -slot:slotted-> slotted:list\n"
    "d -key:Store-> Store:type -__dict__-> cd:dict -key:registry-> registry:list\n"
    "d -key:f-> f:function\n"
    "f -__code__-> fco:code\nf -__globals__-> d\n"
    "f -__defaults__-> defs:tuple len=2\n"
    "defs -[1]-> seen:list\n"
    "f -__kwdefaults__-> kwd:dict -key:opts-> opts:dict\n"
    "d -key:handlers-> handlers:list len=1\n"
    "handlers -[]-> inner:function -__closure__-> clo:tuple -[0]-> cell:cell\n"
    "cell -cell-> big:list\n"
    "inner -__code__-> ico:code\ninner -__globals__-> d\n"
    "d -key:memo-> memo:functools._lru_cache_wrapper -internal:0-> memod:dict\n"
    "memo -__wrapped__-> f\n"
    "memod -value:tuple-> result:app.Session\n"
    "handlers -[]-> anon:functools._lru_cache_wrapper -internal:0-> anond:dict\n"
    "anon -__wrapped__-> f\n"
    "fr:frame -local:rows-> rows:list -[]-> row:app.Session\n"
    "ctx:Context -internal:0-> hamt:hamt\n"
    "d -key:pair-> pair:tuple -[1]-> second:app.Session\n"
    "held:app.Session ref=+1\nheld -.load-> load:list\n"
    "loop:app.Session -.me-> loop\nloop -.load-> junk:list\n"
    "code fco name=f qualname=f args=3 kwonly=1 vars=a,b,seen,opts\n"
    "code ico name=inner qualname=outer.<locals>.inner free=rows\n";

static void names(void **state)
{
    (void)state;
    hl_snap *s = hl_dsl_snap(app);
    hl_graph *g = hl_test_graph(s);
    assert_name(g, "m", "app");
    assert_name(g, "d", "app.__dict__");
    assert_name(g, "cache", "app.cache");
    assert_name(g, "entry", "app.cache[*]");
    assert_name(g, "k", "app.cache key");
    assert_name(g, "items", "app.store.items");
    assert_name(g, "sd", "app.store.__dict__");
    assert_name(g, "history", "app.store.items[*].history");
    assert_name(g, "slotted", "app.store.slotted");
    assert_name(g, "registry", "app.Store.registry");
    assert_name(g, "f", "app.f");
    assert_name(g, "seen", "app.f() default seen");
    assert_name(g, "opts", "app.f() default opts");
    assert_name(g, "inner", "app.handlers[*]");
    assert_name(g, "cell", "app.outer.<locals>.inner closure rows");
    assert_name(g, "big", "app.outer.<locals>.inner closure rows");
    assert_name(g, "memod", "app.memo cache");
    assert_name(g, "result", "app.memo cache[*]");
    assert_name(g, "anond", "app.f cache");
    assert_name(g, "rows", "app.main() local rows");
    assert_name(g, "row", "app.main() local rows[*]");
    assert_name(g, "second", "app.pair[1]");
    assert_name(g, "hamt", "(thread) context.*");
    assert_name(g, "held", "(held by C) app.Session");
    assert_name(g, "load", "(held by C) app.Session.load");
    assert_name(g, "junk", "(garbage cycle) app.Session.load");
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

static void owners(void **state)
{
    (void)state;
    static const char *const want[][2] = {
        {"items", "store"}, {"cache", "m"},    {"big", "inner"},   {"seen", "f"},
        {"item", "items"},  {"memod", "memo"}, {"result", "memo"}, {"registry", "Store"}};
    hl_snap *s = hl_dsl_snap(app);
    hl_graph *g = hl_test_graph(s);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(hl_graph_owner(g, hl_dsl_node(s, want[i][0])), hl_dsl_node(s, want[i][1]));
    assert_int_equal(hl_graph_owner(g, hl_dsl_node(s, "m")), HL_NO_NODE);
    assert_true(hl_graph_is_namespace(g, hl_dsl_node(s, "d")));
    assert_true(hl_graph_is_namespace(g, hl_dsl_node(s, "sd")));
    assert_true(hl_graph_is_namespace(g, hl_dsl_node(s, "cd")));
    assert_false(hl_graph_is_namespace(g, hl_dsl_node(s, "cache")));
    assert_false(hl_graph_is_namespace(g, hl_dsl_node(s, "memod")));
    assert_false(hl_graph_is_namespace(g, hl_dsl_node(s, "items")));
    assert_int_equal(hl_graph_follow(g, hl_dsl_node(s, "f"), HL_LABEL_NAMED, "__code__"),
                     hl_dsl_node(s, "fco"));
    assert_int_equal(hl_graph_follow(g, hl_dsl_node(s, "f"), HL_LABEL_NAMED, "__wrapped__"),
                     HL_NO_NODE);
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

static void long_names(void **state)
{
    (void)state;
    hl_snap *s = hl_dsl_snap("type app.N gc heap\n"
                             "n:app.N*100000\nchain .next n\n"
                             "root module app m\nm:module -__dict__-> d:dict -key:head-> n[0]\n"
                             "n[99999] -.value-> v:list\n"
                             "n[2] -.value-> early:list\n");
    hl_graph *g = hl_test_graph(s);
    assert_name(g, "n[1]", "app.head.next");
    assert_name(g, "n[2]", "app.head.next.next");
    assert_name(g, "early", "app.head.next.next.value");
    assert_name(g, "n[50]", "app.head.next.next(...)");
    assert_name(g, "v", "app.head.next.next(...).value");
    /* cut wherever the buffer ends, always whole characters and "..." */
    char full[256], cut[256];
    hl_path_name(g, hl_dsl_node(s, "v"), full, sizeof full);
    for (size_t size = 1; size <= strlen(full) + 1; size++) {
        hl_path_name(g, hl_dsl_node(s, "v"), cut, size);
        assert_true(strlen(cut) < size);
        if (size > strlen(full))
            assert_string_equal(cut, full);
        else if (size > 4)
            assert_string_equal(cut + size - 4, "...");
    }
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

static void chains(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        hl_random_heap how = {.seed = seed,
                              .nodes = 60,
                              .edges = 150,
                              .roots = 3,
                              .shape = (uint32_t)(seed % 3),
                              .lost = 20,
                              .all_kinds = seed % 2};
        hl_snap *s = hl_test_heap(&how);
        hl_graph *g = hl_test_graph(s);
        enum { MAX = 60, K = 4 };
        hl_step steps[K * MAX];
        uint32_t lengths[K];
        for (hl_node v = 0; v < s->nodes; v++) {
            uint32_t n = hl_path_chains(g, v, steps, MAX, K, lengths);
            assert_in_range(n, 1, K);
            for (uint32_t i = 0; i < n; i++) {
                const hl_step *row = steps + (size_t)i * MAX;
                assert_non_null(hl_graph_root_of(g, row[0].node));
                assert_int_equal(row[lengths[i] - 1].node, v);
                for (uint32_t k = 1; k < lengths[i]; k++) {
                    assert_true(k == lengths[i] - 1 || row[k].node != v);
                    bool edge = false;
                    hl_node u = row[k - 1].node;
                    for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++)
                        edge |= s->dst[e] == row[k].node && s->label[e] == row[k].label &&
                                hl_edge_holds(s->label[e]);
                    assert_true(edge);
                }
                for (uint32_t k = 0; k < i; k++) /* different holders */
                    assert_true(lengths[i] == 1 || lengths[k] == 1 ||
                                steps[k * MAX + lengths[k] - 2].node != row[lengths[i] - 2].node);
            }
            assert_int_equal(lengths[0], hl_path_chain(g, v, NULL, 0));
        }
        hl_graph_destroy(g);
        hl_snap_destroy(s);
    }
}

static void assert_found(const hl_graph *g, const char *target, const char *first, uint32_t count)
{
    hl_arena arena;
    hl_arena_init(&arena);
    hl_node *nodes;
    uint32_t n = 0;
    hl_err err;
    hl_status status = hl_path_find(g, target, &arena, &nodes, &n, &err);
    assert_int_equal(status, count ? HL_OK : HL_NOT_FOUND);
    assert_int_equal(n, count);
    if (count)
        assert_int_equal(nodes[0], hl_dsl_node(g->snap, first));
    hl_arena_deinit(&arena);
}

static bool is_called(const hl_graph *g, hl_node v, const char *name)
{
    char own[1024];
    hl_path_name(g, v, own, sizeof own);
    return !strcmp(own, name);
}

/* A name that was printed means all it was printed for. */
static void check_printed(const hl_graph *g, hl_node v, uint32_t *found_again, uint32_t *many)
{
    hl_arena arena;
    hl_node *nodes;
    uint32_t n = 0, all = 0;
    hl_err err;
    char name[1024];
    hl_arena_init(&arena);
    hl_path_name(g, v, name, sizeof name);
    for (hl_node u = 0; u < g->snap->nodes; u++)
        all += is_called(g, u, name);
    if (!hl_path_find(g, name, &arena, &nodes, &n, &err) && is_called(g, nodes[0], name)) {
        bool among = false;
        for (uint32_t i = 0; i < n; i++)
            among |= nodes[i] == v;
        assert_true(n == all ? among : n == 1); /* one: attributes led there */
        *found_again += among;
        *many += among && n > 1;
    }
    hl_arena_deinit(&arena);
}

static void printed_names(void **state)
{
    (void)state;
    uint32_t found_again = 0, many = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        hl_random_heap how = {.seed = seed,
                              .nodes = 40,
                              .edges = 100,
                              .roots = 3,
                              .shape = (uint32_t)(seed % 3),
                              .all_kinds = true};
        hl_snap *s = hl_test_heap(&how);
        hl_graph *g = hl_test_graph(s);
        for (hl_node v = 0; v < s->nodes; v++)
            check_printed(g, v, &found_again, &many);
        hl_graph_destroy(g);
        hl_snap_destroy(s);
    }
    assert_true(found_again > 200);
    assert_true(many > 10);
}

static void targets(void **state)
{
    (void)state;
    hl_snap *s = hl_dsl_snap(app);
    hl_graph *g = hl_test_graph(s);
    assert_found(g, "app.cache", "cache", 1);
    assert_found(g, "app.store.items", "items", 1);
    assert_found(g, "app.Store.registry", "registry", 1);
    assert_found(g, "app", "m", 1);
    assert_found(g, "app.main", "fr", 1);
    assert_found(g, "app.main.rows", "rows", 1);
    assert_found(g, "app.Store", "store", 1); /* its instances, not the class */
    assert_found(g, "Store", "store", 1);
    assert_found(g, "frame", "fr", 1);
    assert_found(g, "tore", "", 0);
    assert_found(g, "app.nothing", "", 0);
    assert_found(g, "", "", 0);
    assert_found(g, "0x1", "", 0);
    hl_arena arena;
    hl_node *nodes;
    uint32_t n;
    hl_err err;
    hl_arena_init(&arena);
    assert_int_equal(hl_path_find(g, "items", &arena, &nodes, &n, &err), HL_NOT_FOUND);
    assert_string_equal(err.text, "no object called \"items\": is \"app.store.items\" meant?");
    hl_arena_deinit(&arena);
    char address[32];
    hl_node cache = hl_dsl_node(s, "cache");
    snprintf(address, sizeof address, "0x%llx", (unsigned long long)hl_snap_address(s, cache));
    assert_found(g, address, "cache", 1);
    hl_graph_destroy(g);
    hl_snap_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),  cmocka_unit_test(owners),  cmocka_unit_test(long_names),
        cmocka_unit_test(chains), cmocka_unit_test(targets), cmocka_unit_test(printed_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
