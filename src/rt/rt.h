/* rt/rt.h: what is legal anywhere, even in the cloned child of a threaded program.
 *
 * Room   rt; any process; no malloc, no stdio, no locks, no Python.
 * Gives  own pages (mmap), raw writes that survive signals, variable-length integers.
 * Everything here keeps working when another thread of the program held malloc's lock at the
 * moment the child was cloned. */
#ifndef HL_RT_H
#define HL_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HL_VARINT_MAX = 10 }; /* bytes a 64-bit varint can take */

/* n zeroed bytes of our own, or NULL. Pages not touched cost nothing (MAP_NORESERVE). */
void *hl_pages_map(size_t n);
/* Gives back what hl_pages_map gave. p may be NULL. */
void hl_pages_unmap(void *p, size_t n);

/* What hl_pages_map gave and has not got back, in no order: HL_PAGES_PIECES of them, of which those of no
 * bytes are none; what was mapped when all were in use is not among them. Each library that is linked
 * with this has its own. */
typedef struct hl_pages_piece {
    void *at;
    size_t n;
} hl_pages_piece;
enum { HL_PAGES_PIECES = 4096 };
const hl_pages_piece *hl_pages_pieces(void);
/* From now on what hl_pages_map gave at p (or NULL) is none of these: it has blocks of the program's. */
void hl_pages_lend_out(const void *p);

/* For one user: who lends its memory to a child. Until hl_pages_lend_end there is a stretch of n bytes,
 * which goes then with all that lies in it; whoever runs on a stack from hl_pages_lent maps from there,
 * and all others, threads that go on meanwhile, as ever. false: no such stretch. */
bool hl_pages_lend(size_t n);
void hl_pages_lend_end(void);
/* n bytes of the stretch, as hl_pages_map gives them; NULL: there are not so many. */
void *hl_pages_lent(size_t n);

/* Writes all n bytes, going on after EINTR and short writes. 0, or the errno of the failure. */
int hl_raw_write(int fd, const void *buf, size_t n);

/* LEB128: 7 bits a byte, low first. Returns the byte after the value. */
static inline uint8_t *hl_varint_put(uint8_t *p, uint64_t v)
{
    while (v >= 128) {
        *p++ = (uint8_t)(v | 128);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

/* Reads one varint from [p, end). Returns the byte after it, or NULL if it is cut off or longer
 * than 64 bits; *out is untouched then. */
static inline const uint8_t *hl_varint_get(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
        uint8_t b = *p++;
        if (shift == 63 && b > 1)
            return NULL;
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128) {
            *out = v;
            return p;
        }
    }
    return NULL;
}

/* Signed values near zero become small unsigned ones: 0 -1 1 -2 -> 0 1 2 3. */
static inline uint64_t hl_zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static inline int64_t hl_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

#endif
