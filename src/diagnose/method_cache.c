/* diagnose/method_cache.c: a memo on a method keeps the objects it was called on.
 *
 * Room   diagnose; a rule (R5).
 * Signs  the keys of a cache, of an lru_cache or of a memo in a closure or in an object that binds
 *        as methods do (async_lru, asyncstdlib), begin with an instance of the class whose namespace
 *        has the cached method; and many of these instances are kept by the cache alone, so that no
 *        call can ever ask for their entries again. Such entries are dead whether the cache is
 *        bounded or not.
 * Guards one long-lived instance with many arguments is an ordinary cache; so is a cache whose
 *        instances live elsewhere; a static method has no instance in its keys. */
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <stdlib.h>

enum { SELVES_MIN = 8, BINDER_ABOVE = 3 };

static int by_node(const void *a, const void *b)
{
    hl_node x = *(const hl_node *)a, y = *(const hl_node *)b;
    return (x > y) - (x < y);
}

/* The first item of a tuple or list. */
static hl_node first_of(const hl_case *c, hl_node key)
{
    const hl_snap *s = c->snap;
    uint32_t flags = s->types[s->type[key]].flags;
    if (!(flags & (HL_TYPE_TUPLE | HL_TYPE_LIST)))
        return HL_NO_NODE;
    for (uint32_t e = s->off[key]; e < s->off[key + 1]; e++) /* those of a list are in its order */
        if (flags & HL_TYPE_LIST ? hl_label_kind(s->label[e]) == HL_LABEL_INDEX
                                 : s->label[e] == hl_label_make(HL_LABEL_INDEX, 1))
            return s->dst[e];
    return HL_NO_NODE;
}

static bool is_self(const hl_case *c, hl_node v, hl_node class)
{
    return v != HL_NO_NODE && !hl_is_type(c, v) && hl_has_base(c, hl_class_of(c, v), class);
}

/* The instance a key begins with: the key itself, its first item, or the first of the arguments that
 * an object made to be a key has. */
static hl_node self_in(const hl_case *c, hl_node key, hl_node class)
{
    const hl_snap *s = c->snap;
    hl_node first = first_of(c, key);
    if (is_self(c, key, class))
        return key;
    for (uint32_t e = s->off[key]; first == HL_NO_NODE && e < s->off[key + 1]; e++) {
        enum hl_label_kind kind = hl_label_kind(s->label[e]);
        if (kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT)
            first = first_of(c, s->dst[e]);
    }
    return is_self(c, first, class) ? first : HL_NO_NODE;
}

typedef struct selves {
    uint32_t keys, distinct, dead; /* of a sample: keys with an instance; instances; kept by the
                                      cache alone */
    hl_node one;                   /* one of the dead */
} selves;

static selves find_selves(const hl_case *c, hl_node holder, hl_node dict, hl_node class)
{
    hl_node keys[HL_SAMPLES], found[HL_SAMPLES];
    uint32_t n = hl_sample(c, dict, true, keys, HL_SAMPLES);
    selves out = {.one = HL_NO_NODE};
    for (uint32_t i = 0; i < n; i++) {
        hl_node v = self_in(c, keys[i], class);
        if (v != HL_NO_NODE)
            found[out.keys++] = v;
    }
    if (out.keys)
        qsort(found, out.keys, sizeof *found, by_node);
    for (uint32_t i = 0; i < out.keys; i++) {
        if (i && found[i] == found[i - 1])
            continue;
        out.distinct++;
        if (!hl_dominates(c, holder, found[i]))
            continue;
        out.dead++;
        if (out.one == HL_NO_NODE ||
            c->graph->retained_bytes[found[i]] > c->graph->retained_bytes[out.one])
            out.one = found[i];
    }
    out.keys = n ? out.keys * 100 / n : 0; /* as a share of the sample */
    return out;
}

/* Is it part of a function, or of an object that is bound when a class is asked for it? A dict that
 * is an attribute of the class is a cache of its own, wrapped around nothing. */
static bool is_around_a_method(const hl_case *c, hl_node holder)
{
    const hl_graph *g = c->graph;
    if (hl_function_above(c, holder) != HL_NO_NODE)
        return true;
    hl_node v = g->parent[holder];
    for (int i = 0; i < BINDER_ABOVE && v != HL_NO_NODE && !hl_is_type(c, v); i++, v = g->parent[v])
        if (hl_class_defines(c, hl_class_of(c, v), "__get__") != HL_NO_NODE)
            return true;
    return false;
}

static bool method_cache(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    bool lru = hl_is_a(c, s->holder, "functools._lru_cache_wrapper");
    if (!lru && !u->memo)
        return false;
    hl_node class = hl_class_above(c, s->holder), dict = hl_entries_of(c, s->holder);
    if (class == HL_NO_NODE || dict == HL_NO_NODE)
        return false;
    if (!lru && !is_around_a_method(c, s->holder))
        return false;
    selves who = find_selves(c, s->holder, dict, class);
    if (who.keys < 90 || who.distinct < SELVES_MIN || 2 * who.dead < who.distinct)
        return false;
    if (hl_told_again(c, "method-cache", s))
        return true;
    hl_suspect judged = *s;
    judged.holder = dict; /* a declared bound excuses no entry that cannot be asked for */
    hl_confidence confidence;
    if (!hl_judge(c, &judged, u, hl_speaks(s, filled), &confidence))
        return true;
    if (confidence == HL_POSSIBLE)
        confidence = HL_STRONG; /* entries nobody can ask for are wrong however they grow */
    const hl_snap_extra *x = hl_snap_extra_of(c->snap, s->holder);
    bool bounded = x && x->bounded;
    if (confidence == HL_CERTAIN && bounded)
        confidence = HL_STRONG;
    hl_suspect shown = *s;
    shown.payload = who.one;
    hl_finding *f = hl_finding_about(c, &shown, "method-cache", confidence);
    if (!f)
        return true;
    char count[32];
    const char *type = hl_snap_type_name(c->snap, who.one);
    f->title = hl_arena_printf(
        c->arena,
        "the cache of method %s keeps every %s it was called on: %s entries more; it holds %s",
        s->name, type, hl_count_text(s->growth->units, count), hl_judge_holds(c, s));
    hl_finding_evidence(c, f, "its keys begin with self: %s", type);
    hl_finding_evidence(c, f,
                        "%u of %u instances looked at are kept by this cache alone: no call can "
                        "ask for their entries again",
                        who.dead, who.distinct);
    if (bounded)
        hl_finding_evidence(c, f, "bounded at %s entries", hl_count_text(x->cap, count));
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = "cache per instance (functools.cached_property, or a dict made in __init__ that goes "
             "with the instance), or move the computation to a function of the values it needs, "
             "not of self";
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_method_cache = {"method-cache", method_cache};
