/* snapshot/snap_survey.c: what was looked for beside the rows: the threads, and leaves that are
 * equal.
 *
 * Room   snapshot; analyser process.
 * Takes  a loader whose ids, names and types are known.   Gives  threads and dups, in the
 *        snapshot's arena. A holder that has no row is left out: it names nothing. */
#define _GNU_SOURCE
#include "snapshot/snap_load.h"

#include <inttypes.h>

enum { THREAD_BYTES_MIN = 6, DUP_BYTES_MIN = 6 };

static hl_status corrupt(hl_snap_loader *l, enum hl_snap_column c, const char *what, uint64_t at)
{
    return hl_err_set(l->err, HL_CORRUPT, "column %s: %s (%" PRIu64 ")", hl_column_name(c), what,
                      at);
}

static void *table(hl_snap_loader *l, enum hl_snap_column c, unsigned bytes, size_t size)
{
    if (l->raw[c] / bytes > UINT32_MAX) {
        (void)!corrupt(l, c, "too many entries", l->raw[c]);
        return NULL;
    }
    return hl_loader_array(l, l->raw[c] / bytes, size);
}

hl_status hl_loader_threads(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->threads = table(l, HL_COL_THREAD, THREAD_BYTES_MIN, sizeof *s->threads);
    if (!s->threads)
        return l->err->status;
    hl_column_reader r;
    bool bad = false;
    hl_loader_column(l, HL_COL_THREAD, 0, &r);
    while (!hl_column_done(&r) && s->n_threads < l->raw[HL_COL_THREAD] / THREAD_BYTES_MIN) {
        hl_snap_thread *t = &s->threads[s->n_threads++];
        t->index = hl_column_take32(&r, UINT32_MAX);
        t->ident = hl_column_take(&r);
        t->native = hl_column_take(&r);
        uint64_t link = hl_column_take(&r);
        t->node = link ? hl_loader_row(l, link - 1) : HL_NO_NODE;
        uint64_t name = hl_column_take(&r);
        bad |= name >= s->n_names;
        t->name = name < s->n_names ? (hl_name)name : 0;
        t->flags = hl_column_take32(&r, 0);
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return bad ? corrupt(l, HL_COL_THREAD, "a name that is not in the table", s->n_threads) : HL_OK;
}

static hl_status load_dups(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    uint64_t most = l->raw[HL_COL_DUP] / DUP_BYTES_MIN, most_holders = l->raw[HL_COL_DUP] / 2;
    s->dups = table(l, HL_COL_DUP, DUP_BYTES_MIN, sizeof *s->dups);
    s->dup_holders = s->dups ? table(l, HL_COL_DUP, 2, sizeof *s->dup_holders) : NULL;
    if (!s->dup_holders)
        return l->err->status;
    uint32_t limit[16];
    bool bad = false;
    hl_column_reader r;
    hl_loader_label_limits(s, limit);
    hl_loader_column(l, HL_COL_DUP, 0, &r);
    while (!hl_column_done(&r) && s->n_dups < most) {
        hl_snap_dup d = {.holders = s->n_dup_holders};
        d.type = hl_column_take32(&r, UINT32_MAX);
        d.len = hl_column_take(&r);
        d.bytes = hl_column_take(&r);
        d.copies = hl_column_take(&r);
        d.seen = hl_column_take(&r);
        uint64_t n = hl_column_take(&r);
        if (n > most_holders - s->n_dup_holders)
            return corrupt(l, HL_COL_DUP, "more holders than the column has", s->n_dups);
        while (n--) {
            hl_node node = hl_loader_row(l, hl_column_take(&r));
            uint64_t label = hl_column_take(&r);
            bad |= label > UINT32_MAX || label >> 4 >= limit[label & 15];
            if (node != HL_NO_NODE)
                s->dup_holders[s->n_dup_holders++] = (hl_snap_dup_holder){node, (hl_label)label};
        }
        d.n_holders = s->n_dup_holders - d.holders;
        bad |= d.type >= s->n_types;
        s->dups[s->n_dups++] = d;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return bad ? corrupt(l, HL_COL_DUP, "a name or type that is not in the table", s->n_dups)
               : HL_OK;
}

hl_status hl_loader_surveys(hl_snap_loader *l)
{
    return hl_loader_threads(l) ? l->err->status : load_dups(l);
}
