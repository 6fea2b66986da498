/* cli/graphviz.c: a picture out of the text of a graph, by Graphviz's `dot`.
 *
 * Room   cli; analyser process.
 * Method  started without a shell, the text in at one pipe, picture and complaints out at two: all
 *         three at once, so that neither waits for the other. It inherits no other descriptor. */
#define _GNU_SOURCE
#include "cli/graphviz.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { WORDS_MAX = 300, TEXT = 0, PICTURE, COMPLAINTS, PIPES };

typedef struct pipes {
    int ours[PIPES], theirs[PIPES]; /* -1: closed */
} pipes;

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void pipes_deinit(pipes *p)
{
    for (int i = 0; i < PIPES; i++) {
        shut(&p->ours[i]);
        shut(&p->theirs[i]);
    }
}

static hl_status pipes_init(pipes *p, hl_err *err)
{
    for (int i = 0; i < PIPES; i++)
        p->ours[i] = p->theirs[i] = -1;
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC)) {
            int error = errno;
            pipes_deinit(p);
            return hl_err_errno(err, error, "no pipe to Graphviz");
        }
        p->ours[i] = ends[i == TEXT];
        p->theirs[i] = ends[i != TEXT];
    }
    return HL_OK;
}

static hl_status start(pipes *p, const char *format, pid_t *pid, hl_err *err)
{
    char kind[16];
    snprintf(kind, sizeof kind, "-T%s", format);
    char *const command[] = {(char *)"dot", kind, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t plain;
    sigemptyset(&plain);
    sigaddset(&plain, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &plain);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    /* first to where no standard descriptor is: ours may be among them where the user closed one */
    int error = 0;
    for (int i = 0; i < PIPES && !error; i++)
        if (p->theirs[i] < PIPES) {
            int fd = fcntl(p->theirs[i], F_DUPFD_CLOEXEC, PIPES);
            error = fd < 0 ? errno : 0;
            close(p->theirs[i]);
            p->theirs[i] = fd;
        }
    for (int i = 0; i < PIPES; i++)
        posix_spawn_file_actions_adddup2(&actions, p->theirs[i], i);
    if (!error)
        error = posix_spawnp(pid, command[0], &actions, &attributes, command, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < PIPES; i++)
        shut(&p->theirs[i]);
    if (error == ENOENT || error == EACCES || error == ENOTDIR)
        return hl_err_set(
            err, HL_IO,
            "there is no `dot` on PATH to draw %s with: install Graphviz (apt install "
            "graphviz, dnf install graphviz, brew install graphviz); -o X.dot works "
            "without it",
            format);
    return error ? hl_err_errno(err, error, "cannot start Graphviz's dot") : HL_OK;
}

/* One write; closes when all is written, or nobody reads. */
static void feed(int *fd, const hl_out *text, size_t *done)
{
    ssize_t n = write(*fd, text->bytes + *done, text->n - *done);
    if (n > 0)
        *done += (size_t)n;
    if (*done == text->n || (n < 0 && errno != EINTR && errno != EAGAIN))
        shut(fd);
}

static void drain(int *fd, hl_out *into)
{
    char bytes[1 << 14];
    ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n > 0)
        hl_out_write(into, bytes, (size_t)n);
    else if (!n || (errno != EINTR && errno != EAGAIN))
        shut(fd);
}

static void talk(pipes *p, const hl_out *text, hl_out *picture, hl_out *complaints)
{
    size_t done = 0;
    fcntl(p->ours[TEXT], F_SETFL, O_NONBLOCK);
    if (!text->n)
        shut(&p->ours[TEXT]);
    while (p->ours[PICTURE] >= 0 || p->ours[COMPLAINTS] >= 0) {
        struct pollfd ready[PIPES];
        for (int i = 0; i < PIPES; i++)
            ready[i] = (struct pollfd){.fd = p->ours[i], .events = i == TEXT ? POLLOUT : POLLIN};
        if (poll(ready, PIPES, -1) < 0 && errno != EINTR)
            return;
        if (p->ours[TEXT] >= 0 && ready[TEXT].revents)
            feed(&p->ours[TEXT], text, &done);
        if (p->ours[PICTURE] >= 0 && ready[PICTURE].revents)
            drain(&p->ours[PICTURE], picture);
        if (p->ours[COMPLAINTS] >= 0 && ready[COMPLAINTS].revents)
            drain(&p->ours[COMPLAINTS], complaints);
    }
}

/* Its first line. */
static const char *words_of(hl_out *complaints, char *buf, size_t size)
{
    hl_out safe = {0};
    hl_out_write(complaints, "", 1);
    char *line = complaints->failed ? NULL : complaints->bytes;
    if (line)
        line[strcspn(line, "\r\n")] = 0;
    hl_out_safe(&safe, line ? line : "", WORDS_MAX);
    hl_out_write(&safe, "", 1);
    snprintf(buf, size, "%s", safe.failed || !safe.bytes[0] ? "it does not say why" : safe.bytes);
    hl_out_deinit(&safe);
    return buf;
}

static hl_status judge(int status, hl_out *picture, hl_out *complaints, hl_err *err)
{
    char words[WORDS_MAX + 1];
    if (WIFSIGNALED(status))
        return hl_err_set(err, HL_IO, "Graphviz's dot was ended by signal %d: %s", WTERMSIG(status),
                          words_of(complaints, words, sizeof words));
    if (WEXITSTATUS(status))
        return hl_err_set(err, HL_IO, "Graphviz's dot failed (exit %d): %s", WEXITSTATUS(status),
                          words_of(complaints, words, sizeof words));
    if (picture->failed)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for the picture");
    if (!picture->n)
        return hl_err_set(err, HL_IO, "Graphviz's dot drew nothing: %s",
                          words_of(complaints, words, sizeof words));
    return HL_OK;
}

hl_status hl_graphviz_draw(const hl_out *text, const char *format, hl_out *out, hl_err *err)
{
    pipes p;
    pid_t pid;
    hl_out picture = {0}, complaints = {0};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, was;
    if (text->failed)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for the picture");
    if (pipes_init(&p, err))
        return err->status;
    sigaction(SIGPIPE, &ignore, &was); /* it may end before it has read all */
    hl_status status = start(&p, format, &pid, err);
    if (!status) {
        int ended = 0;
        talk(&p, text, &picture, &complaints);
        pipes_deinit(&p);
        while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
            ;
        status = judge(ended, &picture, &complaints, err);
    }
    sigaction(SIGPIPE, &was, NULL);
    pipes_deinit(&p);
    hl_out_deinit(&complaints);
    if (status)
        hl_out_deinit(&picture);
    else
        *out = picture;
    return status;
}
