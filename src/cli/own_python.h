/* cli/own_python.h: an interpreter that runs a module of our own package.
 *
 * Room   cli, for the verbs whose work is done in Python. */
#ifndef HL_OWN_PYTHON_H
#define HL_OWN_PYTHON_H

#include "cli/run.h"
#include "cli/verb.h"

/* The words, up to NULL, that start python with module.main([told]), module lying in our package. */
hl_status hl_own_python(const hl_python *python, const hl_package *package, const char *module,
                        const char *told, hl_arena *arena, const char ***argv,
                        hl_err *err) HL_MUST_CHECK;

/* The environment, and in it the library that follows malloc (native/native.h), which takes itself out of
 * it again; native NULL: without it. becomes: this process will be the interpreter, else it stays until
 * that is gone. NULL: no memory. */
char **hl_own_environment(const char *native, bool becomes, hl_arena *arena);

/* Runs module.main([told]) of our package to its end, in the Python that is found, with `in` as its
 * standard input; what it writes to its standard output is appended to answer. *code: HL_EXIT_OK, or the
 * exit status of what it has said on standard error. */
hl_status hl_own_python_run(const char *module, const char *told, int in, hl_out *answer, int *code,
                            hl_err *err) HL_MUST_CHECK;
/* The same with these bytes as its standard input, and all of what fails said. The exit code. */
int hl_own_python_ask(const char *module, const char *told, const hl_out *input, hl_out *answer);

#endif
