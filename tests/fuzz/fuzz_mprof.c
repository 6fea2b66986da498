/* tests/fuzz/fuzz_mprof.c: any bytes as a data file of mprof.
 *
 * Promises held against every input: a failure has a sentence; what is read has moments in order, one
 * value for each, calls that end after they begin, and children in the order of their pids. */
#include "diagnose/course.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void use(const hl_timeline_process *all, uint32_t n, hl_arena *arena)
{
    for (uint32_t i = 0; i < n; i++) {
        const hl_timeline_process *p = &all[i];
        hl_table tables[HL_TIMELINE_TABLES];
        hl_err err = {0};
        uint32_t made;
        must(p->n > 0 && p->n_curves == 1 && (i < 2 || all[i - 1].pid < p->pid));
        for (uint32_t k = 0; k < p->n; k++)
            must(isfinite(p->seconds[k]) && p->seconds[k] >= 0 && p->curves[0].bytes[k] >= 0 &&
                 (!k || p->seconds[k - 1] <= p->seconds[k]));
        for (uint32_t k = 0; k < p->n_spans; k++)
            must(p->spans[k].from_s >= 0 && p->spans[k].from_s <= p->spans[k].to_s);
        must(hl_timeline_tables(p, 60, arena, tables, &made, &err) == HL_OK && made >= 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hl_arena arena;
    hl_timeline_process *all;
    hl_err err = {0};
    uint32_t n;
    bool torn;
    uint8_t *exact = malloc(size ? size : 1); /* the sanitizer sees the end */
    if (!exact)
        return 0;
    memcpy(exact, data, size);
    hl_arena_init(&arena);
    if (hl_mprof_read("x.dat", exact, size, &arena, &all, &n, &torn, &err))
        must(err.text[0]);
    else
        use(all, n, &arena);
    hl_arena_deinit(&arena);
    free(exact);
    return 0;
}
