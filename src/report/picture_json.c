/* report/picture_json.c: a picture of references as JSON, schema heaplens.graph/1.
 *
 * Room   report; analyser process. */
#include "report/writer.h"

#include <inttypes.h>
#include <stdio.h>

static void put_node(hl_json *j, const hl_picture_node *n)
{
    static const char *const kinds[] = {"object", "root", "leaves"};
    hl_json_open(j, '{');
    hl_json_put_text(j, "kind", kinds[n->kind]);
    hl_json_key(j, "target");
    hl_json_bool(j, n->target);
    hl_json_put_text(j, "type", n->type);
    hl_json_put_text(j, "name", n->name);
    hl_json_put_text(j, "note", n->note);
    hl_json_key(j, "address");
    if (n->address) {
        char text[24];
        snprintf(text, sizeof text, "0x%" PRIx64, n->address);
        hl_json_text(j, text);
    } else {
        hl_json_null(j);
    }
    hl_json_put_uint(j, "objects", n->objects);
    hl_json_put_uint(j, "bytes", n->bytes);
    hl_json_put_uint(j, "retained_bytes", n->retained);
    hl_json_put_uint(j, "distance", n->distance);
    hl_json_key(j, "cycle");
    if (!n->cycle)
        hl_json_null(j);
    else if (n->cycle == HL_PICTURE_CYCLES)
        hl_json_text(j, "several");
    else
        hl_json_uint(j, n->cycle);
    hl_json_key(j, "more");
    hl_json_bool(j, n->more);
    hl_json_close(j, '}');
}

static void put_edge(hl_json *j, const hl_picture_edge *e)
{
    hl_json_open(j, '{');
    hl_json_put_uint(j, "from", e->from);
    hl_json_put_uint(j, "to", e->to);
    hl_json_key(j, "labels");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < e->n_labels; i++)
        hl_json_text(j, e->labels[i]);
    hl_json_close(j, ']');
    hl_json_key(j, "more_labels");
    hl_json_bool(j, e->more_labels);
    hl_json_put_uint(j, "references", e->references);
    hl_json_key(j, "weak");
    hl_json_bool(j, e->weak);
    hl_json_key(j, "cycle");
    hl_json_bool(j, e->cycle);
    hl_json_key(j, "guilty");
    hl_json_bool(j, e->guilty);
    hl_json_close(j, '}');
}

void hl_picture_json(const hl_picture *p, hl_out *out)
{
    hl_json j = {.out = out, .lines = 2};
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "schema", "heaplens.graph/1");
    hl_json_put_text(&j, "target", p->target);
    hl_json_put_uint(&j, "matched", p->matched);
    hl_json_put_text(&j, "direction", p->refs ? "refs" : "backrefs");
    hl_json_key(&j, "judged");
    hl_json_bool(&j, p->judged);
    hl_json_key(&j, "nodes");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < p->n_nodes; i++)
        put_node(&j, &p->nodes[i]);
    hl_json_close(&j, ']');
    hl_json_key(&j, "edges");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < p->n_edges; i++)
        put_edge(&j, &p->edges[i]);
    hl_json_close(&j, ']');
    hl_json_put_uint(&j, "left_out", p->left_out);
    hl_json_close(&j, '}');
}
