/* symbols/symbols.c: asks elfutils (libdw) for functions, files and lines.
 *
 * Room   symbols; analyser process.
 * Takes  a path, a build id, an address.   Gives  names (symbols.h), in the caller's arena.
 * Method one session of libdwfl a file, opened when it is first asked about and kept. An address is
 *        that of a return, so that one less lies in the call. The functions that were inlined there
 *        come from the scopes around it; without debug information the symbol table has one name.
 * Knows  base, elfutils.  Must not know  snapshots. */
#define _GNU_SOURCE
#include "symbols/symbols.h"

#include "symbols/demangle.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_BYTES_MAX = 64 };

typedef struct opened {
    struct opened *next;
    char *path, *id;
    Dwfl *dwfl; /* NULL: it cannot be read, or is another one */
    Dwfl_Module *file;
    uint64_t bias; /* from addresses of the file to those of the session */
} opened;

struct hl_symbols {
    opened *all;
};

static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                         .find_debuginfo = dwfl_build_id_find_debuginfo,
                                         .section_address = dwfl_offline_section_address};

hl_symbols *hl_symbols_create(void)
{
    return calloc(1, sizeof(hl_symbols));
}

void hl_symbols_destroy(hl_symbols *s)
{
    for (opened *o = s ? s->all : NULL, *next; o; o = next) {
        next = o->next;
        dwfl_end(o->dwfl);
        free(o->path);
        free(o->id);
        free(o);
    }
    free(s);
}

/* ---- files ------------------------------------------------------------------------------------- */

static bool has_id(Dwfl_Module *file, const char *id)
{
    const unsigned char *bits;
    GElf_Addr where;
    char text[2 * ID_BYTES_MAX + 1] = "";
    int n = dwfl_module_build_id(file, &bits, &where);
    for (int i = 0; i < n && i < ID_BYTES_MAX; i++)
        snprintf(text + 2 * i, 3, "%02x", bits[i]);
    return !*id || !strcmp(text, id);
}

/* What is no plain file is not opened for good: a pipe would wait. */
static int open_plain(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void read_file(opened *o)
{
    int fd = open_plain(o->path);
    if (fd < 0)
        return;
    o->dwfl = dwfl_begin(&callbacks);
    if (o->dwfl)
        dwfl_report_begin(o->dwfl);
    o->file = o->dwfl ? dwfl_report_offline(o->dwfl, o->path, o->path, fd) : NULL;
    if (!o->file) /* else the descriptor is the session's */
        close(fd);
    if (o->dwfl)
        dwfl_report_end(o->dwfl, NULL, NULL);
    GElf_Addr bias = 0;
    if (o->file && has_id(o->file, o->id) && dwfl_module_getelf(o->file, &bias)) {
        o->bias = bias;
        return;
    }
    dwfl_end(o->dwfl);
    o->dwfl = NULL;
}

static opened *file_of(hl_symbols *s, const char *path, const char *id)
{
    for (opened *o = s->all; o; o = o->next)
        if (!strcmp(o->path, path) && !strcmp(o->id, id))
            return o;
    opened *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->path = strdup(path);
    o->id = strdup(id);
    if (!o->path || !o->id) {
        free(o->path);
        free(o->id);
        free(o);
        return NULL;
    }
    o->next = s->all;
    s->all = o;
    read_file(o);
    return o;
}

/* ---- names ------------------------------------------------------------------------------------- */

static const char *copy(hl_arena *arena, const char *text)
{
    return text && *text ? hl_arena_copy(arena, text, strlen(text)) : NULL;
}

static const char *plain(hl_arena *arena, const char *name)
{
    const char *read = name ? hl_demangle(name, arena) : NULL;
    return read == name ? copy(arena, name) : read;
}

static bool is_function(Dwarf_Die *die)
{
    int tag = dwarf_tag(die);
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
           tag == DW_TAG_entry_point;
}

/* Where the function that scope was put into calls it: DW_AT_call_file and _line. */
static void called_at(Dwarf_Die *scope, Dwarf_Die *unit, hl_arena *arena, hl_symbol *out)
{
    Dwarf_Attribute a;
    Dwarf_Word file = 0, line = 0;
    Dwarf_Files *files;
    size_t n = 0;
    if (!dwarf_formudata(dwarf_attr(scope, DW_AT_call_line, &a), &line))
        out->line = line > UINT32_MAX ? 0 : (uint32_t)line;
    if (!dwarf_formudata(dwarf_attr(scope, DW_AT_call_file, &a), &file) &&
        !dwarf_getsrcfiles(unit, &files, &n) && file < n)
        out->file = copy(arena, dwarf_filesrc(files, file, NULL, NULL));
}

/* What lies around an address, innermost first, to be freed. dwarf_getscopes goes on from an inlined
 * function with what lies around its definition: from the innermost on the tree is asked instead. */
static int around(const opened *o, Dwarf_Die *unit, uint64_t at, Dwarf_Die **out)
{
    Dwarf_Addr bias = 0;
    Dwarf *dwarf = dwfl_module_getdwarf(o->file, &bias);
    Dwarf_Die *scopes = NULL, innermost;
    int n = dwarf ? dwarf_getscopes(unit, at - bias, &scopes) : 0;
    bool known = n > 0 && dwarf_offdie(dwarf, dwarf_dieoffset(&scopes[0]), &innermost) != NULL;
    free(scopes);
    *out = NULL;
    return known ? dwarf_getscopes_die(&innermost, out) : 0;
}

/* The functions around an address: those that were inlined, and the one they were put into. */
static unsigned scopes_of(const opened *o, uint64_t at, hl_arena *arena,
                          hl_symbol out[HL_SYMBOLS_MOST])
{
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = dwfl_module_addrdie(o->file, at, &bias), *scopes = NULL;
    int n = unit ? around(o, unit, at, &scopes) : 0;
    unsigned found = 0;
    for (int i = 0; i < n && found < HL_SYMBOLS_MOST; i++) {
        if (!is_function(&scopes[i]))
            continue;
        const char *name = dwarf_diename(&scopes[i]);
        out[found].function = copy(arena, name);
        if (dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine && found + 1 < HL_SYMBOLS_MOST)
            called_at(&scopes[i], unit, arena, &out[found + 1]);
        found++;
        if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
            break; /* what is around that is no caller */
    }
    free(scopes);
    return found;
}

/* A name of the symbol table, where the symbol reaches this far. */
static const char *symbol_of(const opened *o, uint64_t at)
{
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char *name = dwfl_module_addrinfo(o->file, at, &offset, &symbol, NULL, NULL, NULL);
    return name && offset < symbol.st_size ? name : NULL;
}

unsigned hl_symbols_find(hl_symbols *s, const char *path, const char *id, uint64_t at,
                         hl_arena *arena, hl_symbol out[HL_SYMBOLS_MOST])
{
    const opened *o = at && *path ? file_of(s, path, id) : NULL;
    memset(out, 0, HL_SYMBOLS_MOST * sizeof *out);
    if (!o || !o->dwfl)
        return 0;
    uint64_t call = at - 1 + o->bias;
    Dwfl_Line *line = dwfl_module_getsrc(o->file, call);
    unsigned n = scopes_of(o, call, arena, out);
    if (line) {
        int number = 0;
        out[0].file = copy(arena, dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL));
        out[0].line = number > 0 ? (uint32_t)number : 0;
    }
    if (!out[0].function)
        out[0].function = plain(arena, symbol_of(o, call));
    return n ? n : out[0].function || out[0].file;
}

/* Of a variable that lives in a function the compiler makes "name.7". */
static size_t plain_length(const char *name)
{
    size_t n = strlen(name), digits = n;
    while (digits && name[digits - 1] >= '0' && name[digits - 1] <= '9')
        digits--;
    return digits > 1 && digits < n && name[digits - 1] == '.' ? digits - 1 : n;
}

const char *hl_symbols_variable(hl_symbols *s, const char *path, const char *id, uint64_t at,
                                hl_arena *arena)
{
    const opened *o = at && *path ? file_of(s, path, id) : NULL;
    const char *name = o && o->dwfl ? symbol_of(o, at + o->bias) : NULL;
    const char *read = name ? hl_demangle(name, arena) : NULL;
    return read == name && name ? hl_arena_copy(arena, name, plain_length(name)) : read;
}
