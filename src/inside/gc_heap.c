/* inside/gc_heap.c: what the collector knows, in an array; and whether a collection would change it.
 *
 * Room   inside; target with the GIL. Nothing here runs code of the program.
 * Takes  the collector's lists.   Gives  objects in the order of gc.get_objects, and a yes or no.
 * Memory rt's pages.
 * Method A list is walked from both ends at once, and what a stride further would be is asked of memory
 *        before it is needed: to follow links takes longer than all else. For garbage the collector's
 *        own sums, its references less those that its objects have of each other, but over numbers
 *        (addresses.h) in arrays, so that no object is touched twice: what nobody else refers to, and
 *        nothing that somebody refers to leads to, is garbage. Without garbage a collection does one
 *        thing that shows: it no longer follows tuples, and dicts up to 3.13, of what it need not know.
 *        Here that is done until nothing is left of it, as by several collections.
 * Knows  hl_addresses.  Must not know  who asks. */
#include "inside/gc_view.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/addresses.h"
#include "rt/rt.h"

#include <string.h>
#include <sys/mman.h>

enum { LINK_FLAGS = 3, STRIDES = 8, AHEAD = 16, LINE = 64, ROOM_FIRST = 1 << 12, HUGE = 2 << 20 };

void *hl_gc_map(size_t n)
{
    void *p = hl_pages_map(n);
    if (p && n >= HUGE)
        (void)madvise(p, n, MADV_HUGEPAGE);
    return p;
}

/* ---- the lists ------------------------------------------------------------------------------- */

static inline const PyGC_Head *link_of(uintptr_t word)
{
    return (const PyGC_Head *)(word & ~(uintptr_t)LINK_FLAGS);
}

static inline void ask_for(const PyGC_Head *at, const PyGC_Head *before)
{
    __builtin_prefetch(
        (const void *)((uintptr_t)at + STRIDES * ((uintptr_t)at - (uintptr_t)before)));
}

static bool more_room(hl_gc_heap *h)
{
    size_t about = (size_t)hl_abi_gc_about(PyInterpreterState_Get());
    size_t room = h->room ? 2 * h->room : about + about / 8 + ROOM_FIRST;
    PyObject **objects = room < INT32_MAX ? hl_gc_map(room * sizeof *objects) : NULL;
    if (!objects)
        return false;
    if (h->n)
        memcpy(objects, h->objects, h->n * sizeof *objects);
    hl_pages_unmap(h->objects, h->room * sizeof *objects);
    h->objects = objects;
    h->room = room;
    return true;
}

static inline bool add(hl_gc_heap *h, const PyGC_Head *g)
{
    if (__builtin_expect(h->n == h->room, 0) && !more_room(h))
        return false;
    h->objects[h->n++] = (PyObject *)((uintptr_t)g + sizeof *g);
    return true;
}

/* Those of one list to h; back is empty before and after. */
static bool add_list(hl_gc_heap *h, hl_gc_heap *back, const PyGC_Head *head)
{
    const PyGC_Head *f = link_of(head->_gc_next), *b = link_of(head->_gc_prev);
    while (f != head) {
        if (!add(h, f))
            return false;
        if (f == b)
            break;
        if (!add(back, b))
            return false;
        const PyGC_Head *f_next = link_of(f->_gc_next), *b_next = link_of(b->_gc_prev);
        if (f_next == b)
            break;
        ask_for(f_next, f);
        ask_for(b_next, b);
        f = f_next;
        b = b_next;
    }
    while (back->n) {
        if (h->n == h->room && !more_room(h))
            return false;
        h->objects[h->n++] = back->objects[--back->n];
    }
    return true;
}

bool hl_gc_heap_init(hl_gc_heap *h)
{
    PyInterpreterState *interp = PyInterpreterState_Get();
    hl_gc_heap back = {.objects = NULL};
    bool good = true;
    *h = (hl_gc_heap){.objects = NULL};
    for (unsigned i = HL_GC_LISTS; good && i; i--)
        good = add_list(h, &back, hl_abi_gc_list(interp, i - 1));
    hl_gc_heap_deinit(&back);
    if (!good)
        hl_gc_heap_deinit(h);
    return good;
}

void hl_gc_heap_deinit(hl_gc_heap *h)
{
    hl_pages_unmap(h->objects, h->room * sizeof *h->objects);
    *h = (hl_gc_heap){.objects = NULL};
}

PyObject *hl_gc_objects(void)
{
    PyObject *all = PyList_New(0); /* may collect: before anything is looked at */
    hl_gc_heap h;
    if (!all)
        return NULL;
    PyObject_GC_UnTrack(all);
    if (!hl_gc_heap_init(&h)) {
        Py_DECREF(all);
        return PyErr_NoMemory();
    }
    PyListObject *list = (PyListObject *)all;
    PyObject **items = PyMem_Malloc((h.n ? h.n : 1) * sizeof *items);
    if (!items) {
        PyErr_NoMemory();
        Py_CLEAR(all);
    }
    for (size_t i = 0; items && i < h.n; i++) {
        if (i + AHEAD < h.n)
            __builtin_prefetch(h.objects[i + AHEAD], 1);
        Py_INCREF(h.objects[i]);
        items[i] = h.objects[i];
    }
    if (items) {
        list->ob_item = items;
        list->allocated = (Py_ssize_t)(h.n ? h.n : 1);
        Py_SET_SIZE(list, (Py_ssize_t)h.n);
    }
    hl_gc_heap_deinit(&h);
    return all;
}

PyObject *hl_gc_objects_of(PyObject *objects)
{
    return objects == Py_None ? hl_gc_objects()
                              : PySequence_Fast(objects, "objects must be an iterable");
}

/* ---- traversing ------------------------------------------------------------------------------ */

/* The memory that traversing it will read. */
static inline void ask_for_insides(PyObject *o)
{
    const PyTypeObject *t = Py_TYPE(o);
    if (t == &PyList_Type) {
        __builtin_prefetch(((PyListObject *)o)->ob_item);
    } else if (t == &PyDict_Type) {
        const PyDictObject *d = (PyDictObject *)o;
        __builtin_prefetch(d->ma_keys);
        __builtin_prefetch((const char *)d->ma_keys + LINE);
        __builtin_prefetch((const char *)d->ma_keys + 2 * LINE);
        __builtin_prefetch(d->ma_values);
    }
}

void hl_gc_heap_traverse(const hl_gc_heap *h, size_t at, visitproc visit, void *arg)
{
    if (at + 2 * AHEAD < h->n) {
        const char *far = (const char *)h->objects[at + 2 * AHEAD];
        __builtin_prefetch(far);
        __builtin_prefetch(far + LINE);
        ask_for_insides(h->objects[at + AHEAD]);
    }
    PyObject *o = h->objects[at];
    if (Py_TYPE(o)->tp_traverse)
        (void)Py_TYPE(o)->tp_traverse(o, visit, arg);
}

/* ---- garbage --------------------------------------------------------------------------------- */

typedef struct sums {
    hl_gc_heap heap;
    hl_addresses ids;       /* place in heap + 1 */
    uint32_t *refs;         /* of those it has, by whom the collector does not know */
    uint32_t *first;        /* n + 1: where an object's edges begin */
    uint32_t *edges, *more; /* places in heap; where the room ends */
    uint32_t n_edges, room;
    bool failed;
} sums;

static bool more_edges(sums *s)
{
    size_t room = s->room ? 2 * (size_t)s->room : 4 * (size_t)s->heap.n + ROOM_FIRST;
    uint32_t *edges = room < UINT32_MAX ? hl_gc_map(room * sizeof *edges) : NULL;
    if (!edges)
        return false;
    if (s->n_edges)
        memcpy(edges, s->edges, s->n_edges * sizeof *edges);
    hl_pages_unmap(s->edges, s->room * sizeof *edges);
    s->edges = edges;
    s->room = (uint32_t)room;
    return true;
}

static int visit(PyObject *o, void *arg)
{
    sums *s = arg;
    uint32_t id = hl_addresses_get(&s->ids, o);
    if (!id)
        return 0;
    if (__builtin_expect(s->n_edges == s->room, 0) && !more_edges(s)) {
        s->failed = true;
        return 1;
    }
    s->edges[s->n_edges++] = id - 1;
    s->refs[id - 1] -= s->refs[id - 1] != 0;
    return 0;
}

static bool number_all(sums *s)
{
    for (size_t i = 0; i < s->heap.n; i++) {
        PyObject *o = s->heap.objects[i];
        if (i + AHEAD < s->heap.n)
            __builtin_prefetch(s->heap.objects[i + AHEAD]);
        uint32_t *at = hl_addresses_at(&s->ids, o);
        if (!at)
            return false;
        *at = (uint32_t)i + 1;
        uint64_t refs = (uint64_t)Py_REFCNT(o);
        s->refs[i] = refs < INT32_MAX ? (uint32_t)refs : INT32_MAX;
    }
    return true;
}

static void traverse_all(sums *s)
{
    size_t n = s->heap.n;
    for (size_t i = 0; i < n && !s->failed; i++) {
        s->first[i] = s->n_edges;
        hl_gc_heap_traverse(&s->heap, i, visit, s);
    }
    s->first[n] = s->n_edges;
}

/* Whether what somebody refers to leads to all; refs is not 0 then, of any. */
static bool all_are_reached(sums *s)
{
    size_t n = s->heap.n, met = 0, taken = 0;
    uint32_t *queue = hl_gc_map((n + 1) * sizeof *queue);
    if (!queue)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s->refs[i])
            queue[met++] = (uint32_t)i;
    for (; taken < met; taken++) {
        uint32_t at = queue[taken];
        if (taken + AHEAD < met)
            __builtin_prefetch(&s->edges[s->first[queue[taken + AHEAD]]]);
        for (uint32_t k = s->first[at]; k < s->first[at + 1]; k++)
            if (!s->refs[s->edges[k]]) {
                s->refs[s->edges[k]] = 1;
                queue[met++] = s->edges[k];
            }
    }
    hl_pages_unmap(queue, (n + 1) * sizeof *queue);
    return met == n;
}

/* ---- what need not be followed --------------------------------------------------------------- */

static bool may_be_followed(PyObject *o)
{
    return PyObject_IS_GC(o) && (!PyTuple_CheckExact(o) || PyObject_GC_IsTracked(o));
}

static bool leads_nowhere(PyObject *o)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    if (PyDict_CheckExact(o)) {
        while (PyDict_Next(o, &at, &key, &value))
            if (may_be_followed(value) || may_be_followed(key))
                return false;
        return true;
    }
    for (; at < PyTuple_GET_SIZE(o); at++)
        if (!PyTuple_GET_ITEM(o, at) || may_be_followed(PyTuple_GET_ITEM(o, at)))
            return false;
    return true;
}

/* refs of what is no longer followed is 0 from then on. */
static bool follow_fewer(sums *s)
{
    const bool dicts = !HL_PY_AT_LEAST(14);
    bool fewer = false;
    for (size_t i = 0; i < s->heap.n; i++) {
        uint32_t k = s->first[i], end = s->first[i + 1];
        while (k < end && !s->refs[s->edges[k]])
            k++;
        if (k < end || !s->refs[i])
            continue;
        PyObject *o = s->heap.objects[i];
        if ((PyTuple_CheckExact(o) || (dicts && PyDict_CheckExact(o))) && leads_nowhere(o)) {
            PyObject_GC_UnTrack(o);
            s->refs[i] = 0;
            fewer = true;
        }
    }
    return fewer;
}

static bool sums_init(sums *s)
{
    *s = (sums){.failed = false};
    if (!hl_gc_heap_init(&s->heap))
        return false;
    size_t n = s->heap.n + 1;
    s->refs = hl_gc_map(n * sizeof *s->refs);
    s->first = hl_gc_map(n * sizeof *s->first);
    return hl_addresses_init(&s->ids) && s->refs && s->first;
}

static void sums_deinit(sums *s)
{
    size_t n = s->heap.n + 1;
    hl_pages_unmap(s->refs, n * sizeof *s->refs);
    hl_pages_unmap(s->first, n * sizeof *s->first);
    hl_pages_unmap(s->edges, s->room * sizeof *s->edges);
    hl_addresses_deinit(&s->ids);
    hl_gc_heap_deinit(&s->heap);
}

bool hl_gc_settle(void)
{
    sums s;
    bool good = sums_init(&s) && number_all(&s);
    if (good)
        traverse_all(&s);
    good = good && !s.failed && all_are_reached(&s);
    while (good &&
           follow_fewer(&s)) /* a collection goes through them once, by chance in this order */
        ;
    sums_deinit(&s);
    return good;
}
