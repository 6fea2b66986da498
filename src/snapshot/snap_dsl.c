/* snapshot/snap_dsl.c: reads drawn heaps; snap_dsl.h says how they are drawn.
 *
 * Room   snapshot; tests only; malloc, stdio, abort without memory.
 * Takes  text.   Gives  a .hlens file, or what the real reader makes of it. */
#define _GNU_SOURCE
#include "snapshot/snap_dsl.h"

#include "snapshot/snap_dsl_model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS_MAX = 256 };

typedef struct parser {
    dsl_heap *h;
    unsigned line;
    hl_err *err;
    char *words[WORDS_MAX];
    unsigned n_words;
    hl_fields *run, *run_end; /* NULL after the first snapshot */
    bool ended;
} parser;

static HL_PRINTF(2, 3) hl_status complain(parser *p, const char *format, ...)
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

static char *copy(const char *s, size_t n)
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
    dsl_vec *all[] = {&h->names, &h->types, &h->groups, &h->nodes, &h->edges, &h->codes, &h->roots};
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

static hl_name name_of(dsl_heap *h, const char *s, size_t n)
{
    for (size_t i = 0; i < h->names.n; i++) {
        const char *known = *DSL_AT(h->names, char *, i);
        if (!strncmp(known, s, n) && !known[n])
            return (hl_name)i + 1;
    }
    *(char **)dsl_push(&h->names, sizeof(char *)) = copy(s, n);
    return (hl_name)h->names.n;
}

static uint32_t type_of(dsl_heap *h, const char *s, size_t n)
{
    hl_name name = name_of(h, s, n);
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
static bool number(const char *s, uint64_t *out)
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
static const char *value_of(const char *word, const char *key)
{
    size_t n = strlen(key);
    return !strncmp(word, key, n) && word[n] == '=' ? word + n + 1 : NULL;
}

/* word is key=NUMBER: true, and *out has it. A value that is no number leaves *bad true. */
static bool numeric(const char *word, const char *key, uint64_t *out, bool *bad)
{
    const char *v = value_of(word, key);
    if (v && !number(v, out))
        *bad = true;
    return v != NULL;
}

/* word is key=SECONDS: *out in 1/scale seconds. */
static bool seconds(const char *word, const char *key, double scale, uint64_t *out, bool *bad)
{
    const char *v = value_of(word, key);
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

static hl_status declare(parser *p, const char *name, size_t n, const char *type, uint64_t count)
{
    dsl_heap *h = p->h;
    if (count > DSL_MEMBERS_MAX)
        return complain(p, "at most %d members in a group", DSL_MEMBERS_MAX);
    uint64_t address = dsl_address(name, n);
    for (size_t i = 0; i < h->groups.n; i++) {
        const char *other = DSL_AT(h->groups, dsl_group, i)->name;
        if (dsl_address(other, strlen(other)) == address)
            return complain(p, "%.*s and %s get one address: rename one", (int)n, name, other);
    }
    uint32_t t = type_of(h, type, strlen(type));
    bool tracked = DSL_AT(h->types, dsl_type, t)->flags & HL_TYPE_GC;
    dsl_group *g = dsl_push(&h->groups, sizeof *g);
    *g = (dsl_group){
        .name = copy(name, n),
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
    g->type = type_of(h, type, strlen(type));
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
static hl_status nodes_of(parser *p, const char *word, uint32_t *first, uint32_t *count)
{
    dsl_heap *h = p->h;
    size_t n = strcspn(word, ":*[");
    if (n == 0)
        return complain(p, "'%s' is no node", word);
    dsl_group *g = find_group(h, word, n);
    const char *rest = word + n;
    if (*rest == '[') {
        char *end;
        unsigned long i = strtoul(rest + 1, &end, 10);
        if (!g || strcmp(end, "]") || i >= g->count)
            return complain(p, "'%s' is not there", word);
        *first = g->first + (uint32_t)i;
        *count = 1;
        return HL_OK;
    }
    uint64_t members = 1;
    char type[256] = "object";
    const char *star = strrchr(rest, '*');
    if (star && !number(star + 1, &members))
        return complain(p, "'%s': how many?", word);
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
               (type_n > 1 && type_of(h, type, strlen(type)) != g->type)) {
        return complain(p, "'%s' was declared otherwise before", word);
    }
    *first = g->first;
    *count = g->count;
    return HL_OK;
}

static hl_status node_of(parser *p, const char *word, uint32_t *out)
{
    uint32_t count;
    if (nodes_of(p, word, out, &count))
        return p->err->status;
    return count == 1 ? HL_OK : complain(p, "'%s' is not one node", word);
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

static hl_status bracket_label(parser *p, const char *s, hl_label *out)
{
    char *end;
    unsigned long i = strtoul(s + 1, &end, 10);
    bool some = end != s + 1;
    if (strcmp(end, "]"))
        return complain(p, "'%s' is no label", s);
    *out = hl_label_make(HL_LABEL_INDEX, some ? (uint32_t)i + 1 : 0);
    return HL_OK;
}

static hl_status label_of(parser *p, const char *s, hl_label *out)
{
    dsl_heap *h = p->h;
    if (s[0] == '[')
        return bracket_label(p, s, out);
    if (s[0] == '.') {
        *out = hl_label_make(HL_LABEL_ATTR, name_of(h, s + 1, strlen(s + 1)));
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
            v = ok ? name_of(h, value, strlen(value)) : 0;
            break;
        case TAKES_TYPE:
            ok = value && *value;
            v = ok ? type_of(h, value, strlen(value)) : 0;
            break;
        case TAKES_INDEX:
        case TAKES_NUMBER:
            ok = !value || number(value, &v);
            v += w->takes == TAKES_INDEX && value;
            break;
        }
        if (!ok)
            return complain(p, "'%s' is no label", s);
        *out = hl_label_make(w->kind, (uint32_t)v);
        return HL_OK;
    }
    if (value || !*s)
        return complain(p, "'%s' is no label", s);
    *out = hl_label_make(HL_LABEL_NAMED, name_of(h, s, n));
    return HL_OK;
}

static void join(dsl_heap *h, uint32_t src, uint32_t dst, hl_label label)
{
    *(dsl_edge *)dsl_push(&h->edges, sizeof(dsl_edge)) = (dsl_edge){src, dst, label};
    if (hl_label_kind(label) != HL_LABEL_WEAK && hl_label_kind(label) != HL_LABEL_UNOWNED)
        DSL_AT(h->nodes, dsl_node, dst)->in_edges++;
}

static void join_groups(dsl_heap *h, uint32_t src, uint32_t n_src, uint32_t dst, uint32_t n_dst,
                        hl_label label)
{
    if (n_src == n_dst) {
        for (uint32_t i = 0; i < n_src; i++)
            join(h, src + i, dst + i, label);
        return;
    }
    for (uint32_t i = 0; i < n_src; i++)
        for (uint32_t k = 0; k < n_dst; k++)
            join(h, src + i, dst + k, label);
}

/* ---- attributes of nodes ------------------------------------------------------------------------
 */

static hl_status add_folds(parser *p, dsl_node *x, const char *value)
{
    for (const char *s = value; *s;) {
        size_t n = strcspn(s, ",");
        char item[256];
        snprintf(item, sizeof item, "%.*s", (int)n, s);
        char *star = strrchr(item, '*'), *colon = star ? strchr(star, ':') : NULL;
        if (!colon)
            return complain(p, "'%s' is no TYPE*COUNT:BYTES", item);
        *star = *colon = 0;
        dsl_fold *f = dsl_push(&x->folds, sizeof *f);
        f->type = type_of(p->h, item, strlen(item));
        if (!number(star + 1, &f->objects) || !number(colon + 1, &f->bytes))
            return complain(p, "'%s' is no TYPE*COUNT:BYTES", value);
        s += n + (s[n] == ',');
    }
    return HL_OK;
}

static hl_status set_keys(parser *p, dsl_node *x, const char *value)
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
            detail = type_of(p->h, rest, strlen(rest));
        else if (rest && !number(rest, &detail))
            break;
        x->has_keys = true;
        x->keys_kind = kinds[i].kind;
        x->keys_detail = (uint32_t)detail;
        return HL_OK;
    }
    return complain(p, "'%s' are no keys", value);
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

static hl_status set_attribute(parser *p, dsl_node *x, const char *word)
{
    const char *v;
    bool bad = false;
    if (set_word(x, word))
        return HL_OK;
    if (numeric(word, "size", &x->size, &bad)) {
    } else if (numeric(word, "at", &x->address, &bad)) {
    } else if (numeric(word, "len", &x->len, &bad)) {
        x->row_flags |= HL_ROW_LEN;
    } else if (numeric(word, "cap", &x->cap, &bad)) {
        x->row_flags |= HL_ROW_CAP;
    } else if (numeric(word, "bound", &x->cap, &bad)) {
        x->row_flags |= HL_ROW_CAP | HL_ROW_BOUNDED;
    } else if (numeric(word, "ext", &x->ext, &bad)) {
        x->row_flags |= HL_ROW_EXT;
    } else if ((v = value_of(word, "ref"))) {
        x->ref_is = *v == '+' || *v == '-' ? DSL_REF_RELATIVE : DSL_REF_EXACT;
        char *end;
        x->ref = strtoll(v, &end, 10);
        bad = end == v || *end;
    } else if ((v = value_of(word, "fold"))) {
        return add_folds(p, x, v);
    } else if ((v = value_of(word, "keys"))) {
        return set_keys(p, x, v);
    } else {
        bad = true;
    }
    return bad ? complain(p, "'%s' says nothing about a node", word) : HL_OK;
}

/* ---- lines --------------------------------------------------------------------------------------
 */

static bool is_arrow(const char *word)
{
    size_t n = strlen(word);
    return n > 3 && word[0] == '-' && !strcmp(word + n - 2, "->");
}

static hl_status node_line(parser *p)
{
    uint32_t first, count;
    unsigned i = 1;
    if (nodes_of(p, p->words[0], &first, &count))
        return p->err->status;
    for (; i + 1 < p->n_words && is_arrow(p->words[i]); i += 2) {
        char text[256];
        snprintf(text, sizeof text, "%.*s", (int)strlen(p->words[i]) - 3, p->words[i] + 1);
        hl_label label;
        uint32_t to, n_to;
        if (label_of(p, text, &label) || nodes_of(p, p->words[i + 1], &to, &n_to))
            return p->err->status;
        join_groups(p->h, first, count, to, n_to, label);
        first = to;
        count = n_to;
    }
    for (; i < p->n_words; i++)
        for (uint32_t k = 0; k < count; k++)
            if (set_attribute(p, DSL_AT(p->h->nodes, dsl_node, first + k), p->words[i]))
                return p->err->status;
    return HL_OK;
}

static hl_status chain_line(parser *p)
{
    hl_label label;
    uint32_t first, count;
    if (p->n_words != 3)
        return complain(p, "chain LABEL NODE");
    if (label_of(p, p->words[1], &label) || nodes_of(p, p->words[2], &first, &count))
        return p->err->status;
    for (uint32_t i = 0; i + 1 < count; i++)
        join(p->h, first + i, first + i + 1, label);
    return HL_OK;
}

static hl_status root_line(parser *p)
{
    static const char *const kinds[] = {NULL,     "module", "type",   "frame",
                                        "thread", "interp", "garbage"};
    if (p->n_words < 4)
        return complain(p, "root KIND NAME NODE");
    dsl_root root = {.name = name_of(p->h, p->words[2], strlen(p->words[2]))};
    for (int k = HL_ROOT_MODULE; k <= HL_ROOT_GARBAGE; k++)
        if (!strcmp(p->words[1], kinds[k]))
            root.kind = (enum hl_root_kind)k;
    if (!root.kind)
        return complain(p, "'%s' is no kind of root", p->words[1]);
    bool bad = false;
    for (unsigned i = 4; i < p->n_words; i++)
        bad |= !numeric(p->words[i], "line", &root.line, &bad) &&
               !numeric(p->words[i], "thread", &root.thread, &bad);
    if (bad)
        return complain(p, "a root has line= and thread=");
    if (node_of(p, p->words[3], &root.node))
        return p->err->status;
    *(dsl_root *)dsl_push(&p->h->roots, sizeof root) = root;
    return HL_OK;
}

static hl_status type_line(parser *p)
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
        return complain(p, "type NAME");
    uint32_t t = type_of(p->h, p->words[1], strlen(p->words[1]));
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
        } else if (numeric(word, "basicsize", &basicsize, &bad) && !bad) {
            DSL_AT(p->h->types, dsl_type, t)->basicsize = (uint32_t)basicsize;
        } else if ((v = value_of(word, "node"))) {
            if (node_of(p, v, &node))
                return p->err->status;
            DSL_AT(p->h->types, dsl_type, t)->node = node;
        } else if (!flag) {
            return complain(p, "'%s' says nothing about a type", word);
        }
        DSL_AT(p->h->types, dsl_type, t)->flags |= flag;
    }
    return HL_OK;
}

static void add_names(dsl_heap *h, dsl_vec *list, const char *s)
{
    while (*s) {
        size_t n = strcspn(s, ",");
        *(hl_name *)dsl_push(list, sizeof(hl_name)) = name_of(h, s, n);
        s += n + (s[n] == ',');
    }
}

/* SCOPE:NAME:BIT+BIT */
static hl_status add_use(parser *p, dsl_code *c, char *item)
{
    static const char *const scopes[] = {NULL, "global", "attr", "free", "local"};
    static const char *const bits[] = {"test",   "get", "store",  "add",
                                       "remove", "len", "rebind", "iter"};
    char *save, *scope = strtok_r(item, ":", &save), *name = strtok_r(NULL, ":", &save),
                *rest = strtok_r(NULL, ":", &save);
    if (!name)
        return complain(p, "a use is SCOPE:NAME:BIT+BIT");
    dsl_use *u = dsl_push(&c->uses, sizeof *u);
    u->name = name_of(p->h, name, strlen(name));
    for (uint32_t k = 1; k < 5; k++)
        if (!strcmp(scope, scopes[k]))
            u->scope = k;
    bool bad = !u->scope;
    char *inner = NULL;
    for (char *b = rest ? strtok_r(rest, "+", &inner) : NULL; b; b = strtok_r(NULL, "+", &inner)) {
        uint32_t bit = 0;
        for (unsigned k = 0; k < 8; k++)
            if (!strcmp(b, bits[k]))
                bit = 1u << k;
        u->bits |= bit;
        bad |= !bit;
    }
    return bad ? complain(p, "a use is SCOPE:NAME:BIT+BIT") : HL_OK;
}

static hl_status add_uses(parser *p, dsl_code *c, const char *list)
{
    char *all = copy(list, strlen(list)), *save = NULL;
    hl_status status = HL_OK;
    for (char *item = strtok_r(all, ",", &save); item && !status; item = strtok_r(NULL, ",", &save))
        status = add_use(p, c, item);
    free(all);
    return status;
}

static hl_status code_line(parser *p)
{
    dsl_heap *h = p->h;
    uint32_t node;
    if (p->n_words < 2)
        return complain(p, "code NODE");
    if (node_of(p, p->words[1], &node))
        return p->err->status;
    dsl_code *c = dsl_push(&h->codes, sizeof *c);
    c->node = node;
    for (unsigned i = 2; i < p->n_words; i++) {
        const char *word = p->words[i], *v;
        bool bad = false;
        if ((v = value_of(word, "name")))
            c->name = name_of(h, v, strlen(v));
        else if ((v = value_of(word, "qualname")))
            c->qualname = name_of(h, v, strlen(v));
        else if ((v = value_of(word, "file")))
            c->file = name_of(h, v, strlen(v));
        else if ((v = value_of(word, "vars")))
            add_names(h, &c->vars, v);
        else if ((v = value_of(word, "free")))
            add_names(h, &c->free, v);
        else if ((v = value_of(word, "uses")))
            bad = add_uses(p, c, v) != HL_OK;
        else
            bad = !numeric(word, "line", &c->line, &bad) &&
                  !numeric(word, "args", &c->args, &bad) &&
                  !numeric(word, "kwonly", &c->kwonly, &bad);
        if (bad)
            return complain(p, "'%s' says nothing about code", word);
    }
    if (!c->qualname)
        c->qualname = c->name;
    return HL_OK;
}

static hl_status run_line(parser *p)
{
    if (!p->run)
        return HL_OK;
    for (unsigned i = 1; i < p->n_words; i++) {
        const char *word = p->words[i], *v;
        uint64_t n = 0;
        bool bad = false;
        if ((v = value_of(word, "python")))
            hl_field_text(p->run, HL_RUN_PYTHON, v);
        else if ((v = value_of(word, "program")))
            hl_field_text(p->run, HL_RUN_PROGRAM, v);
        else if (numeric(word, "pid", &n, &bad))
            hl_field_uint(p->run, HL_RUN_PID, n);
        else if (seconds(word, "started", 1e6, &n, &bad))
            hl_field_uint(p->run, HL_RUN_STARTED, n);
        else if (numeric(word, "exit", &n, &bad))
            hl_field_uint(p->run_end, HL_RUN_EXIT, n);
        else if (seconds(word, "seconds", 1e6, &n, &bad))
            hl_field_uint(p->run_end, HL_RUN_SECONDS, n);
        else
            bad = true;
        if (bad)
            return complain(p, "'%s' says nothing about a run", word);
    }
    p->ended = p->run_end->n != 0;
    return HL_OK;
}

static hl_status collections(parser *p, const char *v)
{
    unsigned long long n[3] = {0};
    if (sscanf(v, "%llu,%llu,%llu", &n[0], &n[1], &n[2]) < 1)
        return complain(p, "collections=A,B,C");
    for (unsigned g = 0; g < 3; g++)
        hl_field_uint(&p->h->meta, HL_SNAP_GC_COLLECTIONS0 + g, n[g]);
    return HL_OK;
}

static hl_status snap_line(parser *p)
{
    hl_fields *meta = &p->h->meta;
    for (unsigned i = 1; i < p->n_words; i++) {
        const char *word = p->words[i], *v;
        uint64_t n = 0;
        bool bad = false;
        if (seconds(word, "time", 1e6, &n, &bad))
            hl_field_uint(meta, HL_SNAP_TIME, n);
        else if (seconds(word, "cpu", 1e6, &n, &bad))
            hl_field_uint(meta, HL_SNAP_CPU, n);
        else if (seconds(word, "pause", 1e9, &n, &bad))
            hl_field_uint(&p->h->end, HL_SNAP_PAUSE, n);
        else if (numeric(word, "rss", &n, &bad))
            hl_field_uint(meta, HL_SNAP_RSS, n);
        else if (numeric(word, "pid", &n, &bad))
            hl_field_uint(meta, HL_SNAP_PID, n);
        else if (numeric(word, "threshold0", &n, &bad))
            hl_field_uint(meta, HL_SNAP_GC_THRESHOLD0, n);
        else if (numeric(word, "skipped", &p->h->skipped, &bad))
            ;
        else if (numeric(word, "folded", &p->h->folded, &bad))
            ;
        else if ((v = value_of(word, "reason")))
            hl_field_text(meta, HL_SNAP_REASON, v);
        else if ((v = value_of(word, "python")))
            hl_field_text(meta, HL_SNAP_PYTHON, v);
        else if ((v = value_of(word, "program")))
            hl_field_text(meta, HL_SNAP_PROGRAM, v);
        else if ((v = value_of(word, "gc")))
            hl_field_uint(meta, HL_SNAP_GC_ENABLED, strcmp(v, "off") != 0);
        else if ((v = value_of(word, "collections")))
            bad = collections(p, v) != HL_OK;
        else if (!strcmp(word, "running"))
            hl_field_uint(meta, HL_SNAP_GC_RUNNING, 1);
        else if (!strcmp(word, "unsettled"))
            hl_field_uint(meta, HL_SNAP_UNSETTLED, 1);
        else
            bad = true;
        if (bad)
            return complain(p, "'%s' says nothing about a snapshot", word);
    }
    return HL_OK;
}

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

static hl_status split(parser *p, char *line)
{
    char *to = line;
    p->n_words = 0;
    for (char *s = line;;) {
        while (*s == ' ' || *s == '\t' || *s == '\r')
            s++;
        if (!*s || *s == '#')
            return HL_OK;
        if (p->n_words == WORDS_MAX)
            return complain(p, "too many words");
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

static hl_status take_line(parser *p, char *line, unsigned k)
{
    static const struct {
        const char *word;
        hl_status (*take)(parser *p);
    } kinds[] = {{"run", run_line},   {"snap", snap_line}, {"root", root_line},
                 {"type", type_line}, {"code", code_line}, {"chain", chain_line}};
    choose(line, k);
    if (split(p, line) || p->n_words == 0)
        return p->err->status;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!strcmp(p->words[0], kinds[i].word))
            return kinds[i].take(p);
    return node_line(p);
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
static hl_status parse(const char *text, unsigned k, parser *p)
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
            char *line = copy(s, n);
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
        parser p = {.h = &h, .err = err};
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
