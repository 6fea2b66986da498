/* graph/cycle_group.c: garbage that only holds itself, grouped into "N cycles A.b > B.a".
 *
 * Room   graph; analyser process.
 * Takes  hl_graph with dominators.   Gives  hl_cycle rows in the caller's arena.
 * Knows  base, snapshot.
 * Method components of the garbage; in each a shortest cycle through the member that tells most,
 *        with instance dicts and cells passed over; equal cycles (same types or functions, same
 *        edges, same flags, wherever one starts to read) are one group. One search a component, so
 *        that the whole is linear in the garbage. */
#include "graph/graph_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS_ROTATED = 64, TEXT = 256 };

enum cycle_flag {
    CYCLE_FINALIZER = 1,
    CYCLE_FROZEN = 2,
    CYCLE_GC_GARBAGE = 4,
    CYCLE_UNCOLLECTABLE = 8,
    CYCLE_CUT = 16, /* more edges than fit */
};

typedef struct link { /* one logical edge of a cycle */
    hl_node from;
    hl_label label;
    uint64_t id; /* type or code of `from`, and the label without its index */
    bool many;   /* stands for a run of more than two equal ones */
} link;

typedef struct cycle_key {
    uint64_t ids[HL_CYCLE_EDGES];
    uint32_t n, flags, many;
} cycle_key;

typedef struct group {
    cycle_key key;
    hl_cycle cycle;
} group;

typedef struct grouping {
    const hl_graph *g;
    hl_arena *out; /* for signatures */
    hl_arena temp;
    hl_scc scc;
    uint8_t *cyclic;   /* per component */
    hl_node *before;   /* search: the node this one was found from */
    hl_label *entered; /* by which label */
    uint8_t *seen;
    hl_node *queue;
    link *links;
    group *groups;
    uint32_t n_groups, groups_room;
    uint32_t *slots; /* group + 1, by hash of the key */
    uint32_t n_slots;
    uint32_t *group_of; /* component -> group */
    uint32_t *place;    /* of cycle_others.c */
} grouping;

/* ---- one component
 * --------------------------------------------------------------------------------- */

static hl_node pick_sample(const grouping *w, uint32_t c)
{
    const hl_snap *s = w->g->snap;
    hl_node best = HL_NO_NODE;
    uint32_t best_dull = 0, best_edges = 0;
    for (uint32_t i = w->scc.off[c]; i < w->scc.off[c + 1]; i++) {
        hl_node v = w->scc.members[i];
        uint32_t dull = hl_dullness(w->g, v), edges = s->off[v + 1] - s->off[v];
        bool better = best == HL_NO_NODE || dull < best_dull;
        if (!better && dull == best_dull) {
            uint32_t type = s->type[v], best_type = s->type[best];
            better = type != best_type     ? type < best_type
                     : edges != best_edges ? edges > best_edges
                                           : v < best;
        }
        if (better) {
            best = v;
            best_dull = dull;
            best_edges = edges;
        }
    }
    return best;
}

/* Breadth first from sample inside its component. The last edge leads back to it: returns where
 * that edge starts and its label. */
static hl_node find_way_back(grouping *w, hl_node sample, hl_label *back)
{
    const hl_snap *s = w->g->snap;
    uint32_t c = w->scc.component[sample], head = 0, tail = 0;
    w->queue[tail++] = sample;
    w->seen[sample] = 1;
    while (head < tail) {
        hl_node u = w->queue[head++];
        for (uint32_t e = s->off[u]; e < s->off[u + 1]; e++) {
            hl_node v = s->dst[e];
            if (!hl_edge_holds(s->label[e]) || w->scc.component[v] != c)
                continue;
            if (v == sample) {
                *back = s->label[e];
                return u;
            }
            if (w->seen[v])
                continue;
            w->seen[v] = 1;
            w->before[v] = u;
            w->entered[v] = s->label[e];
            w->queue[tail++] = v;
        }
    }
    return HL_NO_NODE;
}

static uint64_t link_id(const hl_graph *g, hl_node from, hl_label label)
{
    enum { TUPLE_SHOWN = 8 };
    enum hl_label_kind kind = hl_label_kind(label);
    uint64_t who = g->snap->type[from];
    if (hl_role(g, from) == HL_ROLE_FUNCTION) {
        hl_node code = hl_follow_role(g, from, HL_NAME_CODE);
        if (code != HL_NO_NODE)
            who = (uint64_t)1 << 31 | code;
    }
    if (kind == HL_LABEL_VALUE || (kind == HL_LABEL_INDEX && hl_label_value(label) > TUPLE_SHOWN))
        label = kind;
    return who << 32 | label;
}

/* What the step from -> to is called when `to` is plumbing and `after` leads out of it. */
static hl_label logical_label(const hl_graph *g, hl_node from, hl_label label, hl_label after)
{
    enum hl_name_role role = hl_label_role(g, label);
    if (role == HL_NAME_CLOSURE)
        return hl_label_make(HL_LABEL_CELL, hl_closure_variable(g, from, after));
    return role == HL_NAME_DICT ? after : label;
}

/* Writes the cycle's logical edges to w->links; returns their number. The cycle is read backwards
 * from where it closes, then turned round. */
static uint32_t read_cycle(grouping *w, hl_node sample, hl_node last, hl_label back)
{
    const hl_graph *g = w->g;
    uint32_t n = 0;
    hl_node *nodes = w->queue; /* the search is over */
    for (hl_node v = last;; v = w->before[v]) {
        nodes[n++] = v;
        if (v == sample)
            break;
    }
    uint32_t k = 0;
    for (uint32_t i = n; i > 0;) {
        hl_node from = nodes[i - 1];
        hl_label first = i > 1 ? w->entered[nodes[i - 2]] : back, label = first;
        bool open = true;
        i--;
        while (i > 0) { /* past plumbing, as far as it goes */
            hl_node to = nodes[i - 1], came_from = nodes[i];
            hl_label in = w->entered[to], after = i > 1 ? w->entered[nodes[i - 2]] : back;
            if (!hl_edge_is_plumbing(g, came_from, in, to))
                break;
            if (open)
                label = logical_label(g, from, first, after);
            open = false;
            i--;
        }
        w->links[k++] = (link){.from = from, .label = label, .id = link_id(g, from, label)};
    }
    return k;
}

static uint32_t fold_runs(link *links, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && links[i + run].id == links[i].id;)
            run++;
        uint32_t keep = run == 2 ? 2 : 1;
        for (uint32_t k = 0; k < keep; k++)
            links[kept + k] = links[i + k];
        links[kept].many = run > 2;
        kept += keep;
    }
    return kept;
}

static void rotate(link *links, uint32_t n, uint32_t by)
{
    link copy[LINKS_ROTATED];
    memcpy(copy, links, n * sizeof *copy);
    for (uint32_t i = 0; i < n; i++)
        links[i] = copy[(i + by) % n];
}

/* Starts the cycle at its least rotation, by `less` of two links. */
static void rotate_to_least(const hl_graph *g, link *links, uint32_t n,
                            int (*compare)(const hl_graph *, const link *, const link *))
{
    uint32_t best = 0;
    for (uint32_t r = 1; n <= LINKS_ROTATED && r < n; r++)
        for (uint32_t i = 0; i < n; i++) {
            int c = compare(g, &links[(r + i) % n], &links[(best + i) % n]);
            if (c < 0)
                best = r;
            if (c)
                break;
        }
    if (best)
        rotate(links, n, best);
}

static int compare_ids(const hl_graph *g, const link *a, const link *b)
{
    (void)g;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* ---- groups
 * ------------------------------------------------------------------------------------------ */

static void link_text(const hl_graph *g, const link *l, char *buf, size_t size)
{
    if (hl_role(g, l->from) == HL_ROLE_FUNCTION && hl_function_name(g, l->from, buf, size))
        return;
    const char *name = hl_snap_type_name(g->snap, l->from);
    size_t n = strlen(name);
    n = n < size ? n : size - 1;
    memcpy(buf, name, n);
    buf[n] = 0;
}

static int compare_texts(const hl_graph *g, const link *a, const link *b)
{
    char x[TEXT], y[TEXT];
    link_text(g, a, x, sizeof x);
    link_text(g, b, y, sizeof y);
    int c = strcmp(x, y);
    if (c)
        return c;
    hl_label_text(g->snap, a->label, x, sizeof x);
    hl_label_text(g->snap, b->label, y, sizeof y);
    return strcmp(x, y);
}

static hl_status write_signature(grouping *w, group *into, link *links, uint32_t n, hl_err *err)
{
    const hl_graph *g = w->g;
    if (!(into->key.flags & CYCLE_CUT))
        rotate_to_least(g, links, n, compare_texts);
    const char *text = "";
    for (uint32_t i = 0; i < n; i++) {
        char who[TEXT], edge[TEXT];
        into->cycle.edges[i].from = links[i].from;
        into->cycle.edges[i].label = links[i].label;
        link_text(g, &links[i], who, sizeof who);
        hl_label_text(g->snap, links[i].label, edge, sizeof edge);
        text = hl_arena_printf(i + 1 < n ? &w->temp : w->out, "%s%s%s%s%s", text, i ? " > " : "",
                               who, edge, links[i].many ? " > ..." : "");
        if (!text)
            return hl_err_set(err, HL_NO_MEMORY, "no memory for the name of a cycle");
    }
    if (into->key.flags & CYCLE_CUT)
        text = hl_arena_printf(w->out, "%s > ...", text);
    if (!text)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for the name of a cycle");
    into->cycle.n_edges = n;
    into->cycle.signature = text;
    return HL_OK;
}

static uint32_t key_hash(const cycle_key *k)
{
    uint32_t h = hl_mix(k->n, k->flags);
    for (uint32_t i = 0; i < k->n; i++)
        h = hl_mix(hl_mix(h, (uint32_t)k->ids[i]), (uint32_t)(k->ids[i] >> 32));
    return hl_mix(h, k->many);
}

static hl_status grow_groups(grouping *w, hl_err *err)
{
    uint32_t room = w->groups_room ? w->groups_room * 2 : 64;
    group *groups = hl_graph_array(&w->temp, room, sizeof *groups, err);
    uint32_t *slots = hl_graph_array(&w->temp, (size_t)room * 2, sizeof *slots, err);
    if (!groups || !slots)
        return err->status;
    if (w->n_groups)
        memcpy(groups, w->groups, w->n_groups * sizeof *groups);
    hl_arena_release(&w->temp, w->groups);
    hl_arena_release(&w->temp, w->slots);
    w->groups = groups;
    w->groups_room = room;
    w->slots = slots;
    w->n_slots = room * 2;
    for (uint32_t i = 0; i < w->n_groups; i++) {
        uint32_t at = key_hash(&groups[i].key) & (w->n_slots - 1);
        while (slots[at])
            at = (at + 1) & (w->n_slots - 1);
        slots[at] = i + 1;
    }
    return HL_OK;
}

/* Does v hold a member of its component by a reference that the collector is not told of? Its type
 * takes no part in collection, or reports nothing, or not this one. */
static bool is_closed(const grouping *w, uint32_t c, hl_node v)
{
    const hl_snap *s = w->g->snap;
    uint32_t type = s->types[s->type[v]].flags;
    bool outside = !(type & HL_TYPE_GC) && !(s->flag[v] & HL_NODE_TRACKED);
    if (type & HL_TYPE_NO_TRAVERSE)
        return true;
    if (!outside && !(s->flag[v] & HL_NODE_OPAQUE))
        return false;
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++)
        if (w->scc.component[s->dst[e]] == c && hl_edge_counted(s->label[e]) &&
            (outside || hl_label_kind(s->label[e]) == HL_LABEL_INTERNAL))
            return true;
    return false;
}

static uint32_t component_flags(const grouping *w, uint32_t c, hl_node *closed)
{
    const hl_graph *g = w->g;
    const hl_snap *s = g->snap;
    uint32_t flags = CYCLE_FROZEN;
    for (uint32_t i = w->scc.off[c]; i < w->scc.off[c + 1]; i++) {
        hl_node v = w->scc.members[i];
        uint32_t type = s->types[s->type[v]].flags;
        if (type & HL_TYPE_FINALIZER)
            flags |= CYCLE_FINALIZER;
        if (is_closed(w, c, v)) {
            flags |= CYCLE_UNCOLLECTABLE;
            *closed = v;
        }
        if (!(s->flag[v] & HL_NODE_FROZEN))
            flags &= ~(uint32_t)CYCLE_FROZEN;
        if (g->from[v] == HL_HOLD_GC_GARBAGE)
            flags |= CYCLE_GC_GARBAGE;
    }
    return flags;
}

static hl_status new_group(grouping *w, const cycle_key *key, hl_node sample, uint32_t n,
                           hl_err *err)
{
    group *into = &w->groups[w->n_groups++];
    *into = (group){
        .key = *key,
        .cycle = {.sample = sample,
                  .finalizer = key->flags & CYCLE_FINALIZER,
                  .frozen = key->flags & CYCLE_FROZEN,
                  .in_gc_garbage = key->flags & CYCLE_GC_GARBAGE,
                  .uncollectable = key->flags & CYCLE_UNCOLLECTABLE},
    };
    return write_signature(w, into, w->links, n, err);
}

static hl_status group_component(grouping *w, uint32_t c, hl_err *err)
{
    hl_node sample = pick_sample(w, c);
    hl_label back = 0;
    hl_node last = find_way_back(w, sample, &back);
    if (last == HL_NO_NODE)
        return hl_err_set(err, HL_CORRUPT, "component %" PRIu32 " has no cycle", c);
    uint32_t n = fold_runs(w->links, read_cycle(w, sample, last, back));
    hl_node closed = HL_NO_NODE;
    cycle_key key = {.flags = component_flags(w, c, &closed)};
    rotate_to_least(w->g, w->links, n, compare_ids);
    if (n > HL_CYCLE_EDGES) {
        key.flags |= CYCLE_CUT;
        n = HL_CYCLE_EDGES;
    }
    for (key.n = 0; key.n < n; key.n++) {
        key.ids[key.n] = w->links[key.n].id;
        key.many |= (uint32_t)w->links[key.n].many << key.n;
    }
    if (w->n_groups == w->groups_room && grow_groups(w, err))
        return err->status;
    uint32_t at = key_hash(&key) & (w->n_slots - 1);
    while (w->slots[at] && memcmp(&w->groups[w->slots[at] - 1].key, &key, sizeof key) != 0)
        at = (at + 1) & (w->n_slots - 1);
    if (!w->slots[at]) {
        if (new_group(w, &key, sample, n, err))
            return err->status;
        hl_cycle *first = &w->groups[w->n_groups - 1].cycle;
        first->closed = closed;
        if (hl_cycle_others(w->g, &w->scc.members[w->scc.off[c]], w->scc.off[c + 1] - w->scc.off[c],
                            w->place, &w->temp, w->out, first, err))
            return err->status;
        w->slots[at] = w->n_groups;
    }
    hl_cycle *cycle = &w->groups[w->slots[at] - 1].cycle;
    cycle->cycles++;
    cycle->objects += w->scc.off[c + 1] - w->scc.off[c];
    w->group_of[c] = w->slots[at] - 1;
    return HL_OK;
}

/* ---- bytes
 * -------------------------------------------------------------------------------------------- */

/* Each node's bytes go to the nearest cyclic component that it is in or that dominates it. An idom
 * comes before its node in g->order. */
static void weigh(grouping *w, uint32_t *keeper)
{
    const hl_graph *g = w->g;
    const hl_snap *s = g->snap;
    for (uint32_t i = 0; i < s->nodes; i++) {
        hl_node v = g->order[i];
        uint32_t c = w->scc.component[v];
        if (c != UINT32_MAX && w->cyclic[c])
            keeper[v] = w->group_of[c] + 1;
        else if (c != UINT32_MAX && g->idom[v] != HL_NO_NODE)
            keeper[v] = keeper[g->idom[v]];
        if (keeper[v])
            w->groups[keeper[v] - 1].cycle.bytes += hl_snap_size(s, v);
    }
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        if (keeper[f.node])
            w->groups[keeper[f.node] - 1].cycle.bytes += f.bytes;
    }
}

static int by_bytes(const void *x, const void *y)
{
    const hl_cycle *a = x, *b = y;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    int c = strcmp(a->signature, b->signature);
    return c ? c : a->sample < b->sample ? -1 : a->sample > b->sample;
}

static hl_status grouping_init(grouping *w, hl_err *err)
{
    const hl_graph *g = w->g;
    size_t n = g->snap->nodes;
    uint8_t *wanted = hl_graph_array(&w->temp, n, 1, err);
    if (!wanted)
        return err->status;
    bool any = false;
    for (hl_node v = 0; v < n; v++) {
        wanted[v] = g->from[v] == HL_HOLD_CYCLE || g->from[v] == HL_HOLD_GC_GARBAGE;
        any |= wanted[v];
    }
    if (!any)
        return HL_OK; /* as a rule: no memory for what is not there */
    if (hl_scc_find(g->snap, wanted, &w->temp, &w->scc, err))
        return err->status;
    w->cyclic = hl_graph_array(&w->temp, w->scc.count, 1, err);
    w->group_of = hl_graph_array(&w->temp, w->scc.count, sizeof *w->group_of, err);
    w->before = hl_graph_array(&w->temp, n, sizeof *w->before, err);
    w->entered = hl_graph_array(&w->temp, n, sizeof *w->entered, err);
    w->seen = hl_graph_array(&w->temp, n, 1, err);
    w->queue = hl_graph_array(&w->temp, n, sizeof *w->queue, err);
    w->links = hl_graph_array(&w->temp, n, sizeof *w->links, err);
    w->place = hl_graph_array(&w->temp, n, sizeof *w->place, err);
    return w->cyclic && w->group_of && w->before && w->entered && w->seen && w->queue && w->links &&
                   w->place
               ? HL_OK
               : err->status;
}

static hl_status group_all(grouping *w, hl_cycle **out, uint32_t *n, hl_err *err)
{
    if (grouping_init(w, err))
        return err->status;
    for (uint32_t c = 0; c < w->scc.count; c++) {
        uint32_t members = w->scc.off[c + 1] - w->scc.off[c];
        w->cyclic[c] = members > 1 || hl_has_self_edge(w->g->snap, w->scc.members[w->scc.off[c]]);
        if (w->cyclic[c] && group_component(w, c, err))
            return err->status;
    }
    uint32_t *keeper = hl_graph_array(&w->temp, w->g->snap->nodes, sizeof *keeper, err);
    hl_cycle *cycles = hl_graph_array(w->out, w->n_groups, sizeof *cycles, err);
    if (!keeper || !cycles)
        return err->status;
    if (w->n_groups)
        weigh(w, keeper);
    for (uint32_t i = 0; i < w->n_groups; i++)
        cycles[i] = w->groups[i].cycle;
    qsort(cycles, w->n_groups, sizeof *cycles, by_bytes);
    *out = cycles;
    *n = w->n_groups;
    return HL_OK;
}

hl_status hl_cycles_find(const hl_graph *g, hl_arena *arena, hl_cycle **out, uint32_t *n,
                         hl_err *err)
{
    grouping w = {.g = g, .out = arena};
    hl_arena_init(&w.temp);
    hl_status status = group_all(&w, out, n, err);
    hl_arena_deinit(&w.temp);
    return status;
}
