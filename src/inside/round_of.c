/* inside/round_of.c: every return of one function is a round.
 *
 * Room   inside; target with the GIL, under `heaplens run --rounds [MODULE:]FUNCTION`.
 * Takes  the name.   Gives  rounds (rounds.c).
 * Method PEP 669. Until the function is found each code object reports its first start and is then
 *        left alone; from there on only that function's own code reports, and only its returns.
 *        Everything else runs as without us. Before 3.12 there is nothing of the kind: a profile
 *        function would slow every call of the program down. */
#include "inside/monitoring.h" /* first: Python.h sets _GNU_SOURCE */
#include "inside/rounds.h"

#include <stdio.h>
#include <string.h>

#if HL_PY_AT_LEAST(12)

enum { NAME_MAX_BYTES = 512 };

static struct {
    char module[NAME_MAX_BYTES];
    const char *function;
    PyObject *disable;       /* kept for good */
    long tool, start, leave; /* its id; bits of the events */
} of;

static bool is_named(PyObject *text, const char *name)
{
    return text && PyUnicode_Check(text) && PyUnicode_CompareWithASCIIString(text, name) == 0;
}

static PyObject *on_leave(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    hl_rounds_done();
    Py_RETURN_NONE;
}

static PyMethodDef leave_def = {"heaplens_round", (PyCFunction)(void (*)(void))on_leave,
                                METH_FASTCALL, NULL};

static bool follow(PyObject *code)
{
    PyObject *callback = PyCFunction_New(&leave_def, NULL);
    bool ok = callback &&
              hl_monitoring_ask("register_callback", "(llO)", of.tool, of.leave, callback) &&
              hl_monitoring_ask("register_callback", "(llO)", of.tool, of.start, Py_None) &&
              hl_monitoring_ask("set_events", "(ll)", of.tool, 0L) &&
              hl_monitoring_ask("set_local_events", "(lOl)", of.tool, code, of.leave);
    Py_XDECREF(callback);
    PyErr_Clear();
    return ok;
}

static PyObject *on_start(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    if (n < 1 || !PyCode_Check(args[0]) ||
        !is_named(((PyCodeObject *)args[0])->co_qualname, of.function))
        return Py_NewRef(of.disable);
    PyObject *globals = PyEval_GetGlobals();
    if (!globals || !is_named(PyDict_GetItemString(globals, "__name__"), of.module))
        return Py_NewRef(of.disable);
    if (!follow(args[0]))
        return Py_NewRef(of.disable);
    Py_RETURN_NONE;
}

static PyMethodDef start_def = {"heaplens_find", (PyCFunction)(void (*)(void))on_start,
                                METH_FASTCALL, NULL};

static void take_name(const char *name)
{
    const char *colon = strchr(name, ':');
    if (colon)
        snprintf(of.module, sizeof of.module, "%.*s", (int)(colon - name), name);
    else
        snprintf(of.module, sizeof of.module, "__main__");
    of.function = colon ? colon + 1 : name;
}

bool hl_round_of_arm(const hl_page *page, char *why, size_t size)
{
    if (!page->round_of[0])
        return true;
    take_name(page->round_of);
    PyObject *monitoring = PySys_GetObject("monitoring");
    PyObject *callback = PyCFunction_New(&start_def, NULL);
    of.disable = monitoring ? PyObject_GetAttrString(monitoring, "DISABLE") : NULL;
    bool ok = callback && of.disable && (of.start = hl_monitoring_event("PY_START")) > 0 &&
              (of.leave = hl_monitoring_event("PY_RETURN")) > 0 &&
              (of.tool = hl_monitoring_tool()) >= 0 &&
              hl_monitoring_ask("register_callback", "(llO)", of.tool, of.start, callback) &&
              hl_monitoring_ask("set_events", "(ll)", of.tool, of.start);
    Py_XDECREF(callback);
    PyErr_Clear();
    if (!ok)
        snprintf(why, size, "--rounds: sys.monitoring of this interpreter does not take a tool");
    return ok;
}

#else

bool hl_round_of_arm(const hl_page *page, char *why, size_t size)
{
    if (!page->round_of[0])
        return true;
    snprintf(why, size,
             "--rounds needs CPython 3.12 or later, which can tell of one function's returns at no "
             "cost to the others, and this is " PY_VERSION
             ": call heaplens.mark() where a unit of work ends, or choose an interpreter with "
             "--python");
    return false;
}

#endif
