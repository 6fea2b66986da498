/* track/site_tree_test.c: the tree of stacks against a plain list of (parent, code, offset). */
#include "track/site_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CODES = 300, OFFSETS = 10, STEPS = 300 * 1000, SITES_MOST = 200 * 1000, CODE_BYTES = 1000 };

static hl_sites sites; /* too large for a stack */

static uint64_t random_of(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Code objects die and come back elsewhere: what is the same keeps its site, and no address leads to
 * what was there before. */
static void the_same_is_the_same(void **state)
{
    (void)state;
    static struct {
        uintptr_t base, was; /* 0: dead */
        uint32_t cell;
    } codes[CODES];
    static hl_site listed[SITES_MOST];
    uint32_t n = 1;
    uint64_t r = 88172645463325252ull;
    uintptr_t fresh = 0x10000;
    assert_true(hl_sites_init(&sites));
    for (int step = 0; step < STEPS; step++) {
        uint32_t c = (uint32_t)(random_of(&r) % CODES);
        if (!codes[c].base) {
            uint32_t k = (uint32_t)(random_of(&r) % CODES);
            codes[c].base = codes[k].base ? fresh : codes[k].was; /* where another one lay */
            if (!codes[c].base)
                codes[c].base = fresh;
            codes[k].was = 0;
            fresh += CODE_BYTES;
        } else if (random_of(&r) % 100 == 0) {
            hl_sites_gone(&sites, codes[c].cell);
            codes[c].was = codes[c].base;
            codes[c].base = codes[c].cell = 0;
            continue;
        }
        uint32_t parent = (uint32_t)(random_of(&r) % (n < 50 ? n : 50));
        uint32_t offset = (uint32_t)(random_of(&r) % OFFSETS) * 2;
        uintptr_t at = codes[c].base + offset;
        uint32_t site = hl_sites_find(&sites, parent, at);
        if (!site)
            site = hl_sites_add(&sites, parent, c + 1, offset, at, &codes[c].cell);
        assert_int_equal(hl_sites_find(&sites, parent, at), site);
        assert_true(site && site <= n);
        if (site == n) {
            assert_true(n < SITES_MOST);
            listed[n++] = (hl_site){parent, c + 1, offset};
        }
        assert_memory_equal(hl_site_of(&sites, site), &listed[site], sizeof *listed);
        assert_int_equal(listed[site].parent, parent);
        assert_int_equal(listed[site].code, c + 1);
        assert_int_equal(listed[site].offset, offset);
    }
    assert_int_equal(sites.n, n);
    assert_int_equal(sites.lost, 0);
    for (uint32_t c = 0; c < CODES; c++)
        hl_sites_gone(&sites, codes[c].cell);
    for (uint32_t i = 0; i < 50; i++)
        for (uintptr_t at = 0x10000; at < fresh; at += CODE_BYTES)
            assert_int_equal(hl_sites_find(&sites, i, at), 0);
    hl_sites_deinit(&sites);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_the_same),
    };
    return cmocka_run_group_tests_name("sites", tests, NULL, NULL);
}
