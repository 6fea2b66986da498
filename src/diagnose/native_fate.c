/* diagnose/native_fate.c: what leads to the blocks or objects of a finding: nothing, or who.
 *
 * Room   diagnose; over snapshots in which it was asked (src/inside/mark.h).
 * Takes  holders as they were recorded.   Gives  the reach of a finding; what is lost of small blocks.
 * Signs  a word anywhere in the program's memory that leads to a block keeps it, be it there by chance: so
 *        a few of what is lost may seem to be kept, and none of what is kept seems lost but what is kept
 *        in memory shared with others, or in no plain pointer. */
#include "diagnose/native_fate.h"

#include "base/words.h"
#include "diagnose/native_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOST_TOLD = 8,
    MOSTLY = 10,     /* one in so many may be another */
    HIDDEN_SHARE = 4 /* at one look in so many most of what is lost may seem held */
};

static const char LOST_OBJECT_FIX[] =
    "in the C code called there, or in a newer release of its package: each new reference "
    "(PyBytes_FromString, PyUnicode_FromFormat, "
    "PyLong_FromLong, Py_BuildValue ...) needs one Py_DECREF on every way out, error paths first";
static const char LOST_MEMORY_FIX[] =
    "in the C code called there each PyMem_Malloc, PyObject_Malloc or PyMem_Realloc needs its "
    "PyMem_Free or PyObject_Free on every way out, error paths first";

/* ---- holders ------------------------------------------------------------------------------------ */

static void name_data(hl_case *c, const hl_snap *s, const hl_snap_hold_by *by, hl_symbols *symbols,
                      hl_held_by *out)
{
    const hl_snap_module *m = &s->modules[by->which];
    const char *path = s->names[m->path], *module = hl_module_name(path);
    out->kind = "library-data";
    out->library = *path ? hl_arena_copy(c->arena, path, strlen(path)) : NULL;
    out->symbol =
        symbols ? hl_symbols_variable(symbols, path, s->names[m->id], by->at, c->arena) : NULL;
    out->label = out->symbol
                     ? hl_arena_printf(c->arena, "the variable `%s` of %s", out->symbol, module)
                     : hl_arena_printf(c->arena, "a variable of %s, at 0x%llx",
                                       *module ? module : "a library", (unsigned long long)by->at);
}

static void name_block(hl_case *c, const hl_snap *s, const hl_snap_hold_by *by, hl_symbols *symbols,
                       hl_held_by *out)
{
    hl_symbol named = {.line = 0};
    uint32_t asker = hl_native_asker(s, by->which);
    const char *path = asker ? s->names[s->modules[s->natives[asker].module].path] : "";
    const char *where = asker ? hl_native_label(s, asker, symbols, c->arena, &named) : NULL;
    out->kind = "native-block";
    out->library = *path ? hl_arena_copy(c->arena, path, strlen(path)) : NULL;
    out->symbol = named.function;
    out->label = hl_arena_printf(c->arena, "a block allocated in %s", where ? where : "C code");
}

void hl_fate_add(hl_case *c, hl_finding *f, const hl_snap *s, const hl_snap_hold *hold,
                 hl_symbols *symbols)
{
    const hl_snap_hold_by *by = &hold->by;
    hl_held_by *all = f->reach.by;
    if (!all)
        all = f->reach.by = hl_arena_array(c->arena, HL_HELD_BY_TOLD, sizeof *all);
    if (!all || f->reach.n_by == HL_HELD_BY_TOLD)
        return;
    hl_held_by *out = &all[f->reach.n_by++];
    *out = (hl_held_by){.kind = "other",
                        .label = "memory of which nothing is known",
                        .blocks = hold->amount.blocks,
                        .bytes = hold->amount.bytes};
    if (by->kind == HL_HOLD_DATA) {
        name_data(c, s, by, symbols, out);
    } else if (by->kind == HL_HOLD_BLOCK) {
        name_block(c, s, by, symbols, out);
    } else if (by->kind == HL_HOLD_OBJECT) {
        out->kind = "object";
        const char *type = by->which ? s->names[s->types[by->which - 1].name] : NULL;
        out->type = type ? hl_arena_copy(c->arena, type, strlen(type)) : NULL;
        out->label =
            type ? hl_arena_printf(c->arena, "objects of type %s", type) : "memory of Python's";
    } else if (by->kind == HL_HOLD_STACK) {
        out->kind = "stack";
        out->label = "the stack of a thread";
    }
}

void hl_fate_settle(hl_finding *f, uint64_t lost, uint64_t kept)
{
    f->reach.lost = lost;
    f->reach.kept = kept;
    f->reach.state = MOSTLY * kept <= lost + kept   ? "lost"
                     : MOSTLY * lost <= lost + kept ? "kept"
                                                    : "partly";
}

const char *hl_fate_holds(hl_case *c, const hl_held_by *by)
{
    return hl_arena_printf(c->arena, "%s %s", by->label,
                           strcmp(by->kind, "object") ? "holds" : "hold");
}

/* ---- objects ------------------------------------------------------------------------------------ */

static bool is_nobodys(const hl_snap *s, hl_node v)
{
    uint32_t lo = 0, hi = s->n_nobodys;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->nobodys[mid] < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n_nobodys && s->nobodys[lo] == v;
}

/* The first word that leads to it; NULL: none does. */
static const hl_snap_held *held(const hl_snap *s, hl_node v)
{
    uint32_t lo = 0, hi = s->n_helds;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->helds[mid].node < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n_helds && s->helds[lo].node == v ? &s->helds[lo] : NULL;
}

static int by_most(const void *a, const void *b)
{
    const hl_held_by *x = a, *y = b;
    return (x->blocks < y->blocks) - (x->blocks > y->blocks);
}

/* Places of one variable are one holder. */
static void count_holder(hl_case *c, hl_finding *f, const hl_snap_held *h, hl_symbols *symbols)
{
    uint32_t n = f->reach.n_by;
    hl_snap_hold hold = {.by = h->by, .amount = {1, 0}};
    hl_fate_add(c, f, c->snap, &hold, symbols);
    for (uint32_t i = 0; i < n && f->reach.n_by > n; i++) {
        const char *label = f->reach.by[i].label, *new = f->reach.by[n].label;
        if (label && new && !strcmp(label, new)) {
            f->reach.by[i].blocks++;
            f->reach.n_by = n;
        }
    }
}

void hl_fate_of_nodes(hl_case *c, hl_finding *f, const hl_node *members, uint32_t n)
{
    enum { NAMED_MOST = 2000 };
    uint64_t lost = 0, kept = 0;
    const hl_snap *s = c->snap;
    if (!s->info.tracking.mark)
        return;
    hl_symbols *symbols = s->n_helds ? hl_symbols_create() : NULL;
    for (uint32_t i = 0; i < n; i++) {
        const hl_snap_held *h = held(s, members[i]);
        lost += is_nobodys(s, members[i]);
        kept += h != NULL;
        if (h && kept <= NAMED_MOST)
            count_holder(c, f, h, symbols);
    }
    hl_symbols_destroy(symbols);
    if (f->reach.n_by)
        qsort(f->reach.by, f->reach.n_by, sizeof *f->reach.by, by_most);
    if (lost || kept)
        hl_fate_settle(f, lost, kept);
}

/* ---- small blocks that are lost ----------------------------------------------------------------- */

typedef struct lost_row { /* of one type, made by one line; of a snapshot */
    uint64_t key;
    hl_amount amount;
    uint32_t stack, type1;
} lost_row;

typedef struct lost_moment {
    lost_row *rows; /* sorted by key */
    uint32_t n;
} lost_moment;

static uint64_t with_text(uint64_t h, const char *text)
{
    for (const char *p = text; *p; p++) /* FNV-1a */
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    return (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static uint64_t key_of(const hl_snap *s, const hl_snap_lost *x)
{
    const hl_snap_frame *f = &s->frames[s->stacks[x->stack].frame];
    uint64_t h = with_text(UINT64_C(0xcbf29ce484222325),
                           x->type1 ? s->names[s->types[x->type1 - 1].name] : "");
    h = with_text(h, s->names[f->file]);
    return with_text(h, s->names[f->function]) ^ f->line;
}

static int by_key(const void *a, const void *b)
{
    const lost_row *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static hl_status read_moment(const hl_snap *s, hl_arena *arena, lost_moment *out, hl_err *err)
{
    lost_row *rows = hl_arena_array(arena, s->n_lost_sites + 1, sizeof *rows);
    if (!rows)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u stacks", s->n_lost_sites);
    for (uint32_t i = 0; i < s->n_lost_sites; i++) {
        const hl_snap_lost *x = &s->lost_sites[i];
        rows[i] = (lost_row){key_of(s, x), x->amount, x->stack, x->type1};
    }
    if (s->n_lost_sites)
        qsort(rows, s->n_lost_sites, sizeof *rows, by_key);
    *out = (lost_moment){.rows = rows};
    for (uint32_t i = 0; i < s->n_lost_sites; i++) {
        if (!out->n || rows[out->n - 1].key != rows[i].key) {
            rows[out->n++] = rows[i];
            continue;
        }
        rows[out->n - 1].amount.blocks += rows[i].amount.blocks;
        rows[out->n - 1].amount.bytes += rows[i].amount.bytes;
    }
    return HL_OK;
}

static hl_amount amount_in(const lost_moment *m, uint64_t key)
{
    lost_row wanted = {.key = key}, *found = NULL;
    if (m->n)
        found = bsearch(&wanted, m->rows, m->n, sizeof *m->rows, by_key);
    return found ? found->amount : (hl_amount){0, 0};
}

typedef struct losing {
    lost_row row; /* of the last moment */
    uint64_t *blocks, *bytes;
    hl_course course, of_bytes;
} losing;

static double rounds_of(const hl_case *c, const hl_course *way)
{
    return (double)(c->moments[way->last].info.rounds - c->moments[way->first].info.rounds);
}

static const char *rate_text(const hl_course *way, char buf[64])
{
    if (way->even || way->near)
        snprintf(buf, 64, "%.2f", way->least);
    else
        snprintf(buf, 64, "%.2f to %.2f", way->least, way->most);
    return buf;
}

static void find_lost(hl_case *c, const losing *l, const hl_snap *last)
{
    const hl_course *way = &l->course;
    double rounds = rounds_of(c, way);
    uint64_t blocks =
        way->near ? (uint64_t)(way->least * rounds) : l->blocks[way->last] - l->blocks[way->first];
    uint64_t bytes = l->bytes[way->last] - l->bytes[way->first];
    hl_finding *f = hl_finding_add(c, "native-memory",
                                   way->even     ? HL_CERTAIN
                                   : way->steady ? HL_STRONG
                                                 : HL_POSSIBLE);
    if (!f)
        return;
    hl_growth g = {.metric = HL_METRIC_BYTES,
                   .anchor = way->last,
                   .onset = way->first,
                   .series = l->bytes,
                   .bytes = bytes,
                   .onset_bytes = bytes,
                   .units = blocks,
                   .per_second = -1};
    hl_finding_growth(c, f, &g);
    f->growth.per_round = (double)blocks / rounds;
    f->retained.bytes = bytes;
    f->retained.objects = l->row.type1 ? blocks : 0;
    f->growth.objects = l->row.type1 ? blocks : 0;
    char count[32], sum[16], rate[64];
    const char *type = l->row.type1 ? last->names[last->types[l->row.type1 - 1].name] : NULL;
    const hl_snap_frame *at = &last->frames[last->stacks[l->row.stack].frame];
    const char *from = l->row.stack ? hl_arena_printf(c->arena, ", called from %s:%u",
                                                      hl_file_name(last->names[at->file]), at->line)
                                    : "";
    f->holder.kind = "native";
    f->holder.name =
        hl_arena_printf(c->arena, "(lost by C) %s", type ? type : "memory of Python's");
    f->holder.type = type ? hl_arena_copy(c->arena, type, strlen(type)) : "";
    hl_count_text(blocks, count);
    f->title =
        type ? hl_arena_printf(c->arena,
                               "C code lost %s objects of type %s, %s a call%s: nothing "
                               "points to them any more; together %s",
                               count, type, rate_text(way, rate), from, hl_bytes_text(bytes, sum))
             : hl_arena_printf(c->arena,
                               "C code lost %s blocks of Python's allocators, %s a call%s: "
                               "nothing points to them any more; together %s",
                               count, rate_text(way, rate), from, hl_bytes_text(bytes, sum));
    hl_finding_evidence(c, f, "%s %s a call%s in each of %u parts of the run", rate,
                        type ? "objects" : "blocks", way->even ? ", the same" : "", way->intervals);
    hl_finding_evidence(c, f,
                        "no word in the program's memory, of no library, thread or other block, "
                        "leads to any of them");
    if (l->row.stack)
        hl_finding_line(c, f, last, last->stacks[l->row.stack].frame, bytes, false);
    f->reach.type = type ? f->holder.type : NULL;
    hl_fate_settle(f, blocks, 0);
    f->fix = type ? LOST_OBJECT_FIX : LOST_MEMORY_FIX;
    hl_finding_seal(c, f);
}

/* What is seen at a look is the least of what is lost: words that other threads left on their stacks seem to
 * lead to some of it, and at another look to others; and from one small block to the next a word may lead
 * that the allocator wrote when it was free, to a pool's of them. A whole number a call that no look has more
 * than, one of the last has but for few, and most have some of, is that number; but for fewer, for sure. */
static bool whole_from_below(const hl_case *c, const uint64_t *series, uint32_t first,
                             uint32_t last, hl_course *out)
{
    static const double SOME = 0.4, MOST = 0.92, SURE = 0.97, FEW = 0.01;
    enum { LEAST_INTERVALS = 3 };
    const hl_moment *m = c->moments;
    hl_course r = {.first = first, .last = last};
    uint32_t hidden = 0;
    double rounds = (double)(m[r.last].info.rounds - m[r.first].info.rounds);
    double gained = (double)series[r.last] - (double)series[r.first];
    double whole = rounds > 0 && gained > 0 ? (double)(uint64_t)(gained / rounds + 0.5) : 0;
    if (whole < 1 || gained < MOST * whole * rounds || gained > (1 + FEW) * whole * rounds)
        return false;
    for (uint32_t i = r.first + 1; i < c->n_moments; i++) {
        double now = (double)series[i] - (double)series[r.first];
        double due = whole * (double)(m[i].info.rounds - m[r.first].info.rounds);
        if (now > (1 + FEW) * due + 1)
            return false;
        hidden += now < SOME * due;
        r.intervals += i <= last && now >= SOME * due && m[i].info.rounds > m[i - 1].info.rounds;
    }
    if (HIDDEN_SHARE * hidden > c->n_moments)
        return false;
    r.least = r.most = whole;
    r.even = gained >= SURE * whole * rounds;
    r.near = r.steady = true;
    *out = r;
    return r.intervals >= LEAST_INTERVALS;
}

static bool lost_from_below(const hl_case *c, const uint64_t *series, hl_course *out)
{
    uint32_t n = c->n_moments;
    for (uint32_t last = n; last-- > 1 && HIDDEN_SHARE * (n - 1 - last) <= n;)
        if (whole_from_below(c, series, 0, last, out) ||
            (c->baseline < last && whole_from_below(c, series, c->baseline, last, out)))
            return true;
    return false;
}

static hl_status judge_row(hl_case *c, const lost_moment *all, losing *l, bool *grows, hl_err *err)
{
    l->blocks = hl_arena_array(c->arena, c->n_moments, sizeof *l->blocks);
    l->bytes = hl_arena_array(c->arena, c->n_moments, sizeof *l->bytes);
    if (!l->blocks || !l->bytes)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", c->n_moments);
    for (uint32_t i = 0; i < c->n_moments; i++) {
        hl_amount a = amount_in(&all[i], l->row.key);
        l->blocks[i] = a.blocks;
        l->bytes[i] = a.bytes;
    }
    *grows = hl_course_find(c, l->blocks, &l->course) && hl_resource_sure(c, &l->course);
    if (!*grows || !l->course.even)
        *grows |= lost_from_below(c, l->blocks, &l->course);
    *grows &= l->course.most > c->options.tolerance;
    return HL_OK;
}

static hl_status load(const hl_case *c, uint32_t i, hl_snap **out, hl_err *err)
{
    err->status = HL_OK;
    return hl_snap_load_parts(c->moments[i].run, c->moments[i].index, HL_PART_SITES, out, err);
}

hl_status hl_lost_objects(hl_case *c, hl_arena *scratch, uint64_t *series, hl_err *err)
{
    lost_moment *all = hl_arena_array(scratch, c->n_moments, sizeof *all);
    hl_snap *last = NULL;
    hl_status status = HL_OK;
    if (!all)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u moments", c->n_moments);
    for (uint32_t i = 0; i < c->n_moments && !status; i++) {
        hl_snap_destroy(last);
        last = NULL;
        status = load(c, i, &last, err);
        status = status ? status : read_moment(last, scratch, &all[i], err);
    }
    uint32_t told = 0;
    const lost_moment *end = &all[c->n_moments - 1];
    for (uint32_t k = 0; k < end->n && !status; k++) {
        losing l = {.row = end->rows[k]};
        bool grows = false;
        status = judge_row(c, all, &l, &grows, err);
        if (status || !grows || told == LOST_TOLD)
            continue;
        told++;
        find_lost(c, &l, last);
        for (uint32_t i = 0; i < c->n_moments; i++)
            series[i] += l.bytes[i];
    }
    hl_snap_destroy(last);
    return status;
}
