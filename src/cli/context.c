/* cli/context.c: what a verb says, where, in which colours; and what its status means to a shell.
 *
 * Room   cli; the only file that writes to stdout and stderr for the verbs on files. */
#define _GNU_SOURCE
#include "cli/verb.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SENTENCE = 1024 };

/* ---- styles -----------------------------------------------------------------------------------
 */

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool speaks_utf8(void)
{
    const char *locale = environment("LC_ALL");
    if (!locale)
        locale = environment("LC_CTYPE");
    if (!locale)
        locale = environment("LANG");
    return locale && (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}

static bool wants_color(int fd)
{
    const char *term = environment("TERM");
    return !environment("NO_COLOR") && term && strcmp(term, "dumb") && isatty(fd);
}

static unsigned columns(int fd)
{
    struct winsize size;
    if (isatty(fd) && !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
        return size.ws_col;
    const char *asked = environment("COLUMNS");
    unsigned long n = asked ? strtoul(asked, NULL, 10) : 0;
    return n >= 20 && n <= 1000 ? (unsigned)n : 0;
}

void hl_context_init(hl_context *c)
{
    *c = (hl_context){0};
    c->out_style = (hl_style){wants_color(1), columns(1), false, speaks_utf8()};
    c->err_style = (hl_style){wants_color(2), columns(2), false, speaks_utf8()};
}

bool hl_context_color(hl_context *c, const char *when)
{
    bool always = !strcmp(when, "always");
    if (!strcmp(when, "auto"))
        c->out_style.color = wants_color(1), c->err_style.color = wants_color(2);
    else if (always || !strcmp(when, "never"))
        c->out_style.color = c->err_style.color = always;
    else
        return false;
    return true;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* 0 or an errno. A reader that went away is none of our business: EPIPE must not kill us. */
static int write_all(int fd, const char *bytes, size_t n)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, was;
    sigaction(SIGPIPE, &ignore, &was);
    int error = 0;
    while (n && !error) {
        ssize_t done = write(fd, bytes, n);
        if (done >= 0) {
            bytes += done;
            n -= (size_t)done;
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    sigaction(SIGPIPE, &was, NULL);
    return error;
}

static void say(const char *format, va_list ap)
{
    char sentence[SENTENCE];
    hl_out o = {0};
    vsnprintf(sentence, sizeof sentence, format, ap);
    hl_out_text(&o, "heaplens: ");
    hl_out_safe(&o, sentence, 0);
    hl_out_text(&o, "\n");
    write_all(2, o.bytes, o.n);
    hl_out_deinit(&o);
}

static void say_plain(const char *format, ...) HL_PRINTF(1, 2);
static void say_plain(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(format, ap);
    va_end(ap);
}

void hl_remark(const hl_context *c, const char *format, ...)
{
    if (c->quiet)
        return;
    va_list ap;
    va_start(ap, format);
    say(format, ap);
    va_end(ap);
}

int hl_print(hl_out *out, int code)
{
    int error = out->failed ? ENOMEM : write_all(1, out->bytes, out->n);
    hl_out_deinit(out);
    if (!error || error == EPIPE)
        return code;
    say_plain("cannot write to standard output: %s", strerror(error));
    return HL_EXIT_INCOMPLETE;
}

void hl_print_words(hl_out *out)
{
    if (!out->failed)
        (void)!write_all(2, out->bytes, out->n); /* closed: nobody wants them */
    hl_out_deinit(out);
}

int hl_fail(const hl_err *err)
{
    say_plain("%s", err->text);
    switch (err->status) {
    case HL_OK:
        return HL_EXIT_OK;
    case HL_USAGE:
        return HL_EXIT_USAGE;
    case HL_EMPTY:
        return HL_EXIT_NOTHING;
    case HL_NO_SPACE:
        return HL_EXIT_INCOMPLETE;
    case HL_IO:
    case HL_NOT_FOUND:
    case HL_PERMISSION:
    case HL_TRUNCATED:
    case HL_CORRUPT:
    case HL_FOREIGN:
    case HL_NEWER:
    case HL_NO_MEMORY:
    case HL_UNSUPPORTED:
        break;
    }
    return HL_EXIT_TARGET;
}

int hl_usage(const char *verb, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(format, ap);
    va_end(ap);
    say_plain("see: heaplens %s%s--help", verb ? verb : "", verb ? " " : "");
    return HL_EXIT_USAGE;
}
