/* graph/shape_test.c: path shapes that last from snapshot to snapshot. */
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

static void add(hl_shapes *shapes, hl_snap *s)
{
    hl_err err;
    hl_graph *g = hl_test_graph(s);
    assert_int_equal(hl_shapes_add(shapes, g, &err), HL_OK);
    hl_graph_destroy(g);
}

static hl_shape shape_called(const hl_shapes *shapes, const char *want, const char *type)
{
    char name[256];
    for (hl_shape i = 1; i < shapes->n_shapes; i++) {
        hl_shape_name(shapes, i, name, sizeof name);
        if (!strcmp(name, want) && !strcmp(shapes->shapes[i].type, type))
            return i;
    }
    fail_msg("no shape %s of %s", want, type);
    return 0;
}

/* What every snapshot's counts promise. */
static void check_sums(const hl_shapes *shapes, uint32_t snap, const hl_snap *s)
{
    uint64_t bytes = 0, objects = s->nodes, tree_bytes = 0, counted = 0;
    for (hl_node v = 0; v < s->nodes; v++)
        bytes += hl_snap_size(s, v);
    for (uint32_t i = 0; i < s->n_folds; i++) {
        bytes += hl_snap_fold_at(s, i).bytes;
        objects += hl_snap_fold_at(s, i).objects;
    }
    for (hl_shape i = 1; i < shapes->n_shapes; i++) {
        hl_shape_count c = hl_shapes_count(shapes, snap, i);
        counted += c.objects;
        if (!shapes->shapes[i].parent)
            tree_bytes += c.tree_bytes;
        assert_true(shapes->shapes[i].parent < i);
        assert_true(c.members <= c.objects && c.top_items <= c.items);
    }
    assert_int_equal(tree_bytes, bytes);
    assert_int_equal(counted, objects);
    assert_int_equal(hl_shapes_count(shapes, snap, 0).tree_bytes, bytes);
    assert_int_equal(hl_shapes_count(shapes, snap, 0).tree_objects, objects);
}

static void counts(void **state)
{
    (void)state;
    hl_snap *s = hl_dsl_snap("type app.S gc heap\nroot module app m\n"
                             "m:module -__dict__-> d:dict size=500 len=9\n"
                             "d -key:cache-> c:dict len=3 size=100\n"
                             "c -value:int-> e:app.S*3 size=48\n"
                             "e -__dict__-> ed:dict*3 size=64 len=2\n"
                             "i:list*1 len=5 size=80 fold=int*5:140\n"
                             "ed -key:items-> i[0]\n");
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    add(&shapes, s);
    check_sums(&shapes, 0, s);
    hl_shape_count c = hl_shapes_count(&shapes, 0, shape_called(&shapes, "app.cache[*]", "app.S"));
    assert_int_equal(c.members, 3);
    assert_int_equal(c.objects, 6);
    assert_int_equal(c.bytes, 3 * (48 + 64));
    assert_int_equal(c.items, 0); /* attributes are no items */
    hl_shape cache = shape_called(&shapes, "app.cache", "dict");
    c = hl_shapes_count(&shapes, 0, cache);
    assert_int_equal(c.items, 3);
    assert_int_equal(c.top_items, 3);
    assert_int_equal(c.top_address, hl_snap_address(s, hl_dsl_node(s, "c")));
    assert_int_equal(shapes.shapes[cache].hold, HL_HOLD_MODULE);
    hl_shape items = shape_called(&shapes, "app.cache[*].items", "list");
    assert_int_equal(hl_shapes_count(&shapes, 0, items).objects, 6);
    assert_int_equal(shapes.shape_of[hl_dsl_node(s, "i[0]")], items);
    assert_int_equal(shapes.shape_of[hl_dsl_node(s, "ed[1]")],
                     shapes.shape_of[hl_dsl_node(s, "e[0]")]);
    hl_shapes_deinit(&shapes);
    hl_snap_destroy(s);
}

static uint32_t shapes_of_text(const char *text)
{
    hl_snap *s = hl_dsl_snap(text);
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    add(&shapes, s);
    check_sums(&shapes, 0, s);
    uint32_t n = shapes.n_shapes;
    hl_shapes_deinit(&shapes);
    hl_snap_destroy(s);
    return n;
}

static void repetitions(void **state)
{
    (void)state;
    /* root 0, app, .head, .next: however long */
    assert_int_equal(shapes_of_text("type app.N gc heap\nroot module app m\n"
                                    "n:app.N*5000\nchain .next n\n"
                                    "m:module -__dict__-> d:dict -key:head-> n[0]\n"),
                     4);
    /* a tree of 3 levels: app, .root, .kids, [*] */
    assert_int_equal(shapes_of_text("type app.N gc heap\nroot module app m\n"
                                    "m:module -__dict__-> d:dict -key:root-> a:app.N\n"
                                    "a -.kids-> al:list -[]-> b:app.N*3\n"
                                    "b -.kids-> bl:list*3\nbl -[]-> c:app.N*3\n"
                                    "c -.kids-> cl:list*3\n"),
                     5);
    /* a nested dict of another meaning is not its holder again */
    hl_snap *s = hl_dsl_snap("type app.R gc heap\nroot module app m\n"
                             "m:module -__dict__-> d:dict -key:all-> all:list -[]-> g:dict len=2\n"
                             "g -value:str-> r:app.R*2\nr -.meta-> meta:dict*2\n"
                             "meta -value:str-> attrs:dict*2\n");
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    add(&shapes, s);
    shape_called(&shapes, "app.all[*][*].meta[*]", "dict");
    assert_int_equal(
        hl_shapes_count(&shapes, 0, shape_called(&shapes, "app.all[*]", "dict")).members, 1);
    hl_shapes_deinit(&shapes);
    hl_snap_destroy(s);
    /* but the fourth of its kind in a row is */
    assert_int_equal(shapes_of_text("root module app m\n"
                                    "j:dict*50\nchain value:str j\n"
                                    "m:module -__dict__-> d:dict -key:j-> j[0]\n"),
                     5);
}

/* The shapes of a heap are found again when every id has changed, and no new ones appear. */
static void renumbered(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        hl_random_heap how = {.seed = seed,
                              .nodes = 300,
                              .edges = 500,
                              .roots = 5,
                              .shape = (uint32_t)(seed % 4),
                              .lost = 30,
                              .all_kinds = seed % 2};
        hl_snap *s = hl_test_heap(&how);
        uint64_t r = seed;
        hl_node *to = hl_test_permutation(s->nodes, &r);
        hl_snap *t = hl_test_renumbered(s, to, 0, &r);
        hl_shapes shapes;
        hl_shapes_init(&shapes);
        add(&shapes, s);
        uint32_t n = shapes.n_shapes;
        hl_graph *g = hl_test_graph(s);
        uint32_t *was = malloc(s->nodes * sizeof *was);
        assert_non_null(was);
        memcpy(was, shapes.shape_of, s->nodes * sizeof *was);
        add(&shapes, t);
        check_sums(&shapes, 0, s);
        check_sums(&shapes, 1, t);
        if (!g->n_garbage) {
            assert_int_equal(shapes.n_shapes, n);
            for (hl_node v = 0; v < s->nodes; v++)
                assert_int_equal(shapes.shape_of[to[v]], was[v]);
        }
        free(was);
        free(to);
        hl_graph_destroy(g);
        hl_shapes_deinit(&shapes);
        hl_snap_destroy(s);
        hl_snap_destroy(t);
    }
}

static void growth(void **state)
{
    (void)state;
    hl_run *run = hl_dsl_run("type app.S gc heap\nroot module app m\n"
                             "root frame app.main f line={10|20|30}\n"
                             "m:module -__dict__-> d:dict -key:cache-> c:dict len={0|100|200}\n"
                             "c -value:int-> e:app.S*{0|100|200} size=100\n"
                             "f:frame -local:rows-> rows:list len={1|2|3}\n"
                             "snap time=0\nsnap time=1\nsnap time=2\n");
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    for (uint32_t i = 0; i < run->n_snaps; i++) {
        hl_err err;
        hl_snap *s;
        assert_int_equal(hl_snap_load(run, i, &s, &err), HL_OK);
        add(&shapes, s);
        check_sums(&shapes, i, s);
        hl_snap_destroy(s);
    }
    assert_int_equal(shapes.n_snaps, 3);
    hl_shape cache = shape_called(&shapes, "app.cache", "dict");
    hl_shape entry = shape_called(&shapes, "app.cache[*]", "app.S");
    hl_shape rows = shape_called(&shapes, "app.main() local rows", "list");
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(hl_shapes_count(&shapes, i, cache).items, 100 * i);
        assert_int_equal(hl_shapes_count(&shapes, i, entry).members, 100 * i);
        assert_int_equal(hl_shapes_count(&shapes, i, rows).items, i + 1);
    }
    hl_shapes_deinit(&shapes);
    hl_run_close(run);
}

/* Heaps without any order stay within the bound. */
static void bounded(void **state)
{
    (void)state;
    hl_random_heap how = {.seed = 5, .nodes = 400000, .edges = 800000, .roots = 3};
    hl_snap *s = hl_test_heap(&how);
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    add(&shapes, s);
    check_sums(&shapes, 0, s);
    uint32_t roots = 0;
    for (hl_shape i = 1; i < shapes.n_shapes; i++)
        roots += !shapes.shapes[i].parent;
    assert_true(shapes.n_shapes <= HL_SHAPES_MAX + roots);
    hl_shapes_deinit(&shapes);
    hl_snap_destroy(s);
}

/* Attributes made at run time, one name each, do not make a shape each. */
static void many_names(void **state)
{
    (void)state;
    enum { NAMES = 3000, ROOM = NAMES * 48 };
    char *text = malloc(ROOM);
    assert_non_null(text);
    int n = snprintf(text, ROOM,
                     "root module app m\nm:module -__dict__-> d:dict\n"
                     "x:list*%d\n",
                     NAMES);
    for (int i = 0; i < NAMES; i++)
        n += snprintf(text + n, ROOM - (size_t)n, "d -key:name%d-> x[%d]\n", i, i);
    assert_true(n < ROOM);
    assert_in_range(shapes_of_text(text), 100, 1100);
    free(text);
}

static void names_are_cut(void **state)
{
    (void)state;
    hl_snap *s = hl_dsl_snap("root module app m\n"
                             "m:module -__dict__-> d:dict -key:cache-> c:dict\n"
                             "c -value:str-> l:list -[]-> t:tuple -[2]-> x:set\n");
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    add(&shapes, s);
    hl_shape x = shape_called(&shapes, "app.cache[*][*][2]", "set");
    char full[64], cut[64];
    hl_shape_name(&shapes, x, full, sizeof full);
    for (size_t size = 1; size <= sizeof cut; size++) {
        hl_shape_name(&shapes, x, cut, size);
        assert_true(strlen(cut) < size);
        if (size > strlen(full))
            assert_string_equal(cut, full);
        else if (size > 4)
            assert_string_equal(cut + strlen(cut) - 3, "...");
    }
    hl_shapes_deinit(&shapes);
    hl_snap_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),        cmocka_unit_test(repetitions),
        cmocka_unit_test(renumbered),    cmocka_unit_test(growth),
        cmocka_unit_test(bounded),       cmocka_unit_test(many_names),
        cmocka_unit_test(names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
