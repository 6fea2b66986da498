/* rt/pages.c: memory and bytes without libc's allocator.
 *
 * Room   rt; any process, also a child cloned from a threaded program.
 * Gives  pages from mmap, whole writes.
 * Lent   one process may work in the memory of another (clone with CLONE_VM), which waits for it.
 *        What it maps meanwhile is cut from one stretch, so that it goes again as a whole; it is told
 *        by its stack, which is cut from there, too. Threads that go on meanwhile map as ever: what they
 *        map is theirs, and stays. */
#define _GNU_SOURCE
#include "rt/rt.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

static struct {
    char *start; /* NULL: nothing is lent */
    size_t size, used;
} lent;

bool hl_pages_lend(size_t n)
{
    void *p = lent.start ? MAP_FAILED
                         : mmap(NULL, n, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return false;
    (void)madvise(p, n, MADV_NOHUGEPAGE); /* a table that is nearly empty must stay small */
    lent.size = n;
    lent.used = 0;
    lent.start = p;
    return true;
}

void hl_pages_lend_end(void)
{
    if (lent.start)
        munmap(lent.start, lent.size);
    lent.start = NULL;
}

void *hl_pages_lent(size_t n)
{
    size_t whole = (n + PAGE - 1) & ~(size_t)(PAGE - 1);
    if (!lent.start || whole < n || whole > lent.size - lent.used)
        return NULL;
    lent.used += whole;
    return lent.start + lent.used - whole;
}

static bool on_lent_stack(void)
{
    const char *here = __builtin_frame_address(0);
    return lent.start && here >= lent.start && here < lent.start + lent.size;
}

/* ---- which are ours ---------------------------------------------------------------------------- */

static hl_pages_piece pieces[HL_PAGES_PIECES];
static uint32_t used,
    next; /* atomic; of `used` on there was never one; where a free one is likely */

const hl_pages_piece *hl_pages_pieces(void)
{
    return pieces;
}

static void note(void *p, size_t n)
{
    uint32_t from = __atomic_load_n(&next, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < HL_PAGES_PIECES; i++) {
        uint32_t k = (from + i) % HL_PAGES_PIECES, most = __atomic_load_n(&used, __ATOMIC_RELAXED);
        void *none = NULL;
        if (!__atomic_compare_exchange_n(&pieces[k].at, &none, p, false, __ATOMIC_ACQUIRE,
                                         __ATOMIC_RELAXED))
            continue;
        __atomic_store_n(&pieces[k].n, n, __ATOMIC_RELEASE);
        while (most <= k && !__atomic_compare_exchange_n(&used, &most, k + 1, false,
                                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            ;
        __atomic_store_n(&next, k + 1, __ATOMIC_RELAXED);
        return;
    }
}

static void strike(const void *p)
{
    uint32_t most = __atomic_load_n(&used, __ATOMIC_RELAXED);
    for (uint32_t k = 0; k < most; k++)
        if (__atomic_load_n(&pieces[k].at, __ATOMIC_RELAXED) == p) {
            __atomic_store_n(&pieces[k].n, 0, __ATOMIC_RELAXED);
            __atomic_store_n(&pieces[k].at, NULL, __ATOMIC_RELEASE);
            __atomic_store_n(&next, k, __ATOMIC_RELAXED);
            return;
        }
}

void hl_pages_lend_out(const void *p)
{
    if (p)
        strike(p);
}

/* ------------------------------------------------------------------------------------------------ */

void *hl_pages_map(size_t n)
{
    if (on_lent_stack())
        return hl_pages_lent(n);
    void *p =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    note(p, n);
    return p;
}

void hl_pages_unmap(void *p, size_t n)
{
    if (p && lent.start && (char *)p >= lent.start && (char *)p < lent.start + lent.size)
        (void)madvise(p, n, MADV_DONTNEED);
    else if (p) {
        strike(p); /* first: by then the place may be another thread's */
        munmap(p, n);
    }
}

int hl_raw_write(int fd, const void *buf, size_t n)
{
    const char *p = buf;
    while (n) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return errno;
        if (w == 0)
            return ENOSPC;
        p += w;
        n -= (size_t)w;
    }
    return 0;
}
