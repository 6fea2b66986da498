/* report/out.c: to be written. */
#include "base/err.h"
