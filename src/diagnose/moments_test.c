/* diagnose/moments_test.c: a verdict does not hang on the moment a look happened to fall into.
 *
 * Room   diagnose; tests only. Drawn heaps (snapshot/snap_dsl.h) in which one look fell badly: into
 *        an exit handler, on another way to the same container. */
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

/* A list with 100 KB an entry. */
#define ROWS(n)                                                                                    \
    "rows:list len=" n "\n"                                                                        \
    "rows -[]-> item:bytearray*" n " size=100K\n"

/* A memo with 100 KB an entry. */
#define MEMO_OF(n)                                                                                 \
    "memo:dict len=" n "\n"                                                                        \
    "memo -value:int-> item:bytearray*" n " size=100K\n"

/* Heaps are drawn a line a line. */
/* clang-format off */

/* ---- a look among the exit handlers -------------------------------------------------------------
 */

/* main() has a memo; then a look falls into close(), a long way before the last. */
#define AT_WORK(n)                                                                                 \
    "root frame main ff thread=0\n"                                                                \
    "ff:frame -f_code-> main\n"                                                                    \
    "ff -f_globals-> g\n"                                                                          \
    "ff -local:memo-> memo\n" MEMO_OF(n)
#define THEN_CLOSE                                                                                 \
    "g -key:main-> f:function -__code__-> main:code\n"                                             \
    "f -__globals__-> g\n"                                                                         \
    "g -key:close-> h:function -__code__-> close:code\n"                                           \
    "h -__globals__-> g\n"                                                                         \
    "code main name=main qualname=main file=app.py line=3 uses=local:memo:test+get+store\n"        \
    "code close name=close qualname=close file=app.py line=9\n"                                    \
    "snap time=0 cpu=0 reason=start\n" AT_WORK("0")                                                \
    "snap time=1 cpu=1\n" AT_WORK("100")                                                           \
    "snap time=2 cpu=2\n" AT_WORK("200")                                                           \
    "snap time=3 cpu=3\n" AT_WORK("300")                                                           \
    "snap time=4 cpu=4\n" AT_WORK("400")                                                           \
    "snap time=5 cpu=5\n" AT_WORK("500")                                                           \
    "snap time=6 cpu=6\n"                                                                          \
    "root frame close hf thread=0\n"                                                               \
    "hf:frame -f_code-> close\n"                                                                   \
    "snap time=7 cpu=7 reason=end\n"

static void a_look_among_exit_handlers_is_a_farewell(void **state)
{
    hl_test_expect(MODULE "root interp atexit h\n" THEN_CLOSE, HL_LEAK, "unbounded-cache",
           "main() local memo");
    (void)state;
}

/* The healthy twin: the program goes on with another function, without what main() had. */
static void a_look_at_other_work_is_none(void **state)
{
    hl_test_expect(MODULE THEN_CLOSE, HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* ---- a look at an interpreter that is taken apart ----------------------------------------------
 */

/* __main__ has a list that main() fills; at the last two looks only C has what is in it. */
#define NAMED(n)                                                                                   \
    "root frame main ff thread=0 progress=" n "\n"                                                 \
    "ff:frame -f_code-> main\n"                                                                    \
    "ff -f_globals-> g\n"                                                                          \
    "g -key:rows-> rows\n" ROWS(n)
#define TAKEN_APART(runs)                                                                          \
    MODULE                                                                                         \
    "g -key:add-> f:function -__code__-> add:code\n"                                               \
    "f -__globals__-> g\n"                                                                         \
    "main:code\n"                                                                                  \
    "code main name=main qualname=main file=app.py line=5\n"                                       \
    "code add name=add qualname=add file=app.py line=3 uses=global:rows:add\n"                     \
    "snap time=0 cpu=0 reason=start\n" NAMED("0")                                                  \
    "snap time=1 cpu=1\n" NAMED("100")                                                             \
    "snap time=2 cpu=2\n" NAMED("200")                                                             \
    "snap time=3 cpu=3\n" NAMED("300")                                                             \
    "snap time=4 cpu=4\n" NAMED("400")                                                             \
    "snap time=5 cpu=5\n" runs "item:bytearray*500 size=100K ref=1\n"                             \
    "snap time=6 cpu=6\n" runs "item:bytearray*500 size=100K ref=1\n"                             \
    "snap time=7 cpu=7 reason=end\n"

static void a_look_when_nothing_runs_is_a_farewell(void **state)
{
    hl_test_expect(TAKEN_APART(""), HL_LEAK, "growing-container", "__main__.rows");
    (void)state;
}

/* The healthy twin: a function that works on without the list. */
static void a_look_when_another_function_runs_is_none(void **state)
{
    hl_test_expect(TAKEN_APART("root frame main ff thread=0 progress=9\nff:frame -f_code-> main\n"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* ---- an end that nobody saw ---------------------------------------------------------------------
 */

/* main() has an index that a method fills; it returned at some time before the last look. */
#define FILLING(n)                                                                                 \
    "root frame main ff thread=0\n"                                                                \
    "ff:frame -f_code-> main\n"                                                                    \
    "ff -f_globals-> g\n"                                                                          \
    "ff -local:index-> index:app.Index -attr:words-> words:dict len=" n "\n"                       \
    "words -value:str-> item:bytearray*" n " size=100K\n"
#define THEN_NOTHING(last)                                                                         \
    MODULE "g -key:main-> f:function -__code__-> main:code\n"                                      \
    "f -__globals__-> g\n"                                                                         \
    "type app.Index node=I\n"                                                                      \
    "g -key:Index-> I:type -__dict__-> d:dict -key:read-> h:function -__code__-> read:code\n"      \
    "h -__globals__-> g\n"                                                                         \
    "code main name=main qualname=main file=app.py line=20\n"                                      \
    "code read name=read qualname=Index.read file=app.py line=5 uses=attr:words:store\n"           \
    "snap time=0 cpu=0 reason=start\n" FILLING("0")                                                \
    "snap time=1 cpu=1\n" FILLING("100")                                                           \
    "snap time=2 cpu=2\n" FILLING("200")                                                           \
    "snap time=3 cpu=3\n" FILLING("300")                                                           \
    "snap time=4 cpu=4\n" FILLING("400")                                                           \
    "snap time=5 cpu=5\n" FILLING("500")                                                           \
    "snap time=6 cpu=6\n" FILLING("600")                                                           \
    "snap time=7 cpu=7\n" FILLING("700")                                                           \
    "snap time=" last " cpu=" last " reason=end\n"

/* Longer than it was seen to grow: it may have been asked all that time. */
static void a_long_end_that_nobody_saw_tells_nothing(void **state)
{
    hl_test_expect(THEN_NOTHING("15"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* The leak beside it: the look before was the last it could have. */
static void what_grew_until_main_returned_leaks(void **state)
{
    hl_test_expect(THEN_NOTHING("8"), HL_LEAK, "growing-container", "main() local index.words");
    (void)state;
}

/* ---- a limit kept by a method of its own ------------------------------------------------------- */

/* Of a cache class, __setitem__ stores and calls _trim; five looks, the last before it is full. */
#define CACHE(size, trim)                                                                          \
    MODULE "g -key:cache-> cache:app.Cache -attr:data-> data:dict len={0|100|200|300|400}\n"       \
    "data -value:str-> item:bytearray*{0|100|200|300|400} size=100K\n"                             \
    "type app.Cache node=C\n"                                                                      \
    "g -key:Cache-> C:type -__dict__-> d:dict -key:__setitem__-> s:function -__code__-> set:code\n"\
    "d -key:_trim-> t:function -__code__-> trim:code\n"                                            \
    "d -key:__len__-> l:function -__code__-> len:code\n"                                           \
    "code set name=__setitem__ qualname=Cache.__setitem__ file=app.py line=5 uses=attr:data:store\n"\
    "code len name=__len__ qualname=Cache.__len__ file=app.py line=9 args=1 vars=self "            \
    "uses=attr:" size ":counted\n"                                                                 \
    "code trim name=_trim qualname=Cache._trim file=app.py line=12 args=1 vars=self "              \
    "uses=attr:data:remove" trim "\n"                                                              \
    "snap time=0 cpu=0 reason=start\n"                                                             \
    "snap time=1 cpu=1\n"                                                                          \
    "snap time=2 cpu=2\n"                                                                          \
    "snap time=3 cpu=3\n"                                                                          \
    "snap time=4 cpu=4 reason=end\n"

static void what_a_method_trims_may_not_be_full_yet(void **state)
{
    hl_test_expect(CACHE("data", "+len"), HL_NO_LEAK, NULL, NULL);
    hl_test_expect(CACHE("data", ",local:self:len"), HL_NO_LEAK, NULL, NULL); /* len(self) is that of data */
    (void)state;
}

/* A cache of pages, whose limit is a number that what it holds is compared with. */
#define PAGES(more, uses, init)                                                                    \
    MODULE "g -key:pages-> pages:app.Pages -attr:kept-> kept:dict len={0|100|200|300|400}\n"       \
    "kept -value:str-> item:bytearray*{0|100|200|300|400} size=100K\n" more                        \
    "type app.Pages node=C heap\n"                                                                 \
    "g -key:Pages-> C:type -__dict__-> d:dict -key:store-> s:function -__code__-> set:code\n"      \
    "d -key:forget-> t:function -__code__-> forget:code\n"                                         \
    "d -key:other-> o:function -__code__-> other:code\n"                                           \
    "code set name=store qualname=Pages.store file=app.py line=5 args=1 vars=self "                \
    "uses=attr:kept:store," uses "\n"                                                              \
    "code forget name=forget qualname=Pages.forget file=app.py line=9 uses=attr:kept:remove\n"     \
    "code other name=" init " qualname=Pages.other file=app.py line=12 uses=attr:most:rebind\n"    \
    "snap time=0 cpu=0 reason=start\n"                                                             \
    "snap time=1 cpu=1\n"                                                                          \
    "snap time=2 cpu=2\n"                                                                          \
    "snap time=3 cpu=3\n"                                                                          \
    "snap time=4 cpu=4 reason=end\n"
#define MOST(digits) "pages number=most:" digits "\n"
#define COMPARED     "attr:most:compared"

static void what_fills_up_to_a_number_is_bounded(void **state)
{
    hl_test_expect(PAGES(MOST("9"), COMPARED, "__init__"), HL_NO_LEAK, NULL, NULL);
    hl_test_expect(PAGES(MOST("9"), COMPARED "+limit,attr:kept:len", "__init__"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* The leaks beside it: it is longer than the number; the number counts; it is compared with the
 * length of something else; there is none. */
static void what_a_number_does_not_bound_leaks(void **state)
{
    static const char *const texts[] = {
        PAGES(MOST("8"), COMPARED, "__init__"),
        PAGES(MOST("9"), COMPARED, "count"),
        PAGES(MOST("9"), COMPARED "+limit", "__init__"),
        PAGES("", COMPARED, "__init__"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hl_test_expect(texts[i], HL_LEAK, "growing-container", "__main__.pages.kept");
    (void)state;
}

/* The leaks beside them: entries are taken out, but nobody minds how many there are. */
static void what_a_method_removes_from_is_not_bounded(void **state)
{
    hl_test_expect(CACHE("data", ""), HL_LEAK, "growing-container", "__main__.cache.data");
    hl_test_expect(CACHE("names", ",local:self:len"), HL_LEAK, "growing-container", "__main__.cache.data");
    (void)state;
}

/* ---- room that was there ------------------------------------------------------------------------
 */

#define GLOBAL_ROWS                                                                                \
    MODULE "g -key:rows-> rows\n"                                                                  \
           "g -key:handle-> f:function -__code__-> handle:code\n"                                  \
           "f -__globals__-> g\n"                                                                  \
           "code handle name=handle qualname=handle file=app.py line=3 uses=global:rows:add\n"

/* Three rises; the process as big as rss says. */
#define RISES(rss)                                                                                 \
    GLOBAL_ROWS ROWS("{0|100|200|300}")                                                            \
    "snap time=0 cpu=0 reason=start rss=100M\n"                                                    \
    "snap time=1 cpu=1 rss=140M\n"                                                                 \
    "snap time=2 cpu=2 rss=" rss "\n"                                                              \
    "snap time=3 cpu=3 rss=" rss " reason=end\n"

static void what_fits_into_old_room_may_have_been_there_before(void **state)
{
    hl_test_expect(RISES("141M"), HL_UNDECIDED, "growing-container", "__main__.rows");
    (void)state;
}

/* The leak beside it: the process grew with it. */
static void what_needs_new_room_was_not(void **state)
{
    hl_test_expect(RISES("170M"), HL_LEAK, "growing-container", "__main__.rows");
    (void)state;
}

/* ---- another way to the same container ----------------------------------------------------------
 */

/* A queue is seen now as main()'s, now as that of the consumer; both are gone at the end. */
#define SEEN_AS(owner, n)                                                                          \
    "root frame " owner " ff thread=0\n"                                                           \
    "ff:frame -f_code-> " owner "\n"                                                               \
    "ff -f_globals-> g\n"                                                                          \
    "ff -local:" owner "_jobs-> q:queue.Queue -attr:queue-> jobs:collections.deque len=" n "\n"    \
    "jobs -[]-> item:bytearray*" n " size=100K\n"
#define PIPELINE                                                                                   \
    MODULE "g -key:main-> f:function -__code__-> main:code\n"                                      \
           "f -__globals__-> g\n"                                                                  \
           "g -key:consume-> h:function -__code__-> consume:code\n"                                \
           "h -__globals__-> g\n"                                                                  \
           "code main name=main qualname=main file=app.py line=3\n"                                \
           "code consume name=consume qualname=consume file=app.py line=9\n"

static void a_container_seen_in_two_ways_is_one(void **state)
{
    hl_test_expect(PIPELINE
           "snap time=0 cpu=0 reason=start\n" SEEN_AS("consume", "0")
           "snap time=1 cpu=1\n" SEEN_AS("consume", "100")
           "snap time=2 cpu=2\n" SEEN_AS("consume", "200")
           "snap time=3 cpu=3\n" SEEN_AS("consume", "300")
           "snap time=4 cpu=4\n" SEEN_AS("main", "400")
           "snap time=5 cpu=5\n" SEEN_AS("main", "500")
           "snap time=6 cpu=6 reason=end\n",
           HL_LEAK, "backlog", "main() local main_jobs");
    (void)state;
}

/* The healthy twin: it is worked off in between. */
static void a_container_worked_off_is_none(void **state)
{
    hl_test_expect(PIPELINE
           "snap time=0 cpu=0 reason=start\n" SEEN_AS("consume", "0")
           "snap time=1 cpu=1\n" SEEN_AS("consume", "100")
           "snap time=2 cpu=2\n" SEEN_AS("consume", "200")
           "snap time=3 cpu=3\n" SEEN_AS("consume", "20")
           "snap time=4 cpu=4\n" SEEN_AS("main", "210")
           "snap time=5 cpu=5\n" SEEN_AS("main", "300")
           "snap time=6 cpu=6 reason=end\n",
           HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* ---- a consumer at work -------------------------------------------------------------------------
 */

/* A queue that a thread takes from, with all the CPU it gets in the last interval. */
#define TAKEN_FROM(last)                                                                           \
    MODULE "g -key:jobs-> q:queue.Queue -attr:queue-> jobs:collections.deque "                      \
           "len={0|100|200|300|400|500}\n"                                                         \
           "jobs -[]-> item:bytearray*{0|100|200|300|400|500} size=100K\n"                         \
           "snap time=0 cpu=0 reason=start\n"                                                      \
           "snap time=1 cpu=0.1\n"                                                                 \
           "snap time=2 cpu=0.2\n"                                                                 \
           "snap time=3 cpu=0.3\n"                                                                 \
           "snap time=4 cpu=0.4\n"                                                                 \
           "snap time=" last " cpu=1.2 reason=end\n"

static void a_queue_fills_at_the_pace_of_the_clock(void **state)
{
    hl_test_expect(TAKEN_FROM("5"), HL_LEAK, "backlog", "__main__.jobs");
    (void)state;
}

/* The healthy twin: by the clock, too, it fills ever more slowly. */
static void a_queue_that_slows_down_is_not_told(void **state)
{
    hl_run *run = hl_dsl_run(TAKEN_FROM("12"));
    hl_arena arena;
    hl_arena_init(&arena);
    hl_diagnosis d;
    hl_err err = {0};
    assert_int_equal(hl_diagnose(&run, 1, NULL, &arena, &d, &err), HL_OK);
    assert_int_not_equal(d.verdict, HL_LEAK);
    hl_arena_deinit(&arena);
    hl_run_close(run);
    (void)state;
}

/* ---- nobody looked for long ---------------------------------------------------------------------
 */

/* A memo of main() grows for five seconds of work, and is gone `later`, when all is over. */
#define GONE(later)                                                                                \
    MODULE "g -key:main-> f:function -__code__-> main:code\n"                                      \
           "f -__globals__-> g\n"                                                                  \
           "code main name=main qualname=main file=app.py line=3 uses=local:memo:test+get+store\n" \
           "snap time=0 cpu=0 reason=start\n" AT_WORK("0")                                         \
           "snap time=1 cpu=1\n" AT_WORK("100")                                                    \
           "snap time=2 cpu=2\n" AT_WORK("200")                                                    \
           "snap time=3 cpu=3\n" AT_WORK("300")                                                    \
           "snap time=4 cpu=4\n" AT_WORK("400")                                                    \
           "snap time=5 cpu=5\n" AT_WORK("500")                                                    \
           "snap time=" later " cpu=" later " reason=end\n"

static void gone_at_the_end_is_kept_until_then(void **state)
{
    hl_test_expect(GONE("6"), HL_LEAK, "unbounded-cache", "main() local memo");
    (void)state;
}

static void gone_while_nobody_looked_is_gone(void **state)
{
    hl_test_expect(GONE("16"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* ---- two rises ----------------------------------------------------------------------------------
 */

#define MEMO(series)                                                                               \
    MODULE "g -key:handle-> f:function -__code__-> handle:code\n"                                  \
           "f -__globals__-> g\n"                                                                  \
           "code handle name=handle qualname=handle file=app.py line=3 "                           \
           "uses=global:memo:test+get+store\n"                                                     \
           "g -key:memo-> memo:dict len=" series "\n"                                              \
           "memo -value:int-> item:bytearray*" series " size=100K\n"                               \
           "snap time=0 cpu=0 reason=start\n"                                                      \
           "snap time=1 cpu=1\n"                                                                   \
           "snap time=4 cpu=4 reason=end\n"

static void two_rises_the_second_slower_fill_something(void **state)
{
    hl_test_expect(MEMO("{0|100|140}"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

static void two_rises_at_one_pace_are_a_leak(void **state)
{
    hl_test_expect(MEMO("{0|100|400}"), HL_LEAK, "unbounded-cache", "__main__.memo");
    (void)state;
}

/* ---- what lets go in its own time ---------------------------------------------------------------
 */

/* A cache whose bound another function keeps, looked at in its up and down. */
#define KEPT_FROM_AFAR(series)                                                                     \
    MODULE "g -key:put-> f:function -__code__-> put:code\n"                                        \
           "f -__globals__-> g\n"                                                                  \
           "g -key:trim-> h:function -__code__-> trim:code\n"                                      \
           "h -__globals__-> g\n"                                                                  \
           "code put name=put qualname=put file=app.py line=3 uses=global:table:store\n"           \
           "code trim name=trim qualname=trim file=app.py line=9 uses=global:table:remove\n"       \
           "g -key:table-> table:dict len=" series "\n"                                            \
           "table -value:int-> item:bytearray*" series " size=100K\n"                              \
           "root frame loop ff thread=0 progress={0|1|2|3|4|5|6}\n"                                \
           "ff:frame -f_code-> loop:code\n"                                                        \
           "code loop name=loop qualname=loop file=app.py line=15\n"                               \
           "snap time=0 cpu=0 reason=start\n"                                                      \
           "snap time=1 cpu=1\n"                                                                   \
           "snap time=2 cpu=2\n"                                                                   \
           "snap time=3 cpu=3\n"                                                                   \
           "snap time=4 cpu=4\n"                                                                   \
           "snap time=5 cpu=5\n"                                                                   \
           "snap time=6 cpu=6 reason=end\n"

static void a_bound_kept_from_afar_is_seen_in_its_up_and_down(void **state)
{
    hl_test_expect(KEPT_FROM_AFAR("{0|150|300|540|520|640|740}"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

static void a_table_that_lost_some_once_and_went_on_is_a_leak(void **state)
{
    hl_test_expect(KEPT_FROM_AFAR("{0|100|95|300|500|700|900}"), HL_LEAK, "growing-container",
           "__main__.table");
    (void)state;
}

/* ---- weak references ----------------------------------------------------------------------------
 */

/* A dict of weak references, each with a callback that keeps 100 KB. */
#define WATCHED(what)                                                                              \
    MODULE "g -key:watched-> watched:dict len={0|100|200|300|400}\n"                               \
           "watched -value:int-> ref:weakref.ReferenceType*{0|100|200|300|400}\n"                  \
           "ref -__callback__-> call:builtin_function_or_method*{0|100|200|300|400}\n"             \
           "call -__self__-> item:bytearray*{0|100|200|300|400} size=100K\n"                       \
           "g -key:others-> others:tuple\n" what                                                   \
           "snap time=0 cpu=0 reason=start\n"                                                      \
           "snap time=1 cpu=1\n"                                                                   \
           "snap time=2 cpu=2\n"                                                                   \
           "snap time=3 cpu=3\n"                                                                   \
           "snap time=4 cpu=4 reason=end\n"

static void weak_references_to_one_object_follow_nothing(void **state)
{
    hl_test_expect(WATCHED("others -[]-> node:Node\n"
                   "ref -weak-> node\n"),
           HL_LEAK, "growing-container", "__main__.watched");
    (void)state;
}

/* The healthy twin: as many as there are nodes. */
static void weak_references_to_many_follow_them(void **state)
{
    hl_test_expect(WATCHED("others -[]-> node:Node*{0|100|200|300|400}\n"
                   "ref -weak-> node\n"),
           HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* Weak keys with values of their own: what a compiler knows of each type. */
#define KNOWN_OF(keys)                                                                             \
    MODULE "g -key:known-> w:weakref.WeakKeyDictionary -attr:data-> data:dict "                     \
           "len={0|100|200|300|400}\n"                                                             \
           "data -dictkey-> ref:weakref.ReferenceType*{0|100|200|300|400}\n"                       \
           "data -value:weakref.ReferenceType-> memo:dict*{0|100|200|300|400} size=20K\n" keys     \
           "snap time=0 cpu=0 reason=start\n"                                                      \
           "snap time=1 cpu=1\n"                                                                   \
           "snap time=2 cpu=2\n"                                                                   \
           "snap time=3 cpu=3\n"                                                                   \
           "snap time=4 cpu=4 reason=end\n"

static void weak_keys_that_others_keep_are_followed(void **state)
{
    hl_test_expect(KNOWN_OF("g -key:types-> types:tuple\n"
                    "types -[]-> node:Node*{0|100|200|300|400}\n"
                    "ref -weak-> node\n"),
           HL_NO_LEAK, NULL, NULL);
    (void)state;
}

static void a_weak_key_that_its_value_keeps_never_goes(void **state)
{
    hl_test_expect(KNOWN_OF("memo -attr:owner-> node:Node*{0|100|200|300|400}\n"
                    "ref -weak-> node\n"),
           HL_LEAK, "unbounded-cache", "__main__.known");
    (void)state;
}

/* ---- what only C has ----------------------------------------------------------------------------
 */

#define ONLY_C_HAS(last)                                                                           \
    MODULE "table:list len={0|100|200|300|400} ref=1\n"                                            \
           "table -[]-> item:bytearray*{0|100|200|300|400} size=100K\n"                            \
           "root frame main ff thread=0 progress={0|1|2|3|4}\n"                                    \
           "ff:frame -f_code-> main:code\n"                                                        \
           "code main name=main qualname=main file=app.py line=3\n"                                \
           "snap time=0 cpu=0 reason=start\n"                                                      \
           "snap time=1 cpu=1\n"                                                                   \
           "snap time=2 cpu=2\n"                                                                   \
           "snap time=3 cpu=3\n"                                                                   \
           "snap time=4 cpu=4" last "\n"

static void nothing_is_in_the_making_when_all_is_over(void **state)
{
    hl_test_expect(ONLY_C_HAS(" reason=end"), HL_LEAK, "growing-container", "(held by C) list");
    (void)state;
}

/* The healthy twin: list() may be at work. */
static void a_list_that_only_c_has_may_be_in_the_making(void **state)
{
    hl_test_expect(ONLY_C_HAS(""), HL_UNDECIDED, "growing-container", "(held by C) list");
    (void)state;
}

/* ---- what is kept to be called ------------------------------------------------------------------
 */

/* Functions of one code in a list, each with a cell of its own: a look each second of CPU. */
#define HANDLERS(series)                                                                           \
    MODULE "g -key:handlers-> handlers:list len=" series "\n"                                      \
           "handlers -[]-> h:function*" series "\n"                                                \
           "h -__code__-> handle:code\n"                                                           \
           "h -__closure__-> t:tuple*" series "\n"                                                 \
           "t -[]-> cell:cell*" series "\n"                                                        \
           "cell -cell_contents-> item:bytearray*" series " size=100K\n"                           \
           "code handle name=handle qualname=serve.<locals>.handle file=app.py line=3 free=data\n" \
           "snap time=0 cpu=0 reason=start\n"                                                      \
           "snap time=1 cpu=1\n"                                                                   \
           "snap time=2 cpu=2\n"                                                                   \
           "snap time=3 cpu=3\n"                                                                   \
           "snap time=4 cpu=4\n"                                                                   \
           "snap time=5 cpu=5\n"                                                                   \
           "snap time=6 cpu=6 reason=end\n"

/* Each event calls all of them: with as many a request they come ever more slowly. */
static void functions_that_are_all_called_make_the_next_dearer(void **state)
{
    hl_test_expect(HANDLERS("{0|200|283|346|400|447|490}"), HL_LEAK, "closure", "__main__.handlers");
    (void)state;
}

/* The healthy twin: as many as there are pages, found sooner or later. */
static void functions_of_which_there_are_so_many_are_none(void **state)
{
    hl_test_expect(HANDLERS("{0|300|420|460|472|476|478}"), HL_NO_LEAK, NULL, NULL);
    (void)state;
}

/* ---- a record that others work with -------------------------------------------------------------
 */

/* The buffer lies in a State, whose class has no code; Sender and Receiver of its module do. */
#define STREAM(module)                                                                             \
    "root module __main__ m\n"                                                                     \
    "m:module -__dict__-> g:dict -key:stream-> r:Receiver -attr:_state-> state:State\n"            \
    "state -attr:buffer-> buffer:collections.deque len={0|100|200|300|400}\n"                      \
    "buffer -[]-> item:bytearray*{0|100|200|300|400} size=100K\n"                                  \
    "type State node=S\n"                                                                          \
    "root module streams n\n"                                                                      \
    "n:module -__dict__-> ns:dict -key:State-> S:type\n"                                           \
    "root module others o\n"                                                                       \
    "o:module -__dict__-> os:dict\n"                                                               \
    module " -key:send-> f:function -__code__-> send:code\n"                                       \
    "f -__globals__-> " module "\n"                                                                \
    module " -key:receive-> h:function -__code__-> receive:code\n"                                 \
    "h -__globals__-> " module "\n"                                                                \
    "code send name=send qualname=Sender.send file=streams.py line=3 uses=attr:buffer:add\n"       \
    "code receive name=receive qualname=Receiver.receive file=streams.py line=9 "                  \
    "uses=attr:buffer:remove+take\n"                                                               \
    "root frame loop ff thread=0 progress={0|1|2|3|4}\n"                                           \
    "ff:frame -f_code-> loop:code\n"                                                               \
    "code loop name=loop qualname=loop file=app.py line=15\n"                                      \
    "snap time=0 cpu=0 reason=start\n"                                                             \
    "snap time=1 cpu=1\n"                                                                          \
    "snap time=2 cpu=2\n"                                                                          \
    "snap time=3 cpu=3\n"                                                                          \
    "snap time=4 cpu=4 reason=end\n"

static void what_others_of_its_module_take_from_a_record_is_a_backlog(void **state)
{
    hl_test_expect(STREAM("ns"), HL_LEAK, "backlog", "__main__.stream._state.buffer");
    (void)state;
}

/* Code elsewhere that uses the same word means something else. */
static void what_others_elsewhere_do_says_nothing(void **state)
{
    hl_test_expect(STREAM("os"), HL_LEAK, "growing-container", "__main__.stream._state.buffer");
    (void)state;
}

/* ---- cancelled at the end -----------------------------------------------------------------------
 */

/* Tasks in a list: they wait, and asyncio.run cancels them, or they failed one after the other. */
#define TASKS(n)                                                                                   \
    "waiting:list len=" n "\n"                                                                     \
    "waiting -[]-> task:_asyncio.Task*" n "\n"
#define WAITING(n)                                                                                 \
    TASKS(n) "task -_coro-> coro:coroutine*" n " size=100K\n"                                      \
             "coro -f_code-> hold\n"
#define FAILED(n)                                                                                  \
    TASKS(n) "task -_exception-> error:asyncio.exceptions.CancelledError*" n "\n"                  \
             "error -__traceback__-> trace:traceback*" n "\n"                                      \
             "trace -tb_frame-> frame:frame*" n " size=100K\n"                                     \
             "frame -f_code-> hold\n"
#define TASKS_OF(what, end)                                                                        \
    MODULE "g -key:waiting-> waiting\n"                                                            \
           "g -key:hold-> f:function -__code__-> hold:code\n"                                      \
           "f -__globals__-> g\n"                                                                  \
           "type asyncio.exceptions.CancelledError exception\n"                                    \
           "code hold name=hold qualname=hold file=app.py line=3\n"                                \
           "snap time=0 cpu=0 reason=start\n" what("0")                                            \
           "snap time=1 cpu=1\n" what("100")                                                       \
           "snap time=2 cpu=2\n" what("200")                                                       \
           "snap time=3 cpu=3\n" what("300")                                                       \
           "snap time=4 cpu=4\n" what("400")                                                       \
           "snap time=4.2 cpu=4.2 reason=end\n" end

/* One call waits for all of them, and has them when they are done; or several calls come and go. */
#define GATHERED(holder, n)                                                                        \
    "task:_asyncio.Task*" n "\n"                                                                   \
    "task -_coro-> coro:coroutine*" n "\n"                                                         \
    "coro -stack-> inner:coroutine*" n " size=100K\n"                                          \
    "coro -f_code-> hold\ninner -f_code-> hold\n"                                                  \
    "all:list len=" n "\n"                                                                         \
    "all -[]-> task\n"                                                                             \
    "future:" holder " -_children-> all\n"                                                         \
    "turn -local:future-> future\n"
#define TASKS_BELOW(holder)                                                                        \
    MODULE "root frame run_forever turn\n"                                                          \
           "turn:frame -f_code-> hold\n"                                                            \
           "g -key:hold-> f:function -__code__-> hold:code\n"                                      \
           "f -__globals__-> g\n"                                                                  \
           "code hold name=hold qualname=hold file=app.py line=3\n"                                \
           "snap time=0 cpu=0 reason=start\n" GATHERED(holder, "0")                                \
           "snap time=1 cpu=1\n" GATHERED(holder, "100")                                           \
           "snap time=2 cpu=2\n" GATHERED(holder, "200")                                           \
           "snap time=3 cpu=3\n" GATHERED(holder, "300")                                           \
           "snap time=4 cpu=4\n" GATHERED(holder, "400")                                           \
           "snap time=4.2 cpu=4.2 reason=end\n"

/* What came since the imports was seen to grow, and not how; what came since the start is the start's. */
static void few_looks_at_work_leave_it_open(void **state)
{
    (void)state;
    /* six, each too small to matter by itself */
#define SMALL(x) "g -key:" x "-> " x ":Row -.of-> r" x ":Row*{10|80|100} size=10K\n"
#define SIX                                                                                        \
    "root module __main__ m\nm:module -__dict__-> g:dict\ntype Row heap\n" SMALL("a") SMALL("b")    \
        SMALL("c") SMALL("d") SMALL("e") SMALL("f") "snap time=0 cpu=0 reason=start\n"
    hl_judged j = hl_test_judge(SIX "snap time=0.25 cpu=0.2 reason=imported\n"
                                    "snap time=0.33 cpu=0.28 reason=exit\n");
    assert_int_equal(j.d.verdict, HL_UNDECIDED);
    assert_non_null(strstr(j.d.why, "since its imports"));
    hl_test_judged_end(&j);
    j = hl_test_judge(SIX "snap time=0.25 cpu=0.2 reason=growth\n"
                          "snap time=0.33 cpu=0.28 reason=exit\n");
    assert_int_equal(j.d.verdict, HL_NO_LEAK);
    hl_test_judged_end(&j);
}

static void what_one_call_gathers_is_its_own(void **state)
{
    hl_test_expect(TASKS_BELOW("asyncio.tasks._GatheringFuture"), HL_NO_LEAK, NULL, NULL);
    hl_test_expect(TASKS_BELOW("asyncio.tasks._GatheringFuture -_children-> c:list -[]-> one:_asyncio.Task "
                       "-_coro-> serve:coroutine -local:server-> server:app.Server"),
           HL_LEAK, "pending-task", "run_forever() local future._children[*]._coro local server._children");
    hl_test_expect(TASKS_BELOW("app.Pool"), HL_LEAK, "pending-task", "run_forever() local future._children");
    (void)state;
}

static void tasks_that_the_end_cancelled_were_waiting(void **state)
{
    hl_test_expect(TASKS_OF(WAITING, FAILED("420")), HL_LEAK, "pending-task", "__main__.waiting");
    (void)state;
}

static void tasks_that_failed_before_keep_their_exceptions(void **state)
{
    hl_test_expect(TASKS_OF(FAILED, FAILED("420")), HL_LEAK, "exception-traceback", "__main__.waiting");
    (void)state;
}

/* ---- what came before the work ------------------------------------------------------------------
 */

#define LOADED(a) "root module " a " m" a "\n" "m" a ":module\n"
#define FOUR(a) LOADED(a "0") LOADED(a "1") LOADED(a "2") LOADED(a "3")
#define TWENTY(a) FOUR(a "a") FOUR(a "b") FOUR(a "c") FOUR(a "d") FOUR(a "e")
#define ROWS_OF(n) "g -key:rows-> rows\n" ROWS(n)
/* Ten seconds of something, then two in which a list grows. */
#define LATE_LIST(first, then)                                                                     \
    "snap time=0 cpu=0 reason=start\n" MODULE "g -key:rows-> rows:list\n"                          \
    "snap time=5 cpu=5\n" MODULE first "g -key:rows-> rows:list\n"                                 \
    "snap time=10 cpu=10\n" MODULE first then "g -key:rows-> rows:list\n"                          \
    "snap time=10.5 cpu=10.5\n" MODULE first then ROWS_OF("100")                                   \
    "snap time=11 cpu=11\n" MODULE first then ROWS_OF("200")                                       \
    "snap time=11.5 cpu=11.5\n" MODULE first then ROWS_OF("300")                                   \
    "snap time=12 cpu=12 reason=end\n" MODULE first then ROWS_OF("400")

static void who_loads_many_modules_begins_after_them(void **state)
{
    (void)state;
    hl_test_expect(LATE_LIST(TWENTY("a") TWENTY("b"), TWENTY("c")), HL_LEAK, "growing-container",
                   "__main__.rows");
}

static void what_is_filled_at_the_end_of_other_work_is_a_result(void **state)
{
    (void)state;
    hl_test_expect(LATE_LIST("", ""), HL_NO_LEAK, NULL, NULL);
}

/* ---- what each step makes dearer ----------------------------------------------------------------
 */

/* A table that gains as many entries a step, of which each takes longer than the one before. */
#define TABLE(name, n)                                                                             \
    MODULE "g -key:table-> " name "\n" name ":dict len=" n "\n" name                               \
           " -value:int-> item:bytearray*" n " size=100K\n"
#define EVER_SLOWER(a, b, c, d, e)                                                                 \
    "snap time=0 cpu=0 reason=start\n" MODULE "g -key:table-> a:dict\n"                            \
    "snap time=1 cpu=1\n" TABLE(a, "100")                                                          \
    "snap time=4 cpu=4\n" TABLE(b, "200")                                                          \
    "snap time=9 cpu=9\n" TABLE(c, "300")                                                          \
    "snap time=16 cpu=16\n" TABLE(d, "400")                                                        \
    "snap time=25 cpu=25 reason=end\n" TABLE(e, "500")

static void a_table_that_is_copied_for_each_entry_gets_dearer(void **state)
{
    (void)state;
    hl_test_expect(EVER_SLOWER("a", "b", "c", "d", "e"), HL_LEAK, "growing-container",
                   "__main__.table");
}

static void a_table_that_is_not_may_fill_up(void **state)
{
    (void)state;
    hl_test_expect(EVER_SLOWER("a", "a", "a", "a", "a"), HL_UNDECIDED, "growing-container",
                   "__main__.table");
}

/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_among_exit_handlers_is_a_farewell),
        cmocka_unit_test(a_look_at_other_work_is_none),
        cmocka_unit_test(a_long_end_that_nobody_saw_tells_nothing),
        cmocka_unit_test(a_look_when_nothing_runs_is_a_farewell),
        cmocka_unit_test(a_look_when_another_function_runs_is_none),
        cmocka_unit_test(what_grew_until_main_returned_leaks),
        cmocka_unit_test(what_a_method_trims_may_not_be_full_yet),
        cmocka_unit_test(what_a_method_removes_from_is_not_bounded),
        cmocka_unit_test(what_fills_up_to_a_number_is_bounded),
        cmocka_unit_test(what_a_number_does_not_bound_leaks),
        cmocka_unit_test(what_fits_into_old_room_may_have_been_there_before),
        cmocka_unit_test(what_needs_new_room_was_not),
        cmocka_unit_test(a_container_seen_in_two_ways_is_one),
        cmocka_unit_test(a_container_worked_off_is_none),
        cmocka_unit_test(a_queue_fills_at_the_pace_of_the_clock),
        cmocka_unit_test(a_queue_that_slows_down_is_not_told),
        cmocka_unit_test(gone_at_the_end_is_kept_until_then),
        cmocka_unit_test(gone_while_nobody_looked_is_gone),
        cmocka_unit_test(two_rises_the_second_slower_fill_something),
        cmocka_unit_test(two_rises_at_one_pace_are_a_leak),
        cmocka_unit_test(a_bound_kept_from_afar_is_seen_in_its_up_and_down),
        cmocka_unit_test(a_table_that_lost_some_once_and_went_on_is_a_leak),
        cmocka_unit_test(weak_references_to_one_object_follow_nothing),
        cmocka_unit_test(weak_references_to_many_follow_them),
        cmocka_unit_test(weak_keys_that_others_keep_are_followed),
        cmocka_unit_test(a_weak_key_that_its_value_keeps_never_goes),
        cmocka_unit_test(who_loads_many_modules_begins_after_them),
        cmocka_unit_test(what_is_filled_at_the_end_of_other_work_is_a_result),
        cmocka_unit_test(a_table_that_is_copied_for_each_entry_gets_dearer),
        cmocka_unit_test(a_table_that_is_not_may_fill_up),
        cmocka_unit_test(nothing_is_in_the_making_when_all_is_over),
        cmocka_unit_test(a_list_that_only_c_has_may_be_in_the_making),
        cmocka_unit_test(functions_that_are_all_called_make_the_next_dearer),
        cmocka_unit_test(functions_of_which_there_are_so_many_are_none),
        cmocka_unit_test(what_others_of_its_module_take_from_a_record_is_a_backlog),
        cmocka_unit_test(what_others_elsewhere_do_says_nothing),
        cmocka_unit_test(few_looks_at_work_leave_it_open),
        cmocka_unit_test(what_one_call_gathers_is_its_own),
        cmocka_unit_test(tasks_that_the_end_cancelled_were_waiting),
        cmocka_unit_test(tasks_that_failed_before_keep_their_exceptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
