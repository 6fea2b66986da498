/* cli/doctor.h: the parts of `heaplens doctor`, for one another.
 *
 * Room   cli. */
#ifndef HL_DOCTOR_H
#define HL_DOCTOR_H

#include "cli/verb.h"

/* Reads and checks all of each recording, a folder's one by one; prints; exit code. */
int hl_doctor_files(const hl_context *c, char *const *paths, uint32_t n);
/* What works on this machine, and the command that mends what is missing. */
int hl_doctor_here(const hl_context *c);

#endif
