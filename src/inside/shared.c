/* inside/shared.c: the objects of which every program has one: how many references they have.
 *
 * Room   inside; the cloned child.
 * Takes  what the walk met (hl_walk.shared).   Gives  fields of END: count, and references met.
 * Why    None and its like are no nodes, everything refers to them. Before 3.12 they are counted all
 *        the same, and C code that returns None without taking a reference gives one of them away
 *        with every call, until the interpreter aborts. Since 3.12 they are immortal. */
#include "inside/walk.h"

#if !HL_PY_AT_LEAST(12)

static uint64_t refs_of_ints(const hl_walk *w)
{
    uint64_t refs = 0;
    for (int i = 0; i < _PY_NSMALLNEGINTS + _PY_NSMALLPOSINTS; i++) {
#if HL_PY_AT_LEAST(11)
        (void)w;
        refs +=
            (uint64_t)_PyRuntime.global_objects.singletons.small_ints[i].ob_base.ob_base.ob_refcnt;
#else
        refs += (uint64_t)w->interp->small_ints[i]->ob_base.ob_base.ob_refcnt;
#endif
    }
    return refs;
}

void hl_shared_put(const hl_walk *w, hl_fields *end)
{
    const uint64_t refs[HL_SHARED_KINDS] = {
        [HL_SHARED_NONE] = (uint64_t)Py_None->ob_refcnt,
        [HL_SHARED_TRUE] = (uint64_t)Py_True->ob_refcnt,
        [HL_SHARED_FALSE] = (uint64_t)Py_False->ob_refcnt,
        [HL_SHARED_ELLIPSIS] = (uint64_t)Py_Ellipsis->ob_refcnt,
        [HL_SHARED_NOT_IMPLEMENTED] = (uint64_t)Py_NotImplemented->ob_refcnt,
        [HL_SHARED_INTS] = refs_of_ints(w),
    };
    for (unsigned i = 0; i < HL_SHARED_KINDS; i++) {
        hl_field_uint(end, HL_SNAP_SHARED + 2 * i, refs[i]);
        hl_field_uint(end, HL_SNAP_SHARED + 2 * i + 1, w->shared[i]);
    }
}

#else

void hl_shared_put(const hl_walk *w, hl_fields *end)
{
    (void)w;
    (void)end;
}

#endif
