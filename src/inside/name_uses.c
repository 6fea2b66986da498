/* inside/name_uses.c: what code does to the containers it can name, added up while it is read.
 *
 * Room   inside; the cloned child.
 * Takes  from bytecode.c: this instruction does that to the value of that name.
 * Gives  rows of HL_COL_USE: who looks up, stores, adds, removes, by name.
 * Method An entry stored and another deleted with no jump between them are exchanged; what one
 *        variable had put in and then taken out, in every way through the code, is taken back. Code
 *        that begins with clear() and stores outside of loops fills nothing. */
#include "inside/name_uses.h"

static int find_use(const hl_name_uses *u, uint8_t scope, const PyObject *name)
{
    for (unsigned i = 0; i < u->n; i++)
        if (u->rows[i].name == name && u->rows[i].scope == scope)
            return (int)i;
    return -1;
}

/* A value that is the same whenever it is loaded again, until something is assigned: a local, or an
 * attribute of one. */
static bool is_steady(hl_origin o)
{
    return o.kind == HL_ORIGIN_NAME && o.name &&
           (o.scope == HL_SCOPE_LOCAL ||
            (o.scope == HL_SCOPE_ATTR && o.of && o.of_scope == HL_SCOPE_LOCAL));
}

void hl_uses_put(hl_name_uses *u, uint8_t scope, const PyObject *name, hl_origin what)
{
    int i = find_use(u, scope, name);
    if (i < 0)
        return;
    u->rows[i].put = is_steady(what) ? what : (hl_origin){0};
    u->rows[i].put_at = u->flow.at;
}

void hl_uses_back(hl_name_uses *u, uint8_t scope, const PyObject *name, hl_origin what)
{
    int i = find_use(u, scope, name);
    if (i < 0 || !is_steady(what))
        return;
    hl_origin put = u->rows[i].put;
    u->rows[i].backs += put.name == what.name && put.scope == what.scope && put.of == what.of &&
                        hl_flow_comes_after(&u->flow, u->rows[i].put_at);
}

bool hl_uses_given(hl_name_uses *u, uint8_t scope, const PyObject *name, hl_origin key,
                   hl_origin value)
{
    int i = find_use(u, scope, name);
    if (i < 0 || value.kind != HL_ORIGIN_NAME || value.scope != HL_SCOPE_LOCAL ||
        value.name == key.name || !hl_is_argument(u->code, value.name, u->code->co_argcount))
        return false;
    int own = find_use(u, HL_SCOPE_LOCAL, value.name);
    if (own >= 0 && (u->rows[own].bits & HL_USE_REBIND)) /* it is what the code made of it */
        return false;
    u->rows[i].given++;
    return true;
}

void hl_uses_counted(hl_name_uses *u, uint8_t scope, const PyObject *name, hl_origin value)
{
    int i = find_use(u, scope, name);
    bool entry = value.kind == HL_ORIGIN_ITEM || value.kind == HL_ORIGIN_FOUND;
    if (i >= 0 && entry && value.name == name && value.scope == scope)
        u->rows[i].filed++;
}

void hl_uses_forget(hl_name_uses *u, hl_origin o)
{
    for (unsigned i = 0; i < u->n; i++) {
        const hl_origin *put = &u->rows[i].put;
        if ((put->name == o.name && put->scope == o.scope) ||
            (put->of == o.name && put->of_scope == o.scope))
            u->rows[i].put = (hl_origin){0};
    }
}

void hl_uses_add(hl_name_uses *u, hl_origin o, unsigned bits)
{
    unsigned exchanged = bits & HL_USE_EXCHANGE;
    if (o.kind == HL_ORIGIN_COPY)
        bits &= ~(unsigned)HL_USE_GET;
    if ((o.kind != HL_ORIGIN_NAME && o.kind != HL_ORIGIN_COPY) || !o.name || !bits)
        return;
    int known = find_use(u, o.scope, o.name);
    unsigned i = known < 0 ? u->n : (unsigned)known;
    if (i == HL_USES_NAMES) {
        u->cut = true;
        return;
    }
    if (i == u->n) {
        u->rows[i].name = o.name;
        u->rows[i].scope = o.scope;
        u->rows[i].bits = 0;
        u->rows[i].stored_at = -1;
        u->rows[i].stored_key = u->rows[i].lost_key = NULL;
        u->rows[i].put = (hl_origin){0};
        u->rows[i].removes = u->rows[i].backs = 0;
        u->rows[i].gets = u->rows[i].filed = 0;
        u->rows[i].stores = u->rows[i].given = 0;
        u->rows[i].loses = u->rows[i].cleared = u->rows[i].fills = false;
        u->n++;
    }
    u->rows[i].bits |= bits;
    if (bits == HL_USES_CLEARS && !u->flow.straight && !hl_flow_is_guarded(&u->flow))
        u->rows[i].cleared = true;
    if ((bits & HL_USES_STORES) && (!u->rows[i].cleared || hl_flow_in_loop(&u->flow)))
        u->rows[i].fills = true;
    if (bits == HL_USE_STORE) {
        u->rows[i].stored_at = u->flow.at;
        u->rows[i].stored_key = u->key;
    }
    u->rows[i].removes += (bits & HL_USE_REMOVE) != 0;
    u->rows[i].gets += (bits & HL_USE_GET) != 0;
    u->rows[i].stores += (bits & HL_USE_STORE) != 0;
    if (!(bits & HL_USE_REMOVE) ||
        (exchanged && u->rows[i].stored_at >= u->flow.straight && !hl_flow_is_guarded(&u->flow)))
        return;
    /* the entry that is too old goes, and one with the same key takes its place */
    bool first = exchanged && u->key && !u->rows[i].lost_key;
    if (first)
        u->rows[i].lost_key = u->key;
    else if (!exchanged || u->rows[i].lost_key != u->key)
        u->rows[i].loses = true;
}

bool hl_is_argument(const PyCodeObject *code, PyObject *name, int n)
{
#if HL_PY_AT_LEAST(11)
    PyObject *names = code->co_localsplusnames;
#else
    PyObject *names = code->co_varnames;
#endif
    for (int i = 0; i < n && i < code->co_argcount && i < PyTuple_GET_SIZE(names); i++)
        if (PyTuple_GET_ITEM(names, i) == name)
            return true;
    return false;
}

void hl_uses_key(hl_name_uses *u, hl_origin key)
{
    u->key = key.kind == HL_ORIGIN_NAME && key.scope == HL_SCOPE_LOCAL ? key.name : NULL;
}

unsigned hl_uses_own_key(const hl_name_uses *u)
{
    return u->key && hl_is_argument(u->code, u->key, u->code->co_argcount) ? 0 : HL_USE_OWN_KEY;
}

void hl_uses_filed(hl_name_uses *u, hl_origin entry, PyObject *method)
{
    int i = entry.kind == HL_ORIGIN_ITEM || entry.kind == HL_ORIGIN_FOUND
                ? find_use(u, entry.scope, entry.name)
                : -1;
    if (i >= 0)
        u->rows[i].filed += hl_name_among(method, HL_WORDS_FILING_METHODS) != NULL;
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

void hl_uses_begin(hl_name_uses *u, const PyCodeObject *code)
{
    u->code = code;
    u->n = 0;
    u->key = NULL;
    u->cut = false;
    hl_flow_find(&u->flow, code);
}

void hl_uses_rows(const hl_name_uses *u, hl_walk *w, uint32_t id)
{
    enum {
        FILLS = HL_USE_STORE | HL_USE_ADD | HL_USE_REMOVE | HL_USE_ITER | HL_USE_WHOLE,
        READS = HL_USE_TEST | HL_USE_GET | HL_USE_LEN | HL_USE_HANDED | HL_USE_COUNTED
    };
    const PyCodeObject *code = u->code;
    bool is_init = hl_name_is(code->co_name, "__init__");
    if (u->n && hl_flow_never_ran(code))
        put_never_ran(w, id);
    for (unsigned i = 0; i < u->n; i++) {
        const hl_name_use *row = &u->rows[i];
        /* a local that is only looked at is another's, who gave it away; but a method may mind the
         * length of the object it is of */
        unsigned told = FILLS | READS;
        if (row->scope == HL_SCOPE_ATTR && !is_init) /* it is no limit, then */
            told |= HL_USE_REBIND;
        if (row->scope == HL_SCOPE_LOCAL)
            told = hl_is_argument(code, row->name, 1) ? FILLS | HL_USE_LEN : FILLS;
        bool loses = row->loses || (row->lost_key && row->lost_key != row->stored_key);
        unsigned bits = row->bits & ~(loses ? (unsigned)HL_USE_EXCHANGE : 0);
        if (row->removes && row->backs == row->removes)
            bits |= HL_USE_BACK;
        if (row->gets && row->filed >= row->gets)
            bits |= HL_USE_FILED;
        if (row->stores && row->given == row->stores)
            bits |= HL_USE_GIVEN;
        if (!row->fills)
            bits &=
                ~(unsigned)HL_USES_STORES; /* emptied first, it has the same few after each run */
        if (bits & told)
            put_use(w, id, row->scope, row->name, bits);
    }
    if (u->cut)
        put_unread(w, id, code);
}
