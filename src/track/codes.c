/* track/codes.c: copies of what code objects say of themselves, each once.
 *
 * Room   track; target, inside malloc, under the lock of the sites.
 * Takes  borrowed texts and tables.   Gives  records (codes.h).
 * Knows  rt.  Must not know  Python. */
#include "track/codes.h"

#include "track/grow.h"

enum {
    TABLE_FIRST = 1 << 10,
    GONE = 1,
    TABLE_MAX = 1 << 20, /* of a line table more is not kept: the lines beyond are the first */
    TEXT_MAX = 4096,
};

static uint64_t mixed(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93ull;
    return h ^ h >> 29;
}

static uint64_t hash_of(const void *bytes, size_t n, uint64_t h)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3ull;
    return mixed(h ^ n);
}

bool hl_codes_init(hl_codes *c)
{
    if (c->seen)
        return true;
    c->n = c->n_pool = 1; /* 0 is none */
    c->room_texts = c->room_by_hash = c->room_seen = TABLE_FIRST;
    c->texts = hl_pages_map(TABLE_FIRST * sizeof *c->texts);
    c->by_hash = hl_pages_map(TABLE_FIRST * sizeof *c->by_hash);
    c->seen = hl_pages_map(TABLE_FIRST * sizeof *c->seen);
    return c->texts && c->by_hash && c->seen &&
           hl_grow((void **)&c->pool, &c->room_pool, c->n_pool, 1) &&
           hl_grow((void **)&c->codes, &c->room, c->n, sizeof *c->codes);
}

/* ---- texts -----------------------------------------------------------------------------------
 */

const char *hl_codes_text(const hl_codes *c, uint32_t text, size_t *n)
{
    uint32_t length = 0;
    if (text)
        memcpy(&length, c->pool + text, sizeof length);
    *n = length;
    return text ? c->pool + text + sizeof length : "";
}

static size_t text_place(const hl_codes *c, const char *s, size_t n)
{
    return (size_t)hash_of(s, n, 0) & (c->room_texts - 1);
}

static bool texts_room(hl_codes *c)
{
    if (2 * c->n_texts < c->room_texts)
        return true;
    uint32_t *wider = hl_pages_map(2 * c->room_texts * sizeof *wider), *before = c->texts;
    size_t old = c->room_texts;
    if (!wider)
        return false;
    c->texts = wider;
    c->room_texts *= 2;
    for (size_t i = 0; i < old; i++) {
        if (!before[i])
            continue;
        size_t n;
        const char *s = hl_codes_text(c, before[i], &n);
        size_t h = text_place(c, s, n);
        while (wider[h])
            h = (h + 1) & (c->room_texts - 1);
        wider[h] = before[i];
    }
    hl_pages_unmap(before, old * sizeof *before);
    return true;
}

static bool pool_room(hl_codes *c, size_t n)
{
    return c->n_pool + n < UINT32_MAX &&
           hl_grow((void **)&c->pool, &c->room_pool, c->n_pool + n, 1);
}

static bool text_made(hl_codes *c, const char *s, size_t n, uint32_t *text)
{
    n = n < TEXT_MAX ? n : TEXT_MAX;
    size_t h = text_place(c, s, n);
    for (; c->texts[h]; h = (h + 1) & (c->room_texts - 1)) {
        size_t length;
        const char *there = hl_codes_text(c, c->texts[h], &length);
        if (length == n && !memcmp(there, s, n)) {
            *text = c->texts[h];
            return true;
        }
    }
    uint32_t length = (uint32_t)n;
    if (!texts_room(c) || !pool_room(c, sizeof length + n + 1))
        return false;
    *text = (uint32_t)c->n_pool;
    memcpy(c->pool + c->n_pool, &length, sizeof length);
    memcpy(c->pool + c->n_pool + sizeof length, s, n);
    c->pool[c->n_pool + sizeof length + n] = 0;
    c->n_pool += sizeof length + n + 1;
    for (h = text_place(c, s, n); c->texts[h];)
        h = (h + 1) & (c->room_texts - 1);
    c->texts[h] = *text;
    c->n_texts++;
    return true;
}

/* ---- records ---------------------------------------------------------------------------------
 */

static bool by_hash_room(hl_codes *c)
{
    if (2 * c->n < c->room_by_hash)
        return true;
    uint32_t *wider = hl_pages_map(2 * c->room_by_hash * sizeof *wider);
    if (!wider)
        return false;
    for (uint32_t i = 1; i < c->n; i++) {
        size_t h = (size_t)c->codes[i].hash & (2 * c->room_by_hash - 1);
        while (wider[h])
            h = (h + 1) & (2 * c->room_by_hash - 1);
        wider[h] = i;
    }
    hl_pages_unmap(c->by_hash, c->room_by_hash * sizeof *wider);
    c->by_hash = wider;
    c->room_by_hash *= 2;
    return true;
}

static uint32_t record_of(hl_codes *c, const hl_code_facts *f)
{
    size_t bytes = f->table_bytes < TABLE_MAX ? f->table_bytes : TABLE_MAX;
    hl_code code = {
        .first_line = f->first_line, .table_bytes = (uint32_t)bytes, .begins = f->begins};
    if (!text_made(c, f->file, f->file_bytes, &code.file) ||
        !text_made(c, f->name, f->name_bytes, &code.name) || !by_hash_room(c))
        return 0;
    code.hash =
        hash_of(f->table, bytes, mixed((uint64_t)code.file << 32 | code.name) ^ code.first_line);
    size_t h = (size_t)code.hash & (c->room_by_hash - 1);
    for (; c->by_hash[h]; h = (h + 1) & (c->room_by_hash - 1)) {
        const hl_code *there = &c->codes[c->by_hash[h]];
        if (there->hash == code.hash && there->file == code.file && there->name == code.name &&
            there->first_line == code.first_line && there->begins == code.begins &&
            there->table_bytes == bytes && !memcmp(c->pool + there->table, f->table, bytes))
            return c->by_hash[h];
    }
    if (!pool_room(c, bytes) || !hl_grow((void **)&c->codes, &c->room, c->n + 1, sizeof *c->codes))
        return 0;
    code.table = c->n_pool;
    if (bytes)
        memcpy(c->pool + c->n_pool, f->table, bytes);
    c->n_pool += bytes;
    c->codes[c->n] = code;
    c->by_hash[h] = (uint32_t)c->n;
    return (uint32_t)c->n++;
}

/* ---- living code objects ---------------------------------------------------------------------
 */

static size_t seen_place(const hl_codes *c, uintptr_t at)
{
    return (size_t)mixed((uint64_t)at >> 4) & (c->room_seen - 1);
}

hl_code_seen *hl_codes_find(hl_codes *c, uintptr_t at)
{
    for (size_t h = seen_place(c, at); c->seen[h].at; h = (h + 1) & (c->room_seen - 1))
        if (c->seen[h].at == at)
            return &c->seen[h];
    return NULL;
}

static hl_code_seen *seen_put(hl_codes *c, hl_code_seen s)
{
    size_t h = seen_place(c, s.at);
    while (c->seen[h].at)
        h = (h + 1) & (c->room_seen - 1);
    c->seen[h] = s;
    c->n_seen++;
    c->used_seen++;
    return &c->seen[h];
}

static bool seen_room(hl_codes *c)
{
    if (2 * c->used_seen < c->room_seen)
        return true;
    size_t old = c->room_seen, room = 4 * c->n_seen > old ? 2 * old : old;
    hl_code_seen *wider = hl_pages_map(room * sizeof *wider), *before = c->seen;
    if (!wider)
        return c->used_seen + 1 < old;
    c->seen = wider;
    c->room_seen = room;
    c->n_seen = c->used_seen = 0;
    for (size_t i = 0; i < old; i++)
        if (before[i].at > GONE)
            seen_put(c, before[i]);
    hl_pages_unmap(before, old * sizeof *before);
    return true;
}

hl_code_seen *hl_codes_add(hl_codes *c, uintptr_t at, const hl_code_facts *facts)
{
    uint32_t code = seen_room(c) ? record_of(c, facts) : 0;
    if (!code) {
        c->lost++;
        return NULL;
    }
    return seen_put(c, (hl_code_seen){.at = at, .code = code});
}

uint32_t hl_codes_gone(hl_codes *c, uintptr_t at)
{
    hl_code_seen *s = c->seen ? hl_codes_find(c, at) : NULL;
    if (!s)
        return 0;
    uint32_t cell = s->cell;
    *s = (hl_code_seen){.at = GONE};
    c->n_seen--;
    return cell;
}

void hl_codes_deinit(hl_codes *c)
{
    hl_pages_unmap(c->pool, c->room_pool);
    hl_pages_unmap(c->codes, c->room * sizeof *c->codes);
    hl_pages_unmap(c->texts, c->room_texts * sizeof *c->texts);
    hl_pages_unmap(c->by_hash, c->room_by_hash * sizeof *c->by_hash);
    hl_pages_unmap(c->seen, c->room_seen * sizeof *c->seen);
    memset(c, 0, sizeof *c);
}
