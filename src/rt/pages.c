/* rt/pages.c: memory and bytes without libc's allocator.
 *
 * Room   rt; any process, also a child cloned from a threaded program.
 * Gives  pages from mmap, whole writes. */
#define _GNU_SOURCE
#include "rt/rt.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

void *hl_pages_map(size_t n)
{
    void *p =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void hl_pages_unmap(void *p, size_t n)
{
    if (p)
        munmap(p, n);
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
