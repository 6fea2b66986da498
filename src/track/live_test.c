/* track/live_test.c: the map of live blocks against a plain list of what lives. */
#include "track/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 1024, STEPS = 100 * 1000 };

typedef struct model {
    struct {
        uintptr_t at;
        uint64_t by, size;
    } b[BLOCKS];
    size_t met;
    uint64_t bytes;
} model;

static hl_live map; /* 64 KiB of directory: not on a stack */

static uint64_t random_of(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void met(void *context, uintptr_t at, uint64_t by, uint64_t size)
{
    model *m = context;
    size_t i = 0;
    while (i < BLOCKS && m->b[i].at != at)
        i++;
    assert_true(i < BLOCKS);
    assert_int_equal(m->b[i].by, by);
    assert_int_equal(m->b[i].size, size);
    m->met++;
    m->bytes += size;
}

/* An address of each kind: heaps that are dense, sparse, far away, unaligned, beyond 47 bits. */
static uintptr_t place(uint64_t r)
{
    static const uintptr_t bases[] = {0x555555554000, 0x7ffff0000000, 0x10000, 0x7fffffff0000,
                                      (uintptr_t)1 << 50};
    uintptr_t base = bases[r % (sizeof bases / sizeof *bases)];
    uintptr_t at = base + (r >> 8 & 0xffff) * HL_LIVE_GRANULE;
    return r >> 24 & 1 ? at : at | (r >> 25 & 8);
}

static void it_agrees_with_a_list(void **state)
{
    (void)state;
    static model m;
    uint64_t r = 88172645463325252ull;
    for (int step = 0; step < STEPS; step++) {
        size_t i = random_of(&r) % BLOCKS;
        if (m.b[i].at) {
            hl_live_block seen = hl_live_look(&map, m.b[i].at);
            hl_live_block b = hl_live_take(&map, m.b[i].at);
            assert_int_equal(b.by, m.b[i].by);
            assert_int_equal(b.size, m.b[i].size);
            assert_memory_equal(&seen, &b, sizeof b);
            assert_int_equal(hl_live_take(&map, m.b[i].at).by, 0);
            m.b[i].at = 0;
            continue;
        }
        uintptr_t at = place(random_of(&r));
        bool taken = false;
        for (size_t k = 0; k < BLOCKS; k++)
            taken |= m.b[k].at == at;
        if (taken)
            continue;
        uint64_t big = random_of(&r) % 64 ? 1000 : (uint64_t)1 << 33;
        m.b[i].at = at;
        m.b[i].size = random_of(&r) % big;
        m.b[i].by = hl_made_by((uint32_t)(random_of(&r) % HL_SITES_MAX),
                               (uint32_t)(random_of(&r) % HL_AGES),
                               (uint32_t)(random_of(&r) % HL_WHOS), HL_DOMAIN_OBJ);
        hl_live_put(&map, at, m.b[i].by, m.b[i].size);
    }
    size_t live = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        live += m.b[i].at != 0;
        bytes += m.b[i].at ? m.b[i].size : 0;
    }
    hl_live_walk(&map, met, &m);
    assert_int_equal(m.met, live);
    assert_int_equal(m.bytes, bytes);
    assert_int_equal(map.lost, 0);
    hl_live_deinit(&map);
}

static void who_made_it_is_what_was_put(void **state)
{
    (void)state;
    uint64_t by = hl_made_by(HL_SITES_MAX - 1, HL_AGES - 1, 1, HL_DOMAIN_RAW);
    assert_int_equal(hl_made_site(by), HL_SITES_MAX - 1);
    assert_int_equal(hl_made_age(by), HL_AGES - 1);
    assert_int_equal(hl_made_who(by), 1);
    assert_int_equal(hl_made_domain(by), HL_DOMAIN_RAW);
    assert_true(by >> (64 - HL_LIVE_SIZE_BITS) == 0);
}

static void ages_are_halved(void **state)
{
    (void)state;
    enum { AT = 0x70000000, BIG = 1 << 30 };
    for (uint32_t age = 0; age < HL_AGES; age++)
        hl_live_put(&map, AT + (uintptr_t)age * HL_LIVE_GRANULE,
                    hl_made_by(7, age, 3, HL_DOMAIN_MEM), age % 2 ? age : BIG + age);
    hl_live_age(&map);
    for (uint32_t age = 0; age < HL_AGES; age++) {
        hl_live_block b = hl_live_take(&map, AT + (uintptr_t)age * HL_LIVE_GRANULE);
        assert_int_equal(b.by, hl_made_by(7, age / 2, 3, HL_DOMAIN_MEM));
        assert_int_equal(b.size, age % 2 ? age : BIG + age);
    }
    hl_live_deinit(&map);
}

static void count(void *context, uintptr_t at, uint64_t by, uint64_t size)
{
    (void)at;
    (void)by;
    (void)size;
    ++*(size_t *)context;
}

static void a_new_start_knows_nothing(void **state)
{
    (void)state;
    size_t n = 0;
    hl_live_put(&map, 0x5000, hl_made_by(1, 0, 0, HL_DOMAIN_OBJ), 10);
    hl_live_put(&map, 0x5008, hl_made_by(1, 0, 0, HL_DOMAIN_OBJ), 8);
    assert_true(hl_live_touched(&map) > sizeof(uint64_t));
    hl_live_clear(&map);
    assert_int_equal(hl_live_touched(&map), 0);
    hl_live_walk(&map, count, &n);
    assert_int_equal(n, 0);
    assert_int_equal(hl_live_take(&map, 0x5000).by, 0);
    hl_live_put(&map, 0x5000, hl_made_by(1, 0, 0, HL_DOMAIN_OBJ), 10);
    assert_int_equal(hl_live_take(&map, 0x5000).size, 10);
    hl_live_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_a_list),
        cmocka_unit_test(who_made_it_is_what_was_put),
        cmocka_unit_test(ages_are_halved),
        cmocka_unit_test(a_new_start_knows_nothing),
    };
    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
