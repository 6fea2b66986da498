/* snapshot/snap_verify.c: the promises of snapshot.h as code, and a whole file held against them.
 *
 * Room   snapshot; analyser process; for doctor, tests and fuzzers.
 * Takes  a loaded hl_snap, or an open hl_run.   Gives  the first broken promise, or a verdict.
 * Shares no code with the loader, which it judges. */
#define _GNU_SOURCE
#include "snapshot/snap_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static hl_status broken(hl_err *err, const char *what, uint64_t at)
{
    return hl_err_set(err, HL_CORRUPT, "broken promise: %s (at %" PRIu64 ")", what, at);
}

/* Every wide row belongs to a node that sends readers there, in their order, and needs it. */
static bool wides_fit(const hl_snap_wides *w, uint64_t least, uint32_t nodes)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (w->rows[i].node >= nodes || w->rows[i].value < least ||
            (i && w->rows[i - 1].node >= w->rows[i].node))
            return false;
    return true;
}

static hl_status check_narrow(const hl_snap *s, hl_err *err)
{
    uint32_t size = 0, refcnt = 0, len = 0;
    if (!wides_fit(&s->size.wide, UINT16_MAX, s->nodes) ||
        !wides_fit(&s->refcnt.wide, UINT8_MAX, s->nodes) ||
        !wides_fit(&s->len.wide, UINT8_MAX, s->nodes))
        return broken(err, "order of the wide rows", 0);
    for (uint32_t v = 0; v < s->nodes; v++) {
        if (s->size.at[v] == UINT16_MAX &&
            (size == s->size.wide.n || s->size.wide.rows[size++].node != v))
            return broken(err, "wide row of a size", v);
        if (s->refcnt.at[v] == UINT8_MAX &&
            (refcnt == s->refcnt.wide.n || s->refcnt.wide.rows[refcnt++].node != v))
            return broken(err, "wide row of a reference count", v);
        if (s->len.at[v] == UINT8_MAX &&
            (len == s->len.wide.n || s->len.wide.rows[len++].node != v))
            return broken(err, "wide row of a length", v);
    }
    return size == s->size.wide.n && refcnt == s->refcnt.wide.n && len == s->len.wide.n
               ? HL_OK
               : broken(err, "wide rows without a node", s->nodes);
}

static hl_status check_rows(const hl_snap *s, hl_err *err)
{
    uint32_t extras = 0;
    for (uint32_t v = 0; v < s->nodes; v++) {
        if (s->type[v] >= s->n_types)
            return broken(err, "type of a node", v);
        if (s->prov[v] >> 8 >= s->n_pages)
            return broken(err, "page of a node", v);
        if (hl_snap_len(s, v) < HL_LEN_NONE)
            return broken(err, "length of a node", v);
        if ((hl_snap_refcnt(s, v) == 0) != ((s->flag[v] & HL_NODE_IMMORTAL) != 0))
            return broken(err, "immortal flag of a node", v);
        if (s->flag[v] & HL_NODE_EXTRA) {
            if (extras == s->n_extra || s->extra[extras].node != v)
                return broken(err, "extra row of a node", v);
            if (s->extra[extras].ext > hl_snap_size(s, v))
                return broken(err, "memory outside is part of the size", v);
            extras++;
        }
    }
    return extras == s->n_extra ? HL_OK : broken(err, "extra rows without a node", extras);
}

static bool label_fits(const hl_snap *s, hl_label label)
{
    uint32_t value = hl_label_value(label);
    switch (hl_label_kind(label)) {
    case HL_LABEL_NAMED:
    case HL_LABEL_ATTR:
    case HL_LABEL_SLOT:
    case HL_LABEL_KEY:
    case HL_LABEL_LOCAL:
        return value < s->n_names;
    case HL_LABEL_VALUE:
        return value < s->n_types;
    case HL_LABEL_INTERNAL:
    case HL_LABEL_DICTKEY:
    case HL_LABEL_INDEX:
    case HL_LABEL_ELEMENT:
    case HL_LABEL_CELL:
    case HL_LABEL_STACK:
    case HL_LABEL_WEAK:
    case HL_LABEL_TYPE:
    case HL_LABEL_BASE:
    case HL_LABEL_UNOWNED:
        break;
    }
    return true;
}

static hl_status check_edges(const hl_snap *s, hl_err *err)
{
    if (s->edges >= UINT32_MAX)
        return broken(err, "number of edges", s->edges);
    if (s->off[0] != 0 || s->off[s->nodes] != s->edges)
        return broken(err, "ends of the offsets", s->off[s->nodes]);
    for (uint32_t v = 0; v < s->nodes; v++)
        if (s->off[v] > s->off[v + 1])
            return broken(err, "ascending offsets", v);
    for (uint64_t e = 0; e < s->edges; e++) {
        if (s->dst[e] >= s->nodes)
            return broken(err, "target of an edge", e);
        if (!label_fits(s, s->label[e]))
            return broken(err, "label of an edge", e);
    }
    return HL_OK;
}

static hl_status check_names(const hl_snap *s, hl_err *err)
{
    if (s->n_names == 0 || s->names[0][0])
        return broken(err, "name 0 is empty", 0);
    for (uint32_t i = 0; i < s->n_names; i++)
        for (const char *p = s->names[i], *end = p + strlen(p); p < end;) {
            unsigned n = hl_snap_text_char(p, end);
            if (!n)
                return broken(err, "a name is UTF-8", i);
            p += n;
        }
    for (uint32_t i = 0; i < s->n_types; i++) {
        if (s->types[i].name >= s->n_names)
            return broken(err, "name of a type", i);
        if (s->types[i].node != HL_NO_NODE && s->types[i].node >= s->nodes)
            return broken(err, "node of a type", i);
    }
    for (uint32_t i = 0; i < s->n_name_lists; i++)
        if (s->name_lists[i] >= s->n_names)
            return broken(err, "name of a variable", i);
    return HL_OK;
}

static hl_status check_codes(const hl_snap *s, hl_err *err)
{
    uint64_t uses = 0;
    for (uint32_t i = 0; i < s->n_codes; i++) {
        const hl_snap_code *c = &s->codes[i];
        if (c->node >= s->nodes || (i && s->codes[i - 1].node >= c->node))
            return broken(err, "order of the codes", i);
        if (c->name >= s->n_names || c->qualname >= s->n_names || c->file >= s->n_names)
            return broken(err, "names of a code", i);
        if ((uint64_t)c->vars + c->n_vars > s->n_name_lists ||
            (uint64_t)c->free + c->n_free > s->n_name_lists)
            return broken(err, "name lists of a code", i);
        if ((uint64_t)c->uses + c->n_uses > s->n_uses)
            return broken(err, "uses of a code", i);
        for (uint32_t u = 0; u < c->n_uses; u++)
            if (s->uses[c->uses + u].code != i)
                return broken(err, "code of a use", c->uses + u);
        uses += c->n_uses;
    }
    if (uses != s->n_uses)
        return broken(err, "every use has a code", uses);
    for (uint32_t i = 0; i < s->n_uses; i++)
        if (s->uses[i].name >= s->n_names || (i && s->uses[i - 1].code > s->uses[i].code))
            return broken(err, "order of the uses", i);
    return HL_OK;
}

static hl_status check_tables(const hl_snap *s, hl_err *err)
{
    for (uint32_t i = 0; i < s->n_extra; i++)
        if (s->extra[i].node >= s->nodes || (i && s->extra[i - 1].node >= s->extra[i].node))
            return broken(err, "order of the extra rows", i);
    for (uint32_t i = 0; i < s->n_folds; i++) {
        if (s->folds[i].type == HL_FOLD_WIDE && s->folds[i].bytes >= s->n_wide_folds)
            return broken(err, "wide row of a fold", i);
        hl_snap_fold f = hl_snap_fold_at(s, i);
        if (f.node != s->folds[i].node || f.node >= s->nodes || f.type >= s->n_types ||
            (i && s->folds[i - 1].node > f.node))
            return broken(err, "order of the folds", i);
    }
    for (uint32_t i = 0; i < s->n_roots; i++)
        if (s->roots[i].node >= s->nodes || s->roots[i].name >= s->n_names)
            return broken(err, "node and name of a root", i);
    for (uint32_t i = 0; i < s->n_keys; i++)
        if (s->keys[i].node >= s->nodes || (i && s->keys[i - 1].node >= s->keys[i].node) ||
            (s->keys[i].kind == HL_KEYS_OBJECT && s->keys[i].detail >= s->n_types))
            return broken(err, "order of the keys", i);
    for (uint32_t i = 0; i < s->n_expects; i++)
        if (s->expects[i].node >= s->nodes || s->expects[i].reason >= s->n_names ||
            s->expects[i].type >= s->n_names)
            return broken(err, "expected objects", i);
    for (uint32_t i = 0; i < s->n_offs; i++)
        if (s->offs[i].node >= s->nodes || s->offs[i].name >= s->n_names ||
            (i && s->offs[i - 1].node > s->offs[i].node))
            return broken(err, "order of the limits", i);
    for (uint32_t i = 0; i < s->n_numbers; i++)
        if (s->numbers[i].node >= s->nodes || s->numbers[i].name >= s->n_names ||
            (i && s->numbers[i - 1].node > s->numbers[i].node))
            return broken(err, "order of the numbers", i);
    return HL_OK;
}

static hl_status check_surveys(const hl_snap *s, hl_err *err)
{
    uint64_t holders = 0;
    for (uint32_t i = 0; i < s->n_threads; i++)
        if (s->threads[i].name >= s->n_names ||
            (s->threads[i].node != HL_NO_NODE && s->threads[i].node >= s->nodes))
            return broken(err, "node and name of a thread", i);
    for (uint32_t i = 0; i < s->n_dups; i++) {
        if (s->dups[i].type >= s->n_types)
            return broken(err, "type of equal leaves", i);
        if (s->dups[i].holders != holders)
            return broken(err, "holders of equal leaves", i);
        holders += s->dups[i].n_holders;
    }
    if (holders != s->n_dup_holders)
        return broken(err, "every holder has its equal leaves", holders);
    for (uint32_t i = 0; i < s->n_dup_holders; i++)
        if (s->dup_holders[i].node >= s->nodes || !label_fits(s, s->dup_holders[i].label))
            return broken(err, "node and label of a holder", i);
    return HL_OK;
}

static hl_status check_sites(const hl_snap *s, hl_err *err)
{
    for (uint32_t i = 0; i < s->n_frames; i++)
        if (s->frames[i].function >= s->n_names || s->frames[i].file >= s->n_names)
            return broken(err, "names of a frame", i);
    for (uint32_t i = 0; i < s->n_stacks; i++)
        if (s->stacks[i].frame >= s->n_frames ||
            (i ? s->stacks[i].caller >= i : s->stacks[i].caller))
            return broken(err, "frame and caller of a stack", i);
    for (uint32_t i = 0; i < s->n_sites; i++)
        if (s->sites[i].stack >= s->n_stacks || s->sites[i].domain >= HL_BLOCK_DOMAINS ||
            (i && s->sites[i - 1].stack > s->sites[i].stack))
            return broken(err, "order of the sites", i);
    for (uint32_t i = 0; i < s->n_ages; i++)
        if (s->ages[i].stack >= s->n_stacks || (i && s->ages[i - 1].stack > s->ages[i].stack))
            return broken(err, "order of the ages", i);
    for (uint32_t i = 0; i < s->n_made; i++)
        if (s->made[i].node >= s->nodes || s->made[i].stack >= s->n_stacks ||
            s->made[i].leaf > s->n_types || (i && s->made[i - 1].node > s->made[i].node))
            return broken(err, "order of what was made", i);
    return HL_OK;
}

static hl_status check_natives(const hl_snap *s, hl_err *err)
{
    for (uint32_t i = 0; i < s->n_modules; i++)
        if (s->modules[i].path >= s->n_names || s->modules[i].id >= s->n_names)
            return broken(err, "names of a module", i);
    for (uint32_t i = 0; i < s->n_natives; i++) {
        const hl_snap_native *k = &s->natives[i];
        if (k->module >= s->n_modules || (i ? k->caller >= i : k->caller) ||
            (!k->module && k->at >= s->n_stacks))
            return broken(err, "module and caller of a native stack", i);
    }
    for (uint32_t i = 0; i < s->n_native_sites; i++)
        if (s->native_sites[i].stack >= s->n_natives ||
            (i && s->native_sites[i - 1].stack > s->native_sites[i].stack))
            return broken(err, "order of the native sites", i);
    return HL_OK;
}

static bool is_hold(const hl_snap *s, const hl_snap_hold_by *by)
{
    const uint32_t below[HL_HOLD_KINDS] = {[HL_HOLD_OTHER] = UINT32_MAX,
                                           [HL_HOLD_DATA] = s->n_modules,
                                           [HL_HOLD_BLOCK] = s->n_natives,
                                           [HL_HOLD_OBJECT] = s->n_types + 1,
                                           [HL_HOLD_STACK] = UINT32_MAX};
    return (unsigned)by->kind < HL_HOLD_KINDS && by->which < below[by->kind];
}

static hl_status check_mark(const hl_snap *s, hl_err *err)
{
    for (uint32_t i = 0; i < s->n_losts; i++)
        if (s->losts[i].stack >= s->n_natives || s->losts[i].type1 > s->n_types ||
            (i && s->losts[i - 1].stack > s->losts[i].stack))
            return broken(err, "order of what is lost", i);
    for (uint32_t i = 0; i < s->n_lost_sites; i++)
        if (s->lost_sites[i].stack >= s->n_stacks || s->lost_sites[i].type1 > s->n_types ||
            (i && s->lost_sites[i - 1].stack > s->lost_sites[i].stack))
            return broken(err, "order of what Python has lost", i);
    for (uint32_t i = 0; i < s->n_holds; i++)
        if (s->holds[i].stack >= s->n_natives || !is_hold(s, &s->holds[i].by) ||
            (i && s->holds[i - 1].stack > s->holds[i].stack))
            return broken(err, "order of holders", i);
    for (uint32_t i = 0; i < s->n_helds; i++)
        if (s->helds[i].node >= s->nodes || !is_hold(s, &s->helds[i].by) ||
            (i && s->helds[i - 1].node > s->helds[i].node))
            return broken(err, "order of what is held", i);
    for (uint32_t i = 0; i < s->n_nobodys; i++)
        if (s->nobodys[i] >= s->nodes || (i && s->nobodys[i - 1] >= s->nobodys[i]))
            return broken(err, "order of what nobody holds", i);
    return HL_OK;
}

hl_status hl_snap_check(const hl_snap *s, hl_err *err)
{
    if (check_names(s, err) || check_tables(s, err) || check_narrow(s, err) || check_rows(s, err) ||
        check_edges(s, err) || check_codes(s, err) || check_surveys(s, err) ||
        check_sites(s, err) || check_natives(s, err) || check_mark(s, err))
        return err->status;
    return HL_OK;
}

static void damage_sentence(const hl_damage *d, char *out, size_t size)
{
    if (d->torn_tail && !d->gaps && !d->payloads_bad)
        snprintf(out, size,
                 "the file ends inside a chunk: the last %" PRIu64 " bytes (from %" PRIu64
                 " on) are lost, what comes before is whole",
                 d->bytes_lost, d->first_offset);
    else
        snprintf(out, size,
                 "damaged from byte %" PRIu64 " on: %" PRIu64 " bytes lost, %u gaps, %u chunks "
                 "with bad contents",
                 d->first_offset, d->bytes_lost, d->gaps, d->payloads_bad);
}

/* The damage the container sees explains what the snapshots lack, so it is said first. */
static void first_problem(const hl_run_body *b, const hl_err *load, hl_snap_verdict *v)
{
    const hl_damage *d = &v->damage;
    if (d->bytes_lost || d->payloads_bad)
        damage_sentence(d, v->first_problem, sizeof v->first_problem);
    else if (b->first_problem[0])
        memcpy(v->first_problem, b->first_problem, sizeof v->first_problem);
    else if (load->status)
        memcpy(v->first_problem, load->text, sizeof v->first_problem);
}

hl_status hl_run_verify(hl_run *run, hl_snap_verdict *out, hl_err *err)
{
    const hl_run_body *b = (const hl_run_body *)run;
    if (hl_container_verify(run->file, err))
        return err->status;
    hl_snap_verdict v = {.torn = run->n_torn - b->n_broken, .broken = b->n_broken};
    hl_err first = {0};
    for (uint32_t i = 0; i < run->n_snaps; i++) {
        hl_err why;
        hl_snap *s = NULL;
        hl_status status = hl_snap_load(run, i, &s, &why);
        if (!status)
            status = hl_snap_check(s, &why);
        hl_snap_destroy(s);
        if (status == HL_NO_MEMORY || status == HL_IO) {
            *err = why;
            return status;
        }
        v.whole += status == HL_OK;
        v.broken += status != HL_OK;
        if (status && !first.status)
            first = why;
    }
    v.damage = hl_container_damage(run->file);
    first_problem(b, &first, &v);
    *out = v;
    return HL_OK;
}
