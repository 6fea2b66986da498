/* inside/shapes.c: the references of one object, one function per shape.
 *
 * Room   inside; the cloned child.
 * Takes  an object and its kind.   Gives  edges of the row that is open (walk.h).
 * Knows  layouts of the core's containers.  Must not know  files, columns, phases.
 * The edges are those tp_traverse would report, with names, and the ones an object owns that
 * tp_traverse leaves out because they cannot be part of a cycle (keys of dicts, names of types):
 * a reference that is counted in its target must be seen, or it looks lost. */
#include "inside/layout_private.h"
#include "inside/walk.h"

enum {
    AHEAD = 24,
    INDEX_MAX = 255,
    ORDINAL_MAX = 63,
    NPY_OBJECT = 17,
    NPY_OWNDATA = 4,
    KINDS_NAMED = 1 << 18
};

/* ---- dicts and attributes ---------------------------------------------------------------------
 */

static uint32_t key_label(hl_walk *w, PyObject *key, bool names)
{
    if (names) {
        uint32_t name = hl_name_of(w, key);
        if (name)
            return HL_LABEL(HL_LABEL_KEY, name);
    }
    return HL_LABEL(HL_LABEL_VALUE, hl_kind_of(w, Py_TYPE(key))->index);
}

static void dict_edges(hl_walk *w, PyObject *dict, bool names)
{
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)dict);
    if (t.embedded)
        return;
    for (size_t i = 0; i < t.n && i < AHEAD; i++) {
        __builtin_prefetch(hl_abi_table_value(&t, i));
        __builtin_prefetch(hl_abi_table_key(&t, i));
    }
    for (size_t i = 0; i < t.n; i++) {
        if (i + AHEAD < t.n) {
            __builtin_prefetch(hl_abi_table_value(&t, i + AHEAD));
            __builtin_prefetch(hl_abi_table_key(&t, i + AHEAD));
        }
        PyObject *key = hl_abi_table_key(&t, i), *value = hl_abi_table_value(&t, i);
        if (!value || !key)
            continue;
        if (!t.shared)
            hl_walk_edge(w, key, HL_LABEL(HL_LABEL_DICTKEY, 0));
        hl_walk_edge(w, value, key_label(w, key, names));
    }
}

/* Each node of an OrderedDict's list owns its key once more. */
static void ordered_edges(hl_walk *w, PyObject *dict, bool names)
{
    dict_edges(w, dict, names);
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)dict);
    for (size_t i = 0; i < t.n; i++)
        if (hl_abi_table_value(&t, i))
            hl_walk_edge(w, hl_abi_table_key(&t, i), HL_LABEL(HL_LABEL_INTERNAL, 0));
}

/* The attributes of a thread-local: a dict of its own for each thread, every one of them as good as
 * its __dict__. */
void hl_shape_dicts(hl_walk *w, PyObject *dict)
{
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)dict);
    for (size_t i = 0; i < t.n; i++) {
        PyObject *key = hl_abi_table_key(&t, i), *value = hl_abi_table_value(&t, i);
        if (!value || !key)
            continue;
        hl_walk_edge(w, key, HL_LABEL(HL_LABEL_DICTKEY, 0));
        hl_walk_edge(w, value, w->label.dict);
    }
}

static void set_edges(hl_walk *w, PyObject *o)
{
    const PySetObject *s = (const PySetObject *)o;
    size_t n = (size_t)s->mask + 1;
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(s->table[i + AHEAD].key);
        if (s->table[i].key && s->table[i].hash != -1) /* -1: a removed entry */
            hl_walk_edge(w, s->table[i].key, HL_LABEL(HL_LABEL_ELEMENT, 0));
    }
}

#if HL_PY_AT_LEAST(11)
static void managed_edges(hl_walk *w, PyObject *o, const hl_kind *k)
{
    hl_abi_table t;
    PyObject *dict;
    size_t bytes;
    hl_abi_inline_values(o, k->type, &t, &dict, &bytes);
    for (size_t i = 0; i < t.n; i++)
        if (t.values[i])
            __builtin_prefetch(t.values[i]);
    for (size_t i = 0; i < t.n; i++)
        if (t.values[i])
            hl_walk_edge(w, t.values[i],
                         HL_LABEL(HL_LABEL_ATTR, hl_name_of(w, hl_abi_table_key(&t, i))));
    hl_limits_rows(w, w->row, &t);
    if (dict) {
        hl_walk_edge(w, dict, w->label.dict);
        hl_walk_namespace(w, dict);
    }
}
#endif

static void offset_dict_edges(hl_walk *w, PyObject *o, const hl_kind *k)
{
    PyObject **at = k->type->tp_dictoffset > 0
                        ? (PyObject **)((char *)o + k->type->tp_dictoffset)
                        : _PyObject_GetDictPtr(o); /* from the end of a var-sized object */
    if (!at || !*at)
        return;
    hl_walk_edge(w, *at, w->label.dict);
    hl_walk_namespace(w, *at);
}

static void instance_edges(hl_walk *w, PyObject *o, const hl_kind *k)
{
    for (uint32_t i = k->slots; i < k->slots + k->n_slots; i++) {
        hl_field f = w->fields[i];
        hl_walk_edge_maybe(w, *(PyObject **)((char *)o + f.offset), f.label);
    }
    hl_limits_slots(w, w->row, o, k->slots, k->n_slots);
    if (k->dict == HL_DICT_OFFSET)
        offset_dict_edges(w, o, k);
#if HL_PY_AT_LEAST(11)
    else if (k->dict == HL_DICT_MANAGED)
        managed_edges(w, o, k);
#endif
}

/* ---- sequences --------------------------------------------------------------------------------
 */

static void list_edges(hl_walk *w, PyObject *o)
{
    PyObject **item = ((PyListObject *)o)->ob_item;
    Py_ssize_t n = Py_SIZE(o);
    if (!item || hl_walk_sampled(w, item, (size_t)n))
        return;
    for (Py_ssize_t i = 0; i < n && i < AHEAD; i++)
        __builtin_prefetch(item[i]);
    for (Py_ssize_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(item[i + AHEAD]);
        hl_walk_edge_maybe(w, item[i], HL_LABEL(HL_LABEL_INDEX, 0));
    }
}

static void tuple_edges(hl_walk *w, PyObject *o)
{
    PyObject **item = ((PyTupleObject *)o)->ob_item;
    Py_ssize_t n = Py_SIZE(o);
    if (hl_walk_sampled(w, item, (size_t)n))
        return;
    for (Py_ssize_t i = 0; i < n && i < AHEAD; i++)
        __builtin_prefetch(item[i]);
    for (Py_ssize_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(item[i + AHEAD]);
        hl_walk_edge_maybe(w, item[i], HL_LABEL(HL_LABEL_INDEX, i < INDEX_MAX ? i + 1 : 0));
    }
}

/* ---- what C types publish ---------------------------------------------------------------------
 */

static void field_edge(hl_walk *w, PyObject *target, const hl_field *f)
{
    hl_walk_edge(w, target, f->label);
    if (f->flags & HL_FIELD_NAMESPACE)
        hl_walk_namespace(w, target);
    if ((f->flags & HL_FIELD_DICTS) && Py_TYPE(target) == &PyDict_Type)
        w->dicts_of_threads = target;
}

static void field_edges(hl_walk *w, PyObject *o, const hl_kind *k)
{
    for (uint32_t i = k->fields; i < k->fields + k->n_fields; i++) {
        hl_field f = w->fields[i];
        PyObject *target = *(PyObject **)((char *)o + f.offset);
        if (target)
            field_edge(w, target, &f);
    }
}

#if HL_PY_AT_LEAST(11)
/* A type written in C may let the core keep its attributes: which one is this? 0: none. */
static uint32_t managed_label(hl_walk *w, PyObject *o, const hl_kind *k, PyObject *target)
{
    hl_abi_table t;
    PyObject *dict;
    size_t bytes;
    hl_abi_inline_values(o, k->type, &t, &dict, &bytes);
    if (dict == target) {
        hl_walk_namespace(w, dict);
        return w->label.dict;
    }
    for (size_t i = 0; i < t.n; i++)
        if (t.values[i] == target)
            return HL_LABEL(HL_LABEL_ATTR, hl_name_of(w, hl_abi_table_key(&t, i)));
    return 0;
}
#endif

static void visited_edge(hl_walk *w, PyObject *target)
{
    const hl_kind *k = w->visitor;
    PyObject *o = w->visitor_object;
    if (target == (PyObject *)Py_TYPE(o) && hl_abi_heap_type(Py_TYPE(o))) {
        hl_walk_edge(w, target, HL_LABEL(HL_LABEL_TYPE, 0));
        return;
    }
    for (uint32_t i = 0; i < k->n_fields; i++) {
        hl_field f = w->fields[k->fields + i];
        if (*(PyObject **)((char *)o + f.offset) == target && !(w->fields_taken >> i & 1)) {
            w->fields_taken |= (uint64_t)1 << i;
            field_edge(w, target, &f);
            return;
        }
    }
    uint32_t label = k->other;
#if HL_PY_AT_LEAST(11)
    if (!label && k->managed && k->dict == HL_DICT_NONE)
        label = managed_label(w, o, k, target);
#endif
    if (!label) {
        label = HL_LABEL(HL_LABEL_INTERNAL, w->ordinal < ORDINAL_MAX ? w->ordinal : ORDINAL_MAX);
        w->ordinal++;
    }
    hl_walk_edge(w, target, label);
}

void hl_walk_visit_flush(hl_walk *w)
{
    for (unsigned i = 0; i < w->n_visited; i++)
        visited_edge(w, w->visited[i]);
    w->n_visited = 0;
}

int hl_walk_visit(PyObject *o, void *arg)
{
    hl_walk *w = arg;
    __builtin_prefetch(o);
    if (w->n_visited == HL_VISIT_BATCH)
        hl_walk_visit_flush(w);
    w->visited[w->n_visited++] = o;
    return 0;
}

static void traverse_edges(hl_walk *w, PyObject *o, const hl_kind *k)
{
    w->visitor = k;
    w->visitor_object = o;
    w->ordinal = 0;
    w->fields_taken = 0;
    k->traverse(o, hl_walk_visit, w);
    hl_walk_visit_flush(w);
    for (uint32_t i = 0; i < k->n_fields; i++) {
        hl_field f = w->fields[k->fields + i];
        PyObject *target = *(PyObject **)((char *)o + f.offset);
        if ((f.flags & HL_FIELD_OWNED) && target && !(w->fields_taken >> i & 1))
            field_edge(w, target, &f);
    }
}

/* ---- types, code, weak references, arrays ------------------------------------------------------
 */

static void type_edges(hl_walk *w, PyObject *o)
{
    PyTypeObject *t = (PyTypeObject *)o;
    PyObject *dict = hl_abi_type_dict(w->interp, t);
    bool heap = hl_abi_heap_type(t);
    if (dict) {
        hl_walk_edge(w, dict, w->label.dict);
        hl_walk_namespace(w, dict);
    }
    hl_walk_edge_maybe(w, t->tp_mro, w->label.mro);
    hl_walk_edge_maybe(w, t->tp_bases, w->label.bases);
    /* a static type's base is given by its source, and not counted */
    hl_walk_edge_maybe(w, (PyObject *)t->tp_base,
                       heap ? w->label.base : HL_LABEL(HL_LABEL_UNOWNED, 0));
    hl_walk_edge_maybe(w, hl_abi_type_subclasses(w->interp, t), w->label.subclasses);
    if (!heap)
        return;
    if (w->n_kinds < KINDS_NAMED)
        (void)hl_kind_of(w, t); /* a row with its name, for a class without instances too */
    const PyHeapTypeObject *h = (const PyHeapTypeObject *)t;
    hl_walk_edge_maybe(w, h->ht_module, w->label.module);
    hl_walk_edge_maybe(w, h->ht_name, w->label.name);
    hl_walk_edge_maybe(w, h->ht_qualname, w->label.qualname);
    hl_walk_edge_maybe(w, h->ht_slots, w->label.slots);
    if (!h->ht_cached_keys)
        return;
    hl_abi_table keys;
    hl_abi_keys_table(h->ht_cached_keys, &keys);
    for (size_t i = 0; i < keys.n; i++)
        hl_walk_edge_maybe(w, hl_abi_table_key(&keys, i), w->label.keys);
}

static void code_edges(hl_walk *w, PyObject *o)
{
    const PyCodeObject *c = (const PyCodeObject *)o;
    uint32_t other = HL_LABEL(HL_LABEL_INTERNAL, 0);
    hl_walk_edge_maybe(w, c->co_consts, w->label.consts);
    hl_walk_edge_maybe(w, c->co_names, w->label.names);
    hl_walk_edge_maybe(w, c->co_filename, w->label.filename);
    hl_walk_edge_maybe(w, c->co_name, w->label.name);
#if HL_PY_AT_LEAST(11)
    hl_walk_edge_maybe(w, c->co_qualname, w->label.qualname);
    hl_walk_edge_maybe(w, c->co_exceptiontable, other);
    hl_walk_edge_maybe(w, c->co_localsplusnames, other);
    hl_walk_edge_maybe(w, c->co_localspluskinds, other);
    hl_walk_edge_maybe(w, c->co_linetable, other);
#if HL_PY_AT_LEAST(12)
    if (c->_co_cached) {
        hl_walk_edge_maybe(w, c->_co_cached->_co_code, other);
        hl_walk_edge_maybe(w, c->_co_cached->_co_varnames, other);
        hl_walk_edge_maybe(w, c->_co_cached->_co_cellvars, other);
        hl_walk_edge_maybe(w, c->_co_cached->_co_freevars, other);
    }
#else
    hl_walk_edge_maybe(w, c->_co_code, other);
#endif
#else
    hl_walk_edge_maybe(w, c->co_code, other);
    hl_walk_edge_maybe(w, c->co_varnames, other);
    hl_walk_edge_maybe(w, c->co_freevars, other);
    hl_walk_edge_maybe(w, c->co_cellvars, other);
#if HL_PY_AT_LEAST(10)
    hl_walk_edge_maybe(w, c->co_linetable, other);
#else
    hl_walk_edge_maybe(w, c->co_lnotab, other);
#endif
#endif
}

static void weakref_edges(hl_walk *w, PyObject *o)
{
    const PyWeakReference *r = (const PyWeakReference *)o;
    hl_walk_edge_maybe(w, r->wr_callback, w->label.callback);
    if (r->wr_object && r->wr_object != Py_None &&
        (r->wr_object->ob_refcnt > 0 || hl_abi_immortal_count(r->wr_object)))
        hl_walk_edge(w, r->wr_object, HL_LABEL(HL_LABEL_WEAK, 0));
}

/* numpy has no tp_traverse; what an array refers to is read from its fields. */
static void ndarray_edges(hl_walk *w, PyObject *o)
{
    PyObject *descr = HL_PEEK(o, PyObject *, ndarray, descr);
    hl_walk_edge_maybe(w, HL_PEEK(o, PyObject *, ndarray, base), HL_LABEL(HL_LABEL_BASE, 0));
    if (!descr)
        return;
    hl_walk_edge(w, descr, w->label.dtype);
    PyObject *const *item = HL_PEEK(o, PyObject **, ndarray, data);
    int nd = HL_PEEK(o, int, ndarray, nd);
    if (HL_PEEK(descr, int, descr1, type_num) != NPY_OBJECT || !item || nd < 0 || nd > 64 ||
        !(HL_PEEK(o, int, ndarray, flags) & NPY_OWNDATA))
        return;
    const Py_ssize_t *dimension = HL_PEEK(o, Py_ssize_t *, ndarray, dimensions);
    Py_ssize_t n = 1; /* memory an array owns has no holes */
    for (int i = 0; i < nd; i++)
        n *= dimension[i];
    for (Py_ssize_t i = 0; i < n; i++)
        hl_walk_edge_maybe(w, item[i], HL_LABEL(HL_LABEL_INDEX, 0));
}

/* The entries of a bounded lru_cache lie in a ring, which owns each once; its dict owns them too.
 */
static void lru_edges(hl_walk *w, PyObject *o, const hl_kind *k)
{
    hl_measured m;
    hl_measure(w, o, k, &m);
    if (!m.bounded)
        return;
    PyObject *entry = HL_PEEK(o, PyObject *, lru, next);
    for (int64_t i = 0; i < m.len && entry && entry != o; i++) {
        hl_walk_edge(w, entry, HL_LABEL(HL_LABEL_INTERNAL, 0));
        entry = HL_PEEK(entry, PyObject *, lru, next);
    }
}

/* A value is called by its variable; without a variable it is a node further down. */
static void hamt_edges(hl_walk *w, PyObject *o)
{
    PyObject *const *pair = (PyObject *const *)((const char *)o + HL_AT(hamt, pairs));
    Py_ssize_t n = Py_SIZE(o);
    for (Py_ssize_t i = 0; i + 1 < n; i += 2) {
        PyObject *key = pair[i], *value = pair[i + 1];
        uint32_t name = 0;
        if (key && Py_TYPE(key) == &PyContextVar_Type)
            name = hl_name_of(w, HL_PEEK(key, PyObject *, contextvar, name));
        hl_walk_edge_maybe(w, key, HL_LABEL(HL_LABEL_DICTKEY, 0));
        hl_walk_edge_maybe(w, value,
                           name ? HL_LABEL(HL_LABEL_NAMED, name) : HL_LABEL(HL_LABEL_INTERNAL, 0));
    }
}

static bool is_field(const hl_walk *w, const hl_kind *k, uint32_t offset)
{
    if (k->type->tp_weaklistoffset == (Py_ssize_t)offset ||
        k->type->tp_dictoffset == (Py_ssize_t)offset)
        return true;
    for (uint32_t i = k->fields; i < k->fields + k->n_fields; i++)
        if (w->fields[i].offset == offset)
            return true;
    return false;
}

/* A type written in C that takes no part in collection tells nobody what it refers to. Each word of
 * its body that is the address of an object met elsewhere is written as a reference of unknown
 * name; the analyser counts it only if that object is still missing one. */
void hl_shape_hidden(hl_walk *w, PyObject *o, const hl_kind *k)
{
    uint32_t ordinal = 0;
    for (uint32_t at = sizeof(PyObject); at + sizeof(void *) <= k->hidden_end;
         at += sizeof(void *)) {
        PyObject *target = *(PyObject **)((char *)o + at);
        if (target == o || ((uintptr_t)target & 7) || !hl_visited_has(&w->seen, target) ||
            is_field(w, k, at))
            continue;
        hl_walk_edge(w, target, HL_LABEL(HL_LABEL_INTERNAL, ordinal));
        ordinal += ordinal < ORDINAL_MAX;
    }
}

void hl_shape_edges(hl_walk *w, PyObject *o, const hl_kind *k, bool as_namespace)
{
    if (k->n_slots || k->dict != HL_DICT_NONE)
        instance_edges(w, o, k);
    if (k->has_type_edge)
        hl_walk_edge(w, (PyObject *)Py_TYPE(o), HL_LABEL(HL_LABEL_TYPE, 0));
    switch ((enum hl_shape)k->shape) {
    case HL_SHAPE_NONE:
        return;
    case HL_SHAPE_TRAVERSE:
        traverse_edges(w, o, k);
        if (k->measure == HL_MEASURE_LRU)
            lru_edges(w, o, k);
        return;
    case HL_SHAPE_FIELDS:
        field_edges(w, o, k);
        return;
    case HL_SHAPE_LIST:
        list_edges(w, o);
        return;
    case HL_SHAPE_TUPLE:
        tuple_edges(w, o);
        return;
    case HL_SHAPE_DICT:
        field_edges(w, o, k);
        dict_edges(w, o, as_namespace);
        return;
    case HL_SHAPE_ODICT:
        field_edges(w, o, k);
        ordered_edges(w, o, as_namespace);
        return;
    case HL_SHAPE_SET:
        set_edges(w, o);
        return;
    case HL_SHAPE_CELL:
        hl_walk_edge_maybe(w, ((PyCellObject *)o)->ob_ref, HL_LABEL(HL_LABEL_CELL, 0));
        return;
    case HL_SHAPE_WEAKREF:
        weakref_edges(w, o);
        return;
    case HL_SHAPE_TYPE:
        type_edges(w, o);
        return;
    case HL_SHAPE_FRAME:
        hl_shape_frame(w, o, k);
        return;
    case HL_SHAPE_GENERATOR:
        hl_shape_generator(w, o, k);
        return;
    case HL_SHAPE_CODE:
        code_edges(w, o);
        return;
    case HL_SHAPE_NDARRAY:
        ndarray_edges(w, o);
        return;
    case HL_SHAPE_HAMT_PAIRS:
        hamt_edges(w, o);
        return;
    }
}
