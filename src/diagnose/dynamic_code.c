/* diagnose/dynamic_code.c: classes, modules and code made at run time, over and over.
 *
 * Room   diagnose; a rule (R18), and one over all moments for modules.
 * Signs  down the heaviest growth from the holder stand classes, modules or code objects that
 *        multiply with it. Modules in sys.modules are roots themselves: there the count of alike
 *        modules is judged, over all moments.
 * Guards modules that differ are imports; classes that do not multiply belong to the program; one
 *        that its base made for one instance is part of that. */
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <stdlib.h>
#include <string.h>

enum { COPIES_MIN = 16, MODULES_MIN = 32, EVIDENCE_MODULES = 8 };

static const double SLOWS = 0.5; /* the later half gained less than half of what the first did */

typedef struct made {
    hl_node node; /* one of them */
    uint64_t copies;
    const char *what, *plural;
} made;

static const char *what_is(const hl_case *c, hl_node v, const char **plural)
{
    *plural = hl_is_type(c, v)          ? "classes"
              : hl_is_a(c, v, "module") ? "modules"
              : hl_is_a(c, v, "code")   ? "code objects"
                                        : NULL;
    return hl_is_type(c, v) ? "class" : hl_is_a(c, v, "module") ? "module" : "code object";
}

/* A class that another made for one instance, under its own name, when it was called (a Mock has one
 * each, for its special methods): nobody makes classes there, and there are as many as instances. */
static bool is_of_an_instance(const hl_case *c, hl_node class)
{
    const hl_snap *s = c->snap;
    hl_node mro = hl_graph_follow(c->graph, class, HL_LABEL_NAMED, "__mro__");
    const char *name = hl_kind_name(c, class);
    hl_node make = hl_class_defines(c, class, "__new__");
    if (mro == HL_NO_NODE || !(hl_is_a(c, make, "staticmethod") || hl_is_a(c, make, "function")))
        return false;
    for (uint32_t e = s->off[mro]; e < s->off[mro + 1]; e++)
        if (s->dst[e] != class && hl_is_type(c, s->dst[e]) &&
            !strcmp(hl_kind_name(c, s->dst[e]), name) && strcmp(name, "?") != 0)
            return true;
    return false;
}

static bool find_made(const hl_case *c, const hl_suspect *s, made *out)
{
    const hl_growth *g = s->growth;
    hl_shape shapes[HL_DESCENT];
    uint32_t n = hl_descend(c, s, shapes, HL_DESCENT);
    for (uint32_t i = 0; i < n; i++) {
        hl_node v = hl_heaviest_of(c, shapes[i]);
        if (v == HL_NO_NODE)
            break;
        if (v == s->holder) /* a class that gains attributes is one class */
            continue;
        out->what = what_is(c, v, &out->plural);
        if (!out->plural)
            continue;
        if (hl_is_type(c, v) && is_of_an_instance(c, v))
            return false;
        out->node = v;
        out->copies = hl_shape_more(c, g, shapes[i]);
        return out->copies >= COPIES_MIN && 2 * hl_shape_gain(c, g, shapes[i]) >= g->bytes;
    }
    return false;
}

/* A code object of v: v itself, or of the first function in its namespace; in a module's, of one that was
 * defined there, not imported. */
static hl_node code_in(const hl_case *c, hl_node v)
{
    const hl_snap *s = c->snap;
    if (hl_is_a(c, v, "code"))
        return v;
    hl_node dict = hl_graph_follow(c->graph, v, HL_LABEL_NAMED, "__dict__");
    for (uint32_t e = dict == HL_NO_NODE ? 0 : s->off[dict];
         dict != HL_NO_NODE && e < s->off[dict + 1]; e++)
        if (hl_is_a(c, s->dst[e], "function") &&
            (hl_is_type(c, v) ||
             hl_graph_follow(c->graph, s->dst[e], HL_LABEL_NAMED, "__globals__") == dict))
            return hl_graph_follow(c->graph, s->dst[e], HL_LABEL_NAMED, "__code__");
    return HL_NO_NODE;
}

static const char *fix_for(const made *m)
{
    if (!strcmp(m->what, "class"))
        return "make the class once, outside the function or behind a cache keyed by what differs, "
               "and make instances of it; a class costs kilobytes and lives in its registry and in "
               "every cache that met it";
    if (!strcmp(m->what, "module"))
        return "load each module once under one name; run generated code in a dict that is dropped "
               "afterwards, or take its module out of sys.modules when done";
    return "compile once and keep the code object, or drop the function when done with it: code "
           "from exec, eval and compile is made anew each time";
}

static bool dynamic_code(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    made m;
    if (!find_made(c, s, &m))
        return false;
    hl_confidence confidence;
    /* a class for each row is wrong even where one loop made them */
    if (!hl_judge(c, s, u, hl_speaks(s, filled), &confidence))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_suspect shown = *s;
    shown.payload = m.node;
    hl_finding *f = hl_finding_about(c, &shown, "dynamic-code", confidence);
    if (!f)
        return true;
    char count[32], bytes[16];
    hl_node code = code_in(c, m.node);
    const char *place = hl_code_place(c, code);
    const char *name = hl_is_type(c, m.node) ? hl_kind_name(c, m.node) : hl_code_name(c, code);
    if (name && !strcmp(name, "?"))
        name = NULL; /* a class that nothing was ever made of */
    f->title = hl_arena_printf(c->arena, "%s keeps %s %s made at run time%s%s; it holds %s",
                               s->name, hl_count_text(m.copies, count), m.plural,
                               name ? ", such as " : "", name ? name : "", hl_judge_holds(c, s));
    if (place && !strcmp(m.what, "code object"))
        hl_finding_evidence(c, f, "one of them is %s", place);
    else if (place)
        hl_finding_evidence(c, f, "one %s of them has code from %s", m.what, place);
    hl_finding_evidence(c, f, "one such %s holds %s", m.what,
                        hl_bytes_text(c->graph->retained_bytes[m.node], bytes));
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = fix_for(&m);
    hl_finding_seal(c, f);
    return true;
}

/* Before caches: a table that looks up before it stores, and whose entries are classes or code of
 * its own, one each. A size for it would be the wrong advice. What the caller asked to be cached is
 * a cache all the same. */
static bool made_entries(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled)
{
    return u->memo && !hl_is_a(c, s->holder, "functools._lru_cache_wrapper") &&
           dynamic_code(c, s, u, filled);
}

const hl_rule hl_rule_made_entries = {"dynamic-code", made_entries};
const hl_rule hl_rule_dynamic_code = {"dynamic-code", dynamic_code};

/* ---- modules ------------------------------------------------------------------------------------
 */

/* What a module is made of, its values aside: equal for modules made from one text. */
static uint32_t likeness(const hl_case *c, hl_node module)
{
    const hl_snap *s = c->snap;
    uint32_t h = 0, n = 0;
    hl_node dict = hl_graph_follow(c->graph, module, HL_LABEL_NAMED, "__dict__");
    for (uint32_t e = dict == HL_NO_NODE ? 0 : s->off[dict];
         dict != HL_NO_NODE && e < s->off[dict + 1]; e++)
        if (hl_label_kind(s->label[e]) == HL_LABEL_KEY) {
            const char *name = s->names[hl_label_value(s->label[e])];
            uint32_t word = 2166136261u;
            for (; *name; name++)
                word = (word ^ (uint8_t)*name) * 16777619u;
            h += word * 2654435761u;
            n++;
        }
    return h ^ n;
}

typedef struct module_row {
    hl_node node;
    uint32_t likeness;
} module_row;

static int by_likeness(const void *a, const void *b)
{
    const module_row *x = a, *y = b;
    if (x->likeness != y->likeness)
        return x->likeness < y->likeness ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Bytes below the modules that were not there in moment `from`: also what another registry holds as
 * well, a cache of the classes they define. */
static uint64_t bytes_of_new(const hl_case *c, uint32_t from, uint32_t to)
{
    uint64_t bytes = 0;
    for (hl_shape s = 1; s < c->shapes.n_shapes; s++) {
        const hl_shape_info *info = &c->shapes.shapes[s];
        if (!info->parent && info->hold == HL_HOLD_MODULE &&
            !hl_shapes_count(&c->shapes, from, s).members)
            bytes += hl_shapes_count(&c->shapes, to, s).tree_bytes;
    }
    return bytes;
}

hl_status hl_rule_modules(hl_case *c, hl_err *err)
{
    uint32_t last = c->n_moments - 1, n = 0;
    if (c->n_moments < 3)
        return HL_OK;
    uint64_t *series = hl_arena_array(c->arena, c->n_moments, sizeof *series);
    c->kept = c->kept ? c->kept : hl_arena_array(&c->scratch, c->n_moments + 1, sizeof *c->kept);
    if (!series || !c->kept)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to count modules");
    for (uint32_t i = 0; i < c->n_moments; i++)
        series[i] = c->moments[i].modules;
    hl_growth g = {.metric = HL_METRIC_OBJECTS, .anchor = last, .series = series};
    if (series[last] < series[0] + MODULES_MIN || !hl_growth_rises(c, series, &g) ||
        g.course < SLOWS)
        return HL_OK;
    if (hl_case_anchor(c, last, err))
        return err->status;
    const hl_snap *s = c->snap;
    module_row *rows = hl_arena_array(&c->scratch, s->n_roots, sizeof *rows);
    if (!rows)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to count modules");
    for (uint32_t i = 0; i < s->n_roots; i++)
        if (s->roots[i].kind == HL_ROOT_MODULE)
            rows[n++] = (module_row){s->roots[i].node, likeness(c, s->roots[i].node)};
    qsort(rows, n, sizeof *rows, by_likeness);
    /* a plugin may be a package and what is in it: several kinds, and each many times */
    uint32_t alike = 0, first = 0;
    uint64_t all_alike = 0, bytes = 0, one = 0;
    for (uint32_t from = 0, to = 0; from < n; from = to) {
        uint64_t of_run = 0;
        for (to = from; to < n && rows[to].likeness == rows[from].likeness; to++)
            of_run += c->graph->retained_bytes[rows[to].node];
        if (to - from < MODULES_MIN)
            continue;
        all_alike += to - from;
        bytes += of_run;
        if (of_run > one) {
            one = of_run;
            alike = to - from;
            first = from;
        }
    }
    uint64_t gained = series[last] - series[g.onset];
    if (!alike || 2 * all_alike < gained)
        return HL_OK;
    uint64_t below = bytes_of_new(c, g.onset, last);
    bytes = below > bytes ? below : bytes;
    if (bytes < c->material)
        return HL_OK;
    one = c->graph->retained_bytes[rows[first + alike - 1].node];
    hl_finding *f = hl_finding_add(c, "dynamic-code", HL_STRONG);
    if (!f)
        return HL_OK;
    char count[32], text[16];
    g.units = series[last] - series[0];
    g.bytes = g.onset_bytes = bytes;
    double seconds =
        (double)(c->moments[last].info.time_us - c->moments[g.onset].info.time_us) / 1e6;
    g.per_second = seconds > 0 ? (double)bytes / seconds : -1;
    f->holder.name = "sys.modules";
    f->holder.kind = "interpreter";
    f->holder.type = "dict";
    f->retained.bytes = bytes;
    f->retained.objects = all_alike;
    hl_finding_growth(c, f, &g);
    f->series_unit = "modules";
    f->title = hl_arena_printf(
        c->arena,
        "sys.modules gained %s modules made at run time, alike and under ever new names; they "
        "hold %s",
        hl_count_text(g.units, count), hl_bytes_text(bytes, text));
    f->path = hl_arena_array(c->arena, 2, sizeof *f->path);
    if (f->path) {
        f->path[0] = (hl_chain_step){.type = "dict", .name = "sys.modules", .guilty = true};
        f->path[1] = (hl_chain_step){.type = "module", .edge = "[str]"};
        f->n_path = 2;
    }
    hl_finding_evidence(c, f, "%s modules have the same names in them",
                        hl_count_text(alike, count));
    const char *place = hl_code_place(c, code_in(c, rows[first].node));
    if (place)
        hl_finding_evidence(c, f, "one of them defines %s", place);
    if (2 * one * alike >= bytes) /* else what is in them is held from elsewhere, too */
        hl_finding_evidence(c, f, "one such module holds %s", hl_bytes_text(one, text));
    f->fix = fix_for(&(made){.what = "module"});
    hl_finding_seal(c, f);
    return HL_OK;
}
