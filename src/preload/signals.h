/* preload/signals.h: signals that end the program, and the one that asks for a look.
 *
 * Room   preload, its own files only. */
#ifndef HL_SIGNALS_H
#define HL_SIGNALS_H

#include <stdbool.h>

enum hl_dying { /* where a signal that ends the program met its thread */
                HL_DYING_COMPUTING,
                HL_DYING_STANDING, /* in a system call, or just back from it */
                HL_DYING_FAULT     /* the thread cannot go on */
};

typedef struct hl_signals {
    bool (*observed)(void); /* is this the observed process? */
    /* 0: go on, you will be ended. 1: all is seen: leave and die. 2: die at once */
    int (*dying)(int signum, int where);
    void (*look)(void);        /* a look is asked for */
    void (*leave)(int signum); /* waits for the verdict */
} hl_signals;

/* When the program is about to begin. asks: the signal that asks for a look; 0: none. */
void hl_signals_begin(const hl_signals *host, int asks);
/* Dies by signum, which is to have its default action; waits for the verdict before. */
void hl_signals_die(int signum);

#endif
