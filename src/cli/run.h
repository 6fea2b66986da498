/* cli/run.h: the parts of `heaplens run`, for one another.
 *
 * Room   cli; verb_run.c parses, find_python.c finds, launch.c makes file and page and becomes
 *        the program, sentinel.c outlives it, run_verdict.c speaks. */
#ifndef HL_RUN_H
#define HL_RUN_H

#include "base/arena.h"
#include "base/err.h"
#include "model/finding.h"
#include "preload/page.h"
#include "report/writer.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum hl_run_start {
    HL_RUN_SCRIPT,
    HL_RUN_MODULE,
    HL_RUN_COMMAND,
    HL_RUN_STDIN
} hl_run_start;

typedef struct hl_run_options {
    const char *output; /* a file or a folder; NULL: heaplens-NAME-PID.hlens here */
    const char *python; /* NULL: as hl_python_find says */
    bool force, json, quiet;
    bool follow;                         /* the processes it starts, too */
    uint32_t interval_ms, max_snapshots; /* 0: as the pulse decides */
    uint32_t look_signal;                /* that asks for a look; 0: none */
    uint64_t at_rss, max_file;           /* bytes; 0: no look, the default */
    uint32_t at_rss_percent;             /* of the memory limit; 0: at_rss says */
    enum hl_page_track track;
    uint64_t track_bytes;  /* of samples, mean bytes from one to the next */
    const char *rounds;    /* [MODULE:]FUNCTION whose every return is one; or NULL */
    int fail_on;           /* hl_confidence; 0: never */
    uint64_t min_growth;   /* bytes; 0: the default   */
    uint64_t memory_limit; /* bytes; 0: as hl_memory_limit says */
    hl_style style;        /* of stderr               */
    hl_run_start start;
    const char *what; /* script, module or code as given; NULL for stdin */
    char **args;      /* the program's own, up to NULL */
} hl_run_options;

/* ---- find_python.c -------------------------------------------------------------------------- */

typedef struct hl_python {
    const char *path;   /* the file to execute                                  */
    const char **words; /* argv[0] as the interpreter sees it, then its flags; up to NULL */
    const char *home;   /* a program beside whose folder packages of it may lie */
    bool by_default;    /* nobody asked for this one                            */
    bool is_command;    /* path is what was to be run: a console script whose first line decides,
                           or an interpreter */
    bool is_told;       /* an interpreter that was to be run with arguments of its own */
} hl_python;

/* asked: PATH, VENV, or a command line such as "python3.12 -X dev"; NULL: the one beside our own
 * executable, else the first on PATH. Texts live in the arena. */
hl_status hl_python_find(const char *asked, hl_arena *arena, hl_python *out,
                         hl_err *err) HL_MUST_CHECK;
/* The file that SCRIPT means: itself, or for a bare word that is no file the command of that name,
 * beside the interpreter or on PATH. python becomes the command where that is to run as it is. */
hl_status hl_script_find(const char *script, hl_arena *arena, hl_python *python, const char **out,
                         hl_err *err) HL_MUST_CHECK;
/* What an interpreter with these arguments starts; what: script or module, else NULL. */
hl_run_start hl_start_of(char **args, const char **what);

typedef struct hl_package {
    const char *preload; /* libheaplens_preload.so */
    const char *native;  /* libheaplens_native.so; NULL: there is none */
    const char *folders; /* that may hold cores, a line each */
} hl_package;
hl_status hl_package_find(const hl_python *python, hl_arena *arena, hl_package *out,
                          hl_err *err) HL_MUST_CHECK;

/* ---- signal_name.c, memory_limit.c
 * ------------------------------------------------------------------------- */

/* Number of USR1, SIGUSR1, 10 ...; 0: none that can ask for a look. */
int hl_signal_number(const char *name);

/* Bytes this process may have; 0: unknown. */
uint64_t hl_memory_limit(void);
/* Bytes that could be taken beside a program that uses some and may have no more than limit (0:
 * unknown) of them. 0 where it cannot be told. */
uint64_t hl_memory_spare(uint64_t limit, uint64_t used);

/* ---- launch.c ------------------------------------------------------------------------------- */

/* Becomes the program; returns only on failure. */
hl_status hl_launch(const hl_run_options *o, hl_arena *arena, hl_err *err) HL_MUST_CHECK;

/* ---- sentinel.c ----------------------------------------------------------------------------- */

enum { HL_PRELOADED = 2 }; /* libraries: ours, and the one that follows malloc */

/* Runs until the program is gone and everything is said. page_fd and keep_fds (or -1) are read by
 * the program through /proc/OUR-PID/fd. ready_fd gets one byte when the program may start. */
_Noreturn void hl_sentinel(hl_page *page, int page_fd, const int keep_fds[HL_PRELOADED],
                           int ready_fd, const hl_run_options *o);

/* ---- thin.c --------------------------------------------------------------------------------- */

/* Leaves `most` snapshots in the file, and room for one more below most_bytes, as far as that goes
 * with three. Nobody may be writing to it. */
hl_status hl_thin(const char *file, uint32_t most, uint64_t most_bytes, uint32_t *remain,
                  hl_err *err) HL_MUST_CHECK;

/* ---- family.c ------------------------------------------------------------------------------- */

struct hl_run;
typedef struct hl_family { /* recordings of the processes that the first one started */
    struct hl_run **runs;  /* owned, each of them, too */
    uint32_t n;            /* files there are, and ... */
    uint32_t left;         /* ... of them, not judged: there was no time */
    const char *pattern;   /* arena: what their names have in common, for people */
} hl_family;

/* Looks for them, diagnoses each, and puts what was found together with d, the first's. What cannot
 * be read is said on stderr. */
void hl_family_join(hl_family *f, const hl_page *page, struct hl_run *first,
                    const hl_run_options *o, hl_arena *arena, hl_diagnosis *d);

/* ---- run_verdict.c -------------------------------------------------------------------------- */

typedef struct hl_verdict_job hl_verdict_job;
/* Lives as long as the sentinel. NULL: no memory. */
hl_verdict_job *hl_verdict_begin(const hl_run_options *o);
/* While the program runs: observes what has come since, unless that would take too much memory
 * beside it. */
void hl_verdict_watch(hl_verdict_job *job, const hl_page *page);
/* The file is another one now: that before is let go, and the new one is read at the end. */
void hl_verdict_replaced(hl_verdict_job *job);
/* No snapshot will follow: diagnoses, as far as that can be done before the program has left. */
void hl_verdict_prepare(hl_verdict_job *job, const hl_page *page, const hl_run_options *o);
/* Says it on stderr. exit: status or 256 + signal, -1 unknown. Gives the exit status for --fail-on,
 * or -1. job may be NULL. */
int hl_verdict_say(hl_verdict_job *job, const hl_page *page, const hl_run_options *o, int exit);

#endif
