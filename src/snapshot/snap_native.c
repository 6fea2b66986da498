/* snapshot/snap_native.c: blocks of malloc that are in use, and the native stacks that took them.
 *
 * Room   snapshot; analyser process.
 * Takes  a loader whose names and Python stacks are known.   Gives  modules, native stacks, sites, in
 *        the snapshot's arena. Where malloc was not followed there are none of them. */
#define _GNU_SOURCE
#include "snapshot/snap_load.h"

#include <stdlib.h>

enum { MODULE_BYTES_MIN = 2, NATIVE_BYTES_MIN = 3, SITE_BYTES_MIN = 4 };

static hl_status load_modules(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    uint32_t most;
    s->modules =
        hl_loader_entries(l, HL_COL_MODULE, MODULE_BYTES_MIN, sizeof *s->modules, &r, &most);
    if (!s->modules)
        return l->err->status;
    s->modules[s->n_modules++] = (hl_snap_module){.path = 0};
    while (!hl_column_done(&r) && s->n_modules < most) {
        hl_snap_module m = {.path = hl_column_take_below(&r, s->n_names, &bad)};
        m.id = hl_column_take_below(&r, s->n_names, &bad);
        s->modules[s->n_modules++] = m;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return bad ? hl_loader_corrupt(l, HL_COL_MODULE, "a name that is not in the table",
                                   s->n_modules)
               : HL_OK;
}

static hl_status load_natives(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    uint32_t most;
    s->natives =
        hl_loader_entries(l, HL_COL_NATIVE, NATIVE_BYTES_MIN, sizeof *s->natives, &r, &most);
    if (!s->natives)
        return l->err->status;
    s->natives[s->n_natives++] = (hl_snap_native){.caller = 0};
    while (!hl_column_done(&r) && s->n_natives < most) {
        uint32_t back = hl_column_take_below(&r, s->n_natives, &bad);
        hl_snap_native k = {.caller = back ? s->n_natives - back : 0};
        k.module = hl_column_take_below(&r, s->n_modules, &bad);
        k.at = hl_column_take(&r);
        bad |= !k.module && k.at >= s->n_stacks;
        s->natives[s->n_natives++] = k;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return bad ? hl_loader_corrupt(l, HL_COL_NATIVE,
                                   "a module, a caller or a stack that is not in the table",
                                   s->n_natives)
               : HL_OK;
}

static int by_stack(const void *a, const void *b)
{
    const hl_snap_native_site *x = a, *y = b;
    return (x->stack > y->stack) - (x->stack < y->stack);
}

hl_status hl_loader_native(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    bool bad = false;
    uint32_t most;
    if (load_modules(l) || load_natives(l))
        return l->err->status;
    s->native_sites = hl_loader_entries(l, HL_COL_NATIVE_SITE, SITE_BYTES_MIN,
                                        sizeof *s->native_sites, &r, &most);
    if (!s->native_sites)
        return l->err->status;
    while (!hl_column_done(&r) && s->n_native_sites < most) {
        hl_snap_native_site x = {.stack = hl_column_take_below(&r, s->n_natives, &bad)};
        x.live.blocks = hl_column_take(&r);
        x.live.bytes = hl_column_take(&r);
        x.taken = hl_column_take(&r);
        s->native_sites[s->n_native_sites++] = x;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (s->n_native_sites)
        qsort(s->native_sites, s->n_native_sites, sizeof *s->native_sites, by_stack);
    return bad ? hl_loader_corrupt(l, HL_COL_NATIVE_SITE, "a stack that is not in the table",
                                   s->n_native_sites)
               : HL_OK;
}
