/* native/pieces.c: tells which memory is this library's own.
 *
 * Room   native; target, inside malloc. */
#include "native/native.h"

__attribute__((visibility("default"))) const hl_pages_piece *hl_native_pieces(void)
{
    return hl_pages_pieces();
}
