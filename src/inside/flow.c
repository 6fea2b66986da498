/* inside/flow.c: which way a code object runs: its instructions, jumps and loops.
 *
 * Room   inside; the cloned child.
 * Takes  a code object.   Gives  its instructions one by one, and how often each may run.
 * Must not know  what an instruction does to a container (bytecode.c).
 * Method Adaptive instructions are read as what they were before; instrumented code (a debugger,
 *        coverage) is left alone. What lies between a jump back and its target is a loop. Where no
 *        jump begins or ends, one instruction runs as often as the other, unless what the one
 *        raises is caught.
 * Source Python/compile.c, Include/opcode.h and Objects/exception_handling_notes.txt (InternalDocs
 *        since 3.13) of 3.9 to 3.15. */
#include "inside/flow.h"

/* CPython's headers define these tables in the one file that asks, unused ones too. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#define NEED_OPCODE_TABLES
#define NEED_OPCODE_METADATA
#include <opcode.h>
#if HL_PY_AT_LEAST(13)
#include <internal/pycore_opcode_metadata.h>
#elif HL_PY_AT_LEAST(11)
#include <internal/pycore_opcode.h>
#endif
#pragma GCC diagnostic pop

bool hl_flow_in_loop(const hl_flow *f)
{
    for (unsigned i = 0; i < f->n_loops; i++)
        if (f->at >= f->loops[i].from && f->at <= f->loops[i].to)
            return true;
    return f->n_loops == HL_FLOW_LOOPS;
}

static void note_loop(hl_flow *f, Py_ssize_t from, Py_ssize_t to)
{
    if (from < to && f->n_loops < HL_FLOW_LOOPS) {
        f->loops[f->n_loops].from = from;
        f->loops[f->n_loops++].to = to;
    }
}

static void note_target(hl_flow *f, Py_ssize_t from, Py_ssize_t to)
{
    if (f->n_targets == HL_FLOW_TARGETS)
        return;
    f->sources[f->n_targets] = from;
    f->targets[f->n_targets++] = to;
}

bool hl_flow_comes_after(const hl_flow *f, Py_ssize_t from)
{
    if (f->n_targets == HL_FLOW_TARGETS || f->n_loops == HL_FLOW_LOOPS || from > f->at)
        return false;
    for (unsigned i = 0; i < f->n_targets; i++)
        if (f->sources[i] < from && f->targets[i] > from && f->targets[i] <= f->at)
            return false;
    for (unsigned i = 0; i < f->n_loops; i++) {
        bool before = from >= f->loops[i].from && from <= f->loops[i].to;
        bool now = f->at >= f->loops[i].from && f->at <= f->loops[i].to;
        if (before != now)
            return false;
    }
    return true;
}

#if HL_PY_AT_LEAST(11)

static bool is_jump(int op)
{
#if HL_PY_AT_LEAST(13)
    return OPCODE_HAS_JUMP(op);
#else
    return _PyOpcode_Jump[op >> 5] >> (op & 31) & 1;
#endif
}

static bool is_jump_back(int op)
{
    switch (op) {
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
#if !HL_PY_AT_LEAST(12)
    case POP_JUMP_BACKWARD_IF_FALSE:
    case POP_JUMP_BACKWARD_IF_TRUE:
    case POP_JUMP_BACKWARD_IF_NONE:
    case POP_JUMP_BACKWARD_IF_NOT_NONE:
#endif
        return true;
    default:
        return false;
    }
}

/* A number of the exception table: six bits a byte, the highest first, 64: more follow. */
static Py_ssize_t table_number(const uint8_t **at, const uint8_t *end)
{
    Py_ssize_t n = 0;
    bool more = true;
    while (more && *at < end) {
        more = **at & 64;
        n = n << 6 | (*(*at)++ & 63);
    }
    return n;
}

/* Is what this instruction raises caught here? Each entry of the table is a start, a length, a
 * target and a depth. */
bool hl_flow_is_guarded(const hl_flow *f)
{
    const PyCodeObject *code = f->code;
    const uint8_t *at = (const uint8_t *)PyBytes_AS_STRING(code->co_exceptiontable);
    const uint8_t *end = at + PyBytes_GET_SIZE(code->co_exceptiontable);
    while (at < end) {
        Py_ssize_t start = table_number(&at, end), length = table_number(&at, end);
        table_number(&at, end);
        table_number(&at, end);
        if (f->at >= start && f->at < start + length)
            return true;
    }
    return false;
}

/* A jump by `arg` units from behind itself and its caches. */
static void see_jump(void *state, Py_ssize_t at, int op, int arg)
{
    hl_flow *f = state;
    Py_ssize_t behind = at + 1 + _PyOpcode_Caches[op];
    f->deletes = f->deletes || op == DELETE_SUBSCR;
    if (!is_jump(op))
        return;
    /* who awaits turns in place until it has an answer, and comes back there from the end of the
     * code, where what was thrown is dealt with since 3.12: neither is a loop of the program's */
    if (is_jump_back(op) && op != JUMP_BACKWARD_NO_INTERRUPT)
        note_loop(f, behind - arg, at);
    note_target(f, at, is_jump_back(op) ? behind - arg : behind + arg);
}

#if HL_PY_AT_LEAST(14)
/* Where the JIT put its own instruction, it remembers the one that was there. */
static bool before_executor(const PyCodeObject *code, int *op, int *arg)
{
    const _PyExecutorArray *all = code->co_executors;
    if (!all || *arg >= all->size || !all->executors[*arg])
        return false;
    const _PyVMData *data = &all->executors[*arg]->vm_data;
    *op = data->opcode;
    *arg = data->oparg;
    return true;
}
#endif

bool hl_flow_each(const PyCodeObject *code, hl_flow_step *step, void *state)
{
    const _Py_CODEUNIT *units = _PyCode_CODE(code);
    Py_ssize_t n = Py_SIZE(code);
    int extended = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
#if HL_PY_AT_LEAST(12)
        int raw = units[i].op.code, low = units[i].op.arg;
#if HL_PY_AT_LEAST(14)
        if (raw == ENTER_EXECUTOR && !before_executor(code, &raw, &low))
            return false;
#endif
        if (raw >= MIN_INSTRUMENTED_OPCODE
#if HL_PY_AT_LEAST(13)
            || raw == ENTER_EXECUTOR
#endif
        )
            return false;
#else
        int raw = _Py_OPCODE(units[i]), low = _Py_OPARG(units[i]);
#endif
        int op = _PyOpcode_Deopt[raw];
        if (raw == EXTENDED_ARG || op == EXTENDED_ARG) {
            extended = (extended | low) << 8;
            continue;
        }
        step(state, i, op, extended | low);
        extended = 0;
        i += _PyOpcode_Caches[op];
    }
    return true;
}

#else /* 3.9, 3.10 */

static bool is_relative_jump(int op)
{
    switch (op) {
    case FOR_ITER:
    case JUMP_FORWARD:
    case SETUP_FINALLY:
    case SETUP_WITH:
    case SETUP_ASYNC_WITH:
        return true;
    default:
        return false;
    }
}

static bool is_jump(int op)
{
    switch (op) {
    case JUMP_ABSOLUTE:
    case POP_JUMP_IF_FALSE:
    case POP_JUMP_IF_TRUE:
    case JUMP_IF_FALSE_OR_POP:
    case JUMP_IF_TRUE_OR_POP:
    case JUMP_IF_NOT_EXC_MATCH:
        return true;
    default:
        return is_relative_jump(op);
    }
}

/* Is anything caught anywhere in this code? Which instructions a block covers is not followed. */
bool hl_flow_is_guarded(const hl_flow *f)
{
    const uint8_t *bytes = (const uint8_t *)PyBytes_AS_STRING(f->code->co_code);
    for (Py_ssize_t i = 0; i + 1 < PyBytes_GET_SIZE(f->code->co_code); i += 2)
        if (bytes[i] == SETUP_FINALLY || bytes[i] == SETUP_WITH || bytes[i] == SETUP_ASYNC_WITH)
            return true;
    return false;
}

/* Jump targets are counted in bytes in 3.9, in units of two in 3.10. */
static void see_jump(void *state, Py_ssize_t at, int op, int arg)
{
    hl_flow *f = state;
    Py_ssize_t by = HL_PY_AT_LEAST(10) ? arg : arg / 2;
    Py_ssize_t to = is_relative_jump(op) ? at + 1 + by : by;
    f->deletes = f->deletes || op == DELETE_SUBSCR;
    if (!is_jump(op))
        return;
    note_loop(f, to, at);
    note_target(f, at, to);
}

bool hl_flow_each(const PyCodeObject *code, hl_flow_step *step, void *state)
{
    if (!code->co_code || !PyBytes_CheckExact(code->co_code))
        return true;
    const uint8_t *bytes = (const uint8_t *)PyBytes_AS_STRING(code->co_code);
    Py_ssize_t n = PyBytes_GET_SIZE(code->co_code);
    int extended = 0;
    for (Py_ssize_t i = 0; i + 1 < n; i += 2) {
        if (bytes[i] == EXTENDED_ARG) {
            extended = (extended | bytes[i + 1]) << 8;
            continue;
        }
        step(state, i / 2, bytes[i], extended | bytes[i + 1]);
        extended = 0;
    }
    return true;
}

#endif

void hl_flow_find(hl_flow *f, const PyCodeObject *code)
{
    f->code = code;
    f->at = 0;
    f->straight = 0;
    f->n_loops = 0;
    f->n_targets = 0;
    f->deletes = false;
    hl_flow_each(code, see_jump, f);
}

void hl_flow_reach(hl_flow *f, Py_ssize_t at)
{
    f->at = at;
    for (unsigned i = 0; i < f->n_targets && f->deletes; i++)
        if (f->targets[i] == at || f->n_targets == HL_FLOW_TARGETS)
            f->straight = at;
}

void hl_flow_pass(hl_flow *f, int op)
{
    if (is_jump(op))
        f->straight = f->at + 1;
}

/* What the interpreter counts or changes in a code object when it first runs: 3.9 and 3.10 count calls (Python/ceval.c: co_opcache_flag), 3.11 warms up (co_warmup), in
 * 3.12 the first instruction with a counter has moved it (Python/specialize.c), from 3.13 on RESUME
 * becomes RESUME_CHECK (Python/bytecodes.c). */
bool hl_flow_never_ran(const PyCodeObject *code)
{
#if HL_PY_AT_LEAST(13)
    const _Py_CODEUNIT *at = _PyCode_CODE((PyCodeObject *)code);
    for (Py_ssize_t i = 0; i < Py_SIZE(code); i++) {
        if (at[i].op.code == RESUME)
            return true;
        if (at[i].op.code != COPY_FREE_VARS && at[i].op.code != MAKE_CELL &&
            at[i].op.code != RETURN_GENERATOR && at[i].op.code != POP_TOP &&
            at[i].op.code != EXTENDED_ARG && at[i].op.code != NOP)
            return false;
    }
    return false;
#elif HL_PY_AT_LEAST(12)
    const _Py_CODEUNIT *at = _PyCode_CODE((PyCodeObject *)code);
    for (Py_ssize_t i = 0; i + 1 < Py_SIZE(code); i++) {
        int op = at[i].op.code;
        if (op != _PyOpcode_Deopt[op])
            return false;
        switch (op) {
        case POP_JUMP_IF_FALSE:
        case POP_JUMP_IF_TRUE:
        case POP_JUMP_IF_NONE:
        case POP_JUMP_IF_NOT_NONE:
        case JUMP_FORWARD:
        case RETURN_VALUE:
        case RETURN_CONST:
            return false; /* what comes now need not run even if this does */
        default:
            break;
        }
        if (_PyOpcode_Caches[op])
            return at[i + 1].cache == adaptive_counter_warmup();
    }
    return false;
#elif HL_PY_AT_LEAST(11)
    return code->co_warmup == QUICKENING_INITIAL_WARMUP_VALUE;
#else
    return code->co_opcache_flag == 0;
#endif
}
