// SPDX-License-Identifier: Apache-2.0
// What is said of bodies, as OpenBao 2.7.2 said it of the same ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/http-body.h"
#include "api/http-json.h"
#include "base/buf.h"

#define PREFIX "failed to decode JSON input: "

// `error` without PREFIX; NULL: accepted.
static const struct {
    const char *body, *error;
} measured[] = {
    {"{\"a", "unexpected EOF"},
    {"{\"a\"", "unexpected EOF"},
    {"{\"a\":", "unexpected EOF"},
    {"{\"a\":1", "unexpected EOF"},
    {"{\"a\":1,", "unexpected EOF"},
    {"{\"a\":1,}", "invalid character ',' looking for beginning of value"},
    {"{,}", "invalid character ',' looking for beginning of value"},
    {"{1:2}", "object member name must be a string"},
    {"{\"a\" 1}", "invalid character '1' after object key"},
    {"{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"},
    {"[1", "unexpected EOF"},
    {"[1,]", "invalid character ',' looking for beginning of value"},
    {"[", "unexpected EOF"},
    {"true", "json: cannot unmarshal bool into Go value of type map[string]interface {}"},
    {"tru", "unexpected EOF"},
    {"nul", "unexpected EOF"},
    {"false", "json: cannot unmarshal bool into Go value of type map[string]interface {}"},
    {"fals", "unexpected EOF"},
    {"nulx", "invalid character 'x' in literal null (expecting 'l')"},
    {"-", "unexpected EOF"},
    {"-x", "invalid character 'x' in numeric literal"},
    {"01", "json: cannot unmarshal number into Go value of type map[string]interface {}"},
    {"{\"a\":01}", "invalid character '1' after object key:value pair"},
    {"{\"a\":1.}", "invalid character '}' in numeric literal"},
    {"{\"a\":1e}", "invalid character '}' in numeric literal"},
    {"{\"a\":1e+}", "invalid character '}' in numeric literal"},
    {"{\"a\":.5}", "invalid character '.' looking for beginning of value"},
    {"{\"a\":+1}", "invalid character '+' looking for beginning of value"},
    {"{\"a\":\"\001\"}", "invalid character '\\x01' in string"},
    {"{\"a\":\"\\x\"}", "invalid escape sequence `\\x` in string"},
    {"{\"a\":\"\\u12g4\"}", "invalid escape sequence `\\u12g4` in string"},
    {"{\"a\":\"\\u12", "unexpected EOF"},
    {"{\"a\":\"b\n\"}", "invalid character '\\n' in string"},
    {"{\"a\":tru}", "invalid character '}' in literal true (expecting 'e')"},
    {"{\"a\":trux", "invalid character 'x' in literal true (expecting 'e')"},
    {"}", "invalid character '}' looking for beginning of value"},
    {"]", "invalid character ']' looking for beginning of value"},
    {"\"abc", "unexpected EOF"},
    {"\"", "unexpected EOF"},
    {"12", "json: cannot unmarshal number into Go value of type map[string]interface {}"},
    {"-12", "json: cannot unmarshal number into Go value of type map[string]interface {}"},
    {"1.5e3", "json: cannot unmarshal number into Go value of type map[string]interface {}"},
    {"{\"policy\":\"x\"}}", "invalid character '}' looking for beginning of value"},
    {"{\"policy\":\"x\"},", "invalid character ',' looking for beginning of value"},
    {"{\"policy\":\"path \\\"a\\\" {}\"} {\"b\":1} [1]", NULL},
    {"{\"policy\":\"path \\\"a\\\" {}\"} [1", NULL},
    {"{\"policy\":\"path \\\"a\\\" {}\"}{\"a\"", NULL},
    {"null null", NULL},
    {"null {\"policy\":\"path \\\"a\\\" {}\"}", NULL},
    {"null x", "invalid character 'x' looking for beginning of value"},
    {"{\"a\":\"\303\251", "unexpected EOF"},
    {"\303\251", "invalid character '\303\251' looking for beginning of value"},
    {"{\303\251", "invalid character '\303\251' looking for beginning of value"},
    {"{\"a\":\342\202\254", "invalid character '\342\202\254' looking for beginning of value"},
    {"{\"a\":\360\237\230\200",
     "invalid character '\360\237\230\200' looking for beginning of value"},
    {"\177", "invalid character '\\x7f' looking for beginning of value"},
    {"{\"a\":\177", "invalid character '\\x7f' looking for beginning of value"},
    {"\302\205", "invalid character '\\u0085' looking for beginning of value"},
    {"\302\240{}", "invalid character '\\u00a0' looking for beginning of value"},
    {"\t\r\n {}", NULL},
    {"\013{}", "invalid character '\\v' looking for beginning of value"},
    {"{\"a\":1}//x", "invalid character '/' looking for beginning of value"},
    {"/*x*/{}", "invalid character '/' looking for beginning of value"},
    {"\\", "invalid character '\\\\' looking for beginning of value"},
    {"{\"a\":-}", "invalid character '}' in numeric literal"},
    {"{\"a\":-a}", "invalid character 'a' in numeric literal"},
    {"{\"a\":1.e}", "invalid character 'e' in numeric literal"},
    {"{\"a\":1ex}", "invalid character 'x' in numeric literal"},
    {"{\"a\":\"x\" ", "unexpected EOF"},
    {"{\"a\":[1 2]}", "invalid character '2' after array element"},
    {"{\"a\":[1,2", "unexpected EOF"},
    {"{\"a\":{\"b\":[{}", "unexpected EOF"},
    {"nan", "invalid character 'a' in literal null (expecting 'u')"},
    {"NaN", "invalid character 'N' looking for beginning of value"},
    {"{\"a\":Infinity}", "invalid character 'I' looking for beginning of value"},
    {"{\"a\":1e999999}", "json: cannot unmarshal number 1e999999 into Go value of type float64"},
    {"{\"a\":1,\"policy\":\"path \\\"a\\\" {}\"}", NULL},
    {"{\"policy\":\"path \\\"a\\\" {}\",\"x\":\"\377\"}", NULL},
    {"\377", "invalid character '\\xff' looking for beginning of value"},
    {"{\"a\":\377", "invalid character '\\xff' looking for beginning of value"},
    {"{\"a\":1, }", "invalid character ',' looking for beginning of value"},
    {"[1, ]", "invalid character ',' looking for beginning of value"},
    {"{\"a\":1,x}", "invalid character 'x' looking for beginning of value"},
    {"{\"a\":1,,", "invalid character ',' looking for beginning of value"},
    {"[,", "invalid character ',' looking for beginning of value"},
    {"[,1]", "invalid character ',' looking for beginning of value"},
    {"{]", "invalid character ']' looking for beginning of value"},
    {"[}", "invalid character '}' looking for beginning of value"},
    {"{\"a\"]", "invalid character ']' after object key"},
    {"{\"a\":1]", "invalid character ']' after object key:value pair"},
    {"[1}", "invalid character '}' after array element"},
    {"{tru:1}", "invalid character ':' in literal true (expecting 'e')"},
    {"{[", "object member name must be a string"},
    {"{null:1}", "object member name must be a string"},
    {"{\"a\",\"b\"}", "invalid character ',' after object key"},
    {"{\"a\":}", "missing value after object key"},
    {"{\"a\"::1}", "invalid character ':' looking for beginning of value"},
    {"{:", "invalid character ':' looking for beginning of value"},
    {"[:]", "invalid character ':' looking for beginning of value"},
    {"[1:2]", "invalid character ':' after array element"},
    {"{\"a\":1:2}", "invalid character ':' after object key:value pair"},
    {"{} \"abc", "unexpected EOF"},
    {"{} nul", "unexpected EOF"},
    {"{} nulx", "invalid character 'x' in literal null (expecting 'l')"},
    {"{} 12", NULL},
    {"{} -", "unexpected EOF"},
    {"{} \"a\001\"", "invalid character '\\x01' in string"},
    {"{} :", "invalid character ':' looking for beginning of value"},
    {"{} {]", "invalid character ']' looking for beginning of value"},
    {"null \"", "unexpected EOF"},
    {"\"\\ud800\"", "json: cannot unmarshal string into Go value of type map[string]interface {}"},
    {"{\"a\":\"\\ud800x\"}", NULL},
    {"{\"a\":\"\\u\"}", "invalid escape sequence `\\u\"}` in string"},
    {"{\"a\":\"\\", "unexpected EOF"},
    {"{\"a\":\"\\u12\"}", "invalid escape sequence `\\u12\"}` in string"},
    {"{\"a\":\"\\u123", "unexpected EOF"},
    {"{\"a\":\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"}", NULL},
    {"{\"a\":1.5.5}", "invalid character '.' after object key:value pair"},
    {"{\"a\":1a}", "invalid character 'a' after object key:value pair"},
    {"{\"a\":00}", "invalid character '0' after object key:value pair"},
    {"{\"a\":-01}", "invalid character '1' after object key:value pair"},
    {"{\"a\":truee}", "invalid character 'e' after object key:value pair"},
    {"{\"a\":null1}", "invalid character '1' after object key:value pair"},
    {"{\"a\":\"x\"1}", "invalid character '1' after object key:value pair"},
    {"{\"a\":1e5000}", "json: cannot unmarshal number 1e5000 into Go value of type float64"},
    {"{\"a\":-1e400}", "json: cannot unmarshal number -1e400 into Go value of type float64"},
    {"{\"a\":0.0000001e-999999}", NULL},
    {"{\"a\":{\"b\":1e400}}", "json: cannot unmarshal number 1e400 into Go value of type float64"},
    {"{\"a\":[1e400]}", "json: cannot unmarshal number 1e400 into Go value of type float64"},
    {"[1e400]", "json: cannot unmarshal number 1e400 into Go value of type float64"},
    {"1e400", "json: cannot unmarshal number 1e400 into Go value of type float64"},
    {"{\"a\":1 2}", "invalid character '2' after object key:value pair"},
    {"{\"a\" \"b\"}", "invalid character '\"' after object key"},
    {"{\"a\":1 {", "invalid character '{' after object key:value pair"},
    {"[1 {", "invalid character '{' after array element"},
    {"{\"a\":1 \001}", "invalid character '\\x01' after object key:value pair"},
    {"[1 \303\251", "invalid character '\303\251' after array element"},
    {"{\"a\"\303\251", "invalid character '\303\251' after object key"},
    {"\"\\\303\251", "invalid escape sequence \"\\\\\\xc3\" in string"},
    {"{\"a\":\"\\\303\251\"}", "invalid escape sequence \"\\\\\\xc3\" in string"},
    {"{\"a\":\"\\\377\"}", "invalid escape sequence \"\\\\\\xff\" in string"},
    {"{\"a\":\"\177\"}", NULL},
    {"{\"a\":\"\t\"}", "invalid character '\\t' in string"},
    {"{\"\n\":1}", "invalid character '\\n' in string"},
    {"{\"a\":1,\"a\":[1,}", "invalid character ',' looking for beginning of value"},
    {"{\"a\":[1,]}", "invalid character ',' looking for beginning of value"},
    {"[[1,],2]", "invalid character ',' looking for beginning of value"},
    {"{\"a\":{\"b\":1,}}", "invalid character ',' looking for beginning of value"},
    {"{\"a\":[,", "invalid character ',' looking for beginning of value"},
    {"{\"a\":1,\"b\"}", "invalid character '}' after object key"},
    {"{\"a\":1,\"b\",", "invalid character ',' after object key"},
    {"{\"a\":1,2:3}", "object member name must be a string"},
    {"{\"a\":1,]", "invalid character ',' looking for beginning of value"},
    {"[1,}", "invalid character ',' looking for beginning of value"},
    {"[1,:", "invalid character ':' looking for beginning of value"},
};

static void each_body_is_judged_as_measured(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(measured); i++) {
        AUTO(json_reader) struct json_reader *r = NULL;
        assert_int_equal(json_reader_new(&r), 0);
        const struct json *value;
        struct fault fault = {""};
        int e = http_body_read(r, STR_NONE, str_from(measured[i].body), &value, &fault);
        const char *error = e ? fault.text + sizeof PREFIX - 1 : NULL;
        bool same = !error == !measured[i].error && (!error || !strcmp(error, measured[i].error));
        if (!same) fail_msg("%s: %s", measured[i].body, fault.text);
    }
}

static void a_nul_is_a_character_like_others(void **state) {
    (void)state;
    struct http_json found;
    struct fault fault;
    assert_int_equal(http_json_look(&found, STR("\0"), &fault), HTTP_JSON_E_BAD);
    assert_string_equal(fault.text,
                        PREFIX "invalid character '\\x00' looking for beginning of value");
    assert_int_equal(http_json_look(&found, STR("{\"a\":\"\0\"}"), &fault), HTTP_JSON_E_BAD);
    assert_string_equal(fault.text, PREFIX "invalid character '\\x00' in string");
}

// {"a": UNIT UNIT ... with what closes it.
static int look_at(const char *unit, const char *last, size_t n, struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(64 << 20);
    buf_addz(&text, "{\"a\":[");
    for (size_t i = 0; i < n; i++) buf_addz(&text, unit);
    buf_addz(&text, last);
    buf_addz(&text, "]}");
    assert_int_equal(text.error, 0);
    struct http_json found;
    return http_json_look(&found, buf_str(&text), fault);
}

static void names_and_strings_are_counted_together(void **state) {
    (void)state;
    struct fault fault = {""};
    assert_int_equal(look_at("\"s\",", "1", HTTP_JSON_STRINGS_MAX - 1, &fault), 0);
    assert_int_equal(look_at("\"s\",", "1", HTTP_JSON_STRINGS_MAX, &fault), HTTP_JSON_E_BAD);
    assert_string_equal(fault.text,
                        "refused JSON input due to high complexity: exceeded maximum number of "
                        "strings");
    assert_int_equal(look_at("{\"k\":1},", "1", HTTP_JSON_STRINGS_MAX - 1, &fault), 0);
    assert_int_equal(look_at("{\"k\":1},", "1", HTTP_JSON_STRINGS_MAX, &fault), HTTP_JSON_E_BAD);
}

static void values_are_bounded(void **state) {
    (void)state;
    struct fault fault = {""};
    assert_int_equal(look_at("1,", "1", HTTP_JSON_VALUES_MAX - 4, &fault), 0);
    assert_int_equal(look_at("1,", "1", HTTP_JSON_VALUES_MAX, &fault), HTTP_JSON_E_BAD);
}

static int look_deep(size_t depth, struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    for (size_t i = 0; i < depth; i++) buf_addc(&text, '[');
    for (size_t i = 0; i < depth; i++) buf_addc(&text, ']');
    struct http_json found;
    return http_json_look(&found, buf_str(&text), fault);
}

static void depth_is_bounded(void **state) {
    (void)state;
    struct fault fault = {""};
    assert_int_equal(look_deep(HTTP_JSON_DEPTH_MAX, &fault), 0);
    assert_int_equal(look_deep(HTTP_JSON_DEPTH_MAX + 1, &fault), HTTP_JSON_E_BAD);
    assert_string_equal(fault.text, PREFIX "exceeded max depth");
}

static void only_the_first_of_several_values_counts(void **state) {
    (void)state;
    struct http_json found;
    struct fault fault = {""};
    assert_int_equal(http_json_look(&found, STR(" {\"a\": 1 } {\"b\"}"), &fault), HTTP_JSON_E_BAD);
    assert_int_equal(http_json_look(&found, STR(" {\"a\": 1 } {\"b\":2} [1"), &fault), 0);
    assert_true(str_eq(found.first, STR("{\"a\": 1 }")));
    assert_int_equal(found.type, '{');
    assert_int_equal(http_json_look(&found, STR(" \t\r\n"), &fault), 0);
    assert_true(found.empty);
    assert_int_equal(http_json_look(&found, STR("-1.5e3 "), &fault), 0);
    assert_true(str_eq(found.first, STR("-1.5e3")));
    assert_int_equal(found.type, '0');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_body_is_judged_as_measured),
        cmocka_unit_test(a_nul_is_a_character_like_others),
        cmocka_unit_test(names_and_strings_are_counted_together),
        cmocka_unit_test(values_are_bounded),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(only_the_first_of_several_values_counts),
    };
    return cmocka_run_group_tests_name("http_json", tests, NULL, NULL);
}
