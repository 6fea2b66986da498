/* inside/vitals.c: what the kernel says of this process: clocks, CPU, memory.
 *
 * Room   inside; target process, any thread, with or without the GIL.
 * Knows  Linux.  Must not know  Python. */
#define _GNU_SOURCE
#include "inside/vitals.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

uint64_t hl_vitals_clock_ns(clockid_t id)
{
    struct timespec t;
    return clock_gettime(id, &t) ? 0 : (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t hl_vitals_user_us(void)
{
    struct rusage r;
    return getrusage(RUSAGE_SELF, &r)
               ? 0
               : (uint64_t)r.ru_utime.tv_sec * 1000000 + (uint64_t)r.ru_utime.tv_usec;
}

uint64_t hl_vitals_minor_faults(void)
{
    struct rusage r;
    return getrusage(RUSAGE_SELF, &r) ? 0 : (uint64_t)r.ru_minflt;
}

typedef struct memory {
    uint64_t resident, shared;
} memory;

static memory memory_at(int statm)
{
    char text[128];
    ssize_t n = pread(statm, text, sizeof text - 1, 0);
    unsigned long long size, resident, shared;
    text[n > 0 ? n : 0] = 0;
    if (sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3)
        return (memory){0, 0};
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return (memory){resident * page, shared * page};
}

static memory memory_now(void)
{
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (memory){0, 0};
    memory m = memory_at(fd);
    close(fd);
    return m;
}

uint64_t hl_vitals_resident_at(int statm)
{
    return memory_at(statm).resident;
}

uint64_t hl_vitals_resident(void)
{
    return memory_now().resident;
}

uint64_t hl_vitals_shared(void)
{
    return memory_now().shared;
}
