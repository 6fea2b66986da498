/* diagnose/surplus.c: references that nobody has, and references too few, by type, look by look.
 *
 * Room   diagnose; analyser process.
 * Takes  each moment's graph as it passes.   Gives  sums by type; the objects behind one of them.
 * Why    A reference that C code has lost is in no object: the count of its target is higher than
 *        all that was found. So it is of what C holds rightly, and of what the walk does not see
 *        into: at any one moment there are thousands. From look to look their number does not
 *        change, unless some are lost. */
#include "diagnose/surplus.h"

#include <stdlib.h>
#include <string.h>

enum { SHORE = 8 }; /* objects on the way to it */

static uint64_t hash_of(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 0x100000001b3u;
    return h;
}

static const uint64_t OF_A_TYPE = 0xcbf29ce484222325u, OF_A_CLASS = 0x9ae16a3b2f90404fu;

/* A row for each type: the key of its instances, and of itself. */
typedef struct keys {
    const hl_graph *g;
    uint64_t *of_type;  /* by type */
    hl_node *classes;   /* sorted: type objects that are nodes ... */
    uint64_t *of_class; /* ... and theirs */
    uint32_t n_classes;
    hl_node
        *named; /* sorted: what the interpreter and its threads are known to have, once a time */
    uint32_t n_named;
} keys;

typedef struct class_row {
    hl_node node;
    uint64_t key;
} class_row;

static int by_value(const void *a, const void *b)
{
    hl_node x = *(const hl_node *)a, y = *(const hl_node *)b;
    return (x > y) - (x < y);
}

static int by_node(const void *a, const void *b)
{
    hl_node x = ((const class_row *)a)->node, y = ((const class_row *)b)->node;
    return (x > y) - (x < y);
}

static hl_status keys_init(keys *k, hl_arena *arena, const hl_graph *g, hl_err *err)
{
    const hl_snap *s = g->snap;
    *k = (keys){.g = g};
    class_row *rows = hl_arena_array(arena, s->n_types, sizeof *rows);
    k->of_type = hl_arena_array(arena, s->n_types, sizeof *k->of_type);
    k->classes = hl_arena_array(arena, s->n_types, sizeof *k->classes);
    k->of_class = hl_arena_array(arena, s->n_types, sizeof *k->of_class);
    k->named = hl_arena_array(arena, s->n_roots + 1, sizeof *k->named);
    if (!rows || !k->of_type || !k->classes || !k->of_class || !k->named)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to add up references");
    for (uint32_t t = 0; t < s->n_types; t++) {
        const char *name = s->names[s->types[t].name];
        k->of_type[t] = hash_of(OF_A_TYPE, name);
        if (s->types[t].node != HL_NO_NODE)
            rows[k->n_classes++] = (class_row){s->types[t].node, hash_of(OF_A_CLASS, name)};
    }
    if (k->n_classes)
        qsort(rows, k->n_classes, sizeof *rows, by_node);
    for (uint32_t i = 0; i < k->n_classes; i++) {
        k->classes[i] = rows[i].node;
        k->of_class[i] = rows[i].key;
    }
    hl_arena_release(arena, rows);
    for (uint32_t i = 0; i < s->n_roots; i++)
        if ((s->roots[i].kind == HL_ROOT_INTERP || s->roots[i].kind == HL_ROOT_THREAD) &&
            s->roots[i].node != HL_NO_NODE)
            k->named[k->n_named++] = s->roots[i].node;
    if (k->n_named)
        qsort(k->named, k->n_named, sizeof *k->named, by_value);
    return HL_OK;
}

static void keys_deinit(keys *k, hl_arena *arena)
{
    hl_arena_release(arena, k->named);
    hl_arena_release(arena, k->of_class);
    hl_arena_release(arena, k->classes);
    hl_arena_release(arena, k->of_type);
}

static uint64_t key_of(const keys *k, hl_node v)
{
    uint32_t lo = 0, hi = k->n_classes;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (k->classes[mid] < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < k->n_classes && k->classes[lo] == v ? k->of_class[lo]
                                                    : k->of_type[k->g->snap->type[v]];
}

/* The excess of the i-th uneven node that nobody is known to have; 0: none. */
static int64_t unexplained(const keys *k, uint32_t i, hl_node *v)
{
    int64_t excess;
    *v = hl_graph_uneven(k->g, i, &excess);
    if (k->g->from[*v] == HL_HOLD_STRAY || k->g->from[*v] == HL_HOLD_CYCLE)
        return 0;
    uint32_t lo = 0, hi = k->n_named;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (k->named[mid] < *v)
            lo = mid + 1;
        else
            hi = mid;
    }
    while (excess > 0 && lo < k->n_named && k->named[lo++] == *v)
        excess--;
    return excess;
}

/* ---- a moment ---------------------------------------------------------------------------------
 */

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const hl_surplus *)a)->key, y = ((const hl_surplus *)b)->key;
    return (x > y) - (x < y);
}

static hl_surplus *slot_of(hl_surplus *rows, uint32_t room, uint64_t key)
{
    uint32_t at = (uint32_t)(key >> 20) & (room - 1);
    while (rows[at].key && rows[at].key != key)
        at = (at + 1) & (room - 1);
    return &rows[at];
}

/* Whose the island is that v lies in, if it lies near its shore; HL_NO_NODE: it lies in the program's heap,
 * or far from what C holds. */
static hl_node island_of(const hl_graph *g, hl_node v)
{
    for (unsigned i = 0; i < SHORE; i++, v = g->parent[v])
        if (g->parent[v] == HL_NO_NODE)
            return g->from[v] == HL_HOLD_C ? v : HL_NO_NODE;
    return HL_NO_NODE;
}

/* Counts the objects that may hold others unseen; each with those whose island it lies in. */
static uint64_t count_opaque(const keys *k, hl_surplus *rows, uint32_t room)
{
    const hl_snap *s = k->g->snap;
    uint64_t n = 0;
    for (hl_node v = 0; v < s->nodes; v++) {
        if (!(s->flag[v] & HL_NODE_OPAQUE) || k->g->parent[v] == HL_NO_NODE)
            continue;
        n++;
        hl_node of = island_of(k->g, v);
        hl_surplus *row = of == HL_NO_NODE ? NULL : slot_of(rows, room, key_of(k, of));
        if (row && row->key)
            row->own++;
    }
    return n;
}

hl_status hl_surplus_note(hl_case *c, hl_moment *m, const hl_graph *g, hl_err *err)
{
    keys k;
    uint32_t room = 64, n = 0;
    while (room < 4 * g->snap->n_types + 4)
        room *= 2;
    if (keys_init(&k, &c->scratch, g, err))
        return err->status;
    hl_surplus *rows = hl_arena_array(&c->scratch, room, sizeof *rows);
    if (!rows)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to add up references");
    for (uint32_t i = 0; i < g->n_uneven; i++) {
        hl_node v;
        int64_t excess = unexplained(&k, i, &v);
        if (!excess)
            continue;
        uint64_t key = key_of(&k, v);
        hl_surplus *row = slot_of(rows, room, key);
        n += !row->key;
        row->key = key;
        *(excess > 0 ? &row->lost : &row->given) += (uint64_t)(excess > 0 ? excess : -excess);
    }
    m->opaque = count_opaque(&k, rows, room);
    m->surplus = hl_arena_array(&c->scratch, n ? n : 1, sizeof *m->surplus);
    if (!m->surplus)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to add up references");
    for (uint32_t i = 0; i < room; i++)
        if (rows[i].key)
            m->surplus[m->n_surplus++] = rows[i];
    if (n)
        qsort(m->surplus, n, sizeof *m->surplus, by_key);
    hl_arena_release(&c->scratch, rows);
    keys_deinit(&k, &c->scratch);
    return HL_OK;
}

hl_surplus hl_surplus_in(const hl_moment *m, uint64_t key)
{
    hl_surplus wanted = {.key = key};
    const hl_surplus *found =
        m->n_surplus ? bsearch(&wanted, m->surplus, m->n_surplus, sizeof wanted, by_key) : NULL;
    return found ? *found : wanted;
}

/* ---- the objects ------------------------------------------------------------------------------
 */

static int by_address(const void *a, const void *b)
{
    uint64_t x = ((const hl_surplus_node *)a)->address, y = ((const hl_surplus_node *)b)->address;
    return (x > y) - (x < y);
}

hl_status hl_surplus_nodes(hl_case *c, const hl_graph *g, uint64_t key, hl_surplus_node **out,
                           uint32_t *n, hl_err *err)
{
    keys k;
    if (keys_init(&k, &c->scratch, g, err))
        return err->status;
    *n = 0;
    *out = hl_arena_array(&c->scratch, g->n_uneven + 1, sizeof **out);
    if (!*out)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u objects", g->n_uneven);
    for (uint32_t i = 0; i < g->n_uneven; i++) {
        hl_node v;
        int64_t excess = unexplained(&k, i, &v);
        if (excess && key_of(&k, v) == key)
            (*out)[(*n)++] = (hl_surplus_node){v, hl_snap_address(g->snap, v), excess};
    }
    if (*n)
        qsort(*out, *n, sizeof **out, by_address);
    keys_deinit(&k, &c->scratch);
    return HL_OK;
}
