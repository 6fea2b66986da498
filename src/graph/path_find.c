/* graph/path_find.c: what a user means by TARGET.
 *
 * Room   graph; analyser process.
 * Takes  hl_graph and a type name, an 0xADDRESS or a dotted name.   Gives  nodes.
 * Knows  base, snapshot.
 * Method a type name that has instances wins ("Session", "app.Session"), then the dotted name of a
 *        module's variable and its attributes ("app.store.items"), then a variable of the program itself
 *        ("store"), then whatever findings and tables call so ("main() local rows", "app.jobs[*].done"). */
#include "graph/graph_parts.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static hl_status found_one(hl_arena *arena, hl_node v, hl_node **out, uint32_t *n, hl_err *err)
{
    hl_node *nodes = hl_graph_array(arena, 1, sizeof *nodes, err);
    if (!nodes)
        return err->status;
    nodes[0] = v;
    *out = nodes;
    *n = 1;
    return HL_OK;
}

static bool parse_address(const char *text, uint64_t *out)
{
    if (text[0] != '0' || (text[1] | 32) != 'x' || !isxdigit((unsigned char)text[2]))
        return false;
    char *end;
    errno = 0;
    *out = strtoull(text + 2, &end, 16);
    return !*end && !errno;
}

/* "app.Session" is asked for by its full name or by what follows a dot. */
static bool type_matches(const char *name, const char *target)
{
    size_t n = strlen(name), t = strlen(target);
    if (n < t || strcmp(name + n - t, target))
        return false;
    return n == t || name[n - t - 1] == '.';
}

static hl_status find_instances(const hl_graph *g, const char *target, hl_arena *arena,
                                hl_node **out, uint32_t *n, hl_err *err)
{
    const hl_snap *s = g->snap;
    uint8_t *wanted = hl_graph_array(arena, s->n_types, 1, err);
    if (!wanted)
        return err->status;
    for (uint32_t i = 0; i < s->n_types; i++)
        wanted[i] = type_matches(s->names[s->types[i].name], target);
    uint32_t count = 0;
    for (hl_node v = 0; v < s->nodes; v++)
        count += wanted[s->type[v]];
    hl_node *nodes = hl_graph_array(arena, count, sizeof *nodes, err);
    if (!nodes)
        return err->status;
    uint32_t k = 0;
    for (hl_node v = 0; v < s->nodes; v++)
        if (wanted[s->type[v]])
            nodes[k++] = v;
    *out = nodes;
    *n = count;
    return HL_OK;
}

/* The target of v's edge called name[0 .. n), also through v's __dict__. */
static hl_node attribute(const hl_graph *g, hl_node v, const char *name, size_t n)
{
    const hl_snap *s = g->snap;
    hl_node dict = HL_NO_NODE;
    for (int pass = 0; pass < 2 && v != HL_NO_NODE; pass++, v = dict) {
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
            hl_label l = s->label[e];
            enum hl_label_kind kind = hl_label_kind(l);
            if (kind != HL_LABEL_ATTR && kind != HL_LABEL_SLOT && kind != HL_LABEL_KEY &&
                kind != HL_LABEL_NAMED && kind != HL_LABEL_LOCAL)
                continue;
            if (hl_label_role(g, l) == HL_NAME_DICT)
                dict = s->dst[e];
            const char *text = s->names[hl_label_value(l)];
            if (strlen(text) == n && !memcmp(text, name, n))
                return s->dst[e];
        }
    }
    return HL_NO_NODE;
}

static hl_node follow_dots(const hl_graph *g, hl_node v, const char *rest)
{
    while (v != HL_NO_NODE && *rest) {
        size_t n = strcspn(rest, ".");
        v = attribute(g, v, rest, n);
        rest += n + (rest[n] == '.');
    }
    return v;
}

/* The module with the longest name that target starts with, then its attributes. */
static hl_node find_dotted(const hl_graph *g, const char *target)
{
    const hl_snap *s = g->snap;
    hl_node found = HL_NO_NODE;
    size_t longest = 0;
    for (uint32_t i = 0; i < s->n_roots; i++) {
        const hl_snap_root *r = &s->roots[i];
        const char *name = s->names[r->name];
        size_t n = strlen(name);
        if (!n || n <= longest || strncmp(target, name, n) || (target[n] && target[n] != '.'))
            continue;
        hl_node v = follow_dots(g, r->node, target[n] ? target + n + 1 : "");
        if (v != HL_NO_NODE) {
            found = v;
            longest = n;
        }
    }
    return found;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80);
}

/* The last word of a name, "jobs" of "app.jobs[*]", as a number of the snapshot's names. */
static bool last_word(const hl_snap *s, const char *target, uint32_t *out)
{
    size_t end = strlen(target);
    for (bool in_brackets = false; end && (in_brackets || !is_word(target[end - 1])); end--)
        in_brackets = target[end - 1] == ']' || (in_brackets && target[end - 1] != '[');
    size_t at = end;
    while (at && is_word(target[at - 1]))
        at--;
    for (uint32_t i = 0; at < end && i < s->n_names; i++)
        if (strlen(s->names[i]) == end - at && !memcmp(s->names[i], target + at, end - at)) {
            *out = i;
            return true;
        }
    return false;
}

static bool has_name(hl_label l, uint32_t name)
{
    enum hl_label_kind kind = hl_label_kind(l);
    return hl_label_value(l) == name &&
           (kind == HL_LABEL_NAMED || kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT ||
            kind == HL_LABEL_KEY || kind == HL_LABEL_LOCAL || kind == HL_LABEL_CELL);
}

/* Those whose hl_path_name it is. Names are made only where the last word is at most a few links up. */
static hl_status find_called(const hl_graph *g, const char *target, hl_arena *arena, hl_node **out,
                             uint32_t *n, hl_err *err)
{
    enum { LINKS = 4, LONGEST = 1024 };
    const hl_snap *s = g->snap;
    uint32_t word, room = 0;
    *n = 0;
    if (!last_word(s, target, &word))
        return HL_OK;
    for (hl_node v = 0; v < s->nodes; v++) {
        char name[LONGEST];
        hl_node u = v;
        unsigned links = 0;
        while (links < LINKS && g->parent[u] != HL_NO_NODE && !has_name(g->via[u], word)) {
            u = g->parent[u];
            links++;
        }
        if (links == LINKS || g->parent[u] == HL_NO_NODE)
            continue;
        hl_path_name(g, v, name, sizeof name);
        if (strcmp(name, target) != 0)
            continue;
        if (*n == room) {
            room = room ? 2 * room : 64;
            hl_node *wider = hl_graph_array(arena, room, sizeof *wider, err);
            if (!wider)
                return err->status;
            if (*n)
                memcpy(wider, *out, *n * sizeof *wider);
            *out = wider;
        }
        (*out)[(*n)++] = v;
    }
    return HL_OK;
}

/* What is meant by a name without its module: the program's own. */
static const char *in_main(const char *target, hl_arena *arena)
{
    return hl_arena_printf(arena, "__main__.%s", target);
}

/* Of what hangs from a link called so the one that keeps most; NO_NODE: nothing does. */
static hl_node heaviest(const hl_graph *g, uint32_t word)
{
    hl_node best = HL_NO_NODE;
    for (hl_node v = 0; v < g->snap->nodes; v++)
        if (g->parent[v] != HL_NO_NODE && has_name(g->via[v], word) &&
            (best == HL_NO_NODE ||
             (g->retained_bytes && g->retained_bytes[v] > g->retained_bytes[best])))
            best = v;
    return best;
}

static hl_status nothing_called(const hl_graph *g, const char *target, hl_err *err)
{
    uint32_t word;
    char name[256];
    hl_node like = last_word(g->snap, target, &word) ? heaviest(g, word) : HL_NO_NODE;
    if (like == HL_NO_NODE)
        return hl_err_set(err, HL_NOT_FOUND,
                          "no object called \"%s\": give a type name as `show --view types` prints "
                          "it, an address as 0x..., or a dotted name such as module.variable",
                          target);
    hl_path_name(g, like, name, sizeof name);
    return hl_err_set(err, HL_NOT_FOUND, "no object called \"%s\": is \"%s\" meant?", target, name);
}

hl_status hl_path_find(const hl_graph *g, const char *target, hl_arena *arena, hl_node **out,
                       uint32_t *n, hl_err *err)
{
    uint64_t address;
    if (parse_address(target, &address)) {
        hl_node v = hl_snap_find_address(g->snap, address);
        if (v == HL_NO_NODE)
            return hl_err_set(err, HL_NOT_FOUND, "no object at %s in this snapshot", target);
        return found_one(arena, v, out, n, err);
    }
    hl_node *nodes;
    uint32_t count = 0;
    if (*target && find_instances(g, target, arena, &nodes, &count, err))
        return err->status;
    if (count) {
        *out = nodes;
        *n = count;
        return HL_OK;
    }
    const char *of_main = in_main(target, arena);
    if (!of_main)
        return hl_err_set(err, HL_NO_MEMORY, "out of memory");
    hl_node v = find_dotted(g, target);
    if (v == HL_NO_NODE && *target)
        v = find_dotted(g, of_main);
    if (v != HL_NO_NODE)
        return found_one(arena, v, out, n, err);
    if (find_called(g, target, arena, out, n, err) ||
        (!*n && find_called(g, of_main, arena, out, n, err)))
        return err->status;
    return *n ? HL_OK : nothing_called(g, target, err);
}
