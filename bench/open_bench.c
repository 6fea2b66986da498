/* bench/open_bench.c: how long a snapshot takes from file to retained sizes, step by step.
 *
 *   open_bench FILE [SNAPSHOT]
 *
 * Prints one JSON object: CPU seconds of loading, of the graph and of the dominators, nodes,
 * edges, and the peak of memory. */
#include "graph/graph.h"
#include "snapshot/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static hl_status measure(const char *path, long which, hl_err *err)
{
    double began = cpu_seconds();
    hl_run *run;
    if (hl_run_open(path, &run, err))
        return err->status;
    if (which < 0)
        which = (long)run->n_snaps - 1;
    hl_snap *snap = NULL;
    hl_graph *graph = NULL;
    if (hl_snap_load(run, (uint32_t)which, &snap, err))
        goto out;
    double loaded = cpu_seconds();
    if (hl_graph_create(snap, &graph, err))
        goto out;
    double reached = cpu_seconds();
    if (hl_graph_dominate(graph, err))
        goto out;
    double dominated = cpu_seconds();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"load_s\": %.4f, \"graph_s\": %.4f, \"dominators_s\": %.4f, \"nodes\": %" PRIu32
           ", \"edges\": %" PRIu64 ", \"folded\": %" PRIu64 ", \"peak_bytes\": %ld}\n",
           loaded - began, reached - loaded, dominated - reached, snap->nodes, snap->edges,
           snap->info.folded, usage.ru_maxrss * 1024);
out:
    hl_graph_destroy(graph);
    hl_snap_destroy(snap);
    hl_run_close(run);
    return err->status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: open_bench FILE [SNAPSHOT]\n", stderr);
        return 2;
    }
    hl_err err = {HL_OK, ""};
    if (measure(argv[1], argc > 2 ? strtol(argv[2], NULL, 10) : -1, &err)) {
        fprintf(stderr, "open_bench: %s\n", err.text);
        return 1;
    }
    return 0;
}
