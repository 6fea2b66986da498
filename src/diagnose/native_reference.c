/* diagnose/native_reference.c: references that C code has lost, or given away.
 *
 * Room   diagnose; a rule (R13) over what surplus.c added up at each moment.
 * Signs  the references to objects of a type that no object has become more from look to look (a
 *        missing Py_DECREF), or fewer than are found (a missing Py_INCREF). By declared rounds a few
 *        will do; by the clock what they keep must be material; of two snapshots somebody asked for
 *        the difference is told, and nothing is claimed.
 * Guards what C holds rightly does not change; what it is given to keep, callables, is another
 *        rule's (native_registry.c); where objects multiply that may hold others unseen, those may
 *        have them; leaves of a heap that was read in part are not counted. None and its like are no
 *        nodes and have counts of their own, before 3.12. */
#include "base/words.h"
#include "diagnose/case.h"
#include "diagnose/census.h"
#include "diagnose/judge.h"
#include "diagnose/made.h"
#include "diagnose/native_fate.h"
#include "diagnose/per_round.h"
#include "diagnose/surplus.h"

#include <stdio.h>
#include <string.h>

enum { LEAST = 12, LEAST_SHARED = 100, TOLD_MAX = 12, KEPT_INTERVALS = 3, OWN_DEPTH = 4 };

static const char LOST_FIX[] =
    "in the C code called there, or in a newer release of its package: each new reference "
    "(PyList_New, Py_BuildValue, PyObject_Call, "
    "Py_NewRef ...) needs one Py_DECREF on every way out, error paths first; PyList_Append and "
    "PyDict_SetItem take one of their own, PyTuple_SET_ITEM and PyModule_AddObject take yours";
static const char SURPLUS_FIX[] =
    "in the C code called there look for a Py_INCREF too many, or a new reference that is not "
    "given back: PyObject_GetAttr, PyImport_ImportModule, PySequence_GetItem give new ones, "
    "PyList_GetItem and PyDict_GetItem do not";
static const char TYPE_FIX[] =
    "tp_dealloc of a heap type gives its type back at its end: PyTypeObject *t = Py_TYPE(self); "
    "t->tp_free(self); Py_DECREF(t); and tp_traverse visits it (3.9 and later)";
static const char GIVEN_FIX[] =
    "in the C code called there look for a reference that is borrowed and given on or given back: "
    "return Py_None needs Py_INCREF before it (Py_RETURN_NONE), what PyList_GetItem, "
    "PyDict_GetItem or PyTuple_GetItem gave must not be given to Py_DECREF, and "
    "PyTuple_SET_ITEM takes what it is given";

typedef struct suspicion {
    uint64_t key;
    bool given;
    hl_course course;
    hl_growth growth; /* its series: references lost or given since the first moment */
    hl_confidence confidence;
} suspicion;

/* ---- series ------------------------------------------------------------------------------------
 */

static uint64_t clipped(int64_t n)
{
    return n > 0 ? (uint64_t)n : 0;
}

/* Below: fewer are counted than are found. Less: of those C holds rightly some are gone. */
enum side { LOST, BELOW, LESS };

static void fill_series(const hl_case *c, uint64_t key, enum side side, uint64_t *series)
{
    int64_t top = INT64_MIN;
    for (uint32_t i = 0; i < c->n_moments; i++) {
        hl_surplus s = hl_surplus_in(&c->moments[i], key);
        int64_t net = (int64_t)s.lost - (int64_t)s.given;
        top = net > top ? net : top;
    }
    for (uint32_t i = 0; i < c->n_moments; i++) {
        hl_surplus s = hl_surplus_in(&c->moments[i], key);
        series[i] = side == LOST    ? s.lost
                    : side == BELOW ? s.given
                                    : (uint64_t)(top - ((int64_t)s.lost - (int64_t)s.given));
    }
}

static const char *const shared_names[HL_SHARED_KINDS] = {[HL_SHARED_NONE] = "None",
                                                          [HL_SHARED_TRUE] = "True",
                                                          [HL_SHARED_FALSE] = "False",
                                                          [HL_SHARED_ELLIPSIS] = "Ellipsis",
                                                          [HL_SHARED_NOT_IMPLEMENTED] =
                                                              "NotImplemented",
                                                          [HL_SHARED_INTS] = "small ints"};

static bool fill_shared(const hl_case *c, unsigned which, bool given, uint64_t *series)
{
    int64_t base = 0;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < c->n_moments; i++) {
            const hl_snap_info *info = &c->moments[i].info;
            if (!(info->shared_known >> which & 1) || info->partly)
                return false;
            int64_t net = (int64_t)info->shared[which].refs - (int64_t)info->shared[which].edges;
            if (given)
                net = -net;
            if (!pass)
                base = i ? (net < base ? net : base) : net;
            else
                series[i] = (uint64_t)(net - base);
        }
    return true;
}

/* ---- judging -----------------------------------------------------------------------------------
 */

static bool asked_for(const hl_case *c)
{
    for (uint32_t i = 0; i < c->n_moments; i++)
        if (strcmp(c->moments[i].info.reason, "api") != 0 ||
            c->moments[i].info.pid != c->moments[0].info.pid ||
            c->moments[i].modules != c->moments[0].modules)
            return false;
    return c->n_moments > 1;
}

/* Others that may hold some unseen multiply along with them; what only they have cannot keep them for
 * anybody. */
static bool hides(const hl_case *c, const suspicion *s)
{
    const hl_moment *from = &c->moments[s->growth.onset], *to = &c->moments[s->growth.anchor];
    uint64_t was = from->opaque - hl_surplus_in(from, s->key).own,
             is = to->opaque - hl_surplus_in(to, s->key).own;
    uint64_t gained = s->growth.series[s->growth.anchor] - s->growth.series[s->growth.onset];
    return is > was && 2 * (is - was) >= gained;
}

static void by_course(const hl_case *c, suspicion *s)
{
    hl_growth *g = &s->growth;
    g->metric = HL_METRIC_OBJECTS;
    g->onset = s->course.first;
    g->anchor = s->course.last;
    g->intervals = s->course.intervals;
    g->units = g->series[g->anchor] - g->series[g->onset];
    if (s->course.near)
        g->units = (uint64_t)s->course.least *
                   (c->moments[g->anchor].info.rounds - c->moments[g->onset].info.rounds);
    g->exact = true;
    s->confidence = s->course.even ? HL_CERTAIN : s->course.steady ? HL_STRONG : HL_POSSIBLE;
}

/* least: fewer are nothing where rounds are the program's own. */
static bool judge(hl_case *c, suspicion *s, uint64_t least)
{
    hl_growth *g = &s->growth;
    if (c->by_rounds) {
        if (!hl_course_find(c, g->series, &s->course))
            return false;
        by_course(c, s);
        if (c->audited)
            return s->course.most > c->options.tolerance;
        return s->course.most >= 1 && s->course.least >= 1 && g->units >= least && !hides(c, s);
    }
    g->metric = HL_METRIC_OBJECTS;
    if (asked_for(c)) {
        g->onset = 0;
        g->anchor = c->n_moments - 1;
        for (uint32_t i = 1; i < c->n_moments; i++)
            if (g->series[i] < g->series[i - 1])
                return false;
        g->units = g->series[g->anchor] - g->series[0];
        s->confidence = HL_POSSIBLE;
        return g->units >= least && !hides(c, s);
    }
    g->anchor = c->n_moments - 1;
    if (g->series[g->anchor] <= g->series[c->working])
        g->anchor = c->working;
    if (c->n_moments < 3 || !c->kept || g->series[g->anchor] < g->series[0] + least ||
        !hl_growth_rises(c, g->series, g) || hl_growth_rests(g))
        return false;
    g->units = g->series[g->anchor] - g->series[0];
    s->confidence = hl_growth_slows(g) || g->intervals < 3 ? HL_POSSIBLE : HL_STRONG;
    return !hides(c, s);
}

/* ---- the objects -------------------------------------------------------------------------------
 */

typedef struct gathered {
    hl_node *members;
    uint32_t n, alone;   /* alone: nothing else has them */
    uint64_t refs, most; /* of all of them; of one */
    hl_node sample;
    uint32_t like_it; /* members that have as many, and that nothing else has */
    uint64_t bytes;   /* kept alive by those */
    const char *own;  /* type of what most of them have alone, and nobody can see into; or NULL */
} gathered;

/* Nothing else has them; one or the other may be at hand in the moment of the look. */
static bool are_alone(const gathered *a)
{
    return 10 * (uint64_t)a->alone >= 9 * (uint64_t)a->n;
}

static int64_t before(const hl_surplus_node *then, uint32_t n, uint64_t address)
{
    uint32_t lo = 0, hi = n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (then[mid].address < address)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && then[lo].address == address ? then[lo].excess : 0;
}

static void take_member(const hl_case *c, gathered *a, hl_node v, uint64_t refs)
{
    const hl_graph *g = c->graph;
    bool alone = g->parent[v] == HL_NO_NODE;
    a->members[a->n++] = v;
    a->refs += refs;
    a->alone += alone;
    if (refs > a->most) {
        a->most = refs;
        a->sample = v;
        a->like_it = 0;
    }
    a->like_it += refs == a->most && alone;
    if (alone && g->idom[v] == HL_NO_NODE)
        a->bytes += g->retained_bytes[v];
}

/* Types of the interpreter's own library, none of which keeps an object of the program unseen. */
static bool keeps_nothing(const char *type)
{
    static const char *const modules[] = {
        "datetime.",   "decimal.",  "_decimal.", "zlib.",
        "_thread.",    "_hashlib.", "_struct.",  "select.",
        "_random.",    "re.",       "_sre.",     "_bz2.",
        "_lzma.",      "zoneinfo.", "_socket.",  "_ssl.",
        "_hmac.",      "_blake2.",  "_md5.",     "_sha1.",
        "_sha2.",      "_sha256.",  "_sha512.",  "_sha3.",
        "mmap.",       "_dbm.",     "_gdbm.",    "_multiprocessing.",
        "unicodedata."};
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (!strncmp(type, modules[i], strlen(modules[i])))
            return true;
    return !strchr(type, '.');
}

/* A list, tuple or dict of such objects is what a function of C gives back, and forgets one reference to: more
 * often than it is a part of a cycle. */
static bool is_result(const hl_case *c, hl_node v)
{
    static const char *const types[] = {"list", "tuple", "dict", "set", "frozenset"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(hl_snap_type_name(c->snap, v), types[i]))
            return true;
    return false;
}

/* The type of an object nobody can see into that v dominates: it may be what has v. */
static const char *opaque_below(const hl_case *c, hl_node v)
{
    const hl_snap *s = c->snap;
    for (hl_node u = 0; u < s->nodes; u++) {
        if (!(s->flag[u] & HL_NODE_OPAQUE) || keeps_nothing(hl_snap_type_name(s, u)))
            continue;
        hl_node of = c->graph->idom[u];
        for (unsigned i = 0; i < OWN_DEPTH && of != HL_NO_NODE && of != v; i++)
            of = c->graph->idom[of];
        if (of == v)
            return hl_snap_type_name(s, u);
    }
    return NULL;
}

/* References that came to, or went from, an object since it began. */
static uint64_t refs_since(const suspicion *s, const hl_surplus_node *now,
                           const hl_surplus_node *then, uint32_t n_then)
{
    int64_t more = now->excess - before(then, n_then, now->address);
    return clipped(s->given ? -more : more);
}

/* Those whose excess is another than when it began. Loads the anchor. */
static hl_status gather(hl_case *c, const suspicion *s, gathered *a, hl_err *err)
{
    hl_surplus_node *then, *now;
    uint32_t n_then, n_now;
    *a = (gathered){.sample = HL_NO_NODE};
    if (hl_case_anchor(c, s->growth.onset, err) ||
        hl_surplus_nodes(c, c->graph, s->key, &then, &n_then, err) ||
        hl_case_anchor(c, s->growth.anchor, err) ||
        hl_surplus_nodes(c, c->graph, s->key, &now, &n_now, err))
        return err->status;
    a->members = hl_arena_array(&c->scratch, n_now + 1, sizeof *a->members);
    if (!a->members)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u objects", n_now);
    for (uint32_t i = 0; i < n_now; i++) {
        uint64_t refs = refs_since(s, &now[i], then, n_then);
        if (refs)
            take_member(c, a, now[i].node, refs);
    }
    /* neither what imports left behind nor what is under way: from the middle */
    for (uint32_t i = 0, at = 0; i < n_now && at <= a->like_it / 2; i++)
        if (refs_since(s, &now[i], then, n_then) == a->most &&
            c->graph->parent[now[i].node] == HL_NO_NODE && at++ == a->like_it / 2)
            a->sample = now[i].node;
    if (a->n && !s->given && !is_result(c, a->sample) &&
        hl_surplus_in(&c->moments[s->growth.anchor], s->key).own >= a->n / 2 && are_alone(a))
        a->own = opaque_below(c, a->sample);
    return HL_OK;
}

/* ---- words -------------------------------------------------------------------------------------
 */

static const char *rate_text(const hl_case *c, const suspicion *s, char buf[64])
{
    const char *unit = c->audited ? "call" : "round";
    if (!c->by_rounds)
        *buf = 0;
    else if (s->course.even)
        snprintf(buf, 64, ", %.2f a %s", s->course.least, unit);
    else
        snprintf(buf, 64, ", %.2f to %.2f a %s", s->course.least, s->course.most, unit);
    return buf;
}

static void tell_course(hl_case *c, hl_finding *f, const suspicion *s)
{
    char text[256] = "", count[32];
    size_t n = 0;
    const hl_growth *g = &s->growth;
    uint32_t many = g->anchor - g->onset, step = many > 8 ? (many + 7) / 8 : 1;
    for (uint32_t i = g->onset; i <= g->anchor && n < sizeof text - 32; i++)
        if (i == g->anchor || (i - g->onset) % step == 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " -> " : "",
                                  hl_count_text(g->series[i] - g->series[g->onset], count));
    hl_finding_evidence(c, f, "%s %s", s->given ? "missing references" : "references nobody has",
                        text);
    if (s->course.even && c->by_rounds)
        hl_finding_evidence(c, f,
                            s->course.near ? "the same number in each of %u parts of the run, but "
                                             "for a few that were at hand in the moment of a look"
                                           : "the same number in each of %u parts of the run",
                            s->course.intervals);
}

static void finish(hl_case *c, hl_finding *f, suspicion *s, uint64_t bytes)
{
    hl_growth *g = &s->growth;
    double seconds =
        (double)(c->moments[g->anchor].info.time_us - c->moments[g->onset].info.time_us) / 1e6;
    uint64_t from = g->series[g->onset];
    for (uint32_t i = 0; i < c->n_moments; i++)
        g->series[i] = g->series[i] > from ? g->series[i] - from : 0;
    g->bytes = g->onset_bytes = g->weighed_bytes = bytes;
    g->weighed_from = g->onset;
    g->per_second = seconds > 0 ? (double)bytes / seconds : -1;
    hl_finding_growth(c, f, g);
    if (c->by_rounds && s->course.even)
        f->growth.per_round = s->course.least;
    f->series_unit = "references";
    f->retained.bytes = bytes;
}

static bool is_class(const hl_case *c, hl_node v)
{
    return (c->snap->types[c->snap->type[v]].flags & HL_TYPE_TYPE) != 0;
}

/* A class without instances has no row among the types: it is called as its chain calls it. */
static const char *class_name(hl_case *c, hl_node v)
{
    for (uint32_t t = 0; t < c->snap->n_types; t++)
        if (c->snap->types[t].node == v)
            return c->snap->names[c->snap->types[t].name];
    char name[200] = "";
    if (c->graph->parent[v] == HL_NO_NODE)
        return hl_snap_type_name(c->snap, v);
    hl_path_name(c->graph, v, name, sizeof name);
    return hl_arena_copy(c->arena, name, strlen(name));
}

/* "list objects", "the class spam.Thing", "the module json": of what the references are. */
static const char *whose(hl_case *c, const gathered *a)
{
    hl_node v = a->sample;
    char name[200] = "";
    if (is_class(c, v))
        return hl_arena_printf(c->arena, "the class %s", class_name(c, v));
    const char *type = hl_snap_type_name(c->snap, v);
    if (a->n > 1 || c->graph->parent[v] == HL_NO_NODE)
        return a->n > 1 ? hl_arena_printf(c->arena, "%s objects", type)
                        : hl_arena_printf(c->arena, "one %s", type);
    hl_path_name(c->graph, v, name, sizeof name);
    return hl_arena_printf(c->arena, "one %s, %s", type, name);
}

static void tell_sample(hl_case *c, hl_finding *f, const gathered *a)
{
    hl_node v = a->sample;
    char count[32], bytes[16], length[48] = "";
    int32_t len = hl_snap_len(c->snap, v);
    if (len >= 0)
        snprintf(length, sizeof length, " of %s items", hl_count_text((uint64_t)len, count));
    const char *made = hl_made_text(c->snap, v, c->arena);
    hl_finding_evidence(c, f, "%s: the %s%s at 0x%llx, %s%s%s", a->n > 1 ? "one of them" : "it is",
                        hl_snap_type_name(c->snap, v), length,
                        (unsigned long long)hl_snap_address(c->snap, v),
                        hl_bytes_text(hl_graph_own_bytes(c->graph, v), bytes),
                        made ? ", made at " : "", made ? made : "");
}

/* C has them where it can find them: nearly each. */
static bool are_kept(const hl_finding *f, const gathered *a)
{
    return f->reach.n_by && 10 * f->reach.kept >= 9 * (uint64_t)a->n;
}

static const char *title_of(hl_case *c, const hl_finding *f, const suspicion *s, const gathered *a)
{
    char count[32], rate[64], bytes[16];
    const char *of = whose(c, a);
    hl_count_text(s->growth.units, count);
    rate_text(c, s, rate);
    if (s->given)
        return hl_arena_printf(c->arena,
                               "C code gave away %s reference%s to %s that were not its own%s: "
                               "they will be freed while somebody still has them",
                               count, s->growth.units == 1 ? "" : "s", of, rate);
    if (are_kept(f, a))
        return hl_arena_printf(c->arena,
                               "C code keeps %s reference%s to %s%s: %s them; together %s", count,
                               s->growth.units == 1 ? "" : "s", of, rate,
                               hl_fate_holds(c, &f->reach.by[0]), hl_bytes_text(a->bytes, bytes));
    if (a->own)
        return hl_arena_printf(c->arena,
                               "nothing has %s %s any more but, it seems, the %s each of them has "
                               "itself%s: cycles the collector cannot see, and nobody frees; "
                               "together %s",
                               count, of, a->own, rate, hl_bytes_text(a->bytes, bytes));
    if (are_alone(a))
        return hl_arena_printf(c->arena,
                               "C code lost %s reference%s to %s%s: nothing has them any more, and "
                               "nothing can free them; together %s",
                               count, s->growth.units == 1 ? "" : "s", of, rate,
                               hl_bytes_text(a->bytes, bytes));
    return hl_arena_printf(c->arena,
                           "C code took %s reference%s to %s that it does not give back%s: they "
                           "stay when all else lets go of them",
                           count, s->growth.units == 1 ? "" : "s", of, rate);
}

static bool is_callable(const char *type)
{
    return !strcmp(type, "method") || !strcmp(type, "function") ||
           !strcmp(type, "functools.partial");
}

/* What C holds for a while, or was given to keep. Of what it holds for a while some are there at any
 * look; more at each of many looks are kept. */
static bool is_anothers(const hl_case *c, const suspicion *s, const char *type)
{
    static const char *const types[] = {
        "frame",           "coroutine",      "generator", "traceback",
        "async_generator", "cell",           "Context",   "_contextvars.Context",
        "_asyncio.Task",   "_asyncio.Future"};
    if (is_callable(type))
        return !c->audited || hl_cause_told(c, "native-registry");
    bool kept = c->audited || s->growth.intervals >= KEPT_INTERVALS;
    for (size_t i = 0; i < sizeof types / sizeof *types && !kept; i++)
        if (!strcmp(type, types[i]))
            return true;
    return false;
}

static bool is_leaf(const char *type)
{
    return !strcmp(type, "str") || !strcmp(type, "int") || !strcmp(type, "float") ||
           !strcmp(type, "bytes") || !strcmp(type, "complex");
}

static bool read_in_part(const hl_case *c)
{
    for (uint32_t i = 0; i < c->n_moments; i++)
        if (c->moments[i].info.partly)
            return true;
    return false;
}

/* What leads to them but objects, where that was asked. */
static void tell_reach(hl_case *c, hl_finding *f, const gathered *a)
{
    char n[32], all[32];
    hl_count_text(a->n, all);
    if (f->reach.lost)
        hl_finding_evidence(c, f,
                            "lost: no word of the program's memory leads to %s of %s, but for the "
                            "collector's lists",
                            hl_count_text(f->reach.lost, n), all);
    for (uint32_t i = 0; i < f->reach.n_by; i++)
        hl_finding_evidence(c, f, "kept: %s %s of %s", hl_fate_holds(c, &f->reach.by[i]),
                            hl_count_text(f->reach.by[i].blocks, n), all);
}

static const char OWN_FIX[] =
    "do not let an object keep a container of C code (or Rust) that keeps the object: break the "
    "cycle where it is done with (clear the attribute), or hold one side by weakref; the type's "
    "author lets the collector see what it keeps (Py_TPFLAGS_HAVE_GC, tp_traverse and tp_clear)";

static const char KEPT_FIX[] =
    "what C code puts there it owns: if it is a cache it needs a bound, and what is taken out or "
    "overwritten its Py_DECREF; if nobody needs it there any more, Py_CLEAR it";

static void find(hl_case *c, suspicion *s, const gathered *a)
{
    hl_suspect suspect;
    const char *type = hl_snap_type_name(c->snap, a->sample);
    if (is_anothers(c, s, type) || (is_leaf(type) && read_in_part(c)) ||
        !hl_suspect_of(c, a->sample, HL_NO_NODE, &suspect))
        return;
    /* by the clock only bytes tell what matters */
    if (!c->by_rounds && s->confidence != HL_POSSIBLE && a->bytes < c->material)
        return;
    if (!c->by_rounds && !asked_for(c) && a->bytes < c->material)
        return;
    hl_finding *f = hl_finding_add(c, "native-reference", s->confidence);
    if (!f)
        return;
    const char *name = is_class(c, a->sample) ? class_name(c, a->sample) : type;
    suspect.growth = &s->growth;
    suspect.members = 1;
    hl_finding_holder(c, f, &suspect);
    if (!s->given)
        hl_fate_of_nodes(c, f, a->members, a->n);
    /* what has them need not be guessed where it was found */
    const char *own = are_kept(f, a) ? NULL : a->own;
    f->holder.kind = "native";
    f->holder.name = hl_arena_printf(c->arena, "(%s by C) %s",
                                     s->given         ? "given away"
                                     : are_kept(f, a) ? "kept"
                                     : are_alone(a)   ? "lost"
                                                      : "not given back",
                                     name);
    if (own) {
        f->cause = "reference-cycle";
        f->holder.kind = "none";
        f->holder.name = hl_arena_printf(c->arena, "%s -> %s -> %s", name, own, name);
    }
    f->n_allocated_at = 0;
    hl_finding_made_of(c, f, a->members, a->n, s->growth.onset);
    f->title = title_of(c, f, s, a);
    finish(c, f, s, a->bytes);
    f->retained.objects = a->n;
    tell_course(c, f, s);
    tell_sample(c, f, a);
    tell_reach(c, f, a);
    if (own)
        hl_finding_evidence(
            c, f,
            "%s shows the collector nothing of what it keeps (no tp_traverse); if it "
            "keeps none of these, C code lost the references to them",
            own);
    if (are_alone(a))
        f->n_path = 0; /* no way leads to them */
    if (a->alone && !are_alone(a)) {
        char count[32];
        hl_finding_evidence(c, f, "%s of them nothing else has any more",
                            hl_count_text(a->alone, count));
    }
    f->fix = s->given                 ? GIVEN_FIX
             : is_class(c, a->sample) ? TYPE_FIX
             : are_kept(f, a)         ? KEPT_FIX
             : own                    ? OWN_FIX
             : are_alone(a)           ? LOST_FIX
                                      : SURPLUS_FIX;
    hl_finding_seal(c, f);
}

/* No memory is lost with a reference to what is always there, and libraries that everybody has do lose
 * some: that is no finding. */
static void note_shared(hl_case *c, const suspicion *s, const char *name)
{
    char count[32], rate[64];
    hl_note_add(c, "native-reference",
                "C code took %s references to %s that it does not give back%s: no memory is lost, "
                "the same slip with another object would lose it",
                hl_count_text(s->growth.units, count), name, rate_text(c, s, rate));
}

static void find_shared(hl_case *c, suspicion *s, unsigned which)
{
    char count[32], rate[64];
    const char *name = shared_names[which];
    if (!s->given) {
        note_shared(c, s, name);
        return;
    }
    hl_finding *f = hl_finding_add(c, "native-reference", s->confidence);
    if (!f)
        return;
    f->holder.kind = "native";
    f->holder.name = hl_arena_printf(c->arena, "(given away by C) %s", name);
    f->holder.type = which == HL_SHARED_NONE                               ? "NoneType"
                     : which == HL_SHARED_INTS                             ? "int"
                     : which == HL_SHARED_TRUE || which == HL_SHARED_FALSE ? "bool"
                                                                           : "object";
    f->title =
        hl_arena_printf(c->arena,
                        "C code gave away %s references to %s that were not its own%s: when its "
                        "count reaches 0 the interpreter aborts (before Python 3.12)",
                        hl_count_text(s->growth.units, count), name, rate_text(c, s, rate));
    finish(c, f, s, 0);
    tell_course(c, f, s);
    f->fix = GIVEN_FIX;
    hl_finding_seal(c, f);
}

/* ---- the rule ----------------------------------------------------------------------------------
 */

static hl_status try_key(hl_case *c, uint64_t key, enum side side, bool *found, hl_err *err)
{
    suspicion s = {.key = key, .given = side != LOST};
    gathered a;
    s.growth.series = hl_arena_array(c->arena, c->n_moments, sizeof *s.growth.series);
    if (!s.growth.series)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to judge references");
    fill_series(c, key, side, s.growth.series);
    /* what C lets go of from time to time is no fault */
    if (!judge(c, &s, LEAST) || (s.given && (!c->by_rounds || s.confidence != HL_CERTAIN)))
        return HL_OK;
    if (gather(c, &s, &a, err))
        return err->status;
    *found |= a.n > 0;
    if (a.n)
        find(c, &s, &a);
    return HL_OK;
}

static hl_status try_sides(hl_case *c, uint64_t key, hl_err *err)
{
    bool found = false;
    if (try_key(c, key, LOST, &found, err) || try_key(c, key, BELOW, &found, err) ||
        (!found && try_key(c, key, LESS, &found, err)))
        return err->status;
    return HL_OK;
}

static hl_status try_shared(hl_case *c, unsigned which, bool given, hl_err *err)
{
    suspicion s = {.given = given};
    s.growth.series = hl_arena_array(c->arena, c->n_moments, sizeof *s.growth.series);
    if (!s.growth.series)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to judge references");
    if (!fill_shared(c, which, given, s.growth.series) || !judge(c, &s, LEAST_SHARED))
        return HL_OK;
    bool exact = c->by_rounds && s.confidence == HL_CERTAIN;
    /* objects that hold it unseen come and go: only what each unit of work does is a word worth */
    if (exact && (given || c->audited))
        find_shared(c, &s, which);
    return HL_OK;
}

hl_status hl_rule_native_references(hl_case *c, hl_err *err)
{
    /* each has references on a stack of its own, which nobody can read */
    if (c->n_moments < 2 || hl_threads_multiply(c))
        return HL_OK;
    uint32_t told = c->out->n_findings;
    const hl_moment *last = &c->moments[c->n_moments - 1];
    for (uint32_t i = 0; i < last->n_surplus && c->out->n_findings < told + TOLD_MAX; i++)
        if (try_sides(c, last->surplus[i].key, err))
            return err->status;
    for (unsigned i = 0; i < HL_SHARED_KINDS; i++)
        if (try_shared(c, i, false, err) || try_shared(c, i, true, err))
            return err->status;
    return HL_OK;
}

/* The finding that keeps most objects a call, of those that are not ours; NULL: none does. Cycles that
 * nobody frees may have private memory; what they refer to is known. */
static const hl_finding *keeper_of(const hl_diagnosis *d, bool cycles)
{
    const hl_finding *most = NULL;
    for (uint32_t i = 0; i < d->n_findings; i++) {
        const hl_finding *f = &d->findings[i];
        bool is = strncmp(f->cause, "native-", 7) != 0 && f->growth.per_round > 0 &&
                  (cycles || strcmp(f->cause, "reference-cycle") != 0);
        if (is && (!most || f->growth.per_round > most->growth.per_round))
            most = f;
    }
    return most;
}

/* What is kept with each call may have private memory and references that nobody sees into. */
void hl_native_doubt(hl_case *c)
{
    hl_diagnosis *d = c->out;
    for (uint32_t i = 0; i < d->n_findings; i++) {
        hl_finding *f = &d->findings[i];
        bool memory = !strcmp(f->cause, "native-memory");
        const hl_finding *keeper = keeper_of(d, memory);
        bool references = keeper && !strcmp(f->cause, "native-reference") &&
                          f->growth.per_round <= keeper->growth.per_round &&
                          strstr(f->holder.name, "(not given back");
        if (!keeper || (!memory && !references))
            continue;
        f->confidence = HL_POSSIBLE;
        hl_finding_evidence(c, f, "what %s keeps may have %s, where nobody sees into it",
                            keeper->holder.name, memory ? "it" : "them");
    }
}
