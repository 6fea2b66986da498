/* inside/track_exact.c: hooks that note every block of the interpreter's three allocators.
 *
 * Room   inside; target, inside malloc; mem and obj with the GIL, raw with or without it.
 * Takes  requests.   Gives  words in the map of live blocks, totals of sites.
 * Method The word is written when the block is made and cleared before it is given back, so that
 *        another thread that gets the address at once finds its place free. A large request to mem
 *        or obj is handed on to raw, by the interpreter: `within` says so, and it is noted once, as
 *        what was asked for.
 * Knows  stacks, the map.  Must not know  sampling, sessions. */
#include "inside/track_engine.h"

#include "rt/rt.h"

enum {
    SMALL = 448, /* up to this mem and obj do not hand on (pymalloc: 512, less what debug adds) */
};

#define T (&hl_tracking)

static inline bool handed_on(size_t n)
{
    return n - 1 >= SMALL; /* 0, too */
}

/* ---- sums ------------------------------------------------------------------------------------
 */

HL_HOT void sum_made(enum hl_domain d, uint32_t who, uint32_t site, size_t n)
{
    hl_made *made = hl_made_at(&T->totals, who, d, site);
    if (d != HL_DOMAIN_RAW) {
        T->bytes += (int64_t)n;
        if (HL_LIKELY(made != NULL)) {
            made->blocks++;
            made->bytes += n;
        }
        int64_t live = T->bytes + __atomic_load_n(&T->raw_bytes, __ATOMIC_RELAXED);
        if (HL_UNLIKELY(live > T->peak)) {
            T->peak = live;
            if (HL_UNLIKELY(live > T->peak_next))
                hl_peak_rises(live);
        }
        return;
    }
    __atomic_fetch_add(&T->raw_bytes, (int64_t)n, __ATOMIC_RELAXED);
    if (HL_LIKELY(made != NULL)) {
        __atomic_fetch_add(&made->blocks, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&made->bytes, n, __ATOMIC_RELAXED);
    }
}

/* What lived at the peak is written down before this block, or a part of it, goes. */
static HL_COLD void peak_falls(enum hl_domain d, void *p, hl_live_block b)
{
#if HL_PY_AT_LEAST(12)
    bool gil = hl_frame_thread() != NULL;
#else
    PyThreadState *t = hl_frame_thread();
    bool gil = t && t->thread_id == (unsigned long)pthread_self();
#endif
    if (d == HL_DOMAIN_RAW && !gil)
        return;
    hl_live_put(&T->live, (uintptr_t)p, b.by, b.size);
    hl_peak_note();
    (void)hl_live_take(&T->live, (uintptr_t)p);
}

/* A block that was taken out of the map is about to go, or to keep so many bytes. */
HL_HOT void sum_goes(enum hl_domain d, void *p, hl_live_block b, size_t kept)
{
    int64_t live = T->bytes + __atomic_load_n(&T->raw_bytes, __ATOMIC_RELAXED);
    if (HL_UNLIKELY(live - (int64_t)b.size + (int64_t)kept < T->peak_floor))
        peak_falls(d, p, b);
}

HL_HOT void sum_gone(enum hl_domain d, uint64_t size)
{
    if (d == HL_DOMAIN_RAW)
        __atomic_fetch_sub(&T->raw_bytes, (int64_t)size, __ATOMIC_RELAXED);
    else
        T->bytes -= (int64_t)size;
}

/* Freed by whoever made it, who made nothing since. */
HL_HOT void brief(hl_thread *me, hl_live_block b)
{
    enum hl_domain d = hl_made_domain(b.by);
    hl_made *made = hl_made_at(&T->totals, hl_made_who(b.by), d, hl_made_site(b.by));
    me->newest = 0;
    if (HL_UNLIKELY(!made))
        return;
    if (d == HL_DOMAIN_RAW) {
        __atomic_fetch_add(&made->brief_blocks, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&made->brief_bytes, b.size, __ATOMIC_RELAXED);
        return;
    }
    made->brief_blocks++;
    made->brief_bytes += b.size;
}

/* The blocks a thread made last, where that is asked for. */
static HL_COLD hl_recent *recent_new(hl_thread *me)
{
    me->recent = hl_pages_map(sizeof *me->recent);
    if (me->recent)
        me->recent->made = HL_RECENT;
    return me->recent;
}

static __attribute__((noinline)) void remember(hl_thread *me, void *p)
{
    hl_recent *recent = me->recent ? me->recent : recent_new(me);
    if (recent)
        hl_recent_put(recent, (uintptr_t)p);
}

/* Not the newest: freed within a few allocations of whoever made it, perhaps. */
static __attribute__((noinline)) void went(hl_thread *me, void *p, hl_live_block b)
{
    unsigned within = me->recent ? hl_recent_take(me->recent, (uintptr_t)p) : 0;
    if (within > 1 && hl_made_who(b.by) == me->who)
        hl_within_add(&T->totals, me->who, hl_made_domain(b.by), hl_made_site(b.by), within,
                      b.size);
}

/* ---- one block -------------------------------------------------------------------------------
 */

HL_HOT void note(enum hl_domain d, void *p, size_t n, bool windows)
{
    PyThreadState *state = d == HL_DOMAIN_RAW ? hl_raw_state() : hl_frame_thread();
    hl_thread *me = HL_LIKELY(state != NULL) ? hl_thread_self(state) : hl_track_self;
    uint32_t site = me && state ? hl_stack_now(me, state) : 0;
    uint32_t who = me ? me->who : 0;
    if (d != HL_DOMAIN_RAW && site && !windows)
        hl_stack_found(me, d, hl_frame_top(state), site, hl_made_at(&T->totals, who, d, site));
    sum_made(d, who, site, n);
    hl_live_put(&T->live, (uintptr_t)p,
                (uint64_t)site << (HL_AGE_BITS + HL_WHO_BITS + HL_DOMAIN_BITS) | T->stamp |
                    who << HL_DOMAIN_BITS | (uint64_t)d,
                n);
    if (HL_LIKELY(me != NULL)) {
        me->newest = (uintptr_t)p;
        if (windows)
            remember(me, p);
    }
}

HL_HOT hl_live_block forget(enum hl_domain d, void *p, bool windows)
{
    hl_live_block b = hl_live_take(&T->live, (uintptr_t)p);
    if (b.by) {
        hl_thread *me = hl_track_self;
        sum_goes(d, p, b, 0);
        sum_gone(d, b.size);
        if (me && me->newest == (uintptr_t)p)
            brief(me, b);
        else if (windows && me)
            went(me, p, b);
    }
    return b;
}

/* ---- hooks -----------------------------------------------------------------------------------
 */

static hl_thread *myself(void)
{
    hl_thread *me = hl_track_self;
    return HL_LIKELY(me != NULL) ? me : hl_thread_for(NULL);
}

static HL_COLD void *made_none(void)
{
    hl_stack_forget();
    return NULL;
}

static HL_COLD void *made_peak(void *p, int64_t live)
{
    T->peak = live;
    if (live > T->peak_next)
        hl_peak_rises(live);
    return p;
}

/* The same as note, which it leaves everything to that is not as it mostly is; or its code would save
 * and restore registers for calls that are not made. Of mem and obj; n is less than HL_LIVE_BIG. */
HL_HOT void *note_small(enum hl_domain d, void *p, size_t n, void *(*rest)(void *, size_t))
{
    hl_thread *me = hl_track_self;
    if (HL_UNLIKELY(!me || *me->runs != me->state))
        return rest(p, n);
    hl_frame *top = hl_frame_top(me->state);
    const hl_found *f = hl_stack_same(me, d, top);
    if (HL_UNLIKELY(!f))
        return rest(p, n);
    uint64_t *word = hl_live_word(&T->live, (uintptr_t)p);
    if (HL_UNLIKELY(!word))
        return rest(p, n);
#ifdef HL_TRACK_CHECK
    hl_stack_compare(hl_made_site(f->word >> HL_LIVE_SIZE_BITS), top);
#endif
    hl_made *made = f->made;
    made->blocks++;
    __asm__("" : "+m"(made->blocks)); /* or both become one sum of vectors, which takes longer */
    made->bytes += n;
    *word = f->word | (uint64_t)T->stamp << HL_LIVE_SIZE_BITS | n;
    me->newest = (uintptr_t)p;
    int64_t live = T->bytes += (int64_t)n;
    live += __atomic_load_n(&T->raw_bytes, __ATOMIC_RELAXED);
    return HL_UNLIKELY(live > T->peak) ? made_peak(p, live) : p;
}

HL_HOT void *made(enum hl_domain d, size_t each, size_t n, bool zeroed, bool windows)
{
    const PyMemAllocatorEx *below = &T->below_exact[d];
    size_t bytes = each * n; /* the allocator refuses what is more than there can be */
    hl_thread *me = hl_track_self;
    void *p;
    if (T->mode != HL_TRACK_EXACT || (d == HL_DOMAIN_RAW && me && me->within))
        return zeroed ? below->calloc(below->ctx, each, n) : below->malloc(below->ctx, n);
    if (d != HL_DOMAIN_RAW && HL_UNLIKELY(handed_on(bytes)) && (me = myself())) {
        me->within++;
        p = zeroed ? below->calloc(below->ctx, each, n) : below->malloc(below->ctx, n);
        me->within--;
    } else {
        p = zeroed ? below->calloc(below->ctx, each, n) : below->malloc(below->ctx, n);
    }
    if (HL_LIKELY(p != NULL))
        note(d, p, bytes, windows);
    else
        hl_stack_forget();
    return p;
}

HL_HOT void *remade(enum hl_domain d, void *p, size_t n, bool windows)
{
    const PyMemAllocatorEx *below = &T->below_exact[d];
    hl_thread *me = T->mode == HL_TRACK_EXACT ? myself() : NULL;
    if (!me || (d == HL_DOMAIN_RAW && me->within))
        return below->realloc(below->ctx, p, n);
    /* by the time it returns the old address may be another thread's */
    hl_live_block b = p ? hl_live_take(&T->live, (uintptr_t)p) : (hl_live_block){0, 0};
    if (b.by)
        sum_goes(d, p, b, n);
    if (d != HL_DOMAIN_RAW)
        me->within++;
    void *q = below->realloc(below->ctx, p, n);
    if (d != HL_DOMAIN_RAW)
        me->within--;
    if (!q) {
        hl_stack_forget();
        if (b.by)
            hl_live_put(&T->live, (uintptr_t)p, b.by, b.size);
        return NULL;
    }
    if (b.by)
        sum_gone(d, b.size);
    note(d, q, n, windows);
    return q;
}

HL_HOT void freed(enum hl_domain d, void *p, bool windows)
{
    const PyMemAllocatorEx *below = &T->below_exact[d];
    if (HL_LIKELY(p != NULL) && T->mode == HL_TRACK_EXACT)
        forget(d, p, windows);
    below->free(below->ctx, p);
}

static hl_abi_pool **small_pools;

/* As made, remade and freed, of small blocks of mem and obj (remade: of all but the largest), in fewer
 * instructions. */
HL_HOT void *small_made(enum hl_domain d, size_t n, void *(*other)(size_t),
                        void *(*rest)(void *, size_t))
{
    const PyMemAllocatorEx *below = &T->below_exact[d];
    if (HL_UNLIKELY(T->mode != HL_TRACK_EXACT || handed_on(n)))
        return other(n);
    void *p = small_pools ? hl_pools_take(small_pools, n) : NULL;
    if (HL_UNLIKELY(!p))
        p = below->malloc(below->ctx, n);
    return HL_LIKELY(p != NULL) ? note_small(d, p, n, rest) : made_none();
}

HL_HOT void *small_zeroed(enum hl_domain d, size_t each, size_t n, void *(*other)(size_t, size_t),
                          void *(*rest)(void *, size_t))
{
    const PyMemAllocatorEx *below = &T->below_exact[d];
    size_t bytes = each * n;
    if (HL_UNLIKELY(T->mode != HL_TRACK_EXACT || handed_on(bytes)))
        return other(each, n);
    void *p = below->calloc(below->ctx, each, n);
    return HL_LIKELY(p != NULL) ? note_small(d, p, bytes, rest) : made_none();
}

HL_HOT void *small_remade(enum hl_domain d, void *p, size_t n, void *(*other)(void *, size_t),
                          void *(*rest)(void *, size_t))
{
    const PyMemAllocatorEx *below = &T->below_exact[d];
    uint64_t *word = p ? hl_live_word(&T->live, (uintptr_t)p) : NULL, v = word ? *word : 0;
    int64_t size = (int64_t)(v & HL_LIVE_BIG), left = T->bytes - size + (int64_t)n;
    hl_thread *me = hl_track_self;
    if (HL_UNLIKELY(!me || T->mode != HL_TRACK_EXACT || n >= HL_LIVE_BIG) ||
        HL_UNLIKELY(p && (!v || size == HL_LIVE_BIG)) ||
        HL_UNLIKELY(left + __atomic_load_n(&T->raw_bytes, __ATOMIC_RELAXED) < T->peak_floor))
        return other(p, n);
    if (word)
        *word = 0;
    me->within++;
    void *q = below->realloc(below->ctx, p, n);
    me->within--;
    if (HL_UNLIKELY(!q)) {
        if (word)
            *word = v;
        return made_none();
    }
    T->bytes -= size;
    return note_small(d, q, n, rest);
}

HL_HOT void small_freed(enum hl_domain d, void *p, void (*other)(void *))
{
    const PyMemAllocatorEx *below = &T->below_exact[d];
    uint64_t *word = hl_live_word(&T->live, (uintptr_t)p), v = word ? *word : 0;
    int64_t size = (int64_t)(v & HL_LIVE_BIG), left = T->bytes - size;
    hl_thread *me = hl_track_self;
    if (HL_UNLIKELY(!v || size == HL_LIVE_BIG || !me || T->mode != HL_TRACK_EXACT) ||
        HL_UNLIKELY(left + __atomic_load_n(&T->raw_bytes, __ATOMIC_RELAXED) < T->peak_floor)) {
        other(p);
        return;
    }
    *word = 0;
    T->bytes = left;
    if (me->newest == (uintptr_t)p)
        brief(me, (hl_live_block){v >> HL_LIVE_SIZE_BITS, (uint64_t)size});
    below->free(below->ctx, p);
}

#define ANY(name, d)                                                                               \
    static __attribute__((noinline)) void *any_##name##_malloc(size_t n)                           \
    {                                                                                              \
        return made(d, 1, n, false, false);                                                        \
    }                                                                                              \
    static __attribute__((noinline)) void *any_##name##_calloc(size_t each, size_t n)              \
    {                                                                                              \
        return made(d, each, n, true, false);                                                      \
    }                                                                                              \
    static __attribute__((noinline)) void *any_##name##_realloc(void *p, size_t n)                 \
    {                                                                                              \
        return remade(d, p, n, false);                                                             \
    }                                                                                              \
    static __attribute__((noinline)) void any_##name##_free(void *p)                               \
    {                                                                                              \
        freed(d, p, false);                                                                        \
    }
ANY(mem, HL_DOMAIN_MEM)
ANY(obj, HL_DOMAIN_OBJ)

#define HOOKS(name, d, windows)                                                                    \
    static void *name##_malloc(void *unused, size_t n)                                             \
    {                                                                                              \
        return made(d, 1, n, false, windows);                                                      \
    }                                                                                              \
    static void *name##_calloc(void *unused, size_t each, size_t n)                                \
    {                                                                                              \
        return made(d, each, n, true, windows);                                                    \
    }                                                                                              \
    static void *name##_realloc(void *unused, void *p, size_t n)                                   \
    {                                                                                              \
        return remade(d, p, n, windows);                                                           \
    }                                                                                              \
    static void name##_free(void *unused, void *p)                                                 \
    {                                                                                              \
        freed(d, p, windows);                                                                      \
    }
HOOKS(raw, HL_DOMAIN_RAW, false)
/* Hooks of their own, so that who does not ask for windows does not pay for them. */
HOOKS(windows_raw, HL_DOMAIN_RAW, true)
HOOKS(windows_mem, HL_DOMAIN_MEM, true)
HOOKS(windows_obj, HL_DOMAIN_OBJ, true)

#define SMALL_HOOKS(name, d)                                                                       \
    static __attribute__((noinline)) void *name##_rest(void *p, size_t n)                          \
    {                                                                                              \
        note(d, p, n, false);                                                                      \
        return p;                                                                                  \
    }                                                                                              \
    static void *name##_malloc(void *unused, size_t n)                                             \
    {                                                                                              \
        return small_made(d, n, any_##name##_malloc, name##_rest);                                 \
    }                                                                                              \
    static void *name##_calloc(void *unused, size_t each, size_t n)                                \
    {                                                                                              \
        return small_zeroed(d, each, n, any_##name##_calloc, name##_rest);                         \
    }                                                                                              \
    static void *name##_realloc(void *unused, void *p, size_t n)                                   \
    {                                                                                              \
        return small_remade(d, p, n, any_##name##_realloc, name##_rest);                           \
    }                                                                                              \
    static void name##_free(void *unused, void *p)                                                 \
    {                                                                                              \
        small_freed(d, p, any_##name##_free);                                                      \
    }
SMALL_HOOKS(mem, HL_DOMAIN_MEM)
SMALL_HOOKS(obj, HL_DOMAIN_OBJ)

#define ROW(name)                                                                                  \
    (PyMemAllocatorEx)                                                                             \
    {                                                                                              \
        NULL, name##_malloc, name##_calloc, name##_realloc, name##_free                            \
    }
void hl_exact_hooks(PyMemAllocatorEx hooks[HL_DOMAINS], hl_abi_pool **pools, bool windows)
{
    small_pools = pools;
    hooks[HL_DOMAIN_RAW] = windows ? ROW(windows_raw) : ROW(raw);
    hooks[HL_DOMAIN_MEM] = windows ? ROW(windows_mem) : ROW(mem);
    hooks[HL_DOMAIN_OBJ] = windows ? ROW(windows_obj) : ROW(obj);
}
