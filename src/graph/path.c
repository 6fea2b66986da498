/* graph/path.c: to be written. */
#include "base/err.h"
