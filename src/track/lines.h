/* track/lines.h: the line an instruction belongs to, from a stored line table.
 *
 * Room   track; analyser, or target when rows are asked for; never on the hot path.
 * Takes  the bytes a code object carries (co_lnotab, co_linetable), untrusted.   Gives  a line. */
#ifndef HL_LINES_H
#define HL_LINES_H

#include <stddef.h>
#include <stdint.h>

enum hl_lines_format {
    HL_LINES_STEPS,     /* 3.9: pairs of (bytes, signed lines) to go on by */
    HL_LINES_RANGES,    /* 3.10: pairs of (bytes, signed lines) a range has; -128: it has none */
    HL_LINES_LOCATIONS, /* 3.11 and later: entries with columns (Objects/locations.md) */
};
enum { HL_OFFSET_NONE = UINT32_MAX }; /* no instruction has begun: the first line */

/* offset in bytes. What has no line, or lies beyond the table, is of the first line. */
uint32_t hl_line_at(enum hl_lines_format format, const uint8_t *table, size_t n, uint32_t first,
                    uint32_t offset);

#endif
