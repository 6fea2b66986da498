/* tests/fuzz/fuzz_seeds.c: the inputs fuzzing starts from: small files of every shape.
 *
 *     fuzz_seeds FOLDER
 *
 * Each drawn heap becomes two seeds: one with its payloads as they are, packed, and one with raw
 * payloads, which a fuzzer can change. */
#define _GNU_SOURCE
#include "container/container.h"
#include "container/container_layout.h"
#include "mend.h"
#include "snapshot/snap_dsl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *name, *text;
} seeds[] = {
    {"empty", "snap time=0\n"},
    {"one", "a:object\n"},
    {"cycle", "a:A -.b-> b:B -.a-> a\nsnap time=1 gc=off running unsettled collections=1,2,3\n"},
    {"growth", "run pid=7 python=3.13.0 program=x.py started=1 exit=0 seconds=2\n"
               "root module __main__ m\nm:module -__dict__-> d:dict\n"
               "d -key:cache-> c:dict len={0|3|9} cap=16 keys=int-rising\n"
               "c -value:int-> b:bytearray*{0|3|9} size=100 ext=10000 gen0\n"
               "snap time=0 reason=start\nsnap time=1\nsnap time=2 reason=exit skipped=1\n"},
    {"tables", "type K gc heap finalizer node=k\nk:type static immortal\n"
               "root frame f fr line=3 thread=1 progress=77\nroot type K k\nroot garbage g l\n"
               "fr:frame -local:x-> l:list len=3 bound=9 fold=int*3:84,str*1:50\n"
               "l -[0]-> i:K frozen opaque\ni -class-> k\nl -weak-> i\nk -base-> k\n"
               "code c:code name=f qualname=K.f file=x.py line=1 args=1 kwonly=1 vars=x,y free=z "
               "uses=global:z:test+store,local:x:iter\nx:numpy.ndarray at=0x7f0000001238 ext=4K\n"},
    {"surveys",
     "root module m m\nm:module -__dict__-> d:dict -key:l-> l:list len=3 fold=str*3:180\n"
     "root thread t d thread=1\nroot frame f fr line=3 thread=1\nfr:frame -local:x-> l\n"
     "t:threading.Thread\nthread index=1 name=w ident=140000 native=7 node=t daemon\n"
     "thread index=0 main\ndup str len=8 size=57 copies=90 seen=9 at=l:[],d:key:l,m\n"
     "dup int size=28 copies=2\nsnap time=1 rss=9M shared=1M heap=2M heapfree=1K mapped=3M "
     "stacks=1K written=1M swap=1K arenas=3 room=3M resident=2M pools=2M used=1M "
     "image=0x7f0000000000 imagesize=1M leaves=99 leavesseen=9 dups=2 dupbytes=5K\n"},
    {"labels", "a -n-> b -.x-> c -slot:s-> d -key:k-> e -local:l-> f -value:T-> g -dictkey-> h\n"
               "h -[]-> i -[9]-> j -element-> k -cell-> l -stack-> m -unowned-> n -internal:3-> a\n"
               "a -x-> p:P*20 gen1\nchain .next q:Q*20\n"},
};

static int save(const char *folder, const char *name, const char *form, const uint8_t *bytes,
                size_t n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s-%s", folder, name, form);
    FILE *f = fopen(path, "wb");
    bool bad = !f || fwrite(bytes, 1, n, f) != n;
    if (f)
        bad |= fclose(f) != 0;
    if (bad)
        perror(path);
    return bad;
}

/* The file with every payload unpacked; malloc's. */
static uint8_t *unpack(const uint8_t *bytes, size_t n, size_t *out_n)
{
    hl_err err;
    hl_container *c;
    const hl_chunk *chunks;
    if (hl_container_open_bytes(bytes, n, &c, &err))
        abort();
    size_t count = hl_container_chunks(c, &chunks), size = HL_FILE_HEADER;
    for (size_t i = 0; i < count; i++)
        size += HL_CHUNK_HEADER + chunks[i].raw_size;
    uint8_t *out = malloc(size), *p = out + HL_FILE_HEADER;
    memcpy(out, bytes, HL_FILE_HEADER);
    for (size_t i = 0; i < count; i++) {
        hl_chunk raw = chunks[i];
        raw.codec = HL_CODEC_RAW;
        raw.stored_size = raw.raw_size;
        if (hl_chunk_read(c, &chunks[i], p + HL_CHUNK_HEADER, &err))
            abort();
        raw.crc = hl_crc32(p + HL_CHUNK_HEADER, raw.raw_size);
        hl_chunk_header_put(p, &raw);
        p += HL_CHUNK_HEADER + raw.raw_size;
    }
    hl_container_close(c);
    *out_n = size;
    return out;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
        return 2;
    }
    mkdir(argv[1], 0777);
    int failed = 0;
    for (unsigned i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        uint8_t *bytes, *raw;
        size_t n, raw_n;
        hl_err err = {0};
        if (hl_dsl_bytes(seeds[i].text, &bytes, &n, &err)) {
            fprintf(stderr, "%s: %s\n", seeds[i].name, err.text);
            return 1;
        }
        bytes[FUZZ_MEND_AT] = FUZZ_MEND_ALL;
        fuzz_mend(bytes, n);
        raw = unpack(bytes, n, &raw_n);
        failed |= save(argv[1], seeds[i].name, "packed", bytes, n);
        failed |= save(argv[1], seeds[i].name, "raw", raw, raw_n);
        raw[FUZZ_MEND_AT] = FUZZ_MEND_FILE;
        fuzz_mend(raw, raw_n);
        failed |= save(argv[1], seeds[i].name, "asis", raw, raw_n);
        free(bytes);
        free(raw);
    }
    return failed;
}
