/* diagnose/judge.c: how sure a growth makes us.
 *
 * Room   diagnose; analyser process.
 * Method what there is to weigh is gathered once; then each excuse is asked in turn whether this can
 *        be no leak (a declared bound, a result its function let go); what may be something else is
 *        `possible` (a rate that falls, a loop that fills one result, too few intervals); the rest
 *        is `certain` as growth, and the rule lowers it if the structure could still shrink. */
#include "diagnose/judge.h"
#include "diagnose/known_find.h"

#include "diagnose/pattern.h"

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
static const double STEADY_LEAST = 0.8, STEADY_MOST = 1.25;
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

/* A longer one takes its place each time: what was there is copied. The next may lie where the one
 * before the last did. */
static bool is_replaced(const hl_case *c, const hl_suspect *s)
{
    static const char *const immutable[] = {"str", "bytes", "tuple"};
    const hl_growth *g = s->growth;
    const char *type = hl_snap_type_name(c->snap, s->holder);
    for (size_t i = 0; i < sizeof immutable / sizeof *immutable; i++)
        if (!strcmp(type, immutable[i]))
            return true;
    if (g->address)
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
    return rises >= SURE_INTERVALS && others > 1 && 2 * others >= rises;
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
    /* who asks a register of the interpreter, an audit hook say, asks all that are in it; and one of
     * which it is known that it lets nothing go does not fill up */
    walks = walks || is_replaced(c, s) || !strcmp(s->kind, "interpreter") ||
            hl_judge_known_to_keep(c, s);
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
    const hl_shape_info *shapes = c->shapes.shapes;
    hl_shape then = hl_tracks_shape(c, moment, s->growth->address);
    /* another may have had the name, as a loop's variable has; one of several that were fewer then may be
     * the one that came */
    uint32_t members = hl_shapes_count(&c->shapes, moment, now).members;
    if (then ? then == now
             : members && members >= hl_shapes_count(&c->shapes, s->growth->anchor, now).members)
        return true;
    /* what a C object alone has is known as that object is */
    while (then && now && shapes[now].kind == HL_LABEL_INTERNAL &&
           shapes[then].kind == HL_LABEL_INTERNAL) {
        now = shapes[now].parent;
        then = shapes[then].parent;
    }
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

/* ---- what is weighed --------------------------------------------------------------------------
 */

typedef struct weighing {
    hl_case *c;
    const hl_suspect *s;
    const hl_uses *u;
    const hl_growth *g; /* s->growth */
    hl_filled filled;
    double course;
    bool slows;
    bool emptied;   /* it can be: was_emptied, fell_before */
    bool late;      /* grew in the last quarter of the run only */
    bool in_a_call; /* what an exit handler empties of a module or a class was no call's own to give
                       up */
    bool making;    /* is_in_the_making */
    bool given;     /* made elsewhere, and then given its name */
    bool one_call;  /* filled by a call that still runs: a result, if anybody could ask for it */
    bool firm;      /* but for one_call, and for who may read it, nothing speaks against it */
    bool sure;      /* nor does a reader */
} weighing;

/* Of a register of a library it is known whether it lets go; that it has a function which would
 * take out what is stale (linecache.checkcache) says less. */
bool hl_judge_known_to_keep(const hl_case *c, const hl_suspect *s)
{
    const hl_known *known = hl_known_find(s->name, hl_snap_type_name(c->snap, s->holder), NULL, 0);
    return known && known->law == HL_KNOWN_KEEPS;
}

/* Intervals in which it has to rise. What many calls fill needs fewer; what may be bounded by its own
 * code, more. */
static uint32_t intervals_wanted(const weighing *w)
{
    /* who is let go may be told by its age: a run shorter than that proves nothing */
    if ((w->u->bounds || w->u->evicts || w->u->sweeper) && !hl_judge_known_to_keep(w->c, w->s))
        return UINT32_MAX;
    if (w->g->torn_down && w->in_a_call)
        return SURE_INTERVALS;
    /* gone when somebody looked again: it may have been full long before */
    if (w->g->released && !w->g->torn_down)
        return KEYED_INTERVALS;
    /* an address is used again: two rises there may be two containers, one after the other */
    if (w->g->address)
        return w->g->released ? KEYED_INTERVALS : SURE_INTERVALS;
    return w->filled == HL_FILLED_BY_MANY ? MANY_INTERVALS : SURE_INTERVALS;
}

/* From the second look on the process did not become bigger by what it gained: that much room was
 * there, and may have been its own, before it was emptied when nobody looked. */
static bool fits_into_old_room(const weighing *w)
{
    const hl_growth *g = w->g;
    const hl_moment *m = w->c->moments;
    uint32_t from = g->onset + 1;
    if (g->exact || from >= g->anchor || g->series[from] >= g->series[g->anchor])
        return false;
    uint64_t was = m[from].info.rss_bytes, is = m[g->anchor].info.rss_bytes;
    double share = (double)(g->series[g->anchor] - g->series[from]) /
                   (double)(g->series[g->anchor] - g->series[g->onset]);
    return was && (double)is < (double)was + share * (double)g->onset_bytes / 2;
}

static weighing weigh(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_growth *g = s->growth;
    const hl_moment *m = c->moments;
    double run = m[g->anchor].work - m[c->began].work;
    weighing w = {
        .c = c,
        .s = s,
        .u = u,
        .g = g,
        .filled = filled,
        .course = course(c, s, u),
        .emptied = was_emptied(c, g) || fell_before(g, u),
        .late = run > 0 && m[g->anchor].work - g->began < LATE_SHARE * run,
        .in_a_call = c->graph->from[s->holder] == HL_HOLD_FRAME,
        /* nobody makes anything when the program is over */
        .making = g->anchor <= c->working && is_in_the_making(c, s->holder),
        /* followed by address because it was reached in another way before, and filled by nobody
         * we know, or by whoever had it then */
        .given = g->address && !u->n_stores &&
                 (filled == HL_FILLED_UNKNOWN ? rises_as(c, s) < AGED : never_grew_as(c, s)),
        /* that nobody can ask for it is read from the code: more looks would not make it surer */
        .one_call = filled == HL_FILLED_BY_ONE_CALL && !g->exact && !u->unread,
    };
    w.slows = w.course < SLOWS;
    uint32_t wanted = intervals_wanted(&w);
    if (wanted < KEYED_INTERVALS && fits_into_old_room(&w))
        wanted = KEYED_INTERVALS;
    w.firm = !w.slows && !w.making && !w.given && (g->exact || g->intervals >= wanted);
    w.sure = w.firm && !u->reader;
    return w;
}

/* ---- excuses ------------------------------------------------------------------------------------
 * True: it is no leak, and if it is big a note has been made that it was seen. */

static void dismiss(const weighing *w, uint64_t bytes)
{
    w->c->dismissed += bytes;
}

/* What it holds, in words. */
static const char *holding(const weighing *w, uint64_t bytes)
{
    char text[16];
    return hl_arena_printf(w->c->arena, "%s", hl_bytes_text(bytes, text));
}

static bool has_a_bound(const weighing *w)
{
    if (!is_bounded(w->c, w->s->holder))
        return false;
    char count[32];
    const hl_snap_extra *x = hl_snap_extra_of(w->c->snap, w->s->holder);
    dismiss(w, w->g->onset_bytes);
    if (tells(w->c, w->s))
        hl_note_add(w->c, "unbounded-cache", "%s (%s) %s its bound of %s entries; it holds %s",
                    w->s->name, hl_snap_type_name(w->c->snap, w->s->holder),
                    w->g->series[w->g->anchor] >= x->cap ? "is full, at" : "is filling up to",
                    hl_count_text(x->cap, count), holding(w, w->s->retained_bytes));
    return true;
}

/* A cache that is not full. */
static bool has_a_limit(const weighing *w)
{
    if (!w->u->limit)
        return false;
    dismiss(w, w->g->onset_bytes);
    if (tells(w->c, w->s))
        hl_note_add(w->c, "unbounded-cache",
                    "%s (%s) is filling up to the limit its code minds, `%s`; it holds %s",
                    w->s->name, hl_snap_type_name(w->c->snap, w->s->holder), w->u->limit,
                    holding(w, w->s->retained_bytes));
    return true;
}

/* It only follows what others keep, is made anew by each call, or has little of what grew. */
static bool is_not_the_holder(const weighing *w)
{
    bool not_its_own = w->g->metric != HL_METRIC_ITEMS &&
                       (double)w->s->retained_bytes < OWN_SHARE * (double)w->g->onset_bytes;
    if (!only_follows(w->c, w->s) && !hl_calls_anew(w->c, w->s) && !not_its_own)
        return false;
    dismiss(w, w->g->onset_bytes);
    return true;
}

/* What is written to a stream in memory is sent, and cut: a few rises come by chance, but not as
 * many bytes in each half. */
static bool may_be_cut(const weighing *w)
{
    const char *type = hl_snap_type_name(w->c->snap, w->s->holder);
    bool stream = !strcmp(type, "_io.StringIO") || !strcmp(type, "_io.BytesIO");
    return stream && (w->course < STEADY_LEAST || w->course > STEADY_MOST);
}

static bool minds_itself(const weighing *w)
{
    const hl_uses *u = w->u;
    bool removes = (u->evicts || u->bounds) && !hl_judge_known_to_keep(w->c, w->s);
    if (!removes && !w->emptied && !may_be_cut(w))
        return false;
    if (!w->slows && !((u->evicts || u->guard) && u->bounds) &&
        w->g->intervals >= (u->bounds ? GUARDED_INTERVALS : KEYED_INTERVALS))
        return false;
    dismiss(w, w->g->onset_bytes);
    if (tells(w->c, w->s))
        hl_note_add(w->c, "unbounded-cache", "%s (%s) grew, and %s: it holds %s", w->s->name,
                    hl_snap_type_name(w->c->snap, w->s->holder),
                    u->guard     ? "code of its own minds its length"
                    : u->evicts  ? "the code that fills it also removes"
                    : u->bounds  ? "the code that fills it minds its length"
                    : w->emptied ? "was emptied before"
                                 : "a stream may be cut when it has been sent",
                    holding(w, w->s->retained_bytes));
    return true;
}

static bool was_made_as_a_whole(const weighing *w)
{
    const hl_suspect *s = w->s;
    bool named = !strcmp(s->kind, "module-global") || !strcmp(s->kind, "class-attribute");
    if (!w->given || !named || w->making || !never_grew_as(w->c, s))
        return false;
    dismiss(w, w->g->onset_bytes);
    hl_note_add(w->c, "growing-container",
                "%s (%s) was made as a whole, and nothing adds to it; it holds %s", s->name,
                hl_snap_type_name(w->c->snap, s->holder),
                holding(w, w->c->graph->retained_bytes[s->holder]));
    return true;
}

static bool is_a_result(const weighing *w)
{
    if (w->filled != HL_FILLED_BY_ONE_CALL || !w->u->reader || w->g->exact)
        return false;
    dismiss(w, w->g->onset_bytes);
    hl_note_add(
        w->c, "growing-container",
        "%s (%s) was filled by one call, and %s reads all of it when it is done: a result; it "
        "holds %s",
        w->s->name, hl_snap_type_name(w->c->snap, w->s->holder), w->u->reader,
        holding(w, w->c->graph->retained_bytes[w->s->holder]));
    return true;
}

/* All that its owner's constructor put in, and that has returned: a table read once, a parser's rules. */
static bool was_filled_when_made(const weighing *w)
{
    const hl_case *c = w->c;
    const hl_uses *u = w->u;
    if (w->filled != HL_FILLED_BY_ONE_CALL || w->g->exact || !u->n_stores ||
        hl_calls_running(c, w->g->anchor, u) || hl_calls_running(c, c->n_moments - 1, u))
        return false;
    for (uint32_t i = 0; i < u->n_stores; i++) {
        hl_node code = hl_snap_find_address(c->snap, u->stores[i]);
        const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(c->snap, code);
        if (!row || strcmp(c->snap->names[row->name], "__init__"))
            return false;
    }
    dismiss(w, w->g->onset_bytes);
    hl_note_add(w->c, "growing-container",
                "%s (%s) was filled when its owner was made; it holds %s", w->s->name,
                hl_snap_type_name(c->snap, w->s->holder),
                holding(w, c->graph->retained_bytes[w->s->holder]));
    return true;
}

static bool was_let_go(const weighing *w)
{
    const hl_growth *g = w->g;
    bool dropped_with_main = g->torn_down && g->intervals >= KEYED_INTERVALS;
    /* what a call had, and nobody saw for longer than it was seen to grow, may have been in use as it
     * was: the call returned, and it went */
    bool unseen = w->in_a_call && g->anchor >= w->c->working && !g->torn_down;
    bool kept = (w->sure && w->filled == HL_FILLED_BY_MANY) ||
                (dropped_with_main && (w->sure || (w->firm && !w->in_a_call)));
    if (!g->released || (kept && !w->one_call && !unseen))
        return false;
    dismiss(w, g->onset_bytes);
    if (tells(w->c, w->s))
        hl_note_add(w->c, "growing-container", "%s (%s) grew to %s and was gone at the end",
                    w->s->name, hl_snap_type_name(w->c->snap, w->s->holder),
                    holding(w, w->s->retained_bytes));
    return true;
}

/* Its bytes rose, and for a good part of that it had as many entries as it has: those it exchanges. */
static bool has_its_entries(const weighing *w)
{
    static const double SHARE = 0.1;
    const hl_case *c = w->c;
    const hl_growth *g = w->g;
    hl_shape_count now = hl_shapes_count(&c->shapes, g->anchor, g->shape);
    if (g->metric != HL_METRIC_BYTES || g->address || now.members != 1 || !now.items)
        return false;
    double work = 0, all = c->moments[g->anchor].work - g->began;
    for (uint32_t i = g->anchor; i > g->onset; i--) {
        hl_shape_count then = hl_shapes_count(&c->shapes, i - 1, g->shape);
        if (then.members != 1 || then.items != now.items)
            break;
        work = c->moments[g->anchor].work - c->moments[i - 1].work;
    }
    return work >= SHARE * all;
}

/* It came to rest; or two rises, the second slower: a thing that fills up. */
static bool filled_and_stayed(const weighing *w)
{
    const hl_growth *g = w->g;
    bool full = g->intervals <= MANY_INTERVALS || has_its_entries(w);
    if (w->course >= RESTS && !(w->slows && full && !g->exact))
        return false;
    dismiss(w, g->bytes);
    if (tells(w->c, w->s))
        hl_note_add(w->c, "growing-container", "%s (%s) was filled and then stayed; it holds %s",
                    w->s->name, hl_snap_type_name(w->c->snap, w->s->holder),
                    holding(w, w->s->retained_bytes));
    return true;
}

static bool was_filled_late(const weighing *w)
{
    if (!w->late || w->g->exact || w->filled == HL_FILLED_BY_MANY)
        return false;
    dismiss(w, w->g->bytes);
    if (tells(w->c, w->s))
        hl_note_add(w->c, "growing-container",
                    "%s (%s) was filled at the end of the run; it holds %s", w->s->name,
                    hl_snap_type_name(w->c->snap, w->s->holder), holding(w, w->s->retained_bytes));
    return true;
}

bool hl_judge(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled,
              hl_confidence *out)
{
    /* the first that holds is the one that is told */
    static bool (*const excuses[])(const weighing *) = {
        has_a_bound,         has_a_limit,     is_not_the_holder,    minds_itself,
        was_made_as_a_whole, is_a_result,     was_filled_when_made, was_let_go,
        filled_and_stayed,   was_filled_late,
    };
    weighing w = weigh(c, s, u, filled);
    for (size_t i = 0; i < sizeof excuses / sizeof *excuses; i++)
        if (excuses[i](&w))
            return false;
    c->one_calls += w.one_call && w.sure;
    *out = w.sure && !w.one_call ? HL_CERTAIN : HL_POSSIBLE;
    return true;
}

bool hl_judge_slows(const hl_case *c, const hl_suspect *s, const hl_uses *u)
{
    return course(c, s, u) < SLOWS;
}
