/* diagnose/diff_sites.c: which lines have more in use now, where allocations were followed.
 *
 * Room   diagnose; analyser process.
 * Method The sums by line of the first and the last moment, put together by file and line: numbers of
 *        frames differ between snapshots, names do not. */
#include "diagnose/view_parts.h"

#include <stdlib.h>
#include <string.h>

static const hl_column columns[] = {
    {"where", "where", HL_COLUMN_TEXT},    {"file", NULL, HL_COLUMN_TEXT},
    {"line", NULL, HL_COLUMN_COUNT},       {"function", NULL, HL_COLUMN_TEXT},
    {"blocks", "blocks", HL_COLUMN_COUNT}, {"blocks_delta", "gained", HL_COLUMN_DELTA},
    {"bytes", "in use", HL_COLUMN_BYTES},  {"bytes_delta", "gained", HL_COLUMN_DELTA_BYTES},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

hl_status hl_site_changes_note(hl_site_changes *to, uint32_t which, const hl_snap *s,
                               hl_arena *scratch, hl_arena *arena, hl_err *err)
{
    if (s->info.tracking.mode == HL_FOLLOWED_NOT)
        return HL_OK;
    hl_site_sums sums;
    if (hl_sites_add_up(s, HL_SITES_BY_LINE, scratch, &sums, err))
        return err->status;
    to->of[which] = hl_arena_array(scratch, sums.n + 1, sizeof **to->of);
    if (!to->of[which])
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u lines", sums.n);
    for (uint32_t i = 0; i < sums.n; i++) {
        const hl_site_sum *x = &sums.items[i];
        const hl_snap_frame *f = &s->frames[s->stacks[x->stack].frame];
        to->of[which][i] = (hl_site_change){
            .where = hl_site_label(s, HL_SITES_BY_LINE, x, arena),
            .file = hl_view_copy(arena, s->names[f->file]),
            .function = hl_view_copy(arena, s->names[f->function]),
            .line = f->line,
            .now = {which ? x->live.blocks : 0, which ? x->live.bytes : 0},
            .then = {which ? 0 : x->live.blocks, which ? 0 : x->live.bytes},
        };
    }
    to->n[which] = sums.n;
    return HL_OK;
}

static int by_place(const void *a, const void *b)
{
    const hl_site_change *x = a, *y = b;
    int files = strcmp(x->file ? x->file : "", y->file ? y->file : "");
    return files ? files : (x->line > y->line) - (x->line < y->line);
}

/* Both moments in one array, one entry a line. */
static uint32_t merge(const hl_site_changes *c, hl_site_change *all)
{
    uint32_t n = 0, kept = 0;
    for (int which = 0; which < 2; which++)
        for (uint32_t i = 0; i < c->n[which]; i++)
            all[n++] = c->of[which][i];
    qsort(all, n, sizeof *all, by_place);
    for (uint32_t i = 0; i < n; i++) {
        if (kept && !by_place(&all[kept - 1], &all[i])) {
            hl_site_change *to = &all[kept - 1];
            to->now.blocks += all[i].now.blocks;
            to->now.bytes += all[i].now.bytes;
            to->then.blocks += all[i].then.blocks;
            to->then.bytes += all[i].then.bytes;
        } else {
            all[kept++] = all[i];
        }
    }
    return kept;
}

hl_status hl_site_changes_table(const hl_site_changes *c, uint32_t top_n, hl_arena *scratch,
                                hl_arena *arena, hl_table *out, hl_err *err)
{
    uint32_t n = c->n[0] + c->n[1];
    hl_site_change *all = hl_arena_array(scratch, n + 1, sizeof *all);
    hl_top top;
    if (!all)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u lines", n);
    n = merge(c, all);
    if (hl_top_init(&top, top_n, n, scratch, err))
        return err->status;
    for (uint32_t i = 0; i < n; i++)
        hl_top_offer(
            &top, all[i].now.bytes > all[i].then.bytes ? all[i].now.bytes - all[i].then.bytes : 0,
            i);
    hl_top_finish(&top);
    if (hl_view_rows(out, "sites", columns, COLUMNS, top.n, top.offered - top.n, arena, err))
        return err->status;
    out->title = top.n ? "lines: those that have more in use" : "lines: none has more in use";
    for (uint32_t i = 0; i < top.n; i++) {
        const hl_site_change *x = &all[top.items[i].id];
        hl_cell *row = hl_view_row(out, i);
        row[0].text = x->where;
        row[1].text = x->file;
        row[2].number = x->line ? (int64_t)x->line : HL_CELL_NONE;
        row[3].text = x->function;
        row[4].number = (int64_t)x->now.blocks;
        row[5].number = (int64_t)(x->now.blocks - x->then.blocks);
        row[6].number = (int64_t)x->now.bytes;
        row[7].number = (int64_t)(x->now.bytes - x->then.bytes);
    }
    return HL_OK;
}
