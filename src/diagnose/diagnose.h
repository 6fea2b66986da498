/* diagnose/diagnose.h: snapshots in, verdict out.
 *
 * Room   diagnose; analyser process. Takes whole snapshots of one run (or of several files given
 *        in time order), gives an hl_diagnosis in the caller's arena. One file a cause; growth.c
 *        judges growth for all of them; rules.c holds the table of causes. */
#ifndef HL_DIAGNOSE_H
#define HL_DIAGNOSE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/cause.h"
#include "model/finding.h"
#include "model/table.h"
#include "snapshot/snapshot.h"

typedef struct hl_diagnose_options {
    uint64_t min_growth;   /* bytes; 0: max(1 MiB, 5 % of the heap) */
    uint64_t memory_limit; /* bytes; 0: what the file says */
} hl_diagnose_options;

/* runs: n opened files, oldest first (usually one). */
hl_status hl_diagnose(hl_run *const *runs, uint32_t n, const hl_diagnose_options *options,
                      hl_arena *arena, hl_diagnosis *out, hl_err *err) HL_MUST_CHECK;

/* What `heaplens explain` prints and docs/causes/ holds: one row a cause. */
const hl_cause *hl_causes(uint32_t *n);

#endif
