/* graph/near.c: what is around an object, few enough to be drawn.
 *
 * Room   graph; analyser process.
 * Takes  hl_graph with dominators, targets.   Gives  hl_near in the caller's arena.
 * Knows  base, snapshot.  Must not know  words, colours.
 * Method breadth first, a level at a time. Of a level the candidates are sorted into classes that
 *        look alike; a class of few is told one by one, of more it is one group, and groups go on as
 *        objects do. The level is then admitted in order of interest until the picture is full,
 *        so that nothing left out is nearer than what is told. Edges are all links between what
 *        was admitted. */
#include "graph/graph_parts.h"

#include <stdlib.h>
#include <string.h>

typedef struct candidate {
    hl_node node;
    uint32_t type;
    uint32_t by;    /* group that leads here */
    hl_label label; /* folded */
    uint8_t weak, cycle, hold;
    bool chain; /* the chain tree goes this way */
} candidate;

/* In place of a component: several, and none. */
enum { SEVERAL = -2, NO_CYCLE = -1 };

/* What is admitted as one. */
typedef struct unit {
    uint32_t first, n; /* candidates; of leaves: by, type */
    bool leaves;
    uint8_t weak;
    bool chain;
    uint32_t cost;
    uint64_t weight, objects, bytes; /* the latter of leaves */
} unit;

typedef struct search {
    const hl_graph *g;
    const hl_near_query *q;
    hl_links links;
    hl_scc scc;
    hl_arena scratch;
    uint8_t *hidden, *cyclic; /* per node */
    uint32_t *seen;           /* per node: 1 + its candidate; later: is counted as left out */
    hl_node *members;
    uint32_t *member_off;  /* per group, and one more */
    int64_t *component;    /* per group, or SEVERAL, or NO_CYCLE */
    uint8_t *goes_on;      /* per group */
    candidate *candidates; /* owned */
    uint32_t n_candidates, room;
    bool failed;
    bool shunned_too; /* from the targets: they have nothing else */
    uint32_t by;      /* group at work */
    hl_near *out;
} search;

/* ---- one object -------------------------------------------------------------------------------- */

static bool on_cycle(const search *w, hl_node v)
{
    return w->cyclic[v];
}

static enum hl_hold hold_of(const search *w, hl_node v)
{
    const hl_graph_root *root = hl_graph_root_of(w->g, v);
    return root ? root->hold : HL_HOLD_NONE;
}

static bool ends_here(const search *w, hl_node v, enum hl_hold hold)
{
    if (w->q->refs)
        return hl_role(w->g, v) == HL_ROLE_MODULE || hl_role(w->g, v) == HL_ROLE_TYPE ||
               hl_snap_code_of(w->g->snap, v);
    return hold != HL_HOLD_NONE && hold < HL_HOLD_C;
}

static hl_label folded(hl_label l)
{
    enum hl_label_kind kind = hl_label_kind(l);
    return kind == HL_LABEL_INDEX || kind == HL_LABEL_INTERNAL ? hl_label_make(kind, 0) : l;
}

static hl_node far_end(const search *w, const hl_link *link)
{
    return w->q->refs ? link->to : link->from;
}

static bool is_told(const search *w, const hl_link *link, uint32_t distance)
{
    return !w->hidden[link->from] && !w->hidden[link->to] &&
           (!link->shunned || (w->shunned_too && !distance));
}

/* ---- a level ----------------------------------------------------------------------------------- */

static bool better(const candidate *a, const candidate *b)
{
    if (a->weak != b->weak)
        return a->weak < b->weak;
    return a->by != b->by ? a->by < b->by : a->label < b->label;
}

static void put_candidate(search *w, const candidate *c)
{
    uint32_t at = w->seen[c->node];
    if (at) {
        if (better(c, &w->candidates[at - 1]))
            w->candidates[at - 1] = *c;
        return;
    }
    if (w->n_candidates == w->room) {
        uint32_t room = w->room ? 2 * w->room : 256;
        candidate *grown = realloc(w->candidates, (size_t)room * sizeof *grown);
        if (!grown) {
            w->failed = true;
            return;
        }
        w->candidates = grown;
        w->room = room;
    }
    w->candidates[w->n_candidates++] = *c;
    w->seen[c->node] = w->n_candidates;
}

static void meet(void *ctx, const hl_link *link)
{
    search *w = ctx;
    hl_node v = far_end(w, link);
    if (!is_told(w, link, w->out->groups[w->by].distance) || w->out->place[v] != HL_NEAR_NONE)
        return;
    put_candidate(w,
                  &(candidate){.node = v,
                               .type = w->g->snap->type[v],
                               .by = w->by,
                               .label = folded(link->label),
                               .weak = link->weak,
                               .cycle = on_cycle(w, v),
                               .hold = (uint8_t)hold_of(w, v),
                               .chain = !w->q->refs && hl_links_above(&w->links, link->to) == v});
}

static void links_of(search *w, hl_node v, hl_link_fn *fn)
{
    if (w->q->refs)
        hl_links_from(&w->links, v, fn, w);
    else
        hl_links_to(&w->links, v, fn, w);
}

static void links_of_group(search *w, uint32_t group, hl_link_fn *fn)
{
    w->by = group;
    for (uint32_t i = w->member_off[group]; i < w->member_off[group + 1]; i++)
        links_of(w, w->members[i], fn);
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_class(const void *x, const void *y)
{
    const candidate *a = x, *b = y;
    int order = compare(a->by, b->by);
    order = order ? order : compare(a->weak, b->weak);
    order = order ? order : compare(a->label, b->label);
    order = order ? order : compare(a->type, b->type);
    order = order ? order : compare(a->cycle, b->cycle);
    order = order ? order : compare(a->hold, b->hold);
    return order ? order : compare(a->node, b->node);
}

static bool alike(const candidate *a, const candidate *b)
{
    return a->by == b->by && a->weak == b->weak && a->label == b->label && a->type == b->type &&
           a->cycle == b->cycle && a->hold == b->hold;
}

static int by_interest(const void *x, const void *y)
{
    const unit *a = x, *b = y;
    int order = compare(a->weak, b->weak);
    order = order ? order : compare(b->chain, a->chain);
    order = order ? order : compare(a->cost, b->cost);
    order = order ? order : compare(b->weight, a->weight);
    order = order ? order : compare(a->leaves, b->leaves);
    return order ? order : compare(a->first, b->first);
}

static unit unit_of(const search *w, uint32_t first, uint32_t n)
{
    const candidate *c = &w->candidates[first];
    unit u = {.first = first, .n = n, .weak = c->weak};
    if (!w->q->refs)
        u.cost = hl_label_cost(w->g, c->label);
    for (uint32_t i = 0; i < n; i++) {
        u.chain |= c[i].chain;
        u.weight += w->g->retained_bytes[c[i].node];
    }
    return u;
}

/* Leaves that are folded into the members of a group, added up by type. */
static uint32_t put_leaves(search *w, uint32_t group, unit *units, uint32_t n)
{
    const hl_snap *s = w->g->snap;
    uint32_t begin = n;
    for (uint32_t i = w->member_off[group]; i < w->member_off[group + 1]; i++) {
        uint32_t row, rows = hl_snap_folds_of(s, w->members[i], &row);
        for (uint32_t k = 0; k < rows; k++) {
            hl_snap_fold f = hl_snap_fold_at(s, row + k);
            uint32_t at = begin;
            while (at < n && units[at].n != f.type)
                at++;
            if (at == n)
                units[n++] = (unit){.leaves = true, .first = group, .n = f.type};
            units[at].objects += f.objects;
            units[at].bytes += f.bytes;
            units[at].weight += f.bytes;
        }
    }
    return n;
}

/* Most kinds of leaves there can be. */
static uint32_t count_leaf_units(const search *w, uint32_t first, uint32_t end)
{
    uint64_t rows = 0, most = (uint64_t)(end - first) * w->g->snap->n_types;
    for (uint32_t i = w->member_off[first]; i < w->member_off[end]; i++) {
        uint32_t row;
        rows += hl_snap_folds_of(w->g->snap, w->members[i], &row);
    }
    return (uint32_t)(rows < most ? rows : most);
}

static void admit(search *w, const unit *u, uint32_t distance)
{
    hl_near *out = w->out;
    const hl_graph *g = w->g;
    uint32_t at = out->n_groups++, end = w->member_off[at];
    hl_near_group *group = &out->groups[at];
    w->component[at] = NO_CYCLE;
    if (u->leaves) {
        *group = (hl_near_group){.type = u->n,
                                 .objects = u->objects,
                                 .bytes = u->bytes,
                                 .first = HL_NO_NODE,
                                 .distance = distance};
        w->member_off[at + 1] = end;
        out->edges[out->n_edges++] =
            (hl_near_edge){.from = u->first, .to = at, .links = u->objects};
        return;
    }
    const candidate *c = &w->candidates[u->first];
    *group = (hl_near_group){.type = g->snap->type[c->node],
                             .objects = u->n,
                             .first = c->node,
                             .distance = distance,
                             .hold = (enum hl_hold)c->hold};
    w->component[at] = c->cycle ? (int64_t)w->scc.component[c->node] : NO_CYCLE;
    for (uint32_t i = 0; i < u->n; i++) {
        hl_node v = c[i].node;
        out->place[v] = at;
        w->members[end++] = v;
        group->bytes += hl_graph_own_bytes(g, v);
        if (g->retained_bytes[v] > g->retained_bytes[group->first])
            group->first = v;
        if (c->cycle && w->scc.component[v] != w->component[at])
            w->component[at] = SEVERAL;
    }
    w->member_off[at + 1] = end;
    w->goes_on[at] = !distance || (!c->weak && !ends_here(w, c->node, (enum hl_hold)c->hold));
}

/* Sorts what was met into units, and takes as many as there is room for. */
static hl_status take_level(search *w, uint32_t first, uint32_t end, uint32_t distance, hl_err *err)
{
    uint32_t n = 0, leaves = w->q->refs ? count_leaf_units(w, first, end) : 0;
    unit *units = hl_graph_array(&w->scratch, (size_t)w->n_candidates + leaves, sizeof *units, err);
    if (!units)
        return err->status;
    if (w->n_candidates)
        qsort(w->candidates, w->n_candidates, sizeof *w->candidates, by_class);
    for (uint32_t i = 0, k; i < w->n_candidates; i = k) {
        w->seen[w->candidates[i].node] = 0;
        for (k = i + 1; k < w->n_candidates && alike(&w->candidates[i], &w->candidates[k]); k++)
            w->seen[w->candidates[k].node] = 0;
        if (k - i > HL_NEAR_FEW)
            units[n++] = unit_of(w, i, k - i);
        else
            for (uint32_t j = i; j < k; j++)
                units[n++] = unit_of(w, j, 1);
    }
    for (uint32_t p = first; leaves && p < end; p++)
        if (w->goes_on[p])
            n = put_leaves(w, p, units, n);
    if (n)
        qsort(units, n, sizeof *units, by_interest);
    for (uint32_t i = 0; i < n && w->out->n_groups < w->q->max_groups; i++)
        admit(w, &units[i], distance);
    w->n_candidates = 0;
    hl_arena_release(&w->scratch, units);
    return HL_OK;
}

typedef struct others {
    search *w;
    bool any;
} others;

static void note_other(void *ctx, const hl_link *link)
{
    others *o = ctx;
    o->any |= !link->shunned && !link->weak && link->from != link->to && is_told(o->w, link, 0);
}

/* Have the targets links that explain something? Leaves do. */
static bool only_shunned(search *w)
{
    others o = {w, false};
    uint32_t row;
    for (uint32_t i = 0; i < w->q->n_targets && !o.any; i++) {
        if (w->q->refs)
            hl_links_from(&w->links, w->q->targets[i], note_other, &o);
        else
            hl_links_to(&w->links, w->q->targets[i], note_other, &o);
        o.any |= w->q->refs && hl_snap_folds_of(w->g->snap, w->q->targets[i], &row);
    }
    return !o.any;
}

static hl_status walk(search *w, hl_err *err)
{
    for (uint32_t i = 0; i < w->q->n_targets; i++) {
        hl_node v = w->q->targets[i];
        put_candidate(w, &(candidate){.node = v,
                                      .type = w->g->snap->type[v],
                                      .cycle = on_cycle(w, v),
                                      .hold = (uint8_t)hold_of(w, v)});
    }
    if (w->failed || take_level(w, 0, 0, 0, err))
        return w->failed ? hl_err_set(err, HL_NO_MEMORY, "no memory for a picture") : err->status;
    w->shunned_too = only_shunned(w);
    uint32_t first = 0;
    for (uint32_t d = 1; d <= w->q->depth && w->out->n_groups < w->q->max_groups; d++) {
        uint32_t end = w->out->n_groups;
        for (uint32_t p = first; p < end; p++)
            if (w->goes_on[p])
                links_of_group(w, p, meet);
        if (w->failed)
            return hl_err_set(err, HL_NO_MEMORY, "no memory for a picture");
        if (take_level(w, first, end, d, err))
            return err->status;
        if (w->out->n_groups == end)
            break;
        first = end;
    }
    return HL_OK;
}

/* ---- edges, and what is left out --------------------------------------------------------------- */

static void note_left_out(void *ctx, const hl_link *link)
{
    search *w = ctx;
    hl_near_group *group = &w->out->groups[w->by];
    hl_node v = far_end(w, link);
    if (!is_told(w, link, group->distance) || w->out->place[v] != HL_NEAR_NONE)
        return;
    group->more = true;
    w->out->left_out += !w->seen[v];
    w->seen[v] = 1;
}

/* Leaves of a group that are not told, or not all types of them. */
static void note_leaves(search *w, uint32_t group)
{
    hl_near *out = w->out;
    uint64_t there = 0, told = 0;
    for (uint32_t i = w->member_off[group]; i < w->member_off[group + 1]; i++)
        there += hl_graph_own_objects(w->g, w->members[i]) - 1;
    for (uint32_t e = 0; e < out->n_edges; e++)
        if (out->edges[e].from == group && out->groups[out->edges[e].to].first == HL_NO_NODE)
            told += out->edges[e].links;
    out->left_out += there - told;
    out->groups[group].more |= there > told;
}

static void add_label(hl_near_edge *e, hl_label l)
{
    for (uint32_t i = 0; i < e->n_labels; i++)
        if (e->labels[i] == l)
            return;
    if (e->n_labels < HL_NEAR_LABELS)
        e->labels[e->n_labels++] = l;
    else
        e->more_labels = true;
}

typedef struct joining {
    search *w;
    uint32_t *edge_of; /* 1 + the edge of a pair, of weak links the second half */
} joining;

static void join(void *ctx, const hl_link *link)
{
    joining *j = ctx;
    search *w = j->w;
    hl_near *out = w->out;
    uint32_t p = out->place[link->from], q = out->place[link->to], n = out->n_groups;
    if (p == HL_NEAR_NONE || q == HL_NEAR_NONE)
        return;
    if (!is_told(w, link, out->groups[w->q->refs ? p : q].distance))
        return;
    uint32_t *at = &j->edge_of[((size_t)link->weak * n + p) * n + q];
    if (!*at) {
        out->edges[out->n_edges++] =
            (hl_near_edge){.from = p, .to = q, .weak = link->weak, .cycle = !link->weak};
        *at = out->n_edges;
    }
    hl_near_edge *e = &out->edges[*at - 1];
    bool several = out->groups[p].objects > 1 || out->groups[q].objects > 1;
    e->links++;
    e->cycle &=
        on_cycle(w, link->from) && w->scc.component[link->from] == w->scc.component[link->to];
    add_label(e, several ? folded(link->label) : link->label);
}

static hl_status join_all(search *w, hl_err *err)
{
    size_t n = w->out->n_groups;
    joining j = {w, hl_graph_array(&w->scratch, 2 * n * n, sizeof *j.edge_of, err)};
    if (!j.edge_of)
        return err->status;
    for (uint32_t i = 0; i < w->member_off[n]; i++)
        hl_links_from(&w->links, w->members[i], join, &j);
    for (uint32_t p = 0; p < n; p++) {
        if (!w->goes_on[p])
            continue;
        links_of_group(w, p, note_left_out);
        if (w->q->refs)
            note_leaves(w, p);
    }
    return HL_OK;
}

/* Numbers from 1, in the order they are met. */
static void number_cycles(search *w)
{
    uint32_t last = 0;
    for (uint32_t p = 0; p < w->out->n_groups; p++) {
        hl_near_group *group = &w->out->groups[p];
        if (w->component[p] == NO_CYCLE)
            continue;
        if (w->component[p] == SEVERAL) {
            group->cycle = HL_NEAR_SEVERAL;
            continue;
        }
        for (uint32_t k = 0; k < p && !group->cycle; k++)
            if (w->component[k] == w->component[p])
                group->cycle = w->out->groups[k].cycle;
        if (!group->cycle)
            group->cycle = ++last;
    }
}

/* ---- the guilty one ----------------------------------------------------------------------------- */

static bool is_holder(const search *w, hl_node v)
{
    for (uint32_t i = 0; i < w->q->n_holders; i++)
        if (w->q->holders[i] == v)
            return true;
    return false;
}

static void mark(search *w, hl_node from, hl_node to, bool suspected)
{
    hl_near *out = w->out;
    for (uint32_t e = 0; e < out->n_edges; e++)
        if (!out->edges[e].weak && out->edges[e].from == out->place[from] &&
            out->edges[e].to == out->place[to] && out->place[from] != HL_NEAR_NONE &&
            out->place[to] != HL_NEAR_NONE) {
            out->edges[e].guilty = true;
            out->suspected |= suspected;
        }
}

static void mark_way_to(search *w, hl_node target)
{
    hl_node up;
    for (hl_node v = target; (up = hl_links_above(&w->links, v)) != HL_NO_NODE; v = up)
        if (is_holder(w, up)) {
            mark(w, up, v, true);
            return;
        }
    up = hl_links_above(&w->links, target);
    if (is_holder(w, target)) {
        if (up != HL_NO_NODE)
            mark(w, up, target, true);
        return;
    }
    hl_node last = target; /* whose dominators are target's, too; the chain passes them all */
    for (hl_node v = target; (up = hl_links_above(&w->links, v)) != HL_NO_NODE; v = up) {
        while (last != HL_NO_NODE && hl_links_passed(&w->links, last))
            last = w->g->idom[last];
        if (v != last)
            continue;
        if (hl_links_alone(&w->links, v)) {
            mark(w, up, v, false);
            return;
        }
        last = w->g->idom[last];
    }
}

/* Forwards the chain to the target is not in the picture: what a suspect has most in is. */
static void mark_heaviest(search *w, uint32_t group)
{
    hl_near *out = w->out;
    hl_near_edge *most = NULL;
    uint64_t weight = 0;
    for (uint32_t e = 0; e < out->n_edges; e++) {
        const hl_near_group *to = &out->groups[out->edges[e].to];
        uint64_t bytes = to->first == HL_NO_NODE ? to->bytes : w->g->retained_bytes[to->first];
        if (to->first != HL_NO_NODE && to->objects > 1)
            bytes += to->bytes;
        if (out->edges[e].from == group && out->edges[e].to != group && !out->edges[e].weak &&
            bytes > weight) {
            most = &out->edges[e];
            weight = bytes;
        }
    }
    if (most)
        most->guilty = w->out->suspected = true;
}

static void mark_guilty(search *w)
{
    for (uint32_t p = 0; p < w->out->n_groups && !w->out->groups[p].distance; p++) {
        if (!w->q->refs)
            mark_way_to(w, w->out->groups[p].first);
        else if (is_holder(w, w->out->groups[p].first))
            mark_heaviest(w, p);
    }
}

/* ---- all of it ---------------------------------------------------------------------------------- */

/* Modules and classes, and their namespaces: what every function refers back to. */
static bool is_of_all(const hl_graph *g, hl_node v)
{
    hl_node owner = g->parent[v];
    enum hl_type_role role = hl_role(g, v);
    if (role == HL_ROLE_DICT && owner != HL_NO_NODE && hl_label_role(g, g->via[v]) == HL_NAME_DICT)
        role = hl_role(g, owner);
    return role == HL_ROLE_MODULE || role == HL_ROLE_TYPE;
}

static hl_status find_cycles(search *w, hl_err *err)
{
    uint8_t *wanted = hl_graph_array(&w->scratch, w->g->snap->nodes, 1, err);
    if (!wanted)
        return err->status;
    for (hl_node v = 0; v < w->g->snap->nodes; v++)
        wanted[v] = !is_of_all(w->g, v);
    w->cyclic = hl_graph_array(&w->scratch, w->g->snap->nodes, 1, err);
    if (!w->cyclic || hl_scc_find(w->g->snap, wanted, &w->scratch, &w->scc, err))
        return err->status;
    for (hl_node v = 0; v < w->g->snap->nodes;
         v++) { /* once: who asks has many links to one list */
        uint32_t c = w->scc.component[v];
        w->cyclic[v] = c != UINT32_MAX &&
                       (w->scc.off[c + 1] - w->scc.off[c] > 1 || hl_has_self_edge(w->g->snap, v));
    }
    return HL_OK;
}

static hl_status find(search *w, hl_arena *arena, hl_err *err)
{
    size_t nodes = w->g->snap->nodes, groups = w->q->max_groups;
    hl_near *out = w->out;
    *out = (hl_near){
        .groups = hl_graph_array(arena, groups, sizeof *out->groups, err),
        .edges = hl_graph_array(arena, groups + 2 * groups * groups, sizeof *out->edges, err),
        .place = hl_graph_array(arena, nodes, sizeof *out->place, err),
    };
    w->hidden = hl_graph_array(&w->scratch, nodes, 1, err);
    w->seen = hl_graph_array(&w->scratch, nodes, sizeof *w->seen, err);
    w->members = hl_graph_array(&w->scratch, nodes, sizeof *w->members, err);
    w->member_off = hl_graph_array(&w->scratch, groups + 1, sizeof *w->member_off, err);
    w->component = hl_graph_array(&w->scratch, groups, sizeof *w->component, err);
    w->goes_on = hl_graph_array(&w->scratch, groups, 1, err);
    if (!out->groups || !out->edges || !out->place || !w->hidden || !w->seen || !w->members ||
        !w->member_off || !w->component || !w->goes_on)
        return err->status;
    memset(out->place, 0xff, nodes * sizeof *out->place);
    for (uint32_t i = 0; i < w->q->n_hidden; i++)
        w->hidden[w->q->hidden[i]] = 1;
    if (hl_links_create(w->g, &w->scratch, &w->links, err) || find_cycles(w, err))
        return err->status;
    for (uint32_t i = 0; i < w->q->n_targets; i++)
        hl_links_tell(&w->links, w->q->targets[i]);
    if (walk(w, err) || join_all(w, err))
        return err->status;
    number_cycles(w);
    mark_guilty(w);
    return HL_OK;
}

hl_status hl_near_find(const hl_graph *g, const hl_near_query *q, hl_arena *arena, hl_near *out,
                       hl_err *err)
{
    hl_near near = {0};
    search w = {.g = g, .q = q, .out = &near};
    hl_arena_init(&w.scratch);
    hl_status status = find(&w, arena, err);
    free(w.candidates);
    hl_arena_deinit(&w.scratch);
    if (!status)
        *out = near;
    return status;
}
