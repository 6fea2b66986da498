/* cli/pickle_file.h: pickled snapshots of tracemalloc as recordings.
 *
 * Room   cli; verbs on files. */
#ifndef HL_PICKLE_FILE_H
#define HL_PICKLE_FILE_H

#include "snapshot/snapshot.h"

/* Does the file begin as pickles do? */
bool hl_pickle_is(const char *path);
/* What tracemalloc.Snapshot.dump wrote, as a run of one snapshot that knows of allocations only. No code
 * in the file is run. */
hl_status hl_pickle_open(const char *path, hl_run **out, hl_err *err) HL_MUST_CHECK;

#endif
