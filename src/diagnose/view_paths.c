/* diagnose/view_paths.c: how the things of one name are reached from the roots.
 *
 * Room   diagnose; analyser process.
 * One object: its chains by different holders. Many: one chain for each path shape they hang on,
 * the shape that keeps most bytes first, with how many are held that way. */
#include "diagnose/known_find.h"
#include "diagnose/made.h"
#include "diagnose/view_parts.h"

#include <string.h>

enum { HALF = 16, EDGE_BYTES = 256, CHAIN_MAX = 4096, WAYS_MAX = 32 };

typedef struct search {
    const hl_view_query *q;
    const hl_graph *g;
    const hl_view_heap *h;
    hl_arena *arena; /* of the answer */
    hl_arena scratch;
    hl_chains *out;
} search;

static hl_chain_step step_of(const search *w, const hl_step *s, bool first)
{
    const hl_snap *snap = w->g->snap;
    hl_chain_step step = {.type = hl_view_copy(w->arena, hl_snap_type_name(snap, s->node))};
    if (first) {
        step.name = hl_view_name(w->g, s->node, w->arena);
    } else {
        char edge[EDGE_BYTES];
        hl_label_text(snap, s->label, edge, sizeof edge);
        step.edge = hl_view_copy(w->arena, edge);
    }
    return step;
}

/* obj.attr is one edge: the dict between says nothing. */
static uint32_t without_namespaces(const hl_graph *g, hl_step *steps, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || i + 1 == n || !hl_graph_is_namespace(g, steps[i].node))
            steps[kept++] = steps[i];
    return kept;
}

static hl_status add(search *w, hl_step *steps, uint32_t n, uint64_t objects, hl_err *err)
{
    hl_chain *c = &w->out->chains[w->out->n_chains];
    hl_node v = steps[n - 1].node;
    n = without_namespaces(w->g, steps, n);
    uint32_t shown = n <= 2 * HALF ? n : 2 * HALF;
    /* a name that begins at a frame set apart would name the question */
    bool ours = w->h->n_apart && w->g->from[v] == HL_HOLD_C;
    *c = (hl_chain){.name = ours ? hl_view_copy(w->arena, hl_snap_type_name(w->g->snap, v))
                                 : hl_view_name(w->g, v, w->arena),
                    .address = hl_snap_address(w->g->snap, v),
                    .objects = objects,
                    .retained = w->g->retained_bytes[v],
                    .made = hl_made_text(w->g->snap, v, w->arena),
                    .steps = hl_arena_array(w->arena, shown, sizeof *c->steps),
                    .n_steps = shown,
                    .left_out = n - shown};
    if (!c->steps)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a chain of %u", shown);
    for (uint32_t i = 0; i < shown; i++)
        c->steps[i] = step_of(w, &steps[i < shown - shown / 2 ? i : n - shown + i], i == 0);
    c->known = hl_known_find(c->name, hl_snap_type_name(w->g->snap, v), c->steps, c->n_steps);
    w->out->n_chains++;
    return HL_OK;
}

/* The chain tree's chain, however long. */
static hl_status add_tree_chain(search *w, hl_node v, uint64_t objects, hl_err *err)
{
    uint32_t n = hl_path_chain(w->g, v, NULL, 0);
    hl_step *steps = hl_arena_array(&w->scratch, n, sizeof *steps);
    if (!steps)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a chain of %u", n);
    hl_path_chain(w->g, v, steps, n);
    return add(w, steps, n, objects, err);
}

/* Does it start at a frame set apart, or at what such a frame may have on its evaluation stack? */
static bool is_apart(const search *w, const hl_step *steps, uint32_t n)
{
    for (uint32_t i = 0; i < w->h->n_apart; i++)
        if (w->h->apart[i] == steps[0].node)
            return true;
    return n == 1 && w->h->n_apart && w->g->from[steps[0].node] == HL_HOLD_C &&
           hl_graph_excess(w->g, steps[0].node) <= w->h->n_apart;
}

static hl_status one_object(search *w, hl_node v, hl_err *err)
{
    uint32_t top = w->q->top < WAYS_MAX ? w->q->top : WAYS_MAX, k = top + w->h->n_apart;
    hl_step *steps = hl_arena_array(&w->scratch, (size_t)k * CHAIN_MAX, sizeof *steps);
    uint32_t *lengths = hl_arena_array(&w->scratch, k, sizeof *lengths);
    if (!steps || !lengths)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u chains", k);
    uint32_t n = hl_path_chains(w->g, v, steps, CHAIN_MAX, k, lengths);
    for (uint32_t i = 0; i < n && w->out->n_chains < top; i++) {
        bool whole = lengths[i] <= CHAIN_MAX;
        if (is_apart(w, &steps[(size_t)i * CHAIN_MAX], lengths[i]))
            continue;
        if (!whole && i)
            continue; /* a further way of thousands of steps tells nobody anything */
        if (whole ? add(w, &steps[(size_t)i * CHAIN_MAX], lengths[i], 1, err)
                  : add_tree_chain(w, v, 1, err))
            return err->status;
    }
    return n ? HL_OK : add_tree_chain(w, v, 1, err);
}

typedef struct way {
    uint64_t objects, bytes;
    hl_node heaviest;
} way;

static hl_status many_objects(search *w, const hl_node *found, uint32_t n, hl_shapes *shapes,
                              hl_err *err)
{
    if (hl_shapes_add(shapes, w->g, err))
        return err->status;
    way *ways = hl_arena_array(&w->scratch, shapes->n_shapes, sizeof *ways);
    hl_top top;
    if (!ways)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u path shapes", shapes->n_shapes);
    if (hl_top_init(&top, w->q->top, shapes->n_shapes, &w->scratch, err))
        return err->status;
    bool others = false;
    for (uint32_t i = 0; i < n; i++)
        others |= !hl_graph_is_namespace(w->g, found[i]);
    for (uint32_t i = 0; i < n; i++) {
        if (others && hl_graph_is_namespace(w->g, found[i]))
            continue; /* asked for dicts, nobody means the __dict__ of a module */
        way *x = &ways[shapes->shape_of[found[i]]];
        uint64_t bytes = w->g->retained_bytes[found[i]];
        if (!x->objects++ || bytes > w->g->retained_bytes[x->heaviest])
            x->heaviest = found[i];
        x->bytes += bytes;
    }
    for (uint32_t s = 0; s < shapes->n_shapes; s++)
        hl_top_offer(&top, ways[s].bytes, s);
    hl_top_finish(&top);
    w->out->chains_left = top.offered - top.n;
    for (uint32_t i = 0; i < top.n; i++)
        if (add_tree_chain(w, ways[top.items[i].id].heaviest, ways[top.items[i].id].objects, err))
            return err->status;
    return HL_OK;
}

static hl_status answer(search *w, const char *target, hl_err *err)
{
    hl_node *found;
    uint32_t n;
    if (hl_path_find(w->g, target, &w->scratch, &found, &n, err))
        return err->status;
    *w->out = (hl_chains){
        .target = hl_view_copy(w->arena, target),
        .matched = n,
        .chains = hl_arena_array(w->arena, w->q->top, sizeof(hl_chain)),
    };
    if (!w->out->chains)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u chains", w->q->top);
    if (n == 1)
        return one_object(w, found[0], err);
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    hl_status status = many_objects(w, found, n, &shapes, err);
    hl_shapes_deinit(&shapes);
    return status;
}

hl_status hl_view_paths(const hl_view_query *q, const char *target, hl_arena *arena, hl_chains *out,
                        hl_err *err)
{
    hl_view_heap h;
    if (hl_view_heap_open(q, &h, err))
        return err->status;
    search w = {.q = q, .g = h.graph, .h = &h, .arena = arena, .out = out};
    hl_arena_init(&w.scratch);
    hl_status status = answer(&w, target, err);
    hl_arena_deinit(&w.scratch);
    hl_view_heap_close(&h);
    return status;
}
