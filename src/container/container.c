/* container/container.c: the headers of a .hlens file as bytes; docs/format.md in C.
 *
 * Room   container; any process, the target's cloned child included: no memory, no state.
 * Takes  bytes of any origin.   Gives  a judgement on them, in a sentence for the file header. */
#define _GNU_SOURCE
#include "container/container.h"

#include "container/container_layout.h"

#include <string.h>
#include <zlib.h>

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)v);
    put16(p + 2, (uint16_t)(v >> 16));
}

static void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

uint32_t hl_crc32(const void *bytes, size_t n)
{
    return (uint32_t)crc32_z(0, bytes, n);
}

void hl_file_header_put(uint8_t out[HL_FILE_HEADER], uint64_t run_id)
{
    memset(out, 0, HL_FILE_HEADER);
    memcpy(out, HL_FILE_MAGIC, HL_FILE_MAGIC_SIZE);
    put16(out + 8, HL_FILE_MAJOR);
    put16(out + 10, HL_FILE_MINOR);
    put64(out + 16, run_id);
    put32(out + 28, hl_crc32(out, 28));
}

hl_status hl_file_header_get(const uint8_t *bytes, size_t n, const char *name, hl_file_header *out,
                             hl_err *err)
{
    if (n == 0)
        return hl_err_set(err, HL_EMPTY, "%s is empty: nothing was recorded into it", name);
    size_t seen = n < HL_FILE_MAGIC_SIZE ? n : HL_FILE_MAGIC_SIZE;
    if (memcmp(bytes, HL_FILE_MAGIC, seen)) {
        /* the last two bytes of the magic are there to notice this */
        if (seen > 6 && !memcmp(bytes, HL_FILE_MAGIC, 6))
            return hl_err_set(err, HL_CORRUPT,
                              "%s was changed by a transfer in text mode: copy it again as binary",
                              name);
        return hl_err_set(err, HL_FOREIGN,
                          "%s is not a heaplens file; make one with: heaplens run SCRIPT", name);
    }
    if (n < HL_FILE_HEADER)
        return hl_err_set(err, HL_TRUNCATED, "%s ends after %zu bytes, inside the file header",
                          name, n);
    if (get32(bytes + 28) != hl_crc32(bytes, 28))
        return hl_err_set(err, HL_CORRUPT, "%s: the file header does not match its checksum", name);
    uint16_t major = get16(bytes + 8);
    if (major > HL_FILE_MAJOR)
        return hl_err_set(err, HL_NEWER,
                          "%s has format %u; this heaplens " HL_VERSION
                          " reads up to format %d: use the heaplens that wrote it, or a later one",
                          name, major, HL_FILE_MAJOR);
    if (major == 0)
        return hl_err_set(err, HL_FOREIGN, "%s has format 0, which no heaplens ever wrote", name);
    *out = (hl_file_header){
        .major = major,
        .minor = get16(bytes + 10),
        .run_id = get64(bytes + 16),
    };
    return HL_OK;
}

void hl_chunk_header_put(uint8_t out[HL_CHUNK_HEADER], const hl_chunk *c)
{
    memcpy(out, HL_CHUNK_MAGIC, HL_CHUNK_MAGIC_SIZE);
    put16(out + 4, c->kind);
    out[6] = c->column;
    out[7] = c->codec;
    put32(out + 8, c->stream);
    put32(out + 12, c->seq);
    put32(out + 16, c->raw_size);
    put32(out + 20, c->stored_size);
    put32(out + 24, c->crc);
    put32(out + 28, hl_crc32(out, 28));
}

bool hl_chunk_header_get(const uint8_t bytes[HL_CHUNK_HEADER], hl_chunk *out)
{
    if (memcmp(bytes, HL_CHUNK_MAGIC, HL_CHUNK_MAGIC_SIZE) ||
        get32(bytes + 28) != hl_crc32(bytes, 28))
        return false;
    hl_chunk c = {
        .kind = get16(bytes + 4),
        .column = bytes[6],
        .codec = bytes[7],
        .stream = get32(bytes + 8),
        .seq = get32(bytes + 12),
        .raw_size = get32(bytes + 16),
        .stored_size = get32(bytes + 20),
        .crc = get32(bytes + 24),
    };
    /* no codec makes a payload larger: a writer stores it raw then */
    if (c.raw_size > HL_CHUNK_RAW_MAX || c.stored_size > c.raw_size ||
        (c.codec == HL_CODEC_RAW && c.stored_size != c.raw_size))
        return false;
    *out = c;
    return true;
}
