/* inside/expect.c: which of the objects that should be gone are still there.
 *
 * Room   inside; the cloned child.
 * Takes  the register heaplens.expect_collected keeps in heaplens._expect.   Gives  EXPECT rows.
 * Knows  the register's form: {key: (weak reference or address as hexadecimal str, reason, type)}.
 * A weak reference that has lost its referent says that it is gone. An address says nothing: its
 * row is told apart by a flag, and only a node of the type that stood there counts. */
#include "inside/layout_private.h"
#include "inside/walk.h"

enum { PLACE, REASON, TYPE, PARTS };

typedef struct expected {
    PyObject *referent; /* NULL: gone, or known by address */
    uint64_t address;   /* 0: known by a weak reference */
    PyObject *reason, *type;
} expected;

static hl_abi_table register_of(hl_walk *w)
{
    PyObject *module = hl_dict_find(hl_abi_modules(w->interp), "heaplens._expect");
    PyObject *space =
        module && PyModule_Check(module) ? HL_PEEK(module, PyObject *, module, md_dict) : NULL;
    PyObject *known = hl_dict_find(space, "_register");
    if (!known || !PyDict_Check(known))
        return (hl_abi_table){.n = 0};
    return hl_abi_dict_table((PyDictObject *)known);
}

static uint64_t hexadecimal(PyObject *text)
{
    char digits[4 * HL_NAME_CUT];
    uint64_t v = 0;
    size_t n = hl_name_utf8(text, digits);
    for (size_t i = 0; i < n && i < 16; i++) {
        char c = digits[i];
        v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return v;
}

static bool take(PyObject *row, expected *out)
{
    if (!row || !PyTuple_Check(row) || PyTuple_GET_SIZE(row) != PARTS)
        return false;
    PyObject *place = PyTuple_GET_ITEM(row, PLACE);
    *out = (expected){.reason = PyTuple_GET_ITEM(row, REASON), .type = PyTuple_GET_ITEM(row, TYPE)};
    if (PyUnicode_Check(place)) {
        out->address = hexadecimal(place);
        return out->address != 0;
    }
    if (!PyWeakref_Check(place))
        return false;
    PyObject *o = ((PyWeakReference *)place)->wr_object;
    out->referent = o && o != Py_None && o->ob_refcnt > 0 ? o : NULL;
    return true;
}

void hl_expect_reach(hl_walk *w)
{
    hl_abi_table t = register_of(w);
    for (size_t i = 0; i < t.n; i++) {
        expected x;
        if (take(hl_abi_table_value(&t, i), &x) && x.referent)
            hl_walk_reach(w, x.referent);
    }
}

/* A mark that is fresh now belongs to nothing that was met. */
static uint64_t link_at(hl_walk *w, const void *address)
{
    bool fresh;
    uint32_t id = hl_visited_mark(&w->seen, address, &fresh);
    return fresh || id == UINT32_MAX ? 0 : (uint64_t)id + 1;
}

void hl_expect_rows(hl_walk *w)
{
    hl_abi_table t = register_of(w);
    for (size_t i = 0; i < t.n; i++) {
        expected x;
        if (!take(hl_abi_table_value(&t, i), &x))
            continue;
        const void *place = x.address ? (const void *)(uintptr_t)x.address : x.referent;
        hl_snap_put(&w->out, HL_COL_EXPECT, place ? link_at(w, place) : 0);
        hl_snap_put(&w->out, HL_COL_EXPECT, x.address ? HL_EXPECT_BY_ADDRESS : 0);
        hl_snap_put(&w->out, HL_COL_EXPECT, hl_name_of(w, x.reason));
        hl_snap_put(&w->out, HL_COL_EXPECT, hl_name_of(w, x.type));
    }
}
