/* report/cause_text.c: the page of a cause: on a terminal, as Markdown for docs/causes, as JSON.
 *
 * Room   report; analyser process. */
#include "report/text_parts.h"

#include <string.h>

static const struct {
    const char *heading, *key;
} parts[] = {{"What it is", "what"},
             {"Leaks", "leaks"},
             {"Does not", "healthy"},
             {"How it is recognised", "recognised"},
             {"What to change", "fix"}};
enum { PARTS = sizeof parts / sizeof *parts, PARAGRAPH_MAX = 4096 };

static const char *part(const hl_cause *c, unsigned i)
{
    const char *const text[PARTS] = {c->what, c->leaks, c->healthy, c->recognised, c->fix};
    return text[i];
}

static bool is_source(unsigned i)
{
    return i == 1 || i == 2;
}

/* Each paragraph of s in turn: copies it to buf, returns what follows, NULL after the last. */
static const char *paragraph(const char *s, char buf[PARAGRAPH_MAX])
{
    if (!s || !*s)
        return NULL;
    const char *end = strstr(s, "\n\n");
    size_t n = end ? (size_t)(end - s) : strlen(s);
    if (n >= PARAGRAPH_MAX)
        n = PARAGRAPH_MAX - 1;
    memcpy(buf, s, n);
    buf[n] = 0;
    return end ? end + 2 : "";
}

static void source(hl_out *o, size_t indent, const char *s)
{
    while (*s) {
        size_t n = strcspn(s, "\n");
        if (n)
            hl_out_spaces(o, indent);
        hl_out_write(o, s, n);
        hl_out_text(o, "\n");
        s += n + (s[n] == '\n');
    }
}

void hl_cause_text(const hl_cause *c, const hl_style *style, hl_out *out)
{
    char text[PARAGRAPH_MAX];
    hl_paint_text(out, style, HL_BOLD, c->id);
    hl_out_printf(out, ": %s", c->title);
    if (*c->seed && style->unicode)
        hl_out_printf(out, " (%s)", c->seed);
    hl_out_text(out, "\n");
    for (unsigned i = 0; i < PARTS; i++) {
        hl_out_text(out, "\n");
        hl_paint_text(out, style, HL_BOLD, parts[i].heading);
        hl_out_text(out, "\n");
        if (is_source(i)) {
            source(out, 4, part(c, i));
            continue;
        }
        bool first = true;
        for (const char *s = part(c, i); (s = paragraph(s, text)); first = false) {
            if (!first)
                hl_out_text(out, "\n");
            hl_out_spaces(out, 2);
            hl_out_wrapped(out, style, 2, text);
        }
    }
}

void hl_cause_markdown(const hl_cause *c, hl_out *out)
{
    const hl_style style = {.width = 100, .unicode = true};
    char text[PARAGRAPH_MAX];
    hl_out_printf(out, "# %s\n\n%c%s", c->id, c->title[0] & ~0x20, c->title + 1);
    hl_out_printf(out, *c->seed ? " (%s).\n" : ".\n", c->seed);
    for (unsigned i = 0; i < PARTS; i++) {
        hl_out_printf(out, "\n## %s\n", parts[i].heading);
        if (is_source(i)) {
            hl_out_printf(out, "\n```python\n%s```\n", part(c, i));
            continue;
        }
        for (const char *s = part(c, i); (s = paragraph(s, text));) {
            hl_out_text(out, "\n");
            hl_out_wrapped(out, &style, 0, text);
        }
    }
}

static void put(hl_json *j, const char *key, const char *value)
{
    hl_json_key(j, key);
    hl_json_text(j, value);
}

static void put_cause(hl_json *j, const hl_cause *c)
{
    hl_json_open(j, '{');
    put(j, "id", c->id);
    put(j, "title", c->title);
    put(j, "seed", *c->seed ? c->seed : NULL);
    for (unsigned i = 0; i < PARTS; i++)
        put(j, parts[i].key, part(c, i));
    hl_json_close(j, '}');
}

void hl_causes_json(const hl_cause *causes, uint32_t n, hl_out *out)
{
    hl_json j = {.out = out, .lines = 3};
    hl_json_open(&j, '{');
    put(&j, "schema", "heaplens.causes/1");
    hl_json_key(&j, "causes");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < n; i++)
        put_cause(&j, &causes[i]);
    hl_json_close(&j, ']');
    hl_json_close(&j, '}');
}
