/* diagnose/diagnose_testlib.c: a drawn run, judged.
 *
 * Room   diagnose; tests only. */
#include "diagnose/diagnose_testlib.h"

#include "snapshot/snap_dsl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

hl_judged hl_test_judge(const char *text)
{
    hl_judged j = {.run = hl_dsl_run(text)};
    hl_arena_init(&j.arena);
    hl_err err = {0};
    if (hl_diagnose(&j.run, 1, NULL, &j.arena, &j.d, &err))
        fail_msg("%s", err.text);
    return j;
}

void hl_test_judged_end(hl_judged *j)
{
    hl_arena_deinit(&j->arena);
    hl_run_close(j->run);
}
