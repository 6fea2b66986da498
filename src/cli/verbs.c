/* cli/verbs.c: the table of verbs, and the help made from it.
 *
 * Room   cli. verbs.def has a row a verb. */
#include "cli/verb.h"
#include "diagnose/views.h"

#include <string.h>

#define VERB(name, usage, about, help) {#name, usage, about, hl_verb_##name, help},
const hl_verb hl_verbs[] = {
#include "cli/verbs.def"
    {NULL, NULL, NULL, NULL, NULL},
};
#undef VERB

static const char common_help[] =
    "Every verb takes\n"
    "      --json            the answer for programs\n"
    "  -q, --quiet           no remarks on stderr\n"
    "  -v, --verbose         more of everything\n"
    "  -f, --force           overwrite files\n"
    "      --color WHEN      auto, always or never (NO_COLOR is heeded)\n"
    "  -h, --help            this text\n";

static void overview(hl_out *o)
{
    hl_out_text(o, "heaplens " HL_VERSION ": which of a Python program's memory leaks, what holds "
                   "it, what to change\n\n"
                   "  heaplens run app.py           run it, and read the verdict when it ends\n"
                   "  heaplens diagnose F           read it again from the recording\n\n"
                   "Verbs\n");
    for (const hl_verb *v = hl_verbs; v->name; v++)
        hl_out_printf(o, "  %-10s %s\n", v->name, v->about);
    hl_out_text(o, "  help       the help of a verb: heaplens help diff\n\n");
    hl_out_text(o, common_help);
    hl_out_text(o, "\nExit status: 0 done, 1 findings (--fail-on), 2 usage, 3 the target cannot be "
                   "inspected,\n4 readable or written in part, 5 nothing to examine. `run` gives "
                   "the program's own.\n");
}

/* One list of views: the room that makes them has it. */
static void list_views(hl_out *o)
{
    uint32_t n;
    const hl_view *views = hl_views(&n);
    for (uint32_t i = 0; i < n; i++)
        hl_out_printf(o, "%-24s%-11s %s%s\n", i ? "" : "      --view VIEW", views[i].name,
                      views[i].about, i ? "" : " (default)");
}

int hl_help(const char *verb)
{
    hl_out o = {0};
    if (!verb) {
        overview(&o);
        return hl_print(&o, HL_EXIT_OK);
    }
    for (const hl_verb *v = hl_verbs; v->name; v++)
        if (!strcmp(v->name, verb)) {
            hl_out_printf(&o, "usage: heaplens %s %s\n\n%s\n", v->name, v->usage, v->about);
            hl_out_text(&o, "\n");
            if (v->run == hl_verb_show)
                list_views(&o);
            if (v->help)
                hl_out_text(&o, v->help);
            hl_out_printf(&o, "\n%s", common_help);
            return hl_print(&o, HL_EXIT_OK);
        }
    return hl_usage(NULL, "no help on '%s': there is no such verb", verb);
}
