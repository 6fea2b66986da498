/* inside/track_traces.h: the methods of the module that tracemalloc's names need (compat/).
 *
 * Room   inside; target with the GIL. */
#ifndef HL_TRACK_TRACES_H
#define HL_TRACK_TRACES_H

#include "inside/inside_abi.h"

PyObject *hl_track_traces(PyObject *module, PyObject *args);
PyObject *hl_track_trace_of(PyObject *module, PyObject *args);
PyObject *hl_track_traced(PyObject *module, PyObject *since);
PyObject *hl_track_tables(PyObject *module, PyObject *unused);
PyObject *hl_track_cut_off(PyObject *module, PyObject *unused);
PyObject *hl_track_forget(PyObject *module, PyObject *unused);
PyObject *hl_track_peak_anew(PyObject *module, PyObject *unused);

#endif
