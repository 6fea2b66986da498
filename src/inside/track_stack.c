/* inside/track_stack.c: which Python stack is running, at the cost of what changed since last time.
 *
 * Room   inside; target, inside malloc, with the GIL or in a thread's own time without it.
 * Takes  the frames of a thread state.   Gives  a site (track/site_tree.h).
 * Method Each thread has a copy of its stack, frame by frame with the site of each. The running frame
 *        is looked for near the copy's end; from there down each level is compared with the real
 *        one until one carries our mark, for then all below it stand as they stood, or until the
 *        horizon. So a level is compared once for each time it runs, not for each allocation of
 *        what it called. Levels that moved get their sites anew. A level is compared with the frame the
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
    NO_SITE = HL_SITES_MAX, /* no site has this number */
    NEAR = 16,              /* how far from the end of the copy a frame is looked for */
    PENDING = 8,            /* frames that may be new at once; more: the whole stack is read */
    FIRST = 256,            /* levels there is room for at first */
    MARKS_BITS = 40,        /* marks of one thread record: an hour's worth would be 2^36 */
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

/* ---- which thread state runs ---------------------------------------------------------------------
 */

static PyThreadState *const nowhere = (PyThreadState *)(uintptr_t)1; /* equals none */

/* Where this thread finds the state that hl_frame_thread returns. Since 3.12 that is a variable of the
 * thread, which has no name outside the interpreter, and a call for each allocation costs a tenth of
 * all. The function that returns it says where it is: its few instructions are one of three ways a
 * compiler has. Any other, and what is found but does not hold the state, leaves the call. */
#if !HL_PY_AT_LEAST(12)
static PyThreadState *const *place(void)
{
    return (PyThreadState *const *)(const void *)&_PyRuntime.gilstate.tstate_current;
}
#elif defined(__x86_64__)

extern void *__tls_get_addr(void *index);

static bool next(const uint8_t **code, const char *bytes, size_t n)
{
    bool yes = !memcmp(*code, bytes, n);
    *code += yes ? n : 0;
    return yes;
}
#define NEXT(bytes) next(&code, bytes, sizeof(bytes) - 1)

static PyThreadState *const *place(void)
{
    const uint8_t *code = (const uint8_t *)(uintptr_t)
#if HL_PY_AT_LEAST(13)
        PyThreadState_GetUnchecked;
#else
        _PyThreadState_UncheckedGet;
#endif
    const char *self = NULL;
    int32_t far;
    void *at = NULL;
    __asm__("mov %%fs:0, %0" : "=r"(self));
    (void)NEXT("\xf3\x0f\x1e\xfa");     /* endbr64 */
    (void)NEXT("\x48\x83\xec\x08");     /* sub $8, %rsp */
    if (NEXT("\x64\x48\x8b\x04\x25")) { /* mov %fs:FAR, %rax */
        memcpy(&far, code, sizeof far);
        at = (void *)(uintptr_t)(self + far);
    } else if (NEXT("\x66\x48\x8d\x3d")) { /* lea FAR(%rip), %rdi */
        memcpy(&far, code, sizeof far);
        code += sizeof far;
        if (NEXT("\x66\x66\x48\xe8")) /* call __tls_get_addr */
            at = __tls_get_addr((void *)(uintptr_t)(code - 4 + far));
    } else if (NEXT("\x48\x8b\x05")) { /* mov FAR(%rip), %rax */
        memcpy(&far, code, sizeof far);
        code += sizeof far;
        if (NEXT("\x64\x48\x8b\x00")) /* mov %fs:(%rax), %rax */
            at = (void *)(uintptr_t)(self + *(const int64_t *)(const void *)(code - 4 + far));
    }
    return at;
}
#else
static PyThreadState *const *place(void)
{
    return NULL;
}
#endif

/* state: the one that runs. */
static PyThreadState *const *found_place(const PyThreadState *state)
{
    PyThreadState *const *p = place();
    return p && (!HL_PY_AT_LEAST(12) || *p == state) ? p : &nowhere;
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
            size_t room = me->room, deepest = me->deepest;
            uint32_t who = me->who;
            hl_thread *next = me->next;
            hl_recent *recent = me->recent;
            *me = (hl_thread){.runs = &nowhere,
                              .shadow = shadow,
                              .deepest = deepest,
                              .room = room,
                              .who = who,
                              .next = next,
                              .recent = recent,
                              .taken = true};
            me->system_id = (uint64_t)pthread_self();
            me->tid = syscall(SYS_gettid);
            me->random = (me->system_id ^ (uint64_t)me->tid << 32) | 1;
            me->mark =
                __atomic_add_fetch(&hl_tracking.records, 1, __ATOMIC_RELAXED) << MARKS_BITS | 1;
            hl_track_self = me;
            if (have_key)
                pthread_setspecific(at_thread_end, me);
        } else {
            hl_tracking.lost++;
        }
        errno = kept;
    }
    if (me) {
        if (state && me->runs == &nowhere)
            me->runs = found_place(state);
        me->state = state;
        me->top = HL_NO_FRAME;
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
            *s = (hl_shadow){.frame = f, .at = at};
            changed = i;
        }
    }
    uint32_t site = changed ? me->shadow[changed - 1].site : 0;
    for (size_t i = changed; i < depth; i++) {
        me->shadow[i].parent = site;
        site = me->shadow[i].site = child(site, me->shadow[i].frame, me->shadow[i].at);
    }
    me->depth = depth;
    if (me->deepest < depth)
        me->deepest = depth;
    if (above) {
        me->depth = 0; /* the copy's end is not the running frame: read anew next time */
        site = child(site, top, hl_frame_at(top));
    }
    return site;
}

/* Marks a level; true: it was, by us, so that it and all below it are as the copy says. */
HL_HOT bool marked(hl_thread *me, hl_shadow *s, hl_frame *f, const hl_frame *called, bool all_seen)
{
#ifdef HL_FRAME_WAITS
    if (f->stacktop >= 0) {
        if (!called || !all_seen || !hl_frame_waits(f, called))
            return false;
        uintptr_t *slot = hl_frame_result(f);
        if (s->mark && *slot == s->mark)
            return true;
        *slot = s->mark = me->mark += 2;
        return false;
    }
    s->mark = 0; /* it runs */
#endif
    if (hl_frame_marked(f))
        return true;
    hl_frame_mark(f);
    return false;
}

void hl_stack_forget(void)
{
    if (hl_track_self) {
        hl_track_self->top = HL_NO_FRAME;
        hl_track_self->depth = 0;
    }
}

/* Addresses that led to a site may be another's now. */
static HL_COLD void forget_found(hl_thread *me, uint32_t gone)
{
    memset(me->found, 0, sizeof me->found);
    if (me->shadow)
        memset(me->shadow, 0, me->deepest * sizeof *me->shadow);
    me->gone = gone;
    me->depth = me->deepest = 0;
}

uint32_t hl_stack_check(hl_thread *me, hl_frame *top)
{
    uint32_t gone = __atomic_load_n(&hl_tracking.sites.gone, __ATOMIC_ACQUIRE);
    if (HL_UNLIKELY(me->gone != gone))
        forget_found(me, gone);
    me->top = HL_NO_FRAME;
    hl_frame *pending[PENDING], *f = top;
    const hl_frame *called = NULL;
    bool all_seen = hl_tracking.mode == HL_TRACK_EXACT;
    size_t n = me->depth, p = 0, found;
    hl_shadow *shadow = me->shadow;
    for (;;) { /* mostly it is what ran last, or was called by it, or called it */
        const hl_frame *last = n ? shadow[n - 1].frame : NULL;
        hl_frame *below = hl_frame_below(f);
        found = n;
        if (f == last)
            break;
        if (last && below == last && p < PENDING && n + p + 1 < me->room) {
            pending[p++] = f;
            called = f;
            f = below;
            break;
        }
        size_t from = n > NEAR ? n - NEAR : 0;
        for (found = n; found > from; found--)
            if (shadow[found - 1].frame == f)
                break;
        if (found > from)
            break;
        if (p == PENDING || n + p + 1 >= me->room)
            return whole_stack(me, top);
        pending[p++] = f;
        called = f;
        f = below;
        if (!f)
            return whole_stack(me, top);
    }
    size_t i = --found, low = found + 1, horizon = hl_tracking.horizon;
    size_t last = horizon && found > horizon ? found - horizon : 0;
    for (;;) {
        uintptr_t at = hl_frame_at(f);
        if (HL_UNLIKELY(shadow[i].at != at)) {
            shadow[i].at = at;
            shadow[i].parent =
                NO_SITE; /* its site is of another instruction, as long as it stays */
            low = i;
        }
        if (marked(me, &shadow[i], f, called, all_seen))
            break;
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
        called = f;
        f = foreseen;
    }
    uint32_t site;
    if (low <= found) {
        site = low ? shadow[low - 1].site : 0;
        for (size_t k = low; k <= found; k++) {
            shadow[k].parent = site;
            site = shadow[k].site = child(site, shadow[k].frame, shadow[k].at);
        }
    } else {
        site = shadow[found].site;
    }
    while (p) {
        f = pending[--p];
        uintptr_t at = hl_frame_at(f);
        hl_shadow *s = &shadow[++found]; /* it may tell of one that ran here before */
        if (s->frame != f || s->at != at || s->parent != site)
            *s = (hl_shadow){f, at, child(site, f, at), site, 0};
        site = s->site;
        s->mark = 0;
        (void)marked(me, &shadow[found], f, p ? pending[p - 1] : NULL, all_seen);
    }
    me->depth = found + 1;
    if (me->deepest <= found)
        me->deepest = found + 1;
    if (hl_frame_marked(top) && !hl_frame_of_c(top)) {
        me->top = top;
        me->below = hl_found_below(found ? shadow[found - 1].site : 0);
    }
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
