/* snapshot/snap_dsl_sites.c: where the objects of a drawn heap were made.
 *
 * Room   snapshot; tests only; malloc, abort without memory. snap_dsl.h says how heaps are drawn.
 */
#define _GNU_SOURCE
#include "snapshot/snap_dsl_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t frame_index(dsl_heap *h, hl_snap_frame f)
{
    for (size_t i = 0; i < h->frames.n; i++) {
        const hl_snap_frame *x = DSL_AT(h->frames, hl_snap_frame, i);
        if (x->function == f.function && x->file == f.file && x->line == f.line)
            return (uint32_t)i + 1;
    }
    *(hl_snap_frame *)dsl_push(&h->frames, sizeof f) = f;
    return (uint32_t)h->frames.n;
}

static uint32_t stack_index(dsl_heap *h, hl_snap_stack k)
{
    for (size_t i = 0; i < h->stacks.n; i++) {
        const hl_snap_stack *x = DSL_AT(h->stacks, hl_snap_stack, i);
        if (x->caller == k.caller && x->frame == k.frame)
            return (uint32_t)i + 1;
    }
    *(hl_snap_stack *)dsl_push(&h->stacks, sizeof k) = k;
    return (uint32_t)h->stacks.n;
}

/* Ends the frame at s and gives the next one: ">" behind a line's number, for a function may be called
 * "<module>". */
static char *cut_frame(char *s)
{
    for (char *at = strchr(s, '>'); at; at = strchr(at + 1, '>'))
        if (at > s && at[-1] >= '0' && at[-1] <= '9' && strchr(s, '@') && strchr(s, '@') < at) {
            *at = 0;
            return at + 1;
        }
    return NULL;
}

hl_status dsl_stack(dsl_parser *p, const char *text, uint32_t *out)
{
    char *all = dsl_copy(text, strlen(text)), *next = NULL;
    hl_snap_stack stack = {0};
    bool bad = false;
    *out = 0;
    for (char *item = all; item; item = next) {
        next = cut_frame(item);
        char *file = strchr(item, '@'), *line = strrchr(item, ':'), *end = NULL;
        if (!file || !line || line < file) {
            bad = true;
            break;
        }
        hl_snap_frame f = {.function = dsl_name(p->h, item, (size_t)(file - item))};
        f.file = dsl_name(p->h, file + 1, (size_t)(line - file - 1));
        f.line = f.first_line = (uint32_t)strtoul(line + 1, &end, 10);
        bad |= end == line + 1 || *end;
        stack.frame = frame_index(p->h, f);
        stack.caller = *out = stack_index(p->h, stack);
    }
    free(all);
    return bad || !*out ? dsl_complain(p, "'%s' is no stack: FUNCTION@FILE:LINE>...", text) : HL_OK;
}

/* N:N, or more of them: how many were there. */
static unsigned numbers(const char *s, uint64_t *out, unsigned most)
{
    unsigned n = 0;
    while (n < most) {
        char *end;
        out[n] = strtoull(s, &end, 0);
        if (end == s)
            return 0;
        n++;
        if (*end != ':')
            return *end && *end != ',' ? 0 : n;
        s = end + 1;
    }
    return 0;
}

static bool add_ages(dsl_parser *p, uint32_t stack, const char *list)
{
    for (const char *s = list; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
        uint64_t n[4];
        if (numbers(s, n, 4) != 3)
            return false;
        *(hl_snap_age *)dsl_push(&p->h->ages, sizeof(hl_snap_age)) =
            (hl_snap_age){.stack = stack, .born = (uint32_t)n[0], .live = {n[1], n[2]}};
    }
    return true;
}

/* WINDOW:BLOCKS:BYTES, or more of them. */
static bool add_windows(hl_snap_site *site, const char *list)
{
    for (const char *s = list; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
        uint64_t n[4];
        if (numbers(s, n, 4) != 3 || n[0] < 1 || n[0] > HL_WINDOWS)
            return false;
        site->within[n[0] - 1] = (hl_amount){n[1], n[2]};
    }
    return true;
}

static bool take_amount(const char *word, hl_snap_site *site)
{
    const struct {
        const char *key;
        hl_amount *to;
    } amounts[] = {
        {"live", &site->live}, {"all", &site->all}, {"brief", &site->brief}, {"peak", &site->peak}};
    for (unsigned i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        const char *v = dsl_value(word, amounts[i].key);
        uint64_t n[3];
        if (!v)
            continue;
        if (numbers(v, n, 3) != 2)
            return false;
        *amounts[i].to = (hl_amount){n[0], n[1]};
        return true;
    }
    return false;
}

hl_status dsl_site_line(dsl_parser *p)
{
    static const char *const domains[] = {"raw", "mem", "obj", "native"};
    hl_snap_site site = {.domain = HL_BLOCK_OBJ};
    if (p->n_words < 2)
        return dsl_complain(p, "site STACK");
    if (dsl_stack(p, p->words[1], &site.stack))
        return p->err->status;
    for (unsigned i = 2; i < p->n_words; i++) {
        const char *word = p->words[i], *v;
        uint64_t thread = 0;
        bool bad = false;
        if ((v = dsl_value(word, "age"))) {
            bad = !add_ages(p, site.stack, v);
        } else if ((v = dsl_value(word, "within"))) {
            bad = !add_windows(&site, v);
        } else if ((v = dsl_value(word, "domain"))) {
            bad = true;
            for (unsigned k = 0; k < sizeof domains / sizeof *domains; k++)
                if (!strcmp(v, domains[k])) {
                    site.domain = (enum hl_block_domain)k;
                    bad = false;
                }
        } else if (dsl_numeric(word, "thread", &thread, &bad)) {
            site.thread = (uint32_t)thread + 1;
        } else if (!dsl_numeric(word, "error", &site.error, &bad)) {
            bad = !take_amount(word, &site);
        }
        if (bad)
            return dsl_complain(p, "'%s' says nothing about a site", word);
    }
    *(hl_snap_site *)dsl_push(&p->h->sites, sizeof site) = site;
    return HL_OK;
}

bool dsl_tracking(const char *word, hl_fields *end, bool *bad)
{
    static const struct {
        const char *key;
        unsigned tag;
    } words[] = {{"rate", HL_SNAP_TRACK_RATE},        {"dropped", HL_SNAP_TRACK_DROPPED},
                 {"taken", HL_SNAP_TRACK_AGE},        {"peak", HL_SNAP_TRACK_PEAK},
                 {"threads", HL_SNAP_TRACK_THREADS},  {"within", HL_SNAP_TRACK_WITHIN},
                 {"native", HL_SNAP_NATIVE},          {"nativedropped", HL_SNAP_NATIVE_DROPPED},
                 {"nativerate", HL_SNAP_NATIVE_RATE}, {"mark", HL_SNAP_MARK}};
    const char *mode = dsl_value(word, "track");
    if (mode) {
        *bad = strcmp(mode, "exact") && strcmp(mode, "sampled");
        hl_field_uint(end, HL_SNAP_TRACK,
                      strcmp(mode, "exact") ? HL_FOLLOWED_SAMPLED : HL_FOLLOWED_EXACT);
        return true;
    }
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        uint64_t n = 0;
        if (!dsl_numeric(word, words[i].key, &n, bad))
            continue;
        hl_field_uint(end, words[i].tag, n);
        return true;
    }
    return false;
}

static void put_amount(hl_snap_writer *w, enum hl_snap_column c, hl_amount amount)
{
    hl_snap_put(w, c, amount.blocks);
    hl_snap_put(w, c, amount.bytes);
}

static void put_made(const dsl_heap *h, hl_snap_writer *w)
{
    size_t before = 0;
    for (size_t v = 0; v < h->nodes.n; v++) {
        const dsl_node *x = DSL_AT(h->nodes, dsl_node, v);
        if (!x->by)
            continue;
        hl_snap_put(w, HL_COL_MADE, v - before);
        hl_snap_put(w, HL_COL_MADE, x->by);
        hl_snap_put(w, HL_COL_MADE, 0);
        put_amount(w, HL_COL_MADE, (hl_amount){1, x->sampled ? x->sampled : x->size + x->ext});
        before = v;
    }
}

void dsl_put_sites(const dsl_heap *h, hl_snap_writer *w)
{
    for (size_t i = 0; i < h->frames.n; i++) {
        const hl_snap_frame *f = DSL_AT(h->frames, hl_snap_frame, i);
        hl_snap_put(w, HL_COL_FRAME, f->function);
        hl_snap_put(w, HL_COL_FRAME, f->file);
        hl_snap_put(w, HL_COL_FRAME, f->first_line);
        hl_snap_put(w, HL_COL_FRAME, f->line);
    }
    for (size_t i = 0; i < h->stacks.n; i++) {
        const hl_snap_stack *k = DSL_AT(h->stacks, hl_snap_stack, i);
        hl_snap_put(w, HL_COL_STACK, k->caller ? i + 1 - k->caller : 0);
        hl_snap_put(w, HL_COL_STACK, k->frame);
    }
    for (size_t i = 0; i < h->sites.n; i++) {
        const hl_snap_site *x = DSL_AT(h->sites, hl_snap_site, i);
        hl_snap_put(w, HL_COL_SITE, x->stack);
        hl_snap_put(w, HL_COL_SITE, x->thread);
        hl_snap_put(w, HL_COL_SITE, x->domain);
        put_amount(w, HL_COL_SITE, x->live);
        put_amount(w, HL_COL_SITE, x->all);
        put_amount(w, HL_COL_SITE, x->brief);
        put_amount(w, HL_COL_SITE, x->peak);
        hl_snap_put(w, HL_COL_SITE, x->error);
    }
    size_t before = 0;
    for (size_t i = 0; i < h->sites.n; i++)
        for (unsigned k = 0; k < HL_WINDOWS; k++) {
            const hl_snap_site *x = DSL_AT(h->sites, hl_snap_site, i);
            if (!x->within[k].blocks)
                continue;
            hl_snap_put(w, HL_COL_WITHIN, i - before);
            hl_snap_put(w, HL_COL_WITHIN, k + 1);
            put_amount(w, HL_COL_WITHIN, x->within[k]);
            before = i;
        }
    for (size_t i = 0; i < h->ages.n; i++) {
        const hl_snap_age *x = DSL_AT(h->ages, hl_snap_age, i);
        hl_snap_put(w, HL_COL_AGE, x->stack);
        hl_snap_put(w, HL_COL_AGE, x->born);
        put_amount(w, HL_COL_AGE, x->live);
    }
    put_made(h, w);
}
