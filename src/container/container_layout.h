/* container/container_layout.h: the two headers of a .hlens file, bytes <-> structs.
 *
 * Room   container; for its own files only. Pure functions, legal anywhere. */
#ifndef HL_CONTAINER_LAYOUT_H
#define HL_CONTAINER_LAYOUT_H

#include "base/err.h"
#include "container/container.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HL_FILE_MAGIC  "\x89HLENS\r\n"
#define HL_CHUNK_MAGIC "HLCK"
enum { HL_FILE_MAGIC_SIZE = 8, HL_CHUNK_MAGIC_SIZE = 4 };

typedef struct hl_file_header {
    uint16_t major, minor;
    uint64_t run_id;
} hl_file_header;

void hl_file_header_put(uint8_t out[HL_FILE_HEADER], uint64_t run_id);
/* Judges the first n bytes of a file (n < HL_FILE_HEADER: the file ends there). The sentence
 * begins with name. */
hl_status hl_file_header_get(const uint8_t *bytes, size_t n, const char *name, hl_file_header *out,
                             hl_err *err) HL_MUST_CHECK;

/* Everything of c but offset goes into the header. */
void hl_chunk_header_put(uint8_t out[HL_CHUNK_HEADER], const hl_chunk *c);
/* False unless magic and checksum fit and the sizes are possible. Fills all but offset. */
bool hl_chunk_header_get(const uint8_t bytes[HL_CHUNK_HEADER], hl_chunk *out);

uint32_t hl_crc32(const void *bytes, size_t n);

#endif
