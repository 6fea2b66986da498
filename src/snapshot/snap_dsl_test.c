/* snapshot/snap_dsl_test.c: what snap_dsl.h promises of drawn heaps.
 *
 * Room   snapshot; tests. */
#define _GNU_SOURCE
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hl_label label_between(const hl_snap *s, const char *from, const char *to)
{
    hl_node v = hl_dsl_node(s, from), w = hl_dsl_node(s, to);
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++)
        if (s->dst[e] == w)
            return s->label[e];
    fail_msg("no edge %s -> %s", from, to);
    return 0;
}

static void every_label(void **state)
{
    hl_snap *s = hl_dsl_snap("a -__closure__-> n1\na -named:weak-> n2\na -attr:x-> n3\n"
                             "a -.y-> n4\na -slot:z-> n5\na -key:k-> n6\na -local:v-> n7\n"
                             "a -value:app.K-> n8\na -dictkey-> n9\na -index-> n10\n"
                             "a -index:4-> n11\na -[]-> n12\na -[7]-> n13\na -element-> n14\n"
                             "a -cell-> n15\na -stack-> n16\na -weak-> n17\na -class-> n18\n"
                             "a -base-> n19\na -unowned-> n20\na -internal-> n21\n"
                             "a -internal:3-> n22\na -key:\"two words\"-> n23\n");
    static const struct {
        enum hl_label_kind kind;
        const char *name;
        uint32_t value;
    } want[] = {
        {HL_LABEL_NAMED, "__closure__", 0},
        {HL_LABEL_NAMED, "weak", 0},
        {HL_LABEL_ATTR, "x", 0},
        {HL_LABEL_ATTR, "y", 0},
        {HL_LABEL_SLOT, "z", 0},
        {HL_LABEL_KEY, "k", 0},
        {HL_LABEL_LOCAL, "v", 0},
        {HL_LABEL_VALUE, NULL, 1},
        {HL_LABEL_DICTKEY, NULL, 0},
        {HL_LABEL_INDEX, NULL, 0},
        {HL_LABEL_INDEX, NULL, 5},
        {HL_LABEL_INDEX, NULL, 0},
        {HL_LABEL_INDEX, NULL, 8},
        {HL_LABEL_ELEMENT, NULL, 0},
        {HL_LABEL_CELL, NULL, 0},
        {HL_LABEL_STACK, NULL, 0},
        {HL_LABEL_WEAK, NULL, 0},
        {HL_LABEL_TYPE, NULL, 0},
        {HL_LABEL_BASE, NULL, 0},
        {HL_LABEL_UNOWNED, NULL, 0},
        {HL_LABEL_INTERNAL, NULL, 0},
        {HL_LABEL_INTERNAL, NULL, 3},
        {HL_LABEL_KEY, "two words", 0},
    };
    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%u", i + 1);
        hl_label l = label_between(s, "a", name);
        assert_int_equal(hl_label_kind(l), want[i].kind);
        if (want[i].name)
            assert_string_equal(s->names[hl_label_value(l)], want[i].name);
        else if (want[i].kind == HL_LABEL_VALUE)
            assert_string_equal(s->names[s->types[hl_label_value(l)].name], "app.K");
        else
            assert_int_equal(hl_label_value(l), want[i].value);
    }
    hl_snap_destroy(s);
}

static void refcounts(void **state)
{
    hl_snap *s = hl_dsl_snap("r -[]-> a\nr -[]-> a\nq -[]-> a\nr -weak-> a\nr -unowned-> a\n"
                             "r -[]-> b ref=+2\nr -[]-> c ref=7\nr -[]-> d immortal\n"
                             "r -[]-> e\nr -[]-> e ref=-1\n");
    static const struct {
        const char *name;
        uint32_t refcnt;
    } want[] = {{"r", 1}, {"q", 1}, {"a", 3}, {"b", 3}, {"c", 7}, {"d", 0}, {"e", 1}};
    for (unsigned i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(hl_snap_refcnt(s, hl_dsl_node(s, want[i].name)), want[i].refcnt);
    assert_true(s->flag[hl_dsl_node(s, "d")] & HL_NODE_IMMORTAL);
    hl_snap_destroy(s);
}

static void groups(void **state)
{
    hl_snap *s = hl_dsl_snap("root module m m\n"
                             "m -[]-> a:A*3 size=10 -.b-> b:B*3 size=20\n"
                             "b -.a-> a\n"
                             "a -all-> c:C*2\n"
                             "chain .next n:Node*4\n"
                             "none:X*0\n");
    assert_int_equal(s->nodes, 1 + 3 + 3 + 2 + 4);
    assert_int_equal(s->edges, 3 + 3 + 3 + 6 + 3);
    char from[8], to[8];
    for (unsigned i = 0; i < 3; i++) {
        snprintf(from, sizeof from, "a[%u]", i);
        snprintf(to, sizeof to, "b[%u]", i);
        assert_int_equal(hl_label_kind(label_between(s, from, to)), HL_LABEL_ATTR);
        (void)label_between(s, to, from);
        (void)label_between(s, from, "c[0]");
        (void)label_between(s, from, "c[1]");
        assert_int_equal(hl_snap_size(s, hl_dsl_node(s, to)), 20);
        snprintf(from, sizeof from, "n[%u]", i);
        snprintf(to, sizeof to, "n[%u]", i + 1);
        (void)label_between(s, from, to);
    }
    assert_int_equal(hl_snap_refcnt(s, hl_dsl_node(s, "c[1]")), 3);
    assert_string_equal(hl_snap_type_name(s, hl_dsl_node(s, "b[2]")), "B");
    hl_snap_destroy(s);
}

static void attributes(void **state)
{
    hl_snap *s = hl_dsl_snap(
        "a:list size=4K len=5 cap=8 gen0 opaque fold=int*100:2800,str*2:1M\n"
        "b:deque bound=10 gen1 frozen static\n"
        "c:numpy.ndarray ext=3M untracked at=0x7f0000001238 keys=tuple:3\n"
        "d:dict keys=object:app.K\n"
        "t:type\ntype app.K nogc heap finalizer exception notraverse basicsize=48 node=t\n"
        "e:int\n");
    hl_node a = hl_dsl_node(s, "a"), b = hl_dsl_node(s, "b");
    assert_int_equal(hl_snap_size(s, a), 4096);
    assert_int_equal(hl_snap_len(s, a), 5);
    assert_int_equal(s->flag[a], HL_NODE_TRACKED | HL_NODE_GEN0 | HL_NODE_OPAQUE | HL_NODE_EXTRA);
    assert_int_equal(hl_snap_extra_of(s, a)->cap, 8);
    assert_false(hl_snap_extra_of(s, a)->bounded);
    uint32_t f;
    assert_int_equal(hl_snap_folds_of(s, a, &f), 2);
    assert_string_equal(s->names[s->types[hl_snap_fold_at(s, f).type].name], "int");
    assert_int_equal(hl_snap_fold_at(s, f).objects, 100);
    assert_int_equal(hl_snap_fold_at(s, f + 1).bytes, 1 << 20);
    assert_int_equal(s->info.folded, 102);
    assert_true(hl_snap_extra_of(s, b)->bounded);
    assert_int_equal(s->flag[b], HL_NODE_TRACKED | HL_NODE_GEN1 | HL_NODE_FROZEN | HL_NODE_STATIC |
                                     HL_NODE_EXTRA);
    hl_node c = hl_snap_find_address(s, 0x7f0000001238);
    assert_int_not_equal(c, HL_NO_NODE);
    assert_int_equal(hl_snap_size(s, c), 64 + (3 << 20));
    assert_int_equal(s->flag[c] & HL_NODE_TRACKED, 0);
    assert_int_equal(hl_snap_keys_of(s, c)->kind, HL_KEYS_TUPLE);
    assert_int_equal(hl_snap_keys_of(s, c)->detail, 3);
    const hl_snap_keys *k = hl_snap_keys_of(s, hl_dsl_node(s, "d"));
    const hl_snap_type *t = &s->types[k->detail];
    assert_string_equal(s->names[t->name], "app.K");
    assert_int_equal(t->node, hl_dsl_node(s, "t"));
    assert_int_equal(t->basicsize, 48);
    assert_int_equal(t->flags,
                     HL_TYPE_HEAP | HL_TYPE_FINALIZER | HL_TYPE_EXCEPTION | HL_TYPE_NO_TRAVERSE);
    assert_int_equal(s->flag[hl_dsl_node(s, "e")] & HL_NODE_TRACKED, 0);
    hl_snap_destroy(s);
}

static void codes_and_roots(void **state)
{
    hl_snap *s = hl_dsl_snap(
        "root frame main fr line=12 thread=2\nroot interp builtins x\n"
        "code c:code name=f qualname=C.f file=app.py line=3 args=2 kwonly=1 vars=self,key,v "
        "free=cache uses=global:cache:test+store,attr:items:add,free:q:remove+iter\n");
    assert_int_equal(s->n_roots, 2);
    assert_int_equal(s->roots[0].kind, HL_ROOT_FRAME);
    assert_int_equal(s->roots[0].line, 12);
    assert_int_equal(s->roots[0].thread, 2);
    assert_string_equal(s->names[s->roots[1].name], "builtins");
    const hl_snap_code *c = hl_snap_code_of(s, hl_dsl_node(s, "c"));
    assert_string_equal(s->names[c->qualname], "C.f");
    assert_string_equal(s->names[c->file], "app.py");
    assert_int_equal(c->line, 3);
    assert_int_equal(c->n_vars, 3);
    assert_string_equal(s->names[s->name_lists[c->vars + 1]], "key");
    assert_string_equal(s->names[s->name_lists[c->free]], "cache");
    assert_int_equal(c->n_uses, 3);
    const hl_snap_use *u = &s->uses[c->uses];
    assert_int_equal(u[0].scope, HL_SCOPE_GLOBAL);
    assert_int_equal(u[0].bits, HL_USE_TEST | HL_USE_STORE);
    assert_string_equal(s->names[u[1].name], "items");
    assert_int_equal(u[2].bits, HL_USE_REMOVE | HL_USE_ITER);
    hl_snap_destroy(s);
}

static void allocations(void **state)
{
    hl_snap *s = hl_dsl_snap(
        "c:dict by=main@app.py:3\n"
        "c -value:int-> b:bytearray*2 size=100 by=main@app.py:9>load@lib.py:7\n"
        "site main@app.py:9>load@lib.py:7 live=2:200 all=5:500 brief=3:300 thread=1 domain=mem "
        "age=0:1:100,4:1:100\n"
        "site main@app.py:3 live=1:64 peak=2:128 error=8\n"
        "snap track=sampled rate=512K dropped=3 peak=1M\n");
    assert_int_equal(s->info.tracking.mode, HL_FOLLOWED_SAMPLED);
    assert_int_equal(s->info.tracking.rate, 512 * 1024);
    assert_int_equal(s->info.tracking.dropped, 3);
    assert_int_equal(s->info.tracking.peak_bytes, 1024 * 1024);
    assert_int_equal(s->n_frames, 4); /* with the unknown one */
    assert_int_equal(s->n_stacks, 4);
    assert_int_equal(s->n_sites, 2);
    const hl_snap_site *first = &s->sites[0], *second = &s->sites[1];
    assert_int_equal(first->thread, 0);
    assert_int_equal(first->peak.bytes, 128);
    assert_int_equal(first->error, 8);
    assert_int_equal(second->thread, 2);
    assert_int_equal(second->domain, HL_BLOCK_MEM);
    assert_int_equal(second->all.blocks, 5);
    assert_int_equal(second->brief.bytes, 300);
    const hl_snap_stack *stack = &s->stacks[second->stack];
    const hl_snap_frame *inner = &s->frames[stack->frame],
                        *outer = &s->frames[s->stacks[stack->caller].frame];
    assert_string_equal(s->names[inner->function], "load");
    assert_string_equal(s->names[inner->file], "lib.py");
    assert_int_equal(inner->line, 7);
    assert_string_equal(s->names[outer->function], "main");
    assert_int_equal(s->stacks[stack->caller].caller, 0);
    assert_int_equal(s->n_ages, 2);
    assert_int_equal(s->ages[1].born, 4);
    assert_int_equal(s->ages[1].live.bytes, 100);
    uint32_t at;
    assert_int_equal(s->n_made, 3);
    assert_int_equal(hl_snap_made_of(s, hl_dsl_node(s, "b[1]"), &at), 1);
    assert_int_equal(s->made[at].stack, second->stack);
    assert_int_equal(s->made[at].amount.bytes, 100);
    hl_snap_destroy(s);
}

/* Nodes keep their addresses; choices by snapshot; sections add to what is common. */
static void several_snapshots(void **state)
{
    hl_run *run =
        hl_dsl_run("c:dict len={1|20}\nc -value:int-> b:bytearray*{0|2|7} # comment\n"
                   "snap\nsnap time=10 gc=off unsettled running\nonly:object\nsnap time=11\n");
    static const uint32_t nodes[] = {1, 4, 8}, len[] = {1, 20, 20};
    uint64_t address = 0;
    for (uint32_t i = 0; i < 3; i++) {
        hl_err err;
        hl_snap *s;
        assert_int_equal(hl_snap_load(run, i, &s, &err), HL_OK);
        hl_node c = hl_dsl_node(s, "c");
        assert_int_equal(s->nodes, nodes[i]);
        assert_int_equal(hl_snap_len(s, c), len[i]);
        assert_true(i == 0 || hl_snap_address(s, c) == address);
        assert_int_equal(s->info.gc_enabled, i != 1);
        assert_int_equal(s->info.unsettled, i == 1);
        address = hl_snap_address(s, c);
        hl_snap_destroy(s);
    }
    hl_run_close(run);
}

static void no_sense(void **state)
{
    static const char *const texts[] = {
        "a -x-> b frob=1",
        "\n\na[3]",
        "a:x\na:y",
        "a:x*2\na*3",
        "root what m m",
        "root module m",
        "root module m a*2",
        "a -value-> b",
        "a -key:-> b",
        "a -[x]-> b",
        "a fold=int*3",
        "a keys=blue",
        "a size=big",
        "snap time=later",
        "run what=1",
        "code c uses=there:x:get",
        "type T frob",
        "chain .x",
        "a:x*9999999",
        "code c uses=attr:x:frob",
        "a -frob:x-> b",
        "type",
        "code",
        "a -index:x-> b",
        "site",
        "site main@app.py",
        "site main@app.py:3 live=1",
        "site main@app.py:3 age=1:2",
        "site main@app.py:3 domain=x",
        "a by=here",
        "snap track=often",
    };
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t *bytes;
        size_t n;
        hl_err err = {0};
        assert_int_equal(hl_dsl_bytes(texts[i], &bytes, &n, &err), HL_USAGE);
        assert_int_equal(strncmp(err.text, "line ", 5), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_label),     cmocka_unit_test(refcounts),
        cmocka_unit_test(groups),          cmocka_unit_test(attributes),
        cmocka_unit_test(codes_and_roots), cmocka_unit_test(several_snapshots),
        cmocka_unit_test(allocations),     cmocka_unit_test(no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
