/* diagnose/keys.h: what the keys of a dict, or the entries of a set, are like.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_KEYS_H
#define HL_KEYS_H

#include "base/arena.h"
#include "snapshot/snapshot.h"

/* "ints, rising", "str like uuids", "mixed"; NULL: nothing is known of them. Borrowed, or in
 * arena. */
const char *hl_keys_text(const hl_snap *s, hl_node v, hl_arena *arena);

#endif
