/* cli/audit.h: the parts of `heaplens audit`, for one another.
 *
 * Room   cli; verb_audit.c parses and says, audit_child.c starts the process that is audited and
 *        waits for it. */
#ifndef HL_AUDIT_H
#define HL_AUDIT_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct hl_audit_options {
    const char *target;             /* MODULE, MODULE:FUNC or SCRIPT */
    const char *output;             /* NULL: the recording is not kept */
    const char *python;             /* NULL: as hl_python_find says */
    const char *args;               /* of the function, as they stand in a call; or NULL */
    const char *raises;             /* the exception each call is to raise; or NULL */
    uint32_t rounds, calls, warmup; /* calls 0: as many as there is time for */
    double timeout;                 /* seconds without a word */
    double tolerance;
    int fail_on; /* hl_confidence; 0: never */
    bool fail_allocations, no_track, force, verbose;
} hl_audit_options;

/* An allocation after whose failure a call leaves blocks behind. */
typedef struct hl_audit_left {
    uint32_t at;       /* which of the call's, from 1 */
    const char *where; /* arena: where it is; NULL: not known */
} hl_audit_left;

enum { HL_AUDIT_LEFT_TOLD = 5 };

typedef struct hl_audited {
    bool done;           /* it came to its end */
    bool usage;          /* ... not, because of how it was asked */
    const char *problem; /* arena: why not, a sentence; NULL: done */
    uint32_t calls;      /* in a round; 0: it did not say */
    uint32_t failures;   /* allocations of a call that were made to fail */
    uint32_t n_left;     /* ... of which that leave something; the first of them: */
    hl_audit_left left[HL_AUDIT_LEFT_TOLD];
    bool left_threads; /* after its first call */
    bool forks;        /* during it */
    uint64_t wrote;    /* bytes to standard output */
    int ended_by;      /* the signal that ended us meanwhile; 0: none did */
} hl_audited;

/* Runs the audit in a process of its own, until it is gone, and its recording is in file. */
hl_status hl_audit_run(const hl_audit_options *o, const char *file, hl_arena *arena,
                       hl_audited *out, hl_err *err) HL_MUST_CHECK;

/* audit_frames.c: "my_function (spam.c:12), called from app.py:3", of what the process said of a stack
 * (inside/native_here.h: hl_native_tell), which is cut up. NULL: nothing can be told. */
const char *hl_audit_frames(char *said, hl_arena *arena);

#endif
