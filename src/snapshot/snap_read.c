/* snapshot/snap_read.c: the rows and edges of one snapshot become arrays.
 *
 * Room   snapshot; analyser process.
 * Takes  hl_run and the number of a snapshot; its bytes are strangers.   Gives  hl_snap.
 * Knows  container, base.  Must not know  graph.
 * Method One column after another, a chunk at a time, straight into the final arrays. Provisional
 *        ids become rows through a bit map a page with running counts, which says a node's rank
 *        among all ids, and a table of the row of each rank; both are given back at the end, and
 *        nothing else is held besides the result.
 * An array is made when the column that fills it has been decoded or its claimed bytes could fill
 * it, so that a count that lies is a sentence and not a request for memory. */
#define _GNU_SOURCE
#include "snapshot/snap_load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* No object is larger than this; sums over a heap of liars should not wrap early. */
#define SIZE_CAP (UINT64_C(1) << 47)

static hl_status no_memory(hl_snap_loader *l)
{
    return hl_err_set(l->err, HL_NO_MEMORY,
                      "no memory for a snapshot of %u objects: "
                      "close other programs, or read it on a larger machine",
                      l->s->nodes);
}

static hl_status corrupt(hl_snap_loader *l, enum hl_snap_column c, const char *what, uint64_t at)
{
    return hl_err_set(l->err, HL_CORRUPT, "column %s: %s (at %" PRIu64 ")", hl_column_name(c), what,
                      at);
}

void *hl_loader_array(hl_snap_loader *l, uint64_t count, size_t size)
{
    void *p = count > SIZE_MAX ? NULL : hl_arena_array(&l->s->arena, (size_t)count, size);
    if (!p)
        (void)!no_memory(l);
    return p;
}

hl_status hl_loader_corrupt(hl_snap_loader *l, enum hl_snap_column c, const char *what, uint64_t at)
{
    return hl_err_set(l->err, HL_CORRUPT, "column %s: %s (%" PRIu64 ")", hl_column_name(c), what,
                      at);
}

void *hl_loader_entries(hl_snap_loader *l, enum hl_snap_column c, unsigned bytes, size_t size,
                        hl_column_reader *r, uint32_t *most)
{
    uint64_t n = l->raw[c] / bytes + 1;
    if (n >= UINT32_MAX) {
        (void)!hl_loader_corrupt(l, c, "too many entries", n);
        return NULL;
    }
    *most = (uint32_t)n;
    hl_loader_column(l, c, 0, r);
    return hl_loader_array(l, n, size);
}

void hl_loader_column(hl_snap_loader *l, enum hl_snap_column c, unsigned slot,
                      hl_column_reader *out)
{
    hl_column_open(out, l->file, c, (const hl_chunk *const *)l->chunks + l->first[c],
                   l->first[c + 1] - l->first[c], l->buffer[slot]);
}

/* Groups the snapshot's chunks by column and takes the readers' buffers. */
static hl_status gather(hl_snap_loader *l, const hl_run_body *b, const hl_snap_span *span)
{
    const hl_chunk *all;
    (void)hl_container_chunks(l->file, &all);
    const uint32_t *order = b->order + span->first;
    l->chunks = hl_loader_array(l, span->n, sizeof *l->chunks);
    if (!l->chunks)
        return l->err->status;
    uint32_t at[HL_COL_COUNT + 1] = {0}, largest = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < span->n; i++) {
            const hl_chunk *c = &all[order[i]];
            if (c->kind != HL_KIND_SNAP_COLUMN || c->column >= HL_COL_COUNT)
                continue; /* META, END, or of a later heaplens */
            if (pass) {
                l->chunks[at[c->column]++] = c;
                continue;
            }
            l->first[c->column + 1]++;
            l->raw[c->column] += c->raw_size;
            if (c->raw_size > largest)
                largest = c->raw_size;
        }
        for (unsigned c = 0; !pass && c < HL_COL_COUNT; c++)
            l->first[c + 1] += l->first[c];
        memcpy(at, l->first, sizeof at);
    }
    for (unsigned i = 0; i < 2; i++) {
        l->buffer[i] = hl_loader_array(l, (uint64_t)largest + HL_COLUMN_SLACK, 1);
        if (!l->buffer[i])
            return l->err->status;
    }
    return HL_OK;
}

/* Every row has a byte in each of these, every edge in two more. */
static hl_status check_totals(hl_snap_loader *l, const hl_snap_span *span)
{
    static const enum hl_snap_column full[] = {HL_COL_ID, HL_COL_FLAGS, HL_COL_TYPE, HL_COL_SIZE,
                                               HL_COL_REFCNT};
    for (unsigned i = 0; i < sizeof full / sizeof full[0]; i++)
        if (span->nodes > l->raw[full[i]] || span->nodes >= HL_NO_NODE)
            return hl_err_set(l->err, HL_CORRUPT,
                              "END claims %" PRIu64 " objects, column %s has %" PRIu64 " bytes",
                              span->nodes, hl_column_name(full[i]), l->raw[full[i]]);
    if (span->edges > l->raw[HL_COL_DST] || span->edges > l->raw[HL_COL_LABEL])
        return hl_err_set(l->err, HL_CORRUPT,
                          "END claims %" PRIu64 " references, columns DST and LABEL have %" PRIu64
                          " and %" PRIu64 " bytes",
                          span->edges, l->raw[HL_COL_DST], l->raw[HL_COL_LABEL]);
    if (span->edges >= UINT32_MAX)
        return hl_err_set(l->err, HL_UNSUPPORTED,
                          "%" PRIu64 " references: more than this heaplens can hold", span->edges);
    l->s->nodes = (uint32_t)span->nodes;
    l->s->edges = span->edges;
    return HL_OK;
}

static hl_status load_pages(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    s->page_key = hl_loader_array(l, l->raw[HL_COL_PAGE], sizeof *s->page_key);
    if (!s->page_key)
        return l->err->status;
    hl_loader_column(l, HL_COL_PAGE, 0, &r);
    enum { PAGES_MAX = 1 << 24 }; /* of 256 ids in 32 bits */
    while (!hl_column_done(&r)) {
        if (s->n_pages == PAGES_MAX)
            return corrupt(l, HL_COL_PAGE, "more pages than ids can name", s->n_pages);
        s->page_key[s->n_pages++] = hl_column_take_delta(&r);
    }
    return hl_column_end(&r, l->err);
}

/* Fills prov and the bit maps. */
static hl_status mark_ids(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_ID, 0, &r);
    for (uint32_t v = 0; v < s->nodes; v++) {
        uint64_t id = hl_column_take_delta(&r), page = id >> 8;
        uint64_t bit = UINT64_C(1) << (id & 63);
        uint64_t *word = page < s->n_pages ? &l->pages[page].bits[id >> 6 & 3] : NULL;
        if (!word || *word & bit)
            return hl_column_failed(&r, l->err)
                       ? l->err->status
                       : corrupt(l, HL_COL_ID, "an id twice, or of a page that is not there", id);
        *word |= bit;
        s->prov[v] = (uint32_t)id;
    }
    return hl_column_end(&r, l->err);
}

static hl_status load_ids(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->prov = hl_loader_array(l, s->nodes, sizeof *s->prov);
    l->pages = s->prov ? hl_loader_array(l, s->n_pages, sizeof *l->pages) : NULL;
    if (!l->pages || mark_ids(l))
        return l->err->status;
    uint32_t before = 0;
    for (uint32_t p = 0; p < s->n_pages; p++) {
        hl_id_page *page = &l->pages[p];
        page->before = before;
        unsigned in_page = 0;
        for (unsigned w = 0; w < 4; w++) {
            page->in_page[w] = (uint8_t)in_page;
            in_page += (unsigned)__builtin_popcountll(page->bits[w]);
        }
        before += in_page;
    }
    return HL_OK;
}

/* Needs the ids complete: a row's rank is known only then. */
static hl_status load_ranks(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    l->row_of = hl_loader_array(l, s->nodes, sizeof *l->row_of);
    if (!l->row_of)
        return l->err->status;
    for (uint32_t v = 0; v < s->nodes; v++) {
        const hl_id_page *p = &l->pages[s->prov[v] >> 8];
        unsigned word = s->prov[v] >> 6 & 3;
        uint64_t below = (UINT64_C(1) << (s->prov[v] & 63)) - 1;
        l->row_of[p->before + p->in_page[word] +
                  (unsigned)__builtin_popcountll(p->bits[word] & below)] = v;
    }
    return HL_OK;
}

/* FLAGS, TYPE. Until finish_flags, flag holds the file's enum hl_row_flag. */
static hl_status load_rows(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    uint32_t n = s->nodes;
    s->flag = hl_loader_array(l, n, sizeof *s->flag);
    s->type = s->flag ? hl_loader_array(l, n, sizeof *s->type) : NULL;
    if (!s->type)
        return l->err->status;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_FLAGS, 0, &r);
    for (uint32_t v = 0; v < n; v++)
        s->flag[v] = (uint8_t)hl_column_take(&r);
    if (hl_column_end(&r, l->err))
        return l->err->status;
    hl_loader_column(l, HL_COL_TYPE, 0, &r);
    uint32_t worst = 0;
    for (uint32_t v = 0; v < n; v++) {
        uint32_t t = hl_column_take32(&r, UINT32_MAX);
        s->type[v] = t;
        worst = t > worst ? t : worst;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    if (n && worst >= s->n_types)
        return corrupt(l, HL_COL_TYPE, "a type that is not in the table", worst);
    return HL_OK;
}

/* SIZE, to which the memory outside is added, REFCNT, LEN. */
static hl_status load_numbers(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    hl_arena *arena = &s->arena;
    uint32_t n = s->nodes, extras = 0;
    bool fits = true;
    s->size.at = hl_loader_array(l, n, sizeof *s->size.at);
    s->refcnt.at = s->size.at ? hl_loader_array(l, n, sizeof *s->refcnt.at) : NULL;
    s->len.at = s->refcnt.at ? hl_loader_array(l, n, sizeof *s->len.at) : NULL;
    if (!s->len.at)
        return l->err->status;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_SIZE, 0, &r);
    for (uint32_t v = 0; v < n; v++) {
        uint64_t size = hl_column_take(&r);
        size = size < SIZE_CAP ? size : SIZE_CAP;
        if (s->flag[v] & (HL_ROW_CAP | HL_ROW_EXT))
            size += s->extra[extras++].ext;
        fits &= hl_narrow16_put(&s->size, v, size, arena);
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    hl_loader_column(l, HL_COL_REFCNT, 0, &r);
    for (uint32_t v = 0; v < n; v++)
        fits &= hl_narrow8_put(&s->refcnt, v, hl_column_take32(&r, UINT32_MAX), arena);
    if (hl_column_end(&r, l->err))
        return l->err->status;
    hl_loader_column(l, HL_COL_LEN, 0, &r);
    for (uint32_t v = 0; v < n; v++) {
        if (!(s->flag[v] & HL_ROW_LEN))
            continue;
        uint64_t len = hl_column_take(&r);
        fits &= hl_narrow8_put(&s->len, v, (len < INT32_MAX ? len : INT32_MAX) + 1, arena);
    }
    return hl_column_end(&r, l->err) ? l->err->status : fits ? HL_OK : no_memory(l);
}

static hl_status load_extra(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    uint32_t n = 0;
    for (uint32_t v = 0; v < s->nodes; v++)
        n += (s->flag[v] & (HL_ROW_CAP | HL_ROW_EXT)) != 0;
    s->extra = hl_loader_array(l, n, sizeof *s->extra);
    if (!s->extra)
        return l->err->status;
    hl_column_reader cap, ext;
    hl_loader_column(l, HL_COL_CAP, 0, &cap);
    hl_loader_column(l, HL_COL_EXT, 1, &ext);
    for (uint32_t v = 0; v < s->nodes; v++) {
        unsigned f = s->flag[v];
        if (!(f & (HL_ROW_CAP | HL_ROW_EXT)))
            continue;
        hl_snap_extra *x = &s->extra[s->n_extra++];
        x->node = v;
        x->bounded = (f & HL_ROW_BOUNDED) != 0;
        if (f & HL_ROW_CAP)
            x->cap = hl_column_take(&cap);
        if (f & HL_ROW_EXT) {
            uint64_t bytes = hl_column_take(&ext);
            x->ext = bytes < SIZE_CAP ? bytes : SIZE_CAP;
        }
    }
    return hl_column_end(&cap, l->err) ? l->err->status : hl_column_end(&ext, l->err);
}

static hl_status load_folds(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    enum { FOLD_BYTES_MIN = 3 }; /* three varints a fold */
    uint64_t most = l->raw[HL_COL_FOLD] / FOLD_BYTES_MIN;
    if (most > UINT32_MAX)
        return corrupt(l, HL_COL_FOLD, "too many rows", most);
    s->folds = hl_loader_array(l, most, sizeof *s->folds);
    if (!s->folds)
        return l->err->status;
    hl_column_reader count, fold;
    hl_loader_column(l, HL_COL_NFOLD, 0, &count);
    hl_loader_column(l, HL_COL_FOLD, 1, &fold);
    for (uint32_t v = 0; v < s->nodes; v++) {
        if (!(s->flag[v] & HL_ROW_FOLDS))
            continue;
        uint64_t n = hl_column_take(&count);
        if (n > most - s->n_folds)
            return corrupt(l, HL_COL_NFOLD, "more folds than column FOLD has", v);
        while (n--) {
            hl_snap_fold f = {.node = v, .type = hl_column_take32(&fold, UINT32_MAX)};
            f.objects = hl_column_take(&fold);
            f.bytes = hl_column_take(&fold);
            if (f.type >= s->n_types) {
                if (hl_column_failed(&fold, l->err))
                    return l->err->status;
                return corrupt(l, HL_COL_FOLD, "a type that is not in the table", f.type);
            }
            f.objects = f.objects < SIZE_CAP ? f.objects : SIZE_CAP;
            f.bytes = f.bytes < SIZE_CAP ? f.bytes : SIZE_CAP;
            if (!hl_snap_fold_put(s, f))
                return no_memory(l);
        }
    }
    return hl_column_end(&count, l->err) ? l->err->status : hl_column_end(&fold, l->err);
}

/* Puts each row's number of edges into off[row + 1]. */
static hl_status load_degrees(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->off = hl_loader_array(l, (uint64_t)s->nodes + 1, sizeof *s->off);
    if (!s->off)
        return l->err->status;
    hl_column_reader r;
    hl_loader_column(l, HL_COL_NEDGE, 0, &r);
    uint64_t left = s->edges;
    for (uint32_t v = 0; v < s->nodes; v++) {
        if (!(s->flag[v] & HL_ROW_EDGES))
            continue;
        uint64_t n = hl_column_take(&r);
        if (n > left)
            return corrupt(l, HL_COL_NEDGE, "more references than END claims", v);
        left -= n;
        s->off[v + 1] = (uint32_t)n;
    }
    if (hl_column_end(&r, l->err))
        return l->err->status;
    return left ? corrupt(l, HL_COL_NEDGE, "fewer references than END claims", s->edges - left)
                : HL_OK;
}

void hl_loader_label_limits(const hl_snap *s, uint32_t limit[16])
{
    for (unsigned k = 0; k < 16; k++)
        limit[k] = UINT32_MAX;
    limit[HL_LABEL_NAMED] = limit[HL_LABEL_ATTR] = limit[HL_LABEL_SLOT] = limit[HL_LABEL_KEY] =
        limit[HL_LABEL_LOCAL] = s->n_names;
    limit[HL_LABEL_VALUE] = s->n_types;
}

/* The walker may have met a reference and then failed to read what it leads to: such an edge has
 * no row to point at and is left out, counted. */
static hl_status load_edges(hl_snap_loader *l)
{
    hl_snap *s = l->s;
    s->dst = hl_loader_array(l, s->edges, sizeof *s->dst);
    s->label = s->dst ? hl_loader_array(l, s->edges, sizeof *s->label) : NULL;
    if (!s->label)
        return l->err->status;
    uint32_t limit[16], kept = 0;
    hl_loader_label_limits(s, limit);
    bool bad = false;
    hl_column_reader dst, label;
    hl_loader_column(l, HL_COL_DST, 0, &dst);
    hl_loader_column(l, HL_COL_LABEL, 1, &label);
    for (uint32_t v = 0; v < s->nodes; v++) {
        for (uint32_t n = s->off[v + 1]; n; n--) {
            hl_node to = hl_loader_row(l, hl_column_take_delta(&dst));
            uint64_t lab = hl_column_take(&label);
            bad |= lab >> 4 >= limit[lab & 15];
            s->dst[kept] = to;
            s->label[kept] = (hl_label)lab;
            kept += to != HL_NO_NODE;
        }
        s->off[v + 1] = kept;
    }
    if (hl_column_end(&dst, l->err) || hl_column_end(&label, l->err))
        return l->err->status;
    if (bad)
        return corrupt(l, HL_COL_LABEL, "a name or type that is not in the table", 0);
    s->info.skipped += s->edges - kept;
    s->edges = kept;
    return HL_OK;
}

static void finish_flags(hl_snap *s)
{
    for (uint32_t v = 0; v < s->nodes; v++) {
        unsigned row = s->flag[v];
        s->flag[v] = (uint8_t)((row & HL_ROW_TRACKED ? HL_NODE_TRACKED : 0) |
                               (row & HL_ROW_OPAQUE ? HL_NODE_OPAQUE : 0) |
                               (row & (HL_ROW_CAP | HL_ROW_EXT) ? HL_NODE_EXTRA : 0) |
                               (hl_snap_refcnt(s, v) ? 0 : HL_NODE_IMMORTAL));
    }
}

static hl_status load_members(hl_snap_loader *l, enum hl_snap_column c, enum hl_node_flag flag)
{
    hl_column_reader r;
    hl_loader_column(l, c, 0, &r);
    while (!hl_column_done(&r)) {
        hl_node v = hl_loader_row(l, hl_column_take_delta(&r));
        if (v != HL_NO_NODE)
            l->s->flag[v] |= (uint8_t)flag;
    }
    return hl_column_end(&r, l->err);
}

static hl_status copy_info(hl_snap_loader *l, const hl_snap_info *info)
{
    hl_snap_info *to = &l->s->info;
    *to = *info;
    to->reason = hl_arena_copy(&l->s->arena, info->reason, strlen(info->reason));
    to->python = hl_arena_copy(&l->s->arena, info->python, strlen(info->python));
    to->program = hl_arena_copy(&l->s->arena, info->program, strlen(info->program));
    return to->reason && to->python && to->program ? HL_OK : no_memory(l);
}

static hl_status load(hl_snap_loader *l, const hl_run_body *b, uint32_t i)
{
    const hl_snap_span *span = &b->spans[i];
    if (copy_info(l, &b->run.snaps[i]) || gather(l, b, span) || check_totals(l, span) ||
        load_pages(l) || load_ids(l) || load_ranks(l) || hl_loader_names(l) || hl_loader_types(l) ||
        load_rows(l) || load_extra(l) || load_numbers(l) || load_folds(l) || load_degrees(l) ||
        load_edges(l))
        return l->err->status;
    finish_flags(l->s);
    if (load_members(l, HL_COL_GEN0, HL_NODE_GEN0) || load_members(l, HL_COL_GEN1, HL_NODE_GEN1) ||
        load_members(l, HL_COL_FROZEN, HL_NODE_FROZEN) ||
        load_members(l, HL_COL_STATIC, HL_NODE_STATIC) || hl_loader_tables(l) ||
        hl_loader_surveys(l) || hl_loader_sites(l) || hl_loader_native(l) || hl_loader_mark(l) ||
        hl_loader_mark_nodes(l) || hl_loader_made(l))
        return l->err->status;
    hl_arena_release(&l->s->arena, l->pages);
    hl_arena_release(&l->s->arena, l->row_of);
    hl_arena_release(&l->s->arena, l->buffer[0]);
    hl_arena_release(&l->s->arena, l->buffer[1]);
    return HL_OK;
}

static hl_status load_parts(hl_snap_loader *l, const hl_run_body *b, uint32_t i, unsigned parts)
{
    const hl_snap_span *span = &b->spans[i];
    if (copy_info(l, &b->run.snaps[i]) || gather(l, b, span) || hl_loader_names(l) ||
        hl_loader_types(l) || hl_loader_threads(l))
        return l->err->status;
    if (parts & HL_PART_SIZES && (check_totals(l, span) || load_rows(l) || load_extra(l) ||
                                  load_numbers(l) || load_folds(l)))
        return l->err->status;
    if (parts & HL_PART_SIZES)
        finish_flags(l->s);
    if (parts & HL_PART_SITES && (hl_loader_sites(l) || hl_loader_native(l) || hl_loader_mark(l)))
        return l->err->status;
    if (parts & HL_PART_MADE && hl_loader_made(l))
        return l->err->status;
    l->s->edges = 0;
    hl_arena_release(&l->s->arena, l->buffer[0]);
    hl_arena_release(&l->s->arena, l->buffer[1]);
    return HL_OK;
}

/* parts 0: all of it. */
static hl_status load_some(hl_run *run, uint32_t i, unsigned parts, hl_snap **out, hl_err *err)
{
    if (i >= run->n_snaps)
        return hl_err_set(err, HL_NOT_FOUND, "%s has %u snapshots; there is no number %u",
                          run->path, run->n_snaps, i);
    hl_snap *s = calloc(1, sizeof *s);
    if (!s)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for a snapshot");
    hl_arena_init(&s->arena);
    hl_snap_loader l = {.file = run->file, .path = run->path, .s = s, .err = err};
    const hl_run_body *body = (const hl_run_body *)run;
    hl_status status = parts ? load_parts(&l, body, i, parts) : load(&l, body, i);
    if (!status && !parts && (hl_snap_check(s, err) || hl_snap_settle_guesses(s, err)))
        status = err->status;
    if (status) {
        (void)!hl_err_note(err, "snapshot %u of %s", i + 1, run->path);
        hl_snap_destroy(s);
        return err->status;
    }
    *out = s;
    return HL_OK;
}

hl_status hl_snap_load(hl_run *run, uint32_t i, hl_snap **out, hl_err *err)
{
    return load_some(run, i, 0, out, err);
}

hl_status hl_snap_load_parts(hl_run *run, uint32_t i, unsigned parts, hl_snap **out, hl_err *err)
{
    return load_some(run, i, parts, out, err);
}

void hl_snap_destroy(hl_snap *snap)
{
    if (!snap)
        return;
    hl_arena_deinit(&snap->arena);
    free(snap);
}
