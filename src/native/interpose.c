/* native/interpose.c: malloc and its kin: each block noted, where that is asked for.
 *
 * Room   native; target, inside malloc, from the process's first instruction on. Links no Python.
 * Method The functions have libc's names, and being preloaded come first; what they stand in front of
 *        is whatever would have been called (RTLD_NEXT): libc, or an allocator the user preloads. Until
 *        somebody starts it they hand on. Then each block's word goes into a map of live blocks
 *        (track/live.h), with the site of its stack; it is taken out before the block is freed, so
 *        that an address which comes back at once is not taken for the old block.
 * Early  To find the others dlsym may ask for memory: that comes from a few pages of our own, which are
 *        never given back.
 * Within What we do takes no memory of malloc's; should a signal handler ask for some meanwhile, it
 *        gets it, unseen. In a forked child nothing is noted. errno is the program's.
 * Start  The process is a Python: what the launcher put into the environment goes out, so that no
 *        process it starts has it. A shell or version manager on the way to it leaves it in. */
#define _GNU_SOURCE
#include "native/environment.h"
#include "native/native.h"
#include "native/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define INTERPOSED    __attribute__((visibility("default")))
#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define HIDDEN_INLINE static inline __attribute__((always_inline))

enum { EARLY_BYTES = 1 << 16, ALIGNED = 16 };

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    int (*dlclose)(void *);
} real;

static bool on;
static hl_native_host host;
static hl_live live;
static hl_sites sites;
static hl_modules modules;
static __thread int within __attribute__((tls_model("initial-exec")));

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
    void *(*last)(size_t);
    find_one("malloc", &last);
    __atomic_store_n(&real.malloc, last, __ATOMIC_RELEASE); /* it says that all are known */
    finding = 0;
    errno = kept;
    return true;
}

HIDDEN_INLINE bool known(void)
{
    return LIKELY(__atomic_load_n(&real.malloc, __ATOMIC_ACQUIRE) != NULL) || find();
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

static __attribute__((noinline)) void *made(void *p, size_t n, const hl_registers *caller)
{
    if (!p || within)
        return p;
    int kept = errno;
    within = 1;
    uint32_t python = host.python ? host.python() : 0;
    if (python != HL_NATIVE_THEIRS)
        hl_live_put(&live, (uintptr_t)p, hl_native_by(hl_stack_site(caller, python)), n);
    within = 0;
    errno = kept;
    return p;
}

/* The lock of the slow half may be held by whom a signal handler interrupts. */
HIDDEN_INLINE hl_live_block gone(void *p)
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

static __attribute__((noinline)) void let_go(void *p)
{
    (void)gone(p);
}

/* ---- libc's functions -------------------------------------------------------------------------- */

INTERPOSED void *malloc(size_t n)
{
    if (!known())
        return early_take(n);
    if (LIKELY(!on))
        return real.malloc(n);
    hl_registers caller = CALLER;
    return made(real.malloc(n), n, &caller);
}

INTERPOSED void *calloc(size_t each, size_t n)
{
    if (!known()) /* early memory is zero, and never used twice */
        return n && each > EARLY_BYTES / n ? NULL : early_take(each * n);
    if (LIKELY(!on))
        return real.calloc(each, n);
    hl_registers caller = CALLER;
    return made(real.calloc(each, n), each * n, &caller);
}

INTERPOSED void free(void *p)
{
    if (is_early(p) || !known())
        return;
    if (UNLIKELY(on) && p)
        let_go(p);
    real.free(p);
}

static void *from_early(void *p, size_t n)
{
    void *q = malloc(n);
    size_t was = early_size(p);
    return q ? memcpy(q, p, was < n ? was : n) : NULL;
}

/* By the time it returns the old address may be another thread's. */
static __attribute__((noinline)) void *remade(void *p, size_t n, const hl_registers *caller)
{
    hl_live_block was = p ? gone(p) : (hl_live_block){0, 0};
    void *q = real.realloc(p, n);
    if (q || !n)
        return made(q, n, caller);
    if (was.by && !within) {
        within = 1;
        hl_live_put(&live, (uintptr_t)p, was.by, was.size);
        within = 0;
    }
    return NULL;
}

INTERPOSED void *realloc(void *p, size_t n)
{
    if (is_early(p))
        return from_early(p, n);
    if (!known())
        return early_take(n);
    if (LIKELY(!on))
        return real.realloc(p, n);
    hl_registers caller = CALLER;
    return remade(p, n, &caller);
}

INTERPOSED void *reallocarray(void *p, size_t each, size_t n)
{
    size_t bytes;
    if (is_early(p) || !known() || !real.reallocarray || UNLIKELY(on)) {
        if (__builtin_mul_overflow(each, n, &bytes)) {
            errno = ENOMEM;
            return NULL;
        }
        if (is_early(p) || !known() || !on)
            return realloc(p, bytes);
        hl_registers caller = CALLER;
        return remade(p, bytes, &caller);
    }
    return real.reallocarray(p, each, n);
}

INTERPOSED int posix_memalign(void **out, size_t align, size_t n)
{
    if (!known() || !real.posix_memalign)
        return ENOMEM;
    int failed = real.posix_memalign(out, align, n);
    if (UNLIKELY(on) && !failed) {
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
    if (LIKELY(!on))
        return real.aligned_alloc(align, n);
    hl_registers caller = CALLER;
    return made(real.aligned_alloc(align, n), n, &caller);
}

INTERPOSED void *memalign(size_t align, size_t n);
void *memalign(size_t align, size_t n)
{
    if (!known() || !real.memalign)
        return none();
    if (LIKELY(!on))
        return real.memalign(align, n);
    hl_registers caller = CALLER;
    return made(real.memalign(align, n), n, &caller);
}

INTERPOSED void *valloc(size_t n)
{
    if (!known() || !real.valloc)
        return none();
    if (LIKELY(!on))
        return real.valloc(n);
    hl_registers caller = CALLER;
    return made(real.valloc(n), n, &caller);
}

INTERPOSED void *pvalloc(size_t n);
void *pvalloc(size_t n)
{
    if (!known() || !real.pvalloc)
        return none();
    if (LIKELY(!on))
        return real.pvalloc(n);
    hl_registers caller = CALLER;
    return made(real.pvalloc(n), n, &caller);
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
    if (UNLIKELY(on))
        refresh();
    return failed;
}

/* ---- start and stop ---------------------------------------------------------------------------- */

static void in_forked_child(void)
{
    if (!on)
        return;
    on = false;
    within = 0;
    hl_lock_reset(&live.lock);
    hl_stack_forked();
}

static bool start(const hl_native_host *of)
{
    static bool minds_forks;
    if (on || !known() || !hl_stack_begin(&sites, &modules, of->eval))
        return false;
    if (!minds_forks && pthread_atfork(NULL, NULL, in_forked_child))
        return false;
    minds_forks = true;
    refresh();
    hl_live_clear(&live);
    host = *of;
    __atomic_store_n(&on, true, __ATOMIC_RELEASE);
    return true;
}

static void stop(void)
{
    __atomic_store_n(&on, false, __ATOMIC_RELEASE);
}

static __attribute__((noinline)) uint32_t here(void)
{
    hl_registers caller = CALLER;
    int kept = errno, outer = within;
    if (!on)
        return 0;
    within = 1;
    uint32_t python = host.python ? host.python() : 0;
    uint32_t site = hl_stack_site(&caller, python == HL_NATIVE_THEIRS ? 0 : python);
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
                                 .sites = &sites,
                                 .modules = &modules};
    return &it;
}

static __attribute__((constructor)) void leave_environment(void)
{
    (void)known();
    const char *users = getenv(HL_NATIVE_USERS);
    if (!getenv(HL_NATIVE_ENV) || !dlsym(RTLD_DEFAULT, "Py_GetVersion"))
        return;
    if (users)
        setenv("LD_PRELOAD", users, 1);
    else
        unsetenv("LD_PRELOAD");
    unsetenv(HL_NATIVE_USERS);
    unsetenv(HL_NATIVE_ENV);
}
