/* inside/track_traces.c: what lives, told as tracemalloc tells it: a trace a block.
 *
 * Room   inside; target with the GIL.
 * Takes  the map of live blocks.   Gives  traces: (0, size, frames, frames there were), as
 *        python/heaplens/compat/tracemalloc.py hands them on; frames are (file, line), innermost first.
 * Method Blocks of one size from one site have the same trace, and most do: they are counted in own
 *        pages, and each different trace is made once, with the number of its blocks. Equal frames
 *        of different sites are one tuple.
 * Knows  the tracker's tables.  Must not know  sessions. */
#include "inside/track_names.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/rounds.h"
#include "inside/track_traces.h"
#include "rt/rt.h"

#include <string.h>

enum { FRAMES_MOST = UINT16_MAX }; /* as many as tracemalloc counts */

/* Sizes above are counted together: what is told is their mean. */
#define SIZE_MOST (((uint64_t)1 << (63 - HL_SITE_BITS)) - 1)

#define T (&hl_tracking)

/* ---- frames ----------------------------------------------------------------------------------
 */

typedef struct telling {
    hl_track_names names;
    uint32_t n_sites, limit;
    PyObject **files;  /* by code record; owned */
    PyObject **frames; /* by site: (file, line); owned */
    PyObject *same;    /* frames -> frames */
    PyObject *unknown; /* the frames of no stack */
} telling;

static void telling_deinit(telling *t)
{
    for (size_t i = 0; t->files && i < t->names.n; i++)
        Py_XDECREF(t->files[i]);
    for (uint32_t i = 0; t->frames && i < t->n_sites; i++)
        Py_XDECREF(t->frames[i]);
    Py_XDECREF(t->same);
    Py_XDECREF(t->unknown);
    hl_pages_unmap(t->files, t->names.n * sizeof(PyObject *));
    hl_pages_unmap(t->frames, t->n_sites * sizeof(PyObject *));
    hl_track_names_deinit(&t->names);
}

/* After the blocks were read: their sites are among those there are. Either way it has to be
 * deinitialized. */
static int telling_init(telling *t, uint32_t limit)
{
    *t = (telling){.limit = limit, .n_sites = T->sites.n};
    if (hl_track_names_init(&t->names)) {
        t->files = hl_pages_map(t->names.n * sizeof(PyObject *));
        t->frames = hl_pages_map(t->n_sites * sizeof(PyObject *));
    }
    if (!t->files || !t->frames) {
        PyErr_NoMemory();
        return -1;
    }
    t->same = PyDict_New();
    t->unknown = Py_BuildValue("((si))", "<unknown>", 0);
    return t->same && t->unknown ? 0 : -1;
}

/* Its frame has begun: tracemalloc does not tell one that makes its cells or its generator still
 * (_PyFrame_IsIncomplete), and before 3.11 there is none. */
static bool has_begun(const telling *t, const hl_site *s)
{
    return !HL_PY_AT_LEAST(11) ||
           (s->offset != HL_OFFSET_NONE && s->offset >= hl_track_names_code(&t->names, s)->begins);
}

/* The innermost site from this one on whose frame has begun; 0: none. */
static uint32_t begun(const telling *t, uint32_t site)
{
    while (site && !has_begun(t, hl_site_of(&T->sites, site)))
        site = hl_site_of(&T->sites, site)->parent;
    return site;
}

static uint32_t caller(const telling *t, uint32_t site)
{
    return begun(t, hl_site_of(&T->sites, site)->parent);
}

/* Borrowed. */
static PyObject *frame_of(telling *t, uint32_t site)
{
    PyObject **frame = &t->frames[site];
    const hl_site *s = hl_site_of(&T->sites, site);
    size_t code = s->code < t->names.n ? s->code : 0;
    if (!*frame && !t->files[code])
        t->files[code] = hl_track_names_text(&t->names, t->names.codes[code].file);
    if (!*frame && t->files[code])
        *frame = Py_BuildValue("(OI)", t->files[code], hl_track_names_line(&t->names, s));
    return *frame;
}

static uint32_t depth_of(const telling *t, uint32_t site)
{
    uint32_t n = 0;
    for (; site; site = caller(t, site))
        n += n < FRAMES_MOST;
    return n;
}

/* The innermost frames, a new reference; *depth: of all. */
static PyObject *frames_of(telling *t, uint32_t site, uint32_t *depth)
{
    site = begun(t, site);
    *depth = depth_of(t, site);
    if (!*depth) {
        *depth = 1;
        Py_INCREF(t->unknown);
        return t->unknown;
    }
    PyObject *frames = PyTuple_New((Py_ssize_t)(*depth < t->limit ? *depth : t->limit));
    for (Py_ssize_t i = 0; frames && i < PyTuple_GET_SIZE(frames); i++) {
        PyObject *frame = frame_of(t, site);
        if (!frame) {
            Py_DECREF(frames);
            return NULL;
        }
        Py_INCREF(frame);
        PyTuple_SET_ITEM(frames, i, frame);
        site = caller(t, site);
    }
    PyObject *same = frames ? PyDict_SetDefault(t->same, frames, frames) : NULL;
    Py_XINCREF(same);
    Py_XDECREF(frames);
    return same;
}

/* Whether what runs innermost is of a file below the folder. */
static bool is_below(const telling *t, uint32_t site, const char *folder, size_t n)
{
    if (!(site = begun(t, site)) || !n)
        return false;
    hl_codes pool = {.pool = t->names.pool};
    size_t bytes;
    const hl_code *code = hl_track_names_code(&t->names, hl_site_of(&T->sites, site));
    const char *file = hl_codes_text(&pool, code->file, &bytes);
    return bytes > n && !memcmp(file, folder, n);
}

/* ---- blocks ----------------------------------------------------------------------------------
 */

typedef struct grouping {
    hl_tally rows;
    uint32_t oldest; /* age */
    uint64_t bytes;
} grouping;

static uint32_t oldest_since(uint64_t checkpoint)
{
    return (uint32_t)(checkpoint >> T->age_shift);
}

static void count_block(void *context, uintptr_t at, uint64_t by, uint64_t size)
{
    grouping *g = context;
    (void)at;
    if (hl_made_age(by) >= g->oldest)
        g->bytes += size;
}

/* The size lies above the site, and one is added, for a row of 0 is free. */
static void group_block(void *context, uintptr_t at, uint64_t by, uint64_t size)
{
    grouping *g = context;
    uint64_t told = size < SIZE_MOST ? size : SIZE_MOST;
    (void)at;
    if (hl_made_age(by) >= g->oldest)
        hl_tally_add(&g->rows, (told << HL_SITE_BITS | hl_made_site(by)) + 1, 1, size);
}

static PyObject *trace_of(telling *t, const hl_tally_row *r)
{
    uint32_t depth;
    PyObject *frames = frames_of(t, (uint32_t)((r->by - 1) & (HL_SITES_MAX - 1)), &depth);
    if (!frames)
        return NULL;
    return Py_BuildValue("((iKNI)K)", 0, r->bytes / r->blocks, frames, depth, r->blocks);
}

/* (limit, since, own): the frames of a trace; the checkpoint after which blocks were made; a folder whose
 * files' blocks are left out. A list of (trace, blocks). */
PyObject *hl_track_traces(PyObject *module, PyObject *args)
{
    unsigned limit;
    unsigned long long since;
    const char *own;
    Py_ssize_t own_bytes;
    telling t;
    grouping g = {.bytes = 0};
    (void)module;
    if (!PyArg_ParseTuple(args, "IKs#", &limit, &since, &own, &own_bytes))
        return NULL;
    g.oldest = oldest_since(since);
    if (!hl_tally_init(&g.rows))
        return PyErr_NoMemory();
    if (T->mode == HL_TRACK_EXACT)
        hl_live_walk(&T->live, group_block, &g);
    PyObject *list = telling_init(&t, limit) ? NULL : PyList_New(0);
    for (size_t i = 0; list && i < g.rows.room; i++) {
        const hl_tally_row *r = &g.rows.rows[i];
        if (!r->by ||
            is_below(&t, (uint32_t)((r->by - 1) & (HL_SITES_MAX - 1)), own, (size_t)own_bytes))
            continue;
        PyObject *trace = trace_of(&t, r);
        if (!trace || PyList_Append(list, trace))
            Py_CLEAR(list);
        Py_XDECREF(trace);
    }
    telling_deinit(&t);
    hl_tally_deinit(&g.rows);
    return list;
}

/* (object, limit, since): the frames that made the object's block, or None. */
PyObject *hl_track_trace_of(PyObject *module, PyObject *args)
{
    PyObject *o, *frames = NULL;
    unsigned limit;
    unsigned long long since;
    telling t;
    (void)module;
    if (!PyArg_ParseTuple(args, "OIK", &o, &limit, &since))
        return NULL;
    uintptr_t at = (uintptr_t)o - hl_abi_presize(Py_TYPE(o), PyObject_IS_GC(o));
    hl_live_block b =
        T->mode == HL_TRACK_EXACT ? hl_live_look(&T->live, at) : (hl_live_block){0, 0};
    if (!b.by || hl_made_age(b.by) < oldest_since(since))
        Py_RETURN_NONE;
    uint32_t depth;
    if (!telling_init(&t, limit))
        frames = frames_of(&t, hl_made_site(b.by), &depth);
    telling_deinit(&t);
    return frames;
}

/* ---- sums ------------------------------------------------------------------------------------
 */

static int64_t not_below(int64_t n, int64_t least)
{
    return n > least ? n : least;
}

/* (since): bytes that live of what was made after that checkpoint, that live of all, and the most that
 * lived of all. Those of all take no time. */
PyObject *hl_track_traced(PyObject *module, PyObject *since)
{
    unsigned long long checkpoint = PyLong_AsUnsignedLongLong(since);
    (void)module;
    if (PyErr_Occurred())
        return NULL;
    int64_t all = T->bytes + __atomic_load_n(&T->raw_bytes, __ATOMIC_RELAXED);
    all = not_below(all, 0);
    long long ours = all, peak = not_below(T->peak, all);
    if (checkpoint) {
        grouping g = {.oldest = oldest_since(checkpoint)};
        hl_live_walk(&T->live, count_block, &g);
        ours = (long long)g.bytes;
    }
    return Py_BuildValue("(LLL)", ours, (long long)all, peak);
}

/* Bytes of memory that the tables of the tracker have taken. */
PyObject *hl_track_tables(PyObject *module, PyObject *unused)
{
    hl_lock_take(&T->sites.lock);
    uint64_t bytes = (T->sites.n / HL_SITE_CHUNK + 1) * HL_SITE_CHUNK * sizeof(hl_site) +
                     T->sites.room_same * sizeof(uint32_t) +
                     T->sites.room_cells * sizeof(hl_sites_cell) + T->codes.room_pool +
                     T->codes.room * sizeof(hl_code);
    if (T->sites.table)
        bytes += T->sites.table->room * sizeof(hl_sites_entry);
    hl_lock_give(&T->sites.lock);
    return PyLong_FromUnsignedLongLong(bytes + hl_live_touched(&T->live));
}

/* A sentence, if another tool has cut the hooks off; or None. */
PyObject *hl_track_cut_off(PyObject *module, PyObject *unused)
{
    const char *said = hl_track_bypassed();
    if (!said)
        Py_RETURN_NONE;
    return PyUnicode_FromString(said);
}

PyObject *hl_track_forget(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(hl_track_clear());
}

PyObject *hl_track_peak_anew(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(hl_track_reset_peak());
}
