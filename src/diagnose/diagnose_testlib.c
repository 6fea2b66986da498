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

void hl_test_expect(const char *text, hl_verdict verdict, const char *cause, const char *holder)
{
    hl_judged j = hl_test_judge(text);
    const hl_diagnosis *d = &j.d;
    if (d->verdict != verdict)
        fail_msg("verdict %d, findings %u (%s), why %s", d->verdict, d->n_findings,
                 d->n_findings ? d->findings[0].title : "-", d->why ? d->why : "-");
    assert_int_equal(d->n_findings, cause ? 1 : 0);
    if (cause) {
        assert_string_equal(d->findings[0].cause, cause);
        assert_string_equal(d->findings[0].holder.name, holder);
    }
    hl_test_judged_end(&j);
}
