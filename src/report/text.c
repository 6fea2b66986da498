/* report/text.c: the verdict on a terminal: short, and clear at first sight.
 *
 * Room   report; analyser process.
 * Order  the verdict, and for each finding: the sentence, the chain with the guilty edge marked,
 *        how it grew, what proves it, the fix, what to type for more. Then what was seen and is no
 *        leak, and what was not seen. */
#include "report/text_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LABEL = 9, INDENT = 4, EVIDENCE_SHOWN = 4, SITES_SHOWN = 3, NOTES_SHOWN = 3 };

static const char *const confidence_word[] = {
    [HL_POSSIBLE] = "possible", [HL_STRONG] = "strong", [HL_CERTAIN] = "certain"};

/* The label of a paragraph; the cursor is at INDENT + LABEL after it. */
static void label(hl_out *o, const hl_style *style, const char *name)
{
    hl_out_spaces(o, INDENT);
    hl_paint_text(o, style, HL_DIM, name);
    hl_out_spaces(o, LABEL - strlen(name));
}

static void paragraph(hl_out *o, const hl_style *style, const char *name, const char *text)
{
    label(o, style, name);
    hl_out_wrapped(o, style, INDENT + LABEL, text);
}

/* The path without its folders. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void seconds_text(double s, char *buf, size_t size)
{
    if (s < 10)
        snprintf(buf, size, "%.1f s", s);
    else if (s < 600)
        snprintf(buf, size, "%.0f s", s);
    else if (s < 36000)
        snprintf(buf, size, "%.0f min", s / 60);
    else if (s < 360000)
        snprintf(buf, size, "%.1f h", s / 3600);
    else
        snprintf(buf, size, "%.0f days", s / 86400);
}

/* What was looked at: after the verdict if it fits there, else on the next line. */
static void about(const hl_diagnosis *d, const hl_style *style, hl_out *o, size_t used)
{
    char seconds[32];
    hl_out text = {0};
    if (d->target.program && *d->target.program) {
        hl_out_safe(&text, base_name(d->target.program), 40);
        hl_out_text(&text, ", ");
    }
    if (d->target.python && *d->target.python) {
        hl_out_text(&text, "Python ");
        hl_out_safe(&text, d->target.python, 24);
        hl_out_text(&text, ", ");
    }
    seconds_text(d->observed.seconds, seconds, sizeof seconds);
    hl_out_printf(&text, "%s, %" PRIu32 " snapshot%s", seconds, d->observed.snapshots,
                  d->observed.snapshots == 1 ? "" : "s");
    if (d->n_processes)
        hl_out_printf(&text, " of %" PRIu32 " processes", d->n_processes);
    char count[32];
    if (d->observed.rounds > 0)
        hl_out_printf(&text, ", %s %s%s", hl_count_text((uint64_t)d->observed.rounds, count),
                      d->n_resources ? "call" : "round", d->observed.rounds == 1 ? "" : "s");
    bool fits = used + 3 + text.n <= hl_style_width(style);
    hl_out_text(o, fits ? "   " : "\n  ");
    hl_paint_begin(o, style, HL_DIM);
    hl_out_write(o, text.bytes, text.n);
    hl_paint_end(o, style, HL_DIM);
    hl_out_text(o, "\n");
    hl_out_deinit(&text);
}

/* "heaplens: LEAK  unbounded-cache (certain)   app.py, Python 3.11.7, 12 s, 5 snapshots" */
static void headline(const hl_diagnosis *d, const hl_style *style, hl_out *o)
{
    static const struct {
        const char *word;
        hl_paint paint;
    } as[] = {[HL_NO_LEAK] = {"NO LEAK", HL_GREEN},
              [HL_UNDECIDED] = {"UNDECIDED", HL_YELLOW},
              [HL_LEAK] = {"LEAK", HL_RED}};
    size_t used = strlen("heaplens: ") + strlen(as[d->verdict].word);
    hl_out_text(o, "heaplens: ");
    hl_paint_text(o, style, as[d->verdict].paint, as[d->verdict].word);
    if (d->n_findings == 1) {
        hl_out_text(o, "  ");
        hl_paint_text(o, style, HL_BOLD, d->findings[0].cause);
        hl_out_printf(o, " (%s)", confidence_word[d->findings[0].confidence]);
        used += strlen("  ") + strlen(d->findings[0].cause) + strlen(" (possible)");
    } else if (d->n_findings) {
        hl_out_printf(o, "  %" PRIu32 " findings", d->n_findings);
        used += strlen("  99 findings");
    }
    about(d, style, o, used);
}

static void amount(uint64_t v, const char *unit, char buf[48])
{
    if (unit && !strcmp(unit, "bytes"))
        hl_bytes_text(v, buf);
    else
        hl_count_text(v, buf);
}

/* "+3 objects, 1.2 KB per round" */
static void per_round(const hl_diagnosis *d, const hl_finding *f, const hl_style *style, hl_out *o)
{
    char bytes[16];
    double objects = f->growth.per_round, size = f->growth.bytes_per_round;
    if (size < 0 || !isfinite(size))
        return;
    label(o, style, "");
    if (objects >= 0 && isfinite(objects))
        hl_out_printf(o, "+%.3g %s, ", objects, f->series_unit ? f->series_unit : "objects");
    else
        hl_out_text(o, "+");
    hl_out_printf(o, "%s per %s\n", hl_bytes_text((uint64_t)size, bytes),
                  d->n_resources ? "call" : "round");
}

static void growth(const hl_diagnosis *d, const hl_finding *f, const hl_style *style, hl_out *o)
{
    char a[48], b[48];
    const char *comma = "";
    label(o, style, f->n_series ? "growth" : "keeps");
    if (f->n_series) {
        hl_paint_begin(o, style, HL_RED);
        hl_spark(o, style, f->series, f->n_series);
        hl_paint_end(o, style, HL_RED);
        /* a local that was let go ends at 0: the peak says what it was */
        uint64_t peak = 0;
        for (uint32_t i = 0; i < f->n_series; i++)
            peak = f->series[i] > peak ? f->series[i] : peak;
        amount(f->series[0], f->series_unit, a);
        amount(peak, f->series_unit, b);
        hl_out_printf(o, "  %s %s %s", a, style->unicode ? "→" : "->", b);
        if (f->series_unit && strcmp(f->series_unit, "bytes"))
            hl_out_printf(o, " %s", f->series_unit);
        comma = ", ";
    }
    /* of several processes the line is of the one whose words these are */
    uint64_t bytes = f->n_shares ? f->shares[0].bytes : f->growth.bytes;
    double rate = f->n_shares ? f->shares[0].per_second : f->growth.per_second;
    bool said = f->n_series && f->series_unit && !strcmp(f->series_unit, "bytes");
    if (!said)
        hl_out_printf(o, "%s%s", comma, hl_bytes_text(bytes, a));
    if (rate >= 0 && isfinite(rate))
        hl_out_printf(o, ", %s/s", hl_bytes_text((uint64_t)rate, a));
    hl_out_text(o, "\n");
    per_round(d, f, style, o);
}

/* ---- several processes ----------------------------------------------------------------------- */

/* How many of the processes were started by another one that is observed; and of those that a
 * finding is in (f NULL: all). */
static uint32_t workers(const hl_diagnosis *d, const hl_finding *f)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < (f ? f->n_shares : d->n_processes); i++)
        n += d->processes[f ? f->shares[i].process : i].parent != 0;
    return n;
}

/* "4 of 8 workers leak here: ", before the sentence. */
static void who(const hl_diagnosis *d, const hl_finding *f, char *out, size_t size)
{
    bool sure = f->confidence != HL_POSSIBLE;
    const char *one = sure ? "leaks" : "grows", *many = sure ? "leak" : "grow";
    uint32_t here = workers(d, f), all = workers(d, NULL), others = f->n_shares - here;
    bool family = all && all + 1 == d->n_processes; /* one process and those it started */
    *out = 0;
    if (!d->n_processes)
        return;
    if (family && others && here)
        snprintf(out, size,
                 "the first process and %" PRIu32 " of %" PRIu32 " worker%s %s here: ", here, all,
                 all == 1 ? "" : "s", many);
    else if (family && others)
        snprintf(out, size, "the first process %s here: ", one);
    else
        snprintf(out, size, "%" PRIu32 " of %" PRIu32 " %s%s %s here: ", f->n_shares,
                 others ? d->n_processes : all, others ? "process" : "worker",
                 (others ? d->n_processes : all) == 1 ? ""
                 : others                             ? "es"
                                                      : "s",
                 f->n_shares == 1 ? one : many);
}

/* "23 MB to 60 MB, 194 MB in all: 4243 4244 4247 4249" */
static void shares(const hl_diagnosis *d, const hl_finding *f, const hl_style *style, hl_out *o)
{
    enum { PIDS_SHOWN = 8 };
    char a[16], b[16], sum[16];
    uint64_t least = UINT64_MAX, most = 0;
    if (f->n_shares < 2)
        return;
    for (uint32_t i = 0; i < f->n_shares; i++) {
        least = f->shares[i].bytes < least ? f->shares[i].bytes : least;
        most = f->shares[i].bytes > most ? f->shares[i].bytes : most;
    }
    hl_out text = {0};
    hl_bytes_text(least, a);
    hl_bytes_text(most, b);
    hl_out_printf(&text, "%s%s%s, %s in all; pids", a, strcmp(a, b) ? " to " : "",
                  strcmp(a, b) ? b : "", hl_bytes_text(f->growth.bytes, sum));
    uint32_t shown = style->verbose || f->n_shares <= PIDS_SHOWN ? f->n_shares : PIDS_SHOWN;
    for (uint32_t i = 0; i < shown; i++)
        hl_out_printf(&text, " %" PRIu32, d->processes[f->shares[i].process].pid);
    if (shown < f->n_shares)
        hl_out_printf(&text, " and %" PRIu32 " more", f->n_shares - shown);
    hl_out_write(&text, "", 1);
    paragraph(o, style, "in each", text.bytes ? (const char *)text.bytes : "");
    hl_out_deinit(&text);
}

static void sites(const hl_finding *f, const hl_style *style, hl_out *o)
{
    uint32_t shown =
        style->verbose || f->n_allocated_at < SITES_SHOWN ? f->n_allocated_at : SITES_SHOWN;
    for (uint32_t i = 0; i < shown; i++) {
        const hl_site *s = &f->allocated_at[i];
        char count[32], bytes[16];
        label(o, style, i ? "" : "made at");
        hl_paint_begin(o, style, HL_BOLD);
        hl_out_safe(o, s->name ? s->name : s->file ? s->file : "?", 60);
        hl_out_printf(o, ":%" PRIu32, s->line);
        hl_paint_end(o, style, HL_BOLD);
        hl_out_text(o, "  ");
        hl_out_safe(o, s->function ? s->function : "", 40);
        if (s->inside.name) {
            hl_out_text(o, ", in ");
            hl_out_safe(o, s->inside.name, 60);
            hl_out_printf(o, ":%" PRIu32, s->inside.line);
        }
        /* one small block among the samples stands for thousands: of those only bytes are sure */
        if (s->estimated)
            hl_out_printf(o, "  some %s, by samples\n", hl_bytes_text(s->bytes, bytes));
        else if (f->n_native || !s->objects) /* memory that is in none */
            hl_out_printf(o, "  %s\n", hl_bytes_text(s->bytes, bytes));
        else
            hl_out_printf(o, "  %s objects, %s\n", hl_count_text(s->objects, count),
                          hl_bytes_text(s->bytes, bytes));
    }
}

static void evidence(const hl_finding *f, const hl_style *style, hl_out *o)
{
    uint32_t n = f->n_evidence;
    uint32_t shown = style->verbose || n <= EVIDENCE_SHOWN ? n : EVIDENCE_SHOWN;
    for (uint32_t i = 0; i < shown; i++)
        paragraph(o, style, i ? "" : "because", f->evidence[i]);
    if (shown < n) {
        label(o, style, "");
        hl_out_printf(o, "(%" PRIu32 " more with -v)\n", n - shown);
    }
}

/* A word of a command line, quoted if the shell would read more into it. */
static void shell_word(hl_out *o, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./-+:@%,=";
    if (*s && s[strspn(s, plain)] == 0) {
        hl_out_text(o, s);
        return;
    }
    hl_out_text(o, "'");
    for (; *s; s++)
        if (*s == '\'') {
            hl_out_text(o, "'\\''");
        } else {
            char one[2] = {*s, 0};
            if ((unsigned char)*s >= 0x80 || !hl_char_hidden((unsigned char)*s))
                hl_out_write(o, one, 1);
            else
                hl_out_text(o, "?");
        }
    hl_out_text(o, "'");
}

static bool printable(const char *s)
{
    for (uint32_t c; *s;) {
        unsigned n = hl_utf8_read(s, &c);
        if (!n || hl_char_hidden(c))
            return false;
        s += n;
    }
    return true;
}

static void more(const hl_diagnosis *d, const hl_finding *f, const hl_style *style, hl_out *o)
{
    const char *file = f->n_shares ? d->processes[f->shares[0].process].file : d->target.file;
    label(o, style, "more");
    hl_out_text(o, "heaplens explain ");
    hl_out_safe(o, f->cause, 0);
    hl_out_text(o, "\n");
    if (!file || !*file || !printable(file))
        return;
    if (!strcmp(f->cause, "thread")) { /* where each of them stands says more than a chain */
        hl_out_spaces(o, INDENT + LABEL);
        hl_out_text(o, "heaplens show ");
        shell_word(o, file);
        hl_out_text(o, " --view threads\n");
        return;
    }
    /* a plain dotted name can be asked for; what is called otherwise, by its address */
    bool held = f->holder.name && *f->holder.name && strcmp(f->holder.kind, "none");
    bool named = held && printable(f->holder.name) && !strpbrk(f->holder.name, " ()\"*") &&
                 strcmp(f->holder.name, "atexit") != 0; /* its list is not the module's */
    char address[32] = "";
    /* what is gone in the last snapshot, which is asked by default, is asked for where it was */
    bool there = !f->n_series || f->series[f->n_series - 1];
    if (held && f->holder.address && (there ? !named : f->holder.snapshot != 0))
        snprintf(address, sizeof address, "0x%" PRIx64, f->holder.address);
    bool paths = (named && there) || *address;
    /* of what is in no object only the line is known */
    bool unseen = !strcmp(f->holder.kind, "native") && !f->holder.address && f->n_allocated_at;
    hl_out_spaces(o, INDENT + LABEL);
    hl_out_text(o, paths ? "heaplens paths " : "heaplens show ");
    shell_word(o, file);
    hl_out_text(o, paths ? " " : " --view ");
    shell_word(o, *address                               ? address
                  : paths                                ? f->holder.name
                  : !strcmp(f->cause, "reference-cycle") ? "cycles"
                  : unseen                               ? "allocs"
                                                         : "growth");
    if (*address && f->holder.snapshot)
        hl_out_printf(o, " --snapshot %" PRIu32, f->holder.snapshot);
    hl_out_text(o, "\n");
}

static void finding(const hl_diagnosis *d, uint32_t i, const hl_style *style, hl_out *o)
{
    const hl_finding *f = &d->findings[i];
    if (d->n_findings > 1) {
        hl_out_printf(o, "\n%" PRIu32 ". ", i + 1);
        hl_paint_text(o, style, HL_BOLD, f->cause);
        hl_out_printf(o, " (%s)\n", confidence_word[f->confidence]);
    }
    hl_out_spaces(o, 2);
    hl_paint_begin(o, style, HL_BOLD);
    char where[96];
    hl_out title = {0};
    who(d, f, where, sizeof where);
    hl_out_text(&title, where);
    hl_out_text(&title, f->title);
    hl_out_write(&title, "", 1);
    hl_out_wrapped(o, style, 2, title.bytes ? (const char *)title.bytes : f->title);
    hl_out_deinit(&title);
    hl_paint_end(o, style, HL_BOLD);
    hl_out_text(o, "\n");
    if (f->n_path) {
        hl_chain_text(o, style, INDENT, f->path, f->n_path, 0,
                      !strcmp(f->cause, "reference-cycle") ? "closes the cycle"
                      : !strcmp(f->cause, "not-collected") ? "holds it"
                                                           : "grows");
        hl_out_text(o, "\n");
    }
    growth(d, f, style, o);
    shares(d, f, style, o);
    sites(f, style, o);
    evidence(f, style, o);
    if (f->fix && *f->fix)
        paragraph(o, style, "fix", f->fix);
    more(d, f, style, o);
}

static void notes(const hl_diagnosis *d, const hl_style *style, hl_out *o)
{
    static const char lead[] = "  seen, and no leak: ";
    uint32_t shown = style->verbose || d->n_notes <= NOTES_SHOWN ? d->n_notes : NOTES_SHOWN;
    for (uint32_t i = 0; i < shown; i++) {
        hl_paint_text(o, style, HL_DIM, lead);
        hl_out_wrapped(o, style, sizeof lead - 1, d->notes[i].text);
    }
    if (shown < d->n_notes)
        hl_out_printf(o, "  (%" PRIu32 " more notes with -v)\n", d->n_notes - shown);
}

/* A line of its own, wrapped. */
static void sentence(hl_out *o, const hl_style *style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void sentence(hl_out *o, const hl_style *style, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    hl_out_spaces(o, 2);
    hl_out_wrapped(o, style, 2, text);
}

enum { OUTSIDE_SHARE = 4, OUTSIDE_LEAST = 16 << 20 };
static void heap_course(const hl_diagnosis *d, const hl_style *style, hl_out *o)
{
    char was[16], is[16], most[16], count[32], share[64] = "", peak[40] = "";
    char process[64] = "";
    const char *arrow = style->unicode ? "→" : "->";
    if (d->n_findings && d->observed.growth_explained >= 0)
        snprintf(share, sizeof share, "; %s %.0f %% of its growth",
                 d->n_findings > 1 ? "these explain" : "this explains",
                 floor(100 * d->observed.growth_explained));
    /* what a function let go when it returned is gone at the end, and had grown */
    if (d->n_findings && d->observed.heap_last < 0.8 * (double)d->observed.heap_peak)
        snprintf(peak, sizeof peak, "%s (peak) %s ", hl_bytes_text(d->observed.heap_peak, most),
                 arrow);
    /* most of what came is in no object */
    uint64_t heap = d->observed.heap_peak - d->observed.heap_first;
    if (d->n_findings && d->observed.rss_first &&
        d->observed.rss_last > d->observed.rss_first + OUTSIDE_SHARE * heap + OUTSIDE_LEAST)
        snprintf(process, sizeof process, "process %s %s %s, ",
                 hl_bytes_text(d->observed.rss_first, was), arrow,
                 hl_bytes_text(d->observed.rss_last, is));
    sentence(o, style, "%sheap %s %s %s%s in %s objects%s", process,
             hl_bytes_text(d->observed.heap_first, was), arrow, peak,
             hl_bytes_text(d->observed.heap_last, is),
             hl_count_text(d->observed.objects_last, count), share);
}

/* "at this rate the limit of 2.0 GB is reached in 3.1 h": nothing about what is a year away. */
static void limit_course(const hl_diagnosis *d, const hl_style *style, hl_out *o)
{
    enum { FAR_SECONDS = 365 * 86400 };
    char limit[16], when[32];
    if (d->verdict != HL_LEAK || d->observed.seconds_to_limit < 0 ||
        d->observed.seconds_to_limit > FAR_SECONDS)
        return;
    seconds_text(d->observed.seconds_to_limit, when, sizeof when);
    sentence(o, style, "at this rate the %s this process may have are used up in %s",
             hl_bytes_text(d->observed.limit_bytes, limit), when);
}

static void processes(const hl_diagnosis *d, const hl_style *style, hl_out *o)
{
    enum { PIDS_SHOWN = 8 };
    uint32_t running = 0, brief = 0;
    if (!d->n_processes)
        return;
    hl_out text = {0};
    for (uint32_t i = 0; i < d->n_processes; i++) {
        const hl_process *p = &d->processes[i];
        brief += !p->judged;
        if (p->running > 0 && running++ < PIDS_SHOWN)
            hl_out_printf(&text, "%s %" PRIu32, running > 1 ? "" : "; still running:", p->pid);
    }
    if (running > PIDS_SHOWN)
        hl_out_printf(&text, " and %" PRIu32 " more", running - PIDS_SHOWN);
    if (brief)
        hl_out_printf(&text, "; %" PRIu32 " seen too briefly to be judged", brief);
    hl_out_write(&text, "", 1);
    uint32_t started = workers(d, NULL);
    const char *rest = text.bytes ? (const char *)text.bytes : "";
    if (started + 1 == d->n_processes)
        sentence(o, style,
                 "%" PRIu32 " processes: the first is %" PRIu32 ", and it or its children "
                 "started %" PRIu32 "%s",
                 d->n_processes, d->processes[0].pid, started, rest);
    else
        sentence(o, style, "%" PRIu32 " processes%s", d->n_processes, rest);
    hl_out_deinit(&text);
}

/* "each call leaves 1.00 file descriptors"; what does not grow only with -v. */
static void resources(const hl_diagnosis *d, const hl_style *style, hl_out *o)
{
    for (uint32_t i = 0; i < d->n_resources; i++) {
        const hl_resource_course *r = &d->resources[i];
        bool even = r->most - r->least < 0.005;
        if (r->grows && even)
            sentence(o, style, "each call leaves %.2f %s", r->least, r->words);
        else if (r->grows)
            sentence(o, style, "each call leaves %.2f to %.2f %s", r->least, r->most, r->words);
        else if (style->verbose)
            sentence(o, style, "%s: %" PRIu64 " at first, %" PRIu64 " in the end", r->words,
                     r->first, r->last);
    }
}

/* What the verdict rests on, and what it does not see. */
static void basis(const hl_diagnosis *d, const hl_style *style, hl_out *o)
{
    char number[32];
    uint32_t torn = d->observed.snapshots_torn;
    if (d->observed.snapshots && (d->verdict != HL_NO_LEAK || style->verbose))
        heap_course(d, style, o);
    limit_course(d, style, o);
    resources(d, style, o);
    processes(d, style, o);
    if (d->observed.cost_seconds >= 0 && style->verbose)
        sentence(o, style, "the program stood still for %.0f ms while snapshots were taken",
                 1000 * d->observed.cost_seconds);
    if (d->observed.objects_skipped)
        sentence(o, style, "not seen: %s object%s that could not be read",
                 hl_count_text(d->observed.objects_skipped, number),
                 d->observed.objects_skipped == 1 ? "" : "s");
    if (d->observed.samples_dropped)
        sentence(o, style, "not seen: %s allocation samples that were dropped",
                 hl_count_text(d->observed.samples_dropped, number));
    if (torn)
        sentence(o, style, "not used: %" PRIu32 " snapshot%s cut off or damaged", torn,
                 torn == 1 ? "" : "s");
    if (d->observed.bytes_damaged)
        sentence(o, style, "not read: %s of the recording, damaged",
                 hl_bytes_text(d->observed.bytes_damaged, number));
}

void hl_report_text(const hl_diagnosis *d, const hl_style *style, hl_out *out)
{
    headline(d, style, out);
    if (d->why && *d->why && d->verdict != HL_LEAK) {
        hl_out_spaces(out, 2);
        hl_out_wrapped(out, style, 2, d->why);
    }
    const char *file = d->target.file;
    if (d->verdict == HL_UNDECIDED && !d->n_findings && d->observed.snapshots > 1 && file &&
        *file && printable(file)) {
        hl_out_text(out, "  heaplens show ");
        shell_word(out, file);
        hl_out_printf(out, " --view %s\n", d->view ? d->view : "growth");
    }
    for (uint32_t i = 0; i < d->n_findings; i++)
        finding(d, i, style, out);
    bool after =
        d->n_findings > 0 && (d->n_notes || d->observed.snapshots || d->observed.objects_skipped);
    if (after)
        hl_out_text(out, "\n");
    basis(d, style, out);
    notes(d, style, out);
}
