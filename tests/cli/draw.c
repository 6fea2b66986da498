/* tests/cli/draw.c: a recording out of a drawing (snapshot/snap_dsl.h), for the cases here.
 *
 * Use    draw DRAWING FILE.hlens */
#include "snapshot/snap_dsl.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1 << 20 };

int main(int argc, char **argv)
{
    static char text[TEXT_MAX + 1];
    hl_err err = {0};
    FILE *in = argc == 3 ? fopen(argv[1], "re") : NULL;
    if (!in) {
        fprintf(stderr, "usage: draw DRAWING FILE.hlens\n");
        return 2;
    }
    size_t n = fread(text, 1, TEXT_MAX, in);
    fclose(in);
    text[n] = 0;
    if (hl_dsl_file(text, argv[2], &err)) {
        fprintf(stderr, "draw: %s\n", err.text);
        return 1;
    }
    return 0;
}
