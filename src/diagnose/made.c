/* diagnose/made.c: which lines made what a holder keeps, where allocations were followed.
 *
 * Room   diagnose; analyser process.
 * Takes  the anchor, a suspect.   Gives  allocated_at of its finding, and how old those blocks are.
 * Method What was made by each stack is told object by object; it is summed up by line over all that
 *        the holder dominates. A line that has made next to nothing since the growth began has part in
 *        what is kept, and none in the growth: it is left out. */
#include "diagnose/made.h"
#include "base/words.h"
#include "diagnose/below.h"
#include "diagnose/sites.h"

#include <string.h>

enum {
    LINES_MOST = 5,
    FRAMES_MOST = 16,  /* before those of one line are put together */
    YOUNG_SHARE = 10,  /* one in so many of its blocks has come since the growth began */
    BYTES_SHARE = 100, /* of all that is kept: less is not worth a line */
    SURVIVED_LEAST = 3,
    AGES_MOST = 1 << 20,
    CALLERS_TOLD = 2,
};

typedef struct line {
    hl_amount made;  /* of what the holder keeps */
    hl_amount live;  /* of all there is */
    hl_amount young; /* of those, since the growth began */
} line;

/* ---- which nodes ------------------------------------------------------------------------------
 */

enum { UNKNOWN, BELOW, ELSEWHERE };

/* BELOW for what the holders dominate, themselves among it. */
static uint8_t *dominated(hl_case *c, const hl_suspect *s)
{
    uint32_t n = c->snap->nodes;
    uint8_t *is = hl_arena_alloc(&c->scratch, n + 1);
    hl_shape shape = hl_case_shape(c, s->holder);
    if (!is)
        return NULL;
    memset(is, UNKNOWN, n + 1);
    is[s->holder] = BELOW;
    for (hl_node v = 0; s->members > 1 && v < n; v++)
        if (hl_case_shape(c, v) == shape && c->snap->type[v] == c->snap->type[s->holder])
            is[v] = BELOW;
    for (hl_node v = 0; v < n; v++) {
        hl_node top = v;
        while (top != HL_NO_NODE && is[top] == UNKNOWN)
            top = c->graph->idom[top];
        uint8_t answer = top == HL_NO_NODE ? ELSEWHERE : is[top];
        for (hl_node u = v; u != top; u = c->graph->idom[u])
            is[u] = answer;
    }
    return is;
}

/* ---- sums -------------------------------------------------------------------------------------
 */

static void add(hl_amount *to, hl_amount x)
{
    to->blocks += x.blocks;
    to->bytes += x.bytes;
}

static uint64_t sum_made(const hl_snap *s, const uint8_t *is, line *lines)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < s->n_made; i++)
        if (is[s->made[i].node] == BELOW && s->made[i].stack) {
            add(&lines[s->stacks[s->made[i].stack].frame].made, s->made[i].amount);
            bytes += s->made[i].amount.bytes;
        }
    return bytes;
}

/* since: snapshots that had been taken when the growth began. */
static void sum_ages(const hl_snap *s, uint32_t since, line *lines)
{
    for (uint32_t i = 0; i < s->n_ages; i++) {
        line *l = &lines[s->stacks[s->ages[i].stack].frame];
        add(&l->live, s->ages[i].live);
        if (s->ages[i].born > since)
            add(&l->young, s->ages[i].live);
    }
}

static bool has_grown(const line *l)
{
    return !l->live.blocks || YOUNG_SHARE * l->young.blocks >= l->live.blocks;
}

/* The frames with most bytes, most first. */
static uint32_t best_of(const line *lines, uint32_t n, uint64_t least, uint32_t out[FRAMES_MOST])
{
    uint32_t found = 0;
    for (uint32_t f = 1; f < n; f++) {
        if (!lines[f].made.blocks || lines[f].made.bytes < least || !has_grown(&lines[f]))
            continue;
        uint32_t at = found < FRAMES_MOST ? found++ : FRAMES_MOST;
        while (at && lines[out[at - 1]].made.bytes < lines[f].made.bytes) {
            if (at < FRAMES_MOST)
                out[at] = out[at - 1];
            at--;
        }
        if (at < FRAMES_MOST)
            out[at] = f;
    }
    return found;
}

/* A comprehension is a function of its own on a line that it shares: its name is the longer one. */
static void fill(hl_case *c, hl_finding *f, const line *lines, const uint32_t *best, uint32_t n)
{
    const hl_snap *s = c->snap;
    f->allocated_at = hl_arena_array(c->arena, LINES_MOST, sizeof *f->allocated_at);
    f->n_allocated_at = 0;
    for (uint32_t i = 0; f->allocated_at && i < n; i++) {
        const hl_snap_frame *at = &s->frames[best[i]];
        const char *file = s->names[at->file], *function = s->names[at->function];
        const hl_amount *made = &lines[best[i]].made;
        hl_site *site = f->allocated_at, *end = site + f->n_allocated_at;
        while (site < end && (site->line != at->line || strcmp(site->file, file) != 0))
            site++;
        if (site == f->allocated_at + LINES_MOST)
            continue;
        if (site == end) {
            *site = (hl_site){.file = hl_arena_copy(c->arena, file, strlen(file)),
                              .function = hl_arena_copy(c->arena, function, strlen(function)),
                              .line = at->line,
                              .estimated = s->info.tracking.mode == HL_FOLLOWED_SAMPLED};
            site->name = site->file ? hl_file_name(site->file) : NULL;
            if (!site->file || !site->function)
                return;
            f->n_allocated_at++;
        } else if (strlen(function) < strlen(site->function)) {
            const char *shorter = hl_arena_copy(c->arena, function, strlen(function));
            site->function = shorter ? shorter : site->function;
        }
        site->objects += made->blocks;
        site->bytes += made->bytes;
    }
}

/* ---- ages -------------------------------------------------------------------------------------
 */

/* How many snapshots the older half of a line's blocks has survived, and how many those are. */
static uint32_t survived(hl_case *c, const hl_site *site, uint64_t *blocks)
{
    const hl_snap *s = c->snap;
    uint32_t taken = s->info.tracking.taken < AGES_MOST ? s->info.tracking.taken : AGES_MOST;
    uint64_t all = 0, *of_age = hl_arena_array(&c->scratch, taken + 1, sizeof *of_age);
    for (uint32_t i = 0; of_age && i < s->n_ages; i++) {
        const hl_snap_age *x = &s->ages[i];
        const hl_snap_frame *f = &s->frames[s->stacks[x->stack].frame];
        if (f->line != site->line || strcmp(s->names[f->file], site->file) != 0)
            continue;
        of_age[x->born < taken ? taken - x->born : 0] += x->live.blocks;
        all += x->live.blocks;
    }
    *blocks = 0;
    for (uint32_t age = taken; of_age && all && age > 0; age--) {
        *blocks += of_age[age];
        if (2 * *blocks >= all)
            return age;
    }
    return 0;
}

static void tell_age(hl_case *c, hl_finding *f)
{
    const hl_site *first = f->allocated_at;
    uint64_t blocks;
    char count[32];
    uint32_t age = f->n_allocated_at ? survived(c, first, &blocks) : 0;
    if (age >= SURVIVED_LEAST)
        hl_finding_evidence(c, f, "%s blocks made at %s:%u have survived %u snapshots",
                            hl_count_text(blocks, count), hl_file_name(first->file), first->line,
                            age);
}

/* ---- what is told -----------------------------------------------------------------------------
 */

void hl_finding_made(hl_case *c, hl_finding *f, const hl_suspect *s)
{
    const hl_snap *snap = c->snap;
    if (!snap->n_made)
        return;
    line *lines = hl_arena_array(&c->scratch, snap->n_frames, sizeof *lines);
    uint8_t *is = dominated(c, s);
    uint32_t best[FRAMES_MOST];
    uint64_t bytes = lines && is ? sum_made(snap, is, lines) : 0;
    uint8_t *shared = lines && is && !bytes ? hl_below_mark(c, s->holder) : NULL;
    if (shared)
        bytes = sum_made(snap, shared, lines);
    if (bytes) {
        sum_ages(snap, s->growth ? c->moments[s->growth->onset].info.tracking.taken : 0, lines);
        fill(c, f, lines, best, best_of(lines, snap->n_frames, bytes / BYTES_SHARE, best));
        tell_age(c, f);
    }
    hl_arena_release(&c->scratch, shared);
    hl_arena_release(&c->scratch, is);
    hl_arena_release(&c->scratch, lines);
}

const char *hl_made_text(const hl_snap *s, hl_node v, hl_arena *arena)
{
    uint32_t first, n = hl_snap_made_of(s, v, &first), stack = 0;
    uint64_t most = 0;
    for (uint32_t i = first; i < first + n; i++)
        if (!s->made[i].leaf && s->made[i].stack && s->made[i].amount.bytes >= most) {
            stack = s->made[i].stack;
            most = s->made[i].amount.bytes;
        }
    const char *text = stack ? hl_frame_label(s, s->stacks[stack].frame, arena) : NULL;
    for (int i = 0; text && i < CALLERS_TOLD && (stack = s->stacks[stack].caller); i++) {
        const char *caller = hl_frame_label(s, s->stacks[stack].frame, arena);
        text = caller ? hl_arena_printf(arena, "%s < %s", text, caller) : NULL;
    }
    return text;
}
