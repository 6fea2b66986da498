/* model/timeline.h: memory over time of some processes on one axis, as plain data.
 *
 * Room   model; no behaviour. Texts, times and values are borrowed from the arena of who filled it. */
#ifndef HL_TIMELINE_H
#define HL_TIMELINE_H

#include "model/table.h"

#include <stdbool.h>
#include <stdint.h>

/* A straight line through the part after warm-up: bytes a second, with what holds the true slope in 95
 * of 100 cases. */
typedef struct hl_slope {
    bool told;
    double per_second, low, high;
    double from_s, to_s; /* the part that was used */
    uint32_t points; /* in it; parts of equal time of which each is a mean, where there were many */
} hl_slope;

typedef struct hl_curve {
    const char *key, *name, *by; /* by: who measured it */
    const int64_t *bytes;        /* one a moment; HL_CELL_NONE: not told */
    hl_slope slope;
} hl_curve;

typedef struct hl_span { /* a call of a function */
    const char *name;
    double from_s, to_s;
    int64_t from_bytes, to_bytes;
    uint32_t level; /* how many others it ran in */
} hl_span;

typedef struct hl_timeline_process {
    const char *file, *program; /* program: "" unknown */
    uint32_t pid, parent;       /* 0: unknown */
    bool mprof;                 /* read from a data file of mprof, not from a recording */
    uint32_t n;                 /* moments */
    const double *seconds;      /* when, on the axis of all */
    const char *const *why;     /* why each was taken; NULL: sampled at an interval */
    const uint64_t *rounds;     /* units of work done by then; NULL: none declared */
    const uint64_t *objects;    /* NULL: not told */
    hl_curve *curves;
    uint32_t n_curves;
    const hl_span *spans;
    uint32_t n_spans;
    const char *note; /* NULL, or what was not seen */
} hl_timeline_process;

typedef struct hl_timeline {
    hl_timeline_process *processes;
    uint32_t n;
    bool one_clock; /* they belong to one run, and second 0 is the same for all */
} hl_timeline;

#endif
