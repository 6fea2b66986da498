/* base/words.h: numbers as people read them.
 *
 * Room   base; analyser process. Sentences of a diagnosis and cells of a table say them alike. */
#ifndef HL_WORDS_H
#define HL_WORDS_H

#include <stdint.h>

/* "98.4 MB", "1.2 KB", "312 B"; decimal units. Returns buf. */
const char *hl_bytes_text(uint64_t bytes, char buf[16]);
/* "10,000". Returns buf. */
const char *hl_count_text(uint64_t n, char buf[32]);

#endif
