/* diagnose/backlog.c: work is queued faster than it is done.
 *
 * Room   diagnose; a rule.
 * Signs  the holder is a queue of the library, or a list or deque that some live code adds to and
 *        other code takes from, one at a time (popleft, pop, heappop), or a bytearray that it cuts:
 *        it is there to be emptied, and it is not.
 * Guards code that adds and takes in one place bounds it (the judge); a list that entries are only
 *        removed from by name is a registry; one that nobody takes from is a growing container;
 *        one that is gone when the program ends may have been worked off. */
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <string.h>

enum { LASTING_INTERVALS = 4 };
/* Of the work of its growth: whoever throws a queue away needs less. */
static const double BRIEF_SHARE = 0.25;

/* Gone when the program ended, or before, as what is asked for at once and then done goes: or did it only
 * go down with the program, after it had grown for long? */
static bool is_worked_off(const hl_case *c, const hl_growth *g)
{
    if (!g->released)
        return false;
    if (!g->torn_down || g->intervals < LASTING_INTERVALS)
        return true;
    /* by both clocks: closing what has it is work as well */
    const hl_moment *a = &c->moments[g->onset], *b = &c->moments[g->anchor], *z = b + 1;
    double time = (double)(b->info.time_us - a->info.time_us);
    return z->work - b->work > BRIEF_SHARE * (b->work - a->work) &&
           (double)(z->info.time_us - b->info.time_us) > BRIEF_SHARE * time;
}

static bool is_sequence(const hl_case *c, hl_node v)
{
    return (c->snap->types[c->snap->type[v]].flags & HL_TYPE_LIST) ||
           hl_inherits(c, v, "collections.deque");
}

static bool is_queue(const hl_case *c, hl_node v)
{
    return hl_inherits(c, v, "queue.Queue") || hl_inherits(c, v, "asyncio.queues.Queue") ||
           hl_inherits(c, v, "multiprocessing.queues.Queue") ||
           hl_inherits(c, v, "_queue.SimpleQueue");
}

/* The queue that the holder is, or is the inside of. */
static hl_suspect outside(hl_case *c, const hl_suspect *s)
{
    hl_suspect shown = hl_seen_from_outside(c, s);
    hl_node up = c->graph->parent[s->holder];
    if (up == HL_NO_NODE || !hl_is_a(c, up, "_queue.SimpleQueue"))
        return shown;
    shown.holder = up; /* its list has no name of its own: ".*" */
    size_t n = strlen(shown.name);
    const char *name = n > 2 && !strcmp(shown.name + n - 2, ".*")
                           ? hl_arena_copy(c->arena, shown.name, n - 2)
                           : NULL;
    shown.name = name ? name : shown.name;
    return shown;
}

static bool tell(hl_case *c, const hl_suspect *s, const hl_uses *known, hl_filled filled,
                 bool queue)
{
    /* the consumer's work is no measure of the pace at which work comes in */
    hl_uses uses = *known;
    uses.by_clock = true;
    const hl_uses *u = &uses;
    hl_suspect shown = outside(c, s);
    hl_confidence confidence;
    if (is_worked_off(c, s->growth)) {
        char bytes[16];
        c->dismissed += s->growth->onset_bytes;
        hl_note_add(c, "backlog", "%s (%s) filled up to %s and was empty or gone at the end",
                    shown.name, hl_snap_type_name(c->snap, shown.holder),
                    hl_bytes_text(shown.retained_bytes, bytes));
        return true;
    }
    /* a queue is no result being built, whoever fills it */
    if (!hl_judge(c, s, u, queue ? hl_speaks(s, filled) : filled, &confidence))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_finding *f = hl_finding_about(c, &shown, "backlog", confidence);
    if (!f)
        return true;
    char count[32];
    f->title = hl_arena_printf(c->arena,
                               "%s (%s) gained %s waiting %s: work comes in faster than it is "
                               "taken out; it holds %s",
                               shown.name, hl_snap_type_name(c->snap, shown.holder),
                               hl_count_text(s->growth->units, count), f->series_unit,
                               hl_judge_holds(c, &shown));
    hl_finding_evidence(c, f,
                        queue ? "a queue: what is in it waits to be taken"
                              : "code takes entries from it, and not as many as come in");
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = queue
                 ? "give the queue a bound (maxsize=N), so that the producer waits, add consumers, "
                   "or drop what is too old to matter"
                 : "take out as much as comes in: stop or slow the producer at a length, add "
                   "consumers, or bound it (collections.deque(maxlen=N), queue.Queue(maxsize=N))";
    hl_finding_seal(c, f);
    return true;
}

/* Before the registries: work that waits is made of callables, too. */
static bool library_queue(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    return is_queue(c, outside(c, s).holder) && tell(c, s, u, filled, true);
}

/* Bytes are written in and cut off in front by who sends them: nobody removes a byte for what it is.
 * Who reads in more, and cuts off what was read before, is one and the same. */
static bool is_byte_queue(const hl_case *c, hl_node v, const hl_uses *u)
{
    return hl_inherits(c, v, "bytearray") && u->drained;
}

static bool backlog(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    bool taken =
        (is_sequence(c, s->holder) && (u->all & HL_USE_TAKE)) || is_byte_queue(c, s->holder, u);
    return taken && !u->evicts && tell(c, s, u, filled, false);
}

const hl_rule hl_rule_library_queue = {"backlog", library_queue};
const hl_rule hl_rule_backlog = {"backlog", backlog};
