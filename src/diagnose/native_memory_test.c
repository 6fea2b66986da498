/* diagnose/native_memory_test.c: blocks of malloc that stay after each call, on drawn runs; their decoys.
 *
 * Room   diagnose; tests only. Snapshots are texts (snapshot/snap_dsl.h). The libraries drawn here are
 *        no files, so that places have no names. */
#include "diagnose/diagnose_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Ten calls between two looks; malloc: what the allocators have in use. */
#define CALLS(i, malloc)                                                                           \
    "snap time=" #i " cpu=" #i " rounds=" #i                                                       \
    "0 reason=round fds=3 track=exact native=1 malloc=" malloc "\n"
#define AUDIT                                                                                      \
    CALLS(0, "9000")                                                                               \
    CALLS(1, "9000") CALLS(2, "9000") CALLS(3, "9000") CALLS(4, "9000") CALLS(5, "9000")
#define RISING                                                                                     \
    CALLS(0, "9000")                                                                               \
    CALLS(1, "12520") CALLS(2, "16040") CALLS(3, "19560") CALLS(4, "23080") CALLS(5, "26600")
#define MAIN   "root module __main__ m\nm:module -__dict__-> g:dict\n"
#define PYTHON "call@app.py:7|/py/bin/python3.11+0x100"
#define SPAM   "/x/spam.so:abcd01"

static hl_judged judge(const char *text)
{
    return hl_test_judge(text);
}

static void nothing(const char *text)
{
    hl_judged j = judge(text);
    assert_int_equal(j.d.n_findings, 0);
    hl_test_judged_end(&j);
}

static bool says(const hl_finding *f, const char *text)
{
    for (uint32_t i = 0; i < f->n_evidence; i++)
        if (strstr(f->evidence[i], text))
            return true;
    return false;
}

static void one_block_a_call(void **state)
{
    (void)state;
    hl_judged j = judge(MAIN "native " PYTHON "|" SPAM "+0x40|" SPAM
                             "+0x90 live={0|10|20|30|40|50}:{0|3330|6660|9990|13320|16650} "
                             "taken={0|3520|7040|10560|14080|17600}\n" RISING);
    assert_int_equal(j.d.n_findings, 1); /* the rest is what malloc itself needs: nothing */
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->cause, "native-memory");
    assert_int_equal(f->confidence, HL_CERTAIN);
    assert_string_equal(f->title, "C code keeps or lost 16.6 KB: 333 bytes in 1.00 block a call, "
                                  "allocated in spam.so+0x90, called from app.py:7");
    assert_true(f->growth.bytes_per_round == 333);
    assert_true(says(f, "333 bytes in 1.00 block a call, the same in each of 5 parts"));
    assert_true(says(f, "allocated in spam.so+0x90 < spam.so+0x40"));
    assert_true(says(f, "abcd01"));
    assert_true(says(f, "spam.so: +16,650 bytes in 50 blocks"));
    assert_int_equal(f->n_allocated_at, 1);
    assert_string_equal(f->allocated_at[0].file, "app.py");
    assert_int_equal(f->allocated_at[0].line, 7);
    hl_test_judged_end(&j);
}

/* strdup, operator new, the interpreter: whoever called those. */
static void who_asked_is_told(void **state)
{
    static const char *const servants[] = {"/lib/libc.so.6+0x10", "/lib/libstdc++.so.6+0x20",
                                           "/py/libpython3.12.so.1.0+0x30"};
    (void)state;
    for (size_t i = 0; i < sizeof servants / sizeof *servants; i++) {
        char text[2048];
        strcpy(text, MAIN "native " PYTHON "|" SPAM "+0x40|");
        strcat(text, servants[i]);
        strcat(text, " live={0|10|20|30|40|50}:{0|3330|6660|9990|13320|16650} "
                     "taken={0|3520|7040|10560|14080|17600}\n" RISING);
        hl_judged j = judge(text);
        assert_int_equal(j.d.n_findings, 1);
        assert_non_null(strstr(j.d.findings[0].title, "allocated in spam.so+0x40,"));
        hl_test_judged_end(&j);
    }
}

/* Many lines of Python lead to it, or none. */
static void from_a_thread_of_its_own(void **state)
{
    (void)state;
    hl_judged j =
        judge(MAIN "native -|" SPAM "+0x90 live={0|10|20|30|40|50}:{0|3330|6660|9990|13320|16650} "
                   "taken={0|3520|7040|10560|14080|17600}\n" RISING);
    assert_int_equal(j.d.n_findings, 1);
    assert_null(strstr(j.d.findings[0].title, "called from"));
    assert_int_equal(j.d.findings[0].n_allocated_at, 0);
    hl_test_judged_end(&j);
}

/* Stacks of Python that differ above the line that called are one. */
static void one_line_by_several_ways(void **state)
{
    (void)state;
    hl_judged j = judge(MAIN "native a@app.py:1>" PYTHON "|" SPAM
                             "+0x90 live={0|5|10|15|20|25}:{0|1665|3330|4995|6660|8325} "
                             "taken={0|1760|3520|5280|7040|8800}\n"
                             "native b@app.py:2>" PYTHON "|" SPAM
                             "+0x90 live={0|5|10|15|20|25}:{0|1665|3330|4995|6660|8325} "
                             "taken={0|1760|3520|5280|7040|8800}\n" RISING);
    assert_int_equal(j.d.n_findings, 1);
    assert_true(j.d.findings[0].growth.bytes_per_round == 333);
    hl_test_judged_end(&j);
}

static void a_block_that_grows(void **state)
{
    (void)state;
    hl_judged j =
        judge(MAIN "native " PYTHON "|" SPAM "+0x90 live=1:{330|3660|6990|10320|13650|16980} "
                   "taken={32|3520|7040|10560|14080|17600}\n" RISING);
    assert_int_equal(j.d.n_findings, 1);
    assert_null(strstr(j.d.findings[0].title, " in 0"));
    assert_non_null(strstr(j.d.findings[0].title, "333 bytes a call"));
    hl_test_judged_end(&j);
}

static void more_than_its_stacks(void **state)
{
    (void)state;
    /* 352 bytes a call in malloc: 100 of them by a stack, the rest by nobody who is known */
    hl_judged j = judge(MAIN "native " PYTHON "|" SPAM
                             "+0x90 live={0|10|20|30|40|50}:{0|960|1920|2880|3840|4800} "
                             "taken={0|1120|2240|3360|4480|5600}\n" RISING);
    assert_int_equal(j.d.n_findings, 2);
    assert_true(j.d.findings[0].growth.bytes_per_round == 240 ||
                j.d.findings[1].growth.bytes_per_round == 240);
    hl_test_judged_end(&j);
}

static void what_comes_and_goes(void **state)
{
    (void)state;
    nothing(MAIN "native " PYTHON "|" SPAM "+0x90 live={5|5|5|5|5|5}:1665 taken=1760\n" AUDIT);
    nothing(MAIN "native " PYTHON "|" SPAM
                 "+0x90 live={0|5|9|3|20|11}:{0|1665|2997|999|6660|3663} taken=0\n" AUDIT);
    nothing(MAIN "native " PYTHON "|" SPAM /* it was filled in the first two rounds */
                 "+0x90 live={0|10|20|20|20|20}:{0|3330|6660|6660|6660|6660} taken=0\n" AUDIT);
}

/* From one stack to another, and not more of it. */
static void what_only_moves(void **state)
{
    (void)state;
    nothing(MAIN "native " PYTHON "|" SPAM
                 "+0x90 live={0|10|21|30|42|50}:{0|3330|6993|9990|13986|16650} "
                 "taken={0|3520|7392|10560|14784|17600}\n"
                 "native " PYTHON "|" SPAM
                 "+0x190 live={60|50|39|30|18|10}:{19980|16650|12987|9990|5994|3330} "
                 "taken={21120|17600|13728|10560|6336|3520}\n" AUDIT);
}

/* Where it was followed at some looks only nothing is judged by it. */
static void not_followed_throughout(void **state)
{
    (void)state;
    nothing(MAIN
            "native " PYTHON "|" SPAM
            "+0x90 live={0|10|20|30|40|50}:{0|3330|6660|9990|13320|16650} taken=0\n" CALLS(
                0, "9000") CALLS(1, "9000") CALLS(2, "9000") CALLS(3, "9000")
                CALLS(4, "9000") "snap time=5 cpu=5 rounds=50 reason=round fds=3 malloc=9000\n");
}

/* The same, and it was asked what leads to the blocks. */
#define MARKED(i, malloc)                                                                          \
    "snap time=" #i " cpu=" #i " rounds=" #i                                                       \
    "0 reason=round fds=3 track=exact native=1 mark=1 malloc=" malloc "\n"
#define MARKED_RISING                                                                              \
    MARKED(0, "9000")                                                                              \
    MARKED(1, "12520")                                                                             \
    MARKED(2, "16040") MARKED(3, "19560") MARKED(4, "23080") MARKED(5, "26600")
#define BLOCKS                                                                                     \
    "live={0|10|20|30|40|50}:{0|3330|6660|9990|13320|16650} "                                      \
    "taken={0|3520|7040|10560|14080|17600} "

static void nobody_points_to_them(void **state)
{
    (void)state;
    hl_judged j = judge(MAIN "native " PYTHON "|" SPAM "+0x90 " BLOCKS
                             "lost=-:{0|10|19|30|39|49}:{0|3330|6327|9990|12987|16317} "
                             "stacks={0|0|1|0|1|1}:{0|0|333|0|333|333}\n" MARKED_RISING);
    assert_int_equal(j.d.n_findings, 1);
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->title,
                        "C code lost 16.6 KB: 333 bytes in 1.00 block a call, allocated in "
                        "spam.so+0x90, called from app.py:7: nobody points to them any more");
    assert_string_equal(f->reach.state, "lost");
    assert_int_equal(f->reach.lost, 49);
    assert_int_equal(f->reach.kept, 1);
    assert_int_equal(f->reach.n_by, 0); /* chance is no holder */
    assert_true(says(f, "lost: no word of the program's memory leads to 49 of 50"));
    hl_test_judged_end(&j);
}

static void who_holds_them(void **state)
{
    static const struct {
        const char *hold, *kind, *words;
    } all[] = {
        {"data=" SPAM "+0x4010,{0|10|20|30|40|50}:{0|1|1|1|1|1}", "library-data",
         "; a variable of spam.so, at 0x4010 holds them"},
        {"objects=spam.Shelf:{0|10|20|30|40|50}:{0|1|1|1|1|1}", "object",
         "; objects of type spam.Shelf hold them"},
        {"stacks={0|10|20|30|40|50}:{0|1|1|1|1|1}", "stack", "; the stack of a thread holds them"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[4096];
        snprintf(text, sizeof text,
                 MAIN "native " PYTHON "|" SPAM "+0x90 " BLOCKS "%s\n" MARKED_RISING, all[i].hold);
        hl_judged j = judge(text);
        assert_int_equal(j.d.n_findings, 1);
        const hl_finding *f = &j.d.findings[0];
        assert_non_null(strstr(f->title, "C code keeps 16.6 KB"));
        assert_non_null(strstr(f->title, all[i].words));
        assert_string_equal(f->reach.state, "kept");
        assert_int_equal(f->reach.n_by, 1);
        assert_string_equal(f->reach.by[0].kind, all[i].kind);
        assert_int_equal(f->reach.by[0].blocks, 50);
        hl_test_judged_end(&j);
    }
}

#define SMALL(losts)                                                                               \
    MAIN losts MARKED(0, "9000") MARKED(1, "9000") MARKED(2, "9000") MARKED(3, "9000")             \
        MARKED(4, "9000") MARKED(5, "9000")

static void objects_nobody_points_to(void **state)
{
    (void)state;
    hl_judged j =
        judge(SMALL("lostsite call@app.py:7 bytes {3|13|23|33|43|53}:{300|1300|2300|3300|4300|"
                    "5300}\n"
                    "lostsite other@app.py:9 bytes 4:400\n"));
    assert_int_equal(j.d.n_findings, 1);
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->cause, "native-memory");
    assert_int_equal(f->confidence, HL_CERTAIN);
    assert_string_equal(f->holder.name, "(lost by C) bytes");
    assert_string_equal(f->title, "C code lost 50 objects of type bytes, 1.00 a call, called from "
                                  "app.py:7: nothing points to them any more; together 5.0 KB");
    assert_true(f->growth.per_round == 1 && f->growth.bytes_per_round == 100);
    assert_string_equal(f->reach.state, "lost");
    hl_test_judged_end(&j);
}

/* At some looks words that are left somewhere lead to a few. */
static void what_is_seen_is_the_least(void **state)
{
    (void)state;
    hl_judged j =
        judge(SMALL("lostsite call@app.py:7 - {0|5|20|19|40|49}:{0|200|800|760|1600|1960}\n"));
    assert_int_equal(j.d.n_findings, 1);
    assert_int_equal(j.d.findings[0].growth.per_round, 1);
    assert_string_equal(j.d.findings[0].holder.name, "(lost by C) memory of Python's");
    hl_test_judged_end(&j);
    nothing(SMALL("lostsite call@app.py:7 - {0|1|2|3|40|49}:{0|40|80|120|1600|1960}\n"));
    nothing(SMALL("lostsite call@app.py:8 bytes {0|9|3|7|1|2}:9\n"));
}

/* At one look, be it the last, a word leads to most of what one pool has of them. */
static void one_look_may_see_few(void **state)
{
    (void)state;
    static const char *const seen[] = {
        SMALL("lostsite call@app.py:7 - {0|10|20|3|40|50}:{0|400|800|120|1600|2000}\n"),
        SMALL("lostsite call@app.py:7 - {0|10|20|30|40|12}:{0|400|800|1200|1600|480}\n"),
    };
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        hl_judged j = judge(seen[i]);
        assert_int_equal(j.d.n_findings, 1);
        assert_int_equal(j.d.findings[0].growth.per_round, 1);
        hl_test_judged_end(&j);
    }
}

/* The healthy twin: it lost as many once, and then no more. */
static void what_was_lost_once_is_no_leak(void **state)
{
    (void)state;
    nothing(SMALL("lostsite call@app.py:7 - {0|10|20|30|30|30}:{0|400|800|1200|1200|1200}\n"));
    nothing(SMALL("lostsite call@app.py:7 - {0|0|0|0|0|50}:{0|0|0|0|0|2000}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_block_a_call),
        cmocka_unit_test(who_asked_is_told),
        cmocka_unit_test(from_a_thread_of_its_own),
        cmocka_unit_test(one_line_by_several_ways),
        cmocka_unit_test(a_block_that_grows),
        cmocka_unit_test(more_than_its_stacks),
        cmocka_unit_test(what_comes_and_goes),
        cmocka_unit_test(not_followed_throughout),
        cmocka_unit_test(what_only_moves),
        cmocka_unit_test(nobody_points_to_them),
        cmocka_unit_test(who_holds_them),
        cmocka_unit_test(objects_nobody_points_to),
        cmocka_unit_test(what_is_seen_is_the_least),
        cmocka_unit_test(one_look_may_see_few),
        cmocka_unit_test(what_was_lost_once_is_no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
