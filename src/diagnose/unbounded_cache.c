/* diagnose/unbounded_cache.c: a memo without a limit.
 *
 * Room   diagnose; a rule (R4, R4b).
 * Signs  the dict of an lru_cache without maxsize; or a dict that one live code object both looks
 * up and stores into: that is a cache, whatever it is called. Guards a bounded lru_cache; code that
 * evicts where it stores. */
#include "diagnose/case.h"
#include "diagnose/judge.h"

#include <inttypes.h>
#include <string.h>

enum { SURE_INTERVALS = 5 };

static bool is_mapping(const hl_case *c, hl_node v)
{
    uint32_t t = c->snap->type[v];
    return t < c->snap->n_types && (c->snap->types[t].flags & HL_TYPE_DICT);
}

static bool unbounded_cache(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const char *type = hl_snap_type_name(c->snap, s->holder);
    bool lru = !strcmp(type, "functools._lru_cache_wrapper");
    if (!lru && !(is_mapping(c, s->holder) && u->memo))
        return false;
    hl_confidence confidence;
    /* a memo speaks for itself, but for one that a single call made and dropped before the end */
    bool dropped = s->growth->anchor + 2 < c->n_moments && filled != HL_FILLED_BY_MANY;
    hl_uses uses = *u;
    /* a table that an algorithm works with; but what many calls looked up and stored, to the very
     * end, only has a clear() */
    bool to_the_end = s->growth->torn_down && !u->evicts && filled == HL_FILLED_BY_MANY &&
                      s->growth->intervals >= SURE_INTERVALS;
    if (s->growth->released && (u->all & HL_USE_REMOVE) && !to_the_end)
        uses.reader = "code of its own";
    if (!hl_judge(c, s, &uses, dropped ? filled : HL_FILLED_BY_MANY, &confidence))
        return true;
    if (confidence == HL_CERTAIN && (u->all & HL_USE_REMOVE))
        confidence = HL_STRONG; /* something can empty it */
    hl_finding *f = hl_finding_add(c, "unbounded-cache", confidence);
    if (!f)
        return true;
    hl_finding_holder(c, f, s);
    hl_finding_growth(c, f, s->growth);
    f->title = hl_judge_title(c, s, "evicts none");
    if (lru)
        hl_finding_evidence(c, f, "lru_cache without maxsize: nothing is ever evicted");
    else if (u->memo_place)
        hl_finding_evidence(c, f, "%s looks up and stores%s", u->memo_place,
                            u->evicts ? "" : ", nothing there removes");
    hl_judge_evidence(c, f, s, u, filled);
    f->fix =
        lru ? "give it a bound: functools.lru_cache(maxsize=N), or cachetools.TTLCache for an age "
              "limit"
            : "give the cache a size or an age limit: functools.lru_cache(maxsize=N), "
              "cachetools.TTLCache, or weakref.WeakValueDictionary if others own the values";
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_unbounded_cache = {"unbounded-cache", unbounded_cache};
