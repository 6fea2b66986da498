/* inside/importing.c: whether the main thread is importing.
 *
 * Room   inside; target process, the watcher with the GIL.
 * Why    Half of a short run is spent on imports. What they bring is there to stay and is no leak:
 *        a look taken meanwhile tells nothing, and its cost is missing when the work begins.
 * Method The innermost frame of importlib that runs somebody's code has called the body of a
 *        module. While the bodies change from one time to the next, modules are being loaded; once
 *        one has had the processor for STAYS_NS, the program works there (`import app`, in one
 *        line), or a library is slow to load, and is looked at like any other. While importlib gets a
 *        body's code nobody works: without .pyc files compiling is most of an import.
 *        Who imports one module after the other from the same place works by importing (plugins, a
 *        module for each job). A body is known there by its globals: its code goes, and the next one
 *        lies where it lay. */
#include "inside/inside_abi.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/importing.h"

#include "inside/vitals.h"

#include <string.h>

enum {
    FRAMES_MAX = 400,
    LOADING_FRAMES = 4,
    STAYS_NS = 40 * 1000 * 1000,
    AGAIN_MANY = 16, /* modules from one place: more than the names of one statement, mostly */
};

/* The outermost import of a thread: where it stands, and the module it is for. Identities. */
typedef struct outermost {
    const PyCodeObject *code;
    int at;
    const void *globals;
} outermost;

static bool is_importlib(const PyCodeObject *code)
{
    static const char name[] = "<frozen importlib._bootstrap";
    PyObject *file = code->co_filename;
    return file && PyUnicode_Check(file) && PyUnicode_IS_COMPACT_ASCII(file) &&
           PyUnicode_GET_LENGTH(file) >= (Py_ssize_t)sizeof name - 1 &&
           !memcmp(PyUnicode_1BYTE_DATA(file), name, sizeof name - 1);
}

/* SourceLoader.get_code, which reads or compiles; below it only importlib's own. */
static bool gets_code(const PyCodeObject *code)
{
    static const char name[] = "get_code";
    return PyUnicode_IS_COMPACT_ASCII(code->co_name) &&
           PyUnicode_GET_LENGTH(code->co_name) == (Py_ssize_t)sizeof name - 1 &&
           !memcmp(PyUnicode_1BYTE_DATA(code->co_name), name, sizeof name - 1);
}

static PyThreadState *main_thread(void)
{
    PyInterpreterState *interp = PyInterpreterState_Main();
    for (PyThreadState *t = PyInterpreterState_ThreadHead(interp); t; t = PyThreadState_Next(t))
        if (t->thread_id == _PyRuntime.main_thread)
            return t;
    return NULL;
}

/* The code that importlib has called last, or importlib's own; NULL: the thread imports nothing.
 * One of many frames is not looked through to the end. gets: importlib gets the code of a body. */
static const PyCodeObject *imported_by(PyThreadState *thread, bool *gets)
{
    const PyCodeObject *last = NULL, *own = NULL;
    *gets = false;
#if HL_PY_AT_LEAST(11)
    _PyInterpreterFrame *f = hl_abi_current_frame(thread);
    for (unsigned n = 0; f && n < FRAMES_MAX; f = f->previous, n++) {
        const PyCodeObject *code = hl_abi_frame_of_c(f) ? NULL : hl_abi_frame_code(f);
#else
    PyFrameObject *f = thread->frame;
    for (unsigned n = 0; f && n < FRAMES_MAX; f = f->f_back, n++) {
        const PyCodeObject *code = f->f_code;
#endif
        bool ours = code && is_importlib(code);
        if (ours && last)
            return last;
        if (own && (!ours || n >= LOADING_FRAMES))
            return own;
        if (ours) {
            own = own ? own : code;
            *gets = gets_code(code);
            if (*gets)
                return own;
        } else if (code) {
            last = code;
        }
    }
    return own;
}

/* Frames from the innermost on: the last that importlib was called from. */
static outermost outermost_of(PyThreadState *thread)
{
    outermost out = {.code = NULL};
    const void *body = NULL;
    bool within = false;
#if HL_PY_AT_LEAST(11)
    _PyInterpreterFrame *f = hl_abi_current_frame(thread);
    for (unsigned n = 0; f && n < FRAMES_MAX; f = f->previous, n++) {
        const PyCodeObject *code = hl_abi_frame_of_c(f) ? NULL : hl_abi_frame_code(f);
        int at = code ? _PyInterpreterFrame_LASTI(f) : 0;
#else
    PyFrameObject *f = thread->frame;
    for (unsigned n = 0; f && n < FRAMES_MAX; f = f->f_back, n++) {
        const PyCodeObject *code = f->f_code;
        int at = f->f_lasti;
#endif
        if (!code)
            continue;
        bool ours = is_importlib(code);
        if (!ours && within)
            out = (outermost){.code = code, .at = at, .globals = body};
        if (!ours)
            body = f->f_globals;
        within = ours;
    }
    return out;
}

/* Is one module after the other imported from the same place, or from a few in turn? Small ones are
 * mostly met before or after their body, while files are read: then the table of modules has grown,
 * and none of them is being run. */
static bool imports_again(PyThreadState *thread)
{
    static outermost last;
    static Py_ssize_t had;
    static unsigned changes;
    outermost now = outermost_of(thread);
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed; asks nobody */
    Py_ssize_t has = modules && PyDict_Check(modules) ? PyDict_GET_SIZE(modules) : had;
    bool other =
        now.globals || last.globals ? now.globals && now.globals != last.globals : has != had;
    if (now.code && (now.code != last.code || now.at > last.at))
        changes = 0;
    else if (now.code && (now.at < last.at || other))
        changes++;
    last = now.code ? now : last;
    had = has;
    return changes >= AGAIN_MANY;
}

enum hl_importing hl_importing(void)
{
    static const PyCodeObject *body; /* an identity: the code may be gone */
    static uint64_t since_ns;
    PyThreadState *thread = main_thread();
    bool gets = false;
    const PyCodeObject *now_in = thread ? imported_by(thread, &gets) : NULL;
    uint64_t now_ns = hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    if (now_in != body) {
        body = now_in;
        since_ns = now_ns;
    }
    if (gets)
        body = NULL;
    if (now_in && imports_again(thread))
        return HL_WORKS_IN_IMPORT;
    return gets                           ? HL_IMPORTING
           : !now_in                      ? HL_NO_IMPORT
           : now_ns - since_ns < STAYS_NS ? HL_IMPORTING
                                          : HL_WORKS_IN_IMPORT;
}
