/* diagnose/cycle.c: cycles that nothing holds and nobody collects.
 *
 * Room   diagnose; a rule (R1, R2, R3), judged over all moments and shown in the last.
 * Signs  components no root reaches, whose refcounts are their own edges; and a collector that is
 *        off, or never runs (threshold 0), or was told to leave them alone (gc.freeze).
 * Guards the collector is on: it will free them, so a note at most. */
#include "diagnose/case.h"
#include "diagnose/judge.h"

#include <inttypes.h>
#include <string.h>

enum { NOTES_MAX = 3, MANY_CYCLES = 1000 };

static const char *why_uncollected(const hl_case *c, const hl_cycle *k)
{
    const hl_snap_info *i = &c->moments[c->n_moments - 1].info;
    if (k->in_gc_garbage)
        return "they are in gc.garbage";
    if (k->uncollectable)
        return "a type in them owns references the collector cannot see";
    if (k->frozen)
        return "gc.freeze() moved them out of the collector's sight";
    if (!i->gc_enabled)
        return "the collector is off (gc.disable())";
    if (!i->gc_threshold0)
        return "the collector never runs (gc.set_threshold(0))";
    return NULL;
}

/* Garbage still rose in the later half of the run: not a burst while a library was imported. */
static bool garbage_grew(const hl_case *c)
{
    const hl_moment *m = c->moments;
    uint32_t n = c->n_moments, mid = 0;
    double half = (m[0].work + m[n - 1].work) / 2;
    while (mid + 1 < n && m[mid + 1].work <= half)
        mid++;
    return n < 3 || m[n - 1].garbage_objects > m[mid].garbage_objects;
}

static bool from_library(const hl_case *c, const hl_cycle *k)
{
    /* types of the program itself read "__main__.X"; of others, note only what is big */
    (void)c;
    return !strstr(k->signature, "__main__");
}

static void chain_of(hl_case *c, const hl_cycle *k, hl_finding *f)
{
    f->path = hl_arena_array(c->arena, k->n_edges + 1, sizeof *f->path);
    if (!f->path)
        return;
    for (uint32_t i = 0; i <= k->n_edges; i++) {
        hl_node v = k->edges[i % k->n_edges].from;
        hl_chain_step *step = &f->path[f->n_path++];
        step->type = hl_arena_printf(c->arena, "%s", hl_snap_type_name(c->snap, v));
        if (!i)
            continue;
        char edge[128];
        hl_label_text(c->snap, k->edges[i - 1].label, edge, sizeof edge);
        step->edge = hl_arena_printf(c->arena, "%s", edge);
        step->guilty = i == k->n_edges;
    }
}

static void find(hl_case *c, const hl_cycle *k, const char *why)
{
    hl_finding *f = hl_finding_add(c, "reference-cycle", HL_CERTAIN);
    if (!f)
        return;
    char count[32], bytes[16];
    f->title =
        hl_arena_printf(c->arena, "%s reference cycle%s %s %s garbage that stays: %s; %s",
                        hl_count_text(k->cycles, count), k->cycles == 1 ? "" : "s", k->signature,
                        k->cycles == 1 ? "is" : "are", why, hl_bytes_text(k->bytes, bytes));
    f->holder.name = hl_arena_printf(c->arena, "%s", k->signature);
    f->holder.kind = "none";
    f->holder.type = hl_arena_printf(c->arena, "%s", hl_snap_type_name(c->snap, k->sample));
    chain_of(c, k, f);
    f->retained.objects = k->objects;
    f->retained.bytes = k->bytes;
    const hl_moment *first = &c->moments[0], *last = &c->moments[c->n_moments - 1];
    f->growth.objects = k->objects;
    f->growth.bytes = f->growth.since_bytes = k->bytes;
    double seconds = (double)(last->info.time_us - first->info.time_us) / 1e6;
    f->growth.per_second = seconds > 0 ? (double)k->bytes / seconds : -1;
    if (last->info.rounds) {
        f->growth.per_round = (double)k->objects / (double)last->info.rounds;
        f->growth.bytes_per_round = (double)k->bytes / (double)last->info.rounds;
    }
    f->series = hl_arena_array(c->arena, c->n_moments, sizeof *f->series);
    for (uint32_t i = 0; f->series && i < c->n_moments; i++)
        f->series[i] = c->moments[i].garbage_objects;
    f->n_series = f->series ? c->n_moments : 0;
    f->series_unit = "objects";
    char objects[32];
    hl_finding_evidence(c, f, "%s cycles, %s objects that only hold each other",
                        hl_count_text(k->cycles, count), hl_count_text(k->objects, objects));
    for (uint32_t i = 0; i < k->n_edges; i++) {
        char edge[128];
        hl_label_text(c->snap, k->edges[i].label, edge, sizeof edge);
        hl_finding_evidence(c, f, "edge %s%s -> %s", hl_snap_type_name(c->snap, k->edges[i].from),
                            edge, hl_snap_type_name(c->snap, k->edges[(i + 1) % k->n_edges].from));
    }
    hl_finding_evidence(c, f, "%s", why);
    if (k->finalizer)
        hl_finding_evidence(c, f, "has a finalizer (since 3.4 that does not keep a cycle alive)");
    f->fix = "break the cycle: make the back reference weak (weakref.ref), clear it when done, or "
             "leave the collector on (gc.enable(), or gc.collect() at quiet points)";
    hl_finding_seal(c, f);
}

hl_status hl_rule_cycles(hl_case *c, hl_err *err)
{
    const hl_moment *last = &c->moments[c->n_moments - 1];
    if (!last->garbage_objects)
        return HL_OK;
    if (hl_case_anchor(c, c->n_moments - 1, err))
        return err->status;
    hl_cycle *cycles;
    uint32_t n, notes = 0;
    if (hl_cycles_find(c->graph, &c->scratch, &cycles, &n, err))
        return err->status;
    for (uint32_t i = 0; i < n; i++) {
        const hl_cycle *k = &cycles[i];
        const char *why = why_uncollected(c, k);
        bool many = k->bytes >= c->material || k->cycles >= MANY_CYCLES;
        if (why && many && garbage_grew(c)) {
            find(c, k, why);
            continue;
        }
        if (notes >= NOTES_MAX || (from_library(c, k) && k->bytes < c->material))
            continue;
        char count[32], bytes[16];
        hl_note_add(c, "reference-cycle", "%s garbage cycle%s %s (%s): %s",
                    hl_count_text(k->cycles, count), k->cycles == 1 ? "" : "s", k->signature,
                    hl_bytes_text(k->bytes, bytes),
                    why ? why : "the collector is on and frees such cycles when it next runs");
        notes++;
    }
    return HL_OK;
}
