/* report/stacks_json.c: allocations as JSON, and as a speedscope file.
 *
 * Room   report; analyser process.
 * Takes  hl_stacks.   Gives  schema heaplens.allocations/1 (docs/commands.md), and two sampled profiles
 *        (bytes, blocks) after the file format schema of speedscope, whose stacks begin at the root. */
#include "report/stack_sums.h"

#include <stdio.h>

const char *const hl_measure_words[HL_MEASURES] = {"live", "peak", "total", "temporary"};

hl_stack_sum *hl_stack_sums(const hl_stacks *s, hl_arena *arena)
{
    hl_stack_sum *sums = hl_arena_array(arena, s->n_stacks, sizeof *sums);
    for (uint32_t i = 0; sums && i < s->n_rows; i++) {
        const hl_stack_row *row = &s->rows[i];
        sums[row->stack].blocks += row->of[s->measure].blocks;
        sums[row->stack].bytes += row->of[s->measure].bytes;
    }
    return sums;
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static void put_frames(const hl_stacks *s, hl_json *j)
{
    hl_json_key(j, "frames");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < s->n_frames; i++) {
        const hl_stack_frame *f = &s->frames[i];
        hl_json_open(j, '{');
        hl_json_put_text(j, "function", i ? f->function : NULL);
        hl_json_put_text(j, "file", i ? f->file : NULL);
        hl_json_key(j, "line");
        if (f->line)
            hl_json_uint(j, f->line);
        else
            hl_json_null(j);
        hl_json_put_uint(j, "first_line", f->first_line);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
}

static void put_stacks(const hl_stacks *s, hl_json *j)
{
    hl_json_key(j, "stacks");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < s->n_stacks; i++) {
        hl_json_open(j, '{');
        hl_json_put_uint(j, "caller", s->stacks[i].caller);
        hl_json_put_uint(j, "frame", s->stacks[i].frame);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
}

static void put_rows(const hl_stacks *s, hl_json *j)
{
    hl_json_key(j, "sites");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < s->n_rows; i++) {
        const hl_stack_row *row = &s->rows[i];
        hl_json_open(j, '{');
        hl_json_put_uint(j, "stack", row->stack);
        hl_json_put_text(j, "thread", *row->thread ? row->thread : NULL);
        hl_json_put_text(j, "domain", row->domain);
        for (unsigned m = 0; m < HL_MEASURES; m++) {
            char key[32];
            bool told = s->tells_all || m == HL_LIVE || (m == HL_TOTAL && !s->live_only);
            const uint64_t of[] = {row->of[m].blocks, row->of[m].bytes};
            for (unsigned k = 0; k < 2; k++) {
                snprintf(key, sizeof key, "%s_%s", hl_measure_words[m], k ? "bytes" : "blocks");
                hl_json_key(j, key);
                if (told)
                    hl_json_uint(j, of[k]);
                else
                    hl_json_null(j);
            }
        }
        hl_json_key(j, "live_error");
        if (s->sampled)
            hl_json_uint(j, row->live_error);
        else
            hl_json_null(j);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
}

void hl_stacks_json(const hl_stacks *s, hl_out *out)
{
    hl_json j = {.out = out, .lines = 2};
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "schema", "heaplens.allocations/1");
    hl_json_put_text(&j, "program", s->program);
    hl_json_put_text(&j, "python", s->python);
    hl_json_put_uint(&j, "files", s->files);
    hl_json_put_text(&j, "mode", s->sampled ? "sampled" : "exact");
    hl_json_put_uint(&j, "rate", s->rate);
    hl_json_put_uint(&j, "dropped", s->dropped);
    hl_json_key(&j, "time");
    if (s->time_us)
        hl_json_double(&j, (double)s->time_us / 1e6);
    else
        hl_json_null(&j);
    hl_json_key(&j, "seconds");
    hl_json_double(&j, (double)s->duration_us / 1e6);
    hl_json_put_text(&j, "measure", hl_measure_words[s->measure]);
    put_frames(s, &j);
    put_stacks(s, &j);
    put_rows(s, &j);
    hl_json_close(&j, '}');
}

/* ---- speedscope ------------------------------------------------------------------------------- */

static void put_shared(const hl_stacks *s, hl_json *j)
{
    hl_json_key(j, "shared");
    hl_json_open(j, '{');
    hl_json_key(j, "frames");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < s->n_frames; i++) {
        const hl_stack_frame *f = &s->frames[i];
        hl_json_open(j, '{');
        hl_json_put_text(j, "name", !i ? "no Python code" : *f->function ? f->function : f->name);
        if (i)
            hl_json_put_text(j, "file", f->file);
        if (f->line)
            hl_json_put_uint(j, "line", f->line);
        hl_json_close(j, '}');
    }
    hl_json_close(j, ']');
    hl_json_close(j, '}');
}

static uint64_t amount(const hl_stack_sum *x, bool bytes)
{
    return bytes ? x->bytes : x->blocks;
}

static void put_profile(const hl_stacks *s, const hl_stack_sum *sums, uint32_t *path, bool bytes,
                        hl_json *j)
{
    char name[64];
    uint64_t total = 0;
    snprintf(name, sizeof name, "%s %s", hl_measure_words[s->measure], bytes ? "bytes" : "blocks");
    for (uint32_t k = 0; k < s->n_stacks; k++)
        total += amount(&sums[k], bytes);
    hl_json_open(j, '{');
    hl_json_put_text(j, "type", "sampled");
    hl_json_put_text(j, "name", name);
    hl_json_put_text(j, "unit", bytes ? "bytes" : "none");
    hl_json_put_uint(j, "startValue", 0);
    hl_json_put_uint(j, "endValue", total);
    hl_json_key(j, "samples");
    hl_json_open(j, '[');
    for (uint32_t k = 0; k < s->n_stacks; k++) {
        uint32_t depth = 0;
        if (!amount(&sums[k], bytes))
            continue;
        for (uint32_t at = k; at; at = s->stacks[at].caller)
            path[depth++] = s->stacks[at].frame;
        if (!k)
            path[depth++] = 0; /* memory of no Python code is some, too */
        hl_json_open(j, '[');
        while (depth)
            hl_json_uint(j, path[--depth]);
        hl_json_close(j, ']');
    }
    hl_json_close(j, ']');
    hl_json_key(j, "weights");
    hl_json_open(j, '[');
    for (uint32_t k = 0; k < s->n_stacks; k++)
        if (amount(&sums[k], bytes))
            hl_json_uint(j, amount(&sums[k], bytes));
    hl_json_close(j, ']');
    hl_json_close(j, '}');
}

void hl_stacks_speedscope(const hl_stacks *s, hl_out *out)
{
    hl_arena arena;
    hl_arena_init(&arena);
    hl_stack_sum *sums = hl_stack_sums(s, &arena);
    uint32_t *path = hl_arena_array(&arena, (size_t)s->n_stacks + 1, sizeof *path);
    hl_json j = {.out = out, .lines = 1};
    if (!sums || !path) {
        out->failed = true;
        hl_arena_deinit(&arena);
        return;
    }
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "$schema", "https://www.speedscope.app/file-format-schema.json");
    hl_json_put_text(&j, "name", s->program);
    hl_json_put_text(&j, "exporter", "heaplens " HL_VERSION);
    hl_json_put_uint(&j, "activeProfileIndex", 0);
    put_shared(s, &j);
    hl_json_key(&j, "profiles");
    hl_json_open(&j, '[');
    put_profile(s, sums, path, true, &j);
    put_profile(s, sums, path, false, &j);
    hl_json_close(&j, ']');
    hl_json_close(&j, '}');
    hl_arena_deinit(&arena);
}
