/* bench/malloc_cost.c: what following malloc costs, in nanoseconds a pair of malloc and free.
 *
 *     malloc_cost PATH/libheaplens_native.so
 *
 * It starts itself once for each arm, in turn, ROUNDS times over: plain, without the library; off, with
 * it preloaded and not started; sampled, started, with one block in so many bytes told; exact, with the
 * whole native stack of each told; python, started, with
 * the stack told up to a function that stands for the interpreter's loop, four calls away. Of each the
 * shortest time and the median, with calls 8 and 30 deep. */
#define _GNU_SOURCE
#include "native/native.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PAIRS = 400000,
    ROUNDS = 11,
    ARMS = 5,
    DEPTHS = 2,
    BELOW_EVAL = 4,
    SIZES = 16,
    MEAN = 128 << 10
};
static const char *const arms[ARMS] = {"plain", "off", "sampled", "exact", "python"};
static const int depths[DEPTHS] = {8, 30};

static void *volatile sink;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static __attribute__((noinline)) double pairs(void)
{
    double begun = seconds();
    for (int i = 0; i < PAIRS; i++) {
        sink = malloc(16 + (size_t)(i % SIZES) * 24);
        free(sink);
    }
    return (seconds() - begun) / PAIRS * 1e9;
}

static __attribute__((noinline)) double deeper(int depth);

/* Stands for the function that runs Python code. */
static __attribute__((noinline)) double eval(int depth)
{
    double ns = depth ? deeper(depth - 1) : pairs();
    sink = &ns;
    return ns;
}

static double (*volatile the_eval)(int) = eval; /* that very function, and no clone of it */

static __attribute__((noinline)) double deeper(int depth)
{
    double ns = depth == BELOW_EVAL ? the_eval(depth - 1) : depth ? deeper(depth - 1) : pairs();
    sink = &ns;
    return ns;
}

static uint32_t the_same(void)
{
    return 1;
}

static int arm(const char *name)
{
    const hl_native *(*here)(void) =
        (const hl_native *(*)(void))dlsym(RTLD_DEFAULT, "hl_native_here");
    hl_native_host host = {.python = NULL};
    if (!strcmp(name, "python"))
        host = (hl_native_host){.python = the_same, .eval = (uintptr_t)eval};
    if (!strcmp(name, "sampled"))
        host.mean = MEAN;
    bool starts = strcmp(name, "plain") != 0 && strcmp(name, "off") != 0;
    if ((strcmp(name, "plain") != 0) != (here != NULL) || (starts && !here()->start(&host)))
        return 1;
    for (int d = 0; d < DEPTHS; d++) {
        (void)deeper(depths[d]);
        printf("%f\n", deeper(depths[d]));
    }
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* One process: its times by depth. */
static bool run(const char *self, const char *library, int which, double ns[DEPTHS])
{
    char command[4096];
    snprintf(command, sizeof command, "%s%s%s '%s' --arm %s", which ? "LD_PRELOAD='" : "",
             which ? library : "", which ? "'" : "", self, arms[which]);
    FILE *f = popen(command, "r");
    int got = 0;
    while (f && got < DEPTHS && fscanf(f, "%lf", &ns[got]) == 1)
        got++;
    return f && !pclose(f) && got == DEPTHS;
}

int main(int argc, char **argv)
{
    static double ns[DEPTHS][ARMS][ROUNDS];
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (argc == 3 && !strcmp(argv[1], "--arm"))
        return arm(argv[2]);
    if (argc != 2 || n < 0)
        return 2;
    self[n] = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (int a = 0; a < ARMS; a++) {
            double of[DEPTHS];
            if (!run(self, argv[1], a, of))
                return 1;
            for (int d = 0; d < DEPTHS; d++)
                ns[d][a][round] = of[d];
        }
    printf("ns a pair    ");
    for (int a = 0; a < ARMS; a++)
        printf("%12s", arms[a]);
    printf("\n");
    for (int d = 0; d < DEPTHS; d++) {
        printf("%2d deep      ", depths[d]);
        for (int a = 0; a < ARMS; a++) {
            qsort(ns[d][a], ROUNDS, sizeof **ns[d], by_time);
            printf("%6.1f/%5.1f", ns[d][a][0], ns[d][a][ROUNDS / 2]);
        }
        printf("\n");
    }
    return 0;
}
