/* snapshot/snap_dsl_node.c: the nodes, edges and attributes of a drawn heap.
 *
 * Room   snapshot; tests only; malloc, abort without memory. snap_dsl.h says how heaps are drawn.
 */
#define _GNU_SOURCE
#include "snapshot/snap_dsl_model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

hl_status dsl_complain(dsl_parser *p, const char *format, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return hl_err_set(p->err, HL_USAGE, "line %u: %s", p->line, text);
}

/* ---- small parts ------------------------------------------------------------------------------
 */

void *dsl_push(dsl_vec *v, size_t size)
{
    if (v->n == v->capacity) {
        v->capacity = v->capacity ? v->capacity * 2 : 16;
        v->items = reallocarray(v->items, v->capacity, size);
        if (!v->items)
            abort();
    }
    void *item = (char *)v->items + v->n++ * size;
    return memset(item, 0, size);
}

char *dsl_copy(const char *s, size_t n)
{
    char *c = strndup(s, n);
    if (!c)
        abort();
    return c;
}

void dsl_heap_free(dsl_heap *h)
{
    for (size_t i = 0; i < h->names.n; i++)
        free(*DSL_AT(h->names, char *, i));
    for (size_t i = 0; i < h->groups.n; i++)
        free(DSL_AT(h->groups, dsl_group, i)->name);
    for (size_t i = 0; i < h->nodes.n; i++)
        free(DSL_AT(h->nodes, dsl_node, i)->folds.items);
    for (size_t i = 0; i < h->codes.n; i++) {
        dsl_code *c = DSL_AT(h->codes, dsl_code, i);
        free(c->vars.items);
        free(c->free.items);
        free(c->uses.items);
    }
    for (size_t i = 0; i < h->dups.n; i++)
        free(DSL_AT(h->dups, dsl_dup, i)->holders.items);
    dsl_vec *all[] = {&h->names,        &h->types, &h->groups,     &h->nodes,   &h->edges,
                      &h->codes,        &h->roots, &h->threads,    &h->dups,    &h->frames,
                      &h->stacks,       &h->sites, &h->ages,       &h->modules, &h->natives,
                      &h->native_sites, &h->losts, &h->lost_sites, &h->holds,   &h->helds,
                      &h->nobodys};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]->items);
    *h = (dsl_heap){0};
}

uint64_t dsl_address(const char *name, size_t n)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001B3);
    hash ^= hash >> 32;
    return UINT64_C(0x500000000000) + (hash % (1 << 19)) * DSL_MEMBERS_MAX * DSL_MEMBER_BYTES;
}

hl_name dsl_name(dsl_heap *h, const char *s, size_t n)
{
    for (size_t i = 0; i < h->names.n; i++) {
        const char *known = *DSL_AT(h->names, char *, i);
        if (!strncmp(known, s, n) && !known[n])
            return (hl_name)i + 1;
    }
    *(char **)dsl_push(&h->names, sizeof(char *)) = dsl_copy(s, n);
    return (hl_name)h->names.n;
}

uint32_t dsl_type_index(dsl_heap *h, const char *s, size_t n)
{
    hl_name name = dsl_name(h, s, n);
    for (size_t i = 0; i < h->types.n; i++)
        if (DSL_AT(h->types, dsl_type, i)->name == name)
            return (uint32_t)i;
    static const char *const plain[] = {"int",   "float",     "complex", "str",
                                        "bytes", "bytearray", "bool",    "NoneType"};
    static const struct {
        const char *name;
        uint32_t flag;
    } known[] = {{"dict", HL_TYPE_DICT},
                 {"list", HL_TYPE_LIST},
                 {"tuple", HL_TYPE_TUPLE},
                 {"type", HL_TYPE_TYPE}};
    dsl_type *t = dsl_push(&h->types, sizeof *t);
    *t = (dsl_type){.name = name, .flags = HL_TYPE_GC, .basicsize = 16, .node = HL_NO_NODE};
    const char *text = *DSL_AT(h->names, char *, name - 1);
    for (unsigned i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (!strcmp(text, plain[i]))
            t->flags = 0;
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(text, known[i].name))
            t->flags |= known[i].flag;
    return (uint32_t)h->types.n - 1;
}

/* 10, 0x7f00, 4K, 3M, 1G */
static bool dsl_number(const char *s, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(s, &end, 0);
    if (end == s || errno || *s == '-')
        return false;
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    *out <<= shift;
    return end[shift != 0] == 0;
}

/* The value of "key=value", or NULL. */
const char *dsl_value(const char *word, const char *key)
{
    size_t n = strlen(key);
    return !strncmp(word, key, n) && word[n] == '=' ? word + n + 1 : NULL;
}

/* word is key=NUMBER: true, and *out has it. A value that is no number leaves *bad true. */
bool dsl_numeric(const char *word, const char *key, uint64_t *out, bool *bad)
{
    const char *v = dsl_value(word, key);
    if (v && !dsl_number(v, out))
        *bad = true;
    return v != NULL;
}

/* word is key=SECONDS: *out in 1/scale seconds. */
bool dsl_seconds(const char *word, const char *key, double scale, uint64_t *out, bool *bad)
{
    const char *v = dsl_value(word, key);
    if (!v)
        return false;
    char *end;
    double d = strtod(v, &end);
    *bad |= end == v || *end || d < 0;
    *out = d < 0 ? 0 : (uint64_t)(d * scale + 0.5);
    return true;
}

/* ---- nodes ------------------------------------------------------------------------------------
 */

static dsl_group *find_group(dsl_heap *h, const char *name, size_t n)
{
    for (size_t i = 0; i < h->groups.n; i++) {
        dsl_group *g = DSL_AT(h->groups, dsl_group, i);
        if (!strncmp(g->name, name, n) && !g->name[n])
            return g;
    }
    return NULL;
}

static hl_status declare(dsl_parser *p, const char *name, size_t n, const char *type,
                         uint64_t count)
{
    dsl_heap *h = p->h;
    if (count > DSL_MEMBERS_MAX)
        return dsl_complain(p, "at most %d members in a group", DSL_MEMBERS_MAX);
    uint64_t address = dsl_address(name, n);
    for (size_t i = 0; i < h->groups.n; i++) {
        const char *other = DSL_AT(h->groups, dsl_group, i)->name;
        if (dsl_address(other, strlen(other)) == address)
            return dsl_complain(p, "%.*s and %s get one address: rename one", (int)n, name, other);
    }
    uint32_t t = dsl_type_index(h, type, strlen(type));
    bool tracked = DSL_AT(h->types, dsl_type, t)->flags & HL_TYPE_GC;
    dsl_group *g = dsl_push(&h->groups, sizeof *g);
    *g = (dsl_group){
        .name = dsl_copy(name, n),
        .first = (uint32_t)h->nodes.n,
        .count = (uint32_t)count,
        .type = t,
    };
    for (uint64_t i = 0; i < count; i++) {
        dsl_node *x = dsl_push(&h->nodes, sizeof *x);
        x->address = address + i * DSL_MEMBER_BYTES;
        x->size = DSL_MEMBER_BYTES;
        x->type = t;
        x->row_flags = tracked ? HL_ROW_TRACKED : 0;
    }
    return HL_OK;
}

/* A type said at a later mention than the first. */
static void retype(dsl_heap *h, dsl_group *g, const char *type)
{
    g->type = dsl_type_index(h, type, strlen(type));
    g->typed = true;
    bool tracked = DSL_AT(h->types, dsl_type, g->type)->flags & HL_TYPE_GC;
    for (uint32_t i = 0; i < g->count; i++) {
        dsl_node *x = DSL_AT(h->nodes, dsl_node, g->first + i);
        x->type = g->type;
        if (!tracked)
            x->row_flags &= ~(uint32_t)HL_ROW_TRACKED;
    }
}

/* A word that names nodes, declaring them at their first mention: *first and *count. */
hl_status dsl_nodes(dsl_parser *p, const char *word, uint32_t *first, uint32_t *count)
{
    dsl_heap *h = p->h;
    size_t n = strcspn(word, ":*[");
    if (n == 0)
        return dsl_complain(p, "'%s' is no node", word);
    dsl_group *g = find_group(h, word, n);
    const char *rest = word + n;
    if (*rest == '[') {
        char *end;
        unsigned long i = strtoul(rest + 1, &end, 10);
        if (!g || strcmp(end, "]") || i >= g->count)
            return dsl_complain(p, "'%s' is not there", word);
        *first = g->first + (uint32_t)i;
        *count = 1;
        return HL_OK;
    }
    uint64_t members = 1;
    char type[256] = "object";
    const char *star = strrchr(rest, '*');
    if (star && !dsl_number(star + 1, &members))
        return dsl_complain(p, "'%s': how many?", word);
    size_t type_n = (star ? (size_t)(star - rest) : strlen(rest));
    if (type_n > 1)
        snprintf(type, sizeof type, "%.*s", (int)(type_n - 1), rest + 1);
    if (!g) {
        if (declare(p, word, n, type, members))
            return p->err->status;
        g = DSL_AT(h->groups, dsl_group, h->groups.n - 1);
        g->typed = type_n > 1;
    } else if (type_n > 1 && !g->typed) {
        retype(h, g, type);
    } else if ((star && members != g->count) ||
               (type_n > 1 && dsl_type_index(h, type, strlen(type)) != g->type)) {
        return dsl_complain(p, "'%s' was declared otherwise before", word);
    }
    *first = g->first;
    *count = g->count;
    return HL_OK;
}

hl_status dsl_node_index(dsl_parser *p, const char *word, uint32_t *out)
{
    uint32_t count;
    if (dsl_nodes(p, word, out, &count))
        return p->err->status;
    return count == 1 ? HL_OK : dsl_complain(p, "'%s' is not one node", word);
}

/* ---- edges ------------------------------------------------------------------------------------
 */

static const struct label_word {
    const char *word;
    enum hl_label_kind kind;
    enum { TAKES_NONE, TAKES_NAME, TAKES_TYPE, TAKES_INDEX, TAKES_NUMBER } takes;
} label_words[] = {
    {"named", HL_LABEL_NAMED, TAKES_NAME},     {"attr", HL_LABEL_ATTR, TAKES_NAME},
    {"slot", HL_LABEL_SLOT, TAKES_NAME},       {"key", HL_LABEL_KEY, TAKES_NAME},
    {"local", HL_LABEL_LOCAL, TAKES_NAME},     {"value", HL_LABEL_VALUE, TAKES_TYPE},
    {"dictkey", HL_LABEL_DICTKEY, TAKES_NONE}, {"index", HL_LABEL_INDEX, TAKES_INDEX},
    {"element", HL_LABEL_ELEMENT, TAKES_NONE}, {"cell", HL_LABEL_CELL, TAKES_NONE},
    {"stack", HL_LABEL_STACK, TAKES_NONE},     {"weak", HL_LABEL_WEAK, TAKES_NONE},
    {"class", HL_LABEL_TYPE, TAKES_NONE},      {"base", HL_LABEL_BASE, TAKES_NONE},
    {"unowned", HL_LABEL_UNOWNED, TAKES_NONE}, {"internal", HL_LABEL_INTERNAL, TAKES_NUMBER},
};

static hl_status bracket_label(dsl_parser *p, const char *s, hl_label *out)
{
    char *end;
    unsigned long i = strtoul(s + 1, &end, 10);
    bool some = end != s + 1;
    if (strcmp(end, "]"))
        return dsl_complain(p, "'%s' is no label", s);
    *out = hl_label_make(HL_LABEL_INDEX, some ? (uint32_t)i + 1 : 0);
    return HL_OK;
}

hl_status dsl_label(dsl_parser *p, const char *s, hl_label *out)
{
    dsl_heap *h = p->h;
    if (s[0] == '[')
        return bracket_label(p, s, out);
    if (s[0] == '.') {
        *out = hl_label_make(HL_LABEL_ATTR, dsl_name(h, s + 1, strlen(s + 1)));
        return HL_OK;
    }
    size_t n = strcspn(s, ":");
    const char *value = s[n] ? s + n + 1 : NULL;
    for (unsigned i = 0; i < sizeof label_words / sizeof label_words[0]; i++) {
        const struct label_word *w = &label_words[i];
        if (strlen(w->word) != n || strncmp(w->word, s, n))
            continue;
        uint64_t v = 0;
        bool ok = true;
        switch (w->takes) {
        case TAKES_NONE:
            ok = !value;
            break;
        case TAKES_NAME:
            ok = value && *value;
            v = ok ? dsl_name(h, value, strlen(value)) : 0;
            break;
        case TAKES_TYPE:
            ok = value && *value;
            v = ok ? dsl_type_index(h, value, strlen(value)) : 0;
            break;
        case TAKES_INDEX:
        case TAKES_NUMBER:
            ok = !value || dsl_number(value, &v);
            v += w->takes == TAKES_INDEX && value;
            break;
        }
        if (!ok)
            return dsl_complain(p, "'%s' is no label", s);
        *out = hl_label_make(w->kind, (uint32_t)v);
        return HL_OK;
    }
    if (value || !*s)
        return dsl_complain(p, "'%s' is no label", s);
    *out = hl_label_make(HL_LABEL_NAMED, dsl_name(h, s, n));
    return HL_OK;
}

void dsl_join(dsl_heap *h, uint32_t src, uint32_t dst, hl_label label)
{
    *(dsl_edge *)dsl_push(&h->edges, sizeof(dsl_edge)) = (dsl_edge){src, dst, label};
    if (hl_label_kind(label) != HL_LABEL_WEAK && hl_label_kind(label) != HL_LABEL_UNOWNED)
        DSL_AT(h->nodes, dsl_node, dst)->in_edges++;
}

void dsl_join_groups(dsl_heap *h, uint32_t src, uint32_t n_src, uint32_t dst, uint32_t n_dst,
                     hl_label label)
{
    if (n_src == n_dst) {
        for (uint32_t i = 0; i < n_src; i++)
            dsl_join(h, src + i, dst + i, label);
        return;
    }
    for (uint32_t i = 0; i < n_src; i++)
        for (uint32_t k = 0; k < n_dst; k++)
            dsl_join(h, src + i, dst + k, label);
}

/* ---- attributes of nodes ------------------------------------------------------------------------
 */

static hl_status add_folds(dsl_parser *p, dsl_node *x, const char *value)
{
    for (const char *s = value; *s;) {
        size_t n = strcspn(s, ",");
        char item[256];
        snprintf(item, sizeof item, "%.*s", (int)n, s);
        char *star = strrchr(item, '*'), *colon = star ? strchr(star, ':') : NULL;
        if (!colon)
            return dsl_complain(p, "'%s' is no TYPE*COUNT:BYTES", item);
        *star = *colon = 0;
        dsl_fold *f = dsl_push(&x->folds, sizeof *f);
        f->type = dsl_type_index(p->h, item, strlen(item));
        if (!dsl_number(star + 1, &f->objects) || !dsl_number(colon + 1, &f->bytes))
            return dsl_complain(p, "'%s' is no TYPE*COUNT:BYTES", value);
        s += n + (s[n] == ',');
    }
    return HL_OK;
}

static hl_status set_keys(dsl_parser *p, dsl_node *x, const char *value)
{
    static const struct {
        const char *word;
        enum hl_keys_kind kind;
    } kinds[] = {
        {"mixed", HL_KEYS_MIXED},   {"int", HL_KEYS_INT},       {"int-rising", HL_KEYS_INT_RISING},
        {"str", HL_KEYS_STR},       {"uuid", HL_KEYS_STR_UUID}, {"digits", HL_KEYS_STR_DIGITS},
        {"path", HL_KEYS_STR_PATH}, {"tuple", HL_KEYS_TUPLE},   {"bytes", HL_KEYS_BYTES},
        {"float", HL_KEYS_FLOAT},   {"object", HL_KEYS_OBJECT},
    };
    size_t n = strcspn(value, ":");
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strlen(kinds[i].word) != n || strncmp(kinds[i].word, value, n))
            continue;
        uint64_t detail = 0;
        const char *rest = value[n] ? value + n + 1 : NULL;
        if (kinds[i].kind == HL_KEYS_OBJECT && rest)
            detail = dsl_type_index(p->h, rest, strlen(rest));
        else if (rest && !dsl_number(rest, &detail))
            break;
        x->has_keys = true;
        x->keys_kind = kinds[i].kind;
        x->keys_detail = (uint32_t)detail;
        return HL_OK;
    }
    return dsl_complain(p, "'%s' are no keys", value);
}

static bool set_word(dsl_node *x, const char *word)
{
    static const struct {
        const char *word;
        uint32_t row, node;
    } flags[] = {
        {"tracked", HL_ROW_TRACKED, 0}, {"opaque", HL_ROW_OPAQUE, 0},
        {"gen0", 0, HL_NODE_GEN0},      {"gen1", 0, HL_NODE_GEN1},
        {"frozen", 0, HL_NODE_FROZEN},  {"static", 0, HL_NODE_STATIC},
    };
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (!strcmp(word, flags[i].word)) {
            x->row_flags |= flags[i].row;
            x->node_flags |= flags[i].node;
            return true;
        }
    if (!strcmp(word, "untracked")) {
        x->row_flags &= ~(uint32_t)HL_ROW_TRACKED;
        return true;
    }
    if (!strcmp(word, "immortal")) {
        x->ref_is = DSL_REF_IMMORTAL;
        return true;
    }
    return false;
}

hl_status dsl_set_attribute(dsl_parser *p, dsl_node *x, const char *word)
{
    const char *v;
    bool bad = false;
    if (set_word(x, word))
        return HL_OK;
    if (dsl_numeric(word, "size", &x->size, &bad)) {
    } else if (dsl_numeric(word, "at", &x->address, &bad)) {
    } else if (dsl_numeric(word, "len", &x->len, &bad)) {
        x->row_flags |= HL_ROW_LEN;
    } else if (dsl_numeric(word, "cap", &x->cap, &bad)) {
        x->row_flags |= HL_ROW_CAP;
    } else if (dsl_numeric(word, "bound", &x->cap, &bad)) {
        x->row_flags |= HL_ROW_CAP | HL_ROW_BOUNDED;
    } else if (dsl_numeric(word, "ext", &x->ext, &bad)) {
        x->row_flags |= HL_ROW_EXT;
    } else if ((v = dsl_value(word, "ref"))) {
        x->ref_is = *v == '+' || *v == '-' ? DSL_REF_RELATIVE : DSL_REF_EXACT;
        char *end;
        x->ref = strtoll(v, &end, 10);
        bad = end == v || *end;
    } else if ((v = dsl_value(word, "fold"))) {
        return add_folds(p, x, v);
    } else if ((v = dsl_value(word, "keys"))) {
        return set_keys(p, x, v);
    } else if ((v = dsl_value(word, "number"))) {
        size_t n = strcspn(v, ":");
        char *end = NULL;
        x->number = dsl_name(p->h, v, n);
        x->digits = v[n] ? strtoull(v + n + 1, &end, 10) : 0;
        bad = !x->digits || !end || *end;
    } else if ((v = dsl_value(word, "by"))) {
        return dsl_stack(p, v, &x->by);
    } else if (dsl_numeric(word, "sampled", &x->sampled, &bad)) {
    } else {
        bad = true;
    }
    return bad ? dsl_complain(p, "'%s' says nothing about a node", word) : HL_OK;
}
