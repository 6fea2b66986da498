/* diagnose/mprof_read.c: what memory_profiler's `mprof run` wrote, as memory over time.
 *
 * Room   diagnose; analyser process.
 * Takes  the bytes of a data file, a stranger's.   Gives  hl_timeline_process, one a process.
 * Format lines of words, as memory_profiler 0.61 writes them; sizes in MiB, times in seconds of the epoch:
 *            CMDLINE what was run (an argument may have line ends in it)
 *            MEM size time
 *            CHLD pid size time
 *            FUNC name size time size time [level]
 *        Several processes append to one file: lines stand in no order of time. */
#include "diagnose/course.h"
#include "diagnose/slope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 8, MIB = 1 << 20 };
#define SIZE_MOST 1e12 /* MiB */
#define TIME_MOST 1e12

typedef struct sample {
    bool child;
    uint32_t pid, order;
    double at;
    int64_t bytes;
} sample;

typedef struct reading {
    const char *path;
    uint64_t line;
    char *command; /* arena; NULL: no CMDLINE */
    bool in_command;
    sample *samples; /* arena, room for one a line */
    hl_span *spans;
    uint32_t n_samples, n_spans;
    hl_arena *arena;
} reading;

/* ---- lines ------------------------------------------------------------------------------------ */

static bool begins(const char *line, const char *word)
{
    size_t n = strlen(word);
    return !strncmp(line, word, n) && (line[n] == ' ' || !line[n]);
}

bool hl_mprof_is(const void *bytes, size_t n)
{
    static const char *const words[] = {"CMDLINE ", "MEM ", "FUNC ", "CHLD "};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (n >= strlen(words[i]) && !memcmp(bytes, words[i], strlen(words[i])))
            return true;
    return false;
}

static unsigned split(char *line, char *words[WORDS])
{
    unsigned n = 0;
    for (char *s = line; n < WORDS;) {
        while (*s == ' ')
            *s++ = 0;
        if (!*s)
            break;
        words[n++] = s;
        s += strcspn(s, " ");
    }
    return n;
}

static bool number(const char *s, double most, double *out)
{
    char *end;
    if (!*s || s[strspn(s, "0123456789.+-eE")])
        return false;
    *out = strtod(s, &end);
    return !*end && isfinite(*out) && *out >= -most && *out <= most;
}

static bool whole(const char *s, uint32_t *out)
{
    if (!*s || strlen(s) > 9 || s[strspn(s, "0123456789")])
        return false;
    *out = (uint32_t)strtoul(s, NULL, 10);
    return true;
}

static bool size_at(char *const *words, int64_t *bytes, double *at)
{
    double size;
    if (!number(words[0], SIZE_MOST, &size) || !number(words[1], TIME_MOST, at))
        return false;
    *bytes = (int64_t)(size * MIB);
    return true;
}

static bool take_sample(reading *r, unsigned n, char *const *words)
{
    bool child = begins(words[0], "CHLD");
    sample s = {.child = child, .order = r->n_samples};
    unsigned at = child ? 2 : 1;
    if (n != at + 2 || (child && !whole(words[1], &s.pid)) ||
        !size_at(words + at, &s.bytes, &s.at) || s.bytes < 0)
        return false;
    r->samples[r->n_samples++] = s;
    return true;
}

static bool take_call(reading *r, unsigned n, char *const *words)
{
    hl_span s = {.level = 0};
    if ((n != 6 && n != 7) || !size_at(words + 2, &s.from_bytes, &s.from_s) ||
        !size_at(words + 4, &s.to_bytes, &s.to_s) || s.to_s < s.from_s ||
        (n == 7 && !whole(words[6], &s.level)))
        return false;
    s.name = hl_arena_copy(r->arena, words[1], strlen(words[1]));
    r->spans[r->n_spans++] = s;
    return s.name;
}

/* NUL-ended, without its line end, n bytes; changed here. What is wrong with it, or NULL. */
static const char *take_line(reading *r, char *line, size_t n)
{
    char *words[WORDS];
    bool sized = begins(line, "MEM") || begins(line, "CHLD"), call = begins(line, "FUNC");
    if (memchr(line, 0, n))
        return "has a byte that is no text";
    if (begins(line, "CMDLINE")) {
        r->command = hl_arena_copy(r->arena, line + 7 + (line[7] == ' '), n - 7 - (line[7] == ' '));
        r->in_command = true;
        return NULL;
    }
    if (!sized && !call) /* a line end in an argument, or a line that is nothing */
        return r->in_command || !n ? NULL
                                   : "begins with no word of mprof (MEM, CHLD, FUNC, CMDLINE)";
    r->in_command = false;
    unsigned words_n = split(line, words);
    if (sized && !take_sample(r, words_n, words))
        return "is not: MEM size time, or CHLD pid size time";
    if (call && !take_call(r, words_n, words))
        return "is not: FUNC name size time size time level";
    return NULL;
}

static hl_status take_lines(reading *r, char *text, size_t n, bool *torn, hl_err *err)
{
    for (char *at = text, *end = text + n; at < end;) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        char *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        *stop = 0; /* text has a byte more than n */
        size_t length = (size_t)(stop - at);
        if (length && at[length - 1] == '\r')
            at[--length] = 0;
        r->line++;
        if (stop == end && r->line > 1) { /* a time may have lost its last digits */
            *torn = true;
            return HL_OK;
        }
        const char *wrong = take_line(r, at, length);
        if (wrong)
            return hl_err_set(err, HL_CORRUPT, "%s: line %llu %s", r->path,
                              (unsigned long long)r->line, wrong);
        at = next;
    }
    return HL_OK;
}

/* ---- processes -------------------------------------------------------------------------------- */

static int by_process(const void *a, const void *b)
{
    const sample *x = a, *y = b;
    if (x->child != y->child)
        return x->child ? 1 : -1;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    if (x->at < y->at || x->at > y->at)
        return x->at < y->at ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static int by_begin(const void *a, const void *b)
{
    const hl_span *x = a, *y = b;
    if (x->from_s < y->from_s || x->from_s > y->from_s)
        return x->from_s < y->from_s ? -1 : 1;
    return (x->level > y->level) - (x->level < y->level);
}

static double first_moment(const reading *r)
{
    double first = INFINITY;
    for (uint32_t i = 0; i < r->n_samples; i++)
        first = r->samples[i].at < first ? r->samples[i].at : first;
    for (uint32_t i = 0; i < r->n_spans; i++)
        first = r->spans[i].from_s < first ? r->spans[i].from_s : first;
    return first;
}

/* In whole microseconds: the file has less, and the epoch leaves rounding. */
static double since(double at, double zero)
{
    return round((at - zero) * 1e6) / 1e6;
}

static bool make(const reading *r, const sample *s, uint32_t n, double zero,
                 hl_timeline_process *out)
{
    double *seconds = hl_arena_array(r->arena, n, sizeof *seconds);
    int64_t *bytes = hl_arena_array(r->arena, n, sizeof *bytes);
    hl_curve *curve = hl_arena_alloc(r->arena, sizeof *curve);
    if (!seconds || !bytes || !curve)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        seconds[i] = since(s[i].at, zero);
        bytes[i] = s[i].bytes;
    }
    *curve = (hl_curve){
        .key = "rss", .name = "resident memory (RSS)", .by = "memory_profiler", .bytes = bytes};
    hl_slope_fit(seconds, bytes, n, &curve->slope);
    *out = (hl_timeline_process){
        .file = r->path,
        .program = r->command && !s->child ? r->command : "",
        .pid = s->pid,
        .mprof = true,
        .n = n,
        .seconds = seconds,
        .curves = curve,
        .n_curves = 1,
    };
    return true;
}

static hl_status make_all(reading *r, hl_timeline_process **out, uint32_t *n_out, hl_err *err)
{
    uint32_t groups = 0;
    double zero = first_moment(r);
    qsort(r->samples, r->n_samples, sizeof *r->samples, by_process);
    if (!r->n_samples || r->samples[0].child)
        return hl_err_set(err, HL_EMPTY,
                          "%s holds no sample of memory: the program ended before mprof's first "
                          "one, or mprof was stopped",
                          r->path);
    for (uint32_t i = 0; i < r->n_samples; i++)
        groups += !i || r->samples[i].child != r->samples[i - 1].child ||
                  r->samples[i].pid != r->samples[i - 1].pid;
    hl_timeline_process *all = hl_arena_array(r->arena, groups, sizeof *all);
    bool made = all;
    uint32_t n = 0;
    for (uint32_t i = 0, k; made && i < r->n_samples; i = k) {
        for (k = i + 1; k < r->n_samples && r->samples[k].child == r->samples[i].child &&
                        r->samples[k].pid == r->samples[i].pid;)
            k++;
        made = make(r, &r->samples[i], k - i, zero, &all[n++]);
    }
    if (!made)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %u samples", r->n_samples);
    for (uint32_t i = 0; i < r->n_spans; i++) {
        r->spans[i].from_s = since(r->spans[i].from_s, zero);
        r->spans[i].to_s = since(r->spans[i].to_s, zero);
    }
    if (r->n_spans)
        qsort(r->spans, r->n_spans, sizeof *r->spans, by_begin);
    all[0].spans = r->spans;
    all[0].n_spans = r->n_spans;
    *out = all;
    *n_out = groups;
    return HL_OK;
}

hl_status hl_mprof_read(const char *path, const void *bytes, size_t n, hl_arena *arena,
                        hl_timeline_process **out, uint32_t *n_out, bool *torn, hl_err *err)
{
    size_t lines = 1;
    for (const char *at = bytes, *end = at + n;
         at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    reading r = {.path = path, .arena = arena};
    char *text = hl_arena_alloc(arena, n + 1);
    *torn = false;
    if (lines < UINT32_MAX) {
        r.samples = hl_arena_array(arena, lines, sizeof *r.samples);
        r.spans = hl_arena_array(arena, lines, sizeof *r.spans);
    }
    if (!text || !r.samples || !r.spans)
        return hl_err_set(err, HL_NO_MEMORY, "no memory for %zu lines of %s", lines, path);
    if (n)
        memcpy(text, bytes, n);
    if (take_lines(&r, text, n, torn, err))
        return err->status;
    return make_all(&r, out, n_out, err);
}
