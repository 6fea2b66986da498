/* cli/family.c: the processes that the program started: their recordings, and one verdict on all.
 *
 * Room   cli; sentinel process, when the first process is over.
 * Takes  the files beside the first one's that bear its run id.   Gives  the first's diagnosis with
 *        theirs put in.
 * Time   the first process waits for the verdict: what is not diagnosed after JUDGE_SECONDS is left
 *        to `heaplens diagnose`, and counted. */
#define _GNU_SOURCE
#include "cli/run.h"
#include "diagnose/diagnose.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JUDGE_SECONDS = 20, STAT_TEXT = 1024, START_FIELD = 22 };

/* ---- who is still there ---------------------------------------------------------------------- */

/* When the process with this pid began, CLOCK_MONOTONIC; 0: there is none, or it is dead. */
static uint64_t begun_us(uint32_t pid)
{
    char path[64], text[STAT_TEXT];
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[n] = 0;
    const char *at = strrchr(text, ')'); /* the name may hold anything but ends there */
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
        return 0;
    for (int field = 3; at && field <= START_FIELD; field++)
        at = strchr(at + 1, ' ');
    long ticks = sysconf(_SC_CLK_TCK);
    return at && ticks > 0 ? strtoull(at, NULL, 10) * 1000000 / (uint64_t)ticks : 0;
}

static uint64_t clock_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Not another process to which its pid went meanwhile: that one would be younger than the file. */
static bool runs_still(const hl_run *run)
{
    enum { SLACK_US = 50 * 1000 }; /* clock ticks */
    uint64_t begun = begun_us(run->pid);
    if (run->ended || !begun)
        return false;
    uint64_t boot = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME);
    return boot + begun <= run->started_us + SLACK_US;
}

/* ---- their files ----------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
    const hl_run *x = *(hl_run *const *)a, *y = *(hl_run *const *)b;
    if (x->started_us != y->started_us)
        return x->started_us < y->started_us ? -1 : 1;
    return strcmp(x->path, y->path);
}

static bool is_file_of(const char *name, const char *base)
{
    static const char ending[] = ".hlens";
    size_t n = strlen(name), k = strlen(base), e = sizeof ending - 1;
    return n > k + 1 + e && !strncmp(name, base, k) && name[k] == '-' &&
           !strcmp(name + n - e, ending);
}

static void take(hl_family *f, uint32_t *room, const char *path, const hl_run *first)
{
    hl_run *run;
    hl_err err;
    if (hl_run_open(path, &run, &err)) {
        dprintf(STDERR_FILENO, "heaplens: %s\n", err.text);
        return;
    }
    if (run->run_id != first->run_id || !run->first_pid || !run->n_snaps) {
        hl_run_close(run);
        return;
    }
    if (f->n == *room) {
        uint32_t more = *room ? 2 * *room : 16;
        hl_run **runs = realloc(f->runs, more * sizeof *runs);
        if (!runs) {
            hl_run_close(run);
            return;
        }
        f->runs = runs;
        *room = more;
    }
    f->runs[f->n++] = run;
}

static void find(hl_family *f, const hl_page *page, const hl_run *first)
{
    char folder[HL_PAGE_PATH], path[2 * HL_PAGE_PATH];
    const char *base = strrchr(page->stem, '/');
    uint32_t room = 0;
    if (!base)
        return;
    snprintf(folder, sizeof folder, "%.*s", (int)(base - page->stem + 1), page->stem);
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s%s", folder, e->d_name);
        if (is_file_of(e->d_name, base + 1) && strcmp(path, page->file))
            take(f, &room, path, first);
    }
    if (d)
        closedir(d);
    if (f->n)
        qsort(f->runs, f->n, sizeof *f->runs, by_start);
}

/* A path as the user would write it: beside the file that -o named. */
static const char *beside(const char *output, const char *name, hl_arena *arena)
{
    const char *slash = strrchr(output, '/'), *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    return slash ? hl_arena_printf(arena, "%.*s%s", (int)(slash - output + 1), output, base)
                 : hl_arena_printf(arena, "%s", base);
}

/* ---- one verdict ----------------------------------------------------------------------------- */

static void name_all(const hl_run_options *o, hl_arena *arena, hl_diagnosis *d)
{
    for (uint32_t i = 1; i < d->n_processes; i++) {
        const char *shown = beside(o->output, d->processes[i].file, arena);
        if (shown)
            d->processes[i].file = shown;
    }
}

void hl_family_join(hl_family *f, const hl_page *page, hl_run *first, const hl_run_options *o,
                    hl_arena *arena, hl_diagnosis *d)
{
    hl_diagnose_options options = {.min_growth = o->min_growth, .memory_limit = o->memory_limit};
    uint64_t until = hl_page_now() + (uint64_t)JUDGE_SECONDS * 1000000000;
    hl_err err;
    *f = (hl_family){.n = 0};
    find(f, page, first);
    const char *shown = beside(o->output, page->stem, arena);
    f->pattern = hl_arena_printf(arena, "%s-*.hlens", shown ? shown : "");
    hl_diagnosis *each = hl_arena_array(arena, f->n + 1, sizeof *each), whole;
    const hl_run **whose = hl_arena_array(arena, f->n + 1, sizeof *whose);
    if (!f->n || !each || !whose)
        return;
    uint32_t n = 1, i = 0;
    each[0] = *d;
    whose[0] = first;
    for (; i < f->n && hl_page_now() < until; i++)
        if (hl_diagnose(&f->runs[i], 1, &options, arena, &each[n], &err))
            dprintf(STDERR_FILENO, "heaplens: %s\n", err.text);
        else
            whose[n++] = f->runs[i];
    f->left = f->n - i;
    if (hl_diagnosis_merge(each, whose, n, arena, &whole, &err)) {
        dprintf(STDERR_FILENO, "heaplens: %s\n", err.text);
        return;
    }
    for (uint32_t k = 0; k < whole.n_processes; k++)
        whole.processes[k].running = k && runs_still(whose[k]);
    *d = whole;
    name_all(o, arena, d);
}
