/* inside/plan.c: what the walk has to know of a type, found out once.
 *
 * Room   inside; the cloned child.
 * Takes  a type object.   Gives  its hl_kind, and the TYPES column.
 * Knows  how subtype_traverse decides, tp_members, fields.def.  Must not know  edges, rows.
 * Method a Python class is walked as its slots, its attributes, its class, and then as the nearest
 *        base that is written in C, which is the order and the choice of subtype_traverse; what a
 *        base written in C visits is named by the fields it publishes and by fields.def. */
#include "inside/layout_private.h"
#include "inside/walk.h"

#include <string.h>

enum { SLOTS_FIRST = 1 << 12, FIELDS_FIRST = 1 << 10, FIELDS_MAX = 64, MEMBERS_MAX = 4096 };

static const struct named_field {
    const char *type;
    uint32_t offset;
    const char *name;
    uint32_t flags;
} named_fields[] = {
#define N(type, strukt, member, name, flags) {type, offsetof(strukt, member), name, flags},
#include "inside/fields.def"
#undef N
    {"module", HL_AT(module, md_dict), "__dict__", HL_FIELD_NAMESPACE},
    {"functools._lru_cache_wrapper", HL_AT(lru, cache), "cache", 0},
    {"functools._lru_cache_wrapper", HL_AT(lru, func), "func", 0},
    {"_io.BytesIO", HL_AT(bytesio, buf), "buffer", HL_FIELD_OWNED},
#if !HL_PY_AT_LEAST(12)
    {"_io.StringIO", HL_AT(stringio, large), "buffer", HL_FIELD_OWNED},
    {"_io.StringIO", HL_AT(stringio, small), "buffer", HL_FIELD_OWNED},
#endif
    {"_thread._local", HL_AT(local, dummies), "__dict__", HL_FIELD_DICTS},
    {"_asyncio.Future", HL_AT(future, loop), "_loop", 0},
    {"_asyncio.Future", HL_AT(future, callback0), "_callbacks", 0},
    {"_asyncio.Future", HL_AT(future, callbacks), "_callbacks", 0},
    {"_asyncio.Future", HL_AT(future, exception), "_exception", 0},
    {"_asyncio.Future", HL_AT(future, result), "_result", 0},
    {"_asyncio.Task", HL_AT(future, loop), "_loop", 0},
    {"_asyncio.Task", HL_AT(future, callback0), "_callbacks", 0},
    {"_asyncio.Task", HL_AT(future, callbacks), "_callbacks", 0},
    {"_asyncio.Task", HL_AT(future, exception), "_exception", 0},
    {"_asyncio.Task", HL_AT(future, result), "_result", 0},
    {"_asyncio.Task", HL_AT(task, fut_waiter), "_fut_waiter", 0},
    {"_asyncio.Task", HL_AT(task, coro), "_coro", 0},
    {"_asyncio.Task", HL_AT(task, name), "_name", 0},
    {"_asyncio.Task", HL_AT(task, context), "_context", 0},
    {"Context", HL_AT(context, vars), "variables", 0},
    {"Context", HL_AT(context, prev), "previous", 0},
    {"_contextvars.Context", HL_AT(context, vars), "variables", 0},
    {"_contextvars.Context", HL_AT(context, prev), "previous", 0},
    {"ContextVar", HL_AT(contextvar, name), "name", 0},
    {"ContextVar", HL_AT(contextvar, dflt), "default", 0},
    {"_contextvars.ContextVar", HL_AT(contextvar, name), "name", 0},
    {"_contextvars.ContextVar", HL_AT(contextvar, dflt), "default", 0},
    {"Token", HL_AT(token, context), "context", 0},
    {"Token", HL_AT(token, var), "var", 0},
    {"Token", HL_AT(token, oldval), "old_value", 0},
    {"_contextvars.Token", HL_AT(token, context), "context", 0},
    {"_contextvars.Token", HL_AT(token, var), "var", 0},
    {"_contextvars.Token", HL_AT(token, oldval), "old_value", 0},
    {"hamt", HL_AT(hamt, root), "root", 0},
    {"mappingproxy", sizeof(PyObject), "mapping", 0},
    {"dict_keys", sizeof(PyObject), "mapping", 0},
    {"dict_values", sizeof(PyObject), "mapping", 0},
    {"dict_items", sizeof(PyObject), "mapping", 0},
    {"coroutine_wrapper", sizeof(PyObject), "coroutine", 0},
};

/* Types whose reference to another object is told as "the memory it shows". */
static const char *const views[] = {"memoryview", "managedbuffer"};

/* subtype_traverse is static in the interpreter: take it from a class that importlib, which is
 * written in Python and always loaded, defines. */
static traverseproc find_python_traverse(PyInterpreterState *interp)
{
    PyObject *module = hl_abi_importlib(interp);
    if (!module || !PyModule_Check(module))
        return NULL;
    PyObject *dict = *(PyObject **)((char *)module + HL_AT(module, md_dict));
    PyObject *spec = hl_dict_find(dict, "ModuleSpec");
    return spec && PyType_Check(spec) ? ((PyTypeObject *)spec)->tp_traverse : NULL;
}

static int find_numpy(PyInterpreterState *interp)
{
    PyObject *module = hl_dict_find(hl_abi_modules(interp), "numpy");
    if (!module || !PyModule_Check(module))
        return 0;
    PyObject *dict = *(PyObject **)((char *)module + HL_AT(module, md_dict));
    PyObject *version = hl_dict_find(dict, "__version__");
    char text[4 * HL_NAME_CUT];
    if (!version || !PyUnicode_Check(version) || !hl_name_utf8(version, text))
        return 0;
    return text[0] >= '1' && text[0] <= '2' ? text[0] - '0' : 0;
}

/* An attribute that an instance of a Python class has in itself or in its __dict__. */
static PyObject *own_attribute(PyObject *o, const char *name)
{
    PyObject *dict = NULL;
#if HL_PY_AT_LEAST(11)
    if (hl_abi_managed_dict(Py_TYPE(o))) {
        hl_abi_table t;
        size_t bytes;
        hl_abi_inline_values(o, Py_TYPE(o), &t, &dict, &bytes);
        for (size_t i = 0; i < t.n; i++)
            if (t.values[i] && hl_name_is(hl_abi_table_key(&t, i), name))
                return t.values[i];
    } else
#endif
        if (Py_TYPE(o)->tp_dictoffset > 0)
        dict = *(PyObject **)((char *)o + Py_TYPE(o)->tp_dictoffset);
    return hl_dict_find(dict, name);
}

/* logging.Logger.manager.loggerDict: its keys are names that code gave to loggers, and the only way
 * to tell a developer which logger it is. */
static PyObject *find_loggers(PyInterpreterState *interp)
{
    PyObject *module = hl_dict_find(hl_abi_modules(interp), "logging");
    if (!module || !PyModule_Check(module))
        return NULL;
    PyObject *dict = *(PyObject **)((char *)module + HL_AT(module, md_dict));
    PyObject *logger = hl_dict_find(dict, "Logger");
    if (!logger || !PyType_Check(logger))
        return NULL;
    PyObject *manager = hl_dict_find(((PyTypeObject *)logger)->tp_dict, "manager");
    PyObject *loggers = manager ? own_attribute(manager, "loggerDict") : NULL;
    return loggers && PyDict_CheckExact(loggers) ? loggers : NULL;
}

void hl_plan_init(hl_walk *w)
{
    w->kind_slot_room = SLOTS_FIRST;
    w->kind_slots = hl_walk_pages(w, SLOTS_FIRST * sizeof *w->kind_slots);
    w->field_room = FIELDS_FIRST;
    w->fields = hl_walk_pages(w, FIELDS_FIRST * sizeof *w->fields);
    w->python_traverse = find_python_traverse(w->interp);
    w->numpy_major = find_numpy(w->interp);
    w->loggers = find_loggers(w->interp);
    w->label.dict = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__dict__"));
    w->label.bases = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__bases__"));
    w->label.mro = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__mro__"));
    w->label.base = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__base__"));
    w->label.module = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "ht_module"));
    w->label.subclasses = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__subclasses__"));
    w->label.name = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__name__"));
    w->label.qualname = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__qualname__"));
    w->label.slots = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__slots__"));
    w->label.keys = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "ht_cached_keys"));
    w->label.consts = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "co_consts"));
    w->label.names = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "co_names"));
    w->label.filename = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "co_filename"));
    w->label.f_back = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "f_back"));
    w->label.f_code = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "f_code"));
    w->label.f_globals = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "f_globals"));
    w->label.f_builtins = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "f_builtins"));
    w->label.f_locals = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "f_locals"));
    w->label.f_trace = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "f_trace"));
    w->label.f_func = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "f_func"));
    w->label.f_extra = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "f_extra_locals"));
    w->label.code = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__code__"));
    w->label.callback = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "__callback__"));
    w->label.dtype = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "dtype"));
    w->label.exc = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "exception"));
    w->label.frame = HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, "frame"));
    static PyTypeObject *const leaves[HL_LEAVES] = {
        [HL_LEAF_STR] = &PyUnicode_Type,     [HL_LEAF_INT] = &PyLong_Type,
        [HL_LEAF_FLOAT] = &PyFloat_Type,     [HL_LEAF_BYTES] = &PyBytes_Type,
        [HL_LEAF_COMPLEX] = &PyComplex_Type,
    };
    for (unsigned i = 0; i < HL_LEAVES; i++)
        w->leaf_type[i] = hl_kind_of(w, leaves[i])->index;
}

uint32_t hl_type_name(hl_walk *w, const PyTypeObject *t)
{
    char text[8 * HL_NAME_CUT + 1];
    if (!hl_abi_heap_type(t))
        return hl_name_c(w, strncmp(t->tp_name, "builtins.", 9) ? t->tp_name : t->tp_name + 9);
    size_t n = 0;
    PyObject *module = hl_dict_find(t->tp_dict, "__module__");
    if (module && PyUnicode_CheckExact(module) && !hl_name_is(module, "builtins")) {
        n = hl_name_utf8(module, text);
        if (n)
            text[n++] = '.';
    }
    PyObject *qualname = ((const PyHeapTypeObject *)t)->ht_qualname;
    size_t q = qualname && PyUnicode_Check(qualname) ? hl_name_utf8(qualname, text + n) : 0;
    return q ? hl_name_text(w, text, n + q) : hl_name_c(w, t->tp_name);
}

static void add_field(hl_walk *w, size_t offset, uint32_t label, uint32_t flags)
{
    if (w->n_fields == w->field_room) {
        hl_field *wider = hl_walk_pages(w, 2 * (size_t)w->field_room * sizeof *wider);
        memcpy(wider, w->fields, w->n_fields * sizeof *wider);
        hl_pages_unmap(w->fields, w->field_room * sizeof *wider);
        w->fields = wider;
        w->field_room *= 2;
    }
    w->fields[w->n_fields++] = (hl_field){(uint32_t)offset, label, flags};
}

/* The object members a type publishes. Python classes keep their __slots__ there. */
static void add_members(hl_walk *w, const PyTypeObject *t, bool slots)
{
    Py_ssize_t n = hl_abi_heap_type(t) ? Py_SIZE(t) : MEMBERS_MAX;
    for (const PyMemberDef *m = t->tp_members; m && n > 0 && m->name; m++, n--) {
        if (m->offset <= 0 || (m->type != T_OBJECT_EX && (slots || m->type != T_OBJECT)))
            continue;
        add_field(w, (size_t)m->offset,
                  HL_LABEL(slots ? HL_LABEL_SLOT : HL_LABEL_NAMED, hl_name_c(w, m->name)), 0);
    }
}

static bool has_field(const hl_walk *w, const hl_kind *k, size_t offset)
{
    for (uint32_t i = k->fields; i < w->n_fields; i++)
        if (w->fields[i].offset == offset)
            return true;
    return false;
}

/* Fields of a type written in C and of its bases, told apart by offset: the first name wins. */
static void add_fields(hl_walk *w, hl_kind *k, const PyTypeObject *base)
{
    k->fields = w->n_fields;
    for (const PyTypeObject *t = base; t; t = t->tp_base) {
        if (t->tp_dictoffset > 0 && !has_field(w, k, (size_t)t->tp_dictoffset))
            add_field(w, (size_t)t->tp_dictoffset, w->label.dict, HL_FIELD_NAMESPACE);
        for (size_t i = 0; i < sizeof named_fields / sizeof *named_fields; i++) {
            const struct named_field *f = &named_fields[i];
            if (t->tp_name[0] == f->type[0] && strcmp(t->tp_name, f->type) == 0 &&
                !has_field(w, k, f->offset))
                add_field(w, f->offset, HL_LABEL(HL_LABEL_NAMED, hl_name_c(w, f->name)), f->flags);
        }
        uint32_t before = w->n_fields;
        add_members(w, t, false);
        uint32_t kept = before; /* drop what a row above named already */
        for (uint32_t i = before; i < w->n_fields; i++) {
            bool twice = false;
            for (uint32_t j = k->fields; j < kept && !twice; j++)
                twice = w->fields[j].offset == w->fields[i].offset;
            if (!twice)
                w->fields[kept++] = w->fields[i];
        }
        w->n_fields = kept;
    }
    if (w->n_fields - k->fields > FIELDS_MAX)
        w->n_fields = k->fields + FIELDS_MAX;
    k->n_fields = w->n_fields - k->fields;
}

static bool is_named(const PyTypeObject *t, const char *name)
{
    return strcmp(t->tp_name, name) == 0;
}

static bool is_frozendict(const PyTypeObject *t)
{
#if HL_PY_AT_LEAST(15)
    return t == &PyFrozenDict_Type;
#else
    (void)t;
    return false;
#endif
}

static bool is_weakref(const PyTypeObject *t)
{
    return t == &_PyWeakref_RefType || t == &_PyWeakref_ProxyType ||
           t == &_PyWeakref_CallableProxyType;
}

static enum hl_shape shape_of(const hl_walk *w, const hl_kind *k, const PyTypeObject *base)
{
    if (base == &PyList_Type)
        return HL_SHAPE_LIST;
    if (base == &PyTuple_Type || base->tp_traverse == PyTuple_Type.tp_traverse)
        return HL_SHAPE_TUPLE;
    if (base == &PyDict_Type || is_named(base, "collections.defaultdict") || is_frozendict(base))
        return HL_SHAPE_DICT;
    if (base == &PyODict_Type)
        return HL_SHAPE_ODICT;
    if (base == &PySet_Type || base == &PyFrozenSet_Type)
        return HL_SHAPE_SET;
    if (base == &PyCell_Type)
        return HL_SHAPE_CELL;
    if (is_weakref(base))
        return HL_SHAPE_WEAKREF;
    if (base == &PyType_Type)
        return HL_SHAPE_TYPE;
    if (base == &PyFrame_Type)
        return HL_SHAPE_FRAME;
    if (base == &PyGen_Type || base == &PyCoro_Type || base == &PyAsyncGen_Type)
        return HL_SHAPE_GENERATOR;
    if (base == &PyCode_Type)
        return HL_SHAPE_CODE;
    if (base == &PyFunction_Type || base == &PyMethod_Type || base == &PyTraceBack_Type)
        return HL_SHAPE_FIELDS;
    if (w->numpy_major && is_named(base, "numpy.ndarray"))
        return HL_SHAPE_NDARRAY;
    if (is_named(base, "hamt_bitmap_node") || is_named(base, "hamt_collision_node"))
        return HL_SHAPE_HAMT_PAIRS;
    if (base->tp_traverse)
        return HL_SHAPE_TRAVERSE;
    return k->n_fields ? HL_SHAPE_FIELDS : HL_SHAPE_NONE;
}

static enum hl_measure measure_of(const PyTypeObject *t, const PyTypeObject *base)
{
    static const struct {
        PyTypeObject *type;
        enum hl_measure measure;
    } exact[] = {
        {&PyList_Type, HL_MEASURE_LIST},           {&PySet_Type, HL_MEASURE_SET},
        {&PyFrozenSet_Type, HL_MEASURE_SET},       {&PyODict_Type, HL_MEASURE_ODICT},
        {&PyType_Type, HL_MEASURE_TYPE},           {&PyCode_Type, HL_MEASURE_CODE},
        {&PyFrame_Type, HL_MEASURE_FRAME},         {&PyGen_Type, HL_MEASURE_GENERATOR},
        {&PyCoro_Type, HL_MEASURE_GENERATOR},      {&PyAsyncGen_Type, HL_MEASURE_GENERATOR},
        {&PyByteArray_Type, HL_MEASURE_BYTEARRAY},
    };
    static const struct {
        const char *name;
        enum hl_measure measure;
    } named[] = {
        {"array.array", HL_MEASURE_ARRAY},     {"collections.deque", HL_MEASURE_DEQUE},
        {"_io.StringIO", HL_MEASURE_STRINGIO}, {"functools._lru_cache_wrapper", HL_MEASURE_LRU},
        {"numpy.ndarray", HL_MEASURE_NDARRAY},
    };
    if (t->tp_flags & (Py_TPFLAGS_LONG_SUBCLASS | Py_TPFLAGS_UNICODE_SUBCLASS))
        return HL_MEASURE_LEAF;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (exact[i].type == base)
            return exact[i].measure;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (is_named(base, named[i].name))
            return named[i].measure;
    if (t->tp_flags & Py_TPFLAGS_DICT_SUBCLASS || is_frozendict(base))
        return HL_MEASURE_DICT;
    return HL_MEASURE_VAR;
}

static uint32_t flags_of(const hl_walk *w, const PyTypeObject *t, const PyTypeObject *base)
{
    uint32_t f = 0;
    bool python = t->tp_traverse == w->python_traverse && w->python_traverse;
    if (t->tp_flags & Py_TPFLAGS_HAVE_GC)
        f |= HL_TYPE_GC | (t->tp_traverse ? 0 : HL_TYPE_NO_TRAVERSE);
    if (hl_abi_heap_type(t))
        f |= HL_TYPE_HEAP;
    if (t->tp_del || (python && t->tp_finalize && t->tp_finalize != base->tp_finalize))
        f |= HL_TYPE_FINALIZER;
    if (t->tp_flags & Py_TPFLAGS_BASE_EXC_SUBCLASS)
        f |= HL_TYPE_EXCEPTION;
    if (t->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS)
        f |= HL_TYPE_TYPE;
    if (t->tp_flags & Py_TPFLAGS_DICT_SUBCLASS || is_frozendict(base))
        f |= HL_TYPE_DICT;
    if (t->tp_flags & Py_TPFLAGS_LIST_SUBCLASS)
        f |= HL_TYPE_LIST;
    if (t->tp_flags & Py_TPFLAGS_TUPLE_SUBCLASS)
        f |= HL_TYPE_TUPLE;
    return f;
}

/* Holds no reference, whatever is in it. */
static bool is_leaf(const PyTypeObject *base)
{
    return hl_leaf_of(base) >= 0 || base == &PyByteArray_Type || base->tp_itemsize ||
           is_named(base, "array.array");
}

static void fill(hl_walk *w, hl_kind *k, PyTypeObject *t)
{
    const PyTypeObject *base = t;
    k->slots = w->n_fields;
    if (w->python_traverse && t->tp_traverse == w->python_traverse) {
        for (; base->tp_traverse == w->python_traverse && base->tp_base; base = base->tp_base)
            if (Py_SIZE(base))
                add_members(w, base, true);
        k->n_slots = w->n_fields - k->slots;
        if (hl_abi_managed_dict(t))
            k->dict = HL_DICT_MANAGED;
        else if (t->tp_dictoffset && t->tp_dictoffset != base->tp_dictoffset)
            k->dict = HL_DICT_OFFSET;
    }
    add_fields(w, k, base);
    k->traverse = base->tp_traverse;
    k->shape = (uint8_t)shape_of(w, k, base);
    k->measure = (uint8_t)measure_of(t, base);
    k->gc = (t->tp_flags & Py_TPFLAGS_HAVE_GC) != 0;
    k->asks_is_gc = k->gc && t->tp_is_gc;
    k->presize = (uint8_t)hl_abi_presize(t, k->gc);
    k->managed = hl_abi_managed_dict(t);
    k->has_type_edge =
        hl_abi_heap_type(t) && !(k->shape == HL_SHAPE_TRAVERSE && hl_abi_heap_type(base));
    bool closed = !base->tp_traverse && base != &PyBaseObject_Type && !is_leaf(base) &&
                  (k->shape == HL_SHAPE_NONE || k->shape == HL_SHAPE_FIELDS);
    if (is_named(t, "functools._lru_list_elem"))
        k->has_type_edge = closed = false; /* its wrapper's tp_traverse reports all it owns */
    if (closed && base->tp_basicsize > (Py_ssize_t)sizeof(PyObject))
        k->hidden_end = (uint32_t)base->tp_basicsize;
    k->opaque = (k->gc && !t->tp_traverse) || k->hidden_end || k->shape == HL_SHAPE_NDARRAY;
    if (is_named(base, "collections.deque"))
        k->other = HL_LABEL(HL_LABEL_INDEX, 0);
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (is_named(base, views[i]))
            k->other = HL_LABEL(HL_LABEL_BASE, 0);
    k->flags = flags_of(w, t, base);
}

static size_t slot_of(const hl_walk *w, const PyTypeObject *t)
{
    return hl_visited_hash((uintptr_t)t >> 4) & (w->kind_slot_room - 1);
}

static void grow_slots(hl_walk *w)
{
    size_t room = w->kind_slot_room;
    hl_pages_unmap(w->kind_slots, room * sizeof *w->kind_slots);
    w->kind_slot_room = 2 * room;
    w->kind_slots = hl_walk_pages(w, 2 * room * sizeof *w->kind_slots);
    for (uint32_t i = 0; i < w->n_kinds; i++) {
        size_t h = slot_of(w, hl_kind_at(w, i)->type);
        while (w->kind_slots[h])
            h = (h + 1) & (w->kind_slot_room - 1);
        w->kind_slots[h] = i + 1;
    }
}

const hl_kind *hl_kind_new(hl_walk *w, PyTypeObject *t)
{
    size_t h = slot_of(w, t);
    for (; w->kind_slots[h]; h = (h + 1) & (w->kind_slot_room - 1))
        if (hl_kind_at(w, w->kind_slots[h] - 1)->type == t)
            return hl_kind_at(w, w->kind_slots[h] - 1);
    uint32_t index = w->n_kinds;
    if (index == HL_KIND_SEGMENT * HL_KIND_SEGMENTS)
        hl_walk_stop(w, HL_UNSUPPORTED);
    if (!w->kinds[index / HL_KIND_SEGMENT])
        w->kinds[index / HL_KIND_SEGMENT] = hl_walk_pages(w, HL_KIND_SEGMENT * sizeof(hl_kind));
    hl_kind *k = &w->kinds[index / HL_KIND_SEGMENT][index % HL_KIND_SEGMENT];
    k->type = t;
    k->index = index;
    w->n_kinds++;
    w->kind_slots[h] = index + 1;
    if (2 * (size_t)w->n_kinds > w->kind_slot_room)
        grow_slots(w);
    fill(w, k, t);
    k->name = hl_type_name(w, t);
    k->node1 = hl_walk_reach(w, (PyObject *)t) + 1;
    return k;
}

const hl_kind *hl_kind_find(const hl_walk *w, const PyTypeObject *t)
{
    for (size_t h = slot_of(w, t); w->kind_slots[h]; h = (h + 1) & (w->kind_slot_room - 1))
        if (hl_kind_at(w, w->kind_slots[h] - 1)->type == t)
            return hl_kind_at(w, w->kind_slots[h] - 1);
    return NULL;
}

void hl_plan_write_types(hl_walk *w)
{
    for (uint32_t i = 0; i < w->n_kinds; i++) {
        const hl_kind *k = hl_kind_at(w, i);
        hl_snap_put(&w->out, HL_COL_TYPES, k->node1);
        hl_snap_put(&w->out, HL_COL_TYPES, k->name);
        hl_snap_put(&w->out, HL_COL_TYPES, k->flags);
        hl_snap_put(&w->out, HL_COL_TYPES, (uint64_t)k->type->tp_basicsize);
    }
}
