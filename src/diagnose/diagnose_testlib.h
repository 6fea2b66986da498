/* diagnose/diagnose_testlib.h: what the tests of this room share: a drawn run, judged.
 *
 * Room   diagnose; tests only. */
#ifndef HL_DIAGNOSE_TESTLIB_H
#define HL_DIAGNOSE_TESTLIB_H

#include "diagnose/diagnose.h"

typedef struct hl_judged {
    hl_run *run;
    hl_arena arena;
    hl_diagnosis d; /* what it points to lives in arena */
} hl_judged;

/* The diagnosis of a run drawn with snapshot/snap_dsl.h; a test that cannot get one fails. */
hl_judged hl_test_judge(const char *text);
void hl_test_judged_end(hl_judged *j);
/* The run gets this verdict, and one finding of this cause and holder; cause NULL: none. */
void hl_test_expect(const char *text, hl_verdict verdict, const char *cause, const char *holder);

#endif
