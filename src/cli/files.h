/* cli/files.h: the recordings a verb was given.
 *
 * Room   cli; verbs on files. */
#ifndef HL_FILES_H
#define HL_FILES_H

#include "base/arena.h"
#include "cli/verb.h"
#include "snapshot/snapshot.h"

typedef struct hl_paths {
    char **at; /* owned, each of them, too */
    uint32_t n, room;
} hl_paths;
/* What is meant: a folder stands for the recordings in it, by name. */
hl_status hl_paths_list(char *const *paths, uint32_t n, hl_paths *out, bool *folder,
                        hl_err *err) HL_MUST_CHECK;
void hl_paths_free(hl_paths *list);

typedef struct hl_files {
    hl_run **runs; /* owned */
    uint32_t n;
    uint32_t unreadable;    /* files that could not be opened and were named */
    bool folder;            /* a folder was given */
    uint32_t torn;          /* snapshots begun and not finished */
    uint64_t bytes_damaged; /* that belong to nothing readable  */
} hl_files;

/* Opens all, in the order given, and remarks on what is torn. A folder stands for the recordings in
 * it, those of a first process before others, and then by age. One of several that cannot be read
 * is named and left out. HL_EXIT_OK, or said and its code. */
int hl_files_open(const hl_context *c, char *const *paths, uint32_t n, hl_files *out);
/* Exactly one recording (a folder with one will do), or a sentence that says why: verb. */
int hl_files_open_one(const hl_context *c, const char *verb, char *path, hl_files *out);
/* Are they of several processes (a folder's, or of one run), rather than one history? Then the
 * first process stands first. */
bool hl_files_are_processes(hl_files *f);
void hl_files_close(hl_files *f);
/* The exit code of an answer made from these files: code, or HL_EXIT_INCOMPLETE for HL_EXIT_OK if
 * part of them was not readable. */
int hl_files_code(const hl_files *f, int code);
/* What a verb tells of recordings: puts it into out; HL_EXIT_OK, or why it is not whole. */
typedef int hl_answer(const hl_context *c, const hl_files *files, void *asked, hl_arena *arena,
                      hl_out *out);
/* Opens them, answers, and writes the answer to output ("-": standard output) unless there is none.
 * The exit code. */
int hl_files_answer(const hl_context *c, char *const *paths, uint32_t n, hl_answer *answer,
                    void *asked, const char *output);
/* As hl_run_open, and kind about folders and process ids. */
hl_status hl_file_open(const char *path, hl_run **out, hl_err *err) HL_MUST_CHECK;

#endif
