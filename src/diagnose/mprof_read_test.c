/* diagnose/mprof_read_test.c: what mprof writes is read, and what it never writes has its line told. */
#include "diagnose/course.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct got {
    hl_arena arena;
    hl_timeline_process *all;
    uint32_t n;
    bool torn;
    hl_err err;
} got;

static void get(const char *text, got *g)
{
    size_t n = strlen(text);
    char *exact = malloc(n ? n : 1); /* the sanitizer sees the end */
    assert_non_null(exact);
    memcpy(exact, text, n);
    *g = (got){.n = 0};
    hl_arena_init(&g->arena);
    (void)!hl_mprof_read("x.dat", exact, n, &g->arena, &g->all, &g->n, &g->torn, &g->err);
    free(exact);
}

static void a_whole_file(void **unused)
{
    (void)unused;
    got g;
    get("FUNC __main__.load 22.5000 100.5000 41.0000 101.1444 0\n"
        "CMDLINE python app.py -c import x\n"
        "print(1)\n"
        "MEM 10.000000 100.0000\n"
        "CHLD 77 1.500000 100.3000\n"
        "CHLD 5 2.500000 100.2000\n"
        "MEM 12.000000 100.1000\n"
        "CHLD 77 1.750000 100.2500\n"
        "FUNC f 1.0 100.25 0.5 100.75\n"
        "MEM 11.500000 100.0500\n",
        &g);
    assert_int_equal(g.err.status, HL_OK);
    assert_int_equal(g.n, 3);
    assert_false(g.torn);
    const hl_timeline_process *p = &g.all[0];
    assert_string_equal(p->program, "python app.py -c import x");
    assert_true(p->mprof && !p->pid && p->n == 3 && p->n_curves == 1);
    assert_true(p->seconds[0] == 0 && p->seconds[2] > 0.0999 && p->seconds[2] < 0.1001);
    static const int64_t bytes[] = {10 << 20, 23 << 19, 12 << 20}; /* by time, not by line */
    assert_memory_equal(p->curves[0].bytes, bytes, sizeof bytes);
    assert_int_equal(p->n_spans, 2);
    assert_string_equal(p->spans[0].name, "f");
    assert_int_equal(p->spans[0].from_bytes, 1 << 20);
    assert_string_equal(p->spans[1].name, "__main__.load");
    assert_true(p->spans[1].from_s == 0.5);
    assert_int_equal(g.all[1].pid, 5);
    assert_int_equal(g.all[2].pid, 77);
    assert_int_equal(g.all[2].n, 2);
    assert_int_equal(g.all[2].curves[0].bytes[0], 7 << 18);
    assert_int_equal(g.all[2].n_spans, 0);
    hl_arena_deinit(&g.arena);
}

static void a_line_that_was_cut_off(void **unused)
{
    (void)unused;
    got g;
    get("CMDLINE a\nMEM 1.0 100.0\nMEM 2.0 100.1\nMEM 3.0 10", &g);
    assert_int_equal(g.err.status, HL_OK);
    assert_true(g.torn && g.n == 1 && g.all[0].n == 2);
    hl_arena_deinit(&g.arena);
}

static void nothing_in_it(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"", "\n", "CMDLINE python app.py\n",
                                        "CMDLINE a\nCHLD 1 1.0 1.0\n", "FUNC f 1.0 1.0 1.0 1.0\n"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        got g;
        get(texts[i], &g);
        assert_int_equal(g.err.status, HL_EMPTY);
        hl_arena_deinit(&g.arena);
    }
}

static void lines_that_are_none(void **unused)
{
    (void)unused;
    static const char *const lines[] = {"MEM",
                                        "MEM 1.0",
                                        "MEM 1.0 x",
                                        "MEM x 1.0",
                                        "MEM 1.0 2.0 3.0",
                                        "MEM nan 1.0",
                                        "MEM inf 1.0",
                                        "MEM 0x10 1.0",
                                        "MEM -1.0 1.0",
                                        "MEM 1e400 1.0",
                                        "MEM 1e13 1.0",
                                        "MEM 1.0 1e300",
                                        "MEM 1.0 1.0e",
                                        "CHLD 1 1.0",
                                        "CHLD x 1.0 1.0",
                                        "CHLD -1 1.0 1.0",
                                        "CHLD 9999999999 1.0 1.0",
                                        "CHLD 1 1.0 1.0 1",
                                        "FUNC f 1.0 1.0 1.0",
                                        "FUNC f 1.0 2.0 1.0 1.0",
                                        "FUNC f 1.0 1.0 1.0 1.0 x",
                                        "FUNC f 1.0 1.0 1.0 1.0 1 1",
                                        "FUNC f g 1.0 1.0 1.0 1.0",
                                        "MEMORY 1.0 1.0",
                                        "hello",
                                        "{}"};
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[128] = "MEM 1.0 1.0\n\n";
        got g;
        strcat(text, lines[i]);
        strcat(text, "\nMEM 1.0 2.0\n");
        get(text, &g);
        assert_int_equal(g.err.status, HL_CORRUPT);
        assert_non_null(strstr(g.err.text, "x.dat: line 3 "));
        hl_arena_deinit(&g.arena);
    }
}

static void its_face(void **unused)
{
    (void)unused;
    assert_true(hl_mprof_is("CMDLINE x", 9) && hl_mprof_is("MEM 1", 5) && hl_mprof_is("CHLD ", 5));
    assert_false(hl_mprof_is("CMDLINE", 7) || hl_mprof_is("", 0) || hl_mprof_is("MEMO 1.0", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file),  cmocka_unit_test(a_line_that_was_cut_off),
        cmocka_unit_test(nothing_in_it), cmocka_unit_test(lines_that_are_none),
        cmocka_unit_test(its_face),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
