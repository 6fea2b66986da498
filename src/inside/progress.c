/* inside/progress.c: where a running frame stands, as a number.
 *
 * Room   inside; the cloned child.
 * Takes  a running frame.   Gives  the digest of HL_COL_PROGRESS.
 * Why    A frame cannot change while a call it made is running. If it changed between two
 * snapshots, that call has returned and was made again: so many calls are told from one long one.
 * What   its instruction, the pointers in its locals and its whole evaluation stack (what lies
 * above the top is stale, but nobody writes there either; but the tracker does into the slot just
 * above it, which is left out: track_frame.h), the state of the iterators it loops over
 *        where the stack's depth is known. That is the digest's upper part, and proves a new call.
 *        The lower 8 bits are, for a module body, the values of its int variables: its loop
 *        counters are globals, but a function that runs may count in a global too, so these only
 *        hint. Nothing of it can be read back from 32 bits. */
#include "inside/walk.h"

enum { ITERATOR_BYTES = 256 };

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15ull;
    return h ^ h >> 29;
}

#if HL_PY_AT_LEAST(11)
static uint64_t mix_iterator(uint64_t h, PyObject *o)
{
    const PyTypeObject *t = o ? Py_TYPE(o) : NULL;
    if (!t || !t->tp_iternext || t->tp_basicsize > ITERATOR_BYTES)
        return h;
    const uint64_t *word = (const uint64_t *)(const void *)(o + 1);
    size_t n = ((size_t)t->tp_basicsize - sizeof(PyObject)) / sizeof *word;
    for (size_t i = 0; i < n; i++)
        h = mix(h, word[i]);
    return h;
}
#endif

static uint64_t counters(PyObject *space)
{
    uint64_t h = 0;
    if (!space || !PyDict_CheckExact(space))
        return h;
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)space);
    for (size_t i = 0; i < t.n; i++) {
        PyObject *v = hl_abi_table_value(&t, i);
        if (v && PyLong_CheckExact(v) && hl_abi_digits(v))
#if HL_PY_AT_LEAST(12)
            h = mix(h, ((PyLongObject *)v)->long_value.ob_digit[0]);
#else
            h = mix(h, ((PyLongObject *)v)->ob_digit[0]);
#endif
    }
    return h;
}

static uint32_t digest(uint64_t stands, uint64_t counted)
{
    return ((uint32_t)(stands >> 32) & ~HL_PROGRESS_HINT) |
           ((uint32_t)(counted >> 32) & HL_PROGRESS_HINT);
}

/* Slots as they are: since 3.14 with the tags that say who owns the reference. */
static uint64_t mix_slots(uint64_t h, const void *slots, Py_ssize_t n)
{
    const uintptr_t *word = slots;
    for (Py_ssize_t i = 0; i < n; i++)
        h = mix(h, word[i]);
    return h;
}

#if HL_PY_AT_LEAST(11)

uint32_t hl_frame_progress(const struct _PyInterpreterFrame *f, const PyCodeObject *code)
{
    Py_ssize_t locals = code->co_nlocalsplus, room = locals + code->co_stacksize;
    uint64_t h = mix(0, (uint64_t)_PyInterpreterFrame_LASTI((struct _PyInterpreterFrame *)f));
    Py_ssize_t used = hl_abi_frame_used(f), kept = used >= 0 && used < room ? used : room;
    h = mix_slots(h, f->localsplus, HL_PY_AT_LEAST(14) ? room : kept);
    if (kept < room && !HL_PY_AT_LEAST(14))
        h = mix_slots(h, f->localsplus + kept + 1, room - kept - 1);
    for (Py_ssize_t i = locals; i < used && i < room; i++)
        h = mix_iterator(h, hl_abi_slot_of(f->localsplus[i]).object);
    return digest(h, f->f_locals == f->f_globals ? counters(f->f_locals) : 0);
}

#else

uint32_t hl_frame_progress(const PyFrameObject *f)
{
    uint64_t h = mix(0, (uint64_t)f->f_lasti);
    if (f->f_valuestack)
        h = mix_slots(h, f->f_localsplus,
                      (f->f_valuestack - f->f_localsplus) + f->f_code->co_stacksize);
    return digest(h, f->f_locals == f->f_globals ? counters(f->f_locals) : 0);
}

#endif
