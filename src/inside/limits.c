/* inside/limits.c: limits that are switched off, beside the containers they would bound.
 *
 * Room   inside; the cloned child.
 * Takes  a namespace: of a module, a class, an instance.   Gives  rows of HL_COL_OFF.
 * Why    `if self.maxsize and len(self.cache) > self.maxsize` bounds nothing where maxsize is None
 *        or 0. Only that it does not is told, by name; no value is.
 * Knows  the layout of ints.  Must not know  code, labels. */
#include "inside/walk.h"

#include <math.h>
#include <string.h>

enum { ROWS_MAX = 16384, DIGITS_MANY = 3 }; /* three digits: sys.maxsize and beyond */

/* A bound of nothing: None, False, 0, below 0, infinite, or more than any memory could hold. */
static bool is_off(PyObject *v)
{
    if (v == Py_None || v == Py_False)
        return true;
    if (Py_TYPE(v) == &PyFloat_Type)
        return isinf(((PyFloatObject *)v)->ob_fval);
    if (Py_TYPE(v) != &PyLong_Type)
        return false;
#if HL_PY_AT_LEAST(12)
    bool negative = (((PyLongObject *)v)->long_value.lv_tag & 3) == 2;
#else
    bool negative = Py_SIZE(v) < 0;
#endif
    size_t digits = hl_abi_digits(v);
    return negative || digits == 0 || digits >= DIGITS_MANY;
}

static bool is_big(PyObject *v)
{
    PyTypeObject *t = Py_TYPE(v);
    if (t->tp_flags & Py_TPFLAGS_DICT_SUBCLASS)
        return ((PyDictObject *)v)->ma_used >= HL_KEYS_FROM;
    if (t == &PySet_Type)
        return ((PySetObject *)v)->used >= HL_KEYS_FROM;
    if ((t->tp_flags & Py_TPFLAGS_LIST_SUBCLASS) || !strcmp(t->tp_name, "collections.deque"))
        return Py_SIZE(v) >= HL_KEYS_FROM;
    return false;
}

void hl_limits_rows(hl_walk *w, uint32_t id, const hl_abi_table *t)
{
    bool big = false;
    for (size_t i = 0; i < t->n && !big; i++)
        big = hl_abi_table_value(t, i) && is_big(hl_abi_table_value(t, i));
    for (size_t i = 0; big && i < t->n && w->n_off < ROWS_MAX; i++) {
        PyObject *key = hl_abi_table_key(t, i), *value = hl_abi_table_value(t, i);
        uint32_t name = key && value && is_off(value) ? hl_name_of(w, key) : 0;
        if (!name)
            continue;
        hl_snap_put(&w->out, HL_COL_OFF, id);
        hl_snap_put(&w->out, HL_COL_OFF, name);
        w->n_off++;
    }
}
