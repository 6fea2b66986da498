/* diagnose/census.c: how many tasks wait, threads run and callables C holds, by the code they are
 * about; how many variables have a value in a context, and nowhere else.
 *
 * Room   diagnose; analyser process.
 * Why    A task that waits hangs from a timer, from another task, from a future or from a set, and
 *        from somewhere else in the next snapshot; each thread is a root of its own, and so is each
 *        object that only C holds. No path shape gathers them. Their code does. What is garbage or
 *        runs at this moment is not counted.
 * Takes  each moment's heap as it passes.   Gives  the groups whose number rose without a pause. */
#include "diagnose/census.h"

#include "diagnose/below.h"
#include "diagnose/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 12, GROUPS_MAX = 64, SURE_INTERVALS = 3 };
enum { ANY = -1 };
static const double LATE_SHARE = 0.25;

bool hl_shape_ends(const hl_case *c, hl_shape shape)
{
    static const char *const types[] = {"coroutine", "_asyncio.Task", "_contextvars.Context",
                                        "Context", "_thread._local"};
    if (c->shapes.shapes[shape].hold == HL_HOLD_FRAME)
        return true;
    for (hl_shape s = shape; s; s = c->shapes.shapes[s].parent)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (!strcmp(c->shapes.shapes[s].type, types[i]))
                return true;
    return false;
}

/* ---- what is counted --------------------------------------------------------------------------
 */

static uint64_t key_of(hl_counted kind, const char *place)
{
    uint64_t h = 0xcbf29ce484222325u ^ (uint64_t)kind;
    for (; *place; place++)
        h = (h ^ (uint8_t)*place) * 0x100000001b3u;
    return h;
}

typedef void seen(void *to, hl_counted kind, hl_node member, hl_node subject);

/* Has it, beside the coroutine, the task that runs it? */
static bool has_task(const hl_graph *g, hl_node v, hl_node coroutine, uint32_t coro)
{
    const hl_snap *s = g->snap;
    for (uint32_t k = s->off[v]; k < s->off[v + 1]; k++)
        for (uint32_t e = s->off[s->dst[k]]; e < s->off[s->dst[k] + 1]; e++)
            if (s->dst[e] == coroutine && hl_label_kind(s->label[e]) == HL_LABEL_NAMED &&
                hl_label_value(s->label[e]) == coro)
                return true;
    return false;
}

/* subject: the object whose code says what is counted. */
static void count_tasks(const hl_graph *g, seen *take, void *to)
{
    const hl_snap *s = g->snap;
    uint32_t coro = 0;
    for (uint32_t i = 1; i < s->n_names && !coro; i++)
        coro = strcmp(s->names[i], "_coro") ? 0 : i;
    for (hl_node v = 0; coro && v < s->nodes; v++) {
        if (g->from[v] == HL_HOLD_CYCLE || g->from[v] == HL_HOLD_STRAY)
            continue;
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
            enum hl_label_kind kind = hl_label_kind(s->label[e]);
            bool inner = kind == HL_LABEL_NAMED || kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT;
            if (hl_label_value(s->label[e]) != coro || !(inner || kind == HL_LABEL_KEY))
                continue;
            if (hl_is_suspended(g, s->dst[e]) &&
                (kind == HL_LABEL_NAMED || !has_task(g, v, s->dst[e], coro)))
                take(to, HL_COUNT_TASK, inner ? v : s->dst[e], s->dst[e]);
        }
    }
}

static bool type_named(const hl_snap *s, hl_node v, const char *name)
{
    return !strcmp(hl_snap_type_name(s, v), name);
}

static void count_timers(const hl_graph *g, seen *take, void *to)
{
    const hl_snap *s = g->snap;
    for (uint32_t i = 0; i < g->n_hands; i++) {
        hl_node queue = g->hands[i];
        for (uint32_t k = s->off[queue]; g->from[queue] != HL_HOLD_CYCLE && k < s->off[queue + 1];
             k++) {
            hl_node callback = strncmp(hl_snap_type_name(s, s->dst[k]), "asyncio.events.", 15)
                                   ? HL_NO_NODE
                                   : hl_attribute(g, s->dst[k], "_callback");
            if (callback != HL_NO_NODE)
                take(to, HL_COUNT_TIMER, s->dst[k], callback);
        }
    }
}

/* Frames that the threading module itself runs to start a thread say nothing. */
static const char *name_in_threading(const hl_graph *g, hl_node frame)
{
    hl_node code = hl_code_of(g, frame);
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(g->snap, code);
    bool is = row && !strcmp(hl_file_name(g->snap->names[row->file]), "threading.py");
    return is ? g->snap->names[row->name] : NULL;
}

/* The row, among those of one thread (innermost first), that tells what it is for: the outermost
 * outside threading; of a Timer its run(). */
static uint32_t telling_row(const hl_graph *g, uint32_t first, uint32_t end)
{
    const hl_snap_root *roots = g->snap->roots;
    uint32_t run = end - 1;
    for (uint32_t at = end; at-- > first;) {
        const char *name = name_in_threading(g, roots[at].node);
        if (!name)
            return at;
        if (!strcmp(name, "run"))
            run = at;
    }
    return run;
}

static void count_threads(const hl_graph *g, seen *take, void *to)
{
    const hl_snap *s = g->snap;
    for (uint32_t i = 0; i < s->n_roots;) {
        uint32_t end = i + 1;
        while (end < s->n_roots && s->roots[end].kind == s->roots[i].kind &&
               s->roots[end].thread == s->roots[i].thread)
            end++;
        if (s->roots[i].kind == HL_ROOT_FRAME && s->roots[i].thread) {
            hl_node frame = s->roots[telling_row(g, i, end)].node;
            take(to, HL_COUNT_THREAD, frame, frame);
        }
        i = end;
    }
}

static bool is_callable(const hl_snap *s, hl_node v)
{
    return type_named(s, v, "method") || type_named(s, v, "function") ||
           type_named(s, v, "functools.partial");
}

static hl_node atexit_module(const hl_snap *s)
{
    for (uint32_t i = 0; i < s->n_roots; i++)
        if (s->roots[i].kind == HL_ROOT_MODULE && !strcmp(s->names[s->roots[i].name], "atexit"))
            return s->roots[i].node;
    return HL_NO_NODE;
}

/* Before 3.10 the module keeps them itself, in a state that has no names. */
static void count_in_module(const hl_graph *g, seen *take, void *to)
{
    const hl_snap *s = g->snap;
    hl_node module = atexit_module(s);
    for (uint32_t e = module == HL_NO_NODE ? 0 : s->off[module];
         module != HL_NO_NODE && e < s->off[module + 1]; e++)
        if (hl_label_kind(s->label[e]) == HL_LABEL_INTERNAL && g->parent[s->dst[e]] == module &&
            g->via[s->dst[e]] == s->label[e])
            take(to, HL_COUNT_EXIT, s->dst[e], s->dst[e]);
}

static void count_held(const hl_graph *g, seen *take, void *to)
{
    const hl_snap *s = g->snap;
    count_in_module(g, take, to);
    for (uint32_t i = 0; i < g->n_roots; i++) {
        hl_node v = g->roots[i].node;
        if (g->parent[v] != HL_NO_NODE || (s->flag[v] & (HL_NODE_IMMORTAL | HL_NODE_STATIC)))
            continue;
        if (g->roots[i].hold == HL_HOLD_C && is_callable(s, v))
            take(to, HL_COUNT_HELD, v, v);
        else if (g->roots[i].hold == HL_HOLD_INTERP && g->roots[i].named != UINT32_MAX &&
                 !strcmp(s->names[s->roots[g->roots[i].named].name], "atexit"))
            take(to, HL_COUNT_EXIT, v, v);
    }
}

/* A variable whose value is no node of its own (a leaf, counted in the hash node) or somebody else's, and that
 * nothing but the context has. */
static void take_variable(const hl_graph *g, hl_node in, hl_node variable, seen *take, void *to)
{
    if (variable != HL_NO_NODE && g->parent[variable] == in)
        take(to, HL_COUNT_VALUE, variable, variable);
}

/* A context has its values in a tree of hash nodes, which is made anew along the way to each value
 * that is set: its paths tell nothing. In a node each variable stands before its value. */
static void count_values(const hl_graph *g, seen *take, void *to)
{
    const hl_snap *s = g->snap;
    for (hl_node v = 0; v < s->nodes; v++) {
        const char *type = hl_snap_type_name(s, v);
        if (type[0] != 'h' || strncmp(type, "hamt_", 5) != 0 || g->from[v] == HL_HOLD_CYCLE ||
            g->from[v] == HL_HOLD_STRAY)
            continue;
        hl_node variable = HL_NO_NODE;
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
            hl_node to_node = s->dst[e];
            enum hl_label_kind kind = hl_label_kind(s->label[e]);
            if (kind == HL_LABEL_DICTKEY) {
                take_variable(g, v, variable, take, to);
                variable = to_node;
            } else if (variable != HL_NO_NODE && kind == HL_LABEL_NAMED) {
                if (g->parent[to_node] == v)
                    take(to, HL_COUNT_VALUE, to_node, to_node);
                else
                    take_variable(g, v, variable, take, to);
                variable = HL_NO_NODE;
            }
        }
        take_variable(g, v, variable, take, to);
    }
}

static void count_all(const hl_graph *g, seen *take, void *to)
{
    count_tasks(g, take, to);
    count_timers(g, take, to);
    count_threads(g, take, to);
    count_held(g, take, to);
    count_values(g, take, to); /* last: there may be a context for each of many tasks */
}

/* The Context a value is in; a tree of hash nodes has at most eight levels (Python/hamt.c). */
static hl_node context_of(const hl_graph *g, hl_node value)
{
    enum { LEVELS = 12 };
    for (int i = 0; value != HL_NO_NODE && i < LEVELS; i++, value = g->parent[value])
        if (type_named(g->snap, value, "_contextvars.Context") ||
            type_named(g->snap, value, "Context"))
            return value;
    return HL_NO_NODE;
}

static const char *place_of(const hl_snap *s, const hl_graph *g, hl_counted kind, hl_node subject,
                            char *text, size_t size)
{
    hl_node code = hl_code_of(g, subject);
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(s, code);
    if (kind == HL_COUNT_EXIT) {
        snprintf(text, size, "atexit");
    } else if (kind == HL_COUNT_VALUE) { /* each context by itself */
        hl_node context = context_of(g, subject);
        snprintf(text, size, "context %" PRIx64,
                 context == HL_NO_NODE ? 0 : hl_snap_address(s, context));
    } else if (row) {
        snprintf(text, size, "%s (%s:%u)", s->names[row->qualname],
                 hl_file_name(s->names[row->file]), row->line);
    } else {
        snprintf(text, size, "%s", hl_snap_type_name(s, subject));
    }
    return text;
}

/* ---- a moment ---------------------------------------------------------------------------------
 */

enum { TALLY = 1 << 12, PLACE = 512, EXITS = 64 };

typedef struct tally {
    const hl_graph *g;
    hl_count rows[TALLY]; /* by key; what finds no place is left out */
    uint32_t used;
} tally;

static void tally_take(void *to, hl_counted kind, hl_node member, hl_node subject)
{
    tally *t = to;
    char text[PLACE];
    (void)member;
    uint64_t key = key_of(kind, place_of(t->g->snap, t->g, kind, subject, text, sizeof text));
    uint32_t at = (uint32_t)(key >> 20) & (TALLY - 1);
    while (t->rows[at].n && t->rows[at].key != key)
        at = (at + 1) & (TALLY - 1);
    if (!t->rows[at].n && t->used >= TALLY / 2)
        return;
    t->used += !t->rows[at].n;
    t->rows[at].key = key;
    t->rows[at].kind = kind;
    t->rows[at].n++;
}

static void note_exit(const hl_graph *g, hl_moment *m, hl_node callable)
{
    hl_node code = hl_code_of(g, callable);
    if (code == HL_NO_NODE || m->n_exits == EXITS)
        return;
    uint64_t address = hl_snap_address(g->snap, code);
    for (uint32_t i = 0; i < m->n_exits; i++)
        if (m->exits[i] == address)
            return;
    m->exits[m->n_exits++] = address;
}

/* The code of what atexit has, whether or not something else has it, too. */
static void note_exits(const hl_graph *g, hl_moment *m)
{
    const hl_snap *s = g->snap;
    for (uint32_t i = 0; i < s->n_roots; i++)
        if (s->roots[i].kind == HL_ROOT_INTERP && !strcmp(s->names[s->roots[i].name], "atexit"))
            note_exit(g, m, s->roots[i].node);
    hl_node module = atexit_module(s);
    for (uint32_t e = module == HL_NO_NODE ? 0 : s->off[module];
         module != HL_NO_NODE && e < s->off[module + 1]; e++)
        if (hl_label_kind(s->label[e]) == HL_LABEL_INTERNAL)
            note_exit(g, m, s->dst[e]);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const hl_count *)a)->key, y = ((const hl_count *)b)->key;
    return (x > y) - (x < y);
}

hl_status hl_census_note(hl_case *c, hl_moment *m, const hl_graph *g, hl_err *err)
{
    tally *t = hl_arena_array(&c->scratch, 1, sizeof *t);
    if (!t)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to count tasks and threads");
    t->g = g;
    count_all(g, tally_take, t);
    m->exits = hl_arena_array(&c->scratch, EXITS, sizeof *m->exits);
    if (!m->exits)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to note exit handlers");
    note_exits(g, m);
    m->census = hl_arena_array(&c->scratch, t->used ? t->used : 1, sizeof *m->census);
    if (!m->census)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to count tasks and threads");
    for (uint32_t i = 0; i < TALLY; i++)
        if (t->rows[i].n)
            m->census[m->n_census++] = t->rows[i];
    if (m->n_census)
        qsort(m->census, m->n_census, sizeof *m->census, by_key);
    hl_arena_release(&c->scratch, t);
    return HL_OK;
}

/* ---- what rose --------------------------------------------------------------------------------
 */

static uint32_t number_in(const hl_moment *m, uint64_t key)
{
    hl_count wanted = {.key = key};
    const hl_count *found =
        m->n_census ? bsearch(&wanted, m->census, m->n_census, sizeof wanted, by_key) : NULL;
    return found ? found->n : 0;
}

static bool known(const hl_case *c, uint64_t key)
{
    for (uint32_t i = 0; i < c->n_groups; i++)
        if (c->groups[i].key == key)
            return true;
    return false;
}

/* Groups that rose to moment `anchor`; of all kinds, or of one. */
static hl_status rising_at(hl_case *c, uint32_t anchor, int only, hl_err *err)
{
    const hl_moment *m = &c->moments[anchor];
    uint64_t *series = hl_arena_array(&c->scratch, c->n_moments, sizeof *series);
    if (!series)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to judge what was counted");
    for (uint32_t i = 0; i < m->n_census && c->n_groups < GROUPS_MAX; i++) {
        const hl_count *n = &m->census[i];
        if (n->n < LEAST || known(c, n->key) || (only != ANY && (int)n->kind != only))
            continue;
        for (uint32_t k = 0; k < c->n_moments; k++)
            series[k] = number_in(&c->moments[k], n->key);
        hl_growth g = {.metric = HL_METRIC_OBJECTS, .anchor = anchor};
        if (!hl_growth_rises(c, series, &g))
            continue;
        g.series = hl_arena_array(c->arena, c->n_moments, sizeof *series);
        if (!g.series)
            return hl_err_set(err, HL_NO_MEMORY, "no memory to judge what was counted");
        memcpy(g.series, series, c->n_moments * sizeof *series);
        uint32_t last = c->n_moments - 1;
        g.released = anchor < last && series[last] < series[anchor];
        g.torn_down = g.released;
        /* what atexit has may have been called, and emptied, when the last look was taken: one that
         * takes itself off when it is called was kept until then all the same */
        if (n->kind == HL_COUNT_EXIT && anchor + 1 >= c->working) {
            g.anchor = anchor < c->working ? anchor : c->working;
            g.released = false;
        }
        g.units = series[g.anchor] - series[0];
        c->groups[c->n_groups++] = (hl_group){
            .key = n->key, .kind = n->kind, .n = (uint32_t)series[g.anchor], .growth = g};
    }
    return HL_OK;
}

static int by_number(const void *a, const void *b)
{
    const hl_group *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return (x->key > y->key) - (x->key < y->key);
}

hl_status hl_census_find(hl_case *c, hl_err *err)
{
    uint32_t n = c->n_moments;
    c->groups = hl_arena_array(&c->scratch, GROUPS_MAX, sizeof *c->groups);
    if (!c->groups)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to judge what was counted");
    if (n < 3 || !c->kept)
        return HL_OK;
    /* what atexit has is called at the end, which takes its time: the look after that says nothing
     * of the pace they came in at */
    if (c->working < n - 1 && rising_at(c, c->working, HL_COUNT_EXIT, err))
        return err->status;
    if (rising_at(c, n - 1, ANY, err))
        return err->status;
    /* a loop cancels its tasks and an executor joins its threads when the program ends */
    if (c->working < n - 1 && rising_at(c, c->working, ANY, err))
        return err->status;
    /* a look may fall among the exit handlers, when some have taken themselves off */
    if (c->working > 2 && rising_at(c, c->working - 1, HL_COUNT_EXIT, err))
        return err->status;
    if (c->n_groups)
        qsort(c->groups, c->n_groups, sizeof *c->groups, by_number);
    return HL_OK;
}

/* ---- the members ------------------------------------------------------------------------------
 */

typedef struct gathering {
    const hl_graph *g;
    hl_group *group;
    char *text;
} gathering;

static void gather(void *to, hl_counted kind, hl_node member, hl_node subject)
{
    gathering *a = to;
    if (kind != a->group->kind || a->group->n_members >= a->group->n)
        return;
    if (key_of(kind, place_of(a->g->snap, a->g, kind, subject, a->text, PLACE)) == a->group->key)
        a->group->members[a->group->n_members++] = member;
}

/* Values that are leaves are counted in the hash nodes of their context. */
static void weigh_leaves(hl_case *c, hl_group *group)
{
    const hl_snap *s = c->snap;
    hl_node context = context_of(c->graph, group->members[0]);
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        if (strncmp(hl_snap_type_name(s, f.node), "hamt_", 5) != 0 ||
            context_of(c->graph, f.node) != context)
            continue;
        group->bytes += f.bytes;
        group->objects += (uint32_t)f.objects;
    }
}

/* What the members keep, each byte once: those another member dominates are part of it. */
static void weigh(hl_case *c, hl_group *group, uint8_t *is_member)
{
    const hl_graph *g = c->graph;
    enum { UP = 8 };
    for (uint32_t i = 0; i < group->n_members; i++)
        is_member[group->members[i]] = 1;
    for (uint32_t i = 0; i < group->n_members; i++) {
        hl_node up = g->idom[group->members[i]];
        bool part = false;
        for (int k = 0; up != HL_NO_NODE && !part && k < UP; k++, up = g->idom[up])
            part = is_member[up];
        if (part)
            continue;
        group->bytes += g->retained_bytes[group->members[i]];
        group->objects += g->retained_objects[group->members[i]];
    }
    if (group->kind == HL_COUNT_VALUE && group->n_members)
        weigh_leaves(c, group);
}

hl_status hl_group_open(hl_case *c, hl_group *group, hl_err *err)
{
    if (hl_case_anchor(c, group->growth.anchor, err))
        return err->status;
    char text[PLACE] = "";
    gathering a = {.g = c->graph, .group = group, .text = text};
    group->members = hl_arena_array(&c->scratch, group->n, sizeof *group->members);
    uint8_t *is_member = hl_arena_array(&c->scratch, c->snap->nodes, 1);
    if (!group->members || !is_member)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u counted objects", group->n);
    count_all(c->graph, gather, &a);
    weigh(c, group, is_member);
    hl_arena_release(&c->scratch, is_member);
    if (group->n_members) {
        hl_node subject = group->members[0];
        place_of(c->snap, c->graph, group->kind, subject, text, sizeof text);
        if (group->kind == HL_COUNT_TIMER)
            place_of(c->snap, c->graph, group->kind, hl_attribute(c->graph, subject, "_callback"),
                     text, sizeof text);
    }
    group->what = hl_arena_copy(c->arena, text, strlen(text));
    hl_group_measure(c, group);
    return HL_OK;
}

void hl_group_measure(const hl_case *c, hl_group *group)
{
    hl_growth *g = &group->growth;
    double share = 1 - (double)g->series[0] / (double)g->series[g->anchor];
    double late = 1 - (double)g->series[g->onset] / (double)g->series[g->anchor];
    g->bytes = (uint64_t)(share * (double)group->bytes);
    g->onset_bytes = (uint64_t)(late * (double)group->bytes);
    double seconds =
        (double)(c->moments[g->anchor].info.time_us - c->moments[g->onset].info.time_us) / 1e6;
    g->per_second = seconds > 0 ? (double)g->onset_bytes / seconds : -1;
}

bool hl_group_judge(const hl_case *c, const hl_group *group, hl_confidence *out)
{
    const hl_growth *g = &group->growth;
    const hl_moment *m = c->moments;
    double run = m[g->anchor].work - m[c->began].work;
    bool late = run > 0 && m[g->anchor].work - g->began < LATE_SHARE * run;
    bool unsure = hl_growth_slows(g) || late || g->intervals < SURE_INTERVALS;
    if (hl_growth_rests(g) || (g->released && unsure))
        return false;
    *out = unsure ? HL_POSSIBLE : HL_STRONG;
    return true;
}

/* The member that keeps most, of those the holder's chain leads to. */
static hl_node heaviest_below(const hl_case *c, const hl_group *group, hl_node holder)
{
    enum { UP = 32 };
    const hl_graph *g = c->graph;
    hl_node best = HL_NO_NODE;
    for (uint32_t i = 0; i < group->n_members; i++) {
        hl_node v = group->members[i], up = v;
        for (int k = 0; holder != HL_NO_NODE && up != HL_NO_NODE && up != holder && k < UP; k++)
            up = g->parent[up];
        if (holder != HL_NO_NODE && up != holder)
            continue;
        if (best == HL_NO_NODE || g->retained_bytes[v] > g->retained_bytes[best])
            best = v;
    }
    return best;
}

hl_finding *hl_group_finding(hl_case *c, const hl_group *group, const char *cause,
                             hl_confidence confidence, hl_node holder)
{
    const hl_growth *g = &group->growth;
    hl_node heaviest = heaviest_below(c, group, holder);
    hl_node named = holder == HL_NO_NODE ? heaviest : holder;
    hl_suspect s;
    if (named == HL_NO_NODE || !hl_suspect_of(c, named, heaviest, &s))
        return NULL;
    hl_finding *f = hl_finding_add(c, cause, confidence);
    if (!f)
        return NULL;
    s.growth = g;
    s.retained_bytes = group->bytes;
    s.retained_objects = group->objects;
    if (holder != HL_NO_NODE && hl_snap_len(c->snap, holder) >= 0 &&
        c->graph->retained_bytes[holder] > group->bytes) {
        s.retained_bytes = c->graph->retained_bytes[holder];
        s.retained_objects = c->graph->retained_objects[holder];
    }
    hl_finding_holder(c, f, &s);
    hl_finding_growth(c, f, g);
    f->series_unit = group->kind == HL_COUNT_TASK     ? "tasks"
                     : group->kind == HL_COUNT_THREAD ? "threads"
                     : group->kind == HL_COUNT_TIMER  ? "calls"
                     : group->kind == HL_COUNT_VALUE  ? "values"
                                                      : "objects";
    char text[256] = "", count[32];
    size_t n = 0;
    uint32_t step = c->n_moments > 8 ? (c->n_moments + 7) / 8 : 1;
    for (uint32_t i = 0; i <= g->anchor && n < sizeof text - 32; i++)
        if (i == g->anchor || i % step == 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " -> " : "",
                                  hl_count_text(g->series[i], count));
    hl_finding_evidence(c, f, "count %s, never fell", text);
    if (hl_growth_slows(g))
        hl_finding_evidence(c, f, "the rise is slowing down: it may come to rest");
    if (g->released)
        hl_finding_evidence(c, f, "given up only when the program ended");
    return f;
}

bool hl_cause_told(const hl_case *c, const char *cause)
{
    for (uint32_t i = 0; i < c->out->n_findings; i++)
        if (!strcmp(c->out->findings[i].cause, cause))
            return true;
    return false;
}

bool hl_threads_multiply(const hl_case *c)
{
    for (uint32_t i = 0; i < c->n_groups; i++)
        if (c->groups[i].kind == HL_COUNT_THREAD)
            return true;
    return false;
}
