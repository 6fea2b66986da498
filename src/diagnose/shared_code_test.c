/* diagnose/shared_code_test.c: what code of packages does to containers, told from its look-alikes.
 *
 * Room   diagnose; tests only. Drawn heaps (snapshot/snap_dsl.h), each with its twin: a defaultdict
 *        that is only asked, a buffer of bytes that somebody cuts, methods of a class made in a
 *        function, functions a package wraps for a container of its own, a register that a library
 *        keeps of what others have. */
#include "diagnose/diagnose_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MODULE                                                                                     \
    "root module __main__ m\n"                                                                     \
    "m:module -__dict__-> g:dict\n"

/* Heaps are drawn a line a line. */
/* clang-format off */

#define LOOKS                                                                                      \
    "snap time=0 cpu=0 reason=start\n"                                                             \
    "snap time=1 cpu=1\n"                                                                          \
    "snap time=2 cpu=2\n"                                                                          \
    "snap time=3 cpu=3\n"                                                                          \
    "snap time=4 cpu=4\n"                                                                          \
    "snap time=5 cpu=5\n"                                                                          \
    "snap time=6 cpu=6 reason=end\n"

/* What calls the code in question, again and again. */
#define LOOP                                                                                       \
    "root frame loop lf thread=0 progress={0|1|2|3|4|5|6}\n"                                       \
    "lf:frame -f_code-> loop:code\n"                                                               \
    "code loop name=loop qualname=loop file=app.py line=15\n"

/* ---- a mapping that is only asked ---------------------------------------------------------------
 */

/* main() has a jar, whose class has code that asks its mapping for keys, and none that stores. It
 * is gone when main() has returned. */
#define ASKED(n)                                                                                   \
    "root frame main ff thread=0 progress={0|1|2|3|4|5|6}\n"                                       \
    "ff:frame -f_code-> main\n"                                                                    \
    "ff -f_globals-> g\n"                                                                          \
    "ff -local:jar-> jar:Jar -attr:cookies-> cookies len=" n "\n"                                  \
    "cookies -value:int-> morsel:dict*" n " size=20K len=0\n"
#define JAR(mapping)                                                                               \
    MODULE "type Jar node=J\n"                                                                     \
           "g -key:Jar-> J:type -__dict__-> space:dict -key:ask-> f:function -__code__-> ask:code\n" \
           "f -__globals__-> g\n"                                                                  \
           "g -key:main-> h:function -__code__-> main:code\n"                                      \
           "h -__globals__-> g\n"                                                                  \
           "code ask name=ask qualname=Jar.ask file=app.py line=3 uses=attr:cookies:get\n"         \
           "code main name=main qualname=main file=app.py line=9\n"                                \
           "cookies:" mapping "\n"                                                                 \
           "snap time=0 cpu=0 reason=start\n" ASKED("0")                                           \
           "snap time=1 cpu=1\n" ASKED("100")                                                      \
           "snap time=2 cpu=2\n" ASKED("200")                                                      \
           "snap time=3 cpu=3\n" ASKED("300")                                                      \
           "snap time=4 cpu=4\n" ASKED("400")                                                      \
           "snap time=5 cpu=5\n" ASKED("500")                                                      \
           "snap time=6 cpu=6\n" ASKED("600")                                                      \
           "snap time=6.2 cpu=6.2 reason=end\n"

/* What the developer is told to do. */
static void expect_fix(const char *text, const char *words, bool said)
{
    hl_judged j = hl_test_judge(text);
    assert_int_equal(j.d.verdict, HL_LEAK);
    assert_string_equal(j.d.findings[0].cause, "growing-container");
    assert_string_equal(j.d.findings[0].holder.name, "main() local jar.cookies");
    assert_int_equal(strstr(j.d.findings[0].fix, words) != NULL, said);
    hl_test_judged_end(&j);
}

static void a_defaultdict_keeps_what_it_is_asked_for(void **state)
{
    expect_fix(JAR("collections.defaultdict"), ".get(key)", true);
    (void)state;
}

static void a_dict_does_not(void **state)
{
    expect_fix(JAR("dict"), ".get(key)", false);
    (void)state;
}

/* ---- bytes that wait to be sent -----------------------------------------------------------------
 */

#define BUFFER(uses)                                                                               \
    MODULE "type Transport node=T\n"                                                               \
           "g -key:Transport-> T:type -__dict__-> space:dict -key:write-> f:function -__code__-> write:code\n" \
           "f -__globals__-> g\n"                                                                  \
           "space -key:ready-> h:function -__code__-> ready:code\n"                                \
           "h -__globals__-> g\n"                                                                  \
           "code write name=write qualname=Transport.write file=app.py line=3 uses=attr:_buffer:add\n" \
           "code ready name=ready qualname=Transport.ready file=app.py line=9 uses=" uses "\n"     \
           "g -key:peer-> peer:Transport -attr:_buffer-> buffer:bytearray len={0|4M|8M|12M|16M|20M|24M} " \
           "size={0|4M|8M|12M|16M|20M|24M}\n"                                                      \
           LOOP LOOKS

static void bytes_that_somebody_cuts_off_wait(void **state)
{
    hl_test_expect(BUFFER("attr:_buffer:remove+drop"), HL_LEAK, "backlog", "__main__.peer._buffer");
    (void)state;
}

static void bytes_that_nobody_cuts_off_are_kept(void **state)
{
    hl_test_expect(BUFFER("attr:_buffer:len"), HL_LEAK, "growing-container", "__main__.peer._buffer");
    (void)state;
}

/* ---- what a class made in a function has in its cells -------------------------------------------
 */

#define IN_A_CELL(place, qualname)                                                                 \
    MODULE place " -key:put-> f:function -__code__-> put:code\n"                                   \
                 "f -__globals__-> g\n"                                                            \
                 "f -__closure__-> t:tuple -[0]-> cell:cell -cell-> kept:list "            \
                 "len={0|100|200|300|400|500|600}\n"                                               \
                 "t -[1]-> other:cell -cell-> identify:builtin_function_or_method\n"       \
                 "kept -[]-> item:bytearray*{0|100|200|300|400|500|600} size=100K\n"               \
                 "code put name=put qualname=" qualname                                            \
                 " file=app.py line=3 free=kept,identify uses=free:kept:add\n"                     \
                 LOOP LOOKS

static void a_method_wraps_nothing(void **state)
{
    hl_test_expect(IN_A_CELL("g -key:Values-> V:type -__dict__-> space:dict\nspace",
                     "make.<locals>.Values.put"),
           HL_LEAK, "growing-container",
           "__main__.make.<locals>.Values.put closure kept");
    (void)state;
}

static void a_function_with_something_to_call_does(void **state)
{
    hl_test_expect(IN_A_CELL("g", "make.<locals>.put"), HL_LEAK, "decorator",
           "__main__.make.<locals>.put closure kept");
    (void)state;
}

/* ---- what a package wraps for a container of its own --------------------------------------------
 */

#define WRAPPED(owner)                                                                             \
    MODULE "g -key:events-> events:" owner " -attr:listeners-> all:list len={0|100|200|300|400|500|600}\n" \
           "all -[]-> w:function*{0|100|200|300|400|500|600} size=10K\n"                           \
           "w -__code__-> wrap:code\n"                                                             \
           "w -__closure__-> t:tuple*{0|100|200|300|400|500|600} size=10K\n"                       \
           "t -[]-> cell:cell*{0|100|200|300|400|500|600}\n"                                       \
           "cell -cell_contents-> inner:function*{0|100|200|300|400|500|600} size=10K\n"           \
           "inner -__code__-> after:code\n"                                                        \
           "code wrap name=wrap qualname=listen.<locals>.wrap "                                    \
           "file=/v/site-packages/store/event.py line=3 free=fn\n"                                 \
           "code after name=after qualname=set_up.<locals>.after "                                 \
           "file=/v/site-packages/store/mapping.py line=9\n" LOOKS

static void a_function_made_for_this_is_a_registration(void **state)
{
    hl_test_expect(WRAPPED("store.event.Dispatch"), HL_LEAK, "callback-registry",
           "__main__.events.listeners");
    (void)state;
}

static void wrappers_in_a_list_of_others_are_decoration(void **state)
{
    hl_test_expect(WRAPPED("app.Jobs"), HL_LEAK, "decorator", "__main__.events.listeners");
    (void)state;
}

/* ---- a register that a library keeps of what others have ----------------------------------------
 */

#define REGISTERED(module, register)                                                               \
    "root module " module " u\n"                                                                   \
    "u:module -__dict__-> space:dict -key:" register "-> all:dict -value:tuple-> end:Finalize "    \
    "-attr:_args-> args:tuple -[]-> waiting:collections.deque len={0|100|200|300|400|500|600}\n"   \
    "waiting -[]-> item:bytearray*{0|100|200|300|400|500|600} size=100K\n"                         \
    "code main name=main qualname=main file=app.py line=9\n"                                       \
    "root frame main ff thread=0\n"                                                                \
    "ff:frame -f_code-> main:code\n"                                                               \
    "ff -local:q-> q:app.Feeder -attr:_buffer-> waiting\n" LOOKS

static void what_is_to_be_done_at_exit_names_nothing(void **state)
{
    hl_test_expect(REGISTERED("multiprocessing.util", "_finalizer_registry"), HL_LEAK, "growing-container",
           "main() local q._buffer");
    (void)state;
}

static void a_table_of_the_program_does(void **state)
{
    hl_test_expect(REGISTERED("app", "queues"), HL_LEAK, "growing-container",
           "app.queues[*]._args[*]");
    (void)state;
}

/* ---- a queue that a thread has in its hands -----------------------------------------------------
 */

/* main() has a queue, and the thread that feeds its worker the deque in it, longer than main(). What
 * else main() has is enough for a look at what is in other hands in the end. */
#define FED(n)                                                                                     \
    "waiting:collections.deque len=" n "\n"                                                        \
    "waiting -[]-> item:bytearray*" n " size=100K\n"
#define HAS_QUEUE(n)                                                                               \
    FED(n) "root frame main ff thread=0\n"                                                         \
           "ff:frame -f_code-> main\n"                                                             \
           "ff -local:q-> q:multiprocessing.queues.Queue -attr:_buffer-> waiting\n"                \
           "ff -local:page-> page:bytearray size={0|4M|4M|4M|4M|4M|4M}\n"

static void what_is_in_a_queue_is_told_once(void **state)
{
    hl_test_expect(MODULE "g -key:main-> f:function -__code__-> main:code\n"
                  "f -__globals__-> g\n"
                  "code main name=main qualname=main file=app.py line=9\n"
                  "root frame feed bf thread=1\n"
                  "bf:frame -f_code-> feed:code\n"
                  "bf -local:buffer-> waiting\n"
                  "code feed name=feed qualname=Queue.feed file=queues.py line=3 "
                  "uses=local:buffer:remove+take\n"
                  "snap time=0 cpu=0 reason=start\n" HAS_QUEUE("0")
                  "snap time=1 cpu=1\n" HAS_QUEUE("100")
                  "snap time=2 cpu=2\n" HAS_QUEUE("200")
                  "snap time=3 cpu=3\n" HAS_QUEUE("300")
                  "snap time=4 cpu=4\n" HAS_QUEUE("400")
                  "snap time=5 cpu=5\n" HAS_QUEUE("500")
                  "snap time=6 cpu=6\n" HAS_QUEUE("600")
                  "snap time=6.2 cpu=6.2 reason=end\n" FED("620"),
           HL_LEAK, "backlog", "main() local q");
    (void)state;
}

/* ---- a context and its variables ----------------------------------------------------------------
 */

#define VALUES(n, size)                                                                            \
    MODULE "root thread context context\n"                                                         \
           "context:Context -named:variables-> tree:hamt -named:root-> node:hamt_bitmap_node*" n "\n" \
           "node -dictkey-> variable:_contextvars.ContextVar*" n "\n"                              \
           "node -named:steps-> value:list*" n " size=" size "\n" LOOKS

static void a_context_keeps_each_variable_ever_set(void **state)
{
    hl_test_expect(VALUES("{0|100|200|300|400|500|600}", "100K"), HL_LEAK, "context-variable",
           "(thread) context");
    (void)state;
}

/* Texts and numbers are counted in the hash nodes that have them. */
static void values_may_be_leaves(void **state)
{
    const char *many = "{0|100|200|300|400|500|600}";
    char text[1024];
    snprintf(text, sizeof text,
             MODULE "root thread context context\n"
                    "context:Context -named:variables-> tree:hamt -named:root-> "
                    "node:hamt_bitmap_node*%s fold=bytes*3:200K\n"
                    "node -dictkey-> variable:_contextvars.ContextVar*%s\n" LOOKS,
             many, many);
    hl_test_expect(text, HL_LEAK, "context-variable", "(thread) context");
    (void)state;
}

/* As many variables as a program has; what is in them comes and goes. */
static void variables_of_a_program_are_so_many(void **state)
{
    hl_test_expect(VALUES("40", "{100K|300K|100K|300K|100K|300K|100K}"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* A context for each call, kept in a list: the list is the holder, and no context gains anything. */
static void contexts_that_are_kept_gain_nothing(void **state)
{
    const char *many = "{0|100|200|300|400|500|600}";
    char text[2048];
    snprintf(text, sizeof text,
             MODULE "g -key:kept-> kept:list len=%s\n"
                    "kept -[]-> context:Context*%s -named:variables-> tree:hamt*%s "
                    "-named:root-> node:hamt_bitmap_node*%s\n"
                    "node -dictkey-> variable:_contextvars.ContextVar\n"
                    "node -named:steps-> value:list*%s size=100K\n" LOOKS,
             many, many, many, many, many);
    hl_test_expect(text, HL_LEAK, "context-variable", "__main__.kept");
    (void)state;
}

/* ---- who looks through it -----------------------------------------------------------------------
 */

#define RECORDS(uses)                                                                              \
    MODULE "g -key:records-> records:list len={0|100|200|300|400|500|600}\n"                       \
           "records -[]-> item:bytearray*{0|100|200|300|400|500|600} size=100K\n"                  \
           "g -key:emit-> f:function -__code__-> emit:code\n"                                      \
           "f -__globals__-> g\n"                                                                  \
           "g -key:flush-> h:function -__code__-> flush:code\n"                                    \
           "h -__globals__-> g\n"                                                                  \
           "code emit name=emit qualname=emit file=app.py line=3 uses=global:records:add\n"        \
           "code flush name=flush qualname=flush file=app.py line=9 uses=global:records:" uses "\n" \
           LOOP LOOKS

static void who_reads_all_and_clears_it_looks_for_nothing(void **state)
{
    hl_test_expect(RECORDS("iter+remove+drop+ownkey"), HL_LEAK, "growing-container", "__main__.records");
    (void)state;
}

static void who_takes_some_out_may_go_by_their_age(void **state)
{
    hl_test_expect(RECORDS("iter+remove+ownkey"), HL_UNDECIDED, "growing-container", "__main__.records");
    (void)state;
}

/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_defaultdict_keeps_what_it_is_asked_for),
        cmocka_unit_test(a_dict_does_not),
        cmocka_unit_test(bytes_that_somebody_cuts_off_wait),
        cmocka_unit_test(bytes_that_nobody_cuts_off_are_kept),
        cmocka_unit_test(a_method_wraps_nothing),
        cmocka_unit_test(a_function_with_something_to_call_does),
        cmocka_unit_test(a_function_made_for_this_is_a_registration),
        cmocka_unit_test(wrappers_in_a_list_of_others_are_decoration),
        cmocka_unit_test(what_is_to_be_done_at_exit_names_nothing),
        cmocka_unit_test(a_table_of_the_program_does),
        cmocka_unit_test(what_is_in_a_queue_is_told_once),
        cmocka_unit_test(a_context_keeps_each_variable_ever_set),
        cmocka_unit_test(values_may_be_leaves),
        cmocka_unit_test(variables_of_a_program_are_so_many),
        cmocka_unit_test(contexts_that_are_kept_gain_nothing),
        cmocka_unit_test(who_reads_all_and_clears_it_looks_for_nothing),
        cmocka_unit_test(who_takes_some_out_may_go_by_their_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
