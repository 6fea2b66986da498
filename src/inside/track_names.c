/* inside/track_names.c: what the sites of the tracker are called, for Python code.
 *
 * Room   inside; target with the GIL.
 * Takes  records of code objects (track/codes.h), copied under the lock.   Gives  texts and lines.
 * Knows  the tracker's tables.  Must not know  blocks, how rows are grouped. */
#include "inside/track_names.h" /* first: Python.h sets _GNU_SOURCE */

#include "rt/rt.h"

#include <string.h>

#define T (&hl_tracking)

bool hl_track_names_init(hl_track_names *c)
{
    hl_lock_take(&T->sites.lock);
    c->n = T->codes.n;
    c->bytes = T->codes.n_pool;
    c->codes = hl_pages_map(c->n * sizeof *c->codes);
    c->pool = hl_pages_map(c->bytes);
    if (c->codes && c->pool) {
        memcpy(c->codes, T->codes.codes, c->n * sizeof *c->codes);
        memcpy(c->pool, T->codes.pool, c->bytes);
    }
    hl_lock_give(&T->sites.lock);
    return c->codes && c->pool;
}

void hl_track_names_deinit(hl_track_names *c)
{
    hl_pages_unmap(c->codes, c->n * sizeof *c->codes);
    hl_pages_unmap(c->pool, c->bytes);
}

const hl_code *hl_track_names_code(const hl_track_names *c, const hl_site *s)
{
    return &c->codes[s->code < c->n ? s->code : 0];
}

uint32_t hl_track_names_line(const hl_track_names *c, const hl_site *s)
{
    const hl_code *code = hl_track_names_code(c, s);
    return hl_line_at(hl_track_lines_format(), (const uint8_t *)c->pool + code->table,
                      code->table_bytes, code->first_line, s->offset);
}

PyObject *hl_track_names_text(const hl_track_names *c, uint32_t text)
{
    hl_codes pool = {.pool = c->pool};
    size_t n;
    const char *s = hl_codes_text(&pool, text, &n);
    return PyUnicode_DecodeUTF8(s, (Py_ssize_t)n, "replace");
}
