/* inside/inside_abi.c: does this build fit the interpreter it was loaded into?
 *
 * Room   inside; target with the GIL; asked once, before anything is believed.
 * Takes  the running interpreter.   Gives  NULL, or a sentence.
 * Knows  what the headers said at build time.  Must not know  snapshots. */
#include "inside/inside_abi.h"

#include <stdio.h>
#include <string.h>

enum { RING_PROBE = 1000 };

/* "3.11.7 (main, ...)" was built as "3.11.7". */
static bool same_release(const char *running)
{
    size_t n = strlen(PY_VERSION);
    return strncmp(running, PY_VERSION, n) == 0 && (running[n] == ' ' || running[n] == '\0');
}

/* A list of the collector is a ring; if the heads were elsewhere, it would not be one. */
static bool is_ring(PyGC_Head *head)
{
    PyGC_Head *g = head;
    for (int i = 0; i < RING_PROBE; i++) {
        PyGC_Head *next = (PyGC_Head *)(g->_gc_next & ~(uintptr_t)3);
        if (!next || (PyGC_Head *)(next->_gc_prev & ~(uintptr_t)3) != g)
            return false;
        g = next;
        if (g == head)
            break;
    }
    return true;
}

const char *hl_abi_refusal(void)
{
    static char sentence[256];
    const char *running = Py_GetVersion();
    if (!same_release(running)) {
        snprintf(sentence, sizeof sentence,
                 "this heaplens was built for Python " PY_VERSION
                 " and cannot read %.*s: install heaplens with that interpreter's pip",
                 (int)strcspn(running, " "), running);
        return sentence;
    }
    if (PySys_GetObject("gettotalrefcount"))
        return "debug builds of the interpreter are not supported: use a release build";
    struct _gc_runtime_state *gc = &PyInterpreterState_Get()->gc;
    if (gc->collecting)
        return NULL; /* the rings are being relinked: cannot tell now */
    for (unsigned i = 0; i < HL_GC_LISTS; i++)
        if (!is_ring(hl_abi_gc_list(PyInterpreterState_Get(), i)))
            return "the collector's lists are not where Python " PY_VERSION
                   " keeps them: this interpreter was modified, and heaplens cannot read it";
    return NULL;
}
