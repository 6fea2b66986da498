/* symbols/demangle.h: the names of C++ as they were written.
 *
 * Room   symbols; analyser process, never in the program. */
#ifndef HL_DEMANGLE_H
#define HL_DEMANGLE_H

#include "base/arena.h"

/* "_ZN3fox3runEi" is fox::run: with its classes and namespaces, without its parameters. In the arena;
 * name itself where it is no such name, or no C++ runtime is here to read it. */
const char *hl_demangle(const char *name, hl_arena *arena);

#endif
