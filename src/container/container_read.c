/* container/container_read.c: indexes the chunks of a .hlens file, around damage, and reads them.
 *
 * Room   container; analyser process.
 * Takes  a path, or bytes in memory; both are strangers.   Gives  an index and checked payloads.
 * Must not know  what the payloads mean.
 * Method Chunk headers are followed from one to the next. Where the next one is not a header, the
 *        search for the magic starts right behind the last good header, since that chunk may be
 *        the one that was cut off while later ones were appended. A byte is looked at three times
 *        at most.
 * The file is read, never mapped: its program may be running, and anybody may truncate it. */
#define _GNU_SOURCE
#include "container/container.h"
#include "container/container_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { WINDOW = 64 * 1024 };
#define NOWHERE UINT64_MAX

struct hl_container {
    char *name;           /* owned */
    const uint8_t *bytes; /* borrowed; NULL: fd */
    int fd;               /* owned */
    uint64_t size;        /* when it was opened; what comes later is not ours */
    hl_file_header header;
    hl_chunk *chunks; /* owned */
    size_t n_chunks, capacity;
    uint8_t *bad; /* owned; a flag a chunk: its payload was found bad */
    hl_damage damage;
    uint8_t *stored; /* owned; a payload as it lies in the file */
    size_t stored_capacity;
    ZSTD_DCtx *zstd; /* owned */
    struct {         /* while indexing */
        uint8_t *bytes;
        uint64_t at;
        size_t n;
    } window;
};

/* Up to n bytes at offset `at`; fewer where the file ends early (it may shrink as we read). */
static hl_status read_at(hl_container *c, uint64_t at, void *out, size_t n, size_t *got,
                         hl_err *err)
{
    size_t done = 0, left = at < c->size ? (size_t)(c->size - at) : 0;
    if (n > left)
        n = left;
    if (c->bytes && n) {
        memcpy(out, c->bytes + at, n);
        done = n;
    }
    while (done < n) {
        ssize_t r = pread(c->fd, (char *)out + done, n - done, (off_t)(at + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return hl_err_errno(err, errno, "cannot read %s at %" PRIu64, c->name, at + done);
        if (r == 0)
            break;
        done += (size_t)r;
    }
    *got = done;
    return HL_OK;
}

/* Points *p at the bytes from `at` on; *n of them, at least `want` unless the file ends before. */
static hl_status look(hl_container *c, uint64_t at, size_t want, const uint8_t **p, size_t *n,
                      hl_err *err)
{
    if (at < c->window.at || at + want > c->window.at + c->window.n) {
        c->window.at = at;
        c->window.n = 0;
        hl_status status = read_at(c, at, c->window.bytes, WINDOW, &c->window.n, err);
        if (status)
            return status;
    }
    *p = c->window.bytes + (at - c->window.at);
    *n = c->window.n - (size_t)(at - c->window.at);
    return HL_OK;
}

/* *found: a whole header at `at`, whose chunk may still reach beyond the end of the file. */
static hl_status header_at(hl_container *c, uint64_t at, hl_chunk *out, bool *found, hl_err *err)
{
    const uint8_t *p;
    size_t n;
    hl_status status = look(c, at, HL_CHUNK_HEADER, &p, &n, err);
    if (status)
        return status;
    *found = n >= HL_CHUNK_HEADER && hl_chunk_header_get(p, out);
    out->offset = at;
    return HL_OK;
}

/* The first whole header at or after `at`; *found is false if there is none. */
static hl_status header_after(hl_container *c, uint64_t at, hl_chunk *out, bool *found, hl_err *err)
{
    *found = false;
    while (!*found) {
        const uint8_t *p;
        size_t n;
        hl_status status = look(c, at, HL_CHUNK_HEADER, &p, &n, err);
        if (status || n < HL_CHUNK_HEADER)
            return status;
        const uint8_t *m = memmem(p, n, HL_CHUNK_MAGIC, HL_CHUNK_MAGIC_SIZE);
        if (!m) {
            at += n - (HL_CHUNK_MAGIC_SIZE - 1);
            continue;
        }
        at += (uint64_t)(m - p);
        status = header_at(c, at, out, found, err);
        if (status)
            return status;
        at++;
    }
    return HL_OK;
}

static void lose(hl_damage *d, uint64_t from, uint64_t to)
{
    if (!d->bytes_lost || from < d->first_offset)
        d->first_offset = from;
    d->bytes_lost += to - from;
}

static hl_status keep(hl_container *c, const hl_chunk *chunk, hl_err *err)
{
    if (c->n_chunks == c->capacity) {
        size_t capacity = c->capacity ? c->capacity * 2 : 64;
        hl_chunk *grown = reallocarray(c->chunks, capacity, sizeof *grown);
        if (!grown)
            return hl_err_set(err, HL_NO_MEMORY, "%s: no memory for an index of %zu chunks",
                              c->name, capacity);
        c->chunks = grown;
        c->capacity = capacity;
    }
    c->chunks[c->n_chunks++] = *chunk;
    return HL_OK;
}

/* Was chunk written whole? It was if it ends where the next one begins or the file ends. If
 * neither, it was if no other chunk begins inside it. (A torn one whose claimed end happens to be
 * the start of a later one passes here, and its checksum tells.) *next: where one begins behind its
 * header, NOWHERE if none does (looked for only when chunk is not followed by another). */
static hl_status judge(hl_container *c, const hl_chunk *chunk, bool *whole, uint64_t *next,
                       hl_err *err)
{
    uint64_t end = chunk->offset + HL_CHUNK_HEADER + chunk->stored_size;
    hl_chunk other;
    bool found = false;
    *whole = true;
    *next = end;
    if (end == c->size)
        return HL_OK;
    hl_status status = end < c->size ? header_at(c, end, &other, &found, err) : HL_OK;
    if (status || found)
        return status;
    status = header_after(c, chunk->offset + HL_CHUNK_HEADER, &other, &found, err);
    if (status)
        return status;
    *whole = end < c->size && (!found || other.offset >= end);
    *next = found ? other.offset : NOWHERE;
    return HL_OK;
}

static hl_status index_chunks(hl_container *c, hl_err *err)
{
    uint64_t at = HL_FILE_HEADER; /* all before it is settled */
    while (at < c->size) {
        hl_chunk chunk;
        bool found, whole = false;
        uint64_t next = NOWHERE;
        hl_status status = header_at(c, at, &chunk, &found, err);
        if (!status && found)
            status = judge(c, &chunk, &whole, &next, err);
        else if (!status)
            status = header_after(c, at + 1, &chunk, &found, err);
        if (status)
            return status;
        if (whole) {
            if (keep(c, &chunk, err))
                return err->status;
            at = chunk.offset + HL_CHUNK_HEADER + chunk.stored_size;
            continue;
        }
        if (found && chunk.offset > at)
            next = chunk.offset;
        if (next == NOWHERE) {
            lose(&c->damage, at, c->size);
            c->damage.torn_tail = true;
            return HL_OK;
        }
        lose(&c->damage, at, next);
        c->damage.gaps++;
        at = next;
    }
    return HL_OK;
}

static hl_status open_source(hl_container *c, const char *path, hl_err *err)
{
    c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (c->fd < 0)
        return hl_err_errno(err, errno, "cannot open %s", path);
    struct stat st;
    if (fstat(c->fd, &st) < 0)
        return hl_err_errno(err, errno, "cannot look at %s", path);
    if (S_ISDIR(st.st_mode))
        return hl_err_set(err, HL_FOREIGN, "%s is a directory, not a heaplens file", path);
    if (!S_ISREG(st.st_mode))
        return hl_err_set(err, HL_FOREIGN, "%s is not a regular file", path);
    c->size = (uint64_t)st.st_size;
    return HL_OK;
}

static hl_status read_index(hl_container *c, hl_err *err)
{
    uint8_t header[HL_FILE_HEADER];
    size_t n;
    if (read_at(c, 0, header, sizeof header, &n, err) ||
        hl_file_header_get(header, n, c->name, &c->header, err))
        return err->status;
    c->window.bytes = malloc(WINDOW);
    if (!c->window.bytes)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to read %s", c->name);
    hl_status status = index_chunks(c, err);
    free(c->window.bytes);
    c->window.bytes = NULL;
    if (status)
        return status;
    c->bad = calloc(c->n_chunks + 1, 1);
    return c->bad ? HL_OK : hl_err_set(err, HL_NO_MEMORY, "no memory to read %s", c->name);
}

static hl_status open_any(const char *path, const void *bytes, size_t n, hl_container **out,
                          hl_err *err)
{
    hl_container *c = calloc(1, sizeof *c);
    if (!c)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to open a file");
    c->fd = -1;
    c->size = n;
    c->bytes = bytes;
    c->window.at = NOWHERE;
    c->name = strdup(path ? path : "(memory)");
    hl_status status = HL_OK;
    if (!c->name)
        status = hl_err_set(err, HL_NO_MEMORY, "no memory to open a file");
    else if (path)
        status = open_source(c, path, err);
    if (!status)
        status = read_index(c, err);
    if (status) {
        hl_container_close(c);
        return status;
    }
    *out = c;
    return HL_OK;
}

hl_status hl_container_open(const char *path, hl_container **out, hl_err *err)
{
    return open_any(path, NULL, 0, out, err);
}

hl_status hl_container_open_bytes(const void *bytes, size_t n, hl_container **out, hl_err *err)
{
    return open_any(NULL, n ? bytes : "", n, out, err);
}

void hl_container_close(hl_container *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    ZSTD_freeDCtx(c->zstd);
    free(c->window.bytes);
    free(c->stored);
    free(c->bad);
    free(c->chunks);
    free(c->name);
    free(c);
}

size_t hl_container_chunks(const hl_container *c, const hl_chunk **out)
{
    *out = c->chunks;
    return c->n_chunks;
}

hl_damage hl_container_damage(const hl_container *c)
{
    return c->damage;
}

uint64_t hl_container_run_id(const hl_container *c)
{
    return c->header.run_id;
}

const char *hl_container_name(const hl_container *c)
{
    return c->name;
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const hl_chunk *)a)->offset, y = ((const hl_chunk *)b)->offset;
    return (x > y) - (x < y);
}

/* Counts a bad payload once, however often it is read. */
static void mark_bad(hl_container *c, const hl_chunk *chunk)
{
    const hl_chunk *known = bsearch(chunk, c->chunks, c->n_chunks, sizeof *chunk, by_offset);
    if (!known || c->bad[known - c->chunks])
        return;
    c->bad[known - c->chunks] = 1;
    c->damage.payloads_bad++;
    bool clean = !c->damage.bytes_lost && c->damage.payloads_bad == 1;
    if (clean || chunk->offset < c->damage.first_offset)
        c->damage.first_offset = chunk->offset;
}

static hl_status payload_bad(hl_container *c, const hl_chunk *chunk, hl_status status,
                             const char *why, hl_err *err)
{
    mark_bad(c, chunk);
    return hl_err_set(err, status, "%s: chunk at %" PRIu64 " %s", c->name, chunk->offset, why);
}

hl_status hl_chunk_read(hl_container *c, const hl_chunk *chunk, void *out, hl_err *err)
{
    if (chunk->stored_size > HL_CHUNK_RAW_MAX || chunk->raw_size > HL_CHUNK_RAW_MAX)
        return payload_bad(c, chunk, HL_CORRUPT, "claims an impossible size", err);
    if (chunk->codec != HL_CODEC_RAW && chunk->codec != HL_CODEC_ZSTD)
        return payload_bad(c, chunk, HL_UNSUPPORTED,
                           "is packed in a way this heaplens does not know: use a later one", err);
    if (chunk->stored_size > c->stored_capacity) {
        free(c->stored);
        c->stored_capacity = 0;
        c->stored = malloc(chunk->stored_size);
        if (!c->stored)
            return hl_err_set(err, HL_NO_MEMORY, "%s: no memory for a chunk of %u bytes", c->name,
                              chunk->stored_size);
        c->stored_capacity = chunk->stored_size;
    }
    size_t got;
    uint8_t *stored = chunk->codec == HL_CODEC_RAW ? out : c->stored;
    if (read_at(c, chunk->offset + HL_CHUNK_HEADER, stored, chunk->stored_size, &got, err))
        return err->status;
    if (got < chunk->stored_size)
        return payload_bad(c, chunk, HL_TRUNCATED, "was cut off while it was read", err);
    if (hl_crc32(stored, got) != chunk->crc)
        return payload_bad(c, chunk, HL_CORRUPT, "does not match its checksum", err);
    if (chunk->codec == HL_CODEC_RAW)
        return chunk->stored_size == chunk->raw_size
                   ? HL_OK
                   : payload_bad(c, chunk, HL_CORRUPT, "contradicts its own size", err);
    if (!c->zstd && !(c->zstd = ZSTD_createDCtx()))
        return hl_err_set(err, HL_NO_MEMORY, "%s: no memory to decompress", c->name);
    size_t n = ZSTD_decompressDCtx(c->zstd, out, chunk->raw_size, stored, got);
    if (ZSTD_isError(n))
        return payload_bad(c, chunk, HL_CORRUPT, "does not decompress", err);
    if (n != chunk->raw_size)
        return payload_bad(c, chunk, HL_CORRUPT, "contradicts its own size", err);
    return HL_OK;
}

hl_status hl_container_verify(hl_container *c, hl_err *err)
{
    uint32_t largest = 1;
    for (size_t i = 0; i < c->n_chunks; i++)
        if (c->chunks[i].raw_size > largest)
            largest = c->chunks[i].raw_size;
    uint8_t *raw = malloc(largest);
    if (!raw)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to check %s", c->name);
    hl_status status = HL_OK;
    for (size_t i = 0; i < c->n_chunks && !status; i++) {
        hl_err one;
        hl_status s = hl_chunk_read(c, &c->chunks[i], raw, &one);
        if (s && !c->bad[i]) { /* not the chunk's fault: memory, the system */
            *err = one;
            status = s;
        }
    }
    free(raw);
    return status;
}
