/* preload/page.h: the page that launcher, program and sentinel share under `heaplens run`.
 *
 * Room   preload; plain C, no Python; included by all three processes.
 * The launcher creates it (memfd); the program opens it through /proc/SENTINEL/fd/N, maps it and
 * closes the descriptor, so that it has none extra.
 * Who writes what: settings by the launcher before exec, state by the program, the rest by the
 * sentinel. Words another process waits on are futex words, changed with the functions below. */
#ifndef HL_PAGE_H
#define HL_PAGE_H

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { HL_PAGE_VERSION = 12, HL_PAGE_SIZE = 65536, HL_PAGE_PATH = 4096, HL_PAGE_WALKERS = 8 };
#define HL_PAGE_ENV    "HEAPLENS_PAGE"   /* /proc/PID/fd/N, taken out of the environment at start */
#define HL_FOLLOW_ENV  "HEAPLENS_FOLLOW" /* the same, in a process that another one started */
#define HL_PRELOAD_ENV "HEAPLENS_LD_PRELOAD" /* the user's own LD_PRELOAD, put back at start */

#define HL_ROUND_NEVER UINT64_MAX

enum hl_refused { HL_NOT_BEGUN = 1, HL_UNOBSERVED = 2 /* the program runs on */ };
#define HL_UNOBSERVED_WORDS "the program runs unobserved: "

enum hl_page_track {
    HL_PAGE_TRACK_NOT,
    HL_PAGE_TRACK_EXACT,
    HL_PAGE_TRACK_SAMPLED,
    HL_PAGE_TRACK_WINDOWS, /* exact, and how soon each block goes */
};

typedef struct hl_page {
    uint32_t version; /* HL_PAGE_VERSION */
    /* settings */
    char file[HL_PAGE_PATH]; /* the .hlens file, absolute, created by the launcher */
    char
        packages[4 * HL_PAGE_PATH]; /* folders that may hold cores/ and _inside.*.so, a line each */
    char program[1024];             /* as it stands in RUN_PROGRAM */
    uint64_t started_us;            /* unix */
    uint64_t started_mono_ns;       /* CLOCK_MONOTONIC */
    uint32_t max_snapshots, interval_ms; /* 0: as the pulse decides */
    char round_of[512];    /* MODULE:FUNCTION whose every return is a round; "": marks alone are */
    uint64_t at_rss_bytes; /* a look when the program has become that big; 0: none */
    uint64_t max_file_bytes;
    uint32_t track;       /* enum hl_page_track: allocations are followed */
    uint64_t track_bytes; /* of samples, mean bytes from one to the next */
    uint32_t look_signal; /* the signal that asks for a look; 0: none */
    uint64_t run_id;      /* of the file's header */
    uint64_t limit_bytes; /* as in RUN_LIMIT */
    uint32_t follow; /* 1: processes it starts are observed, too, each with a page of its own */
    char stem[HL_PAGE_PATH]; /* their files are STEM-PID.hlens */
    uint32_t first_pid;      /* in such a page: the first process; 0: this is it */
    uint32_t parent_pid;     /* in such a page */
    uint32_t owner_pid;      /* the program: only it is observed */
    uint32_t sentinel_pid;
    /* state, by the program */
    volatile uint32_t bell;          /* futex word: counts whatever the sentinel should look at */
    volatile uint32_t armed;         /* 1: observation began */
    volatile uint32_t refused;       /* enum hl_refused: see refusal */
    volatile uint32_t settled;       /* 1: no snapshot will follow: the diagnosis may begin */
    volatile uint32_t leaving;       /* 1: waits for the answer */
    volatile int32_t exit_status;    /* the program's own, where leaving is set; -1: unknown */
    volatile uint32_t taken, failed; /* snapshots */
    volatile uint32_t
        walker_pid[HL_PAGE_WALKERS]; /* children at work: the watcher's, the farewell's; 0: none */
    volatile uint64_t pause_ns;      /* sum: the program stood still */
    volatile uint64_t fault_ns;      /* sum: copies of pages it wrote to meanwhile, estimated */
    volatile uint64_t ours_ns;       /* CPU of looks and of the threads that take them */
    volatile uint64_t cpu_ns;        /* CPU of the program, as of the last look */
    volatile uint64_t rounds;        /* units of work done; GIL */
    volatile uint64_t due_round;     /* the mark that reaches it takes a look; HL_ROUND_NEVER */
    char reason[64];                 /* how it ended: end, exit, exec ... */
    char refusal[1024];
    char python[32];
    char failure[512]; /* first failure of a snapshot: "disk full ..." */
    /* state, by those it started */
    volatile uint32_t recorded; /* files begun */
    volatile uint32_t forked;   /* where none is followed: those that became no other program */
    volatile uint32_t started;  /* ... and Pythons that were started as programs */
    volatile uint32_t missed;   /* processes that were not observed, and why the first was not */
    char missed_why[1024];
    /* by both */
    volatile uint32_t file_users; /* futex word: looks that write the file, or HL_FILE_TAKEN */
    /* by the sentinel */
    volatile uint32_t alive;     /* its thread id; the kernel adds FUTEX_OWNER_DIED when it dies */
    volatile uint32_t answered;  /* futex word, 1: the verdict is printed, go */
    volatile int32_t leave_with; /* exit status for --fail-on; -1: the program's own */
} hl_page;

_Static_assert(sizeof(hl_page) <= HL_PAGE_SIZE, "the page is a page");

/* Sets a futex word, or adds one to it, and wakes who waits for it. errno may change. */
static inline void hl_page_set(volatile uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}
static inline void hl_page_ring(volatile uint32_t *word)
{
    __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Waits at most ns while *word == seen. 0, or -1 with errno (EINTR, ETIMEDOUT, EAGAIN). */
static inline int hl_page_wait(volatile uint32_t *word, uint32_t seen, uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    return (int)syscall(SYS_futex, word, FUTEX_WAIT, seen, &t, NULL, 0);
}

static inline uint64_t hl_page_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The kernel marks the word of a thread that died; the pid is asked too, where it does not. */
static inline bool hl_page_sentinel_lives(const hl_page *page)
{
    return !(page->alive & FUTEX_OWNER_DIED) &&
           (!kill((pid_t)page->sentinel_pid, 0) || errno == EPERM);
}

/* ---- who may touch the file ----------------------------------------------------------------- */

/* Looks append to the file, several at once if need be; the sentinel replaces it by a shorter one
 * when nobody does. */
#define HL_FILE_TAKEN UINT32_C(0x80000000)

/* For a look, waiting at most ns for the sentinel, if it lives. errno may change. */
static inline bool hl_page_file_use(hl_page *page, uint64_t ns)
{
    enum { FILE_SLICE_NS = 20 * 1000 * 1000 };
    for (uint64_t begun = hl_page_now();;) {
        uint32_t users = page->file_users;
        uint32_t more = users & HL_FILE_TAKEN ? 1 : users + 1;
        bool free = !(users & HL_FILE_TAKEN) || !hl_page_sentinel_lives(page);
        if (free && __atomic_compare_exchange_n(&page->file_users, &users, more, false,
                                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return true;
        if (!free && hl_page_now() - begun >= ns)
            return false;
        if (!free)
            hl_page_wait(&page->file_users, users, FILE_SLICE_NS);
    }
}
static inline void hl_page_file_done(hl_page *page)
{
    __atomic_sub_fetch(&page->file_users, 1, __ATOMIC_SEQ_CST);
}

/* Rings, and waits for the sentinel's answer for as long as the sentinel lives. Signals do not cut
 * it short: the handlers run, the verdict is not lost. */
static inline void hl_page_farewell(hl_page *page)
{
    enum { SLICE_NS = 50 * 1000 * 1000 };
    hl_page_ring(&page->bell);
    while (!page->answered && hl_page_sentinel_lives(page))
        hl_page_wait(&page->answered, 0, SLICE_NS);
}

#endif
