/* snapshot/snap_traces.h: what another tool knows of allocations, as a recording.
 *
 * Room   snapshot; analyser process. A door of its own, for who reads such files. */
#ifndef HL_SNAP_TRACES_H
#define HL_SNAP_TRACES_H

#include "snapshot/snapshot.h"

/* Text in lines:
 *     frame LINE BYTES NAME       code at LINE of the file whose name has so many bytes; numbered from 1
 *     stack CALLER FRAME          numbered from 1; CALLER: a stack that stands before it, or 0
 *     blocks STACK DOMAIN N BYTES what lives of a stack, by stack; DOMAIN: hl_block_domain
 *     end
 * becomes a run of one snapshot without objects, which tells what lives and no more
 * (hl_tracking.live_only). path is what the run is called. HL_CORRUPT: no such text. */
hl_status hl_traces_open(const char *path, const char *text, size_t n, hl_run **out,
                         hl_err *err) HL_MUST_CHECK;

#endif
