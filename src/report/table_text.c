/* report/table_text.c: rows and columns on a terminal, numbers right, names cut to what fits.
 *
 * Room   report; analyser process.
 * Widths a number takes what its widest row takes; the text columns share the rest, the longest
 *        giving way first. Without a terminal nothing is cut. */
#include "report/text_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 16, GAP = 2, TEXT_LEAST = 14, CELL_MAX = 48 };

static const hl_cell *cell(const hl_table *t, uint32_t row, uint32_t column)
{
    return &t->cells[(size_t)row * t->n_columns + column];
}

static const char *number_text(hl_column_kind kind, int64_t v, char buf[CELL_MAX])
{
    char magnitude[32];
    if (v == HL_CELL_NONE)
        return "-";
    uint64_t size = v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v;
    bool bytes = kind == HL_COLUMN_BYTES || kind == HL_COLUMN_DELTA_BYTES;
    bool delta = kind == HL_COLUMN_DELTA || kind == HL_COLUMN_DELTA_BYTES;
    if (bytes)
        hl_bytes_text(size, magnitude);
    else
        hl_count_text(size, magnitude);
    snprintf(buf, CELL_MAX, "%s%s", v < 0 ? "-" : delta && v ? "+" : "", magnitude);
    return buf;
}

static size_t cell_columns(const hl_table *t, uint32_t row, uint32_t column)
{
    const hl_cell *c = cell(t, row, column);
    char buf[CELL_MAX];
    switch (t->columns[column].kind) {
    case HL_COLUMN_TEXT:
        return c->text ? hl_text_columns(c->text) : 1;
    case HL_COLUMN_SERIES:
        return c->series.n < HL_SPARK_MAX ? c->series.n : HL_SPARK_MAX;
    case HL_COLUMN_COUNT:
    case HL_COLUMN_BYTES:
    case HL_COLUMN_DELTA:
    case HL_COLUMN_DELTA_BYTES:
        break;
    }
    return strlen(number_text(t->columns[column].kind, c->number, buf));
}

static void fit(const hl_table *t, const uint32_t *shown, uint32_t n, const hl_style *style,
                size_t *width)
{
    size_t total = 0; /* the last column has no gap after it */
    for (uint32_t c = 0; c < n; c++) {
        width[c] = hl_text_columns(t->columns[shown[c]].title);
        for (uint32_t r = 0; r < t->n_rows; r++) {
            size_t w = cell_columns(t, r, shown[c]);
            width[c] = w > width[c] ? w : width[c];
        }
        total += width[c] + (c ? GAP : 0);
    }
    size_t room = hl_style_width(style);
    while (style->width && total > room) {
        uint32_t longest = n;
        for (uint32_t c = 0; c < n; c++)
            if (t->columns[shown[c]].kind == HL_COLUMN_TEXT && width[c] > TEXT_LEAST &&
                (longest == n || width[c] > width[longest]))
                longest = c;
        if (longest == n)
            break;
        width[longest]--;
        total--;
    }
}

static void put_cell(const hl_table *t, uint32_t r, uint32_t c, size_t width, bool last,
                     const hl_style *style, hl_out *o)
{
    const hl_cell *v = cell(t, r, c);
    char buf[CELL_MAX];
    size_t used = 0;
    switch (t->columns[c].kind) {
    case HL_COLUMN_TEXT: {
        const char *text = v->text ? v->text : "-";
        used = hl_text_columns(text);
        hl_out_safe(o, text, used > width ? width : 0);
        used = used > width ? width : used;
        break;
    }
    case HL_COLUMN_SERIES:
        used = hl_spark(o, style, v->series.values, v->series.n);
        break;
    case HL_COLUMN_COUNT:
    case HL_COLUMN_BYTES:
    case HL_COLUMN_DELTA:
    case HL_COLUMN_DELTA_BYTES: {
        const char *text = number_text(t->columns[c].kind, v->number, buf);
        hl_out_spaces(o, width - strlen(text));
        hl_out_text(o, text);
        used = width;
        break;
    }
    }
    if (!last)
        hl_out_spaces(o, width - used + GAP);
}

static void heading(const hl_table *t, const uint32_t *shown, uint32_t n, const size_t *width,
                    const hl_style *style, hl_out *o)
{
    hl_paint_begin(o, style, HL_DIM);
    for (uint32_t c = 0; c < n; c++) {
        const hl_column *column = &t->columns[shown[c]];
        size_t pad = width[c] - hl_text_columns(column->title);
        bool left = column->kind == HL_COLUMN_TEXT || column->kind == HL_COLUMN_SERIES;
        if (!left)
            hl_out_spaces(o, pad);
        hl_out_text(o, column->title);
        if (c + 1 < n)
            hl_out_spaces(o, (left ? pad : 0) + GAP);
    }
    hl_paint_end(o, style, HL_DIM);
    hl_out_text(o, "\n");
}

void hl_table_text(const hl_table *t, const hl_style *style, hl_out *out)
{
    uint32_t shown[COLUMNS_MAX], n = 0;
    size_t width[COLUMNS_MAX];
    for (uint32_t c = 0; c < t->n_columns && n < COLUMNS_MAX; c++)
        if (t->columns[c].title)
            shown[n++] = c;
    fit(t, shown, n, style, width);
    hl_paint_text(out, style, HL_BOLD, t->title);
    hl_out_text(out, "\n");
    if (t->n_rows)
        heading(t, shown, n, width, style, out);
    for (uint32_t r = 0; r < t->n_rows; r++) {
        for (uint32_t c = 0; c < n; c++)
            put_cell(t, r, shown[c], width[c], c + 1 == n, style, out);
        hl_out_text(out, "\n");
    }
    char count[32];
    if (t->rows_left)
        hl_out_printf(out, "(%s more: --top N)\n", hl_count_text(t->rows_left, count));
    if (t->note && *t->note)
        hl_out_wrapped(out, style, 0, t->note);
}

void hl_chains_text(const hl_chains *c, const hl_style *style, hl_out *out)
{
    char count[32], bytes[16];
    hl_out known = {0};
    hl_paint_begin(out, style, HL_BOLD);
    hl_out_safe(out, c->target, 0);
    hl_paint_end(out, style, HL_BOLD);
    hl_out_printf(out, ": %s object%s\n", hl_count_text(c->matched, count),
                  c->matched == 1 ? "" : "s");
    for (uint32_t i = 0; i < c->n_chains; i++) {
        const hl_chain *chain = &c->chains[i];
        hl_out_printf(out, "\n%" PRIu32 ". ", i + 1);
        hl_out_safe(out, chain->name, 0);
        hl_out_printf(out, "  0x%" PRIx64, chain->address);
        if (chain->objects > 1)
            hl_out_printf(out, ", one of %s held this way", hl_count_text(chain->objects, count));
        hl_out_printf(out, "; keeps %s alive\n", hl_bytes_text(chain->retained, bytes));
        hl_chain_text(out, style, 3, chain->steps, chain->n_steps, chain->left_out, NULL);
        if (chain->made) {
            hl_out_spaces(out, 3);
            hl_out_text(out, "made by ");
            hl_out_safe(out, chain->made, 0);
            hl_out_text(out, "\n");
        }
        if (!chain->known)
            continue;
        hl_out_spaces(out, 3);
        hl_out_printf(&known, "%s (%s): %s", chain->known->what, chain->known->package,
                      chain->known->why);
        hl_out_write(&known, "", 1);
        if (!known.failed)
            hl_out_wrapped(out, style, 3, known.bytes);
        hl_out_deinit(&known);
    }
    if (c->matched && !c->n_chains)
        hl_out_text(out, "   nothing holds it but the calls that were set apart\n");
    if (c->chains_left)
        hl_out_printf(out, "\n(%s more ways: --top N)\n", hl_count_text(c->chains_left, count));
}
