/* inside/monitoring.h: asking sys.monitoring (PEP 669), of 3.12 and later.
 *
 * Room   inside; target with the GIL. What fails has set an exception. */
#ifndef HL_MONITORING_H
#define HL_MONITORING_H

#include "inside/inside_abi.h"

#include <stdbool.h>

#if HL_PY_AT_LEAST(12)
/* sys.monitoring.method(*args), the format being that of a tuple. */
bool hl_monitoring_ask(const char *method, const char *format, ...);
/* The bit of an event; 0: there is none of this name. */
long hl_monitoring_event(const char *name);
/* An id that no tool of the standard's list claims, taken for us; -1: none is free. */
long hl_monitoring_tool(void);
#endif

#endif
