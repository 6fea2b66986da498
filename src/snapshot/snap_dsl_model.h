/* snapshot/snap_dsl_model.h: one snapshot of a text between its parser and its writer.
 *
 * Room   snapshot; tests only; for snap_dsl*.c. */
#ifndef HL_SNAP_DSL_MODEL_H
#define HL_SNAP_DSL_MODEL_H

#include "snapshot/snap_write.h"
#include "snapshot/snapshot.h"

#include <stdbool.h>

/* A growing array, malloc's: items of the size they are pushed with. */
typedef struct dsl_vec {
    void *items;
    size_t n, capacity;
} dsl_vec;

typedef struct dsl_fold {
    uint32_t type;
    uint64_t objects, bytes;
} dsl_fold;

typedef struct dsl_node {
    uint64_t address, size, len, cap, ext;
    uint32_t type, row_flags, node_flags, in_edges, prov;
    int64_t ref;
    enum { DSL_REF_COUNTED, DSL_REF_EXACT, DSL_REF_RELATIVE, DSL_REF_IMMORTAL } ref_is;
    uint32_t keys_kind, keys_detail;
    bool has_keys;
    hl_name number; /* an attribute that is one; 0: none */
    uint64_t digits;
    uint32_t by;      /* stack that made it; 0: unknown */
    uint64_t sampled; /* bytes a sample of it stands for; 0: it was followed exactly */
    dsl_vec folds;    /* dsl_fold */
} dsl_node;

typedef struct dsl_group {
    char *name;
    uint32_t first, count, type;
    bool typed; /* by the text, not by default */
} dsl_group;

typedef struct dsl_edge {
    uint32_t src, dst;
    hl_label label;
} dsl_edge;

typedef struct dsl_type {
    hl_name name;
    uint32_t flags, basicsize;
    uint32_t node; /* HL_NO_NODE */
} dsl_type;

typedef struct dsl_use {
    uint32_t scope, bits;
    hl_name name;
} dsl_use;

typedef struct dsl_code {
    uint32_t node;
    hl_name name, qualname, file;
    uint64_t line, args, kwonly;
    dsl_vec vars, free; /* hl_name */
    dsl_vec uses;       /* dsl_use */
} dsl_code;

typedef struct dsl_root {
    enum hl_root_kind kind;
    uint32_t node;
    hl_name name;
    uint64_t thread, line, progress;
} dsl_root;

typedef struct dsl_thread {
    uint64_t index, ident, native;
    uint32_t node; /* HL_NO_NODE */
    hl_name name;
    uint32_t flags;
} dsl_thread;

typedef struct dsl_holder {
    uint32_t node;
    hl_label label;
} dsl_holder;

typedef struct dsl_dup {
    uint32_t type;
    uint64_t len, bytes, copies, seen;
    dsl_vec holders; /* dsl_holder */
} dsl_dup;

typedef struct dsl_heap {
    dsl_vec names;             /* char *; the first is name 1 */
    dsl_vec types;             /* dsl_type  */
    dsl_vec groups;            /* dsl_group */
    dsl_vec nodes;             /* dsl_node  */
    dsl_vec edges;             /* dsl_edge  */
    dsl_vec codes;             /* dsl_code  */
    dsl_vec roots;             /* dsl_root  */
    dsl_vec threads;           /* dsl_thread */
    dsl_vec dups;              /* dsl_dup */
    dsl_vec frames;            /* hl_snap_frame; the first is frame 1 */
    dsl_vec stacks;            /* hl_snap_stack; the first is stack 1 */
    dsl_vec sites;             /* hl_snap_site */
    dsl_vec ages;              /* hl_snap_age */
    dsl_vec modules;           /* hl_snap_module; the first is module 1 */
    dsl_vec natives;           /* hl_snap_native; the first is stack 1 */
    dsl_vec native_sites;      /* hl_snap_native_site */
    dsl_vec losts, lost_sites; /* hl_snap_lost */
    dsl_vec holds;             /* hl_snap_hold */
    dsl_vec helds;             /* hl_snap_held */
    dsl_vec nobodys;           /* hl_node */
    hl_fields meta, end;
    uint64_t folded, skipped;
} dsl_heap;

enum { DSL_WORDS_MAX = 256 };

typedef struct dsl_parser {
    dsl_heap *h;
    unsigned line;
    hl_err *err;
    char *words[DSL_WORDS_MAX];
    unsigned n_words;
    hl_fields *run, *run_end; /* NULL after the first snapshot */
    bool ended;
} dsl_parser;

void *dsl_push(dsl_vec *v, size_t size); /* a zeroed item; aborts without memory */
#define DSL_AT(vec, type, i) (&((type *)(vec).items)[i])

void dsl_heap_free(dsl_heap *h);
/* Where the members of a group called `name` (n bytes) begin. */
uint64_t dsl_address(const char *name, size_t n);
enum { DSL_MEMBER_BYTES = 64, DSL_MEMBERS_MAX = 1 << 20 };

/* Parts of lines (snap_dsl_node.c). dsl_name and dsl_type_index make what is not there yet. */
hl_status dsl_complain(dsl_parser *p, const char *format, ...) HL_PRINTF(2, 3);
char *dsl_copy(const char *s, size_t n);
hl_name dsl_name(dsl_heap *h, const char *s, size_t n);
uint32_t dsl_type_index(dsl_heap *h, const char *s, size_t n);
/* The value of "key=value", or NULL. */
const char *dsl_value(const char *word, const char *key);
/* word is key=NUMBER (0x10, 4K, 3M): true, and *out has it; *bad becomes true for other values. */
bool dsl_numeric(const char *word, const char *key, uint64_t *out, bool *bad);
/* word is key=SECONDS: *out in 1/scale seconds. */
bool dsl_seconds(const char *word, const char *key, double scale, uint64_t *out, bool *bad);
/* A word that names nodes, declaring them at their first mention. */
hl_status dsl_nodes(dsl_parser *p, const char *word, uint32_t *first, uint32_t *count);
hl_status dsl_node_index(dsl_parser *p, const char *word, uint32_t *out); /* exactly one */
hl_status dsl_label(dsl_parser *p, const char *s, hl_label *out);
void dsl_join(dsl_heap *h, uint32_t src, uint32_t dst, hl_label label);
void dsl_join_groups(dsl_heap *h, uint32_t src, uint32_t n_src, uint32_t dst, uint32_t n_dst,
                     hl_label label);
hl_status dsl_set_attribute(dsl_parser *p, dsl_node *x, const char *word);

/* Kinds of lines (snap_dsl_line.c). */
hl_status dsl_node_line(dsl_parser *p);
hl_status dsl_chain_line(dsl_parser *p);
hl_status dsl_root_line(dsl_parser *p);
hl_status dsl_type_line(dsl_parser *p);
hl_status dsl_code_line(dsl_parser *p);
hl_status dsl_run_line(dsl_parser *p);
hl_status dsl_snap_line(dsl_parser *p);

/* Lines and words of surveys, and their columns (snap_dsl_survey.c). */
hl_status dsl_thread_line(dsl_parser *p);
hl_status dsl_dup_line(dsl_parser *p);
/* word is one of a snapshot's resident memory or totals of equal leaves: true. */
bool dsl_memory(const char *word, hl_fields *meta, hl_fields *end, bool *bad);
void dsl_put_surveys(const dsl_heap *h, hl_snap_writer *w);

/* Lines and words of allocations, and their columns (snap_dsl_sites.c). */
hl_status dsl_site_line(dsl_parser *p);
/* FUNCTION@FILE:LINE>..., outermost first: the stack's number. */
hl_status dsl_stack(dsl_parser *p, const char *text, uint32_t *out);
bool dsl_tracking(const char *word, hl_fields *end, bool *bad);
void dsl_put_sites(const dsl_heap *h, hl_snap_writer *w);

/* Blocks of malloc, and their columns (snap_dsl_native.c). */
hl_status dsl_native_line(dsl_parser *p);
hl_status dsl_lost_line(dsl_parser *p);
hl_status dsl_held_line(dsl_parser *p);
hl_status dsl_nobody_line(dsl_parser *p);
void dsl_put_natives(const dsl_heap *h, hl_snap_writer *w);

/* Writes h as one stream (snap_dsl_write.c). */
hl_status dsl_write_heap(dsl_heap *h, int fd, uint32_t stream, hl_err *err) HL_MUST_CHECK;

#endif
