// SPDX-License-Identifier: Apache-2.0
// YAML to a tree: what is read, what is refused and where, and references.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/expand.h"
#include "conf/node.h"

static int parse(struct arena *a, struct str text, struct conf_errors *errors,
                 struct conf_node **ret) {
    *errors = (struct conf_errors){0};
    *ret = NULL;
    return conf_parse(a, "f.yml", text, errors, ret);
}

static void refused_bytes(struct str text, const char *expected) {
    AUTO_FINI(arena) struct arena a = {0};
    struct conf_errors errors;
    struct conf_node *root;
    int rc = parse(&a, text, &errors, &root);
    const char *said = errors.n ? errors.list[0].text.text : "nothing";
    if (rc != CONF_E_WRONG || !strstr(said, expected))
        fail_msg("expected: %s\ngot %d: %s", expected, rc, said);
}

static void refused(const char *text, const char *expected) {
    refused_bytes(str_from(text), expected);
}

static void test_nodes_know_text_and_place(void **state) {
    (void)state;
    AUTO_FINI(arena) struct arena a = {0};
    struct conf_errors errors;
    struct conf_node *root;
    assert_int_equal(parse(&a, STR("a: 1\nb:\n  - x: \"q\\u00e9\"\n  - [y, ~]\n"), &errors, &root),
                     0);
    const struct conf_node *list = conf_node_get(root, STR("b"));
    assert_int_equal(list->kind, CONF_LIST);
    assert_int_equal(list->count, 2);
    const struct conf_node *x = conf_node_get(conf_node_item(list, 0), STR("x"));
    assert_true(str_eq(x->text, STR("q\xc3\xa9")));
    assert_int_equal(x->place.line, 3);
    assert_int_equal(x->place.column, 8);
    assert_int_equal(x->key_place.column, 5);
    AUTO_FINI(buf) struct buf path = buf_make(100);
    conf_node_path(x, &path);
    assert_string_equal(buf_z(&path), "b.0.x");
    assert_true(conf_node_is_empty(conf_node_item(conf_node_item(list, 1), 1)));
    assert_null(conf_node_item(list, 2));
    assert_null(conf_node_get(x, STR("x")));
}

static void test_files_without_keys_are_empty_maps(void **state) {
    (void)state;
    static const char *const texts[] = {"",   "# nothing\n",          "---\n",
                                        "{}", "\xef\xbb\xbf# mark\n", "~\n"};
    for (size_t i = 0; i < LEN(texts); i++) {
        AUTO_FINI(arena) struct arena a = {0};
        struct conf_errors errors;
        struct conf_node *root;
        assert_int_equal(parse(&a, str_from(texts[i]), &errors, &root), 0);
        assert_int_equal(root->kind, CONF_MAP);
        assert_int_equal(root->count, 0);
    }
}

static void test_a_byte_order_mark_in_front_is_skipped(void **state) {
    (void)state;
    AUTO_FINI(arena) struct arena a = {0};
    struct conf_errors errors;
    struct conf_node *root;
    assert_int_equal(parse(&a,
                           STR("\xef\xbb\xbf"
                               "a: 1\nb: 2\n"),
                           &errors, &root),
                     0);
    assert_int_equal(root->count, 2);
    const struct conf_node *first = conf_node_get(root, STR("a"));
    assert_non_null(first);
    assert_int_equal(first->key_place.line, 1);
    assert_int_equal(first->key_place.column, 1);
    assert_int_equal(conf_node_get(root, STR("b"))->place.line, 2);
    refused("\xef\xbb\xbf"
            "a: &x 1\n",
            "f.yml:1:4: YAML anchors");
    refused_bytes(STR("\xef\xbb\xbf"
                      "a: \xff\n"),
                  "f.yml:1:4: not UTF-8");
}

static void test_yaml_that_settings_do_not_need_is_refused_with_its_place(void **state) {
    (void)state;
    refused("a: &x 1\n", "f.yml:1:4: YAML anchors");
    refused("b: *x\n", "f.yml:1:4: YAML anchors");
    refused("a: !!str 1\n", "f.yml:1:4: YAML tags");
    refused("a: &x {b: 1}\n", "anchors");
    refused("a: 1\n---\nb: 2\n", "f.yml:2:1: a second YAML document");
    refused("- a\n", "f.yml:1:1: expected keys and values");
    refused("just text\n", "expected keys and values");
    refused("[a]: b\n", "expected the name of a key");
    refused("a: 1\n\tb: 2\n", "f.yml:2:1: a tab: YAML indents with blanks");
    refused("a: [1, 2\n", "not valid YAML");
    refused("a: b: c\n", "f.yml:1:5: not valid YAML: mapping values are not allowed");
    refused("a: 1\n b: 2\n", "f.yml:2:");
    refused("a: \"x\\0y\"\n", "NUL character");
}

static void test_bytes_that_are_no_text_are_refused_with_their_place(void **state) {
    (void)state;
    refused_bytes(STR("a: 1\nb: \xff\n"), "f.yml:2:4: not UTF-8");
    refused_bytes(STR("\xff\xfe"
                      "a\0"),
                  "f.yml:1:1: not UTF-8");
    refused_bytes(STR("a: \xc3\xa9\xed\xa0\x80\n"), "f.yml:1:5: not UTF-8");
    refused_bytes(STR("a: \xc0\xaf\n"), "not UTF-8");
    refused_bytes(STR("a: \xf4\x90\x80\x80\n"), "not UTF-8");
    refused_bytes(STR("a: x\0y\n"), "f.yml:1:5: a control character");
    refused_bytes(STR("a: \xc3"), "not UTF-8");
}

static void test_repeated_keys_are_errors_but_do_not_end_the_reading(void **state) {
    (void)state;
    AUTO_FINI(arena) struct arena a = {0};
    struct conf_errors errors;
    struct conf_node *root;
    assert_int_equal(parse(&a, STR("x:\n  a: 1\n  a: 2\n  a: 3\n"), &errors, &root), 0);
    assert_int_equal(errors.n, 2);
    assert_string_equal(errors.list[0].text.text,
                        "f.yml:3:3: x.a: set twice, the first time in line 2");
    assert_true(str_eq(conf_node_get(conf_node_get(root, STR("x")), STR("a"))->text, STR("1")));
}

static void test_nesting_and_size_have_limits(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf deep = buf_make(1 << 21);
    buf_addz(&deep, "a: ");
    for (int i = 0; i < 31; i++) buf_addc(&deep, '[');
    for (int i = 0; i < 31; i++) buf_addc(&deep, ']');
    AUTO_FINI(arena) struct arena a = {0};
    struct conf_errors errors;
    struct conf_node *root;
    assert_int_equal(parse(&a, buf_str(&deep), &errors, &root), 0);
    buf_reset(&deep);
    buf_addz(&deep, "a: ");
    for (int i = 0; i < 100000; i++) buf_addc(&deep, '[');
    refused_bytes(buf_str(&deep), "nested more than 32 levels");
    buf_reset(&deep);
    for (int i = 0; i < 1001; i++) buf_addf(&deep, "k%d: 1\n", i);
    refused_bytes(buf_str(&deep), "f.yml:1001:1: more than 1000 keys");
    buf_reset(&deep);
    while (deep.n <= CONF_FILE_MAX) buf_addz(&deep, "# much\n");
    refused_bytes(buf_str(&deep), "f.yml: larger than 1 MB");
}

// ---- references, against the real environment and file system ----

static int expand(const char *text, struct buf *out, struct fault *fault) {
    *fault = (struct fault){0};
    buf_reset(out);
    return conf_expand(str_from(text), &conf_env_system, out, fault);
}

static void test_variables_of_the_process_are_replaced(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(CONF_VALUE_MAX);
    struct fault fault;
    setenv("GATEHOUSE_TEST",
           "v$\x7b"
           "A}",
           1);
    unsetenv("GATEHOUSE_NOT");
    assert_int_equal(expand("<${GATEHOUSE_TEST}${GATEHOUSE_NOT:d}>", &out, &fault), 0);
    assert_string_equal(buf_z(&out), "<v${A}d>");
    assert_int_equal(expand("${GATEHOUSE_NOT:${GATEHOUSE_TEST}}$", &out, &fault), 0);
    assert_string_equal(buf_z(&out), "v${A}$");
    assert_int_equal(expand("${GATEHOUSE_NOT}", &out, &fault), CONF_E_WRONG);
    assert_string_equal(fault.text, "the environment variable GATEHOUSE_NOT is not set");
    setenv("GATEHOUSE_TEST", "\xff", 1);
    assert_int_equal(expand("${GATEHOUSE_TEST}", &out, &fault), CONF_E_WRONG);
    assert_non_null(strstr(fault.text, "GATEHOUSE_TEST holds control characters or is not UTF-8"));
    assert_int_equal(expand("${A:${A:${A:${A:${A:${A:${A:${A:${A:${A:x}}}}}}}}}}", &out, &fault),
                     CONF_E_WRONG);
    assert_non_null(strstr(fault.text, "nested too deep"));
}

static void write_file(const char *path, const char *text, size_t n) {
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
}

static void test_files_are_replaced_without_their_last_line_end(void **state) {
    (void)state;
    char path[] = "/tmp/gatehouse-expand-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    char text[64];
    snprintf(text, sizeof text, "[${file:%s}]", path);
    AUTO_FINI(buf) struct buf out = buf_make(CONF_VALUE_MAX);
    struct fault fault;
    write_file(path, "a\nb\r\n", 5);
    assert_int_equal(expand(text, &out, &fault), 0);
    assert_string_equal(buf_z(&out), "[a\nb]");
    write_file(path, "\n", 1);
    assert_int_equal(expand(text, &out, &fault), CONF_E_WRONG);
    assert_non_null(strstr(fault.text, "is empty"));
    AUTO_MEM char *large = mem_new(CONF_VALUE_MAX + 1);
    memset(large, 'x', CONF_VALUE_MAX + 1);
    write_file(path, large, CONF_VALUE_MAX + 1);
    assert_int_equal(expand(text, &out, &fault), CONF_E_WRONG);
    assert_non_null(strstr(fault.text, "larger than 64 KB"));
    write_file(path, large, CONF_VALUE_MAX);
    assert_int_equal(expand(text, &out, &fault), CONF_E_WRONG);
    assert_non_null(strstr(fault.text, "longer than 64 KB"));
    unlink(path);
    assert_int_equal(expand(text, &out, &fault), CONF_E_WRONG);
    assert_non_null(strstr(fault.text, "No such file"));
    assert_int_equal(expand("${file:/}", &out, &fault), CONF_E_WRONG);
    assert_non_null(strstr(fault.text, "Is a directory"));
    assert_int_equal(conf_env_system.readable(NULL, "/"), -EISDIR);
    assert_int_equal(conf_env_system.readable(NULL, path), -ENOENT);
    assert_int_equal(conf_env_system.readable(NULL, "/dev/null"), 0);
}

static void test_quoted_values_are_short_and_on_one_line(void **state) {
    (void)state;
    char quoted[CONF_QUOTE_MAX];
    assert_string_equal(conf_quote(STR("a\nb\x1b"), quoted), "'a?b?'");
    AUTO_FINI(buf) struct buf long_text = buf_make(1000);
    for (int i = 0; i < 100; i++) buf_addz(&long_text, "\xc3\xa9");
    struct str s = str_from(conf_quote(buf_str(&long_text), quoted));
    assert_true(s.n < CONF_QUOTE_MAX);
    assert_true(str_ends(s, STR("\xc3\xa9...'")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_know_text_and_place),
        cmocka_unit_test(test_files_without_keys_are_empty_maps),
        cmocka_unit_test(test_a_byte_order_mark_in_front_is_skipped),
        cmocka_unit_test(test_yaml_that_settings_do_not_need_is_refused_with_its_place),
        cmocka_unit_test(test_bytes_that_are_no_text_are_refused_with_their_place),
        cmocka_unit_test(test_repeated_keys_are_errors_but_do_not_end_the_reading),
        cmocka_unit_test(test_nesting_and_size_have_limits),
        cmocka_unit_test(test_variables_of_the_process_are_replaced),
        cmocka_unit_test(test_files_are_replaced_without_their_last_line_end),
        cmocka_unit_test(test_quoted_values_are_short_and_on_one_line),
    };
    return cmocka_run_group_tests_name("conf_tree", tests, NULL, NULL);
}
