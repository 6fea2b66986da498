/* snapshot/snapshot.h: a heap at one moment, as columns.
 *
 * Room   snapshot; the door of the room. Reading and building: analyser. Writing: snap_write.h.
 * Gives  hl_run (what one .hlens file holds) and hl_snap (one whole snapshot in memory).
 * Nodes are dense 32-bit ids in row order, edges lie in CSR order by source. */
#ifndef HL_SNAPSHOT_H
#define HL_SNAPSHOT_H

#include "base/arena.h"
#include "base/err.h"
#include "container/container.h"
#include "snapshot/snap_format.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t hl_node;  /* dense, 0 .. nodes-1 */
typedef uint32_t hl_label; /* kind | value << 4   */
typedef uint32_t hl_name;  /* index into names; 0 = none */

#define HL_NO_NODE UINT32_MAX
enum { HL_LEN_NONE = -1 };

static inline enum hl_label_kind hl_label_kind(hl_label l)
{
    return (enum hl_label_kind)(l & 15);
}
static inline uint32_t hl_label_value(hl_label l)
{
    return l >> 4;
}
static inline hl_label hl_label_make(enum hl_label_kind kind, uint32_t value)
{
    return (hl_label)kind | value << 4;
}

typedef struct hl_snap_type {
    hl_node node; /* HL_NO_NODE: the type object is not a node */
    hl_name name; /* "module.qualname", builtins without module */
    uint32_t flags;
    uint32_t basicsize;
} hl_snap_type;

typedef struct hl_snap_extra { /* for the few nodes that have one; sorted by node */
    hl_node node;
    bool bounded;
    uint64_t cap, ext; /* 0 = none */
} hl_snap_extra;

typedef struct hl_snap_fold { /* leaves counted in their holder: what hl_snap_fold_at gives */
    hl_node node;
    uint32_t type;
    uint64_t objects, bytes;
} hl_snap_fold;

/* How it is kept: heaps have half as many as nodes, and nearly all of them are small. */
typedef struct hl_snap_fold_row {
    hl_node node;
    uint32_t bytes;         /* or, where type is HL_FOLD_WIDE, its row in wide_folds */
    uint16_t type, objects; /* HL_FOLD_WIDE: something does not fit here             */
} hl_snap_fold_row;
enum { HL_FOLD_WIDE = UINT16_MAX };

/* A number a node. Most are small, so the array is narrow; its highest value says that the number
 * has a row among the wide ones. snap_narrow.c fills them, nodes in ascending order. */
typedef struct hl_snap_wide {
    hl_node node;
    uint64_t value;
} hl_snap_wide;
typedef struct hl_snap_wides {
    hl_snap_wide *rows; /* sorted by node */
    uint32_t n, room;
} hl_snap_wides;
typedef struct hl_narrow8 {
    uint8_t *at;
    hl_snap_wides wide;
} hl_narrow8;
typedef struct hl_narrow16 {
    uint16_t *at;
    hl_snap_wides wide;
} hl_narrow16;

typedef struct hl_snap_code {
    hl_node node;
    hl_name name, qualname, file;
    uint32_t line, args, kwonly;
    uint32_t vars, n_vars; /* name_lists[vars .. ): arguments first */
    uint32_t free, n_free;
    uint32_t uses, n_uses; /* into uses[] */
    bool never_ran;        /* false: it did, or nobody can tell */
} hl_snap_code;

typedef struct hl_snap_use {
    uint32_t code; /* index into codes */
    enum hl_use_scope scope;
    hl_name name;
    uint32_t bits;
} hl_snap_use;

typedef struct hl_snap_root {
    enum hl_root_kind kind;
    hl_node node;
    hl_name name;
    uint32_t thread, line;
    uint32_t progress; /* of a frame: HL_COL_PROGRESS; 0 unknown */
    uint32_t depth;    /* of a frame: how many frames of its thread called it, directly or not */
} hl_snap_root;

typedef struct hl_snap_keys { /* sorted by node */
    hl_node node;
    enum hl_keys_kind kind;
    uint32_t detail;
} hl_snap_keys;

typedef struct hl_snap_expect { /* an object the program expects to be gone, and that is there */
    hl_node node;
    bool by_address; /* known by its address alone: another may stand there */
    hl_name reason, type;
} hl_snap_expect;
typedef struct hl_snap_off { /* an attribute that bounds nothing; sorted by node, name */
    hl_node node;            /* an instance, or a namespace dict */
    hl_name name;
} hl_snap_off;
typedef struct hl_snap_number { /* an attribute that is a whole number; sorted by node, name */
    hl_node node;               /* an instance, or a namespace dict */
    hl_name name;
    uint32_t digits; /* binary ones */
} hl_snap_number;
typedef struct hl_snap_thread {
    uint32_t index;         /* as in hl_snap_root.thread */
    uint64_t ident, native; /* 0: unknown */
    hl_node node;           /* its Thread object; HL_NO_NODE: none */
    hl_name name;
    uint32_t flags; /* enum hl_thread_flag */
} hl_snap_thread;

typedef struct hl_snap_dup_holder { /* node -label-> a copy; label 0: node is the copy */
    hl_node node;
    hl_label label;
} hl_snap_dup_holder;

typedef struct hl_snap_dup { /* equal leaves; what they hold is not told */
    uint32_t type;
    uint64_t len, bytes; /* of one */
    uint64_t copies;     /* estimated where fewer were looked at */
    uint64_t seen;
    uint32_t holders, n_holders; /* into dup_holders: of some copies, taken at random */
} hl_snap_dup;

/* ---- where it was allocated, if that was followed; entry 0 of frames and of stacks stands for what
 * is not known ---- */

typedef struct hl_snap_frame {
    hl_name function, file;
    uint32_t first_line, line; /* line 0: unknown */
} hl_snap_frame;
typedef struct hl_snap_stack {
    uint32_t caller; /* an earlier stack; 0: none */
    uint32_t frame;
} hl_snap_stack;
typedef struct hl_amount { /* of samples what they stand for */
    uint64_t blocks, bytes;
} hl_amount;
typedef struct hl_snap_site { /* sorted by stack */
    uint32_t stack;
    uint32_t thread; /* 1 + index as in hl_snap_root.thread; 0: unknown */
    enum hl_block_domain domain;
    hl_amount live, all, brief, peak; /* brief: of all, those that were soon freed */
    hl_amount within[HL_WINDOWS];     /* not brief, freed within 2^(1+k) allocations and not 2^k */
    uint64_t error;                   /* standard error of live.bytes; 0: exact */
} hl_snap_site;
typedef struct hl_snap_age { /* sorted by stack */
    uint32_t stack;
    uint32_t born; /* snapshots that had been taken when they were made */
    hl_amount live;
} hl_snap_age;
typedef struct hl_snap_made { /* sorted by node */
    hl_node node;
    uint32_t stack;
    uint32_t leaf; /* 1 + type of leaves folded into it; 0: the object itself and its own blocks */
    hl_amount amount;
} hl_snap_made;

typedef struct hl_snap_module { /* an executable or a shared library; 0 is none */
    hl_name path, id;           /* id: build id, hexadecimal */
} hl_snap_module;
typedef struct hl_snap_native { /* a native stack; 0 is none */
    uint32_t caller;            /* a native stack that is numbered below this one */
    uint32_t module;            /* 0: Python code called here, and `at` is its stack */
    uint64_t at;                /* where in the module's file the call returns to */
} hl_snap_native;
typedef struct hl_snap_native_site { /* sorted by stack */
    uint32_t stack;
    hl_amount live;
    uint64_t taken; /* bytes malloc uses for them */
} hl_snap_native_site;

/* Who holds what, where it was asked (info.tracking.mark). */
typedef struct hl_snap_hold_by {
    enum hl_hold_kind kind;
    uint32_t which; /* DATA: a module; BLOCK: a native stack; OBJECT: 1 + type, 0: not known */
    uint64_t at;    /* DATA: as an address of the module's file */
} hl_snap_hold_by;
typedef struct hl_snap_lost { /* sorted by stack: blocks nothing leads to */
    uint32_t stack;           /* native; of `lost_sites` a Python one, 0: not known */
    uint32_t type1;           /* 1 + type of the object it is; 0: of none that is known */
    hl_amount amount;
} hl_snap_lost;
typedef struct hl_snap_hold { /* sorted by stack: what holds blocks of a native stack */
    uint32_t stack;
    hl_snap_hold_by by;
    hl_amount amount;
} hl_snap_hold;
typedef struct hl_snap_held { /* sorted by node: words outside of Python's memory that lead to it */
    hl_node node;
    hl_snap_hold_by by;
} hl_snap_held;

typedef struct hl_tracking { /* as of a snapshot */
    enum hl_followed mode;
    uint64_t rate, dropped, since_us, peak_bytes, peak_us;
    uint32_t corrected;      /* bits of hl_free_list */
    uint32_t taken;          /* snapshots before this one, for hl_snap_age.born */
    uint32_t within;         /* the widest window that was counted, 64 say; 0: none */
    bool by_thread;          /* what was made of all time is told of the thread that made it */
    enum hl_followed native; /* blocks of malloc were followed, too */
    uint64_t native_dropped, native_rate;
    bool live_only; /* no high-water mark, and not what there was in all: of another tool */
    bool mark;      /* it was asked what leads to blocks */
    uint64_t mark_ns, mark_bytes;
} hl_tracking;

typedef struct hl_snap_info {
    uint32_t stream; /* in the file; snapshots are ordered by it */
    uint64_t time_us, cpu_us, user_us, rss_bytes, pause_ns, walk_ns, child_bytes;
    const char *reason, *python, *program; /* never NULL */
    uint32_t pid;
    bool gc_enabled, gc_running, unsettled;
    uint32_t gc_threshold0, gc_frozen;
    uint64_t gc_collections[3];
    uint64_t folded, skipped; /* objects */
    uint64_t rounds;          /* units of work done so far; 0: none declared */
    uint32_t asker;           /* 1 + index of the thread that took it; 0: none did */
    uint64_t memory[HL_MEMORY_COUNT];
    uint32_t memory_known; /* bit i: memory[i] was measured */
    uint64_t leaves, leaves_seen, dup_contents, dup_bytes;
    uint64_t resource[HL_RESOURCES];
    uint32_t resource_known; /* bit i: resource[i] was */
    struct {
        uint64_t refs, edges;
    } shared[HL_SHARED_KINDS];
    uint32_t shared_known; /* bit i: shared[i] is there, both of it */
    uint64_t partly;       /* sequences of leaves that were read in part */
    uint64_t sorted;       /* lists that were being sorted: what is in them is somewhere, unseen */
    hl_tracking tracking;
} hl_snap_info;

enum hl_node_flag { /* hl_snap.flag */
                    HL_NODE_TRACKED = 1,
                    HL_NODE_GEN0 = 2,
                    HL_NODE_GEN1 = 4,
                    HL_NODE_FROZEN = 8,
                    HL_NODE_IMMORTAL = 16,
                    HL_NODE_OPAQUE = 32,
                    HL_NODE_STATIC = 64,
                    HL_NODE_EXTRA = 128, /* has a row in extra */
};

typedef struct hl_snap {
    hl_snap_info info;
    uint32_t nodes;
    uint64_t edges;
    /* a value a node */
    uint32_t *type;
    hl_narrow16 size;  /* ask hl_snap_size   */
    hl_narrow8 refcnt; /* ask hl_snap_refcnt */
    hl_narrow8 len;    /* ask hl_snap_len; the number kept is len + 1 */
    uint8_t *flag;
    uint32_t *prov; /* provisional id: hl_snap_address */
    /* CSR */
    uint32_t *off; /* nodes + 1; a file of more than 2^32 - 2 edges is refused */
    hl_node *dst;
    hl_label *label;
    /* tables */
    hl_snap_extra *extra;
    hl_snap_fold_row *folds; /* sorted by node; ask hl_snap_fold_at */
    hl_snap_fold *wide_folds;
    hl_snap_type *types;
    hl_snap_code *codes; /* sorted by node */
    hl_snap_use *uses;   /* sorted by code */
    hl_snap_root *roots;
    hl_snap_keys *keys;
    hl_snap_expect *expects;
    hl_snap_off *offs;
    hl_snap_number *numbers;
    hl_snap_thread *threads;
    hl_snap_dup *dups;
    hl_snap_dup_holder *dup_holders;
    hl_snap_frame *frames;
    hl_snap_stack *stacks;
    hl_snap_site *sites;
    hl_snap_age *ages;
    hl_snap_made *made;
    hl_snap_module *modules;
    hl_snap_native *natives;
    hl_snap_native_site *native_sites;
    hl_snap_lost *losts, *lost_sites;
    hl_snap_hold *holds;
    hl_snap_held *helds;
    hl_node *nobodys; /* sorted: objects of the collector that nothing leads to */
    hl_name *name_lists;
    const char **names; /* names[0] is "" ; UTF-8, NUL-terminated, control bytes kept: escape when
                           printing */
    uint64_t *page_key;
    uint32_t n_extra, n_folds, n_types, n_codes, n_uses, n_roots, n_keys, n_expects, n_offs,
        n_numbers, n_threads, n_dups, n_dup_holders, n_name_lists, n_names, n_pages;
    uint32_t n_frames, n_stacks, n_sites, n_ages, n_made;
    uint32_t n_modules, n_natives, n_native_sites;
    uint32_t n_losts, n_lost_sites, n_holds, n_helds, n_nobodys;
    uint32_t n_wide_folds, wide_folds_room;
    hl_arena arena; /* owns all of it */
} hl_snap;

/* The number of v's wide row; 0 if it has none. */
uint64_t hl_snap_wide_of(const hl_snap_wides *wide, hl_node v);
static inline uint64_t hl_narrow8_get(const hl_narrow8 *c, hl_node v)
{
    return __builtin_expect(c->at[v] != UINT8_MAX, 1) ? c->at[v] : hl_snap_wide_of(&c->wide, v);
}
static inline uint64_t hl_narrow16_get(const hl_narrow16 *c, hl_node v)
{
    return __builtin_expect(c->at[v] != UINT16_MAX, 1) ? c->at[v] : hl_snap_wide_of(&c->wide, v);
}
/* Bytes: the object and its memory outside (ext); folded leaves not. */
static inline uint64_t hl_snap_size(const hl_snap *s, hl_node v)
{
    return hl_narrow16_get(&s->size, v);
}
/* Saturated; 0 for immortals. */
static inline uint32_t hl_snap_refcnt(const hl_snap *s, hl_node v)
{
    return (uint32_t)hl_narrow8_get(&s->refcnt, v);
}
/* Items, saturated; or HL_LEN_NONE. */
static inline int32_t hl_snap_len(const hl_snap *s, hl_node v)
{
    return (int32_t)((int64_t)hl_narrow8_get(&s->len, v) - 1);
}
/* Fold row i, i < n_folds. */
static inline hl_snap_fold hl_snap_fold_at(const hl_snap *s, uint32_t i)
{
    const hl_snap_fold_row *r = &s->folds[i];
    if (__builtin_expect(r->type == HL_FOLD_WIDE, 0))
        return s->wide_folds[r->bytes];
    return (hl_snap_fold){
        .node = r->node, .type = r->type, .objects = r->objects, .bytes = r->bytes};
}

void hl_snap_destroy(hl_snap *snap);
uint64_t hl_snap_address(const hl_snap *s, hl_node v);
const char *hl_snap_type_name(const hl_snap *s, hl_node v);
/* Is the attribute of an instance, or the name in a namespace dict, known to bound nothing? */
bool hl_snap_is_off(const hl_snap *s, hl_node v, const char *name);
/* Rows of numbers about v: the first one's place; their count is returned. */
uint32_t hl_snap_numbers_of(const hl_snap *s, hl_node v, uint32_t *first);
const hl_snap_extra *hl_snap_extra_of(const hl_snap *s, hl_node v);  /* or NULL */
const hl_snap_code *hl_snap_code_of(const hl_snap *s, hl_node code); /* or NULL */
const hl_snap_keys *hl_snap_keys_of(const hl_snap *s, hl_node v);    /* or NULL */
/* Fold rows of v: the first one's place for hl_snap_fold_at; their count is returned. */
uint32_t hl_snap_folds_of(const hl_snap *s, hl_node v, uint32_t *first);
/* Entries of made about v: the first one's place; their count is returned. */
uint32_t hl_snap_made_of(const hl_snap *s, hl_node v, uint32_t *first);
/* v's count is one less, as if a reference were not there; of hundreds of them it stays. */
void hl_snap_lower(hl_snap *s, hl_node v);
/* The node at an address, or HL_NO_NODE. Linear in the number of nodes. */
hl_node hl_snap_find_address(const hl_snap *s, uint64_t address);
/* Every promise above, checked: ids in range, offsets ascending, tables sorted. The first broken
 * one becomes HL_CORRUPT with its place. Run after each load and by fuzzers. */
hl_status hl_snap_check(const hl_snap *s, hl_err *err) HL_MUST_CHECK;

/* ---- building one: the loader, and tests. Nodes in ascending order; the arrays are there.
 * False: no memory for a wide row. ------------------------------------------------------------ */
bool hl_narrow8_put(hl_narrow8 *c, hl_node v, uint64_t value, hl_arena *arena) HL_MUST_CHECK;
bool hl_narrow16_put(hl_narrow16 *c, hl_node v, uint64_t value, hl_arena *arena) HL_MUST_CHECK;
bool hl_snap_fold_put(hl_snap *s, hl_snap_fold fold) HL_MUST_CHECK;

/* ---- a file of snapshots -------------------------------------------------------------------- */

typedef struct hl_run {
    hl_container *file; /* owned */
    const char *path;
    uint32_t pid;
    uint32_t parent_pid, first_pid; /* of a process that was followed: who started it, and the first
                                       of its run; else 0 */
    uint64_t run_id;                /* the same in all files of a run */
    const char *python, *program, *tool; /* "" if unknown */
    uint64_t started_us;
    uint64_t limit_bytes; /* the process may have; 0: unknown */
    bool ended;           /* exit and seconds_us are known */
    int exit;             /* status, or 256 + signal */
    uint64_t seconds_us;  /* length of the run */
    uint32_t n_snaps;     /* whole ones, in time order */
    hl_snap_info *snaps;
    uint32_t n_torn; /* begun and not finished: not used */
    bool traces;     /* of another tool, which knows of allocations only: snap_traces.h */
    hl_arena arena;
} hl_run;

/* Opens the container and lists its snapshots (reads META and END chunks only). */
hl_status hl_run_open(const char *path, hl_run **out, hl_err *err) HL_MUST_CHECK;
hl_status hl_run_open_bytes(const void *bytes, size_t n, hl_run **out, hl_err *err) HL_MUST_CHECK;
void hl_run_close(hl_run *run);
/* Loads snapshot i of run->snaps. On failure nothing is kept. */
hl_status hl_snap_load(hl_run *run, uint32_t i, hl_snap **out, hl_err *err) HL_MUST_CHECK;

/* Parts of one, for who asks every snapshot of a run and needs no graph of any: names, types and
 * threads are there, and what is asked for; nothing refers to a node, and there is nothing else. */
typedef enum hl_snap_part {
    HL_PART_SITES = 1, /* frames, stacks, sites, ages; of malloc, too */
    HL_PART_SIZES = 2, /* nodes, their type, size, extra, and folds */
    HL_PART_MADE = 4,  /* made; with both of the others */
} hl_snap_part;
hl_status hl_snap_load_parts(hl_run *run, uint32_t i, unsigned parts, hl_snap **out,
                             hl_err *err) HL_MUST_CHECK;

/* What snap_verify found, for `doctor`. */
typedef struct hl_snap_verdict {
    uint32_t whole, torn, broken; /* snapshots */
    hl_damage damage;
    char first_problem[HL_ERR_TEXT]; /* "" if none */
} hl_snap_verdict;
/* Reads everything, checks everything. HL_OK also for a damaged file: the verdict says. */
hl_status hl_run_verify(hl_run *run, hl_snap_verdict *out, hl_err *err) HL_MUST_CHECK;

#endif
