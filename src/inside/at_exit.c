/* inside/at_exit.c: the last thing an interpreter does before it is torn down, unseen by its
 * program.
 *
 * Room   inside; target with the GIL. The main interpreter's; a forked child inherits it.
 * Why    Registering with the module atexit would import it: that prints a line under -X importtime
 *        and -v, and the module, its callback and their counts are there for the program to find.
 * When   After all handlers of the program, threads that are no daemons being gone, GIL held.
 * Method By version, in the interpreter's own record:
 *        3.14 and later have a Python list, the newest first: ours is appended;
 *        3.10 to 3.13 have a list: ours is put in first, and so is called last. Its objects are
 *        kept out of the collector's list; atexit._ncallbacks() counts it (the list of callbacks in
 *        C that 3.12 brought is no place: it is called when the interpreter is being cleared
 *        already);
 *        3.9 has one function, set by the module whenever it is imported: ours calls that one. A
 *        second exec slot of the module's definition puts it there again.
 * Care   atexit._clear() takes ours out with the others (3.10 and later): what its arguments hold
 *        then dies, and asks the main thread to put it in again. */
#include "inside/inside_abi.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/at_exit.h"

#include <string.h>

static void (*last_of_all)(void);

#if HL_PY_AT_LEAST(10)

static bool enter(PyInterpreterState *interp);
static bool is_called;

static PyObject *call(PyObject *self, PyObject *args)
{
    is_called = true;
    last_of_all();
    Py_RETURN_NONE;
}

static PyMethodDef definition = {"farewell", call, METH_VARARGS, NULL};

static int enter_again(void *unused)
{
    enter(PyInterpreterState_Main());
    PyErr_Clear(); /* then hl_attach() is what keeps us out of an interpreter that is torn down */
    return 0;
}

static void taken_out(PyObject *capsule)
{
    if (!is_called)
        Py_AddPendingCall(enter_again, NULL);
}

/* A new reference to a tuple that knows when it is dropped, unseen by the collector. */
static PyObject *our_arguments(void)
{
    PyObject *capsule = PyCapsule_New(&definition, NULL, taken_out);
    PyObject *args = capsule ? PyTuple_Pack(1, capsule) : NULL;
    Py_XDECREF(capsule);
    if (args)
        PyObject_GC_UnTrack(args);
    return args;
}

/* Borrowed: one for the life of the process. */
static PyObject *our_function(void)
{
    static PyObject *func;
    if (!func && (func = PyCFunction_New(&definition, NULL)))
        PyObject_GC_UnTrack(func);
    return func;
}

#endif

#if HL_PY_AT_LEAST(14)

static bool enter(PyInterpreterState *interp)
{
    PyObject *func = our_function(), *args = our_arguments();
    PyObject *ours = func && args ? PyTuple_Pack(3, func, args, Py_None) : NULL;
    if (ours)
        PyObject_GC_UnTrack(ours);
    bool ok = ours && interp->atexit.callbacks && PyList_CheckExact(interp->atexit.callbacks) &&
              PyList_Append(interp->atexit.callbacks, ours) == 0;
    if (!ok)
        is_called = true; /* or its end would enter it once more */
    Py_XDECREF(args);
    Py_XDECREF(ours);
    return ok;
}

#elif HL_PY_AT_LEAST(12)
typedef atexit_py_callback callback;
#elif HL_PY_AT_LEAST(10)
typedef atexit_callback callback;
#endif

#if HL_PY_AT_LEAST(10) && !HL_PY_AT_LEAST(14)

enum { ROOM = 32 };

static bool enter(PyInterpreterState *interp)
{
    struct atexit_state *state = &interp->atexit;
    if (state->ncallbacks >= state->callback_len) {
        int room = state->callback_len + ROOM;
        callback **more = PyMem_Realloc(state->callbacks, sizeof *more * (size_t)room);
        if (!more)
            return false;
        state->callbacks = more;
        state->callback_len = room;
    }
    PyObject *func = our_function(), *args = our_arguments();
    callback *ours = PyMem_Malloc(sizeof *ours);
    if (!func || !args || !ours)
        return false;
    *ours = (callback){.func = func, .args = args, .kwargs = NULL};
    Py_INCREF(func);
    memmove(state->callbacks + 1, state->callbacks,
            sizeof *state->callbacks * (size_t)state->ncallbacks);
    state->callbacks[0] = ours;
    state->ncallbacks++;
    return true;
}

#elif !HL_PY_AT_LEAST(10)

enum { SLOTS_MAX = 8 };
static void (*theirs)(PyObject *);
static PyObject *their_module; /* borrowed, as the interpreter does */

static void call(PyObject *unused)
{
    if (theirs)
        theirs(their_module);
    last_of_all();
}

static void follow(PyInterpreterState *interp)
{
    theirs = interp->pyexitfunc;
    their_module = interp->pyexitmodule;
    interp->pyexitfunc = call;
}

/* The module has just been made, and has set its function. */
static int made(PyObject *module)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    if (interp == PyInterpreterState_Main())
        follow(interp);
    return 0;
}

static bool enter(PyInterpreterState *interp)
{
    static PyModuleDef_Slot slots[SLOTS_MAX + 2];
    const struct _inittab *row = PyImport_Inittab;
    while (row->name && strcmp(row->name, "atexit"))
        row++;
    PyObject *made_by = row->name && row->initfunc ? row->initfunc() : NULL;
    if (!made_by || !PyObject_TypeCheck(made_by, &PyModuleDef_Type))
        return false;
    PyModuleDef *def = (PyModuleDef *)made_by;
    size_t n = 0;
    for (; def->m_slots && def->m_slots[n].slot; n++) {
        if (n == SLOTS_MAX)
            return false;
        slots[n] = def->m_slots[n];
    }
    slots[n] = (PyModuleDef_Slot){Py_mod_exec, (void *)made};
    def->m_slots = slots;
    follow(interp);
    return true;
}

#endif

bool hl_at_exit(void (*function)(void))
{
    last_of_all = function;
    bool ok = enter(PyInterpreterState_Main());
    PyErr_Clear();
    return ok;
}
