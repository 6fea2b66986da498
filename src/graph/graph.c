/* graph/graph.c: to be written. */
#include "base/err.h"
