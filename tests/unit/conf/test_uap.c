// SPDX-License-Identifier: Apache-2.0
// The reader of uap-core's rules, on small files and on the real one.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "conf/uap.h"

struct seen {
    struct buf text;
    size_t rules[3];
    int stop_after; // 0: never
};

static int on_rule(void *ctx, const struct conf_uap_rule *rule) {
    struct seen *seen = ctx;
    seen->rules[rule->group]++;
    buf_addf(&seen->text, "%d %.*s %.*s:", (int)rule->group, STR_ARG(rule->regex),
             STR_ARG(rule->flag));
    for (size_t i = 0; i < LEN(rule->replacements); i++)
        buf_addf(&seen->text, " %.*s",
                 STR_ARG(rule->replacements[i].p ? rule->replacements[i] : STR("-")));
    buf_addc(&seen->text, '\n');
    return seen->stop_after && --seen->stop_after == 0 ? 42 : 0;
}

static int read_text(const char *text, struct seen *seen, struct fault *fault) {
    char path[] = "/tmp/gatehouse-uap-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    *fault = (struct fault){0};
    int rc = conf_uap_read(path, on_rule, seen, fault);
    unlink(path);
    return rc;
}

static void test_rules_come_in_the_files_order_with_their_fields(void **state) {
    (void)state;
    static const char text[] = "user_agent_parsers:\n"
                               "  - regex: '(A)/(\\d+)'\n"
                               "    v1_replacement: 'one'\n"
                               "    family_replacement: 'F $1'\n"
                               "  - regex: 'B'\n"
                               "something_new:\n"
                               "  - deep: [[{a: 1}]]\n"
                               "os_parsers:\n"
                               "  - regex: 'C'\n"
                               "    os_v4_replacement: '4'\n"
                               "    os_replacement: 'O'\n"
                               "device_parsers:\n"
                               "  - regex: 'D'\n"
                               "    regex_flag: 'i'\n"
                               "    device_replacement: 'X'\n"
                               "    brand_replacement: 'Y'\n";
    struct seen seen = {.text = buf_make(1 << 20)};
    struct fault fault;
    assert_int_equal(read_text(text, &seen, &fault), 0);
    assert_string_equal(buf_z(&seen.text), "0 (A)/(\\d+) : F $1 one - - -\n"
                                           "0 B : - - - - -\n"
                                           "1 C : O - - - 4\n"
                                           "2 D i: X - - - -\n");
    buf_fini(&seen.text);
}

static void test_files_of_another_shape_are_refused_with_their_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", "an empty file"},
        {"# nothing\n", "no rules in it"},
        {"text\n", "only a text"},
        {"other: [{regex: a}]\n", "no rules in it"},
        {"- a\n", ":1: another shape"},
        {"os_parsers:\n  regex: a\n", ":2: another shape"},
        {"os_parsers:\n  - a\n", ":2: a text where a rule should be"},
        {"os_parsers:\n  - os_replacement: a\n", "a rule without `regex`"},
        {"os_parsers:\n  - regex: a\n    regex: b\n", "a field that stands twice"},
        {"os_parsers:\n  - regex: [a]\n", "nested too deep"},
        {"os_parsers:\n  - regex: 'a\n", "found unexpected end of stream"},
        {"x: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
         "nested too"},
        {"os_parsers: [&a {regex: b}, *a]\n", "an alias"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct seen seen = {.text = buf_make(1 << 20)};
        struct fault fault;
        int rc = read_text(rows[i].text, &seen, &fault);
        buf_fini(&seen.text);
        if (rc != -EINVAL || !strstr(fault.text, rows[i].expected))
            fail_msg("%s: expected %s, got %d: %s", rows[i].text, rows[i].expected, rc, fault.text);
    }
}

static void test_callback_can_end_the_reading(void **state) {
    (void)state;
    struct seen seen = {.text = buf_make(1 << 20), .stop_after = 1};
    struct fault fault;
    assert_int_equal(read_text("os_parsers: [{regex: a}, {regex: b}]\n", &seen, &fault), 42);
    assert_int_equal(seen.rules[CONF_UAP_OS], 1);
    buf_fini(&seen.text);
}

static void test_missing_file_is_named(void **state) {
    (void)state;
    struct fault fault = {0};
    assert_int_equal(conf_uap_read("/nowhere/r.yaml", on_rule, NULL, &fault), -ENOENT);
    assert_string_equal(fault.text, "cannot read /nowhere/r.yaml: No such file or directory");
    assert_int_equal(conf_uap_read("/", on_rule, NULL, &fault), -EINVAL);
}

static void test_the_real_file_is_read_whole(void **state) {
    (void)state;
    struct seen seen = {.text = buf_make(1 << 24)};
    struct fault fault = {0};
    int rc = conf_uap_read("/usr/share/uap-core/regexes.yaml", on_rule, &seen, &fault);
    if (rc == -ENOENT) {
        buf_fini(&seen.text);
        print_message("# the package uap-core is not installed\n");
        skip();
    }
    assert_int_equal(rc, 0);
    for (size_t i = 0; i < LEN(seen.rules); i++) assert_true(seen.rules[i] > 100);
    assert_non_null(strstr(buf_z(&seen.text), "0 (GeoEvent Server) (\\d+)"));
    buf_fini(&seen.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_come_in_the_files_order_with_their_fields),
        cmocka_unit_test(test_files_of_another_shape_are_refused_with_their_line),
        cmocka_unit_test(test_callback_can_end_the_reading),
        cmocka_unit_test(test_missing_file_is_named),
        cmocka_unit_test(test_the_real_file_is_read_whole),
    };
    return cmocka_run_group_tests_name("uap", tests, NULL, NULL);
}
