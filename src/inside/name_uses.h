/* inside/name_uses.h: what code does to the containers it can name, added up while it is read.
 *
 * Room   inside; the cloned child. bytecode.c reads instructions, name_uses.c keeps what they do,
 *        name_words.c knows what methods and functions of well-known names do.
 * Use    hl_uses_begin; hl_uses_add and its like while flow says where in the code it is; then
 *        hl_uses_rows writes what matters. */
#ifndef HL_NAME_USES_H
#define HL_NAME_USES_H

#include "inside/flow.h"
#include "inside/walk.h"

enum { HL_USES_NAMES = 128 };
enum {
    HL_USES_STORES = HL_USE_STORE | HL_USE_ADD,
    HL_USES_CLEARS = HL_USE_REMOVE | HL_USE_DROP,
    HL_USES_POPS = HL_USE_REMOVE | HL_USE_TAKE
};

/* Where a value on the evaluation stack comes from. */
enum hl_origin_kind {
    HL_ORIGIN_NONE,
    HL_ORIGIN_NAME,
    HL_ORIGIN_COPY, /* duplicated for an augmented assignment: looking there up is no memo */
    HL_ORIGIN_LEN,  /* len() of it */
    HL_ORIGIN_SUM,  /* it, and something added: assigned to the same name, it was added to */
    HL_ORIGIN_ITEM, /* one entry of it */
    HL_ORIGIN_SLICE,
    HL_ORIGIN_SCALED, /* a number made of what has the name: 2 * self.limit */
    HL_ORIGIN_FOUND,  /* one entry of it, by get() or setdefault() */
    HL_ORIGIN_POP,    /* its method of that name: what is taken out the call tells */
};

typedef struct hl_origin {
    uint8_t kind;  /* enum hl_origin_kind */
    uint8_t scope; /* enum hl_use_scope */
    uint8_t of_scope;
    PyObject *name;
    PyObject *of; /* what it is an attribute of, if that has a name; else NULL */
} hl_origin;

typedef struct hl_name_use {
    PyObject *name;
    uint8_t scope;
    uint32_t bits;
    Py_ssize_t stored_at;    /* by the last c[k] = v; -1 */
    PyObject *stored_key;    /* the local that was the key of every c[k] = v; or ... */
    PyObject *lost_key;      /* ... of every del c[k] that was not exchanged */
    bool loses;              /* an entry is removed that was not exchanged, of another key */
    hl_origin put;           /* the value of the last c.append(v), or the key of c[k] = v */
    Py_ssize_t put_at;       /* in the code */
    unsigned removes, backs; /* removals; of those, of what was put */
    unsigned gets, filed;    /* entries looked up; of those, to be put into */
    unsigned stores, given;  /* stored in all ways; of those, c[k] = an argument */
    bool cleared;            /* before anything else, in every run */
    bool fills;              /* it may have more entries after each run */
} hl_name_use;

typedef struct hl_name_uses {
    const PyCodeObject *code; /* borrowed */
    hl_flow flow;
    hl_name_use rows[HL_USES_NAMES];
    unsigned n;
    PyObject *key; /* of the entry that is being stored or removed, if a local; else NULL */
    bool cut;      /* not all of it was read */
} hl_name_uses;

/* Finds the jumps of the code, which has to outlive u. */
void hl_uses_begin(hl_name_uses *u, const PyCodeObject *code);
/* The instruction that is read does that to o, if o has a name: bits of enum hl_use. */
void hl_uses_add(hl_name_uses *u, hl_origin o, unsigned bits);
/* It puts what into the container of that name, takes it out, or looks an entry up to put into it by
 * the method. */
void hl_uses_put(hl_name_uses *u, uint8_t scope, const PyObject *name, hl_origin what);
void hl_uses_back(hl_name_uses *u, uint8_t scope, const PyObject *name, hl_origin what);
void hl_uses_filed(hl_name_uses *u, hl_origin entry, PyObject *method);
/* c[key] = value is stored in the container of that name. Is it an argument? */
bool hl_uses_given(hl_name_uses *u, uint8_t scope, const PyObject *name, hl_origin key,
                   hl_origin value);
/* The same, of a value that is an entry of it, or one with something added: it was looked up to that
 * end. */
void hl_uses_counted(hl_name_uses *u, uint8_t scope, const PyObject *name, hl_origin value);
/* Something is assigned to o: what was put before under that name is another object than it has
 * now. */
void hl_uses_forget(hl_name_uses *u, hl_origin o);
/* The entry of that key is stored or removed next; then: whose it is, is that not for the caller to
 * say (HL_USE_OWN_KEY)? */
void hl_uses_key(hl_name_uses *u, hl_origin key);
unsigned hl_uses_own_key(const hl_name_uses *u);
/* HL_COL_USE rows of the code object with that id. */
void hl_uses_rows(const hl_name_uses *u, hl_walk *w, uint32_t id);

/* Is it one of the first n arguments of code? */
bool hl_is_argument(const PyCodeObject *code, PyObject *name, int n);

/* ---- name_words.c: what methods and functions do, told by their names ---------------------------
 */

enum hl_words {
    HL_WORDS_METHODS,         /* of a container; with bits */
    HL_WORDS_WHOLE_METHODS,   /* give all there is */
    HL_WORDS_READING_METHODS, /* of builtin containers, look at what there is and give some of it */
    HL_WORDS_PUTTING_METHODS, /* put in what they are given first, or an entry of that key */
    HL_WORDS_FILING_METHODS,  /* add to the entry that was looked up */
    HL_WORDS_FINDING_METHODS, /* look an entry up */
    HL_WORDS_TAKING_BACK_METHODS, /* take out what they are given */
    HL_WORDS_FUNCTIONS,           /* change the container they are given first; with bits */
    HL_WORDS_WHOLE_FUNCTIONS,     /* read all of a container they are given */
    HL_WORDS_WHOLE_BUILTINS,      /* the same, if they are no attribute */
    HL_WORDS_KINDS
};
typedef struct hl_name_word {
    const char *text;
    uint8_t n;
    uint16_t bits; /* enum hl_use */
} hl_name_word;
/* The word that the name is; NULL: none of these. */
const hl_name_word *hl_name_among(PyObject *name, enum hl_words which);

#endif
