/* native/cfi.c: reads call frame information, as the C++ ABI and the LSB describe it (.eh_frame).
 *
 * Room   native; target, inside malloc.
 * Takes  bytes of a loaded module.   Gives  a rule (cfi.h).
 * Method a binary search in .eh_frame_hdr finds the description (FDE) of a function; its program, and
 *        before it that of what it has in common with others (CIE), is run up to the instruction. Of
 *        the registers only two are followed: the frame pointer and where to return to.
 * Care   The bytes are a stranger's: nothing is read beyond the module, and what is not understood
 *        gives HL_CFA_NONE. */
#include "native/cfi.h"

#include <stddef.h>
#include <string.h>

enum {
#if defined(__x86_64__)
    REG_FP = 6,
    REG_SP = 7,
    REG_RA = 16,
#elif defined(__aarch64__)
    REG_FP = 29,
    REG_SP = 31,
    REG_RA = 30,
#else
#error "say which numbers the registers of this processor have in DWARF"
#endif
    REMEMBERED = 8,
    AUGMENTATION_MAX = 8,
};

/* DW_EH_PE_*: how an address is written. */
enum { PE_ABS = 0x00, PE_UDATA2 = 0x02, PE_UDATA4 = 0x03, PE_UDATA8 = 0x04 };
enum { PE_SDATA2 = 0x0a, PE_SDATA4 = 0x0b, PE_SDATA8 = 0x0c, PE_FORM = 0x0f };
enum { PE_PCREL = 0x10, PE_DATAREL = 0x30, PE_WHERE = 0x70, PE_OMIT = 0xff };

/* DW_CFA_* and the DW_OP_* that occur. */
enum {
    CFA_ADVANCE = 0x40,
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_NOP = 0x00,
    CFA_SET_LOC = 0x01,
    CFA_ADVANCE1 = 0x02,
    CFA_ADVANCE2 = 0x03,
    CFA_ADVANCE4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REGISTER = 0x09,
    CFA_REMEMBER = 0x0a,
    CFA_RECALL = 0x0b,
    CFA_DEF = 0x0c,
    CFA_DEF_REGISTER = 0x0d,
    CFA_DEF_OFFSET = 0x0e,
    CFA_DEF_EXPRESSION = 0x0f,
    CFA_EXPRESSION = 0x10,
    CFA_OFFSET_SF = 0x11,
    CFA_DEF_SF = 0x12,
    CFA_DEF_OFFSET_SF = 0x13,
    CFA_VAL_OFFSET = 0x14,
    CFA_VAL_OFFSET_SF = 0x15,
    CFA_VAL_EXPRESSION = 0x16,
    CFA_SIGNED_RETURN = 0x2d, /* aarch64: the return address is signed, or no more */
    CFA_ARGS_SIZE = 0x2e,
    OP_BREG0 = 0x70,
    OP_DEREF = 0x06,
};

typedef struct reader {
    const uint8_t *p, *end;
    bool bad;
} reader;

/* ---- numbers ----------------------------------------------------------------------------------- */

static uint64_t take(reader *r, size_t n)
{
    uint64_t v = 0;
    if (r->bad || (size_t)(r->end - r->p) < n) {
        r->bad = true;
        return 0;
    }
    memcpy(&v, r->p, n); /* little endian, both of them */
    r->p += n;
    return v;
}

static uint64_t uleb(reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t b = take(r, 1);
        v |= (b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
    r->bad = true;
    return 0;
}

static int64_t sleb(reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t b = take(r, 1);
        v |= (b & 0x7f) << shift;
        if (b & 0x80)
            continue;
        if ((b & 0x40) && shift + 7 < 64)
            v |= ~UINT64_C(0) << (shift + 7);
        return (int64_t)v;
    }
    r->bad = true;
    return 0;
}

static uint64_t address(reader *r, uint8_t how, uintptr_t data)
{
    uintptr_t here = (uintptr_t)r->p;
    uint64_t v;
    switch (how & PE_FORM) {
    case PE_ABS:
    case PE_UDATA8:
    case PE_SDATA8:
        v = take(r, 8);
        break;
    case PE_UDATA4:
        v = take(r, 4);
        break;
    case PE_SDATA4:
        v = (uint64_t)(int64_t)(int32_t)take(r, 4);
        break;
    case PE_UDATA2:
        v = take(r, 2);
        break;
    case PE_SDATA2:
        v = (uint64_t)(int64_t)(int16_t)take(r, 2);
        break;
    default:
        r->bad = true;
        return 0;
    }
    switch (how & PE_WHERE) {
    case 0:
        return v;
    case PE_PCREL:
        return v + here;
    case PE_DATAREL:
        return v + data;
    default:
        r->bad = true;
        return 0;
    }
}

/* ---- what an entry says ------------------------------------------------------------------------ */

typedef struct description {
    uintptr_t from, end; /* the function */
    uint64_t code_step;
    int64_t data_step;
    uint8_t how; /* addresses are written */
    bool is_signal;
    reader common, own; /* programs */
} description;

typedef struct state {
    hl_unwind_rule rule;
    uint8_t ra_saved; /* enum hl_saved; of the return address */
} state;

/* Goes to the entry at p: what follows its length, up to its end. */
static reader entry_at(const uint8_t *p, uintptr_t from, uintptr_t end)
{
    enum { LONG = 0xfffffff0u };
    reader r = {.p = p, .end = (const uint8_t *)end};
    if ((uintptr_t)p < from || (uintptr_t)p >= end)
        r.bad = true;
    uint64_t n = take(&r, 4);
    if (n >= LONG || n < 4 || (!r.bad && n > (uint64_t)(r.end - r.p)))
        r.bad = true;
    if (!r.bad)
        r.end = r.p + n;
    return r;
}

static bool read_common(const uint8_t *at, uintptr_t from, uintptr_t end, description *d, bool *z)
{
    reader r = entry_at(at, from, end);
    char kinds[AUGMENTATION_MAX];
    unsigned n = 0;
    if (take(&r, 4))
        return false; /* no CIE */
    uint64_t version = take(&r, 1);
    while (n < sizeof kinds && (kinds[n] = (char)take(&r, 1)))
        n++;
    if (r.bad || n == sizeof kinds || (version != 1 && version != 3))
        return false;
    d->code_step = uleb(&r);
    d->data_step = sleb(&r);
    uint64_t ra = version == 1 ? take(&r, 1) : uleb(&r);
    *z = kinds[0] == 'z';
    if (r.bad || ra != REG_RA || (n && !*z))
        return false;
    uint64_t skip = *z ? uleb(&r) : 0;
    if (r.bad || skip > (uint64_t)(r.end - r.p))
        return false;
    const uint8_t *program = r.p + skip;
    for (unsigned i = 1; i < n && !r.bad; i++) {
        if (kinds[i] == 'R')
            d->how = (uint8_t)take(&r, 1);
        else if (kinds[i] == 'L')
            (void)take(&r, 1);
        else if (kinds[i] == 'P')
            (void)address(&r, (uint8_t)take(&r, 1) & PE_FORM, 0);
        else
            d->is_signal |= kinds[i] == 'S';
    }
    r.p = program;
    d->common = r;
    return !r.bad;
}

static bool read_own(const uint8_t *at, uintptr_t from, uintptr_t end, description *d)
{
    reader r = entry_at(at, from, end);
    bool z = false;
    const uint8_t *here = r.p;
    uint64_t back = take(&r, 4);
    *d = (description){.how = PE_ABS};
    if (r.bad || !back || back > (uint64_t)((uintptr_t)here - from) ||
        !read_common(here - back, from, end, d, &z))
        return false;
    d->from = address(&r, d->how, 0);
    d->end = d->from + address(&r, d->how & PE_FORM, 0);
    uint64_t skip = z ? uleb(&r) : 0;
    if (r.bad || skip > (uint64_t)(r.end - r.p))
        return false;
    r.p += skip;
    d->own = r;
    return true;
}

/* ---- programs ---------------------------------------------------------------------------------- */

static void def_cfa(state *s, uint64_t reg)
{
    s->rule.cfa_by = reg == REG_SP ? HL_CFA_SP : reg == REG_FP ? HL_CFA_FP : HL_CFA_NONE;
}

static void saved(state *s, uint64_t reg, uint8_t how, int64_t at)
{
    if (reg == REG_FP) {
        s->rule.fp_saved = how;
        s->rule.fp = (int32_t)at;
    } else if (reg == REG_RA) {
        s->ra_saved = how;
        s->rule.ra = (int32_t)at;
    }
}

/* "register + n", and whether it is followed by a dereference; -1: it is something else. */
static int one_register(reader r, bool *deref, int64_t *n)
{
    uint64_t op = take(&r, 1);
    if (r.bad || op < OP_BREG0 || op > OP_BREG0 + 31)
        return -1;
    *n = sleb(&r);
    *deref = !r.bad && r.p < r.end && *r.p == OP_DEREF;
    r.p += *deref;
    return r.bad || r.p != r.end ? -1 : (int)(op - OP_BREG0);
}

static reader block(reader *r)
{
    uint64_t n = uleb(r);
    reader b = {.p = r->p, .end = r->p, .bad = r->bad};
    if (r->bad || n > (uint64_t)(r->end - r->p)) {
        b.bad = r->bad = true;
        return b;
    }
    b.end = r->p += n;
    return b;
}

static void by_expression(state *s, reader *r, uint64_t op)
{
    bool deref = false;
    int64_t n = 0;
    uint64_t reg = op == CFA_DEF_EXPRESSION ? 0 : uleb(r);
    int of = one_register(block(r), &deref, &n);
    if (op == CFA_DEF_EXPRESSION) {
        s->rule.cfa_by = of == REG_FP && deref ? HL_CFA_AT_FP : HL_CFA_NONE;
        s->rule.cfa = (int32_t)n;
    } else {
        bool at_fp = op == CFA_EXPRESSION && of == REG_FP && !deref;
        saved(s, reg, at_fp ? HL_SAVED_AT_FP : HL_SAVED_LOST, n);
    }
}

static void restore(state *s, uint64_t reg, const state *initial)
{
    if (reg == REG_FP)
        saved(s, reg, initial->rule.fp_saved, initial->rule.fp);
    else if (reg == REG_RA)
        saved(s, reg, initial->ra_saved, initial->rule.ra);
}

/* One instruction that changes a rule. false: not known. */
static bool change(state *s, const description *d, reader *r, uint64_t op, const state *initial)
{
    uint64_t reg;
    switch (op) {
    case CFA_NOP:
        return true;
    case CFA_OFFSET_EXTENDED:
        reg = uleb(r);
        saved(s, reg, HL_SAVED_AT_CFA, (int64_t)uleb(r) * d->data_step);
        return true;
    case CFA_OFFSET_SF:
        reg = uleb(r);
        saved(s, reg, HL_SAVED_AT_CFA, sleb(r) * d->data_step);
        return true;
    case CFA_RESTORE_EXTENDED:
        restore(s, uleb(r), initial);
        return true;
    case CFA_UNDEFINED:
        saved(s, uleb(r), HL_SAVED_LOST, 0);
        return true;
    case CFA_SAME_VALUE:
        saved(s, uleb(r), HL_SAVED_SAME, 0);
        return true;
    case CFA_REGISTER:
    case CFA_VAL_OFFSET:
        saved(s, uleb(r), HL_SAVED_LOST, 0);
        (void)uleb(r);
        return true;
    case CFA_VAL_OFFSET_SF:
        saved(s, uleb(r), HL_SAVED_LOST, 0);
        (void)sleb(r);
        return true;
    case CFA_DEF:
        def_cfa(s, uleb(r));
        s->rule.cfa = (int32_t)uleb(r);
        return true;
    case CFA_DEF_SF:
        def_cfa(s, uleb(r));
        s->rule.cfa = (int32_t)(sleb(r) * d->data_step);
        return true;
    case CFA_DEF_REGISTER:
        def_cfa(s, uleb(r));
        return true;
    case CFA_DEF_OFFSET:
        s->rule.cfa = (int32_t)uleb(r);
        return true;
    case CFA_DEF_OFFSET_SF:
        s->rule.cfa = (int32_t)(sleb(r) * d->data_step);
        return true;
    case CFA_DEF_EXPRESSION:
    case CFA_EXPRESSION:
    case CFA_VAL_EXPRESSION:
        by_expression(s, r, op);
        return true;
    case CFA_SIGNED_RETURN: /* the signature is taken off whatever is read */
        return true;
    case CFA_ARGS_SIZE:
        (void)uleb(r);
        return true;
    default:
        return false;
    }
}

/* How far an instruction goes on in the code; false: it is of another kind. */
static bool advances(const description *d, reader *r, uint64_t op, uintptr_t *loc)
{
    if ((op & 0xc0) == CFA_ADVANCE)
        *loc += (op & 0x3f) * d->code_step;
    else if (op == CFA_ADVANCE1)
        *loc += take(r, 1) * d->code_step;
    else if (op == CFA_ADVANCE2)
        *loc += take(r, 2) * d->code_step;
    else if (op == CFA_ADVANCE4)
        *loc += take(r, 4) * d->code_step;
    else if (op == CFA_SET_LOC)
        *loc = address(r, d->how, 0);
    else
        return false;
    return true;
}

/* false: it cannot be understood. */
static bool run(state *s, const description *d, reader r, uintptr_t at, const state *initial)
{
    state kept[REMEMBERED];
    unsigned depth = 0;
    for (uintptr_t loc = d->from; !r.bad && r.p < r.end && loc <= at;) {
        uint64_t op = take(&r, 1), low = op & 0x3f;
        if (advances(d, &r, op, &loc))
            continue;
        if ((op & 0xc0) == CFA_OFFSET) {
            saved(s, low, HL_SAVED_AT_CFA, (int64_t)uleb(&r) * d->data_step);
        } else if ((op & 0xc0) == CFA_RESTORE) {
            restore(s, low, initial);
        } else if (op == CFA_REMEMBER && depth < REMEMBERED) {
            kept[depth++] = *s;
        } else if (op == CFA_RECALL && depth) {
            *s = kept[--depth];
        } else if (!change(s, d, &r, op, initial)) {
            return false;
        }
    }
    return !r.bad;
}

/* ---- the table of functions -------------------------------------------------------------------- */

/* .eh_frame_hdr: version, three encodings, where .eh_frame is, how many rows, rows of (function, FDE)
 * sorted. Linkers write rows of 4 bytes from here, and nothing else. */
static const uint8_t *find_entry(const uint8_t *unwind, uintptr_t from, uintptr_t end, uintptr_t at)
{
    enum { HEAD = 4, ROW = 8, AS_WRITTEN = PE_DATAREL | PE_SDATA4 };
    reader r = {.p = unwind, .end = (const uint8_t *)end};
    if ((uintptr_t)unwind < from || (uintptr_t)unwind + HEAD > end || unwind[0] != 1 ||
        unwind[2] == PE_OMIT || unwind[3] != AS_WRITTEN)
        return NULL;
    r.p += HEAD;
    (void)address(&r, unwind[1], (uintptr_t)unwind);
    uint64_t n = address(&r, unwind[2] & PE_FORM, 0);
    if (r.bad || n > (uint64_t)(r.end - r.p) / ROW)
        return NULL;
    int64_t wanted = (int64_t)(at - (uintptr_t)unwind);
    const uint8_t *rows = r.p;
    uint64_t a = 0, z = n;
    while (a < z) {
        uint64_t mid = a + (z - a) / 2;
        int32_t begins;
        memcpy(&begins, rows + mid * ROW, sizeof begins);
        if (begins <= wanted)
            a = mid + 1;
        else
            z = mid;
    }
    if (!a)
        return NULL;
    int32_t entry;
    memcpy(&entry, rows + (a - 1) * ROW + sizeof entry, sizeof entry);
    return unwind + entry;
}

hl_unwind_rule hl_cfi_rule(const uint8_t *unwind, uintptr_t from, uintptr_t end, uintptr_t at,
                           uintptr_t *entry)
{
    hl_unwind_rule none = {.cfa_by = HL_CFA_NONE};
    const uint8_t *p = unwind ? find_entry(unwind, from, end, at) : NULL;
    description d;
    state s = {.ra_saved = HL_SAVED_SAME}, initial;
    *entry = 0;
    if (!p || !read_own(p, from, end, &d) || at < d.from || at >= d.end || d.is_signal)
        return none;
    *entry = d.from;
    /* at the first instruction: the common program has no instructions that go on in the code */
    if (!run(&s, &d, d.common, UINTPTR_MAX, &s))
        return none;
    initial = s;
    if (!run(&s, &d, d.own, at, &initial) || s.ra_saved != HL_SAVED_AT_CFA)
        return none;
    return s.rule;
}
