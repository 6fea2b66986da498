/* report/known_text.c: what is known of libraries: `explain libraries`, docs/causes/libraries.md.
 *
 * Room   report; analyser process.
 * Takes  the rows of diagnose/known.def, those of one package standing together. */
#include "report/text_parts.h"

#include <string.h>

static const char title[] = "Caches and registries of CPython and of much-used packages";
static const char intro[] =
    "What heaplens knows of containers that are not yours. It changes the words of a finding and "
    "its place among findings of the same weight; growth is never hidden by it. `bounded`: it "
    "stops by itself. `keeps`: whatever it was ever given stays until the process ends, so that "
    "fresh keys are a leak. `held`: what is put in stays until somebody takes it out.";

static const char *law_word(hl_known_law law)
{
    static const char *const words[] = {
        [HL_KNOWN_BOUNDED] = "bounded", [HL_KNOWN_KEEPS] = "keeps", [HL_KNOWN_HELD] = "held"};
    return words[law];
}

static bool new_package(const hl_known *rows, uint32_t i)
{
    return !i || strcmp(rows[i].package, rows[i - 1].package) != 0;
}

/* "logging-loggers (keeps): logging's registry of loggers. Why. To do: fix." */
static void sentence(const hl_known *k, const char *quote, hl_out *out)
{
    hl_out_printf(out, "%s%s%s (%s): %s; %s. To do: %s.", quote, k->id, quote, law_word(k->law),
                  k->what, k->why, k->fix);
    hl_out_write(out, "", 1);
}

static void wrapped(const hl_known *k, const char *quote, const hl_style *style, hl_out *out)
{
    hl_out text = {0};
    sentence(k, quote, &text);
    if (!text.failed)
        hl_out_wrapped(out, style, *quote ? 2 : 4, text.bytes);
    out->failed |= text.failed;
    hl_out_deinit(&text);
}

void hl_known_text(const hl_known *rows, uint32_t n, const hl_style *style, hl_out *out)
{
    hl_paint_text(out, style, HL_BOLD, "libraries");
    hl_out_text(out, ": ");
    hl_out_wrapped(out, style, strlen("libraries: "), title);
    hl_out_text(out, "\n  ");
    hl_out_wrapped(out, style, 2, intro);
    for (uint32_t i = 0; i < n; i++) {
        if (new_package(rows, i)) {
            hl_out_text(out, "\n");
            hl_paint_text(out, style, HL_BOLD, rows[i].package);
            hl_out_text(out, "\n");
        }
        hl_out_text(out, "  - ");
        wrapped(&rows[i], "", style, out);
    }
}

void hl_known_markdown(const hl_known *rows, uint32_t n, hl_out *out)
{
    const hl_style style = {.width = HL_TEXT_WIDTH, .unicode = true};
    hl_out_printf(out, "# libraries\n\n%s.\n\n", title);
    hl_out_wrapped(out, &style, 0, intro);
    for (uint32_t i = 0; i < n; i++) {
        if (new_package(rows, i))
            hl_out_printf(out, "\n## %s\n\n", rows[i].package);
        hl_out_text(out, "- ");
        wrapped(&rows[i], "`", &style, out);
    }
}

static void put_patterns(hl_json *j, const char *key, const char *patterns)
{
    hl_json_key(j, key);
    hl_json_open(j, '[');
    while (*patterns) {
        char one[256];
        size_t n = strcspn(patterns, "|"), copied = n < sizeof one ? n : sizeof one - 1;
        memcpy(one, patterns, copied);
        one[copied] = 0;
        hl_json_text(j, one);
        patterns += n + (patterns[n] == '|');
    }
    hl_json_close(j, ']');
}

void hl_known_json(const hl_known *rows, uint32_t n, hl_out *out)
{
    hl_json j = {.out = out, .lines = 2};
    hl_json_open(&j, '{');
    hl_json_key(&j, "schema");
    hl_json_text(&j, "heaplens.libraries/1");
    hl_json_key(&j, "libraries");
    hl_json_open(&j, '[');
    for (uint32_t i = 0; i < n; i++) {
        const hl_known *k = &rows[i];
        const char *const fields[][2] = {
            {"id", k->id},     {"package", k->package}, {"law", law_word(k->law)},
            {"what", k->what}, {"why", k->why},         {"fix", k->fix}};
        hl_json_open(&j, '{');
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
            hl_json_key(&j, fields[f][0]);
            hl_json_text(&j, fields[f][1]);
        }
        put_patterns(&j, "names", k->names);
        put_patterns(&j, "owners", k->owners);
        hl_json_close(&j, '}');
    }
    hl_json_close(&j, ']');
    hl_json_close(&j, '}');
}
