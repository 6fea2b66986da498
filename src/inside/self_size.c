/* inside/self_size.c: how many bytes an object takes, and what it holds outside itself.
 *
 * Room   inside; the cloned child.
 * Takes  an object and its kind.   Gives  hl_measured.
 * Knows  the __sizeof__ of the core's types.  Must not know  edges, files.
 * The answer is sys.getsizeof's, with two differences that are truer: attributes an instance keeps
 * in a block of its own count (3.11, 3.12), and so do buffers whose type has no __sizeof__. */
#include "inside/layout_private.h"
#include "inside/walk.h"

enum {
    ODICT_NODE = 32, /* Objects/odictobject.c _odictnode */
    CAP_FROM = 64,   /* room is told for containers at least this big */
    STR_MAX_KIND = 4,
};
#define SIZE_SANE ((uint64_t)1 << 44) /* an ob_size that is no length would claim more */

static size_t str_size(PyObject *o)
{
    const PyASCIIObject *a = (const PyASCIIObject *)o;
    size_t n = (size_t)a->length + 1;
    if (a->state.compact && a->state.ascii)
        return sizeof *a + n;
    const PyCompactUnicodeObject *c = (const PyCompactUnicodeObject *)o;
    size_t size = (a->state.compact ? sizeof *c : sizeof(PyUnicodeObject)) + n * a->state.kind;
    const void *data =
        a->state.compact ? (const void *)(c + 1) : ((const PyUnicodeObject *)o)->data.any;
    if (c->utf8 && (const void *)c->utf8 != data)
        size += (size_t)c->utf8_length + 1;
    return size;
}

static size_t int_size(PyObject *o)
{
    size_t n = hl_abi_digits(o);
#if HL_PY_AT_LEAST(12)
    return offsetof(PyLongObject, long_value.ob_digit) + (n ? n : 1) * sizeof(digit);
#else
    return offsetof(PyLongObject, ob_digit) + n * sizeof(digit);
#endif
}

size_t hl_leaf_size(PyObject *o, enum hl_leaf leaf)
{
    switch (leaf) {
    case HL_LEAF_STR:
        return str_size(o);
    case HL_LEAF_INT:
        return int_size(o);
    case HL_LEAF_FLOAT:
        return sizeof(PyFloatObject);
    case HL_LEAF_BYTES:
        return offsetof(PyBytesObject, ob_sval) + 1 + (size_t)Py_SIZE(o);
    case HL_LEAF_COMPLEX:
        return sizeof(PyComplexObject);
    case HL_LEAVES:
        break;
    }
    return 0;
}

static size_t dict_tables(const PyDictObject *d)
{
    size_t n = 0;
    if (d->ma_values) {
        bool embedded = hl_abi_dict_table(d).embedded; /* counted with the instance */
#if HL_PY_AT_LEAST(11)
        size_t room = (size_t)(d->ma_keys->dk_usable + d->ma_keys->dk_nentries);
#else
        size_t room = hl_abi_keys_room(d->ma_keys);
#endif
        n += embedded ? 0 : room * sizeof(PyObject *);
    }
    if (hl_abi_keys_refs(d->ma_keys) == 1) /* shared keys are counted with their class */
        n += hl_abi_keys_bytes(d->ma_keys);
    return n;
}

static uint64_t var_size(PyObject *o, const PyTypeObject *t)
{
    uint64_t n = 0;
    if (t->tp_itemsize > 0)
        n = (uint64_t)Py_ABS(((PyVarObject *)o)->ob_size) * (uint64_t)t->tp_itemsize;
    return (uint64_t)t->tp_basicsize + (n < SIZE_SANE ? n : 0);
}

static void set_room(hl_measured *m, uint64_t room)
{
    if (room >= CAP_FROM && room != (uint64_t)m->len)
        m->cap = room;
}

/* While it sorts a list has none: they are a local variable's (Objects/listobject.c: list_sort_impl). */
static void measure_list(hl_walk *w, PyObject *o, hl_measured *m)
{
    Py_ssize_t allocated = ((PyListObject *)o)->allocated;
    m->len = Py_SIZE(o);
    w->sorted += allocated < 0;
    if (allocated > 0) {
        m->size += (uint64_t)allocated * sizeof(PyObject *);
        set_room(m, (uint64_t)allocated);
    }
}

static void measure_dict(PyObject *o, hl_measured *m)
{
    const PyDictObject *d = (const PyDictObject *)o;
    m->size += dict_tables(d);
    m->len = d->ma_used;
    set_room(m, hl_abi_keys_room(d->ma_keys));
}

static void measure_ordered(PyObject *o, hl_measured *m)
{
    uint64_t fast = HL_PEEK(o, uint64_t, odict, fast_size);
    measure_dict(o, m);
    m->size += (fast < SIZE_SANE ? fast * sizeof(void *) : 0) + (uint64_t)m->len * ODICT_NODE;
}

static void measure_set(PyObject *o, hl_measured *m)
{
    const PySetObject *s = (const PySetObject *)o;
    m->len = s->used;
    if (s->table != s->smalltable)
        m->size += ((uint64_t)s->mask + 1) * sizeof(setentry);
    set_room(m, (uint64_t)s->mask + 1);
}

static void measure_deque(PyObject *o, hl_measured *m)
{
    uint64_t first = (uint64_t)HL_PEEK(o, Py_ssize_t, deque, leftindex);
    Py_ssize_t bound = HL_PEEK(o, Py_ssize_t, deque, maxlen);
    m->len = Py_SIZE(o);
    m->size += (first + (uint64_t)m->len + HL_DEQUE_BLOCK - 1) / HL_DEQUE_BLOCK *
               ((HL_DEQUE_BLOCK + 2) * sizeof(void *));
    if (bound >= 0) {
        m->cap = (uint64_t)bound;
        m->bounded = true;
    }
}

static void measure_lru(PyObject *o, hl_measured *m)
{
    PyObject *cache = HL_PEEK(o, PyObject *, lru, cache);
    Py_ssize_t bound = HL_PEEK(o, Py_ssize_t, lru, maxsize);
    if (!cache || !PyDict_Check(cache))
        return;
    m->len = ((PyDictObject *)cache)->ma_used;
    if (bound >= 0) {
        m->cap = (uint64_t)bound;
        m->bounded = true;
    }
}

static void measure_array(PyObject *o, hl_measured *m)
{
    const char *descr = HL_PEEK(o, char *, array, descr);
    Py_ssize_t allocated = HL_PEEK(o, Py_ssize_t, array, allocated);
    m->len = Py_SIZE(o);
    if (descr && allocated > 0) {
        m->ext = (uint64_t)allocated * (uint64_t)HL_PEEK(descr, int, arraydescr, itemsize);
        set_room(m, (uint64_t)allocated);
    }
}

enum { NPY_DIMENSIONS = 64, NPY_OWNDATA = 4 };

static void measure_ndarray(const hl_walk *w, PyObject *o, hl_measured *m)
{
    const PyObject *descr = HL_PEEK(o, PyObject *, ndarray, descr);
    const Py_ssize_t *dimension = HL_PEEK(o, Py_ssize_t *, ndarray, dimensions);
    int nd = HL_PEEK(o, int, ndarray, nd);
    if (!descr || nd < 0 || nd > NPY_DIMENSIONS || (nd && !dimension))
        return;
    uint64_t n = 1;
    for (int i = 0; i < nd; i++)
        n *= (uint64_t)dimension[i];
    m->len = nd ? (int64_t)dimension[0] : -1;
    uint64_t item = w->numpy_major >= 2 ? (uint64_t)HL_PEEK(descr, Py_ssize_t, descr2, elsize)
                                        : (uint64_t)HL_PEEK(descr, int, descr1, elsize);
    if (HL_PEEK(o, int, ndarray, flags) & NPY_OWNDATA && n * item < SIZE_SANE)
        m->ext = n * item;
}

static uint64_t type_size(PyObject *o)
{
    const PyTypeObject *t = (const PyTypeObject *)o;
    if (!hl_abi_heap_type(t))
        return sizeof(PyTypeObject);
    const void *keys = hl_abi_cached_keys(t);
    return sizeof(PyHeapTypeObject) + (keys ? hl_abi_keys_bytes(keys) : 0);
}

static uint64_t frame_size(PyObject *o, const PyTypeObject *t)
{
#if HL_PY_AT_LEAST(11)
    const _PyInterpreterFrame *f = ((PyFrameObject *)o)->f_frame;
    const PyCodeObject *code = hl_abi_frame_code(f);
    if (!code) /* cleared */
        return (uint64_t)t->tp_basicsize;
    return offsetof(PyFrameObject, _f_frame_data) + offsetof(_PyInterpreterFrame, localsplus) +
           (uint64_t)(code->co_nlocalsplus + code->co_stacksize) * sizeof(PyObject *);
#else
    const PyCodeObject *code = ((PyFrameObject *)o)->f_code;
    return (uint64_t)t->tp_basicsize +
           (uint64_t)(code->co_stacksize + code->co_nlocals - 1 +
                      PyTuple_GET_SIZE(code->co_cellvars) + PyTuple_GET_SIZE(code->co_freevars)) *
               sizeof(PyObject *);
#endif
}

static uint64_t generator_size(PyObject *o, const PyTypeObject *t)
{
#if HL_PY_AT_LEAST(11)
#if HL_PY_AT_LEAST(12)
    const PyCodeObject *code = hl_abi_frame_code(hl_abi_generator_frame((PyGenObject *)o));
#else
    const PyCodeObject *code = ((const PyGenObject *)o)->gi_code;
#endif
    if (!code)
        return (uint64_t)t->tp_basicsize;
    return offsetof(PyGenObject, gi_iframe) + offsetof(_PyInterpreterFrame, localsplus) +
           (uint64_t)(code->co_nlocalsplus + code->co_stacksize) * sizeof(PyObject *);
#else
    (void)o;
    return (uint64_t)t->tp_basicsize;
#endif
}

static uint64_t code_size(PyObject *o)
{
    const PyTypeObject *t = &PyCode_Type;
#if HL_PY_AT_LEAST(11)
    return (uint64_t)t->tp_basicsize + (uint64_t)Py_SIZE(o) * sizeof(_Py_CODEUNIT);
#else
    const PyCodeObject *c = (const PyCodeObject *)o;
    uint64_t cells = c->co_cell2arg ? (uint64_t)PyTuple_GET_SIZE(c->co_cellvars) : 0;
    return (uint64_t)t->tp_basicsize + cells * sizeof(*c->co_cell2arg);
#endif
}

static void measure_leaf(PyObject *o, const PyTypeObject *t, hl_measured *m)
{
    uint64_t n = PyUnicode_Check(o) ? str_size(o) : int_size(o);
    if (n > m->size)
        m->size = n;
    (void)t;
}

/* Its buffer, or what was written since and is not in it yet. */
static void measure_stringio(PyObject *o, hl_measured *m)
{
    if (HL_PEEK(o, void *, stringio, buf))
        m->ext = HL_PEEK(o, uint64_t, stringio, buf_size) * sizeof(Py_UCS4);
#if HL_PY_AT_LEAST(12)
    PyObject *written = HL_PEEK(o, PyObject *, stringio, writer);
#if HL_PY_AT_LEAST(14)
    written = written ? *(PyObject **)written : NULL;
#endif
    if (written)
        m->ext += hl_leaf_size(written, HL_LEAF_STR);
#endif
}

void hl_measure(hl_walk *w, PyObject *o, const hl_kind *k, hl_measured *m)
{
    const PyTypeObject *t = k->type;
    *m = (hl_measured){.size = (uint64_t)t->tp_basicsize, .len = -1};
    switch ((enum hl_measure)k->measure) {
    case HL_MEASURE_VAR:
        m->size = var_size(o, t);
        break;
    case HL_MEASURE_LEAF:
        measure_leaf(o, t, m);
        break;
    case HL_MEASURE_LIST:
        measure_list(w, o, m);
        break;
    case HL_MEASURE_DICT:
        measure_dict(o, m);
        break;
    case HL_MEASURE_ODICT:
        measure_ordered(o, m);
        break;
    case HL_MEASURE_SET:
        measure_set(o, m);
        break;
    case HL_MEASURE_TYPE:
        m->size = type_size(o);
        break;
    case HL_MEASURE_CODE:
        m->size = code_size(o);
        break;
    case HL_MEASURE_FRAME:
        m->size = frame_size(o, t);
        break;
    case HL_MEASURE_GENERATOR:
        m->size = generator_size(o, t);
        break;
    case HL_MEASURE_BYTEARRAY:
        m->len = Py_SIZE(o);
        m->ext = (uint64_t)((PyByteArrayObject *)o)->ob_alloc;
        set_room(m, m->ext);
#if HL_PY_AT_LEAST(15) /* the buffer is a bytes object that nobody else sees */
        if (m->ext)
            m->ext += offsetof(PyBytesObject, ob_sval) + 1;
#endif
        break;
    case HL_MEASURE_ARRAY:
        measure_array(o, m);
        break;
    case HL_MEASURE_DEQUE:
        measure_deque(o, m);
        break;
    case HL_MEASURE_STRINGIO:
        measure_stringio(o, m);
        break;
    case HL_MEASURE_LRU:
        measure_lru(o, m);
        break;
    case HL_MEASURE_NDARRAY:
        measure_ndarray(w, o, m);
        break;
    case HL_MEASURE_BASIC:
        break;
    }
    m->size += k->presize;
#if HL_PY_AT_LEAST(11)
    if (k->managed) {
        hl_abi_table table;
        PyObject *dict;
        size_t bytes;
        hl_abi_inline_values(o, k->type, &table, &dict, &bytes);
        m->size += bytes;
    }
#endif
}
