/* diagnose/callback_registry.c: what is called back is registered again and again.
 *
 * Room   diagnose; a rule (R16).
 * Signs  nearly all members of the holder are things to call, or hold one (a tuple, an object with
 *        a bound method of somebody else): functions, bound methods, partials, handlers of logging;
 *        and most of them call the same code.
 *        A function that a library made around each bound method is that method.
 * Guards functions that differ in their cells are closures (R6), which comes first; a container of
 *        weak references follows others and is dismissed by the judge. */
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <stdlib.h>
#include <string.h>

enum { SAME_SHARE = 90, PARTS_MAX = 16, EACH_AGAIN = 8, OWNERS_MAX = 6, FITTED_LEAST = 3 };

typedef struct registered {
    uint32_t looked_at, calls, handlers;
    uint32_t wrapped; /* functions that a library made around what it was given */
    hl_callable one;  /* of the code that is called most */
    uint32_t same;    /* members that call it */
    uint32_t kinds;   /* different code that is called */
    hl_node member;   /* the one that keeps most */
} registered;

static bool by_name(enum hl_label_kind kind)
{
    return kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT || kind == HL_LABEL_KEY ||
           kind == HL_LABEL_VALUE || kind == HL_LABEL_INDEX || kind == HL_LABEL_INTERNAL;
}

/* A part of a record that is a bound method or a partial: of somebody else, and not shared. */
static bool part_of(const hl_case *c, hl_node record, hl_node where, hl_callable *out)
{
    const hl_snap *s = c->snap;
    bool tuple = s->types[s->type[record]].flags & (HL_TYPE_TUPLE | HL_TYPE_LIST);
    for (uint32_t e = s->off[where], n = 0; e < s->off[where + 1] && n < PARTS_MAX; e++, n++) {
        if (!by_name(hl_label_kind(s->label[e])) || !hl_callable_of(c, s->dst[e], out))
            continue;
        if (tuple || (strcmp(out->what, "function") && out->self != record &&
                      hl_dominates(c, record, out->node)))
            return true;
    }
    return false;
}

/* Is the owner of the container, or what has that (a mapping of the library), one of this package's
 * classes, or of one? */
static bool is_of_package(const hl_case *c, hl_node owner, const char *package)
{
    size_t n = strlen(package);
    for (int i = 0; i < OWNERS_MAX && owner != HL_NO_NODE; i++, owner = c->graph->parent[owner]) {
        const char *type =
            hl_is_type(c, owner) ? hl_kind_name(c, owner) : hl_snap_type_name(c->snap, owner);
        if (!strncmp(type, package, n) && type[n] == '.')
            return true;
    }
    return false;
}

/* A function that was made around a bound method or a partial is called for it; so is one around a
 * function, if a package makes it to put it into a container of its own: a registration, and no
 * decorator. Around a function of the package's own, too, if that was made just for this. */
static bool wrapped_call(const hl_case *c, hl_node member, hl_node owner, hl_callable *out)
{
    hl_callable inner;
    if (!hl_is_a(c, member, "function") || !hl_wraps(c, member, &inner))
        return false;
    if (!strcmp(inner.what, "function")) {
        hl_node code = hl_graph_follow(c->graph, member, HL_LABEL_NAMED, "__code__");
        const char *maker = hl_code_package(c, code), *made = hl_code_package(c, inner.code);
        bool own = maker && made && !strcmp(maker, made);
        if (!maker || (own && !hl_dominates(c, member, inner.node)) ||
            !is_of_package(c, owner, maker))
            return false;
    }
    *out = inner;
    return true;
}

/* An object that is called itself. */
static bool is_called(const hl_case *c, hl_node member, hl_callable *out)
{
    hl_node call = hl_is_type(c, member) ? HL_NO_NODE
                                         : hl_class_defines(c, hl_class_of(c, member), "__call__");
    if (!hl_is_a(c, call, "function"))
        return false;
    *out = (hl_callable){member, hl_graph_follow(c->graph, call, HL_LABEL_NAMED, "__code__"),
                         member, "callable"};
    return true;
}

/* called: whatever is in there is. */
static bool call_in(const hl_case *c, hl_node member, bool called, hl_callable *out)
{
    if (hl_callable_of(c, member, out) || (called && is_called(c, member, out)))
        return true;
    if (part_of(c, member, member, out))
        return true;
    hl_node dict = hl_graph_follow(c->graph, member, HL_LABEL_NAMED, "__dict__");
    return dict != HL_NO_NODE && part_of(c, member, dict, out);
}

/* Has the object more than a few calls of the one that keeps it: methods that were put on it, as state
 * machines do? It is looked after, and asked for nothing. */
static bool is_fitted_out(const hl_case *c, hl_node container, hl_node member, const hl_callable *f)
{
    const hl_snap *s = c->snap;
    hl_node owner = container, dict = hl_graph_follow(c->graph, member, HL_LABEL_NAMED, "__dict__");
    if (f->node == member || f->self == HL_NO_NODE)
        return false;
    for (int i = 0; i < OWNERS_MAX && owner != HL_NO_NODE && owner != f->self; i++)
        owner = c->graph->parent[owner];
    uint32_t n = 0;
    const hl_node where[] = {member, dict};
    for (size_t k = 0; owner != HL_NO_NODE && k < 2 && where[k] != HL_NO_NODE; k++)
        for (uint32_t e = s->off[where[k]]; e < s->off[where[k] + 1]; e++) {
            hl_callable part;
            n += by_name(hl_label_kind(s->label[e])) && hl_callable_of(c, s->dst[e], &part) &&
                 part.self == f->self;
        }
    return n >= FITTED_LEAST;
}

/* A table of lists, one for each who is waited for: what the first in a list calls. */
static bool call_in_list(const hl_case *c, hl_node list, hl_callable *out)
{
    hl_node first[1];
    uint32_t flags = c->snap->types[c->snap->type[list]].flags;
    return (flags & HL_TYPE_LIST) && hl_sample(c, list, false, first, 1) &&
           call_in(c, first[0], false, out);
}

static int by_code(const void *a, const void *b)
{
    const hl_callable *x = a, *y = b;
    return (x->code > y->code) - (x->code < y->code);
}

/* A list of the interpreter's own, or of gc: of things to call. */
static bool is_of_interpreter(const hl_case *c, const hl_suspect *s)
{
    bool root = c->graph->parent[s->holder] == HL_NO_NODE;
    return (root && c->graph->from[s->holder] == HL_HOLD_INTERP) ||
           !strcmp(s->name, "gc.callbacks");
}

static registered look(const hl_case *c, const hl_suspect *s)
{
    hl_node container = hl_entries_of(c, s->holder), owner = s->owner;
    bool called = is_of_interpreter(c, s);
    hl_node members[HL_SAMPLES];
    hl_callable calls[HL_SAMPLES];
    registered out = {.one = {.node = HL_NO_NODE}, .member = HL_NO_NODE};
    uint32_t n = hl_sample(c, container, false, members, HL_SAMPLES);
    if (!n) /* a dict used as an ordered set */
        n = hl_sample(c, container, true, members, HL_SAMPLES);
    /* a module that keeps callbacks in C (atexit) has more in it than these */
    bool module = hl_is_a(c, container, "module");
    for (uint32_t i = 0; i < n; i++) {
        if (module && c->graph->parent[members[i]] != container)
            continue;
        out.looked_at++;
        bool handler = hl_inherits(c, members[i], "logging.Handler") ||
                       hl_inherits(c, members[i], "logging.Filter");
        if (handler)
            out.handlers++;
        else if (wrapped_call(c, members[i], owner, &calls[out.calls])) {
            out.wrapped++;
            out.calls++;
        } else if ((call_in(c, members[i], called, &calls[out.calls]) &&
                    !is_fitted_out(c, container, members[i], &calls[out.calls])) ||
                   call_in_list(c, members[i], &calls[out.calls]))
            out.calls++;
        else
            continue;
        if (c->graph->parent[members[i]] != container)
            continue; /* it has a better name elsewhere */
        if (out.member == HL_NO_NODE ||
            c->graph->retained_bytes[members[i]] > c->graph->retained_bytes[out.member])
            out.member = members[i];
    }
    if (out.calls)
        qsort(calls, out.calls, sizeof *calls, by_code);
    for (uint32_t i = 0, run = 0; i < out.calls; i++) {
        run = i && calls[i].code == calls[i - 1].code ? run + 1 : 1;
        out.kinds += run == 1;
        if (run > out.same) {
            out.same = run;
            out.one = calls[i];
        }
    }
    return out;
}

/* Of a logger's list the developer knows the logger. */
static bool is_logging(const hl_case *c, const hl_suspect *s)
{
    return s->owner != HL_NO_NODE && hl_inherits(c, s->owner, "logging.Filterer");
}

/* Methods written in C have no code to name: whose they are says more than that they are built in. */
static const char *name_of_call(hl_case *c, const hl_callable *f)
{
    bool bound = f->self != HL_NO_NODE && !hl_is_a(c, f->self, "module");
    return f->code == HL_NO_NODE && bound
               ? hl_arena_printf(c->arena, "of a %s", hl_snap_type_name(c->snap, f->self))
               : hl_callable_name(c, f);
}

static const char *fix_of(const char *holder)
{
    static const struct {
        const char *holder, *fix; /* of the interpreter's own: how each is undone */
    } fixes[] = {
        {"(interpreter) audit hooks",
         "an audit hook can not be taken off again: add one at the start of the program "
         "(sys.addaudithook), and let it look up who wants to be told now"},
        {"atexit",
         "atexit.register() keeps what it is given until the program ends: register once and not "
         "per object, or atexit.unregister() when the object is done; weakref.finalize() cleans up "
         "after one object and lets it go"},
    };
    for (size_t i = 0; i < sizeof fixes / sizeof *fixes; i++)
        if (!strcmp(holder, fixes[i].holder))
            return fixes[i].fix;
    return "take the callback off again when its object is done (in close(), or finally:), "
           "register it once and not per object, or hold it weakly: weakref.WeakMethod for bound "
           "methods, weakref.WeakSet for listeners";
}

static bool tell(hl_case *c, const hl_suspect *s, const hl_uses *known, hl_filled filled,
                 registered r)
{
    /* they are all called, again and again: each makes the next event dearer */
    hl_uses uses = *known;
    const hl_uses *u = &uses;
    uses.all |= HL_USE_ITER;
    uses.reader = NULL; /* whoever reads all of it calls them */
    uint32_t all = r.calls + r.handlers;
    if (!r.looked_at || 100 * all < SAME_SHARE * r.looked_at)
        return false;
    /* a table of many different functions is no registry that gains the same one, or the same few
     * each time: one for success, one for failure, one for the end */
    if (!r.handlers && 2 * r.same < r.calls && EACH_AGAIN * r.kinds > r.calls)
        return false;
    if (hl_told_again(c, "callback-registry", s))
        return true;
    hl_confidence confidence;
    /* what a callback is bound to, kept by nothing else, speaks even where one loop registered it
     */
    bool speaks = r.handlers || hl_dominates(c, s->holder, r.one.self);
    if (!hl_judge(c, s, u, speaks ? hl_speaks(s, filled) : filled, &confidence))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_suspect shown = hl_seen_from_outside(c, s);
    shown.payload = r.member == HL_NO_NODE ? s->payload : r.member;
    hl_finding *f = hl_finding_about(c, &shown, "callback-registry", confidence);
    if (!f)
        return true;
    char count[32], bytes[16];
    hl_count_text(s->growth->units, count);
    const char *holds = hl_judge_holds(c, &shown);
    const char *name = r.handlers && r.member != HL_NO_NODE ? hl_snap_type_name(c->snap, r.member)
                       : r.handlers                         ? "logging.Handler"
                                                            : name_of_call(c, &r.one);
    if (r.handlers) {
        f->title =
            hl_arena_printf(c->arena, "%s gained %s handlers (%s) and drops none; it holds %s",
                            shown.name, count, name, holds);
        f->fix = is_logging(c, s)
                     ? "add handlers once, where logging is set up, not per object or request; or "
                       "take them off again: logger.removeHandler(h) and h.close()"
                     : "register handlers once, and take them off again when done";
    } else {
        f->title = hl_arena_printf(c->arena,
                                   "%s gained %s callbacks and drops none, mostly the %s %s; it "
                                   "holds %s",
                                   shown.name, count, r.one.what, name, holds);
        if (r.one.self != HL_NO_NODE)
            hl_finding_evidence(c, f,
                                r.one.self == r.one.node ? "each is a %s (%s)"
                                                         : "each is bound to a %s and keeps it "
                                                           "alive (%s)",
                                hl_snap_type_name(c->snap, r.one.self),
                                hl_bytes_text(c->graph->retained_bytes[r.one.self], bytes));
        hl_finding_evidence(c, f, "%u of %u callbacks looked at call the same code", r.same,
                            r.calls);
        f->fix = fix_of(s->name);
    }
    hl_judge_evidence(c, f, s, u, filled);
    hl_finding_seal(c, f);
    return true;
}

static bool callback_registry(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    return tell(c, s, u, filled, look(c, s));
}

/* Before caches, which it looks like: a selector's table of what was registered with it. */
static bool registrations(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    hl_node members[HL_SAMPLES];
    uint32_t n = hl_sample(c, hl_entries_of(c, s->holder), false, members, HL_SAMPLES), keys = 0;
    for (uint32_t i = 0; i < n; i++)
        keys += hl_is_a(c, members[i], "selectors.SelectorKey");
    hl_confidence confidence;
    if (!keys || 100 * keys < SAME_SHARE * n)
        return false;
    hl_uses plain = *u;
    plain.evicts = plain.bounds = plain.memo = false; /* modify() takes out what it puts back */
    if (!hl_judge(c, s, &plain, hl_speaks(s, filled), &confidence))
        return true;
    hl_finding *f = hl_finding_about(c, s, "callback-registry",
                                     confidence == HL_CERTAIN ? HL_STRONG : confidence);
    if (!f)
        return true;
    char count[32];
    f->title =
        hl_arena_printf(c->arena, "%s gained %s registrations and drops none; it holds %s", s->name,
                        hl_count_text(s->growth->units, count), hl_judge_holds(c, s));
    plain.storer = NULL; /* register() and modify() both store: which one did is not known */
    hl_judge_evidence(c, f, s, &plain, filled);
    f->fix =
        "unregister() each file object before it is closed, in `finally:`: a selector keeps it "
        "and the data it was registered with";
    hl_finding_seal(c, f);
    return true;
}

/* What waits for a future is a callback, whatever its cells hold. */
static bool is_of_a_future(const hl_case *c, const hl_suspect *s)
{
    static const char *const futures[] = {"_asyncio.Future", "asyncio.futures.Future",
                                          "concurrent.futures._base.Future"};
    hl_node up = c->graph->parent[s->holder];
    if (up != HL_NO_NODE && hl_graph_is_namespace(c->graph, up))
        up = c->graph->parent[up];
    for (size_t i = 0; i < sizeof futures / sizeof *futures; i++)
        if (up != HL_NO_NODE && hl_inherits(c, up, futures[i]))
            return true;
    return false;
}

/* Before closures: a wrapper has a cell, and in it is what somebody registered; and what the interpreter
 * was given to call is undone where it was given. */
static bool wrapped_callbacks(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    registered r = look(c, s);
    bool wrapped = r.wrapped && 100 * r.wrapped >= SAME_SHARE * r.looked_at;
    return (wrapped || is_of_a_future(c, s) || is_of_interpreter(c, s)) && tell(c, s, u, filled, r);
}

const hl_rule hl_rule_registrations = {"callback-registry", registrations};
const hl_rule hl_rule_wrapped_callbacks = {"callback-registry", wrapped_callbacks};
const hl_rule hl_rule_callback_registry = {"callback-registry", callback_registry};
