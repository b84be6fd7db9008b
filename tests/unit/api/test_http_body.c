// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/http-body.h"
#include "api/http-form.h"
#include "json/write.h"

#define FORM "application/x-www-form-urlencoded"

// What the body is read as, written as JSON; "null" for nothing, else the error.
static void is_read(const char *content_type, struct str body, const char *expected) {
    AUTO(json_reader) struct json_reader *r = NULL;
    assert_int_equal(json_reader_new(&r), 0);
    const struct json *value;
    struct fault fault = {""};
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    int e = http_body_read(r, str_from(content_type), body, &value, &fault);
    assert_in_range(e, 0, HTTP_BODY_E_BAD);
    if (e) buf_addz(&text, fault.text);
    else if (!value) buf_addz(&text, "null");
    else assert_int_equal(json_add_value(&text, value), 0);
    if (!str_eqz(buf_str(&text), expected))
        fail_msg("%.*s: %.*s", STR_ARG(body), STR_ARG(buf_str(&text)));
}

static void json_is_taken_whatever_the_type(void **state) {
    (void)state;
    static const char *const types[] = {NULL,
                                        "",
                                        "text/plain",
                                        "application/json; charset=utf-8",
                                        FORM,
                                        "nonsense//",
                                        "multipart/form-data; boundary=x"};
    for (size_t i = 0; i < LEN(types); i++) {
        is_read(types[i], STR("{\"a\":1.50,\"b\":[null,true]}"), "{\"a\":1.50,\"b\":[null,true]}");
        is_read(types[i], STR("  \n{\"a\":\"\xff\"} {"), "{\"a\":\"\xEF\xBF\xBD\"}");
        is_read(types[i], STR(""), "null");
    }
}

static void nothing_and_null_are_the_same(void **state) {
    (void)state;
    is_read(NULL, STR(""), "null");
    is_read(NULL, STR("  \r\n"), "null");
    is_read(NULL, STR("null"), "null");
    is_read(NULL, STR(" null {\"a\":1}"), "null");
    is_read(FORM, STR("&&"), "null");
}

static void a_form_is_an_object_of_strings(void **state) {
    (void)state;
    static const struct {
        const char *body, *expected;
    } rows[] = {
        {"a=1", "{\"a\":\"1\"}"},
        {"a=1&a=2&b=&a=3", "{\"a\":\"1,2,3\",\"b\":\"\"}"},
        {"a=1&b=%20x+y", "{\"a\":\"1\",\"b\":\" x y\"}"},
        {"a", "{\"a\":\"\"}"},
        {"=x", "{\"\":\"x\"}"},
        {"&&a=1&", "{\"a\":\"1\"}"},
        {"  a=1", "{\"  a\":\"1\"}"},
        {"a=1=2", "{\"a\":\"1=2\"}"},
        {"\"a\"=1", "{\"\\\"a\\\"\":\"1\"}"},
        {"null", "{\"null\":\"\"}"},
        {"a[0]=%00", "{\"a[0]\":\"\\u0000\"}"},
        {"a=%ff&b=%C3%A9", "{\"a\":\"\xEF\xBF\xBD\",\"b\":\"\xC3\xA9\"}"},
        {"a=%zz", "error parsing form data"},
        {"%zz=1", "error parsing form data"},
        {"a=1&b=%", "error parsing form data"},
        {"a=1;b=2", "error parsing form data"},
    };
    for (size_t i = 0; i < LEN(rows); i++) is_read(FORM, str_from(rows[i].body), rows[i].expected);
}

static void a_form_is_said_by_the_media_type_alone(void **state) {
    (void)state;
    static const char *const forms[] = {FORM "; charset=utf-8", "Application/X-WWW-Form-URLEncoded",
                                        FORM ";", "  " FORM "  ", FORM "; a=\"b;\\\"c\""};
    static const char *const others[] = {FORM "; x", FORM "x", FORM ",x", ("x/" FORM)};
    for (size_t i = 0; i < LEN(forms); i++) is_read(forms[i], STR("a=1"), "{\"a\":\"1\"}");
    for (size_t i = 0; i < LEN(others); i++)
        is_read(
            others[i], STR("a=1"),
            "failed to decode JSON input: invalid character 'a' looking for beginning of value");
}

static void a_form_has_a_bounded_number_of_pairs(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    for (int i = 0; i <= HTTP_FORM_PAIRS_MAX; i++) buf_addf(&body, "k%d=&", i);
    is_read(FORM, buf_str(&body), "error parsing form data");
}

static void a_patch_names_its_type(void **state) {
    (void)state;
    static const struct {
        const char *type;
        int status;
        const char *text;
    } rows[] = {
        {"application/merge-patch+json", 0, ""},
        {"APPLICATION/MERGE-PATCH+JSON; charset=utf-8", 0, ""},
        {"application/merge-patch+json;", 0, ""},
        {"application/json", 415,
         "PATCH requires Content-Type of application/merge-patch+json, provided application/json"},
        {"x", 415, "PATCH requires Content-Type of application/merge-patch+json, provided x"},
        {"x/", 400, "mime: expected token after slash"},
        {"a/b/c", 400, "mime: unexpected content after media subtype"},
        {"text/plain; a", 400, "mime: invalid media parameter"},
        {"", 400, "mime: no media type"},
        {NULL, 400, "mime: no media type"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fault fault = {""};
        assert_int_equal(http_body_patch_type(str_from(rows[i].type), &fault), rows[i].status);
        assert_string_equal(fault.text, rows[i].text);
    }
}

static void a_query_keeps_what_can_be_read(void **state) {
    (void)state;
    static const struct {
        const char *query, *json;
        bool keep_list, help, list, bad;
    } rows[] = {
        {"a=1&b=2", "{\"a\":\"1\",\"b\":\"2\"}", false, false, false, false},
        {"a=1&b=x&a=2", "{\"a\":[\"1\",\"2\"],\"b\":\"x\"}", false, false, false, false},
        {"a=%zz&b=1;c=2&d=+", "{\"d\":\" \"}", false, false, false, false},
        {"help=1&a=1", "{\"a\":\"1\"}", false, true, false, false},
        {"help=", "{}", false, false, false, false},
        {"list=True", "{}", false, false, true, false},
        {"list=TRUE&list=false", "{}", false, false, true, false},
        {"list=0", "{}", false, false, false, false},
        {"list", "{}", false, false, false, false},
        {"list=maybe", "{}", false, false, false, true},
        {"list=maybe", "{\"list\":\"maybe\"}", true, false, false, true},
        {"", "{}", false, false, false, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct http_query q;
        AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
        assert_int_equal(http_query_write(&q, &out, str_from(rows[i].query), rows[i].keep_list), 0);
        if (!str_eqz(buf_str(&out), rows[i].json))
            fail_msg("%s: %.*s", rows[i].query, STR_ARG(buf_str(&out)));
        assert_int_equal(q.help, rows[i].help);
        assert_int_equal(q.list, rows[i].list);
        assert_int_equal(q.list_bad, rows[i].bad);
        assert_int_equal(q.any, strcmp(rows[i].json, "{}") != 0);
    }
}

static void bools_are_spelled_as_in_go(void **state) {
    (void)state;
    static const char *const others[] = {"", "yes", "tRUE", "2", " 1", "truE", "on"};
    bool value = false;
    assert_true(http_bool(STR("T"), &value) && value);
    assert_true(http_bool(STR("False"), &value) && !value);
    for (size_t i = 0; i < LEN(others); i++) assert_false(http_bool(str_from(others[i]), &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_taken_whatever_the_type),
        cmocka_unit_test(nothing_and_null_are_the_same),
        cmocka_unit_test(a_form_is_an_object_of_strings),
        cmocka_unit_test(a_form_is_said_by_the_media_type_alone),
        cmocka_unit_test(a_form_has_a_bounded_number_of_pairs),
        cmocka_unit_test(a_patch_names_its_type),
        cmocka_unit_test(a_query_keeps_what_can_be_read),
        cmocka_unit_test(bools_are_spelled_as_in_go),
    };
    return cmocka_run_group_tests_name("http_body", tests, NULL, NULL);
}
