/* diagnose/sites.c: what was allocated, added up.
 *
 * Room   diagnose; analyser process.
 * Method each site has a key of 64 bits for what it is added up by; sorted by it, the sites of one
 *        sum stand together. */
#define _GNU_SOURCE
#include "diagnose/sites.h"

#include "diagnose/case.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LIBRARIES_MAX = 4096, STACK_TOLD = 64 };

const char *const hl_site_keys[HL_SITES_KEYS] = {"line", "file",   "function", "traceback",
                                                 "type", "thread", "domain",   "library"};

/* ---- names ------------------------------------------------------------------------------------ */

const char *hl_file_library(const char *path, hl_arena *arena)
{
    static const char *const packages[] = {"/site-packages/", "/dist-packages/"};
    for (size_t i = 0; i < sizeof packages / sizeof *packages; i++) {
        const char *at = strstr(path, packages[i]);
        if (!at)
            continue;
        at += strlen(packages[i]);
        size_t n = strcspn(at, "/");
        if (!at[n] && n > 3 && !strcmp(at + n - 3, ".py")) /* a module of one file */
            n -= 3;
        return hl_arena_copy(arena, at, n);
    }
    if (!strncmp(path, "<frozen ", 8) || strstr(path, "/lib/python3"))
        return "standard library";
    return *path ? "program" : "unknown";
}

const char *hl_frame_label(const hl_snap *s, uint32_t frame, hl_arena *arena)
{
    const hl_snap_frame *f = &s->frames[frame];
    const char *function = s->names[f->function], *file = hl_file_name(s->names[f->file]);
    if (!frame)
        return "no Python code";
    if (!*function) /* another tool's frames have no names */
        return f->line ? hl_arena_printf(arena, "%s:%u", file, f->line)
                       : hl_arena_printf(arena, "%s", file);
    if (!f->line)
        return hl_arena_printf(arena, "%s (%s)", function, file);
    if (!strcmp(function, "<module>"))
        return hl_arena_printf(arena, "the body of %s (%s:%u)", file, file, f->line);
    return hl_arena_printf(arena, "%s (%s:%u)", function, file, f->line);
}

static const char *stack_label(const hl_snap *s, uint32_t stack, hl_arena *arena)
{
    const char *text = hl_frame_label(s, s->stacks[stack].frame, arena);
    unsigned told = 1;
    for (uint32_t k = s->stacks[stack].caller; text && k; k = s->stacks[k].caller) {
        if (told++ == STACK_TOLD)
            return hl_arena_printf(arena, "%s < ...", text);
        const char *frame = hl_frame_label(s, s->stacks[k].frame, arena);
        text = frame ? hl_arena_printf(arena, "%s < %s", text, frame) : NULL;
    }
    return text;
}

static const char *thread_label(const hl_snap *s, uint32_t thread, hl_arena *arena)
{
    if (!thread)
        return "threads that are gone";
    for (uint32_t i = 0; i < s->n_threads; i++)
        if (s->threads[i].index == thread - 1 && s->names[s->threads[i].name][0])
            return hl_arena_printf(arena, "%s", s->names[s->threads[i].name]);
    return hl_arena_printf(arena, "thread %u", thread - 1);
}

const char *hl_site_label(const hl_snap *s, hl_site_key key, const hl_site_sum *sum,
                          hl_arena *arena)
{
    static const char *const domains[HL_BLOCK_DOMAINS] = {"raw", "mem", "obj", "native"};
    const hl_snap_frame *f = &s->frames[s->stacks[sum->stack].frame];
    const char *file = s->names[f->file];
    switch (key) {
    case HL_SITES_BY_LINE:
        return hl_frame_label(s, s->stacks[sum->stack].frame, arena);
    case HL_SITES_BY_FILE:
        return sum->stack ? hl_arena_printf(arena, "%s", hl_file_name(file)) : "no Python code";
    case HL_SITES_BY_FUNCTION:
        if (sum->stack && !*s->names[f->function])
            return hl_arena_printf(arena, "%s", hl_file_name(file));
        return sum->stack ? hl_arena_printf(arena, "%s (%s:%u)", s->names[f->function],
                                            hl_file_name(file), f->first_line)
                          : "no Python code";
    case HL_SITES_BY_TRACEBACK:
        return stack_label(s, sum->stack, arena);
    case HL_SITES_BY_TYPE:
        return hl_arena_printf(arena, "%s", s->names[s->types[sum->id].name]);
    case HL_SITES_BY_THREAD:
        return thread_label(s, sum->id, arena);
    case HL_SITES_BY_DOMAIN:
        return domains[sum->id];
    case HL_SITES_BY_LIBRARY:
        return sum->stack ? hl_file_library(file, arena) : "no Python code";
    case HL_SITES_KEYS:
        break;
    }
    return "";
}

/* ---- keys ------------------------------------------------------------------------------------- */

typedef struct keyed {
    uint64_t key;
    uint32_t at; /* index of what has it */
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static uint64_t mixed(uint64_t x) /* the finalizer of splitmix64 */
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* A number for the library of each file name; 0 where there are no frames. */
static uint32_t *libraries(const hl_snap *s, hl_arena *arena)
{
    const char *known[LIBRARIES_MAX];
    uint32_t n = 0, *of = hl_arena_array(arena, s->n_names, sizeof *of);
    for (uint32_t i = 1; of && i < s->n_frames; i++) {
        hl_name file = s->frames[i].file;
        const char *name = of[file] ? NULL : hl_file_library(s->names[file], arena);
        uint32_t at = 0;
        while (name && at < n && strcmp(known[at], name) != 0)
            at++;
        if (name && at == n && n < LIBRARIES_MAX)
            known[n++] = name;
        if (name)
            of[file] = at + 1;
    }
    return of;
}

/* The key of each stack, where it does not depend on thread or domain. NULL: no memory. */
static uint64_t *stack_keys(const hl_snap *s, hl_site_key key, hl_arena *arena)
{
    uint64_t *keys = hl_arena_array(arena, s->n_stacks, sizeof *keys);
    uint32_t *library = key == HL_SITES_BY_LIBRARY ? libraries(s, arena) : NULL;
    if (!keys || (key == HL_SITES_BY_LIBRARY && !library))
        return NULL;
    for (uint32_t k = 1; k < s->n_stacks; k++) {
        const hl_snap_frame *f = &s->frames[s->stacks[k].frame];
        uint64_t file = (uint64_t)f->file << 32;
        if (key == HL_SITES_BY_LINE)
            keys[k] = file | f->line;
        else if (key == HL_SITES_BY_FILE)
            keys[k] = file;
        else if (key == HL_SITES_BY_FUNCTION)
            keys[k] = mixed(file | f->function) ^ f->first_line;
        else if (key == HL_SITES_BY_TRACEBACK)
            keys[k] = k;
        else if (library)
            keys[k] = library[f->file];
    }
    return keys;
}

/* ---- sums ------------------------------------------------------------------------------------- */

static void add(hl_amount *to, hl_amount x)
{
    to->blocks += x.blocks;
    to->bytes += x.bytes;
}

static void add_site(hl_site_sum *to, const hl_snap_site *x)
{
    add(&to->live, x->live);
    add(&to->all, x->all);
    add(&to->brief, x->brief);
    add(&to->peak, x->peak);
    to->variance += (double)x->error * (double)x->error;
    if (!to->stack || x->live.bytes > to->stack_bytes) {
        to->stack = x->stack;
        to->stack_bytes = x->live.bytes;
    }
}

/* Sorted n rows; the sums of equal keys, whose keys come to lie in out->items[i].id. */
static hl_status begin_sums(keyed *rows, uint32_t n, uint64_t **keys, hl_arena *arena,
                            hl_site_sums *out, hl_err *err)
{
    uint32_t groups = 0;
    if (n)
        qsort(rows, n, sizeof *rows, by_key);
    for (uint32_t i = 0; i < n; i++)
        groups += !i || rows[i].key != rows[i - 1].key;
    out->items = hl_arena_array(arena, groups ? groups : 1, sizeof *out->items);
    *keys = hl_arena_array(arena, groups ? groups : 1, sizeof **keys);
    if (!out->items || !*keys)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for the sums of %u sites", n);
    out->n = groups;
    return HL_OK;
}

static uint64_t site_key(const hl_snap_site *x, hl_site_key key, const uint64_t *of_stack)
{
    return key == HL_SITES_BY_THREAD   ? x->thread
           : key == HL_SITES_BY_DOMAIN ? (uint64_t)x->domain
                                       : of_stack[x->stack];
}

/* How many snapshots the older half of each sum's blocks has survived. */
static hl_status survive(const hl_snap *s, const uint64_t *of_stack, const uint64_t *keys,
                         hl_arena *arena, hl_site_sums *out, hl_err *err)
{
    keyed *rows = hl_arena_array(arena, s->n_ages ? s->n_ages : 1, sizeof *rows);
    if (!rows)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u ages", s->n_ages);
    uint32_t group = 0;
    for (uint32_t i = 0; i < s->n_ages; i++)
        rows[i] = (keyed){of_stack[s->ages[i].stack], i};
    if (s->n_ages)
        qsort(rows, s->n_ages, sizeof *rows, by_key);
    /* few ages a group: of each, the blocks as old or older are counted for each age in turn */
    for (uint32_t a = 0, z; a < s->n_ages; a = z) {
        uint64_t blocks = 0, older;
        for (z = a; z < s->n_ages && rows[z].key == rows[a].key; z++)
            blocks += s->ages[rows[z].at].live.blocks;
        while (group < out->n && keys[group] < rows[a].key)
            group++;
        if (group == out->n || keys[group] != rows[a].key)
            continue;
        for (uint32_t i = a; i < z; i++) {
            uint32_t born = s->ages[rows[i].at].born, taken = s->info.tracking.taken;
            older = 0;
            for (uint32_t k = a; k < z; k++)
                older += s->ages[rows[k].at].born <= born ? s->ages[rows[k].at].live.blocks : 0;
            uint32_t age = born < taken ? taken - born : 0;
            if (2 * older >= blocks && age > out->items[group].survived) {
                out->items[group].survived = age;
                out->items[group].survivors = older;
            }
        }
    }
    return HL_OK;
}

/* The sum of each stack: keys are sorted as the sums are. */
static hl_status map_stacks(const hl_snap *s, const uint64_t *of_stack, const uint64_t *keys,
                            hl_arena *arena, hl_site_sums *out, hl_err *err)
{
    out->sum_of = hl_arena_array(arena, s->n_stacks, sizeof *out->sum_of);
    if (!out->sum_of)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u stacks", s->n_stacks);
    out->n_stacks = s->n_stacks;
    for (uint32_t k = 0; k < s->n_stacks; k++) {
        uint32_t a = 0, z = out->n;
        while (a < z) {
            uint32_t mid = a + (z - a) / 2;
            if (keys[mid] < of_stack[k])
                a = mid + 1;
            else
                z = mid;
        }
        out->sum_of[k] = a < out->n && keys[a] == of_stack[k] ? a : UINT32_MAX;
    }
    return HL_OK;
}

static hl_status by_site(const hl_snap *s, hl_site_key key, hl_arena *arena, hl_site_sums *out,
                         hl_err *err)
{
    uint64_t *of_stack = stack_keys(s, key, arena), *keys;
    keyed *rows = hl_arena_array(arena, s->n_sites ? s->n_sites : 1, sizeof *rows);
    if (!of_stack || !rows)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u sites", s->n_sites);
    for (uint32_t i = 0; i < s->n_sites; i++)
        rows[i] = (keyed){site_key(&s->sites[i], key, of_stack), i};
    if (begin_sums(rows, s->n_sites, &keys, arena, out, err))
        return err->status;
    hl_site_sum *sum = NULL;
    for (uint32_t i = 0, n = 0; i < s->n_sites; i++) {
        if (!sum || rows[i].key != rows[i - 1].key) {
            keys[n] = rows[i].key;
            sum = &out->items[n++];
            sum->id = (uint32_t)rows[i].key;
        }
        add_site(sum, &s->sites[rows[i].at]);
    }
    if (key == HL_SITES_BY_THREAD || key == HL_SITES_BY_DOMAIN)
        return HL_OK; /* ages are told of stacks */
    if (map_stacks(s, of_stack, keys, arena, out, err))
        return err->status;
    return survive(s, of_stack, keys, arena, out, err);
}

static hl_status by_type(const hl_snap *s, hl_arena *arena, hl_site_sums *out, hl_err *err)
{
    hl_site_sum *of = hl_arena_array(arena, s->n_types, sizeof *of);
    if (!of)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u types", s->n_types);
    for (uint32_t i = 0; i < s->n_made; i++) {
        const hl_snap_made *m = &s->made[i];
        hl_site_sum *sum = &of[m->leaf ? m->leaf - 1 : s->type[m->node]];
        add(&sum->live, m->amount);
        if (!sum->stack || m->amount.bytes > sum->stack_bytes) {
            sum->stack = m->stack;
            sum->stack_bytes = m->amount.bytes;
        }
    }
    out->items = of;
    for (uint32_t t = 0; t < s->n_types; t++)
        if (of[t].live.blocks) {
            of[t].id = t;
            of[out->n++] = of[t];
        }
    return HL_OK;
}

hl_status hl_sites_add_up(const hl_snap *s, hl_site_key key, hl_arena *arena, hl_site_sums *out,
                          hl_err *err)
{
    *out = (hl_site_sums){.key = key};
    if (s->info.tracking.mode == HL_FOLLOWED_NOT)
        return hl_err_set(err, HL_EMPTY,
                          "no allocation was followed in this recording: record one with "
                          "'heaplens run --exact'");
    return key == HL_SITES_BY_TYPE ? by_type(s, arena, out, err) : by_site(s, key, arena, out, err);
}
