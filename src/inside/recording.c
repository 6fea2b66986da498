/* inside/recording.c: the file of a process that is followed: begun late, ended by itself.
 *
 * Room   inside; target process, any thread, under `heaplens run --follow-children`. The first
 *        process's file is the launcher's and the sentinel's work (src/cli).
 * Name   STEM-PID.hlens, STEM-PID.2.hlens if there is one: a process that executes another program
 *        keeps its pid. */
#include "inside/recording.h"

#include "container/container.h"
#include "inside/inside_abi.h"
#include "inside/vitals.h"
#include "snapshot/snap_format.h"
#include "snapshot/snap_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

enum { SAME_PID_MAX = 100, MS = 1000 * 1000 };
enum { YOUNG_MS = 200, YOUNG_CPU_MS = 100, OLD_MS = 1000, AGAIN_MS = 50 };

uint64_t hl_recording_wait(const hl_page *page, uint64_t now_ns)
{
    uint64_t age = now_ns - page->started_mono_ns;
    if (age < (uint64_t)YOUNG_MS * MS)
        return page->started_mono_ns + (uint64_t)YOUNG_MS * MS;
    bool old = age >= (uint64_t)OLD_MS * MS ||
               hl_vitals_clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= (uint64_t)YOUNG_CPU_MS * MS;
    return old ? 0 : now_ns + (uint64_t)AGAIN_MS * MS;
}

static hl_status create(hl_page *page, int *fd, hl_err *err)
{
    for (unsigned i = 1; i <= SAME_PID_MAX; i++) {
        char number[16] = "";
        if (i > 1)
            snprintf(number, sizeof number, ".%u", i);
        int n = snprintf(page->file, sizeof page->file, "%s-%" PRIu32 "%s.hlens", page->stem,
                         page->owner_pid, number);
        if (n < 0 || (size_t)n >= sizeof page->file)
            return hl_err_set(err, HL_USAGE, "the name of the file is too long");
        if (hl_container_create(page->file, false, page->run_id, fd, err) != HL_USAGE ||
            access(page->file, F_OK))
            break;
    }
    return err->status;
}

hl_status hl_recording_begin(hl_page *page, hl_err *err)
{
    uint64_t key = page->started_mono_ns;
    char key_text[17];
    hl_fields f = {.n = 0};
    int fd;
    *err = (hl_err){.status = HL_OK};
    if (create(page, &fd, err))
        return err->status;
    if (getrandom(&key, sizeof key, GRND_NONBLOCK) != sizeof key)
        key ^= page->owner_pid;
    snprintf(key_text, sizeof key_text, "%016" PRIx64, key);
    hl_field_uint(&f, HL_RUN_PID, page->owner_pid);
    hl_field_uint(&f, HL_RUN_PARENT, page->parent_pid);
    hl_field_uint(&f, HL_RUN_FIRST, page->first_pid);
    hl_field_text(&f, HL_RUN_PYTHON, PY_VERSION);
    hl_field_text(&f, HL_RUN_PROGRAM, page->program);
    hl_field_uint(&f, HL_RUN_STARTED, page->started_us);
    hl_field_text(&f, HL_RUN_TOOL, HL_VERSION);
    hl_field_text(&f, HL_RUN_KEY, key_text);
    hl_field_uint(&f, HL_RUN_LIMIT, page->limit_bytes);
    hl_status status = hl_run_record(fd, HL_KIND_RUN_META, 0, &f, err);
    close(fd);
    if (status)
        unlink(page->file);
    return status;
}

void hl_recording_end(hl_page *page, int status)
{
    hl_err err;
    int fd;
    hl_fields f = {.n = 0};
    if (!page->file[0])
        return;
    if (!page->taken) {
        unlink(page->file);
        return;
    }
    if (hl_container_append(page->file, &fd, &err))
        return; /* whoever reads it will meet the same, and say so */
    if (status >= 0)
        hl_field_uint(&f, HL_RUN_EXIT, (uint64_t)status);
    hl_field_uint(&f, HL_RUN_SECONDS, (hl_page_now() - page->started_mono_ns) / 1000);
    (void)!hl_run_record(fd, HL_KIND_RUN_END, 1, &f, &err); /* a full disk: the end is not known */
    close(fd);
}
