/* inside/resident.h: where the resident memory lies, measured by the cloned child of itself.
 *
 * Room   inside; the cloned child; for the files of this room only.
 * The child is a copy of the program, page by page: what the kernel says of its private memory at
 * its first moment is what was true of the program's. Pages of files are not copied: their sum
 * comes from the program, which read it with its resident size. */
#ifndef HL_RESIDENT_H
#define HL_RESIDENT_H

#include "inside/inside_abi.h"
#include "snapshot/snap_write.h"

enum hl_map_kind { HL_MAP_ANON, HL_MAP_HEAP, HL_MAP_STACK, HL_MAP_FILE, HL_MAP_SHARED };

typedef struct hl_map { /* one mapping */
    uintptr_t start, end;
    uint64_t own;  /* resident bytes that are this process's alone */
    uint64_t file; /* tells mappings of one file from those of another; 0: none */
    uint8_t kind;  /* enum hl_map_kind */
    bool read, write;
    bool kernels; /* [vdso] and the like */
} hl_map;

enum { HL_MAPS_MAX = 16 * 1024 };
typedef struct hl_maps { /* in the order of addresses */
    hl_map *map;
    size_t n;
    bool all; /* false: there are more */
} hl_maps;

typedef struct hl_resident {
    uint64_t value[HL_MEMORY_COUNT]; /* enum hl_memory */
    uint32_t known;                  /* bit i: value[i] */
    hl_maps maps;
    uintptr_t arenas_at; /* the variable that leads to the table of arenas; 0: not found */
} hl_resident;

/* To be called first thing in the child. shared: of the program, with its resident size;
 * arenas_at: as an earlier one left it, or 0. What cannot be measured stays unknown. */
void hl_resident_measure(hl_resident *r, uint64_t shared, uintptr_t arenas_at);
void hl_resident_put(const hl_resident *r, hl_fields *meta);

static inline void hl_resident_set(hl_resident *r, enum hl_memory what, uint64_t bytes)
{
    r->value[what] = bytes;
    r->known |= 1u << what;
}
/* The mapping an address lies in, or NULL. */
/* Gives back the address space that is only reserved, of malloc's arenas above all: for a child in
 * a copy of a process that has none left. */
void hl_resident_drop_reserved(void);
/* The mappings there are now, `own` left out; map: room for HL_MAPS_MAX. false: they cannot be listed. */
bool hl_maps_list(hl_maps *maps);
const hl_map *hl_map_of(const hl_maps *maps, uintptr_t address);
/* Is [p, p + n) readable private memory? */
bool hl_map_holds(const hl_maps *maps, const void *p, size_t n);
/* Resident bytes between two addresses, by pages. */
uint64_t hl_resident_between(uintptr_t from, uintptr_t to);

/* arenas.c: the ARENA values and IMAGE. */
void hl_arenas_measure(hl_resident *r);
/* For each arena the addresses from which on it has pools, and up to which it was ever used. at: as
 * hl_resident_measure left it. false: they are not known, or each was false. */
typedef bool hl_arena_each(void *context, uintptr_t address, uintptr_t end, uintptr_t used_end);
bool hl_arenas_each(const hl_maps *maps, uintptr_t at, hl_arena_each *each, void *context);
/* Is this the head of a pool, as far as can be told? */
bool hl_pool_sane(const hl_abi_pool *p);

#endif
