/* diagnose/made.c: which lines made what a holder keeps, where allocations were followed.
 *
 * Room   diagnose; analyser process.
 * Takes  the anchor, a suspect.   Gives  allocated_at of its finding, and how old those blocks are.
 * Method What was made by each stack is told object by object; it is summed up by line over all that
 *        the holder dominates. The line of a stack is the innermost one of the program's own, which
 *        its developer knows and can change; what it called to make them (json/decoder.py:353) is
 *        told beside it. A line that has made next to nothing since the growth began has part in
 *        what is kept, and none in the growth: it is left out. */
#include "diagnose/made.h"
#include "base/words.h"
#include "diagnose/below.h"
#include "diagnose/sites.h"

#include <string.h>

enum {
    LINES_MOST = 5,
    FRAMES_MOST = 16,   /* before those of one line are put together */
    YOUNG_SHARE = 10,   /* one in so many of its blocks has come since the growth began */
    BYTES_SHARE = 100,  /* of all that is kept: less is not worth a line */
    SAMPLES_SHARE = 25, /* or, where these may be a single sample, which falls anywhere */
    SURVIVED_LEAST = 3,
    AGES_MOST = 1 << 20,
    CALLERS_TOLD = 2,
};

typedef struct line {
    hl_amount made;  /* of what the holder keeps */
    hl_amount live;  /* of all there is */
    hl_amount young; /* of those, since the growth began */
} line;

typedef struct makers {
    const hl_snap *s;
    uint32_t *told;  /* by stack: the frame whose line is told */
    hl_amount *made; /* by stack: of what the holder keeps */
    line *lines;     /* by frame, of those told */
} makers;

/* ---- which nodes ------------------------------------------------------------------------------
 */

static uint64_t worth(const hl_case *c, uint64_t bytes)
{
    bool sampled = c->snap->info.tracking.mode == HL_FOLLOWED_SAMPLED;
    return bytes / (sampled ? SAMPLES_SHARE : BYTES_SHARE);
}

enum { UNKNOWN, BELOW, ELSEWHERE };

/* The answers that are there, for all that hangs below. */
static void spread(const hl_case *c, uint8_t *is)
{
    for (hl_node v = 0; v < c->snap->nodes; v++) {
        hl_node top = v;
        while (top != HL_NO_NODE && is[top] == UNKNOWN)
            top = c->graph->idom[top];
        uint8_t answer = top == HL_NO_NODE ? ELSEWHERE : is[top];
        for (hl_node u = v; u != top; u = c->graph->idom[u])
            is[u] = answer;
    }
}

static uint8_t *all_unknown(hl_case *c)
{
    uint32_t n = c->snap->nodes;
    uint8_t *is = hl_arena_alloc(&c->scratch, n + 1);
    if (is)
        memset(is, UNKNOWN, n + 1);
    return is;
}

/* BELOW for what the holders dominate, themselves among it. */
static uint8_t *dominated(hl_case *c, const hl_suspect *s)
{
    uint8_t *is = all_unknown(c);
    hl_shape shape = hl_case_shape(c, s->holder);
    if (!is)
        return NULL;
    is[s->holder] = BELOW;
    for (hl_node v = 0; s->members > 1 && v < c->snap->nodes; v++)
        if (hl_case_shape(c, v) == shape && c->snap->type[v] == c->snap->type[s->holder])
            is[v] = BELOW;
    spread(c, is);
    return is;
}

/* ---- sums -------------------------------------------------------------------------------------
 */

static void add(hl_amount *to, hl_amount x)
{
    to->blocks += x.blocks;
    to->bytes += x.bytes;
}

/* Code of the program itself, in a file that can be opened; or code without one (`<string>`,
 * `<stdin>`), which is the program's where there is nothing else, and otherwise made by a library, as
 * the __init__ of a dataclass is. */
enum { OF_A_LIBRARY, WITHOUT_FILE, OF_THE_PROGRAM, ORIGINS };

static int origin(const char *file, hl_arena *scratch)
{
    const char *library = hl_file_library(file, scratch);
    if (!library || strcmp(library, "program"))
        return OF_A_LIBRARY;
    return *file == '<' ? WITHOUT_FILE : OF_THE_PROGRAM;
}

/* Callers are earlier stacks: what was found for them is there when it is asked for. */
static bool find_told(hl_case *c, uint32_t *told)
{
    const hl_snap *s = c->snap;
    uint32_t *nearest[ORIGINS] = {NULL};
    uint8_t *of = hl_arena_array(&c->scratch, s->n_frames, sizeof *of);
    for (int o = WITHOUT_FILE; o < ORIGINS; o++)
        nearest[o] = hl_arena_array(&c->scratch, s->n_stacks, sizeof *nearest[o]);
    bool had = of && nearest[WITHOUT_FILE] && nearest[OF_THE_PROGRAM];
    for (uint32_t f = 0; had && f < s->n_frames; f++)
        of[f] = (uint8_t)origin(s->names[s->frames[f].file], &c->scratch);
    for (uint32_t k = 0; had && k < s->n_stacks; k++) {
        const hl_snap_stack *x = &s->stacks[k];
        for (int o = WITHOUT_FILE; o < ORIGINS; o++)
            nearest[o][k] = of[x->frame] == o ? x->frame
                            : x->caller < k   ? nearest[o][x->caller]
                                              : 0;
        told[k] = nearest[OF_THE_PROGRAM][k] ? nearest[OF_THE_PROGRAM][k]
                  : nearest[WITHOUT_FILE][k] ? nearest[WITHOUT_FILE][k]
                                             : x->frame;
    }
    hl_arena_release(&c->scratch, nearest[OF_THE_PROGRAM]);
    hl_arena_release(&c->scratch, nearest[WITHOUT_FILE]);
    hl_arena_release(&c->scratch, of);
    return had;
}

static uint64_t sum_made(const makers *m, const uint8_t *is)
{
    const hl_snap *s = m->s;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < s->n_made; i++) {
        uint32_t stack = s->made[i].stack;
        if (is[s->made[i].node] != BELOW || !stack)
            continue;
        add(&m->made[stack], s->made[i].amount);
        add(&m->lines[m->told[stack]].made, s->made[i].amount);
        bytes += s->made[i].amount.bytes;
    }
    return bytes;
}

/* since: snapshots that had been taken when the growth began. */
static void sum_ages(const makers *m, uint32_t since)
{
    const hl_snap *s = m->s;
    for (uint32_t i = 0; i < s->n_ages; i++) {
        line *l = &m->lines[m->told[s->ages[i].stack]];
        add(&l->live, s->ages[i].live);
        if (s->ages[i].born > since)
            add(&l->young, s->ages[i].live);
    }
}

/* Of the frames in which blocks of one line were made the one with most bytes. */
static uint32_t innermost(hl_case *c, const makers *m, uint32_t told)
{
    const hl_snap *s = m->s;
    uint32_t most = told;
    uint64_t *bytes = hl_arena_array(&c->scratch, s->n_frames, sizeof *bytes);
    for (uint32_t k = 1; bytes && k < s->n_stacks; k++) {
        uint32_t f = s->stacks[k].frame;
        if (m->told[k] == told && m->made[k].bytes)
            bytes[f] += m->made[k].bytes;
        if (bytes[f] > bytes[most])
            most = f;
    }
    hl_arena_release(&c->scratch, bytes);
    return most;
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

static void tell_inside(hl_case *c, const makers *m, uint32_t told, hl_site *site)
{
    const hl_snap *s = m->s;
    uint32_t inside = innermost(c, m, told);
    const hl_snap_frame *at = &s->frames[inside];
    const char *file = s->names[at->file], *function = s->names[at->function];
    if (inside == told || origin(file, &c->scratch) == OF_THE_PROGRAM)
        return;
    site->inside.file = hl_arena_copy(c->arena, file, strlen(file));
    site->inside.function = hl_arena_copy(c->arena, function, strlen(function));
    site->inside.name = site->inside.file ? hl_file_name(site->inside.file) : NULL;
    site->inside.line = at->line;
}

/* A comprehension is a function of its own on a line that it shares: its name is the longer one. */
static void fill(hl_case *c, hl_finding *f, const makers *m, const uint32_t *best, uint32_t n)
{
    const hl_snap *s = c->snap;
    f->allocated_at = hl_arena_array(c->arena, LINES_MOST, sizeof *f->allocated_at);
    f->n_allocated_at = 0;
    for (uint32_t i = 0; f->allocated_at && i < n; i++) {
        const hl_snap_frame *at = &s->frames[best[i]];
        const char *file = s->names[at->file], *function = s->names[at->function];
        const hl_amount *made = &m->lines[best[i]].made;
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
            tell_inside(c, m, best[i], site);
            f->n_allocated_at++;
        } else if (strlen(function) < strlen(site->function)) {
            const char *shorter = hl_arena_copy(c->arena, function, strlen(function));
            site->function = shorter ? shorter : site->function;
        }
        site->objects += made->blocks;
        site->bytes += made->bytes;
    }
}

/* Samples of what a holder keeps may stand for more than it keeps, which is known from the walk:
 * then shares of that are the better estimate. */
static void scale_down(hl_finding *f, uint64_t bytes)
{
    double share = (double)f->retained.bytes / (double)bytes;
    for (uint32_t i = 0; share < 1 && i < f->n_allocated_at; i++) {
        hl_site *site = &f->allocated_at[i];
        if (site->estimated) {
            site->objects = (uint64_t)(share * (double)site->objects);
            site->bytes = (uint64_t)(share * (double)site->bytes);
        }
    }
}

/* ---- ages -------------------------------------------------------------------------------------
 */

/* How many snapshots the older half of a line's blocks has survived, and how many those are. */
static uint32_t survived(hl_case *c, const makers *m, const hl_site *site, uint64_t *blocks)
{
    const hl_snap *s = c->snap;
    uint32_t taken = s->info.tracking.taken < AGES_MOST ? s->info.tracking.taken : AGES_MOST;
    uint64_t all = 0, *of_age = hl_arena_array(&c->scratch, taken + 1, sizeof *of_age);
    for (uint32_t i = 0; of_age && i < s->n_ages; i++) {
        const hl_snap_age *x = &s->ages[i];
        const hl_snap_frame *f = &s->frames[m->told[x->stack]];
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

static void tell_age(hl_case *c, const makers *m, hl_finding *f)
{
    const hl_site *first = f->allocated_at;
    uint64_t blocks;
    char count[32];
    uint32_t age = f->n_allocated_at ? survived(c, m, first, &blocks) : 0;
    if (age < SURVIVED_LEAST)
        return;
    if (first->estimated) /* how many is not sure: one small block stands for thousands */
        hl_finding_evidence(c, f, "most of what was made at %s:%u has survived %u snapshots",
                            hl_file_name(first->file), first->line, age);
    else
        hl_finding_evidence(c, f, "%s blocks made at %s:%u have survived %u snapshots",
                            hl_count_text(blocks, count), hl_file_name(first->file), first->line,
                            age);
}

/* ---- what is told -----------------------------------------------------------------------------
 */

/* False: there is no memory. To be ended in any case. */
static bool makers_begin(hl_case *c, makers *m)
{
    const hl_snap *snap = c->snap;
    *m = (makers){snap, hl_arena_array(&c->scratch, snap->n_stacks, sizeof *m->told),
                  hl_arena_array(&c->scratch, snap->n_stacks, sizeof *m->made),
                  hl_arena_array(&c->scratch, snap->n_frames, sizeof *m->lines)};
    return m->told && m->made && m->lines;
}

static void makers_end(hl_case *c, makers *m)
{
    hl_arena_release(&c->scratch, m->lines);
    hl_arena_release(&c->scratch, m->made);
    hl_arena_release(&c->scratch, m->told);
}

void hl_finding_made(hl_case *c, hl_finding *f, const hl_suspect *s)
{
    const hl_snap *snap = c->snap;
    if (!snap->n_made)
        return;
    makers m;
    bool begun = makers_begin(c, &m);
    uint8_t *is = dominated(c, s);
    uint32_t best[FRAMES_MOST];
    bool had = begun && is && find_told(c, m.told);
    uint64_t bytes = had ? sum_made(&m, is) : 0;
    /* most of it has other holders, too: then all that is below, whoever else has it */
    bool mostly_shared = s->growth && s->growth->bytes / 2 > s->retained_bytes;
    uint8_t *shared = had && (!bytes || mostly_shared) ? hl_below_mark(c, s->holder) : NULL;
    if (shared) {
        memset(m.lines, 0, snap->n_frames * sizeof *m.lines);
        memset(m.made, 0, snap->n_stacks * sizeof *m.made);
        bytes = sum_made(&m, shared);
    }
    if (bytes) {
        sum_ages(&m, s->growth ? c->moments[s->growth->onset].info.tracking.taken : 0);
        fill(c, f, &m, best, best_of(m.lines, snap->n_frames, worth(c, bytes), best));
        if (!shared)
            scale_down(f, bytes);
        tell_age(c, &m, f);
    }
    hl_arena_release(&c->scratch, shared);
    hl_arena_release(&c->scratch, is);
    makers_end(c, &m);
}

void hl_finding_made_of(hl_case *c, hl_finding *f, const hl_node *members, uint32_t n,
                        uint32_t since)
{
    const hl_snap *snap = c->snap;
    if (!snap->n_made)
        return;
    makers m;
    bool begun = makers_begin(c, &m);
    uint8_t *is = all_unknown(c);
    uint32_t best[FRAMES_MOST];
    if (begun && is && find_told(c, m.told)) {
        for (uint32_t i = 0; i < n; i++)
            is[members[i]] = BELOW;
        spread(c, is);
        uint64_t bytes = sum_made(&m, is);
        sum_ages(&m, c->moments[since].info.tracking.taken);
        fill(c, f, &m, best, best_of(m.lines, snap->n_frames, worth(c, bytes), best));
    }
    hl_arena_release(&c->scratch, is);
    makers_end(c, &m);
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
