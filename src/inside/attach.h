/* inside/attach.h: a thread of ours takes the GIL for a moment.
 *
 * Room   inside, its own files only. */
#ifndef HL_ATTACH_H
#define HL_ATTACH_H

#include "inside/inside_abi.h"

/* Once before the first hl_attach, by a thread that may allocate. 0, or an error number. */
int hl_attach_prepare(void);
/* Comes back with the GIL held and a thread state of its own; NULL, and no GIL: no memory, or the
 * interpreter is being torn down. */
PyThreadState *hl_attach(void);
void hl_detach(PyThreadState *t);

#endif
