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
    dsl_vec folds; /* dsl_fold */
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
    uint64_t thread, line;
} dsl_root;

typedef struct dsl_heap {
    dsl_vec names;  /* char *; the first is name 1 */
    dsl_vec types;  /* dsl_type  */
    dsl_vec groups; /* dsl_group */
    dsl_vec nodes;  /* dsl_node  */
    dsl_vec edges;  /* dsl_edge  */
    dsl_vec codes;  /* dsl_code  */
    dsl_vec roots;  /* dsl_root  */
    hl_fields meta, end;
    uint64_t folded, skipped;
} dsl_heap;

void *dsl_push(dsl_vec *v, size_t size); /* a zeroed item; aborts without memory */
#define DSL_AT(vec, type, i) (&((type *)(vec).items)[i])

void dsl_heap_free(dsl_heap *h);
/* Where the members of a group called `name` (n bytes) begin. */
uint64_t dsl_address(const char *name, size_t n);
enum { DSL_MEMBER_BYTES = 64, DSL_MEMBERS_MAX = 1 << 20 };

/* Writes h as one stream (snap_dsl_write.c). */
hl_status dsl_write_heap(dsl_heap *h, int fd, uint32_t stream, hl_err *err) HL_MUST_CHECK;

#endif
