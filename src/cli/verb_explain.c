/* cli/verb_explain.c: `heaplens explain [CAUSE|TOPIC]`: the pages of docs/causes.
 *
 * Room   cli; needs no recording.
 * Method the language is --lang's, else the locale's, and English where we have no other. */
#include "cli/args.h"
#include "diagnose/diagnose.h"

#include <stdlib.h>
#include <string.h>

enum { PAGES_MAX = 128 };

typedef struct pages { /* of one language */
    hl_lesson all[PAGES_MAX];
    bool found[PAGES_MAX];
    uint32_t n;
} pages;

static void gather(const char *lang, pages *out)
{
    uint32_t n;
    const hl_lesson *all = hl_lessons(&n);
    out->n = 0;
    for (uint32_t i = 0; i < n && out->n < PAGES_MAX; i++) {
        if (strcmp(all[i].lang, lang))
            continue;
        out->found[out->n] = hl_diagnose_finds(all[i].id);
        out->all[out->n++] = all[i];
    }
}

/* The locale of messages, if we have pages in its language and it can show them. */
static const char *language_here(const hl_context *c)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *locale = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !(locale && *locale); i++)
        locale = getenv(names[i]);
    return locale && !strncmp(locale, "zh", 2) && c->out_style.unicode ? "zh" : "en";
}

static int list(const hl_context *c, const pages *p, bool markdown)
{
    hl_out out = {0};
    if (c->json)
        hl_lessons_json(p->all, p->found, p->n, &out);
    else if (markdown)
        hl_lessons_markdown(p->all, p->n, &out);
    else
        hl_lessons_text(p->all, p->found, p->n, &c->out_style, &out);
    return hl_print(&out, HL_EXIT_OK);
}

static int show(const hl_context *c, const hl_lesson *page, bool found, bool markdown)
{
    hl_out out = {0};
    if (c->json)
        hl_lessons_json(page, &found, 1, &out);
    else if (markdown)
        hl_lesson_markdown(page, &out);
    else
        hl_lesson_text(page, found, &c->out_style, &out);
    return hl_print(&out, HL_EXIT_OK);
}

/* What is known of libraries is rows of the analysis, not a page. */
static int libraries(const hl_context *c, bool markdown)
{
    hl_out out = {0};
    uint32_t n;
    const hl_known *rows = hl_known_rows(&n);
    if (c->json)
        hl_known_json(rows, n, &out);
    else if (markdown)
        hl_known_markdown(rows, n, &out);
    else
        hl_known_text(rows, n, &c->out_style, &out);
    return hl_print(&out, HL_EXIT_OK);
}

static int unknown(const char *id, const pages *p)
{
    const char *ids[PAGES_MAX + 2];
    for (uint32_t i = 0; i < p->n; i++)
        ids[i] = p->all[i].id;
    ids[p->n] = HL_LESSON_LIBRARIES;
    ids[p->n + 1] = NULL;
    const char *meant = hl_nearest(id, ids);
    if (meant)
        return hl_usage("explain", "there is no cause '%s'; did you mean '%s'?", id, meant);
    return hl_usage("explain", "there is no cause '%s'; `heaplens explain` lists them", id);
}

int hl_verb_explain(hl_context *c, int argc, char **argv)
{
    enum { MARKDOWN, LANG };
    static const hl_option options[] = {
        [MARKDOWN] = {"--markdown", 0, NULL}, [LANG] = {"--lang", 0, "LANG"}, {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "explain", .argc = argc, .argv = argv, .at = 1};
    const char *id = NULL, *lang = language_here(c);
    bool markdown = false;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD && !id)
            id = a.value;
        else if (option == HL_ARG_WORD)
            return hl_usage("explain", "one cause at a time; '%s' is too much", a.value);
        else if (option == MARKDOWN)
            markdown = true;
        else if (option == LANG)
            lang = a.value;
        else
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    pages p;
    gather(lang, &p);
    if (!p.n)
        return hl_usage("explain", "--lang takes en or zh, not '%s'", lang);
    if (!id)
        return list(c, &p, markdown);
    if (!strcmp(id, HL_LESSON_LIBRARIES))
        return libraries(c, markdown);
    for (uint32_t i = 0; i < p.n; i++)
        if (!strcmp(p.all[i].id, id))
            return show(c, &p.all[i], p.found[i], markdown);
    return unknown(id, &p);
}
