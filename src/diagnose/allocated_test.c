/* diagnose/allocated_test.c: stacks put together, lines that grow, memory in no object.
 *
 * Pools are held against sums counted by the texts of stacks; the vote, against series of each kind. */
#include "diagnose/diagnose_testlib.h"
#include "diagnose/site_growth.h"
#include "diagnose/view_parts.h"
#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 60, FUNCTIONS = 5, TEXT_MAX = 1 << 14 };

static uint64_t seed = 5;
static unsigned roll(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

/* ---- pools ------------------------------------------------------------------------------------ */

/* Stacks of one, two and three frames out of few functions, each once, in any order; live bytes by the
 * number of the stack go to want. */
enum { STACKS = FUNCTIONS + FUNCTIONS * FUNCTIONS };

static void random_sites(char *text, uint64_t want[STACKS])
{
    int n = sprintf(text, "run pid=%u\nsnap time=1 track=exact taken=%u\n", 1 + roll(9), roll(5));
    unsigned first = roll(STACKS), step = 7; /* coprime to STACKS: each comes once */
    for (unsigned i = 0; i < STACKS; i++) {
        unsigned k = (first + i * step) % STACKS, bytes = roll(1000);
        if (roll(3) == 0)
            continue;
        if (k < FUNCTIONS)
            n += sprintf(text + n, "site f%u@/a.py:%u", k, k + 1);
        else
            n += sprintf(text + n, "site f%u@/a.py:%u>f%u@/a.py:%u", (k - FUNCTIONS) / FUNCTIONS,
                         (k - FUNCTIONS) / FUNCTIONS + 1, (k - FUNCTIONS) % FUNCTIONS,
                         (k - FUNCTIONS) % FUNCTIONS + 1);
        n += sprintf(text + n, " live=1:%u all=2:%u peak=1:%u\n", bytes, 2 * bytes, bytes);
        want[k] += bytes;
    }
}

/* The number random_sites gave to a stack of the pool. */
static unsigned number_of(const hl_snap *s, uint32_t stack)
{
    unsigned leaf = (unsigned)atoi(s->names[s->frames[s->stacks[stack].frame].function] + 1);
    uint32_t up = s->stacks[stack].caller;
    if (!up)
        return leaf;
    return FUNCTIONS +
           FUNCTIONS * (unsigned)atoi(s->names[s->frames[s->stacks[up].frame].function] + 1) + leaf;
}

static void several_add_up(void **state)
{
    static char text[TEXT_MAX];
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t want[STACKS] = {0}, got[STACKS] = {0};
        hl_arena arena;
        hl_err err = {0};
        hl_site_pool *pool;
        hl_snap sum;
        hl_arena_init(&arena);
        assert_int_equal(hl_site_pool_create(&arena, &pool, &err), HL_OK);
        unsigned files = 1 + roll(4);
        for (unsigned i = 0; i < files; i++) {
            random_sites(text, want);
            hl_snap *s = hl_dsl_snap(text);
            assert_int_equal(hl_site_pool_add(pool, s, i + 1, &err), HL_OK);
            hl_snap_destroy(s);
        }
        assert_int_equal(hl_site_pool_sum(pool, &sum, &err), HL_OK);
        for (uint32_t i = 0; i < sum.n_sites; i++) {
            const hl_snap_site *x = &sum.sites[i];
            got[number_of(&sum, x->stack)] += x->live.bytes;
            assert_int_equal(x->all.bytes, 2 * x->live.bytes);
            assert_true(!i || sum.sites[i - 1].stack < x->stack); /* one row a stack */
        }
        assert_memory_equal(got, want, sizeof want);
        for (uint32_t k = 1; k < sum.n_stacks; k++)
            assert_true(sum.stacks[k].caller < k && sum.stacks[k].frame < sum.n_frames);
        hl_arena_deinit(&arena);
    }
}

static void ages_count_from_the_last_look(void **state)
{
    hl_arena arena;
    hl_err err = {0};
    hl_site_pool *pool;
    hl_snap sum;
    hl_site_sums sums;
    hl_arena_init(&arena);
    assert_int_equal(hl_site_pool_create(&arena, &pool, &err), HL_OK);
    static const char *const texts[] = {
        "site f@/a.py:1 live=10:100 age=0:10:100\nsnap track=exact taken=3\n",
        "site f@/a.py:1 live=30:300 age=2:30:300\nsnap track=exact taken=9\n"};
    for (unsigned i = 0; i < 2; i++) {
        hl_snap *s = hl_dsl_snap(texts[i]);
        assert_int_equal(hl_site_pool_add(pool, s, 0, &err), HL_OK);
        hl_snap_destroy(s);
    }
    assert_int_equal(hl_site_pool_sum(pool, &sum, &err), HL_OK);
    assert_int_equal(hl_sites_add_up(&sum, HL_SITES_BY_LINE, &arena, &sums, &err), HL_OK);
    assert_int_equal(sums.n, 1);
    assert_int_equal(sums.items[0].live.blocks, 40);
    assert_int_equal(sums.items[0].survived, 7); /* the 30; the others survived 3 */
    assert_int_equal(sums.items[0].survivors, 30);
    hl_arena_deinit(&arena);
}

/* ---- the vote --------------------------------------------------------------------------------- */

static uint32_t rises(uint64_t (*f)(unsigned), unsigned n)
{
    struct hl_site_moment moments[256];
    uint64_t series[256];
    hl_site_history h = {moments, n};
    for (unsigned i = 0; i < n; i++) {
        moments[i] = (struct hl_site_moment){.work = i};
        series[i] = f(i);
    }
    return hl_site_rises(&h, series);
}

static uint64_t steady(unsigned i)
{
    return 1000 + 50 * i;
}
static uint64_t in_steps(unsigned i)
{
    return 1000 + 500 * (i / 5);
}
static uint64_t noisy(unsigned i)
{
    return 1000 + 50 * i + roll(40);
}
static uint64_t flat(unsigned i)
{
    return 1000;
}
static uint64_t noise(unsigned i)
{
    return 1000 + roll(100);
}
static uint64_t saturating(unsigned i)
{
    return i < 20 ? 100 * i : 2000 + i / 20;
}
static uint64_t slowing(unsigned i)
{
    return 100000 - 100000 / (i + 1);
}
static uint64_t sawtooth(unsigned i)
{
    return 1000 + 100 * (i % 7);
}
static uint64_t at_once(unsigned i)
{
    return i ? 5000 : 0;
}

static void only_what_goes_on_rises(void **state)
{
    assert_int_equal(rises(steady, 40), 8);
    assert_int_equal(rises(steady, 6), 4);
    assert_int_equal(rises(in_steps, 80), 8);
    assert_int_equal(rises(noisy, 80), 8);
    assert_int_equal(rises(steady, 5), 0); /* too few to say */
    assert_int_equal(rises(steady, 0), 0);
    uint64_t (*const healthy[])(unsigned) = {flat, noise, saturating, slowing, sawtooth, at_once};
    for (size_t i = 0; i < sizeof healthy / sizeof *healthy; i++)
        for (unsigned n = 40; n <= 200; n += 10)
            assert_int_equal(rises(healthy[i], n), 0);
}

/* ---- memory in no object ---------------------------------------------------------------------- */

#define LOOKS                                                                                      \
    "snap time=0 cpu=0 track=exact\nsnap time=1 cpu=1 track=exact\n"                               \
    "snap time=2 cpu=2 track=exact\nsnap time=3 cpu=3 track=exact\n"                               \
    "snap time=4 cpu=4 track=exact\nsnap time=5 cpu=5 track=exact\n"                               \
    "snap time=6 cpu=6 track=exact\nsnap time=7 cpu=7 track=exact\n"
#define MODULE "root module __main__ m\nm:module -__dict__-> d:dict\nd -key:x-> x:object\n"

static void what_c_code_keeps_is_not_healthy(void **state)
{
    hl_judged j = hl_test_judge(MODULE "site main@/a.py:9>call@/a.py:4 "
                                       "live={1:1000000|2:2000000|3:3000000|4:4000000|5:5000000|6:"
                                       "6000000|7:7000000|8:8000000}\n" LOOKS);
    assert_int_equal(j.d.verdict, HL_LEAK);
    assert_int_equal(j.d.n_findings, 1);
    const hl_finding *f = &j.d.findings[0];
    assert_string_equal(f->cause, "native-reference"); /* objects were asked for */
    assert_non_null(strstr(f->holder.name, "call (a.py:4)"));
    assert_non_null(strstr(f->title, "are found nowhere"));
    assert_int_equal(f->n_allocated_at, 1);
    assert_int_equal(f->allocated_at[0].line, 4);
    assert_int_equal(f->n_series, 8);
    assert_int_equal(f->series[7], 6000000); /* since the warm-up, as the title has it */
    hl_test_judged_end(&j);
    hl_test_expect(MODULE "site call@/a.py:4 domain=mem "
                          "live={1:1000000|2:2000000|3:3000000|4:4000000|5:5000000|6:"
                          "6000000|7:7000000|8:8000000}\n" LOOKS,
                   HL_LEAK, "native-memory", "(held by C) memory asked for at call (a.py:4)");
}

/* Samples can stand for what never was; the process then has not become bigger. */
static void where_the_process_has_no_room_for_it_it_is_not(void **state)
{
#define SITE                                                                                       \
    MODULE "site call@/a.py:4 live={1:1000000|2:2000000|3:3000000|4:4000000|5:5000000|6:"          \
           "6000000|7:7000000|8:8000000}\n"
#define GROWS(a, b)                                                                                \
    "snap time=0 cpu=0 track=sampled rss=20000000\n"                                               \
    "snap time=1 cpu=1 track=sampled rss=" a "\nsnap time=2 cpu=2 track=sampled rss=" a "\n"       \
    "snap time=3 cpu=3 track=sampled rss=" a "\nsnap time=4 cpu=4 track=sampled rss=" a "\n"       \
    "snap time=5 cpu=5 track=sampled rss=" a "\nsnap time=6 cpu=6 track=sampled rss=" a "\n"       \
    "snap time=7 cpu=7 track=sampled rss=" b "\n"
    hl_test_expect(SITE GROWS("20000000", "21000000"), HL_NO_LEAK, NULL, NULL);
    hl_test_expect(SITE GROWS("20000000", "19000000"), HL_NO_LEAK, NULL, NULL);
    hl_test_expect(SITE GROWS("20000000", "27000000"), HL_LEAK, "native-reference",
                   "(lost by C) objects made at call (a.py:4)");
    /* few samples */
    hl_test_expect(MODULE
                   "site call@/a.py:4 live={1:500000|2:1000000|3:1500000|4:2000000|5:2500000|"
                   "6:3000000|7:3500000|8:4000000}\n" GROWS("20000000", "27000000"),
                   HL_UNDECIDED, "native-reference", "(lost by C) objects made at call (a.py:4)");
}

static void what_stays_or_comes_and_goes_is(void **state)
{
    hl_test_expect(MODULE "site call@/a.py:4 "
                          "live={1:1000000|2:4000000|3:7000000|3:8000000|3:8000000|3:8000000|3:"
                          "8000000|3:8000000}\n" LOOKS,
                   HL_NO_LEAK, NULL, NULL);
    hl_test_expect(MODULE "site call@/a.py:4 "
                          "live={1:1000000|2:4000000|3:2000000|3:5000000|3:1000000|3:6000000|3:"
                          "2000000|3:9000000}\n" LOOKS,
                   HL_NO_LEAK, NULL, NULL);
    /* immaterial */
    hl_test_expect(
        MODULE
        "site call@/a.py:4 live={1:1000|2:2000|3:3000|4:4000|5:5000|6:6000|7:7000|8:8000}\n" LOOKS,
        HL_NO_LEAK, NULL, NULL);
}

static void what_objects_have_is_theirs(void **state)
{
    /* the same bytes, in an object that was found: it takes the place of the one before */
    hl_test_expect(MODULE "d -key:b-> b:bytearray size=9000000 by=call@/a.py:4\n"
                          "site call@/a.py:4 live=1:9000000\n" LOOKS,
                   HL_NO_LEAK, NULL, NULL);
}

#define AT(t, mb)                                                                                  \
    "snap time=" t " cpu=" t " rss=" mb "M heap=" mb "M heapfree=0 mapped=0 used=0 track=sampled " \
    "rate=524288\n"
#define TOGETHER                                                                                   \
    AT("0", "20")                                                                                  \
    AT("10", "22")                                                                                 \
    AT("20", "23") AT("30", "24") AT("40", "25") AT("50", "26") AT("60", "27") AT("70", "28")
#define HERE  "live={0:0|4:2000000|4:2000000|6:3000000|6:3000000|8:4000000|8:4000000|9:5000000}\n"
#define THERE "live={0:0|0:0|2:1000000|2:1000000|4:2000000|2:1000000|4:2000000|4:2000000}\n"

/* Samples of a function's lines are too few for each, and not for all; those of two functions may be anything. */
static void lines_of_a_function_are_judged_together(void **state)
{
    hl_judged j =
        hl_test_judge(MODULE "site call@/a.py:4 " HERE "site call@/a.py:6 " THERE TOGETHER);
    assert_int_equal(j.d.verdict, HL_LEAK);
    assert_string_equal(j.d.findings[0].cause, "native-reference");
    assert_non_null(strstr(j.d.findings[0].holder.name, "call (a.py:"));
    hl_test_judged_end(&j);
    j = hl_test_judge(MODULE "site call@/a.py:4 " HERE "site other@/a.py:6 " THERE TOGETHER);
    assert_int_equal(j.d.verdict, HL_UNDECIDED);
    assert_int_equal(j.d.n_findings, 0);
    assert_non_null(
        strstr(j.d.why, "was asked for at call (a.py:4), some 2.0 MB at other (a.py:6)"));
    hl_test_judged_end(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_add_up),
        cmocka_unit_test(ages_count_from_the_last_look),
        cmocka_unit_test(only_what_goes_on_rises),
        cmocka_unit_test(what_c_code_keeps_is_not_healthy),
        cmocka_unit_test(where_the_process_has_no_room_for_it_it_is_not),
        cmocka_unit_test(what_stays_or_comes_and_goes_is),
        cmocka_unit_test(what_objects_have_is_theirs),
        cmocka_unit_test(lines_of_a_function_are_judged_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
