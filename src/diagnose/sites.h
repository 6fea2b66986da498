/* diagnose/sites.h: what was allocated, added up by line, file, function, stack, type, thread, domain
 * or library.
 *
 * Room   diagnose. Takes one snapshot whose allocations were followed. */
#ifndef HL_SITES_H
#define HL_SITES_H

#include "base/arena.h"
#include "base/err.h"
#include "snapshot/snapshot.h"

typedef enum hl_site_key {
    HL_SITES_BY_LINE,
    HL_SITES_BY_FILE,
    HL_SITES_BY_FUNCTION,
    HL_SITES_BY_TRACEBACK,
    HL_SITES_BY_TYPE, /* of what is in use, and is or is in an object that was found: live only */
    HL_SITES_BY_THREAD,
    HL_SITES_BY_DOMAIN,
    HL_SITES_BY_LIBRARY,
    HL_SITES_KEYS,
} hl_site_key;

typedef struct hl_site_sum {
    uint32_t stack; /* of its stacks the one with most bytes in use; 0: none is known */
    uint32_t id; /* by type: its index; by thread: as in hl_snap_site; by domain: hl_block_domain */
    hl_amount live, all, brief, peak;
    double variance;    /* of live.bytes */
    uint32_t survived;  /* snapshots that half of the blocks in use, the older half, has survived */
    uint64_t survivors; /* blocks that have: half of them or more */
    uint64_t stack_bytes; /* in use, of `stack` */
} hl_site_sum;

typedef struct hl_site_sums {
    hl_site_key key;
    hl_site_sum *items; /* in no order */
    uint32_t n;
    uint32_t *sum_of; /* by stack: index of its sum, or UINT32_MAX; NULL: sums are not of stacks */
    uint32_t n_stacks;
} hl_site_sums;

/* "line", "file" ...: the words of --group-by, in the order above. */
extern const char *const hl_site_keys[HL_SITES_KEYS];

/* HL_EMPTY: no allocation of this snapshot was followed. */
hl_status hl_sites_add_up(const hl_snap *s, hl_site_key key, hl_arena *arena, hl_site_sums *out,
                          hl_err *err) HL_MUST_CHECK;
/* "load (lib.py:7)", "lib.py", "list", "thread 2 (worker)", "sqlite3": what a sum is of. A stack is
 * told innermost first: "load (lib.py:7) < main (app.py:9)". */
const char *hl_site_label(const hl_snap *s, hl_site_key key, const hl_site_sum *sum,
                          hl_arena *arena);
/* "load (lib.py:7)"; "the body of app.py" where it is one. */
const char *hl_frame_label(const hl_snap *s, uint32_t frame, hl_arena *arena);
/* The package a file belongs to: a distribution's by its folder, "standard library", "frozen", or
 * "program". */
const char *hl_file_library(const char *path, hl_arena *arena);

#endif
