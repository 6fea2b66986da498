/* inside/flow.h: which way a code object runs: its instructions, jumps and loops.
 *
 * Room   inside; the cloned child.
 * Use    hl_flow_find over the whole code; then hl_flow_each with hl_flow_reach before an
 *        instruction is read and hl_flow_pass after it: in between, hl_flow_in_loop and `straight`
 *        say how often it runs. */
#ifndef HL_FLOW_H
#define HL_FLOW_H

#include "inside/inside_abi.h"

enum { HL_FLOW_LOOPS = 32, HL_FLOW_TARGETS = 256 };

typedef struct hl_flow {
    const PyCodeObject *code; /* borrowed */
    Py_ssize_t at;            /* the instruction that is read, in units of two bytes */
    Py_ssize_t straight;      /* since this instruction no jump began or ended */
    struct {
        Py_ssize_t from, to;
    } loops[HL_FLOW_LOOPS];
    unsigned n_loops;
    Py_ssize_t sources[HL_FLOW_TARGETS]; /* jumps, and ... */
    Py_ssize_t targets[HL_FLOW_TARGETS]; /* ... where they lead */
    unsigned n_targets;
    bool deletes; /* an entry somewhere: else nobody asks for the targets */
} hl_flow;

/* The jumps of the code. */
void hl_flow_find(hl_flow *f, const PyCodeObject *code);
/* Calls step with each instruction and its whole argument. False: not all of it can be read. */
typedef void hl_flow_step(void *state, Py_ssize_t at, int op, int arg);
bool hl_flow_each(const PyCodeObject *code, hl_flow_step *step, void *state);
/* The instruction at is next; it was op. */
void hl_flow_reach(hl_flow *f, Py_ssize_t at);
void hl_flow_pass(hl_flow *f, int op);
/* May the instruction that is read run often in one call? */
bool hl_flow_in_loop(const hl_flow *f);
/* Is it read behind the instruction `from` in every run, and as often: no way leads around that, and
 * no loop has one without the other? What an exception jumps over is left aside. */
bool hl_flow_comes_after(const hl_flow *f, Py_ssize_t from);
/* Is what it raises caught in this code? */
bool hl_flow_is_guarded(const hl_flow *f);
/* Has no call of the code ever begun? */
bool hl_flow_never_ran(const PyCodeObject *code);

#endif
