/* cli/pickle_file.c: pickled snapshots of tracemalloc as recordings.
 *
 * Room   cli; analyser process.
 * Takes  a file.   Gives  hl_run.
 * Method a pickle is a program, and Python knows how to read one without running it
 *        (heaplens/compat/_pickles.py). It answers with lines (snapshot/snap_traces.h), or with a word
 *        on what the file is instead. */
#define _GNU_SOURCE
#include "cli/pickle_file.h"

#include "cli/own_python.h"
#include "snapshot/snap_traces.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PROTO = 0x80, PROTO_FIRST = 2, PROTO_LAST = 9, SENTENCE = 300 };
static const char wrong[] = "error ";

static int open_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

bool hl_pickle_is(const char *path)
{
    unsigned char head[2];
    int fd = open_file(path);
    bool is = fd >= 0 && pread(fd, head, sizeof head, 0) == sizeof head && head[0] == PROTO &&
              head[1] >= PROTO_FIRST && head[1] <= PROTO_LAST;
    if (fd >= 0)
        close(fd);
    return is;
}

static hl_status open_answer(const char *path, const hl_out *answer, hl_run **out, hl_err *err)
{
    size_t head = sizeof wrong - 1;
    if (answer->failed)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for what is in %s", path);
    if (answer->n < head || memcmp(answer->bytes, wrong, head) != 0)
        return hl_traces_open(path, answer->bytes, answer->n, out, err);
    size_t n = answer->n - head;
    return hl_err_set(err, HL_FOREIGN, "%s is not a snapshot of tracemalloc: %.*s", path,
                      (int)(n < SENTENCE ? n : SENTENCE), answer->bytes + head);
}

hl_status hl_pickle_open(const char *path, hl_run **out, hl_err *err)
{
    hl_out answer = {0};
    int code, fd = open_file(path);
    if (fd < 0)
        return hl_err_errno(err, errno, "cannot open %s", path);
    if (hl_own_python_run("_traces", "", fd, &answer, &code, err))
        (void)!hl_err_note(err, "%s", path);
    else if (code)
        hl_err_set(err, HL_UNSUPPORTED, "%s: the Python that was to read it failed", path);
    else
        (void)!open_answer(path, &answer, out, err);
    hl_out_deinit(&answer);
    close(fd);
    return err->status;
}
