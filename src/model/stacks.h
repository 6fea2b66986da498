/* model/stacks.h: what was allocated by whom, as plain data, for every format of `export`.
 *
 * Room   model; no behaviour.
 * Stacks are a tree: each is a frame and the stack of its caller, which comes before it; entry 0 of
 * frames and of stacks stands for what is not known. Where allocations were sampled, amounts are
 * estimates of what was there, not counts of samples. */
#ifndef HL_STACKS_H
#define HL_STACKS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum hl_measure { HL_LIVE, HL_PEAK, HL_TOTAL, HL_TEMPORARY, HL_MEASURES } hl_measure;

typedef struct hl_stack_frame {
    const char *function, *file; /* "" in entry 0 */
    const char *name;            /* of the file, as people call it: "app.py" */
    uint32_t first_line, line;   /* of the function; 0: unknown */
} hl_stack_frame;

typedef struct hl_stack {
    uint32_t caller; /* 0: none */
    uint32_t frame;
} hl_stack;

typedef struct hl_stack_row { /* a stack, thread and domain; most of the measure first */
    uint32_t stack;
    const char *thread, *domain;
    struct {
        uint64_t blocks, bytes;
    } of[HL_MEASURES];
    uint64_t live_error; /* standard error of the live bytes; 0: exact */
} hl_stack_row;

typedef struct hl_stacks {
    const char *program, *python; /* of the first file */
    uint32_t files;               /* that were added up */
    bool sampled;                 /* amounts are estimates */
    bool tells_all;               /* else PEAK and TEMPORARY are not told, and 0 */
    bool live_only;               /* else TOTAL is told */
    uint64_t rate;                /* mean bytes from one sample to the next; exact: 1 */
    uint64_t dropped;             /* blocks there was no room to follow */
    uint64_t time_us;             /* unix time of the moment told; 0: unknown */
    uint64_t duration_us;         /* for which allocations had been followed then */
    hl_measure measure;           /* what is asked about */
    hl_stack_frame *frames;
    hl_stack *stacks;
    hl_stack_row *rows;
    uint32_t n_frames, n_stacks, n_rows;
} hl_stacks;

#endif
