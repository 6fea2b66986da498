/* tests/fuzz/fuzz_container.c: any bytes as a .hlens file; indexed, read, verified.
 *
 * Promises held against every input: chunks ascend, lie inside the file and do not overlap; what
 * is no chunk is counted as lost, to the byte; verifying counts each bad payload once. */
#define _GNU_SOURCE
#include "container/container.h"
#include "mend.h"

#include <stdlib.h>
#include <string.h>

enum { UNPACKED_MAX = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void use(hl_container *c, size_t size)
{
    const hl_chunk *chunks;
    size_t n = hl_container_chunks(c, &chunks), at = HL_FILE_HEADER, held = 0;
    for (size_t i = 0; i < n; i++) {
        must(chunks[i].offset >= at);
        at = (size_t)chunks[i].offset + HL_CHUNK_HEADER + chunks[i].stored_size;
        must(at <= size);
        held += HL_CHUNK_HEADER + chunks[i].stored_size;
    }
    hl_damage before = hl_container_damage(c);
    must(before.bytes_lost == size - HL_FILE_HEADER - held);
    must(!before.bytes_lost == !(before.gaps || before.torn_tail));
    uint32_t bad = 0;
    hl_err err;
    for (size_t i = 0; i < n; i++) {
        uint8_t *out = malloc(chunks[i].raw_size + 1); /* the sanitizer sees the end */
        hl_err one = {0};
        if (hl_chunk_read(c, &chunks[i], out, &one)) {
            must(one.status != HL_OK && one.text[0]);
            bad++;
        }
        free(out);
    }
    must(hl_container_verify(c, &err) == HL_OK);
    must(hl_container_damage(c).payloads_bad == bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    if (fuzz_mend(bytes, size) <= UNPACKED_MAX) {
        uint8_t *exact = malloc(size ? size : 1);
        memcpy(exact, bytes, size);
        hl_container *c = NULL;
        hl_err err = {0};
        if (hl_container_open_bytes(exact, size, &c, &err))
            must(!c && err.text[0] && err.status != HL_OK);
        else
            use(c, size);
        hl_container_close(c);
        free(exact);
    }
    free(bytes);
    return 0;
}

#ifdef FUZZ_LIBFUZZER
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return fuzz_mutate(data, size, max, seed, LLVMFuzzerMutate);
}
#endif
