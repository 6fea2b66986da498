/* inside/gc_view.h: the heap as the collector's own module shows it, for heaplens.compat.
 *
 * Room   inside, its own files only; target with the GIL.
 * Parts  gc_heap.c all it knows, and whether there is garbage; gc_backrefs.c who refers to whom;
 *        gc_census.c objects by their types and addresses. */
#ifndef HL_GC_VIEW_H
#define HL_GC_VIEW_H

#include "inside/inside_abi.h"

#include <stdbool.h>
#include <stddef.h>

/* hl_pages_map, of what will be filled from end to end: in few faults, where the kernel can. */
void *hl_gc_map(size_t n);

/* All that the collector knows, in the order of gc.get_objects. They live as long as nobody runs code. */
typedef struct hl_gc_heap {
    PyObject **objects; /* borrowed */
    size_t n, room;
} hl_gc_heap;

/* false: no memory; no exception is set. */
bool hl_gc_heap_init(hl_gc_heap *h);
void hl_gc_heap_deinit(hl_gc_heap *h);

static inline PyTypeObject *hl_gc_heap_type(const hl_gc_heap *h, size_t at)
{
    enum { AHEAD = 16 };
    if (at + AHEAD < h->n)
        __builtin_prefetch(h->objects[at + AHEAD]);
    return Py_TYPE(h->objects[at]);
}

/* tp_traverse of one; memory is asked for what comes after it. */
void hl_gc_heap_traverse(const hl_gc_heap *h, size_t at, visitproc visit, void *arg);

/* true: nothing is garbage, and all is as if it had been collected. false: it has to be collected; or no
 * memory to say it. */
bool hl_gc_settle(void);

/* gc.get_objects() in a list that the collector does not know, so that it is none of anybody's referrers;
 * all of them live as long as it does. Or NULL with an exception. */
PyObject *hl_gc_objects(void);

/* What a caller means by objects: None is all of them, else any iterable. New reference. */
PyObject *hl_gc_objects_of(PyObject *objects);

extern PyMethodDef hl_gc_backrefs_methods[];
extern PyMethodDef hl_gc_census_methods[];

#endif
