/* cli/doctor_file.c: is a recording whole?
 *
 * Room   cli; analyser process.
 * Exit   0: whole. 4: readable in part. 3: not readable at all. */
#include "cli/doctor.h"
#include "cli/files.h"

#include <inttypes.h>
#include <string.h>

typedef enum state { WHOLE, TORN, DAMAGED, UNREADABLE } state;
static const char *const state_word[] = {
    [WHOLE] = "whole", [TORN] = "cut off", [DAMAGED] = "damaged", [UNREADABLE] = "unreadable"};

static state judge(const hl_snap_verdict *v)
{
    if (v->broken || v->damage.gaps || v->damage.payloads_bad)
        return DAMAGED;
    if (v->torn || v->damage.torn_tail || v->damage.bytes_lost)
        return TORN;
    return WHOLE;
}

/* run NULL: could not be opened. */
static void as_json(const char *path, const hl_run *run, const hl_snap_verdict *v, state is,
                    hl_json *to)
{
    static const char *const word[] = {"whole", "torn", "damaged", "unreadable"};
    hl_json j = *to;
    hl_json_open(&j, '{');
    hl_json_key(&j, "schema");
    hl_json_text(&j, "heaplens.doctor-file/1");
    hl_json_key(&j, "file");
    hl_json_text(&j, path);
    hl_json_key(&j, "state");
    hl_json_text(&j, word[is]);
    hl_json_key(&j, "snapshots");
    hl_json_open(&j, '{');
    hl_json_key(&j, "whole");
    hl_json_uint(&j, v->whole);
    hl_json_key(&j, "torn");
    hl_json_uint(&j, v->torn);
    hl_json_key(&j, "broken");
    hl_json_uint(&j, v->broken);
    hl_json_close(&j, '}');
    hl_json_key(&j, "bytes_lost");
    hl_json_uint(&j, v->damage.bytes_lost);
    hl_json_key(&j, "first_offset");
    if (v->damage.bytes_lost || v->damage.payloads_bad)
        hl_json_uint(&j, v->damage.first_offset);
    else
        hl_json_null(&j);
    hl_json_key(&j, "problem");
    hl_json_text(&j, *v->first_problem ? v->first_problem : NULL);
    hl_json_key(&j, "program");
    hl_json_text(&j, run && *run->program ? run->program : NULL);
    hl_json_key(&j, "python");
    hl_json_text(&j, run && *run->python ? run->python : NULL);
    hl_json_close(&j, '}');
    *to = j;
}

static void about(const hl_run *run, hl_out *out)
{
    hl_out_text(out, "  of ");
    hl_out_safe(out, *run->program ? run->program : "an unnamed program", 60);
    if (*run->python) {
        hl_out_text(out, ", Python ");
        hl_out_safe(out, run->python, 24);
    }
    if (*run->tool) {
        hl_out_text(out, ", recorded by heaplens ");
        hl_out_safe(out, run->tool, 24);
    }
    if (run->ended)
        hl_out_printf(out, ", %.1f s, exit %d\n", (double)run->seconds_us / 1e6, run->exit);
    else
        hl_out_text(out, "; its end is not recorded\n");
}

static void as_text(const hl_context *c, const char *path, const hl_run *run,
                    const hl_snap_verdict *v, state is, hl_out *out)
{
    char bytes[16];
    hl_out_safe(out, path, 0);
    hl_out_printf(out, ": %s\n", state_word[is]);
    hl_out_printf(out, "  %" PRIu32 " snapshot%s whole", v->whole, v->whole == 1 ? "" : "s");
    if (v->torn)
        hl_out_printf(out, ", %" PRIu32 " begun and not finished", v->torn);
    if (v->broken)
        hl_out_printf(out, ", %" PRIu32 " broken", v->broken);
    hl_out_text(out, "\n");
    about(run, out);
    if (v->damage.bytes_lost)
        hl_out_printf(out, "  %s belong to no readable record, the first at byte %" PRIu64 "\n",
                      hl_bytes_text(v->damage.bytes_lost, bytes), v->damage.first_offset);
    if (v->damage.payloads_bad)
        hl_out_printf(out, "  %" PRIu32 " record%s with a wrong checksum\n", v->damage.payloads_bad,
                      v->damage.payloads_bad == 1 ? "" : "s");
    if (*v->first_problem) {
        hl_out_text(out, "  first: ");
        hl_out_safe(out, v->first_problem, 0);
        hl_out_text(out, "\n");
    }
    if (is != WHOLE && v->whole)
        hl_out_text(out, "  what is whole can be used: heaplens diagnose FILE\n");
    if (c->verbose)
        for (uint32_t i = 0; i < run->n_snaps; i++) {
            const hl_snap_info *s = &run->snaps[i];
            hl_out_printf(out, "  snapshot %" PRIu32 ": %.1f s, %s, rss %s\n", i + 1,
                          (double)s->time_us / 1e6, s->unsettled ? "unsettled" : "settled",
                          hl_bytes_text(s->rss_bytes, bytes));
        }
}

static state examine(const hl_context *c, const char *path, hl_json *j, hl_out *out)
{
    hl_run *run = NULL;
    hl_err err = {0};
    hl_snap_verdict v = {0};
    if (hl_file_open(path, &run, &err) || hl_run_verify(run, &v, &err)) {
        memcpy(v.first_problem, err.text, sizeof v.first_problem);
        hl_run_close(run);
        if (c->json)
            as_json(path, NULL, &v, UNREADABLE, j);
        else
            (void)hl_fail(&err);
        return UNREADABLE;
    }
    state is = judge(&v);
    if (!v.whole && is != WHOLE)
        is = UNREADABLE;
    if (c->json)
        as_json(path, run, &v, is, j);
    else
        as_text(c, path, run, &v, is, out);
    hl_run_close(run);
    return is;
}

int hl_doctor_files(const hl_context *c, char *const *paths, uint32_t n)
{
    static const int code[] = {[WHOLE] = HL_EXIT_OK,
                               [TORN] = HL_EXIT_INCOMPLETE,
                               [DAMAGED] = HL_EXIT_INCOMPLETE,
                               [UNREADABLE] = HL_EXIT_TARGET};
    hl_paths list = {0};
    hl_out out = {0};
    hl_err err = {0};
    bool folder = false;
    if (hl_paths_list(paths, n, &list, &folder, &err))
        return hl_fail(&err);
    hl_json j = {.out = &out, .lines = list.n > 1 ? 3 : 1};
    uint32_t count[UNREADABLE + 1] = {0};
    state worst = WHOLE;
    if (c->json && list.n > 1) {
        hl_json_open(&j, '{');
        hl_json_key(&j, "schema");
        hl_json_text(&j, "heaplens.doctor-files/1");
        hl_json_key(&j, "files");
        hl_json_open(&j, '[');
    }
    for (uint32_t i = 0; i < list.n; i++) {
        state is = examine(c, list.at[i], &j, &out);
        count[is]++;
        worst = is > worst ? is : worst;
    }
    if (c->json && list.n > 1) {
        hl_json_close(&j, ']');
        hl_json_close(&j, '}');
    } else if (list.n > 1) {
        hl_out_printf(&out,
                      "%" PRIu32 " files: %" PRIu32 " whole, %" PRIu32 " cut off, %" PRIu32
                      " damaged, %" PRIu32 " unreadable\n",
                      list.n, count[WHOLE], count[TORN], count[DAMAGED], count[UNREADABLE]);
    }
    bool some = count[UNREADABLE] < list.n; /* one of many: readable in part */
    hl_paths_free(&list);
    return hl_print(&out, worst == UNREADABLE && some ? HL_EXIT_INCOMPLETE : code[worst]);
}
