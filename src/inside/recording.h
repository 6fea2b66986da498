/* inside/recording.h: the file of a process that is followed: begun late, ended by itself.
 *
 * Room   inside; its own files, under `heaplens run --follow-children`. */
#ifndef HL_RECORDING_H
#define HL_RECORDING_H

#include "base/err.h"
#include "preload/page.h"

/* When a process is old enough to be worth a file: a program may start them by the hundred. Where
 * the machine is busy a short one takes long, so its CPU time is asked, too; one that mostly waits
 * is old after a second. The time to ask again; 0: it is. All CLOCK_MONOTONIC, ns. */
uint64_t hl_recording_wait(const hl_page *page, uint64_t now_ns);

/* Makes page->file and writes who this is. Any thread; no memory is taken. */
hl_status hl_recording_begin(hl_page *page, hl_err *err) HL_MUST_CHECK;
/* status, or 256 + signal; negative: not known. A file without a snapshot goes. */
void hl_recording_end(hl_page *page, int status);

#endif
