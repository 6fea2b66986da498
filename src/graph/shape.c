/* graph/shape.c: to be written. */
#include "base/err.h"
