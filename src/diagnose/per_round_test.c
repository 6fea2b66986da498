/* diagnose/per_round_test.c: growth by declared rounds: exact counts decide, and nothing else does.
 *
 * Room   diagnose; tests only. Heaps are drawn (snapshot/snap_dsl.h); all of it is far below what
 *        matters without rounds. */
#include "diagnose/diagnose_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAIN                                                                                       \
    "root module __main__ m\nm:module -__dict__-> g:dict\n"                                        \
    "g -key:handle-> h:function -__code__-> hc:code\nh -__globals__-> g\n"                         \
    "code hc name=handle qualname=handle file=app.py line=3 uses=global:rows:add\n"
/* Looks at rounds 0, 2, 4, 8, 12, 16; time says nothing of them. */
#define ROUNDS                                                                                     \
    "snap time=0 cpu=0 reason=start\n"                                                             \
    "snap time=9 cpu=9 reason=round rounds=2\n"                                                    \
    "snap time=10 cpu=9.5 reason=round rounds=4\n"                                                 \
    "snap time=30 cpu=29 reason=round rounds=8\n"                                                  \
    "snap time=31 cpu=30 reason=round rounds=12\n"                                                 \
    "snap time=50 cpu=49 reason=end rounds=16\n"
#define ROWS(len, items)                                                                           \
    "g -key:rows-> rows:list len={" len "}\nrows -[]-> item:dict*{" items "} size=64\n"

static void one_more_a_round(void **state)
{
    hl_judged j = hl_test_judge(MAIN ROWS("0|2|4|8|12|16", "0|2|4|8|12|16") ROUNDS);
    assert_int_equal(j.d.verdict, HL_LEAK);
    assert_int_equal(j.d.n_findings, 1);
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->cause, "growing-container");
    assert_string_equal(f->holder.name, "__main__.rows");
    assert_int_equal(f->confidence, HL_CERTAIN);
    assert_true(f->growth.per_round > 0.99 && f->growth.per_round < 1.01);
    assert_true(f->growth.bytes_per_round > 63 && f->growth.bytes_per_round < 65);
    assert_int_equal(j.d.observed.rounds, 16);
    hl_test_judged_end(&j);
    (void)state;
}

static void nine_in_ten_rounds_is_not_every_round(void **state)
{
    hl_judged j = hl_test_judge(MAIN ROWS("0|2|4|7|11|15", "0|2|4|7|11|15") ROUNDS);
    assert_int_equal(j.d.verdict, HL_NO_LEAK);
    assert_int_equal(j.d.n_findings, 0);
    hl_test_judged_end(&j);
    (void)state;
}

static void what_stops_is_no_leak(void **state)
{
    hl_judged j = hl_test_judge(MAIN ROWS("0|2|4|8|12|12", "0|2|4|8|12|12") ROUNDS);
    assert_int_equal(j.d.verdict, HL_NO_LEAK);
    hl_test_judged_end(&j);
    (void)state;
}

static void a_look_into_a_round_proves_nothing(void **state)
{
    /* 9 and 13 were seen in the middle of a round, with half of it; the rounds themselves count */
    hl_judged j = hl_test_judge(MAIN ROWS(
        "0|2|4|5|8|12|13|16", "0|2|4|5|8|12|13|16") "snap time=0 cpu=0 reason=start\n"
                                                    "snap time=1 cpu=1 reason=round rounds=2\n"
                                                    "snap time=2 cpu=2 reason=round rounds=4\n"
                                                    "snap time=3 cpu=3 reason=growth rounds=6\n"
                                                    "snap time=4 cpu=4 reason=round rounds=8\n"
                                                    "snap time=5 cpu=5 reason=round rounds=12\n"
                                                    "snap time=6 cpu=6 reason=time rounds=14\n"
                                                    "snap time=7 cpu=7 reason=end rounds=16\n");
    assert_int_equal(j.d.verdict, HL_LEAK);
    hl_test_judged_end(&j);
    (void)state;
}

static void few_rounds_are_judged_as_without(void **state)
{
    hl_judged j = hl_test_judge(
        MAIN ROWS("0|1|2|3|4|5", "0|1|2|3|4|5") "snap time=0 cpu=0 reason=start\n"
                                                "snap time=1 cpu=1 reason=round rounds=1\n"
                                                "snap time=2 cpu=2 reason=round rounds=2\n"
                                                "snap time=3 cpu=3 reason=round rounds=3\n"
                                                "snap time=4 cpu=4 reason=round rounds=4\n"
                                                "snap time=5 cpu=5 reason=end rounds=5\n");
    assert_int_equal(j.d.verdict, HL_NO_LEAK);
    assert_int_equal(j.d.observed.rounds, 5);
    hl_test_judged_end(&j);
    (void)state;
}

static void our_own_register_is_none_of_its_leaks(void **state)
{
    hl_judged j = hl_test_judge("root module heaplens._expect m\nm:module -__dict__-> g:dict\n"
                                "g -key:_register-> rows:dict len={0|2|4|8|12|16}\n"
                                "rows -value:int-> item:tuple*{0|2|4|8|12|16} size=64\n" ROUNDS);
    assert_int_equal(j.d.verdict, HL_NO_LEAK);
    hl_test_judged_end(&j);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_more_a_round),
        cmocka_unit_test(nine_in_ten_rounds_is_not_every_round),
        cmocka_unit_test(what_stops_is_no_leak),
        cmocka_unit_test(a_look_into_a_round_proves_nothing),
        cmocka_unit_test(few_rounds_are_judged_as_without),
        cmocka_unit_test(our_own_register_is_none_of_its_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
