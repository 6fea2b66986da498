/* cli/audit_frames.c: a stack that the audited process told, in words.
 *
 * Room   cli; analyser process.
 * Takes  "PATH;BUILDID;OFFSET|...|FILE:LINE", innermost first.   Gives  the functions of C code that is
 *        not the interpreter's, and the line of Python that called. The line may be anybody's. */
#define _GNU_SOURCE
#include "cli/audit.h"
#include "diagnose/native_sites.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES_TOLD = 6 };

/* PATH;BUILDID;OFFSET; cuts it up. false: it is not that. */
static bool take_frame(char *frame, const char **path, const char **id, uint64_t *at)
{
    char *last = strrchr(frame, ';'), *end = NULL;
    if (!last)
        return false;
    *last = 0;
    char *middle = strrchr(frame, ';');
    if (!middle)
        return false;
    *middle = 0;
    *path = frame;
    *id = middle + 1;
    *at = strtoull(last + 1, &end, 16);
    return end != last + 1 && !*end;
}

const char *hl_audit_frames(char *said, hl_arena *arena)
{
    hl_symbols *symbols = hl_symbols_create();
    const char *text = NULL, *path, *id, *python = NULL;
    char *rest = said, *frame;
    uint64_t at;
    unsigned told = 0;
    while ((frame = strsep(&rest, "|"))) {
        if (!rest) { /* what comes last has no bar behind it */
            python = *frame ? frame : NULL;
            break;
        }
        if (!take_frame(frame, &path, &id, &at) || hl_module_serves(path) ||
            !strncmp(hl_module_name(path), "_inside.", strlen("_inside.")) || told == FRAMES_TOLD)
            continue;
        const char *label = hl_place_label(symbols, path, id, at, true, arena, NULL);
        text = text && label ? hl_arena_printf(arena, "%s < %s", text, label) : label;
        told++;
    }
    hl_symbols_destroy(symbols);
    if (!python)
        return text;
    const char *file = hl_module_name(python);
    return text ? hl_arena_printf(arena, "%s, called from %s", text, file)
                : hl_arena_printf(arena, "called from %s", file);
}
