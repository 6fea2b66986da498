/* inside/gc_backrefs.c: who refers to each object, as gc.get_referrers says it, from one pass over the heap.
 *
 * Room   inside; target with the GIL.
 * Takes  what the collector knows, and objects asked for that it does not know.   Gives  a handle: each
 *        object's referrers, in the order in which gc.get_referrers has them, and shortest chains.
 * Memory rt's pages. While the heap is traversed nothing is allocated of the interpreter and no code of
 *        the program runs; what the handle names lives as long as the handle, so that code which runs
 *        between two questions (a predicate) may drop what it likes.
 * Method numbers of objects (addresses.h) in the order of gc.get_objects; tp_traverse of each gives the
 *        edges in order of their sources; one counting sort turns them round. */
#include "inside/gc_view.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/addresses.h"
#include "inside/visited.h"
#include "rt/rt.h"

static const char capsule_name[] = "heaplens._inside.backrefs";

typedef struct backrefs {
    PyObject *objects; /* owned; unknown to the collector */
    hl_addresses ids;  /* place in objects + 1 */
    uint32_t n;
    uint64_t *first;     /* n + 1: where an object's referrers begin */
    uint32_t *referrers; /* places in objects, rising */
} backrefs;

/* ---- building -------------------------------------------------------------------------------- */

/* Nothing is named any more. */
static void backrefs_end(backrefs *x)
{
    hl_pages_unmap(x->referrers,
                   x->first ? (size_t)(x->first[x->n] + 1) * sizeof *x->referrers : 0);
    hl_pages_unmap(x->first, ((size_t)x->n + 1) * sizeof *x->first);
    hl_addresses_deinit(&x->ids);
    PyObject *objects = x->objects;
    *x = (backrefs){.objects = NULL};
    Py_XDECREF(objects); /* may run finalizers: last */
}

static void backrefs_free(backrefs *x)
{
    if (!x)
        return;
    backrefs_end(x);
    hl_pages_unmap(x, sizeof *x);
}

static void capsule_free(PyObject *capsule)
{
    backrefs_free(PyCapsule_GetPointer(capsule, capsule_name));
}

/* What a handle stands for; NULL with an exception where it was ended. */
static backrefs *handle_of(PyObject *capsule)
{
    backrefs *x = PyCapsule_GetPointer(capsule, capsule_name);
    if (x && !x->objects) {
        PyErr_SetString(PyExc_ValueError, "the handle was ended");
        return NULL;
    }
    return x;
}

static bool number_all(backrefs *x)
{
    for (uint32_t i = 0; i < x->n; i++) {
        uint32_t *at = hl_addresses_at(&x->ids, PyList_GET_ITEM(x->objects, i));
        if (!at)
            return false;
        *at = i + 1;
    }
    return true;
}

typedef struct target {
    uint32_t n;      /* its referrers */
    uint32_t source; /* the latest of them + 1 */
} target;

typedef struct pass {
    hl_addresses *ids;
    target *targets; /* one an object */
    uint32_t *out;   /* one a source: to how many it refers */
    uint32_t source;
    hl_ids edges; /* targets, source after source */
    bool failed;
} pass;

static int visit(PyObject *o, void *arg)
{
    pass *p = arg;
    uint32_t id = hl_addresses_get(p->ids, o);
    if (!id)
        return 0;
    target *t = &p->targets[id - 1];
    if (t->source == p->source + 1)
        return 0;
    if (!hl_ids_push(&p->edges, id - 1)) {
        p->failed = true;
        return 1;
    }
    t->source = p->source + 1;
    t->n++;
    p->out[p->source]++;
    return 0;
}

static void edges_free(hl_ids *edges)
{
    for (hl_ids_segment *s = edges->head, *next; s; s = next) {
        next = s->next;
        hl_pages_unmap(s, sizeof *s);
    }
}

/* The edges of the pass, by their targets. */
static bool turn_round(backrefs *x, pass *p, uint32_t sources)
{
    uint64_t total = p->edges.n;
    x->referrers = hl_gc_map((size_t)(total + 1) * sizeof *x->referrers);
    if (!x->referrers)
        return false;
    for (uint32_t i = 0; i < x->n; i++)
        x->first[i + 1] = x->first[i] + p->targets[i].n;
    for (uint32_t source = 0; source < sources; source++)
        for (uint32_t k = p->out[source]; k; k--) {
            uint32_t to = hl_ids_shift(&p->edges);
            x->referrers[x->first[to + 1] - p->targets[to].n--] = source;
        }
    return true;
}

static bool traverse_all(backrefs *x, uint32_t sources)
{
    pass p = {
        .ids = &x->ids,
        .targets = hl_gc_map(((size_t)x->n + 1) * sizeof *p.targets),
        .out = hl_gc_map(((size_t)sources + 1) * sizeof *p.out),
    };
    x->first = hl_gc_map(((size_t)x->n + 1) * sizeof *x->first);
    p.failed = !p.targets || !p.out || !x->first;
    const hl_gc_heap heap = {.objects = ((PyListObject *)x->objects)->ob_item, .n = sources};
    for (p.source = 0; p.source < sources && !p.failed; p.source++)
        hl_gc_heap_traverse(&heap, p.source, visit, &p);
    bool good = !p.failed && turn_round(x, &p, sources);
    edges_free(&p.edges);
    hl_pages_unmap(p.targets, ((size_t)x->n + 1) * sizeof *p.targets);
    hl_pages_unmap(p.out, ((size_t)sources + 1) * sizeof *p.out);
    return good;
}

/* The objects asked for that the collector does not know: they have referrers and are none. */
static bool add_unknown(backrefs *x, PyObject *asked)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(asked);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *o = PySequence_Fast_GET_ITEM(asked, i);
        uint32_t *at = hl_addresses_at(&x->ids, o);
        if (!at) {
            PyErr_NoMemory();
            return false;
        }
        if (*at)
            continue;
        if (PyList_Append(x->objects, o))
            return false;
        *at = ++x->n;
    }
    return true;
}

static backrefs *backrefs_new(PyObject *asked)
{
    backrefs *x = hl_pages_map(sizeof *x);
    if (!x)
        return (backrefs *)PyErr_NoMemory();
    if (!hl_addresses_init(&x->ids)) {
        PyErr_NoMemory();
    } else if ((x->objects = hl_gc_objects())) {
        Py_ssize_t n = PyList_GET_SIZE(x->objects);
        uint32_t sources = x->n = n < INT32_MAX ? (uint32_t)n : 0;
        if ((n && !sources) || !number_all(x))
            PyErr_NoMemory();
        else if (add_unknown(x, asked)) {
            if (traverse_all(x, sources))
                return x;
            PyErr_NoMemory();
        }
    }
    backrefs_free(x);
    return NULL;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool is_called_with(Py_ssize_t n, Py_ssize_t wanted)
{
    if (n != wanted)
        PyErr_Format(PyExc_TypeError, "%zd arguments, and it takes %zd", n, wanted);
    return n == wanted;
}

static PyObject *backrefs_of(PyObject *module, PyObject *asked)
{
    (void)module;
    PyObject *list = PySequence_Fast(asked, "the objects asked for must be an iterable");
    backrefs *x = list ? backrefs_new(list) : NULL;
    Py_XDECREF(list);
    PyObject *capsule = x ? PyCapsule_New(x, capsule_name, capsule_free) : NULL;
    if (!capsule)
        backrefs_free(x);
    return capsule;
}

/* Who made a handle ends it: among what it keeps alive may be what refers to it (a frame, a cell), and the
 * collector cannot know. */
static PyObject *backrefs_over(PyObject *module, PyObject *capsule)
{
    (void)module;
    backrefs *x = PyCapsule_GetPointer(capsule, capsule_name);
    if (!x)
        return NULL;
    if (x->objects)
        backrefs_end(x);
    Py_RETURN_NONE;
}

static PyObject *referrers(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    backrefs *x = is_called_with(n, 2) ? handle_of(args[0]) : NULL;
    if (!x)
        return NULL;
    uint32_t id = hl_addresses_get(&x->ids, args[1]);
    if (!id)
        Py_RETURN_NONE;
    uint64_t from = x->first[id - 1], to = x->first[id];
    PyObject *list = PyList_New((Py_ssize_t)(to - from));
    for (uint64_t i = from; list && i < to; i++) {
        PyObject *o = PyList_GET_ITEM(x->objects, x->referrers[i]);
        Py_INCREF(o);
        PyList_SET_ITEM(list, (Py_ssize_t)(i - from), o);
    }
    return list;
}

/* ---- chains ---------------------------------------------------------------------------------- */

enum { UNSEEN = 0, IGNORED = UINT32_MAX - 1, START = UINT32_MAX };

typedef struct search {
    backrefs *x;
    uint32_t *next;  /* one an object: to which the chain goes on, + 1; or one of the above */
    uint32_t *queue; /* in the order they are met */
    uint8_t *stops;  /* one an object: is this what is looked for? */
    PyObject *predicate;
} search;

static bool search_init(search *s, backrefs *x)
{
    size_t n = (size_t)x->n + 1;
    *s = (search){.x = x,
                  .next = hl_gc_map(n * sizeof *s->next),
                  .queue = hl_gc_map(n * sizeof *s->queue),
                  .stops = hl_pages_map(n)};
    if (s->next && s->queue && s->stops)
        return true;
    PyErr_NoMemory();
    return false;
}

static void search_deinit(search *s)
{
    size_t n = (size_t)s->x->n + 1;
    hl_pages_unmap(s->next, n * sizeof *s->next);
    hl_pages_unmap(s->queue, n * sizeof *s->queue);
    hl_pages_unmap(s->stops, n);
}

/* The object's number for an int that is an address; 0: none of ours. */
static uint32_t number_at(backrefs *x, PyObject *address)
{
    void *at = PyLong_Check(address) ? PyLong_AsVoidPtr(address) : NULL;
    if (PyErr_Occurred())
        PyErr_Clear();
    return at ? hl_addresses_get(&x->ids, at) : 0;
}

/* sets: of addresses, those of what is not to be met and of what is looked for. */
static bool search_told(search *s, PyObject *ignore, PyObject *stops)
{
    PyObject *ignored = PySequence_Fast(ignore, "what to ignore must be an iterable");
    PyObject *stop = ignored ? PySequence_Fast(stops, "where to stop must be an iterable") : NULL;
    for (Py_ssize_t i = 0; stop && i < PySequence_Fast_GET_SIZE(ignored); i++) {
        uint32_t id = number_at(s->x, PySequence_Fast_GET_ITEM(ignored, i));
        if (id)
            s->next[id - 1] = IGNORED;
    }
    for (Py_ssize_t i = 0; stop && i < PySequence_Fast_GET_SIZE(stop); i++) {
        uint32_t id = number_at(s->x, PySequence_Fast_GET_ITEM(stop, i));
        if (id)
            s->stops[id - 1] = 1;
    }
    bool told = stop != NULL;
    Py_XDECREF(ignored);
    Py_XDECREF(stop);
    return told;
}

/* 1: this is it. -1: an exception. */
static int is_found(search *s, uint32_t at)
{
    if (s->predicate == Py_None)
        return s->stops[at];
    PyObject *answer =
        PyObject_CallFunctionObjArgs(s->predicate, PyList_GET_ITEM(s->x->objects, at), NULL);
    int found = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    return found;
}

static PyObject *chain_from(const search *s, uint32_t at)
{
    PyObject *chain = PyList_New(0);
    for (uint32_t next = 0; chain && next != START; at = next - 1) {
        if (PyList_Append(chain, PyList_GET_ITEM(s->x->objects, at)))
            Py_CLEAR(chain);
        next = s->next[at];
    }
    return chain;
}

/* Breadth first, asked about as they are met; None: not found. */
static PyObject *search_run(search *s, uint32_t start, uint64_t max_depth)
{
    const backrefs *x = s->x;
    uint32_t taken = 0, met = 0;
    s->next[start] = START;
    s->queue[met++] = start;
    for (uint64_t depth = 0, level_end = 1; taken < met; taken++) {
        if (taken == level_end) {
            depth++;
            level_end = met;
        }
        uint32_t at = s->queue[taken];
        int found = is_found(s, at);
        if (found)
            return found < 0 ? NULL : chain_from(s, at);
        for (uint64_t i = x->first[at]; depth < max_depth && i < x->first[at + 1]; i++) {
            uint32_t source = x->referrers[i];
            if (s->next[source] != UNSEEN)
                continue;
            s->next[source] = at + 1;
            s->queue[met++] = source;
        }
    }
    Py_RETURN_NONE;
}

static PyObject *backref_chain(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    backrefs *x = is_called_with(n, 6) ? handle_of(args[0]) : NULL;
    if (!x)
        return NULL;
    uint64_t max_depth = PyLong_AsUnsignedLongLong(args[4]);
    if (PyErr_Occurred())
        return NULL;
    uint32_t start = hl_addresses_get(&x->ids, args[1]);
    if (!start)
        return PyErr_Format(PyExc_ValueError, "the object was not asked for");
    search s;
    PyObject *chain = NULL;
    if (search_init(&s, x) && search_told(&s, args[5], args[3])) {
        s.predicate = args[2];
        chain = search_run(&s, start - 1, max_depth);
    }
    search_deinit(&s);
    return chain;
}

/* ---- objects that nothing refers to ---------------------------------------------------------- */

static int visit_referred(PyObject *o, void *arg)
{
    if (hl_addresses_get(arg, o))
        *hl_addresses_at(arg, o) = 0;
    return 0;
}

static bool mark_unreferred(hl_addresses *left, PyObject *all, PyObject *some, PyObject *but)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(some), n_all = PyList_GET_SIZE(all);
    for (Py_ssize_t i = 0; i < n; i++) {
        uint32_t *at = hl_addresses_at(left, PySequence_Fast_GET_ITEM(some, i));
        if (!at)
            return false;
        *at = 1;
    }
    for (Py_ssize_t i = 0; i < n_all; i++) {
        PyObject *o = PyList_GET_ITEM(all, i);
        if (o != some && o != but && Py_TYPE(o)->tp_traverse)
            (void)Py_TYPE(o)->tp_traverse(o, visit_referred, left);
    }
    return true;
}

static PyObject *settle(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return PyBool_FromLong(hl_gc_settle());
}

static PyObject *unreferred(PyObject *module, PyObject *objects)
{
    (void)module;
    PyObject *all = hl_gc_objects(), *result = NULL;
    PyObject *some = !all ? NULL : objects == Py_None ? all : hl_gc_objects_of(objects);
    if (some == all)
        Py_XINCREF(some);
    hl_addresses left;
    if (some && !hl_addresses_init(&left)) {
        PyErr_NoMemory();
    } else if (some) {
        if (mark_unreferred(&left, all, some, objects))
            result = PyList_New(0);
        else
            PyErr_NoMemory();
        for (Py_ssize_t i = 0; result && i < PySequence_Fast_GET_SIZE(some); i++) {
            PyObject *o = PySequence_Fast_GET_ITEM(some, i);
            if (hl_addresses_get(&left, o) && PyList_Append(result, o))
                Py_CLEAR(result);
        }
        hl_addresses_deinit(&left);
    }
    Py_XDECREF(some);
    Py_XDECREF(all);
    return result;
}

#define FAST(function) (PyCFunction)(void (*)(void)) function, METH_FASTCALL
PyMethodDef hl_gc_backrefs_methods[] = {
    {"backrefs_of", backrefs_of, METH_O,
     "backrefs_of(objects, /)\n--\n\n"
     "A handle: who refers to each object that the collector knows now, and to these."},
    {"backrefs_end", backrefs_over, METH_O,
     "backrefs_end(handle, /)\n--\n\nEnds it, so that what it names may go; more than once is "
     "fine."},
    {"referrers", FAST(referrers),
     "referrers(handle, object, /)\n--\n\n"
     "What gc.get_referrers gave when the handle was made; None: the object was not there."},
    {"backref_chain", FAST(backref_chain),
     "backref_chain(handle, object, predicate, stops, max_depth, ignore, /)\n--\n\n"
     "The shortest chain of referrers from the first for which the predicate holds, or whose "
     "address "
     "is among the stops where the predicate is None; None: there is none."},
    {"settle", settle, METH_NOARGS,
     "settle()\n--\n\n"
     "True: nothing is garbage, and all is as gc.collect() would leave it; False: call it."},
    {"unreferred", unreferred, METH_O,
     "unreferred(objects, /)\n--\n\n"
     "Those of the objects (None: all) that nothing the collector knows refers to."},
    {NULL, NULL, 0, NULL},
};
