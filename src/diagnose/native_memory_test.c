/* diagnose/native_memory_test.c: blocks of malloc that stay after each call, on drawn runs; their decoys.
 *
 * Room   diagnose; tests only. Snapshots are texts (snapshot/snap_dsl.h). The libraries drawn here are
 *        no files, so that places have no names. */
#include "diagnose/diagnose_testlib.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_block_a_call),         cmocka_unit_test(who_asked_is_told),
        cmocka_unit_test(from_a_thread_of_its_own), cmocka_unit_test(one_line_by_several_ways),
        cmocka_unit_test(a_block_that_grows),       cmocka_unit_test(more_than_its_stacks),
        cmocka_unit_test(what_comes_and_goes),      cmocka_unit_test(not_followed_throughout),
        cmocka_unit_test(what_only_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
