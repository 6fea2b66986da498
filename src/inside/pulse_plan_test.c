/* inside/pulse_plan_test.c: programs of a moment and of a week, lived through in no time.
 *
 * Each is a curve of resident memory and a price of a look; the plan decides, the test counts. */
#include "inside/pulse_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { US = 1000, MS = 1000 * US };
#define SECOND (1000ull * MS)
#define HOUR   (3600 * SECOND)
#define MB     1000000ull

typedef uint64_t curve(uint64_t ns);

typedef struct life {
    hl_plan plan;
    uint64_t cost_ns;     /* sum */
    uint64_t last_gap_ns; /* from the last look to the end */
    uint64_t widest;      /* gap between looks after ten seconds, in percent of the age then */
} life;

/* Lives until end_ns; looks in steps of step_ns. A look stops the program for pause_ns and its
 * child works for walk_ns. */
static life live(curve *rss, uint64_t end_ns, uint64_t step_ns, uint64_t pause_ns, uint64_t walk_ns,
                 uint32_t max)
{
    life l = {.cost_ns = 0};
    hl_plan *p = &l.plan;
    hl_plan_begin(p, max, 0, 0);
    uint64_t last = 0;
    for (uint64_t now = 0; now < end_ns; now += step_ns) {
        bool first = p->taken == 0;
        if (!first && (hl_plan_spent(p) || now < hl_plan_not_before(p, rss(now))))
            continue;
        if (!first && now < hl_plan_due_at(p, rss(now)) && rss(now) < hl_plan_due_bytes(p))
            continue;
        if (now > 10 * SECOND && (now - last) * 100 / now > l.widest)
            l.widest = (now - last) * 100 / now;
        hl_plan_took(p, now, now + walk_ns, rss(now), pause_ns, pause_ns, walk_ns);
        l.cost_ns += pause_ns;
        last = now;
        now += walk_ns;
    }
    l.last_gap_ns = end_ns - last;
    return l;
}

static uint64_t flat(uint64_t ns)
{
    (void)ns;
    return 10 * MB;
}
static uint64_t burst(uint64_t ns) /* 10 to 110 MB in 60 ms */
{
    return 10 * MB + ns / MS * 100 * MB / 60;
}
static uint64_t filled(uint64_t ns) /* 10 to 30 MB in 250 ms, and stays */
{
    return 10 * MB + (ns < 250 * MS ? ns : 250 * MS) / MS * 20 * MB / 250;
}
static uint64_t leak(uint64_t ns) /* 1 MB a second */
{
    return 50 * MB + ns / SECOND * MB;
}
static uint64_t saw(uint64_t ns) /* 100 to 200 MB, each second anew */
{
    return 100 * MB + ns % SECOND / MS * MB / 10;
}
static uint64_t closure_example(uint64_t ns) /* 3.9 GB in 15 s */
{
    return 10 * MB + ns / MS * 260000;
}

static void short_growing_programs_are_seen(void **state)
{
    (void)state;
    life l = live(burst, 60 * MS, MS, MS / 2, 5 * MS, 0);
    assert_in_range(l.plan.taken, 5, 12);
}

static uint64_t after_imports(uint64_t ns) /* 45 MB of libraries, then 30 MB a second */
{
    return 45 * MB + ns / MS * (30 * 1024);
}
static uint64_t libraries(uint64_t ns)
{
    (void)ns;
    return 45 * MB;
}

/* A look at many libraries works for 60 ms and has 20 ms of pages copied. */
/* Of a thing that is filled for a while, and asked as long again, both are seen. */
static void growth_that_stopped_is_seen_to_have(void **state)
{
    life l = live(filled, 520 * MS, 1 * MS, 1 * MS, 4 * MS, HL_PLAN_DEFAULT_MAX);
    assert_in_range(l.last_gap_ns, 0, 200 * MS);
    (void)state;
}

static void a_second_of_growth_after_long_imports_is_seen(void **state)
{
    (void)state;
    life l = live(after_imports, 1500 * MS, MS, 20 * MS, 60 * MS, 0);
    assert_in_range(l.plan.taken, 6, 10);
    assert_in_range(live(libraries, 1500 * MS, MS, 20 * MS, 60 * MS, 0).plan.taken, 2, 4);
    /* what is given once is given once */
    l = live(after_imports, 60 * SECOND, MS, 20 * MS, 60 * MS, 0);
    assert_true(l.cost_ns <= 60 * SECOND / 20 + 140 * MS);
}

static void empty_programs_are_left_alone(void **state)
{
    (void)state;
    assert_int_equal(live(flat, 60 * MS, MS, MS / 2, 5 * MS, 0).plan.taken, 1);
    assert_in_range(live(flat, SECOND, MS, MS / 2, 5 * MS, 0).plan.taken, 3, 10);
}

static void a_place_is_left_for_the_last(void **state)
{
    (void)state;
    static curve *const curves[] = {flat, leak, saw};
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        life l = live(curves[i], 48 * HOUR, SECOND / 10, 30 * MS, SECOND, 0);
        assert_true(l.plan.taken < HL_PLAN_DEFAULT_MAX);
        assert_true(l.plan.taken >= HL_PLAN_DEFAULT_MAX / 2);
    }
}

static void a_long_run_is_seen_to_its_end(void **state)
{
    (void)state;
    life l = live(leak, 24 * HOUR, SECOND / 10, 30 * MS, SECOND, 0);
    assert_true(l.last_gap_ns < 14 * HOUR);
    assert_true(l.widest <= 67);
}

/* Where old looks make place for new ones: one more within a quarter of the age, for ever. */
static void a_thinned_run_is_never_spent(void **state)
{
    (void)state;
    hl_plan p;
    uint64_t now = 0;
    hl_plan_begin(&p, 10, 0, 0);
    p.thinned = true;
    for (uint32_t i = 0; i < 100; i++) {
        hl_plan_took(&p, now, now + 5 * MS, 10 * MB, MS / 2, MS / 2, 5 * MS);
        assert_false(hl_plan_spent(&p));
        uint64_t due = hl_plan_due_at(&p, 10 * MB);
        assert_true(due <= now + (now < 4 * SECOND ? 2 * now : now / 2) + SECOND / 4);
        now = due > hl_plan_not_before(&p, 10 * MB) ? due : hl_plan_not_before(&p, 10 * MB);
    }
    assert_true(now > HOUR);
    hl_plan_begin(&p, 10, 100, 0);
    p.thinned = true;
    for (p.taken = 1; p.taken < 10; p.taken++)
        assert_int_equal(hl_plan_due_at(&p, 10 * MB), 100 * MS);
    p.taken = 1000; /* twice as far each time the file was full */
    assert_true(hl_plan_due_at(&p, 10 * MB) > 10 * SECOND);
    hl_plan_begin(&p, 1, 0, 0);
    p.thinned = true;
    assert_true(hl_plan_spent(&p));
}

static void the_childs_work_is_paid_for(void **state)
{
    (void)state;
    hl_plan p;
    uint64_t worked = 0;
    hl_plan_begin(&p, 1000, 10, 0);
    for (uint64_t now = SECOND; now < 100 * SECOND; now = p.free_ns) {
        hl_plan_took(&p, now, now + 200 * MS, 10 * MB, MS, MS, 200 * MS);
        worked += 200 * MS;
    }
    assert_true(worked < 25 * SECOND);
    assert_true(worked > 10 * SECOND);
}

static void looks_are_paid_for(void **state)
{
    (void)state;
    life l = live(saw, HOUR, 10 * MS, 50 * MS, 300 * MS, 1000);
    assert_true(l.cost_ns <= HOUR / 20 + 50 * MS);
}

/* A look costs by size: 25 ms and a walk of a second for a GB; then a fault for each page, 0.4 s. */
static void gigabytes_are_looked_at_while_they_are_few(void **state)
{
    (void)state;
    hl_plan p;
    uint64_t faults = 0, last = 0, end = 15 * SECOND;
    uint32_t later = 0; /* looks after a quarter of it */
    hl_plan_begin(&p, 0, 0, 0);
    for (uint64_t now = 0; now < end; now += MS) {
        uint64_t rss = closure_example(now), walk = rss;
        if (now < hl_plan_not_before(&p, rss) ||
            (p.taken && now < hl_plan_due_at(&p, rss) && rss < hl_plan_due_bytes(&p)))
            continue;
        faults += (rss - last) / 4096 * 1500; /* the others wait for theirs already */
        last = rss;
        later += now > end / 4;
        hl_plan_took(&p, now, now + walk, rss, rss / 40, rss / 40, walk);
        now += walk;
    }
    assert_in_range(p.taken, 4, 20);
    assert_true(last > 60 * MB && later);
    assert_true(faults < end / 10);
}

/* One that is big from its first moment on has its four all the same. */
static uint64_t two_gigabytes(uint64_t ns)
{
    return ns < 100 * MS ? 10 * MB : 2000 * MB;
}
static void what_is_big_at_once_is_seen_nevertheless(void **state)
{
    (void)state;
    life l = live(two_gigabytes, 20 * SECOND, MS, 50 * MS, 200 * MS, 0);
    assert_in_range(l.plan.taken, 3, 5);
}

static void a_fixed_interval_is_kept(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 9, 100, 0);
    hl_plan_took(&p, 0, 50 * MS, 10 * MB, 40 * MS, 40 * MS, 50 * MS);
    assert_int_equal(hl_plan_due_at(&p, 10 * MB), 100 * MS);
    assert_true(hl_plan_not_before(&p, 10 * MB) <= 100 * MS);
    assert_true(hl_plan_due_bytes(&p) == UINT64_MAX);
}

static void small_maxima_make_sense(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 1, 0, 0);
    assert_true(hl_plan_spent(&p));
    hl_plan_begin(&p, 2, 0, 0);
    assert_false(hl_plan_spent(&p));
    hl_plan_took(&p, 0, MS, 10 * MB, MS, MS, MS);
    assert_true(hl_plan_spent(&p));
}

/* 1, 2, 3, 4, 5, 6, 7, 8, 10 ...: dense where a short program has all of its rounds, then as by
 * time. */
static void rounds_are_looked_at_in_geometric_steps(void **state)
{
    (void)state;
    static const uint64_t due[] = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15};
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
        assert_int_equal(hl_plan_due_round(&p), due[i]);
        p.rounds = due[i];
        hl_plan_took(&p, i * MS, i * MS + MS, 10 * MB, 100 * US, 100 * US, 0);
        assert_true(hl_plan_early(&p));
    }
    uint32_t looks = 0;
    hl_plan_begin(&p, 0, 0, 0);
    for (uint64_t next; (next = hl_plan_due_round(&p)) != UINT64_MAX; looks++) {
        p.rounds = next;
        hl_plan_took(&p, looks * MS, looks * MS, 10 * MB, 100 * US, 100 * US, 0);
    }
    assert_int_equal(looks, HL_PLAN_DEFAULT_MAX - 1); /* a place is left for the last */
    assert_in_range(p.rounds, 100000, 10000000);
    assert_false(hl_plan_early(&p));
    hl_plan_begin(&p, 0, 100, 0);
    assert_true(hl_plan_due_round(&p) == UINT64_MAX); /* the user's interval decides */
    assert_false(hl_plan_early(&p));
}

static void a_look_waits_for_two_rounds_and_no_longer(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    assert_int_equal(hl_plan_round_patience(&p, SECOND, 10), 200 * MS);
    assert_int_equal(hl_plan_round_patience(&p, SECOND, 1000000), 20 * MS);
    assert_true(hl_plan_round_patience(&p, HOUR, 2) == 10 * SECOND);
    assert_int_equal(hl_plan_round_patience(&p, SECOND, 0), 20 * MS);
}

static void imports_come_before_the_beginning(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    hl_plan_took(&p, 0, MS, 10 * MB, 100 * US, 100 * US, MS);
    uint64_t now = 0;
    for (; now < 2 * SECOND; now = hl_plan_not_before(&p, 10 * MB)) {
        assert_true(hl_plan_may_postpone(&p, now));
        hl_plan_postpone(&p, now);
        assert_in_range(hl_plan_not_before(&p, 10 * MB) - now, 5 * MS, 100 * MS);
    }
    assert_true(hl_plan_in_grace(&p, now + 100 * MS)); /* as in a program that begins there */
    assert_true(hl_plan_due_at(&p, 10 * MB) < now + 300 * MS);
    assert_false(hl_plan_may_postpone(&p, 11 * SECOND));
    assert_false(hl_plan_begins(&p, now));
    hl_plan_peeked(&p, now, false);
    assert_true(hl_plan_begins(&p, now));
    assert_true(hl_plan_ends_at_once(&p, 90 * MB));
    hl_plan_begin_work(&p, now, 30 * MB);
    assert_false(hl_plan_begins(&p, now));
    assert_true(p.unlooked && hl_plan_ends_at_once(&p, 30 * MB));
    assert_false(hl_plan_ends_at_once(&p, 32 * MB));
    assert_true(hl_plan_due_bytes(&p) < 32 * MB);
    assert_true(hl_plan_not_before(&p, 30 * MB) <= now);
    hl_plan_took(&p, now, now + MS, 10 * MB, 100 * US, 100 * US, MS);
    assert_false(hl_plan_begins(&p, now));
    hl_plan_postpone(&p, now + SECOND); /* a late import moves nothing */
    assert_false(hl_plan_in_grace(&p, now + SECOND));
    hl_plan_begin(&p, 0, 100, 0);
    assert_false(hl_plan_may_postpone(&p, SECOND)); /* the user's interval decides */
}

/* It grows by a megabyte in 10 ms; a clone takes it 1 ms. How many copies are made until end_ns. */
static unsigned spared_until(hl_plan *p, uint64_t end_ns)
{
    unsigned n = 0;
    for (uint64_t now = 0; now < end_ns; now += MS)
        if (hl_plan_wants_spare(p, now, 10 * MB + now / MS * MB / 10)) {
            hl_plan_spared(p, now, 10 * MB + now / MS * MB / 10, MS);
            n++;
        }
    return n;
}

static void copies_of_a_young_program_are_few(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    assert_false(hl_plan_wants_spare(&p, 10 * MS, 20 * MB)); /* the first look comes first */
    hl_plan_looks(&p, 0, 10 * MB);
    hl_plan_took(&p, 0, 40 * MS, 10 * MB, MS, MS, 40 * MS);
    assert_in_range(spared_until(&p, 40 * MS), 3, 6);
    assert_in_range(spared_until(&p, 3 * SECOND), 6, 18);          /* further and further apart */
    assert_false(hl_plan_may_want_spare(&p, 2 * SECOND, 50 * MB)); /* it is no longer young */
    assert_false(hl_plan_may_want_spare(&p, 10 * MS, 200 * MB));   /* a clone of it is dear */
    hl_plan_begin(&p, 0, 0, 0);
    hl_plan_took(&p, 0, MS, 10 * MB, 5 * MS, 5 * MS, MS);
    assert_false(hl_plan_may_want_spare(&p, 10 * MS, 20 * MB)); /* the same */
    hl_plan_begin(&p, 0, 100, 0);
    hl_plan_took(&p, 0, MS, 10 * MB, MS, MS, MS);
    assert_false(hl_plan_may_want_spare(&p, 10 * MS, 20 * MB)); /* the user's interval decides */
    hl_plan_begin(&p, 0, 0, 0);
    hl_plan_looks(&p, 0, 10 * MB);
    hl_plan_took(&p, 0, MS, 10 * MB, MS, MS, MS);
    assert_false(hl_plan_wants_spare(&p, 100 * MS, 10 * MB)); /* it does not grow */
    assert_in_range(hl_plan_looks(&p, 90 * MS, 20 * MB), 70 * MS,
                    80 * MS);                                 /* as good as this one */
    assert_false(hl_plan_wants_spare(&p, 110 * MS, 25 * MB)); /* the same */
}

static void copies_are_for_who_lacks_looks(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    hl_plan_took(&p, 0, MS, 10 * MB, MS, MS, MS);
    assert_int_equal(hl_plan_lacks(&p, 9 * MS, 20 * MB), 3); /* of five, one taken, one to come */
    assert_int_equal(hl_plan_lacks(&p, 9 * MS, 10 * MB), 0); /* nothing grew */
    for (unsigned i = 1; i < 5; i++)
        hl_plan_took(&p, i * 10 * MS, i * 10 * MS + MS, 10 * MB + i * MB, MS, MS, MS);
    assert_true(hl_plan_has_enough(&p));
    assert_int_equal(hl_plan_lacks(&p, 42 * MS, 20 * MB), 0);
    assert_int_equal(hl_plan_lacks(&p, 60 * MS, 20 * MB), 1); /* the last look was long ago */
    hl_plan_begin_work(&p, 100 * MS, 20 * MB); /* what was looked at before were its imports */
    assert_int_equal(hl_plan_lacks(&p, 109 * MS, 30 * MB), 4);
    assert_int_equal(hl_plan_lacks(&p, 109 * MS, 20 * MB), 0);
    hl_plan_begin(&p, 0, 0, 0);
    hl_plan_took(&p, 0, 60 * MS, 10 * MB, MS, MS, 60 * MS);
    assert_int_equal(hl_plan_lacks(&p, 90 * MS, 20 * MB), 2); /* who ends waits for the walks */
}

/* Between two imports nobody imports: it is asked once more, soon, whether it grows or not. */
static void a_beginning_is_asked_for_twice(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    hl_plan_took(&p, 0, MS, 10 * MB, MS, MS, MS);
    hl_plan_postpone(&p, 10 * MS);
    hl_plan_spared(&p, 10 * MS, 12 * MB, 0);
    assert_false(hl_plan_seems_to_begin(&p));
    assert_false(hl_plan_wants_spare(&p, 12 * MS, 14 * MB));
    assert_true(hl_plan_wants_spare(&p, 16 * MS, 14 * MB));
    hl_plan_peeked(&p, 16 * MS, false);
    assert_true(hl_plan_seems_to_begin(&p));
    hl_plan_spared(&p, 16 * MS, 14 * MB, MS);
    assert_false(hl_plan_wants_spare(&p, 17 * MS, 14 * MB));
    assert_true(hl_plan_wants_spare(&p, 18 * MS, 14 * MB));
    hl_plan_begin_work(&p, 16 * MS, 14 * MB);
    assert_false(hl_plan_seems_to_begin(&p));
}

/* Its modules are made one after the other: the looks at it are no longer put off. */
static void who_goes_on_importing_works(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    hl_plan_took(&p, 0, MS, 10 * MB, 100 * US, 100 * US, MS);
    unsigned put_off = 0;
    uint64_t now = 10 * MS;
    for (; hl_plan_may_postpone(&p, now) && put_off < 10; put_off++, now += 10 * MS) {
        hl_plan_postpone(&p, now);
        hl_plan_begin_work(&p, now + 5 * MS, 12 * MB);
    }
    assert_int_equal(put_off, 2);
}

/* Its looks take it for one that works by importing; when it is done it begins as one whose looks were
 * put off would have, with the credit of a beginning. */
static void who_loads_for_long_begins_after_it(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    hl_plan_took(&p, 0, MS, 10 * MB, 100 * US, 100 * US, MS);
    hl_plan_loads(&p, true);
    assert_int_equal(hl_plan_peek_at(&p), 500 * MS);
    assert_false(hl_plan_begins(&p, 400 * MS)); /* too soon to matter */
    assert_false(hl_plan_ends_at_once(&p, 10 * MB));
    for (uint64_t now = SECOND; now <= 5 * SECOND; now += SECOND)
        hl_plan_took(&p, now, now + 100 * MS, 50 * MB, 5 * MS, 5 * MS, 100 * MS);
    assert_true(hl_plan_not_before(&p, 50 * MB) > 5 * SECOND + 500 * MS);
    uint64_t peek = hl_plan_peek_at(&p);
    assert_true(peek > 5 * SECOND + 100 * MS && peek < 5 * SECOND + 500 * MS);
    hl_plan_peeked(&p, peek - 200 * MS, false);
    hl_plan_peeked(&p, peek - 100 * MS, true);
    hl_plan_peeked(&p, peek, false);
    assert_true(hl_plan_peek_at(&p) > peek);
    assert_false(hl_plan_begins(&p, peek)); /* it may be between two of them */
    peek = hl_plan_peek_at(&p);
    hl_plan_peeked(&p, peek, false);
    assert_true(hl_plan_begins(&p, peek));
    hl_plan_begin_work(&p, peek, 60 * MB);
    assert_false(hl_plan_begins(&p, peek + MS));
    assert_true(hl_plan_peek_at(&p) == UINT64_MAX);
    assert_true(hl_plan_not_before(&p, 62 * MB) <= peek);
    hl_plan_took(&p, peek + 100 * MS, peek + 200 * MS, 62 * MB, 5 * MS, 5 * MS, 100 * MS);
    assert_true(hl_plan_not_before(&p, 65 * MB) <= peek + 300 * MS);
    hl_plan_loads(&p, true); /* twice, and no more: it works so */
    hl_plan_begin_work(&p, peek + SECOND, 60 * MB);
    hl_plan_loads(&p, true);
    assert_true(hl_plan_peek_at(&p) == UINT64_MAX);
}

/* One that is quick to walk, as long lists of numbers are, stands still; one that is not is copied. */
static void memory_is_lent_where_copies_are_dear(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    assert_false(hl_plan_lends(&p, 1000 * MB)); /* nothing is known yet */
    hl_plan_took(&p, 0, 15 * MS, 15 * MB, MS, MS, 15 * MS);
    hl_plan_took(&p, 100 * MS, 120 * MS, 100 * MB, 2 * MS, 2 * MS, 18 * MS);
    assert_false(hl_plan_lends(&p, 100 * MB)); /* hardly a page will fault */
    assert_true(hl_plan_lends(&p, 400 * MB));
    uint64_t spent = p.spent_ns;
    p.lent = true;
    hl_plan_took(&p, SECOND, SECOND + 25 * MS, 1000 * MB, 25 * MS, 25 * MS, 25 * MS);
    assert_int_equal(p.spent_ns - spent, 25 * MS); /* and nothing faults later */
    assert_false(p.lent);
    assert_true(hl_plan_lends(&p, 2000 * MB));
    hl_plan_took(&p, 9 * SECOND, 9 * SECOND + 900 * MS, 1000 * MB, 25 * MS, 25 * MS, 900 * MS);
    assert_false(hl_plan_lends(&p, 1000 * MB)); /* many small objects: half a second, or more */
}

static uint64_t asked_until(const hl_plan *p, uint64_t end, bool moves)
{
    uint64_t asked = 0;
    uint32_t still = 0;
    for (uint64_t now = MS; now < end; asked++) {
        now = hl_plan_next_poll(p, now, 15 * MB, still);
        still = moves ? 0 : still + 1;
    }
    return asked;
}

/* A program that sleeps is not to pay for being asked; one whose memory moves is not to wait. */
static void what_does_not_move_is_asked_less_often(void **state)
{
    (void)state;
    hl_plan p;
    hl_plan_begin(&p, 0, 0, 0);
    hl_plan_took(&p, 0, 15 * MS, 15 * MB, MS, MS, 15 * MS);
    hl_plan_took(&p, 250 * MS, 265 * MS, 15 * MB, MS, MS, 15 * MS);
    uint64_t moving = asked_until(&p, 2 * SECOND, true), still = asked_until(&p, 2 * SECOND, false);
    assert_in_range(still, 30, moving / 3);
    assert_true(hl_plan_next_poll(&p, SECOND, 15 * MB, 1000) <= SECOND + 50 * MS);
    assert_int_equal(hl_plan_next_poll(&p, SECOND, 15 * MB, 0), SECOND + 10 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_growing_programs_are_seen),
        cmocka_unit_test(growth_that_stopped_is_seen_to_have),
        cmocka_unit_test(a_second_of_growth_after_long_imports_is_seen),
        cmocka_unit_test(empty_programs_are_left_alone),
        cmocka_unit_test(a_place_is_left_for_the_last),
        cmocka_unit_test(a_long_run_is_seen_to_its_end),
        cmocka_unit_test(a_thinned_run_is_never_spent),
        cmocka_unit_test(the_childs_work_is_paid_for),
        cmocka_unit_test(looks_are_paid_for),
        cmocka_unit_test(gigabytes_are_looked_at_while_they_are_few),
        cmocka_unit_test(what_is_big_at_once_is_seen_nevertheless),
        cmocka_unit_test(a_fixed_interval_is_kept),
        cmocka_unit_test(small_maxima_make_sense),
        cmocka_unit_test(rounds_are_looked_at_in_geometric_steps),
        cmocka_unit_test(a_look_waits_for_two_rounds_and_no_longer),
        cmocka_unit_test(imports_come_before_the_beginning),
        cmocka_unit_test(copies_of_a_young_program_are_few),
        cmocka_unit_test(copies_are_for_who_lacks_looks),
        cmocka_unit_test(a_beginning_is_asked_for_twice),
        cmocka_unit_test(who_goes_on_importing_works),
        cmocka_unit_test(who_loads_for_long_begins_after_it),
        cmocka_unit_test(memory_is_lent_where_copies_are_dear),
        cmocka_unit_test(what_does_not_move_is_asked_less_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
