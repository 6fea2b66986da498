/* inside/sampled.c: long sequences of leaves that lie in memory as they stand, read in part.
 *
 * Room   inside; the cloned child, of a program that has grown big (hl_shot_request.sample).
 * Takes  the items of a list or tuple.   Gives  what is folded into its row: how many, how heavy.
 * Knows  leaves.  Must not know  columns, files.
 * Why    A hundred million ints are 4 GB to be read: a third of a second that the program shares its
 *        memory's speed with us, and waits for at its end.
 * Method The allocator puts objects of about one size, made one after the other, side by side into a
 *        pool. So all addresses are read, and an object wherever the next pool begins: what is of
 *        another kind, or big, comes from another. Of the others, which have about one size, some
 *        are read and tell how heavy they are. If each one that was read has this one holder and
 *        can be folded, or weighs nothing, the sequence is told by them; if a single one cannot, or
 *        pools change all the time, every item is read. Which are read depends on where they stand
 *        only: what does not change is told alike in each look, so that an error is no growth. */
#include "inside/dups.h"
#include "inside/track_write.h"
#include "inside/walk.h"

enum {
    FROM = 32 * 1024, /* items; fewer are read quickly enough */
    HEAD = 512, /* is read whole, as is what is left behind the last block: there it is mixed */
    BLOCK = 2048,
    RUN = 16, /* of each block */
    AT_ONCE = 8,
    POOL_SHIFT = 14, /* 16 KiB; 4 before 3.10 */
    CHANGE_EACH = 8, /* items, on average: if pools change more often all are read */
};

typedef struct tally {
    uint64_t n[HL_LEAVES], bytes[HL_LEAVES], items;
} tally;

/* False: it is more than a weight. Each stands for `weight` where equal ones are looked for. */
static bool add(hl_walk *w, tally *t, PyObject *o, uint32_t weight)
{
    int leaf = o ? hl_leaf_of(Py_TYPE(o)) : -1;
    t->items++;
    if (leaf < 0 || o->ob_refcnt != 1)
        return !o || hl_walk_weightless(w, o);
    size_t bytes = hl_leaf_size(o, (enum hl_leaf)leaf);
    if (bytes > HL_FOLD_BYTES_MAX)
        return false;
    t->n[leaf]++;
    t->bytes[leaf] += bytes;
    if (w->dup_turn > weight)
        w->dup_turn -= weight;
    else
        w->dup_turn = hl_dups_turn(w, o, (enum hl_leaf)leaf, bytes, HL_LABEL(HL_LABEL_INDEX, 0));
    return true;
}

static uintptr_t apart(const PyObject *a, const PyObject *b)
{
    return ((uintptr_t)a ^ (uintptr_t)b) >> POOL_SHIFT;
}

/* Which of a block lie in another pool than the one before them. */
static unsigned find_changes(PyObject *const *item, uint16_t out[BLOCK])
{
    unsigned n = 0;
    for (unsigned i = 0; i < BLOCK; i += AT_ONCE) {
        uintptr_t any = 0;
        for (unsigned k = i; k < i + AT_ONCE; k++)
            any |= apart(item[k], item[(int)k - 1]);
        if (__builtin_expect(!any, 1))
            continue;
        for (unsigned k = i; k < i + AT_ONCE; k++)
            if (apart(item[k], item[(int)k - 1])) {
                __builtin_prefetch(item[k]);
                out[n++] = (uint16_t)k;
            }
    }
    return n;
}

/* False: one of them is more than a weight. */
static bool reads_block(hl_walk *w, PyObject *const *item, tally *part, uint64_t *changes)
{
    uint16_t at[BLOCK];
    tally unused = {.items = 0};
    unsigned n = find_changes(item, at);
    *changes += n;
    for (unsigned i = 0; i < RUN; i++)
        if (!add(w, part, item[i], BLOCK / RUN))
            return false;
    for (unsigned i = 0; i < n; i++)
        if (!add(w, &unused, item[at[i]], 1))
            return false;
    return true;
}

static bool reads_all(hl_walk *w, PyObject *const *item, size_t n, tally *whole)
{
    for (size_t i = 0; i < n; i++)
        if (!add(w, whole, item[i], 1))
            return false;
    return true;
}

bool hl_walk_sampled(hl_walk *w, PyObject *const *item, size_t n)
{
    tally whole = {.items = 0}, part = {.items = 0};
    uint64_t changes = 0;
    if (!w->samples || n < FROM || !reads_all(w, item, HEAD, &whole))
        return false;
    size_t at = HEAD;
    for (; at + BLOCK <= n; at += BLOCK) {
        for (unsigned i = 0; i < RUN; i += 2)
            __builtin_prefetch(item[at + i]);
        if (!reads_block(w, item + at, &part, &changes) || changes * CHANGE_EACH > at + FROM)
            return false;
    }
    if (!reads_all(w, item + at, n - at, &whole))
        return false;
    w->partly++;
    double times = (double)(at - HEAD) / (double)part.items;
    for (unsigned leaf = 0; leaf < HL_LEAVES; leaf++) {
        uint64_t of = (uint64_t)((double)part.n[leaf] * times + 0.5);
        uint64_t bytes = (uint64_t)((double)part.bytes[leaf] * times + 0.5);
        hl_walk_fold_many(w, (enum hl_leaf)leaf, whole.n[leaf] + of, whole.bytes[leaf] + bytes);
    }
    if (w->made)
        hl_makers_fold_all(w, item, n);
    return true;
}
