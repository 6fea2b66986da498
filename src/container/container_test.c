/* container/container_test.c: what was written comes back, or is reported as lost, never as other.
 *
 * Room   container; tests.
 * Oracle Every payload is made from its (stream, seq), so whatever a reader hands out of a damaged
 *        file can be judged: it is exactly that, or the read must have failed. */
#define _GNU_SOURCE
#include "container/container.h"
#include "container/container_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[96];

static int setup(void **state)
{
    strcpy(dir, "/tmp/hl_container_XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/a.hlens", dir);
    return 0;
}

static int teardown(void **state)
{
    unlink(path);
    return rmdir(dir);
}

/* The payload of a chunk: three shapes, that pack well, badly and not at all. */
static size_t payload(uint32_t stream, uint32_t seq, uint8_t *out, size_t max)
{
    uint64_t x = (uint64_t)stream << 32 | (seq + 1);
    size_t n = (stream * 131 + seq * 37) % max;
    for (size_t i = 0; i < n; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        out[i] = (uint8_t)(seq % 3 == 0 ? seq : seq % 3 == 1 ? (x >> 60) : (x >> 56));
    }
    return n;
}

static void write_chunks(int fd, uint32_t stream, uint32_t first, uint32_t n, size_t max)
{
    hl_err err;
    hl_chunk_writer w;
    uint8_t *raw = malloc(max);
    assert_int_equal(hl_chunk_writer_init(&w, fd, stream, 1, &err), HL_OK);
    w.seq = first;
    for (uint32_t i = 0; i < n; i++) {
        size_t size = payload(stream, first + i, raw, max);
        assert_int_equal(hl_chunk_write(&w, 17, (uint8_t)i, raw, size, &err), HL_OK);
    }
    hl_chunk_writer_deinit(&w);
    free(raw);
}

static int create(void)
{
    hl_err err;
    int fd;
    assert_int_equal(hl_container_create(path, true, 77, &fd, &err), HL_OK);
    return fd;
}

/* The small file most tests damage: 3 streams of 3 chunks. */
static uint8_t *sample(size_t *n)
{
    int fd = create();
    for (uint32_t s = 0; s < 3; s++)
        write_chunks(fd, s, 0, 3, 90);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    *n = (size_t)st.st_size;
    uint8_t *bytes = malloc(*n);
    assert_int_equal(pread(fd, bytes, *n, 0), *n);
    close(fd);
    return bytes;
}

/* Reads all chunks; those that read must be what was written. Returns how many did. */
static size_t read_all(hl_container *c, size_t max)
{
    const hl_chunk *chunks;
    size_t n = hl_container_chunks(c, &chunks), good = 0;
    uint8_t *want = malloc(max), *got = malloc(HL_CHUNK_RAW_MAX);
    for (size_t i = 0; i < n; i++) {
        hl_err err = {0};
        if (hl_chunk_read(c, &chunks[i], got, &err)) {
            assert_true(err.text[0]);
            continue;
        }
        size_t size = payload(chunks[i].stream, chunks[i].seq, want, max);
        assert_int_equal(chunks[i].raw_size, size);
        assert_memory_equal(got, want, size);
        good++;
    }
    free(want);
    free(got);
    return good;
}

static void round_trip(void **state)
{
    enum { N = 40, MAX = 100000 };
    int fd = create();
    for (uint32_t s = 0; s < 4; s++)
        write_chunks(fd, s, 0, N, MAX);
    close(fd);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    hl_err err;
    hl_container *c;
    assert_int_equal(hl_container_open(path, &c, &err), HL_OK);
    const hl_chunk *chunks;
    assert_int_equal(hl_container_chunks(c, &chunks), 4 * N);
    for (uint32_t i = 0; i < 4 * N; i++) {
        assert_int_equal(chunks[i].stream, i / N);
        assert_int_equal(chunks[i].seq, i % N);
    }
    assert_int_equal(read_all(c, MAX), 4 * N);
    assert_int_equal(hl_container_verify(c, &err), HL_OK);
    hl_damage whole = {0}, d = hl_container_damage(c);
    assert_memory_equal(&d, &whole, sizeof d);
    assert_int_equal(hl_container_run_id(c), 77);
    assert_string_equal(hl_container_name(c), path);
    hl_container_close(c);
}

static void largest_chunk(void **state)
{
    uint8_t *raw = malloc(HL_CHUNK_RAW_MAX + 1), *back = malloc(HL_CHUNK_RAW_MAX);
    uint64_t x = 1;
    for (size_t i = 0; i <= HL_CHUNK_RAW_MAX; i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        raw[i] = (uint8_t)(x >> 56);
    }
    hl_err err;
    hl_chunk_writer w;
    int fd = create();
    assert_int_equal(hl_chunk_writer_init(&w, fd, 1, 3, &err), HL_OK);
    assert_int_equal(hl_chunk_write(&w, 17, 0, raw, HL_CHUNK_RAW_MAX, &err), HL_OK);
    assert_int_equal(hl_chunk_write(&w, 17, 0, raw, HL_CHUNK_RAW_MAX + 1, &err), HL_USAGE);
    memset(raw, 0, HL_CHUNK_RAW_MAX);
    assert_int_equal(hl_chunk_write(&w, 17, 0, raw, HL_CHUNK_RAW_MAX, &err), HL_OK);
    hl_chunk_writer_deinit(&w);
    close(fd);
    hl_container *c;
    const hl_chunk *chunks;
    assert_int_equal(hl_container_open(path, &c, &err), HL_OK);
    assert_int_equal(hl_container_chunks(c, &chunks), 2);
    assert_int_equal(chunks[0].codec, HL_CODEC_RAW);
    assert_int_equal(chunks[1].codec, HL_CODEC_ZSTD);
    assert_true(chunks[1].stored_size < 1000);
    assert_int_equal(hl_chunk_read(c, &chunks[1], back, &err), HL_OK);
    assert_memory_equal(back, raw, HL_CHUNK_RAW_MAX);
    hl_container_close(c);
    free(raw);
    free(back);
}

/* In a cloned child malloc's lock may be held for ever. */
static void writing_takes_no_malloc(void **state)
{
    hl_err err;
    hl_chunk_writer w;
    int fd = create();
    static uint8_t raw[50000];
    size_t n = payload(1, 1, raw, sizeof raw);
    struct mallinfo2 before = mallinfo2();
    assert_int_equal(hl_chunk_writer_init(&w, fd, 1, 1, &err), HL_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(hl_chunk_write(&w, 17, 0, raw, n, &err), HL_OK);
    hl_chunk_writer_deinit(&w);
    struct mallinfo2 after = mallinfo2();
    assert_int_equal(before.uordblks, after.uordblks);
    assert_int_equal(before.hblks, after.hblks);
    close(fd);
}

static void creating(void **state)
{
    hl_err err;
    int fd;
    char where[160];
    close(create());
    assert_int_equal(hl_container_create(path, false, 1, &fd, &err), HL_USAGE);
    assert_non_null(strstr(err.text, "-f"));
    assert_int_equal(hl_container_create(path, true, 1, &fd, &err), HL_OK);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);
    close(fd);
    assert_int_equal(hl_container_create(dir, false, 1, &fd, &err), HL_USAGE);
    assert_int_equal(hl_container_create(dir, true, 1, &fd, &err), HL_USAGE);
    assert_non_null(strstr(err.text, "directory"));
    snprintf(where, sizeof where, "%s/none/a.hlens", dir);
    assert_int_equal(hl_container_create(where, false, 1, &fd, &err), HL_NOT_FOUND);
    assert_non_null(strstr(err.text, where));
    assert_int_equal(hl_container_create(where, true, 1, &fd, &err), HL_NOT_FOUND);
}

/* Runs as somebody who may not, also where the tests run as root. */
static void not_allowed(void **state)
{
    hl_err err;
    int fd;
    close(create());
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(dir, 0555), 0);
    bool root = geteuid() == 0;
    assert_true(!root || seteuid(65534) == 0);
    hl_container *c;
    hl_status opened = hl_container_open(path, &c, &err);
    hl_status appended = hl_container_append(path, &fd, &err);
    char where[160];
    snprintf(where, sizeof where, "%s/b.hlens", dir);
    hl_status created = hl_container_create(where, false, 1, &fd, &err);
    assert_true(!root || seteuid(0) == 0);
    assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(opened, HL_PERMISSION);
    assert_int_equal(appended, HL_PERMISSION);
    assert_int_equal(created, HL_PERMISSION);
    assert_non_null(strstr(err.text, where));
}

static hl_status open_bytes(const void *bytes, size_t n, hl_container **c, hl_err *err)
{
    *err = (hl_err){0};
    *c = NULL;
    hl_status status = hl_container_open_bytes(bytes, n, c, err);
    assert_true(!status || err->text[0]);
    return status;
}

static void strangers(void **state)
{
    hl_err err;
    hl_container *c;
    uint8_t h[HL_FILE_HEADER];
    assert_int_equal(open_bytes("", 0, &c, &err), HL_EMPTY);
    static const char elf[] = "\x7f\x45LF and so on, for a while";
    assert_int_equal(open_bytes(elf, sizeof elf, &c, &err), HL_FOREIGN);
    assert_int_equal(open_bytes("x", 1, &c, &err), HL_FOREIGN);
    hl_file_header_put(h, 1);
    for (size_t n = 1; n < sizeof h; n++)
        assert_int_equal(open_bytes(h, n, &c, &err), HL_TRUNCATED);
    h[6] = '\n'; /* what a text-mode transfer does */
    assert_int_equal(open_bytes(h, sizeof h, &c, &err), HL_CORRUPT);
    assert_non_null(strstr(err.text, "text mode"));
    for (unsigned major = 0; major < 3; major++) {
        hl_file_header_put(h, 1);
        h[8] = (uint8_t)major;
        assert_int_equal(open_bytes(h, sizeof h, &c, &err), major == 1 ? HL_OK : HL_CORRUPT);
        hl_container_close(c);
        uint32_t crc = hl_crc32(h, 28);
        for (unsigned i = 0; i < 4; i++)
            h[28 + i] = (uint8_t)(crc >> 8 * i);
        static const hl_status want[] = {HL_FOREIGN, HL_OK, HL_NEWER};
        assert_int_equal(open_bytes(h, sizeof h, &c, &err), want[major]);
        hl_container_close(c);
    }
    assert_int_equal(hl_container_open(dir, &c, &err), HL_FOREIGN);
    assert_non_null(strstr(err.text, "directory"));
    assert_int_equal(hl_container_open("/dev/null", &c, &err), HL_FOREIGN);
    assert_int_equal(hl_container_open("/nowhere/x.hlens", &c, &err), HL_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nowhere/x.hlens"));
}

static void every_truncation(void **state)
{
    size_t n;
    uint8_t *bytes = sample(&n);
    hl_err err;
    hl_container *whole, *c;
    assert_int_equal(open_bytes(bytes, n, &whole, &err), HL_OK);
    const hl_chunk *chunks;
    size_t n_chunks = hl_container_chunks(whole, &chunks);
    for (size_t cut = HL_FILE_HEADER; cut <= n; cut++) {
        uint8_t *copy = malloc(cut); /* so that a sanitizer sees the end */
        memcpy(copy, bytes, cut);
        assert_int_equal(open_bytes(copy, cut, &c, &err), HL_OK);
        size_t want = 0;
        uint64_t end = HL_FILE_HEADER;
        while (want < n_chunks && end + HL_CHUNK_HEADER + chunks[want].stored_size <= cut)
            end += HL_CHUNK_HEADER + chunks[want++].stored_size;
        const hl_chunk *kept;
        assert_int_equal(hl_container_chunks(c, &kept), want);
        assert_int_equal(read_all(c, 90), want);
        hl_damage d = hl_container_damage(c);
        assert_int_equal(d.torn_tail, end != cut);
        assert_int_equal(d.bytes_lost, cut - end);
        assert_int_equal(d.gaps, 0);
        if (d.torn_tail)
            assert_int_equal(d.first_offset, end);
        hl_container_close(c);
        free(copy);
    }
    hl_container_close(whole);
    free(bytes);
}

/* One flipped bit costs at most the chunk it is in. */
static void every_bit(void **state)
{
    size_t n;
    uint8_t *bytes = sample(&n);
    for (size_t bit = 0; bit < n * 8; bit++) {
        hl_err err;
        hl_container *c;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        hl_status status = open_bytes(bytes, n, &c, &err);
        if (bit / 8 < HL_FILE_HEADER) {
            assert_int_not_equal(status, HL_OK);
        } else {
            assert_int_equal(status, HL_OK);
            assert_int_equal(read_all(c, 90), 8);
            hl_damage d = hl_container_damage(c);
            assert_true(d.bytes_lost || d.payloads_bad);
            assert_true(d.first_offset <= bit / 8);
            assert_int_equal(hl_container_verify(c, &err), HL_OK);
            assert_int_equal(hl_container_damage(c).payloads_bad, d.payloads_bad);
        }
        hl_container_close(c);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(bytes);
}

/* Does the torn chunk's claimed end fall on the start of one of the chunks behind it? Then only its
 * checksum tells. */
static bool coincides(const hl_chunk *chunks, size_t n, size_t torn, uint64_t cut)
{
    uint64_t end = chunks[torn].offset + HL_CHUNK_HEADER + chunks[torn].stored_size;
    if (cut < chunks[torn].offset + HL_CHUNK_HEADER)
        return false;
    for (size_t i = 0; i < n; i++)
        if (end == cut + chunks[i].offset - HL_FILE_HEADER)
            return end != cut;
    return false;
}

/* A chunk cut off by a full disk, and more written when there was room again. */
static void torn_in_the_middle(void **state)
{
    size_t n;
    uint8_t *bytes = sample(&n), *both = malloc(2 * n);
    hl_err err;
    hl_container *whole_file;
    const hl_chunk *all;
    assert_int_equal(open_bytes(bytes, n, &whole_file, &err), HL_OK);
    (void)hl_container_chunks(whole_file, &all);
    for (size_t cut = HL_FILE_HEADER; cut < n; cut++) {
        memcpy(both, bytes, cut);
        memcpy(both + cut, bytes + HL_FILE_HEADER, n - HL_FILE_HEADER);
        hl_container *before, *c;
        const hl_chunk *chunks;
        assert_int_equal(open_bytes(bytes, cut, &before, &err), HL_OK);
        assert_int_equal(open_bytes(both, cut + n - HL_FILE_HEADER, &c, &err), HL_OK);
        size_t whole = hl_container_chunks(before, &chunks);
        size_t good = read_all(c, 90);
        if (!coincides(all, 9, whole, cut)) {
            hl_damage d = hl_container_damage(c), was = hl_container_damage(before);
            assert_int_equal(good, whole + 9);
            assert_int_equal(hl_container_chunks(c, &chunks), good);
            assert_int_equal(d.gaps, was.torn_tail);
            assert_int_equal(d.bytes_lost, was.bytes_lost);
            assert_false(d.torn_tail);
        } else {
            assert_int_equal(hl_container_damage(c).payloads_bad, 1);
        }
        hl_container_close(before);
        hl_container_close(c);
    }
    hl_container_close(whole_file);
    free(both);
    free(bytes);
}

/* A whole file may hold another one as a payload. */
static void nested(void **state)
{
    size_t n;
    uint8_t *inner = sample(&n);
    int fd = create();
    hl_err err;
    hl_chunk_writer w;
    assert_int_equal(hl_chunk_writer_init(&w, fd, 1, 1, &err), HL_OK);
    assert_int_equal(hl_chunk_write(&w, 17, 0, inner, n, &err), HL_OK);
    assert_int_equal(hl_chunk_write(&w, 17, 0, inner, n, &err), HL_OK);
    hl_chunk_writer_deinit(&w);
    close(fd);
    hl_container *c;
    const hl_chunk *chunks;
    assert_int_equal(hl_container_open(path, &c, &err), HL_OK);
    assert_int_equal(hl_container_chunks(c, &chunks), 2);
    hl_container_close(c);
    free(inner);
}

static void full_disk(void **state)
{
    hl_err err;
    hl_chunk_writer w;
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    assert_int_equal(hl_chunk_writer_init(&w, full, 1, 1, &err), HL_OK);
    assert_int_equal(hl_chunk_write(&w, 17, 0, "abc", 3, &err), HL_NO_SPACE);
    assert_non_null(strstr(err.text, "disk full"));
    assert_non_null(strstr(err.text, "-o"));
    assert_int_equal(w.seq, 0);
    hl_chunk_writer_deinit(&w);
    close(full);
}

/* Writes go on up to the limit, leave a torn chunk, and later ones are found behind it. */
static void file_size_limit(void **state)
{
    int fd = create();
    write_chunks(fd, 0, 0, 3, 90);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    struct rlimit was, now;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    now = was;
    now.rlim_cur = (rlim_t)st.st_size + 50;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    hl_err err;
    hl_chunk_writer w;
    static uint8_t raw[1000];
    size_t n = payload(1, 2, raw, sizeof raw);
    assert_int_equal(hl_chunk_writer_init(&w, fd, 1, 1, &err), HL_OK);
    hl_status status = hl_chunk_write(&w, 17, 0, raw, n, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_DFL);
    hl_chunk_writer_deinit(&w);
    close(fd);
    assert_int_equal(status, HL_NO_SPACE);
    assert_non_null(strstr(err.text, "ulimit"));
    assert_int_equal(hl_container_append(path, &fd, &err), HL_OK);
    write_chunks(fd, 2, 0, 3, 90);
    close(fd);
    hl_container *c;
    assert_int_equal(hl_container_open(path, &c, &err), HL_OK);
    assert_int_equal(read_all(c, 90), 6);
    assert_int_equal(hl_container_damage(c).gaps, 1);
    assert_int_equal(hl_container_damage(c).bytes_lost, 50);
    hl_container_close(c);
}

static void shrinks_while_read(void **state)
{
    size_t n;
    uint8_t *bytes = sample(&n);
    hl_err err;
    hl_container *c;
    const hl_chunk *chunks;
    uint8_t raw[90];
    assert_int_equal(hl_container_open(path, &c, &err), HL_OK);
    size_t count = hl_container_chunks(c, &chunks);
    assert_int_equal(truncate(path, (off_t)chunks[count - 1].offset + 40), 0);
    assert_int_equal(hl_chunk_read(c, &chunks[0], raw, &err), HL_OK);
    assert_int_equal(hl_chunk_read(c, &chunks[count - 1], raw, &err), HL_TRUNCATED);
    assert_int_equal(hl_chunk_read(c, &chunks[count - 1], raw, &err), HL_TRUNCATED);
    assert_int_equal(hl_container_damage(c).payloads_bad, 1);
    hl_container_close(c);
    free(bytes);
}

static void unknown_codec(void **state)
{
    uint8_t bytes[HL_FILE_HEADER + HL_CHUNK_HEADER + 4], out[8];
    hl_file_header_put(bytes, 1);
    hl_chunk chunk = {.kind = 17, .codec = 9, .raw_size = 8, .stored_size = 4};
    memset(bytes + HL_FILE_HEADER + HL_CHUNK_HEADER, 'x', 4);
    chunk.crc = hl_crc32("xxxx", 4);
    hl_chunk_header_put(bytes + HL_FILE_HEADER, &chunk);
    hl_err err;
    hl_container *c;
    const hl_chunk *chunks;
    assert_int_equal(open_bytes(bytes, sizeof bytes, &c, &err), HL_OK);
    assert_int_equal(hl_container_chunks(c, &chunks), 1);
    assert_int_equal(hl_chunk_read(c, chunks, out, &err), HL_UNSUPPORTED);
    hl_container_close(c);
    /* sizes that cannot be: not a header */
    static const hl_chunk lies[] = {
        {.kind = 17, .codec = HL_CODEC_ZSTD, .raw_size = HL_CHUNK_RAW_MAX + 1, .stored_size = 4},
        {.kind = 17, .codec = HL_CODEC_ZSTD, .raw_size = 3, .stored_size = 4},
        {.kind = 17, .codec = HL_CODEC_RAW, .raw_size = 8, .stored_size = 4},
    };
    for (unsigned i = 0; i < 3; i++) {
        hl_chunk_header_put(bytes + HL_FILE_HEADER, &lies[i]);
        assert_int_equal(open_bytes(bytes, sizeof bytes, &c, &err), HL_OK);
        assert_int_equal(hl_container_chunks(c, &chunks), 0);
        hl_container_close(c);
    }
}

/* Garbage of any kind between good chunks costs only itself. */
static void random_garbage(void **state)
{
    size_t n;
    uint8_t *bytes = sample(&n), *mixed = malloc(n + 4096);
    hl_err err;
    hl_container *whole, *c;
    const hl_chunk *chunks;
    assert_int_equal(open_bytes(bytes, n, &whole, &err), HL_OK);
    (void)hl_container_chunks(whole, &chunks);
    srand(5);
    for (int round = 0; round < 2000; round++) {
        const hl_chunk *at = &chunks[rand() % 9];
        size_t extra = (size_t)(rand() % 4000) + 1;
        memcpy(mixed, bytes, at->offset);
        for (size_t i = 0; i < extra; i++)
            mixed[at->offset + i] = rand() % 3 ? (uint8_t)rand() : (uint8_t)HL_CHUNK_MAGIC[i % 4];
        memcpy(mixed + at->offset + extra, bytes + at->offset, n - at->offset);
        assert_int_equal(open_bytes(mixed, n + extra, &c, &err), HL_OK);
        assert_int_equal(read_all(c, 90), 9);
        assert_int_equal(hl_container_damage(c).bytes_lost, extra);
        assert_int_equal(hl_container_damage(c).gaps, 1);
        hl_container_close(c);
    }
    hl_container_close(whole);
    free(mixed);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(largest_chunk),
        cmocka_unit_test(writing_takes_no_malloc),
        cmocka_unit_test(creating),
        cmocka_unit_test(not_allowed),
        cmocka_unit_test(strangers),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_bit),
        cmocka_unit_test(torn_in_the_middle),
        cmocka_unit_test(nested),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(file_size_limit),
        cmocka_unit_test(shrinks_while_read),
        cmocka_unit_test(unknown_codec),
        cmocka_unit_test(random_garbage),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
