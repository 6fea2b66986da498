/* snapshot/snap_write.c: to be written. */
#include "base/err.h"
