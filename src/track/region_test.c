/* track/region_test.c: blocks of the region do not overlap, and are used again. */
#include "track/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 2000, STEPS = 200 * 1000, REGION = 1 << 20 };

static void blocks_do_not_overlap(void **state)
{
    (void)state;
    static struct {
        unsigned char *p;
        size_t n;
    } b[BLOCKS];
    hl_region region = {.base = NULL};
    uint64_t r = 88172645463325252ull;
    int elsewhere;
    assert_false(hl_region_has(&region, NULL));
    assert_true(hl_region_init(&region, REGION));
    assert_true(hl_region_init(&region, REGION)); /* again: the same */
    assert_false(hl_region_has(&region, &elsewhere));
    assert_false(hl_region_has(&region, NULL));
    for (int step = 0; step < STEPS; step++) {
        r ^= r << 13;
        r ^= r >> 7;
        r ^= r << 17;
        size_t i = r % BLOCKS;
        if (b[i].p) {
            for (size_t k = 0; k < b[i].n; k++)
                assert_int_equal(b[i].p[k], (unsigned char)i);
            hl_region_give(&region, b[i].p, b[i].n);
            b[i].p = NULL;
            continue;
        }
        b[i].n = (r >> 20) % (HL_REGION_BLOCK_MAX + 1);
        b[i].p = hl_region_take(&region, b[i].n);
        assert_non_null(b[i].p);
        assert_true(hl_region_has(&region, b[i].p));
        assert_int_equal((uintptr_t)b[i].p % HL_REGION_STEP, 0);
        memset(b[i].p, (int)i, b[i].n);
    }
    hl_region_deinit(&region);
}

static void a_full_region_says_so(void **state)
{
    (void)state;
    hl_region region = {.base = NULL};
    size_t n = 0;
    void *last = NULL, *p;
    assert_true(hl_region_init(&region, REGION));
    while ((p = hl_region_take(&region, HL_REGION_BLOCK_MAX)))
        last = p, n++;
    assert_int_equal(n, REGION / HL_REGION_BLOCK_MAX);
    hl_region_give(&region, last, HL_REGION_BLOCK_MAX);
    assert_null(hl_region_take(&region, 16));
    assert_ptr_equal(hl_region_take(&region, HL_REGION_BLOCK_MAX), last);
    hl_region_deinit(&region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(a_full_region_says_so),
    };
    return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
