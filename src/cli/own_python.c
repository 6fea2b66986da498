/* cli/own_python.c: an interpreter that runs a module of our own package.
 *
 * Room   cli; analyser process.
 * Takes  which interpreter, which module, what it is told.   Gives  the words to start it with.
 * Knows  where the package lies.  Must not know  what the module does. */
#include "cli/own_python.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Our package of this very build, whatever else is called heaplens there. */
static const char boot[] =
    "import sys\n"
    "from importlib import import_module, util\n"
    "folder = sys.argv.pop(1)\n"
    "spec = util.spec_from_file_location('heaplens', folder + '/__init__.py',\n"
    "                                    submodule_search_locations=[folder])\n"
    "module = util.module_from_spec(spec)\n"
    "sys.modules['heaplens'] = module\n"
    "spec.loader.exec_module(module)\n"
    "import_module('heaplens.' + sys.argv.pop(1)).main([sys.argv.pop(1)])\n";

static const char *folder_of(const hl_package *package, const char *module, hl_arena *arena)
{
    for (const char *p = package->folders; *p;) {
        size_t n = strcspn(p, "\n");
        const char *folder = hl_arena_copy(arena, p, n);
        const char *file = folder ? hl_arena_printf(arena, "%s/%s.py", folder, module) : NULL;
        if (file && !access(file, R_OK))
            return folder;
        p += n + (p[n] == '\n');
    }
    return NULL;
}

hl_status hl_own_python(const hl_python *python, const hl_package *package, const char *module,
                        const char *told, hl_arena *arena, const char ***argv, hl_err *err)
{
    const char *folder = folder_of(package, module, arena);
    size_t words = 0, k = 0;
    if (!folder)
        return hl_err_set(err, HL_UNSUPPORTED,
                          "the Python package of heaplens is not beside its executable: install "
                          "heaplens anew, or set HEAPLENS_HOME to the package's folder");
    while (python->words[words])
        words++;
    const char **out = hl_arena_array(arena, words + 6, sizeof *out);
    if (!out || !told)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to start an interpreter");
    for (size_t i = 0; i < words; i++)
        out[k++] = python->words[i];
    out[k++] = "-c";
    out[k++] = boot;
    out[k++] = folder;
    out[k++] = module;
    out[k++] = told;
    *argv = out;
    return HL_OK;
}
