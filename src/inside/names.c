/* inside/names.c: strings of the heap as names of the file, without the API.
 *
 * Room   inside; the cloned child.
 * Takes  str objects and C texts.   Gives  name indices; writes HL_COL_NAME.
 * Knows  the layout of str.  Must not know  what the names are for.
 * Method one map from the object's address (names are interned, so this nearly always hits) and one
 *        from the text, so that equal texts have one index. */
#include "inside/walk.h"

#include <string.h>

enum { MAP_FIRST = 1 << 14, POOL_FIRST = 1 << 19, TEXT_MAX = 4 * HL_NAME_CUT };

static void map_init(hl_walk *w, hl_name_map *m)
{
    *m = (hl_name_map){.slots = hl_walk_pages(w, MAP_FIRST * sizeof *m->slots), .room = MAP_FIRST};
}

static size_t slot_of(const hl_name_map *m, uint64_t key)
{
    return hl_visited_hash(key) & (m->room - 1);
}

static void map_put(hl_walk *w, hl_name_map *m, uint64_t key, uint32_t name)
{
    if (m->n * 2 >= m->room) {
        hl_name_map wider = {.slots = hl_walk_pages(w, 2 * m->room * sizeof *m->slots),
                             .room = 2 * m->room,
                             .n = m->n};
        for (size_t i = 0; i < m->room; i++) {
            if (!m->slots[i].key)
                continue;
            size_t h = slot_of(&wider, m->slots[i].key);
            while (wider.slots[h].key)
                h = (h + 1) & (wider.room - 1);
            wider.slots[h] = m->slots[i];
        }
        hl_pages_unmap(m->slots, m->room * sizeof *m->slots);
        *m = wider;
    }
    size_t h = slot_of(m, key);
    while (m->slots[h].key)
        h = (h + 1) & (m->room - 1);
    m->slots[h] = (hl_name_slot){key, name};
    m->n++;
}

void hl_names_init(hl_walk *w)
{
    map_init(w, &w->names.by_object);
    map_init(w, &w->names.by_text);
    w->names.pool = hl_walk_pages(w, POOL_FIRST);
    w->names.pool_room = POOL_FIRST;
}

static uint64_t text_hash(const char *s, size_t n)
{
    uint64_t h = 0xcbf29ce484222325ull ^ n;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)s[i]) * 0x100000001b3ull;
    return h ^ h >> 29;
}

/* The by_text map's key keeps 40 bits of hash over the text's place in the pool (24 bits of
 * 16-byte steps: 256 MB of names). */
enum { PLACE_BITS = 24, PLACE_STEP = 16 };

static uint64_t text_key(uint64_t hash, size_t place)
{
    return (hash >> PLACE_BITS) << PLACE_BITS | place / PLACE_STEP;
}

static const char *text_at(const hl_names *names, uint64_t key, size_t *n)
{
    const char *p = names->pool + (key & ((1u << PLACE_BITS) - 1)) * PLACE_STEP;
    uint16_t length;
    memcpy(&length, p, sizeof length);
    *n = length;
    return p + sizeof length;
}

static void pool_grow(hl_walk *w)
{
    hl_names *names = &w->names;
    char *pool = hl_walk_pages(w, 2 * names->pool_room);
    memcpy(pool, names->pool, names->pool_used);
    hl_pages_unmap(names->pool, names->pool_room);
    names->pool = pool;
    names->pool_room *= 2;
}

/* The text map is probed by the hash's upper bits only, since the lower ones hold the place. */
static size_t text_slot(const hl_name_map *m, uint64_t key)
{
    return hl_visited_hash(key >> PLACE_BITS) & (m->room - 1);
}

static void text_put(hl_walk *w, uint64_t key, uint32_t name)
{
    hl_name_map *m = &w->names.by_text;
    if (m->n * 2 >= m->room) {
        hl_name_map wider = {.slots = hl_walk_pages(w, 2 * m->room * sizeof *m->slots),
                             .room = 2 * m->room,
                             .n = m->n};
        for (size_t i = 0; i < m->room; i++) {
            if (!m->slots[i].name)
                continue;
            size_t h = text_slot(&wider, m->slots[i].key);
            while (wider.slots[h].name)
                h = (h + 1) & (wider.room - 1);
            wider.slots[h] = m->slots[i];
        }
        hl_pages_unmap(m->slots, m->room * sizeof *m->slots);
        *m = wider;
    }
    size_t h = text_slot(m, key);
    while (m->slots[h].name)
        h = (h + 1) & (m->room - 1);
    m->slots[h] = (hl_name_slot){key, name};
    m->n++;
}

uint32_t hl_name_text(hl_walk *w, const char *s, size_t n)
{
    hl_names *names = &w->names;
    if (!n)
        return 0;
    if (n > TEXT_MAX) /* not inside a character */
        for (n = TEXT_MAX; n && ((uint8_t)s[n] & 0xC0) == 0x80;)
            n--;
    uint64_t hash = text_hash(s, n);
    uint64_t key = text_key(hash, 0);
    const hl_name_map *m = &names->by_text;
    for (size_t h = text_slot(m, key); m->slots[h].name; h = (h + 1) & (m->room - 1)) {
        if (m->slots[h].key >> PLACE_BITS != key >> PLACE_BITS)
            continue;
        size_t length;
        const char *text = text_at(names, m->slots[h].key, &length);
        if (length == n && memcmp(text, s, n) == 0)
            return m->slots[h].name;
    }
    size_t place = names->pool_used, need = (n + 2 + PLACE_STEP - 1) & ~(size_t)(PLACE_STEP - 1);
    if (place / PLACE_STEP >= (size_t)1 << PLACE_BITS)
        return 0; /* more names than a program has: the rest stay without */
    if (place + need > names->pool_room)
        pool_grow(w);
    uint16_t length = (uint16_t)n;
    memcpy(names->pool + place, &length, sizeof length);
    memcpy(names->pool + place + sizeof length, s, n);
    names->pool_used += need;
    hl_snap_put_text(&w->out, HL_COL_NAME, s, n);
    text_put(w, text_key(hash, place), ++names->n);
    return names->n;
}

uint32_t hl_name_c(hl_walk *w, const char *s)
{
    return hl_name_text(w, s, strlen(s));
}

static char *put_character(char *out, uint32_t c)
{
    if (c >= 0xD800 && c < 0xE000)
        c = 0xFFFD; /* a lone surrogate has no UTF-8 */
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    } else {
        *out++ = (char)(0xF0 | (c >> 18 & 7));
        *out++ = (char)(0x80 | (c >> 12 & 63));
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    }
    return out;
}

const void *hl_name_characters(PyObject *str)
{
    const PyASCIIObject *a = (const PyASCIIObject *)str;
    if (a->state.compact)
        return a->state.ascii ? (const void *)(a + 1)
                              : (const void *)((const PyCompactUnicodeObject *)str + 1);
    return a->state.kind ? ((const PyUnicodeObject *)str)->data.any : NULL;
}

size_t hl_name_utf8_cut(PyObject *str, char *out, size_t characters)
{
    const PyASCIIObject *a = (const PyASCIIObject *)str;
    const void *text = hl_name_characters(str);
    if (!text)
        return 0;
    size_t n = (size_t)a->length < characters ? (size_t)a->length : characters;
    if (a->state.ascii) {
        memcpy(out, text, n);
        return n;
    }
    char *p = out;
    for (size_t i = 0; i < n; i++)
        p = put_character(p, a->state.kind == 1   ? ((const uint8_t *)text)[i]
                             : a->state.kind == 2 ? ((const uint16_t *)text)[i]
                                                  : ((const uint32_t *)text)[i]);
    return (size_t)(p - out);
}

size_t hl_name_utf8(PyObject *str, char *out)
{
    return hl_name_utf8_cut(str, out, HL_NAME_CUT);
}

uint32_t hl_name_of(hl_walk *w, PyObject *str)
{
    if (!str || !PyUnicode_Check(str))
        return 0;
    const hl_name_map *m = &w->names.by_object;
    uint64_t key = (uint64_t)(uintptr_t)str;
    for (size_t h = slot_of(m, key); m->slots[h].key; h = (h + 1) & (m->room - 1))
        if (m->slots[h].key == key)
            return m->slots[h].name;
    char text[TEXT_MAX];
    uint32_t name = hl_name_text(w, text, hl_name_utf8(str, text));
    map_put(w, &w->names.by_object, key, name);
    return name;
}

size_t hl_name_ascii(PyObject *str, const char **text)
{
    if (!str || !PyUnicode_Check(str))
        return 0;
    const PyASCIIObject *a = (const PyASCIIObject *)str;
    *text = a->state.ascii ? hl_name_characters(str) : NULL;
    return *text ? (size_t)a->length : 0;
}

bool hl_name_is(PyObject *str, const char *text)
{
    const char *name;
    size_t n = hl_name_ascii(str, &name);
    return n && strlen(text) == n && !memcmp(text, name, n);
}

PyObject *hl_dict_find(PyObject *dict, const char *key)
{
    if (!dict || !PyDict_Check(dict))
        return NULL;
    hl_abi_table t = hl_abi_dict_table((PyDictObject *)dict);
    for (size_t i = 0; i < t.n; i++) {
        PyObject *value = hl_abi_table_value(&t, i);
        if (value && hl_name_is(hl_abi_table_key(&t, i), key))
            return value;
    }
    return NULL;
}
