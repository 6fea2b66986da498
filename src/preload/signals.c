/* preload/signals.c: the last look before a signal ends the program, and a look by a signal.
 *
 * Room   preload; target process, any thread, also inside signal handlers: no malloc, no stdio.
 * Why    A signal with its default action ends a process in the kernel: nobody is asked. So where
 *        the program leaves a signal at its default, a handler of ours stands in the kernel's table
 *        while sigaction() and signal() go on saying SIG_DFL. The program's own handlers, and what
 *        it ignores, are left alone; when it goes back to the default, ours goes back, too.
 * End    the handler has the last look taken, waits for the verdict, restores the default and sends
 *        the signal once more, so that status, core file and parents see what they always saw. A
 *        fault is not sent but met again, so that a core file shows its place.
 * Asks   The one signal that asks for a look (--signal) rings the watcher and then does what the
 *        program wants of it: its handler runs with its own flags and mask. At its default or
 *        ignored it does nothing else.
 * Forked children inherit the handlers, and get the default action out of them. Whoever waits for
 * a signal (sigwait, signalfd) blocks it, and gets it. */
#define _GNU_SOURCE
#include "preload/signals.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define INTERPOSED __attribute__((visibility("default")))
enum { ALT_STACK = 128 * 1024, ALT_GUARD = 4096 };

typedef int sigaction_fn(int, const struct sigaction *, struct sigaction *);
typedef void plain_handler(int);

static struct {
    hl_signals host;
    bool begun, is_first; /* process 1 */
    int asks;
    struct sigaction wanted; /* what the program wants of the signal that asks */
} state;

static int real_sigaction(int signum, const struct sigaction *to, struct sigaction *was)
{
    static sigaction_fn *real;
    if (!real)
        real = (sigaction_fn *)dlsym(RTLD_NEXT, "sigaction");
    return real(signum, to, was);
}

/* ---- which ------------------------------------------------------------------------------------
 */

static bool is_fault(int signum)
{
    return signum == SIGSEGV || signum == SIGBUS || signum == SIGFPE || signum == SIGILL ||
           signum == SIGABRT || signum == SIGTRAP || signum == SIGSYS;
}

/* Those whose default is the end, but for the real-time ones, which libraries use as they like. The
 * kernel shields a container's first process from them, unless they are caught. */
static bool ends(int signum)
{
    static const int others[] = {SIGHUP,    SIGINT,  SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
                                 SIGVTALRM, SIGPROF, SIGPIPE, SIGXCPU, SIGXFSZ, SIGIO,   SIGPWR};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (signum == others[i])
            return !state.is_first;
    return is_fault(signum);
}

/* ---- the end ----------------------------------------------------------------------------------
 */

static void default_action(int signum)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    real_sigaction(signum, &plain, NULL);
}

/* It arrives when the handler returns, or at once where it is not blocked. */
static void send_again(int signum)
{
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signum);
}

void hl_signals_die(int signum)
{
    sigset_t it;
    state.host.leave(signum);
    default_action(signum);
    sigemptyset(&it);
    sigaddset(&it, signum);
    pthread_sigmask(SIG_UNBLOCK, &it, NULL);
    send_again(signum);
}

/* A signal that is delivered at the end of a system call finds the program counter behind the
 * instruction, or on it where the call is to be made again. */
static bool stands(const ucontext_t *at)
{
#if defined(__x86_64__)
    const uint8_t *pc = (const uint8_t *)at->uc_mcontext.gregs[REG_RIP];
    static const uint8_t call[] = {0x0f, 0x05}; /* syscall */
#elif defined(__aarch64__)
    const uint8_t *pc = (const uint8_t *)at->uc_mcontext.pc;
    static const uint8_t call[] = {0x01, 0x00, 0x00, 0xd4}; /* svc #0 */
#else
#error "say what a system call looks like on this processor"
#endif
    return !memcmp(pc - sizeof call, call, sizeof call) || !memcmp(pc, call, sizeof call);
}

/* From the kernel, about the instruction at which the thread stands: it will be met again. */
static bool is_met_again(int signum, const siginfo_t *info)
{
    return is_fault(signum) && info->si_code > 0 && signum != SIGTRAP && signum != SIGSYS;
}

static void on_end(int signum, siginfo_t *info, void *context)
{
    int kept = errno;
    bool met_again = is_met_again(signum, info);
    if (state.host.observed()) {
        int where = met_again         ? HL_DYING_FAULT /* its code may be unreadable */
                    : stands(context) ? HL_DYING_STANDING
                                      : HL_DYING_COMPUTING;
        int answer = state.host.dying(signum, where);
        if (!answer) {
            errno = kept;
            return;
        }
        if (answer == 1)
            state.host.leave(signum);
    }
    default_action(signum);
    if (!met_again)
        send_again(signum);
    errno = kept;
}

/* ---- the question -----------------------------------------------------------------------------
 */

static void on_question(int signum, siginfo_t *info, void *context)
{
    int kept = errno;
    struct sigaction wanted = state.wanted;
    bool ours = state.host.observed();
    if (ours)
        state.host.look();
    if (wanted.sa_handler == SIG_DFL) {
        if (!ours) {
            default_action(signum);
            send_again(signum);
        }
    } else if (wanted.sa_handler != SIG_IGN) {
        if (wanted.sa_flags & (int)SA_RESETHAND)
            state.wanted.sa_handler = SIG_DFL;
        errno = kept;
        if (wanted.sa_flags & SA_SIGINFO)
            wanted.sa_sigaction(signum, info, context);
        else
            wanted.sa_handler(signum);
        return;
    }
    errno = kept;
}

/* ---- the table --------------------------------------------------------------------------------
 */

static int put_end(int signum)
{
    struct sigaction ours = {.sa_sigaction = on_end,
                             .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigfillset(&ours.sa_mask);
    return real_sigaction(signum, &ours, NULL);
}

/* With the flags and the mask of the program's handler, if it has one. */
static int put_question(const struct sigaction *wanted)
{
    struct sigaction ours = *wanted;
    if (wanted->sa_handler == SIG_DFL || wanted->sa_handler == SIG_IGN) {
        ours.sa_flags = SA_RESTART;
        sigemptyset(&ours.sa_mask);
    }
    ours.sa_flags = (ours.sa_flags & ~(int)SA_RESETHAND) | SA_SIGINFO;
    ours.sa_sigaction = on_question;
    return real_sigaction(state.asks, &ours, NULL);
}

static bool is_default(const struct sigaction *a)
{
    return !(a->sa_flags & SA_SIGINFO) && a->sa_handler == SIG_DFL;
}

/* *was as the program is to see it. */
static void as_wanted(int signum, struct sigaction *was)
{
    if (!(was->sa_flags & SA_SIGINFO))
        return;
    if (was->sa_sigaction == on_question)
        *was = state.wanted;
    else if (was->sa_sigaction == on_end)
        *was = (struct sigaction){.sa_handler = SIG_DFL};
    (void)signum;
}

INTERPOSED int sigaction(int signum, const struct sigaction *to, struct sigaction *was)
{
    struct sigaction before, wanted;
    if (!state.begun || !(signum == state.asks || ends(signum)))
        return real_sigaction(signum, to, was);
    if (real_sigaction(signum, NULL, &before))
        return -1;
    as_wanted(signum, &before);
    if (to) {
        wanted = *to; /* may be where `was` is */
        bool observed = state.host.observed();
        int failed;
        if (observed && signum == state.asks) {
            state.wanted = wanted;
            failed = put_question(&wanted);
        } else if (observed && is_default(&wanted)) {
            failed = put_end(signum);
        } else {
            failed = real_sigaction(signum, &wanted, NULL);
        }
        if (failed)
            return -1;
    }
    if (was)
        *was = before;
    return 0;
}

INTERPOSED plain_handler *signal(int signum, plain_handler *handler)
{
    if (!state.begun || !(signum == state.asks || ends(signum))) {
        plain_handler *(*real)(int, plain_handler *) =
            (plain_handler * (*)(int, plain_handler *)) dlsym(RTLD_NEXT, "signal");
        return real(signum, handler);
    }
    struct sigaction to = {.sa_handler = handler, .sa_flags = SA_RESTART}, was;
    sigaddset(&to.sa_mask, signum);
    return sigaction(signum, &to, &was) ? SIG_ERR : was.sa_handler;
}

/* A recursion too deep leaves no stack to say so on: the main thread gets one more, if it has none.
 */
static void second_stack(void)
{
    stack_t now;
    if (sigaltstack(NULL, &now) || !(now.ss_flags & SS_DISABLE))
        return;
    char *place = mmap(NULL, ALT_GUARD + ALT_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (place == MAP_FAILED)
        return;
    (void)mprotect(place, ALT_GUARD, PROT_NONE);
    stack_t stack = {.ss_sp = place + ALT_GUARD, .ss_size = ALT_STACK};
    sigaltstack(&stack, NULL);
}

void hl_signals_begin(const hl_signals *host, int asks)
{
    struct sigaction now;
    state.host = *host;
    state.asks = asks;
    state.is_first = getpid() == 1;
    second_stack();
    for (int s = 1; s < __SIGRTMIN; s++)
        if (s != asks && ends(s) && !real_sigaction(s, NULL, &now) && is_default(&now))
            put_end(s);
    if (asks && !real_sigaction(asks, NULL, &state.wanted))
        put_question(&state.wanted);
    state.begun = true;
}
