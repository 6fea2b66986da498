/* container/container_thin.c: the same file without some of its streams, put in its place.
 *
 * Room   container; analyser process.
 * Takes  a path nobody writes to meanwhile.   Gives  a shorter file of the same name and run.
 * Method Whole chunks are copied as they are into a new file, which then takes the name. Whoever
 *        reads the old one goes on reading it; whoever dies in between leaves the old one. */
#define _GNU_SOURCE
#include "container/container.h"
#include "container/container_layout.h"
#include "rt/rt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

static bool among(uint32_t stream, const uint32_t *streams, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (streams[i] == stream)
            return true;
    return false;
}

/* n bytes from one place to the end of the other. */
static hl_status copy(int from, uint64_t at, uint64_t n, int to, uint8_t *buffer, const char *name,
                      hl_err *err)
{
    while (n) {
        size_t want = n < PIECE ? (size_t)n : PIECE;
        ssize_t got = pread(from, buffer, want, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0
                       ? hl_err_errno(err, errno, "cannot read %s", name)
                       : hl_err_set(err, HL_TRUNCATED, "%s became shorter while it was read", name);
        int e = hl_raw_write(to, buffer, (size_t)got);
        if (e)
            return hl_err_errno(err, e, "cannot write a shorter %s", name);
        at += (uint64_t)got;
        n -= (uint64_t)got;
    }
    return HL_OK;
}

/* Neighbours are copied in one go. */
static hl_status copy_others(hl_container *c, int from, int to, const uint32_t *streams, size_t n,
                             hl_err *err)
{
    const hl_chunk *chunks;
    size_t n_chunks = hl_container_chunks(c, &chunks);
    uint8_t *buffer = malloc(PIECE);
    hl_status status = buffer ? HL_OK : hl_err_set(err, HL_NO_MEMORY, "no memory to copy a file");
    for (size_t i = 0, j; i < n_chunks && !status; i = j) {
        uint64_t end = chunks[i].offset;
        for (j = i; j < n_chunks && chunks[j].offset == end && !among(chunks[j].stream, streams, n);
             j++)
            end += HL_CHUNK_HEADER + chunks[j].stored_size;
        if (j == i)
            j++; /* one that goes */
        else
            status = copy(from, chunks[i].offset, end - chunks[i].offset, to, buffer,
                          hl_container_name(c), err);
    }
    free(buffer);
    return status;
}

static hl_status replace(hl_container *c, const char *path, const char *fresh,
                         const uint32_t *streams, size_t n, hl_err *err)
{
    uint8_t header[HL_FILE_HEADER];
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from < 0)
        return hl_err_errno(err, errno, "cannot open %s", path);
    int to = open(fresh, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0) {
        hl_err_errno(err, errno, "cannot create %s", fresh);
        close(from);
        return err->status;
    }
    hl_file_header_put(header, hl_container_run_id(c));
    int e = hl_raw_write(to, header, sizeof header);
    hl_status status = e ? hl_err_errno(err, e, "cannot write %s", fresh)
                         : copy_others(c, from, to, streams, n, err);
    if (!status && (fdatasync(to) || rename(fresh, path)))
        status = hl_err_errno(err, errno, "cannot replace %s", path);
    if (status)
        unlink(fresh);
    close(from);
    close(to);
    return status;
}

hl_status hl_container_thin(const char *path, const uint32_t *streams, size_t n, hl_err *err)
{
    hl_container *c;
    char fresh[PATH_MAX];
    int length = snprintf(fresh, sizeof fresh, "%s.thin", path);
    if (length < 0 || (size_t)length >= sizeof fresh)
        return hl_err_errno(err, ENAMETOOLONG, "cannot thin %s", path);
    if (hl_container_open(path, &c, err))
        return err->status;
    hl_status status = replace(c, path, fresh, streams, n, err);
    hl_container_close(c);
    return status;
}
