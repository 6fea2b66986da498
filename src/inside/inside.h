/* inside/inside.h: all that runs in a live interpreter; the only room that sees Python.h.
 *
 * Room   inside; built once per interpreter (exact patch release), as the extension module
 *        heaplens._inside. The same file is loaded by the preload library of `heaplens run`
 *        (hl_inside_arm, found by dlsym) and by `import heaplens` (PyInit__inside).
 * Parts  plan.c how to walk a type; walk_self.c the walk; names.c strings without the API;
 *        codeuse.c container uses in bytecode; child.c the clone; pulse*.c when to look under run;
 *        watch.c the same for a block of code; rounds.c units of work; expect.c what should be
 * gone; vitals.c clocks and sizes; binding.c the module; layout checks in inside_abi.h. In the
 * child: no malloc, no Python API that can run code, allocate or count references. */
#ifndef HL_INSIDE_H
#define HL_INSIDE_H

#include "snapshot/snap_format.h"

#include <stdint.h>
#include <sys/types.h>

/* ---- taking one snapshot ----------------------------------------------------------------------
 */

typedef struct hl_shot { /* what the child says back, in a page shared with it */
    volatile uint32_t
        done;             /* 1: it has ended, before _exit, so that nobody waits for that; futex */
    volatile uint32_t go; /* request.held: 1, it is to begin; futex */
    uint32_t status;      /* hl_status; HL_OK and done: END is written */
    int32_t error;        /* errno, where status has one */
    uint32_t where;       /* enum hl_shot_step: what it was doing, for "it died while ..." */
    uint64_t nodes, edges, folded, file_bytes;
    uint64_t child_bytes, pause_ns;
    uint64_t walk_ns, after_ns; /* CPU of the child: up to the last object; from there on */
    uint64_t shared_bytes;      /* by the parent: its resident pages of files, and shared memory */
    uint64_t arenas_at;         /* hl_resident.arenas_at: known before; found */
    uint32_t borrowed;          /* request.borrow, for hl_child_finish */
    int32_t program;            /* by the parent: its process */
    uint32_t marked;            /* hl_mark_why: it was asked what leads to blocks */
    uint64_t held,
        unheld; /* bytes of Python's allocators in use, in objects that the walk found and in
                                 * none, as samples tell */
} hl_shot;
enum hl_mark_why { HL_MARK_NOT, HL_MARK_NATIVE, HL_MARK_UNHELD };
enum hl_shot_step { HL_STEP_START, HL_STEP_ROOTS, HL_STEP_HEAP, HL_STEP_NAMES, HL_STEP_END };

/* The child works in our own memory, no page is copied: only for a caller that goes straight on to
 * hl_child_finish, with the GIL held until then. What the walk maps stays mapped where it is for the
 * end of a program, or goes with hl_child_finish. */
enum hl_borrow { HL_BORROW_NOT, HL_BORROW_LAST, HL_BORROW_BACK };

typedef struct hl_shot_request {
    int fd;          /* opened by hl_container_append */
    uint32_t stream; /* 1, 2, 3 ... */
    const char *reason;
    uint64_t time_us, cpu_us, user_us, rss_bytes; /* user_us: of cpu_us, outside the kernel */
    uint64_t rounds;                              /* units of work done so far */
    uint64_t resource[HL_RESOURCES];
    uint32_t resource_known; /* bit i: resource[i] was */
    int asks;                /* the thread that takes it wants to know: HL_SNAP_ASKER */
    const char *program;     /* or NULL */
    int thorough;            /* equal leaves are looked for with more patience */
    int sample;              /* of long sequences of leaves not all need be read */
    int mark;      /* it is asked what leads to blocks of malloc, where samples of them are taken */
    int may_mark;  /* also where the walk finds that much more is in no object than was */
    int unsettled; /* the GIL is not held */
    int *pid;      /* shared memory that gets the child's pid before anybody can kill us; or NULL */
    int apart;     /* the child needs a stack of its own: the caller's may be used up */
    int held; /* the child is a copy to be walked later (hl_child_go), or never (hl_child_drop) */
    unsigned deadline; /* seconds the child may work */
    enum hl_borrow borrow;
} hl_shot_request;

/* The caller holds the GIL. Clones the child (no exit signal, no atfork handlers), returns its pid,
 * or -errno. pause_ns of *shot is filled by the parent. The child appends one snapshot stream to
 * fd. */
pid_t hl_child_start(const hl_shot_request *request, hl_shot *shot);
/* Waits until the child said done or died; the GIL is not needed. Returns hl_status. Reaps it later
 * or now. */
int hl_child_finish(pid_t pid, hl_shot *shot);
/* A held child begins; it is finished as others are. */
void hl_child_go(hl_shot *shot);
/* A held child goes. */
void hl_child_drop(pid_t pid);
/* A page of memory for shots, shared with children. */
hl_shot *hl_shot_new(void);

/* ---- under `heaplens run` ---------------------------------------------------------------------
 */

/* The launcher's page: a memfd mapped by launcher, program and sentinel (src/preload/page.h). */
struct hl_page;

/* Called once by the preload library from the audit event cpython.run_*: interpreter up, program
 * not begun, GIL held. Checks that this build fits the interpreter, unlinks the audit hook, starts
 * the pulse. 0; or a sentence in page->refusal, -1 if another build may do, 1 if none would.
 * clearing is called, GIL held, while the
 * interpreter is torn down: after the last Python code, before its memory is freed. It is given the
 * other threads (pthread_t) that had a thread state when the program was over. */
typedef void hl_clearing(const unsigned long *threads, unsigned n);
/* Ends the process by the signal, its default action, when the verdict is out. */
typedef void hl_ending(int signum);
/* The release this was built for: "3.11.7". */
extern const char hl_inside_release[];
int hl_inside_arm(struct hl_page *page, hl_clearing *clearing, hl_ending *end_by_signal);
/* A signal is about to end the program; called in its handler, by any thread. 1: what can be seen
 * is seen: leave, and die. 0: go on, a thread of ours ends the process. 2: die at once. */
enum { HL_WHERE_COMPUTES, HL_WHERE_STANDS, HL_WHERE_FAULT };
int hl_inside_dying(int signum, int where);
/* A look is wanted; also called in signal handlers. */
void hl_inside_asked(void);
/* The last snapshot; then the sentinel is told that none will follow. gil: the caller holds the
 * GIL; without it no snapshot is taken. Idempotent; does nothing in a forked child. */
void hl_inside_farewell(const char *reason, int gil);
/* A round has ended and a look is due: it is taken here, in the program's own thread, between two
 * rounds; the watcher sees it through. GIL held. */
void hl_inside_look_at_round(void);
/* The process is about to go, and it is one that was followed: its end is recorded. status, or 256
 * + signal; negative: not known. */
void hl_inside_leave(int status);
/* The tracker of this copy of the core, for the one that the program imports (track_binding.c). */
void *hl_inside_track(void);
/* How many threads of ours run in this process (the fork warning of 3.12 counts them). */
int hl_inside_threads(void);

#endif
