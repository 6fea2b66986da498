/* snapshot/snap_dsl.c: drawn heaps become files; snap_dsl.h says how they are drawn.
 *
 * Room   snapshot; tests only; malloc, stdio, abort without memory.
 * Takes  text.   Gives  a .hlens file, or what the real reader makes of it. */
#define _GNU_SOURCE
#include "snapshot/snap_dsl.h"

#include "snapshot/snap_dsl_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Replaces {a|b|c} by the choice of snapshot k. */
static void choose(char *line, unsigned k)
{
    char *to = line;
    for (char *s = line; *s;) {
        char *close = *s == '{' ? strchr(s, '}') : NULL;
        if (!close) {
            *to++ = *s++;
            continue;
        }
        char *from = s + 1;
        for (unsigned i = 0; i < k; i++) {
            char *bar = memchr(from, '|', (size_t)(close - from));
            if (!bar)
                break;
            from = bar + 1;
        }
        size_t n = (size_t)(close - from);
        char *bar = memchr(from, '|', n);
        n = bar ? (size_t)(bar - from) : n;
        memmove(to, from, n);
        to += n;
        s = close + 1;
    }
    *to = 0;
}

static hl_status split(dsl_parser *p, char *line)
{
    char *to = line;
    p->n_words = 0;
    for (char *s = line;;) {
        while (*s == ' ' || *s == '\t' || *s == '\r')
            s++;
        if (!*s || *s == '#')
            return HL_OK;
        if (p->n_words == DSL_WORDS_MAX)
            return dsl_complain(p, "too many words");
        p->words[p->n_words++] = to;
        bool quoted = false;
        for (; *s && (quoted || !strchr(" \t\r", *s)); s++) {
            if (*s == '"')
                quoted = !quoted;
            else
                *to++ = *s;
        }
        s += *s != 0;
        *to++ = 0;
    }
}

static hl_status take_line(dsl_parser *p, char *line, unsigned k)
{
    static const struct {
        const char *word;
        hl_status (*take)(dsl_parser *p);
    } kinds[] = {
        {"run", dsl_run_line},       {"snap", dsl_snap_line},     {"root", dsl_root_line},
        {"type", dsl_type_line},     {"code", dsl_code_line},     {"chain", dsl_chain_line},
        {"thread", dsl_thread_line}, {"dup", dsl_dup_line},       {"site", dsl_site_line},
        {"native", dsl_native_line}, {"lostsite", dsl_lost_line}, {"heldby", dsl_held_line},
        {"nobodys", dsl_nobody_line}};
    choose(line, k);
    if (split(p, line) || p->n_words == 0)
        return p->err->status;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!strcmp(p->words[0], kinds[i].word))
            return kinds[i].take(p);
    return dsl_node_line(p);
}

/* Is this the first word of the line? */
static bool begins(const char *line, const char *word)
{
    line += strspn(line, " \t");
    size_t n = strlen(word);
    return !strncmp(line, word, n) && strchr(" \t\r\n", line[n]);
}

/* ---- texts --------------------------------------------------------------------------------------
 */

static unsigned count_snaps(const char *text)
{
    unsigned n = 0;
    for (const char *s = text; *s; s += strcspn(s, "\n"), s += *s == '\n')
        n += begins(s, "snap");
    return n ? n : 1;
}

/* The lines of snapshot k become *h. */
static hl_status parse(const char *text, unsigned k, dsl_parser *p)
{
    unsigned at = 0;                                                 /* snap lines seen */
    hl_field_uint(&p->h->meta, HL_SNAP_TIME, k * UINT64_C(1000000)); /* a time= comes later, wins */
    hl_field_uint(&p->h->meta, HL_SNAP_GC_ENABLED, 1);
    p->line = 0;
    for (const char *s = text; *s;) {
        size_t n = strcspn(s, "\n");
        p->line++;
        at += begins(s, "snap");
        if (at == 0 || at == k + 1) {
            char *line = dsl_copy(s, n);
            *p->err = (hl_err){0};
            hl_status status = take_line(p, line, k);
            free(line);
            if (status)
                return status;
        }
        s += n + (s[n] == '\n');
    }
    return HL_OK;
}

static hl_status write_text(const char *text, int fd, hl_err *err)
{
    hl_fields run = {.n = 0}, run_end = {.n = 0};
    hl_field_text(&run, HL_RUN_TOOL, HL_VERSION);
    bool ended = false;
    unsigned n = count_snaps(text);
    for (unsigned k = 0; k < n; k++) {
        dsl_heap h = {.folded = 0};
        dsl_parser p = {.h = &h, .err = err};
        if (k == 0) {
            p.run = &run;
            p.run_end = &run_end;
        }
        hl_status status = parse(text, k, &p);
        ended |= p.ended;
        if (!status && k == 0)
            status = hl_run_record(fd, HL_KIND_RUN_META, 0, &run, err);
        if (!status)
            status = dsl_write_heap(&h, fd, k + 1, err);
        dsl_heap_free(&h);
        if (status)
            return status;
    }
    return ended ? hl_run_record(fd, HL_KIND_RUN_END, 1, &run_end, err) : HL_OK;
}

hl_status hl_dsl_file(const char *text, const char *path, hl_err *err)
{
    int fd;
    if (hl_container_create(path, false, 0x5EED, &fd, err))
        return err->status;
    hl_status status = write_text(text, fd, err);
    close(fd);
    return status;
}

hl_status hl_dsl_bytes(const char *text, uint8_t **out, size_t *n, hl_err *err)
{
    char dir[] = "/tmp/hl_dsl_XXXXXX", path[64];
    if (!mkdtemp(dir))
        return hl_err_errno(err, errno, "cannot make a temporary folder");
    snprintf(path, sizeof path, "%s/drawn.hlens", dir);
    hl_status status = hl_dsl_file(text, path, err);
    FILE *f = status ? NULL : fopen(path, "rb");
    struct stat st;
    if (f && !fstat(fileno(f), &st)) {
        *out = malloc((size_t)st.st_size + 1);
        *n = *out ? fread(*out, 1, (size_t)st.st_size, f) : 0;
    } else if (!status) {
        status = hl_err_errno(err, errno, "cannot read %s", path);
    }
    if (f)
        fclose(f);
    unlink(path);
    rmdir(dir);
    return status;
}

static void give_up(const char *what, const hl_err *err)
{
    fprintf(stderr, "%s: %s\n", what, err->text);
    abort();
}

hl_run *hl_dsl_run(const char *text)
{
    char dir[] = "/tmp/hl_dsl_XXXXXX", path[64];
    hl_err err = {0};
    hl_run *run = NULL;
    if (!mkdtemp(dir))
        give_up("mkdtemp", &err);
    snprintf(path, sizeof path, "%s/drawn.hlens", dir);
    if (hl_dsl_file(text, path, &err) || hl_run_open(path, &run, &err))
        give_up("hl_dsl_run", &err);
    unlink(path); /* the run keeps it open */
    rmdir(dir);
    return run;
}

hl_snap *hl_dsl_snap(const char *text)
{
    hl_run *run = hl_dsl_run(text);
    hl_err err = {0};
    hl_snap *s = NULL;
    if (hl_snap_load(run, run->n_snaps - 1, &s, &err) || hl_snap_check(s, &err))
        give_up("hl_dsl_snap", &err);
    hl_run_close(run);
    return s;
}

hl_node hl_dsl_node(const hl_snap *s, const char *name)
{
    size_t n = strcspn(name, "[");
    uint64_t i = name[n] ? strtoull(name + n + 1, NULL, 10) : 0;
    hl_node v = hl_snap_find_address(s, dsl_address(name, n) + i * DSL_MEMBER_BYTES);
    if (v == HL_NO_NODE) {
        fprintf(stderr, "hl_dsl_node: no node %s\n", name);
        abort();
    }
    return v;
}
