/* diagnose/view_rss.c: what the resident memory consists of, in rows that add up to it.
 *
 * Room   diagnose; analyser process; one heap in memory at a time.
 * Takes  what the capture measured of each snapshot's memory (enum hl_memory), and the sizes of the
 *        objects the walk found.
 * Method The kernel says what of malloc's heap, of mappings, stacks and files is resident; the
 *        allocator's tables say what of the arenas is in use; the walk says what objects take.
 * Small objects lie in arenas, what is larger than the allocator takes lies in malloc's memory.
 *        What nobody explains has a row of its own, so that the sum is the RSS. */
#include "base/words.h"
#include "diagnose/view_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SMALL_MAX = 512, BLOCK = 16, GC_HEADER = 16, SAY_FROM = 1 << 20 };

enum row {
    RSS,
    SMALL_OBJECTS,
    SMALL_OTHER,
    FREE_BLOCKS,
    FREE_POOLS,
    LARGE_OBJECTS,
    HEAP_OTHER,
    HEAP_FREE,
    STACKS,
    WRITTEN,
    SHARED,
    OURS,
    UNEXPLAINED,
    ROWS
};

static const struct {
    const char *part, *name, *how;
} rows[ROWS] = {
    [RSS] = {"rss", "resident memory (RSS)", "the kernel"},
    [SMALL_OBJECTS] = {"small_objects", "Python objects in arenas", "the walk"},
    [SMALL_OTHER] = {"small_other", "other blocks in arenas", "arenas, less that"},
    [FREE_BLOCKS] = {"arena_free_blocks", "arenas: free blocks", "arenas"},
    [FREE_POOLS] = {"arena_free_pools", "arenas: free pools", "arenas"},
    [LARGE_OBJECTS] = {"large_objects", "Python objects in malloc", "the walk"},
    [HEAP_OTHER] = {"native", "native memory in use", "mincore, less that"},
    [HEAP_FREE] = {"native_free", "native heap, free", "malloc's chunks"},
    [STACKS] = {"stacks", "thread stacks", "mincore"},
    [WRITTEN] = {"library_data", "data of libraries", "pagemap"},
    [SHARED] = {"mapped", "mapped files, shared", "the kernel"},
    [OURS] = {"heaplens", "heaplens' own tables", "mincore"},
    [UNEXPLAINED] = {"unexplained", "unexplained", "the difference"},
};

typedef struct bridge {
    int64_t bytes[ROWS];
    bool told[ROWS];
    uint64_t absent, swapped; /* of large objects, not resident */
    uint64_t objects;         /* all that the walk found */
} bridge;

/* ---- what objects take -------------------------------------------------------------------------
 */

typedef struct sizes {
    uint64_t small, large; /* small: in whole blocks */
} sizes;

static void take(sizes *z, uint64_t bytes)
{
    if (bytes > SMALL_MAX)
        z->large += bytes;
    else
        z->small += (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

/* Types whose items lie in a block beside the object. */
static bool apart(const hl_snap_type *t, const char *name)
{
    return t->flags & (HL_TYPE_DICT | HL_TYPE_LIST) || !strcmp(name, "set") ||
           !strcmp(name, "frozenset") || !strcmp(name, "collections.deque");
}

/* A static object lies in the interpreter's own data, or a library's. */
static bool in_image(const hl_snap *s, hl_node v)
{
    const uint64_t *m = s->info.memory;
    return s->flag[v] & HL_NODE_STATIC ||
           (s->info.memory_known & 1u << HL_MEMORY_IMAGE &&
            hl_snap_address(s, v) - m[HL_MEMORY_IMAGE] < m[HL_MEMORY_IMAGE_SIZE]);
}

static hl_status weigh(const hl_snap *s, sizes *z, hl_arena *scratch, hl_err *err)
{
    bool *is_apart = hl_arena_array(scratch, s->n_types, sizeof *is_apart);
    if (!is_apart)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u types", s->n_types);
    for (uint32_t t = 0; t < s->n_types; t++)
        is_apart[t] = apart(&s->types[t], s->names[s->types[t].name]);
    for (hl_node v = 0; v < s->nodes; v++) {
        if (in_image(s, v))
            continue;
        const hl_snap_type *t = &s->types[s->type[v]];
        const hl_snap_extra *x = hl_snap_extra_of(s, v);
        uint64_t outside = x ? x->ext : 0, size = hl_snap_size(s, v) - outside;
        uint64_t head = t->basicsize + (t->flags & HL_TYPE_GC ? GC_HEADER : 0);
        if (is_apart[s->type[v]] && size > head) {
            take(z, head);
            size -= head;
        }
        take(z, size);
        take(z, outside);
    }
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        uint64_t each = f.objects ? f.bytes / f.objects : 0;
        if (each > SMALL_MAX)
            z->large += f.bytes;
        else
            z->small += f.objects * ((each + BLOCK - 1) / BLOCK * BLOCK);
    }
    return HL_OK;
}

/* ---- the bridge --------------------------------------------------------------------------------
 */

static bool knows(const hl_snap *s, enum hl_memory what)
{
    return s->info.memory_known & 1u << what;
}

static void set(bridge *b, enum row row, uint64_t bytes)
{
    b->bytes[row] = bytes < INT64_MAX / ROWS ? (int64_t)bytes : INT64_MAX / ROWS;
    b->told[row] = true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void cross(const hl_snap *s, sizes z, bridge *b)
{
    const uint64_t *m = s->info.memory;
    set(b, RSS, s->info.rss_bytes);
    b->objects = z.small + z.large;
    b->swapped = m[HL_MEMORY_SWAP];
    uint64_t small = 0;
    if (knows(s, HL_MEMORY_ARENA_USED)) {
        uint64_t used = m[HL_MEMORY_ARENA_USED], resident = m[HL_MEMORY_ARENA_RESIDENT];
        used = least(used, resident); /* the rest is swapped out */
        small = least(z.small, used);
        uint64_t pools =
            resident > m[HL_MEMORY_ARENA_POOLS] ? resident - m[HL_MEMORY_ARENA_POOLS] : 0;
        set(b, SMALL_OBJECTS, small);
        set(b, SMALL_OTHER, used - small);
        set(b, FREE_POOLS, pools);
        set(b, FREE_BLOCKS, resident - used > pools ? resident - used - pools : 0);
        if (resident - used < pools)
            set(b, FREE_POOLS, resident - used);
    }
    if (knows(s, HL_MEMORY_HEAP)) {
        uint64_t heap = m[HL_MEMORY_HEAP] + m[HL_MEMORY_MAPPED];
        uint64_t unused = least(m[HL_MEMORY_HEAP_FREE], heap);
        uint64_t large = least(z.large + (z.small - small), heap - unused);
        b->absent = z.large + (z.small - small) - large;
        set(b, LARGE_OBJECTS, large);
        set(b, HEAP_OTHER, heap - unused - large);
        if (knows(s, HL_MEMORY_HEAP_FREE))
            set(b, HEAP_FREE, unused);
        set(b, STACKS, m[HL_MEMORY_STACKS]);
        set(b, WRITTEN, m[HL_MEMORY_WRITTEN]);
        set(b, SHARED, m[HL_MEMORY_SHARED]);
        if (knows(s, HL_MEMORY_OURS))
            set(b, OURS, m[HL_MEMORY_OURS]);
    } else { /* an older recording: objects, and the rest */
        set(b, LARGE_OBJECTS, least(b->objects, s->info.rss_bytes));
    }
    int64_t sum = 0;
    for (unsigned r = RSS + 1; r < UNEXPLAINED; r++)
        sum += b->bytes[r];
    b->bytes[UNEXPLAINED] = b->bytes[RSS] - sum;
    b->told[UNEXPLAINED] = true;
}

static hl_status measure(const hl_view_moment *m, bridge *out, hl_err *err)
{
    hl_snap *s;
    if (hl_snap_load(m->run, m->index, &s, err))
        return err->status;
    hl_arena scratch;
    hl_arena_init(&scratch);
    sizes z = {0, 0};
    if (!weigh(s, &z, &scratch, err))
        cross(s, z, out);
    hl_arena_deinit(&scratch);
    hl_snap_destroy(s);
    return err->status;
}

/* ---- rows ---------------------------------------------------------------------------------------
 */

/* Title NULL: JSON only; key NULL: text only. */
static const hl_column columns[] = {
    {"part", NULL, HL_COLUMN_TEXT},
    {NULL, "memory", HL_COLUMN_TEXT},
    {"first_bytes", "first", HL_COLUMN_BYTES},
    {"bytes", "last", HL_COLUMN_BYTES},
    {"bytes_delta", "change", HL_COLUMN_DELTA_BYTES},
    {"measured_by", "measured by", HL_COLUMN_TEXT},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const char *amount(int64_t bytes, char buf[32])
{
    char size[16];
    snprintf(buf, 32, "%s%s", bytes < 0 ? "-" : "",
             hl_bytes_text(bytes < 0 ? (uint64_t)-bytes : (uint64_t)bytes, size));
    return buf;
}

static int64_t python_of(const bridge *b)
{
    return b->bytes[SMALL_OBJECTS] + b->bytes[LARGE_OBJECTS];
}

static int64_t free_of(const bridge *b)
{
    return b->bytes[FREE_BLOCKS] + b->bytes[FREE_POOLS] + b->bytes[HEAP_FREE];
}

static const char *remarks(const bridge *first, const bridge *last, bool several, hl_arena *arena)
{
    char a[32], b[32], c[32], d[32];
    const char *text = "";
    int64_t grew = last->bytes[RSS] - first->bytes[RSS];
    if (!last->told[STACKS])
        text = "this recording does not say where the rest lies: it was made by an older heaplens";
    else if (several && first->told[STACKS] && (grew >= SAY_FROM || -grew >= SAY_FROM))
        text = hl_arena_printf(
            arena,
            "RSS changed by %s: Python objects by %s, memory free inside the allocators by "
            "%s, native memory by %s",
            amount(grew, a), amount(python_of(last) - python_of(first), b),
            amount(free_of(last) - free_of(first), c),
            amount(last->bytes[HEAP_OTHER] - first->bytes[HEAP_OTHER], d));
    if (text && last->told[STACKS] && !last->told[SMALL_OBJECTS])
        text = hl_arena_printf(arena,
                               "%s%sthe arenas could not be found: what lies in them is in "
                               "the rows of malloc",
                               text, *text ? "; " : "");
    if (text && last->told[STACKS] && !last->told[HEAP_FREE])
        text = hl_arena_printf(arena, "%s%show much of malloc's heap is free could not be read",
                               text, *text ? "; " : "");
    if (text && last->told[STACKS] && last->absent >= SAY_FROM)
        text = hl_arena_printf(arena,
                               "%s%s%s of large objects is not resident: never touched, or "
                               "swapped out",
                               text, *text ? "; " : "", amount((int64_t)last->absent, a));
    if (text && last->swapped)
        text = hl_arena_printf(arena, "%s%s%s is swapped out and no part of RSS", text,
                               *text ? "; " : "", amount((int64_t)last->swapped, a));
    return text && *text ? text : NULL;
}

static hl_status fill(const bridge *first, const bridge *last, bool several, hl_arena *arena,
                      hl_table *out, hl_err *err)
{
    uint32_t n = 0;
    for (unsigned r = 0; r < ROWS; r++)
        n += last->told[r];
    if (hl_view_rows(out, "rss", columns, COLUMNS, n, 0, arena, err))
        return err->status;
    out->title = "rss: what the resident memory consists of; the rows below it add up to it";
    n = 0;
    for (unsigned r = 0; r < ROWS; r++) {
        if (!last->told[r])
            continue;
        hl_cell *row = hl_view_row(out, n++);
        bool then = several && first->told[r];
        row[0].text = rows[r].part;
        row[1].text = r == RSS ? rows[r].name : hl_arena_printf(arena, "  %s", rows[r].name);
        row[2].number = then ? first->bytes[r] : HL_CELL_NONE;
        row[3].number = last->bytes[r];
        row[4].number = then ? last->bytes[r] - first->bytes[r] : HL_CELL_NONE;
        row[5].text = rows[r].how;
    }
    out->note = remarks(first, last, several, arena);
    return HL_OK;
}

/* The moment the query asks for, by its number among all whole snapshots. */
static hl_status asked_for(const hl_view_query *q, hl_view_moment *out, hl_err *err)
{
    uint32_t total = 0;
    for (uint32_t r = 0; r < q->n_runs; total += q->runs[r++]->n_snaps)
        if (q->snapshot <= total + q->runs[r]->n_snaps) {
            *out = (hl_view_moment){q->runs[r], q->snapshot - total - 1};
            return HL_OK;
        }
    return hl_err_set(err, HL_USAGE, "there is no snapshot %u: %u %s here (1 is the oldest)",
                      q->snapshot, total, total == 1 ? "is" : "are");
}

hl_status hl_view_rss(const hl_view_query *q, hl_arena *arena, hl_table *out, hl_err *err)
{
    hl_view_moment *moments, last;
    uint32_t n;
    if (hl_view_moments(q, 1, arena, &moments, &n, err))
        return err->status;
    last = moments[n - 1];
    if (q->snapshot && asked_for(q, &last, err))
        return err->status;
    bool several = moments[0].run != last.run || moments[0].index != last.index;
    bridge b[2] = {{.absent = 0}, {.absent = 0}};
    if (measure(&last, &b[1], err) || (several && measure(&moments[0], &b[0], err)))
        return err->status;
    return fill(several ? &b[0] : &b[1], &b[1], several, arena, out, err);
}
