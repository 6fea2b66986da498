/* native/interpose.c: malloc and its kin: blocks noted, each or one in so many bytes, or bytes only.
 *
 * Room   native; target, inside malloc, from the process's first instruction on. Links no Python.
 * Method The functions have libc's names, and being preloaded come first; what they stand in front of
 *        is whatever would have been called (RTLD_NEXT): libc, or an allocator the user preloads. Until
 *        somebody starts it they hand on. Then each block's word goes into a map of live blocks
 *        (track/live.h), with the site of its stack; it is taken out before the block is freed, so
 *        that an address which comes back at once is not taken for the old block.
 * Bytes  Where only these are asked for, what a block has is asked of its allocator when it comes and when
 *        it goes: no table, no stack, no lock. Mappings are in their table: what is unmapped may be
 *        anybody's. What the allocator below maps are the pages of blocks that are counted.
 * Early  To find the others dlsym may ask for memory: that comes from a few pages of our own, which are
 *        never given back.
 * Within What we do takes no memory of malloc's; should a signal handler ask for some meanwhile, it
 *        gets it, unseen. In a forked child nothing is noted, but bytes are. errno is the program's.
 * Start  The process is a Python: what the launcher put into the environment goes out, so that no
 *        process it starts has it. A shell or version manager on the way to it leaves it in. */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* it would make mmap another name for mmap64; we define both */
#include "native/environment.h"
#include "native/native.h"
#include "native/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define INTERPOSED    __attribute__((visibility("default")))
#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define HIDDEN_INLINE static inline __attribute__((always_inline))

enum { EARLY_BYTES = 1 << 16, ALIGNED = 16 };

static void *first_malloc(size_t n);
static void *first_calloc(size_t each, size_t n);
static void *first_realloc(void *p, size_t n);
static void first_free(void *p);

static struct {
    void *(*malloc)(size_t); /* these four look for all of them when they are called first */
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    bool all; /* are known; stored last */
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    int (*dlclose)(void *);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*munmap)(void *, size_t);
    void *(*mremap)(void *, size_t, size_t, int, ...);
    size_t (*usable)(void *);
} real = {
    .malloc = first_malloc, .calloc = first_calloc, .realloc = first_realloc, .free = first_free};

enum { OFF, EXACT, SAMPLED, COUNTED };
static int mode;
static hl_native_host host;
static bool (*counted)(int64_t bytes); /* stored before the mode, and never taken back */
static hl_live live;
static hl_samples samples;
static hl_mappings mappings;
static hl_sites sites;
static hl_modules modules;
static __thread int within __attribute__((tls_model("initial-exec")));
static __thread struct {
    int64_t left;    /* bytes to the next point */
    uint64_t random; /* 0: this thread has asked for nothing yet */
} point __attribute__((tls_model("initial-exec")));

/* ---- before the others are known --------------------------------------------------------------- */

static char early[EARLY_BYTES] __attribute__((aligned(ALIGNED)));
static size_t early_used;
static __thread int finding __attribute__((tls_model("initial-exec")));

HIDDEN_INLINE bool is_early(const void *p)
{
    return UNLIKELY((size_t)((const char *)p - early) < EARLY_BYTES);
}

static void *early_take(size_t n)
{
    size_t whole = (n + 2 * ALIGNED - 1) / ALIGNED * ALIGNED; /* before it stands its size */
    if (n > EARLY_BYTES)
        return NULL;
    size_t at = __atomic_fetch_add(&early_used, whole, __ATOMIC_RELAXED);
    if (at + whole > EARLY_BYTES) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(early + at, &n, sizeof n);
    return early + at + ALIGNED;
}

static size_t early_size(const void *p)
{
    size_t n;
    memcpy(&n, (const char *)p - ALIGNED, sizeof n);
    return n;
}

static void find_one(const char *name, void *to)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(to, &found, sizeof found);
}

/* false: this thread is at it, and has to do with early memory. */
static __attribute__((noinline)) bool find(void)
{
    if (finding)
        return false;
    int kept = errno;
    finding = 1;
    find_one("calloc", &real.calloc);
    find_one("realloc", &real.realloc);
    find_one("free", &real.free);
    find_one("posix_memalign", &real.posix_memalign);
    find_one("aligned_alloc", &real.aligned_alloc);
    find_one("memalign", &real.memalign);
    find_one("valloc", &real.valloc);
    find_one("pvalloc", &real.pvalloc);
    find_one("reallocarray", &real.reallocarray);
    find_one("dlclose", &real.dlclose);
    find_one("mmap", &real.mmap);
    find_one("munmap", &real.munmap);
    find_one("mremap", &real.mremap);
    find_one("malloc_usable_size", &real.usable);
    find_one("malloc", &real.malloc);
    __atomic_store_n(&real.all, true, __ATOMIC_RELEASE);
    finding = 0;
    errno = kept;
    return true;
}

HIDDEN_INLINE bool known(void)
{
    return LIKELY(__atomic_load_n(&real.all, __ATOMIC_ACQUIRE)) || find();
}

static void *first_malloc(size_t n)
{
    return known() ? real.malloc(n) : early_take(n);
}

static void *first_calloc(size_t each, size_t n) /* early memory is zero, and never used twice */
{
    return known()                       ? real.calloc(each, n)
           : n && each > EARLY_BYTES / n ? NULL
                                         : early_take(each * n);
}

static void *first_realloc(void *p, size_t n)
{
    return known() ? real.realloc(p, n)
                   : early_take(n); /* p was NULL: early memory comes not here */
}

static void first_free(void *p)
{
    if (known())
        real.free(p);
}

/* ---- one block --------------------------------------------------------------------------------- */

/* Of who called the function this stands in. */
#if defined(__x86_64__)
#define CALLER                                                                                     \
    (hl_registers)                                                                                 \
    {                                                                                              \
        (uintptr_t) __builtin_return_address(0), (uintptr_t)__builtin_frame_address(0) + 16,       \
            *(const uintptr_t *)__builtin_frame_address(0)                                         \
    }
#else
#define CALLER                                                                                     \
    (hl_registers)                                                                                 \
    {                                                                                              \
        (uintptr_t) __builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa(),                 \
            *(const uintptr_t *)__builtin_frame_address(0)                                         \
    }
#endif

/* How many bytes the allocator gave for it. */
static int64_t bytes_of(void *p)
{
    return p ? (int64_t)real.usable(p) : 0;
}

static void note(int as, void *p, size_t n, const hl_registers *caller)
{
    uint32_t python = host.python ? host.python() : 0;
    if (python == HL_NATIVE_THEIRS)
        return;
    uint32_t site = hl_stack_site(caller, python, host.counts);
    if (site == HL_NATIVE_THEIRS)
        return;
    if (as == EXACT) {
        hl_live_put(&live, (uintptr_t)p, hl_native_by(site), n);
        return;
    }
    hl_lock_take(&samples.lock);
    hl_samples_put(&samples, (uintptr_t)p, hl_native_by(site), n + HL_NATIVE_HEAD);
    hl_lock_give(&samples.lock);
}

static __attribute__((noinline)) void *made(void *p, size_t n, const hl_registers *caller)
{
    int as = __atomic_load_n(&mode, __ATOMIC_ACQUIRE);
    if (!p || within || as == OFF)
        return p;
    if (as == COUNTED) {
        (void)counted(bytes_of(p));
        return p;
    }
    int kept = errno;
    within = 1;
    note(as, p, n, caller);
    within = 0;
    errno = kept;
    return p;
}

/* Samples: a point lies in the block, or this is the first of a thread. */
static __attribute__((noinline)) bool next_point(size_t n)
{
    static uint64_t threads;
    bool first = !point.random;
    if (first) {
        uint64_t number = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
        point.random = number * 0x9E3779B97F4A7C15ull ^ (uintptr_t)&point;
        point.random += !point.random;
        point.left = hl_sample_gap(&point.random, samples.mean);
        if ((point.left -= (int64_t)n + HL_NATIVE_HEAD) >= 0)
            return false;
    }
    point.left = hl_sample_gap(&point.random, samples.mean);
    return true;
}

/* Is a block of so many bytes to be noted? Once for each: its bytes are counted. */
HIDDEN_INLINE bool is_due(size_t n)
{
    int as = mode;
    if (LIKELY(as == SAMPLED))
        return UNLIKELY((point.left -= (int64_t)n + HL_NATIVE_HEAD) < 0) && next_point(n);
    return UNLIKELY(as != OFF);
}

/* May this block be one that was noted, or is counted? */
HIDDEN_INLINE bool is_known(const void *p)
{
    int as = mode;
    return UNLIKELY(as != OFF) && p && (as != SAMPLED || UNLIKELY(hl_samples_maybe(&samples, p)));
}

/* The lock of the slow half may be held by whom a signal handler interrupts. */
static hl_live_block gone_exactly(void *p)
{
    const uint64_t *word = hl_live_word(&live, (uintptr_t)p);
    if (within && (!word || (*word & HL_LIVE_BIG) == HL_LIVE_BIG))
        return (hl_live_block){0, 0};
    int outer = within;
    within = 1;
    hl_live_block b = hl_live_take(&live, (uintptr_t)p);
    within = outer;
    return b;
}

/* by 0: nothing was known of it. */
static hl_live_block gone(void *p)
{
    int as = __atomic_load_n(&mode, __ATOMIC_ACQUIRE);
    if (as == EXACT)
        return gone_exactly(p);
    if (as == COUNTED && !within)
        (void)counted(-bytes_of(p));
    if (as != SAMPLED || within)
        return (hl_live_block){0, 0};
    within = 1;
    hl_lock_take(&samples.lock);
    hl_sample s = hl_samples_take(&samples, (uintptr_t)p);
    hl_lock_give(&samples.lock);
    within = 0;
    return (hl_live_block){s.by, s.size};
}

static void put_back(void *p, hl_live_block was)
{
    int as = __atomic_load_n(&mode, __ATOMIC_ACQUIRE);
    within = 1;
    if (as == EXACT) {
        hl_live_put(&live, (uintptr_t)p, was.by, was.size);
    } else if (as == SAMPLED) {
        hl_lock_take(&samples.lock);
        hl_samples_put(&samples, (uintptr_t)p, was.by, was.size);
        hl_lock_give(&samples.lock);
    }
    within = 0;
}

static __attribute__((noinline)) void let_go(void *p)
{
    (void)gone(p);
}

/* ---- libc's functions -------------------------------------------------------------------------- */

INTERPOSED void *malloc(size_t n)
{
    if (LIKELY(!is_due(n)))
        return real.malloc(n);
    hl_registers caller = CALLER;
    return made(real.malloc(n), n, &caller);
}

INTERPOSED void *calloc(size_t each, size_t n)
{
    if (LIKELY(!is_due(each * n)))
        return real.calloc(each, n);
    hl_registers caller = CALLER;
    return made(real.calloc(each, n), each * n, &caller);
}

INTERPOSED void free(void *p)
{
    if (is_early(p))
        return;
    if (is_known(p))
        let_go(p);
    real.free(p);
}

static void *from_early(void *p, size_t n)
{
    void *q = malloc(n);
    size_t was = early_size(p);
    return q ? memcpy(q, p, was < n ? was : n) : NULL;
}

static void *recounted(void *p, size_t n)
{
    int64_t was = bytes_of(p);
    void *q = real.realloc(p, n);
    if ((q || !n) && !within)
        (void)counted(bytes_of(q) - was);
    return q;
}

/* By the time it returns the old address may be another thread's. */
static __attribute__((noinline)) void *remade(void *p, size_t n, bool due,
                                              const hl_registers *caller)
{
    if (__atomic_load_n(&mode, __ATOMIC_ACQUIRE) == COUNTED)
        return recounted(p, n);
    hl_live_block was = is_known(p) ? gone(p) : (hl_live_block){0, 0};
    void *q = real.realloc(p, n);
    if (q || !n)
        return due ? made(q, n, caller) : q;
    if (was.by && !within)
        put_back(p, was);
    return NULL;
}

INTERPOSED void *realloc(void *p, size_t n)
{
    if (is_early(p))
        return from_early(p, n);
    bool due = is_due(n);
    if (LIKELY(!due && !is_known(p)))
        return real.realloc(p, n);
    hl_registers caller = CALLER;
    return remade(p, n, due, &caller);
}

INTERPOSED void *reallocarray(void *p, size_t each, size_t n)
{
    size_t bytes;
    if (__builtin_mul_overflow(each, n, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    if (is_early(p) || !known() || !real.reallocarray)
        return realloc(p, bytes);
    bool due = is_due(bytes);
    if (LIKELY(!due && !is_known(p)))
        return real.reallocarray(p, each, n);
    hl_registers caller = CALLER;
    return remade(p, bytes, due, &caller);
}

INTERPOSED int posix_memalign(void **out, size_t align, size_t n)
{
    if (!known() || !real.posix_memalign)
        return ENOMEM;
    int failed = real.posix_memalign(out, align, n);
    if (!failed && UNLIKELY(is_due(n))) {
        hl_registers caller = CALLER;
        (void)made(*out, n, &caller);
    }
    return failed;
}

static void *none(void)
{
    errno = ENOMEM;
    return NULL;
}

INTERPOSED void *aligned_alloc(size_t align, size_t n)
{
    if (!known() || !real.aligned_alloc)
        return none();
    if (LIKELY(!is_due(n)))
        return real.aligned_alloc(align, n);
    hl_registers caller = CALLER;
    return made(real.aligned_alloc(align, n), n, &caller);
}

INTERPOSED void *memalign(size_t align, size_t n);
void *memalign(size_t align, size_t n)
{
    if (!known() || !real.memalign)
        return none();
    if (LIKELY(!is_due(n)))
        return real.memalign(align, n);
    hl_registers caller = CALLER;
    return made(real.memalign(align, n), n, &caller);
}

INTERPOSED void *valloc(size_t n)
{
    if (!known() || !real.valloc)
        return none();
    if (LIKELY(!is_due(n)))
        return real.valloc(n);
    hl_registers caller = CALLER;
    return made(real.valloc(n), n, &caller);
}

INTERPOSED void *pvalloc(size_t n);
void *pvalloc(size_t n)
{
    if (!known() || !real.pvalloc)
        return none();
    if (LIKELY(!is_due(n)))
        return real.pvalloc(n);
    hl_registers caller = CALLER;
    return made(real.pvalloc(n), n, &caller);
}

/* ---- the kernel's functions ---------------------------------------------------------------------- */

/* Memory, and no file's, for this process alone. An arena of the interpreter's holds blocks that are
 * told one by one; what is reserved only takes none. */
static bool is_told(size_t n, int prot, int flags, const hl_registers *caller)
{
    return (flags & MAP_PRIVATE) && (flags & MAP_ANONYMOUS) && (prot & PROT_WRITE) &&
           !(n == host.arena && hl_stack_is_interpreter(caller->pc));
}

/* ... of bytes only: what is shared with children, too. */
static bool is_counted(int prot, int flags)
{
    return (flags & MAP_ANONYMOUS) && (prot & PROT_WRITE) && counted(0);
}

static uintptr_t page_end(const void *p, size_t n)
{
    enum { PAGE = 4096 };
    return ((uintptr_t)p + n + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
}

/* by 0: nothing is there, or nothing that is told. */
static uint64_t mapped(const void *p, size_t n, uint64_t by)
{
    hl_lock_take(&mappings.lock);
    int64_t before = mappings.bytes;
    uint64_t was = hl_mappings_cut(&mappings, (uintptr_t)p, page_end(p, n));
    if (by)
        hl_mappings_put(&mappings, (uintptr_t)p, page_end(p, n), by);
    int64_t change = mappings.bytes - before;
    hl_lock_give(&mappings.lock);
    if (change && __atomic_load_n(&mode, __ATOMIC_ACQUIRE) == COUNTED)
        (void)counted(change);
    return was;
}

/* The host's own mappings are made in a child, too, whose locks may be held by nobody. */
static bool is_followed(const hl_registers *caller)
{
    return mode != OFF && !within && !hl_stack_is_hosts(caller->pc) &&
           !(mode == COUNTED && hl_stack_is_allocators(caller->pc));
}

static __attribute__((noinline)) void *map(void *at, size_t n, int prot, int flags, int fd,
                                           off_t offset, const hl_registers *caller)
{
    void *p = real.mmap(at, n, prot, flags, fd, offset);
    if (p == MAP_FAILED || !is_followed(caller))
        return p;
    int kept = errno;
    within = 1;
    uint64_t by = 0;
    if (__atomic_load_n(&mode, __ATOMIC_ACQUIRE) == COUNTED) {
        by = is_counted(prot, flags) ? hl_native_by(1) : 0;
    } else if (is_told(n, prot, flags, caller)) {
        uint32_t python = host.python ? host.python() : 0;
        if (python != HL_NATIVE_THEIRS)
            by = hl_native_by(hl_stack_site(caller, python, false));
    }
    if (by || (flags & MAP_FIXED))
        (void)mapped(p, n, by);
    within = 0;
    errno = kept;
    return p;
}

INTERPOSED void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    hl_registers caller = CALLER;
    if (known() && real.mmap)
        return map(at, n, prot, flags, fd, offset, &caller);
    errno = ENOMEM;
    return MAP_FAILED;
}

INTERPOSED void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t offset)
{
    _Static_assert(sizeof(off_t) == sizeof(off64_t), "both have 64 bits");
    hl_registers caller = CALLER;
    if (known() && real.mmap)
        return map(at, n, prot, flags, fd, offset, &caller);
    errno = ENOMEM;
    return MAP_FAILED;
}

INTERPOSED int munmap(void *p, size_t n)
{
    hl_registers caller = CALLER;
    if (!known() || !real.munmap) {
        errno = EINVAL;
        return -1;
    }
    if (is_followed(&caller)) { /* before its addresses can be another's */
        within = 1;
        (void)mapped(p, n, 0);
        within = 0;
    }
    return real.munmap(p, n);
}

INTERPOSED void *mremap(void *p, size_t was, size_t n, int flags, ...)
{
    hl_registers caller = CALLER;
    va_list more;
    va_start(more, flags);
    void *to = flags & MREMAP_FIXED ? va_arg(more, void *) : NULL;
    va_end(more);
    if (!known() || !real.mremap) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    bool follows = is_followed(&caller);
    uint64_t by = 0;
    if (follows) {
        within = 1;
        by = mapped(p, was, 0);
        within = 0;
    }
    void *q = real.mremap(p, was, n, flags, to);
    int kept = errno;
    if (follows) {
        within = 1;
        (void)mapped(q == MAP_FAILED ? p : q, q == MAP_FAILED ? was : n, by);
        within = 0;
    }
    errno = kept;
    return q;
}

static void refresh(void)
{
    int kept = errno, outer = within;
    within = 1;
    hl_stack_refresh();
    within = outer;
    errno = kept;
}

/* What comes to lie at the addresses of a library that went is other code. */
INTERPOSED int dlclose(void *handle)
{
    if (!known() || !real.dlclose)
        return -1;
    int failed = real.dlclose(handle);
    if (UNLIKELY(mode == EXACT || mode == SAMPLED))
        refresh();
    return failed;
}

/* ---- start and stop ---------------------------------------------------------------------------- */

static void in_forked_child(void)
{
    if (mode == OFF)
        return;
    within = 0;
    if (mode == COUNTED) {      /* nothing is known of a block: it goes on */
        if (mappings.lock.held) /* another thread was at the table */
            mappings.n = 0, mappings.bytes = 0;
        hl_lock_reset(&mappings.lock);
        hl_stack_forked();
        return;
    }
    mode = OFF;
    hl_lock_reset(&live.lock);
    hl_samples_deinit(&samples); /* another thread may have been at it; its lock is free now */
    memset(&mappings, 0, sizeof mappings);
    hl_stack_forked();
}

/* In a process whose table was another's: what it had then is not known any more. */
static bool start(const hl_native_host *of)
{
    static bool minds_forks;
    if (mode != OFF || !known() || (of->counted && !real.usable) ||
        !hl_stack_begin(&sites, &modules, of))
        return false;
    if (!minds_forks && pthread_atfork(NULL, NULL, in_forked_child))
        return false;
    minds_forks = true;
    if (of->mean > 0 && !hl_samples_init(&samples, of->mean))
        return false;
    hl_samples_clear(&samples);
    samples.mean = of->mean;
    hl_mappings_cut(&mappings, 0, UINTPTR_MAX);
    mappings.lost = 0;
    refresh();
    uintptr_t allocator;
    memcpy(&allocator, &real.malloc, sizeof allocator);
    hl_stack_host(allocator);
    /* no memory for what is loaded: then the host's own mappings could not be told from others */
    if (of->self && !hl_stack_is_hosts(of->self))
        return false;
    hl_live_clear(&live);
    host = *of;
    counted = of->counted ? of->counted : counted;
    __atomic_store_n(&mode,
                     of->counted    ? COUNTED
                     : of->mean > 0 ? SAMPLED
                                    : EXACT,
                     __ATOMIC_RELEASE);
    return true;
}

static void stop(void)
{
    __atomic_store_n(&mode, OFF, __ATOMIC_RELEASE);
}

static __attribute__((noinline)) uint32_t here(void)
{
    hl_registers caller = CALLER;
    int kept = errno, outer = within;
    if (mode == OFF)
        return 0;
    within = 1;
    uint32_t python = host.python ? host.python() : 0;
    uint32_t site = hl_stack_site(&caller, python == HL_NATIVE_THEIRS ? 0 : python, false);
    within = outer;
    errno = kept;
    return site;
}

INTERPOSED const hl_native *hl_native_here(void);
const hl_native *hl_native_here(void)
{
    static const hl_native it = {.version = HL_NATIVE_VERSION,
                                 .start = start,
                                 .stop = stop,
                                 .refresh = refresh,
                                 .here = here,
                                 .live = &live,
                                 .samples = &samples,
                                 .mappings = &mappings,
                                 .sites = &sites,
                                 .modules = &modules};
    return &it;
}

/* The descriptor we were loaded through, if the process has inherited it. */
static void leave_descriptor(const char *number)
{
    Dl_info here;
    struct stat ours, its;
    int fd = strncmp(number, HL_NATIVE_FD, strlen(HL_NATIVE_FD))
                 ? -1
                 : atoi(number + strlen(HL_NATIVE_FD));
    if (fd > STDERR_FILENO && dladdr((const void *)early, &here) && here.dli_fname &&
        !stat(here.dli_fname, &ours) && !fstat(fd, &its) && ours.st_dev == its.st_dev &&
        ours.st_ino == its.st_ino)
        close(fd);
}

static __attribute__((constructor)) void leave_environment(void)
{
    (void)known();
    const char *users = getenv(HL_NATIVE_USERS), *asked = getenv(HL_NATIVE_ENV);
    if (!asked || !dlsym(RTLD_DEFAULT, "Py_GetVersion"))
        return;
    leave_descriptor(asked);
    if (users)
        setenv("LD_PRELOAD", users, 1);
    else
        unsetenv("LD_PRELOAD");
    unsetenv(HL_NATIVE_USERS);
    unsetenv(HL_NATIVE_ENV);
}
