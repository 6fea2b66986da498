/* diagnose/diagnose_test.c: each cause on a drawn heap, its healthy twin, its decoy.
 *
 * Room   diagnose; tests only. Snapshots are texts (snapshot/snap_dsl.h); a value {a|b|c} is what
 *        it was in the first, second, third. */
#include "diagnose/diagnose_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIX_MOMENTS                                                                                \
    "snap time=0 cpu=0 reason=start\n"                                                             \
    "snap time=1 cpu=1\n"                                                                          \
    "snap time=2 cpu=2\n"                                                                          \
    "snap time=3 cpu=3\n"                                                                          \
    "snap time=4 cpu=4\n"                                                                          \
    "snap time=5 cpu=5 reason=end\n"

#define MAIN_MODULE "root module __main__ m\nm:module -__dict__-> g:dict\n"

/* A function of __main__ that uses global `name`. */
#define FUNCTION(f, uses)                                                                          \
    "g -key:" f "-> " f "_f:function -__code__-> " f "_c:code\n" f "_f -__globals__-> g\n"         \
    "code " f "_c name=" f " qualname=" f " file=app.py line=3 uses=" uses "\n"

static void only(hl_judged *j, hl_verdict verdict, const char *cause, const char *holder,
                 const char *kind)
{
    if (j->d.verdict != verdict)
        fail_msg("verdict %d, findings %u, why %s", j->d.verdict, j->d.n_findings,
                 j->d.why ? j->d.why : "-");
    if (!cause) {
        assert_int_equal(j->d.n_findings, 0);
        return;
    }
    assert_int_equal(j->d.n_findings, 1);
    assert_string_equal(j->d.findings[0].cause, cause);
    assert_string_equal(j->d.findings[0].holder.name, holder);
    assert_string_equal(j->d.findings[0].holder.kind, kind);
}

static void global_list_that_a_function_fills(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION(
        "handle",
        "global:rows:add") "g -key:rows-> rows:list len={0|1000|2000|3000|4000|5000}\n"
                           "rows -[]-> item:bytearray*{0|10|20|30|40|50} size=100K\n" SIX_MOMENTS);
    only(&j, HL_LEAK, "growing-container", "__main__.rows", "module-global");
    assert_int_equal(j.d.findings[0].growth.objects, 5000);
    assert_true(j.d.findings[0].growth.bytes >= 5000000);
    assert_int_equal(j.d.findings[0].confidence, HL_STRONG);
    hl_test_judged_end(&j);
    (void)state;
}

#define TAKES_OUT(f, more)                                                                         \
    "g -key:" f "-> " f "_f:function -__code__-> " f "_c:code\n" f "_f -__globals__-> g\n"         \
    "code " f "_c name=" f " qualname=" f " file=app.py line=9 uses=global:rows:remove" more "\n"

/* What would take out, and never ran, is what the fix says to call; of several what takes one. */
static void code_that_takes_out_is_named(void **state)
{
#define FILLED(more)                                                                               \
    MAIN_MODULE FUNCTION("handle", "global:rows:store") more                                       \
        "g -key:rows-> rows:dict len={0|1000|2000|3000|4000|5000}\n"                               \
        "rows -value:int-> item:bytearray*{0|10|20|30|40|50} size=100K\n" SIX_MOMENTS
    hl_judged j = hl_test_judge(
        FILLED(TAKES_OUT("reset", "+drop idle") TAKES_OUT("withdraw", " idle")
                   TAKES_OUT("withdraw_many", " idle") TAKES_OUT("__delitem__", " idle")));
    only(&j, HL_LEAK, "growing-container", "__main__.rows", "module-global");
    assert_ptr_equal(strstr(j.d.findings[0].fix, "withdraw (app.py:9) takes out of it"),
                     j.d.findings[0].fix);
    hl_test_judged_end(&j);
    j = hl_test_judge(FILLED(TAKES_OUT("withdraw", ""))); /* called, and for too few */
    assert_null(strstr(j.d.findings[0].fix, "never called"));
    hl_test_judged_end(&j);
    (void)state;
}

static void list_that_stops(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION(
        "load",
        "global:rows:add") "g -key:rows-> rows:list len={0|1000|2000|2500|2500|2500}\n"
                           "rows -[]-> item:bytearray*{0|10|20|25|25|25} size=100K\n" SIX_MOMENTS);
    only(&j, HL_NO_LEAK, NULL, NULL, NULL);
    hl_test_judged_end(&j);
    (void)state;
}

static void list_that_is_emptied(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION(
        "batch",
        "global:rows:add+remove") "g -key:rows-> rows:list len={0|1000|200|1200|1800|2600}\n"
                                  "rows -[]-> item:bytearray*{0|10|2|12|18|26} "
                                  "size=100K\n" SIX_MOMENTS);
    assert_int_not_equal(j.d.verdict, HL_LEAK);
    hl_test_judged_end(&j);
    (void)state;
}

static void list_that_fills_up(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION(
        "load", "global:rows:add") "g -key:rows-> rows:list len={0|1000|1500|1750|1875|1937}\n"
                                   "rows -[]-> item:bytearray*{0|100|150|175|187|193} "
                                   "size=100K\n" SIX_MOMENTS);
    assert_int_not_equal(j.d.verdict, HL_LEAK);
    hl_test_judged_end(&j);
    (void)state;
}

static void immaterial_growth(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION(
        "handle",
        "global:rows:add") "g -key:rows-> rows:list len={0|10|20|30|40|50}\n"
                           "rows -[]-> item:bytearray*{0|10|20|30|40|50} size=100\n" SIX_MOMENTS);
    only(&j, HL_NO_LEAK, NULL, NULL, NULL);
    hl_test_judged_end(&j);
    (void)state;
}

static void memo_in_a_dict(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION(
        "get",
        "global:store:test+get+store") "g -key:store-> c:dict len={0|2000|4000|6000|8000|10000}\n"
                                       "c -value:int-> v:bytearray*{0|20|40|60|80|100} "
                                       "size=100K\n" SIX_MOMENTS);
    only(&j, HL_LEAK, "unbounded-cache", "__main__.store", "module-global");
    assert_int_equal(j.d.findings[0].growth.objects, 10000);
    hl_test_judged_end(&j);
    (void)state;
}

static void registry_is_no_memo(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION(
        "put", "global:store:store") "g -key:store-> c:dict len={0|2000|4000|6000|8000|10000}\n"
                                     "c -value:int-> v:bytearray*{0|20|40|60|80|100} "
                                     "size=100K\n" SIX_MOMENTS);
    only(&j, HL_LEAK, "growing-container", "__main__.store", "module-global");
    hl_test_judged_end(&j);
    (void)state;
}

/* Another module's code that uses the same name says nothing about this one. */
static void same_name_elsewhere(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION(
        "put", "global:store:store") "root module other o\no:module -__dict__-> og:dict\n"
                                     "og -key:get-> of:function -__code__-> oc:code\nof "
                                     "-__globals__-> og\n"
                                     "code oc name=get qualname=get file=other.py line=1 "
                                     "uses=global:store:test+get+store\n"
                                     "g -key:store-> c:dict len={0|2000|4000|6000|8000|10000}\n"
                                     "c -value:int-> v:bytearray*{0|20|40|60|80|100} "
                                     "size=100K\n" SIX_MOMENTS);
    only(&j, HL_LEAK, "growing-container", "__main__.store", "module-global");
    hl_test_judged_end(&j);
    (void)state;
}

static void lru_cache_without_bound(void **state)
{
    hl_judged j = hl_test_judge(
        MAIN_MODULE "g -key:square-> w:functools._lru_cache_wrapper len={0|200|400|600|800|1000}\n"
                    "w -cache-> c:dict len={0|200|400|600|800|1000}\n"
                    "c -value:int-> v:bytearray*{0|20|40|60|80|100} size=100K\n" SIX_MOMENTS);
    only(&j, HL_LEAK, "unbounded-cache", "__main__.square", "module-global");
    assert_int_equal(j.d.findings[0].confidence, HL_CERTAIN);
    hl_test_judged_end(&j);
    (void)state;
}

static void lru_cache_with_bound(void **state)
{
    hl_judged j = hl_test_judge(
        MAIN_MODULE
        "g -key:square-> w:functools._lru_cache_wrapper len={0|200|400|600|800|1000} bound=5000\n"
        "w -cache-> c:dict len={0|200|400|600|800|1000}\n"
        "c -value:int-> v:bytearray*{0|20|40|60|80|100} size=100K\n" SIX_MOMENTS);
    only(&j, HL_NO_LEAK, NULL, NULL, NULL);
    assert_int_equal(j.d.n_notes, 1);
    hl_test_judged_end(&j);
    (void)state;
}

static void closures_in_a_list(void **state)
{
    hl_judged j = hl_test_judge(
        MAIN_MODULE "g -key:hooks-> hooks:list len={0|20|40|60|80|100}\n"
                    "hooks -[]-> f:function*{0|20|40|60|80|100}\n"
                    "f -__closure__-> t:tuple*{0|20|40|60|80|100}\n"
                    "t -index:0-> cell:cell*{0|20|40|60|80|100}\n"
                    "cell -cell-> big:list*{0|20|40|60|80|100} size=100K\n"
                    "f -__code__-> inner:code\n"
                    "code inner name=inner qualname=outer.<locals>.inner file=app.py line=9 "
                    "free=rows\n" SIX_MOMENTS);
    only(&j, HL_LEAK, "closure", "__main__.hooks", "module-global");
    assert_non_null(strstr(j.d.findings[0].title, "outer.<locals>.inner"));
    assert_non_null(strstr(j.d.findings[0].title, "`rows`"));
    hl_test_judged_end(&j);
    (void)state;
}

/* One call of main() that keeps closures in a local, seen at work. */
#define MAIN_AT_WORK(n)                                                                            \
    "root frame main ff thread=0 progress=1\nff:frame -f_code-> main_c\nff -f_globals-> g\n"       \
    "ff -local:hooks-> hooks:list len=" n "\nhooks -[]-> f:function*" n "\n"                       \
    "f -__closure__-> t:tuple*" n "\nt -index:0-> cell:cell*" n "\n"                               \
    "cell -cell-> big:list*" n " size=100K\nf -__code__-> inner:code\n"                            \
    "code inner name=inner qualname=main.<locals>.inner file=app.py line=9 free=rows\n"

#define MAIN_AT(seconds, n) "snap time=" seconds " cpu=" seconds "\n" MAIN_AT_WORK(n)

/* It grows for five seconds of work. */
#define MAIN_GROWS                                                                                 \
    MAIN_MODULE FUNCTION("main", "local:hooks:add") MAIN_AT("0", "0") MAIN_AT("1", "20")           \
        MAIN_AT("2", "40") MAIN_AT("3", "60") MAIN_AT("4", "80") MAIN_AT("5", "100")

/* main() has returned when the last two look; what it kept, it kept until then. */
static void main_returned_before_the_last_looks(void **state)
{
    hl_judged j =
        hl_test_judge(MAIN_GROWS "snap time=5 cpu=5.01\nsnap time=5 cpu=5.02 reason=end\n");
    only(&j, HL_LEAK, "closure", "main() local hooks", "frame-local");
    hl_test_judged_end(&j);
    (void)state;
}

/* The healthy twin: work goes on for as long again without it. */
static void a_call_kept_closures_and_returned(void **state)
{
    hl_judged j = hl_test_judge(MAIN_GROWS "root frame <module> mf thread=0\n"
                                           "mf:frame -f_code-> mc:code\nmf -f_globals-> g\n"
                                           "snap time=8 cpu=8\nsnap time=10 cpu=10 reason=end\n");
    only(&j, HL_NO_LEAK, NULL, NULL, NULL);
    hl_test_judged_end(&j);
    (void)state;
}

/* A module body that runs, calling `f` at each look; `progress` is where the body stands. */
#define BODY_CALLS(f, progress)                                                                    \
    "root frame " f " ff thread=0 progress=1\n"                                                    \
    "root frame <module> mf thread=0 progress=" progress "\n"                                      \
    "mf:frame -f_code-> mc:code\nmf -f_globals-> g\n"                                              \
    "ff:frame -f_code-> " f "_c\nff -f_globals-> g\n"                                              \
    "code mc name=<module> qualname=<module> file=app.py line=1 uses=global:other:add\n"

#define GROWING_ROWS                                                                               \
    "g -key:rows-> rows:list len={0|1000|2000|3000|4000|5000}\n"                                   \
    "rows -[]-> item:bytearray*{0|10|20|30|40|50} size=100K\n" SIX_MOMENTS

static void one_call_fills_a_result(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION("load", "global:rows:add")
                                    BODY_CALLS("load", "7") GROWING_ROWS);
    assert_int_equal(j.d.verdict, HL_UNDECIDED);
    assert_int_equal(j.d.n_findings, 1);
    assert_int_equal(j.d.findings[0].confidence, HL_POSSIBLE);
    hl_test_judged_end(&j);
    (void)state;
}

/* Whoever `show` is, the one call's list is not what it shows. */
static void one_call_fills_what_nobody_reads(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION("load", "global:rows:add") FUNCTION(
        "show", "global:other:handed") BODY_CALLS("load", "7") GROWING_ROWS);
    only(&j, HL_LEAK, "growing-container", "__main__.rows", "module-global");
    hl_test_judged_end(&j);
    (void)state;
}

static void one_call_fills_what_is_only_counted(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION("load", "global:rows:add") FUNCTION(
        "show", "global:rows:counted,global:other:handed") BODY_CALLS("load", "7") GROWING_ROWS);
    assert_int_equal(j.d.verdict, HL_UNDECIDED);
    assert_non_null(strstr(j.d.why, "a longer run would look the same"));
    hl_test_judged_end(&j);
    (void)state;
}

/* The decoy: nobody reads it either, but it came to rest. */
static void one_call_filled_and_stopped(void **state)
{
    hl_judged j = hl_test_judge(
        MAIN_MODULE FUNCTION("load", "global:rows:add") FUNCTION("show", "global:other:handed")
            BODY_CALLS("load",
                       "7") "g -key:rows-> rows:list len={0|1000|2000|2500|2500|2500}\n"
                            "rows -[]-> item:bytearray*{0|10|20|25|25|25} size=100K\n" SIX_MOMENTS);
    only(&j, HL_NO_LEAK, NULL, NULL, NULL);
    hl_test_judged_end(&j);
    (void)state;
}

static void many_calls_fill_it(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE FUNCTION("handle", "global:rows:add")
                                    BODY_CALLS("handle", "{1|2|3|4|5|6}") GROWING_ROWS);
    only(&j, HL_LEAK, "growing-container", "__main__.rows", "module-global");
    hl_test_judged_end(&j);
    (void)state;
}

static void class_attribute(void **state)
{
    hl_judged j =
        hl_test_judge("root module app a\na:module -__dict__-> g:dict -key:Store-> s:type\n"
                      "s -__dict__-> sd:dict -key:items-> l:list len={0|1000|2000|3000|4000|5000}\n"
                      "l -[]-> item:bytearray*{0|10|20|30|40|50} size=100K\n" SIX_MOMENTS);
    only(&j, HL_LEAK, "growing-container", "app.Store.items", "class-attribute");
    hl_test_judged_end(&j);
    (void)state;
}

static void collector_off(void **state)
{
    hl_judged j = hl_test_judge(
        MAIN_MODULE
        "a:__main__.A*{0|4000|8000|12000|16000|20000} -attr:b-> "
        "b:__main__.B*{0|4000|8000|12000|16000|20000} ref=1\n"
        "b -attr:a-> a ref=1\n"
        "snap time=0 cpu=0 gc=off\nsnap time=1 cpu=1 gc=off\nsnap time=2 cpu=2 gc=off\n"
        "snap time=3 cpu=3 gc=off\nsnap time=4 cpu=4 gc=off\nsnap time=5 cpu=5 gc=off\n");
    assert_int_equal(j.d.verdict, HL_LEAK);
    assert_int_equal(j.d.n_findings, 1);
    assert_string_equal(j.d.findings[0].cause, "reference-cycle");
    assert_non_null(strstr(j.d.findings[0].title, "20,000"));
    hl_test_judged_end(&j);
    (void)state;
}

static void one_cycle_collector_on(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE "a:__main__.A -attr:b-> b:__main__.B\nb -attr:a-> a\n"
                                            "snap time=0 cpu=0 gc=on\nsnap time=1 cpu=1 gc=on\n");
    only(&j, HL_NO_LEAK, NULL, NULL, NULL);
    assert_int_equal(j.d.n_notes, 1);
    assert_string_equal(j.d.notes[0].cause, "reference-cycle");
    assert_non_null(strstr(j.d.notes[0].text, ".b"));
    assert_non_null(strstr(j.d.notes[0].text, ".a"));
    hl_test_judged_end(&j);
    (void)state;
}

static void one_snapshot_decides_nothing(void **state)
{
    hl_judged j = hl_test_judge(MAIN_MODULE "g -key:rows-> rows:list len=100000 size=9M\n");
    only(&j, HL_UNDECIDED, NULL, NULL, NULL);
    hl_test_judged_end(&j);
    (void)state;
}

/* Looked at twice in three seconds (a machine with much to do): what grew in between is not said to
 * have stayed. A program of half a second was caught at its start. */
static void two_snapshots_show_no_course(void **state)
{
    static const struct {
        const char *last;
        hl_verdict verdict;
        const char *says;
    } runs[] = {
        {"snap time=0 cpu=0 reason=start\nsnap time=3 cpu=.03 reason=end\n", HL_UNDECIDED,
         "too few to see how"},
        {"snap time=0 cpu=0 reason=start\nsnap time=.5 cpu=.03 reason=end\n", HL_NO_LEAK,
         "too short a run"},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 MAIN_MODULE "g -key:rows-> rows:list len={20|60}\n"
                             "rows -[]-> item:bytearray*{20|60} size=100K\n%s",
                 runs[i].last);
        hl_judged j = hl_test_judge(text);
        only(&j, runs[i].verdict, NULL, NULL, NULL);
        assert_non_null(strstr(j.d.why, runs[i].says));
        hl_test_judged_end(&j);
    }
    (void)state;
}

/* A bit of one snapshot's DST column is wrong: the others still tell. */
static void one_damaged_snapshot(void **state)
{
    uint8_t *bytes;
    size_t n;
    hl_err err = {0};
    static const char text[] = MAIN_MODULE FUNCTION(
        "handle",
        "global:rows:add") "g -key:rows-> rows:list len={0|1000|2000|3000|4000|5000}\n"
                           "rows -[]-> item:bytearray*{0|10|20|30|40|50} size=100K\n" SIX_MOMENTS;
    assert_int_equal(hl_dsl_bytes(text, &bytes, &n, &err), HL_OK);
    hl_judged j = {0};
    assert_int_equal(hl_run_open_bytes(bytes, n, &j.run, &err), HL_OK);
    const hl_chunk *chunks;
    size_t count = hl_container_chunks(j.run->file, &chunks);
    bool hit = false;
    for (size_t i = 0; i < count; i++)
        if (chunks[i].kind == HL_KIND_SNAP_COLUMN && chunks[i].column == HL_COL_DST &&
            chunks[i].stream == j.run->snaps[2].stream) {
            bytes[chunks[i].offset + HL_CHUNK_HEADER] ^= 1;
            hit = true;
        }
    assert_true(hit);
    hl_arena_init(&j.arena);
    assert_int_equal(hl_diagnose(&j.run, 1, NULL, &j.arena, &j.d, &err), HL_OK);
    only(&j, HL_LEAK, "growing-container", "__main__.rows", "module-global");
    assert_int_equal(j.d.observed.snapshots, 5);
    assert_int_equal(j.d.observed.snapshots_torn, 1);
    hl_test_judged_end(&j);
    free(bytes);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(global_list_that_a_function_fills),
        cmocka_unit_test(code_that_takes_out_is_named),
        cmocka_unit_test(list_that_stops),
        cmocka_unit_test(list_that_is_emptied),
        cmocka_unit_test(list_that_fills_up),
        cmocka_unit_test(immaterial_growth),
        cmocka_unit_test(memo_in_a_dict),
        cmocka_unit_test(registry_is_no_memo),
        cmocka_unit_test(same_name_elsewhere),
        cmocka_unit_test(lru_cache_without_bound),
        cmocka_unit_test(lru_cache_with_bound),
        cmocka_unit_test(closures_in_a_list),
        cmocka_unit_test(main_returned_before_the_last_looks),
        cmocka_unit_test(a_call_kept_closures_and_returned),
        cmocka_unit_test(one_call_fills_a_result),
        cmocka_unit_test(one_call_fills_what_nobody_reads),
        cmocka_unit_test(one_call_fills_what_is_only_counted),
        cmocka_unit_test(one_call_filled_and_stopped),
        cmocka_unit_test(many_calls_fill_it),
        cmocka_unit_test(class_attribute),
        cmocka_unit_test(collector_off),
        cmocka_unit_test(one_cycle_collector_on),
        cmocka_unit_test(one_snapshot_decides_nothing),
        cmocka_unit_test(two_snapshots_show_no_course),
        cmocka_unit_test(one_damaged_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
