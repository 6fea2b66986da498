/* diagnose/slope_test.c: slopes of lines that are known, and how often the interval holds them. */
#include "diagnose/slope.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOST = 4000, DRAWS = 600 };
static double seconds[MOST];
static int64_t bytes[MOST];

static uint64_t state;
static double uniform(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 11) / 9007199254740992.0;
}
static double normal(void)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += uniform();
    return sum - 6;
}

static void is_exact_on_a_line(void **unused)
{
    (void)unused;
    static const uint32_t sizes[] = {20, 40, 64, 65, 100, MOST};
    for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        hl_slope s;
        for (uint32_t i = 0; i < sizes[k]; i++) {
            seconds[i] = 5 + 0.1 * i * i / sizes[k]; /* not evenly spread */
            bytes[i] = (int64_t)llround(1e9 + 4e6 * seconds[i]);
        }
        hl_slope_fit(seconds, bytes, sizes[k], &s);
        assert_true(s.told);
        assert_true(fabs(s.per_second - 4e6) < 50);
        assert_true(s.low <= s.per_second && s.per_second <= s.high && s.high - s.low < 100);
        assert_true(s.points >= HL_SLOPE_LEAST && s.points <= HL_SLOPE_PARTS);
        double length = seconds[sizes[k] - 1] - seconds[0];
        assert_true(s.from_s >= seconds[0] + HL_SLOPE_WARM_UP * length);
    }
}

static void warm_up_counts_for_nothing(void **unused)
{
    (void)unused;
    hl_slope s;
    for (uint32_t i = 0; i < 100; i++) {
        seconds[i] = i;
        bytes[i] = i < 24 ? i * 10000000 : 240000000;
    }
    hl_slope_fit(seconds, bytes, 100, &s);
    assert_true(s.told && fabs(s.per_second) < 1e-6);
}

static void says_nothing_of_too_little(void **unused)
{
    (void)unused;
    hl_slope s;
    for (uint32_t i = 0; i < 100; i++) {
        seconds[i] = i;
        bytes[i] = HL_CELL_NONE;
    }
    hl_slope_fit(seconds, bytes, 100, &s);
    assert_false(s.told);
    for (uint32_t i = 0; i < HL_SLOPE_LEAST - 1; i++)
        bytes[50 + i] = i;
    hl_slope_fit(seconds, bytes, 100, &s);
    assert_false(s.told);
    bytes[60] = 1;
    hl_slope_fit(seconds, bytes, 100, &s);
    assert_true(s.told && s.points == HL_SLOPE_LEAST);
    hl_slope_fit(seconds, bytes, 0, &s);
    assert_false(s.told);
    for (uint32_t i = 0; i < 100; i++)
        seconds[i] = 3, bytes[i] = i;
    hl_slope_fit(seconds, bytes, 100, &s);
    assert_false(s.told);             /* no time passed */
    for (uint32_t i = 0; i < 99; i++) /* so many, in two parts */
        seconds[i] = 0;
    hl_slope_fit(seconds, bytes, 100, &s);
    assert_false(s.told);
}

/* Of lines with noise whose neighbours share so much of it, how many intervals hold the slope? */
static unsigned held(uint32_t n, double shared)
{
    unsigned in = 0;
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        hl_slope s;
        double noise = normal();
        for (uint32_t i = 0; i < n; i++) {
            noise = shared * noise + sqrt(1 - shared * shared) * normal();
            seconds[i] = i;
            bytes[i] = (int64_t)(1e9 + 5e4 * i + 1e6 * noise);
        }
        hl_slope_fit(seconds, bytes, n, &s);
        in += s.told && s.low <= 5e4 && 5e4 <= s.high;
    }
    return in;
}

static void intervals_hold_what_they_should(void **unused)
{
    (void)unused;
    state = 20;
    for (uint32_t n = 12; n <= 600; n *= 3) {
        unsigned in = held(n, 0);
        assert_in_range(in, DRAWS * 91 / 100, DRAWS * 99 / 100);
    }
    assert_in_range(held(400, 0.8), DRAWS * 86 / 100, DRAWS * 99 / 100);
    assert_in_range(held(40, 0.5), DRAWS * 82 / 100, DRAWS * 99 / 100); /* few points know little */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_exact_on_a_line),
        cmocka_unit_test(warm_up_counts_for_nothing),
        cmocka_unit_test(says_nothing_of_too_little),
        cmocka_unit_test(intervals_hold_what_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
