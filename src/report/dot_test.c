/* report/dot_test.c: whatever bytes a name has, it is one text of one label.
 *
 * The text is read again by the rules of Graphviz's own lexer, and what it shows for a label compared
 * with what a terminal would be shown. tests/python/test_graph.py has the real one read it. */
#include "report/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STRINGS = 64, LONG = 4096 };

/* The quoted strings of a text, as Graphviz shows them; words between are checked to be harmless. */
typedef struct shown {
    char *at[STRINGS];
    uint32_t n;
} shown;

static const char *read_quoted(const char *p, char *to)
{
    for (p++; *p != '"'; p++) {
        assert_int_not_equal(*p, 0);
        assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
        if (*p == '\\') {
            p++;
            assert_true(*p == 'n' || *p == '"' || *p == '\\');
            *to++ = *p == 'n' ? '\n' : *p;
        } else if (*p == '&') {
            assert_memory_equal(p, "&amp;", 5);
            p += 4;
            *to++ = '&';
        } else {
            *to++ = *p;
        }
    }
    *to = 0;
    return p + 1;
}

static void read_dot(hl_out *o, shown *s)
{
    assert_false(o->failed);
    hl_out_write(o, "", 1);
    for (const char *p = o->bytes; *p;) {
        if (*p != '"') {
            assert_non_null(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   " \n=,;.[]{}->",
                                   *p));
            p++;
            continue;
        }
        assert_true(s->n < STRINGS);
        s->at[s->n] = malloc(strlen(p) + 1);
        p = read_quoted(p, s->at[s->n++]);
    }
}

static void forget(shown *s)
{
    while (s->n)
        free(s->at[--s->n]);
}

static bool shows(const shown *s, const char *start, const char *part)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (!strncmp(s->at[i], start, strlen(start)) && strstr(s->at[i], part))
            return true;
    return false;
}

static void draw(const char *name, shown *s)
{
    hl_picture_node nodes[2] = {
        {.type = "dict", .name = name, .note = name, .objects = 1, .items = -1, .bytes = 1},
        {.type = name, .objects = 2, .items = -1, .bytes = 2, .distance = 1, .more = true},
    };
    hl_picture_edge edge = {.from = 1, .references = 2, .labels = {name}, .n_labels = 1};
    hl_picture p = {.target = name,
                    .matched = 1,
                    .nodes = nodes,
                    .n_nodes = 2,
                    .edges = &edge,
                    .n_edges = 1,
                    .left_out = 3};
    hl_out o = {0};
    hl_picture_dot(&p, &o);
    read_dot(&o, s);
    hl_out_deinit(&o);
}

static void assert_shown(const char *name)
{
    shown s = {0};
    hl_out safe = {0};
    hl_out_safe(&safe, name, 36); /* the least room any of them has */
    hl_out_write(&safe, "", 1);
    char *dots = strlen(safe.bytes) > 36 ? strrchr(safe.bytes, '.') : NULL;
    if (dots)
        dots[-2] = 0; /* cut earlier than elsewhere */
    draw(name, &s);
    assert_true(shows(&s, "what holds ", safe.bytes));
    assert_true(shows(&s, "dict\n", safe.bytes));
    assert_true(shows(&s, "2 \xc3\x97 ", safe.bytes));
    assert_true(shows(&s, " ", safe.bytes));
    assert_true(shows(&s, "\xe2\x80\xa6 3 more", ""));
    forget(&s);
    hl_out_deinit(&safe);
}

static void hostile_names_stay_in_their_labels(void **state)
{
    static const char *const names[] = {
        "plain",
        "",
        "\"];n9[label=\"gone",
        "back\\slash\\",
        "\\\"",
        "\\",
        "\\n\\l\\N\\G\\E\\T\\H",
        "two\nlines\r\n",
        "tab\there",
        "\x1b[31mred\x07",
        "{record|<port>field}",
        "<b>html</b> &lt; &amp; &#10; &bad",
        "\xff\xfe\xc3(",
        "\xe2\x80\xaereversed",
        "\xc3\xa9\xe5\xad\x97",
        "/* comment */ // # }",
        "a -> b; subgraph x {",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_shown(names[i]);
}

static void any_bytes_do(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        char text[32] = {0};
        for (int i = 0; i < 30; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[i] = (char)(seed >> 56);
        }
        shown s = {0};
        draw(text, &s);
        forget(&s);
    }
}

static void a_long_name_is_cut(void **state)
{
    static char name[LONG + 1];
    shown s = {0};
    (void)state;
    memset(name, '"', LONG);
    draw(name, &s);
    for (uint32_t i = 0; i < s.n; i++)
        assert_true(strlen(s.at[i]) < 256);
    forget(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_names_stay_in_their_labels),
        cmocka_unit_test(any_bytes_do),
        cmocka_unit_test(a_long_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
