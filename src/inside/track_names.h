/* inside/track_names.h: files, functions and lines of sites, as Python objects.
 *
 * Room   inside; target with the GIL. */
#ifndef HL_TRACK_NAMES_H
#define HL_TRACK_NAMES_H

#include "inside/track_engine.h"

/* A copy of the code records, since Python objects cannot be made under their lock. */
typedef struct hl_track_names {
    hl_code *codes;
    char *pool;
    size_t n, bytes;
} hl_track_names;

/* false: no memory. Either way it has to be deinitialized. */
bool hl_track_names_init(hl_track_names *c);
void hl_track_names_deinit(hl_track_names *c);

const hl_code *hl_track_names_code(const hl_track_names *c, const hl_site *s);
uint32_t hl_track_names_line(const hl_track_names *c, const hl_site *s);
/* A new str; NULL with an exception. */
PyObject *hl_track_names_text(const hl_track_names *c, uint32_t text);

#endif
