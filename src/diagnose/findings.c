/* diagnose/findings.c: findings and notes take shape: holder, growth, evidence, fingerprint.
 *
 * Room   diagnose; analyser process. Texts live in the diagnosis' arena.
 * When   memory runs out a text is NULL or missing, and writers show what is there. */
#define _GNU_SOURCE
#include "diagnose/case.h"
#include "diagnose/known_find.h"
#include "diagnose/made.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { EVIDENCE_MAX = 12, TEXT_MAX = 1024 };

static void *grown(hl_case *c, void *items, uint32_t n, uint32_t *capacity, size_t size)
{
    if (n < *capacity)
        return items;
    uint32_t more = *capacity ? *capacity * 2 : 16;
    void *p = hl_arena_array(c->arena, more, size);
    if (p && n)
        memcpy(p, items, n * size);
    if (p)
        *capacity = more;
    return p;
}

hl_finding *hl_finding_add(hl_case *c, const char *cause, hl_confidence confidence)
{
    hl_diagnosis *d = c->out;
    hl_finding *all = grown(c, d->findings, d->n_findings, &c->findings_capacity, sizeof *all);
    if (!all)
        return NULL;
    d->findings = all;
    hl_finding *f = &all[d->n_findings++];
    *f = (hl_finding){.cause = cause,
                      .confidence = confidence,
                      .title = "",
                      .holder = {.name = "", .kind = "none", .type = ""},
                      .growth = {.per_second = -1, .per_round = -1, .bytes_per_round = -1},
                      .fix = ""};
    f->evidence = hl_arena_array(c->arena, EVIDENCE_MAX, sizeof *f->evidence);
    return f;
}

void hl_finding_holder(hl_case *c, hl_finding *f, const hl_suspect *s)
{
    f->holder.name = s->name;
    f->holder.kind = s->kind;
    f->holder.address = hl_snap_address(c->snap, s->holder);
    bool last = c->anchor + 1 == c->n_moments; /* the one that is asked by default */
    bool same_file = c->moments[c->anchor].run == c->moments[c->n_moments - 1].run;
    f->holder.snapshot = !last && same_file ? c->moments[c->anchor].index + 1 : 0;
    f->holder.type = hl_arena_printf(c->arena, "%s", hl_snap_type_name(c->snap, s->holder));
    f->retained.bytes = s->retained_bytes;
    f->retained.objects = s->retained_objects;
    hl_suspect_chain(c, s, f);
    hl_finding_made(c, f, s);
}

void hl_finding_growth(hl_case *c, hl_finding *f, const hl_growth *g)
{
    f->growth.objects = g->units;
    f->growth.bytes = g->bytes + g->native_bytes;
    f->growth.per_second = g->per_second;
    if (g->native_bytes && g->per_second >= 0 && g->onset_bytes)
        f->growth.per_second *= (double)(g->onset_bytes + g->native_bytes) / (double)g->onset_bytes;
    bool weighed = g->weighed_from > g->onset && g->weighed_bytes;
    f->growth.since = weighed ? g->weighed_from : g->onset;
    f->growth.since_bytes = weighed ? g->weighed_bytes : g->onset_bytes;
    const hl_snap_info *from = &c->moments[g->onset].info, *to = &c->moments[g->anchor].info;
    if (to->rounds > from->rounds) {
        double rounds = (double)(to->rounds - from->rounds);
        if (g->metric != HL_METRIC_BYTES)
            f->growth.per_round = (double)(g->series[g->anchor] - g->series[g->onset]) / rounds;
        f->growth.bytes_per_round = (double)g->onset_bytes / rounds;
    }
    f->series = g->series;
    f->n_series = c->n_moments;
    bool text = f->holder.type && !strcmp(f->holder.type, "bytearray"); /* its items are bytes */
    f->series_unit = g->metric == HL_METRIC_OBJECTS          ? "objects"
                     : g->metric == HL_METRIC_ITEMS && !text ? "entries"
                                                             : "bytes";
}

hl_finding *hl_finding_about(hl_case *c, const hl_suspect *s, const char *cause,
                             hl_confidence confidence)
{
    hl_finding *f = hl_finding_add(c, cause, confidence);
    if (f) {
        hl_finding_holder(c, f, s);
        hl_finding_growth(c, f, s->growth);
    }
    return f;
}

void hl_finding_line(hl_case *c, hl_finding *f, const hl_snap *s, uint32_t frame, uint64_t bytes,
                     bool estimated)
{
    const char *file = s->names[s->frames[frame].file],
               *function = s->names[s->frames[frame].function];
    hl_site *site = hl_arena_array(c->arena, 1, sizeof *site);
    if (!site)
        return;
    *site = (hl_site){.file = hl_arena_copy(c->arena, file, strlen(file)),
                      .function = hl_arena_copy(c->arena, function, strlen(function)),
                      .line = s->frames[frame].line,
                      .bytes = bytes,
                      .estimated = estimated};
    site->name = site->file ? hl_file_name(site->file) : NULL;
    f->allocated_at = site;
    f->n_allocated_at = 1;
}

void hl_finding_evidence(hl_case *c, hl_finding *f, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (f->evidence && f->n_evidence < EVIDENCE_MAX &&
        (f->evidence[f->n_evidence] = hl_arena_copy(c->arena, text, strlen(text))))
        f->n_evidence++;
}

void hl_note_add(hl_case *c, const char *cause, const char *format, ...)
{
    hl_diagnosis *d = c->out;
    hl_note *all = grown(c, d->notes, d->n_notes, &c->notes_capacity, sizeof *all);
    if (!all)
        return;
    d->notes = all;
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    for (uint32_t i = 0; i < d->n_notes; i++)
        if (!strcmp(all[i].text, text))
            return; /* two containers of one name: once is enough */
    const char *copy = hl_arena_copy(c->arena, text, strlen(text));
    if (copy)
        all[d->n_notes++] = (hl_note){cause, copy};
}

/* FNV-1a over what stays the same from run to run: cause, holder, and the folded chain. */
void hl_finding_seal(hl_case *c, hl_finding *f)
{
    uint64_t h = 0xcbf29ce484222325u;
    const char *parts[2 + 2 * 16] = {f->cause, f->holder.name};
    uint32_t n = 2;
    for (uint32_t i = 0; i < f->n_path && n + 2 <= sizeof parts / sizeof *parts; i++) {
        parts[n++] = f->path[i].edge ? f->path[i].edge : "";
        parts[n++] = f->path[i].type ? f->path[i].type : "";
    }
    for (uint32_t i = 0; i < n; i++)
        for (const char *p = parts[i] ? parts[i] : "";; p++) {
            h = (h ^ (uint8_t)*p) * 0x100000001b3u;
            if (!*p)
                break;
        }
    snprintf(f->fingerprint, sizeof f->fingerprint, "%012" PRIx64, h >> 16);
    hl_known_apply(c->arena, f);
    if (!f->known && f->idle)
        f->fix = hl_arena_printf(c->arena,
                                 "%s takes out of it, and was never called: let it be called when "
                                 "something in there is done with. Or %s%s",
                                 f->idle, f->library ? "in its code: " : "", f->fix);
    else if (!f->known && f->library)
        f->fix = hl_arena_printf(c->arena,
                                 "%s fills it: look there for a limit, a clear() or close(), or a "
                                 "newer release, and give it fewer different things to keep. In "
                                 "its code: %s",
                                 f->library, f->fix);
    if (!f->known)
        return;
    /* the first sentence, because it says what the rest is about */
    uint32_t before = f->n_evidence;
    hl_finding_evidence(c, f, "%s (%s): %s", f->known->what, f->known->package, f->known->why);
    for (uint32_t i = before; i && f->n_evidence > before; i--) {
        const char *t = f->evidence[i];
        f->evidence[i] = f->evidence[i - 1];
        f->evidence[i - 1] = t;
    }
}

/* Behind the folder that ends with these words, or NULL. */
static const char *inside(const char *path, const char *folder)
{
    const char *at = strstr(path, folder);
    return at ? strchr(at + strlen(folder), '/') : NULL;
}

static const char *in_packages(const char *path)
{
    const char *at = inside(path, "/site-packages");
    return at ? at : inside(path, "/dist-packages");
}

/* Of many files called utils.py or __init__.py a developer knows the one with its package. */
const char *hl_file_name(const char *path)
{
    const char *below = in_packages(path);
    below = below ? below : inside(path, "/lib/python3");
    if (below)
        return below + 1;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    if (!slash || strncmp(base, "__", 2) != 0)
        return base;
    while (slash > path && slash[-1] != '/')
        slash--;
    return slash;
}

const char *hl_code_package(const hl_case *c, hl_node code)
{
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(c->snap, code);
    const char *below = row ? in_packages(c->snap->names[row->file]) : NULL;
    size_t n = below ? strcspn(below + 1, "/.") : 0;
    return n ? hl_arena_copy(c->arena, below + 1, n) : NULL;
}

const char *hl_code_place(const hl_case *c, hl_node code)
{
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(c->snap, code);
    if (!row)
        return NULL;
    const char *name = c->snap->names[row->qualname],
               *file = hl_file_name(c->snap->names[row->file]);
    if (!strcmp(name, "<module>"))
        return hl_arena_printf(c->arena, "the body of %s", file);
    return hl_arena_printf(c->arena, "%s (%s:%u)", name, file, row->line);
}

const char *hl_code_name(const hl_case *c, hl_node code)
{
    const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(c->snap, code);
    return row ? hl_arena_printf(c->arena, "%s", c->snap->names[row->qualname]) : NULL;
}

bool hl_diagnosis_reaches(const hl_diagnosis *d, int least)
{
    for (uint32_t i = 0; least && i < d->n_findings; i++)
        if ((int)d->findings[i].confidence >= least)
            return true;
    return false;
}
