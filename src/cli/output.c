/* cli/output.c: an answer into a file, whole or not at all.
 *
 * Room   cli; analyser process.
 * Method written under a name of its own beside the file, which it then replaces: a full disk leaves
 *        what was there. Only its owner may read it (0600), as with recordings. What is no regular file
 *        (a pipe, a device) is written to as it stands. */
#define _GNU_SOURCE
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static hl_status write_bytes(int fd, const char *bytes, size_t n, const char *path, hl_err *err)
{
    while (n) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return hl_err_errno(err, errno, "cannot write %s", path);
        bytes += done;
        n -= (size_t)done;
    }
    return HL_OK;
}

static hl_status write_through(const char *path, const hl_out *out, hl_err *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return hl_err_errno(err, errno, "cannot open %s for writing", path);
    hl_status status = write_bytes(fd, out->bytes, out->n, path, err);
    if (close(fd) && !status)
        status = hl_err_errno(err, errno, "cannot write %s", path);
    return status;
}

static hl_status write_file(const char *path, bool replace, const hl_out *out, hl_err *err)
{
    char fresh[PATH_MAX];
    int n = snprintf(fresh, sizeof fresh, "%s.new-%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof fresh)
        return hl_err_errno(err, ENAMETOOLONG, "cannot create %s", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return hl_err_errno(err, errno, "cannot create %s", path);
    hl_status status = write_bytes(fd, out->bytes, out->n, path, err);
    if (close(fd) && !status)
        status = hl_err_errno(err, errno, "cannot write %s", path);
    if (!status && (replace ? rename(fresh, path) : link(fresh, path)))
        status = errno == EEXIST
                     ? hl_err_set(err, HL_USAGE, "%s exists already: replace it with -f", path)
                     : hl_err_errno(err, errno, "cannot create %s", path);
    if (status || !replace)
        unlink(fresh);
    return status;
}

int hl_output(const hl_context *c, const char *path, hl_out *out, int code)
{
    hl_err err = {0};
    struct stat st;
    if (!strcmp(path, "-"))
        return hl_print(out, code);
    bool there = !stat(path, &st);
    if (out->failed)
        hl_err_set(&err, HL_NO_MEMORY, "no memory for what %s would hold", path);
    else if (there && S_ISDIR(st.st_mode))
        hl_err_set(&err, HL_USAGE, "%s is a folder: name a file with -o", path);
    else if (there && !S_ISREG(st.st_mode))
        (void)!write_through(path, out, &err);
    else if (there && !c->force)
        hl_err_set(&err, HL_USAGE,
                   "%s exists already: choose another name with -o, or replace it with -f", path);
    else
        (void)!write_file(path, c->force, out, &err);
    hl_out_deinit(out);
    return err.status ? hl_fail(&err) : code;
}
