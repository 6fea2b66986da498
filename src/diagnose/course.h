/* diagnose/course.h: memory over time: of recordings, and of what mprof wrote.
 *
 * Room   diagnose; analyser process. A second door, for `heaplens timeline`. */
#ifndef HL_COURSE_H
#define HL_COURSE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/timeline.h"
#include "snapshot/snapshot.h"

/* Microseconds of the epoch when the first of several processes of one run began; 0: they are not that,
 * and each has an axis of its own. */
uint64_t hl_timeline_zero(hl_run *const *runs, uint32_t n);
/* Every look of one recording, in seconds since zero_us, or (0) since its own program began. HL_EMPTY:
 * it has none. */
hl_status hl_timeline_of_run(hl_run *run, uint64_t zero_us, hl_arena *arena,
                             hl_timeline_process *out, hl_err *err) HL_MUST_CHECK;

/* Does a file that begins like this come from `mprof run`? */
bool hl_mprof_is(const void *bytes, size_t n);
/* A data file of memory_profiler's mprof, whole: its process first, then children in the order of their
 * pids; second 0 is the first moment it tells. *torn: the last line was cut off, and is left out.
 * HL_CORRUPT names the line. HL_EMPTY: no sample. path is for messages. */
hl_status hl_mprof_read(const char *path, const void *bytes, size_t n, hl_arena *arena,
                        hl_timeline_process **out, uint32_t *n_out, bool *torn,
                        hl_err *err) HL_MUST_CHECK;

/* The same as tables for people: curves, then looks (top of them, evenly chosen) or calls of functions.
 * *n: how many tables. */
enum { HL_TIMELINE_TABLES = 2 };
hl_status hl_timeline_tables(const hl_timeline_process *p, uint32_t top, hl_arena *arena,
                             hl_table out[HL_TIMELINE_TABLES], uint32_t *n,
                             hl_err *err) HL_MUST_CHECK;

#endif
