/* snapshot/snap_column.c: the slow half of reading a column: the next chunk, the odd value.
 *
 * Room   snapshot; analyser process.
 * Takes  the chunks of one column, in file order.   Gives  values, or a remembered failure.
 * Knows  container.  Must not know  what the values mean. */
#define _GNU_SOURCE
#include "snapshot/snap_column.h"

#include <string.h>

const char *hl_column_name(enum hl_snap_column c)
{
    static const char *const names[HL_COL_COUNT] = {
        [HL_COL_ID] = "ID",
        [HL_COL_FLAGS] = "FLAGS",
        [HL_COL_TYPE] = "TYPE",
        [HL_COL_SIZE] = "SIZE",
        [HL_COL_REFCNT] = "REFCNT",
        [HL_COL_NEDGE] = "NEDGE",
        [HL_COL_NFOLD] = "NFOLD",
        [HL_COL_LEN] = "LEN",
        [HL_COL_CAP] = "CAP",
        [HL_COL_EXT] = "EXT",
        [HL_COL_DST] = "DST",
        [HL_COL_LABEL] = "LABEL",
        [HL_COL_FOLD] = "FOLD",
        [HL_COL_PAGE] = "PAGE",
        [HL_COL_GEN0] = "GEN0",
        [HL_COL_GEN1] = "GEN1",
        [HL_COL_FROZEN] = "FROZEN",
        [HL_COL_NAME] = "NAME",
        [HL_COL_TYPES] = "TYPES",
        [HL_COL_CODE] = "CODE",
        [HL_COL_USE] = "USE",
        [HL_COL_ROOT] = "ROOT",
        [HL_COL_KEYS] = "KEYS",
        [HL_COL_STATIC] = "STATIC",
        [HL_COL_PROGRESS] = "PROGRESS",
        [HL_COL_EXPECT] = "EXPECT",
        [HL_COL_THREAD] = "THREAD",
        [HL_COL_DUP] = "DUP",
        [HL_COL_OFF] = "OFF",
        [HL_COL_NUMBER] = "NUMBER",
        [HL_COL_FRAME] = "FRAME",
        [HL_COL_STACK] = "STACK",
        [HL_COL_SITE] = "SITE",
        [HL_COL_AGE] = "AGE",
        [HL_COL_MADE] = "MADE",
        [HL_COL_WITHIN] = "WITHIN",
        [HL_COL_MODULE] = "MODULE",
        [HL_COL_NATIVE] = "NATIVE",
        [HL_COL_NATIVE_SITE] = "NATIVE_SITE",
        [HL_COL_LOST] = "LOST",
        [HL_COL_HOLD] = "HOLD",
        [HL_COL_LOST_SITE] = "LOST_SITE",
        [HL_COL_HELD] = "HELD",
        [HL_COL_NOBODY] = "NOBODY",
    };
    return (unsigned)c < HL_COL_COUNT && names[c] ? names[c] : "?";
}

void hl_column_open(hl_column_reader *r, hl_container *file, enum hl_snap_column column,
                    const hl_chunk *const *chunks, uint32_t n_chunks, uint8_t *buffer)
{
    *r = (hl_column_reader){
        .p = buffer,
        .end = buffer,
        .file = file,
        .chunks = chunks,
        .n_chunks = n_chunks,
        .buffer = buffer,
        .column = column,
    };
}

static void fail(hl_column_reader *r, const char *why)
{
    if (!r->err.status)
        (void)!hl_err_set(&r->err, HL_CORRUPT, "column %s %s", hl_column_name(r->column), why);
    r->p = r->end = r->buffer;
    r->next = r->n_chunks;
}

/* Brings in the next chunk behind the few bytes left. False: there is none, or it does not read. */
static bool refill(hl_column_reader *r)
{
    if (r->next == r->n_chunks)
        return false;
    size_t left = (size_t)(r->end - r->p);
    uint8_t *at = r->buffer + HL_COLUMN_SLACK;
    memmove(at - left, r->p, left);
    const hl_chunk *c = r->chunks[r->next++];
    if (hl_chunk_read(r->file, c, at, &r->err)) {
        (void)!hl_err_note(&r->err, "column %s", hl_column_name(r->column));
        fail(r, "");
        return false;
    }
    r->p = at - left;
    r->end = at + c->raw_size;
    return true;
}

uint64_t hl_column_take_slow(hl_column_reader *r)
{
    while (r->end - r->p < HL_VARINT_MAX && refill(r))
        ;
    uint64_t v = 0;
    const uint8_t *p = hl_varint_get(r->p, r->end, &v);
    if (p)
        r->p = p;
    else
        fail(r, r->p == r->end ? "ends too early" : "holds a broken value");
    return v;
}

bool hl_column_take_bytes(hl_column_reader *r, void *out, size_t n)
{
    uint8_t *to = out;
    while (n) {
        size_t have = (size_t)(r->end - r->p);
        size_t part = n < have ? n : have;
        memcpy(to, r->p, part);
        r->p += part;
        to += part;
        n -= part;
        if (n && !refill(r)) {
            fail(r, "ends inside a text");
            memset(to, 0, n);
            return false;
        }
    }
    return true;
}

bool hl_column_done(hl_column_reader *r)
{
    while (r->p == r->end)
        if (!refill(r))
            return true;
    return false;
}

hl_status hl_column_failed(const hl_column_reader *r, hl_err *err)
{
    if (r->err.status)
        *err = r->err;
    return r->err.status;
}

hl_status hl_column_end(hl_column_reader *r, hl_err *err)
{
    if (!hl_column_done(r))
        fail(r, "holds more values than the snapshot has rows");
    return hl_column_failed(r, err);
}
