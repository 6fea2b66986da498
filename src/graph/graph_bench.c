/* graph/graph_bench.c: what a graph costs: CPU seconds and bytes a node.
 *
 * Room   graph; a measuring program, built with the tests, run by hand or by `meson test
 *        --benchmark`. Usage: graph_bench [NODES [EDGES]]; also a million garbage cycles. */
#define _GNU_SOURCE
#include "graph/graph_testlib.h"
#include "snapshot/snap_dsl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double lap(double *from)
{
    double now = cpu_seconds(), was = *from;
    *from = now;
    return now - was;
}

static void die(const hl_err *err)
{
    fprintf(stderr, "graph_bench: %s\n", err->text);
    exit(1);
}

static void measure(const char *what, const hl_snap *s)
{
    hl_err err;
    hl_graph *g;
    double t = cpu_seconds();
    if (hl_graph_create(s, &g, &err))
        die(&err);
    double create = lap(&t);
    if (hl_graph_dominate(g, &err))
        die(&err);
    double dominate = lap(&t);
    hl_shapes shapes;
    hl_shapes_init(&shapes);
    if (hl_shapes_add(&shapes, g, &err))
        die(&err);
    double shape = lap(&t);
    hl_arena arena;
    hl_arena_init(&arena);
    hl_cycle *cycles;
    uint32_t n;
    if (hl_cycles_find(g, &arena, &cycles, &n, &err))
        die(&err);
    double cycle = lap(&t);
    printf("%s: %" PRIu32 " nodes, %" PRIu64 " edges: create %.3f + dominate %.3f = %.3f s; shapes "
           "%.3f s (%" PRIu32 "); cycles %.3f s (%" PRIu32 " groups, %" PRIu32
           " garbage); %.1f bytes a node kept\n",
           what, s->nodes, s->edges, create, dominate, create + dominate, shape, shapes.n_shapes,
           cycle, n, g->n_garbage, (double)g->arena.bytes_mapped / (s->nodes ? s->nodes : 1));
    hl_arena_deinit(&arena);
    hl_shapes_deinit(&shapes);
    hl_graph_destroy(g);
}

/* Pairs that hold each other, with their dicts, as A.b and B.a in a loop leave them. */
static void measure_cycles(uint32_t pairs)
{
    char text[512];
    snprintf(text, sizeof text,
             "type app.A gc heap\ntype app.B gc heap\n"
             "root module __main__ m\nm:module -__dict__-> d:dict\n"
             "a:app.A*%" PRIu32 " -__dict__-> x:dict*%" PRIu32 "\nx -key:b-> b:app.B*%" PRIu32
             "\nb -__dict__-> y:dict*%" PRIu32 "\ny -key:a-> a\n",
             pairs, pairs, pairs, pairs);
    hl_snap *s = hl_dsl_snap(text);
    measure("garbage", s);
    hl_snap_destroy(s);
}

int main(int argc, char **argv)
{
    uint32_t nodes = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 534000;
    uint32_t edges = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : nodes / 3 * 5;
    static const char *const shapes[] = {"random", "tree-like", "chains", "walked"};
    for (uint32_t shape = 0; shape < 4; shape++) {
        hl_random_heap how = {
            .seed = 1, .nodes = nodes, .edges = edges, .roots = 500, .shape = shape, .lost = 100};
        hl_snap *s = hl_test_heap(&how);
        if (shape == 3) {
            hl_node *to = hl_test_walk_order(s);
            hl_snap *walked = hl_test_renumbered(s, to, 0, NULL);
            free(to);
            hl_snap_destroy(s);
            s = walked;
        }
        measure(shapes[shape], s);
        hl_snap_destroy(s);
    }
    measure_cycles(nodes / 2);
    return 0;
}
