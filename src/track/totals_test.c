/* track/totals_test.c: totals of threads against plain sums; recent blocks against a plain list. */
#include "track/totals.h"

#include "track/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SITES = 3 * HL_TOTALS_CHUNK, STEPS = 200 * 1000, THREADS = 5, PLACES = 300 };

static hl_totals totals; /* too large for a stack */

static uint64_t random_of(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void each_thread_has_its_own(void **state)
{
    (void)state;
    static uint64_t bytes[THREADS][HL_DOMAINS][SITES];
    uint64_t random = 88172645463325252u;
    assert_null(hl_made_look(&totals, 1, HL_DOMAIN_OBJ, 1));
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t who = (uint32_t)(random_of(&random) % THREADS);
        uint32_t site = (uint32_t)(random_of(&random) % SITES);
        enum hl_domain d = (enum hl_domain)(HL_DOMAIN_RAW + random_of(&random) % 3);
        hl_made_at(&totals, who, d, site)->bytes += i;
        bytes[who][d][site] += i;
        hl_within_add(&totals, who, d, site, 2 + i % 63, i);
    }
    for (uint32_t who = 0; who < THREADS; who++)
        for (int d = HL_DOMAIN_RAW; d < HL_DOMAINS; d++)
            for (uint32_t site = 0; site < SITES; site++) {
                uint64_t within = 0;
                const hl_within *w = hl_within_look(&totals, who, (enum hl_domain)d, site);
                for (unsigned k = 0; w && k < HL_WITHIN; k++)
                    within += w->bytes[k];
                assert_int_equal(within, bytes[who][d][site]);
                assert_int_equal(hl_made_at(&totals, who, (enum hl_domain)d, site)->bytes,
                                 bytes[who][d][site]);
            }
    hl_totals_fold(&totals, 2);
    for (uint32_t site = 0; site < SITES; site++) {
        assert_int_equal(hl_made_look(&totals, 2, HL_DOMAIN_MEM, site)->bytes, 0);
        assert_int_equal(hl_made_look(&totals, 0, HL_DOMAIN_MEM, site)->bytes,
                         bytes[0][HL_DOMAIN_MEM][site] + bytes[2][HL_DOMAIN_MEM][site]);
    }
    hl_totals_zero(&totals);
    for (uint32_t who = 0; who < THREADS; who++)
        for (uint32_t site = 0; site < SITES; site++)
            assert_int_equal(hl_made_look(&totals, who, HL_DOMAIN_OBJ, site)->bytes, 0);
    hl_totals_deinit(&totals);
    assert_null(hl_made_look(&totals, 1, HL_DOMAIN_OBJ, 1));
}

static void windows_are_powers_of_two(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= 1u << HL_WITHIN; n++)
        hl_within_add(&totals, 0, HL_DOMAIN_OBJ, 7, n, 1);
    assert_null(hl_within_look(&totals, 0, HL_DOMAIN_OBJ, 7)); /* nothing was made there */
    (void)hl_made_at(&totals, 0, HL_DOMAIN_OBJ, 7);
    for (unsigned n = 2; n <= 1u << HL_WITHIN; n++)
        hl_within_add(&totals, 0, HL_DOMAIN_OBJ, 7, n, 10);
    const hl_within *w = hl_within_look(&totals, 0, HL_DOMAIN_OBJ, 7);
    for (unsigned k = 0; k < HL_WITHIN; k++) {
        assert_int_equal(w->blocks[k], 1u << k);
        assert_int_equal(w->bytes[k], 10u << k);
    }
    hl_totals_deinit(&totals);
}

/* Addresses come and go at random, some made twice, some gone unseen (another thread freed them). */
static void the_last_blocks_are_known(void **state)
{
    (void)state;
    static hl_recent recent;
    static uint32_t made_at[PLACES]; /* 0: not there */
    uint64_t random = 1181783497276652981u;
    uint32_t made = 0;
    memset(&recent, 0, sizeof recent);
    recent.made = made = UINT32_MAX - STEPS / 2; /* numbers come round */
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t place = (uint32_t)(random_of(&random) % PLACES);
        uintptr_t at = 0x7f0000001000u + 48u * (uintptr_t)place;
        if (random_of(&random) % 3) {
            hl_recent_put(&recent, at);
            made_at[place] = ++made;
        } else if (made_at[place]) { /* else another thread has made what is there */
            uint32_t ago = made - made_at[place];
            unsigned right = ago < HL_RECENT ? ago + 1 : 0;
            assert_int_equal(hl_recent_take(&recent, at), right);
            made_at[place] = 0;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thread_has_its_own),
        cmocka_unit_test(windows_are_powers_of_two),
        cmocka_unit_test(the_last_blocks_are_known),
    };
    return cmocka_run_group_tests_name("totals", tests, NULL, NULL);
}
