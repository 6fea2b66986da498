/* diagnose/native_kept_test.c: memory of C's in an ordinary run: lost, kept, and filling; on drawn runs.
 *
 * Room   diagnose; tests only. Snapshots are texts (snapshot/snap_dsl.h). */
#include "diagnose/diagnose_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LOOK(i, mb, more)                                                                          \
    "snap time=" #i " cpu=" #i " rss=" #mb "M heap=" #mb                                           \
    "M heapfree=0 mapped=0 used=0 track=sampled rate=524288 native=2 nativerate=131072 " more "\n"
#define RUN                                                                                        \
    LOOK(0, 20, "reason=start")                                                                    \
    LOOK(1, 24, "")                                                                                \
    LOOK(2, 28, "")                                                                                \
    LOOK(3, 32, "")                                                                                \
    LOOK(4, 36, "") LOOK(5, 40, "") LOOK(6, 44, "mark=1") LOOK(7, 48, "") LOOK(8, 52, "")
#define END                                                                                        \
    "snap time=9 cpu=9 rss=52M heap=52M heapfree=0 mapped=0 used=0 reason=end track=sampled "      \
    "rate=524288\n"
#define MAIN  "root module __main__ m\nm:module -__dict__-> g:dict\n"
#define ASKED "native call@app.py:7|/x/spam.so+0x40|/x/spam.so+0x90 "
#define RISES                                                                                      \
    "live={0|4|8|12|16|20|24|28|32}:"                                                              \
    "{0|4000000|8000000|12000000|16000000|20000000|24000000|28000000|32000000} taken="             \
    "{0|4000000|8000000|12000000|16000000|20000000|24000000|28000000|32000000} "
#define STOPS                                                                                      \
    "live={0|4|8|12|16|20|20|20|20}:"                                                              \
    "{0|4000000|8000000|12000000|16000000|20000000|20000000|20000000|20000000} taken="             \
    "{0|4000000|8000000|12000000|16000000|20000000|20000000|20000000|20000000} "

static bool says(const hl_finding *f, const char *text)
{
    for (uint32_t i = 0; i < f->n_evidence; i++)
        if (strstr(f->evidence[i], text))
            return true;
    return false;
}

/* Few looks, each with more: nobody is accused, and nothing is called well. */
static void few_looks_leave_it_open(void **state)
{
    (void)state;
#define FEW(a, b, c, d)                                                                            \
    LOOK(0, 20, "reason=start")                                                                    \
    LOOK(1, a, "") LOOK(2, b, "") LOOK(3, c, "") LOOK(4, d, "")
    hl_judged j = hl_test_judge(MAIN FEW(20, 32, 44, 56));
    assert_int_equal(j.d.verdict, HL_UNDECIDED);
    assert_int_equal(j.d.n_findings, 0);
    assert_non_null(strstr(j.d.why, "grew by 37.7 MB"));
    assert_non_null(strstr(j.d.why, "too few snapshots"));
    hl_test_judged_end(&j);
    j = hl_test_judge(MAIN FEW(20, 44, 56, 56)); /* came to rest */
    assert_int_equal(j.d.verdict, HL_NO_LEAK);
    hl_test_judged_end(&j);
    j = hl_test_judge(MAIN FEW(20, 21, 22, 23)); /* too little */
    assert_int_equal(j.d.verdict, HL_NO_LEAK);
    hl_test_judged_end(&j);
}

static void lost_is_a_leak(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(MAIN ASKED RISES "lost=-:23:23000000\n" RUN END);
    assert_int_equal(j.d.verdict, HL_LEAK);
    assert_int_equal(j.d.n_findings, 1);
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->cause, "native-memory");
    assert_int_equal(f->confidence, HL_STRONG);
    assert_string_equal(f->holder.name, "(lost by C) memory asked for in spam.so+0x90");
    assert_non_null(strstr(f->title, "called from app.py:7"));
    assert_true(
        says(f, "had some 24.0 MB in use, and no pointer to 23.0 MB of it was left anywhere"));
    assert_int_equal(f->n_allocated_at, 1);
    assert_int_equal(f->allocated_at[0].line, 7);
    hl_test_judged_end(&j);
}

#define SHORT                                                                                      \
    LOOK(0, 20, "reason=start")                                                                    \
    LOOK(10, 24, "") LOOK(20, 40, "") LOOK(30, 56, "mark=1") LOOK(40, 72, "")
#define SHORT_END                                                                                  \
    "snap time=41 cpu=41 rss=72M heap=72M heapfree=0 mapped=0 used=0 reason=end track=sampled "    \
    "rate=524288\n"
#define IN_TWO                                                                                     \
    "live={0|4|4|20|36}:{0|4000000|4000000|20000000|36000000} "                                    \
    "taken={0|4000000|4000000|20000000|36000000} "

/* Nearly all of it, and much: two intervals do. */
static void much_that_is_lost_says_more(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(MAIN ASKED IN_TWO "lost=-:19:19000000\n" SHORT SHORT_END);
    assert_int_equal(j.d.verdict, HL_LEAK);
    assert_string_equal(j.d.findings[0].cause, "native-memory");
    hl_test_judged_end(&j);
    j = hl_test_judge(MAIN ASKED IN_TWO
                      "lost=-:11:11000000 data=/x/spam.so+0x4000,9:9000000\n" SHORT SHORT_END);
    assert_int_equal(j.d.verdict, HL_UNDECIDED);
    hl_test_judged_end(&j);
}

/* A cache, a document, a table in memory. */
static void kept_is_told_and_not_accused(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(MAIN ASKED RISES "data=/x/spam.so+0x4000,24:24000000\n" RUN END);
    assert_int_equal(j.d.verdict, HL_UNDECIDED);
    assert_int_equal(j.d.n_findings, 1);
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->cause, "native-memory");
    assert_int_equal(f->confidence, HL_POSSIBLE);
    assert_string_equal(f->holder.name, "(kept by C) memory asked for in spam.so+0x90");
    assert_non_null(strstr(f->title, "asked for in spam.so+0x90, called from app.py:7"));
    assert_non_null(strstr(j.d.why, "in no Python object grew by"));
    hl_test_judged_end(&j);
}

/* A table is filled, and used from then on, for as long as that took. */
static void what_stopped_long_before_the_end_is_not(void **state)
{
    (void)state;
    hl_judged j = hl_test_judge(MAIN ASKED RISES
                                "data=/x/spam.so+0x4000,24:24000000\n" RUN
                                "snap time=16 cpu=16 rss=53M heap=53M heapfree=0 mapped=0 used=0 "
                                "reason=end track=sampled rate=524288\n");
    assert_int_equal(j.d.n_findings, 0);
    assert_int_equal(j.d.verdict, HL_NO_LEAK);
    hl_test_judged_end(&j);
    j = hl_test_judge(/* nor what was lost in the first half of it */
                      MAIN ASKED RISES
                      "lost=-:23:23000000\n" RUN
                      "snap time=16 cpu=16 rss=53M heap=53M heapfree=0 mapped=0 used=0 "
                      "reason=end track=sampled rate=524288\n");
    assert_int_equal(j.d.n_findings, 0);
    hl_test_judged_end(&j);
}

static void nothing(const char *text)
{
    hl_judged j = hl_test_judge(text);
    assert_int_not_equal(j.d.verdict, HL_LEAK);
    hl_test_judged_end(&j);
}

static void no_leak(void **state)
{
    (void)state;
    /* once lost, and no more of it */
    nothing(MAIN ASKED STOPS "lost=-:20:20000000\n" RUN END);
    /* few pointers are hidden: most of it is kept */
    nothing(MAIN ASKED RISES "lost=-:7:7000000 data=/x/spam.so+0x4000,17:17000000\n" RUN END);
    /* another library lost some, long ago */
    nothing(
        MAIN ASKED RISES
        "\nnative call@app.py:9|/x/eggs.so+0x30 live=3:3000000 taken=3000000 lost=-:3:3000000\n" RUN
            END);
    /* nobody asked what leads to it */
    nothing(MAIN ASKED RISES "\n" LOOK(0, 20, "") LOOK(1, 24, "") LOOK(2, 28, "") LOOK(3, 32, "")
                LOOK(4, 36, "") LOOK(5, 40, "") LOOK(6, 44, "") LOOK(7, 48, "") LOOK(8, 52, ""));
}

/* Little, but as much in each of many looks: not well, and nobody's. The imports before took more. */
static void little_at_one_pace_is_left_open(void **state)
{
    (void)state;
#define PACE(a, b, c, d, e, f)                                                                     \
    LOOK(0, 20, "reason=start")                                                                    \
    LOOK(1, a, "reason=imported")                                                                  \
    LOOK(2, b, "") LOOK(3, c, "") LOOK(4, d, "") LOOK(5, e, "") LOOK(6, f, "")
    hl_judged j = hl_test_judge(MAIN PACE(30, 31, 32, 33, 34, 35));
    assert_int_equal(j.d.verdict, HL_UNDECIDED);
    assert_int_equal(j.d.n_findings, 0);
    assert_non_null(strstr(j.d.why, "grew by 5.2 MB"));
    hl_test_judged_end(&j);
    static const char *const healthy[] = {
        MAIN PACE(30, 33, 34, 35, 35, 35), /* comes to rest */
        MAIN PACE(30, 31, 31, 34, 34, 35), /* by leaps */
        MAIN PACE(60, 60, 60, 61, 61, 61), /* next to nothing */
    };
    for (size_t i = 0; i < sizeof healthy / sizeof *healthy; i++) {
        j = hl_test_judge(healthy[i]);
        assert_int_equal(j.d.verdict, HL_NO_LEAK);
        hl_test_judged_end(&j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_looks_leave_it_open),
        cmocka_unit_test(little_at_one_pace_is_left_open),
        cmocka_unit_test(lost_is_a_leak),
        cmocka_unit_test(much_that_is_lost_says_more),
        cmocka_unit_test(kept_is_told_and_not_accused),
        cmocka_unit_test(what_stopped_long_before_the_end_is_not),
        cmocka_unit_test(no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
