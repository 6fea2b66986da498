/* inside/by_line_hooks.c: exact bytes each thread has made and not freed, now and at the most.
 *
 * Room   inside; target, inside malloc.
 * Method The tracker's map of blocks (track/live.h) without its stacks: a block's size is noted when
 *        it is made, and taken from the sums of whoever frees it. Hooks go in front of whatever is
 *        there, a tracker's too, and are taken out only where nobody put another in front of them.
 * Native What C code asks malloc and its kin for is told by the preloaded library (native/native.h), if
 *        there is one: without a map, so that blocks that lived before count when they go. While one
 *        of our hooks is above it, or the interpreter maps for itself, it is not counted again.
 * Left   Python's blocks that lived before.
 * Guard  A thread writes only its own sums; a block's word is its owner's. */
#include "inside/by_line.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/native_here.h"
#include "inside/track_engine.h"

#include <pthread.h>

enum { SMALL = 512, DOMAINS = HL_DOMAINS };
enum { ANY = 1, POOLED = 2 }; /* a block of any allocator; one taken from a pool */

__thread hl_line_thread hl_line_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static struct {
    bool on;        /* GIL */
    bool native;    /* GIL */
    uint32_t users; /* GIL */
    bool in[DOMAINS];
    PyMemAllocatorEx below[DOMAINS];
    bool arenas_in;
    PyObjectArenaAllocator arenas;
    hl_abi_pool **pools;
    hl_live live;
} L;

/* ---- one block ------------------------------------------------------------------------------- */

HL_HOT void *made(hl_line_thread *me, void *p, size_t n, uint64_t by)
{
    if (HL_UNLIKELY(!p))
        return NULL;
    hl_live_put(&L.live, (uintptr_t)p, by, n);
    me->newest = (uintptr_t)p;
    int64_t net = me->net += (int64_t)n;
    me->peak = net > me->peak ? net : me->peak;
    return p;
}

/* true: it is back in its pool. */
HL_HOT bool gone(hl_line_thread *me, void *p)
{
    hl_live_block b = hl_live_take(&L.live, (uintptr_t)p);
    if (HL_UNLIKELY(!b.by))
        return false;
    me->net -= (int64_t)b.size;
    if (HL_LIKELY(b.by == POOLED))
        return hl_pools_give(p);
    if (HL_UNLIKELY(b.size > SMALL))
        me->moved += b.size;
    return false;
}

HL_HOT bool counts(const hl_line_thread *me)
{
    return HL_LIKELY(L.on && !me->within);
}

/* ---- hooks: the context is the allocator below ----------------------------------------------- */

HL_HOT void *take(void *below_, size_t n, bool pools)
{
    const PyMemAllocatorEx *below = below_;
    hl_line_thread *me = &hl_line_self;
    if (!counts(me))
        return below->malloc(below->ctx, n);
    if (HL_LIKELY(pools && L.pools && n - 1 < SMALL)) {
        void *p = hl_pools_take(L.pools, n);
        if (HL_LIKELY(p != NULL))
            return made(me, p, n, POOLED);
    }
    if (HL_UNLIKELY(n > SMALL))
        me->moved += n;
    me->within++;
    void *p = below->malloc(below->ctx, n);
    me->within--;
    return made(me, p, n, ANY);
}

static void *small_malloc(void *below, size_t n)
{
    return take(below, n, true);
}
static void *raw_malloc(void *below, size_t n)
{
    return take(below, n, false);
}

static void *any_calloc(void *below_, size_t each, size_t n)
{
    const PyMemAllocatorEx *below = below_;
    hl_line_thread *me = &hl_line_self;
    if (!counts(me))
        return below->calloc(below->ctx, each, n);
    me->within++;
    void *p = below->calloc(below->ctx, each, n);
    me->within--;
    me->moved += each * n > SMALL ? each * n : 0;
    return made(me, p, each * n, ANY);
}

static void *any_realloc(void *below_, void *p, size_t n)
{
    const PyMemAllocatorEx *below = below_;
    hl_line_thread *me = &hl_line_self;
    if (!counts(me))
        return below->realloc(below->ctx, p, n);
    /* by the time it returns the old address may be another thread's */
    hl_live_block b = p ? hl_live_take(&L.live, (uintptr_t)p) : (hl_live_block){0, 0};
    me->within++;
    void *q = below->realloc(below->ctx, p, n);
    me->within--;
    if (!q) {
        if (b.by)
            hl_live_put(&L.live, (uintptr_t)p, b.by, b.size);
        return NULL;
    }
    if (b.by || p == NULL)
        me->net -= (int64_t)b.size;
    else
        me->net -=
            (int64_t)n; /* it lived before us: by how much it grew is not known, but from now on */
    me->moved += n > SMALL ? n : 0;
    return made(me, q, n, ANY);
}

static void any_free(void *below_, void *p)
{
    const PyMemAllocatorEx *below = below_;
    hl_line_thread *me = &hl_line_self;
    if (HL_LIKELY(p && counts(me)) && gone(me, p))
        return;
    me->within++;
    below->free(below->ctx, p);
    me->within--;
}

/* ---- what C code has ------------------------------------------------------------------------- */

/* Inside malloc, any thread. */
static bool native_counted(int64_t bytes)
{
    hl_line_thread *me = &hl_line_self;
    if (me->within)
        return false;
    me->native += bytes;
    int64_t net = me->net += bytes;
    me->peak = net > me->peak ? net : me->peak;
    uint64_t size = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    me->moved += size > SMALL ? size : 0;
    return true;
}

/* Pages of pools, whose blocks are told by the hooks, and frames of calls. */
static void *arena_alloc(void *below_, size_t n)
{
    const PyObjectArenaAllocator *below = below_;
    hl_line_self.within++;
    void *p = below->alloc(below->ctx, n);
    hl_line_self.within--;
    return p;
}

static void arena_free(void *below_, void *p, size_t n)
{
    const PyObjectArenaAllocator *below = below_;
    hl_line_self.within++;
    below->free(below->ctx, p, n);
    hl_line_self.within--;
}

static void native_start(void)
{
    PyObjectArenaAllocator hook = {&L.arenas, arena_alloc, arena_free};
    L.native = hl_native_count(native_counted);
    if (!L.native || L.arenas_in)
        return;
    PyObject_GetArenaAllocator(&L.arenas);
    PyObject_SetArenaAllocator(&hook);
    L.arenas_in = true;
}

static void native_stop(void)
{
    PyObjectArenaAllocator now;
    if (L.native)
        hl_native_uncount();
    L.native = false;
    PyObject_GetArenaAllocator(&now);
    if (!L.arenas_in || now.alloc != arena_alloc)
        return;
    PyObject_SetArenaAllocator(&L.arenas);
    L.arenas_in = false;
}

bool hl_line_counts_native(void)
{
    return L.native;
}

/* ---- sessions -------------------------------------------------------------------------------- */

static const PyMemAllocatorDomain domains[DOMAINS] = {
    [HL_DOMAIN_RAW] = PYMEM_DOMAIN_RAW,
    [HL_DOMAIN_MEM] = PYMEM_DOMAIN_MEM,
    [HL_DOMAIN_OBJ] = PYMEM_DOMAIN_OBJ,
};

static void in_forked_child(void)
{
    hl_lock_reset(&L.live.lock);
}

static void put_in(void)
{
    for (int d = HL_DOMAIN_RAW; d < DOMAINS; d++)
        if (!L.in[d])
            PyMem_GetAllocator(domains[d], &L.below[d]);
    L.pools = !L.in[HL_DOMAIN_OBJ] && hl_track_above_pymalloc(L.below)
                  ? hl_pools_find(&L.below[HL_DOMAIN_OBJ])
                  : NULL;
    for (int d = HL_DOMAIN_RAW; d < DOMAINS; d++) {
        PyMemAllocatorEx hook = {&L.below[d], d == HL_DOMAIN_RAW ? raw_malloc : small_malloc,
                                 any_calloc, any_realloc, any_free};
        if (!L.in[d])
            PyMem_SetAllocator(domains[d], &hook);
        L.in[d] = true;
    }
}

bool hl_line_hooks_start(void)
{
    static bool sees_forks;
    if (L.users++)
        return true;
    if (!sees_forks)
        sees_forks = pthread_atfork(NULL, NULL, in_forked_child) == 0;
    hl_live_clear(&L.live);
    put_in();
    L.on = true;
    native_start();
    return true;
}

void hl_line_hooks_stop(void)
{
    if (!L.users || --L.users)
        return;
    native_stop();
    L.on = false;
    for (int d = HL_DOMAIN_RAW; d < DOMAINS; d++) {
        PyMemAllocatorEx now;
        PyMem_GetAllocator(domains[d], &now);
        if (!L.in[d] || now.free != any_free)
            continue;
        PyMem_SetAllocator(domains[d], &L.below[d]);
        L.in[d] = false;
    }
}

uint64_t hl_line_lost(void)
{
    return L.live.lost;
}

/* It lies where the last block was made, or was made before: then it is counted already. */
void hl_line_not_counted(hl_line_thread *me, PyObject *o)
{
    if (HL_LIKELY(me->newest != (uintptr_t)o))
        return;
    hl_live_block b = hl_live_take(&L.live, (uintptr_t)o);
    if (!b.by)
        return;
    bool highest = me->peak == me->net;
    me->net -= (int64_t)b.size;
    if (highest)
        me->peak = me->net;
    me->newest = 0;
}

void *hl_line_own(size_t n)
{
    hl_line_self.within++;
    void *p = PyMem_RawCalloc(1, n);
    hl_line_self.within--;
    return p;
}

void hl_line_own_free(void *p)
{
    hl_line_self.within++;
    PyMem_RawFree(p);
    hl_line_self.within--;
}
