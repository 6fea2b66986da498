/* track/lines_test.c: line tables, whole and torn. tests/track compares the standard library's. */
#include "track/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST = 100 };

static uint32_t at(enum hl_lines_format format, const char *table, size_t n, uint32_t offset)
{
    return hl_line_at(format, (const uint8_t *)table, n, FIRST, offset);
}

static void steps_go_on(void **state)
{
    (void)state;
    static const char table[] = {0, 1, 6, 2, 4, -3, (char)200, 127};
    static const uint32_t want[] = {101, 101, 101, 103, 103, 100, 100};
    for (uint32_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(at(HL_LINES_STEPS, table, sizeof table, 2 * i), want[i]);
    assert_int_equal(at(HL_LINES_STEPS, table, sizeof table, 210), 227);
    assert_int_equal(at(HL_LINES_STEPS, table, sizeof table, HL_OFFSET_NONE), FIRST);
}

static void ranges_may_have_no_line(void **state)
{
    (void)state;
    static const char table[] = {2, 1, 4, -128, 2, 4};
    static const uint32_t want[] = {101, FIRST, FIRST, 105, FIRST};
    for (uint32_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(at(HL_LINES_RANGES, table, sizeof table, 2 * i), want[i]);
}

static void locations_have_many_forms(void **state)
{
    (void)state;
    /* no column +2, one unit; short, same line, two units; none; one line on; long +70 */
    static const unsigned char table[] = {0x80 | 13 << 3,
                                          4,
                                          0x80 | 3 << 3 | 1,
                                          0x11,
                                          0x80 | 15 << 3,
                                          0x80 | 11 << 3,
                                          1,
                                          2,
                                          0x80 | 14 << 3,
                                          0x40 | (140 & 63),
                                          140 >> 6,
                                          1,
                                          1,
                                          1};
    static const uint32_t want[] = {102, 102, 102, FIRST, 103, 173, FIRST};
    for (uint32_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(at(HL_LINES_LOCATIONS, (const char *)table, sizeof table, 2 * i), want[i]);
}

/* Whatever the bytes are, reading ends within them: the sanitizers watch. */
static void torn_tables_are_read_to_their_end(void **state)
{
    (void)state;
    uint64_t r = 88172645463325252ull;
    for (int round = 0; round < 20000; round++) {
        unsigned char table[32];
        for (size_t i = 0; i < sizeof table; i++) {
            r ^= r << 13;
            r ^= r >> 7;
            r ^= r << 17;
            table[i] = (unsigned char)(round % 3 ? r : r | 0xC0);
        }
        unsigned char *copy = test_malloc(1 + (size_t)round % sizeof table);
        size_t n = (size_t)round % sizeof table;
        memcpy(copy, table, n);
        for (int format = HL_LINES_STEPS; format <= HL_LINES_LOCATIONS; format++)
            for (uint32_t offset = 0; offset < 300; offset += 7)
                assert_true(hl_line_at((enum hl_lines_format)format, copy, n, FIRST, offset) <=
                            INT32_MAX);
        test_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_go_on),
        cmocka_unit_test(ranges_may_have_no_line),
        cmocka_unit_test(locations_have_many_forms),
        cmocka_unit_test(torn_tables_are_read_to_their_end),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
