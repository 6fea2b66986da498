/* graph/cycle_group.c: to be written. */
#include "base/err.h"
