/* inside/fail_alloc.c: a call in which one allocation fails: the way into error paths.
 *
 * Room   inside; target with the GIL.
 * Takes  a callable, its arguments, which allocation of the call is to fail.   Gives  how many there
 *        were, what the call raised, and how many blocks more there are after it.
 * Method the interpreter's three allocators get a wrapper for the length of the call, on top of what
 *        is there (ours that follow allocations, too). It counts what this thread asks for, and says
 *        NULL once. What other threads ask for passes. What C libraries take from malloc itself is not
 *        touched. */
#include "inside/inside_abi.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/fail_alloc.h"
#include "inside/native_here.h"
#include "rt/rt.h"

#include <errno.h>
#include <pthread.h>

enum { DOMAINS = 3 };

static const PyMemAllocatorDomain domains[DOMAINS] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM,
                                                      PYMEM_DOMAIN_OBJ};

static struct {
    PyMemAllocatorEx below[DOMAINS]; /* whose ctx a wrapper gets */
    pthread_t thread;                /* whose allocations count */
    unsigned long long seen, at;     /* read and written by that thread alone */
    long long left;                  /* blocks it took and did not give back */
    int fd;                          /* is told where the allocation is that fails; -1: nobody */
} fail;

/* Before it fails, for the process may not outlive that. */
static void tell_where(void)
{
    enum { TEXT_MAX = 4000 }; /* a line that a pipe takes whole */
    char text[TEXT_MAX];
    int kept = errno;
    size_t n = fail.fd < 0 ? 0 : hl_native_tell(text, sizeof text);
    if (n)
        (void)hl_raw_write(fail.fd, text, n);
    errno = kept;
}

static bool is_ours(void)
{
    return pthread_equal(pthread_self(), fail.thread);
}

static bool is_due(void)
{
    if (!is_ours() || ++fail.seen != fail.at)
        return false;
    tell_where();
    return true;
}

static void *taken(void *block)
{
    if (block && is_ours())
        fail.left++;
    return block;
}

static void *fail_malloc(void *ctx, size_t n)
{
    PyMemAllocatorEx *a = ctx;
    return is_due() ? NULL : taken(a->malloc(a->ctx, n));
}

static void *fail_calloc(void *ctx, size_t n, size_t size)
{
    PyMemAllocatorEx *a = ctx;
    return is_due() ? NULL : taken(a->calloc(a->ctx, n, size));
}

static void *fail_realloc(void *ctx, void *p, size_t n)
{
    PyMemAllocatorEx *a = ctx;
    if (is_due())
        return NULL;
    void *got = a->realloc(a->ctx, p, n);
    return p ? got : taken(got);
}

static void fail_free(void *ctx, void *p)
{
    PyMemAllocatorEx *a = ctx;
    if (p && is_ours())
        fail.left--;
    a->free(a->ctx, p);
}

static void hooks_set(void)
{
    for (int i = 0; i < DOMAINS; i++) {
        PyMem_GetAllocator(domains[i], &fail.below[i]);
        PyMemAllocatorEx wrapper = {&fail.below[i], fail_malloc, fail_calloc, fail_realloc,
                                    fail_free};
        PyMem_SetAllocator(domains[i], &wrapper);
    }
}

static void hooks_unset(void)
{
    for (int i = 0; i < DOMAINS; i++)
        PyMem_SetAllocator(domains[i], &fail.below[i]);
}

static PyObject *call_failing(PyObject *module, PyObject *args)
{
    PyObject *callable, *arguments;
    unsigned long long at;
    (void)module;
    int fd = -1, collects = 0;
    if (!PyArg_ParseTuple(args, "OO!K|ip", &callable, &PyTuple_Type, &arguments, &at, &fd,
                          &collects))
        return NULL;
    if (collects) /* what comes out of a free list is no allocation: this empties them */
        PyGC_Collect();
    fail.fd = fd;
    fail.thread = pthread_self();
    fail.seen = 0;
    fail.left = 0;
    fail.at = at;
    hooks_set();
    PyObject *result = PyObject_Call(callable, arguments, NULL);
    unsigned long long seen = fail.seen;
    fail.at = 0; /* what letting go of it needs is given */
    PyObject *type = NULL, *value = NULL, *trace = NULL;
    if (!result)
        PyErr_Fetch(&type, &value, &trace);
    Py_XDECREF(result);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    if (collects)
        PyGC_Collect();
    hooks_unset();
    PyObject *answer = Py_BuildValue("KOL", seen, type ? type : Py_None, fail.left);
    Py_XDECREF(type);
    return answer;
}

/* Before 3.12: as many more references to what is shared as no audit gives away, so that the
 * interpreter outlives it. */
static PyObject *prop_shared(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
#if !HL_PY_AT_LEAST(12)
    enum { MANY = 1 << 24 };
    PyObject *const all[] = {Py_None, Py_True, Py_False, Py_Ellipsis, Py_NotImplemented};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        all[i]->ob_refcnt += MANY;
    for (long i = -_PY_NSMALLNEGINTS; i < _PY_NSMALLPOSINTS; i++) {
        PyObject *v = PyLong_FromLong(i);
        if (v)
            v->ob_refcnt += MANY - 1;
    }
#endif
    Py_RETURN_NONE;
}

PyMethodDef hl_fail_methods[] = {
    {"call_failing", call_failing, METH_VARARGS,
     "call_failing(callable, args, n, fd=-1, collects=False, /)\n--\n\n"
     "Calls it; the n-th allocation meanwhile fails, and fd is told where that is. How many there "
     "were, the type of what it raised or None, and how many blocks more there are after it "
     "(after a collection, if asked for: the collector has to be on)."},
    {"prop_shared", prop_shared, METH_NOARGS,
     "prop_shared()\n--\n\nMakes None and its like survive an audit of what gives them away."},
    {NULL, NULL, 0, NULL},
};
