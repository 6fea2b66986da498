/* symbols/symbols.h: which function, file and line an address in an executable or library belongs to.
 *
 * Room   symbols; analyser process, never in the program.
 * Takes  the path and build id that were recorded, and where in the file.   Gives  names, as far as
 *        symbols and debug information go: in the file itself, or under its build id below
 *        /usr/lib/debug. Nothing is fetched from a network.
 * The file is a stranger's, and may be another one by now: a build id that differs gives nothing. */
#ifndef HL_SYMBOLS_H
#define HL_SYMBOLS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct hl_symbols hl_symbols;

typedef struct hl_symbol {
    const char *function; /* arena; NULL: not known */
    const char *file;     /* arena; as the compiler was told; NULL: there is no debug information */
    uint32_t line;        /* 0: not known */
} hl_symbol;

enum { HL_SYMBOLS_MOST = 8 }; /* functions that were put into one another */

/* NULL: no memory. */
hl_symbols *hl_symbols_create(void);
void hl_symbols_destroy(hl_symbols *s); /* NULL is fine */

/* id: build id in hexadecimal, or "". at: where a call returns to, as an address of the file. Fills
 * out, innermost first; returns how many: more than one where functions were inlined, 0 where nothing
 * is known. */
unsigned hl_symbols_find(hl_symbols *s, const char *path, const char *id, uint64_t at,
                         hl_arena *arena, hl_symbol out[HL_SYMBOLS_MOST]);

/* The variable that lies at an address of the file, in the arena; NULL: not known. */
const char *hl_symbols_variable(hl_symbols *s, const char *path, const char *id, uint64_t at,
                                hl_arena *arena);

#endif
