/* cli/files.h: the recordings a verb was given.
 *
 * Room   cli; verbs on files. */
#ifndef HL_FILES_H
#define HL_FILES_H

#include "cli/verb.h"
#include "snapshot/snapshot.h"

typedef struct hl_files {
    hl_run **runs; /* owned */
    uint32_t n;
    uint32_t torn;          /* snapshots begun and not finished */
    uint64_t bytes_damaged; /* that belong to nothing readable  */
} hl_files;

/* Opens all, in the order given, and remarks on what is torn. HL_EXIT_OK, or said and its code. */
int hl_files_open(const hl_context *c, char *const *paths, uint32_t n, hl_files *out);
void hl_files_close(hl_files *f);
/* The exit code of an answer made from these files: code, or HL_EXIT_INCOMPLETE for HL_EXIT_OK if
 * part of them was not readable. */
int hl_files_code(const hl_files *f, int code);
/* As hl_run_open, and kind about folders and process ids. */
hl_status hl_file_open(const char *path, hl_run **out, hl_err *err) HL_MUST_CHECK;

#endif
