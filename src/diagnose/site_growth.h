/* diagnose/site_growth.h: which lines have more in use from one part of a run to the next.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_SITE_GROWTH_H
#define HL_SITE_GROWTH_H

#include "diagnose/site_pool.h"
#include "diagnose/sites.h"

/* What was in use moment by moment: by each stack of a pool, or, where sums are by type, thread or
 * domain, by each of those, under a name of the pool that is theirs alone. */
typedef struct hl_site_history {
    struct hl_site_moment {
        double work;     /* CPU seconds of the program up to here */
        uint64_t *bytes; /* in use, by stack of the pool */
        uint64_t *bare;  /* of those, asked for where no object is; NULL: not summed up */
        uint32_t n;      /* stacks the pool knew then */
        struct hl_site_named {
            uint32_t name;
            uint64_t bytes;
        } * named;
        uint32_t n_named;
    } * moments;
    uint32_t n;
} hl_site_history;

/* unheld: less what is in objects that were found; and what of it can be in none (bare). */
hl_status hl_site_moment_read(hl_run *run, uint32_t i, bool unheld, hl_site_pool *pool,
                              hl_arena *arena, struct hl_site_moment *out,
                              hl_err *err) HL_MUST_CHECK;
/* The moments, for sums by key, of a run in which allocations were followed and that are settled. The last is left out if
 * the program was over by then and had let go of some. pool knows their stacks afterwards. */
hl_status hl_site_history_read(hl_run *run, hl_site_key key, hl_site_pool *pool, hl_arena *arena,
                               hl_site_history *out, hl_err *err) HL_MUST_CHECK;
/* Bytes in use by sum i of sums, made of s, a value a moment; NULL without memory. */
uint64_t *hl_site_history_of(const hl_site_history *h, const hl_snap *s, const hl_site_sums *sums,
                             uint32_t i, hl_site_pool *pool, hl_arena *arena);

/* In how many windows after the warm-up it rose, if it rose in every one of them and has not slowed
 * down to less than half; else 0, also where there are fewer than four. */
uint32_t hl_site_rises(const hl_site_history *h, const uint64_t *series);

#endif
