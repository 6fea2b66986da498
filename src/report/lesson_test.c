/* report/lesson_test.c: the reader of a page's Markdown, and the pages that are built in. */
#include "report/lesson_read.h"
#include "report/text_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void next_is(const char *const **at, hl_block_kind kind, const char *text)
{
    hl_block b;
    assert_true(hl_lesson_next(at, &b));
    assert_int_equal(b.kind, kind);
    assert_string_equal(b.text, text);
}

static void blocks_come_in_order(void **state)
{
    hl_block b;
    const char *const body[] = {"## A part\n",
                                "\n",
                                "One line and\n",
                                "another, see [there](x.md) and `a[0](b)`.\n",
                                "- an item that is\n",
                                "  long\n",
                                "- a second [one\n",
                                "```python\n",
                                "x = 1\n",
                                "\n",
                                "## no heading\n",
                                "```\n",
                                "\n",
                                NULL};
    const char *const *at = body;
    next_is(&at, HL_BLOCK_HEADING, "A part");
    next_is(&at, HL_BLOCK_PARAGRAPH, "One line and another, see there and `a[0](b)`.");
    next_is(&at, HL_BLOCK_ITEM, "an item that is long");
    next_is(&at, HL_BLOCK_ITEM, "a second [one");
    assert_true(hl_lesson_next(&at, &b));
    assert_int_equal(b.kind, HL_BLOCK_CODE);
    assert_int_equal(b.n_lines, 3);
    assert_string_equal(b.lines[2], "## no heading\n");
    assert_false(hl_lesson_next(&at, &b));
}

static void chinese_lines_join_without_a_space(void **state)
{
    const char *const body[] = {"循环\n", "引用，\n", "`gc` 不管。\n", "Python\n", "对象\n", NULL};
    const char *const *at = body;
    next_is(&at, HL_BLOCK_PARAGRAPH, "循环引用，`gc` 不管。Python 对象");
}

static void what_is_too_long_is_cut(void **state)
{
    enum { LINES = 200 };
    const char *body[LINES + 1];
    hl_block b;
    for (int i = 0; i < LINES; i++)
        body[i] = "0123456789 0123456789 0123456789 0123456789\n";
    body[LINES] = NULL;
    const char *const *at = body;
    assert_true(hl_lesson_next(&at, &b));
    assert_true(strlen(b.text) < HL_BLOCK_MAX);
    assert_false(hl_lesson_next(&at, &b));
}

/* On a terminal of any width: nothing wider but code and what cannot be broken. */
static void pages_fit_their_width(void **state)
{
    uint32_t n;
    const hl_lesson *pages = hl_lessons(&n);
    assert_true(n > 30);
    for (uint32_t i = 0; i < n; i++)
        for (unsigned width = 40; width <= 120; width += 20) {
            hl_out o = {0};
            hl_style style = {.width = width, .unicode = true};
            hl_lesson_text(&pages[i], true, &style, &o);
            hl_out_write(&o, "", 1);
            assert_false(o.failed);
            for (char *line = strtok(o.bytes, "\n"); line; line = strtok(NULL, "\n")) {
                bool code = !strncmp(line, "    ", 4);
                bool one_word = !strchr(line + strspn(line, " -"), ' ');
                if (!code && !one_word && hl_text_columns(line) > width)
                    fail_msg("%s (%s) at %u columns: %s", pages[i].id, pages[i].lang, width, line);
            }
            hl_out_deinit(&o);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_in_order),
        cmocka_unit_test(chinese_lines_join_without_a_space),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(pages_fit_their_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
