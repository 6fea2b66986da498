/* inside/walk.h: the walk's own state, shared by the files of this room and by nobody else.
 *
 * Room   inside; the cloned child: no malloc, no Python API that runs code, allocates, counts
 *        references or collects. Tests of the room may walk in the process itself.
 * Parts  walk_self.c phases, rows and edges; shapes.c one function per object shape; sampled.c
 *        long sequences of leaves; frames.c
 *        frames and generators; progress.c where a frame stands; self_roots.c named roots;
 * self_size.c bytes; plan.c what is known of a type; names.c text; keykind.c kinds of keys;
 * codeuse.c code objects; bytecode.c what they do to containers, name_uses.c and name_words.c that
 * by name; flow.c their jumps and loops. */
#ifndef HL_WALK_H
#define HL_WALK_H

#include "inside/inside_abi.h"
#include "inside/interpreters.h"
#include "inside/visited.h"
#include "snapshot/snap_write.h"

#include <setjmp.h>

/* A label as it lies in the file (snap_format.h). */
#define HL_LABEL(kind, value) ((uint32_t)(kind) | (uint32_t)(value) << 4)
#define HL_LABEL_NAME(label)  ((label) >> 4)

/* How the references of an object are found, besides those an instance of a Python class has. */
enum hl_shape {
    HL_SHAPE_NONE,     /* none, or not known */
    HL_SHAPE_TRAVERSE, /* tp_traverse, labelled by known fields */
    HL_SHAPE_FIELDS,   /* its fields are all there is */
    HL_SHAPE_LIST,
    HL_SHAPE_TUPLE,
    HL_SHAPE_DICT,
    HL_SHAPE_ODICT,
    HL_SHAPE_SET,
    HL_SHAPE_CELL,
    HL_SHAPE_WEAKREF,
    HL_SHAPE_TYPE,
    HL_SHAPE_FRAME,
    HL_SHAPE_GENERATOR,
    HL_SHAPE_CODE,
    HL_SHAPE_NDARRAY,
    HL_SHAPE_HAMT_PAIRS, /* context variables and their values, in turn */
};

/* How its bytes are counted. */
enum hl_measure {
    HL_MEASURE_VAR, /* basicsize + itemsize * ob_size */
    HL_MEASURE_LEAF,
    HL_MEASURE_LIST,
    HL_MEASURE_DICT,
    HL_MEASURE_ODICT,
    HL_MEASURE_SET,
    HL_MEASURE_TYPE,
    HL_MEASURE_CODE,
    HL_MEASURE_FRAME,
    HL_MEASURE_GENERATOR,
    HL_MEASURE_BYTEARRAY,
    HL_MEASURE_ARRAY,
    HL_MEASURE_DEQUE,
    HL_MEASURE_STRINGIO,
    HL_MEASURE_LRU,
    HL_MEASURE_NDARRAY,
    HL_MEASURE_BASIC, /* basicsize; ob_size means something else */
};

enum { HL_DEQUE_BLOCK = 64 }; /* items a block; Modules/_collectionsmodule.c BLOCKLEN */

enum hl_leaf { HL_LEAF_STR, HL_LEAF_INT, HL_LEAF_FLOAT, HL_LEAF_BYTES, HL_LEAF_COMPLEX, HL_LEAVES };

enum hl_field_flag {
    HL_FIELD_NAMESPACE = 1, /* a dict there has names for keys */
    HL_FIELD_OWNED = 2,     /* owned, and tp_traverse may not say so: an edge all the same */
    HL_FIELD_DICTS = 4,     /* a dict there has dicts for values that have names for keys */
};

typedef struct hl_field {
    uint32_t offset; /* of the pointer, from the object */
    uint32_t label;
    uint32_t flags; /* enum hl_field_flag */
} hl_field;

enum hl_dict_how { HL_DICT_NONE, HL_DICT_OFFSET, HL_DICT_MANAGED };

typedef struct hl_kind { /* what the walk knows of a type */
    PyTypeObject *type;
    uint32_t index; /* its row of HL_COL_TYPES */
    uint32_t node1; /* id + 1 of the type object */
    uint32_t name;
    uint32_t flags;            /* enum hl_type_flag */
    uint32_t slots, n_slots;   /* in hl_walk.fields: __slots__ of Python classes */
    uint32_t fields, n_fields; /* ... of the C base */
    uint32_t other;            /* label of what no field explains; 0: internal, by ordinal */
    traverseproc traverse;     /* of the C base */
    uint8_t shape;             /* enum hl_shape */
    uint8_t measure;           /* enum hl_measure */
    uint8_t dict;              /* enum hl_dict_how, of Python classes */
    uint8_t presize;
    bool has_type_edge;  /* the instance's reference to its class is an edge */
    bool gc, asks_is_gc; /* in the collector; only if tp_is_gc agrees */
    bool managed;        /* attributes may lie in the object */
    bool opaque;
    uint32_t hidden_end; /* words from the object's head to here may be references nobody
                            reports; 0: none */
} hl_kind;

typedef struct hl_name_slot {
    uint64_t key; /* a pointer or a hash; 0: free */
    uint32_t name;
} hl_name_slot;

typedef struct hl_name_map {
    hl_name_slot *slots;
    size_t room, n;
} hl_name_map;

typedef struct hl_names {
    hl_name_map by_object, by_text;
    char *pool; /* every text behind its length byte pair */
    size_t pool_room, pool_used;
    uint32_t n;
} hl_names;

enum {
    HL_VISIT_BATCH = 256,
    HL_NAMESPACES = 16,
    HL_KIND_CACHE = 256,
    HL_NAME_CUT = 200,
    HL_FOLD_BYTES_MAX = 1024, /* a heavier leaf is a node of its own */
    HL_KIND_SEGMENT = 256,
    HL_KIND_SEGMENTS = 4096
};

typedef struct hl_dups hl_dups; /* dups.h */

typedef struct hl_walk {
    hl_snap_writer out;
    jmp_buf stop; /* hl_walk_stop lands here */
    hl_status stopped;
    PyInterpreterState *interp; /* whose objects are walked now */
    const hl_still *still;      /* of those with another GIL, which may be walked */
    bool samples;               /* of long sequences of leaves not all are read */

    hl_visited seen;
    hl_visited passed; /* the interpreter's own, not walked */
    hl_ids work;       /* met, row not written */
    hl_ids dicts;      /* the same, for dicts: their rows come last, or after their owner's */
    hl_ids hidden;     /* the same, for objects whose references are guessed: last of all */

    /* types */
    hl_kind *kinds[HL_KIND_SEGMENTS]; /* of HL_KIND_SEGMENT each: a kind never moves */
    uint32_t n_kinds;
    uint32_t *kind_slots; /* index + 1 */
    size_t kind_slot_room;
    const hl_kind *kind_cache[HL_KIND_CACHE];
    hl_field *fields;
    uint32_t n_fields, field_room;
    traverseproc python_traverse; /* of every Python class: subtype_traverse */
    int numpy_major;              /* 0: not loaded */
    PyObject *loggers;            /* the dict of all loggers, or NULL; borrowed */
    hl_names names;

    /* the node whose edges are being written */
    uint32_t edges;
    uint32_t fold_n[HL_LEAVES];
    uint64_t fold_bytes[HL_LEAVES];
    uint64_t folds_any;
    uint32_t row;               /* its id */
    uint32_t dup_turn;          /* leaves until one is looked at */
    hl_dups *dups;              /* NULL: equal leaves are not looked for */
    struct hl_makers *made;     /* NULL: allocations are not followed (track_write.h) */
    struct hl_marking *marking; /* NULL: it is not asked what leads to blocks (mark_here.h) */
    PyObject *visited[HL_VISIT_BATCH];
    unsigned n_visited;
    const hl_kind *visitor; /* of the object tp_traverse is at */
    PyObject *visitor_object;
    uint32_t ordinal;      /* references of that object that no field explains */
    uint64_t fields_taken; /* bit i: field i of the kind explained a reference */
    PyObject *namespaces[HL_NAMESPACES];
    unsigned n_namespaces;
    uint32_t n_off;             /* rows of HL_COL_OFF and HL_COL_NUMBER */
    PyObject *dicts_of_threads; /* HL_FIELD_DICTS: waits for the end of the row */

    /* totals */
    uint64_t nodes, edges_total, folded, skipped, immortal;
    uint64_t shared[HL_SHARED_KINDS]; /* references to them that were met */
    uint64_t partly;                  /* sequences of which not all was read */
    uint64_t sorted;               /* lists that were being sorted: what is in them was not seen */
    uint32_t leaf_type[HL_LEAVES]; /* type index */

    /* labels used everywhere */
    struct {
        uint32_t dict, bases, mro, base, module, subclasses, name, qualname, slots, keys, consts,
            names, filename, f_back, f_code, f_globals, f_builtins, f_locals, f_trace, f_func,
            f_extra, code, callback, dtype, exc, frame;
    } label;
} hl_walk;

/* Ends the walk: out of memory, ids, or disk. */
_Noreturn void hl_walk_stop(hl_walk *w, hl_status why);
/* n zeroed bytes of the walk's own, or the end of the walk. */
void *hl_walk_pages(hl_walk *w, size_t n);

/* ---- walk_self.c ------------------------------------------------------------------------------
 */

/* A reference of the current node. Leaves are folded or dropped here. */
void hl_walk_edge(hl_walk *w, PyObject *o, uint32_t label);
/* As hl_walk_edge, where NULL and "not there" are usual. */
static inline void hl_walk_edge_maybe(hl_walk *w, PyObject *o, uint32_t label)
{
    if (o)
        hl_walk_edge(w, o, label);
}
/* The id of an object that will get a row of its own; no edge. */
uint32_t hl_walk_reach(hl_walk *w, PyObject *o);
/* The collector lists it, and it is left out: the interpreter keeps something there for itself. */
void hl_walk_pass_over(hl_walk *w, const void *o);
/* The dict is a namespace of the current node: its row comes next, keys as names. */
void hl_walk_namespace(hl_walk *w, PyObject *dict);
/* n leaves of this kind that have the current node for their one holder. */
void hl_walk_fold_many(hl_walk *w, enum hl_leaf leaf, uint64_t n, uint64_t bytes);
/* Neither an edge nor bytes: kept by the interpreter for ever. */
bool hl_walk_weightless(const hl_walk *w, PyObject *o);
/* tp_traverse's visitor: collects, labels, and makes edges. arg is the hl_walk. */
int hl_walk_visit(PyObject *o, void *arg);
void hl_walk_visit_flush(hl_walk *w);
/* Begins and ends a row; what lies between are its edges. */
void hl_walk_row_begin(hl_walk *w);
struct hl_measured; /* self_size.c */
void hl_walk_row_end(hl_walk *w, uint32_t id, const hl_kind *k, uint64_t refcount, bool tracked,
                     const struct hl_measured *m);
/* Everything reachable, in the phases inside.h and DESIGN describe. */
void hl_walk_heap(hl_walk *w, volatile uint32_t *step);

/* ---- shapes.c, frames.c -----------------------------------------------------------------------
 */

/* The edges of a HL_FIELD_DICTS dict. */
void hl_shape_dicts(hl_walk *w, PyObject *dict);
void hl_shape_edges(hl_walk *w, PyObject *o, const hl_kind *k, bool as_namespace);
/* References in the body of an object that its type does not report. */
void hl_shape_hidden(hl_walk *w, PyObject *o, const hl_kind *k);
void hl_shape_frame(hl_walk *w, PyObject *frame, const hl_kind *k);
void hl_shape_generator(hl_walk *w, PyObject *generator, const hl_kind *k);
#if HL_PY_AT_LEAST(11)
uint32_t hl_frame_progress(const struct _PyInterpreterFrame *f, const PyCodeObject *code);
#else
uint32_t hl_frame_progress(const PyFrameObject *f);
#endif
/* The running frames of a thread: rows for those that are no objects, and their roots. */
void hl_frames_of(hl_walk *w, PyThreadState *thread, uint32_t index);

/* ---- sampled.c --------------------------------------------------------------------------------
 */

/* True: all items were leaves that are folded now, or weigh nothing; judged by a part of them. */
bool hl_walk_sampled(hl_walk *w, PyObject *const *item, size_t n);

/* ---- self_roots.c -----------------------------------------------------------------------------
 */

void hl_root(hl_walk *w, enum hl_root_kind kind, PyObject *o, uint32_t name, uint32_t thread,
             uint32_t line);
void hl_root_id(hl_walk *w, enum hl_root_kind kind, uint32_t id, uint32_t name, uint32_t thread,
                uint32_t line);
void hl_roots_frames(hl_walk *w);
void hl_roots_modules(hl_walk *w);
void hl_roots_state(hl_walk *w);
void hl_root_type(hl_walk *w, uint32_t id, const PyTypeObject *static_type);
/* 0 for the main thread, then in the order they were made. */
uint32_t hl_thread_index(PyInterpreterState *interp, const PyThreadState *thread);

/* ---- expect.c ---------------------------------------------------------------------------------
 */

/* What heaplens.expect_collected was told of gets its rows like everything else; then, when all
 * rows are written, the column that says which of it is there. */
void hl_expect_reach(hl_walk *w);
void hl_expect_rows(hl_walk *w);

/* ---- shared.c ---------------------------------------------------------------------------------
 */

/* What END says of None and its like. */
void hl_shared_put(const hl_walk *w, hl_fields *end);

/* ---- self_size.c ------------------------------------------------------------------------------
 */

typedef struct hl_measured {
    uint64_t size; /* header included */
    uint64_t ext, cap;
    int64_t len; /* -1: none */
    bool bounded;
} hl_measured;
void hl_measure(hl_walk *w, PyObject *o, const hl_kind *k, hl_measured *m);
size_t hl_leaf_size(PyObject *o, enum hl_leaf leaf);

/* ---- plan.c -----------------------------------------------------------------------------------
 */

void hl_plan_init(hl_walk *w);
/* Looks the type up in the table; makes its row the first time. */
const hl_kind *hl_kind_new(hl_walk *w, PyTypeObject *t);
/* What is known of a type by now, which may be no type at all; or NULL. */
const hl_kind *hl_kind_find(const hl_walk *w, const PyTypeObject *t);
static inline const hl_kind *hl_kind_at(const hl_walk *w, uint32_t index)
{
    return &w->kinds[index / HL_KIND_SEGMENT][index % HL_KIND_SEGMENT];
}
static inline const hl_kind *hl_kind_of(hl_walk *w, PyTypeObject *t)
{
    size_t h = ((uintptr_t)t >> 4 ^ (uintptr_t)t >> 12) & (HL_KIND_CACHE - 1);
    const hl_kind *k = w->kind_cache[h];
    if (k && k->type == t)
        return k;
    return w->kind_cache[h] = hl_kind_new(w, t);
}
/* "module.qualname"; types of builtins without the module. */
uint32_t hl_type_name(hl_walk *w, const PyTypeObject *t);
/* To be called when no more of them can come. */
void hl_plan_write_types(hl_walk *w);

static inline int hl_leaf_of(const PyTypeObject *t)
{
    if (t == &PyUnicode_Type)
        return HL_LEAF_STR;
    if (t == &PyLong_Type)
        return HL_LEAF_INT;
    if (t == &PyFloat_Type)
        return HL_LEAF_FLOAT;
    if (t == &PyBytes_Type)
        return HL_LEAF_BYTES;
    if (t == &PyComplex_Type)
        return HL_LEAF_COMPLEX;
    return -1;
}

/* ---- limits.c ---------------------------------------------------------------------------------
 */

/* What is switched off in the namespace that row id has, if it has a big container, too. */
void hl_limits_rows(hl_walk *w, uint32_t id, const hl_abi_table *t);
/* The same of the __slots__ of an instance: n of w->fields from the first. */
void hl_limits_slots(hl_walk *w, uint32_t id, PyObject *o, uint32_t first, uint32_t n);

/* ---- names.c ----------------------------------------------------------------------------------
 */

void hl_names_init(hl_walk *w);
uint32_t hl_name_text(hl_walk *w, const char *s, size_t n);
uint32_t hl_name_c(hl_walk *w, const char *s);
/* 0 if it is no str that can be read. */
uint32_t hl_name_of(hl_walk *w, PyObject *str);
/* A str as UTF-8, at most HL_NAME_CUT characters; bytes written to out (room for 4 a character). */
size_t hl_name_utf8(PyObject *str, char *out);
size_t hl_name_utf8_cut(PyObject *str, char *out, size_t characters);
/* The length of a str in ASCII, which *text is then; 0: another. */
size_t hl_name_ascii(PyObject *str, const char **text);
/* Is this str exactly the ASCII text? */
bool hl_name_is(PyObject *str, const char *text);
/* The value under a str key, found by looking at every entry; NULL: none. */
PyObject *hl_dict_find(PyObject *dict, const char *key);

/* The characters of a str, or NULL: a legacy one (before 3.12) that was never made ready. */
const void *hl_name_characters(PyObject *str);

/* ---- dups.c, threads.c ------------------------------------------------------------------------
 */

/* A leaf whose turn it is; how many are passed over then. And one so big that it always is. */
uint32_t hl_dups_turn(hl_walk *w, PyObject *o, enum hl_leaf leaf, size_t size, uint32_t label);
void hl_dups_big(hl_walk *w, PyObject *o, enum hl_leaf leaf, size_t size, uint32_t label);
/* The row of HL_COL_THREAD. */
void hl_thread_row(hl_walk *w, PyThreadState *t, uint32_t index);

/* ---- keykind.c, codeuse.c ---------------------------------------------------------------------
 */

enum { HL_KEYS_FROM = 64 }; /* smaller dicts and sets get no row */
/* An object of C code that shows the collector so many is a container, and has so many items: an XML
 * element its children. */
enum { HL_ITEMS_FROM = 64 };
void hl_keys_row(hl_walk *w, uint32_t id, PyObject *dict_or_set);
void hl_code_rows(hl_walk *w, uint32_t id, PyCodeObject *code);

/* ---- bytecode.c, progress.c --------------------------------------------------------------------
 */

/* USE rows of a code object: which containers it changes, by name. */
void hl_code_uses(hl_walk *w, uint32_t id, const PyCodeObject *code);
/* Where a running frame stands, for HL_COL_PROGRESS. */
#if HL_PY_AT_LEAST(11)
struct _PyInterpreterFrame;
uint32_t hl_frame_progress(const struct _PyInterpreterFrame *f, const PyCodeObject *code);
#else
uint32_t hl_frame_progress(const PyFrameObject *f);
#endif

#endif
