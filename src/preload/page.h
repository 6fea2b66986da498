/* preload/page.h: the page that launcher, program and sentinel share under `heaplens run`.
 *
 * Room   preload; plain C, no Python. The launcher creates it (memfd), the preload library maps it
 *        through /proc/SENTINEL/fd/N and closes the descriptor, so the program has none extra.
 * Who writes what: settings by the launcher before exec; state by the program; answer by the sentinel. */
#ifndef HL_PAGE_H
#define HL_PAGE_H

#include <stdint.h>

enum { HL_PAGE_VERSION = 1, HL_PAGE_SIZE = 65536, HL_PAGE_PATH = 4096 };
#define HL_PAGE_ENV "HEAPLENS_PAGE"   /* /proc/PID/fd/N, taken out of the environment at start */
#define HL_PRELOAD_ENV "HEAPLENS_LD_PRELOAD" /* the user's own LD_PRELOAD, put back at start */

typedef struct hl_page {
    uint32_t version; /* HL_PAGE_VERSION */
    /* settings */
    char file[HL_PAGE_PATH];    /* the .hlens file, absolute, created by the launcher */
    char package[HL_PAGE_PATH]; /* folder of heaplens/_inside.*.so and heaplens/cores/ */
    char program[1024];         /* as it stands in RUN_PROGRAM */
    uint64_t started_us;        /* unix */
    uint64_t started_mono_ns;   /* CLOCK_MONOTONIC */
    uint32_t max_snapshots, interval_ms; /* 0: as pulse.c decides */
    uint32_t owner_pid; /* the program: only it is observed */
    uint32_t sentinel_pid;
    /* state, by the program */
    volatile uint32_t armed;    /* 1: observation began */
    volatile uint32_t refused;  /* 1: see refusal; the program did not begin */
    volatile uint32_t leaving;  /* 1: farewell snapshot done, waiting for the answer (futex word) */
    volatile uint32_t taken, failed; /* snapshots */
    char reason[64];    /* how it ended: end, exit, exec ... */
    char refusal[512];
    char python[32];
    volatile uint64_t pause_ns; /* sum */
    char failure[512]; /* first failure of a snapshot: "disk full ..." */
    /* answer, by the sentinel */
    volatile uint32_t answered;  /* 1: the verdict is printed, go (futex word) */
    volatile int32_t leave_with; /* exit status for --fail-on; -1: the program's own */
} hl_page;

#endif
