// SPDX-License-Identifier: Apache-2.0
// Rows to members: every type once, read, bounded, shown and described.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "conf/table.h"

struct part {
    int64_t n;
    int kind;
    const char *extra;
};

struct all {
    const char *text, *secret, *path, *url;
    int64_t whole, wait_ms, size;
    double number;
    bool on;
    uint32_t mode;
    int word;
    struct conf_strings list;
    struct part part;
    struct conf_tables parts;
};

static const char *const kinds[] = {"red", "green", NULL};

static const struct conf_key part_keys[] = {
    {.name = "n",
     .type = CONF_INT,
     .at = offsetof(struct part, n),
     .initial = "7",
     .description = "N."},
    {.name = "kind",
     .type = CONF_ENUM,
     .at = offsetof(struct part, kind),
     .words = kinds,
     .description = "Kind."},
    {.name = "extra",
     .type = CONF_STRING,
     .at = offsetof(struct part, extra),
     .only = "green",
     .flags = CONF_REQUIRED,
     .description = "A | bar."},
};
static const struct conf_table part_table = {.name = "part",
                                             .keys = part_keys,
                                             .n = LEN(part_keys),
                                             .bytes = sizeof(struct part),
                                             .kind = "kind"};

#define AT(member) .at = offsetof(struct all, member)
static const struct conf_key keys[] = {
    {.name = "text", .type = CONF_STRING, AT(text), .initial = "t", .description = "T."},
    {.name = "secret", .type = CONF_SECRET, AT(secret), .description = "S."},
    {.name = "path", .type = CONF_PATH, AT(path), .description = "P."},
    {.name = "url", .type = CONF_URL, AT(url), .description = "U."},
    {.name = "whole", .type = CONF_INT, AT(whole), .min = -5, .max = 5, .description = "W."},
    {.name = "wait", .type = CONF_DURATION, AT(wait_ms), .initial = "90s", .description = "D."},
    {.name = "size",
     .type = CONF_BYTES,
     AT(size),
     .initial = "2KB",
     .min = 1,
     .max = 4096,
     .description = "B."},
    {.name = "number", .type = CONF_NUMBER, AT(number), .initial = "0.5", .description = "N."},
    {.name = "on", .type = CONF_BOOL, AT(on), .initial = "true", .description = "O."},
    {.name = "mode", .type = CONF_MODE, AT(mode), .initial = "0640", .description = "M."},
    {.name = "word", .type = CONF_ENUM, AT(word), .words = kinds, .description = "E."},
    {.name = "list", .type = CONF_STRINGS, AT(list), .initial = "a, b", .description = "L."},
    {.name = "part", .type = CONF_TABLE, AT(part), .table = &part_table, .description = "One."},
    {.name = "parts",
     .type = CONF_TABLES,
     AT(parts),
     .table = &part_table,
     .min = 0,
     .max = 3,
     .description = "Many."},
    {.name = "later", .type = CONF_ANYTHING, .flags = CONF_NOT_YET, .instead = "wait"},
};
#undef AT
static const struct conf_table table = {
    .name = "thing", .keys = keys, .n = LEN(keys), .bytes = sizeof(struct all)};

struct loaded {
    struct arena arena;
    struct conf_errors errors;
    struct all all;
};

static void loaded_fini(struct loaded *l) { arena_fini(&l->arena); }
DEFINE_AUTO_FINI(loaded)

static void load(struct loaded *l, const char *text, const char *set) {
    struct conf_node *root;
    assert_int_equal(conf_parse(&l->arena, "f", str_from(text), &l->errors, &root), 0);
    if (set) assert_int_equal(conf_override(&l->arena, &table, root, set, &l->errors), 0);
    struct conf_load load = {.arena = &l->arena, .env = &conf_env_system, .errors = &l->errors};
    memset(&l->all, 0xAA, sizeof l->all);
    assert_int_equal(conf_load(&load, &table, root, &l->all), 0);
}

static void refused(const char *text, const char *set, const char *expected) {
    AUTO_FINI(loaded) struct loaded l = {0};
    load(&l, text, set);
    if (l.errors.n != 1 || !strstr(l.errors.list[0].text.text, expected))
        fail_msg("expected: %s\ngot %zu: %s", expected, l.errors.n, l.errors.list[0].text.text);
}

static void test_defaults_fill_every_member(void **state) {
    (void)state;
    AUTO_FINI(loaded) struct loaded l = {0};
    load(&l, "", NULL);
    assert_int_equal(l.errors.n, 0);
    assert_string_equal(l.all.text, "t");
    assert_null(l.all.secret);
    assert_int_equal(l.all.whole, 0);
    assert_int_equal(l.all.wait_ms, 90000);
    assert_int_equal(l.all.size, 2048);
    assert_true(l.all.number == 0.5);
    assert_true(l.all.on);
    assert_int_equal(l.all.mode, 0640);
    assert_int_equal(l.all.word, -1);
    assert_int_equal(l.all.list.n, 2);
    assert_string_equal(l.all.list.v[1], "b");
    assert_int_equal(l.all.part.n, 7);
    assert_int_equal(l.all.parts.n, 0);
}

static void test_every_type_is_read(void **state) {
    (void)state;
    AUTO_FINI(loaded) struct loaded l = {0};
    load(&l,
         "text: true\nsecret: '12'\npath: a b\nurl: x://y\nwhole: -5\nwait: 1h30m\nsize: 4KiB\n"
         "number: -1e3\non: off\nmode: '600'\nword: green\nlist: []\npart: {n: 1}\n"
         "parts:\n  - kind: red\n  - {kind: green, extra: z}\n",
         NULL);
    assert_int_equal(l.errors.n, 0);
    assert_string_equal(l.all.text, "true");
    assert_string_equal(l.all.secret, "12");
    assert_string_equal(l.all.path, "a b");
    assert_int_equal(l.all.whole, -5);
    assert_int_equal(l.all.wait_ms, 5400000);
    assert_int_equal(l.all.size, 4096);
    assert_true(l.all.number == -1000);
    assert_false(l.all.on);
    assert_int_equal(l.all.mode, 0600);
    assert_int_equal(l.all.word, 1);
    assert_int_equal(l.all.list.n, 0);
    assert_int_equal(l.all.part.n, 1);
    const struct part *parts = l.all.parts.v;
    assert_int_equal(l.all.parts.n, 2);
    assert_int_equal(parts[0].n, 7);
    assert_string_equal(parts[1].extra, "z");
}

static void test_wrong_values_are_refused(void **state) {
    (void)state;
    refused("whole: 6\n", NULL, "f:1:8: whole: '6' is wrong, expected a whole number from -5 to 5");
    refused("whole: 1.0\n", NULL, "is wrong");
    refused("whole: 99999999999999999999\n", NULL, "is wrong");
    refused("size: 4097\n", NULL, "a size in bytes from 1 to 4096");
    refused("size: 1XB\n", NULL, "is wrong");
    refused("wait: 5x\n", NULL, "expected a duration with its unit, such as 90s");
    refused("wait: 1.5\n", NULL, "needs a unit, such as 1.5s");
    refused("number: nan\n", NULL, "expected a number");
    refused("mode: 0888\n", NULL, "octal file mode");
    refused("mode: 01777\n", NULL, "octal file mode");
    refused("url: nothing\n", NULL, "expected a URL");
    refused("url: 'a://b c'\n", NULL, "expected a URL");
    refused("secret: 'a b'\n", NULL, "has a blank");
    refused("word: {}\n", NULL, "expected one of red, green; found keys with values");
    refused("parts: {}\n", NULL, "expected a list of tables");
    refused("parts: [a]\n", NULL, "parts.0: expected the keys of one part");
    refused("parts: [{}, {}, {}, {}]\n", NULL, "a list of 4, expected 0 to 3 elements");
    refused("parts: [{kind: red, extra: a}]\n", NULL,
            "parts.0.extra: belongs to part of type green, not to one of type red");
    refused("parts: [{kind: green}]\n", NULL, "f:1:9: parts.0.extra: is missing, expected a text");
    refused("later: [1]\n", NULL, "later: is not supported yet: wait");
    refused("list: [a, {}]\n", NULL, "list.1: expected a text; found keys with values");
    refused("\"a\\nb\": 1\n", NULL, "a?b: no such key");
}

static void test_set_replaces_what_the_file_has(void **state) {
    (void)state;
    AUTO_FINI(loaded) struct loaded l = {0};
    load(&l, "list: {wrong: 1}\n", "list=x,y, z");
    assert_int_equal(l.errors.n, 0);
    assert_int_equal(l.all.list.n, 3);
    assert_string_equal(l.all.list.v[2], "z");
    AUTO_FINI(loaded) struct loaded empty = {0};
    load(&empty, "", "list=");
    assert_int_equal(empty.errors.n, 0);
    assert_int_equal(empty.all.list.n, 0);
    refused("part: 5\n", "part.n=6", "f:1:7: part: expected the keys of one part");
    refused("", "parts.1.n=6", "--set parts.1.n: no part 1");
    refused("", "whole=\xff", "not UTF-8");
}

static void test_shown_yaml_has_every_set_member(void **state) {
    (void)state;
    AUTO_FINI(loaded) struct loaded l = {0};
    load(&l, "secret: s\nwait: 1500ms\nword: red\nparts: [{kind: red}]\n", NULL);
    AUTO_FINI(buf) struct buf out = buf_make(10000);
    conf_write_yaml(&table, &l.all, &out);
    assert_string_equal(buf_z(&out),
                        "text: \"t\"\nsecret: \"********\"\nwhole: 0\nwait: 1500ms\n"
                        "size: 2048\nnumber: 0.5\non: true\nmode: 0640\nword: \"red\"\n"
                        "list: [\"a\", \"b\"]\npart:\n  n: 7\n"
                        "parts:\n  - n: 7\n    kind: \"red\"\n");
}

static void test_docs_name_every_key(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf markdown = buf_make(100000);
    AUTO_FINI(buf) struct buf man = buf_make(100000);
    conf_write_markdown(&table, &markdown);
    conf_write_man(&table, &man);
    for (size_t i = 0; i < LEN(keys); i++) {
        AUTO_FINI(buf) struct buf row = buf_make(100);
        buf_addf(&row, "| `%s` | ", keys[i].name);
        assert_non_null(strstr(buf_z(&markdown), buf_z(&row)));
        buf_reset(&row);
        buf_addf(&row, ".B %s\n", keys[i].name);
        assert_non_null(strstr(buf_z(&man), buf_z(&row)));
    }
    assert_non_null(
        strstr(buf_z(&markdown), "| `extra` | text | required | Only for `green`. A \\| bar. |"));
    assert_non_null(strstr(buf_z(&markdown), "| `size` | bytes from 1 to 4096 | `2KB` | B. |"));
    assert_non_null(strstr(buf_z(&markdown), "## `parts[]`"));
}

static void test_durations_are_written_as_people_do(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "0s"},       {10, "10ms"},   {1000, "1s"},      {60000, "60s"},
                {90000, "90s"},  {120000, "2m"}, {86400000, "24h"}, {90 * 86400000LL, "90d"},
                {1500, "1500ms"}};
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(100);
        conf_add_duration(&out, rows[i].ms);
        assert_string_equal(buf_z(&out), rows[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_fill_every_member),
        cmocka_unit_test(test_every_type_is_read),
        cmocka_unit_test(test_wrong_values_are_refused),
        cmocka_unit_test(test_set_replaces_what_the_file_has),
        cmocka_unit_test(test_shown_yaml_has_every_set_member),
        cmocka_unit_test(test_docs_name_every_key),
        cmocka_unit_test(test_durations_are_written_as_people_do),
    };
    return cmocka_run_group_tests_name("conf_table", tests, NULL, NULL);
}
