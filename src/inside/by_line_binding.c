/* inside/by_line_binding.c: memory by source line, for Python code.
 *
 * Room   inside; target with the GIL.
 * Gives  lines_open, lines_choose, lines_enable, lines_disable, lines_rows, lines_close: an owner is a
 *        capsule, its rows are plain tuples whose columns are named in python/heaplens/_lines.py.
 * Knows  owners and records.  Must not know  how a table looks. */
#include "inside/by_line.h" /* first: Python.h sets _GNU_SOURCE */

static const char capsule_name[] = "heaplens.lines";

/* What is closed has no pointer to give, but a capsule must have one. */
static char closed;

static hl_line_owner *owner_of(PyObject *capsule)
{
    void *p = PyCapsule_GetPointer(capsule, capsule_name);
    if (p != &closed)
        return p;
    PyErr_SetString(PyExc_ValueError, "these lines were closed");
    return NULL;
}

static void goes(PyObject *capsule)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace); /* it may go while an exception is on its way */
    void *p = PyCapsule_GetPointer(capsule, capsule_name);
    if (p && p != &closed) {
        hl_line_owner_close(p);
        hl_line_hooks_stop();
    }
    PyErr_Restore(type, value, trace);
}

static PyObject *lines_open(PyObject *module, PyObject *unused)
{
    hl_line_owner *owner = hl_line_owner_open();
    PyObject *capsule = owner ? PyCapsule_New(owner, capsule_name, goes) : NULL;
    if (capsule)
        hl_line_hooks_start();
    else if (owner)
        hl_line_owner_close(owner);
    return capsule;
}

static PyObject *lines_close(PyObject *module, PyObject *capsule)
{
    hl_line_owner *owner = owner_of(capsule);
    if (!owner || PyCapsule_SetPointer(capsule, &closed))
        return NULL;
    hl_line_owner_close(owner);
    hl_line_hooks_stop();
    Py_RETURN_NONE;
}

static PyObject *lines_choose(PyObject *module, PyObject *args)
{
    PyObject *capsule, *code, *of;
    unsigned first, last;
    if (!PyArg_ParseTuple(args, "OO!OII", &capsule, &PyCode_Type, &code, &of, &first, &last))
        return NULL;
    hl_line_owner *owner = owner_of(capsule);
    if (!owner)
        return NULL;
    if ((of != Py_None && !PyCode_Check(of)) || last < first) {
        PyErr_SetString(PyExc_ValueError, "lines of a code object, first to last");
        return NULL;
    }
    if (hl_line_choose(owner, (PyCodeObject *)code, of == Py_None ? NULL : (PyCodeObject *)of,
                       first, last))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *lines_enable(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    int everywhere = 0;
    if (!PyArg_ParseTuple(args, "O|p", &capsule, &everywhere))
        return NULL;
    hl_line_owner *owner = owner_of(capsule);
    if (!owner || hl_line_events_here(true))
        return NULL;
    owner->everywhere |= everywhere;
    owner->thread = &hl_line_self;
    owner->enabled++;
    Py_RETURN_NONE;
}

/* For threads that begin while lines of all threads are asked for; before 3.12. */
static PyObject *lines_here(PyObject *module, PyObject *unused)
{
    if (hl_line_anybody() && hl_line_events_here(true))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *lines_disable(PyObject *module, PyObject *capsule)
{
    hl_line_owner *owner = owner_of(capsule);
    if (!owner)
        return NULL;
    if (!owner->enabled || --owner->enabled)
        Py_RETURN_NONE;
    hl_line_leave_all(&hl_line_self, owner);
    if (!hl_line_anybody() && hl_line_events_here(false))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *rows_of(const hl_line_record *r)
{
    PyObject *rows = PyList_New(0);
    for (uint32_t order = 1; rows && order <= r->orders; order++)
        for (uint32_t i = 0; i < r->n; i++) {
            const hl_line_row *l = &r->rows[i];
            if (l->order != order)
                continue;
            PyObject *row =
                Py_BuildValue("(ILLKLLLL)", r->first + i, (long long)l->net, (long long)l->peak,
                              (unsigned long long)l->turns, (long long)l->rss,
                              (long long)l->rss_most, (long long)l->net_most, (long long)l->native);
            if (!row || PyList_Append(rows, row))
                Py_CLEAR(rows);
            Py_XDECREF(row);
            break;
        }
    return rows;
}

static PyObject *lines_rows(PyObject *module, PyObject *capsule)
{
    const hl_line_owner *owner = owner_of(capsule);
    PyObject *all = owner ? PyList_New(0) : NULL;
    for (const hl_line_record *r = owner ? owner->records : NULL; all && r; r = r->next) {
        PyObject *rows = rows_of(r);
        PyObject *one = rows ? Py_BuildValue("(ONLK)", r->code, rows, (long long)r->rss_first,
                                             (unsigned long long)r->calls)
                             : NULL;
        if (!one || PyList_Append(all, one))
            Py_CLEAR(all);
        Py_XDECREF(one);
    }
    return all;
}

/* What this thread made of Python's memory and did not free since lines were opened first; blocks there
 * was no memory for. */
static PyObject *lines_net(PyObject *module, PyObject *unused)
{
    return Py_BuildValue("(LK)", (long long)(hl_line_self.net - hl_line_self.native),
                         (unsigned long long)hl_line_lost());
}

static PyObject *lines_native(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(hl_line_counts_native());
}

PyMethodDef hl_by_line_methods[] = {
    {"lines_open", lines_open, METH_NOARGS,
     "lines_open()\n--\n\nAn owner of lines; bytes are "
     "counted from now on."},
    {"lines_close", lines_close, METH_O, "lines_close(owner)\n--\n\nIts lines are no more."},
    {"lines_choose", lines_choose, METH_VARARGS,
     "lines_choose(owner, code, of, first, last)\n--\n\nLines of this code object; of another one "
     "it is defined in, if of is not None."},
    {"lines_enable", lines_enable, METH_VARARGS,
     "lines_enable(owner, everywhere=False)\n--\n\nFrom now on, on this thread or on all."},
    {"lines_here", lines_here, METH_NOARGS,
     "lines_here()\n--\n\nThis thread is told of lines, too, if all are."},
    {"lines_disable", lines_disable, METH_O, "lines_disable(owner)\n--\n\nNo more, for now."},
    {"lines_rows", lines_rows, METH_O, "lines_rows(owner)\n--\n\nWhat each line did."},
    {"lines_net", lines_net, METH_NOARGS,
     "lines_net()\n--\n\nBytes this thread made of Python's memory and did not free; blocks that "
     "are "
     "not known."},
    {"lines_native", lines_native, METH_NOARGS,
     "lines_native()\n--\n\nWhether lines have what C code asks malloc and its kin for, too."},
    {NULL, NULL, 0, NULL},
};
