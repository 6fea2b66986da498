/* diagnose/diagnose.c: to be written. */
#include "base/err.h"
