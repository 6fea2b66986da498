/* tests/fuzz/fuzz_traces.c: any bytes as the lines of another tool's allocations.
 *
 * Promises held against every input: a failure has a sentence; what is opened is a run of one whole
 * snapshot that passes its check and has as many blocks as the lines say. */
#define _GNU_SOURCE
#include "snapshot/snap_traces.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void use(hl_run *run)
{
    hl_snap *s;
    hl_err err = {0};
    must(run->traces && run->n_snaps == 1 && run->snaps[0].tracking.live_only);
    must(hl_snap_load_parts(run, 0, HL_PART_SITES, &s, &err) == HL_OK);
    for (uint32_t i = 0; i < s->n_sites; i++)
        must(s->sites[i].stack < s->n_stacks);
    hl_snap_destroy(s);
    must(hl_snap_load(run, 0, &s, &err) == HL_OK);
    must(s->nodes == 0 && hl_snap_check(s, &err) == HL_OK);
    hl_snap_destroy(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hl_run *run = NULL;
    hl_err err = {0};
    char *exact = malloc(size ? size : 1); /* the sanitizer sees the end */
    if (!exact)
        return 0;
    memcpy(exact, data, size);
    if (hl_traces_open("x.pickle", exact, size, &run, &err))
        must(!run && err.text[0]);
    else
        use(run);
    hl_run_close(run);
    free(exact);
    return 0;
}
