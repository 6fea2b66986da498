/* diagnose/decorator.c: wrappers keep what they wrap, or what they were called with.
 *
 * Room   diagnose; a rule (R7).
 * Signs  (1) below the holder functions of one code multiply whose heaviest cell holds something
 *        callable: functions are wrapped again and again at run time, and each wrapper is kept.
 *        (2) the holder itself belongs to a wrapper, as a cell or an attribute of a function that
 *        has something callable in another cell, or as an attribute of an object that is called in
 *        its place: it records arguments or results of every call. (3) a bounded lru_cache whose
 *        keys are objects that nobody else has: no call can present them again.
 * Guards a wrapper that looks up where it stores is a cache (R4); one whose cells hold data besides
 *        is a closure (R6). */
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <stdlib.h>
#include <string.h>

enum { COPIES_MIN = 16, DEAD_MIN = 8, LAYERS_MAX = 1 << 20 };

/* ---- (1) wrappers that multiply ----------------------------------------------------------------
 */

typedef struct wrapper {
    hl_node function; /* one of the copies */
    hl_callable wrapped;
    uint64_t copies;
    bool nested;  /* each is inside the next */
    bool partial; /* functools.partial, of `wrapped` */
} wrapper;

/* The cell of a function that holds most. */
static hl_node heaviest_cell(const hl_case *c, hl_node function)
{
    const hl_snap *s = c->snap;
    hl_node closure = hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__closure__");
    hl_node best = HL_NO_NODE;
    for (uint32_t e = closure == HL_NO_NODE ? 0 : s->off[closure];
         closure != HL_NO_NODE && e < s->off[closure + 1]; e++)
        if (hl_is_a(c, s->dst[e], "cell") &&
            (best == HL_NO_NODE ||
             c->graph->retained_bytes[s->dst[e]] > c->graph->retained_bytes[best]))
            best = s->dst[e];
    return best;
}

static bool is_wrapper(const hl_case *c, hl_node function, hl_callable *wrapped)
{
    hl_node dict = hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__dict__");
    hl_node inner = dict == HL_NO_NODE
                        ? HL_NO_NODE
                        : hl_graph_follow(c->graph, dict, HL_LABEL_KEY, "__wrapped__");
    if (inner != HL_NO_NODE && hl_callable_of(c, inner, wrapped))
        return true; /* functools.wraps says so */
    hl_node cell = heaviest_cell(c, function);
    for (uint32_t e = cell == HL_NO_NODE ? 0 : c->snap->off[cell];
         cell != HL_NO_NODE && e < c->snap->off[cell + 1]; e++)
        if (c->snap->dst[e] != function && hl_callable_of(c, c->snap->dst[e], wrapped) &&
            hl_is_a(c, c->snap->dst[e], "function"))
            return true;
    return false;
}

static hl_node code_of(const hl_case *c, hl_node function)
{
    return hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__code__");
}

/* Functions of the same code as the first, each reached through a cell of the one before. */
static uint32_t layers_of(const hl_case *c, hl_node function)
{
    hl_node code = code_of(c, function);
    uint32_t same = 0;
    for (uint32_t depth = 0; function != HL_NO_NODE && depth < LAYERS_MAX; depth++) {
        same += code_of(c, function) == code;
        hl_callable inner;
        function = hl_wraps(c, function, &inner) && hl_is_a(c, inner.node, "function") ? inner.node
                                                                                       : HL_NO_NODE;
    }
    return same;
}

/* The partial that this one calls, or gives to what it calls; NO_NODE: none. */
static hl_node inner_partial(const hl_case *c, hl_node v)
{
    const hl_snap *s = c->snap;
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
        hl_node part = s->dst[e];
        if (hl_is_a(c, part, "functools.partial"))
            return part;
        bool arguments = hl_is_a(c, part, "tuple") || hl_is_a(c, part, "dict");
        for (uint32_t k = arguments ? s->off[part] : 0; arguments && k < s->off[part + 1]; k++)
            if (s->dst[k] != v && hl_is_a(c, s->dst[k], "functools.partial"))
                return s->dst[k];
    }
    return HL_NO_NODE;
}

static bool find_partial(const hl_case *c, hl_node v, wrapper *out)
{
    if (!hl_is_a(c, v, "functools.partial") || !hl_callable_of(c, v, &out->wrapped))
        return false;
    out->copies = 0;
    for (hl_node p = v; p != HL_NO_NODE && out->copies < LAYERS_MAX; p = inner_partial(c, p))
        out->copies++;
    out->function = v;
    out->nested = out->partial = true;
    return out->copies >= COPIES_MIN;
}

/* A slot of the interpreter (a signal's handler, a trace function) that each new function was put
 * in keeping the one before: nobody decorates there. */
static bool in_a_slot(const hl_case *c, hl_node function)
{
    const hl_graph *g = c->graph;
    hl_node v = function;
    while (g->parent[v] != HL_NO_NODE)
        v = g->parent[v];
    return hl_is_a(c, v, "function") && (g->from[v] == HL_HOLD_INTERP ||
                                         g->from[v] == HL_HOLD_THREAD || g->from[v] == HL_HOLD_C);
}

static bool find_wrapper(const hl_case *c, const hl_suspect *s, wrapper *out)
{
    const hl_growth *g = s->growth;
    hl_shape shapes[HL_DESCENT];
    uint32_t n = hl_descend(c, s, shapes, HL_DESCENT);
    for (uint32_t i = 0; i < n; i++) {
        hl_node v = hl_heaviest_of(c, shapes[i]);
        if (find_partial(c, v, out))
            return true;
        out->nested = out->partial = false;
        if (!hl_is_a(c, v, "function"))
            continue;
        out->function = v;
        out->copies = layers_of(c, v);
        if (out->copies >= COPIES_MIN) {
            out->nested = true;
            return hl_wraps(c, v, &out->wrapped) && !in_a_slot(c, v);
        }
        out->copies = hl_shape_more(c, g, shapes[i]);
        if (out->copies < COPIES_MIN)
            continue; /* the outermost of many layers */
        return 2 * hl_shape_gain(c, g, shapes[i]) >= g->bytes && is_wrapper(c, v, &out->wrapped);
    }
    return false;
}

static bool wrapped_again(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    wrapper w = {.function = HL_NO_NODE};
    if (!find_wrapper(c, s, &w))
        return false;
    hl_confidence confidence;
    if (!hl_judge(c, s, u, hl_speaks(s, filled), &confidence))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_suspect shown = *s;
    shown.payload = w.function;
    hl_finding *f = hl_finding_about(c, &shown, "decorator", confidence);
    if (!f)
        return true;
    char count[32];
    hl_node code = hl_graph_follow(c->graph, w.function, HL_LABEL_NAMED, "__code__");
    const char *place = hl_code_place(c, code), *inner = hl_callable_name(c, &w.wrapped);
    hl_count_text(w.copies, count);
    f->title =
        w.partial
            ? hl_arena_printf(c->arena,
                              "%s keeps %s functools.partial objects made at run time, each around "
                              "the one before; together %s",
                              s->name, count, hl_judge_holds(c, s))
            : hl_arena_printf(c->arena, "%s keeps %s wrappers %s made at run time%s; together %s",
                              s->name, count, hl_code_name(c, code) ? hl_code_name(c, code) : "?",
                              w.nested ? ", each around the one before" : "", hl_judge_holds(c, s));
    if (w.partial)
        hl_finding_evidence(c, f, "the last is a partial of %s", inner ? inner : "?");
    else
        hl_finding_evidence(c, f, "wrapper %s: %s functions", place ? place : "?", count);
    if (w.nested)
        hl_finding_evidence(c, f, "each keeps the one before");
    else
        hl_finding_evidence(c, f, "each holds the function it wraps: %s", inner ? inner : "?");
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = "decorate once, where the function is defined: calling a decorator in a loop or per "
             "request makes a new wrapper each time; keep no wrapper longer than it is used";
    hl_finding_seal(c, f);
    return true;
}

/* ---- (2) a wrapper that records -----------------------------------------------------------------
 */

/* Is the holder filled by the __call__ of its owner's class, and has the owner something to call?
 */
static bool of_calling_object(const hl_case *c, const hl_suspect *s, const hl_uses *u,
                              hl_callable *wrapped)
{
    const hl_snap *snap = c->snap;
    if (s->owner == HL_NO_NODE || hl_is_type(c, s->owner))
        return false;
    hl_node call = hl_class_defines(c, hl_class_of(c, s->owner), "__call__");
    hl_node code = call == HL_NO_NODE ? HL_NO_NODE
                                      : hl_graph_follow(c->graph, call, HL_LABEL_NAMED, "__code__");
    bool stores = false;
    for (uint32_t i = 0; code != HL_NO_NODE && i < u->n_stores; i++)
        stores |= u->stores[i] == hl_snap_address(snap, code);
    if (!stores)
        return false;
    hl_node dict = hl_graph_follow(c->graph, s->owner, HL_LABEL_NAMED, "__dict__");
    hl_node places[] = {s->owner, dict};
    for (size_t p = 0; p < 2; p++)
        for (uint32_t e = places[p] == HL_NO_NODE ? 0 : snap->off[places[p]];
             places[p] != HL_NO_NODE && e < snap->off[places[p] + 1]; e++) {
            enum hl_label_kind kind = hl_label_kind(snap->label[e]);
            if ((kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT || kind == HL_LABEL_KEY) &&
                hl_callable_of(c, snap->dst[e], wrapped))
                return true;
        }
    return false;
}

/* A record the wrapper keeps is in its cell, or somebody's Python code puts it there: the callbacks
 * of a future that a closure happens to refer to are none. */
static bool is_record(const hl_case *c, const hl_suspect *s, const hl_uses *u)
{
    hl_node up = c->graph->parent[s->holder];
    return u->n_stores || hl_is_a(c, up, "cell") || hl_is_a(c, up, "function") ||
           hl_is_a(c, up, "tuple") || hl_is_a(c, up, "dict");
}

/* A method of a class that a function made has that function's variables in its cells, callable ones
 * among them, and wraps none of them: "make.<locals>.Store.put". */
static bool is_method(const hl_case *c, hl_node function)
{
    static const char inside[] = "<locals>.";
    const char *name = hl_code_name(c, code_of(c, function)), *last = NULL;
    for (const char *p = name; p && (p = strstr(p, inside)); p += sizeof inside - 1)
        last = p + sizeof inside - 1;
    return last && strchr(last, '.');
}

static bool recorded(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    hl_node function = hl_function_above(c, s->holder);
    hl_callable wrapped;
    bool by_cell = function != HL_NO_NODE && is_record(c, s, u) && !is_method(c, function) &&
                   hl_wraps(c, function, &wrapped);
    if (!by_cell && !of_calling_object(c, s, u, &wrapped))
        return false;
    hl_confidence confidence;
    if (!hl_judge(c, s, u, filled, &confidence))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_finding *f = hl_finding_about(c, s, "decorator", confidence);
    if (!f)
        return true;
    char count[32];
    const char *inner = hl_callable_name(c, &wrapped);
    hl_node code =
        by_cell ? hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__code__") : HL_NO_NODE;
    const char *place = code == HL_NO_NODE ? u->storer : hl_code_place(c, code);
    f->title = hl_arena_printf(c->arena,
                               "%s, kept by a wrapper around %s, gained %s %s and loses none; it "
                               "holds %s",
                               s->name, inner ? inner : "?", hl_count_text(s->growth->units, count),
                               f->series_unit, hl_judge_holds(c, s));
    hl_finding_evidence(c, f, "the wrapper is %s", place ? place : "?");
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = "the wrapper lives as long as the function it decorates, and so does all it records: "
             "keep a count or a sum instead of arguments and results, or bound the record "
             "(collections.deque(maxlen=N))";
    hl_finding_seal(c, f);
    return true;
}

/* ---- (3) a bounded cache of what cannot come again ----------------------------------------------
 */

/* Equal only to itself: its class, and no class it comes from, says what equal is. */
static bool by_identity(const hl_case *c, hl_node v)
{
    return c->snap->type[v] < c->snap->n_types && !hl_is_type(c, v) &&
           hl_class_defines(c, hl_class_of(c, v), "__eq__") == HL_NO_NODE &&
           (c->snap->flag[v] & HL_NODE_TRACKED);
}

static hl_node dead_argument(const hl_case *c, hl_node holder, hl_node key)
{
    const hl_snap *s = c->snap;
    if (!(s->types[s->type[key]].flags & HL_TYPE_TUPLE))
        return by_identity(c, key) && hl_dominates(c, holder, key) ? key : HL_NO_NODE;
    for (uint32_t e = s->off[key]; e < s->off[key + 1]; e++)
        if (hl_label_kind(s->label[e]) == HL_LABEL_INDEX && by_identity(c, s->dst[e]) &&
            hl_dominates(c, holder, s->dst[e]))
            return s->dst[e];
    return HL_NO_NODE;
}

static bool dead_keys(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_snap_extra *x = hl_snap_extra_of(c->snap, s->holder);
    if (!hl_is_a(c, s->holder, "functools._lru_cache_wrapper") || !x || !x->bounded)
        return false;
    hl_node keys[HL_SAMPLES], dict = hl_entries_of(c, s->holder), one = HL_NO_NODE;
    uint32_t n = hl_sample(c, dict, true, keys, HL_SAMPLES), dead = 0;
    for (uint32_t i = 0; i < n; i++) {
        hl_node v = dead_argument(c, s->holder, keys[i]);
        dead += v != HL_NO_NODE;
        if (v != HL_NO_NODE &&
            (one == HL_NO_NODE || c->graph->retained_bytes[v] > c->graph->retained_bytes[one]))
            one = v;
    }
    if (dead < DEAD_MIN || 10 * dead < 9 * n)
        return false;
    if (hl_told_again(c, "decorator", s))
        return true;
    hl_suspect judged = *s;
    judged.holder = dict; /* a declared bound excuses no entry that cannot be asked for */
    hl_confidence confidence;
    if (!hl_judge(c, &judged, u, hl_speaks(s, filled), &confidence))
        return true;
    confidence = HL_STRONG; /* entries nobody can ask for are wrong however they grow */
    hl_suspect shown = *s;
    shown.payload = one;
    hl_finding *f = hl_finding_about(c, &shown, "decorator", confidence);
    if (!f)
        return true;
    char count[32];
    const char *type = hl_snap_type_name(c->snap, one);
    f->title =
        hl_arena_printf(c->arena,
                        "the lru_cache around %s keeps its arguments alive, a %s in each of "
                        "%s entries; it holds %s",
                        s->name, type, hl_count_text(s->growth->series[s->growth->anchor], count),
                        hl_judge_holds(c, s));
    hl_finding_evidence(c, f,
                        "%u of %u keys looked at hold a %s that nobody else has: no call can "
                        "ask for these entries again",
                        dead, n, type);
    hl_finding_evidence(c, f, "bounded at %s entries", hl_count_text(x->cap, count));
    hl_judge_evidence(c, f, s, u, filled);
    f->fix =
        "leave such arguments out of what is cached: cache a function of plain values, or drop "
        "the cache, which cannot answer anyway";
    hl_finding_seal(c, f);
    return true;
}

static bool decorator(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    return wrapped_again(c, s, u, filled) || recorded(c, s, u, filled);
}

/* Comes before caches: a bound makes no difference to entries that cannot be asked for. */
const hl_rule hl_rule_dead_arguments = {"decorator", dead_keys};
const hl_rule hl_rule_decorator = {"decorator", decorator};
