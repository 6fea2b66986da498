/* diagnose/processes_test.c: the same leak in several processes is one finding, with a share each.
 *
 * Room   diagnose; tests only. Heaps are drawn (snapshot/snap_dsl.h). */
#include "diagnose/diagnose.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX = 8, TEXT_MAX = 2048 };

typedef struct family {
    hl_run *runs[MAX];
    uint32_t n, n_done;
    hl_arena arena;
    hl_diagnosis d;
} family;

/* A process whose __main__.NAME, a memo, has so many entries at four looks. */
static void join(family *f, unsigned pid, unsigned parent, const char *name, const char *entries)
{
    char text[TEXT_MAX];
    snprintf(
        text, sizeof text,
        "run pid=%u parent=%u first=%u python=3.12.1 program=app.py started=%u exit=0 seconds=9\n"
        "root module __main__ m\nm:module -__dict__-> g:dict\n"
        "g -key:%s-> c:dict len={%s} keys=int-rising\n"
        "c -value:int-> b:bytearray*{%s} size=10000\n"
        "g -key:get-> f:function -__code__-> k:code\nf -__globals__-> g\n"
        "code k name=get qualname=get file=app.py line=5 uses=global:%s:test+get+store\n"
        "snap time=0 cpu=0.1\nsnap time=3 cpu=3\nsnap time=6 cpu=6\nsnap time=9 cpu=9\n",
        pid, parent, parent ? 1u : 0u, pid, name, entries, entries, name);
    f->runs[f->n++] = hl_dsl_run(text);
}

static void judge(family *f)
{
    hl_err err = {0};
    hl_arena_init(&f->arena);
    if (hl_diagnose_processes(f->runs, f->n, NULL, &f->arena, &f->d, &f->n_done, &err))
        fail_msg("%s", err.text);
    assert_int_equal(err.status, HL_OK);
    assert_int_equal(f->n_done, f->n);
}

static void done(family *f)
{
    hl_arena_deinit(&f->arena);
    for (uint32_t i = 0; i < f->n; i++)
        hl_run_close(f->runs[i]);
}

static void one_leak_in_two_of_three(void **state)
{
    family f = {.n = 0};
    join(&f, 1, 0, "cache", "5");
    join(&f, 2, 1, "cache", "0|1000|2000|3000");
    join(&f, 3, 1, "cache", "0|10");
    join(&f, 4, 1, "cache", "0|2000|4000|6000");
    judge(&f);
    assert_int_equal(f.d.verdict, HL_LEAK);
    assert_int_equal(f.d.n_findings, 1);
    const hl_finding *x = &f.d.findings[0];
    assert_string_equal(x->holder.name, "__main__.cache");
    assert_int_equal(x->n_shares, 2);
    /* the one that gained most has the word */
    assert_int_equal(f.d.processes[x->shares[0].process].pid, 4);
    assert_int_equal(f.d.processes[x->shares[1].process].pid, 2);
    assert_non_null(strstr(x->title, "6,000"));
    assert_int_equal(x->growth.bytes, x->shares[0].bytes + x->shares[1].bytes);
    assert_true(x->shares[0].bytes > x->shares[1].bytes && x->shares[1].bytes >= 30000000);
    assert_true(x->retained.bytes >= 90000000);
    done(&f);
    (void)state;
}

/* The sum over processes is what each would say alone. */
static void shares_are_what_each_says_alone(void **state)
{
    family f = {.n = 0};
    join(&f, 1, 0, "cache", "0|1000|2000|3000");
    join(&f, 2, 1, "cache", "0|700|1400|2100");
    join(&f, 3, 1, "other", "0|900|1800|2700");
    judge(&f);
    assert_int_equal(f.d.n_findings, 2);
    for (uint32_t i = 0; i < f.n; i++) {
        hl_arena arena;
        hl_diagnosis alone;
        hl_err err = {0};
        hl_arena_init(&arena);
        assert_int_equal(hl_diagnose(&f.runs[i], 1, NULL, &arena, &alone, &err), HL_OK);
        assert_int_equal(alone.n_findings, 1);
        uint32_t found = 0;
        for (uint32_t k = 0; k < f.d.n_findings; k++)
            for (uint32_t s = 0; s < f.d.findings[k].n_shares; s++)
                if (f.d.findings[k].shares[s].process == i) {
                    found++;
                    assert_string_equal(f.d.findings[k].fingerprint, alone.findings[0].fingerprint);
                    assert_int_equal(f.d.findings[k].shares[s].bytes,
                                     alone.findings[0].growth.bytes);
                    assert_int_equal(f.d.findings[k].shares[s].retained_bytes,
                                     alone.findings[0].retained.bytes);
                }
        assert_int_equal(found, 1);
        hl_arena_deinit(&arena);
    }
    done(&f);
    (void)state;
}

static void figures_add_up(void **state)
{
    family f = {.n = 0};
    join(&f, 1, 0, "cache", "5");
    join(&f, 2, 1, "cache", "5");
    judge(&f);
    assert_int_equal(f.d.verdict, HL_NO_LEAK);
    assert_int_equal(f.d.n_processes, 2);
    assert_int_equal(f.d.target.pid, 1);
    assert_int_equal(f.d.observed.snapshots, 8);
    assert_int_equal(f.d.processes[1].parent, 1);
    assert_int_equal(f.d.processes[0].parent, 0);
    assert_true(f.d.observed.heap_last > 2 * 5 * 10000);
    done(&f);
    (void)state;
}

/* A worker of one look says nothing; the first process, and who has a finding, do. */
static void too_brief_to_be_judged(void **state)
{
    family f = {.n = 0};
    join(&f, 1, 0, "cache", "5");
    f.runs[f.n++] = hl_dsl_run("run pid=2 parent=1 first=1\nroot module __main__ m\nm:module\n");
    judge(&f);
    assert_int_equal(f.d.verdict, HL_NO_LEAK);
    assert_false(f.d.processes[1].judged);
    done(&f);
    family g = {.n = 0};
    g.runs[g.n++] = hl_dsl_run("run pid=1\nroot module __main__ m\nm:module\n");
    join(&g, 2, 1, "cache", "5");
    judge(&g);
    assert_int_equal(g.d.verdict, HL_UNDECIDED);
    done(&g);
    (void)state;
}

static void one_alone_is_as_it_was(void **state)
{
    family f = {.n = 0};
    join(&f, 2, 1, "cache", "0|1000|2000|3000");
    judge(&f);
    assert_int_equal(f.d.n_processes, 0);
    assert_int_equal(f.d.findings[0].n_shares, 0);
    done(&f);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_leak_in_two_of_three),
        cmocka_unit_test(shares_are_what_each_says_alone),
        cmocka_unit_test(figures_add_up),
        cmocka_unit_test(too_brief_to_be_judged),
        cmocka_unit_test(one_alone_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
