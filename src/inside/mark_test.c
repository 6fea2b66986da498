/* inside/mark_test.c: the mark against one that asks every word about every block. */
#include "inside/mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    BLOCKS = 700,
    HEAP = 1 << 20,
    ROOT_WORDS = 64,
    TURNS = 60,
    HEADS = 3,
    GROUPS = 4,
    PAGE = 4096
};

typedef struct heap {
    char *memory; /* HEAP bytes, on a page */
    uintptr_t roots[ROOT_WORDS];
    hl_mark_block blocks[BLOCKS], spare[BLOCKS];
    uint32_t n;
    bool reached[BLOCKS];
} heap;

static uint32_t below(uint32_t n)
{
    return (uint32_t)rand() % n;
}

static size_t some_size(void)
{
    switch (below(8)) {
    case 0:
        return below(2); /* of none, too */
    case 1:
        return 3000 + below(9000); /* over pages */
    default:
        return 8 + below(600);
    }
}

static void shuffle(heap *h)
{
    for (uint32_t i = h->n; i > 1; i--) {
        uint32_t k = below(i);
        hl_mark_block b = h->blocks[k];
        h->blocks[k] = h->blocks[i - 1];
        h->blocks[i - 1] = b;
    }
}

static void place(heap *h)
{
    uintptr_t at = (uintptr_t)h->memory + 16 * below(300);
    h->n = 0;
    while (h->n < BLOCKS) {
        hl_mark_block *b = &h->blocks[h->n];
        *b = (hl_mark_block){.at = at, .size = some_size()};
        if (b->size > 64)
            b->head = (uint8_t)(16 * below(HEADS + 1));
        b->group = below(GROUPS);
        b->skip = below(6) ? 0 : below(20) ? (uint8_t)below(8) : HL_MARK_LEAF;
        b->words = (uint8_t)(below(4) ? 0 : below(12));
        if (at + b->size > (uintptr_t)h->memory + HEAP)
            break;
        h->n++;
        at = (at + b->size + 16) & ~(uintptr_t)15;
        at += below(4) ? 0 : below(20) ? 16 * below(40) : 4 * PAGE;
    }
}

/* A word that leads into a block, or beside one, or nowhere. */
static uintptr_t some_word(const heap *h)
{
    const hl_mark_block *b = &h->blocks[below(h->n)];
    switch (below(7)) {
    case 0:
        return b->at; /* its head, if it has one */
    case 1:
        return b->at + b->head;
    case 2:
        return b->at + (b->size ? below((uint32_t)b->size) : 0);
    case 3:
        return b->at + b->size; /* just beyond */
    case 4:
        return b->at - 1;
    case 5:
        return below(1000);
    default:
        return (uintptr_t)h->memory + below(HEAP);
    }
}

static void put_word(char *at, uintptr_t word)
{
    memcpy(at, &word, sizeof word);
}

static void fill(heap *h, unsigned most)
{
    memset(h->memory, 0, HEAP);
    memset(h->roots, 0, sizeof h->roots);
    for (unsigned i = 0; i < ROOT_WORDS / 4; i++)
        h->roots[below(ROOT_WORDS)] = some_word(h);
    for (uint32_t i = 0; i < h->n; i++)
        for (size_t words = h->blocks[i].size / 8, k = words ? below(most) : 0; k; k--)
            put_word((char *)h->blocks[i].at + 8 * below((uint32_t)words), some_word(h));
    /* memory that is no block's leads nowhere, whatever lies there */
    for (uint32_t i = 0; i + 1 < h->n; i++) {
        uintptr_t end = (h->blocks[i].at + h->blocks[i].size + 15) & ~(uintptr_t)7;
        if (end + 8 <= h->blocks[i + 1].at)
            put_word((char *)end, some_word(h));
    }
}

static uint32_t block_of(const heap *h, uintptr_t word)
{
    for (uint32_t i = 0; i < h->n; i++) {
        const hl_mark_block *b = &h->blocks[i];
        if (word >= b->at && word < b->at + (b->size ? b->size : 1))
            return i;
    }
    return HL_MARK_NONE;
}

static bool leads(heap *h, uintptr_t word)
{
    uint32_t i = block_of(h, word);
    if (i == HL_MARK_NONE || word < h->blocks[i].at + h->blocks[i].head || h->reached[i])
        return false;
    return h->reached[i] = true;
}

static bool is_read(const hl_mark_block *b, size_t word)
{
    return b->skip != HL_MARK_LEAF && word >= b->skip &&
           (!b->words || word < (size_t)b->skip + b->words);
}

static void by_force(heap *h)
{
    memset(h->reached, 0, sizeof h->reached);
    for (unsigned i = 0; i < ROOT_WORDS; i++)
        leads(h, h->roots[i]);
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < h->n; i++)
            for (size_t k = 0; h->reached[i] && k + 8 <= h->blocks[i].size; k += 8) {
                uintptr_t word;
                memcpy(&word, (char *)h->blocks[i].at + k, sizeof word);
                if (is_read(&h->blocks[i], k / 8))
                    more |= leads(h, word);
            }
    }
}

/* The word that is told leads to it, or to one of its group from which words of the group lead to it:
 * then it lies outside of the group. */
static void check_holder(const heap *h, const hl_mark *m, uint32_t i)
{
    uintptr_t at = m->holders[i], word;
    bool root = at - (uintptr_t)h->roots < sizeof h->roots;
    uint32_t holder = block_of(h, at);
    assert_true(root || holder != HL_MARK_NONE);
    memcpy(&word, (const char *)at, sizeof word);
    uint32_t to = block_of(h, word);
    uint32_t group = h->blocks[i].group;
    assert_int_not_equal(to, HL_MARK_NONE);
    if (to != i)
        assert_true(group && h->blocks[to].group == group);
    if (!root) {
        assert_true(hl_mark_reached(m, holder));
        assert_true(!group || h->blocks[holder].group != group);
    }
}

static void all_there(void *context, uintptr_t from, size_t pages, uint8_t *there)
{
    (void)context;
    (void)from;
    memset(there, 1, pages);
}

static heap *new_heap(void)
{
    heap *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->memory = aligned_alloc(PAGE, HEAP);
    assert_non_null(h->memory);
    return h;
}

static void end_heap(heap *h)
{
    free(h->memory);
    free(h);
}

static void random_graphs(void **state)
{
    (void)state;
    heap *h = new_heap();
    uint32_t some = 0, all = 0;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        srand(turn);
        place(h);
        fill(h, 1 + turn % 12);
        by_force(h);
        shuffle(h);
        hl_mark m;
        hl_mark_sort(h->blocks, h->n, h->spare);
        for (uint32_t i = 1; i < h->n; i++)
            assert_true(h->blocks[i - 1].at < h->blocks[i].at);
        assert_true(hl_mark_init(&m, h->blocks, h->n));
        m.pages = turn % 2 ? all_there : NULL;
        for (unsigned k = 0; k < ROOT_WORDS; k += ROOT_WORDS / 2) {
            hl_mark_root(&m, (uintptr_t)(h->roots + k), (uintptr_t)(h->roots + k + ROOT_WORDS / 2));
            if (turn % 3 || k)
                hl_mark_go_on(&m);
        }
        for (uint32_t i = 0; i < h->n; i++) {
            assert_int_equal(hl_mark_reached(&m, i), h->reached[i]);
            if (h->reached[i])
                check_holder(h, &m, i);
            some += h->reached[i];
            all++;
        }
        for (uintptr_t at = (uintptr_t)h->memory; at < (uintptr_t)h->memory + HEAP; at += 61)
            assert_int_equal(hl_mark_find(&m, at), block_of(h, at));
        hl_mark_deinit(&m);
    }
    assert_true(some > all / 10 && some < all / 10 * 9); /* else it says nothing */
    end_heap(h);
}

static void a_long_chain(void **state)
{
    (void)state;
    enum { LINKS = 600 };
    heap *h = new_heap();
    memset(h->memory, 0, HEAP);
    for (uint32_t i = 0; i < LINKS; i++) {
        h->blocks[i] = (hl_mark_block){
            .at = (uintptr_t)h->memory + 64 * i, .size = 48, .group = 7, .head = 16};
        put_word((char *)h->blocks[i].at + 40, h->blocks[i].at + 64 + (i % 2 ? 16 : 47));
    }
    h->roots[3] = h->blocks[0].at + 16;
    put_word((char *)h->blocks[LINKS - 1].at + 40, h->blocks[0].at);
    hl_mark m;
    assert_true(hl_mark_init(&m, h->blocks, LINKS));
    hl_mark_root(&m, (uintptr_t)h->roots, (uintptr_t)(h->roots + 3)); /* up to it */
    assert_false(hl_mark_reached(&m, 0));
    hl_mark_root(&m, (uintptr_t)(h->roots + 3), (uintptr_t)(h->roots + 4));
    for (uint32_t i = 0; i < LINKS; i++) {
        assert_true(hl_mark_reached(&m, i));
        assert_ptr_equal((void *)m.holders[i], &h->roots[3]);
    }
    hl_mark_deinit(&m);
    end_heap(h);
}

/* What collectors keep before an object leads to its neighbours in the list, and keeps none of them. */
static void links_of_a_collector(void **state)
{
    (void)state;
    enum { OBJECTS = 50 };
    heap *h = new_heap();
    memset(h->memory, 0, HEAP);
    for (uint32_t i = 0; i < OBJECTS; i++) {
        h->blocks[i] = (hl_mark_block){.at = (uintptr_t)h->memory + 64 * i, .size = 64, .head = 16};
        put_word((char *)h->blocks[i].at, (uintptr_t)h->memory + 64 * ((i + 1) % OBJECTS));
        put_word((char *)h->blocks[i].at + 8,
                 ((uintptr_t)h->memory + 64 * ((i + OBJECTS - 1) % OBJECTS)) | 3);
    }
    h->roots[0] = h->blocks[0].at; /* the list's own */
    h->roots[1] = h->blocks[9].at + 16;
    hl_mark m;
    assert_true(hl_mark_init(&m, h->blocks, OBJECTS));
    hl_mark_root(&m, (uintptr_t)h->roots, (uintptr_t)(h->roots + 2));
    hl_mark_go_on(&m);
    for (uint32_t i = 0; i < OBJECTS; i++)
        assert_int_equal(hl_mark_reached(&m, i), i == 9);
    hl_mark_reach(&m, 20);
    assert_true(hl_mark_reached(&m, 20));
    assert_false(hl_mark_reached(&m, 21));
    hl_mark_deinit(&m);
    end_heap(h);
}

static void every_third(void *context, uintptr_t from, size_t pages, uint8_t *there)
{
    uintptr_t begin = *(const uintptr_t *)context / PAGE;
    for (size_t i = 0; i < pages; i++)
        there[i] = (from / PAGE + i - begin) % 3 == 0;
}

static void pages_that_are_not_there_are_not_read(void **state)
{
    (void)state;
    heap *h = new_heap();
    uintptr_t begin = (uintptr_t)h->memory;
    memset(h->memory, 0, HEAP);
    uint32_t pages = HEAP / PAGE / 2;
    h->blocks[0] = (hl_mark_block){.at = begin, .size = HEAP / 2};
    for (uint32_t i = 1; i < pages; i++) {
        h->blocks[i] = (hl_mark_block){.at = begin + HEAP / 2 + 32 * i, .size = 32};
        put_word((char *)begin + (size_t)i * PAGE + 8, h->blocks[i].at);
    }
    hl_mark m;
    assert_true(hl_mark_init(&m, h->blocks, pages));
    m.pages = every_third;
    m.context = &begin;
    hl_mark_reach(&m, 0);
    for (uint32_t i = 1; i < pages; i++)
        assert_int_equal(hl_mark_reached(&m, i), i % 3 == 0);
    assert_true(m.read < HEAP / 2 / 2);
    hl_mark_deinit(&m);
    end_heap(h);
}

/* Both an object and a variable lead to a list: it is told as the variable's, whoever is met first. */
static void a_variable_comes_before_an_object(void **state)
{
    (void)state;
    heap *h = new_heap();
    memset(h->memory, 0, HEAP);
    for (uint32_t i = 0; i < 3; i++)
        h->blocks[i] =
            (hl_mark_block){.at = (uintptr_t)h->memory + 64 * i, .size = 64, .group = i ? 5 : 0};
    put_word((char *)h->blocks[0].at + 8, h->blocks[2].at);
    put_word((char *)h->blocks[1].at + 8, h->blocks[2].at);
    h->roots[0] = h->blocks[0].at;
    h->roots[1] = h->blocks[1].at;
    hl_mark m;
    assert_true(hl_mark_init(&m, h->blocks, 3));
    hl_mark_root(&m, (uintptr_t)h->roots, (uintptr_t)(h->roots + 1));
    hl_mark_root(&m, (uintptr_t)(h->roots + 1), (uintptr_t)(h->roots + 2));
    hl_mark_go_on(&m);
    for (uint32_t i = 1; i < 3; i++)
        assert_ptr_equal((void *)m.holders[i], &h->roots[1]);
    hl_mark_deinit(&m);
    end_heap(h);
}

static void nothing(void **state)
{
    (void)state;
    uintptr_t word = (uintptr_t)&word;
    hl_mark m;
    assert_true(hl_mark_init(&m, NULL, 0));
    hl_mark_root(&m, (uintptr_t)&word, (uintptr_t)(&word + 1));
    assert_int_equal(hl_mark_find(&m, word), HL_MARK_NONE);
    assert_int_equal(hl_mark_find(&m, UINTPTR_MAX), HL_MARK_NONE);
    hl_mark_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(a_long_chain),
        cmocka_unit_test(links_of_a_collector),
        cmocka_unit_test(pages_that_are_not_there_are_not_read),
        cmocka_unit_test(a_variable_comes_before_an_object),
        cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
