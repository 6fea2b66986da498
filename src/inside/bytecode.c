/* inside/bytecode.c: how a code object uses the containers it can name.
 *
 * Room   inside; the cloned child.
 * Takes  a code object.   Gives  rows of HL_COL_USE: who looks up, stores, adds, removes, by name.
 * Method One pass over the instructions with a stack of origins: a slot knows the name its value
 *        was last loaded by, or nothing. Jumps are not followed: within an expression the stack is
 *        right, and that is where containers are used. A container read as a whole outside of all
 *        loops (flow.c) is read once, when it is done. An entry stored and another deleted with no
 *        jump between them are exchanged; what one variable had put in and then taken out, in every
 *        way through the code, is taken back. Code that begins with clear() and stores outside of
 *        loops fills nothing. What a local was last given by name is used by that name.
 * Source Python/compile.c and Include/opcode.h of 3.9 to 3.15; stack effects of what is not named
 *        here come from PyCompile_OpcodeStackEffect, which only computes. */
#include "inside/flow.h"
#include "inside/walk.h"

#include <opcode.h>
#include <string.h>

enum {
    STACK = 128,
    NAMES = 128,
    ALIASES = 64,
    ADD = 0,
    ADD_IN_PLACE = 13,
    OR_IN_PLACE = 20,
    SUBSCRIPT = 26
};
enum { POPS = HL_USE_REMOVE | HL_USE_TAKE };
enum { STORES = HL_USE_STORE | HL_USE_ADD, CLEARS = HL_USE_REMOVE | HL_USE_DROP };

enum origin_kind {
    ORIGIN_NONE,
    ORIGIN_NAME,
    ORIGIN_COPY, /* duplicated for an augmented assignment: looking there up is no memo */
    ORIGIN_LEN,  /* len() of it */
    ORIGIN_SUM,  /* it, and something added: assigned to the same name, it was added to */
    ORIGIN_ITEM, /* one entry of it */
    ORIGIN_SLICE,
    ORIGIN_FOUND, /* one entry of it, by get() or setdefault() */
    ORIGIN_POP,   /* its method of that name: what is taken out the call tells */
};

typedef struct origin {
    uint8_t kind;  /* enum origin_kind */
    uint8_t scope; /* enum hl_use_scope */
    uint8_t of_scope;
    PyObject *name;
    PyObject *of; /* what it is an attribute of, if that has a name; else NULL */
} origin;

typedef struct reading {
    const PyCodeObject *code;
    origin stack[STACK];
    int depth;
    struct {
        PyObject *name;
        uint8_t scope;
        uint32_t bits;
        Py_ssize_t stored_at;    /* by the last c[k] = v; -1 */
        PyObject *stored_key;    /* the local that was the key of every c[k] = v; or ... */
        PyObject *lost_key;      /* ... of every del c[k] that was not exchanged */
        bool loses;              /* an entry is removed that was not exchanged, of another key */
        origin put;              /* the value of the last c.append(v), or the key of c[k] = v */
        Py_ssize_t put_at;       /* in the code */
        unsigned removes, backs; /* removals; of those, of what was put */
        unsigned gets, filed;    /* entries looked up; of those, to be put into */
        bool cleared;            /* before anything else, in every run */
        bool fills;              /* it may have more entries after each run */
    } uses[NAMES];
    unsigned n_uses;
    PyObject *key; /* of the entry that is being stored or removed, if a local; else NULL */
    hl_flow flow;
    origin alias[ALIASES]; /* of local slots; no name: none */
    bool cut;              /* not all of it was read */
} reading;

/* With their lengths: nearly every name is another one, and is told so by its length and first
 * letter. */
typedef struct word {
    const char *text;
    uint8_t n;
    uint16_t bits;
} word;
/* clang-format off */
#define WORD(text)          { text, sizeof text - 1, 0 }
#define CHANGES(text, bits) { text, sizeof text - 1, bits }
/* clang-format on */

static const word methods[] = {
    CHANGES("get", HL_USE_GET),
    CHANGES("setdefault", HL_USE_GET | HL_USE_STORE),
    CHANGES("update", HL_USE_STORE),
    CHANGES("append", HL_USE_ADD),
    CHANGES("add", HL_USE_ADD),
    CHANGES("extend", HL_USE_ADD),
    CHANGES("insert", HL_USE_ADD),
    CHANGES("appendleft", HL_USE_ADD),
    CHANGES("extendleft", HL_USE_ADD),
    CHANGES("put", HL_USE_ADD),
    CHANGES("put_nowait", HL_USE_ADD),
    CHANGES("write", HL_USE_ADD),
    CHANGES("writelines", HL_USE_ADD),
    CHANGES("truncate", HL_USE_REMOVE | HL_USE_DROP),
    CHANGES("pop", POPS),
    CHANGES("popitem", HL_USE_REMOVE | HL_USE_DROP | HL_USE_TAKE),
    CHANGES("popleft", HL_USE_REMOVE | HL_USE_DROP | HL_USE_TAKE),
    CHANGES("clear", HL_USE_REMOVE | HL_USE_DROP),
    CHANGES("remove", HL_USE_REMOVE),
    CHANGES("discard", HL_USE_REMOVE),
    CHANGES("__setitem__", HL_USE_STORE),
    CHANGES("__getitem__", HL_USE_GET),
    CHANGES("__contains__", HL_USE_TEST),
    CHANGES("__delitem__", HL_USE_REMOVE),
};

/* Methods that give all there is. */
static const word whole_methods[] = {
    WORD("items"), WORD("values"), WORD("most_common"), WORD("sort"),
    WORD("copy"),  WORD("tolist"), WORD("tobytes"),     WORD("getvalue"),
};

/* Methods of builtin containers that look at what there is and give some of it. */
static const word reading_methods[] = {
    WORD("index"),        WORD("count"),       WORD("keys"),        WORD("elements"),
    WORD("total"),        WORD("find"),        WORD("rfind"),       WORD("split"),
    WORD("rsplit"),       WORD("splitlines"),  WORD("decode"),      WORD("encode"),
    WORD("startswith"),   WORD("endswith"),    WORD("join"),        WORD("replace"),
    WORD("strip"),        WORD("format"),      WORD("union"),       WORD("difference"),
    WORD("intersection"), WORD("issubset"),    WORD("issuperset"),  WORD("isdisjoint"),
    WORD("hex"),          WORD("read"),        WORD("getbuffer"),   WORD("reverse"),
    WORD("rotate"),       WORD("move_to_end"), WORD("partition"),   WORD("__iter__"),
    WORD("__len__"),      WORD("tofile"),      WORD("buffer_info"),
};

/* Methods that put in what they are given first, or an entry of that key; and that take it out. */
static const word putting_methods[] = {
    WORD("append"), WORD("add"), WORD("appendleft"), WORD("setdefault"), WORD("__setitem__"),
};
static const word filing_methods[] = {
    WORD("append"), WORD("add"), WORD("extend"), WORD("appendleft"), WORD("insert"),
};
static const word finding_methods[] = {WORD("get"), WORD("setdefault")};
static const word taking_back_methods[] = {WORD("remove"), WORD("discard"), WORD("__delitem__")};

/* Functions that change the container they are given first. */
static const word functions[] = {
    CHANGES("heappush", HL_USE_ADD),
    CHANGES("insort", HL_USE_ADD),
    CHANGES("heappop", HL_USE_REMOVE | HL_USE_TAKE),
    CHANGES("heappushpop", HL_USE_ADD | HL_USE_REMOVE),
    CHANGES("heapreplace", HL_USE_ADD | HL_USE_REMOVE),
};

/* Functions that read all of a container they are given. */
static const word whole_functions[] = {
    WORD("sorted"),      WORD("sum"),    WORD("list"),          WORD("tuple"),
    WORD("set"),         WORD("dict"),   WORD("frozenset"),     WORD("min"),
    WORD("max"),         WORD("any"),    WORD("all"),           WORD("map"),
    WORD("zip"),         WORD("filter"), WORD("enumerate"),     WORD("reversed"),
    WORD("dump"),        WORD("dumps"),  WORD("writelines"),    WORD("join"),
    WORD("Counter"),     WORD("array"),  WORD("asarray"),       WORD("DataFrame"),
    WORD("mean"),        WORD("median"), WORD("stdev"),         WORD("writerows"),
    WORD("executemany"), WORD("chain"),  WORD("from_iterable"),
};

static void push(reading *r, origin o)
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
        push(r, (origin){0});
}

static void drop(reading *r, int n)
{
    r->depth = n < r->depth ? r->depth - n : 0;
}

/* The value n below the top; below what is known nothing is. */
static origin peek(const reading *r, int n)
{
    return n >= 0 && n < r->depth ? r->stack[r->depth - 1 - n] : (origin){0};
}

static int find_use(const reading *r, uint8_t scope, const PyObject *name)
{
    for (unsigned i = 0; i < r->n_uses; i++)
        if (r->uses[i].name == name && r->uses[i].scope == scope)
            return (int)i;
    return -1;
}

/* A value that is the same whenever it is loaded again, until something is assigned: a local, or an
 * attribute of one. */
static bool is_steady(origin o)
{
    return o.kind == ORIGIN_NAME && o.name &&
           (o.scope == HL_SCOPE_LOCAL ||
            (o.scope == HL_SCOPE_ATTR && o.of && o.of_scope == HL_SCOPE_LOCAL));
}

static void note_put(reading *r, uint8_t scope, const PyObject *name, origin what)
{
    int i = find_use(r, scope, name);
    if (i < 0)
        return;
    r->uses[i].put = is_steady(what) ? what : (origin){0};
    r->uses[i].put_at = r->flow.at;
}

/* What is removed: is it what was put? */
static void note_back(reading *r, uint8_t scope, const PyObject *name, origin what)
{
    int i = find_use(r, scope, name);
    if (i < 0 || !is_steady(what))
        return;
    origin put = r->uses[i].put;
    r->uses[i].backs += put.name == what.name && put.scope == what.scope && put.of == what.of &&
                        hl_flow_comes_after(&r->flow, r->uses[i].put_at);
}

/* Something is assigned to o: what was put before under that name is another object than it has
 * now. */
static void forget_put(reading *r, origin o)
{
    for (unsigned i = 0; i < r->n_uses; i++) {
        const origin *put = &r->uses[i].put;
        if ((put->name == o.name && put->scope == o.scope) ||
            (put->of == o.name && put->of_scope == o.scope))
            r->uses[i].put = (origin){0};
    }
}

static void use(reading *r, origin o, unsigned bits)
{
    unsigned exchanged = bits & HL_USE_EXCHANGE;
    if (o.kind == ORIGIN_COPY)
        bits &= ~(unsigned)HL_USE_GET;
    if ((o.kind != ORIGIN_NAME && o.kind != ORIGIN_COPY) || !o.name || !bits)
        return;
    int known = find_use(r, o.scope, o.name);
    unsigned i = known < 0 ? r->n_uses : (unsigned)known;
    if (i == NAMES) {
        r->cut = true;
        return;
    }
    if (i == r->n_uses) {
        r->uses[i].name = o.name;
        r->uses[i].scope = o.scope;
        r->uses[i].bits = 0;
        r->uses[i].stored_at = -1;
        r->uses[i].stored_key = r->uses[i].lost_key = NULL;
        r->uses[i].put = (origin){0};
        r->uses[i].removes = r->uses[i].backs = 0;
        r->uses[i].gets = r->uses[i].filed = 0;
        r->uses[i].loses = r->uses[i].cleared = r->uses[i].fills = false;
        r->n_uses++;
    }
    r->uses[i].bits |= bits;
    if (bits == CLEARS && !r->flow.straight && !hl_flow_is_guarded(&r->flow))
        r->uses[i].cleared = true;
    if ((bits & STORES) && (!r->uses[i].cleared || hl_flow_in_loop(&r->flow)))
        r->uses[i].fills = true;
    if (bits == HL_USE_STORE) {
        r->uses[i].stored_at = r->flow.at;
        r->uses[i].stored_key = r->key;
    }
    r->uses[i].removes += (bits & HL_USE_REMOVE) != 0;
    r->uses[i].gets += (bits & HL_USE_GET) != 0;
    if (!(bits & HL_USE_REMOVE) ||
        (exchanged && r->uses[i].stored_at >= r->flow.straight && !hl_flow_is_guarded(&r->flow)))
        return;
    /* the entry that is too old goes, and one with the same key takes its place */
    bool first = exchanged && r->key && !r->uses[i].lost_key;
    if (first)
        r->uses[i].lost_key = r->key;
    else if (!exchanged || r->uses[i].lost_key != r->key)
        r->uses[i].loses = true;
}

/* The first n arguments of code. */
static bool is_among_arguments(const PyCodeObject *code, PyObject *name, int n)
{
#if HL_PY_AT_LEAST(11)
    PyObject *names = code->co_localsplusnames;
#else
    PyObject *names = code->co_varnames;
#endif
    for (int i = 0; i < n && i < PyTuple_GET_SIZE(names); i++)
        if (PyTuple_GET_ITEM(names, i) == name)
            return true;
    return false;
}

/* `self`, in a method. */
static bool is_first_argument(const PyCodeObject *code, PyObject *name)
{
    return code->co_argcount && is_among_arguments(code, name, 1);
}

static void name_key(reading *r, origin key)
{
    r->key = key.kind == ORIGIN_NAME && key.scope == HL_SCOPE_LOCAL ? key.name : NULL;
}

/* An entry is removed: whose, is not for the caller to say? */
static unsigned own_key(const reading *r)
{
    return r->key && is_among_arguments(r->code, r->key, r->code->co_argcount) ? 0 : HL_USE_OWN_KEY;
}

/* Somebody is given it, and may read it. */
static void hand(reading *r, origin o)
{
    if (o.kind == ORIGIN_POP) {
        o.kind = ORIGIN_NAME;
        use(r, o, POPS);
        return;
    }
    unsigned bits = o.kind == ORIGIN_LEN ? HL_USE_COUNTED : HL_USE_HANDED;
    if (o.kind == ORIGIN_LEN || o.kind == ORIGIN_SUM)
        o.kind = ORIGIN_NAME;
    if (o.kind == ORIGIN_NAME)
        use(r, o, bits);
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
    origin o = peek(r, 0);
    if (o.kind == ORIGIN_NAME || o.kind == ORIGIN_LEN) {
        o.kind = ORIGIN_NAME;
        use(r, o, HL_USE_COUNTED);
    }
    for (int i = 1; i < r->depth; i++)
        hand(r, peek(r, i));
}

/* It is read from end to end. */
static void use_whole(reading *r, origin o)
{
    hand(r, o);
    if (hl_flow_in_loop(&r->flow))
        return;
    if (o.kind == ORIGIN_NAME)
        use(r, o, HL_USE_WHOLE);
    if (o.kind == ORIGIN_ITEM) {
        o.kind = ORIGIN_NAME;
        use(r, o, HL_USE_ENTRY);
    }
}

/* The first of words that the name is; NULL: none. */
static const word *among(PyObject *name, const word *words, size_t n)
{
    const char *text;
    size_t length = hl_name_ascii(name, &text);
    for (size_t i = 0; length && i < n; i++)
        if (words[i].n == length && words[i].text[0] == text[0] &&
            !memcmp(words[i].text, text, length))
            return &words[i];
    return NULL;
}
#define AMONG(name, words) among(name, words, sizeof words / sizeof *words)

/* `c[k].append`: the entry that was looked up is added to. */
static void note_filed(reading *r, origin entry, PyObject *method)
{
    int i = entry.kind == ORIGIN_ITEM || entry.kind == ORIGIN_FOUND
                ? find_use(r, entry.scope, entry.name)
                : -1;
    if (i >= 0)
        r->uses[i].filed += AMONG(method, filing_methods) != NULL;
}

static PyObject *tuple_item(PyObject *tuple, Py_ssize_t i)
{
    return i >= 0 && i < PyTuple_GET_SIZE(tuple) ? PyTuple_GET_ITEM(tuple, i) : NULL;
}

static origin global_name(const reading *r, int i)
{
    return (origin){
        .kind = ORIGIN_NAME, .scope = HL_SCOPE_GLOBAL, .name = tuple_item(r->code->co_names, i)};
}

static origin attribute(const reading *r, int i)
{
    return (origin){
        .kind = ORIGIN_NAME, .scope = HL_SCOPE_ATTR, .name = tuple_item(r->code->co_names, i)};
}

/* A local slot. Since 3.11 cells and free variables have slots too. */
static origin local(const reading *r, int i)
{
#if HL_PY_AT_LEAST(11)
    PyObject *name = tuple_item(r->code->co_localsplusnames, i);
    bool cell = i < r->code->co_nlocalsplus &&
                (_PyLocals_GetKind(r->code->co_localspluskinds, i) & (CO_FAST_CELL | CO_FAST_FREE));
    return (origin){
        .kind = ORIGIN_NAME, .scope = cell ? HL_SCOPE_FREE : HL_SCOPE_LOCAL, .name = name};
#else
    return (origin){
        .kind = ORIGIN_NAME, .scope = HL_SCOPE_LOCAL, .name = tuple_item(r->code->co_varnames, i)};
#endif
}

static origin deref(const reading *r, int i)
{
#if HL_PY_AT_LEAST(11)
    return (origin){.kind = ORIGIN_NAME,
                    .scope = HL_SCOPE_FREE,
                    .name = tuple_item(r->code->co_localsplusnames, i)};
#else
    Py_ssize_t cells = PyTuple_GET_SIZE(r->code->co_cellvars);
    PyObject *name = i < cells ? tuple_item(r->code->co_cellvars, i)
                               : tuple_item(r->code->co_freevars, i - cells);
    return (origin){.kind = ORIGIN_NAME, .scope = HL_SCOPE_FREE, .name = name};
#endif
}

static void note_method(reading *r, origin of, PyObject *name)
{
    const word *changes = AMONG(name, methods);
    if (changes)
        use(r, of, changes->bits);
    else if (AMONG(name, whole_methods))
        use_whole(r, of);
    else if (AMONG(name, reading_methods))
        hand(r, of);
}

/* c.pop(key): like del c[key]. */
static void pop_entry(reading *r, origin of, origin key)
{
    of.kind = ORIGIN_NAME;
    name_key(r, key);
    use(r, of, POPS | own_key(r) | (r->key ? HL_USE_EXCHANGE : 0));
    note_back(r, of.scope, of.name, key);
}

/* A call with args arguments on top; `below` slots hold the callable. */
static void call(reading *r, int args, int below)
{
    origin first = peek(r, args - 1), result = {0};
    bool known = false; /* what is done with the first */
    for (int i = 0; i < below && args > 0; i++) {
        origin f = peek(r, args + i);
        if (f.kind == ORIGIN_POP)
            pop_entry(r, f, first);
        if (f.kind != ORIGIN_NAME || !f.name)
            continue;
        if (f.of && AMONG(f.name, finding_methods))
            result = (origin){.kind = ORIGIN_FOUND, .scope = f.of_scope, .name = f.of};
        if (f.of && AMONG(f.name, putting_methods))
            note_put(r, f.of_scope, f.of, first);
        if (f.of && args == 1 && AMONG(f.name, taking_back_methods))
            note_back(r, f.of_scope, f.of, first);
        if (args == 1 && f.scope == HL_SCOPE_GLOBAL && hl_name_is(f.name, "len") &&
            first.kind == ORIGIN_NAME) {
            result = first;
            result.kind = ORIGIN_LEN;
            known = true;
        }
        const word *changes = AMONG(f.name, functions);
        if (!changes && f.scope == HL_SCOPE_ATTR && first.scope == HL_SCOPE_LOCAL &&
            is_first_argument(r->code, first.name)) /* dict.__setitem__(self, key, value) */
            changes = AMONG(f.name, methods);
        if (changes)
            use(r, first, changes->bits);
        known = known || changes;
        if (AMONG(f.name, whole_functions))
            for (int k = 0; k < args; k++)
                use_whole(r, peek(r, k));
    }
    for (int i = 0; i < below && args == 0; i++)
        hand(r, peek(r, i).kind == ORIGIN_POP ? peek(r, i) : (origin){0});
    if (args == 0 && r->code->co_argcount) /* super(): the object itself, as its base has it */
        for (int i = 0; i < below; i++)
            if (peek(r, i).kind == ORIGIN_NAME && peek(r, i).scope == HL_SCOPE_GLOBAL &&
                peek(r, i).name && hl_name_is(peek(r, i).name, "super"))
                result = local(r, 0);
    hand_over(r, args - known);
    drop(r, known + below);
    push(r, result);
}

static void compare(reading *r)
{
    for (int i = 0; i < 2; i++) {
        origin o = peek(r, i);
        if (o.kind == ORIGIN_NAME && peek(r, 1 - i).kind == ORIGIN_LEN)
            use(r, o, HL_USE_LIMIT);
        use(r, o, o.kind == ORIGIN_NAME ? HL_USE_COMPARED : 0);
        if (o.kind == ORIGIN_LEN) {
            o.kind = ORIGIN_NAME;
            use(r, o, HL_USE_LEN);
        } else
            hand(r, o);
    }
    drop(r, 2);
    push_unknown(r, 1);
}

static void store_subscript(reading *r)
{
    name_key(r, peek(r, 0));
    use(r, peek(r, 1),
        peek(r, 0).kind == ORIGIN_SLICE ? HL_USE_STORE | HL_USE_REMOVE | HL_USE_DROP
                                        : HL_USE_STORE);
    note_put(r, peek(r, 1).scope, peek(r, 1).name, peek(r, 0));
    hand(r, peek(r, 2));
    hand(r, peek(r, 0));
    drop(r, 3);
}

static void load_attribute(reading *r, int name, bool method)
{
    origin a = attribute(r, name), of = peek(r, 0);
    bool pops = of.kind == ORIGIN_NAME && of.name && a.name && hl_name_is(a.name, "pop");
    if (!pops)
        note_method(r, of, a.name);
    note_filed(r, of, a.name);
    drop(r, 1);
    if (of.kind == ORIGIN_NAME) {
        a.of = of.name;
        a.of_scope = of.scope;
    }
    push(r, pops ? (origin){.kind = ORIGIN_POP, .scope = of.scope, .name = of.name} : a);
    if (method)
        push_unknown(r, 1);
}

/* The value on top is assigned to o. */
static void rebind(reading *r, origin o)
{
    origin value = peek(r, 0);
    if (value.kind == ORIGIN_SUM && value.name == o.name && value.scope == o.scope) {
        drop(r, 1);
        use(r, o, HL_USE_ADD);
    } else
        hand_over(r, 1);
    use(r, o, HL_USE_REBIND);
    forget_put(r, o);
}

/* A local that was given an attribute or a global is another name for it: `rows = self.rows`. */
static origin load_local(const reading *r, int i)
{
    origin o = i < ALIASES && r->alias[i].name ? r->alias[i] : local(r, i);
    o.of = NULL; /* that may have another by now */
    return o;
}

static void store_local(reading *r, int i)
{
    origin value = peek(r, 0), o = local(r, i);
    bool another = i < ALIASES && value.kind == ORIGIN_NAME && o.scope == HL_SCOPE_LOCAL &&
                   (value.scope == HL_SCOPE_ATTR || value.scope == HL_SCOPE_GLOBAL);
    if (i < ALIASES)
        r->alias[i] = another ? value : (origin){0};
    if (!another) {
        rebind(r, o);
        return;
    }
    drop(r, 1);
    use(r, o, HL_USE_REBIND);
    forget_put(r, o);
}

/* The same, where it was something before, which is dropped with that. */
static void renew(reading *r, origin o)
{
    if (peek(r, 0).kind != ORIGIN_SUM)
        use(r, o, HL_USE_HANDED);
    rebind(r, o);
}

static void subscript(reading *r)
{
    origin of = peek(r, 1);
    use(r, of, HL_USE_GET);
    hand(r, peek(r, 0));
    drop(r, 2);
    of.kind = of.kind == ORIGIN_NAME ? ORIGIN_ITEM : ORIGIN_NONE;
    push(r, of);
}

/* c + x is c with something added, as long as nobody else gets it. */
static void binary(reading *r, bool add, unsigned bits)
{
    origin left = peek(r, 1);
    bool sum = (add || bits & HL_USE_ADD) && (left.kind == ORIGIN_NAME || left.kind == ORIGIN_SUM);
    use(r, left, bits);
    hand(r, peek(r, 0));
    if (!bits && !sum)
        hand(r, left);
    drop(r, 2);
    left.kind = sum ? ORIGIN_SUM : ORIGIN_NONE;
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
        r->stack[r->depth - 1] = (origin){0};
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
        push(r, (origin){.kind = is_slice(tuple_item(r->code->co_consts, arg)) ? ORIGIN_SLICE
                                                                               : ORIGIN_NONE});
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
        name_key(r, peek(r, 0));
        use(r, peek(r, 1),
            peek(r, 0).kind == ORIGIN_SLICE ? HL_USE_REMOVE | HL_USE_DROP
                                            : HL_USE_REMOVE | HL_USE_EXCHANGE | own_key(r));
        note_back(r, peek(r, 1).scope, peek(r, 1).name, peek(r, 0));
        drop(r, 2);
        return true;
    case CONTAINS_OP:
        use(r, peek(r, 0), HL_USE_TEST);
        hand(r, peek(r, 1));
        drop(r, 2);
        push_unknown(r, 1);
        return true;
    case GET_ITER:
        use(r, peek(r, 0), HL_USE_ITER);
        use_whole(r, peek(r, 0));
        drop(r, 1);
        push_unknown(r, HL_PY_AT_LEAST(15) ? 2 : 1); /* ... and where it is in a list */
        return true;
    case COMPARE_OP:
        compare(r);
        return true;
    case BUILD_SLICE:
        drop(r, arg == 3 ? 3 : 2);
        push(r, (origin){.kind = ORIGIN_SLICE});
        return true;
    case POP_TOP:
        drop(r, 1);
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
        use(r, global_name(r, arg), HL_USE_HANDED);
        return true;
    case DELETE_FAST:
        use(r, local(r, arg), HL_USE_HANDED);
        return true;
    case DELETE_DEREF:
        use(r, deref(r, arg), HL_USE_HANDED);
        return true;
    case DELETE_ATTR:
        use(r, attribute(r, arg), HL_USE_HANDED);
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
    origin *top = &r->stack[r->depth - 1], *other = &r->stack[r->depth - n], t = *top;
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
        use(r, peek(r, 2), HL_USE_GET);
        drop(r, 3);
        push_unknown(r, 1);
        break;
    case STORE_SLICE:
        use(r, peek(r, 2), HL_USE_STORE | HL_USE_REMOVE | HL_USE_DROP);
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
        use(r, peek(r, arg), HL_USE_ITER);
        use_whole(r, peek(r, arg));
#endif
        call(r, arg, 2);
        break;
    case COPY:
        /* the two of c[k] are copied one by one: COPY 2, COPY 2 */
        push(r, peek(r, arg - 1));
        if (arg > 1 && r->stack[r->depth - 1].kind == ORIGIN_NAME)
            r->stack[r->depth - 1].kind = ORIGIN_COPY;
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
        origin o = peek(r, n - 1);
        if (n > 1 && o.kind == ORIGIN_NAME)
            o.kind = ORIGIN_COPY;
        push(r, o);
    }
}

static void rotate(reading *r, int n)
{
    if (n > r->depth)
        return;
    origin *at = &r->stack[r->depth - n], top = r->stack[r->depth - 1];
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
    default:
        any_other(r, op, arg);
    }
}

#endif

static void step_in_line(void *state, Py_ssize_t at, int op, int arg)
{
    reading *r = state;
    hl_flow_reach(&r->flow, at);
    step(r, op, arg);
    hl_flow_pass(&r->flow, op);
}

static void put_use(hl_walk *w, uint32_t id, unsigned scope, PyObject *name, unsigned bits)
{
    hl_snap_put(&w->out, HL_COL_USE, id);
    hl_snap_put(&w->out, HL_COL_USE, scope);
    hl_snap_put(&w->out, HL_COL_USE, hl_name_of(w, name));
    hl_snap_put(&w->out, HL_COL_USE, bits);
}

static void put_never_ran(hl_walk *w, uint32_t id)
{
    const uint64_t row[] = {id, HL_SCOPE_CODE, 0, HL_CODE_NEVER_RAN};
    for (size_t k = 0; k < sizeof row / sizeof *row; k++)
        hl_snap_put(&w->out, HL_COL_USE, row[k]);
}

/* What was not read may do anything. */
static void put_unread(hl_walk *w, uint32_t id, const PyCodeObject *code)
{
    static const struct {
        uint8_t scope;
        bool variables;
    } all[] = {{HL_SCOPE_GLOBAL, false}, {HL_SCOPE_ATTR, false}, {HL_SCOPE_LOCAL, true}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
#if HL_PY_AT_LEAST(11)
        PyObject *names = all[k].variables ? code->co_localsplusnames : code->co_names;
#else
        PyObject *names = all[k].variables ? code->co_varnames : code->co_names;
#endif
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++)
            put_use(w, id, all[k].scope, PyTuple_GET_ITEM(names, i), HL_USE_HANDED);
    }
}

void hl_code_uses(hl_walk *w, uint32_t id, const PyCodeObject *code)
{
    enum {
        FILLS = HL_USE_STORE | HL_USE_ADD | HL_USE_REMOVE | HL_USE_ITER | HL_USE_WHOLE,
        READS = HL_USE_TEST | HL_USE_GET | HL_USE_LEN | HL_USE_HANDED | HL_USE_COUNTED
    };
    reading r;
    bool is_init = hl_name_is(code->co_name, "__init__");
    r.code = code;
    r.depth = 0;
    r.n_uses = 0;
    r.key = NULL;
    r.cut = false;
    memset(r.alias, 0, sizeof r.alias);
    hl_flow_find(&r.flow, code);
    if (!hl_flow_each(code, step_in_line, &r))
        r.cut = true;
    if (r.n_uses && hl_flow_never_ran(code))
        put_never_ran(w, id);
    for (unsigned i = 0; i < r.n_uses; i++) {
        /* a local that is only looked at is another's, who gave it away; but a method may mind the
         * length of the object it is of */
        unsigned told = FILLS | READS;
        if (r.uses[i].scope == HL_SCOPE_ATTR && !is_init) /* it is no limit, then */
            told |= HL_USE_REBIND;
        if (r.uses[i].scope == HL_SCOPE_LOCAL)
            told = is_first_argument(code, r.uses[i].name) ? FILLS | HL_USE_LEN : FILLS;
        bool loses =
            r.uses[i].loses || (r.uses[i].lost_key && r.uses[i].lost_key != r.uses[i].stored_key);
        unsigned bits = r.uses[i].bits & ~(loses ? (unsigned)HL_USE_EXCHANGE : 0);
        if (r.uses[i].removes && r.uses[i].backs == r.uses[i].removes)
            bits |= HL_USE_BACK;
        if (r.uses[i].gets && r.uses[i].filed >= r.uses[i].gets)
            bits |= HL_USE_FILED;
        if (!r.uses[i].fills)
            bits &= ~(unsigned)STORES; /* emptied first, it has the same few after each run */
        if (bits & told)
            put_use(w, id, r.uses[i].scope, r.uses[i].name, bits);
    }
    if (r.cut)
        put_unread(w, id, code);
}
