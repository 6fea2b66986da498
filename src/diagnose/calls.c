/* diagnose/calls.c: was a container filled by one call that never returned, or by many?
 *
 * Room   diagnose; analyser process.
 * Method A frame stands still while the call it made runs. If every caller of the storing code
 *        stands where it stood one snapshot ago, it is the same call: a loop filling one result,
 *        which may be all the program wanted. If a caller moved, or the storing code is not on any
 *        stack while its container grows, it is called again and again. */
#include "diagnose/case.h"

#include <string.h>

enum { USES_KEPT = 256, LOCALS_KEPT = 32 };

static bool keep_uses_of(hl_case *c, const hl_snap *s, const hl_snap_code *row, uint32_t bits,
                         hl_call *call)
{
    for (uint32_t u = 0; u < row->n_uses && call->n_uses < USES_KEPT; u++) {
        const hl_snap_use *use = &s->uses[row->uses + u];
        const char *name = s->names[use->name];
        /* the locals of what stands in it are others */
        if (!(use->bits & bits) || (bits != UINT32_MAX && use->scope == HL_SCOPE_LOCAL))
            continue;
        name = hl_arena_copy(c->arena, name, strlen(name));
        if (!name)
            return false;
        call->uses[call->n_uses++] =
            (hl_call_use){use->scope, name, use->bits & bits, bits != UINT32_MAX};
    }
    return true;
}

/* Copies the container uses of a running frame's code: a module body has no function to find it by
 * later. Nor has what stands in it and was not yet made a function, or is one for a moment (a
 * comprehension): of that, what it reads. */
static bool keep_uses(hl_case *c, const hl_graph *g, hl_node code, const hl_snap_code *row,
                      hl_call *call)
{
    const hl_snap *s = g->snap;
    hl_node inner = hl_graph_follow(g, code, HL_LABEL_NAMED, "co_consts");
    uint32_t from = inner == HL_NO_NODE ? 0 : s->off[inner],
             to = inner == HL_NO_NODE ? 0 : s->off[inner + 1], n = row->n_uses;
    for (uint32_t e = from; e < to; e++) {
        const hl_snap_code *of = hl_snap_code_of(s, s->dst[e]);
        n += of ? of->n_uses : 0;
    }
    call->uses = hl_arena_array(c->arena, n < USES_KEPT ? n : USES_KEPT, sizeof *call->uses);
    if (!call->uses || !keep_uses_of(c, s, row, UINT32_MAX, call))
        return false;
    for (uint32_t e = from; e < to; e++) {
        const hl_snap_code *of = hl_snap_code_of(s, s->dst[e]);
        if (of && !keep_uses_of(c, s, of, HL_USE_HANDED | HL_USE_COUNTED | HL_USE_GET | HL_USE_TEST,
                                call))
            return false;
    }
    return true;
}

/* Locals that are containers: a holder passed as an argument is known by that name there. */
static bool keep_locals(hl_case *c, const hl_snap *s, hl_node frame, hl_call *call)
{
    call->locals = hl_arena_array(c->arena, LOCALS_KEPT, sizeof *call->locals);
    if (!call->locals)
        return false;
    for (uint32_t e = s->off[frame]; e < s->off[frame + 1] && call->n_locals < LOCALS_KEPT; e++) {
        uint32_t name = hl_label_value(s->label[e]);
        if (hl_label_kind(s->label[e]) != HL_LABEL_LOCAL || !name || hl_snap_len(s, s->dst[e]) < 0)
            continue;
        const char *copy = hl_arena_copy(c->arena, s->names[name], strlen(s->names[name]));
        if (!copy)
            return false;
        call->locals[call->n_locals++] = (hl_call_local){copy, hl_snap_address(s, s->dst[e])};
    }
    return true;
}

/* The code object and globals of a frame, or of a generator that runs. */
static void read_frame(const hl_snap *s, hl_node v, hl_node *code, hl_node *globals)
{
    *code = *globals = HL_NO_NODE;
    for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
        if (hl_label_kind(s->label[e]) != HL_LABEL_NAMED)
            continue;
        const char *name = s->names[hl_label_value(s->label[e])];
        if (!strcmp(name, "f_code") || !strcmp(name, "gi_code") || !strcmp(name, "cr_code") ||
            !strcmp(name, "ag_code"))
            *code = s->dst[e];
        /* a module body's locals are its globals; a function says where its globals are */
        if (!strcmp(name, "f_globals") || (*globals == HL_NO_NODE && !strcmp(name, "f_locals")))
            *globals = s->dst[e];
    }
}

/* Rows of a thread stand outermost first. */
static void note_drivers(hl_moment *m)
{
    bool in_body = false;
    for (uint32_t i = 0; i < m->n_calls; i++) {
        hl_call *call = &m->calls[i];
        if (i && call->thread != m->calls[i - 1].thread)
            in_body = false;
        call->driver = call->body || in_body;
        in_body = call->body;
    }
}

/* Code of the standard library that runs when the program's own is done. */
static bool is_ending(const char *qualname, const char *path)
{
    static const struct {
        const char *function, *file;
    } code[] = {
        {"_cancel_all_tasks", "runners.py"}, /* asyncio.run, on its way out    */
        {"Runner.close", "runners.py"},
        {"_UnixSelectorEventLoop.close", "unix_events.py"},
        {"close", "unix_events.py"},
        {"_python_exit", "thread.py"}, /* executors, at interpreter exit */
        {"_shutdown", "threading.py"}, /* non-daemon threads are awaited */
        {"_exit_function", "util.py"}, /* multiprocessing                */
    };
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    for (size_t k = 0; k < sizeof code / sizeof *code; k++)
        if (!strcmp(qualname, code[k].function) && !strcmp(file, code[k].file))
            return true;
    return false;
}

/* An event loop whose main task has returned, and has let go of what it had, but has not stopped:
 * run_until_complete has the task in its local `future`; a coroutine that is over has no frame
 * (Objects/genobject.c: gen_send_ex2, _PyFrame_ClearExceptCode). */
static bool main_is_over(const hl_graph *g, hl_node frame, const char *qualname, const char *path)
{
    const hl_snap *s = g->snap;
    const char *slash = strrchr(path, '/'), *dot = strrchr(qualname, '.');
    if (strcmp(dot ? dot + 1 : qualname, "run_until_complete") || !slash ||
        strcmp(slash + 1, "base_events.py"))
        return false;
    for (uint32_t e = s->off[frame]; e < s->off[frame + 1]; e++) {
        uint32_t name = hl_label_value(s->label[e]);
        if (hl_label_kind(s->label[e]) != HL_LABEL_LOCAL || !name ||
            strcmp(s->names[name], "future"))
            continue;
        hl_node coroutine = hl_graph_follow(g, s->dst[e], HL_LABEL_NAMED, "_coro");
        return coroutine != HL_NO_NODE && !strcmp(hl_snap_type_name(s, coroutine), "coroutine") &&
               hl_graph_follow(g, coroutine, HL_LABEL_NAMED, "f_code") == HL_NO_NODE &&
               hl_graph_follow(g, coroutine, HL_LABEL_NAMED, "frame") == HL_NO_NODE;
    }
    return false;
}

/* What atexit was given is called with nothing below it, when the module that is the program has
 * returned. */
static bool exit_handler_runs(const hl_moment *m)
{
    for (uint32_t i = 0; i < m->n_calls; i++)
        if (!m->calls[i].thread) {
            for (uint32_t k = 0; k < m->n_exits; k++)
                if (m->exits[k] == m->calls[i].code)
                    return true;
            return false; /* the outermost comes first */
        }
    return false;
}

hl_status hl_calls_note(hl_case *c, hl_moment *m, const hl_graph *g, hl_err *err)
{
    const hl_snap *s = g->snap;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_roots; i++)
        n += s->roots[i].kind == HL_ROOT_FRAME;
    m->calls = hl_arena_array(c->arena, n, sizeof *m->calls);
    if (!m->calls)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u running frames", n);
    /* rows come innermost first in each thread; kept outermost first */
    for (uint32_t i = s->n_roots; i-- > 0;) {
        const hl_snap_root *r = &s->roots[i];
        if (r->kind != HL_ROOT_FRAME)
            continue;
        hl_node code, globals;
        read_frame(s, r->node, &code, &globals);
        hl_call *call = &m->calls[m->n_calls++];
        *call = (hl_call){.thread = r->thread,
                          .code = code == HL_NO_NODE ? 0 : hl_snap_address(s, code),
                          .globals = globals == HL_NO_NODE ? 0 : hl_snap_address(s, globals),
                          .progress = r->progress};
        const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(s, code);
        if (!row)
            continue;
        call->place = hl_code_place(c, code);
        call->body = !strcmp(s->names[row->qualname], "<module>");
        m->ending = m->ending || is_ending(s->names[row->qualname], s->names[row->file]) ||
                    main_is_over(g, r->node, s->names[row->qualname], s->names[row->file]);
        if (!call->place || !keep_uses(c, g, code, row, call) || !keep_locals(c, s, r->node, call))
            return hl_err_set(err, HL_NO_MEMORY, "no memory for the names in running code");
    }
    m->ending = m->ending || exit_handler_runs(m);
    note_drivers(m);
    return HL_OK;
}

static bool stores(const hl_uses *u, uint64_t code)
{
    for (uint32_t i = 0; i < u->n_stores; i++)
        if (u->stores[i] == code)
            return true;
    return false;
}

/* The outermost frame of a moment that runs storing code, as an index; n_calls: none. */
static uint32_t storing(const hl_moment *m, const hl_uses *u)
{
    uint32_t i = 0;
    while (i < m->n_calls && !stores(u, m->calls[i].code))
        i++;
    return i;
}

bool hl_calls_running(const hl_case *c, uint32_t moment, const hl_uses *u)
{
    const hl_moment *m = &c->moments[moment];
    return storing(m, u) < m->n_calls;
}

/* Do frames a of x and b of y stand for the same call? Their callers must stand still. digits:
 * those of progress that count. */
static bool same_call(const hl_moment *x, uint32_t a, const hl_moment *y, uint32_t b,
                      uint32_t digits)
{
    if (x->calls[a].code != y->calls[b].code)
        return false;
    uint32_t thread = x->calls[a].thread;
    if (thread != y->calls[b].thread)
        return false;
    while (a > 0 && b > 0 && x->calls[a - 1].thread == thread && y->calls[b - 1].thread == thread) {
        a--, b--;
        if (x->calls[a].code != y->calls[b].code ||
            (x->calls[a].progress ^ y->calls[b].progress) & digits)
            return false;
    }
    bool more_a = a > 0 && x->calls[a - 1].thread == thread;
    bool more_b = b > 0 && y->calls[b - 1].thread == thread;
    return more_a == more_b;
}

bool hl_calls_anew(const hl_case *c, const hl_suspect *s)
{
    hl_node code, globals;
    if (s->owner == HL_NO_NODE || strcmp(s->kind, "frame-local") ||
        strcmp(hl_snap_type_name(c->snap, s->owner), "frame"))
        return false; /* a coroutine or generator is itself, whoever resumes it */
    read_frame(c->snap, s->owner, &code, &globals);
    if (code == HL_NO_NODE)
        return false;
    hl_uses own = {.stores = {hl_snap_address(c->snap, code)}, .n_stores = 1};
    for (uint32_t i = s->growth->onset; i < s->growth->anchor; i++) {
        const hl_moment *x = &c->moments[i], *y = &c->moments[i + 1];
        uint32_t a = storing(x, &own), b = storing(y, &own);
        if (a < x->n_calls && b < y->n_calls && !same_call(x, a, y, b, ~HL_PROGRESS_HINT))
            return true;
    }
    return false;
}

/* A local whose own frame never stores into it is filled by what that frame calls: if the frame
 * moved on between snapshots, those calls returned. */
static hl_filled by_callees(const hl_case *c, const hl_suspect *s)
{
    hl_node code, globals;
    if (s->owner == HL_NO_NODE || strcmp(s->kind, "frame-local"))
        return HL_FILLED_UNKNOWN;
    read_frame(c->snap, s->owner, &code, &globals);
    if (code == HL_NO_NODE)
        return HL_FILLED_UNKNOWN;
    hl_uses own = {.stores = {hl_snap_address(c->snap, code)}, .n_stores = 1};
    uint32_t moved = 0;
    for (uint32_t i = s->growth->onset; i < s->growth->anchor; i++) {
        const hl_moment *x = &c->moments[i], *y = &c->moments[i + 1];
        uint32_t a = storing(x, &own), b = storing(y, &own);
        bool stood =
            a < x->n_calls && b < y->n_calls && x->calls[a].progress == y->calls[b].progress;
        moved += s->growth->series[i + 1] > s->growth->series[i] && !stood;
    }
    return moved >= 3 ? HL_FILLED_BY_MANY : HL_FILLED_UNKNOWN;
}

/* What a generator holds: one loop in one call that asks for the next, or many calls that do? The frame
 * before the generator's is who asks. */
static hl_filled by_consumer(const hl_case *c, const hl_suspect *s)
{
    hl_node code = HL_NO_NODE, globals, v = s->holder;
    while (v != HL_NO_NODE && strcmp(hl_snap_type_name(c->snap, v), "generator"))
        v = c->graph->parent[v];
    if (v != HL_NO_NODE)
        read_frame(c->snap, v, &code, &globals);
    if (code == HL_NO_NODE)
        return HL_FILLED_UNKNOWN;
    hl_uses own = {.stores = {hl_snap_address(c->snap, code)}, .n_stores = 1};
    uint32_t same = 0, last = UINT32_MAX;
    for (uint32_t i = s->growth->onset; i <= s->growth->anchor; i++) {
        const hl_moment *y = &c->moments[i];
        uint32_t b = storing(y, &own);
        if (b == y->n_calls || !b || y->calls[b - 1].thread != y->calls[b].thread)
            continue;
        if (last != UINT32_MAX) {
            const hl_moment *x = &c->moments[last];
            if (!same_call(x, storing(x, &own) - 1, y, b - 1, ~HL_PROGRESS_HINT))
                return HL_FILLED_UNKNOWN;
            same++;
        }
        last = i;
    }
    return same ? HL_FILLED_BY_ONE_CALL : HL_FILLED_UNKNOWN;
}

hl_filled hl_calls_filled(const hl_case *c, const hl_suspect *s, const hl_uses *u)
{
    const hl_growth *g = s->growth;
    if (!u->n_stores) {
        hl_filled filled = by_callees(c, s);
        return filled == HL_FILLED_UNKNOWN ? by_consumer(c, s) : filled;
    }
    uint32_t calls = 0, rises = 0, same = 0;
    for (uint32_t i = g->onset; i < g->anchor; i++) {
        const hl_moment *x = &c->moments[i], *y = &c->moments[i + 1];
        if (g->series[i + 1] <= g->series[i])
            continue;
        rises++;
        uint32_t a = storing(x, u), b = storing(y, u);
        bool on_x = a < x->n_calls, on_y = b < y->n_calls;
        bool one = on_x && on_y && same_call(x, a, y, b, UINT32_MAX);
        same += one;
        if (on_y ? !one : !on_x)
            calls++; /* one that began since, seen or come and gone */
    }
    if (calls >= 3 || (calls >= 2 && rises <= 3))
        return HL_FILLED_BY_MANY;
    return same ? HL_FILLED_BY_ONE_CALL : HL_FILLED_UNKNOWN;
}
