/* diagnose/known.c: finds what is known of a holder, and says it.
 *
 * Room   diagnose; analyser process. The facts are rows of known.def; tests/known holds each row
 *        against the library it speaks of.
 * Rule   knowledge changes words and rank. It never hides growth, nor makes it less certain. */
#include "diagnose/known_find.h"

#include "diagnose/diagnose.h"

#include <stdio.h>
#include <string.h>

enum { OWNED_MAX = 512 };

static const hl_known rows[] = {
#define KNOWN(id, package, law, names, owners, what, why, fix)                                     \
    {id, package, HL_KNOWN_##law, names, owners, what, why, fix},
#include "diagnose/known.def"
#undef KNOWN
};

const hl_known *hl_known_rows(uint32_t *n)
{
    *n = sizeof rows / sizeof *rows;
    return rows;
}

/* Does s fit the pattern p .. end, where '*' is any number of characters? */
static bool fits(const char *p, const char *end, const char *s)
{
    const char *star = NULL, *from = NULL;
    while (*s) {
        if (p < end && *p == '*') {
            star = ++p;
            from = s;
        } else if (p < end && *p == *s) {
            p++;
            s++;
        } else if (star) {
            p = star;
            s = ++from;
        } else {
            return false;
        }
    }
    while (p < end && *p == '*')
        p++;
    return p == end;
}

static bool fits_any(const char *patterns, const char *s)
{
    while (s && *s && *patterns) {
        size_t n = strcspn(patterns, "|");
        if (fits(patterns, patterns + n, s))
            return true;
        patterns += n + (patterns[n] == '|');
    }
    return false;
}

/* "queue.Queue.queue": the type a step comes from, and its edge. */
static void owned_text(const hl_chain_step *steps, uint32_t i, char buf[OWNED_MAX])
{
    buf[0] = 0;
    if (i && steps[i].edge && steps[i - 1].type)
        snprintf(buf, OWNED_MAX, "%s%s", steps[i - 1].type, steps[i].edge);
}

const hl_known *hl_known_find(const char *name, const char *type, const hl_chain_step *steps,
                              uint32_t n)
{
    char owned[OWNED_MAX] = "", outer[OWNED_MAX] = "";
    if (n)
        owned_text(steps, n - 1, owned);
    if (n > 1)
        owned_text(steps, n - 2, outer);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const hl_known *k = &rows[i];
        if (fits_any(k->names, name) || fits_any(k->owners, owned) || fits_any(k->owners, outer) ||
            fits_any(k->owners, type))
            return k;
    }
    return NULL;
}

void hl_known_apply(hl_arena *arena, hl_finding *f)
{
    uint32_t n = 0;
    while (n < f->n_path && !f->path[n].guilty)
        n++;
    n += n < f->n_path;
    f->known = hl_known_find(f->holder.name, f->holder.type, f->path, n);
    if (!f->known)
        return;
    f->fix = f->known->fix;
}
