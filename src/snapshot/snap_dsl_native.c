/* snapshot/snap_dsl_native.c: blocks of malloc in a drawn heap.
 *
 * Room   snapshot; tests only; malloc, abort without memory. snap_dsl.h says how heaps are drawn.
 */
#define _GNU_SOURCE
#include "snapshot/snap_dsl_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t module_index(dsl_heap *h, hl_snap_module m)
{
    for (size_t i = 0; i < h->modules.n; i++) {
        const hl_snap_module *x = DSL_AT(h->modules, hl_snap_module, i);
        if (x->path == m.path && x->id == m.id)
            return (uint32_t)i + 1;
    }
    *(hl_snap_module *)dsl_push(&h->modules, sizeof m) = m;
    return (uint32_t)h->modules.n;
}

static uint32_t native_index(dsl_heap *h, hl_snap_native k)
{
    for (size_t i = 0; i < h->natives.n; i++) {
        const hl_snap_native *x = DSL_AT(h->natives, hl_snap_native, i);
        if (x->caller == k.caller && x->module == k.module && x->at == k.at)
            return (uint32_t)i + 1;
    }
    *(hl_snap_native *)dsl_push(&h->natives, sizeof k) = k;
    return (uint32_t)h->natives.n;
}

/* PATH[:BUILDID]+OFFSET */
static bool take_place(dsl_parser *p, char *text, uint32_t *module, uint64_t *at)
{
    char *plus = strrchr(text, '+'), *end = NULL;
    if (!plus)
        return false;
    *at = strtoull(plus + 1, &end, 0);
    *plus = 0;
    char *id = strchr(text, ':');
    hl_snap_module m = {.id = id ? dsl_name(p->h, id + 1, strlen(id + 1)) : 0};
    m.path = dsl_name(p->h, text, id ? (size_t)(id - text) : strlen(text));
    *module = module_index(p->h, m);
    return end != plus + 1 && !*end;
}

/* PATH[:BUILDID]+OFFSET; or, outermost, a Python stack, or "-": nobody in Python called. */
static bool take_frame(dsl_parser *p, char *text, uint32_t caller, uint32_t *out)
{
    hl_snap_native k = {.caller = caller};
    *out = 0;
    if (!strcmp(text, "-"))
        return !caller;
    if (!strrchr(text, '+')) {
        uint32_t stack = 0;
        if (caller || dsl_stack(p, text, &stack))
            return false;
        k.at = stack;
        *out = native_index(p->h, k);
        return true;
    }
    bool fine = take_place(p, text, &k.module, &k.at);
    *out = native_index(p->h, k);
    return fine;
}

static hl_status native_stack(dsl_parser *p, const char *text, uint32_t *out)
{
    char *all = dsl_copy(text, strlen(text)), *rest = all, *item;
    bool fine = true;
    *out = 0;
    while (fine && (item = strsep(&rest, "|")))
        fine = take_frame(p, item, *out, out);
    free(all);
    return fine && *out
               ? HL_OK
               : dsl_complain(p, "'%s' is no native stack: PYTHON|PATH[:ID]+OFFSET|...", text);
}

static bool take_amount(const char *text, hl_amount *out)
{
    unsigned long long blocks = 0, bytes = 0;
    bool fine = sscanf(text, "%llu:%llu", &blocks, &bytes) == 2;
    *out = (hl_amount){blocks, bytes};
    return fine;
}

/* TYPE or "-", and what follows a colon. */
static const char *take_type(dsl_parser *p, const char *text, uint32_t *type1)
{
    const char *colon = strchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : strlen(text);
    *type1 = n == 1 && *text == '-' ? 0 : dsl_type_index(p->h, text, n) + 1;
    return colon ? colon + 1 : "";
}

static bool take_hold(dsl_parser *p, const char *word, hl_snap_hold *out)
{
    const char *data = dsl_value(word, "data"), *objects = dsl_value(word, "objects");
    const char *stacks = dsl_value(word, "stacks"), *others = dsl_value(word, "others");
    if (data) {
        const char *comma = strchr(data, ',');
        char *place = dsl_copy(data, comma ? (size_t)(comma - data) : strlen(data));
        out->by.kind = HL_HOLD_DATA;
        bool fine = take_place(p, place, &out->by.which, &out->by.at);
        free(place);
        return fine && (!comma || take_amount(comma + 1, &out->amount));
    }
    if (objects) {
        out->by.kind = HL_HOLD_OBJECT;
        return take_amount(take_type(p, objects, &out->by.which), &out->amount);
    }
    out->by.kind = stacks ? HL_HOLD_STACK : HL_HOLD_OTHER;
    return (stacks || others) && take_amount(stacks ? stacks : others, &out->amount);
}

hl_status dsl_native_line(dsl_parser *p)
{
    hl_snap_native_site site = {.stack = 0};
    if (p->n_words < 2)
        return dsl_complain(p, "native STACK");
    if (native_stack(p, p->words[1], &site.stack))
        return p->err->status;
    for (unsigned i = 2; i < p->n_words; i++) {
        const char *v = dsl_value(p->words[i], "live"), *lost = dsl_value(p->words[i], "lost");
        bool bad = false;
        hl_snap_hold hold = {.stack = site.stack};
        hl_snap_lost gone = {.stack = site.stack};
        if (v)
            bad = !take_amount(v, &site.live);
        else if (lost)
            bad = !take_amount(take_type(p, lost, &gone.type1), &gone.amount);
        else if (take_hold(p, p->words[i], &hold))
            *(hl_snap_hold *)dsl_push(&p->h->holds, sizeof hold) = hold;
        else
            bad = !dsl_numeric(p->words[i], "taken", &site.taken, &bad) || bad;
        if (bad)
            return dsl_complain(p, "'%s' says nothing about blocks of malloc", p->words[i]);
        if (lost && gone.amount.blocks)
            *(hl_snap_lost *)dsl_push(&p->h->losts, sizeof gone) = gone;
    }
    *(hl_snap_native_site *)dsl_push(&p->h->native_sites, sizeof site) = site;
    return HL_OK;
}

hl_status dsl_lost_line(dsl_parser *p)
{
    hl_snap_lost lost = {.stack = 0};
    if (p->n_words != 4)
        return dsl_complain(p, "lostsite STACK TYPE BLOCKS:BYTES");
    if (strcmp(p->words[1], "-") && dsl_stack(p, p->words[1], &lost.stack))
        return p->err->status;
    if (*take_type(p, p->words[2], &lost.type1) || !take_amount(p->words[3], &lost.amount))
        return dsl_complain(p, "'%s' is nothing that is lost", p->words[3]);
    if (lost.amount.blocks)
        *(hl_snap_lost *)dsl_push(&p->h->lost_sites, sizeof lost) = lost;
    return HL_OK;
}

hl_status dsl_held_line(dsl_parser *p)
{
    hl_snap_hold hold = {.stack = 0};
    hl_snap_held held = {.node = 0};
    if (p->n_words != 3 || !take_hold(p, p->words[2], &hold) || hold.by.kind != HL_HOLD_DATA)
        return dsl_complain(p, "heldby NODE data=PATH+ADDRESS");
    held.by = hold.by;
    uint32_t first, count;
    if (dsl_nodes(p, p->words[1], &first, &count))
        return p->err->status;
    for (uint32_t i = 0; i < count; i++) { /* one after the other */
        held.node = first + i;
        *(hl_snap_held *)dsl_push(&p->h->helds, sizeof held) = held;
        held.by.at += sizeof(uint64_t);
    }
    return HL_OK;
}

hl_status dsl_nobody_line(dsl_parser *p)
{
    uint32_t first, count;
    if (p->n_words != 2)
        return dsl_complain(p, "nobodys NODE");
    if (dsl_nodes(p, p->words[1], &first, &count))
        return p->err->status;
    for (uint32_t i = 0; i < count; i++)
        *(hl_node *)dsl_push(&p->h->nobodys, sizeof(hl_node)) = first + i;
    return HL_OK;
}

static void put_amount(hl_snap_writer *w, enum hl_snap_column c, const hl_amount *a)
{
    hl_snap_put(w, c, a->blocks);
    hl_snap_put(w, c, a->bytes);
}

static void put_losts(const dsl_vec *all, hl_snap_writer *w, enum hl_snap_column c)
{
    for (size_t i = 0; i < all->n; i++) {
        const hl_snap_lost *x = DSL_AT(*all, hl_snap_lost, i);
        hl_snap_put(w, c, x->stack);
        hl_snap_put(w, c, x->type1);
        put_amount(w, c, &x->amount);
    }
}

static void put_by(hl_snap_writer *w, enum hl_snap_column c, const hl_snap_hold_by *by)
{
    hl_snap_put(w, c, by->kind);
    hl_snap_put(w, c, by->which);
    hl_snap_put(w, c, by->at);
}

static void put_marks(const dsl_heap *h, hl_snap_writer *w)
{
    put_losts(&h->losts, w, HL_COL_LOST);
    put_losts(&h->lost_sites, w, HL_COL_LOST_SITE);
    for (size_t i = 0; i < h->holds.n; i++) {
        const hl_snap_hold *x = DSL_AT(h->holds, hl_snap_hold, i);
        hl_snap_put(w, HL_COL_HOLD, x->stack);
        put_by(w, HL_COL_HOLD, &x->by);
        put_amount(w, HL_COL_HOLD, &x->amount);
    }
    for (size_t i = 0; i < h->helds.n; i++) {
        const hl_snap_held *x = DSL_AT(h->helds, hl_snap_held, i);
        hl_snap_put_delta(w, HL_COL_HELD, DSL_AT(h->nodes, dsl_node, x->node)->prov);
        put_by(w, HL_COL_HELD, &x->by);
    }
    for (size_t i = 0; i < h->nobodys.n; i++)
        hl_snap_put_delta(w, HL_COL_NOBODY,
                          DSL_AT(h->nodes, dsl_node, *DSL_AT(h->nobodys, hl_node, i))->prov);
}

void dsl_put_natives(const dsl_heap *h, hl_snap_writer *w)
{
    for (size_t i = 0; i < h->modules.n; i++) {
        const hl_snap_module *m = DSL_AT(h->modules, hl_snap_module, i);
        hl_snap_put(w, HL_COL_MODULE, m->path);
        hl_snap_put(w, HL_COL_MODULE, m->id);
    }
    for (size_t i = 0; i < h->natives.n; i++) {
        const hl_snap_native *k = DSL_AT(h->natives, hl_snap_native, i);
        hl_snap_put(w, HL_COL_NATIVE, k->caller ? i + 1 - k->caller : 0);
        hl_snap_put(w, HL_COL_NATIVE, k->module);
        hl_snap_put(w, HL_COL_NATIVE, k->at);
    }
    for (size_t i = 0; i < h->native_sites.n; i++) {
        const hl_snap_native_site *x = DSL_AT(h->native_sites, hl_snap_native_site, i);
        hl_snap_put(w, HL_COL_NATIVE_SITE, x->stack);
        hl_snap_put(w, HL_COL_NATIVE_SITE, x->live.blocks);
        hl_snap_put(w, HL_COL_NATIVE_SITE, x->live.bytes);
        hl_snap_put(w, HL_COL_NATIVE_SITE, x->taken);
    }
    put_marks(h, w);
}
