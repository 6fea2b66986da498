/* native/environment.h: how the library that follows malloc gets into a process, and out of what the
 * process hands on.
 *
 * Room   native; whoever starts the process puts these in, the library takes them out at its start. */
#ifndef HL_NATIVE_ENVIRONMENT_H
#define HL_NATIVE_ENVIRONMENT_H

#define HL_NATIVE_ENV "HEAPLENS_NATIVE"
#define HL_NATIVE_FD                                                                               \
    "fd:" /* it says "fd:N": the library came through a descriptor, which it closes */
#define HL_NATIVE_USERS "HEAPLENS_LD_PRELOAD" /* the user's own LD_PRELOAD, put back then */

#endif
