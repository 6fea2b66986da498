/* cli/signal_name.c: the signals a program may be asked for a look with.
 *
 * Room   cli; pure.
 * Left out are those nobody can catch, those that say the program cannot go on, and those that stop
 * and continue it. */
#define _GNU_SOURCE
#include "cli/run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef struct named {
    const char *name;
    int number;
} named;

static const named signals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},       {"QUIT", SIGQUIT}, {"USR1", SIGUSR1},
    {"USR2", SIGUSR2}, {"ALRM", SIGALRM},     {"TERM", SIGTERM}, {"VTALRM", SIGVTALRM},
    {"PROF", SIGPROF}, {"WINCH", SIGWINCH},   {"URG", SIGURG},   {"IO", SIGIO},
    {"PWR", SIGPWR},   {"STKFLT", SIGSTKFLT},
};

static int numbered(const char *digits)
{
    char *end;
    long n = strtol(digits, &end, 10);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (!*end && end != digits && n == signals[i].number)
            return signals[i].number;
    return 0;
}

int hl_signal_number(const char *name)
{
    if (name[0] >= '0' && name[0] <= '9')
        return numbered(name);
    if (!strncasecmp(name, "SIG", 3))
        name += 3;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (!strcasecmp(name, signals[i].name))
            return signals[i].number;
    return 0;
}
