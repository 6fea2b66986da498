/* tests/fuzz/mend.c: puts checksums right, and mutates between the frames. */
#define _GNU_SOURCE
#include "mend.h"

#include "container/container.h"
#include "container/container_layout.h"

#include <stdlib.h>
#include <string.h>

static uint32_t get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void mend_file(uint8_t *bytes)
{
    memcpy(bytes, HL_FILE_MAGIC, HL_FILE_MAGIC_SIZE);
    bytes[8] = HL_FILE_MAJOR;
    bytes[9] = 0;
    put32(bytes + 28, hl_crc32(bytes, 28));
}

/* What the header at p must say for a chunk with `left` bytes behind the header. */
static void mend_sizes(uint8_t *p, size_t left)
{
    uint32_t raw = get32(p + 16), stored = get32(p + 20);
    if (stored > left)
        stored = (uint32_t)left;
    if (p[7] == HL_CODEC_RAW)
        raw = stored;
    if (raw > HL_CHUNK_RAW_MAX)
        raw %= HL_CHUNK_RAW_MAX;
    if (stored > raw)
        raw = stored;
    put32(p + 16, raw);
    put32(p + 20, stored);
}

uint64_t fuzz_mend(uint8_t *bytes, size_t n)
{
    uint32_t next_seq[16] = {0};
    uint64_t raw = 0;
    if (n < HL_FILE_HEADER)
        return 0;
    unsigned what = bytes[FUZZ_MEND_AT];
    if (what & FUZZ_MEND_FILE)
        mend_file(bytes);
    for (size_t at = HL_FILE_HEADER; n - at >= HL_CHUNK_HEADER;) {
        uint8_t *p = bytes + at;
        size_t left = n - at - HL_CHUNK_HEADER;
        if (what & FUZZ_MEND_CHUNKS) {
            memcpy(p, HL_CHUNK_MAGIC, HL_CHUNK_MAGIC_SIZE);
            mend_sizes(p, left);
        }
        uint32_t stored = get32(p + 20);
        raw += get32(p + 16);
        if (stored > left)
            break;
        if (what & FUZZ_MEND_SEQ)
            put32(p + 12, next_seq[get32(p + 8) % 16]++);
        if (what & FUZZ_MEND_PAYLOAD)
            put32(p + 24, hl_crc32(p + HL_CHUNK_HEADER, stored));
        if (what & FUZZ_MEND_CHUNKS)
            put32(p + 28, hl_crc32(p, 28));
        at += HL_CHUNK_HEADER + stored;
    }
    return raw;
}

/* ---- mutation ---------------------------------------------------------------------------------
 */

enum { CHUNKS_MAX = 256 };

/* Offsets of the chunks and, last, of their end. Returns their number. */
static size_t frames(const uint8_t *bytes, size_t n, size_t at[CHUNKS_MAX + 1])
{
    size_t count = 0;
    at[0] = HL_FILE_HEADER;
    while (count < CHUNKS_MAX && n - at[count] >= HL_CHUNK_HEADER) {
        const uint8_t *p = bytes + at[count];
        uint32_t stored = get32(p + 20);
        if (memcmp(p, HL_CHUNK_MAGIC, HL_CHUNK_MAGIC_SIZE) ||
            stored > n - at[count] - HL_CHUNK_HEADER)
            break;
        at[count + 1] = at[count] + HL_CHUNK_HEADER + stored;
        count++;
    }
    return count;
}

/* The bytes from `from` on move to `to`. Returns the new size, or 0 if there is no room. */
static size_t move_tail(uint8_t *bytes, size_t n, size_t from, size_t to, size_t max)
{
    if (n - from + to > max)
        return 0;
    memmove(bytes + to, bytes + from, n - from);
    return n - from + to;
}

static size_t mutate_payload(uint8_t *bytes, size_t n, size_t max, size_t at, size_t end,
                             size_t (*mutate)(uint8_t *, size_t, size_t))
{
    size_t size = end - at - HL_CHUNK_HEADER, room = size + 64;
    if (n + 64 > max)
        room = size;
    uint8_t *payload = malloc(room + 1);
    if (!payload)
        return n;
    memcpy(payload, bytes + at + HL_CHUNK_HEADER, size);
    size_t now = room ? mutate(payload, size, room) : 0;
    size_t total = move_tail(bytes, n, end, at + HL_CHUNK_HEADER + now, max);
    if (total) {
        memcpy(bytes + at + HL_CHUNK_HEADER, payload, now);
        put32(bytes + at + 20, (uint32_t)now);
        if (bytes[at + 7] == HL_CODEC_RAW)
            put32(bytes + at + 16, (uint32_t)now);
        n = total;
    }
    free(payload);
    return n;
}

/* Repeats, drops or exchanges chunks. */
static size_t mutate_order(uint8_t *bytes, size_t n, size_t max, const size_t *at, size_t count,
                           unsigned seed)
{
    size_t a = seed % count, b = seed / 7 % count, size = at[a + 1] - at[a], total;
    switch (seed / 64 % 3) {
    case 0:
        return move_tail(bytes, n, at[a + 1], at[a], max);
    case 1:
        total = move_tail(bytes, n, at[a + 1], at[a + 1] + size, max);
        if (total)
            memcpy(bytes + at[a + 1], bytes + at[a], size);
        return total ? total : n;
    default: /* kinds and columns change places, payloads stay */
        for (unsigned i = 4; i < 7; i++) {
            uint8_t was = bytes[at[a] + i];
            bytes[at[a] + i] = bytes[at[b] + i];
            bytes[at[b] + i] = was;
        }
        return n;
    }
}

size_t fuzz_mutate(uint8_t *bytes, size_t n, size_t max, unsigned seed,
                   size_t (*mutate)(uint8_t *bytes, size_t n, size_t max))
{
    size_t at[CHUNKS_MAX + 1];
    size_t count = n < HL_FILE_HEADER ? 0 : frames(bytes, n, at);
    unsigned way = seed % 16;
    seed /= 16;
    if (count == 0 || way == 0)
        return mutate(bytes, n, max);
    if (way == 1)
        return mutate_order(bytes, n, max, at, count, seed);
    size_t i = seed % count;
    if (way == 2) { /* the header's own fields */
        bytes[at[i] + 4 + seed / 256 % 20] = (uint8_t)(seed / 5120);
        return n;
    }
    return mutate_payload(bytes, n, max, at[i], at[i + 1], mutate);
}
