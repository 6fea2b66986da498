/* track/codes.h: what is told of a code object: file, function, first line, line table.
 *
 * Room   track; target, inside malloc, under the lock of the sites.
 * Method Everything is copied when a code object is first seen, so that none is kept alive, and
 *        equal ones have one record, so that what is loaded a thousand times is there once. Which
 *        record a living code object has is found by its address, until it dies. */
#ifndef HL_CODES_H
#define HL_CODES_H

#include "track/track.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct hl_code {
    uint32_t file, name; /* texts: hl_codes_text */
    uint32_t first_line, table_bytes;
    uint32_t
        begins;   /* offset of the first instruction that is its program's; before it, it begins */
    size_t table; /* where in the pool */
    uint64_t hash;
} hl_code;

typedef struct hl_code_seen { /* a living code object */
    uintptr_t at;             /* 0: free; 1: was one */
    uint32_t code, cell;      /* its record; its addresses (site_tree.h) */
} hl_code_seen;

typedef struct hl_codes {
    char *pool; /* texts (length, bytes, NUL) and line tables; it moves */
    size_t n_pool, room_pool;
    hl_code *codes; /* 0 is nobody's */
    size_t n, room;
    uint32_t *texts; /* places in the pool by hash; 0: free */
    size_t n_texts, room_texts;
    uint32_t *by_hash;
    size_t room_by_hash;
    hl_code_seen *seen;
    size_t n_seen, used_seen, room_seen;
    uint64_t lost; /* there was no memory for: their frames have no name */
} hl_codes;

typedef struct hl_code_facts { /* borrowed */
    const char *file, *name;
    size_t file_bytes, name_bytes;
    const uint8_t *table;
    size_t table_bytes;
    uint32_t first_line, begins;
} hl_code_facts;

bool hl_codes_init(hl_codes *c);
/* The living code object at this address, or NULL. The pointer holds until the next call. */
hl_code_seen *hl_codes_find(hl_codes *c, uintptr_t at);
/* It is seen for the first time. NULL: no memory. */
hl_code_seen *hl_codes_add(hl_codes *c, uintptr_t at, const hl_code_facts *facts);
/* It dies. Returns the list of its addresses, for hl_sites_gone; 0: it was not seen. */
uint32_t hl_codes_gone(hl_codes *c, uintptr_t at);
/* A text of a record, NUL-terminated; holds until the next record is made. */
const char *hl_codes_text(const hl_codes *c, uint32_t text, size_t *n);
void hl_codes_deinit(hl_codes *c);

#endif
