/* report/lesson_text.c: a page of `explain` on a terminal, as Markdown, as JSON; and their list.
 *
 * Room   report; analyser process.
 * Takes  pages, and for each cause whether this version finds it: a page says so. */
#include "report/lesson_read.h"
#include "report/text_parts.h"

#include <string.h>

enum { ID_COLUMNS = 20 };

typedef enum phrase {
    PHRASE_TOPICS,
    PHRASE_CAUSES,
    PHRASE_UNDETECTED,      /* on a page */
    PHRASE_UNDETECTED_MARK, /* in the list */
    PHRASE_MORE,
    PHRASE_INDEX_TITLE,
    PHRASE_INDEX,
    PHRASE_LIBRARIES,
    PHRASES
} phrase;

static const char *const english[PHRASES] = {
    [PHRASE_TOPICS] = "Topics",
    [PHRASE_CAUSES] = "Causes",
    [PHRASE_UNDETECTED] = "This version of heaplens does not find this cause by itself yet. The "
                          "page says how to find it by hand.",
    [PHRASE_UNDETECTED_MARK] =
        "not found by this version by itself; the page says how to find it by hand",
    [PHRASE_MORE] = "heaplens explain CAUSE: what it is, an example, how it is recognised, what to "
                    "change",
    [PHRASE_INDEX_TITLE] = "Memory leaks in Python",
    [PHRASE_INDEX] = "What `heaplens explain` says, `--lang en`; [in Chinese](zh/README.md). The "
                     "program marks the causes that its version does not find yet.",
    [PHRASE_LIBRARIES] = "Caches and registries of CPython and of much-used packages",
};
static const char *const chinese[PHRASES] = {
    [PHRASE_TOPICS] = "专题",
    [PHRASE_CAUSES] = "原因",
    [PHRASE_UNDETECTED] = "当前版本的 heaplens 还不能自动识别这种原因，本页会说明如何手工排查。",
    [PHRASE_UNDETECTED_MARK] = "当前版本尚不能自动识别，页面会说明如何手工排查",
    [PHRASE_MORE] = "heaplens explain 原因：是什么、示例、如何识别、如何修改",
    [PHRASE_INDEX_TITLE] = "Python 的内存泄漏",
    [PHRASE_INDEX] =
        ("即 `heaplens explain --lang zh` 的内容，另有[英文版](../README.md)。程序会标出"
         "当前版本尚不能识别的原因。"),
    [PHRASE_LIBRARIES] = "CPython 与常用第三方库中已知的缓存和注册表（英文）",
};

static const char *say(const char *lang, phrase p)
{
    return strcmp(lang, "zh") ? english[p] : chinese[p];
}

static void put_title(const hl_lesson *p, hl_out *out)
{
    hl_out_text(out, p->title);
    if (*p->seed && strcmp(p->lang, "zh"))
        hl_out_printf(out, " (%s)", p->seed);
}

/* ---- a page -----------------------------------------------------------------------------------
 */

static void code_text(hl_out *out, const hl_block *b)
{
    for (uint32_t i = 0; i < b->n_lines; i++) {
        if (*b->lines[i] != '\n')
            hl_out_spaces(out, 4);
        hl_out_text(out, b->lines[i]);
    }
}

static void block_text(hl_out *out, const hl_style *style, const hl_block *b)
{
    switch (b->kind) {
    case HL_BLOCK_HEADING:
        hl_paint_begin(out, style, HL_BOLD);
        hl_out_wrapped(out, style, 0, b->text);
        hl_paint_end(out, style, HL_BOLD);
        break;
    case HL_BLOCK_CODE:
        code_text(out, b);
        break;
    case HL_BLOCK_ITEM:
        hl_out_text(out, "  - ");
        hl_out_wrapped(out, style, 4, b->text);
        break;
    case HL_BLOCK_PARAGRAPH:
        hl_out_spaces(out, 2);
        hl_out_wrapped(out, style, 2, b->text);
        break;
    }
}

void hl_lesson_text(const hl_lesson *p, bool found, const hl_style *style, hl_out *out)
{
    hl_block b;
    const char *const *at = p->body;
    hl_out title = {0};
    hl_paint_text(out, style, HL_BOLD, p->id);
    hl_out_text(out, ": ");
    if (style->unicode || strcmp(p->lang, "en"))
        put_title(p, &title);
    else
        hl_out_text(&title, p->title);
    hl_out_write(&title, "", 1);
    if (!title.failed)
        hl_out_wrapped(out, style, strlen(p->id) + 2, title.bytes);
    hl_out_deinit(&title);
    if (p->kind == HL_LESSON_CAUSE && !found) {
        hl_out_text(out, "\n  ");
        hl_out_wrapped(out, style, 2, say(p->lang, PHRASE_UNDETECTED));
    }
    bool close = false; /* no empty line before this block */
    for (hl_block_kind last = HL_BLOCK_HEADING; hl_lesson_next(&at, &b); last = b.kind) {
        close = close &&
                (last == HL_BLOCK_HEADING || (last == HL_BLOCK_ITEM && b.kind == HL_BLOCK_ITEM));
        if (!close)
            hl_out_text(out, "\n");
        block_text(out, style, &b);
        close = true;
    }
}

void hl_lesson_markdown(const hl_lesson *p, hl_out *out)
{
    hl_out_printf(out, "# %s\n\n", p->id);
    put_title(p, out);
    hl_out_printf(out, "%s\n\n", strcmp(p->lang, "zh") ? "." : "。");
    for (const char *const *line = p->body; *line; line++)
        hl_out_text(out, *line);
}

/* ---- the list of pages ------------------------------------------------------------------------
 */

static void list_kind(const hl_lesson *pages, const bool *found, uint32_t n, hl_lesson_kind kind,
                      const hl_style *style, hl_out *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const hl_lesson *p = &pages[i];
        if (p->kind != kind)
            continue;
        hl_out_printf(out, "  %-*s", ID_COLUMNS, p->id);
        hl_out_text(out, p->title);
        if (*p->seed && style->unicode && strcmp(p->lang, "zh"))
            hl_out_printf(out, " (%s)", p->seed);
        hl_out_text(out, kind == HL_LESSON_CAUSE && !found[i] ? " *\n" : "\n");
    }
    if (n && kind == HL_LESSON_TOPIC)
        hl_out_printf(out, "  %-*s%s\n", ID_COLUMNS, HL_LESSON_LIBRARIES,
                      say(pages[0].lang, PHRASE_LIBRARIES));
}

static bool finds_all(const hl_lesson *pages, const bool *found, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (pages[i].kind == HL_LESSON_CAUSE && !found[i])
            return false;
    return true;
}

void hl_lessons_text(const hl_lesson *pages, const bool *found, uint32_t n, const hl_style *style,
                     hl_out *out)
{
    const char *lang = n ? pages[0].lang : "en";
    hl_paint_text(out, style, HL_BOLD, say(lang, PHRASE_TOPICS));
    hl_out_text(out, "\n");
    list_kind(pages, found, n, HL_LESSON_TOPIC, style, out);
    hl_out_text(out, "\n");
    hl_paint_text(out, style, HL_BOLD, say(lang, PHRASE_CAUSES));
    hl_out_text(out, "\n");
    list_kind(pages, found, n, HL_LESSON_CAUSE, style, out);
    hl_out_text(out, "\n");
    if (!finds_all(pages, found, n))
        hl_out_printf(out, "* %s\n", say(lang, PHRASE_UNDETECTED_MARK));
    hl_out_printf(out, "%s\n", say(lang, PHRASE_MORE));
}

void hl_lessons_markdown(const hl_lesson *pages, uint32_t n, hl_out *out)
{
    const char *lang = n ? pages[0].lang : "en";
    hl_out_printf(out, "# %s\n\n%s\n", say(lang, PHRASE_INDEX_TITLE), say(lang, PHRASE_INDEX));
    for (hl_lesson_kind kind = HL_LESSON_TOPIC; kind <= HL_LESSON_CAUSE; kind++) {
        hl_out_printf(out, "\n## %s\n\n",
                      say(lang, kind == HL_LESSON_TOPIC ? PHRASE_TOPICS : PHRASE_CAUSES));
        for (uint32_t i = 0; i < n; i++) {
            if (pages[i].kind != kind)
                continue;
            hl_out_printf(out, "- [%s](%s.md): ", pages[i].id, pages[i].id);
            put_title(&pages[i], out);
            hl_out_text(out, "\n");
        }
        if (kind == HL_LESSON_TOPIC)
            hl_out_printf(out, "- [%s](%s%s.md): %s\n", HL_LESSON_LIBRARIES,
                          strcmp(lang, "zh") ? "" : "../", HL_LESSON_LIBRARIES,
                          say(lang, PHRASE_LIBRARIES));
    }
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void put_out(hl_json *j, const char *key, hl_out *text)
{
    hl_out_write(text, "", 1);
    hl_json_put_text(j, key, text->failed ? NULL : text->bytes);
    hl_out_deinit(text);
}

/* Paragraphs and items as Markdown, an empty line between them. */
static void add_prose(hl_out *text, const hl_block *b)
{
    if (text->n)
        hl_out_text(text, "\n\n");
    hl_out_printf(text, "%s%s", b->kind == HL_BLOCK_ITEM ? "- " : "", b->text);
}

/* The two examples are the last program of their part; what is written around them is `about`. */
static void put_parts(hl_json *j, const hl_lesson *p)
{
    static const char *const keys[HL_PARTS] = {[HL_PART_WHAT] = "what",
                                               [HL_PART_LEAKS] = "leaks",
                                               [HL_PART_HEALTHY] = "healthy",
                                               [HL_PART_RECOGNISED] = "recognised",
                                               [HL_PART_FIX] = "fix"};
    hl_block b;
    const char *const *at = p->body;
    bool more = hl_lesson_next(&at, &b);
    for (hl_lesson_part part = 0; more && part < HL_PARTS; part++) {
        bool example = part == HL_PART_LEAKS || part == HL_PART_HEALTHY;
        hl_out text = {0};
        while ((more = hl_lesson_next(&at, &b)) && b.kind != HL_BLOCK_HEADING) {
            if (example && b.kind == HL_BLOCK_CODE) {
                text.n = 0;
                for (uint32_t i = 0; i < b.n_lines; i++)
                    hl_out_text(&text, b.lines[i]);
            } else if (!example && b.kind == HL_BLOCK_CODE) {
                hl_out_text(&text, "\n\n```\n");
                for (uint32_t i = 0; i < b.n_lines; i++)
                    hl_out_text(&text, b.lines[i]);
                hl_out_text(&text, "```");
            } else if (!example) {
                add_prose(&text, &b);
            }
        }
        put_out(j, keys[part], &text);
    }
}

static void put_topic(hl_json *j, const hl_lesson *p)
{
    hl_out text = {0};
    for (const char *const *line = p->body; *line; line++)
        hl_out_text(&text, *line);
    put_out(j, "text", &text);
}

static void put_kind(hl_json *j, const char *key, const hl_lesson *pages, const bool *found,
                     uint32_t n, hl_lesson_kind kind)
{
    hl_json_key(j, key);
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < n; i++) {
        const hl_lesson *p = &pages[i];
        if (p->kind != kind)
            continue;
        hl_json_open(j, '{');
        hl_json_put_text(j, "id", p->id);
        hl_json_put_text(j, "title", p->title);
        if (kind == HL_LESSON_TOPIC) {
            put_topic(j, p);
        } else {
            hl_json_put_text(j, "seed", *p->seed ? p->seed : NULL);
            hl_json_key(j, "detected");
            hl_json_bool(j, found[i]);
            put_parts(j, p);
        }
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
}

void hl_lessons_json(const hl_lesson *pages, const bool *found, uint32_t n, hl_out *out)
{
    hl_json j = {.out = out, .lines = 3};
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "schema", "heaplens.causes/1");
    hl_json_put_text(&j, "lang", n ? pages[0].lang : "en");
    put_kind(&j, "causes", pages, found, n, HL_LESSON_CAUSE);
    put_kind(&j, "topics", pages, found, n, HL_LESSON_TOPIC);
    hl_json_close(&j, '}');
}
