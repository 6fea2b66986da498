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

/* PATH[:BUILDID]+OFFSET; or, outermost, a Python stack, or "-": nobody in Python called. */
static bool take_frame(dsl_parser *p, char *text, uint32_t caller, uint32_t *out)
{
    hl_snap_native k = {.caller = caller};
    char *plus = strrchr(text, '+'), *end = NULL;
    *out = 0;
    if (!strcmp(text, "-"))
        return !caller;
    if (!plus) {
        uint32_t stack = 0;
        if (caller || dsl_stack(p, text, &stack))
            return false;
        k.at = stack;
        *out = native_index(p->h, k);
        return true;
    }
    k.at = strtoull(plus + 1, &end, 0);
    *plus = 0;
    char *id = strchr(text, ':');
    hl_snap_module m = {.id = id ? dsl_name(p->h, id + 1, strlen(id + 1)) : 0};
    m.path = dsl_name(p->h, text, id ? (size_t)(id - text) : strlen(text));
    k.module = module_index(p->h, m);
    *out = native_index(p->h, k);
    return end != plus + 1 && !*end;
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

hl_status dsl_native_line(dsl_parser *p)
{
    hl_snap_native_site site = {.stack = 0};
    if (p->n_words < 2)
        return dsl_complain(p, "native STACK");
    if (native_stack(p, p->words[1], &site.stack))
        return p->err->status;
    for (unsigned i = 2; i < p->n_words; i++) {
        const char *v = dsl_value(p->words[i], "live");
        bool bad = false;
        unsigned long long blocks = 0, bytes = 0;
        if (v)
            bad = sscanf(v, "%llu:%llu", &blocks, &bytes) != 2;
        else
            bad = !dsl_numeric(p->words[i], "taken", &site.taken, &bad) || bad;
        if (bad)
            return dsl_complain(p, "'%s' says nothing about blocks of malloc", p->words[i]);
        if (v)
            site.live = (hl_amount){blocks, bytes};
    }
    *(hl_snap_native_site *)dsl_push(&p->h->native_sites, sizeof site) = site;
    return HL_OK;
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
}
