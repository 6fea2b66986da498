/* snapshot/snap_damage_test.c: files cut, flipped, torn, shuffled: what loads is what was written.
 *
 * Room   snapshot; tests.
 * Oracle A digest of everything a snapshot says, taken from the undamaged file. A damaged file may
 *        refuse a snapshot; it must not change one. */
#define _GNU_SOURCE
#include "snapshot/snap_dsl.h"
#include "snapshot/snap_write.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char text[] =
    "run pid=42 python=3.11.7 program=app.py started=1700000000 exit=3 seconds=12.5\n"
    "type app.Store gc heap finalizer basicsize=48 node=S\n"
    "root module __main__ m\n"
    "root frame main fr line=12 thread=1 progress=5\n"
    "m:module -__dict__-> d:dict -key:cache-> c:dict len={3|5|9} cap=16 keys=uuid\n"
    "c -value:int-> b:bytearray*{3|5|9} ext=10000 gen0\n"
    "d -key:Store-> S:type static immortal\n"
    "d -key:store-> s:app.Store -.items-> l:list len=4 fold=int*4:112,float*1:24\n"
    "fr:frame -local:self-> s\n"
    "s -weak-> m\n"
    "code f:code name=f qualname=Store.f file=app.py line=3 args=1 vars=self,x "
    "uses=attr:items:add\n"
    "snap time=1 rss=10M reason=start gc=on threshold0=700 collections=3,2,1\n"
    "snap time=2 rss=20M reason=growth\n"
    "snap time=3 rss=30M reason=exit pause=0.002 skipped=2\n";

static void mix(uint64_t *h, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        *h = (*h ^ b[i]) * UINT64_C(0x100000001B3);
}

static void mix_text(uint64_t *h, const char *s)
{
    mix(h, s, strlen(s) + 1);
}

static void mix_number(uint64_t *h, uint64_t v)
{
    mix(h, &v, sizeof v);
}

/* All but pid, python and program, which the run lends. */
static uint64_t digest(const hl_snap *s)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    const hl_snap_info *i = &s->info;
    const uint64_t numbers[] = {
        i->stream,
        i->time_us,
        i->cpu_us,
        i->user_us,
        i->rss_bytes,
        i->pause_ns,
        i->gc_enabled,
        i->gc_running,
        i->gc_threshold0,
        i->gc_collections[0],
        i->gc_collections[1],
        i->gc_collections[2],
        i->folded,
        i->skipped,
        s->nodes,
        s->edges,
        s->n_extra,
        s->n_folds,
        s->n_types,
        s->n_codes,
        s->n_uses,
        s->n_roots,
        s->n_keys,
        s->n_name_lists,
        s->n_names,
        s->n_pages,
    };
    mix(&h, numbers, sizeof numbers);
    mix_text(&h, i->reason);
    mix(&h, s->type, s->nodes * sizeof *s->type);
    for (uint32_t v = 0; v < s->nodes; v++) {
        mix_number(&h, hl_snap_size(s, v));
        mix_number(&h, hl_snap_refcnt(s, v));
        mix_number(&h, (uint64_t)hl_snap_len(s, v));
    }
    mix(&h, s->flag, s->nodes * sizeof *s->flag);
    mix(&h, s->prov, s->nodes * sizeof *s->prov);
    mix(&h, s->off, (s->nodes + (size_t)1) * sizeof *s->off);
    mix(&h, s->dst, s->edges * sizeof *s->dst);
    mix(&h, s->label, s->edges * sizeof *s->label);
    mix(&h, s->page_key, s->n_pages * sizeof *s->page_key);
    mix(&h, s->name_lists, s->n_name_lists * sizeof *s->name_lists);
    for (uint32_t k = 0; k < s->n_names; k++)
        mix_text(&h, s->names[k]);
    for (uint32_t k = 0; k < s->n_folds; k++) {
        hl_snap_fold f = hl_snap_fold_at(s, k);
        mix_number(&h, f.node);
        mix_number(&h, f.type);
        mix_number(&h, f.objects);
        mix_number(&h, f.bytes);
    }
    for (uint32_t k = 0; k < s->n_roots; k++) {
        mix_number(&h, s->roots[k].node);
        mix_number(&h, (uint64_t)s->roots[k].kind << 32 | s->roots[k].line);
        mix_number(&h, s->roots[k].progress);
    }
    for (uint32_t k = 0; k < s->n_uses; k++)
        mix_number(&h, (uint64_t)s->uses[k].name << 32 | s->uses[k].bits);
    return h;
}

enum { SNAPS = 3 };
static uint8_t *whole;
static size_t whole_n;
static uint64_t digests[SNAPS]; /* by stream - 1 */
static size_t ends[SNAPS];      /* where each snapshot's END chunk ends */

static hl_snap *load(hl_run *run, uint32_t i, hl_err *err)
{
    hl_snap *s = NULL;
    *err = (hl_err){0};
    if (hl_snap_load(run, i, &s, err)) {
        assert_null(s);
        assert_true(err->status != HL_OK && strlen(err->text) > 10);
    }
    return s;
}

static int setup(void **state)
{
    hl_err err = {0};
    if (hl_dsl_bytes(text, &whole, &whole_n, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    hl_run *run;
    if (hl_run_open_bytes(whole, whole_n, &run, &err) || run->n_snaps != SNAPS)
        return -1;
    for (uint32_t i = 0; i < SNAPS; i++) {
        hl_snap *s = load(run, i, &err);
        digests[s->info.stream - 1] = digest(s);
        hl_snap_destroy(s);
    }
    const hl_chunk *chunks;
    size_t n = hl_container_chunks(run->file, &chunks);
    for (size_t i = 0; i < n; i++)
        if (chunks[i].kind == HL_KIND_SNAP_END)
            ends[chunks[i].stream - 1] = chunks[i].offset + HL_CHUNK_HEADER + chunks[i].stored_size;
    hl_run_close(run);
    return 0;
}

static int teardown(void **state)
{
    free(whole);
    return 0;
}

/* Opens damaged bytes; every snapshot that loads is one of the originals. Returns how many do. */
static uint32_t survivors(const uint8_t *bytes, size_t n, hl_snap_verdict *v)
{
    uint8_t *exact = malloc(n ? n : 1); /* a sanitizer sees the end */
    memcpy(exact, bytes, n);
    hl_run *run = NULL;
    hl_err err = {0};
    uint32_t loaded = 0;
    *v = (hl_snap_verdict){0};
    if (hl_run_open_bytes(exact, n, &run, &err)) {
        assert_true(err.text[0]);
        free(exact);
        return 0;
    }
    for (uint32_t i = 0; i < run->n_snaps; i++) {
        hl_snap *s = load(run, i, &err);
        if (!s)
            continue;
        loaded++;
        assert_true(s->info.stream >= 1 && s->info.stream <= SNAPS);
        assert_true(digest(s) == digests[s->info.stream - 1]);
        hl_snap_destroy(s);
    }
    assert_int_equal(hl_run_verify(run, v, &err), HL_OK);
    assert_int_equal(v->whole, loaded);
    assert_int_equal(v->whole + v->broken + v->torn, run->n_snaps + run->n_torn);
    bool hurt = v->broken || v->torn || v->damage.bytes_lost || v->damage.payloads_bad;
    assert_int_equal(hurt, v->first_problem[0] != 0);
    hl_run_close(run);
    free(exact);
    return loaded;
}

static void undamaged(void **state)
{
    hl_snap_verdict v;
    assert_int_equal(survivors(whole, whole_n, &v), SNAPS);
    assert_int_equal(v.torn + v.broken, 0);
    assert_string_equal(v.first_problem, "");
    hl_run *run;
    hl_err err;
    assert_int_equal(hl_run_open_bytes(whole, whole_n, &run, &err), HL_OK);
    assert_int_equal(run->pid, 42);
    assert_string_equal(run->python, "3.11.7");
    assert_string_equal(run->program, "app.py");
    assert_int_equal(run->started_us, 1700000000000000);
    assert_true(run->ended);
    assert_int_equal(run->exit, 3);
    assert_int_equal(run->seconds_us, 12500000);
    assert_string_equal(run->snaps[2].reason, "exit");
    assert_string_equal(run->snaps[2].program, "app.py"); /* lent by the run */
    assert_int_equal(run->snaps[2].pause_ns, 2000000);
    assert_int_equal(run->snaps[0].gc_collections[1], 2);
    hl_snap *s;
    assert_int_equal(hl_snap_load(run, SNAPS, &s, &err), HL_NOT_FOUND);
    hl_run_close(run);
}

/* A program that was killed leaves every snapshot that was finished. */
static void every_truncation(void **state)
{
    for (size_t cut = 0; cut <= whole_n; cut++) {
        uint32_t want = 0;
        hl_snap_verdict v;
        for (unsigned i = 0; i < SNAPS; i++)
            want += ends[i] <= cut;
        assert_int_equal(survivors(whole, cut, &v), want);
        assert_int_equal(v.broken, 0);
        assert_true(v.torn <= 1);
    }
}

/* One flipped bit costs one snapshot at most, and is noticed. */
static void every_bit(void **state)
{
    for (size_t bit = 0; bit < whole_n * 8; bit++) {
        hl_snap_verdict v;
        whole[bit / 8] ^= (uint8_t)(1 << bit % 8);
        uint32_t n = survivors(whole, whole_n, &v);
        if (bit / 8 >= HL_FILE_HEADER) {
            assert_true(n >= SNAPS - 1);
            assert_true(v.damage.bytes_lost || v.damage.payloads_bad);
        } else {
            assert_int_equal(n, 0);
        }
        whole[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* Any one chunk gone without a trace. */
static void every_chunk_missing(void **state)
{
    hl_container *c;
    hl_err err;
    const hl_chunk *chunks;
    assert_int_equal(hl_container_open_bytes(whole, whole_n, &c, &err), HL_OK);
    size_t n = hl_container_chunks(c, &chunks);
    uint8_t *bytes = malloc(whole_n);
    for (size_t i = 0; i < n; i++) {
        size_t size = HL_CHUNK_HEADER + chunks[i].stored_size, at = (size_t)chunks[i].offset;
        memcpy(bytes, whole, at);
        memcpy(bytes + at, whole + at + size, whole_n - at - size);
        hl_snap_verdict v;
        uint32_t left = survivors(bytes, whole_n - size, &v);
        bool of_run = chunks[i].stream == 0;
        assert_int_equal(left, of_run ? SNAPS : SNAPS - 1);
        assert_int_equal(v.torn, !of_run && chunks[i].kind == HL_KIND_SNAP_END);
        assert_int_equal(v.broken, !of_run && chunks[i].kind != HL_KIND_SNAP_END);
    }
    free(bytes);
    hl_container_close(c);
}

/* Two processes append to one file: chunks of streams lie between each other. */
static void interleaved_streams(void **state)
{
    hl_container *c;
    hl_err err;
    const hl_chunk *chunks;
    assert_int_equal(hl_container_open_bytes(whole, whole_n, &c, &err), HL_OK);
    size_t n = hl_container_chunks(c, &chunks);
    uint8_t *bytes = malloc(whole_n);
    for (unsigned round = 0; round < 20; round++) {
        size_t at[SNAPS + 1] = {0}, used = HL_FILE_HEADER;
        memcpy(bytes, whole, used);
        srand(round);
        while (used < whole_n) {
            unsigned s = (unsigned)rand() % (SNAPS + 1);
            while (at[s] < n && chunks[at[s]].stream != s)
                at[s]++;
            if (at[s] == n)
                continue;
            size_t size = HL_CHUNK_HEADER + chunks[at[s]].stored_size;
            memcpy(bytes + used, whole + chunks[at[s]].offset, size);
            used += size;
            at[s]++;
        }
        hl_snap_verdict v;
        assert_int_equal(survivors(bytes, whole_n, &v), SNAPS);
        assert_string_equal(v.first_problem, "");
    }
    free(bytes);
    hl_container_close(c);
}

static void random_damage(void **state)
{
    uint8_t *bytes = malloc(2 * whole_n);
    srand(7);
    for (unsigned round = 0; round < 3000; round++) {
        size_t n = whole_n;
        memcpy(bytes, whole, n);
        for (int k = rand() % 6; k >= 0; k--) {
            size_t at = (size_t)rand() % n, size = (size_t)rand() % 200;
            size = size < n - at ? size : n - at;
            switch (rand() % 4) {
            case 0: /* overwritten */
                for (size_t i = 0; i < size; i++)
                    bytes[at + i] = (uint8_t)rand();
                break;
            case 1: /* a hole, as of a file system after a crash */
                memset(bytes + at, 0, size);
                break;
            case 2: /* cut out */
                memmove(bytes + at, bytes + at + size, n - at - size);
                n = n - size ? n - size : 1;
                break;
            default: /* doubled */
                if (n + size <= 2 * whole_n) {
                    memmove(bytes + at + size, bytes + at, n - at);
                    n += size;
                }
                break;
            }
        }
        hl_snap_verdict v;
        (void)survivors(bytes, n, &v);
    }
    free(bytes);
}

/* The writer is half-way through its third snapshot while we read. */
static void read_while_written(void **state)
{
    char path[] = "/tmp/hl_growing_XXXXXX";
    int fd = mkstemp(path);
    hl_err err;
    hl_run *run;
    size_t half = ends[1] + (ends[2] - ends[1]) / 2;
    assert_int_equal(write(fd, whole, half), half);
    assert_int_equal(hl_run_open(path, &run, &err), HL_OK);
    assert_int_equal(run->n_snaps, 2);
    assert_int_equal(run->n_torn, 1);
    assert_false(run->ended);
    assert_int_equal(write(fd, whole + half, whole_n - half), whole_n - half);
    for (uint32_t i = 0; i < 2; i++) {
        hl_snap *s = load(run, i, &err);
        assert_true(digest(s) == digests[i]);
        hl_snap_destroy(s);
    }
    hl_run_close(run);
    assert_int_equal(hl_run_open(path, &run, &err), HL_OK);
    assert_int_equal(run->n_snaps, 3);
    assert_true(run->ended);
    hl_run_close(run);
    close(fd);
    unlink(path);
}

extern unsigned heap_arena_fail; /* of tests/fuzz/heap_arena.c: that request gets no memory */

/* Each request for memory fails in turn: a sentence, or a snapshot unharmed; nothing leaks. */
static void no_memory(void **state)
{
    unsigned refused = 0, k = 1;
    for (bool failed = true; failed; k++) {
        hl_run *run = NULL;
        hl_err err = {0};
        heap_arena_fail = k;
        if (hl_run_open_bytes(whole, whole_n, &run, &err)) {
            assert_null(run);
            assert_int_equal(err.status, HL_NO_MEMORY);
            refused++;
        } else {
            hl_snap *s = load(run, 0, &err);
            assert_true(s || err.status == HL_NO_MEMORY);
            refused += !s;
            hl_snap_destroy(s);
        }
        failed = heap_arena_fail == 0;
        heap_arena_fail = 0;
        hl_run_close(run);
    }
    assert_true(refused > 30);
}

static void order_of_snapshots(void **state)
{
    hl_run *run = hl_dsl_run("a:object\nsnap time=3\nsnap time=1\nsnap time=3\nsnap time=0.5\n");
    static const uint32_t want[] = {4, 2, 1, 3};
    assert_int_equal(run->n_snaps, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(run->snaps[i].stream, want[i]);
    hl_run_close(run);
}

static void not_ours(void **state)
{
    hl_err err;
    hl_run *run = NULL;
    assert_int_equal(hl_run_open_bytes("", 0, &run, &err), HL_EMPTY);
    assert_int_equal(hl_run_open_bytes("#!/usr/bin/env python3\nprint()\nprint()", 38, &run, &err),
                     HL_FOREIGN);
    assert_int_equal(hl_run_open_bytes(whole, 20, &run, &err), HL_TRUNCATED);
    assert_int_equal(hl_run_open("/", &run, &err), HL_FOREIGN);
    assert_int_equal(hl_run_open("/nowhere", &run, &err), HL_NOT_FOUND);
    assert_null(run);
    /* a file in which nothing was recorded yet */
    assert_int_equal(hl_run_open_bytes(whole, HL_FILE_HEADER, &run, &err), HL_OK);
    assert_int_equal(run->n_snaps + run->n_torn, 0);
    assert_string_equal(run->python, "");
    hl_run_close(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undamaged),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_bit),
        cmocka_unit_test(every_chunk_missing),
        cmocka_unit_test(interleaved_streams),
        cmocka_unit_test(random_damage),
        cmocka_unit_test(read_while_written),
        cmocka_unit_test(order_of_snapshots),
        cmocka_unit_test(not_ours),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
