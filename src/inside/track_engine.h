/* inside/track_engine.h: the tracker of this interpreter: hooks, stacks, sessions.
 *
 * Room   inside; target, inside malloc unless said.
 * Parts  track_stack.c   which Python stack is running: a shadow of it, checked lazily
 *        track_codes.c   code objects seen, and their death
 *        track_exact.c   hooks that note every block
 *        track_sampled.c hooks that take one in so many bytes
 *        track_lists.c   free lists, which hide who makes an object
 *        track_pools.c   the small-object allocator below, taken from without a call
 *        track_engine.c  start, stop, fork, what there is to read
 *        track_write.c   what is known, as columns of a snapshot: in a look's child
 *        track_binding.c the door for Python code; track_names.c: files and lines for it
 *        track_traces.c  the same as tracemalloc has it
 * Guard  What says "GIL" is guarded by it; the raw domain may be entered without it, so that its
 *        sums are atomic, and a thread writes only what is its own. In the hooks: no malloc, no Python
 *        API that runs code, collects or counts; errno is what it was. */
#ifndef HL_TRACK_ENGINE_H
#define HL_TRACK_ENGINE_H

#include "inside/track_frame.h"
#include "inside/track_pools.h"

#include "base/err.h"
#include "track/codes.h"
#include "track/live.h"
#include "track/recent.h"
#include "track/region.h"
#include "track/sampler.h"
#include "track/site_tree.h"
#include "track/tally.h"
#include "track/totals.h"

#define HL_LIKELY(x)   __builtin_expect(!!(x), 1)
#define HL_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define HL_HOT         static inline __attribute__((always_inline))
#define HL_COLD        __attribute__((noinline, cold))

enum hl_track_mode { HL_TRACK_OFF, HL_TRACK_EXACT, HL_TRACK_SAMPLED };

typedef struct hl_shadow {
    hl_frame *frame;
    uintptr_t at;
    uint32_t site, parent; /* parent: the site it was found below */
    uintptr_t mark; /* what stands in the frame's slot for a result (track_frame.h); 0: nothing */
} hl_shadow;

enum { HL_FOUND_BITS = 6, HL_FOUND = 1 << HL_FOUND_BITS };

typedef struct hl_found { /* an instruction below a caller's site */
    uint64_t key;         /* of both: hl_found_below and the address; 0: none */
    uint64_t word;        /* who makes a block there: the map's word without age and size */
    hl_made *made;        /* the site's totals */
    uint64_t unused;      /* 32 bytes: half a line */
} hl_found;

typedef struct hl_thread {       /* of one thread of the system, not of an interpreter */
    PyThreadState *state;        /* whose stack the shadow is of */
    PyThreadState *const *runs;  /* where the interpreter says which runs: hl_thread_place */
    hl_frame *top;               /* what ran last, if it carries a mark; else HL_NO_FRAME */
    uint64_t below;              /* the site of its caller: hl_found_below */
    hl_shadow *shadow;           /* outermost first */
    size_t depth, room, deepest; /* deepest: of `shadow` more was not written since `gone` */
    uintptr_t mark;              /* the last one given out; odd, and of no other thread */
    uint32_t gone;               /* which sites.gone `shadow` and `found` are of */
    uint32_t who;
    uint32_t within;   /* hooks of mem or obj that are below us on this thread: raw is not asked */
    enum hl_domain as; /* sampled: what the raw hook takes is of this domain; 0: its own */
    uintptr_t newest;  /* the block it made last, of samples; 0: gone, or none */
    hl_recent *recent; /* exact, with windows: its last blocks; NULL: none yet */
    int64_t newest_left;     /* sampled: what was left of the tracker's bytes then, */
    int64_t newest_raw_left; /* and of the thread's */
    int64_t left;            /* sampled: bytes to the next point of the raw domain */
    uint64_t random, system_id;
    int64_t tid;
    struct hl_thread *next;
    bool taken; /* false: its thread has ended */
    /* What was found last for mem and obj, so that a frame that allocates here and there is not
     * compared each time. An activation is believed after it was compared once, which empties this
     * if code died: what stood at its addresses before died before it began. */
    _Alignas(64) hl_found found[2][HL_FOUND][2]; /* two that fall together, the newer first */
} hl_thread;

#define HL_NO_FRAME ((hl_frame *)(uintptr_t)1)

typedef struct hl_tracker {
    enum hl_track_mode mode; /* GIL */
    uint32_t stamp;          /* the current age, in its place in `by` */
    int64_t left;            /* sampled, mem and obj; GIL */
    int64_t bytes;           /* live, of mem and obj; GIL */
    int64_t raw_bytes;       /* live, of raw; atomic */
    int64_t peak;            /* the most that lived; GIL; sampled: samples.lock */
    int64_t peak_next;       /* above this the floor rises with it; this and the next as `peak` */
    int64_t peak_floor;      /* below this what lived at the peak is written down */
    uint32_t users;          /* sessions, one in another, and `heaplens run`; GIL */
    bool of_run;             /* one of them is the run's */
    uint32_t horizon;        /* levels of the stack that are checked; 0: all */
    bool windows;            /* exact: within how many allocations a block went is counted */
    PyMemAllocatorEx below_exact[HL_DOMAINS], below_sampled[HL_DOMAINS]; /* whom hooks ask */
    hl_live live;
    hl_sites sites;
    hl_totals totals;
    hl_codes codes; /* sites.lock */
    hl_samples samples;
    hl_region region;     /* samples.lock; base NULL: not in use */
    uint64_t random;      /* GIL */
    hl_tally peak_rows;   /* what lived at the peak; its guard; it changes under `lock`, too */
    uint64_t checkpoints; /* GIL; age = checkpoints >> age_shift */
    uint32_t age_shift;
    uint32_t looks;                 /* snapshots since the start; GIL */
    uint32_t looks_before[HL_AGES]; /* how many of them before each age began; GIL */
    uint64_t since_ns, peak_ns;     /* CLOCK_MONOTONIC: the start; about when the peak was; GIL */
    hl_lock lock;                   /* guards what follows */
    hl_thread *threads;
    uint32_t whos;
    uintptr_t records;            /* thread records begun: of marks */
    unsigned corrected;           /* bits of hl_free_list; GIL */
    uint64_t checked, mismatched; /* HL_TRACK_CHECK: stacks compared with a whole walk; GIL */
    uint64_t lost;                /* blocks that no thread record could be had for */
} hl_tracker;

extern hl_tracker hl_tracking __attribute__((visibility("hidden"))); /* found without a table */
/* The tracker of this process: ours, or that of the copy of the core `heaplens run` has armed. Looks
 * read it, and change nothing but its locks. */
extern hl_tracker *hl_tracker_read;

/* ---- stacks: track_stack.c --------------------------------------------------------------------
 */

extern __thread hl_thread *hl_track_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The record of this thread, for this thread state. NULL: no memory. */
hl_thread *hl_thread_for(PyThreadState *state);
uint32_t hl_stack_check(hl_thread *me, hl_frame *top);
/* An allocation failed, so that what ran meanwhile was not seen: nothing of the copy is believed. */
void hl_stack_forget(void);
void hl_stack_compare(uint32_t site, hl_frame *top); /* HL_TRACK_CHECK */

HL_HOT hl_thread *hl_thread_self(PyThreadState *state)
{
    hl_thread *me = hl_track_self;
    return HL_LIKELY(me && me->state == state) ? me : hl_thread_for(state);
}

/* Sites have 24 bits and are spread over 64, so that with an address added two pairs have one key as
 * seldom as two hashes are one. */
HL_HOT uint64_t hl_found_below(uint32_t parent)
{
    return (uint64_t)(parent + 1) * 0xC2B2AE3D27D4EB4Full;
}
HL_HOT hl_found *hl_found_at(hl_thread *me, enum hl_domain d, uint64_t key)
{
    return me->found[d - HL_DOMAIN_MEM][key * 0x9E3779B97F4A7C15ull >> (64 - HL_FOUND_BITS)];
}
/* What was found, if what ran last runs still, at an instruction it was seen at for this domain; NULL:
 * it has to be compared. */
HL_HOT const hl_found *hl_stack_same(hl_thread *me, enum hl_domain d, hl_frame *top)
{
    if (HL_UNLIKELY(me->top != top || !hl_frame_marked(top)))
        return NULL;
    uint64_t key = hl_frame_at(top) + me->below;
    const hl_found *f = hl_found_at(me, d, key);
    return HL_LIKELY(f[0].key == key) ? f : HL_LIKELY(f[1].key == key) ? f + 1 : NULL;
}
/* The site of what runs, which is found next time. */
HL_HOT void hl_stack_found(hl_thread *me, enum hl_domain d, hl_frame *top, uint32_t site,
                           hl_made *made)
{
    if (me->top != top || !made)
        return;
    uint64_t key = hl_frame_at(top) + me->below;
    hl_found *f = hl_found_at(me, d, key);
    if (f[0].key == key)
        return;
    f[1] = f[0];
    f[0] = (hl_found){key, hl_made_by(site, 0, me->who, d) << HL_LIVE_SIZE_BITS, made, 0};
}
HL_HOT uint32_t hl_stack_of(hl_thread *me, hl_frame *top)
{
    if (HL_LIKELY(me->depth)) {
        const hl_shadow *s = &me->shadow[me->depth - 1];
        if (s->frame == top && s->at == hl_frame_at(top) && hl_frame_marked(top))
            return s->site;
    }
    return hl_stack_check(me, top);
}
/* The site of the stack that runs in a thread state of this thread; 0: none does. */
HL_HOT uint32_t hl_stack_now(hl_thread *me, PyThreadState *state)
{
    hl_frame *top = hl_frame_top(state);
    if (HL_UNLIKELY(!top))
        return 0;
    uint32_t site = hl_stack_of(me, top);
#ifdef HL_TRACK_CHECK
    hl_stack_compare(site, top);
#endif
    return site;
}
/* Forked: the other threads are not here. */
void hl_threads_forked(void);

/* ---- code objects: track_codes.c --------------------------------------------------------------
 */

/* sites.lock is held. NULL: it runs no code object, or there is no memory. */
hl_code_seen *hl_track_code(PyCodeObject *code);
void hl_track_codes_arm(void); /* GIL; for good: sites outlive a session */
enum hl_lines_format hl_track_lines_format(void);

/* ---- hooks ------------------------------------------------------------------------------------
 */

/* pools: of the allocator that lies below; NULL: it is asked. windows: it is counted how soon blocks go. */
void hl_exact_hooks(PyMemAllocatorEx hooks[HL_DOMAINS], hl_abi_pool **pools, bool windows);
/* pymalloc: the small-object allocator lies below, and hands on what it does not know. */
void hl_sampled_hooks(PyMemAllocatorEx hooks[HL_DOMAINS], bool pymalloc);
/* A new peak, by more than a step: what may go before it is written down. The peak's guard is held,
 * here and below. */
void hl_peak_rises(int64_t live);
/* What lived at the peak is written down, now that it goes. */
void hl_peak_note(void);

/* The thread state whose stack made a raw block: this thread's, with or without the GIL; or NULL. */
HL_HOT PyThreadState *hl_raw_state(void)
{
    PyThreadState *t = hl_frame_thread();
#if !HL_PY_AT_LEAST(12)
    if (t && t->thread_id != (unsigned long)pthread_self())
        t = NULL; /* another thread has the GIL */
#endif
    return HL_LIKELY(t != NULL) ? t : PyGILState_GetThisThreadState();
}

/* ---- free lists: track_lists.c ----------------------------------------------------------------
 */

/* Objects come from the allocator, all of them, from now on. GIL; not in a hook. */
void hl_lists_off(void);
void hl_lists_on(void);
/* NULL: whoever makes a container is told. Else a sentence: what may be told wrong. */
const char *hl_lists_caveat(void);

/* ---- sessions: track_engine.c -----------------------------------------------------------------
 */

/* Levels that are checked unless somebody asks for others: HORIZON of python/heaplens/_track.py. */
enum { HL_TRACK_HORIZON = 32 };

typedef struct hl_track_options {
    enum hl_track_mode mode;
    double mean;      /* sampled: bytes between points */
    uint32_t horizon; /* 0: every level of every stack is checked */
    bool lists;       /* free lists are corrected */
    bool windows;     /* exact: it is counted how soon blocks go */
    bool of_run;      /* of `heaplens run`, not of the program */
} hl_track_options;

/* GIL; not in a hook. A start while another's session goes on joins it, with its options; it is refused
 * where that has samples and this wants each, unless those are only the run's: they give way, for
 * good. The last stop ends it. */
hl_status hl_track_start(const hl_track_options *options, hl_err *err);
void hl_track_stop(void);
/* In a forked child that is not followed: it pays no more, unless there are sessions of its own. */
void hl_track_forked_unfollowed(void);
/* What is made from now on is of another age. look: a snapshot was taken. Returns the number of the
 * checkpoint. GIL. */
uint64_t hl_track_checkpoint(bool look);
/* Of the one session there is, which is not the run's: every block is forgotten, and the peak is nothing;
 * the peak is what lives. false: nothing was done. GIL; not in a hook. */
bool hl_track_clear(void);
bool hl_track_reset_peak(void);
/* Sums up what lives. Also in a cloned child. false: no memory. */
bool hl_track_sum(hl_tracker *t, hl_tally *rows);
/* What lived at the peak; NULL: all that lives now. The peak's guard is held, or a cloned child. */
const hl_tally *hl_peak_rows(const hl_tracker *t);
/* Whether the small-object allocator itself, and nobody's hook, is what lies there. */
bool hl_track_above_pymalloc(const PyMemAllocatorEx below[HL_DOMAINS]);
/* NULL: nobody stands between the allocators and us. Else a sentence. GIL. */
const char *hl_track_bypassed(void);

#endif
