/* inside/keykind.c: what kind of keys a big container has, from a sample, never a value.
 *
 * Room   inside; the cloned child.
 * Takes  a dict or a set.   Gives  a row of HL_COL_KEYS.
 * Knows  the layout of ints and strs.  Must not know  labels, growth. */
#include "inside/walk.h"

enum { SAMPLE = 64, UUID_LENGTH = 36, DIGITS_MAX = 2, TEXT_MAX = 4 * HL_NAME_CUT };

typedef struct sample {
    PyObject *key[SAMPLE];
    unsigned n;
} sample;

static void sample_dict(const PyDictObject *d, sample *s)
{
    hl_abi_table t = hl_abi_dict_table(d);
    size_t step = t.n / SAMPLE + (t.n % SAMPLE != 0);
    for (size_t i = 0; i < t.n && s->n < SAMPLE; i += step ? step : 1)
        if (hl_abi_table_key(&t, i) && hl_abi_table_value(&t, i))
            s->key[s->n++] = hl_abi_table_key(&t, i);
}

static void sample_set(const PySetObject *o, sample *s)
{
    size_t n = (size_t)o->mask + 1, step = n / (2 * SAMPLE) + 1;
    for (size_t i = 0; i < n && s->n < SAMPLE; i += step)
        if (o->table[i].key && o->table[i].hash != -1)
            s->key[s->n++] = o->table[i].key;
}

/* An int of up to two digits: 60 bits. */
static bool small_value(PyObject *o, int64_t *out)
{
    size_t n = hl_abi_digits(o);
    if (n > DIGITS_MAX)
        return false;
#if HL_PY_AT_LEAST(12)
    const digit *d = ((PyLongObject *)o)->long_value.ob_digit;
    bool negative = (((PyLongObject *)o)->long_value.lv_tag & 3) == 2;
#else
    const digit *d = ((PyLongObject *)o)->ob_digit;
    bool negative = Py_SIZE(o) < 0;
#endif
    int64_t v = n > 1 ? (int64_t)d[1] << PyLong_SHIFT : 0;
    v |= n ? (int64_t)d[0] : 0;
    *out = negative ? -v : v;
    return true;
}

static enum hl_keys_kind kind_of_ints(const sample *s)
{
    int64_t last = INT64_MIN, v;
    for (unsigned i = 0; i < s->n; i++) {
        if (!small_value(s->key[i], &v) || v <= last)
            return HL_KEYS_INT;
        last = v;
    }
    return HL_KEYS_INT_RISING;
}

static bool hexadecimal(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static enum hl_keys_kind kind_of_text(const char *text, size_t n)
{
    size_t digits = 0, hex = 0, dashes = 0;
    bool slash = false;
    for (size_t i = 0; i < n; i++) {
        digits += text[i] >= '0' && text[i] <= '9';
        hex += hexadecimal(text[i]);
        dashes += text[i] == '-';
        slash |= text[i] == '/' || text[i] == '\\';
    }
    if (n && digits == n)
        return HL_KEYS_STR_DIGITS;
    if ((n == UUID_LENGTH && dashes == 4 && hex == n - 4) || (n == UUID_LENGTH - 4 && hex == n))
        return HL_KEYS_STR_UUID;
    return slash ? HL_KEYS_STR_PATH : HL_KEYS_STR;
}

static enum hl_keys_kind kind_of_strs(const sample *s)
{
    char text[TEXT_MAX];
    enum hl_keys_kind kind = kind_of_text(text, hl_name_utf8(s->key[0], text));
    for (unsigned i = 1; i < s->n && kind != HL_KEYS_STR; i++)
        if (kind_of_text(text, hl_name_utf8(s->key[i], text)) != kind)
            kind = HL_KEYS_STR;
    return kind;
}

static enum hl_keys_kind kind_of(hl_walk *w, const sample *s, uint32_t *detail)
{
    PyTypeObject *t = Py_TYPE(s->key[0]);
    for (unsigned i = 1; i < s->n; i++)
        if (Py_TYPE(s->key[i]) != t)
            return HL_KEYS_MIXED;
    if (t == &PyLong_Type)
        return kind_of_ints(s);
    if (t == &PyUnicode_Type)
        return kind_of_strs(s);
    if (t == &PyBytes_Type)
        return HL_KEYS_BYTES;
    if (t == &PyFloat_Type)
        return HL_KEYS_FLOAT;
    if (t == &PyTuple_Type) {
        *detail = (uint32_t)PyTuple_GET_SIZE(s->key[0]);
        for (unsigned i = 1; i < s->n; i++)
            if ((uint32_t)PyTuple_GET_SIZE(s->key[i]) != *detail)
                *detail = 0;
        return HL_KEYS_TUPLE;
    }
    *detail = hl_kind_of(w, t)->index;
    return HL_KEYS_OBJECT;
}

void hl_keys_row(hl_walk *w, uint32_t id, PyObject *dict_or_set)
{
    sample s = {.n = 0};
    uint32_t detail = 0;
    if (hl_abi_is_dict(dict_or_set))
        sample_dict((PyDictObject *)dict_or_set, &s);
    else
        sample_set((PySetObject *)dict_or_set, &s);
    if (!s.n)
        return;
    enum hl_keys_kind kind = kind_of(w, &s, &detail);
    hl_snap_put(&w->out, HL_COL_KEYS, id);
    hl_snap_put(&w->out, HL_COL_KEYS, kind);
    hl_snap_put(&w->out, HL_COL_KEYS, detail);
}
