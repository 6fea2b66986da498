/* cli/doctor_here.c: what heaplens finds on this machine, and the command that mends what it
 * misses.
 *
 * Room   cli. The interpreter is asked by starting it (isolated, without site): it alone knows its
 *        release, and whether the core built for it loads. */
#define _GNU_SOURCE
#include "base/arena.h"
#include "cli/doctor.h"
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHECKS_MAX = 16, ANSWER_MAX = 8192 };

extern char **environ;

typedef struct check {
    const char *name, *text;
    const char *mend; /* NULL: it is fine */
} check;

typedef struct findings {
    hl_arena *arena;
    check checks[CHECKS_MAX];
    unsigned n, missing;
} findings;

static void add(findings *f, const char *name, const char *text, const char *mend)
{
    if (f->n == CHECKS_MAX || !text)
        return;
    f->checks[f->n++] = (check){name, text, mend};
    f->missing += mend != NULL;
}

/* ---- the interpreter --------------------------------------------------------------------------
 */

/* Prints release, flavour, the core that loads or an empty line, and why another did not. */
static const char questions[] =
    "import glob, importlib.machinery as m, importlib.util as u, os, platform, sys, sysconfig\n"
    "why = found = ''\n"
    "v = platform.python_version()\n"
    "for folder in sys.argv[1].split('\\n'):\n"
    "    mine = [folder + '/_inside' + s for s in m.EXTENSION_SUFFIXES]\n"
    "    mine += glob.glob(glob.escape(folder) + '/cores/*/_inside*.so')\n"
    "    for path in filter(os.path.exists, mine):\n"
    "        try:\n"
    "            spec = u.spec_from_file_location('heaplens._inside', path)\n"
    "            spec.loader.exec_module(u.module_from_spec(spec))\n"
    "            found = found or path\n"
    "        except BaseException as e:\n"
    "            why = str(e).split('\\n')[0]\n"
    "print(v, sysconfig.get_config_var('SOABI') or '', found, '' if found else why, sep='\\n')\n";

/* What the command prints, in the arena; NULL if it failed. */
static char *ask(hl_arena *arena, const char *const *command)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC))
        return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    int error = posix_spawn(&pid, command[0], &actions, NULL, (char *const *)command, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    char *answer = hl_arena_alloc(arena, ANSWER_MAX);
    size_t n = 0;
    for (ssize_t got = 1; !error && answer && got && n < ANSWER_MAX - 1;) {
        got = read(ends[0], answer + n, ANSWER_MAX - 1 - n);
        if (got < 0 && errno != EINTR)
            break;
        n += got > 0 ? (size_t)got : 0;
        got = got < 0 ? 1 : got;
    }
    close(ends[0]);
    int status = 0;
    while (!error && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return error || status || !answer ? NULL : answer;
}

/* Cuts the next line off. */
static char *next_line(char **text)
{
    char *line = *text, *end = strchr(line, '\n');
    if (end) {
        *end = 0;
        *text = end + 1;
    } else {
        *text = line + strlen(line);
    }
    return line;
}

static void check_core(findings *f, const hl_python *python, const char *folders)
{
    const char *command[] = {python->path, "-I", "-S", "-c", questions, folders, NULL};
    char *answer = ask(f->arena, command);
    if (!answer) {
        add(f, "core", hl_arena_printf(f->arena, "%s did not answer", python->path),
            "name a working interpreter: heaplens run --python PATH ...");
        return;
    }
    const char *version = next_line(&answer), *flavour = next_line(&answer);
    const char *core = next_line(&answer), *why = next_line(&answer);
    if (*core) {
        add(f, "core", hl_arena_printf(f->arena, "%s, for Python %s (%s)", core, version, flavour),
            NULL);
        return;
    }
    add(f, "core",
        hl_arena_printf(f->arena, "none for Python %s (%s)%s%s", version, flavour, *why ? ": " : "",
                        why),
        hl_arena_printf(f->arena, "install heaplens with that interpreter: %s -m pip install .",
                        python->path));
}

static void check_python(findings *f)
{
    hl_err err = {0};
    hl_python python;
    if (hl_python_find(NULL, f->arena, &python, &err)) {
        add(f, "python", hl_arena_printf(f->arena, "%s", err.text),
            "install python3, or name one: heaplens run --python PATH ...");
        return;
    }
    add(f, "python", python.path, NULL);
    hl_package package;
    if (hl_package_find(&python, f->arena, &package, &err)) {
        add(f, "package", hl_arena_printf(f->arena, "%s", err.text),
            hl_arena_printf(f->arena, "%s -m pip install .", python.path));
        return;
    }
    add(f, "preload", package.preload, NULL);
    check_core(f, &python, package.folders);
}

/* ---- the system -------------------------------------------------------------------------------
 */

static void check_system(findings *f)
{
    int fd = memfd_create("heaplens", MFD_CLOEXEC);
    if (fd >= 0)
        close(fd);
    add(f, "memfd", fd >= 0 ? "memfd_create works" : "memfd_create is refused",
        fd >= 0 ? NULL : "allow memfd_create in the sandbox's rules (Linux 3.17 or later)");
    bool proc = !access("/proc/self/maps", R_OK);
    add(f, "proc", proc ? "/proc is there" : "/proc is not mounted",
        proc ? NULL : "mount -t proc proc /proc");
    char mode = 0;
    FILE *file = fopen("/proc/sys/vm/overcommit_memory", "re");
    if (file) {
        mode = (char)fgetc(file);
        fclose(file);
    }
    if (mode == '2')
        add(f, "memory",
            "overcommit is off (vm.overcommit_memory = 2): a snapshot needs as much "
            "free memory as the program has",
            "sysctl vm.overcommit_memory=0, or leave room for a copy of the program");
    else
        add(f, "memory", "a cloned child shares the program's pages", NULL);
    bool writable = !access(".", W_OK);
    add(f, "folder", writable ? "recordings can be written here" : "this folder is not writable",
        writable ? NULL : "name the recording elsewhere: heaplens run -o /tmp/F.hlens ...");
}

/* ---- words ------------------------------------------------------------------------------------
 */

static void as_json(const findings *f, hl_out *out)
{
    hl_json j = {.out = out, .lines = 2};
    hl_json_open(&j, '{');
    hl_json_key(&j, "schema");
    hl_json_text(&j, "heaplens.doctor/1");
    hl_json_key(&j, "version");
    hl_json_text(&j, HL_VERSION);
    hl_json_key(&j, "checks");
    hl_json_open(&j, '[');
    for (unsigned i = 0; i < f->n; i++) {
        hl_json_open(&j, '{');
        hl_json_key(&j, "name");
        hl_json_text(&j, f->checks[i].name);
        hl_json_key(&j, "ok");
        hl_json_bool(&j, !f->checks[i].mend);
        hl_json_key(&j, "text");
        hl_json_text(&j, f->checks[i].text);
        hl_json_key(&j, "mend");
        hl_json_text(&j, f->checks[i].mend);
        hl_json_close(&j, '}');
    }
    hl_json_close(&j, ']');
    hl_json_close(&j, '}');
}

static void as_text(const findings *f, hl_out *out)
{
    for (unsigned i = 0; i < f->n; i++) {
        const check *k = &f->checks[i];
        hl_out_printf(out, "%-8s %-9s ", k->mend ? "missing" : "ok", k->name);
        hl_out_safe(out, k->text, 0);
        hl_out_text(out, "\n");
        if (k->mend) {
            hl_out_printf(out, "%-8s %-9s ", "", "to mend:");
            hl_out_safe(out, k->mend, 0);
            hl_out_text(out, "\n");
        }
    }
}

int hl_doctor_here(const hl_context *c)
{
    hl_arena arena;
    hl_arena_init(&arena);
    findings f = {.arena = &arena};
    add(&f, "heaplens", HL_VERSION, NULL);
    check_python(&f);
    check_system(&f);
    hl_out out = {0};
    if (c->json)
        as_json(&f, &out);
    else
        as_text(&f, &out);
    int code = f.missing ? HL_EXIT_TARGET : HL_EXIT_OK;
    hl_arena_deinit(&arena);
    return hl_print(&out, code);
}
