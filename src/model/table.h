/* model/table.h: rows and columns, as plain data, for every `show`, `diff` and `paths`.
 *
 * Room   model; no behaviour. */
#ifndef HL_TABLE_H
#define HL_TABLE_H

#include <stdint.h>

#define HL_CELL_NONE INT64_MIN /* a number that is not there: "-", null in JSON */

typedef enum hl_column_kind {
    HL_COLUMN_TEXT,
    HL_COLUMN_COUNT, /* printed with separators */
    HL_COLUMN_BYTES, /* printed as KB, MB; raw in JSON */
    HL_COLUMN_DELTA, /* signed count */
    HL_COLUMN_DELTA_BYTES,
    HL_COLUMN_SERIES, /* numbers over the snapshots: a sparkline, an array in JSON */
} hl_column_kind;

typedef struct hl_column {
    const char *key;   /* JSON member; NULL: for people only */
    const char *title; /* heading; NULL: for programs only */
    hl_column_kind kind;
} hl_column;

typedef union hl_cell {
    const char *text;
    int64_t number;
    struct {
        const uint64_t *values;
        uint32_t n;
    } series;
} hl_cell;

typedef struct hl_table {
    const char *view;  /* "types" */
    const char *title; /* heading line, says what is measured */
    const char *file;  /* NULL, or which of several recordings it is of */
    const hl_column *columns;
    uint32_t n_columns, n_rows;
    hl_cell *cells;     /* row by row */
    uint64_t rows_left; /* not shown */
    const char *note;   /* NULL, or what was not seen */
} hl_table;

#endif
