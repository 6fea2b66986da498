/* tests/fuzz/fuzz_snapshot.c: any bytes as a file of snapshots; listed, loaded, asked, verified.
 *
 * Promises held against every input: what loads passes hl_snap_check, every question about every
 * node has an answer, and what fails has a sentence. */
#define _GNU_SOURCE
#include "mend.h"
#include "snapshot/snapshot.h"

#include <stdlib.h>
#include <string.h>

enum { UNPACKED_MAX = 2 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void ask(const hl_snap *s)
{
    uint64_t sum = 0;
    for (hl_node v = 0; v < s->nodes; v++) {
        uint32_t first;
        sum += hl_snap_address(s, v) + strlen(hl_snap_type_name(s, v));
        uint32_t folds = hl_snap_folds_of(s, v, &first);
        for (uint32_t i = 0; i < folds; i++)
            must(hl_snap_fold_at(s, first + i).node == v);
        sum += folds + hl_snap_size(s, v) + hl_snap_refcnt(s, v) + (uint64_t)hl_snap_len(s, v);
        must((hl_snap_extra_of(s, v) != NULL) == ((s->flag[v] & HL_NODE_EXTRA) != 0));
        const hl_snap_code *c = hl_snap_code_of(s, v);
        const hl_snap_keys *k = hl_snap_keys_of(s, v);
        must(!c || c->node == v);
        must(!k || k->node == v);
        for (uint32_t i = 0; c && i < c->n_vars; i++)
            sum += strlen(s->names[s->name_lists[c->vars + i]]);
    }
    sum += strlen(s->info.reason) + strlen(s->info.python) + strlen(s->info.program);
    must(hl_snap_find_address(s, sum) == HL_NO_NODE || s->nodes);
}

static void use(hl_run *run)
{
    hl_err err;
    uint32_t whole = 0;
    for (uint32_t i = 0; i < run->n_snaps; i++) {
        hl_snap *s = NULL;
        err = (hl_err){0};
        must(i == 0 || run->snaps[i - 1].time_us <= run->snaps[i].time_us);
        if (hl_snap_load(run, i, &s, &err)) {
            must(!s && err.status != HL_OK && err.text[0]);
            continue;
        }
        must(hl_snap_check(s, &err) == HL_OK);
        whole++;
        ask(s);
        hl_snap_destroy(s);
    }
    for (uint32_t i = 0; i < run->n_snaps; i++) { /* parts of what may be no whole snapshot */
        hl_snap *s = NULL;
        if (hl_snap_load_parts(run, i, HL_PART_SITES | HL_PART_SIZES | HL_PART_MADE, &s, &err))
            must(!s && err.status != HL_OK && err.text[0]);
        hl_snap_destroy(s);
    }
    hl_snap_verdict v;
    if (hl_run_verify(run, &v, &err))
        must(err.status == HL_NO_MEMORY);
    else
        must(v.whole == whole && v.whole + v.torn + v.broken == run->n_snaps + run->n_torn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size ? size : 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    if (fuzz_mend(bytes, size) <= UNPACKED_MAX) {
        hl_run *run = NULL;
        hl_err err = {0};
        if (hl_run_open_bytes(bytes, size, &run, &err))
            must(!run && err.status != HL_OK && err.text[0]);
        else
            use(run);
        hl_run_close(run);
    }
    free(bytes);
    return 0;
}

#ifdef FUZZ_LIBFUZZER
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return fuzz_mutate(data, size, max, seed, LLVMFuzzerMutate);
}
#endif
