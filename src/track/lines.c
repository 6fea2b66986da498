/* track/lines.c: three formats of line tables, read as the interpreter reads them.
 *
 * Room   track; analyser or target.
 * Source Objects/lnotab_notes.txt, Objects/locations.md, PyCode_Addr2Line of each release; the test
 *        compares every instruction of the standard library (tests/track).
 * Care   A table may be cut off or torn: reading ends where it does, and never runs on. */
#include "track/lines.h"

enum {
    UNIT = 2, /* bytes of a code unit */
    NO_LINE = -128,
    ENTRY = 0x80, /* marks the first byte of a location entry */
    KIND_SHIFT = 3,
    KIND_MASK = 15,
    UNITS_MASK = 7,
    KIND_NONE = 15,
    KIND_LONG = 14,
    KIND_NO_COLUMNS = 13,
    KIND_ONE_LINE = 10, /* 10, 11, 12: 0, 1, 2 lines on */
    VARINT_MORE = 64,
    VARINT_BITS = 6,
};

static uint32_t line_or_first(int64_t line, uint32_t first)
{
    return line > 0 && line <= INT32_MAX ? (uint32_t)line : first;
}

static uint32_t by_steps(const uint8_t *p, const uint8_t *end, uint32_t first, uint32_t offset)
{
    int64_t line = first;
    uint64_t at = 0;
    for (; end - p >= 2; p += 2) {
        at += p[0];
        if (at > offset)
            break;
        line += (int8_t)p[1];
    }
    return line_or_first(line, first);
}

static uint32_t by_ranges(const uint8_t *p, const uint8_t *end, uint32_t first, uint32_t offset)
{
    int64_t line = first;
    uint64_t to = 0;
    for (; end - p >= 2; p += 2) {
        int8_t on = (int8_t)p[1];
        to += p[0];
        line += on == NO_LINE ? 0 : on;
        if (to > offset)
            return on == NO_LINE ? first : line_or_first(line, first);
    }
    return first;
}

/* Six bits a byte, low ones first; zigzag by the lowest. */
static int64_t signed_varint(const uint8_t *p, const uint8_t *end)
{
    uint64_t v = 0;
    for (unsigned shift = 0; p < end && shift < 32; shift += VARINT_BITS, p++) {
        v |= (uint64_t)(*p & (VARINT_MORE - 1)) << shift;
        if (!(*p & VARINT_MORE))
            break;
    }
    return v & 1 ? -(int64_t)(v >> 1) : (int64_t)(v >> 1);
}

static uint32_t by_locations(const uint8_t *p, const uint8_t *end, uint32_t first, uint32_t offset)
{
    int64_t line = first;
    uint64_t to = 0;
    while (p < end) {
        unsigned kind = *p >> KIND_SHIFT & KIND_MASK;
        to += (uint64_t)((*p & UNITS_MASK) + 1) * UNIT;
        p++;
        if (kind == KIND_LONG || kind == KIND_NO_COLUMNS)
            line += signed_varint(p, end);
        else if (kind >= KIND_ONE_LINE && kind < KIND_NO_COLUMNS)
            line += kind - KIND_ONE_LINE;
        if (to > offset)
            return kind == KIND_NONE ? first : line_or_first(line, first);
        while (p < end && !(*p & ENTRY))
            p++;
    }
    return first;
}

uint32_t hl_line_at(enum hl_lines_format format, const uint8_t *table, size_t n, uint32_t first,
                    uint32_t offset)
{
    if (offset == HL_OFFSET_NONE || !n)
        return first;
    switch (format) {
    case HL_LINES_STEPS:
        return by_steps(table, table + n, first, offset);
    case HL_LINES_RANGES:
        return by_ranges(table, table + n, first, offset);
    case HL_LINES_LOCATIONS:
        return by_locations(table, table + n, first, offset);
    }
    return first;
}
