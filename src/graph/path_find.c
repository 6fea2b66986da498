/* graph/path_find.c: what a user means by TARGET.
 *
 * Room   graph; analyser process.
 * Takes  hl_graph and a type name, an 0xADDRESS or a dotted name.   Gives  nodes.
 * Knows  base, snapshot.
 * Method a type name that has instances wins ("Session", "app.Session"), then the dotted name of a
 *        module's variable and its attributes ("app.store.items"). */
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
    hl_node v = find_dotted(g, target);
    if (v == HL_NO_NODE)
        return hl_err_set(err, HL_NOT_FOUND,
                          "no object called \"%s\": give a type name as `show --view types` prints "
                          "it, an address as 0x..., or a dotted name such as module.variable",
                          target);
    return found_one(arena, v, out, n, err);
}
