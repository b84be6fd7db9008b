// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/http-headers.h"
#include "identity/list.h"

enum { LINES_MAX = 8 };

struct lines {
    const char *line[LINES_MAX]; // "Name: value", as a client would send them
};

static struct http_headers read_lines(const struct lines *l) {
    struct http_headers h = http_headers_make();
    for (size_t i = 0; i < LINES_MAX && l->line[i]; i++) {
        struct str value = str_from(l->line[i]), name = str_split(&value, ':');
        http_headers_add(&h, name, value);
    }
    return h;
}

static void the_first_token_counts_and_wins_over_a_bearer(void **state) {
    (void)state;
    static const struct {
        struct lines lines;
        const char *token; // NULL: none
    } rows[] = {
        {{{"X-Vault-Token: root"}}, "root"},
        {{{"x-vault-token:\t root \t"}}, "root"},
        {{{"X-Vault-Token: root", "X-Vault-Token: bad"}}, "root"},
        {{{"X-Vault-Token: ", "X-Vault-Token: root"}}, NULL},
        {{{"X-Vault-Token: ", "Authorization: Bearer b"}}, "b"},
        {{{"X-Vault-Token: a", "Authorization: Bearer b"}}, "a"},
        {{{"Authorization: Bearer  root "}}, "root"},
        {{{"Authorization: bearer root"}}, NULL},
        {{{"Authorization: Bearer\troot"}}, NULL},
        {{{"Authorization: Bearerroot"}}, NULL},
        {{{"Authorization: Bearer"}}, NULL},
        {{{"Authorization: Basic x", "Authorization: Bearer root"}}, "root"},
        {{{"X-Vault-Tokens: root"}}, NULL},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(http_headers) struct http_headers h = read_lines(&rows[i].lines);
        struct str token = http_headers_token(&h);
        if (!token.p != !rows[i].token || !str_eq(token, str_from(rows[i].token)))
            fail_msg("%s: %.*s", rows[i].lines.line[0], STR_ARG(token));
    }
}

static void mfa_lines_make_a_list_of_methods_and_credentials(void **state) {
    (void)state;
    const struct lines lines = {{"X-Vault-MFA: duo", "X-Vault-MFA: a:passcode=1",
                                 "X-Vault-MFA:", "X-Vault-MFA: a:b:c", "X-Vault-Request: true"}};
    AUTO_FINI(http_headers) struct http_headers h = read_lines(&lines);
    static const char *const expected[] = {"duo", "", "a", "passcode=1", "a", "b:c"};
    struct str rest = buf_str(&h.mfa), item;
    for (size_t i = 0; i < LEN(expected); i++) {
        assert_true(list_next(&rest, &item));
        assert_true(str_eqz(item, expected[i]));
    }
    assert_false(list_next(&rest, &item));
    assert_null(h.mfa_fault);
}

#define MFA_BAD                                                                                    \
    "failed to parse X-Vault-MFA header: invalid data in header \"X-Vault-MFA\"; missing "

static void a_bad_mfa_line_says_what_is_missing(void **state) {
    (void)state;
    static const struct {
        struct lines lines;
        const char *text;
    } rows[] = {
        {{{"X-Vault-MFA: :1"}}, MFA_BAD "method name or ID"},
        {{{"X-Vault-MFA: :"}}, MFA_BAD "method name or ID"},
        {{{"X-Vault-MFA: m:"}}, MFA_BAD "method value"},
        {{{"X-Vault-MFA: m: "}}, MFA_BAD "method value"},
        {{{"X-Vault-MFA: a:1", "X-Vault-MFA: m:", "X-Vault-MFA: :"}}, MFA_BAD "method value"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(http_headers) struct http_headers h = read_lines(&rows[i].lines);
        assert_string_equal(h.mfa_fault, rows[i].text);
    }
}

#define WRAP_BAD "error parsing X-Vault-Wrap-TTL header: "

static void a_wrap_ttl_is_seconds_or_a_duration(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
        const char *error; // NULL: fine
    } rows[] = {
        {"", 0, NULL},
        {"0", 0, NULL},
        {"60", 60, NULL},
        {"+5", 5, NULL},
        {"-0", 0, NULL},
        {"60s", 60, NULL},
        {"1m30s", 90, NULL},
        {"1.5h", 5400, NULL},
        {"1d", 86400, NULL},
        {"500ms", 0, NULL},
        {"-5", 0, "requested wrap ttl cannot be negative"},
        {"-5s", 0, "requested wrap ttl cannot be negative"},
        {"abc", 0, "time: invalid duration \"abc\""},
        {"s", 0, "time: invalid duration \"s\""},
        {".", 0, "time: invalid duration \".\""},
        {"1.5", 0, "time: missing unit in duration \"1.5\""},
        {"5x", 0, "time: unknown unit \"x\" in duration \"5x\""},
        {"1h-3m", 0, "time: unknown unit \"h-\" in duration \"1h-3m\""},
        {"99999999999999999999", 0, "time: invalid duration \"99999999999999999999\""},
        {"9223372036854775807s", 0, "time: invalid duration \"9223372036854775807s\""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fault fault = {""};
        int64_t seconds = -1;
        int e = http_headers_wrap_ttl(str_from(rows[i].text), &seconds, &fault);
        if (!e && seconds != rows[i].seconds)
            fail_msg("%s: %lld", rows[i].text, (long long)seconds);
        if (!e == !rows[i].error &&
            (!e || !strcmp(fault.text + sizeof WRAP_BAD - 1, rows[i].error)))
            continue;
        fail_msg("%s: %s", rows[i].text, fault.text);
    }
}

static void framing_in_doubt_is_refused(void **state) {
    (void)state;
    static const struct {
        struct lines lines;
        bool fine, fine_in_1_0;
    } rows[] = {
        {{{"Host: x"}}, true, true},
        {{{"Host: x", "Content-Length: 12"}}, true, true},
        {{{"Host: x", "Transfer-Encoding: chunked"}}, true, false},
        {{{"Host: x", "transfer-encoding: Chunked"}}, true, false},
        {{{NULL}}, false, true},
        {{{"Host: x", "Host: y"}}, false, false},
        {{{"Host: x", "Content-Length: 1", "Content-Length: 1"}}, false, false},
        {{{"Host: x", "Content-Length: 1", "Transfer-Encoding: chunked"}}, false, false},
        {{{"Host: x", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"}}, false, false},
        {{{"Host: x", "Transfer-Encoding: identity"}}, false, false},
        {{{"Host: x", "Transfer-Encoding: gzip, chunked"}}, false, false},
        {{{"Host: x", "Transfer-Encoding: \vchunked"}}, false, false},
        {{{"Host: x", "Content-Length: +1"}}, false, false},
        {{{"Host: x", "Content-Length: 1, 1"}}, false, false},
        {{{"Host: x", "Content-Length:"}}, false, false},
        {{{"Host: x", "Content-Length: 18446744073709551616"}}, false, false},
        {{{"Host: x", "X-A : b"}}, false, false},
        {{{"Host: x", " X-A: b"}}, false, false},
        {{{"Host: x", ": b"}}, false, false},
        {{{"Host: x", "X(A: b"}}, false, false},
        {{{"Host: x", "X-A: a\rb"}}, false, false},
        {{{"Host: x", "X-A: a\x01"}}, false, false},
        {{{"Host: x", "X-A: caf\xc3\xa9 \t x"}}, true, true},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(http_headers) struct http_headers h = read_lines(&rows[i].lines);
        if (http_headers_framing_ok(&h, false) != rows[i].fine ||
            http_headers_framing_ok(&h, true) != rows[i].fine_in_1_0)
            fail_msg("row %zu", i);
    }
}

static void the_rest_is_taken_as_sent(void **state) {
    (void)state;
    const struct lines lines = {{"X-Vault-Namespace: ns1/", "X-Vault-Namespace: other",
                                 "Content-Type: a/b; c=d", "X-Vault-Wrap-Format: jwt",
                                 "Expect: 100-Continue", "Content-Length: 7",
                                 "User-Agent: curl/8 (x)", "User-Agent: y"}};
    AUTO_FINI(http_headers) struct http_headers h = read_lines(&lines);
    assert_true(str_eqz(h.namespace, "ns1/"));
    assert_true(str_eqz(h.content_type, "a/b; c=d"));
    assert_true(str_eqz(h.wrap_format, "jwt"));
    assert_true(h.expects_continue);
    assert_int_equal(h.content_length, 7);
    assert_true(str_eqz(h.user_agent, "curl/8 (x)"));
}

static void all_lines_of_proxies_are_one_list(void **state) {
    (void)state;
    static const struct {
        struct lines lines;
        const char *forwarded;
    } rows[] = {
        {{{"Host: x"}}, ""},
        {{{"X-Forwarded-For: a, b"}}, "a, b"},
        {{{"X-Forwarded-For: a", "x-forwarded-for:  b\t", "Host: x", "X-FORWARDED-FOR: c"}},
         "a,b,c"},
        {{{"X-Forwarded-For: a", "X-Forwarded-For:"}}, "a,"},
        {{{"X-Forwarded-Host: a", "Forwarded: for=b"}}, ""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(http_headers) struct http_headers h = read_lines(&rows[i].lines);
        if (!str_eqz(buf_str(&h.forwarded), rows[i].forwarded))
            fail_msg("row %zu: %.*s", i, STR_ARG(buf_str(&h.forwarded)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_token_counts_and_wins_over_a_bearer),
        cmocka_unit_test(mfa_lines_make_a_list_of_methods_and_credentials),
        cmocka_unit_test(a_bad_mfa_line_says_what_is_missing),
        cmocka_unit_test(a_wrap_ttl_is_seconds_or_a_duration),
        cmocka_unit_test(framing_in_doubt_is_refused),
        cmocka_unit_test(the_rest_is_taken_as_sent),
        cmocka_unit_test(all_lines_of_proxies_are_one_list),
    };
    return cmocka_run_group_tests_name("http_headers", tests, NULL, NULL);
}
