/* diagnose/site_pool.h: what was allocated according to several snapshots, as if it were one.
 *
 * Room   diagnose, its own files only.
 * Numbers of names, frames and stacks differ between snapshots; what they stand for does not. A pool
 * gives equal ones one number, so that amounts of several processes can be added up, and those of
 * several moments compared. */
#ifndef HL_SITE_POOL_H
#define HL_SITE_POOL_H

#include "base/arena.h"
#include "base/err.h"
#include "snapshot/snapshot.h"

/* Is told what was there at the high-water mark, and what was soon freed? Samples of an early heaplens
 * do not say, nor do snapshots of another tool. */
static inline bool hl_tracking_tells_all(const hl_tracking *t)
{
    return !t->live_only && (t->peak_bytes > 0 || t->mode == HL_FOLLOWED_EXACT);
}

typedef struct hl_site_pool hl_site_pool;
hl_status hl_site_pool_create(hl_arena *arena, hl_site_pool **out, hl_err *err) HL_MUST_CHECK;

/* Knows the stacks of s from now on: *stack_of[k] is the pool's number of stack k of s, in the arena. */
hl_status hl_site_pool_know(hl_site_pool *p, const hl_snap *s, uint32_t **stack_of,
                            hl_err *err) HL_MUST_CHECK;
/* Knows them and adds up what they asked for. pid: of whom, to tell threads of one name apart; 0:
 * all are of one process. */
hl_status hl_site_pool_add(hl_site_pool *p, const hl_snap *s, uint32_t pid,
                           hl_err *err) HL_MUST_CHECK;

/* A number for a text, the same for the same; UINT32_MAX without memory. */
uint32_t hl_site_pool_name(hl_site_pool *p, const char *text);

/* All of it in the shape of a snapshot that has no nodes, and whose made are all leaves: names, types,
 * threads, frames, stacks, sites, ages, made. Its arrays are the pool's; of a thread its flags are not told. info is that of the first
 * snapshot added, with its tracking: SAMPLED if one of them was, without a peak if one does not tell. */
hl_status hl_site_pool_sum(hl_site_pool *p, hl_snap *out, hl_err *err) HL_MUST_CHECK;

#endif
