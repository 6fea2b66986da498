/* cli/main.c: finds the verb and hands over.
 *
 * Room   cli; the executable `heaplens`. */
#include "cli/args.h"

#include <string.h>

enum { VERBS_MAX = 32 };

/* Named in the plan and not here yet: nobody should look for a typing mistake. */
static const char *const planned[] = {"snapshot", "attach", "detach", "graph",   "report", "audit",
                                      "top",      "lint",   "serve",  "collect", "push",   NULL};

static int unknown_verb(const char *word)
{
    const char *names[VERBS_MAX + 1];
    int n = 0;
    for (const hl_verb *v = hl_verbs; v->name && n < VERBS_MAX; v++)
        names[n++] = v->name;
    names[n] = NULL;
    for (const char *const *p = planned; *p; p++)
        if (!strcmp(*p, word))
            return hl_usage(NULL, "'%s' is not in this version (" HL_VERSION ")", word);
    const char *meant = hl_nearest(word, names);
    if (meant)
        return hl_usage(NULL, "there is no verb '%s'; did you mean '%s'?", word, meant);
    size_t length = strlen(word);
    if (strchr(word, '/') || (length > 3 && !strcmp(word + length - 3, ".py")))
        return hl_usage(NULL, "there is no verb '%s'; to run a program: heaplens run %s", word,
                        word);
    return hl_usage(NULL, "there is no verb '%s'", word);
}

static int version(const hl_context *c)
{
    hl_out o = {0};
    if (c->json)
        hl_out_text(&o, "{\"name\": \"heaplens\", \"version\": \"" HL_VERSION "\"}\n");
    else
        hl_out_text(&o, "heaplens " HL_VERSION "\n");
    return hl_print(&o, HL_EXIT_OK);
}

int main(int argc, char **argv)
{
    static const hl_option options[] = {{"--version", 'V', NULL}, {NULL, 0, NULL}};
    hl_context context;
    hl_context_init(&context);
    hl_args a = {.context = &context,
                 .options = options,
                 .argc = argc,
                 .argv = argv,
                 .at = 1,
                 .stop_at_word = true};
    int option = hl_args_next(&a);
    if (option == 0) {
        while ((option = hl_args_next(&a)) == 0) /* --version --json */
            ;
        return option == HL_ARG_BAD ? HL_EXIT_USAGE : version(&context);
    }
    if (option == HL_ARG_END)
        return hl_help(NULL);
    if (option != HL_ARG_WORD)
        return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    char **rest = argv + a.at - 1;
    int n = argc - a.at + 1;
    if (!strcmp(rest[0], "help"))
        return hl_help(n > 1 ? rest[1] : NULL);
    for (const hl_verb *v = hl_verbs; v->name; v++)
        if (!strcmp(v->name, rest[0])) {
            bool asks = n > 1 && (!strcmp(rest[1], "--help") || !strcmp(rest[1], "-h"));
            return asks ? hl_help(v->name) : v->run(&context, n, rest);
        }
    return unknown_verb(rest[0]);
}
