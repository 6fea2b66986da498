/* inside/mark_blocks.c: every block of memory there is: malloc's, and the small ones of the interpreter.
 *
 * Room   inside; the cloned child; memory from rt's pages.
 * Takes  the preloaded library's map of live blocks, malloc's heaps, the interpreter's arenas, the
 *        tracker's samples.
 * Gives  blocks, and memory that leads nowhere by itself.
 * Method malloc's heaps are walked chunk by chunk: what is in use there and not in the map was taken before
 *        anybody noted it, or is free and waits in a thread's cache, to which nothing leads but that cache,
 *        which is left out. A heap that cannot be walked is read as a root, but for blocks of the map.
 * Knows  heaps of glibc's malloc, pools of the interpreter's.  Must not know  objects. */
#include "inside/track_engine.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/mark_here.h"

#include <string.h>

enum {
    CHUNK_LEAST = 32,
    CHUNK_HEAD = 16,
    CHUNK_FLAGS = 7,
    CHUNK_PREV_IN_USE = 1,
    CHUNK_MAPPED = 2,
    CHUNK_OF_THREAD = 4,
    CHUNK_FENCE = 16,              /* two of these end a heap that is not the newest of its arena */
    HEAP_BYTES = 64 * 1024 * 1024, /* of a thread's arena: aligned to it */
    STATE_LEAST = 0x840,           /* of an arena, before its first chunk */
    STATE_MOST = 0x900,
    CACHED_SIZES = 64, /* at least so many */
    CACHED_LEAST = 2,
    CACHE_LEAST = 0x240,
    CACHE_MOST = 0x400,
    ROOM_FIRST = 1 << 16,
    HEADS_MAX = 64,
};

typedef struct chunk {
    uint64_t before, size;
} chunk;

/* ---- lists ------------------------------------------------------------------------------------- */

static bool grow(void **list, uint32_t *room, size_t each)
{
    size_t wider = *room ? 2 * (size_t)*room : ROOM_FIRST;
    void *new = wider < UINT32_MAX ? hl_pages_map(wider * each) : NULL;
    if (!new)
        return false;
    if (*room)
        memcpy(new, *list, *room * each);
    hl_pages_unmap(*list, *room * each);
    *list = new;
    *room = (uint32_t)wider;
    return true;
}

bool hl_span_add(hl_spans *s, uintptr_t from, uintptr_t to)
{
    if (s->n == s->room && !grow((void **)&s->list, &s->room, sizeof *s->list))
        return false;
    if (from < to)
        s->list[s->n++] = (hl_span){from, to};
    return true;
}

/* They are few, and mostly in order. */
static void sort_spans(hl_spans *s)
{
    for (uint32_t i = 1; i < s->n; i++) {
        hl_span x = s->list[i];
        uint32_t k = i;
        for (; k && s->list[k - 1].from > x.from; k--)
            s->list[k] = s->list[k - 1];
        s->list[k] = x;
    }
}

void hl_spans_sort(hl_spans *s)
{
    sort_spans(s);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        hl_span *last = n ? &s->list[n - 1] : NULL;
        if (last && s->list[i].from <= last->to)
            last->to = s->list[i].to > last->to ? s->list[i].to : last->to;
        else
            s->list[n++] = s->list[i];
    }
    s->n = n;
}

bool hl_spans_have(const hl_spans *s, uintptr_t at)
{
    uint32_t lo = 0, hi = s->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->list[mid].to <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n && s->list[lo].from <= at;
}

/* Text is no pointers, and what stood before in the unused bytes of a head is none. */
static void shape(hl_mark_block *b)
{
    enum { /* words: of its head; behind it a str keeps pointers to other forms of it */
           TEXT_HEAD = 5,
#if HL_PY_AT_LEAST(12)
           ASCII_WORDS = 0,
           TEXT_WORDS = 2,
#else
           ASCII_WORDS = 1,
           TEXT_WORDS = 4,
#endif
    };
    static const uint64_t NO_COUNT = UINT64_C(0xFFFF)
                                     << 32; /* of a reference count, and of a pointer */
    if (b->size < sizeof(PyBytesObject))
        return;
    const PyVarObject *o = (const PyVarObject *)b->at;
    uint64_t count;
    memcpy(&count, o, sizeof count);
    if ((count & NO_COUNT) || !(uint32_t)count || (size_t)o->ob_size >= b->size)
        return;
    if (o->ob_base.ob_type == &PyBytes_Type)
        b->skip = HL_MARK_LEAF;
    if (o->ob_base.ob_type != &PyUnicode_Type || b->size < sizeof(PyASCIIObject))
        return;
    const PyASCIIObject *text = (const PyASCIIObject *)o;
    bool compact = text->state.compact, ascii = compact && text->state.ascii;
    b->skip = ascii && !ASCII_WORDS ? HL_MARK_LEAF : TEXT_HEAD;
    b->words = ascii ? ASCII_WORDS : TEXT_WORDS + !compact;
}

static bool add(hl_marking *k, uintptr_t at, size_t size, uint32_t group, enum hl_block_kind kind)
{
    if (k->n == k->room && !grow((void **)&k->blocks, &k->room, sizeof *k->blocks))
        return false;
    k->blocks[k->n++] =
        (hl_mark_block){.at = at, .size = size, .group = group, .kind = (uint8_t)kind};
    shape(&k->blocks[k->n - 1]);
    return true;
}

/* ---- malloc's heaps ---------------------------------------------------------------------------- */

static const chunk *chunk_at(uintptr_t at)
{
    return (const chunk *)at;
}

static uint64_t size_of(const chunk *c)
{
    return c->size & ~(uint64_t)CHUNK_FLAGS;
}

/* Do chunks lie end to end from here to the heap's end? */
static bool is_chain(uintptr_t at, uintptr_t end, unsigned of_thread)
{
    for (; end - at >= sizeof(chunk); at += size_of(chunk_at(at))) {
        const chunk *c = chunk_at(at);
        uint64_t size = size_of(c);
        if (of_thread && size <= CHUNK_FENCE && end - at <= 2 * CHUNK_FENCE)
            return true;
        if (size < CHUNK_LEAST || size % CHUNK_HEAD || size > end - at || c->size & CHUNK_MAPPED)
            return false;
        if (size == end - at)
            return true;
        if ((c->size & CHUNK_OF_THREAD) > of_thread) /* those that are free do not say it */
            return false;
        const chunk *next = chunk_at(at + size);
        if (end - at - size < sizeof *next ||
            (!(next->size & CHUNK_PREV_IN_USE) && next->before != size))
            return false; /* another thread was at it when we were cloned */
    }
    return false;
}

static bool are_cached(const hl_marking *k, const uintptr_t *entries)
{
    unsigned n = 0;
    for (unsigned i = 0; i < CACHED_SIZES; i++) {
        uintptr_t block = entries[i];
        if (block && (block % CHUNK_HEAD ||
                      !hl_map_holds(&k->maps, (const void *)(block - CHUNK_HEAD), CHUNK_LEAST) ||
                      size_of(chunk_at(block - CHUNK_HEAD)) != CHUNK_LEAST + i * CHUNK_HEAD))
            return false;
        n += block != 0;
    }
    return n >= CACHED_LEAST;
}

/* A thread's cache: pointers to free chunks, by their size. Releases differ in the counts before them. */
static bool is_cache(const hl_marking *k, uintptr_t at, uint64_t size)
{
    if (size < CACHE_LEAST || size > CACHE_MOST)
        return false;
    for (unsigned from = CACHED_SIZES / 2; from <= 4 * CACHED_SIZES; from += sizeof(uintptr_t))
        if (from + CACHED_SIZES * sizeof(uintptr_t) <= size - sizeof(uint64_t) &&
            are_cached(k, (const uintptr_t *)(at + from)))
            return true;
    return false;
}

static bool take_chunks(hl_marking *k, uintptr_t at, uintptr_t end)
{
    for (uint64_t size; end - at >= CHUNK_LEAST && (size = size_of(chunk_at(at))) < end - at &&
                        size >= CHUNK_LEAST;
         at += size) {
        uintptr_t block = at + CHUNK_HEAD;
        uint64_t room = size - sizeof(uint64_t); /* to the next one's size */
        if (!(chunk_at(at + size)->size & CHUNK_PREV_IN_USE) || is_cache(k, block, size))
            continue;
        hl_native_block b;
        bool known = hl_native_block_at(block, &b) && b.size <= room;
        if (!add(k, block, known ? b.size : room, known ? b.site : 0, HL_BLOCK_OF_MALLOC))
            return false;
    }
    return true;
}

static bool take_heap(hl_marking *k, uintptr_t first, uintptr_t from, uintptr_t end)
{
    return take_chunks(k, first, end) && hl_span_add(&k->heaps, from, end) &&
           hl_span_add(&k->out, from, end);
}

static bool take_thread_heap(hl_marking *k, const hl_map *m)
{
    const uint64_t *head = (const uint64_t *)m->start; /* arena, heap before, bytes, ... */
    uintptr_t arena = head[0], end = m->start + head[2];
    if (head[2] < STATE_MOST || head[2] > HEAP_BYTES || head[2] > m->end - m->start ||
        (arena & 15) || !hl_map_of(&k->maps, arena))
        return true;
    if (arena / HEAP_BYTES != m->start / HEAP_BYTES) { /* not the first of its arena */
        for (uintptr_t at = m->start + 0x20; at <= m->start + 0x40; at += CHUNK_HEAD)
            if (is_chain(at, end, CHUNK_OF_THREAD))
                return take_heap(k, at, m->start, end);
        return true;
    }
    for (uintptr_t at = arena + STATE_LEAST; at < arena + STATE_MOST; at += CHUNK_HEAD)
        if (is_chain(at, end, CHUNK_OF_THREAD))
            return take_heap(k, at, m->start, end);
    return true;
}

static bool take_heaps(hl_marking *k)
{
    for (size_t i = 0; i < k->maps.n; i++) {
        const hl_map *m = &k->maps.map[i];
        if (!m->read || !m->write)
            continue;
        if (m->kind == HL_MAP_HEAP && is_chain(m->start, m->end, 0) &&
            !take_heap(k, m->start, m->start, m->end))
            return false;
        if (m->kind == HL_MAP_ANON && m->start % HEAP_BYTES == 0 && !take_thread_heap(k, m))
            return false;
    }
    hl_spans_sort(&k->heaps);
    return true;
}

/* ---- blocks of the map that lie elsewhere ------------------------------------------------------ */

typedef struct taking {
    hl_marking *k;
    hl_spans arenas;
    bool failed;
} taking;

static void take_live(void *to, uintptr_t at, uint64_t by, uint64_t size)
{
    taking *t = to;
    const hl_map *m = hl_spans_have(&t->k->heaps, at) ? NULL : hl_map_of(&t->k->maps, at);
    if (!m || !m->read || t->failed)
        return;
    size = size < m->end - at ? size : m->end - at;
    t->failed = !add(t->k, at, size, hl_native_site(by), HL_BLOCK_OF_MALLOC);
}

static void take_elsewhere(taking *t)
{
    const hl_native *n = hl_native_followed();
    if (!hl_native_is_sampled())
        hl_live_walk(n->live, take_live, t);
    for (size_t i = 0;
         hl_native_is_sampled() && (i = hl_samples_next(n->samples, i)) < HL_SAMPLES_ROOM; i++)
        take_live(t, hl_samples_at(n->samples, i)->at, hl_samples_at(n->samples, i)->by,
                  hl_samples_at(n->samples, i)->size - HL_NATIVE_HEAD);
    for (uint32_t i = 0; i < n->mappings->n; i++) {
        const hl_mapping *m = &n->mappings->of[i];
        take_live(t, m->from, m->by, m->end - m->from);
    }
}

/* ---- pools ------------------------------------------------------------------------------------- */

static bool take_pool(hl_marking *k, const hl_abi_pool *p)
{
    enum { UNITS = HL_ABI_POOL_BYTES / HL_ABI_POOL_UNIT };
    uint64_t free[UNITS / 64] = {0};
    uintptr_t from = (uintptr_t)p, at = (uintptr_t)p->free;
    uint32_t size = (p->size_class + 1) * HL_ABI_POOL_UNIT;
    for (unsigned n = 0; at - from < HL_ABI_POOL_BYTES && at % HL_ABI_POOL_UNIT == 0 && n < UNITS;
         n++) {
        unsigned unit = (unsigned)(at - from) / HL_ABI_POOL_UNIT;
        free[unit / 64] |= UINT64_C(1) << (unit & 63);
        at = *(const uintptr_t *)at;
    }
    /* what lies beyond what was asked for is what was there before */
    const hl_live *known = hl_tracker_read->mode == HL_TRACK_EXACT ? &hl_tracker_read->live : NULL;
    uint32_t end = p->next_offset < HL_ABI_POOL_BYTES ? p->next_offset : HL_ABI_POOL_BYTES;
    for (uint32_t b = sizeof *p; b + size <= end; b += size) {
        unsigned unit = b / HL_ABI_POOL_UNIT;
        if (free[unit / 64] >> (unit & 63) & 1)
            continue;
        const uint64_t *word = known ? hl_live_word(known, from + b) : NULL;
        uint32_t asked = word && *word ? (uint32_t)(*word & HL_LIVE_BIG) : size;
        if (!add(k, from + b, asked < size ? asked : size, 0,
                 word && *word ? HL_BLOCK_OF_POOL : HL_BLOCK_OF_OLD))
            return false;
    }
    return true;
}

static bool take_pools(hl_marking *k, uintptr_t address, uintptr_t used_end)
{
    uintptr_t first = (address + HL_ABI_POOL_BYTES - 1) & ~(uintptr_t)(HL_ABI_POOL_BYTES - 1);
    for (uintptr_t at = first; at + HL_ABI_POOL_BYTES <= used_end; at += HL_ABI_POOL_BYTES) {
        const hl_abi_pool *p = (const hl_abi_pool *)at;
        if (p->used && hl_pool_sane(p) && !take_pool(k, p))
            return false;
    }
    return true;
}

/* Small blocks that are samples lie in a stretch of the tracker's own; what else is there is free. Large ones
 * may have a mapping of their own. */
static void take_samples(taking *t)
{
    const hl_samples *samples = &hl_tracker_read->samples;
    const hl_region *region = &hl_tracker_read->region;
    if (hl_tracker_read->mode != HL_TRACK_SAMPLED)
        return;
    for (size_t i = 0; !t->failed && (i = hl_samples_next(samples, i)) < HL_SAMPLES_ROOM; i++)
        if (region->base && hl_region_has(region, (const void *)hl_samples_at(samples, i)->at))
            t->failed = !add(t->k, hl_samples_at(samples, i)->at, hl_samples_at(samples, i)->size,
                             0, HL_BLOCK_OF_POOL);
        else
            take_live(t, hl_samples_at(samples, i)->at, 0, hl_samples_at(samples, i)->size);
    if (region->base && !t->failed)
        t->failed = !hl_span_add(&t->k->out, (uintptr_t)region->base,
                                 (uintptr_t)region->base + region->size);
}

static bool note_arena(void *to, uintptr_t address, uintptr_t end, uintptr_t used_end)
{
    taking *t = to;
    t->failed |=
        !hl_span_add(&t->arenas, address, used_end) || !hl_span_add(&t->k->out, address, end);
    return !t->failed;
}

/* In the order of their addresses: then there is little to sort. Without their table arenas are read as
 * roots: nothing in them is told, nor what they lead to. */
static bool take_arenas(taking *t)
{
    uint32_t out = t->k->out.n;
    if (!hl_arenas_each(&t->k->maps, t->k->arenas_at, note_arena, t)) {
        t->k->out.n = out;
        return !t->failed;
    }
    sort_spans(&t->arenas);
    for (uint32_t i = 0; i < t->arenas.n && !t->failed; i++)
        t->failed = !take_pools(t->k, t->arenas.list[i].from, t->arenas.list[i].to);
    return !t->failed;
}

/* ---- all of them ------------------------------------------------------------------------------- */

/* What overlaps is told once; the mark's places are 16 bytes each. */
static void drop_doubles(hl_marking *k)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->n; i++) {
        const hl_mark_block *b = &k->blocks[i], *last = n ? &k->blocks[n - 1] : NULL;
        if (last && (b->at < last->at + last->size || b->at / 16 == last->at / 16))
            continue;
        k->blocks[n++] = *b;
    }
    k->n = n;
}

/* A list has room for more than it holds, in which is what was there before. */
static void trim_items(hl_marking *k, const PyListObject *list)
{
    uint32_t i = list->ob_item ? hl_mark_find(&k->mark, (uintptr_t)list->ob_item) : HL_MARK_NONE;
    size_t used = (size_t)Py_SIZE(list) * sizeof *list->ob_item;
    if (i != HL_MARK_NONE && k->blocks[i].at == (uintptr_t)list->ob_item &&
        used < k->blocks[i].size)
        k->blocks[i].size = used;
}

/* What the collector keeps before an object leads to its neighbours in a list; nobody else points there,
 * nor to what lies before that. */
static void take_heads(hl_marking *k, const PyGC_Head *head)
{
    for (uintptr_t g = head->_gc_next & ~(uintptr_t)3; g && g != (uintptr_t)head;
         g = ((const PyGC_Head *)g)->_gc_next & ~(uintptr_t)3) {
        uint32_t i = hl_mark_find(&k->mark, g);
        if (i == HL_MARK_NONE)
            continue;
        uintptr_t before = g + sizeof(PyGC_Head) - k->blocks[i].at;
        if (before <= HEADS_MAX && before + sizeof(PyObject) <= k->blocks[i].size)
            k->blocks[i].head = (uint8_t)before;
        if (PyList_CheckExact((PyObject *)((const PyGC_Head *)g + 1)))
            trim_items(k, (const PyListObject *)((const PyGC_Head *)g + 1));
    }
}

bool hl_marking_blocks(const hl_walk *w, hl_marking *k)
{
    taking t = {.k = k};
    if (!take_heaps(k))
        return false;
    take_elsewhere(&t);
    take_samples(&t);
    t.failed = t.failed || !take_arenas(&t);
    hl_mark_block *spare = t.failed ? NULL : hl_pages_map((k->n + (size_t)1) * sizeof *spare);
    if (!spare)
        return false;
    hl_mark_sort(k->blocks, k->n, spare);
    hl_pages_unmap(spare, (k->n + (size_t)1) * sizeof *spare);
    drop_doubles(k);
    if (!hl_mark_init(&k->mark, k->blocks, k->n))
        return false;
    for (PyInterpreterState *i = hl_abi_interpreters(); i; i = i->next) {
        if (!hl_still_has(w->still, w->interp, i))
            continue;
        for (unsigned l = 0; l < HL_GC_LISTS; l++)
            take_heads(k, hl_abi_gc_list(i, l));
        take_heads(k, &i->gc.permanent_generation.head);
    }
    return true;
}
