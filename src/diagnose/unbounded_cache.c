/* diagnose/unbounded_cache.c: a memo without a limit.
 *
 * Room   diagnose; a rule (R4, R4b).
 * Signs  the dict of an lru_cache without maxsize; or a dict that one live code object both looks
 *        up and stores into: that is a cache, whatever it is called; or one whose class stores what
 *        it has made for a key that was missing (__missing__); or one that belongs to a wrapper, and
 *        is asked for entries in any code: in there are results.
 * Guards a bounded lru_cache; code that evicts where it stores. */
#include "diagnose/case.h"
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <inttypes.h>
#include <string.h>

enum { LASTING_INTERVALS = 5 };

static bool is_mapping(const hl_case *c, hl_node v)
{
    uint32_t t = c->snap->type[v];
    return t < c->snap->n_types && (c->snap->types[t].flags & HL_TYPE_DICT);
}

static const char *fix_for(hl_case *c, const hl_suspect *s, bool lru)
{
    if (lru)
        return "give it a bound: functools.lru_cache(maxsize=N), or cachetools.TTLCache for an age "
               "limit";
    /* an lru_cache around a method would keep the objects the method is called on */
    bool of_object = !strcmp(s->kind, "instance-attribute") || !strcmp(s->kind, "class-attribute");
    /* strings, lists and the like take no weak reference */
    bool weak = s->payload != HL_NO_NODE &&
                hl_class_defines(c, hl_class_of(c, s->payload), "__weakref__") != HL_NO_NODE;
    return hl_arena_printf(
        c->arena, "give the cache a size or an age limit: %s%s",
        of_object ? "cachetools.LRUCache(maxsize=N) or TTLCache in place of the dict, or an "
                    "OrderedDict from which the storing code takes the oldest "
                    "(popitem(last=False))"
                  : "functools.lru_cache(maxsize=N) on the function in place of the dict, or "
                    "cachetools.TTLCache",
        weak ? "; or weakref.WeakValueDictionary if others own the values" : "");
}

/* A subclass of dict whose __missing__ stores into the dict itself: what it does there is added to
 * the uses. */
static bool fills_itself(const hl_case *c, const hl_suspect *s, hl_uses *u)
{
    const hl_snap *snap = c->snap;
    hl_node class = hl_class_of(c, s->holder);
    hl_node function =
        is_mapping(c, s->holder) ? hl_class_defines(c, class, "__missing__") : HL_NO_NODE;
    hl_node code = function == HL_NO_NODE
                       ? HL_NO_NODE
                       : hl_graph_follow(c->graph, function, HL_LABEL_NAMED, "__code__");
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(snap, code);
    if (!row || !row->args || !row->n_vars)
        return false;
    const char *self = snap->names[snap->name_lists[row->vars]];
    uint32_t bits = 0;
    for (uint32_t i = 0; i < row->n_uses; i++) {
        const hl_snap_use *use = &snap->uses[row->uses + i];
        if (use->scope == HL_SCOPE_LOCAL && use->name < snap->n_names &&
            !strcmp(snap->names[use->name], self))
            bits |= use->bits;
    }
    if (!(bits & (HL_USE_STORE | HL_USE_ADD)))
        return false;
    u->all |= bits;
    u->evicts = bits & HL_USE_REMOVE;
    u->bounds = bits & (HL_USE_LEN | HL_USE_DROP);
    u->memo_place = u->storer = hl_code_place(c, code);
    return true;
}

/* A cache object that a decorator made, say, with a method that looks up and one that stores. */
static bool answers_for_a_wrapper(const hl_case *c, const hl_suspect *s, const hl_uses *u)
{
    hl_callable wrapped;
    hl_node function = hl_function_above(c, s->holder);
    return u->all & HL_USE_GET && !(u->all & HL_USE_FILED) && function != HL_NO_NODE &&
           hl_wraps(c, function, &wrapped);
}

static bool as_cache(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled,
                     bool of_wrapper)
{
    const char *type = hl_snap_type_name(c->snap, s->holder);
    bool lru = !strcmp(type, "functools._lru_cache_wrapper");
    hl_uses own = *u;
    bool itself = !lru && fills_itself(c, s, &own);
    if (!lru && !itself && !own.memo && is_mapping(c, s->holder)) {
        own.memo_place = hl_uses_memo_of(c, s->owner, s->growth);
        own.memo = own.memo_place;
    }
    if (!lru && !itself && !(is_mapping(c, s->holder) && (own.memo || of_wrapper)))
        return false;
    u = &own;
    hl_uses uses = own;
    hl_confidence confidence;
    /* a table that an algorithm works with; but what many calls looked up and stored, to the very
     * end, only has a clear() */
    bool to_the_end = s->growth->torn_down && !u->evicts && filled == HL_FILLED_BY_MANY &&
                      s->growth->intervals >= LASTING_INTERVALS;
    if (s->growth->released && (u->all & HL_USE_REMOVE) && !to_the_end)
        uses.reader = "code of its own";
    if (!hl_judge(c, s, &uses, hl_speaks(s, filled), &confidence))
        return true;
    bool by_one_code = lru || u->memo_place;
    if (confidence == HL_CERTAIN && (u->all & HL_USE_REMOVE || !by_one_code))
        confidence = HL_STRONG; /* something can empty it; what is got may be no result */
    const char *removes = u->evicts || u->off || u->back ? ""
                          : u->all & HL_USE_EXCHANGE ? ", taking out one key for each it puts in"
                                                     : ", nothing there removes";
    hl_finding *f = hl_finding_about(c, s, "unbounded-cache", confidence);
    if (!f)
        return true;
    f->title = hl_judge_title(c, s, u->all & HL_USE_REMOVE ? hl_judge_loses(s) : "evicts none");
    if (lru)
        hl_finding_evidence(c, f, "lru_cache without maxsize: nothing is ever evicted");
    else if (itself)
        hl_finding_evidence(c, f, "%s stores what it makes for each new key%s", u->memo_place,
                            removes);
    else if (u->memo_place)
        hl_finding_evidence(c, f, "%s looks up and stores%s", u->memo_place, removes);
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = hl_judge_fix(c, u, fix_for(c, s, lru));
    hl_finding_seal(c, f);
    return true;
}

static bool unbounded_cache(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    return as_cache(c, s, u, filled, false);
}

/* After what is made at run time and kept by a wrapper, before what it records. */
static bool results_of_wrapper(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    return answers_for_a_wrapper(c, s, u) && as_cache(c, s, u, filled, true);
}

const hl_rule hl_rule_wrapper_results = {"unbounded-cache", results_of_wrapper};
const hl_rule hl_rule_unbounded_cache = {"unbounded-cache", unbounded_cache};
