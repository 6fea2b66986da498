/* native/stack.c: who called malloc: return addresses, from the innermost out, as one site.
 *
 * Room   native; target, inside malloc, any thread, also in a signal handler.
 * Takes  the registers of a caller.   Gives  a site (track/site_tree.h).
 * Method Frame pointers are not to be had in most libraries, so that each step goes by the rule of its
 *        instruction (cfi.h), which is looked up once and kept in a table that readers need no lock
 *        for. Where Python code called, the walk ends at the interpreter's loop: what is below it the
 *        Python stack says better, and shorter.
 * Again  A walk is decided by the registers it begins with and the words it reads on the stack. Each thread
 *        keeps a few: where those are as they were, so is the site.
 * Care   A rule that lies would lead anywhere: nothing is read but between the stack pointer and the end
 *        of the mapping it lies in, which is asked of the kernel once a stack.
 * Knows  rt, track.  Must not know  Python, allocators. */
#define _GNU_SOURCE
#include "native/stack.h"

#include "rt/rt.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum {
    DEPTH = 64, /* frames that are told */
    RULES_BITS = 16,
    RULES = 1 << RULES_BITS,
    GONE = 1,
    RANGES = 4,
    GROWS = 1 << 20, /* below a stack the kernel keeps so much free for it */
    WALKS_BITS = 2,  /* of each thread, kept: they are small, for they take room on its stack */
    WALKS = 1 << WALKS_BITS,
    READ_MAX = 64, /* a longer walk is not kept */
    HOST_DEPTH =
        3, /* frames in which the host's library is looked for: the interpreter's lie before */
    THEIRS = DEPTH + 1,
};
#define PYTHON_AT (UINT64_C(1) << 63) /* no code is there */

typedef struct kept_rule {
    uintptr_t pc; /* 0: free; GONE: was one; stored last */
    hl_unwind_rule rule;
} kept_rule;

typedef struct range {
    uintptr_t from, end;
} range;

typedef struct kept_walk {
    hl_registers from;
    uint32_t python, site, age; /* site 0: none */
    uint32_t n;                 /* words read; READ_MAX + 1: too many */
    struct {
        uintptr_t at, word;
    } read[READ_MAX];
} kept_walk;

static struct {
    hl_sites *sites;
    hl_modules *modules; /* its lock guards the rules, too */
    kept_rule *rules;
    uint32_t n_rules;
    uintptr_t eval, self;
    range host, interpreter, allocator; /* code */
    uint32_t age; /* changes when what is known of addresses is not believed any more; atomic */
} S;

static __thread struct {
    range of[RANGES]; /* stacks of this thread */
    unsigned next;
    kept_walk walks[WALKS];
} stacks __attribute__((tls_model("initial-exec")));

/* Rules say where a walk ends: where that is another place now they are made anew. */
bool hl_stack_begin(hl_sites *sites, hl_modules *modules, const hl_native_host *host)
{
    S.sites = sites;
    S.modules = modules;
    S.self = host->self;
    S.host = S.interpreter = S.allocator = (range){0, 0};
    if (S.rules && host->eval != S.eval) {
        hl_pages_unmap(S.rules, RULES * sizeof *S.rules);
        S.rules = NULL;
        S.n_rules = 0;
    }
    S.eval = host->eval;
    __atomic_add_fetch(&S.age, 1, __ATOMIC_SEQ_CST);
    if (!S.rules)
        S.rules = hl_pages_map(RULES * sizeof *S.rules);
    return S.rules && hl_sites_init(sites) && hl_modules_init(modules);
}

/* ---- what may be read -------------------------------------------------------------------------- */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The mapping that has `at`, out of /proc/self/maps: lines begin with "FROM-END ". */
static range mapping_of(uintptr_t at)
{
    enum { FROM, END, REST };
    char part[512];
    range r = {0, 0};
    int where = FROM;
    ssize_t got;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return r;
    while ((got = read(fd, part, sizeof part)) > 0)
        for (ssize_t i = 0; i < got; i++) {
            int digit = where == REST ? -1 : hex(part[i]);
            uintptr_t *to = where == FROM ? &r.from : &r.end;
            if (part[i] == '\n') {
                r = (range){0, 0};
                where = FROM;
            } else if (digit >= 0) {
                *to = *to << 4 | (uintptr_t)digit;
            } else if (where == FROM) {
                where = END;
            } else if (where == END) {
                where = REST;
                if (at >= r.from && at < r.end) {
                    close(fd);
                    return r;
                }
            }
        }
    close(fd);
    return (range){0, 0};
}

/* Where the stack ends on which sp lies; 0: nobody knows. */
static uintptr_t stack_end(uintptr_t sp)
{
    for (unsigned i = 0; i < RANGES; i++)
        if (sp - stacks.of[i].from < stacks.of[i].end - stacks.of[i].from)
            return stacks.of[i].end;
    range r = mapping_of(sp);
    if (!r.end)
        return 0;
    r.from = r.from > GROWS ? r.from - GROWS : r.from;
    stacks.of[stacks.next++ % RANGES] = r;
    return r.end;
}

/* ---- rules ------------------------------------------------------------------------------------- */

static size_t rule_place(uintptr_t pc)
{
    return (size_t)((uint64_t)pc * 0x9E3779B97F4A7C15ull >> (64 - RULES_BITS));
}

static bool find_rule(uintptr_t pc, hl_unwind_rule *out)
{
    for (size_t h = rule_place(pc);; h = (h + 1) & (RULES - 1)) {
        uintptr_t there = __atomic_load_n(&S.rules[h].pc, __ATOMIC_ACQUIRE);
        if (there == pc)
            *out = S.rules[h].rule;
        if (there == pc || !there)
            return there == pc;
    }
}

/* The lock is held. A full table keeps no more: rules are looked up each time then. */
static void keep_rule(uintptr_t pc, hl_unwind_rule rule)
{
    hl_unwind_rule there;
    if (find_rule(pc, &there) || S.n_rules >= RULES / 2)
        return;
    size_t h = rule_place(pc);
    while (S.rules[h].pc)
        h = (h + 1) & (RULES - 1);
    S.rules[h].rule = rule;
    S.n_rules++;
    __atomic_store_n(&S.rules[h].pc, pc, __ATOMIC_RELEASE);
}

/* The lock is held. A library went: what is known of its addresses is not believed. */
static void module_gone(hl_module *m)
{
    for (size_t h = 0; h < RULES; h++)
        if (S.rules[h].pc - m->from < m->end - m->from)
            __atomic_store_n(&S.rules[h].pc, GONE, __ATOMIC_RELAXED);
    hl_lock_take(&S.sites->lock);
    hl_sites_gone(S.sites, m->cell);
    hl_lock_give(&S.sites->lock);
    m->cell = 0;
    __atomic_add_fetch(&S.age, 1, __ATOMIC_SEQ_CST);
}

void hl_stack_refresh(void)
{
    hl_modules_refresh(S.modules, module_gone);
}

static hl_module module_at(uintptr_t at)
{
    hl_lock_take(&S.modules->lock);
    hl_module m = S.modules->list[hl_modules_find(S.modules, at)];
    hl_lock_give(&S.modules->lock);
    return m;
}

static range code_at(uintptr_t at)
{
    hl_module m = at ? module_at(at) : (hl_module){.code = 0};
    return (range){m.code, m.code_end};
}

void hl_stack_host(uintptr_t allocator)
{
    S.host = code_at(S.self);
    S.interpreter = code_at(S.eval);
    S.allocator = code_at(allocator);
}

static bool is_in(const range *r, uintptr_t pc)
{
    return pc - r->from < r->end - r->from;
}

bool hl_stack_is_hosts(uintptr_t pc)
{
    return is_in(&S.host, pc);
}

bool hl_stack_is_interpreter(uintptr_t pc)
{
    return is_in(&S.interpreter, pc);
}

bool hl_stack_is_allocators(uintptr_t pc)
{
    return is_in(&S.allocator, pc);
}

static __attribute__((noinline)) hl_unwind_rule make_rule(uintptr_t pc)
{
    uintptr_t entry, at = pc - 1;
    hl_module m = module_at(at);
    if (!m.code_end) {
        hl_stack_refresh();
        m = module_at(at);
    }
    hl_unwind_rule rule = hl_cfi_rule(m.unwind, m.from, m.end, at, &entry);
    rule.ends = entry && entry == S.eval;
    hl_lock_take(&S.modules->lock);
    keep_rule(pc, rule);
    hl_lock_give(&S.modules->lock);
    return rule;
}

/* ---- the walk ---------------------------------------------------------------------------------- */

static uintptr_t load(uintptr_t at)
{
    uintptr_t v;
    memcpy(&v, (const void *)at, sizeof v);
    return v;
}

static uintptr_t read_word(kept_walk *w, uintptr_t at)
{
    uintptr_t word = load(at);
    if (w->n < READ_MAX) {
        w->read[w->n].at = at;
        w->read[w->n].word = word;
    }
    w->n += w->n <= READ_MAX;
    return word;
}

static uintptr_t plain_address(uintptr_t pc)
{
#if defined(__aarch64__)
    return pc & ((UINT64_C(1) << 48) - 1); /* without a signature */
#else
    return pc;
#endif
}

/* Where what is saved lies; 0: it is not on the stack. */
static uintptr_t on_stack(uintptr_t at, uintptr_t sp, uintptr_t end)
{
    return at >= sp && at + sizeof at <= end && at + sizeof at > at && !(at % sizeof at) ? at : 0;
}

/* The registers of the caller; false: the stack ends. */
static bool step(hl_registers *r, const hl_unwind_rule *rule, uintptr_t end, kept_walk *w)
{
    uintptr_t cfa = (rule->cfa_by == HL_CFA_SP ? r->sp : r->fp) + (uintptr_t)(intptr_t)rule->cfa;
    if (rule->cfa_by == HL_CFA_NONE)
        return false;
    if (rule->cfa_by == HL_CFA_AT_FP) {
        uintptr_t at = on_stack(cfa, r->sp, end);
        cfa = at ? read_word(w, at) : 0;
    }
    uintptr_t ra = on_stack(cfa + (uintptr_t)(intptr_t)rule->ra, r->sp, end);
    if (cfa <= r->sp || cfa > end || !ra)
        return false;
    uintptr_t fp =
        (rule->fp_saved == HL_SAVED_AT_CFA ? cfa : r->fp) + (uintptr_t)(intptr_t)rule->fp;
    if (rule->fp_saved == HL_SAVED_AT_CFA || rule->fp_saved == HL_SAVED_AT_FP) {
        fp = on_stack(fp, r->sp, end);
        r->fp = fp ? read_word(w, fp) : 0;
    }
    r->pc = plain_address(read_word(w, ra));
    r->sp = cfa;
    return r->pc != 0;
}

/* How many; THEIRS: the host's library called. */
static unsigned walk(hl_registers r, bool python, bool counts, kept_walk *w, uintptr_t pcs[DEPTH])
{
    unsigned n = 0;
    uintptr_t end = stack_end(r.sp);
    r.pc = plain_address(r.pc);
    while (n < DEPTH) {
        hl_unwind_rule rule;
        if (!find_rule(r.pc, &rule))
            rule = make_rule(r.pc);
        if (python && rule.ends)
            break;
        pcs[n++] = r.pc;
        if (n <= HOST_DEPTH && counts && hl_stack_is_hosts(r.pc))
            return THEIRS;
        if (!end || !step(&r, &rule, end, w))
            break;
    }
    return n;
}

/* ---- sites ------------------------------------------------------------------------------------- */

static __attribute__((noinline)) uint32_t new_site(uint32_t parent, uintptr_t pc)
{
    hl_lock_take(&S.modules->lock);
    uint32_t i = hl_modules_find(S.modules, pc - 1);
    hl_module *m = &S.modules->list[i];
    uint32_t offset = i == HL_MODULE_UNKNOWN ? 0 : (uint32_t)(pc - m->base);
    hl_lock_take(&S.sites->lock);
    uint32_t site = hl_sites_add(S.sites, parent, i, offset, pc, &m->cell);
    hl_lock_give(&S.sites->lock);
    hl_lock_give(&S.modules->lock);
    return site;
}

static __attribute__((noinline)) uint32_t new_root(uint32_t python)
{
    uint32_t cell = 0; /* it is never taken out */
    hl_lock_take(&S.sites->lock);
    uint32_t site =
        hl_sites_add(S.sites, 0, HL_MODULE_PYTHON, python, (uintptr_t)(PYTHON_AT | python), &cell);
    hl_lock_give(&S.sites->lock);
    return site;
}

static __attribute__((noinline)) uint32_t site_of(const hl_registers *at, uint32_t python,
                                                  bool counts, kept_walk *w)
{
    uintptr_t pcs[DEPTH];
    uint32_t site = 0, age = __atomic_load_n(&S.age, __ATOMIC_ACQUIRE);
    w->site = w->n = 0;
    unsigned n = walk(*at, python != 0, counts, w, pcs);
    if (n == THEIRS) {
        site = HL_NATIVE_THEIRS;
        n = 0;
    } else if (python) {
        site = hl_sites_find(S.sites, 0, (uintptr_t)(PYTHON_AT | python));
        site = site ? site : new_root(python);
    }
    while (n) {
        uintptr_t pc = pcs[--n];
        uint32_t found = hl_sites_find(S.sites, site, pc);
        site = found ? found : new_site(site, pc);
    }
    w->from = *at;
    w->python = python;
    w->age = age;
    w->site = w->n <= READ_MAX ? site : 0;
    return site;
}

static bool is_same(const kept_walk *w, const hl_registers *at, uint32_t python)
{
    if (w->from.pc != at->pc || w->from.sp != at->sp || w->from.fp != at->fp ||
        w->python != python || !w->site || w->age != __atomic_load_n(&S.age, __ATOMIC_ACQUIRE))
        return false;
    for (uint32_t i = 0; i < w->n; i++)
        if (load(w->read[i].at) != w->read[i].word)
            return false;
    return true;
}

uint32_t hl_stack_site(const hl_registers *at, uint32_t python, bool counts)
{
    kept_walk *w = &stacks.walks[(uint64_t)at->pc * 0x9E3779B97F4A7C15ull >> (64 - WALKS_BITS)];
    return is_same(w, at, python) ? w->site : site_of(at, python, counts, w);
}

void hl_stack_forked(void)
{
    hl_lock_reset(&S.modules->lock);
    hl_lock_reset(&S.sites->lock);
}
