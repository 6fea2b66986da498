/* diagnose/keys.c: what the keys of a dict, or the entries of a set, are like, in words.
 *
 * Room   diagnose; analyser process.
 * Knows  snapshot. The walk told their kind; no key is in a recording. */
#include "diagnose/keys.h"

const char *hl_keys_text(const hl_snap *s, hl_node v, hl_arena *arena)
{
    const hl_snap_keys *k = hl_snap_keys_of(s, v);
    if (!k)
        return NULL;
    switch (k->kind) {
    case HL_KEYS_MIXED:
        return "mixed";
    case HL_KEYS_INT:
        return "ints";
    case HL_KEYS_INT_RISING:
        return "ints, rising";
    case HL_KEYS_STR:
        return "str";
    case HL_KEYS_STR_UUID:
        return "str like uuids";
    case HL_KEYS_STR_DIGITS:
        return "str of digits";
    case HL_KEYS_STR_PATH:
        return "str like paths";
    case HL_KEYS_TUPLE:
        return hl_arena_printf(arena, "tuples of %u", k->detail);
    case HL_KEYS_BYTES:
        return "bytes";
    case HL_KEYS_FLOAT:
        return "floats";
    case HL_KEYS_OBJECT:
        return k->detail < s->n_types
                   ? hl_arena_printf(arena, "%s objects", s->names[s->types[k->detail].name])
                   : "objects";
    }
    return NULL;
}
