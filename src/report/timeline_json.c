/* report/timeline_json.c: memory over time for programs, and for what draws it.
 *
 * Room   report; analyser process. docs/schema/timeline-1.json says what it is. */
#include "report/writer.h"

#include <string.h>

enum { UNFOLDED = 3 };

static void put_double(hl_json *j, const char *key, double v)
{
    hl_json_key(j, key);
    hl_json_double(j, v);
}

static void put_number(hl_json *j, int64_t v)
{
    if (v == HL_CELL_NONE)
        hl_json_null(j);
    else
        hl_json_int(j, v);
}

static void put_counts(hl_json *j, const char *key, const uint64_t *values, uint32_t n)
{
    hl_json_key(j, key);
    if (!values) {
        hl_json_null(j);
        return;
    }
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < n; i++)
        hl_json_uint(j, values[i]);
    hl_json_close(j, ']');
}

static void put_slope(hl_json *j, const hl_slope *s)
{
    hl_json_key(j, "slope");
    if (!s->told) {
        hl_json_null(j);
        return;
    }
    hl_json_open(j, '{');
    put_double(j, "bytes_per_second", s->per_second);
    put_double(j, "low", s->low);
    put_double(j, "high", s->high);
    put_double(j, "from_seconds", s->from_s);
    put_double(j, "to_seconds", s->to_s);
    hl_json_put_uint(j, "points", s->points);
    hl_json_close(j, '}');
}

static void put_curve(hl_json *j, const hl_curve *c, uint32_t n)
{
    hl_json_open(j, '{');
    hl_json_put_text(j, "curve", c->key);
    hl_json_put_text(j, "name", c->name + strspn(c->name, " "));
    hl_json_put_text(j, "measured_by", c->by);
    put_slope(j, &c->slope);
    hl_json_key(j, "bytes");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < n; i++)
        put_number(j, c->bytes[i]);
    hl_json_close(j, ']');
    hl_json_close(j, '}');
}

static void put_function(hl_json *j, const hl_span *s)
{
    hl_json_open(j, '{');
    hl_json_put_text(j, "function", s->name);
    put_double(j, "from_seconds", s->from_s);
    put_double(j, "to_seconds", s->to_s);
    hl_json_key(j, "from_bytes");
    put_number(j, s->from_bytes);
    hl_json_key(j, "to_bytes");
    put_number(j, s->to_bytes);
    hl_json_put_uint(j, "level", s->level);
    hl_json_close(j, '}');
}

static void put_pid(hl_json *j, const char *key, uint32_t pid)
{
    hl_json_key(j, key);
    if (pid)
        hl_json_uint(j, pid);
    else
        hl_json_null(j);
}

static void put_process(hl_json *j, const hl_timeline_process *p)
{
    hl_json_open(j, '{');
    hl_json_put_text(j, "file", p->file);
    hl_json_put_text(j, "source", p->mprof ? "mprof" : "recording");
    put_pid(j, "pid", p->pid);
    put_pid(j, "parent", p->parent);
    hl_json_put_text(j, "program", p->program);
    hl_json_key(j, "seconds");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < p->n; i++)
        hl_json_double(j, p->seconds[i]);
    hl_json_close(j, ']');
    hl_json_key(j, "reasons");
    if (p->why) {
        hl_json_open(j, '[');
        for (uint32_t i = 0; i < p->n; i++)
            hl_json_text(j, p->why[i]);
        hl_json_close(j, ']');
    } else {
        hl_json_null(j);
    }
    put_counts(j, "rounds", p->rounds, p->n);
    put_counts(j, "objects", p->objects, p->n);
    hl_json_key(j, "curves");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < p->n_curves; i++)
        put_curve(j, &p->curves[i], p->n);
    hl_json_close(j, ']');
    hl_json_key(j, "functions");
    hl_json_open(j, '[');
    for (uint32_t i = 0; i < p->n_spans; i++)
        put_function(j, &p->spans[i]);
    hl_json_close(j, ']');
    hl_json_put_text(j, "note", p->note);
    hl_json_close(j, '}');
}

void hl_timeline_json(const hl_timeline *t, hl_out *out)
{
    hl_json j = {.out = out, .lines = UNFOLDED};
    hl_json_open(&j, '{');
    hl_json_put_text(&j, "schema", "heaplens.timeline/1");
    hl_json_key(&j, "one_clock");
    hl_json_bool(&j, t->one_clock);
    hl_json_key(&j, "processes");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < t->n; i++)
        put_process(&j, &t->processes[i]);
    hl_json_close(&j, ']');
    hl_json_close(&j, '}');
}
