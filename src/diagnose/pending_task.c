/* diagnose/pending_task.c: tasks that wait for what does not come, and callbacks of a far day.
 *
 * Room   diagnose; a rule (R15), over groups of tasks and over growths.
 * Signs  the suspended tasks of one coroutine, or the timers that call one function, multiply to
 *        the end.
 * Shows  the coroutine, what it waits for, and who keeps the tasks.
 * Guards tasks that are done; tasks that somebody awaits and that were gone at the end: a burst. */
#include "diagnose/below.h"
#include "diagnose/census.h"
#include "diagnose/judge.h"
#include "diagnose/pattern.h"
#include "diagnose/uses.h"

#include <string.h>

enum { FEW = 12 }; /* entries: what is less comes and goes */

static const char TASK_FIX[] =
    "see that what they wait for comes: set the event, give the lock back, answer the future, "
    "empty "
    "the queue; put a limit on the wait (asyncio.wait_for, asyncio.timeout, trio.move_on_after) "
    "and on their number (a Semaphore), or cancel them when nobody wants them any more";
static const char TIMER_FIX[] =
    "a callback set with call_later or call_at stays, with its arguments, until its time has come: "
    "keep what it returns and cancel() it when it is no longer needed, or have one timer look "
    "after "
    "many";

/* Does somebody wait for the task: another task, or gather, wait or a group for it? */
static bool is_awaited(const hl_case *c, hl_node task)
{
    static const char *const waiters[] = {"_done_callback", "_on_completion", "_on_task_done"};
    const hl_graph *g = c->graph;
    const hl_snap *s = c->snap;
    for (uint32_t e = s->off[task]; e < s->off[task + 1]; e++) {
        uint32_t name = hl_label_value(s->label[e]);
        if (hl_label_kind(s->label[e]) != HL_LABEL_NAMED || strcmp(s->names[name], "_callbacks"))
            continue;
        hl_node callback = s->dst[e];
        if (hl_graph_follow(g, callback, HL_LABEL_NAMED, "__self__") != HL_NO_NODE) {
            hl_node self = hl_graph_follow(g, callback, HL_LABEL_NAMED, "__self__");
            if (hl_attribute(g, self, "_coro") != HL_NO_NODE)
                return true;
        }
        hl_node code = hl_code_of(g, callback);
        const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(s, code);
        for (size_t i = 0; row && i < sizeof waiters / sizeof *waiters; i++)
            if (!strcmp(s->names[row->name], waiters[i]) &&
                strstr(s->names[row->file], "/asyncio/"))
                return true;
    }
    return false;
}

/* Does the call that keeps them in a local wait for all of them when it has begun them, as in
 * `await gather(*tasks)`? What was gone when it was over, it had waited for. */
static bool is_waited_for(const hl_case *c, hl_node holder)
{
    const hl_graph *g = c->graph;
    if (holder == HL_NO_NODE || hl_label_kind(g->via[holder]) != HL_LABEL_LOCAL)
        return false;
    hl_node code = hl_code_of(g, g->parent[holder]);
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(c->snap, code);
    const char *name = c->snap->names[hl_label_value(g->via[holder])];
    return row && (hl_bits_of(c->snap, row, HL_SCOPE_LOCAL, name) & HL_USE_WHOLE);
}

/* Is the task in a container that is waited for, whoever else has it? */
static bool is_among_awaited(const hl_case *c, hl_node task)
{
    hl_node from;
    for (hl_holders h = hl_graph_holders(c->graph, task); hl_holders_next(&h, &from);)
        if (hl_snap_len(c->snap, from) >= 0 && is_waited_for(c, from))
            return true;
    return false;
}

static bool mostly_awaited(const hl_case *c, const hl_group *group)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < group->n_members; i++)
        n += is_awaited(c, group->members[i]) || is_among_awaited(c, group->members[i]) ||
             hl_is_gathered(c, group->members[i]);
    return 2 * n > group->n_members;
}

/* The container a future is kept in, to be answered: not its task, nor the frames that wait. */
static hl_node place_of_future(const hl_case *c, hl_node future)
{
    const hl_graph *g = c->graph;
    hl_node from;
    for (hl_holders h = hl_graph_holders(g, future); hl_holders_next(&h, &from);) {
        hl_label l = hl_graph_label(g, from, future);
        if (l == UINT32_MAX)
            continue;
        enum hl_label_kind kind = hl_label_kind(l);
        if ((kind == HL_LABEL_INDEX || kind == HL_LABEL_VALUE || kind == HL_LABEL_ELEMENT) &&
            hl_snap_len(c->snap, from) >= 0)
            return from;
    }
    return HL_NO_NODE;
}

/* Is the future an argument of a timer, that will answer it? */
static bool is_timed(const hl_case *c, hl_node future)
{
    hl_node up = c->graph->parent[future];
    up = up == HL_NO_NODE ? up : c->graph->parent[up];
    return up != HL_NO_NODE &&
           !strcmp(hl_snap_type_name(c->snap, up), "asyncio.events.TimerHandle");
}

/* What most of the tasks wait for: a task, or a future and where it is kept. */
static void tell_waiting(hl_case *c, hl_finding *f, const hl_group *group)
{
    const hl_graph *g = c->graph;
    hl_node one = HL_NO_NODE;
    uint32_t n = 0;
    for (uint32_t i = 0; i < group->n_members; i++) {
        hl_node waits = hl_attribute(g, group->members[i], "_fut_waiter");
        if (waits == HL_NO_NODE)
            continue;
        n++;
        if (one == HL_NO_NODE)
            one = waits;
    }
    if (one == HL_NO_NODE)
        return;
    char count[32], name[240];
    hl_node coroutine = hl_attribute(g, one, "_coro");
    if (coroutine != HL_NO_NODE) {
        hl_finding_evidence(c, f, "%s of them wait for a task: %s", hl_count_text(n, count),
                            hl_callable_place(c, coroutine));
        return;
    }
    hl_node place = place_of_future(c, one);
    if (place == HL_NO_NODE && is_timed(c, one))
        hl_finding_evidence(c, f, "%s of them wait, the first for a time to come (asyncio.sleep)",
                            hl_count_text(n, count));
    if (place == HL_NO_NODE)
        return;
    hl_path_name(g, place, name, sizeof name);
    hl_finding_evidence(c, f, "%s of them wait for a future, the first for one in %s",
                        hl_count_text(n, count), name);
}

static bool holder_told(const hl_case *c, hl_node holder)
{
    for (uint32_t i = 0; holder != HL_NO_NODE && i < c->out->n_findings; i++)
        if (!strcmp(c->out->findings[i].cause, "pending-task") &&
            c->out->findings[i].holder.address == hl_snap_address(c->snap, holder))
            return true;
    return false;
}

/* The container most of them are kept in: an instance's own namespace is the instance. */
static hl_node holder_of(hl_case *c, const hl_group *group)
{
    hl_node v = hl_kept_by(c, group->members, group->n_members);
    while (v != HL_NO_NODE && hl_graph_is_namespace(c->graph, v))
        v = c->graph->parent[v];
    return v;
}

/* An event loop that no variable of the program leads to is known as what it is. */
static void name_loop(hl_case *c, hl_finding *f, hl_node holder)
{
    const hl_graph *g = c->graph;
    hl_node loop = holder == HL_NO_NODE ? HL_NO_NODE : hl_graph_owner(g, holder);
    if (loop == HL_NO_NODE || hl_attribute(g, loop, "_scheduled") == HL_NO_NODE ||
        (strncmp(f->holder.name, "asyncio.", 8) != 0 && f->holder.name[0] != '('))
        return;
    const char *attribute = strrchr(f->holder.name, '.');
    f->holder.name = hl_arena_printf(c->arena, "event loop%s", attribute ? attribute : "");
}

static void find_group(hl_case *c, hl_group *group, hl_confidence confidence)
{
    hl_node holder = holder_of(c, group);
    if (holder_told(c, holder))
        return; /* the timers of the tasks told before */
    if (holder != HL_NO_NODE && hl_snap_len(c->snap, holder) >= 0 &&
        c->graph->retained_bytes[holder] > group->bytes) {
        /* what the tasks wait for goes with them */
        group->bytes = c->graph->retained_bytes[holder];
        group->objects = c->graph->retained_objects[holder];
        hl_group_measure(c, group);
    }
    hl_finding *f = hl_group_finding(c, group, "pending-task", confidence, holder);
    if (!f)
        return;
    name_loop(c, f, holder);
    char count[32], bytes[16];
    bool tasks = group->kind == HL_COUNT_TASK;
    f->title = hl_arena_printf(
        c->arena,
        tasks ? "%s tasks of %s wait and do not get done; %s keeps them, together %s"
              : "%s calls of %s wait for their time to come; %s keeps them, together %s",
        hl_count_text(group->n, count), group->what, f->holder.name,
        hl_bytes_text(f->retained.bytes, bytes));
    if (tasks)
        tell_waiting(c, f, group);
    f->fix = tasks ? TASK_FIX : TIMER_FIX;
    hl_finding_seal(c, f);
    if (tasks) /* the queue or the timers they hang on are in order */
        f->fix = TASK_FIX;
}

hl_status hl_rule_pending_groups(hl_case *c, hl_err *err)
{
    for (uint32_t i = 0; i < c->n_groups; i++) {
        hl_group *group = &c->groups[i];
        hl_confidence confidence;
        if ((group->kind != HL_COUNT_TASK && group->kind != HL_COUNT_TIMER) ||
            !hl_group_judge(c, group, &confidence))
            continue;
        if (hl_group_open(c, group, err))
            return err->status;
        if (group->growth.onset_bytes < c->material)
            continue;
        if (group->growth.released && group->kind == HL_COUNT_TASK &&
            (mostly_awaited(c, group) || is_waited_for(c, holder_of(c, group))))
            continue;
        find_group(c, group, confidence);
    }
    return HL_OK;
}

/* How many tasks wait below the holder, for how many of them somebody waits, and the one that keeps
 * most; NO_NODE: none. */
static uint32_t tasks_below(hl_case *c, hl_node holder, uint32_t *awaited, hl_node *heaviest)
{
    const hl_graph *g = c->graph;
    uint8_t *below = hl_below_mark(c, holder);
    uint32_t n = 0;
    *heaviest = HL_NO_NODE;
    *awaited = 0;
    for (hl_node v = 0; below && v < c->snap->nodes; v++) {
        hl_node coroutine = below[v] ? hl_graph_follow(g, v, HL_LABEL_NAMED, "_coro") : HL_NO_NODE;
        if (coroutine == HL_NO_NODE || !hl_is_suspended(g, coroutine))
            continue;
        n++;
        *awaited += is_awaited(c, v) || is_among_awaited(c, v);
        if (*heaviest == HL_NO_NODE || g->retained_bytes[v] > g->retained_bytes[*heaviest])
            *heaviest = v;
    }
    if (below)
        hl_arena_release(&c->scratch, below);
    return n;
}

/* Handles whose callback is gone (asyncio/events.py: Handle.cancel): a loop takes them out of its
 * timers when it turns and they are half of all. */
static bool mostly_cancelled(const hl_case *c, hl_node holder)
{
    hl_node entries[HL_SAMPLES];
    uint32_t n = hl_sample(c, hl_entries_of(c, holder), false, entries, HL_SAMPLES), gone = 0;
    for (uint32_t i = 0; i < n; i++) {
        hl_node callback = hl_attribute(c->graph, entries[i], "_callback");
        gone += hl_is_a(c, entries[i], "asyncio.events.TimerHandle") &&
                (callback == HL_NO_NODE || hl_is_a(c, callback, "NoneType"));
    }
    return n && 2 * gone > n;
}

/* Growth that passes through tasks of many kinds, none of which grows enough by itself. */
static bool pending_task(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_below *b = hl_below_find(c, s);
    if (!hl_below_mostly(b, HL_PASS_PENDING))
        return false;
    /* they got done while the program ran; or all that one call waited for was gone at its end */
    bool few = s->growth->metric == HL_METRIC_ITEMS && s->growth->units < FEW; /* a loop's turn */
    hl_node task;
    uint32_t awaited, tasks = tasks_below(c, s->holder, &awaited, &task);
    bool wanted =
        hl_is_gathered(c, s->holder) || 2 * awaited > tasks || is_waited_for(c, s->holder);
    if (few || (s->growth->released && (!s->growth->torn_down || wanted))) {
        c->dismissed += s->growth->onset_bytes;
        return true;
    }
    if (mostly_cancelled(c, s->holder)) {
        char count[32];
        c->dismissed += s->growth->onset_bytes;
        hl_note_add(
            c, "pending-task",
            "%s holds %s timers, most of them cancelled: the loop sweeps them when it turns",
            s->name, hl_count_text(s->growth->series[s->growth->anchor], count));
        return true;
    }
    if (hl_cause_told(c, "pending-task"))
        return true;
    hl_confidence confidence;
    /* what removes them is their end, and that does not come */
    hl_uses plain = *u;
    plain.evicts = plain.bounds = false;
    plain.reader = NULL;
    if (!hl_judge(c, s, &plain, HL_FILLED_BY_MANY, &confidence))
        return true;
    hl_suspect shown = *s;
    uint64_t n = tasks;
    shown.payload = task == HL_NO_NODE ? b->part[HL_PASS_PENDING].sample : task;
    if (task == HL_NO_NODE)
        n = b->part[HL_PASS_PENDING].count;
    hl_finding *f = hl_finding_about(c, &shown, "pending-task",
                                     confidence == HL_CERTAIN ? HL_STRONG : confidence);
    if (!f)
        return true;
    char count[32];
    hl_node callback = hl_attribute(c->graph, shown.payload, "_callback");
    hl_node subject = callback == HL_NO_NODE ? shown.payload : callback;
    f->title =
        hl_arena_printf(c->arena, "%s (%s) keeps %s %s that wait, among them %s; together %s",
                        s->name, hl_snap_type_name(c->snap, s->holder), hl_count_text(n, count),
                        callback == HL_NO_NODE ? "tasks" : "calls", hl_callable_place(c, subject),
                        hl_judge_holds(c, &shown));
    hl_judge_evidence(c, f, s, &plain, filled);
    f->fix = callback == HL_NO_NODE ? TASK_FIX : TIMER_FIX;
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_pending_task = {"pending-task", pending_task};
