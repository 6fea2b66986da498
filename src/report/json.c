/* report/json.c: a streaming JSON writer: commas, escapes and numbers, nothing kept.
 *
 * Room   report; analyser process.
 * Output is valid UTF-8 whatever the text was: bytes that are none become U+FFFD, and what would
 * move a terminal's cursor or turn its text is written \uNNNN. */
#include "report/text_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 63 }; /* bits in has_item */

static bool folded(const hl_json *j)
{
    return j->depth > j->lines;
}

/* Before a value or a key: the comma that is due, and a new line where containers are unfolded. */
static void item(hl_json *j)
{
    if (j->after_key) {
        j->after_key = false;
        return;
    }
    if (!j->depth)
        return;
    uint64_t bit = UINT64_C(1) << j->depth;
    bool more = j->has_item & bit;
    j->has_item |= bit;
    if (more)
        hl_out_text(j->out, folded(j) ? ", " : ",");
    if (!folded(j)) {
        hl_out_text(j->out, "\n");
        hl_out_spaces(j->out, 2 * (size_t)j->depth);
    }
}

void hl_json_open(hl_json *j, char bracket)
{
    item(j);
    hl_out_write(j->out, &bracket, 1);
    if (j->depth < DEPTH_MAX)
        j->depth++;
    j->has_item &= ~(UINT64_C(1) << j->depth);
}

void hl_json_close(hl_json *j, char bracket)
{
    bool line = !folded(j) && (j->has_item & (UINT64_C(1) << j->depth));
    if (j->depth)
        j->depth--;
    if (line) {
        hl_out_text(j->out, "\n");
        hl_out_spaces(j->out, 2 * (size_t)j->depth);
    }
    hl_out_write(j->out, &bracket, 1);
    if (!j->depth && j->lines)
        hl_out_text(j->out, "\n");
}

static void quoted(hl_out *o, const char *s)
{
    hl_out_text(o, "\"");
    while (*s) {
        uint32_t c;
        unsigned n = hl_utf8_read(s, &c);
        if (!n) {
            hl_out_text(o, "\\ufffd");
            s++;
            continue;
        }
        if (c == '"' || c == '\\')
            hl_out_printf(o, "\\%c", (char)c);
        else if (c == '\n')
            hl_out_text(o, "\\n");
        else if (c == '\t')
            hl_out_text(o, "\\t");
        else if (!hl_char_hidden(c))
            hl_out_write(o, s, n);
        else if (c < 0x10000)
            hl_out_printf(o, "\\u%04" PRIx32, c);
        else
            hl_out_printf(o, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((c - 0x10000) >> 10),
                          0xdc00 + ((c - 0x10000) & 0x3ff));
        s += n;
    }
    hl_out_text(o, "\"");
}

void hl_json_key(hl_json *j, const char *key)
{
    item(j);
    quoted(j->out, key);
    hl_out_text(j->out, ": ");
    j->after_key = true;
}

void hl_json_text(hl_json *j, const char *s)
{
    item(j);
    if (s)
        quoted(j->out, s);
    else
        hl_out_text(j->out, "null");
}

void hl_json_int(hl_json *j, int64_t v)
{
    item(j);
    hl_out_printf(j->out, "%" PRId64, v);
}

void hl_json_uint(hl_json *j, uint64_t v)
{
    item(j);
    hl_out_printf(j->out, "%" PRIu64, v);
}

void hl_json_double(hl_json *j, double v)
{
    item(j);
    if (!isfinite(v)) {
        hl_out_text(j->out, "null");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) { /* the shortest that reads back as v */
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    hl_out_text(j->out, text);
}

void hl_json_bool(hl_json *j, bool v)
{
    item(j);
    hl_out_text(j->out, v ? "true" : "false");
}

void hl_json_null(hl_json *j)
{
    item(j);
    hl_out_text(j->out, "null");
}

void hl_json_put_text(hl_json *j, const char *key, const char *value)
{
    hl_json_key(j, key);
    hl_json_text(j, value);
}

void hl_json_put_uint(hl_json *j, const char *key, uint64_t value)
{
    hl_json_key(j, key);
    hl_json_uint(j, value);
}
