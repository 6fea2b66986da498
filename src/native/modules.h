/* native/modules.h: what is loaded where: the executable and shared libraries.
 *
 * Room   native; target, inside malloc.
 * A record stays when its library is unloaded, and is taken again when the same file comes back, so
 * that sites of its code go on meaning what they meant. */
#ifndef HL_MODULES_H
#define HL_MODULES_H

#include "track/lock.h"
#include "track/site_tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HL_MODULES_MAX = 4096,
    HL_MODULE_ID_MAX = 32,
    /* `code` of a site (track/site_tree.h) is the index of a module, or: */
    HL_MODULE_PYTHON = 0,  /* the Python stack at the outermost end */
    HL_MODULE_UNKNOWN = 1, /* code that no module has */
    HL_MODULE_FIRST = 2,
};

typedef struct hl_module {
    uintptr_t base;      /* is added to the addresses in its file */
    uintptr_t from, end; /* all of it */
    uintptr_t code, code_end;
    const uint8_t *unwind; /* its .eh_frame_hdr; NULL: none */
    const char *path;
    uint8_t id[HL_MODULE_ID_MAX]; /* build id */
    uint32_t id_bytes;
    uint32_t cell; /* addresses of its sites: hl_sites_gone */
    bool here;
} hl_module;

typedef struct hl_modules {
    hl_lock lock; /* guards all, and is taken before the sites' */
    hl_module *list;
    uint32_t n;
    uint64_t age; /* how often something was loaded or unloaded, as of the list */
    char *texts, *texts_end;
    uint64_t lost;
} hl_modules;

bool hl_modules_init(hl_modules *m);
/* Asks the loader. gone is called, with the lock held, for each that is there no more. Without the
 * lock; the loader's own lock is taken, which a thread inside dlopen holds. */
void hl_modules_refresh(hl_modules *m, void (*gone)(hl_module *module));
/* The lock is held. Index of the module that has this code, or HL_MODULE_UNKNOWN. */
uint32_t hl_modules_find(const hl_modules *m, uintptr_t at);
void hl_modules_deinit(hl_modules *m); /* for tests */

#endif
