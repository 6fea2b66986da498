/* diagnose/uses.c: what live code does to the holder, by the names it knows it under.
 *
 * Room   diagnose; analyser process; works on the anchor's graph and the frames of all moments.
 * Method Each in-edge that carries a name gives a (scope, name, space); a code object counts if it
 *        uses that name in that scope and, for globals, lives in that module; for attributes, is a
 *        function of the class; for closures, holds that cell. So a same name elsewhere says
 *        nothing, and renaming the variable changes nothing. */
#include "diagnose/uses.h"
#include "diagnose/pattern.h"

#include <string.h>

enum { NAMES_MAX = 16, LINKS_MAX = 4096 };

static bool type_is(const hl_snap *s, hl_node v, const char *name)
{
    return v != HL_NO_NODE && !strcmp(hl_snap_type_name(s, v), name);
}

static const char *label_name(const hl_snap *s, hl_label l)
{
    uint32_t i = hl_label_value(l);
    return i && i < s->n_names ? s->names[i] : NULL;
}

static void add_name(hl_known_as *names, uint32_t *n, hl_known_as name)
{
    if (*n < NAMES_MAX && name.name)
        names[(*n)++] = name;
}

/* Owners of a namespace dict: module, class or instance. */
static void names_of_namespace(const hl_case *c, hl_node dict, const char *name, hl_known_as *names,
                               uint32_t *n)
{
    const hl_graph *g = c->graph;
    bool module = false;
    hl_node who;
    uint32_t seen = 0;
    for (hl_holders h = hl_graph_holders(g, dict);
         seen++ < LINKS_MAX && hl_holders_next(&h, &who);) {
        if (type_is(c->snap, who, "function") || type_is(c->snap, who, "module")) {
            module = true; /* __globals__: a module's namespace, maybe of one without a module */
            if (type_is(c->snap, who, "module"))
                add_name(names, n, (hl_known_as){HL_SCOPE_ATTR, name, 0, who});
            continue;
        }
        if (type_is(c->snap, who, "frame"))
            continue;
        add_name(names, n, (hl_known_as){HL_SCOPE_ATTR, name, 0, who});
    }
    if (module)
        add_name(names, n,
                 (hl_known_as){HL_SCOPE_GLOBAL, name, hl_snap_address(c->snap, dict), dict});
}

/* strangers: who else holds it, and by what name nobody can tell; may be NULL. */
static uint32_t known_as(const hl_case *c, hl_node v, hl_known_as *names, uint32_t *strangers)
{
    const hl_graph *g = c->graph;
    const hl_snap *s = c->snap;
    uint32_t n = 0, seen = 0;
    hl_node from, f;
    for (hl_holders h = hl_graph_holders(g, v); seen++ < LINKS_MAX && hl_holders_next(&h, &from);) {
        hl_label l = hl_graph_label(g, from, v);
        if (l == UINT32_MAX)
            continue;
        enum hl_label_kind kind = hl_label_kind(l);
        uint32_t before = n;
        if (kind == HL_LABEL_KEY)
            names_of_namespace(c, from, label_name(s, l), names, &n);
        else if (kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT)
            add_name(names, &n, (hl_known_as){HL_SCOPE_ATTR, label_name(s, l), 0, from});
        else if (kind == HL_LABEL_LOCAL)
            add_name(names, &n, (hl_known_as){HL_SCOPE_LOCAL, label_name(s, l), 0, from});
        else if (kind == HL_LABEL_CELL)
            add_name(names, &n, (hl_known_as){HL_SCOPE_FREE, "", hl_snap_address(s, from), from});
        else if (kind == HL_LABEL_INDEX && type_is(s, from, "tuple"))
            for (hl_holders k = hl_graph_holders(g, from); hl_holders_next(&k, &f);) {
                /* a default argument is a local of its function */
                uint32_t at = hl_label_value(l);
                if (!at || !type_is(s, f, "function") ||
                    hl_graph_follow(g, f, HL_LABEL_NAMED, "__defaults__") != from)
                    continue;
                hl_node code = hl_graph_follow(g, f, HL_LABEL_NAMED, "__code__");
                const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(s, code);
                uint32_t defaults = s->off[from + 1] - s->off[from];
                if (row && defaults <= row->args && at <= defaults &&
                    row->args - defaults + at - 1 < row->n_vars)
                    add_name(names, &n,
                             (hl_known_as){
                                 HL_SCOPE_LOCAL,
                                 s->names[s->name_lists[row->vars + row->args - defaults + at - 1]],
                                 0, f});
            }
        if (strangers)
            *strangers += n == before && kind != HL_LABEL_STACK;
    }
    return n;
}

bool hl_class_has(const hl_case *c, hl_node type, hl_node function)
{
    const hl_graph *g = c->graph;
    hl_node d;
    for (hl_holders h = hl_graph_holders(g, function); hl_holders_next(&h, &d);) {
        /* staticmethod and classmethod objects stand between */
        if (type_is(c->snap, d, "classmethod") || type_is(c->snap, d, "staticmethod") ||
            type_is(c->snap, d, "property") ||
            type_is(c->snap, d, "functools._lru_cache_wrapper")) {
            if (hl_class_has(c, type, d))
                return true;
            continue;
        }
        if (!hl_graph_is_namespace(g, d))
            continue;
        if (hl_has_namespace(c, type, d))
            return true;
    }
    return false;
}

/* Does function f (or, with code alone, frame f) mean this object by that name? */
static bool means(const hl_case *c, const hl_known_as *as, hl_node f, hl_node code)
{
    const hl_graph *g = c->graph;
    const hl_snap *s = c->snap;
    switch (as->scope) {
    case HL_SCOPE_GLOBAL:
        return hl_graph_follow(g, f, HL_LABEL_NAMED, "__globals__") == as->owner;
    case HL_SCOPE_LOCAL:
        return f == as->owner;
    case HL_SCOPE_FREE: {
        hl_node closure = hl_graph_follow(g, f, HL_LABEL_NAMED, "__closure__");
        return closure != HL_NO_NODE && hl_graph_label(g, closure, as->owner) != UINT32_MAX;
    }
    case HL_SCOPE_ATTR: {
        hl_node owner = as->owner;
        if (type_is(s, owner, "module")) { /* module.name: code that imported it */
            hl_node globals = hl_graph_follow(g, f, HL_LABEL_NAMED, "__globals__");
            return globals != HL_NO_NODE && hl_graph_label(g, globals, owner) != UINT32_MAX;
        }
        bool is_class = s->types[s->type[owner]].flags & HL_TYPE_TYPE;
        hl_node type = is_class ? owner : s->types[s->type[owner]].node;
        return type != HL_NO_NODE && hl_class_has(c, type, f);
    }
    case HL_SCOPE_CODE:
        break;
    }
    (void)code;
    return false;
}

/* The name code row uses for this cell: its place among the free names. */
static const char *free_name(const hl_case *c, const hl_known_as *as, hl_node f,
                             const hl_snap_code *row)
{
    const hl_snap *s = c->snap;
    hl_node closure = hl_graph_follow(c->graph, f, HL_LABEL_NAMED, "__closure__");
    if (closure == HL_NO_NODE)
        return NULL;
    for (uint32_t e = s->off[closure]; e < s->off[closure + 1]; e++)
        if (s->dst[e] == as->owner && e - s->off[closure] < row->n_free)
            return s->names[s->name_lists[row->free + e - s->off[closure]]];
    return NULL;
}

/* __repr__ of Store.__repr__. */
static const char *last_name(const char *qualified)
{
    const char *name = qualified;
    for (const char *p = qualified; *p && *p != ' '; p++)
        name = *p == '.' ? p + 1 : name;
    return name;
}

/* __repr__, __eq__: what any object can be asked, and a dataclass has without a word. */
static bool is_special(const char *place)
{
    return place && !strncmp(last_name(place), "__", 2);
}

/* Runs of this code that have begun and not ended, as the anchor has them: frames, those of
 * coroutines and generators among them. */
static uint32_t runs_of(const hl_case *c, uint64_t code_address)
{
    hl_node code = hl_snap_find_address(c->snap, code_address), v;
    uint32_t n = 0;
    if (code == HL_NO_NODE)
        return 0;
    for (hl_holders h = hl_graph_holders(c->graph, code); hl_holders_next(&h, &v);)
        n += hl_graph_follow(c->graph, v, HL_LABEL_NAMED, "f_code") == code;
    return n;
}

/* What each run of the code puts in it takes out again, and here it is all the same: no run removes
 * for another, unless they are still at it and will. */
static bool left_behind(const hl_case *c, uint32_t bits, uint64_t code_address, const hl_uses *out)
{
    return (bits & HL_USE_BACK) && (bits & (HL_USE_STORE | HL_USE_ADD)) &&
           2 * (uint64_t)runs_of(c, code_address) < out->entries;
}

/* Code of a package or of the standard library. */
static bool is_of_library(const hl_case *c, hl_node code)
{
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(c->snap, code);
    return row && (hl_code_package(c, code) || strstr(c->snap->names[row->file], "/lib/python3"));
}

/* It first reads all of it, or hands it on, when not half of that is there: whoever waits for a result
 * does so when that is done. What ran before it grew may have read another. Code of a library only: a
 * program that shows its own table now and then may well show it at the end. */
static bool reads_meanwhile(const hl_case *c, uint32_t bits, hl_node code, uint64_t code_address,
                            const hl_growth *g)
{
    if (!(bits & (HL_USE_WHOLE | HL_USE_HANDED | HL_USE_ENTRY)))
        return false;
    uint32_t half = g->onset;
    while (half + 1 < g->anchor &&
           2 * g->series[half + 1] <= g->series[g->onset] + g->series[g->anchor])
        half++;
    return hl_case_first_ran(c, code_address, g->onset, half) && is_of_library(c, code);
}

static void take(const hl_case *c, uint32_t bits, uint64_t code_address, hl_node code,
                 const char *place, hl_uses *out)
{
    if (!hl_case_ran(c, code_address))
        return;
    if (left_behind(c, bits, code_address, out)) {
        out->back = true;
        bits &= ~(uint32_t)(HL_USE_REMOVE | HL_USE_TAKE | HL_USE_EXCHANGE | HL_USE_OWN_KEY);
    }
    out->all |= bits;
    const uint32_t puts = HL_USE_STORE | HL_USE_ADD | (out->by_reading ? HL_USE_GET : 0);
    bool meanwhile = reads_meanwhile(c, bits, code, code_address, out->growth);
    out->asked = out->asked || ((bits & HL_USE_WHOLE) && !meanwhile);
    if (!meanwhile && !(bits & puts) && !is_special(place ? place : hl_code_name(c, code)))
        out->given = out->given || (bits & (HL_USE_WHOLE | HL_USE_HANDED | HL_USE_ENTRY)) != 0;
    /* an entry that is looked up only to be added to groups what comes, and answers nobody; what
     * stores only what it was given made nothing that it would have to make again: it files; and
     * what takes out an entry it was told the key of, to put it in by another, gives it a new name */
    bool renames =
        out->keyed && (bits & HL_USE_REMOVE) &&
        !(bits & (HL_USE_EXCHANGE | HL_USE_OWN_KEY | HL_USE_DROP | HL_USE_TAKE | HL_USE_LEN));
    if ((bits & HL_USE_STORE) && (bits & (HL_USE_TEST | HL_USE_GET)) && !renames &&
        !(bits & (HL_USE_FILED | HL_USE_GIVEN)) && !out->memo) {
        out->memo = true;
        out->memo_place = place ? place : hl_code_place(c, code);
    }
    if (!(bits & puts)) {
        out->drained = out->drained || (bits & HL_USE_REMOVE);
        /* who clears it at once, when all of it has been read, looks for nothing in it */
        bool looks = (bits & (HL_USE_ITER | HL_USE_WHOLE | HL_USE_HANDED)) &&
                     (bits & HL_USE_OWN_KEY) && (!(bits & HL_USE_DROP) || (bits & HL_USE_TAKE));
        if ((bits & HL_USE_LEN) && (bits & HL_USE_REMOVE) && !out->guard)
            out->guard = place ? place : hl_code_place(c, code);
        if (looks && (bits & HL_USE_REMOVE))
            out->takes = out->takes || (bits & HL_USE_TAKE);
        if (looks && (bits & HL_USE_REMOVE) && !out->sweeper)
            out->sweeper = place ? place : hl_code_place(c, code);
        return;
    }
    for (uint32_t i = 0; i < out->n_stores; i++)
        if (out->stores[i] == code_address)
            return;
    /* one that stores and neither removes nor minds the length is enough to grow without end; so is
     * one that takes out a key for each it puts in, or those it is told, where the number rises all
     * the same */
    bool removes = (bits & HL_USE_REMOVE) && !(bits & HL_USE_EXCHANGE) && !renames;
    bool bounds = (bits & (HL_USE_LEN | HL_USE_DROP)) != 0;
    out->evicts = out->n_stores ? out->evicts && removes : removes;
    out->bounds = out->n_stores ? out->bounds && bounds : bounds;
    if (out->n_stores < HL_STORES_MAX)
        out->stores[out->n_stores++] = code_address;
    if (!out->storer)
        out->storer = place ? place : hl_code_place(c, code);
}

/* Code of the holder's own that would take out, and never ran: the call that is missing. What takes the entry
 * it is told suits better than what takes any, and that than what takes all; of a library, what is
 * there for others to call. */
static void note_idle(const hl_case *c, uint32_t bits, hl_node code, hl_uses *out)
{
    enum { ALL = 1, ANY, THE_ONE };
    const char *name = hl_code_name(c, code);
    if (!(bits & HL_USE_REMOVE) || (bits & (HL_USE_STORE | HL_USE_ADD)) || !name ||
        last_name(name)[0] == '<' || is_special(name) ||
        (last_name(name)[0] == '_' && is_of_library(c, code)) ||
        hl_case_ran(c, hl_snap_address(c->snap, code)))
        return;
    uint32_t rank = bits & HL_USE_DROP                      ? ALL
                    : bits & (HL_USE_OWN_KEY | HL_USE_TAKE) ? ANY
                                                            : THE_ONE;
    size_t length = strlen(name);
    if (rank < out->idle_rank || (rank == out->idle_rank && length >= out->idle_length))
        return; /* of remove and remove_all the plainer */
    out->idle_rank = rank;
    out->idle_length = length;
    out->idle = hl_code_place(c, code);
}

/* Code outside of the class that can name the owner: `Store.items`, `store.items` of a module that
 * has it. */
static bool has_owner(const hl_case *c, const hl_known_as *as, hl_node globals)
{
    return as->scope == HL_SCOPE_ATTR && globals != HL_NO_NODE &&
           hl_graph_label(c->graph, globals, as->owner) != UINT32_MAX;
}

/* A function that has a method of the holder in another cell (find = answers.get) uses it by that: it
 * was taken where the function was made, in the code that has its code as a constant. */
static uint32_t by_taken_methods(const hl_case *c, const hl_known_as *as, hl_node f,
                                 const hl_snap_code *row, const char *name)
{
    const hl_snap *s = c->snap;
    const hl_graph *g = c->graph;
    uint32_t methods = 0, bits = 0;
    for (uint32_t e = s->off[as->owner]; e < s->off[as->owner + 1]; e++)
        methods += hl_methods_in_cells(c, f, s->dst[e]);
    hl_node constants, code;
    for (hl_holders h = hl_graph_holders(g, row->node); methods && hl_holders_next(&h, &constants);)
        for (hl_holders k = hl_graph_holders(g, constants);
             type_is(s, constants, "tuple") && hl_holders_next(&k, &code);) {
            const hl_snap_code *maker = type_is(s, code, "code") ? hl_snap_code_of(s, code) : NULL;
            for (uint32_t u = 0; maker && u < maker->n_uses; u++) {
                const hl_snap_use *use = &s->uses[maker->uses + u];
                if (use->scope == HL_SCOPE_FREE && !strcmp(s->names[use->name], name))
                    bits |= use->bits;
            }
        }
    /* of one that looks up and one that removes, which is it? */
    if ((bits & HL_USE_REMOVE) && methods < 2)
        return 0;
    return bits & (HL_USE_GET | HL_USE_TEST | HL_USE_REMOVE | HL_USE_DROP | HL_USE_TAKE);
}

/* outside: code of modules that have the owner, instead of code that belongs to it. */
static void uses_in_functions(const hl_case *c, const hl_known_as *as, bool outside, hl_uses *out)
{
    const hl_snap *s = c->snap;
    const hl_graph *g = c->graph;
    for (uint32_t i = 0; i < s->n_codes; i++) {
        const hl_snap_code *row = &s->codes[i];
        hl_node f;
        for (hl_holders h = hl_graph_holders(g, row->node);
             row->n_uses && hl_holders_next(&h, &f);) {
            if (!type_is(s, f, "function"))
                continue;
            const char *name = as->scope == HL_SCOPE_FREE ? free_name(c, as, f, row) : as->name;
            if (!name)
                continue;
            uint32_t bits = 0;
            for (uint32_t u = 0; u < row->n_uses; u++) {
                const hl_snap_use *use = &s->uses[row->uses + u];
                if (use->scope == as->scope && use->name < s->n_names &&
                    !strcmp(s->names[use->name], name))
                    bits |= use->bits;
            }
            if (as->scope == HL_SCOPE_FREE && bits)
                bits |= by_taken_methods(c, as, f, row, name);
            bool meant =
                bits &&
                (outside ? has_owner(c, as, hl_graph_follow(g, f, HL_LABEL_NAMED, "__globals__"))
                         : means(c, as, f, row->node));
            if (meant) {
                if (as->scope == HL_SCOPE_ATTR && !outside && hl_minds_owner(c, as, row))
                    bits |= HL_USE_LEN;
                if (!outside)
                    note_idle(c, bits, row->node, out);
                bits = hl_without_limit(c, as, f, row, bits, out);
                take(c, bits, hl_snap_address(s, row->node), row->node, NULL, out);
                break; /* other functions with this code do the same */
            }
        }
    }
}

/* Code of the module the owner's class is in, but of another class or of none:
 * `self.desk.jobs.add`. The name alone tells less there, so it only says that somebody stores who
 * does not remove; but all, where the class has no code for it: a record that others work with. */
static void uses_of_neighbours(const hl_case *c, const hl_known_as *as, bool record, hl_uses *out)
{
    const hl_snap *s = c->snap;
    const hl_graph *g = c->graph;
    if (as->scope != HL_SCOPE_ATTR || type_is(s, as->owner, "module") ||
        (s->types[s->type[as->owner]].flags & HL_TYPE_TYPE))
        return;
    hl_node class = s->types[s->type[as->owner]].node;
    const uint32_t stores = HL_USE_STORE | HL_USE_ADD;
    for (uint32_t i = 0; class != HL_NO_NODE && i < s->n_codes; i++) {
        const hl_snap_code *row = &s->codes[i];
        uint32_t bits = 0;
        for (uint32_t u = 0; u < row->n_uses; u++) {
            const hl_snap_use *use = &s->uses[row->uses + u];
            if (use->scope == HL_SCOPE_ATTR && use->name < s->n_names &&
                !strcmp(s->names[use->name], as->name))
                bits |= use->bits;
        }
        hl_node f;
        for (hl_holders h = hl_graph_holders(g, row->node);
             (record ? bits != 0
                     : (bits & stores) && !(bits & (HL_USE_REMOVE | HL_USE_LEN | HL_USE_DROP))) &&
             hl_holders_next(&h, &f);) {
            hl_node globals = type_is(s, f, "function")
                                  ? hl_graph_follow(g, f, HL_LABEL_NAMED, "__globals__")
                                  : HL_NO_NODE;
            if (globals == HL_NO_NODE || hl_graph_label(g, globals, class) == UINT32_MAX)
                continue;
            /* that others look at all of it does not make it theirs to ask for when it is done */
            bits = record ? hl_without_limit(c, as, f, row, bits, out) &
                                ~(uint32_t)(HL_USE_WHOLE | HL_USE_HANDED | HL_USE_ENTRY)
                          : bits & stores;
            take(c, bits, hl_snap_address(s, row->node), row->node, NULL, out);
            break;
        }
    }
}

/* What stands in the code of a frame is read when it runs, not when the frame does. */
static uint32_t done_in(const hl_call_use *use, const hl_uses *out)
{
    return use->inner && out->by_reading ? use->bits & ~(uint32_t)HL_USE_GET : use->bits;
}

/* Code of frames that ran in some moment and has no function now: module bodies, locals. */
static void uses_in_frames(const hl_case *c, const hl_known_as *as, bool outside, hl_uses *out)
{
    for (uint32_t m = 0; m < c->n_moments; m++)
        for (uint32_t i = 0; i < c->moments[m].n_calls; i++) {
            const hl_call *call = &c->moments[m].calls[i];
            if (as->scope == HL_SCOPE_GLOBAL && call->globals != as->space)
                continue;
            if (as->scope == HL_SCOPE_FREE ||
                (as->scope == HL_SCOPE_ATTR &&
                 !(outside && call->globals &&
                   has_owner(c, as, hl_snap_find_address(c->snap, call->globals)))))
                continue;
            if (as->scope == HL_SCOPE_LOCAL) {
                hl_node code = hl_graph_follow(c->graph, as->owner, HL_LABEL_NAMED, "f_code");
                if (code == HL_NO_NODE || hl_snap_address(c->snap, code) != call->code)
                    continue;
            }
            for (uint32_t u = 0; u < call->n_uses; u++)
                if (call->uses[u].scope == as->scope && !strcmp(call->uses[u].name, as->name))
                    take(c, done_in(&call->uses[u], out), call->code, HL_NO_NODE, call->place, out);
        }
}

/* Code that was seen with the holder in a local: it came as an argument. */
static void uses_of_arguments(const hl_case *c, uint64_t holder, hl_uses *out)
{
    for (uint32_t m = 0; m < c->n_moments; m++)
        for (uint32_t i = 0; i < c->moments[m].n_calls; i++) {
            const hl_call *call = &c->moments[m].calls[i];
            for (uint32_t k = 0; k < call->n_locals; k++) {
                uint32_t bits = 0;
                for (uint32_t u = 0; u < call->n_uses; u++)
                    if (call->uses[u].scope == HL_SCOPE_LOCAL &&
                        !strcmp(call->uses[u].name, call->locals[k].name))
                        bits |= call->uses[u].bits;
                if (bits && call->locals[k].address == holder)
                    take(c, bits, call->code, HL_NO_NODE, call->place, out);
            }
        }
}

/* Does code that was running while the holder grew read all of it, once, outside of its loops? Then
 * it drives the filling, and what it fills is its result. */
static const char *reader_of(const hl_case *c, const hl_suspect *s, hl_node v,
                             const hl_known_as *names, uint32_t n)
{
    uint64_t holder = hl_snap_address(c->snap, v);
    for (uint32_t m = s->growth->onset; m <= s->growth->anchor; m++)
        for (uint32_t i = 0; i < c->moments[m].n_calls; i++) {
            const hl_call *call = &c->moments[m].calls[i];
            for (uint32_t u = 0; call->driver && u < call->n_uses; u++) {
                const hl_call_use *use = &call->uses[u];
                if (!(use->bits & HL_USE_WHOLE))
                    continue;
                for (uint32_t k = 0; k < call->n_locals && use->scope == HL_SCOPE_LOCAL; k++)
                    if (call->locals[k].address == holder &&
                        !strcmp(call->locals[k].name, use->name))
                        return call->place;
                for (uint32_t k = 0; k < n; k++)
                    if (use->scope == names[k].scope && use->scope != HL_SCOPE_LOCAL &&
                        (use->scope != HL_SCOPE_GLOBAL || call->globals == names[k].space) &&
                        !strcmp(use->name, names[k].name))
                        return call->place;
            }
        }
    return NULL;
}

/* Anything but putting in. */
enum {
    READS = HL_USE_TEST | HL_USE_GET | HL_USE_REMOVE | HL_USE_LEN | HL_USE_ITER | HL_USE_WHOLE |
            HL_USE_HANDED | HL_USE_COUNTED
};

/* Of a subclass its own methods may read it. */
static bool is_plain(const hl_case *c, hl_node v)
{
    static const char *const plain[] = {"list",
                                        "dict",
                                        "set",
                                        "bytearray",
                                        "str",
                                        "bytes",
                                        "tuple",
                                        "collections.deque",
                                        "array.array",
                                        "collections.OrderedDict",
                                        "collections.defaultdict"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (type_is(c->snap, v, plain[i]))
            return true;
    return false;
}

/* Does a code object that reads something by this name mean, or might it mean, the holder? An
 * attribute is anybody's who has the object; code that is no function yet may become one of any
 * module. */
static bool may_read(const hl_case *c, const hl_known_as *as, const hl_snap_code *row)
{
    const hl_snap *s = c->snap;
    hl_node f;
    if (as->scope == HL_SCOPE_LOCAL) {
        static const char *const code[] = {"f_code", "__code__", "gi_code", "cr_code", "ag_code"};
        for (size_t i = 0; i < sizeof code / sizeof *code; i++)
            if (hl_graph_follow(c->graph, as->owner, HL_LABEL_NAMED, code[i]) == row->node)
                return true;
        return false;
    }
    if (as->scope == HL_SCOPE_ATTR && !type_is(s, as->owner, "module"))
        return true;
    bool is_function = false;
    for (hl_holders h = hl_graph_holders(c->graph, row->node); hl_holders_next(&h, &f);) {
        if (!type_is(s, f, "function"))
            continue;
        is_function = true;
        if (means(c, as, f, row->node))
            return true;
    }
    return !is_function;
}

/* Is there no code, in no function and no frame that ever ran, that could look at what is put into
 * it? Then nobody waits for a result. */
static bool is_unread(const hl_case *c, const hl_suspect *s, const hl_known_as *names, uint32_t n,
                      const hl_uses *u)
{
    const hl_snap *snap = c->snap;
    if (!n || !u->n_stores || s->members > 1 || (u->all & READS) || !is_plain(c, s->holder))
        return false;
    for (uint32_t k = 0; k < n; k++)
        if (names[k].scope == HL_SCOPE_FREE)
            return false;
    bool told = false; /* by recorders that tell who only reads */
    for (uint32_t i = 0; i < snap->n_codes; i++)
        for (uint32_t j = 0; j < snap->codes[i].n_uses; j++) {
            const hl_snap_use *use = &snap->uses[snap->codes[i].uses + j];
            told = told || (use->bits & HL_USE_HANDED);
            for (uint32_t k = 0; k < n && (use->bits & READS); k++)
                if (use->scope == names[k].scope &&
                    !strcmp(snap->names[use->name], names[k].name) &&
                    may_read(c, &names[k], &snap->codes[i]))
                    return false;
        }
    for (uint32_t m = 0; m < c->n_moments; m++)
        for (uint32_t i = 0; i < c->moments[m].n_calls; i++) {
            const hl_call *call = &c->moments[m].calls[i];
            for (uint32_t j = 0; j < call->n_uses; j++)
                for (uint32_t k = 0; k < n && (call->uses[j].bits & READS); k++)
                    if (call->uses[j].scope == names[k].scope && names[k].scope == HL_SCOPE_ATTR &&
                        !strcmp(call->uses[j].name, names[k].name))
                        return false; /* globals and locals of frames are in u->all */
        }
    return told;
}

/* The nearest container above v that is no namespace. */
static hl_node container_above(const hl_case *c, hl_node v)
{
    const hl_graph *g = c->graph;
    for (v = g->parent[v]; v != HL_NO_NODE; v = g->parent[v])
        if (hl_snap_len(c->snap, v) >= 0 && !hl_graph_is_namespace(g, v))
            return v;
    return HL_NO_NODE;
}

/* Kept as one of many, not by a name of its own. */
static bool is_entry(const hl_case *c, hl_node v)
{
    enum hl_label_kind kind = hl_label_kind(c->graph->via[v]);
    hl_node parent = c->graph->parent[v];
    return (kind == HL_LABEL_VALUE || kind == HL_LABEL_INDEX || kind == HL_LABEL_ELEMENT) &&
           parent != HL_NO_NODE && !hl_graph_is_namespace(c->graph, parent);
}

/* What all code does to the holder by these names. */
static void gather(const hl_case *c, const hl_suspect *s, const hl_known_as *names, uint32_t n,
                   hl_uses *out)
{
    uses_of_arguments(c, hl_snap_address(c->snap, s->holder), out);
    hl_uses_of_self(c, s->holder, out);
    out->limit = hl_limit_of(c, s->holder, names, n);
    for (uint32_t i = 0; i < n; i++) {
        uses_in_functions(c, &names[i], false, out);
        uses_in_frames(c, &names[i], false, out);
        if (names[i].scope != HL_SCOPE_LOCAL && names[i].scope != HL_SCOPE_FREE)
            continue;
        /* a cell of a running frame is known there by its local name */
        hl_node frame;
        for (hl_holders h = hl_graph_holders(c->graph, names[i].owner);
             names[i].scope == HL_SCOPE_FREE && hl_holders_next(&h, &frame);) {
            hl_label l = hl_graph_label(c->graph, frame, names[i].owner);
            if (l == UINT32_MAX || hl_label_kind(l) != HL_LABEL_LOCAL)
                continue;
            hl_known_as local = {HL_SCOPE_LOCAL, label_name(c->snap, l), 0, frame};
            hl_known_as cell = {HL_SCOPE_FREE, local.name, 0, frame};
            hl_node code = hl_graph_follow(c->graph, frame, HL_LABEL_NAMED, "f_code");
            for (uint32_t m = 0; local.name && code != HL_NO_NODE && m < c->n_moments; m++)
                for (uint32_t k = 0; k < c->moments[m].n_calls; k++) {
                    const hl_call *call = &c->moments[m].calls[k];
                    if (call->code != hl_snap_address(c->snap, code))
                        continue;
                    for (uint32_t u = 0; u < call->n_uses; u++)
                        if (call->uses[u].scope == cell.scope &&
                            !strcmp(call->uses[u].name, cell.name))
                            take(c, done_in(&call->uses[u], out), call->code, HL_NO_NODE,
                                 call->place, out);
                }
        }
    }
    for (uint32_t i = 0; i < n && !out->n_stores; i++) {
        uses_in_functions(c, &names[i], true, out);
        uses_in_frames(c, &names[i], true, out);
    }
}

const char *hl_uses_memo_of(const hl_case *c, hl_node owner, const hl_growth *g)
{
    if (owner == HL_NO_NODE || type_is(c->snap, owner, "module") ||
        type_is(c->snap, owner, "frame") || type_is(c->snap, owner, "function") ||
        (c->snap->types[c->snap->type[owner]].flags & HL_TYPE_TYPE))
        return NULL;
    hl_known_as names[NAMES_MAX];
    hl_uses out = {.growth = g, .holder = HL_NO_NODE};
    uint32_t n = known_as(c, owner, names, NULL);
    for (uint32_t i = 0; i < n && !out.memo; i++) {
        uses_in_functions(c, &names[i], false, &out);
        uses_in_frames(c, &names[i], false, &out);
    }
    return out.memo ? out.memo_place : NULL;
}

/* Of several that store the one that was seen at work most is named. */
static void name_storer(const hl_case *c, const hl_suspect *s, hl_uses *out)
{
    uint32_t most = 0;
    for (uint32_t k = 0; out->n_stores > 1 && k < out->n_stores; k++) {
        const char *place = NULL;
        uint32_t seen = 0;
        for (uint32_t m = s->growth->onset; m <= s->growth->anchor; m++)
            for (uint32_t i = 0; i < c->moments[m].n_calls; i++)
                if (c->moments[m].calls[i].code == out->stores[k]) {
                    place = c->moments[m].calls[i].place;
                    seen++;
                }
        if (seen > most && place)
            out->storer = place;
        most = seen > most ? seen : most;
    }
}

hl_status hl_uses_find(hl_case *c, const hl_suspect *s, hl_uses *out, hl_err *err)
{
    int32_t len = hl_snap_len(c->snap, hl_entries_of(c, s->holder));
    *out =
        (hl_uses){.entries = len > 0 ? (uint32_t)len : 0, .growth = s->growth, .holder = s->holder};
    out->keyed = c->snap->types[c->snap->type[s->holder]].flags & HL_TYPE_DICT;
    hl_known_as names[NAMES_MAX];
    uint32_t strangers = 0, n = known_as(c, s->holder, names, &strangers);
    out->reader = reader_of(c, s, s->holder, names, n);
    bool entry = s->members > 1 || is_entry(c, s->holder);
    hl_node above = entry ? container_above(c, s->holder) : HL_NO_NODE;
    if (!out->reader && above != HL_NO_NODE) {
        hl_known_as
            others[NAMES_MAX]; /* who reads the whole of a table reads what its entries hold */
        uint32_t k = known_as(c, above, others, NULL);
        out->reader = reader_of(c, s, above, others, k);
        hl_uses theirs = {.growth = s->growth, .holder = HL_NO_NODE};
        for (uint32_t i = 0; i < k; i++)
            uses_in_functions(c, &others[i], false, &theirs);
        out->given = theirs.given;
    }
    hl_uses before = *out;
    gather(c, s, names, n, out);
    if (!out->n_stores && (out->all & HL_USE_GET) &&
        hl_inherits(c, s->holder, "collections.defaultdict")) {
        *out = before;
        out->by_reading = true;
        gather(c, s, names, n, out);
    }
    bool record = !out->all;
    for (uint32_t i = 0; i < n && (record || out->evicts || out->bounds); i++)
        uses_of_neighbours(c, &names[i], record, out);
    /* what nobody ever took out by its key is no cache: a register that minds doubles, a table of
     * what was seen */
    out->memo = out->memo && (out->all & HL_USE_GET);
    /* what fills it may leave the rest to a method of its own: `self._trim()` */
    out->bounds = out->bounds || out->guard;
    /* what takes entries one by one, to work on them, looks for none that is too old */
    if (out->takes && !out->keyed)
        out->sweeper = NULL;
    name_storer(c, s, out);
    out->unread = !strangers && is_unread(c, s, names, n, out);
    (void)err;
    return HL_OK;
}
