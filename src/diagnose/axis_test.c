/* diagnose/axis_test.c: growth is judged on the program's own work.
 *
 * Room   diagnose; tests only. Drawn heaps (snapshot/snap_dsl.h) whose clock tells more than work: a
 *        full collection, an end at which a lot is done, and imports. */
#include "diagnose/diagnose_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Heaps are drawn a line a line. */
/* clang-format off */

/* A list that a function fills, with 100 KB an entry. */
#define ROWS(n)                                                                                    \
    "root module __main__ m\n"                                                                     \
    "m:module -__dict__-> g:dict\n"                                                                \
    "g -key:rows-> rows:list len=" n "\n"                                                          \
    "rows -[]-> item:bytearray*" n " size=100K\n"                                                  \
    "g -key:handle-> f:function -__code__-> handle:code\n"                                         \
    "f -__globals__-> g\n"                                                                         \
    "code handle name=handle qualname=handle file=app.py line=3 uses=global:rows:add\n"

/* ---- a look in a full collection ----------------------------------------------------------------
 */

static void a_look_in_a_full_collection_is_no_pause(void **state)
{
    hl_test_expect(ROWS("{0|100|200|300|400|400|500}")
           "snap time=0 cpu=0 reason=start collections=0,0,0\n"
           "snap time=1 cpu=1 collections=100,10,1\n"
           "snap time=2 cpu=2 collections=200,20,2\n"
           "snap time=3 cpu=3 collections=300,30,3\n"
           "snap time=4 cpu=4 collections=400,40,4\n"
           "snap time=5 cpu=4.4 collections=400,40,5\n"
           "snap time=6 cpu=5.4 collections=500,50,5 reason=end\n",
           HL_LEAK, "growing-container", "__main__.rows");
    (void)state;
}

/* The collection took most of the interval, and a little was made beside it. */
static void most_of_an_interval_is_a_full_collection(void **state)
{
    hl_test_expect(ROWS("{0|100|200|300|400|410|510}")
           "snap time=0 cpu=0 reason=start collections=0,0,0\n"
           "snap time=1 cpu=1 collections=100,10,0\n"
           "snap time=2 cpu=2 collections=200,20,0\n"
           "snap time=3 cpu=3 collections=300,30,0\n"
           "snap time=4 cpu=4 collections=400,40,0\n"
           "snap time=5 cpu=8 collections=410,41,1\n"
           "snap time=6 cpu=9 collections=510,51,1 reason=end\n",
           HL_LEAK, "growing-container", "__main__.rows");
    (void)state;
}

/* The healthy twin: much was made meanwhile, and nothing of it was kept. */
static void a_pause_is_a_pause(void **state)
{
    hl_test_expect(ROWS("{0|100|200|300|400|400|400}")
           "snap time=0 cpu=0 reason=start collections=0,0,0\n"
           "snap time=1 cpu=1 collections=100,10,1\n"
           "snap time=2 cpu=2 collections=200,20,2\n"
           "snap time=3 cpu=3 collections=300,30,3\n"
           "snap time=4 cpu=4 collections=400,40,4\n"
           "snap time=6 cpu=6 collections=500,50,5\n"
           "snap time=8 cpu=8 collections=600,60,6 reason=end\n",
           HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* Imports are slow to make anything: by their pace the collection would have been none. */
static void the_pace_is_that_of_the_work(void **state)
{
    hl_test_expect(ROWS("{0|0|100|200|300|400}")
           "snap time=0 cpu=0 reason=start collections=0,0,0\n"
           "snap time=6 cpu=6 reason=imported collections=10,1,0\n"
           "snap time=7 cpu=7 collections=110,11,0\n"
           "snap time=8 cpu=8 collections=210,21,0\n"
           "snap time=16 cpu=16 collections=310,31,1\n"
           "snap time=17 cpu=17 collections=410,41,1 reason=end\n",
           HL_LEAK, "growing-container", "__main__.rows");
    (void)state;
}

/* What holds nothing fills no generation: then the bytes it took tell the pace. */
#define MADE(all) "site handle@app.py:3 live=1:1000 all=" all "\n"
#define COLLECTED(rows, made_in_it)                                                                \
    ROWS(rows)                                                                                      \
    "snap time=0 cpu=0 reason=start track=exact collections=0,0,0\n"                               \
    "snap time=1 cpu=1 reason=imported track=exact collections=10,1,0\n" MADE("1:1000000")         \
    "snap time=2 cpu=2 track=exact collections=10,1,0\n" MADE("2:11000000")                        \
    "snap time=3 cpu=3 track=exact collections=10,1,0\n" MADE("3:21000000")                        \
    "snap time=6 cpu=6 track=exact collections=10,1,1\n" MADE("4:" made_in_it)                     \
    "snap time=7 cpu=7 reason=end track=exact collections=10,1,1\n" MADE("5:72000000")

static void the_pace_is_told_by_what_was_allocated(void **state)
{
    hl_test_expect(COLLECTED("{0|0|100|200|210|310}", "22000000"), HL_LEAK, "growing-container", "__main__.rows");
    (void)state;
}

/* The healthy twin: all the time it worked, and kept next to nothing of it. */
static void what_was_allocated_was_work(void **state)
{
    hl_test_expect(COLLECTED("{0|0|100|200|210|220}", "51000000"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* A program that collects after each phase: the one that took least for what it made tells the pace. */
#define PHASES(b, c, d, e)                                                                         \
    ROWS("{0|100|200|300|400}")                                                                    \
    "snap time=0 cpu=0 reason=start collections=0,0,0\n"                                           \
    "snap time=1 cpu=1 collections=" b ",0,1\n"                                                    \
    "snap time=3 cpu=3 collections=" c ",0,2\n"                                                    \
    "snap time=7 cpu=7 collections=" d ",0,3\n"                                                    \
    "snap time=15 cpu=15 reason=end collections=" e ",0,4\n"

static void collections_that_get_dearer_are_no_rest(void **state)
{
    hl_test_expect(PHASES("100", "200", "300", "400"), HL_LEAK, "growing-container", "__main__.rows");
    (void)state;
}

/* The healthy twin: it made as much more as it took longer. */
static void phases_that_make_more_and_keep_as_much_slow_down(void **state)
{
    hl_test_expect(PHASES("100", "300", "700", "1500"), HL_UNDECIDED, "growing-container", "__main__.rows");
    (void)state;
}

/* ---- the end ------------------------------------------------------------------------------------
 */

/* It is filled for a while; then comes an eighth of the work in which so much is allocated. */
#define ENDS(all)                                                                                  \
    ROWS("{0|100|200|300|400|400}")                                                                \
    "snap time=0 cpu=0 reason=start track=exact\n"                                                 \
    "snap time=1 cpu=1 track=exact\n" MADE("1:10000000")                                           \
    "snap time=2 cpu=2 track=exact\n" MADE("2:20000000")                                           \
    "snap time=3 cpu=3 track=exact\n" MADE("3:30000000")                                           \
    "snap time=4 cpu=4 track=exact\n" MADE("4:40000000")                                           \
    "snap time=4.5 cpu=4.5 reason=end track=exact\n" MADE("5:" all)

static void a_brief_end_is_no_rest(void **state)
{
    hl_test_expect(ENDS("41000000"), HL_LEAK, "growing-container", "__main__.rows");
    (void)state;
}

/* The healthy twin: it was at other work by then. */
static void an_end_that_makes_much_is_one(void **state)
{
    hl_test_expect(ENDS("80000000"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* ---- imports ------------------------------------------------------------------------------------
 */

/* A script that loads for long and then fills a list of which nobody reads, in four short looks. */
static void what_is_short_is_so_beside_the_work(void **state)
{
    hl_test_expect(
           "root module __main__ m\n"
           "m:module -__dict__-> g:dict\n"
           "g -key:rows-> rows:list len={0|0|100|200|300}\n"
           "rows -[]-> item:bytearray*{0|0|100|200|300} size=100K\n"
           "g -key:show-> h:function -__code__-> show:code\n"
           "h -__globals__-> g\n"
           "code show name=show qualname=show file=app.py line=9 uses=global:other:handed\n"
           "root frame <module> mf thread=0 progress=7\n"
           "mf:frame -f_code-> mc:code\n"
           "mf -f_globals-> g\n"
           "code mc name=<module> qualname=<module> file=app.py line=1 uses=global:rows:add\n"
           "snap time=0 cpu=0 reason=start\n"
           "snap time=0.2 cpu=0.2 reason=imported\n"
           "snap time=0.22 cpu=0.22\n"
           "snap time=0.24 cpu=0.24\n"
           "snap time=0.26 cpu=0.26 reason=end\n",
           HL_LEAK, "growing-container", "__main__.rows");
    (void)state;
}

/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_in_a_full_collection_is_no_pause),
        cmocka_unit_test(most_of_an_interval_is_a_full_collection),
        cmocka_unit_test(a_pause_is_a_pause),
        cmocka_unit_test(the_pace_is_that_of_the_work),
        cmocka_unit_test(the_pace_is_told_by_what_was_allocated),
        cmocka_unit_test(what_was_allocated_was_work),
        cmocka_unit_test(collections_that_get_dearer_are_no_rest),
        cmocka_unit_test(phases_that_make_more_and_keep_as_much_slow_down),
        cmocka_unit_test(a_brief_end_is_no_rest),
        cmocka_unit_test(an_end_that_makes_much_is_one),
        cmocka_unit_test(what_is_short_is_so_beside_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
