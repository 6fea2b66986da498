/* track/sampler_test.c: sums over samples are unbiased, their error is what is said, none is lost. */
#include "track/sampler.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 200, ALLOCATIONS = 20 * 1000, LIVE = 3000, STEPS = 300 * 1000 };

static hl_samples samples; /* the filter is too large for a stack */

/* A program's sizes: mostly small, some large, one kind larger than the distance of points. */
static uint64_t size_of(int i)
{
    return i % 1000 == 0 ? 3 << 20 : i % 97 == 0 ? 40000 : 16 + (uint64_t)(i * 37 % 500);
}

static void sums_are_unbiased(void **state)
{
    (void)state;
    static const double mean = 512 * 1024;
    double true_bytes = 0, sum = 0, squares = 0, said = 0, blocks = 0;
    for (int i = 0; i < ALLOCATIONS; i++)
        true_bytes += (double)size_of(i);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t r = seed * 0x9E3779B97F4A7C15ull | 1;
        int64_t left = hl_sample_gap(&r, mean);
        double bytes = 0;
        for (int i = 0; i < ALLOCATIONS; i++) {
            left -= (int64_t)size_of(i);
            if (left >= 0)
                continue;
            left = hl_sample_gap(&r, mean);
            bytes += (double)hl_sample_bytes(size_of(i), mean);
            blocks += (double)hl_sample_blocks(size_of(i), mean) / HL_WEIGHT_ONE;
            said += hl_sample_variance(size_of(i), mean);
        }
        sum += bytes;
        squares += (bytes - true_bytes) * (bytes - true_bytes);
    }
    assert_true(fabs(sum / SEEDS / true_bytes - 1) < 0.01);
    assert_true(fabs(blocks / SEEDS / ALLOCATIONS - 1) < 0.05);
    assert_true(fabs(squares / said - 1) < 0.3); /* of 200, the variance is known to a tenth */
}

static void the_table_agrees_with_a_list(void **state)
{
    (void)state;
    static uintptr_t live[LIVE];
    uint64_t r = 88172645463325252ull;
    assert_true(hl_samples_init(&samples, 1000));
    for (int step = 0; step < STEPS; step++) {
        r ^= r << 13;
        r ^= r >> 7;
        r ^= r << 17;
        size_t i = r % LIVE;
        if (live[i]) {
            assert_true(hl_samples_maybe(&samples, (const void *)live[i]));
            assert_int_equal(hl_samples_look(&samples, live[i]).by, i + 1);
            hl_sample s = hl_samples_take(&samples, live[i]);
            assert_int_equal(s.by, i + 1);
            assert_int_equal(s.size, 2 * i);
            assert_int_equal(hl_samples_take(&samples, live[i]).by, 0);
            live[i] = 0;
        } else {
            live[i] = 16 * (1 + (uintptr_t)step);
            assert_true(hl_samples_put(&samples, live[i], i + 1, 2 * i));
        }
    }
    size_t n = 0;
    for (size_t i = 0; i < LIVE; i++) {
        n += live[i] != 0;
        if (live[i])
            assert_int_equal(hl_samples_take(&samples, live[i]).by, i + 1);
    }
    assert_true(n > 0);
    assert_int_equal(samples.n, 0);
    assert_true(samples.table->room <= 4 * LIVE); /* however many there were, one after the other */
    for (size_t i = 0; i < HL_FILTER_ROOM; i++)
        assert_int_equal(samples.filter[i], 0);
    hl_samples_deinit(&samples);
}

static void a_full_table_counts_what_it_drops(void **state)
{
    (void)state;
    assert_true(hl_samples_init(&samples, 1000));
    for (uintptr_t i = 1; i <= HL_SAMPLES_ROOM; i++)
        (void)hl_samples_put(&samples, 16 * i, 1, 1);
    assert_int_equal(samples.n, HL_SAMPLES_ROOM / 2);
    assert_int_equal(samples.dropped, HL_SAMPLES_ROOM / 2);
    hl_samples_clear(&samples);
    assert_int_equal(samples.n, 0);
    assert_false(hl_samples_maybe(&samples, (const void *)16));
    hl_samples_deinit(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_unbiased),
        cmocka_unit_test(the_table_agrees_with_a_list),
        cmocka_unit_test(a_full_table_counts_what_it_drops),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
