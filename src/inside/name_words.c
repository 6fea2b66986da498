/* inside/name_words.c: what methods and functions of well-known names do to a container.
 *
 * Room   inside; the cloned child. Data, and how to find a name in it.
 * Knows  the methods of builtin containers, of queues and streams, and what heapq, bisect and the
 *        builtin functions do; a method of that name in another class is taken to do the same. */
#include "inside/name_uses.h"

#include <string.h>

/* clang-format off */
#define WORD(text)          { text, sizeof text - 1, 0 }
#define CHANGES(text, bits) { text, sizeof text - 1, bits }
/* clang-format on */

static const hl_name_word methods[] = {
    CHANGES("get", HL_USE_GET),
    CHANGES("setdefault", HL_USE_GET | HL_USE_STORE),
    CHANGES("update", HL_USE_STORE),
    CHANGES("append", HL_USE_ADD),
    CHANGES("add", HL_USE_ADD),
    CHANGES("extend", HL_USE_ADD),
    CHANGES("insert", HL_USE_ADD),
    CHANGES("appendleft", HL_USE_ADD),
    CHANGES("extendleft", HL_USE_ADD),
    CHANGES("put", HL_USE_ADD),
    CHANGES("put_nowait", HL_USE_ADD),
    CHANGES("write", HL_USE_ADD),
    CHANGES("writelines", HL_USE_ADD),
    CHANGES("truncate", HL_USE_REMOVE | HL_USE_DROP),
    CHANGES("pop", HL_USES_POPS),
    CHANGES("popitem", HL_USE_REMOVE | HL_USE_DROP | HL_USE_TAKE),
    CHANGES("popleft", HL_USE_REMOVE | HL_USE_DROP | HL_USE_TAKE),
    CHANGES("clear", HL_USE_REMOVE | HL_USE_DROP),
    CHANGES("remove", HL_USE_REMOVE),
    CHANGES("discard", HL_USE_REMOVE),
    CHANGES("__setitem__", HL_USE_STORE),
    CHANGES("__getitem__", HL_USE_GET),
    CHANGES("__contains__", HL_USE_TEST),
    CHANGES("__delitem__", HL_USE_REMOVE),
};

/* Methods that give all there is. */
static const hl_name_word whole_methods[] = {
    WORD("items"), WORD("values"), WORD("most_common"), WORD("sort"),
    WORD("copy"),  WORD("tolist"), WORD("tobytes"),     WORD("getvalue"),
};

/* Methods of builtin containers that look at what there is and give some of it. */
static const hl_name_word reading_methods[] = {
    WORD("index"),        WORD("count"),       WORD("keys"),        WORD("elements"),
    WORD("total"),        WORD("find"),        WORD("rfind"),       WORD("split"),
    WORD("rsplit"),       WORD("splitlines"),  WORD("decode"),      WORD("encode"),
    WORD("startswith"),   WORD("endswith"),    WORD("join"),        WORD("replace"),
    WORD("strip"),        WORD("format"),      WORD("union"),       WORD("difference"),
    WORD("intersection"), WORD("issubset"),    WORD("issuperset"),  WORD("isdisjoint"),
    WORD("hex"),          WORD("read"),        WORD("getbuffer"),   WORD("reverse"),
    WORD("rotate"),       WORD("move_to_end"), WORD("partition"),   WORD("__iter__"),
    WORD("__len__"),      WORD("tofile"),      WORD("buffer_info"),
};

/* Methods that put in what they are given first, or an entry of that key; and that take it out. */
static const hl_name_word putting_methods[] = {
    WORD("append"), WORD("add"), WORD("appendleft"), WORD("setdefault"), WORD("__setitem__"),
};
static const hl_name_word filing_methods[] = {
    WORD("append"), WORD("add"), WORD("extend"), WORD("appendleft"), WORD("insert"),
};
static const hl_name_word finding_methods[] = {WORD("get"), WORD("setdefault")};
static const hl_name_word taking_back_methods[] = {WORD("remove"), WORD("discard"),
                                                   WORD("__delitem__")};

/* Functions that change the container they are given first. */
static const hl_name_word functions[] = {
    CHANGES("heappush", HL_USE_ADD),
    CHANGES("insort", HL_USE_ADD),
    CHANGES("heappop", HL_USE_REMOVE | HL_USE_TAKE),
    CHANGES("heappushpop", HL_USE_ADD | HL_USE_REMOVE),
    CHANGES("heapreplace", HL_USE_ADD | HL_USE_REMOVE),
};

/* Functions that read all of a container they are given; and those that do only by their own names:
 * what others call a method set() or filter() may do anything. */
static const hl_name_word whole_functions[] = {
    WORD("sorted"),        WORD("sum"),       WORD("min"),         WORD("max"),
    WORD("any"),           WORD("all"),       WORD("map"),         WORD("zip"),
    WORD("enumerate"),     WORD("reversed"),  WORD("dump"),        WORD("dumps"),
    WORD("writelines"),    WORD("join"),      WORD("Counter"),     WORD("array"),
    WORD("asarray"),       WORD("DataFrame"), WORD("mean"),        WORD("median"),
    WORD("stdev"),         WORD("writerows"), WORD("executemany"), WORD("chain"),
    WORD("from_iterable"),
};
static const hl_name_word whole_builtins[] = {
    WORD("list"), WORD("tuple"), WORD("set"), WORD("dict"), WORD("frozenset"), WORD("filter"),
};

/* With their lengths: nearly every name is another one, and is told so by its length and first
 * letter. */
static const struct {
    const hl_name_word *words;
    size_t n;
} lists[HL_WORDS_KINDS] = {
#define LIST(words)                                                                                \
    {                                                                                              \
        words, sizeof words / sizeof *words                                                        \
    }
    [HL_WORDS_METHODS] = LIST(methods),
    [HL_WORDS_WHOLE_METHODS] = LIST(whole_methods),
    [HL_WORDS_READING_METHODS] = LIST(reading_methods),
    [HL_WORDS_PUTTING_METHODS] = LIST(putting_methods),
    [HL_WORDS_FILING_METHODS] = LIST(filing_methods),
    [HL_WORDS_FINDING_METHODS] = LIST(finding_methods),
    [HL_WORDS_TAKING_BACK_METHODS] = LIST(taking_back_methods),
    [HL_WORDS_FUNCTIONS] = LIST(functions),
    [HL_WORDS_WHOLE_FUNCTIONS] = LIST(whole_functions),
    [HL_WORDS_WHOLE_BUILTINS] = LIST(whole_builtins),
};

const hl_name_word *hl_name_among(PyObject *name, enum hl_words which)
{
    const char *text;
    size_t length = hl_name_ascii(name, &text);
    const hl_name_word *words = lists[which].words;
    for (size_t i = 0; length && i < lists[which].n; i++)
        if (words[i].n == length && words[i].text[0] == text[0] &&
            !memcmp(words[i].text, text, length))
            return &words[i];
    return NULL;
}
