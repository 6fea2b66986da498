/* diagnose/native_kept.c: whose the memory outside of all objects is, in an ordinary run.
 *
 * Room   diagnose; parts of one snapshot at a time.
 * Takes  samples of malloc by native stack (inside/native_write.c), at the first and the last look at work
 *        that have them.   Gives  in words, who asked for most of what came: the function, its library and
 *        the line of Python that called.
 * Method What a library's stacks have in use is added up: a leak of one function has as many stacks as
 *        there are ways to it. Of the library that gained most the stack that gained most is told. */
#include "diagnose/native_kept.h"

#include "base/words.h"
#include "diagnose/native_sites.h"

#include <string.h>

enum { LEAST_SHARE = 2 }; /* half of what came is that library's */

typedef struct look {
    hl_snap *snap;
    hl_native_moment sums;
} look;

typedef struct gain {
    uint64_t bytes, all; /* bytes: of the library; all: of all of them */
    uint32_t stack;      /* the one that gained most, in the last look */
} gain;

static bool has_samples(const hl_case *c, uint32_t moment)
{
    return c->moments[moment].info.tracking.native == HL_FOLLOWED_SAMPLED;
}

static hl_status read(const hl_case *c, uint32_t moment, hl_arena *arena, look *out, hl_err *err)
{
    const hl_moment *m = &c->moments[moment];
    err->status = HL_OK;
    if (hl_snap_load_parts(m->run, m->index, HL_PART_SITES, &out->snap, err))
        return err->status;
    return hl_native_add_up(out->snap, arena, &out->sums, err);
}

static const char *library_of(const look *l, uint32_t stack)
{
    const hl_snap *s = l->snap;
    return s->names[s->modules[s->natives[hl_native_asker(s, stack)].module].path];
}

static uint64_t in_use(const look *l, const char *library)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < l->sums.n; i++)
        if (!library || !strcmp(library_of(l, l->sums.sums[i].stack), library))
            bytes += l->sums.sums[i].live.bytes;
    return bytes;
}

static uint64_t above(uint64_t is, uint64_t was)
{
    return is > was ? is - was : 0;
}

static gain worst(const look *first, const look *last)
{
    gain g = {.all = above(in_use(last, NULL), in_use(first, NULL))};
    uint64_t of_stack = 0;
    for (uint32_t i = 0; i < last->sums.n; i++) {
        const hl_native_sum *x = &last->sums.sums[i], *was = hl_native_sum_of(&first->sums, x->key);
        uint64_t came = above(x->live.bytes, was ? was->live.bytes : 0);
        const char *library = library_of(last, x->stack);
        uint64_t bytes = came ? above(in_use(last, library), in_use(first, library)) : 0;
        if (bytes < g.bytes || (bytes == g.bytes && came <= of_stack))
            continue;
        g.bytes = bytes;
        g.stack = x->stack;
        of_stack = came;
    }
    return g;
}

/* The function that asked; where its library does not tell its name, the next one out that has one. */
static const char *function_of(const hl_case *c, const hl_snap *s, uint32_t stack,
                               hl_symbols *symbols)
{
    uint32_t asker = hl_native_asker(s, stack);
    for (uint32_t k = asker; k && s->natives[k].module; k = s->natives[k].caller) {
        hl_symbol named;
        const char *path = s->names[s->modules[s->natives[k].module].path];
        const char *label = hl_native_label(s, k, symbols, c->arena, &named);
        if (!*path || hl_module_serves(path))
            break;
        if (named.function)
            return label;
    }
    return hl_native_label(s, asker, symbols, c->arena, NULL);
}

static void tell(hl_case *c, const look *last, const gain *g)
{
    const hl_snap *s = last->snap;
    hl_symbols *symbols = hl_symbols_create();
    char bytes[16];
    uint32_t caller = hl_native_caller(s, g->stack);
    const char *where = function_of(c, s, g->stack, symbols);
    const char *from = caller ? hl_arena_printf(c->arena, ", called from %s:%u",
                                                hl_file_name(s->names[s->frames[caller].file]),
                                                s->frames[caller].line)
                              : "";
    if (where && from)
        c->native_by = hl_arena_printf(c->arena, "some %s of it was asked for in %s%s",
                                       hl_bytes_text(g->bytes, bytes), where, from);
    hl_symbols_destroy(symbols);
}

hl_status hl_native_kept_find(hl_case *c, hl_err *err)
{
    uint32_t from = c->baseline, to = c->working;
    if (!c->native.bytes || c->native_told)
        return HL_OK;
    while (from < to && !has_samples(c, from))
        from++;
    while (to > from && !has_samples(c, to))
        to--;
    if (to <= from)
        return HL_OK;
    hl_arena scratch;
    hl_arena_init(&scratch);
    look first = {.snap = NULL}, last = {.snap = NULL};
    if (!read(c, from, &scratch, &first, err) && !read(c, to, &scratch, &last, err)) {
        gain g = worst(&first, &last);
        if (g.bytes && LEAST_SHARE * g.bytes >= g.all && LEAST_SHARE * g.bytes >= c->native.bytes)
            tell(c, &last, &g);
    }
    hl_snap_destroy(first.snap);
    hl_snap_destroy(last.snap);
    hl_arena_deinit(&scratch);
    return err->status;
}
