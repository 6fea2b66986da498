/* diagnose/known_test.c: a row is found by name, by owner, by type; and nobody else's container is.
 * Whether the rows are true is the business of tests/known. */
#include "diagnose/diagnose.h"
#include "diagnose/known_find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void id_is(const hl_known *k, const char *id)
{
    if (!id) {
        if (k)
            fail_msg("known as %s", k->id);
        return;
    }
    assert_non_null(k);
    assert_string_equal(k->id, id);
}

static void rows_are_found(void **state)
{
    const hl_chain_step queue[] = {{.type = "module", .name = "__main__"},
                                   {.type = "queue.Queue", .edge = ".jobs"},
                                   {.type = "collections.deque", .edge = ".queue", .guilty = true}};
    const hl_chain_step executor[] = {
        {.type = "concurrent.futures.thread.ThreadPoolExecutor", .name = "pool"},
        {.type = "_queue.SimpleQueue", .edge = "._work_queue"},
        {.type = "list", .edge = ".*"}};
    id_is(hl_known_find("logging._loggerClass.manager.loggerDict", "dict", NULL, 0),
          "logging-loggers");
    id_is(hl_known_find("__main__.jobs.queue", "collections.deque", queue, 3), "queue");
    id_is(hl_known_find("__main__.pool._work_queue.*", "list", executor, 3), "executor-queue");
    id_is(hl_known_find("x", "unittest.mock._CallList", NULL, 0), "mock-calls");
}

static void others_are_not(void **state)
{
    const hl_chain_step own[] = {{.type = "module", .name = "__main__"},
                                 {.type = "app.Service", .edge = ".service"},
                                 {.type = "list", .edge = ".handlers"}};
    const hl_chain_step bare[] = {{0}, {0}};
    char name[2000];
    memset(name, '*', sizeof name - 1);
    name[sizeof name - 1] = 0;
    id_is(hl_known_find("__main__.service.handlers", "list", own, 3), NULL);
    id_is(hl_known_find("__main__.cache", "dict", own, 1), NULL);
    id_is(hl_known_find("__main__.modules", "dict", NULL, 0), NULL);
    id_is(hl_known_find("app.re._cache", "dict", NULL, 0), NULL);
    id_is(hl_known_find("re._cached", "dict", NULL, 0), NULL);
    id_is(hl_known_find(NULL, NULL, bare, 2), NULL);
    id_is(hl_known_find("", "", NULL, 0), NULL);
    id_is(hl_known_find(name, name, NULL, 0), NULL);
}

/* Every row can be found, has its words, and an id of its own; no row hides another's pattern. */
static void rows_are_whole(void **state)
{
    uint32_t n;
    const hl_known *rows = hl_known_rows(&n);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(*rows[i].names || *rows[i].owners);
        assert_true(*rows[i].what && *rows[i].why && *rows[i].fix && *rows[i].package);
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(rows[i].id, rows[j].id);
        for (uint32_t j = 1; j < i; j++) /* packages stand together */
            if (!strcmp(rows[j - 1].package, rows[i].package))
                assert_string_equal(rows[i - 1].package, rows[i].package);
    }
}

static void a_finding_gets_the_words(void **state)
{
    hl_arena arena;
    hl_arena_init(&arena);
    hl_finding f = {.cause = "unbounded-cache",
                    .confidence = HL_CERTAIN,
                    .title = "sys.modules (dict) gained 3 entries",
                    .holder = {.name = "sys.modules", .type = "dict"},
                    .growth = {.bytes = 7},
                    .fix = "something else"};
    hl_known_apply(&arena, &f);
    /* what is known stands in the evidence (hl_finding_seal) */
    assert_string_equal(f.title, "sys.modules (dict) gained 3 entries");
    id_is(f.known, "sys-modules");
    assert_ptr_equal(f.fix, f.known->fix);
    assert_int_equal(f.confidence, HL_CERTAIN);
    assert_int_equal(f.growth.bytes, 7);
    hl_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(a_finding_gets_the_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
