/* inside/at_exit.h: a function for the end of the interpreter, which its program does not see.
 *
 * Room   inside, its own files only. */
#ifndef HL_AT_EXIT_H
#define HL_AT_EXIT_H

#include <stdbool.h>

/* function is called once, GIL held, when every handler of the program has run. GIL held. Once in
 * the life of a process. */
bool hl_at_exit(void (*function)(void));

#endif
