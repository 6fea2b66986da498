/* native/mappings_test.c: the table against a page by page one, over random puts and cuts. */
#include "native/mappings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAGES = 200, STEPS = 20000 };

static void assert_same(const hl_mappings *m, const uint64_t *pages)
{
    uint64_t told[PAGES] = {0};
    int64_t bytes = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        assert_true(m->of[i].from < m->of[i].end && m->of[i].by);
        assert_true(!i || m->of[i - 1].from >= m->of[i].end);
        for (uintptr_t p = m->of[i].from; p < m->of[i].end; p++)
            told[p] = m->of[i].by, bytes++;
    }
    assert_int_equal(m->bytes, bytes);
    assert_memory_equal(told, pages, sizeof told);
}

static void as_pages_say(void **state)
{
    static hl_mappings m;
    uint64_t pages[PAGES] = {0};
    (void)state;
    srand(5);
    for (int step = 0; step < STEPS; step++) {
        uintptr_t from = (uintptr_t)rand() % PAGES, end = from + 1 + (uintptr_t)rand() % 12;
        end = end > PAGES ? PAGES : end;
        uint64_t first = 0;
        for (uintptr_t p = end; p > from && !first; p--)
            first = pages[p - 1];
        uint64_t by = rand() % 2 ? 1 + (uint64_t)step : 0;
        if (by)
            hl_mappings_put(&m, from, end, by);
        else
            assert_int_equal(hl_mappings_cut(&m, from, end), first);
        for (uintptr_t p = from; p < end; p++)
            pages[p] = by;
        assert_same(&m, pages);
    }
    assert_int_equal(m.lost, 0);
}

static void a_full_table_says_so(void **state)
{
    static hl_mappings m;
    (void)state;
    for (uintptr_t i = 0; i < HL_MAPPINGS_MAX + 3; i++)
        hl_mappings_put(&m, 2 * i, 2 * i + 1, 1);
    assert_int_equal(m.n, HL_MAPPINGS_MAX);
    assert_int_equal(m.lost, 3);
    assert_int_equal(hl_mappings_cut(&m, 0, 4 * HL_MAPPINGS_MAX), 1);
    assert_int_equal(m.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_pages_say),
        cmocka_unit_test(a_full_table_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
