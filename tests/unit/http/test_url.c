// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/url.h"

struct good_row {
    const char *url, *scheme, *host;
    int port;
};

static const struct good_row good[] = {
    {"https://acme.okta.com/api/v1/logs", "https", "acme.okta.com", 443},
    {"https://acme.okta.com", "https", "acme.okta.com", 443},
    {"HTTPS://ACME.Okta.com:443/", "https", "acme.okta.com", 443},
    {"http://127.0.0.1:8080/x?y=https://evil.example/", "http", "127.0.0.1", 8080},
    {"http://localhost", "http", "localhost", 80},
    {"https://[::1]:9/", "https", "[::1]", 9},
    {"https://acme.okta.com?after=1", "https", "acme.okta.com", 443},
    {"https://acme.okta.com/a@b", "https", "acme.okta.com", 443},
};

static void an_origin_has_every_default_filled_in(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(good); i++) {
        struct http_origin o;
        struct fault fault = {{0}};
        if (http_origin_parse(str_from(good[i].url), &o, &fault) != 0)
            fail_msg("%s: %s", good[i].url, fault.text);
        assert_string_equal(o.scheme, good[i].scheme);
        assert_string_equal(o.host, good[i].host);
        assert_int_equal(o.port, good[i].port);
    }
}

static const char *const bad[] = {
    "",
    "acme.okta.com",
    "/api/v1/logs",
    "//acme.okta.com/",
    "ftp://acme.okta.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://",
    "https://%30/",
    "https://acme%2Eokta.com/",
    "https://user@acme.okta.com/",
    "https://user:pass@acme.okta.com/",
    "https://:pass@acme.okta.com/",
    "https://acme.okta.com:0/",
    "https://acme.okta.com:65536/",
    "https://acme.okta.com:x/",
    "https://acme okta.com/",
    "https://acme.okta.com/a b",
    "https://acme.okta.com/a\nHost: evil",
    "https://acme.okta.com\\@evil.example/",
};

static void what_is_no_web_address_is_refused_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(bad); i++) {
        struct http_origin o;
        struct fault fault = {{0}};
        int e = http_origin_parse(str_from(bad[i]), &o, &fault);
        if (e != -EINVAL) fail_msg("%s: accepted, host %s", bad[i], e ? "?" : o.host);
        assert_true(strlen(fault.text) > 10);
        assert_null(strstr(fault.text, "pass@"));
    }
    struct http_origin o;
    assert_int_equal(http_origin_parse((struct str){"https://a\0b/", 12}, &o, NULL), -EINVAL);
}

static void a_host_of_any_length_is_refused_or_fits(void **state) {
    (void)state;
    for (size_t n = 200; n < 300; n++) {
        AUTO_FINI(buf) struct buf url = buf_make(1000);
        buf_addz(&url, "https://");
        for (size_t i = 0; i < n; i++) buf_addc(&url, i % 50 == 49 ? '.' : 'a');
        struct http_origin o;
        int e = http_origin_parse(buf_str(&url), &o, NULL);
        assert_int_equal(e, n < sizeof o.host ? 0 : -EINVAL);
        if (!e) assert_int_equal(strlen(o.host), n);
    }
}

static struct http_origin origin(const char *url) {
    struct http_origin o = {.port = 0};
    assert_int_equal(http_origin_parse(str_from(url), &o, NULL), 0);
    return o;
}

struct pair_row {
    const char *a, *b;
    bool equal;
};

static const struct pair_row pairs[] = {
    {"https://acme.okta.com/x", "https://ACME.okta.com:443/y?z", true},
    {"https://acme.okta.com", "http://acme.okta.com:443", false},
    {"https://acme.okta.com", "https://acme.okta.com:444", false},
    {"https://acme.okta.com", "https://acme.okta.com.evil.example", false},
    {"https://acme.okta.com", "https://acme-okta.com", false},
    {"http://127.0.0.1:80", "http://127.0.0.1", true},
};

static void origins_are_equal_by_scheme_host_and_port(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(pairs); i++) {
        struct http_origin a = origin(pairs[i].a), b = origin(pairs[i].b);
        assert_int_equal(http_origin_eq(&a, &b), pairs[i].equal);
    }
}

static void loopback_is_this_machine_and_nothing_that_looks_like_it(void **state) {
    (void)state;
    static const char *const own[] = {"http://localhost",    "http://x.localhost:1",
                                      "http://[::1]/",       "http://127.0.0.1:9",
                                      "http://127.255.0.3/", "http://127.1/"};
    static const char *const foreign[] = {"http://localhost.evil.example", "http://128.0.0.1",
                                          "http://127.0.0.1.evil.example", "http://[::2]/",
                                          "http://mylocalhost/"};
    for (size_t i = 0; i < LEN(own); i++) {
        struct http_origin o = origin(own[i]);
        assert_true(http_origin_is_loopback(&o));
    }
    for (size_t i = 0; i < LEN(foreign); i++) {
        struct http_origin o = origin(foreign[i]);
        assert_false(http_origin_is_loopback(&o));
    }
}

static void a_query_is_built_with_percent_encoding(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf url = buf_make(1000);
    buf_addz(&url, "https://a/b");
    http_query_add(&url, "limit", STR("10"));
    http_query_add(&url, "since", STR("2026-11-22T10:00:00.000+01:00"));
    http_query_add(&url, "q", STR("a b&c=\xC3\xBC~_-."));
    assert_string_equal(buf_z(&url), "https://a/b?limit=10&since=2026-11-22T10%3A00%3A00.000%2B01"
                                     "%3A00&q=a%20b%26c%3D%C3%BC~_-.");
    buf_reset(&url);
    buf_addz(&url, "https://a/b?");
    http_query_add(&url, "x", STR(""));
    assert_string_equal(buf_z(&url), "https://a/b?x=");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_has_every_default_filled_in),
        cmocka_unit_test(what_is_no_web_address_is_refused_with_a_reason),
        cmocka_unit_test(a_host_of_any_length_is_refused_or_fits),
        cmocka_unit_test(origins_are_equal_by_scheme_host_and_port),
        cmocka_unit_test(loopback_is_this_machine_and_nothing_that_looks_like_it),
        cmocka_unit_test(a_query_is_built_with_percent_encoding),
    };
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
