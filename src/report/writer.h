/* report/writer.h: plain data into words; knows model only.
 *
 * Room   report; analyser process. Every text that came from a target is escaped here: control
 *        bytes for terminals, quotes and controls for JSON.
 * Writers append to an hl_out; who owns the descriptor behind it is cli's business. */
#ifndef HL_WRITER_H
#define HL_WRITER_H

#include "base/words.h"
#include "model/chains.h"
#include "model/finding.h"
#include "model/known.h"
#include "model/lesson.h"
#include "model/picture.h"
#include "model/stacks.h"
#include "model/table.h"
#include "model/timeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing buffer; a failed allocation is remembered and ends further writing. */
typedef struct hl_out {
    char *bytes; /* owned */
    size_t n, capacity;
    bool failed;
} hl_out;

void hl_out_deinit(hl_out *o);
void hl_out_write(hl_out *o, const char *bytes, size_t n);
void hl_out_text(hl_out *o, const char *s); /* as it is */
void hl_out_printf(hl_out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* s with control bytes, bidi controls and invalid UTF-8 shown as \xNN, cut at max columns (0: no).
 */
void hl_out_safe(hl_out *o, const char *s, size_t max);

typedef struct hl_style {
    bool color;
    unsigned width; /* columns; 0: no terminal: text wraps at 100, tables are not cut */
    bool verbose;
    bool unicode; /* sparklines and arrows; else ASCII */
} hl_style;

void hl_report_text(const hl_diagnosis *d, const hl_style *style, hl_out *out);
void hl_report_json(const hl_diagnosis *d, hl_out *out);
void hl_table_text(const hl_table *t, const hl_style *style, hl_out *out);
void hl_table_json(const hl_table *t, hl_out *out);
/* Several tables as one answer: {"view": view, "tables": [...]}. */
void hl_tables_json(const char *view, const hl_table *tables, uint32_t n, hl_out *out);
void hl_timeline_json(const hl_timeline *t, hl_out *out);
void hl_chains_text(const hl_chains *c, const hl_style *style, hl_out *out);
void hl_chains_json(const hl_chains *c, hl_out *out);
/* For Graphviz: whatever bytes a name has, it is one text of one label. */
void hl_picture_dot(const hl_picture *p, hl_out *out);
void hl_picture_json(const hl_picture *p, hl_out *out);

/* ---- what `export` gives ---- */
extern const char *const hl_measure_words[HL_MEASURES]; /* "live", "peak" ... */
void hl_stacks_pprof(const hl_stacks *s, hl_out *out);  /* bytes, not text */
void hl_stacks_speedscope(const hl_stacks *s, hl_out *out);
void hl_stacks_collapsed(const hl_stacks *s, hl_out *out);
void hl_stacks_csv(const hl_stacks *s, hl_out *out);
void hl_stacks_json(const hl_stacks *s, hl_out *out);

/* ---- what `explain` teaches: the pages of docs/causes, built in ---- */
/* Topics, then causes, each in every language. */
const hl_lesson *hl_lessons(uint32_t *n);
/* found: this version finds the cause by itself. */
void hl_lesson_text(const hl_lesson *p, bool found, const hl_style *style, hl_out *out);
void hl_lesson_markdown(const hl_lesson *p, hl_out *out);
/* Of one language each; found[i] is about pages[i]. */
void hl_lessons_text(const hl_lesson *pages, const bool *found, uint32_t n, const hl_style *style,
                     hl_out *out);
void hl_lessons_markdown(const hl_lesson *pages, uint32_t n, hl_out *out);
void hl_lessons_json(const hl_lesson *pages, const bool *found, uint32_t n, hl_out *out);

/* What is known of libraries. */
void hl_known_text(const hl_known *rows, uint32_t n, const hl_style *style, hl_out *out);
void hl_known_markdown(const hl_known *rows, uint32_t n, hl_out *out);
void hl_known_json(const hl_known *rows, uint32_t n, hl_out *out);

/* ---- JSON, streaming ---- */
typedef struct hl_json {
    hl_out *out;
    unsigned depth;
    unsigned lines;    /* containers down to this depth have a line for each item; 0: one line */
    uint64_t has_item; /* a bit a depth: a comma is due */
    bool after_key;
} hl_json;
void hl_json_open(hl_json *j, char bracket); /* '{' or '[' */
void hl_json_close(hl_json *j, char bracket);
void hl_json_key(hl_json *j, const char *key);
void hl_json_text(hl_json *j, const char *s); /* NULL: null */
void hl_json_int(hl_json *j, int64_t v);
void hl_json_uint(hl_json *j, uint64_t v);
void hl_json_double(hl_json *j, double v); /* NaN and infinities: null */
void hl_json_bool(hl_json *j, bool v);
void hl_json_null(hl_json *j);
/* A key with its value. */
void hl_json_put_text(hl_json *j, const char *key, const char *value);
void hl_json_put_uint(hl_json *j, const char *key, uint64_t value);

#endif
