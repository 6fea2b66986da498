/* report/json_test.c: the JSON writer against what JSON allows; Python's reader is the oracle in
 * tests/cli/schema.py. */
#include "report/writer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_out(hl_out *o, const char *expected)
{
    assert_false(o->failed);
    hl_out_write(o, "", 1);
    assert_string_equal(o->bytes, expected);
    hl_out_deinit(o);
}

static void text_is(const char *text, const char *expected)
{
    hl_out o = {0};
    hl_json j = {.out = &o};
    hl_json_text(&j, text);
    assert_out(&o, expected);
}

static void escapes_what_json_or_a_terminal_would_stumble_on(void **state)
{
    text_is(NULL, "null");
    text_is("", "\"\"");
    text_is("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    text_is("\t\n\r\x1b[2J\x7f", "\"\\t\\n\\u000d\\u001b[2J\\u007f\"");
    text_is("\xc2\x85", "\"\\u0085\"");                /* C1: NEL */
    text_is("\xe2\x80\xae", "\"\\u202e\"");            /* right-to-left override */
    text_is("\xf3\xa0\x81\x81", "\"\\udb40\\udc41\""); /* a tag character, as a pair */
    text_is("\xe5\xad\x97 \xf0\x9f\x98\x80", "\"\xe5\xad\x97 \xf0\x9f\x98\x80\"");
}

static void bytes_that_are_no_text_become_replacement_characters(void **state)
{
    text_is("\xff", "\"\\ufffd\"");
    text_is("a\xc3", "\"a\\ufffd\"");                                /* cut off at the end */
    text_is("\xc0\x80", "\"\\ufffd\\ufffd\"");                       /* overlong NUL */
    text_is("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");            /* a lone surrogate */
    text_is("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* beyond Unicode */
    text_is("\xe2\x28\xa1", "\"\\ufffd(\\ufffd\"");
}

static void number_is(double v, const char *expected)
{
    hl_out o = {0};
    hl_json j = {.out = &o};
    hl_json_double(&j, v);
    assert_out(&o, expected);
}

static void doubles_are_short_and_read_back_the_same(void **state)
{
    number_is(0, "0");
    number_is(0.1, "0.1");
    number_is(12.1, "12.1");
    number_is(8.3e6, "8300000");
    number_is(1e300, "1e+300");
    number_is(NAN, "null");
    number_is(INFINITY, "null");
    uint64_t seed = 42;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double v;
        memcpy(&v, &seed, sizeof v);
        if (!isfinite(v))
            continue;
        hl_out o = {0};
        hl_json j = {.out = &o};
        hl_json_double(&j, v);
        hl_out_write(&o, "", 1);
        assert_true(strtod(o.bytes, NULL) == v);
        hl_out_deinit(&o);
    }
}

static void commas_and_lines(void **state)
{
    hl_out o = {0};
    hl_json j = {.out = &o};
    hl_json_open(&j, '{');
    hl_json_key(&j, "a");
    hl_json_open(&j, '[');
    hl_json_int(&j, -1);
    hl_json_uint(&j, UINT64_MAX);
    hl_json_open(&j, '{');
    hl_json_close(&j, '}');
    hl_json_close(&j, ']');
    hl_json_key(&j, "b");
    hl_json_bool(&j, true);
    hl_json_key(&j, "c");
    hl_json_null(&j);
    hl_json_close(&j, '}');
    assert_out(&o, "{\"a\": [-1, 18446744073709551615, {}], \"b\": true, \"c\": null}");

    j = (hl_json){.out = &o, .lines = 1};
    hl_json_open(&j, '[');
    hl_json_open(&j, '[');
    hl_json_int(&j, 1);
    hl_json_int(&j, 2);
    hl_json_close(&j, ']');
    hl_json_open(&j, '[');
    hl_json_close(&j, ']');
    hl_json_close(&j, ']');
    assert_out(&o, "[\n  [1, 2],\n  []\n]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_what_json_or_a_terminal_would_stumble_on),
        cmocka_unit_test(bytes_that_are_no_text_become_replacement_characters),
        cmocka_unit_test(doubles_are_short_and_read_back_the_same),
        cmocka_unit_test(commas_and_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
