/* report/json.c: to be written. */
#include "base/err.h"
