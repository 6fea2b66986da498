/* base/words.c: numbers as people read them.
 *
 * Room   base; analyser process. */
#include "base/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *hl_bytes_text(uint64_t bytes, char buf[16])
{
    static const char *const unit[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)bytes;
    unsigned u = 0;
    while (v >= 999.5 && u < 6)
        v /= 1000, u++;
    snprintf(buf, 16, u == 0 || v >= 99.95 ? "%.0f %s" : "%.1f %s", v, unit[u]);
    return buf;
}

const char *hl_count_text(uint64_t n, char buf[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = 0;
    return buf;
}
