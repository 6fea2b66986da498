/* tests/fuzz/fuzz_replay.c: a fuzz target as an ordinary test, without libFuzzer.
 *
 *     TARGET_replay ROUNDS PATH...
 *
 * Gives every file of each PATH (a file or a folder) to the target, then ROUNDS mutations of each,
 * from a fixed seed: the same inputs on every machine. */
#define _GNU_SOURCE
#include "mend.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long inputs, files;
static unsigned rounds;
static uint8_t work[INPUT_MAX];

/* A byte changed, some cut out, some doubled: enough between the frames fuzz_mutate keeps. */
static size_t simple_mutate(uint8_t *bytes, size_t n, size_t max)
{
    size_t at = n ? (size_t)rand() % n : 0, size = (size_t)rand() % 8 + 1;
    size = size < n - at ? size : n - at;
    switch (rand() % 3) {
    case 0:
        memmove(bytes + at, bytes + at + size, n - at - size);
        return n - size;
    case 1:
        if (n + size > max)
            return n;
        memmove(bytes + at + size, bytes + at, n - at);
        return n + size;
    default:
        for (size_t i = 0; i < size; i++)
            bytes[at + i] = (uint8_t)(rand() % 2 ? rand() : 0xFF);
        return n;
    }
}

static int replay_file(const char *path)
{
    static uint8_t input[INPUT_MAX];
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    size_t n = fread(input, 1, sizeof input, f);
    fclose(f);
    LLVMFuzzerTestOneInput(input, n);
    files++;
    srand((unsigned)n);
    for (unsigned i = 0; i < rounds; i++, inputs++) {
        memcpy(work, input, n);
        size_t m = n;
        for (int k = rand() % 4; k >= 0; k--)
            m = fuzz_mutate(work, m, sizeof work, (unsigned)rand(), simple_mutate);
        LLVMFuzzerTestOneInput(work, m);
    }
    return 0;
}

static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        perror(path);
        return 1;
    }
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort), failed = 0;
    for (int i = 0; i < n; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            failed |= replay_file(name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return failed || n < 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 3;
    rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    for (int i = 2; i < argc; i++)
        failed |= replay(argv[i]);
    printf("%lu files, %lu mutations of them\n", files, inputs);
    return failed || !files;
}
