/* report/lesson_read.c: a page's Markdown in blocks.
 *
 * Room   report; analyser process. Pages are our own and tools/pages.py has checked them.
 * Knows  "## " headings, paragraphs, "- " items, fenced code, [words](links).
 * Method lines of a paragraph are joined by a space, but not where Chinese is written on: no space
 *        stands between two wide characters, nor beside wide punctuation. */
#include "report/lesson_read.h"

#include "report/text_parts.h"

#include <string.h>

typedef struct joined {
    char *text;
    size_t n;
    uint32_t last; /* character */
} joined;

static bool blank(const char *line)
{
    return *line == '\n' || !*line;
}

static bool begins(const char *line, const char *with)
{
    return !strncmp(line, with, strlen(with));
}

static void put(joined *j, const char *s, size_t n)
{
    if (j->n + n >= HL_BLOCK_MAX)
        return;
    memcpy(j->text + j->n, s, n);
    j->n += n;
    j->text[j->n] = 0;
}

static void put_gap(joined *j, uint32_t next)
{
    bool wide = hl_char_columns(j->last) == 2 && hl_char_columns(next) == 2;
    if (j->n && !wide && !hl_char_closes(j->last) && !hl_char_closes(next) &&
        !hl_char_opens(j->last))
        put(j, " ", 1);
}

/* The words of a link at s, which begins with '['; 0: none. */
static size_t link_words(const char *s)
{
    size_t n = strcspn(s, "]\n");
    return s[n] == ']' && s[n + 1] == '(' && s[n + 1 + strcspn(s + n + 1, ")\n")] == ')' ? n - 1
                                                                                         : 0;
}

static void put_words(joined *j, const char *s)
{
    bool quoted = false;
    while (*s && *s != '\n') {
        uint32_t c;
        size_t words = *s == '[' && !quoted ? link_words(s) : 0;
        if (words) {
            put(j, s + 1, words);
            j->last = ']';
            s += words + 2;
            s += strcspn(s, ")") + 1;
            continue;
        }
        unsigned n = hl_utf8_read(s, &c);
        quoted ^= *s == '`';
        put(j, s, n ? n : 1);
        j->last = n ? c : 0;
        s += n ? n : 1;
    }
}

static void put_line(joined *j, const char *line)
{
    uint32_t first;
    while (*line == ' ')
        line++;
    if (!hl_utf8_read(line, &first))
        first = 0;
    put_gap(j, first);
    put_words(j, line);
}

bool hl_lesson_next(const char *const **at, hl_block *out)
{
    const char *const *line = *at;
    while (*line && blank(*line))
        line++;
    out->lines = NULL;
    out->n_lines = 0;
    out->text[0] = 0;
    joined j = {.text = out->text};
    if (!*line) {
        *at = line;
        return false;
    }
    if (begins(*line, "```")) {
        out->kind = HL_BLOCK_CODE;
        out->lines = ++line;
        while (*line && !begins(*line, "```"))
            line++, out->n_lines++;
        *at = line + (*line != NULL);
        return true;
    }
    if (begins(*line, "## ")) {
        out->kind = HL_BLOCK_HEADING;
        put_line(&j, *line + 3);
        *at = line + 1;
        return true;
    }
    out->kind = begins(*line, "- ") ? HL_BLOCK_ITEM : HL_BLOCK_PARAGRAPH;
    put_line(&j, *line + (out->kind == HL_BLOCK_ITEM ? 2 : 0));
    for (line++; *line && !blank(*line) && !begins(*line, "- ") && !begins(*line, "```"); line++)
        put_line(&j, *line);
    *at = line;
    return true;
}
