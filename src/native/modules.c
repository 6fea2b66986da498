/* native/modules.c: asks the loader what is loaded, and keeps what it says.
 *
 * Room   native; target, inside malloc.
 * Takes  dl_iterate_phdr.   Gives  records (modules.h).
 * Locks  The loader's lock is held by a thread inside dlopen, which calls malloc, and so us: it is
 *        never taken while ours is held. So two threads may bring lists at once; the older is thrown
 *        away. */
#define _GNU_SOURCE
#include "native/modules.h"

#include "rt/rt.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, TEXTS_BYTES = 1 << 20, ALIGN_NOTE = 4 };
static const char NO_NAME[] = "";

typedef struct seen {
    uintptr_t base, from, end, code, code_end;
    const uint8_t *unwind;
    const char *name;
    uint8_t id[HL_MODULE_ID_MAX];
    uint32_t id_bytes;
} seen;

typedef struct listing {
    seen *list;
    uint32_t n;
    uint64_t age;
    char *texts, *texts_end;
} listing;

bool hl_modules_init(hl_modules *m)
{
    if (m->list)
        return true;
    hl_module *list = hl_pages_map(HL_MODULES_MAX * sizeof *list);
    m->texts = hl_pages_map(TEXTS_BYTES);
    m->texts_end = m->texts ? m->texts + TEXTS_BYTES : NULL;
    if (!list || !m->texts)
        return false;
    list[HL_MODULE_PYTHON].path = list[HL_MODULE_UNKNOWN].path = NO_NAME;
    m->n = HL_MODULE_FIRST;
    m->list = list;
    return true;
}

void hl_modules_deinit(hl_modules *m)
{
    hl_pages_unmap(m->list, HL_MODULES_MAX * sizeof *m->list);
    if (m->texts_end)
        hl_pages_unmap(m->texts_end - TEXTS_BYTES, TEXTS_BYTES);
    *m = (hl_modules){.n = 0};
}

/* ---- what the loader says ---------------------------------------------------------------------- */

static void take_id(seen *s, const uint8_t *note, size_t bytes)
{
    while (bytes >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) head;
        memcpy(&head, note, sizeof head);
        size_t name = ((size_t)head.n_namesz + ALIGN_NOTE - 1) & ~(size_t)(ALIGN_NOTE - 1);
        size_t text = ((size_t)head.n_descsz + ALIGN_NOTE - 1) & ~(size_t)(ALIGN_NOTE - 1);
        if (name > bytes - sizeof head || text > bytes - sizeof head - name)
            return;
        const uint8_t *at = note + sizeof head;
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 && !memcmp(at, "GNU", 4) &&
            head.n_descsz <= sizeof s->id) {
            memcpy(s->id, at + name, head.n_descsz);
            s->id_bytes = head.n_descsz;
            return;
        }
        note = at + name + text;
        bytes -= sizeof head + name + text;
    }
}

static void take_loaded(seen *s, const ElfW(Phdr) * p, uintptr_t from, uintptr_t end)
{
    s->from = !s->end || from < s->from ? from : s->from;
    s->end = end > s->end ? end : s->end;
    if (!(p->p_flags & PF_X))
        return;
    s->code = !s->code_end || from < s->code ? from : s->code;
    s->code_end = end > s->code_end ? end : s->code_end;
}

/* What is loaded first, for the others are to lie in it. */
static void take_segments(seen *s, const struct dl_phdr_info *info, bool loaded)
{
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr, end = from + p->p_memsz;
        if (loaded && p->p_type == PT_LOAD)
            take_loaded(s, p, from, end);
        if (loaded || from < s->from || end > s->end || end < from)
            continue;
        if (p->p_type == PT_GNU_EH_FRAME)
            s->unwind = (const uint8_t *)from;
        if (p->p_type == PT_NOTE && !s->id_bytes)
            take_id(s, (const uint8_t *)from, p->p_memsz);
    }
}

/* Names are the loader's, and may be gone when its lock is. */
static const char *copy_name(listing *l, const char *name)
{
    size_t n = name ? strlen(name) + 1 : 0;
    if (n <= 1 || n > (size_t)(l->texts_end - l->texts))
        return NO_NAME;
    char *copy = memcpy(l->texts, name, n);
    l->texts += n;
    return copy;
}

static int take_module(struct dl_phdr_info *info, size_t size, void *to)
{
    listing *l = to;
    if (l->n == HL_MODULES_MAX)
        return 1;
    seen *s = &l->list[l->n++];
    *s = (seen){.base = info->dlpi_addr, .name = copy_name(l, info->dlpi_name)};
    take_segments(s, info, true);
    take_segments(s, info, false);
    l->age = info->dlpi_adds + info->dlpi_subs;
    return 0;
}

/* ---- records ----------------------------------------------------------------------------------- */

static const char *keep_text(hl_modules *m, const char *text)
{
    size_t n = strlen(text) + 1;
    if (n > (size_t)(m->texts_end - m->texts))
        return NO_NAME;
    char *kept = memcpy(m->texts, text, n);
    m->texts += n;
    return kept;
}

static bool is_same(const hl_module *k, const seen *s, const char *name)
{
    return k->id_bytes == s->id_bytes && !memcmp(k->id, s->id, s->id_bytes) &&
           k->end - k->from == s->end - s->from && !strcmp(k->path, name);
}

/* The record that is, or was, of this module. */
static hl_module *record_of(hl_modules *m, const seen *s, const char *name)
{
    hl_module *was = NULL;
    for (uint32_t i = HL_MODULE_FIRST; i < m->n; i++) {
        hl_module *k = &m->list[i];
        if (!is_same(k, s, name))
            continue;
        if (k->here && k->base == s->base)
            return k;
        if (!k->here)
            was = k;
    }
    if (was)
        return was;
    if (m->n == HL_MODULES_MAX) {
        m->lost++;
        return NULL;
    }
    hl_module *k = &m->list[m->n];
    *k = (hl_module){.path = keep_text(m, name)};
    __atomic_store_n(&m->n, m->n + 1, __ATOMIC_RELEASE);
    return k;
}

static void keep(hl_modules *m, const seen *s, const char *name)
{
    hl_module *k = record_of(m, s, name);
    if (!k)
        return;
    k->base = s->base;
    k->from = s->from;
    k->end = s->end;
    k->code = s->code;
    k->code_end = s->code_end;
    k->unwind = s->unwind;
    k->id_bytes = s->id_bytes;
    memcpy(k->id, s->id, sizeof k->id);
    k->here = true;
}

static bool is_listed(const listing *l, const hl_module *k)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->list[i].base == k->base && l->list[i].from == k->from && l->list[i].end == k->end &&
            l->list[i].id_bytes == k->id_bytes && !memcmp(l->list[i].id, k->id, k->id_bytes))
            return true;
    return false;
}

static void merge(hl_modules *m, const listing *l, const char *exe, void (*gone)(hl_module *))
{
    if (l->age < m->age)
        return; /* another thread has asked since */
    m->age = l->age;
    for (uint32_t i = HL_MODULE_FIRST; i < m->n; i++)
        if (m->list[i].here && !is_listed(l, &m->list[i])) {
            gone(&m->list[i]);
            m->list[i].here = false;
        }
    for (uint32_t i = 0; i < l->n; i++)
        keep(m, &l->list[i], *l->list[i].name || i ? l->list[i].name : exe);
}

void hl_modules_refresh(hl_modules *m, void (*gone)(hl_module *module))
{
    size_t bytes = HL_MODULES_MAX * sizeof(seen) + PATH_BYTES + TEXTS_BYTES;
    listing l = {.list = hl_pages_map(bytes)};
    if (!l.list)
        return;
    char *exe = (char *)(l.list + HL_MODULES_MAX);
    if (readlink("/proc/self/exe", exe, PATH_BYTES - 1) < 0)
        *exe = 0;
    l.texts = exe + PATH_BYTES;
    l.texts_end = l.texts + TEXTS_BYTES;
    dl_iterate_phdr(take_module, &l);
    hl_lock_take(&m->lock);
    merge(m, &l, exe, gone);
    hl_lock_give(&m->lock);
    hl_pages_unmap(l.list, bytes);
}

uint32_t hl_modules_find(const hl_modules *m, uintptr_t at)
{
    for (uint32_t i = HL_MODULE_FIRST; i < m->n; i++)
        if (m->list[i].here && at - m->list[i].code < m->list[i].code_end - m->list[i].code)
            return i;
    return HL_MODULE_UNKNOWN;
}
