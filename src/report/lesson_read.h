/* report/lesson_read.h: a page's Markdown in blocks.
 *
 * Room   report, its own files only. */
#ifndef HL_LESSON_READ_H
#define HL_LESSON_READ_H

#include "model/lesson.h"

#include <stdbool.h>
#include <stdint.h>

enum { HL_BLOCK_MAX = 4096 }; /* bytes of a paragraph; tools/pages.py refuses longer ones */

typedef enum hl_block_kind {
    HL_BLOCK_HEADING,
    HL_BLOCK_PARAGRAPH,
    HL_BLOCK_ITEM, /* of a list */
    HL_BLOCK_CODE,
} hl_block_kind;

typedef struct hl_block {
    hl_block_kind kind;
    char text[HL_BLOCK_MAX];  /* all but code: one line, links as their words */
    const char *const *lines; /* code: its lines, each with its newline */
    uint32_t n_lines;
} hl_block;

/* Moves *at, which begins as a page's body, past the next block; false: there is none. */
bool hl_lesson_next(const char *const **at, hl_block *out);

#endif
