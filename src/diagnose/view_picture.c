/* diagnose/view_picture.c: what is around an object, in the words of a picture.
 *
 * Room   diagnose; analyser process.
 * Takes  a run, a target.   Gives  hl_picture in the caller's arena.
 * Knows  which container a diagnosis of the whole run suspects, where there are snapshots enough
 *        for one: the picture shows that edge, else the one without which the target would go. */
#include "diagnose/diagnose.h"
#include "diagnose/view_parts.h"

#include <stdlib.h>
#include <string.h>

enum { EDGE_BYTES = 256, JUDGED_FROM = 3 };

typedef struct drawing {
    const hl_picture_query *asked;
    const hl_graph *g;
    const hl_view_heap *h;
    hl_arena *arena; /* of the answer */
    hl_arena scratch;
    hl_near near;
    uint64_t *retained; /* per group */
    hl_picture *out;
} drawing;

/* ---- words -------------------------------------------------------------------------------------- */

static const char *code_name(const hl_graph *g, hl_node v)
{
    static const char *const fields[] = {"__code__", "f_code"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        hl_node code = hl_graph_follow(g, v, HL_LABEL_NAMED, fields[i]);
        const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(g->snap, code);
        if (row)
            return g->snap->names[row->qualname ? row->qualname : row->name];
    }
    return NULL;
}

static const char *class_name(const hl_snap *s, hl_node v)
{
    for (uint32_t i = 0; i < s->n_types; i++)
        if (s->types[i].node == v)
            return s->names[s->types[i].name];
    return NULL;
}

static const char *thread_name(const hl_snap *s, uint32_t index)
{
    for (uint32_t i = 0; i < s->n_threads; i++)
        if (s->threads[i].index == index && s->threads[i].name)
            return s->names[s->threads[i].name];
    return NULL;
}

static const hl_snap_root *named_root(const drawing *d, hl_node v)
{
    const hl_graph_root *root = hl_graph_root_of(d->g, v);
    return root && root->named != UINT32_MAX ? &d->g->snap->roots[root->named] : NULL;
}

/* What one object is called; NULL: nothing says. */
static const char *called(const drawing *d, hl_node v, bool target)
{
    const hl_snap *s = d->g->snap;
    const hl_snap_root *root = named_root(d, v);
    const char *name = NULL;
    if (root && root->kind == HL_ROOT_FRAME && root->line)
        return hl_arena_printf(d->arena, "%s() line %u", s->names[root->name], root->line);
    if (root)
        return hl_view_copy(d->arena, s->names[root->name]);
    name = class_name(s, v);
    name = name ? name : code_name(d->g, v);
    if (!name && target && d->g->from[v] < HL_HOLD_C)
        return hl_view_name(d->g, v, d->arena);
    return name ? hl_view_copy(d->arena, name) : NULL;
}

/* Of strings that the interpreter shares everywhere C has a hand on. */
static bool is_leaf(const hl_snap *s, hl_node v)
{
    return !(s->flag[v] & HL_NODE_TRACKED) && s->off[v] == s->off[v + 1];
}

/* Why it needs no holder, as far as its name does not say. */
static const char *root_note(const drawing *d, const hl_near_group *group)
{
    hl_node v = group->first;
    const hl_snap_root *root = named_root(d, v);
    switch (group->hold) {
    case HL_HOLD_NONE:
    case HL_HOLD_MODULE:
    case HL_HOLD_TYPE:
        return NULL;
    case HL_HOLD_FRAME: {
        const char *name = root ? thread_name(d->g->snap, root->thread) : NULL;
        return name ? hl_arena_printf(d->arena, "stack of %s", name)
                    : hl_arena_printf(d->arena, "stack of thread %u", root ? root->thread : 0);
    }
    case HL_HOLD_THREAD:
        return "state of a thread";
    case HL_HOLD_INTERP:
        return "state of the interpreter";
    case HL_HOLD_GC_GARBAGE:
        return "gc.garbage";
    case HL_HOLD_C:
        if (d->g->parent[v] == HL_NO_NODE)
            return "held by C";
        return hl_graph_excess(d->g, v) > 0 && !is_leaf(d->g->snap, v) ? "held by C, too" : NULL;
    case HL_HOLD_CYCLE:
        return "garbage: only its cycle holds it";
    case HL_HOLD_STRAY:
        return d->h->n_apart ? "nothing but the question holds it" : "nothing seen holds it";
    }
    return NULL;
}

static bool is_root(const drawing *d, const hl_near_group *group)
{
    if (group->hold == HL_HOLD_NONE)
        return false;
    return group->hold < HL_HOLD_C ||
           (group->hold == HL_HOLD_C && d->g->parent[group->first] == HL_NO_NODE);
}

static void put_node(drawing *d, uint32_t i)
{
    const hl_near_group *group = &d->near.groups[i];
    const hl_snap *s = d->g->snap;
    hl_node v = group->first;
    hl_picture_node *n = &d->out->nodes[i];
    *n = (hl_picture_node){.kind = HL_PICTURE_LEAVES,
                           .type = hl_view_copy(d->arena, s->names[s->types[group->type].name]),
                           .objects = group->objects,
                           .items = -1,
                           .bytes = group->bytes,
                           .retained = group->bytes,
                           .cycle = group->cycle,
                           .distance = group->distance,
                           .more = group->more};
    if (v == HL_NO_NODE)
        return;
    n->kind = is_root(d, group) ? HL_PICTURE_ROOT : HL_PICTURE_OBJECT;
    n->target = !group->distance;
    n->address = hl_snap_address(s, v);
    n->retained = d->retained[i];
    n->note = root_note(d, group);
    if (group->objects == 1) {
        n->name = called(d, v, n->target);
        n->items = hl_snap_len(s, v);
    }
}

static void put_edge(drawing *d, uint32_t i)
{
    const hl_near_edge *e = &d->near.edges[i];
    hl_picture_edge *out = &d->out->edges[i];
    *out = (hl_picture_edge){.from = e->from,
                             .to = e->to,
                             .references = e->links,
                             .more_labels = e->more_labels,
                             .weak = e->weak,
                             .cycle = e->cycle,
                             .guilty = e->guilty};
    for (uint32_t k = 0; k < e->n_labels; k++) {
        char text[EDGE_BYTES];
        hl_label_text(d->g->snap, e->labels[k], text, sizeof text);
        if (!e->weak) /* its look says so */
            out->labels[out->n_labels++] = hl_view_copy(d->arena, text + (*text == ' '));
    }
}

/* ---- what a diagnosis says ---------------------------------------------------------------------- */

/* Addresses are of one moment: the object there must be of the finding's type. */
static hl_node holder_of(const hl_snap *s, const hl_finding *f, uint32_t moment, uint32_t last)
{
    if (!f->holder.address || (f->holder.snapshot ? f->holder.snapshot : last) != moment)
        return HL_NO_NODE;
    hl_node v = hl_snap_find_address(s, f->holder.address);
    bool same =
        v != HL_NO_NODE && f->holder.type && !strcmp(hl_snap_type_name(s, v), f->holder.type);
    return same ? v : HL_NO_NODE;
}

static hl_status find_holders(drawing *d, const hl_diagnosis *said, uint32_t moment, uint32_t last,
                              hl_node **out, uint32_t *n, hl_err *err)
{
    *out = hl_arena_array(&d->scratch, said->n_findings, sizeof **out);
    *n = 0;
    if (!*out)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u findings", said->n_findings);
    for (uint32_t i = 0; i < said->n_findings; i++) {
        hl_node v = holder_of(d->g->snap, &said->findings[i], moment, last);
        if (v != HL_NO_NODE)
            (*out)[(*n)++] = v;
    }
    return HL_OK;
}

/* Of one run with snapshots enough. What cannot be judged is drawn without. */
static void judge(const hl_view_query *q, hl_arena *arena, hl_diagnosis *out)
{
    static const hl_diagnose_options plain = {0};
    hl_err err = {0};
    uint32_t last = q->n_runs ? q->runs[q->n_runs - 1]->n_snaps : 0;
    *out = (hl_diagnosis){0};
    if (q->n_runs != 1 || last < JUDGED_FROM || (q->snapshot && q->snapshot != last))
        return;
    if (hl_diagnose(q->runs, q->n_runs, &plain, arena, out, &err))
        *out = (hl_diagnosis){0};
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static bool is_apart(const hl_view_heap *h, hl_node v)
{
    for (uint32_t i = 0; i < h->n_apart; i++)
        if (h->apart[i] == v)
            return true;
    return false;
}

/* Asked for dicts, nobody means the __dict__ of a module, as long as there are others. */
static uint32_t choose(const drawing *d, hl_node *found, uint32_t n)
{
    bool others = false;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        others |= !is_apart(d->h, found[i]) && !hl_graph_is_namespace(d->g, found[i]);
    for (uint32_t i = 0; i < n; i++)
        if (!is_apart(d->h, found[i]) && (!others || !hl_graph_is_namespace(d->g, found[i])))
            found[kept++] = found[i];
    return kept;
}

static hl_status weigh(drawing *d, hl_err *err)
{
    uint32_t nodes = d->g->snap->nodes, n = d->near.n_groups;
    uint32_t *key = hl_arena_array(&d->scratch, nodes, sizeof *key);
    d->retained = hl_arena_array(&d->scratch, (size_t)n + 1, sizeof *d->retained);
    if (!key || !d->retained)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to weigh %u objects", nodes);
    for (hl_node v = 0; v < nodes; v++)
        key[v] = d->near.place[v] < n ? d->near.place[v] : n;
    return hl_view_retained_by(d->g, key, n + 1, false, d->retained, err);
}

static hl_status draw(drawing *d, hl_near_query *near, uint32_t matched, hl_err *err)
{
    hl_picture *out = d->out;
    if (hl_near_find(d->g, near, &d->scratch, &d->near, err) || weigh(d, err))
        return err->status;
    out->target = hl_view_copy(d->arena, d->asked->target);
    out->matched = matched;
    out->refs = d->asked->refs;
    out->n_nodes = d->near.n_groups;
    out->n_edges = d->near.n_edges;
    out->left_out = d->near.left_out;
    out->judged = d->near.suspected;
    out->nodes = hl_arena_array(d->arena, out->n_nodes, sizeof *out->nodes);
    out->edges = hl_arena_array(d->arena, out->n_edges, sizeof *out->edges);
    if (!out->target || !out->nodes || !out->edges)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a picture of %u nodes", out->n_nodes);
    for (uint32_t i = 0; i < out->n_nodes; i++)
        put_node(d, i);
    for (uint32_t i = 0; i < out->n_edges; i++)
        put_edge(d, i);
    return HL_OK;
}

static hl_status answer(drawing *d, const hl_view_query *q, const hl_diagnosis *said, hl_err *err)
{
    hl_node *found, *holders;
    uint32_t n, n_holders, last = q->runs[0]->n_snaps;
    if (hl_path_find(d->g, d->asked->target, &d->scratch, &found, &n, err))
        return err->status;
    n = choose(d, found, n);
    if (!n)
        return hl_err_set(err, HL_NOT_FOUND,
                          "nothing but the calls that were set apart is called "
                          "\"%s\"",
                          d->asked->target);
    if (find_holders(d, said, q->snapshot ? q->snapshot : last, last, &holders, &n_holders, err))
        return err->status;
    *d->out = (hl_picture){0};
    hl_near_query near = {.targets = found,
                          .n_targets = n,
                          .refs = d->asked->refs,
                          .depth = d->asked->depth,
                          .max_groups = d->asked->max_nodes,
                          .hidden = d->h->apart,
                          .n_hidden = d->h->n_apart,
                          .holders = holders,
                          .n_holders = n_holders};
    return draw(d, &near, n, err);
}

hl_status hl_view_picture(const hl_view_query *q, const hl_picture_query *asked, hl_arena *arena,
                          hl_picture *out, hl_err *err)
{
    hl_arena judging;
    hl_diagnosis said;
    hl_view_heap h;
    hl_view_query ended = *q;
    ended.let_go = q->apart != 0;
    ended.about = strncmp(asked->target, "0x", 2) ? 0 : strtoull(asked->target, NULL, 16);
    hl_arena_init(&judging);
    judge(q, &judging, &said);
    hl_status status = hl_view_heap_open(&ended, &h, err);
    if (!status) {
        hl_picture picture;
        drawing d = {.asked = asked, .g = h.graph, .h = &h, .arena = arena, .out = &picture};
        hl_arena_init(&d.scratch);
        status = answer(&d, q, &said, err);
        if (!status)
            *out = picture;
        hl_arena_deinit(&d.scratch);
        hl_view_heap_close(&h);
    }
    hl_arena_deinit(&judging);
    return status;
}
