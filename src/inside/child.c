/* inside/child.c: the clone that walks the heap while the program goes on.
 *
 * Room   inside; target with the GIL (start), without it (finish), and the cloned child.
 * Takes  a request.   Gives  one snapshot stream appended to its descriptor, and a hl_shot.
 * Knows  the walk, snap_write, Linux.  Must not know  when to look (pulse.c).
 * The child is made by a bare clone: no exit signal, so that neither SIGCHLD nor wait() of the
 * program notices; no atfork handlers; reaped with __WCLONE. It keeps no descriptor but the
 * file's, so that pipes of the program end when the program closes them. */
#include "inside/inside_abi.h" /* first: Python.h sets _GNU_SOURCE */

#include "inside/dups.h"
#include "inside/inside.h"
#include "inside/mark_here.h"
#include "inside/native_here.h"
#include "inside/resident.h"
#include "inside/track_engine.h"
#include "inside/track_write.h"
#include "inside/vitals.h"
#include "inside/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CHILD_FAULT = 70, /* exit status: it touched memory that is not there */
    CHILD_FAILED = 71,
    SIGNALS = 64,
    STACK_BYTES = 64 * 1024,
    WAIT_NS = 20 * 1000 * 1000,
    ZOMBIES = 16,
    HELD_SECONDS = 30, /* nobody asked for it, so nobody will: the program has become another */
    BORROWED_STACK = 1024 * 1024,
    BORROWED_GUARD = 64 * 1024,
    ZSTD_LEVEL = 1, /* 3 saves a tenth of the file and doubles the time: measured */
};

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    return clock_gettime(id, &t) ? 0 : (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

hl_shot *hl_shot_new(void)
{
    void *p =
        mmap(NULL, sizeof(hl_shot), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* ---- the child --------------------------------------------------------------------------------
 */

/* Where a fault leads while memory is measured, which is looked at by what it seems to be: a child
 * that borrows it shares it with threads that may give some back. NULL: the child's end. */
static sigjmp_buf *after_fault;

static void on_fault(int signal_number)
{
    sigjmp_buf *to = after_fault;
    (void)signal_number;
    after_fault = NULL;
    if (to)
        siglongjmp(*to, 1);
    _exit(CHILD_FAULT);
}

/* Measures, or says nothing of memory. */
static void measure(hl_resident *memory, hl_shot *shot)
{
    sigjmp_buf back;
    if (sigsetjmp(back, 1)) {
        *memory = (hl_resident){.known = 0};
        shot->arenas_at = 0;
        return;
    }
    after_fault = &back;
    hl_resident_measure(memory, shot->shared_bytes, shot->arenas_at);
    after_fault = NULL;
    shot->arenas_at = memory->arenas_at;
}

/* What leads to blocks is asked of foreign memory, some of which may not be there after all (a file that
 * was cut off): then nothing is said of it. */
static void mark_begin(hl_walk *w, hl_shot *shot, enum hl_mark_why why)
{
    sigjmp_buf back;
    shot->marked = HL_MARK_NOT;
    uint32_t begun = why;
    if (sigsetjmp(back, 1))
        return;
    after_fault = &back;
    w->marking =
        hl_marking_begin(w, (uintptr_t)shot->arenas_at, (uintptr_t)__builtin_frame_address(0));
    after_fault = NULL;
    if (w->marking)
        shot->marked = begun;
}

static void mark(hl_walk *w, hl_shot *shot)
{
    sigjmp_buf back;
    if (sigsetjmp(back, 1)) {
        w->marking = NULL;
        shot->marked = HL_MARK_NOT;
        return;
    }
    after_fault = &back;
    if (w->marking)
        hl_marking_run(w, w->marking);
    after_fault = NULL;
}

/* Since 2.41 glibc's sigaction() takes a lock for SIGABRT that fork, posix_spawn and system() hold
 * (stdlib/abort.c: __abort_lock_wrlock): copied locked, it would never be given back here. All zero is the default action to the kernel. */
static void abort_plainly(void)
{
    enum { MASK_BYTES = 8 };
    static const uint64_t by_default[4];
    syscall(SYS_rt_sigaction, SIGABRT, by_default, NULL, (size_t)MASK_BYTES);
}

/* A program's handlers must not run here, and a torn heap must not look like its crash. */
static void own_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL}, fault = {.sa_handler = on_fault};
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    stack_t stack = {.ss_size = STACK_BYTES, .ss_sp = hl_pages_map(STACK_BYTES)};
    sigset_t all;
    for (int s = 1; s <= SIGNALS; s++)
        if (s != SIGABRT)
            sigaction(s, &plain, NULL);
    abort_plainly();
    if (stack.ss_sp && sigaltstack(&stack, NULL) == 0)
        fault.sa_flags = SA_ONSTACK;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigaction(faults[i], &fault, NULL);
    sigfillset(&all);
    sigdelset(&all, SIGALRM);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    sigprocmask(SIG_SETMASK, &all, NULL); /* group signals (^C) are the program's, not ours */
}

static void sleep_on(volatile uint32_t *word, long ns)
{
    struct timespec t = {.tv_nsec = ns};
    syscall(SYS_futex, word, FUTEX_WAIT, 0, &t, NULL, 0);
}

/* Waits to be asked for, no longer than the program lives: it may be killed. */
static void hold(hl_shot *shot)
{
    enum { SLICE_NS = 100 * 1000 * 1000, SLICES = 10 * HELD_SECONDS };
    for (unsigned n = 0; !__atomic_load_n(&shot->go, __ATOMIC_ACQUIRE); n++) {
        if (n >= SLICES || getppid() != shot->program) /* it may have gone before we came here */
            _exit(0);
        sleep_on(&shot->go, SLICE_NS);
    }
}

/* A program that has used up what it may have is looked at all the same: the limit is its own.
 * Where the limit cannot be raised what the program has only reserved makes some room. */
static void own_room(void)
{
    static const int of[] = {RLIMIT_AS, RLIMIT_DATA};
    struct rlimit now, none = {RLIM_INFINITY, RLIM_INFINITY};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        if (!setrlimit(of[i], &none) || getrlimit(of[i], &now))
            continue;
        now.rlim_cur = now.rlim_max;
        if ((setrlimit(of[i], &now) || now.rlim_max != RLIM_INFINITY) && of[i] == RLIMIT_AS)
            hl_resident_drop_reserved();
    }
}

static void close_range_of(unsigned first, unsigned last)
{
#ifdef SYS_close_range
    if (first <= last)
        syscall(SYS_close_range, first, last, 0);
#else
    (void)first;
    (void)last;
#endif
}

static void die_first(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)hl_raw_write(fd, "1000", 4);
    close(fd);
}

static uint64_t listed(const PyGC_Head *head)
{
    uint64_t n = 0;
    for (uintptr_t g = head->_gc_next & ~(uintptr_t)3; g && g != (uintptr_t)head;
         g = ((const PyGC_Head *)g)->_gc_next & ~(uintptr_t)3)
        n++;
    return n;
}

static void put_meta(hl_fields *f, const hl_shot_request *r, PyInterpreterState *interp,
                     uint32_t asker, int32_t program)
{
    const struct _gc_runtime_state *gc = &interp->gc;
    hl_field_text(f, HL_SNAP_REASON, r->reason ? r->reason : "");
    hl_field_text(f, HL_SNAP_PYTHON, PY_VERSION);
    if (r->program)
        hl_field_text(f, HL_SNAP_PROGRAM, r->program);
    hl_field_uint(f, HL_SNAP_TIME, r->time_us);
    hl_field_uint(f, HL_SNAP_CPU, r->cpu_us);
    hl_field_uint(f, HL_SNAP_USER_CPU, r->user_us);
    hl_field_uint(f, HL_SNAP_RSS, r->rss_bytes);
    if (r->rounds)
        hl_field_uint(f, HL_SNAP_ROUNDS, r->rounds);
    if (asker)
        hl_field_uint(f, HL_SNAP_ASKER, asker);
    hl_field_uint(f, HL_SNAP_PID, (uint64_t)program);
    hl_field_uint(f, HL_SNAP_UNSETTLED, r->unsettled != 0);
    hl_field_uint(f, HL_SNAP_GC_ENABLED, hl_abi_gc_enabled(interp));
    hl_field_uint(f, HL_SNAP_GC_THRESHOLD0, hl_abi_gc_threshold(interp));
    hl_field_uint(f, HL_SNAP_GC_RUNNING, gc->collecting != 0);
    hl_field_uint(f, HL_SNAP_GC_FROZEN, listed(&gc->permanent_generation.head));
    for (unsigned i = 0; i < HL_RESOURCES; i++)
        if (r->resource_known >> i & 1)
            hl_field_uint(f, HL_SNAP_RESOURCE + i, r->resource[i]);
    for (unsigned i = 0; i < NUM_GENERATIONS; i++)
        hl_field_uint(f, HL_SNAP_GC_COLLECTIONS0 + i, hl_abi_gc_collections(interp, i));
}

/* Pages that became the child's own, by count of faults: its tables, and what it wrote to. */
static uint64_t own_bytes(void)
{
    struct rusage r;
    long page = sysconf(_SC_PAGESIZE);
    return getrusage(RUSAGE_SELF, &r) || page < 0 ? 0 : (uint64_t)r.ru_minflt * (uint64_t)page;
}

static void say_done(hl_shot *shot)
{
    __atomic_store_n(&shot->done, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &shot->done, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static _Noreturn void fail(hl_shot *shot, hl_status status)
{
    shot->status = status;
    shot->error = status == HL_NO_SPACE || status == HL_IO ? errno : 0;
    say_done(shot);
    _exit(CHILD_FAILED);
}

static hl_status walk_and_write(hl_walk *w, const hl_shot_request *r, uint32_t asker, bool follows,
                                const hl_resident *memory, hl_shot *shot, hl_err *err)
{
    hl_fields meta = {.n = 0};
    put_meta(&meta, r, w->interp, asker, shot->program);
    hl_resident_put(memory, &meta);
    if (hl_snap_writer_meta(&w->out, &meta, err))
        return err->status;
    if (setjmp(w->stop))
        return w->stopped;
    if (!hl_visited_init(&w->seen) || !hl_visited_init(&w->passed))
        return HL_NO_MEMORY;
    hl_names_init(w);
    hl_plan_init(w);
    w->dups = hl_dups_new(r->thorough != 0);
    w->dup_turn = w->dups ? 1 : UINT32_MAX;
    w->made = follows ? hl_makers_new(w, r->borrow != HL_BORROW_NOT) : NULL;
    if (w->made && hl_tracker_read->mode == HL_TRACK_EXACT)
        w->samples = false; /* each block is looked up */
    if (w->made && r->borrow == HL_BORROW_NOT && !r->unsettled && hl_native_followed() &&
        (r->mark || !hl_native_is_sampled()))
        mark_begin(w, shot, HL_MARK_NATIVE);
    hl_walk_heap(w, &shot->where);
    if (w->made)
        hl_makers_held(w, &shot->held, &shot->unheld);
    if (w->made && r->may_mark && !w->marking && hl_native_unheld_is_due(shot->unheld))
        mark_begin(w, shot, HL_MARK_UNHELD);
    hl_fields end = {.n = 0};
    shot->where = HL_STEP_END;
    shot->nodes = w->nodes;
    shot->edges = w->edges_total;
    shot->folded = w->folded;
    shot->walk_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    shot->child_bytes = own_bytes();
    hl_field_uint(&end, HL_SNAP_NODES, w->nodes);
    hl_field_uint(&end, HL_SNAP_EDGES, w->edges_total);
    hl_field_uint(&end, HL_SNAP_FOLDED, w->folded);
    hl_field_uint(&end, HL_SNAP_SKIPPED, w->skipped);
    hl_field_uint(&end, HL_SNAP_WALK_NS, shot->walk_ns);
    hl_field_uint(&end, HL_SNAP_CHILD_BYTES, shot->child_bytes);
    hl_shared_put(w, &end);
    if (w->partly)
        hl_field_uint(&end, HL_SNAP_PARTLY, w->partly);
    if (w->sorted)
        hl_field_uint(&end, HL_SNAP_SORTED, w->sorted);
    hl_dups_totals(w->dups, &end);
    mark(w, shot);
    if (w->made)
        hl_makers_write(w, r->time_us, &end);
    if (w->made && r->borrow == HL_BORROW_NOT)
        hl_native_write(w, &end);
    hl_plan_write_types(w); /* what nothing leads to may be of a type of its own */
    return hl_snap_writer_end(&w->out, &end, err);
}

/* In a copy that was made without the GIL. To go through a structseq 3.12 asks for the interpreter
 * whose thread this is (Objects/structseq.c): nobody else runs here, so any state of it will do. It
 * is not to be had without the GIL: the copy's is made anew, as after a fork. */
static void stand_in(PyInterpreterState *interp)
{
#if HL_PY_AT_LEAST(12) && !HL_PY_AT_LEAST(13)
    PyThreadState *any = PyInterpreterState_ThreadHead(interp);
    struct _gil_runtime_state *gil = interp->ceval.gil;
    if (!any || !gil || _PyThreadState_UncheckedGet())
        return;
    pthread_mutex_init(&gil->mutex, NULL);
    pthread_cond_init(&gil->cond, NULL);
    pthread_mutex_init(&gil->switch_mutex, NULL);
    pthread_cond_init(&gil->switch_cond, NULL);
    *(volatile int *)(void *)&gil->locked = 0;
    PyThreadState_Swap(any);
#else
    (void)interp;
#endif
}

static _Noreturn void child(const hl_shot_request *r, uint32_t asker, bool follows, hl_shot *shot,
                            PyInterpreterState *interp, const hl_still *still)
{
    hl_err err = {.status = HL_OK};
    struct rlimit none = {0, 0};
    if (!r->borrow)                            /* it would be the program's as well */
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* a table that is nearly empty must stay small */
    own_signals();
    setrlimit(RLIMIT_CORE, &none);
    if (!r->borrow)
        own_room();
    if (r->unsettled)
        stand_in(interp);
    if (r->fd > 0)
        close_range_of(0, (unsigned)r->fd - 1);
    close_range_of((unsigned)r->fd + 1, ~0u);
    if (!r->borrow) /* the same */
        die_first();
    if (r->held)
        hold(shot);
    alarm(r->deadline ? r->deadline : 1);
    hl_resident *memory = hl_pages_map(sizeof *memory);
    if (memory)
        measure(memory, shot);
    hl_walk *w = hl_pages_map(sizeof *w);
    if (!w || !memory)
        fail(shot, HL_NO_MEMORY);
    w->interp = interp;
    w->still = still;
    w->samples = r->sample != 0;
    hl_status status = hl_snap_writer_init(&w->out, r->fd, r->stream, ZSTD_LEVEL, &err);
    errno = 0;
    if (!status)
        status = walk_and_write(w, r, asker, follows, memory, shot, &err);
    if (status)
        fail(shot, status);
    shot->file_bytes = w->out.chunks.bytes_written;
    shot->after_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - shot->walk_ns;
    say_done(shot);
    _exit(0); /* giving the memory back takes longer than the walk of a small heap */
}

/* ---- the parent -------------------------------------------------------------------------------
 */

/* Children that said done and had not exited yet. Two threads may ask for one of them: the second
 * hears that there is none. */
static _Atomic pid_t zombies[ZOMBIES];

static void reap_zombies(void)
{
    for (unsigned i = 0; i < ZOMBIES; i++) {
        pid_t pid = atomic_load(&zombies[i]);
        if (pid && waitpid(pid, NULL, __WCLONE | WNOHANG) != 0)
            atomic_compare_exchange_strong(&zombies[i], &pid, 0);
    }
}

static void reap_later(pid_t pid)
{
    for (unsigned i = 0; i < ZOMBIES; i++) {
        pid_t expected = 0;
        if (atomic_compare_exchange_strong(&zombies[i], &expected, pid))
            return;
    }
    waitpid(pid, NULL, __WCLONE);
}

/* Held back until a child that borrows the program's memory has ended. */
static hl_still lent_to;

/* Of addresses, none of it memory yet: more than a walk ever takes. */
static const size_t LENT_BYTES = (size_t)16 << 30;

typedef struct borrowed {
    hl_shot_request request;
    hl_shot *shot;
    PyInterpreterState *interp;
    bool follows;
} borrowed;

static int borrowed_child(void *arg)
{
    borrowed *b = arg;
    child(&b->request, 0, b->follows, b->shot, b->interp, &lent_to);
}

/* A process of its own on a stack of its own. In our memory (borrow), so that a fault ends only it:
 * a copy would make the program pay for every page it still writes to: at its end, for freeing,
 * that is all of them. It shares our errno: hl_child_finish makes one blocking call. Or in a copy
 * of it (apart), where the caller's stack may be all but used up. */
static long clone_apart(const hl_shot_request *request, bool follows, hl_shot *shot,
                        PyInterpreterState *interp)
{
    if (request->borrow == HL_BORROW_BACK && !hl_pages_lend(LENT_BYTES)) {
        errno = ENOMEM;
        return -1;
    }
    bool lends = request->borrow == HL_BORROW_BACK;
    char *stack = lends ? hl_pages_lent(BORROWED_STACK) : hl_pages_map(BORROWED_STACK);
    borrowed *b = lends ? hl_pages_lent(sizeof *b) : hl_pages_map(sizeof *b);
    if (!stack || !b) {
        errno = ENOMEM;
        return -1;
    }
    /* what lies below is the program's: running over must be a fault, and the child's end */
    (void)mprotect(stack, BORROWED_GUARD, PROT_NONE);
    *b = (borrowed){*request, shot, interp, follows};
    long pid = clone(borrowed_child, stack + BORROWED_STACK,
                     (request->borrow ? CLONE_VM : 0) | (request->pid ? CLONE_PARENT_SETTID : 0), b,
                     request->pid);
    if (!request->borrow) { /* the child has its copy */
        int e = errno;
        hl_pages_unmap(stack, BORROWED_STACK);
        hl_pages_unmap(b, sizeof *b);
        errno = e;
    }
    return pid;
}

/* What a look has found, and the next need not look for. Of this process, and of those it forks. */
static uintptr_t arenas_at;

/* A copy of us that goes on where we are. */
static long clone_here(const hl_shot_request *request)
{
    return syscall(SYS_clone, request->pid ? CLONE_PARENT_SETTID : 0, NULL, request->pid, NULL, 0);
}

pid_t hl_child_start(const hl_shot_request *request, hl_shot *shot)
{
    PyInterpreterState *interp =
        request->unsettled ? PyInterpreterState_Main() : PyInterpreterState_Get();
    uint32_t asker = request->asks ? 1 + hl_thread_index(interp, PyThreadState_Get()) : 0;
    sigset_t all, before;
    int kept = errno;
    *shot = (hl_shot){
        .where = HL_STEP_START,
        .borrowed = request->borrow,
        .program = getpid(),
        .shared_bytes = hl_vitals_shared(),
        .arenas_at = arenas_at,
    };
    sigfillset(&all);
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    hl_still copied = {.n = 0}, *still = request->borrow ? &lent_to : &copied;
    if (!request->unsettled) /* else interpreters with a GIL of their own are left out */
        hl_still_hold(still);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler may run in the child */
    bool follows = hl_track_hold();
    if (follows && request->borrow) /* others go on meanwhile, and may need them */
        hl_track_release();
    long pid = request->borrow || request->apart ? clone_apart(request, follows, shot, interp)
                                                 : clone_here(request);
    if (pid == 0)
        child(request, asker, follows, shot, interp, still);
    int failed = pid < 0 ? errno : 0;
    if (follows && !request->borrow)
        hl_track_release();
    if (follows && hl_tracking.mode && !failed && !request->unsettled && !request->borrow)
        hl_track_checkpoint(!request->held);
    if (failed && request->borrow == HL_BORROW_BACK)
        hl_pages_lend_end();
    if (!request->borrow || failed)
        hl_still_release(still);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    shot->pause_ns = clock_ns(CLOCK_MONOTONIC) - begin;
    errno = kept;
    return failed ? -failed : (pid_t)pid;
}

void hl_child_go(hl_shot *shot)
{
    __atomic_store_n(&shot->go, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &shot->go, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void hl_child_drop(pid_t pid)
{
    int kept = errno;
    kill(pid, SIGKILL);
    reap_zombies();
    reap_later(pid);
    errno = kept;
}

int hl_child_finish(pid_t pid, hl_shot *shot)
{
    int state, kept = errno;
    pid_t gone = 0;
    reap_zombies();
    while (shot->borrowed && (gone = waitpid(pid, &state, __WCLONE)) < 0 && errno == EINTR)
        ;
    if (shot->borrowed == HL_BORROW_BACK) {
        hl_pages_lend_end();
        if (hl_tracking.mode) /* not before: it was reading */
            hl_track_checkpoint(true);
    }
    if (shot->borrowed)
        hl_still_release(&lent_to);
    while (!gone && !__atomic_load_n(&shot->done, __ATOMIC_ACQUIRE)) {
        gone = waitpid(pid, &state, __WCLONE | WNOHANG);
        if (gone)
            break;
        sleep_on(&shot->done, WAIT_NS);
    }
    bool done = __atomic_load_n(&shot->done, __ATOMIC_ACQUIRE) != 0;
    if (done)
        arenas_at = (uintptr_t)shot->arenas_at;
    if (!gone && waitpid(pid, &state, __WCLONE | WNOHANG) == 0)
        reap_later(pid);
    errno = kept;
    return done ? (int)shot->status : HL_CORRUPT;
}
