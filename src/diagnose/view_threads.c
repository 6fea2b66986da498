/* diagnose/view_threads.c: the threads, where they stand, and what stays alive for them alone.
 *
 * Room   diagnose; analyser process; one snapshot.
 * Method Every node belongs to the one thread from whose frames it is reached, or to nobody: first
 *        all that is reached from elsewhere is nobody's, then each thread claims what it reaches,
 *        and what two claim is nobody's again. An argument that caller and callee both hold stays
 *        the thread's, which dominators would not say. threading's list of live threads does not
 *        count as elsewhere: it holds a thread, with its arguments, only while it runs.
 *        Threads whose frames stand at the same lines are one row. */
#include "diagnose/view_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NOBODY = 0, NAMES_TOLD = 3, THREADS_MAX = 20000 };
#define SEVERAL UINT32_MAX
#define MARKER  "_thread._localdummy"

typedef struct thread {
    const hl_snap_thread *known;   /* NULL: of a recording that does not say */
    uint32_t index;                /* as roots number it */
    uint32_t frames, n_frames;     /* in state.frames, innermost first */
    uint64_t bytes, biggest_bytes; /* biggest: of one local */
    hl_node biggest;
    uint64_t local_bytes; /* in its thread-locals */
    hl_node local;        /* the thread-local that holds most for it */
    uint64_t local_biggest;
    uint32_t next; /* in its group; UINT32_MAX: the last */
} thread;

typedef struct state {
    const hl_graph *g;
    hl_arena *scratch;
    thread *threads;
    uint32_t n_threads;
    uint32_t *frames; /* indices into snap->roots */
    uint32_t *owner;  /* per node: NOBODY, 1 + index into threads, SEVERAL */
    hl_node *stack;
    bool any_locals;
} state;

/* ---- who there is ------------------------------------------------------------------------------
 */

/* What is known of one thread comes first. */
static int by_index(const void *a, const void *b)
{
    const thread *x = a, *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return (x->known < y->known) - (x->known > y->known);
}

static thread *find(state *st, uint32_t index)
{
    uint32_t lo = 0, hi = st->n_threads;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (st->threads[mid].index < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < st->n_threads && st->threads[lo].index == index ? &st->threads[lo] : NULL;
}

/* Those the recording names, and those that only have frames. */
static void number_threads(state *st)
{
    const hl_snap *s = st->g->snap;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_threads; i++)
        st->threads[n++] = (thread){.known = &s->threads[i], .index = s->threads[i].index};
    for (uint32_t i = 0; i < s->n_roots; i++)
        if (s->roots[i].kind == HL_ROOT_FRAME)
            st->threads[n++] = (thread){.index = s->roots[i].thread};
    qsort(st->threads, n, sizeof *st->threads, by_index);
    for (uint32_t i = 0; i < n && st->n_threads < THREADS_MAX; i++)
        if (!st->n_threads || st->threads[st->n_threads - 1].index != st->threads[i].index)
            st->threads[st->n_threads++] = st->threads[i];
    for (uint32_t i = 0; i < st->n_threads; i++) {
        thread *t = &st->threads[i];
        t->biggest = t->local = HL_NO_NODE;
        t->next = UINT32_MAX;
    }
}

static hl_status list_threads(state *st, hl_err *err)
{
    const hl_snap *s = st->g->snap;
    uint64_t most = (uint64_t)s->n_threads + s->n_roots;
    st->threads = hl_arena_array(st->scratch, most, sizeof *st->threads);
    st->frames = hl_arena_array(st->scratch, s->n_roots, sizeof *st->frames);
    if (!st->threads || !st->frames)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %" PRIu64 " threads", most);
    number_threads(st);
    uint32_t used = 0;
    thread *t = NULL;
    for (uint32_t i = 0; i < s->n_roots; i++) {
        const hl_snap_root *r = &s->roots[i];
        if (r->kind != HL_ROOT_FRAME)
            continue;
        if (!t || t->index != r->thread)
            t = find(st, r->thread);
        if (t && !t->n_frames)
            t->frames = used;
        if (t && t->frames + t->n_frames == used) { /* a thread's frames stand together */
            st->frames[used++] = i;
            t->n_frames++;
        }
    }
    return HL_OK;
}

/* ---- what is theirs ----------------------------------------------------------------------------
 */

/* threading._active, or HL_NO_NODE. */
static hl_node live_threads(const hl_graph *g)
{
    const hl_snap *s = g->snap;
    for (uint32_t i = 0; i < s->n_roots; i++) {
        const hl_snap_root *r = &s->roots[i];
        if (r->kind != HL_ROOT_MODULE || strcmp(s->names[r->name], "threading") != 0)
            continue;
        hl_node dict = hl_graph_follow(g, r->node, HL_LABEL_NAMED, "__dict__");
        return dict == HL_NO_NODE ? dict : hl_graph_follow(g, dict, HL_LABEL_KEY, "_active");
    }
    return HL_NO_NODE;
}

/* Everything reached from `from` that is not `who`'s becomes so; what was another's, SEVERAL's. */
static void claim(state *st, hl_node from, uint32_t who, hl_node passed_over)
{
    const hl_snap *s = st->g->snap;
    uint32_t n = 0;
    st->stack[n++] = from;
    while (n) {
        hl_node v = st->stack[--n];
        uint32_t now = st->owner[v];
        if (now == who || now == SEVERAL)
            continue;
        st->owner[v] = now == NOBODY ? who : SEVERAL;
        if (v == passed_over)
            continue;
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
            uint32_t next = st->owner[s->dst[e]];
            if (hl_edge_holds(s->label[e]) && next != who && next != SEVERAL)
                st->stack[n++] = s->dst[e];
        }
    }
}

static hl_status claim_all(state *st, hl_err *err)
{
    const hl_graph *g = st->g;
    const hl_snap *s = g->snap;
    st->owner = hl_arena_array(st->scratch, s->nodes, sizeof *st->owner);
    st->stack = hl_arena_array(st->scratch, (size_t)s->edges + s->nodes + 1, sizeof *st->stack);
    if (!st->owner || !st->stack)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to walk %u objects", s->nodes);
    hl_node active = live_threads(g);
    for (uint32_t i = 0; i < g->n_roots; i++)
        if (g->roots[i].hold != HL_HOLD_FRAME)
            claim(st, g->roots[i].node, SEVERAL, active);
    for (uint32_t i = 0; i < st->n_threads; i++)
        for (uint32_t f = 0; f < st->threads[i].n_frames; f++)
            claim(st, s->roots[st->frames[st->threads[i].frames + f]].node, i + 1, active);
    return HL_OK;
}

static void weigh(state *st)
{
    const hl_graph *g = st->g;
    const hl_snap *s = g->snap;
    for (hl_node v = 0; v < s->nodes; v++)
        if (st->owner[v] != NOBODY && st->owner[v] != SEVERAL)
            st->threads[st->owner[v] - 1].bytes += hl_graph_own_bytes(g, v);
    for (uint32_t i = 0; i < st->n_threads; i++) {
        thread *t = &st->threads[i];
        for (uint32_t f = 0; f < t->n_frames; f++) {
            hl_node frame = s->roots[st->frames[t->frames + f]].node;
            for (uint32_t e = s->off[frame]; e < s->off[frame + 1]; e++) {
                hl_node v = s->dst[e];
                if (hl_label_kind(s->label[e]) == HL_LABEL_LOCAL && st->owner[v] == i + 1 &&
                    g->retained_bytes[v] > t->biggest_bytes) {
                    t->biggest_bytes = g->retained_bytes[v];
                    t->biggest = v;
                }
            }
        }
    }
}

/* ---- thread-locals -----------------------------------------------------------------------------
 *
 *   3.9 to 3.12   thread's dict ─► localdummy ◄┄ weakref, key of ─┐
 *   3.13          thread state  ─► localdummy, key of ────────────┴► dict in the local ─► its
 * values */

static bool is_a(const hl_snap *s, hl_node v, const char *type)
{
    return !strcmp(hl_snap_type_name(s, v), type);
}

/* whose[v]: 1 + index of the thread that the marker v stands for. */
static void mark(state *st, const hl_snap_root *r, uint32_t *whose)
{
    const hl_snap *s = st->g->snap;
    const thread *t = find(st, r->thread);
    if (!t)
        return;
    uint32_t who = (uint32_t)(t - st->threads) + 1;
    if (is_a(s, r->node, MARKER))
        whose[r->node] = who;
    for (uint32_t e = s->off[r->node]; e < s->off[r->node + 1]; e++)
        if (is_a(s, s->dst[e], MARKER))
            whose[s->dst[e]] = who;
}

static void add_local(state *st, uint32_t who, hl_node owner, hl_node values)
{
    thread *t = &st->threads[who - 1];
    uint64_t bytes = st->g->retained_bytes[values];
    t->local_bytes += bytes;
    if (bytes > t->local_biggest) {
        t->local_biggest = bytes;
        t->local = owner;
    }
    st->any_locals = true;
}

static hl_status thread_locals(state *st, hl_err *err)
{
    const hl_graph *g = st->g;
    const hl_snap *s = g->snap;
    uint32_t *whose = hl_arena_array(st->scratch, s->nodes, sizeof *whose);
    if (!whose)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to look for thread-locals");
    for (uint32_t i = 0; i < s->n_roots; i++)
        if (s->roots[i].kind == HL_ROOT_THREAD)
            mark(st, &s->roots[i], whose);
    for (hl_node v = 0; v < s->nodes; v++)
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++)
            if (hl_label_kind(s->label[e]) == HL_LABEL_WEAK && whose[s->dst[e]])
                whose[v] = whose[s->dst[e]];
    for (hl_node v = 0; v < s->nodes; v++)
        for (uint32_t e = s->off[v]; e + 1 < s->off[v + 1]; e++)
            if (hl_label_kind(s->label[e]) == HL_LABEL_DICTKEY && whose[s->dst[e]] &&
                is_a(s, s->dst[e + 1], "dict"))
                add_local(st, whose[s->dst[e]], g->parent[v] == HL_NO_NODE ? v : g->parent[v],
                          s->dst[e + 1]);
    return HL_OK;
}

/* ---- where they stand ---------------------------------------------------------------------------
 */

static const hl_snap_root *frame_at(const state *st, const thread *t, uint32_t depth)
{
    return &st->g->snap->roots[st->frames[t->frames + depth]];
}

static const hl_snap_code *code_of(const state *st, const hl_snap_root *frame)
{
    hl_node code = hl_graph_follow(st->g, frame->node, HL_LABEL_NAMED, "f_code");
    if (code == HL_NO_NODE)
        code = hl_graph_follow(st->g, frame->node, HL_LABEL_NAMED, "gi_code");
    return code == HL_NO_NODE ? NULL : hl_snap_code_of(st->g->snap, code);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "worker() (app.py:10)" */
static const char *place(const state *st, const hl_snap_root *frame, bool whole_path)
{
    const hl_snap *s = st->g->snap;
    const hl_snap_code *c = code_of(st, frame);
    const char *file = c ? s->names[c->file] : "";
    if (!*file)
        return hl_arena_printf(st->scratch, "%s()", s->names[frame->name]);
    return hl_arena_printf(st->scratch, "%s() (%s:%u)", s->names[frame->name],
                           whole_path ? file : base_name(file), frame->line);
}

/* Code of the interpreter's own library, which the developer did not write. */
static bool of_library(const state *st, const hl_snap_root *frame)
{
    const hl_snap_code *c = code_of(st, frame);
    const char *file = c ? st->g->snap->names[c->file] : "";
    const char *lib = strstr(file, "/lib/python3");
    return file[0] == '<' || (lib && !strstr(lib, "-packages/"));
}

/* The innermost frame of the program's own code, and what that waits in. */
static const char *stands_in(const state *st, const thread *t)
{
    if (!t->n_frames)
        return t->known && t->known->flags & HL_THREAD_KNOWN ? "C code: it runs no Python now"
                                                             : "C code";
    uint32_t own = 0;
    while (own < t->n_frames && of_library(st, frame_at(st, t, own)))
        own++;
    const char *inner = place(st, frame_at(st, t, 0), false);
    if (own == 0 || own == t->n_frames)
        return inner;
    return hl_arena_printf(st->scratch, "%s in %s", place(st, frame_at(st, t, own), false), inner);
}

static const char *all_frames(const state *st, const thread *t)
{
    const char *text = "";
    for (uint32_t f = 0; f < t->n_frames && text; f++)
        text = hl_arena_printf(st->scratch, "%s%s%s", text, f ? " < " : "",
                               place(st, frame_at(st, t, f), true));
    return text ? text : "";
}

static bool stand_alike(const state *st, const thread *a, const thread *b)
{
    if (a->n_frames != b->n_frames || !a->n_frames)
        return false;
    for (uint32_t f = 0; f < a->n_frames; f++) {
        const hl_snap_root *x = frame_at(st, a, f), *y = frame_at(st, b, f);
        if (x->line != y->line || x->name != y->name || code_of(st, x) != code_of(st, y))
            return false;
    }
    bool main_a = a->known && a->known->flags & HL_THREAD_MAIN;
    bool main_b = b->known && b->known->flags & HL_THREAD_MAIN;
    return main_a == main_b;
}

/* ---- rows ---------------------------------------------------------------------------------------
 */

typedef struct group {
    thread *first, *last, *fullest; /* fullest: holds most of them */
    uint32_t n, daemons;
    uint64_t bytes, local_bytes;
} group;

/* Title NULL: JSON only. Key NULL: text only. */
static const hl_column columns[] = {
    {"threads", "threads", HL_COLUMN_COUNT},
    {NULL, "name", HL_COLUMN_TEXT},
    {"name", NULL, HL_COLUMN_TEXT},
    {"names", NULL, HL_COLUMN_TEXT},
    {"ident", NULL, HL_COLUMN_COUNT},
    {"native_id", NULL, HL_COLUMN_COUNT},
    {"daemons", NULL, HL_COLUMN_COUNT},
    {"stands_in", "stands in", HL_COLUMN_TEXT},
    {"frames", NULL, HL_COLUMN_TEXT},
    {"retained_bytes", "keeps", HL_COLUMN_BYTES},
    {"biggest", "most of it", HL_COLUMN_TEXT},
    {"biggest_bytes", NULL, HL_COLUMN_BYTES},
    {"thread_local_bytes", "thread-local", HL_COLUMN_BYTES},
    {"thread_local", NULL, HL_COLUMN_TEXT},
};
enum { COLUMNS = sizeof columns / sizeof *columns, LOCAL_COLUMNS = 2 /* the last */ };

static const char *name_of(const state *st, const thread *t)
{
    const hl_snap *s = st->g->snap;
    if (t->known && *s->names[t->known->name])
        return s->names[t->known->name];
    return t->known && t->known->flags & HL_THREAD_MAIN ? "MainThread" : NULL;
}

/* "Thread-1, Thread-2, ... (40)" */
static const char *names_of(const state *st, const group *k)
{
    const char *text = "";
    uint32_t told = 0;
    for (const thread *t = k->first; t; told++) {
        const char *name = name_of(st, t);
        if (told < NAMES_TOLD)
            text = hl_arena_printf(st->scratch, "%s%s%s", text, told ? ", " : "",
                                   name ? name : "unnamed");
        t = t->next == UINT32_MAX ? NULL : &st->threads[t->next];
        if (!text)
            return NULL;
    }
    return told > NAMES_TOLD ? hl_arena_printf(st->scratch, "%s, ...", text) : text;
}

/* "pool-1, ... (daemons)" */
static const char *shown_name(const state *st, const group *k)
{
    const char *name = name_of(st, k->first);
    name = hl_arena_printf(st->scratch, "%s%s", name ? name : "unnamed", k->n > 1 ? ", ..." : "");
    if (!name || !k->daemons)
        return name;
    if (k->daemons < k->n)
        return hl_arena_printf(st->scratch, "%s (%u daemons)", name, k->daemons);
    return hl_arena_printf(st->scratch, "%s (daemon%s)", name, k->n > 1 ? "s" : "");
}

static const char *kept(hl_arena *arena, const char *s)
{
    return s ? hl_view_copy(arena, s) : NULL;
}

static void put_row(const state *st, const group *k, hl_arena *arena, hl_cell *row)
{
    const thread *t = k->first;
    uint32_t c = 0;
    row[c++].number = k->n;
    row[c++].text = kept(arena, shown_name(st, k));
    row[c++].text = kept(arena, name_of(st, t));
    row[c++].text = kept(arena, names_of(st, k));
    row[c++].number = t->known ? (int64_t)t->known->ident : HL_CELL_NONE;
    row[c++].number = t->known && t->known->native ? (int64_t)t->known->native : HL_CELL_NONE;
    row[c++].number = t->known ? k->daemons : HL_CELL_NONE;
    row[c++].text = kept(arena, stands_in(st, t));
    row[c++].text = kept(arena, all_frames(st, t));
    row[c++].number = (int64_t)k->bytes;
    t = k->fullest;
    row[c++].text = t->biggest == HL_NO_NODE ? NULL : hl_view_name(st->g, t->biggest, arena);
    row[c++].number = t->biggest == HL_NO_NODE ? HL_CELL_NONE : (int64_t)t->biggest_bytes;
    row[c++].number = st->any_locals ? (int64_t)k->local_bytes : HL_CELL_NONE;
    row[c++].text = t->local == HL_NO_NODE ? NULL : hl_view_name(st->g, t->local, arena);
}

static hl_status group_up(state *st, group **out, uint32_t *n, hl_err *err)
{
    group *groups = hl_arena_array(st->scratch, st->n_threads, sizeof *groups);
    if (!groups)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u threads", st->n_threads);
    uint32_t used = 0;
    for (uint32_t i = 0; i < st->n_threads; i++) {
        thread *t = &st->threads[i];
        uint32_t k = 0;
        while (k < used && !stand_alike(st, groups[k].first, t))
            k++;
        if (k == used)
            groups[used++] = (group){.first = t, .fullest = t};
        else
            groups[k].last->next = i;
        groups[k].last = t;
        if (t->bytes > groups[k].fullest->bytes)
            groups[k].fullest = t;
        groups[k].n++;
        groups[k].daemons += t->known && t->known->flags & HL_THREAD_DAEMON;
        groups[k].bytes += t->bytes;
        groups[k].local_bytes += t->local_bytes;
    }
    *out = groups;
    *n = used;
    return HL_OK;
}

static hl_status fill(const hl_view_query *q, const hl_graph *g, hl_arena *scratch, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    state st = {.g = g, .scratch = scratch};
    group *groups = NULL;
    uint32_t n = 0;
    hl_top top;
    if (list_threads(&st, err) || claim_all(&st, err) || thread_locals(&st, err))
        return err->status;
    weigh(&st);
    if (group_up(&st, &groups, &n, err) || hl_top_init(&top, q->top, n, scratch, err))
        return err->status;
    for (uint32_t k = 0; k < n; k++)
        hl_top_offer(&top, groups[k].bytes + groups[k].local_bytes + 1, k);
    hl_top_finish(&top);
    hl_column *shown = hl_arena_array(arena, COLUMNS, sizeof *shown);
    if (!shown ||
        hl_view_rows(out, "threads", shown, COLUMNS, top.n, top.offered - top.n, arena, err))
        return shown ? err->status : hl_err_set(err, HL_NO_MEMORY, "no memory for a table");
    memcpy(shown, columns, sizeof columns);
    for (uint32_t c = COLUMNS - LOCAL_COLUMNS; c < COLUMNS && !st.any_locals; c++)
        shown[c].title = NULL;
    out->title = "threads: where they stand, and what each alone keeps alive";
    for (uint32_t i = 0; i < top.n; i++)
        put_row(&st, &groups[top.items[i].id], arena, hl_view_row(out, i));
    if (!g->snap->n_threads)
        out->note = "this recording does not name its threads: it was made by an older heaplens";
    else if (st.n_threads == THREADS_MAX)
        out->note = hl_arena_printf(arena, "only the first %d threads were looked at", THREADS_MAX);
    return HL_OK;
}

hl_status hl_view_threads(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    return hl_view_one_heap(q, fill, arena, out, err);
}
