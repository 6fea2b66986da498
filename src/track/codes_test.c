/* track/codes_test.c: copies of code objects: equal ones once, found by address until they die. */
#include "track/codes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 20 * 1000, DIFFERENT = 3000 };

static hl_code_facts facts_of(unsigned i, char *file, char *name, uint8_t *table)
{
    hl_code_facts f = {.file = file, .name = name, .table = table, .first_line = i % 7};
    f.file_bytes = (size_t)sprintf(file, "folder/file%u.py", i % 100);
    f.name_bytes = (size_t)sprintf(name, "function%u", i % DIFFERENT);
    f.table_bytes = i % DIFFERENT % 50;
    memset(table, (int)(i % DIFFERENT), f.table_bytes);
    f.first_line = i % DIFFERENT;
    f.file_bytes = (size_t)sprintf(file, "folder/file%u.py", i % DIFFERENT % 100);
    return f;
}

static void equal_ones_have_one_record(void **state)
{
    (void)state;
    hl_codes c = {.n = 0};
    char file[64], name[64];
    uint8_t table[64];
    assert_true(hl_codes_init(&c));
    for (unsigned i = 0; i < MANY; i++) {
        hl_code_facts f = facts_of(i, file, name, table);
        hl_code_seen *s = hl_codes_add(&c, 0x1000 + 16 * (uintptr_t)i, &f);
        assert_non_null(s);
        assert_int_equal(s->code, 1 + i % DIFFERENT);
        s->cell = i + 1;
    }
    assert_int_equal(c.n, 1 + DIFFERENT);
    for (unsigned i = 0; i < MANY; i++) {
        hl_code_facts f = facts_of(i, file, name, table);
        hl_code_seen *s = hl_codes_find(&c, 0x1000 + 16 * (uintptr_t)i);
        assert_non_null(s);
        const hl_code *code = &c.codes[s->code];
        size_t n;
        const char *text = hl_codes_text(&c, code->name, &n);
        assert_int_equal(n, f.name_bytes);
        assert_string_equal(text, name);
        text = hl_codes_text(&c, code->file, &n);
        assert_string_equal(text, file);
        assert_int_equal(code->first_line, f.first_line);
        assert_int_equal(code->table_bytes, f.table_bytes);
        assert_memory_equal(c.pool + code->table, table, f.table_bytes);
    }
    hl_codes_deinit(&c);
}

static void what_dies_is_found_no_more(void **state)
{
    (void)state;
    hl_codes c = {.n = 0};
    char file[64], name[64];
    uint8_t table[64];
    assert_int_equal(hl_codes_gone(&c, 0x1000), 0); /* before the first start */
    assert_true(hl_codes_init(&c));
    size_t room = 0;
    for (unsigned i = 0; i < MANY; i++) { /* loaded and dropped, again and again */
        hl_code_facts f = facts_of(i, file, name, table);
        uintptr_t at = 0x1000 + 16 * (uintptr_t)i;
        hl_code_seen *s = hl_codes_add(&c, at, &f);
        s->cell = i + 7;
        assert_int_equal(hl_codes_gone(&c, at), i + 7);
        assert_null(hl_codes_find(&c, at));
        assert_int_equal(hl_codes_gone(&c, at), 0);
        room = c.room_seen;
    }
    assert_int_equal(c.n_seen, 0);
    assert_true(room <= 4096);
    hl_codes_deinit(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_ones_have_one_record),
        cmocka_unit_test(what_dies_is_found_no_more),
    };
    return cmocka_run_group_tests_name("codes", tests, NULL, NULL);
}
