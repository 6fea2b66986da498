/* report/pprof.c: allocations as a pprof profile, for `go tool pprof` and what else reads it.
 *
 * Room   report; analyser process.
 * Takes  hl_stacks.   Gives  a gzip'd message Profile (pprof.proto).
 * Method What Go writes of its heap is what its tools expect: four values a sample (alloc_objects,
 *        alloc_space, inuse_objects, inuse_space), the innermost frame first, a period of type space
 *        in bytes, values that are estimates already and need no scaling. Python frames have no
 *        address: a location is a line of a function. Nothing is to be dropped from a stack (none
 *        of our own frames is in there), so drop_frames and keep_frames are not set.
 * Of a peak inuse is what was in use then, of temporary ones alloc is these. */
#include "base/arena.h"
#include "report/writer.h"

#include <pprof.pb-c.h> /* made of pprof.proto by the build */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { VALUES = 4, LABELS = 2, COMMENTS_MAX = 8, GZIP_WINDOW = 15 + 16, GZIP_CHUNK = 1 << 15 };

/* ---- texts: a sorted table, each once --------------------------------------------------------- */

typedef struct texts {
    const char **at;
    size_t n;
} texts;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int64_t text_index(const texts *t, const char *s)
{
    const char **found = bsearch(&s, t->at, t->n, sizeof *t->at, by_text);
    return found ? found - t->at : 0;
}

static const char *const words[] = {
    "",      "alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
    "count", "bytes",         "space",       "thread",        "domain"};
enum { WORDS = sizeof words / sizeof *words };

static bool gather(const hl_stacks *s, const char *const *comments, size_t n_comments,
                   hl_arena *arena, texts *out)
{
    size_t most = WORDS + n_comments + 1 + 2 * (size_t)s->n_frames + 2 * (size_t)s->n_rows, n = 0;
    out->at = hl_arena_array(arena, most, sizeof *out->at);
    if (!out->at)
        return false;
    for (size_t i = 0; i < WORDS; i++)
        out->at[n++] = words[i];
    for (size_t i = 0; i < n_comments; i++)
        out->at[n++] = comments[i];
    out->at[n++] = s->program;
    for (uint32_t i = 0; i < s->n_frames; i++) {
        out->at[n++] = s->frames[i].function;
        out->at[n++] = s->frames[i].file;
    }
    for (uint32_t i = 0; i < s->n_rows; i++) {
        out->at[n++] = s->rows[i].thread;
        out->at[n++] = s->rows[i].domain;
    }
    qsort(out->at, n, sizeof *out->at, by_text);
    for (size_t i = 0; i < n; i++)
        if (!out->n || strcmp(out->at[out->n - 1], out->at[i]) != 0)
            out->at[out->n++] = out->at[i];
    return true;
}

/* ---- functions and locations ------------------------------------------------------------------ */

static int by_function(const void *a, const void *b)
{
    const hl_stack_frame *x = *(const hl_stack_frame *const *)a;
    const hl_stack_frame *y = *(const hl_stack_frame *const *)b;
    int order = strcmp(x->file, y->file);
    if (!order)
        order = strcmp(x->function, y->function);
    return order ? order : (x->first_line > y->first_line) - (x->first_line < y->first_line);
}

/* One function for all frames of it; one location a frame. Frame i has location i + 1, so that of
 * what is not known is the first. */
static bool place(const hl_stacks *s, const texts *t, hl_arena *arena, Hl__Pprof__Profile *p)
{
    uint32_t n = s->n_frames;
    const hl_stack_frame **order = hl_arena_array(arena, n, sizeof *order);
    Hl__Pprof__Function *functions = hl_arena_array(arena, n, sizeof *functions);
    Hl__Pprof__Location *locations = hl_arena_array(arena, n, sizeof *locations);
    Hl__Pprof__Line *lines = hl_arena_array(arena, n, sizeof *lines);
    Hl__Pprof__Line **line = hl_arena_array(arena, n, sizeof *line);
    p->function = hl_arena_array(arena, n, sizeof *p->function);
    p->location = hl_arena_array(arena, n, sizeof *p->location);
    if (!order || !functions || !locations || !lines || !line || !p->function || !p->location)
        return false;
    for (uint32_t i = 0; i < n; i++)
        order[i] = &s->frames[i];
    qsort(order, n, sizeof *order, by_function);
    for (uint32_t i = 0; i < n; i++) {
        const hl_stack_frame *f = order[i];
        if (!i || by_function(&order[i - 1], &order[i])) {
            Hl__Pprof__Function *to = &functions[p->n_function];
            hl__pprof__function__init(to);
            to->id = p->n_function + 1;
            to->name = to->system_name = text_index(t, *f->function ? f->function : f->file);
            to->filename = text_index(t, f->file);
            to->start_line = f->first_line;
            p->function[p->n_function++] = to;
        }
        uint32_t k = (uint32_t)(f - s->frames);
        hl__pprof__line__init(&lines[k]);
        lines[k].function_id = p->n_function;
        lines[k].line = f->line;
        line[k] = &lines[k];
        hl__pprof__location__init(&locations[k]);
        locations[k].id = k + 1;
        locations[k].mapping_id = 1;
        locations[k].n_line = 1;
        locations[k].line = &line[k];
        p->location[k] = &locations[k];
    }
    p->n_location = n;
    return true;
}

/* ---- samples ---------------------------------------------------------------------------------- */

static bool put_label(hl_arena *arena, const texts *t, const char *key, const char *value,
                      Hl__Pprof__Sample *to)
{
    if (!*value)
        return true;
    Hl__Pprof__Label *label = hl_arena_array(arena, 1, sizeof *label);
    if (!label)
        return false;
    hl__pprof__label__init(label);
    label->key = text_index(t, key);
    label->str = text_index(t, value);
    to->label[to->n_label++] = label;
    return true;
}

static bool put_sample(const hl_stacks *s, const hl_stack_row *row, const texts *t, hl_arena *arena,
                       Hl__Pprof__Profile *p)
{
    const int alloc = s->measure == HL_TEMPORARY ? HL_TEMPORARY : HL_TOTAL;
    const int inuse = s->measure == HL_PEAK ? HL_PEAK : HL_LIVE;
    size_t depth = 0;
    if (!row->of[alloc].blocks && !row->of[inuse].blocks)
        return true;
    for (uint32_t k = row->stack; k; k = s->stacks[k].caller)
        depth++;
    Hl__Pprof__Sample *to = hl_arena_array(arena, 1, sizeof *to);
    uint64_t *ids = hl_arena_array(arena, depth + 1, sizeof *ids);
    int64_t *values = hl_arena_array(arena, VALUES, sizeof *values);
    Hl__Pprof__Label **labels = hl_arena_array(arena, LABELS, sizeof *labels);
    if (!to || !ids || !values || !labels)
        return false;
    hl__pprof__sample__init(to);
    for (uint32_t k = row->stack; k; k = s->stacks[k].caller)
        ids[to->n_location_id++] = s->stacks[k].frame + 1;
    to->location_id = ids;
    values[0] = (int64_t)row->of[alloc].blocks;
    values[1] = (int64_t)row->of[alloc].bytes;
    values[2] = (int64_t)row->of[inuse].blocks;
    values[3] = (int64_t)row->of[inuse].bytes;
    to->n_value = VALUES;
    to->value = values;
    to->label = labels;
    p->sample[p->n_sample++] = to;
    return put_label(arena, t, "thread", row->thread, to) &&
           put_label(arena, t, "domain", row->domain, to);
}

static Hl__Pprof__ValueType *value_type(hl_arena *arena, const texts *t, const char *type,
                                        const char *unit)
{
    Hl__Pprof__ValueType *v = hl_arena_array(arena, 1, sizeof *v);
    if (!v)
        return NULL;
    hl__pprof__value_type__init(v);
    v->type = text_index(t, type);
    v->unit = text_index(t, unit);
    return v;
}

static bool put_head(const hl_stacks *s, const texts *t, hl_arena *arena, Hl__Pprof__Profile *p)
{
    static const char *const values[VALUES][2] = {{"alloc_objects", "count"},
                                                  {"alloc_space", "bytes"},
                                                  {"inuse_objects", "count"},
                                                  {"inuse_space", "bytes"}};
    Hl__Pprof__Mapping *mapping = hl_arena_array(arena, 1, sizeof *mapping);
    p->mapping = hl_arena_array(arena, 1, sizeof *p->mapping);
    p->sample_type = hl_arena_array(arena, VALUES, sizeof *p->sample_type);
    p->period_type = value_type(arena, t, "space", "bytes");
    if (!mapping || !p->mapping || !p->sample_type || !p->period_type)
        return false;
    for (; p->n_sample_type < VALUES; p->n_sample_type++) {
        const char *const *v = values[p->n_sample_type];
        p->sample_type[p->n_sample_type] = value_type(arena, t, v[0], v[1]);
        if (!p->sample_type[p->n_sample_type])
            return false;
    }
    hl__pprof__mapping__init(mapping);
    mapping->id = 1;
    mapping->filename = text_index(t, s->program);
    mapping->has_functions = mapping->has_filenames = mapping->has_line_numbers = true;
    p->mapping[p->n_mapping++] = mapping;
    p->period = (int64_t)s->rate;
    p->time_nanos = (int64_t)s->time_us * 1000;
    p->duration_nanos = (int64_t)s->duration_us * 1000;
    bool in_use = s->measure == HL_LIVE || s->measure == HL_PEAK;
    p->default_sample_type = text_index(t, in_use ? "inuse_space" : "alloc_space");
    return true;
}

/* ---- compressed ------------------------------------------------------------------------------- */

typedef struct sink {
    ProtobufCBuffer base; /* first: what protobuf-c is given */
    z_stream z;
    hl_out *out;
} sink;

static void squeeze(sink *k, int flush)
{
    uint8_t chunk[GZIP_CHUNK];
    int more;
    do {
        k->z.next_out = chunk;
        k->z.avail_out = sizeof chunk;
        more = deflate(&k->z, flush);
        hl_out_write(k->out, (const char *)chunk, sizeof chunk - k->z.avail_out);
    } while (more == Z_OK && !k->z.avail_out);
}

static void append(ProtobufCBuffer *b, size_t n, const uint8_t *bytes)
{
    sink *k = (sink *)b;
    k->z.next_in = (Bytef *)(uintptr_t)bytes;
    k->z.avail_in = (uInt)n; /* a field, far below 4 GB */
    squeeze(k, Z_NO_FLUSH);
}

static bool pack(const Hl__Pprof__Profile *p, hl_out *out)
{
    sink k = {.base = {.append = append}, .out = out};
    if (deflateInit2(&k.z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY))
        return false;
    hl__pprof__profile__pack_to_buffer(p, &k.base);
    k.z.avail_in = 0;
    squeeze(&k, Z_FINISH);
    deflateEnd(&k.z);
    return true;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static size_t remarks(const hl_stacks *s, hl_arena *arena, const char **to)
{
    size_t n = 0;
    to[n++] = "made by heaplens " HL_VERSION;
    if (s->sampled)
        to[n++] = "estimated from samples of a Poisson process";
    if (s->measure == HL_PEAK)
        to[n++] = "inuse: what was in use at the high-water mark";
    if (s->measure == HL_TEMPORARY)
        to[n++] = "alloc: what was soon freed";
    if (s->files > 1)
        to[n++] = hl_arena_printf(arena, "%u recordings added up", s->files);
    if (s->dropped)
        to[n++] = hl_arena_printf(arena, "%llu blocks could not be followed",
                                  (unsigned long long)s->dropped);
    for (size_t i = 0; i < n; i++)
        if (!to[i])
            return 0;
    return n;
}

static bool build(const hl_stacks *s, hl_arena *arena, Hl__Pprof__Profile *p)
{
    const char *comments[COMMENTS_MAX];
    size_t n = remarks(s, arena, comments);
    texts t = {0};
    p->sample = hl_arena_array(arena, s->n_rows, sizeof *p->sample);
    p->comment = hl_arena_array(arena, COMMENTS_MAX, sizeof *p->comment);
    if (!n || !p->sample || !p->comment || !gather(s, comments, n, arena, &t) ||
        !put_head(s, &t, arena, p) || !place(s, &t, arena, p))
        return false;
    for (uint32_t i = 0; i < s->n_rows; i++)
        if (!put_sample(s, &s->rows[i], &t, arena, p))
            return false;
    for (size_t i = 0; i < n; i++)
        p->comment[p->n_comment++] = text_index(&t, comments[i]);
    p->string_table = (char **)(uintptr_t)t.at;
    p->n_string_table = t.n;
    return true;
}

void hl_stacks_pprof(const hl_stacks *s, hl_out *out)
{
    hl_arena arena;
    Hl__Pprof__Profile p;
    hl_arena_init(&arena);
    hl__pprof__profile__init(&p);
    if (!build(s, &arena, &p) || !pack(&p, out))
        out->failed = true;
    hl_arena_deinit(&arena);
}
