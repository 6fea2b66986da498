/* inside/track_sampled.c: hooks that take one allocation in so many bytes.
 *
 * Room   inside; target, inside malloc; mem and obj with the GIL, raw with or without it.
 * Takes  requests.   Gives  samples (track/sampler.h).
 * Method Of a request that is not taken only its bytes are counted. Where the small-object allocator
 *        lies below, small blocks of mem and obj that are taken come from our own stretch of
 *        addresses (track/region.h), which it does not know: it hands them on to raw when they go.
 *        So free of mem and obj is not ours at all. Large requests are handed on to raw in any
 *        case and taken there (`as` says for whom); raw asks a table of counters whether a block
 *        may be a sample. Under other allocators everything is asked that way.
 * Knows  stacks.  Must not know  the map of all blocks, sessions. */
#include "inside/track_engine.h"

#include <string.h>

#define T (&hl_tracking)

/* ---- taking one ------------------------------------------------------------------------------
 */

/* Who asks, and the totals of its site. */
static uint64_t asked_by(enum hl_domain d, PyThreadState *state, size_t n)
{
    hl_thread *me = state ? hl_thread_self(state) : hl_track_self;
    uint32_t site = me && state ? hl_stack_now(me, state) : 0;
    uint32_t who = me ? me->who : 0;
    hl_made *made = hl_made_at(&T->totals, who, d, site);
    if (made) {
        __atomic_fetch_add(&made->blocks, hl_sample_blocks(n, T->samples.mean), __ATOMIC_RELAXED);
        __atomic_fetch_add(&made->bytes, hl_sample_bytes(n, T->samples.mean), __ATOMIC_RELAXED);
    }
    return (uint64_t)site << (HL_AGE_BITS + HL_WHO_BITS + HL_DOMAIN_BITS) | T->stamp |
           who << HL_DOMAIN_BITS | (uint64_t)d;
}

/* samples.lock is held. */
static bool sampled(void *p, uint64_t by, size_t n)
{
    hl_thread *me = hl_track_self;
    if (!hl_samples_put(&T->samples, (uintptr_t)p, by, n))
        return false;
    int64_t live = T->samples.bytes;
    if (live > T->peak) {
        T->peak = live;
        if (live > T->peak_next)
            hl_peak_rises(live);
    }
    if (me) {
        me->newest = (uintptr_t)p;
        me->newest_left = __atomic_load_n(&T->left, __ATOMIC_RELAXED);
        me->newest_raw_left = me->left;
    }
    return true;
}

static HL_COLD void take(enum hl_domain d, PyThreadState *state, void *p, size_t n)
{
    uint64_t by = asked_by(d, state, n);
    hl_lock_take(&T->samples.lock);
    sampled(p, by, n);
    hl_lock_give(&T->samples.lock);
}

/* A block of our own for a small request, or NULL. */
static HL_COLD void *take_small(enum hl_domain d, size_t n)
{
    uint64_t by = asked_by(d, hl_frame_thread(), n);
    hl_lock_take(&T->samples.lock);
    void *p = hl_region_take(&T->region, n);
    if (!p) {
        T->samples.dropped++;
    } else if (!sampled(p, by, n)) {
        hl_region_give(&T->region, p, n);
        p = NULL;
    }
    hl_lock_give(&T->samples.lock);
    return p;
}

/* Freed by whoever made it, who asked for nothing since: no bytes were counted. */
static void brief(const hl_sample *s)
{
    hl_thread *me = hl_track_self;
    if (!me || me->newest != s->at)
        return;
    me->newest = 0;
    hl_made *made =
        hl_made_at(&T->totals, hl_made_who(s->by), hl_made_domain(s->by), hl_made_site(s->by));
    if (!made || me->newest_raw_left != me->left ||
        me->newest_left != __atomic_load_n(&T->left, __ATOMIC_RELAXED))
        return;
    made->brief_blocks += hl_sample_blocks(s->size, T->samples.mean);
    made->brief_bytes += hl_sample_bytes(s->size, T->samples.mean);
}

/* The sample at p goes; what it was, by 0 if it was none. freed: it is not moved. */
static HL_COLD hl_sample drop(void *p, bool freed)
{
    hl_lock_take(&T->samples.lock);
    hl_sample s = hl_samples_look(&T->samples, (uintptr_t)p);
    if (s.by && s.by != HL_SAMPLE_OLD && T->mode == HL_TRACK_SAMPLED) {
        int64_t left = T->samples.bytes - (int64_t)hl_sample_bytes(s.size, T->samples.mean);
        if (left < T->peak_floor)
            hl_peak_note();
        if (freed)
            brief(&s);
    }
    hl_samples_take(&T->samples, (uintptr_t)p);
    if (s.by && T->region.base && hl_region_has(&T->region, p))
        hl_region_give(&T->region, p, (size_t)s.size);
    hl_lock_give(&T->samples.lock);
    return s;
}

HL_HOT void gone(void *p)
{
    if (HL_UNLIKELY(hl_samples_maybe(&T->samples, p)))
        drop(p, true);
}

/* Counts bytes of mem and obj. true: a point lies in them. */
HL_HOT bool point_in(size_t n)
{
    return HL_UNLIKELY((T->left -= (int64_t)n) < 0);
}
static HL_COLD bool next_point(void)
{
    T->left = hl_sample_gap(&T->random, T->samples.mean);
    return T->mode == HL_TRACK_SAMPLED;
}

/* ---- small blocks of mem and obj, above the small-object allocator ------------------------------
 */

HL_HOT hl_thread *myself(void)
{
    hl_thread *me = hl_track_self;
    return HL_LIKELY(me != NULL) ? me : hl_thread_for(NULL);
}

HL_HOT bool is_small(size_t n)
{
    return n - 1 < HL_REGION_BLOCK_MAX; /* 0 is handed on as a large one is */
}

/* counted: its bytes are, and a point lies in them, if it is a small one. */
HL_HOT void *small_made(enum hl_domain d, size_t each, size_t n, bool zeroed, bool counted)
{
    const PyMemAllocatorEx *below = &T->below_sampled[d];
    size_t bytes = each * n;
    hl_thread *me = NULL;
    void *p;
    if (!is_small(bytes)) {
        if ((me = myself()))
            me->as = d;
    } else if ((counted || point_in(bytes)) && next_point() && (p = take_small(d, bytes))) {
        return zeroed ? memset(p, 0, bytes) : p;
    }
    p = zeroed ? below->calloc(below->ctx, each, n) : below->malloc(below->ctx, n);
    if (me)
        me->as = 0;
    return p;
}

/* What most of it comes to: one count, and the allocator below in our place. */
HL_HOT void *mostly_small(enum hl_domain d, void *ctx, size_t n, void *(*other)(void *, size_t))
{
    if (HL_UNLIKELY(!is_small(n)) || point_in(n))
        return other(ctx, n);
    return T->below_sampled[d].malloc(ctx, n); /* its context is ours: hl_sampled_hooks */
}

HL_HOT void *small_remade(enum hl_domain d, void *p, size_t n)
{
    const PyMemAllocatorEx *below = &T->below_sampled[d];
    bool small = is_small(n);
    hl_thread *me = myself();
    if (HL_UNLIKELY(!me))
        return below->realloc(below->ctx, p, n);
    me->as = small ? 0 : d;
    me->within += small; /* counted here, if it is handed on because the old one was */
    void *q = below->realloc(below->ctx, p, n), *own;
    me->within -= small;
    me->as = 0;
    if (q && small && point_in(n) && next_point() && (own = take_small(d, n))) {
        memcpy(own, q, n);
        below->free(below->ctx, q);
        return own;
    }
    return q;
}

/* ---- raw, and everything above other allocators ---------------------------------------------- */

HL_HOT void maybe_take(enum hl_domain d, void *p, size_t n)
{
    if (d != HL_DOMAIN_RAW) {
        if (point_in(n) && next_point())
            take(d, hl_frame_thread(), p, n);
        return;
    }
    hl_thread *me = myself();
    if (HL_UNLIKELY(!me) || me->within || HL_LIKELY((me->left -= (int64_t)n) >= 0))
        return;
    enum hl_domain as = me->as ? me->as : d;
    me->left = hl_sample_gap(&me->random, T->samples.mean);
    take(as, hl_raw_state(), p, n);
}

/* Debug hooks ask for more than was asked for, and raw is asked in turn: counted once, here. */
HL_HOT void *any_made(enum hl_domain d, size_t each, size_t n, bool zeroed)
{
    const PyMemAllocatorEx *below = &T->below_sampled[d];
    hl_thread *me = d == HL_DOMAIN_RAW ? NULL : myself();
    if (me)
        me->within++;
    void *p = zeroed ? below->calloc(below->ctx, each, n) : below->malloc(below->ctx, n);
    if (me)
        me->within--;
    if (HL_LIKELY(p != NULL) && T->mode == HL_TRACK_SAMPLED)
        maybe_take(d, p, each * n);
    return p;
}

/* A block of ours leaves the region: the new one is raw's, whatever its size. */
static HL_COLD void *leave_region(void *p, size_t n)
{
    const PyMemAllocatorEx *below = &T->below_sampled[HL_DOMAIN_RAW];
    void *q = below->malloc(below->ctx, n);
    if (!q)
        return NULL;
    hl_lock_take(&T->samples.lock);
    size_t size = (size_t)hl_samples_look(&T->samples, (uintptr_t)p).size;
    hl_lock_give(&T->samples.lock);
    memcpy(q, p, size < n ? size : n);
    drop(p, false);
    return q;
}

HL_HOT void *any_remade(enum hl_domain d, void *p, size_t n)
{
    const PyMemAllocatorEx *below = &T->below_sampled[d];
    hl_thread *me = d == HL_DOMAIN_RAW ? NULL : myself();
    hl_sample old = {0, 0, 0};
    void *q;
    if (d == HL_DOMAIN_RAW && HL_UNLIKELY(hl_region_has(&T->region, p))) {
        q = leave_region(p, n);
    } else {
        if (p && HL_UNLIKELY(hl_samples_maybe(&T->samples, p)))
            old = drop(p, false); /* before its address can be another's */
        if (me)
            me->within++;
        q = below->realloc(below->ctx, p, n);
        if (me)
            me->within--;
    }
    if (!q && old.by) {
        hl_lock_take(&T->samples.lock);
        hl_samples_put(&T->samples, (uintptr_t)p, old.by, old.size);
        hl_lock_give(&T->samples.lock);
    }
    if (HL_LIKELY(q != NULL) && T->mode == HL_TRACK_SAMPLED)
        maybe_take(d, q, n);
    return q;
}

HL_HOT void any_freed(enum hl_domain d, void *p)
{
    const PyMemAllocatorEx *below = &T->below_sampled[d];
    if (d == HL_DOMAIN_RAW && HL_UNLIKELY(hl_region_has(&T->region, p))) {
        drop(p, true);
        return;
    }
    if (HL_LIKELY(p != NULL))
        gone(p);
    below->free(below->ctx, p);
}

#define REALLOC(kind, name, d)                                                                     \
    static void *kind##_##name##_realloc(void *unused, void *p, size_t n)                          \
    {                                                                                              \
        return kind##_remade(d, p, n);                                                             \
    }
#define ALLOC(name, d)                                                                             \
    static void *any_##name##_malloc(void *unused, size_t n)                                       \
    {                                                                                              \
        return any_made(d, 1, n, false);                                                           \
    }                                                                                              \
    static void *any_##name##_calloc(void *unused, size_t each, size_t n)                          \
    {                                                                                              \
        return any_made(d, each, n, true);                                                         \
    }                                                                                              \
    REALLOC(any, name, d)
#define SMALL(name, d)                                                                             \
    static __attribute__((noinline)) void *other_##name##_malloc(void *unused, size_t n)           \
    {                                                                                              \
        return small_made(d, 1, n, false, true);                                                   \
    }                                                                                              \
    static void *small_##name##_malloc(void *ctx, size_t n)                                        \
    {                                                                                              \
        return mostly_small(d, ctx, n, other_##name##_malloc);                                     \
    }                                                                                              \
    static void *small_##name##_calloc(void *unused, size_t each, size_t n)                        \
    {                                                                                              \
        return small_made(d, each, n, true, false);                                                \
    }                                                                                              \
    REALLOC(small, name, d)
#define FREE(name, d)                                                                              \
    static void any_##name##_free(void *unused, void *p)                                           \
    {                                                                                              \
        any_freed(d, p);                                                                           \
    }
ALLOC(raw, HL_DOMAIN_RAW)
ALLOC(mem, HL_DOMAIN_MEM)
ALLOC(obj, HL_DOMAIN_OBJ)
FREE(raw, HL_DOMAIN_RAW)
FREE(mem, HL_DOMAIN_MEM)
FREE(obj, HL_DOMAIN_OBJ)
SMALL(mem, HL_DOMAIN_MEM)
SMALL(obj, HL_DOMAIN_OBJ)

#define ROW(kind, name)                                                                            \
    (PyMemAllocatorEx)                                                                             \
    {                                                                                              \
        NULL, kind##_##name##_malloc, kind##_##name##_calloc, kind##_##name##_realloc,             \
            any_##name##_free                                                                      \
    }
void hl_sampled_hooks(PyMemAllocatorEx hooks[HL_DOMAINS], bool pymalloc)
{
    hooks[HL_DOMAIN_RAW] = ROW(any, raw);
    hooks[HL_DOMAIN_MEM] = pymalloc ? ROW(small, mem) : ROW(any, mem);
    hooks[HL_DOMAIN_OBJ] = pymalloc ? ROW(small, obj) : ROW(any, obj);
    for (int d = HL_DOMAIN_MEM; pymalloc && d < HL_DOMAINS;
         d++) { /* our functions take no context */
        hooks[d].ctx = T->below_sampled[d].ctx;
        hooks[d].free = T->below_sampled[d].free;
    }
}
