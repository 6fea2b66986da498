/* diagnose/resources.c: what the process has besides objects, from call to call of one function.
 *
 * Room   diagnose; a rule over moments between which a function was called so many times.
 * Takes  what was counted at each look of an audit.   Gives  the diagnosis' resources, and a finding
 *        native-memory where the allocators have more in use after each part of the run than objects
 *        explain.
 * Method Blocks in use and bytes in use are exact numbers. What objects take is known from the walk,
 *        a little less than the blocks they lie in: each object is given the rounding of two blocks.
 *        What still rises in each part of the run, and steadily, is memory that C code keeps, or
 *        has lost; or an object that nothing leads to and no collector lists: a bytes, a str, an
 *        int. */
#include "base/words.h"
#include "diagnose/case.h"
#include "diagnose/per_round.h"
#include "diagnose/site_growth.h"
#include "diagnose/sites.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDING = 32 };
static const double SURE_BYTES = 8, LEAST_BYTES = 1; /* a call */

static const char FIX[] =
    "no object has it: in the C code called there look for malloc, PyMem_Malloc, PyObject_Malloc "
    "or strdup without its free on every way out, for a buffer whose PyBuffer_Release is missing, "
    "and for a bytes, str or int that is made and not given back (Py_DECREF)";

static const struct {
    enum hl_resource kind;
    const char *name, *words;
    bool bytes, beside;
} rows[] = {
    {HL_RESOURCE_BLOCKS, "blocks", "blocks of the interpreter's allocator", false, false},
    {HL_RESOURCE_MALLOC, "malloc_bytes", "bytes in malloc", true, false},
    {HL_RESOURCE_FDS, "fds", "file descriptors", false, true},
    {HL_RESOURCE_THREADS, "threads", "threads", false, true},
    {HL_RESOURCE_MAPPINGS, "mappings", "mappings of memory", false, true},
};

/* By how much it changed a call, part by part; false: it was not counted throughout. */
static bool course_of(const hl_case *c, const uint64_t *series, hl_resource_course *r)
{
    const hl_moment *m = c->moments;
    uint32_t last = c->baseline, intervals = 0;
    r->first = series[0];
    for (uint32_t i = last + 1; i < c->n_moments; i++) {
        uint64_t rounds = m[i].info.rounds - m[last].info.rounds;
        if (!rounds)
            continue;
        double rate = ((double)series[i] - (double)series[last]) / (double)rounds;
        r->least = !intervals || rate < r->least ? rate : r->least;
        r->most = !intervals || rate > r->most ? rate : r->most;
        last = i;
        intervals++;
    }
    r->last = series[last];
    return intervals > 0;
}

static bool counted(const hl_case *c, enum hl_resource kind, uint64_t *series)
{
    for (uint32_t i = 0; i < c->n_moments; i++) {
        if (!(c->moments[i].info.resource_known >> kind & 1))
            return false;
        series[i] = c->moments[i].info.resource[kind];
    }
    return true;
}

static bool alone(const hl_case *c)
{
    for (uint32_t i = 0; i < c->n_moments; i++)
        if ((c->moments[i].info.resource_known >> HL_RESOURCE_THREADS & 1) &&
            c->moments[i].info.resource[HL_RESOURCE_THREADS] > 1)
            return false;
    return true;
}

/* Other threads take memory, too, and by leaps: beside them only what is the same in every part. */
static bool is_sure(const hl_case *c, const hl_course *course)
{
    return course->even || (course->steady && alone(c));
}

static void add_row(hl_case *c, hl_resource_course row, const uint64_t *series)
{
    hl_diagnosis *d = c->out;
    hl_course course;
    hl_resource_course *r = &d->resources[d->n_resources];
    *r = row;
    if (!course_of(c, series, r))
        return;
    r->grows = hl_course_find(c, series, &course) && course.most > c->options.tolerance &&
               (r->beside ? course.steady : is_sure(c, &course));
    d->n_resources++;
}

/* ---- native memory -----------------------------------------------------------------------------
 */

/* Bytes in use by the allocators that no object explains, above the lowest. */
static bool fill_unexplained(const hl_case *c, uint64_t *series)
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
                           (int64_t)(m->heap_bytes + ROUNDING * m->objects);
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
    hl_site *site = hl_arena_array(c->arena, 1, sizeof *site);
    if (!site)
        return HL_OK;
    const char *file = s.names[s.frames[best].file], *function = s.names[s.frames[best].function];
    site->file = hl_arena_copy(c->arena, file, strlen(file));
    site->function = hl_arena_copy(c->arena, function, strlen(function));
    site->name = site->file ? hl_file_name(site->file) : NULL;
    site->line = s.frames[best].line;
    site->bytes = (uint64_t)of[best];
    site->estimated = c->moments[0].info.tracking.mode == HL_FOLLOWED_SAMPLED;
    f->allocated_at = site;
    f->n_allocated_at = 1;
    return HL_OK;
}

static hl_status native_memory(hl_case *c, uint64_t *series, hl_err *err)
{
    hl_course course;
    if (!fill_unexplained(c, series) || !hl_course_find(c, series, &course) ||
        !is_sure(c, &course) || course.least < LEAST_BYTES || course.most <= c->options.tolerance)
        return HL_OK;
    bool sure = course.least >= SURE_BYTES;
    hl_finding *f = hl_finding_add(c, "native-memory", sure ? HL_STRONG : HL_POSSIBLE);
    uint64_t *kept = hl_arena_array(c->arena, c->n_moments, sizeof *kept);
    if (!f || !kept)
        return HL_OK;
    memcpy(kept, series, c->n_moments * sizeof *kept);
    hl_growth g = {.metric = HL_METRIC_BYTES,
                   .anchor = course.last,
                   .onset = course.first,
                   .series = kept,
                   .per_second = -1};
    double rounds = (double)(c->moments[g.anchor].info.rounds - c->moments[g.onset].info.rounds);
    g.bytes = g.onset_bytes = g.units =
        course.even ? (uint64_t)(course.least * rounds) : kept[g.anchor] - kept[g.onset];
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
                        course.least, course.most, course.intervals);
    f->fix = FIX;
    f->retained.bytes = g.bytes;
    if (c->moments[g.anchor].info.tracking.mode != HL_FOLLOWED_NOT) {
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

hl_status hl_rule_resources(hl_case *c, hl_err *err)
{
    enum { ROWS = sizeof rows / sizeof *rows + 1 };
    if (!c->audited)
        return HL_OK;
    uint64_t *series = hl_arena_array(&c->scratch, c->n_moments, sizeof *series);
    c->out->resources = hl_arena_array(c->arena, ROWS, sizeof *c->out->resources);
    if (!series || !c->out->resources)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to judge what was counted");
    for (uint32_t i = 0; i < c->n_moments; i++)
        series[i] = c->moments[i].objects;
    add_row(c, (hl_resource_course){.name = "objects", .words = "objects"}, series);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (counted(c, rows[i].kind, series))
            add_row(c,
                    (hl_resource_course){.name = rows[i].name,
                                         .words = rows[i].words,
                                         .bytes = rows[i].bytes,
                                         .beside = rows[i].beside},
                    series);
    for (uint32_t i = 0; i < c->out->n_resources; i++)
        if (c->out->resources[i].grows && !strcmp(c->out->resources[i].name, "threads"))
            return HL_OK; /* each takes memory of its own: they are what leaks */
    return native_memory(c, series, err);
}
