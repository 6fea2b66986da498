/* inside/by_line.h: memory by source line, for functions that were chosen.
 *
 * Room   inside; target with the GIL, hooks inside malloc.
 * Parts  by_line_hooks.c    exact bytes each thread has made and not freed, now and at the most
 *        by_line_rows.c     which chosen functions run on a thread; the rows of their lines
 *        by_line_events.c   a line begins, a function starts and ends: from the interpreter
 *        by_line_binding.c  the door for Python code
 * Guard  The GIL, of all but a thread's own sums and the map of blocks: the raw domain may be
 *        entered without it. */
#ifndef HL_BY_LINE_H
#define HL_BY_LINE_H

#include "inside/inside_abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HL_BY_LINE_LIKELY(x)   __builtin_expect(!!(x), 1)
#define HL_BY_LINE_UNLIKELY(x) __builtin_expect(!!(x), 0)

typedef struct hl_line_row {
    int64_t net;      /* bytes made less bytes freed */
    int64_t peak;     /* the most above what lived when the line began, of all its turns */
    int64_t rss;      /* resident bytes: how many more when it ended than when it began */
    int64_t rss_most; /* resident bytes at its end, the most */
    int64_t net_most; /* what its thread had made of Python's and not freed at its end, the most */
    int64_t native;   /* of net, those of C code */
    uint64_t turns;
    uint32_t order; /* 1: the first of its function to end; 0: it never ran */
    uint32_t doubt; /* turns it has to end quickly before the clock is read at some of them only */
} hl_line_row;

typedef struct hl_line_owner hl_line_owner;

/* The rows of one function and what is defined in it, for one owner. */
typedef struct hl_line_record {
    hl_line_owner *owner; /* NULL: it is closed, and goes with the last run */
    PyCodeObject *code;   /* owned */
    hl_line_row *rows;
    uint32_t first, n, orders;
    uint32_t runs; /* on any thread */
    int64_t rss_first;
    uint64_t calls;
    struct hl_line_record *next; /* of its owner */
} hl_line_record;

/* Who wants lines. Enabled: on this thread, or on all. */
struct hl_line_owner {
    uint32_t enabled;
    bool everywhere;
    const void *thread; /* enabled where */
    hl_line_record *records;
    struct hl_line_owner *older; /* of all that were opened */
};

/* A chosen function that runs, or that waits for what it calls. */
typedef struct hl_line_run {
    const void *frame;
    const PyCodeObject *code; /* borrowed: of who runs; compared only */
    hl_line_record *record;
    uint32_t row;
    uint32_t outer;                   /* 1 + place of the run below of the same record; 0: none */
    int64_t net, rss;                 /* when its line began */
    int64_t net_counted, rss_counted; /* since then, by runs above of the same record */
    int64_t net_entry, rss_entry;
    int64_t high; /* the most of its line, before the run above it */
    int64_t native_counted, native_entry;
    int64_t native; /* as of net, but a line that changed nothing leaves it */
} hl_line_run;

typedef struct hl_line_thread {
    int64_t net, peak; /* bytes this thread made less those it freed; the most since a line began */
    int64_t native;    /* of net, what C code asked malloc and its kin for */
    uint64_t moved;    /* bytes of large blocks since resident bytes were read */
    uint64_t asked_at; /* ticks: when the clock was read */
    uint32_t unasked;  /* turns that ended without */
    uintptr_t newest;  /* the block it made last */
    uint32_t within;   /* hooks below us, or our own memory: not counted */
    uint32_t depth, room;
    hl_line_run *runs;
    bool traces;
    Py_tracefunc chain; /* another's trace function, which goes on */
    PyObject *chain_of;
} hl_line_thread;

extern __thread hl_line_thread hl_line_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* ---- by_line_hooks.c ---- */
bool hl_line_hooks_start(void);
void hl_line_hooks_stop(void);
/* The object is the interpreter's, made to tell us of a line: it is not the program's memory. */
void hl_line_not_counted(hl_line_thread *me, PyObject *o);
void *hl_line_own(size_t n); /* zeroed; of no line. NULL: no memory */
void hl_line_own_free(void *p);
uint64_t hl_line_lost(void);
bool hl_line_counts_native(void); /* the library that counts for C code is preloaded */

/* ---- by_line_rows.c ---- */
hl_line_record *hl_line_record_of(const PyCodeObject *code); /* whose rows now; NULL: nobody's */
bool hl_line_chosen(const PyCodeObject *code);               /* by somebody, enabled or not */
/* of: whose rows it shares (it is defined in it); NULL: rows of its own. -1: an exception is set. */
int hl_line_choose(hl_line_owner *owner, PyCodeObject *code, PyCodeObject *of, uint32_t first,
                   uint32_t last);
hl_line_owner *hl_line_owner_open(void);
void hl_line_owner_close(hl_line_owner *owner);
/* Whether anybody is enabled on this thread. */
bool hl_line_anybody(void);

/* starts: it begins, and does not go on. */
void hl_line_enter(hl_line_thread *me, hl_line_record *record, const void *frame,
                   const PyCodeObject *code, uint32_t line, bool starts);
void hl_line_leave(hl_line_thread *me, const void *frame, bool line_ends);
void hl_line_leave_all(hl_line_thread *me, const hl_line_owner *owner);
/* A line of the run at the top begins. */
void hl_line_turn(hl_line_thread *me, uint32_t line);
/* true: the run of this frame is at the top now. */
bool hl_line_find(hl_line_thread *me, const void *frame);

static inline bool hl_line_on_top(const hl_line_thread *me, const void *frame)
{
    return HL_BY_LINE_LIKELY(me->depth && me->runs[me->depth - 1].frame == frame);
}

/* ---- by_line_events.c ---- */
/* -1: an exception is set. */
int hl_line_events_of(PyCodeObject *code, bool on);
int hl_line_events_here(bool on);

extern PyMethodDef hl_by_line_methods[];

#endif
