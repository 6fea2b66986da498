/* model/chains.h: how objects are reached from the roots, as plain data, for `paths`.
 *
 * Room   model; no behaviour. Texts live in the arena of whoever filled the struct. */
#ifndef HL_CHAINS_H
#define HL_CHAINS_H

#include "model/finding.h"

#include <stdint.h>

typedef struct hl_chain {
    const char *name;      /* of the object shown, as a developer knows it */
    const char *made;      /* NULL, or who made it: "load (lib.py:7) < main (app.py:9)" */
    const hl_known *known; /* NULL, or whose container it is */
    uint64_t address;      /* of that object */
    uint64_t objects;      /* that are reached this way */
    uint64_t retained;     /* bytes the object shown keeps alive */
    hl_chain_step *steps;  /* from the root */
    uint32_t n_steps;
    uint64_t left_out; /* further steps between the two halves of a very long chain */
} hl_chain;

typedef struct hl_chains {
    const char *target; /* as it was asked for */
    uint64_t matched;   /* objects it means    */
    hl_chain *chains;
    uint32_t n_chains;
    uint64_t chains_left; /* not shown */
} hl_chains;

#endif
