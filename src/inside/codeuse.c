/* inside/codeuse.c: code objects, and how their bytecode uses the containers it can name.
 *
 * Room   inside; the cloned child.
 * Takes  a code object.   Gives  rows of HL_COL_CODE and HL_COL_USE.
 * Knows  bytecode of 3.9 to 3.15.  Must not know  objects, frames. */
#include "inside/walk.h"

/* The names of locals, cells and free variables, in the order of the frame's slots. */
static PyObject *slot_name(const PyCodeObject *c, Py_ssize_t i)
{
#if HL_PY_AT_LEAST(11)
    return i < PyTuple_GET_SIZE(c->co_localsplusnames) ? PyTuple_GET_ITEM(c->co_localsplusnames, i)
                                                       : NULL;
#else
    return i < PyTuple_GET_SIZE(c->co_varnames) ? PyTuple_GET_ITEM(c->co_varnames, i) : NULL;
#endif
}

static void put_name(hl_walk *w, PyObject *name)
{
    hl_snap_put(&w->out, HL_COL_CODE, hl_name_of(w, name));
}

static void put_free(hl_walk *w, const PyCodeObject *c)
{
#if HL_PY_AT_LEAST(11)
    int n = c->co_nfreevars, first = c->co_nlocalsplus - n;
    hl_snap_put(&w->out, HL_COL_CODE, (uint64_t)n);
    for (int i = 0; i < n; i++)
        put_name(w, slot_name(c, first + i));
#else
    Py_ssize_t n = PyTuple_GET_SIZE(c->co_freevars);
    hl_snap_put(&w->out, HL_COL_CODE, (uint64_t)n);
    for (Py_ssize_t i = 0; i < n; i++)
        put_name(w, PyTuple_GET_ITEM(c->co_freevars, i));
#endif
}

void hl_code_rows(hl_walk *w, uint32_t id, PyCodeObject *code)
{
    hl_snap_put(&w->out, HL_COL_CODE, id);
    put_name(w, code->co_name);
#if HL_PY_AT_LEAST(11)
    put_name(w, code->co_qualname);
#else
    put_name(w, code->co_name);
#endif
    put_name(w, code->co_filename);
    hl_snap_put(&w->out, HL_COL_CODE,
                code->co_firstlineno > 0 ? (uint64_t)code->co_firstlineno : 0);
    hl_snap_put(&w->out, HL_COL_CODE, (uint64_t)code->co_argcount);
    hl_snap_put(&w->out, HL_COL_CODE, (uint64_t)code->co_kwonlyargcount);
    hl_snap_put(&w->out, HL_COL_CODE, (uint64_t)code->co_nlocals);
    for (int i = 0; i < code->co_nlocals; i++)
        put_name(w, slot_name(code, i));
    put_free(w, code);
    hl_code_uses(w, id, code); /* USE rows: bytecode.c */
}
