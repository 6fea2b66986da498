/* inside/track_binding.h: the methods of the module that belong to the tracker.
 *
 * Room   inside; target with the GIL. */
#ifndef HL_TRACK_BINDING_H
#define HL_TRACK_BINDING_H

#include "inside/inside_abi.h"

extern PyMethodDef hl_track_methods[];
/* The tracker that `heaplens run` has armed in this process, if it is another copy of the core than
 * this one and of the same version; else ours. */
PyMethodDef *hl_track_methods_here(void);

#endif
