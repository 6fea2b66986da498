/* inside/fail_alloc.h: what `heaplens audit` does to the process it audits.
 *
 * Room   inside, its own files only. */
#ifndef HL_FAIL_ALLOC_H
#define HL_FAIL_ALLOC_H

#include "inside/inside_abi.h"

extern PyMethodDef hl_fail_methods[]; /* call_failing, prop_shared */

#endif
