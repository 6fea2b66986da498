/* diagnose/judge_words.c: what all growth rules say of a growth: its title, its evidence.
 *
 * Room   diagnose; analyser process. */
#include "diagnose/judge.h"
#include "diagnose/keys.h"

#include <stdio.h>
#include <string.h>

enum { AGED = 3 }; /* snapshots that make an entry old */

/* What its users call it. */
static const char *type_words(const hl_case *c, hl_node v)
{
    const char *type = hl_snap_type_name(c->snap, v);
    return strcmp(type, "functools._lru_cache_wrapper") != 0 ? type : "lru_cache";
}

const char *hl_growth_unit(const hl_case *c, const hl_growth *g, hl_node holder)
{
    bool text = !strcmp(hl_snap_type_name(c->snap, holder), "bytearray");
    return g->metric == HL_METRIC_BYTES || (g->metric == HL_METRIC_ITEMS && text) ? "bytes"
           : g->metric == HL_METRIC_ITEMS                                         ? "entries"
                                                                                  : "objects";
}

const char *hl_judge_holds(hl_case *c, const hl_suspect *s)
{
    char all[16], alone[16];
    uint64_t gained = s->growth->bytes;
    hl_bytes_text(s->retained_bytes, alone);
    if (s->growth->native_bytes)
        return hl_arena_printf(c->arena, "%s, and with it some %s of memory that C code asked for",
                               alone, hl_bytes_text(s->growth->native_bytes, all));
    if (gained / 2 <= s->retained_bytes)
        return hl_arena_copy(c->arena, alone, strlen(alone));
    return hl_arena_printf(c->arena, "%s, %s of it alone", hl_bytes_text(gained, all), alone);
}

const char *hl_judge_title(hl_case *c, const hl_suspect *s, const char *and)
{
    const hl_growth *g = s->growth;
    char count[32], members[32], gained[16];
    const char *type = type_words(c, s->holder);
    const char *holds = hl_judge_holds(c, s);
    const char *unit = hl_growth_unit(c, g, s->holder);
    bool sized = !strcmp(unit, "bytes");
    const char *gain =
        sized ? hl_bytes_text(g->units, gained)
              : hl_arena_printf(c->arena, "%s %s", hl_count_text(g->units, count), unit);
    if (s->members > 1) {
        /* "loses none", of several: "lose none" */
        size_t verb = strcspn(and, " ");
        int stem = (int)(verb && and[verb - 1] == 's' ? verb - 1 : verb);
        return hl_arena_printf(c->arena, "%s %ss at %s together %s %s and %.*s%s; they hold %s",
                               hl_count_text(s->members, members), type, s->name,
                               sized ? "grew by" : "gained", gain, stem, and, and+verb, holds);
    }
    return hl_arena_printf(c->arena, "%s (%s) %s %s and %s; it holds %s", s->name, type,
                           sized ? "grew by" : "gained", gain, sized ? "never shrank" : and, holds);
}

static bool fell(const hl_growth *g)
{
    for (uint32_t i = 0; i < g->anchor; i++)
        if (g->series[i] > g->series[i + 1])
            return true;
    return false;
}

const char *hl_judge_loses(const hl_suspect *s)
{
    return fell(s->growth) ? "loses fewer" : "never shrank";
}

const char *hl_judge_fix(hl_case *c, const hl_uses *u, const char *fix)
{
    return u->off ? hl_arena_printf(c->arena,
                                    "set the limit its code minds, `%s`, which is switched off",
                                    u->off)
                  : fix;
}

void hl_judge_evidence(hl_case *c, hl_finding *f, const hl_suspect *s, const hl_uses *u,
                       hl_filled filled)
{
    const hl_growth *g = s->growth;
    char text[256] = "", count[32];
    size_t n = 0;
    bool sized = !strcmp(hl_growth_unit(c, g, s->holder), "bytes");
    uint32_t step = c->n_moments > 8 ? (c->n_moments + 7) / 8 : 1;
    for (uint32_t i = 0; i <= g->anchor && n < sizeof text - 32; i++)
        if (i == g->anchor || i % step == 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " -> " : "",
                                  sized ? hl_bytes_text(g->series[i], count)
                                        : hl_count_text(g->series[i], count));
    const char *what = sized ? "size" : g->metric == HL_METRIC_OBJECTS ? "objects" : "len";
    hl_finding_evidence(c, f, "%s %s%s", what, text, fell(g) ? "" : ", never shrank");
    const char *keys = hl_keys_text(c->snap, s->holder, c->arena);
    if (keys && strcmp(keys, "mixed") != 0 && strncmp(keys, "weakref.", 8) != 0)
        hl_finding_evidence(
            c, f, "%s: %s",
            c->snap->types[c->snap->type[s->holder]].flags & HL_TYPE_DICT ? "keys" : "entries",
            keys);
    for (uint32_t i = 0; i < u->n_stores && !f->library; i++) {
        hl_node code = hl_snap_find_address(c->snap, u->stores[i]);
        const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(c->snap, code);
        /* who writes `c[k] = v` fills it, whoever made a container of that kind */
        if (row && strcmp(c->snap->names[row->name], "__setitem__") != 0)
            f->library = hl_code_package(c, code);
    }
    if (u->storer)
        hl_finding_evidence(c, f, "filled by %s%s", u->storer,
                            filled == HL_FILLED_BY_MANY ? ", in many calls"
                            : filled == HL_FILLED_BY_ONE_CALL && !g->exact
                                ? hl_calls_running(c, g->anchor, u) ? ", in one call still running"
                                                                    : ", in one call"
                                : "");
    if (u->idle && !u->off) {
        f->idle = u->idle;
        hl_finding_evidence(c, f, "%s takes out of it, and was never called", u->idle);
    }
    if (u->by_reading)
        hl_finding_evidence(c, f, "a defaultdict: to ask for a key that is missing puts it in");
    if (u->off)
        hl_finding_evidence(c, f, "the limit its code minds, `%s`, is switched off", u->off);
    if (u->passed)
        hl_finding_evidence(c, f, "its length is compared with `%s`, and goes on far beyond it",
                            u->passed);
    if (g->exact)
        hl_finding_evidence(c, f, "rose by at least one in every round");
    uint32_t looks = 0; /* that the oldest entries have seen since */
    for (uint32_t i = 0; i < g->anchor; i++)
        looks += g->series[i] > 0;
    if (!fell(g) && looks >= AGED && g->metric == HL_METRIC_ITEMS && !sized &&
        !(u->all & HL_USE_REMOVE))
        hl_finding_evidence(c, f, "its oldest entries have survived %u snapshots", looks);
    if (hl_judge_slows(c, s, u))
        hl_finding_evidence(c, f, "its growth is slowing down: it may be filling up");
    if (u->reader)
        hl_finding_evidence(c, f, "%s reads all of it when it is done: it may be a result",
                            u->reader);
    if (u->unread)
        hl_finding_evidence(c, f, "there is no code that reads it, or gives it to any that might");
    if (u->guard)
        hl_finding_evidence(
            c, f, "%s compares its length and takes entries out: it may not be full yet", u->guard);
    if (u->sweeper && !u->guard && !hl_judge_known_to_keep(c, s))
        hl_finding_evidence(c, f, "%s looks for entries to take out: their time may not be up yet",
                            u->sweeper);
    if (u->back)
        hl_finding_evidence(c, f,
                            "the call that puts an entry in also takes it out again: here that was "
                            "skipped");
    if (u->evicts)
        hl_finding_evidence(c, f, "code that fills it also removes entries");
    if (g->released)
        hl_finding_evidence(c, f, "%s",
                            g->torn_down ? "let go only at the very end, when the program was over"
                            : !strcmp(s->kind, "thread-local") ? "gone when its thread ended"
                                                               : "gone when its function returned");
}
