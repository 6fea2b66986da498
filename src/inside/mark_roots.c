/* inside/mark_roots.c: what leads to blocks from outside of them, and who holds what.
 *
 * Room   inside; the cloned child; memory from rt's pages.
 * Takes  the mappings, what is loaded where, the blocks.   Gives  the mark, holders.
 * Method Roots are the words of all memory that is no block's: variables of libraries first, so that what
 *        they hold is told as theirs, the interpreter's and libc's later, stacks last. Left out are memory
 *        of our own, free memory, what malloc keeps for itself, frames of Python that have ended, and the
 *        stack below the call that cloned us.
 * Limits Memory that is shared with other processes is not read. Registers of threads other than the one
 *        that is here are not known; what a thread that waits had in them is on its stack but for few.
 * Knows  Linux, glibc's malloc, the walk.  Must not know  snapshots. */
#include "inside/track_engine.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/mark_here.h"
#include "inside/vitals.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    PAGE_PRESENT = 63, /* bits of an entry of pagemap */
    PAGE_SWAPPED = 62,
    PAGES_ASKED = 512, /* at once */
    BINS_LEAST = 32,   /* of malloc's 127 so many are empty, ever */
    BINS_BEFORE = 240, /* bytes of its state before the first of those */
    NO_MODULE = 0,     /* HL_MODULE_FIRST is above */
    WORDS_MOST = 1 << 20,
    TYPE_SANE = 1 << 20,
};
static const uint64_t REFS_SANE = UINT64_C(1) << 40;

/* ---- pages ------------------------------------------------------------------------------------- */

/* A page of which the kernel says it is swapped out may be a guard's (MADV_GUARD_INSTALL), to which nobody
 * comes. */
static bool can_be_read(uintptr_t page)
{
    char byte;
    struct iovec to = {&byte, 1}, from = {(void *)page, 1};
    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1 || errno != EFAULT;
}

/* Of which nothing is known they are there: to read one that is not costs time, and nothing else. */
static void pages_there(void *context, uintptr_t from, size_t pages, uint8_t *there)
{
    const hl_marking *k = context;
    uint64_t entry[PAGES_ASKED];
    for (size_t at = 0; at < pages;) {
        size_t n = pages - at < PAGES_ASKED ? pages - at : PAGES_ASKED;
        ssize_t got = k->pagemap < 0 ? -1
                                     : pread(k->pagemap, entry, n * sizeof *entry,
                                             (off_t)((from / PAGE + at) * sizeof *entry));
        if (got <= 0) {
            memset(there + at, 1, pages - at);
            return;
        }
        n = (size_t)got / sizeof *entry;
        for (size_t i = 0; i < n; i++)
            there[at + i] = entry[i] >> PAGE_PRESENT & 1 ||
                            (entry[i] >> PAGE_SWAPPED & 1 && can_be_read(from + (at + i) * PAGE));
        at += n;
    }
}

/* ---- libraries --------------------------------------------------------------------------------- */

static uint32_t module_of(uintptr_t at)
{
    const hl_modules *m = hl_native_followed()->modules;
    for (uint32_t i = HL_MODULE_FIRST; i < m->n; i++)
        if (m->list[i].here && at - m->list[i].from < m->list[i].end - m->list[i].from)
            return i;
    return NO_MODULE;
}

/* Where what an address belongs to ends: this library, or what lies before the next. */
static uintptr_t piece_end(uintptr_t at, uintptr_t end)
{
    const hl_modules *m = hl_native_followed()->modules;
    for (uint32_t i = HL_MODULE_FIRST; i < m->n; i++) {
        const hl_module *k = &m->list[i];
        if (!k->here)
            continue;
        if (k->from > at && k->from < end)
            end = k->from;
        if (at - k->from < k->end - k->from && k->end < end)
            end = k->end;
    }
    return end;
}

static bool is_of(uint32_t module, const void *at)
{
    const hl_module *m = &hl_native_followed()->modules->list[module];
    return (uintptr_t)at - m->from < m->end - m->from;
}

static bool is_libc(uint32_t module)
{
    const char *path = hl_native_followed()->modules->list[module].path, *slash;
    slash = strrchr(path, '/');
    return !strncmp(slash ? slash + 1 : path, "libc.so", 7) ||
           !strncmp(slash ? slash + 1 : path, "libc-", 5);
}

static bool serves(uint32_t module)
{
    return is_of(module, &_PyRuntime) || is_of(module, &hl_tracking) ||
           is_of(module, hl_native_followed()->live) || is_libc(module);
}

/* ---- what is a root ---------------------------------------------------------------------------- */

enum rank { OF_LIBRARY, OF_NOBODY, OF_INTERPRETER, OF_STACK, RANKS };

static bool is_stack(const hl_map *m)
{
    if (m->kind == HL_MAP_STACK)
        return true;
    for (PyInterpreterState *i = hl_abi_interpreters(); i; i = i->next)
        for (PyThreadState *t = hl_abi_threads(i); t; t = t->next) {
            uintptr_t at = (uintptr_t)t->thread_id;
            if (at >= m->start && at < m->end && t->thread_id != _PyRuntime.main_thread)
                return true;
        }
    return false;
}

static enum rank rank_of(const hl_map *m, uintptr_t at)
{
    uint32_t module = module_of(at);
    if (module != NO_MODULE)
        return serves(module) ? OF_INTERPRETER : OF_LIBRARY;
    return is_stack(m) ? OF_STACK : OF_NOBODY;
}

static bool is_root(const hl_map *m)
{
    return m->read && !m->kernels && m->kind != HL_MAP_SHARED &&
           (m->write || m->kind != HL_MAP_FILE);
}

static uint32_t first_block_to(const hl_marking *k, uintptr_t at)
{
    uint32_t lo = 0, hi = k->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (k->blocks[mid].at + k->blocks[mid].size <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void read_between_blocks(hl_marking *k, uintptr_t at, uintptr_t to)
{
    for (uint32_t i = first_block_to(k, at); at < to; i++) {
        bool has = i < k->n && k->blocks[i].at < to;
        uintptr_t end = has ? k->blocks[i].at : to;
        if (at < end)
            hl_mark_root(&k->mark, at, end);
        at = has ? k->blocks[i].at + k->blocks[i].size : to;
    }
}

static void read_piece(hl_marking *k, uintptr_t at, uintptr_t to)
{
    for (uint32_t i = 0; i < k->out.n && at < to; i++) {
        const hl_span *out = &k->out.list[i];
        if (out->to <= at)
            continue;
        if (out->from >= to)
            break;
        if (at < out->from)
            read_between_blocks(k, at, out->from);
        at = out->to;
    }
    if (at < to)
        read_between_blocks(k, at, to);
}

/* What it says of itself fits what is known of its type. */
static const hl_kind *kind_if(const hl_kind *k, const hl_mark_block *b, size_t offset)
{
    PyObject *o = (PyObject *)(b->at + offset);
    if (!k || Py_REFCNT(o) <= 0 || (uint64_t)Py_REFCNT(o) >= REFS_SANE)
        return NULL;
    size_t basic = (size_t)k->type->tp_basicsize;
    if (k->type == &PyUnicode_Type) /* most of them are smaller than their type says */
        basic = sizeof(PyASCIIObject);
    return basic < TYPE_SANE && (k->type->tp_itemsize || basic <= b->size - offset) ? k : NULL;
}

static const hl_kind *kind_at(const hl_walk *w, const hl_mark_block *b, size_t offset)
{
    if (b->size < offset + sizeof(PyObject))
        return NULL;
    return kind_if(hl_kind_find(w, Py_TYPE((PyObject *)(b->at + offset))), b, offset);
}

/* Also of a type of which the walk came to no object, if it came to the type. */
static const hl_kind *any_kind_at(hl_walk *w, const hl_mark_block *b, size_t offset)
{
    const hl_kind *known = kind_at(w, b, offset);
    if (known || b->size < offset + sizeof(PyObject))
        return known;
    PyTypeObject *t = Py_TYPE((PyObject *)(b->at + offset));
    if (!hl_visited_has(&w->seen, t) || !(Py_TYPE(t)->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS))
        return NULL;
    return kind_if(hl_kind_of(w, t), b, offset);
}

/* What lies behind an object in its block is what was there before. */
static void trim(const hl_walk *w, hl_mark_block *b)
{
    const hl_kind *k = b->kind != HL_BLOCK_OF_MALLOC ? kind_at(w, b, b->head) : NULL;
    const PyTypeObject *t = k ? k->type : NULL;
    if (t == &PyCode_Type) /* behind it are instructions, and what they remember */
        b->words = (uint8_t)((size_t)t->tp_basicsize / sizeof(uintptr_t));
    if (!t || t == &PyUnicode_Type || b->kind != HL_BLOCK_OF_OLD)
        return;
#if HL_PY_AT_LEAST(13)
    if (t->tp_flags & Py_TPFLAGS_INLINE_VALUES) /* they lie behind it */
        return;
#endif
    size_t size = (size_t)t->tp_basicsize, items = 0;
    if (t->tp_itemsize) {
        /* others have items without saying how many in the usual place */
        if (t != &PyTuple_Type && t != &PyBytes_Type && (!HL_PY_AT_LEAST(11) || t != &PyCode_Type))
            return;
        items = (size_t)((const PyVarObject *)(b->at + b->head))->ob_size;
        if (items > b->size)
            return;
    }
    size += b->head + items * (size_t)t->tp_itemsize;
    b->size = size < b->size ? size : b->size;
}

/* The value of an int that may be an address: ctypes gives pointers so. Its digits have 30 bits, so that no
 * word of it is one. 0: it is none. */
static uintptr_t address_in(const PyLongObject *v)
{
#if HL_PY_AT_LEAST(12)
    bool two = v->long_value.lv_tag >> 3 == 2 && !(v->long_value.lv_tag & 3);
    const digit *d = v->long_value.ob_digit;
#else
    bool two = Py_SIZE(v) == 2;
    const digit *d = v->ob_digit;
#endif
    return two ? (uintptr_t)d[1] << PyLong_SHIFT | d[0] : 0;
}

/* Who has the address of a block in an int can give it back. */
static void follow_numbers(const hl_walk *w, hl_marking *k)
{
    for (uint32_t i = 0; i < k->n; i++) {
        const hl_mark_block *b = &k->blocks[i];
        const hl_kind *kind = b->kind != HL_BLOCK_OF_MALLOC ? kind_at(w, b, b->head) : NULL;
        if (!kind || kind->type != &PyLong_Type)
            continue;
        uint32_t led_to = hl_mark_find(&k->mark, address_in((PyLongObject *)(b->at + b->head)));
        if (led_to != HL_MARK_NONE)
            hl_mark_reach(&k->mark, led_to);
    }
}

void hl_marking_run(const hl_walk *w, hl_marking *k)
{
    uint64_t begin = hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < k->n; i++)
        trim(w, &k->blocks[i]);
    for (unsigned rank = 0; rank < RANKS; rank++) {
        for (size_t i = 0; i < k->maps.n; i++) {
            const hl_map *m = &k->maps.map[i];
            for (uintptr_t at = m->start, end; is_root(m) && at < m->end; at = end) {
                end = piece_end(at, m->end);
                if (rank_of(m, at) == (enum rank)rank)
                    read_piece(k, at, end);
            }
        }
        hl_mark_go_on(&k->mark);
    }
    /* last: an id() leads to most of Python's memory, and C's own variable is to be told as itself */
    follow_numbers(w, k);
    k->ns += hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
}

/* ---- what is none ------------------------------------------------------------------------------ */

static bool leave_out_pieces(hl_marking *k, const hl_pages_piece *pieces)
{
    for (uint32_t i = 0; pieces && i < HL_PAGES_PIECES; i++)
        if (pieces[i].n &&
            !hl_span_add(&k->out, (uintptr_t)pieces[i].at, (uintptr_t)pieces[i].at + pieces[i].n))
            return false;
    return true;
}

/* An empty bin of malloc's leads twice to the place two words before it. All its bins lie in one row. */
static bool leave_out_bins(hl_marking *k)
{
    for (size_t i = 0; i < k->maps.n; i++) {
        const hl_map *m = &k->maps.map[i];
        uint32_t module = is_root(m) ? module_of(m->start) : NO_MODULE;
        uintptr_t first = 0, last = 0, n = 0;
        if (module == NO_MODULE || !is_libc(module))
            continue;
        for (uintptr_t at = m->start; at + 16 <= m->end; at += 8) {
            const uintptr_t *word = (const uintptr_t *)at;
            if (word[0] != at - 16 || word[1] != at - 16)
                continue;
            first = first ? first : at;
            last = at;
            n++;
        }
        if (n >= BINS_LEAST &&
            !hl_span_add(&k->out, first - BINS_BEFORE > m->start ? first - BINS_BEFORE : m->start,
                         last + 16))
            return false;
    }
    return true;
}

/* Frames of Python that have ended are not cleared. */
static bool leave_out_frames(hl_marking *k)
{
#if HL_PY_AT_LEAST(11)
    for (PyInterpreterState *i = hl_abi_interpreters(); i; i = i->next)
        for (PyThreadState *t = hl_abi_threads(i); t; t = t->next)
            if (t->datastack_top && hl_map_of(&k->maps, (uintptr_t)t->datastack_top) &&
                !hl_span_add(&k->out, (uintptr_t)t->datastack_top, (uintptr_t)t->datastack_limit))
                return false;
#endif
    (void)k;
    return true;
}

static bool leave_out(hl_marking *k)
{
    const hl_map *m = hl_map_of(&k->maps, k->stack);
    const hl_mappings *mappings = hl_native_followed()->mappings;
    return hl_span_add(&k->out, (uintptr_t)mappings, (uintptr_t)(mappings + 1)) &&
           leave_out_pieces(k, hl_pages_pieces()) && leave_out_pieces(k, hl_native_own()) &&
           leave_out_bins(k) && leave_out_frames(k) &&
           (!m || hl_span_add(&k->out, m->start, k->stack));
}

hl_marking *hl_marking_begin(const hl_walk *w, uintptr_t arenas_at, uintptr_t stack)
{
    uint64_t begin = hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    hl_marking *k = hl_pages_map(sizeof *k);
    if (!k || !hl_native_followed())
        return NULL;
    k->arenas_at = arenas_at;
    k->stack = stack;
    k->maps.map = hl_pages_map(HL_MAPS_MAX * sizeof *k->maps.map);
    k->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (!k->maps.map || !hl_maps_list(&k->maps) || !leave_out(k) || !hl_marking_blocks(w, k))
        return NULL;
    hl_spans_sort(&k->out);
    k->mark.pages = pages_there;
    k->mark.context = k;
    k->ns = hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
    return k;
}

/* ---- who holds --------------------------------------------------------------------------------- */

/* What a block holds that was not asked for as an object looks like one where one was before. */
static bool may_be_object(const hl_mark_block *b)
{
    enum { DEBUG_HEAD = 16, DEBUG_HEADS = 2 };
    if (b->head)
        return true;
    hl_live_block made = {0, 0};
    for (unsigned i = 0; !made.by && i <= DEBUG_HEADS; i++)
        made = hl_live_look(&hl_tracker_read->live, b->at + (uintptr_t)i * DEBUG_HEAD);
    if (made.by)
        return hl_made_domain(made.by) == HL_DOMAIN_OBJ;
    return b->kind != HL_BLOCK_OF_MALLOC || !b->group;
}

uint32_t hl_marking_type1(hl_walk *w, const hl_mark_block *b, PyObject **found)
{
    const size_t offsets[] = {b->head, 0, 16, 32};
    if (!may_be_object(b))
        return 0;
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        const hl_kind *k = any_kind_at(w, b, offsets[i]);
        if (!k)
            continue;
        if (found)
            *found = (PyObject *)(b->at + offsets[i]);
        return k->index + 1;
    }
    return 0;
}

hl_held_by hl_marking_holder(hl_walk *w, hl_marking *k, uintptr_t word)
{
    uint32_t i = hl_mark_find(&k->mark, word), module;
    if (i != HL_MARK_NONE) {
        const hl_mark_block *b = &k->blocks[i];
        uint32_t type1 = hl_marking_type1(w, b, NULL);
        if (type1 || b->kind != HL_BLOCK_OF_MALLOC)
            return (hl_held_by){.kind = HL_HOLD_OBJECT, .which = type1};
        return (hl_held_by){.kind = b->group ? HL_HOLD_BLOCK : HL_HOLD_OTHER, .which = b->group};
    }
    if ((module = module_of(word)) != NO_MODULE)
        return (hl_held_by){.kind = HL_HOLD_DATA,
                            .which = module,
                            .at = word - hl_native_followed()->modules->list[module].base};
    const hl_map *m = hl_map_of(&k->maps, word);
    return (hl_held_by){.kind = m && is_stack(m) ? HL_HOLD_STACK : HL_HOLD_OTHER};
}

static void words_between(hl_walk *w, hl_marking *k, uintptr_t at, uintptr_t to,
                          hl_marking_each *each, void *context)
{
    for (; at + sizeof(uintptr_t) <= to; at += sizeof(uintptr_t)) {
        uintptr_t word = *(const uintptr_t *)at;
        if (word - k->mark.least < k->mark.most - k->mark.least && word % 8 == 0 &&
            hl_mark_find(&k->mark, word) != HL_MARK_NONE &&
            hl_visited_has(&w->seen, (const void *)word))
            each(context, (PyObject *)word, at);
    }
}

void hl_marking_words(hl_walk *w, hl_marking *k, hl_marking_each *each, void *context)
{
    const hl_native *n = hl_native_followed();
    for (size_t i = 0; i < k->maps.n; i++) {
        const hl_map *m = &k->maps.map[i];
        for (uintptr_t at = m->start, end; is_root(m) && m->write && at < m->end; at = end) {
            end = piece_end(at, m->end);
            if (rank_of(m, at) == OF_LIBRARY)
                words_between(w, k, at, end, each, context);
        }
    }
    for (uint32_t i = 0; i < k->n; i++) {
        const hl_mark_block *b = &k->blocks[i];
        if (b->kind == HL_BLOCK_OF_MALLOC && b->group && b->size <= WORDS_MOST &&
            hl_mark_reached(&k->mark, i) && !hl_native_is_held(n, b->at))
            words_between(w, k, b->at, b->at + b->size, each, context);
    }
}
