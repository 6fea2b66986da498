/* base/arena_test.c: what is given back is given back alone, and what is given is nobody else's. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK = 256 * 1024, HEADER = 64, STEP = 16, LARGE = 100 * 1000 };

/* Whatever of a chunk the last allocation takes, releasing the first leaves the others alone. */
static void a_full_chunk_is_not_one_allocation(void **state)
{
    (void)state;
    for (size_t last = STEP; last <= HEADER; last += STEP) {
        hl_arena a;
        hl_arena_init(&a);
        char *first = hl_arena_alloc(&a, STEP), *others[2 * CHUNK / STEP];
        size_t n = 0;
        for (size_t used = STEP; used + last < CHUNK; used += STEP, n++) {
            others[n] = hl_arena_alloc(&a, STEP);
            assert_non_null(others[n]);
            memset(others[n], (int)(n % 251), STEP);
        }
        others[n] = hl_arena_alloc(&a, last);
        assert_non_null(others[n]);
        hl_arena_release(&a, first);
        for (size_t i = 0; i < n; i++)
            assert_int_equal((unsigned char)others[i][STEP - 1], i % 251);
        hl_arena_deinit(&a);
    }
}

static void a_large_one_is_given_back(void **state)
{
    (void)state;
    hl_arena a;
    hl_arena_init(&a);
    char *small = hl_arena_alloc(&a, STEP), *large = hl_arena_alloc(&a, LARGE);
    assert_non_null(small);
    assert_non_null(large);
    size_t with = a.bytes_mapped;
    memset(small, 7, STEP);
    memset(large, 7, LARGE);
    hl_arena_release(&a, large);
    assert_true(a.bytes_mapped + LARGE <= with);
    assert_int_equal(small[STEP - 1], 7);
    size_t without = a.bytes_mapped;
    hl_arena_release(&a, small);
    assert_int_equal(a.bytes_mapped, without);
    hl_arena_deinit(&a);
}

/* What one arena gave up another gets, zeroed; and no more is kept than was ever needed. */
static void what_is_given_up_is_taken_again(void **state)
{
    (void)state;
    hl_arena a;
    hl_arena_init(&a);
    hl_arena_spare(0);
    char *first = hl_arena_alloc(&a, LARGE);
    assert_non_null(first);
    memset(first, 7, LARGE);
    hl_arena_release(&a, first);
    char *again = hl_arena_alloc(&a, LARGE - STEP);
    assert_ptr_equal(again, first);
    for (size_t i = 0; i < LARGE - STEP; i++)
        assert_int_equal(again[i], 0);
    hl_arena_deinit(&a);
    char *other = hl_arena_alloc(&a, 4 * LARGE); /* too large for it, and so it goes */
    assert_non_null(other);
    memset(other, 7, 4 * LARGE);
    hl_arena_deinit(&a);
    hl_arena_spare(0);
    char *fresh = hl_arena_alloc(&a, 2 * LARGE);
    assert_non_null(fresh);
    assert_int_equal(fresh[2 * LARGE - 1], 0);
    hl_arena_deinit(&a);
}

static void sizes_that_no_memory_has(void **state)
{
    (void)state;
    hl_arena a;
    hl_arena_init(&a);
    assert_null(hl_arena_alloc(&a, SIZE_MAX));
    assert_null(hl_arena_array(&a, SIZE_MAX / 2, 3));
    hl_arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_chunk_is_not_one_allocation),
        cmocka_unit_test(a_large_one_is_given_back),
        cmocka_unit_test(what_is_given_up_is_taken_again),
        cmocka_unit_test(sizes_that_no_memory_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
