/* graph/scc.c: to be written. */
#include "base/err.h"
