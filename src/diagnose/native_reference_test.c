/* diagnose/native_reference_test.c: references lost and given away, on drawn heaps; their decoys.
 *
 * Room   diagnose; tests only. Snapshots are texts (snapshot/snap_dsl.h). */
#include "diagnose/diagnose_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAIN "root module __main__ m\nm:module -__dict__-> g:dict\ntype Row heap\n"

#define SIX_MOMENTS                                                                                \
    "snap time=0 cpu=0 reason=start\n"                                                             \
    "snap time=1 cpu=1\n"                                                                          \
    "snap time=2 cpu=2\n"                                                                          \
    "snap time=3 cpu=3\n"                                                                          \
    "snap time=4 cpu=4\n"                                                                          \
    "snap time=5 cpu=5 reason=end\n"

/* Of an audit: ten calls between two looks; `more` is what else was counted. */
#define CALLS(i, more)                                                                             \
    "snap time=" #i " cpu=" #i " rounds=" #i "0 reason=round fds=3 malloc=1000 " more "\n"
#define AUDIT CALLS(0, "") CALLS(1, "") CALLS(2, "") CALLS(3, "") CALLS(4, "") CALLS(5, "")

static void expect(const char *text, hl_verdict verdict, const char *holder)
{
    hl_test_expect(text, verdict, holder ? "native-reference" : NULL, holder);
}

static void objects_that_nothing_has(void **state)
{
    expect(MAIN "lost:Row*{0|100|200|300|400|500} size=10K ref=1\n" SIX_MOMENTS, HL_LEAK,
           "(lost by C) Row");
    (void)state;
}

/* The end of a program that mostly waits is some of its CPU time and nothing by the clock. */
static void a_short_end_says_nothing(void **state)
{
    (void)state;
    const char *run = "snap time=0.000 cpu=0.0185 reason=start\nsnap time=0.020 cpu=0.0304\n"
                      "snap time=0.055 cpu=0.0333\nsnap time=0.116 cpu=0.0393\n"
                      "snap time=0.170 cpu=0.0452\nsnap time=0.242 cpu=0.0539\n"
                      "snap time=0.246 cpu=0.0579 reason=exit\n";
    char text[1024];
    snprintf(text, sizeof text, "%slost:Row*{0|50|210|600|890|1300|1300} size=10K ref=1\n%s", MAIN,
             run);
    expect(text, HL_LEAK, "(lost by C) Row");
}

static void objects_that_c_has_from_the_start(void **state)
{
    expect(MAIN "held:Row*500 size=10K ref=1\n" SIX_MOMENTS, HL_NO_LEAK, NULL);
    (void)state;
}

static void objects_that_stop(void **state)
{
    hl_judged j =
        hl_test_judge(MAIN "lost:Row*{0|100|200|240|240|240} size=10K ref=1\n" SIX_MOMENTS);
    assert_int_not_equal(j.d.verdict, HL_LEAK);
    hl_test_judged_end(&j);
    (void)state;
}

static void too_little_to_matter(void **state)
{
    expect(MAIN "lost:Row*{0|10|20|30|40|50} size=100 ref=1\n" SIX_MOMENTS, HL_NO_LEAK, NULL);
    (void)state;
}

static void others_that_may_have_them(void **state)
{
    hl_judged j =
        hl_test_judge(MAIN "type Vector nogc\n"
                           "g -key:kept-> k:list len={0|100|200|300|400|500}\n"
                           "k -[]-> v:Vector*{0|100|200|300|400|500} size=64 opaque\n"
                           "held:Row*{0|100|200|300|400|500} size=10K ref=1\n" SIX_MOMENTS);
    for (uint32_t i = 0; i < j.d.n_findings; i++)
        assert_string_not_equal(j.d.findings[i].cause, "native-reference");
    hl_test_judged_end(&j);
    (void)state;
}

/* Nothing has them but, unseen, what each of them has itself: the collector is not shown the cycle. What
 * is the interpreter's own (a lock, a date) keeps none of them. */
static void cycles_the_collector_cannot_see(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(
        MAIN "type spam.Map nogc\n"
             "rows:Row*{0|100|200|300|400|500} size=10K ref=1\n"
             "rows -.links-> map:spam.Map*{0|100|200|300|400|500} size=48 opaque\n" SIX_MOMENTS);
    assert_int_equal(j.d.n_findings, 1);
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->cause, "reference-cycle");
    assert_int_equal(f->confidence, HL_STRONG);
    assert_string_equal(f->holder.name, "Row -> spam.Map -> Row");
    assert_non_null(strstr(f->title, "500 Row objects"));
    hl_test_judged_end(&j);
    expect(
        MAIN
        "type datetime.datetime nogc\n"
        "rows:Row*{0|100|200|300|400|500} size=10K ref=1\n"
        "rows -.at-> when:datetime.datetime*{0|100|200|300|400|500} size=48 opaque\n" SIX_MOMENTS,
        HL_LEAK, "(lost by C) Row");
    expect(MAIN "type spam.Node nogc\n"
                "rows:list*{0|100|200|300|400|500} len=1 size=10K ref=1\n"
                "rows -[]-> node:spam.Node*{0|100|200|300|400|500} size=48 opaque\n" SIX_MOMENTS,
           HL_LEAK, "(lost by C) list");
}

#define MARKED(i)                                                                                  \
    "snap time=" #i " cpu=" #i " rounds=" #i                                                       \
    "0 reason=round fds=3 malloc=1000 track=exact native=1 mark=1\n"
#define MARKED_AUDIT MARKED(0) MARKED(1) MARKED(2) MARKED(3) MARKED(4) MARKED(5)

/* Where it was asked what leads to them, those that a library's variable leads to are kept, those that
 * nothing leads to are lost for sure. */
static void who_of_c_has_them(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(MAIN "rows:Row*{0|10|20|30|40|50} size=100 ref=1\n"
                                     "heldby rows data=/x/spam.so:ab+0x4000\n" MARKED_AUDIT);
    assert_int_equal(j.d.n_findings, 1);
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->holder.name, "(kept by C) Row");
    assert_string_equal(f->reach.state, "kept");
    assert_int_equal(f->reach.kept, 50);
    assert_string_equal(f->reach.by[0].kind, "library-data");
    assert_string_equal(f->reach.by[0].library, "/x/spam.so");
    assert_non_null(strstr(f->title, "a variable of spam.so"));
    hl_test_judged_end(&j);
    /* found is not guessed, whatever each of them has */
    j = hl_test_judge(MAIN "type spam.Map nogc\nrows:Row*{0|10|20|30|40|50} size=100 ref=1\n"
                           "rows -.links-> map:spam.Map*{0|10|20|30|40|50} size=48 opaque\n"
                           "heldby rows data=/x/spam.so:ab+0x4000\n" MARKED_AUDIT);
    assert_int_equal(j.d.n_findings, 1);
    assert_string_equal(j.d.findings[0].cause, "native-reference");
    assert_string_equal(j.d.findings[0].holder.name, "(kept by C) Row");
    hl_test_judged_end(&j);
    j = hl_test_judge(MAIN "rows:Row*{0|10|20|30|40|50} size=100 ref=1\n"
                           "nobodys rows\n" MARKED_AUDIT);
    assert_int_equal(j.d.n_findings, 1);
    f = &j.d.findings[0];
    assert_string_equal(f->holder.name, "(lost by C) Row");
    assert_string_equal(f->reach.state, "lost");
    assert_int_equal(f->reach.lost, 50);
    assert_int_equal(f->reach.n_by, 0);
    hl_test_judged_end(&j);
}

static void exactly_so_many_a_call(void **state)
{
    hl_judged j = hl_test_judge(MAIN "lost:Row*{7|17|27|37|47|57} size=64 ref=1\n" AUDIT);
    assert_int_equal(j.d.n_findings, 1);
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->cause, "native-reference");
    assert_int_equal(f->confidence, HL_CERTAIN);
    assert_int_equal(f->growth.objects, 50);
    assert_true(f->growth.per_round > 0.999 && f->growth.per_round < 1.001);
    hl_test_judged_end(&j);
    (void)state;
}

static void a_few_that_come_and_go(void **state)
{
    /* 100 a call, and what other threads have at hand */
    hl_judged j = hl_test_judge(MAIN "lost:Row*{2|1001|2000|3003|4001|5000} size=64 ref=1\n" AUDIT);
    assert_int_equal(j.d.n_findings, 1);
    assert_int_equal(j.d.findings[0].confidence, HL_CERTAIN);
    assert_int_equal(j.d.findings[0].growth.objects, 5000);
    hl_test_judged_end(&j);
    (void)state;
}

static void one_round_without(void **state)
{
    expect(MAIN "lost:Row*{0|10|20|30|30|40} size=64 ref=1\n" AUDIT, HL_NO_LEAK, NULL);
    (void)state;
}

static void one_object_with_ever_more(void **state)
{
    hl_judged j =
        hl_test_judge(MAIN "g -key:row-> r:Row size=64 ref={+0|+10|+20|+30|+40|+50}\n" AUDIT);
    assert_int_equal(j.d.n_findings, 1);
    assert_string_equal(j.d.findings[0].holder.name, "(not given back by C) Row");
    assert_non_null(strstr(j.d.findings[0].title, "__main__.row"));
    hl_test_judged_end(&j);
    (void)state;
}

static void a_class_whose_instances_forget_it(void **state)
{
    hl_judged j =
        hl_test_judge(MAIN "type type heap\ng -key:Thing-> t:type ref={+0|+10|+20|+30|+40|+50}\n"
                           "type __main__.Thing heap node=t\n" AUDIT);
    assert_int_equal(j.d.n_findings, 1);
    assert_non_null(strstr(j.d.findings[0].holder.name, "__main__.Thing"));
    hl_test_judged_end(&j);
    (void)state;
}

static void references_given_away(void **state)
{
    expect(MAIN "g -key:rows-> l:list len=100\nl -[]-> r:Row*100 size=64 ref=60\n"
                "g -key:row-> s:Row size=64\n"
                "s -.next-> r[0]\n" AUDIT,
           HL_NO_LEAK, NULL);
    hl_judged j =
        hl_test_judge(MAIN "g -key:rows-> l:list len=100\nl -[]-> r:Row*100 size=64 ref=100\n"
                           "g -key:one-> o:Row size=64 ref={100|90|80|70|60|50}\n" AUDIT);
    assert_int_equal(j.d.n_findings, 1);
    assert_string_equal(j.d.findings[0].holder.name, "(given away by C) Row");
    hl_test_judged_end(&j);
    (void)state;
}

static void none_given_away(void **state)
{
#define NONE(i, n) CALLS(i, "nonerefs=" #n " noneedges=700")
    hl_judged j = hl_test_judge(MAIN NONE(0, 9000) NONE(1, 8990) NONE(2, 8980) NONE(3, 8970)
                                    NONE(4, 8960) NONE(5, 8950));
    assert_int_equal(j.d.n_findings, 1);
    assert_string_equal(j.d.findings[0].holder.name, "(given away by C) None");
    assert_int_equal(j.d.findings[0].growth.objects, 50);
    hl_test_judged_end(&j);
    hl_test_expect(MAIN NONE(0, 9000) NONE(1, 9001) NONE(2, 8999) NONE(3, 9000) NONE(4, 9002)
                       NONE(5, 8990),
                   HL_NO_LEAK, NULL, NULL);
    (void)state;
}

static void leaves_of_a_heap_read_in_part(void **state)
{
#define PART(i) CALLS(i, "partly=1")
    hl_judged j =
        hl_test_judge(MAIN "g -key:word-> w:str size=64 ref={+0|+10|+20|+30|+40|+50}\n" PART(0)
                          PART(1) PART(2) PART(3) PART(4) PART(5));
    assert_int_equal(j.d.n_findings, 0);
    hl_test_judged_end(&j);
    (void)state;
}

static void two_looks_somebody_asked_for(void **state)
{
    hl_judged j = hl_test_judge(MAIN "lost:Row*{3|503} size=64 ref=1\n"
                                     "snap time=0 reason=api\nsnap time=1 reason=api\n");
    assert_int_equal(j.d.verdict, HL_UNDECIDED);
    assert_int_equal(j.d.n_findings, 1);
    assert_int_equal(j.d.findings[0].confidence, HL_POSSIBLE);
    assert_int_equal(j.d.findings[0].growth.objects, 500);
    hl_test_judged_end(&j);
    hl_test_expect(MAIN "lost:Row*{3|503} size=64 ref=1\nsnap time=0 reason=start\n"
                        "snap time=1 reason=end\n",
                   HL_NO_LEAK, NULL, NULL);
    (void)state;
}

#define MALLOC(i, n) "snap time=" #i " cpu=" #i " rounds=" #i "0 reason=round malloc=" #n "\n"

static void memory_that_no_object_explains(void **state)
{
    hl_judged j = hl_test_judge(MAIN MALLOC(0, 9000) MALLOC(1, 12520) MALLOC(2, 16040)
                                    MALLOC(3, 19560) MALLOC(4, 23080) MALLOC(5, 26600));
    assert_int_equal(j.d.n_findings, 1);
    assert_string_equal(j.d.findings[0].cause, "native-memory");
    assert_true(j.d.findings[0].growth.bytes_per_round == 352);
    hl_test_judged_end(&j);
    /* what objects take is theirs */
    j = hl_test_judge(MAIN "g -key:kept-> k:list len={0|10|20|30|40|50}\n"
                           "k -[]-> b:bytearray*{0|10|20|30|40|50} size=336\n" MALLOC(0, 9000)
                               MALLOC(1, 12520) MALLOC(2, 16040) MALLOC(3, 19560) MALLOC(4, 23080)
                                   MALLOC(5, 26600));
    for (uint32_t i = 0; i < j.d.n_findings; i++)
        assert_string_not_equal(j.d.findings[i].cause, "native-memory");
    hl_test_judged_end(&j);
    (void)state;
}

static void a_file_with_each_call(void **state)
{
#define FILES(i, n) "snap time=" #i " cpu=" #i " rounds=" #i "0 reason=round fds=" #n "\n"
    hl_judged j = hl_test_judge(MAIN FILES(0, 3) FILES(1, 13) FILES(2, 23) FILES(3, 33) FILES(4, 43)
                                    FILES(5, 53));
    assert_int_equal(j.d.verdict, HL_NO_LEAK);
    assert_non_null(strstr(j.d.why, "1.00 file descriptors"));
    hl_test_judged_end(&j);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_that_nothing_has),
        cmocka_unit_test(a_short_end_says_nothing),
        cmocka_unit_test(objects_that_c_has_from_the_start),
        cmocka_unit_test(objects_that_stop),
        cmocka_unit_test(too_little_to_matter),
        cmocka_unit_test(others_that_may_have_them),
        cmocka_unit_test(cycles_the_collector_cannot_see),
        cmocka_unit_test(exactly_so_many_a_call),
        cmocka_unit_test(who_of_c_has_them),
        cmocka_unit_test(a_few_that_come_and_go),
        cmocka_unit_test(one_round_without),
        cmocka_unit_test(one_object_with_ever_more),
        cmocka_unit_test(a_class_whose_instances_forget_it),
        cmocka_unit_test(references_given_away),
        cmocka_unit_test(none_given_away),
        cmocka_unit_test(leaves_of_a_heap_read_in_part),
        cmocka_unit_test(two_looks_somebody_asked_for),
        cmocka_unit_test(memory_that_no_object_explains),
        cmocka_unit_test(a_file_with_each_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
