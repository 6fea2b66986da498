/* report/text_parts.c: paint, wrapping, sparklines, chains: the pieces reports are made of.
 *
 * Room   report; analyser process. */
#include "report/text_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CHAIN_SHOWN = 10, CHAIN_EDGE = 40, CHAIN_INDENT_MAX = 24 };

/* ---- paint ------------------------------------------------------------------------------------
 */

void hl_paint_begin(hl_out *o, const hl_style *style, hl_paint p)
{
    static const char *const code[] = {
        [HL_PLAIN] = "",         [HL_BOLD] = "\033[1m",   [HL_DIM] = "\033[2m",
        [HL_RED] = "\033[1;31m", [HL_GREEN] = "\033[32m", [HL_YELLOW] = "\033[33m"};
    if (style->color)
        hl_out_text(o, code[p]);
}

void hl_paint_end(hl_out *o, const hl_style *style, hl_paint p)
{
    if (style->color && p != HL_PLAIN)
        hl_out_text(o, "\033[0m");
}

void hl_paint_text(hl_out *o, const hl_style *style, hl_paint p, const char *s)
{
    hl_paint_begin(o, style, p);
    hl_out_safe(o, s, 0);
    hl_paint_end(o, style, p);
}

void hl_out_spaces(hl_out *o, size_t n)
{
    while (n--)
        hl_out_write(o, " ", 1);
}

unsigned hl_style_width(const hl_style *style)
{
    unsigned width = style->width ? style->width : HL_TEXT_WIDTH;
    return width < HL_TEXT_NARROW ? HL_TEXT_NARROW : width;
}

/* ---- wrapping ---------------------------------------------------------------------------------
 */

/* What is copied to be measured is at most this long; a longer word is split. */
enum { WORD_MAX = 512 };

/* One character of s, or one byte of what is none. */
static size_t read_char(const char *s, uint32_t *c)
{
    unsigned n = hl_utf8_read(s, c);
    if (!n)
        *c = 0;
    return n ? n : 1;
}

/* May a line end between two characters that stand together? */
static bool breaks(uint32_t a, uint32_t b)
{
    static const char closes[] = ",.:;!?)]}'\"%", opens[] = "([{'\"";
    if (hl_char_columns(a) != 2 && hl_char_columns(b) != 2)
        return false;
    return !hl_char_closes(b) && !hl_char_opens(a) && !(b < 0x80 && b && strchr(closes, (int)b)) &&
           !(a < 0x80 && a && strchr(opens, (int)a));
}

/* Bytes that stay on one line. */
static size_t word_bytes(const char *s)
{
    uint32_t last, next;
    size_t n = read_char(s, &last);
    for (size_t more; s[n] && s[n] != ' '; n += more, last = next) {
        more = read_char(s + n, &next);
        if (breaks(last, next) || n + more >= WORD_MAX)
            break;
    }
    return n;
}

/* Bytes of a dotted name that fit into so many columns, up to the end of a part; 0: none does. */
static size_t name_part(const char *s, size_t columns)
{
    size_t best = 0;
    for (size_t n = 0; s[n] && n < columns; n++) {
        if ((unsigned char)s[n] >= 0x80)
            return 0; /* counted in bytes here */
        if (n && (s[n] == '.' || s[n] == '['))
            best = n;
    }
    return best;
}

void hl_out_wrapped(hl_out *o, const hl_style *style, size_t indent, const char *s)
{
    size_t width = hl_style_width(style), column = indent;
    while (*s == ' ')
        s++;
    for (bool gap = false; *s;) {
        char word[WORD_MAX];
        size_t n = word_bytes(s);
        memcpy(word, s, n);
        word[n] = 0;
        s += n;
        size_t columns = hl_text_columns(word);
        if (column > indent && column + gap + columns > width) {
            hl_out_text(o, "\n");
            hl_out_spaces(o, indent);
            column = indent;
        } else if (column > indent && gap) {
            hl_out_text(o, " ");
            column++;
        }
        /* a name longer than a line goes on in the next, after one of its parts */
        const char *rest = word;
        for (size_t part; columns > width - indent && (part = name_part(rest, width - indent));
             rest += part) {
            char line[WORD_MAX];
            memcpy(line, rest, part);
            line[part] = 0;
            hl_out_safe(o, line, 0);
            hl_out_text(o, "\n");
            hl_out_spaces(o, indent);
            columns = hl_text_columns(rest + part);
        }
        hl_out_safe(o, rest, 0);
        column = rest == word ? column + columns : indent + columns;
        gap = *s == ' ';
        while (*s == ' ')
            s++;
    }
    hl_out_text(o, "\n");
}

/* ---- sparklines -------------------------------------------------------------------------------
 */

size_t hl_spark(hl_out *o, const hl_style *style, const uint64_t *values, uint32_t n)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", "-", "~", "=", "+", "*", "#"};
    const char *const *ramp = style->unicode ? blocks : ascii;
    uint64_t least = UINT64_MAX, most = 0;
    for (uint32_t i = 0; i < n; i++) {
        least = values[i] < least ? values[i] : least;
        most = values[i] > most ? values[i] : most;
    }
    uint32_t shown = n < HL_SPARK_MAX ? n : HL_SPARK_MAX;
    for (uint32_t i = 0; i < shown; i++) {
        /* the last of each group, so that both ends are true */
        uint64_t v = values[shown == n ? i : (uint64_t)i * (n - 1) / (shown - 1)];
        double height = most > least ? (double)(v - least) / (double)(most - least) : 0;
        hl_out_text(o, ramp[(unsigned)(height * 7 + 0.5)]);
    }
    return shown;
}

/* ---- chains -----------------------------------------------------------------------------------
 */

/* Long chains show both ends and what is around the guilty edge. */
static bool step_shown(uint32_t i, uint32_t n, uint32_t guilty)
{
    if (n <= CHAIN_SHOWN)
        return true;
    return i < 3 || i + 2 >= n || (guilty < n && i + 1 >= guilty && i <= guilty + 2);
}

static void step_text(hl_out *o, const hl_style *style, const hl_chain_step *s, size_t *column)
{
    const char *edge = s->edge ? s->edge : "";
    while (*edge == ' ')
        edge++;
    if (*edge) {
        hl_paint p = s->guilty ? HL_RED : HL_BOLD;
        hl_paint_begin(o, style, p);
        size_t shown = hl_text_columns(edge), n = strlen(edge);
        bool key = shown > CHAIN_EDGE && edge[0] == '[' && edge[n - 1] == ']';
        hl_out_safe(o, edge, key ? CHAIN_EDGE - 1 : CHAIN_EDGE);
        if (key)
            hl_out_text(o, "]");
        hl_paint_end(o, style, p);
        *column += shown > CHAIN_EDGE ? CHAIN_EDGE : shown;
        hl_out_text(o, "  ");
        *column += 2;
    }
    const char *type = s->type ? s->type : "?";
    size_t left = hl_style_width(style) > *column + 24 ? hl_style_width(style) - *column - 12 : 24;
    hl_out_safe(o, type, left);
    *column += hl_text_columns(type) < left ? hl_text_columns(type) : left;
    if (s->name && *s->name && strcmp(s->name, type)) {
        left = hl_style_width(style) > *column + 24 ? hl_style_width(style) - *column - 12 : 24;
        hl_out_text(o, " ");
        hl_out_safe(o, s->name, left);
        *column += 1 + (hl_text_columns(s->name) < left ? hl_text_columns(s->name) : left);
    }
}

void hl_chain_text(hl_out *o, const hl_style *style, size_t indent, const hl_chain_step *steps,
                   uint32_t n, uint64_t left_out, const char *mark)
{
    uint32_t guilty = n, depth = 0;
    uint64_t skipped = 0;
    for (uint32_t i = 0; i < n; i++)
        if (steps[i].guilty)
            guilty = i;
    for (uint32_t i = 0; i < n; i++) {
        if (!step_shown(i, n, guilty)) {
            skipped++;
            continue;
        }
        size_t column = indent + (2 * depth < CHAIN_INDENT_MAX ? 2 * depth : CHAIN_INDENT_MAX);
        if (skipped) {
            hl_out_spaces(o, column);
            hl_out_printf(o, "%s %" PRIu64 " more\n", style->unicode ? "⋮" : ":",
                          skipped + left_out);
            skipped = left_out = 0;
        }
        hl_out_spaces(o, column);
        if (i && style->unicode) {
            hl_paint_text(o, style, HL_DIM, "└ ");
            column += 2;
        }
        step_text(o, style, &steps[i], &column);
        if (steps[i].guilty && mark) {
            hl_out_spaces(o, 2);
            hl_paint_begin(o, style, HL_RED);
            hl_out_printf(o, "%s %s", style->unicode ? "◀─" : "<-", mark);
            hl_paint_end(o, style, HL_RED);
        }
        hl_out_text(o, "\n");
        depth++;
    }
}
