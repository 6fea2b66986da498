/* diagnose/resources.c: what the process has besides objects, from call to call of one function.
 *
 * Room   diagnose; a rule over moments between which a function was called so many times.
 * Takes  what was counted at each look of an audit.   Gives  the diagnosis' resources; what of memory
 *        rises and no object explains is the next rule's (native_memory.c). */
#include "diagnose/case.h"
#include "diagnose/native_memory.h"

#include <string.h>

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

bool hl_resource_sure(const hl_case *c, const hl_course *course)
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
               (r->beside ? course.steady : hl_resource_sure(c, &course));
    d->n_resources++;
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
    return hl_native_memory(c, err);
}
