/* inside/frames.c: what running and suspended frames hold.
 *
 * Room   inside; the cloned child.
 * Takes  frame and generator objects, threads.   Gives  their edges, rows and roots.
 * Knows  frame layouts of 3.9 to 3.15.  Must not know  columns.
 * A frame that runs is held by its thread, and tp_traverse is silent about it; here it is a node of
 * type frame that holds its locals. Since 3.11 a frame is an object only if somebody asked for it:
 * else its node has the address of the interpreter's own record. The values on the evaluation
 * stack count where the interpreter has written down how many there are: while it is inside the
 * bytecode of the frame it has not, and what it holds then is left unexplained. */
#include "inside/walk.h"

static uint32_t local_label(hl_walk *w, PyObject *name)
{
    return HL_LABEL(HL_LABEL_LOCAL, hl_name_of(w, name));
}

static void namespace_edge(hl_walk *w, PyObject *dict, uint32_t label)
{
    if (!dict)
        return;
    hl_walk_edge(w, dict, label);
    hl_walk_namespace(w, dict);
}

#if HL_PY_AT_LEAST(11)

/* A borrowed reference is counted in the slot it was borrowed from: here it is seen, not counted.
 */
static void slot_edge(hl_walk *w, hl_abi_slot slot, uint32_t label)
{
    if (slot.object)
        hl_walk_edge(w, slot.object, slot.owned ? label : HL_LABEL(HL_LABEL_UNOWNED, 0));
}

/* running: the count of locals on the stack may be unset, and all of them are valid. */
static void iframe_edges(hl_walk *w, _PyInterpreterFrame *f, bool running)
{
    PyCodeObject *code = hl_abi_frame_code(f);
    if (!code)
        return;
    slot_edge(w, hl_abi_frame_executable(f), w->label.f_code);
    slot_edge(w, hl_abi_frame_function(f), w->label.f_func);
    namespace_edge(w, f->f_locals, w->label.f_locals);
    Py_ssize_t locals = code->co_nlocalsplus, n = hl_abi_frame_used(f);
    if (running && n < locals)
        n = locals;
    if (n > locals + code->co_stacksize)
        n = locals;
    for (Py_ssize_t i = 0; i < n && i < locals; i++)
        slot_edge(w, hl_abi_slot_of(f->localsplus[i]),
                  local_label(w, PyTuple_GET_ITEM(code->co_localsplusnames, i)));
    for (Py_ssize_t i = locals; i < n; i++)
        slot_edge(w, hl_abi_slot_of(f->localsplus[i]), HL_LABEL(HL_LABEL_STACK, 0));
}

void hl_shape_frame(hl_walk *w, PyObject *frame, const hl_kind *k)
{
    (void)k;
    PyFrameObject *o = (PyFrameObject *)frame;
    _PyInterpreterFrame *f = o->f_frame;
    hl_walk_edge_maybe(w, (PyObject *)o->f_back, w->label.f_back);
    hl_walk_edge_maybe(w, o->f_trace, w->label.f_trace);
#if HL_PY_AT_LEAST(13)
    hl_walk_edge_maybe(w, o->f_extra_locals, w->label.f_extra);
    hl_walk_edge_maybe(w, o->f_locals_cache, w->label.f_extra);
#endif
    if (f && f->owner != FRAME_OWNED_BY_GENERATOR)
        iframe_edges(w, f, f->owner == FRAME_OWNED_BY_THREAD);
}

void hl_shape_generator(hl_walk *w, PyObject *generator, const hl_kind *k)
{
    PyGenObject *g = (PyGenObject *)generator;
    _PyInterpreterFrame *f = hl_abi_generator_frame(g);
#if !HL_PY_AT_LEAST(12)
    hl_walk_edge_maybe(w, (PyObject *)g->gi_code, w->label.code);
#endif
    hl_walk_edge_maybe(w, g->gi_name, w->label.name);
    hl_walk_edge_maybe(w, g->gi_qualname, w->label.qualname);
    hl_walk_edge_maybe(w, g->gi_exc_state.exc_value, w->label.exc);
    if (k->type != &PyGen_Type) /* a plain generator never sets it */
        hl_walk_edge_maybe(w, g->gi_origin_or_finalizer, HL_LABEL(HL_LABEL_INTERNAL, 0));
    if (g->gi_frame_state >= FRAME_CLEARED) {
#if HL_PY_AT_LEAST(12) /* all that is left of its frame: gi_code. It runs no more, so not f_code */
        slot_edge(w, hl_abi_frame_executable(f), w->label.code);
#endif
        return;
    }
    hl_walk_edge_maybe(w, (PyObject *)f->frame_obj, w->label.frame);
    iframe_edges(w, f, g->gi_frame_state == FRAME_EXECUTING);
}

static uint32_t line_of(_PyInterpreterFrame *f, PyCodeObject *code)
{
    int at = _PyInterpreterFrame_LASTI(f);
    int line = PyCode_Addr2Line(code, at < 0 ? -1 : at * (int)sizeof(_Py_CODEUNIT));
    return line > 0 ? (uint32_t)line : 0;
}

/* The row of a frame that is no object. */
static void bare_row(hl_walk *w, _PyInterpreterFrame *f, uint32_t id)
{
    PyCodeObject *code = hl_abi_frame_code(f);
    const hl_kind *k = hl_kind_of(w, &PyFrame_Type);
    hl_measured m = {.size =
                         offsetof(_PyInterpreterFrame, localsplus) +
                         (size_t)(code->co_nlocalsplus + code->co_stacksize) * sizeof(PyObject *),
                     .len = -1};
    hl_walk_row_begin(w);
    w->row = id;
    iframe_edges(w, f, true);
    hl_walk_row_end(w, id, k, 1, false, &m);
}

void hl_frames_of(hl_walk *w, PyThreadState *thread, uint32_t index)
{
    for (_PyInterpreterFrame *f = hl_abi_current_frame(thread); f; f = f->previous) {
        PyCodeObject *code = hl_abi_frame_of_c(f) ? NULL : hl_abi_frame_code(f);
        if (!code)
            continue;
        uint32_t id, name = hl_name_of(w, code->co_qualname);
        if (f->owner == FRAME_OWNED_BY_GENERATOR) {
            id = hl_walk_reach(w, (PyObject *)hl_abi_frame_generator(f));
        } else if (f->frame_obj) {
            id = hl_walk_reach(w, (PyObject *)f->frame_obj);
        } else {
            bool fresh;
            id = hl_visited_mark(&w->seen, f, &fresh);
            if (id == UINT32_MAX)
                hl_walk_stop(w, HL_NO_MEMORY);
            if (fresh)
                bare_row(w, f, id);
        }
        hl_root_id(w, HL_ROOT_FRAME, id, name, index, line_of(f, code));
        hl_snap_put(&w->out, HL_COL_PROGRESS, hl_frame_progress(f, code));
    }
}

#else /* 3.9, 3.10: every frame is an object */

static PyObject *local_name(const PyCodeObject *code, Py_ssize_t i)
{
    PyObject *lists[] = {code->co_varnames, code->co_cellvars, code->co_freevars};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        Py_ssize_t n = k ? PyTuple_GET_SIZE(lists[k]) : code->co_nlocals;
        if (i < n)
            return i < PyTuple_GET_SIZE(lists[k]) ? PyTuple_GET_ITEM(lists[k], i) : NULL;
        i -= n;
    }
    return NULL;
}

void hl_shape_frame(hl_walk *w, PyObject *frame, const hl_kind *k)
{
    (void)k;
    PyFrameObject *f = (PyFrameObject *)frame;
    hl_walk_edge_maybe(w, (PyObject *)f->f_back, w->label.f_back);
    hl_walk_edge_maybe(w, (PyObject *)f->f_code, w->label.f_code);
    namespace_edge(w, f->f_builtins, w->label.f_builtins);
    namespace_edge(w, f->f_globals, w->label.f_globals);
    namespace_edge(w, f->f_locals, w->label.f_locals);
    hl_walk_edge_maybe(w, f->f_trace, w->label.f_trace);
    if (!f->f_code || !f->f_valuestack)
        return;
    Py_ssize_t locals = f->f_valuestack - f->f_localsplus;
    for (Py_ssize_t i = 0; i < locals; i++)
        if (f->f_localsplus[i])
            hl_walk_edge(w, f->f_localsplus[i], local_label(w, local_name(f->f_code, i)));
#if HL_PY_AT_LEAST(10)
    Py_ssize_t depth = f->f_stackdepth;
#else
    Py_ssize_t depth = f->f_stacktop ? f->f_stacktop - f->f_valuestack : 0;
#endif
    for (Py_ssize_t i = 0; i < depth && depth <= f->f_code->co_stacksize; i++)
        hl_walk_edge_maybe(w, f->f_valuestack[i], HL_LABEL(HL_LABEL_STACK, 0));
}

void hl_shape_generator(hl_walk *w, PyObject *generator, const hl_kind *k)
{
    PyGenObject *g = (PyGenObject *)generator;
    hl_walk_edge_maybe(w, (PyObject *)g->gi_frame, w->label.frame);
    hl_walk_edge_maybe(w, g->gi_code, w->label.code);
    hl_walk_edge_maybe(w, g->gi_name, w->label.name);
    hl_walk_edge_maybe(w, g->gi_qualname, w->label.qualname);
    hl_walk_edge_maybe(w, g->gi_exc_state.exc_type, w->label.exc);
    hl_walk_edge_maybe(w, g->gi_exc_state.exc_value, w->label.exc);
    hl_walk_edge_maybe(w, g->gi_exc_state.exc_traceback, w->label.exc);
    if (k->type == &PyCoro_Type)
        hl_walk_edge_maybe(w, ((PyCoroObject *)g)->cr_origin, HL_LABEL(HL_LABEL_INTERNAL, 0));
    if (k->type == &PyAsyncGen_Type)
        hl_walk_edge_maybe(w, ((PyAsyncGenObject *)g)->ag_finalizer,
                           HL_LABEL(HL_LABEL_INTERNAL, 0));
}

static uint32_t line_of(PyFrameObject *f)
{
#if HL_PY_AT_LEAST(10)
    int at = f->f_lasti * (int)sizeof(_Py_CODEUNIT);
#else
    int at = f->f_lasti;
#endif
    int line = at < 0 ? f->f_code->co_firstlineno : PyCode_Addr2Line(f->f_code, at);
    return line > 0 ? (uint32_t)line : 0;
}

void hl_frames_of(hl_walk *w, PyThreadState *thread, uint32_t index)
{
    for (PyFrameObject *f = thread->frame; f; f = f->f_back) {
        uint32_t id = hl_walk_reach(w, (PyObject *)f);
        if (f->f_gen)
            id = hl_walk_reach(w, f->f_gen);
        hl_root_id(w, HL_ROOT_FRAME, id, hl_name_of(w, f->f_code->co_name), index, line_of(f));
        hl_snap_put(&w->out, HL_COL_PROGRESS, hl_frame_progress(f));
    }
}

#endif
