/* inside/mark_here.h: the mark of this process, for a look's child.
 *
 * Room   inside; the cloned child: nobody else changes its memory.
 * Parts  mark_blocks.c  which blocks there are
 *        mark_roots.c   what leads to them from outside, and who holds what
 *        mark_write.c   columns
 * All is read where it lies. A fault on the way is the caller's to catch: then nothing is told. */
#ifndef HL_MARK_HERE_H
#define HL_MARK_HERE_H

#include "inside/mark.h"
#include "inside/native_here.h"
#include "inside/resident.h"
#include "inside/walk.h"

enum hl_block_kind {
    HL_BLOCK_OF_MALLOC, /* its group is the native stack that took it; 0: not known */
    HL_BLOCK_OF_POOL,   /* of the interpreter's own allocator: its size is what was asked for */
    HL_BLOCK_OF_OLD,    /* ... before it was noted how much that was */
};

typedef struct hl_span {
    uintptr_t from, to;
} hl_span;

typedef struct hl_spans { /* in the order of addresses when they are sorted */
    hl_span *list;
    uint32_t n, room;
} hl_spans;

typedef struct hl_marking {
    hl_mark mark;
    hl_maps maps;
    hl_spans out;   /* memory no word of which leads anywhere by itself: ours, heaps, arenas */
    hl_spans heaps; /* of malloc, walked from end to end */
    hl_mark_block *blocks;
    uint32_t n, room;
    uintptr_t arenas_at, stack; /* the stack of the thread that is here is read from there on */
    int pagemap;
    uint64_t ns;
} hl_marking;

/* Before the walk of the heap. NULL: it cannot be done. stack: below it are our own frames. */
hl_marking *hl_marking_begin(const hl_walk *w, uintptr_t arenas_at, uintptr_t stack);
/* After it. Marks. */
void hl_marking_run(const hl_walk *w, hl_marking *k);

bool hl_span_add(hl_spans *s, uintptr_t from, uintptr_t to);
void hl_spans_sort(hl_spans *s);
/* Of sorted ones that do not overlap: does one contain it? */
bool hl_spans_have(const hl_spans *s, uintptr_t at);
/* mark_blocks.c; false: no memory. */
bool hl_marking_blocks(const hl_walk *w, hl_marking *k);

/* What a word lies in. */
typedef struct hl_held_by {
    uint8_t kind; /* enum hl_hold_kind */
    uint32_t
        which; /* DATA: index of the library in native's list; BLOCK: native site; OBJECT: 1 + type */
    uint64_t at; /* DATA: as an address of its file */
} hl_held_by;
hl_held_by hl_marking_holder(hl_walk *w, hl_marking *k, uintptr_t word);
/* The type of the object that begins in a block, of those the walk has met; 0: no such object. */
uint32_t hl_marking_type1(hl_walk *w, const hl_mark_block *b, PyObject **found);
/* Calls for each word of libraries' data, but the interpreter's, and of blocks of malloc no object has,
 * that leads to the beginning of an object. */
typedef void hl_marking_each(void *context, PyObject *o, uintptr_t word);
void hl_marking_words(hl_walk *w, hl_marking *k, hl_marking_each *each, void *context);

#endif
