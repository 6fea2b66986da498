/* cli/verb.h: what every verb gets and gives back.
 *
 * Room   cli; the only room that owns stdout, stderr and the exit status. A verb parses, calls,
 *        prints, returns its exit code. */
#ifndef HL_VERB_H
#define HL_VERB_H

#include "base/err.h"
#include "report/writer.h"

#include <stdbool.h>

typedef enum hl_exit {
    HL_EXIT_OK = 0,
    HL_EXIT_FINDINGS = 1, /* at or over --fail-on */
    HL_EXIT_USAGE = 2,
    HL_EXIT_TARGET = 3,     /* the target (process, interpreter, file) cannot be inspected */
    HL_EXIT_INCOMPLETE = 4, /* captured or read in part */
    HL_EXIT_NOTHING = 5,    /* nothing examined */
    HL_EXIT_INTERRUPTED = 130,
} hl_exit;

typedef struct hl_context { /* options every verb takes */
    bool json, quiet, force;
    int verbose;
    bool takes_traces;             /* the verb knows what to do with a snapshot of tracemalloc */
    hl_style out_style, err_style; /* by --color, NO_COLOR, isatty */
} hl_context;

typedef struct hl_verb {
    const char *name, *usage, *about;                 /* about: one line */
    int (*run)(hl_context *c, int argc, char **argv); /* argv[0] is the verb */
    const char *help;                                 /* NULL, or more lines */
} hl_verb;

extern const hl_verb hl_verbs[]; /* ends with a NULL name; verbs.c, from verbs.def */

/* Styles as the descriptors and the environment say. */
void hl_context_init(hl_context *c);
/* auto, always or never; false: none of them. */
bool hl_context_color(hl_context *c, const char *when);
/* Prints the overview (NULL) or the help of a verb; its exit code. */
int hl_help(const char *verb);

int hl_verb_run(hl_context *c, int argc, char **argv);
int hl_verb_lines(hl_context *c, int argc, char **argv);
int hl_verb_audit(hl_context *c, int argc, char **argv);
int hl_verb_diagnose(hl_context *c, int argc, char **argv);
int hl_verb_show(hl_context *c, int argc, char **argv);
int hl_verb_diff(hl_context *c, int argc, char **argv);
int hl_verb_paths(hl_context *c, int argc, char **argv);
int hl_verb_graph(hl_context *c, int argc, char **argv);
int hl_verb_export(hl_context *c, int argc, char **argv);
int hl_verb_timeline(hl_context *c, int argc, char **argv);
int hl_verb_explain(hl_context *c, int argc, char **argv);
int hl_verb_doctor(hl_context *c, int argc, char **argv);

/* Prints "heaplens: sentence" and maps the status to an exit code. */
int hl_fail(const hl_err *err);
/* Prints a usage mistake and where help is; HL_EXIT_USAGE. */
int hl_usage(const char *verb, const char *format, ...) HL_PRINTF(2, 3);
/* A remark on stderr, "heaplens: ...", unless -q. */
void hl_remark(const hl_context *c, const char *format, ...) HL_PRINTF(2, 3);
/* Writes out to stdout; an error there (closed pipe, full disk) becomes the exit code. */
int hl_print(hl_out *out, int code);
/* Writes out to stderr, beside an answer that went to stdout, and frees it. */
void hl_print_words(hl_out *out);

#endif
