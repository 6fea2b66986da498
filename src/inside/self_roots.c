/* inside/self_roots.c: what the interpreter itself holds, by name.
 *
 * Room   inside; the cloned child.
 * Takes  the interpreter state.   Gives  ROOT and STATIC columns, and the first objects to walk.
 * Knows  interpreter and thread state of 3.9 to 3.15.  Must not know  how objects are walked. */
#include "inside/layout_private.h"
#include "inside/walk.h"

#include <signal.h>

void hl_root_id(hl_walk *w, enum hl_root_kind kind, uint32_t id, uint32_t name, uint32_t thread,
                uint32_t line)
{
    hl_snap_put(&w->out, HL_COL_ROOT, kind);
    hl_snap_put(&w->out, HL_COL_ROOT, (uint64_t)id + 1);
    hl_snap_put(&w->out, HL_COL_ROOT, name);
    hl_snap_put(&w->out, HL_COL_ROOT, thread);
    hl_snap_put(&w->out, HL_COL_ROOT, line);
}

static bool leaf_or_singleton(const PyObject *o)
{
    return o == Py_None || hl_leaf_of(Py_TYPE(o)) >= 0 || Py_TYPE(o) == &PyBool_Type;
}

void hl_root(hl_walk *w, enum hl_root_kind kind, PyObject *o, uint32_t name, uint32_t thread,
             uint32_t line)
{
    if (o && !leaf_or_singleton(o))
        hl_root_id(w, kind, hl_walk_reach(w, o), name, thread, line);
}

uint32_t hl_thread_index(PyInterpreterState *interp, const PyThreadState *thread)
{
    uint32_t index = 1;
    if (thread->thread_id == _PyRuntime.main_thread)
        return 0;
    for (const PyThreadState *t = hl_abi_threads(interp); t; t = t->next)
        if (t->id < thread->id && t->thread_id != _PyRuntime.main_thread)
            index++;
    return index;
}

void hl_roots_frames(hl_walk *w)
{
    for (PyThreadState *t = hl_abi_threads(w->interp); t; t = t->next) {
        uint32_t index = hl_thread_index(w->interp, t);
        hl_thread_row(w, t, index);
        hl_frames_of(w, t, index);
    }
}

void hl_roots_modules(hl_walk *w)
{
    PyObject *modules = hl_abi_modules(w->interp);
    if (!modules || !PyDict_Check(modules))
        return;
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)modules);
    for (size_t i = 0; i < t.n; i++) {
        PyObject *module = hl_abi_table_value(&t, i);
        if (module)
            hl_root(w, HL_ROOT_MODULE, module, hl_name_of(w, hl_abi_table_key(&t, i)), 0, 0);
    }
}

static void named(hl_walk *w, enum hl_root_kind kind, PyObject *o, const char *name,
                  uint32_t thread)
{
    if (o)
        hl_root(w, kind, o, hl_name_c(w, name), thread, 0);
}

static void thread_roots(hl_walk *w, PyThreadState *t)
{
    uint32_t index = hl_thread_index(w->interp, t);
    named(w, HL_ROOT_THREAD, t->dict, "thread dict", index);
    named(w, HL_ROOT_THREAD, t->context, "context", index);
    named(w, HL_ROOT_THREAD, t->async_exc, "async exception", index);
    named(w, HL_ROOT_THREAD, t->c_profileobj, "profile function", index);
    named(w, HL_ROOT_THREAD, t->c_traceobj, "trace function", index);
    named(w, HL_ROOT_THREAD, t->async_gen_firstiter, "asyncgen hooks", index);
    named(w, HL_ROOT_THREAD, t->async_gen_finalizer, "asyncgen hooks", index);
#if HL_PY_AT_LEAST(12)
    named(w, HL_ROOT_THREAD, t->current_exception, "exception being raised", index);
#else
    named(w, HL_ROOT_THREAD, t->curexc_type, "exception being raised", index);
    named(w, HL_ROOT_THREAD, t->curexc_value, "exception being raised", index);
    named(w, HL_ROOT_THREAD, t->curexc_traceback, "exception being raised", index);
#endif
    /* the items of generators are theirs; the last one is the thread's */
    named(w, HL_ROOT_THREAD, t->exc_state.exc_value, "exception being handled", index);
#if !HL_PY_AT_LEAST(11)
    named(w, HL_ROOT_THREAD, t->exc_state.exc_type, "exception being handled", index);
    named(w, HL_ROOT_THREAD, t->exc_state.exc_traceback, "exception being handled", index);
#endif
#if HL_PY_AT_LEAST(13)
    named(w, HL_ROOT_THREAD, t->threading_local_key, "thread-local key", index);
    named(w, HL_ROOT_THREAD, t->threading_local_sentinel, "thread-local sentinel", index);
#endif
#if HL_PY_AT_LEAST(14)
    const _PyThreadStateImpl *more = (const _PyThreadStateImpl *)t;
    named(w, HL_ROOT_THREAD, more->asyncio_running_loop, "running event loop", index);
    named(w, HL_ROOT_THREAD, more->asyncio_running_task, "running task", index);
#endif
#if HL_PY_AT_LEAST(15)
    named(w, HL_ROOT_THREAD, more->lazy_imports, "lazy imports", index);
#endif
}

#if HL_PY_AT_LEAST(14)
/* A list of (function, arguments, keywords); before, a table of C. What the program gave counts,
 * not where it is kept. */
static void atexit_roots(hl_walk *w)
{
    PyObject *list = w->interp->atexit.callbacks;
    if (!list || !PyList_CheckExact(list))
        return;
    hl_walk_pass_over(w, list);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *given = PyList_GET_ITEM(list, i);
        if (!given || !PyTuple_CheckExact(given) || given->ob_refcnt != 1)
            continue;
        hl_walk_pass_over(w, given);
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(given); k++)
            named(w, HL_ROOT_INTERP, PyTuple_GET_ITEM(given, k), "atexit", 0);
    }
}
#elif HL_PY_AT_LEAST(10)
static void atexit_roots(hl_walk *w)
{
    struct atexit_state *state = &w->interp->atexit;
    for (int i = 0; state->callbacks && i < state->ncallbacks; i++) {
#if HL_PY_AT_LEAST(12)
        const atexit_py_callback *c = state->callbacks[i];
#else
        const atexit_callback *c = state->callbacks[i];
#endif
        if (!c)
            continue;
        named(w, HL_ROOT_INTERP, c->func, "atexit", 0);
        named(w, HL_ROOT_INTERP, c->args, "atexit", 0);
        named(w, HL_ROOT_INTERP, c->kwargs, "atexit", 0);
    }
}
#endif

/* ---- signal handlers ---------------------------------------------------------------------------
 */

static const struct {
    int number;
    const char *name;
} signals[] = {
#define HANDLER(s)                                                                                 \
    {                                                                                              \
        s, "signal handler of " #s                                                                 \
    }
    HANDLER(SIGHUP),  HANDLER(SIGINT),    HANDLER(SIGQUIT),  HANDLER(SIGABRT), HANDLER(SIGALRM),
    HANDLER(SIGTERM), HANDLER(SIGUSR1),   HANDLER(SIGUSR2),  HANDLER(SIGPIPE), HANDLER(SIGCHLD),
    HANDLER(SIGCONT), HANDLER(SIGTSTP),   HANDLER(SIGTTIN),  HANDLER(SIGTTOU), HANDLER(SIGIO),
    HANDLER(SIGPROF), HANDLER(SIGVTALRM), HANDLER(SIGWINCH),
#undef HANDLER
};

#if HL_PY_AT_LEAST(12)
static PyObject *handler_of(const hl_walk *w, int number)
{
    (void)w;
#if HL_PY_AT_LEAST(13)
    return (PyObject *)_PyRuntime.signals.handlers[number].func;
#else
    return (PyObject *)_PyRuntime.signals.handlers[number].func._value;
#endif
}
#else
/* Their table is out of sight before 3.12. What reads it there is C that neither runs code nor
 * allocates for a number this small; the references it gives are given back at once. */
static PyObject *handler_of(const hl_walk *w, int number)
{
    PyObject *modules = hl_abi_modules(w->interp);
    PyObject *module = modules && PyDict_Check(modules) ? hl_dict_find(modules, "_signal") : NULL;
    PyObject *dict =
        module && PyModule_Check(module) ? HL_PEEK(module, PyObject *, module, md_dict) : NULL;
    PyObject *get_handler = dict && PyDict_Check(dict) ? hl_dict_find(dict, "getsignal") : NULL;
    if (!get_handler || !PyCFunction_Check(get_handler) ||
        PyCFunction_GET_FLAGS(get_handler) != METH_O)
        return NULL;
    PyObject *argument = PyLong_FromLong(number);
    PyObject *handler = PyCFunction_GET_FUNCTION(get_handler)(module, argument);
    Py_DECREF(argument);
    Py_XDECREF(handler); /* the table has one, too */
    return handler;
}
#endif

static void signal_roots(hl_walk *w)
{
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        named(w, HL_ROOT_INTERP, handler_of(w, signals[i].number), signals[i].name, 0);
}

void hl_roots_state(hl_walk *w)
{
    PyInterpreterState *s = w->interp;
    for (PyThreadState *t = hl_abi_threads(s); t; t = t->next)
        thread_roots(w, t);
    named(w, HL_ROOT_INTERP, s->sysdict, "sys.__dict__", 0);
    named(w, HL_ROOT_INTERP, s->builtins, "builtins.__dict__", 0);
    named(w, HL_ROOT_INTERP, s->builtins_copy, "copy of builtins.__dict__", 0);
    named(w, HL_ROOT_INTERP, s->dict, "interpreter dict", 0);
    named(w, HL_ROOT_INTERP, hl_abi_modules(s), "sys.modules", 0);
    named(w, HL_ROOT_INTERP, hl_abi_importlib(s), "importlib", 0);
#if HL_PY_AT_LEAST(12)
    named(w, HL_ROOT_INTERP, s->sysdict_copy, "copy of sys.__dict__", 0);
    named(w, HL_ROOT_INTERP, s->imports.modules_by_index, "modules by index", 0);
    named(w, HL_ROOT_INTERP, s->imports.import_func, "__import__", 0);
    if (HL_INTERNED_STAY)
        named(w, HL_ROOT_INTERP, hl_abi_interned(s), "interned strings", 0);
#if HL_PY_AT_LEAST(14)
    named(w, HL_ROOT_INTERP, s->warnings.context, "warnings", 0);
#endif
#if HL_PY_AT_LEAST(15)
    named(w, HL_ROOT_INTERP, s->imports.lazy_import_func, "__lazy_import__", 0);
    named(w, HL_ROOT_INTERP, s->imports.lazy_imports_filter, "lazy imports", 0);
    named(w, HL_ROOT_INTERP, s->imports.lazy_modules, "lazy imports", 0);
    named(w, HL_ROOT_INTERP, s->imports.lazy_pending_submodules, "lazy imports", 0);
#endif
#else
    named(w, HL_ROOT_INTERP, s->modules_by_index, "modules by index", 0);
    named(w, HL_ROOT_INTERP, s->import_func, "__import__", 0);
#endif
#if HL_PY_AT_LEAST(13)
    named(w, HL_ROOT_INTERP, s->codecs.search_path, "codecs.register", 0);
    named(w, HL_ROOT_INTERP, s->codecs.search_cache, "codecs.lookup", 0);
    named(w, HL_ROOT_INTERP, s->codecs.error_registry, "codecs.register_error", 0);
#else
    named(w, HL_ROOT_INTERP, s->codec_search_path, "codecs.register", 0);
    named(w, HL_ROOT_INTERP, s->codec_search_cache, "codecs.lookup", 0);
    named(w, HL_ROOT_INTERP, s->codec_error_registry, "codecs.register_error", 0);
#endif
#ifdef HAVE_FORK
    named(w, HL_ROOT_INTERP, s->before_forkers, "os.register_at_fork", 0);
    named(w, HL_ROOT_INTERP, s->after_forkers_parent, "os.register_at_fork", 0);
    named(w, HL_ROOT_INTERP, s->after_forkers_child, "os.register_at_fork", 0);
#endif
    named(w, HL_ROOT_INTERP, s->audit_hooks, "audit hooks", 0);
    named(w, HL_ROOT_INTERP, s->warnings.filters, "warnings", 0);
    named(w, HL_ROOT_INTERP, s->warnings.once_registry, "warnings", 0);
    named(w, HL_ROOT_INTERP, s->warnings.default_action, "warnings", 0);
    named(w, HL_ROOT_INTERP, s->gc.callbacks, "gc.callbacks", 0);
    named(w, HL_ROOT_GARBAGE, s->gc.garbage, "gc.garbage", 0);
#if HL_PY_AT_LEAST(10)
    atexit_roots(w);
#endif
    signal_roots(w);
}

/* C keeps a static type for good, whatever its count says. */
void hl_root_type(hl_walk *w, uint32_t id, const PyTypeObject *static_type)
{
    hl_root_id(w, HL_ROOT_TYPE, id, hl_type_name(w, static_type), 0, 0);
    hl_snap_put_delta(&w->out, HL_COL_STATIC, id);
}
