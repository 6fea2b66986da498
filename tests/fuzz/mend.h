/* tests/fuzz/mend.h: inputs of the fuzz targets are .hlens files whose checksums are put right.
 *
 * A fuzzer cannot guess a checksum, so a target mends its input first: the file header, and from
 * there chunk after chunk the magic, impossible sizes, the sequence number, both checksums. Byte 12
 * of the file (reserved in the format) says what is mended, so that damage is tried as well. */
#ifndef FUZZ_MEND_H
#define FUZZ_MEND_H

#include <stddef.h>
#include <stdint.h>

enum fuzz_mend {
    FUZZ_MEND_FILE = 1,    /* the file header                                   */
    FUZZ_MEND_CHUNKS = 2,  /* magic, sizes and header checksum of each chunk     */
    FUZZ_MEND_PAYLOAD = 4, /* payload checksums                                 */
    FUZZ_MEND_SEQ = 8,     /* number the chunks of each stream                   */
    FUZZ_MEND_ALL = 15,
    FUZZ_MEND_AT = 12, /* where in the file it is said */
};

/* Mends bytes in place. Returns the bytes all payloads claim to unpack to. */
uint64_t fuzz_mend(uint8_t *bytes, size_t n);

/* Changes the payload of one chunk, or the order and number of chunks, keeping the file's frame:
 * for LLVMFuzzerCustomMutator. `mutate` is LLVMFuzzerMutate. */
size_t fuzz_mutate(uint8_t *bytes, size_t n, size_t max, unsigned seed,
                   size_t (*mutate)(uint8_t *bytes, size_t n, size_t max));

#endif
