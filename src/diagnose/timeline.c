/* diagnose/timeline.c: memory over time: what was in use at each look, by whom it was asked for.
 *
 * Room   diagnose; analyser process; no graph, one snapshot's sizes in memory at a time.
 * Takes  the snapshots of one recording.   Gives  hl_timeline_process: a value a look for each curve.
 * Each curve is measured by somebody else: the kernel, the walk, the allocator's tables, the tracker.
 * They need not add up, and say who they are. */
#include "diagnose/course.h"

#include "diagnose/site_pool.h"
#include "diagnose/slope.h"

enum curve {
    RSS,
    PRIVATE,
    HEAP,
    ARENAS,
    ARENAS_USED,
    MALLOC,
    SWAP,
    TRACKED,
    RAW,
    MEM,
    OBJ,
    NATIVE,
    PEAK,
    TOTAL,
    CURVES
};
_Static_assert(RAW + HL_BLOCK_DOMAINS == PEAK, "a curve a domain");

static const struct {
    const char *key, *name, *by;
} curves[CURVES] = {
    [RSS] = {"rss", "resident memory (RSS)", "the kernel"},
    [PRIVATE] = {"private", "resident, no file's", "the kernel"},
    [HEAP] = {"heap", "Python objects", "the walk"},
    [ARENAS] = {"arenas", "arenas, resident", "the allocator's tables"},
    [ARENAS_USED] = {"arenas_used", "arenas, in use", "the allocator's tables"},
    [MALLOC] = {"malloc", "malloc's memory in use", "the kernel, malloc's chunks"},
    [SWAP] = {"swap", "swapped out", "the kernel"},
    [TRACKED] = {"tracked", "blocks in use", "the tracker"},
    [RAW] = {"raw", "  of the raw domain", "the tracker"},
    [MEM] = {"mem", "  of the mem domain", "the tracker"},
    [OBJ] = {"obj", "  of the object domain", "the tracker"},
    [NATIVE] = {"native", "  of malloc", "the tracker"},
    [PEAK] = {"peak", "high-water mark", "the tracker"},
    [TOTAL] = {"total", "allocated so far", "the tracker"},
};

typedef struct looks {
    int64_t *bytes[CURVES];
    uint64_t *objects, *rounds;
    double *seconds;
    const char **why;
} looks;

/* ---- a look ----------------------------------------------------------------------------------- */

static uint64_t weigh(const hl_snap *s, int64_t *heap)
{
    uint64_t bytes = 0, objects = s->nodes;
    for (hl_node v = 0; v < s->nodes; v++)
        bytes += hl_snap_size(s, v);
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        bytes += f.bytes;
        objects += f.objects;
    }
    *heap = (int64_t)bytes;
    return objects;
}

static void add_sites(const hl_snap *s, looks *l, uint32_t i)
{
    uint64_t domain[HL_BLOCK_DOMAINS] = {0}, live = 0, all = 0;
    const hl_tracking *t = &s->info.tracking;
    for (uint32_t k = 0; k < s->n_sites; k++) {
        domain[s->sites[k].domain] += s->sites[k].live.bytes;
        live += s->sites[k].live.bytes;
        all += s->sites[k].all.bytes;
    }
    l->bytes[TRACKED][i] = (int64_t)live;
    l->bytes[TOTAL][i] = (int64_t)all;
    for (unsigned d = 0; d < HL_BLOCK_DOMAINS; d++)
        if (d != HL_BLOCK_NATIVE || domain[d])
            l->bytes[RAW + d][i] = (int64_t)domain[d];
    if (hl_tracking_tells_all(t))
        l->bytes[PEAK][i] = (int64_t)t->peak_bytes;
}

static bool knows(const hl_snap_info *info, enum hl_memory what)
{
    return info->memory_known & 1u << what;
}

/* a file may claim anything: what cannot be is not told */
static void put(looks *l, enum curve c, uint32_t i, uint64_t more, uint64_t less)
{
    if (more >= less && more - less < INT64_MAX / 2)
        l->bytes[c][i] = (int64_t)(more - less);
}

static void add_resident(const hl_snap_info *info, looks *l, uint32_t i)
{
    const uint64_t *m = info->memory;
    if (info->rss_bytes)
        put(l, RSS, i, info->rss_bytes, 0);
    if (info->rss_bytes && knows(info, HL_MEMORY_SHARED))
        put(l, PRIVATE, i, info->rss_bytes, m[HL_MEMORY_SHARED]);
    if (knows(info, HL_MEMORY_ARENA_RESIDENT))
        put(l, ARENAS, i, m[HL_MEMORY_ARENA_RESIDENT], 0);
    if (knows(info, HL_MEMORY_ARENA_USED))
        put(l, ARENAS_USED, i, m[HL_MEMORY_ARENA_USED], 0);
    if (knows(info, HL_MEMORY_HEAP) && knows(info, HL_MEMORY_HEAP_FREE) &&
        knows(info, HL_MEMORY_MAPPED))
        put(l, MALLOC, i, m[HL_MEMORY_HEAP] + m[HL_MEMORY_MAPPED], m[HL_MEMORY_HEAP_FREE]);
    if (knows(info, HL_MEMORY_SWAP) && m[HL_MEMORY_SWAP])
        put(l, SWAP, i, m[HL_MEMORY_SWAP], 0);
}

static hl_status take(hl_run *run, uint32_t i, uint64_t shift_us, hl_arena *arena, looks *l,
                      hl_err *err)
{
    hl_snap *s;
    const hl_snap_info *info = &run->snaps[i];
    for (unsigned c = 0; c < CURVES; c++)
        l->bytes[c][i] = HL_CELL_NONE;
    l->seconds[i] = ((double)info->time_us + (double)shift_us) / 1e6;
    l->rounds[i] = info->rounds;
    l->why[i] = info->unsettled ? hl_arena_printf(arena, "%s, unsettled", info->reason)
                                : hl_arena_printf(arena, "%s", info->reason);
    add_resident(info, l, i);
    bool followed = info->tracking.mode != HL_FOLLOWED_NOT;
    if (hl_snap_load_parts(run, i, HL_PART_SIZES | (followed ? HL_PART_SITES : 0), &s, err))
        return err->status;
    l->objects[i] = weigh(s, &l->bytes[HEAP][i]);
    if (followed)
        add_sites(s, l, i);
    hl_snap_destroy(s);
    return HL_OK;
}

/* ---- a process -------------------------------------------------------------------------------- */

static const char *remark(const hl_run *run, hl_arena *arena)
{
    const hl_tracking *t = &run->snaps[run->n_snaps - 1].tracking;
    if (t->mode == HL_FOLLOWED_NOT)
        return "no allocation was followed: heaplens run --exact tells blocks and high-water "
               "mark, too";
    if (t->mode == HL_FOLLOWED_SAMPLED)
        return "blocks are estimated from samples";
    return t->peak_us ? hl_arena_printf(arena, "the high-water mark was reached at %.3f s",
                                        (double)t->peak_us / 1e6)
                      : NULL;
}

static bool make_room(looks *l, uint32_t n, hl_arena *arena)
{
    bool room = true;
    for (unsigned c = 0; c < CURVES; c++)
        room &= (l->bytes[c] = hl_arena_array(arena, n, sizeof *l->bytes[c])) != NULL;
    l->objects = hl_arena_array(arena, n, sizeof *l->objects);
    l->rounds = hl_arena_array(arena, n, sizeof *l->rounds);
    l->seconds = hl_arena_array(arena, n, sizeof *l->seconds);
    l->why = hl_arena_array(arena, n, sizeof *l->why);
    return room && l->objects && l->rounds && l->seconds && l->why;
}

static void put_curves(const looks *l, uint32_t n, hl_timeline_process *out)
{
    for (unsigned c = 0; c < CURVES; c++) {
        uint32_t told = 0;
        for (uint32_t i = 0; i < n; i++)
            told += l->bytes[c][i] != HL_CELL_NONE;
        if (!told)
            continue;
        hl_curve *to = &out->curves[out->n_curves++];
        *to = (hl_curve){
            .key = curves[c].key, .name = curves[c].name, .by = curves[c].by, .bytes = l->bytes[c]};
        hl_slope_fit(l->seconds, to->bytes, n, &to->slope);
    }
}

uint64_t hl_timeline_zero(hl_run *const *runs, uint32_t n)
{
    uint64_t zero = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!runs[i]->started_us || !runs[i]->run_id || runs[i]->run_id != runs[0]->run_id)
            return 0;
        zero = !i || runs[i]->started_us < zero ? runs[i]->started_us : zero;
    }
    return n > 1 ? zero : 0;
}

hl_status hl_timeline_of_run(hl_run *run, uint64_t zero_us, hl_arena *arena,
                             hl_timeline_process *out, hl_err *err)
{
    uint32_t n = run->n_snaps;
    uint64_t shift = zero_us && run->started_us > zero_us ? run->started_us - zero_us : 0;
    bool rounds = false;
    looks l;
    if (!n)
        return hl_err_set(err, HL_EMPTY, "%s holds no whole snapshot", run->path);
    hl_timeline_process p = {
        .file = run->path,
        .program = run->program,
        .pid = run->pid,
        .parent = run->parent_pid,
        .n = n,
        .curves = hl_arena_array(arena, CURVES, sizeof *p.curves),
    };
    if (!p.curves || !make_room(&l, n, arena))
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u looks", n);
    for (uint32_t i = 0; i < n; i++) {
        if (take(run, i, shift, arena, &l, err))
            return err->status;
        rounds |= l.rounds[i] > 0;
    }
    p.seconds = l.seconds;
    p.why = l.why;
    p.rounds = rounds ? l.rounds : NULL;
    p.objects = l.objects;
    p.note = remark(run, arena);
    put_curves(&l, n, &p);
    *out = p;
    return HL_OK;
}
