/* diagnose/diagnose.h: snapshots in, verdict out.
 *
 * Room   diagnose; analyser process. Takes whole snapshots of one run (or of several files given
 *        in time order), gives an hl_diagnosis in the caller's arena. One file a cause; growth.c
 *        judges growth for all of them. */
#ifndef HL_DIAGNOSE_H
#define HL_DIAGNOSE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/finding.h"
#include "model/table.h"
#include "snapshot/snapshot.h"

typedef struct hl_diagnose_options {
    uint64_t min_growth;   /* bytes; 0: max(1 MiB, 5 % of the heap) */
    uint64_t memory_limit; /* bytes; 0: what the file says */
    double tolerance;      /* of an audit: what a call may leave, in references, bytes, files */
} hl_diagnose_options;

/* runs: n opened files, oldest first (usually one). */
hl_status hl_diagnose(hl_run *const *runs, uint32_t n, const hl_diagnose_options *options,
                      hl_arena *arena, hl_diagnosis *out, hl_err *err) HL_MUST_CHECK;

/* The same in steps, while a run goes on: what has been observed when it ends need not be waited for
 * then. Whole snapshots in time order; the runs stay open until destroy. A failure of observe ends
 * it. */
typedef struct hl_diagnosing hl_diagnosing;
hl_status hl_diagnosing_create(const hl_diagnose_options *options, hl_arena *arena,
                               hl_diagnosing **out, hl_err *err) HL_MUST_CHECK;
void hl_diagnosing_destroy(hl_diagnosing *d);
hl_status hl_diagnosing_observe(hl_diagnosing *d, hl_run *run, uint32_t index,
                                hl_err *err) HL_MUST_CHECK;
/* A second heap of so many bytes may stay in memory, which spares reading it again. */
void hl_diagnosing_afford(hl_diagnosing *d, uint64_t bytes);
/* Nothing else is to be done: what will be asked of the last heap, if it is a big one and no other
 * follows, is found out now. */
hl_status hl_diagnosing_ahead(hl_diagnosing *d, hl_err *err) HL_MUST_CHECK;
/* Gives up what is in memory, until it is needed again. */
void hl_diagnosing_rest(hl_diagnosing *d);
/* run: as it is at the end. */
hl_status hl_diagnosing_judge(hl_diagnosing *d, const hl_run *run, hl_diagnosis *out,
                              hl_err *err) HL_MUST_CHECK;

/* The processes of one run, a file each, the first process first: each is diagnosed by itself, then
 * they are put together by fingerprint. One that cannot be diagnosed is left out: *n_done are in,
 * and why the first is not stands in err, with HL_OK returned. */
hl_status hl_diagnose_processes(hl_run *const *runs, uint32_t n, const hl_diagnose_options *options,
                                hl_arena *arena, hl_diagnosis *out, uint32_t *n_done,
                                hl_err *err) HL_MUST_CHECK;
/* Puts together what was found in each: all texts stay where they are. */
hl_status hl_diagnosis_merge(const hl_diagnosis *each, const hl_run *const *runs, uint32_t n,
                             hl_arena *arena, hl_diagnosis *out, hl_err *err) HL_MUST_CHECK;

/* Is there a rule here that can name this cause? */
bool hl_diagnose_finds(const char *cause);

/* What is known of libraries, those of one package together. */
const hl_known *hl_known_rows(uint32_t *n);

/* Is a finding as sure as least, an hl_confidence; 0: none is asked for. */
bool hl_diagnosis_reaches(const hl_diagnosis *d, int least);

#endif
