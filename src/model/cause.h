/* model/cause.h: what a cause of leaks is, as plain data, for `explain` and docs/causes.
 *
 * Room   model; no behaviour. */
#ifndef HL_CAUSE_H
#define HL_CAUSE_H

/* Paragraphs are separated by an empty line; within one, a line break is a space. */
typedef struct hl_cause {
    const char *id, *title, *seed;                         /* seed: the article's word, or "" */
    const char *what, *leaks, *healthy, *recognised, *fix; /* leaks and healthy: Python source */
} hl_cause;

#endif
