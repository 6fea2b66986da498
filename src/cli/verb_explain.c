/* cli/verb_explain.c: `heaplens explain [CAUSE]`: the pages of the causes.
 *
 * Room   cli; needs no recording. */
#include "cli/args.h"
#include "diagnose/diagnose.h"

#include <string.h>

enum { CAUSES_MAX = 64 };

static int list(const hl_context *c, const hl_cause *causes, uint32_t n)
{
    hl_out out = {0};
    if (c->json) {
        hl_causes_json(causes, n, &out);
        return hl_print(&out, HL_EXIT_OK);
    }
    for (uint32_t i = 0; i < n; i++) {
        hl_out_printf(&out, "%-18s %s", causes[i].id, causes[i].title);
        if (*causes[i].seed && c->out_style.unicode)
            hl_out_printf(&out, " (%s)", causes[i].seed);
        hl_out_text(&out, "\n");
    }
    hl_out_text(&out,
                "\nheaplens explain CAUSE: what it is, an example, how it is recognised, what "
                "to change\n");
    return hl_print(&out, HL_EXIT_OK);
}

static int page(const hl_context *c, const hl_cause *cause, bool markdown)
{
    hl_out out = {0};
    if (c->json)
        hl_causes_json(cause, 1, &out);
    else if (markdown)
        hl_cause_markdown(cause, &out);
    else
        hl_cause_text(cause, &c->out_style, &out);
    return hl_print(&out, HL_EXIT_OK);
}

static int unknown(const char *id, const hl_cause *causes, uint32_t n)
{
    const char *ids[CAUSES_MAX + 1];
    uint32_t known = n < CAUSES_MAX ? n : CAUSES_MAX;
    for (uint32_t i = 0; i < known; i++)
        ids[i] = causes[i].id;
    ids[known] = NULL;
    const char *meant = hl_nearest(id, ids);
    if (meant)
        return hl_usage("explain", "there is no cause '%s'; did you mean '%s'?", id, meant);
    return hl_usage("explain", "there is no cause '%s'; `heaplens explain` lists them", id);
}

int hl_verb_explain(hl_context *c, int argc, char **argv)
{
    static const hl_option options[] = {{"--markdown", 0, NULL}, {NULL, 0, NULL}};
    hl_args a = {
        .context = c, .options = options, .verb = "explain", .argc = argc, .argv = argv, .at = 1};
    const char *id = NULL;
    bool markdown = false;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD && !id)
            id = a.value;
        else if (option == HL_ARG_WORD)
            return hl_usage("explain", "one cause at a time; '%s' is too much", a.value);
        else if (option == 0)
            markdown = true;
        else
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    uint32_t n;
    const hl_cause *causes = hl_causes(&n);
    if (!id)
        return list(c, causes, n);
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(causes[i].id, id))
            return page(c, &causes[i], markdown);
    return unknown(id, causes, n);
}
