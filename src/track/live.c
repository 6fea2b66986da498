/* track/live.c: the slow halves of the map of live blocks, and walks over it.
 *
 * Room   track; target, inside malloc; walks also in the cloned child.
 * Takes  addresses.   Gives  words (live.h).
 * Knows  rt.  Must not know  Python, stacks.
 * Method Leaves are cut from slabs, so that a large heap is a few mappings and not thousands, and a
 *        list of leaves spares walks the directories. Pages of a leaf that no block ever touched
 *        are asked for of the kernel (pagemap) and skipped: reading them would make them exist. */
#define _GNU_SOURCE
#include "track/live.h"

#include "rt/rt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    LEAF_BYTES = HL_LIVE_LEAF_WORDS * (int)sizeof(uint64_t),
    LEAF_PAGES = LEAF_BYTES / PAGE,
    PAGE_WORDS = PAGE / (int)sizeof(uint64_t),
    SLAB_LEAVES = 64,
    LEAVES_FIRST = 512,
    ASIDE_FIRST = 256,
    GONE = 1,
};

/* ---- leaves ----------------------------------------------------------------------------------
 */

static void *pages(hl_live *m, size_t n)
{
    void *p = hl_pages_map(n);
    if (p)
        m->bytes += n;
    return p;
}

static uint64_t *cut_leaf(hl_live *m)
{
    if (m->slab == m->slab_end) {
        size_t n = (size_t)SLAB_LEAVES * LEAF_BYTES;
        char *slab = hl_pages_map(n);
        if (!slab) { /* an address space with a limit: one at a time */
            n = LEAF_BYTES;
            slab = hl_pages_map(n);
        }
        if (!slab)
            return NULL;
        (void)madvise(slab, n, MADV_NOHUGEPAGE); /* sparse: a page where a page is needed */
        m->slab = slab;
        m->slab_end = slab + n;
        m->bytes += n;
    }
    m->slab += LEAF_BYTES;
    return (uint64_t *)(void *)(m->slab - LEAF_BYTES);
}

static bool list_leaf(hl_live *m, uintptr_t base, uint64_t *words)
{
    if (m->n_leaves == m->room_leaves) {
        size_t room = m->room_leaves ? 2 * m->room_leaves : LEAVES_FIRST;
        hl_live_leaf *wider = pages(m, room * sizeof *wider);
        if (!wider)
            return false;
        if (m->n_leaves)
            memcpy(wider, m->leaves, m->n_leaves * sizeof *wider);
        /* a walk may be reading the old list: it stays, all of them together as large as this one */
        __atomic_store_n(&m->leaves, wider, __ATOMIC_RELEASE);
        m->room_leaves = room;
    }
    m->leaves[m->n_leaves] = (hl_live_leaf){base, words};
    __atomic_store_n(&m->n_leaves, m->n_leaves + 1, __ATOMIC_RELEASE);
    return true;
}

/* The lock is held. NULL: no memory. */
static uint64_t *word_made(hl_live *m, uintptr_t at)
{
    uint64_t *word = hl_live_word(m, at);
    if (word)
        return word;
    uint64_t ***top = &m->top[at >> (HL_LIVE_LEAF_BITS + HL_LIVE_MID_BITS)];
    if (!*top) {
        uint64_t **mid = pages(m, sizeof *mid << HL_LIVE_MID_BITS);
        if (!mid)
            return NULL;
        __atomic_store_n(top, mid, __ATOMIC_RELEASE);
    }
    uint64_t *leaf = cut_leaf(m);
    uintptr_t base = at & ~(((uintptr_t)1 << HL_LIVE_LEAF_BITS) - 1);
    if (!leaf || !list_leaf(m, base, leaf))
        return NULL;
    __atomic_store_n(&(*top)[at >> HL_LIVE_LEAF_BITS & ((1 << HL_LIVE_MID_BITS) - 1)], leaf,
                     __ATOMIC_RELEASE);
    return hl_live_word(m, at);
}

/* ---- aside -----------------------------------------------------------------------------------
 */

static size_t aside_place(const hl_live *m, uintptr_t at)
{
    return (size_t)((uint64_t)at * 0x9E3779B97F4A7C15ull >> 20) & (m->room_aside - 1);
}

static hl_live_aside *aside_find(hl_live *m, uintptr_t at)
{
    if (!m->room_aside)
        return NULL;
    for (size_t h = aside_place(m, at); m->aside[h].at; h = (h + 1) & (m->room_aside - 1))
        if (m->aside[h].at == at)
            return &m->aside[h];
    return NULL;
}

static void aside_add(hl_live *m, hl_live_aside entry)
{
    size_t h = aside_place(m, entry.at);
    while (m->aside[h].at)
        h = (h + 1) & (m->room_aside - 1);
    m->aside[h] = entry;
    m->n_aside++;
    m->used_aside++;
}

static bool aside_room(hl_live *m)
{
    if (2 * (m->used_aside + 1) <= m->room_aside)
        return true;
    size_t old = m->room_aside, room = ASIDE_FIRST;
    while (room < 4 * (m->n_aside + 1))
        room *= 2;
    hl_live_aside *wider = hl_pages_map(room * sizeof *wider), *before = m->aside;
    if (!wider)
        return m->used_aside + 1 < old;
    m->bytes += (room - old) * sizeof *wider;
    m->aside = wider;
    m->room_aside = room;
    m->n_aside = m->used_aside = 0;
    for (size_t i = 0; i < old; i++)
        if (before[i].at > GONE)
            aside_add(m, before[i]);
    hl_pages_unmap(before, old * sizeof *before);
    return true;
}

/* The lock is held. false: no memory. */
static bool aside_put(hl_live *m, uintptr_t at, uint64_t by, size_t size)
{
    hl_live_aside *there = aside_find(m, at);
    if (there)
        *there = (hl_live_aside){at, by, size};
    else if (aside_room(m))
        aside_add(m, (hl_live_aside){at, by, size});
    else
        return false;
    return true;
}

void hl_live_put_slow(hl_live *m, uintptr_t at, uint64_t by, size_t size)
{
    int kept = errno;
    bool plain = !(at & ~HL_LIVE_PLAIN), done = true;
    hl_lock_take(&m->lock);
    uint64_t *word = plain ? word_made(m, at) : NULL;
    if (word && size < HL_LIVE_BIG) {
        *word = by << HL_LIVE_SIZE_BITS | size;
    } else if ((done = (word || !plain) && aside_put(m, at, by, size)) && word) {
        *word = by << HL_LIVE_SIZE_BITS | HL_LIVE_BIG;
    }
    m->lost += !done;
    hl_lock_give(&m->lock);
    errno = kept;
}

hl_live_block hl_live_take_slow(hl_live *m, uintptr_t at, bool keep)
{
    uint64_t *word = hl_live_word(m, at);
    hl_live_block b = {0, 0};
    if (word && (*word & HL_LIVE_BIG) != HL_LIVE_BIG) {
        b = (hl_live_block){*word >> HL_LIVE_SIZE_BITS, *word & HL_LIVE_BIG};
        if (!keep)
            *word = 0;
        return b;
    }
    if (!word && (!(at & ~HL_LIVE_PLAIN) || !m->room_aside))
        return b;
    int kept = errno;
    hl_lock_take(&m->lock);
    hl_live_aside *there = aside_find(m, at);
    if (there) {
        b = (hl_live_block){there->by, there->size};
        if (!keep) {
            *there = (hl_live_aside){.at = GONE};
            m->n_aside--;
        }
    }
    if (word && !keep)
        *word = 0;
    hl_lock_give(&m->lock);
    errno = kept;
    return b;
}

/* ---- walks -----------------------------------------------------------------------------------
 */

/* Which pages of a leaf hold anything: present, or swapped out. All of them where nobody says. */
static void touched(int pagemap, const uint64_t *words, bool yes[LEAF_PAGES])
{
    enum { ENTRY = 8 };
    uint64_t entries[LEAF_PAGES];
    off_t from = (off_t)((uintptr_t)words / PAGE * ENTRY);
    bool known = pagemap >= 0 && sysconf(_SC_PAGESIZE) == PAGE &&
                 pread(pagemap, entries, sizeof entries, from) == (ssize_t)sizeof entries;
    for (int i = 0; i < LEAF_PAGES; i++)
        yes[i] = !known || entries[i] >> 62 != 0;
}

/* base: of the leaf; place: of the page's first word in it. */
typedef void leaf_page(void *context, uintptr_t base, size_t place, uint64_t *words);

static void walk_pages(hl_live *m, leaf_page *page, void *context)
{
    int kept = errno, pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    /* later ones are of blocks made after the walk began */
    size_t n = __atomic_load_n(&m->n_leaves, __ATOMIC_ACQUIRE);
    const hl_live_leaf *leaves = __atomic_load_n(&m->leaves, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < n; i++) {
        bool yes[LEAF_PAGES];
        touched(pagemap, leaves[i].words, yes);
        for (int k = 0; k < LEAF_PAGES; k++)
            if (yes[k])
                page(context, leaves[i].base, (size_t)k * PAGE_WORDS,
                     leaves[i].words + (size_t)k * PAGE_WORDS);
    }
    if (pagemap >= 0)
        close(pagemap);
    errno = kept;
}

typedef struct walking {
    hl_live *m;
    hl_live_each *each;
    void *context;
} walking;

static void each_of_page(void *context, uintptr_t base, size_t place, uint64_t *words)
{
    const walking *w = context;
    for (size_t i = 0; i < PAGE_WORDS; i++) {
        uint64_t v = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
        if (v && (v & HL_LIVE_BIG) != HL_LIVE_BIG)
            w->each(w->context, base + hl_live_granule(place + i) * HL_LIVE_GRANULE,
                    v >> HL_LIVE_SIZE_BITS, v & HL_LIVE_BIG);
    }
}

void hl_live_walk(hl_live *m, hl_live_each *each, void *context)
{
    walking w = {m, each, context};
    walk_pages(m, each_of_page, &w);
    for (size_t i = 0; i < m->room_aside; i++)
        if (m->aside[i].at > GONE)
            each(context, m->aside[i].at, m->aside[i].by, m->aside[i].size);
}

static void count_page(void *bytes, uintptr_t base, size_t place, uint64_t *words)
{
    (void)base, (void)place, (void)words;
    *(uint64_t *)bytes += PAGE;
}

uint64_t hl_live_touched(hl_live *m)
{
    uint64_t bytes = 0;
    walk_pages(m, count_page, &bytes);
    return bytes + m->room_aside * sizeof *m->aside;
}

/* A block may go while its word is rewritten: then it stays gone. */
static void age_of_page(void *context, uintptr_t base, size_t place, uint64_t *words)
{
    for (size_t i = 0; i < PAGE_WORDS; i++) {
        uint64_t v = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
        if (v)
            (void)__atomic_compare_exchange_n(
                &words[i], &v,
                hl_made_aged(v >> HL_LIVE_SIZE_BITS) << HL_LIVE_SIZE_BITS | (v & HL_LIVE_BIG),
                false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

void hl_live_age(hl_live *m)
{
    walk_pages(m, age_of_page, NULL);
    hl_lock_take(&m->lock);
    for (size_t i = 0; i < m->room_aside; i++)
        if (m->aside[i].at > GONE)
            m->aside[i].by = hl_made_aged(m->aside[i].by);
    hl_lock_give(&m->lock);
}

void hl_live_clear(hl_live *m)
{
    for (size_t i = 0; i < m->n_leaves; i++)
        (void)madvise(m->leaves[i].words, LEAF_BYTES, MADV_DONTNEED);
    hl_pages_unmap(m->aside, m->room_aside * sizeof *m->aside);
    m->bytes -= m->room_aside * sizeof *m->aside;
    m->aside = NULL;
    m->n_aside = m->used_aside = m->room_aside = 0;
    m->lost = 0;
}

void hl_live_deinit(hl_live *m)
{
    for (size_t i = 0; i < m->n_leaves; i++)
        hl_pages_unmap(m->leaves[i].words, LEAF_BYTES);
    if (m->slab)
        hl_pages_unmap(m->slab, (size_t)(m->slab_end - m->slab));
    for (size_t i = 0; i < sizeof m->top / sizeof *m->top; i++)
        hl_pages_unmap(m->top[i], m->top[i] ? sizeof(uint64_t *) << HL_LIVE_MID_BITS : 0);
    hl_pages_unmap(m->leaves, m->room_leaves * sizeof *m->leaves);
    hl_pages_unmap(m->aside, m->room_aside * sizeof *m->aside);
    memset(m, 0, sizeof *m);
}
