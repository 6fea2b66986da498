/* inside/threads.c: who the threads are.
 *
 * Room   inside; the cloned child.
 * Takes  the thread states, and what the module threading says of them.   Gives  column THREAD.
 * Knows  thread states, attributes of a Thread.  Must not know  frames (frames.c). threading keeps
 *        its threads in a dict by ident; a thread it has no object for was made by C. */
#include "inside/layout_private.h"
#include "inside/walk.h"

enum { DIGITS_OF_64_BITS = 3 };

static bool value_of(PyObject *o, uint64_t *out)
{
    size_t n = PyLong_CheckExact(o) ? hl_abi_digits(o) : DIGITS_OF_64_BITS + 1;
    if (n > DIGITS_OF_64_BITS)
        return false;
#if HL_PY_AT_LEAST(12)
    const digit *d = ((PyLongObject *)o)->long_value.ob_digit;
#else
    const digit *d = ((PyLongObject *)o)->ob_digit;
#endif
    *out = 0;
    while (n--)
        *out = *out << PyLong_SHIFT | d[n];
    return true;
}

static PyObject *attribute(PyObject *o, const char *name)
{
    PyTypeObject *t = Py_TYPE(o);
    PyObject *dict = NULL;
#if HL_PY_AT_LEAST(11)
    if (hl_abi_managed_dict(t)) {
        hl_abi_table table;
        size_t bytes;
        hl_abi_inline_values(o, t, &table, &dict, &bytes);
        for (size_t i = 0; i < table.n; i++)
            if (table.values[i] && hl_name_is(hl_abi_table_key(&table, i), name))
                return table.values[i];
    }
#endif
    if (!dict && t->tp_dictoffset > 0)
        dict = *(PyObject **)((char *)o + t->tp_dictoffset);
    return hl_dict_find(dict, name);
}

/* threading._active, or NULL: not imported. */
static PyObject *active_threads(PyInterpreterState *interp)
{
    PyObject *module = hl_dict_find(hl_abi_modules(interp), "threading");
    return module && PyModule_Check(module)
               ? hl_dict_find(HL_PEEK(module, PyObject *, module, md_dict), "_active")
               : NULL;
}

static PyObject *thread_object(PyObject *active, uint64_t ident)
{
    if (!active || !PyDict_Check(active))
        return NULL;
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)active);
    for (size_t i = 0; i < t.n; i++) {
        PyObject *key = hl_abi_table_key(&t, i), *value = hl_abi_table_value(&t, i);
        uint64_t number;
        if (key && value && value_of(key, &number) && number == ident)
            return value;
    }
    return NULL;
}

static bool has_frames(const PyThreadState *t)
{
#if HL_PY_AT_LEAST(11)
    const _PyInterpreterFrame *f = hl_abi_current_frame(t);
    while (f && hl_abi_frame_of_c(f)) /* in 3.15 every thread has one, which ends its list */
        f = f->previous;
    return f != NULL;
#else
    return t->frame != NULL;
#endif
}

void hl_thread_row(hl_walk *w, PyThreadState *t, uint32_t index)
{
    PyObject *o = thread_object(active_threads(w->interp), (uint64_t)t->thread_id);
    PyObject *daemon = o ? attribute(o, "_daemonic") : NULL;
    bool main = t->thread_id == _PyRuntime.main_thread;
    if (!o && !main && !has_frames(t))
        return; /* ours: it attached itself for the moment of the clone */
    hl_snap_put(&w->out, HL_COL_THREAD, index);
    hl_snap_put(&w->out, HL_COL_THREAD, (uint64_t)t->thread_id);
#if HL_PY_AT_LEAST(11)
    hl_snap_put(&w->out, HL_COL_THREAD, (uint64_t)t->native_thread_id);
#else
    hl_snap_put(&w->out, HL_COL_THREAD, 0);
#endif
    hl_snap_put(&w->out, HL_COL_THREAD, o ? (uint64_t)hl_walk_reach(w, o) + 1 : 0);
    hl_snap_put(&w->out, HL_COL_THREAD, o ? hl_name_of(w, attribute(o, "_name")) : 0);
    hl_snap_put(&w->out, HL_COL_THREAD,
                (daemon == Py_True ? HL_THREAD_DAEMON : 0) | (main ? HL_THREAD_MAIN : 0) |
                    (o ? HL_THREAD_KNOWN : 0));
}
