/* cli/memory_limit.c: how much memory the program may have, as the kernel sees it, and how much is
 * to spare.
 *
 * Room   cli; launcher process, before it becomes the program: the limits are the program's, too.
 *        What is to spare is asked by the sentinel, while the program runs.
 * Gives  the least of: the control group's limit (version 2: every group up to the root; version 1:
 *        its own), the limit on the address space, the machine's memory. 0 if none can be told. */
#include "cli/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

enum { PATH_BYTES = 4096 };

/* A number in a file of one line; UINT64_MAX for "max", or where there is none. */
static uint64_t limit_in(const char *path)
{
    char line[64];
    FILE *f = fopen(path, "re");
    if (!f)
        return UINT64_MAX;
    bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    char *end = line;
    unsigned long long n = read ? strtoull(line, &end, 10) : 0;
    return end == line ? UINT64_MAX : n;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* group: "/a/b" below the mount of version 2. A limit of any group above holds as well. */
static uint64_t limit_of_v2(char *group)
{
    uint64_t limit = UINT64_MAX;
    char path[PATH_BYTES + 64];
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
        limit = lesser(limit, limit_in(path));
        char *slash = strrchr(group, '/');
        if (!slash)
            return limit;
        *slash = 0;
    }
}

static uint64_t limit_of_v1(const char *group)
{
    char path[PATH_BYTES + 64];
    snprintf(path, sizeof path, "/sys/fs/cgroup/memory%s/memory.limit_in_bytes", group);
    uint64_t own = limit_in(path);
    /* in a container the group's own path is not mounted, its folder is the root */
    return lesser(own, limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
}

/* Lines are "0::/group" (version 2) and "5:memory:/group" (version 1). */
static uint64_t limit_of_groups(void)
{
    uint64_t limit = UINT64_MAX;
    char line[PATH_BYTES];
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (!f)
        return limit;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *group = controllers;
        if (controllers)
            group = strchr(controllers + 1, ':');
        if (!group)
            continue;
        *group++ = 0;
        if (!strcmp(group, "/"))
            *group = 0;
        if (!controllers[1])
            limit = lesser(limit, limit_of_v2(group));
        else if (strstr(controllers + 1, "memory"))
            limit = lesser(limit, limit_of_v1(group));
    }
    fclose(f);
    return limit;
}

uint64_t hl_memory_limit(void)
{
    struct sysinfo machine;
    struct rlimit space;
    uint64_t limit = limit_of_groups();
    if (!getrlimit(RLIMIT_AS, &space) && space.rlim_cur != RLIM_INFINITY)
        limit = lesser(limit, space.rlim_cur);
    if (!sysinfo(&machine))
        limit = lesser(limit, (uint64_t)machine.totalram * machine.mem_unit);
    return limit == UINT64_MAX ? 0 : limit;
}

/* What nobody would miss, by the kernel's own estimate; 0: it does not tell. */
static uint64_t available(void)
{
    char line[128];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return (uint64_t)kib * 1024;
}

uint64_t hl_memory_spare(uint64_t limit, uint64_t used)
{
    uint64_t left = limit > used ? limit - used : limit ? 0 : UINT64_MAX;
    return lesser(left, available());
}
