/* inside/track_frame.h: one frame of a running stack by one name, in 3.9 to 3.15; for the tracker.
 *
 * Room   inside; target, inside malloc: reads and one write, no call into the interpreter.
 * Mark   A value in a field that the interpreter sets when a frame is pushed and does not read while
 *        it runs. Who finds it finds the activation it was written to, whose callers stand where
 *        they stood. A generator's frame outlives its caller, so where a pause does not undo the
 *        mark (3.14 and later) it gets none.
 *
 *        3.9        f_executing   1 -> 2      tested for zero only; set when a frame is entered
 *        3.10       f_stackdepth -1 -> -77    negative: none is valid; set when entered
 *        3.11-3.13  stacktop     -1 -> -77    the same; lost when the frame calls Python code
 *                   the slot its call's result will be put into, while it waits for one: below
 *        3.14-      visited       0 -> 0x5a   set when a frame is pushed; of no use to a collector
 *                                             of generations, and left alone where it is another */
#ifndef HL_TRACK_FRAME_H
#define HL_TRACK_FRAME_H

#include "inside/inside_abi.h"

#include "track/lines.h"

enum { HL_FRAME_MARK = -77, HL_FRAME_MARK_BYTE = 0x5a, HL_FRAME_MARK_EXECUTING = 2 };

/* The thread state whose GIL is held, by us if by anybody; NULL: since 3.12, if not by this thread.
 */
static inline PyThreadState *hl_frame_thread(void)
{
#if HL_PY_AT_LEAST(13)
    return PyThreadState_GetUnchecked();
#elif HL_PY_AT_LEAST(12)
    return _PyThreadState_UncheckedGet();
#else
    return _PyThreadState_GET();
#endif
}

#if HL_PY_AT_LEAST(11)

typedef _PyInterpreterFrame hl_frame;

static inline hl_frame *hl_frame_top(const PyThreadState *t)
{
#if HL_PY_AT_LEAST(13)
    return t->current_frame;
#else
    return t->cframe->current_frame;
#endif
}
static inline hl_frame *hl_frame_below(const hl_frame *f)
{
    return f->previous;
}

/* Where it is in its code: an address no other living code has. */
static inline uintptr_t hl_frame_at(const hl_frame *f)
{
#if HL_PY_AT_LEAST(13)
    return (uintptr_t)f->instr_ptr;
#else
    return (uintptr_t)f->prev_instr;
#endif
}

static inline bool hl_frame_of_c(const hl_frame *f)
{
    return hl_abi_frame_of_c(f);
}
static inline PyCodeObject *hl_frame_code(const hl_frame *f)
{
    return hl_abi_frame_code(f);
}
static inline uint32_t hl_frame_offset(uintptr_t at, PyCodeObject *code)
{
    uintptr_t start = (uintptr_t)_PyCode_CODE(code);
    return at < start ? HL_OFFSET_NONE : (uint32_t)(at - start);
}

#if HL_PY_AT_LEAST(14)
#ifdef HL_GC_INCREMENTAL
static inline bool hl_frame_marked(const hl_frame *f)
{
    return false;
}
static inline void hl_frame_mark(hl_frame *f)
{
}
#else
static inline bool hl_frame_marked(const hl_frame *f)
{
    return f->visited == HL_FRAME_MARK_BYTE;
}
static inline void hl_frame_mark(hl_frame *f)
{
    if (f->owner == FRAME_OWNED_BY_THREAD)
        f->visited = HL_FRAME_MARK_BYTE;
}
#endif
#else
static inline bool hl_frame_marked(const hl_frame *f)
{
    return f->stacktop == HL_FRAME_MARK;
}
static inline void hl_frame_mark(hl_frame *f)
{
    if (f->stacktop < 0)
        f->stacktop = HL_FRAME_MARK;
}

/* A frame that waits for Python code it called without leaving the interpreter's loop: stacktop says
 * where its stack ends, and the result will be put there, into a slot that holds nothing now and
 * that nobody reads. A number of ours in it (odd: no address) says that the frame waits still, for
 * the same call: its callers stand where they stood. An exception leaves the slot as it is, but
 * makes an object for the traceback while the frame runs, which whoever follows each allocation
 * sees. */
#define HL_FRAME_WAITS 1

static inline bool hl_frame_waits(const hl_frame *f, const hl_frame *called)
{
#if HL_PY_AT_LEAST(12)
    return f->stacktop >= 0 && called->owner != FRAME_OWNED_BY_CSTACK;
#else
    return f->stacktop >= 0 && !called->is_entry;
#endif
}
static inline uintptr_t *hl_frame_result(hl_frame *f)
{
    return (uintptr_t *)&f->localsplus[f->stacktop];
}
#endif

#else /* 3.9, 3.10 */

typedef PyFrameObject hl_frame;

static inline hl_frame *hl_frame_top(const PyThreadState *t)
{
    return t->frame;
}
static inline hl_frame *hl_frame_below(const hl_frame *f)
{
    return f->f_back;
}

/* The code object's address, 47 bits that end in four zeros, and 21 bits of instruction: f_lasti
 * counts bytes in 3.9, units of two in 3.10; -1 before the first. */
static inline uintptr_t hl_frame_at(const hl_frame *f)
{
    enum { LOW_BITS = 4, HIGH_AT = 47 };
#if HL_PY_AT_LEAST(10)
    uintptr_t unit = (uintptr_t)(f->f_lasti + 1);
#else
    uintptr_t unit = (uintptr_t)((f->f_lasti + 2) / 2);
#endif
    return (uintptr_t)f->f_code | (unit & ((1 << LOW_BITS) - 1)) | unit >> LOW_BITS << HIGH_AT;
}
static inline bool hl_frame_of_c(const hl_frame *f)
{
    return false;
}
static inline PyCodeObject *hl_frame_code(const hl_frame *f)
{
    return f->f_code;
}
static inline uint32_t hl_frame_offset(uintptr_t at, PyCodeObject *code)
{
    enum { LOW_BITS = 4, HIGH_AT = 47 };
    uintptr_t unit = (at ^ (uintptr_t)code) & ((1 << LOW_BITS) - 1);
    unit |= at >> HIGH_AT << LOW_BITS;
    return unit ? (uint32_t)(unit - 1) * 2 : HL_OFFSET_NONE;
}

#if HL_PY_AT_LEAST(10)
static inline bool hl_frame_marked(const hl_frame *f)
{
    return f->f_stackdepth == HL_FRAME_MARK;
}
static inline void hl_frame_mark(hl_frame *f)
{
    if (f->f_stackdepth < 0)
        f->f_stackdepth = HL_FRAME_MARK;
}
#else
static inline bool hl_frame_marked(const hl_frame *f)
{
    return f->f_executing == HL_FRAME_MARK_EXECUTING;
}
static inline void hl_frame_mark(hl_frame *f)
{
    if (f->f_executing)
        f->f_executing = HL_FRAME_MARK_EXECUTING;
}
#endif
#endif

#endif
