/* inside/rounds.h: units of work the program says are done, for the room's own files.
 *
 * Room   inside; target with the GIL. */
#ifndef HL_ROUNDS_H
#define HL_ROUNDS_H

#include "base/err.h"
#include "inside/inside_abi.h"
#include "preload/page.h"

#include <stdbool.h>

/* Under `heaplens run`: where rounds are counted, and who looks when one is due. */
void hl_rounds_attach(hl_page *page, void (*look)(void));
/* The same for a copy of the core that the program imported: asks the preload library. */
void hl_rounds_find(void);
/* One unit of work is done. */
void hl_rounds_done(void);

/* round_of.c: --rounds [MODULE:]FUNCTION, page->round_of. False: a sentence in why. */
bool hl_round_of_arm(const hl_page *page, char *why, size_t size);

/* watch.c: the blocks of code that are watched in this process. */
void hl_watches_round(void);
void hl_watches_forget(void); /* in a forked child: they are the parent's */
extern PyMethodDef hl_watch_methods[];

/* binding.c: a new .hlens file with its record of who ran; *fd is left open. */
hl_status hl_file_begin(const char *path, const char *program, int *fd, hl_err *err) HL_MUST_CHECK;
PyObject *hl_raise(const hl_err *err);
const char *hl_shot_doing(uint32_t step);

#endif
