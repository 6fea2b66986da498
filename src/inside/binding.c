/* inside/binding.c: heaplens._inside, what Python code may ask of this room.
 *
 * Room   inside; target with the GIL.
 * Gives  snapshot(path, *, reason="api", append=False, program=None) -> dict of figures; mark(), a
 *        unit of work is done (rounds.c); watch_... (watch.c).
 * Knows  the container, the child.  Must not know  the walk. */
#include "inside/inside_abi.h" /* first: Python.h sets _GNU_SOURCE */

#include "container/container.h"
#include "inside/by_line.h"
#include "inside/fail_alloc.h"
#include "inside/gc_view.h"
#include "inside/inside.h"
#include "inside/native_here.h"
#include "inside/rounds.h"
#include "inside/track_binding.h"
#include "inside/vitals.h"
#include "snapshot/snap_write.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { CHILD_SECONDS = 600 };

PyObject *hl_raise(const hl_err *err)
{
    bool system = err->status == HL_IO || err->status == HL_NOT_FOUND ||
                  err->status == HL_PERMISSION || err->status == HL_NO_SPACE;
    PyErr_SetString(system                        ? PyExc_OSError
                    : err->status == HL_USAGE     ? PyExc_FileExistsError
                    : err->status == HL_NO_MEMORY ? PyExc_MemoryError
                                                  : PyExc_RuntimeError,
                    err->text);
    return NULL;
}

/* The file's own record: who ran, since when. */
hl_status hl_file_begin(const char *path, const char *program, int *fd, hl_err *err)
{
    uint64_t run_id;
    hl_fields f = {.n = 0};
    if (getrandom(&run_id, sizeof run_id, 0) != sizeof run_id)
        run_id = hl_vitals_clock_ns(CLOCK_REALTIME) / 1000 ^ (uint64_t)getpid() << 40;
    if (hl_container_create(path, false, run_id, fd, err))
        return err->status;
    hl_field_uint(&f, HL_RUN_PID, (uint64_t)getpid());
    hl_field_text(&f, HL_RUN_PYTHON, PY_VERSION);
    hl_field_text(&f, HL_RUN_TOOL, HL_VERSION);
    hl_field_uint(&f, HL_RUN_STARTED, hl_vitals_clock_ns(CLOCK_REALTIME) / 1000);
    if (program)
        hl_field_text(&f, HL_RUN_PROGRAM, program);
    if (hl_run_record(*fd, HL_KIND_RUN_META, 0, &f, err)) {
        close(*fd);
        return err->status;
    }
    return HL_OK;
}

/* Streams of one file are told apart by number; they rise with time, also over several processes.
 */
static uint32_t next_stream(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    return size > 0 && (uint64_t)size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

const char *hl_shot_doing(uint32_t step)
{
    static const char *const words[] = {"starting", "listing the roots", "walking the heap",
                                        "writing names", "ending"};
    return step < sizeof words / sizeof *words ? words[step] : "ending";
}

static PyObject *figures(const hl_shot *shot)
{
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K,s:K}", "nodes", shot->nodes, "edges",
                         shot->edges, "folded", shot->folded, "file_bytes", shot->file_bytes,
                         "child_bytes", shot->child_bytes, "walk_ns", shot->walk_ns, "pause_ns",
                         shot->pause_ns);
}

static PyObject *take(int fd, const char *reason, const char *program)
{
    hl_shot *shot = hl_shot_new();
    if (!shot)
        return PyErr_NoMemory();
    hl_shot_request request = {
        .fd = fd,
        .stream = next_stream(fd),
        .reason = reason,
        .time_us = hl_vitals_clock_ns(CLOCK_MONOTONIC) / 1000,
        .cpu_us = hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000,
        .user_us = hl_vitals_user_us(),
        .rss_bytes = hl_vitals_resident(),
        .asks = 1,
        .program = program,
        .deadline = CHILD_SECONDS,
        .thorough = 1,
    };
    PyObject *result = NULL;
    pid_t pid = hl_child_start(&request, shot);
    int status = HL_OK;
    if (pid < 0) {
        PyErr_Format(PyExc_OSError, "cannot clone the process for a snapshot: %s", strerror(-pid));
    } else {
        Py_BEGIN_ALLOW_THREADS status = hl_child_finish(pid, shot);
        Py_END_ALLOW_THREADS if (status == HL_NO_SPACE)
            PyErr_Format(PyExc_OSError, "the disk is full: the snapshot was not finished");
        else if (status)
            PyErr_Format(PyExc_RuntimeError, "the snapshot was not finished: its child %s while %s",
                         shot->done ? "failed" : "died", hl_shot_doing(shot->where));
        else result = figures(shot);
    }
    munmap(shot, sizeof *shot);
    return result;
}

static PyObject *snapshot(PyObject *module, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"path", "reason", "append", "program", NULL};
    PyObject *path;
    const char *reason = "api", *program = NULL;
    int append = 0, fd = -1;
    hl_err err = {.status = HL_OK};
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O&|$spz", names, PyUnicode_FSConverter, &path,
                                     &reason, &append, &program))
        return NULL;
    const char *text = PyBytes_AS_STRING(path);
    hl_status status =
        append ? hl_container_append(text, &fd, &err) : hl_file_begin(text, program, &fd, &err);
    Py_DECREF(path);
    if (status)
        return hl_raise(&err);
    PyObject *result = take(fd, reason, append ? program : NULL);
    close(fd);
    return result;
}

static PyObject *mark(PyObject *module, PyObject *unused)
{
    hl_rounds_done();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"mark", mark, METH_NOARGS, "mark()\n--\n\nOne unit of work is done."},
    {"snapshot", (PyCFunction)(void (*)(void))snapshot, METH_VARARGS | METH_KEYWORDS,
     "snapshot(path, *, reason='api', append=False, program=None)\n--\n\n"
     "Writes one snapshot of this process to a .hlens file; returns its figures."},
    {NULL, NULL, 0, NULL},
};

static int fill(PyObject *module)
{
    hl_rounds_find();
    return PyModule_AddFunctions(module, hl_watch_methods) ||
                   PyModule_AddFunctions(module, hl_fail_methods) ||
                   PyModule_AddFunctions(module, hl_native_methods) ||
                   PyModule_AddFunctions(module, hl_track_methods_here()) ||
                   PyModule_AddFunctions(module, hl_by_line_methods) ||
                   PyModule_AddFunctions(module, hl_gc_backrefs_methods) ||
                   PyModule_AddFunctions(module, hl_gc_census_methods)
               ? -1
               : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)fill},
    {0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "heaplens._inside",
    .m_doc = "The part of heaplens that runs in a live interpreter.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__inside(void)
{
    const char *refusal = hl_abi_refusal();
    if (refusal) {
        PyErr_SetString(PyExc_ImportError, refusal);
        return NULL;
    }
    return PyModuleDef_Init(&definition);
}
