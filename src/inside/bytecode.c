/* inside/bytecode.c: how a code object uses the containers it can name.
 *
 * Room   inside; the cloned child.
 * Takes  a code object.   Gives  rows of HL_COL_USE: who looks up, stores, adds, removes, by name.
 * Method One pass over the instructions with a stack of origins: a slot knows the name its value
 *        was last loaded by, or nothing. Jumps are not followed: within an expression the stack is
 *        right, and that is where containers are used. A container read as a whole outside of all
 *        loops (flow.c) is read once, when it is done. What a local was last given by name is used by
 *        that name. name_uses.c adds up what is found.
 * Source Python/compile.c and Include/opcode.h of 3.9 to 3.15; stack effects of what is not named
 *        here come from PyCompile_OpcodeStackEffect, which only computes. */
#include "inside/name_uses.h"

#include <opcode.h>
#include <string.h>

enum { STACK = 128, ALIASES = 64, ADD = 0, ADD_IN_PLACE = 13, OR_IN_PLACE = 20, SUBSCRIPT = 26 };

typedef struct reading {
    const PyCodeObject *code;
    hl_origin stack[STACK];
    int depth;
    hl_origin alias[ALIASES]; /* of local slots; no name: none */
    hl_name_uses uses;        /* what was found */
} reading;

static void push(reading *r, hl_origin o)
{
    if (r->depth == STACK) { /* of one expression only the top matters */
        memmove(r->stack, r->stack + STACK / 2, STACK / 2 * sizeof *r->stack);
        r->depth = STACK / 2;
    }
    r->stack[r->depth++] = o;
}

static void push_unknown(reading *r, int n)
{
    while (n-- > 0)
        push(r, (hl_origin){0});
}

static void drop(reading *r, int n)
{
    r->depth = n < r->depth ? r->depth - n : 0;
}

/* The value n below the top; below what is known nothing is. */
static hl_origin peek(const reading *r, int n)
{
    return n >= 0 && n < r->depth ? r->stack[r->depth - 1 - n] : (hl_origin){0};
}

/* Somebody is given it, and may read it. */
static void hand(reading *r, hl_origin o)
{
    if (o.kind == HL_ORIGIN_POP) {
        o.kind = HL_ORIGIN_NAME;
        hl_uses_add(&r->uses, o, HL_USES_POPS);
        return;
    }
    unsigned bits = o.kind == HL_ORIGIN_LEN ? HL_USE_COUNTED : HL_USE_HANDED;
    if (o.kind == HL_ORIGIN_LEN || o.kind == HL_ORIGIN_SUM)
        o.kind = HL_ORIGIN_NAME;
    if (o.kind == HL_ORIGIN_NAME)
        hl_uses_add(&r->uses, o, bits);
}

static void hand_over(reading *r, int n)
{
    for (int i = 0; i < n && i < r->depth; i++)
        hand(r, peek(r, i));
    drop(r, n);
}

/* It is asked whether there is anything in it. What lies below waits for a value that is not told
 * to the end, since jumps are not followed. */
static void ask_truth(reading *r)
{
    hl_origin o = peek(r, 0);
    if (o.kind == HL_ORIGIN_NAME || o.kind == HL_ORIGIN_LEN) {
        o.kind = HL_ORIGIN_NAME;
        hl_uses_add(&r->uses, o, HL_USE_COUNTED);
    }
    for (int i = 1; i < r->depth; i++)
        hand(r, peek(r, i));
}

/* It is read from end to end. */
static void use_whole(reading *r, hl_origin o)
{
    hand(r, o);
    if (hl_flow_in_loop(&r->uses.flow))
        return;
    if (o.kind == HL_ORIGIN_NAME)
        hl_uses_add(&r->uses, o, HL_USE_WHOLE);
    if (o.kind == HL_ORIGIN_ITEM) {
        o.kind = HL_ORIGIN_NAME;
        hl_uses_add(&r->uses, o, HL_USE_ENTRY);
    }
}

static PyObject *tuple_item(PyObject *tuple, Py_ssize_t i)
{
    return i >= 0 && i < PyTuple_GET_SIZE(tuple) ? PyTuple_GET_ITEM(tuple, i) : NULL;
}

static hl_origin global_name(const reading *r, int i)
{
    return (hl_origin){
        .kind = HL_ORIGIN_NAME, .scope = HL_SCOPE_GLOBAL, .name = tuple_item(r->code->co_names, i)};
}

static hl_origin attribute(const reading *r, int i)
{
    return (hl_origin){
        .kind = HL_ORIGIN_NAME, .scope = HL_SCOPE_ATTR, .name = tuple_item(r->code->co_names, i)};
}

/* A local slot. Since 3.11 cells and free variables have slots too. */
static hl_origin local(const reading *r, int i)
{
#if HL_PY_AT_LEAST(11)
    PyObject *name = tuple_item(r->code->co_localsplusnames, i);
    bool cell = i < r->code->co_nlocalsplus &&
                (_PyLocals_GetKind(r->code->co_localspluskinds, i) & (CO_FAST_CELL | CO_FAST_FREE));
    return (hl_origin){
        .kind = HL_ORIGIN_NAME, .scope = cell ? HL_SCOPE_FREE : HL_SCOPE_LOCAL, .name = name};
#else
    return (hl_origin){.kind = HL_ORIGIN_NAME,
                       .scope = HL_SCOPE_LOCAL,
                       .name = tuple_item(r->code->co_varnames, i)};
#endif
}

static hl_origin deref(const reading *r, int i)
{
#if HL_PY_AT_LEAST(11)
    return (hl_origin){.kind = HL_ORIGIN_NAME,
                       .scope = HL_SCOPE_FREE,
                       .name = tuple_item(r->code->co_localsplusnames, i)};
#else
    Py_ssize_t cells = PyTuple_GET_SIZE(r->code->co_cellvars);
    PyObject *name = i < cells ? tuple_item(r->code->co_cellvars, i)
                               : tuple_item(r->code->co_freevars, i - cells);
    return (hl_origin){.kind = HL_ORIGIN_NAME, .scope = HL_SCOPE_FREE, .name = name};
#endif
}

static void note_method(reading *r, hl_origin of, PyObject *name)
{
    const hl_name_word *changes = hl_name_among(name, HL_WORDS_METHODS);
    if (changes)
        hl_uses_add(&r->uses, of, changes->bits);
    else if (hl_name_among(name, HL_WORDS_WHOLE_METHODS))
        use_whole(r, of);
    else if (hl_name_among(name, HL_WORDS_READING_METHODS))
        hand(r, of);
}

/* c.pop(key): like del c[key]. */
static void pop_entry(reading *r, hl_origin of, hl_origin key)
{
    of.kind = HL_ORIGIN_NAME;
    hl_uses_key(&r->uses, key);
    hl_uses_add(&r->uses, of,
                HL_USES_POPS | hl_uses_own_key(&r->uses) | (r->uses.key ? HL_USE_EXCHANGE : 0));
    hl_uses_back(&r->uses, of.scope, of.name, key);
}

/* A call with args arguments on top; `below` slots hold the callable. */
static void call(reading *r, int args, int below)
{
    hl_origin first = peek(r, args - 1), result = {0};
    bool known = false; /* what is done with the first */
    for (int i = 0; i < below && args > 0; i++) {
        hl_origin f = peek(r, args + i);
        if (f.kind == HL_ORIGIN_POP)
            pop_entry(r, f, first);
        if (f.kind != HL_ORIGIN_NAME || !f.name)
            continue;
        if (f.of && hl_name_among(f.name, HL_WORDS_FINDING_METHODS))
            result = (hl_origin){.kind = HL_ORIGIN_FOUND, .scope = f.of_scope, .name = f.of};
        if (f.of && args >= 2 && hl_name_is(f.name, "set")) { /* cache.set(key, value) */
            hl_uses_add(&r->uses,
                        (hl_origin){.kind = HL_ORIGIN_NAME, .scope = f.of_scope, .name = f.of},
                        HL_USE_STORE);
            hl_uses_given(&r->uses, f.of_scope, f.of, first, peek(r, args - 2));
        }
        if (f.of && hl_name_among(f.name, HL_WORDS_PUTTING_METHODS))
            hl_uses_put(&r->uses, f.of_scope, f.of, first);
        if (f.of && args == 1 && hl_name_among(f.name, HL_WORDS_TAKING_BACK_METHODS))
            hl_uses_back(&r->uses, f.of_scope, f.of, first);
        if (args == 1 && f.scope == HL_SCOPE_GLOBAL && hl_name_is(f.name, "len") &&
            first.kind == HL_ORIGIN_NAME) {
            result = first;
            result.kind = HL_ORIGIN_LEN;
            known = true;
        }
        const hl_name_word *changes = hl_name_among(f.name, HL_WORDS_FUNCTIONS);
        if (!changes && f.scope == HL_SCOPE_ATTR && first.scope == HL_SCOPE_LOCAL &&
            hl_is_argument(r->code, first.name, 1)) /* dict.__setitem__(self, key, value) */
            changes = hl_name_among(f.name, HL_WORDS_METHODS);
        if (changes)
            hl_uses_add(&r->uses, first, changes->bits);
        known = known || changes;
        if (hl_name_among(f.name, HL_WORDS_WHOLE_FUNCTIONS) ||
            (f.scope != HL_SCOPE_ATTR && hl_name_among(f.name, HL_WORDS_WHOLE_BUILTINS)))
            for (int k = 0; k < args; k++)
                use_whole(r, peek(r, k));
    }
    for (int i = 0; i < below && args == 0; i++)
        hand(r, peek(r, i).kind == HL_ORIGIN_POP ? peek(r, i) : (hl_origin){0});
    if (args == 0 && r->code->co_argcount) /* super(): the object itself, as its base has it */
        for (int i = 0; i < below; i++)
            if (peek(r, i).kind == HL_ORIGIN_NAME && peek(r, i).scope == HL_SCOPE_GLOBAL &&
                peek(r, i).name && hl_name_is(peek(r, i).name, "super"))
                result = local(r, 0);
    hand_over(r, args - known);
    drop(r, known + below);
    push(r, result);
}

static void compare(reading *r)
{
    for (int i = 0; i < 2; i++) {
        hl_origin o = peek(r, i);
        if ((o.kind == HL_ORIGIN_NAME || o.kind == HL_ORIGIN_SCALED) &&
            peek(r, 1 - i).kind == HL_ORIGIN_LEN) {
            hl_origin limit = o;
            limit.kind = HL_ORIGIN_NAME;
            hl_uses_add(&r->uses, limit, HL_USE_LIMIT);
        }
        hl_uses_add(&r->uses, o, o.kind == HL_ORIGIN_NAME ? HL_USE_COMPARED : 0);
        if (o.kind == HL_ORIGIN_LEN) {
            o.kind = HL_ORIGIN_NAME;
            hl_uses_add(&r->uses, o, HL_USE_LEN);
        } else
            hand(r, o);
    }
    drop(r, 2);
    push_unknown(r, 1);
}

static void store_subscript(reading *r)
{
    hl_uses_key(&r->uses, peek(r, 0));
    hl_uses_add(&r->uses, peek(r, 1),
                peek(r, 0).kind == HL_ORIGIN_SLICE ? HL_USE_STORE | HL_USE_REMOVE | HL_USE_DROP
                                                   : HL_USE_STORE);
    hl_uses_put(&r->uses, peek(r, 1).scope, peek(r, 1).name, peek(r, 0));
    /* of `a if x else f(a)` the first arm lies below the second: jumps are not followed */
    for (int i = 2; i < 4; i++)
        if (hl_uses_given(&r->uses, peek(r, 1).scope, peek(r, 1).name, peek(r, 0), peek(r, i)))
            break;
    hl_uses_counted(&r->uses, peek(r, 1).scope, peek(r, 1).name, peek(r, 2));
    hand(r, peek(r, 2));
    hand(r, peek(r, 0));
    drop(r, 3);
}

static void load_attribute(reading *r, int name, bool method)
{
    hl_origin a = attribute(r, name), of = peek(r, 0);
    bool pops = of.kind == HL_ORIGIN_NAME && of.name && a.name && hl_name_is(a.name, "pop");
    if (!pops)
        note_method(r, of, a.name);
    hl_uses_filed(&r->uses, of, a.name);
    drop(r, 1);
    if (of.kind == HL_ORIGIN_NAME) {
        a.of = of.name;
        a.of_scope = of.scope;
    }
    push(r, pops ? (hl_origin){.kind = HL_ORIGIN_POP, .scope = of.scope, .name = of.name} : a);
    if (method)
        push_unknown(r, 1);
}

/* The value on top is assigned to o. */
static void rebind(reading *r, hl_origin o)
{
    hl_origin value = peek(r, 0);
    if (value.kind == HL_ORIGIN_SUM && value.name == o.name && value.scope == o.scope) {
        drop(r, 1);
        hl_uses_add(&r->uses, o, HL_USE_ADD);
    } else
        hand_over(r, 1);
    hl_uses_add(&r->uses, o, HL_USE_REBIND);
    hl_uses_forget(&r->uses, o);
}

/* A local that was given an attribute or a global is another name for it: `rows = self.rows`. */
static hl_origin load_local(const reading *r, int i)
{
    hl_origin o = i < ALIASES && r->alias[i].name ? r->alias[i] : local(r, i);
    o.of = NULL; /* that may have another by now */
    return o;
}

static void store_local(reading *r, int i)
{
    hl_origin value = peek(r, 0), o = local(r, i);
    bool another = i < ALIASES && value.kind == HL_ORIGIN_NAME && o.scope == HL_SCOPE_LOCAL &&
                   (value.scope == HL_SCOPE_ATTR || value.scope == HL_SCOPE_GLOBAL);
    if (i < ALIASES)
        r->alias[i] = another ? value : (hl_origin){0};
    if (!another) {
        rebind(r, o);
        return;
    }
    drop(r, 1);
    hl_uses_add(&r->uses, o, HL_USE_REBIND);
    hl_uses_forget(&r->uses, o);
}

/* The same, where it was something before, which is dropped with that. */
static void renew(reading *r, hl_origin o)
{
    if (peek(r, 0).kind != HL_ORIGIN_SUM)
        hl_uses_add(&r->uses, o, HL_USE_HANDED);
    rebind(r, o);
}

static void subscript(reading *r)
{
    hl_origin of = peek(r, 1);
    hl_uses_add(&r->uses, of, HL_USE_GET);
    hand(r, peek(r, 0));
    drop(r, 2);
    of.kind = of.kind == HL_ORIGIN_NAME ? HL_ORIGIN_ITEM : HL_ORIGIN_NONE;
    push(r, of);
}

/* c + x is c with something added, as long as nobody else gets it. */
static void binary(reading *r, bool add, unsigned bits)
{
    hl_origin left = peek(r, 1), right = peek(r, 0);
    bool scaled = (left.kind == HL_ORIGIN_NAME) != (right.kind == HL_ORIGIN_NAME);
    bool sum =
        (add || bits & HL_USE_ADD) && (left.kind == HL_ORIGIN_NAME || left.kind == HL_ORIGIN_SUM);
    hl_uses_add(&r->uses, left, bits);
    hand(r, peek(r, 0));
    if (!bits && !sum)
        hand(r, left);
    drop(r, 2);
    bool entry = left.kind == HL_ORIGIN_ITEM || left.kind == HL_ORIGIN_FOUND;
    if (scaled && !sum && !entry && !bits) {
        left = left.kind == HL_ORIGIN_NAME ? left : right;
        left.kind = HL_ORIGIN_SCALED;
    } else
        left.kind = sum ? HL_ORIGIN_SUM : entry ? HL_ORIGIN_FOUND : HL_ORIGIN_NONE;
    push(r, left);
}

static void any_other(reading *r, int op, int arg)
{
    int effect = PyCompile_OpcodeStackEffect(op, arg);
    if (effect == PY_INVALID_STACK_EFFECT || effect > 16 || effect < -4096)
        return;
    if (effect > 0) {
        push_unknown(r, effect);
        return;
    }
    hand_over(r, -effect);
    if (r->depth) {
        hand(r, peek(r, 0));
        r->stack[r->depth - 1] = (hl_origin){0};
    }
}

#if HL_PY_AT_LEAST(14)
static bool is_slice(const PyObject *o)
{
    return o && Py_IS_TYPE(o, &PySlice_Type);
}
#endif

/* Instructions all versions have, or that differ only in how the argument is packed. */
static bool step_common(reading *r, int op, int arg)
{
    switch (op) {
    case NOP:
    case SETUP_ANNOTATIONS:
#if HL_PY_AT_LEAST(11)
    case RESUME:
    case CACHE:
    case MAKE_CELL:
    case COPY_FREE_VARS:
#if !HL_PY_AT_LEAST(13)
    case KW_NAMES:
#endif
#if !HL_PY_AT_LEAST(12)
    case PRECALL:
#endif
#endif
        return true;
    case LOAD_NAME:
        push(r, global_name(r, arg));
        return true;
    case LOAD_FAST:
        push(r, load_local(r, arg));
        return true;
    case LOAD_DEREF:
        push(r, deref(r, arg));
        return true;
    case STORE_NAME:
        rebind(r, global_name(r, arg));
        return true;
    case STORE_GLOBAL:
        renew(r, global_name(r, arg));
        return true;
    case STORE_FAST:
        store_local(r, arg);
        return true;
    case STORE_DEREF:
        rebind(r, deref(r, arg));
        return true;
    case STORE_ATTR:
        drop(r, 1);
        if (hl_name_is(r->code->co_name, "__init__"))
            rebind(r, attribute(r, arg));
        else
            renew(r, attribute(r, arg));
        return true;
#if HL_PY_AT_LEAST(14)
    case NOT_TAKEN:
        return true;
    case LOAD_FAST_BORROW:
        push(r, load_local(r, arg));
        return true;
    case LOAD_CONST: /* slices between numbers are constants */
        push(r,
             (hl_origin){.kind = is_slice(tuple_item(r->code->co_consts, arg)) ? HL_ORIGIN_SLICE
                                                                               : HL_ORIGIN_NONE});
        return true;
#else
    case BINARY_SUBSCR:
        subscript(r);
        return true;
#endif
    case STORE_SUBSCR:
        store_subscript(r);
        return true;
    case DELETE_SUBSCR:
        hl_uses_key(&r->uses, peek(r, 0));
        hl_uses_add(&r->uses, peek(r, 1),
                    peek(r, 0).kind == HL_ORIGIN_SLICE
                        ? HL_USE_REMOVE | HL_USE_DROP
                        : HL_USE_REMOVE | HL_USE_EXCHANGE | hl_uses_own_key(&r->uses));
        hl_uses_back(&r->uses, peek(r, 1).scope, peek(r, 1).name, peek(r, 0));
        drop(r, 2);
        return true;
    case CONTAINS_OP:
        hl_uses_add(&r->uses, peek(r, 0), HL_USE_TEST);
        hand(r, peek(r, 1));
        drop(r, 2);
        push_unknown(r, 1);
        return true;
    case GET_ITER:
        hl_uses_add(&r->uses, peek(r, 0), HL_USE_ITER);
        use_whole(r, peek(r, 0));
        drop(r, 1);
        push_unknown(r, HL_PY_AT_LEAST(15) ? 2 : 1); /* ... and where it is in a list */
        return true;
    case COMPARE_OP:
        compare(r);
        return true;
    case BUILD_SLICE:
        drop(r, arg == 3 ? 3 : 2);
        push(r, (hl_origin){.kind = HL_ORIGIN_SLICE});
        return true;
    case POP_TOP:
        drop(r, 1);
        return true;
    case JUMP_FORWARD: /* over the other arm of a conditional expression: what this one gave stays */
        hand(r, peek(r, 0));
        return true;
    case RETURN_VALUE:
        if (peek(r, 0).scope == HL_SCOPE_LOCAL)
            use_whole(r, peek(r, 0));
        hand_over(r, 1);
        return true;
    case IS_OP: /* neither is looked into */
        drop(r, 2);
        push_unknown(r, 1);
        return true;
    case UNARY_NOT:
#if HL_PY_AT_LEAST(11) && !HL_PY_AT_LEAST(12)
    case POP_JUMP_FORWARD_IF_FALSE:
    case POP_JUMP_FORWARD_IF_TRUE:
    case POP_JUMP_BACKWARD_IF_FALSE:
    case POP_JUMP_BACKWARD_IF_TRUE:
#else
    case POP_JUMP_IF_FALSE:
    case POP_JUMP_IF_TRUE:
#endif
#if !HL_PY_AT_LEAST(12)
    case JUMP_IF_FALSE_OR_POP:
    case JUMP_IF_TRUE_OR_POP:
#endif
        ask_truth(r);
        any_other(r, op, arg);
        return true;
    case LIST_EXTEND: /* [*c], f(x, *c), {**c}, f(**c) */
    case SET_UPDATE:
    case DICT_UPDATE:
    case DICT_MERGE:
        use_whole(r, peek(r, 0));
        drop(r, 1);
        return true;
    case CALL_FUNCTION_EX: /* f(*c), with c as it is; since 3.14 there is always a place for names */
        use_whole(r, peek(r, HL_PY_AT_LEAST(14) || (arg & 1)));
        any_other(r, op, arg);
        return true;
    case UNPACK_SEQUENCE:
    case UNPACK_EX:
        hand_over(r, 1);
        push_unknown(r, op == UNPACK_EX ? (arg & 0xff) + (arg >> 8) + 1 : arg);
        return true;
    case DELETE_NAME:
    case DELETE_GLOBAL:
        hl_uses_add(&r->uses, global_name(r, arg), HL_USE_HANDED);
        return true;
    case DELETE_FAST:
        hl_uses_add(&r->uses, local(r, arg), HL_USE_HANDED);
        return true;
    case DELETE_DEREF:
        hl_uses_add(&r->uses, deref(r, arg), HL_USE_HANDED);
        return true;
    case DELETE_ATTR:
        hl_uses_add(&r->uses, attribute(r, arg), HL_USE_HANDED);
        drop(r, 1);
        return true;
#if HL_PY_AT_LEAST(10)
    case GET_LEN:
    case MATCH_MAPPING:
    case MATCH_SEQUENCE:
    case MATCH_KEYS:
        hand(r, peek(r, 0));
        hand(r, peek(r, 1));
        any_other(r, op, arg);
        return true;
#endif
    default:
        return false;
    }
}

#if HL_PY_AT_LEAST(11)

static void swap(reading *r, int n)
{
    if (n < 2 || n > r->depth)
        return;
    hl_origin *top = &r->stack[r->depth - 1], *other = &r->stack[r->depth - n], t = *top;
    *top = *other;
    *other = t;
}

static void step(reading *r, int op, int arg)
{
    if (step_common(r, op, arg))
        return;
    switch (op) {
    case LOAD_GLOBAL:
        if ((arg & 1) && !HL_PY_AT_LEAST(13))
            push_unknown(r, 1);
        push(r, global_name(r, arg >> 1));
        if ((arg & 1) && HL_PY_AT_LEAST(13))
            push_unknown(r, 1);
        break;
#if HL_PY_AT_LEAST(12)
    case LOAD_ATTR:
        load_attribute(r, arg >> 1, arg & 1);
        break;
    case LOAD_SUPER_ATTR:
        note_method(r, peek(r, 0), attribute(r, arg >> 2).name); /* of the object itself */
        drop(r, 3);
        push(r, attribute(r, arg >> 2));
        push_unknown(r, arg & 1);
        break;
    case LOAD_FAST_CHECK:
    case LOAD_FAST_AND_CLEAR:
        push(r, load_local(r, arg));
        break;
    case LOAD_FROM_DICT_OR_GLOBALS:
        drop(r, 1);
        push(r, global_name(r, arg));
        break;
    case LOAD_FROM_DICT_OR_DEREF:
        drop(r, 1);
        push(r, deref(r, arg));
        break;
    case BINARY_SLICE:
        hl_uses_add(&r->uses, peek(r, 2), HL_USE_GET);
        drop(r, 3);
        push_unknown(r, 1);
        break;
    case STORE_SLICE:
        hl_uses_add(&r->uses, peek(r, 2), HL_USE_STORE | HL_USE_REMOVE | HL_USE_DROP);
        hand(r, peek(r, 3));
        drop(r, 4);
        break;
#else
    case LOAD_ATTR:
        load_attribute(r, arg, false);
        break;
    case LOAD_METHOD:
        load_attribute(r, arg, true);
        break;
    case LOAD_CLASSDEREF:
        push(r, deref(r, arg));
        break;
#endif
#if HL_PY_AT_LEAST(13)
#if HL_PY_AT_LEAST(14)
    case LOAD_FAST_BORROW_LOAD_FAST_BORROW:
#endif
    case LOAD_FAST_LOAD_FAST:
        push(r, load_local(r, arg >> 4));
        push(r, load_local(r, arg & 15));
        break;
    case STORE_FAST_LOAD_FAST:
        store_local(r, arg >> 4);
        push(r, load_local(r, arg & 15));
        break;
    case STORE_FAST_STORE_FAST:
        store_local(r, arg >> 4);
        store_local(r, arg & 15);
        break;
    case CALL_KW:
        call(r, arg + 1, 2);
        break;
#endif
    case CALL:
#if HL_PY_AT_LEAST(15)
        /* a generator expression is given what it runs over in the place of a self, and asks for
         * the iterator itself (Python/codegen.c) */
        hl_uses_add(&r->uses, peek(r, arg), HL_USE_ITER);
        use_whole(r, peek(r, arg));
#endif
        call(r, arg, 2);
        break;
    case COPY:
        /* the two of c[k] are copied one by one: COPY 2, COPY 2 */
        push(r, peek(r, arg - 1));
        if (arg > 1 && r->stack[r->depth - 1].kind == HL_ORIGIN_NAME)
            r->stack[r->depth - 1].kind = HL_ORIGIN_COPY;
        break;
    case SWAP:
        swap(r, arg);
        break;
    case BINARY_OP:
        if (HL_PY_AT_LEAST(14) && arg == SUBSCRIPT) {
            subscript(r);
            break;
        }
        binary(r, arg == ADD,
               arg == ADD_IN_PLACE  ? HL_USE_ADD
               : arg == OR_IN_PLACE ? HL_USE_STORE
                                    : 0);
        break;
    default:
        any_other(r, op, arg);
    }
}

#else /* 3.9, 3.10 */

/* Copies of the n values on top: c[k] += 1 looks up and stores, and is no memo. */
static void duplicate(reading *r, int n)
{
    for (int i = 0; i < n; i++) {
        hl_origin o = peek(r, n - 1);
        if (n > 1 && o.kind == HL_ORIGIN_NAME)
            o.kind = HL_ORIGIN_COPY;
        push(r, o);
    }
}

static void rotate(reading *r, int n)
{
    if (n > r->depth)
        return;
    hl_origin *at = &r->stack[r->depth - n], top = r->stack[r->depth - 1];
    memmove(at + 1, at, (size_t)(n - 1) * sizeof *at);
    *at = top;
}

static void step(reading *r, int op, int arg)
{
    if (step_common(r, op, arg))
        return;
    switch (op) {
    case LOAD_GLOBAL:
        push(r, global_name(r, arg));
        break;
    case LOAD_CLASSDEREF:
        push(r, deref(r, arg));
        break;
    case LOAD_ATTR:
        load_attribute(r, arg, false);
        break;
    case LOAD_METHOD:
        load_attribute(r, arg, true);
        break;
    case CALL_FUNCTION:
        call(r, arg, 1);
        break;
    case CALL_METHOD:
        call(r, arg, 2);
        break;
    case DUP_TOP:
        duplicate(r, 1);
        break;
    case DUP_TOP_TWO:
        duplicate(r, 2);
        break;
    case ROT_TWO:
        rotate(r, 2);
        break;
    case ROT_THREE:
        rotate(r, 3);
        break;
    case ROT_FOUR:
        rotate(r, 4);
        break;
    case INPLACE_ADD:
    case INPLACE_OR:
        binary(r, false, op == INPLACE_ADD ? HL_USE_ADD : HL_USE_STORE);
        break;
    case BINARY_ADD:
        binary(r, true, 0);
        break;
    case BINARY_MULTIPLY:
    case BINARY_SUBTRACT:
    case BINARY_TRUE_DIVIDE:
    case BINARY_FLOOR_DIVIDE:
        binary(r, false, 0);
        break;
    default:
        any_other(r, op, arg);
    }
}

#endif

static void step_in_line(void *state, Py_ssize_t at, int op, int arg)
{
    reading *r = state;
    hl_flow_reach(&r->uses.flow, at);
    step(r, op, arg);
    hl_flow_pass(&r->uses.flow, op);
}

void hl_code_uses(hl_walk *w, uint32_t id, const PyCodeObject *code)
{
    reading r;
    r.code = code;
    r.depth = 0;
    memset(r.alias, 0, sizeof r.alias);
    hl_uses_begin(&r.uses, code);
    if (!hl_flow_each(code, step_in_line, &r))
        r.uses.cut = true;
    hl_uses_rows(&r.uses, w, id);
}
