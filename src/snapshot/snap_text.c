/* snapshot/snap_text.c: bytes that claim to be UTF-8 become UTF-8.
 *
 * Room   snapshot; analyser process.
 * Names come from a target, or from whoever wrote the file. Writers escape what they print; that
 * it is UTF-8 at all is settled here once. Control bytes stay. */
#include "snapshot/snap_load.h"

unsigned hl_snap_text_char(const char *s, const char *end)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t left = (size_t)(end - s);
    if (left == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    unsigned n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || left < n)
        return 0;
    for (unsigned i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    /* too long a form, a surrogate, beyond U+10FFFF */
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

void hl_snap_text_mend(char *s, size_t n)
{
    for (char *end = s + n; s < end;) {
        unsigned c = hl_snap_text_char(s, end);
        if (!c) {
            *s = '?';
            c = 1;
        }
        s += c;
    }
}
