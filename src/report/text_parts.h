/* report/text_parts.h: what the text writers share: characters, paint, chains, sparklines.
 *
 * Room   report, its own files only. */
#ifndef HL_TEXT_PARTS_H
#define HL_TEXT_PARTS_H

#include "report/writer.h"

enum { HL_TEXT_WIDTH = 100, HL_TEXT_NARROW = 40, HL_SPARK_MAX = 24 };

/* The character at s: its bytes, 0 if these bytes are none. s ends with NUL. */
unsigned hl_utf8_read(const char *s, uint32_t *out);
/* Controls, direction marks and other characters that show nothing. */
bool hl_char_hidden(uint32_t c);
/* Columns a character takes: 0, 1 or 2. */
unsigned hl_char_columns(uint32_t c);
/* Wide punctuation that no line may begin with, and that no line may end with. */
bool hl_char_closes(uint32_t c);
bool hl_char_opens(uint32_t c);
/* Columns s takes on a terminal when hl_out_safe writes it whole. */
size_t hl_text_columns(const char *s);

typedef enum hl_paint { HL_PLAIN, HL_BOLD, HL_DIM, HL_RED, HL_GREEN, HL_YELLOW } hl_paint;
void hl_paint_begin(hl_out *o, const hl_style *style, hl_paint p);
void hl_paint_end(hl_out *o, const hl_style *style, hl_paint p);
/* s safely, painted. */
void hl_paint_text(hl_out *o, const hl_style *style, hl_paint p, const char *s);
void hl_out_spaces(hl_out *o, size_t n);
/* Width to wrap at. */
unsigned hl_style_width(const hl_style *style);

/* s safely, wrapped between column `indent` (where the cursor is) and the width; ends the line.
 * Breaks at spaces, and beside wide characters, as Chinese does, but for their punctuation. */
void hl_out_wrapped(hl_out *o, const hl_style *style, size_t indent, const char *s);

/* The course of a series in at most HL_SPARK_MAX characters, from its least to its greatest value;
 * returns the columns written. */
size_t hl_spark(hl_out *o, const hl_style *style, const uint64_t *values, uint32_t n);

/* The chain, a line a step, the guilty edge marked with `mark`. left_out: steps missing in the
 * middle of a long one. */
void hl_chain_text(hl_out *o, const hl_style *style, size_t indent, const hl_chain_step *steps,
                   uint32_t n, uint64_t left_out, const char *mark);

#endif
