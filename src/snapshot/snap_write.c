/* snapshot/snap_write.c: columns out of a process, block by block.
 *
 * Room   snapshot; runs in the target's cloned child: no malloc, no stdio, memory taken in init.
 * Takes  rows from a walker through hl_snap_put*.   Gives  one stream of chunks.
 * Knows  container, rt.  Must not know  Python, the walker, the reader.
 * Walkers do not ask each put whether it worked: the first failure stays in the writer, later
 * blocks are thrown away, and hl_snap_writer_end says it. */
#define _GNU_SOURCE
#include "snapshot/snap_write.h"

#include <string.h>

/* Texts leave this much of hl_fields for the numbers that follow them. */
enum { FIELDS_FOR_NUMBERS = 512, FIELD_NUMBER_MAX = 2 * HL_VARINT_MAX };

void hl_field_uint(hl_fields *f, unsigned tag, uint64_t v)
{
    if (sizeof f->bytes - f->n < FIELD_NUMBER_MAX)
        return;
    uint8_t *p = f->bytes + f->n;
    p = hl_varint_put(p, (uint64_t)tag << 1);
    p = hl_varint_put(p, v);
    f->n = (size_t)(p - f->bytes);
}

void hl_field_text(hl_fields *f, unsigned tag, const char *s)
{
    size_t room = sizeof f->bytes - f->n;
    if (room < FIELDS_FOR_NUMBERS)
        return;
    room -= FIELDS_FOR_NUMBERS - FIELD_NUMBER_MAX;
    size_t n = strnlen(s, room);
    if (n == room) /* cut; not inside a character */
        while (n && (s[n] & 0xC0) == 0x80)
            n--;
    uint8_t *p = f->bytes + f->n;
    p = hl_varint_put(p, (uint64_t)tag << 1 | 1);
    p = hl_varint_put(p, n);
    memcpy(p, s, n);
    f->n = (size_t)(p + n - f->bytes);
}

hl_status hl_snap_writer_init(hl_snap_writer *w, int fd, uint32_t stream, int level, hl_err *err)
{
    *w = (hl_snap_writer){.area_size = (size_t)HL_COL_COUNT * HL_SNAP_BLOCK};
    w->area = hl_pages_map(w->area_size);
    if (!w->area)
        return hl_err_set(err, HL_NO_MEMORY, "cannot map %zu bytes for a snapshot", w->area_size);
    for (unsigned c = 0; c < HL_COL_COUNT; c++)
        w->block[c] = w->area + (size_t)c * HL_SNAP_BLOCK;
    if (hl_chunk_writer_init(&w->chunks, fd, stream, level, err)) {
        hl_pages_unmap(w->area, w->area_size);
        w->area = NULL;
        return err->status;
    }
    return HL_OK;
}

void hl_snap_writer_deinit(hl_snap_writer *w)
{
    if (w->area) {
        hl_chunk_writer_deinit(&w->chunks);
        hl_pages_unmap(w->area, w->area_size);
    }
    *w = (hl_snap_writer){0};
}

static hl_status write_chunk(hl_snap_writer *w, enum hl_chunk_kind kind, uint8_t column,
                             const void *bytes, size_t n)
{
    if (w->err.status)
        return w->err.status;
    return hl_chunk_write(&w->chunks, (uint16_t)kind, column, bytes, n, &w->err);
}

void hl_snap_writer_flush(hl_snap_writer *w, enum hl_snap_column c)
{
    uint32_t n = w->used[c];
    w->used[c] = 0; /* also when it fails: puts must find room */
    if (n)
        (void)!write_chunk(w, HL_KIND_SNAP_COLUMN, (uint8_t)c, w->block[c], n);
}

void hl_snap_put_text(hl_snap_writer *w, enum hl_snap_column c, const char *s, size_t n)
{
    if (n > HL_SNAP_BLOCK / 2)
        n = HL_SNAP_BLOCK / 2;
    if (w->used[c] + HL_VARINT_MAX + n > HL_SNAP_BLOCK)
        hl_snap_writer_flush(w, c);
    uint8_t *p = hl_varint_put(w->block[c] + w->used[c], n);
    memcpy(p, s, n);
    w->used[c] = (uint32_t)(p + n - w->block[c]);
}

hl_status hl_snap_writer_meta(hl_snap_writer *w, const hl_fields *f, hl_err *err)
{
    if (write_chunk(w, HL_KIND_SNAP_META, 0, f->bytes, f->n))
        *err = w->err;
    return w->err.status;
}

hl_status hl_snap_writer_end(hl_snap_writer *w, hl_fields *f, hl_err *err)
{
    for (unsigned c = 0; c < HL_COL_COUNT; c++)
        hl_snap_writer_flush(w, (enum hl_snap_column)c);
    hl_field_uint(f, HL_SNAP_CHUNKS, (uint64_t)w->chunks.seq + 1);
    if (write_chunk(w, HL_KIND_SNAP_END, 0, f->bytes, f->n))
        *err = w->err;
    return w->err.status;
}

hl_status hl_run_record(int fd, enum hl_chunk_kind kind, uint32_t seq, const hl_fields *f,
                        hl_err *err)
{
    hl_chunk_writer w;
    if (hl_chunk_writer_init(&w, fd, 0, 1, err))
        return err->status;
    w.seq = seq;
    hl_status status = hl_chunk_write(&w, (uint16_t)kind, 0, f->bytes, f->n, err);
    hl_chunk_writer_deinit(&w);
    return status;
}
