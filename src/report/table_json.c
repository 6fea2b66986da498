/* report/table_json.c: tables and chains for programs.
 *
 * Room   report; analyser process. docs/commands.md shows the members of each view. */
#include "report/writer.h"

#include <inttypes.h>
#include <stdio.h>

enum { UNFOLDED = 2 };

static void put_cell(hl_json *j, const hl_column *column, const hl_cell *cell)
{
    switch (column->kind) {
    case HL_COLUMN_TEXT:
        hl_json_text(j, cell->text);
        return;
    case HL_COLUMN_SERIES:
        hl_json_open(j, '[');
        for (uint32_t i = 0; i < cell->series.n; i++)
            hl_json_uint(j, cell->series.values[i]);
        hl_json_close(j, ']');
        return;
    case HL_COLUMN_COUNT:
    case HL_COLUMN_BYTES:
    case HL_COLUMN_DELTA:
    case HL_COLUMN_DELTA_BYTES:
        break;
    }
    if (cell->number == HL_CELL_NONE)
        hl_json_null(j);
    else
        hl_json_int(j, cell->number);
}

static void put_table(hl_json *j, const hl_table *t)
{
    if (t->file) {
        hl_json_key(j, "file");
        hl_json_text(j, t->file);
    }
    hl_json_key(j, "view");
    hl_json_text(j, t->view);
    hl_json_key(j, "title");
    hl_json_text(j, t->title);
    hl_json_key(j, "rows");
    hl_json_open(j, '[');
    for (uint32_t r = 0; r < t->n_rows; r++) {
        hl_json_open(j, '{');
        for (uint32_t c = 0; c < t->n_columns; c++) {
            if (!t->columns[c].key)
                continue;
            hl_json_key(j, t->columns[c].key);
            put_cell(j, &t->columns[c], &t->cells[(size_t)r * t->n_columns + c]);
        }
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
    hl_json_key(j, "rows_left");
    hl_json_uint(j, t->rows_left);
    hl_json_key(j, "note");
    hl_json_text(j, t->note);
}

void hl_table_json(const hl_table *t, hl_out *out)
{
    hl_json j = {.out = out, .lines = UNFOLDED};
    hl_json_open(&j, '{');
    hl_json_key(&j, "schema");
    hl_json_text(&j, "heaplens.table/1");
    put_table(&j, t);
    hl_json_close(&j, '}');
}

void hl_tables_json(const char *view, const hl_table *tables, uint32_t n, hl_out *out)
{
    hl_json j = {.out = out, .lines = UNFOLDED + 2};
    hl_json_open(&j, '{');
    hl_json_key(&j, "schema");
    hl_json_text(&j, "heaplens.tables/1");
    hl_json_key(&j, "view");
    hl_json_text(&j, view);
    hl_json_key(&j, "tables");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < n; i++) {
        hl_json_open(&j, '{');
        put_table(&j, &tables[i]);
        hl_json_close(&j, '}');
    }
    hl_json_close(&j, ']');
    hl_json_close(&j, '}');
}

void hl_chains_json(const hl_chains *c, hl_out *out)
{
    hl_json j = {.out = out, .lines = UNFOLDED + 1};
    hl_json_open(&j, '{');
    hl_json_key(&j, "schema");
    hl_json_text(&j, "heaplens.paths/1");
    hl_json_key(&j, "target");
    hl_json_text(&j, c->target);
    hl_json_key(&j, "matched");
    hl_json_uint(&j, c->matched);
    hl_json_key(&j, "chains");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < c->n_chains; i++) {
        const hl_chain *chain = &c->chains[i];
        char address[24];
        snprintf(address, sizeof address, "0x%" PRIx64, chain->address);
        hl_json_open(&j, '{');
        hl_json_key(&j, "name");
        hl_json_text(&j, chain->name);
        hl_json_key(&j, "address");
        hl_json_text(&j, address);
        hl_json_key(&j, "objects");
        hl_json_uint(&j, chain->objects);
        hl_json_key(&j, "retained_bytes");
        hl_json_uint(&j, chain->retained);
        hl_json_key(&j, "made");
        hl_json_text(&j, chain->made);
        hl_json_key(&j, "known");
        hl_json_text(&j, chain->known ? chain->known->id : NULL);
        hl_json_key(&j, "steps");
        hl_json_open(&j, '[');
        for (uint32_t s = 0; s < chain->n_steps; s++) {
            hl_json_open(&j, '{');
            hl_json_key(&j, "edge");
            hl_json_text(&j, chain->steps[s].edge);
            hl_json_key(&j, "type");
            hl_json_text(&j, chain->steps[s].type);
            hl_json_key(&j, "name");
            hl_json_text(&j, chain->steps[s].name);
            hl_json_close(&j, '}');
        }
        hl_json_close(&j, ']');
        hl_json_key(&j, "steps_left_out");
        hl_json_uint(&j, chain->left_out);
        hl_json_close(&j, '}');
    }
    hl_json_close(&j, ']');
    hl_json_key(&j, "chains_left");
    hl_json_uint(&j, c->chains_left);
    hl_json_close(&j, '}');
}
