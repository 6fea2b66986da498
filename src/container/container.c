/* container/container.c: to be written. */
#include "base/err.h"
