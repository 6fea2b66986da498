/* report/out.c: a growing buffer, and the gate strangers' text passes on its way to a terminal.
 *
 * Room   report; analyser process.
 * Rule   a failed allocation is remembered; later writes do nothing, and the owner of the buffer
 *        sees `failed`. */
#define _GNU_SOURCE
#include "report/text_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hl_out_deinit(hl_out *o)
{
    free(o->bytes);
    *o = (hl_out){0};
}

static bool reserve(hl_out *o, size_t more)
{
    if (o->failed)
        return false;
    if (more <= o->capacity - o->n)
        return true;
    size_t capacity = o->capacity ? o->capacity : 4096;
    while (capacity - o->n < more) {
        if (capacity > SIZE_MAX / 2) {
            o->failed = true;
            return false;
        }
        capacity *= 2;
    }
    char *bytes = realloc(o->bytes, capacity);
    if (!bytes) {
        o->failed = true;
        return false;
    }
    o->bytes = bytes;
    o->capacity = capacity;
    return true;
}

void hl_out_write(hl_out *o, const char *bytes, size_t n)
{
    if (!n || !reserve(o, n))
        return;
    memcpy(o->bytes + o->n, bytes, n);
    o->n += n;
}

void hl_out_text(hl_out *o, const char *s)
{
    hl_out_write(o, s, strlen(s));
}

void hl_out_printf(hl_out *o, const char *format, ...)
{
    char small[512], *text = small;
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(small, sizeof small, format, ap);
    va_end(ap);
    if (n >= (int)sizeof small) {
        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
    }
    if (n < 0) {
        o->failed = true;
        return;
    }
    hl_out_write(o, text, (size_t)n);
    if (text != small)
        free(text);
}

/* ---- UTF-8 ------------------------------------------------------------------------------------
 */

unsigned hl_utf8_read(const char *s, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) {
        *out = p[0];
        return 1;
    }
    unsigned n = p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (!n || p[0] > 0xf4)
        return 0;
    uint32_t c = p[0] & (0x7fu >> n);
    for (unsigned i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) /* the terminating NUL stops here too */
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return n;
}

typedef struct range {
    uint32_t first, last;
} range;

/* Moves the cursor, turns the direction of text, or shows nothing at all: never printed as it is.
 */
static const range hidden[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c},   {0x180e, 0x180e},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},   {0xfff9, 0xfffb},
    {0xe000, 0xf8ff}, {0xfdd0, 0xfdef}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},
};
/* Two columns on a terminal. */
static const range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
    {0x1f900, 0x1f9ff}, {0x20000, 0x2fffd}, {0x30000, 0x3fffd},
};
/* None: they sit on the character before. */
static const range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

static bool in_ranges(const range *r, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n && r[i].first <= c; i++)
        if (c <= r[i].last)
            return true;
    return false;
}

bool hl_char_hidden(uint32_t c)
{
    return in_ranges(hidden, sizeof hidden / sizeof *hidden, c);
}

unsigned hl_char_columns(uint32_t c)
{
    if (in_ranges(wide, sizeof wide / sizeof *wide, c))
        return 2;
    return in_ranges(combining, sizeof combining / sizeof *combining, c) ? 0 : 1;
}

static bool is_one_of(const uint32_t *set, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (set[i] == c)
            return true;
    return false;
}

bool hl_char_closes(uint32_t c)
{
    static const uint32_t set[] = {
        0x2019, 0x201d, 0x2026, 0x3001, 0x3002, 0x3009, 0x300b, 0x300d, 0x300f, 0x3011, 0x3015,
        0xff01, 0xff05, 0xff09, 0xff0c, 0xff0e, 0xff1a, 0xff1b, 0xff1f, 0xff3d, 0xff5d,
    };
    return is_one_of(set, sizeof set / sizeof *set, c);
}

bool hl_char_opens(uint32_t c)
{
    static const uint32_t set[] = {0x2018, 0x201c, 0x3008, 0x300a, 0x300c, 0x300e,
                                   0x3010, 0x3014, 0xff08, 0xff3b, 0xff5b};
    return is_one_of(set, sizeof set / sizeof *set, c);
}

/* One character, or one byte of what is none: bytes taken, columns it takes when shown. */
static unsigned safe_unit(const char *s, unsigned *columns, bool *escaped)
{
    uint32_t c;
    unsigned n = hl_utf8_read(s, &c);
    *escaped = !n || hl_char_hidden(c);
    if (!n)
        n = 1;
    *columns = *escaped ? 4 * n : hl_char_columns(c);
    return n;
}

size_t hl_text_columns(const char *s)
{
    size_t total = 0;
    for (unsigned columns; *s; total += columns) {
        bool escaped;
        s += safe_unit(s, &columns, &escaped);
    }
    return total;
}

void hl_out_safe(hl_out *o, const char *s, size_t max)
{
    static const char dots[] = "...";
    bool cut = max && hl_text_columns(s) > max;
    size_t room = cut ? (max > 3 ? max - 3 : 0) : SIZE_MAX, used = 0;
    while (*s) {
        unsigned columns;
        bool escaped;
        unsigned n = safe_unit(s, &columns, &escaped);
        if (used + columns > room)
            break;
        used += columns;
        if (!escaped)
            hl_out_write(o, s, n);
        for (unsigned i = 0; escaped && i < n; i++)
            hl_out_printf(o, "\\x%02x", (unsigned char)s[i]);
        s += n;
    }
    if (cut)
        hl_out_write(o, dots, max < 3 ? max : 3);
}
