/* graph/path.c: the words for an object: its chain, and the name a developer knows it by.
 *
 * Room   graph; analyser process.
 * Takes  hl_graph.   Gives  chains of steps, names in the caller's buffers.
 * Knows  base, snapshot.  Must not know  how anything is printed: names keep a target's bytes.
 * Method a name is the chain's root and the words of each step; plumbing (instance dicts, cells,
 *        closure and default tuples) says nothing itself, the step through it is named by the code
 *        object: "app.outer.<locals>.inner closure rows", "app.f() default seen". */
#include "graph/graph_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- a buffer that cuts with "..."
 * ---------------------------------------------------------------- */

typedef struct words {
    char *buf;
    size_t size, n;
    bool cut;
} words;

static words words_in(char *buf, size_t size)
{
    if (size)
        buf[0] = 0;
    return (words){.buf = buf, .size = size};
}

static void words_add(words *w, const char *text)
{
    size_t n = strlen(text);
    if (w->cut || !w->size)
        return;
    if (w->n + n < w->size) {
        memcpy(w->buf + w->n, text, n + 1);
        w->n += n;
        return;
    }
    w->cut = true;
    size_t room = w->size - 1;
    memcpy(w->buf + w->n, text, room - w->n);
    size_t at = room > 3 ? room - 3 : 0;
    while (at && ((unsigned char)w->buf[at] & 0xc0) == 0x80)
        at--; /* not inside a UTF-8 character */
    size_t dots = room - at < 3 ? room - at : 3;
    memcpy(w->buf + at, "...", dots);
    w->buf[at + dots] = 0;
}

static void words_format(words *w, const char *format, ...) HL_PRINTF(2, 3);
static void words_format(words *w, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    words_add(w, text);
}

static void words_reset(words *w)
{
    *w = words_in(w->buf, w->size);
}

/* ---- one edge
 * ------------------------------------------------------------------------------------- */

static const char *name_of(const hl_snap *s, uint32_t name)
{
    return name < s->n_names ? s->names[name] : "?";
}

void hl_label_text(const hl_snap *s, hl_label label, char *buf, size_t size)
{
    words w = words_in(buf, size);
    uint32_t value = hl_label_value(label);
    switch (hl_label_kind(label)) {
    case HL_LABEL_NAMED:
    case HL_LABEL_ATTR:
    case HL_LABEL_SLOT:
    case HL_LABEL_KEY:
        words_add(&w, ".");
        words_add(&w, name_of(s, value));
        break;
    case HL_LABEL_LOCAL:
        words_add(&w, " local ");
        words_add(&w, name_of(s, value));
        break;
    case HL_LABEL_CELL:
        if (value)
            words_format(&w, " closure %s", name_of(s, value));
        else
            words_add(&w, ".cell_contents");
        break;
    case HL_LABEL_VALUE:
        words_format(&w, "[%s]", value < s->n_types ? s->names[s->types[value].name] : "*");
        break;
    case HL_LABEL_INDEX:
        if (value)
            words_format(&w, "[%" PRIu32 "]", value - 1);
        else
            words_add(&w, "[*]");
        break;
    case HL_LABEL_ELEMENT:
        words_add(&w, "[*]");
        break;
    case HL_LABEL_DICTKEY:
        words_add(&w, " key");
        break;
    case HL_LABEL_STACK:
        words_add(&w, " temporary");
        break;
    case HL_LABEL_TYPE:
        words_add(&w, ".__class__");
        break;
    case HL_LABEL_BASE:
        words_add(&w, ".base");
        break;
    case HL_LABEL_WEAK:
        words_add(&w, " weakly");
        break;
    case HL_LABEL_INTERNAL:
    case HL_LABEL_UNOWNED:
        words_add(&w, ".*");
        break;
    }
}

/* ---- functions
 * -------------------------------------------------------------------------------------- */

static const hl_snap_code *code_of(const hl_graph *g, hl_node function)
{
    hl_node code = hl_follow_role(g, function, HL_NAME_CODE);
    return code == HL_NO_NODE ? NULL : hl_snap_code_of(g->snap, code);
}

bool hl_function_name(const hl_graph *g, hl_node function, char *buf, size_t size)
{
    const hl_snap *s = g->snap;
    const hl_snap_code *code = code_of(g, function);
    if (!code)
        return false;
    const char *name = name_of(s, code->qualname ? code->qualname : code->name);
    words w = words_in(buf, size);
    hl_node globals = hl_follow_role(g, function, HL_NAME_GLOBALS);
    hl_node module = globals == HL_NO_NODE ? HL_NO_NODE : g->parent[globals];
    const hl_graph_root *root = module == HL_NO_NODE ? NULL : hl_graph_root_of(g, module);
    if (root && root->hold == HL_HOLD_MODULE)
        words_format(&w, "%s.", name_of(s, s->roots[root->named].name));
    words_add(&w, name);
    return true;
}

hl_name hl_closure_variable(const hl_graph *g, hl_node function, hl_label index)
{
    const hl_snap_code *code = code_of(g, function);
    uint32_t i = hl_label_value(index);
    return code && i && i <= code->n_free ? g->snap->name_lists[code->free + i - 1] : 0;
}

/* Items of a tuple; walkers need not say its length, its size does. */
static uint32_t tuple_length(const hl_snap *s, hl_node tuple)
{
    enum { GC_HEADER = 16, SLOT = 8 };
    const hl_snap_type *t = &s->types[s->type[tuple]];
    uint64_t head = (uint64_t)t->basicsize + (t->flags & HL_TYPE_GC ? GC_HEADER : 0);
    if (hl_snap_len(s, tuple) >= 0)
        return (uint32_t)hl_snap_len(s, tuple);
    return hl_snap_size(s, tuple) > head ? (uint32_t)((hl_snap_size(s, tuple) - head) / SLOT) : 0;
}

/* Defaults belong to the last positional arguments. */
static hl_name default_argument(const hl_graph *g, hl_node function, hl_node defaults,
                                hl_label index)
{
    const hl_snap_code *code = code_of(g, function);
    uint32_t len = tuple_length(g->snap, defaults), i = hl_label_value(index);
    if (!code || !i || i > len || len > code->args)
        return 0;
    uint32_t at = code->args - len + i - 1;
    return at < code->n_vars ? g->snap->name_lists[code->vars + at] : 0;
}

/* ---- a step in its place
 * ---------------------------------------------------------------------------- */

static void named_part(words *w, const char *what, const char *name, hl_label label)
{
    words_add(w, what);
    if (*name)
        words_format(w, " %s", name);
    else if (hl_label_kind(label) == HL_LABEL_INDEX && hl_label_value(label))
        words_format(w, " %" PRIu32, hl_label_value(label) - 1);
}

/* The parts of a function behind its closure, defaults and keyword defaults. True: said. */
static bool function_part(const hl_graph *g, words *w, hl_node function, hl_label via, hl_node part,
                          hl_label label)
{
    const hl_snap *s = g->snap;
    hl_name name = 0;
    switch (hl_label_role(g, via)) {
    case HL_NAME_CLOSURE:
        name = hl_closure_variable(g, function, label);
        named_part(w, " closure", name_of(s, name), label);
        return true;
    case HL_NAME_DEFAULTS:
        name = default_argument(g, function, part, label);
        named_part(w, "() default", name_of(s, name), label);
        return true;
    case HL_NAME_KWDEFAULTS:
        name = hl_label_kind(label) == HL_LABEL_KEY ? hl_label_value(label) : 0;
        named_part(w, "() default", name_of(s, name), label);
        return true;
    case HL_NAME_PLAIN:
    case HL_NAME_DICT:
    case HL_NAME_CODE:
    case HL_NAME_METHOD:
    case HL_NAME_GLOBALS:
    case HL_NAME_SHUNNED:
        break;
    }
    return false;
}

static bool is_folded_index(hl_label label)
{
    enum { TUPLE_SHOWN = 8 };
    enum hl_label_kind kind = hl_label_kind(label);
    return kind == HL_LABEL_VALUE ||
           (kind == HL_LABEL_INDEX && hl_label_value(label) > TUPLE_SHOWN);
}

void hl_step_words(const hl_graph *g, hl_node above, hl_label from_via, hl_node from,
                   hl_label label, hl_node to, char *buf, size_t size)
{
    words w = words_in(buf, size);
    if (hl_label_role(g, label) != HL_NAME_PLAIN && hl_edge_is_plumbing(g, from, label, to))
        return;
    if (above != HL_NO_NODE && function_part(g, &w, above, from_via, from, label))
        return;
    if (hl_role(g, from) == HL_ROLE_CELL && hl_label_kind(label) == HL_LABEL_CELL)
        return;
    bool unnamed = hl_label_kind(label) == HL_LABEL_INTERNAL;
    if (hl_role(g, from) == HL_ROLE_LRU && (unnamed || hl_role(g, to) == HL_ROLE_DICT))
        words_add(&w, hl_role(g, to) == HL_ROLE_DICT ? " cache" : " cache[*]");
    else if (is_folded_index(label) || (unnamed && hl_snap_len(g->snap, from) >= 0))
        words_add(&w, "[*]");
    else
        hl_label_text(g->snap, label, buf, size);
}

void hl_root_words(const hl_graph *g, hl_node v, char *buf, size_t size)
{
    const hl_snap *s = g->snap;
    const hl_graph_root *root = hl_graph_root_of(g, v);
    enum hl_hold hold = root ? root->hold : HL_HOLD_NONE;
    const char *name =
        root && root->named != UINT32_MAX ? name_of(s, s->roots[root->named].name) : "";
    words w = words_in(buf, size);
    switch (hold) {
    case HL_HOLD_MODULE:
    case HL_HOLD_TYPE:
        words_add(&w, name);
        return;
    case HL_HOLD_FRAME:
        words_add(&w, name);
        words_add(&w, "()");
        return;
    case HL_HOLD_THREAD:
        words_format(&w, "(thread) %s", name);
        return;
    case HL_HOLD_INTERP:
        words_format(&w, "(interpreter) %s", name);
        return;
    case HL_HOLD_GC_GARBAGE:
        words_add(&w, "gc.garbage");
        return;
    case HL_HOLD_C:
        words_add(&w, "(held by C) ");
        break;
    case HL_HOLD_CYCLE:
        words_add(&w, "(garbage cycle) ");
        break;
    case HL_HOLD_STRAY:
    case HL_HOLD_NONE:
        words_add(&w, "(unreached) ");
        break;
    }
    words_add(&w, hl_snap_type_name(s, v));
}

/* ---- chains
 * ---------------------------------------------------------------------------------------- */

uint32_t hl_path_chain(const hl_graph *g, hl_node v, hl_step *steps, uint32_t max)
{
    uint32_t n = 1;
    for (hl_node u = v; g->parent[u] != HL_NO_NODE; u = g->parent[u])
        n++;
    uint32_t i = n;
    for (hl_node u = v; i > 0; u = g->parent[u]) {
        i--;
        if (i < max)
            steps[i] = (hl_step){.node = u, .label = i ? g->via[u] : 0};
        if (!i)
            break;
    }
    return n;
}

enum { HOLDERS_SEEN = 4096, CHAINS_MAX = 64 };

typedef struct holder {
    hl_node node;
    hl_label label;
    uint64_t cost;
} holder;

/* The cost of the chain to u; UINT64_MAX if it passes v. */
static uint64_t chain_cost(const hl_graph *g, hl_node u, hl_node v)
{
    uint64_t cost = 0;
    for (; u != v; u = g->parent[u]) {
        if (g->parent[u] == HL_NO_NODE)
            return cost +
                   hl_root_cost(g->snap, (enum hl_hold)g->from[u], hl_graph_root_of(g, u)->named);
        cost += hl_edge_cost(g, g->parent[u], g->via[u]);
    }
    return UINT64_MAX;
}

/* Keeps the k cheapest, sorted; one per node. */
static uint32_t keep_cheapest(holder *best, uint32_t n, uint32_t k, holder h)
{
    for (uint32_t i = 0; i < n; i++)
        if (best[i].node == h.node)
            return n;
    uint32_t at = n;
    while (at > 0 && (h.cost < best[at - 1].cost ||
                      (h.cost == best[at - 1].cost && h.node < best[at - 1].node)))
        at--;
    if (at == k)
        return n;
    n = n < k ? n + 1 : n;
    memmove(best + at + 1, best + at, (n - at - 1) * sizeof *best);
    best[at] = h;
    return n;
}

uint32_t hl_path_chains(const hl_graph *g, hl_node v, hl_step *steps, uint32_t max, uint32_t k,
                        uint32_t *lengths)
{
    if (!k)
        return 0;
    lengths[0] = hl_path_chain(g, v, steps, max);
    holder best[CHAINS_MAX];
    uint32_t n = 0, room = (k < CHAINS_MAX ? k : CHAINS_MAX) - 1;
    hl_node u;
    uint32_t seen = 0;
    for (hl_holders h = hl_graph_holders(g, v); room && hl_holders_next(&h, &u);) {
        if (seen++ == HOLDERS_SEEN)
            break;
        uint64_t cost = u == g->parent[v] ? UINT64_MAX : chain_cost(g, u, v);
        if (cost == UINT64_MAX)
            continue;
        hl_label label = hl_graph_label(g, u, v);
        n = keep_cheapest(
            best, n, room,
            (holder){.node = u, .label = label, .cost = cost + hl_edge_cost(g, u, label)});
    }
    for (uint32_t i = 0; i < n; i++) {
        hl_step *row = steps + (size_t)(i + 1) * max;
        uint32_t length = hl_path_chain(g, best[i].node, row, max);
        if (length < max)
            row[length] = (hl_step){.node = v, .label = best[i].label};
        lengths[i + 1] = length + 1;
    }
    return n + 1;
}

/* ---- names
 * ------------------------------------------------------------------------------------------ */

enum { STEPS_HEAD = 24, STEPS_TAIL = 6, STEP_TEXT = 256 };

/* A function's code knows its name better than the list it was found in. */
static void rename_function(const hl_graph *g, words *w, hl_node from, hl_label label)
{
    char name[STEP_TEXT];
    enum hl_name_role role = hl_label_role(g, label);
    bool inner = role == HL_NAME_CLOSURE || role == HL_NAME_DEFAULTS || role == HL_NAME_KWDEFAULTS;
    if (inner && hl_role(g, from) == HL_ROLE_FUNCTION &&
        hl_function_name(g, from, name, sizeof name)) {
        words_reset(w);
        words_add(w, name);
    }
}

/* An lru_cache that has no name of its own is called by the function it wraps. */
static void rename_cache(const hl_graph *g, words *w, hl_node wrapper, hl_label via)
{
    char name[STEP_TEXT];
    enum hl_label_kind kind = hl_label_kind(via);
    if (kind == HL_LABEL_KEY || kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT)
        return;
    const hl_snap *s = g->snap;
    for (uint32_t e = s->off[wrapper]; e < s->off[wrapper + 1]; e++)
        if (hl_role(g, s->dst[e]) == HL_ROLE_FUNCTION &&
            hl_function_name(g, s->dst[e], name, sizeof name)) {
            words_reset(w);
            words_add(w, name);
            return;
        }
}

/* A local of a coroutine or generator that waits is known by the function, not by who will wake it.
 */
static void rename_waiting(const hl_graph *g, words *w, hl_node from, hl_label label)
{
    static const char *const fields[] = {"f_code", "__code__"};
    if (hl_label_kind(label) != HL_LABEL_LOCAL || hl_role(g, from) != HL_ROLE_GENERATOR)
        return;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        hl_node code = hl_graph_follow(g, from, HL_LABEL_NAMED, fields[i]);
        const hl_snap_code *row = code == HL_NO_NODE ? NULL : hl_snap_code_of(g->snap, code);
        if (!row)
            continue;
        words_reset(w);
        words_format(w, "%s()", name_of(g->snap, row->qualname ? row->qualname : row->name));
        return;
    }
}

/* A name under construction. The third like step in a row becomes "(...)", once. */
typedef struct naming {
    words w;
    char last[STEP_TEXT];
    uint32_t run; /* times `last` came in a row */
    bool skipping;
} naming;

static void skip(naming *n)
{
    if (!n->skipping)
        words_add(&n->w, "(...)");
    n->skipping = true;
}

static void say(naming *n, const char *text)
{
    if (!*text)
        return;
    n->run = strcmp(text, n->last) ? 1 : n->run + 1;
    if (n->run > 2) {
        skip(n);
        return;
    }
    n->skipping = false;
    words_add(&n->w, text);
    memcpy(n->last, text, strlen(text) + 1);
}

/* Adds steps[i]; what is before it in steps is its place. */
static void add_step(const hl_graph *g, naming *n, const hl_step *steps, uint32_t i, bool last)
{
    char text[STEP_TEXT];
    hl_node from = steps[i - 1].node, to = steps[i].node;
    hl_label label = steps[i].label;
    rename_function(g, &n->w, from, label);
    rename_waiting(g, &n->w, from, label);
    if (hl_role(g, from) == HL_ROLE_LRU && hl_role(g, to) == HL_ROLE_DICT &&
        hl_label_role(g, label) != HL_NAME_DICT)
        rename_cache(g, &n->w, from, steps[i - 1].label);
    hl_node above = i > 1 ? steps[i - 2].node : HL_NO_NODE;
    hl_step_words(g, above, steps[i - 1].label, from, label, to, text, sizeof text);
    if (last && !*text && hl_label_role(g, label) != HL_NAME_PLAIN)
        hl_label_text(g->snap, label, text, sizeof text); /* the instance dict itself */
    say(n, text);
}

void hl_path_name(const hl_graph *g, hl_node v, char *buf, size_t size)
{
    hl_step head[STEPS_HEAD] = {0}, tail[STEPS_TAIL];
    uint32_t length = hl_path_chain(g, v, head, STEPS_HEAD);
    char text[STEP_TEXT];
    naming n = {.w = words_in(buf, size)};
    hl_root_words(g, head[0].node, text, sizeof text);
    say(&n, text);
    uint32_t shown = length < STEPS_HEAD ? length : STEPS_HEAD;
    for (uint32_t i = 1; i < shown; i++)
        add_step(g, &n, head, i, i + 1 == length);
    if (length <= STEPS_HEAD)
        return;
    uint32_t left = length - STEPS_HEAD, k = left < STEPS_TAIL - 2 ? left : STEPS_TAIL - 2;
    hl_node u = v;
    for (uint32_t i = k + 2; i > 0; i--, u = g->parent[u])
        tail[i - 1] = (hl_step){.node = u, .label = g->via[u]};
    if (left > k)
        skip(&n);
    for (uint32_t i = 2; i < k + 2; i++)
        add_step(g, &n, tail, i, i + 1 == k + 2);
}
