/* rt/pages_test.c: who maps from the stretch that is lent, and whose memory stays when it goes. */
#include "rt/rt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

enum { STRETCH = 1 << 24, STACK = 1 << 18, SIZE = 100000 };

static char *given;
static ucontext_t here, there;

static void borrower(void)
{
    given = hl_pages_map(SIZE);
    if (given)
        memset(given, 1, SIZE);
    swapcontext(&there, &here);
}

static void only_the_borrower_has_lent_memory(void **state)
{
    (void)state;
    assert_null(hl_pages_lent(1));
    assert_true(hl_pages_lend(STRETCH));
    assert_false(hl_pages_lend(STRETCH));
    char *stack = hl_pages_lent(STACK), *mine = hl_pages_map(SIZE);
    assert_non_null(stack);
    assert_non_null(mine);
    assert_false(mine >= stack && mine < stack + STRETCH);
    memset(mine, 7, SIZE);
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK;
    there.uc_link = NULL;
    makecontext(&there, borrower, 0);
    swapcontext(&here, &there);
    assert_true(given >= stack && given < stack + STRETCH);
    assert_null(hl_pages_lent(STRETCH)); /* so much is not left */
    assert_null(hl_pages_lent(SIZE_MAX));
    hl_pages_unmap(given, SIZE); /* a part of what goes as a whole */
    hl_pages_lend_end();
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(mine[i], 7);
    hl_pages_unmap(mine, SIZE);
    assert_true(hl_pages_lend(STRETCH));
    hl_pages_lend_end();
}

static bool is_listed(const void *p, size_t n)
{
    const hl_pages_piece *all = hl_pages_pieces();
    for (unsigned i = 0; i < HL_PAGES_PIECES; i++)
        if (all[i].n && all[i].at == p)
            return all[i].n == n;
    return false;
}

/* All that is mapped is listed, and what was given back is not; with more than there is room for, too. */
static void what_is_ours_is_listed(void **state)
{
    enum { MANY = HL_PAGES_PIECES + 100 };
    static void *all[MANY];
    unsigned listed = 0;
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        assert_non_null(all[i] = hl_pages_map(i + 1));
    for (unsigned i = 0; i < MANY; i++)
        listed += is_listed(all[i], i + 1);
    assert_int_equal(listed, HL_PAGES_PIECES);
    for (unsigned i = 0; i < MANY; i += 2)
        hl_pages_unmap(all[i], i + 1);
    for (unsigned i = 0; i < MANY; i += 2)
        assert_false(is_listed(all[i], i + 1));
    all[0] = hl_pages_map(5);
    assert_true(is_listed(all[0], 5));
    hl_pages_unmap(all[0], 5);
    for (unsigned i = 1; i < MANY; i += 2)
        hl_pages_unmap(all[i], i + 1);
    for (unsigned i = 0; i < HL_PAGES_PIECES; i++)
        assert_int_equal(hl_pages_pieces()[i].n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_borrower_has_lent_memory),
                                       cmocka_unit_test(what_is_ours_is_listed)};
    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
