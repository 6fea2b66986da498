/* diagnose/native_sites.c: native stacks of one snapshot, added up and put into words.
 *
 * Room   diagnose; analyser process.
 * Takes  a snapshot with blocks of malloc.   Gives  sums by key, labels.
 * Method keys are hashes of texts, so that they are the same in every snapshot of a run. */
#define _GNU_SOURCE
#include "diagnose/native_sites.h"

#include "base/words.h"
#include "diagnose/case.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_TOLD = 8, LIBRARIES_TOLD = 4, DEPTH_MAX = 256 };

/* ---- whose -------------------------------------------------------------------------------------- */

const char *hl_module_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static const char *path_of(const hl_snap *s, uint32_t frame)
{
    return s->names[s->modules[s->natives[frame].module].path];
}

static bool begins(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

static bool is_interpreter(const char *name)
{
    return begins(name, "libpython") || (begins(name, "python") && !strstr(name, ".so"));
}

static bool is_ours(const char *name)
{
    return begins(name, "_inside.") || begins(name, "libheaplens_");
}

/* malloc's own library, what new, strdup and the like lie in, and what stands before Python's allocators
 * to follow them. */
bool hl_module_serves(const char *path)
{
    const char *name = hl_module_name(path);
    static const char *const libraries[] = {"libc.so",  "libc-",      "libstdc++.so", "libgcc_s",
                                            "ld-linux", "libpthread", "libc++"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (begins(name, libraries[i]))
            return true;
    return is_interpreter(name) || is_ours(name);
}

uint32_t hl_native_asker(const hl_snap *s, uint32_t stack)
{
    uint32_t innermost = 0;
    for (uint32_t k = stack; k && s->natives[k].module; k = s->natives[k].caller) {
        const char *path = path_of(s, k);
        if (!innermost && !is_ours(hl_module_name(path)))
            innermost = k;
        if (*path && !hl_module_serves(path))
            return k;
    }
    return innermost;
}

uint32_t hl_native_caller(const hl_snap *s, uint32_t stack)
{
    for (uint32_t k = stack; k; k = s->natives[k].caller)
        if (!s->natives[k].module)
            return s->stacks[s->natives[k].at].frame;
    return 0;
}

/* ---- keys -------------------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t x) /* the finalizer of splitmix64 */
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t with_text(uint64_t h, const char *text)
{
    for (const char *p = text; *p; p++) /* FNV-1a */
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    return mixed(h);
}

/* Of each native stack, without frames of ours; brief: and without the interpreter's, by way of which a
 * function of C is called now so and now so. NULL: no memory. */
static uint64_t *keys_of(const hl_snap *s, bool brief, hl_arena *arena)
{
    uint64_t *keys = hl_arena_array(arena, s->n_natives + 1, sizeof *keys);
    for (uint32_t i = 1; keys && i < s->n_natives; i++) {
        const hl_snap_native *k = &s->natives[i];
        uint64_t h = mixed(keys[k->caller] + 1);
        const char *name = hl_module_name(path_of(s, i));
        if (k->module && (is_ours(name) || (brief && is_interpreter(name)))) {
            keys[i] = keys[k->caller];
        } else if (k->module) {
            h = with_text(h, s->names[s->modules[k->module].path]);
            h = with_text(h, s->names[s->modules[k->module].id]);
            keys[i] = mixed(h ^ k->at);
        } else {
            const hl_snap_frame *f = &s->frames[s->stacks[k->at].frame];
            h = with_text(h, s->names[f->file]);
            h = with_text(h, s->names[f->function]);
            keys[i] = mixed(h ^ f->line);
        }
    }
    return keys;
}

static int by_key(const void *a, const void *b)
{
    const hl_native_sum *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

typedef struct keys {
    uint64_t *whole, *brief;
} keys;

static bool keys_find(const hl_snap *s, hl_arena *arena, keys *k)
{
    k->whole = keys_of(s, false, arena);
    k->brief = k->whole ? keys_of(s, true, arena) : NULL;
    return k->brief != NULL;
}

static uint64_t key_of(const hl_snap *s, const keys *k, uint32_t stack)
{
    uint32_t asker = hl_native_asker(s, stack);
    bool own = asker && !is_interpreter(hl_module_name(path_of(s, asker)));
    return own ? k->brief[stack] : k->whole[stack];
}

hl_status hl_native_add_up(const hl_snap *s, hl_arena *arena, hl_native_moment *out, hl_err *err)
{
    keys k;
    hl_native_sum *all = hl_arena_array(arena, s->n_native_sites + 1, sizeof *all);
    if (!all || !keys_find(s, arena, &k))
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u native stacks", s->n_native_sites);
    *out = (hl_native_moment){.sums = all};
    for (uint32_t i = 0; i < s->n_native_sites; i++) {
        const hl_snap_native_site *x = &s->native_sites[i];
        all[i] = (hl_native_sum){key_of(s, &k, x->stack), x->stack, x->live, x->taken};
        out->taken += x->taken;
    }
    if (s->n_native_sites)
        qsort(all, s->n_native_sites, sizeof *all, by_key);
    for (uint32_t i = 0; i < s->n_native_sites; i++) {
        if (!out->n || all[out->n - 1].key != all[i].key) {
            all[out->n++] = all[i];
            continue;
        }
        hl_native_sum *to = &all[out->n - 1];
        to->live.blocks += all[i].live.blocks;
        to->live.bytes += all[i].live.bytes;
        to->taken += all[i].taken;
    }
    return HL_OK;
}

const hl_native_sum *hl_native_sum_of(const hl_native_moment *m, uint64_t key)
{
    hl_native_sum wanted = {.key = key};
    return m->n ? bsearch(&wanted, m->sums, m->n, sizeof *m->sums, by_key) : NULL;
}

static void add(hl_amount *to, const hl_amount *more)
{
    to->blocks += more->blocks;
    to->bytes += more->bytes;
}

/* Of a holder something is known; a word elsewhere may lead to a block by chance. */
static bool is_named(const hl_snap_hold_by *by)
{
    return by->kind == HL_HOLD_DATA || by->kind == HL_HOLD_BLOCK ||
           (by->kind == HL_HOLD_OBJECT && by->which);
}

static int by_blocks(const void *a, const void *b)
{
    const hl_snap_hold *x = a, *y = b;
    if (is_named(&x->by) != is_named(&y->by))
        return is_named(&x->by) ? -1 : 1;
    if (x->amount.blocks != y->amount.blocks)
        return x->amount.blocks > y->amount.blocks ? -1 : 1;
    return (x->stack > y->stack) - (x->stack < y->stack);
}

/* Stacks of one key may have the same holder. */
static void add_hold(hl_native_fate *f, const hl_snap_hold *h)
{
    add(&f->kept, &h->amount);
    for (uint32_t i = 0; i < f->n_by; i++)
        if (f->by[i].by.kind == h->by.kind && f->by[i].by.which == h->by.which &&
            f->by[i].by.at == h->by.at) {
            add(&f->by[i].amount, &h->amount);
            return;
        }
    f->by[f->n_by++] = *h;
}

hl_status hl_native_fate_of(const hl_snap *s, uint64_t key, hl_arena *arena, hl_native_fate *out,
                            hl_err *err)
{
    keys k;
    uint64_t most = 0;
    *out = (hl_native_fate){.n_by = 0};
    out->by = hl_arena_array(arena, s->n_holds + 1, sizeof *out->by);
    if (!out->by || !keys_find(s, arena, &k))
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u holders", s->n_holds);
    for (uint32_t i = 0; i < s->n_losts; i++) {
        if (key_of(s, &k, s->losts[i].stack) != key)
            continue;
        add(&out->lost, &s->losts[i].amount);
        if (s->losts[i].amount.blocks > most)
            out->lost_type1 = s->losts[i].type1;
        most = s->losts[i].amount.blocks > most ? s->losts[i].amount.blocks : most;
    }
    for (uint32_t i = 0; i < s->n_holds; i++)
        if (key_of(s, &k, s->holds[i].stack) == key)
            add_hold(out, &s->holds[i]);
    if (out->n_by)
        qsort(out->by, out->n_by, sizeof *out->by, by_blocks);
    return HL_OK;
}

typedef struct library {
    uint32_t module; /* 0: code that no file was loaded for */
    hl_amount live;
} library;

static int by_bytes(const void *a, const void *b)
{
    const library *x = a, *y = b;
    if (x->live.bytes != y->live.bytes)
        return x->live.bytes > y->live.bytes ? -1 : 1;
    return (x->module > y->module) - (x->module < y->module);
}

const char *hl_native_libraries(const hl_snap *s, hl_arena *arena)
{
    const char *text = "";
    library *all = hl_arena_array(arena, s->n_modules + 1, sizeof *all);
    if (!all)
        return NULL;
    for (uint32_t i = 0; i < s->n_modules; i++)
        all[i].module = i;
    for (uint32_t i = 0; i < s->n_native_sites; i++) {
        const hl_snap_native_site *x = &s->native_sites[i];
        library *of = &all[s->natives[hl_native_asker(s, x->stack)].module];
        of->live.blocks += x->live.blocks;
        of->live.bytes += x->live.bytes;
    }
    if (s->n_modules)
        qsort(all, s->n_modules, sizeof *all, by_bytes);
    unsigned told = 0;
    for (uint32_t i = 0; text && i < s->n_modules && told < LIBRARIES_TOLD && all[i].live.bytes;
         i++) {
        char bytes[16], blocks[32];
        const char *name = hl_module_name(s->names[s->modules[all[i].module].path]);
        if (is_ours(name))
            continue;
        told++;
        text = hl_arena_printf(arena, "%s%s%s %s in %s block%s", text, *text ? ", " : "",
                               *name ? name : "others", hl_bytes_text(all[i].live.bytes, bytes),
                               hl_count_text(all[i].live.blocks, blocks),
                               all[i].live.blocks == 1 ? "" : "s");
    }
    return text;
}

/* ---- words -------------------------------------------------------------------------------------- */

static const char *symbol_label(const hl_symbol *y, const char *module, hl_arena *arena)
{
    const char *function = y->function ? y->function : "a function";
    if (y->file && y->line)
        return hl_arena_printf(arena, "%s (%s:%" PRIu32 ")", function, hl_module_name(y->file),
                               y->line);
    return hl_arena_printf(arena, "%s in %s", function, module);
}

const char *hl_place_label(hl_symbols *symbols, const char *path, const char *id, uint64_t at,
                           bool inlined, hl_arena *arena, hl_symbol *named)
{
    const char *module = hl_module_name(path);
    hl_symbol found[HL_SYMBOLS_MOST];
    unsigned n = symbols ? hl_symbols_find(symbols, path, id, at, arena, found) : 0;
    if (named)
        *named = n ? found[0] : (hl_symbol){.line = 0};
    if (!*path)
        return "code that no file was loaded for";
    if (!n)
        return hl_arena_printf(arena, "%s+0x%" PRIx64, module, at);
    const char *text = symbol_label(&found[0], module, arena);
    for (unsigned i = 1; text && inlined && i < n; i++) {
        const char *outer = symbol_label(&found[i], module, arena);
        text = outer ? hl_arena_printf(arena, "%s < %s", text, outer) : NULL;
    }
    return text;
}

static const char *label(const hl_snap *s, uint32_t frame, hl_symbols *symbols, bool inlined,
                         hl_arena *arena, hl_symbol *named)
{
    const hl_snap_native *k = &s->natives[frame];
    return hl_place_label(symbols, path_of(s, frame), s->names[s->modules[k->module].id], k->at,
                          inlined, arena, named);
}

const char *hl_native_label(const hl_snap *s, uint32_t frame, hl_symbols *symbols, hl_arena *arena,
                            hl_symbol *named)
{
    return label(s, frame, symbols, false, arena, named);
}

static const char *own(hl_arena *arena, const char *text)
{
    return *text ? hl_arena_copy(arena, text, strlen(text)) : NULL;
}

uint32_t hl_native_frames(const hl_snap *s, uint32_t stack, hl_symbols *symbols, hl_arena *arena,
                          hl_native_frame **out)
{
    uint32_t depth = 0, n = 0;
    for (uint32_t k = stack; k && s->natives[k].module && depth < DEPTH_MAX;
         k = s->natives[k].caller)
        depth++;
    hl_native_frame *all = *out =
        hl_arena_array(arena, (size_t)depth * HL_SYMBOLS_MOST + 1, sizeof *all);
    for (uint32_t k = stack; all && depth; k = s->natives[k].caller, depth--) {
        if (is_ours(hl_module_name(path_of(s, k))))
            continue;
        hl_symbol found[HL_SYMBOLS_MOST];
        const char *path = path_of(s, k), *id = s->names[s->modules[s->natives[k].module].id];
        unsigned known = hl_symbols_find(symbols, path, id, s->natives[k].at, arena, found);
        for (unsigned i = 0; i < (known ? known : 1); i++)
            all[n++] = (hl_native_frame){.library = hl_arena_copy(arena, path, strlen(path)),
                                         .build_id = own(arena, id),
                                         .address = s->natives[k].at,
                                         .function = found[i].function,
                                         .file = found[i].file,
                                         .line = found[i].line};
    }
    return n;
}

const char *hl_native_stack_label(const hl_snap *s, uint32_t stack, hl_symbols *symbols,
                                  hl_arena *arena)
{
    const char *text = NULL;
    unsigned told = 0;
    for (uint32_t k = hl_native_asker(s, stack); k && s->natives[k].module;
         k = s->natives[k].caller) {
        const char *name = hl_module_name(path_of(s, k));
        if (is_ours(name))
            continue;
        if (told && is_interpreter(name))
            break;
        if (told++ == FRAMES_TOLD)
            return text ? hl_arena_printf(arena, "%s < ...", text) : NULL;
        const char *frame = label(s, k, symbols, true, arena, NULL);
        text = text && frame ? hl_arena_printf(arena, "%s < %s", text, frame) : frame;
    }
    return text;
}
