/* symbols/demangle.c: asks the C++ runtime for names as they were written.
 *
 * Room   symbols; analyser process.
 * Takes  a name of a symbol table.   Gives  demangle.h.
 * Why    Where code in C++ ran its runtime is, and __cxa_demangle (Itanium C++ ABI, 3.4) with it. It is
 *        loaded when a name asks for it, so that no other machine need have one.
 * Knows  base.  Must not know  files. */
#include "symbols/demangle.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MOST = 2048 }; /* such names grow out of templates, and nobody reads them to the end */

typedef char *demangler(const char *mangled, char *buffer, size_t *length, int *status);

static demangler *runtime(void)
{
    static bool asked;
    static demangler *found;
    void *library = asked ? NULL : dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
    asked = true;
    if (library)
        found = (demangler *)dlsym(library, "__cxa_demangle");
    return found;
}

/* Where the parameters begin: at the bracket that the last one closes. What follows that says how the
 * function takes its object (" const"), or which copy of it this is (" [clone .cold]"). */
static size_t without_parameters(const char *text)
{
    const char *last = strrchr(text, ')');
    unsigned depth = 0;
    for (const char *at = last; at && at > text; at--) {
        depth += *at == ')';
        depth -= *at == '(';
        if (!depth)
            return (size_t)(at - text);
    }
    return strlen(text);
}

const char *hl_demangle(const char *name, hl_arena *arena)
{
    if (strncmp(name, "_Z", 2) || strlen(name) > NAME_MOST)
        return name;
    demangler *read = runtime();
    int status = 0;
    char *text = read ? read(name, NULL, NULL, &status) : NULL;
    const char *plain =
        text && !status ? hl_arena_copy(arena, text, without_parameters(text)) : NULL;
    free(text);
    return plain ? plain : name;
}
