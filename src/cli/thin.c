/* cli/thin.c: keeps the recording of a long run short: old looks make place for new ones.
 *
 * Room   cli; sentinel process, while the program runs and once more before the verdict.
 * Takes  the file, how many snapshots and how many bytes it may have.   Gives  a thinner file.
 * Method The look that is missed least goes first: one taken without the GIL, else the one whose
 *        neighbours are closest in time. So what remains lies evenly over the whole run. The first
 *        and the last two stay: without them there is no growth to speak of; the last one in which it
 *        was asked what leads to blocks goes after all others. Looks wait meanwhile (page->file_users);
 *        a file that is being read is not touched, a new one takes its name. */
#include "cli/run.h"
#include "snapshot/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LEAST = 3 };

typedef struct kept {
    uint32_t stream;
    bool unsettled,
        marked; /* marked: the last of those in which it was asked what leads to blocks */
    uint64_t time_us, bytes;
} kept;

/* The one to go of n, of which the first and as many of the last as in `least` stay; or n. */
static uint32_t least_missed(const kept *k, uint32_t n, uint32_t least_n)
{
    uint32_t best = n;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 1; i + least_n - 1 < n; i++) {
        uint64_t gap = k[i].unsettled ? 0 : 1 + k[i + 1].time_us - k[i - 1].time_us;
        if (k[i].marked)
            gap = UINT64_MAX - 1;
        if (gap < least) {
            least = gap;
            best = i;
        }
    }
    return best;
}

static uint64_t bytes_of(const hl_run *run, uint32_t stream)
{
    const hl_chunk *chunks;
    size_t n = hl_container_chunks(run->file, &chunks);
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        if (chunks[i].stream == stream)
            bytes += HL_CHUNK_HEADER + chunks[i].stored_size;
    return bytes;
}

static uint64_t all_bytes(const hl_run *run)
{
    const hl_chunk *chunks;
    size_t n = hl_container_chunks(run->file, &chunks);
    const hl_chunk *last = n ? &chunks[n - 1] : NULL;
    return last ? last->offset + HL_CHUNK_HEADER + last->stored_size : 0;
}

/* Whole snapshots that have to go, so that `most` remain and the next one still fits into
 * `most_bytes`. Gives how many; the streams to out, of run->n_snaps. */
static uint32_t choose(const hl_run *run, uint32_t most, uint64_t most_bytes, kept *k,
                       uint32_t *out)
{
    uint32_t n = run->n_snaps, gone = 0;
    uint64_t bytes = all_bytes(run), next = 0;
    uint32_t marked = n;
    for (uint32_t i = 0; i < n; i++) {
        const hl_snap_info *s = &run->snaps[i];
        k[i] = (kept){.stream = s->stream,
                      .unsettled = s->unsettled,
                      .time_us = s->time_us,
                      .bytes = bytes_of(run, s->stream)};
        marked = s->tracking.mark ? i : marked;
        next = k[i].bytes;
    }
    if (marked < n)
        k[marked].marked = true;
    uint32_t least_n = most < LEAST ? most : LEAST;
    while (n > least_n && (n > most || bytes + next > most_bytes)) {
        uint32_t i = least_missed(k, n, least_n);
        if (i == n)
            break;
        out[gone++] = k[i].stream;
        bytes -= k[i].bytes;
        memmove(k + i, k + i + 1, (--n - i) * sizeof *k);
    }
    return gone;
}

hl_status hl_thin(const char *file, uint32_t most, uint64_t most_bytes, uint32_t *remain,
                  hl_err *err)
{
    hl_run *run;
    if (hl_run_open(file, &run, err))
        return err->status;
    uint32_t n = run->n_snaps;
    kept *k = calloc(n + 1, sizeof *k);
    uint32_t *gone = calloc(n + 1, sizeof *gone);
    uint32_t n_gone = k && gone ? choose(run, most, most_bytes, k, gone) : 0;
    hl_run_close(run);
    hl_status status = k && gone ? HL_OK : hl_err_set(err, HL_NO_MEMORY, "no memory to thin it");
    if (n_gone)
        status = hl_container_thin(file, gone, n_gone, err);
    free(k);
    free(gone);
    if (!status)
        *remain = n - n_gone;
    return status;
}
