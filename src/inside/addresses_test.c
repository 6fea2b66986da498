/* inside/addresses_test.c: the numbers of addresses against a plain list of them. */
#include "inside/addresses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 20000, PLACES = 3000 };

typedef struct pair {
    uintptr_t at;
    uint32_t number;
} pair;

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = ((const pair *)a)->at, y = ((const pair *)b)->at;
    return (x > y) - (x < y);
}

/* Addresses of many stretches, some of them 8 bytes off, each with its number and no other with one. */
static void numbers_are_found_again(void **state)
{
    (void)state;
    static pair pairs[MANY];
    uint64_t random = 42;
    hl_addresses a;
    assert_true(hl_addresses_init(&a));
    for (uint32_t i = 0; i < MANY; i++) {
        uintptr_t place = (uintptr_t)(next(&random) % PLACES + 1) << HL_STRETCH_BITS;
        pairs[i].at = place + (uintptr_t)(next(&random) % (1 << (HL_STRETCH_BITS - 3))) * 8;
    }
    qsort(pairs, MANY, sizeof *pairs, by_address);
    for (uint32_t i = 0; i < MANY; i++) {
        pairs[i].number = i + 1;
        *hl_addresses_at(&a, (void *)pairs[i].at) = i + 1;
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t last = i;
        while (last + 1 < MANY && pairs[last + 1].at == pairs[i].at)
            last++;
        assert_int_equal(hl_addresses_get(&a, (void *)pairs[i].at), pairs[last].number);
        if (last + 1 == MANY || pairs[last + 1].at != pairs[i].at + 8)
            assert_int_equal(hl_addresses_get(&a, (void *)(pairs[i].at + 8)), 0);
    }
    size_t seen = 0, distinct = 0;
    for (uint32_t i = 0; i < MANY; i++)
        distinct += !i || pairs[i].at != pairs[i - 1].at;
    for (size_t i = 0; i < a.dir_room; i++)
        for (size_t k = 0; a.dir[i].key && k < HL_STRETCH_NUMBERS; k++)
            if (a.dir[i].numbers[k]) {
                seen++;
                assert_int_equal(pairs[a.dir[i].numbers[k] - 1].at,
                                 hl_addresses_of(a.dir[i].key, k));
            }
    assert_int_equal(seen, distinct);
    hl_addresses_deinit(&a);
}

/* The first megabyte has no key of its own at offset 0, and NULL no number. */
static void no_address_has_no_number(void **state)
{
    (void)state;
    hl_addresses a;
    assert_true(hl_addresses_init(&a));
    assert_int_equal(hl_addresses_get(&a, NULL), 0);
    assert_null(hl_addresses_at(&a, NULL));
    hl_addresses_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_found_again),
        cmocka_unit_test(no_address_has_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
