/* diagnose/native_memory.h: memory that C code keeps, or has lost.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_NATIVE_MEMORY_H
#define HL_NATIVE_MEMORY_H

#include "diagnose/per_round.h"

/* Other threads take memory, too, and by leaps: beside them only what is the same in every part. */
bool hl_resource_sure(const hl_case *c, const hl_course *course);
/* Of an audit. */
hl_status hl_native_memory(hl_case *c, hl_err *err) HL_MUST_CHECK;

#endif
