// SPDX-License-Identifier: Apache-2.0
// Reading JSON: every value keeps what the text said.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reader.h"

#define READ(literal) read_text(state, STR(literal))
#define assert_str(s, literal) assert_true(str_eq((s), STR(literal)))

static void every_type_is_told_apart(void **state) {
    const struct json *v = READ("[null, true, false, 1, \"s\", [], {}]");
    const enum json_type types[] = {JSON_NULL,   JSON_BOOL,  JSON_BOOL,  JSON_NUMBER,
                                    JSON_STRING, JSON_ARRAY, JSON_OBJECT};
    assert_int_equal(json_type(v), JSON_ARRAY);
    assert_int_equal(json_count(v), LEN(types));
    for (size_t i = 0; i < LEN(types); i++) assert_int_equal(json_type(json_at(v, i)), types[i]);
    assert_true(json_bool(json_at(v, 1)));
    assert_false(json_bool(json_at(v, 2)));
    assert_false(json_bool(json_at(v, 3)));
}

static void numbers_keep_every_digit(void **state) {
    const struct json *v = READ("[0.10, 1e400, -0, 123456789012345678901234567890, 1.0]");
    assert_str(json_number(json_at(v, 0)), "0.10");
    assert_str(json_number(json_at(v, 1)), "1e400");
    assert_str(json_number(json_at(v, 2)), "-0");
    assert_str(json_number(json_at(v, 3)), "123456789012345678901234567890");
    int64_t n = 42;
    assert_false(json_i64(json_at(v, 0), &n));
    assert_false(json_i64(json_at(v, 3), &n));
    assert_false(json_i64(json_at(v, 4), &n));
    assert_int_equal(n, 42);
    assert_true(json_i64(READ("-9223372036854775808"), &n) && n == INT64_MIN);
}

static void strings_keep_nul_and_escapes_are_read(void **state) {
    const struct json *v = READ("[\"a\\u0000b\", \"\\ud83d\\ude00\\n\\/\", \"\"]");
    assert_str(json_str(json_at(v, 0)), "a\0b");
    assert_str(json_str(json_at(v, 1)), "\xF0\x9F\x98\x80\n/");
    assert_non_null(json_str(json_at(v, 2)).p);
    assert_int_equal(json_str(json_at(v, 2)).n, 0);
}

static void broken_unicode_is_read_as_the_replacement_character(void **state) {
    const struct json *v = READ("[\"a\xFFz\", \"\\ud800\", \"\\udc00x\", \"\\ud800\\ud800\"]");
    assert_str(json_str(json_at(v, 0)), "a\xEF\xBF\xBDz");
    assert_str(json_str(json_at(v, 1)), "\xEF\xBF\xBD");
    assert_str(json_str(json_at(v, 2)), "\xEF\xBF\xBDx");
    assert_str(json_str(json_at(v, 3)), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void the_last_of_repeated_keys_wins(void **state) {
    const struct json *v = READ("{\"a\": 1, \"b\": 2, \"a\": 3}");
    assert_str(json_number(json_get(v, "a")), "3");
    assert_int_equal(json_count(v), 3);
}

static void paths_lead_through_objects_only(void **state) {
    const struct json *v = READ("{\"a\": {\"b\": {\"c\": \"x\"}, \"l\": [1]}, \"a.b\": 1}");
    assert_str(json_str(json_path(v, "a.b.c")), "x");
    assert_null(json_path(v, "a.b.d"));
    assert_null(json_path(v, "a.b.c.d"));
    assert_null(json_path(v, "a.l.0"));
    assert_null(json_path(v, "z.b"));
    assert_null(json_path(NULL, "a"));
}

static void absent_values_are_harmless(void **state) {
    (void)state;
    int64_t n;
    assert_int_equal(json_type(NULL), JSON_NULL);
    assert_null(json_str(NULL).p);
    assert_null(json_number(NULL).p);
    assert_false(json_bool(NULL));
    assert_false(json_i64(NULL, &n));
    assert_int_equal(json_count(NULL), 0);
    assert_null(json_get(NULL, "a"));
    assert_null(json_at(NULL, 0));
    struct json_iter it = json_iter(NULL);
    assert_false(json_next(&it));
}

static void questions_of_the_wrong_type_get_nothing(void **state) {
    const struct json *v = READ("[1, \"s\"]");
    assert_null(json_str(json_at(v, 0)).p);
    assert_null(json_number(json_at(v, 1)).p);
    assert_null(json_get(v, "a"));
    assert_null(json_at(v, 2));
    assert_int_equal(json_count(json_at(v, 1)), 0);
}

static void walking_goes_in_source_order_over_nested_values(void **state) {
    const struct json *v = READ("{\"z\": [1, [2, {\"q\": 3}]], \"a\": {\"b\": {}}, \"m\": 5}");
    struct json_iter it = json_iter(v);
    assert_true(json_next(&it));
    assert_str(it.key, "z");
    assert_int_equal(json_count(it.value), 2);
    assert_true(json_next(&it));
    assert_str(it.key, "a");
    assert_true(json_next(&it));
    assert_str(it.key, "m");
    assert_str(json_number(it.value), "5");
    assert_false(json_next(&it));
    assert_false(json_next(&it));

    it = json_iter(json_get(v, "z"));
    assert_true(json_next(&it));
    assert_null(it.key.p);
    assert_true(json_next(&it));
    assert_int_equal(json_type(it.value), JSON_ARRAY);
    assert_false(json_next(&it));
}

static void what_is_not_json_is_refused_with_its_place(void **state) {
    const struct str bad[] = {
        STR(""),          STR(" "),         STR("{"),      STR("[1,]"),         STR("{\"a\":}"),
        STR("{'a': 1}"),  STR("nul"),       STR("01"),     STR("[1] x"),        STR("\"a\nb\""),
        STR("\"\\x41\""), STR("[1 2]"),     STR("NaN"),    STR("// c\n1"),      STR("\"\\u12G4\""),
        STR("<html>"),    STR("{\"a\" 1}"), STR("[\"a\""), STR("\xEF\xBB\xBF"),
    };
    for (size_t i = 0; i < LEN(bad); i++) {
        const struct json *v = NULL;
        struct fault fault = {0};
        int e = json_read(*state, bad[i], &v, &fault);
        if (e != JSON_E_SYNTAX) fail_msg("text %zu gave %d", i, e);
        assert_non_null(strstr(fault.text, "at byte "));
        assert_null(v);
    }
}

static void nesting_of_any_depth_is_read_or_refused_without_harm(void **state) {
    enum { DEPTH = 200000 };
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    for (int i = 0; i < DEPTH; i++) buf_addc(&text, '[');
    const struct json *v = NULL;
    struct fault fault;
    assert_int_equal(json_read(*state, buf_str(&text), &v, &fault), JSON_E_SYNTAX);
    assert_non_null(strstr(fault.text, "never closed"));
    for (int i = 0; i < DEPTH; i++) buf_addc(&text, ']');
    v = read_text(state, buf_str(&text));
    int depth = 0;
    for (; v; v = json_at(v, 0)) depth++;
    assert_int_equal(depth, DEPTH);
}

static void a_reader_serves_large_and_small_texts_in_turn(void **state) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 24);
    buf_addc(&text, '[');
    for (int i = 0; i < 300000; i++) buf_addz(&text, "\"text\",");
    buf_addz(&text, "1]");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(json_count(read_text(state, buf_str(&text))), 300001);
        assert_str(json_str(json_get(READ("{\"a\":\"b\"}"), "a")), "b");
    }
}

static void a_wiped_reader_holds_nothing_and_reads_on(void **state) {
    struct str secret = json_str(json_get(READ("{\"d\":\"a secret of some length\"}"), "d"));
    json_reader_wipe(*state);
    for (size_t i = 0; i < secret.n; i++) assert_int_equal(secret.p[i], 0);
    json_reader_wipe(*state);
    assert_str(json_str(json_get(READ("{\"a\":\"b\"}"), "a")), "b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_told_apart),
        cmocka_unit_test(numbers_keep_every_digit),
        cmocka_unit_test(strings_keep_nul_and_escapes_are_read),
        cmocka_unit_test(broken_unicode_is_read_as_the_replacement_character),
        cmocka_unit_test(the_last_of_repeated_keys_wins),
        cmocka_unit_test(paths_lead_through_objects_only),
        cmocka_unit_test(absent_values_are_harmless),
        cmocka_unit_test(questions_of_the_wrong_type_get_nothing),
        cmocka_unit_test(walking_goes_in_source_order_over_nested_values),
        cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
        cmocka_unit_test(nesting_of_any_depth_is_read_or_refused_without_harm),
        cmocka_unit_test(a_reader_serves_large_and_small_texts_in_turn),
        cmocka_unit_test(a_wiped_reader_holds_nothing_and_reads_on),
    };
    return cmocka_run_group_tests(tests, make_reader, free_reader);
}
