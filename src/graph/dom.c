/* graph/dom.c: to be written. */
#include "base/err.h"
