/* diagnose/interpreter_registry.c: tables of the interpreter and its library that never forget.
 *
 * Room   diagnose; a rule of the cause growing-container, for holders that are no variable of the
 *        program: their users know what fills them and how to stop that, not how to change them.
 * Takes  a table of such holders: knowledge as data.   Gives  words and a fix; growth is judged as
 *        always, nothing is hidden. */
#include "diagnose/judge.h"
#include "diagnose/pattern.h"

#include <string.h>

static const struct {
    const char *name;  /* the holder's, or the end of it if it begins with '.' */
    const char *owner; /* the class its owner has to be of, or NULL */
    const char *shown; /* what to call it, or NULL: as it is */
    const char *what;  /* "NAME gained N ...": what the entries are */
    const char *fix;
} registries[] = {
    {"linecache.cache", NULL, NULL, "source texts of files",
     "code generated with exec or compile under ever new file names leaves its source here: make "
     "the code once, reuse the file name, or take the entry out (linecache.cache.pop(name, None)) "
     "when the code is dropped; linecache.clearcache() empties it"},
    {".__warningregistry__", NULL, NULL, "texts of warnings that were shown once",
     "each different text is remembered for good, in the module that warned: keep numbers and "
     "names "
     "out of the text given to warnings.warn(), or mend what it warns of"},
    {"warnings.onceregistry", NULL, NULL, "texts of warnings that were shown once",
     "each different text is remembered for good: keep numbers and names out of the text given to "
     "warnings.warn(), or mend what it warns of"},
    {".loggerDict", "logging.Manager", "logging.Logger.manager.loggerDict", "loggers",
     "logging.getLogger() with a new name makes a logger that is never freed: take one logger a "
     "module (getLogger(__name__)) and put what differs into the message, `extra`, or a "
     "LoggerAdapter"},
    /* a table of the loggers below one name: the same loggers once more */
    {".loggerMap", "logging.PlaceHolder", "logging.Logger.manager.loggerDict", "loggers",
     "logging.getLogger() with a new name makes a logger that is never freed: take one logger a "
     "module (getLogger(__name__)) and put what differs into the message, `extra`, or a "
     "LoggerAdapter"},
    {"(interpreter) interned strings", NULL, "sys.intern", "strings interned for ever",
     "CPython 3.12 never frees an interned string: give sys.intern() no changing texts, and make "
     "no "
     "attribute or keyword names from data (setattr, **options); keep them as keys of a dict. 3.13 "
     "frees them again"},
    {"weakref.finalize._registry", NULL, NULL, "finalizers whose objects live on",
     "weakref.finalize() keeps its callback and arguments until its object dies: tie it to the "
     "object whose end it waits for, not to one that lives as long as the program, and detach() it "
     "when its work is done"},
    {"sys.path_importer_cache", NULL, NULL, "folders that were searched for modules",
     "each folder that was on sys.path stays: put one folder there, and clear the table "
     "(sys.path_importer_cache.clear()) after temporary ones"},
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

static bool interpreter_registry(hl_case *c, const hl_suspect *s, const hl_uses *u,
                                 hl_filled filled)
{
    for (uint32_t k = 0; k < c->out->n_findings; k++)
        if (c->graph->from[s->holder] == HL_HOLD_GC_GARBAGE &&
            !strcmp(c->out->findings[k].holder.name, "gc.garbage"))
            return true; /* cycle.c told it whole */
    size_t i = 0, n = sizeof registries / sizeof *registries;
    for (; i < n; i++) {
        const char *name = registries[i].name;
        bool named = *name == '.' ? ends_with(s->name, name) : !strcmp(s->name, name);
        if (named && (!registries[i].owner ||
                      (s->owner != HL_NO_NODE && hl_inherits(c, s->owner, registries[i].owner))))
            break;
    }
    if (i == n)
        return false;
    hl_suspect shown = *s;
    shown.name = registries[i].shown ? registries[i].shown : s->name;
    if (hl_told_again(c, "growing-container", &shown))
        return true;
    hl_confidence confidence;
    if (!hl_judge(c, s, u, filled, &confidence))
        return true;
    if (confidence == HL_CERTAIN)
        confidence = HL_STRONG;
    hl_finding *f = hl_finding_about(c, &shown, "growing-container", confidence);
    if (!f)
        return true;
    char count[32];
    f->title = hl_arena_printf(c->arena, "%s gained %s entries, %s, and forgets none; it holds %s",
                               shown.name, hl_count_text(s->growth->units, count),
                               registries[i].what, hl_judge_holds(c, s));
    hl_judge_evidence(c, f, s, u, filled);
    f->fix = registries[i].fix;
    hl_finding_seal(c, f);
    return true;
}

const hl_rule hl_rule_interpreter_registry = {"growing-container", interpreter_registry};
