/* graph/cycle_group_test.c: garbage cycles named, counted and weighed. */
#include "graph/graph_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct found {
    hl_snap *s;
    hl_graph *g;
    hl_arena arena;
    hl_cycle *cycles;
    uint32_t n;
} found;

static found find_in(hl_snap *s)
{
    found f = {.s = s, .g = hl_test_graph(s)};
    hl_err err;
    hl_arena_init(&f.arena);
    assert_int_equal(hl_cycles_find(f.g, &f.arena, &f.cycles, &f.n, &err), HL_OK);
    return f;
}

static void done(found *f)
{
    hl_arena_deinit(&f->arena);
    hl_graph_destroy(f->g);
    hl_snap_destroy(f->s);
}

static void pairs(void **state)
{
    (void)state;
    found f = find_in(hl_dsl_snap("type app.A gc heap\ntype app.B gc heap finalizer\n"
                                  "a:app.A*7 size=48\nb:app.B*7 size=48\n"
                                  "a -__dict__-> x:dict*7 size=100\n"
                                  "b -__dict__-> y:dict*7 size=100\n"
                                  "x -key:b-> b\n"
                                  "y -key:a-> a\n"
                                  "y -key:load-> load:bytearray*7 size=1000\n"));
    assert_int_equal(f.n, 1);
    const hl_cycle *c = f.cycles;
    assert_string_equal(c->signature, "app.A.b > app.B.a");
    assert_int_equal(c->cycles, 7);
    assert_int_equal(c->objects, 28);
    assert_int_equal(c->bytes, 7 * (96 + 200 + 1000));
    assert_int_equal(c->n_edges, 2);
    assert_true(c->finalizer);
    assert_false(c->frozen || c->in_gc_garbage || c->uncollectable);
    assert_string_equal(hl_snap_type_name(f.s, c->edges[0].from), "app.A");
    done(&f);
}

/* What the cycle that is shown is not all of: each other way back is named once. */
static void others(void **state)
{
    (void)state;
    found f = find_in(hl_dsl_snap("type app.Tree gc heap\ntype app.Leaf gc heap\n"
                                  "t:app.Tree*3 -.top-> l:app.Leaf*3 -.tree-> t\n"
                                  "l -.next-> k:app.Leaf*3 -.before-> l\n"
                                  "k -.tree-> t\n"));
    assert_int_equal(f.n, 1);
    const hl_cycle *c = f.cycles;
    assert_string_equal(c->signature, "app.Leaf.tree > app.Tree.top");
    assert_true(c->n_others >= 1 && !c->more_others);
    done(&f);
    f = find_in(hl_dsl_snap("type app.Leaf gc heap\n"
                            "a:app.Leaf -.one-> b:app.Leaf -.two-> a\n"
                            "b -.three-> a\nb -.four-> a\nb -.five-> a\nb -.six-> a\n"));
    c = f.cycles; /* all lead back from b, or the one that leads to it */
    assert_true((c->n_others == HL_CYCLE_OTHERS && c->more_others) ||
                (c->n_others == 1 && !c->more_others && !strcmp(c->others[0], "app.Leaf.one")));
    for (uint32_t i = 0; i < c->n_others; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(c->others[i], c->others[k]);
    done(&f);
    f = find_in(hl_dsl_snap("type app.A gc heap\ntype app.B gc heap\n" /* one is all */
                            "a:app.A*2 -.b-> b:app.B*2 -.a-> a\nb -.same-> c:app.A*2\n"));
    assert_int_equal(f.cycles->n_others, 0);
    done(&f);
    f = find_in(hl_dsl_snap("l:list -[]-> k:list -[]-> l\nl -[]-> l\n")); /* nothing has a name */
    assert_int_equal(f.cycles->n_others, 0);
    done(&f);
}

/* The same cycle in either order of discovery, with attributes inline, is one group. */
static void kinds(void **state)
{
    (void)state;
    found f =
        find_in(hl_dsl_snap("type app.Node gc heap\n"
                            "n:app.Node*5\nchain .next n\nn[4] -.next-> n[0]\n" /* a ring of five */
                            "r:app.Node*3\nchain .next r\nr[2] -.next-> r[0]\n" /* and of three   */
                            "p:app.Node -.next-> q:app.Node -.next-> p\n" /* a pair is not folded */
                            "one:app.Node -.me-> one\n"                   /* itself */
                            "l:list -[]-> l\n"                            /* a list in itself */
                            "f:function -__closure__-> t:tuple -[0]-> c:cell -cell-> f\n"
                            "f -__code__-> co:code\n"
                            "root module app m\nm:module -__dict__-> d:dict -key:co-> co\n"
                            "f -__globals__-> d\n"
                            "code co name=f qualname=g.<locals>.f free=f\n"
                            "e:app.Node frozen\ne -.up-> e2:app.Node frozen\ne2 -.down-> e\n"
                            "bin:list -[]-> z:app.Node -.z-> z\nroot garbage garbage bin\n"
                            "o:app.Node opaque\no -.o-> o\n" /* said, so it is collected */
                            "type lib.Box nogc\n"            /* not in the collector at all */
                            "in:app.Node -.box-> box:lib.Box -[]-> in\n"
                            "h:app.Node -.reader-> lost:app.Lost opaque\nlost -internal-> h\n"));
    static const struct {
        const char *signature;
        uint64_t cycles, objects;
        bool frozen, in_gc_garbage, uncollectable;
    } want[] = {
        {"app.Node.next > ...", 2, 8, false, false, false},
        {"app.Node.next > app.Node.next", 1, 2, false, false, false},
        {"app.Node.me", 1, 1, false, false, false},
        {"list[*]", 1, 1, false, false, false},
        {"app.g.<locals>.f closure f", 1, 3, false, false, false},
        {"app.Node.down > app.Node.up", 1, 2, true, false, false},
        {"app.Node.z", 1, 1, false, true, false},
        {"app.Node.o", 1, 1, false, false, false},
        {"app.Node.box > lib.Box[*]", 1, 2, false, false, true},
        {"app.Lost.* > app.Node.reader", 1, 2, false, false, true},
    };
    size_t n = sizeof want / sizeof *want;
    assert_int_equal(f.n, n);
    for (size_t i = 0; i < n; i++) {
        const hl_cycle *c = NULL;
        for (uint32_t k = 0; k < f.n; k++)
            if (!strcmp(f.cycles[k].signature, want[i].signature))
                c = &f.cycles[k];
        if (!c)
            fail_msg("no cycle called %s", want[i].signature);
        assert_int_equal(c->cycles, want[i].cycles);
        assert_int_equal(c->objects, want[i].objects);
        assert_int_equal(c->frozen, want[i].frozen);
        assert_int_equal(c->in_gc_garbage, want[i].in_gc_garbage);
        if (c->uncollectable != want[i].uncollectable)
            fail_msg("%s is%s uncollectable", c->signature, c->uncollectable ? "" : " not");
    }
    done(&f);
}

/* What an opaque object seems to hold counts only where a reference is missing: a borrowed pointer
 * back to the owner makes no cycle. */
static void borrowed(void **state)
{
    (void)state;
    found f = find_in(hl_dsl_snap("h:app.Node ref=0 -.reader-> lost:app.Lost opaque\n"
                                  "lost -internal-> h\n"
                                  "k:list -[]-> k\nk -[]-> h\nh ref=1\n"));
    assert_int_equal(f.n, 1);
    assert_string_equal(f.cycles[0].signature, "list[*]");
    done(&f);
}

/* Nothing that something holds is garbage, however it holds itself. */
static void held(void **state)
{
    (void)state;
    found f = find_in(hl_dsl_snap("root module app m\n"
                                  "m:module -__dict__-> d:dict -key:a-> a:object -.b-> b:object\n"
                                  "b -.a-> a\n"
                                  "c:object ref=+1\nc -.d-> e:object -.c-> c\n"));
    assert_int_equal(f.n, 0);
    done(&f);
}

/* Groups of random heaps: every component once, every byte of garbage that a cycle keeps once. */
static void sums(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        hl_random_heap how = {.seed = seed,
                              .nodes = 400,
                              .edges = 500,
                              .roots = 2,
                              .shape = (uint32_t)(seed % 3),
                              .lost = seed % 2 ? 50 : 0,
                              .all_kinds = seed % 3 == 0};
        found f = find_in(hl_test_heap(&how));
        const hl_graph *g = f.g;
        uint8_t wanted[400];
        uint64_t garbage = 0, cycles = 0, objects = 0, bytes = 0;
        for (hl_node v = 0; v < f.s->nodes; v++) {
            wanted[v] = g->from[v] == HL_HOLD_CYCLE || g->from[v] == HL_HOLD_GC_GARBAGE;
            garbage += g->from[v] == HL_HOLD_CYCLE ? hl_graph_own_bytes(g, v) : 0;
        }
        hl_scc scc;
        hl_err err;
        assert_int_equal(hl_scc_find(f.s, wanted, &f.arena, &scc, &err), HL_OK);
        for (uint32_t c = 0; c < scc.count; c++) {
            hl_node first = scc.members[scc.off[c]];
            uint32_t size = scc.off[c + 1] - scc.off[c];
            bool cyclic = size > 1;
            for (uint32_t e = f.s->off[first]; e < f.s->off[first + 1]; e++)
                cyclic |= f.s->dst[e] == first && hl_edge_holds(f.s->label[e]);
            cycles += cyclic;
            objects += cyclic ? size : 0;
        }
        for (uint32_t i = 0; i < f.n; i++) {
            cycles -= f.cycles[i].cycles;
            objects -= f.cycles[i].objects;
            bytes += f.cycles[i].in_gc_garbage ? 0 : f.cycles[i].bytes;
        }
        assert_int_equal(cycles, 0);
        assert_int_equal(objects, 0);
        assert_true(bytes <= garbage);
        done(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs),    cmocka_unit_test(others), cmocka_unit_test(kinds),
        cmocka_unit_test(borrowed), cmocka_unit_test(held),   cmocka_unit_test(sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
