/* model/picture.h: what is around an object, as plain data, for `graph`.
 *
 * Room   model; no behaviour. Texts live in the arena of whoever filled the struct. */
#ifndef HL_PICTURE_H
#define HL_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

enum { HL_PICTURE_LABELS = 3 };

typedef enum hl_picture_kind {
    HL_PICTURE_OBJECT,
    HL_PICTURE_ROOT,   /* it needs nobody: a module, a running frame, what C code holds */
    HL_PICTURE_LEAVES, /* numbers and strings counted in their holder */
} hl_picture_kind;

#define HL_PICTURE_CYCLES UINT32_MAX /* of several: a cycle each */

typedef struct hl_picture_node { /* one object, or several that look alike */
    hl_picture_kind kind;
    bool target;
    const char *type;
    const char *name; /* NULL, or what it is called */
    const char *note; /* NULL, or why it needs nobody */
    uint64_t address; /* of the one that keeps most; 0: of leaves none is known */
    uint64_t objects;
    int64_t items;     /* of one container; -1: none, or not known */
    uint64_t bytes;    /* their own */
    uint64_t retained; /* what goes with them */
    uint32_t cycle;    /* 0: on none; else its number, or HL_PICTURE_CYCLES */
    uint32_t distance; /* references from a target */
    bool more;         /* it has neighbours that are left out */
} hl_picture_node;

typedef struct hl_picture_edge {
    uint32_t from, to; /* the holder, what it holds */
    uint64_t references;
    const char *labels[HL_PICTURE_LABELS]; /* ".cache", "[*]", "closure rows" */
    uint32_t n_labels;
    bool more_labels;
    bool weak;   /* keeps nothing alive */
    bool cycle;  /* part of the cycle both are on */
    bool guilty; /* the reference that should not be, or without which the target would go */
} hl_picture_edge;

typedef struct hl_picture {
    const char *target; /* as it was asked for */
    uint64_t matched;   /* objects it means    */
    bool refs;          /* what it refers to; else what refers to it */
    bool judged;        /* the guilty edge is a finding's */
    hl_picture_node *nodes;
    hl_picture_edge *edges;
    uint32_t n_nodes, n_edges;
    uint64_t left_out; /* objects next to those drawn */
} hl_picture;

#endif
