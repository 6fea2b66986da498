/* snapshot/snap_read.c: to be written. */
#include "base/err.h"
