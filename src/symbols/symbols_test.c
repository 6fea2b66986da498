/* symbols/symbols_test.c: the names of this program's own functions, by their addresses. */
#define _GNU_SOURCE
#include "symbols/demangle.h"
#include "symbols/symbols.h"

#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static volatile uint64_t sink;

/* Where a call of it returns to. */
__attribute__((noinline)) static uint64_t here(void)
{
    return (uint64_t)(uintptr_t)__builtin_return_address(0);
}

enum { LINE_OF_INNER = __LINE__ + 3 };
static inline __attribute__((always_inline)) uint64_t inner(void)
{
    uint64_t at = here();
    sink++;
    return at;
}

enum { LINE_OF_OUTER = __LINE__ + 3 };
__attribute__((noinline)) static uint64_t outer(void)
{
    uint64_t at = inner();
    sink += 2;
    return at;
}

static int base_of_exe(struct dl_phdr_info *info, size_t size, void *to)
{
    (void)size;
    *(uint64_t *)to = info->dlpi_addr;
    return 1; /* the first is the program */
}

static void exe_path(char path[4096])
{
    ssize_t n = readlink("/proc/self/exe", path, 4095);
    assert_true(n > 0);
    path[n] = 0;
}

static void inlined_functions_are_told(void **state)
{
    char path[4096];
    uint64_t base = 0;
    hl_arena arena;
    hl_symbol found[HL_SYMBOLS_MOST];
    (void)state;
    exe_path(path);
    dl_iterate_phdr(base_of_exe, &base);
    hl_arena_init(&arena);
    hl_symbols *s = hl_symbols_create();
    unsigned n = hl_symbols_find(s, path, "", outer() - base, &arena, found);
    assert_int_equal(n, 2);
    assert_string_equal(found[0].function, "inner");
    assert_int_equal(found[0].line, LINE_OF_INNER);
    assert_non_null(strstr(found[0].file, "symbols_test.c"));
    assert_string_equal(found[1].function, "outer");
    assert_int_equal(found[1].line, LINE_OF_OUTER);
    assert_non_null(strstr(found[1].file, "symbols_test.c"));
    hl_symbols_destroy(s);
    hl_arena_deinit(&arena);
}

static void another_build_has_no_names(void **state)
{
    char path[4096];
    hl_arena arena;
    hl_symbol found[HL_SYMBOLS_MOST];
    (void)state;
    exe_path(path);
    hl_arena_init(&arena);
    hl_symbols *s = hl_symbols_create();
    assert_int_equal(hl_symbols_find(s, path, "00112233", 0x1000, &arena, found), 0);
    hl_symbols_destroy(s);
    hl_arena_deinit(&arena);
}

/* Not there, no file, no ELF, a pipe, an address far outside: nothing, and no wait. */
static void strangers(void **state)
{
    char path[4096], pipe[64] = "/tmp/hl_symbols_XXXXXX";
    hl_arena arena;
    hl_symbol found[HL_SYMBOLS_MOST];
    (void)state;
    exe_path(path);
    assert_non_null(mkdtemp(pipe));
    rmdir(pipe);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    hl_arena_init(&arena);
    hl_symbols *s = hl_symbols_create();
    const char *const paths[] = {"", "/not/there", "/", "/etc/passwd", pipe};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_int_equal(hl_symbols_find(s, paths[i], "", 0x1000, &arena, found), 0);
    assert_int_equal(hl_symbols_find(s, path, "", 0, &arena, found), 0);
    assert_int_equal(hl_symbols_find(s, path, "", UINT64_MAX / 2, &arena, found), 0);
    hl_symbols_destroy(s);
    hl_arena_deinit(&arena);
    unlink(pipe);
}

static void names_of_cpp_are_read(void **state)
{
    static const char *const pairs[][2] = {
        {"_ZN3fox3runEi", "fox::run"},
        {"_ZNK3fox5holdsERKSt6vectorIiSaIiEE", "fox::holds"},
        {"_ZN12_GLOBAL__N_13runEv", "(anonymous namespace)::run"},
        {"_ZN3foxclEPFvvE", "fox::operator()"},
        {"_ZN3fox5countE", "fox::count"},
        {"malloc", "malloc"},
        {"_Z", "_Z"},
        {"_ZN3fox", "_ZN3fox"},
        {"_ZZZZZZ(", "_ZZZZZZ("},
        {"", ""},
    };
    hl_arena arena;
    hl_arena_init(&arena);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(hl_demangle(pairs[i][0], &arena), pairs[i][1]);
    hl_arena_deinit(&arena);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inlined_functions_are_told),
        cmocka_unit_test(names_of_cpp_are_read),
        cmocka_unit_test(another_build_has_no_names),
        cmocka_unit_test(strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
