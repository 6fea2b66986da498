/* inside/native_here.h: native allocations, where the library that follows them is preloaded.
 *
 * Room   inside; target with the GIL; what writes them, the cloned child. */
#ifndef HL_NATIVE_HERE_H
#define HL_NATIVE_HERE_H

#include "inside/inside.h"
#include "inside/inside_abi.h"
#include "inside/walk.h"
#include "native/native.h"

extern PyMethodDef hl_native_methods[];

/* NULL: nobody follows them. */
const hl_native *hl_native_followed(void);
/* The library's own memory; NULL: it does not say. */
const hl_pages_piece *hl_native_own(void);
/* malloc_usable_size of whatever allocator there is; NULL: it has none. The child may not look for it. */
extern size_t (*hl_native_usable)(void *);
/* "frames PATH;BUILDID;OFFSET|...|FILE:LINE\n": the native stack that runs, innermost first, and the line
 * of Python that called, where it is known; what of it fits. Inside an allocator. Its length; 0: native
 * allocations are not followed. */
size_t hl_native_tell(char *buf, size_t size);
/* One block in so many bytes is followed from now on, if the library is there: those that C code asks
 * malloc for itself. While allocations are tracked. In a forked child: anew. */
void hl_native_sample(double mean);
void hl_native_unfollow(void);
/* Bytes only, from now on: `counted` hears what comes and goes (native/native.h); GIL. false: the library is
 * not there, or follows already. */
bool hl_native_count(bool (*counted)(int64_t bytes));
void hl_native_uncount(void);
/* Before a look, not inside malloc: what has been loaded and unloaded since is known then. */
void hl_native_settle(void);
/* Where samples are taken: is much more in use than when it was last asked what leads to blocks, and has the
 * process, which has so much memory and has used so much CPU, enough to do that asking again is no matter?
 * One caller at a time. */
bool hl_native_is_worth_a_mark(uint64_t rss_bytes, uint64_t cpu_ns);
/* Has it enough for that, whatever is in use? */
bool hl_native_may_mark(uint64_t rss_bytes, uint64_t cpu_ns);
/* In the child: of Python's allocators so much is in no object that the walk found; is it much more than
 * at the last mark? */
bool hl_native_unheld_is_due(uint64_t unheld_bytes);
/* Before the last look, for which the program waits and lends its memory: is it likely enough that a mark
 * will be worth it, which takes a copy? */
bool hl_native_is_worth_a_copy(uint64_t rss_bytes, uint64_t cpu_ns);
/* After a look: what its child did. The caller of hl_native_is_worth_a_mark. */
void hl_native_marked(const hl_shot *shot, uint64_t rss_bytes);
bool hl_native_is_sampled(void);
/* In the child. A block of malloc that is followed; false: it is not. */
typedef struct hl_native_block {
    uint32_t site;
    uint64_t size;
} hl_native_block;
bool hl_native_block_at(uintptr_t at, hl_native_block *out);
/* In the child: bytes of a mapping; beside samples those that are there. */
uint64_t hl_native_mapped(const hl_mapping *m);
/* In the child, whose copy of the map is its own: an object has this block, of so many
 * bytes as the tracker knows it. */
void hl_native_held(const void *block, uint64_t size);
/* In the child, after the walk: has an object this block? */
bool hl_native_is_held(const hl_native *n, uintptr_t block);
/* ... the blocks that no object has, by native stack. */
void hl_native_write(hl_walk *w, hl_fields *end);

#endif
