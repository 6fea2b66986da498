/* track/tally_test.c: sums by maker against sums in an array. */
#include "track/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MAKERS = 50 * 1000, BLOCKS = 1000 * 1000 };

static void sums_are_sums(void **state)
{
    (void)state;
    static uint64_t blocks[MAKERS], bytes[MAKERS];
    hl_tally t;
    uint64_t r = 88172645463325252ull;
    assert_true(hl_tally_init(&t));
    for (int i = 0; i < BLOCKS; i++) {
        r ^= r << 13;
        r ^= r >> 7;
        r ^= r << 17;
        uint32_t maker = (uint32_t)(r % MAKERS);
        for (uint64_t k = 0; k <= r >> 62; k++) {
            hl_tally_add(&t, hl_made_by(maker, 3, 1, HL_DOMAIN_OBJ), 1, r >> 40);
            blocks[maker]++;
            bytes[maker] += r >> 40;
        }
        hl_tally_vary(&t, hl_made_by(maker, 3, 1, HL_DOMAIN_OBJ), 1);
    }
    assert_int_equal(t.n, MAKERS);
    double variance = 0;
    for (size_t i = 0; i < t.room; i++) {
        if (!t.rows[i].by)
            continue;
        uint32_t maker = hl_made_site(t.rows[i].by);
        assert_int_equal(t.rows[i].blocks, blocks[maker]);
        assert_int_equal(t.rows[i].bytes, bytes[maker]);
        variance += t.rows[i].variance;
    }
    assert_true(variance == BLOCKS);
    assert_int_equal(t.lost, 0);
    hl_tally_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_sums)};
    return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
