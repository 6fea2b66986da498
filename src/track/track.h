/* track/track.h: where memory came from, as plain data; allocation tracking without Python.
 *
 * Room   track; target, inside malloc; what it makes is read there, or in its cloned child.
 * Parts  live.h    which blocks live, an 8-byte word each (shadow map)
 *        site_tree.h   stacks as a tree of (caller, instruction)
 *        totals.h  what each thread made at each site; recent.h: how soon it was gone
 *        codes.h   file, function and line table of each code object that was seen
 *        lines.h   instruction -> line, from a stored line table
 *        tally.h   what lives, summed up by who made it
 *        region.h sampler.h   one allocation in half a megabyte, and where it is kept
 * Memory comes from rt's pages only. Nothing fails upward: what has no room is counted. */
#ifndef HL_TRACK_H
#define HL_TRACK_H

#include <stdint.h>

/* Which of the interpreter's allocators a block came from. 0 marks a word that is none. */
enum hl_domain { HL_DOMAIN_RAW = 1, HL_DOMAIN_MEM, HL_DOMAIN_OBJ, HL_DOMAINS };

/* Who made a block: 40 bits.
 *
 *   39              16 15      9 8       2 1    0
 *  | site (24)        | age (7) | who (7) | dom  |
 *
 * site: the stack (site_tree.h), 0: none is known. age: number of the checkpoint it was made after.
 * who: index of the thread; 0: not known. */
enum {
    HL_SITE_BITS = 24,
    HL_AGE_BITS = 7,
    HL_WHO_BITS = 7,
    HL_DOMAIN_BITS = 2,
    HL_SITES_MAX = 1 << HL_SITE_BITS,
    HL_AGES = 1 << HL_AGE_BITS,
    HL_WHOS = 1 << HL_WHO_BITS,
};

static inline uint64_t hl_made_by(uint32_t site, uint32_t age, uint32_t who, enum hl_domain domain)
{
    return ((uint64_t)site << (HL_AGE_BITS + HL_WHO_BITS) | age << HL_WHO_BITS | who)
               << HL_DOMAIN_BITS |
           (uint64_t)domain;
}
static inline uint32_t hl_made_site(uint64_t by)
{
    return (uint32_t)(by >> (HL_AGE_BITS + HL_WHO_BITS + HL_DOMAIN_BITS));
}
static inline uint32_t hl_made_age(uint64_t by)
{
    return (uint32_t)(by >> (HL_WHO_BITS + HL_DOMAIN_BITS)) & (HL_AGES - 1);
}
static inline uint32_t hl_made_who(uint64_t by)
{
    return (uint32_t)(by >> HL_DOMAIN_BITS) & (HL_WHOS - 1);
}
static inline enum hl_domain hl_made_domain(uint64_t by)
{
    return (enum hl_domain)(by & ((1 << HL_DOMAIN_BITS) - 1));
}
/* Ages are halved when they run out. */
static inline uint64_t hl_made_aged(uint64_t by)
{
    return hl_made_by(hl_made_site(by), hl_made_age(by) / 2, hl_made_who(by), hl_made_domain(by));
}

#endif
