/* preload/park.c: keeps daemon threads still while a finished interpreter waits for its verdict.
 *
 * Room   preload; target process, at the end of Py_Finalize and after it.
 * Why    CPython leaves daemon threads behind, and frees what they stand on. Alone, the process is
 *        gone some microseconds later; waiting for a verdict it is not, and a thread that tries to
 *        take the GIL of an interpreter that is no more reads freed memory (3.10: 58 runs of 60
 *        with four busy daemon threads died of it).
 * Method A signal puts each thread of Python's to sleep inside its handler; workers of libraries
 *        have nothing to fear, and go on at once. One that is blocked in a system call sleeps from
 *        the moment the interpreter's own things are cleared, before its memory is freed. One that
 *        is computing may hold a lock that the rest of the end needs, so it is stopped only after
 *        that. Both go on when the process has had time to be gone, and then find themselves where
 *        they would be without us: a destructor of a library may wake its blocked workers and wait
 *        for them to end (OpenBLAS does). A thread that blocks the signal is left alone. */
#define _GNU_SOURCE
#include "preload/park.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static const struct timespec TIME_TO_EXIT = {.tv_nsec = 200 * 1000 * 1000};
static const struct timespec TIME_TO_HEAR = {.tv_nsec = 50 * 1000};
enum { HEAR_TRIES = 40 };

static struct {
    unsigned long threads[HL_PARK_MAX]; /* Python's: pthread_t */
    unsigned n_threads;
    pid_t keeper;     /* the thread that waits for the verdict */
    atomic_uint go;   /* futex word, 1: those that compute need not stop */
    atomic_uint over; /* futex word, 1: the verdict is out */
    atomic_uint asked, heard;
} park;

/* Was the thread blocked in a system call that the signal ended? Then the call is to be made again
 * (the program counter is back on its instruction), or has just failed with EINTR. Calls made with
 * a lock of malloc held, mmap and its like, do neither. */
static bool was_blocked(const ucontext_t *at)
{
#if defined(__x86_64__)
    const uint8_t *pc = (const uint8_t *)at->uc_mcontext.gregs[REG_RIP];
    static const uint8_t call[] = {0x0f, 0x05}; /* syscall */
    long long result = at->uc_mcontext.gregs[REG_RAX];
#elif defined(__aarch64__)
    const uint8_t *pc = (const uint8_t *)at->uc_mcontext.pc;
    static const uint8_t call[] = {0x01, 0x00, 0x00, 0xd4}; /* svc #0 */
    long long result = (long long)at->uc_mcontext.regs[0];
#else
#error "say what a system call looks like on this processor"
#endif
    return !memcmp(pc, call, sizeof call) ||
           (result == -EINTR && !memcmp(pc - sizeof call, call, sizeof call));
}

static bool is_pythons(void)
{
    unsigned long self = (unsigned long)pthread_self();
    for (unsigned i = 0; i < park.n_threads; i++)
        if (park.threads[i] == self)
            return true;
    return false;
}

static void wait_for(atomic_uint *word)
{
    while (!atomic_load(word))
        syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void wake(atomic_uint *word)
{
    atomic_store(word, 1);
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void sleep_here(int signum, siginfo_t *info, void *context)
{
    int kept = errno;
    (void)signum, (void)info;
    if ((pid_t)syscall(SYS_gettid) == park.keeper)
        return;
    atomic_fetch_add(&park.heard, 1);
    if (!is_pythons())
        return;
    atomic_uint *word = was_blocked(context) ? &park.over : &park.go;
    bool stop = !atomic_load(word);
    wait_for(word);
    if (stop)
        nanosleep(&TIME_TO_EXIT, NULL);
    errno = kept;
}

/* A number at the start of a name, 0 if there is none. */
static pid_t number(const char *name)
{
    pid_t n = 0;
    for (; *name >= '0' && *name <= '9'; name++)
        n = n * 10 + (*name - '0');
    return n;
}

/* No malloc, no stdio: a thread may have been stopped with their locks held. */
static void signal_others(int signum)
{
    char names[4096] __attribute__((aligned(8)));
    pid_t process = getpid();
    int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return; /* without /proc there is nobody to ask: as before */
    for (long n; (n = syscall(SYS_getdents64, fd, names, sizeof names)) > 0;)
        for (long at = 0; at < n;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(names + at);
            pid_t thread = number(entry->d_name);
            if (thread && thread != park.keeper && !syscall(SYS_tgkill, process, thread, signum))
                atomic_fetch_add(&park.asked, 1);
            at += entry->d_reclen;
        }
    close(fd);
}

/* Returns when all have heard it, or some do not listen. */
static void stop_others(bool those_that_compute)
{
    struct sigaction stop = {.sa_sigaction = sleep_here, .sa_flags = SA_SIGINFO | SA_RESTART};
    int signum = SIGRTMAX, kept = errno;
    if (!park.n_threads)
        return;
    park.keeper = (pid_t)syscall(SYS_gettid);
    atomic_store(&park.go, !those_that_compute);
    atomic_store(&park.asked, 0);
    atomic_store(&park.heard, 0);
    sigfillset(&stop.sa_mask);
    if (!sigaction(signum, &stop, NULL))
        signal_others(signum);
    for (int i = 0; i < HEAR_TRIES && atomic_load(&park.heard) < atomic_load(&park.asked); i++)
        nanosleep(&TIME_TO_HEAR, NULL);
    errno = kept;
}

void hl_park_blocked(const unsigned long *threads, unsigned n)
{
    park.n_threads = n < HL_PARK_MAX ? n : HL_PARK_MAX;
    memcpy(park.threads, threads, park.n_threads * sizeof *threads);
    stop_others(false);
}

void hl_park_others(void)
{
    stop_others(true);
}

void hl_park_release(void)
{
    wake(&park.go);
    wake(&park.over);
}
