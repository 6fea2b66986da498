/* tests/native/planted.c: errors of reference ownership, planted with known numbers, and their twins.
 *
 * Built by tests/native/build.py for each interpreter. Each function makes one error as often as it
 * is told, or, with CLEAN, does the same work without it. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef CLEAN
#define NAME "planted_clean"
#define INIT PyInit_planted_clean
enum { CLEAN_TWIN = 1 };
#else
#define NAME "planted"
#define INIT PyInit_planted
enum { CLEAN_TWIN = 0 };
#endif

/* What a function that is right does at its end. */
static void give_back(PyObject *o)
{
    if (CLEAN_TWIN)
        Py_XDECREF(o);
}

/* lists(n): n lists nobody has any more. */
static PyObject *lists(PyObject *self, PyObject *args)
{
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "n", &n))
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *list = PyList_New(10);
        for (Py_ssize_t k = 0; list && k < 10; k++) {
            Py_INCREF(Py_None);
            PyList_SET_ITEM(list, k, Py_None);
        }
        give_back(list);
    }
    Py_RETURN_NONE;
}

/* increfs(sequence): one reference too many to each item. */
static PyObject *increfs(PyObject *self, PyObject *sequence)
{
    Py_ssize_t n = PySequence_Size(sequence);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PySequence_GetItem(sequence, i);
        if (!item)
            return NULL;
        give_back(item);
    }
    Py_RETURN_NONE;
}

/* decrefs(list, first, n): gives away a reference to each of n items, which it only borrowed. */
static PyObject *decrefs(PyObject *self, PyObject *args)
{
    PyObject *list;
    Py_ssize_t first, n;
    if (!PyArg_ParseTuple(args, "O!nn", &PyList_Type, &list, &first, &n))
        return NULL;
    for (Py_ssize_t i = first; i < first + n && i < PyList_GET_SIZE(list); i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        if (CLEAN_TWIN)
            Py_INCREF(item);
        Py_DECREF(item);
    }
    Py_RETURN_NONE;
}

/* none(): None, without a reference to it. */
static PyObject *none(PyObject *self, PyObject *unused)
{
    if (CLEAN_TWIN)
        Py_INCREF(Py_None);
    return Py_None;
}

/* buffer(bytearray): its buffer is never released. */
static PyObject *buffer(PyObject *self, PyObject *o)
{
    Py_buffer *view = malloc(sizeof *view);
    if (PyObject_GetBuffer(o, view, PyBUF_SIMPLE)) {
        free(view);
        return NULL;
    }
    if (CLEAN_TWIN)
        PyBuffer_Release(view);
    free(view);
    Py_RETURN_NONE;
}

/* bytes_lost(n, size), malloc_lost(n, size): nothing has them, no collector knows them. */
static PyObject *bytes_lost(PyObject *self, PyObject *args)
{
    Py_ssize_t n, size;
    if (!PyArg_ParseTuple(args, "nn", &n, &size))
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++)
        give_back(PyBytes_FromStringAndSize(NULL, size));
    Py_RETURN_NONE;
}

/* str_lost(n): text that is not ASCII, and what it is in UTF-8. */
static PyObject *str_lost(PyObject *self, PyObject *args)
{
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "n", &n))
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *text = PyUnicode_FromFormat("%c%zd", 0x4e2d, i);
        give_back(text);
    }
    Py_RETURN_NONE;
}

static PyObject *malloc_lost(PyObject *self, PyObject *args)
{
    Py_ssize_t n, size;
    if (!PyArg_ParseTuple(args, "nn", &n, &size))
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        volatile char *p = malloc((size_t)size);
        if (p)
            p[0] = 1;
        if (CLEAN_TWIN)
            free((void *)p);
    }
    Py_RETURN_NONE;
}

/* One call deeper, and by way of libc: whose stack is told is not libc's. */
__attribute__((noinline)) static char *copy_text(const char *text)
{
    return strdup(text);
}

/* text_lost(text): a copy of it. */
static PyObject *text_lost(PyObject *self, PyObject *args)
{
    const char *text;
    if (!PyArg_ParseTuple(args, "s", &text))
        return NULL;
    char *copy = copy_text(text);
    if (CLEAN_TWIN)
        free(copy);
    Py_RETURN_NONE;
}

/* pymem_lost(size): of Python's own allocator. */
static PyObject *pymem_lost(PyObject *self, PyObject *args)
{
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "n", &size))
        return NULL;
    void *block = PyMem_Malloc((size_t)size);
    if (block)
        memset(block, 1, (size_t)size);
    if (CLEAN_TWIN)
        PyMem_Free(block);
    Py_RETURN_NONE;
}

/* cached(size): one more entry in a cache of C's own, that somebody can reach and nobody bounds. */
static PyObject *cached(PyObject *self, PyObject *args)
{
    static struct entry {
        struct entry *next;
    } * newest;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "n", &size))
        return NULL;
    struct entry *made = malloc(sizeof *made + (size_t)size);
    if (!made)
        return PyErr_NoMemory();
    if (CLEAN_TWIN) {
        free(newest);
        newest = NULL;
    }
    made->next = newest;
    newest = made;
    Py_RETURN_NONE;
}

/* grown(size): a block that grows in every call, and is one block all the time. */
static PyObject *grown(PyObject *self, PyObject *args)
{
    static char *all;
    static size_t used;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "n", &size))
        return NULL;
    used = CLEAN_TWIN ? (size_t)size : used + (size_t)size;
    char *wider = realloc(all, used);
    if (!wider)
        return PyErr_NoMemory();
    all = wider;
    Py_RETURN_NONE;
}

/* keep(object): in an array nobody but C knows; keep_in_block(object): in a block of its own that the
 * array has. */
static void **shelves;
static Py_ssize_t n_shelves;

static int put_on_shelf(void *what)
{
    void **wider = realloc(shelves, (size_t)(n_shelves + 1) * sizeof *wider);
    if (!wider)
        return -1;
    shelves = wider;
    shelves[n_shelves++] = what;
    return 0;
}

PyObject
    *planted_kept[100000]; /* no static variable: nobody reads it, and so there would be none */
static int n_kept;

static PyObject *keep(PyObject *self, PyObject *object)
{
    if (!CLEAN_TWIN && n_kept < 100000) {
        Py_INCREF(object);
        planted_kept[n_kept++] = object;
    }
    Py_RETURN_NONE;
}

__attribute__((noinline)) static PyObject **make_shelf(void)
{
    return malloc(sizeof(PyObject *));
}

static PyObject *keep_in_block(PyObject *self, PyObject *object)
{
    PyObject **block = make_shelf();
    if (!block)
        return PyErr_NoMemory();
    if (CLEAN_TWIN) {
        free(block);
        Py_RETURN_NONE;
    }
    Py_INCREF(object);
    *block = object;
    if (put_on_shelf(block))
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

/* given_back(n, size): by every function of the family, and all of it freed; in both twins. */
static PyObject *given_back(PyObject *self, PyObject *args)
{
    Py_ssize_t n, size;
    if (!PyArg_ParseTuple(args, "nn", &n, &size))
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        void *aligned = NULL, *p[3] = {malloc((size_t)size), calloc(2, (size_t)size), NULL};
        p[2] = realloc(NULL, (size_t)size);
        p[0] = realloc(p[0], 2 * (size_t)size);
        if (posix_memalign(&aligned, 64, (size_t)size))
            aligned = NULL;
        for (int k = 0; k < 3; k++)
            free(p[k]);
        free(aligned);
    }
    Py_RETURN_NONE;
}

/* failing(): loses what it made so far where its last allocation fails. */
static PyObject *failing(PyObject *self, PyObject *unused)
{
    PyObject *first = PyList_New(0);
    if (!first)
        return NULL;
    PyObject *second = PyDict_New();
    if (!second) {
        give_back(first);
        return NULL;
    }
    PyObject *both = PyTuple_Pack(2, first, second);
    if (!both) {
        Py_DECREF(first);
        Py_DECREF(second);
        return NULL;
    }
    Py_DECREF(first);
    Py_DECREF(second);
    return both;
}

/* unchecked(): does not ask whether it got a list. */
static PyObject *unchecked(PyObject *self, PyObject *unused)
{
    PyObject *list = PyList_New(3);
    if (CLEAN_TWIN && !list)
        return NULL;
    if (!((volatile PyObject *)list)->ob_type)
        return NULL;
    return list;
}

static PyObject *raises(PyObject *self, PyObject *unused)
{
    PyObject *made = PyList_New(0);
    PyErr_SetString(PyExc_ValueError, "as it should");
    give_back(made);
    return NULL;
}

/* file(): a descriptor that stays open. */
static PyObject *file(PyObject *self, PyObject *unused)
{
    int fd = dup(0);
    if (CLEAN_TWIN && fd >= 0)
        close(fd);
    Py_RETURN_NONE;
}

static PyObject *crash(PyObject *self, PyObject *unused)
{
    if (!CLEAN_TWIN)
        abort();
    Py_RETURN_NONE;
}

/* ---- Forgetful: a heap type whose dealloc forgets the type ----------------------------------- */

static void forgetful_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    if (CLEAN_TWIN)
        Py_DECREF(type);
}

static PyType_Slot forgetful_slots[] = {
    {Py_tp_dealloc, (void *)forgetful_dealloc},
    {0, NULL},
};
static PyType_Spec forgetful_spec = {NAME ".Forgetful", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT,
                                     forgetful_slots};

/* ---- Shelf: an object whose blocks become more ----------------------------------------------- */

typedef struct shelf {
    PyObject_HEAD void *newest;
} shelf;

static void shelf_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    for (void **at = ((shelf *)self)->newest, **next; at; at = next) {
        next = *at;
        free(at);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *shelf_put(PyObject *self, PyObject *args)
{
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "n", &size))
        return NULL;
    void **block = malloc((size_t)size);
    if (!block)
        return PyErr_NoMemory();
    shelf *s = (shelf *)self;
    if (CLEAN_TWIN) {
        free(s->newest);
        s->newest = NULL;
    }
    *block = s->newest;
    s->newest = block;
    Py_RETURN_NONE;
}

static PyMethodDef shelf_methods[] = {
    {"put", shelf_put, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot shelf_slots[] = {
    {Py_tp_dealloc, (void *)shelf_dealloc},
    {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_methods, (void *)shelf_methods},
    {0, NULL},
};
static PyType_Spec shelf_spec = {NAME ".Shelf", sizeof(shelf), 0, Py_TPFLAGS_DEFAULT, shelf_slots};

/* ---- Opaque: owns a reference, and tells no collector ---------------------------------------- */

typedef struct opaque {
    PyObject_HEAD PyObject *held;
} opaque;

static int opaque_init(opaque *self, PyObject *args, PyObject *keywords)
{
    PyObject *held = Py_None;
    if (!PyArg_ParseTuple(args, "|O", &held))
        return -1;
    Py_INCREF(held);
    Py_XDECREF(self->held);
    self->held = held;
    return 0;
}

static int opaque_traverse(opaque *self, visitproc visit, void *arg)
{
    Py_VISIT(self->held);
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static int opaque_clear(opaque *self)
{
    Py_CLEAR(self->held);
    return 0;
}

static void opaque_dealloc(opaque *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (CLEAN_TWIN)
        PyObject_GC_UnTrack(self);
    Py_CLEAR(self->held);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

#ifdef CLEAN
static PyType_Slot opaque_slots[] = {
    {Py_tp_init, (void *)opaque_init},         {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_dealloc, (void *)opaque_dealloc},   {Py_tp_clear, (void *)opaque_clear},
    {Py_tp_traverse, (void *)opaque_traverse}, {0, NULL},
};
static PyType_Spec opaque_spec = {NAME ".Opaque", sizeof(opaque), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, opaque_slots};
#else
static PyType_Slot opaque_slots[] = {
    {Py_tp_init, (void *)opaque_init},
    {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_dealloc, (void *)opaque_dealloc},
    {0, NULL},
};
static PyType_Spec opaque_spec = {NAME ".Opaque", sizeof(opaque), 0, Py_TPFLAGS_DEFAULT,
                                  opaque_slots};
void *planted_unused[] = {(void *)opaque_traverse, (void *)opaque_clear};
#endif

static PyMethodDef methods[] = {
    {"lists", lists, METH_VARARGS, NULL},
    {"increfs", increfs, METH_O, NULL},
    {"decrefs", decrefs, METH_VARARGS, NULL},
    {"none", none, METH_NOARGS, NULL},
    {"buffer", buffer, METH_O, NULL},
    {"bytes_lost", bytes_lost, METH_VARARGS, NULL},
    {"str_lost", str_lost, METH_VARARGS, NULL},
    {"malloc_lost", malloc_lost, METH_VARARGS, NULL},
    {"keep", keep, METH_O, NULL},
    {"keep_in_block", keep_in_block, METH_O, NULL},
    {"text_lost", text_lost, METH_VARARGS, NULL},
    {"pymem_lost", pymem_lost, METH_VARARGS, NULL},
    {"cached", cached, METH_VARARGS, NULL},
    {"grown", grown, METH_VARARGS, NULL},
    {"given_back", given_back, METH_VARARGS, NULL},
    {"failing", failing, METH_NOARGS, NULL},
    {"unchecked", unchecked, METH_NOARGS, NULL},
    {"raises", raises, METH_NOARGS, NULL},
    {"file", file, METH_NOARGS, NULL},
    {"crash", crash, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = NAME, .m_size = -1,
                                        .m_methods = methods};

PyMODINIT_FUNC INIT(void)
{
    PyObject *module = PyModule_Create(&definition);
    PyObject *forgetful = PyType_FromSpec(&forgetful_spec);
    PyObject *opaque_type = PyType_FromSpec(&opaque_spec);
    PyObject *shelf_type = PyType_FromSpec(&shelf_spec);
    if (!module || !forgetful || !opaque_type || !shelf_type ||
        PyModule_AddObject(module, "Shelf", shelf_type) ||
        PyModule_AddObject(module, "Forgetful", forgetful) ||
        PyModule_AddObject(module, "Opaque", opaque_type))
        return NULL;
    return module;
}
