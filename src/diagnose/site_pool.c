/* diagnose/site_pool.c: equal names, frames and stacks of several snapshots get one number.
 *
 * Room   diagnose; analyser process.
 * Method tables of open addressing; a frame is four numbers of the pool, a stack is two, a caller
 *        comes before whom it called, so that one pass in order finds them all. Amounts are kept row
 *        by row and put together at the end. */
#define _GNU_SOURCE
#include "diagnose/site_pool.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 256, ROOM_FIRST = 64 };

/* An array that grows in the pool's arena. */
typedef struct grown {
    void *at;
    uint32_t n, room;
    size_t each;
    bool text; /* entries are texts, equal by what they say */
} grown;

typedef struct lookup {
    uint32_t *slots; /* 1 + entry; 0: free */
    uint32_t mask;
} lookup;

typedef struct frame_key {
    uint32_t function, file, first_line, line;
} frame_key;

struct hl_site_pool {
    hl_arena *arena; /* borrowed */
    grown names, frames, stacks, types, threads, sites, ages, made;
    lookup names_by_text, frames_by_key, stacks_by_key, types_by_name;
    hl_snap_info info;
    uint32_t added;
    bool untold; /* one of them does not tell all */
};

static hl_status no_memory(hl_err *err)
{
    return hl_err_set(err, HL_NO_MEMORY, "no memory to put allocations together");
}

/* Room for one more at the end, zeroed; NULL without memory. */
static void *push(hl_site_pool *p, grown *g)
{
    if (g->n == g->room) {
        uint32_t room = g->room ? 2 * g->room : ROOM_FIRST;
        void *at = g->room > UINT32_MAX / 2 ? NULL : hl_arena_array(p->arena, room, g->each);
        if (!at)
            return NULL;
        if (g->n)
            memcpy(at, g->at, (size_t)g->n * g->each);
        hl_arena_release(p->arena, g->at);
        g->at = at;
        g->room = room;
    }
    return (char *)g->at + (size_t)g->n++ * g->each;
}

static uint32_t hash_bytes(const void *bytes, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const uint8_t *at = bytes, *end = at + n; at < end; at++)
        h = (h ^ *at) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ h >> 32);
}

static uint32_t hash_entry(const grown *g, uint32_t i)
{
    if (g->text) {
        const char *text = ((const char *const *)g->at)[i];
        return hash_bytes(text, strlen(text));
    }
    return hash_bytes((const char *)g->at + (size_t)i * g->each, g->each);
}

static bool is_entry(const grown *g, uint32_t i, const void *key)
{
    if (g->text)
        return !strcmp(((const char *const *)g->at)[i], key);
    return !memcmp((const char *)g->at + (size_t)i * g->each, key, g->each);
}

static bool widen(hl_site_pool *p, lookup *x, const grown *g)
{
    uint32_t slots = x->mask ? 2 * (x->mask + 1) : SLOTS_FIRST;
    uint32_t *fresh = slots ? hl_arena_array(p->arena, slots, sizeof *fresh) : NULL;
    if (!fresh)
        return false;
    for (uint32_t i = 0; i < g->n; i++) {
        uint32_t at = hash_entry(g, i) & (slots - 1);
        while (fresh[at])
            at = (at + 1) & (slots - 1);
        fresh[at] = i + 1;
    }
    hl_arena_release(p->arena, x->slots);
    *x = (lookup){fresh, slots - 1};
    return true;
}

/* The entry equal to key (a text for names), made if there is none; UINT32_MAX without memory. */
static uint32_t intern(hl_site_pool *p, lookup *x, grown *g, const void *key)
{
    bool text = g->text;
    if (2 * (uint64_t)(g->n + 1) > x->mask && !widen(p, x, g))
        return UINT32_MAX;
    uint32_t at = (text ? hash_bytes(key, strlen(key)) : hash_bytes(key, g->each)) & x->mask;
    for (; x->slots[at]; at = (at + 1) & x->mask)
        if (is_entry(g, x->slots[at] - 1, key))
            return x->slots[at] - 1;
    const char *copy = text ? hl_arena_copy(p->arena, key, strlen(key)) : NULL;
    void *entry = text && !copy ? NULL : push(p, g);
    if (!entry)
        return UINT32_MAX;
    memcpy(entry, text ? (const void *)&copy : key, g->each);
    x->slots[at] = g->n;
    return g->n - 1;
}

static uint32_t intern_name(hl_site_pool *p, const char *text)
{
    return intern(p, &p->names_by_text, &p->names, text);
}

hl_status hl_site_pool_create(hl_arena *arena, hl_site_pool **out, hl_err *err)
{
    hl_site_pool *p = hl_arena_array(arena, 1, sizeof *p);
    if (!p)
        return no_memory(err);
    p->arena = arena;
    p->names.each = sizeof(const char *);
    p->names.text = true;
    p->frames.each = sizeof(frame_key);
    p->stacks.each = sizeof(hl_snap_stack);
    p->types.each = sizeof(uint32_t);
    p->threads.each = sizeof(hl_snap_thread);
    p->sites.each = sizeof(hl_snap_site);
    p->ages.each = sizeof(hl_snap_age);
    p->made.each = sizeof(hl_snap_made);
    /* entry 0 of each stands for what is not known */
    frame_key no_frame = {0};
    hl_snap_stack no_stack = {0};
    if (intern_name(p, "") || intern(p, &p->frames_by_key, &p->frames, &no_frame) ||
        intern(p, &p->stacks_by_key, &p->stacks, &no_stack))
        return no_memory(err);
    *out = p;
    return HL_OK;
}

/* ---- knowing ---------------------------------------------------------------------------------- */

static uint32_t frame_of(hl_site_pool *p, const hl_snap *s, const hl_snap_frame *f)
{
    frame_key key = {.function = intern_name(p, s->names[f->function]),
                     .file = intern_name(p, s->names[f->file]),
                     .first_line = f->first_line,
                     .line = f->line};
    if (key.function == UINT32_MAX || key.file == UINT32_MAX)
        return UINT32_MAX;
    return intern(p, &p->frames_by_key, &p->frames, &key);
}

hl_status hl_site_pool_know(hl_site_pool *p, const hl_snap *s, uint32_t **stack_of, hl_err *err)
{
    uint32_t n_frames = s->n_frames ? s->n_frames : 1, n_stacks = s->n_stacks ? s->n_stacks : 1;
    uint32_t *frame = hl_arena_array(p->arena, n_frames, sizeof *frame);
    uint32_t *stack = hl_arena_array(p->arena, n_stacks, sizeof *stack);
    if (!frame || !stack)
        return no_memory(err);
    for (uint32_t i = 1; i < s->n_frames; i++) {
        frame[i] = frame_of(p, s, &s->frames[i]);
        if (frame[i] == UINT32_MAX)
            return no_memory(err);
    }
    for (uint32_t i = 1; i < s->n_stacks; i++) {
        hl_snap_stack key = {.caller = stack[s->stacks[i].caller],
                             .frame = frame[s->stacks[i].frame]};
        stack[i] = intern(p, &p->stacks_by_key, &p->stacks, &key);
        if (stack[i] == UINT32_MAX)
            return no_memory(err);
    }
    hl_arena_release(p->arena, frame);
    *stack_of = stack;
    return HL_OK;
}

/* ---- adding ----------------------------------------------------------------------------------- */

uint32_t hl_site_pool_name(hl_site_pool *p, const char *text)
{
    return intern_name(p, text);
}

/* The pool's number of a thread of s, made as it is met: first is where those of s begin. */
static uint32_t thread_of(hl_site_pool *p, const hl_snap *s, uint32_t thread, uint32_t pid,
                          uint32_t first)
{
    const hl_snap_thread *known = NULL;
    if (!thread)
        return 0;
    for (uint32_t i = 0; i < s->n_threads && !known; i++)
        known = s->threads[i].index == thread - 1 ? &s->threads[i] : NULL;
    const hl_snap_thread *threads = p->threads.at;
    for (uint32_t i = first; i < p->threads.n; i++)
        if (threads[i].flags == thread)
            return i + 1;
    const char *name = known && s->names[known->name][0]
                           ? s->names[known->name]
                           : hl_arena_printf(p->arena, "thread %" PRIu32, thread - 1);
    if (name && pid)
        name = hl_arena_printf(p->arena, "%s, pid %" PRIu32, name, pid);
    uint32_t number = name ? intern_name(p, name) : UINT32_MAX;
    hl_snap_thread *t = number == UINT32_MAX ? NULL : push(p, &p->threads);
    if (!t)
        return UINT32_MAX;
    *t = (hl_snap_thread){.index = p->threads.n - 1,
                          .ident = known ? known->ident : 0,
                          .native = known ? known->native : 0,
                          .node = HL_NO_NODE,
                          .name = number,
                          .flags = thread}; /* its number in s, until all of them are there */
    return p->threads.n;
}

static hl_status add_sites(hl_site_pool *p, const hl_snap *s, uint32_t pid,
                           const uint32_t *stack_of, hl_err *err)
{
    uint32_t first = p->threads.n;
    for (uint32_t i = 0; i < s->n_sites; i++) {
        hl_snap_site x = s->sites[i];
        x.thread = thread_of(p, s, x.thread, pid, first);
        x.stack = stack_of[x.stack];
        hl_snap_site *to = x.thread == UINT32_MAX ? NULL : push(p, &p->sites);
        if (!to)
            return no_memory(err);
        *to = x;
    }
    return HL_OK;
}

static hl_status add_ages(hl_site_pool *p, const hl_snap *s, const uint32_t *stack_of, hl_err *err)
{
    for (uint32_t i = 0; i < s->n_ages; i++) {
        hl_snap_age *to = push(p, &p->ages);
        if (!to)
            return no_memory(err);
        *to = s->ages[i];
        to->stack = stack_of[to->stack];
        /* as an age, until all of them are there */
        uint32_t taken = s->info.tracking.taken;
        to->born = to->born < taken ? taken - to->born : 0;
    }
    return HL_OK;
}

static hl_status add_made(hl_site_pool *p, const hl_snap *s, const uint32_t *stack_of, hl_err *err)
{
    uint32_t *type_of = hl_arena_array(p->arena, s->n_types + 1, sizeof *type_of);
    if (!type_of)
        return no_memory(err);
    for (uint32_t i = 0; i < s->n_made; i++) {
        const hl_snap_made *m = &s->made[i];
        uint32_t type = m->leaf ? m->leaf - 1 : s->type[m->node];
        if (!type_of[type]) {
            uint32_t name = intern_name(p, s->names[s->types[type].name]);
            uint32_t number =
                name == UINT32_MAX ? name : intern(p, &p->types_by_name, &p->types, &name);
            if (number == UINT32_MAX)
                return no_memory(err);
            type_of[type] = number + 1;
        }
        hl_snap_made *to = push(p, &p->made);
        if (!to)
            return no_memory(err);
        *to =
            (hl_snap_made){.stack = stack_of[m->stack], .leaf = type_of[type], .amount = m->amount};
    }
    hl_arena_release(p->arena, type_of);
    return HL_OK;
}

static void add_tracking(hl_site_pool *p, const hl_snap_info *info)
{
    hl_tracking *to = &p->info.tracking;
    const hl_tracking *x = &info->tracking;
    if (x->mode == HL_FOLLOWED_NOT)
        return;
    p->untold |= !hl_tracking_tells_all(x);
    if (!p->added++) {
        p->info = *info;
        return;
    }
    if (x->mode == HL_FOLLOWED_SAMPLED) { /* then some is not told */
        to->mode = HL_FOLLOWED_SAMPLED;
        to->rate = x->rate > to->rate ? x->rate : to->rate;
    }
    to->live_only |= x->live_only;
    to->dropped += x->dropped;
    to->peak_bytes += x->peak_bytes;
    to->corrected &= x->corrected;
    to->within = x->within < to->within ? x->within : to->within;
    to->by_thread &= x->by_thread;
    to->taken = x->taken > to->taken ? x->taken : to->taken;
}

hl_status hl_site_pool_add(hl_site_pool *p, const hl_snap *s, uint32_t pid, hl_err *err)
{
    uint32_t *stack_of;
    add_tracking(p, &s->info);
    if (hl_site_pool_know(p, s, &stack_of, err) || add_sites(p, s, pid, stack_of, err) ||
        add_ages(p, s, stack_of, err) || add_made(p, s, stack_of, err))
        return err->status;
    hl_arena_release(p->arena, stack_of);
    return HL_OK;
}

/* ---- the sum ---------------------------------------------------------------------------------- */

static int by_stack(const void *a, const void *b)
{
    const hl_snap_site *x = a, *y = b;
    if (x->stack != y->stack)
        return x->stack < y->stack ? -1 : 1;
    if (x->thread != y->thread)
        return x->thread < y->thread ? -1 : 1;
    return (x->domain > y->domain) - (x->domain < y->domain);
}

static int age_by_stack(const void *a, const void *b)
{
    const hl_snap_age *x = a, *y = b;
    if (x->stack != y->stack)
        return x->stack < y->stack ? -1 : 1;
    return (x->born > y->born) - (x->born < y->born);
}

static void add_amount(hl_amount *to, hl_amount x)
{
    to->blocks += x.blocks;
    to->bytes += x.bytes;
}

static uint32_t put_together(hl_snap_site *sites, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        hl_snap_site *to = kept ? &sites[kept - 1] : NULL;
        if (!to || by_stack(to, &sites[i])) {
            sites[kept++] = sites[i];
            continue;
        }
        add_amount(&to->live, sites[i].live);
        add_amount(&to->all, sites[i].all);
        add_amount(&to->brief, sites[i].brief);
        add_amount(&to->peak, sites[i].peak);
        for (unsigned k = 0; k < HL_WINDOWS; k++)
            add_amount(&to->within[k], sites[i].within[k]);
        to->error = (uint64_t)hypot((double)to->error, (double)sites[i].error);
    }
    return kept;
}

hl_status hl_site_pool_sum(hl_site_pool *p, hl_snap *out, hl_err *err)
{
    hl_snap s = {.info = p->info,
                 .names = p->names.at,
                 .n_names = p->names.n,
                 .stacks = p->stacks.at,
                 .n_stacks = p->stacks.n,
                 .threads = p->threads.at,
                 .n_threads = p->threads.n,
                 .sites = p->sites.at,
                 .ages = p->ages.at,
                 .n_ages = p->ages.n,
                 .made = p->made.at,
                 .n_made = p->made.n,
                 .n_frames = p->frames.n,
                 .n_types = p->types.n};
    if (p->untold)
        s.info.tracking.peak_bytes = 0;
    s.frames = hl_arena_array(p->arena, s.n_frames, sizeof *s.frames);
    s.types = hl_arena_array(p->arena, s.n_types, sizeof *s.types);
    if (!s.frames || !s.types)
        return no_memory(err);
    for (uint32_t i = 0; i < s.n_frames; i++) {
        const frame_key *f = (const frame_key *)p->frames.at + i;
        s.frames[i] = (hl_snap_frame){f->function, f->file, f->first_line, f->line};
    }
    for (uint32_t i = 0; i < s.n_types; i++)
        s.types[i] = (hl_snap_type){.node = HL_NO_NODE, .name = ((const uint32_t *)p->types.at)[i]};
    if (p->sites.n)
        qsort(s.sites, p->sites.n, sizeof *s.sites, by_stack);
    s.n_sites = put_together(s.sites, p->sites.n);
    for (uint32_t i = 0; i < s.n_ages; i++) {
        uint32_t age = s.ages[i].born, taken = s.info.tracking.taken;
        s.ages[i].born = age < taken ? taken - age : 0;
    }
    if (s.n_ages)
        qsort(s.ages, s.n_ages, sizeof *s.ages, age_by_stack);
    *out = s;
    return HL_OK;
}
