/* cli/own_python.h: an interpreter that runs a module of our own package.
 *
 * Room   cli, for the verbs whose work is done in Python. */
#ifndef HL_OWN_PYTHON_H
#define HL_OWN_PYTHON_H

#include "cli/run.h"

/* The words, up to NULL, that start python with module.main([told]), module lying in our package. */
hl_status hl_own_python(const hl_python *python, const hl_package *package, const char *module,
                        const char *told, hl_arena *arena, const char ***argv,
                        hl_err *err) HL_MUST_CHECK;

#endif
