/* cli/args.h: words of a command line into options, the same way for every verb.
 *
 * Room   cli.
 * Knows  --name VALUE, --name=VALUE, -x VALUE, -xVALUE, -xy (flags), and "--" after which all words
 *        are plain. The options of every verb (--json -q -v -f --color --help) are taken here. */
#ifndef HL_ARGS_H
#define HL_ARGS_H

#include "cli/verb.h"

#include <stdint.h>

typedef struct hl_option {
    const char *name;  /* "--top"; NULL ends the list */
    char letter;       /* 't', or 0 */
    const char *value; /* what stands for the value in help, or NULL: a flag; HL_ARG_MAY: "=" and a
                          value may follow */
} hl_option;

#define HL_ARG_MAY ""

enum {
    HL_ARG_END = -1,  /* no more words */
    HL_ARG_WORD = -2, /* value is a plain word */
    HL_ARG_BAD = -3,  /* said on stderr: return HL_EXIT_USAGE */
    HL_ARG_HELP = -4, /* the verb's help is printed: return HL_EXIT_OK */
};

typedef struct hl_args {
    hl_context *context;
    const hl_option *options; /* the verb's own */
    const char *verb;         /* for messages; NULL: before the verb */
    int argc;
    char **argv;
    int at;              /* next word; 0 is the verb itself: begin at 1 */
    const char *value;   /* of what next gave */
    const char *letters; /* rest of -xy */
    bool plain;          /* "--" was there */
    bool stop_at_word;   /* options end at the first plain word */
} hl_args;

/* The next option as its index in options, or one of the above. */
int hl_args_next(hl_args *a);
/* After a plain word: it comes to stand as number *n at the front of argv, whose words before `at` are
 * read already. */
void hl_args_gather(hl_args *a, uint32_t *n);

/* A whole number of bytes: 4096, 512K, 2M, 1GiB (K is 1024); false: not one. */
bool hl_parse_bytes(const char *s, uint64_t *out);
/* 1 .. 100000; says what is wrong. */
bool hl_parse_count(const char *verb, const char *option, const char *s, uint32_t *out);
/* A level of --fail-on as an hl_confidence, 0 for never; says what is wrong. */
bool hl_parse_level(const char *verb, const char *s, int *out);
/* 1, 2, 4 ... 64 allocations within which a block went; says what is wrong. */
bool hl_parse_within(const char *verb, const char *s, uint32_t *out);
/* The word of a NULL-ended list that s was meant to be, or NULL: at most two slips of the hand. */
const char *hl_nearest(const char *s, const char *const *words);

#endif
