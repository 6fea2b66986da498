/* graph/near_test.c: pictures held against the heap they are of.
 *
 * Random heaps have namespaces, closures, cells of frames, weak references and cycles; the links are
 * found again from the edges alone, everything else from the links. */
#include "graph/graph_parts.h"
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

enum { ROUNDS = 1000, TEXT_MAX = 1 << 14, MOST = 160, LINKS_MAX = 1 << 14, FAR = 1000 };

static uint64_t seed = 20;
static uint32_t roll(uint32_t n)
{
    return (uint32_t)(hl_test_random(&seed) >> 32) % n;
}

static void random_heap(char *text)
{
    static const char *const types[] = {"app.A", "app.B", "list", "dict", "tuple"};
    static const char *const labels[] = {"[]",   ".alpha", "slot:beta",  "value:int", "[1]",
                                         "weak", "class",  "internal:2", "element"};
    uint32_t nodes = 3 + roll(40), functions = roll(4), frames = roll(3);
    int n = sprintf(text, "type app.A gc heap\ntype app.B gc heap\ntype weakref gc\n"
                          "root module app m\nm:module -__dict__-> d:dict\n"
                          "d -key:first-> n0:list\nd -dictkey-> k:str\n");
    for (uint32_t i = 1; i < nodes; i++) {
        uint32_t t = roll(5);
        n += sprintf(text + n, "n%u:%s size=%u", i, types[t], 16 + 16 * roll(50));
        if (!roll(4))
            n += sprintf(text + n, " fold=int*%u:%u", 1 + roll(3), 28 + roll(100));
        if (!roll(5))
            n += sprintf(text + n, " ref=+1");
        n += sprintf(text + n, "\n");
        if (t < 2 && roll(2))
            n +=
                sprintf(text + n, "n%u -__dict__-> i%u:dict -key:gamma-> n%u\n", i, i, roll(nodes));
        if (t < 2 && !roll(12))
            n += sprintf(text + n, "n%u -__dict__-> j%u:dict\nn%u -[]-> j%u\n", i, i, roll(nodes),
                         i);
    }
    for (uint32_t i = 0; i < functions; i++) {
        n += sprintf(text + n,
                     "n%u -[]-> f%u:function -__closure__-> t%u:tuple -[0]-> c%u:cell -cell-> n%u\n"
                     "f%u -__globals__-> d\nf%u -__code__-> co%u:code\n"
                     "code co%u name=f%u qualname=f%u free=rows,seen\n",
                     roll(nodes), i, i, i, roll(nodes), i, i, i, i, i, i);
        if (roll(2))
            n += sprintf(text + n, "t%u -[1]-> c%u\n", i, roll(i + 1));
        if (!roll(4))
            n += sprintf(text + n, "n%u -[]-> %s%u\n", roll(nodes), roll(2) ? "c" : "t", i);
    }
    for (uint32_t i = 0; i < frames; i++) {
        n += sprintf(text + n, "root frame app.g%u fr%u\nfr%u:frame -local:x-> n%u\n", i, i, i,
                     roll(nodes));
        n += sprintf(text + n, "fr%u -local:y-> l%u:cell -cell-> n%u\n", i, i, roll(nodes));
        if (functions && roll(2))
            n += sprintf(text + n, "fr%u -local:z-> c%u\n", i, roll(functions));
    }
    for (uint32_t i = 0; i < nodes + roll(nodes); i++)
        n += sprintf(text + n, "n%u -%s-> n%u\n", roll(nodes), labels[roll(9)], roll(nodes));
    if (roll(2)) /* many alike */
        n += sprintf(text + n, "n%u -[]-> s:app.A*%u -.beta-> s\ns -weak-> n%u\n", roll(nodes),
                     2 + roll(9), roll(nodes));
}

/* ---- links, found again ------------------------------------------------------------------------ */

typedef struct list {
    hl_link at[LINKS_MAX];
    uint32_t n;
} list;

static void keep(void *ctx, const hl_link *link)
{
    list *l = ctx;
    assert_true(l->n < LINKS_MAX);
    l->at[l->n++] = *link;
}

static int by_link(const void *x, const void *y)
{
    const hl_link *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    return a->label < b->label ? -1 : a->label > b->label;
}

static void sort(list *l)
{
    qsort(l->at, l->n, sizeof *l->at, by_link);
}

static bool is_shunned(const hl_graph *g, hl_label l)
{
    return hl_label_cost(g, l) >= (uint32_t)HL_COST_SHUNNED;
}

/* Is each strong, telling edge to v one that `part` allows, and is there one? */
static bool only_parts(const hl_graph *g, hl_node v,
                       bool (*part)(const hl_graph *g, hl_node from, hl_label l, hl_node v))
{
    const hl_snap *s = g->snap;
    bool any = false;
    for (hl_node u = 0; u < s->nodes; u++)
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++) {
            if (s->dst[e] != v || !hl_edge_holds(s->label[e]) || is_shunned(g, s->label[e]))
                continue;
            if (!part(g, u, s->label[e], v))
                return false;
            any = true;
        }
    return any;
}

static bool type_is(const hl_graph *g, hl_node v, const char *name)
{
    return !strcmp(hl_snap_type_name(g->snap, v), name);
}

static bool named(const hl_graph *g, hl_label l, const char *name)
{
    return hl_label_kind(l) == HL_LABEL_NAMED && !strcmp(g->snap->names[hl_label_value(l)], name);
}

static bool own_namespace(const hl_graph *g, hl_node from, hl_label l, hl_node v)
{
    return named(g, l, "__dict__") && g->parent[v] == from;
}

static bool own_closure(const hl_graph *g, hl_node from, hl_label l, hl_node v)
{
    (void)v;
    return named(g, l, "__closure__") && type_is(g, from, "function");
}

static hl_node the_target; /* never passed over */

static bool passed(const hl_graph *g, hl_node v);
static bool own_cell(const hl_graph *g, hl_node from, hl_label l, hl_node v)
{
    (void)v;
    return (type_is(g, from, "tuple") && passed(g, from)) ||
           (type_is(g, from, "frame") && hl_label_kind(l) == HL_LABEL_LOCAL);
}

static bool passed(const hl_graph *g, hl_node v)
{
    if (v == the_target)
        return false;
    if (type_is(g, v, "dict"))
        return only_parts(g, v, own_namespace);
    if (hl_graph_root_of(g, v))
        return false;
    if (type_is(g, v, "tuple"))
        return only_parts(g, v, own_closure);
    return type_is(g, v, "cell") && only_parts(g, v, own_cell);
}

/* Goes on below v, which `from` knows by label, as long as it is plumbing. */
static void descend(const hl_graph *g, hl_node from, hl_label label, hl_node v, const uint8_t *mute,
                    list *out)
{
    const hl_snap *s = g->snap;
    bool weak = !hl_edge_holds(label), shunned = is_shunned(g, label);
    if (!mute[v]) {
        keep(out, &(hl_link){from, v, label, weak, shunned});
        return;
    }
    for (uint32_t e = s->off[v]; !weak && !shunned && e < s->off[v + 1]; e++) {
        hl_label next = s->label[e];
        if (!hl_edge_holds(next) || is_shunned(g, next))
            continue;
        if (type_is(g, v, "dict") && hl_label_kind(next) == HL_LABEL_DICTKEY)
            continue;
        if (type_is(g, v, "tuple"))
            next = hl_label_make(HL_LABEL_CELL, hl_closure_variable(g, from, next));
        else if (type_is(g, v, "cell"))
            next = label;
        descend(g, from, next, s->dst[e], mute, out);
    }
}

static void all_links(const hl_graph *g, list *out)
{
    const hl_snap *s = g->snap;
    static uint8_t mute[MOST];
    assert_true(s->nodes <= MOST);
    for (hl_node v = 0; v < s->nodes; v++)
        mute[v] = passed(g, v);
    out->n = 0;
    for (hl_node v = 0; v < s->nodes; v++)
        for (uint32_t e = s->off[v]; !mute[v] && e < s->off[v + 1]; e++)
            descend(g, v, s->label[e], s->dst[e], mute, out);
    sort(out);
}

static void assert_same(const list *a, const list *b)
{
    assert_int_equal(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++) {
        assert_int_equal(by_link(&a->at[i], &b->at[i]), 0);
        assert_int_equal(a->at[i].weak, b->at[i].weak);
        assert_int_equal(a->at[i].shunned, b->at[i].shunned);
    }
}

static void both_directions_give_the_links_there_are(void **state)
{
    static char text[TEXT_MAX];
    static list want, out, in;
    uint32_t muted = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        hl_err err = {0};
        hl_arena arena;
        hl_links links;
        random_heap(text);
        hl_snap *s = hl_dsl_snap(text);
        hl_graph *g = hl_test_graph(s);
        hl_arena_init(&arena);
        assert_int_equal(hl_links_create(g, &arena, &links, &err), HL_OK);
        the_target = roll(s->nodes);
        hl_links_tell(&links, the_target);
        all_links(g, &want);
        out.n = in.n = 0;
        for (hl_node v = 0; v < s->nodes; v++) {
            assert_int_equal(hl_links_passed(&links, v), passed(g, v));
            muted += passed(g, v);
            if (passed(g, v))
                continue;
            hl_links_from(&links, v, keep, &out);
            hl_links_to(&links, v, keep, &in);
        }
        sort(&out);
        sort(&in);
        assert_same(&out, &want);
        assert_same(&in, &want);
        hl_arena_deinit(&arena);
        hl_graph_destroy(g);
        hl_snap_destroy(s);
    }
    assert_true(muted > ROUNDS); /* namespaces at least */
}

/* ---- pictures ---------------------------------------------------------------------------------- */

typedef struct scene {
    hl_snap *s;
    hl_graph *g;
    hl_arena arena;
    hl_near_query q;
    hl_node targets[MOST];
    hl_near near;
    list links;         /* all of the heap */
    uint32_t far[MOST]; /* from the targets, as the picture goes */
    bool shunned_too;
} scene;

static bool is_target(const scene *c, hl_node v)
{
    for (uint32_t i = 0; i < c->q.n_targets; i++)
        if (c->targets[i] == v)
            return true;
    return false;
}

static hl_node near_end(const scene *c, const hl_link *l)
{
    return c->q.refs ? l->from : l->to;
}
static hl_node far_end(const scene *c, const hl_link *l)
{
    return c->q.refs ? l->to : l->from;
}

static bool told(const scene *c, const hl_link *l)
{
    return !l->shunned || (c->shunned_too && is_target(c, near_end(c, l)));
}

/* Does the picture go on beyond v, reached by a strong link or not? */
static bool goes_on(const scene *c, hl_node v)
{
    const hl_graph_root *root = hl_graph_root_of(c->g, v);
    if (is_target(c, v))
        return true;
    if (c->q.refs)
        return !type_is(c->g, v, "module") && !type_is(c->g, v, "type") &&
               !hl_snap_code_of(c->g->snap, v);
    return !root || root->hold >= HL_HOLD_C;
}

/* A level at a time; where a weak link leads first it goes no further. */
static void measure(scene *c)
{
    static uint8_t strong[MOST];
    uint32_t leaf;
    c->shunned_too = true;
    for (uint32_t i = 0; i < c->links.n; i++) {
        const hl_link *l = &c->links.at[i];
        if (is_target(c, near_end(c, l)) && !l->weak && !l->shunned && l->from != l->to)
            c->shunned_too = false;
    }
    for (uint32_t i = 0; i < c->q.n_targets; i++)
        if (c->q.refs && hl_snap_folds_of(c->s, c->targets[i], &leaf))
            c->shunned_too = false;
    for (hl_node v = 0; v < c->s->nodes; v++) {
        strong[v] = is_target(c, v);
        c->far[v] = strong[v] ? 0 : FAR;
    }
    for (uint32_t d = 0; d < c->s->nodes; d++)
        for (uint32_t i = 0; i < c->links.n; i++) {
            const hl_link *l = &c->links.at[i];
            hl_node near = near_end(c, l), far = far_end(c, l);
            if (!told(c, l) || c->far[near] != d || !strong[near] || !goes_on(c, near))
                continue;
            if (c->far[far] == FAR)
                c->far[far] = d + 1;
            if (c->far[far] == d + 1)
                strong[far] |= !l->weak;
        }
}

static void set_up(scene *c, const char *text)
{
    hl_err err = {0};
    c->s = hl_dsl_snap(text);
    c->g = hl_test_graph(c->s);
    hl_arena_init(&c->arena);
    c->q.targets = c->targets;
    the_target = c->targets[0];
    assert_int_equal(hl_near_find(c->g, &c->q, &c->arena, &c->near, &err), HL_OK);
    all_links(c->g, &c->links);
    measure(c);
}

static void tear_down(scene *c)
{
    hl_arena_deinit(&c->arena);
    hl_graph_destroy(c->g);
    hl_snap_destroy(c->s);
}

static void check_groups(const scene *c)
{
    const hl_near *n = &c->near;
    uint64_t members[MOST] = {0}, bytes[MOST] = {0};
    assert_in_range(n->n_groups, 1, c->q.max_groups);
    for (hl_node v = 0; v < c->s->nodes; v++)
        if (n->place[v] != HL_NEAR_NONE) {
            const hl_near_group *g = &n->groups[n->place[v]];
            members[n->place[v]]++;
            bytes[n->place[v]] += hl_graph_own_bytes(c->g, v);
            assert_int_equal(g->type, c->s->type[v]);
            assert_true(c->g->retained_bytes[v] <= c->g->retained_bytes[g->first]);
        }
    for (uint32_t p = 0; p < n->n_groups; p++) {
        const hl_near_group *g = &n->groups[p];
        assert_true(p == 0 || g->distance >= n->groups[p - 1].distance);
        assert_true(g->distance <= c->q.depth);
        if (g->first == HL_NO_NODE)
            continue;
        assert_int_equal(g->objects, members[p]);
        assert_int_equal(g->bytes, bytes[p]);
        assert_int_equal(n->place[g->first], p);
        assert_true(g->objects == 1 || g->objects > HL_NEAR_FEW);
    }
}

/* Nothing left out is nearer than anything drawn, and nothing is drawn where it is not. */
static void check_distances(const scene *c)
{
    const hl_near *n = &c->near;
    uint32_t farthest = n->groups[n->n_groups - 1].distance;
    bool full = n->n_groups == c->q.max_groups;
    for (hl_node v = 0; v < c->s->nodes; v++) {
        if (n->place[v] != HL_NEAR_NONE)
            assert_int_equal(n->groups[n->place[v]].distance, c->far[v]);
        else if (c->far[v] != FAR)
            assert_true(full ? c->far[v] >= farthest : c->far[v] > c->q.depth);
    }
}

static bool in_one_cycle(const hl_scc *scc, const hl_snap *s, hl_node u, hl_node v)
{
    uint32_t a = scc->component[u], b = scc->component[v];
    return a == b && a != UINT32_MAX &&
           (scc->off[a + 1] - scc->off[a] > 1 || hl_has_self_edge(s, u));
}

static void find_cycles(const scene *c, hl_arena *arena, hl_scc *scc)
{
    static uint8_t wanted[MOST];
    hl_err err = {0};
    for (hl_node v = 0; v < c->s->nodes; v++) {
        hl_node up = c->g->parent[v];
        bool space =
            type_is(c->g, v, "dict") && up != HL_NO_NODE && named(c->g, c->g->via[v], "__dict__");
        hl_node it = space ? up : v;
        wanted[v] = !type_is(c->g, it, "module") && !type_is(c->g, it, "type");
    }
    assert_int_equal(hl_scc_find(c->s, wanted, arena, scc, &err), HL_OK);
}

static void check_cycles(const scene *c)
{
    hl_arena arena;
    hl_scc scc;
    hl_arena_init(&arena);
    find_cycles(c, &arena, &scc);
    const hl_near *n = &c->near;
    for (hl_node u = 0; u < c->s->nodes; u++) {
        if (n->place[u] == HL_NEAR_NONE)
            continue;
        const hl_near_group *p = &n->groups[n->place[u]];
        assert_int_equal(p->cycle != 0, in_one_cycle(&scc, c->s, u, u));
        for (hl_node v = 0; v < c->s->nodes; v++) {
            if (n->place[v] == HL_NEAR_NONE)
                continue;
            const hl_near_group *q = &n->groups[n->place[v]];
            if (p->cycle && q->cycle && p->cycle != HL_NEAR_SEVERAL && q->cycle != HL_NEAR_SEVERAL)
                assert_int_equal(p->cycle == q->cycle, in_one_cycle(&scc, c->s, u, v));
            if (p == q && p->cycle && p->cycle != HL_NEAR_SEVERAL)
                assert_true(in_one_cycle(&scc, c->s, u, v));
        }
    }
    for (uint32_t i = 0; i < n->n_edges; i++) {
        const hl_near_edge *e = &n->edges[i];
        bool all = !e->weak && n->groups[e->to].first != HL_NO_NODE;
        for (uint32_t k = 0; all && k < c->links.n; k++) {
            const hl_link *l = &c->links.at[k];
            if (told(c, l) && !l->weak && n->place[l->from] == e->from && n->place[l->to] == e->to)
                all &= in_one_cycle(&scc, c->s, l->from, l->to);
        }
        assert_int_equal(e->cycle, all);
    }
    hl_arena_deinit(&arena);
}

static bool has_label(const hl_near_edge *e, hl_label l)
{
    hl_label folded = hl_label_make(hl_label_kind(l), 0);
    for (uint32_t i = 0; i < e->n_labels; i++)
        if (e->labels[i] == l || e->labels[i] == folded)
            return true;
    return e->more_labels;
}

/* Every link between two that are drawn is in one edge, and every edge is made of such links. */
static void check_edges(const scene *c)
{
    const hl_near *n = &c->near;
    uint64_t drawn = 0, there = 0;
    for (uint32_t i = 0; i < n->n_edges; i++) {
        const hl_near_edge *e = &n->edges[i];
        uint64_t links = 0;
        if (n->groups[e->to].first == HL_NO_NODE)
            continue;
        for (uint32_t k = 0; k < c->links.n; k++) {
            const hl_link *l = &c->links.at[k];
            if (!told(c, l) || l->weak != e->weak || n->place[l->from] != e->from ||
                n->place[l->to] != e->to)
                continue;
            links++;
            assert_true(has_label(e, l->label));
        }
        assert_true(links > 0);
        assert_int_equal(e->links, links);
        drawn += links;
    }
    for (uint32_t k = 0; k < c->links.n; k++) {
        const hl_link *l = &c->links.at[k];
        there += told(c, l) && n->place[l->from] != HL_NEAR_NONE && n->place[l->to] != HL_NEAR_NONE;
    }
    assert_int_equal(drawn, there);
}

/* Neighbours of what is drawn, and leaves of it; weak ends and roots have none that count. */
static void check_left_out(const scene *c)
{
    const hl_near *n = &c->near;
    uint8_t out[MOST] = {0};
    uint64_t want = 0;
    for (uint32_t k = 0; k < c->links.n; k++) {
        const hl_link *l = &c->links.at[k];
        hl_node near = near_end(c, l), far = far_end(c, l);
        if (!told(c, l) || n->place[near] == HL_NEAR_NONE || n->place[far] != HL_NEAR_NONE)
            continue;
        if (n->groups[n->place[near]].more)
            out[far] = 1;
        else
            assert_true(!goes_on(c, near) || n->groups[n->place[near]].distance > 0);
    }
    for (hl_node v = 0; v < c->s->nodes; v++)
        want += out[v];
    if (!c->q.refs) {
        assert_int_equal(n->left_out, want);
        return;
    }
    assert_true(n->left_out >= want);
    uint64_t leaves = 0, told_leaves = 0;
    for (hl_node v = 0; v < c->s->nodes; v++)
        if (n->place[v] != HL_NEAR_NONE && goes_on(c, v))
            leaves += hl_graph_own_objects(c->g, v) - 1;
    for (uint32_t p = 0; p < n->n_groups; p++)
        if (n->groups[p].first == HL_NO_NODE)
            told_leaves += n->groups[p].objects;
    assert_true(told_leaves <= leaves);
    assert_true(n->left_out <= want + leaves - told_leaves);
    if (c->q.depth == FAR && n->n_groups < c->q.max_groups)
        assert_int_equal(n->left_out, 0); /* there was room for all */
}

/* Whose part u is, or u itself. */
static hl_node whole(const hl_graph *g, hl_node u)
{
    while (passed(g, u))
        u = g->parent[u];
    return u;
}

/* Is v reached from the roots when the links from -> to are not there? */
static bool lives_without(const scene *c, hl_node target, hl_node from, hl_node to)
{
    static uint8_t seen[MOST];
    static hl_node stack[LINKS_MAX];
    const hl_snap *s = c->s;
    uint32_t n = 0;
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < c->g->n_roots; i++)
        stack[n++] = c->g->roots[i].node;
    while (n) {
        hl_node u = stack[--n];
        if (seen[u])
            continue;
        seen[u] = 1;
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++) {
            hl_node v = s->dst[e];
            bool gone = v == to && whole(c->g, u) == from;
            if (hl_edge_holds(s->label[e]) && !seen[v] && !gone)
                stack[n++] = v;
        }
    }
    return seen[target];
}

static uint32_t count_links(const scene *c, hl_node from, hl_node to, bool *through_cell)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < c->links.n; k++) {
        const hl_link *l = &c->links.at[k];
        if (l->weak || l->from != from || l->to != to)
            continue;
        n++;
        *through_cell |=
            hl_label_kind(l->label) == HL_LABEL_CELL || hl_label_kind(l->label) == HL_LABEL_LOCAL;
    }
    return n;
}

/* The last link of the chain on whose removal the target goes; a cell may be another's, too, and is
 * not judged here. False: there is none. */
static bool last_needed(const scene *c, hl_node *from, hl_node *to)
{
    for (hl_node v = c->targets[0]; c->g->parent[v] != HL_NO_NODE; v = *from) {
        bool through_cell = false;
        *to = v;
        *from = whole(c->g, c->g->parent[v]);
        if (count_links(c, *from, v, &through_cell) == 1 && !through_cell &&
            !lives_without(c, c->targets[0], *from, v))
            return true;
        if (through_cell)
            return false;
    }
    return false;
}

static uint32_t check_guilty(const scene *c)
{
    const hl_near *n = &c->near;
    uint32_t marked = 0;
    for (uint32_t i = 0; i < n->n_edges; i++) {
        const hl_near_edge *e = &n->edges[i];
        if (!e->guilty)
            continue;
        marked++;
        assert_false(e->weak);
        if (n->groups[e->from].objects > 1 || n->groups[e->to].objects > 1)
            continue;
        assert_int_equal(e->links, 1);
        assert_false(
            lives_without(c, c->targets[0], n->groups[e->from].first, n->groups[e->to].first));
    }
    assert_true(marked <= 1);
    hl_node from, to;
    if (last_needed(c, &from, &to) && n->place[from] != HL_NEAR_NONE &&
        n->place[to] != HL_NEAR_NONE) {
        for (uint32_t i = 0; i < n->n_edges; i++)
            if (n->edges[i].from == n->place[from] && n->edges[i].to == n->place[to] &&
                !n->edges[i].weak)
                assert_true(n->edges[i].guilty);
        assert_int_equal(marked, 1);
    }
    return marked;
}

static void pictures_are_of_the_heap(void **state)
{
    static char text[TEXT_MAX];
    static scene c;
    uint32_t marked = 0, groups = 0, full = 0, cycles = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        random_heap(text);
        hl_snap *s = hl_dsl_snap(text);
        memset(&c, 0, sizeof c);
        c.q = (hl_near_query){.n_targets = 1,
                              .refs = round % 2,
                              .depth = roll(3) ? FAR : 1 + roll(4),
                              .max_groups = roll(3) ? MOST : 1 + roll(12)};
        c.targets[0] = roll(s->nodes);
        hl_snap_destroy(s);
        set_up(&c, text);
        check_groups(&c);
        check_distances(&c);
        check_edges(&c);
        check_cycles(&c);
        check_left_out(&c);
        if (!c.q.refs)
            marked += check_guilty(&c);
        full += c.near.n_groups == c.q.max_groups;
        for (uint32_t p = 0; p < c.near.n_groups; p++) {
            groups += c.near.groups[p].objects > 1 && c.near.groups[p].first != HL_NO_NODE;
            cycles += c.near.groups[p].cycle != 0;
        }
        tear_down(&c);
    }
    assert_true(marked > 20 && groups > 20 && full > 20 && cycles > 20); /* all of it happens */
}

/* ---- drawn cases -------------------------------------------------------------------------------- */

static const hl_near_edge *edge_between(const scene *c, const char *from, const char *to)
{
    hl_node u = hl_dsl_node(c->s, from), v = hl_dsl_node(c->s, to);
    for (uint32_t i = 0; i < c->near.n_edges; i++)
        if (c->near.edges[i].from == c->near.place[u] && c->near.edges[i].to == c->near.place[v] &&
            c->near.place[u] != HL_NEAR_NONE)
            return &c->near.edges[i];
    return NULL;
}

static void ask(scene *c, const char *text, const char *target, bool refs)
{
    hl_snap *s = hl_dsl_snap(text);
    memset(c, 0, sizeof *c);
    c->q = (hl_near_query){.n_targets = 1, .refs = refs, .depth = 8, .max_groups = 40};
    c->targets[0] = hl_dsl_node(s, target);
    hl_snap_destroy(s);
    set_up(c, text);
}

static void assert_label(const scene *c, const hl_near_edge *e, const char *want)
{
    char text[128];
    assert_non_null(e);
    assert_int_equal(e->n_labels, 1);
    hl_label_text(c->s, e->labels[0], text, sizeof text);
    assert_string_equal(text, want);
}

static const char closure[] = "root module app m\nm:module -__dict__-> d:dict\n"
                              "d -key:handlers-> h:dict -value:str-> f:function\n"
                              "f -__closure__-> t:tuple -[0]-> c:cell -cell-> rows:list\n"
                              "f -__globals__-> d\nf -__code__-> co:code\n"
                              "rows -[]-> r:bytearray*100 size=1000\n"
                              "code co name=f qualname=g.<locals>.f free=rows\n";

static void a_closure_is_one_link(void **state)
{
    static scene c;
    (void)state;
    ask(&c, closure, "rows", false);
    assert_int_equal(c.near.n_groups, 4); /* rows, f, handlers, the module */
    assert_label(&c, edge_between(&c, "f", "rows"), " closure rows");
    assert_label(&c, edge_between(&c, "m", "h"), ".handlers");
    assert_true(edge_between(&c, "f", "rows")->guilty);
    assert_int_equal(c.near.left_out, 0);
    tear_down(&c);
}

static void what_looks_alike_is_one(void **state)
{
    static scene c;
    (void)state;
    ask(&c, closure, "h", true);
    assert_int_equal(c.near.n_groups, 5); /* handlers, f, its code, rows, 100 of them */
    const hl_near_edge *e = edge_between(&c, "rows", "r[7]");
    assert_label(&c, e, "[*]");
    assert_int_equal(e->links, 100);
    assert_int_equal(c.near.groups[e->to].objects, 100);
    assert_int_equal(c.near.groups[e->to].bytes, 100 * 1000);
    tear_down(&c);
}

static void what_a_suspect_keeps_is_guilty(void **state)
{
    static scene c;
    static hl_node holder[1];
    static const char text[] = "root module app m\nm:module -__dict__-> d:dict\n"
                               "d -key:cache-> c:dict -value:int-> x:app.A*50\n"
                               "type app.A gc heap\n";
    hl_err err = {0};
    (void)state;
    ask(&c, text, "x[3]", false);
    assert_true(edge_between(&c, "c", "x[3]")->guilty && !c.near.suspected);
    holder[0] = hl_dsl_node(c.s, "c");
    c.q.holders = holder;
    c.q.n_holders = 1;
    assert_int_equal(hl_near_find(c.g, &c.q, &c.arena, &c.near, &err), HL_OK);
    assert_true(edge_between(&c, "c", "x[3]")->guilty && c.near.suspected);
    c.targets[0] = holder[0]; /* asked about the suspect itself: the reference to it */
    assert_int_equal(hl_near_find(c.g, &c.q, &c.arena, &c.near, &err), HL_OK);
    assert_true(edge_between(&c, "m", "c")->guilty);
    c.q.refs = true; /* and what it has most in */
    assert_int_equal(hl_near_find(c.g, &c.q, &c.arena, &c.near, &err), HL_OK);
    assert_true(edge_between(&c, "c", "x[0]")->guilty);
    tear_down(&c);
}

static void what_is_hidden_is_not_told(void **state)
{
    static scene c;
    static hl_node hidden[1];
    hl_err err = {0};
    (void)state;
    ask(&c, "root frame main fr\nfr:frame -local:x-> x:list\nroot module m m\nm:module -.y-> x\n",
        "x", false);
    assert_int_equal(c.near.n_groups, 3);
    hidden[0] = hl_dsl_node(c.s, "fr");
    c.q.hidden = hidden;
    c.q.n_hidden = 1;
    assert_int_equal(hl_near_find(c.g, &c.q, &c.arena, &c.near, &err), HL_OK);
    assert_int_equal(c.near.n_groups, 2);
    assert_int_equal(c.near.left_out, 0);
    tear_down(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_give_the_links_there_are),
        cmocka_unit_test(pictures_are_of_the_heap),
        cmocka_unit_test(a_closure_is_one_link),
        cmocka_unit_test(what_looks_alike_is_one),
        cmocka_unit_test(what_a_suspect_keeps_is_guilty),
        cmocka_unit_test(what_is_hidden_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
