/* snapshot/snap_load.h: what the files that read snapshots share.
 *
 * Room   snapshot; analyser process; for its own files only. */
#ifndef HL_SNAP_LOAD_H
#define HL_SNAP_LOAD_H

#include "snapshot/snap_column.h"
#include "snapshot/snapshot.h"

/* A whole snapshot's place in its file, beside run->snaps[i]. */
typedef struct hl_snap_span {
    uint32_t first, n;     /* in hl_run_body.order */
    uint64_t nodes, edges; /* as END claims */
} hl_snap_span;

typedef struct hl_run_body {
    hl_run run;
    uint32_t *order;     /* arena; chunk indices by stream, then place */
    hl_snap_span *spans; /* arena; beside run.snaps */
    uint32_t n_broken;   /* of run.n_torn: finished, but not all of it is there */
    char first_problem[HL_ERR_TEXT];
} hl_run_body;

/* Provisional ids to rows: a bit map a page, counted, and the row of each set bit in turn. */
typedef struct hl_id_page {
    uint64_t bits[4];
    uint32_t before;    /* bits set in earlier pages                */
    uint8_t in_page[4]; /* bits set in earlier words of this page   */
} hl_id_page;

typedef struct hl_snap_loader {
    hl_container *file; /* borrowed */
    const char *path;   /* borrowed */
    hl_snap *s;
    const hl_chunk **chunks; /* arena; of this snapshot, by column */
    uint32_t first[HL_COL_COUNT + 1];
    uint64_t raw[HL_COL_COUNT]; /* bytes of each column, as its chunks claim */
    uint8_t *buffer[2];         /* for the column readers; two are open at most */
    hl_id_page *pages;          /* beside s->page_key */
    uint32_t *row_of;           /* by rank */
    hl_err *err;
} hl_snap_loader;

static inline hl_node hl_loader_row(const hl_snap_loader *l, uint64_t prov)
{
    uint64_t page = prov >> 8;
    if (__builtin_expect(page >= l->s->n_pages, 0))
        return HL_NO_NODE;
    const hl_id_page *p = &l->pages[page];
    unsigned word = (unsigned)prov >> 6 & 3;
    uint64_t bit = UINT64_C(1) << (prov & 63);
    if (__builtin_expect(!(p->bits[word] & bit), 0))
        return HL_NO_NODE;
    return l->row_of[p->before + p->in_page[word] +
                     (unsigned)__builtin_popcountll(p->bits[word] & (bit - 1))];
}

/* Opens a column in buffer `slot`. */
void hl_loader_column(hl_snap_loader *l, enum hl_snap_column c, unsigned slot,
                      hl_column_reader *out);
/* count values of size bytes, in the snapshot's arena; NULL, with the sentence, without memory. */
void *hl_loader_array(hl_snap_loader *l, uint64_t count, size_t size);
/* Opens column c in buffer 0; an array for as many entries of `size` as its bytes can hold, of which each
 * takes `bytes` at least, and one before them. NULL, with the sentence: too many, or no memory. */
void *hl_loader_entries(hl_snap_loader *l, enum hl_snap_column c, unsigned bytes, size_t size,
                        hl_column_reader *r, uint32_t *most);
/* The sentence: column c has `what`, at its entry `at`. */
hl_status hl_loader_corrupt(hl_snap_loader *l, enum hl_snap_column c, const char *what,
                            uint64_t at);
/* The next value, if it is below limit; else 0, and *bad. */
static inline uint32_t hl_column_take_below(hl_column_reader *r, uint64_t limit, bool *bad)
{
    uint64_t v = hl_column_take(r);
    *bad |= v >= limit;
    return v < limit ? (uint32_t)v : 0;
}
static inline hl_amount hl_column_take_amount(hl_column_reader *r)
{
    hl_amount a = {.blocks = hl_column_take(r)};
    a.bytes = hl_column_take(r);
    return a;
}

/* Names, types, code, uses, roots, keys (snap_tables.c). Names and types come first: edges and
 * folds refer to them. */
hl_status hl_loader_names(hl_snap_loader *l) HL_MUST_CHECK;
hl_status hl_loader_types(hl_snap_loader *l) HL_MUST_CHECK;
hl_status hl_loader_tables(hl_snap_loader *l) HL_MUST_CHECK;
/* Threads and duplicates (snap_survey.c). */
hl_status hl_loader_surveys(hl_snap_loader *l) HL_MUST_CHECK;
/* The threads alone. */
hl_status hl_loader_threads(hl_snap_loader *l) HL_MUST_CHECK;
/* Where memory was asked for, and what was made there (snap_sites.c). */
hl_status hl_loader_sites(hl_snap_loader *l) HL_MUST_CHECK;
hl_status hl_loader_made(hl_snap_loader *l) HL_MUST_CHECK;
/* Modules, native stacks, their blocks (snap_native.c). */
hl_status hl_loader_native(hl_snap_loader *l) HL_MUST_CHECK;
/* What nothing leads to, and holders of the rest (snap_mark.c); then those of nodes. */
hl_status hl_loader_mark(hl_snap_loader *l) HL_MUST_CHECK;
hl_status hl_loader_mark_nodes(hl_snap_loader *l) HL_MUST_CHECK;
/* Label values below these are in range, by kind. */
void hl_loader_label_limits(const hl_snap *s, uint32_t limit[16]);

/* Makes n bytes from outside a text: what is not UTF-8 becomes '?'. */
void hl_snap_text_mend(char *s, size_t n);
/* Length of the valid UTF-8 character at s, or 0. */
unsigned hl_snap_text_char(const char *s, const char *end);

/* snap_guess.c: what opaque objects only seem to own is no reference. */
hl_status hl_snap_settle_guesses(hl_snap *s, hl_err *err) HL_MUST_CHECK;

#endif
