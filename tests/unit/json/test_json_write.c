// SPDX-License-Identifier: Apache-2.0
// Writing JSON, and repairing what is JSON but for its Unicode.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "reader.h"
#include "json/repair.h"
#include "json/write.h"

#define assert_text(b, literal) assert_true(str_eq(buf_str(&(b)), STR(literal)))

static void commas_look_after_themselves(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    json_open(&out, '{');
    json_key(&out, STR("a"));
    json_open(&out, '[');
    json_add_i64(&out, -1);
    json_add_null(&out);
    json_add_bool(&out, true);
    json_open(&out, '{');
    json_close(&out, '}');
    json_add_bool(&out, false);
    json_close(&out, ']');
    json_key(&out, STR("b"));
    json_add_str(&out, STR("{"));
    json_key(&out, STR("c:"));
    json_add_raw(&out, STR("1e5"));
    json_close(&out, '}');
    assert_text(out, "{\"a\":[-1,null,true,{},false],\"b\":\"{\",\"c:\":1e5}");
}

static void a_new_line_begins_without_a_comma(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    json_add_i64(&out, 1);
    buf_addc(&out, '\n');
    json_add_i64(&out, 2);
    assert_text(out, "1\n2");
}

static void what_json_must_escape_is_escaped_and_nothing_else(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    json_add_str(&out, STR("\"\\/\b\f\n\r\t\x01\x1f\x7f\0 \xC3\xA4\xF0\x9F\x98\x80 plain text"));
    assert_text(out, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000 \xC3\xA4\xF0\x9F\x98\x80"
                     " plain text\"");
}

static void any_text_comes_back_as_it_was(void **state) {
    struct rand r = rand_make(3);
    for (int i = 0; i < 2000; i++) {
        char text[64];
        size_t n = (size_t)rand_below(&r, sizeof text);
        for (size_t k = 0; k < n; k++) text[k] = (char)rand_below(&r, 128);
        struct str s = {text, n};
        AUTO_FINI(buf) struct buf out = buf_make(1000);
        json_add_str(&out, s);
        assert_true(str_eq(json_str(read_text(state, buf_str(&out))), s));
    }
}

static void a_string_longer_than_a_piece_comes_back(void **state) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    while (text.n < 200000) buf_addz(&text, "0123456789\"\n");
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    json_add_str(&out, buf_str(&text));
    assert_true(str_eq(json_str(read_text(state, buf_str(&out))), buf_str(&text)));
    assert_true(out.cap < 1000000);
}

static void bytes_that_are_no_utf8_are_written_as_replacements(void **state) {
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    json_add_text(&out, STR("long enough to be fast \xC3\xA4\xFF\xED\xA0\x80z"));
    assert_text(out, "\"long enough to be fast \xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
                     "\xEF\xBF\xBDz\"");
    read_text(state, buf_str(&out));
}

static void a_value_is_written_as_it_was_read(void **state) {
    const struct str text =
        STR("{\"z\":[1.50,-0,1e400,\"\\u0000\\n\"],\"a\":{\"\":null,\"b\":[true,false,{}]}}");
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    assert_int_equal(json_add_value(&out, read_text(state, text)), 0);
    assert_true(str_eq(buf_str(&out), text));
}

static void of_repeated_keys_only_the_last_is_written(void **state) {
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    assert_int_equal(
        json_add_value(&out, read_text(state, STR("{\"a\":1,\"b\":2,\"a\":{\"c\":1,\"c\":2}}"))),
        0);
    assert_text(out, "{\"b\":2,\"a\":{\"c\":2}}");
}

static void values_nested_too_deep_are_refused(void **state) {
    for (int extra = 0; extra < 2; extra++) {
        AUTO_FINI(buf) struct buf text = buf_make(10000);
        int depth = JSON_WRITE_DEPTH_MAX + 1 + extra;
        for (int i = 0; i < depth; i++) buf_addc(&text, '[');
        for (int i = 0; i < depth; i++) buf_addc(&text, ']');
        AUTO_FINI(buf) struct buf out = buf_make(10000);
        int e = json_add_value(&out, read_text(state, buf_str(&text)));
        assert_int_equal(e, extra ? -ELOOP : 0);
    }
}

static void the_length_of_utf8_characters_follows_rfc_3629(void **state) {
    (void)state;
    const struct {
        struct str bytes;
        size_t length;
    } rows[] = {
        {STR("a"), 1},
        {STR("\0"), 1},
        {STR("\x7F"), 1},
        {STR("\xC2\x80"), 2},
        {STR("\xE0\xA0\x80"), 3},
        {STR("\xED\x9F\xBF"), 3},
        {STR("\xEE\x80\x80"), 3},
        {STR("\xF0\x90\x80\x80"), 4},
        {STR("\xF4\x8F\xBF\xBF"), 4},
        {STR(""), 0},
        {STR("\x80"), 0},
        {STR("\xC0\x80"), 0},
        {STR("\xC1\xBF"), 0},
        {STR("\xE0\x9F\xBF"), 0},
        {STR("\xED\xA0\x80"), 0},
        {STR("\xF0\x8F\xBF\xBF"), 0},
        {STR("\xF4\x90\x80\x80"), 0},
        {STR("\xF5\x80\x80\x80"), 0},
        {STR("\xE2\x82"), 0},
        {STR("\xF0\x9F\x98"), 0},
        {STR("\xC3z"), 0},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        assert_int_equal(json_utf8_length(rows[i].bytes), rows[i].length);
}

static void repair_changes_broken_unicode_only(void **state) {
    (void)state;
    const struct {
        struct str text, repaired;
    } rows[] = {
        {STR("{\"a\":\"\xC3\xA4\\n\\\\u\"}"), STR("{\"a\":\"\xC3\xA4\\n\\\\u\"}")},
        {STR("\"\\ud83d\\ude00\""), STR("\"\\ud83d\\ude00\"")},
        {STR("\"\\ud83d\""), STR("\"\\uFFFD\"")},
        {STR("\"\\ude00\\ud83d\""), STR("\"\\uFFFD\\uFFFD\"")},
        {STR("\"\\ud83d\\u0041\""), STR("\"\\uFFFD\\u0041\"")},
        {STR("\"\\\\ud83d\""), STR("\"\\\\ud83d\"")},
        {STR("\"\xE2\x82\""), STR("\"\xEF\xBF\xBD\xEF\xBF\xBD\"")},
        {STR("\"\\\xFF\""), STR("\"\\\xFF\"")},
        {STR("\\"), STR("\\")},
        {STR("\\u12"), STR("\\u12")},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(1000);
        json_repair(&out, rows[i].text);
        if (!str_eq(buf_str(&out), rows[i].repaired))
            fail_msg("row %zu: %.*s", i, (int)out.n, out.p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_look_after_themselves),
        cmocka_unit_test(a_new_line_begins_without_a_comma),
        cmocka_unit_test(what_json_must_escape_is_escaped_and_nothing_else),
        cmocka_unit_test(any_text_comes_back_as_it_was),
        cmocka_unit_test(a_string_longer_than_a_piece_comes_back),
        cmocka_unit_test(bytes_that_are_no_utf8_are_written_as_replacements),
        cmocka_unit_test(a_value_is_written_as_it_was_read),
        cmocka_unit_test(of_repeated_keys_only_the_last_is_written),
        cmocka_unit_test(values_nested_too_deep_are_refused),
        cmocka_unit_test(the_length_of_utf8_characters_follows_rfc_3629),
        cmocka_unit_test(repair_changes_broken_unicode_only),
    };
    return cmocka_run_group_tests(tests, make_reader, free_reader);
}
