/* snapshot/snap_dsl_line.c: the lines of a drawn heap, one function a kind.
 *
 * Room   snapshot; tests only; malloc, abort without memory. snap_dsl.h says how heaps are drawn.
 */
#define _GNU_SOURCE
#include "snapshot/snap_dsl_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_arrow(const char *word)
{
    size_t n = strlen(word);
    return n > 3 && word[0] == '-' && !strcmp(word + n - 2, "->");
}

static hl_status follow_arrow(dsl_parser *p, const char *arrow, const char *target, uint32_t *first,
                              uint32_t *count)
{
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)strlen(arrow) - 3, arrow + 1);
    hl_label label;
    uint32_t to, n_to;
    if (dsl_label(p, text, &label) || dsl_nodes(p, target, &to, &n_to))
        return p->err->status;
    dsl_join_groups(p->h, *first, *count, to, n_to, label);
    *first = to;
    *count = n_to;
    return HL_OK;
}

hl_status dsl_node_line(dsl_parser *p)
{
    uint32_t first, count;
    if (dsl_nodes(p, p->words[0], &first, &count))
        return p->err->status;
    for (unsigned i = 1; i < p->n_words; i++) {
        if (is_arrow(p->words[i]) && i + 1 < p->n_words) {
            if (follow_arrow(p, p->words[i], p->words[i + 1], &first, &count))
                return p->err->status;
            i++;
            continue;
        }
        for (uint32_t k = 0; k < count; k++)
            if (dsl_set_attribute(p, DSL_AT(p->h->nodes, dsl_node, first + k), p->words[i]))
                return p->err->status;
    }
    return HL_OK;
}

hl_status dsl_chain_line(dsl_parser *p)
{
    hl_label label;
    uint32_t first, count;
    if (p->n_words != 3)
        return dsl_complain(p, "chain LABEL NODE");
    if (dsl_label(p, p->words[1], &label) || dsl_nodes(p, p->words[2], &first, &count))
        return p->err->status;
    for (uint32_t i = 0; i + 1 < count; i++)
        dsl_join(p->h, first + i, first + i + 1, label);
    return HL_OK;
}

hl_status dsl_root_line(dsl_parser *p)
{
    static const char *const kinds[] = {NULL,     "module", "type",   "frame",
                                        "thread", "interp", "garbage"};
    if (p->n_words < 4)
        return dsl_complain(p, "root KIND NAME NODE");
    dsl_root root = {.name = dsl_name(p->h, p->words[2], strlen(p->words[2]))};
    for (int k = HL_ROOT_MODULE; k <= HL_ROOT_GARBAGE; k++)
        if (!strcmp(p->words[1], kinds[k]))
            root.kind = (enum hl_root_kind)k;
    if (!root.kind)
        return dsl_complain(p, "'%s' is no kind of root", p->words[1]);
    bool bad = false;
    for (unsigned i = 4; i < p->n_words; i++)
        bad |= !dsl_numeric(p->words[i], "line", &root.line, &bad) &&
               !dsl_numeric(p->words[i], "thread", &root.thread, &bad) &&
               !dsl_numeric(p->words[i], "progress", &root.progress, &bad);
    if (bad)
        return dsl_complain(p, "a root has line=, thread= and progress=");
    if (dsl_node_index(p, p->words[3], &root.node))
        return p->err->status;
    *(dsl_root *)dsl_push(&p->h->roots, sizeof root) = root;
    return HL_OK;
}

hl_status dsl_type_line(dsl_parser *p)
{
    static const struct {
        const char *word;
        uint32_t flag;
    } flags[] = {
        {"gc", HL_TYPE_GC},
        {"heap", HL_TYPE_HEAP},
        {"finalizer", HL_TYPE_FINALIZER},
        {"notraverse", HL_TYPE_NO_TRAVERSE},
        {"exception", HL_TYPE_EXCEPTION},
        {"dict", HL_TYPE_DICT},
        {"list", HL_TYPE_LIST},
        {"tuple", HL_TYPE_TUPLE},
        {"type", HL_TYPE_TYPE},
    };
    if (p->n_words < 2)
        return dsl_complain(p, "type NAME");
    uint32_t t = dsl_type_index(p->h, p->words[1], strlen(p->words[1]));
    for (unsigned i = 2; i < p->n_words; i++) {
        const char *word = p->words[i], *v;
        uint32_t node, flag = 0;
        uint64_t basicsize = 0;
        bool bad = false;
        for (unsigned k = 0; k < sizeof flags / sizeof flags[0]; k++)
            if (!strcmp(word, flags[k].word))
                flag = flags[k].flag;
        if (!strcmp(word, "nogc")) {
            DSL_AT(p->h->types, dsl_type, t)->flags &= ~(uint32_t)HL_TYPE_GC;
        } else if (dsl_numeric(word, "basicsize", &basicsize, &bad) && !bad) {
            DSL_AT(p->h->types, dsl_type, t)->basicsize = (uint32_t)basicsize;
        } else if ((v = dsl_value(word, "node"))) {
            if (dsl_node_index(p, v, &node))
                return p->err->status;
            DSL_AT(p->h->types, dsl_type, t)->node = node;
        } else if (!flag) {
            return dsl_complain(p, "'%s' says nothing about a type", word);
        }
        DSL_AT(p->h->types, dsl_type, t)->flags |= flag;
    }
    return HL_OK;
}

static void add_names(dsl_heap *h, dsl_vec *list, const char *s)
{
    while (*s) {
        size_t n = strcspn(s, ",");
        *(hl_name *)dsl_push(list, sizeof(hl_name)) = dsl_name(h, s, n);
        s += n + (s[n] == ',');
    }
}

/* SCOPE:NAME:BIT+BIT */
static hl_status add_use(dsl_parser *p, dsl_code *c, char *item)
{
    static const char *const scopes[] = {NULL, "global", "attr", "free", "local"};
    static const char *const bits[] = {
        "test",  "get",  "store",  "add",     "remove", "len",      "rebind", "iter",     "drop",
        "whole", "take", "handed", "counted", "entry",  "exchange", "limit",  "compared", "ownkey"};
    char *save, *scope = strtok_r(item, ":", &save), *name = strtok_r(NULL, ":", &save),
                *rest = strtok_r(NULL, ":", &save);
    if (!name)
        return dsl_complain(p, "a use is SCOPE:NAME:BIT+BIT");
    dsl_use *u = dsl_push(&c->uses, sizeof *u);
    u->name = dsl_name(p->h, name, strlen(name));
    for (uint32_t k = 1; k < 5; k++)
        if (!strcmp(scope, scopes[k]))
            u->scope = k;
    bool bad = !u->scope;
    char *inner = NULL;
    for (char *b = rest ? strtok_r(rest, "+", &inner) : NULL; b; b = strtok_r(NULL, "+", &inner)) {
        uint32_t bit = 0;
        for (unsigned k = 0; k < sizeof bits / sizeof *bits; k++)
            if (!strcmp(b, bits[k]))
                bit = 1u << k;
        u->bits |= bit;
        bad |= !bit;
    }
    return bad ? dsl_complain(p, "a use is SCOPE:NAME:BIT+BIT") : HL_OK;
}

static hl_status add_uses(dsl_parser *p, dsl_code *c, const char *list)
{
    char *all = dsl_copy(list, strlen(list)), *save = NULL;
    hl_status status = HL_OK;
    for (char *item = strtok_r(all, ",", &save); item && !status; item = strtok_r(NULL, ",", &save))
        status = add_use(p, c, item);
    free(all);
    return status;
}

hl_status dsl_code_line(dsl_parser *p)
{
    dsl_heap *h = p->h;
    uint32_t node;
    if (p->n_words < 2)
        return dsl_complain(p, "code NODE");
    if (dsl_node_index(p, p->words[1], &node))
        return p->err->status;
    dsl_code *c = dsl_push(&h->codes, sizeof *c);
    c->node = node;
    for (unsigned i = 2; i < p->n_words; i++) {
        const char *word = p->words[i], *v;
        bool bad = false;
        if (!strcmp(word, "idle"))
            *(dsl_use *)dsl_push(&c->uses, sizeof(dsl_use)) =
                (dsl_use){.scope = HL_SCOPE_CODE, .bits = HL_CODE_NEVER_RAN};
        else if ((v = dsl_value(word, "name")))
            c->name = dsl_name(h, v, strlen(v));
        else if ((v = dsl_value(word, "qualname")))
            c->qualname = dsl_name(h, v, strlen(v));
        else if ((v = dsl_value(word, "file")))
            c->file = dsl_name(h, v, strlen(v));
        else if ((v = dsl_value(word, "vars")))
            add_names(h, &c->vars, v);
        else if ((v = dsl_value(word, "free")))
            add_names(h, &c->free, v);
        else if ((v = dsl_value(word, "uses")))
            bad = add_uses(p, c, v) != HL_OK;
        else
            bad = !dsl_numeric(word, "line", &c->line, &bad) &&
                  !dsl_numeric(word, "args", &c->args, &bad) &&
                  !dsl_numeric(word, "kwonly", &c->kwonly, &bad);
        if (bad)
            return dsl_complain(p, "'%s' says nothing about code", word);
    }
    if (!c->qualname)
        c->qualname = c->name;
    return HL_OK;
}

hl_status dsl_run_line(dsl_parser *p)
{
    if (!p->run)
        return HL_OK;
    for (unsigned i = 1; i < p->n_words; i++) {
        const char *word = p->words[i], *v;
        uint64_t n = 0;
        bool bad = false;
        if ((v = dsl_value(word, "python")))
            hl_field_text(p->run, HL_RUN_PYTHON, v);
        else if ((v = dsl_value(word, "program")))
            hl_field_text(p->run, HL_RUN_PROGRAM, v);
        else if (dsl_numeric(word, "pid", &n, &bad))
            hl_field_uint(p->run, HL_RUN_PID, n);
        else if (dsl_numeric(word, "parent", &n, &bad))
            hl_field_uint(p->run, HL_RUN_PARENT, n);
        else if (dsl_numeric(word, "first", &n, &bad))
            hl_field_uint(p->run, HL_RUN_FIRST, n);
        else if (dsl_seconds(word, "started", 1e6, &n, &bad))
            hl_field_uint(p->run, HL_RUN_STARTED, n);
        else if (dsl_numeric(word, "exit", &n, &bad))
            hl_field_uint(p->run_end, HL_RUN_EXIT, n);
        else if (dsl_seconds(word, "seconds", 1e6, &n, &bad))
            hl_field_uint(p->run_end, HL_RUN_SECONDS, n);
        else
            bad = true;
        if (bad)
            return dsl_complain(p, "'%s' says nothing about a run", word);
    }
    p->ended = p->run_end->n != 0;
    return HL_OK;
}

static hl_status collections(dsl_parser *p, const char *v)
{
    unsigned long long n[3] = {0};
    if (sscanf(v, "%llu,%llu,%llu", &n[0], &n[1], &n[2]) < 1)
        return dsl_complain(p, "collections=A,B,C");
    for (unsigned g = 0; g < 3; g++)
        hl_field_uint(&p->h->meta, HL_SNAP_GC_COLLECTIONS0 + g, n[g]);
    return HL_OK;
}

hl_status dsl_snap_line(dsl_parser *p)
{
    hl_fields *meta = &p->h->meta;
    for (unsigned i = 1; i < p->n_words; i++) {
        const char *word = p->words[i], *v;
        uint64_t n = 0;
        bool bad = false;
        if (dsl_seconds(word, "time", 1e6, &n, &bad))
            hl_field_uint(meta, HL_SNAP_TIME, n);
        else if (dsl_seconds(word, "cpu", 1e6, &n, &bad))
            hl_field_uint(meta, HL_SNAP_CPU, n);
        else if (dsl_seconds(word, "pause", 1e9, &n, &bad))
            hl_field_uint(&p->h->end, HL_SNAP_PAUSE, n);
        else if (dsl_numeric(word, "rss", &n, &bad))
            hl_field_uint(meta, HL_SNAP_RSS, n);
        else if (dsl_numeric(word, "pid", &n, &bad))
            hl_field_uint(meta, HL_SNAP_PID, n);
        else if (dsl_numeric(word, "rounds", &n, &bad))
            hl_field_uint(meta, HL_SNAP_ROUNDS, n);
        else if (dsl_numeric(word, "threshold0", &n, &bad))
            hl_field_uint(meta, HL_SNAP_GC_THRESHOLD0, n);
        else if (dsl_memory(word, meta, &p->h->end, &bad) || dsl_tracking(word, &p->h->end, &bad))
            ;
        else if (dsl_numeric(word, "skipped", &p->h->skipped, &bad))
            ;
        else if (dsl_numeric(word, "folded", &p->h->folded, &bad))
            ;
        else if ((v = dsl_value(word, "reason")))
            hl_field_text(meta, HL_SNAP_REASON, v);
        else if ((v = dsl_value(word, "python")))
            hl_field_text(meta, HL_SNAP_PYTHON, v);
        else if ((v = dsl_value(word, "program")))
            hl_field_text(meta, HL_SNAP_PROGRAM, v);
        else if ((v = dsl_value(word, "gc")))
            hl_field_uint(meta, HL_SNAP_GC_ENABLED, strcmp(v, "off") != 0);
        else if ((v = dsl_value(word, "collections")))
            bad = collections(p, v) != HL_OK;
        else if (!strcmp(word, "running"))
            hl_field_uint(meta, HL_SNAP_GC_RUNNING, 1);
        else if (!strcmp(word, "unsettled"))
            hl_field_uint(meta, HL_SNAP_UNSETTLED, 1);
        else
            bad = true;
        if (bad)
            return dsl_complain(p, "'%s' says nothing about a snapshot", word);
    }
    return HL_OK;
}
