/* native/cfi.h: how the registers of a caller are found, at one instruction.
 *
 * Room   native; target, inside malloc.
 * Takes  a module's .eh_frame_hdr and .eh_frame.   Gives  a rule of a few words, worth keeping: what
 *        compilers emit for functions that call others is one of a few forms. Others end the stack.
 * Where code is on the stack its module is loaded. */
#ifndef HL_CFI_H
#define HL_CFI_H

#include <stdbool.h>
#include <stdint.h>

enum hl_cfa {
    HL_CFA_NONE, /* nobody knows, or nobody called: the stack ends */
    HL_CFA_SP,   /* stack pointer + cfa */
    HL_CFA_FP,   /* frame pointer + cfa */
    HL_CFA_AT_FP /* what is stored at frame pointer + cfa */
};
enum hl_saved {
    HL_SAVED_SAME,   /* not touched */
    HL_SAVED_AT_CFA, /* at cfa + its offset */
    HL_SAVED_AT_FP,  /* at frame pointer + its offset */
    HL_SAVED_LOST
};

typedef struct hl_unwind_rule {
    uint8_t cfa_by;   /* enum hl_cfa */
    uint8_t fp_saved; /* enum hl_saved: the caller's frame pointer */
    uint8_t ends;     /* it is the function at which the walk was to end */
    int32_t cfa, fp, ra;
} hl_unwind_rule;

typedef struct hl_registers {
    uintptr_t pc, sp, fp;
} hl_registers;

/* Where unwind is the .eh_frame_hdr of a module at [from, end). at: an address in a call instruction
 * (of a return address, less one). *entry: where its function begins; 0: there is none. */
hl_unwind_rule hl_cfi_rule(const uint8_t *unwind, uintptr_t from, uintptr_t end, uintptr_t at,
                           uintptr_t *entry);

#endif
