/* diagnose/kept_limit.c: is there code that keeps a container below a limit, and is it reached?
 *
 * Room   diagnose; analyser process; works on the anchor's graph.
 * Method Code minds the length of the container, of the object it is in, or of itself; or what it
 *        compares is a number: then an attribute that only __init__ assigns, and that is no less
 *        than the container is long, is the limit. One that is None or 0 is none. */
#include "diagnose/uses.h"

#include <string.h>

static bool type_is(const hl_snap *s, hl_node v, const char *name)
{
    return v != HL_NO_NODE && !strcmp(hl_snap_type_name(s, v), name);
}

/* ---- limits that are switched off ---------------------------------------------------------------
 */

/* The namespaces in which a name stands that code of f uses beside the holder; HL_NO_NODE: none. */
static void spaces_of(const hl_case *c, const hl_known_as *as, hl_node f, const hl_snap_use *use,
                      hl_node out[2])
{
    out[0] = out[1] = HL_NO_NODE;
    if (use->scope == HL_SCOPE_GLOBAL) {
        out[0] = hl_graph_follow(c->graph, f, HL_LABEL_NAMED, "__globals__");
    } else if (use->scope == HL_SCOPE_ATTR && as->scope == HL_SCOPE_ATTR) {
        out[0] = as->owner;
        out[1] = hl_graph_follow(c->graph, as->owner, HL_LABEL_NAMED, "__dict__");
    }
}

/* Is it a limit that is switched off? */
static bool is_off(const hl_case *c, const hl_known_as *as, hl_node f, const hl_snap_use *use)
{
    hl_node spaces[2];
    bool off = false;
    spaces_of(c, as, f, use, spaces);
    for (size_t k = 0; k < 2 && !off; k++)
        off = spaces[k] != HL_NO_NODE &&
              hl_snap_is_off(c->snap, spaces[k], c->snap->names[use->name]);
    return off;
}

bool hl_minds_owner(const hl_case *c, const hl_known_as *as, const hl_snap_code *row)
{
    const hl_snap *s = c->snap;
    bool minds = false;
    for (uint32_t u = row->uses; row->args && row->n_vars && u < row->uses + row->n_uses; u++)
        minds = minds || (s->uses[u].scope == HL_SCOPE_LOCAL && (s->uses[u].bits & HL_USE_LEN) &&
                          s->uses[u].name == s->name_lists[row->vars]);
    hl_node type = s->types[s->type[as->owner]].node;
    hl_node dict = minds && type != HL_NO_NODE
                       ? hl_graph_follow(c->graph, type, HL_LABEL_NAMED, "__dict__")
                       : HL_NO_NODE;
    hl_node length =
        dict == HL_NO_NODE ? HL_NO_NODE : hl_graph_follow(c->graph, dict, HL_LABEL_KEY, "__len__");
    hl_node code = length == HL_NO_NODE
                       ? HL_NO_NODE
                       : hl_graph_follow(c->graph, length, HL_LABEL_NAMED, "__code__");
    const hl_snap_code *of = code == HL_NO_NODE ? NULL : hl_snap_code_of(s, code);
    for (uint32_t u = of ? of->uses : 0; of && u < of->uses + of->n_uses; u++)
        if (s->uses[u].scope == HL_SCOPE_ATTR && !strcmp(s->names[s->uses[u].name], as->name))
            return true;
    return false;
}

/* Is it a number beside the holder that is far below the holder's length? What is done about it then, a
 * word in a log, a request to send less, does not keep it. */
static bool is_passed(const hl_case *c, const hl_known_as *as, hl_node f, const hl_snap_use *use,
                      hl_node holder)
{
    enum { FAR_BITS = 3 };
    const hl_snap *s = c->snap;
    hl_node spaces[2];
    spaces_of(c, as, f, use, spaces);
    for (size_t k = 0; k < 2; k++) {
        uint32_t at, n = spaces[k] == HL_NO_NODE ? 0 : hl_snap_numbers_of(s, spaces[k], &at);
        for (uint32_t i = 0; i < n; i++)
            if (s->numbers[at + i].name == use->name && s->numbers[at + i].digits + FAR_BITS < 32 &&
                hl_snap_len(s, holder) >= INT64_C(1) << (s->numbers[at + i].digits + FAR_BITS))
                return true;
    }
    return false;
}

uint32_t hl_without_limit(const hl_case *c, const hl_known_as *as, hl_node f,
                          const hl_snap_code *row, uint32_t bits, hl_uses *out)
{
    const char *off = NULL, *passed = NULL;
    for (uint32_t u = row->uses; (bits & HL_USE_LEN) && u < row->uses + row->n_uses; u++) {
        const hl_snap_use *use = &c->snap->uses[u];
        if (!(use->bits & HL_USE_LIMIT))
            continue;
        if (out->holder != HL_NO_NODE && is_passed(c, as, f, use, out->holder))
            passed = c->snap->names[use->name];
        else if (is_off(c, as, f, use))
            off = c->snap->names[use->name];
        else
            return bits;
    }
    if (passed)
        out->passed = passed;
    if (!off) /* what it takes out, it takes out */
        return passed ? bits & ~(uint32_t)HL_USE_LEN : bits;
    out->off = off;
    return bits & ~(uint32_t)(HL_USE_LEN | HL_USE_REMOVE | HL_USE_DROP | HL_USE_TAKE);
}

/* ---- limits that are kept elsewhere -------------------------------------------------------------
 */

/* The class of an object that Python code made; or NO_NODE. */
static hl_node own_class(const hl_case *c, hl_node v)
{
    const hl_snap_type *t = &c->snap->types[c->snap->type[v]];
    return t->flags & HL_TYPE_HEAP ? t->node : HL_NO_NODE;
}

/* A function with this code that the class has, or NO_NODE. */
static hl_node method_of(const hl_case *c, hl_node class, hl_node code)
{
    hl_node f;
    for (hl_holders h = hl_graph_holders(c->graph, code); hl_holders_next(&h, &f);)
        if (type_is(c->snap, f, "function") && hl_class_has(c, class, f))
            return f;
    return HL_NO_NODE;
}

uint32_t hl_bits_of(const hl_snap *s, const hl_snap_code *row, enum hl_use_scope scope,
                    const char *name)
{
    uint32_t bits = 0;
    for (uint32_t u = row->uses; u < row->uses + row->n_uses; u++)
        if (s->uses[u].scope == scope && !strcmp(s->names[s->uses[u].name], name))
            bits |= s->uses[u].bits;
    return bits;
}

static uint32_t bits_of_self(const hl_snap *s, const hl_snap_code *row)
{
    return row->args && row->n_vars
               ? hl_bits_of(s, row, HL_SCOPE_LOCAL, s->names[s->name_lists[row->vars]])
               : 0;
}

void hl_uses_of_self(const hl_case *c, hl_node holder, hl_uses *out)
{
    const hl_snap *s = c->snap;
    hl_node class = own_class(c, holder);
    for (uint32_t i = 0; class != HL_NO_NODE && i < s->n_codes && !out->guard; i++) {
        const hl_snap_code *row = &s->codes[i];
        uint32_t bits = bits_of_self(s, row);
        if ((bits & HL_USE_LEN) && (bits & HL_USE_REMOVE) &&
            hl_case_ran(c, hl_snap_address(s, row->node)) &&
            method_of(c, class, row->node) != HL_NO_NODE)
            out->guard = hl_code_place(c, row->node);
    }
}

/* Does code beside the class, in the module its methods are of, assign an attribute of that name? */
static bool module_assigns(const hl_case *c, hl_node globals, const hl_snap_code *row)
{
    hl_node f;
    for (hl_holders h = hl_graph_holders(c->graph, row->node); hl_holders_next(&h, &f);)
        if (type_is(c->snap, f, "function") &&
            hl_graph_follow(c->graph, f, HL_LABEL_NAMED, "__globals__") == globals)
            return true;
    return false;
}

/* The same of module bodies, which are no functions. */
static bool body_assigns(const hl_case *c, hl_node globals, const char *name)
{
    uint64_t space = hl_snap_address(c->snap, globals);
    for (uint32_t m = 0; m < c->n_moments; m++)
        for (uint32_t i = 0; i < c->moments[m].n_calls; i++) {
            const hl_call *call = &c->moments[m].calls[i];
            for (uint32_t u = 0; call->body && call->globals == space && u < call->n_uses; u++)
                if (call->uses[u].scope == HL_SCOPE_ATTR && (call->uses[u].bits & HL_USE_REBIND) &&
                    !strcmp(call->uses[u].name, name))
                    return true;
        }
    return false;
}

/* What a class does with one of its attributes. */
typedef struct attribute_use {
    bool compared; /* with something, by code that has run and works on the holder */
    bool moves;    /* assigned by other code than an __init__: a counter or a clock, and no limit */
} attribute_use;

static attribute_use use_of_attribute(const hl_case *c, hl_node class, const char *name,
                                      const char *holder)
{
    const hl_snap *s = c->snap;
    attribute_use a = {false, false};
    hl_node globals = HL_NO_NODE; /* of the class' module */
    for (uint32_t i = 0; i < s->n_codes; i++) {
        const hl_snap_code *row = &s->codes[i];
        uint32_t bits = hl_bits_of(s, row, HL_SCOPE_ATTR, name);
        hl_node method =
            bits & (HL_USE_COMPARED | HL_USE_REBIND) ? method_of(c, class, row->node) : HL_NO_NODE;
        if (method == HL_NO_NODE)
            continue;
        if (globals == HL_NO_NODE)
            globals = hl_graph_follow(c->graph, method, HL_LABEL_NAMED, "__globals__");
        const char *function = s->names[row->name];
        a.moves = a.moves || ((bits & HL_USE_REBIND) && strcmp(function, "__init__") != 0);
        uint32_t work = hl_bits_of(s, row, HL_SCOPE_ATTR, holder);
        bool works = (work & (HL_USE_STORE | HL_USE_ADD | HL_USE_REMOVE | HL_USE_LEN)) != 0;
        /* what the length of something else is compared with is a limit of that */
        bool of_another = (bits & HL_USE_LIMIT) && !((work | bits_of_self(s, row)) & HL_USE_LEN);
        a.compared = a.compared || (works && (bits & HL_USE_COMPARED) && !of_another &&
                                    hl_case_ran(c, hl_snap_address(s, row->node)));
    }
    for (uint32_t i = 0; a.compared && !a.moves && globals != HL_NO_NODE && i < s->n_codes; i++)
        a.moves = (hl_bits_of(s, &s->codes[i], HL_SCOPE_ATTR, name) & HL_USE_REBIND) &&
                  strcmp(s->names[s->codes[i].name], "__init__") != 0 &&
                  module_assigns(c, globals, &s->codes[i]);
    if (a.compared && !a.moves && globals != HL_NO_NODE)
        a.moves = body_assigns(c, globals, name);
    return a;
}

/* Is there code of the class, though it may not have been needed yet, that takes entries out? */
static bool class_removes(const hl_case *c, hl_node class, const char *holder)
{
    const hl_snap *s = c->snap;
    for (uint32_t i = 0; i < s->n_codes; i++)
        if ((hl_bits_of(s, &s->codes[i], HL_SCOPE_ATTR, holder) & HL_USE_REMOVE) &&
            method_of(c, class, s->codes[i].node) != HL_NO_NODE)
            return true;
    return false;
}

/* A limit kept in numbers: `while self.used + size > self.maxsize: self.popitem()`. An attribute of
 * the holder's owner that only __init__ assigns, and that is no less than the holder is long. */
static const char *limit_beside(const hl_case *c, hl_node holder, hl_node owner, const char *name)
{
    const hl_snap *s = c->snap;
    hl_node class = own_class(c, owner);
    hl_node dict = hl_graph_follow(c->graph, owner, HL_LABEL_NAMED, "__dict__");
    const hl_node spaces[] = {owner, dict};
    if (class == HL_NO_NODE || !class_removes(c, class, name))
        return NULL;
    for (size_t k = 0; k < sizeof spaces / sizeof *spaces; k++) {
        uint32_t at, n = spaces[k] == HL_NO_NODE ? 0 : hl_snap_numbers_of(s, spaces[k], &at);
        for (uint32_t i = 0; i < n; i++) {
            const hl_snap_number *x = &s->numbers[at + i];
            if (x->digits < 32 && hl_snap_len(s, holder) >= INT64_C(1) << x->digits)
                continue;
            attribute_use a = use_of_attribute(c, class, s->names[x->name], name);
            if (a.compared && !a.moves)
                return s->names[x->name];
        }
    }
    return NULL;
}

const char *hl_limit_of(const hl_case *c, hl_node holder, const hl_known_as *names, uint32_t n)
{
    enum { APART = 2 };
    const hl_snap *s = c->snap;
    for (uint32_t k = 0; k < n; k++) {
        hl_node owner = names[k].owner;
        if (names[k].scope != HL_SCOPE_ATTR || own_class(c, owner) == HL_NO_NODE)
            continue;
        const char *limit = limit_beside(c, holder, owner, names[k].name);
        hl_node dict = hl_graph_follow(c->graph, owner, HL_LABEL_NAMED, "__dict__");
        const hl_node spaces[] = {owner, dict};
        for (size_t i = 0; !limit && i < 2; i++)
            for (uint32_t e = spaces[i] == HL_NO_NODE ? 0 : s->off[spaces[i]];
                 !limit && spaces[i] != HL_NO_NODE && e < s->off[spaces[i] + 1]; e++) {
                hl_node v = s->dst[e];
                int64_t apart = (int64_t)hl_snap_len(s, v) - hl_snap_len(s, holder);
                enum hl_label_kind kind = hl_label_kind(s->label[e]);
                if (v != holder && apart >= -APART && apart <= APART &&
                    (kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT || kind == HL_LABEL_KEY) &&
                    hl_label_value(s->label[e]))
                    limit = limit_beside(c, v, owner, s->names[hl_label_value(s->label[e])]);
            }
        if (limit)
            return limit;
    }
    return NULL;
}
