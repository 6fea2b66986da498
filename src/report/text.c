/* report/text.c: to be written. */
#include "base/err.h"
