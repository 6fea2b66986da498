/* snapshot/snap_write.h: columns out of a process, block by block.
 *
 * Room   snapshot; runs in the target's cloned child (and in tests): all memory is taken in init,
 *        failures are remembered in the writer and end further writing.
 * Use    init, meta, put... in row order, end. One writer writes one stream. */
#ifndef HL_SNAP_WRITE_H
#define HL_SNAP_WRITE_H

#include "base/err.h"
#include "container/container.h"
#include "rt/rt.h"
#include "snapshot/snap_format.h"

#include <stddef.h>
#include <stdint.h>

enum { HL_SNAP_BLOCK = 256 * 1024, HL_FIELDS_MAX = 4096 };

/* A META or END payload under construction. */
typedef struct hl_fields {
    uint8_t bytes[HL_FIELDS_MAX];
    size_t n;
} hl_fields;
void hl_field_uint(hl_fields *f, unsigned tag, uint64_t v);
void hl_field_text(hl_fields *f, unsigned tag, const char *s); /* cut to what fits */

typedef struct hl_snap_writer {
    hl_chunk_writer chunks;
    uint8_t *block[HL_COL_COUNT]; /* HL_SNAP_BLOCK bytes each */
    uint32_t used[HL_COL_COUNT];
    uint64_t last[HL_COL_COUNT]; /* for deltas */
    uint8_t *area;
    size_t area_size;
    hl_err err; /* the first failure; HL_OK: none */
} hl_snap_writer;

hl_status hl_snap_writer_init(hl_snap_writer *w, int fd, uint32_t stream, int level,
                              hl_err *err) HL_MUST_CHECK;
void hl_snap_writer_deinit(hl_snap_writer *w);
void hl_snap_writer_flush(hl_snap_writer *w, enum hl_snap_column c);
hl_status hl_snap_writer_meta(hl_snap_writer *w, const hl_fields *f, hl_err *err) HL_MUST_CHECK;
/* Flushes every column, then writes END with these totals (HL_SNAP_CHUNKS is added here). */
hl_status hl_snap_writer_end(hl_snap_writer *w, hl_fields *f, hl_err *err) HL_MUST_CHECK;

static inline void hl_snap_put(hl_snap_writer *w, enum hl_snap_column c, uint64_t v)
{
    if (__builtin_expect(w->used[c] > HL_SNAP_BLOCK - HL_VARINT_MAX, 0))
        hl_snap_writer_flush(w, c);
    uint8_t *p = w->block[c] + w->used[c];
    w->used[c] = (uint32_t)(hl_varint_put(p, v) - w->block[c]);
}
static inline void hl_snap_put_delta(hl_snap_writer *w, enum hl_snap_column c, uint64_t v)
{
    hl_snap_put(w, c, hl_zigzag((int64_t)(v - w->last[c])));
    w->last[c] = v;
}
/* Length and bytes; n at most HL_SNAP_BLOCK / 2. */
void hl_snap_put_text(hl_snap_writer *w, enum hl_snap_column c, const char *s, size_t n);

/* A run's own record (stream 0), appended at once: RUN_META at the start, RUN_END at the end. */
hl_status hl_run_record(int fd, enum hl_chunk_kind kind, uint32_t seq, const hl_fields *f,
                        hl_err *err) HL_MUST_CHECK;

#endif
