/* inside/track_lists.c: free lists, which hand an object out again without asking an allocator.
 *
 * Room   inside; target with the GIL; what replaces tp_dealloc runs as the program frees objects.
 * Why    A list from the free list keeps the stack of whoever made the list before it: in a busy
 *        program nearly every leaked list, dict and small tuple would be blamed on the busiest line.
 * Method 3.13 and later: a list's count of -1 means "takes nothing" to the interpreter, which sets it
 *        so at its end; its entries are freed, and the count is set. Tried at once on an object of
 *        each kind: a release that does otherwise is left as it was, and the caveat says so.
 *        3.10 to 3.12, and 3.9 but for dicts: types whose tp_dealloc fills a list get one that does
 *        not. It keeps the trashcan's promise that a deep structure does not use up the stack,
 *        which a mere wrapper breaks: the trashcan works only for the dealloc a type names.
 * Left   lists of numbers (int, float), whose correction costs more than what it would tell; before
 *        3.13 the key tables of dicts that grew. */
#include "inside/track_engine.h"

#include "snapshot/snap_format.h"

#if !HL_PY_AT_LEAST(13)
#include <internal/pycore_object.h> /* _PyObject_GC_UNTRACK */
#endif
#include <string.h>

static bool off;
static const char left_on[] = "free lists were not switched off: what reuses an object's memory is "
                              "told as made where that memory was first taken";
static const char *caveat = left_on;

const char *hl_lists_caveat(void)
{
    return caveat;
}

/* Of ints there is a list since 3.14. */
static void say_corrected(void)
{
    unsigned never = HL_PY_AT_LEAST(14) ? 0 : HL_FREE_LIST_INT;
    unsigned dicts = HL_PY_AT_LEAST(10) ? HL_FREE_LIST_DICT : 0;
    unsigned keys = HL_PY_AT_LEAST(13) ? HL_FREE_LIST_KEYS : 0;
    hl_tracking.corrected =
        off ? HL_FREE_LIST_LIST | HL_FREE_LIST_TUPLE | dicts | keys | never : never;
}

#if HL_PY_AT_LEAST(13)

/* The interpreter whose lists were switched off; others keep theirs. */
static PyInterpreterState *whose;

/* One list, list, tuple and dict with a key, made and freed. */
static void try_each(void)
{
    PyObject *key = PyUnicode_FromString("key"), *list = PyList_New(0), *dict = PyDict_New(),
             *tuple = key ? PyTuple_Pack(1, key) : NULL;
    if (dict && key)
        (void)PyDict_SetItem(dict, key, key);
    Py_XDECREF(tuple);
    Py_XDECREF(dict);
    Py_XDECREF(list);
    Py_XDECREF(key);
    PyErr_Clear();
}

#if HL_PY_AT_LEAST(14)

typedef struct _Py_freelists hl_freelists;

static hl_freelists *lists_of(PyInterpreterState *interp)
{
    return &interp->object_state.freelists;
}

static void free_object(void *p)
{
    PyObject *o = p; /* its count is the link to the next; its type is whole */
    Py_TYPE(o)->tp_free(o);
}

static void shut(struct _Py_freelist *l, void (*free_one)(void *))
{
    while (l->freelist) {
        void *p = l->freelist;
        l->freelist = *(void **)p;
        free_one(p);
    }
    l->size = -1;
}

static void open_again(struct _Py_freelist *l)
{
    if (l->size < 0)
        l->size = 0;
}

#define EACH(f)                                                                                    \
    f(lists);                                                                                      \
    f(list_iters);                                                                                 \
    f(tuple_iters);                                                                                \
    f(dicts);                                                                                      \
    f(slices);                                                                                     \
    f(ranges);                                                                                     \
    f(range_iters);                                                                                \
    f(contexts);                                                                                   \
    f(async_gens);                                                                                 \
    f(async_gen_asends);                                                                           \
    f(futureiters);                                                                                \
    f(pycfunctionobject);                                                                          \
    f(pycmethodobject);                                                                            \
    f(pymethodobjects)

static void shut_all(hl_freelists *f)
{
#define SHUT(name) shut(&f->name, free_object)
    EACH(SHUT);
#undef SHUT
    shut(&f->dictkeys, PyMem_Free);
    for (int i = 0; i < PyTuple_MAXSAVESIZE; i++)
        shut(&f->tuples[i], free_object);
}

static void open_all(hl_freelists *f)
{
#define OPEN(name) open_again(&f->name)
    EACH(OPEN);
#undef OPEN
    open_again(&f->dictkeys);
    for (int i = 0; i < PyTuple_MAXSAVESIZE; i++)
        open_again(&f->tuples[i]);
}

static bool stayed_shut(const hl_freelists *f)
{
    return f->lists.size == -1 && f->dicts.size == -1 && f->dictkeys.size == -1 &&
           f->tuples[0].size == -1;
}

static bool sound(const hl_freelists *f)
{
    return f->lists.size >= 0 && f->lists.size <= Py_lists_MAXFREELIST && f->dicts.size >= 0 &&
           f->dicts.size <= Py_dicts_MAXFREELIST && f->tuples[1].size >= 0 &&
           f->tuples[1].size <= Py_tuple_MAXFREELIST;
}

#else /* 3.13 */

typedef struct _Py_object_freelists hl_freelists;

static hl_freelists *lists_of(PyInterpreterState *interp)
{
    return &interp->object_state.freelists;
}

static void shut_all(hl_freelists *f)
{
    while (f->lists.numfree > 0)
        PyObject_GC_Del(f->lists.items[--f->lists.numfree]);
    while (f->dicts.numfree > 0)
        PyObject_GC_Del(f->dicts.items[--f->dicts.numfree]);
    while (f->dictkeys.numfree > 0)
        PyMem_Free(f->dictkeys.items[--f->dictkeys.numfree]);
    f->lists.numfree = f->dicts.numfree = f->dictkeys.numfree = -1;
    for (int i = 0; i < PyTuple_NFREELISTS; i++) {
        while (f->tuples.items[i]) {
            PyTupleObject *t = f->tuples.items[i];
            f->tuples.items[i] = (PyTupleObject *)t->ob_item[0];
            PyObject_GC_Del(t);
        }
        f->tuples.numfree[i] = -1;
    }
}

static void open_all(hl_freelists *f)
{
    int *counts[] = {&f->lists.numfree, &f->dicts.numfree, &f->dictkeys.numfree};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = *counts[i] < 0 ? 0 : *counts[i];
    for (int i = 0; i < PyTuple_NFREELISTS; i++)
        f->tuples.numfree[i] = f->tuples.numfree[i] < 0 ? 0 : f->tuples.numfree[i];
}

static bool stayed_shut(const hl_freelists *f)
{
    return f->lists.numfree == -1 && f->dicts.numfree == -1 && f->dictkeys.numfree == -1 &&
           f->tuples.numfree[0] == -1;
}

static bool sound(const hl_freelists *f)
{
    return f->lists.numfree >= 0 && f->lists.numfree <= PyList_MAXFREELIST &&
           f->dicts.numfree >= 0 && f->dicts.numfree <= PyDict_MAXFREELIST &&
           f->tuples.numfree[1] >= 0 && f->tuples.numfree[1] <= PyTuple_MAXFREELIST;
}

#endif

void hl_lists_off(void)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    hl_freelists *f = lists_of(interp), empty;
    if (off || !sound(f))
        return;
    shut_all(f);
    memcpy(&empty, f, sizeof empty);
    try_each();
    if (!stayed_shut(f)) { /* what was pushed is lost, and nothing else */
        memcpy(f, &empty, sizeof empty);
        open_all(f);
        return;
    }
    whose = interp;
    off = true;
    say_corrected();
    caveat = NULL;
}

void hl_lists_on(void)
{
    if (!off)
        return;
    for (PyInterpreterState *i = hl_abi_interpreters(); i; i = i->next)
        if (i == whose)
            open_all(lists_of(i));
    off = false;
    say_corrected();
    caveat = left_on;
}

#else /* 3.9 to 3.12 */

enum { DRAIN_MOST = 2000, TUPLE_SIZES = 20 };

static destructor list_below, tuple_below;

/* ---- what the interpreter's own deallocs do first and last ----------------------------------------
 * Written out, for its functions are an unnoticed part of its own, but calls into a library for us: at
 * each death of a list, a dict and a tuple. */

static inline PyThreadState *thread(void)
{
#if HL_PY_AT_LEAST(12)
    const hl_thread *me = hl_track_self;
    return HL_LIKELY(me && *me->runs == me->state) ? me->state : PyThreadState_Get();
#else
    return hl_frame_thread();
#endif
}

static inline void untrack(PyObject *o)
{
    if (_PyObject_GC_IS_TRACKED(o))
        _PyObject_GC_UNTRACK(o);
}

/* The trashcan: too deep, an object dies later. */
static inline bool put_off(PyThreadState *t, PyObject *o)
{
    enum { DEEP = 50 };
#if HL_PY_AT_LEAST(12)
    int *nesting = &t->trash.delete_nesting;
#else
    int *nesting = &t->trash_delete_nesting;
#endif
    if (HL_UNLIKELY(*nesting >= DEEP))
        return _PyTrash_begin(t, o) != 0;
    ++*nesting;
    return false;
}
static inline void is_done(PyThreadState *t)
{
#if HL_PY_AT_LEAST(12)
    int *nesting = &t->trash.delete_nesting;
    bool waiting = t->trash.delete_later != NULL;
#else
    int *nesting = &t->trash_delete_nesting;
    bool waiting = t->trash_delete_later != NULL;
#endif
    if (HL_UNLIKELY(waiting))
        _PyTrash_end(t);
    else
        --*nesting;
}

/* Who took our place as the type's dealloc has the trashcan, too: it is asked for those alone that
 * die as their type says. */
static inline PyThreadState *begins(PyObject *o, destructor dies, bool *later)
{
    PyThreadState *t = Py_TYPE(o)->tp_dealloc == dies ? thread() : NULL;
    *later = t && put_off(t, o);
    return t;
}

static void list_dies(PyObject *o)
{
    PyListObject *l = (PyListObject *)o;
    if (!PyList_CheckExact(o)) {
        list_below(o);
        return;
    }
    bool later;
    untrack(o);
    PyThreadState *t = begins(o, list_dies, &later);
    if (later)
        return;
    if (l->ob_item) {
        for (Py_ssize_t i = Py_SIZE(o); --i >= 0;)
            Py_XDECREF(l->ob_item[i]);
        PyMem_Free(l->ob_item);
    }
    Py_TYPE(o)->tp_free(o);
    if (t)
        is_done(t);
}

static void tuple_dies(PyObject *o)
{
    PyTupleObject *tuple = (PyTupleObject *)o;
    if (!PyTuple_CheckExact(o) || !Py_SIZE(o)) {
        tuple_below(o);
        return;
    }
    bool later;
    untrack(o);
    PyThreadState *t = begins(o, tuple_dies, &later);
    if (later)
        return;
    for (Py_ssize_t i = Py_SIZE(o); --i >= 0;)
        Py_XDECREF(tuple->ob_item[i]);
    Py_TYPE(o)->tp_free(o);
    if (t)
        is_done(t);
}

#if HL_PY_AT_LEAST(10)
static destructor dict_below;

/* Keys and values are the interpreter's business; what it put into its lists is taken out. */
static void dict_dies(PyObject *o)
{
    if (!PyDict_CheckExact(o)) {
        dict_below(o);
        return;
    }
    bool later;
    untrack(o);
    PyThreadState *t = begins(o, dict_dies, &later);
    if (later)
        return;
    dict_below(o);
    struct _Py_dict_state *s = &(t ? t : PyThreadState_Get())->interp->dict_state;
    while (s->numfree > 0)
        PyObject_GC_Del(s->free_list[--s->numfree]);
    while (s->keys_numfree > 0)
        PyObject_Free(s->keys_free_list[--s->keys_numfree]);
    if (t)
        is_done(t);
}
#endif

/* Takes objects until one comes from the allocator, which the hooks see; then gives all of them back. */
static PyObject *new_tuple(Py_ssize_t n)
{
    PyObject *t = PyTuple_New(n);
    for (Py_ssize_t i = 0; t && i < n; i++) {
        Py_INCREF(Py_None);
        PyTuple_SET_ITEM(t, i, Py_None);
    }
    return t;
}

static PyObject *new_list(Py_ssize_t unused)
{
    return PyList_New(0);
}

static PyObject *new_dict(Py_ssize_t unused)
{
    return PyDict_New();
}

static void drain(PyObject *(*make)(Py_ssize_t), Py_ssize_t n)
{
    PyObject *held = PyList_New(0);
    for (int i = 0; held && i < DRAIN_MOST; i++) {
        PyObject *o = make(n);
        bool fresh = o && hl_live_look(&hl_tracking.live, (uintptr_t)hl_abi_gc_head(o)).by;
        if (!o || PyList_Append(held, o))
            i = DRAIN_MOST;
        Py_XDECREF(o);
        if (fresh)
            break;
    }
    Py_XDECREF(held);
    PyErr_Clear();
}

void hl_lists_off(void)
{
    if (off)
        return;
    list_below = PyList_Type.tp_dealloc;
    tuple_below = PyTuple_Type.tp_dealloc;
    PyList_Type.tp_dealloc = list_dies;
    PyTuple_Type.tp_dealloc = tuple_dies;
    caveat = "dicts that reuse the memory of another are told as made where that was first taken: "
             "Python 3.9 keeps its list of them where it cannot be reached";
#if HL_PY_AT_LEAST(10)
    dict_below = PyDict_Type.tp_dealloc;
    PyDict_Type.tp_dealloc = dict_dies;
    caveat = NULL;
#endif
    off = true;
    say_corrected();
    drain(new_list, 0);
    drain(new_dict, 0);
    for (Py_ssize_t n = 1; n < TUPLE_SIZES; n++)
        drain(new_tuple, n);
}

/* Whoever replaced them after us calls ours, which go on doing their work. */
void hl_lists_on(void)
{
    if (!off)
        return;
    if (PyList_Type.tp_dealloc == list_dies)
        PyList_Type.tp_dealloc = list_below;
    if (PyTuple_Type.tp_dealloc == tuple_dies)
        PyTuple_Type.tp_dealloc = tuple_below;
#if HL_PY_AT_LEAST(10)
    if (PyDict_Type.tp_dealloc == dict_dies)
        PyDict_Type.tp_dealloc = dict_below;
#endif
    off = false;
    say_corrected();
    caveat = left_on;
}

#endif
