/* container/container_write.c: chunks go out, one write(2) each.
 *
 * Room   container; creating runs in the target with the GIL, writing also in its cloned child:
 *        no malloc, no stdio, memory from our own pages, taken once.
 * Takes  payloads of up to HL_CHUNK_RAW_MAX bytes.   Gives  bytes at the end of a file.
 * Knows  rt, base.  Must not know  what the payloads mean.
 * A write that fails half-way leaves a torn chunk behind: the reader finds the next whole one, so
 * nothing is cut off here, where another process may be appending too. */
#define _GNU_SOURCE
#define ZSTD_STATIC_LINKING_ONLY
#include "container/container.h"
#include "container/container_layout.h"
#include "rt/rt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { LEVEL_MIN = 1, LEVEL_MAX = 19, AREA_ALIGN = 4096 };

/* What to try, for the failures people can do something about. */
static hl_status write_failed(hl_err *err, int errnum, const char *what)
{
    switch (errnum) {
    case ENOSPC:
        return hl_err_set(err, HL_NO_SPACE,
                          "disk full while writing %s: free some space, or write to another disk "
                          "with -o FILE",
                          what);
    case EDQUOT:
        return hl_err_set(err, HL_NO_SPACE,
                          "disk quota used up while writing %s: free some space, or write to "
                          "another disk with -o FILE",
                          what);
    case EFBIG:
        return hl_err_set(err, HL_NO_SPACE,
                          "file size limit reached while writing %s: raise it with ulimit -f",
                          what);
    default:
        return hl_err_errno(err, errnum, "cannot write %s", what);
    }
}

static hl_status create_failed(hl_err *err, int errnum, const char *path)
{
    switch (errnum) {
    case EEXIST:
        return hl_err_set(err, HL_USAGE,
                          "%s exists already: choose another name with -o, or replace it with -f",
                          path);
    case EISDIR:
        return hl_err_set(err, HL_USAGE, "%s is a directory: name a file in it with -o", path);
    case ENOSPC:
    case EDQUOT:
        return write_failed(err, errnum, path);
    default:
        return hl_err_errno(err, errnum, "cannot create %s", path);
    }
}

hl_status hl_container_begin(int fd, uint64_t run_id, hl_err *err)
{
    uint8_t header[HL_FILE_HEADER];
    hl_file_header_put(header, run_id);
    int e = hl_raw_write(fd, header, sizeof header);
    return e ? write_failed(err, e, "a file header") : HL_OK;
}

/* A new file with its header, or nothing at all. */
static hl_status create_new(const char *path, uint64_t run_id, int *out_fd, hl_err *err)
{
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return create_failed(err, errno, path);
    uint8_t header[HL_FILE_HEADER];
    hl_file_header_put(header, run_id);
    int e = hl_raw_write(fd, header, sizeof header);
    if (e) {
        close(fd);
        unlink(path);
        return write_failed(err, e, path);
    }
    *out_fd = fd;
    return HL_OK;
}

hl_status hl_container_create(const char *path, bool replace, uint64_t run_id, int *out_fd,
                              hl_err *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return create_failed(err, EISDIR, path);
    if (!replace)
        return create_new(path, run_id, out_fd, err);
    /* Through a name of its own: the old file stays until the new one stands, and whoever still
     * writes to the old one goes on writing to that. */
    char fresh[PATH_MAX];
    int n = snprintf(fresh, sizeof fresh, "%s.new-%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof fresh)
        return hl_err_errno(err, ENAMETOOLONG, "cannot create %s", path);
    int fd;
    if (create_new(fresh, run_id, &fd, err))
        return err->status;
    if (rename(fresh, path) < 0) {
        int e = errno;
        close(fd);
        unlink(fresh);
        return create_failed(err, e, path);
    }
    *out_fd = fd;
    return HL_OK;
}

hl_status hl_container_append(const char *path, int *out_fd, hl_err *err)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return hl_err_errno(err, errno, "cannot open %s for writing", path);
    uint8_t bytes[HL_FILE_HEADER];
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    hl_file_header header;
    if (n < 0)
        hl_err_errno(err, errno, "cannot read %s", path);
    else if (hl_file_header_get(bytes, (size_t)n, path, &header, err) == HL_OK) {
        *out_fd = fd;
        return HL_OK;
    }
    close(fd);
    return err->status;
}

hl_status hl_chunk_writer_init(hl_chunk_writer *w, int fd, uint32_t stream, int level, hl_err *err)
{
    *w = (hl_chunk_writer){.fd = fd, .stream = stream};
    w->level = level < LEVEL_MIN ? LEVEL_MIN : level > LEVEL_MAX ? LEVEL_MAX : level;
    w->frame_capacity = HL_CHUNK_HEADER + ZSTD_compressBound(HL_CHUNK_RAW_MAX);
    size_t zstd_at = (w->frame_capacity + AREA_ALIGN - 1) & ~(size_t)(AREA_ALIGN - 1);
    size_t zstd_size = ZSTD_estimateCCtxSize(w->level);
    w->area_size = zstd_at + zstd_size;
    w->area = hl_pages_map(w->area_size);
    if (!w->area) {
        *w = (hl_chunk_writer){.fd = -1};
        return hl_err_set(err, HL_NO_MEMORY, "cannot map %zu bytes for compression",
                          zstd_at + zstd_size);
    }
    w->frame = w->area;
    w->zstd = ZSTD_initStaticCCtx(w->frame + zstd_at, zstd_size);
    if (!w->zstd) {
        hl_chunk_writer_deinit(w);
        return hl_err_set(err, HL_NO_MEMORY, "zstd does not start in %zu bytes", zstd_size);
    }
    return HL_OK;
}

void hl_chunk_writer_deinit(hl_chunk_writer *w)
{
    hl_pages_unmap(w->area, w->area_size);
    *w = (hl_chunk_writer){.fd = -1};
}

hl_status hl_chunk_write(hl_chunk_writer *w, uint16_t kind, uint8_t column, const void *raw,
                         size_t n, hl_err *err)
{
    if (n > HL_CHUNK_RAW_MAX)
        return hl_err_set(err, HL_USAGE, "a chunk of %zu bytes; at most %d fit", n,
                          HL_CHUNK_RAW_MAX);
    uint8_t *payload = w->frame + HL_CHUNK_HEADER;
    size_t stored =
        ZSTD_compressCCtx(w->zstd, payload, w->frame_capacity - HL_CHUNK_HEADER, raw, n, w->level);
    hl_codec codec = HL_CODEC_ZSTD;
    if (ZSTD_isError(stored) || stored >= n) {
        codec = HL_CODEC_RAW;
        stored = n;
        if (n)
            memcpy(payload, raw, n);
    }
    hl_chunk c = {
        .kind = kind,
        .column = column,
        .codec = (uint8_t)codec,
        .stream = w->stream,
        .seq = w->seq,
        .raw_size = (uint32_t)n,
        .stored_size = (uint32_t)stored,
        .crc = hl_crc32(payload, stored),
    };
    hl_chunk_header_put(w->frame, &c);
    int e = hl_raw_write(w->fd, w->frame, HL_CHUNK_HEADER + stored);
    if (e)
        return write_failed(err, e, "the recording");
    w->seq++;
    w->bytes_written += HL_CHUNK_HEADER + stored;
    return HL_OK;
}
