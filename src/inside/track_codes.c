/* inside/track_codes.c: what is kept of code objects that were seen on a stack, until they die.
 *
 * Room   inside; target, inside malloc (seen first), with the GIL (death).
 * Takes  code objects, borrowed: none is kept alive.   Gives  records (track/codes.h).
 * Method Texts and line table are copied out of the objects' memory. Code objects die through their
 *        type's tp_dealloc, which passes through here while a tracker runs: their addresses may be
 *        another's a moment later, and must not lead to their sites.
 * Knows  the layout of str and code.  Must not know  frames. */
#include "inside/track_engine.h"

#include "inside/walk.h"

enum { TEXT_CHARACTERS = 1000 };

static destructor dealloc_below;

static size_t text_of(PyObject *str, char *out)
{
    return str && PyUnicode_Check(str) ? hl_name_utf8_cut(str, out, TEXT_CHARACTERS) : 0;
}

static PyObject *table_of(const PyCodeObject *code)
{
#if HL_PY_AT_LEAST(10)
    return code->co_linetable;
#else
    return code->co_lnotab;
#endif
}

enum hl_lines_format hl_track_lines_format(void)
{
    return HL_PY_AT_LEAST(11)   ? HL_LINES_LOCATIONS
           : HL_PY_AT_LEAST(10) ? HL_LINES_RANGES
                                : HL_LINES_STEPS;
}

hl_code_seen *hl_track_code(PyCodeObject *code)
{
    hl_code_seen *seen = hl_codes_find(&hl_tracking.codes, (uintptr_t)code);
    if (seen)
        return seen;
    char file[4 * TEXT_CHARACTERS], name[4 * TEXT_CHARACTERS];
    PyObject *table = table_of(code);
#if HL_PY_AT_LEAST(11)
    PyObject *called = code->co_qualname;
#else
    PyObject *called = code->co_name;
#endif
    hl_code_facts facts = {
        .file = file,
        .name = name,
        .file_bytes = text_of(code->co_filename, file),
        .name_bytes = text_of(called, name),
        .first_line = code->co_firstlineno > 0 ? (uint32_t)code->co_firstlineno : 0,
#if HL_PY_AT_LEAST(11)
        .begins = (uint32_t)code->_co_firsttraceable * (uint32_t)sizeof(_Py_CODEUNIT),
#endif
    };
    if (table && PyBytes_Check(table)) {
        facts.table = (const uint8_t *)PyBytes_AS_STRING(table);
        facts.table_bytes = (size_t)PyBytes_GET_SIZE(table);
    }
    return hl_codes_add(&hl_tracking.codes, (uintptr_t)code, &facts);
}

static void code_dies(PyObject *code)
{
    hl_lock_take(&hl_tracking.sites.lock);
    uint32_t cell = hl_codes_gone(&hl_tracking.codes, (uintptr_t)code);
    if (cell)
        hl_sites_gone(&hl_tracking.sites, cell);
    hl_lock_give(&hl_tracking.sites.lock);
    dealloc_below(code);
}

void hl_track_codes_arm(void)
{
    if (!dealloc_below) {
        dealloc_below = PyCode_Type.tp_dealloc;
        PyCode_Type.tp_dealloc = code_dies;
    }
}
