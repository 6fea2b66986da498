/* report/out_test.c: the gate for strangers' text, and the pieces of reports. */
#include "report/text_parts.h"

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

static void safe_is(const char *text, size_t max, const char *expected)
{
    hl_out o = {0};
    hl_out_safe(&o, text, max);
    assert_out(&o, expected);
}

static void strangers_text_is_escaped_and_cut(void **state)
{
    safe_is("plain", 0, "plain");
    safe_is("\x1b]0;x\x07\n", 0, "\\x1b]0;x\\x07\\x0a");
    safe_is("a\xe2\x80\xae"
            "b",
            0, "a\\xe2\\x80\\xaeb");
    safe_is("\xff\xfe", 0, "\\xff\\xfe");
    safe_is("abcdefghij", 10, "abcdefghij");
    safe_is("abcdefghijk", 10, "abcdefg...");
    safe_is("\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97", 6, "\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97");
    safe_is("\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97", 5, "\xe5\xad\x97...");
    safe_is("abc", 2, "..");
}

/* Whatever bytes come in: what comes out is valid UTF-8 without anything hidden, at most as wide.
 */
static void any_bytes_come_out_printable(void **state)
{
    uint64_t seed = 7;
    for (int round = 0; round < 5000; round++) {
        char text[64] = {0};
        for (int i = 0; i < 40; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[i] = (char)(seed >> 56);
        }
        size_t max = (seed >> 20) % 50;
        hl_out o = {0};
        hl_out_safe(&o, text, max);
        hl_out_write(&o, "", 1);
        for (const char *p = o.bytes; *p;) {
            uint32_t c;
            unsigned n = hl_utf8_read(p, &c);
            assert_true(n && !hl_char_hidden(c));
            p += n;
        }
        if (max)
            assert_true(hl_text_columns(o.bytes) <= max);
        hl_out_deinit(&o);
    }
}

static void bytes_and_counts(void **state)
{
    char b[16], c[32];
    assert_string_equal(hl_bytes_text(0, b), "0 B");
    assert_string_equal(hl_bytes_text(999, b), "999 B");
    assert_string_equal(hl_bytes_text(1000, b), "1.0 KB");
    assert_string_equal(hl_bytes_text(98400000, b), "98.4 MB");
    assert_string_equal(hl_bytes_text(999600, b), "1.0 MB");
    assert_string_equal(hl_bytes_text(UINT64_MAX, b), "18.4 EB");
    assert_string_equal(hl_count_text(0, c), "0");
    assert_string_equal(hl_count_text(999, c), "999");
    assert_string_equal(hl_count_text(1000, c), "1,000");
    assert_string_equal(hl_count_text(UINT64_MAX, c), "18,446,744,073,709,551,615");
}

static void wrapped_is(const char *text, unsigned width, size_t indent, const char *expected)
{
    hl_out o = {0};
    hl_style style = {.width = width};
    hl_out_wrapped(&o, &style, indent, text);
    assert_out(&o, expected);
}

static void text_wraps_between_words(void **state)
{
    wrapped_is("", 40, 0, "\n");
    wrapped_is("one two", 40, 2, "one two\n");
    wrapped_is("aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb cc", 40, 0,
               "aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb\ncc\n");
    wrapped_is("aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbb", 40, 2,
               "aaaaaaaaaaaaaaaaaaaa\n  bbbbbbbbbbbbbbbbbbbb\n");
}

/* Wide characters take two columns and need no space between them; no line begins with a comma. */
static void chinese_wraps_between_characters(void **state)
{
    wrapped_is("一二三四五六七八九十一二三四五六七八九十一二", 40, 0,
               "一二三四五六七八九十一二三四五六七八九十\n一二\n");
    wrapped_is("一二三四五六七八九十一二三四五六七八九十。一", 40, 0,
               "一二三四五六七八九十一二三四五六七八九\n十。一\n");
    wrapped_is("一二三四五六七八九十一二三四五六七八九（十）", 40, 0,
               "一二三四五六七八九十一二三四五六七八九\n（十）\n");
    wrapped_is("用 `weakref.ref` 引用父对象，这样就不会延长它的寿命", 40, 2,
               "用 `weakref.ref` 引用父对象，这样就不\n"
               "  会延长它的寿命\n");
    wrapped_is("a,一", 40, 0, "a,一\n");
}

static void sparklines_show_least_to_greatest(void **state)
{
    hl_out o = {0};
    hl_style ascii = {0}, blocks = {.unicode = true};
    const uint64_t rising[] = {0, 1, 2, 3, 4, 5, 6, 7}, flat[] = {5, 5, 5};
    assert_int_equal(hl_spark(&o, &ascii, rising, 8), 8);
    assert_out(&o, "_.-~=+*#");
    hl_spark(&o, &blocks, rising, 8);
    assert_out(&o, "▁▂▃▄▅▆▇█");
    hl_spark(&o, &ascii, flat, 3);
    assert_out(&o, "___");
    assert_int_equal(hl_spark(&o, &ascii, NULL, 0), 0);
    uint64_t many[1000];
    for (int i = 0; i < 1000; i++)
        many[i] = (uint64_t)i;
    assert_int_equal(hl_spark(&o, &ascii, many, 1000), HL_SPARK_MAX);
    assert_int_equal(o.bytes[0], '_');
    assert_int_equal(o.bytes[o.n - 1], '#');
    hl_out_deinit(&o);
}

static void long_chains_show_both_ends_and_the_guilty_edge(void **state)
{
    hl_chain_step steps[40];
    for (int i = 0; i < 40; i++)
        steps[i] = (hl_chain_step){.type = "T", .edge = i ? ".next" : NULL};
    steps[20] = (hl_chain_step){.type = "list", .edge = ".rows", .guilty = true};
    hl_out o = {0};
    hl_style style = {0};
    hl_chain_text(&o, &style, 0, steps, 40, 0, "grows");
    assert_out(&o, "T\n  .next  T\n    .next  T\n"
                   "      : 16 more\n"
                   "      .next  T\n        .rows  list  <- grows\n          .next  T\n"
                   "            .next  T\n"
                   "              : 15 more\n"
                   "              .next  T\n                .next  T\n");
}

/* Every text of a diagnosis may be missing: the analysis ran out of memory, or knew nothing. */
static void an_empty_finding_is_still_a_report(void **state)
{
    hl_finding f = {.cause = "closure",
                    .confidence = HL_STRONG,
                    .title = "",
                    .fix = "",
                    .holder = {.kind = "none"}};
    hl_diagnosis d = {.verdict = HL_LEAK, .findings = &f, .n_findings = 1};
    hl_out o = {0};
    hl_style style = {.color = true, .unicode = true, .verbose = true};
    hl_report_text(&d, &style, &o);
    assert_true(o.n > 0 && !o.failed);
    hl_out_deinit(&o);
    hl_report_json(&d, &o);
    assert_true(o.n > 0 && !o.failed);
    hl_out_deinit(&o);
}

static void tables_fit_the_width(void **state)
{
    const hl_column columns[] = {{"n", "name", HL_COLUMN_TEXT},
                                 {"b", "bytes", HL_COLUMN_BYTES},
                                 {"d", "gained", HL_COLUMN_DELTA}};
    hl_cell cells[] = {{.text = "a name of some length, too long for a narrow terminal"},
                       {.number = 1500},
                       {.number = -3},
                       {.text = NULL},
                       {.number = HL_CELL_NONE},
                       {.number = 12}};
    hl_table t = {.view = "v",
                  .title = "T",
                  .columns = columns,
                  .n_columns = 3,
                  .n_rows = 2,
                  .cells = cells,
                  .rows_left = 1000,
                  .note = "a note"};
    hl_out o = {0};
    hl_style narrow = {.width = 40};
    hl_table_text(&t, &narrow, &o);
    assert_out(&o, "T\n"
                   "name                       bytes  gained\n"
                   "a name of some length...  1.5 KB      -3\n"
                   "-                              -     +12\n"
                   "(1,000 more: --top N)\n"
                   "a note\n");
    hl_table_json(&t, &o);
    assert_out(&o, "{\n  \"schema\": \"heaplens.table/1\",\n  \"view\": \"v\",\n  \"title\": "
                   "\"T\",\n  \"rows\": [\n    {\"n\": \"a name of some length, too long for a "
                   "narrow terminal\", \"b\": 1500, \"d\": -3},\n    {\"n\": null, \"b\": null, "
                   "\"d\": 12}\n  ],\n  \"rows_left\": 1000,\n  \"note\": \"a note\"\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_text_is_escaped_and_cut),
        cmocka_unit_test(any_bytes_come_out_printable),
        cmocka_unit_test(bytes_and_counts),
        cmocka_unit_test(text_wraps_between_words),
        cmocka_unit_test(chinese_wraps_between_characters),
        cmocka_unit_test(sparklines_show_least_to_greatest),
        cmocka_unit_test(long_chains_show_both_ends_and_the_guilty_edge),
        cmocka_unit_test(an_empty_finding_is_still_a_report),
        cmocka_unit_test(tables_fit_the_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
