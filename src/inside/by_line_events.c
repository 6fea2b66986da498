/* inside/by_line_events.c: a line begins, a function starts and ends.
 *
 * Room   inside; target with the GIL.
 * Method 3.12 and later: sys.monitoring, whose events are set in the chosen code objects alone; only
 *        the two that are of no code object (an exception leaves a frame, or is thrown into one) are
 *        asked of all. It makes an int to tell the line, which is not the program's memory.
 *        Before: a trace function in C for the threads that are enabled, which returns at once from
 *        what is not chosen; another's trace function goes on being called.
 * Knows  the interpreter.  Must not know  what is summed up. */
#include "inside/by_line.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/monitoring.h"
#include "inside/track_frame.h"

#if HL_PY_AT_LEAST(12)

enum { CODE, NUMBER, ARGS };
enum { START, RESUME, LINE, RETURN, YIELD, THROW, UNWIND, EVENTS };
static const char *const names[EVENTS] = {"PY_START", "PY_RESUME", "LINE",     "PY_RETURN",
                                          "PY_YIELD", "PY_THROW",  "PY_UNWIND"};
static long tool = -1, local_events;

static inline const void *frame_here(void)
{
    PyThreadState *state = hl_frame_thread();
    return state ? hl_frame_top(state) : NULL;
}

static inline bool is_told_all(size_t flags)
{
    return HL_BY_LINE_LIKELY(PyVectorcall_NARGS(flags) >= ARGS);
}

static inline hl_line_thread *told(PyObject *const *args, size_t flags)
{
    hl_line_thread *me = &hl_line_self;
    if (is_told_all(flags) && !HL_BY_LINE_LIKELY(me->newest != (uintptr_t)args[NUMBER]))
        hl_line_not_counted(me, args[NUMBER]);
    return me;
}

static uint32_t line_of(PyObject *number)
{
    if (HL_BY_LINE_LIKELY(PyLong_CheckExact(number) && hl_abi_digits(number) == 1))
        return ((const PyLongObject *)number)->long_value.ob_digit[0];
    return 0;
}

static void enter_here(hl_line_thread *me, PyObject *const *args, uint32_t line, bool starts)
{
    hl_line_record *record =
        PyCode_Check(args[CODE]) ? hl_line_record_of((PyCodeObject *)args[CODE]) : NULL;
    if (record)
        hl_line_enter(me, record, frame_here(), (PyCodeObject *)args[CODE], line, starts);
}

static PyObject *on_start(PyObject *self, PyObject *const *args, size_t flags, PyObject *keywords)
{
    hl_line_thread *me = told(args, flags);
    if (is_told_all(flags) && PyCode_Check(args[CODE]))
        enter_here(me, args, (uint32_t)((PyCodeObject *)args[CODE])->co_firstlineno, true);
    Py_RETURN_NONE;
}

/* It goes on in the line it stopped in. */
static PyObject *on_resume(PyObject *self, PyObject *const *args, size_t flags, PyObject *keywords)
{
    hl_line_thread *me = told(args, flags);
    if (is_told_all(flags) && PyCode_Check(args[CODE]) &&
        hl_line_chosen((PyCodeObject *)args[CODE])) {
        int line = PyCode_Addr2Line((PyCodeObject *)args[CODE], (int)PyLong_AsLong(args[NUMBER]));
        enter_here(me, args, line > 0 ? (uint32_t)line : 0, false);
    }
    Py_RETURN_NONE;
}

static PyObject *on_line(PyObject *self, PyObject *const *args, size_t flags, PyObject *keywords)
{
    hl_line_thread *me = told(args, flags);
    if (!is_told_all(flags))
        Py_RETURN_NONE;
    /* Who begins and ends is told, so that what runs of the code at the top is at the top; to ask for
     * the frame takes as long as all the rest. */
    if (HL_BY_LINE_LIKELY(me->depth &&
                          (const PyObject *)me->runs[me->depth - 1].code == args[CODE]) ||
        hl_line_find(me, frame_here()))
        hl_line_turn(me, line_of(args[NUMBER]));
    else /* it ran already when it was enabled */
        enter_here(me, args, line_of(args[NUMBER]), false);
    Py_RETURN_NONE;
}

static PyObject *on_return(PyObject *self, PyObject *const *args, size_t flags, PyObject *keywords)
{
    hl_line_thread *me = told(args, flags);
    if (me->depth)
        hl_line_leave(me, frame_here(), true);
    Py_RETURN_NONE;
}

static PyObject *on_yield(PyObject *self, PyObject *const *args, size_t flags, PyObject *keywords)
{
    hl_line_thread *me = told(args, flags);
    if (me->depth)
        hl_line_leave(me, frame_here(), false);
    Py_RETURN_NONE;
}

/* What is called for an event: an object whose call is one jump; a built-in function's goes through two
 * more functions. */
typedef struct callback {
    PyObject_HEAD vectorcallfunc call;
} callback;

static PyTypeObject callback_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "heaplens.lines_event",
    .tp_basicsize = sizeof(callback),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(callback, call),
    .tp_call = PyVectorcall_Call,
};

static const vectorcallfunc calls[EVENTS] = {
    [START] = on_start, [RESUME] = on_resume, [LINE] = on_line,     [RETURN] = on_return,
    [YIELD] = on_yield, [THROW] = on_resume,  [UNWIND] = on_return,
};

static PyObject *callback_of(int event)
{
    callback *c = PyType_Ready(&callback_type) ? NULL : PyObject_New(callback, &callback_type);
    if (c)
        c->call = calls[event];
    return (PyObject *)c;
}

static bool arm(void)
{
    long everywhere = 0, taken = hl_monitoring_tool();
    if (taken < 0) {
        PyErr_SetString(PyExc_RuntimeError, "sys.monitoring has no place left for another tool: "
                                            "lines need one of the ids 3 and 4");
        return false;
    }
    for (int e = 0; e < EVENTS; e++) {
        long bit = hl_monitoring_event(names[e]);
        PyObject *told_of = callback_of(e);
        bool ok =
            told_of && bit && hl_monitoring_ask("register_callback", "(llO)", taken, bit, told_of);
        Py_XDECREF(told_of);
        if (!ok)
            return false;
        if (e == THROW || e == UNWIND)
            everywhere |= bit;
        else
            local_events |= bit;
    }
    if (!hl_monitoring_ask("set_events", "(ll)", taken, everywhere))
        return false;
    tool = taken;
    return true;
}

int hl_line_events_of(PyCodeObject *code, bool on)
{
    if (tool < 0 && (!on || !arm()))
        return on ? -1 : 0;
    return hl_monitoring_ask("set_local_events", "(lOl)", tool, code, on ? local_events : 0L) ? 0
                                                                                              : -1;
}

int hl_line_events_here(bool on)
{
    return 0;
}

#else /* up to 3.11 */

#include <opcode.h>

static inline const void *frame_of(PyFrameObject *f)
{
#if HL_PY_AT_LEAST(11)
    return f->f_frame;
#else
    return f;
#endif
}

static bool goes_on(PyFrameObject *f, PyCodeObject *code)
{
    return (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) &&
           PyFrame_GetLineNumber(f) != code->co_firstlineno;
}

static bool pauses(PyFrameObject *f, PyCodeObject *code)
{
    const hl_frame *frame = frame_of(f);
    uint32_t at = hl_frame_offset(hl_frame_at(frame), code);
    if (!(code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) ||
        at == HL_OFFSET_NONE)
        return false;
#if HL_PY_AT_LEAST(11)
    return _Py_OPCODE(_PyCode_CODE(code)[at / sizeof(_Py_CODEUNIT)]) == YIELD_VALUE;
#else
    int opcode = (unsigned char)PyBytes_AS_STRING(code->co_code)[at];
    return opcode == YIELD_VALUE || opcode == YIELD_FROM;
#endif
}

static int on_event(PyObject *unused, PyFrameObject *f, int what, PyObject *arg)
{
    hl_line_thread *me = &hl_line_self;
    if (me->chain && me->chain(me->chain_of, f, what, arg))
        return -1;
    const void *frame = frame_of(f);
    bool on_top = hl_line_on_top(me, frame);
    if (on_top && what == PyTrace_LINE) {
        hl_line_turn(me, (uint32_t)f->f_lineno);
        return 0;
    }
    PyCodeObject *code = hl_frame_code(frame);
    if (!on_top && !hl_line_chosen(code))
        return 0;
    if (what == PyTrace_RETURN) {
        hl_line_leave(me, frame, !arg || !pauses(f, code));
    } else if (what == PyTrace_LINE && hl_line_find(me, frame)) {
        hl_line_turn(me, (uint32_t)f->f_lineno);
    } else if (what == PyTrace_LINE || what == PyTrace_CALL) {
        hl_line_record *record = hl_line_record_of(code);
        if (record)
            hl_line_enter(me, record, frame, code, (uint32_t)PyFrame_GetLineNumber(f),
                          what == PyTrace_CALL && !goes_on(f, code));
    }
    return 0;
}

int hl_line_events_of(PyCodeObject *code, bool on)
{
    return 0;
}

int hl_line_events_here(bool on)
{
    hl_line_thread *me = &hl_line_self;
    PyThreadState *state = PyThreadState_Get();
    if (on && state->c_tracefunc != on_event) {
        me->chain = state->c_tracefunc;
        Py_XINCREF(state->c_traceobj);
        Py_XSETREF(me->chain_of, state->c_traceobj);
        PyEval_SetTrace(on_event, NULL);
        me->traces = true;
    } else if (!on && me->traces) {
        if (state->c_tracefunc == on_event)
            PyEval_SetTrace(me->chain, me->chain_of);
        me->chain = NULL;
        Py_CLEAR(me->chain_of);
        me->traces = false;
    }
    return PyErr_Occurred() ? -1 : 0;
}

#endif
