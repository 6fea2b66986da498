/* inside/track_binding.c: the tracker, for Python code.
 *
 * Room   inside; target with the GIL.
 * Gives  track_start, track_stop, track_checkpoint, track_rows: what lives and what was made, as
 *        lists of tuples whose columns are named in python/heaplens/_track.py. What tracemalloc's names
 *        need stands in track_traces.c.
 * Knows  the tracker's tables.  Must not know  how rows are grouped. */
#include "inside/track_names.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/pulse_parts.h"
#include "inside/rounds.h"
#include "inside/track_binding.h"
#include "inside/track_traces.h"
#include "rt/rt.h"

#include <dlfcn.h>
#include <string.h>

#define T (&hl_tracking)

static PyObject *start(PyObject *module, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"exact", "mean", "horizon", "lists", "windows", NULL};
    int exact = 1, lists = 1, windows = 0;
    unsigned horizon = 0;
    hl_track_options o = {.mean = 0};
    hl_err err = {.status = HL_OK};
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$pdIpp", names, &exact, &o.mean, &horizon,
                                     &lists, &windows))
        return NULL;
    o.mode = exact ? HL_TRACK_EXACT : HL_TRACK_SAMPLED;
    o.horizon = horizon;
    o.lists = lists != 0;
    o.windows = windows != 0 && exact;
    if (!exact && !(o.mean >= 1)) {
        PyErr_SetString(PyExc_ValueError, "the mean distance of samples is one byte or more");
        return NULL;
    }
    if (hl_track_start(&o, &err))
        return hl_raise(&err);
    return PyBool_FromLong(T->users > 1);
}

static PyObject *stop(PyObject *module, PyObject *unused)
{
    hl_track_stop();
    Py_RETURN_NONE;
}

static PyObject *checkpoint(PyObject *module, PyObject *unused)
{
    return PyLong_FromUnsignedLongLong(hl_track_checkpoint(false));
}

/* ---- rows ------------------------------------------------------------------------------------
 * Everything is summed up in own pages before the first Python object is made: those are seen by the
 * tracker, too. */

/* Takes row's reference. */
static int put(PyObject *list, PyObject *row)
{
    int failed = !row || PyList_Append(list, row);
    Py_XDECREF(row);
    return failed;
}

static double scaled(uint64_t blocks)
{
    return T->mode == HL_TRACK_SAMPLED ? (double)blocks / HL_WEIGHT_ONE : (double)blocks;
}

static PyObject *living(const hl_tally *t)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < t->room; i++) {
        const hl_tally_row *r = &t->rows[i];
        if (r->by && put(list, Py_BuildValue("(IIIidKd)", hl_made_site(r->by), hl_made_age(r->by),
                                             hl_made_who(r->by), (int)hl_made_domain(r->by),
                                             scaled(r->blocks), r->bytes, r->variance)))
            Py_CLEAR(list);
    }
    return list;
}

/* A copy: Python objects come and go while it is read, and with them the peak. No rows: what lives now
 * is all that lived at the peak. */
static bool peak_init(hl_tally *peak)
{
    const hl_tally *t = hl_peak_rows(T);
    if (!t)
        return true;
    *peak = (hl_tally){.rows = hl_pages_map(t->room * sizeof *t->rows), .n = t->n, .room = t->room};
    if (peak->rows)
        memcpy(peak->rows, t->rows, t->room * sizeof *t->rows);
    return peak->rows != NULL;
}

static PyObject *peak_rows(const hl_tally *peak)
{
    if (!peak->rows)
        Py_RETURN_NONE;
    return living(peak);
}

typedef struct totals {
    struct made_row {
        uint32_t site, who;
        int domain;
        hl_made made;
        hl_within within;
    } * rows;
    size_t n, room;
    uint32_t n_sites;
} totals;

/* Calls for every total there is. */
static size_t each_total(uint32_t n_sites, struct made_row *rows, size_t room)
{
    size_t n = 0;
    for (uint32_t who = 0; who < T->totals.whos; who++)
        for (int d = HL_DOMAIN_RAW; d < HL_DOMAINS; d++)
            for (uint32_t i = 0; i < n_sites; i++) {
                const hl_made *m = hl_made_look(&T->totals, who, (enum hl_domain)d, i);
                if (!m)
                    i |= HL_TOTALS_CHUNK - 1; /* to the next chunk */
                if (!m || !m->blocks)
                    continue;
                if (n < room)
                    rows[n] = (struct made_row){
                        i, who, d, *m, *hl_within_look(&T->totals, who, (enum hl_domain)d, i)};
                n++;
            }
    return n;
}

static int totals_init(totals *t)
{
    t->n_sites = T->sites.n;
    t->room = each_total(t->n_sites, NULL, 0) + 64; /* raw blocks are made meanwhile */
    t->rows = hl_pages_map(t->room * sizeof *t->rows);
    if (!t->rows)
        return -1;
    t->n = each_total(t->n_sites, t->rows, t->room);
    t->n = t->n < t->room ? t->n : t->room;
    return 0;
}

static void totals_deinit(totals *t)
{
    hl_pages_unmap(t->rows, t->room * sizeof *t->rows);
}

static PyObject *windows(const hl_within *w)
{
    PyObject *all = PyTuple_New(T->windows ? HL_WITHIN : 0);
    for (Py_ssize_t k = 0; all && k < PyTuple_GET_SIZE(all); k++) {
        PyObject *blocks = PyLong_FromUnsignedLongLong(w->blocks[k]);
        if (!blocks)
            Py_CLEAR(all);
        else
            PyTuple_SET_ITEM(all, k, blocks);
    }
    return all;
}

static PyObject *made(const totals *t)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < t->n; i++) {
        const struct made_row *r = &t->rows[i];
        if (put(list,
                Py_BuildValue("(IiIdKdKN)", r->site, r->domain, r->who, scaled(r->made.blocks),
                              r->made.bytes, scaled(r->made.brief_blocks), r->made.brief_bytes,
                              windows(&r->within))))
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *sites(const hl_track_names *c, uint32_t n)
{
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list && i < n; i++) {
        const hl_site *s = hl_site_of(&T->sites, i);
        uint32_t line = hl_track_names_line(c, s);
        if (put(list, Py_BuildValue("(III)", s->parent, s->code, line)))
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *codes(const hl_track_names *c)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < c->n; i++)
        if (put(list,
                Py_BuildValue("(NNI)", hl_track_names_text(c, c->codes[i].file),
                              hl_track_names_text(c, c->codes[i].name), c->codes[i].first_line)))
            Py_CLEAR(list);
    return list;
}

static PyObject *threads(void)
{
    PyObject *list = PyList_New(0);
    for (const hl_thread *t = T->threads; list && t; t = t->next)
        if (put(list, Py_BuildValue("(IKLO)", t->who, t->system_id, (long long)t->tid,
                                    t->taken ? Py_True : Py_False)))
            Py_CLEAR(list);
    return list;
}

static PyObject *caveats(bool lists)
{
    PyObject *list = PyList_New(0);
    const char *said[] = {hl_track_bypassed(), lists ? hl_lists_caveat() : NULL};
    for (size_t i = 0; list && i < sizeof said / sizeof *said; i++)
        if (said[i] && put(list, PyUnicode_FromString(said[i])))
            Py_CLEAR(list);
    return list;
}

static PyObject *rows(PyObject *module, PyObject *unused)
{
    hl_tally now = {.n = 0}, peak = {.n = 0};
    totals t = {.n = 0};
    hl_track_names c = {.n = 0};
    PyObject *all = NULL;
    int64_t bytes = T->bytes + __atomic_load_n(&T->raw_bytes, __ATOMIC_RELAXED);
    hl_lock_take(&T->samples.lock); /* raw blocks go without the GIL */
    bool summed = hl_track_sum(T, &now) && peak_init(&peak);
    hl_lock_give(&T->samples.lock);
    if (T->mode == HL_TRACK_SAMPLED)
        bytes = T->samples.bytes;
    if (!summed || totals_init(&t) || !hl_track_names_init(&c))
        PyErr_NoMemory();
    else
        all = Py_BuildValue(
            "{s:s,s:N,s:N,s:N,s:N,s:N,s:L,s:L,s:N,s:N,s:K,s:I,s:K,s:K,s:K,s:K,s:N}", "mode",
            T->mode == HL_TRACK_EXACT     ? "exact"
            : T->mode == HL_TRACK_SAMPLED ? "sampled"
                                          : "off",
            "live", living(&now), "made", made(&t), "sites", sites(&c, t.n_sites), "codes",
            codes(&c), "threads", threads(), "bytes", (long long)bytes, "peak", (long long)T->peak,
            "peak_rows", peak_rows(&peak), "caveats", caveats(T->mode == HL_TRACK_EXACT),
            "checkpoints", T->checkpoints, "age_shift", T->age_shift, "lost",
            T->lost + T->live.lost + T->sites.lost + T->codes.lost + now.lost, "dropped",
            T->samples.dropped, "checked", T->checked, "mismatched", T->mismatched, "windows",
            PyBool_FromLong(T->windows));
    hl_track_names_deinit(&c);
    totals_deinit(&t);
    hl_tally_deinit(&now);
    hl_tally_deinit(&peak);
    return all;
}

/* For tests: the site and size of the block an object lies in, or None. */
static PyObject *of(PyObject *module, PyObject *o)
{
    uintptr_t at = (uintptr_t)o - hl_abi_presize(Py_TYPE(o), PyObject_IS_GC(o));
    hl_live_block b =
        T->mode == HL_TRACK_EXACT ? hl_live_look(&T->live, at) : (hl_live_block){0, 0};
    if (!b.by)
        Py_RETURN_NONE;
    return Py_BuildValue("(IK)", hl_made_site(b.by), b.size);
}

/* For tests: the line of each instruction of a code object's table. */
static PyObject *lines(PyObject *module, PyObject *args)
{
    const char *table;
    Py_ssize_t n, bytes;
    unsigned first;
    if (!PyArg_ParseTuple(args, "y#In", &table, &n, &first, &bytes))
        return NULL;
    PyObject *list = PyList_New(0);
    for (Py_ssize_t at = 0; list && at < bytes; at += (Py_ssize_t)sizeof(_Py_CODEUNIT))
        if (put(list,
                PyLong_FromUnsignedLong(hl_line_at(hl_track_lines_format(), (const uint8_t *)table,
                                                   (size_t)n, first, (uint32_t)at))))
            Py_CLEAR(list);
    return list;
}

PyMethodDef hl_track_methods[] = {
    {"track_start", (PyCFunction)(void (*)(void))start, METH_VARARGS | METH_KEYWORDS,
     "track_start(*, exact=True, mean=0.0, horizon=0, lists=True, windows=False)\n--\n\n"
     "Notes allocations from now on: each, or one in so many bytes. True: they were noted "
     "already."},
    {"track_stop", stop, METH_NOARGS,
     "track_stop()\n--\n\nNotes no more, if this ends the last session."},
    {"track_checkpoint", checkpoint, METH_NOARGS,
     "track_checkpoint()\n--\n\nWhat is made from now on is of another age; returns its number."},
    {"track_rows", rows, METH_NOARGS,
     "track_rows()\n--\n\nWhat lives and what was made, by site, as plain data."},
    {"track_of", of, METH_O,
     "track_of(object)\n--\n\nThe site that made its block, and the block's size; or None."},
    {"track_lines", lines, METH_VARARGS,
     "track_lines(table, first_line, code_bytes)\n--\n\nThe line of each instruction."},
    {"track_traces", hl_track_traces, METH_VARARGS,
     "track_traces(limit, since, own)\n--\n\nWhat lives, as traces and how many blocks have each."},
    {"track_trace_of", hl_track_trace_of, METH_VARARGS,
     "track_trace_of(object, limit, since)\n--\n\nThe frames that made its block, or None."},
    {"track_traced", hl_track_traced, METH_O,
     "track_traced(since)\n--\n\nBytes that live, made since; of all; the most there were."},
    {"track_tables", hl_track_tables, METH_NOARGS,
     "track_tables()\n--\n\nBytes of memory that the tables of the tracker have taken."},
    {"track_bypassed", hl_track_cut_off, METH_NOARGS,
     "track_bypassed()\n--\n\nA sentence, if another tool has cut the hooks off; or None."},
    {"track_forget", hl_track_forget, METH_NOARGS,
     "track_forget()\n--\n\nForgets every block. False: others track, too; nothing was done."},
    {"track_peak_anew", hl_track_peak_anew, METH_NOARGS,
     "track_peak_anew()\n--\n\nThe peak is what lives. False: others track, too; nothing was "
     "done."},
    {NULL, NULL, 0, NULL},
};

/* For the other copies, through the preload library. Of another build, they have methods and no looks
 * into our tables. */
typedef struct shared {
    PyMethodDef *methods;
    hl_tracker *tracker;
    size_t tracker_bytes;
    char version[32];
} shared;

HL_EXPORTED void *hl_inside_track(void)
{
    static shared ours = {hl_track_methods, &hl_tracking, sizeof hl_tracking, HL_VERSION};
    return &ours;
}

PyMethodDef *hl_track_methods_here(void)
{
    hl_page *(*watched)(void) = (hl_page * (*)(void)) dlsym(RTLD_DEFAULT, "hl_preload_page");
    void *(*track)(void) = (void *(*)(void))dlsym(RTLD_DEFAULT, "hl_preload_track");
    const hl_page *page = watched && track ? watched() : NULL;
    const shared *armed = page && page->version == HL_PAGE_VERSION ? track() : NULL;
    if (!armed)
        return hl_track_methods;
    if (armed->tracker_bytes == sizeof hl_tracking && !strcmp(armed->version, HL_VERSION))
        hl_tracker_read = armed->tracker;
    return armed->methods;
}
