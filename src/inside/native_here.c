/* inside/native_here.c: has native allocations followed, and says which Python stack each comes from; or
 * has their bytes counted.
 *
 * Room   inside; target with the GIL; hl_native_host is asked inside malloc.
 * Takes  the preloaded library (native/native.h), if there is one.   Gives  start and stop.
 * Once   A block that is an object's is told with the object: a look's child takes those out of its copy
 *        of the map as the walk comes to them (hl_native_held). The Python stacks are the tracker's, so
 *        that it runs as long as this does.
 * Knows  the tracker.  Must not know  how stacks are walked. */
#include "inside/track_engine.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/native_here.h"

#include "track/lines.h"

#include <dlfcn.h>
#include <string.h>

static const hl_native *followed;
static const hl_native *counting; /* bytes only; no look tells of them */
static int64_t marked_bytes;      /* what was in use at the last mark */
static int64_t marked_unheld;     /* the same of Python's allocators, in no object that was found */
static int64_t held, unheld;      /* of theirs at the last look, in objects and in none */
static uint64_t marks_ns;         /* what they all took, as estimated */
static const hl_pages_piece *own;
size_t (*hl_native_usable)(void *);

const hl_native *hl_native_followed(void)
{
    return followed;
}

const hl_pages_piece *hl_native_own(void)
{
    return own;
}

bool hl_native_is_sampled(void)
{
    return followed && followed->samples->mean > 0;
}

enum { MORE_NATIVE = 3 << 20, MORE_UNHELD = 2 << 20, MORE_SHARE = 16, BYTES_A_NS = 2 };

bool hl_native_may_mark(uint64_t rss_bytes, uint64_t cpu_ns)
{
    enum { CPU_SHARE = 20 };
    static const uint64_t AT_LEAST_NS = 150 * 1000 * 1000;
    return hl_native_is_sampled() &&
           marks_ns + rss_bytes / BYTES_A_NS <= AT_LEAST_NS + cpu_ns / CPU_SHARE;
}

static int64_t natives_in_use(void)
{
    return __atomic_load_n(&followed->samples->bytes, __ATOMIC_RELAXED) +
           __atomic_load_n(&followed->mappings->bytes, __ATOMIC_RELAXED);
}

static bool is_much_more(int64_t bytes, int64_t than, int64_t at_least)
{
    return bytes >= than + than / MORE_SHARE + at_least;
}

bool hl_native_is_worth_a_mark(uint64_t rss_bytes, uint64_t cpu_ns)
{
    if (!hl_native_may_mark(rss_bytes, cpu_ns))
        return false;
    int64_t bytes = natives_in_use();
    if (!is_much_more(bytes, marked_bytes, MORE_NATIVE))
        return false;
    marked_bytes = bytes;
    marks_ns += rss_bytes / BYTES_A_NS;
    return true;
}

bool hl_native_unheld_is_due(uint64_t unheld_bytes)
{
    return is_much_more((int64_t)unheld_bytes, marked_unheld, MORE_UNHELD);
}

bool hl_native_is_worth_a_copy(uint64_t rss_bytes, uint64_t cpu_ns)
{
    enum { SMALL_BYTES = 64 << 20, SUSPECT_SHARE = 3 };
    if (!hl_native_may_mark(rss_bytes, cpu_ns))
        return false;
    int64_t live = __atomic_load_n(&hl_tracking.samples.bytes, __ATOMIC_RELAXED);
    /* what it gained may be in objects: then the copy was for nothing */
    bool small = rss_bytes < SMALL_BYTES;
    return is_much_more(natives_in_use(), marked_bytes, MORE_NATIVE) ||
           ((small || SUSPECT_SHARE * unheld > held) &&
            is_much_more(live - held, marked_unheld, MORE_UNHELD));
}

void hl_native_marked(const hl_shot *shot, uint64_t rss_bytes)
{
    held = (int64_t)shot->held;
    unheld = (int64_t)shot->unheld;
    if (shot->marked)
        marked_unheld = (int64_t)shot->unheld;
    if (shot->marked == HL_MARK_UNHELD)
        marks_ns += rss_bytes / BYTES_A_NS;
}

bool hl_native_block_at(uintptr_t at, hl_native_block *out)
{
    if (!hl_native_is_sampled()) {
        hl_live_block b = hl_live_look(followed->live, at);
        *out = (hl_native_block){hl_native_site(b.by), b.size};
        return b.by != 0;
    }
    if (!hl_samples_maybe(followed->samples, (const void *)at))
        return false;
    hl_sample s = hl_samples_look(followed->samples, at);
    *out = (hl_native_block){hl_native_site(s.by), s.by ? s.size - HL_NATIVE_HEAD : 0};
    return s.by != 0;
}

void hl_native_settle(void)
{
    if (followed)
        followed->refresh();
}

/* Any thread, with or without the GIL, inside malloc. */
static uint32_t python_now(void)
{
    if (hl_tracking.mode == HL_TRACK_OFF)
        return 0;
    PyThreadState *state = hl_raw_state();
    hl_thread *me = state ? hl_thread_self(state) : NULL;
    return me ? hl_stack_now(me, state) : 0;
}

/* ---- the stack that runs, in words ------------------------------------------------------------- */

typedef struct line {
    char *at, *end;
} line;

static void put(line *l, const char *text, size_t n)
{
    for (; n && l->at < l->end; n--, text++)
        *l->at++ = *text == '\n' || *text == '|' ? '?' : *text;
}

static void put_text(line *l, const char *text)
{
    put(l, text, strlen(text));
}

static void put_number(line *l, uint64_t n, unsigned base)
{
    char digits[24], *p = digits + sizeof digits;
    do
        *--p = "0123456789abcdef"[n % base];
    while ((n /= base));
    put(l, p, (size_t)(digits + sizeof digits - p));
}

static void put_bar(line *l, char bar)
{
    if (l->at < l->end)
        *l->at++ = bar;
}

static void put_native(line *l, const hl_site *s)
{
    const hl_module *m = &followed->modules->list[s->code];
    put_text(l, m->path);
    put_bar(l, ';');
    for (uint32_t i = 0; i < m->id_bytes; i++) {
        put(l, &"0123456789abcdef"[m->id[i] >> 4], 1);
        put(l, &"0123456789abcdef"[m->id[i] & 15], 1);
    }
    put_bar(l, ';');
    put_number(l, s->offset, 16);
    put_bar(l, '|');
}

/* Of Python's innermost frame. */
static void put_python(line *l, uint32_t site)
{
    hl_tracker *t = &hl_tracking;
    const hl_site *s = hl_site_of(&t->sites, site);
    if (!site || s->code >= t->codes.n)
        return;
    const hl_code *code = &t->codes.codes[s->code];
    size_t n;
    const char *file = hl_codes_text(&t->codes, code->file, &n);
    put(l, file, n);
    put_bar(l, ':');
    put_number(l,
               hl_line_at(hl_track_lines_format(), (const uint8_t *)t->codes.pool + code->table,
                          code->table_bytes, code->first_line, s->offset),
               10);
}

size_t hl_native_tell(char *buf, size_t size)
{
    line l = {buf, buf + size - 1};
    uint32_t site = followed ? followed->here() : 0;
    if (!site)
        return 0;
    put_text(&l, "frames ");
    while (site) {
        const hl_site *s = hl_site_of(followed->sites, site);
        if (s->code == HL_MODULE_PYTHON)
            put_python(&l, s->offset);
        else
            put_native(&l, s);
        site = s->parent;
    }
    *l.at++ = '\n';
    return (size_t)(l.at - buf);
}

/* ---- start and stop ---------------------------------------------------------------------------- */

/* The preloaded library; NULL: it is not there, or is of another build. */
static const hl_native *library(void)
{
    const hl_native *(*here)(void) =
        (const hl_native *(*)(void))dlsym(RTLD_DEFAULT, "hl_native_here");
    const hl_native *n = here ? here() : NULL;
    const hl_pages_piece *(*pieces)(void) =
        (const hl_pages_piece *(*)(void))dlsym(RTLD_DEFAULT, "hl_native_pieces");
    own = pieces ? pieces() : NULL;
    return n && n->version == HL_NATIVE_VERSION ? n : NULL;
}

/* mean: bytes from one sample to the next; 0: each block. */
static bool follow(double mean)
{
    const hl_native *n = library();
    hl_native_host host = {.python = python_now,
                           .eval = (uintptr_t)dlsym(RTLD_DEFAULT, "_PyEval_EvalFrameDefault"),
                           .self = (uintptr_t)python_now,
                           .arena = HL_ABI_ARENA_BYTES,
                           .counts = mean > 0,
                           .mean = mean};
    bool can = n && hl_tracking.mode != HL_TRACK_OFF;
    hl_native_usable = (size_t(*)(void *))dlsym(RTLD_DEFAULT, "malloc_usable_size");
    if (can && !followed && n->start(&host))
        followed = n;
    return followed != NULL;
}

void hl_native_unfollow(void)
{
    if (followed)
        followed->stop();
    followed = NULL;
    marked_bytes = marked_unheld = held = unheld = 0;
    marks_ns = 0;
}

bool hl_native_count(bool (*counted)(int64_t bytes))
{
    const hl_native *n = library();
    hl_native_host host = {.self = (uintptr_t)python_now, .counted = counted};
    if (n && !counting && n->start(&host))
        counting = n;
    return counting != NULL;
}

void hl_native_uncount(void)
{
    if (counting)
        counting->stop();
    counting = NULL;
}

void hl_native_sample(double mean)
{
    hl_native_unfollow();
    (void)follow(mean);
}

static PyObject *start(PyObject *module, PyObject *unused)
{
    return PyBool_FromLong(hl_tracking.mode == HL_TRACK_EXACT && follow(0));
}

static PyObject *stop(PyObject *module, PyObject *unused)
{
    hl_native_unfollow();
    Py_RETURN_NONE;
}

PyMethodDef hl_native_methods[] = {
    {"native_start", start, METH_NOARGS,
     "native_start()\n--\n\nNative allocations are followed from now on; False: that cannot be "
     "done "
     "here."},
    {"native_stop", stop, METH_NOARGS, "native_stop()\n--\n\nNo longer."},
    {NULL, NULL, 0, NULL},
};
