/* diagnose/exception_traceback.c: kept exceptions keep the frames they passed, and all their
 * locals.
 *
 * Room   diagnose; a rule (R12).
 * Signs  most of what is below the holder passes a traceback, or a frame whose call is over; or a
 *        chain of exceptions, each raised from the one before, or while it was handled; or one that is
 *        raised again and again: each raise adds to its traceback. Shows which
 *        function's frames, and which local of theirs is the heaviest. Guards an exception
 *        kept for its own sake, whose frames weigh little; what hangs from a frame that still runs;
 *        a bounded holder of exceptions (the last hundred errors), but not of frames: nobody means
 *        to keep those. */
#include "diagnose/below.h"
#include "diagnose/judge.h"

#include <string.h>

/* LINE_MIN: calls do not go that deep, sys.getrecursionlimit() is 1000. */
enum { KINDS = 64, CHAIN_MIN = 16, CHAIN_MAX = 1 << 20, LINE_MIN = 2000 };

/* One local of one function, in all its kept frames. */
typedef struct kept_local {
    hl_node code;
    uint32_t name;
    uint64_t bytes, n;
} kept_local;

static bool is_frame(const hl_case *c, hl_node v)
{
    return v != HL_NO_NODE && !strcmp(hl_snap_type_name(c->snap, v), "frame");
}

static kept_local *row_for(kept_local *rows, uint32_t *n, hl_node code, uint32_t name)
{
    for (uint32_t i = 0; i < *n; i++)
        if (rows[i].code == code && rows[i].name == name)
            return &rows[i];
    if (*n == KINDS)
        return NULL;
    rows[*n] = (kept_local){.code = code, .name = name};
    return &rows[(*n)++];
}

/* The local that weighs most over all frames below the holder, or the frame that does (name 0). */
static kept_local heaviest_local(const hl_case *c, const uint8_t *below)
{
    const hl_graph *g = c->graph;
    kept_local locals[KINDS], frames[KINDS], best = {.code = HL_NO_NODE};
    uint32_t n_locals = 0, n_frames = 0;
    for (hl_node v = 0; v < c->snap->nodes; v++) {
        hl_node up = g->parent[v];
        bool local = up != HL_NO_NODE && hl_label_kind(g->via[v]) == HL_LABEL_LOCAL;
        hl_node frame = is_frame(c, v) ? v : local && is_frame(c, up) ? up : HL_NO_NODE;
        if (frame == HL_NO_NODE || !below[v] || !below[frame])
            continue;
        hl_node code = hl_graph_follow(g, frame, HL_LABEL_NAMED, "f_code");
        kept_local *row = frame == v ? row_for(frames, &n_frames, code, 0)
                                     : row_for(locals, &n_locals, code, hl_label_value(g->via[v]));
        if (row) {
            row->bytes += frame == v ? hl_graph_own_bytes(g, v) : g->retained_bytes[v];
            row->n++;
        }
    }
    for (uint32_t i = 0; i < n_locals; i++)
        if (locals[i].bytes > best.bytes)
            best = locals[i];
    for (uint32_t i = 0; i < n_frames; i++)
        if (frames[i].bytes > best.bytes)
            best = frames[i];
    return best;
}

static uint64_t exceptions_below(const hl_case *c, const uint8_t *below)
{
    uint64_t n = 0;
    for (hl_node v = 0; v < c->snap->nodes; v++) {
        uint32_t t = c->snap->type[v];
        if (t < c->snap->n_types && (c->snap->types[t].flags & HL_TYPE_EXCEPTION) &&
            hl_graph_follow(c->graph, v, HL_LABEL_NAMED, "__traceback__") != HL_NO_NODE && below[v])
            n++;
    }
    return n;
}

static void tell(hl_case *c, hl_finding *f, const hl_suspect *s, bool traced, uint64_t frames)
{
    char count[32], bytes[16], times[32];
    const char *type = hl_snap_type_name(c->snap, s->holder);
    uint8_t *below = hl_below_mark(c, s->holder);
    if (!below)
        return;
    uint64_t exceptions = traced ? exceptions_below(c, below) : 0;
    kept_local l = heaviest_local(c, below);
    hl_arena_release(&c->scratch, below);
    const char *place = l.code == HL_NO_NODE ? NULL : hl_code_place(c, l.code);
    const char *local =
        place && l.name ? hl_arena_printf(c->arena, " with its local `%s`", c->snap->names[l.name])
                        : "";
    const char *together = hl_judge_holds(c, s);
    if (exceptions)
        f->title = hl_arena_printf(
            c->arena, "%s (%s) keeps %s exceptions, and with them the frame of %s%s; together %s",
            s->name, type, hl_count_text(exceptions, count), place ? place : "what failed", local,
            together);
    else
        f->title = hl_arena_printf(c->arena,
                                   "%s (%s) keeps %s frames of calls that are over, most of %s%s; "
                                   "together %s",
                                   s->name, type, hl_count_text(frames, count),
                                   place ? place : "one function", local, together);
    if (place)
        hl_finding_evidence(c, f, "%s frames of %s keep %s%s%s: %s", hl_count_text(l.n, times),
                            place, l.name ? "`" : "",
                            l.name ? c->snap->names[l.name] : "their locals", l.name ? "`" : "",
                            hl_bytes_text(l.bytes, bytes));
}

/* Exceptions from v on, each the cause or the context of the one before. */
static uint64_t chain_from(const hl_case *c, hl_node v)
{
    uint64_t n = 0;
    while (v != HL_NO_NODE && n < CHAIN_MAX) {
        n++;
        hl_node cause = hl_graph_follow(c->graph, v, HL_LABEL_NAMED, "__cause__");
        v = cause != HL_NO_NODE ? cause
                                : hl_graph_follow(c->graph, v, HL_LABEL_NAMED, "__context__");
    }
    return n;
}

/* One exception, and the line of those it came from. */
static void tell_chain(hl_case *c, hl_finding *f, const hl_suspect *s, hl_node first)
{
    char count[32], bytes[16];
    hl_node head = c->graph->parent[first];
    f->title = hl_arena_printf(
        c->arena,
        "%s (%s) keeps a chain of %s exceptions, each raised from the one before; together %s",
        s->name, hl_snap_type_name(c->snap, s->holder),
        hl_count_text(chain_from(c, head == HL_NO_NODE ? first : head), count),
        hl_bytes_text(f->retained.bytes, bytes));
    f->fix =
        "an exception keeps the one it was raised from (__cause__) or while (__context__), and "
        "that one its own, with all their frames: keep str(e) rather than e for the next "
        "try, raise `from None`, or cut the chain (e.__cause__ = e.__context__ = None)";
}

/* The entries of an exception's traceback, by the holder, which is one or has one. */
static uint64_t line_of(const hl_case *c, hl_node v)
{
    uint64_t n = 0;
    if (v != HL_NO_NODE && strcmp(hl_snap_type_name(c->snap, v), "traceback") != 0)
        v = hl_graph_follow(c->graph, v, HL_LABEL_NAMED, "__traceback__");
    for (; v != HL_NO_NODE && n < CHAIN_MAX; n++)
        v = hl_graph_follow(c->graph, v, HL_LABEL_NAMED, "tb_next");
    return n;
}

static const char AGAIN_FIX[] =
    "raise a new exception each time (`raise Error(...)`, not one that was made once and is kept "
    "in "
    "a variable); where that is not yours, let go of its traceback before each raise: "
    "error.with_traceback(None)";

/* Whatever its course: no one raise has so many. */
static void tell_again(hl_case *c, hl_finding *f, const hl_suspect *s, uint64_t entries)
{
    char count[32], bytes[16];
    const char *name = s->name;
    static const char tail[] = ".__traceback__";
    size_t n = strlen(name), m = sizeof tail - 1;
    if (n > m && !strcmp(name + n - m, tail))
        name = hl_arena_copy(c->arena, name, n - m);
    f->title = hl_arena_printf(c->arena,
                               "%s, one exception, is raised again and again: its traceback has %s "
                               "entries, with the frames of calls that are over; together %s",
                               name, hl_count_text(entries, count),
                               hl_bytes_text(f->retained.bytes, bytes));
    f->fix = AGAIN_FIX;
}

static bool exception_traceback(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_below *b = hl_below_find(c, s);
    bool chained = hl_below_mostly(b, HL_PASS_CHAINED) &&
                   chain_from(c, b->part[HL_PASS_CHAINED].sample) >= CHAIN_MIN;
    bool traced = chained || hl_below_mostly(b, HL_PASS_TRACEBACK);
    if (!traced && !hl_below_mostly(b, HL_PASS_FRAME))
        return false;
    const hl_growth *g = s->growth;
    uint64_t entries = traced ? line_of(c, s->holder) : 0;
    bool again = entries >= LINE_MIN && (!g->released || g->torn_down);
    /* whoever raises looks through the chain for what is raised (Python/errors.c, _PyErr_SetObject) */
    hl_uses walked = *u;
    walked.all |= chained ? HL_USE_ITER : 0;
    u = &walked;
    hl_confidence confidence = hl_judge_slows(c, s, u) && !again ? HL_POSSIBLE : HL_STRONG;
    /* frames are not what anybody means to keep, whoever gathers them and however many */
    if (traced && !again && !hl_judge(c, s, u, HL_FILLED_BY_MANY, &confidence))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_suspect shown = *s;
    hl_passage passage = chained ? HL_PASS_CHAINED : traced ? HL_PASS_TRACEBACK : HL_PASS_FRAME;
    hl_node sample = b->part[passage].sample;
    if (sample != HL_NO_NODE)
        shown.payload = sample;
    hl_finding *f = hl_finding_about(c, &shown, "exception-traceback", confidence);
    if (!f)
        return true;
    tell(c, f, s, traced, b->part[HL_PASS_FRAME].count);
    const hl_snap_extra *x = hl_snap_extra_of(c->snap, s->holder);
    char count[32];
    if (x && x->bounded)
        hl_finding_evidence(c, f, "it has a bound of %s entries, and grows no further then",
                            hl_count_text(x->cap, count));
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = traced ? "an exception keeps every frame it passed, and a frame all its locals: keep "
                      "what you need of it (str(e), traceback.format_exc()), or let the frames go "
                      "first: traceback.clear_frames(e.__traceback__), or "
                      "e.with_traceback(None); and `del e` where it was stored"
                    : "a frame keeps all locals of its call, and through f_back those of its "
                      "callers: keep what you need of it (its file name and line, one value), pass "
                      "that on instead of the frame, and `del frame`";
    if (chained)
        tell_chain(c, f, s, sample);
    if (again)
        tell_again(c, f, s, entries);
    hl_finding_seal(c, f);
    return true;
}

/* Frames that a cache has for keys or values are told before the cache is: no bound makes it right.
 */
static bool kept_frames(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_below *b = hl_below_find(c, s);
    return hl_below_mostly(b, HL_PASS_FRAME) && !b->part[HL_PASS_TRACEBACK].count &&
           !b->part[HL_PASS_CHAINED].count && exception_traceback(c, s, u, filled);
}

const hl_rule hl_rule_exception_traceback = {"exception-traceback", exception_traceback};
const hl_rule hl_rule_kept_frames = {"exception-traceback", kept_frames};
