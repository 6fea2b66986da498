/* cli/audit_child.c: starts the process that is audited, hears how far it is, and outlives it.
 *
 * Room   cli; analyser process.
 * Takes  what to audit.   Gives  a recording (python/heaplens/_audit.py writes it), and in words what
 *        went wrong.
 * Method the interpreter runs our loop, which says a line at each step through a pipe. So we know
 *        where it was when it crashed, left or hung. What the function prints is counted, and passed
 *        on with -v: standard output is ours. Nothing here trusts the lines: they may be anybody's. */
#define _GNU_SOURCE
#include "cli/audit.h"
#include "cli/own_python.h"
#include "cli/run.h"
#include "cli/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 4096, SLICE_MS = 50, AFTER_END_MS = 2000 };

typedef struct hearing {
    hl_audited *out;
    hl_arena *arena;
    char line[LINE_BYTES];
    size_t n;
    char at[256];            /* what it was doing */
    uint64_t failing;        /* the allocation that fails now; 0: none does */
    char frames[LINE_BYTES]; /* where it is; "": not known */
    bool ended;              /* it says so */
    const char *stop;        /* its own sentence */
    double heard;            /* when it spoke last */
} hearing;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *after(const char *line, const char *word)
{
    size_t n = strlen(word);
    return !strncmp(line, word, n) && (line[n] == ' ' || !line[n]) ? line + n + (line[n] == ' ')
                                                                   : NULL;
}

static uint32_t number(const char *text)
{
    unsigned long n = strtoul(text, NULL, 10);
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* Of the allocation that was told last. */
static void take_left(hearing *h)
{
    hl_audited *out = h->out;
    if (out->n_left < HL_AUDIT_LEFT_TOLD)
        out->left[out->n_left] = (hl_audit_left){
            .at = (uint32_t)h->failing,
            .where = *h->frames ? hl_audit_frames(h->frames, h->arena) : NULL,
        };
    out->n_left++;
}

static void take_line(hearing *h)
{
    const char *rest, *kind;
    if ((rest = after(h->line, "at"))) {
        snprintf(h->at, sizeof h->at, "%s", rest);
        h->failing = 0;
    } else if ((rest = after(h->line, "failing"))) {
        h->failing = number(rest);
        *h->frames = 0;
    } else if ((rest = after(h->line, "frames"))) {
        snprintf(h->frames, sizeof h->frames, "%s", rest);
    } else if (after(h->line, "left")) {
        take_left(h);
    } else if ((rest = after(h->line, "calls"))) {
        h->out->calls = number(rest);
    } else if ((rest = after(h->line, "failures"))) {
        h->out->failures = number(rest);
    } else if (after(h->line, "done")) {
        h->out->done = true;
    } else if (after(h->line, "end")) {
        h->ended = true;
    } else if ((rest = after(h->line, "word"))) {
        h->out->left_threads |= !strcmp(rest, "threads");
        h->out->forks |= !strcmp(rest, "forks");
    } else if ((kind = after(h->line, "stop"))) {
        h->out->usage = after(kind, "usage") != NULL;
        size_t n = strcspn(kind, " ");
        kind += n + (kind[n] == ' ');
        h->stop = hl_arena_copy(h->arena, kind, strlen(kind));
    }
}

/* False: the pipe is at its end. */
static bool hear(hearing *h, int fd)
{
    char part[1024];
    ssize_t got = read(fd, part, sizeof part);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    h->heard = now();
    for (ssize_t i = 0; i < got; i++) {
        if (part[i] == '\n') {
            h->line[h->n] = 0;
            take_line(h);
            h->n = 0;
        } else if (h->n < sizeof h->line - 1) {
            h->line[h->n++] = part[i];
        }
    }
    return got > 0;
}

static bool drain(int fd, bool show, uint64_t *wrote)
{
    char part[4096];
    ssize_t got = read(fd, part, sizeof part);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    *wrote += (uint64_t)got;
    if (show && got > 0)
        (void)!write(STDERR_FILENO, part, (size_t)got);
    return got > 0;
}

/* ---- the child --------------------------------------------------------------------------------
 */

static void put_options(const hl_audit_options *o, const char *file, int fd, hl_out *out)
{
    hl_json j = {.out = out};
    const char *dot = strrchr(o->target, '.');
    bool script = strchr(o->target, '/') || (dot && !strcmp(dot, ".py")) ||
                  (!strchr(o->target, ':') && !access(o->target, F_OK));
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "target", o->target);
    hl_json_key(&j, "script");
    hl_json_bool(&j, script);
    hl_json_put_text(&j, "path", file);
    hl_json_put_text(&j, "args", o->args);
    hl_json_put_text(&j, "raises", o->raises);
    hl_json_put_uint(&j, "rounds", o->rounds);
    hl_json_put_uint(&j, "calls", o->calls);
    hl_json_put_uint(&j, "warmup", o->warmup);
    hl_json_put_uint(&j, "fd", (uint64_t)fd);
    hl_json_key(&j, "fail");
    hl_json_bool(&j, o->fail_allocations);
    hl_json_key(&j, "follow");
    hl_json_bool(&j, !o->no_track);
    hl_json_close(&j, '}');
    hl_out_write(out, "", 1);
}

typedef struct start {
    hl_python python;
    const char **argv;
    char **env;
} start;

static hl_status command(const hl_audit_options *o, const char *file, int fd, hl_arena *arena,
                         start *out, hl_err *err)
{
    hl_package package;
    hl_python *python = &out->python;
    if (hl_python_find(o->python, arena, python, err) ||
        hl_package_find(python, arena, &package, err))
        return err->status;
    hl_out json = {0};
    put_options(o, file, fd, &json);
    const char *options = json.failed ? NULL : hl_arena_copy(arena, json.bytes, json.n);
    hl_out_deinit(&json);
    out->env = hl_own_environment(o->no_track ? NULL : package.native, false, arena);
    if (!out->env)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to start an interpreter");
    return hl_own_python(python, &package, "_audit", options, arena, &out->argv, err);
}

static _Noreturn void become(const start *s, int out, int lines)
{
    dup2(out, STDOUT_FILENO);
    fcntl(lines, F_SETFD, 0);
    signal(SIGPIPE, SIG_DFL);
    execve(s->python.path, (char **)s->argv, s->env);
    dprintf(lines, "stop look cannot execute %s: %s\nend\n", s->python.path, strerror(errno));
    _exit(127);
}

/* ---- waiting ----------------------------------------------------------------------------------
 */

/* Ctrl-C, or whoever ends us: the recording is ours to remove, and the process ours to end. */
static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
enum { ENDING = sizeof ending / sizeof *ending };
static volatile sig_atomic_t ended_by;

static void note_end(int signum)
{
    ended_by = signum;
}

static void mind_ends(struct sigaction before[ENDING])
{
    struct sigaction mine = {.sa_handler = note_end};
    sigemptyset(&mine.sa_mask);
    for (unsigned i = 0; i < ENDING; i++) {
        sigaction(ending[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) /* nohup */
            sigaction(ending[i], &mine, NULL);
    }
}

static void leave_ends(const struct sigaction before[ENDING])
{
    for (unsigned i = 0; i < ENDING; i++)
        sigaction(ending[i], &before[i], NULL);
}

static const char *doing(hearing *h, hl_arena *arena)
{
    const char *at = *h->at ? h->at : "before anything was called";
    if (!h->failing)
        return at;
    const char *where = *h->frames ? hl_audit_frames(h->frames, arena) : NULL;
    return hl_arena_printf(arena, "%s, allocation %" PRIu64 " of the call failing%s%s", at,
                           h->failing, where ? ": " : "", where ? where : "");
}

static void conclude(hearing *h, const hl_audit_options *o, int state, bool hung)
{
    hl_audited *out = h->out;
    if (hung)
        out->problem =
            hl_arena_printf(h->arena,
                            "%s hangs: %.3g seconds without a sign (%s); --timeout gives "
                            "it longer",
                            o->target, o->timeout, doing(h, h->arena));
    else if (h->stop)
        out->problem =
            hl_arena_printf(h->arena, "%s: %s (%s)", o->target, h->stop, doing(h, h->arena));
    else if (!out->done && WIFSIGNALED(state))
        out->problem =
            hl_arena_printf(h->arena, "%s crashed its process by signal %d, %s (%s)", o->target,
                            WTERMSIG(state), strsignal(WTERMSIG(state)), doing(h, h->arena));
    else if (!out->done)
        out->problem =
            hl_arena_printf(h->arena, "%s ended its process with status %d (%s)", o->target,
                            WIFEXITED(state) ? WEXITSTATUS(state) : -1, doing(h, h->arena));
}

static void wait_for(pid_t pid, int out, int lines, const hl_audit_options *o, hearing *h)
{
    struct pollfd p[2] = {{.fd = lines, .events = POLLIN}, {.fd = out, .events = POLLIN}};
    int state = 0;
    bool hung = false, gone = false;
    h->heard = now();
    while (!gone) {
        (void)poll(p, 2, SLICE_MS);
        if (p[0].revents && !hear(h, lines))
            p[0].fd = -1;
        if (p[1].revents && !drain(out, o->verbose, &h->out->wrote))
            p[1].fd = -1;
        gone = waitpid(pid, &state, WNOHANG) == pid;
        double silent = now() - h->heard, most = h->ended ? AFTER_END_MS / 1e3 : o->timeout;
        if (!gone && (silent > most || ended_by)) {
            hung = !h->ended && !ended_by;
            kill(pid, SIGKILL);
            waitpid(pid, &state, 0);
            gone = true;
        }
    }
    fcntl(lines, F_SETFL, O_NONBLOCK); /* a child of its own may have them, too */
    fcntl(out, F_SETFL, O_NONBLOCK);
    struct pollfd q = {.fd = lines, .events = POLLIN};
    while (poll(&q, 1, 0) > 0 && hear(h, lines))
        ;
    q.fd = out;
    while (poll(&q, 1, 0) > 0 && drain(out, o->verbose, &h->out->wrote))
        ;
    conclude(h, o, state, hung);
}

hl_status hl_audit_run(const hl_audit_options *o, const char *file, hl_arena *arena,
                       hl_audited *out, hl_err *err)
{
    start s = {.argv = NULL};
    int words[2], lines[2];
    *out = (hl_audited){.done = false};
    if (pipe2(lines, O_CLOEXEC))
        return hl_err_errno(err, errno, "cannot make a pipe");
    if (pipe2(words, O_CLOEXEC)) {
        int e = errno;
        close(lines[0]);
        close(lines[1]);
        return hl_err_errno(err, e, "cannot make a pipe");
    }
    pid_t pid = -1;
    hearing *h = hl_arena_alloc(arena, sizeof *h);
    struct sigaction before[ENDING];
    mind_ends(before);
    err->status = HL_OK;
    if (!h)
        hl_err_set(err, HL_NO_MEMORY, "no memory to start an interpreter");
    else if (!command(o, file, lines[1], arena, &s, err)) {
        pid = fork();
        if (pid == 0)
            become(&s, words[1], lines[1]);
        if (pid < 0)
            hl_err_errno(err, errno, "cannot start a process to audit in");
    }
    close(words[1]);
    close(lines[1]);
    if (pid > 0) {
        *h = (hearing){.out = out, .arena = arena};
        wait_for(pid, words[0], lines[0], o, h);
    }
    leave_ends(before);
    out->ended_by = ended_by;
    close(words[0]);
    close(lines[0]);
    return err->status;
}
