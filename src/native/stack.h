/* native/stack.h: the native stack that runs, as a site.
 *
 * Room   native; its own files; target, inside malloc. */
#ifndef HL_STACK_H
#define HL_STACK_H

#include "native/cfi.h"
#include "native/native.h"

/* At a start; false: no memory. */
bool hl_stack_begin(hl_sites *sites, hl_modules *modules, const hl_native_host *host);
/* After it and a refresh: where the host's library, the interpreter and the allocator lie. */
void hl_stack_host(uintptr_t allocator);
bool hl_stack_is_hosts(uintptr_t pc);
bool hl_stack_is_allocators(uintptr_t pc);
bool hl_stack_is_interpreter(uintptr_t pc);
/* The site of who called with these registers; its outermost end is what Python number `python` called
 * (0: none did, and the stack is told as far as it goes). HL_NATIVE_THEIRS: the host's library called,
 * by way of the interpreter perhaps, and `counts`. */
uint32_t hl_stack_site(const hl_registers *at, uint32_t python, bool counts);
/* What is loaded has changed, perhaps. */
void hl_stack_refresh(void);
/* Forked: nobody holds a lock any more. */
void hl_stack_forked(void);

#endif
