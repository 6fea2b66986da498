/* diagnose/running_threads.c: threads are started and never end.
 *
 * Room   diagnose; a rule (R17), over groups of threads and over growths.
 * Signs  the number of threads that run one function rises to the end.
 * Shows  the function, and what the threads keep: their locals, and what their Thread objects hold.
 * Guards the threads of one executor, which has a size; a pool that fills and stays; Thread objects
 *        whose run() is over: that is a container.
 * Method what threads keep is what the chain tree hangs below their frames and Thread objects: an
 *        argument is held by both, so neither dominates it. */
#include "diagnose/below.h"
#include "diagnose/census.h"
#include "diagnose/judge.h"

#include <string.h>

/* A thread has a stack outside the heap, of which some pages are in use: resident per waiting
 * thread as measured with glibc on x86-64. */
enum { STACK_BYTES = 32 << 10, THREADS_MAX = 1 << 16 };

static const char FIX[] =
    "give each thread a way to end, and use it when its work is over: an Event or flag it looks "
    "at, "
    "a None in its queue, a timeout on its waits; shut pools down (`with ThreadPoolExecutor() as "
    "pool:`, or pool.shutdown()); or let a few threads serve all";

static const char TIMER_FIX[] =
    "cancel() each timer that is not wanted any more, before another is started for the same thing "
    "(`timer.cancel()` in `finally:` or in close()): it is a thread that waits until it is due; or "
    "let one thread or loop wait for all (sched, asyncio's call_later)";

/* Marks the Thread object of a frame: the `self` of the function that started it. */
static void mark_thread_object(const hl_case *c, hl_node frame, uint8_t *inside)
{
    const hl_snap *s = c->snap;
    for (uint32_t e = s->off[frame]; e < s->off[frame + 1]; e++)
        if (hl_label_kind(s->label[e]) == HL_LABEL_LOCAL &&
            hl_is_instance(c->graph, s->dst[e], "threading.Thread"))
            inside[s->dst[e]] = 1;
}

static void weigh_threads(hl_case *c, hl_group *group, uint8_t *inside, uint8_t *threads)
{
    const hl_snap *s = c->snap;
    const hl_graph *g = c->graph;
    for (uint32_t i = 0; i < group->n_members; i++)
        inside[group->members[i]] = 1;
    for (uint32_t i = 0; i < s->n_roots; i++)
        if (s->roots[i].kind == HL_ROOT_FRAME && inside[s->roots[i].node])
            threads[s->roots[i].thread & (THREADS_MAX - 1)] = 1;
    for (uint32_t i = 0; i < s->n_roots; i++)
        if (s->roots[i].kind == HL_ROOT_FRAME && threads[s->roots[i].thread & (THREADS_MAX - 1)]) {
            inside[s->roots[i].node] = 1;
            mark_thread_object(c, s->roots[i].node, inside);
        }
    group->bytes = group->objects = 0;
    for (uint32_t i = 0; i < s->nodes; i++) {
        hl_node v = g->order[i];
        if (g->parent[v] != HL_NO_NODE)
            inside[v] |= inside[g->parent[v]];
        if (!inside[v])
            continue;
        group->bytes += hl_graph_own_bytes(g, v);
        group->objects += hl_graph_own_objects(g, v);
    }
}

/* The Thread object of the first of them; or NO_NODE. */
static hl_node thread_object(const hl_case *c, const hl_group *group)
{
    const hl_snap *s = c->snap;
    hl_node frame = group->n_members ? group->members[0] : HL_NO_NODE;
    for (uint32_t e = frame == HL_NO_NODE ? 0 : s->off[frame];
         frame != HL_NO_NODE && e < s->off[frame + 1]; e++)
        if (hl_label_kind(s->label[e]) == HL_LABEL_LOCAL &&
            hl_is_instance(c->graph, s->dst[e], "threading.Thread"))
            return s->dst[e];
    return HL_NO_NODE;
}

static void find_group(hl_case *c, const hl_group *group, hl_confidence confidence)
{
    hl_finding *f = hl_group_finding(c, group, "thread", confidence, HL_NO_NODE);
    if (!f)
        return;
    char count[32], bytes[16];
    f->title = hl_arena_printf(c->arena, "%s threads run %s and do not end; together they keep %s",
                               hl_count_text(group->n, count), group->what,
                               hl_bytes_text(group->bytes, bytes));
    hl_node object = thread_object(c, group);
    hl_node calls = object == HL_NO_NODE ? HL_NO_NODE : hl_attribute(c->graph, object, "function");
    if (calls != HL_NO_NODE) /* a Timer runs nothing but threading's own code until it is due */
        hl_finding_evidence(c, f, "one of them is a %s that will call %s",
                            hl_snap_type_name(c->snap, object), hl_callable_place(c, calls));
    else if (object != HL_NO_NODE)
        hl_finding_evidence(c, f, "one of them is a %s", hl_snap_type_name(c->snap, object));
    hl_finding_evidence(c, f,
                        "each also has a stack of its own outside the Python heap (some %s in use)",
                        hl_bytes_text(STACK_BYTES, bytes));
    bool timer = object != HL_NO_NODE && hl_is_instance(c->graph, object, "threading.Timer");
    f->fix = timer ? TIMER_FIX : FIX;
    hl_finding_seal(c, f);
}

/* Do they all work for one executor? It starts a thread whenever all are busy, up to its size. */
static bool is_one_pool(const hl_case *c, const hl_group *group)
{
    hl_node pool = HL_NO_NODE;
    for (uint32_t i = 0; i < group->n_members; i++) {
        hl_node queue = hl_graph_follow(c->graph, group->members[i], HL_LABEL_LOCAL, "work_queue");
        if (queue == HL_NO_NODE || (pool != HL_NO_NODE && queue != pool))
            return false;
        pool = queue;
    }
    return pool != HL_NO_NODE && strstr(group->what, "concurrent/futures/thread.py");
}

hl_status hl_rule_thread_groups(hl_case *c, hl_err *err)
{
    for (uint32_t i = 0; i < c->n_groups; i++) {
        hl_group *group = &c->groups[i];
        hl_confidence confidence;
        if (group->kind != HL_COUNT_THREAD || !hl_group_judge(c, group, &confidence))
            continue;
        if (hl_group_open(c, group, err))
            return err->status;
        if (is_one_pool(c, group)) {
            c->dismissed += group->growth.onset_bytes;
            continue;
        }
        uint8_t *inside = hl_arena_array(&c->scratch, c->snap->nodes, 1);
        uint8_t *threads = hl_arena_array(&c->scratch, THREADS_MAX, 1);
        if (!inside || !threads)
            return hl_err_set(err, HL_NO_MEMORY, "no memory to weigh %u threads", group->n);
        weigh_threads(c, group, inside, threads);
        hl_arena_release(&c->scratch, inside);
        hl_arena_release(&c->scratch, threads);
        hl_group_measure(c, group);
        const hl_growth *g = &group->growth;
        uint64_t stacks = (g->series[g->anchor] - g->series[g->onset]) * (uint64_t)STACK_BYTES;
        if (g->onset_bytes + stacks < c->material)
            continue;
        c->stack_bytes += stacks;
        find_group(c, group, confidence);
    }
    return HL_OK;
}

/* Do most of the Thread objects below the holder run? Their frames hold them then. */
static bool mostly_running(hl_case *c, hl_node holder)
{
    const hl_graph *g = c->graph;
    uint8_t *below = hl_below_mark(c, holder);
    uint32_t threads = 0, running = 0;
    for (hl_node v = 0; below && v < c->snap->nodes; v++) {
        if (!below[v] || hl_attribute(g, v, "_started") == HL_NO_NODE ||
            !hl_is_instance(g, v, "threading.Thread"))
            continue;
        threads++;
        hl_node from;
        for (hl_holders h = hl_graph_holders(g, v); hl_holders_next(&h, &from);) {
            const hl_graph_root *root = hl_graph_root_of(g, from);
            if (root && root->hold == HL_HOLD_FRAME) {
                running++;
                break;
            }
        }
    }
    if (below)
        hl_arena_release(&c->scratch, below);
    return threads && 2 * running > threads;
}

/* A list or registry of threads that run: the threads are told already, or it is they that grow. */
static bool thread_rule(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    const hl_below *b = hl_below_find(c, s);
    if (!hl_below_mostly(b, HL_PASS_THREAD) || !mostly_running(c, s->holder))
        return false;
    if (hl_cause_told(c, "thread"))
        return true;
    hl_confidence confidence;
    hl_uses plain = *u;
    plain.evicts = plain.bounds = false;
    plain.reader = NULL; /* what takes them out is their end */
    if (!hl_judge(c, s, &plain, filled, &confidence))
        return true;
    hl_suspect shown = *s;
    shown.payload = b->part[HL_PASS_THREAD].sample;
    hl_finding *f =
        hl_finding_about(c, &shown, "thread", confidence == HL_CERTAIN ? HL_STRONG : confidence);
    if (!f)
        return true;
    char count[32], bytes[16];
    f->title = hl_arena_printf(
        c->arena, "%s (%s) has %s threads that run and do not end; they keep %s", s->name,
        hl_snap_type_name(c->snap, s->holder), hl_count_text(b->part[HL_PASS_THREAD].count, count),
        hl_bytes_text(f->retained.bytes, bytes));
    hl_judge_evidence(c, f, s, &plain, filled);
    f->fix = FIX;
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_thread = {"thread", thread_rule};
