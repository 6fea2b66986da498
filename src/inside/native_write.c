/* inside/native_write.c: blocks of malloc that are in use, each or as samples tell, as columns of a
 * snapshot.
 *
 * Room   inside; the cloned child; memory from rt's pages.
 * Takes  the preloaded library's tables.   Gives  columns MODULE, NATIVE and NATIVE_SITE, the NATIVE
 *        fields of END.
 * Method as the walk comes to objects, their blocks are taken out of the map; what is left is added up by
 *        site. Samples are only of what C code asks for itself. Sites with any get numbers, callers first.
 * Knows  the tracker, the walk, snap_write.  Must not know  symbols. */
#include "inside/track_engine.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/mark_write.h"
#include "inside/native_here.h"
#include "inside/resident.h"
#include "inside/track_write.h"

#include <string.h>

typedef struct sums {
    uint64_t blocks, bytes, taken;
} sums;

typedef struct hl_native_writing {
    hl_walk *w;
    const hl_native *n;
    uint32_t n_sites;
    sums *of;            /* by site */
    uint32_t *number_of; /* of a site; 0: none yet */
    uint32_t *chain;
    uint32_t *module_of;
    uint32_t n_numbers, n_modules;
    size_t (*usable)(void *); /* what malloc says; NULL: nothing */
} writing;

/* ---- numbers ----------------------------------------------------------------------------------- */

static uint32_t module_number(writing *x, uint32_t module)
{
    if (x->module_of[module])
        return x->module_of[module];
    static const char digits[] = "0123456789abcdef";
    const hl_module *m = &x->n->modules->list[module];
    char id[2 * HL_MODULE_ID_MAX];
    for (uint32_t i = 0; i < m->id_bytes; i++) {
        id[2 * i] = digits[m->id[i] >> 4];
        id[2 * i + 1] = digits[m->id[i] & 15];
    }
    hl_snap_writer *out = &x->w->out;
    size_t path = strlen(m->path), hex = 2 * (size_t)m->id_bytes;
    hl_snap_put(out, HL_COL_MODULE, path ? hl_name_text(x->w, m->path, path) : 0);
    hl_snap_put(out, HL_COL_MODULE, hex ? hl_name_text(x->w, id, hex) : 0);
    return x->module_of[module] = ++x->n_modules;
}

static uint32_t number_below(writing *x, uint32_t caller, const hl_site *s)
{
    hl_snap_writer *out = &x->w->out;
    uint32_t module = s->code == HL_MODULE_PYTHON ? 0 : module_number(x, s->code);
    uint64_t at = module ? s->offset : hl_makers_stack(x->w, s->offset);
    hl_snap_put(out, HL_COL_NATIVE, caller ? ++x->n_numbers - caller : (++x->n_numbers, 0));
    hl_snap_put(out, HL_COL_NATIVE, module);
    hl_snap_put(out, HL_COL_NATIVE, at);
    return x->n_numbers;
}

static uint32_t number_of(writing *x, uint32_t site)
{
    size_t n = 0;
    for (; site && !x->number_of[site]; site = hl_site_of(x->n->sites, site)->parent)
        x->chain[n++] = site;
    uint32_t number = site ? x->number_of[site] : 0;
    while (n) {
        site = x->chain[--n];
        number = x->number_of[site] = number_below(x, number, hl_site_of(x->n->sites, site));
    }
    return number;
}

uint32_t hl_native_number(hl_native_writing *x, uint32_t site)
{
    return number_of(x, site);
}

uint32_t hl_native_module(hl_native_writing *x, uint32_t module)
{
    return module_number(x, module);
}

/* ---- blocks ------------------------------------------------------------------------------------ */

static void add_sample(writing *x, const hl_sample *s)
{
    enum { HEAD = sizeof(size_t) };
    double mean = x->n->samples->mean;
    uint32_t site = hl_native_site(s->by);
    if (site >= x->n_sites)
        return;
    uint64_t blocks = hl_sample_blocks(s->size, mean), size = s->size - HL_NATIVE_HEAD;
    uint64_t usable = x->usable ? x->usable((void *)s->at) : 0;
    uint64_t taken = usable >= size ? usable + HEAD : s->size;
    x->of[site].blocks += blocks;
    x->of[site].bytes += size * blocks / HL_WEIGHT_ONE;
    x->of[site].taken += taken * blocks / HL_WEIGHT_ONE;
}

uint64_t hl_native_mapped(const hl_mapping *m)
{
    return hl_native_is_sampled() ? hl_resident_between(m->from, m->end) : m->end - m->from;
}

static void add_mapping(writing *x, const hl_mapping *m)
{
    uint32_t site = hl_native_site(m->by);
    if (site >= x->n_sites)
        return;
    uint64_t bytes = hl_native_mapped(m);
    x->of[site].blocks += hl_native_is_sampled() ? HL_WEIGHT_ONE : 1;
    x->of[site].bytes += bytes;
    x->of[site].taken += bytes;
}

static void add(void *to, uintptr_t at, uint64_t by, uint64_t size)
{
    enum { HEAD = sizeof(size_t) };
    writing *x = to;
    uint32_t site = hl_native_site(by);
    if (site >= x->n_sites)
        return;
    uint64_t usable = x->usable ? x->usable((void *)at) : 0;
    x->of[site].blocks++;
    x->of[site].bytes += size;
    x->of[site].taken += usable >= size ? usable + HEAD : size;
}

/* The interpreter's debugging allocators put 16 bytes before a block, and one of them may ask another:
 * what lies so far before it is the same block if it reaches to its end. */
void hl_native_held(const void *block, uint64_t size)
{
    enum { DEBUG_HEAD = 16, DEBUG_HEADS = 2 };
    const hl_native *n = hl_native_followed();
    for (unsigned i = 0; n && !n->samples->mean && i <= DEBUG_HEADS; i++) {
        uintptr_t at = (uintptr_t)block - (uintptr_t)i * DEBUG_HEAD;
        const uint64_t *word = hl_live_word(n->live, at);
        if (!word || !*word) /* to write there would make the page ours for nothing */
            continue;
        if (hl_live_look(n->live, at).size >= size + (uint64_t)i * DEBUG_HEAD)
            (void)hl_live_take(n->live, at);
        return;
    }
}

bool hl_native_is_held(const hl_native *n, uintptr_t block)
{
    return !hl_live_look(n->live, block).by;
}

void hl_native_write(hl_walk *w, hl_fields *end)
{
    const hl_native *n = hl_native_followed();
    if (!n)
        return;
    writing x = {.w = w, .n = n, .n_sites = n->sites->n};
    x.of = hl_walk_pages(w, (x.n_sites + 1) * sizeof *x.of);
    x.number_of = hl_walk_pages(w, (x.n_sites + 1) * sizeof *x.number_of);
    x.chain = hl_walk_pages(w, (x.n_sites + 1) * sizeof *x.chain);
    x.module_of = hl_walk_pages(w, HL_MODULES_MAX * sizeof *x.module_of);
    x.usable = hl_native_usable;
    bool sampled = n->samples->mean > 0;
    if (!sampled)
        hl_live_walk(n->live, add, &x);
    for (uint32_t i = 0; i < n->mappings->n; i++)
        add_mapping(&x, &n->mappings->of[i]);
    for (size_t i = 0; sampled && (i = hl_samples_next(n->samples, i)) < HL_SAMPLES_ROOM; i++)
        add_sample(&x, hl_samples_at(n->samples, i));
    for (uint32_t site = 0; site < x.n_sites; site++) {
        if (!x.of[site].blocks)
            continue;
        uint32_t number = number_of(&x, site);
        hl_snap_put(&w->out, HL_COL_NATIVE_SITE, number);
        hl_snap_put(&w->out, HL_COL_NATIVE_SITE,
                    sampled ? (x.of[site].blocks + HL_WEIGHT_ONE / 2) / HL_WEIGHT_ONE
                            : x.of[site].blocks);
        hl_snap_put(&w->out, HL_COL_NATIVE_SITE, x.of[site].bytes);
        hl_snap_put(&w->out, HL_COL_NATIVE_SITE, x.of[site].taken);
    }
    if (w->marking)
        hl_mark_write(w, &x, end);
    hl_field_uint(end, HL_SNAP_NATIVE, sampled ? HL_FOLLOWED_SAMPLED : HL_FOLLOWED_EXACT);
    if (sampled)
        hl_field_uint(end, HL_SNAP_NATIVE_RATE, (uint64_t)n->samples->mean);
    hl_field_uint(end, HL_SNAP_NATIVE_DROPPED,
                  n->live->lost + n->samples->dropped + n->mappings->lost + n->sites->lost +
                      n->modules->lost);
}
