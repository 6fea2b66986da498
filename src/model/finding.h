/* model/finding.h: what heaplens has to say, as plain data; the waist between analysis and words.
 *
 * Room   model; no behaviour. Analyses fill it, writers print it, neither knows the other.
 * The JSON form is schema heaplens.diagnosis/1 (docs/diagnosis.md). Texts are UTF-8, may hold
 * bytes from a target (writers escape), and live in the arena of whoever filled the struct. */
#ifndef HL_FINDING_H
#define HL_FINDING_H

#include "model/known.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum hl_verdict { HL_NO_LEAK, HL_UNDECIDED, HL_LEAK } hl_verdict;
typedef enum hl_confidence { HL_POSSIBLE = 1, HL_STRONG = 2, HL_CERTAIN = 3 } hl_confidence;

typedef struct hl_chain_step {
    const char *type;
    const char *name; /* NULL, or what this object is called: module, class, function */
    const char *edge; /* NULL for the first; ".cache", "[*]" */
    bool guilty;      /* the edge that should not be, or not for so long */
} hl_chain_step;

typedef struct hl_place {
    const char *file, *function;
    const char *name; /* of the file, as people call it: "app.py", "logging/__init__.py" */
    uint32_t line;
} hl_place;

/* The program's own line that made them; of a library, where none of the program's own is above. */
typedef struct hl_site {
    const char *file, *function, *name;
    uint32_t line;
    hl_place
        inside; /* where in a library, called from there; file NULL: they were made right there */
    uint64_t objects, bytes;
    bool estimated; /* from samples */
} hl_site;

/* A call in native code; of a function that was inlined the address of the code it was put into. */
typedef struct hl_native_frame {
    const char *library, *build_id; /* path; hexadecimal, NULL: it has none */
    uint64_t address;               /* in the library's file; where the call returns to */
    const char *function, *file;    /* NULL: not known */
    uint32_t line;                  /* 0: not known */
} hl_native_frame;

/* One of the processes of a run, where several are looked at together. */
typedef struct hl_process {
    uint32_t pid, parent; /* 0: not known; the first process has no parent here */
    const char *program, *python, *file;
    hl_verdict verdict;
    bool judged; /* false: too little was seen of it to say anything */
    uint32_t snapshots;
    double seconds;
    int exit;    /* status or 256 + signal; -1 unknown */
    int running; /* 1: it had not ended; 0: it had; -1: not known */
} hl_process;

/* What leads to blocks or objects of a finding. */
typedef struct hl_held_by {
    const char *kind;    /* "library-data", "native-block", "object", "stack", "other" */
    const char *label;   /* in words */
    const char *library; /* of data: its path, of a block: of who asked for it; or NULL */
    const char *symbol;  /* of data: the variable; of a block: the function; NULL: not known */
    const char *type;    /* of an object; or NULL */
    uint64_t blocks, bytes;
} hl_held_by;

/* What of a finding is in one of them. */
typedef struct hl_share {
    uint32_t process; /* index */
    uint64_t objects, bytes, retained_bytes;
    double per_second; /* bytes; negative: unknown */
} hl_share;

typedef struct hl_finding {
    const char *cause; /* id, as in docs/causes */
    hl_confidence confidence;
    char fingerprint[13]; /* 12 hex digits of cause + folded chain: the same bug, the same digits */
    const char *title;    /* one sentence */
    struct {
        const char *name, *kind, *type;
        uint64_t address;  /* 0: none */
        uint32_t snapshot; /* where it was seen, 1 is the oldest of the last file; 0: the last */
    } holder;
    hl_chain_step *path;
    uint32_t n_path;
    struct {
        uint64_t objects, bytes; /* since the first snapshot */
        uint32_t since;          /* the snapshot from which it grew without a pause, and ... */
        uint64_t since_bytes;    /* ... bytes gained since then */
        double per_second;       /* bytes; negative: unknown */
        double per_round;        /* objects, entries; negative: no rounds */
        double bytes_per_round;
    } growth;
    struct {
        uint64_t objects, bytes;
    } retained;
    hl_site *allocated_at;
    uint32_t n_allocated_at;
    hl_native_frame *native; /* the native stack that took the memory, innermost first; or NULL */
    uint32_t n_native;
    double native_blocks; /* a round; negative: not known */
    struct {
        const char
            *state; /* "lost": nothing leads to it, "kept", "partly"; NULL: it was not asked */
        const char *type;    /* of lost objects; or NULL */
        uint64_t lost, kept; /* blocks, or objects */
        hl_held_by *by;      /* the most first; or NULL */
        uint32_t n_by;
    } reach;
    const char **evidence;
    uint32_t n_evidence;
    const char *fix;
    const char *library; /* NULL, or the installed package whose code fills the holder */
    const char
        *idle; /* NULL, or code that takes out of the holder and never ran: "remove (app.py:9)" */
    const hl_known *known; /* NULL, or what is known of the holder; fix is then its own */
    uint64_t *series;      /* items or objects in each snapshot, for the sparkline */
    uint32_t n_series;
    const char *series_unit; /* "entries", "objects", "cycles" */
    hl_share *shares; /* of several processes, the most first: growth and retained are then sums,
                         all else is as in the first of these */
    uint32_t n_shares;
} hl_finding;

/* What the process has besides objects, where it was counted between calls. */
typedef struct hl_resource_course {
    const char *name;  /* "blocks", "malloc_bytes", "fds", "threads", "mappings", "objects" */
    const char *words; /* as people say it: "file descriptors" */
    uint64_t first, last;
    double least, most; /* gained a call, in the part of the run with least, and with most */
    bool grows;         /* in every part */
    bool bytes;
    bool beside; /* it is no memory: files, threads, mappings */
} hl_resource_course;

typedef struct hl_note {
    const char *cause; /* the id it resembles */
    const char *text;
} hl_note;

typedef struct hl_diagnosis {
    struct {
        uint32_t pid;
        const char *python, *program, *file;
        uint64_t started_us; /* unix; 0 unknown */
        int exit;            /* status or 256 + signal; -1 unknown */
    } target;
    struct {
        uint32_t snapshots;
        double seconds;
        int64_t rounds; /* -1: none declared */
        uint64_t rss_first, rss_last, heap_first, heap_last, objects_first, objects_last;
        uint64_t heap_peak; /* in one of the snapshots */
        uint64_t objects_skipped, samples_dropped;
        uint32_t snapshots_torn; /* not finished, or damaged: not used */
        uint64_t bytes_damaged;  /* of the files, that could not be read */
        double growth_explained; /* 0..1; negative: nothing grew */
        uint64_t limit_bytes;    /* the process may have; 0: unknown */
        double seconds_to_limit; /* from the end, at the findings' rates; negative: unknown */
        double cost_seconds;     /* what observing cost the program: pauses; negative unknown */
    } observed;
    hl_verdict verdict;
    const char *why;  /* one sentence for no-leak and undecided, and what it would take */
    const char *view; /* undecided: the view of `show` that tells more; NULL: growth */
    hl_finding *findings;
    uint32_t n_findings;
    hl_note *notes;
    uint32_t n_notes;
    hl_resource_course *resources; /* of an audit, else none */
    uint32_t n_resources;
    hl_process *processes; /* where several are looked at together, in order of their starts */
    uint32_t n_processes;  /* else 0 */
} hl_diagnosis;

#endif
