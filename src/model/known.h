/* model/known.h: what is known of a cache or registry in CPython or a much-used package.
 *
 * Room   model; no behaviour. */
#ifndef HL_KNOWN_H
#define HL_KNOWN_H

typedef enum hl_known_law {
    HL_KNOWN_BOUNDED, /* by itself: growth is a warm-up, and stops */
    HL_KNOWN_KEEPS,   /* whatever it was ever given: growth stays until the process ends */
    HL_KNOWN_HELD,    /* what its user puts in, until its user takes it out */
} hl_known_law;

/* names and owners: alternatives separated by '|', '*' stands for anything. */
typedef struct hl_known {
    const char *id, *package;
    hl_known_law law;
    const char *names;  /* of the holder, as in holder.name; or "" */
    const char *owners; /* type of its owner and attribute, "queue.Queue.queue", or of its owner's
                           owner; or the holder's own type; or "" */
    const char *what;   /* "logging's registry of loggers" */
    const char *why;    /* one sentence: what it keeps, for how long, what bounds it */
    const char *fix;
} hl_known;

#endif
