/* graph/shape.c: path shapes, so that one program state has one set of names in every snapshot.
 *
 * Room   graph; analyser process; one hl_shapes over the snapshots of a run.
 * Takes  hl_graph, one after the other.   Gives  shapes, and their counts in each snapshot.
 * Knows  base, snapshot.
 * Method a trie over (parent, kind of edge, its words, type), walked in the order of the chain
 *        tree. A step (edge, type) that stands among the last ancestors is that ancestor again, so
 *        linked lists and trees are a few shapes; what still gets too deep, too wide or too many
 *        is folded: memory is bounded by shapes, and shapes by HL_SHAPES_MAX. */
#include "graph/graph_parts.h"

#include <stdio.h>
#include <string.h>

enum {
    WINDOW = 6,        /* ancestors searched for a repetition                       */
    DEPTH_FOLDED = 32, /* from here on all ancestors are                            */
    DEPTH_MAX = 64,    /* deeper shapes count for their parent                      */
    TOP = 2,           /* variables of modules are told apart always                 */
    CROWDED = HL_SHAPES_MAX / 8 * 7,
    CHILDREN_MAX = 1024, /* wider ones become ".*" of "(various)"                     */
    CACHE = 1 << 12,
    TEXT = 256,
};
#define PASSED 0x80000000u /* in shape_of, while adding: an instance dict */

typedef struct cache_row {
    hl_shape parent;
    hl_label label;
    uint32_t type;
    hl_shape shape; /* 0: empty */
} cache_row;

/* The rows of one snapshot; shapes from n on were not known then. */
struct hl_shape_moment {
    uint32_t *row; /* per shape: index into the blocks */
    uint32_t n;
};

enum { BLOCK = 1 << 12 }; /* rows; they stay where they are as their number grows */

struct hl_shape_index {
    uint32_t *slots; /* shape + 1 */
    uint32_t n_slots, room;
    uint32_t *children; /* per shape */
    const char **texts; /* NULL: empty slot */
    uint32_t n_text_slots, n_texts;
    cache_row cache[CACHE]; /* of the snapshot being added */
};

typedef struct adding {
    hl_shapes *s;
    const hl_graph *g;
    const char **type_text; /* interned; per type of the snapshot */
    hl_err *err;
} adding;

/* ---- texts: equal ones have equal addresses
 * -------------------------------------------------------- */

static hl_status grow_texts(hl_shapes *s, hl_err *err)
{
    struct hl_shape_index *x = s->index;
    uint32_t room = x->n_text_slots ? x->n_text_slots * 2 : 1024;
    const char **texts = hl_graph_array(&s->arena, room, sizeof *texts, err);
    if (!texts)
        return err->status;
    for (uint32_t i = 0; i < x->n_text_slots; i++) {
        if (!x->texts[i])
            continue;
        uint32_t at = hl_text_hash(x->texts[i]) & (room - 1);
        while (texts[at])
            at = (at + 1) & (room - 1);
        texts[at] = x->texts[i];
    }
    hl_arena_release(&s->arena, x->texts);
    x->texts = texts;
    x->n_text_slots = room;
    return HL_OK;
}

static const char *intern(hl_shapes *s, const char *text, hl_err *err)
{
    struct hl_shape_index *x = s->index;
    if (x->n_texts * 2 >= x->n_text_slots && grow_texts(s, err))
        return NULL;
    uint32_t at = hl_text_hash(text) & (x->n_text_slots - 1);
    while (x->texts[at]) {
        if (!strcmp(x->texts[at], text))
            return x->texts[at];
        at = (at + 1) & (x->n_text_slots - 1);
    }
    const char *copy = hl_arena_copy(&s->arena, text, strlen(text));
    if (!copy) {
        hl_err_set(err, HL_NO_MEMORY, "no memory for the name of a shape");
        return NULL;
    }
    x->texts[at] = copy;
    x->n_texts++;
    return copy;
}

/* ---- shapes
 * ------------------------------------------------------------------------------------------- */

static uint32_t shape_hash(hl_shape parent, enum hl_label_kind kind, const char *edge,
                           const char *type)
{
    uint32_t h = hl_mix(parent, kind);
    h = hl_mix(h, (uint32_t)((uintptr_t)edge >> 4));
    return hl_mix(h, (uint32_t)((uintptr_t)type >> 4));
}

static hl_status grow_shapes(hl_shapes *s, hl_err *err)
{
    struct hl_shape_index *x = s->index;
    uint32_t room = x->room ? x->room * 2 : 1024;
    hl_shape_info *shapes = hl_graph_array(&s->arena, room, sizeof *shapes, err);
    uint32_t *children = hl_graph_array(&s->arena, room, sizeof *children, err);
    uint32_t *slots = hl_graph_array(&s->arena, (size_t)room * 2, sizeof *slots, err);
    if (!shapes || !children || !slots)
        return err->status;
    if (s->n_shapes) {
        memcpy(shapes, s->shapes, s->n_shapes * sizeof *shapes);
        memcpy(children, x->children, s->n_shapes * sizeof *children);
    }
    uint32_t mask = room * 2 - 1;
    for (hl_shape i = 1; i < s->n_shapes; i++) {
        const hl_shape_info *info = &shapes[i];
        uint32_t at = shape_hash(info->parent, info->kind, info->edge, info->type) & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = i + 1;
    }
    hl_arena_release(&s->arena, s->shapes);
    hl_arena_release(&s->arena, x->children);
    hl_arena_release(&s->arena, x->slots);
    s->shapes = shapes;
    x->children = children;
    x->slots = slots;
    x->n_slots = room * 2;
    x->room = room;
    return HL_OK;
}

static uint32_t *find_slot(const hl_shapes *s, const hl_shape_info *key)
{
    const struct hl_shape_index *x = s->index;
    uint32_t at = shape_hash(key->parent, key->kind, key->edge, key->type) & (x->n_slots - 1);
    for (; x->slots[at]; at = (at + 1) & (x->n_slots - 1)) {
        const hl_shape_info *info = &s->shapes[x->slots[at] - 1];
        if (info->parent == key->parent && info->kind == key->kind && info->edge == key->edge &&
            info->type == key->type)
            break;
    }
    return &x->slots[at];
}

static bool kind_has_name(enum hl_label_kind kind)
{
    return kind == HL_LABEL_NAMED || kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT ||
           kind == HL_LABEL_KEY || kind == HL_LABEL_LOCAL;
}

static bool same_step(const hl_shape_info *a, const hl_shape_info *b)
{
    return a->edge == b->edge && a->type == b->type && a->kind == b->kind;
}

/* The ancestor this would repeat, or 0. An attribute that leads to its like again is a list or a
 * tree; "[*]" of a dict may be just another dict, so there the step above must be alike, too. */
static hl_shape find_repetition(const hl_shapes *s, const hl_shape_info *key, bool telling)
{
    const hl_shape_info *up = &s->shapes[key->parent];
    uint32_t left = key->depth < DEPTH_FOLDED ? (uint32_t)WINDOW : UINT32_MAX;
    for (hl_shape a = key->parent; a && left--; a = s->shapes[a].parent) {
        const hl_shape_info *info = &s->shapes[a];
        if (same_step(info, key) &&
            (telling || key->depth >= DEPTH_FOLDED || same_step(&s->shapes[info->parent], up)))
            return a;
    }
    return 0;
}

/* The shape of key, made if there is none. telling: see find_repetition. 0: no memory. */
static hl_shape shape_for(hl_shapes *s, hl_shape_info key, bool telling, hl_err *err)
{
    struct hl_shape_index *x = s->index;
    hl_shape repeated = find_repetition(s, &key, telling);
    if (repeated)
        return repeated;
    if (s->n_shapes == x->room && grow_shapes(s, err))
        return 0;
    uint32_t *slot = find_slot(s, &key);
    if (*slot)
        return *slot - 1;
    /* where many shapes are known already, what is new below one is told apart no more: but what it
     * holds is not it */
    bool crowded = s->n_shapes >= CROWDED && key.depth > TOP;
    if (crowded && !strcmp(s->shapes[key.parent].type, "(various)"))
        return key.parent;
    if (key.parent && (x->children[key.parent] >= CHILDREN_MAX || crowded)) {
        key.type = intern(s, "(various)", err);
        key.edge = kind_has_name(key.kind) ? intern(s, ".*", err) : key.edge;
        if (!key.type || !key.edge)
            return 0;
        slot = find_slot(s, &key);
        if (*slot)
            return *slot - 1;
    }
    if (key.parent && (key.depth > DEPTH_MAX || s->n_shapes >= HL_SHAPES_MAX))
        return key.parent;
    x->children[key.parent]++;
    s->shapes[s->n_shapes] = key;
    *slot = ++s->n_shapes;
    return s->n_shapes - 1;
}

/* ---- one snapshot
 * ---------------------------------------------------------------------------------------- */

static hl_shape root_shape(adding *a, hl_node v)
{
    char text[TEXT];
    hl_root_words(a->g, v, text, sizeof text);
    const char *edge = intern(a->s, text, a->err);
    if (!edge)
        return 0;
    return shape_for(a->s,
                     (hl_shape_info){.edge = edge,
                                     .type = a->type_text[a->g->snap->type[v]],
                                     .hold = (enum hl_hold)a->g->from[v],
                                     .depth = 1},
                     true, a->err);
}

/* Do the words of an edge out of `from` depend on more than its label? */
static bool needs_place(const hl_graph *g, hl_node from)
{
    enum hl_type_role role = hl_role(g, from);
    return role == HL_ROLE_CELL || role == HL_ROLE_LRU ||
           hl_label_role(g, g->via[from]) != HL_NAME_PLAIN;
}

static hl_shape child_shape(adding *a, hl_shape parent, hl_node v)
{
    const hl_graph *g = a->g;
    hl_node from = g->parent[v];
    char text[TEXT];
    hl_step_words(g, g->parent[from], g->via[from], from, g->via[v], v, text, sizeof text);
    const char *edge = intern(a->s, text, a->err);
    if (!edge)
        return 0;
    const hl_shape_info *up = &a->s->shapes[parent];
    bool telling = kind_has_name(hl_label_kind(g->via[v])) || hl_role(g, v) == HL_ROLE_INSTANCE;
    return shape_for(a->s,
                     (hl_shape_info){.parent = parent,
                                     .kind = hl_label_kind(g->via[v]),
                                     .edge = edge,
                                     .type = a->type_text[g->snap->type[v]],
                                     .hold = up->hold,
                                     .depth = up->depth + 1},
                     telling, a->err);
}

/* A label as far as shapes tell labels apart. */
static hl_label folded_label(const adding *a, hl_node v)
{
    enum { TUPLE_SHOWN = 8, SIZED = 1 };
    const hl_graph *g = a->g;
    hl_label label = g->via[v];
    enum hl_label_kind kind = hl_label_kind(label);
    if (kind == HL_LABEL_INTERNAL)
        return hl_label_make(kind, hl_snap_len(g->snap, g->parent[v]) >= 0 ? SIZED : 0);
    if (kind == HL_LABEL_VALUE || (kind == HL_LABEL_INDEX && hl_label_value(label) > TUPLE_SHOWN))
        return kind;
    return label;
}

static hl_status assign_shapes(adding *a, uint32_t *shape_of)
{
    const hl_graph *g = a->g;
    cache_row *cache = a->s->index->cache;
    memset(cache, 0, sizeof a->s->index->cache);
    for (uint32_t i = 0; i < g->snap->nodes; i++) {
        hl_node v = g->order[i], from = g->parent[v];
        if (from == HL_NO_NODE) {
            if (!(shape_of[v] = root_shape(a, v)))
                return a->err->status;
            continue;
        }
        hl_shape parent = shape_of[from] & ~PASSED;
        if (hl_label_role(g, g->via[v]) == HL_NAME_DICT) {
            shape_of[v] = parent | PASSED;
            continue;
        }
        bool in_place = needs_place(g, from) && !(shape_of[from] & PASSED);
        hl_label label = folded_label(a, v);
        uint32_t type = g->snap->type[v];
        cache_row *row = &cache[hl_mix(hl_mix(parent, label), type) & (CACHE - 1)];
        if (!in_place && row->shape && row->parent == parent && row->label == label &&
            row->type == type) {
            shape_of[v] = row->shape;
            continue;
        }
        hl_shape shape = child_shape(a, parent, v);
        if (!shape)
            return a->err->status;
        shape_of[v] = shape;
        if (!in_place)
            *row = (cache_row){.parent = parent, .label = label, .type = type, .shape = shape};
    }
    return HL_OK;
}

static void count_nodes(const hl_snap *snap, uint32_t *shape_of, hl_shape_count *counts,
                        hl_node *top)
{
    for (hl_node v = 0; v < snap->nodes; v++) {
        bool passed = shape_of[v] & PASSED;
        shape_of[v] &= ~PASSED;
        hl_shape_count *c = &counts[shape_of[v]];
        c->objects++;
        c->bytes += hl_snap_size(snap, v);
        if (passed)
            continue;
        if (!c->members++)
            top[shape_of[v]] = v;
        if (hl_snap_len(snap, v) < 0)
            continue;
        uint64_t items = (uint64_t)hl_snap_len(snap, v);
        c->items += items;
        if (items > c->top_items) {
            c->top_items = items;
            top[shape_of[v]] = v;
        }
    }
    for (uint32_t i = 0; i < snap->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(snap, i);
        hl_shape_count *c = &counts[shape_of[f.node]];
        c->objects += f.objects;
        c->bytes += f.bytes;
    }
}

static void sum_trees(const hl_shapes *s, hl_shape_count *counts)
{
    for (hl_shape i = 0; i < s->n_shapes; i++) {
        counts[i].tree_bytes = counts[i].bytes;
        counts[i].tree_objects = counts[i].objects;
    }
    for (hl_shape i = s->n_shapes - 1; i > 0; i--) { /* a parent is older than its children */
        hl_shape up = s->shapes[i].parent;
        counts[up].tree_bytes += counts[i].tree_bytes;
        counts[up].tree_objects += counts[i].tree_objects;
    }
}

/* An array that is full when its length is a power of two: as it is, or a copy of twice the size.
 */
static void *room_for_one(hl_arena *arena, void *old, uint32_t n, size_t size, hl_err *err)
{
    if (n & (n - 1))
        return old;
    void *more = hl_graph_array(arena, n ? (size_t)n * 2 : 1, size, err);
    if (more && n)
        memcpy(more, old, n * size);
    if (more)
        hl_arena_release(arena, old);
    return more;
}

static hl_shape_count *row_at(const hl_shapes *s, uint32_t row)
{
    return &s->blocks[row / BLOCK][row % BLOCK];
}

static hl_status new_row(hl_shapes *s, const hl_shape_count *count, uint32_t *row, hl_err *err)
{
    if (s->n_rows % BLOCK == 0) {
        uint32_t n = s->n_rows / BLOCK;
        hl_shape_count **blocks = room_for_one(&s->arena, s->blocks, n, sizeof *blocks, err);
        if (!blocks)
            return err->status;
        s->blocks = blocks;
        blocks[n] = hl_graph_array(&s->arena, BLOCK, sizeof **blocks, err);
        if (!blocks[n])
            return err->status;
    }
    *row = s->n_rows++;
    *row_at(s, *row) = *count;
    return HL_OK;
}

/* Adds the snapshot's moment: rows of its own for the shapes that are not as they were. */
static hl_status keep_counts(hl_shapes *s, const hl_shape_count *counts, hl_err *err)
{
    struct hl_shape_moment *moments =
        room_for_one(&s->arena, s->moments, s->n_snaps, sizeof *moments, err);
    if (!moments)
        return err->status;
    s->moments = moments;
    const struct hl_shape_moment *was = s->n_snaps ? &moments[s->n_snaps - 1] : NULL;
    struct hl_shape_moment now = {
        .row = hl_graph_array(&s->arena, s->n_shapes, sizeof *now.row, err), .n = s->n_shapes};
    if (!now.row)
        return err->status;
    for (hl_shape i = 0; i < now.n; i++)
        if (was && i < was->n && !memcmp(row_at(s, was->row[i]), &counts[i], sizeof *counts))
            now.row[i] = was->row[i];
        else if (new_row(s, &counts[i], &now.row[i], err))
            return err->status;
    s->moments[s->n_snaps++] = now;
    return HL_OK;
}

static hl_status shapes_prepare(hl_shapes *s, hl_err *err)
{
    if (s->index)
        return HL_OK;
    s->index = hl_graph_array(&s->arena, 1, sizeof *s->index, err);
    if (!s->index || grow_shapes(s, err))
        return err->status;
    const char *nothing = intern(s, "", err);
    if (!nothing)
        return err->status;
    s->shapes[0] = (hl_shape_info){.edge = nothing, .type = nothing};
    s->n_shapes = 1;
    return HL_OK;
}

static hl_status add_snapshot(adding *a, uint32_t *shape_of, hl_arena *temp)
{
    hl_shapes *s = a->s;
    const hl_snap *snap = a->g->snap;
    hl_node *top = hl_graph_array(temp, s->n_shapes, sizeof *top, a->err);
    hl_shape_count *counts = hl_graph_array(temp, s->n_shapes, sizeof *counts, a->err);
    if (!top || !counts)
        return a->err->status;
    count_nodes(snap, shape_of, counts, top);
    for (hl_shape i = 1; i < s->n_shapes; i++)
        if (counts[i].members)
            counts[i].top_address = hl_snap_address(snap, top[i]);
    sum_trees(s, counts);
    if (keep_counts(s, counts, a->err))
        return a->err->status;
    s->shape_of = shape_of;
    s->n_nodes = snap->nodes;
    return HL_OK;
}

hl_status hl_shapes_add(hl_shapes *s, const hl_graph *g, hl_err *err)
{
    const hl_snap *snap = g->snap;
    if (shapes_prepare(s, err))
        return err->status;
    hl_arena_release(&s->arena, s->shape_of);
    s->shape_of = NULL;
    s->n_nodes = 0;
    hl_arena temp;
    hl_arena_init(&temp);
    adding a = {.s = s,
                .g = g,
                .type_text = hl_graph_array(&temp, snap->n_types, sizeof *a.type_text, err),
                .err = err};
    uint32_t *shape_of = hl_graph_array(&s->arena, snap->nodes, sizeof *shape_of, err);
    hl_status status = a.type_text && shape_of ? HL_OK : err->status;
    for (uint32_t i = 0; !status && i < snap->n_types; i++)
        if (!(a.type_text[i] = intern(s, snap->names[snap->types[i].name], err)))
            status = err->status;
    if (!status)
        status = assign_shapes(&a, shape_of);
    if (!status)
        status = add_snapshot(&a, shape_of, &temp);
    hl_arena_deinit(&temp);
    return status;
}

/* ---- the whole
 * -------------------------------------------------------------------------------------------- */

void hl_shapes_init(hl_shapes *s)
{
    *s = (hl_shapes){0};
    hl_arena_init(&s->arena);
}

void hl_shapes_deinit(hl_shapes *s)
{
    hl_arena_deinit(&s->arena);
    *s = (hl_shapes){0};
}

hl_shape_count hl_shapes_count(const hl_shapes *s, uint32_t snap, hl_shape shape)
{
    const struct hl_shape_moment *m = &s->moments[snap];
    return shape < m->n ? *row_at(s, m->row[shape]) : (hl_shape_count){0};
}

void hl_shape_name(const hl_shapes *s, hl_shape shape, char *buf, size_t size)
{
    const char *edges[DEPTH_MAX + 2];
    uint32_t n = 0;
    for (hl_shape i = shape; i && n < DEPTH_MAX + 2; i = s->shapes[i].parent)
        edges[n++] = s->shapes[i].edge;
    if (!size)
        return;
    size_t at = 0;
    buf[0] = 0;
    while (n) {
        const char *edge = edges[--n];
        size_t length = strlen(edge);
        if (at + length < size) {
            memcpy(buf + at, edge, length + 1);
            at += length;
            continue;
        }
        snprintf(buf + at, size - at, "%s", edge);
        at = size > 3 ? size - 4 : 0;
        while (at && ((unsigned char)buf[at] & 0xc0) == 0x80)
            at--;
        snprintf(buf + at, size - at, "...");
        return;
    }
}
