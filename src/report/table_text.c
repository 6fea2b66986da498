/* report/table_text.c: to be written. */
#include "base/err.h"
