/* inside/limits.c: limits that are switched off, beside the containers they would bound.
 *
 * Room   inside; the cloned child.
 * Takes  a namespace: of a module, a class, an instance; the __slots__ of one.   Gives  rows of
 *        HL_COL_OFF and HL_COL_NUMBER.
 * Why    `if self.maxsize and len(self.cache) > self.maxsize` bounds nothing where maxsize is None
 *        or 0. Only that it does not is told, by name; no value is. Of other numbers, how many
 *        binary digits they have: 300 entries may fill up to a limit of 12, not to one of 8.
 * Knows  the layout of ints.  Must not know  code, labels. */
#include "inside/walk.h"

#include <math.h>
#include <string.h>

enum {
    ROWS_MAX = 16384,
    BUFFER_FROM = 4096,
    DIGITS_MANY = 3
}; /* three digits: sys.maxsize and beyond */

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

/* Binary digits of a whole number that may bound something worth a word; 0: it is none. */
static unsigned digits_of(PyObject *v)
{
    size_t n = Py_TYPE(v) == &PyLong_Type ? hl_abi_digits(v) : 0;
    if (!n || n >= DIGITS_MANY)
        return 0;
#if HL_PY_AT_LEAST(12)
    const digit *at = ((PyLongObject *)v)->long_value.ob_digit;
#else
    const digit *at = ((PyLongObject *)v)->ob_digit;
#endif
    uint64_t value = at[0] | (n > 1 ? (uint64_t)at[1] << PyLong_SHIFT : 0);
    return value < HL_KEYS_FROM ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static bool is_big(PyObject *v)
{
    PyTypeObject *t = Py_TYPE(v);
    if (t->tp_flags & Py_TPFLAGS_DICT_SUBCLASS)
        return ((PyDictObject *)v)->ma_used >= HL_KEYS_FROM;
    if (t == &PySet_Type)
        return ((PySetObject *)v)->used >= HL_KEYS_FROM;
    if (t == &PyByteArray_Type)
        return Py_SIZE(v) >= BUFFER_FROM;
    if ((t->tp_flags & Py_TPFLAGS_LIST_SUBCLASS) || !strcmp(t->tp_name, "collections.deque"))
        return Py_SIZE(v) >= HL_KEYS_FROM;
    return false;
}

/* name: of an attribute whose value bounds nothing, or is a number; 0: it has none. */
static void put(hl_walk *w, uint32_t id, uint32_t name, bool off, unsigned digits)
{
    if (!name)
        return;
    hl_snap_put(&w->out, off ? HL_COL_OFF : HL_COL_NUMBER, id);
    hl_snap_put(&w->out, off ? HL_COL_OFF : HL_COL_NUMBER, name);
    if (!off)
        hl_snap_put(&w->out, HL_COL_NUMBER, digits);
    w->n_off++;
}

static PyObject *in_slot(const hl_walk *w, PyObject *o, uint32_t i)
{
    return *(PyObject **)((char *)o + w->fields[i].offset);
}

void hl_limits_slots(hl_walk *w, uint32_t id, PyObject *o, uint32_t first, uint32_t n)
{
    bool big = false;
    for (uint32_t i = first; i < first + n && !big; i++)
        big = in_slot(w, o, i) && is_big(in_slot(w, o, i));
    for (uint32_t i = first; big && i < first + n && w->n_off < ROWS_MAX; i++) {
        PyObject *value = in_slot(w, o, i);
        bool off = value && is_off(value);
        unsigned digits = value && !off ? digits_of(value) : 0;
        if (off || digits)
            put(w, id, HL_LABEL_NAME(w->fields[i].label), off, digits);
    }
}

void hl_limits_rows(hl_walk *w, uint32_t id, const hl_abi_table *t)
{
    bool big = false;
    for (size_t i = 0; i < t->n && !big; i++)
        big = hl_abi_table_value(t, i) && is_big(hl_abi_table_value(t, i));
    for (size_t i = 0; big && i < t->n && w->n_off < ROWS_MAX; i++) {
        PyObject *key = hl_abi_table_key(t, i), *value = hl_abi_table_value(t, i);
        bool off = key && value && is_off(value);
        unsigned digits = key && value && !off ? digits_of(value) : 0;
        if (off || digits)
            put(w, id, hl_name_of(w, key), off, digits);
    }
}
