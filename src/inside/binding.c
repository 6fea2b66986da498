/* inside/binding.c: to be written. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
