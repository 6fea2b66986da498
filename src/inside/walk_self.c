/* inside/walk_self.c: the live heap, closed over from its roots, as rows of a snapshot.
 *
 * Room   inside; the cloned child.
 * Takes  the interpreters of this process.   Gives  node, edge, fold and generation columns.
 * Knows  the collector's lists, snap_write.  Must not know  how objects look (shapes.c, frames.c).
 * Method everything met is marked in the visited set and put on a list of ids, never on the C
 *        stack. Leaves with one holder are folded into it. Dicts wait on a list of their own: their
 *        rows come right after an owner's that makes their keys names, or last. */
#include "inside/dups.h"
#include "inside/inside.h"
#include "inside/track_write.h"
#include "inside/walk.h"

#include <string.h>

enum { DICTS_AHEAD = 8, LISTED_PER_CHECK = 4096, LOGGERS_NAMED = 512 };

_Noreturn void hl_walk_stop(hl_walk *w, hl_status why)
{
    w->stopped = why;
    longjmp(w->stop, 1);
}

void *hl_walk_pages(hl_walk *w, size_t n)
{
    void *p = hl_pages_map(n);
    if (!p)
        hl_walk_stop(w, HL_NO_MEMORY);
    return p;
}

/* ---- rows -------------------------------------------------------------------------------------
 */

void hl_walk_row_begin(hl_walk *w)
{
    w->edges = 0;
    w->n_namespaces = 0;
    w->dicts_of_threads = NULL;
    if (w->folds_any) {
        memset(w->fold_n, 0, sizeof w->fold_n);
        memset(w->fold_bytes, 0, sizeof w->fold_bytes);
        w->folds_any = 0;
    }
}

static uint32_t put_folds(hl_walk *w)
{
    uint32_t rows = 0;
    for (unsigned i = 0; i < HL_LEAVES; i++) {
        if (!w->fold_n[i])
            continue;
        hl_snap_put(&w->out, HL_COL_FOLD, w->leaf_type[i]);
        hl_snap_put(&w->out, HL_COL_FOLD, w->fold_n[i]);
        hl_snap_put(&w->out, HL_COL_FOLD, w->fold_bytes[i]);
        w->folded += w->fold_n[i];
        rows++;
    }
    return rows;
}

void hl_walk_row_end(hl_walk *w, uint32_t id, const hl_kind *k, uint64_t refcount, bool tracked,
                     const hl_measured *m)
{
    hl_snap_writer *out = &w->out;
    uint32_t folds = w->folds_any ? put_folds(w) : 0;
    unsigned flags = (w->edges ? HL_ROW_EDGES : 0) | (folds ? HL_ROW_FOLDS : 0) |
                     (m->len >= 0 ? HL_ROW_LEN : 0) | (m->cap ? HL_ROW_CAP : 0) |
                     (m->ext ? HL_ROW_EXT : 0) | (tracked ? HL_ROW_TRACKED : 0) |
                     (m->bounded ? HL_ROW_BOUNDED : 0) | (k->opaque ? HL_ROW_OPAQUE : 0);
    hl_snap_put_delta(out, HL_COL_ID, id);
    hl_snap_put(out, HL_COL_FLAGS, flags);
    hl_snap_put(out, HL_COL_TYPE, k->index);
    hl_snap_put(out, HL_COL_SIZE, m->size);
    hl_snap_put(out, HL_COL_REFCNT, refcount);
    if (w->edges)
        hl_snap_put(out, HL_COL_NEDGE, w->edges);
    if (folds)
        hl_snap_put(out, HL_COL_NFOLD, folds);
    if (m->len >= 0)
        hl_snap_put(out, HL_COL_LEN, (uint64_t)m->len);
    if (m->cap)
        hl_snap_put(out, HL_COL_CAP, m->cap);
    if (m->ext)
        hl_snap_put(out, HL_COL_EXT, m->ext);
    if (w->made)
        hl_makers_row(w, hl_visited_address(&w->seen, id), k);
    w->nodes++;
    w->edges_total += w->edges;
}

static uint64_t count_of(const PyObject *o)
{
    return hl_abi_immortal_count(o) ? 0 : (uint64_t)o->ob_refcnt;
}

/* A leaf that stays a node has no edges: its row can be written while another's edges are. */
static void leaf_row(hl_walk *w, PyObject *o, uint32_t id, enum hl_leaf leaf, uint32_t label)
{
    hl_snap_writer *out = &w->out;
    size_t size = hl_leaf_size(o, leaf);
    if (size > HL_FOLD_BYTES_MAX)
        hl_dups_big(w, o, leaf, size, label);
    if (!--w->dup_turn)
        w->dup_turn = hl_dups_turn(w, o, leaf, size, label);
    hl_snap_put_delta(out, HL_COL_ID, id);
    hl_snap_put(out, HL_COL_FLAGS, 0);
    hl_snap_put(out, HL_COL_TYPE, w->leaf_type[leaf]);
    hl_snap_put(out, HL_COL_SIZE, size);
    hl_snap_put(out, HL_COL_REFCNT, count_of(o));
    if (w->made)
        hl_makers_leaf(w, o);
    w->nodes++;
}

/* ---- edges ------------------------------------------------------------------------------------
 */

/* An int, str or bytes the interpreter keeps for ever: no node, no weight. */
static bool immortal_leaf(const hl_walk *w, PyObject *o, enum hl_leaf leaf)
{
#if HL_PY_AT_LEAST(12)
    (void)w;
    (void)leaf;
    return hl_abi_immortal_count(o);
#elif HL_PY_AT_LEAST(11)
    (void)w;
    (void)leaf;
    return (uintptr_t)o - (uintptr_t)&_PyRuntime < sizeof _PyRuntime || hl_abi_immortal_count(o);
#else
    if (leaf != HL_LEAF_INT || hl_abi_digits(o) > 1)
        return false;
    long v = hl_abi_digits(o) ? (long)((PyLongObject *)o)->ob_digit[0] : 0;
    v = Py_SIZE(o) < 0 ? -v : v;
    return v >= -_PY_NSMALLNEGINTS && v < _PY_NSMALLPOSINTS &&
           (PyObject *)w->interp->small_ints[v + _PY_NSMALLNEGINTS] == o;
#endif
}

static bool fold(hl_walk *w, PyObject *o, enum hl_leaf leaf, uint32_t label)
{
    size_t n = hl_leaf_size(o, leaf);
    if (n > HL_FOLD_BYTES_MAX)
        return false;
    w->fold_n[leaf]++;
    w->fold_bytes[leaf] += n;
    w->folds_any = 1;
    if (__builtin_expect(w->made != NULL, 0))
        hl_makers_fold(w, o, leaf);
    if (__builtin_expect(!--w->dup_turn, 0))
        w->dup_turn = hl_dups_turn(w, o, leaf, n, label);
    return true;
}

void hl_walk_fold_many(hl_walk *w, enum hl_leaf leaf, uint64_t n, uint64_t bytes)
{
    w->fold_n[leaf] += (uint32_t)n;
    w->fold_bytes[leaf] += bytes;
    w->folds_any |= n;
}

bool hl_walk_weightless(const hl_walk *w, PyObject *o)
{
    PyTypeObject *t = Py_TYPE(o);
    int leaf = hl_leaf_of(t);
    return leaf >= 0
               ? immortal_leaf(w, o, (enum hl_leaf)leaf)
               : o == Py_None || t == &PyBool_Type || o == Py_Ellipsis || o == Py_NotImplemented;
}

static uint32_t mark(hl_walk *w, const void *o, bool *fresh)
{
    uint32_t id = hl_visited_mark(&w->seen, o, fresh);
    if (__builtin_expect(id == UINT32_MAX, 0))
        hl_walk_stop(w, HL_NO_MEMORY);
    return id;
}

static void wait_for_row(hl_walk *w, PyObject *o, uint32_t id)
{
    if (!hl_ids_push(Py_TYPE(o) == &PyDict_Type ? &w->dicts : &w->work, id))
        hl_walk_stop(w, HL_NO_MEMORY);
}

void hl_walk_edge(hl_walk *w, PyObject *o, uint32_t label)
{
    if (o == Py_None) {
        w->shared[HL_SHARED_NONE]++;
        return;
    }
    PyTypeObject *t = Py_TYPE(o);
    int leaf = hl_leaf_of(t);
    if (leaf >= 0) {
        if (o->ob_refcnt == 1 && fold(w, o, (enum hl_leaf)leaf, label))
            return;
        if (immortal_leaf(w, o, (enum hl_leaf)leaf)) {
            w->immortal++;
            w->shared[HL_SHARED_INTS] += leaf == HL_LEAF_INT;
            return;
        }
    } else if (t == &PyBool_Type || o == Py_Ellipsis || o == Py_NotImplemented) {
        w->immortal++;
        w->shared[o == Py_True       ? HL_SHARED_TRUE
                  : o == Py_False    ? HL_SHARED_FALSE
                  : o == Py_Ellipsis ? HL_SHARED_ELLIPSIS
                                     : HL_SHARED_NOT_IMPLEMENTED]++;
        return;
    }
    bool fresh;
    uint32_t id = mark(w, o, &fresh);
    hl_snap_put_delta(&w->out, HL_COL_DST, id);
    hl_snap_put(&w->out, HL_COL_LABEL, label);
    w->edges++;
    if (!fresh)
        return;
    if (leaf >= 0)
        leaf_row(w, o, id, (enum hl_leaf)leaf, label);
    else
        wait_for_row(w, o, id);
}

uint32_t hl_walk_reach(hl_walk *w, PyObject *o)
{
    bool fresh;
    uint32_t id = mark(w, o, &fresh);
    if (fresh) {
        int leaf = hl_leaf_of(Py_TYPE(o));
        if (leaf >= 0)
            leaf_row(w, o, id, (enum hl_leaf)leaf, 0);
        else
            wait_for_row(w, o, id);
    }
    return id;
}

void hl_walk_pass_over(hl_walk *w, const void *o)
{
    bool fresh;
    if (hl_visited_mark(&w->passed, o, &fresh) == UINT32_MAX)
        hl_walk_stop(w, HL_NO_MEMORY);
}

void hl_walk_namespace(hl_walk *w, PyObject *dict)
{
    if (dict && Py_TYPE(dict) == &PyDict_Type && w->n_namespaces < HL_NAMESPACES)
        w->namespaces[w->n_namespaces++] = dict;
}

/* ---- one node ---------------------------------------------------------------------------------
 */

static bool in_collector(PyObject *o, const hl_kind *k)
{
    return k->gc && (!k->asks_is_gc || k->type->tp_is_gc(o));
}

/* Immortal strings weigh nothing where they are used; here they weigh. */
static void weigh_interned(hl_walk *w, PyObject *dict)
{
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)dict);
    for (size_t i = 0; i < t.n; i++) {
        PyObject *key = hl_abi_table_key(&t, i);
        if (key && hl_leaf_of(Py_TYPE(key)) == HL_LEAF_STR && hl_abi_immortal_count(key))
            fold(w, key, HL_LEAF_STR, HL_LABEL(HL_LABEL_DICTKEY, 0));
    }
}

static void dict_row(hl_walk *w, PyObject *o, uint32_t id, bool as_namespace)
{
    const hl_kind *k = hl_kind_of(w, &PyDict_Type);
    hl_measured m;
    if (!hl_visited_first_row(&w->seen, id))
        return;
    hl_measure(w, o, k, &m);
    /* loggers have names; a logger per request has a number, which is data */
    bool names = as_namespace || (o == w->loggers && m.len <= LOGGERS_NAMED);
    hl_walk_row_begin(w);
    w->row = id;
    if (o != hl_abi_interned(w->interp)) {
        hl_shape_edges(w, o, k, names);
    } else if (HL_INTERNED_STAY) {
        hl_shape_edges(w, o, k, names);
        weigh_interned(w, o);
    }
    hl_walk_row_end(w, id, k, count_of(o), hl_abi_tracked(o), &m);
    if (m.len >= HL_KEYS_FROM && !as_namespace)
        hl_keys_row(w, id, o);
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)o);
    if (as_namespace && !t.embedded)
        hl_limits_rows(w, id, &t);
}

/* The row of a HL_FIELD_DICTS dict, and the rows of the dicts in it. */
static void dicts_rows(hl_walk *w, PyObject *o)
{
    const hl_kind *k = hl_kind_of(w, &PyDict_Type);
    hl_measured m;
    uint32_t id = hl_walk_reach(w, o);
    if (!hl_visited_first_row(&w->seen, id))
        return;
    hl_walk_row_begin(w);
    hl_shape_dicts(w, o);
    hl_measure(w, o, k, &m);
    hl_walk_row_end(w, id, k, count_of(o), hl_abi_tracked(o), &m);
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)o);
    for (size_t i = 0; i < t.n; i++) {
        PyObject *dict = hl_abi_table_value(&t, i);
        if (dict && Py_TYPE(dict) == &PyDict_Type)
            dict_row(w, dict, hl_walk_reach(w, dict), true);
    }
}

static void node(hl_walk *w, PyObject *o, uint32_t id)
{
    const hl_kind *k = hl_kind_of(w, Py_TYPE(o));
    hl_measured m;
    if (k->shape == HL_SHAPE_FRAME && !hl_visited_first_row(&w->seen, id))
        return; /* a running frame: written with its thread */
    bool gc = in_collector(o, k);
    hl_walk_row_begin(w);
    w->row = id;
    /* what the collector passes over may still hold something: a greenlet that runs or waits. Only
     * a static type must not be asked, also where its metaclass has a traverse of its own (numpy) */
    if (gc || !k->gc || k->shape == HL_SHAPE_TYPE || !PyType_Check(o))
        hl_shape_edges(w, o, k, false);
    if (k->hidden_end)
        hl_shape_hidden(w, o, k);
    hl_measure(w, o, k, &m);
    if (m.len < 0 && k->shape == HL_SHAPE_TRAVERSE && w->ordinal >= HL_ITEMS_FROM)
        m.len = w->ordinal;
    hl_walk_row_end(w, id, k, count_of(o), gc && hl_abi_tracked(o), &m);
    if (k->type == &PyTuple_Type && !hl_abi_tracked(o))
        hl_dups_tuple(w, o, id, m.size);
    if (m.len >= HL_KEYS_FROM &&
        (k->shape == HL_SHAPE_SET || k->shape == HL_SHAPE_DICT || k->shape == HL_SHAPE_ODICT))
        hl_keys_row(w, id, o);
    if (k->shape == HL_SHAPE_TYPE && !hl_abi_heap_type((PyTypeObject *)o))
        hl_root_type(w, id, (PyTypeObject *)o);
    if (k->shape == HL_SHAPE_CODE)
        hl_code_rows(w, id, (PyCodeObject *)o);
    PyObject *dicts = w->dicts_of_threads;
    PyObject *namespaces[HL_NAMESPACES]; /* dict_row empties the walk's list */
    unsigned n = w->n_namespaces;
    memcpy(namespaces, w->namespaces, n * sizeof *namespaces);
    for (unsigned i = 0; i < n; i++)
        dict_row(w, namespaces[i], hl_walk_reach(w, namespaces[i]), true);
    if (dicts)
        dicts_rows(w, dicts);
}

static void drain(hl_walk *w)
{
    while (w->work.n) {
        uint32_t id = hl_ids_pop(&w->work);
        PyObject *o = hl_visited_address(&w->seen, id);
        if (!hl_kind_of(w, Py_TYPE(o))->hidden_end)
            node(w, o, id);
        else if (!hl_ids_push(&w->hidden, id))
            hl_walk_stop(w, HL_NO_MEMORY);
    }
}

/* All there is has been met: what these refer to can be told from chance. */
static void drain_hidden(hl_walk *w)
{
    while (w->hidden.n) {
        uint32_t id = hl_ids_pop(&w->hidden);
        node(w, hl_visited_address(&w->seen, id), id);
    }
}

static void drain_dicts(hl_walk *w)
{
    while (w->dicts.n) {
        uint32_t ahead;
        if (hl_ids_peek(&w->dicts, DICTS_AHEAD, &ahead))
            __builtin_prefetch(hl_visited_address(&w->seen, ahead));
        if (hl_ids_peek(&w->dicts, DICTS_AHEAD / 2, &ahead))
            __builtin_prefetch(((PyDictObject *)hl_visited_address(&w->seen, ahead))->ma_keys);
        uint32_t id = hl_ids_shift(&w->dicts);
        dict_row(w, hl_visited_address(&w->seen, id), id, false);
        drain(w);
    }
}

/* ---- the collector's lists --------------------------------------------------------------------
 */

/* What the interpreter keeps for itself. Since 3.14 the collector lists every dict, that of the
 * interned strings too, and what atexit was given. */
static bool passed_over(const hl_walk *w, PyObject *o)
{
#if HL_PY_AT_LEAST(14)
    const PyTypeObject *t = Py_TYPE(o);
    return o == hl_abi_interned(w->interp) ||
           ((t == &PyTuple_Type || t == &PyList_Type) && hl_visited_has(&w->passed, o));
#else
    (void)w;
    (void)o;
    return false;
#endif
}

/* column: HL_COL_COUNT for the generation that needs no list, the oldest. */
static void listed(hl_walk *w, PyGC_Head *head, enum hl_snap_column column)
{
    uint64_t n = 0;
    for (PyGC_Head *g = (PyGC_Head *)(head->_gc_next & ~(uintptr_t)3); g && g != head;) {
        PyGC_Head *next = (PyGC_Head *)(g->_gc_next & ~(uintptr_t)3);
        __builtin_prefetch(next);
        PyObject *o = (PyObject *)(g + 1);
        if (passed_over(w, o)) {
            g = next;
            continue;
        }
        uint32_t id = hl_walk_reach(w, o);
        if (column != HL_COL_COUNT)
            hl_snap_put_delta(&w->out, column, id);
        drain(w);
        if (++n % LISTED_PER_CHECK == 0 && w->out.err.status)
            hl_walk_stop(w, w->out.err.status); /* a full disk: do not walk for nothing */
        g = next;
    }
}

static void all_lists(hl_walk *w)
{
    static const enum hl_snap_column columns[HL_GC_LISTS] = {HL_COL_COUNT, HL_COL_GEN1,
                                                             HL_COL_GEN0};
    for (unsigned i = 0; i < HL_GC_LISTS; i++)
        listed(w, hl_abi_gc_list(w->interp, i), columns[i]);
    listed(w, &w->interp->gc.permanent_generation.head, HL_COL_FROZEN);
}

static void interpreter_roots(hl_walk *w)
{
    hl_roots_frames(w);
    hl_roots_modules(w);
    hl_roots_state(w);
    drain(w);
}

void hl_walk_heap(hl_walk *w, volatile uint32_t *step)
{
    PyInterpreterState *first = w->interp; /* static types are told with its dicts */
    *step = HL_STEP_ROOTS;
    interpreter_roots(w);
    for (PyInterpreterState *i = hl_abi_interpreters(); i; i = i->next) {
        if (i == first)
            continue;
        if (!hl_still_has(w->still, first, i)) {
            w->skipped += hl_abi_gc_about(i);
            continue;
        }
        w->interp = i;
        interpreter_roots(w);
    }
    *step = HL_STEP_HEAP;
    for (PyInterpreterState *i = hl_abi_interpreters(); i; i = i->next) {
        w->interp = i;
        if (hl_still_has(w->still, first, i))
            all_lists(w);
    }
    w->interp = first;
    hl_expect_reach(w);
    drain(w);
    do {
        drain_dicts(w);
        drain_hidden(w); /* their attributes may lie in a dict */
        drain(w);
    } while (w->dicts.n || w->hidden.n);
    hl_expect_rows(w);
    *step = HL_STEP_NAMES;
    hl_dups_write(w);
    for (uint32_t i = 0; i < w->seen.n_pages; i++)
        hl_snap_put_delta(&w->out, HL_COL_PAGE, w->seen.pages[i].key);
}
