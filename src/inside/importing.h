/* inside/importing.h: is the main thread still loading what it will work with?
 *
 * Room   inside, its own files only. */
#ifndef HL_IMPORTING_H
#define HL_IMPORTING_H

/* GIL held, by a thread that is not the main one. A program may do its work within an import: it
 * stays in the same module's code. Asked again each time a look is due. */
enum hl_importing { HL_NO_IMPORT, HL_IMPORTING, HL_WORKS_IN_IMPORT };
enum hl_importing hl_importing(void);

#endif
