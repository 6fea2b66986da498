/* snapshot/snap_dsl_survey.c: threads, equal leaves and resident memory of a drawn heap.
 *
 * Room   snapshot; tests only; malloc, abort without memory. snap_dsl.h says how heaps are drawn.
 */
#define _GNU_SOURCE
#include "snapshot/snap_dsl_model.h"

#include <stdlib.h>
#include <string.h>

hl_status dsl_thread_line(dsl_parser *p)
{
    dsl_thread t = {.node = HL_NO_NODE};
    bool bad = p->n_words < 2;
    for (unsigned i = 1; i < p->n_words && !bad; i++) {
        const char *word = p->words[i], *v;
        if ((v = dsl_value(word, "name")))
            t.name = dsl_name(p->h, v, strlen(v));
        else if ((v = dsl_value(word, "node"))) {
            if (dsl_node_index(p, v, &t.node))
                return p->err->status;
        } else if (!strcmp(word, "daemon"))
            t.flags |= HL_THREAD_DAEMON | HL_THREAD_KNOWN;
        else if (!strcmp(word, "main"))
            t.flags |= HL_THREAD_MAIN | HL_THREAD_KNOWN;
        else
            bad = !dsl_numeric(word, "index", &t.index, &bad) &&
                  !dsl_numeric(word, "ident", &t.ident, &bad) &&
                  !dsl_numeric(word, "native", &t.native, &bad);
    }
    if (bad)
        return dsl_complain(p, "thread index=N [name=] [ident=] [native=] [node=] [daemon] [main]");
    if (t.name)
        t.flags |= HL_THREAD_KNOWN;
    *(dsl_thread *)dsl_push(&p->h->threads, sizeof t) = t;
    return HL_OK;
}

/* NODE:LABEL,NODE:LABEL */
static hl_status add_holders(dsl_parser *p, dsl_dup *d, const char *list)
{
    char *all = dsl_copy(list, strlen(list)), *save = NULL;
    hl_status status = HL_OK;
    for (char *item = strtok_r(all, ",", &save); item && !status;
         item = strtok_r(NULL, ",", &save)) {
        char *label = strchr(item, ':');
        dsl_holder h = {0, 0};
        if (label)
            *label++ = 0;
        status = dsl_node_index(p, item, &h.node);
        if (!status && label)
            status = dsl_label(p, label, &h.label);
        *(dsl_holder *)dsl_push(&d->holders, sizeof h) = h;
    }
    free(all);
    return status;
}

hl_status dsl_dup_line(dsl_parser *p)
{
    if (p->n_words < 2)
        return dsl_complain(p, "dup TYPE");
    dsl_dup *d = dsl_push(&p->h->dups, sizeof *d);
    d->type = dsl_type_index(p->h, p->words[1], strlen(p->words[1]));
    for (unsigned i = 2; i < p->n_words; i++) {
        const char *word = p->words[i], *v = dsl_value(word, "at");
        bool bad = false;
        if (v && add_holders(p, d, v))
            return p->err->status;
        if (!v)
            bad = !dsl_numeric(word, "len", &d->len, &bad) &&
                  !dsl_numeric(word, "size", &d->bytes, &bad) &&
                  !dsl_numeric(word, "copies", &d->copies, &bad) &&
                  !dsl_numeric(word, "seen", &d->seen, &bad);
        if (bad)
            return dsl_complain(p, "'%s' says nothing about equal leaves", word);
    }
    if (!d->seen)
        d->seen = d->copies;
    return HL_OK;
}

bool dsl_memory(const char *word, hl_fields *meta, hl_fields *end, bool *bad)
{
    static const struct {
        const char *key;
        unsigned tag;
        bool at_end;
    } words[] = {
        {"shared", HL_SNAP_MEMORY + HL_MEMORY_SHARED, false},
        {"heap", HL_SNAP_MEMORY + HL_MEMORY_HEAP, false},
        {"heapfree", HL_SNAP_MEMORY + HL_MEMORY_HEAP_FREE, false},
        {"mapped", HL_SNAP_MEMORY + HL_MEMORY_MAPPED, false},
        {"stacks", HL_SNAP_MEMORY + HL_MEMORY_STACKS, false},
        {"written", HL_SNAP_MEMORY + HL_MEMORY_WRITTEN, false},
        {"swap", HL_SNAP_MEMORY + HL_MEMORY_SWAP, false},
        {"arenas", HL_SNAP_MEMORY + HL_MEMORY_ARENAS, false},
        {"room", HL_SNAP_MEMORY + HL_MEMORY_ARENA_ROOM, false},
        {"resident", HL_SNAP_MEMORY + HL_MEMORY_ARENA_RESIDENT, false},
        {"pools", HL_SNAP_MEMORY + HL_MEMORY_ARENA_POOLS, false},
        {"used", HL_SNAP_MEMORY + HL_MEMORY_ARENA_USED, false},
        {"image", HL_SNAP_MEMORY + HL_MEMORY_IMAGE, false},
        {"imagesize", HL_SNAP_MEMORY + HL_MEMORY_IMAGE_SIZE, false},
        {"ours", HL_SNAP_MEMORY + HL_MEMORY_OURS, false},
        {"blocks", HL_SNAP_RESOURCE + HL_RESOURCE_BLOCKS, false},
        {"malloc", HL_SNAP_RESOURCE + HL_RESOURCE_MALLOC, false},
        {"fds", HL_SNAP_RESOURCE + HL_RESOURCE_FDS, false},
        {"tasks", HL_SNAP_RESOURCE + HL_RESOURCE_THREADS, false},
        {"maps", HL_SNAP_RESOURCE + HL_RESOURCE_MAPPINGS, false},
        {"nonerefs", HL_SNAP_SHARED + 2 * HL_SHARED_NONE, true},
        {"noneedges", HL_SNAP_SHARED + 2 * HL_SHARED_NONE + 1, true},
        {"partly", HL_SNAP_PARTLY, true},
        {"sorted", HL_SNAP_SORTED, true},
        {"leaves", HL_SNAP_LEAVES, true},
        {"leavesseen", HL_SNAP_LEAVES_SEEN, true},
        {"dups", HL_SNAP_DUP_CONTENTS, true},
        {"dupbytes", HL_SNAP_DUP_BYTES, true},
    };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        uint64_t n = 0;
        if (!dsl_numeric(word, words[i].key, &n, bad))
            continue;
        hl_field_uint(words[i].at_end ? end : meta, words[i].tag, n);
        return true;
    }
    return false;
}

void dsl_put_surveys(const dsl_heap *h, hl_snap_writer *w)
{
    for (size_t i = 0; i < h->threads.n; i++) {
        const dsl_thread *t = DSL_AT(h->threads, dsl_thread, i);
        uint64_t link =
            t->node == HL_NO_NODE ? 0 : (uint64_t)DSL_AT(h->nodes, dsl_node, t->node)->prov + 1;
        const uint64_t values[] = {t->index, t->ident, t->native, link, t->name, t->flags};
        for (unsigned k = 0; k < sizeof values / sizeof values[0]; k++)
            hl_snap_put(w, HL_COL_THREAD, values[k]);
    }
    for (size_t i = 0; i < h->dups.n; i++) {
        const dsl_dup *d = DSL_AT(h->dups, dsl_dup, i);
        const uint64_t values[] = {d->type, d->len, d->bytes, d->copies, d->seen, d->holders.n};
        for (unsigned k = 0; k < sizeof values / sizeof values[0]; k++)
            hl_snap_put(w, HL_COL_DUP, values[k]);
        for (size_t k = 0; k < d->holders.n; k++) {
            const dsl_holder *at = DSL_AT(d->holders, dsl_holder, k);
            hl_snap_put(w, HL_COL_DUP, DSL_AT(h->nodes, dsl_node, at->node)->prov);
            hl_snap_put(w, HL_COL_DUP, at->label);
        }
    }
}
