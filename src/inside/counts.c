/* inside/counts.c: what a process has besides objects, counted: bytes in malloc, files, threads, mappings.
 *
 * Room   inside; target process, in a thread of its own that may take malloc's lock.
 * Knows  Linux, glibc.  Must not know  Python.
 * Method malloc is asked where it can tell (mallinfo2, glibc 2.33); the rest is counted in /proc by
 *        system calls, so that counting leaves nothing behind that would be counted. */
#define _GNU_SOURCE
#include "inside/counts.h"

#include "snapshot/snap_format.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct malloc_state { /* struct mallinfo2, malloc.h */
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
} malloc_state;

static bool count_malloc(uint64_t *out)
{
    union {
        void *symbol;
        malloc_state (*call)(void);
    } f = {.symbol = dlsym(RTLD_DEFAULT, "mallinfo2")};
    if (!f.symbol)
        return false;
    malloc_state s = f.call();
    *out = s.uordblks + s.hblkhd;
    return true;
}

/* struct linux_dirent64 */
enum { LENGTH_AT = 16, NAME_AT = 19 };

static bool count_entries(const char *folder, uint64_t *out)
{
    char buf[4096];
    uint64_t n = 0;
    long got;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while ((got = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0)
        for (long at = 0; at + NAME_AT < got;) {
            unsigned short length;
            memcpy(&length, buf + at + LENGTH_AT, sizeof length);
            n += buf[at + NAME_AT] != '.';
            at += length ? length : got;
        }
    close(fd);
    *out = n;
    return got == 0;
}

static bool count_lines(const char *file, uint64_t *out)
{
    char buf[4096];
    uint64_t n = 0;
    ssize_t got;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while ((got = read(fd, buf, sizeof buf)) > 0)
        for (ssize_t i = 0; i < got; i++)
            n += buf[i] == '\n';
    close(fd);
    *out = n;
    return got == 0;
}

uint32_t hl_counts_take(uint64_t *out)
{
    uint32_t known = 0;
    int kept = errno;
    if (count_malloc(&out[HL_RESOURCE_MALLOC]))
        known |= 1u << HL_RESOURCE_MALLOC;
    if (count_entries("/proc/self/fd", &out[HL_RESOURCE_FDS])) {
        out[HL_RESOURCE_FDS]--; /* the one it was counted through */
        known |= 1u << HL_RESOURCE_FDS;
    }
    if (count_entries("/proc/self/task", &out[HL_RESOURCE_THREADS]))
        known |= 1u << HL_RESOURCE_THREADS;
    if (count_lines("/proc/self/maps", &out[HL_RESOURCE_MAPPINGS]))
        known |= 1u << HL_RESOURCE_MAPPINGS;
    errno = kept;
    return known;
}
