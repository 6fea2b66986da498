/* diagnose/made_test.c: findings, chains and differences name the lines that made what is there.
 *
 * Room   diagnose; tests only. Heaps are drawn (snapshot/snap_dsl.h). */
#include "diagnose/diagnose_testlib.h"
#include "diagnose/view_parts.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LOAD "main@app.py:9>load@/usr/lib/python3.11/site-packages/lib/core.py:7"
#define ROWS                                                                                       \
    "root module __main__ m\nm:module -__dict__-> g:dict\n"                                        \
    "g -key:handle-> f:function -__code__-> k:code\nf -__globals__-> g\n"                          \
    "code k name=handle qualname=handle file=app.py line=3 uses=global:rows:add\n"                 \
    "g -key:rows-> rows:list len={10|1010|2010|3010|4010|5010}\n"                                  \
    "rows -[]-> item:bytearray*{0|10|20|30|40|50} size=100000 by=" LOAD "\n"                       \
    "rows -[]-> old:bytearray*10 size=300000 by=start@app.py:3\n"                                  \
    "rows -[]-> key:str*{0|10|20|30|40|50} size=1000 ref=2 by=main@app.py:9>name@app.py:21\n"      \
    "g -key:spare-> spare:list\n"                                                                  \
    "spare -[]-> other:bytearray*4 size=900000 by=main@app.py:30\n"
#define SIX_MOMENTS                                                                                \
    "snap time=0 cpu=0 reason=start track=exact taken=0\n"                                         \
    "snap time=1 cpu=1 track=exact taken=1\n"                                                      \
    "snap time=2 cpu=2 track=exact taken=2\n"                                                      \
    "snap time=3 cpu=3 track=exact taken=3\n"                                                      \
    "snap time=4 cpu=4 track=exact taken=4\n"                                                      \
    "snap time=5 cpu=5 reason=end track=exact taken=5\n"

static const hl_finding *only(const hl_judged *j)
{
    if (j->d.n_findings != 1)
        fail_msg("%u findings, why %s", j->d.n_findings, j->d.why ? j->d.why : "-");
    return j->d.findings;
}

static bool says(const hl_finding *f, const char *what)
{
    for (uint32_t i = 0; i < f->n_evidence; i++)
        if (strstr(f->evidence[i], what))
            return true;
    return false;
}

static void the_lines_that_grew_are_named(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(
        ROWS "site " LOAD " live=50:5000000 age=1:30:3000000,3:10:1000000,5:10:1000000\n"
             "site start@app.py:3 live=10:3000000 age=0:10:3000000\n"
             "site main@app.py:9>name@app.py:21 live=50:50000 age=1:50:50000\n"
             "site main@app.py:30 live=4:3600000 age=1:4:3600000\n" SIX_MOMENTS);
    const hl_finding *f = only(&j);
    /* start made what was there before; the names are a hundredth of it */
    assert_int_equal(f->n_allocated_at, 1);
    const hl_site *at = f->allocated_at;
    assert_string_equal(at->function, "main");
    assert_string_equal(at->name, "app.py");
    assert_int_equal(at->line, 9);
    assert_string_equal(at->inside.function, "load");
    assert_string_equal(at->inside.file, "/usr/lib/python3.11/site-packages/lib/core.py");
    assert_string_equal(at->inside.name, "lib/core.py");
    assert_int_equal(at->inside.line, 7);
    assert_int_equal(at->objects, 50);
    assert_int_equal(at->bytes, 5000000);
    assert_true(says(f, "30 blocks made at app.py:9 have survived 4 snapshots"));
    hl_test_judged_end(&j);
}

/* How many blocks samples stand for is not sure enough to be told; and what they stand for is told as
 * a share of what is there. */
static void samples_say_what_they_are(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(
        "root module __main__ m\nm:module -__dict__-> g:dict\n"
        "g -key:handle-> f:function -__code__-> k:code\nf -__globals__-> g\n"
        "code k name=handle qualname=handle file=app.py line=3 uses=global:rows:add\n"
        "g -key:rows-> rows:list len={10|1010|2010|3010|4010|5010}\n"
        "rows -[]-> a:bytearray*{0|10|20|30|40|50} size=100000 by=a@app.py:9 sampled=150000\n"
        "rows -[]-> b:bytearray*{0|10|20|30|40|50} size=100000 by=b@app.py:8 sampled=450000\n"
        "site a@app.py:9 live=50:5000000 age=1:30:3000000,3:10:1000000,5:10:1000000\n"
        "site b@app.py:8 live=50:5000000 age=1:30:3000000,3:10:1000000,5:10:1000000\n"
        "snap time=0 cpu=0 reason=start track=sampled taken=0\n"
        "snap time=1 cpu=1 track=sampled taken=1\nsnap time=2 cpu=2 track=sampled taken=2\n"
        "snap time=3 cpu=3 track=sampled taken=3\nsnap time=4 cpu=4 track=sampled taken=4\n"
        "snap time=5 cpu=5 reason=end track=sampled taken=5\n");
    const hl_finding *f = only(&j);
    assert_int_equal(f->n_allocated_at, 2);
    assert_true(f->allocated_at[0].estimated);
    assert_int_equal(f->allocated_at[0].line, 8);
    assert_int_equal(f->allocated_at[0].bytes, f->retained.bytes * 3 / 4);
    assert_int_equal(f->allocated_at[1].bytes, f->retained.bytes / 4);
    assert_true(says(f, "most of what was made at app.py:8 has survived 4 snapshots"));
    hl_test_judged_end(&j);
}

/* What has another holder, too, was made all the same. */
static void shared_objects_have_makers(void **state)
{
    (void)state;
    hl_judged j =
        hl_test_judge("root module __main__ m\nm:module -__dict__-> g:dict\n"
                      "g -key:handle-> f:function -__code__-> k:code\nf -__globals__-> g\n"
                      "code k name=handle qualname=handle file=app.py line=3 uses=global:rows:add\n"
                      "g -key:rows-> rows:list len={10|1010|2010|3010|4010|5010}\n"
                      "rows -[]-> own:str*{0|10|20|30|40|50} size=1000 by=main@app.py:5\n"
                      "rows -[]-> a:bytearray*{0|10|20|30|40|50} size=100000 by=main@app.py:9\n"
                      "root module other o\no:module -__dict__-> og:dict\n"
                      "og -key:old-> old:list\nold -[]-> older:list\nolder -[]-> a\n" SIX_MOMENTS);
    for (uint32_t i = 0; i < j.d.n_findings; i++) {
        const hl_finding *f = &j.d.findings[i];
        if (strcmp(f->holder.name, "__main__.rows"))
            continue;
        assert_true(2 * f->retained.bytes < f->growth.bytes);
        assert_int_equal(f->allocated_at[0].line, 9);
        assert_int_equal(f->allocated_at[0].bytes, 5000000);
        hl_test_judged_end(&j);
        return;
    }
    fail_msg("%u findings, none of __main__.rows; why %s", j.d.n_findings, j.d.why ? j.d.why : "-");
}

/* Without ages nothing says which of them grew: all are told, most bytes first. */
static void without_ages_all_that_made_it_are_named(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(ROWS SIX_MOMENTS);
    const hl_finding *f = only(&j);
    assert_int_equal(f->n_allocated_at, 2);
    assert_string_equal(f->allocated_at[0].function, "main");
    assert_string_equal(f->allocated_at[1].function, "start");
    assert_null(f->allocated_at[1].inside.file);
    assert_false(says(f, "blocks made at"));
    hl_test_judged_end(&j);
}

/* A function of its own on the line of another, as a comprehension is: one line. */
static void one_line_is_one_entry(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(
        "root module __main__ m\nm:module -__dict__-> g:dict\n"
        "g -key:handle-> f:function -__code__-> k:code\nf -__globals__-> g\n"
        "code k name=handle qualname=handle file=app.py line=3 uses=global:rows:add\n"
        "g -key:rows-> rows:list len={0|1000|2000|3000|4000|5000}\n"
        "rows -[]-> a:bytearray*{0|10|20|30|40|50} size=60000 "
        "by=fill.<locals>.<listcomp>@app.py:7\n"
        "rows -[]-> b:bytearray*{0|10|20|30|40|50} size=40000 by=fill@app.py:7\n" SIX_MOMENTS);
    const hl_finding *f = only(&j);
    assert_int_equal(f->n_allocated_at, 1);
    assert_string_equal(f->allocated_at[0].function, "fill");
    assert_int_equal(f->allocated_at[0].objects, 100);
    assert_int_equal(f->allocated_at[0].bytes, 5000000);
    hl_test_judged_end(&j);
}

/* Two lines of the program call the same of a library, one through a function without a file: each
 * line has its own sum. Where no line of the program is above, the library's is told. */
static void the_programs_own_line_is_told(void **state)
{
    (void)state;
    static const char rows[] =
        "root module __main__ m\nm:module -__dict__-> g:dict\n"
        "g -key:handle-> f:function -__code__-> k:code\nf -__globals__-> g\n"
        "code k name=handle qualname=handle file=app.py line=3 uses=global:rows:add\n"
        "g -key:rows-> rows:list len={0|1000|2000|3000|4000|5000}\n"
        "rows -[]-> a:bytearray*{0|10|20|30|40|50} size=60000 "
        "by=main@app.py:5>load@/usr/lib/python3.11/json/__init__.py:7\n"
        "rows -[]-> b:bytearray*{0|10|20|30|40|50} size=40000 "
        "by=main@app.py:6>__init__@<string>:3>load@/usr/lib/python3.11/json/__init__.py:7\n"
        "rows -[]-> d:bytearray*{0|10|20|30|40|50} size=30000 by=__init__@<string>:3\n"
        "rows -[]-> e:bytearray*{0|10|20|30|40|50} size=20000 "
        "by=run@/usr/lib/python3.11/threading.py:2>get@/usr/lib/python3.11/"
        "queue.py:4\n" SIX_MOMENTS;
    static const char *const told[][2] = {{"app.py", "json/__init__.py"},
                                          {"app.py", "json/__init__.py"},
                                          {"<string>", NULL},
                                          {"queue.py", NULL}};
    static const uint32_t lines[] = {5, 6, 3, 4};
    hl_judged j = hl_test_judge(rows);
    const hl_finding *f = only(&j);
    assert_int_equal(f->n_allocated_at, 4);
    for (int i = 0; i < 4; i++) {
        const hl_site *at = &f->allocated_at[i];
        assert_string_equal(at->name, told[i][0]);
        assert_int_equal(at->line, lines[i]);
        if (told[i][1])
            assert_string_equal(at->inside.name, told[i][1]);
        else
            assert_null(at->inside.file);
    }
    hl_test_judged_end(&j);
}

static void chains_say_who_made_their_end(void **state)
{
    (void)state;
    hl_run *run = hl_dsl_run(ROWS SIX_MOMENTS);
    hl_arena arena;
    hl_chains chains;
    hl_err err = {0};
    hl_arena_init(&arena);
    hl_view_query q = {.runs = &run, .n_runs = 1, .top = 5};
    assert_int_equal(hl_view_paths(&q, "bytearray", &arena, &chains, &err), HL_OK);
    assert_true(chains.n_chains > 0);
    bool told = false;
    for (uint32_t i = 0; i < chains.n_chains; i++)
        told |= chains.chains[i].made && !strcmp(chains.chains[i].made, "main (app.py:30)");
    assert_true(told);
    assert_int_equal(hl_view_paths(&q, "__main__.rows", &arena, &chains, &err), HL_OK);
    assert_null(chains.chains[0].made);
    hl_arena_deinit(&arena);
    hl_run_close(run);
}

static void lines_that_have_more_are_a_table_of_the_difference(void **state)
{
    (void)state;
    hl_run *run = hl_dsl_run(ROWS "site " LOAD " live={1:100|50:5000000}\n"
                                  "site start@app.py:3 live={10:3000000|9:2700000}\n"
                                  "snap time=0 track=exact\nsnap time=1 track=exact\n");
    hl_arena arena;
    hl_table t[HL_DIFF_TABLES];
    uint32_t n;
    hl_err err = {0};
    hl_arena_init(&arena);
    hl_view_query q = {.runs = &run, .n_runs = 1, .top = 5};
    assert_int_equal(hl_view_diff(&q, &arena, t, &n, &err), HL_OK);
    assert_int_equal(n, 3);
    assert_int_equal(t[2].n_rows, 1);
    const hl_cell *row = hl_view_row(&t[2], 0);
    assert_string_equal(row[0].text, "load (lib/core.py:7)");
    assert_int_equal(row[4].number, 50);
    assert_int_equal(row[5].number, 49);
    assert_int_equal(row[6].number, 5000000);
    assert_int_equal(row[7].number, 4999900);
    hl_arena_deinit(&arena);
    hl_run_close(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lines_that_grew_are_named),
        cmocka_unit_test(samples_say_what_they_are),
        cmocka_unit_test(shared_objects_have_makers),
        cmocka_unit_test(without_ages_all_that_made_it_are_named),
        cmocka_unit_test(one_line_is_one_entry),
        cmocka_unit_test(the_programs_own_line_is_told),
        cmocka_unit_test(chains_say_who_made_their_end),
        cmocka_unit_test(lines_that_have_more_are_a_table_of_the_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
