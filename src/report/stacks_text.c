/* report/stacks_text.c: allocations as collapsed stacks, for flame graphs, and as CSV.
 *
 * Room   report; analyser process.
 * Takes  hl_stacks.   Gives  lines of text; docs/commands.md says what stands in them. */
#include "report/stack_sums.h"
#include "report/text_parts.h"

#include <inttypes.h>
#include <string.h>

enum { STACK_MAX = 1 << 16 };

/* Escaped, and without the ";" that parts frames. */
static void put_frame_text(hl_out *o, const char *s)
{
    size_t from = o->n;
    hl_out_safe(o, s, 0);
    for (size_t i = from; !o->failed && i < o->n; i++)
        if (o->bytes[i] == ';')
            o->bytes[i] = ':';
}

static void put_frame(const hl_stack_frame *f, hl_out *o)
{
    bool named = *f->function; /* another tool's frames are not */
    put_frame_text(o, f->function);
    hl_out_text(o, named ? " (" : "");
    put_frame_text(o, f->name);
    if (f->line)
        hl_out_printf(o, ":%" PRIu32, f->line);
    hl_out_text(o, named ? ")" : "");
}

void hl_stacks_collapsed(const hl_stacks *s, hl_out *out)
{
    hl_arena arena;
    hl_arena_init(&arena);
    hl_stack_sum *sums = hl_stack_sums(s, &arena);
    uint32_t *path = hl_arena_array(&arena, s->n_stacks, sizeof *path);
    if (!sums || !path)
        out->failed = true;
    for (uint32_t k = 0; sums && path && k < s->n_stacks; k++) {
        uint32_t depth = 0;
        if (!sums[k].bytes)
            continue;
        for (uint32_t at = k; at; at = s->stacks[at].caller)
            path[depth++] = s->stacks[at].frame;
        if (!depth)
            hl_out_text(out, "no Python code");
        while (depth) {
            put_frame(&s->frames[path[--depth]], out);
            hl_out_text(out, depth ? ";" : "");
        }
        hl_out_printf(out, " %" PRIu64 "\n", sums[k].bytes);
    }
    hl_arena_deinit(&arena);
}

/* ---- CSV (RFC 4180) --------------------------------------------------------------------------- */

static void put_field(hl_out *o, const char *s)
{
    if (!s[strcspn(s, ",\"\n")]) {
        hl_out_text(o, s);
        return;
    }
    hl_out_text(o, "\"");
    for (const char *at = s; *at; at++) {
        hl_out_write(o, at, 1);
        if (*at == '"')
            hl_out_write(o, at, 1);
    }
    hl_out_text(o, "\"");
}

/* "main (app.py:9);load (lib.py:7)" as a field: names may hold quotes. */
static bool put_stack_field(const hl_stacks *s, uint32_t stack, hl_out *scratch, hl_out *o)
{
    uint32_t path[STACK_MAX], depth = 0;
    scratch->n = 0;
    for (uint32_t at = stack; at && depth < STACK_MAX; at = s->stacks[at].caller)
        path[depth++] = s->stacks[at].frame;
    while (depth) {
        put_frame(&s->frames[path[--depth]], scratch);
        hl_out_text(scratch, depth ? ";" : "");
    }
    hl_out_write(scratch, "", 1);
    if (scratch->failed)
        return false;
    put_field(o, scratch->bytes);
    return true;
}

static void put_number(bool told, uint64_t v, hl_out *o)
{
    if (told)
        hl_out_printf(o, ",%" PRIu64, v);
    else
        hl_out_text(o, ",");
}

void hl_stacks_csv(const hl_stacks *s, hl_out *out)
{
    hl_out scratch = {0};
    hl_out_text(out, "file,line,function,thread,domain");
    for (unsigned m = 0; m < HL_MEASURES; m++)
        hl_out_printf(out, ",%s_blocks,%s_bytes", hl_measure_words[m], hl_measure_words[m]);
    hl_out_text(out, ",live_bytes_error,stack\n");
    for (uint32_t i = 0; i < s->n_rows; i++) {
        const hl_stack_row *row = &s->rows[i];
        const hl_stack_frame *f = &s->frames[s->stacks[row->stack].frame];
        put_field(out, f->file);
        put_number(f->line, f->line, out);
        hl_out_text(out, ",");
        put_field(out, f->function);
        hl_out_text(out, ",");
        put_field(out, row->thread);
        hl_out_printf(out, ",%s", row->domain);
        for (unsigned m = 0; m < HL_MEASURES; m++) {
            bool told = s->tells_all || m == HL_LIVE || (m == HL_TOTAL && !s->live_only);
            put_number(told, row->of[m].blocks, out);
            put_number(told, row->of[m].bytes, out);
        }
        put_number(s->sampled, row->live_error, out);
        hl_out_text(out, ",");
        if (!put_stack_field(s, row->stack, &scratch, out))
            out->failed = true;
        hl_out_text(out, "\n");
    }
    hl_out_deinit(&scratch);
}
