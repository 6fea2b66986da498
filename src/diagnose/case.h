/* diagnose/case.h: the evidence of one diagnosis, gathered once, read by every rule.
 *
 * Room   diagnose, its own files only.
 * Takes  runs (borrowed).  Gives  hl_case: what each snapshot said in numbers, path shapes over all
 *        of them, and one heap graph in memory at a time (the anchor), two if that takes little. */
#ifndef HL_CASE_H
#define HL_CASE_H

#include "base/arena.h"
#include "base/err.h"
#include "diagnose/diagnose.h"
#include "graph/graph.h"
#include "model/finding.h"

#include <stdbool.h>
#include <stdint.h>

/* A big container, to be known again by its address: tracks.c. */
typedef struct hl_track {
    uint64_t address;
    uint32_t len, type; /* type: a hash of its name */
    hl_shape shape;     /* the way to it in that moment */
} hl_track;
enum { HL_TRACKED_MAX = 256 };

/* One snapshot in numbers. */
typedef struct hl_moment {
    hl_run *run;    /* borrowed */
    uint32_t index; /* in run->snaps */
    hl_snap_info info;
    double work;         /* CPU seconds of the program up to here: the axis growth is judged on;
                            rounds, where the program declared them */
    uint64_t heap_bytes; /* own bytes of all nodes and folded leaves, garbage included */
    uint64_t objects;
    uint64_t allocated;                      /* bytes, of all blocks so far; 0: not followed */
    uint32_t modules;                        /* in sys.modules */
    uint64_t garbage_objects, garbage_bytes; /* in cycles nothing holds */
    uint64_t frozen_garbage;                 /* of those, in the permanent generation */
    struct hl_call *calls; /* running frames, outermost first in a thread: calls.c */
    uint32_t n_calls;
    bool ending;      /* code runs that tears down what is left: the program is over */
    bool runs_module; /* the code of a module runs, of the program's own mostly */
    hl_track *tracks; /* sorted by address */
    uint32_t n_tracks;
    uint64_t *unrun; /* sorted addresses of code that uses containers and never ran until then */
    uint32_t n_unrun;
    uint64_t *ran; /* the same of code that did */
    uint32_t n_ran;
    struct hl_count *census; /* census.c */
    uint32_t n_census;
    struct hl_surplus *surplus; /* surplus.c: references nobody has; sorted by key */
    uint32_t n_surplus;
    uint64_t opaque; /* objects that may hold others unseen, and that somebody has */
    uint64_t *exits; /* addresses of the code atexit was given, the first few; census.c */
    uint32_t n_exits;
} hl_moment;

typedef enum hl_metric { HL_METRIC_ITEMS, HL_METRIC_OBJECTS, HL_METRIC_BYTES } hl_metric;

/* A path shape that kept growing: growth.c. */
typedef struct hl_growth {
    hl_shape shape;
    uint64_t address; /* of the holder, if it was followed by address; else 0 */
    hl_metric metric;
    uint32_t anchor;      /* moment whose graph shows it best: the last that has it */
    uint32_t onset;       /* moment from which it grew without a pause */
    uint32_t intervals;   /* rising ones since onset, short ones merged */
    double began;         /* work: from here on it rose, at or after the onset */
    double course;        /* gain of the later half over that of the first; 1: steady */
    double clock_course;  /* the same by the clock */
    double walked_course; /* the same if each entry made the next one dearer: of squares */
    bool released;        /* gone in the last moment: its frame had returned */
    bool torn_down;       /* fell only in the farewell's look: an exit handler, a main that ended */
    bool exact;           /* rose by one or more in every declared round */
    uint64_t *series;     /* n_moments values of the metric */
    uint64_t units;       /* metric gained from the first moment to the anchor */
    uint64_t bytes;       /* own and below, gained from the first moment to the anchor */
    uint64_t onset_bytes; /* of those, gained since onset: what must be material */
    uint32_t weighed_from;  /* the first moment that surely has some: what the heap gained from here
                               on is what this growth explains or not */
    uint64_t weighed_bytes; /* gained from there on */
    double per_second;      /* bytes a wall second since onset */
    bool in_step;           /* with memory outside of all objects: native_growth.c */
    uint64_t native_bytes;  /* of that, what this growth has; or 0 */
} hl_growth;

enum { HL_JOINED_MAX = 64 };

typedef struct hl_case {
    hl_diagnose_options options;
    hl_arena *arena; /* borrowed: the diagnosis' own; findings and their texts live there */
    hl_arena scratch;
    hl_moment *moments;
    uint32_t n_moments, baseline; /* baseline: last moment of the warm-up */
    uint32_t began;               /* the imports that a program begins with were over; or 0 */
    uint32_t working;  /* the last moment in which the program was at work: those after it, if any,
                          are farewells */
    uint64_t material; /* bytes of growth worth a word */
    bool by_rounds;    /* the axis is rounds the program declared */
    bool audited;      /* ... and they are calls of one function: `heaplens audit` */
    hl_shapes shapes;
    hl_growth *growths;
    uint32_t n_growths;
    uint32_t *kept;     /* growth.c: room for n_moments + 1 indices */
    hl_growth *tracked; /* containers followed by address that rose */
    uint32_t n_tracked;
    /* the anchor */
    uint32_t anchor; /* moment, or UINT32_MAX */
    hl_snap *snap;
    hl_graph *graph;
    struct {             /* the one before it, as it was; often it is asked for again */
        uint32_t moment; /* or UINT32_MAX */
        hl_snap *snap;
        hl_graph *graph;
        uint32_t *shape_of, n_nodes; /* arena of shapes */
    } aside;
    uint64_t afford; /* bytes that may be set aside; less than a few MB always is */
    /* below.c: the last answer */
    struct hl_below *below;
    uint32_t below_anchor, below_holder;
    struct hl_group *groups; /* census.c: what multiplied, most first */
    uint32_t n_groups;
    uint64_t joined[HL_JOINED_MAX]; /* companions.c: holders told with another, by address */
    uint32_t n_joined;
    hl_growth native;      /* native_growth.c: memory in no object; no bytes: it did not grow */
    uint64_t native_few;   /* bytes: it grew by so much, and too few looks saw it; or 0 */
    uint64_t *outside;     /* memory in use that is in no object, at each moment; NULL: unknown */
    uint64_t stack_bytes;  /* of threads that findings count; outside the heap */
    bool native_told;      /* some holder has it: told, or found to be no leak */
    const char *native_by; /* who asked for most of it: native_kept.c; or NULL */
    const char *unheld_by; /* the same of what Python's own allocators gave: unheld.c; or NULL */
    uint64_t dismissed;    /* bytes of growth seen and found to be no leak */
    uint32_t one_calls; /* findings that are possible only because one call filled their holder */
    hl_diagnosis *out;
    uint32_t findings_capacity, notes_capacity;
} hl_case;

/* Reads one snapshot, keeps its numbers as the next moment; its graph stays as the anchor. */
hl_status hl_case_observe(hl_case *c, hl_run *run, uint32_t index, hl_err *err) HL_MUST_CHECK;
void hl_case_deinit(hl_case *c);
/* Bytes alive in a moment: garbage is not held by anybody. */
uint64_t hl_moment_live(const hl_moment *m);
/* Fills working. The look at the end comes when main has returned and exit handlers have run, and
 * one before it may find asyncio.run cancelling what is left: what these do not find may have been
 * there all along. They may confirm, they cannot acquit. */
void hl_case_find_farewells(hl_case *c);
/* Did the program do next to nothing between two moments, at its end? */
bool hl_case_is_brief_end(const hl_case *c, uint32_t from, uint32_t to);
/* Has the code at this address run before the program was over, as far as anybody can tell? What has
 * not done anything to a container never will; and what atexit had in hand and nobody called while
 * the program was at work does it when all is over. */
bool hl_case_ran(const hl_case *c, uint64_t code);
/* Did it run for the first time between these two moments? Where the interpreter can not tell it
 * seems to run as soon as it is there. */
bool hl_case_first_ran(const hl_case *c, uint64_t code, uint32_t from, uint32_t to);
/* Loads a moment's heap as the anchor, with dominators; nothing to do if it is there already. */
hl_status hl_case_anchor(hl_case *c, uint32_t moment, hl_err *err) HL_MUST_CHECK;
/* Until then none is loaded, nor set aside. */
void hl_case_rest(hl_case *c);
/* The path shape of v in the anchor. */
hl_shape hl_case_shape(const hl_case *c, hl_node v);

/* growth.c: fills growths, most bytes first. */
hl_status hl_growth_find(hl_case *c, hl_err *err) HL_MUST_CHECK;

/* Did its objects by themselves gain bytes that matter? */
bool hl_growth_is_material(const hl_case *c, const hl_growth *g);

/* Does what has this shape end with a call, a task or a thread: may it be gone at the end of the
 * run and have been kept until then? */
bool hl_shape_ends(const hl_case *c, hl_shape shape);

/* Was what is gone after g's anchor let go when the program was over? Not if nobody looked for longer
 * than it was seen to grow: much may have happened since. */
bool hl_growth_torn_down(const hl_case *c, const hl_growth *g);

/* axis.c: did the process become bigger by half of what samples tell, at least? They err, and some of it lay in
 * memory that was there. True where its size is not known. */
bool hl_process_grew(const hl_case *c, uint32_t from, uint32_t to, uint64_t bytes);

/* Does the series (a value a moment) rise to g->anchor? Fills onset, intervals, began, courses. */
bool hl_growth_rises(hl_case *c, const uint64_t *series, hl_growth *g);

/* per_round.c: makes declared rounds the axis; false: there are too few of them. */
bool hl_rounds_axis(hl_case *c);
/* Did the count rise by one or more for every round from onset (or warm-up) on? */
bool hl_rounds_exact(const hl_case *c, const uint64_t *series, const hl_growth *g);

/* tracks.c: notes the big containers of a moment; then fills tracked. */
hl_status hl_tracks_note(hl_case *c, hl_moment *m, const hl_snap *s, hl_err *err) HL_MUST_CHECK;
hl_status hl_tracks_find(hl_case *c, hl_err *err) HL_MUST_CHECK;
/* The shape of the container at this address in a moment; 0: it was not followed there. */
hl_shape hl_tracks_shape(const hl_case *c, uint32_t moment, uint64_t address);
/* Was the holder, at this address in g's anchor, seen to rise in more intervals than g was, or up to
 * a later moment at work? */
bool hl_tracks_know_longer(hl_case *c, const hl_growth *g, uint64_t address);

/* What a rule is given: a growth and its holder in the anchor's graph. */
typedef struct hl_suspect {
    const hl_growth *growth;
    hl_node holder;   /* the accumulator: the object that gains */
    hl_node owner;    /* who names it: module, type, instance, function, frame; or NO_NODE */
    const char *name; /* of the holder, as people write it */
    const char *kind; /* holder.kind of the schema */
    hl_node payload;  /* a heavy member, or NO_NODE */
    hl_shape payload_shape;
    hl_shape
        in_life; /* of the holder when the program was last at work, if it is another now; or 0 */
    uint32_t members; /* containers of the same shape that gain together; 1: the holder alone */
    uint64_t retained_bytes, retained_objects; /* of all of them */
} hl_suspect;

/* holder.c: the accumulator of a growth, its name and kind. False: nothing to show. */
bool hl_suspect_find(hl_case *c, const hl_growth *g, hl_suspect *out);
/* The same for a holder that is known already, whether or not anything grew. */
bool hl_suspect_of(hl_case *c, hl_node holder, hl_node payload, hl_suspect *out);
/* The chain root .. holder .. payload as steps; the edge into the holder's members is guilty. */
void hl_suspect_chain(hl_case *c, const hl_suspect *s, hl_finding *f);

/* A name the holder is known by: from each in-edge that carries one. */
typedef struct hl_known_as {
    enum hl_use_scope scope;
    const char *name;
    uint64_t space; /* address: the globals dict for HL_SCOPE_GLOBAL, the cell for FREE, else 0 */
    hl_node owner;  /* module dict, instance, type, cell, frame or function */
} hl_known_as;

/* uses.c: what live code does to the holder by its names. */
enum { HL_STORES_MAX = 8 };
typedef struct hl_uses {
    uint32_t all;      /* bits of every code object that knows it and has run  */
    bool memo;         /* one code object both looks up and stores  */
    bool evicts;       /* all that store also remove              */
    bool bounds;       /* all that store also compare its length, or drop whatever is there;
                               or `guard` does */
    const char *guard; /* code that stores nothing, compares its length and takes out, or NULL */
    const char *memo_place; /* "get (app.py:7)" or NULL */
    const char *storer;     /* "add (app.py:12)" or NULL */
    const char *sweeper;    /* code that stores nothing, looks through it and takes out, or NULL */
    bool takes;             /* it does so one by one, to work on them */
    bool drained;           /* code that stores nothing takes out of it */
    const char *idle;       /* such code that never ran: "remove (app.py:20)", or NULL */
    uint32_t idle_rank;     /* how well it suits ... */
    size_t idle_length;     /* ... and the length of its name */
    const char *limit; /* an attribute beside it that its code minds, and that it has not reached */
    const char *off;   /* the name of a limit the code minds that is switched off, or NULL */
    const char *passed; /* ... that it is far beyond, or NULL */
    hl_node holder;     /* whose limits they are; or NO_NODE */
    const char *reader; /* code that ran while it grew and reads all of it when done, or NULL */
    bool unread;   /* no code there is reads it, counts it, or gives it to somebody who might */
    bool by_clock; /* who takes from it works meanwhile: its pace is that of the clock, too */
    bool given;    /* code that does not fill it reads all of it, or gives it away */
    bool asked;    /* code reads all of it that is no library's at work since before it had half */
    uint32_t entries; /* it has in the anchor */
    bool keyed;       /* it is a mapping */
    bool back;        /* code that fills it would take out again what it put in, and has not */
    bool by_reading;  /* a defaultdict that no code stores into: what it is asked for it puts in */
    uint64_t stores[HL_STORES_MAX]; /* addresses of code objects that store into it */
    uint32_t n_stores;
    const hl_growth *growth; /* of the holder */
} hl_uses;
hl_status hl_uses_find(hl_case *c, const hl_suspect *s, hl_uses *out, hl_err *err) HL_MUST_CHECK;
/* Code that looks up in an object and stores into it (cache.get(k), cache.set(k, v); c[k]): with a
 * mapping inside, that is a cache, however few of its methods know what a miss is. "page (app.py:9)"
 * or NULL. */
const char *hl_uses_memo_of(const hl_case *c, hl_node owner, const hl_growth *g);

/* calls.c: was the holder filled by one call that is still running, or by many? A frame cannot
 * change while the call it made has not returned; so if a caller of the storing code moved between
 * two snapshots, that code was called again. */
typedef struct hl_call_use {
    enum hl_use_scope scope;
    const char *name;
    uint32_t bits;
    bool inner; /* of code that stands in it: what that reads when it runs */
} hl_call_use;
typedef struct hl_call_local { /* a local of it that is a container */
    const char *name;
    uint64_t address;
} hl_call_local;
typedef struct hl_call { /* a running frame */
    uint32_t thread;
    uint64_t code, globals; /* addresses */
    uint32_t progress;      /* digest of where it stands */
    const char *place;      /* "main (app.py:12)" */
    bool body;              /* of a module */
    bool driver; /* a module's body, or called by one: it runs once, whatever moves below */
    hl_call_use *uses;
    uint32_t n_uses;
    hl_call_local *locals;
    uint32_t n_locals;
} hl_call;
typedef enum hl_filled { HL_FILLED_UNKNOWN, HL_FILLED_BY_ONE_CALL, HL_FILLED_BY_MANY } hl_filled;
/* Notes the running frames of a snapshot, outermost first in each thread. */
hl_status hl_calls_note(hl_case *c, hl_moment *m, const hl_graph *g, hl_err *err) HL_MUST_CHECK;
hl_filled hl_calls_filled(const hl_case *c, const hl_suspect *s, const hl_uses *u);
/* Was code that stores into it running at that moment? */
bool hl_calls_running(const hl_case *c, uint32_t moment, const hl_uses *u);
/* Is the holder a local of a function that was called anew while it seemed to grow? Then each call
 * had a container of its own, maybe at the same address. */
bool hl_calls_anew(const hl_case *c, const hl_suspect *s);

/* findings.c: making findings and notes. */
hl_finding *hl_finding_add(hl_case *c, const char *cause, hl_confidence confidence);
/* The same with holder and growth of the suspect. Both: NULL if there is no memory. */
hl_finding *hl_finding_about(hl_case *c, const hl_suspect *s, const char *cause,
                             hl_confidence confidence);
void hl_finding_holder(hl_case *c, hl_finding *f, const hl_suspect *s);
void hl_finding_growth(hl_case *c, hl_finding *f, const hl_growth *g);
/* The one line that asked for what was found: a frame of s, which need not outlive this. */
void hl_finding_line(hl_case *c, hl_finding *f, const hl_snap *s, uint32_t frame, uint64_t bytes,
                     bool estimated);
void hl_finding_evidence(hl_case *c, hl_finding *f, const char *format, ...) HL_PRINTF(3, 4);
void hl_finding_seal(hl_case *c, hl_finding *f); /* fingerprint; what is known */
void hl_note_add(hl_case *c, const char *cause, const char *format, ...) HL_PRINTF(3, 4);
const char *hl_code_place(const hl_case *c, hl_node code); /* "inner (app.py:12)" */
/* What people call a file: "app.py", of the library and of packages "logging/__init__.py". */
const char *hl_file_name(const char *path);
const char *hl_code_package(const hl_case *c, hl_node code); /* installed one, or NULL: own code */
const char *hl_code_name(const hl_case *c, hl_node code);

/* companions.c: is the last finding, about s, one told before in another guise? Then it goes there.
 */
bool hl_finding_joins(hl_case *c, const hl_suspect *s);

/* A rule over a growth: true if it took the suspect and made its finding. */
typedef struct hl_rule {
    const char *cause;
    bool (*run)(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled);
} hl_rule;
extern const hl_rule hl_rule_unbounded_cache, hl_rule_wrapper_results, hl_rule_closure,
    hl_rule_growing_container;
extern const hl_rule hl_rule_kept_frames, hl_rule_native_registry, hl_rule_exception_traceback,
    hl_rule_pending_task, hl_rule_context_variable, hl_rule_thread_local, hl_rule_thread;
extern const hl_rule hl_rule_method_cache, hl_rule_dead_arguments, hl_rule_decorator,
    hl_rule_callback_registry, hl_rule_wrapped_callbacks, hl_rule_registrations,
    hl_rule_dynamic_code, hl_rule_made_entries, hl_rule_backlog, hl_rule_library_queue,
    hl_rule_weak_key, hl_rule_interpreter_registry;

/* native_reference.c: references lost or given away by C code; over all moments. */
hl_status hl_rule_native_references(hl_case *c, hl_err *err) HL_MUST_CHECK;
/* When all is found: what others keep may be why. */
void hl_native_doubt(hl_case *c);
/* resources.c: what the process has besides objects; and native memory that grows with each call. */
hl_status hl_rule_resources(hl_case *c, hl_err *err) HL_MUST_CHECK;
/* not_collected.c: what the program said should be gone. */
hl_status hl_rule_not_collected(hl_case *c, hl_err *err) HL_MUST_CHECK;
/* cycle.c: garbage nobody collects; judged over all moments, shown in the last. */
hl_status hl_rule_cycles(hl_case *c, hl_err *err) HL_MUST_CHECK;
/* dynamic_code.c: modules that pile up in sys.modules; judged over all moments too. */
hl_status hl_rule_modules(hl_case *c, hl_err *err) HL_MUST_CHECK;

/* axis.c: on what growth is judged, from when on, and from how many bytes on it matters. */
void hl_axis_settle(hl_case *c);
/* verdict.c: the verdict and why; and when memory is full, if the findings go on as they did. */
void hl_verdict_decide(hl_case *c);
void hl_verdict_forecast(hl_case *c);

#endif
