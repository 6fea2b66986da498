/* diagnose/thread_local.c: what a thread keeps for itself lives as long as the thread.
 *
 * Room   diagnose; a rule (R10).
 * Signs  the chain to the holder passes a thread-local's dict of dicts; or that dict itself grows,
 *        one entry a thread. Shows  the attribute, and how many threads have one.
 * Guards what a thread's value leads to by many steps, and others have too. */
#include "diagnose/below.h"
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <string.h>

static bool is_dict_link(const hl_case *c, hl_label l)
{
    return hl_label_kind(l) == HL_LABEL_NAMED &&
           !strcmp(c->snap->names[hl_label_value(l)], "__dict__");
}

/* The thread-local's dict of the threads' dicts above v, or v itself; NO_NODE: none. Only there
 * does one __dict__ lead to another. */
static hl_node dicts_above(const hl_case *c, hl_node v)
{
    const hl_graph *g = c->graph;
    for (; v != HL_NO_NODE && g->parent[v] != HL_NO_NODE; v = g->parent[v]) {
        if (hl_label_kind(g->via[v]) == HL_LABEL_LOCAL)
            break; /* a call has it; that asyncio finds its loop through a thread-local is no reason
                    */
        if (hl_attribute(g, g->parent[v], "_scheduled") != HL_NO_NODE)
            break; /* an event loop has it */
        if (is_dict_link(c, g->via[v]) && g->parent[g->parent[v]] != HL_NO_NODE &&
            is_dict_link(c, g->via[g->parent[v]]))
            return g->parent[v];
    }
    return HL_NO_NODE;
}

/* Its thread's end would not let it go: others have it, and it is far from what the thread put there. */
static bool is_shared(const hl_case *c, hl_node dicts, hl_node v)
{
    enum { OWN_LINKS = 6 };
    uint32_t links = 0;
    for (hl_node u = v; u != dicts; u = c->graph->parent[u])
        links++;
    return links > OWN_LINKS && !hl_dominates(c, dicts, v);
}

/* The name of the attribute on the chain from the dicts down to v. */
static const char *attribute_of(const hl_case *c, hl_node dicts, hl_node v)
{
    const hl_graph *g = c->graph;
    for (; v != HL_NO_NODE && v != dicts; v = g->parent[v])
        if (g->parent[v] != HL_NO_NODE && g->parent[g->parent[v]] == dicts &&
            hl_label_kind(g->via[v]) == HL_LABEL_KEY)
            return c->snap->names[hl_label_value(g->via[v])];
    return NULL;
}

static uint32_t threads_with(const hl_case *c, hl_node dicts, const char *attribute)
{
    const hl_snap *s = c->snap;
    uint32_t n = 0;
    for (uint32_t e = s->off[dicts]; e < s->off[dicts + 1]; e++)
        if (is_dict_link(c, s->label[e]))
            n += hl_graph_follow(c->graph, s->dst[e], HL_LABEL_KEY, attribute) != HL_NO_NODE;
    return n;
}

/* The same attribute of another thread, told already: one finding, for all threads. */
static bool joins(hl_case *c, const hl_suspect *s, const char *name)
{
    for (uint32_t i = 0; i < c->out->n_findings; i++) {
        hl_finding *f = &c->out->findings[i];
        if (strcmp(f->cause, "thread-local") != 0 || strcmp(f->holder.name, name) != 0 ||
            f->holder.address == hl_snap_address(c->snap, s->holder))
            continue;
        f->retained.bytes += s->retained_bytes;
        f->retained.objects += s->retained_objects;
        f->growth.bytes += s->growth->bytes;
        f->growth.since_bytes += s->growth->onset_bytes;
        f->growth.objects += s->growth->units;
        return true;
    }
    return false;
}

/* A thread-local that only a thread's arguments lead to is known by the thread's local. */
static const char *name_of(hl_case *c, hl_node dicts, const hl_suspect *s)
{
    const hl_graph *g = c->graph;
    hl_node local = g->parent[dicts];
    char base[240];
    hl_path_name(g, local, base, sizeof base);
    size_t n = strlen(base);
    if (strncmp(base, "threading.", 10) != 0 || strncmp(s->name, base, n) != 0)
        return s->name;
    hl_node frame;
    for (hl_holders h = hl_graph_holders(g, local); hl_holders_next(&h, &frame);) {
        hl_label l = hl_graph_label(g, frame, local);
        hl_node code = hl_graph_follow(g, frame, HL_LABEL_NAMED, "f_code");
        if (l != UINT32_MAX && hl_label_kind(l) == HL_LABEL_LOCAL && code != HL_NO_NODE)
            return hl_arena_printf(c->arena, "%s() local %s%s", hl_code_name(c, code),
                                   c->snap->names[hl_label_value(l)], s->name + n);
    }
    return s->name;
}

static bool thread_local_rule(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    hl_node dicts = dicts_above(c, s->holder);
    if (dicts == HL_NO_NODE || is_shared(c, dicts, s->holder))
        return false;
    hl_confidence confidence;
    const char *name = name_of(c, dicts, s);
    size_t end = strlen(name);
    if (s->members > 1 && end > 3 && !strcmp(name + end - 3, "[*]"))
        name = hl_arena_copy(c->arena, name, end - 3); /* many in one: the one is meant */
    /* what is put there is meant for later calls: nobody builds a result in a thread-local */
    hl_filled many = filled == HL_FILLED_UNKNOWN ? HL_FILLED_BY_MANY : filled;
    if (!hl_judge(c, s, u, many, &confidence) || joins(c, s, name))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_suspect shown = *s;
    shown.name = name_of(c, dicts, s);
    hl_finding *f = hl_finding_add(c, "thread-local", confidence);
    if (!f)
        return true;
    hl_finding_holder(c, f, &shown);
    f->holder.name = name;
    f->holder.kind = "thread-local";
    hl_finding_growth(c, f, s->growth);
    f->title = hl_judge_title(c, &shown, "loses none");
    const char *attribute = attribute_of(c, dicts, s->holder);
    if (attribute) {
        uint32_t n = threads_with(c, dicts, attribute);
        hl_finding_evidence(
            c, f,
            "`%s` is an attribute of a threading.local: each thread has its own, as "
            "long as it lives; %u %s one now",
            attribute, n, n == 1 ? "thread has" : "threads have");
    }
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = hl_arena_printf(
        c->arena,
        "the main thread and the threads of a pool live to the end, and so does what they put into "
        "a thread-local: empty%s%s%s at the end of each piece of work (try/finally), give it a "
        "bound, or pass the data as an argument",
        attribute ? " `" : " it", attribute ? attribute : "", attribute ? "`" : "");
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_thread_local = {"thread-local", thread_local_rule};
