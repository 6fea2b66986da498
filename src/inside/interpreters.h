/* inside/interpreters.h: which interpreters stand still while the process is cloned.
 *
 * Room   inside; its own header. */
#ifndef HL_INTERPRETERS_H
#define HL_INTERPRETERS_H

#include "inside/inside_abi.h"

enum { HL_STILL_MAX = 64 };

/* Interpreters that do not share the caller's GIL, and whose own GIL is held back meanwhile. All
 * that share it stand still anyway, and are not listed. */
typedef struct hl_still {
    PyInterpreterState *held[HL_STILL_MAX];
    unsigned n;
} hl_still;

/* GIL held: holds back the others, waiting a moment for those that run. */
void hl_still_hold(hl_still *s);
/* Lets them go. The GIL is not needed. */
void hl_still_release(hl_still *s);
/* May its heap be read, in a copy made between the two? */
bool hl_still_has(const hl_still *s, PyInterpreterState *mine, PyInterpreterState *other);

#endif
