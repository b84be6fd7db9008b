// SPDX-License-Identifier: Apache-2.0
// The encoder against what Go's encoding/json was seen to make: here by cases, in
// tests/live/test_go_json.py against Go itself.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rand.h"
#include "ecs/gojson.h"

struct fixture {
    struct json_reader *reader;
    struct ecs_gojson go;
    struct buf out;
    struct fault fault;
};

static struct fixture begin(void) {
    struct fixture f = {.out = buf_make(SIZE_MAX / 2)};
    assert_int_equal(json_reader_new(&f.reader), 0);
    return f;
}

static void end(struct fixture *f) {
    json_reader_free(f->reader);
    ecs_gojson_fini(&f->go);
    buf_fini(&f->out);
}

static int encode(struct fixture *f, struct str text) {
    const struct json *v = NULL;
    buf_reset(&f->out);
    f->fault.text[0] = '\0';
    if (json_read(f->reader, text, &v, &f->fault)) fail_msg("not read: %s", f->fault.text);
    return ecs_gojson_add(&f->go, v, &f->out, &f->fault);
}

struct row {
    struct str text;
    const char *expected;
};

#define ROW(text, expected)                                                                        \
    { {text, sizeof(text) - 1}, expected }

static void check_rows(const struct row *rows, size_t n) {
    struct fixture f = begin();
    for (size_t i = 0; i < n; i++) {
        int e = encode(&f, rows[i].text);
        if (e) fail_msg("%s: outcome %d: %s", rows[i].text.p, e, f.fault.text);
        if (!str_eqz(buf_str(&f.out), rows[i].expected))
            fail_msg("%s became %.*s", rows[i].text.p, STR_ARG(buf_str(&f.out)));
    }
    end(&f);
}

static void numbers_go_through_float64(void **state) {
    (void)state;
    static const struct row rows[] = {
        ROW("0", "0"),
        ROW("-0", "-0"),
        ROW("0.00", "0"),
        ROW("-0.0", "-0"),
        ROW("1.50", "1.5"),
        ROW("64512.0", "64512"),
        ROW("-121.919", "-121.919"),
        ROW("1E5", "100000"),
        ROW("120e-1", "12"),
        ROW("0.1e1", "1"),
        ROW("1e20", "100000000000000000000"),
        ROW("1e21", "1e+21"),
        ROW("-1.25e+30", "-1.25e+30"),
        ROW("999999999999999999999", "1e+21"),
        ROW("0.000001", "0.000001"),
        ROW("0.00000123", "0.00000123"),
        ROW("0.0000001", "1e-7"),
        ROW("1.5e-9", "1.5e-9"),
        ROW("1.5e-10", "1.5e-10"),
        ROW("9007199254740993", "9007199254740992"),
        ROW("12345678901234567890", "12345678901234567000"),
        ROW("0.1000000000000000055511151231257827", "0.1"),
        ROW("0.30000000000000004", "0.30000000000000004"),
        ROW("5.6843418860808015e-14", "5.684341886080802e-14"),
        ROW("9007199254740992.5", "9007199254740992"),
        ROW("1e-400", "0"),
        ROW("-1e-400", "-0"),
        ROW("5e-324", "5e-324"),
        ROW("3e-324", "5e-324"),
        ROW("1.7976931348623157e308", "1.7976931348623157e+308"),
        ROW("0e999999999999999999999", "0"),
        ROW("1e-99999999999999999999", "0"),
    };
    check_rows(rows, LEN(rows));
}

static void texts_are_escaped_for_html(void **state) {
    (void)state;
    static const struct row rows[] = {
        ROW("\"<a href='x'>&\"", "\"\\u003ca href='x'\\u003e\\u0026\""),
        ROW("\"\\u2028 \\u2029 \\u202a \xE2\x80\xA7\"",
            "\"\\u2028 \\u2029 \xE2\x80\xAA \xE2\x80\xA7\""),
        ROW("\"\xE2\x80\xA8\xE2\x80\xA9\xE2\x82\xAC\"", "\"\\u2028\\u2029\xE2\x82\xAC\""),
        ROW("\"\\b\\f\\n\\r\\t\\u0008\\u000c\"", "\"\\b\\f\\n\\r\\t\\b\\f\""),
        ROW("\"\\u0000\\u000b\\u001F\\u007f\"", "\"\\u0000\\u000b\\u001f\x7f\""),
        ROW("\"\\/ \\\" \\\\\"", "\"/ \\\" \\\\\""),
        ROW("\"\\u00e9 \\ud83d\\ude00\"", "\"\xC3\xA9 \xF0\x9F\x98\x80\""),
    };
    check_rows(rows, LEN(rows));
}

#define LOST "\xEF\xBF\xBD"

static void what_is_not_unicode_is_replaced(void **state) {
    (void)state;
    static const struct row rows[] = {
        ROW("\"\\ud800\"", "\"" LOST "\""),
        ROW("\"\\udc00x\\ud800\\u0041\"", "\"" LOST "x" LOST "A\""),
        ROW("\"\\ud800\\ud800\\udc00\"", "\"" LOST "\xF0\x90\x80\x80\""),
        ROW("\"\xFF\xE2\x80\"", "\"" LOST LOST LOST "\""),
        ROW("\"\xED\xA0\x80\"", "\"" LOST LOST LOST "\""),
        ROW("{\"\xFF\":1,\"\xFE\":2}", "{\"" LOST "\":2}"),
    };
    check_rows(rows, LEN(rows));
}

static void members_are_sorted_and_the_last_of_a_name_stays(void **state) {
    (void)state;
    static const struct row rows[] = {
        ROW("{}", "{}"),
        ROW(" [ ] ", "[]"),
        ROW("{\"b\" : 1 , \"a\":[ null, true,false ]}", "{\"a\":[null,true,false],\"b\":1}"),
        ROW("{\"ab\":1,\"a\":2,\"B\":3,\"\":4,\"a\\u0000\":5}",
            "{\"\":4,\"B\":3,\"a\":2,\"a\\u0000\":5,\"ab\":1}"),
        ROW("{\"\xEE\x80\x80\":1,\"\xF0\x90\x80\x80\":2,\"z\":3}",
            "{\"z\":3,\"\xEE\x80\x80\":1,\"\xF0\x90\x80\x80\":2}"),
        ROW("{\"a\":1,\"b\":{\"x\":1},\"a\":2,\"b\":{\"y\":2},\"a\":3}",
            "{\"a\":3,\"b\":{\"y\":2}}"),
        ROW("{\"a\":1,\"\\u0061\":2}", "{\"a\":2}"),
        ROW("[{\"b\":[{\"d\":1,\"c\":2}],\"a\":{}},[]]",
            "[{\"a\":{},\"b\":[{\"c\":2,\"d\":1}]},[]]"),
    };
    check_rows(rows, LEN(rows));
}

static void a_number_beyond_float64_is_refused_by_its_digits(void **state) {
    (void)state;
    struct fixture f = begin();
    assert_int_equal(encode(&f, STR("{\"a\":[1,{\"b\":1e400}]}")), ECS_GOJSON_E_REFUSED);
    assert_string_equal(f.fault.text, "the number 1e400 is too large for Go");
    char many[400];
    memset(many, '7', sizeof many);
    assert_int_equal(encode(&f, (struct str){many, sizeof many}), ECS_GOJSON_E_REFUSED);
    assert_string_equal(f.fault.text, "the number 7777777777777777777777777777777777777777... is "
                                      "too large for Go");
    assert_int_equal(encode(&f, STR("1.7976931348623159e308")), ECS_GOJSON_E_REFUSED);
    assert_int_equal(encode(&f, STR("{\"z\":1}")), 0);
    assert_true(str_eq(buf_str(&f.out), STR("{\"z\":1}")));
    end(&f);
}

static void add_nested(struct buf *text, size_t levels) {
    for (size_t i = 0; i < levels; i++) buf_addz(text, i % 2 ? "{\"a\":" : "[");
    buf_addc(text, '0');
    for (size_t i = levels; i-- > 0;) buf_addc(text, i % 2 ? '}' : ']');
}

static void as_many_levels_are_followed_as_go_reads(void **state) {
    (void)state;
    struct fixture f = begin();
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    add_nested(&text, ECS_GOJSON_DEPTH_MAX);
    assert_int_equal(encode(&f, buf_str(&text)), 0);
    assert_true(str_eq(buf_str(&f.out), buf_str(&text)));
    buf_reset(&text);
    add_nested(&text, ECS_GOJSON_DEPTH_MAX + 1);
    assert_int_equal(encode(&f, buf_str(&text)), ECS_GOJSON_E_REFUSED);
    assert_string_equal(f.fault.text, "nested deeper than 10000 levels");
    end(&f);
}

// Long texts are written in pieces: an escape may lie across the border of two.
static void a_long_text_is_escaped_throughout(void **state) {
    (void)state;
    struct fixture f = begin();
    AUTO_FINI(buf) struct buf text = buf_make(1 << 24);
    AUTO_FINI(buf) struct buf expected = buf_make(1 << 24);
    for (size_t shift = 0; shift < 4; shift++) {
        buf_reset(&text);
        buf_reset(&expected);
        buf_addc(&text, '"');
        buf_addc(&expected, '"');
        for (size_t i = 0; i < shift; i++) buf_addc(&text, 'x'), buf_addc(&expected, 'x');
        for (size_t i = 0; i < 100000; i++) {
            buf_addz(&text, "\xE2\x80\xA8<\xE2\x80\xA7");
            buf_addz(&expected, "\\u2028\\u003c\xE2\x80\xA7");
        }
        buf_addc(&text, '"');
        buf_addc(&expected, '"');
        assert_int_equal(encode(&f, buf_str(&text)), 0);
        assert_true(str_eq(buf_str(&f.out), buf_str(&expected)));
    }
    end(&f);
}

enum { MANY = 200000 };

// Two hundred thousand members, most of them twice: minutes, if anything here were quadratic.
static void a_large_object_is_sorted(void **state) {
    (void)state;
    struct fixture f = begin();
    AUTO_FINI(buf) struct buf text = buf_make(1 << 24);
    buf_addc(&text, '{');
    for (int i = 0; i < MANY; i++)
        buf_addf(&text, "%s\"%06d\":%d", i ? "," : "", (int)((unsigned)i * 7919u % (MANY / 2)), i);
    buf_addc(&text, '}');
    assert_int_equal(encode(&f, buf_str(&text)), 0);
    const struct json *v = NULL;
    assert_int_equal(json_read(f.reader, buf_str(&f.out), &v, &f.fault), 0);
    assert_int_equal(json_count(v), MANY / 2);
    char expected[16];
    struct json_iter it = json_iter(v);
    for (int i = 0; json_next(&it); i++) {
        snprintf(expected, sizeof expected, "%06d", i);
        assert_true(str_eqz(it.key, expected));
    }
    assert_true(f.go.member_cap < MANY); // memory is not kept for the rare large one
    end(&f);
}

static void a_second_pass_changes_nothing(void **state) {
    (void)state;
    struct fixture f = begin();
    struct rand rand = rand_make(11);
    for (int i = 0; i < 20000; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "%s%llue%d", i % 2 ? "-" : "",
                         (unsigned long long)rand_next(&rand), (int)rand_below(&rand, 600) - 320);
        int e = encode(&f, (struct str){text, (size_t)n});
        if (e == ECS_GOJSON_E_REFUSED) continue;
        AUTO_MEM char *first = mem_copy(f.out.p, f.out.n);
        assert_non_null(first);
        assert_int_equal(encode(&f, str_from(first)), 0);
        if (!str_eqz(buf_str(&f.out), first))
            fail_msg("%s, %s, then %.*s", text, first, STR_ARG(buf_str(&f.out)));
    }
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_go_through_float64),
        cmocka_unit_test(texts_are_escaped_for_html),
        cmocka_unit_test(what_is_not_unicode_is_replaced),
        cmocka_unit_test(members_are_sorted_and_the_last_of_a_name_stays),
        cmocka_unit_test(a_number_beyond_float64_is_refused_by_its_digits),
        cmocka_unit_test(as_many_levels_are_followed_as_go_reads),
        cmocka_unit_test(a_long_text_is_escaped_throughout),
        cmocka_unit_test(a_large_object_is_sorted),
        cmocka_unit_test(a_second_pass_changes_nothing),
    };
    return cmocka_run_group_tests_name("ecs/gojson", tests, NULL, NULL);
}
