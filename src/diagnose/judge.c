/* diagnose/judge.c: how sure a growth makes us.
 *
 * Room   diagnose; analyser process.
 * Order  what cannot be a leak is dismissed first (a declared bound, a result its function let go);
 *        what may be something else is `possible` (a rate that falls, a loop that fills one result,
 *        too few intervals); the rest is `certain` as growth, and the rule lowers it if the
 *        structure could still shrink. */
#include "diagnose/judge.h"

#include "diagnose/pattern.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    AGED = 3,
    MANY_INTERVALS = 2,
    SURE_INTERVALS = 3,
    KEYED_INTERVALS = 4,
    GUARDED_INTERVALS = 6
};
static const double LOST = 0.9;
static const double LATE_SHARE = 0.25; /* of the run's work */
/* What the later half gained, over what the first did: less is slowing down, or has come to rest.
 */
static const double SLOWS = 0.5, RESTS = 0.2;
static const double OWN_SHARE = 0.1; /* of what grew: who keeps less by itself is not its holder */

bool hl_growth_slows(const hl_growth *g)
{
    return g->course < SLOWS;
}

bool hl_growth_rests(const hl_growth *g)
{
    return g->course < RESTS;
}

static bool is_bounded(const hl_case *c, hl_node v)
{
    const hl_snap_extra *x = hl_snap_extra_of(c->snap, v);
    return x && x->bounded;
}

/* Not weakref.finalize, nor the containers: they hold more than they refer to weakly. */
static bool is_weakref(const char *type)
{
    static const char *const kinds[] = {
        "weakref.ReferenceType", "weakref.KeyedRef", "weakref.WeakMethod",
        "weakref.ProxyType",     "weakproxy",        "weakref.CallableProxyType"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(type, kinds[i]))
            return true;
    return !strcmp(type, "weakref") || !strcmp(type, "weakcallableproxy") ||
           strstr(type, "KeyedRef") || strstr(type, "WeakMethod");
}

/* Of the weak references looked at in a container, most refer to nothing any more: whoever would
 * take them out has had the time, and WeakSet and its like do. */
static bool mostly_dead(const hl_case *c, hl_node container, bool keys)
{
    hl_node refs[HL_SAMPLES];
    uint32_t n = hl_sample(c, container, keys, refs, HL_SAMPLES), weak = 0, alive = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_weakref(hl_snap_type_name(c->snap, refs[i])))
            continue;
        weak++;
        for (uint32_t e = c->snap->off[refs[i]]; e < c->snap->off[refs[i] + 1]; e++)
            alive += hl_label_kind(c->snap->label[e]) == HL_LABEL_WEAK;
    }
    return weak && 2 * alive < weak;
}

/* Most of the weak references looked at in a container are to an object that another of them refers
 * to as well: they multiply, and what they refer to does not. */
static bool mostly_repeat(const hl_case *c, hl_node container)
{
    hl_node refs[HL_SAMPLES], to[HL_SAMPLES];
    uint32_t n = hl_sample(c, container, false, refs, HL_SAMPLES), alive = 0, again = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t e = c->snap->off[refs[i]]; e < c->snap->off[refs[i] + 1]; e++)
            if (hl_label_kind(c->snap->label[e]) == HL_LABEL_WEAK && alive < HL_SAMPLES)
                to[alive++] = c->snap->dst[e];
    for (uint32_t i = 0; i < alive; i++) {
        bool known = false;
        for (uint32_t k = 0; k < i && !known; k++)
            known = to[k] == to[i];
        again += known;
    }
    return 2 * again > alive;
}

/* Weak keys with values of their own: it follows what others keep alive unless a value holds its key,
 * so that the key is below the container and nowhere else. */
static bool keys_live_elsewhere(const hl_case *c, hl_node container)
{
    hl_node refs[HL_SAMPLES];
    uint32_t n = hl_sample(c, container, true, refs, HL_SAMPLES), weak = 0, elsewhere = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_weakref(hl_snap_type_name(c->snap, refs[i])))
            continue;
        weak++;
        for (uint32_t e = c->snap->off[refs[i]]; e < c->snap->off[refs[i] + 1]; e++)
            elsewhere += hl_label_kind(c->snap->label[e]) == HL_LABEL_WEAK &&
                         !hl_dominates(c, container, c->snap->dst[e]);
    }
    return weak && 2 * elsewhere > weak;
}

/* A container of weak references follows what others keep alive, if it lets the dead ones go. */
static bool only_follows(const hl_case *c, const hl_suspect *s)
{
    const hl_snap_keys *k = hl_snap_keys_of(c->snap, s->holder);
    hl_node entries = hl_entries_of(c, s->holder);
    bool weak_payload = s->payload != HL_NO_NODE &&
                        is_weakref(hl_snap_type_name(c->snap, s->payload)) &&
                        !mostly_dead(c, entries, false) && !mostly_repeat(c, entries);
    uint32_t type = c->snap->type[s->holder];
    if ((c->snap->types[type].flags & HL_TYPE_DICT) && s->payload != HL_NO_NODE)
        return weak_payload || keys_live_elsewhere(c, entries);
    if (k && k->kind == HL_KEYS_OBJECT && k->detail < c->snap->n_types &&
        is_weakref(c->snap->names[c->snap->types[k->detail].name]))
        return !mostly_dead(c, entries, true);
    return weak_payload;
}

/* A longer one takes its place each time: what was there is copied. */
static bool is_replaced(const hl_case *c, const hl_suspect *s)
{
    static const char *const immutable[] = {"str", "bytes", "tuple"};
    const hl_growth *g = s->growth;
    const char *type = hl_snap_type_name(c->snap, s->holder);
    for (size_t i = 0; i < sizeof immutable / sizeof *immutable; i++)
        if (!strcmp(type, immutable[i]))
            return true;
    if (g->address || strcmp(type, "list"))
        return false;
    uint32_t rises = 0, others = 0;
    for (uint32_t i = g->onset; i < g->anchor; i++) {
        hl_shape_count x = hl_shapes_count(&c->shapes, i, g->shape),
                       y = hl_shapes_count(&c->shapes, i + 1, g->shape);
        if (x.members != 1 || y.members != 1)
            continue;
        rises += y.items > x.items;
        others += y.items > x.items && x.top_address != y.top_address;
    }
    return rises >= SURE_INTERVALS && 4 * others > 3 * rises;
}

/* Where live code walks the container for every entry it adds, each costs more than the one before:
 * the same number of entries a request is ever fewer a CPU second. Their squares tell it from a
 * container that fills up. So is what is copied each time. */
static double course(const hl_case *c, const hl_suspect *s, const hl_uses *u)
{
    const hl_growth *g = s->growth;
    const hl_snap_type *type = &c->snap->types[c->snap->type[s->holder]];
    bool walks = (u->all & (HL_USE_ITER | HL_USE_WHOLE)) ||
                 ((u->all & (HL_USE_TEST | HL_USE_REMOVE)) && (type->flags & HL_TYPE_LIST));
    walks = walks || is_replaced(c, s);
    /* a look in the later half has to tell the one from the other */
    const hl_moment *m = c->moments;
    walks = walks && m[g->anchor - 1].work - g->began > (m[g->anchor].work - g->began) / 2;
    double most = u->by_clock && g->clock_course > g->course ? g->clock_course : g->course;
    return walks && g->walked_course > most ? g->walked_course : most;
}

/* It lost half of what it had at some time, be it while the program warmed up: so it can. What was
 * gone at the very end, too, need not have lost as much before. */
static bool was_emptied(const hl_case *c, const hl_growth *g)
{
    double lost =
        g->torn_down && 2 * g->series[c->n_moments - 1] < g->series[g->anchor] ? LOST : 0.5;
    for (uint32_t i = 0; i < g->anchor; i++)
        if ((double)g->series[i + 1] < lost * (double)g->series[i])
            return true;
    return false;
}

/* Entries were taken out of it before its last rise, be it one, and it is not twice as long since:
 * that may be a bound that is kept from afar, seen in its up and down. */
static bool fell_before(const hl_growth *g, const hl_uses *u)
{
    uint64_t most = 0;
    bool fell = false;
    for (uint32_t i = 0; i <= g->onset; i++) {
        fell = fell || g->series[i] < most;
        most = g->series[i] > most ? g->series[i] : most;
    }
    return fell && (u->all & HL_USE_REMOVE) && g->series[g->anchor] < 2 * most;
}

/* On an evaluation stack, or a container that only C has and nobody has a name for: a
 * comprehension, list(), sorted(), gather() at work. What comes of it is somebody's result. */
static bool is_in_the_making(const hl_case *c, hl_node v)
{
    const hl_graph *g = c->graph;
    for (; g->parent[v] != HL_NO_NODE; v = g->parent[v])
        if (hl_label_kind(g->via[v]) == HL_LABEL_STACK)
            return true;
    static const char *const made[] = {"list", "dict", "set", "tuple", "bytes", "bytearray", "str"};
    const char *type = hl_snap_type_name(c->snap, v);
    for (size_t i = 0; g->from[v] == HL_HOLD_C && i < sizeof made / sizeof *made; i++)
        if (!strcmp(type, made[i]))
            return true;
    return false;
}

/* What is small is not worth a note. */
static bool tells(const hl_case *c, const hl_suspect *s)
{
    return 4 * s->retained_bytes >= c->material;
}

/* Was it known in that moment as what it is now: by the same way, or as the same attribute of what is
 * reached in many ways (a future that waits now here, now there)? */
static bool is_known_as(const hl_case *c, const hl_suspect *s, hl_shape now, uint32_t moment)
{
    if (hl_shapes_count(&c->shapes, moment, now).members)
        return true;
    const hl_shape_info *shapes = c->shapes.shapes;
    hl_shape then = hl_tracks_shape(c, moment, s->growth->address);
    enum hl_label_kind kind = shapes[now].kind;
    bool attribute = kind == HL_LABEL_ATTR || kind == HL_LABEL_KEY || kind == HL_LABEL_SLOT ||
                     kind == HL_LABEL_NAMED;
    return then && attribute && shapes[now].parent && shapes[then].parent &&
           shapes[then].kind == kind && !strcmp(shapes[then].edge, shapes[now].edge);
}

/* In how many intervals it rose while it was known as what it is now. */
static uint32_t rises_as(const hl_case *c, const hl_suspect *s)
{
    const hl_growth *g = s->growth;
    hl_shape shape = s->in_life ? s->in_life : hl_case_shape(c, s->holder);
    uint32_t n = 0;
    for (uint32_t i = g->onset; i < g->anchor; i++)
        n += is_known_as(c, s, shape, i) && is_known_as(c, s, shape, i + 1) &&
             g->series[i + 1] > g->series[i];
    return n;
}

/* It was as long as it is now whenever it was known as what it is now. */
static bool never_grew_as(const hl_case *c, const hl_suspect *s)
{
    const hl_growth *g = s->growth;
    hl_shape shape = s->in_life ? s->in_life : hl_case_shape(c, s->holder);
    for (uint32_t i = g->onset; i < g->anchor; i++)
        if (is_known_as(c, s, shape, i) && g->series[i] != g->series[g->anchor])
            return false;
    return true;
}

bool hl_judge(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled,
              hl_confidence *out)
{
    const hl_growth *g = s->growth;
    const hl_moment *m = c->moments;
    char bytes[16], count[32];
    const char *type = hl_snap_type_name(c->snap, s->holder);
    bool slows = course(c, s, u) < SLOWS;
    if (is_bounded(c, s->holder)) {
        const hl_snap_extra *x = hl_snap_extra_of(c->snap, s->holder);
        c->dismissed += g->onset_bytes;
        if (tells(c, s))
            hl_note_add(c, "unbounded-cache", "%s (%s) %s its bound of %s entries; it holds %s",
                        s->name, type,
                        g->series[g->anchor] >= x->cap ? "is full, at" : "is filling up to",
                        hl_count_text(x->cap, count), hl_bytes_text(s->retained_bytes, bytes));
        return false;
    }
    bool not_its_own = g->metric != HL_METRIC_ITEMS &&
                       (double)s->retained_bytes < OWN_SHARE * (double)g->onset_bytes;
    if (only_follows(c, s) || hl_calls_anew(c, s) || not_its_own) {
        c->dismissed += g->onset_bytes;
        return false;
    }
    bool emptied = was_emptied(c, g) || fell_before(g, u);
    if ((u->evicts || u->bounds || emptied) &&
        (slows || (u->evicts && u->bounds) ||
         g->intervals < (u->bounds ? GUARDED_INTERVALS : KEYED_INTERVALS))) {
        c->dismissed += g->onset_bytes;
        if (tells(c, s))
            hl_note_add(c, "unbounded-cache", "%s (%s) grew, and %s: it holds %s", s->name, type,
                        u->evicts   ? "the code that fills it also removes"
                        : u->bounds ? "the code that fills it minds its length"
                                    : "was emptied before",
                        hl_bytes_text(s->retained_bytes, bytes));
        return false;
    }
    double run = m[g->anchor].work - m[c->began].work;
    bool late = run > 0 && m[g->anchor].work - g->began < LATE_SHARE * run;
    /* what an exit handler empties (of a module, of a class) was no call's own to give up */
    bool in_a_call = c->graph->from[s->holder] == HL_HOLD_FRAME;
    /* nobody makes anything when the program is over */
    bool making = g->anchor <= c->working && is_in_the_making(c, s->holder);
    /* followed by address because it was reached in another way before, and filled by nobody we
     * know: made elsewhere, as a whole, and then given its name */
    bool given = g->address && !u->n_stores && filled == HL_FILLED_UNKNOWN && rises_as(c, s) < AGED;
    bool named = !strcmp(s->kind, "module-global") || !strcmp(s->kind, "class-attribute");
    bool whole = given && named && !making && never_grew_as(c, s);
    bool result = filled == HL_FILLED_BY_ONE_CALL && u->reader && !g->exact;
    if (whole || result) {
        c->dismissed += g->onset_bytes;
        if (whole)
            hl_note_add(c, "growing-container",
                        "%s (%s) was made as a whole, and nothing adds to it; it holds %s", s->name,
                        type, hl_bytes_text(c->graph->retained_bytes[s->holder], bytes));
        else
            hl_note_add(c, "growing-container",
                        "%s (%s) was filled by one call, and %s reads all of it when it is done: "
                        "a result; it holds %s",
                        s->name, type, u->reader,
                        hl_bytes_text(c->graph->retained_bytes[s->holder], bytes));
        return false;
    }
    /* what many calls fill needs fewer looks; what may be bounded by its own code, more, and so does
     * what was gone when somebody looked again: it may have been full long before. An address is used
     * again: two rises there may be two containers, one after the other */
    uint32_t enough = u->bounds                      ? UINT32_MAX
                      : u->evicts                    ? KEYED_INTERVALS
                      : g->torn_down && in_a_call    ? SURE_INTERVALS
                      : g->released && !g->torn_down ? KEYED_INTERVALS
                      : g->address && g->released    ? KEYED_INTERVALS
                      : g->address                   ? SURE_INTERVALS
                      : filled == HL_FILLED_BY_MANY  ? MANY_INTERVALS
                                                     : SURE_INTERVALS;
    /* what a call fills that still runs is a result, if anybody could ask for it */
    bool one_call = filled == HL_FILLED_BY_ONE_CALL && !g->exact &&
                    !(u->unread && g->intervals >= KEYED_INTERVALS);
    bool unsure = slows || u->reader || making || given || (!g->exact && g->intervals < enough);
    bool only_one_call = one_call && !unsure;
    unsure = unsure || one_call;
    bool dropped_with_main = g->torn_down && g->intervals >= KEYED_INTERVALS;
    if (g->released && (unsure || (filled != HL_FILLED_BY_MANY && !dropped_with_main))) {
        if (tells(c, s))
            hl_note_add(c, "growing-container", "%s (%s) grew to %s and was gone at the end",
                        s->name, type, hl_bytes_text(s->retained_bytes, bytes));
        return false;
    }
    /* two rises, the second slower: a thing that fills up */
    if (course(c, s, u) < RESTS || (slows && g->intervals <= MANY_INTERVALS && !g->exact)) {
        c->dismissed += g->bytes;
        if (tells(c, s))
            hl_note_add(c, "growing-container", "%s (%s) was filled and then stayed; it holds %s",
                        s->name, type, hl_bytes_text(s->retained_bytes, bytes));
        return false;
    }
    if (late && !g->exact && filled != HL_FILLED_BY_MANY) {
        c->dismissed += g->bytes;
        if (tells(c, s))
            hl_note_add(c, "growing-container",
                        "%s (%s) was filled at the end of the run; it holds %s", s->name, type,
                        hl_bytes_text(s->retained_bytes, bytes));
        return false;
    }
    c->one_calls += only_one_call;
    *out = unsure ? HL_POSSIBLE : HL_CERTAIN;
    return true;
}

/* What its users call it. */
static const char *type_words(const hl_case *c, hl_node v)
{
    const char *type = hl_snap_type_name(c->snap, v);
    return strcmp(type, "functools._lru_cache_wrapper") != 0 ? type : "lru_cache";
}

const char *hl_growth_unit(const hl_case *c, const hl_growth *g, hl_node holder)
{
    bool text = !strcmp(hl_snap_type_name(c->snap, holder), "bytearray");
    return g->metric == HL_METRIC_BYTES || (g->metric == HL_METRIC_ITEMS && text) ? "bytes"
           : g->metric == HL_METRIC_ITEMS                                         ? "entries"
                                                                                  : "objects";
}

const char *hl_judge_holds(hl_case *c, const hl_suspect *s)
{
    char all[16], alone[16];
    uint64_t gained = s->growth->bytes;
    hl_bytes_text(s->retained_bytes, alone);
    if (gained / 2 <= s->retained_bytes)
        return hl_arena_copy(c->arena, alone, strlen(alone));
    return hl_arena_printf(c->arena, "%s, %s of it alone", hl_bytes_text(gained, all), alone);
}

const char *hl_judge_title(hl_case *c, const hl_suspect *s, const char *and)
{
    const hl_growth *g = s->growth;
    char count[32], members[32], gained[16];
    const char *type = type_words(c, s->holder);
    const char *holds = hl_judge_holds(c, s);
    const char *unit = hl_growth_unit(c, g, s->holder);
    bool sized = !strcmp(unit, "bytes");
    const char *gain =
        sized ? hl_bytes_text(g->units, gained)
              : hl_arena_printf(c->arena, "%s %s", hl_count_text(g->units, count), unit);
    if (s->members > 1) {
        /* "loses none", of several: "lose none" */
        size_t verb = strcspn(and, " ");
        int stem = (int)(verb && and[verb - 1] == 's' ? verb - 1 : verb);
        return hl_arena_printf(c->arena, "%s %ss at %s together %s %s and %.*s%s; they hold %s",
                               hl_count_text(s->members, members), type, s->name,
                               sized ? "grew by" : "gained", gain, stem, and, and+verb, holds);
    }
    return hl_arena_printf(c->arena, "%s (%s) %s %s and %s; it holds %s", s->name, type,
                           sized ? "grew by" : "gained", gain, sized ? "never shrank" : and, holds);
}

static const char *keys_text(const hl_case *c, hl_node v)
{
    const hl_snap_keys *k = hl_snap_keys_of(c->snap, v);
    if (!k)
        return NULL;
    switch (k->kind) {
    case HL_KEYS_INT:
        return "ints";
    case HL_KEYS_INT_RISING:
        return "ints, rising";
    case HL_KEYS_STR:
        return "str";
    case HL_KEYS_STR_UUID:
        return "str like uuids";
    case HL_KEYS_STR_DIGITS:
        return "str of digits";
    case HL_KEYS_STR_PATH:
        return "str like paths";
    case HL_KEYS_TUPLE:
        return hl_arena_printf(c->arena, "tuples of %u", k->detail);
    case HL_KEYS_BYTES:
        return "bytes";
    case HL_KEYS_FLOAT:
        return "floats";
    case HL_KEYS_OBJECT:
        return k->detail < c->snap->n_types
                   ? hl_arena_printf(c->arena, "%s objects",
                                     c->snap->names[c->snap->types[k->detail].name])
                   : "objects";
    case HL_KEYS_MIXED:
        break;
    }
    return NULL;
}

void hl_judge_evidence(hl_case *c, hl_finding *f, const hl_suspect *s, const hl_uses *u,
                       hl_filled filled)
{
    const hl_growth *g = s->growth;
    char text[256] = "", count[32];
    size_t n = 0;
    bool sized = !strcmp(hl_growth_unit(c, g, s->holder), "bytes");
    uint32_t step = c->n_moments > 8 ? (c->n_moments + 7) / 8 : 1;
    for (uint32_t i = 0; i <= g->anchor && n < sizeof text - 32; i++)
        if (i == g->anchor || i % step == 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " -> " : "",
                                  sized ? hl_bytes_text(g->series[i], count)
                                        : hl_count_text(g->series[i], count));
    const char *what = sized ? "size" : g->metric == HL_METRIC_OBJECTS ? "objects" : "len";
    bool fell = false;
    for (uint32_t i = 0; i < g->anchor; i++)
        fell = fell || g->series[i] > g->series[i + 1];
    hl_finding_evidence(c, f, "%s %s%s", what, text, fell ? "" : ", never shrank");
    const char *keys = keys_text(c, s->holder);
    if (keys && strncmp(keys, "weakref.", 8) != 0)
        hl_finding_evidence(
            c, f, "%s: %s",
            c->snap->types[c->snap->type[s->holder]].flags & HL_TYPE_DICT ? "keys" : "entries",
            keys);
    for (uint32_t i = 0; i < u->n_stores && !f->library; i++)
        f->library = hl_code_package(c, hl_snap_find_address(c->snap, u->stores[i]));
    if (u->storer)
        hl_finding_evidence(c, f, "filled by %s%s", u->storer,
                            filled == HL_FILLED_BY_MANY ? ", in many calls"
                            : filled == HL_FILLED_BY_ONE_CALL && !g->exact
                                ? ", in one call still running"
                                : "");
    if (u->off)
        hl_finding_evidence(c, f, "the limit its code minds, `%s`, is switched off", u->off);
    if (g->exact)
        hl_finding_evidence(c, f, "rose by at least one in every round");
    uint32_t looks = 0; /* that the oldest entries have seen since */
    for (uint32_t i = 0; i < g->anchor; i++)
        looks += g->series[i] > 0;
    if (!fell && looks >= AGED && g->metric == HL_METRIC_ITEMS && !sized &&
        !(u->all & HL_USE_REMOVE))
        hl_finding_evidence(c, f, "its oldest entries have survived %u snapshots", looks);
    if (course(c, s, u) < SLOWS)
        hl_finding_evidence(c, f, "its growth is slowing down: it may be filling up");
    if (u->reader)
        hl_finding_evidence(c, f, "%s reads all of it when it is done: it may be a result",
                            u->reader);
    if (u->unread)
        hl_finding_evidence(c, f, "there is no code that reads it, or gives it to any that might");
    if (u->evicts)
        hl_finding_evidence(c, f, "code that fills it also removes entries");
    if (g->released)
        hl_finding_evidence(c, f, "%s",
                            g->torn_down ? "let go only at the very end, when the program was over"
                            : !strcmp(s->kind, "thread-local") ? "gone when its thread ended"
                                                               : "gone when its function returned");
}
