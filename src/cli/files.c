/* cli/files.c: the recordings a verb was given, opened and checked for what is missing.
 *
 * Room   cli; analyser process. */
#include "cli/files.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool all_digits(const char *s)
{
    return *s && !s[strspn(s, "0123456789")];
}

hl_status hl_file_open(const char *path, hl_run **out, hl_err *err)
{
    if (all_digits(path) && access(path, F_OK))
        return hl_err_set(err, HL_UNSUPPORTED,
                          "%s looks like a process id: looking into a running process is not in "
                          "this version; start the program with: heaplens run SCRIPT",
                          path);
    return hl_run_open(path, out, err);
}

static void remark(const hl_context *c, const hl_run *run)
{
    hl_damage d = hl_container_damage(run->file);
    if (run->n_torn)
        hl_remark(c, "%s: %u snapshot%s cut off before %s whole and not used", run->path,
                  run->n_torn, run->n_torn == 1 ? " was" : "s were",
                  run->n_torn == 1 ? "it was" : "they were");
    else if (d.torn_tail)
        hl_remark(c, "%s ends in the middle of a record: what was whole before is used", run->path);
    if (d.gaps)
        hl_remark(c,
                  "%s is damaged: %llu bytes cannot be read, the first at %llu; "
                  "see: heaplens doctor FILE",
                  run->path, (unsigned long long)d.bytes_lost, (unsigned long long)d.first_offset);
}

int hl_files_open(const hl_context *c, char *const *paths, uint32_t n, hl_files *out)
{
    hl_files f = {.runs = calloc(n, sizeof *f.runs)};
    hl_err err = {0};
    if (!f.runs) {
        hl_err_set(&err, HL_NO_MEMORY, "no memory for %u files", n);
        return hl_fail(&err);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (hl_file_open(paths[i], &f.runs[i], &err)) {
            hl_files_close(&f);
            return hl_fail(&err);
        }
        f.n = i + 1;
        f.torn += f.runs[i]->n_torn;
        f.bytes_damaged += hl_container_damage(f.runs[i]->file).bytes_lost;
        remark(c, f.runs[i]);
    }
    *out = f;
    return HL_EXIT_OK;
}

void hl_files_close(hl_files *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        hl_run_close(f->runs[i]);
    free(f->runs);
    *f = (hl_files){0};
}

int hl_files_code(const hl_files *f, int code)
{
    bool whole = !f->torn && !f->bytes_damaged;
    return code == HL_EXIT_OK && !whole ? HL_EXIT_INCOMPLETE : code;
}
