/* inside/visited_test.c: the visited set against a plain list of addresses. */
#include "inside/visited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ADDRESSES = 200000, IDS = 100000 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Few pages with many objects, many pages with few, and addresses 8 bytes off. */
static uintptr_t address(uint64_t *state)
{
    uint64_t r = next_random(state);
    uintptr_t page = r & 1 ? (r >> 8) % 64 : (r >> 8) % 100000;
    return 0x7f0000000000u + page * 4096 + (r >> 40) % 256 * 16 + (r & 2 ? 8 : 0);
}

static int by_value(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

static void ids_and_addresses_follow_from_each_other(void **unused)
{
    (void)unused;
    static uintptr_t all[ADDRESSES];
    uint64_t state = 88172645463325252u;
    hl_visited v;
    assert_true(hl_visited_init(&v));
    size_t fresh_ones = 0, distinct = 0;
    for (size_t i = 0; i < ADDRESSES; i++) {
        bool fresh = false, again = false;
        all[i] = address(&state);
        uint32_t id = hl_visited_mark(&v, (void *)all[i], &fresh);
        fresh_ones += fresh;
        assert_int_equal(hl_visited_mark(&v, (void *)all[i], &again), id);
        assert_false(again);
        assert_ptr_equal(hl_visited_address(&v, id), (void *)all[i]);
        assert_int_equal(hl_visited_first_row(&v, id), fresh);
    }
    qsort(all, ADDRESSES, sizeof *all, by_value);
    for (size_t i = 0; i < ADDRESSES; i++)
        distinct += !i || all[i] != all[i - 1];
    assert_int_equal(fresh_ones, distinct);
}

static void ids_pop_in_the_other_order(void **unused)
{
    (void)unused;
    hl_ids list = {.n = 0};
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < IDS; i++)
            assert_true(hl_ids_push(&list, i));
        for (uint32_t i = IDS; i-- > (round < 2 ? 5 : 0);)
            assert_int_equal(hl_ids_pop(&list), i);
        while (list.n)
            hl_ids_pop(&list);
    }
}

static void ids_shift_in_order(void **unused)
{
    (void)unused;
    hl_ids list = {.n = 0};
    uint32_t in = 0, out = 0, seen;
    uint64_t state = 1234567;
    while (out < IDS) {
        for (uint64_t n = next_random(&state) % 3000; n; n--)
            assert_true(hl_ids_push(&list, in++));
        for (uint64_t n = next_random(&state) % 3000; n && list.n; n--) {
            if (hl_ids_peek(&list, 3, &seen))
                assert_int_equal(seen, out + 3);
            assert_int_equal(hl_ids_shift(&list), out++);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_addresses_follow_from_each_other),
        cmocka_unit_test(ids_pop_in_the_other_order),
        cmocka_unit_test(ids_shift_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
