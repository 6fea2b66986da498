/* diagnose/pattern.h: what stands above and below a holder, for rules that tell causes by it.
 *
 * Room   diagnose, its own files only.
 * Gives  questions about the anchor's graph: which class has this, which function this cell belongs
 *        to, what a container's members call when they are called, who inherits what. Names of the
 *        language and of its library may be asked for; names a program gave never are. */
#ifndef HL_PATTERN_H
#define HL_PATTERN_H

#include "diagnose/case.h"

bool hl_is_a(const hl_case *c, hl_node v, const char *type); /* of exactly this type */
/* Is v an instance of the class of that name, or of one that inherits from it? */
bool hl_inherits(const hl_case *c, hl_node v, const char *type);
bool hl_is_type(const hl_case *c, hl_node v); /* a class */
/* The class object of an instance, or NO_NODE. */
hl_node hl_class_of(const hl_case *c, hl_node v);
/* Is class (or a base of it) the one given? */
bool hl_has_base(const hl_case *c, hl_node class, hl_node base);
/* Is this the namespace of the class, or of any it inherits from? */
bool hl_has_namespace(const hl_case *c, hl_node class, hl_node dict);
/* Does the class, or a base other than object, define this special method itself? */
hl_node hl_class_defines(const hl_case *c, hl_node class, const char *special);

/* The class in whose namespace something on v's chain stands, wrappers between passed over. */
hl_node hl_class_above(const hl_case *c, hl_node v);
/* The function whose cell or attribute v hangs from, at most a few steps above; or NO_NODE. */
hl_node hl_function_above(const hl_case *c, hl_node v);
/* Does holder keep v alive, all by itself? */
bool hl_dominates(const hl_case *c, hl_node holder, hl_node v);

/* The members of a container, at most max, spread over all of it: values, items or elements, of an
 * lru_cache its entries' results. keys: the keys of a dict instead. */
enum { HL_SAMPLES = 128 };
uint32_t hl_sample(const hl_case *c, hl_node container, bool keys, hl_node *out, uint32_t max);
/* The container the entries of a holder lie in: the dict of a cache or of an instance. */
hl_node hl_entries_of(const hl_case *c, hl_node holder);

/* Something that can be called, and what is called then. */
typedef struct hl_callable {
    hl_node node;     /* NO_NODE: none */
    hl_node code;     /* of the function in the end, or NO_NODE */
    hl_node self;     /* what a bound method is bound to, or NO_NODE */
    const char *what; /* "function", "bound method", "partial" */
} hl_callable;
bool hl_callable_of(const hl_case *c, hl_node v, hl_callable *out);
/* "Service.refresh (app.py:7)", or the type's name. */
const char *hl_callable_name(hl_case *c, const hl_callable *f);
/* A cell of a function that holds something callable: what a decorator's wrapper has. */
bool hl_wraps(const hl_case *c, hl_node function, hl_callable *wrapped);
/* How many cells of the function hold a method of self that is written in C. */
uint32_t hl_methods_in_cells(const hl_case *c, hl_node function, hl_node self);

/* Shapes: the heaviest growth down from a holder. */
enum { HL_DESCENT = 8 };
uint64_t hl_shape_gain(const hl_case *c, const hl_growth *g, hl_shape s);
uint32_t hl_descend(const hl_case *c, const hl_suspect *suspect, hl_shape *out, uint32_t max);
hl_node hl_heaviest_of(const hl_case *c, hl_shape shape);
/* Members the shape gained since the first moment. */
uint64_t hl_shape_more(const hl_case *c, const hl_growth *g, hl_shape s);

/* Is the holder told of already under this cause: by a part of it that grew on its own (the ring
 * and the dict of one cache), or by one of many that share a folded name? Its bytes are added
 * there. */
bool hl_told_again(hl_case *c, const char *cause, const hl_suspect *s);
/* How it was filled, for a structure that speaks for itself even where one loop made it: but not if
 * a single call made it and let it go before the end. */
hl_filled hl_speaks(const hl_suspect *s, hl_filled filled);
/* The suspect under the name its user knows: a queue, not the deque inside it. */
hl_suspect hl_seen_from_outside(hl_case *c, const hl_suspect *s);
const char *hl_kind_name(const hl_case *c, hl_node class); /* the name of a class object, or "?" */

/* Is v below what asyncio.gather() made, or what it or wait() has in its callback? One call waits
 * for all of it. */
bool hl_is_gathered(const hl_case *c, hl_node v);

#endif
