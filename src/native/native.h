/* native/native.h: which native code took the memory that lives: malloc and its kin, with their stacks;
 * or how much, bytes only.
 *
 * Room   native; a library of its own (libheaplens_native.so) that is preloaded where this is asked
 *        for, and nowhere else; target, inside malloc. It links no Python symbol.
 * Parts  interpose.c   malloc and its kin, in front of whatever allocator there is
 *        stack.c       the stack that runs, as a site of track/site_tree.h
 *        cfi.c         how a caller's registers are found: call frame information (.eh_frame)
 *        modules.c     what is loaded where, under which path and build id
 *        mappings.c    what was asked of the kernel itself
 *        pieces.c      which memory is the library's own
 * Gives  to the core (inside/native_here.c), which finds hl_native_here by dlsym: start, stop, and the
 *        tables to read, in the program or in its cloned child. Names of functions, files and lines
 *        are found by the analyser (symbols/symbols.h), never here.
 * Modes  each block with its stack (hl_live); one in so many bytes (hl_samples); or bytes only: the host
 *        hears how much came or went, by what the allocator says a block has, so that nothing is kept.
 * Memory comes from rt's pages only. What has no room is counted. */
#ifndef HL_NATIVE_H
#define HL_NATIVE_H

#include "native/mappings.h"
#include "native/modules.h"
#include "rt/rt.h"
#include "track/live.h"
#include "track/sampler.h"
#include "track/site_tree.h"

#include <stdbool.h>
#include <stdint.h>

enum { HL_NATIVE_VERSION = 3 };
#define HL_NATIVE_THEIRS UINT32_MAX /* no site: somebody else counts the block */

/* What the interpreter says of a block that is being made. */
typedef struct hl_native_host {
    /* The Python stack that called, a number of the host's; 0: none does; HL_NATIVE_THEIRS: the host
     * counts this block itself. Inside malloc. */
    uint32_t (*python)(void);
    /* Entry of the function that runs Python code: below it the Python stack says more. 0: none. */
    uintptr_t eval;
    uintptr_t self; /* some code of the host's library */
    size_t arena;   /* bytes of the interpreter's own arenas, whose mappings the host knows; or 0 */
    bool
        counts; /* the host counts what its library asks malloc for: blocks of Python's allocators */
    double mean; /* bytes from one sample to the next; 0: each block is noted */
    /* Not NULL: bytes only. So many came, or went if negative, on this thread, inside malloc or mmap; 0 asks
     * whether what is mapped now is to be told. false: it is the host's own, whose end is not told either. */
    bool (*counted)(int64_t bytes);
} hl_native_host;

/* Sites: those of modules' code, and, where Python called, at the outermost end one of code
 * HL_MODULE_PYTHON whose offset is the host's number. A block's word in the map is by = its site. */
typedef struct hl_native {
    uint32_t version; /* HL_NATIVE_VERSION */
    bool (*start)(const hl_native_host *host);
    void (*stop)(void);
    void (*refresh)(void);  /* asks the loader what is loaded; not inside malloc */
    uint32_t (*here)(void); /* the site of who calls this; 0: it is not started */
    hl_live *live;          /* each; empty where samples are taken */
    hl_samples *samples;    /* its `by` is as of live, its sizes with HL_NATIVE_HEAD */
    hl_mappings *mappings;
    hl_sites *sites;
    const hl_modules *modules;
} hl_native;

/* Of this library's own copy of rt; the core finds it by dlsym. */
const hl_pages_piece *hl_native_pieces(void);

/* What malloc adds to a block, about. A sample's size has it, too, so that many small blocks are as likely
 * seen as few large ones that take as much. */
enum { HL_NATIVE_HEAD = 16 };

/* hl_live keeps 40 bits: site above 16 that are not in use but for the lowest, which says "a block". */
enum { HL_NATIVE_SITE_SHIFT = 16 };
static inline uint64_t hl_native_by(uint32_t site)
{
    return (uint64_t)site << HL_NATIVE_SITE_SHIFT | 1;
}
static inline uint32_t hl_native_site(uint64_t by)
{
    return (uint32_t)(by >> HL_NATIVE_SITE_SHIFT);
}

#endif
