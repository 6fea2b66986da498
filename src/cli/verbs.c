/* cli/verbs.c: to be written. */
#include "cli/verb.h"
