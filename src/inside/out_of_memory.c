/* inside/out_of_memory.c: notices that the program is out of memory, the moment it learns so.
 *
 * Room   inside; target process, armed with the GIL held; called by any thread.
 * Gives  a call of the function it was armed with, GIL held, heap whole.
 * Method Two places, neither of which costs anything while all is well. What the interpreter takes
 *        from the system (large blocks, arenas for small ones) passes through here, and comes back
 *        NULL when there is none. A library that takes memory by itself raises MemoryError: its
 *        type's constructor passes through here, too. No Python code can tell: the type, its
 *        attributes and the exception are what they were.
 * Care   A subclass made before us has inherited the constructor we replace, and would be refused
 * by it (Objects/typeobject.c: tp_new_wrapper): then it stays as it is. */
#include "inside/inside_abi.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/out_of_memory.h"

#include <pthread.h>

static hl_missing *on_missing;
static PyMemAllocatorEx raw;
static PyObjectArenaAllocator arenas;
static newfunc make_error;

bool hl_holds_gil(void)
{
    PyThreadState *t = _PyThreadState_UncheckedGet();
    return t && t->thread_id == (unsigned long)pthread_self() &&
           t->interp == PyInterpreterState_Main();
}

static void *given(void *p)
{
    if (!p && hl_holds_gil())
        on_missing();
    return p;
}

static void *raw_malloc(void *unused, size_t n)
{
    return given(raw.malloc(raw.ctx, n));
}

static void *raw_calloc(void *unused, size_t n, size_t each)
{
    return given(raw.calloc(raw.ctx, n, each));
}

static void *raw_realloc(void *unused, void *p, size_t n)
{
    return given(raw.realloc(raw.ctx, p, n));
}

static void raw_free(void *unused, void *p)
{
    raw.free(raw.ctx, p);
}

static void *arena_alloc(void *unused, size_t n)
{
    return given(arenas.alloc(arenas.ctx, n));
}

static void arena_free(void *unused, void *p, size_t n)
{
    arenas.free(arenas.ctx, p, n);
}

static PyObject *new_error(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    if (hl_holds_gil())
        on_missing();
    return make_error(type, args, keywords);
}

void hl_out_of_memory_arm(hl_missing *missing)
{
    PyTypeObject *error = (PyTypeObject *)PyExc_MemoryError;
    PyMemAllocatorEx ours = {NULL, raw_malloc, raw_calloc, raw_realloc, raw_free};
    PyObjectArenaAllocator our_arenas = {NULL, arena_alloc, arena_free};
    on_missing = missing;
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &raw);
    PyObject_GetArenaAllocator(&arenas);
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &ours);
    PyObject_SetArenaAllocator(&our_arenas);
    PyObject *heirs = PyObject_CallMethod((PyObject *)error, "__subclasses__", NULL);
    if (heirs && PyList_Check(heirs) && !PyList_GET_SIZE(heirs)) {
        make_error = error->tp_new;
        error->tp_new = new_error;
    }
    Py_XDECREF(heirs);
    PyErr_Clear();
}
