/* diagnose/unheld.c: memory that is in no object anybody found, and grows in every part of a run.
 *
 * Room   diagnose; analyser process; parts of one snapshot at a time; a rule (R13, R19) over lines.
 * Takes  the moments of a case, where allocations were followed.   Gives  a finding whose holder is C
 *        code, known by the line that called it: native-reference where objects were made there,
 *        native-memory where blocks were asked for that are no object.
 * Method Of each stack what is in use, less what is in objects that the walk came to: blocks of a C
 *        extension's own, and objects that C holds and no collector lists, or whose last reference is
 *        lost. Most of a heap is neither, so two looks mostly are enough to be done with it. Of a line to
 *        whose blocks nothing in the process's memory leads any more (LOST_SITE) that is said, and it has to
 *        have risen less often: what nobody can come to is no cache that is still being filled.
 * What was held and is judged already (growth that was dismissed) has blocks of its own beside objects, as
 * big as it at most: below that nothing is said. Nor is it where the process has not become bigger by
 * about as much: the few blocks that samples are can be kept where others are not, by their addresses
 * alone (types cache the names they were asked for by address: what lies where nothing else does is
 * not pushed out of there), and stand for what never was. */
#include "diagnose/unheld.h"
#include "base/words.h"
#include "diagnose/case.h"
#include "diagnose/site_growth.h"

#include <string.h>

enum {
    SKIPPED_SHARE = 100, /* one object in so many may be missing, not more */
    SURE_SHARE = 4,
    SURE_BYTES = 4 << 20, /* of samples: some eight of the usual size, each of which errs */
    LOST_LEAST = 2 << 20,
    LOST_SHARE = 2,     /* half of what came, or more: few pointers are seen nowhere */
    LOST_INTERVALS = 2, /* in which it rose; one is enough of */
    MUCH_LOST = 8 << 20,
    MANY_LOST = 16, /* blocks */
    COUNTED_SAMPLES = 8,
    FEW_SAMPLES = 4, /* come together by chance */
    ROOM_SHARE = 2,  /* a large block that was lost may be there in part only */
    RISEN_SHARE = 3, /* in two thirds of all at least */
    HELD_SHARE = 8,  /* of what is held no more than that part seems lost */
    MOST_SHARE = 2,  /* half of what came */
    ASKED_SHARE = 3, /* a third of it is worth a word */
};

static const char OBJECTS_FIX[] =
    "look at the C code called there, or for a newer release of its package: each new reference "
    "needs one Py_DECREF on every way out, error paths first; and a type that keeps objects has to "
    "show them to the collector (tp_traverse)";
static const char MEMORY_FIX[] =
    "look at the C code called there, or for a newer release of its package: what it asks for it "
    "has to give back on every way out (PyMem_Free, or close() of what has it)";

/* The last look at work. What is in a list that is being sorted was found nowhere: the one before such a
 * look tells more. */
static uint32_t last_of(const hl_case *c)
{
    uint32_t i = c->working;
    while (i > c->baseline && c->moments[i].info.sorted)
        i--;
    return i;
}

/* Is the process bigger by about so much, from one moment to another? Or by some of it, and surely: memory
 * that is in no object rose in each part of the run. */
static bool has_room(const hl_case *c, uint32_t from, uint32_t to, uint64_t bytes)
{
    if (c->native.bytes && SURE_SHARE * c->native.bytes >= bytes)
        return true;
    return hl_process_grew(c, from, to, bytes);
}

static hl_status total(const hl_case *c, uint32_t moment, bool unheld, uint64_t *out, hl_err *err)
{
    hl_arena scratch;
    hl_site_pool *pool;
    struct hl_site_moment m = {0};
    hl_arena_init(&scratch);
    *out = 0;
    err->status = HL_OK;
    if (!hl_site_pool_create(&scratch, &pool, err) &&
        !hl_site_moment_read(c->moments[moment].run, c->moments[moment].index, unheld, pool,
                             &scratch, &m, err))
        for (uint32_t k = 0; k < m.n; k++)
            *out += m.bytes[k];
    hl_arena_deinit(&scratch);
    return err->status;
}

/* Did so much come between the warm-up and the last look at work that a word is due? */
static hl_status much_came(const hl_case *c, bool unheld, bool *out, hl_err *err)
{
    uint64_t first, last;
    if (total(c, c->baseline, unheld, &first, err) || total(c, last_of(c), unheld, &last, err))
        return err->status;
    *out = last > first && last - first >= c->material && last - first > c->dismissed &&
           has_room(c, c->baseline, last_of(c), (last - first) / ROOM_SHARE);
    return HL_OK;
}

static uint64_t since(uint64_t is, uint64_t was)
{
    return is > was ? is - was : 0;
}

static uint64_t gain(const hl_case *c, const uint64_t *series)
{
    return since(series[last_of(c)], series[c->baseline]);
}

static bool same_function(const hl_snap *s, uint32_t a, uint32_t b)
{
    return s->frames[a].file == s->frames[b].file && s->frames[a].function == s->frames[b].function;
}

/* What of the line, or its function, can be in no object: it came with raw memory, or with PyMem_Malloc. */
static uint64_t bare_gain(const hl_case *c, const hl_snap *s, uint32_t frame, bool joined,
                          const hl_site_history *h)
{
    const struct hl_site_moment *a = &h->moments[c->baseline], *z = &h->moments[last_of(c)];
    uint64_t first = 0, last = 0;
    for (uint32_t k = 1; k < a->n || k < z->n; k++) {
        uint32_t f = s->stacks[k].frame;
        if (f != frame && !(joined && f && same_function(s, f, frame)))
            continue;
        first += k < a->n ? a->bare[k] : 0;
        last += k < z->n ? z->bare[k] : 0;
    }
    return since(last, first);
}

/* ---- what nothing leads to --------------------------------------------------------------------- */

typedef struct lost_part {
    uint32_t stack;   /* the pool's */
    const char *type; /* NULL: of no object */
    hl_amount amount;
} lost_part;

enum fate { UNKNOWN, LOST, HELD };

/* The last look at work at which it was asked. */
typedef struct lost_look {
    uint32_t moment, n; /* n 0: none, or nothing is lost */
    lost_part *parts;
} lost_look;

/* Of one line. */
typedef struct lost_line {
    enum fate fate;
    uint64_t bytes;
    const char *type; /* that most of it is; NULL: most is of no object */
    hl_amount of_type;
    uint64_t of_objects; /* bytes of those, without what the objects have beside themselves */
    uint32_t risen;      /* parts of the run in which it rose */
    bool sure;           /* what all of it rises by, of which it is most, is known exactly */
} lost_line;

static hl_status read_lost(const hl_case *c, hl_site_pool *pool, hl_arena *arena, lost_look *out,
                           hl_err *err)
{
    uint32_t at = last_of(c), *stack_of;
    *out = (lost_look){.n = 0};
    err->status = HL_OK;
    while (at > c->baseline && !c->moments[at].info.tracking.mark)
        at--;
    if (at <= c->baseline)
        return HL_OK;
    hl_snap *s;
    if (hl_snap_load_parts(c->moments[at].run, c->moments[at].index, HL_PART_SITES, &s, err))
        return err->status;
    if (!hl_site_pool_know(pool, s, &stack_of, err)) {
        *out = (lost_look){.moment = at, .n = s->n_lost_sites};
        out->parts = hl_arena_array(arena, s->n_lost_sites + 1, sizeof *out->parts);
        for (uint32_t i = 0; out->parts && i < s->n_lost_sites; i++) {
            const hl_snap_lost *x = &s->lost_sites[i];
            const char *type = x->type1 ? s->names[s->types[x->type1 - 1].name] : NULL;
            out->parts[i] =
                (lost_part){stack_of[x->stack],
                            type ? hl_arena_copy(c->arena, type, strlen(type)) : NULL, x->amount};
        }
        if (!out->parts)
            hl_err_set(err, HL_NO_MEMORY, "no memory for %u stacks", s->n_lost_sites);
    }
    hl_snap_destroy(s);
    return err->status;
}

static bool is_type(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static lost_line lost_at(const lost_look *l, const hl_snap *s, uint32_t frame)
{
    lost_line out = {.bytes = 0};
    for (uint32_t i = 0; i < l->n; i++) {
        hl_amount of_type = {0, 0};
        uint64_t of_objects = 0;
        if (!l->parts[i].stack || s->stacks[l->parts[i].stack].frame != frame)
            continue;
        out.bytes += l->parts[i].amount.bytes;
        for (uint32_t k = 0; k < l->n; k++)
            if (s->stacks[l->parts[k].stack].frame == frame &&
                is_type(l->parts[k].type, l->parts[i].type)) {
                of_type.blocks += l->parts[k].amount.blocks;
                of_type.bytes += l->parts[k].amount.bytes;
                of_objects += l->parts[k].amount.blocks ? l->parts[k].amount.bytes : 0;
            }
        if (of_type.bytes > out.of_type.bytes) {
            out.of_type = of_type;
            out.of_objects = of_objects;
            out.type = l->parts[i].type;
        }
    }
    return out;
}

/* In how many parts of the run it rose, if in most of them, and in enough; else 0. */
static uint32_t mostly_rises(const hl_case *c, const lost_line *line, const uint64_t *series)
{
    uint32_t least = LOST_INTERVALS, risen = 0, intervals = last_of(c) - c->baseline;
    if (line->bytes >= MUCH_LOST && line->of_type.blocks >= MANY_LOST)
        least = 1;
    for (uint32_t i = c->baseline + 1; i <= last_of(c); i++)
        risen += series[i] > series[i - 1];
    bool mostly = RISEN_SHARE * risen >= (RISEN_SHARE - 1) * intervals;
    return risen >= least && mostly ? risen : 0;
}

/* Of what came at a line, to the look at which it was asked. */
static enum fate fate_of(const hl_case *c, const lost_look *l, const lost_line *line,
                         const uint64_t *series)
{
    uint64_t was = series[c->baseline], then = series[l->moment];
    if (l->moment <= c->baseline || then <= was)
        return UNKNOWN;
    if (line->bytes >= LOST_LEAST && LOST_SHARE * line->bytes >= then - was &&
        mostly_rises(c, line, series))
        return LOST;
    bool held = then - was >= LOST_LEAST && HELD_SHARE * line->bytes <= then - was;
    return held ? HELD : UNKNOWN;
}

/* Of so many bytes, by samples: so few that one digit says all there is. 0: too few of the objects
 * themselves to say how many. */
static uint64_t about_how_many(const hl_case *c, const lost_line *line, uint64_t gained)
{
    enum { BASE = 10 };
    const hl_tracking *t = &c->moments[last_of(c)].info.tracking;
    uint64_t least = t->mode == HL_FOLLOWED_SAMPLED ? COUNTED_SAMPLES * t->rate : 1;
    if (line->type && line->of_objects < least)
        return 0;
    uint64_t n = (uint64_t)((double)line->of_type.blocks * (double)gained / (double)line->bytes);
    uint64_t step = 1;
    while (n / step >= BASE)
        step *= BASE;
    return (n + step / 2) / step * step;
}

static void tell_lost(hl_case *c, hl_finding *f, const lost_line *line, const char *where,
                      uint64_t gained)
{
    char bytes[16], gone[16], count[32];
    uint64_t many = about_how_many(c, line, gained);
    hl_count_text(many, count);
    f->holder.name =
        line->type
            ? hl_arena_printf(c->arena, "(lost by C) %s objects made at %s", line->type, where)
            : hl_arena_printf(c->arena, "(lost by C) memory asked for at %s", where);
    f->holder.type = line->type ? line->type : "";
    f->title =
        line->type && !many
            ? hl_arena_printf(c->arena,
                              "C code lost the references to %s objects: they and what they have "
                              "are some %s asked for at %s, and nothing points to them any more",
                              line->type, hl_bytes_text(gained, bytes), where)
        : line->type
            ? hl_arena_printf(
                  c->arena,
                  "C code lost the references to some %s %s objects made at %s, together "
                  "%s: nothing points to them any more",
                  count, line->type, where, hl_bytes_text(gained, bytes))
            : hl_arena_printf(c->arena,
                              "C code lost some %s asked for at %s: nothing points to it any more",
                              hl_bytes_text(gained, bytes), where);
    hl_finding_evidence(c, f, "more came in %u part%s of the run", line->risen,
                        line->risen == 1 ? "" : "s");
    hl_finding_evidence(c, f, "no word in the program's memory led to %s",
                        line->bytes < gained ? hl_arena_printf(c->arena, "%s of it",
                                                               hl_bytes_text(line->bytes, gone))
                                             : "it");
}

/* ---- one line ---------------------------------------------------------------------------------- */

/* joined: of is what all lines of its function have. */
static hl_status tell(hl_case *c, const hl_snap *s, uint32_t frame, bool joined,
                      const hl_site_history *h, const uint64_t *of, const lost_line *lost,
                      hl_err *err)
{
    /* the few blocks that samples are may be kept where others are not: of what surely is there, at most */
    uint64_t came = gain(c, of), *series = hl_arena_array(c->arena, c->n_moments, sizeof *series);
    uint64_t sure =
        c->outside ? gain(c, c->outside) : 0; /* also where it paused, between two looks */
    sure = sure > c->native.bytes ? sure : c->native.bytes;
    uint64_t gained = c->native.bytes && came > sure ? sure : came;
    uint64_t had = c->moments[c->baseline].info.rss_bytes,
             has = c->moments[last_of(c)].info.rss_bytes;
    if (has > had && gained > has - had)
        gained = has - had;
    bool is_lost = lost->fate == LOST, held = lost->fate == HELD;
    bool objects = is_lost ? lost->type != NULL : 2 * bare_gain(c, s, frame, joined, h) < came;
    bool sampled = c->moments[last_of(c)].info.tracking.mode == HL_FOLLOWED_SAMPLED;
    bool unsure = sampled && !is_lost && !lost->sure && gained < SURE_BYTES;
    hl_finding *f = hl_finding_add(c, objects ? "native-reference" : "native-memory",
                                   unsure ? HL_POSSIBLE : HL_STRONG);
    if (!f || !series)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a finding");
    for (uint32_t i = 0; i < c->n_moments; i++) /* the program was over after the last */
        series[i] = (uint64_t)((double)since(of[i < h->n ? i : h->n - 1], of[c->baseline]) /
                               (double)came * (double)gained);
    const char *where = hl_frame_label(s, frame, c->arena);
    const hl_snap_info *from = &c->moments[c->baseline].info, *to = &c->moments[last_of(c)].info;
    double seconds = (double)(to->time_us - from->time_us) / 1e6;
    hl_growth g = {.metric = HL_METRIC_BYTES,
                   .onset = c->baseline,
                   .weighed_from = c->baseline,
                   .anchor = last_of(c),
                   .series = series,
                   .bytes = gained,
                   .onset_bytes = gained,
                   .units = gained,
                   .per_second = seconds > 0 ? (double)gained / seconds : -1};
    char bytes[16];
    f->holder.kind = "native";
    hl_finding_growth(c, f, &g);
    f->growth.objects = 0;
    f->retained.bytes = gained;
    f->fix = objects ? OBJECTS_FIX : MEMORY_FIX;
    hl_finding_line(c, f, s, frame, gained, sampled);
    if (is_lost) {
        tell_lost(c, f, lost, where, gained);
        hl_finding_seal(c, f);
        return HL_OK;
    }
    f->holder.name = hl_arena_printf(c->arena,
                                     !objects ? "(held by C) memory asked for at %s"
                                     : held   ? "(held by C) objects made at %s"
                                              : "(lost by C) objects made at %s",
                                     where);
    f->title = hl_arena_printf(
        c->arena,
        !objects
            ? "%s asked for at %s are in no object: the C code called there keeps them, or has "
              "lost them"
        : held
            ? "%s of objects made at %s are held by C code alone: what was called there, or what "
              "it gave them to, keeps them"
            : "%s of objects made at %s are found nowhere: the C code called there keeps them, or "
              "has lost the references to them",
        hl_bytes_text(gained, bytes), where);
    hl_finding_evidence(c, f, "more came in each of %u parts of the run", lost->risen);
    hl_finding_evidence(c, f,
                        objects ? "nothing that the collector knows refers to them"
                                : "asked for through Python's allocators, and given to no object");
    hl_finding_seal(c, f);
    return HL_OK;
}

/* Where no line is sure enough to be told of: those that more of it came by than by any other. */
static void name_askers(hl_case *c, const hl_snap *s, const uint64_t *of, uint32_t n)
{
    uint64_t came = c->native.bytes ? c->native.bytes : c->native_few, least[2] = {0};
    uint32_t best[2] = {0};
    for (uint32_t f = 1; f < s->n_frames; f++) {
        uint64_t gained = gain(c, &of[(size_t)f * n]);
        if (gained < c->material || gained <= least[1])
            continue;
        bool first = gained > least[0];
        best[1] = first ? best[0] : f;
        least[1] = first ? least[0] : gained;
        best[0] = first ? f : best[0];
        least[0] = first ? gained : least[0];
    }
    if (!came || ASKED_SHARE * (least[0] + least[1]) < came)
        return;
    char bytes[16], more[16];
    c->unheld_by = hl_arena_printf(c->arena, "some %s of it was asked for at %s",
                                   hl_bytes_text(least[0] < came ? least[0] : came, bytes),
                                   hl_frame_label(s, best[0], c->arena));
    if (best[1] && least[0] + least[1] <= came)
        c->unheld_by =
            hl_arena_printf(c->arena, "%s, some %s at %s", c->unheld_by,
                            hl_bytes_text(least[1], more), hl_frame_label(s, best[1], c->arena));
}

/* A line of a pool that has more in no object than before: of[frame * n + moment]. 0: none is sure. only_most: and
 * most of what came beside objects is of it. Fills lost. */
static uint32_t worst_line(const hl_case *c, const hl_snap *s, const hl_site_history *h,
                           const lost_look *look, const uint64_t *of, bool only_most,
                           lost_line *lost)
{
    uint64_t worst = 0;
    uint32_t at = 0;
    /* samples of 0.5 MB show a rise of as much as steps; what all of it rises by is known exactly */
    uint32_t all_risen = c->native.bytes ? c->native.intervals
                         : c->outside    ? hl_site_rises(h, c->outside)
                                         : 0;
    const hl_tracking *t = &c->moments[last_of(c)].info.tracking;
    uint64_t least = t->mode == HL_FOLLOWED_SAMPLED ? FEW_SAMPLES * t->rate : 0;
    for (uint32_t f = 1; f < s->n_frames; f++) {
        const uint64_t *series = &of[(size_t)f * h->n];
        uint64_t gained = gain(c, series);
        if (gained < c->material || gained <= c->dismissed || gained <= worst)
            continue;
        lost_line line = lost_at(look, s, f);
        line.fate = fate_of(c, look, &line, series);
        bool room =
            has_room(c, c->baseline, last_of(c), line.fate == LOST ? gained / ROOM_SHARE : gained);
        bool most = all_risen && MOST_SHARE * gained >= gain(c, c->outside);
        line.risen = line.fate == LOST ? mostly_rises(c, &line, series) : hl_site_rises(h, series);
        line.sure = most && gain(c, c->outside) >= SURE_BYTES;
        if (line.fate != LOST && !c->native.bytes && gained < least)
            continue;
        if (!line.risen && most)
            line.risen = all_risen;
        if (!room || !line.risen || (only_most && !most))
            continue;
        worst = gained;
        at = f;
        *lost = line;
    }
    return at;
}

/* What the lines of a function gained counts as that of the one that gained most. */
static hl_status join_functions(const hl_case *c, const hl_snap *s, uint64_t *of, uint32_t n,
                                hl_arena *scratch, hl_err *err)
{
    uint32_t n_gained = 0, *gained = hl_arena_array(scratch, s->n_frames, sizeof *gained);
    if (!gained)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u lines", s->n_frames);
    for (uint32_t f = 1; f < s->n_frames; f++) {
        uint64_t *more = &of[(size_t)f * n];
        uint32_t k = 0;
        while (k < n_gained && !same_function(s, gained[k], f))
            k++;
        if (k == n_gained) {
            gained[n_gained++] = f;
            continue;
        }
        uint64_t *best = &of[(size_t)gained[k] * n];
        bool by_it = gain(c, more) > gain(c, best);
        for (uint32_t i = 0; i < n; i++) {
            uint64_t sum = best[i] + more[i];
            best[i] = by_it ? 0 : sum;
            more[i] = by_it ? sum : 0;
        }
        gained[k] = by_it ? f : gained[k];
    }
    return HL_OK;
}

/* What each line has in no object, at each moment: the worst one that rises in every part. */
static hl_status find_line(hl_case *c, hl_arena *scratch, hl_err *err)
{
    hl_site_pool *pool;
    hl_site_history h = {.n = last_of(c) + 1};
    hl_snap s;
    h.moments = hl_arena_array(scratch, h.n, sizeof *h.moments);
    if (!h.moments)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", h.n);
    if (hl_site_pool_create(scratch, &pool, err))
        return err->status;
    for (uint32_t i = 0; i < h.n; i++)
        if (hl_site_moment_read(c->moments[i].run, c->moments[i].index, true, pool, scratch,
                                &h.moments[i], err))
            return err->status;
    lost_look look;
    if (read_lost(c, pool, scratch, &look, err) || hl_site_pool_sum(pool, &s, err))
        return err->status;
    uint64_t *of = hl_arena_array(scratch, (size_t)s.n_frames * h.n, sizeof *of);
    if (!of)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u lines", s.n_frames);
    for (uint32_t i = 0; i < h.n; i++)
        for (uint32_t k = 1; k < h.moments[i].n; k++)
            of[(size_t)s.stacks[k].frame * h.n + i] += h.moments[i].bytes[k];
    lost_line lost = {.bytes = 0};
    uint32_t at = worst_line(c, &s, &h, &look, of, false, &lost);
    bool joined = !at;
    if (joined) {
        name_askers(c, &s, of, h.n);
        if (join_functions(c, &s, of, h.n, scratch, err))
            return err->status;
        at = worst_line(c, &s, &h, &look, of, true, &lost);
    }
    if (at)
        return tell(c, &s, at, joined, &h, &of[(size_t)at * h.n], &lost, err);
    return HL_OK;
}

hl_status hl_unheld_find(hl_case *c, hl_err *err)
{
    bool much = false;
    err->status = HL_OK;
    if (c->n_moments < 2 || c->out->n_findings)
        return HL_OK;
    for (uint32_t i = 0; i <= last_of(c); i++) {
        const hl_moment *m = &c->moments[i];
        if (m->info.tracking.mode == HL_FOLLOWED_NOT ||
            m->info.skipped * SKIPPED_SHARE > m->objects)
            return HL_OK;
    }
    if (much_came(c, false, &much, err) || !much || much_came(c, true, &much, err) || !much)
        return err->status;
    hl_arena scratch;
    hl_arena_init(&scratch);
    (void)!find_line(c, &scratch, err);
    hl_arena_deinit(&scratch);
    return err->status;
}
