/* preload/core.h: which build of the core fits the interpreter we are in.
 *
 * Room   preload; its own header. */
#ifndef HL_CORE_H
#define HL_CORE_H

#include "preload/page.h"

typedef struct hl_core { /* functions of inside/pulse.c */
    void (*farewell)(const char *reason, int gil);
    int (*threads)(void); /* how many of ours run in this process */
    int (*dying)(int signum, int where);
    void (*asked)(void);
    void *(*track)(void);      /* PyMethodDef[]: the tracker, for another copy of the core */
    void (*look)(void);        /* at the end of a round, GIL held */
    void (*leave)(int status); /* of a process that was followed: its end is recorded */
} hl_core;

/* HL_REFUSED: it fits, and cannot do what was asked for. */
typedef enum hl_arming { HL_ARMED, HL_UNFIT, HL_REFUSED } hl_arming;

/* Finds, loads and arms it. GIL held. If it is not armed page->refusal says which interpreter this
 * is, which builds there are, and what to do. */
hl_arming hl_core_arm(hl_page *page, hl_core *out);
/* Before the interpreter is up: will there be a build for it? If not: fills page->refusal. */
bool hl_core_fits(const hl_page *page);
void hl_core_refuse(hl_page *page);

#endif
