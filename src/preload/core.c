/* preload/core.c: the core that fits this interpreter, loaded and armed; or a sentence why not.
 *
 * Room   preload; target process, GIL held, the program has not begun. No Python symbol is linked.
 * Takes  the package folders of the page, one a line. A folder may hold
 *            cores/3.11.7/_inside.so                        built for exactly this release
 *            _inside.cpython-311-x86_64-linux-gnu.so        built for some 3.11
 *        A core knows its exact release and refuses any other by itself; it is asked before anything
 *        is put into the interpreter. */
#define _GNU_SOURCE
#include "preload/core.h"
#include "preload/park.h"
#include "preload/signals.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION_TEXT = 32, PATH_TEXT = HL_PAGE_PATH + 512 };

typedef struct interpreter {
    char version[VERSION_TEXT]; /* "3.11.7" */
    char tag[VERSION_TEXT];     /* "_inside.cpython-311-" */
    const char *flavour;        /* "default", "free-threaded", "debug" */
    bool too_old;               /* before 3.9 */
    char other[VERSION_TEXT];   /* the release that a build of this minor one is for; "": none */
} interpreter;

static void refusal(hl_page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void refusal(hl_page *page, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(page->refusal, sizeof page->refusal, format, args);
    va_end(args);
}

/* ---- who are we in ------------------------------------------------------------------------- */

/* What it says of itself at any time, also before it is up. */
static bool ask_version(interpreter *out)
{
    const char *(*version)(void) = (const char *(*)(void))dlsym(RTLD_DEFAULT, "Py_GetVersion");
    if (!version)
        return false;
    const char *text = version();
    size_t n = strcspn(text, " ");
    snprintf(out->version, sizeof out->version, "%.*s", (int)n, text);
    int major = 0, minor = 0;
    if (sscanf(text, "%d.%d", &major, &minor) != 2)
        return false;
    out->other[0] = 0;
    snprintf(out->tag, sizeof out->tag, "_inside.cpython-%d%d-", major, minor);
    bool debug = dlsym(RTLD_DEFAULT, "_Py_NegativeRefcount") != NULL; /* Py_REF_DEBUG has it */
    out->flavour = strstr(text, "free-threading") ? "free-threaded" : debug ? "debug" : "default";
    out->too_old = major < 3 || (major == 3 && minor < 9);
    return true;
}

static bool ask_interpreter(interpreter *out)
{
    void *(*sys_get)(const char *) =
        (void *(*)(const char *))dlsym(RTLD_DEFAULT, "PySys_GetObject");
    if (!sys_get || !ask_version(out))
        return false;
    if (!strcmp(out->flavour, "default") && sys_get("gettotalrefcount"))
        out->flavour = "debug";
    return true;
}

static const char *own_path(char buf[HL_PAGE_PATH])
{
    ssize_t n = readlink("/proc/self/exe", buf, HL_PAGE_PATH - 1);
    buf[n < 0 ? 0 : n] = 0;
    return n < 0 ? "this interpreter" : buf;
}

/* ---- what is there ------------------------------------------------------------------------- */

/* Calls visit for each package folder until it says true. */
static bool any_package(const hl_page *page, bool (*visit)(const char *folder, void *to), void *to)
{
    char folder[HL_PAGE_PATH];
    for (const char *p = page->packages; *p;) {
        size_t n = strcspn(p, "\n");
        if (n && n < sizeof folder) {
            memcpy(folder, p, n);
            folder[n] = 0;
            if (visit(folder, to))
                return true;
        }
        p += n + (p[n] == '\n');
    }
    return false;
}

typedef struct builds {
    char text[512];
    size_t n;
} builds;

static void builds_add(builds *b, const char *name, size_t n)
{
    if (b->n + n + 3 > sizeof b->text)
        return;
    b->n += (size_t)snprintf(b->text + b->n, sizeof b->text - b->n, "%s%.*s", b->n ? ", " : "",
                             (int)n, name);
}

/* cores/3.13.0 is "3.13.0"; _inside.cpython-311-x86_64-linux-gnu.so is "some 3.11". */
static bool list_builds(const char *folder, void *to)
{
    builds *b = to;
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "%s/cores", folder);
    DIR *d = opendir(path);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            builds_add(b, e->d_name, strlen(e->d_name));
    if (d)
        closedir(d);
    d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));) {
        unsigned minor;
        char name[VERSION_TEXT];
        if (sscanf(e->d_name, "_inside.cpython-3%u-", &minor) == 1)
            builds_add(b, name, (size_t)snprintf(name, sizeof name, "a 3.%u", minor));
    }
    if (d)
        closedir(d);
    return false;
}

static void refuse_unfit(hl_page *page, const interpreter *who)
{
    char exe[HL_PAGE_PATH];
    builds b = {.n = 0};
    any_package(page, list_builds, &b);
    own_path(exe);
    if (strcmp(who->flavour, "default"))
        refusal(page,
                "%.400s is a %s build of CPython %s, which heaplens cannot look into: choose a "
                "default build of 3.9 to 3.15 with --python",
                exe, who->flavour, who->version);
    else if (who->too_old)
        refusal(page,
                "%.400s is Python %s, which is older than heaplens can look into: choose a CPython "
                "of 3.9 to 3.15 with --python",
                exe, who->version);
    else if (who->other[0])
        refusal(page,
                "%.400s is CPython %s, and heaplens was built for %s: run %.400s -m pip install "
                "heaplens, or choose another interpreter with --python",
                exe, who->version, who->other, exe);
    else if (b.n)
        refusal(page,
                "%.400s is CPython %s, and there is no build of heaplens for it, only for %s: run "
                "%.400s -m pip install heaplens, or choose another interpreter with --python",
                exe, who->version, b.text, exe);
    else
        refusal(page,
                "%.400s is CPython %s, and no build of heaplens was found at all (looked in "
                "%.400s): install heaplens anew, or set HEAPLENS_HOME to its package folder",
                exe, who->version, page->packages);
}

/* ---- the one that fits --------------------------------------------------------------------- */

typedef struct attempt {
    hl_page *page;
    hl_core *core;
    const interpreter *who;
    bool final; /* it fits, and refuses: no other build would do */
} attempt;

static bool load(const char *path, attempt *a)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        refusal(a->page, "cannot load %.500s: %.400s", path, why ? why : "unknown reason");
        return false;
    }
    typedef void at_clearing(const unsigned long *, unsigned);
    typedef int arm_fn(hl_page *, at_clearing *, void (*end_by_signal)(int));
    arm_fn *arm = (arm_fn *)dlsym(handle, "hl_inside_arm");
    *a->core = (hl_core){
        .farewell = (void (*)(const char *, int))dlsym(handle, "hl_inside_farewell"),
        .threads = (int (*)(void))dlsym(handle, "hl_inside_threads"),
        .dying = (int (*)(int, int))dlsym(handle, "hl_inside_dying"),
        .asked = (void (*)(void))dlsym(handle, "hl_inside_asked"),
        .track = (void *(*)(void))dlsym(handle, "hl_inside_track"),
        .look = (void (*)(void))dlsym(handle, "hl_inside_look_at_round"),
        .leave = (void (*)(int))dlsym(handle, "hl_inside_leave"),
    };
    if (!arm || !a->core->farewell || !a->core->threads || !a->core->look || !a->core->dying ||
        !a->core->asked || !a->core->leave || !a->core->track) {
        refusal(a->page, "%.500s is no core of this heaplens: install heaplens anew", path);
        return false;
    }
    int refused = arm(a->page, hl_park_blocked, hl_signals_die);
    a->final = refused > 0;
    return refused == 0;
}

static bool load_from(const char *folder, void *to)
{
    attempt *a = to;
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "%s/cores/%s/_inside.so", folder, a->who->version);
    if (!access(path, F_OK) && (load(path, a) || a->final))
        return true;
    bool fits = false;
    DIR *d = opendir(folder);
    for (const struct dirent *e; !fits && d && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (strncmp(e->d_name, a->who->tag, strlen(a->who->tag)) || n < 3 ||
            strcmp(e->d_name + n - 3, ".so"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        fits = load(path, a) || a->final;
    }
    if (d)
        closedir(d);
    return fits;
}

/* The core of some release of this minor version: of this one? One that cannot be loaded says why
 * when it is to be armed. */
static bool is_of_release(const char *path, interpreter *who)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *of = handle ? (const char *)dlsym(handle, "hl_inside_release") : NULL;
    bool same = !handle || (of && !strcmp(of, who->version));
    if (same)
        return true; /* it stays loaded, for it is soon to be armed */
    snprintf(who->other, sizeof who->other, "%s", of ? of : "another release");
    dlclose(handle);
    return false;
}

static bool has_build(const char *folder, void *to)
{
    interpreter *who = to;
    char path[PATH_TEXT];
    snprintf(path, sizeof path, "%s/cores/%s/_inside.so", folder, who->version);
    bool fits = !access(path, R_OK);
    DIR *d = fits ? NULL : opendir(folder);
    for (const struct dirent *e; !fits && d && (e = readdir(d));) {
        if (strncmp(e->d_name, who->tag, strlen(who->tag)))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        fits = is_of_release(path, who);
    }
    if (d)
        closedir(d);
    return fits;
}

bool hl_core_fits(const hl_page *page)
{
    interpreter who;
    return !dlsym(RTLD_DEFAULT, "PyPy_GetVersion") && ask_version(&who) && !who.too_old &&
           !strcmp(who.flavour, "default") && any_package(page, has_build, &who);
}

void hl_core_refuse(hl_page *page)
{
    interpreter who;
    if (dlsym(RTLD_DEFAULT, "PyPy_GetVersion"))
        refusal(page, "this is PyPy, which keeps its objects in another way: choose a CPython of "
                      "3.9 to 3.15 with --python");
    else if (ask_version(&who)) {
        any_package(page, has_build, &who);
        refuse_unfit(page, &who);
    } else
        refusal(page,
                "this interpreter does not say which Python it is: choose a CPython of 3.9 to "
                "3.15 with --python");
}

hl_arming hl_core_arm(hl_page *page, hl_core *out)
{
    interpreter who;
    if (!ask_interpreter(&who)) {
        hl_core_refuse(page);
        return HL_UNFIT;
    }
    snprintf(page->python, sizeof page->python, "%s", who.version);
    attempt a = {.page = page, .core = out, .who = &who};
    if (!strcmp(who.flavour, "default") && any_package(page, load_from, &a))
        return a.final ? HL_REFUSED : HL_ARMED;
    if (!page->refusal[0])
        refuse_unfit(page, &who);
    return HL_UNFIT;
}
