/* inside/track_engine.c: the tracker starts, stops, forks, and says what it knows.
 *
 * Room   inside; target with the GIL.
 * Takes  options.   Gives  hooks in their places, sums of what lives.
 * Method Hooks are put in front of what is there, and taken out only where nobody has put another in
 *        front of them meanwhile; else they stay and pass everything on. So does the hook of raw
 *        while blocks of our own region live on.
 * Knows  everything of the tracker.  Must not know  files, Python objects. */
#define _GNU_SOURCE
#include "inside/track_engine.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/vitals.h"
#include "rt/rt.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
    REGION_BYTES = 1 << 26,
    PEAK_STEPS = 64, /* what lived at the peak is written down when a part of it has gone */
    PEAK_STEP_BYTES = 1 << 16,
};

hl_tracker hl_tracking, *hl_tracker_read = &hl_tracking;
#define T (&hl_tracking)

static const PyMemAllocatorDomain domains[HL_DOMAINS] = {
    [HL_DOMAIN_RAW] = PYMEM_DOMAIN_RAW,
    [HL_DOMAIN_MEM] = PYMEM_DOMAIN_MEM,
    [HL_DOMAIN_OBJ] = PYMEM_DOMAIN_OBJ,
};
/* The hooks of one mode, and where they are in the chain. */
typedef struct placing {
    PyMemAllocatorEx *below;
    PyMemAllocatorEx hooks[HL_DOMAINS];
    bool in[HL_DOMAINS];
} placing;
static placing exact = {.below = hl_tracking.below_exact},
               sampled = {.below = hl_tracking.below_sampled};

/* ---- forks -----------------------------------------------------------------------------------
 */

static uint64_t seed(void)
{
    struct timespec t = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return ((uint64_t)t.tv_nsec << 20 ^ (uint64_t)getpid() << 40 ^ (uint64_t)t.tv_sec) | 1;
}

/* The map, the sites and the samples are copies, and right at once. */
static void in_forked_child(void)
{
    hl_lock_reset(&T->lock);
    hl_lock_reset(&T->live.lock);
    hl_lock_reset(&T->sites.lock);
    hl_lock_reset(&T->samples.lock);
    hl_threads_forked();
    T->random = seed();
    if (hl_track_self)
        hl_track_self->random = T->random * 3 | 1;
}

static void see_to_forks(void)
{
    static bool done;
    if (!done)
        done = pthread_atfork(NULL, NULL, in_forked_child) == 0;
}

/* ---- hooks -----------------------------------------------------------------------------------
 */

/* The small-object allocator itself lies below mem and obj: it knows its own blocks by their
 * addresses and hands on what it does not know. */
bool hl_track_above_pymalloc(const PyMemAllocatorEx below[HL_DOMAINS])
{
    const PyMemAllocatorEx *mem = &below[HL_DOMAIN_MEM], *obj = &below[HL_DOMAIN_OBJ];
    int chosen = _PyRuntime.preconfig.allocator;
    Dl_info there, python;
    return (chosen == PYMEM_ALLOCATOR_NOT_SET || chosen == PYMEM_ALLOCATOR_DEFAULT ||
            chosen == PYMEM_ALLOCATOR_PYMALLOC) &&
           !mem->ctx && !obj->ctx && mem->malloc == obj->malloc && mem->free == obj->free &&
           dladdr((void *)(uintptr_t)obj->malloc, &there) &&
           dladdr((void *)(uintptr_t)PyObject_Malloc, &python) &&
           there.dli_fbase == python.dli_fbase;
}

static bool owns_region_blocks(void)
{
    const hl_samples *s = &T->samples;
    for (size_t i = 0; T->region.base && (i = hl_samples_next(s, i)) < HL_SAMPLES_ROOM; i++)
        if (hl_region_has(&T->region, (const void *)hl_samples_at(s, i)->at))
            return true;
    return false;
}

/* What nobody put a hook of theirs in front of. */
static void take_out(placing *p)
{
    for (int d = HL_DOMAIN_RAW; d < HL_DOMAINS; d++) {
        PyMemAllocatorEx now;
        PyMem_GetAllocator(domains[d], &now);
        if (!p->in[d] || now.malloc != p->hooks[d].malloc)
            continue;
        if (p == &sampled && d == HL_DOMAIN_RAW && owns_region_blocks())
            continue;
        PyMem_SetAllocator(domains[d], &p->below[d]);
        p->in[d] = false;
    }
}

/* Asks each allocator for a block, and looks whether we were asked in turn: another's hook in front
 * of ours asks us, and who put back what was there before us does not. */
static bool reaches_us(int d)
{
    hl_thread *me = hl_thread_self(hl_frame_thread());
    int64_t bytes = d == HL_DOMAIN_RAW ? T->raw_bytes : T->bytes;
    int64_t left = d == HL_DOMAIN_RAW ? me ? me->left : 0 : T->left;
    void *p = d == HL_DOMAIN_RAW   ? PyMem_RawMalloc(1)
              : d == HL_DOMAIN_MEM ? PyMem_Malloc(1)
                                   : PyObject_Malloc(1);
    bool seen = T->mode == HL_TRACK_EXACT
                    ? bytes != (d == HL_DOMAIN_RAW ? T->raw_bytes : T->bytes)
                    : left != (d == HL_DOMAIN_RAW ? me ? me->left : 1 : T->left);
    if (d == HL_DOMAIN_RAW)
        PyMem_RawFree(p);
    else if (d == HL_DOMAIN_MEM)
        PyMem_Free(p);
    else
        PyObject_Free(p);
    return seen;
}

/* T->mode is set. What is in the chain no more is put in again. */
static void put_in(placing *p)
{
    PyMemAllocatorEx hooks[HL_DOMAINS];
    for (int d = HL_DOMAIN_RAW; d < HL_DOMAINS; d++) {
        p->in[d] = p->in[d] && reaches_us(d);
        if (!p->in[d])
            PyMem_GetAllocator(domains[d], &p->below[d]);
    }
    bool pymalloc = hl_track_above_pymalloc(p->below);
    if (p == &exact)
        hl_exact_hooks(hooks, pymalloc ? hl_pools_find(&p->below[HL_DOMAIN_OBJ]) : NULL,
                       T->windows);
    else
        hl_sampled_hooks(hooks, pymalloc && hl_region_init(&T->region, REGION_BYTES));
    for (int d = HL_DOMAIN_RAW; d < HL_DOMAINS; d++) { /* raw first: the others hand on to it */
        if (p->in[d]) {
            /* another's stand in front of ours, and ours may be those without windows */
            T->windows &= p->hooks[d].malloc == hooks[d].malloc;
            continue;
        }
        p->hooks[d] = hooks[d];
        p->in[d] = true;
        PyMem_SetAllocator(domains[d], &hooks[d]);
    }
}

const char *hl_track_bypassed(void)
{
    for (int d = HL_DOMAIN_RAW; T->mode && d < HL_DOMAINS; d++)
        if (!reaches_us(d))
            return "another tool put back the allocators as they were before heaplens: what was "
                   "allocated and freed since is not known";
    return NULL;
}

/* ---- sessions --------------------------------------------------------------------------------
 */

/* Of samples only those stay whose blocks are ours: their sizes are needed when they go. */
static void forget_samples(void)
{
    hl_samples *s = &T->samples;
    hl_sample *kept = NULL;
    size_t n = 0, room = s->n;
    if (!s->table)
        return;
    kept = hl_pages_map((room + 1) * sizeof *kept);
    for (size_t i = 0; kept && T->region.base && (i = hl_samples_next(s, i)) < HL_SAMPLES_ROOM; i++)
        if (hl_region_has(&T->region, (const void *)hl_samples_at(s, i)->at) && n < room)
            kept[n++] = *hl_samples_at(s, i);
    hl_samples_clear(s);
    for (size_t i = 0; i < n; i++)
        hl_samples_put(s, kept[i].at, HL_SAMPLE_OLD, kept[i].size);
    s->taken = 0;
    hl_pages_unmap(kept, (room + 1) * sizeof *kept);
}

static hl_status ready(const hl_track_options *o, hl_err *err)
{
    if (!hl_sites_init(&T->sites) || !hl_codes_init(&T->codes) ||
        (o->mode == HL_TRACK_SAMPLED && !hl_samples_init(&T->samples, o->mean)))
        return hl_err_set(err, HL_NO_MEMORY, "no memory for the tables of the tracker");
    return HL_OK;
}

hl_status hl_track_start(const hl_track_options *o, hl_err *err)
{
    if (T->mode == HL_TRACK_SAMPLED && o->mode == HL_TRACK_EXACT && T->of_run && T->users == 1)
        hl_track_stop();
    if (T->mode == HL_TRACK_SAMPLED && o->mode == HL_TRACK_EXACT)
        return hl_err_set(err, HL_UNSUPPORTED,
                          "samples are being taken already, so that not every allocation can be "
                          "told: stop that block first, or give it no rate");
    if (T->mode) {
        T->users++;
        return HL_OK;
    }
    if (ready(o, err))
        return err->status;
    see_to_forks();
    hl_track_codes_arm();
    hl_live_clear(&T->live);
    hl_totals_zero(&T->totals);
    hl_lock_take(&T->samples.lock);
    forget_samples();
    hl_lock_give(&T->samples.lock);
    hl_tally_deinit(&T->peak_rows);
    T->horizon = o->horizon;
    T->windows = o->windows;
    T->samples.mean = o->mean;
    T->random = seed();
    T->left = hl_sample_gap(&T->random, o->mean > 0 ? o->mean : 1);
    T->bytes = T->raw_bytes = T->peak = T->peak_next = 0;
    T->peak_floor = INT64_MIN;
    T->checkpoints = T->age_shift = T->stamp = T->looks = 0;
    memset(T->looks_before, 0, sizeof T->looks_before);
    T->since_ns = T->peak_ns = hl_vitals_clock_ns(CLOCK_MONOTONIC);
    T->checked = T->mismatched = T->lost = 0;
    hl_lock_take(
        &T->sites.lock); /* what ran since the last one was not seen: nothing is believed */
    __atomic_store_n(&T->sites.gone, T->sites.gone + 1, __ATOMIC_RELEASE);
    hl_lock_give(&T->sites.lock);
    T->mode = o->mode;
    T->users = 1;
    T->of_run = o->of_run;
    put_in(o->mode == HL_TRACK_EXACT ? &exact : &sampled);
    if (o->lists)
        hl_lists_off();
    return HL_OK;
}

void hl_track_stop(void)
{
    if (!T->mode || --T->users)
        return;
    hl_lists_on();
    T->of_run = false;
    T->mode = HL_TRACK_OFF;
    take_out(&exact);
    take_out(&sampled);
}

static bool is_one_session(void)
{
    return T->mode == HL_TRACK_EXACT && T->users == 1 && !T->of_run;
}

static void peak_anew(void)
{
    hl_tally before = T->peak_rows;
    hl_lock_take(&T->lock); /* a look in lent memory copies them */
    T->peak_rows = (hl_tally){.n = 0};
    hl_lock_give(&T->lock);
    hl_tally_deinit(&before);
    T->peak = T->bytes + __atomic_load_n(&T->raw_bytes, __ATOMIC_RELAXED);
    hl_peak_rises(T->peak);
}

bool hl_track_reset_peak(void)
{
    if (!is_one_session())
        return false;
    peak_anew();
    return true;
}

/* The stacks stay known: nothing runs meanwhile but what is outside the interpreter. */
bool hl_track_clear(void)
{
    if (!is_one_session())
        return false;
    T->mode = HL_TRACK_OFF; /* what is freed meanwhile without the GIL is forgotten anyway */
    hl_lock_take(&T->live.lock);
    hl_live_clear(&T->live);
    hl_lock_give(&T->live.lock);
    T->bytes = 0;
    __atomic_store_n(&T->raw_bytes, 0, __ATOMIC_RELAXED);
    T->mode = HL_TRACK_EXACT;
    peak_anew();
    return true;
}

/* The hooks stay, and pass everything on. */
void hl_track_forked_unfollowed(void)
{
    if (T->of_run && T->users == 1) {
        T->mode = HL_TRACK_OFF;
        T->users = 0;
    }
}

uint64_t hl_track_checkpoint(bool look)
{
    uint64_t before = T->checkpoints++ >> T->age_shift;
    T->looks += look;
    if (T->checkpoints >> T->age_shift >= HL_AGES) {
        T->age_shift++;
        before /= 2;
        for (unsigned i = 0; i < HL_AGES / 2; i++)
            T->looks_before[i] = T->looks_before[2 * i];
        if (T->mode == HL_TRACK_EXACT)
            hl_live_age(&T->live);
        hl_lock_take(&T->samples.lock);
        hl_samples_age(&T->samples);
        hl_lock_give(&T->samples.lock);
    }
    uint64_t age = T->checkpoints >> T->age_shift;
    if (age != before)
        T->looks_before[age] = T->looks;
    T->stamp = (uint32_t)(T->checkpoints >> T->age_shift) << (HL_WHO_BITS + HL_DOMAIN_BITS);
    return T->checkpoints;
}

/* ---- what there is to read --------------------------------------------------------------------
 */

static void add_block(void *rows, uintptr_t at, uint64_t by, uint64_t size)
{
    (void)at;
    hl_tally_add(rows, by, 1, size);
}

static void add_samples(const hl_tracker *t, hl_tally *rows)
{
    const hl_samples *s = &t->samples;
    for (size_t i = 0; (i = hl_samples_next(s, i)) < HL_SAMPLES_ROOM; i++) {
        const hl_sample *r = hl_samples_at(s, i);
        if (r->by == HL_SAMPLE_OLD)
            continue;
        hl_tally_add(rows, r->by, hl_sample_blocks(r->size, s->mean),
                     hl_sample_bytes(r->size, s->mean));
        hl_tally_vary(rows, r->by, hl_sample_variance(r->size, s->mean));
    }
}

bool hl_track_sum(hl_tracker *t, hl_tally *rows)
{
    if (!hl_tally_init(rows))
        return false;
    if (t->mode == HL_TRACK_EXACT)
        hl_live_walk(&t->live, add_block, rows);
    else
        add_samples(t, rows);
    return true;
}

const hl_tally *hl_peak_rows(const hl_tracker *t)
{
    int64_t live = t->mode == HL_TRACK_SAMPLED
                       ? t->samples.bytes
                       : t->bytes + __atomic_load_n(&t->raw_bytes, __ATOMIC_RELAXED);
    bool noted = t->peak_rows.rows && t->peak_floor == INT64_MIN && live < t->peak;
    return noted ? &t->peak_rows : NULL;
}

void hl_peak_rises(int64_t live)
{
    int64_t step = live / PEAK_STEPS > PEAK_STEP_BYTES ? live / PEAK_STEPS : PEAK_STEP_BYTES;
    if (T->mode == HL_TRACK_SAMPLED && (double)step < T->samples.mean)
        step = (int64_t)T->samples.mean;
    T->peak_floor = live - step;
    T->peak_next = live + step;
    T->peak_ns = hl_vitals_clock_ns(CLOCK_MONOTONIC);
}

void hl_peak_note(void)
{
    int64_t step = T->peak_next - T->peak;
    hl_tally now = {.n = 0}, before = T->peak_rows;
    T->peak_floor = INT64_MIN;
    T->peak_next = T->peak + T->peak / 16 + (step > 0 ? step : 0);
    (void)hl_track_sum(T, &now);
    hl_lock_take(&T->lock); /* a look in lent memory copies them */
    T->peak_rows = now;
    hl_lock_give(&T->lock);
    hl_tally_deinit(&before);
}
