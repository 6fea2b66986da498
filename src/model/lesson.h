/* model/lesson.h: a page of what heaplens teaches, as plain data, for `explain` and
 * docs/causes.
 *
 * Room   model; no behaviour. */
#ifndef HL_LESSON_H
#define HL_LESSON_H

typedef enum hl_lesson_kind { HL_LESSON_TOPIC, HL_LESSON_CAUSE } hl_lesson_kind;

/* Causes have the sections of hl_lesson_part in this order; topics have what they need. */
typedef enum hl_lesson_part {
    HL_PART_WHAT,
    HL_PART_LEAKS, /* ends with a fenced program that leaks */
    HL_PART_HEALTHY,
    HL_PART_RECOGNISED,
    HL_PART_FIX,
    HL_PARTS
} hl_lesson_part;

/* The topic that is no page: the rows of model/known.h. */
#define HL_LESSON_LIBRARIES "libraries"

typedef struct hl_lesson {
    hl_lesson_kind kind;
    const char *id, *lang;   /* lang: "en", "zh" */
    const char *title;       /* no dot at its end */
    const char *seed;        /* what Chinese speakers call it, or "" */
    const char *const *body; /* Markdown after the title, in pieces; ends with NULL */
} hl_lesson;

#endif
