/* inside/gc_census.c: what the collector knows, by types and by addresses.
 *
 * Room   inside; target with the GIL.
 * Takes  objects (None: all the collector knows).   Gives  counts by type, the objects of some types or at
 *        some addresses, and which addresses are new since a time before, with a number a type.
 * Memory rt's pages, but for what is given. What a type is called, or whether it is one of those looked
 *        for, is asked of the caller once a type: that may run code. So of all objects the types are
 *        met first, and asked about when no object is looked at. */
#include "inside/gc_view.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/addresses.h"
#include "rt/rt.h"

#include <string.h>

/* ---- types ----------------------------------------------------------------------------------- */

typedef struct kind {
    PyTypeObject *type; /* owned */
    uint64_t n;
    uint32_t answer;
    PyObject *fresh; /* borrowed: a set, of a dict that is given */
} kind;

typedef struct kinds {
    kind *all; /* in the order they are met */
    uint32_t n, room;
    hl_addresses places; /* of types, in all; + 1 */
    PyTypeObject *last;
    uint32_t last_place;
} kinds;

enum { KINDS_FIRST = 1 << 8 };

static bool kinds_init(kinds *k)
{
    *k = (kinds){.room = KINDS_FIRST};
    k->all = hl_pages_map(KINDS_FIRST * sizeof *k->all);
    if (hl_addresses_init(&k->places) && k->all)
        return true;
    PyErr_NoMemory();
    return false;
}

static void kinds_deinit(kinds *k)
{
    for (uint32_t i = 0; i < k->n; i++)
        Py_DECREF(k->all[i].type);
    hl_pages_unmap(k->all, k->room * sizeof *k->all);
    hl_addresses_deinit(&k->places);
}

static bool kinds_grow(kinds *k)
{
    kind *more = hl_pages_map(2 * (size_t)k->room * sizeof *more);
    if (!more)
        return false;
    memcpy(more, k->all, k->n * sizeof *more);
    hl_pages_unmap(k->all, k->room * sizeof *more);
    k->all = more;
    k->room *= 2;
    return true;
}

/* The place of a type in all; *met: it is there for the first time. UINT32_MAX: an exception. */
static uint32_t kind_place(kinds *k, PyTypeObject *t, bool *met)
{
    *met = false;
    if (t == k->last)
        return k->last_place;
    uint32_t *at = hl_addresses_at(&k->places, t);
    if (!at || (!*at && k->n == k->room && !kinds_grow(k))) {
        PyErr_NoMemory();
        return UINT32_MAX;
    }
    if (!*at) {
        *met = true;
        k->all[k->n] = (kind){.type = t};
        Py_INCREF(t);
        *at = ++k->n;
    }
    k->last = t;
    return k->last_place = *at - 1;
}

/* Asks about a type, as a truth or as a number. */
static bool kind_ask(kinds *k, uint32_t place, PyObject *question, bool number)
{
    PyObject *answer = PyObject_CallFunctionObjArgs(question, (PyObject *)k->all[place].type, NULL);
    long value = -1;
    if (answer)
        value = number ? PyLong_AsLong(answer) : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (value < 0 || value >= UINT32_MAX) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_OverflowError, "the number of a type does not fit");
        return false;
    }
    k->all[place].answer = (uint32_t)value;
    return true;
}

/* ---- counts ---------------------------------------------------------------------------------- */

static PyObject *pairs_of(const kinds *k)
{
    PyObject *list = PyList_New(k->n);
    for (uint32_t i = 0; list && i < k->n; i++) {
        PyObject *pair = Py_BuildValue("OK", k->all[i].type, (unsigned long long)k->all[i].n);
        if (pair)
            PyList_SET_ITEM(list, i, pair);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* Meets the types of all that the collector knows. */
static bool kinds_meet(kinds *k, const hl_gc_heap *h)
{
    bool met, good = true;
    for (size_t i = 0; good && i < h->n; i++) {
        uint32_t place = kind_place(k, hl_gc_heap_type(h, i), &met);
        good = place != UINT32_MAX;
        if (good)
            k->all[place].n++;
    }
    return good;
}

static bool heap_init(hl_gc_heap *h)
{
    if (hl_gc_heap_init(h))
        return true;
    PyErr_NoMemory();
    return false;
}

static bool census_of(kinds *k, PyObject *objects)
{
    hl_gc_heap h = {.objects = NULL};
    PyObject *some = objects == Py_None ? NULL : hl_gc_objects_of(objects);
    if (objects == Py_None ? !heap_init(&h) : !some)
        return false;
    if (some)
        h = (hl_gc_heap){.objects = PySequence_Fast_ITEMS(some),
                         .n = (size_t)PySequence_Fast_GET_SIZE(some)};
    bool good = kinds_meet(k, &h);
    if (!some)
        hl_gc_heap_deinit(&h);
    Py_XDECREF(some);
    return good;
}

static PyObject *census(PyObject *module, PyObject *objects)
{
    (void)module;
    kinds k;
    PyObject *result = kinds_init(&k) && census_of(&k, objects) ? pairs_of(&k) : NULL;
    kinds_deinit(&k);
    return result;
}

/* ---- choosing -------------------------------------------------------------------------------- */

static bool add_wanted(kinds *k, PyObject *all, PyObject *is_wanted, PyObject *result)
{
    bool met, good = true;
    for (Py_ssize_t i = 0; good && i < PySequence_Fast_GET_SIZE(all); i++) {
        PyObject *o = PySequence_Fast_GET_ITEM(all, i);
        Py_INCREF(o); /* the caller's list may change while it is asked */
        uint32_t place = kind_place(k, Py_TYPE(o), &met);
        good = place != UINT32_MAX && (!met || kind_ask(k, place, is_wanted, false)) &&
               !(k->all[place].answer && PyList_Append(result, o));
        Py_DECREF(o);
    }
    return good;
}

/* Types that are met only now are those of what was made to answer. */
static bool add_wanted_of_all(kinds *k, PyObject *is_wanted, PyObject *result)
{
    hl_gc_heap h;
    bool met, good = heap_init(&h);
    if (!good)
        return false;
    good = kinds_meet(k, &h);
    hl_gc_heap_deinit(&h);
    for (uint32_t i = 0; good && i < k->n; i++)
        good = kind_ask(k, i, is_wanted, false);
    if (!good || !heap_init(&h))
        return false;
    for (size_t i = 0; good && i < h.n; i++) {
        uint32_t place = kind_place(k, hl_gc_heap_type(&h, i), &met);
        good = place != UINT32_MAX && (!k->all[place].answer || h.objects[i] == result ||
                                       !PyList_Append(result, h.objects[i]));
    }
    hl_gc_heap_deinit(&h);
    return good;
}

static PyObject *of_types(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    if (n != 2)
        return PyErr_Format(PyExc_TypeError, "%zd arguments, and it takes 2", n);
    bool all = args[0] == Py_None;
    PyObject *some = all ? NULL : hl_gc_objects_of(args[0]);
    kinds k;
    if (!all && !some)
        return NULL;
    PyObject *result = kinds_init(&k) ? PyList_New(0) : NULL;
    if (result &&
        !(all ? add_wanted_of_all(&k, args[1], result) : add_wanted(&k, some, args[1], result)))
        Py_CLEAR(result);
    kinds_deinit(&k);
    Py_XDECREF(some);
    return result;
}

/* The addresses as a set of ours. false: an exception. */
static bool told(hl_addresses *wanted, PyObject *list)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        void *address = PyLong_AsVoidPtr(PyList_GET_ITEM(list, i));
        if (!address && PyErr_ExceptionMatches(PyExc_OverflowError))
            PyErr_Clear(); /* the address of nothing */
        else if (PyErr_Occurred())
            return false;
        if (!address || (uintptr_t)address % 8 || hl_addresses_key(address) < 2)
            continue;
        uint32_t *at = hl_addresses_at(wanted, address);
        if (!at) {
            PyErr_NoMemory();
            return false;
        }
        *at = 1;
    }
    return true;
}

static PyObject *objects_at(PyObject *module, PyObject *list)
{
    (void)module;
    if (!PyList_Check(list))
        return PyErr_Format(PyExc_TypeError, "addresses come in a list");
    hl_addresses wanted;
    if (!hl_addresses_init(&wanted))
        return PyErr_NoMemory();
    PyObject *result = told(&wanted, list) ? PyList_New(0) : NULL; /* it may collect: first */
    hl_gc_heap h = {.objects = NULL};
    bool good = result && heap_init(&h);
    for (size_t i = 0; good && i < h.n; i++)
        good = !hl_addresses_get(&wanted, h.objects[i]) || h.objects[i] == result ||
               !PyList_Append(result, h.objects[i]);
    if (!good)
        Py_CLEAR(result);
    hl_gc_heap_deinit(&h);
    hl_addresses_deinit(&wanted);
    return result;
}

/* The first key of a dict whose value is the object, in a tuple. */
static PyObject *key_of(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    PyObject *key, *value;
    Py_ssize_t at = 0;
    if (n != 2 || !PyDict_Check(args[0]))
        return PyErr_Format(PyExc_TypeError, "key_of takes a dict and an object");
    while (PyDict_Next(args[0], &at, &key, &value))
        if (value == args[1])
            return PyTuple_Pack(1, key);
    Py_RETURN_NONE;
}

/* ---- addresses and their types' numbers ------------------------------------------------------ */

static const char capsule_name[] = "heaplens._inside.addresses";

static void capsule_free(PyObject *capsule)
{
    hl_addresses *a = PyCapsule_GetPointer(capsule, capsule_name);
    hl_addresses_deinit(a);
    hl_pages_unmap(a, sizeof *a);
}

static PyObject *capsule_new(hl_addresses **out)
{
    hl_addresses *a = hl_pages_map(sizeof *a);
    if (!a || !hl_addresses_init(a)) {
        hl_pages_unmap(a, sizeof *a);
        return PyErr_NoMemory();
    }
    PyObject *capsule = PyCapsule_New(a, capsule_name, capsule_free);
    if (!capsule) {
        hl_addresses_deinit(a);
        hl_pages_unmap(a, sizeof *a);
    }
    *out = a;
    return capsule;
}

/* The set of addresses for a number in a dict of them; borrowed. */
static PyObject *set_of(PyObject *sets, uint32_t number)
{
    PyObject *key = PyLong_FromUnsignedLong(number);
    PyObject *set = key ? PyDict_GetItemWithError(sets, key) : NULL;
    if (key && !set && !PyErr_Occurred() && (set = PySet_New(NULL))) {
        int failed = PyDict_SetItem(sets, key, set);
        Py_DECREF(set);
        set = failed ? NULL : set;
    }
    Py_XDECREF(key);
    return set;
}

static bool add_address(PyObject *set, const void *address)
{
    PyObject *value = PyLong_FromVoidPtr((void *)(uintptr_t)address);
    int failed = value ? PySet_Add(set, value) : -1;
    Py_XDECREF(value);
    return !failed;
}

/* The types of all objects, and for each address the place of its type. */
static bool note_all(kinds *k, const hl_gc_heap *h, uint32_t *places, hl_addresses *now)
{
    bool met;
    for (size_t i = 0; i < h->n; i++) {
        uint32_t place = places[i] = kind_place(k, hl_gc_heap_type(h, i), &met);
        if (place == UINT32_MAX)
            return false;
        k->all[place].n++;
        if (!hl_addresses_at(now, h->objects[i])) {
            PyErr_NoMemory();
            return false;
        }
    }
    return true;
}

/* The objects may be gone: their addresses alone are looked at. Of each its type's number goes into now,
 * and the address into fresh if before has another. */
static bool number_noted(const kinds *k, const hl_gc_heap *h, const uint32_t *places,
                         hl_addresses *before, hl_addresses *now, PyObject *fresh)
{
    for (size_t i = 0; i < h->n; i++) {
        kind *own = &k->all[places[i]];
        *hl_addresses_at(now, h->objects[i]) = own->answer;
        if (before && hl_addresses_get(before, h->objects[i]) == own->answer)
            continue;
        if (!own->fresh)
            own->fresh = set_of(fresh, own->answer);
        if (!own->fresh || !add_address(own->fresh, h->objects[i]))
            return false;
    }
    return true;
}

/* How many objects each number has. */
static PyObject *counts_of(const kinds *k)
{
    PyObject *counts = PyList_New(k->n);
    for (uint32_t i = 0; counts && i < k->n; i++) {
        PyObject *pair = Py_BuildValue("IK", k->all[i].answer, (unsigned long long)k->all[i].n);
        if (pair)
            PyList_SET_ITEM(counts, i, pair);
        else
            Py_CLEAR(counts);
    }
    return counts;
}

static PyObject *addresses_now(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    hl_addresses *before = NULL, *now = NULL;
    if (n != 2)
        return PyErr_Format(PyExc_TypeError, "%zd arguments, and it takes 2", n);
    if (args[0] != Py_None && !(before = PyCapsule_GetPointer(args[0], capsule_name)))
        return NULL;
    PyObject *capsule = capsule_new(&now), *fresh = PyDict_New(), *result = NULL;
    kinds k;
    hl_gc_heap h = {.objects = NULL};
    uint32_t *places = NULL;
    bool good = kinds_init(&k) && capsule && fresh && heap_init(&h);
    if (good && !(places = hl_gc_map((h.n + 1) * sizeof *places))) {
        PyErr_NoMemory();
        good = false;
    }
    good = good && note_all(&k, &h, places, now);
    for (uint32_t i = 0; good && i < k.n; i++)
        good = kind_ask(&k, i, args[1], true);
    good = good && number_noted(&k, &h, places, before, now, fresh);
    PyObject *counts = good ? counts_of(&k) : NULL;
    if (counts)
        result = PyTuple_Pack(3, capsule, counts, fresh);
    hl_pages_unmap(places, (h.n + 1) * sizeof *places);
    hl_gc_heap_deinit(&h);
    kinds_deinit(&k);
    Py_XDECREF(counts);
    Py_XDECREF(fresh);
    Py_XDECREF(capsule);
    return result;
}

static PyObject *addresses_of(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    if (n != 2)
        return PyErr_Format(PyExc_TypeError, "%zd arguments, and it takes 2", n);
    hl_addresses *a = PyCapsule_GetPointer(args[0], capsule_name);
    unsigned long number = a ? PyLong_AsUnsignedLong(args[1]) : 0;
    if (!a || PyErr_Occurred())
        return NULL;
    PyObject *set = PySet_New(NULL);
    for (size_t i = 0; i < a->dir_room; i++)
        for (size_t k = 0; set && a->dir[i].key && k < HL_STRETCH_NUMBERS; k++)
            if (number && a->dir[i].numbers[k] == number &&
                !add_address(set, (const void *)hl_addresses_of(a->dir[i].key, k)))
                Py_CLEAR(set);
    return set;
}

#define FAST(function) (PyCFunction)(void (*)(void)) function, METH_FASTCALL
PyMethodDef hl_gc_census_methods[] = {
    {"census", census, METH_O,
     "census(objects, /)\n--\n\n"
     "(type, how many) of the objects (None: all the collector knows), in the order they are met."},
    {"of_types", FAST(of_types),
     "of_types(objects, is_wanted, /)\n--\n\n"
     "The objects of the types that are wanted; is_wanted is called once a type."},
    {"objects_at", objects_at, METH_O,
     "objects_at(addresses, /)\n--\n\nThe objects at these addresses that the collector knows."},
    {"key_of", FAST(key_of),
     "key_of(dict, value, /)\n--\n\nThe first key with this very value, as (key,); None: none."},
    {"addresses_now", FAST(addresses_now),
     "addresses_now(before, number_of, /)\n--\n\n"
     "A handle of all addresses with their types' numbers, which number_of gives, once a type; "
     "[(number, how many)]; and {number: addresses} of what was not in the handle before."},
    {"addresses_of", FAST(addresses_of),
     "addresses_of(handle, number, /)\n--\n\nThe addresses with this number, as a set."},
    {NULL, NULL, 0, NULL},
};
