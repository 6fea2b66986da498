/* inside/inside_abi.h: the interpreter this room is compiled against, and its shapes by one name.
 *
 * Room   inside; target with the GIL, and its cloned child.
 * The build sees one patch release's internal headers and runs on that release only: layouts move
 * between patch releases (3.13.0 and 3.13.5 differ), so hl_abi_refusal compares the version at
 * load. What differs between minor versions is bridged here, so that the walk asks for a thread's
 * first frame and not for 3.12. */
#ifndef HL_INSIDE_ABI_H
#define HL_INSIDE_ABI_H

#define PY_SSIZE_T_CLEAN
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE 1
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <Python.h>

#if PY_MAJOR_VERSION != 3 || PY_MINOR_VERSION < 9 || PY_MINOR_VERSION > 15
#error "heaplens reads CPython 3.9 to 3.15 from inside; build it with one of these interpreters"
#endif
#ifdef Py_GIL_DISABLED
#error "heaplens does not support free-threaded interpreters yet; build it with the default build"
#endif
#ifdef Py_STACKREF_DEBUG
#error "heaplens does not support builds that keep references of the stack in a table of their own"
#endif
#if defined(Py_DEBUG) || defined(Py_TRACE_REFS)
#error "heaplens does not support debug builds of the interpreter; build it with a release build"
#endif

#include <frameobject.h>
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_runtime.h>
#include <structmember.h>
#if PY_VERSION_HEX >= 0x030B0000
#include <internal/pycore_code.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_object.h>
#endif
#if PY_VERSION_HEX >= 0x030A0000
#include <internal/pycore_moduleobject.h>
#endif
#if PY_VERSION_HEX >= 0x030D0000
#include <internal/pycore_setobject.h>
#endif
#if PY_VERSION_HEX >= 0x030E0000
#include <internal/pycore_audit.h>
#include <internal/pycore_genobject.h>
#include <internal/pycore_interpframe.h>
#include <internal/pycore_optimizer.h>
#include <internal/pycore_stackref.h>
#include <internal/pycore_tstate.h>
#include <internal/pycore_typeobject.h>
#endif
#pragma GCC diagnostic pop

#include <stdbool.h>
#include <stdint.h>

#define HL_PY_AT_LEAST(minor) (PY_VERSION_HEX >= 0x03000000 + ((minor) << 16))

/* NULL if this build fits the running interpreter, else a sentence that says why not. The caller
 * holds the GIL. */
const char *hl_abi_refusal(void);

/* ---- the interpreter ------------------------------------------------------------------------ */

static inline PyInterpreterState *hl_abi_interpreters(void)
{
    return _PyRuntime.interpreters.head;
}

static inline PyThreadState *hl_abi_threads(PyInterpreterState *interp)
{
#if HL_PY_AT_LEAST(11)
    return interp->threads.head;
#else
    return interp->tstate_head;
#endif
}

/* The table of interned strings. Only in 3.12 are all of these immortal, so that whoever fills it
 * leaks. Before and after, its strings go when nothing else refers to them: it does not own them.
 */
enum { HL_INTERNED_STAY = PY_MINOR_VERSION == 12 };
static inline PyObject *hl_abi_interned(PyInterpreterState *interp)
{
#if HL_PY_AT_LEAST(12)
    return interp->cached_objects.interned_strings;
#else
    (void)interp;
    return NULL;
#endif
}

static inline PyObject *hl_abi_modules(PyInterpreterState *interp)
{
#if HL_PY_AT_LEAST(12)
    return interp->imports.modules;
#else
    return interp->modules;
#endif
}

static inline PyObject *hl_abi_importlib(PyInterpreterState *interp)
{
#if HL_PY_AT_LEAST(12)
    return interp->imports.importlib;
#else
    return interp->importlib;
#endif
}

static inline bool hl_abi_gc_enabled(PyInterpreterState *interp)
{
    return interp->gc.enabled != 0;
}

/* The heads of the collector's lists, the oldest objects first; what gc.freeze() put away is none
 * of them. 3.14 began with a collector that goes step by step (young, and two halves of old); later
 * releases of it are back at three generations, so the build asks the header which it has. */
enum { HL_GC_LISTS = 3 };
static inline PyGC_Head *hl_abi_gc_list(PyInterpreterState *interp, unsigned i)
{
#ifdef HL_GC_INCREMENTAL
    return i == HL_GC_LISTS - 1 ? &interp->gc.young.head : &interp->gc.old[i].head;
#else
    return &interp->gc.generations[HL_GC_LISTS - 1 - i].head;
#endif
}

/* Young objects it takes to start a collection, and how often a generation was collected. */
static inline uint64_t hl_abi_gc_threshold(const PyInterpreterState *interp)
{
#ifdef HL_GC_INCREMENTAL
    return (uint64_t)interp->gc.young.threshold;
#else
    return (uint64_t)interp->gc.generations[0].threshold;
#endif
}

static inline uint64_t hl_abi_gc_collections(const PyInterpreterState *interp, unsigned generation)
{
#if HL_PY_AT_LEAST(15)
    const struct gc_stats *s = interp->gc.generation_stats; /* rings: the last entry sums up */
    if (!s)
        return 0;
    const struct gc_generation_stats *last =
        generation ? &s->old[generation - 1].items[s->old[generation - 1].index]
                   : &s->young.items[s->young.index];
    return (uint64_t)last->collections;
#else
    return (uint64_t)interp->gc.generation_stats[generation].collections;
#endif
}

/* About how many objects the collector knows, read while the interpreter runs. */
static inline uint64_t hl_abi_gc_about(const PyInterpreterState *interp)
{
#if HL_PY_AT_LEAST(14)
    Py_ssize_t n = interp->gc.heap_size;
#else
    Py_ssize_t n = interp->gc.long_lived_total + interp->gc.long_lived_pending +
                   interp->gc.generations[0].count;
#endif
    return n > 0 ? (uint64_t)n : 0;
}

/* ---- frames --------------------------------------------------------------------------------- */

#if HL_PY_AT_LEAST(11)
/* A slot of a frame. Since 3.14 its low bits say whether it owns the reference (0), borrows it from
 * another slot or from an immortal object (1), is no object (2), or a small number (3). */
typedef struct hl_abi_slot {
    PyObject *object; /* NULL: none */
    bool owned;
} hl_abi_slot;

#if HL_PY_AT_LEAST(14)
typedef _PyStackRef hl_abi_slot_word;
static inline hl_abi_slot hl_abi_slot_of(hl_abi_slot_word word)
{
    enum { TAGS = 3, BORROWED = 1 };
    unsigned tag = word.bits & TAGS;
    PyObject *o = (PyObject *)(word.bits & ~(uintptr_t)TAGS);
    return (hl_abi_slot){tag <= BORROWED ? o : NULL, tag == 0};
}
#else
typedef PyObject *hl_abi_slot_word;
static inline hl_abi_slot hl_abi_slot_of(hl_abi_slot_word word)
{
    return (hl_abi_slot){word, true};
}
#endif

static inline hl_abi_slot hl_abi_frame_executable(const _PyInterpreterFrame *f)
{
#if HL_PY_AT_LEAST(13)
    return hl_abi_slot_of(f->f_executable);
#else
    return (hl_abi_slot){(PyObject *)f->f_code, true};
#endif
}

static inline hl_abi_slot hl_abi_frame_function(const _PyInterpreterFrame *f)
{
#if HL_PY_AT_LEAST(12)
    return hl_abi_slot_of(f->f_funcobj);
#else
    return (hl_abi_slot){(PyObject *)f->f_func, true};
#endif
}

/* The code of a frame, or NULL: it runs something else. */
static inline PyCodeObject *hl_abi_frame_code(const _PyInterpreterFrame *f)
{
    PyObject *o = hl_abi_frame_executable(f).object;
    return o && PyCode_Check(o) ? (PyCodeObject *)o : NULL;
}

/* How many slots are in use, locals and stack; negative while the interpreter has not said. */
static inline Py_ssize_t hl_abi_frame_used(const _PyInterpreterFrame *f)
{
#if HL_PY_AT_LEAST(14)
    return f->stackpointer ? f->stackpointer - f->localsplus : -1;
#else
    return f->stacktop;
#endif
}

/* The innermost frame of a thread. */
static inline _PyInterpreterFrame *hl_abi_current_frame(const PyThreadState *t)
{
#if HL_PY_AT_LEAST(13)
    return t->current_frame;
#else
    return t->cframe ? t->cframe->current_frame : NULL;
#endif
}

static inline _PyInterpreterFrame *hl_abi_generator_frame(PyGenObject *g)
{
#if HL_PY_AT_LEAST(14)
    return &g->gi_iframe;
#else
    return (_PyInterpreterFrame *)g->gi_iframe;
#endif
}

/* Of a frame that a generator owns. */
static inline PyGenObject *hl_abi_frame_generator(_PyInterpreterFrame *f)
{
#if HL_PY_AT_LEAST(14)
    return _PyGen_GetGeneratorFromFrame(f);
#else
    return _PyFrame_GetGenerator(f);
#endif
}

/* Not the frame of a function: the interpreter's own, where C calls Python. */
static inline bool hl_abi_frame_of_c(const _PyInterpreterFrame *f)
{
#if HL_PY_AT_LEAST(14)
    return f->owner >= FRAME_OWNED_BY_INTERPRETER;
#elif HL_PY_AT_LEAST(12)
    return f->owner == FRAME_OWNED_BY_CSTACK;
#else
    (void)f;
    return false;
#endif
}
#endif

/* ---- objects -------------------------------------------------------------------------------- */

static inline bool hl_abi_immortal_count(const PyObject *o)
{
#if HL_PY_AT_LEAST(12)
    return (int32_t)o->ob_refcnt < 0;
#elif HL_PY_AT_LEAST(11)
    return o->ob_refcnt >
           999999999 / 2; /* Tools/scripts/deepfreeze.py: objects of frozen modules */
#else
    (void)o;
    return false;
#endif
}

static inline PyGC_Head *hl_abi_gc_head(PyObject *o)
{
    return (PyGC_Head *)o - 1;
}

static inline bool hl_abi_tracked(PyObject *o)
{
    return hl_abi_gc_head(o)->_gc_next != 0;
}

/* Digits of an int: 30 bits each, four bytes. */
static inline size_t hl_abi_digits(const PyObject *o)
{
#if HL_PY_AT_LEAST(12)
    return ((const PyLongObject *)o)->long_value.lv_tag >> 3;
#else
    return (size_t)Py_ABS(((const PyVarObject *)o)->ob_size);
#endif
}

/* ---- types ---------------------------------------------------------------------------------- */

static inline bool hl_abi_heap_type(const PyTypeObject *t)
{
    return (t->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
}

#if HL_PY_AT_LEAST(13)
typedef managed_static_type_state hl_abi_type_state;
#elif HL_PY_AT_LEAST(12)
typedef static_builtin_state hl_abi_type_state;
#endif

#if HL_PY_AT_LEAST(12)
/* Since 3.12 a static type of the core keeps its dict per interpreter; tp_subclasses holds a
 * 1-based index into the interpreter's table. */
static inline const hl_abi_type_state *hl_abi_state_of(PyInterpreterState *interp,
                                                       const PyTypeObject *t)
{
    if (!(t->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN))
        return NULL;
    size_t i = (size_t)t->tp_subclasses - 1;
#if HL_PY_AT_LEAST(13)
    if (i < _Py_MAX_MANAGED_STATIC_BUILTIN_TYPES && interp->types.builtins.initialized[i].type == t)
        return &interp->types.builtins.initialized[i];
    if (i < _Py_MAX_MANAGED_STATIC_EXT_TYPES &&
        interp->types.for_extensions.initialized[i].type == t)
        return &interp->types.for_extensions.initialized[i];
#else
    if (i < _Py_MAX_STATIC_BUILTIN_TYPES && interp->types.builtins[i].type == t)
        return &interp->types.builtins[i];
#endif
    return NULL;
}
#endif

static inline PyObject *hl_abi_type_dict(PyInterpreterState *interp, const PyTypeObject *t)
{
#if HL_PY_AT_LEAST(12)
    const hl_abi_type_state *s = hl_abi_state_of(interp, t);
    if (s)
        return s->tp_dict;
#else
    (void)interp;
#endif
    return t->tp_dict;
}

static inline PyObject *hl_abi_type_subclasses(PyInterpreterState *interp, const PyTypeObject *t)
{
#if HL_PY_AT_LEAST(12)
    const hl_abi_type_state *s = hl_abi_state_of(interp, t);
    if (s)
        return s->tp_subclasses;
    if (t->tp_flags & _Py_TPFLAGS_STATIC_BUILTIN)
        return NULL;
#else
    (void)interp;
#endif
    return (PyObject *)t->tp_subclasses;
}

static inline bool hl_abi_managed_dict(const PyTypeObject *t)
{
#if HL_PY_AT_LEAST(11)
    return (t->tp_flags & Py_TPFLAGS_MANAGED_DICT) != 0;
#else
    (void)t;
    return false;
#endif
}

/* Bytes in front of an object's address: collector header, managed dict and weak list. */
static inline uint32_t hl_abi_presize(const PyTypeObject *t, bool gc)
{
    uint32_t n = gc ? (uint32_t)sizeof(PyGC_Head) : 0;
#if HL_PY_AT_LEAST(12)
    if (t->tp_flags & Py_TPFLAGS_PREHEADER)
        n += 2 * (uint32_t)sizeof(PyObject *);
#elif HL_PY_AT_LEAST(11)
    if (t->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        n += 2 * (uint32_t)sizeof(PyObject *);
#endif
    return n;
}

/* ---- dicts ---------------------------------------------------------------------------------- */

/* Laid out as a dict: a dict, and since 3.15 a frozendict, which is no subclass of it. */
static inline bool hl_abi_is_dict(PyObject *o)
{
#if HL_PY_AT_LEAST(15)
    return PyAnyDict_Check(o);
#else
    return PyDict_Check(o);
#endif
}

/* The small-object allocator: Objects/obmalloc.c; internal/pycore_obmalloc.h since 3.12. */
enum {
    HL_ABI_POOL_CLASSES = 32, /* sizes */
    HL_ABI_POOL_UNIT = 16,    /* bytes between two of them */
#if HL_PY_AT_LEAST(10)
    HL_ABI_POOL_BYTES = 16 * 1024,
    HL_ABI_ARENA_BYTES = 1024 * 1024,
#else
    HL_ABI_POOL_BYTES = 4 * 1024,
    HL_ABI_ARENA_BYTES = 256 * 1024,
#endif
};

/* What a pool begins with. The same in all of them. */
typedef struct hl_abi_pool {
    uint32_t used, unused;
    void *free;
    struct hl_abi_pool *next, *prev;
    uint32_t arena, size_class, next_offset, last_offset;
} hl_abi_pool;

/* One table of a dict, or the attribute values inside an instance. */
typedef struct hl_abi_table {
    const char *entries;      /* hash? key value */
    PyObject *const *values;  /* of a split table; NULL: the values lie in the entries */
    size_t n, stride, key_at; /* entries to look at; bytes */
    bool shared;              /* the keys belong to a class */
    bool embedded;            /* the values lie in an instance, which reports them */
} hl_abi_table;

#if !HL_PY_AT_LEAST(11)
/* Objects/dict-common.h; the same in all of 3.9 and 3.10. */
struct hl_abi_keys {
    Py_ssize_t dk_refcnt;
    Py_ssize_t dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable;
    Py_ssize_t dk_nentries;
    char dk_indices[];
};
enum { HL_ABI_ENTRY = 24, HL_ABI_ENTRY_KEY = 8 };
static inline size_t hl_abi_index_bytes(const struct hl_abi_keys *k)
{
    size_t size = (size_t)k->dk_size;
    return size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8);
}
#endif

static inline void hl_abi_keys_table(const void *keys, hl_abi_table *t)
{
#if HL_PY_AT_LEAST(11)
    const struct _dictkeysobject *k = keys;
    bool general = k->dk_kind == DICT_KEYS_GENERAL;
    t->entries = k->dk_indices + ((size_t)1 << k->dk_log2_index_bytes);
    t->n = (size_t)k->dk_nentries;
    t->stride = general ? sizeof(PyDictKeyEntry) : sizeof(PyDictUnicodeEntry);
    t->key_at = general ? offsetof(PyDictKeyEntry, me_key) : offsetof(PyDictUnicodeEntry, me_key);
#else
    const struct hl_abi_keys *k = keys;
    t->entries = k->dk_indices + hl_abi_index_bytes(k);
    t->n = (size_t)k->dk_nentries;
    t->stride = HL_ABI_ENTRY;
    t->key_at = HL_ABI_ENTRY_KEY;
#endif
    t->values = NULL;
    t->shared = t->embedded = false;
}

static inline hl_abi_table hl_abi_dict_table(const PyDictObject *d)
{
    hl_abi_table t;
    hl_abi_keys_table(d->ma_keys, &t);
    if (d->ma_values) {
        t.shared = true;
#if HL_PY_AT_LEAST(11)
        t.values = (PyObject *const *)d->ma_values->values;
#else
        t.values = d->ma_values;
#endif
#if HL_PY_AT_LEAST(13)
        t.embedded = d->ma_values->embedded;
        if (t.n > d->ma_values->capacity)
            t.n = d->ma_values->capacity;
#endif
    }
    return t;
}

static inline PyObject *hl_abi_table_key(const hl_abi_table *t, size_t i)
{
    return *(PyObject *const *)(t->entries + i * t->stride + t->key_at);
}
static inline PyObject *hl_abi_table_value(const hl_abi_table *t, size_t i)
{
    if (t->values)
        return t->values[i];
    return *(PyObject *const *)(t->entries + i * t->stride + t->key_at + sizeof(PyObject *));
}

static inline uint64_t hl_abi_keys_refs(const void *keys)
{
#if HL_PY_AT_LEAST(11)
    return (uint64_t)((const struct _dictkeysobject *)keys)->dk_refcnt;
#else
    return (uint64_t)((const struct hl_abi_keys *)keys)->dk_refcnt;
#endif
}

/* The block that an array of values lies in: before 3.13 its order stands in front of it. */
static inline uintptr_t hl_abi_values_block(const void *values)
{
#if HL_PY_AT_LEAST(11) && !HL_PY_AT_LEAST(13)
    return (uintptr_t)values - ((const uint8_t *)values)[-1];
#else
    return (uintptr_t)values;
#endif
}

/* Entries the table has room for, and bytes of a whole keys object (_PyDict_KeysSize). */
static inline size_t hl_abi_keys_room(const void *keys)
{
#if HL_PY_AT_LEAST(11)
    return (((size_t)1 << ((const struct _dictkeysobject *)keys)->dk_log2_size) << 1) / 3;
#else
    return ((size_t)((const struct hl_abi_keys *)keys)->dk_size << 1) / 3;
#endif
}
static inline size_t hl_abi_keys_bytes(const void *keys)
{
#if HL_PY_AT_LEAST(11)
    const struct _dictkeysobject *k = keys;
    size_t entry =
        k->dk_kind == DICT_KEYS_GENERAL ? sizeof(PyDictKeyEntry) : sizeof(PyDictUnicodeEntry);
    return sizeof *k + ((size_t)1 << k->dk_log2_index_bytes) + hl_abi_keys_room(k) * entry;
#else
    const struct hl_abi_keys *k = keys;
    return sizeof *k + hl_abi_index_bytes(k) + hl_abi_keys_room(k) * HL_ABI_ENTRY;
#endif
}

/* The keys that the instances of a class share, or NULL. */
static inline const void *hl_abi_cached_keys(const PyTypeObject *t)
{
    return hl_abi_heap_type(t) ? ((const PyHeapTypeObject *)t)->ht_cached_keys : NULL;
}

#if HL_PY_AT_LEAST(11)
/* Attributes kept in an instance of a class with a managed dict. values is NULL if there are none;
 * *dict gets the materialised dict or NULL; *bytes what the values take outside the object. */
static inline void hl_abi_inline_values(PyObject *o, PyTypeObject *t, hl_abi_table *table,
                                        PyObject **dict, size_t *bytes)
{
    const struct _dictkeysobject *keys = ((PyHeapTypeObject *)t)->ht_cached_keys;
    PyObject *const *values = NULL;
    *dict = NULL;
    *bytes = 0;
#if HL_PY_AT_LEAST(13)
    *dict = (PyObject *)_PyObject_ManagedDictPointer(o)->dict;
    size_t room = 0;
    if (t->tp_flags & Py_TPFLAGS_INLINE_VALUES) {
        const PyDictValues *v = _PyObject_InlineValues(o);
        if (v->valid)
            values = (PyObject *const *)v->values;
        room = v->capacity;
        *bytes = _PyInlineValuesSize(t);
    }
#elif HL_PY_AT_LEAST(12)
    PyDictOrValues dorv = *_PyObject_DictOrValuesPointer(o);
    if (_PyDictOrValues_IsValues(dorv)) {
        uintptr_t at = (uintptr_t)dorv.values + 1; /* kept minus one; 1 before: none */
        values = (PyObject *const *)at;
    } else {
        *dict = dorv.dict;
    }
#else
    const PyDictValues *v = *_PyObject_ValuesPointer(o);
    *dict = *_PyObject_ManagedDictPointer(o);
    values = v ? (PyObject *const *)v->values : NULL;
#endif
    if (!values || !keys) {
        table->n = 0;
        table->values = NULL;
        return;
    }
    hl_abi_keys_table(keys, table);
#if HL_PY_AT_LEAST(13)
    if (table->n > room)
        table->n = room;
#else
    *bytes = ((const uint8_t *)values)[-1] +
             (size_t)(keys->dk_usable + keys->dk_nentries) * sizeof(PyObject *);
#endif
    table->values = values;
    table->shared = true;
}
#endif

#endif
