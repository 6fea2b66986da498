/* snapshot/snap_traces.c: what another tool knows of allocations, as a recording.
 *
 * Room   snapshot; analyser process.
 * Takes  lines of numbers and names.   Gives  hl_run, read back from memory that has no name.
 * Method the text goes through the writer of recordings into such memory and is opened from there, so
 *        that every check of the reader holds for it, and every view takes it for a recording. */
#define _GNU_SOURCE
#include "snapshot/snap_traces.h"

#include "snapshot/snap_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LEVEL = 1, NAME_MOST = HL_SNAP_BLOCK / 4 };

typedef struct text {
    const char *at, *end;
    uint64_t line;
    uint64_t frames, stacks, names, last_stack;
    bool begun; /* a block was there */
} text;

/* A word, and the space behind it. */
static bool word(text *t, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, w, n) != 0)
        return false;
    t->at += n;
    return true;
}

static bool number(text *t, char behind, uint64_t *out)
{
    uint64_t v = 0;
    const char *begin = t->at;
    while (t->at < t->end && *t->at >= '0' && *t->at <= '9') {
        if (v > (UINT64_MAX >> 1) / 10 - 1)
            return false;
        v = v * 10 + (uint64_t)(*t->at++ - '0');
    }
    if (t->at == begin || t->at == t->end || *t->at != behind)
        return false;
    t->at++;
    *out = v;
    return true;
}

/* Each frame has its own name: equal ones are few beside stacks, and cost a few bytes. */
static bool frame_line(text *t, hl_snap_writer *w)
{
    uint64_t line, bytes;
    if (!number(t, ' ', &line) || !number(t, ' ', &bytes) || line > UINT32_MAX ||
        bytes > NAME_MOST || (uint64_t)(t->end - t->at) <= bytes || t->at[bytes] != '\n')
        return false;
    hl_snap_put_text(w, HL_COL_NAME, t->at, bytes);
    t->at += bytes + 1;
    t->frames++;
    t->names++;
    const uint64_t values[] = {0, t->names, 0, line};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        hl_snap_put(w, HL_COL_FRAME, values[i]);
    return true;
}

static bool stack_line(text *t, hl_snap_writer *w)
{
    uint64_t caller, frame;
    if (!number(t, ' ', &caller) || !number(t, '\n', &frame) || caller > t->stacks || !frame ||
        frame > t->frames)
        return false;
    t->stacks++;
    hl_snap_put(w, HL_COL_STACK, caller ? t->stacks - caller : 0);
    hl_snap_put(w, HL_COL_STACK, frame);
    return true;
}

static bool blocks_line(text *t, hl_snap_writer *w)
{
    uint64_t stack, domain, blocks, bytes;
    if (!number(t, ' ', &stack) || !number(t, ' ', &domain) || !number(t, ' ', &blocks) ||
        !number(t, '\n', &bytes) || stack > t->stacks || domain >= HL_BLOCK_DOMAINS ||
        (t->begun && stack < t->last_stack))
        return false;
    t->begun = true;
    t->last_stack = stack;
    /* in all there were at least those that live; the high-water mark is not told */
    const uint64_t values[] = {stack, 0, domain, blocks, bytes, blocks, bytes, 0, 0, 0, 0, 0};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        hl_snap_put(w, HL_COL_SITE, values[i]);
    return true;
}

static hl_status put_lines(text *t, hl_snap_writer *w, hl_err *err)
{
    for (bool good = true; good; t->line++) {
        if (word(t, "end\n") && t->at == t->end)
            return HL_OK;
        good = word(t, "frame ")    ? frame_line(t, w)
               : word(t, "stack ")  ? stack_line(t, w)
               : word(t, "blocks ") ? blocks_line(t, w)
                                    : false;
    }
    return hl_err_set(err, HL_CORRUPT, "line %llu of the traces is none",
                      (unsigned long long)t->line);
}

static hl_status put_snapshot(int fd, text *t, hl_err *err)
{
    hl_snap_writer w;
    hl_fields meta = {.n = 0}, end = {.n = 0};
    if (hl_snap_writer_init(&w, fd, 1, LEVEL, err))
        return err->status;
    hl_field_uint(&meta, HL_SNAP_TIME, 0);
    hl_field_text(&meta, HL_SNAP_REASON, "tracemalloc");
    hl_field_uint(&end, HL_SNAP_TRACK, HL_FOLLOWED_EXACT);
    hl_field_uint(&end, HL_SNAP_TRACK_LIVE_ONLY, 1);
    for (unsigned i = 0; i < 4; i++)
        hl_field_uint(&end, HL_SNAP_NODES + i, 0);
    if (!hl_snap_writer_meta(&w, &meta, err) && !put_lines(t, &w, err))
        (void)!hl_snap_writer_end(&w, &end, err);
    hl_snap_writer_deinit(&w);
    return err->status;
}

static hl_status open_again(const char *path, int fd, hl_run **out, hl_err *err)
{
    char name[64];
    hl_run *run;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    if (hl_run_open(name, &run, err))
        return err->status;
    run->path = hl_arena_copy(&run->arena, path, strlen(path));
    run->traces = true;
    if (!run->path) {
        hl_run_close(run);
        return hl_err_set(err, HL_NO_MEMORY, "no memory to open %s", path);
    }
    *out = run;
    return HL_OK;
}

hl_status hl_traces_open(const char *path, const char *bytes, size_t n, hl_run **out, hl_err *err)
{
    text t = {.at = bytes, .end = bytes + n, .line = 1};
    hl_fields meta = {.n = 0};
    int fd = memfd_create("heaplens-traces", MFD_CLOEXEC);
    err->status = HL_OK;
    if (fd < 0)
        return hl_err_errno(err, errno, "no memory for what is in %s", path);
    hl_field_text(&meta, HL_RUN_TOOL, "tracemalloc");
    if (hl_container_begin(fd, 0, err) || hl_run_record(fd, HL_KIND_RUN_META, 0, &meta, err) ||
        put_snapshot(fd, &t, err) || open_again(path, fd, out, err))
        (void)!hl_err_note(err, "%s", path);
    close(fd);
    return err->status;
}
