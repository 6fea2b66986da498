/* inside/monitoring.c: asking sys.monitoring (PEP 669), of 3.12 and later.
 *
 * Room   inside; target with the GIL.
 * Method Through the module, as Python code would: there is no C function for a tool.
 * Knows  the module.  Must not know  which events are wanted. */
#include "inside/monitoring.h"

#if HL_PY_AT_LEAST(12)

enum { TOOL_FIRST = 4, TOOL_LAST = 3 }; /* ids nobody has a claim to */

bool hl_monitoring_ask(const char *method, const char *format, ...)
{
    va_list args;
    PyObject *monitoring = PySys_GetObject("monitoring"), *done = NULL;
    PyObject *callable = monitoring ? PyObject_GetAttrString(monitoring, method) : NULL;
    va_start(args, format);
    PyObject *tuple = Py_VaBuildValue(format, args);
    va_end(args);
    if (callable && tuple)
        done = PyObject_CallObject(callable, tuple);
    Py_XDECREF(callable);
    Py_XDECREF(tuple);
    Py_XDECREF(done);
    return done != NULL;
}

long hl_monitoring_event(const char *name)
{
    PyObject *monitoring = PySys_GetObject("monitoring");
    PyObject *events = monitoring ? PyObject_GetAttrString(monitoring, "events") : NULL;
    PyObject *bit = events ? PyObject_GetAttrString(events, name) : NULL;
    long value = bit ? PyLong_AsLong(bit) : 0;
    Py_XDECREF(bit);
    Py_XDECREF(events);
    return value;
}

long hl_monitoring_tool(void)
{
    for (long tool = TOOL_FIRST; tool >= TOOL_LAST; tool--) {
        if (hl_monitoring_ask("use_tool_id", "(ls)", tool, "heaplens"))
            return tool;
        PyErr_Clear();
    }
    return -1;
}

#endif
