/* snapshot/snap_column.h: one column of a snapshot as a stream of values, chunk after chunk.
 *
 * Room   snapshot; analyser process; for its own files only.
 * A reader holds one decompressed chunk at a time. What it takes beyond the column's end, or from
 * a chunk that does not read, is zero, and the reader remembers the failure: loops whose length is
 * known ask once, at their end, with hl_column_end or hl_column_failed. */
#ifndef HL_SNAP_COLUMN_H
#define HL_SNAP_COLUMN_H

#include "base/err.h"
#include "container/container.h"
#include "rt/rt.h"
#include "snapshot/snap_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HL_COLUMN_SLACK = 16 }; /* buffer bytes in front, for a value that spans two chunks */

typedef struct hl_column_reader {
    const uint8_t *p, *end; /* not yet taken; in buffer */
    uint64_t last;          /* for deltas */
    hl_container *file;     /* borrowed */
    const hl_chunk *const *chunks;
    uint32_t n_chunks, next;
    uint8_t *buffer; /* borrowed: HL_COLUMN_SLACK and the largest raw size */
    enum hl_snap_column column;
    hl_err err; /* the first failure; HL_OK: none */
} hl_column_reader;

void hl_column_open(hl_column_reader *r, hl_container *file, enum hl_snap_column column,
                    const hl_chunk *const *chunks, uint32_t n_chunks, uint8_t *buffer);
/* Of "SIZE", for messages. */
const char *hl_column_name(enum hl_snap_column c);
/* Takes a value that is long or near the end of the buffer. */
uint64_t hl_column_take_slow(hl_column_reader *r);
/* Takes n bytes, 0 where there are none left. False: failed. */
bool hl_column_take_bytes(hl_column_reader *r, void *out, size_t n);
/* Nothing left to take (or failed). */
bool hl_column_done(hl_column_reader *r);
/* The first failure, or a complaint if values are left over. */
hl_status hl_column_end(hl_column_reader *r, hl_err *err) HL_MUST_CHECK;
hl_status hl_column_failed(const hl_column_reader *r, hl_err *err) HL_MUST_CHECK;

static inline uint64_t hl_column_take(hl_column_reader *r)
{
    const uint8_t *p = r->p;
    if (__builtin_expect(r->end - p >= 3, 1)) {
        if (p[0] < 128) {
            r->p = p + 1;
            return p[0];
        }
        if (p[1] < 128) {
            r->p = p + 2;
            return (p[0] & 127u) | (uint32_t)p[1] << 7;
        }
        if (p[2] < 128) {
            r->p = p + 3;
            return (p[0] & 127u) | (p[1] & 127u) << 7 | (uint32_t)p[2] << 14;
        }
    }
    return hl_column_take_slow(r);
}

static inline uint64_t hl_column_take_delta(hl_column_reader *r)
{
    return r->last += (uint64_t)hl_unzigzag(hl_column_take(r));
}

/* A value that must fit 32 bits; larger ones become `instead`. */
static inline uint32_t hl_column_take32(hl_column_reader *r, uint32_t instead)
{
    uint64_t v = hl_column_take(r);
    return v > UINT32_MAX ? instead : (uint32_t)v;
}

#endif
