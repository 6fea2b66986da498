/* snapshot/snap_verify.c: to be written. */
#include "base/err.h"
