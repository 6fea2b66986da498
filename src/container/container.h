/* container/container.h: the .hlens file: append-only, self-checked chunks; knows no content.
 *
 * Room   container; the writing half runs in the target's cloned child (no malloc, one write(2)
 *        a chunk on an O_APPEND descriptor), the reading half in the analyser.
 * Layout a 32-byte file header, then chunks: a 32-byte chunk header and its payload. All numbers
 *        little-endian. docs/format.md is the specification; container.c holds the headers,
 *        container_write.c and container_read.c the rest.
 *
 *   file   0 magic "\x89HLENS\r\n" | 8 major u16 | 10 minor u16 | 12 reserved u32
 *         16 run id u64            | 24 reserved u32            | 28 crc32 of bytes 0..27
 *   chunk  0 magic "HLCK" | 4 kind u16 | 6 column u8 | 7 codec u8 | 8 stream u32 | 12 seq u32
 *         16 raw size u32 | 20 stored size u32 | 24 crc32 of the stored payload | 28 crc32 of 0..27
 *
 * A chunk belongs to a stream (one snapshot is one stream, 0 is the run itself); seq counts its
 * stream's chunks from 0, so that a lost one is noticed. A reader that knows major but not a kind
 * or column skips it. */
#ifndef HL_CONTAINER_H
#define HL_CONTAINER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HL_FILE_MAJOR = 1,
    HL_FILE_MINOR = 3,
    HL_FILE_HEADER = 32,
    HL_CHUNK_HEADER = 32,
    HL_CHUNK_RAW_MAX = 4 << 20, /* a reader refuses more, so a lying size cannot eat memory */
};
typedef enum hl_codec { HL_CODEC_RAW = 0, HL_CODEC_ZSTD = 1 } hl_codec;

typedef struct hl_chunk {
    uint64_t offset; /* of the chunk header in the file */
    uint16_t kind;
    uint8_t column;
    uint8_t codec;
    uint32_t stream, seq;
    uint32_t raw_size, stored_size; /* bytes */
    uint32_t crc;
} hl_chunk;

/* ---- writing ------------------------------------------------------------------------------ */

/* Creates path (0600) with its file header. Refuses an existing file with HL_USAGE unless
 * replace. The descriptor is O_APPEND | O_CLOEXEC and the caller's. */
hl_status hl_container_create(const char *path, bool replace, uint64_t run_id, int *out_fd,
                              hl_err *err) HL_MUST_CHECK;
/* Writes the file header to an empty file of the caller's. */
hl_status hl_container_begin(int fd, uint64_t run_id, hl_err *err) HL_MUST_CHECK;
/* Opens an existing file of ours for appending (checks its header). */
hl_status hl_container_append(const char *path, int *out_fd, hl_err *err) HL_MUST_CHECK;

typedef struct hl_chunk_writer {
    int fd;          /* borrowed */
    uint32_t stream; /* of every chunk written */
    uint32_t seq;    /* next */
    int level;       /* zstd level */
    void *zstd;      /* in the work area below */
    uint8_t *frame;  /* header and stored payload, written at once */
    size_t frame_capacity;
    uint64_t bytes_written;
    void *area; /* our pages */
    size_t area_size;
} hl_chunk_writer;

/* Takes all its memory here, from hl_pages_map; later calls take none. */
hl_status hl_chunk_writer_init(hl_chunk_writer *w, int fd, uint32_t stream, int level,
                               hl_err *err) HL_MUST_CHECK;
void hl_chunk_writer_deinit(hl_chunk_writer *w);
/* Compresses raw (at most HL_CHUNK_RAW_MAX bytes; stored as it is if that is smaller) and appends
 * one chunk by one write. */
hl_status hl_chunk_write(hl_chunk_writer *w, uint16_t kind, uint8_t column, const void *raw,
                         size_t n, hl_err *err) HL_MUST_CHECK;

/* ---- reading ------------------------------------------------------------------------------ */

typedef struct hl_container hl_container;

/* What is wrong with a file that could still be read in part. All zero: whole. */
typedef struct hl_damage {
    uint64_t bytes_lost;   /* not part of any valid chunk                            */
    uint64_t first_offset; /* of the first such byte, or of the first bad payload     */
    uint32_t gaps;         /* places inside the file where chunks had to be found anew */
    uint32_t payloads_bad; /* counted by hl_container_verify and by failed reads       */
    bool torn_tail;        /* the file ends inside a chunk: writing was cut off        */
} hl_damage;

/* Reads the header and indexes every chunk whose header is whole, going on after damage.
 * HL_NOT_FOUND, HL_PERMISSION, HL_EMPTY (0 bytes), HL_FOREIGN (other magic), HL_NEWER (major),
 * HL_TRUNCATED (no whole header), HL_CORRUPT (header checksum). Never maps the file: another
 * process may truncate it at any time. */
hl_status hl_container_open(const char *path, hl_container **out, hl_err *err) HL_MUST_CHECK;
/* The same over bytes in memory (borrowed), for fuzzers. */
hl_status hl_container_open_bytes(const void *bytes, size_t n, hl_container **out,
                                  hl_err *err) HL_MUST_CHECK;
void hl_container_close(hl_container *c);

size_t hl_container_chunks(const hl_container *c, const hl_chunk **out); /* borrowed; file order */
hl_damage hl_container_damage(const hl_container *c);
uint64_t hl_container_run_id(const hl_container *c);
const char *hl_container_name(const hl_container *c); /* the path, for messages */
/* Reads and decompresses into out (chunk->raw_size bytes). */
hl_status hl_chunk_read(hl_container *c, const hl_chunk *chunk, void *out,
                        hl_err *err) HL_MUST_CHECK;
/* Reads every payload; HL_OK also when damage was found: see hl_container_damage. */
hl_status hl_container_verify(hl_container *c, hl_err *err) HL_MUST_CHECK;

/* ---- thinning ----------------------------------------------------------------------------- */

/* Leaves out the n streams, and whatever is no whole chunk, by way of PATH.thin. Nobody may be
 * writing; readers may go on. The file is as it was if this fails. */
hl_status hl_container_thin(const char *path, const uint32_t *streams, size_t n,
                            hl_err *err) HL_MUST_CHECK;

#endif
