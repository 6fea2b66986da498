/* preload/follow.h: `run --follow-children`: what a process that starts others hands on to them.
 *
 * Room   preload; its own files. */
#ifndef HL_FOLLOW_H
#define HL_FOLLOW_H

#include "preload/page.h"

/* Processes started from here on are followed. page_path: /proc/SENTINEL/fd/N; first: the page of
 * the first process, mapped for good. */
void hl_follow_begin(hl_page *first, const char *page_path);
/* Nobody is: Pythons that are started from here on are counted in the page. */
void hl_follow_not(hl_page *page);
/* NULL: nobody is followed. */
hl_page *hl_follow_first(void);

/* A page for this process, filled from the first one's. NULL: no memory. */
hl_page *hl_follow_page(void);
/* A process that should be followed is not: counted, the first reason kept. */
void hl_follow_missed(const char *why);

/* Calls with the environment the program at path is to be started in: envp, or envp and what makes
 * it followed. Legal between vfork and exec: no memory but the stack's is taken. */
typedef int hl_with_environment(char *const envp[], void *more);
int hl_follow_with(const char *path, char *const envp[], hl_with_environment *call, void *more);

#endif
