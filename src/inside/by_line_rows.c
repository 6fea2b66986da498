/* inside/by_line_rows.c: which chosen functions run on a thread, and the rows of their lines.
 *
 * Room   inside; target with the GIL.
 * Method Each thread has a stack of runs: chosen functions from their start, or from where they go on,
 *        to their end or pause. A line is given what changed from its begin to the next line's, with
 *        all that it called. A run above of the same record (recursion; what is defined in a
 *        function has its rows) gives to rows of its own, so that what it did is not given again to
 *        the line that called it: the lines of a function sum up to what it changed.
 *        Resident bytes are read again only when that costs a small part of the time since, or
 *        large blocks came or went: pages do not come without time or blocks. To read the clock is the
 *        longest part of a turn; where a line was quick many times it is read at each fourth, until
 *        something took long, which is then this line's until it is believed to be quick again.
 * Knows  the sums of by_line_hooks.c.  Must not know  where events come from. */
#include "inside/by_line.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/vitals.h"
#include "rt/rt.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum {
    RUNS_AT_FIRST = 64,
    READ_PART = 20,        /* of the time since the last: as much at most for reading */
    WAITED = 4,            /* times the usual time */
    READ_MOVED = 64 << 10, /* bytes of large blocks, after which it is read at once */
    DOUBT_AT_FIRST = 16,   /* turns */
    DOUBT_OF_SLOW = 1024,
    ASKED_EACH = 4, /* a power of two */
    BUCKETS = 256,
};

typedef struct choice { /* a code object, and whose rows its lines are, the newest owner first */
    PyCodeObject *code; /* owned */
    hl_line_record *record;
    struct choice *next;
} choice;

static choice *chosen[BUCKETS];
static hl_line_owner *owners; /* the newest first */

static struct {
    uint64_t ticks, gap, usual; /* usual: ticks that a reading takes */
    int64_t bytes;
} resident;

/* ---- resident bytes -------------------------------------------------------------------------- */

static inline uint64_t ticks(void)
{
#if defined __x86_64__
    return __builtin_ia32_rdtsc();
#elif defined __aarch64__
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#else
    return hl_vitals_clock_ns(CLOCK_MONOTONIC);
#endif
}

static __attribute__((noinline)) int64_t read_resident(hl_line_thread *me, hl_line_row *row,
                                                       uint64_t before)
{
    if (row && before - me->asked_at >= resident.gap)
        row->doubt = DOUBT_OF_SLOW;
    int saved = errno;
    resident.bytes = (int64_t)hl_vitals_resident();
    errno = saved;
    me->asked_at = resident.ticks = ticks();
    /* one during which the thread had to wait for a processor says nothing of what the next will cost */
    uint64_t spent = resident.ticks - before;
    bool waited = resident.usual && spent > WAITED * resident.usual;
    resident.usual = waited ? resident.usual + resident.usual / WAITED : spent;
    resident.gap = resident.usual * READ_PART;
    me->moved = 0;
    return resident.bytes;
}

static inline int64_t resident_now(hl_line_thread *me, hl_line_row *row)
{
    uint64_t t = ticks();
    if (HL_BY_LINE_LIKELY(t - resident.ticks < resident.gap && me->moved < READ_MOVED)) {
        me->asked_at = t;
        if (row && row->doubt)
            row->doubt--;
        return resident.bytes;
    }
    return read_resident(me, row, t);
}

static inline int64_t resident_after(hl_line_thread *me, hl_line_row *row)
{
    if (HL_BY_LINE_LIKELY(!row->doubt && ++me->unasked % ASKED_EACH && me->moved < READ_MOVED))
        return resident.bytes;
    return resident_now(me, row);
}

/* ---- who is chosen --------------------------------------------------------------------------- */

static inline choice **bucket(const PyCodeObject *code)
{
    return &chosen[((uintptr_t)code >> 4 ^ (uintptr_t)code >> 12) % BUCKETS];
}

bool hl_line_chosen(const PyCodeObject *code)
{
    for (const choice *c = *bucket(code); c; c = c->next)
        if (c->code == code)
            return true;
    return false;
}

static bool is_enabled(const hl_line_owner *o)
{
    return o && o->enabled && (o->everywhere || o->thread == &hl_line_self);
}

bool hl_line_anybody(void)
{
    for (const hl_line_owner *o = owners; o; o = o->older)
        if (is_enabled(o))
            return true;
    return false;
}

static hl_line_record *first_of(const PyCodeObject *code, const hl_line_owner *not_of)
{
    for (const choice *c = *bucket(code); c; c = c->next)
        if (c->code == code && c->record->owner != not_of && is_enabled(c->record->owner))
            return c->record;
    return NULL;
}

hl_line_record *hl_line_record_of(const PyCodeObject *code)
{
    return first_of(code, NULL);
}

static hl_line_record *record_in(const hl_line_owner *owner, const PyCodeObject *code)
{
    for (const choice *c = *bucket(code); c; c = c->next)
        if (c->code == code && c->record->owner == owner)
            return c->record;
    return NULL;
}

static hl_line_record *record_new(hl_line_owner *owner, PyCodeObject *code, uint32_t first,
                                  uint32_t last)
{
    hl_line_record *r = hl_line_own(sizeof *r);
    hl_line_row *rows = hl_line_own((last - first + 1) * sizeof *rows);
    if (!r || !rows) {
        hl_line_own_free(r);
        hl_line_own_free(rows);
        return NULL;
    }
    *r = (hl_line_record){.owner = owner,
                          .code = code,
                          .rows = rows,
                          .first = first,
                          .n = last - first + 1,
                          .next = NULL};
    for (uint32_t i = 0; i < r->n; i++)
        rows[i].doubt = DOUBT_AT_FIRST;
    Py_INCREF(code);
    hl_line_record **end = &owner->records;
    while (*end)
        end = &(*end)->next;
    *end = r;
    return r;
}

static void record_free(hl_line_record *r)
{
    Py_DECREF(r->code);
    hl_line_own_free(r->rows);
    hl_line_own_free(r);
}

int hl_line_choose(hl_line_owner *owner, PyCodeObject *code, PyCodeObject *of, uint32_t first,
                   uint32_t last)
{
    if (record_in(owner, code))
        return 0;
    hl_line_record *record = of ? record_in(owner, of) : record_new(owner, code, first, last);
    choice *c = record ? hl_line_own(sizeof *c) : NULL;
    if (!c) { /* the record, if there is one, goes with its owner */
        PyErr_NoMemory();
        return -1;
    }
    bool is_new = !hl_line_chosen(code);
    *c = (choice){.code = code, .record = record, .next = *bucket(code)};
    Py_INCREF(code);
    *bucket(code) = c;
    return is_new ? hl_line_events_of(code, true) : 0;
}

hl_line_owner *hl_line_owner_open(void)
{
    hl_line_owner *o = hl_line_own(sizeof *o);
    if (!o) {
        PyErr_NoMemory();
        return NULL;
    }
    o->older = owners;
    owners = o;
    return o;
}

/* What it saw was seen by who was enabled before it, too. */
static void give_to(hl_line_record *to, const hl_line_record *from)
{
    if (to->first != from->first || to->n != from->n)
        return;
    to->calls += from->calls;
    to->rss_first = to->rss_first ? to->rss_first : from->rss_first;
    for (uint32_t order = 1, i; order <= from->orders; order++) {
        for (i = 0; i < from->n && from->rows[i].order != order; i++)
            ;
        if (i == from->n)
            continue;
        hl_line_row *t = &to->rows[i];
        const hl_line_row *f = &from->rows[i];
        t->net += f->net;
        t->native += f->native;
        t->rss += f->rss;
        t->peak = f->peak > t->peak ? f->peak : t->peak;
        t->rss_most = f->rss_most > t->rss_most ? f->rss_most : t->rss_most;
        t->net_most = f->net_most > t->net_most ? f->net_most : t->net_most;
        t->turns += f->turns;
        if (!t->order)
            t->order = ++to->orders;
    }
}

static void forget_choices(const hl_line_owner *owner)
{
    for (int b = 0; b < BUCKETS; b++)
        for (choice **at = &chosen[b]; *at;) {
            choice *c = *at;
            if (c->record->owner != owner) {
                at = &c->next;
                continue;
            }
            *at = c->next;
            if (!hl_line_chosen(c->code) && hl_line_events_of(c->code, false))
                PyErr_Clear();
            Py_DECREF(c->code);
            hl_line_own_free(c);
        }
}

void hl_line_owner_close(hl_line_owner *owner)
{
    hl_line_leave_all(&hl_line_self, owner);
    for (hl_line_record *r = owner->records; r; r = r->next) {
        hl_line_record *to = first_of(r->code, owner);
        if (to)
            give_to(to, r);
    }
    forget_choices(owner);
    for (hl_line_record *r = owner->records, *next; r; r = next) {
        next = r->next;
        r->owner = NULL;
        if (!r->runs)
            record_free(r);
    }
    for (hl_line_owner **at = &owners; *at; at = &(*at)->older)
        if (*at == owner) {
            *at = owner->older;
            break;
        }
    hl_line_own_free(owner);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static pthread_key_t at_thread_end;
static pthread_once_t key_made = PTHREAD_ONCE_INIT;
static bool have_key;

static void thread_ends(void *runs)
{
    hl_line_thread *me = &hl_line_self;
    if (me->runs == runs)
        hl_pages_unmap(me->runs, me->room * sizeof *me->runs);
    me->runs = NULL;
    me->depth = me->room = 0;
}

static void make_key(void)
{
    have_key = pthread_key_create(&at_thread_end, thread_ends) == 0;
}

static bool grow(hl_line_thread *me)
{
    uint32_t room = me->room ? 2 * me->room : RUNS_AT_FIRST;
    hl_line_run *runs = hl_pages_map(room * sizeof *runs);
    if (!runs)
        return false;
    if (me->depth)
        memcpy(runs, me->runs, me->depth * sizeof *runs);
    hl_pages_unmap(me->runs, me->room * sizeof *me->runs);
    me->runs = runs;
    me->room = room;
    (void)pthread_once(&key_made, make_key);
    if (have_key) {
        me->within++; /* it may have memory from malloc, which is not Python's, but asks nobody */
        (void)pthread_setspecific(at_thread_end, runs);
        me->within--;
    }
    return true;
}

static inline uint32_t row_of(const hl_line_record *r, uint32_t line)
{
    return line >= r->first && line - r->first < r->n ? line - r->first : 0;
}

static inline void begin(hl_line_thread *me, hl_line_run *run, uint32_t row, int64_t rss)
{
    run->row = row;
    run->net = run->high = me->peak = me->net;
    run->rss = rss;
    run->net_counted = run->rss_counted = 0;
}

static inline void end(hl_line_thread *me, hl_line_run *run, int64_t rss, bool turn)
{
    hl_line_record *r = run->record;
    hl_line_row *row = &r->rows[run->row];
    int64_t high = me->peak > run->high ? me->peak : run->high;
    row->net += me->net - run->net - run->net_counted;
    row->rss += rss - run->rss - run->rss_counted;
    row->turns += turn;
    row->peak = high - run->net > row->peak ? high - run->net : row->peak;
    row->rss_most = rss > row->rss_most ? rss : row->rss_most;
    int64_t python = me->net - me->native;
    row->net_most = python > row->net_most ? python : row->net_most;
    int64_t native = me->native - run->native - run->native_counted;
    if (HL_BY_LINE_UNLIKELY(native | run->native_counted)) { /* most lines change nothing of it */
        row->native += native;
        run->native = me->native;
        run->native_counted = 0;
    }
    run->high = high;
    if (!row->order)
        row->order = ++r->orders;
}

static uint32_t outer_of(const hl_line_thread *me, const hl_line_record *record)
{
    for (uint32_t i = record->runs ? me->depth : 0; i; i--)
        if (me->runs[i - 1].record == record)
            return i;
    return 0;
}

static void leave_top(hl_line_thread *me, bool line_ends)
{
    hl_line_run *run = &me->runs[--me->depth];
    int64_t rss = resident_now(me, &run->record->rows[run->row]);
    end(me, run, rss, line_ends);
    if (run->outer) {
        hl_line_run *outer = &me->runs[run->outer - 1];
        outer->net_counted += me->net - run->net_entry;
        outer->native_counted += me->native - run->native_entry;
        outer->rss_counted += rss - run->rss_entry;
    }
    if (me->depth) {
        hl_line_run *below = &me->runs[me->depth - 1];
        below->high = run->high > below->high ? run->high : below->high;
    }
    me->peak = me->net;
    hl_line_record *r = run->record;
    if (!--r->runs && !r->owner)
        record_free(r);
}

void hl_line_enter(hl_line_thread *me, hl_line_record *record, const void *frame,
                   const PyCodeObject *code, uint32_t line, bool starts)
{
    /* Of who was closed on another thread no end is told; and what begins here has an address that
     * nothing else that runs has. */
    while (me->depth &&
           (me->runs[me->depth - 1].frame == frame || !me->runs[me->depth - 1].record->owner))
        leave_top(me, false);
    if (me->depth == me->room && !grow(me))
        return;
    if (me->depth) {
        hl_line_run *below = &me->runs[me->depth - 1];
        below->high = me->peak > below->high ? me->peak : below->high;
    }
    int64_t rss = resident_now(me, NULL);
    hl_line_run *run = &me->runs[me->depth];
    *run = (hl_line_run){.frame = frame,
                         .code = code,
                         .record = record,
                         .outer = outer_of(me, record),
                         .native = me->native,
                         .net_entry = me->net,
                         .native_entry = me->native,
                         .rss_entry = rss};
    begin(me, run, row_of(record, line), rss);
    me->depth++;
    record->runs++;
    record->calls += starts && code == record->code;
    if (!record->rss_first)
        record->rss_first = rss;
}

bool hl_line_find(hl_line_thread *me, const void *frame)
{
    uint32_t i = me->depth;
    while (i && me->runs[i - 1].frame != frame)
        i--;
    while (i && me->depth > i)
        leave_top(me, true);
    return i != 0;
}

void hl_line_leave(hl_line_thread *me, const void *frame, bool line_ends)
{
    if (hl_line_on_top(me, frame) || hl_line_find(me, frame))
        leave_top(me, line_ends);
}

void hl_line_leave_all(hl_line_thread *me, const hl_line_owner *owner)
{
    uint32_t i = 0;
    while (i < me->depth && me->runs[i].record->owner != owner)
        i++;
    while (me->depth > i)
        leave_top(me, true);
}

void hl_line_turn(hl_line_thread *me, uint32_t line)
{
    hl_line_run *run = &me->runs[me->depth - 1];
    int64_t rss = resident_after(me, &run->record->rows[run->row]);
    end(me, run, rss, true);
    /* what a line reached is of the lines below that wait for it, too */
    if (me->depth > 1 && run->high > me->runs[me->depth - 2].high)
        me->runs[me->depth - 2].high = run->high;
    begin(me, run, row_of(run->record, line), rss);
}
