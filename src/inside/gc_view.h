/* inside/gc_view.h: the heap as the collector's own module shows it, for heaplens.compat.
 *
 * Room   inside, its own files only; target with the GIL.
 * Parts  gc_backrefs.c who refers to whom; gc_census.c objects by their types and addresses. */
#ifndef HL_GC_VIEW_H
#define HL_GC_VIEW_H

#include "inside/inside_abi.h"

/* gc.get_objects() in a list that the collector does not know, so that it is none of anybody's referrers;
 * all of them live as long as it does. Or NULL with an exception. */
PyObject *hl_gc_objects(void);

/* What a caller means by objects: None is all of them, else any iterable. New reference. */
PyObject *hl_gc_objects_of(PyObject *objects);

extern PyMethodDef hl_gc_backrefs_methods[];
extern PyMethodDef hl_gc_census_methods[];

#endif
