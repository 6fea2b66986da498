/* inside/resident.c: the mappings of this process, and what is resident in each kind.
 *
 * Room   inside; the cloned child: no malloc, no stdio.
 * Takes  /proc/self: maps, pagemap, status; mincore; malloc's main heap.   Gives  hl_resident.
 * Knows  those formats, chunk headers of glibc's malloc.  Must not know  objects.
 * Method mincore says of each page whether it is there; pagemap also whether it is a file's, which
 *        mincore confuses with the page cache. smaps would say all of it, and takes as long as the
 *        walk of the heap. malloc's main heap is read chunk by chunk: mallinfo would wait for a
 *        lock that a thread of the program may hold. */
#include "inside/resident.h"

#include "inside/native_here.h"
#include "rt/rt.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    LINE_ROOM = 16 * 1024,
    PAGE = 4096,
    PAGES_ASKED = 16 * 1024, /* at once */
    PAGE_PRESENT = 63,       /* bits of an entry of pagemap */
    PAGE_OF_FILE = 61,
    CHUNKS_MAX = 1000000,
    CHUNK_LEAST = 32,
    CHUNK_FLAGS = 7,
    CHUNK_PREV_IN_USE = 1,
    CHUNK_FOREIGN = 6, /* mapped, or of another arena: never in the main heap */
    TCB_BYTES = 8192,  /* what a thread's library keeps above the address that names it */
};
#define STACK_SANE ((uint64_t)1 << 30)
#define MAP_SANE   ((uint64_t)1 << 40)

/* ---- smaps ------------------------------------------------------------------------------------
 */

typedef struct lines {
    int fd;
    size_t at, n;
    char text[LINE_ROOM + 1];
} lines;

/* The next line without its end, or NULL. A line longer than the room comes in parts. */
static char *next_line(lines *l)
{
    for (;;) {
        char *begin = l->text + l->at, *end = memchr(begin, '\n', l->n - l->at);
        if (end || l->n - l->at == LINE_ROOM) {
            l->at = end ? (size_t)(end + 1 - l->text) : l->n;
            *(end ? end : l->text + l->n) = 0;
            return begin;
        }
        memmove(l->text, begin, l->n - l->at);
        l->n -= l->at;
        l->at = 0;
        ssize_t got = read(l->fd, l->text + l->n, LINE_ROOM - l->n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return NULL;
        l->n += (size_t)got;
    }
}

static const char *number(const char *s, unsigned base, uint64_t *out)
{
    uint64_t v = 0;
    for (;; s++) {
        unsigned value = *s >= '0' && *s <= '9'   ? (unsigned)(*s - '0')
                         : *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a') + 10
                                                  : 16;
        if (value >= base)
            break;
        v = v * base + value;
    }
    *out = v;
    return s;
}

/* 7f00-7f01 rw-p 00000000 08:01 1234   /path */
static bool head_line(const char *line, hl_map *m)
{
    uint64_t start, end, offset, major, minor, inode;
    const char *p = number(line, 16, &start);
    if (p == line || *p != '-')
        return false;
    p = number(p + 1, 16, &end);
    if (*p != ' ' || strnlen(p, 6) < 6)
        return false;
    *m = (hl_map){.start = start, .end = end, .read = p[1] == 'r', .write = p[2] == 'w'};
    bool shared = p[4] == 's';
    p = number(p + 6, 16, &offset);
    p = number(p + (*p == ' '), 16, &major);
    p = number(p + (*p == ':'), 16, &minor);
    p = number(p + (*p == ' '), 10, &inode);
    while (*p == ' ')
        p++;
    m->kind = shared                  ? HL_MAP_SHARED
              : inode                 ? HL_MAP_FILE
              : !strcmp(p, "[heap]")  ? HL_MAP_HEAP
              : !strcmp(p, "[stack]") ? HL_MAP_STACK
                                      : HL_MAP_ANON;
    m->file = inode ? inode ^ major << 52 ^ minor << 40 : 0;
    m->kernels = !strncmp(p, "[v", 2);
    return true;
}

static bool kilobytes(const char *line, const char *key, uint64_t *bytes)
{
    size_t n = strlen(key);
    if (strncmp(line, key, n) != 0 || line[n] != ':')
        return false;
    for (line += n + 1; *line == ' ' || *line == '\t';)
        line++;
    number(line, 10, bytes);
    *bytes *= 1024;
    return true;
}

/* Bytes of a private mapping of a file that are the process's own: pages it wrote to. */
static uint64_t written_in(int pagemap, const hl_map *m)
{
    enum { AT_ONCE = 1024 };
    uint64_t entry[AT_ONCE], pages = 0;
    for (uintptr_t at = m->start; at < m->end;) {
        size_t n = (m->end - at) / PAGE;
        n = n < AT_ONCE ? n : AT_ONCE;
        ssize_t got = pread(pagemap, entry, n * sizeof *entry, (off_t)(at / PAGE * sizeof *entry));
        if (got <= 0)
            break;
        n = (size_t)got / sizeof *entry;
        for (size_t i = 0; i < n; i++)
            pages += entry[i] >> PAGE_PRESENT & 1 && !(entry[i] >> PAGE_OF_FILE & 1);
        at += n * PAGE;
    }
    return pages * PAGE;
}

static void add(hl_resident *r, hl_map *m, int pagemap)
{
    static const enum hl_memory rows[] = {
        [HL_MAP_ANON] = HL_MEMORY_MAPPED,
        [HL_MAP_HEAP] = HL_MEMORY_HEAP,
        [HL_MAP_STACK] = HL_MEMORY_STACKS,
        [HL_MAP_FILE] = HL_MEMORY_WRITTEN,
    };
    if (m->kind == HL_MAP_FILE)
        m->own = written_in(pagemap, m);
    else if (m->kind != HL_MAP_SHARED && (m->read || m->write) && m->end - m->start < MAP_SANE)
        m->own = hl_resident_between(m->start, m->end);
    if (m->kind != HL_MAP_SHARED)
        r->value[rows[m->kind]] += m->own;
    if (r->maps.n < HL_MAPS_MAX)
        r->maps.map[r->maps.n++] = *m;
    else
        r->maps.all = false;
}

static int open_lines(lines *l, const char *path)
{
    l->at = l->n = 0;
    return l->fd = open(path, O_RDONLY | O_CLOEXEC);
}

static bool read_maps(hl_resident *r, lines *l)
{
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    hl_map m;
    r->maps.all = true;
    if (pagemap >= 0 && open_lines(l, "/proc/self/maps") >= 0) {
        for (const char *line; (line = next_line(l));)
            if (head_line(line, &m))
                add(r, &m, pagemap);
        close(l->fd);
    }
    if (pagemap >= 0)
        close(pagemap);
    return r->maps.n != 0;
}

bool hl_maps_list(hl_maps *maps)
{
    lines *l = hl_pages_map(sizeof *l);
    hl_map m;
    maps->n = 0;
    maps->all = true;
    if (l && open_lines(l, "/proc/self/maps") >= 0) {
        for (const char *line; (line = next_line(l));) {
            if (!head_line(line, &m))
                continue;
            if (maps->n < HL_MAPS_MAX)
                maps->map[maps->n++] = m;
            else
                maps->all = false;
        }
        close(l->fd);
    }
    return maps->n != 0 && maps->all;
}

void hl_resident_drop_reserved(void)
{
    enum { LEAST = 1024 * 1024 };
    lines l; /* the caller may have no memory but its stack */
    hl_map m;
    if (open_lines(&l, "/proc/self/maps") < 0)
        return;
    for (const char *line; (line = next_line(&l));)
        if (head_line(line, &m) && m.kind == HL_MAP_ANON && !m.read && !m.write &&
            m.end - m.start >= LEAST)
            munmap((void *)m.start, m.end - m.start);
    close(l.fd);
}

static void read_swapped(hl_resident *r, lines *l)
{
    uint64_t bytes;
    if (open_lines(l, "/proc/self/status") < 0)
        return;
    for (const char *line; (line = next_line(l));)
        if (kilobytes(line, "VmSwap", &bytes))
            hl_resident_set(r, HL_MEMORY_SWAP, bytes);
    close(l->fd);
}

const hl_map *hl_map_of(const hl_maps *maps, uintptr_t address)
{
    size_t lo = 0, hi = maps->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (maps->map[mid].end <= address)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < maps->n && maps->map[lo].start <= address ? &maps->map[lo] : NULL;
}

bool hl_map_holds(const hl_maps *maps, const void *p, size_t n)
{
    uintptr_t at = (uintptr_t)p;
    const hl_map *m = hl_map_of(maps, at);
    return m && m->read && (m->kind == HL_MAP_ANON || m->kind == HL_MAP_HEAP) && m->end - at >= n;
}

uint64_t hl_resident_between(uintptr_t from, uintptr_t to)
{
    unsigned char there[PAGES_ASKED];
    uint64_t pages = 0;
    from &= ~(uintptr_t)(PAGE - 1);
    while (from < to) {
        size_t n = (to - from + PAGE - 1) / PAGE;
        n = n < PAGES_ASKED ? n : PAGES_ASKED;
        if (mincore((void *)from, n * PAGE, there) == 0)
            for (size_t i = 0; i < n; i++)
                pages += there[i] & 1;
        from += n * PAGE;
    }
    return pages * PAGE;
}

/* ---- stacks -----------------------------------------------------------------------------------
 */

/* A thread is named by the address of its control block, at the top of its stack; below the stack
 * is a page nobody may touch, so that its mapping begins with it. The main thread's is [stack]. */
static void stacks(hl_resident *r)
{
    for (PyInterpreterState *i = hl_abi_interpreters(); i; i = i->next)
        for (PyThreadState *t = hl_abi_threads(i); t; t = t->next) {
            uintptr_t at = (uintptr_t)t->thread_id;
            const hl_map *m =
                t->thread_id != _PyRuntime.main_thread ? hl_map_of(&r->maps, at) : NULL;
            if (!m || m->kind != HL_MAP_ANON || !m->write || at - m->start > STACK_SANE)
                continue;
            uintptr_t top = (at & ~(uintptr_t)(PAGE - 1)) + TCB_BYTES;
            uint64_t bytes = hl_resident_between(m->start, top < m->end ? top : m->end);
            r->value[HL_MEMORY_STACKS] += bytes;
            r->value[HL_MEMORY_MAPPED] -=
                bytes < r->value[HL_MEMORY_MAPPED] ? bytes : r->value[HL_MEMORY_MAPPED];
        }
}

/* ---- what is ours ------------------------------------------------------------------------------
 *
 * The tables of the tracker grow with what is followed: to the program's own memory that is nothing. */

static uint64_t in_pieces(const hl_pages_piece *pieces)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; pieces && i < HL_PAGES_PIECES; i++) {
        uintptr_t at = (uintptr_t)pieces[i].at;
        size_t n = (pieces[i].n + PAGE - 1) & ~(size_t)(PAGE - 1);
        if (at && n && n < MAP_SANE)
            bytes += hl_resident_between(at, at + n);
    }
    return bytes;
}

static void ours(hl_resident *r)
{
    uint64_t bytes = in_pieces(hl_pages_pieces()) + in_pieces(hl_native_own());
    uint64_t *mapped = &r->value[HL_MEMORY_MAPPED];
    bytes = bytes < *mapped ? bytes : *mapped;
    hl_resident_set(r, HL_MEMORY_OURS, bytes);
    *mapped -= bytes;
}

/* ---- malloc's main heap -----------------------------------------------------------------------
 *
 *      chunk ─► | size of the one before, if that is free | size, 3 flags | contents ...
 *
 * Chunks lie end to end; the lowest flag of the next one says whether this one is in use. The last
 * one, to the end of the heap, is free. What threads keep in reserve counts as in use. */

typedef struct chunk {
    uint64_t before, size;
} chunk;

/* Free bytes of it that are resident: whole pages inside may have been given back. */
static uint64_t free_bytes(uintptr_t at, uint64_t size)
{
    uintptr_t from = (at + CHUNK_LEAST + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    uintptr_t to = (at + size) & ~(uintptr_t)(PAGE - 1);
    return from < to ? size - ((to - from) - hl_resident_between(from, to)) : size;
}

static bool walk_heap(const hl_map *m, uint64_t *out)
{
    uint64_t n = 0;
    for (uintptr_t at = m->start; m->end - at >= sizeof(chunk);) {
        const chunk *c = (const chunk *)at;
        uint64_t size = c->size & ~(uint64_t)CHUNK_FLAGS;
        if (size < CHUNK_LEAST || size % 16 || size > m->end - at || c->size & CHUNK_FOREIGN ||
            ++n > CHUNKS_MAX)
            return false;
        if (size == m->end - at) {
            *out += free_bytes(at, size);
            return true;
        }
        const chunk *next = (const chunk *)(at + size);
        if (m->end - (at + size) < sizeof *next)
            return false;
        if (!(next->size & CHUNK_PREV_IN_USE)) {
            if (next->before != size)
                return false; /* another thread was at it when we were cloned */
            *out += free_bytes(at, size);
        }
        at += size;
    }
    return false;
}

static void heap_free(hl_resident *r)
{
    const hl_map *heap = NULL;
    unsigned heaps = 0;
    for (size_t i = 0; i < r->maps.n; i++)
        if (r->maps.map[i].kind == HL_MAP_HEAP) {
            heap = &r->maps.map[i];
            heaps++;
        }
    uint64_t bytes = 0;
    if (heaps == 1 && heap->read && walk_heap(heap, &bytes) && bytes <= heap->own)
        hl_resident_set(r, HL_MEMORY_HEAP_FREE, bytes);
}

/* ------------------------------------------------------------------------------------------------
 */

void hl_resident_measure(hl_resident *r, uint64_t shared, uintptr_t arenas_at)
{
    *r = (hl_resident){.arenas_at = arenas_at};
    lines *l = hl_pages_map(sizeof *l);
    r->maps.map = hl_pages_map(HL_MAPS_MAX * sizeof *r->maps.map);
    if (!l || !r->maps.map || !read_maps(r, l))
        return;
    hl_resident_set(r, HL_MEMORY_SHARED, shared);
    read_swapped(r, l);
    stacks(r);
    ours(r);
    heap_free(r);
    r->known |= 1u << HL_MEMORY_HEAP | 1u << HL_MEMORY_MAPPED | 1u << HL_MEMORY_STACKS |
                1u << HL_MEMORY_WRITTEN;
    if (r->maps.all)
        hl_arenas_measure(r);
    /* only now: until here the list says that these can be read */
    hl_pages_unmap(l, sizeof *l);
    hl_pages_unmap(r->maps.map, HL_MAPS_MAX * sizeof *r->maps.map);
    r->maps = (hl_maps){.n = 0};
}

void hl_resident_put(const hl_resident *r, hl_fields *meta)
{
    for (unsigned i = 0; i < HL_MEMORY_COUNT; i++)
        if (r->known & 1u << i)
            hl_field_uint(meta, HL_SNAP_MEMORY + i, r->value[i]);
}
