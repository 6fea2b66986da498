/* snapshot/snap_run.c: what one .hlens file holds: the run, and its whole snapshots in time order.
 *
 * Room   snapshot; analyser process.
 * Takes  a path or bytes.   Gives  hl_run; loading a snapshot of it is snap_read.c.
 * Reads the short chunks only (RUN_META, RUN_END, META, END). A snapshot counts as whole when its
 * chunks are numbered without a hole from META to END and END knows their number; everything else
 * is listed as torn and left alone. */
#define _GNU_SOURCE
#include "snapshot/snap_load.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A reader refuses longer records: ours have HL_FIELDS_MAX bytes, and a little room to grow. */
enum { FIELDS_REFUSED = 4 * 4096, TEXT_MAX = 4096 };

/* One field of a META or END payload. */
typedef struct field {
    uint64_t tag, value; /* value: the number, or the length of the text */
    const char *text;    /* NULL for numbers; not terminated */
} field;

/* Takes the field at *p. False at the end; *bad if the bytes there are no field. */
static bool next_field(const uint8_t **p, const uint8_t *end, field *out, bool *bad)
{
    *bad = false;
    if (*p == end)
        return false;
    uint64_t tag = 0, value = 0;
    const uint8_t *q = hl_varint_get(*p, end, &tag);
    q = q ? hl_varint_get(q, end, &value) : NULL;
    *bad = !q || ((tag & 1) && value > (uint64_t)(end - q));
    if (*bad)
        return false;
    bool text = tag & 1;
    *out = (field){.tag = tag >> 1, .value = value, .text = text ? (const char *)q : NULL};
    *p = text ? q + value : q;
    return true;
}

/* Puts f's text into *out, the first time; a number, or no memory, leaves it as it is. */
static void keep_text(hl_arena *arena, const field *f, const char **out)
{
    if (!f->text || **out)
        return;
    size_t n = strnlen(f->text, f->value < TEXT_MAX ? (size_t)f->value : TEXT_MAX);
    char *s = hl_arena_copy(arena, f->text, n);
    if (!s)
        return;
    hl_snap_text_mend(s, n);
    *out = s;
}

static uint32_t cut32(uint64_t v)
{
    return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* Reads a short chunk into *buffer (kept from call to call, arena). */
static hl_status read_fields(hl_run *run, const hl_chunk *c, uint8_t **buffer, hl_err *err)
{
    if (c->raw_size > FIELDS_REFUSED)
        return hl_err_set(err, HL_CORRUPT, "%s: chunk at %" PRIu64 " is too long for a record",
                          run->path, c->offset);
    if (!*buffer)
        *buffer = hl_arena_alloc(&run->arena, FIELDS_REFUSED);
    if (!*buffer)
        return hl_err_set(err, HL_NO_MEMORY, "%s: no memory to read it", run->path);
    return hl_chunk_read(run->file, c, *buffer, err);
}

static hl_status fields_broken(const hl_run *run, const hl_chunk *c, hl_err *err)
{
    return hl_err_set(err, HL_CORRUPT, "%s: chunk at %" PRIu64 " holds a broken field", run->path,
                      c->offset);
}

static void run_field(hl_run *run, const field *f)
{
    switch (f->tag) {
    case HL_RUN_PID:
        run->pid = cut32(f->value);
        break;
    case HL_RUN_PARENT:
        run->parent_pid = cut32(f->value);
        break;
    case HL_RUN_FIRST:
        run->first_pid = cut32(f->value);
        break;
    case HL_RUN_PYTHON:
        keep_text(&run->arena, f, &run->python);
        break;
    case HL_RUN_PROGRAM:
        keep_text(&run->arena, f, &run->program);
        break;
    case HL_RUN_TOOL:
        keep_text(&run->arena, f, &run->tool);
        break;
    case HL_RUN_STARTED:
        run->started_us = f->value;
        break;
    case HL_RUN_EXIT:
        run->exit = f->value > INT_MAX ? INT_MAX : (int)f->value;
        run->ended = true;
        break;
    case HL_RUN_LIMIT:
        run->limit_bytes = f->value;
        break;
    case HL_RUN_SECONDS:
        run->seconds_us = f->value;
        break;
    default:
        break; /* of a later heaplens */
    }
}

static bool tracking_field(hl_tracking *t, const field *f)
{
    switch (f->tag) {
    case HL_SNAP_TRACK: /* a mode of a later heaplens is told like samples: as an estimate */
        t->mode = f->value > HL_FOLLOWED_SAMPLED ? HL_FOLLOWED_SAMPLED : (enum hl_followed)f->value;
        return true;
    case HL_SNAP_TRACK_RATE:
        t->rate = f->value;
        return true;
    case HL_SNAP_TRACK_DROPPED:
        t->dropped = f->value;
        return true;
    case HL_SNAP_TRACK_SINCE:
        t->since_us = f->value;
        return true;
    case HL_SNAP_TRACK_PEAK:
        t->peak_bytes = f->value;
        return true;
    case HL_SNAP_TRACK_PEAK_TIME:
        t->peak_us = f->value;
        return true;
    case HL_SNAP_TRACK_LISTS:
        t->corrected = cut32(f->value);
        return true;
    case HL_SNAP_TRACK_AGE:
        t->taken = cut32(f->value);
        return true;
    case HL_SNAP_TRACK_LIVE_ONLY:
        t->live_only = f->value == 1;
        return true;
    case HL_SNAP_TRACK_THREADS:
        t->by_thread = f->value == 1;
        return true;
    case HL_SNAP_TRACK_WITHIN:
        t->within = f->value > 1u << HL_WINDOWS ? 1u << HL_WINDOWS : (uint32_t)f->value;
        return true;
    case HL_SNAP_NATIVE:
        t->native = f->value == 0                   ? HL_FOLLOWED_NOT
                    : f->value == HL_FOLLOWED_EXACT ? HL_FOLLOWED_EXACT
                                                    : HL_FOLLOWED_SAMPLED;
        return true;
    case HL_SNAP_NATIVE_RATE:
        t->native_rate = f->value;
        return true;
    case HL_SNAP_NATIVE_DROPPED:
        t->native_dropped = f->value;
        return true;
    case HL_SNAP_MARK:
        t->mark = f->value != 0;
        return true;
    case HL_SNAP_MARK_NS:
        t->mark_ns = f->value;
        return true;
    case HL_SNAP_MARK_BYTES:
        t->mark_bytes = f->value;
        return true;
    default:
        return false;
    }
}

static bool resource_field(hl_snap_info *info, const field *f)
{
    if (f->text)
        return false;
    if (f->tag >= HL_SNAP_RESOURCE && f->tag < HL_SNAP_RESOURCE + HL_RESOURCES) {
        info->resource[f->tag - HL_SNAP_RESOURCE] = f->value;
        info->resource_known |= 1u << (f->tag - HL_SNAP_RESOURCE);
        return true;
    }
    if (f->tag < HL_SNAP_SHARED || f->tag >= HL_SNAP_SHARED + 2 * HL_SHARED_KINDS)
        return false;
    uint64_t which = (f->tag - HL_SNAP_SHARED) / 2;
    if ((f->tag - HL_SNAP_SHARED) % 2) {
        info->shared[which].edges = f->value;
        info->shared_known |= 1u << which; /* the writer puts it last */
    } else {
        info->shared[which].refs = f->value;
    }
    return true;
}

static void snap_field(hl_arena *arena, hl_snap_info *info, hl_snap_span *span, uint64_t *chunks,
                       const field *f)
{
    if (f->tag >= HL_SNAP_MEMORY && f->tag < HL_SNAP_MEMORY + HL_MEMORY_COUNT && !f->text) {
        info->memory[f->tag - HL_SNAP_MEMORY] = f->value;
        info->memory_known |= 1u << (f->tag - HL_SNAP_MEMORY);
        return;
    }
    if (tracking_field(&info->tracking, f) || resource_field(info, f))
        return;
    switch (f->tag) {
    case HL_SNAP_TIME:
        info->time_us = f->value;
        break;
    case HL_SNAP_CPU:
        info->cpu_us = f->value;
        break;
    case HL_SNAP_USER_CPU:
        info->user_us = f->value;
        break;
    case HL_SNAP_RSS:
        info->rss_bytes = f->value;
        break;
    case HL_SNAP_REASON:
        keep_text(arena, f, &info->reason);
        break;
    case HL_SNAP_GC_ENABLED:
        info->gc_enabled = f->value != 0;
        break;
    case HL_SNAP_GC_THRESHOLD0:
        info->gc_threshold0 = cut32(f->value);
        break;
    case HL_SNAP_GC_COLLECTIONS0:
    case HL_SNAP_GC_COLLECTIONS1:
    case HL_SNAP_GC_COLLECTIONS2:
        info->gc_collections[f->tag - HL_SNAP_GC_COLLECTIONS0] = f->value;
        break;
    case HL_SNAP_GC_RUNNING:
        info->gc_running = f->value != 0;
        break;
    case HL_SNAP_GC_FROZEN:
        info->gc_frozen = cut32(f->value);
        break;
    case HL_SNAP_PYTHON:
        keep_text(arena, f, &info->python);
        break;
    case HL_SNAP_PROGRAM:
        keep_text(arena, f, &info->program);
        break;
    case HL_SNAP_PID:
        info->pid = cut32(f->value);
        break;
    case HL_SNAP_UNSETTLED:
        info->unsettled = f->value != 0;
        break;
    case HL_SNAP_ROUNDS:
        info->rounds = f->value;
        break;
    case HL_SNAP_ASKER:
        info->asker = cut32(f->value);
        break;
    case HL_SNAP_PAUSE:
        info->pause_ns = f->value;
        break;
    case HL_SNAP_NODES:
        span->nodes = f->value;
        break;
    case HL_SNAP_EDGES:
        span->edges = f->value;
        break;
    case HL_SNAP_FOLDED:
        info->folded = f->value;
        break;
    case HL_SNAP_SKIPPED:
        info->skipped = f->value;
        break;
    case HL_SNAP_WALK_NS:
        info->walk_ns = f->value;
        break;
    case HL_SNAP_CHILD_BYTES:
        info->child_bytes = f->value;
        break;
    case HL_SNAP_LEAVES:
        info->leaves = f->value;
        break;
    case HL_SNAP_LEAVES_SEEN:
        info->leaves_seen = f->value;
        break;
    case HL_SNAP_DUP_CONTENTS:
        info->dup_contents = f->value;
        break;
    case HL_SNAP_DUP_BYTES:
        info->dup_bytes = f->value;
        break;
    case HL_SNAP_PARTLY:
        info->partly = f->value;
        break;
    case HL_SNAP_SORTED:
        info->sorted = f->value;
        break;
    case HL_SNAP_CHUNKS:
        *chunks = f->value;
        break;
    default:
        break; /* of a later heaplens */
    }
}

/* A record of the run that does not read is passed over: the snapshots stand without it. */
static hl_status take_run_record(hl_run *run, const hl_chunk *c, uint8_t **buffer, hl_err *err)
{
    hl_err ignored;
    if (read_fields(run, c, buffer, &ignored)) {
        if (ignored.status != HL_NO_MEMORY)
            return HL_OK;
        *err = ignored;
        return err->status;
    }
    const uint8_t *p = *buffer;
    bool bad;
    for (field f; next_field(&p, *buffer + c->raw_size, &f, &bad);)
        run_field(run, &f);
    return HL_OK;
}

typedef struct candidate {
    hl_snap_info info;
    hl_snap_span span;
} candidate;

/* Is the stream order[first .. first + n) a whole snapshot? */
static hl_status judge_stream(hl_run_body *b, const hl_chunk *chunks, candidate *out,
                              uint8_t **buffer, hl_err *err)
{
    const uint32_t *order = b->order + out->span.first;
    uint32_t n = out->span.n;
    const hl_chunk *meta = &chunks[order[0]], *end = &chunks[order[n - 1]];
    const char *path = b->run.path;
    for (uint32_t i = 0; i < n; i++)
        if (chunks[order[i]].seq != i)
            return hl_err_set(err, HL_CORRUPT,
                              "%s: snapshot %u lacks chunk %u (next found at %" PRIu64 ")", path,
                              meta->stream, i, chunks[order[i]].offset);
    if (meta->kind != HL_KIND_SNAP_META)
        return hl_err_set(err, HL_CORRUPT, "%s: snapshot %u does not begin with its META chunk",
                          path, meta->stream);
    if (end->kind != HL_KIND_SNAP_END)
        return hl_err_set(err, HL_TRUNCATED, "%s: snapshot %u was not finished", path,
                          meta->stream);
    uint64_t claimed = 0;
    out->span.nodes = out->span.edges = UINT64_MAX;
    for (int k = 0; k < 2; k++) {
        const hl_chunk *c = k ? end : meta;
        if (read_fields(&b->run, c, buffer, err))
            return hl_err_note(err, "snapshot %u", c->stream);
        const uint8_t *p = *buffer;
        bool bad;
        for (field f; next_field(&p, *buffer + c->raw_size, &f, &bad);)
            snap_field(&b->run.arena, &out->info, &out->span, &claimed, &f);
        if (bad)
            return fields_broken(&b->run, c, err);
    }
    if (claimed != n)
        return hl_err_set(err, HL_CORRUPT, "%s: snapshot %u has %u of its %" PRIu64 " chunks", path,
                          meta->stream, n, claimed);
    return HL_OK;
}

static int by_time(const void *a, const void *b)
{
    const hl_snap_info *x = &((const candidate *)a)->info, *y = &((const candidate *)b)->info;
    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    return (x->stream > y->stream) - (x->stream < y->stream);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static hl_status no_memory(const hl_run *run, hl_err *err)
{
    return hl_err_set(err, HL_NO_MEMORY, "%s: no memory to list its snapshots", run->path);
}

/* Fills order with the indices of the n chunks, by stream and then by place. */
static hl_status sort_chunks(hl_run_body *b, const hl_chunk *chunks, size_t n, hl_err *err)
{
    b->order = hl_arena_array(&b->run.arena, n, sizeof *b->order);
    uint64_t *keys = hl_arena_array(&b->run.arena, n, sizeof *keys);
    if (!b->order || !keys)
        return no_memory(&b->run, err);
    for (size_t i = 0; i < n; i++)
        keys[i] = (uint64_t)chunks[i].stream << 32 | i;
    qsort(keys, n, sizeof *keys, by_value);
    for (size_t i = 0; i < n; i++)
        b->order[i] = (uint32_t)keys[i];
    hl_arena_release(&b->run.arena, keys);
    return HL_OK;
}

static void note_unusable(hl_run_body *b, const hl_err *why)
{
    b->run.n_torn++;
    if (why->status != HL_TRUNCATED)
        b->n_broken++;
    if (!b->first_problem[0])
        memcpy(b->first_problem, why->text, sizeof b->first_problem);
}

static hl_status list_streams(hl_run_body *b, const hl_chunk *chunks, size_t n, candidate *found,
                              uint8_t **buffer, hl_err *err)
{
    hl_run *run = &b->run;
    for (size_t first = 0, end; first < n; first = end) {
        uint32_t stream = chunks[b->order[first]].stream;
        for (end = first; end < n && chunks[b->order[end]].stream == stream; end++) {
            const hl_chunk *c = &chunks[b->order[end]];
            if (stream == 0 && (c->kind == HL_KIND_RUN_META || c->kind == HL_KIND_RUN_END) &&
                take_run_record(run, c, buffer, err))
                return err->status;
        }
        if (stream == 0)
            continue;
        candidate *x = &found[run->n_snaps];
        *x = (candidate){
            .info = {.stream = stream, .reason = "", .python = "", .program = ""},
            .span = {.first = (uint32_t)first, .n = (uint32_t)(end - first)},
        };
        hl_err why;
        if (judge_stream(b, chunks, x, buffer, &why) == HL_OK) {
            run->n_snaps++;
        } else if (why.status == HL_NO_MEMORY) {
            *err = why;
            return err->status;
        } else {
            note_unusable(b, &why);
        }
    }
    return HL_OK;
}

/* A file without the run's own record (snapshot PID) says in each snapshot what it came from. */
static void lend_names(hl_run *run)
{
    for (uint32_t i = 0; i < run->n_snaps; i++) {
        hl_snap_info *s = &run->snaps[i];
        if (!run->python[0])
            run->python = s->python;
        if (!run->program[0])
            run->program = s->program;
        if (!run->pid)
            run->pid = s->pid;
    }
    for (uint32_t i = 0; i < run->n_snaps; i++) {
        hl_snap_info *s = &run->snaps[i];
        if (!s->python[0])
            s->python = run->python;
        if (!s->program[0])
            s->program = run->program;
        if (!s->pid)
            s->pid = run->pid;
    }
}

static hl_status list_snapshots(hl_run_body *b, hl_err *err)
{
    hl_run *run = &b->run;
    const hl_chunk *chunks;
    size_t n = hl_container_chunks(run->file, &chunks), streams = 0;
    if (n > UINT32_MAX)
        return hl_err_set(err, HL_UNSUPPORTED, "%s has %zu chunks", run->path, n);
    if (sort_chunks(b, chunks, n, err))
        return err->status;
    for (size_t i = 0; i < n; i++)
        streams += i == 0 || chunks[b->order[i]].stream != chunks[b->order[i - 1]].stream;
    candidate *found = hl_arena_array(&run->arena, streams + 1, sizeof *found);
    if (!found)
        return no_memory(run, err);
    uint8_t *buffer = NULL;
    if (list_streams(b, chunks, n, found, &buffer, err))
        return err->status;
    qsort(found, run->n_snaps, sizeof *found, by_time);
    run->snaps = hl_arena_array(&run->arena, run->n_snaps, sizeof *run->snaps);
    b->spans = hl_arena_array(&run->arena, run->n_snaps, sizeof *b->spans);
    if (!run->snaps || !b->spans)
        return no_memory(run, err);
    for (uint32_t i = 0; i < run->n_snaps; i++) {
        run->snaps[i] = found[i].info;
        b->spans[i] = found[i].span;
    }
    hl_arena_release(&run->arena, found);
    lend_names(run);
    return HL_OK;
}

static hl_status adopt(hl_container *file, hl_run **out, hl_err *err)
{
    hl_run_body *b = calloc(1, sizeof *b);
    if (!b) {
        hl_container_close(file);
        return hl_err_set(err, HL_NO_MEMORY, "no memory to open a file");
    }
    hl_run *run = &b->run;
    run->file = file;
    run->path = hl_container_name(file);
    run->run_id = hl_container_run_id(file);
    run->python = run->program = run->tool = "";
    hl_arena_init(&run->arena);
    if (list_snapshots(b, err)) {
        hl_run_close(run);
        return err->status;
    }
    *out = run;
    return HL_OK;
}

hl_status hl_run_open(const char *path, hl_run **out, hl_err *err)
{
    hl_container *file;
    return hl_container_open(path, &file, err) ? err->status : adopt(file, out, err);
}

hl_status hl_run_open_bytes(const void *bytes, size_t n, hl_run **out, hl_err *err)
{
    hl_container *file;
    return hl_container_open_bytes(bytes, n, &file, err) ? err->status : adopt(file, out, err);
}

void hl_run_close(hl_run *run)
{
    if (!run)
        return;
    hl_container_close(run->file);
    hl_arena_deinit(&run->arena);
    free(run); /* the hl_run_body it begins */
}
