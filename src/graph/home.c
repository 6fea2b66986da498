/* graph/home.c: which module an object is at home in, when several bind it.
 *
 * Room   graph; analyser process; one pass over the namespaces of modules, after reach.c.
 * Takes  hl_graph with its chain tree.   Gives  better parents among equals.
 * Knows  base, snapshot.
 * Method `from app import cache` puts one object into two modules at one cost. Its home is the
 *        module whose functions rebind the name or store into it; for a class or function, the one
 *        it was defined in; else the one that comes first in sys.modules. */
#include "graph/graph_parts.h"

#include <stdlib.h>
#include <string.h>

typedef struct namespace
{
    hl_node dict, module;
    const char *name; /* borrowed: snap */
    uint32_t order;   /* in sys.modules */
}
namespace;

typedef struct claim { /* functions of this namespace write to this global */
    hl_node dict;
    hl_name name;
    uint32_t weight;
} claim;

typedef struct class_row {
    hl_node node;
    uint32_t type;
} class_row;

typedef struct homes {
    hl_graph *g;
    namespace *all; /* sorted by dict */
    uint32_t n;
    claim *claims; /* sorted by dict, name */
    uint32_t n_claims;
    class_row *classes; /* sorted by node */
    uint32_t n_classes;
} homes;

enum { WEIGHT_STORES = 1, WEIGHT_DEFINED = 2, WEIGHT_REBINDS = 4 };

static int by_dict(const void *x, const void *y)
{
    const namespace *a = x, *b = y;
    return a->dict < b->dict ? -1 : a->dict > b->dict;
}

static int by_claim(const void *x, const void *y)
{
    const claim *a = x, *b = y;
    if (a->dict != b->dict)
        return a->dict < b->dict ? -1 : 1;
    return a->name < b->name ? -1 : a->name > b->name;
}

static int by_class(const void *x, const void *y)
{
    const class_row *a = x, *b = y;
    return a->node < b->node ? -1 : a->node > b->node;
}

static const namespace *namespace_of(const homes *h, hl_node dict)
{
    namespace key = {.dict = dict};
    return bsearch(&key, h->all, h->n, sizeof key, by_dict);
}

static hl_status list_namespaces(homes *h, hl_arena *temp, hl_err *err)
{
    const hl_snap *s = h->g->snap;
    h->all = hl_graph_array(temp, s->n_roots, sizeof *h->all, err);
    if (!h->all)
        return err->status;
    for (uint32_t i = 0; i < s->n_roots; i++) {
        const hl_snap_root *root = &s->roots[i];
        if (root->kind != HL_ROOT_MODULE)
            continue;
        hl_node dict = hl_follow_role(h->g, root->node, HL_NAME_DICT);
        if (dict != HL_NO_NODE && h->g->parent[dict] == root->node)
            h->all[h->n++] = (namespace){
                .dict = dict, .module = root->node, .name = s->names[root->name], .order = i};
    }
    qsort(h->all, h->n, sizeof *h->all, by_dict);
    uint32_t kept = 0; /* a module under two names: the first counts */
    for (uint32_t i = 0; i < h->n; i++)
        if (!kept || h->all[kept - 1].dict != h->all[i].dict)
            h->all[kept++] = h->all[i];
        else if (h->all[i].order < h->all[kept - 1].order)
            h->all[kept - 1] = h->all[i];
    h->n = kept;
    return HL_OK;
}

static uint32_t weight_of(const hl_snap_use *use)
{
    if (use->scope != HL_SCOPE_GLOBAL)
        return 0;
    if (use->bits & HL_USE_REBIND)
        return WEIGHT_REBINDS;
    return use->bits & (HL_USE_STORE | HL_USE_ADD) ? WEIGHT_STORES : 0;
}

/* Calls out of this pass: fills h->claims if there is room; returns how many there are. */
static uint32_t gather_claims(homes *h, claim *out)
{
    const hl_graph *g = h->g;
    const hl_snap *s = g->snap;
    uint32_t n = 0;
    for (hl_node v = 0; v < s->nodes; v++) {
        if (hl_role(g, v) != HL_ROLE_FUNCTION)
            continue;
        hl_node code = hl_follow_role(g, v, HL_NAME_CODE);
        const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(s, code);
        if (!row || !row->n_uses)
            continue;
        hl_node dict = hl_follow_role(g, v, HL_NAME_GLOBALS);
        for (uint32_t i = row->uses; dict != HL_NO_NODE && i < row->uses + row->n_uses; i++) {
            uint32_t weight = weight_of(&s->uses[i]);
            if (!weight)
                continue;
            if (out)
                out[n] = (claim){.dict = dict, .name = s->uses[i].name, .weight = weight};
            n++;
        }
    }
    return n;
}

static hl_status list_claims(homes *h, hl_arena *temp, hl_err *err)
{
    if (!h->g->snap->n_uses)
        return HL_OK;
    uint32_t n = gather_claims(h, NULL);
    h->claims = hl_graph_array(temp, n, sizeof *h->claims, err);
    if (!h->claims)
        return err->status;
    gather_claims(h, h->claims);
    qsort(h->claims, n, sizeof *h->claims, by_claim);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (kept && !by_claim(&h->claims[kept - 1], &h->claims[i]))
            h->claims[kept - 1].weight |= h->claims[i].weight;
        else
            h->claims[kept++] = h->claims[i];
    h->n_claims = kept;
    return HL_OK;
}

static hl_status list_classes(homes *h, hl_arena *temp, hl_err *err)
{
    const hl_snap *s = h->g->snap;
    h->classes = hl_graph_array(temp, s->n_types, sizeof *h->classes, err);
    if (!h->classes)
        return err->status;
    for (uint32_t i = 0; i < s->n_types; i++)
        if (s->types[i].node != HL_NO_NODE)
            h->classes[h->n_classes++] = (class_row){.node = s->types[i].node, .type = i};
    qsort(h->classes, h->n_classes, sizeof *h->classes, by_class);
    return HL_OK;
}

static uint32_t weight_in(const homes *h, const namespace *in, hl_node v, hl_label key)
{
    const hl_graph *g = h->g;
    const hl_snap *s = g->snap;
    claim wanted = {.dict = in->dict, .name = hl_label_value(key)};
    const claim *c =
        h->n_claims ? bsearch(&wanted, h->claims, h->n_claims, sizeof wanted, by_claim) : NULL;
    uint32_t weight = c ? c->weight : 0;
    enum hl_type_role role = hl_role(g, v);
    if (role == HL_ROLE_FUNCTION && hl_follow_role(g, v, HL_NAME_GLOBALS) == in->dict)
        weight += WEIGHT_DEFINED;
    class_row row = {.node = v};
    const class_row *found =
        role != HL_ROLE_TYPE ? NULL : bsearch(&row, h->classes, h->n_classes, sizeof row, by_class);
    if (found) {
        const char *name = s->names[s->types[found->type].name];
        size_t n = strlen(in->name);
        if (!strncmp(name, in->name, n) && name[n] == '.' && !strchr(name + n + 1, '.'))
            weight += WEIGHT_DEFINED;
    }
    return weight;
}

/* Does `in` win v over the namespace its chain goes through now? */
static bool is_better_home(const homes *h, const namespace *in, hl_node v, hl_label key)
{
    const hl_graph *g = h->g;
    const namespace *now = namespace_of(h, g->parent[v]);
    if (!now || hl_label_kind(g->via[v]) != HL_LABEL_KEY || now == in)
        return false;
    uint32_t a = weight_in(h, in, v, key), b = weight_in(h, now, v, g->via[v]);
    return a != b ? a > b : in->order < now->order;
}

hl_status hl_reach_homes(hl_graph *g, hl_err *err)
{
    const hl_snap *s = g->snap;
    hl_arena temp;
    hl_arena_init(&temp);
    homes h = {.g = g};
    if (list_namespaces(&h, &temp, err) || list_claims(&h, &temp, err) ||
        list_classes(&h, &temp, err)) {
        hl_arena_deinit(&temp);
        return err->status;
    }
    for (uint32_t i = 0; i < h.n; i++) {
        hl_node dict = h.all[i].dict;
        for (uint32_t e = s->off[dict]; e < s->off[dict + 1]; e++) {
            hl_node v = s->dst[e];
            hl_label key = s->label[e];
            if (hl_label_kind(key) != HL_LABEL_KEY || g->parent[v] == dict ||
                g->parent[v] == HL_NO_NODE || !is_better_home(&h, &h.all[i], v, key))
                continue;
            g->parent[v] = dict;
            g->via[v] = key;
        }
    }
    hl_arena_deinit(&temp);
    return HL_OK;
}
