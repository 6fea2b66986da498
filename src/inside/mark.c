/* inside/mark.c: the conservative mark (mark.h).
 *
 * Room   inside; the cloned child; memory from rt's pages.
 * Speed  most of the time goes into waiting for memory, of which each pointer needs three lines: those that
 *        tell its block, where that lies, and what is in it. So there are three rings, in each of which
 *        some wait while their line is fetched. */
#include "inside/mark.h"

#include "rt/rt.h"

#include <string.h>

enum {
    PAGE_BITS = 12,
    GRANULE = 16,
    QUARTERS = 4, /* of a page, 64 granules each */
    LEAF_BITS = 12,
    MID_BITS = 12,
    TOP_BITS = 11, /* 47 bits of address in all */
    RING = 16,     /* a power of two */
    WHOLE = 1u << 31,
    SPARSE = 128 * 1024, /* of a block from so many bytes on it is asked which pages are there */
    ASKED = 4096,        /* pages, at once */
};
#define PAGE          ((size_t)1 << PAGE_BITS)
#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define FOREIGN_BYTES __attribute__((no_sanitize("address", "thread")))

/* Of pages in which a block begins. One that lies within a block has in its place WHOLE and the block. */
struct hl_mark_page {
    uint64_t starts[QUARTERS];
    uint32_t before[QUARTERS]; /* blocks that begin before each quarter */
    uint32_t unused[4];
};
_Static_assert(sizeof(hl_mark_page) == 64, "one line of cache");

typedef struct seen {
    uintptr_t pointer; /* 0: nothing waits here */
    uintptr_t word;    /* where it lies, */
    uint32_t from;     /* in this block, or in a root */
    uint32_t block;    /* that it seems to lead to */
} seen;

struct hl_mark_wait {
    seen words[RING], blocks[RING];
    uint32_t found[RING]; /* 1 + block */
    uint32_t n_words, n_blocks, n_found;
};

/* ---- order ------------------------------------------------------------------------------------- */

static size_t run_end(const hl_mark_block *b, size_t from, size_t n)
{
    size_t i = from + 1;
    while (i < n && b[i - 1].at <= b[i].at)
        i++;
    return i < n ? i : n;
}

static void merge(const hl_mark_block *a, size_t n_a, const hl_mark_block *b, size_t n_b,
                  hl_mark_block *to)
{
    size_t i = 0, k = 0;
    while (i < n_a && k < n_b)
        *to++ = a[i].at <= b[k].at ? a[i++] : b[k++];
    memcpy(to, a + i, (n_a - i) * sizeof *a);
    memcpy(to + (n_a - i), b + k, (n_b - k) * sizeof *b);
}

/* They come in long runs that are in order: heaps, arenas. */
void hl_mark_sort(hl_mark_block *blocks, size_t n, hl_mark_block *spare)
{
    hl_mark_block *from = blocks, *to = spare;
    while (run_end(from, 0, n) < n) {
        for (size_t at = 0; at < n;) {
            size_t middle = run_end(from, at, n), end = middle < n ? run_end(from, middle, n) : n;
            merge(from + at, middle - at, from + middle, end - middle, to + at);
            at = end;
        }
        hl_mark_block *other = from;
        from = to;
        to = other;
    }
    if (from != blocks)
        memcpy(blocks, from, n * sizeof *blocks);
}

/* ---- where blocks lie -------------------------------------------------------------------------- */

static inline uintptr_t end_of(const hl_mark_block *b)
{
    return b->at + (b->size ? b->size : 1);
}

static uint32_t *slot_of(hl_mark *m, uintptr_t page)
{
    uint32_t ***top = &m->top[page >> (LEAF_BITS + MID_BITS)];
    if (!*top && !(*top = hl_pages_map(sizeof **top << MID_BITS)))
        return NULL;
    uint32_t **mid = &(*top)[page >> LEAF_BITS & ((1u << MID_BITS) - 1)];
    if (!*mid && !(*mid = hl_pages_map(sizeof **mid << LEAF_BITS)))
        return NULL;
    return &(*mid)[page & ((1u << LEAF_BITS) - 1)];
}

/* 0: there is no block. */
static inline uint32_t entry_of(const hl_mark *m, uintptr_t page)
{
    if (UNLIKELY(page >> (LEAF_BITS + MID_BITS + TOP_BITS)))
        return 0;
    uint32_t **mid = m->top[page >> (LEAF_BITS + MID_BITS)];
    uint32_t *leaf = mid ? mid[page >> LEAF_BITS & ((1u << MID_BITS) - 1)] : NULL;
    return leaf ? leaf[page & ((1u << LEAF_BITS) - 1)] : 0;
}

static size_t pages_with_starts(const hl_mark *m)
{
    size_t n = 0;
    uintptr_t last = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        uintptr_t page = m->blocks[i].at >> PAGE_BITS;
        n += !n || page != last;
        last = page;
    }
    return n;
}

/* Records the places of the blocks in their pages. */
static bool place_blocks(hl_mark *m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        const hl_mark_block *b = &m->blocks[i];
        uintptr_t page = b->at >> PAGE_BITS, last = (end_of(b) - 1) >> PAGE_BITS;
        uint32_t *slot = slot_of(m, page);
        if (!slot)
            return false;
        if (!*slot || *slot & WHOLE) { /* the end of the one before: `before` leads to it, too */
            for (unsigned k = 0; k < QUARTERS; k++)
                m->records[n].before[k] = i;
            *slot = ++n;
        }
        unsigned granule = b->at / GRANULE & (PAGE / GRANULE - 1);
        hl_mark_page *p = &m->records[*slot - 1];
        p->starts[granule >> 6] |= UINT64_C(1) << (granule & 63);
        for (unsigned k = (granule >> 6) + 1; k < QUARTERS; k++)
            p->before[k] = i + 1;
        for (page++; page <= last; page++) {
            if (!(slot = slot_of(m, page)))
                return false;
            *slot = WHOLE | i;
        }
    }
    return true;
}

bool hl_mark_init(hl_mark *m, hl_mark_block *blocks, uint32_t n)
{
    *m = (hl_mark){.blocks = blocks, .n = n};
    m->top = hl_pages_map(sizeof *m->top << TOP_BITS);
    m->reached = hl_pages_map((n / 64 + 1) * sizeof *m->reached);
    m->holders = hl_pages_map((n + (size_t)1) * sizeof *m->holders);
    m->found = hl_pages_map((n + (size_t)1) * sizeof *m->found);
    m->wait = hl_pages_map(sizeof *m->wait);
    if (!m->top || !m->reached || !m->holders || !m->found || !m->wait || n >= WHOLE)
        return false;
    if (!n)
        return true;
    m->least = blocks[0].at;
    m->most = end_of(&blocks[n - 1]);
    m->records = hl_pages_map((pages_with_starts(m) + 1) * sizeof *m->records);
    return m->records && place_blocks(m);
}

void hl_mark_deinit(hl_mark *m)
{
    for (size_t i = 0; m->top && i < (size_t)1 << TOP_BITS; i++) {
        for (size_t k = 0; m->top[i] && k < (size_t)1 << MID_BITS; k++)
            hl_pages_unmap(m->top[i][k], sizeof *m->top[i][k] << LEAF_BITS);
        hl_pages_unmap(m->top[i], sizeof *m->top[i] << MID_BITS);
    }
    if (m->records)
        hl_pages_unmap(m->records, (pages_with_starts(m) + 1) * sizeof *m->records);
    hl_pages_unmap(m->top, sizeof *m->top << TOP_BITS);
    hl_pages_unmap(m->reached, (m->n / 64 + 1) * sizeof *m->reached);
    hl_pages_unmap(m->holders, (m->n + (size_t)1) * sizeof *m->holders);
    hl_pages_unmap(m->found, (m->n + (size_t)1) * sizeof *m->found);
    hl_pages_unmap(m->wait, sizeof *m->wait);
    *m = (hl_mark){.n = 0};
}

/* Without an instruction for it, which not every processor has, the compiler calls a function. */
static inline uint32_t count_bits(uint64_t v)
{
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(v * UINT64_C(0x0101010101010101) >> 56);
}

/* The last block that begins at or before an address; it may have ended before. */
static inline uint32_t candidate(const hl_mark *m, uint32_t entry, uintptr_t at)
{
    if (entry & WHOLE)
        return entry & ~WHOLE;
    const hl_mark_page *p = &m->records[entry - 1];
    unsigned granule = at / GRANULE & (PAGE / GRANULE - 1);
    uint64_t upto = p->starts[granule >> 6] & UINT64_MAX >> (63 - (granule & 63));
    return p->before[granule >> 6] + count_bits(upto) - 1; /* none: HL_MARK_NONE */
}

uint32_t hl_mark_find(const hl_mark *m, uintptr_t at)
{
    uint32_t entry = entry_of(m, at >> PAGE_BITS);
    uint32_t i = entry ? candidate(m, entry, at) : HL_MARK_NONE;
    if (i == HL_MARK_NONE || at < m->blocks[i].at || at >= end_of(&m->blocks[i]))
        return HL_MARK_NONE;
    return i;
}

/* ---- the mark ---------------------------------------------------------------------------------- */

static void reach(hl_mark *m, uint32_t i, uintptr_t word, uint32_t from)
{
    const hl_mark_block *b = &m->blocks[i];
    bool same = from != HL_MARK_NONE && b->group && m->blocks[from].group == b->group;
    m->reached[i >> 6] |= UINT64_C(1) << (i & 63);
    m->holders[i] = same ? m->holders[from] : word;
    if (b->group)
        m->found[m->n_found++] = i;
    else
        m->found[m->n - ++m->n_later] = i;
}

static inline void settle(hl_mark *m, const seen *s)
{
    const hl_mark_block *b = &m->blocks[s->block];
    if (s->pointer && !hl_mark_reached(m, s->block) && s->pointer >= b->at + b->head &&
        s->pointer < end_of(b))
        reach(m, s->block, s->word, s->from);
}

static inline void find_block(hl_mark *m, seen s)
{
    uint32_t entry = entry_of(m, s.pointer >> PAGE_BITS); /* once more: it is in the cache */
    s.block = candidate(m, entry, s.pointer);
    if (s.block == HL_MARK_NONE || hl_mark_reached(m, s.block))
        return;
    __builtin_prefetch(&m->blocks[s.block]);
    __builtin_prefetch(&m->holders[s.block], 1);
    seen *oldest = &m->wait->blocks[m->wait->n_blocks++ & (RING - 1)];
    settle(m, oldest);
    *oldest = s;
}

static inline void note(hl_mark *m, uintptr_t pointer, uintptr_t word, uint32_t from)
{
    uint32_t entry = entry_of(m, pointer >> PAGE_BITS);
    if (!entry)
        return;
    if (!(entry & WHOLE))
        __builtin_prefetch(&m->records[entry - 1]);
    seen *oldest = &m->wait->words[m->wait->n_words++ & (RING - 1)], was = *oldest;
    *oldest = (seen){.pointer = pointer, .word = word, .from = from};
    if (LIKELY(was.pointer))
        find_block(m, was);
}

static void empty_rings(hl_mark *m)
{
    for (uint32_t i = 0; i < RING; i++) {
        seen s = m->wait->words[i];
        m->wait->words[i].pointer = 0;
        if (s.pointer)
            find_block(m, s);
    }
    for (uint32_t i = 0; i < RING; i++) {
        settle(m, &m->wait->blocks[i]);
        m->wait->blocks[i].pointer = 0;
    }
}

FOREIGN_BYTES static void read_words(hl_mark *m, uintptr_t at, uintptr_t to, uint32_t from)
{
    uintptr_t least = m->least, span = m->most - m->least;
    for (; at < to; at += sizeof(uintptr_t)) {
        uintptr_t word = *(const uintptr_t *)at;
        if (UNLIKELY(word - least < span))
            note(m, word, at, from);
    }
}

static void read_range(hl_mark *m, uintptr_t at, uintptr_t to, uint32_t from)
{
    at = (at + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
    to &= ~(sizeof(uintptr_t) - 1);
    if (at >= to)
        return;
    if (!m->pages || (from != HL_MARK_NONE && to - at < SPARSE)) {
        m->read += to - at;
        read_words(m, at, to, from);
        return;
    }
    uint8_t there[ASKED];
    while (at < to) {
        uintptr_t first = at & ~(PAGE - 1);
        size_t n = (to - first + PAGE - 1) / PAGE;
        n = n < ASKED ? n : ASKED;
        m->pages(m->context, first, n, there);
        for (size_t i = 0; i < n && at < to; i++) {
            uintptr_t end = first + (i + 1) * PAGE < to ? first + (i + 1) * PAGE : to;
            if (there[i]) {
                m->read += end - at;
                read_words(m, at, end, from);
            }
            at = end;
        }
    }
}

/* The block whose turn it is after the newest that was found has got in line; 0: nobody waits. */
static uint32_t take_found(hl_mark *m, bool later)
{
    uint32_t next = 0;
    if (m->n_found || (later && m->n_later)) {
        next = 1 + (m->n_found ? m->found[--m->n_found] : m->found[m->n - m->n_later--]);
        uintptr_t at = m->blocks[next - 1].at;
        __builtin_prefetch((const void *)at);
        if (m->blocks[next - 1].size > 64)
            __builtin_prefetch((const void *)(at + 64));
    }
    uint32_t *oldest = &m->wait->found[m->wait->n_found++ & (RING - 1)], was = *oldest;
    *oldest = next;
    return was;
}

static void read_block(hl_mark *m, uint32_t i)
{
    const hl_mark_block *b = &m->blocks[i];
    uintptr_t at = b->at + b->skip * sizeof(uintptr_t), end = b->at + b->size;
    uintptr_t most = at + b->words * sizeof(uintptr_t);
    if (b->skip != HL_MARK_LEAF)
        read_range(m, at, b->words && most < end ? most : end, i);
}

static void go_on(hl_mark *m, bool later)
{
    for (unsigned idle = 0; idle <= RING;) {
        uint32_t i = take_found(m, later);
        idle = i ? 0 : idle + 1;
        if (i)
            read_block(m, i - 1);
        if (idle <= RING)
            continue;
        empty_rings(m);
        if (m->n_found || (later && m->n_later))
            idle = 0;
    }
}

void hl_mark_root(hl_mark *m, uintptr_t from, uintptr_t to)
{
    read_range(m, from, to, HL_MARK_NONE);
    go_on(m, false);
}

void hl_mark_go_on(hl_mark *m)
{
    go_on(m, true);
}

void hl_mark_reach(hl_mark *m, uint32_t i)
{
    if (hl_mark_reached(m, i))
        return;
    reach(m, i, 0, HL_MARK_NONE);
    go_on(m, true);
}
