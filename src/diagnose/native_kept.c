/* diagnose/native_kept.c: whose the memory outside of all objects is, in an ordinary run; and what is lost.
 *
 * Room   diagnose; parts of one snapshot at a time.
 * Takes  samples of malloc by native stack (inside/native_write.c), and where it was asked what leads to
 *        them (inside/mark_write.c), at the looks at work.
 * Gives  a finding native-memory for the library whose memory grew in every part of the run while nothing
 *        led any more to most of what came; else a possible one for who asked for most of what is kept, or,
 *        where few looks saw it, that in words.
 * Method What a library's stacks have in use is added up: a leak of one function has as many stacks as
 *        there are ways to it. Of the library the stack that gained most is told. What something leads to
 *        may be a cache, a document, a table in memory: it is told, and nobody is accused. */
#include "diagnose/native_kept.h"

#include "base/words.h"
#include "diagnose/judge.h"
#include "diagnose/native_growth.h"
#include "diagnose/native_sites.h"

#include <string.h>

enum {
    LEAST_SHARE = 4,      /* a quarter of what came is that library's */
    LEAST_LOST = 2 << 20, /* some sixteen samples */
    LOST_SHARE = 2,       /* half of what came is lost, or more: few pointers are seen nowhere */
    LEAST_INTERVALS = 3,  /* that nothing points to it says the rest */
    MUCH_LOST = 8 << 20,  /* of so much, and nearly all of it, two intervals say as much */
    NEARLY_ALL = 4,       /* three quarters */
};

/* Lost once, and never again in half as much work: no leak. */
static const double LONG_REST = 0.5;

typedef struct look {
    hl_snap *snap;
    hl_native_moment sums;
} look;

typedef struct gain {
    uint64_t bytes, all; /* bytes: of the library; all: of all of them */
    uint64_t lost;
    uint32_t stack; /* the one that gained most, in the last look */
    const char *library;
} gain;

static bool has_samples(const hl_case *c, uint32_t moment)
{
    return c->moments[moment].info.tracking.native == HL_FOLLOWED_SAMPLED;
}

static hl_status read(const hl_case *c, uint32_t moment, hl_arena *arena, look *out, hl_err *err)
{
    const hl_moment *m = &c->moments[moment];
    err->status = HL_OK;
    if (hl_snap_load_parts(m->run, m->index, HL_PART_SITES, &out->snap, err))
        return err->status;
    return hl_native_add_up(out->snap, arena, &out->sums, err);
}

static void forget(look *l)
{
    hl_snap_destroy(l->snap);
    l->snap = NULL;
}

static const char *library_of(const hl_snap *s, uint32_t stack)
{
    return s->names[s->modules[s->natives[hl_native_asker(s, stack)].module].path];
}

/* With what malloc needs itself: blocks of 8 bytes take 32. */
static uint64_t in_use(const look *l, const char *library)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < l->sums.n; i++)
        if (!library || !strcmp(library_of(l->snap, l->sums.sums[i].stack), library))
            bytes += l->sums.sums[i].taken;
    return bytes;
}

static uint64_t lost(const look *l, const char *library)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < l->snap->n_losts; i++)
        if (!strcmp(library_of(l->snap, l->snap->losts[i].stack), library))
            bytes += l->snap->losts[i].amount.bytes;
    return bytes;
}

static uint64_t above(uint64_t is, uint64_t was)
{
    return is > was ? is - was : 0;
}

/* Of the library that gained most; by_lost: that has most which nothing leads to. */
static gain worst(const look *first, const look *last, bool by_lost)
{
    gain g = {.all = above(in_use(last, NULL), in_use(first, NULL))};
    uint64_t most = 0, of_stack = 0;
    for (uint32_t i = 0; i < last->sums.n; i++) {
        const hl_native_sum *x = &last->sums.sums[i], *was = hl_native_sum_of(&first->sums, x->key);
        uint64_t came = above(x->taken, was ? was->taken : 0);
        if (!came)
            continue;
        const char *library = library_of(last->snap, x->stack);
        uint64_t bytes = above(in_use(last, library), in_use(first, library));
        uint64_t gone = lost(last, library), by = by_lost ? gone : bytes;
        if (by < most || (by == most && came <= of_stack))
            continue;
        most = by;
        of_stack = came;
        g.bytes = bytes;
        g.lost = gone;
        g.stack = x->stack;
        g.library = library;
    }
    return g;
}

/* ---- words ------------------------------------------------------------------------------------- */

/* The function that asked; where its library does not tell its name, the next one out that has one. */
static const char *function_of(const hl_case *c, const hl_snap *s, uint32_t stack,
                               hl_symbols *symbols)
{
    uint32_t asker = hl_native_asker(s, stack);
    for (uint32_t k = asker; k && s->natives[k].module; k = s->natives[k].caller) {
        hl_symbol named;
        const char *path = s->names[s->modules[s->natives[k].module].path];
        const char *label = hl_native_label(s, k, symbols, c->arena, &named);
        if (!*path || hl_module_serves(path))
            break;
        if (named.function)
            return label;
    }
    return hl_native_label(s, asker, symbols, c->arena, NULL);
}

static const char *called_from(const hl_case *c, const hl_snap *s, uint32_t caller)
{
    return caller ? hl_arena_printf(c->arena, ", called from %s:%u",
                                    hl_file_name(s->names[s->frames[caller].file]),
                                    s->frames[caller].line)
                  : "";
}

/* Its bytes and pace, from its onset on. */
static void measure(const hl_case *c, hl_growth *g, uint64_t bytes)
{
    const hl_snap_info *a = &c->moments[g->onset].info, *z = &c->moments[g->anchor].info;
    double seconds = (double)(z->time_us - a->time_us) / 1e6;
    g->bytes = g->onset_bytes = g->units = bytes;
    g->weighed_from = g->onset;
    g->per_second = seconds > 0 ? (double)bytes / seconds : -1;
}

/* How and by whom the stack's memory was asked for. */
typedef struct asker {
    uint32_t caller;
    const char *where, *from;
} asker;

static asker asker_of(const hl_case *c, const look *at, const gain *g, hl_symbols *symbols)
{
    uint32_t caller = hl_native_caller(at->snap, g->stack);
    return (asker){caller, function_of(c, at->snap, g->stack, symbols),
                   called_from(c, at->snap, caller)};
}

static hl_finding *begin_finding(hl_case *c, const hl_growth *growth, hl_confidence confidence,
                                 hl_err *err)
{
    hl_finding *f = hl_finding_add(c, "native-memory", confidence);
    if (!f) {
        hl_err_set(err, HL_NO_MEMORY, "no memory for a finding");
        return NULL;
    }
    hl_finding_growth(c, f, growth);
    f->growth.objects = 0;
    f->retained.bytes = growth->bytes;
    f->holder.kind = "native";
    return f;
}

static void end_finding(hl_case *c, hl_finding *f, const look *at, const gain *g, const asker *by,
                        hl_symbols *symbols)
{
    const char *stack = hl_native_stack_label(at->snap, g->stack, symbols, c->arena);
    if (stack)
        hl_finding_evidence(c, f, "allocated in %s", stack);
    if (by->caller)
        hl_finding_line(c, f, at->snap, by->caller, f->retained.bytes, true);
    f->n_native = hl_native_frames(at->snap, g->stack, symbols, c->arena, &f->native);
    hl_finding_seal(c, f);
}

/* What samples say of it is no more than what is known to be there. */
static uint64_t at_most(uint64_t bytes, uint64_t came)
{
    return bytes < came ? bytes : came;
}

static void name_asker(hl_case *c, const look *last, const gain *g, uint64_t came)
{
    hl_symbols *symbols = hl_symbols_create();
    asker by = asker_of(c, last, g, symbols);
    char bytes[16];
    if (by.where && by.from)
        c->native_by =
            hl_arena_printf(c->arena, "some %s of it was asked for in %s%s",
                            hl_bytes_text(at_most(g->bytes, came), bytes), by.where, by.from);
    hl_symbols_destroy(symbols);
}

static const char KEPT_FIX[] =
    "if it is to stay, nothing. Else close, clear or bound what has it (a handle, a message, a "
    "table of the library), or make that anew from time to time; heaplens audit MODULE:FUNCTION "
    "says what one call leaves behind, and whether it is lost";

/* Steadily more in each part of the run: a cache, a document, a table, or a leak. */
static hl_status tell_kept(hl_case *c, const look *last, const gain *g, hl_err *err)
{
    hl_growth growth = c->native;
    measure(c, &growth, at_most(g->bytes, growth.bytes));
    hl_finding *f = begin_finding(c, &growth, HL_POSSIBLE, err);
    if (!f)
        return err->status;
    hl_symbols *symbols = hl_symbols_create();
    asker by = asker_of(c, last, g, symbols);
    char bytes[16];
    f->holder.name = hl_arena_printf(c->arena, "(kept by C) memory asked for in %s", by.where);
    f->title = hl_arena_printf(c->arena, "C code keeps, or has lost, some %s asked for in %s%s",
                               hl_bytes_text(growth.bytes, bytes), by.where, by.from);
    hl_finding_evidence(c, f, "more came in each of %u parts of the run", growth.intervals);
    f->fix = KEPT_FIX;
    end_finding(c, f, last, g, &by, symbols);
    hl_symbols_destroy(symbols);
    return HL_OK;
}

static const char FIX[] =
    "in the C code called there, or in a newer release of its package: each malloc, calloc, strdup "
    "or "
    "new needs its free on every way out, error paths first, and what an object took is freed when "
    "it goes (tp_dealloc)";

static hl_status tell(hl_case *c, const look *marked, const gain *g, const hl_growth *growth,
                      hl_err *err)
{
    hl_finding *f = begin_finding(c, growth, HL_STRONG, err);
    if (!f)
        return err->status;
    hl_symbols *symbols = hl_symbols_create();
    asker by = asker_of(c, marked, g, symbols);
    char bytes[16], gone[16], had[16];
    f->holder.name = hl_arena_printf(c->arena, "(lost by C) memory asked for in %s", by.where);
    f->title = hl_arena_printf(
        c->arena,
        "C code lost some %s: nothing points any more to most of what was asked for in %s%s",
        hl_bytes_text(growth->bytes, bytes), by.where, by.from);
    hl_finding_evidence(c, f, "more came in each of %u parts of the run", growth->intervals);
    hl_finding_evidence(c, f, "%s had some %s in use, and no pointer to %s of it was left anywhere",
                        hl_module_name(g->library), hl_bytes_text(in_use(marked, g->library), had),
                        hl_bytes_text(g->lost, gone));
    f->fix = FIX;
    end_finding(c, f, marked, g, &by, symbols);
    hl_symbols_destroy(symbols);
    c->native_told = true;
    return HL_OK;
}

/* ---- what is lost ------------------------------------------------------------------------------ */

/* In use by the library at each moment; where samples are missing, as before. */
static hl_status fill(const hl_case *c, const char *library, uint64_t *series, hl_err *err)
{
    hl_arena scratch;
    hl_arena_init(&scratch);
    err->status = HL_OK;
    for (uint32_t i = 0; i < c->n_moments && !err->status; i++) {
        look at = {.snap = NULL};
        series[i] = i ? series[i - 1] : 0;
        if (has_samples(c, i) && !read(c, i, &scratch, &at, err))
            series[i] = in_use(&at, library);
        forget(&at);
    }
    hl_arena_deinit(&scratch);
    return err->status;
}

/* Memory that nobody points to is no cache that is still being filled: how often more of it came says
 * only that it goes on. */
static uint32_t intervals_asked(const gain *g)
{
    bool nearly_all = NEARLY_ALL * g->lost >= (NEARLY_ALL - 1) * g->bytes;
    return LEAST_INTERVALS - (g->lost >= MUCH_LOST && nearly_all);
}

static hl_status find_lost(hl_case *c, uint32_t from, uint32_t to, const look *first,
                           hl_arena *scratch, hl_err *err)
{
    uint32_t at = to;
    while (at > from && !c->moments[at].info.tracking.mark)
        at--;
    look marked = {.snap = NULL};
    if (at <= from || read(c, at, scratch, &marked, err)) {
        forget(&marked);
        return err->status;
    }
    gain g = worst(first, &marked, true);
    uint64_t *series = hl_arena_array(c->arena, c->n_moments, sizeof *series);
    c->kept = hl_arena_array(&c->scratch, c->n_moments + 1, sizeof *c->kept);
    hl_growth growth = {.anchor = to, .metric = HL_METRIC_BYTES, .series = series};
    if (!series || !c->kept)
        hl_err_set(err, HL_NO_MEMORY, "no memory for %u snapshots", c->n_moments);
    else if (g.lost >= LEAST_LOST && LOST_SHARE * g.lost >= g.bytes &&
             !fill(c, g.library, series, err) && hl_growth_rises(c, series, &growth) &&
             growth.intervals >= intervals_asked(&g) && !hl_growth_slows(&growth)) {
        measure(c, &growth, above(series[to], series[growth.onset]));
        if (growth.bytes >= LEAST_LOST && growth.bytes >= c->material &&
            hl_process_grew(c, growth.onset, to, growth.bytes) &&
            !hl_native_growth_had_stopped(c, growth.onset, to, LONG_REST))
            (void)!tell(c, &marked, &g, &growth, err);
    }
    forget(&marked);
    return err->status;
}

hl_status hl_native_kept_find(hl_case *c, hl_err *err)
{
    uint32_t from = c->baseline, to = c->working < c->n_moments ? c->working : c->n_moments - 1;
    if (c->audited)
        return HL_OK;
    while (from < to && !has_samples(c, from))
        from++;
    while (to > from && !has_samples(c, to))
        to--;
    if (to <= from)
        return HL_OK;
    hl_arena scratch;
    hl_arena_init(&scratch);
    look first = {.snap = NULL}, last = {.snap = NULL};
    if (!read(c, from, &scratch, &first, err) && !read(c, to, &scratch, &last, err)) {
        gain g = worst(&first, &last, false);
        uint64_t came = c->native.bytes ? c->native.bytes : c->native_few;
        bool most = LEAST_SHARE * g.bytes >= g.all && LEAST_SHARE * g.bytes >= came;
        if (g.bytes && came && !c->native_told && most)
            name_asker(c, &last, &g, came);
        if (g.all >= LEAST_LOST)
            (void)!find_lost(c, from, to, &first, &scratch, err);
        if (!err->status && c->native_by && c->native.bytes && !c->out->n_findings &&
            !hl_native_growth_fell(c))
            (void)!tell_kept(c, &last, &g, err);
    }
    forget(&first);
    forget(&last);
    hl_arena_deinit(&scratch);
    return err->status;
}
