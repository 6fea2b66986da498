/* report/dot.c: a picture of references in Graphviz's language.
 *
 * Room   report; analyser process.
 * Looks  holders stand above what they hold. A box is an object, a box with a fold several; a tab a
 *        root; a grey one leaves. The target is blue. Cycles have a colour each, edges of theirs,
 *        too. Red and thick is the guilty edge, dashed a weak reference.
 * Rule   a stranger's text is one label: printable first (hl_out_safe), then quoted. Graphviz reads
 *        a backslash as its escape and & as an HTML entity, in plain labels, too. */
#include "report/writer.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_COLUMNS = 52, EDGE_COLUMNS = 36, TITLE_COLUMNS = 60 };

static const char *const cycle_fills[] = {"#ffe3b3", "#e6d9f5", "#d3f0d8",
                                          "#fbd5dd", "#f3efb0", "#cdeef0"};
static const char *const cycle_lines[] = {"#d98200", "#8a5cc2", "#3a9a50",
                                          "#c9486a", "#9c9000", "#20929b"};
enum { CYCLE_COLOURS = sizeof cycle_fills / sizeof *cycle_fills };

static uint32_t colour_of(uint32_t cycle)
{
    return cycle == HL_PICTURE_CYCLES ? 0 : (cycle - 1) % CYCLE_COLOURS;
}

/* Inside quotes. */
static void put_text(hl_out *out, const char *s, size_t columns)
{
    hl_out safe = {0};
    hl_out_safe(&safe, s ? s : "?", columns);
    for (size_t i = 0; i < safe.n; i++) {
        char c = safe.bytes[i];
        if (c == '&')
            hl_out_text(out, "&amp;");
        else if (c == '"' || c == '\\')
            hl_out_write(out, (const char[]){'\\', c}, 2);
        else
            hl_out_write(out, &c, 1);
    }
    out->failed |= safe.failed;
    hl_out_deinit(&safe);
}

static void put_line(hl_out *out, const char *s, size_t columns)
{
    hl_out_text(out, "\\n");
    put_text(out, s, columns);
}

/* ---- nodes -------------------------------------------------------------------------------------- */

static void put_sizes(hl_out *out, const hl_picture_node *n)
{
    char bytes[16], kept[16], count[32];
    hl_out_text(out, "\\n");
    if (n->items >= 0 && n->objects == 1)
        hl_out_printf(out, "%s item%s, ", hl_count_text((uint64_t)n->items, count),
                      n->items == 1 ? "" : "s");
    hl_out_text(out, hl_bytes_text(n->bytes, bytes));
    if (n->retained > n->bytes)
        hl_out_printf(out, ", keeps %s", hl_bytes_text(n->retained, kept));
}

static void put_label(hl_out *out, const hl_picture_node *n)
{
    char count[32];
    hl_out_text(out, "label=\"");
    if (n->objects > 1)
        hl_out_printf(out, "%s × ", hl_count_text(n->objects, count));
    put_text(out, n->type, NAME_COLUMNS);
    if (n->name && !strcmp(n->type, "module")) {
        hl_out_text(out, " ");
        put_text(out, n->name, NAME_COLUMNS);
    } else if (n->name) {
        put_line(out, n->name, NAME_COLUMNS);
    }
    put_sizes(out, n);
    if (n->note)
        put_line(out, n->note, NAME_COLUMNS);
    hl_out_text(out, "\"");
}

static void put_looks(hl_out *out, const hl_picture_node *n)
{
    if (n->kind == HL_PICTURE_ROOT)
        hl_out_text(out, ", shape=tab");
    else if (n->objects > 1 && n->kind == HL_PICTURE_OBJECT)
        hl_out_text(out, ", shape=note");
    if (n->cycle)
        hl_out_printf(out, ", fillcolor=\"%s\"", cycle_fills[colour_of(n->cycle)]);
    if (n->cycle && !n->target)
        hl_out_printf(out, ", color=\"%s\"", cycle_lines[colour_of(n->cycle)]);
    if (!n->cycle && n->target)
        hl_out_text(out, ", fillcolor=\"#cfe4fb\"");
    else if (!n->cycle && n->kind == HL_PICTURE_ROOT)
        hl_out_text(out, ", fillcolor=\"#e9ebee\"");
    else if (n->kind == HL_PICTURE_LEAVES)
        hl_out_text(out, ", fillcolor=\"#f4f4f4\", color=\"#9a9a9a\", fontcolor=\"#555555\"");
    if (n->target)
        hl_out_text(out, ", color=\"#1b62b5\", penwidth=2.4");
}

static void put_node(hl_out *out, uint32_t i, const hl_picture_node *n)
{
    hl_out_printf(out, "  n%" PRIu32 " [", i);
    put_label(out, n);
    put_looks(out, n);
    if (n->address)
        hl_out_printf(out, ", tooltip=\"0x%" PRIx64 "\"", n->address);
    hl_out_text(out, "];\n");
}

/* ---- edges -------------------------------------------------------------------------------------- */

static bool count_says_something(const hl_picture *p, const hl_picture_edge *e)
{
    uint64_t from = p->nodes[e->from].objects, to = p->nodes[e->to].objects;
    return e->references > 1 && e->references != (from > to ? from : to) &&
           (from > 1 || to > 1 || e->n_labels < 2);
}

static void put_edge_label(hl_out *out, const hl_picture *p, const hl_picture_edge *e)
{
    char count[32];
    bool counted = count_says_something(p, e);
    if (!e->n_labels && !counted)
        return;
    hl_out_text(out, "label=\" ");
    for (uint32_t i = 0; i < e->n_labels; i++) {
        if (i)
            hl_out_text(out, "\\n ");
        put_text(out, e->labels[i], EDGE_COLUMNS);
    }
    if (e->more_labels)
        hl_out_text(out, "\\n ...");
    if (counted)
        hl_out_printf(out, "%s× %s", e->n_labels ? " " : "", hl_count_text(e->references, count));
    hl_out_text(out, "\"");
}

static void put_edge(hl_out *out, const hl_picture *p, const hl_picture_edge *e)
{
    hl_out_printf(out, "  n%" PRIu32 " -> n%" PRIu32 " [", e->from, e->to);
    put_edge_label(out, p, e);
    if (e->guilty)
        hl_out_text(out, " color=\"#d40000\" fontcolor=\"#d40000\" penwidth=3.2");
    else if (e->weak)
        hl_out_text(out, " style=dashed color=\"#8a8a8a\" fontcolor=\"#6a6a6a\"");
    else if (e->cycle)
        hl_out_printf(out, " color=\"%s\" fontcolor=\"%s\" penwidth=1.8",
                      cycle_lines[colour_of(p->nodes[e->from].cycle)],
                      cycle_lines[colour_of(p->nodes[e->from].cycle)]);
    hl_out_text(out, "];\n");
}

/* ---- what is left out, and how it is to be read -------------------------------------------------- */

static void put_rest(hl_out *out, const hl_picture *p)
{
    char count[32];
    if (!p->left_out)
        return;
    hl_out_printf(out,
                  "  rest [label=\"… %s more\", shape=box, style=\"rounded,dashed\", "
                  "color=\"#8a8a8a\", fontcolor=\"#555555\"];\n",
                  hl_count_text(p->left_out, count));
    for (uint32_t i = 0; i < p->n_nodes; i++)
        if (p->nodes[i].more && p->refs)
            hl_out_printf(out, "  n%" PRIu32 " -> rest [style=dotted color=\"#8a8a8a\"];\n", i);
        else if (p->nodes[i].more)
            hl_out_printf(out, "  rest -> n%" PRIu32 " [style=dotted color=\"#8a8a8a\"];\n", i);
}

static void put_title(hl_out *out, const hl_picture *p)
{
    char count[32];
    bool guilty = false, weak = false, cycle = false;
    for (uint32_t i = 0; i < p->n_nodes; i++)
        cycle |= p->nodes[i].cycle != 0;
    for (uint32_t i = 0; i < p->n_edges; i++) {
        guilty |= p->edges[i].guilty;
        weak |= p->edges[i].weak;
    }
    hl_out_text(out, p->refs ? "  label=\"what " : "  label=\"what holds ");
    if (p->n_nodes && !strncmp(p->target, "0x", 2)) {
        put_text(out, p->nodes[0].type, NAME_COLUMNS);
        hl_out_text(out, " ");
    }
    put_text(out, p->target, TITLE_COLUMNS);
    if (p->refs)
        hl_out_text(out, " refers to");
    if (p->matched != 1)
        hl_out_printf(out, " (%s objects)", hl_count_text(p->matched, count));
    if (guilty || weak || cycle)
        hl_out_text(out, "\\n");
    if (guilty)
        hl_out_text(out, p->judged ? "red: where it piles up"
                                   : "red: the reference without which it would go");
    if (cycle)
        hl_out_printf(out, "%scoloured: a cycle", guilty ? "; " : "");
    if (weak)
        hl_out_printf(out, "%sdashed: weak", guilty || cycle ? "; " : "");
    hl_out_text(out, "\"; labelloc=t; fontsize=12; fontcolor=\"#333333\";\n");
}

void hl_picture_dot(const hl_picture *p, hl_out *out)
{
    static const char font[] = "fontname=\"Helvetica,Arial,sans-serif\"";
    hl_out_printf(out, "digraph heaplens {\n  charset=\"UTF-8\"; %s; bgcolor=white;\n", font);
    hl_out_text(out, "  rankdir=TB; nodesep=0.3; ranksep=0.45; pad=0.15;\n");
    put_title(out, p);
    hl_out_printf(out,
                  "  node [%s fontsize=11 shape=box style=filled fillcolor=white "
                  "color=\"#44474c\" margin=\"0.12,0.06\"];\n",
                  font);
    hl_out_printf(out, "  edge [%s fontsize=10 color=\"#44474c\" arrowsize=0.7];\n", font);
    for (uint32_t i = 0; i < p->n_nodes; i++)
        put_node(out, i, &p->nodes[i]);
    for (uint32_t i = 0; i < p->n_edges; i++)
        put_edge(out, p, &p->edges[i]);
    put_rest(out, p);
    hl_out_text(out, "}\n");
}
