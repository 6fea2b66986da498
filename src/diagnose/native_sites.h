/* diagnose/native_sites.h: blocks of malloc by native stack, moment by moment, and what a stack is called.
 *
 * Room   diagnose, its own files only.
 * Numbers of stacks differ between snapshots. A key is of what a stack leads through: the file, build id
 * and place of each call, and the line of Python that made the first of them. How the interpreter came
 * to call a function of C is no part of it. */
#ifndef HL_NATIVE_SITES_H
#define HL_NATIVE_SITES_H

#include "base/arena.h"
#include "base/err.h"
#include "model/finding.h"
#include "snapshot/snapshot.h"
#include "symbols/symbols.h"

typedef struct hl_native_sum {
    uint64_t key;
    uint32_t stack; /* one of them, in that snapshot */
    hl_amount live;
    uint64_t taken; /* bytes malloc uses */
} hl_native_sum;

typedef struct hl_native_moment {
    hl_native_sum *sums; /* arena; sorted by key */
    uint32_t n;
    uint64_t taken; /* of all */
} hl_native_moment;

/* Adds up s. */
hl_status hl_native_add_up(const hl_snap *s, hl_arena *arena, hl_native_moment *out,
                           hl_err *err) HL_MUST_CHECK;
/* NULL: it had none then. */
const hl_native_sum *hl_native_sum_of(const hl_native_moment *m, uint64_t key);

/* What became of a key's blocks in one snapshot, where it was asked. */
typedef struct hl_native_fate {
    hl_amount lost, kept;
    uint32_t lost_type1; /* 1 + type of most of the lost; 0: no objects that are known */
    hl_snap_hold *by;    /* arena; the most blocks first */
    uint32_t n_by;
} hl_native_fate;
hl_status hl_native_fate_of(const hl_snap *s, uint64_t key, hl_arena *arena, hl_native_fate *out,
                            hl_err *err) HL_MUST_CHECK;

/* "libx.so.1" of a path. */
const char *hl_module_name(const char *path);
/* Is it the C library, C++'s or the interpreter, which take memory for others? */
bool hl_module_serves(const char *path);
/* "my_function (spam.c:12)", "my_function in spam.so", "spam.so+0x11a9"; inlined: and the functions it
 * was put into, "inner (a.c:3) < outer (a.c:9)". *named, or NULL: what is known of it. */
const char *hl_place_label(hl_symbols *symbols, const char *path, const char *id, uint64_t at,
                           bool inlined, hl_arena *arena, hl_symbol *named);
/* The library that asked: of the innermost frame that is not of the C library, of C++ or of the
 * interpreter; of the innermost, where all are. An index of s->natives; 0: none is told. */
uint32_t hl_native_asker(const hl_snap *s, uint32_t stack);
/* The Python frame that called, an index of s->frames; 0: none did. */
uint32_t hl_native_caller(const hl_snap *s, uint32_t stack);
/* "planted.so 33.3 KB in 100 blocks, libz.so.1 ...": the libraries with most; "": malloc has none that
 * is told; NULL: no memory. */
const char *hl_native_libraries(const hl_snap *s, hl_arena *arena);
/* hl_place_label of a frame. */
const char *hl_native_label(const hl_snap *s, uint32_t frame, hl_symbols *symbols, hl_arena *arena,
                            hl_symbol *named);
/* All of a stack that is native, innermost first; how many. *out: in the arena; NULL without memory. */
uint32_t hl_native_frames(const hl_snap *s, uint32_t stack, hl_symbols *symbols, hl_arena *arena,
                          hl_native_frame **out);
/* "inner (a.c:3) < outer (a.c:9)": from the one that asked outwards, up to the interpreter. */
const char *hl_native_stack_label(const hl_snap *s, uint32_t stack, hl_symbols *symbols,
                                  hl_arena *arena);

#endif
