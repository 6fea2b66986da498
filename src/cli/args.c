/* cli/args.c: words of a command line into options, the same way for every verb.
 *
 * Room   cli; analyser process, and the launcher of `run`. */
#include "cli/args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64, OPTIONS_MAX = 48, COUNT_MAX = 100000 };

enum { JSON, QUIET, VERBOSE, FORCE, COLOR, HELP, COMMON };
static const hl_option common[] = {
    [JSON] = {"--json", 0, NULL},         [QUIET] = {"--quiet", 'q', NULL},
    [VERBOSE] = {"--verbose", 'v', NULL}, [FORCE] = {"--force", 'f', NULL},
    [COLOR] = {"--color", 0, "WHEN"},     [HELP] = {"--help", 'h', NULL},
    [COMMON] = {NULL, 0, NULL},
};

static int bad(const hl_args *a, const char *what, const char *name)
{
    hl_usage(a->verb, "%s %s", what, name);
    return HL_ARG_BAD;
}

static int take_common(hl_args *a, int option)
{
    hl_context *c = a->context;
    switch (option) {
    case JSON:
        c->json = true;
        break;
    case QUIET:
        c->quiet = true;
        break;
    case VERBOSE:
        c->verbose++;
        c->out_style.verbose = c->err_style.verbose = true;
        break;
    case FORCE:
        c->force = true;
        break;
    case COLOR:
        if (!hl_context_color(c, a->value)) {
            hl_usage(a->verb, "--color takes auto, always or never, not '%s'", a->value);
            return HL_ARG_BAD;
        }
        break;
    case HELP:
        return hl_help(a->verb) ? HL_ARG_BAD : HL_ARG_HELP;
    default:
        break;
    }
    return hl_args_next(a);
}

static const hl_option *find(const hl_option *options, const char *name, size_t n, char letter,
                             int *index)
{
    for (int i = 0; options && options[i].name; i++)
        if (letter ? options[i].letter == letter
                   : strlen(options[i].name) == n && !memcmp(options[i].name, name, n)) {
            *index = i;
            return &options[i];
        }
    return NULL;
}

static int unknown(hl_args *a, const char *word)
{
    const char *words[OPTIONS_MAX + COMMON + 1];
    int n = 0;
    for (int i = 0; a->options && a->options[i].name && n < OPTIONS_MAX; i++)
        words[n++] = a->options[i].name;
    for (int i = 0; i < COMMON; i++)
        words[n++] = common[i].name;
    words[n] = NULL;
    const char *meant = hl_nearest(word, words);
    if (meant)
        hl_usage(a->verb, "unknown option %s; did you mean %s?", word, meant);
    else
        hl_usage(a->verb, "unknown option %s", word);
    return HL_ARG_BAD;
}

/* The option found: its value from here, or from the next word. */
static int give(hl_args *a, const hl_option *o, bool own, int index, const char *value)
{
    a->value = value;
    if (o->value && *o->value && !value) {
        if (a->at >= a->argc)
            return bad(a, "a value is missing after", o->name);
        a->value = a->argv[a->at++];
    } else if (!o->value && value) {
        return bad(a, "no value may follow", o->name);
    }
    return own ? index : take_common(a, index);
}

static int next_letter(hl_args *a)
{
    char letter = *a->letters++;
    int index;
    const hl_option *o = find(a->options, NULL, 0, letter, &index);
    bool own = o != NULL;
    if (!o)
        o = find(common, NULL, 0, letter, &index);
    if (!o) {
        char word[3] = {'-', letter, 0};
        return unknown(a, word);
    }
    const char *value = NULL;
    if (o->value && *a->letters) {
        value = a->letters;
        a->letters = NULL;
    }
    return give(a, o, own, index, value);
}

int hl_args_next(hl_args *a)
{
    if (a->letters && *a->letters)
        return next_letter(a);
    a->letters = NULL;
    if (a->at >= a->argc)
        return HL_ARG_END;
    char *word = a->argv[a->at];
    if (a->plain || word[0] != '-' || !word[1]) {
        a->value = word;
        a->at++;
        if (a->stop_at_word)
            a->plain = true;
        return HL_ARG_WORD;
    }
    a->at++;
    if (!strcmp(word, "--")) {
        a->plain = true;
        return hl_args_next(a);
    }
    if (word[1] != '-') {
        a->letters = word + 1;
        return next_letter(a);
    }
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    int index;
    const hl_option *o = find(a->options, word, n, 0, &index);
    bool own = o != NULL;
    if (!o)
        o = find(common, word, n, 0, &index);
    return o ? give(a, o, own, index, equals ? equals + 1 : NULL) : unknown(a, word);
}

void hl_args_gather(hl_args *a, uint32_t *n)
{
    a->argv[(*n)++] = a->argv[a->at - 1];
}

/* ---- values -----------------------------------------------------------------------------------
 */

bool hl_parse_bytes(const char *s, uint64_t *out)
{
    static const char units[] = "kmgt";
    char *end;
    if (*s < '0' || *s > '9')
        return false;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (errno)
        return false;
    const char *unit = *end ? strchr(units, *end | 32) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    end += unit != NULL;
    if ((*end && strcmp(end, "B") && strcmp(end, "iB")) || v > UINT64_MAX >> shift)
        return false;
    *out = (uint64_t)v << shift;
    return true;
}

bool hl_parse_level(const char *verb, const char *s, int *out)
{
    static const char *const words[] = {"never", "possible", "strong", "certain"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(s, words[i])) {
            *out = i;
            return true;
        }
    hl_usage(verb, "--fail-on takes certain, strong, possible or never, not '%s'", s);
    return false;
}

bool hl_parse_within(const char *verb, const char *s, uint32_t *out)
{
    enum { MOST = 64 };
    for (uint32_t n = 1; n <= MOST; n *= 2) {
        char word[8];
        snprintf(word, sizeof word, "%" PRIu32, n);
        if (!strcmp(word, s)) {
            *out = n;
            return true;
        }
    }
    hl_usage(verb,
             "--temporary takes 1, 2, 4, 8, 16, 32 or 64: within how many allocations a block "
             "was freed, not '%s'",
             s);
    return false;
}

bool hl_parse_count(const char *verb, const char *option, const char *s, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(s, &end, 10);
    if (*s < '0' || *s > '9' || *end || errno || !v || v > COUNT_MAX) {
        hl_usage(verb, "%s takes a number from 1 to %d, not '%s'", option, COUNT_MAX, s);
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Letters to add, drop, change or swap between two words. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[3][NAME_MAX_BYTES + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > NAME_MAX_BYTES || m > NAME_MAX_BYTES)
        return NAME_MAX_BYTES;
    for (unsigned j = 0; j <= m; j++)
        row[0][j] = j;
    for (unsigned i = 1; i <= n; i++) {
        unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= m; j++) {
            unsigned change = before[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(before[j] + 1, now[j - 1] + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                earlier[j - 2] + 1 < now[j])
                now[j] = earlier[j - 2] + 1;
        }
    }
    return row[n % 3][m];
}

const char *hl_nearest(const char *s, const char *const *words)
{
    const char *best = NULL;
    unsigned slips = strlen(s) > 4 ? 3 : 2;
    for (; *words; words++) {
        unsigned d = distance(s, *words);
        bool begins = strlen(s) >= 3 && !strncmp(*words, s, strlen(s));
        if (begins)
            d = 1;
        if (d < slips) {
            slips = d;
            best = *words;
        }
    }
    return best;
}
