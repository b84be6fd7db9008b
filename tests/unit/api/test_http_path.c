// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/http-path.h"

static void is_path(const char *target, const char *path, const char *query) {
    AUTO_FINI(http_path) struct http_path p;
    assert_int_equal(http_path_read(&p, str_from(target)), 0);
    if (p.kind != HTTP_PATH_API || !str_eqz(buf_str(&p.path), path))
        fail_msg("%s: kind %d, %.*s", target, (int)p.kind, STR_ARG(buf_str(&p.path)));
    assert_false(p.relative);
    assert_int_equal(!p.query.p, !query);
    if (query) assert_true(str_eqz(p.query, query));
}

static void is_kind(const char *target, enum http_path_kind kind) {
    AUTO_FINI(http_path) struct http_path p;
    assert_int_equal(http_path_read(&p, str_from(target)), 0);
    if (p.kind != kind) fail_msg("%s: kind %d instead of %d", target, (int)p.kind, (int)kind);
}

static void a_path_below_v1_is_decoded_once(void **state) {
    (void)state;
    is_path("/v1/sys/mounts", "sys/mounts", NULL);
    is_path("/v1/", "", NULL);
    is_path("/v1/a/", "a/", NULL);
    is_path("/v1/sys%2Fm%6Funts?list=true", "sys/mounts", "list=true");
    is_path("/v1/a%252e", "a%2e", NULL);
    is_path("/v1/a+b", "a+b", NULL);
    is_path("/v1/a?b?c=%zz", "a", "b?c=%zz");
    is_path("/v1/a?", "a", "");
    is_path("/%76%31/a", "a", NULL);
    is_path("/v1/%2fa", "/a", NULL);
    is_path("http://host:1/v1/a", "a", NULL);
    is_path("/v1/caf\xc3\xa9", "caf\xc3\xa9", NULL);
    is_path("/v1/caf%C3%A9", "caf\xc3\xa9", NULL);
    is_path("/v1/a%ff", "a\xff", NULL);
}

static void what_is_not_below_v1_is_not_found(void **state) {
    (void)state;
    static const char *const rows[] = {
        "/v1",        "/v2/a",    "/V1/a",    "/foo/../v1/a",  "//v1/a", "/v1%2fsys/health",
        "/v1%2f/sys", "/%2fv1/a", "http://x", "http://x?/v1/", "/v1x/a",
    };
    for (size_t i = 0; i < LEN(rows); i++) is_kind(rows[i], HTTP_PATH_NOT_FOUND);
    is_kind("*", HTTP_PATH_SERVER);
}

static void a_target_that_cannot_be_read_is_malformed(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",        "v1/a",    "/v1/a%",    "/v1/a%2",     "/v1/a%zz",
        "/v2/%zz", "/v1/a b", "/v1/a\x01", "/v1/a?b\x7f", "?a",
    };
    for (size_t i = 0; i < LEN(rows); i++) is_kind(rows[i], HTTP_PATH_MALFORMED);
}

static void a_character_without_a_shape_is_refused(void **state) {
    (void)state;
    static const char *const rows[] = {
        "/v1/a%00",       "/v1/a%0a",       "/v1/a%0D",          "/v1/a%7f",
        "/v1/a%c2%85",    "/v1/a%c2%a0",    "/v1/a%e2%80%8b",    "/v1/a%ef%bb%bf",
        "/v1/a%e2%80%ae", "/v1/a%e3%80%80", "/v1/a%f3%a0%80%81",
    };
    for (size_t i = 0; i < LEN(rows); i++) is_kind(rows[i], HTTP_PATH_UNPRINTABLE);
}

static void literal_dots_and_doubled_slashes_are_cleaned_by_a_redirect(void **state) {
    (void)state;
    static const struct {
        const char *target, *location;
    } rows[] = {
        {"/v1/sys/../sys/mounts", "/v1/sys/mounts"},
        {"/v1/sys/./mounts", "/v1/sys/mounts"},
        {"/v1//sys/mounts", "/v1/sys/mounts"},
        {"/v1/sys//mounts", "/v1/sys/mounts"},
        {"/v1/sys/mounts//", "/v1/sys/mounts/"},
        {"/v1/../foo", "/foo"},
        {"/v1/..", "/"},
        {"/v1/../..", "/"},
        {"/v1/.", "/v1/"},
        {"/v1/sys/..", "/v1/"},
        {"/v1/sys/a/../?b=%20", "/v1/sys/?b=%20"},
        {"/v1/%6f//x", "/v1/%6f/x"},
        {"/", "/ui/"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(http_path) struct http_path p;
        assert_int_equal(http_path_read(&p, str_from(rows[i].target)), 0);
        assert_int_equal(p.kind, HTTP_PATH_MOVED);
        if (!str_eqz(buf_str(&p.location), rows[i].location))
            fail_msg("%s: %.*s", rows[i].target, STR_ARG(buf_str(&p.location)));
    }
}

static void encoded_dots_are_noticed(void **state) {
    (void)state;
    static const char *const relative[] = {"/v1/%2e%2e/sys", "/v1/a/%2E", "/v1/a%2f..%2fb",
                                           "/v1/%2e%2e"};
    static const char *const fine[] = {"/v1/a..b", "/v1/..a", "/v1/a%2e%2e", "/v1/a/..."};
    for (size_t i = 0; i < LEN(relative); i++) {
        AUTO_FINI(http_path) struct http_path p;
        assert_int_equal(http_path_read(&p, str_from(relative[i])), 0);
        assert_int_equal(p.kind, HTTP_PATH_API);
        assert_true(p.relative);
    }
    for (size_t i = 0; i < LEN(fine); i++) {
        AUTO_FINI(http_path) struct http_path p;
        assert_int_equal(http_path_read(&p, str_from(fine[i])), 0);
        assert_false(p.relative);
    }
}

static void a_nul_in_the_target_is_no_end(void **state) {
    (void)state;
    AUTO_FINI(http_path) struct http_path p;
    assert_int_equal(http_path_read(&p, STR("/v1/a\0b")), 0);
    assert_int_equal(p.kind, HTTP_PATH_MALFORMED);
}

static void runes_are_read_as_utf_8_or_byte_by_byte(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t rune;
        size_t n;
    } rows[] = {
        {"a", 'a', 1},
        {"\xc3\xa9", 0xE9, 2},
        {"\xe2\x82\xac", 0x20AC, 3},
        {"\xf0\x9f\x98\x80", 0x1F600, 4},
        {"\xff", 0xFFFD, 1},
        {"\xc3", 0xFFFD, 1},
        {"\xc0\x80", 0xFFFD, 1},         // overlong
        {"\xe0\x80\x80", 0xFFFD, 1},     // overlong
        {"\xed\xa0\x80", 0xFFFD, 1},     // surrogate
        {"\xf4\x90\x80\x80", 0xFFFD, 1}, // beyond the last one
        {"\xe2\x82x", 0xFFFD, 1},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        size_t n;
        assert_int_equal(http_rune(str_from(rows[i].text), &n), rows[i].rune);
        assert_int_equal(n, rows[i].n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_below_v1_is_decoded_once),
        cmocka_unit_test(what_is_not_below_v1_is_not_found),
        cmocka_unit_test(a_target_that_cannot_be_read_is_malformed),
        cmocka_unit_test(a_character_without_a_shape_is_refused),
        cmocka_unit_test(literal_dots_and_doubled_slashes_are_cleaned_by_a_redirect),
        cmocka_unit_test(encoded_dots_are_noticed),
        cmocka_unit_test(a_nul_in_the_target_is_no_end),
        cmocka_unit_test(runes_are_read_as_utf_8_or_byte_by_byte),
    };
    return cmocka_run_group_tests_name("http_path", tests, NULL, NULL);
}
