/* cli/output.h: an answer into a file, whole or not at all.
 *
 * Room   cli. */
#ifndef HL_OUTPUT_H
#define HL_OUTPUT_H

#include "cli/verb.h"

/* Writes out to path ("-": standard output) and frees it. An existing file is replaced with -f only,
 * and stays as it was where the new one cannot be written whole. The exit code: code, or why not. */
int hl_output(const hl_context *c, const char *path, hl_out *out, int code);

#endif
