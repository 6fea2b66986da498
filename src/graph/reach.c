/* graph/reach.c: to be written. */
#include "base/err.h"
