/* tests/inside/dump.c: one snapshot as lines of text, for the tests to compare with the truth.
 *
 * Room   tests; analyser. usage: dump FILE INDEX; the fields of a line are parted by tabs.
 *   N address type size refcnt len flags cap ext bounded     E source target kind value
 *   F holder type objects bytes                              R kind address name thread line
 * progress C address name qualname file line args kwonly vars free  U code-address scope name bits
 *   K address kind detail                                    T name flags address basicsize
 *   H index ident native address name flags                  D type len bytes copies seen holders
 *   I field value */
#include "snapshot/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t at(const hl_snap *s, hl_node v)
{
    return v == HL_NO_NODE ? 0 : hl_snap_address(s, v);
}

static void text(const char *s)
{
    for (; *s; s++)
        putchar((unsigned char)*s < 32 ? '?' : *s);
}

static void nodes(const hl_snap *s)
{
    for (hl_node v = 0; v < s->nodes; v++) {
        const hl_snap_extra *x = hl_snap_extra_of(s, v);
        printf("N\t%" PRIx64 "\t", at(s, v));
        text(hl_snap_type_name(s, v));
        printf("\t%" PRIu64 "\t%" PRIu32 "\t%" PRId32 "\t%u\t%" PRIu64 "\t%" PRIu64 "\t%d\n",
               hl_snap_size(s, v), hl_snap_refcnt(s, v), hl_snap_len(s, v), s->flag[v],
               x ? x->cap : 0, x ? x->ext : 0, x ? x->bounded : 0);
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
            enum hl_label_kind kind = hl_label_kind(s->label[e]);
            uint32_t value = hl_label_value(s->label[e]);
            printf("E\t%" PRIx64 "\t%" PRIx64 "\t%d\t", at(s, v), at(s, s->dst[e]), kind);
            bool named = kind == HL_LABEL_NAMED || kind == HL_LABEL_ATTR || kind == HL_LABEL_SLOT ||
                         kind == HL_LABEL_KEY || kind == HL_LABEL_LOCAL;
            if (named)
                text(s->names[value]);
            else if (kind == HL_LABEL_VALUE)
                text(s->names[s->types[value].name]);
            else
                printf("%" PRIu32, value);
            putchar('\n');
        }
    }
}

static void codes(const hl_snap *s)
{
    for (uint32_t i = 0; i < s->n_codes; i++) {
        const hl_snap_code *c = &s->codes[i];
        printf("C\t%" PRIx64 "\t%s\t%s\t%s\t%u\t%u\t%u\t", at(s, c->node), s->names[c->name],
               s->names[c->qualname], s->names[c->file], c->line, c->args, c->kwonly);
        for (uint32_t j = 0; j < c->n_vars; j++)
            printf("%s%s", j ? "," : "", s->names[s->name_lists[c->vars + j]]);
        putchar('\t');
        for (uint32_t j = 0; j < c->n_free; j++)
            printf("%s%s", j ? "," : "", s->names[s->name_lists[c->free + j]]);
        putchar('\n');
    }
    for (uint32_t i = 0; i < s->n_uses; i++)
        printf("U\t%" PRIx64 "\t%d\t%s\t%u\n", at(s, s->codes[s->uses[i].code].node),
               s->uses[i].scope, s->names[s->uses[i].name], s->uses[i].bits);
}

static void tables(const hl_snap *s)
{
    for (uint32_t i = 0; i < s->n_folds; i++) {
        hl_snap_fold f = hl_snap_fold_at(s, i);
        printf("F\t%" PRIx64 "\t%s\t%" PRIu64 "\t%" PRIu64 "\n", at(s, f.node),
               s->names[s->types[f.type].name], f.objects, f.bytes);
    }
    for (uint32_t i = 0; i < s->n_roots; i++)
        printf("R\t%d\t%" PRIx64 "\t%s\t%u\t%u\t%u\n", s->roots[i].kind, at(s, s->roots[i].node),
               s->names[s->roots[i].name], s->roots[i].thread, s->roots[i].line,
               s->roots[i].progress);
    for (uint32_t i = 0; i < s->n_keys; i++)
        printf("K\t%" PRIx64 "\t%d\t%u\n", at(s, s->keys[i].node), s->keys[i].kind,
               s->keys[i].detail);
    for (uint32_t i = 0; i < s->n_types; i++)
        printf("T\t%s\t%u\t%" PRIx64 "\t%u\n", s->names[s->types[i].name], s->types[i].flags,
               at(s, s->types[i].node), s->types[i].basicsize);
    const hl_snap_info *o = &s->info;
    printf("I\tgc_enabled\t%d\nI\tgc_running\t%d\nI\tgc_frozen\t%u\nI\treason\t%s\nI\tpython\t%s\n",
           o->gc_enabled, o->gc_running, o->gc_frozen, o->reason, o->python);
    printf("I\tgc_threshold0\t%u\n", o->gc_threshold0);
    for (unsigned i = 0; i < 3; i++)
        printf("I\tgc_collections%u\t%llu\n", i, (unsigned long long)o->gc_collections[i]);
    printf("I\tskipped\t%" PRIu64 "\nI\tfolded\t%" PRIu64 "\nI\tpid\t%u\n", o->skipped, o->folded,
           o->pid);
    printf("I\tsorted\t%" PRIu64 "\n", o->sorted);
}

static void surveys(const hl_snap *s)
{
    const hl_snap_info *o = &s->info;
    for (uint32_t i = 0; i < s->n_threads; i++) {
        const hl_snap_thread *t = &s->threads[i];
        printf("H\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIx64 "\t", t->index, t->ident, t->native,
               at(s, t->node));
        text(s->names[t->name]);
        printf("\t%u\n", t->flags);
    }
    for (uint32_t i = 0; i < s->n_dups; i++) {
        const hl_snap_dup *d = &s->dups[i];
        printf("D\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t",
               s->names[s->types[d->type].name], d->len, d->bytes, d->copies, d->seen);
        for (uint32_t k = 0; k < d->n_holders; k++)
            printf("%s%" PRIx64, k ? "," : "", at(s, s->dup_holders[d->holders + k].node));
        putchar('\n');
    }
    for (unsigned i = 0; i < HL_MEMORY_COUNT; i++)
        if (o->memory_known & 1u << i)
            printf("I\tmemory%u\t%" PRIu64 "\n", i, o->memory[i]);
    printf("I\trss\t%" PRIu64 "\nI\tleaves\t%" PRIu64 "\nI\tleaves_seen\t%" PRIu64
           "\nI\tdup_contents\t%" PRIu64 "\nI\tdup_bytes\t%" PRIu64 "\n",
           o->rss_bytes, o->leaves, o->leaves_seen, o->dup_contents, o->dup_bytes);
}

int main(int argc, char **argv)
{
    hl_err err = {.status = HL_OK};
    hl_run *run;
    hl_snap *snap;
    if (argc != 3) {
        fprintf(stderr, "usage: dump FILE INDEX\n");
        return 2;
    }
    if (hl_run_open(argv[1], &run, &err) ||
        hl_snap_load(run, (uint32_t)strtoul(argv[2], NULL, 10), &snap, &err) ||
        hl_snap_check(snap, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    nodes(snap);
    codes(snap);
    tables(snap);
    surveys(snap);
    hl_snap_destroy(snap);
    hl_run_close(run);
    return 0;
}
