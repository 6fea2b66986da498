/* native/native_test.c: the library in front of this program's malloc notes what it takes, and from where.
 *
 * The program is linked with the library, so that its malloc comes first as if it were preloaded. What
 * it says of stacks is compared with glibc's backtrace(). */
#define _GNU_SOURCE
#include "native/native.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

const hl_native *hl_native_here(void);

enum { FRAMES = 128, THREADS = 8 };

static const hl_native *it;
static void *volatile sink; /* what is taken here is not to be optimized away */

static void begin(void)
{
    const hl_native_host nobody = {.python = NULL};
    it = hl_native_here();
    assert_int_equal(it->version, HL_NATIVE_VERSION);
    assert_true(it->start(&nobody));
}

static void end(void)
{
    it->stop();
}

static hl_live_block block_of(const void *p)
{
    return hl_live_look(it->live, (uintptr_t)p);
}

typedef struct place {
    char path[512];
    uint64_t at;
} place;

/* Innermost first, as file and address in it. */
static unsigned stack_of(uint64_t by, place out[FRAMES])
{
    unsigned n = 0;
    for (uint32_t site = hl_native_site(by); site && n < FRAMES;
         site = hl_site_of(it->sites, site)->parent) {
        const hl_site *s = hl_site_of(it->sites, site);
        snprintf(out[n].path, sizeof out[n].path, "%s", it->modules->list[s->code].path);
        out[n++].at = s->offset;
    }
    return n;
}

static place place_of(void *pc)
{
    place p = {.at = 0};
    Dl_info info;
    struct link_map *map;
    assert_true(dladdr1(pc, &info, (void **)&map, RTLD_DL_LINKMAP));
    snprintf(p.path, sizeof p.path, "%s", info.dli_fname);
    p.at = (uintptr_t)pc - map->l_addr;
    return p;
}

/* ---- each function ----------------------------------------------------------------------------- */

static void *by_posix(size_t n)
{
    void *p = NULL;
    return posix_memalign(&p, 64, n) ? NULL : p;
}
static void *by_malloc(size_t n)
{
    return malloc(n);
}
static void *by_calloc(size_t n)
{
    return calloc(1, n);
}
static void *by_realloc(size_t n)
{
    return realloc(NULL, n);
}
static void *by_reallocarray(size_t n)
{
    return reallocarray(NULL, 1, n);
}
static void *by_aligned(size_t n)
{
    return aligned_alloc(64, n);
}
static void *by_memalign(size_t n)
{
    return memalign(64, n);
}
static void *by_valloc(size_t n)
{
    return valloc(n);
}
static void *by_pvalloc(size_t n)
{
    return pvalloc(n);
}

static void every_function(void **state)
{
    void *(*const ways[])(size_t) = {by_malloc,   by_calloc,       by_realloc,
                                     by_posix,    by_reallocarray, by_aligned,
                                     by_memalign, by_valloc,       by_pvalloc};
    const size_t sizes[] = {1, 24, 333, 1024, 200000, HL_LIVE_BIG + (size_t)4096};
    (void)state;
    begin();
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            char *p = ways[w](sizes[k]);
            sink = p;
            assert_non_null(p);
            assert_int_equal(block_of(p).size,
                             sizes[k]); /* what was asked for, not what it takes */
            assert_true(block_of(p).by != 0);
            p[0] = p[sizes[k] - 1] = 1;
            char *q = realloc(p, sizes[k] + 7);
            sink = q;
            if (q != p)
                assert_int_equal(block_of(p).by, 0);
            assert_int_equal(block_of(q).size, sizes[k] + 7);
            free(q);
            assert_int_equal(block_of(q).by, 0);
        }
    end();
}

/* Compilers know that what these are given is gone; where they fail it is not. */
static void *(*volatile resize)(void *, size_t) = realloc;
static void *(*volatile resize_array)(void *, size_t, size_t) = reallocarray;

static void failures_leave_all_as_it_was(void **state)
{
    (void)state;
    begin();
    volatile size_t huge = (size_t)-1 / 2;
    char *p = malloc(40);
    sink = p;
    errno = 0;
    assert_null(malloc(huge));
    assert_int_equal(errno, ENOMEM);
    assert_null(calloc(huge, 8));
    assert_null(resize_array(p, huge, 8));
    assert_null(resize(p, huge));
    assert_int_equal(block_of(p).size, 40);
    errno = 77;
    free(p);
    for (int i = 0; i < 100; i++)
        free(malloc(10));
    free(NULL);
    assert_int_equal(errno, 77);
    end();
}

static void blocks_from_before_and_after(void **state)
{
    (void)state;
    void *before = malloc(100);
    begin();
    assert_int_equal(block_of(before).by, 0);
    free(before);
    void *within = malloc(100);
    sink = within;
    assert_int_equal(block_of(within).size, 100);
    end();
    void *after = malloc(100);
    sink = after;
    assert_int_equal(block_of(after).by, 0);
    free(after);
    free(within);
}

/* ---- stacks ------------------------------------------------------------------------------------ */

typedef struct both {
    void *block;
    void *seen[FRAMES];
    int n;
} both;

/* Frames of its own: one that has an array as large as asked, one that aligns its stack. */
__attribute__((noinline)) static void take(both *b)
{
    b->block = malloc(50);
    b->n = backtrace(b->seen, FRAMES);
}
__attribute__((noinline)) static void take_wide(both *b, size_t n)
{
    volatile char room[n];
    room[0] = room[n - 1] = 1;
    take(b);
    room[0] = 2;
}
__attribute__((noinline)) static void take_aligned(both *b, size_t n)
{
    _Alignas(64) volatile char line[64];
    line[0] = 1;
    take_wide(b, n + (size_t)line[0]);
}
__attribute__((noinline)) static void take_deep(both *b, int depth)
{
    if (depth)
        take_deep(b, depth - 1);
    else
        take_aligned(b, 1000);
    sink = b;
}

/* The innermost call is another, and what lies below the deepest that is told is not compared. */
static void assert_same(const both *b, unsigned least)
{
    place ours[FRAMES];
    unsigned n = stack_of(block_of(b->block).by, ours);
    assert_true(n >= least);
    for (unsigned i = 1; i < n && i < (unsigned)b->n; i++) {
        place theirs = place_of(b->seen[i]);
        assert_int_equal(ours[i].at, theirs.at);
        assert_string_equal(strrchr(ours[i].path, '/'), strrchr(theirs.path, '/'));
    }
    place first = place_of(b->seen[0]);
    assert_true(ours[0].at < first.at && first.at - ours[0].at < 100);
}

static void as_backtrace_says(void **state)
{
    both b;
    (void)state;
    (void)backtrace((void *[1]){NULL}, 1); /* it loads a library the first time */
    begin();
    for (int depth = 0; depth < 100; depth++) {
        take_deep(&b, depth);
        assert_same(&b, depth < 30 ? (unsigned)depth + 8 : 40);
        free(b.block);
    }
    end();
}

static void *in_thread(void *to)
{
    take_deep(to, 3);
    return NULL;
}

static void in_a_thread(void **state)
{
    both b;
    pthread_t t;
    (void)state;
    begin();
    assert_int_equal(pthread_create(&t, NULL, in_thread, &b), 0);
    pthread_join(t, NULL);
    assert_same(&b, 8);
    free(b.block);
    end();
}

static both of_context;
static ucontext_t main_context, other_context;

static void in_context(void)
{
    take_deep(&of_context, 3);
}

/* A stack that the program made itself. */
static void on_another_stack(void **state)
{
    (void)state;
    char *stack = malloc(1 << 16);
    begin();
    assert_int_equal(getcontext(&other_context), 0);
    other_context.uc_stack.ss_sp = stack;
    other_context.uc_stack.ss_size = 1 << 16;
    other_context.uc_link = &main_context;
    makecontext(&other_context, in_context, 0);
    assert_int_equal(swapcontext(&main_context, &other_context), 0);
    assert_same(&of_context, 6);
    free(of_context.block);
    end();
    free(stack);
}

static both of_signal;

static void on_signal(int signum)
{
    (void)signum;
    take(&of_signal);
}

static void on_the_stack_of_signals(void **state)
{
    (void)state;
    stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16}, none = {.ss_flags = SS_DISABLE};
    struct sigaction handler = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    begin();
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &handler, NULL);
    raise(SIGUSR1);
    place ours[FRAMES];
    unsigned n = stack_of(block_of(of_signal.block).by, ours);
    assert_true(n >= 2); /* take, on_signal: there it ends, or goes on */
    free(of_signal.block);
    signal(SIGUSR1, SIG_DFL);
    sigaltstack(&none, NULL);
    end();
    free(stack.ss_sp);
}

static uint32_t python = 41;

static uint32_t the_python_stack(void)
{
    return python;
}

/* Where the host's function stands in for the interpreter's loop the stack ends. */
__attribute__((noinline)) static void as_eval(both *b)
{
    take_deep(b, 2);
    sink = b;
}

static void (*volatile eval)(both *) = as_eval; /* that very function, and no clone of it */

static void ends_at_the_interpreter(void **state)
{
    both b;
    place ours[FRAMES];
    (void)state;
    begin();
    it->stop();
    hl_native_host host = {.python = the_python_stack, .eval = (uintptr_t)as_eval};
    assert_true(it->start(&host));
    eval(&b);
    uint64_t by = block_of(b.block).by;
    unsigned n = stack_of(by, ours);
    assert_int_equal(n, 1 + 6); /* take, _wide, _aligned, _deep three times; and Python */
    assert_int_equal(ours[n - 1].at, 41);
    assert_string_equal(ours[n - 1].path, "");
    eval(&b);
    assert_int_equal(hl_native_site(block_of(b.block).by), hl_native_site(by));
    python = 42;
    eval(&b);
    assert_int_not_equal(hl_native_site(block_of(b.block).by), hl_native_site(by));
    python = HL_NATIVE_THEIRS;
    eval(&b);
    assert_int_equal(block_of(b.block).by, 0);
    python = 41;
    end();
}

/* ---- threads, forks, signals, libraries -------------------------------------------------------- */

enum { HELD = 500, TURNS = 20000 };

static void *churn(void *seed)
{
    unsigned random = (unsigned)(uintptr_t)seed;
    void **held = calloc(HELD, sizeof *held);
    for (int i = 0; i < TURNS; i++) {
        void **one = &held[rand_r(&random) % HELD];
        free(*one);
        size_t n = 1 + (size_t)rand_r(&random) % 3000;
        *one = i % 3 ? malloc(n) : realloc(NULL, n);
        if (block_of(*one).size != n)
            abort();
    }
    for (int i = 0; i < HELD; i++) {
        free(held[i]);
        held[i] = NULL;
    }
    return held;
}

typedef struct counted {
    uint64_t blocks, bytes;
} counted;

static void count_block(void *to, uintptr_t at, uint64_t by, uint64_t size)
{
    counted *c = to;
    (void)at;
    (void)by;
    c->blocks++;
    c->bytes += size;
}

static counted count_live(void)
{
    counted c = {0, 0};
    hl_live_walk(it->live, count_block, &c);
    return c;
}

static void many_threads(void **state)
{
    pthread_t t[THREADS];
    void *held[THREADS];
    (void)state;
    begin();
    counted before = count_live();
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, churn, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(t[i], &held[i]);
    for (unsigned i = 0; i < THREADS; i++)
        free(held[i]);
    counted after = count_live();
    /* a thread's stack and tables are kept by libc for the next */
    assert_true(after.blocks - before.blocks < 4 * THREADS);
    assert_int_equal(it->live->lost, 0);
    end();
}

static void forks_while_others_work(void **state)
{
    pthread_t t[2];
    (void)state;
    begin();
    for (uintptr_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, churn, (void *)(i + 7)), 0);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(10);
            void *p = malloc(64);
            bool unseen = block_of(p).by == 0; /* nothing is noted there */
            p = realloc(p, 1 << 20);
            free(p);
            _exit(unseen ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        void *p = malloc(10);
        sink = p;
        assert_int_equal(block_of(p).size, 10);
        free(p);
    }
    for (unsigned i = 0; i < 2; i++) {
        void *held;
        pthread_join(t[i], &held);
        free(held);
    }
    end();
}

static volatile sig_atomic_t signals;
static void *volatile known_to_handler;

/* No program may, and some do. */
static void takes_and_frees(int signum)
{
    (void)signum;
    signals++;
    free(malloc(100));
    if (signals % 100 == 0)
        free(realloc(malloc(10), HL_LIVE_BIG + (size_t)1));
    free(known_to_handler);
    known_to_handler = NULL;
}

static uint32_t raises_meanwhile(void)
{
    raise(SIGUSR2);
    return 0;
}

/* It interrupts us in the middle of a block. */
static void handlers_that_allocate(void **state)
{
    (void)state;
    begin();
    it->stop();
    hl_native_host host = {.python = raises_meanwhile};
    struct sigaction handler = {.sa_handler = takes_and_frees};
    sigaction(SIGUSR2, &handler, NULL);
    assert_true(it->start(&host));
    for (int i = 0; i < 1000; i++) {
        void *p = malloc(33), *q = malloc(34);
        sink = p;
        known_to_handler = p;
        void *r = malloc(35); /* p is gone */
        assert_int_equal(block_of(q).size, 34);
        assert_int_equal(block_of(r).size, 35);
        assert_int_equal(block_of(p).by, 0);
        free(q);
        free(r);
    }
    assert_int_equal(signals, 3000);
    signal(SIGUSR2, SIG_DFL);
    end();
}

/* ---- samples ----------------------------------------------------------------------------------- */

enum { MANY = 60000, MEAN = 4096 };

static double estimated(void)
{
    double bytes = 0;
    for (size_t i = 0; (i = hl_samples_next(it->samples, i)) < HL_SAMPLES_ROOM; i++)
        bytes += (double)hl_sample_blocks(hl_samples_at(it->samples, i)->size, MEAN) /
                 HL_WEIGHT_ONE * (double)(hl_samples_at(it->samples, i)->size - HL_NATIVE_HEAD);
    return bytes;
}

static bool is_sample(const void *p)
{
    return hl_samples_look(it->samples, (uintptr_t)p).by != 0;
}

/* Sums over samples are those of all blocks, within six standard errors; what goes is forgotten. */
static void samples_stand_for_all(void **state)
{
    static void *blocks[MANY];
    double bytes = 0, variance = 0;
    (void)state;
    hl_native_host host = {.mean = MEAN};
    it = hl_native_here();
    assert_true(it->start(&host));
    double before = estimated();
    for (size_t i = 0; i < MANY; i++) {
        size_t n = 1 + i * 7919 % 3000;
        blocks[i] = i % 3 ? malloc(n) : i % 2 ? calloc(1, n) : realloc(malloc(n / 2), n);
        assert_non_null(blocks[i]);
        bytes += (double)n;
        variance += hl_sample_variance(n + HL_NATIVE_HEAD, MEAN);
    }
    for (size_t i = 0; i < MANY; i += 2) {
        size_t n = 1 + i * 7919 % 3000;
        free(blocks[i]);
        assert_false(is_sample(blocks[i]));
        bytes -= (double)n;
        variance -= hl_sample_variance(n + HL_NATIVE_HEAD, MEAN);
    }
    double off = estimated() - before - bytes;
    assert_true(off * off < 36 * variance);
    assert_true(variance < bytes * bytes / 400); /* the bound says something */
    for (size_t i = 1; i < MANY; i += 2) {
        if (is_sample(blocks[i])) {
            place p[FRAMES];
            uint64_t by = hl_samples_look(it->samples, (uintptr_t)blocks[i]).by;
            assert_true(stack_of(by, p) > 1);
            assert_string_equal(strrchr(p[0].path, '/'), "/native_test");
        }
        free(blocks[i]);
        assert_false(is_sample(blocks[i]));
    }
    assert_int_equal(it->samples->dropped, 0);
    end();
}

/* Blocks that the host's own library asks for are not told: it counts them itself. */
static void the_hosts_are_left_out(void **state)
{
    (void)state;
    hl_native_host host = {.mean = 1, .counts = true, .self = (uintptr_t)the_hosts_are_left_out};
    it = hl_native_here();
    assert_true(it->start(&host));
    size_t before = it->samples->n;
    void *p = malloc(100000), *q = realloc(malloc(10), 100000);
    sink = p;
    assert_int_equal(it->samples->n, before);
    void *handle = dlopen("libz.so.1", RTLD_NOW); /* the loader asks for some */
    assert_non_null(handle);
    assert_true(it->samples->n > before);
    dlclose(handle);
    free(p);
    free(q);
    end();
    begin(); /* and each is told again */
    p = malloc(333);
    assert_int_equal(block_of(p).size, 333);
    assert_int_equal(it->samples->n, 0);
    free(p);
    end();
}

/* ---- mappings ---------------------------------------------------------------------------------- */

/* Bytes at p that are told. */
static size_t mapped_at(const void *p)
{
    for (uint32_t i = 0; i < it->mappings->n; i++)
        if (it->mappings->of[i].from == (uintptr_t)p)
            return it->mappings->of[i].end - it->mappings->of[i].from;
    return 0;
}

static void what_the_kernel_gives(void **state)
{
    enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, OWN = MAP_PRIVATE | MAP_ANONYMOUS };
    (void)state;
    begin();
    char *p = mmap(NULL, 10 * PAGE - 1, RW, OWN, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mapped_at(p), 10 * PAGE);
    place at[FRAMES];
    assert_true(stack_of(it->mappings->of[0].by, at) > 0);
    assert_string_equal(strrchr(at[0].path, '/'), "/native_test");
    assert_int_equal(munmap(p + 3 * PAGE, 2 * PAGE), 0);
    assert_int_equal(mapped_at(p), 3 * PAGE);
    assert_int_equal(mapped_at(p + 5 * PAGE), 5 * PAGE);
    char *q = mremap(p, 3 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
    assert_true(q != MAP_FAILED);
    assert_int_equal(mapped_at(q), 600 * PAGE);
    assert_true(q == p || mapped_at(p) == 0);
    assert_true(mremap(q, 600 * PAGE, (size_t)1 << 46, 0) == MAP_FAILED);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(mapped_at(q), 600 * PAGE);
    assert_int_equal(munmap(q, 600 * PAGE), 0);
    assert_int_equal(munmap(p + 5 * PAGE, 5 * PAGE), 0);
    uint32_t n = it->mappings->n;
    char *reserved = mmap(NULL, PAGE, PROT_NONE, OWN, -1, 0);
    char *shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(it->mappings->n, n);
    munmap(reserved, PAGE);
    munmap(shared, PAGE);
    assert_true(mmap(NULL, 0, RW, OWN, -1, 0) == MAP_FAILED);
    assert_int_equal(errno, EINVAL);
    end();
    p = mmap(NULL, PAGE, RW, OWN, -1, 0);
    assert_int_equal(mapped_at(p), 0);
    munmap(p, PAGE);
}

/* A forked child begins anew, though another thread was at the table. */
static void samples_in_a_child(void **state)
{
    (void)state;
    hl_native_host host = {.mean = 1};
    it = hl_native_here();
    assert_true(it->start(&host));
    void *old = malloc(5000);
    assert_true(is_sample(old));
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = it->start(&host);
        void *p = malloc(4000);
        ok = ok && is_sample(p) && !is_sample(old);
        free(old);
        free(p);
        _exit(ok && !is_sample(p) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    free(old);
    end();
}

/* ---- bytes only -------------------------------------------------------------------------------- */

static __thread int64_t bytes_here;
static __thread bool is_hosts_own;

static bool count_bytes(int64_t bytes)
{
    if (is_hosts_own)
        return false;
    bytes_here += bytes;
    return true;
}

static void begin_counted(void)
{
    const hl_native_host host = {.counted = count_bytes};
    it = hl_native_here();
    assert_true(it->start(&host));
}

static int64_t usable(void *p)
{
    return (int64_t)malloc_usable_size(p);
}

static void bytes_of_every_function(void **state)
{
    void *(*const ways[])(size_t) = {by_malloc,   by_calloc,       by_realloc,
                                     by_posix,    by_reallocarray, by_aligned,
                                     by_memalign, by_valloc,       by_pvalloc};
    const size_t sizes[] = {0, 1, 24, 333, 1024, 200000, HL_LIVE_BIG + (size_t)4096};
    (void)state;
    begin_counted();
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            int64_t before = bytes_here;
            errno = 77;
            void *p = ways[w](sizes[k]);
            sink = p;
            assert_int_equal(bytes_here - before, usable(p));
            assert_int_equal(block_of(p).by, 0); /* no table has it */
            p = realloc(p, 3 * sizes[k] + 100);
            sink = p;
            assert_int_equal(bytes_here - before, usable(p));
            p = reallocarray(p, 1, sizes[k] + 1);
            sink = p;
            assert_int_equal(bytes_here - before, usable(p));
            free(p);
            assert_int_equal(bytes_here, before);
            assert_int_equal(errno, 77);
        }
    end();
}

static void bytes_of_what_fails(void **state)
{
    (void)state;
    begin_counted();
    volatile size_t huge = (size_t)-1 / 2;
    void *p = malloc(40), *q;
    sink = p;
    int64_t before = bytes_here;
    errno = 0;
    assert_null(malloc(huge));
    assert_int_equal(errno, ENOMEM);
    assert_null(calloc(huge, 8));
    assert_null(resize_array(p, huge, 8));
    assert_null(resize(p, huge));
    assert_int_equal(posix_memalign(&q, 64, huge), ENOMEM);
    assert_null(aligned_alloc(64, huge));
    free(NULL);
    assert_int_equal(bytes_here, before);
    int64_t was = usable(p);
    q = resize(p, 0); /* libc frees it, others give one of the least size */
    sink = q;
    assert_int_equal(bytes_here, before - was + (q ? usable(q) : 0));
    free(q);
    end();
}

static void bytes_from_before_and_of_the_host(void **state)
{
    (void)state;
    void *old = malloc(1000);
    int64_t size = usable(old);
    begin_counted();
    int64_t before = bytes_here;
    free(old); /* it goes: that it was made before is not known */
    assert_int_equal(bytes_here, before - size);
    is_hosts_own = true;
    void *own = malloc(2000);
    sink = own;
    own = realloc(own, 3000);
    free(own);
    is_hosts_own = false;
    assert_int_equal(bytes_here, before - size);
    void *kept = malloc(500);
    sink = kept;
    before = bytes_here;
    end();
    free(kept);
    free(malloc(400));
    assert_int_equal(bytes_here, before);
}

/* What a thread has made and not freed is what its blocks have. */
static void *bytes_in_a_thread(void *seed)
{
    unsigned random = (unsigned)(uintptr_t)seed;
    void *held[HELD] = {NULL};
    int64_t before = bytes_here, all = 0;
    for (int i = 0; i < TURNS; i++) {
        void **one = &held[rand_r(&random) % HELD];
        size_t n = 1 + (size_t)rand_r(&random) % 3000;
        all -= *one ? usable(*one) : 0;
        if (i % 3)
            free(*one);
        *one = i % 3 ? malloc(n) : realloc(*one, n);
        all += usable(*one);
        if (bytes_here - before != all)
            abort();
    }
    for (int i = 0; i < HELD; i++)
        free(held[i]);
    if (bytes_here != before)
        abort();
    return NULL;
}

static void bytes_in_many_threads(void **state)
{
    pthread_t t[THREADS];
    (void)state;
    begin_counted();
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, bytes_in_a_thread, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    end();
}

static void *bytes_until(void *more)
{
    while (__atomic_load_n((bool *)more, __ATOMIC_RELAXED)) {
        void *p = realloc(malloc(30), 200);
        sink = p;
        free(p);
    }
    return NULL;
}

/* Others are at it. */
static void bytes_while_it_starts_and_stops(void **state)
{
    pthread_t t[2];
    bool more = true;
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, bytes_until, &more), 0);
    for (int i = 0; i < 300; i++) {
        if (i % 2)
            begin_counted();
        else
            begin();
        usleep(100);
        end();
    }
    __atomic_store_n(&more, false, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
}

static int64_t bytes_of_mappings(char **out, int flags, int fd, size_t n)
{
    int64_t before = bytes_here;
    *out = mmap(NULL, n, PROT_READ | PROT_WRITE, flags, fd, 0);
    assert_true(*out != MAP_FAILED);
    return bytes_here - before;
}

static void bytes_of_what_the_kernel_gives(void **state)
{
    enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, OWN = MAP_PRIVATE | MAP_ANONYMOUS };
    (void)state;
    begin_counted();
    char *p, *q, *other;
    int64_t before = bytes_here;
    assert_int_equal(bytes_of_mappings(&p, OWN, -1, 10 * PAGE - 1), 10 * PAGE);
    assert_int_equal(munmap(p + 3 * PAGE, 2 * PAGE), 0);
    assert_int_equal(bytes_here - before, 8 * PAGE);
    assert_int_equal(munmap(p + 2 * PAGE, 4 * PAGE), 0); /* two of them were there no more */
    assert_int_equal(bytes_here - before, 6 * PAGE);
    q = mremap(p, 2 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
    assert_true(q != MAP_FAILED);
    assert_int_equal(bytes_here - before, 604 * PAGE);
    assert_true(mremap(q, 600 * PAGE, (size_t)1 << 46, 0) == MAP_FAILED);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(bytes_here - before, 604 * PAGE);
    assert_true(mmap(q, 100 * PAGE, RW, OWN | MAP_FIXED, -1, 0) == q);
    assert_int_equal(bytes_here - before, 604 * PAGE);
    assert_true(mmap(q, 50 * PAGE, PROT_NONE, OWN | MAP_FIXED, -1, 0) == q);
    assert_int_equal(bytes_here - before, 554 * PAGE);
    assert_int_equal(munmap(q, 600 * PAGE), 0);
    assert_int_equal(munmap(p + 6 * PAGE, 4 * PAGE), 0);
    assert_int_equal(bytes_here, before);
    assert_int_equal(bytes_of_mappings(&other, MAP_SHARED | MAP_ANONYMOUS, -1, PAGE), PAGE);
    munmap(other, PAGE);
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(bytes_of_mappings(&other, MAP_PRIVATE, file, PAGE), 0);
    munmap(other, PAGE);
    close(file);
    assert_int_equal(bytes_here, before);
    is_hosts_own = true;
    assert_int_equal(bytes_of_mappings(&other, OWN, -1, PAGE), 0);
    is_hosts_own = false;
    munmap(other, PAGE); /* its end is not told either */
    assert_int_equal(bytes_here, before);
    end();
}

/* It goes on counting there. */
static void bytes_in_a_child(void **state)
{
    (void)state;
    pthread_t t;
    begin_counted();
    assert_int_equal(pthread_create(&t, NULL, bytes_in_a_thread, (void *)5), 0);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(10);
            char *mapped = NULL;
            int64_t before = bytes_here;
            void *p = malloc(5000);
            bool ok = bytes_here - before == usable(p);
            free(p);
            ok = ok && bytes_of_mappings(&mapped, MAP_PRIVATE | MAP_ANONYMOUS, -1, 4096) == 4096;
            munmap(mapped, 4096);
            _exit(ok && bytes_here == before ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    assert_int_equal(pthread_join(t, NULL), 0);
    end();
}

/* Where it was loaded another one may lie, whose code is not the first one's. */
static void libraries_come_and_go(void **state)
{
    const char *const names[] = {"libz.so.1", "libzstd.so.1"};
    (void)state;
    begin();
    for (int i = 0; i < 6; i++) {
        void *handle = dlopen(names[i % 2], RTLD_NOW);
        assert_non_null(handle);
        both b;
        take_deep(&b, 2);
        assert_same(&b, 6);
        free(b.block);
        assert_int_equal(dlclose(handle), 0);
    }
    assert_int_equal(it->modules->lost, 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function),
        cmocka_unit_test(failures_leave_all_as_it_was),
        cmocka_unit_test(blocks_from_before_and_after),
        cmocka_unit_test(as_backtrace_says),
        cmocka_unit_test(in_a_thread),
        cmocka_unit_test(on_another_stack),
        cmocka_unit_test(on_the_stack_of_signals),
        cmocka_unit_test(ends_at_the_interpreter),
        cmocka_unit_test(many_threads),
        cmocka_unit_test(forks_while_others_work),
        cmocka_unit_test(handlers_that_allocate),
        cmocka_unit_test(samples_stand_for_all),
        cmocka_unit_test(the_hosts_are_left_out),
        cmocka_unit_test(samples_in_a_child),
        cmocka_unit_test(what_the_kernel_gives),
        cmocka_unit_test(bytes_of_every_function),
        cmocka_unit_test(bytes_of_what_fails),
        cmocka_unit_test(bytes_from_before_and_of_the_host),
        cmocka_unit_test(bytes_in_many_threads),
        cmocka_unit_test(bytes_while_it_starts_and_stops),
        cmocka_unit_test(bytes_of_what_the_kernel_gives),
        cmocka_unit_test(bytes_in_a_child),
        cmocka_unit_test(libraries_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
