/* inside/track_stack.c: which Python stack is running, at the cost of what changed since last time.
 *
 * Room   inside; target, inside malloc, with the GIL or in a thread's own time without it.
 * Takes  the frames of a thread state.   Gives  a site (track/site_tree.h).
 * Method Each thread has a copy of its stack, frame by frame with the site of each. The running frame
 *        is looked for near the copy's end; from there down each level is compared with the real
 *        one until one carries our mark, for then all below it stand as they stood, or until the
 *        horizon. Levels that moved get their sites anew. A level is compared with the frame the
 *        copy says comes next, so that the processor need not wait for each pointer.
 * Wrong  only where more levels than the horizon were left and entered again, at the same addresses
 *        and instructions, without one allocation meanwhile. HL_TRACK_CHECK compares every site
 *        with a whole walk.
 * Knows  frames.  Must not know  blocks, domains. */
#include "inside/track_engine.h"

#include "rt/rt.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    NEAR = 16,         /* how far from the end of the copy a frame is looked for */
    PENDING = 8,       /* frames that may be new at once; more: the whole stack is read */
    FIRST = 256,       /* levels there is room for at first */
    DEEPEST = 1 << 20, /* of deeper stacks the innermost frame and the outermost these are told */
};

__thread hl_thread *hl_track_self __attribute__((tls_model("initial-exec")));

/* ---- threads ---------------------------------------------------------------------------------
 */

static pthread_key_t at_thread_end;
static pthread_once_t key_made = PTHREAD_ONCE_INIT;
static bool have_key;

static void thread_ends(void *p)
{
    hl_thread *me = p;
    hl_track_self = NULL;
    hl_lock_take(&hl_tracking.lock);
    me->taken = false;
    hl_lock_give(&hl_tracking.lock);
}

static void make_key(void)
{
    have_key = pthread_key_create(&at_thread_end, thread_ends) == 0;
}

/* The lock is held. Numbers are used again when they run out, oldest ended thread first. */
static hl_thread *thread_record(void)
{
    hl_thread *oldest = NULL;
    for (hl_thread *t = hl_tracking.threads; t; t = t->next)
        if (!t->taken)
            oldest = t;
    if (oldest && hl_tracking.whos >= HL_WHOS - 1) {
        hl_totals_fold(&hl_tracking.totals, oldest->who);
        return oldest;
    }
    hl_thread *t = hl_pages_map(sizeof *t);
    if (!t)
        return oldest;
    t->who = hl_tracking.whos < HL_WHOS - 1 ? ++hl_tracking.whos : 0;
    t->next = hl_tracking.threads;
    hl_tracking.threads = t;
    return t;
}

HL_COLD hl_thread *hl_thread_for(PyThreadState *state)
{
    hl_thread *me = hl_track_self;
    if (!me) {
        int kept = errno;
        pthread_once(&key_made, make_key);
        hl_lock_take(&hl_tracking.lock);
        me = thread_record();
        if (me)
            me->taken = true;
        hl_lock_give(&hl_tracking.lock);
        if (me) {
            hl_shadow *shadow = me->shadow;
            size_t room = me->room;
            uint32_t who = me->who;
            hl_thread *next = me->next;
            hl_recent *recent = me->recent;
            *me = (hl_thread){.shadow = shadow,
                              .room = room,
                              .who = who,
                              .next = next,
                              .recent = recent,
                              .taken = true};
            me->system_id = (uint64_t)pthread_self();
            me->tid = syscall(SYS_gettid);
            me->random = (me->system_id ^ (uint64_t)me->tid << 32) | 1;
            hl_track_self = me;
            if (have_key)
                pthread_setspecific(at_thread_end, me);
        } else {
            hl_tracking.lost++;
        }
        errno = kept;
    }
    if (me) {
        me->state = state;
        me->depth = 0;
    }
    return me;
}

void hl_threads_forked(void)
{
    for (hl_thread *t = hl_tracking.threads; t; t = t->next)
        t->taken = t == hl_track_self;
    if (hl_track_self)
        hl_track_self->tid = syscall(SYS_gettid);
}

static bool room_for(hl_thread *me, size_t depth)
{
    if (depth <= me->room)
        return true;
    size_t room = me->room ? me->room : FIRST;
    while (room < depth)
        room *= 2;
    hl_shadow *wider = hl_pages_map(room * sizeof *wider);
    if (!wider)
        return false;
    if (me->shadow)
        memcpy(wider, me->shadow, me->room * sizeof *wider);
    hl_pages_unmap(me->shadow, me->room * sizeof *wider);
    me->shadow = wider;
    me->room = room;
    return true;
}

/* ---- sites -----------------------------------------------------------------------------------
 */

static HL_COLD uint32_t child_new(uint32_t parent, const hl_frame *f, uintptr_t at)
{
    int kept = errno;
    PyCodeObject *code = hl_frame_code(f);
    uint32_t site = parent;
    hl_lock_take(&hl_tracking.sites.lock);
    hl_code_seen *seen = code ? hl_track_code(code) : NULL;
    if (seen)
        site = hl_sites_add(&hl_tracking.sites, parent, seen->code, hl_frame_offset(at, code), at,
                            &seen->cell);
    hl_lock_give(&hl_tracking.sites.lock);
    errno = kept;
    return site;
}

HL_HOT uint32_t child(uint32_t parent, const hl_frame *f, uintptr_t at)
{
    if (HL_UNLIKELY(hl_frame_of_c(f)))
        return parent;
    uint32_t site = hl_sites_find(&hl_tracking.sites, parent, at);
    return HL_LIKELY(site) ? site : child_new(parent, f, at);
}

/* Reads the whole stack, keeps of the copy what is as it was. */
static __attribute__((noinline)) uint32_t whole_stack(hl_thread *me, hl_frame *top)
{
    size_t depth = 0, above = 0;
    for (const hl_frame *f = top; f; f = hl_frame_below(f))
        depth++;
    if (depth > DEEPEST) {
        above = depth - DEEPEST;
        depth = DEEPEST;
    }
    int kept = errno;
    bool room = room_for(me, depth + PENDING);
    errno = kept;
    if (!room) {
        me->depth = 0;
        return child(0, top, hl_frame_at(top));
    }
    hl_frame *f = top;
    for (size_t i = 0; i < above; i++)
        f = hl_frame_below(f);
    size_t changed = depth;
    for (size_t i = depth; i-- > 0; f = hl_frame_below(f)) {
        hl_shadow *s = &me->shadow[i];
        uintptr_t at = hl_frame_at(f);
        if (i >= me->depth || s->frame != f || s->at != at) {
            s->frame = f;
            s->at = at;
            changed = i;
        }
    }
    uint32_t site = changed ? me->shadow[changed - 1].site : 0;
    for (size_t i = changed; i < depth; i++)
        site = me->shadow[i].site = child(site, me->shadow[i].frame, me->shadow[i].at);
    me->depth = depth;
    if (above) {
        me->depth = 0; /* the copy's end is not the running frame: read anew next time */
        site = child(site, top, hl_frame_at(top));
    }
    return site;
}

uint32_t hl_stack_check(hl_thread *me, hl_frame *top)
{
    hl_frame *pending[PENDING], *f = top;
    size_t n = me->depth, p = 0, found;
    hl_shadow *shadow = me->shadow;
    for (;;) {
        size_t from = n > NEAR ? n - NEAR : 0;
        for (found = n; found > from; found--)
            if (shadow[found - 1].frame == f)
                break;
        if (found > from)
            break;
        if (p == PENDING || n + p + 1 >= me->room)
            return whole_stack(me, top);
        pending[p++] = f;
        f = hl_frame_below(f);
        if (!f)
            return whole_stack(me, top);
    }
    size_t i = --found, low = found + 1, horizon = hl_tracking.horizon;
    size_t last = horizon && found > horizon ? found - horizon : 0;
    for (;;) {
        uintptr_t at = hl_frame_at(f);
        if (HL_UNLIKELY(shadow[i].at != at)) {
            shadow[i].at = at;
            low = i;
        }
        if (hl_frame_marked(f))
            break;
        hl_frame_mark(f);
        hl_frame *below = hl_frame_below(f);
        if (i == last) {
            if (i == 0 && below)
                return whole_stack(me, top);
            break;
        }
        hl_frame *foreseen = shadow[--i].frame;
        __asm__("" : "+r"(foreseen)); /* or the compiler goes on with `below`, and waits for it */
        if (HL_UNLIKELY(below != foreseen))
            return whole_stack(me, top);
        f = foreseen;
    }
    uint32_t site;
    if (low <= found) {
        site = low ? shadow[low - 1].site : 0;
        for (size_t k = low; k <= found; k++)
            site = shadow[k].site = child(site, shadow[k].frame, shadow[k].at);
    } else {
        site = shadow[found].site;
    }
    while (p) {
        f = pending[--p];
        uintptr_t at = hl_frame_at(f);
        site = child(site, f, at);
        shadow[++found] = (hl_shadow){f, at, site};
        hl_frame_mark(f);
    }
    me->depth = found + 1;
    return site;
}

#ifdef HL_TRACK_CHECK
/* The same by a walk that believes nothing. */
static uint32_t walked_stack(hl_frame *f)
{
    hl_frame *below = hl_frame_below(f);
    return child(below ? walked_stack(below) : 0, f, hl_frame_at(f));
}

void hl_stack_compare(uint32_t site, hl_frame *top)
{
    __atomic_fetch_add(&hl_tracking.checked, 1, __ATOMIC_RELAXED);
    if (site != walked_stack(top))
        __atomic_fetch_add(&hl_tracking.mismatched, 1, __ATOMIC_RELAXED);
}
#endif
