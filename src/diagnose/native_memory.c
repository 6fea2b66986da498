/* diagnose/native_memory.c: memory that C code keeps or has lost, from call to call of one function.
 *
 * Room   diagnose; a rule over the moments of an audit.
 * Takes  blocks of malloc by native stack, where they were followed; what the allocators have in use,
 *        and what of it objects explain.   Gives  findings native-memory: one for each native stack whose
 *        bytes in use rise with the calls, and one for what rises beyond those.
 * Method A stack's blocks are exact numbers, of blocks that nobody else counts: what rises in each part
 *        of the run, and by the same a call, stays. The rest is known less well: what objects take is a
 *        little less than the blocks they lie in, and each is given the rounding of two blocks. What
 *        of it still rises in each part, and steadily, is small memory C code took of Python's own
 *        allocators; or a small object that nothing leads to and no collector lists: a bytes, a str, an int. */
#include "diagnose/native_memory.h"

#include "base/words.h"
#include "diagnose/native_fate.h"
#include "diagnose/native_sites.h"
#include "diagnose/site_growth.h"
#include "diagnose/sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDING = 32, TOLD_MAX = 8 };
static const double SURE_BYTES = 8, LEAST_BYTES = 1; /* a call */
static const double UNEVEN = 2;                      /* times as much in one part as in another */

static const char FIX[] =
    "no object has it: in the C code called there look for malloc, PyMem_Malloc, PyObject_Malloc "
    "or strdup without its free on every way out, for a buffer whose PyBuffer_Release is missing, "
    "and for a bytes, str or int that is made and not given back (Py_DECREF)";

/* ---- by native stack --------------------------------------------------------------------------- */

typedef struct rising {
    uint64_t key;
    uint64_t *series, *blocks; /* case's arena: bytes and blocks in use, a value a moment */
    hl_course course;
    uint64_t gained;
} rising;

typedef struct stacks {
    hl_native_moment *moments; /* scratch; beside c->moments */
    rising *found;             /* scratch; most bytes first */
    uint32_t n;
    uint64_t gained_taken; /* by what is told: with what malloc needs itself */
    uint64_t *lost; /* scratch: bytes of small blocks that are told, a value a moment; or NULL */
} stacks;

static double rounds_between(const hl_case *c, uint32_t from, uint32_t to)
{
    return (double)(c->moments[to].info.rounds - c->moments[from].info.rounds);
}

static bool followed(const hl_case *c)
{
    for (uint32_t i = 0; i < c->n_moments; i++)
        if (!c->moments[i].info.tracking.native)
            return false;
    return c->n_moments > 0;
}

static bool marked(const hl_case *c)
{
    for (uint32_t i = 0; i < c->n_moments; i++)
        if (!c->moments[i].info.tracking.mark)
            return false;
    return c->n_moments > 0;
}

static hl_status read_stacks(hl_case *c, stacks *all, hl_arena *scratch, hl_err *err)
{
    all->moments = hl_arena_array(scratch, c->n_moments, sizeof *all->moments);
    if (!all->moments)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", c->n_moments);
    for (uint32_t i = 0; i < c->n_moments; i++) {
        hl_snap *s;
        if (hl_snap_load_parts(c->moments[i].run, c->moments[i].index, HL_PART_SITES, &s, err))
            return err->status;
        err->status = HL_OK;
        hl_status status = hl_native_add_up(s, scratch, &all->moments[i], err);
        hl_snap_destroy(s);
        if (status)
            return status;
    }
    return HL_OK;
}

/* What is not the same a call may be what another stack had before: then all together gained little. */
static bool is_moved(const stacks *all, const rising *r)
{
    uint64_t was = all->moments[r->course.first].taken, is = all->moments[r->course.last].taken;
    return !r->course.even && 2 * (is > was ? is - was : 0) < r->gained;
}

static bool rises(const hl_case *c, const stacks *all, rising *r)
{
    if (!hl_course_find(c, r->series, &r->course) || !hl_resource_sure(c, &r->course) ||
        r->course.least < LEAST_BYTES || r->course.most <= c->options.tolerance)
        return false;
    r->gained = r->series[r->course.last] - r->series[r->course.first];
    if (is_moved(all, r))
        return false;
    if (r->course.near)
        r->gained =
            (uint64_t)(r->course.least * rounds_between(c, r->course.first, r->course.last));
    return true;
}

static int by_gain(const void *a, const void *b)
{
    const rising *x = a, *y = b;
    if (x->gained != y->gained)
        return x->gained > y->gained ? -1 : 1;
    return (x->key > y->key) - (x->key < y->key);
}

static hl_status find_rising(hl_case *c, stacks *all, hl_arena *scratch, hl_err *err)
{
    const hl_native_moment *last = &all->moments[c->n_moments - 1];
    all->found = hl_arena_array(scratch, last->n + 1, sizeof *all->found);
    uint64_t *series = hl_arena_array(scratch, c->n_moments, sizeof *series);
    if (!all->found || !series)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u native stacks", last->n);
    for (uint32_t k = 0; k < last->n; k++) {
        rising r = {.key = last->sums[k].key, .series = series};
        for (uint32_t i = 0; i < c->n_moments; i++) {
            const hl_native_sum *sum = hl_native_sum_of(&all->moments[i], r.key);
            series[i] = sum ? sum->live.bytes : 0;
        }
        if (!rises(c, all, &r))
            continue;
        r.series = hl_arena_array(c->arena, c->n_moments, sizeof *r.series);
        r.blocks = hl_arena_array(scratch, c->n_moments, sizeof *r.blocks);
        if (!r.series || !r.blocks)
            return hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", c->n_moments);
        memcpy(r.series, series, c->n_moments * sizeof *series);
        for (uint32_t i = 0; i < c->n_moments; i++) {
            const hl_native_sum *sum = hl_native_sum_of(&all->moments[i], r.key);
            r.blocks[i] = sum ? sum->live.blocks : 0;
        }
        all->found[all->n++] = r;
    }
    if (all->n)
        qsort(all->found, all->n, sizeof *all->found, by_gain);
    return HL_OK;
}

/* ---- words ------------------------------------------------------------------------------------- */

/* "333 bytes", "120 to 480 bytes". */
static const char *rate_text(const hl_course *r, char buf[80])
{
    char least[32], most[32];
    if (r->even)
        snprintf(buf, 80, "%s bytes", hl_count_text((uint64_t)(r->least + 0.5), least));
    else
        snprintf(buf, 80, "%s to %s bytes", hl_count_text((uint64_t)(r->least + 0.5), least),
                 hl_count_text((uint64_t)(r->most + 0.5), most));
    return buf;
}

static double blocks_a_call(const hl_case *c, const rising *r)
{
    const hl_course *way = &r->course;
    uint64_t from = r->blocks[way->first], to = r->blocks[way->last];
    return (double)(to > from ? to - from : 0) / rounds_between(c, way->first, way->last);
}

/* " in 1.00 block"; "" where a block grows in its place. */
static const char *blocks_text(const hl_case *c, const rising *r, char buf[48])
{
    double each = blocks_a_call(c, r);
    *buf = 0;
    if (each > 0)
        snprintf(buf, 48, " in %.2f block%s", each, each > 0.995 && each < 1.005 ? "" : "s");
    return buf;
}

/* What a library has more in use, of all its stacks: "planted.so: +33,300 bytes in 100 blocks". */
static void tell_library(hl_case *c, hl_finding *f, const stacks *all, const hl_snap *first,
                         const hl_snap *last, const rising *r, uint32_t asker)
{
    const char *path = last->names[last->modules[last->natives[asker].module].path];
    const hl_snap *of[2] = {first, last};
    const uint32_t moment[2] = {r->course.first, r->course.last};
    hl_amount sum[2] = {{0, 0}, {0, 0}};
    char bytes[32], blocks[32];
    for (unsigned i = 0; i < 2; i++)
        for (uint32_t k = 0; k < all->moments[moment[i]].n; k++) {
            const hl_native_sum *x = &all->moments[moment[i]].sums[k];
            uint32_t by = hl_native_asker(of[i], x->stack);
            if (!by || strcmp(of[i]->names[of[i]->modules[of[i]->natives[by].module].path], path))
                continue;
            sum[i].bytes += x->live.bytes;
            sum[i].blocks += x->live.blocks;
        }
    if (sum[1].bytes > sum[0].bytes && sum[1].blocks >= sum[0].blocks)
        hl_finding_evidence(c, f, "%s: +%s bytes in %s blocks meanwhile",
                            *path ? hl_module_name(path) : "code that no file was loaded for",
                            hl_count_text(sum[1].bytes - sum[0].bytes, bytes),
                            hl_count_text(sum[1].blocks - sum[0].blocks, blocks));
}

/* The line of Python that called. */
static void tell_unnamed(hl_case *c, hl_finding *f, const hl_snap *s, uint32_t asker,
                         const hl_symbol *named)
{
    const hl_snap_module *m = &s->modules[s->natives[asker].module];
    const char *id = s->names[m->id];
    if (named->file || !*s->names[m->path])
        return;
    hl_finding_evidence(c, f, "%s has no debug information%s%s%s: built with -g it tells the line",
                        hl_module_name(s->names[m->path]), *id ? " (build id " : "", id,
                        *id ? ")" : "");
}

/* What leads to them, where it was asked: of those that became more. */
static hl_status tell_fate(hl_case *c, hl_finding *f, const rising *r, const hl_snap *first,
                           const hl_snap *last, hl_symbols *symbols, hl_err *err)
{
    hl_arena scratch;
    hl_native_fate was, is;
    if (!first->info.tracking.mark || !last->info.tracking.mark)
        return HL_OK;
    hl_arena_init(&scratch);
    hl_status status = hl_native_fate_of(first, r->key, &scratch, &was, err);
    status = status ? status : hl_native_fate_of(last, r->key, &scratch, &is, err);
    if (!status) {
        bool grown = is.lost.blocks + is.kept.blocks <= was.lost.blocks + was.kept.blocks;
        /* of a block that grows in its place all that is there now */
        uint64_t lost = is.lost.blocks > was.lost.blocks ? is.lost.blocks - was.lost.blocks : 0;
        uint64_t kept = is.kept.blocks > was.kept.blocks ? is.kept.blocks - was.kept.blocks : 0;
        hl_fate_settle(f, grown ? is.lost.blocks : lost, grown ? is.kept.blocks : kept);
        if (is.lost_type1 && f->reach.lost) {
            const char *type = last->names[last->types[is.lost_type1 - 1].name];
            f->reach.type = hl_arena_copy(c->arena, type, strlen(type));
        }
        for (uint32_t i = 0; i < is.n_by && f->reach.kept && !hl_fate_is(f, "lost"); i++)
            hl_fate_add(c, f, last, &is.by[i], symbols);
    }
    hl_arena_deinit(&scratch);
    return status;
}

static const char LOST_BLOCK_FIX[] =
    "in %s each malloc, calloc, realloc or strdup needs its free on every way out, error paths "
    "first, and tp_dealloc frees what the object took: no pointer to these is left that could "
    "be given to free";
static const char LOST_NATIVE_OBJECT_FIX[] =
    "in %s each new reference needs one Py_DECREF on every way out, error paths first";
static const char KEPT_BLOCK_FIX[] =
    "%s them: if that is on purpose, in a cache, it needs a bound; else free what is taken "
    "out, and what is overwritten";

/* In the title, in words and as a fix. whose: the function that allocated them. */
static void word_fate(hl_case *c, hl_finding *f, const char *whose)
{
    char lost[32], all[32];
    bool one = f->reach.lost + f->reach.kept == 1;
    const hl_held_by *by = f->reach.n_by ? &f->reach.by[0] : NULL;
    if (!f->reach.state)
        return;
    if (hl_fate_is(f, "lost")) {
        f->title = hl_arena_printf(c->arena, "%s: nobody points to %s any more", f->title,
                                   one ? "it" : "them");
        f->fix = hl_arena_printf(c->arena, f->reach.type ? LOST_NATIVE_OBJECT_FIX : LOST_BLOCK_FIX,
                                 whose);
    }
    if (f->reach.lost)
        hl_finding_evidence(
            c, f, "lost: no word of the program's memory leads to %s of %s%s%s",
            hl_count_text(f->reach.lost, lost), hl_count_text(f->reach.lost + f->reach.kept, all),
            f->reach.type ? "; they are objects of type " : "", f->reach.type ? f->reach.type : "");
    if (!by)
        return;
    if (hl_fate_is(f, "kept")) {
        f->title = hl_arena_printf(c->arena, "%s; %s %s", f->title, hl_fate_holds(c, by),
                                   one ? "it" : "them");
        if (strcmp(by->kind, "other") && strcmp(by->kind, "stack"))
            f->fix = hl_arena_printf(c->arena, KEPT_BLOCK_FIX, hl_fate_holds(c, by));
    }
    for (uint32_t i = 0; i < f->reach.n_by; i++)
        hl_finding_evidence(c, f, "kept: %s %s of them", hl_fate_holds(c, &f->reach.by[i]),
                            hl_count_text(f->reach.by[i].blocks, all));
}

/* One stack. first, last: the snapshots at both ends of its course. */
static hl_status find(hl_case *c, const stacks *all, const rising *r, const hl_snap *first,
                      const hl_snap *last, hl_symbols *symbols, hl_err *err)
{
    bool sure = r->course.least >= SURE_BYTES;
    hl_finding *f = hl_finding_add(c, "native-memory",
                                   r->course.even ? HL_CERTAIN
                                   : sure         ? HL_STRONG
                                                  : HL_POSSIBLE);
    const hl_native_sum *sum = hl_native_sum_of(&all->moments[r->course.last], r->key);
    if (!f || !sum)
        return HL_OK;
    if (tell_fate(c, f, r, first, last, symbols, err))
        return err->status;
    hl_growth g = {.metric = HL_METRIC_BYTES,
                   .anchor = r->course.last,
                   .onset = r->course.first,
                   .series = r->series,
                   .bytes = r->gained,
                   .onset_bytes = r->gained,
                   .units = r->gained,
                   .per_second = -1};
    hl_finding_growth(c, f, &g);
    f->growth.objects = 0;
    f->retained.bytes = r->gained;
    char bytes[16], rate[80], blocks[48];
    hl_symbol named;
    uint32_t asker = hl_native_asker(last, sum->stack), caller = hl_native_caller(last, sum->stack);
    const char *where = hl_native_label(last, asker, symbols, c->arena, &named);
    const char *module =
        hl_module_name(last->names[last->modules[last->natives[asker].module].path]);
    f->holder.kind = "native";
    f->holder.name =
        named.function ? hl_arena_printf(c->arena, "%s in %s", named.function, module) : where;
    const hl_snap_frame *called = &last->frames[caller];
    const char *from = caller
                           ? hl_arena_printf(c->arena, ", called from %s:%u",
                                             hl_file_name(last->names[called->file]), called->line)
                           : "";
    f->title =
        hl_arena_printf(c->arena, "C code %s %s: %s%s a call, allocated in %s%s",
                        hl_fate_is(f, "lost")   ? "lost"
                        : hl_fate_is(f, "kept") ? "keeps"
                                                : "keeps or lost",
                        hl_bytes_text(r->gained, bytes), rate_text(&r->course, rate),
                        blocks_text(c, r, blocks), where ? where : "C code", from ? from : "");
    hl_finding_evidence(c, f, "%s%s a call%s in each of %u parts of the run", rate, blocks,
                        r->course.even ? ", the same" : "", r->course.intervals);
    const char *stack = hl_native_stack_label(last, sum->stack, symbols, c->arena);
    if (stack)
        hl_finding_evidence(c, f, "allocated in %s", stack);
    tell_unnamed(c, f, last, asker, &named);
    tell_library(c, f, all, first, last, r, asker);
    if (caller)
        hl_finding_line(c, f, last, caller, f->growth.bytes, false);
    f->n_native = symbols ? hl_native_frames(last, sum->stack, symbols, c->arena, &f->native) : 0;
    f->native_blocks = blocks_a_call(c, r);
    f->fix = hl_arena_printf(
        c->arena,
        "in %s each malloc, calloc, realloc or strdup needs its free on every way out, error paths "
        "first, and tp_dealloc frees what the object took; if it is kept on purpose, in a cache, "
        "it "
        "needs a bound",
        named.function ? named.function : module);
    word_fate(c, f, named.function ? named.function : module);
    hl_finding_seal(c, f);
    return HL_OK;
}

static uint64_t taken_of(const stacks *all, uint32_t moment, uint64_t key)
{
    const hl_native_sum *sum = hl_native_sum_of(&all->moments[moment], key);
    return sum ? sum->taken : 0;
}

static hl_status load(hl_case *c, uint32_t moment, hl_snap **out, hl_err *err)
{
    return hl_snap_load_parts(c->moments[moment].run, c->moments[moment].index, HL_PART_SITES, out,
                              err);
}

static hl_status tell_stacks(hl_case *c, stacks *all, hl_err *err)
{
    hl_symbols *symbols = all->n ? hl_symbols_create() : NULL;
    for (uint32_t i = 0; i < all->n; i++) {
        const rising *r = &all->found[i];
        hl_snap *first = NULL, *last = NULL;
        all->gained_taken +=
            taken_of(all, r->course.last, r->key) - taken_of(all, r->course.first, r->key);
        if (i >= TOLD_MAX)
            continue;
        hl_status status = load(c, r->course.first, &first, err);
        status = status ? status : load(c, r->course.last, &last, err);
        status = status ? status : find(c, all, r, first, last, symbols, err);
        hl_snap_destroy(first);
        hl_snap_destroy(last);
        if (status) {
            hl_symbols_destroy(symbols);
            return status;
        }
    }
    hl_symbols_destroy(symbols);
    return HL_OK;
}

/* ---- what no stack and no object explains ------------------------------------------------------ */

/* Bytes in use by the allocators that no object explains, nor blocks of malloc that are told by their
 * stacks, above the lowest. */
static bool fill_unexplained(const hl_case *c, const hl_native_moment *known, const uint64_t *lost,
                             uint64_t *series)
{
    int64_t least = INT64_MAX;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < c->n_moments; i++) {
            const hl_moment *m = &c->moments[i];
            if (!(m->info.resource_known >> HL_RESOURCE_MALLOC & 1))
                return false;
            uint64_t arenas = m->info.memory_known >> HL_MEMORY_ARENA_USED & 1
                                  ? m->info.memory[HL_MEMORY_ARENA_USED]
                                  : 0;
            int64_t rest = (int64_t)(arenas + m->info.resource[HL_RESOURCE_MALLOC]) -
                           (int64_t)(m->heap_bytes + ROUNDING * m->objects) -
                           (int64_t)(known ? known[i].taken : 0) - (int64_t)(lost ? lost[i] : 0);
            least = rest < least ? rest : least;
            series[i] = pass ? (uint64_t)(rest - least) : 0;
        }
    return true;
}

static hl_status read_moment(const hl_case *c, uint32_t i, hl_site_pool *pool, hl_arena *arena,
                             struct hl_site_moment *out, hl_err *err)
{
    return hl_site_moment_read(c->moments[i].run, c->moments[i].index, true, pool, arena, out, err);
}

/* The line whose blocks that are in no object gained most, where allocations were followed. */
static hl_status tell_line(hl_case *c, hl_finding *f, const hl_course *course, hl_arena *scratch,
                           hl_err *err)
{
    hl_site_pool *pool;
    struct hl_site_moment was = {0}, is = {0};
    hl_snap s;
    if (hl_site_pool_create(scratch, &pool, err) ||
        read_moment(c, course->first, pool, scratch, &was, err) ||
        read_moment(c, course->last, pool, scratch, &is, err) || hl_site_pool_sum(pool, &s, err))
        return err->status;
    int64_t *of = hl_arena_array(scratch, s.n_frames + 1, sizeof *of);
    if (!of)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u lines", s.n_frames);
    for (uint32_t k = 1; k < is.n; k++)
        of[s.stacks[k].frame] += (int64_t)is.bytes[k];
    for (uint32_t k = 1; k < was.n; k++)
        of[s.stacks[k].frame] -= (int64_t)was.bytes[k];
    uint32_t best = 0;
    for (uint32_t i = 1; i < s.n_frames; i++)
        if (of[i] > 0 && (!best || of[i] > of[best]))
            best = i;
    if (!best || (uint64_t)of[best] < f->growth.bytes / 4)
        return HL_OK;
    hl_finding_line(c, f, &s, best, (uint64_t)of[best],
                    c->moments[0].info.tracking.mode == HL_FOLLOWED_SAMPLED);
    return HL_OK;
}

static void tell_rest(hl_case *c, hl_finding *f, uint64_t *kept, const hl_course *course)
{
    hl_growth g = {.metric = HL_METRIC_BYTES,
                   .anchor = course->last,
                   .onset = course->first,
                   .series = kept,
                   .per_second = -1};
    double rounds = rounds_between(c, g.onset, g.anchor);
    g.bytes = g.onset_bytes = g.units =
        course->even ? (uint64_t)(course->least * rounds) : kept[g.anchor] - kept[g.onset];
    hl_finding_growth(c, f, &g);
    f->growth.objects = 0;
    f->holder.kind = "native";
    f->holder.name = "(native memory)";
    char bytes[16];
    f->title = hl_arena_printf(c->arena,
                               "C code keeps or lost %s that no object explains, %.0f bytes a call "
                               "on average: native memory, not yet named",
                               hl_bytes_text(g.bytes, bytes), (double)g.bytes / rounds);
    hl_finding_evidence(c, f, "%.0f to %.0f bytes a call in each of %u parts of the run",
                        course->least, course->most, course->intervals);
    f->fix = FIX;
    f->retained.bytes = g.bytes;
}

static hl_status find_rest(hl_case *c, const stacks *all, hl_err *err)
{
    hl_course course;
    uint64_t *series = hl_arena_array(c->arena, c->n_moments, sizeof *series);
    if (!series)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", c->n_moments);
    if (!fill_unexplained(c, all->moments, all->lost, series) ||
        !hl_course_find(c, series, &course) || !hl_resource_sure(c, &course) ||
        course.least < LEAST_BYTES || course.most <= c->options.tolerance)
        return HL_OK;
    /* what malloc needs itself for the blocks that are told is not known to a byte */
    if (4 * (series[course.last] - series[course.first]) < all->gained_taken)
        return HL_OK;
    /* what varies from part to part may be what the allocators had at hand */
    bool sure = course.least >= SURE_BYTES && course.most <= UNEVEN * course.least;
    hl_finding *f = hl_finding_add(c, "native-memory", sure ? HL_STRONG : HL_POSSIBLE);
    if (!f)
        return HL_OK;
    tell_rest(c, f, series, &course);
    if (c->moments[course.last].info.tracking.mode != HL_FOLLOWED_NOT) {
        hl_arena scratch;
        hl_arena_init(&scratch);
        hl_status status = tell_line(c, f, &course, &scratch, err);
        hl_arena_deinit(&scratch);
        if (status)
            return status;
    }
    hl_finding_seal(c, f);
    return HL_OK;
}

hl_status hl_native_memory(hl_case *c, hl_err *err)
{
    stacks all = {.n = 0};
    hl_arena scratch;
    hl_status status = HL_OK;
    hl_arena_init(&scratch);
    if (followed(c)) {
        status = read_stacks(c, &all, &scratch, err);
        status = status ? status : find_rising(c, &all, &scratch, err);
        status = status ? status : tell_stacks(c, &all, err);
    }
    if (!status && marked(c)) {
        all.lost = hl_arena_array(&scratch, c->n_moments, sizeof *all.lost);
        status = all.lost ? hl_lost_objects(c, &scratch, all.lost, err)
                          : hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", c->n_moments);
        if (!status)
            all.gained_taken += all.lost[c->n_moments - 1] - all.lost[0];
    }
    if (!status)
        status = find_rest(c, &all, err);
    hl_arena_deinit(&scratch);
    return status;
}
